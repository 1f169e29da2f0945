/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/relate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/cell.h"
#include "sim/lab/expression.h"
#include "sim/lab/judge.h"
#include "sim/lab/must.h"

enum { WHY = 256 };

/* ---- ratios and differences of two rows ---- */

/* The row whose prediction this metric's is divided by, or less; NULL if there is none of that id. */
static const struct validate_row *other_row(const struct validation *v, int row, int metric)
{
    const struct suite_metric *of = &v->suite.metric[metric];
    const char *id = table_file_cell(&v->table, row, of->over ? of->over : of->less);

    for (int i = 0; i < v->rows && id; i++) {
        if (strcmp(v->row[i].id, id) == 0)
            return &v->row[i];
    }
    return NULL;
}

static void relate_row(const struct validation *v, int row)
{
    struct validate_row *r = &v->row[row];

    for (int k = 0; k < r->metrics; k++) {
        struct validate_metric *m = &r->metric[k];
        if (!suite_of_two(&v->suite.metric[m->of]))
            continue;
        const struct validate_row *other = other_row(v, row, m->of);
        if (other && !other->value)
            continue;           /* it was not run: nothing to compare with, and nothing is asked */
        m->predicted = !other ? NAN : v->suite.metric[m->of].over ? r->value[m->of] / other->value[m->of]
                                                                  : r->value[m->of] - other->value[m->of];
        judge_metric(v, row, m);
        r->within &= m->pass;
    }
    if (r->status != VALIDATE_CHAOTIC)
        judge_verdict(v, row);
}

void relate_ratios(const struct validation *v)
{
    for (int i = 0; i < v->rows; i++) {
        if (v->row[i].value && v->row[i].status != VALIDATE_ERROR)
            relate_row(v, i);
    }
}

/* ---- checks ---- */

/* What an expression of a check may name: the metrics of one row. */
struct names {
    const struct validate_row *row;
    bool measured;
};

static double named(void *names, const char *name)
{
    const struct names *n = names;

    for (int i = 0; i < n->row->metrics; i++) {
        const struct validate_metric *m = &n->row->metric[i];
        if (strcmp(m->column, name) == 0)
            return n->measured ? m->measured : m->predicted;
    }
    return NAN;
}

static double value_of(const struct validation *v, const struct suite_check *check, int row, bool measured)
{
    struct names names = { &v->row[row], measured };
    char why[WHY];
    char *filled = cell_fill(check->value, NULL, &v->table, row, why, sizeof why);
    double value = NAN;

    if (filled)
        expression_value(filled, named, &names, &value, why, sizeof why);
    free(filled);
    return value;
}

/* The rows of a check in the order of their numbers in its column. */
static int rows_of(const struct validation *v, const struct suite_check *check, int *order)
{
    int n = 0;

    for (int i = 0; i < v->rows; i++) {
        double along = cell_number(&v->table, i, check->along);
        if (!suite_matches(check->rows, v->row[i].id) || isnan(along) || v->row[i].status == VALIDATE_ERROR)
            continue;
        int k = n++;
        for (; k > 0 && cell_number(&v->table, order[k - 1], check->along) > along; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    return n;
}

/* One row of a check: its prediction is bounded by that of the row before. */
static void check_row(const struct validation *v, const struct suite_check *check, struct validate_row *r, int row)
{
    struct validate_metric *m = &r->metric[r->metrics];
    char *name = NULL;

    must(asprintf(&name, "%s@%s=%s", check->value, check->along, table_file_cell(&v->table, row, check->along)) < 0
             ? NULL : name);
    *m = (struct validate_metric){
        .column = name, .of = row, .predicted = value_of(v, check, row, false),
        .measured = value_of(v, check, row, true), .tolerance = NAN, .at_least = NAN, .at_most = NAN, .error = NAN,
    };
    if (r->metrics++ > 0) {
        double before = m[-1].predicted, slack = fmax(check->slack * fabs(before), check->least);
        if (check->falls)
            m->at_most = before + slack;
        else
            m->at_least = before - slack;
        m->pass = check->falls ? m->predicted <= m->at_most : m->predicted >= m->at_least;
    } else {
        m->pass = !isnan(m->predicted);
    }
    r->within &= m->pass;
}

void relate_checks(struct validation *v)
{
    int *order = must(calloc((size_t)v->rows + 1, sizeof *order));

    v->check = must(calloc((size_t)v->suite.checks + 1, sizeof *v->check));
    for (int i = 0; i < v->suite.checks; i++) {
        const struct suite_check *check = &v->suite.check[i];
        struct validate_row *r = &v->check[v->checks];
        int n = rows_of(v, check, order);
        if (n < 2)
            continue;
        *r = (struct validate_row){
            .id = must(strdup(check->id)), .set = "check", .group = must(strdup("")), .within = true,
            .why = must(strdup(check->what ? check->what : "")),
            .metric = must(calloc((size_t)n, sizeof *r->metric)),
        };
        for (int k = 0; k < n; k++)
            check_row(v, check, r, order[k]);
        r->status = r->within ? VALIDATE_PASS : VALIDATE_FAIL;
        v->checks++;
    }
    free(order);
}
