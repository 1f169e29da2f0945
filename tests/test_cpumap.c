/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cpumap.h"

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=3 app.cpu=2 pcie.msix_latency=1us nic.xdp=redirect-cpumap nic.xdp_cpus=2");
    rig_set(&r, settings);
}

/* CPU 0 polls, the kthread on CPU 1 runs the stack, CPU 2 reads. */
START_TEST(the_kthread_of_the_target_runs_the_stack)
{
    begin("cost.xdp.redirect=10cycles cost.cpumap.batch=100cycles cost.cpumap.frame=5cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    CHECK_EQ(r.host.netif[0].processed, 0);
    CHECK_EQ(r.host.netif[1].processed, 3);
    CHECK_EQ(r.host.nic[0].queue[0].driver.xdp.rx_xdp_redirect, 3);
    /* three redirects of 10 ns, then the batch: 100 and 3 * 5 */
    CHECK_EQ(rig_end(&r, 0)->frame.stack_at, 11 * US + RIG_WIRE + 145 * NS);
    CHECK_EQ(r.host.cpu[1].spent[CPU_TASK], 115 * NS);
    rig_free(&r);
}
END_TEST

/* Bulks of eight move within the poll, but the kthread is woken at its end: of 64 frames a ring of 32 loses 32. */
START_TEST(a_full_ring_loses_what_the_poll_sends_beyond)
{
    begin("xdp.cpumap.qsize=32");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 64);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 32);
    CHECK_EQ(rig_fate(&r, FATE_CPUMAP_FULL), 32);
    CHECK_EQ(r.host.cpumap[1].counters.enqueued, 32);
    CHECK_EQ(r.host.cpumap[1].counters.drops, 32);
    CHECK_EQ(r.host.cpumap[1].counters.batches, 4);     /* of eight */
    rig_free(&r);
}
END_TEST

/* The stack's 1 us a frame is the kthread's: a burst that one CPU could not take in time is spread over two by flow. */
START_TEST(flows_spread_over_the_map)
{
    begin("nic.xdp_cpus=6 nic.rss.hash_udp_ports=on");
    for (uint16_t p = 1; p <= 32; p++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, p, 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 32);
    CHECK_EQ(r.host.netif[1].processed + r.host.netif[2].processed, 32);
    ck_assert_uint_gt(r.host.netif[1].processed, 8);
    ck_assert_uint_gt(r.host.netif[2].processed, 8);
    rig_free(&r);
}
END_TEST

/* A stack of 2 us a packet: one core takes half a million a second, and with a program that only redirects the kthread's
 * core is the limit, while what arrives beyond is lost in front of it and not in the ring. */
START_TEST(the_target_is_the_limit_and_its_ring_the_place)
{
    struct config c;
    struct result got;

    machine_parse(&c, "version: 1\ninclude: machines/server-10g.yaml\ncpu.count: 3\napp.cpu: 2\nrun: {duration: 5ms, cost_cv: 0}\n"
                      "traffic: {kind: cbr, rate: 1Mpps, frame: 64B}\nnic: {xdp: redirect-cpumap, xdp_cpus: 2}\ncost.udp.rcv: 2us\n", "");
    machine_run(&c, NULL, &got);
    CHECK_EQ(machine_fate(&got, FATE_RX_NO_DESC), 0);
    ck_assert_uint_gt(machine_fate(&got, FATE_CPUMAP_FULL), 2000);
    ck_assert_uint_gt(machine_fate(&got, FATE_DELIVERED), 1800);
    CHECK_EQ(result_counter(&got, NULL, "xdp_cpumap_drops"), machine_fate(&got, FATE_CPUMAP_FULL));
    result_free(&got);
    machine_release(&c);
}
END_TEST

SUITE(cpumap, the_kthread_of_the_target_runs_the_stack, a_full_ring_loses_what_the_poll_sends_beyond, flows_spread_over_the_map,
      the_target_is_the_limit_and_its_ring_the_place)
