/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scheduler: which task a core runs.
 *
 * In    sched_wake()         a task became runnable (from sock, softirq, timers)
 *       sched_tick()         the timer interrupt
 *       sched_sleep()        the running task blocks
 *       sched_checkpoint()   the running task may be switched here (return to user, cond_resched)
 * Out   -> cpu               the context to run
 *
 * Tasks are pinned. A SCHED_FIFO task runs before all others. Among the others two rules of choice, by kernel.sched:
 *   cfs    smallest vruntime; a woken task starts at no less than min_vruntime - sleeper credit and preempts if it is
 *          ahead by more than the wakeup granularity; the tick ends a slice of latency / runnable tasks, or one that
 *          is that far ahead of the next
 *   eevdf  among those whose vruntime is not ahead of the average, the earliest deadline; the picked one keeps the
 *          core until its deadline while it is eligible (RUN_TO_PARITY); lag is kept over sleep; one that sleeps with
 *          negative lag stays queued until that is made up (DELAY_DEQUEUE)
 * As in kernels without IRQ time accounting, interrupt and softirq time is charged to the task below. The run queue's
 * clock is read at wakeups, ticks and switches; a switch that a wakeup asked for does not read it again, so the time
 * since that wakeup is charged to the next task (rq_clock_skip_update). (kernel/sched/core.c, fair.c)
 * Tasks of a cgroup that has used its CPU quota are no candidates until its next period (models/bandwidth).
 * Not modelled: load balancing, weights of groups, SCHED_RR and priorities among SCHED_FIFO tasks, nice values. */
#ifndef MODELS_SCHED_H
#define MODELS_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/cpu.h"

enum sched_policy { SCHED_CFS, SCHED_EEVDF };
enum sched_scaling { SCHED_SCALE_NONE, SCHED_SCALE_LOG, SCHED_SCALE_LINEAR };

struct sched_params {
    int64_t policy;
    int64_t scaling;            /* enum sched_scaling */
    int64_t latency;
    int64_t wakeup_granularity;
    int64_t sleeper_credit;
    int64_t min_granularity;
    int64_t base_slice;
    int64_t lag_limit;
    int64_t delay_dequeue;
    int64_t switch_task;
    int64_t switch_clock;
    int64_t switch_sleep;
    int64_t switch_preempted;
    int64_t switch_from_idle;
    int64_t switch_to_idle;
    int64_t wake;
    int64_t wake_idle;
    int64_t wake_preempt;
    int64_t wake_fifo;
    int64_t wake_remote;
    int64_t ipi_latency;
    int64_t ipi;
};
extern const struct model_info sched_model;

struct sched_counters {
    uint64_t context_switches;
    uint64_t wakeups;
    uint64_t preemptions;       /* switches forced on a runnable task */
};

enum task_state { TASK_SLEEPING, TASK_RUNNABLE, TASK_RUNNING };

/* What a task that busy polls is at (models/busy_poll). */
struct busy_poll {
    struct napi *napi;
    struct sock *sk;            /* NULL: epoll_wait */
    cont_fn *then;
    int64_t until;              /* in units of 1024 ns */
    int64_t budget;
    bool once, prefer;
    bool owned;                 /* the NAPI */
};
struct bandwidth;

struct task {
    struct context context;
    struct cpu *cpu;
    const char *name;
    void *owner;
    enum task_state state;
    bool is_ksoftirqd;
    bool fifo;                  /* SCHED_FIFO */
    bool delayed;               /* eevdf: sleeps, and stays queued until its lag is made up */
    bool preempted;             /* it was runnable when it last left the core */
    struct bandwidth *bandwidth;        /* its cgroup's CPU quota; NULL: none */
    struct task *next;          /* in the runqueue's list, in order of arrival */
    ps_t vruntime;
    ps_t ran;                   /* since it was picked */
    ps_t deadline, lag;         /* eevdf; lag is what it left with */
    ps_t picked_deadline;       /* when it was picked: protected while the deadline is the same */
    uint64_t woken;
    struct busy_poll busy;
};

struct runqueue {
    const struct sched_params *params;
    struct sched_counters counters;
    struct task *current;       /* NULL: idle */
    struct task *queued;        /* on the queue, not current */
    ps_t min_vruntime;
    ps_t clock;                 /* rq_clock: stands still between updates */
    bool skip_update;           /* the next switch does not read the clock */
    ps_t exec_start;            /* current's vruntime counts up to here */
    bool need_resched;
    struct context switching;   /* the switch itself: interrupts off */
    struct task *next;          /* that the switch leads to */
};

/* Multiplies the slices by what kernel.sched_tunable_scaling makes of the number of CPUs, and works out the limit of lag
 * where none is set. Once a machine. */
void sched_scale(struct sched_params *p, int64_t cpus, ps_t jiffy);
int sched_init(struct cpu *c, struct runqueue *rq, const struct sched_params *p);

/* A task that starts asleep and will begin at `start`. */
void task_init(struct task *t, struct cpu *c, const char *name, void *owner, cont_fn *start);

/* Makes a sleeping task runnable; nothing if it is awake. Returns what the waker pays. */
ps_t sched_wake(struct task *t, struct cpu *waker);

/* The running task declares that it is about to sleep (it has found nothing to do); a wakeup from here on is not
 * lost: sched_sleep then goes on at once. */
void sched_prepare_sleep(struct task *t);
void sched_sleep(struct context *x, cont_fn *resume);
void sched_checkpoint(struct context *x, cont_fn *then);

void sched_tick(struct cpu *c);
/* Charges the running task up to now. */
void sched_account(struct cpu *c);
/* The tasks of a group that was throttled are candidates again. */
void sched_unthrottle(struct cpu *c, struct bandwidth *b);
/* Gives the core to the next task, or to idle. */
void sched_switch(struct cpu *c);
/* need_resched and the running task (or idle) may be left at this instant. */
bool sched_may_switch(const struct cpu *c);

#endif
