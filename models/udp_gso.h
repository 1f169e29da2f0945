/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datagrams that arrive as one skb: udp_queue_rcv_skb cuts it for a socket that did not ask for UDP_GRO.
 *
 * In    udp_gso_find_gro()   the machine is built: which flows' datagrams GRO merges (models/gro)
 *       udp_gso_rcv()    an skb for UDP
 * Out   udp_rcv          itself, or each of its datagrams
 *
 * A local sender's UDP_SEGMENT send, and what GRO has merged: until here one skb, one unit of a backlog, of a poll and of
 * `processed`. A socket with UDP_GRO reads it in one recv(). A chain (rx-gro-list) is never read so: it is taken apart here,
 * for less. (net/ipv4/udp.c udp_unexpected_gso, net/ipv4/udp_offload.c udp_gro_receive)
 * Not modelled: GRO of a veth's datagrams, UDP_GRO of a socket that is one of several for a multicast group. */
#ifndef MODELS_UDP_GSO_H
#define MODELS_UDP_GSO_H

#include "models/config.h"
#include "models/cpu.h"

struct udp_gso_params {
    int64_t udp_gro;
};
extern const struct model_info udp_gso_model;

struct udp_gso_nic_params {
    int64_t rx_gro_list;
};
extern const struct model_info udp_gso_nic_model;

struct udp_gso_host_params {
    int64_t chained;
    int64_t segment;
};
extern const struct model_info udp_gso_host_model;

void udp_gso_find_gro(struct host *h);
bool udp_gso_rcv(struct context *x);    /* context.skb: a stage_fn */

#endif
