/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/conntrack.h"

#include "tests/fixture.h"
#include "tests/suite.h"

static struct conntrack_params params;
static struct conntrack table;
static struct flow flow[64];
static struct frame frame;
static const struct cache_params no_cache;
static const struct cache cache = { .params = &no_cache };

static void begin(int64_t most, int64_t buckets)
{
    params = (struct conntrack_params){
        .on = 1, .nf_conntrack_max = most, .nf_conntrack_buckets = buckets, .udp_timeout = 30 * SEC,
        .syn_sent_timeout = 120 * SEC, .unacknowledged_timeout = 300 * SEC, .established_timeout = 432000 * SEC,
        .generic_timeout = 600 * SEC, .gc_interval = 60 * SEC, .resolve_clash = 1, .packet = 1000, .fresh = 50,
    };
    for (int i = 0; i < 64; i++)
        flow[i].key.proto = FLOW_UDP;
    CHECK_EQ(conntrack_init(&table, &params, &cache, 64, 1), 0);
}

static struct skb packet(uint32_t number)
{
    return (struct skb){ .flow = number, .first = &frame };
}

static bool in(struct skb *s, ps_t now)
{
    ps_t cost = 0;
    bool first = false;

    return conntrack_in(&table, s, &flow[s->flow], now, &cost, &first);
}

/* A packet of its own, from PRE_ROUTING to LOCAL_IN. */
static bool pass(uint32_t number, ps_t now)
{
    struct skb s = packet(number);

    return in(&s, now) && conntrack_confirm(&table, &s, &flow[number], now);
}

START_TEST(conntrack_makes_one_entry_a_flow_and_costs_every_packet)
{
    begin(100, 64);
    for (int round = 0; round < 3; round++) {
        for (uint32_t f = 0; f < 4; f++) {
            struct skb s = packet(f);
            ps_t cost = 0;
            bool first = false;
            ck_assert(conntrack_in(&table, &s, &flow[f], 0, &cost, &first));
            CHECK_EQ(cost, round == 0 ? 1050 : 1000);
            CHECK_EQ(first, round == 0);
            ck_assert(conntrack_confirm(&table, &s, &flow[f], 0));
        }
    }
    CHECK_EQ(table.counters.entries, 4);
    conntrack_free(&table);
}
END_TEST

/* Of the flows that fit those it knows pass a full table. A million buckets, so that early drop finds none. */
START_TEST(a_full_table_drops_new_flows_and_only_those)
{
    begin(7, 1 << 20);
    for (uint32_t f = 0; f < 10; f++)
        CHECK_EQ(pass(f, 0), f < 7);
    CHECK_EQ(table.counters.entries, 7);
    CHECK_EQ(table.counters.drop, 3);
    ck_assert(pass(6, 0));
    ck_assert(!pass(9, 0));
    CHECK_EQ(table.counters.drop, 4);
    CHECK_EQ(table.counters.early_drop, 0);
    conntrack_free(&table);
}
END_TEST

/* One bucket: all entries are in it, so a new flow throws all of them out but the assured one, which fills the table of
 * two with it; a third flow then throws out the second. */
START_TEST(early_drop_makes_room_by_what_is_not_assured)
{
    begin(3, 1);
    for (uint32_t f = 0; f < 3; f++)
        ck_assert(pass(f, 0));
    flow[0].key.proto = FLOW_TCP;
    conntrack_reply(&table, 0, 0);
    ck_assert(pass(3, 0));
    CHECK_EQ(table.counters.early_drop, 2);
    CHECK_EQ(table.counters.entries, 2);
    ck_assert(pass(0, 400 * SEC));                      /* still known: it costs no entry */
    CHECK_EQ(table.counters.drop, 0);
    conntrack_free(&table);
}
END_TEST

/* Two directions of a few flows over sixteen buckets: whatever is thrown out, entries and lists stay the same. */
START_TEST(entries_are_counted_through_early_drops)
{
    begin(10, 16);
    for (int round = 0; round < 50; round++) {
        for (uint32_t f = 0; f < 64; f++)
            pass(f * 7 % 64, 0);
        uint64_t confirmed = 0;
        for (uint32_t f = 0; f < 64; f++)
            confirmed += table.entry[f].confirmed;
        CHECK_EQ(confirmed, table.counters.entries);
        ck_assert_uint_le(confirmed, 10);
    }
    ck_assert_uint_gt(table.counters.early_drop, 0);
    conntrack_free(&table);
}
END_TEST

/* The first packets of a flow on two CPUs: both make an entry before either is confirmed. */
START_TEST(the_second_of_two_first_packets_loses_the_race)
{
    for (int i = 0; i < 3; i++) {
        bool tcp = i == 2;
        struct skb a = packet(0), b = packet(0);

        begin(100, 64);
        params.resolve_clash = i != 1;
        flow[0].key.proto = tcp ? FLOW_TCP : FLOW_UDP;
        a.tcp_flags = b.tcp_flags = TCP_SYN;
        ck_assert(in(&a, 0) && in(&b, 0));
        CHECK_EQ(table.counters.entries, 2);
        ck_assert(conntrack_confirm(&table, &a, &flow[0], 0));
        CHECK_EQ(conntrack_confirm(&table, &b, &flow[0], 0), i == 0);
        CHECK_EQ(table.counters.clash_resolve, i == 0);
        CHECK_EQ(table.counters.insert_failed, i != 0);
        CHECK_EQ(table.counters.drop, i != 0);
        CHECK_EQ(table.counters.entries, 1);
        conntrack_free(&table);
    }
}
END_TEST

/* A list passes PRE_ROUTING before its first packet is confirmed, so a burst of a new flow races with itself: three of
 * four give way, or are lost in a kernel that does not resolve the clash. */
START_TEST(a_burst_of_a_new_flow_races_with_itself)
{
    static struct rig r;

    for (int old = 0; old < 2; old++) {
        rig_init(&r, 1, "pcie.msix_latency=1us netfilter.conntrack=on");
        rig_set(&r, old ? "kernel.conntrack_resolve_clash=off" : "kernel.conntrack_resolve_clash=on");
        uint32_t udp = rig_flow(&r, FLOW_UDP, 1, 9);
        rig_burst(&r, 10 * US, udp, 4);
        rig_burst(&r, 50 * US, udp, 4);                 /* these find the entry */
        rig_run(&r);
        CHECK_EQ(rig_fate(&r, FATE_DELIVERED), old ? 5 : 8);
        CHECK_EQ(rig_fate(&r, FATE_NETFILTER_DROP), old ? 3 : 0);
        CHECK_EQ(r.host.netfilter.conntrack.counters.insert_failed, old ? 3 : 0);
        CHECK_EQ(r.host.netfilter.conntrack.counters.clash_resolve, old ? 0 : 3);
        CHECK_EQ(r.host.netfilter.conntrack.counters.entries, 1);
        rig_free(&r);
    }
}
END_TEST

START_TEST(a_packet_dropped_before_its_confirmation_leaves_no_entry)
{
    struct skb s = packet(0);

    begin(1, 64);
    ck_assert(in(&s, 0));
    CHECK_EQ(table.counters.entries, 1);
    conntrack_forget(&table, &s);
    CHECK_EQ(table.counters.entries, 0);
    ck_assert(pass(1, 0));
    conntrack_free(&table);
}
END_TEST

/* 30 s after the last packet an unanswered UDP flow is not known any more: not one picosecond early. */
START_TEST(an_entry_lives_for_its_timeout_after_the_last_packet)
{
    begin(1, 1 << 20);
    ck_assert(pass(0, 0));
    ck_assert(pass(0, 10 * SEC));
    CHECK_EQ(table.entry[0].expires, 40 * SEC);
    struct skb s = packet(0);
    ck_assert(in(&s, 40 * SEC - 1) && !s.ct_new);
    ck_assert(pass(0, 69 * SEC));
    s = packet(0);
    ck_assert(in(&s, 99 * SEC) && s.ct_new);            /* found expired: a new one */
    CHECK_EQ(table.counters.entries, 1);
    conntrack_free(&table);
}
END_TEST

/* An expired entry that nobody asks for is in the table until the collector comes by, at the full minute. */
START_TEST(the_collector_takes_out_what_has_expired)
{
    begin(1, 1 << 20);
    ck_assert(pass(0, 5 * SEC));                        /* until 35 s */
    ck_assert(!pass(1, 59 * SEC));
    ck_assert(pass(1, 60 * SEC));
    CHECK_EQ(table.counters.entries, 1);
    conntrack_free(&table);
}
END_TEST

START_TEST(timeouts_are_those_of_the_protocol)
{
    struct skb s = packet(0);

    begin(10, 64);
    flow[0].key.proto = FLOW_TCP;
    s.tcp_flags = TCP_SYN;
    ck_assert(in(&s, 0) && conntrack_confirm(&table, &s, &flow[0], 0));
    CHECK_EQ(table.entry[0].expires, 120 * SEC);
    s.tcp_flags = TCP_ACK;
    ck_assert(in(&s, 0));
    CHECK_EQ(table.entry[0].expires, 300 * SEC);
    conntrack_reply(&table, 0, 1 * SEC);
    CHECK_EQ(table.entry[0].expires, 432001 * SEC);
    flow[1].key.proto = FLOW_OTHER_IP;
    ck_assert(pass(1, 0));
    CHECK_EQ(table.entry[1].expires, 600 * SEC);
    conntrack_free(&table);
}
END_TEST

/* An ACK of this host makes a connection assured. */
START_TEST(an_acknowledged_connection_is_assured)
{
    static struct rig r;

    rig_init(&r, 1, "netfilter.conntrack=on");
    uint32_t tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    for (uint32_t i = 0; i < 4; i++)
        rig_segment(&r, (10 + 10 * i) * US, tcp, 1 + 1000 * i, 1000);
    rig_burst(&r, 60 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(r.host.netfilter.conntrack.entry[0].assured, 1);
    CHECK_EQ(r.host.netfilter.conntrack.entry[1].assured, 0);
    CHECK_EQ(r.host.netfilter.conntrack.counters.entries, 2);
    rig_free(&r);
}
END_TEST

SUITE(conntrack, conntrack_makes_one_entry_a_flow_and_costs_every_packet, a_full_table_drops_new_flows_and_only_those,
      early_drop_makes_room_by_what_is_not_assured, entries_are_counted_through_early_drops,
      the_second_of_two_first_packets_loses_the_race, a_burst_of_a_new_flow_races_with_itself,
      a_packet_dropped_before_its_confirmation_leaves_no_entry, an_entry_lives_for_its_timeout_after_the_last_packet,
      the_collector_takes_out_what_has_expired, timeouts_are_those_of_the_protocol, an_acknowledged_connection_is_assured)
