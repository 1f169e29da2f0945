/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "How many cores for 5 Mpps with my firewall rules?": scenarios/questions/q3-*.yaml. Measured: xdp-paper
 * bench01_baseline.org, E5-1650 v4, kernel 4.17-rc, one core. */
#include <stdio.h>

#include "tests/machine.h"
#include "tests/suite.h"

/* Frames a second that were dropped by rules, or found no socket behind them. */
static double rate(const char *file, const char *settings)
{
    char all[512];
    struct config c;
    struct result r;

    snprintf(all, sizeof all, "run.duration=4ms run.drain=0ms %s", settings);
    machine_load(&c, file, all);
    machine_run(&c, NULL, &r);
    double dropped = (double)(machine_fate(&r, FATE_NETFILTER_DROP) + machine_fate(&r, FATE_NO_SOCKET));
    result_free(&r);
    machine_release(&c);
    return dropped / 0.004;
}

START_TEST(one_core_takes_what_was_measured)
{
    ck_assert_double_eq_tol(rate("questions/q3-raw.yaml", ""), 5051787, 0.05 * 5051787);
    ck_assert_double_eq_tol(rate("questions/q3-filter.yaml", ""), 3319718, 0.05 * 3319718);
    ck_assert_double_eq_tol(rate("questions/q3-conntrack.yaml", ""), 1819409, 0.10 * 1819409);
}
END_TEST

static double with_conntrack(int cores)
{
    char settings[128];

    snprintf(settings, sizeof settings, "cpu.count=%d nic.channels=%d traffic.flows=240 traffic.rate=100Mpps", cores, cores);
    return rate("questions/q3-conntrack.yaml", settings);
}

/* One core takes 1.8 million, so three would do if they did not slow each other: measured 4.71 and 6.2 million. */
START_TEST(five_million_with_conntrack_take_four_cores)
{
    ck_assert_double_gt(3 * with_conntrack(1), 5e6);
    ck_assert_double_lt(with_conntrack(3), 5e6);
    ck_assert_double_gt(with_conntrack(4), 5e6);
}
END_TEST

/* Nanoseconds a packet. */
static double packet_ns(const char *settings)
{
    return 1e9 / rate("questions/q3-rules.yaml", settings);
}

/* 11 cycles of 3.8 GHz a rule: 2.895 ns, whether the first hundred or the last. */
START_TEST(the_slope_of_rules_is_constant)
{
    double none = packet_ns("netfilter.input.rules=0 netfilter.input.drop_after=0");
    double some = packet_ns("netfilter.input.rules=100 netfilter.input.drop_after=100");
    double many = packet_ns("netfilter.input.rules=1000 netfilter.input.drop_after=1000");

    ck_assert_double_eq_tol((some - none) / 100, 2.895, 0.03);
    ck_assert_double_eq_tol((many - some) / 900, 2.895, 0.03);
    ck_assert_double_eq_tol(packet_ns("netfilter.input.rules=1000 netfilter.input.drop_after=0"), none, 0.01 * none);
}
END_TEST

START_TEST(a_set_is_flat)
{
    double few = packet_ns("netfilter.lookup=set netfilter.input.rules=10 netfilter.input.drop_after=10");
    double many = packet_ns("netfilter.lookup=set netfilter.input.rules=100000 netfilter.input.drop_after=100000");

    ck_assert_double_eq_tol(many, few, 1e-6 * few);
}
END_TEST

/* 20 services' connections: the first packet of each waits for all rules, 11 cycles each; the median for none. */
START_TEST(service_rules_delay_first_packets_only)
{
    static const char *const settings[] = { "netfilter.nat.rules=10", "netfilter.nat.rules=10000",
                                            "netfilter.nat.rules=10000 netfilter.lookup=set" };
    int64_t median[3], longest[3];

    for (int i = 0; i < 3; i++) {
        struct config c;
        struct host h;
        machine_load(&c, "questions/q3-services.yaml", settings[i]);
        machine_host(&c, &h);
        median[i] = hist_quantile(&h.latency[STAGE_TOTAL], 0.5);
        longest[i] = h.latency[STAGE_TOTAL].max;
        CHECK_EQ(h.netfilter.counters.nat, 20);
        host_free(&h);
        machine_release(&c);
    }
    ck_assert_double_eq_tol((double)median[1], (double)median[0], 0.02 * (double)median[0]);
    ck_assert_int_gt(longest[1], longest[0] + 28 * US);
    ck_assert_int_lt(longest[2], longest[0] + 1 * US);
}
END_TEST

SUITE(q3, one_core_takes_what_was_measured, five_million_with_conntrack_take_four_cores, the_slope_of_rules_is_constant, a_set_is_flat, service_rules_delay_first_packets_only)
