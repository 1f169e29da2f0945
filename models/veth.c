/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/veth.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/rps.h"

static const struct param rows[] = {
    PARAM_COST(struct veth_params, xmit, "cost.veth.xmit", 1200, "__dev_queue_xmit and veth_xmit of one skb",
               "320 ns on a virtual machine: veth measurement, interval rows"),
    PARAM_COST(struct veth_params, notify, "cost.veth.notify", 300, "scheduling the NAPI for the first skb in the ring",
               "assumption: ring and schedule take 256 ns together (veth measurement)"),
    PARAM_COST(struct veth_params, frame, "cost.veth.frame", 700, "veth_poll for one skb, up to GRO",
               "192 ns with the softirq's entry: veth measurement, interval rows"),
};
ALL_FIELDS_HAVE_ROWS(struct veth_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct veth_counters, tx_packets, "veth_tx_packets", "ip -s link of the sending end",
            "skbs that got through"),
    COUNTER(struct veth_counters, tx_dropped, "veth_tx_dropped", "ip -s link of the sending end: dropped",
            "skbs that a full backlog or ring refused"),
    COUNTER(struct veth_counters, rx_dropped, "veth_rx_dropped", "ip -s link of the receiving end: dropped",
            "skbs that a full backlog refused; a full ring does not count here"),
    COUNTER(struct veth_counters, xdp_packets, "rx_queue_0_xdp_packets", "ethtool -S of the receiving end",
            "skbs that its NAPI took from the ring"),
    COUNTER(struct veth_counters, xdp_bytes, "rx_queue_0_xdp_bytes", "ethtool -S of the receiving end",
            "bytes of them behind the Ethernet header"),
};
ALL_COUNTERS_HAVE_ROWS(struct veth_counters, counter_rows);

const struct model_info veth_model = {
    .name = "veth", .step = "-", .what = "a veth pair instead of a NIC: backlog or ring",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, veth), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM(struct veth_nic_params, mtu, "nic.mtu", UNIT_BYTES, 1500, 68, 65535,
          "largest IP packet; a local sender's longer datagrams go in fragments (kind veth only)", "ip link: 1500"),
    PARAM_SWITCH(struct veth_nic_params, tso, "nic.features.tso", 1,
                 "veth: TSO of the sending end; on, GRO at the receiving end does not make it use its NAPI",
                 "ethtool -K tso; veth.c veth_skb_is_eligible_for_gro"),
    PARAM_SWITCH(struct veth_nic_params, udp_segmentation, "nic.features.tx-udp-segmentation", 1,
                 "veth: a UDP_SEGMENT send stays one skb; off: it is cut before the device, with bottom halves off",
                 "ethtool -K tx-udp-segmentation"),
    PARAM_SWITCH(struct veth_nic_params, udp_gro_forwarding, "nic.features.rx-udp-gro-forwarding", 0,
                 "GRO merges datagrams that no local socket is for; a veth uses its NAPI whatever TSO says",
                 "ethtool -K rx-udp-gro-forwarding"),
    PARAM(struct veth_nic_params, ring, "nic.veth.ring", UNIT_COUNT, 256, 2, 65536, "slots of the ring before its NAPI",
          "veth.c VETH_RING_SIZE"),
    PARAM(struct veth_nic_params, batch, "nic.veth.batch", UNIT_COUNT, 16, 1, 65536,
          "slots the consumer gives back at a time", "ptr_ring.h: SMP_CACHE_BYTES * 2 / sizeof(void *)"),
    PARAM(struct veth_nic_params, threaded_cpu, "nic.threaded_cpu", UNIT_COUNT, -1, -1, CONFIG_CPUS - 1,
          "veth: CPU that the NAPI's thread is pinned to (nic.threaded); -1: the last", "taskset of napi/X-N; ours"),
};
ALL_FIELDS_HAVE_ROWS(struct veth_nic_params, nic_rows);

const struct model_info veth_nic_model = {
    .name = "veth", .step = "-", .what = "features of the pair",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, veth), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

/* ---- the sender's side ---- */

static bool uses_napi(const struct veth *v)
{
    return v->nic->config->driver.gro && (!v->nic_params->tso || v->nic_params->udp_gro_forwarding);
}

static void schedule(struct context *x, struct veth *v)
{
    v->rx_notify_masked = true;
    x->owed += v->params->notify + napi_schedule_from(&v->queue->napi, x->cpu);
}

static enum fate to_ring(struct context *x, struct veth *v, struct skb *s)
{
    if (!ptr_ring_produce(&v->ring, s))
        return FATE_VETH_RING;
    if (!v->rx_notify_masked)
        schedule(x, v);
    return FATE_IN_FLIGHT;
}

static enum fate to_backlog(struct context *x, struct veth *v, struct skb *s)
{
    struct rfs_flow *entry;
    int cpu = steering_cpu(x, s, &entry);

    if (rps_enqueue(x, cpu < 0 ? x->cpu->index : cpu, s)) {
        rfs_queued(x->cpu->host, entry, cpu);
        return FATE_IN_FLIGHT;
    }
    v->counters.rx_dropped++;
    return FATE_CPU_BACKLOG;
}

bool veth_xmit(struct context *x, struct veth *v, struct skb *s)
{
    struct host *h = x->cpu->host;

    for (struct frame *f = s->first; f; f = f->next) {
        f->dma_at = f->poll_at = h->engine.now;     /* in memory at once, and nobody has to look for it */
        f->cpu = (int16_t)x->cpu->index;
    }
    enum fate fate = uses_napi(v) ? to_ring(x, v, s) : to_backlog(x, v, s);
    if (fate == FATE_IN_FLIGHT) {
        v->counters.tx_packets++;
        return true;
    }
    v->counters.tx_dropped++;
    x->owed += h->hc->skb.free;
    host_skb_drop(h, s, fate);
    return false;
}

/* ---- the receiving NAPI ---- */

static void next(struct context *x);

static struct veth *of(const struct context *x)
{
    struct nic_queue *q = x->napi->owner;

    return q->nic->veth;
}

static bool offer(struct context *x)
{
    struct napi *n = x->napi;
    struct skb *s = x->skb;

    x->skb = NULL;
    if (gro_receive(&n->gro, s, true, x->poll_jiffy)) {
        x->owed += n->gro.params->merge;
        host_skb_free(x->cpu->host, s);
    }
    return !gro_list_full(&n->gro) || context_stage(x, x->cpu->host->to.hand_up, next);
}

static void offered(struct context *x)
{
    if (offer(x))
        next(x);
}

/* The bits are clear: what was queued since the last look at the ring did not notify. */
static void completed(struct context *x)
{
    struct veth *v = of(x);

    v->rx_notify_masked = false;
    if (v->ring.queue.first)
        schedule(x, v);
    context_return(x);
}

/* True if its time has passed at once. */
static bool take(struct context *x, struct veth *v, struct skb *s)
{
    x->work++;
    v->counters.xdp_packets++;
    v->counters.xdp_bytes += (uint64_t)s->len;
    for (struct frame *f = s->first; f; f = f->next) {
        f->poll_at = x->cpu->engine->now;
        f->cpu = (int16_t)x->cpu->index;
    }
    s->stamp = x->poll_jiffy;
    x->skb = s;
    return context_spend(x, v->params->frame + x->napi->gro.params->frame, offered);
}

static void next(struct context *x)
{
    struct veth *v = of(x);

    while (x->work < x->budget) {
        struct skb *s = ptr_ring_consume(&v->ring);
        if (!s) {
            context_call(x, napi_complete_done, completed);
            return;
        }
        if (!take(x, v, s) || !offer(x))
            return;
    }
    context_work(x, 0, context_return);
}

static void veth_poll(struct context *x)
{
    x->poll_jiffy = cpu_jiffies(x->cpu);
    next(x);
}

/* ---- construction ---- */

int veth_init(struct nic *n)
{
    struct host *h = n->host;
    const struct veth_nic_params *p = &n->config->veth;
    struct veth *v = calloc(1, sizeof *v);

    n->veth = v;
    if (!v)
        return -1;
    *v = (struct veth){
        .params = &h->hc->veth, .nic_params = p, .nic = n, .queue = &n->queue[0],
        .ring = { .size = p->ring, .batch = p->batch <= p->ring / 2 ? p->batch : 1 },
    };
    n->queue[0].napi.poll = veth_poll;
    n->queue[0].napi.unmask = NULL;
    int cpu = p->threaded_cpu < 0 || p->threaded_cpu >= h->cpus ? h->cpus - 1 : (int)p->threaded_cpu;
    if (n->config->napi.threaded) {
        n->queue[0].napi.cpu = &h->cpu[cpu];
        napi_make_threaded(&n->queue[0].napi);
    }
    return 0;
}
