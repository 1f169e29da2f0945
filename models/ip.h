/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv4: validation, routing, local delivery or forwarding.
 *
 * In    ip_rcv()             one skb of a list: checks, PRE_ROUTING, route, and what forwarding it takes
 *       ip_local_deliver()   LOCAL_IN, then the protocol
 *       ip_output()          what is forwarded leaves
 *       ip_flow_init(), ip_fold_costs()   the run begins: what depends on addresses alone
 * Out   netfilter            its hooks
 *       udp_rcv, tcp_rcv     by protocol
 *       tx_xmit              by the NIC of the route; without one a forwarded frame ends here
 *
 * Checks in the kernel's order: other host, header, checksum, length; PRE_ROUTING; then the route's: martian addresses,
 * reverse path, forwarding off, no route; TTL; FORWARD and POST_ROUTING. InDelivers counts after the handler whatever
 * L4 decides. (net/ipv4/ip_input.c, route.c ip_route_input_slow, ip_forward.c)
 * nic.routes says what lies behind each NIC; the longest prefix decides, and what none of them covers goes to
 * host.default_route. Where no NIC has any, everything has a route by every interface. Early demux: a TCP skb whose
 * socket is there has its route with it and skips all of that.
 * A lookup costs cost.ip.fib_level for each doubling of host.routes; rp_filter makes a second one.
 * Forwarding shares cache lines between cores (route, neighbour, device): models/cache.
 * IPv6 goes by models/ip6, fragments by defrag, multicast by udp_mcast. A container's packets meet no rules (models/bridge),
 * and a tunnel's outer packets are always for us.
 * Not modelled: options, fragments of captures (they are delivered to nobody: NO_SOCKET), ICMP answers, the route hint of a
 * list's previous skb, early demux of connected UDP sockets. */
#ifndef MODELS_IP_H
#define MODELS_IP_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/drop.h"
#include "models/flow.h"

enum rp_filter { RP_FILTER_OFF, RP_FILTER_STRICT, RP_FILTER_LOOSE };

struct ip_params {
    int64_t address;            /* UNIT_TEXT */
    int64_t routes;
    int64_t ip_forward;
    int64_t rp_filter;          /* enum rp_filter */
    int64_t ip_early_demux;
    int64_t tcp_early_demux;
    int64_t rcv;
    int64_t rcv_demuxed;
    int64_t fib_level;
    int64_t validate_source;
    int64_t deliver;
    int64_t forward;
};
extern const struct model_info ip_model;

struct ip_nic_params {
    int64_t routes;             /* UNIT_TEXT */
};
extern const struct model_info ip_nic_model;

struct ip_counters {
    uint64_t InReceives;
    uint64_t InHdrErrors;
    uint64_t InAddrErrors;
    uint64_t InDelivers;
    uint64_t InTruncatedPkts;
    uint64_t InCsumErrors;
    uint64_t InNoRoutes;
    uint64_t IPReversePathFilter;
    uint64_t in_martian_src, in_martian_dst;
    uint64_t ForwDatagrams;
};

/* Whether an skb passes IP's checks, PRE_ROUTING and the route: FATE_IN_FLIGHT if it is for us. */
enum fate ip_rcv(struct host *h, struct skb *s, ps_t *cost);
/* FATE_FORWARDED, or why it could not be sent on. */
enum fate ip_output(struct host *h, const struct skb *s);
/* LOCAL_IN: FATE_IN_FLIGHT to go on to L4. */
enum fate ip_local_deliver(struct host *h, struct skb *s, ps_t *cost);

/* What the route says of a flow; its key and NIC are known. */
void ip_flow_init(const struct config *c, struct flow *f);
/* Adds what a lookup costs by the size of the table to what receiving costs. Once a machine, costs in picoseconds. */
void ip_fold_costs(struct ip_params *p);
/* Is the address in a list "a, b"? */
bool ip_in_list(const char *list, uint32_t address);
/* NULL, or what is no list of prefixes. */
const char *ip_check(const struct config *c, char *buffer, size_t size);

#endif
