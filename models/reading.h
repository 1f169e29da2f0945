/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A UDP reader at work, as a recursion: from one look at its socket's queue to the next it copies, returns, works and calls
 * again, and all these times follow from the datagram in its hand. So nobody needs an event for each step, as long as
 * nothing can come between them (models/horizon): the datagram is delivered with the time at which its copy ends, and the
 * reader's next event is the next look at the queue.
 *
 * In    reading_begin()    a datagram was taken
 *       reading_deliver()  its round is over
 * Out   host_frame_end     with the time of the copy's end
 *
 * app.c has the same steps one by one, for when something may come between them. */
#ifndef MODELS_READING_H
#define MODELS_READING_H

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

struct reading {
    struct context *x;          /* the reader; x->skb is the datagram in its hand */
    ps_t taken, copied, next;   /* when it was taken, when its copy ends, when the queue is looked at again */
};

/* The rest of a datagram is lost to the reader. */
static inline int64_t reading_bytes(const struct context *x)
{
    int64_t want = x->sk->app->params->read_size, have = x->skb->first->payload;

    return have < want ? have : want;
}

/* From the dequeued datagram to the end of its copy. */
static inline ps_t reading_copy_cost(const struct context *x)
{
    const struct app_host_params *p = &x->cpu->host->hc->app;
    ps_t copy = ps_of_fs_per_byte(p->copy_byte, reading_bytes(x));

    if (x->cpu->host->far_memory)
        copy += numa_copy(x->cpu, x->skb->first->cpu, reading_bytes(x));
    return host_vary(x->cpu->host, p->recv_dequeue + copy, x->skb->first->id, 1);
}

/* What follows every copy, up to the next look at the queue: return to user mode, the program's work, the next call. */
static inline ps_t reading_round_least(const struct app_host_params *p, const struct app_params *a)
{
    return p->recv_return + p->user + a->work + p->call + p->recv_entry + p->recv_lock;
}

/* The same for this datagram, with what it adds. */
static inline ps_t reading_round_cost(const struct context *x)
{
    const struct app_host_params *p = &x->cpu->host->hc->app;
    const struct app_params *a = x->sk->app->params;
    ps_t cost = reading_round_least(p, a);

    if (a->work_byte > 0)
        cost += ps_of_fs_per_byte(a->work_byte, reading_bytes(x));
    if (x->sk->slept)
        cost += p->recv_return_slept;
    if (x->skb->from_ring)
        cost += x->cpu->host->hc->skb.ring_free;
    return cost;
}

static inline void reading_begin(struct reading *r, struct context *x, ps_t taken)
{
    r->x = x;
    r->taken = taken;
    r->copied = taken + reading_copy_cost(x);
    r->next = r->copied + reading_round_cost(x);
}

static inline void reading_deliver(struct reading *r)
{
    struct context *x = r->x;
    struct app *a = x->sk->app;

    a->counters.messages++;
    a->counters.bytes += (uint64_t)reading_bytes(x);
    x->sk->slept = false;
    if (!x->skb->plain) {
        host_udp(a->host, x->skb->flow)->InDatagrams++;
        host_skb_drop_at(a->host, x->skb, FATE_DELIVERED, r->copied);
        return;
    }
    a->host->udp.InDatagrams++;
    host_frame_delivered(a->host, x->skb->first, r->copied);    /* one frame, and no page to give back */
    pool_return(&a->host->skbs, x->skb);
}

#endif
