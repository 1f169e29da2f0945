/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A validation suite: measured rows, how their columns become parameters, and how near a prediction must come. All of
 * it is data in scenarios/truth/<suite>.yaml and .csv:
 *
 *   what:       one line
 *   parts:      suites in folders below, as veth/capacity: this one is those together, and has nothing else but `what`
 *   rows:       the CSV beside it; `set` is a column of it
 *   id:         TEXT that names a row; without it, `id` is a column. The second row of a name is name#2
 *   scenario:   the base, under the data folder; may hold {column}
 *   group:      columns; the pass threshold holds in each group of rows that agree in them
 *   pass:       share of the judged rows that must pass
 *   calibration:  rows that were fitted, as globs of ids: shown, not judged
 *   printed:    - {rows: GLOBS, column: C, is: GLOB, why: ..}: shown, not judged, where C matches if it is named
 *   chaos:      {key: .., values: [..], at_most: 5%}: what moves all costs a little. A row whose own prediction
 *               leaves the tolerance under one of them is chaotic: shown, not judged
 *   map:        - {column: C, is: GLOB, set: KEY, to: TEXT}: for a row whose C matches (no `is`: always) the parameter
 *               KEY is set. In TEXT, {} is the cell and {a*b+c-d} an integer expression over columns; no `to` means
 *               {}; where a cell holds pairs "name:number other:number", column.name is one of the numbers.
 *               before: TEXT, by: [..]: filled for each earlier row that agrees in the columns `by`, and put in front:
 *               for rows that were measured one after the other without starting anew
 *   poisson:    - {column: C, is: GLOB, mean: N, n: N, seed: N, frame: N}: for such a row source 0 (kind replay) gets the
 *               arrivals of lab/poisson.h; each N is an expression over columns
 *   reps:       replications of a row (default 1); what is predicted is their mean. A column `reps` says it for a row
 *   batches:    how many times as many (default 1, or a column): for coverage, below
 *   confidence: of `within: ci` (default 99.9%: many rows are judged at once)
 *   metrics:    - {column: C, from: NAME, within: 2%, of: C2, least: 5, spread: 150%, by: [..], rows: GLOBS}
 *               tolerance = max(within x (C2, or C itself), least, spread x the range of C over the rows that agree
 *               in the columns `by`); `within: ci` is the half width of Student's t interval of all replications
 *               - {column: TITLE, coverage: C}: for rows of several batches: the share of them whose own 95 % interval
 *               for the metric of column C holds what C says; to differ from 95 % no more than chance has it, at
 *               `confidence`
 *               NAME may be an expression over results and, as col:C, columns (sim/lab/expression.h)
 *   bounds:     - {column: C, rows: GLOBS, at_least: E, at_most: E}: what the prediction of a metric without a
 *               tolerance must keep to, in expressions of the same kind
 *   checks:     - {id: .., what: .., rows: GLOBS, along: C, value: E, is: rises|falls, slack: 5%, least: 5}: E, an
 *               expression over the metrics' columns, compared between rows in the order of their numbers in C:
 *               none is below (above) the one before it by more than max(slack x that one, least)
 * A row without any tolerance or bound is shown, not judged.
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
    char *before;               /* NULL: the row stands alone */
    char *by[SUITE_BY];
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
    char *coverage;             /* NULL: a metric; else the column of the one whose intervals are tried */
    char *of;                   /* NULL: the column itself */
    char *by[SUITE_BY];         /* NULL-terminated where shorter */
    char *rows;                 /* globs of ids; NULL: all */
    bool printed;               /* shown, without a verdict */
};

struct suite_printed { char *rows, *column, *is, *why; };

struct suite_bound {
    char *column, *rows;
    char *at_least, *at_most;   /* NULL: none */
};

struct suite_check {
    char *id, *what, *rows, *along, *value;
    bool falls;
    double slack, least;
};

struct suite {
    char *name, *path, *what, *rows_file, *scenario, *kind, *id;
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
    struct suite_printed *printed;  int printeds;
    struct suite_bound *bound;      int bounds;
    struct suite_check *check;      int checks;
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
