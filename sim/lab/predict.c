/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/predict.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"
#include "sim/lab/cell.h"
#include "sim/lab/expression.h"
#include "sim/lab/must.h"
#include "sim/lab/poisson.h"
#include "sim/lab/probe.h"
#include "sim/lab/run.h"
#include "sim/lab/stats.h"

enum { WHY = 256, POISSON_FRAMES = 10000000 };

/* ---- a row as a scenario ---- */

/* The parameter's value for a row; with `before`, what earlier rows leave in front of it. NULL and a sentence. */
static char *map_value(const struct validation *v, const struct suite_map *map, int row, char *why)
{
    const char *cell = map->column ? table_file_cell(&v->table, row, map->column) : NULL;
    char *value = cell_fill(map->to ? map->to : "{}", cell, &v->table, row, why, WHY);

    for (int i = row - 1; i >= 0 && value && map->before; i--) {
        char *joined = NULL;
        if (!cell_agree(&v->table, row, i, map->by))
            continue;
        char *front = cell_fill(map->before, NULL, &v->table, i, why, WHY);
        if (front)
            must(asprintf(&joined, "%s %s", front, value) < 0 ? NULL : joined);
        free(front);
        free(value);
        value = joined;
    }
    return value;
}

static int apply_map(const struct validation *v, int row, struct scenario *s, struct messages *m)
{
    char why[WHY];

    for (int i = 0; i < v->suite.maps; i++) {
        const struct suite_map *map = &v->suite.map[i];
        if (map->is && !cell_matches(&v->table, row, map->column, map->is))
            continue;
        char *value = map_value(v, map, row, why);
        if (!value) {
            messages_add(m, "%s:%d: row %s: %s", v->suite.path, map->line, v->row[row].id, why);
            return -1;
        }
        int failed = scenario_set(s, map->set, value, LEVEL_SET, v->suite.path, m);
        free(value);
        if (failed)
            return -1;
    }
    return 0;
}

/* KEY=VALUE KEY=VALUE of the column `keys`, where the rows have one. */
static int apply_keys(const struct validation *v, int row, struct scenario *s, struct messages *m)
{
    const char *cell = table_file_cell(&v->table, row, "keys");
    char *copy = must(strdup(cell ? cell : "")), *rest = NULL;
    int failed = 0;

    for (char *word = strtok_r(copy, " ", &rest); word && !failed; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        if (!equals) {
            messages_add(m, "%s:%d: keys are KEY=VALUE with spaces between, not %s", v->table.name, v->table.line[row],
                         word);
            failed = -1;
            break;
        }
        *equals = '\0';
        failed = scenario_set(s, word, equals + 1, LEVEL_SET, v->table.name, m);
    }
    free(copy);
    return failed;
}

struct scenario *predict_scenario(const struct validation *v, int row, const char *data_dir, struct messages *m)
{
    char why[WHY], *path = NULL;
    char *name = cell_fill(v->suite.scenario, NULL, &v->table, row, why, sizeof why);

    if (!name) {
        messages_add(m, "%s: row %s: scenario: %s", v->suite.path, v->row[row].id, why);
        return NULL;
    }
    must(asprintf(&path, "%s/%s", data_dir, name) < 0 ? NULL : path);
    struct scenario *s = scenario_read(path, data_dir, m);
    free(name);
    free(path);
    if (s && (apply_map(v, row, s, m) != 0 || apply_keys(v, row, s, m) != 0)) {
        scenario_free(s);
        return NULL;
    }
    return s;
}

/* The arrivals a row asks for, NULL if none; 0, or -1 with a message. */
static int row_arrivals(const struct validation *v, int row, struct arrivals **arrivals, struct messages *m)
{
    const struct table_file *t = &v->table;
    char why[WHY] = "out of range";

    *arrivals = NULL;
    for (int i = 0; i < v->suite.poissons; i++) {
        const struct suite_poisson *p = &v->suite.poisson[i];
        int64_t mean, n, seed, frame;
        if (!cell_matches(t, row, p->column, p->is))
            continue;
        if (cell_whole(p->mean, t, row, &mean, why, WHY) != 0 || cell_whole(p->n, t, row, &n, why, WHY) != 0 ||
            cell_whole(p->seed, t, row, &seed, why, WHY) != 0 || cell_whole(p->frame, t, row, &frame, why, WHY) != 0 ||
            mean < 1 || n < 1 || n > POISSON_FRAMES || frame < 64) {
            messages_add(m, "%s:%d: row %s makes no arrivals: %s", v->suite.path, p->line, v->row[row].id, why);
            return -1;
        }
        *arrivals = must(poisson_arrivals(mean, n, (uint64_t)seed, frame, 0));
        return 0;
    }
    return 0;
}

int predict_config(const struct validation *v, int row, const struct scenario *s, struct config *c,
                   struct arrivals **arrivals, struct messages *m)
{
    if (scenario_resolve(s, c, m) != 0)
        return -1;
    if (row_arrivals(v, row, arrivals, m) != 0) {
        config_free(c);
        return -1;
    }
    c->arrivals[0] = *arrivals;
    return 0;
}

/* ---- room for its numbers ---- */

/* A column's count for this row, or the suite's; 0 and a message if it is none. */
static int count_of(const struct validation *v, int row, const char *column, double of_suite, struct messages *m)
{
    const char *text = table_file_cell(&v->table, row, column);
    double n = text && *text ? cell_number(&v->table, row, column) : of_suite;

    if (n >= 1 && n <= SUITE_RUNS && n == (double)(int)n)
        return (int)n;
    messages_add(m, "%s:%d: %s is a whole number from 1 on, not %s", v->table.name, v->table.line[row], column, text);
    return 0;
}

int prediction_init(struct prediction *p, const struct validation *v, int row, struct messages *m)
{
    *p = (struct prediction){ .reps = count_of(v, row, "reps", v->suite.reps, m),
                              .batches = count_of(v, row, "batches", v->suite.batches, m) };
    if (p->reps == 0 || p->batches == 0)
        return -1;
    if (p->reps > SUITE_RUNS / p->batches) {
        messages_add(m, "%s:%d: more than %d runs", v->table.name, v->table.line[row], SUITE_RUNS);
        return -1;
    }
    p->runs = p->reps * p->batches;
    p->sample = must(calloc((size_t)v->suite.metrics * (size_t)p->runs, sizeof *p->sample));
    p->mean = must(calloc((size_t)v->suite.metrics, sizeof *p->mean));
    p->bound = must(calloc((size_t)v->suite.bounds * 2 + 1, sizeof *p->bound));
    return 0;
}

void prediction_free(struct prediction *p)
{
    free(p->sample);
    free(p->mean);
    free(p->bound);
}

/* ---- one run ---- */

bool predict_applies(const struct validation *v, int row, const struct suite_metric *metric)
{
    return !metric->coverage && (!metric->rows || suite_matches(metric->rows, v->row[row].id)) &&
           !isnan(cell_number(&v->table, row, metric->column));
}

struct names { struct probe *probe; const struct result *result; };

static double named(void *names, const char *name)
{
    const struct names *n = names;

    return probe_metric(n->probe, n->result, name);
}

static bool needs_census(const struct validation *v, int row)
{
    for (int i = 0; i < v->suite.metrics; i++) {
        if (predict_applies(v, row, &v->suite.metric[i]) && probe_needs_census(v->suite.metric[i].from))
            return true;
    }
    return false;
}

/* What a suite's expression, filled from the row, says of a run. 0: `value` is that, or NAN if the row asks for nothing
 * here; -1 and a sentence. */
static int told(const struct validation *v, int row, const char *text, struct names *names, double *value, char *why)
{
    char *filled = cell_fill(text ? text : "", NULL, &v->table, row, why, WHY);
    int failed = -1;

    *value = NAN;
    if (filled)
        failed = *filled ? expression_value(filled, named, names, value, why, WHY) : 0;
    free(filled);
    return failed;
}

/* A metric that has no value is one that was not predicted: the row fails where it is judged. What is of two rows is
 * taken of every row: it may be what another is compared with. */
static void take_metrics(const struct validation *v, int row, struct names *names, struct prediction *p, size_t run)
{
    char why[WHY];

    for (int i = 0; i < v->suite.metrics; i++) {
        const struct suite_metric *metric = &v->suite.metric[i];
        double *to = &p->sample[(size_t)i * (size_t)p->runs + run];
        *to = NAN;
        if (suite_of_two(metric) || predict_applies(v, row, metric))
            told(v, row, metric->from, names, to, why);
    }
}

/* A bound that has no value is an error: nothing could be held against it. */
static int take_bounds(const struct validation *v, int row, struct names *names, struct prediction *p, char *why)
{
    for (int i = 0; i < v->suite.bounds; i++) {
        const struct suite_bound *b = &v->suite.bound[i];
        double least, most;
        if (b->rows && !suite_matches(b->rows, v->row[row].id))
            least = most = NAN;
        else if (told(v, row, b->at_least, names, &least, why) != 0 || told(v, row, b->at_most, names, &most, why) != 0)
            return -1;
        p->bound[2 * i] += least / p->runs;
        p->bound[2 * i + 1] += most / p->runs;
    }
    return 0;
}

static int predict_once(const struct validation *v, int row, const struct config *c, struct run_options *o,
                        struct prediction *p, struct messages *m)
{
    struct probe probe;
    struct result r;
    char why[WHY];

    probe_init(&probe);
    probe.warm_at = c->host->run.warmup;
    o->trace = (struct trace){ probe_hook, &probe };
    o->census = needs_census(v, row) ? &probe.census : NULL;
    int failed = run_config(c, o, &r, why, sizeof why);
    if (!failed && probe.broken) {
        snprintf(why, sizeof why, "out of memory");
        failed = -1;
    }
    if (!failed) {
        struct names names = { &probe, &r };
        take_metrics(v, row, &names, p, o->replication);
        failed = take_bounds(v, row, &names, p, why);
    }
    if (failed)
        messages_add(m, "%s", why);
    result_free(&r);
    probe_free(&probe);
    return failed;
}

int predict(const struct validation *v, int row, const struct scenario *s, atomic_int *stop, struct prediction *p,
            struct messages *m)
{
    struct run_options options = { .seed = 1, .sample_drops = 1, .stop = stop, .no_batch = v->no_batch };
    struct arrivals *arrivals;
    struct config c;
    int failed = 0;

    if (predict_config(v, row, s, &c, &arrivals, m) != 0)
        return -1;
    memset(p->bound, 0, (size_t)v->suite.bounds * 2 * sizeof *p->bound);
    for (int k = 0; k < p->runs && !failed; k++) {
        options.replication = (uint64_t)k;
        failed = predict_once(v, row, &c, &options, p, m);
    }
    for (int i = 0; i < v->suite.metrics && !failed; i++)
        p->mean[i] = stats_estimate(&p->sample[(size_t)i * (size_t)p->runs], (size_t)p->runs, STATS_CONFIDENCE).mean;
    arrivals_free(arrivals);
    config_free(&c);
    return failed;
}
