/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CFS bandwidth: a cgroup may run for a quota of each period (cpu.max), and then waits.
 *
 * In    bandwidth_charge()     one of its tasks has run (sched's charge)
 *       the period's timer     an interrupt of the CPU
 * Out   sched                  its tasks are no candidates until the next period
 *
 * Run time is looked at where the scheduler does: at ticks, wakeups and switches. So a task runs on beyond its quota until
 * the next of these, up to a tick, and what it has taken too much is off the next period's. A throttled task leaves the CPU
 * where any other would: on its return to user mode, or where the kernel asks. (kernel/sched/fair.c
 * account_cfs_rq_runtime, throttle_cfs_rq, do_sched_cfs_period_timer)
 * An application's tasks share one group, and one CPU. Not modelled: slices that CPUs take from the group's pool (5 ms, of
 * which up to one may be kept over a period's end), cpu.max.burst, groups in groups, the timer's rest while nobody runs. */
#ifndef MODELS_BANDWIDTH_H
#define MODELS_BANDWIDTH_H

#include <stdbool.h>

#include "models/cpu.h"

struct bandwidth_counters {
    uint64_t nr_periods;
    uint64_t nr_throttled;
    uint64_t throttled_usec;
};
extern const struct model_info bandwidth_model;

struct bandwidth_params {
    int64_t quota;              /* 0: none */
    int64_t period;
};

struct bandwidth {
    const struct bandwidth_params *params;
    struct bandwidth_counters counters;
    struct cpu *cpu;
    ps_t left;                  /* of this period's quota; below 0: owed to the next */
    bool throttled;
    ps_t throttled_at;
    struct event refill;
    struct vector vector;
};

/* A sentence about settings that cannot be, or NULL. */
const char *bandwidth_check(const struct bandwidth_params *p, bool fifo);
int bandwidth_init(struct bandwidth *b, struct cpu *c, const struct bandwidth_params *p);
void bandwidth_start(struct bandwidth *b);

#endif
