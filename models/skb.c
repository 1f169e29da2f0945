/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/skb.h"

#include "models/flow.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_COST(struct skb_params, alloc, "cost.skb.alloc", 180, "build_skb: sk_buff from the cache, cleared, headers pulled",
               "what is left of the 561 cycles of UDP19's raw drop; clearing 7.9 ns, bulk alloc and free 6.8 ns"),
    PARAM(struct skb_params, page_every, "cost.skb.page_every", UNIT_COUNT, 0, 0, 100000,
          "heads cut from one page, so that every so manieth skb needs a new one; 0: pages are recycled",
          "measured under icount: every 4th copied frame (page_frag_alloc_1k)"),
    PARAM_COST(struct skb_params, page, "cost.skb.page", 230, "allocating that page",
               "page alloc and free 55-62 ns, 3.8 GHz (Brouer's kernel micro-benchmarks)"),
    PARAM_COST(struct skb_params, page_free, "cost.skb.page_free", 0, "freeing it, with the last of its heads",
               "in the 55-62 ns of cost.skb.page; 242 instructions measured under icount"),
    PARAM(struct skb_params, heads_every, "cost.skb.heads_every", UNIT_COUNT, 16, 0, 100000,
          "every so many skbs the per-CPU cache of sk_buffs is refilled; 0: never",
          "net/core/skbuff.c NAPI_SKB_CACHE_BULK 16"),
    PARAM_COST(struct skb_params, heads, "cost.skb.heads", 250, "refilling that cache",
               "18 ns an object in bulk, 3.8 GHz (Brouer's kernel micro-benchmarks), for 16, less what alloc has"),
    PARAM_COST(struct skb_params, ring, "cost.skb.ring", 180, "an skb allocated for the ring (nic.ring.holds_skbs)",
               "assumption: as cost.skb.alloc; 354 instructions measured under icount"),
    PARAM_COST(struct skb_params, ring_heads, "cost.skb.ring_heads", 250,
               "more for every heads_every-th of these", "assumption: as cost.skb.heads; 4692 instructions under icount"),
    PARAM_COST(struct skb_params, ring_free, "cost.skb.ring_free", 0, "more to free one of these: its large buffer",
               "assumption: none beyond cost.skb.free; about 100 instructions measured under icount"),
    PARAM_COST(struct skb_params, free, "cost.skb.free", 60, "freeing an skb that is dropped or was read",
               "assumption: 30.5 ns for alloc and free singly, half of it"),
};
ALL_FIELDS_HAVE_ROWS(struct skb_params, rows);

const struct model_info skb_model = {
    .name = "skb", .step = "3", .what = "sk_buff: built around the frame, charged by truesize",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, skb), .params = rows, .n_params = ROWS(rows),
};

static const struct param nic_rows[] = {
    PARAM(struct skb_nic_params, truesize, "nic.skb.truesize", UNIT_BYTES, 2304, 256, 65536,
          "memory charged for an skb around the receive buffer",
          "ixgbe, igb, i40e, ice: build_skb on half a 4 KiB page, SKB_TRUESIZE: 2048 + 256"),
    PARAM(struct skb_nic_params, truesize_copied, "nic.skb.truesize_copied", UNIT_BYTES, 1280, 256, 65536,
          "memory charged for a frame up to nic.copybreak, copied into a small head",
          "e1000e on 6.1 to 6.12: 1280 (6.19: 896, 5.15: 768)"),
    PARAM(struct skb_nic_params, truesize_frag, "nic.skb.truesize_frag", UNIT_BYTES, 2048, 0, 65536,
          "memory charged for each further segment of a GRO skb", "half a 4 KiB page"),
};
ALL_FIELDS_HAVE_ROWS(struct skb_nic_params, nic_rows);

const struct model_info skb_nic_model = {
    .name = "skb", .step = "3", .what = "the driver's truesize rules",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, skb), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

void skb_complete(struct skb *s, const struct flow *flow, const struct skb_nic_params *p, bool hashed)
{
    const struct skb had = *s;

    skb_build(s, had.first, flow, p, !had.head_frag);
    s->next = had.next;
    s->page = had.page;
    s->from_ring = had.from_ring;
    if (!hashed)
        s->hash = 0;
}

/* What a tag, a tunnel, IPv6 change. */
static void build_special(struct skb *s, const struct flow *flow)
{
    int inner = flow->ipv6 ? IPV6_HLEN : IP_HLEN;

    s->outer = flow->outer != 0;
    s->vlan = flow->vlan != 0;
    s->ipv6 = flow->ipv6 != 0;
    s->udp_gro = flow->udp_gro != UDP_GRO_NONE;
    s->udp_list = flow->udp_gro == UDP_GRO_LIST;
    s->ip_len = (int16_t)(flow->outer + inner);
    s->transport_header = (int16_t)(s->network_header + (flow->outer ? IP_HLEN : inner));
    if (s->vlan) {                      /* the tag is not counted: it is out, or about to be taken out */
        s->len -= VLAN_HLEN;
        s->tail = (int16_t)(s->tail - VLAN_HLEN);
    }
}

void skb_build(struct skb *s, struct frame *f, const struct flow *flow, const struct skb_nic_params *p, bool copied)
{
    int ip_header = flow->key.proto == FLOW_NOT_IP ? 0 : IP_HLEN;
    int l4_header = flow->key.proto == FLOW_UDP   ? UDP_HLEN
                    : flow->key.proto == FLOW_TCP ? TCP_HLEN + (f->tsval | f->tsecr ? TCP_TS : 0)
                                                  : 0;

    f->next = NULL;
    s->next = NULL;
    s->first = s->last = f;
    s->page = NULL;
    s->frames = 1;
    s->truesize = (int32_t)(copied ? p->truesize_copied : p->truesize);
    s->truesize_frag = (int32_t)p->truesize_frag;
    s->ip_id_fixed = 0;
    s->flow = f->flow;
    s->hash = flow->hash;
    s->mac_header = SKB_HEADROOM;
    s->network_header = (int16_t)(s->mac_header + ETH_HLEN);
    s->transport_header = (int16_t)(s->network_header + ip_header);
    s->header_len = (int16_t)l4_header;
    s->data = s->network_header;
    s->ip_len = (int16_t)ip_header;
    s->len = f->wire_bytes - ETH_FCS - ETH_HLEN;
    s->tail = (int16_t)(s->data + s->len);
    s->end = (int16_t)(s->truesize - 256 - 320);        /* sk_buff and skb_shared_info are charged too */
    s->queue = f->queue;
    s->nic = flow->nic;
    s->seq = f->seq;
    s->end_seq = f->seq + (uint32_t)f->payload + !!(f->tcp_flags & TCP_SYN) + !!(f->tcp_flags & TCP_FIN);
    s->ack = f->ack;
    s->tsval = f->tsval;
    s->tsecr = f->tsecr;
    s->window = f->window;
    s->gso_size = 0;
    s->ip_id = f->ip_id;
    s->tcp_flags = f->tcp_flags;
    s->ttl = f->ttl;
    s->tos = f->tos;
    s->ip_df = f->ip_df;
    s->bad = f->bad;
    s->head_frag = !copied;
    s->has_frag_list = 0;
    s->frags = 0;
    s->from_ring = 0;
    s->plain = 0;
    s->verdict = 0;
    s->form = 0;                        /* SKB_DEV_NIC, nothing of a form, no entry of conntrack */
    if (flow->special | flow->udp_gro)
        build_special(s, flow);
    s->copied = 0;
    s->stamp = 0;
}
