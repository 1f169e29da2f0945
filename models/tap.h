/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taps: AF_PACKET sockets for every protocol (tcpdump), and the programs that read them.
 *
 * In    tap_receive()    netif shows an skb: after GRO, before tc and every netfilter hook
 * Out   the reader's wake-up; what the copies cost
 *
 * A tap clones each skb, filters it and copies it into its PACKET_MMAP ring. With app.tap_ring 0 the rings never fill and
 * nobody reads them: the usual cost, no more. Else each tap has so many slots and a task that empties them one by one on
 * CPU app.tap_cpu; a full ring costs the tap the copy (tp_drops, tcpdump's "dropped by kernel"), and the packet itself
 * goes on. Copies are no frames: the ledger does not know them. (net/packet/af_packet.c tpacket_rcv)
 * Not modelled: TPACKET_V3's blocks (a slot holds one skb, as in V2), taps on one interface or protocol only, what is sent. */
#ifndef MODELS_TAP_H
#define MODELS_TAP_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/sched.h"

struct tap_params {
    int64_t taps;
    int64_t ring;               /* 0: without end */
    int64_t cpu;
    int64_t tap;
    int64_t tap_byte;
    int64_t read;
};
extern const struct model_info tap_model;

struct tap_counters {
    uint64_t tapped;
    uint64_t dropped;
};

struct tap {
    struct host *host;
    struct task reader;
    int64_t used;               /* slots that the reader has not given back */
};

/* Returns -1 when out of memory. */
int tap_init(struct host *h);
void tap_start(struct host *h);
/* Shows the skb to all of them; returns what it costs. */
ps_t tap_receive(struct context *x, const struct skb *s);

#endif
