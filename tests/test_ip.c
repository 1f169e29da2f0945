/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ip.h"

#include "models/host.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* A machine with one flow of datagrams, not running: IP is called by hand. */
static void begin(const char *settings)
{
    rig_init(&r, 1, settings);
    rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_build(&r);
}

static struct skb datagram(uint16_t bad)
{
    return (struct skb){ .flow = 0, .bad = bad, .network_header = 78, .transport_header = 98, .data = 78,
                         .len = 46 };
}

/* What ip_rcv() says, and the counters it has moved. */
static enum fate receive(struct skb s)
{
    ps_t cost = 0;

    return ip_rcv(&r.host, &s, &cost);
}

static void check_counters(struct ip_counters want)
{
    const struct ip_counters *got = &r.host.ip;

    CHECK_EQ(got->InReceives, want.InReceives);
    CHECK_EQ(got->InHdrErrors, want.InHdrErrors);
    CHECK_EQ(got->InAddrErrors, want.InAddrErrors);
    CHECK_EQ(got->InDelivers, want.InDelivers);
    CHECK_EQ(got->InTruncatedPkts, want.InTruncatedPkts);
    CHECK_EQ(got->InCsumErrors, want.InCsumErrors);
    CHECK_EQ(got->ForwDatagrams, want.ForwDatagrams);
}

START_TEST(a_good_datagram_for_us_passes)
{
    begin("");
    CHECK_EQ(receive(datagram(0)), FATE_IN_FLIGHT);
    check_counters((struct ip_counters){ .InReceives = 1 });
    rig_free(&r);
}
END_TEST

START_TEST(a_frame_for_another_host_is_dropped_before_it_counts_as_received)
{
    begin("");
    r.host.flow[0].key.otherhost = 1;
    CHECK_EQ(receive(datagram(FRAME_BAD_IP_HDR)), FATE_OTHERHOST);
    check_counters((struct ip_counters){ .InReceives = 0 });
    rig_free(&r);
}
END_TEST

/* With all that can be wrong, the first check speaks; take that away and the next one does. */
START_TEST(checks_come_in_the_kernels_order_header_checksum_length)
{
    static const struct { uint16_t bad; enum fate fate; struct ip_counters counters; } expected[] = {
        { FRAME_BAD_IP_HDR | FRAME_BAD_IP_CSUM | FRAME_TRUNCATED, FATE_IP_INHDR,
          { .InReceives = 1, .InHdrErrors = 1 } },
        { FRAME_BAD_IP_CSUM | FRAME_TRUNCATED, FATE_IP_CSUM,
          { .InReceives = 1, .InHdrErrors = 1, .InCsumErrors = 1 } },
        { FRAME_TRUNCATED, FATE_PKT_TOO_SMALL, { .InReceives = 1, .InTruncatedPkts = 1 } },
        { FRAME_BAD_L4_CSUM, FATE_IN_FLIGHT, { .InReceives = 1 } },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        begin("");
        CHECK_EQ(receive(datagram(expected[i].bad)), expected[i].fate);
        check_counters(expected[i].counters);
        rig_free(&r);
    }
}
END_TEST

/* PRE_ROUTING comes after the checks and before the route. */
START_TEST(netfilter_sees_what_passed_the_checks_whoever_it_is_for)
{
    begin("netfilter.raw.policy=drop host.address=10.9.9.9");
    CHECK_EQ(receive(datagram(FRAME_BAD_IP_CSUM)), FATE_IP_CSUM);
    CHECK_EQ(r.host.netfilter.counters.nf_dropped, 0);
    CHECK_EQ(receive(datagram(0)), FATE_NETFILTER_DROP);
    CHECK_EQ(r.host.netfilter.counters.nf_dropped, 1);
    CHECK_EQ(r.host.ip.InAddrErrors, 0);
    rig_free(&r);
}
END_TEST

START_TEST(a_datagram_for_another_address_is_forwarded_only_if_forwarding_is_on)
{
    begin("host.address=10.0.0.3");
    CHECK_EQ(receive(datagram(0)), FATE_IP_INADDRERRORS);
    check_counters((struct ip_counters){ .InReceives = 1, .InAddrErrors = 1 });
    rig_free(&r);
    begin("host.address=10.0.0.3 net.ipv4.ip_forward=on");
    CHECK_EQ(receive(datagram(0)), FATE_FORWARDED);
    check_counters((struct ip_counters){ .InReceives = 1, .ForwDatagrams = 1 });
    rig_free(&r);
}
END_TEST

/* The flow goes to 10.0.0.2. */
START_TEST(a_host_has_the_addresses_of_its_list)
{
    static const struct { const char *list; bool local; } expected[] = {
        { "host.address=", true }, { "host.address=10.0.0.2", true },
        { "host.address=10.0.0.1,10.0.0.2", true },
        { "host.address=10.0.0.1", false }, { "host.address=10.0.0.22,110.0.0.2", false },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        begin(expected[i].list);
        CHECK_EQ(receive(datagram(0)) == FATE_IN_FLIGHT, expected[i].local);
        rig_free(&r);
    }
}
END_TEST

START_TEST(local_delivery_counts_and_takes_the_ip_header_off)
{
    struct skb s = datagram(0);
    ps_t cost = 0;

    begin("cost.ip.deliver=80cycles");
    CHECK_EQ(ip_local_deliver(&r.host, &s, &cost), FATE_IN_FLIGHT);
    CHECK_EQ(cost, 80 * NS);
    CHECK_EQ(s.data, 98);
    CHECK_EQ(s.len, 26);
    check_counters((struct ip_counters){ .InDelivers = 1 });
    rig_free(&r);
}
END_TEST

START_TEST(what_local_in_drops_is_not_delivered)
{
    struct skb s = datagram(0);
    ps_t cost = 0;

    begin("cost.ip.deliver=80cycles netfilter.input.policy=drop");
    CHECK_EQ(ip_local_deliver(&r.host, &s, &cost), FATE_NETFILTER_DROP);
    CHECK_EQ(cost, 0);
    check_counters((struct ip_counters){ .InDelivers = 0 });
    rig_free(&r);
}
END_TEST

/* 170 to receive and route, 1430 more to forward; a bad one has cost nothing here. */
START_TEST(receiving_and_forwarding_have_their_costs)
{
    struct skb s = datagram(0), bad = datagram(FRAME_BAD_IP_CSUM);
    ps_t cost = 0;

    begin("cost.ip.rcv=170cycles cost.ip.forward=1430cycles");
    ip_rcv(&r.host, &bad, &cost);
    CHECK_EQ(cost, 0);
    ip_rcv(&r.host, &s, &cost);
    CHECK_EQ(cost, 170 * NS);
    rig_free(&r);
    begin("cost.ip.rcv=170cycles cost.ip.forward=1430cycles host.address=10.0.0.3 net.ipv4.ip_forward=on");
    cost = 0;
    ip_rcv(&r.host, &s, &cost);
    CHECK_EQ(cost, 1600 * NS);
    rig_free(&r);
}
END_TEST

/* Three cores receive: two of three times the lines are elsewhere, and the third waits for the second: 54 * 2 / 3 * 1.2. */
START_TEST(forwarding_pays_for_lines_that_other_receiving_cores_have)
{
    struct skb s = datagram(0);
    ps_t cost = 0;

    begin("cpu.count=4 cost.cache.forward=54cycles host.address=10.0.0.3 net.ipv4.ip_forward=on");
    r.host.cache.receiving = 3;
    CHECK_EQ(ip_rcv(&r.host, &s, &cost), FATE_FORWARDED);
    CHECK_EQ(cost, 43200);
    rig_free(&r);
}
END_TEST

/* Nobody listens on port 10: delivered by IP, refused by UDP. An aggregate of three segments counts once. */
START_TEST(ip_delivers_whatever_l4_makes_of_it_and_counts_skbs)
{
    uint32_t tcp;

    rig_init(&r, 1, "pcie.msix_latency=1us app.port=9");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 10), 1);
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    for (uint32_t i = 0; i < 3; i++)
        rig_segment(&r, 100 * US, tcp, 1 + i * 100, 100)->ip_id = (uint16_t)i;
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_NO_SOCKET), 1);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    check_counters((struct ip_counters){ .InReceives = 2, .InDelivers = 2 });
    rig_free(&r);
}
END_TEST

/* A TCP skb has its route from its socket, 3; all others are looked up, 10. */
START_TEST(only_tcp_is_demuxed_early)
{
    static const struct { uint8_t proto; int cost; } row[] = {
        { FLOW_TCP, 3 }, { FLOW_UDP, 10 }, { FLOW_OTHER_IP, 10 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct skb s = datagram(0);
        ps_t cost = 0;

        rig_init(&r, 1, "cost.ip.rcv=10cycles cost.ip.rcv_demuxed=3cycles");
        rig_burst(&r, 0, rig_flow(&r, row[i].proto, 1, 9), 1);
        rig_build(&r);
        ip_rcv(&r.host, &s, &cost);
        CHECK_EQ(cost, row[i].cost * NS);
        rig_free(&r);
    }
}
END_TEST

SUITE(ip, a_good_datagram_for_us_passes, a_frame_for_another_host_is_dropped_before_it_counts_as_received,
      checks_come_in_the_kernels_order_header_checksum_length,
      netfilter_sees_what_passed_the_checks_whoever_it_is_for,
      a_datagram_for_another_address_is_forwarded_only_if_forwarding_is_on,
      a_host_has_the_addresses_of_its_list,
      local_delivery_counts_and_takes_the_ip_header_off, what_local_in_drops_is_not_delivered,
      receiving_and_forwarding_have_their_costs,
      forwarding_pays_for_lines_that_other_receiving_cores_have, ip_delivers_whatever_l4_makes_of_it_and_counts_skbs,
      only_tcp_is_demuxed_early)
