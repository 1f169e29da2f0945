/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A grid of values as a picture: in the terminal, and as SVG. Both are a function of the values alone, so that
 * two of them can be compared with diff. */
#ifndef SIM_OUT_HEATMAP_H
#define SIM_OUT_HEATMAP_H

#include <stdbool.h>
#include <stdio.h>

/* Borrowed by all functions. `value` is row-major: rows of y, columns of x; NAN where there is none. */
struct heatmap {
    const char *title;          /* "drops / offered" */
    const char *x_name, *y_name;
    const char *const *x, *const *y;
    int columns, rows;
    const double *value;
    bool percent;               /* values are shares of 1 */
    bool time;                  /* values are nanoseconds */
    double lo, hi;              /* the scale, so that several pictures share one; lo == hi: the values' own range */
};

/* With colour each cell has its colour as background (ANSI 256); without, a digit 0..9 of the scale follows
 * the value. */
void heatmap_print(const struct heatmap *h, bool colour, FILE *out);

/* A self-contained picture: title, axes, values in the cells, scale. */
void heatmap_svg(const struct heatmap *h, FILE *out);

#endif
