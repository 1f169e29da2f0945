/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/table_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"

static struct table_file table;
static char said[512];

/* Reads a file that holds `text`; what table_file_read() returns, its messages in `said` without the file's
 * name. */
static int read_bytes(const char *text, size_t length)
{
    char path[] = P_tmpdir "/rxsim-table-XXXXXX";
    struct messages m = { 0 };
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    CHECK_EQ(write(file, text, length), (ssize_t)length);
    CHECK_EQ(close(file), 0);
    int failed = table_file_read(&table, path, &m);
    unlink(path);
    ck_assert_str_eq(table.name, path);
    if (failed)
        ck_assert_msg(m.text && strncmp(m.text, path, strlen(path)) == 0, "%s", m.text ? m.text : "nothing said");
    else
        ck_assert_msg(!m.text || !*m.text, "%s", m.text);
    snprintf(said, sizeof said, "%s", failed ? m.text + strlen(path) : "");
    messages_free(&m);
    return failed;
}

static int read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

START_TEST(cells_are_found_by_row_and_column)
{
    CHECK_EQ(read_text("id,rate,loss\na,1,0.5\nb,,7\n"), 0);
    CHECK_EQ(table.columns, 3);
    CHECK_EQ(table.rows, 2);
    CHECK_EQ(table_file_column(&table, "loss"), 2);
    CHECK_EQ(table_file_column(&table, "los"), -1);
    ck_assert_str_eq(table_file_cell(&table, 0, "rate"), "1");
    ck_assert_str_eq(table_file_cell(&table, 1, "rate"), "");
    ck_assert_str_eq(table_file_cell(&table, 1, "loss"), "7");
    ck_assert_ptr_null(table_file_cell(&table, 0, "none"));
    CHECK_EQ(table.line[0], 2);
    CHECK_EQ(table.line[1], 3);
    table_file_free(&table);
    CHECK_EQ(table.rows, 0);
}
END_TEST

/* RFC 4180: a comma, a quote (doubled) and a line break may stand in quotes. */
START_TEST(quotes_protect_commas_quotes_and_line_breaks)
{
    CHECK_EQ(read_text("id,\"a, b\"\n\"x,y\",\"say \"\"no\"\"\"\n\"two\nlines\",\"\"\n"), 0);
    ck_assert_str_eq(table.column[1], "a, b");
    ck_assert_str_eq(table_file_cell(&table, 0, "id"), "x,y");
    ck_assert_str_eq(table_file_cell(&table, 0, "a, b"), "say \"no\"");
    ck_assert_str_eq(table_file_cell(&table, 1, "id"), "two\nlines");
    ck_assert_str_eq(table_file_cell(&table, 1, "a, b"), "");
    table_file_free(&table);
}
END_TEST

/* Lines may end as on other systems, and the last one with the file. */
START_TEST(line_ends_are_of_either_kind_or_missing)
{
    CHECK_EQ(read_text("id,n\r\na,1\r\nb,2"), 0);
    CHECK_EQ(table.rows, 2);
    ck_assert_str_eq(table_file_cell(&table, 0, "n"), "1");
    ck_assert_str_eq(table_file_cell(&table, 1, "n"), "2");
    table_file_free(&table);
}
END_TEST

START_TEST(a_table_may_have_no_rows)
{
    CHECK_EQ(read_text("id,n\n"), 0);
    CHECK_EQ(table.columns, 2);
    CHECK_EQ(table.rows, 0);
    table_file_free(&table);
}
END_TEST

/* 1000 rows and 200 columns: more than what is made room for at first. */
START_TEST(a_table_grows_as_it_must)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    ck_assert_ptr_nonnull(out);
    for (int row = -1; row < 1000; row++)
        for (int c = 0; c < 200; c++)
            fprintf(out, "%s%d%s", row < 0 ? "c" : "", row < 0 ? c : row * 200 + c, c == 199 ? "\n" : ",");
    fclose(out);
    CHECK_EQ(read_bytes(text, length), 0);
    free(text);
    CHECK_EQ(table.rows, 1000);
    ck_assert_str_eq(table_file_cell(&table, 999, "c199"), "199999");
    ck_assert_str_eq(table_file_cell(&table, 500, "c7"), "100007");
    CHECK_EQ(table.line[999], 1001);
    table_file_free(&table);
}
END_TEST

START_TEST(a_broken_table_is_told_by_line)
{
    static const struct { const char *text, *why; } row[] = {
        { "", ":0: the table is empty: its first line names the columns\n" },
        { "\n\n", ":0: the table is empty: its first line names the columns\n" },
        { "a,b\n1,2\n3\n", ":3: 1 cells where the first line names 2 columns\n" },
        { "a,b\n1,2,3\n4,5\n", ":2: 3 cells where the first line names 2 columns\n" },
        { "a,b\n1,2\n3,4,5", ":3: 3 cells where the first line names 2 columns\n" },
        { "a,b,a\n1,2,3\n", ":1: the column a stands twice\n" },
        { "a,b\n1,x\"y\n", ":1: " },            /* a quote inside a cell without quotes */
        { "a,b\n1,\"y\n", ":1: " },             /* one that is never closed */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK_EQ(read_text(row[i].text), -1);
        ck_assert_msg(strncmp(said, row[i].why, strlen(row[i].why)) == 0, "%s: %s", row[i].text, said);
        table_file_free(&table);
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
    struct messages m = { 0 };

    CHECK_EQ(table_file_read(&table, "/nowhere/rows.csv", &m), -1);
    ck_assert_ptr_nonnull(strstr(m.text, "/nowhere/rows.csv: No such file"));
    messages_free(&m);
    table_file_free(&table);
}
END_TEST

SUITE(table_file, cells_are_found_by_row_and_column, quotes_protect_commas_quotes_and_line_breaks,
      line_ends_are_of_either_kind_or_missing, a_table_may_have_no_rows, a_table_grows_as_it_must,
      a_broken_table_is_told_by_line, a_file_that_is_not_there_is_told)
