/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ip_defrag: the fragments of a datagram become one skb again.
 *
 * In    ip_defrag()      an skb for this host, before netfilter's LOCAL_IN
 * Out   -                the whole datagram, or nothing yet
 *       host_skb_drop    no memory for another fragment, or the rest of a datagram did not come in time
 *
 * A queue for each datagram that is not complete. Its fragments stay whole on the frag list, so the socket is charged the
 * sum of their truesizes. They and the queues count as memory: beyond net.ipv4.ipfrag_high_thresh every fragment is
 * refused, also of a datagram that is almost complete. A queue that is older than net.ipv4.ipfrag_time is thrown away.
 * IpReasmReqds counts fragments, IpReasmOKs datagrams; IpReasmFails both refused fragments and queues that were thrown
 * away. (net/ipv4/ip_fragment.c ip_defrag, ip_expire; net/ipv4/inet_fragment.c inet_frag_find)
 * IP IDs wrap: fragments of a later datagram may join those that were left of an earlier one. One that is there already is
 * dropped (DUP_FRAG), the rest makes a datagram of two.
 * Not modelled: the checksum that finds those out, the timer's CPU time, the ICMP message it sends, ipfrag_max_dist (64
 * fragments of other datagrams between two of one), fragments of captures (no socket takes those), conntrack's
 * reassembly before PRE_ROUTING, IPv6. */
#ifndef MODELS_DEFRAG_H
#define MODELS_DEFRAG_H

#include "models/config.h"
#include "models/skb.h"
#include "sim/engine/event.h"

struct host;
struct context;

struct defrag_params {
    int64_t high_thresh;
    int64_t time;
    int64_t queue_bytes;
    int64_t fragment;
};
extern const struct model_info defrag_model;

struct defrag_counters {
    uint64_t ReasmReqds;
    uint64_t ReasmOKs;
    uint64_t ReasmFails;
    uint64_t ReasmTimeout;
};

/* A datagram of which fragments are missing. */
struct frag_queue {
    struct frag_queue *next;            /* of all, oldest first */
    struct frag_queue *before;
    struct frag_queue *sibling;         /* the next older of its flow */
    struct skb_queue fragments;         /* in their order in the datagram */
    uint64_t there[4];                  /* bits: which */
    int64_t bytes;                      /* what it counts as memory */
    uint32_t flow;
    uint16_t ip_id;
    ps_t expires_at;
};

struct defrag {
    struct host *host;
    const struct defrag_params *params;
    struct defrag_counters counters;
    struct pool queues;
    struct frag_queue *first, *last;
    struct event expire;                /* of the first */
    int64_t memory;
};

int defrag_init(struct defrag *d, struct host *h, const struct defrag_params *p);
void defrag_free(struct defrag *d);
/* The skb itself if it is whole, the datagram it completes, or NULL: it was kept, or dropped. Costs go to context.owed. */
struct skb *ip_defrag(struct context *x, struct skb *s);

#endif
