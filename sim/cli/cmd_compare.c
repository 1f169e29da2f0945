/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim compare: what changed between two runs, points or experiments.
 *
 * Runs are paired: replication i of A with replication i of B drew the same random numbers, so the difference of
 * a pair is the effect of what was changed, and its spread is far smaller than that of either side. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/cli/session.h"
#include "sim/lab/must.h"
#include "sim/engine/time.h"
#include "sim/lab/stats.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    OPTION_DB,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim compare last~1 last",
    "rxsim compare demo/0 demo/3",
    "rxsim compare before after --json",
    NULL
};

enum group { GROUP_METRIC, GROUP_COUNTER, GROUP_STAGE };
enum { A, B, SIDES };

/* One thing that both sides measured: a value for each of its runs. */
struct quantity {
    enum group group;
    char *name;
    const char *unit;
    enum metric_better better;
    double *value[SIDES];       /* by run of the side */
    struct estimate mean[SIDES], difference;
};

struct run_label {
    int64_t id;
    int ordinal, repetition;
    uint64_t seed;
    bool deterministic;
    char *label;
};

struct side {
    char what[128];
    struct run_label *run;
    int runs;
    bool one_point, deterministic;
};

struct comparison {
    struct side side[SIDES];
    struct quantity *quantity;
    int quantities, next;       /* next: where the next name is expected, since runs list alike */
    int *pair[SIDES];           /* runs of A and B, pair by pair */
    int pairs;
    bool seeds_differ;
};

/* ---- collecting ---- */

static bool is_quantity(const struct quantity *q, enum group group, const char *name)
{
    return q->group == group && strcmp(q->name, name) == 0;
}

/* What a side did not count is 0, what it did not measure is unknown. */
static double *new_values(int runs, enum group group)
{
    double *v = must(calloc((size_t)runs + 1, sizeof *v));

    for (int i = 0; i < runs; i++)
        v[i] = group == GROUP_COUNTER ? 0 : NAN;
    return v;
}

static struct quantity *find_quantity(struct comparison *c, enum group group, const char *name)
{
    struct quantity *q;

    for (int k = 0; k < c->quantities; k++) {
        int i = (c->next + k) % c->quantities;

        if (is_quantity(&c->quantity[i], group, name)) {
            c->next = i + 1;
            return &c->quantity[i];
        }
    }
    c->quantity = must(realloc(c->quantity, (size_t)(c->quantities + 1) * sizeof *c->quantity));
    q = &c->quantity[c->quantities++];
    *q = (struct quantity){ .group = group, .name = must(strdup(name)), .unit = "" };
    for (int s = 0; s < SIDES; s++)
        q->value[s] = new_values(c->side[s].runs, group);
    c->next = c->quantities;
    return q;
}

static void take(struct comparison *c, int side, int run, enum group group, const char *name, double value)
{
    find_quantity(c, group, name)->value[side][run] = value;
}

static void take_metrics(struct comparison *c, int side, int run, const struct result *r)
{
    for (int m = 0; metric_info[m].name; m++) {
        struct quantity *q = find_quantity(c, GROUP_METRIC, metric_info[m].name);

        q->unit = metric_info[m].unit;
        q->better = metric_info[m].better;
        q->value[side][run] = result_metric(r, metric_info[m].name);
    }
}

static void take_counters(struct comparison *c, int side, int run, const struct result *r)
{
    for (int i = 0; i < r->counters; i++) {
        char name[SCOPE_NAME + 80];

        snprintf(name, sizeof name, "%s %.72s", r->counter[i].scope, r->counter[i].name);
        take(c, side, run, GROUP_COUNTER, name, (double)r->counter[i].value);
    }
}

static void take_stages(struct comparison *c, int side, int run, const struct result *r)
{
    for (int i = 0; i < r->stages; i++) {
        const struct hist *h = &r->stage[i].hist;
        const struct { const char *what; double value; } of[] = {
            { "mean", hist_mean(h) },
            { "p50", (double)hist_quantile(h, 0.5) },
            { "p99", (double)hist_quantile(h, 0.99) },
        };

        if (h->count == 0)
            continue;
        for (size_t k = 0; k < sizeof of / sizeof of[0]; k++) {
            char name[96];

            snprintf(name, sizeof name, "%.60s %s", r->stage[i].name, of[k].what);
            take(c, side, run, GROUP_STAGE, name, of[k].value / (double)NS);
        }
    }
}

static int load_run(struct comparison *c, struct store *s, int side, int i, int64_t id)
{
    struct run_label *label = &c->side[side].run[i];
    struct stored_run run;

    if (store_load(s, id, &run) != 0) {
        say("%s", store_error(s));
        return EXIT_IO;
    }
    *label = (struct run_label){ .id = id, .ordinal = run.ordinal, .repetition = run.repetition, .seed = run.seed,
                                 .deterministic = run.result.deterministic, .label = must(strdup(run.label)) };
    take_metrics(c, side, i, &run.result);
    take_counters(c, side, i, &run.result);
    take_stages(c, side, i, &run.result);
    stored_run_free(&run);
    return EXIT_OK;
}

static void describe(struct side *s)
{
    s->one_point = s->deterministic = true;
    for (int i = 0; i < s->runs; i++) {
        s->one_point = s->one_point && s->run[i].ordinal == s->run[0].ordinal;
        s->deterministic = s->deterministic && s->run[i].deterministic;
    }
}

static int load(struct comparison *c, struct store *s, const struct arguments *a)
{
    struct run_set set[SIDES] = { 0 };
    int code = EXIT_OK;

    for (int side = 0; side < SIDES && code == EXIT_OK; side++) {
        code = session_find(s, a->positional[side], &set[side]);
        c->side[side].runs = set[side].n;
        memcpy(c->side[side].what, set[side].what, sizeof c->side[side].what);
        c->side[side].run = must(calloc((size_t)set[side].n + 1, sizeof *c->side[side].run));
    }
    for (int side = 0; side < SIDES && code == EXIT_OK; side++) {
        for (int i = 0; i < set[side].n && code == EXIT_OK; i++)
            code = load_run(c, s, side, i, set[side].id[i]);
        if (code == EXIT_OK)
            describe(&c->side[side]);
    }
    for (int side = 0; side < SIDES; side++)
        run_set_free(&set[side]);
    return code;
}

/* ---- pairing ---- */

static bool is_pair(const struct comparison *c, const struct run_label *a, const struct run_label *b)
{
    if (a->repetition != b->repetition)
        return false;
    return (c->side[A].one_point && c->side[B].one_point) || strcmp(a->label, b->label) == 0;
}

static int make_pairs(struct comparison *c)
{
    for (int s = 0; s < SIDES; s++)
        c->pair[s] = must(calloc((size_t)c->side[A].runs + 1, sizeof *c->pair[s]));
    for (int i = 0; i < c->side[A].runs; i++)
        for (int k = 0; k < c->side[B].runs; k++)
            if (is_pair(c, &c->side[A].run[i], &c->side[B].run[k])) {
                c->pair[A][c->pairs] = i;
                c->pair[B][c->pairs++] = k;
                c->seeds_differ |= c->side[A].run[i].seed != c->side[B].run[k].seed;
                break;
            }
    if (c->pairs > 0)
        return EXIT_OK;
    say("compare: %s and %s have no point and replication in common; name single points, as EXPERIMENT/POINT",
             c->side[A].what, c->side[B].what);
    return EXIT_USAGE;
}

static void estimate(struct comparison *c, struct quantity *q)
{
    double *v[SIDES];

    for (int s = 0; s < SIDES; s++) {
        v[s] = must(calloc((size_t)c->pairs, sizeof *v[s]));
        for (int i = 0; i < c->pairs; i++)
            v[s][i] = q->value[s][c->pair[s][i]];
        q->mean[s] = stats_estimate(v[s], (size_t)c->pairs, STATS_CONFIDENCE);
    }
    q->difference = stats_paired(v[A], v[B], (size_t)c->pairs, STATS_CONFIDENCE);
    for (int s = 0; s < SIDES; s++)
        free(v[s]);
}

/* Where nothing is random any difference is real. */
static bool exact(const struct comparison *c)
{
    return c->side[A].deterministic && c->side[B].deterministic;
}

static bool significant(const struct comparison *c, const struct quantity *q)
{
    if (exact(c))
        return q->difference.n > 0 && q->difference.mean != 0;
    return stats_significant(&q->difference);
}

/* ---- parameters that differ ---- */

struct parameter { char *name, *value[SIDES]; };
struct parameters { struct parameter *parameter; int n, side; };

static void take_parameter(void *user, const char *name, const char *value, const char *unit)
{
    struct parameters *p = user;
    int i = 0;

    while (i < p->n && strcmp(p->parameter[i].name, name) != 0)
        i++;
    if (i == p->n) {
        p->parameter = must(realloc(p->parameter, (size_t)(p->n + 1) * sizeof *p->parameter));
        p->parameter[p->n++] = (struct parameter){ .name = must(strdup(name)) };
    }
    free(p->parameter[i].value[p->side]);
    if (asprintf(&p->parameter[i].value[p->side], "%s%s", value, unit ? unit : "") < 0)
        abort();
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static bool differs(const struct parameter *p)
{
    return strcmp(or_dash(p->value[A]), or_dash(p->value[B])) != 0;
}

/* Of the first pair: with several points the pairs are at the same values of what was varied. */
static void load_parameters(const struct comparison *c, struct store *s, struct parameters *p)
{
    for (p->side = 0; p->side < SIDES; p->side++)
        store_resolved(s, c->side[p->side].run[c->pair[p->side][0]].id, take_parameter, p);
}

static void parameters_free(struct parameters *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->parameter[i].name);
        free(p->parameter[i].value[A]);
        free(p->parameter[i].value[B]);
    }
    free(p->parameter);
}

/* ---- text ---- */

enum { COUNTERS_SHOWN = 40 };

static const char *value_text(const struct quantity *q, double x, char buffer[NUMBER_TEXT])
{
    bool time = q->group == GROUP_STAGE || strcmp(q->unit, "ns") == 0;

    return time ? number_time(x, buffer) : number_short(x, 4, buffer);
}

static const char *verdict(const struct comparison *c, const struct quantity *q)
{
    if (!significant(c, q))
        return q->difference.n >= 2 && q->difference.mean != 0 ? "within noise" : "";
    enum metric_better better = q->group == GROUP_STAGE ? METRIC_LOWER : q->better;
    if (better == METRIC_NEUTRAL)
        return "";
    return (q->difference.mean < 0) == (better == METRIC_LOWER) ? "better" : "worse";
}

static void quantity_row(struct table *t, const struct comparison *c, const struct quantity *q)
{
    char text[NUMBER_TEXT];
    double change = q->difference.mean / q->mean[A].mean;

    table_cell(t, "%s", q->name);
    table_cell(t, "%s", value_text(q, q->mean[A].mean, text));
    table_cell(t, "%s", value_text(q, q->mean[B].mean, text));
    table_cell(t, "%s%s", q->difference.mean > 0 ? "+" : "", value_text(q, q->difference.mean, text));
    if (isfinite(change) && q->difference.mean != 0)
        table_cell(t, fabs(change) < 10 ? "%+.1f %%" : "%+.0f %%", 100 * change);
    else
        table_cell(t, "%s", "");
    if (!exact(c) && c->pairs > 1)
        table_cell(t, "%s", value_text(q, q->difference.half_width, text));
    else
        table_cell(t, "%s", "");
    table_cell(t, "%s", verdict(c, q));
}

static void print_group(const struct comparison *c, enum group group, const char *title, bool all)
{
    struct table t;
    int shown = 0, left = 0;

    table_init(&t, c->pairs > 1 && !exact(c) ? "|>A|>B|>B - A|>|>+- (95 %)|" : "|>A|>B|>B - A|>|>|");
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < c->quantities; i++) {
            const struct quantity *q = &c->quantity[i];

            if (q->group != group || q->difference.n == 0 || significant(c, q) != (pass == 0) ||
                (q->difference.mean == 0 && !all))
                continue;
            if (group == GROUP_COUNTER && shown == COUNTERS_SHOWN && !all) {
                left++;
                continue;
            }
            quantity_row(&t, c, q);
            shown++;
        }
    printf("\n%s\n", title);
    if (shown > 0)
        table_print(&t, 2, stdout);
    else
        printf("  no difference\n");
    if (left > 0)
        printf("  and %d more; -v shows them\n", left);
    table_free(&t);
}

static void print_parameters(const struct parameters *p)
{
    struct table t;

    table_init(&t, "|>A|>B");
    for (int i = 0; i < p->n; i++)
        if (differs(&p->parameter[i])) {
            table_cell(&t, "%s", p->parameter[i].name);
            table_cell(&t, "%s", or_dash(p->parameter[i].value[A]));
            table_cell(&t, "%s", or_dash(p->parameter[i].value[B]));
        }
    printf("\nParameters that differ\n");
    if (t.rows > 1)
        table_print(&t, 2, stdout);
    else
        printf("  none\n");
    table_free(&t);
}

static void print_side(const struct side *s, const char *letter)
{
    printf("%s: %s", letter, s->what);
    if (s->one_point && s->run[0].label[0])
        printf(" (%s)", s->run[0].label);
    printf(", %d run%s\n", s->runs, s->runs > 1 ? "s" : "");
}

static void print_text(const struct comparison *c, const struct parameters *p, const struct arguments *a)
{
    print_side(&c->side[A], "A");
    print_side(&c->side[B], "B");
    if (exact(c))
        printf("deterministic: nothing is random on either side, so every difference is exact\n");
    else if (c->pairs == 1)
        printf("single runs: plain differences, and nothing is known about chance; --reps 10 tells\n");
    else
        printf("%d pairs of runs; differences B - A with 95 %% confidence intervals, significant ones first\n",
               c->pairs);
    if (c->seeds_differ)
        printf("the seeds differ: pairs share no random numbers, so intervals are wider than they need be\n");
    print_parameters(p);
    print_group(c, GROUP_METRIC, "Metrics", a->verbose);
    print_group(c, GROUP_COUNTER, "Counters", a->verbose);
    print_group(c, GROUP_STAGE, "Latency by stage", a->verbose);
}

/* ---- JSON ---- */

static void json_group(struct json *j, const struct comparison *c, enum group group, const char *name)
{
    json_object(j, name);
    for (int i = 0; i < c->quantities; i++) {
        const struct quantity *q = &c->quantity[i];

        if (q->group != group || q->difference.n == 0)
            continue;
        json_object(j, q->name);
        json_real(j, "a", q->mean[A].mean);
        json_real(j, "b", q->mean[B].mean);
        json_real(j, "difference", q->difference.mean);
        json_real(j, "half_width", q->difference.half_width);
        json_uint(j, "pairs", q->difference.n);
        json_bool(j, "significant", significant(c, q));
        json_end(j);
    }
    json_end(j);
}

static void print_json(const struct comparison *c, const struct parameters *p)
{
    struct json j;

    json_begin(&j, stdout);
    json_object(&j, NULL);
    json_text(&j, "a", c->side[A].what);
    json_text(&j, "b", c->side[B].what);
    json_int(&j, "pairs", c->pairs);
    json_bool(&j, "deterministic", exact(c));
    json_real(&j, "confidence", STATS_CONFIDENCE);
    json_object(&j, "parameters");
    for (int i = 0; i < p->n; i++)
        if (differs(&p->parameter[i])) {
            json_object(&j, p->parameter[i].name);
            json_text(&j, "a", p->parameter[i].value[A]);
            json_text(&j, "b", p->parameter[i].value[B]);
            json_end(&j);
        }
    json_end(&j);
    json_group(&j, c, GROUP_METRIC, "metrics");
    json_group(&j, c, GROUP_COUNTER, "counters");
    json_group(&j, c, GROUP_STAGE, "latency_ns");
    json_finish(&j);
}

/* ---- the command ---- */

static void comparison_free(struct comparison *c)
{
    for (int i = 0; i < c->quantities; i++) {
        free(c->quantity[i].name);
        free(c->quantity[i].value[A]);
        free(c->quantity[i].value[B]);
    }
    free(c->quantity);
    for (int s = 0; s < SIDES; s++) {
        for (int i = 0; i < c->side[s].runs && c->side[s].run; i++)
            free(c->side[s].run[i].label);
        free(c->side[s].run);
        free(c->pair[s]);
    }
}

static int compare(struct comparison *c, struct store *s, const struct arguments *a)
{
    struct parameters p = { 0 };
    int code = load(c, s, a);

    if (code == EXIT_OK)
        code = make_pairs(c);
    if (code != EXIT_OK)
        return code;
    for (int i = 0; i < c->quantities; i++)
        estimate(c, &c->quantity[i]);
    load_parameters(c, s, &p);
    if (a->json)
        print_json(c, &p);
    else
        print_text(c, &p, a);
    parameters_free(&p);
    return EXIT_OK;
}

static int run(const struct arguments *a)
{
    struct comparison c = { 0 };
    struct store *s;
    int code = session_store(a, false, &s);

    if (code != EXIT_OK)
        return code;
    code = compare(&c, s, a);
    comparison_free(&c);
    store_close(s);
    return code;
}

const struct command compare_command = {
    .name = "compare", .arguments = "A B", .least = 2, .most = 2,
    .what = "what changed from A to B: paired differences with confidence intervals",
    .about = "Compares two stored runs, points or experiments. A and B are run numbers, EXPERIMENT, EXPERIMENT/POINT,\n"
             "EXPERIMENT/POINT/REPLICATION, last, or last~1 for the one before. Replications are paired: they drew\n"
             "the same random numbers, so small effects show.",
    .options = options, .examples = examples, .run = run,
};
