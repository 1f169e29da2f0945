/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rps.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "sim/engine/bits.h"

static const struct param rows[] = {
    PARAM(struct rps_params, netdev_max_backlog, "net.core.netdev_max_backlog", UNIT_COUNT, 1000, 0, INT32_MAX,
          "skbs a CPU's backlog holds beyond one", "net/core/hotdata.c: 1000"),
    PARAM(struct rps_params, flow_limit_cpu_bitmap, "net.core.flow_limit_cpu_bitmap", UNIT_CPUS, 0, INT64_MIN, INT64_MAX,
          "CPUs that refuse a dominating flow when they queue to a backlog half full; 0: off",
          "net/core/sysctl_net_core.c flow_limit_cpu_sysctl: none"),
    PARAM(struct rps_params, flow_limit_table_len, "net.core.flow_limit_table_len", UNIT_COUNT, 4096, 1, 65536,
          "buckets that tell flows apart, a power of two", "net/core/dev.c netdev_flow_limit_table_len: 1 << 12; range ours"),
    PARAM(struct rps_params, dev_weight, "net.core.dev_weight", UNIT_COUNT, 64, 1, INT32_MAX,
          "skbs one poll of the backlog takes", "net/core/hotdata.c: 64"),
    PARAM_COST(struct rps_params, enqueue, "cost.rps.enqueue", 110, "choosing the CPU and queueing to its backlog",
               "moving a packet across cores: 24 to 34 ns (UDP19), 3.8 GHz"),
    PARAM_COST(struct rps_params, send_ipi, "cost.rps.send_ipi", 600, "sending one IPI at the end of the run", "assumption"),
    PARAM_COST(struct rps_params, ipi_handler, "cost.rps.ipi", 300, "its handler on the target", "assumption"),
    PARAM_COST(struct rps_params, dequeue, "cost.rps.dequeue", 90, "taking one skb from the backlog: a cold cache line",
               "L3 hit 17.5 ns (UDP19), 3.8 GHz; the rest assumed"),
};
ALL_FIELDS_HAVE_ROWS(struct rps_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct rps_counters, dropped, "dropped", "/proc/net/softnet_stat column 2",
            "skbs this CPU's backlog refused: full, or by the flow limit"),
    COUNTER(struct rps_counters, enqueued, "backlog_enqueued", "simulator only", "skbs this CPU's backlog took"),
    COUNTER(struct rps_counters, ipis_sent, "rps_ipis_sent", "simulator only", "IPIs this CPU sent for RPS"),
    COUNTER(struct rps_counters, flow_limit_count, "flow_limit_count", "/proc/net/softnet_stat column 11",
            "skbs this CPU refused by the flow limit"),
};
ALL_COUNTERS_HAVE_ROWS(struct rps_counters, counter_rows);

const struct model_info rps_model = {
    .name = "rps", .step = "-", .what = "steering in software, and the per-CPU backlog",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, rps), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param queue_rows[] = {
    PARAM(struct rps_queue_params, rps_cpus, "nic.queue.rps_cpus", UNIT_CPUS, 0, INT64_MIN, INT64_MAX,
          "CPUs that share the queue's packets by hash; 0: off", "/sys/class/net/X/queues/rx-N/rps_cpus"),
};
ALL_FIELDS_HAVE_ROWS(struct rps_queue_params, queue_rows);

const struct model_info rps_queue_model = {
    .name = "rps", .step = "-", .what = "the queue's mask",
    .scope = SCOPE_QUEUE, .params_at = offsetof(struct queue_config, rps), .params = queue_rows,
    .n_params = ROWS(queue_rows),
};

/* ---- steering ---- */

int rps_cpu_of(const struct host *h, uint64_t mask, uint32_t hash)
{
    if (h->cpus < CONFIG_CPUS)
        mask &= (UINT64_C(1) << h->cpus) - 1;
    return mask ? nth_bit(mask, (int)((uint64_t)hash * (uint64_t)__builtin_popcountll(mask) >> 32)) : -1;
}

int rps_cpu(const struct host *h, const struct skb *s)
{
    if (s->queue < 0 || h->flow[s->flow].key.proto == FLOW_NOT_IP)     /* nothing to hash */
        return -1;
    uint64_t mask = (uint64_t)h->config.nic[s->nic].queue[s->queue].rps.rps_cpus;
    /* without the NIC's hash the stack computes its own; any good hash will do, so the flow's serves */
    return rps_cpu_of(h, mask, s->hash ? s->hash : h->flow[s->flow].hash);
}

static void kick_later(struct cpu *from, struct backlog *b)
{
    b->ipi_next = from->softirq->ipi_first;
    from->softirq->ipi_first = b->cpu;
    if (!(from->softirq->in_net_rx_action && from->softirq->params->schedule_in_run))
        softirq_raise(from, SOFTIRQ_NET_RX);
}

/* Whether the flow has sent too many of the last 128. A history that is not full yet counts as bucket 0's. */
static bool flow_limited(struct backlog *from, const struct skb *s, int64_t queued, const struct host *h)
{
    struct flow_limit *l = &from->limit;

    if (!l->buckets || queued < from->params->netdev_max_backlog >> 1)
        return false;
    uint16_t bucket = (uint16_t)((s->hash ? s->hash : h->flow[s->flow].hash) & l->mask);
    uint16_t oldest = l->history[l->head];
    l->history[l->head] = bucket;
    l->head = (l->head + 1) % FLOW_LIMIT_HISTORY;
    if (l->buckets[oldest])
        l->buckets[oldest]--;
    if (++l->buckets[bucket] <= FLOW_LIMIT_HISTORY / 2)
        return false;
    from->counters.flow_limit_count++;
    return true;
}

bool rps_enqueue(struct context *x, int cpu, struct skb *s)
{
    struct host *h = x->cpu->host;
    struct backlog *b = &h->backlog[cpu];

    x->owed += b->params->enqueue;
    if (b->input.length > b->params->netdev_max_backlog ||
        flow_limited(&h->backlog[x->cpu->index], s, b->input.length, h)) {
        b->counters.dropped++;
        return false;
    }
    b->counters.enqueued++;
    b->tail++;
    skb_push_tail(&b->input, s);
    if (b->napi.scheduled)
        return true;
    if (b->cpu == x->cpu) {
        napi_schedule(&b->napi);
    } else {
        b->napi.scheduled = true;
        kick_later(x->cpu, b);
    }
    return true;
}

ps_t rps_send_ipis(struct cpu *c)
{
    ps_t cost = 0;

    while (c->softirq->ipi_first) {
        struct backlog *b = &c->host->backlog[c->softirq->ipi_first->index];
        c->softirq->ipi_first = b->ipi_next;
        engine_at(c->engine, &b->ipi, c->engine->now + c->host->hc->sched.ipi_latency);
        c->host->backlog[c->index].counters.ipis_sent++;
        cost += b->params->send_ipi;
    }
    return cost;
}

/* ---- the target ---- */

static void ipi_fire(void *backlog)
{
    struct backlog *b = backlog;

    cpu_interrupt(b->cpu, &b->vector);
}

static void ipi_handle(struct context *x, void *backlog)
{
    struct backlog *b = backlog;

    x->cpu->counters.ipis++;
    x->cpu->softirq->counters.received_rps++;
    b->napi.scheduled = false;          /* taken over from the sender, who set it */
    napi_schedule(&b->napi);
}

static void backlog_next(struct context *x);
static void receive(struct context *x);

/* Takes the next skb if there is one and the weight allows. */
static bool backlog_take(struct context *x, struct backlog *b)
{
    b->head += b->busy;                 /* what was handed up has been worked off */
    b->busy = false;
    if (x->work >= x->budget)
        return false;
    if (!b->process.first) {
        if (!b->input.first) {
            x->napi->scheduled = false;
            return false;
        }
        skb_splice(&b->process, &b->input);
    }
    x->work++;
    b->busy = true;
    skb_push_tail(&x->list, skb_pop(&b->process));
    return true;
}

static bool hand_up(struct context *x)
{
    return context_stage(x, x->cpu->host->to.from_backlog, backlog_next);
}

static void backlog_next(struct context *x)
{
    struct backlog *b = x->napi->owner;

    while (backlog_take(x, b)) {
        if (!context_spend(x, b->params->dequeue, receive) || !hand_up(x))
            return;
    }
    context_return(x);
}

static void receive(struct context *x)
{
    if (hand_up(x))
        backlog_next(x);
}

static void backlog_poll(struct context *x)
{
    x->list = (struct skb_queue){ 0 };
    x->owed += rps_send_ipis(x->cpu);   /* before the others' CPUs wait for this poll, too */
    backlog_next(x);
}

void backlog_free(struct backlog *b)
{
    free(b->limit.buckets);
}

int backlog_init(struct backlog *b, struct cpu *c, const struct rps_params *p)
{
    *b = (struct backlog){ .params = p, .cpu = c };
    if (p->flow_limit_cpu_bitmap >> c->index & 1) {
        b->limit.mask = (uint32_t)p->flow_limit_table_len - 1;
        b->limit.buckets = calloc((size_t)p->flow_limit_table_len, 1);
        if (!b->limit.buckets)
            return -1;
    }
    b->vector = (struct vector){ .handler = ipi_handle, .owner = b, .cost = p->ipi_handler };
    if (napi_init(&b->napi, c, &c->host->hc->napi, p->dev_weight, backlog_poll, b) != 0)
        return -1;
    b->napi.entity = NAPI_BACKLOG + (uint64_t)c->index;
    gro_init(&b->napi.gro, &c->host->hc->gro);
    return event_init(c->engine, &b->ipi, EVENT_DEVICE, ipi_fire, b);
}
