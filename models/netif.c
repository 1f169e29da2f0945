/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/netif.h"

#include "models/bridge.h"
#include "models/defrag.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM_COST(struct netif_params, list, "cost.netif.list", 60, "handing up a list, whatever its length",
               "assumption; 794 instructions with IP measured under icount"),
    PARAM_COST(struct netif_params, list_end, "cost.netif.list_end", 40, "after the last skb of a list",
               "assumption; 41 instructions measured under icount"),
    PARAM_COST(struct netif_params, skb, "cost.netif.skb", 50, "__netif_receive_skb_core for one skb",
               "part of the 561 cycles of UDP19's raw drop; split assumed"),
};
ALL_FIELDS_HAVE_ROWS(struct netif_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct netif_counters, processed, "processed", "/proc/net/softnet_stat column 1",
            "skbs that entered the core, after GRO"),
    COUNTER(struct netif_counters, rx_nohandler, "rx_nohandler", "ip -s -s link (dropped)",
            "skbs no protocol handler wanted"),
};
ALL_COUNTERS_HAVE_ROWS(struct netif_counters, counter_rows);

const struct model_info netif_model = {
    .name = "netif", .step = "-", .what = "netif_receive_skb: taps, tc, then protocol handlers",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, netif), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

enum { VERDICT_BRIDGED = UINT8_MAX };   /* beside the fates: its device is a bridge's port */

static void deliver_next(struct context *x);

static void refuse(struct context *x, struct skb *s, enum fate fate)
{
    x->owed += x->cpu->host->hc->skb.free;
    if (fate == FATE_FORWARDED)
        fate = x->cpu->host->to.output(x->cpu->host, s);
    x->owed += host_skb_drop(x->cpu->host, s, fate);
}

/* ---- L4, skb by skb ---- */

static bool deliver(struct context *x)
{
    struct host *h = x->cpu->host;

    if (x->skb->outer)
        return context_stage(x, h->to.tunnel, deliver_next);
    switch (h->flow[x->skb->flow].key.proto) {
    case FLOW_UDP:
        return context_stage(x, h->flow[x->skb->flow].cast ? h->to.udp_mcast : h->to.udp, deliver_next);
    case FLOW_TCP:
        return context_stage(x, h->to.tcp, deliver_next);
    default:                            /* ICMP and the rest: handled without a socket */
        refuse(x, x->skb, FATE_NO_SOCKET);
        return true;
    }
}

static bool deliver_list(struct context *x)
{
    struct host *h = x->cpu->host;

    while ((x->skb = skb_pop(&x->list)) != NULL) {
        if ((x->skb = ip_defrag(x, x->skb)) == NULL)
            continue;
        enum fate fate = h->to.local(h, x->skb, &x->owed);
        if (fate != FATE_IN_FLIGHT)
            refuse(x, x->skb, fate);
        else if (!deliver(x))
            return false;
    }
    x->owed += h->hc->netif.list_end;
    return true;
}

static void deliver_next(struct context *x)
{
    if (deliver_list(x))
        context_return(x);
}

/* ---- the core's and IP's part for the whole list ---- */

/* The list's verdicts take effect when its work is done. */
static bool list_up(struct context *x)
{
    struct skb_queue list = x->list;
    struct skb *s;

    x->list = (struct skb_queue){ 0 };
    while ((s = skb_pop(&list)) != NULL) {
        if (s->verdict == FATE_IN_FLIGHT)
            skb_push_tail(&x->list, s);
        else if (s->verdict == VERDICT_BRIDGED)
            bridge_forward(x, s);
        else
            refuse(x, s, (enum fate)s->verdict);
    }
    return deliver_list(x);
}

static void list_done(struct context *x)
{
    if (list_up(x))
        context_return(x);
}

/* tc, then netfilter's netdev family. */
static enum fate ingress(struct host *h, struct skb *s, ps_t *cost)
{
    if (h->tc_attached && !tc_ingress(&h->hc->tc, &h->tc, &h->flow[s->flow], cost))
        return FATE_TC_INGRESS;
    return netfilter_hook(&h->netfilter, NF_NETDEV_INGRESS, s, h->engine.now, cost) == NF_DROP ? FATE_NETFILTER_DROP
                                                                                              : FATE_IN_FLIGHT;
}

/* One round of the core, for one device: counted, seen by taps, and what is attached to the NIC. */
static enum fate core_round(struct context *x, struct skb *s, ps_t *cost)
{
    struct host *h = x->cpu->host;

    *cost += h->hc->netif.skb;
    h->netif[x->cpu->index].processed++;
    trace_emit(&h->engine.trace, h->engine.now, TRACE_NETIF_RECEIVE_SKB, x->cpu->index, (int64_t)s->first->id,
               s->frames);
    for (struct frame *f = s->first; f; f = f->next)
        if (f->stack_at < 0)            /* not the passes after the first */
            f->stack_at = h->engine.now;
    bool attached = s->dev == SKB_DEV_NIC;
    enum fate fate = FATE_IN_FLIGHT;
    if (attached && xdp_is_generic(&h->nic[s->nic].config->xdp) && (fate = xdp_generic(h, s, cost)) != FATE_IN_FLIGHT)
        return fate;
    if (h->hc->tap.taps > 0)
        *cost += tap_receive(x, s);
    return attached ? ingress(h, s, cost) : FATE_IN_FLIGHT;
}

static enum fate handler(struct context *x, struct skb *s, ps_t *cost)
{
    struct host *h = x->cpu->host;

    if (h->flow[s->flow].key.proto != FLOW_NOT_IP)
        return h->to.network(h, s, cost);
    h->netif[x->cpu->index].rx_nohandler++;
    return FATE_UNHANDLED_PROTO;
}

/* VLAN device, bridge, protocols: whose it is. */
static unsigned dispatch(struct context *x, struct skb *s, ps_t *cost)
{
    struct host *h = x->cpu->host;
    bool strange = false;               /* a tag of no VLAN device */

    if (s->vlan) {
        strange = !vlan_receive(h, s, cost);
        if (!strange)
            core_round(x, s, cost);
    }
    if (bridge_takes(h, s)) {
        *cost += bridge_cost(h);
        return VERDICT_BRIDGED;
    }
    return strange ? FATE_OTHERHOST : handler(x, s, cost);
}

/* Core and IP for one skb: its cost now, its verdict in the skb. */
static ps_t receive_core(struct context *x, struct skb *s)
{
    ps_t cost = 0;
    enum fate fate = core_round(x, s, &cost);

    s->verdict = (uint8_t)(fate == FATE_IN_FLIGHT ? dispatch(x, s, &cost) : fate);
    return cost;
}

bool netif_receive(struct context *x)
{
    ps_t cost = 0;

    for (struct skb *s = x->list.first; s; s = s->next)
        cost += receive_core(x, s);
    return context_spend(x, cost, list_done) && list_up(x);
}

/* ---- the short way ----
 *
 * A plain flow's datagrams all meet the same: no tap, no rule, no RPS, this host, a bound port. What the layers would find
 * out again for each is known beforehand, and only what differs remains: their times, and the socket. The costs are the
 * same at the same places; --no-batch knows no plain flows, so every comparison of the two compares the ways. */

static bool plain_deliver(struct context *x);

static void plain_next(struct context *x)
{
    if (plain_deliver(x))
        context_return(x);
}

static bool plain_deliver(struct context *x)
{
    struct host *h = x->cpu->host;

    while ((x->skb = skb_pop(&x->list)) != NULL) {
        x->owed += h->hc->ip.deliver;
        h->ip.InDelivers++;
        x->sk = h->flow[x->skb->flow].sk;
        if (!context_stage(x, udp_rcv_found, plain_next))
            return false;
    }
    x->owed += h->hc->netif.list_end;
    return true;
}

static bool plain_receive(struct context *x)
{
    struct host *h = x->cpu->host;
    int64_t n = x->list.length;

    h->netif[x->cpu->index].processed += (uint64_t)n;
    h->ip.InReceives += (uint64_t)n;
    for (struct skb *s = x->list.first; s; s = s->next)
        s->first->stack_at = h->engine.now;
    return context_spend(x, n * (h->hc->netif.skb + h->hc->ip.rcv), plain_next) && plain_deliver(x);
}

static bool rps_anywhere(const struct host *h, int nic)
{
    for (int q = 0; q < h->nic[nic].queues; q++) {
        if (h->nic[nic].queue[q].config->rps.rps_cpus)
            return true;
    }
    return false;
}

void netif_find_plain_flows(struct host *h)
{
    bool rules = netfilter_active(&h->hc->netfilter) || conntrack_on(&h->netfilter.conntrack) || h->tc_attached;

    if (!h->engine.batch || h->engine.trace.hook || rules || h->hc->tap.taps > 0 || h->udp_mem.binds)
        return;
    int nic = -1;
    bool may_be = false;
    for (uint32_t i = 0; i < h->flows; i++) {
        struct flow *f = &h->flow[i];
        if (f->nic != nic) {
            nic = f->nic;
            may_be = !h->nic[nic].veth && !xdp_is_generic(&h->nic[nic].config->xdp) && !rps_anywhere(h, nic) &&
                     !rfs_of_nic(h, nic) && h->nic[nic].config->bridge.master == MASTER_NONE;
        }
        f->plain = may_be && f->key.proto == FLOW_UDP && f->local && !f->special && !f->udp_gro && !f->martian &&
                   !f->astray && !f->key.otherhost && f->sk && !reuseport_by_cpu(f->sk->app);
    }
}

/* ---- RPS before the core ---- */

/* Sends what belongs to other CPUs away; the rest stays in x->list. */
static void steer(struct context *x)
{
    struct host *h = x->cpu->host;
    struct skb_queue list = x->list;
    struct skb *s;

    x->list = (struct skb_queue){ 0 };
    while ((s = skb_pop(&list)) != NULL) {
        struct rfs_flow *entry;
        int cpu = steering_cpu(x, s, &entry);
        if (cpu < 0)
            skb_push_tail(&x->list, s);
        else if (rps_enqueue(x, cpu, s))
            rfs_queued(h, entry, cpu);
        else
            refuse(x, s, FATE_CPU_BACKLOG);
    }
}

/* Plain datagrams on a list with others go with them. */
static void complete_plain(struct context *x)
{
    struct host *h = x->cpu->host;

    for (struct skb *s = x->list.first; s; s = s->next) {
        if (!s->plain)
            continue;
        const struct flow *f = &h->flow[s->flow];
        const struct nic_config *c = h->nic[f->nic].config;
        skb_complete(s, f, &c->skb, c->driver.rxhash);
    }
}

bool netif_receive_list(struct context *x)
{
    struct gro *g = &x->napi->gro;

    x->list = g->rx_list;
    bool plain = g->rx_odd == 0;
    g->rx_list = (struct skb_queue){ 0 };
    g->rx_count = g->rx_odd = 0;
    x->owed += x->cpu->host->hc->netif.list;
    if (plain)
        return plain_receive(x);
    complete_plain(x);
    steer(x);
    return !x->list.first || netif_receive(x);
}
