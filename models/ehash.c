/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ehash.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct ehash_params, sockets, "host.tcp_sockets", UNIT_COUNT, 0, 0, 100000000,
          "established TCP sockets beside those of the traffic: idle connections", "ours: none"),
    PARAM(struct ehash_params, buckets, "net.ipv4.tcp_ehash_entries", UNIT_COUNT, 524288, 1, 16777216,
          "buckets of the table of established sockets", "net/ipv4/tcp.c tcp_init: one for 128 KiB of memory, at most 524288"),
    PARAM(struct ehash_params, cache, "kernel.ehash.cache", UNIT_BYTES, 4 << 20, 0, (int64_t)1 << 40,
          "cache that the table and the sockets' first lines may fill before lookups miss",
          "assumption: a quarter of a last-level cache of 16 MiB, the rest being other data's"),
    PARAM(struct ehash_params, footprint, "kernel.ehash.footprint", UNIT_BYTES, 192, 8, 4096,
          "bytes of cache a socket's lookup takes: the bucket's head and two lines of the socket",
          "include/net/sock.h: sock_common's keys and the fields of tcp_v4_rcv; three lines of 64"),
    PARAM_COST(struct ehash_params, chain, "cost.tcp.chain", 10, "each further socket in a bucket's chain, in cache",
               "assumption: a compare and a load"),
    PARAM_COST(struct ehash_params, miss, "cost.tcp.lookup_miss", 300, "a lookup whose lines are not in the cache",
               "assumption: one access to memory, the others overlap"),
};
ALL_FIELDS_HAVE_ROWS(struct ehash_params, rows);

const struct model_info ehash_model = {
    .name = "ehash", .step = "6", .what = "finding an established socket among many",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, ehash), .params = rows, .n_params = ROWS(rows),
};

__extension__ typedef __int128 i128;

ps_t ehash_lookup(const struct ehash_params *p)
{
    int64_t n = p->sockets, fit = p->cache / p->footprint;
    ps_t missed = n > fit ? (ps_t)((i128)p->miss * (n - fit) / n) : 0;

    return missed + (ps_t)((i128)(p->chain + missed) * n / p->buckets);
}
