/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"

static const char text[] =
    "id,n,gap,share,pairs,whole,formula,loop,wrong,word\n"
    "a,3,67.2,5%,queue_0:300 queue_1:7,300.0,\"md1_sojourn(10, n)\",\"md1_sojourn(formula, 1)\",\"md1(n, 1)\",none\n"
    "a,4,,,,,,,,other\n";

static struct table_file rows;

static void begin(void)
{
    char path[] = "/tmp/rxsim-cells-XXXXXX";
    struct messages m = { 0 };
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    CHECK_EQ(write(file, text, strlen(text)), (long)strlen(text));
    close(file);
    CHECK_EQ(table_file_read(&rows, path, &m), 0);
    unlink(path);
}

static void end(void)
{
    table_file_free(&rows);
}

/* M/D/1 at rho = 0.3: 3 + 3 x 0.3 / 1.4. */
START_TEST(a_cell_is_a_number_a_share_or_a_formula)
{
    begin();
    ck_assert_double_eq(cell_number(&rows, 0, "gap"), 67.2);
    ck_assert_double_eq(cell_number(&rows, 0, "share"), 0.05);
    ck_assert_double_eq_tol(cell_number(&rows, 0, "formula"), 3 + 0.9 / 1.4, 1e-12);
    ck_assert(isnan(cell_number(&rows, 0, "word")));
    ck_assert(isnan(cell_number(&rows, 1, "gap")));            /* empty */
    ck_assert(isnan(cell_number(&rows, 0, "nowhere")));
    end();
}
END_TEST

START_TEST(a_formula_that_cannot_be_worked_out_is_told_from_a_missing_number)
{
    char why[256];

    begin();
    CHECK_EQ(cell_check(&rows, 0, "formula", why, sizeof why), 0);
    CHECK_EQ(cell_check(&rows, 0, "word", why, sizeof why), 0);
    CHECK_EQ(cell_check(&rows, 0, "loop", why, sizeof why), -1);       /* its argument is a formula */
    ck_assert_ptr_nonnull(strstr(why, "formula is no number"));
    CHECK_EQ(cell_check(&rows, 0, "wrong", why, sizeof why), -1);
    ck_assert_ptr_nonnull(strstr(why, "no closed form md1"));
    end();
}
END_TEST

START_TEST(texts_are_filled_from_the_row)
{
    static const struct { const char *text, *filled; } row[] = {
        { "as it is", "as it is" }, { "{}us", "12us" }, { "{word}/{n}", "none/3" }, { "{n*10+2}ns", "32ns" },
        { "{pairs.queue_0 - n}", "297" }, { "{pairs.queue_1}", "7" }, { "{whole}", "300.0" }, { "{whole+0}", "300" },
    };
    static const struct { const char *text, *why; } wrong[] = {
        { "{gap*2}", "no whole number" }, { "{word+1}", "word is no number" }, { "{n", "cannot fill in {n" },
        { "{pairs.queue_2}", "is no number" }, { "{nowhere}", "nowhere is no number" },
    };
    char why[256];

    begin();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char *filled = cell_fill(row[i].text, "12", &rows, 0, why, sizeof why);
        ck_assert_msg(filled && strcmp(filled, row[i].filled) == 0, "%s", row[i].text);
        free(filled);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_ptr_null(cell_fill(wrong[i].text, NULL, &rows, 0, why, sizeof why));
        ck_assert_msg(strstr(why, wrong[i].why) != NULL, "%s: %s", wrong[i].text, why);
    }
    end();
}
END_TEST

START_TEST(rows_match_and_agree)
{
    char *id[] = { (char[]){ "id" }, NULL }, *both[] = { (char[]){ "id" }, (char[]){ "n" }, NULL };

    begin();
    ck_assert(cell_matches(&rows, 0, "word", "n*") && !cell_matches(&rows, 1, "word", "n*"));
    ck_assert(cell_matches(&rows, 0, NULL, NULL) && !cell_matches(&rows, 0, "nowhere", "*"));
    ck_assert(cell_agree(&rows, 0, 1, id) && !cell_agree(&rows, 0, 1, both));
    end();
}
END_TEST

SUITE(cell, a_cell_is_a_number_a_share_or_a_formula, a_formula_that_cannot_be_worked_out_is_told_from_a_missing_number,
      texts_are_filled_from_the_row, rows_match_and_agree)
