/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/validate.h"

#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"
#include "sim/lab/closed_form.h"
#include "sim/lab/poisson.h"
#include "sim/lab/probe.h"
#include "sim/lab/run.h"
#include "sim/lab/scenario.h"
#include "sim/lab/stats.h"

const char *const validate_status_name[] = { "pass", "FAIL", "calibration", "printed", "chaotic", "ERROR" };

enum { WHY = 256, POISSON_FRAMES = 10000000 };

static void *must(void *memory)
{
    if (!memory)
        abort();                /* a validation is small; without memory for it there is nothing to tell */
    return memory;
}

/* ---- one row as a scenario ---- */

/* Applies the map of the suite to one row. */
static int apply_map(const struct validation *v, int row, struct scenario *s, struct messages *m)
{
    char why[WHY];

    for (int i = 0; i < v->suite.maps; i++) {
        const struct suite_map *map = &v->suite.map[i];
        const char *cell = map->column ? table_file_cell(&v->table, row, map->column) : NULL;
        if (map->column && !cell) {
            messages_add(m, "%s: the map names the column %s, which the rows do not have", v->suite.path, map->column);
            return -1;
        }
        if (map->is && fnmatch(map->is, cell, 0) != 0)
            continue;
        char *value = suite_fill(map->to ? map->to : "{}", cell, &v->table, row, why, sizeof why);
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

/* `key=value key=value` of the column `set_keys`, where the rows have one. */
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

static struct scenario *row_scenario(const struct validation *v, int row, const char *data_dir, struct messages *m)
{
    char why[WHY], *path = NULL;
    char *name = suite_fill(v->suite.scenario, NULL, &v->table, row, why, sizeof why);

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
    *arrivals = NULL;
    for (int i = 0; i < v->suite.poissons; i++) {
        const struct suite_poisson *p = &v->suite.poisson[i];
        const char *cell = table_file_cell(&v->table, row, p->column);
        int64_t mean, n, seed, frame;
        if (!cell || fnmatch(p->is, cell, 0) != 0)
            continue;
        if (suite_value(p->mean, &v->table, row, &mean) != 0 || suite_value(p->n, &v->table, row, &n) != 0 ||
            suite_value(p->seed, &v->table, row, &seed) != 0 || suite_value(p->frame, &v->table, row, &frame) != 0 ||
            mean < 1 || n < 1 || n > POISSON_FRAMES || frame < 64) {
            messages_add(m, "%s: row %s: the columns behind `poisson` make no arrivals", v->suite.path, v->row[row].id);
            return -1;
        }
        *arrivals = must(poisson_arrivals(mean, n, (uint64_t)seed, frame, 0));
        return 0;
    }
    return 0;
}

/* The row's scenario as a configuration, with its arrivals, which the caller frees with it. 0, or -1 with messages. */
static int row_config(const struct validation *v, int row, const struct scenario *s, struct config *c,
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

/* ---- cells as numbers ---- */

/* What the suite says, filled with what the row says; NULL: neither says anything. */
static char *own(const struct validation *v, int row, const char *text)
{
    char why[WHY];

    return text ? suite_fill(text, NULL, &v->table, row, why, sizeof why) : NULL;
}

/* "0.05" or "5%", from the suite or the row; NAN if it is neither. */
static double own_number(const struct validation *v, int row, const char *text)
{
    char *filled = own(v, row, text), *end;
    double x = NAN;

    if (filled && *filled) {
        x = strtod(filled, &end);
        if (strcmp(end, "%") == 0)
            x /= 100;
        else if (*end)
            x = NAN;
    }
    free(filled);
    return x;
}

static double number(const struct table_file *t, int row, const char *column);

struct cell { const struct table_file *t; int row; };

/* Arguments of a closed form are plain numbers of the row. */
static double look_up(void *cell, const char *column)
{
    const struct cell *c = cell;
    const char *text = table_file_cell(c->t, c->row, column);

    return text && !strchr(text, '(') ? number(c->t, c->row, column) : NAN;
}

/* What a cell says, NAN if it says no number: a plain one, or a closed form of others. */
static double number(const struct table_file *t, int row, const char *column)
{
    const char *text = table_file_cell(t, row, column);
    struct cell cell = { t, row };
    char why[WHY];
    double value;

    if (!text || !*text)
        return NAN;
    return closed_form_value(text, look_up, &cell, &value, why, sizeof why) == 0 ? value : NAN;
}

/* A closed form that cannot be worked out is an error of the row; any other text is a measurement that is missing. */
static int check_cells(const struct validation *v, int row, struct messages *m)
{
    struct cell cell = { &v->table, row };
    char why[WHY];
    double value;

    for (int i = 0; i < v->suite.metrics; i++) {
        const char *text = table_file_cell(&v->table, row, v->suite.metric[i].column);
        if (text && strchr(text, '(') && closed_form_value(text, look_up, &cell, &value, why, sizeof why) != 0) {
            messages_add(m, "%s:%d: %s: %s", v->table.name, v->table.line[row], v->suite.metric[i].column, why);
            return -1;
        }
    }
    return 0;
}

/* Whether a metric (not its coverage) says something of this row. */
static bool applies(const struct validation *v, int row, const struct suite_metric *metric)
{
    return !metric->coverage && (!metric->rows || suite_matches(metric->rows, v->row[row].id)) &&
           !isnan(number(&v->table, row, metric->column));
}

/* ---- replications ---- */

/* The metrics of all replications of a row, in the suite's order: sample[metric * runs + replication]. */
struct prediction {
    int reps, batches, runs;    /* runs = reps x batches */
    double *sample;
    double *mean;               /* of each metric */
};

/* A column's count for this row, or the suite's; 0 and a message if it is none. */
static int count_of(const struct validation *v, int row, const char *column, double of_suite, struct messages *m)
{
    const char *text = table_file_cell(&v->table, row, column);
    double n = text && *text ? number(&v->table, row, column) : of_suite;

    if (n >= 1 && n <= SUITE_RUNS && n == (double)(int)n)
        return (int)n;
    messages_add(m, "%s:%d: %s is a whole number from 1 on, not %s", v->table.name, v->table.line[row], column, text);
    return 0;
}

static int prediction_init(struct prediction *p, const struct validation *v, int row, struct messages *m)
{
    p->reps = count_of(v, row, "reps", v->suite.reps, m);
    p->batches = count_of(v, row, "batches", v->suite.batches, m);
    if (p->reps == 0 || p->batches == 0)
        return -1;
    if (p->reps > SUITE_RUNS / p->batches) {
        messages_add(m, "%s:%d: more than %d runs", v->table.name, v->table.line[row], SUITE_RUNS);
        return -1;
    }
    p->runs = p->reps * p->batches;
    p->sample = must(calloc((size_t)v->suite.metrics * (size_t)p->runs, sizeof *p->sample));
    p->mean = must(calloc((size_t)v->suite.metrics, sizeof *p->mean));
    return 0;
}

static void prediction_free(struct prediction *p)
{
    free(p->sample);
    free(p->mean);
}

static bool needs_census(const struct validation *v, int row)
{
    for (int i = 0; i < v->suite.metrics; i++) {
        if (applies(v, row, &v->suite.metric[i]) && probe_needs_census(v->suite.metric[i].from))
            return true;
    }
    return false;
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
    for (int i = 0; i < v->suite.metrics && !failed; i++) {
        char *from = v->suite.metric[i].coverage ? NULL : own(v, row, v->suite.metric[i].from);
        if (from)
            p->sample[(size_t)i * (size_t)p->runs + o->replication] = probe_metric(&probe, &r, from);
        free(from);
    }
    if (failed)
        messages_add(m, "%s", why);
    result_free(&r);
    probe_free(&probe);
    return failed;
}

/* Runs the scenario, all replications. 0, or -1 with messages. */
static int predict(const struct validation *v, int row, const struct scenario *s, atomic_int *stop,
                   struct prediction *p, struct messages *m)
{
    struct run_options options = { .seed = 1, .sample_drops = 1, .stop = stop };
    struct arrivals *arrivals;
    struct config c;
    int failed = 0;

    if (row_config(v, row, s, &c, &arrivals, m) != 0)
        return -1;
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

/* ---- tolerances ---- */

static bool agree(const struct table_file *t, int a, int b, char *const *by)
{
    for (int k = 0; k < SUITE_BY && by[k]; k++) {
        const char *x = table_file_cell(t, a, by[k]), *y = table_file_cell(t, b, by[k]);
        if (!x || !y || strcmp(x, y) != 0)
            return false;
    }
    return true;
}

/* The range of the metric's column over the rows that agree with this one. */
static double spread(const struct validation *v, int row, const struct suite_metric *metric)
{
    double low = INFINITY, high = -INFINITY;

    for (int i = 0; i < v->rows; i++) {
        double x = number(&v->table, i, metric->column);
        if (isnan(x) || !agree(&v->table, row, i, metric->by))
            continue;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    return high > low ? high - low : 0;
}

static double share(const struct validation *v, int row, const struct suite_metric *metric)
{
    return metric->within_of ? own_number(v, row, metric->within_of) : metric->within;
}

/* 0 for a single replication: then `least` has to say it. */
static double half_width(const struct validation *v, int metric, const struct prediction *p)
{
    struct estimate e = stats_estimate(&p->sample[(size_t)metric * (size_t)p->runs], (size_t)p->runs,
                                       v->suite.confidence);

    return e.n > 1 ? e.half_width : 0;
}

/* NAN: there is none. */
static double tolerance(const struct validation *v, int row, int i, const struct prediction *p)
{
    const struct suite_metric *metric = &v->suite.metric[i];
    double base = number(&v->table, row, metric->of ? metric->of : metric->column);
    double t = fmax(share(v, row, metric) * fabs(base), metric->least);

    if (metric->printed || (t == 0 && (metric->within_of || metric->at_most || metric->at_least)))
        return NAN;
    if (metric->ci)
        t = fmax(t, half_width(v, i, p));
    if (metric->spread > 0)
        t = fmax(t, metric->spread * spread(v, row, metric));
    return t;
}

/* A hair for the decimal fractions of tolerances. */
static bool within(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance + 1e-9 * (1 + fabs(tolerance));
}

static bool bounded(const struct validation *v, int row, const struct suite_metric *metric)
{
    return !isnan(own_number(v, row, metric->at_most)) || !isnan(own_number(v, row, metric->at_least));
}

static bool within_bounds(const struct validation *v, int row, const struct suite_metric *metric, double predicted)
{
    double most = own_number(v, row, metric->at_most), least = own_number(v, row, metric->at_least);

    return (isnan(most) || predicted <= most) && (isnan(least) || predicted >= least);
}

/* The difference as a share of what the tolerance is a share of; where it is none, of what was measured. */
static double error_of(const struct validation *v, int row, const struct validate_metric *m,
                       const struct suite_metric *metric)
{
    double difference = fabs(m->predicted - m->measured), of = share(v, row, metric);

    if (isnan(m->tolerance) && bounded(v, row, metric))     /* a bound asks for no nearness */
        return NAN;
    if (of > 0)
        return difference * of / m->tolerance;
    return difference / fmax(fabs(m->measured), m->tolerance);
}

static void judge(const struct validation *v, int row, const struct suite_metric *metric, struct validate_metric *m)
{
    m->pass = (isnan(m->tolerance) || within(m->predicted, m->measured, m->tolerance)) &&
              within_bounds(v, row, metric, m->predicted);
    m->error = error_of(v, row, m, metric);
}

/* A metric of a row that was run, or (no prediction) was not. Ratios of two rows wait until all have been run. */
static struct validate_metric metric_of(const struct validation *v, int row, int i, const struct prediction *p)
{
    const struct suite_metric *metric = &v->suite.metric[i];
    struct validate_metric m = {
        .column = metric->column, .predicted = NAN, .measured = number(&v->table, row, metric->column),
        .tolerance = NAN, .error = NAN, .pass = true,
    };

    if (p && !metric->over) {
        m.predicted = p->mean[i];
        m.tolerance = tolerance(v, row, i, p);
        judge(v, row, metric, &m);
    }
    return m;
}

/* ---- coverage ---- */

/* The metric whose intervals this one tries, -1: not in this row. */
static int covered(const struct validation *v, int row, const struct suite_metric *metric, const struct prediction *p)
{
    if (p->batches < 2 || (metric->rows && !suite_matches(metric->rows, v->row[row].id)))
        return -1;
    for (int i = 0; i < v->suite.metrics; i++) {
        if (strcmp(v->suite.metric[i].column, metric->coverage) == 0 && applies(v, row, &v->suite.metric[i]))
            return i;
    }
    return -1;
}

/* Do the intervals of independent batches hold the value as often as they say? How many may is binomial. */
static struct validate_metric judge_coverage(const struct validation *v, int row, int i, int of,
                                             const struct prediction *p)
{
    double value = number(&v->table, row, v->suite.metric[of].column), n = p->batches;
    unsigned held = 0, low, high;

    for (int b = 0; b < p->batches; b++) {
        size_t at = (size_t)of * (size_t)p->runs + (size_t)b * (size_t)p->reps;
        struct estimate e = stats_estimate(&p->sample[at], (size_t)p->reps, STATS_CONFIDENCE);
        held += fabs(e.mean - value) <= e.half_width;
    }
    stats_binomial((unsigned)p->batches, STATS_CONFIDENCE, v->suite.confidence, &low, &high);
    struct validate_metric m = {
        .column = v->suite.metric[i].column, .predicted = held / n, .measured = STATS_CONFIDENCE,
        .pass = held >= low && held <= high, .error = NAN,
    };
    m.tolerance = m.predicted < m.measured ? m.measured - low / n : high / n - m.measured;
    return m;
}

/* ---- a row's metrics ---- */

/* `p` is NULL for a row that is not run. */
static int compare(const struct validation *v, int row, const struct prediction *p, struct messages *m)
{
    struct validate_row *r = &v->row[row];

    r->within = true;
    r->metric = must(calloc((size_t)v->suite.metrics, sizeof *r->metric));
    for (int i = 0; i < v->suite.metrics; i++) {
        const struct suite_metric *metric = &v->suite.metric[i];
        struct validate_metric *to = &r->metric[r->metrics];
        int of = p && metric->coverage ? covered(v, row, metric, p) : -1;
        if (of >= 0)
            *to = judge_coverage(v, row, i, of, p);
        else if (applies(v, row, metric))
            *to = metric_of(v, row, i, p);
        else
            continue;
        if (p && metric->ci && p->runs < 2 && metric->least == 0) {
            messages_add(m, "%s:%d: %s has a confidence interval only with `reps` of 2 or more", v->table.name,
                         v->table.line[row], metric->column);
            return -1;
        }
        r->metrics++;
        r->within &= to->pass;
    }
    return 0;
}

/* ---- chaos ---- */

/* Whether a prediction with all costs moved a little is outside this row's tolerance around the prediction. */
static bool strays(const struct validation *v, int row, const double *value, const double *moved)
{
    const struct validate_row *r = &v->row[row];

    for (int i = 0, k = 0; i < v->suite.metrics && k < r->metrics; i++) {
        if (r->metric[k].column != v->suite.metric[i].column)
            continue;
        if (!v->suite.metric[i].coverage && !isnan(r->metric[k].tolerance) &&
            !within(moved[i], value[i], r->metric[k].tolerance))
            return true;
        k++;
    }
    return false;
}

static bool chaotic(const struct validation *v, int row, const struct scenario *s, const double *value,
                    atomic_int *stop, struct messages *m)
{
    struct prediction moved = { 0 };
    bool found = false;

    if (prediction_init(&moved, v, row, m) != 0)
        return false;

    for (int k = 0; k < SUITE_BY && v->suite.chaos_value[k] && !found; k++) {
        struct scenario *other = must(scenario_copy(s));
        found = scenario_set(other, v->suite.chaos_key, v->suite.chaos_value[k], LEVEL_VARY, v->suite.path, m) == 0 &&
                predict(v, row, other, stop, &moved, m) == 0 && strays(v, row, value, moved.mean);
        scenario_free(other);
    }
    prediction_free(&moved);
    return found;
}

/* ---- one row ---- */

/* The messages become the row's own sentence, without the newline. */
static void row_error(struct validate_row *r, struct messages *m)
{
    r->status = VALIDATE_ERROR;
    if (m->text) {
        m->text[strcspn(m->text, "\n")] = '\0';
        r->why = must(strdup(m->text));
    }
}

/* The entry under which a row is only printed, NULL if it is judged. */
static const struct suite_printed *printed(const struct validation *v, const struct validate_row *r)
{
    for (int i = 0; i < v->suite.printeds; i++) {
        if (suite_matches(v->suite.printed[i].rows, r->id))
            return &v->suite.printed[i];
    }
    return NULL;
}

static enum validate_status verdict(const struct validation *v, struct validate_row *r)
{
    const struct suite_printed *p = printed(v, r);

    if (v->suite.calibration && suite_matches(v->suite.calibration, r->id))
        return VALIDATE_CALIBRATION;
    if (p) {
        free(r->why);
        r->why = must(strdup(p->why ? p->why : ""));
        return VALIDATE_PRINTED;
    }
    return r->within ? VALIDATE_PASS : VALIDATE_FAIL;
}

static void run_row(const struct validation *v, int row, const struct validate_options *o)
{
    struct validate_row *r = &v->row[row];
    struct messages m = { 0 };
    struct prediction p = { 0 };

    if (printed(v, r) && printed(v, r)->not_run) {
        compare(v, row, NULL, &m);
        r->status = verdict(v, r);
        return;
    }
    struct scenario *s = row_scenario(v, row, o->data_dir, &m);
    if (!s || check_cells(v, row, &m) != 0 || prediction_init(&p, v, row, &m) != 0 ||
        predict(v, row, s, o->stop, &p, &m) != 0 || compare(v, row, &p, &m) != 0) {
        row_error(r, &m);
    } else {
        r->value = must(calloc((size_t)v->suite.metrics, sizeof *r->value));
        memcpy(r->value, p.mean, (size_t)v->suite.metrics * sizeof *r->value);
        r->status = verdict(v, r);
        if (validate_judged(r->status) && v->suite.chaos_key && chaotic(v, row, s, p.mean, o->stop, &m))
            r->status = VALIDATE_CHAOTIC;
    }
    scenario_free(s);
    prediction_free(&p);
    messages_free(&m);
}

/* The prediction of the row that this metric's is divided by; NAN if it was not run. */
static double other_value(const struct validation *v, int row, int metric)
{
    const char *id = table_file_cell(&v->table, row, v->suite.metric[metric].over);

    for (int i = 0; i < v->rows && id; i++) {
        if (strcmp(v->row[i].id, id) == 0 && v->row[i].value)
            return v->row[i].value[metric];
    }
    return NAN;
}

static void relate_metric(const struct validation *v, int row, int i, struct validate_metric *m)
{
    const struct suite_metric *metric = &v->suite.metric[i];
    double other = other_value(v, row, i);

    if (isnan(other))
        return;
    m->predicted = v->row[row].value[i] / other;
    m->tolerance = metric->printed ? NAN : share(v, row, metric) * fabs(m->measured);
    judge(v, row, metric, m);
}

/* Ratios of two rows, now that both are known: the verdict may change. */
static void relate(const struct validation *v)
{
    for (int i = 0; i < v->rows; i++) {
        struct validate_row *r = &v->row[i];
        for (int k = 0, n = 0; r->value && k < v->suite.metrics && n < r->metrics; k++) {
            if (r->metric[n].column != v->suite.metric[k].column)
                continue;
            if (v->suite.metric[k].over) {
                relate_metric(v, i, k, &r->metric[n]);
                r->within &= r->metric[n].pass;
            }
            n++;
        }
        if (r->value && r->status != VALIDATE_CHAOTIC)
            r->status = verdict(v, r);
    }
}

/* ---- all rows, on all cores ---- */

struct work {
    const struct validation *v;
    const struct validate_options *o;
    const int *order;           /* rows to run */
    int total;
    pthread_mutex_t lock;
    int next, finished;
};

static void *worker(void *work)
{
    struct work *w = work;

    for (;;) {
        pthread_mutex_lock(&w->lock);
        int mine = w->next < w->total && !(w->o->stop && atomic_load(w->o->stop)) ? w->next++ : -1;
        pthread_mutex_unlock(&w->lock);
        if (mine < 0)
            return NULL;
        run_row(w->v, w->order[mine], w->o);
        pthread_mutex_lock(&w->lock);
        w->finished++;
        if (w->o->progress)
            w->o->progress(w->o->user, w->finished, w->total);
        pthread_mutex_unlock(&w->lock);
    }
}

static int cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static void run_all(struct work *w)
{
    int jobs = w->o->jobs > 0 ? w->o->jobs : cores(), started = 0;
    pthread_t *thread = must(calloc((size_t)jobs, sizeof *thread));

    pthread_mutex_init(&w->lock, NULL);
    while (started < jobs - 1 && pthread_create(&thread[started], NULL, worker, w) == 0)
        started++;
    worker(w);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&w->lock);
    free(thread);
}

/* ---- the suite ---- */

static char *group_of(const struct validation *v, int row)
{
    char *text = NULL;
    size_t length;
    FILE *out = must(open_memstream(&text, &length));

    for (int k = 0; k < SUITE_BY && v->suite.group[k]; k++) {
        const char *cell = table_file_cell(&v->table, row, v->suite.group[k]);
        fprintf(out, "%s%s=%s", k ? " " : "", v->suite.group[k], cell ? cell : "");
    }
    fclose(out);
    return must(text);
}

static int read_rows(struct validation *v, const struct validate_options *o, struct messages *m)
{
    char *path = NULL;

    must(asprintf(&path, "%s/truth/%s", o->data_dir, v->suite.rows_file) < 0 ? NULL : path);
    int failed = table_file_read(&v->table, o->rows ? o->rows : path, m);
    free(path);
    if (failed)
        return -1;
    if (table_file_column(&v->table, "id") < 0) {
        messages_add(m, "%s:1: there is no column `id`", v->table.name);
        return -1;
    }
    v->row = must(calloc((size_t)v->table.rows + 1, sizeof *v->row));
    for (v->rows = 0; v->rows < v->table.rows; v->rows++) {
        const char *set = table_file_cell(&v->table, v->rows, "set");
        v->row[v->rows].id = table_file_cell(&v->table, v->rows, "id");
        v->row[v->rows].set = set ? set : "";
        v->row[v->rows].group = group_of(v, v->rows);
        v->row[v->rows].status = VALIDATE_PRINTED;
        for (int i = 0; i < v->suite.fitteds; i++) {
            if (suite_matches(v->suite.fitted[i].rows, v->row[v->rows].id))
                v->row[v->rows].fitted = v->suite.fitted[i].what;
        }
    }
    return 0;
}

/* Chaos excuses a share of the rows at most: beyond it, chaotic rows are judged like others, the last ones first. */
static void limit_chaos(struct validation *v)
{
    int n = 0, room = (int)(v->suite.chaos_at_most * v->rows);

    for (int i = 0; i < v->rows; i++) {
        if (v->row[i].status == VALIDATE_CHAOTIC && ++n > room)
            v->row[i].status = v->row[i].within ? VALIDATE_PASS : VALIDATE_FAIL;
    }
}

/* Leaves only the rows that were asked for. */
static void keep_only(struct validation *v, const char *only)
{
    int kept = 0;

    for (int i = 0; i < v->rows; i++) {
        struct validate_row row = v->row[i];
        if (!only || suite_matches(only, row.id)) {
            v->row[i] = v->row[kept];
            v->row[kept++] = row;
        }
    }
    for (int i = kept; i < v->rows; i++)
        free(v->row[i].group);
    v->rows = kept;
}

int validate_suite(struct validation *v, const char *name, const struct validate_options *o, struct messages *m)
{
    *v = (struct validation){ 0 };
    if (suite_read(&v->suite, name, o->data_dir, m) != 0 || read_rows(v, o, m) != 0)
        return -1;

    int *order = must(calloc((size_t)v->rows + 1, sizeof *order));
    struct work w = { .v = v, .o = o, .order = order };
    for (int i = 0; i < v->rows; i++) {
        if (!o->only || suite_matches(o->only, v->row[i].id))
            order[w.total++] = i;
    }
    run_all(&w);
    free(order);
    relate(v);
    keep_only(v, o->only);
    limit_chaos(v);
    if (o->stop && atomic_load(o->stop)) {
        messages_add(m, "%s: stopped", name);
        return -1;
    }
    return 0;
}

/* Is this row meant by NAME or NAME-GROUP, where GROUP is the end of the group's text? */
static bool is_named(const struct validate_row *r, const char *name)
{
    size_t n = strlen(r->id), of_group = strlen(r->group);

    if (strncmp(name, r->id, n) != 0)
        return false;
    if (name[n] == '\0')
        return true;
    size_t rest = strlen(name + n) - 1;
    return name[n] == '-' && rest <= of_group && strcmp(r->group + of_group - rest, name + n + 1) == 0;
}

int validate_timeline(const char *suite, const char *id, const struct validate_options *o, struct timeline *simulated,
                      struct messages *m)
{
    struct run_options options = { .seed = 1, .stop = o->stop };
    struct validation v = { 0 };
    struct arrivals *arrivals;
    struct config c;
    struct result r;
    char why[WHY];
    int row = 0, failed = -1;

    timeline_init(simulated);
    if (suite_read(&v.suite, suite, o->data_dir, m) == 0 && read_rows(&v, o, m) == 0) {
        while (row < v.rows && !is_named(&v.row[row], id))
            row++;
        struct scenario *s = row < v.rows ? row_scenario(&v, row, o->data_dir, m) : NULL;
        if (row == v.rows)
            messages_add(m, "%s: there is no row %s", v.table.name, id);
        if (s && row_config(&v, row, s, &c, &arrivals, m) == 0) {
            options.trace = (struct trace){ timeline_hook, simulated };
            failed = run_config(&c, &options, &r, why, sizeof why);
            if (failed)
                messages_add(m, "%s", why);
            result_free(&r);
            arrivals_free(arrivals);
            config_free(&c);
        }
        scenario_free(s);
    }
    validation_free(&v);
    return failed;
}

void validation_free(struct validation *v)
{
    for (int i = 0; i < v->rows; i++) {
        free(v->row[i].group);
        free(v->row[i].why);
        free(v->row[i].metric);
        free(v->row[i].value);
    }
    free(v->row);
    table_file_free(&v->table);
    suite_free(&v->suite);
    *v = (struct validation){ 0 };
}

/* ---- verdicts ---- */

bool validate_judged(enum validate_status s)
{
    return s == VALIDATE_PASS || s == VALIDATE_FAIL || s == VALIDATE_ERROR;
}

void validation_count(const struct validation *v, const char *group, int *judged, int *passed)
{
    *judged = *passed = 0;
    for (int i = 0; i < v->rows; i++) {
        if (group && strcmp(group, v->row[i].group) != 0)
            continue;
        *judged += validate_judged(v->row[i].status);
        *passed += v->row[i].status == VALIDATE_PASS;
    }
}

bool validation_holds(const struct validation *v)
{
    for (int i = 0; i < v->rows; i++) {
        int judged, passed;
        validation_count(v, v->row[i].group, &judged, &passed);
        if (v->row[i].status == VALIDATE_ERROR || passed < v->suite.pass * judged)
            return false;
    }
    return true;
}
