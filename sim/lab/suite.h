/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A validation suite: measured rows, how their columns become parameters, and how near a prediction must come. All of
 * it is data in scenarios/truth/<suite>.yaml and .csv:
 *
 *   what:       one line
 *   rows:       the CSV beside it; `id` and `set` are columns of it
 *   scenario:   the base, under the data folder; may hold {column}
 *   group:      columns; the pass threshold holds in each group of rows that agree in them
 *   pass:       share of the judged rows that must pass
 *   calibration:  rows that were fitted, as globs of ids: shown, not judged
 *   fitted:     - {rows: GLOBS, what: PARAMETERS}: judged, and said to be fitted to their own number
 *   printed:    - {rows: GLOBS, why: .., run: off}: shown, not judged; with `run: off` not predicted either
 *   chaos:      {key: .., values: [..], at_most: 5%}: what moves all costs a little. A row whose own prediction
 *               leaves the tolerance under one of them is chaotic: shown, not judged
 *   map:        - {column: C, is: GLOB, set: KEY, to: TEXT}: for a row whose C matches (no `is`: always) the parameter
 *               KEY is set. In TEXT, {} is the cell and {a*b+c} an integer expression over columns; no `to` means {}
 *   poisson:    - {column: C, is: GLOB, mean: N, n: N, seed: N, frame: N}: for such a row source 0 (kind replay) gets the
 *               arrivals of lab/poisson.h; each N is an expression over columns
 *   reps:       replications of a row (default 1); what is predicted is their mean. A column `reps` says it for a row
 *   batches:    how many times as many (default 1, or a column): for coverage, below
 *   confidence: of `within: ci` (default 99.9%: many rows are judged at once)
 *   metrics:    - {column: C, from: NAME, within: 2%, of: C2, least: 5, spread: 150%, by: [..], rows: GLOBS}
 *               tolerance = max(within x (C2, or C itself), least, spread x the range of C over the rows that agree
 *               in the columns `by`); `within: ci` is the half width of Student's t interval of all replications
 *               over: C3      the prediction is divided by that of the row whose id stands in C3
 *               at_most: X, at_least: X   bounds of the prediction, beside the tolerance or instead of one
 *               from, within, at_most, at_least may be "{C4}": each row its own; empty there: no such demand. A row whose
 *               C is empty was not measured in it
 *               - {column: TITLE, coverage: C}: for rows of several batches: the share of them whose own 95 % interval
 *               for the metric of column C holds what C says; to differ from 95 % no more than chance has it, at
 *               `confidence`
 *
 * A cell of a metric's column is a number, or a closed form over other columns (sim/lab/closed_form.h). A column `keys`
 * sets more: KEY=VALUE KEY=VALUE. */
#ifndef SIM_LAB_SUITE_H
#define SIM_LAB_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/lab/messages.h"
#include "sim/lab/table_file.h"

enum {
    SUITE_BY = 8,
    SUITE_RUNS = 1000000,       /* replications of a row at most */
};

struct suite_map {
    char *column, *is;          /* NULL: any row; any value */
    char *set, *to;
    int line;
};

struct suite_poisson {
    char *column, *is;
    char *mean, *n, *seed, *frame;
};

struct suite_metric {
    char *column, *from;
    double within, least, spread;
    bool ci;                    /* within: ci */
    char *within_of;            /* "{column}": the share is the row's own; NULL: `within` is it */
    char *at_most, *at_least;   /* a number or "{column}"; NULL: no bound */
    char *coverage;             /* NULL: a metric; else the column of the one whose intervals are tried */
    char *of;                   /* NULL: the column itself */
    char *over;                 /* NULL: not a ratio of two rows */
    char *by[SUITE_BY];         /* NULL-terminated where shorter */
    char *rows;                 /* globs of ids; NULL: all */
    bool printed;               /* shown, without a verdict */
};

struct suite_printed { char *rows, *why; bool not_run; };
struct suite_fitted { char *rows, *what; };

struct suite {
    char *name, *path, *what, *rows_file, *scenario, *kind;
    char *group[SUITE_BY];
    char *calibration;          /* globs, NULL: none */
    double pass;                /* 0..1 */
    char *chaos_key;
    char *chaos_value[SUITE_BY];
    double chaos_at_most;
    double reps, batches;       /* whole numbers >= 1 */
    double confidence;          /* 0..1 */
    struct suite_map *map;          int maps;
    struct suite_poisson *poisson;  int poissons;
    struct suite_metric *metric;    int metrics;
    struct suite_printed *printed;  int printeds;
    struct suite_fitted *fitted;    int fitteds;
};

/* Reads scenarios/truth/<name>.yaml under data_dir. 0, or -1 after adding messages. Free in any case. */
int suite_read(struct suite *s, const char *name, const char *data_dir, struct messages *m);
void suite_free(struct suite *s);

/* Does one of the globs, separated by spaces, match? NULL globs match nothing. */
bool suite_matches(const char *globs, const char *text);

/* `text` with {..} replaced by what row `row` says, malloc'ed; `cell` stands for {}. NULL and a sentence in `why`. */
char *suite_fill(const char *text, const char *cell, const struct table_file *t, int row, char *why, unsigned long size);
/* The value of an integer expression such as a*b+3 over the row's columns; 0, or -1 if it has none. */
int suite_value(const char *expression, const struct table_file *t, int row, int64_t *value);

#endif
