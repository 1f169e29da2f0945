/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/netfilter.h"

#include <string.h>

#include "tests/fixture.h"
#include "tests/suite.h"

static struct netfilter_params params;
static struct netfilter netfilter;
static unsigned char known[32];
static const struct cache_params no_cache;
static const struct cache cache = { .params = &no_cache };

/* Costs: a table 100 ps, a rule 3, conntrack 1000, the verdict 7. */
static void begin(void)
{
    params = (struct netfilter_params){ .table = 100, .rule = 3, .conntrack_cost = 1000, .drop = 7,
                                        .nf_conntrack_max = 262144 };
    memset(known, 0, sizeof known);
    netfilter = (struct netfilter){ .params = &params, .cache = &cache, .known = known };
}

static ps_t cost_of(enum netfilter_hook hook, uint32_t flow, enum netfilter_policy verdict)
{
    ps_t cost = 0;

    CHECK_EQ(netfilter_hook(&netfilter, hook, flow, &cost), verdict);
    return cost;
}

START_TEST(a_table_that_is_not_registered_costs_nothing)
{
    begin();
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 0);
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_ACCEPT), 0);
}
END_TEST

START_TEST(the_cost_of_a_chain_is_linear_in_its_rules)
{
    static const int64_t rules[] = { 1, 2, 300, 10000000 };

    begin();
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        params.input_rules = rules[i];
        CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_ACCEPT), 100 + 3 * rules[i]);
        params.raw_rules = 2 * rules[i];
        CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 100 + 6 * rules[i]);
    }
    CHECK_EQ(netfilter.counters.nf_dropped, 0);
}
END_TEST

/* The policy is at the end of the chain, so all rules have been tried. Without rules the table is registered
 * for its policy's sake. */
START_TEST(a_policy_of_drop_drops_after_all_rules)
{
    begin();
    params.input_policy = NF_DROP;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 107);
    params.input_rules = 10;
    CHECK_EQ(cost_of(NF_LOCAL_IN, 0, NF_DROP), 137);
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 0);         /* the other table is another matter */
    CHECK_EQ(netfilter.counters.nf_dropped, 2);
}
END_TEST

/* Raw is at -300, conntrack at -200. */
START_TEST(what_the_raw_table_drops_makes_no_entry)
{
    begin();
    params.conntrack = 1;
    params.raw_policy = NF_DROP;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_DROP), 107);
    CHECK_EQ(netfilter.counters.conntrack_entries, 0);
    params.raw_policy = NF_ACCEPT;
    params.raw_rules = 1;
    CHECK_EQ(cost_of(NF_PRE_ROUTING, 0, NF_ACCEPT), 1103);
    CHECK_EQ(netfilter.counters.conntrack_entries, 1);
}
END_TEST

START_TEST(conntrack_makes_one_entry_a_flow_and_costs_every_packet)
{
    begin();
    params.conntrack = 1;
    for (int round = 0; round < 3; round++) {
        for (uint32_t flow = 0; flow < 4; flow++)
            CHECK_EQ(cost_of(NF_PRE_ROUTING, flow, NF_ACCEPT), 1000);
    }
    CHECK_EQ(netfilter.counters.conntrack_entries, 4);
    CHECK_EQ(cost_of(NF_LOCAL_IN, 9, NF_ACCEPT), 0);
    CHECK_EQ(netfilter.counters.conntrack_entries, 4);
}
END_TEST

/* nf_conntrack_max 7 and ten new flows: seven entries, three refused. Those it knows pass a full table. */
START_TEST(a_full_table_drops_new_flows_and_only_those)
{
    begin();
    params.conntrack = 1;
    params.nf_conntrack_max = 7;
    for (uint32_t flow = 0; flow < 10; flow++)
        cost_of(NF_PRE_ROUTING, flow, flow < 7 ? NF_ACCEPT : NF_DROP);
    CHECK_EQ(netfilter.counters.conntrack_entries, 7);
    CHECK_EQ(netfilter.counters.conntrack_drop, 3);
    CHECK_EQ(netfilter.counters.nf_dropped, 0);         /* no rule's verdict */
    cost_of(NF_PRE_ROUTING, 6, NF_ACCEPT);
    cost_of(NF_PRE_ROUTING, 9, NF_DROP);
    CHECK_EQ(netfilter.counters.conntrack_drop, 4);
}
END_TEST

/* The same through the machine (Cloudflare's experiment of 2020: ten SYNs, seven seen behind conntrack). */
START_TEST(ten_new_flows_and_a_table_of_seven_lose_three)
{
    static struct rig r;

    rig_init(&r, 1, "netfilter.conntrack=on net.netfilter.nf_conntrack_max=7");
    for (uint16_t i = 0; i < 10; i++)
        rig_burst(&r, (10 + i) * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + i), 9), 1);
    rig_burst(&r, 30 * US, 0, 1);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 8);
    CHECK_EQ(rig_fate(&r, FATE_NETFILTER_DROP), 3);
    CHECK_EQ(r.host.netfilter.counters.conntrack_entries, 7);
    CHECK_EQ(r.host.netfilter.counters.conntrack_drop, 3);
    CHECK_EQ(r.host.ip.InReceives, 11);
    CHECK_EQ(r.host.ip.InDelivers, 8);
    rig_free(&r);
}
END_TEST

/* 1000 rules of 3 ns and a table of 100 ns stand between the core and the socket; INPUT's as well as
 * PREROUTING's. */
START_TEST(rules_delay_a_datagram_by_what_they_cost)
{
    static const char *const where[] = { "netfilter.raw.rules=1000", "netfilter.input.rules=1000" };

    for (int i = 0; i < 2; i++) {
        static struct rig r;

        rig_init(&r, 1, "cost.netfilter.table=100cycles cost.netfilter.rule=3cycles");
        rig_set(&r, where[i]);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_run(&r);
        CHECK_EQ(rig_end(&r, 0)->frame.socket_at, 10 * US + RIG_WIRE + 3100 * NS);
        rig_free(&r);
    }
}
END_TEST

SUITE(netfilter, a_table_that_is_not_registered_costs_nothing, the_cost_of_a_chain_is_linear_in_its_rules,
      a_policy_of_drop_drops_after_all_rules, what_the_raw_table_drops_makes_no_entry,
      conntrack_makes_one_entry_a_flow_and_costs_every_packet, a_full_table_drops_new_flows_and_only_those,
      ten_new_flows_and_a_table_of_seven_lose_three, rules_delay_a_datagram_by_what_they_cost)
