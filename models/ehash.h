/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of established TCP sockets: what a lookup costs when there are many.
 *
 * In    ehash_lookup()   the cost of one lookup beyond that in a small table
 * Out   -
 *
 * A lookup walks its bucket's chain: of n sockets in b buckets it passes n / b others on average, and reads a cache line of
 * each for the comparison. What it reads, its bucket's head and the socket's first lines, comes from the cache as long as all
 * of them fit into kernel.ehash.cache; beyond, the share that does not fit misses. The sockets are idle connections
 * (host.tcp_sockets): they are there, and nothing else; the run's own are few beside them and not counted.
 * (net/ipv4/inet_hashtables.c __inet_lookup_established)
 * Not modelled: TIME_WAIT's part of the chains, the listening table, the lines' competition with other data. */
#ifndef MODELS_EHASH_H
#define MODELS_EHASH_H

#include "models/config.h"
#include "sim/engine/time.h"

struct ehash_params {
    int64_t sockets;
    int64_t buckets;
    int64_t cache;
    int64_t footprint;
    int64_t chain;
    int64_t miss;
};
extern const struct model_info ehash_model;

/* Costs unpacked. */
ps_t ehash_lookup(const struct ehash_params *p);

#endif
