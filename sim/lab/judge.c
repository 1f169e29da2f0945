/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/cell.h"
#include "sim/lab/expression.h"
#include "sim/lab/must.h"
#include "sim/lab/stats.h"

enum { WHY = 256 };

int judge_cells(const struct validation *v, int row, struct messages *m)
{
    char why[WHY];

    for (int i = 0; i < v->suite.metrics; i++) {
        const char *column = v->suite.metric[i].column;
        if (cell_check(&v->table, row, column, why, sizeof why) != 0) {
            messages_add(m, "%s:%d: %s: %s", v->table.name, v->table.line[row], column, why);
            return -1;
        }
    }
    return 0;
}

static double measured(const struct validation *v, int row, const struct suite_metric *metric)
{
    return cell_number(&v->table, row, metric->column);
}

/* ---- tolerances ---- */

/* What the tolerance is of the measured value; NAN: the row asks for none. */
static double share(const struct validation *v, int row, const struct suite_metric *metric)
{
    char why[WHY];
    double value = NAN;

    if (!metric->within)
        return 0;
    char *filled = cell_fill(metric->within, NULL, &v->table, row, why, sizeof why);
    if (filled && *filled)
        expression_value(filled, NULL, NULL, &value, why, sizeof why);
    free(filled);
    return value;
}

/* The range of the metric's column over the rows that agree with this one. */
static double spread(const struct validation *v, int row, const struct suite_metric *metric)
{
    double low = INFINITY, high = -INFINITY;

    for (int i = 0; i < v->rows; i++) {
        double x = measured(v, i, metric);
        if (isnan(x) || !cell_agree(&v->table, row, i, metric->by))
            continue;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    return high > low ? high - low : 0;
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
    double base = cell_number(&v->table, row, metric->of ? metric->of : metric->column), of = share(v, row, metric);
    double t = fmax(of * fabs(base), metric->least);

    if (metric->printed || isnan(of))
        return NAN;
    if (metric->ci)
        t = fmax(t, half_width(v, i, p));
    if (metric->spread > 0)
        t = fmax(t, metric->spread * spread(v, row, metric));
    return t;
}

/* A hair for the decimal fractions of tolerances and bounds. */
static double hair(double x)
{
    return 1e-9 * (1 + fabs(x));
}

static bool within(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance + hair(tolerance);
}

/* ---- one metric ---- */

/* The narrowest of the suite's bounds of this column: several may be for the row. */
static void take_bounds(const struct validation *v, struct validate_metric *m, const double *bound)
{
    for (int i = 0; i < v->suite.bounds; i++) {
        if (strcmp(v->suite.bound[i].column, m->column) != 0)
            continue;
        m->at_least = fmax(m->at_least, bound[2 * i]);      /* either may be NAN, which yields */
        m->at_most = fmin(m->at_most, bound[2 * i + 1]);
    }
}

static bool has_bound(const struct validate_metric *m)
{
    return !isnan(m->at_least) || !isnan(m->at_most);
}

/* A prediction that is NAN keeps to nothing. */
static bool keeps(const struct validate_metric *m)
{
    return (isnan(m->tolerance) || within(m->predicted, m->measured, m->tolerance)) &&
           (isnan(m->at_least) || m->predicted >= m->at_least - hair(m->at_least)) &&
           (isnan(m->at_most) || m->predicted <= m->at_most + hair(m->at_most));
}

/* The difference as a share of what the tolerance is a share of; where it is none, of what was measured. */
static double error_of(const struct validate_metric *m, double of)
{
    double difference = fabs(m->predicted - m->measured);

    if (isnan(m->tolerance) && has_bound(m))        /* a bound asks for no nearness */
        return NAN;
    if (of > 0 && !isnan(m->tolerance))
        return difference * of / m->tolerance;
    return difference / fmax(fabs(m->measured), m->tolerance);
}

static struct validate_metric metric_of(const struct validation *v, int row, int i)
{
    const struct suite_metric *metric = &v->suite.metric[i];

    return (struct validate_metric){
        .column = must(strdup(metric->column)), .of = i, .predicted = NAN, .measured = measured(v, row, metric),
        .tolerance = NAN, .at_least = NAN, .at_most = NAN, .error = NAN, .pass = true,
    };
}

void judge_metric(const struct validation *v, int row, struct validate_metric *m)
{
    m->pass = keeps(m);
    m->error = error_of(m, share(v, row, &v->suite.metric[m->of]));
}

/* ---- coverage ---- */

/* The metric whose intervals this one tries, -1: not in this row. */
static int covered(const struct validation *v, int row, const struct suite_metric *metric, const struct prediction *p)
{
    if (!metric->coverage || p->batches < 2 || (metric->rows && !suite_matches(metric->rows, v->row[row].id)))
        return -1;
    for (int i = 0; i < v->suite.metrics; i++) {
        if (strcmp(v->suite.metric[i].column, metric->coverage) == 0 && predict_applies(v, row, &v->suite.metric[i]))
            return i;
    }
    return -1;
}

/* Do the intervals of independent batches hold the value as often as they say? How many may is binomial. */
static void judge_coverage(const struct validation *v, int row, int of, const struct prediction *p,
                           struct validate_metric *m)
{
    double value = measured(v, row, &v->suite.metric[of]), n = p->batches;
    unsigned held = 0, low, high;

    for (int b = 0; b < p->batches; b++) {
        size_t at = (size_t)of * (size_t)p->runs + (size_t)b * (size_t)p->reps;
        struct estimate e = stats_estimate(&p->sample[at], (size_t)p->reps, STATS_CONFIDENCE);
        held += fabs(e.mean - value) <= e.half_width;
    }
    stats_binomial((unsigned)p->batches, STATS_CONFIDENCE, v->suite.confidence, &low, &high);
    m->predicted = held / n;
    m->measured = STATS_CONFIDENCE;
    m->pass = held >= low && held <= high;
    m->tolerance = m->predicted < m->measured ? m->measured - low / n : high / n - m->measured;
}

/* ---- a row's metrics ---- */

static int take_metric(const struct validation *v, int row, int i, const struct prediction *p, struct messages *m)
{
    const struct suite_metric *metric = &v->suite.metric[i];
    struct validate_row *r = &v->row[row];
    int of = p ? covered(v, row, metric, p) : -1;

    if (of < 0 && !predict_applies(v, row, metric))
        return 0;
    if (p && metric->ci && p->runs < 2 && metric->least == 0) {
        messages_add(m, "%s:%d: %s has a confidence interval only with `reps` of 2 or more", v->table.name,
                     v->table.line[row], metric->column);
        return -1;
    }
    struct validate_metric *to = &r->metric[r->metrics++];
    *to = metric_of(v, row, i);
    if (of >= 0) {
        judge_coverage(v, row, of, p, to);
    } else if (p) {
        to->tolerance = tolerance(v, row, i, p);
        take_bounds(v, to, p->bound);
        if (!suite_of_two(metric)) {                /* those wait until all have been run */
            to->predicted = p->mean[i];
            judge_metric(v, row, to);
        }
    }
    r->within &= to->pass;
    return 0;
}

int judge_row(const struct validation *v, int row, const struct prediction *p, struct messages *m)
{
    struct validate_row *r = &v->row[row];
    size_t n = (size_t)v->suite.metrics;

    r->within = true;
    r->metric = must(calloc(n, sizeof *r->metric));
    if (p) {
        r->value = must(calloc(n, sizeof *r->value));
        memcpy(r->value, p->mean, n * sizeof *r->value);
    }
    for (int i = 0; i < v->suite.metrics; i++) {
        if (take_metric(v, row, i, p, m) != 0)
            return -1;
    }
    return 0;
}

/* ---- the verdict ---- */

const struct suite_printed *judge_printed(const struct validation *v, int row)
{
    for (int i = 0; i < v->suite.printeds; i++) {
        const struct suite_printed *p = &v->suite.printed[i];
        if (suite_matches(p->rows, v->row[row].id) && cell_matches(&v->table, row, p->column, p->is))
            return p;
    }
    return NULL;
}

/* Does anything have a tolerance or a bound? */
static bool asks(const struct validate_row *r)
{
    for (int i = 0; i < r->metrics; i++) {
        if (!isnan(r->metric[i].tolerance) || has_bound(&r->metric[i]))
            return true;
    }
    return false;
}

void judge_verdict(const struct validation *v, int row)
{
    const struct suite_printed *p = judge_printed(v, row);
    struct validate_row *r = &v->row[row];

    if (v->suite.calibration && suite_matches(v->suite.calibration, r->id)) {
        r->status = VALIDATE_CALIBRATION;
    } else if (p) {
        free(r->why);
        r->why = must(strdup(p->why ? p->why : ""));
        r->status = VALIDATE_PRINTED;
    } else {
        r->status = !asks(r) ? VALIDATE_PRINTED : r->within ? VALIDATE_PASS : VALIDATE_FAIL;
    }
}

/* ---- chaos ---- */

/* Whether a prediction with all costs moved a little is outside this row's tolerance around the prediction. */
static bool strays(const struct validation *v, int row, const double *value, const double *moved)
{
    const struct validate_row *r = &v->row[row];

    for (int k = 0; k < r->metrics; k++) {
        const struct validate_metric *m = &r->metric[k];
        const struct suite_metric *of = &v->suite.metric[m->of];
        if (!of->coverage && !suite_of_two(of) && !isnan(m->tolerance) && !isnan(value[m->of]) &&
            !within(moved[m->of], value[m->of], m->tolerance))
            return true;
    }
    return false;
}

bool judge_chaotic(const struct validation *v, int row, const struct scenario *s, const struct prediction *p,
                   atomic_int *stop, struct messages *m)
{
    struct prediction moved;
    bool found = false;

    if (prediction_init(&moved, v, row, m) != 0)
        return false;
    for (int k = 0; k < SUITE_BY && v->suite.chaos_value[k] && !found; k++) {
        struct scenario *other = must(scenario_copy(s));
        found = scenario_set(other, v->suite.chaos_key, v->suite.chaos_value[k], LEVEL_VARY, v->suite.path, m) == 0 &&
                predict(v, row, other, stop, &moved, m) == 0 && strays(v, row, p->mean, moved.mean);
        scenario_free(other);
    }
    prediction_free(&moved);
    return found;
}
