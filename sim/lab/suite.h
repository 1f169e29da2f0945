/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A validation suite: measured rows, how their columns become parameters, and how near a prediction must come. All of
 * it is data in scenarios/truth/<suite>.yaml and .csv:
 *
 *   what:       one line
 *   parts:      suites in folders below, as veth/capacity: this one is those together, and has nothing else but `what`
 *   rows:       the CSV beside it; `set` may be a column of it
 *   id:         TEXT that names a row; of these the second of a name is name#2. Without it, `id` is a column
 *   scenario:   TEXT: the base, under the data folder
 *   group:      columns; the pass threshold holds in each group of rows that agree in them
 *   pass:       share of the judged rows that must pass
 *   calibration:  rows that were fitted, as globs of ids: shown, not judged
 *   fitted:     - {rows: GLOBS, what: PARAMETERS}: judged, and said to be fitted to their own number
 *   printed:    - {rows: GLOBS, column: C, is: GLOB, why: .., run: off}: shown, not judged, where C matches if it is named;
 *               with `run: off` not predicted either
 *   chaos:      {key: .., values: [..], at_most: 5%}: what moves all costs a little. A row whose own prediction
 *               leaves the tolerance under one of them is chaotic: shown, not judged
 *   map:        - {column: C, is: GLOB, set: KEY, to: TEXT}: for a row whose C matches (no `is`: always) the parameter
 *               KEY is set; no `to` means {}
 *               before: TEXT, by: [..]: filled for each earlier row that agrees in the columns `by`, and put in front:
 *               for rows that were measured one after the other without starting anew
 *   poisson:    - {column: C, is: GLOB, mean: N, n: N, seed: N, frame: N}: for such a row source 0 (kind replay) gets the
 *               arrivals of lab/poisson.h; each N is an expression over columns
 *   reps:       replications of a row (default 1); what is predicted is their mean. A column `reps` says it for a row
 *   batches:    how many times as many (default 1, or a column): for coverage, below
 *   confidence: of `within: ci` (default 99.9%: many rows are judged at once)
 *   metrics:    - {column: C, from: E, within: S, of: C2, least: 5, spread: 150%, by: [..], rows: GLOBS}
 *               what is predicted is E (no `from`: C), what was measured is C's cell: none, no metric of this row.
 *               tolerance = max(S x (C2, or C itself), least, spread x the range of C over the rows that agree in the
 *               columns `by`). S is a share or a TEXT of one, or `ci`, the half width of Student's t interval of all
 *               replications. No S: 0. An S that is empty for a row, or `printed: yes`: there is no tolerance
 *               over: C3: the prediction is divided by that of the row whose id stands in C3; less: C3: that is subtracted
 *               - {column: TITLE, coverage: C}: for rows of several batches: the share of them whose own 95 % interval
 *               for the metric of column C holds what C says; to differ from 95 % no more than chance has it, at
 *               `confidence`
 *   bounds:     - {column: C, rows: GLOBS, at_least: E, at_most: E}: what the prediction of the metric C must keep to
 *               beside its tolerance; an E that is empty for a row is no bound
 *   checks:     - {id: .., what: .., rows: GLOBS, along: C, value: E, is: rises|falls, slack: 5%, least: 5}: E, here over
 *               the metrics' columns, compared between rows in the order of their numbers in C: none is below (above) the
 *               one before it by more than max(slack x that one, least)
 *
 * A row without any tolerance or bound is shown, not judged. A column `keys` sets more: KEY=VALUE KEY=VALUE.
 *
 * TEXT is filled from the row: {} is the cell, {column} the text of another, {a*b+c} the value of an expression over
 * columns, which has to be a whole number. What cells say is sim/lab/cell.h.
 * E is a TEXT too; filled, it is an expression (sim/lab/expression.h) over numbers of the run (sim/lab/probe.h). */
#ifndef SIM_LAB_SUITE_H
#define SIM_LAB_SUITE_H

#include <stdbool.h>

#include "sim/lab/messages.h"

enum {
    SUITE_BY = 8,
    SUITE_METRICS = 64,         /* at most */
    SUITE_RUNS = 1000000,       /* replications of a row at most */
};

/* Of each entry, `line` is the one it begins at. Texts that were not given are NULL, lists end with a NULL. */
struct suite_map {
    int line;
    char *column, *is, *set, *to, *before;
    char *by[SUITE_BY];
};

struct suite_poisson {
    int line;
    char *column, *is;
    char *mean, *n, *seed, *frame;
};

struct suite_metric {
    int line;
    char *column, *from;
    char *within;               /* NULL: 0, or `ci` */
    bool ci;
    double least, spread;
    char *coverage;             /* NULL: a metric; else the column of the one whose intervals are tried */
    char *of;                   /* NULL: the column itself */
    char *over;                 /* NULL: not a ratio of two rows */
    char *less;                 /* NULL: not a difference of two rows */
    char *by[SUITE_BY];
    char *rows;                 /* globs of ids; NULL: all */
    bool printed;               /* without a tolerance */
};

/* Of two rows: judged when all have been run. */
static inline bool suite_of_two(const struct suite_metric *m) { return m->over || m->less; }

struct suite_bound {
    int line;
    char *column, *rows;
    char *at_least, *at_most;
};

struct suite_check {
    int line;
    char *id, *what, *rows, *along, *value;
    bool falls;
    double slack, least;
};

struct suite_printed {
    int line;
    char *rows, *column, *is, *why;
    bool not_run;
};

struct suite_fitted {
    int line;
    char *rows, *what;
};

struct suite {
    char *name, *path, *what, *rows, *scenario, *id;
    char *parts[SUITE_BY];
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
    struct suite_bound *bound;      int bounds;
    struct suite_check *check;      int checks;
    struct suite_printed *printed;  int printeds;
    struct suite_fitted *fitted;    int fitteds;
};

/* Reads scenarios/truth/<name>.yaml under data_dir. 0, or -1 after adding messages. Free in any case. */
int suite_read(struct suite *s, const char *name, const char *data_dir, struct messages *m);
void suite_free(struct suite *s);

/* Does one of the globs, separated by spaces, match? NULL globs match nothing. */
bool suite_matches(const char *globs, const char *text);

#endif
