/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic over names in data files: "(drops + polls) / 64", "burst_loss(frames, gap, service, 255, 1)".
 *
 *   sum      product {+ product | - product}
 *   product  operand {* operand | / operand}
 *   operand  a number, a share such as 5%, a name, (sum), or a closed form (sim/lab/closed_form.h) with its arguments
 *
 * + * ( ) , stand anywhere; - and / stand between blanks, since names hold them: "app_in_window/s", "drop:A-B". */
#ifndef SIM_LAB_EXPRESSION_H
#define SIM_LAB_EXPRESSION_H

#include <stddef.h>

/* The value of a name, NAN if it has none. */
typedef double expression_lookup(void *user, const char *name);

/* The value in `value`; 0, or -1 with NAN and a sentence in `why` if the text is no expression or a name has no value.
 * `lookup` may be NULL: no names. */
int expression_value(const char *text, expression_lookup *lookup, void *user, double *value, char *why, size_t size);

#endif
