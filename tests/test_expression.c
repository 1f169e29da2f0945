/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/expression.h"

#include <math.h>
#include <string.h>

#include "tests/suite.h"

static double named(void *user, const char *name)
{
    (void)user;
    return strcmp(name, "polls/s") == 0 ? 6 : strcmp(name, "drop:A-B") == 0 ? 2 : strcmp(name, "n") == 0 ? 7 : NAN;
}

static double value(const char *text)
{
    char why[256];
    double x;

    expression_value(text, named, NULL, &x, why, sizeof why);
    return x;
}

START_TEST(arithmetic_is_as_usual)
{
    static const struct { const char *text; double value; } expected[] = {
        { "3", 3 }, { " 1.5 ", 1.5 }, { "1 + 2 * 3", 7 }, { "8 - 2 - 1", 5 }, { "8 / 2 / 2", 2 },
        { "( 1 + 2 ) * 3", 9 }, { "2 * ((4))", 8 }, { "-1 + 2", 1 }, { "1+2*3", 7 }, { "n*10+n", 77 }, { "(n+1)*2", 16 },
        { "5%", 0.05 }, { "20% * 5", 1 }, { "1e3", 1000 }, { "1e+3+1", 1001 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(value(expected[i].text) == expected[i].value, "%s", expected[i].text);
}
END_TEST

/* + * and parentheses stand anywhere, - and / between blanks: names hold those. */
START_TEST(names_may_hold_strokes)
{
    ck_assert(value("polls/s / drop:A-B") == 3);
    ck_assert(value("polls/s - drop:A-B*2") == 2);
    ck_assert(value("polls/s+drop:A-B") == 8);
}
END_TEST

START_TEST(what_is_no_expression_has_no_value)
{
    static const char *const wrong[] = {
        "", " ", "1 +", "+ 1", "( 1", "1 )", "1 2", "( )", "unknown", "1 + unknown", "2 *", "n-1", "1 -1", "3x", "5 %", "-",
        "n(1)", "1,2",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(isnan(value(wrong[i])), "%s", wrong[i]);
}
END_TEST

START_TEST(endless_nesting_ends)
{
    char text[4096] = "";

    for (int i = 0; i < 1000; i++)
        strcat(text, "(");
    ck_assert(isnan(value(text)));
}
END_TEST

SUITE(expression, arithmetic_is_as_usual, names_may_hold_strokes, what_is_no_expression_has_no_value,
      endless_nesting_ends)
