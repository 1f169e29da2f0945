/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the cells of a row say: as numbers, and as texts that hold them.
 *
 * A cell is a number, a share such as 5%, or an expression (sim/lab/expression.h) over other columns whose cells are plain
 * numbers. Where a cell holds pairs "name:number other:number", column.name is one of the numbers. */
#ifndef SIM_LAB_CELL_H
#define SIM_LAB_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/lab/table_file.h"

/* NAN if the cell says no number, or there is no such column. */
double cell_number(const struct table_file *t, int row, const char *column);
/* -1 and a sentence if the cell begins like a number and is none, or is a formula that cannot be worked out; any other
 * text is just no number. */
int cell_check(const struct table_file *t, int row, const char *column, char *why, size_t size);
/* The value of an expression over columns, if it is a whole number; 0, or -1 and a sentence. */
int cell_whole(const char *expression, const struct table_file *t, int row, int64_t *value, char *why, size_t size);

/* `text` with each {..} replaced, malloc'ed: {} by `cell` (if not NULL), {column} by that cell's text, {expression} by its
 * value, a whole number. NULL and a sentence in `why`. */
char *cell_fill(const char *text, const char *cell, const struct table_file *t, int row, char *why, size_t size);

/* Does the cell match the glob? A row without that column does not. NULL column: yes. */
bool cell_matches(const struct table_file *t, int row, const char *column, const char *glob);
/* Do two rows agree in the columns `by`, which a NULL ends? */
bool cell_agree(const struct table_file *t, int a, int b, char *const *by);

#endif
