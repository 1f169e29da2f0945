/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Netfilter: hooks as cost and verdict.
 *
 * In    netfilter_hook()     a packet at PRE_ROUTING or LOCAL_IN
 * Out   the verdict; what the traversal cost
 *
 * PRE_ROUTING: the raw table (priority -300), then conntrack (-200). LOCAL_IN: the filter table (0). A table with
 * `rules` rules that do not match and a policy costs its own fixed part and so much a rule; a table without rules
 * and with policy accept is not registered and costs nothing. Conntrack makes one entry a flow and drops new flows
 * when the table holds nf_conntrack_max.
 * Not modelled: sets and maps (flat cost), NAT, FORWARD and POST_ROUTING chains, entry timeouts. */
#ifndef MODELS_NETFILTER_H
#define MODELS_NETFILTER_H

#include "models/cache.h"
#include "models/config.h"
#include "models/cpu.h"

enum netfilter_hook { NF_PRE_ROUTING, NF_LOCAL_IN };
enum netfilter_policy { NF_ACCEPT, NF_DROP };

struct netfilter_params {
    int64_t raw_rules, raw_policy;
    int64_t input_rules, input_policy;
    int64_t conntrack;
    int64_t nf_conntrack_max;
    int64_t table;
    int64_t rule;
    int64_t conntrack_cost;
    int64_t drop;
};
extern const struct model_info netfilter_model;

struct netfilter_counters {
    uint64_t nf_dropped;
    uint64_t conntrack_entries;
    uint64_t conntrack_drop;
};

struct netfilter {
    const struct netfilter_params *params;
    const struct cache *cache;
    struct netfilter_counters counters;
    unsigned char *known;       /* per flow: has a conntrack entry */
};

enum netfilter_policy netfilter_hook(struct netfilter *n, enum netfilter_hook hook, uint32_t flow, ps_t *cost);

#endif
