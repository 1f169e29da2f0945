/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The driver's poll: from ring to skb to GRO.
 *
 * In    driver_poll()    NAPI's turn; models/express takes over where it can
 * Out   tx_poll          first, completions of what was sent on
 *       xdp_run          each frame, before it becomes an skb; xdp_act, xdp_flush for those it takes
 *       gro_receive      each skb; netif_receive_list when the list is full
 *       nic_tail         descriptors refilled
 *       napi_complete_done, nic_unmask
 *
 * One frame after the other while their descriptors are done: a frame that becomes visible during the poll is taken
 * by it. Refill at the loop's top when a batch is empty and, by driver, at the end. (ixgbe_clean_rx_irq,
 * e1000_clean_rx_irq.) Where the ring holds skbs, a frame that is not copied takes its own, and the refill allocates
 * another.
 * Not modelled: header split, the software checksum of UDP (it is computed with the copy, or at once for short ones), what
 * a frame's payload costs its reader more when DDIO has spilled it, time stamps read from registers (82599). */
#ifndef MODELS_DRIVER_H
#define MODELS_DRIVER_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/xdp.h"

struct nic_queue;

struct driver_params {          /* of the host: costs */
    int64_t poll;
    int64_t frame;
    int64_t first;
    int64_t buffer;             /* each further buffer of a frame */
    int64_t copy;
    int64_t copy_byte;
    int64_t refill;
    int64_t refill_frame;
    int64_t page;
    int64_t hwtstamp;
    int64_t checksum_byte;
    int64_t ddio_miss;
};
extern const struct model_info driver_model;

struct driver_nic_params {
    int64_t gro;
    int64_t copybreak;
    int64_t rxhash;
    int64_t holds_skbs;
    int64_t rx;                 /* switch: the NIC verifies checksums */
    int64_t hwtstamp;
};
extern const struct model_info driver_nic_model;

struct driver {
    const struct driver_params *params;
    const struct driver_nic_params *nic_params;
    struct xdp_counters xdp;
    bool gro;                   /* the feature, and no generic XDP program */
    bool extras;                /* something is on that most machines are without (driver_extras()) */
    int64_t skbs_taken;         /* holds_skbs: of the ring, since the last refill */
    uint64_t ring_skbs;         /* ever allocated for it */
};

/* Whether the queue's frames meet any of: pages, hardware time stamps, software checksums, the limit of DDIO. */
bool driver_extras(const struct nic_queue *q);

void driver_poll(struct context *x);

#endif
