/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables for people: aligned columns, numbers to the right, and numbers in words people read. */
#ifndef SIM_OUT_TABLE_H
#define SIM_OUT_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS = 32 };

struct table {
    int columns, rows;
    bool right[TABLE_COLUMNS];
    char **cell;                /* row-major; the first row holds the titles */
    int filled;                 /* cells so far, titles included */
    bool plain;                 /* set by the caller: no line under the titles */
};

/* `columns`: titles separated by '|', one after '>' is aligned to the right: "stage|>mean|>p50".
 * Without titles (all empty) there is no title line. Free with table_free. */
void table_init(struct table *t, const char *columns);
void table_free(struct table *t);

/* The next cell; rows fill from left to right. */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fills the row up with empty cells. */
void table_row_end(struct table *t);

/* Two spaces between columns, `indent` before each line, no blanks at the end of a line. */
void table_print(const struct table *t, int indent, FILE *out);
/* The same as a GitHub Markdown table. */
void table_markdown(const struct table *t, FILE *out);

/* Columns a text takes on a terminal: one for each UTF-8 character, which holds for what we print. */
int text_width(const char *text);

enum { NUMBER_TEXT = 40 };
/* 1234567 -> "1 234 567" */
const char *number_grouped(uint64_t n, char buffer[NUMBER_TEXT]);
/* Three significant digits and a unit: 1234 ns -> "1.23 us". NAN -> "-". */
const char *number_time(double ns, char buffer[NUMBER_TEXT]);
/* Whole numbers as such, others with `digits` significant digits, large ones with k, M, G: 14880952 -> "14.9M". */
const char *number_short(double x, int digits, char buffer[NUMBER_TEXT]);
/* A share of 0..1: "12.3 %"; never "0.0 %" or "100.0 %" unless it is exactly that. NAN -> "-". */
const char *number_percent(double share, char buffer[NUMBER_TEXT]);

#endif
