/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP_SEGMENT sends that arrive whole: udp_queue_rcv_skb cuts them for a socket that did not ask for UDP_GRO.
 *
 * In    udp_gso_rcv()    an skb for UDP
 * Out   udp_rcv          itself, or each of its datagrams
 *
 * Until here such a send is one skb: one unit of a backlog, of a poll and of `processed`. A socket with UDP_GRO reads it
 * in one recv(). (net/ipv4/udp.c udp_unexpected_gso) */
#ifndef MODELS_UDP_GSO_H
#define MODELS_UDP_GSO_H

#include "models/config.h"
#include "models/cpu.h"

struct udp_gso_params {
    int64_t udp_gro;
};
extern const struct model_info udp_gso_model;

struct udp_gso_host_params {
    int64_t segment;
};
extern const struct model_info udp_gso_host_model;

bool udp_gso_rcv(struct context *x);    /* context.skb: a stage_fn */

#endif
