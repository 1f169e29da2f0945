/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rps.h"

#include "models/app.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* Queue 0's interrupt goes to core 0; everything of a burst waits in the ring when it is polled. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=4 app.cpu=3 pcie.msix_latency=1us");
    rig_set(&r, settings);
    rig_flow(&r, FLOW_UDP, 1, 9);
}

static const struct rps_counters *counted(int cpu)
{
    return &r.host.backlog[cpu].counters;
}

static uint64_t received_rps(int cpu)
{
    return r.host.softirq[cpu].counters.received_rps;
}

/* ---- which CPU ---- */

/* Of a map of three, 0, 1 and 3: (hash * 3) >> 32 steps at thirds of 2^32, 0x55555555.5 and 0xaaaaaaaa.a. */
START_TEST(the_cpu_is_the_hashs_share_of_the_map)
{
    static const struct { uint32_t hash; int cpu; } expected[] = {
        { 1, 0 }, { 0x55555555, 0 }, { 0x55555556, 1 }, { 0xaaaaaaaa, 1 },
        { 0xaaaaaaab, 3 }, { 0xffffffff, 3 },
    };

    begin("nic.queue.rps_cpus=b");
    rig_build(&r);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct skb s = { .hash = expected[i].hash, .queue = 0, .nic = 0 };
        CHECK_EQ(rps_cpu(&r.host, &s), expected[i].cpu);
    }
    rig_free(&r);
}
END_TEST

START_TEST(without_a_mask_nothing_is_steered)
{
    struct skb s = { .hash = 1, .queue = 0, .nic = 0 };

    begin("nic.channels=2 nic.queue[1].rps_cpus=f");
    rig_build(&r);
    CHECK_EQ(rps_cpu(&r.host, &s), -1);
    s.queue = 1;
    CHECK_EQ(rps_cpu(&r.host, &s), 0);
    s.queue = -1;
    CHECK_EQ(rps_cpu(&r.host, &s), -1);
    rig_free(&r);
}
END_TEST

/* Bits 4 and up name no core of this machine: f1 is core 0 alone. */
START_TEST(cpus_that_do_not_exist_are_not_in_the_map)
{
    struct skb s = { .hash = 0xffffffff, .queue = 0, .nic = 0 };

    begin("nic.queue.rps_cpus=f1");
    rig_build(&r);
    CHECK_EQ(rps_cpu(&r.host, &s), 0);
    rig_free(&r);
}
END_TEST

/* With rxhash off an skb has hash 0; the stack then computes one of its own, so flows are spread all the
 * same. */
START_TEST(without_the_nics_hash_flows_are_still_spread)
{
    int cores = 0;

    begin("nic.queue.rps_cpus=f nic.features.rxhash=off");
    for (uint16_t i = 0; i < 40; i++)
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1000 + i), 9), 1, 100);
    rig_run(&r);
    for (int c = 0; c < 4; c++)
        cores += r.host.netif[c].processed > 0;
    CHECK_EQ(cores, 4);
    rig_free(&r);
}
END_TEST

/* ---- the backlog ---- */

/* 60 at once, before the target hears of them: a backlog takes netdev_max_backlog + 1. Measured on a real
 * 6.18: 0, 1, 10, 20 and 58 let 1, 2, 11, 21 and 59 of 60 pass. */
START_TEST(a_backlog_takes_one_more_than_its_limit)
{
    static const struct { const char *max; int taken; } expected[] = {
        { "net.core.netdev_max_backlog=0", 1 }, { "net.core.netdev_max_backlog=1", 2 },
        { "net.core.netdev_max_backlog=10", 11 }, { "net.core.netdev_max_backlog=20", 21 },
        { "net.core.netdev_max_backlog=58", 59 }, { "net.core.netdev_max_backlog=59", 60 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        begin("nic.queue.rps_cpus=2");
        rig_set(&r, expected[i].max);
        rig_burst(&r, 10 * US, 0, 60);
        rig_run(&r);
        CHECK_EQ(counted(1)->enqueued, expected[i].taken);
        CHECK_EQ(counted(1)->dropped, 60 - expected[i].taken);
        CHECK_EQ(counted(0)->dropped, 0);
        CHECK_EQ(rig_fate(&r, FATE_CPU_BACKLOG), 60 - expected[i].taken);
        CHECK_EQ(rig_fate(&r, FATE_DELIVERED), expected[i].taken);
        CHECK_EQ(rig_end(&r, (uint64_t)expected[i].taken - 1)->fate, FATE_DELIVERED);
        rig_free(&r);
    }
}
END_TEST

/* The target works 10 us on each of eleven skbs, from 11 us on. They lie in its process queue, so that
 * eleven of twenty more find room at 50 us. */
START_TEST(what_the_backlogs_poll_has_taken_over_does_not_count)
{
    begin("nic.queue.rps_cpus=2 net.core.netdev_max_backlog=10 cost.netif.skb=10us");
    rig_burst(&r, 10 * US, 0, 11);
    rig_burst(&r, 50 * US, 0, 20);
    rig_run(&r);
    CHECK_EQ(counted(1)->enqueued, 22);
    CHECK_EQ(counted(1)->dropped, 9);
    rig_free(&r);
}
END_TEST

/* The core hardly knows what it steers away: processed counts where the skb is worked on. */
START_TEST(softnet_columns_count_on_their_own_cpus)
{
    begin("nic.queue.rps_cpus=2");
    rig_burst(&r, 10 * US, 0, 5);
    rig_run(&r);
    CHECK_EQ(r.host.netif[0].processed, 0);
    CHECK_EQ(r.host.netif[1].processed, 5);
    CHECK_EQ(received_rps(1), 1);
    CHECK_EQ(received_rps(0), 0);
    CHECK_EQ(counted(0)->ipis_sent, 1);
    CHECK_EQ(r.host.cpu[1].counters.ipis, 1);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 5);
    for (int i = 0; i < 5; i++) {       /* the driver's poll was on core 0, and the order is kept */
        CHECK_EQ(rig_end(&r, (uint64_t)i)->frame.cpu, 0);
        CHECK_EQ(rig_note(&r, TRACE_RECV, i)->a, i);
        CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, i)->cpu, 1);
    }
    rig_free(&r);
}
END_TEST

/* ---- the flow limit ---- */

/* The sender is done before the target hears of it. Of a backlog for 200, half is 100: so many pass unseen, then 64 are let
 * through; the 65th in a history of 128 is one too many, and each one after it: 76 of 240. */
START_TEST(a_flow_with_more_than_half_of_the_last_128_is_refused)
{
    begin("nic.queue.rps_cpus=2 net.core.flow_limit_cpu_bitmap=1 kernel.napi.weight=256"
          " net.core.netdev_max_backlog=200");
    rig_burst(&r, 10 * US, 0, 240);
    rig_run(&r);
    CHECK_EQ(counted(1)->enqueued, 164);
    CHECK_EQ(counted(1)->dropped, 76);
    CHECK_EQ(counted(0)->flow_limit_count, 76);
    CHECK_EQ(counted(1)->flow_limit_count, 0);
    CHECK_EQ(rig_fate(&r, FATE_CPU_BACKLOG), 76);
    rig_free(&r);
}
END_TEST

/* Three frames of four are one flow's. 125 pass unseen; of the other 115, 29 are small flows' and 86 the large one's: 64 of
 * these pass, 22 do not, and the small ones all get to the target. */
START_TEST(the_flow_limit_leaves_small_flows_alone)
{
    uint32_t small[8];

    begin("nic.queue.rps_cpus=2 net.core.flow_limit_cpu_bitmap=1 kernel.napi.weight=256"
          " net.core.netdev_max_backlog=250 nic.rss.hash_udp_ports=on");
    for (uint16_t i = 0; i < 8; i++)
        small[i] = rig_flow(&r, FLOW_UDP, (uint16_t)(100 + i), 9);
    for (int i = 0; i < 240; i++)
        rig_burst(&r, 10 * US, i % 4 == 3 ? small[i / 4 % 8] : 0, 1);
    rig_run(&r);
    CHECK_EQ(counted(0)->flow_limit_count, 22);
    CHECK_EQ(rig_fate(&r, FATE_CPU_BACKLOG), 22);
    for (uint64_t i = 3; i < 240; i += 4)
        ck_assert_int_ne(rig_end(&r, i)->fate, FATE_CPU_BACKLOG);
    rig_free(&r);
}
END_TEST

START_TEST(cpus_outside_of_the_bitmap_limit_no_flow)
{
    begin("nic.queue.rps_cpus=2 net.core.flow_limit_cpu_bitmap=2 kernel.napi.weight=256"
          " net.core.netdev_max_backlog=200");
    rig_burst(&r, 10 * US, 0, 200);
    rig_run(&r);
    CHECK_EQ(counted(1)->enqueued, 200);
    CHECK_EQ(counted(0)->flow_limit_count, 0);
    rig_free(&r);
}
END_TEST

/* ---- the IPI ---- */

/* Ten frames of 1 us each are steered as lists of 8 and 2; the run ends at 10 us, the message leaves then,
 * flies for 500 ns, its handler takes 300 ns. Before that the target does nothing. */
START_TEST(the_ipi_leaves_at_the_end_of_the_run)
{
    const ps_t at = 11 * US + RIG_WIRE;

    begin("nic.queue.rps_cpus=2 cost.driver.frame=1000cycles cpu.ipi_latency=500ns cost.rps.ipi=300cycles");
    rig_burst(&r, 10 * US, 0, 10);
    rig_start(&r);
    rig_until(&r, at + 10800 * NS - 1);
    CHECK_EQ(rig_count(&r, TRACE_NETIF_RECEIVE_SKB), 0);
    CHECK_EQ(counted(1)->enqueued, 10);
    rig_until(&r, at + 10800 * NS);
    ck_assert_int_ge(rig_count(&r, TRACE_NETIF_RECEIVE_SKB), 1);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->at, at + 10800 * NS);
    CHECK_EQ(counted(0)->ipis_sent, 1);
    rig_free(&r);
}
END_TEST

/* The target needs 100 us for the first burst: the second finds it busy and needs no message. A third, when
 * it is idle again, does. */
START_TEST(a_busy_backlog_is_not_kicked)
{
    begin("nic.queue.rps_cpus=2 cost.netif.skb=10us");
    rig_burst(&r, 10 * US, 0, 10);
    rig_burst(&r, 50 * US, 0, 10);
    rig_burst(&r, 1 * MS, 0, 1);
    rig_start(&r);
    rig_until(&r, 900 * US);
    CHECK_EQ(counted(0)->ipis_sent, 1);
    CHECK_EQ(r.host.netif[1].processed, 20);
    rig_until(&r, 2 * MS);
    CHECK_EQ(counted(0)->ipis_sent, 2);
    CHECK_EQ(received_rps(1), 2);
    rig_free(&r);
}
END_TEST

/* Two targets, two messages, 600 ns each at the end of the run. */
START_TEST(each_target_gets_its_ipi)
{
    begin("nic.queue.rps_cpus=6 cost.rps.send_ipi=600cycles nic.rss.hash_udp_ports=on");
    for (uint16_t i = 0; i < 30; i++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + i), 9), 1);
    rig_run(&r);
    CHECK_EQ(counted(0)->ipis_sent, 2);
    CHECK_EQ(received_rps(1), 1);
    CHECK_EQ(received_rps(2), 1);
    CHECK_EQ(counted(1)->enqueued + counted(2)->enqueued, 30);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 1200 * NS);
    rig_free(&r);
}
END_TEST

/* Steering costs 110 an skb to the core that steers, 90 to the one that takes it out. */
START_TEST(queueing_costs_the_sender_and_taking_the_target)
{
    begin("nic.queue.rps_cpus=2 cost.rps.enqueue=110cycles cost.rps.dequeue=90cycles");
    rig_burst(&r, 10 * US, 0, 10);
    rig_run(&r);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 1100 * NS);
    CHECK_EQ(r.host.cpu[1].spent[CPU_SOFTIRQ], 900 * NS);
    rig_free(&r);
}
END_TEST

/* ---- the backlog's poll ---- */

/* The steering core's own share needs no message: its backlog is a NAPI of the same run (6.6 on). */
START_TEST(a_cpu_that_steers_to_itself_polls_its_backlog_without_an_ipi)
{
    begin("nic.queue.rps_cpus=1");
    rig_burst(&r, 10 * US, 0, 10);
    rig_run(&r);
    CHECK_EQ(counted(0)->enqueued, 10);
    CHECK_EQ(counted(0)->ipis_sent, 0);
    CHECK_EQ(r.host.netif[0].processed, 10);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 1);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->a, 10);
    rig_free(&r);
}
END_TEST

/* 100 skbs in polls of dev_weight: 64 + 36, or 25 at a time and then one that finds nothing. */
START_TEST(a_poll_of_the_backlog_takes_dev_weight)
{
    static const struct { const char *weight; int polls, work[5]; } expected[] = {
        { "net.core.dev_weight=64", 2, { 64, 36 } }, { "net.core.dev_weight=25", 5, { 25, 25, 25, 25, 0 } },
        { "net.core.dev_weight=256", 1, { 100 } },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        int n = 0;

        begin("nic.queue.rps_cpus=2 kernel.napi.weight=128");
        rig_set(&r, expected[i].weight);
        rig_burst(&r, 10 * US, 0, 100);
        rig_run(&r);
        for (int k = 0; k < rig_count(&r, TRACE_NAPI_POLL); k++) {
            const struct note *poll = rig_note(&r, TRACE_NAPI_POLL, k);
            if (poll->cpu == 1)
                CHECK_EQ(poll->a, expected[i].work[n++]);
        }
        CHECK_EQ(n, expected[i].polls);
        rig_free(&r);
    }
}
END_TEST

/* An aggregate of five segments is one skb on the backlog. */
START_TEST(the_backlog_counts_skbs_not_segments)
{
    uint32_t tcp;

    begin("nic.queue.rps_cpus=2 net.core.netdev_max_backlog=0");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    for (uint32_t i = 0; i < 5; i++)
        rig_segment(&r, 10 * US, tcp, 1 + i * 100, 100)->ip_id = (uint16_t)i;
    rig_run(&r);
    CHECK_EQ(counted(1)->enqueued, 1);
    CHECK_EQ(counted(1)->dropped, 0);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 5);
    rig_free(&r);
}
END_TEST

SUITE(rps, the_cpu_is_the_hashs_share_of_the_map, without_a_mask_nothing_is_steered,
      cpus_that_do_not_exist_are_not_in_the_map, without_the_nics_hash_flows_are_still_spread,
      a_backlog_takes_one_more_than_its_limit, what_the_backlogs_poll_has_taken_over_does_not_count,
      a_flow_with_more_than_half_of_the_last_128_is_refused, the_flow_limit_leaves_small_flows_alone,
      cpus_outside_of_the_bitmap_limit_no_flow, softnet_columns_count_on_their_own_cpus, the_ipi_leaves_at_the_end_of_the_run,
      a_busy_backlog_is_not_kicked,
      each_target_gets_its_ipi, queueing_costs_the_sender_and_taking_the_target,
      a_cpu_that_steers_to_itself_polls_its_backlog_without_an_ipi, a_poll_of_the_backlog_takes_dev_weight,
      the_backlog_counts_skbs_not_segments)
