/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rfs.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "sim/engine/bits.h"

static const struct param rows[] = {
    PARAM(struct rfs_params, rps_sock_flow_entries, "net.core.rps_sock_flow_entries", UNIT_COUNT, 0, 0, 1 << 24,
          "entries of RFS's socket flow table, rounded up to a power of two; 0: off",
          "net/core/sysctl_net_core.c rps_sock_flow_sysctl; range ours (the kernel's is 2^29)"),
    PARAM_COST(struct rfs_params, lookup, "cost.rfs.lookup", 40, "the two flow tables, for each skb",
               "assumption: two lines, mostly in the second-level cache"),
    PARAM_COST(struct rfs_params, record, "cost.rfs.record", 20, "recvmsg's note of its CPU", "assumption: one line"),
    PARAM_COST(struct rfs_params, steer, "cost.rfs.steer", 400,
               "the driver's look for a filter, and a work item if there is none (ndo_rx_flow_steer)", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct rfs_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct rfs_counters, recorded, "rfs_recorded", "simulator only", "reads that noted their CPU"),
    COUNTER(struct rfs_counters, switched, "rfs_switched", "simulator only", "times a flow went over to its reader's CPU"),
    COUNTER(struct rfs_counters, held, "rfs_held", "simulator only",
            "skbs sent to a flow's old CPU, whose backlog still held an earlier one"),
    COUNTER(struct rfs_counters, filters, "arfs_filters", "ethtool -S: rx_arfs_add (mlx5)", "filters programmed by aRFS"),
};
ALL_COUNTERS_HAVE_ROWS(struct rfs_counters, counter_rows);

const struct model_info rfs_model = {
    .name = "rfs", .step = "-", .what = "packets follow their reader",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, rfs), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM_SWITCH(struct rfs_nic_params, ntuple, "nic.features.ntuple", 0,
                 "flows that RFS moves get a filter in the NIC: accelerated RFS", "ethtool -K ntuple; off by default in most drivers"),
    PARAM(struct rfs_nic_params, delay, "nic.arfs_delay", UNIT_TIME, 100 * US, 1, 1 * SEC,
          "from the driver's work item to the filter in force", "assumption: a work item and a command to the NIC"),
};
ALL_FIELDS_HAVE_ROWS(struct rfs_nic_params, nic_rows);

const struct model_info rfs_nic_model = {
    .name = "rfs", .step = "-", .what = "the NIC's filters",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, rfs), .params = nic_rows, .n_params = ROWS(nic_rows),
};

static const struct param queue_rows[] = {
    PARAM(struct rfs_queue_params, rps_flow_cnt, "nic.queue.rps_flow_cnt", UNIT_COUNT, 0, 0, 1 << 20,
          "entries of the queue's flow table, rounded up to a power of two; 0: no RFS here",
          "/sys/class/net/X/queues/rx-N/rps_flow_cnt; range ours"),
};
ALL_FIELDS_HAVE_ROWS(struct rfs_queue_params, queue_rows);

const struct model_info rfs_queue_model = {
    .name = "rfs", .step = "-", .what = "the queue's flow table",
    .scope = SCOPE_QUEUE, .params_at = offsetof(struct queue_config, rfs), .params = queue_rows,
    .n_params = ROWS(queue_rows),
};

static struct rfs_table *table_of(const struct host *h, int nic, int queue)
{
    return &h->rfs.table[nic * CONFIG_QUEUES + queue];
}

bool rfs_of_nic(const struct host *h, int nic)
{
    for (int q = 0; q < h->config.nic[nic].nic.channels && h->rfs.sock_flow; q++) {
        if (table_of(h, nic, q)->flow)
            return true;
    }
    return false;
}

/* skb_get_hash: without the NIC's the stack computes its own; the flow's serves. */
static uint32_t hash_of(const struct host *h, const struct skb *s)
{
    return s->hash ? s->hash : h->flow[s->flow].hash;
}

/* ---- the reader ---- */

void rfs_record(struct context *x, uint32_t flow)
{
    struct rfs *r = &x->cpu->host->rfs;
    uint32_t hash = x->cpu->host->flow[flow].hash;

    if (!r->sock_flow || hash == 0)
        return;
    r->counters.recorded++;
    r->sock_flow[hash & r->mask] = (hash & ~r->cpu_mask) | (uint32_t)x->cpu->index;
    x->owed += x->cpu->host->hc->rfs.record;
}

/* ---- accelerated ---- */

/* The queue whose interrupt goes to the CPU; -1: none. */
static int queue_at(const struct nic *n, int cpu)
{
    for (int q = 0; q < n->queues; q++) {
        if (n->queue[q].irq.affinity->index == cpu)
            return q;
    }
    return -1;
}

static bool under_way(const struct rfs *r, uint32_t flow, int queue)
{
    for (const struct arfs_filter *f = r->first; f; f = f->next) {
        if (f->flow == flow && f->queue == queue)
            return true;
    }
    return false;
}

/* A driver does not program again what it has programmed or is about to. */
static void ask_for_filter(struct rfs *r, const struct nic *n, uint32_t flow, int queue)
{
    struct engine *e = &r->host->engine;

    if (r->host->flow[flow].queue == queue || under_way(r, flow, queue))
        return;
    struct arfs_filter *f = pool_take(&r->filters), **place = &r->first;
    *f = (struct arfs_filter){ .at = e->now + n->config->rfs.delay, .flow = flow, .queue = queue };
    while (*place && (*place)->at <= f->at)     /* NICs may differ in their delays */
        place = &(*place)->next;
    f->next = *place;
    *place = f;
    engine_reschedule(e, &r->program, r->first->at);
}

/* What has arrived by now has been steered by the old filter. */
static void program(void *rfs)
{
    struct rfs *r = rfs;
    struct host *h = r->host;

    while (r->first && r->first->at <= h->engine.now) {
        struct arfs_filter *f = r->first;
        struct flow *flow = &h->flow[f->flow];
        nic_settle(&h->nic[flow->nic]);
        flow->queue = (int16_t)f->queue;
        flow->books = &h->queue_ledger[flow->nic * CONFIG_QUEUES + f->queue];
        r->counters.filters++;
        r->first = f->next;
        pool_return(&r->filters, f);
    }
    if (r->first)
        engine_at(&h->engine, &r->program, r->first->at);
}

/* set_rps_cpu's part: the flow's entry is then that of the other queue. */
static struct rfs_flow *accelerate(struct context *x, const struct skb *s, struct rfs_flow *entry, int cpu)
{
    struct host *h = x->cpu->host;
    const struct nic *n = &h->nic[s->nic];
    int queue = n->config->rfs.ntuple && !n->veth ? queue_at(n, cpu) : -1;

    if (queue < 0 || queue == s->queue || !table_of(h, s->nic, queue)->flow)
        return entry;
    const struct rfs_table *t = table_of(h, s->nic, queue);
    x->owed += h->hc->rfs.steer;
    ask_for_filter(&h->rfs, n, s->flow, queue);
    return &t->flow[hash_of(h, s) & t->mask];
}

/* ---- the rule ---- */

static bool drained(const struct host *h, const struct rfs_flow *entry)
{
    return entry->cpu == RFS_NO_CPU || (int32_t)(h->backlog[entry->cpu].head - entry->last_qtail) >= 0;
}

static int rfs_cpu(struct context *x, const struct skb *s, struct rfs_flow **entry)
{
    struct host *h = x->cpu->host;
    struct rfs *r = &h->rfs;
    const struct rfs_table *t = table_of(h, s->nic, s->queue);
    uint32_t hash = hash_of(h, s);

    if (!t->flow || hash == 0)
        return -1;
    x->owed += h->hc->rfs.lookup;
    uint32_t wanted = r->sock_flow[hash & r->mask];
    int reader = (int)(wanted & r->cpu_mask);
    if ((wanted ^ hash) & ~r->cpu_mask || reader >= h->cpus)
        return -1;
    struct rfs_flow *f = &t->flow[hash & t->mask];
    int cpu = f->cpu;
    if (cpu != reader && drained(h, f)) {
        f = accelerate(x, s, f, reader);
        f->last_qtail = h->backlog[reader].head;
        f->cpu = (uint16_t)(cpu = reader);
        r->counters.switched++;
    } else if (cpu != reader) {
        r->counters.held++;
    }
    *entry = f;
    return cpu;
}

int steering_cpu(struct context *x, const struct skb *s, struct rfs_flow **entry)
{
    const struct host *h = x->cpu->host;
    int cpu = -1;

    *entry = NULL;
    if (h->rfs.sock_flow && s->queue >= 0)
        cpu = rfs_cpu(x, s, entry);
    return cpu >= 0 ? cpu : rps_cpu(h, s);
}

void rfs_queued(const struct host *h, struct rfs_flow *entry, int cpu)
{
    if (entry)
        entry->last_qtail = h->backlog[cpu].tail;
}

/* ---- construction ---- */

static int queue_tables(struct host *h)
{
    for (int i = 0; i < h->config.nics; i++) {
        for (int q = 0; q < h->config.nic[i].nic.channels; q++) {
            int64_t count = h->config.nic[i].queue[q].rfs.rps_flow_cnt;
            struct rfs_table *t = table_of(h, i, q);
            if (count == 0)
                continue;
            uint32_t n = (uint32_t)power_of_two(count);
            t->mask = n - 1;
            t->flow = calloc(n, sizeof *t->flow);
            if (!t->flow)
                return -1;
            for (uint32_t k = 0; k < n; k++)
                t->flow[k].cpu = RFS_NO_CPU;
        }
    }
    return 0;
}

int rfs_init(struct host *h)
{
    struct rfs *r = &h->rfs;
    int64_t entries = h->hc->rfs.rps_sock_flow_entries;

    r->host = h;
    pool_init(&r->filters, sizeof(struct arfs_filter));
    if (entries == 0)
        return 0;
    uint32_t n = (uint32_t)power_of_two(entries);
    r->mask = n - 1;
    r->cpu_mask = (uint32_t)power_of_two(h->cpus) - 1;
    r->sock_flow = malloc(n * sizeof *r->sock_flow);
    r->table = calloc((size_t)h->config.nics * CONFIG_QUEUES, sizeof *r->table);
    if (!r->sock_flow || !r->table || queue_tables(h) != 0)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        r->sock_flow[i] = RFS_NO_CPU;
    return event_init(&h->engine, &r->program, EVENT_DEVICE, program, r);
}

void rfs_free(struct host *h)
{
    struct rfs *r = &h->rfs;

    for (int i = 0; i < h->config.nics * CONFIG_QUEUES && r->table; i++)
        free(r->table[i].flow);
    free(r->table);
    free(r->sock_flow);
    pool_free(&r->filters);
}
