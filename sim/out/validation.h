/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A validation for people, as JSON, and many of them as one table. */
#ifndef SIM_OUT_VALIDATION_H
#define SIM_OUT_VALIDATION_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/lab/validate.h"
#include "sim/out/table.h"

/* Every row, predicted beside measured, then median and worst error by family (the id up to its first '_'). With
 * `failed_only` only the rows outside their tolerances. */
void validation_print(const struct validations *all, bool failed_only, bool colour, FILE *out);
/* {"suite": .., "rows": [..], ..} */
void validation_json(const struct validations *all, FILE *out);

/* The table of all suites: one line each. */
void validation_table(struct table *t);
void validation_table_row(struct table *t, const struct validations *all);

#endif
