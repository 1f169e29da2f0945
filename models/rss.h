/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receive-side scaling: which queue of the NIC a flow arrives at.
 *
 * In    rss_hash()       the Toeplitz hash of a flow, computed once when the flow is made
 *       rss_queue()      the queue the indirection table gives that hash
 * Out   -                no time passes: the NIC hashes while the frame arrives
 *
 * The hash covers addresses and ports of TCP, addresses alone of other IPv4 (and of UDP, unless the driver
 * was told otherwise: `ethtool -N eth0 rx-flow-hash udp4 sdfn`), and is 0 for what is not IPv4. Fragments
 * are told apart from whole datagrams by their protocol, FLOW_OTHER_IP, so they hash on addresses as in
 * hardware. One flow is one queue: RSS never spreads a flow. Not modelled: IPv6, other tables than the
 * usual 128 entries (X550: 512), weights and contexts of `ethtool -X`, hashes of inner headers, Flow
 * Director. */
#ifndef MODELS_RSS_H
#define MODELS_RSS_H

#include <stddef.h>
#include <stdint.h>

#include "models/config.h"
#include "models/flow.h"

enum { RSS_KEY = 40, RSS_TABLE = 128 };         /* bytes; entries (82599, X540, igb) */

enum rss_indirection { RSS_MODULO, RSS_BLOCKS };        /* i % queues; i * queues / 128 */

struct rss_params {
    int64_t hash_udp_ports;     /* switch */
    int64_t indirection;        /* enum rss_indirection */
    int64_t hkey;               /* UNIT_TEXT: 40 bytes in hex with colons, as `ethtool -x` prints it */
    int64_t symmetric_xor;      /* switch */
};
extern const struct model_info rss_model;

struct rss {
    struct rss_params params;
    uint8_t key[RSS_KEY];
    uint8_t table[RSS_TABLE];   /* queues */
};

/* Fills key and table for `queues` (1..CONFIG_QUEUES) queues. `hkey` is the text behind params.hkey; NULL
 * or empty is the default key. Returns 0, or -1 if it is not a key (then the default is in force). */
int rss_init(struct rss *r, const struct rss_params *p, const char *hkey, int queues);

/* Reads a key. Returns 0 or -1. */
int rss_key_parse(const char *text, uint8_t key[RSS_KEY]);

/* The hash of `bytes` (at most 36) bytes in network order: bit i of them, if set, adds the 32 bits of the
 * key from bit i on. */
uint32_t rss_toeplitz(const uint8_t key[RSS_KEY], const uint8_t *input, size_t bytes);

uint32_t rss_hash(const struct rss *r, const struct flow_key *key);

static inline int rss_queue(const struct rss *r, uint32_t hash)
{
    return r->table[hash & (RSS_TABLE - 1)];
}

#endif
