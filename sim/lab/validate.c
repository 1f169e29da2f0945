/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/validate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/traffic.h"
#include "sim/lab/cell.h"
#include "sim/lab/judge.h"
#include "sim/lab/must.h"
#include "sim/lab/predict.h"
#include "sim/lab/relate.h"
#include "sim/lab/run.h"
#include "sim/lab/workers.h"

const char *const validate_status_name[] = { "pass", "FAIL", "calibration", "printed", "chaotic", "ERROR" };

enum { WHY = 256 };

/* ---- one row ---- */

/* The first message becomes the row's own sentence, behind the place of the row if it names another one. */
static void row_error(const struct validation *v, int row, struct messages *m)
{
    struct validate_row *r = &v->row[row];

    r->status = VALIDATE_ERROR;
    if (m->text) {
        m->text[strcspn(m->text, "\n")] = '\0';
        if (strncmp(m->text, v->table.name, strlen(v->table.name)) == 0)
            r->why = must(strdup(m->text));
        else
            must(asprintf(&r->why, "%s:%d: %s", v->table.name, v->table.line[row], m->text) < 0 ? NULL : r->why);
    }
}

static int predict_and_judge(const struct validation *v, int row, const struct scenario *s, struct prediction *p,
                             atomic_int *stop, struct messages *m)
{
    return judge_cells(v, row, m) != 0 || prediction_init(p, v, row, m) != 0 || predict(v, row, s, stop, p, m) != 0 ||
           judge_row(v, row, p, m) != 0 ? -1 : 0;
}

static void run_row(const struct validation *v, int row, const struct validate_options *o)
{
    struct validate_row *r = &v->row[row];
    const struct suite_printed *printed = judge_printed(v, row);
    struct messages m = { 0 };
    struct prediction p = { 0 };

    if (printed && printed->not_run) {
        judge_row(v, row, NULL, &m);
        judge_verdict(v, row);
        return;
    }
    struct scenario *s = predict_scenario(v, row, o->data_dir, &m);
    if (!s || predict_and_judge(v, row, s, &p, o->stop, &m) != 0) {
        row_error(v, row, &m);
    } else {
        judge_verdict(v, row);
        if (validate_judged(r->status) && v->suite.chaos_key && judge_chaotic(v, row, s, &p, o->stop, &m))
            r->status = VALIDATE_CHAOTIC;
        if (m.text)
            row_error(v, row, &m);
    }
    scenario_free(s);
    prediction_free(&p);
    messages_free(&m);
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

static void run_all(struct work *w)
{
    pthread_mutex_init(&w->lock, NULL);
    workers_run(workers_count(w->o->jobs, w->total), worker, w);
    pthread_mutex_destroy(&w->lock);
}

/* ---- a table ---- */

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

/* The row's name by the suite's template or the column `id`, made unique; NULL after a message. */
static char *id_of(const struct validation *v, int row, struct messages *m)
{
    char why[WHY], *unique = NULL;
    char *id = cell_fill(v->suite.id ? v->suite.id : "{id}", NULL, &v->table, row, why, sizeof why);
    int earlier = 0;

    if (!id) {
        messages_add(m, "%s:%d: id: %s", v->table.name, v->table.line[row], why);
        return NULL;
    }
    size_t n = strlen(id);
    for (int i = 0; i < row; i++)
        earlier += strncmp(v->row[i].id, id, n) == 0 && (v->row[i].id[n] == '\0' || v->row[i].id[n] == '#');
    if (earlier == 0 || !v->suite.id)
        return id;
    must(asprintf(&unique, "%s#%d", id, earlier + 1) < 0 ? NULL : unique);
    free(id);
    return unique;
}

/* Every column that the map names has to be there: without it a row would be another experiment. All are said at once. */
static int check_columns(const struct validation *v, struct messages *m)
{
    int missing = 0;

    for (int i = 0; i < v->suite.maps; i++) {
        const char *column = v->suite.map[i].column;
        if (!column || table_file_column(&v->table, column) >= 0 ||
            (i > 0 && v->suite.map[i - 1].column && strcmp(v->suite.map[i - 1].column, column) == 0))
            continue;
        messages_add(m, "%s:1: there is no column %s, which %s:%d maps", v->table.name, column, v->suite.path,
                     v->suite.map[i].line);
        missing++;
    }
    return missing ? -1 : 0;
}

static int read_rows(struct validation *v, const struct validate_options *o, struct messages *m)
{
    char *path = NULL;

    must(asprintf(&path, "%s/truth/%s", o->data_dir, v->suite.rows) < 0 ? NULL : path);
    int failed = table_file_read(&v->table, o->rows ? o->rows : path, m);
    free(path);
    if (failed)
        return -1;
    if (!v->suite.id && table_file_column(&v->table, "id") < 0) {
        messages_add(m, "%s:1: there is no column `id`", v->table.name);
        return -1;
    }
    if (check_columns(v, m) != 0)
        return -1;
    v->no_batch = o->no_batch;
    v->row = must(calloc((size_t)v->table.rows + 1, sizeof *v->row));
    for (v->rows = 0; v->rows < v->table.rows; v->rows++) {
        const char *set = table_file_cell(&v->table, v->rows, "set");
        struct validate_row *r = &v->row[v->rows];
        r->id = id_of(v, v->rows, m);
        if (!r->id)
            return -1;
        r->set = set ? set : "";
        r->group = group_of(v, v->rows);
        r->status = VALIDATE_PRINTED;
        for (int i = 0; i < v->suite.fitteds; i++) {
            if (suite_matches(v->suite.fitted[i].rows, r->id))
                r->fitted = v->suite.fitted[i].what;
        }
    }
    return 0;
}

/* Chaos excuses a share of each group's rows at most: beyond it, chaotic rows are judged like others, the last first. */
static void limit_chaos(struct validation *v)
{
    for (int i = 0; i < v->rows; i++) {
        struct validate_row *r = &v->row[i];
        int rows = 0, excused = 0;
        for (int k = 0; k < v->rows && r->status == VALIDATE_CHAOTIC; k++) {
            if (strcmp(v->row[k].group, r->group) == 0) {
                rows++;
                excused += k <= i && v->row[k].status == VALIDATE_CHAOTIC;
            }
        }
        if (r->status == VALIDATE_CHAOTIC && excused > v->suite.chaos_at_most * rows)
            r->status = r->within ? VALIDATE_PASS : VALIDATE_FAIL;
    }
}

static void free_row(struct validate_row *r)
{
    for (int i = 0; i < r->metrics; i++)
        free(r->metric[i].column);
    free(r->metric);
    free(r->value);
    free(r->id);
    free(r->group);
    free(r->why);
}

/* Leaves only the rows that were asked for. */
static void keep_only(struct validation *v, const char *only)
{
    int kept = 0;

    for (int i = 0; i < v->rows; i++) {
        if (!only || suite_matches(only, v->row[i].id))
            v->row[kept++] = v->row[i];
        else
            free_row(&v->row[i]);
    }
    v->rows = kept;
}

/* Predicts the rows that were read. */
static int run_table(struct validation *v, const struct validate_options *o, struct messages *m)
{
    int *order = must(calloc((size_t)v->rows + 1, sizeof *order));
    struct work w = { .v = v, .o = o, .order = order };

    for (int i = 0; i < v->rows; i++) {
        if (!o->only || suite_matches(o->only, v->row[i].id))
            order[w.total++] = i;
    }
    run_all(&w);
    free(order);
    if (o->stop && atomic_load(o->stop)) {
        messages_add(m, "%s: stopped", v->suite.name);
        return -1;
    }
    relate_ratios(v);
    if (!o->only)
        relate_checks(v);
    keep_only(v, o->only);
    limit_chaos(v);
    return 0;
}

/* ---- a suite of tables ---- */

/* How many columns of the part's own rows the file `rows` has; -1 if one cannot be read. */
static int shared_columns(const struct validation *v, const struct validate_options *o, struct messages *m)
{
    struct table_file own, other = { 0 };
    char *path = NULL;
    int shared = 0;

    must(asprintf(&path, "%s/truth/%s", o->data_dir, v->suite.rows) < 0 ? NULL : path);
    int failed = table_file_read(&own, path, m) != 0 || table_file_read(&other, o->rows, m) != 0;
    for (int i = 0; i < own.columns && !failed; i++)
        shared += table_file_column(&other, own.column[i]) >= 0;
    free(path);
    table_file_free(&own);
    table_file_free(&other);
    return failed ? -1 : shared;
}

/* Of several parts only the one that the file `rows` is for stays. */
static int choose_part(struct validations *all, const struct validate_options *o, struct messages *m)
{
    int best = -1, most = 0;

    for (int i = 0; i < all->parts; i++) {
        int shared = shared_columns(&all->part[i], o, m);
        if (shared < 0)
            return -1;
        if (shared > most) {
            most = shared;
            best = i;
        }
    }
    if (best < 0) {
        messages_add(m, "%s: its columns are those of no part of the suite %s", o->rows, all->suite.name);
        return -1;
    }
    struct validation chosen = all->part[best];
    all->part[best] = all->part[0];
    all->part[0] = chosen;
    for (int i = 1; i < all->parts; i++)
        suite_free(&all->part[i].suite);
    all->parts = 1;
    return 0;
}

static int read_parts(struct validations *all, const char *name, const struct validate_options *o, struct messages *m)
{
    all->part = must(calloc(SUITE_BY, sizeof *all->part));
    if (suite_read(&all->suite, name, o->data_dir, m) != 0)
        return -1;
    if (!all->suite.parts[0]) {
        all->part[0].suite = all->suite;
        all->suite = (struct suite){ .name = must(strdup(name)) };
        all->parts = 1;
        return 0;
    }
    for (int i = 0; i < SUITE_BY && all->suite.parts[i]; i++) {
        all->parts++;
        if (suite_read(&all->part[i].suite, all->suite.parts[i], o->data_dir, m) != 0)
            return -1;
        if (!all->part[i].suite.rows) {
            messages_add(m, "%s: a part has no parts of its own", all->part[i].suite.path);
            return -1;
        }
    }
    return 0;
}

static void validation_free(struct validation *v)
{
    for (int i = 0; i < v->rows; i++)
        free_row(&v->row[i]);
    for (int i = 0; i < v->checks; i++)
        free_row(&v->check[i]);
    free(v->row);
    free(v->check);
    table_file_free(&v->table);
    suite_free(&v->suite);
}

/* The suite with its rows. Free in any case. */
static int read_suite(struct validations *all, const char *name, const struct validate_options *o, struct messages *m)
{
    *all = (struct validations){ 0 };
    if (read_parts(all, name, o, m) != 0 || (o->rows && all->parts > 1 && choose_part(all, o, m) != 0))
        return -1;
    for (int i = 0; i < all->parts; i++) {
        if (read_rows(&all->part[i], o, m) != 0)
            return -1;
    }
    return 0;
}

int validate_suite(struct validations *all, const char *name, const struct validate_options *o, struct messages *m)
{
    if (read_suite(all, name, o, m) != 0)
        return -1;
    int rows = 0;

    for (int i = 0; i < all->parts; i++) {
        if (run_table(&all->part[i], o, m) != 0)
            return -1;
        rows += all->part[i].rows;
    }
    if (rows == 0 && o->only)
        messages_add(m, "%s: no row has an id that matches %s", o->rows ? o->rows : name, o->only);
    else if (rows == 0)
        messages_add(m, "%s: there is no row", o->rows ? o->rows : name);
    return rows ? 0 : -1;
}

void validations_free(struct validations *all)
{
    for (int i = 0; i < all->parts; i++)
        validation_free(&all->part[i]);
    free(all->part);
    suite_free(&all->suite);
    *all = (struct validations){ 0 };
}

/* ---- one row's events ---- */

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

static int run_timeline(const struct validation *v, int row, const struct validate_options *o,
                        struct timeline *simulated, struct messages *m)
{
    struct run_options options = {
        .seed = 1, .stop = o->stop, .no_batch = o->no_batch, .trace = { timeline_hook, simulated },
    };
    struct scenario *s = predict_scenario(v, row, o->data_dir, m);
    struct arrivals *arrivals;
    struct config c;
    struct result r;
    char why[WHY];
    int failed = -1;

    if (s && predict_config(v, row, s, &c, &arrivals, m) == 0) {
        failed = run_config(&c, &options, &r, why, sizeof why);
        if (failed)
            messages_add(m, "%s", why);
        result_free(&r);
        arrivals_free(arrivals);
        config_free(&c);
    }
    scenario_free(s);
    return failed;
}

int validate_timeline(const char *suite, const char *id, const struct validate_options *o, struct timeline *simulated,
                      struct messages *m)
{
    struct validations all;
    struct validation *in = NULL;
    int row = 0, failed = read_suite(&all, suite, o, m);

    timeline_init(simulated);
    for (int i = 0; i < all.parts && !failed && !in; i++) {
        struct validation *v = &all.part[i];
        for (row = 0; row < v->rows && !is_named(&v->row[row], id);)
            row++;
        in = row < v->rows ? v : NULL;
    }
    if (!failed && !in)
        messages_add(m, "%s: there is no row %s", suite, id);
    failed = in ? run_timeline(in, row, o, simulated, m) : -1;
    validations_free(&all);
    return failed;
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

void validations_count(const struct validations *all, int *judged, int *passed)
{
    *judged = *passed = 0;
    for (int i = 0; i < all->parts; i++) {
        const struct validation *v = &all->part[i];
        int of_rows, good;
        validation_count(v, NULL, &of_rows, &good);
        *judged += of_rows + v->checks;
        *passed += good;
        for (int k = 0; k < v->checks; k++)
            *passed += v->check[k].status == VALIDATE_PASS;
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
    for (int i = 0; i < v->checks; i++) {
        if (v->check[i].status != VALIDATE_PASS)
            return false;
    }
    return true;
}

bool validations_holds(const struct validations *all)
{
    for (int i = 0; i < all->parts; i++) {
        if (!validation_holds(&all->part[i]))
            return false;
    }
    return true;
}
