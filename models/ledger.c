/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The books of a host (declared in host.h): the end of every frame, and every counter with its scope. */
#include <stdio.h>

#include "models/app.h"
#include "models/client.h"
#include "models/epoll.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/requester.h"
#include "models/sendmsg.h"
#include "models/skmem.h"
#include "models/veth.h"

/* ---- the ledger ---- */

struct ledger host_ledger(const struct host *h)
{
    struct ledger sum = h->unsteered;

    for (int q = 0; q < h->nics * CONFIG_QUEUES; q++) {
        for (int f = 0; f < FATES; f++) {
            sum.frames[f] += h->queue_ledger[q].frames[f];
            sum.bytes[f] += h->queue_ledger[q].bytes[f];
        }
    }
    return sum;
}

uint64_t host_in_flight(const struct host *h)
{
    struct ledger sum = host_ledger(h);
    uint64_t ended = 0;

    for (int f = FATE_IN_FLIGHT + 1; f < FATES; f++)
        ended += sum.frames[f];
    return sum.offered - ended;
}

/* The end of a frame is compiled three times: for the two that most frames meet, with the fate's constants folded in, and
 * for the rest. */
#define FRAME_END_INLINE static inline __attribute__((always_inline))

/* Runs of equal values come where a stage has no queue. */
FRAME_END_INLINE void add_latencies(struct host *h, const struct frame *f, ps_t now)
{
    ps_t noticed_at = f->irq_at >= 0 ? f->irq_at : f->dma_at;

    hist_run_add(&h->repeated[STAGE_NIC], &h->latency[STAGE_NIC], f->dma_at - f->wire_at);
    hist_run_add(&h->repeated[STAGE_IRQ], &h->latency[STAGE_IRQ], noticed_at - f->dma_at);
    hist_add(&h->latency[STAGE_RING], f->poll_at - noticed_at);
    hist_run_add(&h->repeated[STAGE_DRIVER], &h->latency[STAGE_DRIVER], f->stack_at - f->poll_at);
    hist_run_add(&h->repeated[STAGE_STACK], &h->latency[STAGE_STACK], f->socket_at - f->stack_at);
    hist_add(&h->latency[STAGE_SOCKET], now - f->socket_at);
    hist_add(&h->latency[STAGE_TOTAL], now - f->wire_at);
}

void host_latencies(struct host *h)
{
    for (int s = 0; s < STAGES; s++)
        hist_run_end(&h->repeated[s], &h->latency[s]);
}

/* One word for all that is known of a finished frame: a polynomial in an odd constant (the golden ratio's). */
static inline uint64_t frame_fact(const struct frame *f, enum fate fate, ps_t when)
{
    const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = f->id << 8 | (uint64_t)fate;

    x = x * k + (uint64_t)when;
    x = x * k + (uint64_t)f->wire_at;
    x = x * k + (uint64_t)f->dma_at;
    x = x * k + (uint64_t)f->poll_at;
    x = x * k + (uint64_t)f->stack_at;
    x = x * k + (uint64_t)f->socket_at;
    x = x * k + ((uint64_t)(uint16_t)f->queue << 16 | (uint16_t)f->cpu);
    return x ^ x >> 32;
}

FRAME_END_INLINE void observe(struct host *h, const struct frame *f, enum fate fate, enum fate_kind kind, ps_t when)
{
    bool dropped = kind == FATE_KIND_DROPPED && f->id < h->observer.drops_below;
    bool slow = fate == FATE_DELIVERED && when - f->wire_at >= h->observer.slow_from;

    if (f->sampled || dropped || slow)
        h->observer.frame_end(h->observer.user, f, fate, when);
}

FRAME_END_INLINE void frame_end(struct host *h, struct frame *f, enum fate fate, enum fate_kind kind, ps_t when)
{
    struct flow *flow = &h->flow[f->flow];
    struct ledger *books = f->queue < 0 ? &h->unsteered : &h->queue_ledger[flow->nic * CONFIG_QUEUES + f->queue];

    books->frames[fate]++;
    books->bytes[fate] += (uint64_t)f->wire_bytes;
    flow->ended[kind]++;
    fingerprint_add(&h->fingerprint, frame_fact(f, fate, when));
    if (fate == FATE_DELIVERED && f->wire_at >= h->warm_at)
        add_latencies(h, f, when);
    observe(h, f, fate, kind, when);
    if (fate != FATE_RX_NO_DESC && f->page)
        pages_release(f->page);
    trace_emit(&h->engine.trace, when, TRACE_KFREE_SKB, f->cpu, (int64_t)f->id, fate);
    pool_return(&h->frames, f);
}

void host_frame_delivered(struct host *h, struct frame *f, ps_t when)
{
    frame_end(h, f, FATE_DELIVERED, FATE_KIND_DELIVERED, when);
}

void host_frame_no_desc(struct host *h, struct frame *f, ps_t when)
{
    frame_end(h, f, FATE_RX_NO_DESC, FATE_KIND_DROPPED, when);
}

void host_frame_end_at(struct host *h, struct frame *f, enum fate fate, ps_t when)
{
    if (__builtin_expect(f->copy, 0))
        udp_mcast_copy_end(h, f, fate);
    else if (fate == FATE_DELIVERED)
        host_frame_delivered(h, f, when);
    else if (fate == FATE_IN_FLIGHT)            /* thrown away with the machine, booked as still inside */
        pool_return(&h->frames, f);
    else
        frame_end(h, f, fate, fate_info[fate].kind, when);
}

void host_frame_end(struct host *h, struct frame *f, enum fate fate)
{
    host_frame_end_at(h, f, fate, h->engine.now);
}

ps_t host_skb_free(struct host *h, struct skb *s)
{
    struct head_page *page = s->page;
    bool from_ring = s->from_ring;

    pool_return(&h->skbs, s);
    if (from_ring)
        return h->hc->skb.ring_free;
    if (!page || --page->heads > 0)
        return 0;
    pool_return(&h->head_pages, page);
    return h->hc->skb.page_free;
}

ps_t host_skb_drop_at(struct host *h, struct skb *s, enum fate fate, ps_t when)
{
    struct frame *f = s->first;

    for (int i = 0; i < s->frames; i++) {
        struct frame *next = f->next;
        host_frame_end_at(h, f, fate, when);
        f = next;
    }
    return host_skb_free(h, s);
}

ps_t host_skb_drop(struct host *h, struct skb *s, enum fate fate)
{
    return host_skb_drop_at(h, s, fate, h->engine.now);
}

/* ---- counters ---- */

struct emitter {
    counter_fn *fn;
    void *user;
    const char *scope;
};

static void emit(const struct emitter *e, const struct model_info *m, const void *counters)
{
    for (size_t i = 0; i < m->n_counters; i++)
        e->fn(e->user, e->scope, m->counters[i].name, counter_value(counters, &m->counters[i]));
}

static void nic_counters(const struct nic *n, struct emitter e)
{
    char scope[2 * CONFIG_NAME];

    e.scope = n->name;
    if (n->veth)
        emit(&e, &veth_model, &n->veth->counters);
    emit(&e, &wire_model, &n->wire.counters);
    emit(&e, &mac_model, &n->mac.counters);
    emit(&e, &fifo_model, &n->fifo.counters);
    emit(&e, &pause_model, &n->pause.counters);
    for (int i = 0; i < n->queues; i++) {
        const struct nic_queue *q = &n->queue[i];
        snprintf(scope, sizeof scope, "%s.q%d", n->name, i);
        e.scope = scope;
        emit(&e, &ring_model, &q->ring.counters);
        emit(&e, &pages_model, &q->pages.counters);
        if (q->adaptive.params->rx)
            emit(&e, &adaptive_model, &q->adaptive.counters);
        emit(&e, &irq_host_model, &q->irq.counters);
        for (int c = 0; c < n->host->cpus && q->irq.columns; c++) {
            char column[2 * CONFIG_NAME + 16];
            struct emitter of = { e.fn, e.user, column };
            snprintf(column, sizeof column, "%s.cpu%d", scope, c);
            if (q->irq.columns[c].vector_interrupts > 0)
                emit(&of, &irq_model, &q->irq.columns[c]);
        }
        emit(&e, &napi_model, &q->napi.counters);
        emit(&e, &xdp_model, &q->driver.xdp);
        if (n->config->xdp.program == XDP_REDIRECT_XSK)
            emit(&e, &xsk_model, &q->xsk.counters);
        emit(&e, &gro_model, &q->napi.gro.counters);
        emit(&e, &tx_model, &q->tx.counters);
    }
}

static void cpu_counters(const struct host *h, int i, struct emitter e)
{
    char scope[16];

    snprintf(scope, sizeof scope, "cpu%d", i);
    e.scope = scope;
    emit(&e, &cpu_model, &h->cpu[i].counters);
    emit(&e, &cstate_model, &h->cpu[i].cstate.counters);
    emit(&e, &softirq_model, &h->softirq[i].counters);
    emit(&e, &netif_model, &h->netif[i]);
    emit(&e, &tap_model, &h->tap_counters[i]);
    if (h->cpumap)
        emit(&e, &cpumap_model, &h->cpumap[i].counters);
    emit(&e, &bridge_model, &h->bridge[i]);
    emit(&e, &tunnel_model, &h->gro_cell[i].counters);
    emit(&e, &rps_model, &h->backlog[i].counters);
    emit(&e, &sched_model, &h->rq[i].counters);
}

void host_counters(const struct host *h, counter_fn *fn, void *user)
{
    struct emitter e = { fn, user, "" };
    char scope[2 * CONFIG_NAME];

    for (int i = 0; i < h->nics; i++)
        nic_counters(&h->nic[i], e);
    for (int i = 0; i < h->cpus; i++)
        cpu_counters(h, i, e);
    if (h->irqbalance.cpu) {
        e.scope = "irqbalance";
        emit(&e, &irqbalance_model, &h->irqbalance.counters);
    }
    if (h->rfs.sock_flow) {
        e.scope = "rfs";
        emit(&e, &rfs_model, &h->rfs.counters);
    }
    e.scope = "tc";
    emit(&e, &tc_model, &h->tc);
    e.scope = "snmp";
    emit(&e, &vlan_model, &h->vlan);
    emit(&e, &ip_model, &h->ip);
    emit(&e, &ip6_model, &h->ip6);
    emit(&e, &defrag_model, &h->defrag.counters);
    emit(&e, &udp_model, &h->udp);
    emit(&e, &udp6_model, &h->udp6);
    emit(&e, &udp_mcast_host_model, &h->udp_mcast);
    emit(&e, &tcp_model, &h->tcp);
    emit(&e, &busy_poll_model, &h->busy_poll);
    emit(&e, &listen_model, &h->listen.counters);
    e.scope = "netfilter";
    emit(&e, &netfilter_model, &h->netfilter.counters);
    emit(&e, &conntrack_model, &h->netfilter.conntrack.counters);
    for (int i = 0; i < h->apps; i++) {
        snprintf(scope, sizeof scope, "app.%s", h->app[i].name);
        e.scope = scope;
        emit(&e, &app_model, &h->app[i].counters);
        emit(&e, &epoll_model, &h->app[i].epoll);
        emit(&e, &bandwidth_model, &h->app[i].bandwidth.counters);
        if (h->sendmsgs > 0) {
            struct skmem_counters memory = skmem_of(&h->app[i].udp.udp);
            emit(&e, &skmem_model, &memory);
        }
    }
    for (int i = 0; i < h->traffics; i++) {
        if (h->traffic[i].params.kind != TRAFFIC_RR)
            continue;
        snprintf(scope, sizeof scope, "traffic.%s", h->config.traffic_name[i]);
        e.scope = scope;
        emit(&e, &requester_model, &h->requester_group[i].counters);
    }
    for (int i = 0; i < h->listen.clients; i++) {
        snprintf(scope, sizeof scope, "traffic.%s", h->config.traffic_name[h->listen.client[i].traffic->source]);
        e.scope = scope;
        emit(&e, &client_model, &h->listen.client[i].counters);
    }
    for (int i = 0; i < h->sendmsgs; i++) {
        snprintf(scope, sizeof scope, "traffic.%s", h->sendmsg[i].name);
        e.scope = scope;
        emit(&e, &sendmsg_model, &h->sendmsg[i].counters);
    }
}
