/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/form.h"

#include <stdio.h>
#include <string.h>

#include "models/app.h"
#include "models/traffic.h"
#include "sim/lab/scenario.h"
#include "tests/machine.h"
#include "tests/suite.h"

static const char base[] = "version: 1\ninclude: one-frame.yaml\n";

/* What 1000 bytes on the wire hold: 46 are Ethernet, IPv4, UDP and FCS; then a tag's 4, 20 for IPv6, 50 for VXLAN (IPv4 20,
 * UDP 8, VXLAN 8, Ethernet 14), 24 for GRE (IPv4 20, GRE 4). TCP has 70. */
START_TEST(every_header_takes_its_bytes_from_the_payload)
{
    static const struct { const char *form; int payload; } row[] = {
        { "", 954 }, { "traffic.vlan=5", 950 }, { "traffic.ipv6=on", 934 }, { "traffic.encap=vxlan", 904 },
        { "traffic.encap=gre", 930 }, { "traffic.vlan=5 traffic.ipv6=on traffic.encap=vxlan", 880 },
        { "traffic.proto=tcp traffic.encap=vxlan", 880 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char settings[128];
        struct config c;
        struct host h;
        snprintf(settings, sizeof settings, "traffic.frame=1000B nic.vlan=5 %s", row[i].form);
        machine_parse(&c, base, settings);
        machine_host(&c, &h);
        CHECK_EQ(h.traffic[0].payload, row[i].payload);
        CHECK_EQ(host_ledger(&h).bytes[FATE_DELIVERED], 1000);
        CHECK_EQ(h.app[0].counters.bytes, row[i].payload);
        host_free(&h);
        machine_release(&c);
    }
}
END_TEST

/* Into how many of four queues forty flows fall. */
static int queues_of(const char *settings)
{
    char all[256];
    struct config c;
    struct host h;
    unsigned seen = 0;

    snprintf(all, sizeof all, "nic.channels=4 traffic.flows=40 traffic.frame=1000B %s", settings);
    machine_parse(&c, base, all);
    machine_host(&c, &h);
    for (uint32_t f = 0; f < h.flows; f++)
        seen |= 1u << h.flow[f].queue;
    host_free(&h);
    machine_release(&c);
    return __builtin_popcount(seen);
}

/* RSS sees the outermost header: behind a tunnel all flows are one, unless its source port tells them apart and the NIC
 * looks at ports of UDP. GRE has none. */
START_TEST(tunnelled_flows_share_one_queue_unless_their_outer_ports_differ)
{
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=on"), 4);
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=on traffic.encap=vxlan"), 1);
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=on traffic.encap=vxlan traffic.encap_entropy=on"), 4);
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=off traffic.encap=vxlan traffic.encap_entropy=on"), 1);
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=on traffic.encap=gre traffic.encap_entropy=on"), 1);
    CHECK_EQ(queues_of("traffic.proto=tcp"), 4);
    CHECK_EQ(queues_of("traffic.proto=tcp traffic.encap=vxlan nic.rss.hash_udp_ports=on"), 1);
    CHECK_EQ(queues_of("traffic.proto=tcp traffic.ipv6=on"), 4);
}
END_TEST

/* Of a fragment only the addresses are hashed, also of the first; a datagram that fits in one frame is none. */
START_TEST(fragments_are_hashed_without_ports)
{
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=on traffic.fragment=2000B"), 1);
    CHECK_EQ(queues_of("nic.rss.hash_udp_ports=on traffic.fragment=900B"), 4);
}
END_TEST

/* 4000 bytes and UDP's 8, 1480 in each frame of 1518: 1480, 1480 and 1048 - frames of 1518, 1518 and 1086. They follow each
 * other, flow after flow. */
START_TEST(a_datagram_goes_in_fragments_one_after_the_other)
{
    static const uint32_t flow[6] = { 0, 0, 0, 1, 1, 1 };
    static const int length[6] = { 1518, 1518, 1086, 1518, 1518, 1086 };
    struct config c;
    struct host h;

    machine_parse(&c, base, "traffic.fragment=4000B traffic.frame=1518B traffic.flows=2 traffic.frames=12");
    machine_host(&c, &h);
    struct traffic t;
    traffic_init(&t, &h.config, 0, 0, h.nic ? 10000000000 : 0, h.exponential, 1, 0);
    for (int i = 0; i < 12; i++) {
        struct frame f;
        traffic_next(&t, &f);
        CHECK_EQ(f.flow, flow[i % 6]);
        CHECK_EQ(f.wire_bytes, length[i % 6]);
        CHECK_EQ(f.frag, i % 3);
        CHECK_EQ(f.frags, 3);
        CHECK_EQ(f.ip_id, i / 6);
        CHECK_EQ(f.payload, i % 3 == 0 ? 4000 : 0);
    }
    host_free(&h);
    machine_release(&c);
}
END_TEST

START_TEST(a_form_that_cannot_be_is_a_sentence)
{
    static const struct { const char *form, *says; } row[] = {
        { "traffic.encap=vxlan traffic.encap_saddr=here", "encap_saddr" },
        { "traffic.encap=vxlan traffic.frame=64B", "frame is shorter than its headers" },
        { "traffic.ipv6=on traffic.frame=64B", "frame is shorter" },
        { "traffic.cast=multicast", "daddr" },
        { "traffic.daddr=239.1.1.1 traffic.vlan=5", "daddr" },
        { "traffic.cast=broadcast traffic.proto=tcp traffic.frame=100B", "TCP is unicast" },
        { "traffic.fragment=4000B traffic.frame=1518B traffic.ipv6=on", "fragment" },
        { "traffic.fragment=4000B traffic.frame=64B", "fragment" },
        { "traffic.fragment=65507B traffic.frame=100B", "255 fragments" },
        { "traffic.fragment=4000B traffic.proto=tcp traffic.frame=1518B", "fragment" },
        { "nic.vlan=5,x", "VLAN ids" },
        { "nic.vlan=4095", "VLAN ids" },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct messages m = { 0 };
        struct config c;
        struct scenario *s = scenario_parse(base, sizeof base - 1, "test", machine_data_dir(), &m);
        char text[128], *rest = NULL;
        snprintf(text, sizeof text, "%s", row[i].form);
        for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            char *value = strchr(word, '=');
            *value++ = '\0';
            CHECK_EQ(scenario_set(s, word, value, LEVEL_SET, "--set", &m), 0);
        }
        ck_assert_msg(scenario_resolve(s, &c, &m) != 0, "%s passes", row[i].form);
        ck_assert_msg(strstr(m.text, row[i].says) != NULL, "%s: %s", row[i].form, m.text);
        scenario_free(s);
        messages_free(&m);
    }
}
END_TEST

SUITE(form, every_header_takes_its_bytes_from_the_payload, tunnelled_flows_share_one_queue_unless_their_outer_ports_differ,
      fragments_are_hashed_without_ports, a_datagram_goes_in_fragments_one_after_the_other,
      a_form_that_cannot_be_is_a_sentence)
