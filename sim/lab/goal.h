/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Goals: what a plan is to reach, "drops=0 && p99<100us && cpu<70%", over anything a run measures.
 *
 *   goal     clause {&& clause}
 *   clause   NAME OP NUMBER[UNIT]        OP: < <= > >= = (also ==)
 *   NAME     a metric (`rxsim run --json`, metrics), p50 p90 p99 p99.9 mean max for the latency's, cpu for cpu_busy, loss for
 *            drop_rate, a counter (its sum over the machine), or drop:REASON
 *   UNIT     ns us ms s for latencies, % for shares, k M G, with pps or bps behind; what a metric without unit counts has none
 */
#ifndef SIM_LAB_GOAL_H
#define SIM_LAB_GOAL_H

#include <stdbool.h>

#include "sim/lab/messages.h"
#include "sim/lab/result.h"

enum { GOAL_CLAUSES = 16 };

enum goal_op { GOAL_LT, GOAL_LE, GOAL_GT, GOAL_GE, GOAL_EQ };

struct goal_clause {
    char name[64];              /* as the user wrote it */
    const char *metric;         /* name in metric_info, or NULL: a counter or a fate */
    int fate;                   /* drop:REASON, else -1 */
    enum goal_op op;
    double limit;               /* in the metric's unit */
    char text[128];             /* the clause, blanks trimmed */
};

struct goal {
    struct goal_clause clause[GOAL_CLAUSES];
    int clauses;
};

/* 0, or -1 after adding messages (with "did you mean"). */
int goal_parse(struct goal *g, const char *text, struct messages *m);

/* What the clause is about, in one run; NAN if the run does not say (a latency where nothing was delivered). */
double goal_value(const struct goal_clause *c, const struct result *r);
/* Does the clause hold for a value? For NAN it does not. */
bool goal_holds(const struct goal_clause *c, double value);

enum goal_status { GOAL_MISSED, GOAL_UNSURE, GOAL_MET };
/* Over replications, `value[i]` of clause `c` in each: GOAL_MET if the confidence interval of the mean lies where the clause
 * holds, GOAL_MISSED if it lies where it does not. A clause with = must hold in every replication: one that misses decides.
 * `mean_holds` may be NULL: does the clause hold for the mean? */
enum goal_status goal_judge(const struct goal_clause *c, const double *value, int n, double confidence, bool *mean_holds);

#endif
