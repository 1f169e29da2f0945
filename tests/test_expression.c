/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/expression.h"

#include <math.h>
#include <string.h>

#include "tests/suite.h"

static double named(void *user, const char *name)
{
    (void)user;
    return strcmp(name, "polls/s") == 0 ? 6 : strcmp(name, "drop:A-B") == 0 ? 2 : NAN;
}

static double value(const char *text)
{
    return expression(text, named, NULL);
}

START_TEST(arithmetic_is_as_usual)
{
    static const struct { const char *text; double value; } expected[] = {
        { "3", 3 }, { " 1.5 ", 1.5 }, { "1 + 2 * 3", 7 }, { "8 - 2 - 1", 5 }, { "8 / 2 / 2", 2 },
        { "( 1 + 2 ) * 3", 9 }, { "2 * ( ( 4 ) )", 8 }, { "-1 + 2", 1 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(value(expected[i].text) == expected[i].value, "%s", expected[i].text);
}
END_TEST

/* Operators stand between blanks, so names may hold them. */
START_TEST(names_may_hold_anything_but_blanks)
{
    ck_assert(value("polls/s / drop:A-B") == 3);
    ck_assert(value("polls/s - drop:A-B * 2") == 2);
}
END_TEST

START_TEST(what_is_no_expression_has_no_value)
{
    static const char *const wrong[] = {
        "", " ", "1 +", "+ 1", "( 1", "1 )", "1 2", "( )", "unknown", "1 + unknown", "2 *",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(isnan(value(wrong[i])), "%s", wrong[i]);
}
END_TEST

START_TEST(endless_nesting_ends)
{
    char text[4096] = "";

    for (int i = 0; i < 1000; i++)
        strcat(text, "( ");
    ck_assert(isnan(value(text)));
}
END_TEST

SUITE(expression, arithmetic_is_as_usual, names_may_hold_anything_but_blanks, what_is_no_expression_has_no_value,
      endless_nesting_ends)
