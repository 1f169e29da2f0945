/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The adaptive interrupt throttling of Intel's older drivers, for one vector: what interval the last polls ask for.
 *
 * In    itr_update()     a poll has completed: packets and bytes since the last call
 * Out   the interval to be programmed from now on
 *
 *   ixgbe   few packets: by their size; up to 48 a little longer, up to 96 as it is, up to 256 half of it, above by size
 *   i40e    the same idea with thresholds 56, 112, 256; after each change three polls are not looked at
 *   igb     several queues: the average size is the interval; one queue: classes as e1000e
 *   e1000e  classes lowest, low, bulk latency: 70 000, 20 000, 4 000 interrupts a second, shorter intervals in steps
 * ixgbe and i40e forget what they have measured when more than a jiffy has passed since the last update.
 * igb and e1000e are in mode 3, their default: lowest counts as low, and igb's interval is 49 us at least.
 * (ixgbe_main.c ixgbe_update_itr, ixgbe_set_itr; i40e_txrx.c i40e_update_itr, i40e_update_enable_itr; igb_main.c
 * igb_update_ring_itr, igb_update_itr, igb_set_itr; e1000e netdev.c e1000_update_itr, e1000_set_itr; all of 6.12.)
 * Not modelled: what the transmit half of a vector sends enters none of it. To ixgbe and i40e, which ask both halves, the
 * transmit half is one without packets, as on a host that only receives. */
#ifndef MODELS_ITR_H
#define MODELS_ITR_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/time.h"

enum itr_kind { ITR_IXGBE, ITR_I40E, ITR_IGB, ITR_E1000E };
enum itr_class { ITR_LOWEST, ITR_LOW, ITR_BULK };

/* Receive or transmit half of a vector of ixgbe or i40e. */
struct itr_half {
    int64_t us;                 /* wanted */
    bool latency;               /* the flag that goes with it: few packets, latency counts */
    int64_t current;            /* i40e: in the register, us and flag */
    bool current_latency;
    int64_t next_update;        /* jiffies */
};

struct itr {
    enum itr_kind kind;
    int64_t link;               /* bit/s */
    bool classes;               /* igb with one queue */
    struct itr_half rx, tx;
    int64_t us;                 /* ixgbe: programmed */
    int64_t countdown;          /* i40e: polls to be left out */
    enum itr_class class;       /* igb, e1000e */
    int64_t value;              /* igb: in units of 250 ns; e1000e: interrupts a second */
};

void itr_init(struct itr *t, enum itr_kind kind, int64_t link, int queues);
ps_t itr_interval(const struct itr *t);         /* programmed now */
ps_t itr_update(struct itr *t, int64_t packets, int64_t bytes, int64_t jiffies);
/* The driver writes the register in its next interrupt's handler, so that the one after that obeys (igb, e1000e). */
static inline bool itr_is_late(const struct itr *t) { return t->kind == ITR_IGB || t->kind == ITR_E1000E; }

#endif
