/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire: frames follow each other at the link's rate, then fly.
 *
 * In    wire_admit()     a frame may start at a given instant
 * Out   its time at the PHY: the last bit, after the flight
 *
 * A frame takes preamble + SFD (8 bytes) and its own bytes; the next may follow after the gap (12 bytes)
 * (IEEE 802.3: 64-byte frames at 10 Gbit/s are 67.2 ns apart). Work is a recursion: no event, no queue.
 * Between nic.flap.at and nic.flap.for later the link is down: a frame of which a bit would arrive then is lost. Its sender
 * goes on sending, as one behind a switch that knows nothing.
 * Not modelled: the sender's own loss of carrier (its queueing discipline would drop what we lose), the time of a new
 * link training but as part of nic.flap.for, what drivers do in between. */
#ifndef MODELS_WIRE_H
#define MODELS_WIRE_H

#include <stdbool.h>

#include "models/config.h"
#include "models/frame.h"

enum { WIRE_PREAMBLE = 8, WIRE_GAP = 12 };      /* bytes: preamble + SFD, inter-frame gap */

struct wire_params {
    int64_t link;
    int64_t flight;
    int64_t flap_at, flap_for;
};
extern const struct model_info wire_model;

struct wire_counters {
    uint64_t link_down_events;
    uint64_t rx_no_carrier;
};

struct wire {
    const struct wire_params *params;
    struct wire_counters counters;
    ps_t free_at;               /* when the next preamble may start */
    int64_t cached_bytes;       /* last size, its time and its slot: most traffic repeats sizes */
    ps_t cached_bits, cached_slot;
};

/* When a frame that may start at `start` starts. */
static inline ps_t wire_start(const struct wire *w, ps_t start) { return start > w->free_at ? start : w->free_at; }
/* True if the frame that was serialised last, whose last bit arrives then, meets a link that is down. */
static inline bool wire_cut(const struct wire *w, ps_t last_bit)
{
    const struct wire_params *p = w->params;

    return last_bit > p->flap_at && last_bit - w->cached_bits < p->flap_at + p->flap_for;
}
/* When the link goes down, if that has not been seen yet. */
static inline ps_t wire_flaps_at(const struct wire *w)
{
    return w->params->flap_for > 0 && w->counters.link_down_events == 0 ? w->params->flap_at : PS_NEVER;
}
/* Works out the times of a frame of `bytes`. */
void wire_size(struct wire *w, int64_t bytes);
/* Serialises a frame from wire_start(start); returns the arrival of its last bit at the far end. */
static inline ps_t wire_admit(struct wire *w, ps_t start, int64_t bytes)
{
    ps_t begin = wire_start(w, start);

    if (bytes != w->cached_bytes)
        wire_size(w, bytes);
    w->free_at = begin + w->cached_slot;
    return begin + w->cached_bits + w->params->flight;
}

#endif
