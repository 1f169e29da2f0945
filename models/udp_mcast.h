/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multicast and broadcast: whether this host wants a group, and a copy for every socket that has the port.
 *
 * In    udp_mcast_find_groups()  the machine is built: which flows' groups somebody has joined
 *       udp_mcast_route()    IP asks whom a frame with traffic.cast is for
 *       udp_mcast_rcv()      UDP has such an skb
 * Out   udp_queue            each socket with its port, the first one the skb itself and the others clones of it
 *       host_skb_drop        no socket has the port
 *
 * A group that no application has joined is dropped by IP, and no counter of IP tells. One that somebody has joined goes to
 * every socket with its port, joined or not (IP_MULTICAST_ALL is on by default). Copies are no frames: the ledger has the
 * frame once, at the end of the skb itself, and copies have counters here; what sockets count, copies count too.
 * (net/ipv4/route.c ip_route_input_rcu, net/ipv4/udp.c __udp4_lib_mcast_deliver)
 * Not modelled: the NIC's multicast filter, IGMP, multicast routing, tables of memberships, raw sockets, IPv6. */
#ifndef MODELS_UDP_MCAST_H
#define MODELS_UDP_MCAST_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/drop.h"
#include "models/frame.h"

struct udp_mcast_params {       /* of an application */
    int64_t groups;             /* UNIT_TEXT */
};
extern const struct model_info udp_mcast_model;

struct udp_mcast_host_params {
    int64_t clone;
};
extern const struct model_info udp_mcast_host_model;

struct udp_mcast_counters {
    uint64_t InMcastPkts;
    uint64_t InBcastPkts;
    uint64_t IgnoredMulti;
    uint64_t copies;
    uint64_t copies_read;
    uint64_t copies_dropped;
};

void udp_mcast_find_groups(struct host *h);
enum fate udp_mcast_route(struct host *h, const struct skb *s);
bool udp_mcast_rcv(struct context *x);  /* context.skb: a stage_fn */
/* The end of a copy. */
void udp_mcast_copy_end(struct host *h, struct frame *f, enum fate fate);

#endif
