/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The NIC's packet buffer between MAC and DMA, in bytes, shared by all queues, first in first out.
 *
 * In    fifo_put()       the MAC has a good frame; fifo_pass(), if it would leave at once
 *       fifo_take()      DMA begins with the oldest
 * Out   -; a frame that does not fit dies as rx_missed_errors
 *
 * It absorbs what PCIe or, if the NIC holds frames for want of a descriptor, the driver cannot take at once; then
 * one empty ring blocks every queue behind it. Size 0 means: no FIFO, only the
 * frame that is being passed on has room. */
#ifndef MODELS_FIFO_H
#define MODELS_FIFO_H

#include <stdbool.h>

#include "models/config.h"
#include "models/frame.h"

struct fifo_params {
    int64_t size;
};
extern const struct model_info fifo_model;

struct fifo_counters {
    uint64_t rx_missed_errors;
    uint64_t rx_no_buffer_count;        /* a frame found no descriptor and waited: not a loss */
};

struct fifo {
    const struct fifo_params *params;
    struct fifo_counters counters;
    struct frame_queue frames;
    int64_t used;               /* bytes */
};

/* True if the frame was taken; false if it does not fit. */
static inline bool fifo_put(struct fifo *q, struct frame *f)
{
    bool cut_through = q->params->size == 0 && q->used == 0;

    if (q->used + f->wire_bytes > q->params->size && !cut_through) {
        q->counters.rx_missed_errors++;
        return false;
    }
    q->used += f->wire_bytes;
    frame_push(&q->frames, f);
    return true;
}

/* The same for a frame that leaves an empty FIFO at the instant it comes. */
static inline bool fifo_pass(const struct fifo *q, const struct frame *f)
{
    return f->wire_bytes <= q->params->size || q->params->size == 0;
}

static inline struct frame *fifo_take(struct fifo *q)
{
    struct frame *f = frame_pop(&q->frames);

    q->used -= f->wire_bytes;
    return f;
}

#endif
