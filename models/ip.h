/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv4: validation, routing, local delivery or forwarding.
 *
 * In    ip_rcv()             one skb of a list: checks, PRE_ROUTING, route
 *       ip_local_deliver()   LOCAL_IN, then the protocol
 *       ip_output()          what is forwarded leaves
 * Out   netfilter            its hooks
 *       udp_rcv, tcp_rcv     by protocol
 *       tx_xmit              by the NIC of host.default_route; without one a forwarded frame ends here
 *
 * Checks in the kernel's order: other host, header, checksum, length. InDelivers counts after the handler whatever
 * L4 decides. (net/ipv4/ip_input.c)
 * Forwarding shares cache lines between cores (route, neighbour, device): models/cache.
 * Not modelled: options, reassembly of fragments from a wire (they are delivered to nobody: NO_SOCKET;
 * a local sender's are put together, in defrag), multicast, rp_filter, ICMP answers, TTL of forwarded packets, IPv6. */
#ifndef MODELS_IP_H
#define MODELS_IP_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/drop.h"

struct ip_params {
    int64_t address;            /* UNIT_TEXT */
    int64_t ip_forward;
    int64_t rcv;
    int64_t rcv_demuxed;
    int64_t deliver;
    int64_t forward;
};
extern const struct model_info ip_model;

struct ip_counters {
    uint64_t InReceives;
    uint64_t InHdrErrors;
    uint64_t InAddrErrors;
    uint64_t InDelivers;
    uint64_t InTruncatedPkts;
    uint64_t InCsumErrors;
    uint64_t ForwDatagrams;
};

/* Whether an skb passes IP's checks, PRE_ROUTING and the route: FATE_IN_FLIGHT if it is for us. */
enum fate ip_rcv(struct host *h, struct skb *s, ps_t *cost);
/* FATE_FORWARDED, or why it could not be sent on. */
enum fate ip_output(struct host *h, const struct skb *s);
/* LOCAL_IN: FATE_IN_FLIGHT to go on to L4. */
enum fate ip_local_deliver(struct host *h, struct skb *s, ps_t *cost);

#endif
