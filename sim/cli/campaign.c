/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/cli/campaign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/time.h"
#include "sim/lab/must.h"

int metric_index(const char *name)
{
    for (int i = 0; metric_info[i].name; i++)
        if (strcmp(metric_info[i].name, name) == 0)
            return i;
    return -1;
}

static int metrics(void)
{
    int n = 0;

    while (metric_info[n].name)
        n++;
    return n;
}

/* ---- the plan ---- */

static int add_axes(struct sweep_plan *p, const struct arguments *a, struct messages *m)
{
    const char *text;
    int failed = 0;

    if (!option_exists(a, "vary"))
        return 0;
    for (int i = 0; (text = given_nth(a, "vary", i)) != NULL; i++)
        failed |= sweep_vary(p, text, m);
    for (int i = 0; i < p->axes; i++)
        if (strcmp(p->axis[i].key, "run.seed") == 0) {
            messages_add(m, "--vary run.seed: replications are what varies the random numbers; use --reps");
            failed = -1;
        }
    return failed;
}

static int add_given_axes(struct sweep_plan *p, const char *const *vary, struct messages *m)
{
    int failed = 0;

    for (; *vary; vary++)
        failed |= sweep_vary(p, *vary, m);
    return failed;
}

static int build(struct campaign *c, const struct arguments *a, const char *const *vary, struct messages *m)
{
    bool lockstep = vary || (option_exists(a, "lockstep") && given(a, "lockstep"));
    const char *where = option_exists(a, "where") ? given_text(a, "where") : NULL;

    if (vary ? add_given_axes(&c->plan, vary, m) != 0 : add_axes(&c->plan, a, m) != 0)
        return -1;
    return sweep_build(&c->plan, c->scenario, lockstep, where, (int)given_number(a, "reps"), 1, m);
}

static void name_experiment(struct campaign *c)
{
    const char *wanted = given_text(c->arguments, "name");
    char *base = session_name_of(c->scenario);

    /* A run and a sweep of one scenario are two experiments; the sweep gets the plain name, it is the one with
     * a report and a view. */
    if (wanted)
        snprintf(c->name, sizeof c->name, "%s", wanted);
    else
        snprintf(c->name, sizeof c->name, "%s%.50s", c->plan.axes > 0 ? "" : "run-", base);
    free(base);
}

int campaign_plan(struct campaign *c, const struct arguments *a)
{
    return campaign_plan_vary(c, a, NULL);
}

int campaign_plan_vary(struct campaign *c, const struct arguments *a, const char *const *vary)
{
    struct messages m = { 0 };
    int code;

    *c = (struct campaign){ .arguments = a };
    code = session_scenario(a, a->positional[0], &c->scenario);
    if (code != EXIT_OK)
        return code;
    code = build(c, a, vary, &m) == 0 ? EXIT_OK : EXIT_USAGE;
    print_messages(&m);
    messages_free(&m);
    if (code == EXIT_OK)
        code = session_captures(&c->captures, c->scenario, &c->plan);
    if (code != EXIT_OK)
        return code;
    c->plan.seed = (uint64_t)session_param(&c->plan.point[0].config, "run.seed");
    sweep_hash(&c->plan);
    name_experiment(c);
    return EXIT_OK;
}

void campaign_free(struct campaign *c)
{
    store_close(c->store);
    sweep_free(&c->plan);
    captures_free(&c->captures);
    scenario_free(c->scenario);
    free(c->metric);
    free(c->deterministic);
    free(c->have);
    *c = (struct campaign){ 0 };
}

/* ---- numbers ---- */

static size_t index_of(const struct campaign *c, int point, int replication)
{
    return (size_t)point * (size_t)c->plan.reps + (size_t)replication;
}

static void keep_numbers(struct campaign *c, int point, int replication, const struct result *r)
{
    size_t i = index_of(c, point, replication);

    for (int m = 0; metric_info[m].name; m++)
        c->metric[i * (size_t)metrics() + (size_t)m] = result_metric(r, metric_info[m].name);
    c->deterministic[i] = r->deterministic;
    c->have[i] = true;
}

double campaign_metric(const struct campaign *c, int point, int replication, int m)
{
    size_t i = index_of(c, point, replication);

    return c->have[i] ? c->metric[i * (size_t)metrics() + (size_t)m] : NAN;
}

struct estimate campaign_estimate(const struct campaign *c, int point, int m)
{
    double *sample = must(calloc((size_t)c->plan.reps, sizeof *sample));
    struct estimate e;

    for (int i = 0; i < c->plan.reps; i++)
        sample[i] = campaign_metric(c, point, i, m);
    e = stats_estimate(sample, (size_t)c->plan.reps, STATS_CONFIDENCE);
    free(sample);
    return e;
}

bool campaign_deterministic(const struct campaign *c, int point)
{
    bool any = false;

    for (int i = 0; i < c->plan.reps; i++) {
        if (!c->have[index_of(c, point, i)])
            continue;
        if (!c->deterministic[index_of(c, point, i)])
            return false;
        any = true;
    }
    return any;
}

/* ---- running ---- */

static bool wants(const struct campaign *c, const char *timelines)
{
    return strcmp(given_text(c->arguments, "timelines"), timelines) == 0;
}

static bool is_known(void *user, const char *key)
{
    struct campaign *c = user;

    if (!store_has_run(c->store, key) || (wants(c, "full") && !store_has_timeline(c->store, key)))
        return false;
    c->known++;
    c->kept_old += given(c->arguments, "sample") && !wants(c, "full");
    atomic_fetch_add(&c->watch.skipped, 1);
    return true;
}

static int is_done(void *user, const struct sweep_point *pt, uint64_t replication, const char *key,
                   const struct result *r)
{
    struct campaign *c = user;
    int64_t run_id = 0;

    keep_numbers(c, pt->ordinal, (int)replication, r);
    if (c->store && given(c->arguments, "sample") && !wants(c, "full") && store_has_run(c->store, key))
        c->kept_old++;
    if (c->store && store_run(c->store, c->experiment, &c->plan, pt, replication, key, r, &run_id) != 0) {
        say("%s", store_error(c->store));
        c->store_failed = true;
        return -1;
    }
    if (c->each)
        c->each(c, pt, replication, run_id, r);
    return 0;
}

static void has_failed(void *user, const struct sweep_point *pt, uint64_t replication, const char *why)
{
    struct campaign *c = user;

    c->failed++;
    watch_make_room(&c->watch);
    if (c->plan.axes > 0)
        say("point %d (%s), replication %d: %s", pt->ordinal, pt->label, (int)replication, why);
    else
        say("replication %d: %s", (int)replication, why);
}

static void has_progressed(void *user, int finished, int total)
{
    struct campaign *c = user;

    (void)total;
    atomic_store(&c->watch.finished, finished);
    atomic_store(&c->watch.progress_ps, 0);
}

/* Runs stored by an earlier call are read back for the tables. */
static void load_known(struct campaign *c)
{
    for (int p = 0; p < c->plan.points; p++)
        for (int i = 0; i < c->plan.reps; i++) {
            struct stored_run run;
            struct run_set set = { 0 };
            char name[128];

            if (c->have[index_of(c, p, i)])
                continue;
            snprintf(name, sizeof name, "%s/%d/%d", c->name, p, i);
            if (store_find(c->store, name, &set) != 0 || set.n == 0)
                continue;       /* it failed or was not reached */
            if (store_load(c->store, set.id[0], &run) == 0) {
                keep_numbers(c, p, i, &run.result);
                stored_run_free(&run);
            }
            run_set_free(&set);
        }
}

static int open_experiment(struct campaign *c, const char *kind)
{
    char final[64];
    int code = session_store(c->arguments, true, &c->store);

    if (code != EXIT_OK)
        return code;
    if (store_experiment(c->store, c->name, kind, &c->plan, c->scenario, &c->experiment, final) != 0) {
        say("%s", store_error(c->store));
        return EXIT_IO;
    }
    if (given_text(c->arguments, "name") && strcmp(final, c->name) != 0)
        say("this is stored already, or the name is taken: the experiment is called %s, not %s", final, c->name);
    memcpy(c->name, final, sizeof c->name);
    return EXIT_OK;
}

static void make_room(struct campaign *c)
{
    size_t runs = (size_t)c->plan.points * (size_t)c->plan.reps;

    c->metric = must(calloc(runs, (size_t)metrics() * sizeof *c->metric));
    c->deterministic = must(calloc(runs, sizeof *c->deterministic));
    c->have = must(calloc(runs, sizeof *c->have));
}

static struct run_options options_of(struct campaign *c)
{
    struct run_options o = run_options_default;

    o.no_batch = given(c->arguments, "no-batch");
    o.sample_every = (uint64_t)given_number(c->arguments, "sample");
    o.full = wants(c, "full");
    if (wants(c, "none"))
        o.sample_every = o.sample_drops = o.sample_slowest = 0;
    o.progress_ps = &c->watch.progress_ps;
    return o;
}

static int64_t expected_ps(const struct campaign *c)
{
    return session_param(&c->plan.point[0].config, "run.duration");
}

int campaign_run(struct campaign *c, const char *kind, bool resume, campaign_fn *each, void *user)
{
    bool stores = !given(c->arguments, "no-store");
    struct run_options o = options_of(c);
    struct sweep_callbacks calls = { .known = stores && resume ? is_known : NULL, .done = is_done,
                                     .failed = has_failed, .progress = has_progressed, .user = c };
    int missing, code = stores ? open_experiment(c, kind) : EXIT_OK;

    if (code != EXIT_OK)
        return code;
    c->each = each;
    c->user = user;
    make_room(c);
    watch_begin(&c->watch, c->plan.points * c->plan.reps, expected_ps(c), c->arguments->quiet);
    missing = sweep_run(&c->plan, &o, (int)given_number(c->arguments, "jobs"), &calls, &c->watch.stop);
    watch_end(&c->watch);
    if (c->known > 0)
        load_known(c);
    if (c->kept_old > 0)
        say("what was stored already keeps the timelines that it has; --sample is for new runs (--timelines full adds all)");
    if (stores && c->plan.axes > 0 && !c->store_failed && store_sweep_view(c->store, c->experiment) != 0) {
        say("%s", store_error(c->store));
        c->store_failed = true;
    }
    if (c->store_failed)
        return EXIT_IO;
    if (atomic_load(&c->watch.signal) != 0 && missing > 0)
        return EXIT_SIGNAL + atomic_load(&c->watch.signal);
    return missing > 0 ? EXIT_INCOMPLETE : EXIT_OK;
}
