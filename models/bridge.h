/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bridge with a container behind a veth pair: one more pass through the core, by the backlog.
 *
 * In    bridge_takes()       is the skb's device a port of the bridge?
 *       bridge_forward()     the core has an skb of such a port
 * Out   rps_enqueue          the veth's peer receives by netif_rx: this CPU's backlog, and the core again from there
 *       host_skb_drop        that backlog was full
 *
 * The bridge's handler stands before IP, so the host's IP and its firewall never see the packet; the container's do, in a
 * namespace of its own without rules. An skb that GRO has made stays one on its way. A full backlog counts in
 * softnet_stat of this CPU and as dropped at both ends of the pair; no other counter moves.
 * (net/bridge/br_input.c, drivers/net/veth.c veth_xmit, net/core/dev.c netif_rx)
 * Not modelled: br_netfilter, VLAN filtering, flooding and learning, RPS of the veth, the container's own NAT, routed
 * containers. IP's and UDP's counters of the namespaces are one set here; nstat shows each in its own. */
#ifndef MODELS_BRIDGE_H
#define MODELS_BRIDGE_H

#include <stdbool.h>

#include "models/config.h"
#include "models/cpu.h"

enum bridge_master { MASTER_NONE, MASTER_BRIDGE };

struct bridge_params {
    int64_t tunnel_master;      /* enum bridge_master */
    int64_t forward;
};
extern const struct model_info bridge_model;

struct bridge_nic_params {
    int64_t master;             /* enum bridge_master */
};
extern const struct model_info bridge_nic_model;

struct bridge_counters {
    uint64_t tx_packets;
    uint64_t tx_dropped;
    uint64_t rx_dropped;
};

bool bridge_takes(const struct host *h, const struct skb *s);
/* What handler, bridge and veth cost for one skb. */
ps_t bridge_cost(const struct host *h);
void bridge_forward(struct context *x, struct skb *s);

#endif
