/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic over names in data files: "( drops + polls ) / col:bursts". Words stand between blanks, so a name may hold
 * any other character; + - * / and parentheses as usual. */
#ifndef SIM_LAB_EXPRESSION_H
#define SIM_LAB_EXPRESSION_H

/* The value of a name, NAN if unknown. Numbers are not asked for. */
typedef double expression_fn(void *user, const char *name);

/* NAN if the text is no expression or a name is unknown. */
double expression(const char *text, expression_fn *lookup, void *user);

#endif
