/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/gro.h"

#include "models/flow.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct gro_params, gro_normal_batch, "net.core.gro_normal_batch", UNIT_COUNT, 8, 1, 1000,
          "segments that make GRO hand up its list", "net/core/hotdata.c: 8"),
    PARAM(struct gro_params, gro_max_size, "nic.gro_ipv4_max_size", UNIT_BYTES, 65536, 2048, 524280,
          "an aggregate stays below this many bytes", "GRO_LEGACY_MAX_SIZE; ip link gro_ipv4_max_size"),
    PARAM(struct gro_params, gro_max_size6, "nic.gro_max_size", UNIT_BYTES, 65536, 2048, 524280,
          "the same for IPv6", "GRO_LEGACY_MAX_SIZE; ip link gro_max_size"),
    PARAM_SWITCH(struct gro_params, constant_id_needs_df, "kernel.gro.constant_id_needs_df", 1,
                 "segments that share one IP ID merge only with DF set", "net/ipv4/af_inet.c inet_gro_receive; 6.19 not"),
    PARAM_COST(struct gro_params, frame, "cost.gro.frame", 98, "offering one frame to GRO",
               "UDP19: GRO on less GRO off, 26 ns at 3.8 GHz"),
    PARAM_COST(struct gro_params, bypass, "cost.gro.bypass", 0, "passing one frame through napi_gro_receive with GRO off",
               "UDP19's raw drop with GRO off has it in the other costs; 107 instructions measured under icount"),
    PARAM_COST(struct gro_params, merge, "cost.gro.merge", 110, "appending it to a held packet",
               "assumption: page frag bookkeeping, about a cache line more"),
    PARAM_COST(struct gro_params, flush, "cost.gro.flush", 40, "completing a held packet: lengths and checksum fields",
               "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct gro_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct gro_counters, gro_packets, "gro_packets", "simulator only (mlx5 ethtool -S has gro_packets)",
            "skbs offered to GRO"),
    COUNTER(struct gro_counters, gro_merged, "gro_merged", "simulator only", "of them merged into a held one"),
    COUNTER(struct gro_counters, gro_skbs, "gro_skbs", "simulator only (mlx5 ethtool -S has gro_skbs)",
            "skbs that left GRO"),
};
ALL_COUNTERS_HAVE_ROWS(struct gro_counters, counter_rows);

const struct model_info gro_model = {
    .name = "gro", .step = "4", .what = "segments of a flow become one skb",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, gro), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

enum { IP_TCP_FIN_PSH = TCP_FIN | TCP_PSH, UDP_GRO_COUNT = 64, LEGACY_MAX = 65536 };    /* UDP_GRO_CNT_MAX, GRO_LEGACY_MAX_SIZE */

/* TCP and UDP have each a copy of what they share: most frames of a TCP run come by here. */
#define GRO_INLINE static inline __attribute__((always_inline))

static int32_t payload(const struct skb *s)
{
    return (int32_t)(s->end_seq - s->seq) - !!(s->tcp_flags & TCP_SYN) - !!(s->tcp_flags & TCP_FIN);
}

static void complete(struct gro *g, int bucket, int i)
{
    struct skb *s = g->held[bucket][i];

    for (int k = i + 1; k < g->held_count[bucket]; k++)
        g->held[bucket][k - 1] = g->held[bucket][k];
    g->held_count[bucket]--;
    g->held_total--;
    gro_emit(g, s);
}

static void complete_flow(struct gro *g, int bucket, uint32_t flow)
{
    for (int i = 0; i < g->held_count[bucket]; i++) {
        if (g->held[bucket][i]->flow == flow) {
            complete(g, bucket, i);
            return;
        }
    }
}

static void hold(struct gro *g, int bucket, struct skb *s, int64_t jiffy)
{
    if (g->held_count[bucket] == GRO_HELD)
        complete(g, bucket, 0);
    s->stamp = jiffy;
    g->held[bucket][g->held_count[bucket]++] = s;
    g->held_total++;
}

/* What can be held or merged at all: whole, checked packets without padding. */
static bool candidate(const struct skb *s)
{
    if (s->bad)
        return false;
    return s->len == s->ip_len + s->header_len + payload(s);    /* padded frames are longer than tot_len */
}

static int32_t segment_size(const struct skb *p)
{
    return p->gso_size ? p->gso_size : payload(p);
}

/* What the IP headers must agree in: the second frame decides whether the IP ID counts or stays. */
GRO_INLINE bool ip_matches(const struct gro *g, const struct skb *p, const struct skb *s)
{
    uint16_t step = (uint16_t)(s->ip_id - p->ip_id);
    bool fixed_ok = step == 0 && (s->ip_df || !g->params->constant_id_needs_df);
    bool id_ok = p->frames == 1 ? step == 1 || fixed_ok : p->ip_id_fixed ? fixed_ok : step == p->frames;

    return s->ttl == p->ttl && s->tos == p->tos && s->ip_df == p->ip_df && (id_ok || s->ipv6);
}

GRO_INLINE bool fits(const struct gro *g, const struct skb *p, const struct skb *s)
{
    int64_t len = p->len + payload(s);
    bool allowed = len < LEGACY_MAX || (!s->outer && s->header_len >= TCP_HLEN);

    return allowed && len < (s->ipv6 ? g->params->gro_max_size6 : g->params->gro_max_size);
}

/* tcp_gro_receive and inet_gro_receive: may `s` be appended to held `p` of the same flow? */
static bool mergeable(const struct gro *g, const struct skb *p, const struct skb *s)
{
    int32_t mss = segment_size(p);
    bool size_ok = s->gso_size ? s->gso_size == mss && !s->has_frag_list : payload(s) <= mss;

    return ip_matches(g, p, s) &&
           !((s->tcp_flags ^ p->tcp_flags) & ~IP_TCP_FIN_PSH & 0xff) && !(s->tcp_flags & TCP_CWR) &&
           s->window == p->window && s->header_len == p->header_len && s->ack == p->ack &&
           s->tsval == p->tsval && s->tsecr == p->tsecr && p->end_seq == s->seq &&
           payload(s) > 0 && size_ok && fits(g, p, s);
}

static bool ends_aggregate(uint8_t flags)
{
    return flags & (TCP_URG | TCP_PSH | TCP_RST | TCP_SYN | TCP_FIN);
}

GRO_INLINE void merge(struct skb *p, struct skb *s, uint32_t end_seq)
{
    if (!p->gso_size) {
        p->gso_size = (uint16_t)payload(p);
        p->ip_id_fixed = s->ip_id == p->ip_id;
    }
    p->last->next = s->first;
    p->last = s->last;
    p->frames += s->frames;
    p->len += payload(s);
    /* a page fragment's sk_buff goes and its buffer stays; what cannot be a fragment is kept whole on the frag list */
    bool as_frag = s->head_frag && p->frags + s->frags < GRO_MAX_FRAGS;
    int32_t truesize = as_frag ? s->truesize_frag : s->truesize;
    p->truesize += truesize;
    p->truesize_frag += truesize;       /* for when it is merged itself, behind a tunnel */
    p->end_seq = end_seq;
    p->tcp_flags |= s->tcp_flags & IP_TCP_FIN_PSH;
    if (as_frag)
        p->frags = (uint8_t)(p->frags + s->frags + 1);
    else
        p->has_frag_list = 1;
    s->first = s->last = NULL;
    s->frames = 0;
}

bool gro_receive_tcp(struct gro *g, struct skb *s, int64_t jiffy)
{
    int bucket = (int)(s->hash & (GRO_BUCKETS - 1));

    if (!candidate(s)) {
        if (!s->bad)
            complete_flow(g, bucket, s->flow);  /* a padded segment does not overtake its flow */
        gro_emit(g, s);
        return false;
    }
    for (int i = 0; i < g->held_count[bucket]; i++) {
        struct skb *p = g->held[bucket][i];
        if (p->flow != s->flow)
            continue;
        if (mergeable(g, p, s)) {
            int32_t mss = segment_size(p);
            bool last = (s->gso_size ? payload(s) % mss != 0 : payload(s) < mss) || ends_aggregate(s->tcp_flags);
            merge(p, s, s->end_seq);
            g->counters.gro_merged++;
            if (last)
                complete(g, bucket, i);
            return true;
        }
        complete(g, bucket, i);                 /* same flow, not mergeable: order is kept */
        break;
    }
    if (ends_aggregate(s->tcp_flags) || payload(s) == 0 || s->has_frag_list)
        gro_emit(g, s);
    else
        hold(g, bucket, s, jiffy);
    return false;
}

/* udp_gro_receive_segment. A padded datagram passes by a held one of its flow. */
bool gro_receive_udp(struct gro *g, struct skb *s, int64_t jiffy)
{
    int bucket = (int)(s->hash & (GRO_BUCKETS - 1));

    if (!candidate(s) || s->frames > 1 || s->first->frags > 0) {
        gro_emit(g, s);
        return false;
    }
    for (int i = 0; i < g->held_count[bucket]; i++) {
        struct skb *p = g->held[bucket][i];
        if (p->flow != s->flow)
            continue;
        int32_t size = segment_size(p);
        if (payload(s) <= size && ip_matches(g, p, s) && fits(g, p, s)) {
            bool last = payload(s) < size || p->frames + 1 >= UDP_GRO_COUNT;
            s->head_frag &= !s->udp_list;        /* a chain keeps each whole */
            merge(p, s, p->end_seq + (uint32_t)payload(s));
            g->counters.gro_merged++;
            if (last)
                complete(g, bucket, i);
            return true;
        }
        complete(g, bucket, i);
        break;
    }
    hold(g, bucket, s, jiffy);
    return false;
}

void gro_flush(struct gro *g, bool old_only, int64_t now)
{
    if (g->held_total == 0)
        return;
    for (int b = 0; b < GRO_BUCKETS; b++) {
        while (g->held_count[b] > 0 && !(old_only && g->held[b][0]->stamp >= now))
            complete(g, b, 0);
    }
}

void gro_init(struct gro *g, const struct gro_params *p)
{
    *g = (struct gro){ .params = p };
}
