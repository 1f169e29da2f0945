/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/netfilter.h"

#include "models/host.h"
#include "models/host_config.h"

static const char *const policies[] = { "accept", "drop", NULL };

static const struct param rows[] = {
    PARAM(struct netfilter_params, raw_rules, "netfilter.raw.rules", UNIT_COUNT, 0, 0, 10000000,
          "rules in the raw table's PREROUTING chain, none of which matches", "no rules: the table is not registered"),
    PARAM_CHOICE(struct netfilter_params, raw_policy, "netfilter.raw.policy", NF_ACCEPT, policies,
                 "what happens at the end of raw PREROUTING", "iptables -P"),
    PARAM(struct netfilter_params, input_rules, "netfilter.input.rules", UNIT_COUNT, 0, 0, 10000000,
          "rules in the filter table's INPUT chain, none of which matches", "no rules: the table is not registered"),
    PARAM_CHOICE(struct netfilter_params, input_policy, "netfilter.input.policy", NF_ACCEPT, policies,
                 "what happens at the end of filter INPUT", "iptables -P"),
    PARAM_SWITCH(struct netfilter_params, conntrack, "netfilter.conntrack", 0, "connection tracking is active",
                 "on as soon as a rule asks for a ctstate"),
    PARAM(struct netfilter_params, nf_conntrack_max, "net.netfilter.nf_conntrack_max", UNIT_COUNT, 262144, 1, INT32_MAX,
          "entries of the connection table; new flows beyond are dropped",
          "nf_conntrack_core.c: 262144 with 4 GiB or more"),
    PARAM_COST(struct netfilter_params, table, "cost.netfilter.table", 102, "a registered table without rules",
               "UDP19: empty filter table 26.8 ns at 3.8 GHz"),
    PARAM_COST(struct netfilter_params, rule, "cost.netfilter.rule", 11, "one rule that does not match",
               "iptables-legacy 3.02 ns a rule (veth measurement), 3.8 GHz"),
    PARAM_COST(struct netfilter_params, conntrack_cost, "cost.netfilter.conntrack", 942,
               "connection tracking of one packet", "XDP18: conntrack less INPUT drop, 248 ns at 3.8 GHz"),
    PARAM_COST(struct netfilter_params, drop, "cost.netfilter.drop", 20, "the verdict DROP, beside freeing", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct netfilter_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct netfilter_counters, nf_dropped, "nf_dropped", "iptables -L -v (policy counters)",
            "packets dropped by a verdict; nothing in nstat"),
    COUNTER(struct netfilter_counters, conntrack_entries, "nf_conntrack_count",
            "/proc/sys/net/netfilter/nf_conntrack_count", "flows tracked"),
    COUNTER(struct netfilter_counters, conntrack_drop, "nf_conntrack_drop", "conntrack -S drop; kernel log: table full",
            "packets dropped because the table was full"),
};
ALL_COUNTERS_HAVE_ROWS(struct netfilter_counters, counter_rows);

const struct model_info netfilter_model = {
    .name = "netfilter", .step = "5", .what = "hooks as cost and verdict",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, netfilter), .params = rows,
    .n_params = ROWS(rows), .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static enum netfilter_policy chain(struct netfilter *n, int64_t rules, int64_t policy, ps_t *cost)
{
    const struct netfilter_params *p = n->params;

    if (rules == 0 && policy == NF_ACCEPT)
        return NF_ACCEPT;
    *cost += p->table + rules * p->rule;
    if (policy == NF_ACCEPT)
        return NF_ACCEPT;
    *cost += p->drop;
    n->counters.nf_dropped++;
    return NF_DROP;
}

static enum netfilter_policy conntrack(struct netfilter *n, uint32_t flow, ps_t *cost)
{
    *cost += n->params->conntrack_cost + cache_extra(n->cache, n->cache->params->conntrack);
    if (n->known[flow])
        return NF_ACCEPT;
    if (n->counters.conntrack_entries >= (uint64_t)n->params->nf_conntrack_max) {
        n->counters.conntrack_drop++;
        return NF_DROP;
    }
    n->counters.conntrack_entries++;
    n->known[flow] = 1;
    return NF_ACCEPT;
}

enum netfilter_policy netfilter_hook(struct netfilter *n, enum netfilter_hook hook, uint32_t flow, ps_t *cost)
{
    const struct netfilter_params *p = n->params;

    if (hook == NF_LOCAL_IN)
        return chain(n, p->input_rules, p->input_policy, cost);
    if (chain(n, p->raw_rules, p->raw_policy, cost) == NF_DROP)
        return NF_DROP;
    return p->conntrack ? conntrack(n, flow, cost) : NF_ACCEPT;
}
