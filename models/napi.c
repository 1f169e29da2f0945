/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/napi.h"

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct napi_params, weight, "kernel.napi.weight", UNIT_COUNT, 64, 1, 256,
          "frames a driver's poll may take: a constant of the driver", "include/linux/netdevice.h NAPI_POLL_WEIGHT"),
    PARAM_COST(struct napi_params, poll, "cost.napi.poll", 60, "entering the driver's poll",
               "assumption; 27 instructions measured under icount"),
    PARAM_COST(struct napi_params, poll_end, "cost.napi.poll_end", 90, "unmasking and returning from a poll that is done",
               "assumption; 47 instructions and an MMIO write"),
    PARAM_COST(struct napi_params, full_poll_end, "cost.napi.full_poll_end", 150,
               "returning from a poll that used its weight, to the repoll list",
               "assumption; 143 instructions measured under icount"),
    PARAM_COST(struct napi_params, complete, "cost.napi.complete", 80, "napi_complete_done", "assumption; 61 instructions"),
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
};
ALL_FIELDS_HAVE_ROWS(struct napi_nic_params, nic_rows);

const struct model_info napi_nic_model = {
    .name = "napi", .step = "2", .what = "deferral by timer",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, napi), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

/* ---- scheduling ---- */

void napi_schedule(struct napi *n)
{
    struct softirq *s = n->cpu->softirq;

    if (n->scheduled) {
        n->missed = true;
        return;
    }
    n->scheduled = true;
    napi_append(&s->poll_list, n);
    if (!(s->in_net_rx_action && s->params->schedule_in_run))
        softirq_raise(n->cpu, SOFTIRQ_NET_RX);
}

static void timer_fire(void *napi)
{
    struct napi *n = napi;

    cpu_interrupt(n->cpu, &n->timer_vector);
}

static void timer_handle(struct context *x, void *napi)
{
    struct napi *n = napi;

    (void)x;
    if (n->scheduled)
        return;
    n->counters.timer_polls++;
    n->irq_at = -1;
    napi_schedule(n);
}

/* ---- completion ---- */

/* The bits are cleared after everything was handed up; a schedule meanwhile keeps the instance. */
static void completed(struct context *x)
{
    struct napi *n = x->napi;

    if (n->missed) {
        n->missed = false;
        napi_append(&n->cpu->softirq->poll_list, n);
        if (!(n->cpu->softirq->in_net_rx_action && n->cpu->softirq->params->schedule_in_run))
            softirq_raise(n->cpu, SOFTIRQ_NET_RX);
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
    if (x->napi->gro.rx_list.first)
        context_call(x, x->cpu->host->to.hand_up, completed);
    else
        completed(x);
}

void napi_complete_done(struct context *x)
{
    struct napi *n = x->napi;
    ps_t cost = n->params->complete;

    decide(n, x->work);
    int held = n->gro.held_total;
    gro_flush(&n->gro, n->arm_timer, cpu_jiffies(n->cpu));
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
    if (n->gro.rx_list.first)
        context_call(x, x->cpu->host->to.hand_up, full_poll_flushed);
    else
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

int napi_init(struct napi *n, struct cpu *c, const struct napi_params *p, int64_t weight, cont_fn *poll, void *owner)
{
    *n = (struct napi){ .params = p, .cpu = c, .weight = weight, .poll = poll, .owner = owner, .irq_at = -1 };
    n->timer_vector = (struct vector){ .handler = timer_handle, .owner = n };
    return event_init(c->engine, &n->timer, EVENT_DEVICE, timer_fire, n);
}
