/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The near end of a VXLAN or GRE tunnel: the outer headers come off, and the packet is received a second time.
 *
 * In    tunnel_rcv()       IP has delivered an outer packet
 * Out   gro_cells          a NAPI of the tunnel's own on this CPU, in the same softirq: GRO again, then the core again
 *       host_skb_drop      its queue was full
 *
 * VXLAN comes by UDP (udp_rcv finds the kernel's socket, UdpInDatagrams counts), GRE by a protocol of IP. A cell holds
 * netdev_max_backlog + 1 skbs - the test is the backlog's, but softnet_stat does not count its drops: only the tunnel's
 * rx_dropped does. A cell's poll takes 64 skbs. (drivers/net/vxlan/vxlan_core.c, net/ipv4/ip_gre.c, net/core/gro_cells.c)
 * Not modelled: keys and VNIs that nobody has, metadata mode, checksums of the outer headers, what is sent back. */
#ifndef MODELS_TUNNEL_H
#define MODELS_TUNNEL_H

#include <stdbool.h>

#include "models/config.h"
#include "models/cpu.h"
#include "models/napi.h"

struct tunnel_params {
    int64_t vxlan;
    int64_t gre;
    int64_t enqueue;
    int64_t dequeue;
};
extern const struct model_info tunnel_model;

struct tunnel_counters {
    uint64_t rx_packets;
    uint64_t rx_dropped;
};

/* gro_cells: of one CPU. */
struct gro_cell {
    struct napi napi;
    struct skb_queue skbs;
    struct tunnel_counters counters;
};

int tunnel_init(struct gro_cell *cell, struct cpu *c);
bool tunnel_rcv(struct context *x);     /* context.skb: a stage_fn */

#endif
