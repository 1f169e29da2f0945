/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim sweep: many points of one scenario, on all cores, resumable. */
#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <errno.h>

#include "sim/cli/campaign.h"
#include "sim/cli/commands.h"
#include "sim/out/heatmap.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "vary", .kind = OPTION_TEXT, .argument = "KEY=V,V..",
      .doc = "values of a parameter: a list, or a range lo:hi:n or lo:hi:n:log (repeatable: all combinations)" },
    { .name = "lockstep", .kind = OPTION_FLAG, .doc = "advance all --vary together instead of combining them" },
    { .name = "where", .kind = OPTION_TEXT, .argument = "EXPR",
      .doc = "only combinations for which it holds, like 'nic.ring.rx>=256 && KEY<KEY'" },
    { .name = "dry-run", .letter = 'n', .kind = OPTION_FLAG, .doc = "list the points, run nothing" },
    { .name = "show", .kind = OPTION_TEXT, .argument = "METRIC",
      .doc = "what the heatmap shows; by default drop_rate, or if it is the same everywhere latency_p99_ns" },
    OPTIONS_RUNNING,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim sweep demo --vary nic.ring.rx=256,1024,4096 --vary net.core.netdev_budget=64,300,600",
    "rxsim sweep demo --vary nic.ring.rx=64:4096:7:log --reps 10",
    "rxsim sweep demo --vary nic.coalesce.rx-usecs=0us:100us:11 --vary traffic.rate=1Mpps,2Mpps -n",
    NULL
};

/* ---- the table ---- */

static const struct column { const char *metric, *title; enum { PLAIN, COUNT, PERCENT, TIME } form; } columns[] = {
    { "offered", "offered", COUNT },          { "drops", "drops", COUNT },
    { "drop_rate", "drop rate", PERCENT },
    { "latency_p50_ns", "p50", TIME },        { "latency_p99_ns", "p99", TIME },
    { "rtt_p50_ns", "rtt p50", TIME },        { "rtt_p99_ns", "rtt p99", TIME },
    { "time_squeeze", "time_squeeze", COUNT }, { "packets_per_poll", "pkts/poll", PLAIN },
    { "cpu_busy", "busiest cpu", PERCENT },
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static const char *column_text(const struct column *k, double x, char buffer[NUMBER_TEXT])
{
    if (k->form == PERCENT)
        return number_percent(x, buffer);
    if (k->form == COUNT && fabs(x) >= 1000 && fabs(x) < 1e12) {     /* all digits: people subtract them */
        snprintf(buffer, NUMBER_TEXT, "%.0f", x);
        return buffer;
    }
    return k->form == TIME ? number_time(x, buffer) : number_short(x, 3, buffer);
}

static void estimate_cell(struct table *t, const struct campaign *c, int point, const struct column *k)
{
    struct estimate e = campaign_estimate(c, point, metric_index(k->metric));
    char mean[NUMBER_TEXT], half[NUMBER_TEXT];

    column_text(k, e.mean, mean);
    if (e.n < 2 || e.half_width == 0)
        table_cell(t, "%s", mean);
    else
        table_cell(t, "%s +- %s", mean, column_text(k, e.half_width, half));
}

/* The range over all points: every block is drawn on the same scale. */
static void scale_of(const struct campaign *c, int metric, double *lo, double *hi)
{
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int i = 0; i < c->plan.points; i++) {
        double x = campaign_estimate(c, i, metric).mean;

        if (isfinite(x)) {
            *lo = fmin(*lo, x);
            *hi = fmax(*hi, x);
        }
    }
}

/* Round trips only where there are clients that measure them. */
static bool is_shown(const struct campaign *c, const struct column *k)
{
    double lo, hi;

    if (strncmp(k->metric, "rtt_", 4) != 0)
        return true;
    scale_of(c, metric_index(k->metric), &lo, &hi);
    return isfinite(lo);
}

static void print_table(const struct campaign *c)
{
    const struct sweep_plan *p = &c->plan;
    char titles[4096] = ">#";
    size_t used = 2;
    struct table t;
    bool all_fixed = true;

    for (int i = 0; i < p->axes && i < TABLE_COLUMNS - COLUMNS - 1; i++)
        used += (size_t)snprintf(titles + used, sizeof titles - used, "|>%.200s", p->axis[i].key);
    for (int i = 0; i < COLUMNS; i++) {
        if (is_shown(c, &columns[i]))
            used += (size_t)snprintf(titles + used, sizeof titles - used, "|>%s", columns[i].title);
    }
    table_init(&t, titles);
    for (int i = 0; i < p->points; i++) {
        table_cell(&t, "%d", i);
        for (int k = 0; k < p->axes && k < TABLE_COLUMNS - COLUMNS - 1; k++)
            table_cell(&t, "%s", p->point[i].value[k]);
        for (int k = 0; k < COLUMNS; k++) {
            if (is_shown(c, &columns[k]))
                estimate_cell(&t, c, i, &columns[k]);
        }
        all_fixed = all_fixed && campaign_deterministic(c, i);
    }
    table_print(&t, 0, stdout);
    table_free(&t);
    if (p->reps > 1)
        printf(all_fixed ? "deterministic: all %d replications of a point are the same\n"
                         : "mean +- half width of the 95 %% confidence interval over %d replications; without\n"
                           "one: the same in all\n", p->reps);
}

/* ---- heatmaps: the last two axes, one block for each combination of the others ---- */

enum { BLOCKS_SHOWN = 12 };

static int value_index(const struct sweep_axis *a, const char *value)
{
    for (int i = 0; i < a->values; i++)
        if (a->value[i] == value)
            return i;
    return 0;
}

static bool has_heatmap(const struct campaign *c)
{
    const struct sweep_plan *p = &c->plan;

    return p->axes >= 2 && !given(c->arguments, "lockstep") && p->axis[p->axes - 1].values > 1 &&
           p->axis[p->axes - 2].values > 1 && p->axis[p->axes - 1].values <= 40;
}

static bool varies(const struct campaign *c, int metric)
{
    double lo, hi;

    scale_of(c, metric, &lo, &hi);
    return hi > lo;
}

/* Unless the user says: the first that the parameters make any difference to. */
static int chosen_metric(const struct campaign *c)
{
    static const char *const interesting[] = { "drop_rate", "latency_p99_ns", "time_squeeze", "packets_per_poll" };
    const char *wanted = given_text(c->arguments, "show");

    if (wanted)
        return metric_index(wanted);
    for (size_t i = 0; i < sizeof interesting / sizeof interesting[0]; i++)
        if (varies(c, metric_index(interesting[i])))
            return metric_index(interesting[i]);
    return metric_index("drop_rate");
}

/* Do two points differ only in the last two axes? */
static bool same_block(const struct sweep_plan *p, const struct sweep_point *a, const struct sweep_point *b)
{
    for (int i = 0; i < p->axes - 2; i++)
        if (a->value[i] != b->value[i])
            return false;
    return true;
}

/* A heatmap whose values are filled from the points of one block; free its `value`. */
static struct heatmap block_map(const struct campaign *c, const struct sweep_point *block, int metric, double *value)
{
    const struct sweep_plan *p = &c->plan;
    const struct sweep_axis *x = &p->axis[p->axes - 1], *y = &p->axis[p->axes - 2];
    struct heatmap h = { .title = metric_info[metric].name, .x_name = x->key, .y_name = y->key,
                         .x = (const char *const *)x->value, .y = (const char *const *)y->value,
                         .columns = x->values, .rows = y->values, .value = value,
                         .percent = strcmp(metric_info[metric].unit, "ratio") == 0,
                         .time = strcmp(metric_info[metric].unit, "ns") == 0 };

    scale_of(c, metric, &h.lo, &h.hi);
    for (int i = 0; i < h.rows * h.columns; i++)
        value[i] = NAN;
    for (int i = 0; i < p->points; i++)
        if (same_block(p, block, &p->point[i]))
            value[value_index(y, p->point[i].value[p->axes - 2]) * h.columns +
                  value_index(x, p->point[i].value[p->axes - 1])] = campaign_estimate(c, i, metric).mean;
    return h;
}

static bool block_begins(const struct sweep_plan *p, int point)
{
    for (int i = 0; i < point; i++)
        if (same_block(p, &p->point[i], &p->point[point]))
            return false;
    return true;
}

/* `results/NAME.svg` beside the database; further blocks get a number. */
static char *svg_path(const struct campaign *c, int block)
{
    char *db = strdup(given_text(c->arguments, "db")), *path;
    int length;

    if (!db)
        abort();
    if (c->plan.axes == 2)
        length = asprintf(&path, "%s/%s.svg", dirname(db), c->name);
    else                                /* a dot, for no experiment's name ends in .1 of its own accord */
        length = asprintf(&path, "%s/%s.%d.svg", dirname(db), c->name, block + 1);
    if (length < 0)
        abort();
    free(db);
    return path;
}

/* The picture stands alone, so its title says which block it is: "drop_rate, kernel.version=6.12". */
static int write_svg(const struct campaign *c, const struct heatmap *h, const struct sweep_point *pt, int block)
{
    char *path = svg_path(c, block);
    FILE *out = fopen(path, "w");
    int failed = out == NULL;

    if (out) {
        char title[512];
        int used = snprintf(title, sizeof title, "%s", h->title);
        for (int i = 0; i < c->plan.axes - 2 && used >= 0 && (size_t)used < sizeof title; i++)
            used += snprintf(title + used, sizeof title - (size_t)used, ", %s=%s", c->plan.axis[i].key, pt->value[i]);
        struct heatmap titled = *h;
        titled.title = title;
        heatmap_svg(&titled, out);
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    if (failed)
        say("%s could not be written (%s)", path, strerror(errno));
    else if (!c->arguments->quiet)
        fprintf(stderr, "heatmap: %s\n", path);
    free(path);
    return failed ? EXIT_IO : EXIT_OK;
}

static void print_block_title(const struct sweep_plan *p, const struct sweep_point *pt)
{
    putchar('\n');
    for (int i = 0; i < p->axes - 2; i++)
        printf("%s=%s%s", p->axis[i].key, pt->value[i], i < p->axes - 3 ? " " : "\n");
}

static int print_heatmaps(const struct campaign *c)
{
    const struct sweep_plan *p = &c->plan;
    const struct sweep_axis *x = &p->axis[p->axes - 1], *y = &p->axis[p->axes - 2];
    double *value = calloc((size_t)x->values * (size_t)y->values, sizeof *value);
    int block = 0, metric = chosen_metric(c), code = EXIT_OK;

    if (!value)
        abort();
    for (int i = 0; i < p->points && block < BLOCKS_SHOWN; i++) {
        struct heatmap h;

        if (!block_begins(p, i))
            continue;
        h = block_map(c, &p->point[i], metric, value);
        if (!c->arguments->json) {
            print_block_title(p, &p->point[i]);
            heatmap_print(&h, c->arguments->colour, stdout);
        }
        if (c->store && code == EXIT_OK)
            code = write_svg(c, &h, &p->point[i], block);
        block++;
    }
    free(value);
    return code;
}

/* ---- JSON ---- */

static void json_point(struct json *j, const struct campaign *c, const struct sweep_point *pt)
{
    json_object(j, NULL);
    json_int(j, "ordinal", pt->ordinal);
    json_text(j, "label", pt->label);
    json_text(j, "hash", pt->hash);
    json_object(j, "values");
    for (int i = 0; i < c->plan.axes; i++)
        json_text(j, c->plan.axis[i].key, pt->value[i]);
    json_end(j);
    json_bool(j, "deterministic", campaign_deterministic(c, pt->ordinal));
    json_object(j, "metrics");
    for (int m = 0; metric_info[m].name; m++) {
        struct estimate e = campaign_estimate(c, pt->ordinal, m);

        json_object(j, metric_info[m].name);
        json_real(j, "mean", e.mean);
        json_real(j, "half_width", e.half_width);
        json_uint(j, "n", e.n);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

static void print_json(const struct campaign *c, bool ran)
{
    struct json j;

    json_begin(&j, stdout);
    json_object(&j, NULL);
    json_text(&j, "experiment", c->store ? c->name : NULL);
    json_text(&j, "scenario", scenario_name(c->scenario));
    json_uint(&j, "seed", c->plan.seed);
    json_int(&j, "reps", c->plan.reps);
    json_text(&j, "plan_hash", c->plan.hash);
    json_array(&j, "points");
    for (int i = 0; i < c->plan.points; i++) {
        if (ran) {
            json_point(&j, c, &c->plan.point[i]);
            continue;
        }
        json_object(&j, NULL);
        json_int(&j, "ordinal", i);
        json_text(&j, "label", c->plan.point[i].label);
        json_text(&j, "hash", c->plan.point[i].hash);
        json_end(&j);
    }
    json_finish(&j);
}

/* ---- the command ---- */

static void print_plan(const struct campaign *c)
{
    const struct sweep_plan *p = &c->plan;

    for (int i = 0; i < p->points; i++)
        printf("%d %s\n", i, p->point[i].label);
    if (!c->arguments->quiet)
        fprintf(stderr, "%d points, %d replication%s each: %d runs; nothing was run\n", p->points, p->reps,
                p->reps > 1 ? "s" : "", p->points * p->reps);
}

/* The name of the view as the database has it: letters, digits and underscores. */
static void view_name(const char *name, char *view, size_t size)
{
    snprintf(view, size, "sweep_%s", name);
    for (char *v = view; *v; v++)
        if (!isalnum((unsigned char)*v))
            *v = '_';
}

static void print_where_it_is(const struct campaign *c, int code)
{
    const struct sweep_plan *p = &c->plan;
    char view[80];
    int total = p->points * p->reps, finished = atomic_load(&c->watch.finished);

    fprintf(stderr, "%d of %d runs finished in %.1f s", finished - c->failed, total, watch_elapsed_s(&c->watch));
    if (c->known > 0)
        fprintf(stderr, ", %d of them stored before", c->known);
    fprintf(stderr, c->failed > 0 ? ", %d failed\n" : "\n", c->failed);
    if (!c->store)
        return;
    view_name(c->name, view, sizeof view);
    fprintf(stderr, "stored in %s as experiment %s\n", given_text(c->arguments, "db"), c->name);
    if (code != EXIT_OK)
        fprintf(stderr, "The same command resumes it: what is stored is not run again.\n");
    else if (p->points > 1)
        fprintf(stderr, "Next: rxsim compare %s/0 %s/%d\n  sqlite3 %s 'SELECT \"%s\", drops FROM %s'\n", c->name,
                c->name, p->points - 1, given_text(c->arguments, "db"), p->axis[0].key, view);
}

static int show_results(struct campaign *c, int code)
{
    int written = EXIT_OK;

    if (c->arguments->json)
        print_json(c, true);
    else
        print_table(c);
    if (has_heatmap(c))
        written = print_heatmaps(c);
    fflush(stdout);
    if (!c->arguments->quiet || code != EXIT_OK)
        print_where_it_is(c, code);
    return code != EXIT_OK ? code : written;
}

static int check_metric(const struct arguments *a)
{
    const char *name = given_text(a, "show");
    struct near_miss n = { .word = name };

    if (!name || metric_index(name) >= 0)
        return EXIT_OK;
    for (int i = 0; metric_info[i].name; i++)
        near_miss_try(&n, metric_info[i].name);
    if (n.best)
        say("--show %s: no such metric (did you mean %s?)", name, n.best);
    else
        say("--show %s: no such metric; one is drop_rate, `rxsim run --json` prints all under metrics", name);
    return EXIT_USAGE;
}

static int run(const struct arguments *a)
{
    struct campaign c = { 0 };
    int code = check_metric(a);

    if (code != EXIT_OK)
        return code;
    if (!given(a, "vary")) {
        say("sweep: --vary is missing, for example --vary nic.ring.rx=256,1024,4096; see rxsim sweep --help");
        return EXIT_USAGE;
    }
    code = campaign_plan(&c, a);
    if (code == EXIT_OK && given(a, "dry-run")) {
        if (a->json)
            print_json(&c, false);
        else
            print_plan(&c);
    } else if (code == EXIT_OK) {
        code = campaign_run(&c, "sweep", true, NULL, NULL);
        if (c.have)             /* else not even the database could be opened */
            code = show_results(&c, code);
    }
    campaign_free(&c);
    return code;
}

const struct command sweep_command = {
    .name = "sweep", .arguments = "SCENARIO", .least = 1, .most = 1,
    .what = "run a scenario at many points: every combination of the values of some parameters",
    .about = "Runs a scenario once for each combination of the values given with --vary, on all cores, and prints a\n"
             "table, and a heatmap of the last two parameters. Runs that are stored already are not run again, so\n"
             "an interrupted sweep is resumed by the same command. Exit code 4 if some points failed.",
    .options = options, .examples = examples, .run = run,
};
