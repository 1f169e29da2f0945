/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flow control of the link: a packet buffer that fills stops its sender instead of losing frames (IEEE 802.3 Annex 31B,
 * "802.3x"; ethtool -A tx on).
 *
 * In    pause_filled()   a frame was put into the FIFO
 *       pause_drained()  one was taken out
 *       pause_start()    may a frame that could start on the wire do so, and when?
 * Out   -
 *
 * Above nic.pause.high_water the MAC sends XOFF, and again every half pause time until the FIFO is down to
 * nic.pause.low_water; then it sends XON. Either takes effect at the sender when the pause frame has been serialised and
 * has flown, has passed a PHY like ours, and nic.pause.reaction is over; a frame that has begun by then goes on to its
 * end. A sender that is stopped queues; its frames are on the wire later, and none of them is lost there. What they wait
 * for there is not part of their latency, which begins on our wire. Half a pause time is always sooner than its end, so a
 * pause never runs out before its XON.
 *
 * With nic.ring.empty hold one queue without descriptors fills the FIFO and so stops the whole link.
 *
 * A frame is drawn after the one before it has arrived, and only an arrival can cross the high mark: all XOFFs that
 * concern its start are known then. An XON still to come can only end a wait.
 *
 * Not modelled: pause frames that we receive (ethtool -A rx: nobody stops our transmitter), a pause frame that waits
 * behind a frame we are sending, its absence while the link is down, priority flow control (802.1Qbb: no traffic classes
 * here), the loss of pause frames. */
#ifndef MODELS_PAUSE_H
#define MODELS_PAUSE_H

#include <stdbool.h>

#include "models/config.h"

struct pause_params {
    int64_t tx;
    int64_t high_water, low_water;
    int64_t quanta;
    int64_t reaction;
};
extern const struct model_info pause_model;

struct pause_counters {
    uint64_t tx_flow_control_xoff;
    uint64_t tx_flow_control_xon;
};

struct pause {
    const struct pause_params *params;
    struct pause_counters counters;
    ps_t delay;                 /* from a mark to its effect at the sender */
    ps_t refresh;               /* between two XOFFs */
    bool asked;                 /* XOFF is out, and no XON since */
    ps_t again_at;              /* the next XOFF while asked; PS_NEVER */
    bool stopped;               /* the sender, when the last frame started */
    /* times at which that changes, oldest first: a ring of `room`, a power of two */
    ps_t *change;
    uint32_t head, count, room;
};

/* `path`: the flight and the PHY's delay. Returns 0, or -1 when out of memory. */
int pause_init(struct pause *p, const struct pause_params *params, int64_t link, ps_t path);
void pause_free(struct pause *p);

/* `used` bytes are in the FIFO at `now`. */
void pause_filled(struct pause *p, int64_t used, ps_t now);
void pause_drained(struct pause *p, int64_t used, ps_t now);
/* Sends the XOFFs that are due until `now`. */
void pause_settle(struct pause *p, ps_t now);

/* When a frame that could start at `start`, which is not before the last one's, does so. PS_NEVER: not before an XON that
 * is not yet sent. */
ps_t pause_start(const struct pause *p, ps_t start);
/* And it has. */
void pause_started(struct pause *p, ps_t start);

#endif
