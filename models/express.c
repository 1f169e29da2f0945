/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/express.h"

#include "models/host.h"
#include "models/host_config.h"
#include "models/horizon.h"
#include "models/nic.h"
#include "models/reading.h"
#include "models/refill.h"

/* ---- which queues ---- */

/* One look at all flows: the socket that those of each queue go to, or that they differ. */
static void find_sockets(struct host *h)
{
    for (uint32_t i = 0; i < h->flows; i++) {
        const struct flow *f = &h->flow[i];
        if (f->queue >= h->nic[f->nic].queues)      /* the hash of a veth, which has one queue */
            continue;
        struct express *p = &h->nic[f->nic].queue[f->queue].express;
        p->mixed |= !f->plain || (p->sk && p->sk != f->sk);
        p->sk = f->sk;
    }
}

static bool one_way(const struct nic_queue *q)
{
    const struct nic_config *c = q->nic->config;

    return c->xdp.program == XDP_NONE && c->driver.copybreak == 0 && !c->driver.holds_skbs &&
           c->ring.tail_multiple == 1 && q->nic->buffers_most == 1 && c->ring.empty_mode == RING_EMPTY_DROP &&
           !q->driver.extras &&
           q->nic->host->hc->skb.page_every == 0 && !q->nic->host->far_memory;
}

/* The largest and the least that host_vary() makes of a cost. */
static ps_t vary_most(const struct host *h, ps_t cost)
{
    return h->hc_cost_cv ? host_scale(h, cost, VARIATE_SIZE - 1) : cost;
}

static ps_t vary_least(const struct host *h, ps_t cost)
{
    return h->hc_cost_cv ? host_scale(h, cost, 0) : cost;
}

static ps_t max(ps_t a, ps_t b)
{
    return a > b ? a : b;
}

/* What one frame costs at each place, constant but for host_vary() and what the socket's state adds. */
static void costs(struct express *p, const struct nic_queue *q)
{
    const struct host_config *c = q->nic->host->hc;

    p->frame = c->driver.frame + (q->driver.nic_params->gro ? c->gro.frame : c->gro.bypass) + c->skb.alloc;
    p->list = c->netif.list;
    p->list_skb = c->netif.skb + c->ip.rcv;
    p->skb = c->ip.deliver + c->udp.rcv;
    p->queued = c->sock.data_ready;
}

/* Driver and GRO for one frame, then a list of the largest length up to the socket. */
static ps_t frame_most(const struct express *p, const struct host *h)
{
    const struct host_config *c = h->hc;
    const struct udp_params *u = &c->udp;
    ps_t queued = u->enqueue + u->half_full + u->schedule_memory + p->queued;
    ps_t one = p->list_skb + p->skb + max(queued, u->drop + c->skb.free);

    return vary_most(h, p->frame + c->driver.first + c->skb.heads) + p->list + c->netif.list_end +
           c->gro.gro_normal_batch * one;
}

/* Nobody waits for what the reader does, and the reader does nothing else. */
static bool may_run_ahead(const struct host *h, const struct sock *sk)
{
    const struct app_params *a = sk ? sk->app->params : NULL;

    return a && a->kind != APP_EPOLL && app_reads_alone(sk->app) && a->reply == 0 && h->requesters == 0 && !busy_poll_anywhere(h);
}

static void queue_init(struct nic_queue *q)
{
    const struct host *h = q->nic->host;
    const struct app_host_params *c = &h->hc->app;
    struct express *p = &q->express;

    if (p->mixed || !h->engine.batch || !one_way(q) || !may_run_ahead(h, p->sk))
        p->sk = NULL;
    if (!p->sk)
        return;
    const struct app_params *a = p->sk->app->params;
    ps_t rest = reading_round_least(c, a);
    ps_t longest = c->recv_dequeue + ps_of_fs_per_byte(c->copy_byte, a->read_size);
    costs(p, q);
    p->most = frame_most(p, h);
    p->round_least = vary_least(h, c->recv_dequeue) + rest;
    p->round_most = vary_most(h, longest) + rest + c->recv_return_slept + ps_of_fs_per_byte(a->work_byte, a->read_size) +
                    h->hc->skb.ring_free;       /* of another NIC's skbs */
}

void express_init(struct host *h)
{
    find_sockets(h);
    for (int i = 0; i < h->nics; i++) {
        for (int q = 0; q < h->nic[i].queues; q++)
            queue_init(&h->nic[i].queue[q]);
    }
}

/* ---- the reader that comes along ---- */

struct companion {
    struct reading reading;     /* x is NULL, and next never: nobody comes along */
    struct udp_sock *u;
    bool first_at_ties;         /* at the same instant its core is asked before the poll's */
    bool moved;
};

static inline int64_t queued(const struct udp_sock *u)
{
    return u->receive.length + u->reader.length;
}

/* A reader in the middle of a whole round joins, and the poll may go on until something else is due. */
static ps_t join(struct companion *r, const struct nic_queue *q, const struct context *x)
{
    struct engine *e = x->cpu->engine;
    struct sock *sk = q->express.sk;
    struct cpu *c = sk->app->cpu;

    *r = (struct companion){ .u = &sk->udp, .reading.next = PS_NEVER };
    if (!c->running || c->running->then != app_round_over || !event_pending(e, &c->step))
        return engine_horizon(e);
    r->reading = (struct reading){
        .x = c->running, .taken = c->step_at, .copied = sk->app->copied_at, .next = event_when(e, &c->step),
    };
    r->first_at_ties = c->step.slot < x->cpu->step.slot;
    ps_t others = engine_horizon_without(e, &c->step), own = horizon_of(c) - q->express.round_most;
    return others < own ? others : own;
}

/* All looks at the queue up to `now`: none finds it empty. */
static void read_rounds(struct companion *r, ps_t now)
{
    struct reading *g = &r->reading;

    r->moved = true;
    do {
        reading_deliver(g);
        g->x->skb = udp_recv_skb(r->u);
        reading_begin(g, g->x, g->next);
    } while (g->next < now || (g->next == now && r->first_at_ties));
}

static inline void read_until(struct companion *r, ps_t now)
{
    if (r->reading.next < now || (r->reading.next == now && r->first_at_ties))
        read_rounds(r, now);
}

/* Back into the core's books: its step is the round that has begun last. */
static void leave(struct companion *r)
{
    struct reading *g = &r->reading;

    if (!r->moved)
        return;
    struct cpu *c = g->x->cpu;
    c->spent[g->x->mode] += g->taken - c->step_at;
    c->step_at = g->taken;
    g->x->left = g->next - g->taken;
    g->x->sk->app->copied_at = g->copied;
    engine_reschedule(c->engine, &c->step, g->next);
}

/* ---- the loop ---- */

/* One poll's way through the loop. The clock and what is owed are kept here and put back at the end. */
struct ride {
    struct context *x;
    struct nic_queue *q;
    struct host *h;
    struct express *p;
    struct companion reader;
    ps_t at, owed, until;
    int64_t work;
};

/* GRO's list up to the socket, as netif's short way and udp do it. */
static inline void list_up(struct ride *w, struct gro *g)
{
    struct host *h = w->h;
    struct udp_sock *u = &w->p->sk->udp;
    struct skb *s = g->rx_list.first, *next;
    int64_t n = g->rx_list.length;
    ps_t at = w->at, owed = w->owed + w->p->list + n * w->p->list_skb;

    h->netif[w->x->cpu->index].processed += (uint64_t)n;
    h->ip.InReceives += (uint64_t)n;
    h->ip.InDelivers += (uint64_t)n;
    g->rx_list = (struct skb_queue){ 0 };
    g->rx_count = 0;
    for (struct skb *i = s; i; i = i->next)
        i->first->stack_at = at;
    for (; s; s = next) {
        next = s->next;
        at += owed + w->p->skb;
        read_until(&w->reader, at);
        if (udp_has_room(u, s->truesize, &h->hc->udp)) {
            owed = udp_enqueue(u, s, &h->hc->udp, at) + w->p->queued;
        } else {
            h->engine.now = at;
            owed = udp_refuse(h, w->p->sk, s);
        }
    }
    w->at = at;
    w->owed = owed + h->hc->netif.list_end;
}

/* The driver's work on one frame: to GRO's list. */
static inline void take(struct ride *w, struct frame *f)
{
    struct host *h = w->h;
    struct gro *g = &w->x->napi->gro;
    struct skb *s = pool_take(&h->skbs);
    ps_t cost = w->p->frame + host_new_skb(h);

    napi_took(w->x->napi, f, w->x->cpu->index, w->at);
    if (w->work++ == 0)
        cost += w->q->driver.params->first;
    skb_build_plain(s, f, &w->q->nic->config->skb, false);
    w->at += w->owed + host_vary(h, cost, f->id, 0);
    w->owed = 0;
    g->counters.gro_packets++;
    gro_emit(g, s);
}

/* May one more frame go all the way before something is due, and before the reader runs dry? */
static inline bool may_go(const struct ride *w)
{
    const struct driver_params *d = w->q->driver.params;
    const struct companion *r = &w->reader;
    ps_t end = w->at + w->owed + w->p->most + d->refill + (w->q->ring.empty + 1) * d->refill_frame;

    if (end >= w->until || w->work >= w->x->budget)
        return false;
    return !r->reading.x || end < r->reading.next + queued(r->u) * w->p->round_least;
}

/* The next frame for the driver; NULL if there is none, or one that goes another way. */
static inline struct frame *next_frame(struct ride *w)
{
    struct ring *ring = &w->q->ring;

    if (!ring_visible(ring, w->at) || ring->params->writeback > 1)  /* of those that the NIC has told of, with their times */
        nic_settle(w->q->nic);
    return ring_visible(ring, w->at) && !ring->filled.first->bad ? ring_take(ring, w->at) : NULL;
}

/* One frame; false if there is none to take. */
static inline bool go(struct ride *w)
{
    struct ring *ring = &w->q->ring;
    int64_t batch = ring->params->refill_batch;

    w->h->engine.now = w->at;
    if (batch > 0 && ring->empty >= batch)
        w->owed += refill(w->q);
    struct frame *f = next_frame(w);
    if (!f)
        return false;
    take(w, f);
    if (gro_list_full(&w->x->napi->gro))
        list_up(w, &w->x->napi->gro);
    return true;
}

void express_poll(struct context *x, struct nic_queue *q)
{
    struct cpu *c = x->cpu;
    struct engine *e = c->engine;
    struct sock *sk = q->express.sk;

    if (sk->waiting || q->nic->armed > 0 || c->irq_first || x->napi->gro.rx_odd > 0)
        return;
    struct ride w = { .x = x, .q = q, .h = c->host, .p = &q->express, .at = e->now, .owed = x->owed, .work = x->work };
    w.until = join(&w.reader, q, x);
    if (w.until > e->limit)
        w.until = e->limit + 1;
    ps_t begin = e->now;
    while (may_go(&w) && go(&w))
        ;
    e->now = w.at;
    x->owed = w.owed;
    c->spent[x->mode] += w.at - begin;
    c->host->express_frames += (uint64_t)(w.work - x->work);
    x->work = (int)w.work;
    read_until(&w.reader, w.at);
    leave(&w.reader);
}
