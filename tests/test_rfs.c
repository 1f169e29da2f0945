/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rfs.h"

#include "models/app.h"
#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* Queue 0's interrupt goes to core 0; readers of ports 9 and 10 are pinned to cores 2 and 3. */
static void begin(const char *settings)
{
    rig_init(&r, 2, "cpu.count=4 nic.features.gro=off");
    rig_set(&r, "app[app0].cpu=2 app[app0].port=9 app[app1].cpu=3 app[app1].port=10");
    rig_set(&r, "net.core.rps_sock_flow_entries=1024 nic.queue.rps_flow_cnt=256");
    rig_set(&r, settings);
    rig_flow(&r, FLOW_TCP, 1, 9);
}

/* The flow's skb and a core's context, for the rule alone. */
static struct skb of_flow(uint32_t flow)
{
    return (struct skb){ .hash = r.host.flow[flow].hash, .flow = flow };
}

static int steered(int on, const struct skb *s)
{
    struct context x = { .cpu = &r.host.cpu[on] };
    struct rfs_flow *entry;
    int cpu = steering_cpu(&x, s, &entry);

    rfs_queued(&r.host, entry, cpu);
    return cpu;
}

static void read_on(int cpu, uint32_t flow)
{
    struct context x = { .cpu = &r.host.cpu[cpu] };

    rfs_record(&x, flow);
}

/* ---- the rule ---- */

START_TEST(a_flow_that_nobody_reads_is_left_to_rps)
{
    struct skb s;

    begin("nic.queue.rps_cpus=2");
    rig_build(&r);
    s = of_flow(0);
    CHECK_EQ(steered(0, &s), 1);
    read_on(3, 0);
    CHECK_EQ(steered(0, &s), 3);
    rig_free(&r);
    begin("");
    rig_build(&r);
    s = of_flow(0);
    CHECK_EQ(steered(0, &s), -1);
    rig_free(&r);
}
END_TEST

/* Packet 5 of core 2's backlog was the flow's last: it goes over to core 3 when core 2 has taken out 5, and not before. */
START_TEST(a_flow_changes_its_cpu_only_when_the_old_backlog_has_passed_it)
{
    struct skb s;

    begin("");
    rig_build(&r);
    s = of_flow(0);
    read_on(2, 0);
    r.host.backlog[2].tail = 5;
    CHECK_EQ(steered(0, &s), 2);
    read_on(3, 0);
    r.host.backlog[2].head = 4;
    CHECK_EQ(steered(0, &s), 2);
    CHECK_EQ(r.host.rfs.counters.held, 1);
    r.host.backlog[2].head = 5;
    CHECK_EQ(steered(0, &s), 3);
    CHECK_EQ(r.host.rfs.counters.switched, 2);
    rig_free(&r);
}
END_TEST

/* Two hashes that share the low 10 bits share the entry; the bits above those of the CPU number tell them apart, so the
 * one that was overwritten is nobody's any more. The queue's table has 256 entries: they share that, too, and its CPU. */
START_TEST(the_hash_in_the_socket_flow_table_is_checked)
{
    struct skb a, b;

    begin("nic.queue.rps_cpus=2");
    rig_flow(&r, FLOW_TCP, 2, 10);
    rig_build(&r);
    r.host.flow[0].hash = 0x12345400;
    r.host.flow[1].hash = 0x92345400;
    a = of_flow(0);
    b = of_flow(1);
    read_on(2, 0);
    CHECK_EQ(steered(0, &a), 2);
    CHECK_EQ(steered(0, &b), 1);
    read_on(3, 1);
    CHECK_EQ(steered(0, &b), 3);
    CHECK_EQ(steered(0, &a), 1);
    rig_free(&r);
}
END_TEST

START_TEST(both_tables_are_needed)
{
    static const char *const one[] = { "net.core.rps_sock_flow_entries=0", "nic.queue.rps_flow_cnt=0" };

    for (int i = 0; i < 2; i++) {
        struct skb s;
        begin(one[i]);
        rig_build(&r);
        s = of_flow(0);
        read_on(2, 0);
        CHECK_EQ(steered(0, &s), -1);
        rig_free(&r);
    }
}
END_TEST

/* ---- the machine ---- */

/* `n` segments of 100 bytes, 100 us apart, of the flow. */
static void stream(uint32_t flow, ps_t at, int n)
{
    for (int i = 0; i < n; i++)
        rig_segment(&r, at + i * 100 * US, flow, 1 + (uint32_t)i * 100, 100);
}

/* The first segment is worked on where its interrupt came; its reader on core 2 notes that, and what follows goes there. */
START_TEST(packets_follow_the_reader_to_its_cpu)
{
    begin("");
    stream(0, 10 * US, 5);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, i)->cpu, i == 0 ? 0 : 2);
    CHECK_EQ(r.host.rfs.counters.switched, 1);
    rig_free(&r);
}
END_TEST

START_TEST(an_unconnected_udp_socket_records_nothing)
{
    begin("");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 5, 10), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    CHECK_EQ(r.host.rfs.counters.recorded, 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, i)->cpu, 0);
    rig_free(&r);
}
END_TEST

START_TEST(lookup_and_record_cost_what_they_say)
{
    begin("cost.rfs.lookup=70cycles cost.rfs.record=30cycles");
    stream(0, 10 * US, 2);
    rig_run(&r);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 140 * NS);
    CHECK_EQ(r.host.cpu[2].spent[CPU_TASK], (ps_t)r.host.rfs.counters.recorded * 30 * NS);
    rig_free(&r);
}
END_TEST

/* ---- accelerated ---- */

/* Queues 0 to 3 on cores 0 to 3. The second segment, at 110 us, is the first that asks for a filter; 150 us later it is in
 * force: segment 2 (210 us) still comes to the old queue, 3 (310 us) to that of core 2. */
START_TEST(a_filter_moves_the_flow_to_the_queue_of_its_readers_cpu)
{
    int queue;

    begin("nic.channels=4 nic.features.ntuple=on nic.arfs_delay=150us");
    stream(0, 10 * US, 6);
    rig_build(&r);
    queue = r.host.flow[0].queue;
    ck_assert_int_ne(queue, 2);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 6);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(rig_end(&r, (uint64_t)i)->frame.queue, i < 3 ? queue : 2);
    CHECK_EQ(r.host.rfs.counters.filters, 1);
    CHECK_EQ(r.host.flow[0].queue, 2);
    rig_free(&r);
}
END_TEST

START_TEST(without_ntuple_the_nic_stays_as_it_is)
{
    begin("nic.channels=4");
    stream(0, 10 * US, 6);
    rig_build(&r);
    int queue = r.host.flow[0].queue;
    rig_run(&r);
    CHECK_EQ(r.host.flow[0].queue, queue);
    CHECK_EQ(r.host.rfs.counters.filters, 0);
    rig_free(&r);
}
END_TEST

SUITE(rfs, a_flow_that_nobody_reads_is_left_to_rps, a_flow_changes_its_cpu_only_when_the_old_backlog_has_passed_it,
      the_hash_in_the_socket_flow_table_is_checked, both_tables_are_needed, packets_follow_the_reader_to_its_cpu,
      an_unconnected_udp_socket_records_nothing, lookup_and_record_cost_what_they_say,
      a_filter_moves_the_flow_to_the_queue_of_its_readers_cpu, without_ntuple_the_nic_stays_as_it_is)
