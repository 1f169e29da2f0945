/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/xdp.h"

#include <string.h>

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

static const struct xdp_counters *counted(void)
{
    return &r.host.nic[0].queue[0].driver.xdp;
}

/* Everything of a burst waits in the ring when it is polled. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "pcie.msix_latency=1us");
    rig_set(&r, settings);
}

START_TEST(the_program_acts_on_what_it_matches_and_passes_the_rest)
{
    begin("nic.xdp=drop nic.xdp_match.dport=9");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 5);
    rig_burst(&r, 20 * US, rig_flow(&r, FLOW_UDP, 1, 10), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_XDP_DROP), 5);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    CHECK_EQ(counted()->rx_xdp_drop, 5);
    CHECK_EQ(r.host.ip.InReceives, 3);
    rig_free(&r);
}
END_TEST

/* A program of 50 ns on each of two frames, whatever its verdict: it runs in the driver's step. */
START_TEST(every_frame_pays_for_the_program)
{
    static const char *const programs[] = { "nic.xdp=pass", "nic.xdp=drop", "nic.xdp=drop nic.xdp_match.dport=77", "nic.xdp=tx" };

    for (int i = 0; i < 4; i++) {
        begin("cost.xdp.program=50cycles");
        rig_set(&r, programs[i]);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 2);
        rig_run(&r);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, 11 * US + RIG_WIRE + 100 * NS);
        rig_free(&r);
    }
}
END_TEST

/* Sixty-four frames use up the weight whatever becomes of them. */
START_TEST(what_xdp_takes_is_charged_to_the_budget)
{
    static const char *const programs[] = { "nic.xdp=drop", "nic.xdp=aborted", "nic.xdp=tx",
                                            "nic.xdp=redirect-cpumap nic.xdp_cpus=1", "nic.xdp=redirect-xsk" };

    for (int i = 0; i < 5; i++) {
        begin(programs[i]);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 70);
        rig_run(&r);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->a, 64);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->a, 6);
        rig_free(&r);
    }
}
END_TEST

/* Sent back by the same NIC, and taken for sent; no qdisc, so that with 16 descriptors 48 of a poll's 64 are lost. */
START_TEST(tx_goes_out_by_the_same_nic_and_knows_no_qdisc)
{
    begin("nic.xdp=tx");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 64);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_XDP_TX), 64);
    CHECK_EQ(counted()->rx_xdp_tx_xmit, 64);
    CHECK_EQ(r.host.nic[0].queue[0].tx.counters.tx_packets, 64);
    rig_free(&r);
    begin("nic.xdp=tx nic.ring.tx=16");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 64);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_XDP_TX), 16);
    CHECK_EQ(rig_fate(&r, FATE_XDP_TX_FULL), 48);
    CHECK_EQ(counted()->rx_xdp_tx_full, 48);
    rig_free(&r);
}
END_TEST

START_TEST(an_aborted_program_drops_and_says_so)
{
    begin("nic.xdp=aborted");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 4);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_XDP_ABORTED), 4);
    CHECK_EQ(counted()->exceptions, 4);
    CHECK_EQ(counted()->rx_xdp_drop, 4);
    rig_free(&r);
}
END_TEST

/* ---- generic mode ---- */

static void segments(int n)
{
    uint32_t tcp = rig_flow(&r, FLOW_TCP, 1, 9);

    for (int i = 0; i < n; i++)
        rig_segment(&r, 10 * US, tcp, 1 + (uint32_t)i * 100, 100)->ip_id = (uint16_t)i;
}

/* Five segments are one skb with a native program, and five with a generic one; what it passes goes on to the taps, what
 * it drops has entered the core and is seen by none. */
START_TEST(a_generic_program_turns_gro_off_and_stands_before_the_taps)
{
    static const struct { const char *settings; uint64_t processed, tapped; enum fate fate; } row[] = {
        { "nic.xdp=pass", 1, 1, FATE_DELIVERED }, { "nic.xdp=pass nic.xdp_mode=generic", 5, 5, FATE_DELIVERED },
        { "nic.xdp=drop", 0, 0, FATE_XDP_DROP }, { "nic.xdp=drop nic.xdp_mode=generic", 5, 0, FATE_XDP_DROP },
        { "nic.xdp=aborted nic.xdp_mode=generic", 5, 0, FATE_XDP_ABORTED }, { "nic.xdp=tx nic.xdp_mode=generic", 5, 0, FATE_XDP_TX },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        begin("app.taps=1");
        rig_set(&r, row[i].settings);
        segments(5);
        rig_run(&r);
        CHECK_EQ(rig_fate(&r, row[i].fate), 5);
        CHECK_EQ(r.host.netif[0].processed, row[i].processed);
        CHECK_EQ(r.host.tap_counters[0].tapped, row[i].tapped);
        rig_free(&r);
    }
}
END_TEST

/* After RPS: the program runs on the CPU that the skb was steered to. 46 bytes from the IP header on. */
START_TEST(a_generic_program_runs_after_rps)
{
    rig_init(&r, 1, "cpu.count=2 nic.queue.rps_cpus=2 nic.xdp=drop nic.xdp_mode=generic cost.xdp.program=50cycles "
                    "cost.xdp.generic=700cycles cost.xdp.generic_byte=1cycles/B");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_XDP_DROP), 1);
    CHECK_EQ(r.host.netif[1].processed, 1);
    CHECK_EQ(rig_end(&r, 0)->at - rig_end(&r, 0)->frame.stack_at, 796 * NS);
    rig_free(&r);
}
END_TEST

/* ---- the attack ---- */

static uint64_t good(const char *settings)
{
    struct config c;
    struct host h;

    machine_load(&c, "questions/xdp-attack.yaml", settings);
    machine_host(&c, &h);
    uint64_t delivered = 0, offered = 0;
    for (uint32_t f = 0; f < h.flows; f++) {
        if (strcmp(c.traffic_name[h.flow[f].source], "good") == 0) {
            delivered += h.flow[f].ended[FATE_KIND_DELIVERED];
            offered += h.flow[f].offered;
        }
    }
    CHECK_EQ(offered, 250);
    host_free(&h);
    machine_release(&c);
    return delivered;
}

/* 10 Mpps of attack beside 50 kpps that matter: without a program most of them are lost, with one none. */
START_TEST(an_attack_that_xdp_drops_leaves_the_good_traffic_alone)
{
    ck_assert_uint_lt(good("nic.xdp=none"), 125);
    CHECK_EQ(good(""), 250);
    CHECK_EQ(good("nic.xdp_match.traffic=good"), 0);
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

START_TEST(a_program_that_does_not_fit_is_refused)
{
    refused("nic.xdp=drop nic.xdp_match.traffic=web", "nic[eth0].xdp_match.traffic is web, but no traffic source has that name");
    refused("nic.xdp=redirect-cpumap", "nic[eth0].xdp_cpus names no CPU of this machine: cpu.count is 1, counted from 0");
    refused("nic.xdp=redirect-cpumap nic.xdp_cpus=2", "nic[eth0].xdp_cpus names no CPU of this machine: cpu.count is 1, counted from 0");
    refused("nic.xdp=redirect-xsk nic.xsk.cpu=1", "nic[eth0].xsk.cpu is 1, but cpu.count is 1, counted from 0");
    refused("nic.xdp=redirect-xsk nic.xdp_mode=generic",
            "nic[eth0].xdp redirects, which nic.xdp_mode generic does not model: set it to native");
}
END_TEST

SUITE(xdp, the_program_acts_on_what_it_matches_and_passes_the_rest, every_frame_pays_for_the_program,
      what_xdp_takes_is_charged_to_the_budget, tx_goes_out_by_the_same_nic_and_knows_no_qdisc,
      an_aborted_program_drops_and_says_so, a_generic_program_turns_gro_off_and_stands_before_the_taps,
      a_generic_program_runs_after_rps, an_attack_that_xdp_drops_leaves_the_good_traffic_alone,
      a_program_that_does_not_fit_is_refused)
