/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP: lookup, receive buffer, queue, and memory given back late.
 *
 * In    udp_rcv()        one skb from IP; udp_rcv_found(), when its socket is known
 *       udp_has_room()   its parts, for models/express: the test, udp_enqueue() and udp_refuse()
 *       udp_recv_skb()   the reader takes one datagram, before it is copied
 * Out   sock_data_ready  the reader is woken for every datagram
 *
 * Accept rule by kernel (kernel.udp.rcvbuf_test):
 *   before      drop if rmem > rcvbuf before adding (6.12): rcvbuf / truesize + 1 fit
 *   race_guard  that, and drop if rmem after adding > rcvbuf + size (5.15 to 6.6; the same without races)
 *   after       drop if rmem + size > rcvbuf, unless the queue is empty (6.18 on): rcvbuf / truesize fit
 * The reader moves the whole receive queue to its private reader queue; what it frees returns to rmem only when it
 * adds up to rcvbuf / 4 or the reader queue runs dry. (net/ipv4/udp.c udp_rmem_release)
 * Memory is charged to the protocol in pages: a datagram that finds too little left of the last one pays for another.
 * udp_mem: models/protomem.
 * Not modelled: condensing's effect on truesize, checksum failures' cost. */
#ifndef MODELS_UDP_H
#define MODELS_UDP_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/drop.h"

enum udp_rcvbuf_test { UDP_TEST_BEFORE, UDP_TEST_RACE_GUARD, UDP_TEST_AFTER };

struct udp_params {
    int64_t rcvbuf_test;
    int64_t rcv;
    int64_t enqueue;
    int64_t half_full;
    int64_t schedule_memory;
    int64_t drop;
    int64_t no_socket;
};
extern const struct model_info udp_model;

struct udp_counters {
    uint64_t InDatagrams;
    uint64_t NoPorts;
    uint64_t InErrors;
    uint64_t RcvbufErrors;
    uint64_t MemErrors;
    uint64_t InCsumErrors;
};

struct udp_sock {
    int64_t rcvbuf;             /* bytes of truesize, as doubled by SO_RCVBUF */
    int64_t rmem_alloc;
    int64_t forward_deficit;    /* freed but not yet given back */
    int64_t returned;           /* pages given back to the protocol, for models/protomem */
    int64_t forward_alloc;      /* charged to the protocol and not in use: whole pages come, one page at most stays */
    struct skb_queue receive, reader;
};

bool udp_rcv(struct context *x);        /* context.skb: a stage_fn */
bool udp_queue(struct context *x);      /* what follows the lookup: context.skb to context.sk, a stage_fn */
bool udp_rcv_found(struct context *x);  /* the same once context.sk is known: there is one */
/* How a full buffer is recognised. */
static inline bool udp_has_room(const struct udp_sock *u, int64_t truesize, const struct udp_params *p)
{
    switch ((enum udp_rcvbuf_test)p->rcvbuf_test) {
    case UDP_TEST_BEFORE:
        return u->rmem_alloc <= u->rcvbuf;
    case UDP_TEST_RACE_GUARD:
        return u->rmem_alloc <= u->rcvbuf && u->rmem_alloc + truesize <= truesize + u->rcvbuf;
    case UDP_TEST_AFTER:
        return u->rmem_alloc == 0 || u->rmem_alloc + truesize <= u->rcvbuf;
    }
    return false;
}

enum { UDP_MEM_PAGE = 4096 };           /* sk_mem_schedule charges whole pages */

/* Pages that a datagram needs beyond what the socket has left. */
static inline int64_t udp_pages(const struct udp_sock *u, int64_t truesize)
{
    return u->forward_alloc < truesize ? (truesize - u->forward_alloc + UDP_MEM_PAGE - 1) / UDP_MEM_PAGE : 0;
}

/* Queues a datagram for which there is room; returns what that costs, its memory included. */
static inline ps_t udp_enqueue(struct udp_sock *u, struct skb *s, const struct udp_params *p, ps_t now)
{
    ps_t cost = p->enqueue;

    if (u->rmem_alloc > u->rcvbuf / 2)
        cost += p->half_full;
    if (u->forward_alloc < s->truesize) {
        u->forward_alloc += udp_pages(u, s->truesize) * UDP_MEM_PAGE;
        cost += p->schedule_memory;
    }
    u->forward_alloc -= s->truesize;
    u->rmem_alloc += s->truesize;
    for (struct frame *f = s->first; f; f = f->next)
        f->socket_at = now;
    skb_push_tail(&u->receive, s);
    return cost;
}

/* Drops one for which there is none; returns what that costs. */
ps_t udp_refuse(struct host *h, struct sock *sk, struct skb *s);

/* udp_rmem_release, partial: and while it is at it, it takes over what has come meanwhile. */
static inline void udp_release(struct udp_sock *u, int64_t truesize)
{
    u->forward_deficit += truesize;
    if (u->forward_deficit < u->rcvbuf / 4 && u->reader.first)  /* udp_next_is_private says this beforehand */
        return;
    u->rmem_alloc -= u->forward_deficit;
    u->forward_alloc += u->forward_deficit;
    int64_t pages = (u->forward_alloc - 1) / UDP_MEM_PAGE;      /* partial: up to a page stays */
    u->forward_alloc -= pages * UDP_MEM_PAGE;
    u->returned += pages;
    u->forward_deficit = 0;
    skb_splice(&u->reader, &u->receive);
}

/* The next datagram for the reader, NULL if there is none. Its memory goes back, late: see above. */
static inline struct skb *udp_recv_skb(struct udp_sock *u)
{
    if (!u->reader.first)
        skb_splice(&u->reader, &u->receive);
    struct skb *s = skb_pop(&u->reader);
    if (s)
        udp_release(u, s->truesize);
    return s;
}

/* True if taking the next datagram touches nothing that the softirq's side reads or writes: it comes from the reader
 * queue, is not its last, and its memory is not given back yet. */
static inline bool udp_next_is_private(const struct udp_sock *u)
{
    const struct skb *s = u->reader.first;

    return s && s->next && u->forward_deficit + s->truesize < u->rcvbuf / 4;
}

#endif
