/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame is what was on the wire. It has one owner at any instant: a queue, an skb, or the function holding it.
 * Frames come from a pool and go back to it when the ledger has counted their end. */
#ifndef MODELS_FRAME_H
#define MODELS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "sim/engine/time.h"

/* Bytes of headers without options and of the FCS; the timestamp option, padded; the shortest frame, with FCS. */
enum {
    ETH_HLEN = 14, ETH_FCS = 4, IP_HLEN = 20, IPV6_HLEN = 40, VLAN_HLEN = 4, UDP_HLEN = 8, TCP_HLEN = 20, TCP_TS = 12,
    ETH_SHORTEST = 64,
};

enum frame_bad {                /* what is wrong with it, if anything */
    FRAME_BAD_FCS     = 1,
    FRAME_BAD_IP_CSUM = 2,
    FRAME_BAD_L4_CSUM = 4,
    FRAME_BAD_IP_HDR  = 8,
    FRAME_TRUNCATED   = 16,     /* IP says more than the frame holds */
    FRAME_FRAGMENT    = 32,     /* an IP fragment: GRO leaves it alone; not reassembled */
};

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64,
                TCP_CWR = 128 };

struct rx_page;

struct frame {
    struct frame *next;
    uint64_t id;                /* position in the order of its wire, with the NIC above (NIC_FRAME_BITS) */
    uint32_t flow;              /* index into the flow table */
    int32_t wire_bytes;         /* destination address to FCS; at least 64 unless a runt */
    int32_t payload;            /* bytes behind the TCP or UDP header */
    uint16_t bad;               /* enum frame_bad */
    int16_t queue;              /* -1 until RSS has chosen */
    ps_t wire_at;               /* its last bit arrived at the MAC */
    ps_t dma_at;                /* it and its descriptor are visible in memory; -1 before */
    ps_t irq_at;                /* the interrupt that led to its poll; -1 if polling was already on */
    ps_t poll_at;               /* the driver's poll took it */
    ps_t stack_at;              /* handed to netif_receive_skb, after GRO */
    ps_t socket_at;             /* queued to its socket */

    uint32_t seq, ack;          /* TCP, as on the wire */
    uint32_t tsval, tsecr;      /* 0, 0: no timestamp option */
    uint16_t window;            /* TCP, raw */
    uint16_t ip_id;
    uint8_t tcp_flags;
    uint8_t ttl, tos;
    uint8_t ip_df;              /* "don't fragment" is set */
    uint8_t frag, frags;        /* of a datagram: which fragment of how many; 0 of 0: whole */
    uint8_t copy;               /* of a frame, for another socket (models/udp_mcast): the ledger does not know it */
    uint8_t sampled;            /* its timeline is kept whatever becomes of it */
    int16_t cpu;                /* that polled it, -1 before */
    struct rx_page *page;       /* its receive buffer's, where pages are modelled (models/pages); NULL: no matter */
};

/* Marks that it has been nowhere yet. */
static inline void frame_unborn(struct frame *f)
{
    f->queue = f->cpu = -1;
    f->dma_at = f->irq_at = f->poll_at = f->stack_at = f->socket_at = -1;
    f->frag = f->frags = 0;
    f->page = NULL;
    f->frag = f->frags = f->copy = 0;
}

/* First in, first out. */
struct frame_queue {
    struct frame *first, *last;
    int64_t length;
};

static inline void frame_push(struct frame_queue *q, struct frame *f)
{
    f->next = NULL;
    if (q->first)
        q->last->next = f;
    else
        q->first = f;
    q->last = f;
    q->length++;
}

static inline struct frame *frame_pop(struct frame_queue *q)
{
    struct frame *f = q->first;

    if (f) {
        q->first = f->next;
        q->length--;
    }
    return f;
}

/* A pool of equal objects that begin with a `next` pointer: slabs from the C library, a free list on top. */
struct pool {
    size_t size;                /* of one object */
    void *free;                 /* list through the first pointer of each */
    void **slab;                /* what to give back at the end */
    size_t slabs;
    uint64_t out;               /* objects taken and not returned */
};

void pool_init(struct pool *p, size_t object_size);
void pool_free(struct pool *p);
void pool_grow(struct pool *p);         /* aborts when out of memory: there is no answer to give without it */

static inline void *pool_take(struct pool *p)
{
    if (__builtin_expect(p->free == NULL, 0))
        pool_grow(p);
    void *object = p->free;
    p->free = *(void **)object;
    p->out++;
    return object;
}

static inline void pool_return(struct pool *p, void *object)
{
    *(void **)object = p->free;
    p->free = object;
    p->out--;
}

#endif
