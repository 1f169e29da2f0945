/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim run: one scenario, one or several replications. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "sim/cli/campaign.h"
#include "sim/cli/commands.h"
#include "sim/engine/time.h"
#include "sim/out/json.h"
#include "sim/out/summary.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    OPTIONS_RUNNING,
    { .name = "dry-run", .letter = 'n', .kind = OPTION_FLAG, .doc = "check everything, run nothing" },
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim run demo",
    "rxsim run demo --set nic.ring.rx=4096 --set net.core.netdev_budget=600",
    "rxsim run my.yaml --reps 10 --json > run.json",
    NULL
};

/* The first replication is shown in full when it is done; the rest only as numbers. Replications end in any order,
 * so what is shown is chosen by number, not by time. */
struct shown {
    struct json json;
    int64_t run_id;
    bool any;
};

static void json_head(struct campaign *c, struct shown *s)
{
    json_begin(&s->json, stdout);
    json_object(&s->json, NULL);
    if (s->run_id)
        json_int(&s->json, "run", s->run_id);
    else
        json_null(&s->json, "run");
    json_text(&s->json, "scenario", scenario_name(c->scenario));
    json_text(&s->json, "experiment", c->store ? c->name : NULL);
    json_uint(&s->json, "seed", c->plan.seed);
}

static void json_timelines(struct json *j, const struct result *r)
{
    uint64_t bytes, frames = result_recorded(r, &bytes);

    json_object(j, "timelines");
    json_uint(j, "frames", frames);
    json_uint(j, "bytes", bytes);
    json_uint(j, "sampled", (uint64_t)r->packets);
    json_end(j);
}

static void print_timelines(const struct result *r, int64_t run_id)
{
    uint64_t bytes, frames = result_recorded(r, &bytes);
    char number[2][NUMBER_TEXT];

    if (frames == 0)
        return;
    printf("timelines of %s frames in %s bytes, %.2f a frame", number_grouped(frames, number[0]),
           number_grouped(bytes, number[1]), (double)bytes / (double)frames);
    if (run_id)
        printf(": rxsim query \"SELECT * FROM timeline_quantile(%" PRId64 ", 'total', 0.99)\"", run_id);
    putchar('\n');
}

static void print_head(struct campaign *c, const struct result *r)
{
    printf("%s: %g ms simulated, seed %" PRIu64, scenario_name(c->scenario), (double)r->sim_ps / (double)MS,
           c->plan.seed);
    if (r->deterministic)
        printf(", deterministic: no random numbers are drawn\n");
    else if (c->plan.reps > 1)
        printf(", the first of %d replications\n", c->plan.reps);
    else
        printf(", one replication\n");
}

static void show_first(struct campaign *c, const struct sweep_point *pt, uint64_t replication, int64_t run_id,
                       const struct result *r)
{
    struct shown *s = c->user;

    (void)pt;
    if (replication != 0)
        return;
    watch_make_room(&c->watch);
    s->any = true;
    s->run_id = run_id;
    if (c->arguments->json) {
        json_head(c, s);
        summary_json(&s->json, r);
        json_timelines(&s->json, r);
        return;
    }

    char fingerprint[33], speed[NUMBER_TEXT];

    fingerprint_text(&r->fingerprint, fingerprint);
    print_head(c, r);
    summary_print(r, c->arguments->colour, c->arguments->verbose, stdout);
    printf("\nfingerprint %s\n", fingerprint);
    printf("%.2f s of wall time, %s frames a second\n", r->wall_s,
           number_short(r->wall_s > 0 ? (double)r->ledger.offered / r->wall_s : NAN, 3, speed));
    print_timelines(r, run_id);
    if (run_id)
        printf("stored as run %" PRId64 " of experiment %s in %s\n", run_id, c->name, given_text(c->arguments, "db"));
}

/* ---- all replications together ---- */

static void json_replications(struct campaign *c, struct shown *s)
{
    json_int(&s->json, "reps", c->plan.reps);
    json_object(&s->json, "replications");
    for (int m = 0; metric_info[m].name; m++) {
        struct estimate e = campaign_estimate(c, 0, m);

        json_object(&s->json, metric_info[m].name);
        json_real(&s->json, "mean", e.mean);
        if (campaign_deterministic(c, 0))
            json_text(&s->json, "half_width", "deterministic");
        else
            json_real(&s->json, "half_width", e.half_width);
        json_uint(&s->json, "n", e.n);
        json_end(&s->json);
    }
    json_end(&s->json);
}

static const char *metric_text(const struct metric_info *m, double x, int digits, char buffer[NUMBER_TEXT])
{
    return strcmp(m->unit, "ns") == 0 ? number_time(x, buffer) : number_short(x, digits, buffer);
}

static const char *metric_unit(const struct metric_info *m)
{
    return strcmp(m->unit, "ns") == 0 || strcmp(m->unit, "count") == 0 ? "" : m->unit;
}

static void print_replications(struct campaign *c)
{
    bool fixed = campaign_deterministic(c, 0);
    char mean[NUMBER_TEXT], half[NUMBER_TEXT];
    struct table t;

    uint64_t done = campaign_estimate(c, 0, 0).n;
    if (done < (uint64_t)c->plan.reps)
        printf("\nOver %" PRIu64 " of %d replications, the others did not run to their end\n", done, c->plan.reps);
    else
        printf("\nOver %d replications\n", c->plan.reps);
    if (fixed)
        printf("  deterministic: nothing in this scenario is random, so every replication is the same\n");
    table_init(&t, fixed ? "|>value|" : "|>mean|>+- (95 %)|");
    for (int m = 0; metric_info[m].name; m++) {
        struct estimate e = campaign_estimate(c, 0, m);

        if (e.n == 0)
            continue;
        table_cell(&t, "%s", metric_info[m].name);
        table_cell(&t, "%s", metric_text(&metric_info[m], e.mean, 4, mean));
        if (!fixed)
            table_cell(&t, "%s", e.half_width == 0 ? "same in all"
                                                   : metric_text(&metric_info[m], e.half_width, 2, half));
        table_cell(&t, "%s", metric_unit(&metric_info[m]));
    }
    table_print(&t, 2, stdout);
    table_free(&t);
}

static void print_memory(void)
{
    struct rusage use;

    if (getrusage(RUSAGE_SELF, &use) == 0)
        fprintf(stderr, "peak memory %ld MiB, CPU time %ld.%02ld s\n", use.ru_maxrss / 1024,
                (long)use.ru_utime.tv_sec, (long)use.ru_utime.tv_usec / 10000);
}

static void print_hint(const struct campaign *c, const struct shown *s)
{
    if (s->run_id)
        fprintf(stderr, "Next: rxsim show %" PRId64 " --as softnet_stat, or change one thing and compare:\n"
                "  rxsim run %s --set KEY=VALUE && rxsim compare last~1 last\n", s->run_id,
                c->arguments->positional[0]);
}

/* One failed replication of a run is a failed check, not an incomplete sweep. */
static int finish(struct campaign *c, struct shown *s, int code)
{
    if (s->any && c->arguments->json) {
        if (c->plan.reps > 1)
            json_replications(c, s);
        json_finish(&s->json);
    } else if (s->any && c->plan.reps > 1) {
        print_replications(c);
    }
    fflush(stdout);
    if (c->arguments->verbose)
        print_memory();
    if (code == EXIT_OK && !c->arguments->quiet && !c->arguments->json)
        print_hint(c, s);
    return code == EXIT_INCOMPLETE ? EXIT_CHECK : code;
}

static int run(const struct arguments *a)
{
    struct campaign c;
    struct shown s = { 0 };
    int code = campaign_plan(&c, a);

    if (code == EXIT_OK && given(a, "dry-run"))
        printf("%s: nothing wrong; %d run%s\n", scenario_name(c.scenario), c.plan.reps, c.plan.reps > 1 ? "s" : "");
    else if (code == EXIT_OK)
        code = finish(&c, &s, campaign_run(&c, "run", false, show_first, &s));
    campaign_free(&c);
    return code;
}

const struct command run_command = {
    .name = "run", .arguments = "SCENARIO", .least = 1, .most = 1,
    .what = "run one scenario and show where its frames and its time went",
    .about = "Runs one scenario and prints, on one screen, where its frames ended, where their time went and what\n"
             "the CPUs did. The run is stored. SCENARIO is a file, or the name of one that came with rxsim.\n"
             "Exit code 1 if a run's books do not balance.",
    .options = options, .examples = examples, .run = run,
};
