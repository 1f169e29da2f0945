/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Netfilter: hooks as cost and verdict.
 *
 * In    netfilter_hook()     a packet at one of the hooks
 *       netfilter_dnat()     the run begins: where the flows go after DNAT
 * Out   conntrack            between raw and mangle, and at the end of LOCAL_IN and POST_ROUTING
 *       the verdict; what the traversal cost
 *
 * Tables in the order of their priorities (include/uapi/linux/netfilter_ipv4.h enum nf_ip_hook_priorities):
 *   netdev ingress   ingress           (nft, family netdev; after the taps and tc)
 *   PRE_ROUTING      raw -300, conntrack -200, mangle -150, nat -100 (DNAT)
 *   LOCAL_IN         filter 0, conntrack's confirmation last
 *   FORWARD          filter 0
 *   POST_ROUTING     mangle -150, conntrack's confirmation last
 * A chain holds `rules` rules that do not match, with one more that drops a destination port behind `drop_after` of
 * them, and a policy at its end. It costs its table's fixed part and so much a rule that was tried; with
 * netfilter.lookup set all rules are one lookup (nft sets and verdict maps, ipset, IPVS). A chain without rules and with
 * policy accept is not registered and costs nothing. Rules of raw, mangle and ingress see the port on the wire, those
 * behind nat the translated one.
 * The nat chain is walked once a connection, by its first packet; what follows is looked up in the entry (nf_nat_inet_fn).
 * So rules in nat delay new connections and no packet of an old one. NOTRACK in raw leaves out conntrack, and with it nat.
 * Not modelled: matches other than a port, ctstate among them; jumps between chains (count the rules on the way); SNAT,
 * nat in LOCAL_IN; mangle in LOCAL_IN and FORWARD; the security table; queueing to user space; LOCAL_OUT and what the
 * host itself sends. */
#ifndef MODELS_NETFILTER_H
#define MODELS_NETFILTER_H

#include "models/config.h"
#include "models/conntrack.h"
#include "models/cpu.h"
#include "models/flow.h"

enum netfilter_hook { NF_NETDEV_INGRESS, NF_PRE_ROUTING, NF_LOCAL_IN, NF_FORWARD, NF_POST_ROUTING };
enum netfilter_policy { NF_ACCEPT, NF_DROP };
enum netfilter_lookup { NF_LINEAR, NF_SET };

struct chain_params {
    int64_t rules;
    int64_t policy;             /* enum netfilter_policy */
    int64_t drop_dport;         /* -1: no such rule */
    int64_t drop_after;
};

struct netfilter_params {
    struct chain_params ingress, raw, mangle, input, forward, postrouting;
    int64_t notrack;
    int64_t nat_rules;
    int64_t nat_to;             /* UNIT_TEXT */
    int64_t nat_dport;          /* -1: any */
    int64_t nat_to_port;        /* 0: stays */
    int64_t lookup;             /* enum netfilter_lookup */
    int64_t table;
    int64_t rule;
    int64_t set;
    int64_t nat;
    int64_t drop;
};
extern const struct model_info netfilter_model;

struct netfilter_counters {
    uint64_t ingress, raw, mangle, nat, input, forward, postrouting;
    uint64_t nf_dropped;
};

struct netfilter {
    const struct netfilter_params *params;
    struct netfilter_counters counters;
    const struct flow *flow;
    struct conntrack conntrack;
    bool nat;                   /* the nat table is registered */
};

enum netfilter_policy netfilter_hook(struct netfilter *n, enum netfilter_hook hook, struct skb *s, ps_t now, ps_t *cost);

/* Writes where a flow's packets go into its key: conntrack and nat are the same for all of them. Once, after the NIC's
 * hash is known. */
void netfilter_dnat(const struct config *c, struct flow *f);
/* Whether any hook has something to do. */
bool netfilter_active(const struct netfilter_params *p);
/* NULL, or what does not fit together. */
const char *netfilter_check(const struct config *c, char *buffer, size_t size);

#endif
