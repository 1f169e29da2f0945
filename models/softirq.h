/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Softirqs of a CPU: when they run, in whose context, and net_rx_action with its budget.
 *
 * In    softirq_raise()          a vector is pending
 *       softirq_run_inline()     irq exit or local_bh_enable with something pending
 * Out   napi_poll                one NAPI of the poll list after the other
 *       -> sched                 ksoftirqd is woken when the session gives up
 *
 * handle_softirqs (__do_softirq) runs passes over the pending vectors until none is left, ten passes are done, the
 * time limit has passed in jiffies, or need_resched is set; the rest is ksoftirqd's. net_rx_action polls each NAPI
 * of its list once; one that used its whole weight waits on the repoll list for the next run. Switches, not
 * version tests, say how kernels differ:
 *   kernel.softirq.ksoftirqd_defers  on: irq exit and bh-enable leave softirqs alone while ksoftirqd is runnable
 *   kernel.napi.repoll_in_run        on: (up to 3.18) budget and time are tested before each poll and a NAPI that
 *                                    used its weight goes to the tail of the same list
 *   kernel.napi.schedule_in_run      on: (6.6 on) a NAPI scheduled during the run does not raise the softirq; when
 *                                    the lists are empty the run goes on with it and the budget left
 *   kernel.netdev_budget_usecs_min   on: (6.14 on, and stable kernels from March 2025) writing less than two jiffies to
 *                                    netdev_budget_usecs is refused, so a scenario that does so is wrong
 * NET_TX frees what hard interrupt handlers may not (dev_kfree_skb_irq).
 * Not modelled: softirq vectors other than TIMER, NET_TX and NET_RX; PREEMPT_RT. */
#ifndef MODELS_SOFTIRQ_H
#define MODELS_SOFTIRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/cpu.h"
#include "models/napi.h"
#include "models/sched.h"

enum softirq_vector { SOFTIRQ_TIMER = 1, SOFTIRQ_NET_TX = 2, SOFTIRQ_NET_RX = 4 };  /* bits; lower runs first */

struct softirq_params {
    int64_t netdev_budget;
    int64_t netdev_budget_usecs;
    int64_t budget_usecs_min;
    int64_t max_restart;
    int64_t max_time;
    int64_t ksoftirqd_defers;
    int64_t repoll_in_run;
    int64_t schedule_in_run;
    int64_t entry;
    int64_t pass;
    int64_t exit;
    int64_t inline_return;
    int64_t deferred;
    int64_t wake_ksoftirqd;
    int64_t run;
    int64_t next_poll;
    int64_t run_end;
    int64_t timer;
    int64_t net_tx;
    int64_t ksoftirqd_start;
    int64_t ksoftirqd_again;
};
extern const struct model_info softirq_model;

struct softirq_counters {
    uint64_t sessions;          /* handle_softirqs */
    uint64_t net_rx_runs;       /* net_rx_action */
    uint64_t time_squeeze;
    uint64_t ksoftirqd_wakeups;
    uint64_t received_rps;
};

struct softirq {
    const struct softirq_params *params;
    struct softirq_counters counters;
    struct cpu *cpu;
    struct context context;
    unsigned pending;           /* enum softirq_vector */
    bool active;                /* a session is on */
    bool by_ksoftirqd;
    bool at_irq_exit;           /* else at local_bh_enable */
    int passes;
    int64_t until_jiffies;
    unsigned serving;           /* vectors of this pass still to serve */

    struct napi_list poll_list; /* softnet_data.poll_list */
    struct napi_list list, repoll;      /* of the current run */
    bool in_net_rx_action;
    int64_t budget;
    int64_t run_until_jiffies;
    struct cpu *ipi_first;      /* CPUs whose backlog needs an IPI at the end of the run (models/rps.h) */

    struct task ksoftirqd;
    int64_t completed;          /* skbs that a hard interrupt handler has left for NET_TX to free */
    struct sock *timers;        /* sockets whose timer has fired (models/sock.h) */
};

int softirq_init(struct softirq *s, struct cpu *c, const struct softirq_params *p);
void softirq_raise(struct cpu *c, unsigned vector);
/* Whether irq exit or bh-enable runs softirqs here: something is pending, no session is on, `flags` of the interrupted
 * step allow it, and the kernel does not leave it to a runnable ksoftirqd. */
bool softirq_may_run_inline(const struct cpu *c, unsigned flags);
void softirq_run_at_irq_exit(struct cpu *c);
/* The task leaves a bottom-half-disabled section: pending softirqs run here, then `then`. */
void local_bh_enable(struct context *x, cont_fn *then);

#endif
