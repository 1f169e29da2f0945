/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scenario, its points and replications, run and stored: what `run`, `sweep` and all later commands that need
 * runs do in common. */
#ifndef SIM_CLI_CAMPAIGN_H
#define SIM_CLI_CAMPAIGN_H

#include "sim/cli/session.h"
#include "sim/cli/watch.h"
#include "sim/lab/stats.h"

struct campaign;

/* A finished run, called under the sweep's lock; `run_id` is 0 with --no-store. */
typedef void campaign_fn(struct campaign *c, const struct sweep_point *pt, uint64_t replication, int64_t run_id,
                         const struct result *r);

struct campaign {
    const struct arguments *arguments;
    struct scenario *scenario;
    struct sweep_plan plan;
    struct captures captures;
    struct store *store;        /* NULL with --no-store */
    int64_t experiment;
    char name[64];              /* of the experiment */
    struct watch watch;
    double *metric;             /* of each run, NAN before: see campaign_metric */
    bool *deterministic;        /* of each run */
    bool *have;                 /* this run's numbers are known */
    int kept_old;               /* runs whose stored timelines stay as they are, whatever --sample says */
    int failed, known;          /* runs */
    bool store_failed;
    campaign_fn *each;          /* may be NULL */
    void *user;
};

/* Reads the scenario named by the command's first argument and builds the plan from `vary`, if the command has it.
 * Opens no database and runs nothing. Returns an exit code; campaign_free in any case. */
int campaign_plan(struct campaign *c, const struct arguments *a);
/* The same with these axes in lockstep, "KEY=v1,v2" and a NULL at the end, instead of what the command's --vary says; NULL:
 * with that. */
int campaign_plan_vary(struct campaign *c, const struct arguments *a, const char *const *vary);
/* Opens the database and the experiment, runs what is not stored yet (with `resume`; else everything), and waits.
 * Returns an exit code: a signal's if one came, EXIT_IO if storing failed, EXIT_INCOMPLETE if runs failed. */
int campaign_run(struct campaign *c, const char *kind, bool resume, campaign_fn *each, void *user);
void campaign_free(struct campaign *c);

/* Headline metric `m` (index into metric_info) of one run; NAN if it has not run or the metric is undefined. */
double campaign_metric(const struct campaign *c, int point, int replication, int m);
/* .. of all replications of a point. */
struct estimate campaign_estimate(const struct campaign *c, int point, int m);
/* True if all known runs of the point say that nothing varies. */
bool campaign_deterministic(const struct campaign *c, int point);
int metric_index(const char *name);     /* -1: there is none */

#endif
