/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MAC: frame check sequence and length.
 *
 * In    mac_check()      the frame's last bit is here
 * Out   FATE_IN_FLIGHT: good, to the FIFO; else the name under which it dies
 *
 * A bad frame uses no FIFO space and no descriptor. Below 64 bytes with a good FCS is undersize, above the largest
 * frame oversize: both rx_length_errors. (IEEE 802.3; ixgbe: rx_errors sums both.)
 * Not modelled: address filters (the flow says whether a frame is for another host), rx-all. */
#ifndef MODELS_MAC_H
#define MODELS_MAC_H

#include <stdbool.h>

#include "models/config.h"
#include "models/drop.h"
#include "models/frame.h"

struct mac_params {
    int64_t max_frame;
};
extern const struct model_info mac_model;

struct mac_counters {
    uint64_t rx_packets_phy;    /* everything that arrived */
    uint64_t rx_bytes_phy;
    uint64_t rx_crc_errors;
    uint64_t rx_length_errors;
};

struct mac {
    const struct mac_params *params;
    struct mac_counters counters;
};

/* What is wrong with a frame that fails mac_check's test. */
enum fate mac_refuse(struct mac *m, const struct frame *f);

static inline bool mac_good(const struct mac *m, const struct frame *f)
{
    return !(f->bad & FRAME_BAD_FCS) && f->wire_bytes >= ETH_SHORTEST && f->wire_bytes <= m->params->max_frame;
}

static inline void mac_count(struct mac *m, const struct frame *f)
{
    m->counters.rx_packets_phy++;
    m->counters.rx_bytes_phy += (uint64_t)f->wire_bytes;
}

static inline enum fate mac_check(struct mac *m, const struct frame *f)
{
    mac_count(m, f);
    return mac_good(m, f) ? FATE_IN_FLIGHT : mac_refuse(m, f);
}

#endif
