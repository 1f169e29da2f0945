/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/napi.h"

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct napi_params, weight, "kernel.napi.weight", UNIT_COUNT, 64, 1, 256,
          "frames a driver's poll may take: a constant of the driver", "include/linux/netdevice.h NAPI_POLL_WEIGHT"),
    PARAM_COST(struct napi_params, poll, "cost.napi.poll", 60, "entering the driver's poll",
               "assumption; 27 instructions measured under icount"),
    PARAM_COST(struct napi_params, unmask, "cost.napi.unmask", 40, "the end of napi_complete_done and the unmask",
               "assumption; 32 instructions and an MMIO write, measured under icount"),
    PARAM_COST(struct napi_params, poll_end, "cost.napi.poll_end", 50, "from the unmask back to net_rx_action",
               "assumption; 47 instructions measured under icount"),
    PARAM_COST(struct napi_params, full_poll_end, "cost.napi.full_poll_end", 60, "returning from a poll that used its weight",
               "assumption; 57 instructions measured under icount"),
    PARAM_COST(struct napi_params, repoll, "cost.napi.repoll", 90, "putting such an instance on the repoll list",
               "assumption; 96 instructions measured under icount"),
    PARAM_COST(struct napi_params, complete, "cost.napi.complete", 40, "napi_complete_done, when there is something to flush",
               "assumption; 29 instructions measured under icount"),
    PARAM_COST(struct napi_params, timer, "cost.napi.timer", 600, "the timer interrupt behind gro_flush_timeout",
               "assumption; about 1100 instructions in all under icount"),
    PARAM_COST(struct napi_params, thread_start, "cost.napi.thread_start", 300, "a NAPI thread, before each poll",
               "assumption; about 250 instructions measured under icount"),
    PARAM_COST(struct napi_params, thread_end, "cost.napi.thread_end", 200, "a NAPI thread, after each poll",
               "assumption; about 160 instructions measured under icount"),
};
ALL_FIELDS_HAVE_ROWS(struct napi_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct napi_counters, polls, "napi_polls", "napi:napi_poll", "polls"),
    COUNTER(struct napi_counters, empty_polls, "napi_polls_empty", "napi:napi_poll, work 0", "polls that found nothing"),
    COUNTER(struct napi_counters, full_polls, "napi_polls_full", "napi:napi_poll, work 64",
            "polls that used their whole weight"),
    COUNTER(struct napi_counters, timer_polls, "napi_polls_timer", "timer:hrtimer_expire_entry",
            "polls scheduled by gro_flush_timeout"),
};
ALL_COUNTERS_HAVE_ROWS(struct napi_counters, counter_rows);

const struct model_info napi_model = {
    .name = "napi", .step = "2", .what = "the poll contract",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, napi), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM(struct napi_nic_params, napi_defer_hard_irqs, "nic.napi_defer_hard_irqs", UNIT_COUNT, 0, 0, INT32_MAX,
          "empty polls by timer before the interrupt is enabled again (not NAPI's weight)",
          "/sys/class/net/X/napi_defer_hard_irqs; Documentation/networking/napi.rst"),
    PARAM(struct napi_nic_params, gro_flush_timeout, "nic.gro_flush_timeout", UNIT_TIME, 0, 0, 1 * SEC,
          "timer of those polls, and how long GRO may hold packets", "/sys/class/net/X/gro_flush_timeout (ns)"),
    PARAM_SWITCH(struct napi_nic_params, threaded, "nic.threaded", 0, "each queue is polled by a thread of its own",
                 "/sys/class/net/X/threaded"),
};
ALL_FIELDS_HAVE_ROWS(struct napi_nic_params, nic_rows);

const struct model_info napi_nic_model = {
    .name = "napi", .step = "2", .what = "deferral by timer",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, napi), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

/* ---- scheduling ---- */

static bool threaded(const struct napi *n)
{
    return n->nic_params && n->nic_params->threaded;
}

/* ____napi_schedule: to whoever polls it. */
static ps_t hand_over(struct napi *n, struct cpu *waker)
{
    struct softirq *s = n->cpu->softirq;

    if (threaded(n)) {
        n->scheduled_threaded = true;
        return sched_wake(&n->thread, waker);
    }
    napi_append(&s->poll_list, n);
    if (!(s->in_net_rx_action && s->params->schedule_in_run))
        softirq_raise(n->cpu, SOFTIRQ_NET_RX);
    return 0;
}

ps_t napi_schedule(struct napi *n)
{
    return napi_schedule_from(n, n->cpu);
}

ps_t napi_schedule_from(struct napi *n, struct cpu *waker)
{
    if (n->scheduled) {
        n->missed = true;
        return 0;
    }
    n->scheduled = true;
    if (!threaded(n))
        n->cpu = waker;
    return hand_over(n, waker);
}

static void timer_fire(void *napi)
{
    struct napi *n = napi;

    cpu_interrupt(n->cpu, &n->timer_vector);
}

static void timer_handle(struct context *x, void *napi)
{
    struct napi *n = napi;

    if (n->scheduled)
        return;
    n->counters.timer_polls++;
    n->irq_at = -1;
    x->owed += napi_schedule(n);
}

/* ---- completion ---- */

static void completed(struct context *x);

static void clear_bits(struct context *x)
{
    context_work(x, x->napi->params->unmask, completed);
}

/* The bits are cleared after everything was handed up; a schedule meanwhile keeps the instance. */
static void completed(struct context *x)
{
    struct napi *n = x->napi;

    if (n->missed) {
        n->missed = false;
        x->owed += hand_over(n, n->cpu);
    } else {
        n->scheduled = false;
        if (n->unmask_now && n->unmask)
            n->unmask(n);
        if (n->arm_timer)
            engine_reschedule(n->cpu->engine, &n->timer, n->cpu->engine->now + n->nic_params->gro_flush_timeout);
    }
    context_return(x);
}

/* napi_complete_done's decisions, in its order: deferral counter, then what the flush keeps. */
static void decide(struct napi *n, int work)
{
    const struct napi_nic_params *p = n->nic_params;

    n->unmask_now = true;
    n->arm_timer = false;
    if (!p)
        return;
    if (work > 0) {
        n->arm_timer = p->gro_flush_timeout > 0 && n->gro.held_total > 0;
        n->defer_left = p->napi_defer_hard_irqs;
    }
    if (n->defer_left > 0) {
        n->defer_left--;
        if (p->gro_flush_timeout > 0) {
            n->unmask_now = false;
            n->arm_timer = true;
        }
    }
}

static void hand_up(struct context *x)
{
    if (!x->napi->gro.rx_list.first || context_stage(x, x->cpu->host->to.hand_up, clear_bits))
        clear_bits(x);
}

void napi_complete_done(struct context *x)
{
    struct napi *n = x->napi;
    ps_t cost = 0;

    decide(n, x->work);
    int held = n->gro.held_total;
    gro_flush(&n->gro, n->arm_timer, cpu_jiffies(n->cpu));
    if (n->gro.rx_list.first)
        cost += n->params->complete;
    cost += (held - n->gro.held_total) * n->gro.params->flush;
    context_work(x, cost, hand_up);
}

/* ---- the poll ---- */

static void poll_return(struct context *x)
{
    struct napi *n = x->napi;
    struct host *h = n->cpu->host;

    n->counters.polls++;
    n->counters.empty_polls += x->work == 0;
    n->counters.full_polls += x->work >= n->weight;
    h->work_hist[x->work < 256 ? x->work : 256]++;
    host_fact(h, FACT_POLL, n->entity, (uint64_t)x->work);
    trace_emit(&h->engine.trace, h->engine.now, TRACE_NAPI_POLL, x->cpu->index, x->work, n->weight);
    context_return(x);
}

static void full_poll_flushed(struct context *x)
{
    context_work(x, x->napi->params->full_poll_end, poll_return);
}

/* A poll that used its weight: GRO keeps young packets only where a tick is a millisecond. */
static void polled(struct context *x)
{
    struct napi *n = x->napi;

    if (x->work < n->weight) {
        context_work(x, n->params->poll_end, poll_return);
        return;
    }
    int held = n->gro.held_total;
    gro_flush(&n->gro, n->cpu->params->hz >= 1000, cpu_jiffies(n->cpu));
    x->owed += (held - n->gro.held_total) * n->gro.params->flush;
    if (!n->gro.rx_list.first || context_stage(x, x->cpu->host->to.hand_up, full_poll_flushed))
        full_poll_flushed(x);
}

static void poll_enter(struct context *x)
{
    context_call(x, x->napi->poll, polled);
}

void napi_poll(struct context *x)
{
    x->work = 0;
    context_work(x, x->napi->params->poll, poll_enter);
}

/* ---- threaded ---- */

static void thread_woken(struct context *x);
static void thread_poll(struct context *x);

/* napi_thread_wait: the instance may have been scheduled again meanwhile. */
static void thread_wait(struct context *x)
{
    struct napi *n = x->task->owner;

    if (n->scheduled_threaded) {
        thread_woken(x);
        return;
    }
    sched_prepare_sleep(x->task);
    sched_sleep(x, thread_woken);
}

static void thread_again(struct context *x)
{
    context_work(x, x->napi->params->thread_start, thread_poll);
}

static void thread_resched(struct context *x)
{
    sched_checkpoint(x, thread_again);          /* cond_resched, only between full polls */
}

static void thread_poll_over(struct context *x)
{
    cache_leave(&x->cpu->host->cache);
    local_bh_enable(x, x->work >= x->napi->weight ? thread_resched : thread_wait);
}

static void thread_polled(struct context *x)
{
    context_work(x, x->napi->params->thread_end, thread_poll_over);
}

static void thread_poll(struct context *x)
{
    cache_enter(&x->cpu->host->cache);
    x->flags = STEP_BH_OFF;
    context_call(x, napi_poll, thread_polled);
}

static void thread_woken(struct context *x)
{
    x->napi = x->task->owner;
    x->napi->scheduled_threaded = false;
    thread_again(x);
}

void napi_make_threaded(struct napi *n)
{
    task_init(&n->thread, n->cpu, "napi", n, thread_woken);
    n->thread.context.mode = CPU_NAPI_THREAD;
}

int napi_init(struct napi *n, struct cpu *c, const struct napi_params *p, int64_t weight, cont_fn *poll, void *owner)
{
    *n = (struct napi){ .params = p, .cpu = c, .weight = weight, .poll = poll, .owner = owner, .irq_at = -1 };
    n->timer_vector = (struct vector){ .handler = timer_handle, .owner = n, .cost = p->timer };
    return event_init(c->engine, &n->timer, EVENT_DEVICE, timer_fire, n);
}
