/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/softirq.h"

#include "models/host.h"
#include "models/host_config.h"
#include "models/rps.h"

static const struct param rows[] = {
    PARAM(struct softirq_params, netdev_budget, "net.core.netdev_budget", UNIT_COUNT, 300, 1, 1000000,
          "frames one net_rx_action run may take; binds only at <= 64, or with five saturated NAPIs on a CPU",
          "net/core/dev.c; range ours"),
    PARAM(struct softirq_params, netdev_budget_usecs, "net.core.netdev_budget_usecs", UNIT_TIME, 0, 0, 1 * SEC,
          "time one net_rx_action run may take, in whole jiffies; 0: the kernel's default of two jiffies",
          "net/core/dev.c: 2 * USEC_PER_SEC / HZ"),
    PARAM_SWITCH(struct softirq_params, budget_usecs_min, "kernel.netdev_budget_usecs_min", 1,
                 "a netdev_budget_usecs below two jiffies is refused (EINVAL)",
                 "net/core/sysctl_net_core.c netdev_budget_usecs_min: 6.14 on, stable 6.1, 6.6, 6.12 from March 2025"),
    PARAM(struct softirq_params, max_restart, "kernel.softirq.max_restart", UNIT_COUNT, 10, 1, 1000,
          "passes over pending softirqs in one go", "kernel/softirq.c MAX_SOFTIRQ_RESTART"),
    PARAM(struct softirq_params, max_time, "kernel.softirq.max_time", UNIT_TIME, 2 * MS, 0, 1 * SEC,
          "time for these passes, rounded up to jiffies", "kernel/softirq.c MAX_SOFTIRQ_TIME"),
    PARAM_SWITCH(struct softirq_params, ksoftirqd_defers, "kernel.softirq.ksoftirqd_defers", 0,
                 "irq exit and bh-enable leave softirqs to a runnable ksoftirqd",
                 "kernel/softirq.c: on from 4.9, reverted in 6.5 (d15121be7485)"),
    PARAM_SWITCH(struct softirq_params, repoll_in_run, "kernel.napi.repoll_in_run", 0,
                 "a NAPI that used its weight is polled again in the same run, limits tested before each poll",
                 "net/core/dev.c up to 3.18"),
    PARAM_SWITCH(struct softirq_params, schedule_in_run, "kernel.napi.schedule_in_run", 1,
                 "a NAPI scheduled during the run is polled in it, with the budget left",
                 "net/core/dev.c sd->in_net_rx_action, 6.6 on"),
    PARAM_COST(struct softirq_params, entry, "cost.softirq.entry", 150, "irq exit to the first pass",
               "assumption; 69 instructions to net_rx_action measured under icount"),
    PARAM_COST(struct softirq_params, pass, "cost.softirq.pass", 120, "from one pass to the next",
               "assumption; 82 instructions measured under icount"),
    PARAM_COST(struct softirq_params, exit, "cost.softirq.exit", 80, "end of the session",
               "assumption; 39 instructions measured under icount"),
    PARAM_COST(struct softirq_params, inline_return, "cost.softirq.inline_return", 150,
               "after a session at irq exit, back into the interrupted task",
               "assumption; 120 instructions: 89 more than without a session, measured in idle under icount, and 31"),
    PARAM_COST(struct softirq_params, deferred, "cost.softirq.deferred", 40,
               "bh-enable that finds softirqs pending and leaves them to ksoftirqd",
               "assumption; 39 instructions measured under icount"),
    PARAM_COST(struct softirq_params, wake_ksoftirqd, "cost.softirq.wake_ksoftirqd", 60,
               "asking for ksoftirqd, beside its wakeup", "assumption; 52 instructions when it is awake already"),
    PARAM_COST(struct softirq_params, run, "cost.softirq.net_rx", 200, "net_rx_action to its first poll",
               "assumption; 114 instructions measured under icount"),
    PARAM_COST(struct softirq_params, next_poll, "cost.softirq.next_poll", 60, "from one poll to the next in a run",
               "assumption; 38 to 117 instructions measured under icount"),
    PARAM_COST(struct softirq_params, run_end, "cost.softirq.net_rx_end", 90, "after the last poll to its end",
               "assumption; 47 instructions measured under icount"),
    PARAM_COST(struct softirq_params, timer, "cost.softirq.timer", 800, "the TIMER softirq, beside what timers do",
               "assumption; about 700 instructions measured under icount"),
    PARAM_COST(struct softirq_params, net_tx, "cost.softirq.net_tx", 300, "the NET_TX softirq, beside the skbs it frees",
               "assumption; the icount machines: 265 (6.1), 270 (6.12)"),
    PARAM_COST(struct softirq_params, ksoftirqd_start, "cost.softirq.ksoftirqd_start", 400,
               "ksoftirqd, from the switch to its first session", "assumption; 292 instructions measured under icount"),
    PARAM_COST(struct softirq_params, ksoftirqd_again, "cost.softirq.ksoftirqd_again", 80,
               "ksoftirqd, from one session to the next", "assumption; the icount machines: 47 (6.1), 49 (6.12)"),
};
ALL_FIELDS_HAVE_ROWS(struct softirq_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct softirq_counters, sessions, "softirq_sessions", "irq:softirq_entry", "calls of handle_softirqs"),
    COUNTER(struct softirq_counters, net_rx_runs, "net_rx_runs", "/proc/softirqs NET_RX", "runs of net_rx_action"),
    COUNTER(struct softirq_counters, time_squeeze, "time_squeeze", "/proc/net/softnet_stat column 3",
            "runs that ended with budget or time used up"),
    COUNTER(struct softirq_counters, ksoftirqd_wakeups, "ksoftirqd_wakeups", "sched:sched_wakeup",
            "times ksoftirqd was woken"),
    COUNTER(struct softirq_counters, received_rps, "received_rps", "/proc/net/softnet_stat column 10",
            "IPIs received to process the backlog"),
};
ALL_COUNTERS_HAVE_ROWS(struct softirq_counters, counter_rows);

const struct model_info softirq_model = {
    .name = "softirq", .step = "2", .what = "when softirqs run, and net_rx_action's budget",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, softirq), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static struct softirq *of(const struct context *x)
{
    return x->cpu->softirq;
}

/* ---- net_rx_action ---- */

static void run_polled(struct context *x);
static void run_next(struct context *x);
static void pass_next(struct context *x);

static void run_return(struct context *x)
{
    struct cpu *c = x->cpu;

    trace_emit(&c->engine->trace, c->engine->now, TRACE_SOFTIRQ_EXIT, c->index, of(x)->budget, 0);
    context_return(x);
}

/* Puts back what is left to poll, raises the softirq for it, and sends the IPIs that RPS collected. */
static void run_end(struct context *x)
{
    struct softirq *s = of(x);

    napi_splice(&s->list, &s->poll_list);
    napi_splice(&s->list, &s->repoll);
    napi_splice(&s->poll_list, &s->list);
    s->in_net_rx_action = false;
    cache_leave(&x->cpu->host->cache);
    if (s->poll_list.first)
        s->pending |= SOFTIRQ_NET_RX;
    x->owed += rps_send_ipis(x->cpu);
    context_work(x, s->params->run_end, run_return);
}

static bool run_exhausted(const struct softirq *s)
{
    return s->budget <= 0 || cpu_jiffies(s->cpu) >= s->run_until_jiffies;
}

static void run_squeezed(struct context *x)
{
    of(x)->counters.time_squeeze++;
    run_end(x);
}

static void run_next(struct context *x)
{
    struct softirq *s = of(x);

    if (!s->list.first && !s->repoll.first && s->params->schedule_in_run)
        napi_splice(&s->list, &s->poll_list);
    if (!s->list.first) {
        run_end(x);
        return;
    }
    if (s->params->repoll_in_run && run_exhausted(s)) {
        run_squeezed(x);
        return;
    }
    x->napi = napi_take(&s->list);
    context_call(x, napi_poll, run_polled);
}

static void run_polled(struct context *x)
{
    struct softirq *s = of(x);

    s->budget -= x->work;
    if (s->params->repoll_in_run)       /* there the run works on the CPU's own list, with what came meanwhile */
        napi_splice(&s->list, &s->poll_list);
    if (x->work >= x->budget && !x->gave_way) {
        x->owed += x->napi->params->repoll;
        napi_append(s->params->repoll_in_run ? &s->list : &s->repoll, x->napi);
    }
    if (!s->params->repoll_in_run && run_exhausted(s))
        run_squeezed(x);
    else if (s->list.first || (s->poll_list.first && !s->repoll.first && s->params->schedule_in_run))
        context_work(x, s->params->next_poll, run_next);
    else
        run_end(x);
}

/* The time limit in jiffies: what the sysctl holds, rounded up, two jiffies by default. */
static int64_t run_jiffies(const struct softirq *s)
{
    ps_t jiffy = cpu_jiffy(s->cpu);
    ps_t limit = s->params->netdev_budget_usecs;

    return limit == 0 ? 2 : (limit + jiffy - 1) / jiffy;
}

static void net_rx_action(struct context *x)
{
    struct softirq *s = of(x);
    struct cpu *c = x->cpu;

    s->counters.net_rx_runs++;
    s->in_net_rx_action = true;
    cache_enter(&c->host->cache);
    s->budget = s->params->netdev_budget;
    s->run_until_jiffies = cpu_jiffies(c) + run_jiffies(s);
    napi_splice(&s->list, &s->poll_list);
    host_fact(c->host, FACT_RUN, (uint64_t)c->index, s->counters.net_rx_runs);
    trace_emit(&c->engine->trace, c->engine->now, TRACE_SOFTIRQ_ENTRY, c->index, 0, 0);
    context_work(x, s->params->run, run_next);
}

/* ---- handle_softirqs ---- */

static void session_end(struct context *x)
{
    struct softirq *s = of(x);
    struct cpu *c = x->cpu;

    s->active = false;
    c->running = NULL;
    if (s->by_ksoftirqd) {
        c->running = &s->ksoftirqd.context;     /* its loop goes on */
        return;
    }
    if (s->at_irq_exit && c->rq->current)
        c->rq->current->context.left += s->params->inline_return;
    cpu_return(c);
}

/* From the last look at what is pending to the end, interrupts are off: one that comes now is taken afterwards, and
 * its own irq_exit runs what it raises. */
static void session_exit(struct context *x)
{
    x->flags |= STEP_IRQS_OFF;
    context_work(x, of(x)->params->exit, session_end);
}

static void wake_ksoftirqd(struct context *x)
{
    struct softirq *s = of(x);

    x->owed += s->params->wake_ksoftirqd;
    if (s->ksoftirqd.state == TASK_SLEEPING) {
        s->counters.ksoftirqd_wakeups++;
        x->owed += sched_wake(&s->ksoftirqd, x->cpu);
    } else {                            /* try_to_wake_up of one that is awake */
        trace_emit(&x->cpu->engine->trace, x->cpu->engine->now, TRACE_SCHED_WAKEUP, x->cpu->index, 1, 0);
    }
}

static void pass_begin(struct context *x)
{
    struct softirq *s = of(x);

    s->passes++;
    s->serving = s->pending;
    s->pending = 0;
    pass_next(x);
}

/* Again, or leave the rest to ksoftirqd: tested only between passes. */
static void pass_end(struct context *x)
{
    struct softirq *s = of(x);

    if (!s->pending) {
        session_exit(x);
    } else if (cpu_jiffies(s->cpu) < s->until_jiffies && !s->cpu->rq->need_resched &&
               s->passes < s->params->max_restart) {
        context_work(x, s->params->pass, pass_begin);
    } else {
        wake_ksoftirqd(x);
        session_exit(x);
    }
}

static void timer_softirq(struct context *x)
{
    context_work(x, of(x)->params->timer, x->cpu->host->to.timers);
}

/* net_tx_action: what interrupt handlers left to be freed. */
static void net_tx_action(struct context *x)
{
    struct softirq *s = of(x);
    int64_t n = s->completed;

    s->completed = 0;
    context_work(x, s->params->net_tx + n * x->cpu->host->hc->tx.free, context_return);
}

static void pass_next(struct context *x)
{
    struct softirq *s = of(x);

    if (s->serving & SOFTIRQ_TIMER) {
        s->serving &= ~(unsigned)SOFTIRQ_TIMER;
        context_call(x, timer_softirq, pass_next);
    } else if (s->serving & SOFTIRQ_NET_TX) {
        s->serving &= ~(unsigned)SOFTIRQ_NET_TX;
        context_call(x, net_tx_action, pass_next);
    } else if (s->serving & SOFTIRQ_NET_RX) {
        s->serving &= ~(unsigned)SOFTIRQ_NET_RX;
        context_call(x, net_rx_action, pass_next);
    } else {
        pass_end(x);
    }
}

enum session_by { BY_KSOFTIRQD, BY_IRQ_EXIT, BY_BH_ENABLE };

static void session_begin(struct softirq *s, enum session_by by)
{
    bool by_ksoftirqd = by == BY_KSOFTIRQD;
    struct context *x = &s->context;
    ps_t jiffy = cpu_jiffy(s->cpu);

    assert(!s->active);
    s->active = true;
    s->by_ksoftirqd = by_ksoftirqd;
    s->at_irq_exit = by == BY_IRQ_EXIT;
    s->passes = 0;
    s->until_jiffies = cpu_jiffies(s->cpu) + (s->params->max_time + jiffy - 1) / jiffy;
    s->counters.sessions++;
    x->mode = by_ksoftirqd ? CPU_KSOFTIRQD : CPU_SOFTIRQ;
    x->flags = STEP_BH_OFF;
    x->depth = 0;
    x->owed = 0;
    context_work(x, s->params->entry, pass_begin);
    s->cpu->running = x;
}

/* ---- who calls ---- */

void softirq_raise(struct cpu *c, unsigned vector)
{
    c->softirq->pending |= vector;
}

bool softirq_may_run_inline(const struct cpu *c, unsigned flags)
{
    const struct softirq *s = c->softirq;

    if (!s->pending || s->active || flags & STEP_BH_OFF)
        return false;
    return !(s->params->ksoftirqd_defers && s->ksoftirqd.state != TASK_SLEEPING);
}

void softirq_run_at_irq_exit(struct cpu *c)
{
    session_begin(c->softirq, BY_IRQ_EXIT);
}

void local_bh_enable(struct context *x, cont_fn *then)
{
    x->then = then;
    x->flags &= ~(unsigned)STEP_BH_OFF;
    if (softirq_may_run_inline(x->cpu, 0))
        session_begin(x->cpu->softirq, BY_BH_ENABLE);
    else if (of(x)->pending && !of(x)->active)
        x->owed += of(x)->params->deferred;
}

/* ---- ksoftirqd ---- */

static void ksoftirqd_loop(struct context *x);
static void ksoftirqd_session(struct context *x);

static void ksoftirqd_start(struct context *x)
{
    context_work(x, of(x)->params->ksoftirqd_start, ksoftirqd_session);
}

/* Somebody else may have served what it was woken for. */
static void ksoftirqd_session(struct context *x)
{
    if (of(x)->pending) {
        x->then = ksoftirqd_loop;
        session_begin(of(x), BY_KSOFTIRQD);
        return;
    }
    sched_prepare_sleep(x->task);
    sched_sleep(x, ksoftirqd_start);
}

static void ksoftirqd_again(struct context *x)
{
    if (of(x)->pending)
        context_work(x, of(x)->params->ksoftirqd_again, ksoftirqd_session);
    else
        ksoftirqd_session(x);
}

/* cond_resched: what comes after a switch is its loop from the top. */
static void ksoftirqd_loop(struct context *x)
{
    if (x->cpu->rq->need_resched)
        sched_checkpoint(x, ksoftirqd_start);
    else
        ksoftirqd_again(x);
}

/* So far behind that the scheduler's floor decides where it starts. */
static const ps_t ASLEEP_SINCE_BOOT = -3600 * SEC;

int softirq_init(struct softirq *s, struct cpu *c, const struct softirq_params *p)
{
    *s = (struct softirq){ .params = p, .cpu = c };
    s->context.cpu = c;
    c->softirq = s;
    task_init(&s->ksoftirqd, c, "ksoftirqd", s, ksoftirqd_start);
    s->ksoftirqd.vruntime = ASLEEP_SINCE_BOOT;
    s->ksoftirqd.is_ksoftirqd = true;
    s->ksoftirqd.context.mode = CPU_KSOFTIRQD;
    return 0;
}
