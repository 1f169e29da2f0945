/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ptr_ring: the kernel's ring of pointers, as veth has one in front of its NAPI.
 *
 * In    ptr_ring_produce()   a producer's skb; false: the ring is full
 *       ptr_ring_consume()   the oldest, or NULL
 *
 * The consumer does not give back each slot it empties but a batch at a time, or what it has at the end of the array,
 * so up to batch - 1 slots of an empty ring are not free: what fits a starved ring is
 * size - (consumed so far mod batch). (include/linux/ptr_ring.h __ptr_ring_discard_one) */
#ifndef MODELS_PTR_RING_H
#define MODELS_PTR_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "models/skb.h"

struct ptr_ring {
    int64_t size, batch;
    int64_t head, tail;         /* consumed up to head; slots below tail are given back */
    struct skb_queue queue;
};

static inline bool ptr_ring_produce(struct ptr_ring *r, struct skb *s)
{
    if (r->queue.length + r->head - r->tail >= r->size)
        return false;
    skb_push_tail(&r->queue, s);
    return true;
}

static inline struct skb *ptr_ring_consume(struct ptr_ring *r)
{
    struct skb *s = skb_pop(&r->queue);

    if (!s)
        return NULL;
    r->head++;
    if (r->head - r->tail >= r->batch || r->head >= r->size)
        r->tail = r->head;
    if (r->head >= r->size)
        r->head = r->tail = 0;
    return s;
}

#endif
