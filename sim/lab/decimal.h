/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decimal numbers with a unit behind them, exact: "14.88Mpps" is 1488 with two decimals and the unit "Mpps". What ranges of
 * values step through without knowing what the unit means. */
#ifndef SIM_LAB_DECIMAL_H
#define SIM_LAB_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_DIGITS = 15 };   /* so many are exact in a double, which equal ratios need */

struct decimal {
    int64_t digits;             /* >= 0 */
    int decimals;               /* how many of them stand behind the point */
    char unit[24];
};

/* The first `length` characters of a text. False: no number, more digits than DECIMAL_DIGITS, or digits in the unit. */
bool decimal_parse(const char *text, size_t length, struct decimal *d);
/* The same number with at least so many decimals; false if it does not fit. */
bool decimal_rescale(struct decimal *d, int decimals);
/* Prints without the zeros behind the point that say nothing; returns what snprintf() does. */
int decimal_print(int64_t digits, int decimals, const char *unit, char *buffer, size_t size);

#endif
