/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MAC: frame check sequence and length.
 *
 * In    mac_check()      the frame's last bit is here
 *       mac_filter()     a good one that is for another MAC address
 * Out   FATE_IN_FLIGHT: good, to the FIFO; else the name under which it dies
 *
 * A bad frame uses no FIFO space and no descriptor. Below 64 bytes with a good FCS is undersize, above the largest
 * frame oversize: both rx_length_errors, and one of the two more that say which. (IEEE 802.3; ixgbe: rx_errors sums
 * both.) With a bad FCS they are fragments and jabber: rx_crc_errors here.
 *
 * A frame for another host's address, which a switch floods, ends at the address filter and moves no counter of a Linux
 * host, unless the interface is promiscuous (ip link set promisc on; tcpdump does it): then IP drops it.
 * Not modelled: the filter's hash collisions and its overflow, multicast and VLAN filters, rx-all. */
#ifndef MODELS_MAC_H
#define MODELS_MAC_H

#include <stdbool.h>

#include "models/config.h"
#include "models/drop.h"
#include "models/frame.h"

struct mac_params {
    int64_t max_frame;
    int64_t promisc;
};
extern const struct model_info mac_model;

struct mac_counters {
    uint64_t rx_packets_phy;    /* everything that arrived */
    uint64_t rx_bytes_phy;
    uint64_t rx_crc_errors;
    uint64_t rx_length_errors;
    uint64_t rx_short_length_errors, rx_long_length_errors;     /* its parts */
    uint64_t rx_filtered;
};

struct mac {
    const struct mac_params *params;
    struct mac_counters counters;
};

/* What is wrong with a frame that fails mac_check's test. */
enum fate mac_refuse(struct mac *m, const struct frame *f);

/* A good frame for somebody else: its end. */
enum fate mac_filter(struct mac *m);

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
