/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the text of a varied value becomes in a column of the database: a number with its unit where that
 * can be plotted and compared, else the text. */
#ifndef SIM_STORE_AXIS_H
#define SIM_STORE_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the plain decimal number a value begins with, if only a unit follows ("50us": 2, "300": 3);
 * 0 if the value is a text ("0-3", "mlx5", "10,20"). The unit is what follows. */
size_t axis_number(const char *text);

/* The unit in which all values of an axis can be given as numbers: their common one, or where they mix
 * units of one family ("500ns", "1us") the smallest of these; "" for plain numbers. NULL: keep the
 * texts. */
const char *axis_unit(const char *key, char *const *value, int values);

/* The value of `text` as a number in `unit`, one that axis_unit gave. `whole` says that *integer holds it
 * exactly, else it is the returned number. */
double axis_value(const char *text, const char *unit, bool *whole, int64_t *integer);

#endif
