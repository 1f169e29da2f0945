/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/conntrack.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "sim/engine/hash.h"

/* Default timeouts: nf_conntrack_proto_udp.c udp_timeouts, nf_conntrack_proto_tcp.c tcp_timeouts,
 * nf_conntrack_proto_generic.c. */
#define TIMEOUT(member, name, seconds, text, src) \
    PARAM(struct conntrack_params, member, "net.netfilter.nf_conntrack_" name, UNIT_TIME, (seconds) * SEC, 1 * MS, \
          1000000 * SEC, text, src)

static const struct param rows[] = {
    PARAM_SWITCH(struct conntrack_params, on, "netfilter.conntrack", 0, "connection tracking is active",
                 "on as soon as a rule asks for a ctstate"),
    PARAM(struct conntrack_params, nf_conntrack_max, "net.netfilter.nf_conntrack_max", UNIT_COUNT, 262144, 1, INT32_MAX,
          "entries of the connection table; new flows beyond are dropped",
          "nf_conntrack_core.c: 262144 with 4 GiB or more"),
    PARAM(struct conntrack_params, nf_conntrack_buckets, "net.netfilter.nf_conntrack_buckets", UNIT_COUNT, 262144, 1, 1 << 26,
          "buckets of its hash table: early drop looks at eight of them", "nf_conntrack_core.c: 262144 with 4 GiB or more, from 5.15 on"),
    TIMEOUT(udp_timeout, "udp_timeout", 30, "an unanswered UDP flow is forgotten after", "udp_timeouts[UDP_CT_UNREPLIED]"),
    TIMEOUT(syn_sent_timeout, "tcp_timeout_syn_sent", 120, "a SYN without an answer is forgotten after",
            "tcp_timeouts[TCP_CONNTRACK_SYN_SENT]"),
    TIMEOUT(unacknowledged_timeout, "tcp_timeout_unacknowledged", 300,
            "a TCP connection that nobody has answered is forgotten after", "tcp_timeouts[TCP_CONNTRACK_UNACK]"),
    TIMEOUT(established_timeout, "tcp_timeout_established", 432000, "a TCP connection is forgotten after",
            "tcp_timeouts[TCP_CONNTRACK_ESTABLISHED]: five days"),
    TIMEOUT(generic_timeout, "generic_timeout", 600, "a flow of another protocol is forgotten after", "nf_ct_generic_timeout"),
    PARAM(struct conntrack_params, gc_interval, "kernel.conntrack_gc_interval", UNIT_TIME, 60 * SEC, 1 * MS, 3600 * SEC,
          "how often the garbage collector looks through the table", "nf_conntrack_core.c GC_SCAN_INTERVAL_MAX; it adapts from 1 s on"),
    PARAM_SWITCH(struct conntrack_params, resolve_clash, "kernel.conntrack_resolve_clash", 1,
                 "of two entries for one new flow the second gives way without loss (UDP and others, never TCP)",
                 "nf_ct_resolve_clash: from 4.7 on; off: insert_failed and a drop"),
    PARAM_COST(struct conntrack_params, packet, "cost.netfilter.conntrack", 942,
               "connection tracking of one packet", "XDP18: conntrack less INPUT drop, 248 ns at 3.8 GHz"),
    PARAM_COST(struct conntrack_params, fresh, "cost.netfilter.conntrack_new", 0, "more for the packet that makes the entry",
               "assumption: none; flows live long in XDP18, so its packets do not show it"),
};
ALL_FIELDS_HAVE_ROWS(struct conntrack_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct conntrack_counters, entries, "nf_conntrack_count",
            "/proc/sys/net/netfilter/nf_conntrack_count", "flows tracked"),
    COUNTER(struct conntrack_counters, drop, "nf_conntrack_drop", "conntrack -S drop; kernel log: table full",
            "packets dropped because the table was full, or an entry could not be inserted"),
    COUNTER(struct conntrack_counters, early_drop, "nf_conntrack_early_drop", "conntrack -S early_drop",
            "entries thrown out for a new flow"),
    COUNTER(struct conntrack_counters, insert_failed, "nf_conntrack_insert_failed", "conntrack -S insert_failed",
            "entries that another packet of the flow was faster with; their packets are dropped"),
    COUNTER(struct conntrack_counters, clash_resolve, "nf_conntrack_clash_resolve", "conntrack -S clash_resolve",
            "the same, but the packet took over the other's entry"),
};
ALL_COUNTERS_HAVE_ROWS(struct conntrack_counters, counter_rows);

const struct model_info conntrack_model = {
    .name = "conntrack", .step = "5", .what = "which connections are known",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, conntrack), .params = rows,
    .n_params = ROWS(rows), .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

enum { EVICTION_RANGE = 8, NONE = 0 };  /* NF_CT_EVICTION_RANGE */

/* More than can wait for their confirmation: a list of the longest net.core.gro_normal_batch on every CPU. */
enum { UNCONFIRMED = CONFIG_CPUS * 1000 };

/* ---- the hash table: node 2 * flow + direction + 1, 0 for none ---- */

static uint32_t bucket_of(const struct conntrack *t, uint32_t flow, uint32_t direction)
{
    uint64_t hash = hash_mix(t->seed + 2 * (uint64_t)flow + direction) >> 32;

    return (uint32_t)(hash * (uint64_t)t->params->nf_conntrack_buckets >> 32);
}

static void link_in(struct conntrack *t, uint32_t flow, uint32_t direction)
{
    uint32_t *head = &t->bucket[bucket_of(t, flow, direction)];

    t->entry[flow].next[direction] = *head;
    *head = 2 * flow + direction + 1;
}

static void link_out(struct conntrack *t, uint32_t flow, uint32_t direction)
{
    uint32_t *at = &t->bucket[bucket_of(t, flow, direction)], node = 2 * flow + direction + 1;

    while (*at != node)
        at = &t->entry[(*at - 1) / 2].next[(*at - 1) % 2];
    *at = t->entry[flow].next[direction];
}

/* ---- entries ---- */

static ps_t timeout(const struct conntrack_params *p, const struct flow *f, const struct skb *s, bool assured)
{
    switch (f->key.proto) {
    case FLOW_UDP:
        return p->udp_timeout;
    case FLOW_TCP:
        return assured ? p->established_timeout : s->tcp_flags & TCP_SYN ? p->syn_sent_timeout : p->unacknowledged_timeout;
    default:
        return p->generic_timeout;
    }
}

static void insert(struct conntrack *t, const struct skb *s, const struct flow *f, ps_t now)
{
    struct conntrack_entry *e = &t->entry[s->flow];

    *e = (struct conntrack_entry){ .confirmed = 1, .expires = now + timeout(t->params, f, s, false) };
    for (uint32_t d = 0; d < 2 && t->bucket; d++)
        link_in(t, s->flow, d);
}

static void take_out(struct conntrack *t, uint32_t flow)
{
    for (uint32_t d = 0; d < 2 && t->bucket; d++)
        link_out(t, flow, d);
    t->entry[flow].confirmed = 0;
    t->counters.entries--;
}

/* The entry, if there is one that has not expired. */
static struct conntrack_entry *find(struct conntrack *t, uint32_t flow, ps_t now)
{
    struct conntrack_entry *e = &t->entry[flow];

    if (!e->confirmed)
        return NULL;
    if (e->expires > now)
        return e;
    take_out(t, flow);
    return NULL;
}

/* The collector's rounds that lie behind: nothing has looked at the table since, so the last one finds what all of them
 * would have found. */
static void collect(struct conntrack *t, ps_t now)
{
    ps_t round = now - now % t->params->gc_interval;

    if (round == t->collected_at)
        return;
    t->collected_at = round;
    for (uint32_t i = 0; i < t->flows; i++) {
        if (t->entry[i].confirmed && t->entry[i].expires <= round)
            take_out(t, i);
    }
}

/* early_drop_list: all of one bucket that may go; the expired go anyway. */
static uint64_t drop_bucket(struct conntrack *t, uint32_t bucket, ps_t now)
{
    uint64_t dropped = 0;
    uint32_t next;

    for (uint32_t node = t->bucket[bucket]; node != NONE; node = next) {
        uint32_t flow = (node - 1) / 2;
        next = t->entry[flow].next[(node - 1) % 2];
        if (next != NONE && (next - 1) / 2 == flow)     /* both directions in one bucket */
            next = t->entry[flow].next[(next - 1) % 2];
        bool expired = t->entry[flow].expires <= now;
        if (!expired && t->entry[flow].assured)
            continue;
        dropped += !expired;
        take_out(t, flow);
    }
    return dropped;
}

static bool early_drop(struct conntrack *t, uint32_t flow, ps_t now)
{
    uint32_t buckets = (uint32_t)t->params->nf_conntrack_buckets, bucket = bucket_of(t, flow, 0);

    for (int i = 0; i < EVICTION_RANGE; i++) {
        uint64_t dropped = drop_bucket(t, bucket, now);
        t->counters.early_drop += dropped;
        if (dropped > 0)
            return true;
        bucket = (bucket + 1) % buckets;
    }
    return false;
}

/* ---- a packet's way ---- */

/* init_conntrack: room for one more. */
static bool room(struct conntrack *t, uint32_t flow, ps_t now)
{
    if (t->counters.entries < (uint64_t)t->params->nf_conntrack_max)
        return true;
    return t->bucket && early_drop(t, flow, now);
}

static bool confirmed_at_once(const struct skb *s, const struct flow *f)
{
    return s->first->frags > 0 || (f->key.proto == FLOW_TCP && !(s->tcp_flags & TCP_SYN));
}

bool conntrack_in(struct conntrack *t, struct skb *s, const struct flow *f, ps_t now, ps_t *cost, bool *first)
{
    collect(t, now);
    *cost += t->params->packet + cache_extra(t->cache, t->cache->params->conntrack);
    struct conntrack_entry *e = find(t, s->flow, now);
    if (e) {
        e->expires = now + timeout(t->params, f, s, e->assured);
        return true;
    }
    *cost += t->params->fresh;
    if (!room(t, s->flow, now)) {
        t->counters.drop++;
        return false;
    }
    *first = true;
    t->counters.entries++;
    if (confirmed_at_once(s, f))
        insert(t, s, f, now);
    else
        s->ct_new = 1;
    return true;
}

bool conntrack_confirm(struct conntrack *t, struct skb *s, const struct flow *f, ps_t now)
{
    if (!s->ct_new)
        return true;
    s->ct_new = 0;
    if (!find(t, s->flow, now)) {
        insert(t, s, f, now);
        return true;
    }
    t->counters.entries--;
    if (t->params->resolve_clash && f->key.proto != FLOW_TCP) {
        t->counters.clash_resolve++;
        return true;
    }
    t->counters.drop++;
    t->counters.insert_failed++;
    return false;
}

void conntrack_forget(struct conntrack *t, struct skb *s)
{
    t->counters.entries -= s->ct_new;
    s->ct_new = 0;
}

void conntrack_reply(struct conntrack *t, uint32_t flow, ps_t now)
{
    if (!t->entry || !t->entry[flow].confirmed)
        return;
    t->entry[flow].assured = 1;
    t->entry[flow].expires = now + t->params->established_timeout;
}

/* ---- construction ---- */

int conntrack_init(struct conntrack *t, const struct conntrack_params *p, const struct cache *c, uint32_t flows, uint64_t seed)
{
    *t = (struct conntrack){ .params = p, .cache = c, .flows = flows, .seed = hash_mix(seed) };
    if (!p->on)
        return 0;
    t->entry = calloc(flows ? flows : 1, sizeof *t->entry);
    if (!t->entry)
        return -1;
    if (flows + UNCONFIRMED <= p->nf_conntrack_max)
        return 0;
    t->bucket = calloc((size_t)p->nf_conntrack_buckets, sizeof *t->bucket);
    return t->bucket ? 0 : -1;
}

void conntrack_free(struct conntrack *t)
{
    free(t->entry);
    free(t->bucket);
}
