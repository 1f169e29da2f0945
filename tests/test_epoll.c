/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/epoll.h"

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

static uint64_t for_nothing(int app)
{
    return r.host.app[app].epoll.woken_for_nothing;
}

static uint64_t wakeups(void)
{
    uint64_t n = 0;

    for (int i = 0; i < r.host.cpus; i++)
        n += r.host.rq[i].counters.wakeups;
    return n;
}

/* Three readers of one socket, each on a core of its own; the NIC has the fourth. Waking takes 1 us of flight. */
static void three(const char *settings)
{
    rig_init(&r, 3, "cpu.count=4 cpu.ipi_latency=1us app.proto=udp app[app1].share=app0 app[app2].share=app0 "
                    "app[app0].cpu=1 app[app1].cpu=2 app[app2].cpu=3");
    rig_set(&r, settings);
    rig_flow(&r, FLOW_UDP, 1, 9);
}

/* Ten datagrams, 100 us apart, each read at once: they go round, three or four to each, and nobody wakes in vain. */
START_TEST(one_datagram_wakes_the_thread_that_sleeps_longest)
{
    three("");
    for (int i = 0; i < 10; i++)
        rig_burst(&r, (10 + i * 100) * US, 0, 1);
    rig_run(&r);
    CHECK_EQ(wakeups(), 10);
    CHECK_EQ(messages(0), 4);
    CHECK_EQ(messages(1), 3);
    CHECK_EQ(messages(2), 3);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(rig_note(&r, TRACE_RECV, i)->cpu, 1 + i % 3);
    CHECK_EQ(for_nothing(0) + for_nothing(1) + for_nothing(2), 0);
    rig_free(&r);
}
END_TEST

/* A burst of five within the wakeup's flight: each wakes one more thread, while there is one. */
START_TEST(every_datagram_wakes_one_more_thread)
{
    three("");
    rig_burst(&r, 10 * US, 0, 2);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 2);
    rig_free(&r);
    three("");
    rig_burst(&r, 10 * US, 0, 5);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 3);
    CHECK_EQ(messages(0) + messages(1) + messages(2), 5);
    rig_free(&r);
}
END_TEST

/* Level triggering without EPOLLEXCLUSIVE: each datagram wakes all three; one reads, two find nothing and sleep again. The
 * callback and the wakeup of each cost the softirq: 3 * (100 + 1000) a datagram. */
START_TEST(without_exclusive_the_whole_herd_wakes)
{
    three("app.kind=epoll cost.sock.epoll_callback=100cycles cost.sched.wake_remote=1000cycles");
    for (int i = 0; i < 4; i++)
        rig_burst(&r, (10 + i * 100) * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 12);
    CHECK_EQ(messages(0) + messages(1) + messages(2), 4);
    CHECK_EQ(for_nothing(0) + for_nothing(1) + for_nothing(2), 8);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 4 * 3 * 1100 * NS);
    rig_free(&r);
}
END_TEST

/* With it the first that waits is woken, always the same if it is always asleep again: it does all the work. */
START_TEST(with_exclusive_the_first_that_waits_wakes_alone)
{
    three("app.kind=epoll app.exclusive=on");
    for (int i = 0; i < 4; i++)
        rig_burst(&r, (10 + i * 100) * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 4);
    CHECK_EQ(messages(0), 4);
    CHECK_EQ(for_nothing(0) + for_nothing(1) + for_nothing(2), 0);
    rig_free(&r);
}
END_TEST

/* The first works 250 us on each: the next datagram finds it busy, leaves its item ready, and wakes the second. When the
 * first is done it looks, and the socket is empty. */
START_TEST(exclusive_passes_by_who_does_not_wait)
{
    three("app.kind=epoll app.exclusive=on app.work=250us");
    for (int i = 0; i < 3; i++)
        rig_burst(&r, (10 + i * 50) * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 3);
    CHECK_EQ(messages(0), 1);
    CHECK_EQ(messages(1), 1);
    CHECK_EQ(messages(2), 1);
    rig_free(&r);
}
END_TEST

/* Mixed: the epoll's callback runs first and does not count against the thread in recv(), which is woken, too. */
START_TEST(an_epoll_without_exclusive_and_a_thread_are_both_woken)
{
    three("app[app1].kind=epoll app[app2].kind=idle");
    rig_burst(&r, 10 * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 2);
    CHECK_EQ(messages(0) + messages(1), 1);
    rig_free(&r);
    three("app[app1].kind=epoll app[app1].exclusive=on app[app2].kind=idle");
    rig_burst(&r, 10 * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(wakeups(), 1);
    CHECK_EQ(messages(1), 1);
    rig_free(&r);
}
END_TEST

/* ---- triggering ---- */

/* Three datagrams, one event, one recv() an event. Level: reported until the socket is empty, an epoll_wait of 2000 and an
 * event of 100 each time; then the item is looked at in vain (100) by the call that sleeps. */
START_TEST(level_triggering_reports_what_is_left)
{
    rig_init(&r, 1, "app.kind=epoll app.event_reads=one cpu.count=2 cpu.ipi_latency=100us cost.epoll.wait=2000cycles "
                    "cost.epoll.event=100cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(messages(0), 3);
    cpu_settle(&r.host.cpu[1]);
    CHECK_EQ(r.host.cpu[1].spent[CPU_TASK], (3 * 2100 + 100 + 2000) * NS);
    rig_free(&r);
}
END_TEST

/* Edge: two of three stay where they are until the next datagram comes, and then the oldest is read: the program is two
 * behind for ever. */
START_TEST(edge_triggering_and_one_read_an_event_leave_the_rest)
{
    rig_init(&r, 1, "app.kind=epoll app.event_reads=one app.trigger=edge cpu.count=2 cpu.ipi_latency=100us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_burst(&r, 500 * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 400 * US);
    CHECK_EQ(messages(0), 1);
    rig_until(&r, 1 * MS);
    CHECK_EQ(messages(0), 2);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 2);
    rig_free(&r);
}
END_TEST

/* Edge and reading until EAGAIN loses nothing. */
START_TEST(edge_triggering_with_a_read_until_empty_leaves_nothing)
{
    rig_init(&r, 1, "app.kind=epoll app.trigger=edge cpu.count=2 cpu.ipi_latency=100us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_run(&r);
    CHECK_EQ(messages(0), 3);
    rig_free(&r);
}
END_TEST

/* ---- SO_RCVLOWAT ---- */

/* 2500 bytes wanted: three segments of 1000 wake the reader once and are one message. */
START_TEST(a_reader_sleeps_below_its_low_water_mark)
{
    static const char *const kinds[] = { "app.kind=recv", "app.kind=epoll" };

    for (int k = 0; k < 2; k++) {
        rig_init(&r, 1, "app.rcvlowat=2500B nic.features.gro=off");
        rig_set(&r, kinds[k]);
        rig_flow(&r, FLOW_TCP, 1, 9);
        for (uint32_t i = 0; i < 3; i++)
            rig_segment(&r, (10 + i * 100) * US, 0, 1 + i * 1000, 1000);
        rig_start(&r);
        rig_until(&r, 200 * US);
        CHECK_EQ(messages(0), 0);
        rig_until(&r, 1 * MS);
        CHECK_EQ(messages(0), 1);
        CHECK_EQ(r.host.app[0].counters.bytes, 3000);
        CHECK_EQ(wakeups(), 1);
        rig_free(&r);
    }
}
END_TEST

/* The program works 150 us on the first two. Its next recv() finds one segment, takes it, wants as much again, and waits: the
 * bytes it has in hand are read and no longer count as available, so the fourth alone does not wake it, the fifth does
 * (tcp_data_ready() compares what is unread). It returns all three. */
START_TEST(a_recv_below_its_mark_waits_and_what_it_has_does_not_count)
{
    rig_init(&r, 1, "app.rcvlowat=2000B nic.features.gro=off app.work=150us");
    rig_flow(&r, FLOW_TCP, 1, 9);
    for (uint32_t i = 0; i < 5; i++)
        rig_segment(&r, (10 + i * 100) * US, 0, 1 + i * 1000, 1000);
    rig_start(&r);
    rig_until(&r, 400 * US);
    CHECK_EQ(messages(0), 1);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    rig_until(&r, 1 * MS);
    CHECK_EQ(messages(0), 2);
    CHECK_EQ(r.host.app[0].counters.bytes, 5000);
    rig_free(&r);
}
END_TEST

/* ---- what cannot be ---- */

static void refused(const char *settings, const char *words)
{
    char why[256] = "";

    rig_init(&r, 3, "app.proto=udp app[app1].share=app0");
    rig_set(&r, settings);
    ck_assert_ptr_nonnull(config_check(&r.config, why, sizeof why));
    ck_assert_msg(strstr(why, words) != NULL, "%s", why);
    rig_free(&r);
}

START_TEST(a_share_needs_a_udp_socket_of_another)
{
    refused("app[app1].share=nobody", "no application has that name");
    refused("app[app1].share=app1", "no socket of its own");
    refused("app[app2].share=app1", "no socket of its own");
    refused("app[app1].proto=any", "set app.proto of both to udp");
    refused("app[app0].kind=hog", "kind hog has no socket");
}
END_TEST

/* One reader for itself, but an epoll_wait between two reads: that is no round of reads. */
START_TEST(the_short_ways_leave_a_reader_that_asks_after_each_read_alone)
{
    struct config c;
    struct result both;

    machine_parse(&c, "version: 1\ninclude: machines/server-10g.yaml\nrun: {duration: 5ms}\n"
                      "traffic: {kind: cbr, rate: 1Mpps, frame: 256B}\n"
                      "app: {kind: epoll, cpu: 1, rcvbuf: 64KiB, event_reads: one}\n", "");
    machine_run_both(&c, 3, &both);
    result_free(&both);
    machine_release(&c);
}
END_TEST

/* Shared sockets with and without short ways, at a load that keeps all readers busy. */
START_TEST(the_short_ways_leave_shared_sockets_alone)
{
    static const char *const how[] = { "", "app.kind=epoll", "app.kind=epoll app.exclusive=on", "app[a].kind=busy",
                                       "app.kind=epoll app.event_reads=one" };

    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        struct config c;
        struct result both;

        machine_parse(&c, "version: 1\nrun: {duration: 2ms}\ncpu: {count: 3}\n"
                          "traffic: {rate: 1Mpps, kind: poisson, frame: 64B, flows: 4}\n"
                          "app[a]: {proto: udp, cpu: 1}\napp[b]: {proto: udp, cpu: 2, share: a}\n", how[i]);
        machine_run_both(&c, 3, &both);
        result_free(&both);
        machine_release(&c);
    }
}
END_TEST

SUITE(epoll, one_datagram_wakes_the_thread_that_sleeps_longest, every_datagram_wakes_one_more_thread,
      without_exclusive_the_whole_herd_wakes, with_exclusive_the_first_that_waits_wakes_alone,
      exclusive_passes_by_who_does_not_wait, an_epoll_without_exclusive_and_a_thread_are_both_woken,
      level_triggering_reports_what_is_left, edge_triggering_and_one_read_an_event_leave_the_rest,
      edge_triggering_with_a_read_until_empty_leaves_nothing, a_reader_sleeps_below_its_low_water_mark,
      a_recv_below_its_mark_waits_and_what_it_has_does_not_count, a_share_needs_a_udp_socket_of_another,
      the_short_ways_leave_a_reader_that_asks_after_each_read_alone,
      the_short_ways_leave_shared_sockets_alone)
