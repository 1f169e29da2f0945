/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tap.h"

#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

static struct tap_counters counted(int cpu)
{
    return r.host.tap_counters[cpu];
}

/* Ten datagrams at once into a ring of four, whose reader on core 1 takes 1 us for one: four are there, the others come
 * within nanoseconds. The packets themselves all arrive. */
START_TEST(a_full_ring_costs_the_tap_its_copy_and_nobody_else)
{
    rig_init(&r, 1, "cpu.count=2 app.cpu=0 app.taps=1 app.tap_ring=4 cost.tap.read=1000cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 10);
    rig_run(&r);
    CHECK_EQ(counted(0).tapped, 10);
    CHECK_EQ(counted(0).dropped, 6);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 10);
    rig_free(&r);
}
END_TEST

/* The reader gives a slot back each microsecond: datagrams 2 us apart always find one. */
START_TEST(a_reader_that_keeps_up_loses_nothing)
{
    rig_init(&r, 1, "cpu.count=2 app.cpu=0 app.taps=1 app.tap_ring=1 cost.tap.read=1000cycles");
    uint32_t udp = rig_flow(&r, FLOW_UDP, 1, 9);
    for (int i = 0; i < 10; i++)
        rig_burst(&r, (10 + 2 * i) * US, udp, 1);
    rig_run(&r);
    CHECK_EQ(counted(0).dropped, 0);
    CHECK_EQ(r.host.cpu[1].spent[CPU_TASK], 10 * US);
    CHECK_EQ(r.host.tap[0].used, 0);
    rig_free(&r);
}
END_TEST

/* A datagram of 46 bytes: 100 and 46 * 3 for a tap with room, 100 for one without. */
START_TEST(a_full_ring_spares_the_copy)
{
    rig_init(&r, 1, "cpu.count=2 app.cpu=0 app.taps=1 app.tap_ring=1 cost.tap.read=1000000cycles cost.netif.tap=100cycles "
                    "cost.netif.tap_byte=3cycles/B net.core.gro_normal_batch=1");
    uint32_t udp = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, udp, 1);
    rig_burst(&r, 20 * US, udp, 1);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 0)->frame.socket_at - rig_end(&r, 0)->frame.stack_at, 238 * NS);
    CHECK_EQ(rig_end(&r, 1)->frame.socket_at - rig_end(&r, 1)->frame.stack_at, 100 * NS);
    rig_free(&r);
}
END_TEST

/* tcpdump shows what the firewall drops, and not what XDP drops. */
START_TEST(the_tap_sees_what_the_firewall_drops_and_not_what_xdp_drops)
{
    static const struct { const char *settings; enum fate fate; uint64_t seen; } row[] = {
        { "netfilter.raw.policy=drop", FATE_NETFILTER_DROP, 8 }, { "netfilter.input.policy=drop", FATE_NETFILTER_DROP, 8 },
        { "tc.ingress.policy=drop", FATE_TC_INGRESS, 8 }, { "netfilter.ingress.policy=drop", FATE_NETFILTER_DROP, 8 },
        { "nic.xdp=drop", FATE_XDP_DROP, 0 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        rig_init(&r, 1, "app.taps=1");
        rig_set(&r, row[i].settings);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 8);
        rig_run(&r);
        CHECK_EQ(rig_fate(&r, row[i].fate), 8);
        CHECK_EQ(counted(0).tapped, row[i].seen);
        rig_free(&r);
    }
}
END_TEST

/* A tap on a machine at its limit takes its cost from the frames: the probe effect, which a sweep of app.taps shows. */
START_TEST(a_tap_on_a_busy_core_costs_packets)
{
    uint64_t delivered[2];

    for (int taps = 0; taps < 2; taps++) {
        struct config c;
        struct result got;
        machine_load(&c, "saturated.yaml", taps ? "app.taps=1 run.duration=3ms" : "app.taps=0 run.duration=3ms");
        machine_run(&c, NULL, &got);
        delivered[taps] = machine_fate(&got, FATE_DELIVERED);
        result_free(&got);
        machine_release(&c);
    }
    ck_assert_uint_lt(delivered[1], delivered[0]);
}
END_TEST

SUITE(tap, a_full_ring_costs_the_tap_its_copy_and_nobody_else, a_reader_that_keeps_up_loses_nothing,
      a_full_ring_spares_the_copy, the_tap_sees_what_the_firewall_drops_and_not_what_xdp_drops,
      a_tap_on_a_busy_core_costs_packets)
