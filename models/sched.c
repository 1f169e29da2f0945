/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sched.h"

#include "models/host.h"
#include "models/host_config.h"

static const char *const policies[] = { "cfs", "eevdf", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct sched_params, policy, "kernel.sched", SCHED_EEVDF, policies, "rule by which tasks are chosen",
                 "kernel/sched/fair.c: CFS up to 6.5, EEVDF from 6.6"),
    PARAM(struct sched_params, latency, "kernel.sched_latency", UNIT_TIME, 6 * MS, 100 * US, 1 * SEC,
          "cfs: period in which every runnable task runs once", "fair.c: 6 ms x (1 + log2(cpus)), one CPU"),
    PARAM(struct sched_params, wakeup_granularity, "kernel.sched_wakeup_granularity", UNIT_TIME, 1 * MS, 0, 1 * SEC,
          "cfs: a woken task preempts only if it is ahead by more", "fair.c: 1 ms x (1 + log2(cpus)), one CPU"),
    PARAM(struct sched_params, sleeper_credit, "kernel.sched_sleeper_credit", UNIT_TIME, 3 * MS, 0, 1 * SEC,
          "cfs: how far behind min_vruntime a woken task may start", "fair.c place_entity: half of the latency"),
    PARAM(struct sched_params, base_slice, "kernel.sched_base_slice", UNIT_TIME, 750 * US, 10 * US, 1 * SEC,
          "eevdf: slice of a task", "fair.c: 0.75 ms x (1 + log2(cpus)), one CPU"),
    PARAM(struct sched_params, lag_limit, "kernel.sched_lag_limit", UNIT_TIME, 4 * MS, 0, 1 * SEC,
          "eevdf: most lag a task keeps over a sleep", "fair.c entity_lag: about a tick or two slices; HZ 250"),
    PARAM_COST(struct sched_params, switch_task, "cost.sched.switch", 2200, "from one task to another",
               "assumption: low end of 1-3 us, Brouer's talks; 1.0 to 1.8 us of instructions under icount"),
    PARAM_COST(struct sched_params, switch_from_idle, "cost.sched.switch_from_idle", 1800, "from idle to a task",
               "assumption; 1103 instructions measured under icount"),
    PARAM_COST(struct sched_params, switch_to_idle, "cost.sched.switch_to_idle", 1800, "from a task to idle",
               "assumption; 1390 instructions measured under icount"),
    PARAM_COST(struct sched_params, wake, "cost.sched.wake", 1500, "try_to_wake_up of a task on the same CPU",
               "assumption; 1439 instructions with the poll's end, measured under icount"),
    PARAM_COST(struct sched_params, wake_remote, "cost.sched.wake_remote", 2500,
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

static void charge(struct cpu *c)
{
    struct runqueue *rq = c->rq;
    ps_t now = c->engine->now;

    if (rq->current)
        rq->current->vruntime += now - rq->charged_at;
    rq->charged_at = now;
}

/* Never goes back; stands still while idle. */
static void update_min_vruntime(struct runqueue *rq)
{
    const struct task *least = rq->current;

    for (const struct task *t = rq->queued; t; t = t->next) {
        if (!least || t->vruntime < least->vruntime)
            least = t;
    }
    if (least && least->vruntime > rq->min_vruntime)
        rq->min_vruntime = least->vruntime;
}

/* Average vruntime of the runnable tasks, relative to min_vruntime; equal weights. */
static ps_t average(const struct runqueue *rq)
{
    ps_t sum = 0;
    int n = 0;

    if (rq->current && rq->current->state == TASK_RUNNING) {
        sum += rq->current->vruntime - rq->min_vruntime;
        n++;
    }
    for (const struct task *t = rq->queued; t; t = t->next) {
        sum += t->vruntime - rq->min_vruntime;
        n++;
    }
    return n == 0 ? rq->min_vruntime : rq->min_vruntime + sum / n;
}

static bool earlier(const struct runqueue *rq, const struct task *a, const struct task *b, ps_t avg)
{
    if (rq->params->policy == SCHED_CFS)
        return a->vruntime < b->vruntime;
    bool a_eligible = a->vruntime <= avg, b_eligible = b->vruntime <= avg;
    if (a_eligible != b_eligible)
        return a_eligible;
    return a->deadline < b->deadline;
}

/* The best of the queue; ties go to the one that queued first. */
static struct task *best(const struct runqueue *rq)
{
    ps_t avg = rq->params->policy == SCHED_EEVDF ? average(rq) : 0;
    struct task *pick = rq->queued;

    for (struct task *t = rq->queued; t; t = t->next) {
        if (earlier(rq, t, pick, avg))
            pick = t;
    }
    return pick;
}

/* ---- the queue ---- */

static void enqueue(struct runqueue *rq, struct task *t)
{
    struct task **at = &rq->queued;

    while (*at)
        at = &(*at)->next;
    t->next = NULL;
    *at = t;
    t->state = TASK_RUNNABLE;
}

static void dequeue(struct runqueue *rq, struct task *t)
{
    struct task **at = &rq->queued;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->next = NULL;
}

/* Where a woken task starts. */
static void place(struct runqueue *rq, struct task *t)
{
    const struct sched_params *p = rq->params;

    if (p->policy == SCHED_CFS) {
        ps_t floor = rq->min_vruntime - p->sleeper_credit;
        if (t->vruntime < floor)
            t->vruntime = floor;
        return;
    }
    t->vruntime = average(rq) - t->lag;
    t->deadline = t->vruntime + p->base_slice;
}

static bool preempts(const struct runqueue *rq, const struct task *woken)
{
    const struct task *current = rq->current;

    if (!current)
        return true;
    if (rq->params->policy == SCHED_CFS)
        return current->vruntime - woken->vruntime > rq->params->wakeup_granularity;
    return best(rq) == woken && earlier(rq, woken, current, average(rq));
}

void task_init(struct task *t, struct cpu *c, const char *name, void *owner, cont_fn *start)
{
    *t = (struct task){ .cpu = c, .name = name, .owner = owner, .state = TASK_SLEEPING };
    t->context.cpu = c;
    t->context.task = t;
    t->context.mode = CPU_TASK;
    t->context.then = start;
}

ps_t sched_wake(struct task *t, struct cpu *waker)
{
    struct cpu *c = t->cpu;
    struct runqueue *rq = c->rq;
    const struct sched_params *p = rq->params;

    if (t->state != TASK_SLEEPING)
        return 0;
    rq->counters.wakeups++;
    t->woken++;
    host_fact(c->host, FACT_WAKE, (uint64_t)c->index, t->woken);
    trace_emit(&c->engine->trace, c->engine->now, TRACE_SCHED_WAKEUP, c->index, 0, 0);
    if (t == rq->current) {             /* it was about to sleep and has not left the core yet */
        t->state = TASK_RUNNING;
        return waker == c ? p->wake : p->wake_remote;
    }
    charge(c);
    update_min_vruntime(rq);
    place(rq, t);
    enqueue(rq, t);
    rq->nr++;
    if (preempts(rq, t))
        rq->need_resched = true;
    if (waker == c)
        return p->wake;
    if (rq->need_resched && !event_pending(c->engine, &c->resched_ipi))
        engine_at(c->engine, &c->resched_ipi, c->engine->now + p->ipi_latency);
    return p->wake_remote;
}

/* ---- switching ---- */

bool sched_may_switch(const struct cpu *c)
{
    const struct runqueue *rq = c->rq;

    if (!rq->current)
        return rq->queued != NULL;
    return rq->need_resched && rq->current->context.flags & STEP_USER;
}

static void switch_done(struct context *x)
{
    struct cpu *c = x->cpu;
    struct runqueue *rq = c->rq;
    struct task *t = rq->next;

    rq->next = NULL;
    rq->counters.context_switches++;
    rq->current = t;
    rq->charged_at = c->engine->now;
    t->state = TASK_RUNNING;
    t->picked_vruntime = t->vruntime;
    trace_emit(&c->engine->trace, c->engine->now, TRACE_SCHED_SWITCH, c->index, t->is_ksoftirqd, 0);
    c->running = NULL;
    cpu_return(c);
}

/* After the last task: the core idles once the switch is paid for. */
static void switch_to_idle_done(struct context *x)
{
    struct cpu *c = x->cpu;

    c->rq->counters.context_switches++;
    c->running = NULL;
    cpu_return(c);
}

void sched_switch(struct cpu *c)
{
    struct runqueue *rq = c->rq;
    const struct sched_params *p = rq->params;
    struct context *x = &rq->switching;
    struct task *prev = rq->current;

    charge(c);
    update_min_vruntime(rq);
    rq->need_resched = false;
    if (prev) {
        if (prev->state == TASK_RUNNING) {
            enqueue(rq, prev);
        } else {
            ps_t lag = average(rq) - prev->vruntime;
            prev->lag = lag > p->lag_limit ? p->lag_limit : lag < -p->lag_limit ? -p->lag_limit : lag;
            rq->nr--;
        }
        rq->current = NULL;
    }

    struct task *next = best(rq);
    x->flags = STEP_IRQS_OFF;
    x->depth = 0;
    c->running = x;
    if (!next) {
        context_work(x, p->switch_to_idle, switch_to_idle_done);
        return;
    }
    dequeue(rq, next);
    if (next == prev) {                 /* picked again: no switch */
        rq->current = prev;
        prev->state = TASK_RUNNING;
        prev->picked_vruntime = prev->vruntime;
        c->running = &prev->context;
        return;
    }
    rq->counters.preemptions += prev && prev->state == TASK_RUNNABLE;
    rq->next = next;
    next->state = TASK_RUNNING;         /* a wakeup meanwhile has nothing to do */
    context_work(x, prev ? p->switch_task : p->switch_from_idle, switch_done);
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

void sched_tick(struct cpu *c)
{
    struct runqueue *rq = c->rq;
    struct task *t = rq->current;

    if (!t || t->state != TASK_RUNNING)
        return;
    charge(c);
    update_min_vruntime(rq);
    if (rq->params->policy == SCHED_CFS) {
        if (rq->nr > 1 && t->vruntime - t->picked_vruntime > rq->params->latency / rq->nr)
            rq->need_resched = true;
    } else if (t->vruntime >= t->deadline) {
        t->deadline = t->vruntime + rq->params->base_slice;
        if (rq->nr > 1)
            rq->need_resched = true;
    }
}

int sched_init(struct cpu *c, struct runqueue *rq, const struct sched_params *p)
{
    *rq = (struct runqueue){ .params = p };
    rq->switching.cpu = c;
    rq->switching.mode = CPU_TASK;
    c->rq = rq;
    return 0;
}
