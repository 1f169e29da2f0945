/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv6: what differs from IPv4 on the way in.
 *
 * In    ip6_rcv()            one skb of a list: checks, PRE_ROUTING, route
 *       ip6_input()          LOCAL_IN, then the protocol
 * Out   as models/ip
 *
 * No header checksum, counters of its own (/proc/net/snmp6), forwarding by its own switch, no ip_early_demux for its
 * route here. UDP's counters are its own, too; TCP's are common. Rules and tables are those of netfilter.*: read them as
 * nft's family inet. (net/ipv6/ip6_input.c, net/ipv6/ip6_output.c ip6_forward)
 * Not modelled: routes (host.default_route and nic.routes hold for the IPv4 address in it; a lookup costs the same whatever
 * host.routes), extension headers, neighbour discovery, flow labels, ip6tables apart from iptables, fragments. */
#ifndef MODELS_IP6_H
#define MODELS_IP6_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/drop.h"

struct ip6_params {
    int64_t forwarding;
    int64_t rcv;
};
extern const struct model_info ip6_model;
/* UDP's counters in /proc/net/snmp6: rows only. */
extern const struct model_info udp6_model;

struct ip6_counters {
    uint64_t InReceives;
    uint64_t InHdrErrors;
    uint64_t InAddrErrors;
    uint64_t InTruncatedPkts;
    uint64_t InDelivers;
    uint64_t OutForwDatagrams;
};

enum fate ip6_rcv(struct host *h, struct skb *s, ps_t *cost);
enum fate ip6_input(struct host *h, struct skb *s, ps_t *cost);

#endif
