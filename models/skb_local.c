/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/skb_local.h"

#include "models/host_config.h"
#include "sim/engine/bits.h"

static const struct param rows[] = {
    PARAM(struct skb_local_params, reserve, "kernel.skb.tx_reserve", UNIT_BYTES, 31, 0, 4096,
          "head bytes that a local sender reserves beyond the packet: link layer header and alignment",
          "ip_output.c: LL_RESERVED_SPACE of Ethernet, 16, and 15"),
    PARAM(struct skb_local_params, align, "kernel.skb.align", UNIT_BYTES, 64, 1, 256, "heads are whole cache lines",
          "SKB_DATA_ALIGN: SMP_CACHE_BYTES of x86-64"),
    PARAM(struct skb_local_params, shared_info, "kernel.skb.shared_info", UNIT_BYTES, 320, 0, 4096,
          "skb_shared_info behind each head", "x86-64 with 17 frags"),
    PARAM(struct skb_local_params, sk_buff, "kernel.skb.sk_buff", UNIT_BYTES, 256, 0, 4096,
          "struct sk_buff, charged with its head", "x86-64: 4 cache lines"),
    PARAM(struct skb_local_params, small_head, "kernel.skb.small_head", UNIT_BYTES, 576, 0, 4096,
          "size of the cache for small heads; 0: none, all heads are powers of two",
          "skbuff.c SKB_SMALL_HEAD_CACHE_SIZE, 6.3 on; 576 measured on 6.18"),
};
ALL_FIELDS_HAVE_ROWS(struct skb_local_params, rows);

const struct model_info skb_local_model = {
    .name = "skb_local", .step = "-", .what = "memory of an skb that a local sender builds",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, skb_local), .params = rows, .n_params = ROWS(rows),
};

int64_t skb_local_truesize(const struct skb_local_params *p, int64_t bytes)
{
    int64_t head = (bytes + p->reserve + p->align - 1) / p->align * p->align + p->shared_info;

    return (head <= p->small_head ? p->small_head : power_of_two(head)) + p->sk_buff;
}
