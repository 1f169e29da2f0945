/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tunnel.h"

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_COST(struct tunnel_params, vxlan, "cost.vxlan.rcv", 350,
               "udp_rcv to vxlan's own socket, VNI lookup, outer headers off", "assumption: cost.udp.rcv and as much again"),
    PARAM_COST(struct tunnel_params, gre, "cost.gre.rcv", 250, "gre_rcv: tunnel lookup, outer headers off", "assumption"),
    PARAM_COST(struct tunnel_params, enqueue, "cost.gro_cells.enqueue", 40, "queueing to the tunnel's NAPI of this CPU",
               "assumption: no other CPU's cache line"),
    PARAM_COST(struct tunnel_params, dequeue, "cost.gro_cells.dequeue", 30, "its poll, for one skb up to GRO", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct tunnel_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct tunnel_counters, rx_packets, "tunnel_rx_packets", "ip -s link of the tunnel", "skbs that came out of it"),
    COUNTER(struct tunnel_counters, rx_dropped, "tunnel_rx_dropped", "ip -s link of the tunnel: dropped",
            "skbs that its full queue on this CPU refused"),
};
ALL_COUNTERS_HAVE_ROWS(struct tunnel_counters, counter_rows);

const struct model_info tunnel_model = {
    .name = "tunnel", .step = "-", .what = "VXLAN and GRE: received a second time",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, tunnel), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static struct gro_cell *cell_of(const struct context *x)
{
    return &x->cpu->host->gro_cell[x->cpu->index];
}

/* ---- from IP ---- */

/* The inner packet begins at data now: its own IP header, as its own Ethernet header has been taken off, too. */
static void take_outer_off(struct skb *s, int bytes)
{
    skb_pull(s, bytes - (s->transport_header - s->network_header));
    s->network_header = s->data;
    s->transport_header = (int16_t)(s->data + (s->ipv6 ? IPV6_HLEN : IP_HLEN));
    s->ip_len = (int16_t)(s->ip_len - bytes);
    s->outer = 0;
    s->dev = SKB_DEV_TUNNEL;
    s->queue = -1;                      /* the tunnel's: nobody steers it */
}

static void enqueue(struct context *x, struct skb *s)
{
    struct host *h = x->cpu->host;
    struct gro_cell *cell = cell_of(x);

    if (h->flow[s->flow].encap == ENCAP_VXLAN)
        h->udp.InDatagrams++;           /* udp_queue_rcv_one_skb: an encap_rcv that took it */
    take_outer_off(s, h->flow[s->flow].outer);
    x->owed += h->hc->tunnel.enqueue;
    if (cell->skbs.length > h->hc->rps.netdev_max_backlog) {
        cell->counters.rx_dropped++;
        x->owed += h->hc->skb.free + host_skb_drop(h, s, FATE_GRO_CELLS);
        return;
    }
    cell->counters.rx_packets++;
    skb_push_tail(&cell->skbs, s);
    if (cell->skbs.length == 1)
        x->owed += napi_schedule(&cell->napi);
}

static void received(struct context *x)
{
    struct skb *s = x->skb;

    x->skb = NULL;
    enqueue(x, s);
    context_return(x);
}

bool tunnel_rcv(struct context *x)
{
    struct host *h = x->cpu->host;
    bool vxlan = h->flow[x->skb->flow].encap == ENCAP_VXLAN;

    if (!context_spend(x, vxlan ? h->hc->tunnel.vxlan : h->hc->tunnel.gre, received))
        return false;
    struct skb *s = x->skb;
    x->skb = NULL;
    enqueue(x, s);
    return true;
}

/* ---- the tunnel's NAPI ---- */

static void next(struct context *x);

/* To GRO once more, and up when its list is full. */
static bool offer(struct context *x)
{
    struct host *h = x->cpu->host;
    struct napi *n = x->napi;
    struct skb *s = x->skb;

    x->skb = NULL;
    if (gro_receive(&n->gro, s, h->config.nic[s->nic].driver.gro, x->poll_jiffy)) {
        x->owed += n->gro.params->merge;
        x->owed += host_skb_free(h, s);
    }
    return !gro_list_full(&n->gro) || context_stage(x, h->to.hand_up, next);
}

static void offered(struct context *x)
{
    if (offer(x))
        next(x);
}

static void next(struct context *x)
{
    struct host *h = x->cpu->host;
    struct gro_cell *cell = cell_of(x);

    while (x->work < x->napi->weight) {
        x->skb = skb_pop(&cell->skbs);
        if (!x->skb) {
            context_call(x, napi_complete_done, context_return);
            return;
        }
        x->work++;
        ps_t gro = h->config.nic[x->skb->nic].driver.gro ? h->hc->gro.frame : h->hc->gro.bypass;
        if (!context_spend(x, h->hc->tunnel.dequeue + gro, offered) || !offer(x))
            return;
    }
    context_work(x, 0, context_return);
}

static void cell_poll(struct context *x)
{
    x->poll_jiffy = cpu_jiffies(x->cpu);
    next(x);
}

int tunnel_init(struct gro_cell *cell, struct cpu *c)
{
    const struct host_config *hc = c->host->hc;

    *cell = (struct gro_cell){ 0 };
    if (napi_init(&cell->napi, c, &hc->napi, hc->napi.weight, cell_poll, cell) != 0)
        return -1;
    cell->napi.entity = NAPI_GRO_CELL + (uint64_t)c->index;
    gro_init(&cell->napi.gro, &hc->gro);
    return 0;
}
