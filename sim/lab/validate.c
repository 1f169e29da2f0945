/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/validate.h"

#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/probe.h"
#include "sim/lab/run.h"
#include "sim/lab/scenario.h"

const char *const validate_status_name[] = { "pass", "FAIL", "calibration", "printed", "chaotic", "ERROR" };

enum { WHY = 256 };

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

/* What a metric says, or what the row's own column does where it says {column}; NULL: nothing. */
static char *own(const struct validation *v, int row, const char *text)
{
    char why[WHY];

    return text ? suite_fill(text, NULL, &v->table, row, why, sizeof why) : NULL;
}

/* Runs the scenario and takes the row's metrics from it, in the suite's order. 0, or -1 with messages. */
static int predict(const struct validation *v, int row, const struct scenario *s, atomic_int *stop, double *value,
                   struct messages *m)
{
    struct run_options options = { .seed = 1, .stop = stop };
    struct config c;
    struct probe probe;
    struct result r;
    char why[WHY];

    if (scenario_resolve(s, &c, m) != 0)
        return -1;
    probe_init(&probe);
    options.trace = (struct trace){ probe_hook, &probe };
    int failed = run_config(&c, &options, &r, why, sizeof why);
    if (!failed && probe.broken) {
        snprintf(why, sizeof why, "out of memory");
        failed = -1;
    }
    for (int i = 0; i < v->suite.metrics && !failed; i++) {
        char *from = own(v, row, v->suite.metric[i].from);
        value[i] = from ? probe_metric(&probe, &r, from) : NAN;
        free(from);
    }
    if (failed)
        messages_add(m, "%s", why);
    result_free(&r);
    probe_free(&probe);
    config_free(&c);
    return failed;
}

/* ---- tolerances ---- */

/* "0.05" or "5%"; NAN if it is neither. */
static double number_of(const char *text)
{
    char *end;

    if (!text || !*text)
        return NAN;
    double x = strtod(text, &end);
    if (strcmp(end, "%") == 0)
        return x / 100;
    return *end ? NAN : x;
}

static double number(const struct table_file *t, int row, const char *column)
{
    return number_of(table_file_cell(t, row, column));
}

static double own_number(const struct validation *v, int row, const char *text)
{
    char *filled = own(v, row, text);
    double x = number_of(filled);

    free(filled);
    return x;
}

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

/* NAN: there is none. */
static double tolerance(const struct validation *v, int row, const struct suite_metric *metric)
{
    double base = number(&v->table, row, metric->of ? metric->of : metric->column);
    double t = fmax(share(v, row, metric) * fabs(base), metric->least);

    if (metric->printed || (t == 0 && (metric->within_of || metric->at_most || metric->at_least)))
        return NAN;
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

/* Predicted beside measured. Ratios of two rows only when all have been run. */
static void compare(const struct validation *v, int row, bool ratios)
{
    struct validate_row *r = &v->row[row];

    free(r->metric);
    r->metrics = 0;
    r->within = true;
    r->metric = must(calloc((size_t)v->suite.metrics, sizeof *r->metric));
    for (int i = 0; i < v->suite.metrics; i++) {
        const struct suite_metric *metric = &v->suite.metric[i];
        double measured = number(&v->table, row, metric->column);
        if ((metric->rows && !suite_matches(metric->rows, r->id)) || isnan(measured) || (metric->over && !ratios))
            continue;
        struct validate_metric *to = &r->metric[r->metrics++];
        *to = (struct validate_metric){ .column = metric->column, .predicted = NAN, .measured = measured,
                                        .tolerance = NAN, .error = NAN, .pass = true };
        if (r->value)
            to->predicted = metric->over ? r->value[i] / other_value(v, row, i) : r->value[i];
        if (!r->value || (metric->over && isnan(to->predicted)))
            continue;
        double t = to->tolerance = tolerance(v, row, metric), s = share(v, row, metric);
        to->pass = (isnan(t) || within(to->predicted, measured, t)) && within_bounds(v, row, metric, to->predicted);
        if (!isnan(t) || !bounded(v, row, metric))          /* a bound asks for no nearness */
            to->error = fabs(to->predicted - measured) * (s > 0 ? s / t : 1 / fabs(measured));
        r->within &= to->pass;
    }
}

/* ---- chaos ---- */

/* Whether a prediction with all costs moved a little is outside this row's tolerance around the prediction. */
static bool strays(const struct validation *v, int row, const double *value, const double *moved)
{
    const struct validate_row *r = &v->row[row];

    for (int i = 0, k = 0; i < v->suite.metrics && k < r->metrics; i++) {
        if (r->metric[k].column != v->suite.metric[i].column)
            continue;
        if (!isnan(r->metric[k].tolerance) && !within(moved[i], value[i], r->metric[k].tolerance))
            return true;
        k++;
    }
    return false;
}

static bool chaotic(const struct validation *v, int row, const struct scenario *s, const double *value,
                    atomic_int *stop, struct messages *m)
{
    double *moved = must(calloc((size_t)v->suite.metrics, sizeof *moved));
    bool found = false;

    for (int k = 0; k < SUITE_BY && v->suite.chaos_value[k] && !found; k++) {
        struct scenario *other = must(scenario_copy(s));
        found = scenario_set(other, v->suite.chaos_key, v->suite.chaos_value[k], LEVEL_VARY, v->suite.path, m) == 0 &&
                predict(v, row, other, stop, moved, m) == 0 && strays(v, row, value, moved);
        scenario_free(other);
    }
    free(moved);
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

    if (printed(v, r) && printed(v, r)->not_run) {
        compare(v, row, false);
        r->status = verdict(v, r);
        return;
    }
    double *value = must(calloc((size_t)v->suite.metrics, sizeof *value));
    struct scenario *s = row_scenario(v, row, o->data_dir, &m);
    if (!s || predict(v, row, s, o->stop, value, &m) != 0) {
        row_error(r, &m);
        free(value);
    } else {
        r->value = value;
        compare(v, row, false);
        r->status = verdict(v, r);
        if (validate_judged(r->status) && v->suite.chaos_key && chaotic(v, row, s, value, o->stop, &m))
            r->status = VALIDATE_CHAOTIC;
    }
    scenario_free(s);
    messages_free(&m);
}

/* Ratios of two rows, when both are known: the verdict may change. */
static void relate(struct validation *v)
{
    bool any = false;

    for (int i = 0; i < v->suite.metrics; i++)
        any |= v->suite.metric[i].over != NULL;
    for (int i = 0; i < v->rows && any; i++) {
        struct validate_row *r = &v->row[i];
        if (!r->value)
            continue;
        compare(v, i, true);
        if (r->status != VALIDATE_CHAOTIC)
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
