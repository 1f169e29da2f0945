/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/netfilter.h"

#include <stdio.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/traffic.h"

static const char *const policies[] = { "accept", "drop", NULL };
static const char *const lookups[] = { "linear", "set", NULL };

/* The four keys of a chain: netfilter.NAME.rules, .policy, .drop_dport, .drop_after. */
#define CHAIN(name, where) \
    PARAM(struct netfilter_params, name.rules, "netfilter." #name ".rules", UNIT_COUNT, 0, 0, 10000000, \
          "rules in " where ", none of which matches", "no rules: the table is not registered"), \
    PARAM_CHOICE(struct netfilter_params, name.policy, "netfilter." #name ".policy", NF_ACCEPT, policies, \
                 "what happens at the end of " where, "iptables -P"), \
    PARAM(struct netfilter_params, name.drop_dport, "netfilter." #name ".drop_dport", UNIT_COUNT, -1, -1, 65535, \
          "destination port that one more rule of it drops; -1: there is no such rule", "iptables --dport N -j DROP"), \
    PARAM(struct netfilter_params, name.drop_after, "netfilter." #name ".drop_after", UNIT_COUNT, 0, 0, 10000000, \
          "how many of its rules stand before that one", "iptables -I puts a rule first")

static const struct param rows[] = {
    CHAIN(ingress, "the netdev family's ingress chain"),
    CHAIN(raw, "the raw table's PREROUTING chain"),
    CHAIN(mangle, "the mangle table's PREROUTING chain"),
    CHAIN(input, "the filter table's INPUT chain"),
    CHAIN(forward, "the filter table's FORWARD chain"),
    CHAIN(postrouting, "the mangle table's POSTROUTING chain"),
    PARAM_SWITCH(struct netfilter_params, notrack, "netfilter.raw.notrack", 0,
                 "raw PREROUTING ends in -j CT --notrack: neither conntrack nor nat sees the packet", "xt_CT; none is the usual state"),
    PARAM(struct netfilter_params, nat_rules, "netfilter.nat.rules", UNIT_COUNT, 0, 0, 10000000,
          "rules in the nat table's PREROUTING chain, walked by the first packet of a connection",
          "no rules: the table is not registered; kube-proxy adds about one a service"),
    PARAM_TEXT(struct netfilter_params, nat_to, "netfilter.nat.to",
               "DNAT: the address that the last rule of nat PREROUTING sends new connections to; empty: none", "iptables --to-destination"),
    PARAM(struct netfilter_params, nat_dport, "netfilter.nat.dport", UNIT_COUNT, -1, -1, 65535,
          "DNAT: destination port that this rule matches; -1: every one", "iptables --dport"),
    PARAM(struct netfilter_params, nat_to_port, "netfilter.nat.to_port", UNIT_COUNT, 0, 0, 65535,
          "DNAT: the port it is sent to; 0: the port stays", "iptables --to-destination"),
    PARAM_CHOICE(struct netfilter_params, lookup, "netfilter.lookup", NF_LINEAR, lookups,
                 "how a chain's rules are tried: one after the other, or as one lookup in a set or verdict map",
                 "iptables is linear; nft sets and maps, ipset, IPVS are hashes"),
    PARAM_COST(struct netfilter_params, table, "cost.netfilter.table", 102, "a registered table without rules",
               "UDP19: empty filter table 26.8 ns at 3.8 GHz"),
    PARAM_COST(struct netfilter_params, rule, "cost.netfilter.rule", 11, "one rule that does not match",
               "iptables-legacy 3.02 ns a rule (veth measurement), 3.8 GHz"),
    PARAM_COST(struct netfilter_params, set, "cost.netfilter.set", 110, "one lookup in a set, however many elements it has",
               "assumption: a hash and a cache miss, as ten rules"),
    PARAM_COST(struct netfilter_params, nat, "cost.netfilter.nat", 100,
               "the nat hook for one packet: its entry's translation, header and checksum rewritten", "assumption: as a table"),
    PARAM_COST(struct netfilter_params, drop, "cost.netfilter.drop", 20, "the verdict DROP, beside freeing", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct netfilter_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct netfilter_counters, ingress, "nf_ingress_packets", "nft list chain netdev (counters)",
            "packets that entered the ingress chain"),
    COUNTER(struct netfilter_counters, raw, "nf_raw_packets", "iptables -t raw -L -v", "packets that entered raw PREROUTING"),
    COUNTER(struct netfilter_counters, mangle, "nf_mangle_packets", "iptables -t mangle -L -v",
            "packets that entered mangle PREROUTING"),
    COUNTER(struct netfilter_counters, nat, "nf_nat_packets", "iptables -t nat -L -v",
            "packets that entered nat PREROUTING: the first of each connection"),
    COUNTER(struct netfilter_counters, input, "nf_input_packets", "iptables -L -v", "packets that entered filter INPUT"),
    COUNTER(struct netfilter_counters, forward, "nf_forward_packets", "iptables -L -v", "packets that entered filter FORWARD"),
    COUNTER(struct netfilter_counters, postrouting, "nf_postrouting_packets", "iptables -t mangle -L -v",
            "packets that entered mangle POSTROUTING"),
    COUNTER(struct netfilter_counters, nf_dropped, "nf_dropped", "iptables -L -v (rule and policy counters)",
            "packets dropped by a verdict; nothing in nstat"),
};
ALL_COUNTERS_HAVE_ROWS(struct netfilter_counters, counter_rows);

const struct model_info netfilter_model = {
    .name = "netfilter", .step = "5", .what = "hooks as cost and verdict",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, netfilter), .params = rows,
    .n_params = ROWS(rows), .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- one chain ---- */

static bool registered(const struct chain_params *c)
{
    return c->rules > 0 || c->policy != NF_ACCEPT || c->drop_dport >= 0;
}

/* A table and the `tried` rules of it. */
static ps_t walk(const struct netfilter_params *p, int64_t tried)
{
    if (p->lookup == NF_LINEAR)
        return p->table + tried * p->rule;
    return p->table + (tried > 0 ? p->set : 0);
}

static enum netfilter_policy chain(struct netfilter *n, const struct chain_params *c, uint64_t *entered, uint16_t dport,
                                   ps_t *cost)
{
    const struct netfilter_params *p = n->params;

    if (!registered(c))
        return NF_ACCEPT;
    bool match = c->drop_dport == dport;
    ++*entered;
    *cost += walk(p, match ? c->drop_after + 1 : c->rules + (c->drop_dport >= 0));
    if (!match && c->policy == NF_ACCEPT)
        return NF_ACCEPT;
    *cost += p->drop;
    n->counters.nf_dropped++;
    return NF_DROP;
}

/* nf_nat_inet_fn: the chain decides for the connection, its entry for the packet. */
static void nat(struct netfilter *n, bool first, ps_t *cost)
{
    *cost += n->params->nat;
    if (!first)
        return;
    n->counters.nat++;
    *cost += walk(n->params, n->params->nat_rules);
}

/* ---- the hooks ---- */

static enum netfilter_policy pre_routing(struct netfilter *n, struct skb *s, ps_t now, ps_t *cost)
{
    const struct netfilter_params *p = n->params;
    struct netfilter_counters *counters = &n->counters;
    const struct flow *f = &n->flow[s->flow];
    bool first = false;

    if (chain(n, &p->raw, &counters->raw, f->wire_dport, cost) == NF_DROP)
        return NF_DROP;
    bool tracked = conntrack_on(&n->conntrack) && !p->notrack;
    if (tracked && !conntrack_in(&n->conntrack, s, f, now, cost, &first))
        return NF_DROP;
    if (chain(n, &p->mangle, &counters->mangle, f->wire_dport, cost) == NF_DROP) {
        conntrack_forget(&n->conntrack, s);
        return NF_DROP;
    }
    if (tracked && n->nat)
        nat(n, first, cost);
    return NF_ACCEPT;
}

/* A chain, and after it the confirmation: the end of LOCAL_IN and of POST_ROUTING. */
static enum netfilter_policy last_chain(struct netfilter *n, const struct chain_params *c, uint64_t *entered, struct skb *s,
                                        ps_t now, ps_t *cost)
{
    if (chain(n, c, entered, n->flow[s->flow].key.dport, cost) == NF_DROP) {
        conntrack_forget(&n->conntrack, s);
        return NF_DROP;
    }
    return conntrack_confirm(&n->conntrack, s, &n->flow[s->flow], now) ? NF_ACCEPT : NF_DROP;
}

enum netfilter_policy netfilter_hook(struct netfilter *n, enum netfilter_hook hook, struct skb *s, ps_t now, ps_t *cost)
{
    const struct netfilter_params *p = n->params;
    struct netfilter_counters *counters = &n->counters;
    enum netfilter_policy verdict = NF_ACCEPT;

    switch (hook) {
    case NF_NETDEV_INGRESS:
        return chain(n, &p->ingress, &counters->ingress, n->flow[s->flow].wire_dport, cost);
    case NF_PRE_ROUTING:
        return pre_routing(n, s, now, cost);
    case NF_LOCAL_IN:
        return last_chain(n, &p->input, &counters->input, s, now, cost);
    case NF_FORWARD:
        verdict = chain(n, &p->forward, &counters->forward, n->flow[s->flow].key.dport, cost);
        if (verdict == NF_DROP)
            conntrack_forget(&n->conntrack, s);
        return verdict;
    case NF_POST_ROUTING:
        return last_chain(n, &p->postrouting, &counters->postrouting, s, now, cost);
    }
    return verdict;
}

/* ---- construction ---- */

bool netfilter_active(const struct netfilter_params *p)
{
    return registered(&p->ingress) || registered(&p->raw) || registered(&p->mangle) || registered(&p->input) ||
           registered(&p->forward) || registered(&p->postrouting);
}

static bool nat_registered(const struct config *c)
{
    return c->host->netfilter.nat_rules > 0 || *c->text[c->host->netfilter.nat_to];
}

void netfilter_dnat(const struct config *c, struct flow *f)
{
    const struct netfilter_params *p = &c->host->netfilter;

    f->wire_dport = f->key.dport;
    if (!*c->text[p->nat_to] || p->notrack || f->key.proto == FLOW_NOT_IP)
        return;
    if (p->nat_dport >= 0 && f->key.dport != p->nat_dport)
        return;
    ipv4_parse(c->text[p->nat_to], &f->key.daddr);      /* netfilter_check has read it before */
    if (p->nat_to_port > 0)
        f->key.dport = (uint16_t)p->nat_to_port;
}

const char *netfilter_check(const struct config *c, char *buffer, size_t size)
{
    const struct netfilter_params *p = &c->host->netfilter;
    const struct { const char *name; const struct chain_params *chain; } all[] = {
        { "ingress", &p->ingress }, { "raw", &p->raw }, { "mangle", &p->mangle }, { "input", &p->input },
        { "forward", &p->forward }, { "postrouting", &p->postrouting },
    };
    uint32_t address;

    for (size_t i = 0; i < ROWS(all); i++) {
        if (all[i].chain->drop_after > all[i].chain->rules) {
            snprintf(buffer, size, "netfilter.%s.drop_after is %lld, but netfilter.%s.rules is %lld: so many cannot stand before it",
                     all[i].name, (long long)all[i].chain->drop_after, all[i].name, (long long)all[i].chain->rules);
            return buffer;
        }
    }
    if (nat_registered(c) && !c->host->conntrack.on) {
        snprintf(buffer, size, "netfilter.nat needs connection tracking: set netfilter.conntrack on");
        return buffer;
    }
    if (*c->text[p->nat_to] && ipv4_parse(c->text[p->nat_to], &address) != 0) {
        snprintf(buffer, size, "netfilter.nat.to is %s: not an IPv4 address", c->text[p->nat_to]);
        return buffer;
    }
    return NULL;
}
