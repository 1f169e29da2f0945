/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ip.h"

#include <stdio.h>

#include "models/host.h"
#include "tests/fixture.h"
#include "tests/machine.h"
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
    return (struct skb){ .flow = 0, .bad = bad, .ttl = 64, .network_header = 78, .transport_header = 98, .data = 78,
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
    CHECK_EQ(got->InNoRoutes, want.InNoRoutes);
    CHECK_EQ(got->IPReversePathFilter, want.IPReversePathFilter);
    CHECK_EQ(got->in_martian_src, want.in_martian_src);
    CHECK_EQ(got->in_martian_dst, want.in_martian_dst);
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
        { "host.address=10.0.0.7,10.0.0.2", true },
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

/* ---- the route ---- */

/* The flow's addresses as given; a0 is the source. */
static void between(uint32_t saddr, uint32_t daddr, const char *settings)
{
    rig_init(&r, 1, settings);
    rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    r.flow[0].saddr = saddr;
    r.flow[0].daddr = daddr;
    rig_build(&r);
}

START_TEST(addresses_that_cannot_be_on_a_wire_are_martian)
{
    static const struct { uint32_t saddr, daddr; enum fate fate; bool dst; } row[] = {
        { 0xe0000001, 0x0a000002, FATE_IP_INVALID_SOURCE, false },      /* 224.0.0.1 */
        { 0xffffffff, 0x0a000002, FATE_IP_INVALID_SOURCE, false },
        { 0x00000001, 0x0a000002, FATE_IP_INVALID_SOURCE, false },
        { 0x7f000001, 0x0a000002, FATE_IP_LOCALNET, false },
        { 0x0a000001, 0x7f000001, FATE_IP_LOCALNET, true },
        { 0x0a000002, 0x0a000002, FATE_IP_LOCAL_SOURCE, false },
        { 0xf0000001, 0x0a000002, FATE_IN_FLIGHT, false },              /* class E */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        between(row[i].saddr, row[i].daddr, "host.address=10.0.0.2");
        CHECK_EQ(receive(datagram(0)), row[i].fate);
        bool bad = row[i].fate != FATE_IN_FLIGHT;
        check_counters((struct ip_counters){ .InReceives = 1, .in_martian_src = bad && !row[i].dst, .in_martian_dst = row[i].dst });
        rig_free(&r);
    }
}
END_TEST

/* 10.0.0.0/8 lies behind eth0, where the frame came by; 11.0.0.0/8 nowhere. */
START_TEST(the_way_back_must_be_the_way_it_came)
{
    static const struct { uint32_t saddr; const char *filter; enum fate fate; } row[] = {
        { 0x0a000001, "net.ipv4.conf.all.rp_filter=1", FATE_IN_FLIGHT },
        { 0x0b000001, "net.ipv4.conf.all.rp_filter=1", FATE_IP_RPFILTER },
        { 0x0b000001, "net.ipv4.conf.all.rp_filter=2", FATE_IP_RPFILTER },
        { 0x0b000001, "net.ipv4.conf.all.rp_filter=0", FATE_IN_FLIGHT },
        { 0x0b000001, "net.ipv4.conf.all.rp_filter=1 nic.routes=10.0.0.0/8,0.0.0.0/0", FATE_IN_FLIGHT },
        { 0x0b000001, "net.ipv4.conf.all.rp_filter=2 host.default_route=eth0", FATE_IN_FLIGHT },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char settings[256];
        snprintf(settings, sizeof settings, "host.address=10.0.0.2 nic.routes=10.0.0.0/8 %s", row[i].filter);
        between(row[i].saddr, 0x0a000002, settings);
        CHECK_EQ(receive(datagram(0)), row[i].fate);
        check_counters((struct ip_counters){ .InReceives = 1, .IPReversePathFilter = row[i].fate == FATE_IP_RPFILTER });
        rig_free(&r);
    }
}
END_TEST

/* Strict wants the interface itself, loose any: two NICs, the source behind the other one. */
START_TEST(loose_reverse_path_is_content_with_another_interface)
{
    static const char text[] = "version: 1\nnic[eth0]: {routes: 10.0.0.0/8}\nnic[eth1]: {routes: 192.168.0.0/16}\n"
                               "run: {duration: 1ms}\ntraffic: {saddr: 192.168.1.1, frames: 4}\napp: {kind: recv}\n";
    static const struct { const char *filter; enum fate fate; } row[] = {
        { "net.ipv4.conf.all.rp_filter=1", FATE_IP_RPFILTER }, { "net.ipv4.conf.all.rp_filter=2", FATE_DELIVERED },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct config c;
        struct result got;
        machine_parse(&c, text, row[i].filter);
        machine_run(&c, NULL, &got);
        CHECK_EQ(machine_fate(&got, row[i].fate), 4);
        result_free(&got);
        machine_release(&c);
    }
}
END_TEST

START_TEST(what_no_route_leads_to_is_not_forwarded)
{
    between(0x0a000001, 0x0b000001, "host.address=10.0.0.2 net.ipv4.ip_forward=on nic.routes=10.0.0.0/8");
    CHECK_EQ(receive(datagram(0)), FATE_IP_INNOROUTES);
    check_counters((struct ip_counters){ .InReceives = 1, .InNoRoutes = 1 });
    rig_free(&r);
    between(0x0a000001, 0x0b000001, "host.address=10.0.0.2 nic.routes=10.0.0.0/8");     /* a host does not ask */
    CHECK_EQ(receive(datagram(0)), FATE_IP_INADDRERRORS);
    rig_free(&r);
    between(0x0a000001, 0x0b000001, "host.address=10.0.0.2 net.ipv4.ip_forward=on nic.routes=10.0.0.0/8,11.0.0.0/16");
    CHECK_EQ(receive(datagram(0)), FATE_FORWARDED);
    CHECK_EQ(r.host.flow[0].route, 0);
    rig_free(&r);
}
END_TEST

/* TTL 1 reaches this host and no other. */
START_TEST(a_used_up_ttl_ends_only_what_is_to_be_forwarded)
{
    struct skb s = datagram(0);

    s.ttl = 1;
    begin("host.address=10.0.0.2 net.ipv4.ip_forward=on");
    CHECK_EQ(receive(s), FATE_IN_FLIGHT);
    rig_free(&r);
    begin("host.address=10.0.0.3 net.ipv4.ip_forward=on");
    CHECK_EQ(receive(s), FATE_IP_INHDR);
    check_counters((struct ip_counters){ .InReceives = 1, .InHdrErrors = 1 });
    s.ttl = 2;
    CHECK_EQ(receive(s), FATE_FORWARDED);
    rig_free(&r);
}
END_TEST

/* 752 thousand routes are 20 doublings of one: 20 * 29, and as much again and 150 where rp_filter looks for the way
 * back; TCP has its route from its socket. */
START_TEST(a_lookup_costs_by_the_doublings_of_the_table)
{
    static const struct { const char *settings; int udp, tcp; } row[] = {
        { "host.routes=1", 10, 3 }, { "host.routes=2", 39, 3 }, { "host.routes=3", 68, 3 },
        { "host.routes=752000", 590, 3 }, { "host.routes=752000 net.ipv4.conf.all.rp_filter=1", 1320, 3 },
        { "host.routes=2 net.ipv4.ip_early_demux=off", 39, 39 }, { "host.routes=2 net.ipv4.tcp_early_demux=off", 39, 39 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        for (int tcp = 0; tcp < 2; tcp++) {
            struct skb s = datagram(0);
            ps_t cost = 0;
            rig_init(&r, 1, "cost.ip.rcv=10cycles cost.ip.rcv_demuxed=3cycles cost.ip.fib_level=29cycles "
                            "cost.ip.validate_source=150cycles");
            rig_set(&r, row[i].settings);
            rig_burst(&r, 0, rig_flow(&r, tcp ? FLOW_TCP : FLOW_UDP, 1, 9), 1);
            rig_build(&r);
            ip_rcv(&r.host, &s, &cost);
            CHECK_EQ(cost, (tcp ? row[i].tcp : row[i].udp) * NS);
            rig_free(&r);
        }
    }
}
END_TEST

START_TEST(a_list_of_routes_is_read_or_refused)
{
    static const char *const wrong[] = { "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0/8", "10.0.0.0/8x" };
    char why[256] = "";

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char settings[64];
        snprintf(settings, sizeof settings, "nic.routes=%s", wrong[i]);
        rig_init(&r, 1, settings);
        ck_assert_ptr_nonnull(ip_check(&r.config, why, sizeof why));
        rig_free(&r);
    }
    rig_init(&r, 1, "nic.routes=0.0.0.0/0,10.0.0.0/8");
    ck_assert_ptr_null(ip_check(&r.config, why, sizeof why));
    rig_free(&r);
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
      only_tcp_is_demuxed_early, addresses_that_cannot_be_on_a_wire_are_martian, the_way_back_must_be_the_way_it_came,
      loose_reverse_path_is_content_with_another_interface, what_no_route_leads_to_is_not_forwarded,
      a_used_up_ttl_ends_only_what_is_to_be_forwarded, a_lookup_costs_by_the_doublings_of_the_table,
      a_list_of_routes_is_read_or_refused)
