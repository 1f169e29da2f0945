/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/reuseport.h"

#include <string.h>

#include "models/app.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

static uint64_t messages(int app)
{
    return r.host.app[app].counters.messages;
}

/* Four sockets on one port, each read on its own core. */
static void four(const char *settings)
{
    rig_init(&r, 4, "cpu.count=4 app.port=9 app.reuseport=on app[app0].cpu=0 app[app1].cpu=1 app[app2].cpu=2 app[app3].cpu=3");
    rig_set(&r, settings);
}

/* 64 flows, three datagrams each: no flow is torn between two sockets, each socket gets some, and nobody else's. A share of
 * a quarter has a standard deviation of sqrt(64 * 3 / 16) = 3.5 flows: within five of them of 16. */
START_TEST(the_flows_hash_chooses_the_socket)
{
    four("");
    for (int round = 0; round < 3; round++)
        for (uint16_t f = 0; f < 64; f++)
            rig_burst(&r, (10 + round * 100) * US + f * 100 * NS, round ? f : rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + f), 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 192);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(messages(i) % 3, 0);
        ck_assert_uint_le(messages(i) / 3, 33);
        ck_assert_uint_ge(messages(i) / 3, 1);
    }
    for (uint16_t f = 0; f < 64; f++)
        ck_assert_ptr_eq(r.host.flow[f].sk,
                         &reuseport_pick(&r.host, &r.host.app[0], &r.host.flow[f].key, NULL)->udp);
    rig_free(&r);
}
END_TEST

/* reciprocal_scale() leaves a group of one no choice, and an application without the option is no member. */
START_TEST(a_group_of_one_gets_everything)
{
    rig_init(&r, 3, "app[app0].port=9 app[app0].reuseport=on app[app1].port=10 app[app1].reuseport=on app[app2].port=11");
    for (uint16_t f = 0; f < 8; f++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + f), 9), 1);
    rig_run(&r);
    CHECK_EQ(messages(0), 8);
    CHECK_EQ(messages(1) + messages(2), 0);
    rig_free(&r);
}
END_TEST

/* All flows come by the queue of CPU 2 (of four), so the program's answer is 2 for all of them. */
START_TEST(a_program_that_returns_the_cpu_chooses_its_socket)
{
    four("app.reuseport_cpu=on nic.irq.smp_affinity=4");
    for (uint16_t f = 0; f < 16; f++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + f), 9), 2);
    rig_run(&r);
    CHECK_EQ(messages(2), 32);
    rig_free(&r);
}
END_TEST

/* An answer beyond the group, CPU 3 of a group of two, falls back to the hash: both get some. */
START_TEST(a_cpu_without_a_socket_falls_back_to_the_hash)
{
    rig_init(&r, 2, "cpu.count=4 app.port=9 app.reuseport=on app.reuseport_cpu=on nic.irq.smp_affinity=8");
    for (uint16_t f = 0; f < 32; f++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + f), 9), 1);
    rig_run(&r);
    ck_assert_uint_gt(messages(0), 4);
    ck_assert_uint_gt(messages(1), 4);
    CHECK_EQ(messages(0) + messages(1), 32);
    rig_free(&r);
}
END_TEST

/* A connection is chosen with its first segment and stays. */
START_TEST(a_connection_stays_with_the_listener_that_was_chosen)
{
    four("nic.features.gro=off");
    for (uint16_t f = 0; f < 16; f++)
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1000 + f), 9), 1, 1000);
    for (uint16_t f = 0; f < 16; f++)
        rig_segment(&r, 500 * US, f, 1001, 1000);
    rig_run(&r);
    int readers = 0;
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(r.host.app[i].counters.bytes % 2000, 0);
        readers += r.host.app[i].counters.bytes > 0;
    }
    ck_assert_int_ge(readers, 2);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 32);
    rig_free(&r);
}
END_TEST

/* The secret is drawn at boot: other replications choose otherwise. */
START_TEST(each_boot_has_a_secret_of_its_own)
{
    struct host other;
    char why[256];
    int differ = 0;

    four("");
    for (uint16_t f = 0; f < 32; f++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + f), 9), 1);
    rig_build(&r);
    CHECK_EQ(host_init(&other, &r.config, 1, 1, true, why, sizeof why), 0);
    for (uint32_t f = 0; f < 32; f++)
        differ += r.host.flow[f].sk->app->name != NULL && r.host.flow[f].sk->app - r.host.app != other.flow[f].sk->app - other.app;
    ck_assert_int_gt(differ, 8);
    ck_assert(!host_deterministic(&r.host));
    host_free(&other);
    rig_free(&r);
}
END_TEST

static void refused(const char *settings, const char *words)
{
    char why[256] = "";

    rig_init(&r, 2, "app.port=9");
    rig_set(&r, settings);
    ck_assert_ptr_nonnull(config_check(&r.config, why, sizeof why));
    ck_assert_msg(strstr(why, words) != NULL, "%s", why);
    rig_free(&r);
}

START_TEST(one_port_needs_the_option_of_both_and_one_program)
{
    refused("", "set app.reuseport of both");
    refused("app[app0].reuseport=on", "set app.reuseport of both");
    refused("app.reuseport=on app[app1].reuseport_cpu=on", "app.reuseport_cpu is the group's");
}
END_TEST

/* The same machine with and without short ways: by hash they are taken, by CPU not. */
START_TEST(the_short_ways_change_no_choice)
{
    static const char *const how[] = { "", "app.reuseport_cpu=on" };

    for (int i = 0; i < 2; i++) {
        struct config c;
        struct result both;

        machine_parse(&c, "version: 1\nrun: {duration: 3ms}\ncpu: {count: 6}\nnic: {channels: 2}\n"
                          "traffic: {rate: 2Mpps, kind: poisson, frame: 64B, flows: 40, dport: 9}\n"
                          "app[a]: {cpu: 2}\napp[b]: {cpu: 3}\napp[c]: {cpu: 4}\napp: {port: 9, reuseport: on}\n", how[i]);
        machine_run_both(&c, 3, &both);
        ck_assert_uint_gt(machine_fate(&both, FATE_DELIVERED), 1000);
        result_free(&both);
        machine_release(&c);
    }
}
END_TEST

SUITE(reuseport, the_flows_hash_chooses_the_socket, a_group_of_one_gets_everything,
      a_program_that_returns_the_cpu_chooses_its_socket, a_cpu_without_a_socket_falls_back_to_the_hash,
      a_connection_stays_with_the_listener_that_was_chosen, each_boot_has_a_secret_of_its_own,
      one_port_needs_the_option_of_both_and_one_program, the_short_ways_change_no_choice)
