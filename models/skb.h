/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sk_buff: what the driver makes of a frame. It owns a list of frames (more than one after GRO), and knows
 * head, data, tail, end and what its memory is charged as.
 *
 * In    skb_build()      the driver has a frame and its buffer
 *       skb_pull()       a layer takes its header off
 * Out   -
 *
 * truesize rules (kernel-version and driver facts, as parameters): build_skb on a half page charges
 * SKB_TRUESIZE(half page); a frame up to `nic.copybreak` is copied into a small head of its own.
 * What a tunnel has around a packet counts as outer: data begins at the outer IP header until the tunnel takes it off.
 * Small heads are cut from pages, `page_every` from each: allocating one costs, and so does the last free of its heads.
 * A frame over several buffers has the first in its linear part and a fragment for each further.
 * Not modelled: the bytes themselves. */
#ifndef MODELS_SKB_H
#define MODELS_SKB_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/frame.h"

struct flow;

struct skb_params {
    int64_t alloc;
    int64_t page_every, page, page_free;
    int64_t heads_every, heads;
    int64_t ring, ring_heads, ring_free;
    int64_t free;
};

/* A page that small heads are cut from: it is freed with the last of them. */
struct head_page { int64_t heads; };
extern const struct model_info skb_model;

struct skb_nic_params {
    int64_t truesize;           /* of an skb around the receive buffer */
    int64_t truesize_copied;    /* of a frame copied into a small head */
    int64_t truesize_frag;      /* what a further segment adds in GRO */
};
extern const struct model_info skb_nic_model;

enum skb_dev { SKB_DEV_NIC, SKB_DEV_VLAN, SKB_DEV_TUNNEL, SKB_DEV_CONTAINER };

struct skb {
    struct skb *next;           /* in whatever list it is */
    struct frame *first, *last; /* its frames in stream order */
    struct head_page *page;     /* its head's; NULL: not from one */
    int32_t frames;             /* how many */
    int32_t len;                /* bytes from data to the end, frags included */
    int32_t truesize;
    int32_t truesize_frag;      /* what it adds when GRO makes it a fragment of another */
    uint32_t flow;
    uint32_t hash;
    /* offsets from head: the linear buffer */
    int16_t data, tail, end;
    int16_t mac_header, network_header, transport_header;
    int16_t header_len;         /* TCP or UDP header bytes with options */
    int16_t ip_len;             /* what is before that: IP, and a tunnel's headers as long as they are on it */
    int16_t queue;              /* NIC queue it came by, -1 for none */
    int16_t nic;
    /* TCP: of the whole skb; seq/end_seq in sequence space */
    uint32_t seq, end_seq, ack, tsval, tsecr;
    uint16_t window;
    uint16_t gso_size;          /* payload of the first segment; 0 if a single frame */
    uint16_t ip_id;
    uint8_t tcp_flags, ttl, tos, ip_df;
    uint8_t ip_id_fixed;        /* GRO: all its frames have one IP ID */
    /* in one byte, so that an skb stays two cache lines: where it is received, and its flow's form (models/form) */
    union {
        uint8_t form;                   /* all of them */
        struct {
            uint8_t dev : 2;            /* enum skb_dev */
            uint8_t outer : 1;          /* a tunnel's headers are still on it */
            uint8_t vlan : 1;           /* its tag has not been looked at yet */
            uint8_t ipv6 : 1;
            uint8_t udp_gro : 1;        /* GRO may merge it with datagrams of its flow .. */
            uint8_t udp_list : 1;       /* .. as a chain */
            uint8_t ct_new : 1;         /* it has made an entry that is not confirmed (models/conntrack) */
        };
    };
    uint16_t bad;
    /* GRO and others: private to the layer that holds it */
    uint8_t head_frag, has_frag_list, frags;
    uint8_t from_ring;          /* the ring's own skb, not one made in the poll */
    uint8_t plain;              /* a whole, good datagram of a plain flow: what its layers would read is not filled in */
    uint8_t verdict;            /* enum fate: what IP decided, until the list's work is done */
    int32_t copied;             /* bytes a reader has already taken from the front */
    int64_t stamp;              /* GRO: jiffy of arrival; multicast: number of the application; socket: time queued */
};

struct skb_queue {
    struct skb *first, *last;
    int64_t length;
};

static inline void skb_push_tail(struct skb_queue *q, struct skb *s)
{
    s->next = NULL;
    if (q->first)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
    q->length++;
}

static inline struct skb *skb_pop(struct skb_queue *q)
{
    struct skb *s = q->first;

    if (s) {
        q->first = s->next;
        q->length--;
    }
    return s;
}

/* Appends all of `from` to `to` and empties `from`. */
static inline void skb_splice(struct skb_queue *to, struct skb_queue *from)
{
    if (!from->first)
        return;
    if (to->first)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->length += from->length;
    *from = (struct skb_queue){ 0 };
}

enum { SKB_HEADROOM = 64 };

/* Makes an skb of a frame, protocol header at network_header, data at the IP header (eth_type_trans has pulled the
 * Ethernet header). `copied`: into a small head. */
void skb_build(struct skb *s, struct frame *f, const struct flow *flow, const struct skb_nic_params *p, bool copied);

/* The same for a datagram that takes the short way through the stack (models/netif): only what is read there. */
static inline void skb_build_plain(struct skb *s, struct frame *f, const struct skb_nic_params *p, bool copied)
{
    f->next = NULL;
    s->first = s->last = f;
    s->page = NULL;
    s->frames = 1;
    s->truesize = (int32_t)(copied ? p->truesize_copied : p->truesize);
    s->flow = f->flow;
    s->header_len = UDP_HLEN;
    s->gso_size = 0;
    s->bad = 0;
    s->from_ring = 0;
    s->head_frag = !copied;
    s->plain = 1;
}

/* Fills in the rest of such an skb, for company that takes the long way. */
void skb_complete(struct skb *s, const struct flow *flow, const struct skb_nic_params *p, bool hashed);

/* The frame goes on in `n` more buffers, the first being full with `bytes`. */
static inline void skb_add_buffers(struct skb *s, int n, int64_t bytes)
{
    s->truesize += n * s->truesize_frag;
    s->truesize_frag *= n + 1;
    s->frags = (uint8_t)n;
    s->tail = (int16_t)(s->mac_header + bytes);
}

/* Bytes that are not in the linear part (skb->data_len) of an skb as the driver has built it. */
static inline int32_t skb_data_len(const struct skb *s)
{
    return s->len - (s->tail - s->data);
}

/* A layer takes its header off: data moves on by n. Returns the new data offset. */
static inline int skb_pull(struct skb *s, int n)
{
    s->data = (int16_t)(s->data + n);
    s->len -= n;
    return s->data;
}

#endif
