/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tc.h"

#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* A qdisc 100, a filter 3: a match behind 10 of 20 pays for eleven, all others for 21. */
START_TEST(a_filter_costs_those_that_come_to_it)
{
    struct tc_params p = { .rules = 20, .drop_dport = 9, .drop_after = 10, .qdisc = 100, .rule = 3 };
    struct tc_counters counters = { 0 };
    struct flow nine = { .wire_dport = 9 }, ten = { .wire_dport = 10 };
    ps_t cost = 0;

    ck_assert(!tc_ingress(&p, &counters, &nine, &cost));
    CHECK_EQ(cost, 133);
    cost = 0;
    ck_assert(tc_ingress(&p, &counters, &ten, &cost));
    CHECK_EQ(cost, 163);
    p.policy = TC_ACT_SHOT;
    ck_assert(!tc_ingress(&p, &counters, &ten, &cost));
    CHECK_EQ(counters.packets, 3);
    CHECK_EQ(counters.dropped, 2);
}
END_TEST

START_TEST(without_filters_there_is_no_qdisc)
{
    rig_init(&r, 1, "cost.tc.qdisc=100cycles cost.tc.rule=3cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(r.host.tc.packets, 0);
    CHECK_EQ(rig_end(&r, 0)->frame.socket_at, 10 * US + RIG_WIRE);
    rig_free(&r);
    rig_init(&r, 1, "cost.tc.qdisc=100cycles cost.tc.rule=3cycles tc.ingress.rules=2");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 0)->frame.socket_at, 10 * US + RIG_WIRE + 106 * NS);
    rig_free(&r);
}
END_TEST

/* Taps, tc, netdev ingress, PREROUTING: each drops one port, and what is behind does not see it. Not even what is not IP
 * passes by tc. */
START_TEST(the_hooks_come_in_the_kernels_order)
{
    rig_init(&r, 1, "app.taps=1 tc.ingress.drop_dport=1 netfilter.ingress.drop_dport=2 netfilter.raw.drop_dport=3 "
                    "netfilter.input.drop_dport=4");
    for (uint16_t port = 1; port <= 5; port++)
        rig_burst(&r, (10 * port) * US, rig_flow(&r, FLOW_UDP, 7, port), 1);
    rig_frame(&r, 60 * US, rig_flow(&r, FLOW_NOT_IP, 0, 0), 46);
    rig_run(&r);
    CHECK_EQ(r.host.tap_counters[0].tapped, 6);
    CHECK_EQ(r.host.tc.packets, 6);
    CHECK_EQ(r.host.netfilter.counters.ingress, 5);
    CHECK_EQ(r.host.netfilter.counters.raw, 3);
    CHECK_EQ(r.host.netfilter.counters.input, 2);
    CHECK_EQ(rig_fate(&r, FATE_TC_INGRESS), 1);
    CHECK_EQ(rig_fate(&r, FATE_NETFILTER_DROP), 3);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 1);
    CHECK_EQ(rig_fate(&r, FATE_UNHANDLED_PROTO), 1);
    CHECK_EQ(r.host.ip.InReceives, 3);
    rig_free(&r);
}
END_TEST

SUITE(tc, a_filter_costs_those_that_come_to_it, without_filters_there_is_no_qdisc, the_hooks_come_in_the_kernels_order)
