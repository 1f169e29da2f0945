/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netif_receive_skb: from the driver's list to the protocol handlers.
 *
 * In    netif_receive_list()   GRO hands up a list (context.list)
 *       netif_receive()        the backlog's poll hands up what RPS steered here
 *       netif_find_plain_flows()   the run begins: whose datagrams take the short way (in the source)
 * Out   rps                    steered to another CPU's backlog
 *       ip_rcv                 IPv4
 *       host_skb_drop          no handler
 *
 * Order: processed++, generic XDP, taps (AF_PACKET sees GRO's skbs), tc ingress, netfilter's netdev family, then the handlers. The core and IP
 * work of a whole list comes first, then L4 skb by skb (ip_sublist_rcv), so a list of eight does not cost eight
 * lists of one.
 * A tagged skb goes around once more as its VLAN device's; a bridge's handler comes before the protocols' (models/vlan,
 * bridge). XDP, tc and the netdev family are the NIC's: what comes from a VLAN device, a tunnel or a veth does not meet them
 * again. Such an skb keeps the time of its first pass.
 * Not modelled: bond and macvlan handlers. */
#ifndef MODELS_NETIF_H
#define MODELS_NETIF_H

#include "models/config.h"
#include "models/cpu.h"

struct netif_params {
    int64_t list;
    int64_t skb;
    int64_t list_end;
};
extern const struct model_info netif_model;

struct netif_counters {
    uint64_t processed;
    uint64_t rx_nohandler;
};

/* What GRO has listed for context.napi: a stage_fn. */
bool netif_receive_list(struct context *x);
/* context.list, which RPS has already steered here: a stage_fn. */
bool netif_receive(struct context *x);
/* At the start of a run: which flows' datagrams may take the short way. */
void netif_find_plain_flows(struct host *h);

#endif
