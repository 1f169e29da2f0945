/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of an skb that a local sender allocates: what a socket is charged for it on the other end of a veth, where
 * the same skb is received.
 *
 * In    skb_local_truesize()   a local sender builds a packet of so many bytes
 * Out   -
 *
 * alloc_skb: the head is aligned to a cache line, skb_shared_info is added, and the allocator rounds up: to the
 * small-head cache where it fits, else to a power of two. ip_append_data asks for the packet and a reserve for the
 * link layer's header. (net/core/skbuff.c kmalloc_reserve, net/ipv4/ip_output.c __ip_append_data)
 * Not modelled: page fragments of large sends over NETIF_F_SG, TCP's heads, the 96 and 192 byte caches (no head is
 * that small). */
#ifndef MODELS_SKB_LOCAL_H
#define MODELS_SKB_LOCAL_H

#include <stdint.h>

#include "models/config.h"

struct skb_local_params {
    int64_t reserve;
    int64_t align;
    int64_t shared_info;
    int64_t sk_buff;
    int64_t small_head;
};
extern const struct model_info skb_local_model;

/* truesize of a packet of `bytes` from the IP header on. */
int64_t skb_local_truesize(const struct skb_local_params *p, int64_t bytes);

#endif
