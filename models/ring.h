/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RX descriptor ring: the buffers the driver has lent to the NIC.
 *
 * In    ring_claim()     DMA wants a descriptor for a frame
 *       ring_write_back()    its descriptor may have to wait for others: frame.dma_at moves
 *       ring_complete()  the frame's completion will be visible at frame.dma_at
 *       ring_take()      the driver's poll takes the oldest visible frame, if there is one: ring_visible()
 *       ring_refill()    the driver gives buffers back, and writes the tail now and then
 * Out   -
 *
 * A frame longer than a buffer (nic.ring.buffer) takes as many descriptors as it needs, of which only the last says that
 * the frame is complete: it is one frame to the driver's budget. It is written when all of them are there.
 *
 * posted (the NIC may use it) + filled (a frame waits or is being written) + empty (taken, not refilled) + unwritten
 * (refilled, tail not yet written) + reserved = rx. The NIC stops when posted is 0 even if some are empty: a driver
 * that refills in batches has a shorter ring than it asked for. Intel keeps one slot empty (head == tail means
 * none), mlx5 none.
 * Descriptors may be written back by the group (nic.ring.writeback: those of a cache line, igb's WTHRESH): while the gap of
 * the vector's ITR runs, a frame is visible when its group is full, at the end of the gap at the latest; with the gap over,
 * at once. (82576 datasheet, RXDCTL.WTHRESH; XL710 and E810 datasheets, write-back on ITR.) A frame counts as one of a group,
 * whatever its buffers; what the group saves on the bus, and an early write-back by an interrupt of the transmit half, are
 * not modelled.
 * Not modelled: a frame that is cut when descriptors run out in its middle; e1000e's discarding of frames over several
 * buffers at the standard MTU; the descriptor cache of the NIC: it prefetches before it runs dry. */
#ifndef MODELS_RING_H
#define MODELS_RING_H

#include <assert.h>
#include <stdbool.h>

#include "models/config.h"
#include "models/frame.h"

enum ring_empty { RING_EMPTY_DROP, RING_EMPTY_HOLD };

struct ring_params {
    int64_t rx;
    int64_t max;                /* of rx */
    int64_t reserved;
    int64_t empty_mode;         /* enum ring_empty */
    int64_t refill_batch;       /* refilled in the poll when so many are empty; 0: only at its end */
    int64_t refill_at_end;      /* the poll's end refills the rest: 0 no, else when at least so many */
    int64_t tail_multiple;      /* the tail is written only at multiples */
    int64_t writeback;          /* descriptors of a group; 1: each by itself */
    int64_t buffer;             /* bytes of a receive buffer; 0: any frame fits */
};
extern const struct model_info ring_model;

struct ring_counters {
    uint64_t rx_packets;
    uint64_t rx_bytes;
    uint64_t rx_no_desc;        /* frames dropped for want of a descriptor */
};

struct ring {
    const struct ring_params *params;
    struct ring_counters counters;
    int64_t single;             /* longest frame, without FCS, that one buffer holds */
    int64_t posted, empty;
    int64_t tail;               /* index after the last descriptor given to the NIC, counted without wrap */
    int64_t next_to_use;        /* index after the last refilled */
    struct frame_queue filled;
    int64_t written;            /* descriptors, for their place in the group */
    struct frame *group;        /* oldest frame that waits for its group to be full; valid until group_until */
    ps_t group_until;
};

void ring_init(struct ring *r, const struct ring_params *p);

/* The descriptors that a frame of so many bytes on the wire takes. */
static inline int64_t ring_buffers(const struct ring *r, int64_t wire_bytes)
{
    int64_t bytes = wire_bytes - ETH_FCS;

    return bytes <= r->single ? 1 : (bytes + r->single - 1) / r->single;
}

static inline bool ring_claim_several(struct ring *r, int64_t n)
{
    if (r->posted < n)
        return false;
    r->posted -= n;
    return true;
}

static inline bool ring_claim(struct ring *r) { return ring_claim_several(r, 1); }

/* `now` the frame is written to memory; `timer` is the end of the gap. */
static inline void ring_write_back(struct ring *r, struct frame *f, ps_t now, ps_t timer)
{
    int64_t left = r->params->writeback - 1 - r->written++ % r->params->writeback;

    if (r->group_until <= now)
        r->group = NULL;                /* visible meanwhile, perhaps taken */
    if (f->dma_at >= timer)
        return;
    if (left > 0) {
        if (!r->group)
            r->group = f;
        r->group_until = f->dma_at = timer;
        return;
    }
    for (struct frame *g = r->group; g; g = g->next)
        g->dma_at = f->dma_at;
    r->group = NULL;
}

static inline void ring_complete(struct ring *r, struct frame *f)
{
    frame_push(&r->filled, f);
}

static inline bool ring_visible(const struct ring *r, ps_t now)
{
    return r->filled.first && r->filled.first->dma_at <= now;
}

/* The oldest frame if it is visible at `now`, else NULL. */
static inline struct frame *ring_take(struct ring *r, ps_t now)
{
    struct frame *f = r->filled.first;

    if (!ring_visible(r, now))
        return NULL;
    frame_pop(&r->filled);
    r->empty += ring_buffers(r, f->wire_bytes);
    r->counters.rx_packets++;
    r->counters.rx_bytes += (uint64_t)f->wire_bytes - ETH_FCS;  /* it is stripped */
    return f;
}

/* Moves the tail; true if that posted something. A driver that writes it at multiples only names the buffer it has just
 * filled (e1000_alloc_rx_buffers), so that one is not posted yet. */
static inline bool ring_write_tail(struct ring *r)
{
    int64_t multiple = r->params->tail_multiple;
    int64_t tail = multiple == 1 ? r->next_to_use : (r->next_to_use - 1) - (r->next_to_use - 1) % multiple;

    if (tail <= r->tail)
        return false;
    r->posted += tail - r->tail;
    r->tail = tail;
    return true;
}

/* Refills `n` of the empty ones; true if the tail was written, so that the NIC has to be told. */
static inline bool ring_refill(struct ring *r, int64_t n)
{
    assert(n <= r->empty);
    r->empty -= n;
    r->next_to_use += n;
    return ring_write_tail(r);
}

#endif
