/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connection tracking: which flows the host knows, and what happens when it can know no more.
 *
 * In    conntrack_in()        PRE_ROUTING, between raw and mangle: the packet's entry is found or made
 *       conntrack_confirm()   the end of LOCAL_IN or POST_ROUTING: a new entry goes into the table
 *       conntrack_forget()    the packet was dropped between the two
 *       conntrack_reply()     this host has answered
 * Out   the verdict; what it cost
 *
 * A new entry counts at once but can be found only when its packet has been confirmed. A list of packets passes
 * PRE_ROUTING as a whole before the first of it is confirmed, and two CPUs need not wait for each other either, so the
 * first packets of a flow may each make an entry. The second to be confirmed finds the first (clash): where the kernel
 * resolves it (UDP, from 4.7 on) it takes over that one's entry, else the packet is dropped: insert_failed.
 * (nf_conntrack_core.c __nf_conntrack_confirm, nf_ct_resolve_clash)
 * A new flow at a full table (nf_conntrack_max) looks at eight buckets from its own for entries that are not assured and
 * throws out those of the first bucket that has any (early_drop); without one the packet is dropped. An entry is in two
 * buckets, one for each direction. TCP entries are assured once this host has acknowledged; UDP ones are not, and a
 * listener's connections neither: what models/reply and models/listen send is not shown to the table yet.
 * An entry ends when no packet has refreshed it for its timeout. It is taken out when somebody looks for it or early drop
 * comes by, else by the garbage collector, which comes every kernel.conntrack_gc_interval.
 * A TCP flow that begins without SYN has had its handshake before the run: its entry is confirmed at once.
 * Not modelled: the collector's own work and the kernel's adaption of its interval, the hash chains' length, helpers and
 * expectations, zones, TCP window checks (INVALID), states after the end of a connection, `found` of conntrack -S (since
 * 4.9 it counts only ports that NAT found taken). Fragments of a local sender are one packet, whose entry is confirmed at
 * once. */
#ifndef MODELS_CONNTRACK_H
#define MODELS_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "models/cache.h"
#include "models/config.h"
#include "models/cpu.h"
#include "models/flow.h"

struct conntrack_params {
    int64_t on;
    int64_t nf_conntrack_max;
    int64_t nf_conntrack_buckets;
    int64_t udp_timeout;
    int64_t syn_sent_timeout;
    int64_t unacknowledged_timeout;
    int64_t established_timeout;
    int64_t generic_timeout;
    int64_t gc_interval;
    int64_t resolve_clash;
    int64_t packet;
    int64_t fresh;
};
extern const struct model_info conntrack_model;

struct conntrack_counters {
    uint64_t entries;
    uint64_t drop;
    uint64_t early_drop;
    uint64_t insert_failed;
    uint64_t clash_resolve;
};

struct conntrack_entry {
    ps_t expires;
    uint32_t next[2];           /* in its bucket of either direction; models/conntrack.c */
    uint8_t confirmed, assured;
};

struct conntrack {
    const struct conntrack_params *params;
    const struct cache *cache;
    struct conntrack_counters counters;
    struct conntrack_entry *entry;      /* one a flow; NULL: off */
    uint32_t flows;
    uint32_t *bucket;           /* NULL: the table cannot become full */
    uint64_t seed;
    ps_t collected_at;          /* of the collector's last round */
};

/* Returns -1 when out of memory. */
int conntrack_init(struct conntrack *t, const struct conntrack_params *p, const struct cache *c, uint32_t flows, uint64_t seed);
void conntrack_free(struct conntrack *t);
static inline bool conntrack_on(const struct conntrack *t) { return t->entry != NULL; }

/* False: the table is full, the packet is to be dropped. `first`: it made the entry. */
bool conntrack_in(struct conntrack *t, struct skb *s, const struct flow *f, ps_t now, ps_t *cost, bool *first);
/* False: another packet of its flow was faster, and the packet is to be dropped. */
bool conntrack_confirm(struct conntrack *t, struct skb *s, const struct flow *f, ps_t now);
void conntrack_forget(struct conntrack *t, struct skb *s);
void conntrack_reply(struct conntrack *t, uint32_t flow, ps_t now);

#endif
