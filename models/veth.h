/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A veth pair: what one end sends is received at the other, in the sender's context. A NIC of kind veth is the
 * receiving end, its name is that end's; tx_ counters are those of the end that sends.
 *
 * In    veth_xmit()        an skb of a local sender (models/sendmsg), bottom halves off
 * Out   rps_enqueue        without NAPI: netif_rx, the backlog of this CPU, or of the one that RPS says
 *       gro_receive        with NAPI: a ring of pointers and veth_poll, then as any driver's
 *       host_skb_drop      backlog or ring full
 *
 * NAPI is used where GRO is on at the receiving end and the skb is eligible: TSO off at the sending end, or UDP
 * GRO forwarding on. The first skb into the ring masks further notifications until the poll has found the ring
 * empty. A NAPI that is not threaded runs on the CPU that sends. (drivers/net/veth.c)
 * Not modelled: a nic.threaded_cpu that does not exist (it is the last), XDP, several queues, the sender's qdisc
 * and its stop on a full ring. */
#ifndef MODELS_VETH_H
#define MODELS_VETH_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/ptr_ring.h"

struct nic;
struct nic_queue;

struct veth_params {            /* of the host: costs */
    int64_t xmit;
    int64_t notify;
    int64_t frame;
};
extern const struct model_info veth_model;

struct veth_nic_params {
    int64_t mtu;
    int64_t tso;
    int64_t udp_segmentation;
    int64_t udp_gro_forwarding;
    int64_t ring;
    int64_t batch;
    int64_t threaded_cpu;
};
extern const struct model_info veth_nic_model;

struct veth_counters {
    uint64_t tx_packets;
    uint64_t tx_dropped;
    uint64_t rx_dropped;
    uint64_t xdp_packets;
    uint64_t xdp_bytes;
};

struct veth {
    const struct veth_params *params;
    const struct veth_nic_params *nic_params;
    struct veth_counters counters;
    struct nic *nic;
    struct nic_queue *queue;
    struct ptr_ring ring;
    bool rx_notify_masked;
};

/* Makes NIC `n` a veth. Returns 0, or -1 when out of memory. */
int veth_init(struct nic *n);
/* False: it was dropped. Costs go to context.owed. */
bool veth_xmit(struct context *x, struct veth *v, struct skb *s);

#endif
