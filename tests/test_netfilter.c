/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/netfilter.h"

#include <string.h>

#include "tests/fixture.h"
#include "tests/suite.h"

static struct netfilter_params params;
static struct conntrack_params tracking;
static struct netfilter netfilter;
static const struct cache_params no_cache;
static const struct cache cache = { .params = &no_cache };
static struct flow flow[32];

static void no_rules(struct chain_params *c)
{
    *c = (struct chain_params){ .drop_dport = -1 };
}

/* Costs: a table 100 ps, a rule 3, a set 40, nat 5, conntrack 1000, the verdict 7. Flow i goes to port 9. */
static void begin(void)
{
    params = (struct netfilter_params){ .table = 100, .rule = 3, .set = 40, .nat = 5, .drop = 7, .nat_dport = -1 };
    no_rules(&params.ingress);
    no_rules(&params.raw);
    no_rules(&params.mangle);
    no_rules(&params.input);
    no_rules(&params.forward);
    no_rules(&params.postrouting);
    tracking = (struct conntrack_params){ .packet = 1000, .nf_conntrack_max = 262144, .nf_conntrack_buckets = 1024,
                                          .udp_timeout = 30 * SEC, .gc_interval = 60 * SEC, .resolve_clash = 1 };
    for (int i = 0; i < 32; i++)
        flow[i] = (struct flow){ .key = { .proto = FLOW_UDP, .dport = 9 }, .wire_dport = 9 };
    netfilter = (struct netfilter){ .params = &params, .flow = flow };
}

static void track(void)
{
    tracking.on = 1;
    CHECK_EQ(conntrack_init(&netfilter.conntrack, &tracking, &cache, 32, 1), 0);
}

static void end(void)
{
    conntrack_free(&netfilter.conntrack);
}

static struct frame frame;

static ps_t cost_of(enum netfilter_hook hook, uint32_t number, enum netfilter_policy verdict)
{
    struct skb s = { .flow = number, .first = &frame };
    ps_t cost = 0;

    CHECK_EQ(netfilter_hook(&netfilter, hook, &s, 0, &cost), verdict);
    if (s.ct_new)
        CHECK_EQ(netfilter_hook(&netfilter, NF_LOCAL_IN, &s, 0, &(ps_t){ 0 }), NF_ACCEPT);      /* to the entry's confirmation */
    return cost;
}

START_TEST(a_table_that_is_not_registered_costs_nothing)
{
    begin();
    for (int hook = NF_NETDEV_INGRESS; hook <= NF_POST_ROUTING; hook++)
        CHECK_EQ(cost_of((enum netfilter_hook)hook, 0, NF_ACCEPT), 0);
    CHECK_EQ(netfilter.counters.raw + netfilter.counters.mangle + netfilter.counters.input, 0);
}
END_TEST

START_TEST(the_cost_of_a_chain_is_linear_in_its_rules)
{
    static const int64_t rules[] = { 1, 2, 300, 10000000 };

    begin();
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        params.ingress.rules = params.input.rules = params.forward.rules = params.postrouting.rules = rules[i];
        CHECK_EQ(cost_of(NF_NETDEV_INGRESS, 0, NF_ACCEPT), 100 + 3 * rules[i]);
        CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_ACCEPT), 100 + 3 * rules[i]);
        CHECK_EQ(cost_of(NF_FORWARD, 0, NF_ACCEPT), 100 + 3 * rules[i]);
        CHECK_EQ(cost_of(NF_POST_ROUTING, 0, NF_ACCEPT), 100 + 3 * rules[i]);
        params.raw.rules = 2 * rules[i];
        params.mangle.rules = rules[i];
        CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 200 + 9 * rules[i]);
    }
    CHECK_EQ(netfilter.counters.nf_dropped, 0);
}
END_TEST

/* nft's sets and verdict maps: 1 rule or 10 million cost the table and one lookup. */
START_TEST(the_cost_of_a_set_is_flat)
{
    static const int64_t rules[] = { 1, 300, 10000000 };

    begin();
    params.lookup = NF_SET;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        params.input.rules = rules[i];
        CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_ACCEPT), 140);
    }
    params.input.rules = 0;
    params.input.policy = NF_DROP;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 107);
}
END_TEST

/* The policy is at the end of the chain, so all rules have been tried. Without rules the table is registered
 * for its policy's sake. */
START_TEST(a_policy_of_drop_drops_after_all_rules)
{
    begin();
    params.input.policy = NF_DROP;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 107);
    params.input.rules = 10;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 137);
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 0);         /* the other table is another matter */
    CHECK_EQ(netfilter.counters.nf_dropped, 2);
}
END_TEST

/* A hundred rules and the one that drops port 9: in front it costs a dropped packet 100 + 3 + 7, at the end 300 more;
 * what it does not match pays for all 101 either way. */
START_TEST(a_rules_place_is_what_its_packets_pay)
{
    begin();
    flow[1].key.dport = flow[1].wire_dport = 10;
    params.input.rules = 100;
    params.input.drop_dport = 9;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 110);
    CHECK_EQ(cost_of(NF_LOCAL_IN, 1, NF_ACCEPT), 403);
    params.input.drop_after = 100;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 410);
    CHECK_EQ(cost_of(NF_LOCAL_IN, 1, NF_ACCEPT), 403);
    CHECK_EQ(netfilter.counters.input, 4);
    CHECK_EQ(netfilter.counters.nf_dropped, 2);
}
END_TEST

/* Raw is at -300, conntrack at -200. */
START_TEST(what_the_raw_table_drops_makes_no_entry)
{
    begin();
    track();
    params.raw.policy = NF_DROP;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_DROP), 107);
    CHECK_EQ(netfilter.conntrack.counters.entries, 0);
    params.raw.policy = NF_ACCEPT;
    params.raw.rules = 1;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 1103);
    CHECK_EQ(netfilter.conntrack.counters.entries, 1);
    end();
}
END_TEST

/* Ten new flows and a table of seven: raw (-300) sees ten, mangle (-150) behind conntrack (-200) seven. */
START_TEST(raw_sees_ten_and_mangle_seven)
{
    begin();
    tracking.nf_conntrack_max = 7;
    track();
    params.raw.rules = params.mangle.rules = 1;
    for (uint32_t f = 0; f < 10; f++)
        cost_of(NF_PRE_ROUTING, f, f < 7 ? NF_ACCEPT : NF_DROP);
    CHECK_EQ(netfilter.counters.raw, 10);
    CHECK_EQ(netfilter.counters.mangle, 7);
    CHECK_EQ(netfilter.conntrack.counters.entries, 7);
    CHECK_EQ(netfilter.conntrack.counters.drop, 3);
    CHECK_EQ(netfilter.counters.nf_dropped, 0);
    end();
}
END_TEST

/* CT --notrack in raw: no entry, no cost of one, no nat; the other tables are there as ever. */
START_TEST(notrack_spares_conntrack_and_nat)
{
    begin();
    track();
    netfilter.nat = true;
    params.notrack = params.mangle.rules = 1;
    params.nat_rules = 10;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 103);
    CHECK_EQ(netfilter.conntrack.counters.entries, 0);
    CHECK_EQ(netfilter.counters.nat, 0);
    params.notrack = 0;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 103 + 1000 + 5 + 130);
    end();
}
END_TEST

/* kube-proxy with 10000 services: the first packet of a connection pays 5 + 100 + 30000, the others 5. With IPVS or a
 * map the first pays for one lookup. */
START_TEST(nat_rules_are_walked_by_the_first_packet_of_a_connection)
{
    begin();
    track();
    netfilter.nat = true;
    params.nat_rules = 10000;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 1000 + 5 + 30100);
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 1000 + 5);
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 1000 + 5);
    CHECK_EQ(netfilter.counters.nat, 1);
    params.lookup = NF_SET;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 1, NF_ACCEPT), 1000 + 5 + 140);
    end();
}
END_TEST

/* ---- through the machine ---- */

static struct rig r;

/* Cloudflare's experiment of 2020: ten SYNs, nf_conntrack_max 7. */
START_TEST(ten_new_flows_and_a_table_of_seven_lose_three)
{
    rig_init(&r, 1, "netfilter.conntrack=on net.netfilter.nf_conntrack_max=7 netfilter.raw.rules=1 netfilter.mangle.rules=1");
    for (uint16_t i = 0; i < 10; i++) {
        struct arrival *syn = rig_segment(&r, (10 + i) * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1000 + i), 9), 1, 0);
        syn->tcp_flags = TCP_SYN;
    }
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_NETFILTER_DROP), 3);
    CHECK_EQ(r.host.netfilter.counters.raw, 10);
    CHECK_EQ(r.host.netfilter.counters.mangle, 7);
    CHECK_EQ(r.host.netfilter.conntrack.counters.entries, 7);
    CHECK_EQ(r.host.netfilter.conntrack.counters.drop, 3);
    CHECK_EQ(r.host.ip.InReceives, 10);
    CHECK_EQ(r.host.ip.InDelivers, 7);
    rig_free(&r);
}
END_TEST

/* 1000 rules of 3 ns and a table of 100 ns stand between the core and the socket, whichever hook they are at. */
START_TEST(rules_delay_a_datagram_by_what_they_cost)
{
    static const char *const where[] = { "netfilter.ingress.rules=1000", "netfilter.raw.rules=1000",
                                         "netfilter.mangle.rules=1000", "netfilter.input.rules=1000" };

    for (int i = 0; i < 4; i++) {
        rig_init(&r, 1, "cost.netfilter.table=100cycles cost.netfilter.rule=3cycles");
        rig_set(&r, where[i]);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_run(&r);
        CHECK_EQ(rig_end(&r, 0)->frame.socket_at, 10 * US + RIG_WIRE + 3100 * NS);
        rig_free(&r);
    }
}
END_TEST

/* What is forwarded meets FORWARD and POSTROUTING and not INPUT; what is ours the other way round. */
START_TEST(the_route_decides_which_hooks_come_next)
{
    static const char rules[] = "net.ipv4.ip_forward=on netfilter.input.rules=1 netfilter.forward.rules=1 "
                                "netfilter.postrouting.rules=1";

    for (int ours = 0; ours < 2; ours++) {
        rig_init(&r, 1, rules);
        rig_set(&r, ours ? "host.address=10.0.0.2" : "host.address=10.0.0.3");
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 4);
        rig_run(&r);
        CHECK_EQ(rig_fate(&r, ours ? FATE_DELIVERED : FATE_FORWARDED), 4);
        CHECK_EQ(r.host.netfilter.counters.input, ours ? 4 : 0);
        CHECK_EQ(r.host.netfilter.counters.forward, ours ? 0 : 4);
        CHECK_EQ(r.host.netfilter.counters.postrouting, ours ? 0 : 4);
        rig_free(&r);
    }
}
END_TEST

/* A drop in FORWARD or POSTROUTING comes after ip_forward has counted, and nothing leaves. */
START_TEST(what_forward_and_postrouting_drop_has_counted_as_forwarded)
{
    static const char *const where[] = { "netfilter.forward.policy=drop", "netfilter.postrouting.policy=drop" };

    for (int i = 0; i < 2; i++) {
        rig_init(&r, 1, "net.ipv4.ip_forward=on host.address=10.0.0.3 netfilter.conntrack=on");
        rig_set(&r, where[i]);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 4);
        rig_run(&r);
        CHECK_EQ(rig_fate(&r, FATE_NETFILTER_DROP), 4);
        CHECK_EQ(r.host.ip.ForwDatagrams, 4);
        CHECK_EQ(r.host.netfilter.conntrack.counters.entries, 0);       /* none was confirmed */
        rig_free(&r);
    }
}
END_TEST

/* Port 80 of 10.0.0.2 is sent to 10.0.0.3:9, which is this host; port 81 goes where it went. */
START_TEST(dnat_changes_where_a_flow_goes)
{
    rig_init(&r, 1, "host.address=10.0.0.3 app.port=9 netfilter.conntrack=on netfilter.nat.to=10.0.0.3 "
                    "netfilter.nat.dport=80 netfilter.nat.to_port=9 netfilter.raw.drop_dport=9 netfilter.input.rules=1");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 80), 3);
    rig_burst(&r, 20 * US, rig_flow(&r, FLOW_UDP, 1, 81), 2);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);          /* raw sees port 80 on them, the socket is at port 9 */
    CHECK_EQ(rig_fate(&r, FATE_IP_INADDRERRORS), 2);
    CHECK_EQ(r.host.netfilter.counters.input, 3);
    rig_free(&r);
    rig_init(&r, 1, "host.address=10.0.0.2 netfilter.conntrack=on netfilter.nat.to=10.0.0.3 net.ipv4.ip_forward=on");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 80), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_FORWARDED), 3);          /* without it they would be for this host */
    rig_free(&r);
}
END_TEST

static void refused(const char *settings, const char *sentence)
{
    char why[256] = "";

    rig_init(&r, 1, settings);
    ck_assert_ptr_nonnull(config_check(&r.config, why, sizeof why));
    ck_assert_str_eq(why, sentence);
    rig_free(&r);
}

START_TEST(rules_that_do_not_fit_together_are_refused)
{
    refused("netfilter.input.rules=3 netfilter.input.drop_after=4",
            "netfilter.input.drop_after is 4, but netfilter.input.rules is 3: so many cannot stand before it");
    refused("netfilter.nat.rules=1", "netfilter.nat needs connection tracking: set netfilter.conntrack on");
    refused("netfilter.conntrack=on netfilter.nat.to=10.0.0", "netfilter.nat.to is 10.0.0: not an IPv4 address");
}
END_TEST

SUITE(netfilter, a_table_that_is_not_registered_costs_nothing, the_cost_of_a_chain_is_linear_in_its_rules,
      the_cost_of_a_set_is_flat, a_policy_of_drop_drops_after_all_rules, a_rules_place_is_what_its_packets_pay,
      what_the_raw_table_drops_makes_no_entry, raw_sees_ten_and_mangle_seven, notrack_spares_conntrack_and_nat,
      nat_rules_are_walked_by_the_first_packet_of_a_connection, ten_new_flows_and_a_table_of_seven_lose_three,
      rules_delay_a_datagram_by_what_they_cost, the_route_decides_which_hooks_come_next,
      what_forward_and_postrouting_drop_has_counted_as_forwarded, dnat_changes_where_a_flow_goes,
      rules_that_do_not_fit_together_are_refused)
