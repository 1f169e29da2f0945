/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sched.h"

#include "models/bandwidth.h"
#include "models/host.h"
#include "models/host_config.h"

static const char *const policies[] = { "cfs", "eevdf", NULL };
static const char *const scalings[] = { "none", "log", "linear", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct sched_params, policy, "kernel.sched", SCHED_EEVDF, policies, "rule by which tasks are chosen",
                 "kernel/sched/fair.c: CFS up to 6.5, EEVDF from 6.6"),
    PARAM_CHOICE(struct sched_params, scaling, "kernel.sched_tunable_scaling", SCHED_SCALE_LOG, scalings,
                 "how the scheduler's times below grow with the CPUs, eight at most: not, by 1 + log2(cpus), or by their number",
                 "fair.c get_update_sysctl_factor: logarithmic"),
    PARAM(struct sched_params, latency, "kernel.sched_latency", UNIT_TIME, 6 * MS, 100 * US, 1 * SEC,
          "cfs: period in which every runnable task runs once", "fair.c: 6 ms, before scaling"),
    PARAM(struct sched_params, wakeup_granularity, "kernel.sched_wakeup_granularity", UNIT_TIME, 1 * MS, 0, 1 * SEC,
          "cfs: a woken task preempts only if it is ahead by more", "fair.c: 1 ms, before scaling"),
    PARAM(struct sched_params, sleeper_credit, "kernel.sched_sleeper_credit", UNIT_TIME, 3 * MS, 0, 1 * SEC,
          "cfs: how far behind min_vruntime a woken task may start", "fair.c place_entity: half of the latency; scaled like it"),
    PARAM(struct sched_params, min_granularity, "kernel.sched_min_granularity", UNIT_TIME, 750 * US, 0, 1 * SEC,
          "cfs: the tick leaves a task alone that has run for less", "fair.c: 0.75 ms, before scaling"),
    PARAM(struct sched_params, base_slice, "kernel.sched_base_slice", UNIT_TIME, 750 * US, 10 * US, 1 * SEC,
          "eevdf: slice of a task", "fair.c: 0.75 ms, before scaling"),
    PARAM(struct sched_params, lag_limit, "kernel.sched_lag_limit", UNIT_TIME, 0, 0, 1 * SEC,
          "eevdf: most lag a task keeps over a sleep; 0: the kernel's rule, two slices or a tick",
          "fair.c update_entity_lag: max(2 * slice, TICK_NSEC)"),
    PARAM_SWITCH(struct sched_params, delay_dequeue, "kernel.sched_delay_dequeue", 1,
                 "eevdf: a task that sleeps with negative lag stays queued until it is made up",
                 "kernel/sched/features.h DELAY_DEQUEUE: 6.12 on"),
    PARAM_COST(struct sched_params, switch_task, "cost.sched.switch", 1500,
               "from one task to another, which a wakeup asked for",
               "assumption: low end of 1-3 us, Brouer's talks; 1022 instructions measured under icount"),
    PARAM_COST(struct sched_params, switch_clock, "cost.sched.switch_clock", 400,
               "more when the clock must be read: the tick asked for it, or the old task sleeps",
               "assumption; the icount machines: 340 (6.1), 80 (6.12)"),
    PARAM_COST(struct sched_params, switch_sleep, "cost.sched.switch_sleep", 300, "more when the old task goes to sleep",
               "assumption; the icount machines: 400 (6.1), 0 (6.12)"),
    PARAM_COST(struct sched_params, switch_preempted, "cost.sched.switch_preempted", 300,
               "more on the way back to a task that was preempted on its return to user mode",
               "assumption; about 470 instructions measured under icount"),
    PARAM_COST(struct sched_params, switch_from_idle, "cost.sched.switch_from_idle", 1800, "from idle to a task",
               "assumption; 1103 instructions measured under icount"),
    PARAM_COST(struct sched_params, switch_to_idle, "cost.sched.switch_to_idle", 1800, "from a task to idle",
               "assumption; 1390 instructions measured under icount"),
    PARAM_COST(struct sched_params, wake, "cost.sched.wake", 1300, "try_to_wake_up of a task on the same CPU",
               "assumption; 1439 instructions with the poll's end, measured under icount"),
    PARAM_COST(struct sched_params, wake_idle, "cost.sched.wake_idle", 1300, "the same while the CPU idles",
               "assumption; the icount machines: 1150 (6.1), 1240 (6.12)"),
    PARAM_COST(struct sched_params, wake_preempt, "cost.sched.wake_preempt", 45, "more when the woken task is to preempt",
               "assumption; 45 instructions measured under icount"),
    PARAM_COST(struct sched_params, wake_fifo, "cost.sched.wake_fifo", 1100, "try_to_wake_up of a SCHED_FIFO task on the same CPU",
               "assumption: as wake_idle, without CFS's or EEVDF's placing"),
    PARAM_COST(struct sched_params, wake_remote, "cost.sched.wake_remote", 2300,
               "try_to_wake_up of a task on another CPU, with the IPI's sending", "assumption"),
    PARAM(struct sched_params, ipi_latency, "cpu.ipi_latency", UNIT_TIME, 500 * NS, 0, 1 * MS,
          "flight of an inter-processor interrupt", "assumption: APIC write to handler on one socket"),
    PARAM_COST(struct sched_params, ipi, "cost.sched.ipi", 400, "handler of the reschedule IPI", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct sched_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct sched_counters, context_switches, "context_switches", "/proc/stat ctxt", "task switches"),
    COUNTER(struct sched_counters, wakeups, "wakeups", "sched:sched_wakeup", "tasks made runnable"),
    COUNTER(struct sched_counters, preemptions, "preemptions", "nonvoluntary_ctxt_switches",
            "switches away from a task that wanted to go on"),
};
ALL_COUNTERS_HAVE_ROWS(struct sched_counters, counter_rows);

const struct model_info sched_model = {
    .name = "sched", .step = "7", .what = "which task a core runs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, sched), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- virtual time ---- */

static bool throttled(const struct task *t)
{
    return t->bandwidth && t->bandwidth->throttled;
}

/* One that the fair class may choose. */
static bool fair(const struct task *t)
{
    return t && !t->fifo && !throttled(t);
}

static bool eevdf(const struct runqueue *rq)
{
    return rq->params->policy == SCHED_EEVDF;
}

/* Current counts among the queued until the switch takes it off: also while it is about to sleep. */
static int runnable(const struct runqueue *rq)
{
    int n = fair(rq->current);

    for (const struct task *t = rq->queued; t; t = t->next)
        n += fair(t);
    return n;
}

/* Never goes back; stands still while idle. */
static void update_min_vruntime(struct runqueue *rq)
{
    const struct task *least = fair(rq->current) ? rq->current : NULL;

    for (const struct task *t = rq->queued; t; t = t->next) {
        if (fair(t) && (!least || t->vruntime < least->vruntime))
            least = t;
    }
    if (least && least->vruntime > rq->min_vruntime)
        rq->min_vruntime = least->vruntime;
}

static void update_clock(struct cpu *c)
{
    c->rq->clock = c->engine->now;
}

/* account_cfs_rq_runtime: the quota is used up, so current is to leave. */
static void charge_quota(struct runqueue *rq, const struct task *t, ps_t ran)
{
    struct bandwidth *b = t->bandwidth;

    if (!b || b->throttled)
        return;
    b->left -= ran;
    if (b->left <= 0)
        rq->need_resched = true;
}

/* update_curr: charges current up to the clock; eevdf: a new deadline when the old one has passed. */
static void charge(struct runqueue *rq)
{
    struct task *t = rq->current;
    ps_t ran = rq->clock - rq->exec_start;

    if (!t || ran <= 0)
        return;
    rq->exec_start = rq->clock;
    t->ran += ran;
    if (t->fifo)
        return;
    charge_quota(rq, t, ran);
    t->vruntime += ran;
    if (eevdf(rq) && t->vruntime >= t->deadline) {
        t->deadline = t->vruntime + rq->params->base_slice;
        if (runnable(rq) > 1)
            rq->need_resched = true;
    }
    update_min_vruntime(rq);
}

/* Sum of the fair tasks' vruntimes relative to min_vruntime, and their number; equal weights. */
static ps_t key_sum(const struct runqueue *rq, int *n)
{
    ps_t sum = 0;

    *n = 0;
    if (fair(rq->current)) {
        sum += rq->current->vruntime - rq->min_vruntime;
        ++*n;
    }
    for (const struct task *t = rq->queued; t; t = t->next) {
        if (fair(t)) {
            sum += t->vruntime - rq->min_vruntime;
            ++*n;
        }
    }
    return sum;
}

static ps_t average(const struct runqueue *rq)
{
    int n;
    ps_t sum = key_sum(rq, &n);

    if (sum < 0)
        sum -= n - 1;                   /* avg_vruntime rounds down */
    return rq->min_vruntime + (n ? sum / n : 0);
}

/* vruntime_eligible: not ahead of the average, without its rounding. */
static bool eligible(const struct runqueue *rq, const struct task *t)
{
    int n;
    ps_t sum = key_sum(rq, &n);

    return sum >= (t->vruntime - rq->min_vruntime) * n;
}

/* ---- the choice ---- */

/* The smallest vruntime; current only if it is strictly ahead of the queued. */
static struct task *pick_cfs(const struct runqueue *rq, struct task *current)
{
    struct task *pick = NULL;

    for (struct task *t = rq->queued; t; t = t->next) {
        if (fair(t) && (!pick || t->vruntime < pick->vruntime))
            pick = t;
    }
    if (fair(current) && (!pick || current->vruntime < pick->vruntime))
        pick = current;
    return pick;
}

/* pick_eevdf: the eligible one with the earliest deadline; current, once picked, until its deadline or until it is no
 * longer eligible. */
static struct task *pick_eevdf(const struct runqueue *rq, struct task *current)
{
    struct task *pick = NULL;

    if (runnable(rq) == 1)              /* no look at eligibility */
        return fair(current) ? current : pick_cfs(rq, NULL);
    if (fair(current) && !eligible(rq, current))
        current = NULL;
    if (fair(current) && current->picked_deadline == current->deadline)
        return current;
    for (struct task *t = rq->queued; t; t = t->next) {
        if (fair(t) && eligible(rq, t) && (!pick || t->deadline < pick->deadline))
            pick = t;
    }
    if (fair(current) && (!pick || current->deadline < pick->deadline))
        pick = current;
    return pick;
}

/* What should run, current included; NULL: nothing. */
static struct task *pick(const struct runqueue *rq, struct task *current)
{
    if (current && current->fifo)
        return current;
    for (struct task *t = rq->queued; t; t = t->next) {
        if (t->fifo)
            return t;
    }
    return eevdf(rq) ? pick_eevdf(rq, current) : pick_cfs(rq, current);
}

/* ---- the queue ---- */

static void enqueue(struct runqueue *rq, struct task *t)
{
    struct task **at = &rq->queued;

    while (*at)
        at = &(*at)->next;
    t->next = NULL;
    *at = t;
}

static void dequeue(struct runqueue *rq, struct task *t)
{
    struct task **at = &rq->queued;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->next = NULL;
}

/* What a task takes along when it leaves: how far it was behind the average. */
static void keep_lag(const struct runqueue *rq, struct task *t)
{
    ps_t lag = average(rq) - t->vruntime, limit = rq->params->lag_limit;

    t->lag = lag > limit ? limit : lag < -limit ? -limit : lag;
}

/* place_entity for a task that is not on the queue. */
static void place(const struct runqueue *rq, struct task *t)
{
    const struct sched_params *p = rq->params;

    if (!eevdf(rq)) {
        ps_t floor = rq->min_vruntime - p->sleeper_credit;
        if (t->vruntime < floor)
            t->vruntime = floor;
        return;
    }
    int n = runnable(rq);
    t->vruntime = average(rq);
    if (n > 0)                          /* its own weight pulls the average: inflated so that the lag comes out right */
        t->vruntime -= t->lag * (n + 1) / n;
    t->deadline = t->vruntime + p->base_slice;
}

/* A delayed task is wanted again before its lag was made up, or after: then it starts with none (DELAY_ZERO). */
static void undelay(struct runqueue *rq, struct task *t)
{
    keep_lag(rq, t);
    if (t->lag > 0) {
        dequeue(rq, t);
        t->lag = 0;
        place(rq, t);
        enqueue(rq, t);
    }
    t->delayed = false;
}

/* Current leaves the core: back onto the queue, or to sleep. */
static void put(struct runqueue *rq, struct task *t)
{
    t->preempted = t->state == TASK_RUNNING;
    if (t->preempted) {
        t->state = TASK_RUNNABLE;
    } else if (!t->fifo && eevdf(rq)) {
        t->delayed = rq->params->delay_dequeue && !eligible(rq, t);
        keep_lag(rq, t);
    }
    rq->current = NULL;
    if (t->preempted || t->delayed)
        enqueue(rq, t);
    update_min_vruntime(rq);
}

/* A delayed task was picked: its lag is made up, and it leaves for good. */
static void leave_delayed(struct runqueue *rq, struct task *t)
{
    keep_lag(rq, t);
    if (t->lag > 0)
        t->lag = 0;
    t->delayed = false;
    dequeue(rq, t);
}

/* ---- waking ---- */

void task_init(struct task *t, struct cpu *c, const char *name, void *owner, cont_fn *start)
{
    *t = (struct task){ .cpu = c, .name = name, .owner = owner, .state = TASK_SLEEPING };
    t->context.cpu = c;
    t->context.task = t;
    t->context.mode = CPU_TASK;
    t->context.then = start;
}

static bool preempts(struct runqueue *rq, const struct task *woken)
{
    const struct task *current = rq->current;

    if (throttled(woken))
        return false;
    if (!current || (woken->fifo && !current->fifo))
        return true;
    if (woken->fifo || current->fifo || rq->need_resched)
        return false;
    charge(rq);
    if (!eevdf(rq))
        return current->vruntime - woken->vruntime > rq->params->wakeup_granularity;
    return pick_eevdf(rq, rq->current) == woken;
}

/* What try_to_wake_up costs the waker. */
static ps_t wake_cost(const struct runqueue *rq, const struct task *t, bool local, bool preempting)
{
    const struct sched_params *p = rq->params;

    if (!local)
        return p->wake_remote;
    if (t->fifo)
        return p->wake_fifo;
    return !rq->current ? p->wake_idle : p->wake + (preempting ? p->wake_preempt : 0);
}

ps_t sched_wake(struct task *t, struct cpu *waker)
{
    struct cpu *c = t->cpu;
    struct runqueue *rq = c->rq;

    if (t->state != TASK_SLEEPING)
        return 0;
    rq->counters.wakeups++;
    t->woken++;
    host_fact(c->host, FACT_WAKE, (uint64_t)c->index, t->woken);
    trace_emit(&c->engine->trace, c->engine->now, TRACE_SCHED_WAKEUP, c->index, t->is_ksoftirqd, 0);
    if (t == rq->current) {             /* it was about to sleep and has not left the core yet */
        t->state = TASK_RUNNING;
        return wake_cost(rq, t, waker == c, false);
    }
    update_clock(c);
    charge(rq);
    t->state = TASK_RUNNABLE;
    if (t->delayed) {
        undelay(rq, t);
    } else {
        if (!t->fifo)
            place(rq, t);
        enqueue(rq, t);
    }
    bool preempting = preempts(rq, t);
    if (preempting)
        rq->need_resched = true;
    if (rq->need_resched)
        rq->skip_update = true;
    if (waker != c && rq->need_resched && !event_pending(c->engine, &c->resched_ipi))
        engine_at(c->engine, &c->resched_ipi, c->engine->now + rq->params->ipi_latency);
    return wake_cost(rq, t, waker == c, preempting);
}

/* ---- switching ---- */

static bool any_candidate(const struct runqueue *rq)
{
    for (const struct task *t = rq->queued; t; t = t->next) {
        if (t->fifo || !throttled(t))
            return true;
    }
    return false;
}

bool sched_may_switch(const struct cpu *c)
{
    const struct runqueue *rq = c->rq;

    if (!rq->current)
        return any_candidate(rq);
    return rq->need_resched && rq->current->state == TASK_RUNNING && cpu_preemptible(c, rq->current->context.flags);
}

static void switch_done(struct context *x)
{
    struct cpu *c = x->cpu;
    struct runqueue *rq = c->rq;
    struct task *t = rq->next;

    rq->next = NULL;
    rq->counters.context_switches++;
    rq->current = t;
    trace_emit(&c->engine->trace, c->engine->now, TRACE_SCHED_SWITCH, c->index, t->is_ksoftirqd, 0);
    c->running = NULL;
    cpu_return(c);
}

/* After the last task: the core idles once the switch is paid for. */
static void switch_to_idle_done(struct context *x)
{
    struct cpu *c = x->cpu;

    c->rq->counters.context_switches++;
    trace_emit(&c->engine->trace, c->engine->now, TRACE_SCHED_SWITCH, c->index, -1, 0);
    c->running = NULL;
    cpu_return(c);
}

/* set_next_entity: its time counts from the run queue's clock, however old that is. */
static void set_next(struct runqueue *rq, struct task *t)
{
    t->state = TASK_RUNNING;            /* a wakeup meanwhile has nothing to do */
    t->ran = 0;
    t->picked_deadline = t->deadline;
    rq->exec_start = rq->clock;
}

static ps_t switch_cost(const struct sched_params *p, const struct task *prev, const struct task *next, bool clock_read)
{
    ps_t cost = next->preempted && next->context.mode == CPU_TASK ? p->switch_preempted : 0;

    if (!prev)
        return cost + p->switch_from_idle;
    return cost + p->switch_task + (clock_read ? p->switch_clock : 0) + (prev->preempted ? 0 : p->switch_sleep);
}

/* throttle_cfs_rq: its group has used its quota, and all of it goes as if to sleep. */
static void throttle(struct runqueue *rq, struct task *current)
{
    struct bandwidth *b = current->bandwidth;

    if (!b || b->left > 0 || b->throttled)
        return;
    keep_lag(rq, current);
    for (struct task *t = rq->queued; t; t = t->next) {
        if (t->bandwidth == b)
            keep_lag(rq, t);
    }
    b->throttled = true;
    b->throttled_at = b->cpu->engine->now;
}

/* What should run, after those that only waited for their lag to be made up have left. */
static struct task *pick_awake(struct runqueue *rq, struct task *current)
{
    struct task *t;

    while ((t = pick(rq, current)) != NULL && t->delayed)
        leave_delayed(rq, t);
    return t;
}

void sched_switch(struct cpu *c)
{
    struct runqueue *rq = c->rq;
    const struct sched_params *p = rq->params;
    struct context *x = &rq->switching;
    struct task *prev = rq->current;
    bool clock_read = !rq->skip_update;

    if (clock_read)
        update_clock(c);
    rq->skip_update = false;
    charge(rq);
    rq->need_resched = false;
    if (prev)
        throttle(rq, prev);
    if (prev && prev->state == TASK_RUNNING && pick_awake(rq, prev) == prev) {
        c->running = &prev->context;    /* picked again: no switch, and its slice goes on */
        return;
    }
    if (prev)
        put(rq, prev);
    struct task *next = pick_awake(rq, NULL);

    x->flags = STEP_IRQS_OFF;
    x->depth = 0;
    c->running = x;
    if (!next) {
        context_work(x, p->switch_to_idle, switch_to_idle_done);
        return;
    }
    rq->counters.preemptions += prev && prev->preempted;
    dequeue(rq, next);
    set_next(rq, next);
    rq->next = next;
    context_work(x, switch_cost(p, prev, next, clock_read), switch_done);
}

void sched_prepare_sleep(struct task *t)
{
    t->state = TASK_SLEEPING;
}

void sched_sleep(struct context *x, cont_fn *resume)
{
    x->then = resume;
    x->flags = 0;
    if (x->task->state == TASK_SLEEPING)
        sched_switch(x->cpu);
}

void sched_checkpoint(struct context *x, cont_fn *then)
{
    x->then = then;
    if (x->cpu->rq->need_resched)
        sched_switch(x->cpu);
}

/* check_preempt_tick: the slice is over, or the next one waits too far behind. */
static bool slice_over(const struct runqueue *rq, const struct task *t)
{
    const struct sched_params *p = rq->params;
    int n = runnable(rq);

    if (n < 2)
        return false;
    /* __sched_period: beyond sched_nr_latency tasks the period grows, and a slice is the minimum. */
    ps_t ideal = p->latency / n > p->min_granularity ? p->latency / n : p->min_granularity;
    if (t->ran > ideal)
        return true;
    if (t->ran < p->min_granularity)
        return false;
    const struct task *next = pick_cfs(rq, NULL);
    return next && t->vruntime - next->vruntime > ideal;
}

void sched_tick(struct cpu *c)
{
    struct runqueue *rq = c->rq;
    struct task *t = rq->current;

    if (!t)
        return;
    update_clock(c);
    charge(rq);                         /* eevdf: what there is to do at a tick */
    if (!t->fifo && !eevdf(rq) && slice_over(rq, t))
        rq->need_resched = true;
}

void sched_account(struct cpu *c)
{
    update_clock(c);
    charge(c->rq);
}

void sched_unthrottle(struct cpu *c, struct bandwidth *b)
{
    struct runqueue *rq = c->rq;

    for (struct task *t = rq->queued; t; t = t->next) {
        if (t->bandwidth == b && !t->delayed)
            place(rq, t);
    }
    b->throttled = false;
    for (struct task *t = rq->queued; t; t = t->next) {
        if (t->bandwidth == b && !t->delayed && preempts(rq, t))
            rq->need_resched = true;
    }
}

void sched_scale(struct sched_params *p, int64_t cpus, ps_t jiffy)
{
    int64_t n = cpus < 8 ? cpus : 8, factor = 1;

    if (p->scaling == SCHED_SCALE_LINEAR)
        factor = n;
    else if (p->scaling == SCHED_SCALE_LOG)
        factor = 64 - __builtin_clzll((uint64_t)n);     /* 1 + log2, rounded down */
    p->latency *= factor;
    p->wakeup_granularity *= factor;
    p->sleeper_credit *= factor;
    p->min_granularity *= factor;
    p->base_slice *= factor;
    if (p->lag_limit == 0)
        p->lag_limit = 2 * p->base_slice > jiffy ? 2 * p->base_slice : jiffy;
}

int sched_init(struct cpu *c, struct runqueue *rq, const struct sched_params *p)
{
    *rq = (struct runqueue){ .params = p };
    rq->switching.cpu = c;
    rq->switching.mode = CPU_TASK;
    c->rq = rq;
    return 0;
}
