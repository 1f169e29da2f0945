/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/napi.h"

#include <stdio.h>

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
    COUNTER(struct napi_counters, busy_polls, "napi_polls_busy", "napi:napi_poll, in a task", "polls by busy-polling tasks"),
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
    PARAM(struct napi_nic_params, irq_suspend_timeout, "nic.irq_suspend_timeout", UNIT_TIME, 0, 0, 1 * SEC,
          "how long interrupts stay off while an epoll that prefers busy polling finds events; 0: not suspended",
          "include/linux/netdevice.h napi_config.irq_suspend_timeout (ns, by netlink), 6.13 on"),
};
ALL_FIELDS_HAVE_ROWS(struct napi_nic_params, nic_rows);

const struct model_info napi_nic_model = {
    .name = "napi", .step = "2", .what = "deferral by timer",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, napi), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

static const struct param queue_rows[] = {
    PARAM(struct napi_queue_params, thread_cpu, "nic.queue.napi_cpu", UNIT_COUNT, -1, -1, CONFIG_CPUS - 1,
          "nic.threaded: CPU that the queue's thread napi/X-N is pinned to; -1: the one that takes the interrupt",
          "taskset on the kthread; an unpinned one stays near its waker"),
};
ALL_FIELDS_HAVE_ROWS(struct napi_queue_params, queue_rows);

const struct model_info napi_queue_model = {
    .name = "napi", .step = "2", .what = "where a queue's thread runs",
    .scope = SCOPE_QUEUE, .params_at = offsetof(struct queue_config, napi), .params = queue_rows,
    .n_params = ROWS(queue_rows),
};

const char *napi_check(const struct config *c, char *buffer, size_t size)
{
    for (int n = 0; n < c->nics; n++) {
        for (int q = 0; q < c->nic[n].nic.channels; q++) {
            int64_t cpu = c->nic[n].queue[q].napi.thread_cpu;
            if (cpu < 0 || (c->nic[n].napi.threaded && cpu < c->host->cpu.count))
                continue;
            snprintf(buffer, size, "nic[%s].queue[%d].napi_cpu is %d, but %s", c->nic_name[n], q, (int)cpu,
                     c->nic[n].napi.threaded ? "cpu.count is not above it: CPUs are counted from 0"
                                             : "nic.threaded is off: there is no thread to pin");
            return buffer;
        }
    }
    return NULL;
}

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
    n->prefer_busy = false;
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
        x->owed += hand_over(n, x->cpu);
    } else {
        n->scheduled = n->prefer_busy = false;
        if (n->unmask_now && n->unmask && !x->gave_way)
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

    if (n->busy) {
        context_return(x);
        return;
    }
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
    n->counters.full_polls += x->work >= x->budget;
    h->work_hist[x->work < 256 ? x->work : 256]++;
    host_fact(h, FACT_POLL, n->entity, (uint64_t)x->work);
    trace_emit(&h->engine.trace, h->engine.now, TRACE_NAPI_POLL, x->cpu->index, x->work, x->budget);
    context_return(x);
}

static void full_poll_flushed(struct context *x)
{
    context_work(x, x->napi->params->full_poll_end, poll_return);
}

/* A task prefers to poll itself: the instance is completed for it, masked, and without a timeout scheduled again. */
static void gave_way(struct context *x)
{
    struct napi *n = x->napi;

    if (n->unmask_now)
        x->owed += napi_schedule_from(n, x->cpu);
    full_poll_flushed(x);
}

/* A poll that used its weight: GRO keeps young packets only where a tick is a millisecond. */
static void polled(struct context *x)
{
    struct napi *n = x->napi;

    if (x->work < x->budget) {
        context_work(x, n->params->poll_end, poll_return);
        return;
    }
    if (n->prefer_busy) {
        x->gave_way = true;
        context_call(x, napi_complete_done, gave_way);
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
    x->budget = x->napi->weight;
    x->gave_way = false;
    context_work(x, x->napi->params->poll, poll_enter);
}

/* ---- by a task ---- */

bool napi_busy_acquire(struct napi *n, struct cpu *c, bool prefer)
{
    if (n->scheduled) {
        n->prefer_busy |= prefer;
        return false;
    }
    n->scheduled = n->busy = true;
    n->cpu = c;
    n->irq_at = -1;
    return true;
}

/* What GRO has listed goes up, what it holds stays. */
static void busy_polled(struct context *x)
{
    x->napi->counters.busy_polls++;
    if (!x->napi->gro.rx_list.first || context_stage(x, x->cpu->host->to.hand_up, poll_return))
        poll_return(x);
}

static void busy_enter(struct context *x)
{
    context_call(x, x->napi->poll, busy_polled);
}

void napi_busy_poll(struct context *x)
{
    x->work = 0;
    x->gave_way = false;
    context_work(x, x->napi->params->poll, busy_enter);
}

/* The last poll used its budget: the timer takes over, or the softirq. */
static void busy_handed_up(struct context *x)
{
    struct napi *n = x->napi;

    if (n->skip_schedule)
        n->scheduled = false;
    else
        x->owed += hand_over(n, x->cpu);
    poll_return(x);
}

static void busy_stopped(struct context *x)
{
    struct napi *n = x->napi;

    n->counters.busy_polls++;
    if (x->work < x->budget) {
        context_work(x, n->params->poll_end, poll_return);
        return;
    }
    if (n->skip_schedule) {
        int held = n->gro.held_total;
        gro_flush(&n->gro, n->cpu->params->hz >= 1000, cpu_jiffies(n->cpu));
        x->owed += (held - n->gro.held_total) * n->gro.params->flush;
    }
    if (!n->gro.rx_list.first || context_stage(x, x->cpu->host->to.hand_up, busy_handed_up))
        busy_handed_up(x);
}

static void busy_stop_enter(struct context *x)
{
    context_call(x, x->napi->poll, busy_stopped);
}

static void busy_stop(struct context *x)
{
    context_work(x, x->napi->params->poll, busy_stop_enter);
}

void napi_busy_stop(struct context *x, bool prefer, cont_fn *back)
{
    struct napi *n = x->napi;
    const struct napi_nic_params *p = n->nic_params;

    x->work = 0;
    x->gave_way = false;
    n->busy = n->missed = false;
    if (prefer)
        n->defer_left = p->napi_defer_hard_irqs;
    n->skip_schedule = prefer && p->napi_defer_hard_irqs > 0 && p->gro_flush_timeout > 0;
    if (n->skip_schedule)
        engine_reschedule(x->cpu->engine, &n->timer, x->cpu->engine->now + p->gro_flush_timeout);
    context_call(x, busy_stop, back);
}

void napi_suspend_irqs(struct napi *n, struct cpu *c)
{
    engine_reschedule(c->engine, &n->timer, c->engine->now + n->nic_params->irq_suspend_timeout);
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
    local_bh_enable(x, x->work >= x->budget && !x->gave_way ? thread_resched : thread_wait);
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
