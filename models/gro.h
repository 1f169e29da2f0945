/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GRO: segments of one flow become one skb before the stack sees them.
 *
 * In    gro_receive()    the driver's poll has an skb
 *       gro_flush()      the poll ends, or a timeout says so
 * Out   rx_list          skbs to hand up, in order; handed up when they hold gro_normal_batch segments
 *
 * Held packets sit in 8 buckets by hash, at most 8 in each; a full bucket gives up its oldest. What must match:
 * flow, TTL, TOS, DF, IP ID in step, window, header length, acknowledgment, flags but FIN and PSH, timestamps
 * identical, sequence contiguous, length at most that of the first, total below gro_max_size, the frame not padded.
 * Only TCP outside of tunnels passes 64 KB, whatever gro_max_size says. IPv6 has no IP ID to compare.
 * UDP is merged if the socket has UDP_GRO, if the NIC has rx-gro-list (then also for a socket without), or, with
 * rx-udp-gro-forwarding, if there is no socket: equal lengths, a shorter one last, at most 64, a checksum that is not 0.
 * Packets of a tunnel are merged under their outer headers, and once more behind the tunnel (models/tunnel); there an
 * skb with a frag list is not merged any more. (net/core/gro.c, net/ipv4/tcp_offload.c, net/ipv4/udp_offload.c)
 * Not modelled: hardware GRO and LRO, an outer IP ID out of step, inner checksums that the NIC does not check, more
 * than one tunnel around a packet. */
#ifndef MODELS_GRO_H
#define MODELS_GRO_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/flow.h"
#include "models/skb.h"

enum { GRO_BUCKETS = 8, GRO_HELD = 8 };         /* GRO_HASH_BUCKETS, MAX_GRO_SKBS */
enum { GRO_MAX_FRAGS = 17 };                    /* MAX_SKB_FRAGS: further segments go on the frag list */

struct gro_params {
    int64_t gro_normal_batch;
    int64_t gro_max_size;               /* IPv4 */
    int64_t gro_max_size6;
    int64_t constant_id_needs_df;       /* kernels up to 6.18: an IP ID that stays the same merges only with DF */
    int64_t frame;
    int64_t bypass;
    int64_t merge;
    int64_t flush;
};
extern const struct model_info gro_model;

struct gro_counters {
    uint64_t gro_packets;       /* skbs offered to GRO */
    uint64_t gro_merged;        /* of them appended to a held one */
    uint64_t gro_skbs;          /* skbs that left, merged or not */
};

struct gro {
    const struct gro_params *params;
    struct gro_counters counters;
    struct skb *held[GRO_BUCKETS][GRO_HELD];    /* oldest first */
    int held_count[GRO_BUCKETS];
    int held_total;
    struct skb_queue rx_list;
    int64_t rx_odd;             /* of them, those that are not plain (models/netif) */
    int64_t rx_count;           /* segments on rx_list */
};

void gro_init(struct gro *g, const struct gro_params *p);

/* An skb goes to the list that is handed up. */
static inline void gro_emit(struct gro *g, struct skb *s)
{
    g->counters.gro_skbs++;
    g->rx_count += s->frames;
    g->rx_odd += !s->plain;
    skb_push_tail(&g->rx_list, s);
}

bool gro_receive_tcp(struct gro *g, struct skb *s, int64_t jiffy);
bool gro_receive_udp(struct gro *g, struct skb *s, int64_t jiffy);
/* Takes one skb; true if it was merged into a held one (the skb is then empty and the caller's to free). What has no room
 * for a TCP header is never held. */
static inline bool gro_receive(struct gro *g, struct skb *s, bool enabled, int64_t jiffy)
{
    g->counters.gro_packets++;
    if (enabled && s->header_len >= TCP_HLEN)
        return gro_receive_tcp(g, s, jiffy);
    if (enabled && !s->plain && s->udp_gro)
        return gro_receive_udp(g, s, jiffy);
    gro_emit(g, s);
    return false;
}
/* Completes held packets: all, or only those whose first segment is from before jiffy `now`. */
void gro_flush(struct gro *g, bool old_only, int64_t now);

static inline bool gro_list_full(const struct gro *g)
{
    return g->rx_count >= g->params->gro_normal_batch;
}

#endif
