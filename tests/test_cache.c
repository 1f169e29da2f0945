/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cache.h"

#include <string.h>

#include "models/host.h"
#include "tests/machine.h"
#include "tests/suite.h"

static ps_t extra(int receiving, int64_t held, ps_t own)
{
    const struct cache_params p = { .held = held };
    const struct cache c = { .params = &p, .receiving = receiving };

    return cache_extra(&c, own);
}

/* 600 ns of lines: nothing alone; half of the uses with two cores, 2/3 with three .. and 10 % more for each other core. */
START_TEST(the_second_core_costs_most_and_each_further_one_less)
{
    static const ps_t expected[] = { 0, 0, 330000, 480000, 585000, 672000, 750000 };

    for (int n = 0; n <= 6; n++)
        CHECK_EQ(extra(n, 10, 600 * NS), expected[n]);
    CHECK_EQ(extra(6, 0, 600 * NS), 500 * NS);
    CHECK_EQ(extra(6, 10, 0), 0);
}
END_TEST

/* The largest cost, on the largest machine, with cores that hold the lines all the time: below 2^63. */
START_TEST(the_largest_product_fits)
{
    ck_assert_int_gt(extra(CONFIG_CPUS, 100, 1 * SEC), 62 * SEC);
}
END_TEST

/* Two queues and cores beyond what they take, conntrack active and every packet dropped by INPUT. */
static const char two_cores[] =
    "version: 1\nrun: {duration: 5ms, cost_cv: 0}\ncpu: {model: xeon-e5-1650v4, count: 2}\nkernel.version: 4.19\n"
    "nic: {model: mlx5, channels: 2, rss.hash_udp_ports: on}\ntraffic: {kind: cbr, rate: 30Mpps, flows: 240}\n"
    "netfilter: {conntrack: on, input.policy: drop}\n";

static uint64_t dropped(const char *settings, bool no_batch)
{
    const struct run_options o = { .seed = 1, .no_batch = no_batch };
    struct config c;
    struct result r;

    machine_parse(&c, two_cores, settings);
    machine_run(&c, &o, &r);
    uint64_t n = machine_fate(&r, FATE_NETFILTER_DROP);
    result_free(&r);
    machine_release(&c);
    return n;
}

/* A packet takes 1.86 times 1024 cycles with what the second core adds, 100 ns * 1/2 * 1.1 of some 500: 10 % fewer. */
START_TEST(conntrack_is_slower_on_each_of_two_cores)
{
    uint64_t alone = dropped("nic.channels=1", false), both = dropped("", false);
    uint64_t shared = dropped("cost.cache.conntrack=100ns", false);

    ck_assert_uint_gt(both, 2 * alone - alone / 50);
    CHECK_EQ(dropped("nic.channels=1 cost.cache.conntrack=100ns", false), alone);
    ck_assert_uint_lt(shared, both - both / 15);
    ck_assert_uint_gt(shared, both - both / 7);
}
END_TEST

/* Every frame's misses: 50 ns * 1/2 * 1.1. */
START_TEST(memory_is_waited_for_by_every_frame)
{
    uint64_t alone = dropped("nic.channels=1 cost.cache.frame=50ns", false);

    CHECK_EQ(alone, dropped("nic.channels=1", false));
    ck_assert_uint_lt(dropped("cost.cache.frame=50ns", false), dropped("", false) - 500);
}
END_TEST

/* .. also by those of NAPI threads, whose polls count as receiving. */
START_TEST(threads_of_napis_receive_too)
{
    ck_assert_uint_lt(dropped("nic.threaded=on cost.cache.conntrack=100ns", false),
                      dropped("nic.threaded=on", false) - 500);
}
END_TEST

/* Who else receives is looked at when a stage begins, in the order of the whole machine: batching changes nothing. */
START_TEST(contention_is_exact_with_and_without_batching)
{
    static const char *const settings[] = {
        "cost.cache.conntrack=100ns", "cost.cache.frame=40ns", "nic.threaded=on cost.cache.conntrack=100ns run.cost_cv=20",
        "netfilter.conntrack=off netfilter.input.policy=accept cost.cache.frame=40ns cpu.count=3 traffic.rate=3Mpps",
        "host.address=10.0.0.3 net.ipv4.ip_forward=on cost.cache.forward=30ns",
    };

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct config c;
        struct result r[2];
        machine_parse(&c, two_cores, settings[i]);
        for (int slow = 0; slow < 2; slow++)
            machine_run(&c, &(struct run_options){ .seed = 1, .no_batch = slow }, &r[slow]);
        ck_assert_uint_eq(r[0].fingerprint.lo, r[1].fingerprint.lo);
        ck_assert_uint_eq(r[0].fingerprint.hi, r[1].fingerprint.hi);
        result_free(&r[0]);
        result_free(&r[1]);
        machine_release(&c);
    }
}
END_TEST

SUITE(cache, the_second_core_costs_most_and_each_further_one_less, the_largest_product_fits,
      conntrack_is_slower_on_each_of_two_cores, memory_is_waited_for_by_every_frame, threads_of_napis_receive_too,
      contention_is_exact_with_and_without_batching)
