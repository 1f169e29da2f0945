/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/out/json.h"

static bool same_family(const char *a, const char *b)
{
    size_t n = strcspn(a, "_");

    return n == strcspn(b, "_") && strncmp(a, b, n) == 0;
}

static void number(double x, char text[NUMBER_TEXT])
{
    if (isnan(x))
        snprintf(text, NUMBER_TEXT, "-");
    else if (fabs(x) < 1e15 && (x == floor(x) || fabs(x) >= 1000))     /* four digits need no fraction */
        snprintf(text, NUMBER_TEXT, "%.0f", x);
    else
        snprintf(text, NUMBER_TEXT, "%.4g", x);
}

/* ---- rows ---- */

static const struct validate_metric *find_metric(const struct validate_row *r, const char *column)
{
    for (int i = 0; i < r->metrics; i++) {
        if (strcmp(r->metric[i].column, column) == 0)
            return &r->metric[i];
    }
    return NULL;
}

/* "600" where both agree, else "598 (600)", with a mark when it is outside the tolerance. */
static void metric_cell(struct table *t, const struct validate_metric *m)
{
    char predicted[NUMBER_TEXT], measured[NUMBER_TEXT];

    if (!m) {
        table_cell(t, "%s", "");
        return;
    }
    number(m->predicted, predicted);
    number(m->measured, measured);
    if (m->pass && strcmp(predicted, measured) == 0)
        table_cell(t, "%s", measured);
    else
        table_cell(t, "%s (%s)%s", predicted, measured, m->pass ? "" : " !");
}

/* Several metrics may share a column, for different rows: it is one column here. */
static bool first_of_column(const struct validation *v, int metric)
{
    for (int i = 0; i < metric; i++) {
        if (strcmp(v->suite.metric[i].column, v->suite.metric[metric].column) == 0)
            return false;
    }
    return true;
}

/* The metrics that some row of a family has, one bit each. */
static uint64_t metrics_of(const struct validation *v, const char *family)
{
    uint64_t bits = 0;

    for (int i = 0; i < v->rows; i++) {
        for (int k = 0; same_family(family, v->row[i].id) && k < v->suite.metrics; k++)
            bits |= (uint64_t)(first_of_column(v, k) && find_metric(&v->row[i], v->suite.metric[k].column)) << k;
    }
    return bits;
}

/* A table with the metrics in `bits` as columns behind the first ones. */
static void metrics_table(struct table *t, const struct validation *v, uint64_t bits, const char *first)
{
    char titles[1024];
    size_t n = (size_t)snprintf(titles, sizeof titles, "%s", first);

    for (int i = 0; i < v->suite.metrics && n < sizeof titles; i++) {
        if (bits >> i & 1)
            n += (size_t)snprintf(titles + n, sizeof titles - n, "|>%s", v->suite.metric[i].column);
    }
    table_init(t, titles);
}

static void table_end(struct table *t, FILE *out)
{
    fputc('\n', out);
    table_print(t, 0, out);
    table_free(t);
}

static bool has_sets(const struct validation *v)
{
    for (int i = 0; i < v->rows; i++) {
        if (*v->row[i].set)
            return true;
    }
    return false;
}

static void row_cells(struct table *t, const struct validation *v, const struct validate_row *r, uint64_t bits)
{
    table_cell(t, "%s", r->id);
    if (has_sets(v))
        table_cell(t, "%s", r->set);
    table_cell(t, "%s", validate_status_name[r->status]);
    for (int k = 0; k < v->suite.metrics; k++) {
        if (bits >> k & 1)
            metric_cell(t, find_metric(r, v->suite.metric[k].column));
    }
}

/* Notes are of rows that are here: with --only, not all are. */
static bool concerns(const struct validation *v, const char *globs)
{
    for (int i = 0; i < v->rows; i++) {
        if (suite_matches(globs, v->row[i].id))
            return true;
    }
    return false;
}

static void print_notes(const struct validation *v, FILE *out)
{
    fputc('\n', out);
    for (int i = 0; i < v->rows; i++) {
        if (v->row[i].status == VALIDATE_ERROR)
            fprintf(out, "%s: %s\n", v->row[i].id, v->row[i].why ? v->row[i].why : "");
    }
    for (int i = 0; i < v->suite.fitteds; i++) {
        if (concerns(v, v->suite.fitted[i].rows))
            fprintf(out, "Fitted to %s: %s\n", v->suite.fitted[i].rows, v->suite.fitted[i].what);
    }
    for (int i = 0; i < v->suite.printeds; i++) {
        const struct suite_printed *p = &v->suite.printed[i];
        if (concerns(v, p->rows))
            fprintf(out, "Not judged, %s: %s\n", p->rows, p->why ? p->why : "");
    }
}

/* Neighbouring families with the same metrics share a table. */
static void print_rows(const struct validation *v, bool failed_only, FILE *out)
{
    struct table t;
    uint64_t bits = 0;
    bool open = false;

    fputs("Predicted (measured); one number: the same; a dash: no prediction. '!': outside the tolerance\n", out);
    for (int i = 0; i < v->rows; i++) {
        const struct validate_row *r = &v->row[i];
        uint64_t mine = metrics_of(v, r->id);
        if (failed_only && r->within && r->status != VALIDATE_ERROR)
            continue;
        if (open && mine != bits) {
            table_end(&t, out);
            open = false;
        }
        if (!open)
            metrics_table(&t, v, bits = mine, has_sets(v) ? "id|set|verdict" : "id|verdict");
        open = true;
        row_cells(&t, v, r, bits);
    }
    if (open)
        table_end(&t, out);
    print_notes(v, out);
}

/* ---- errors ---- */

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

struct errors { double median, worst; int n; };

/* Of the rows of a family (NULL: of all) that are not calibration; of one column, or of all with a
 * tolerance where that is NULL. */
static struct errors errors_of(const struct validation *v, const char *family, const char *column)
{
    size_t room = (size_t)v->rows * (size_t)(v->suite.metrics + 1), n = 0;
    double *all = calloc(room + 1, sizeof *all);
    struct errors e = { NAN, NAN, 0 };

    for (int i = 0; all && i < v->rows; i++) {
        const struct validate_row *r = &v->row[i];
        if ((family && !same_family(family, r->id)) || r->status == VALIDATE_CALIBRATION ||
            r->status == VALIDATE_PRINTED)
            continue;
        for (int k = 0; k < r->metrics; k++) {
            bool counts = column ? strcmp(r->metric[k].column, column) == 0 : !isnan(r->metric[k].tolerance);
            if (counts && !isnan(r->metric[k].error))
                all[n++] = r->metric[k].error;
        }
    }
    if (n > 0) {
        qsort(all, n, sizeof *all, ascending);
        e = (struct errors){ n % 2 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2, all[n - 1], (int)n };
    }
    free(all);
    return e;
}

static void error_cell(struct table *t, struct errors e)
{
    if (e.n == 0)
        table_cell(t, "-");
    else
        table_cell(t, "%.1f / %.1f", 100 * e.median, 100 * e.worst);
}

static void count_family(const struct validation *v, const char *family, int *rows, int *judged, int *passed)
{
    *rows = *judged = *passed = 0;
    for (int i = 0; i < v->rows; i++) {
        if (!same_family(family, v->row[i].id))
            continue;
        ++*rows;
        *judged += validate_judged(v->row[i].status);
        *passed += v->row[i].status == VALIDATE_PASS;
    }
}

static bool first_of_family(const struct validation *v, int row)
{
    for (int i = 0; i < row; i++) {
        if (same_family(v->row[i].id, v->row[row].id))
            return false;
    }
    return true;
}

static void print_families(const struct validation *v, FILE *out)
{
    struct table t;
    uint64_t bits = 0;
    bool open = false;

    fputs("\nError by family, median / worst, percent of what the tolerance is a share of\n", out);
    for (int i = 0; i < v->rows; i++) {
        int rows, judged, passed;
        if (!first_of_family(v, i))
            continue;
        uint64_t mine = metrics_of(v, v->row[i].id);
        if (open && mine != bits) {
            table_end(&t, out);
            open = false;
        }
        if (!open)
            metrics_table(&t, v, bits = mine, "family|>rows|>judged|>pass");
        open = true;
        count_family(v, v->row[i].id, &rows, &judged, &passed);
        table_cell(&t, "%.*s", (int)strcspn(v->row[i].id, "_"), v->row[i].id);
        table_cell(&t, "%d", rows);
        table_cell(&t, "%d", judged);
        table_cell(&t, "%d", passed);
        for (int k = 0; k < v->suite.metrics; k++) {
            if (bits >> k & 1)
                error_cell(&t, errors_of(v, v->row[i].id, v->suite.metric[k].column));
        }
    }
    if (open)
        table_end(&t, out);
}

/* ---- checks ---- */

/* "at_most 12", "at_least 3" or nothing. */
static void bound_cell(struct table *t, const struct validate_metric *m)
{
    char text[NUMBER_TEXT];

    number(isnan(m->at_least) ? m->at_most : m->at_least, text);
    if (isnan(m->at_least) && isnan(m->at_most))
        table_cell(t, " ");
    else
        table_cell(t, "%s %s", isnan(m->at_least) ? "at most" : "at least", text);
}

static void print_checks(const struct validation *v, bool failed_only, FILE *out)
{
    struct table t;

    if (v->checks == 0)
        return;
    fputs("\nChecks of rows against each other: the prediction keeps to its bound, whatever was measured\n\n", out);
    table_init(&t, "check|verdict|of|>predicted (measured)|bound");
    for (int i = 0; i < v->checks; i++) {
        const struct validate_row *r = &v->check[i];
        for (int k = 0; k < r->metrics && !(failed_only && r->within); k++) {
            table_cell(&t, "%s", k ? " " : r->id);
            table_cell(&t, "%s", k ? " " : validate_status_name[r->status]);
            table_cell(&t, "%s", r->metric[k].column);
            metric_cell(&t, &r->metric[k]);
            bound_cell(&t, &r->metric[k]);
        }
    }
    table_print(&t, 0, out);
    table_free(&t);
}

/* ---- the verdict ---- */

static bool first_of_group(const struct validation *v, int row)
{
    for (int i = 0; i < row; i++) {
        if (strcmp(v->row[i].group, v->row[row].group) == 0)
            return false;
    }
    return true;
}

static void print_verdict(const struct validation *v, FILE *out)
{
    fputc('\n', out);
    for (int i = 0; i < v->rows; i++) {
        int judged, passed;
        if (!first_of_group(v, i))
            continue;
        validation_count(v, v->row[i].group, &judged, &passed);
        fprintf(out, "%s%s%s: %d of %d judged rows pass%s", v->suite.name, *v->row[i].group ? " " : "", v->row[i].group,
                passed, judged, judged ? "" : "\n");
        if (judged)
            fprintf(out, " (%.1f %%, wanted %.0f %%)\n", 100.0 * passed / judged, 100 * v->suite.pass);
    }
    if (v->checks > 0) {
        int good = 0;
        for (int i = 0; i < v->checks; i++)
            good += v->check[i].status == VALIDATE_PASS;
        fprintf(out, "%s: %d of %d checks hold\n", v->suite.name, good, v->checks);
    }
}

static void print_holds(bool holds, bool colour, FILE *out)
{
    fprintf(out, "%s%s%s\n", colour ? (holds ? "\033[32m" : "\033[31m") : "", holds ? "The suite holds." : "The suite FAILS.",
            colour ? "\033[0m" : "");
}

void validation_print(const struct validations *all, bool failed_only, bool colour, FILE *out)
{
    for (int i = 0; i < all->parts; i++) {
        if (all->parts > 1)
            fprintf(out, "%s%s: %s\n\n", i ? "\n" : "", all->part[i].suite.name, all->part[i].suite.what);
        print_rows(&all->part[i], failed_only, out);
        print_families(&all->part[i], out);
        print_checks(&all->part[i], failed_only, out);
    }
    for (int i = 0; i < all->parts; i++)
        print_verdict(&all->part[i], out);
    int judged, passed;
    validations_count(all, &judged, &passed);
    if (judged || !validations_holds(all))
        print_holds(validations_holds(all), colour, out);
    else
        fputs("No row was judged.\n", out);
}

/* ---- JSON ---- */

static void row_json(struct json *j, const struct validate_row *r)
{
    json_object(j, NULL);
    json_text(j, "id", r->id);
    json_text(j, "set", r->set);
    json_text(j, "group", r->group);
    json_bool(j, "judged", validate_judged(r->status));
    json_bool(j, "pass", r->status != VALIDATE_ERROR && r->within);
    json_text(j, "status", validate_status_name[r->status]);
    json_text(j, "why", r->why);
    json_text(j, "fitted", r->fitted);
    json_object(j, "metrics");
    for (int i = 0; i < r->metrics; i++) {
        const struct validate_metric *m = &r->metric[i];
        json_object(j, m->column);
        json_real(j, "predicted", m->predicted);
        json_real(j, "measured", m->measured);
        json_real(j, "tolerance", m->tolerance);
        if (!isnan(m->at_least))
            json_real(j, "at_least", m->at_least);
        if (!isnan(m->at_most))
            json_real(j, "at_most", m->at_most);
        json_bool(j, "pass", m->pass);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

void validation_json(const struct validations *all, FILE *out)
{
    struct json j;
    int judged, passed;

    validations_count(all, &judged, &passed);
    json_begin(&j, out);
    json_object(&j, NULL);
    json_text(&j, "suite", all->suite.name);
    json_text(&j, "what", all->suite.what ? all->suite.what : all->part[0].suite.what);
    json_bool(&j, "holds", validations_holds(all));
    json_uint(&j, "judged", (uint64_t)judged);
    json_uint(&j, "passed", (uint64_t)passed);
    json_array(&j, "rows");
    for (int i = 0; i < all->parts; i++) {
        for (int k = 0; k < all->part[i].rows; k++)
            row_json(&j, &all->part[i].row[k]);
        for (int k = 0; k < all->part[i].checks; k++)
            row_json(&j, &all->part[i].check[k]);
    }
    json_end(&j);
    json_finish(&j);
}

/* ---- all suites ---- */

void validation_table(struct table *t)
{
    table_init(t, "suite|>rows|>calibration|>chaotic|>judged|>fitted|>pass|>median error|>worst error|holds");
}

void validation_table_row(struct table *t, const struct validations *all)
{
    for (int i = 0; i < all->parts; i++) {
        const struct validation *v = &all->part[i];
        int judged, passed, calibration = 0, chaotic = 0, fitted = 0;
        struct errors e = errors_of(v, NULL, NULL);

        for (int k = 0; k < v->rows; k++) {
            calibration += v->row[k].status == VALIDATE_CALIBRATION;
            chaotic += v->row[k].status == VALIDATE_CHAOTIC;
            fitted += validate_judged(v->row[k].status) && v->row[k].fitted;
        }
        validation_count(v, NULL, &judged, &passed);
        for (int k = 0; k < v->checks; k++, judged++)
            passed += v->check[k].status == VALIDATE_PASS;
        table_cell(t, "%s", v->suite.name);
        table_cell(t, "%d", v->rows + v->checks);
        table_cell(t, "%d", calibration);
        table_cell(t, "%d", chaotic);
        table_cell(t, "%d", judged);
        table_cell(t, "%d", fitted);
        table_cell(t, "%d (%.1f %%)", passed, judged ? 100.0 * passed / judged : 100);
        if (e.n == 0) {
            table_cell(t, "-");
            table_cell(t, "-");
        } else {
            table_cell(t, "%.2f %%", 100 * e.median);
            table_cell(t, "%.1f %%", 100 * e.worst);
        }
        table_cell(t, "%s", validation_holds(v) ? "yes" : "NO");
    }
}
