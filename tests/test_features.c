/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The coverage table, scenarios/features.csv: complete, and naming tests and lines of code that are there. That each test
 * fails with its line broken is tests/mutants.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/table_file.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* Mechanisms in each group of the table. */
static const struct { char letter; int rows; } groups[] = {
    { 'A', 11 }, { 'B', 24 }, { 'C', 17 }, { 'D', 22 }, { 'E', 12 }, { 'F', 12 }, { 'G', 8 }, { 'H', 19 }, { 'I', 34 },
    { 'J', 17 }, { 'K', 16 }, { 'M', 8 }, { 'N', 8 },
};

static struct table_file table;

static const char *cell(int row, const char *column)
{
    const char *text = table_file_cell(&table, row, column);

    ck_assert_msg(text != NULL, "features.csv has no column %s", column);
    return text;
}

static void read_table(void)
{
    struct messages m = { 0 };
    char path[512];

    snprintf(path, sizeof path, "%s/features.csv", machine_data_dir());
    ck_assert_msg(table_file_read(&table, path, &m) == 0, "%s", m.text);
    messages_free(&m);
}

/* A source file beside the scenarios, whole. The caller frees it. */
static char *source(const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/../%s", machine_data_dir(), name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "there is no %s", name);
    ck_assert(fseek(f, 0, SEEK_END) == 0);
    long size = ftell(f);
    char *text = calloc(1, (size_t)size + 1);
    rewind(f);
    ck_assert(fread(text, 1, (size_t)size, f) == (size_t)size);
    fclose(f);
    return text;
}

static int occurrences(const char *text, const char *what)
{
    int n = 0;

    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

START_TEST(every_mechanism_stands_once_and_in_order)
{
    int row = 0;

    read_table();
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (int n = 1; n <= groups[g].rows; n++, row++) {
            char id[16];
            snprintf(id, sizeof id, "%c%02d", groups[g].letter, n);
            ck_assert_msg(row < table.rows, "%s is missing", id);
            ck_assert_str_eq(cell(row, "id"), id);
        }
    }
    CHECK_EQ(table.rows, row);
    table_file_free(&table);
}
END_TEST

START_TEST(every_test_it_names_is_there)
{
    char file[128], start[256];

    read_table();
    for (int i = 0; i < table.rows; i++) {
        const char *test = cell(i, "test"), *colon = strchr(test, ':');
        if (!*test)
            continue;
        ck_assert_msg(colon != NULL, "%s: %s is not suite:test", cell(i, "id"), test);
        snprintf(file, sizeof file, "tests/test_%.*s.c", (int)(colon - test), test);
        snprintf(start, sizeof start, "START_TEST(%s)", colon + 1);
        char *text = source(file);
        ck_assert_msg(occurrences(text, start) == 1, "%s: %s has no %s", cell(i, "id"), file, start);
        free(text);
    }
    table_file_free(&table);
}
END_TEST

/* "models/rps.c|old|new": the old text stands exactly once, or the mutant would be another than was meant. */
START_TEST(every_line_it_breaks_is_there_once)
{
    char file[128], old[512];

    read_table();
    for (int i = 0; i < table.rows; i++) {
        const char *id = cell(i, "id"), *at = cell(i, "break");
        ck_assert_msg(!*at == !*cell(i, "test"), "%s: a test and the line that breaks it go together", id);
        if (!*at)
            continue;
        const char *bar = strchr(at, '|'), *end = bar ? strchr(bar + 1, '|') : NULL;
        ck_assert_msg(end && !strchr(end + 1, '|'), "%s: %s is not file|old|new", id, at);
        snprintf(file, sizeof file, "%.*s", (int)(bar - at), at);
        snprintf(old, sizeof old, "%.*s", (int)(end - bar - 1), bar + 1);
        ck_assert_msg(strcmp(old, end + 1) != 0, "%s changes nothing", id);
        char *text = source(file);
        ck_assert_msg(occurrences(text, old) == 1, "%s: '%s' stands %d times in %s", id, old, occurrences(text, old), file);
        free(text);
    }
    table_file_free(&table);
}
END_TEST

/* What has no test says why; and that is the exception. */
START_TEST(nine_of_ten_mechanisms_are_shown)
{
    int shown = 0;

    read_table();
    for (int i = 0; i < table.rows; i++) {
        bool test = *cell(i, "test") != '\0';
        ck_assert_msg(test != (*cell(i, "why_not") != '\0'), "%s: a test, or the reason why it is not modelled", cell(i, "id"));
        shown += test;
    }
    ck_assert_msg(shown * 10 >= table.rows * 9, "%d of %d", shown, table.rows);
    table_file_free(&table);
}
END_TEST

SUITE(features, nine_of_ten_mechanisms_are_shown, every_mechanism_stands_once_and_in_order, every_test_it_names_is_there, every_line_it_breaks_is_there_once)
