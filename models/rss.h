/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receive-side scaling: which queue of the NIC a flow arrives at.
 *
 * In    rss_hash()       the Toeplitz hash of a flow, computed once when the flow is made
 *       rss_queue()      the queue the indirection table gives that hash
 *       ntuple_queue()   the queue an explicit rule gives the flow, before any hash
 * Out   -                no time passes: the NIC hashes while the frame arrives
 *
 * The hash covers addresses and ports of TCP, addresses alone of other IPv4 (and of UDP, unless the driver
 * was told otherwise: `ethtool -N eth0 rx-flow-hash udp4 sdfn`), and is 0 for what is not IPv4. Fragments
 * are told apart from whole datagrams by their protocol, FLOW_OTHER_IP, so they hash on addresses as in
 * hardware. One flow is one queue: RSS never spreads a flow.
 *
 * nic.rss.indir is the table as `ethtool -X` takes it: "equal 4", "weight 6 2", with "start 2" before either, or the list of
 * all its entries as `ethtool -x` prints them; empty is the driver's own filling. nic.ntuple are rules as `ethtool -N` takes
 * them, "dst-port 9000 action 3; src-ip 10.0.0.7 action 0": the first that matches names the queue.
 * Not modelled: RSS contexts (a second table that ntuple rules name), hashes of inner headers, masks and drops in
 * ntuple rules, the room that rules take in the NIC. */
#ifndef MODELS_RSS_H
#define MODELS_RSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/config.h"
#include "models/flow.h"

enum { RSS_KEY = 40, RSS_TABLE = 128, RSS_LARGEST = 4096 };     /* bytes; entries: 82599, X540, igb; at most */
enum { RSS_HASHED = 12 };       /* bytes that go into a flow's hash */

enum rss_indirection { RSS_MODULO, RSS_BLOCKS };        /* i % queues; i * queues / size */

struct rss_params {
    int64_t hash_udp_ports;     /* switch */
    int64_t indirection;        /* enum rss_indirection */
    int64_t hkey;               /* UNIT_TEXT: 40 bytes in hex with colons, as `ethtool -x` prints it */
    int64_t symmetric_xor;      /* switch */
    int64_t indir_size;         /* entries of the table: a power of two */
    int64_t indir;              /* UNIT_TEXT: its contents as ethtool -X takes them */
    int64_t ntuple;             /* UNIT_TEXT: rules as ethtool -N takes them */
};
extern const struct model_info rss_model;

struct rss {
    struct rss_params params;
    uint8_t key[RSS_KEY];
    uint32_t part[RSS_HASHED][256];     /* what each value of each hashed byte adds */
    uint32_t mask;              /* entries less one */
    uint8_t table[RSS_LARGEST]; /* queues */
};

/* Fills key and table for `queues` (1..CONFIG_QUEUES) queues. `hkey` is the text behind params.hkey, `indir` the one behind
 * params.indir; NULL or empty is the default. Returns NULL, or what is wrong with one (then the default is in force). */
const char *rss_init(struct rss *r, const struct rss_params *p, const char *hkey, const char *indir, int queues);

/* Reads a key. Returns 0 or -1. */
int rss_key_parse(const char *text, uint8_t key[RSS_KEY]);

/* The hash of `bytes` (at most 36) bytes in network order: bit i of them, if set, adds the 32 bits of the
 * key from bit i on. */
uint32_t rss_toeplitz(const uint8_t key[RSS_KEY], const uint8_t *input, size_t bytes);

uint32_t rss_hash(const struct rss *r, const struct flow_key *key);
/* The same over IPv6 addresses in network order; ports and protocol are the key's. */
uint32_t rss_hash6(const struct rss *r, const uint8_t saddr[16], const uint8_t daddr[16], const struct flow_key *key);

static inline int rss_queue(const struct rss *r, uint32_t hash)
{
    return r->table[hash & r->mask];
}

/* A rule of `ethtool -N`: what is not given matches everything. */
struct ntuple {
    uint32_t saddr, daddr;
    int sport, dport;           /* -1: not given */
    int queue;
    bool by_saddr, by_daddr;
    uint8_t proto;              /* 0: not given */
};
struct ntuples { struct ntuple *rule; int n; };

/* Reads the rules of a text for a NIC of so many queues. NULL, or what is wrong with them. The caller frees rules.rule. */
const char *ntuple_parse(struct ntuples *rules, const char *text, int queues);
/* The queue that the first matching rule gives a flow; -1 if none matches. */
int ntuple_queue(const struct ntuples *rules, const struct flow_key *key);

#endif
