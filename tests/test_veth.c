/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/veth.h"

#include <stdio.h>
#include <string.h>

#include "models/app.h"
#include "models/nic.h"
#include "models/ptr_ring.h"
#include "models/sendmsg.h"
#include "models/skb_local.h"
#include "sim/engine/random.h"
#include "sim/lab/scenario.h"
#include "sim/lab/validate.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct result r;

/* The machine of the truth rows with settings. */
static void run(const char *settings)
{
    struct config c;

    machine_load(&c, "truth/veth/host.yaml", settings);
    machine_run(&c, NULL, &r);
    machine_release(&c);
}

static uint64_t counted(const char *name)
{
    return result_counter(&r, NULL, name);
}

/* ---- memory ---- */

static int64_t truesize(int64_t payload)
{
    static const struct skb_local_params p = { 31, 64, 320, 256, 576 };

    return skb_local_truesize(&p, payload + 28);
}

/* align64(P + 59) + 320 <= 576 up to P = 197, <= 1024 up to P = 645, else 2048; and the sk_buff's 256. */
START_TEST(a_local_datagram_is_charged_by_the_allocators_sizes)
{
    static const struct { int64_t payload, truesize; } expected[] = {
        { 0, 832 }, { 1, 832 }, { 197, 832 }, { 198, 1280 }, { 645, 1280 }, { 646, 2304 }, { 1472, 2304 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        CHECK_EQ(truesize(expected[i].payload), expected[i].truesize);
}
END_TEST

START_TEST(without_a_small_head_cache_heads_are_powers_of_two)
{
    static const struct skb_local_params p = { 31, 64, 320, 256, 0 };

    CHECK_EQ(skb_local_truesize(&p, 28 + 64), 512 + 256);       /* 128 + 320 = 448 */
    CHECK_EQ(skb_local_truesize(&p, 28 + 200), 1024 + 256);     /* 320 + 320 = 640 */
}
END_TEST

/* 4008 bytes behind the IP header are 1480 + 1480 + 1048: 3 x 2304 = 6912, and 212992 / 6912 = 30.8. */
START_TEST(a_fragmented_datagram_is_charged_the_sum)
{
    run("app.kind=idle traffic.task.payload=4000B traffic.frames=40");
    CHECK_EQ(r.ledger.offered, 3 * 40);
    CHECK_EQ(counted("send_datagrams"), 40);
    CHECK_EQ(counted("skmem_queued"), 30);
    CHECK_EQ(counted("skmem_r"), 30 * 6912);
    CHECK_EQ(counted("UdpRcvbufErrors"), 10);
    CHECK_EQ(machine_fate(&r, FATE_SOCKET_RCVBUFF), 30);
    CHECK_EQ(r.ledger.in_flight, 90);
    result_free(&r);
}
END_TEST

/* Of three fragments the backlog takes 2: what is left of the datagram stays inside, and nothing is delivered. */
START_TEST(a_datagram_that_lost_a_fragment_is_never_whole)
{
    run("nic.features.tx-udp-segmentation=off net.core.netdev_max_backlog=1 traffic.task.payload=4000B "
        "traffic.task.trains=2x5 nic.queue.rps_cpus=2");
    CHECK_EQ(r.ledger.offered, 5 * 6);
    CHECK_EQ(machine_fate(&r, FATE_CPU_BACKLOG), 5 * 4);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 0);
    CHECK_EQ(r.ledger.in_flight, 5 * 2);
    result_free(&r);
}
END_TEST

START_TEST(a_fragmented_datagram_is_read_once)
{
    run("traffic.task.payload=4000B traffic.frames=5 traffic.interval=1ms");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 15);
    CHECK_EQ(counted("UdpInDatagrams"), 5);
    CHECK_EQ(counted("bytes"), 5 * 4000);
    result_free(&r);
}
END_TEST

/* ---- the ring ---- */

/* Every number of skbs consumed before, twice around: what fits is 256 - (consumed mod 16). */
START_TEST(a_ring_gets_its_slots_back_in_batches)
{
    static struct skb skb[256];

    for (int consumed = 0; consumed <= 512; consumed++) {
        struct ptr_ring ring = { .size = 256, .batch = 16 };
        int fit = 0;
        for (int i = 0; i < consumed; i++) {
            ck_assert(ptr_ring_produce(&ring, &skb[0]));
            ck_assert(ptr_ring_consume(&ring) == &skb[0]);
        }
        while (fit < 256 && ptr_ring_produce(&ring, &skb[fit]))
            fit++;
        CHECK_EQ(fit, 256 - consumed % 16);
    }
}
END_TEST

/* A size that is no multiple of the batch: the end of the array gives back what it has. */
START_TEST(the_end_of_the_array_ends_a_batch)
{
    struct skb skb;
    struct ptr_ring ring = { .size = 20, .batch = 8 };

    for (int i = 1; i <= 20; i++) {
        ck_assert(ptr_ring_produce(&ring, &skb));
        ck_assert(ptr_ring_consume(&ring) != NULL);
        CHECK_EQ(ring.head - ring.tail, i == 20 ? 0 : i % 8);
    }
    ck_assert(ptr_ring_consume(&ring) == NULL);
}
END_TEST

START_TEST(a_full_ring_counts_at_the_sender_only)
{
    run("nic.features.gro=on nic.features.tso=off nic.features.tx-udp-segmentation=off nic.threaded=on "
        "traffic.task.cpu=1 nic.threaded_cpu=1 app.cpu=0 traffic.task.trains=300");
    CHECK_EQ(machine_fate(&r, FATE_VETH_RING), 44);
    CHECK_EQ(counted("veth_tx_dropped"), 44);
    CHECK_EQ(counted("veth_rx_dropped"), 0);
    CHECK_EQ(counted("dropped"), 0);
    CHECK_EQ(counted("rx_queue_0_xdp_packets"), 256);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 256);
    CHECK_EQ(r.time_squeeze, 0);
    CHECK_EQ(r.softirq_runs, 0);
    ck_assert(r.cpu[1].ps[RESULT_NAPI_THREAD] > 0);
    result_free(&r);
}
END_TEST

/* ---- backlog ---- */

START_TEST(a_full_backlog_counts_in_three_places)
{
    run("nic.features.tx-udp-segmentation=off net.core.netdev_max_backlog=10 traffic.task.trains=60x3");
    CHECK_EQ(machine_fate(&r, FATE_CPU_BACKLOG), 3 * 49);
    CHECK_EQ(counted("veth_tx_dropped"), 3 * 49);
    CHECK_EQ(counted("veth_rx_dropped"), 3 * 49);
    CHECK_EQ(result_counter(&r, "cpu0", "dropped"), 3 * 49);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 3 * 11);
    result_free(&r);
}
END_TEST

/* A poll of exactly dev_weight is followed by one that finds nothing; 100 are 64 and 36. */
START_TEST(a_full_poll_is_polled_again)
{
    static const struct { const char *trains; uint64_t polls, full, empty; } expected[] = {
        { "63", 1, 0, 0 }, { "64", 2, 1, 1 }, { "100", 2, 1, 0 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char settings[128];
        snprintf(settings, sizeof settings, "nic.features.tx-udp-segmentation=off traffic.task.trains=%s",
                 expected[i].trains);
        run(settings);
        CHECK_EQ(r.polls, expected[i].polls);
        CHECK_EQ(r.softirq_runs, expected[i].polls);
        CHECK_EQ(r.work_hist[64], expected[i].full);
        CHECK_EQ(r.work_hist[0], expected[i].empty);
        result_free(&r);
    }
}
END_TEST

START_TEST(inline_every_message_is_a_softirq_of_its_own)
{
    run("traffic.task.vlen=32 traffic.frames=96 net.core.netdev_max_backlog=0");
    CHECK_EQ(counted("send_calls"), 3);
    CHECK_EQ(r.polls, 96);
    CHECK_EQ(r.softirq_runs, 96);
    CHECK_EQ(r.work_hist[1], 96);
    CHECK_EQ(counted("dropped"), 0);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 96);
    result_free(&r);
}
END_TEST

/* The sender's CPU runs a softirq to send the IPI, the target's one to poll. */
START_TEST(steering_takes_two_softirqs)
{
    run("nic.queue.rps_cpus=2 traffic.frames=10 traffic.interval=1ms");
    CHECK_EQ(r.softirq_runs, 20);
    CHECK_EQ(r.polls, 10);
    CHECK_EQ(result_counter(&r, "cpu1", "received_rps"), 10);
    CHECK_EQ(result_counter(&r, "cpu1", "processed"), 10);
    result_free(&r);
}
END_TEST

/* ---- NAPI ---- */

START_TEST(the_napi_takes_eligible_skbs_only)
{
    static const struct { const char *settings; uint64_t taken; } expected[] = {
        { "nic.features.gro=off nic.features.tso=off", 0 }, { "nic.features.gro=on nic.features.tso=on", 0 },
        { "nic.features.gro=on nic.features.tso=off", 20 },
        { "nic.features.gro=on nic.features.tso=on nic.features.rx-udp-gro-forwarding=on", 20 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char settings[160];
        snprintf(settings, sizeof settings, "traffic.frames=20 %s", expected[i].settings);
        run(settings);
        CHECK_EQ(counted("rx_queue_0_xdp_packets"), expected[i].taken);
        CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 20);
        result_free(&r);
    }
}
END_TEST

/* ---- UDP_SEGMENT ---- */

START_TEST(a_segmented_send_is_one_skb_up_to_the_socket)
{
    run("traffic.task.segments=30 traffic.frames=90");
    CHECK_EQ(r.ledger.offered, 90);
    CHECK_EQ(r.polls, 3);
    CHECK_EQ(counted("processed"), 3);
    CHECK_EQ(counted("UdpInDatagrams"), 90);
    result_free(&r);
    run("traffic.task.segments=30 traffic.frames=90 app.udp_gro=on traffic.task.payload=100B");
    CHECK_EQ(counted("UdpInDatagrams"), 3);
    CHECK_EQ(counted("bytes"), 9000);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 90);
    result_free(&r);
}
END_TEST

/* ---- any of them ---- */

/* The books are checked by machine_run; the shortcut must change nothing. */
START_TEST(batching_changes_nothing)
{
    static const char *const settings[] = {
        "", "nic.queue.rps_cpus=3 traffic.flows=7", "nic.features.gro=on nic.features.tso=off", "traffic.kind=poisson",
        "nic.threaded=on nic.features.gro=on nic.features.tso=off traffic.task.cpu=1", "app.kind=epoll app.cpu=0",
        "traffic.task.payload=3000B app.rcvbuf=4000B", "traffic.task.segments=9 run.cost_cv=20", "app.kind=busy",
    };

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct run_options o = { .seed = 3 };
        struct fingerprint with;
        struct config c;
        char all[256];
        snprintf(all, sizeof all, "traffic.frames=3000 %s", settings[i]);
        machine_load(&c, "truth/veth/host.yaml", all);
        machine_run(&c, &o, &r);
        with = r.fingerprint;
        result_free(&r);
        o.no_batch = true;
        machine_run(&c, &o, &r);
        ck_assert_msg(memcmp(&with, &r.fingerprint, sizeof with) == 0, "%s", settings[i]);
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

static struct stream dice;

#define WORD(...)  word((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
static const char *word(const char *const *of, size_t n)
{
    return of[stream_below(&dice, n)];
}

static void random_machine(char *text, size_t size, uint64_t seed)
{
    stream_seed(&dice, seed, 0, "veth");
    snprintf(text, size, "traffic.frames=600 traffic.kind=%s traffic.interval=%s traffic.flows=%s traffic.task.cpu=%s "
             "traffic.task.payload=%s traffic.task.vlen=%s traffic.task.segments=%s nic.features.tx-udp-segmentation=%s "
             "nic.features.gro=%s nic.features.tso=%s nic.threaded=%s nic.threaded_cpu=%s nic.queue.rps_cpus=%s "
             "net.core.netdev_max_backlog=%s net.core.dev_weight=%s net.core.netdev_budget=%s nic.veth.ring=%s "
             "app.kind=%s app.cpu=%s app.rcvbuf=%s app.udp_gro=%s run.cost_cv=%s kernel.version=%s run.drain=5ms",
             WORD("cbr", "cbr", "poisson"), WORD("1ns", "1us", "7us", "100us"), WORD("1", "5"), WORD("0", "1"),
             WORD("1B", "64B", "1472B", "1473B", "9000B"), WORD("1", "1", "16"), WORD("1", "1", "7", "60"), WORD("on", "off"),
             WORD("on", "off"), WORD("on", "off"), WORD("on", "off"), WORD("-1", "0", "1"), WORD("0", "0", "1", "2", "3"),
             WORD("0", "3", "1000"), WORD("1", "7", "64"), WORD("1", "300"), WORD("2", "17", "256"),
             WORD("recv", "epoll", "busy", "idle"), WORD("0", "1"), WORD("0B", "1B", "30000B"), WORD("on", "off"),
             WORD("0", "40"), WORD("6.1", "6.12", "6.18"));
}

/* Machines at random: the books balance (machine_run looks), and the shortcut changes nothing. */
START_TEST(every_machine_obeys)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct run_options o = { .seed = seed };
        struct fingerprint with;
        struct config c;
        char settings[1024];
        random_machine(settings, sizeof settings, seed);
        machine_load(&c, "truth/veth/host.yaml", settings);
        machine_run(&c, &o, &r);
        with = r.fingerprint;
        ck_assert_msg(r.ledger.offered >= 600, "%s", settings);
        result_free(&r);
        o.no_batch = true;
        machine_run(&c, &o, &r);
        ck_assert_msg(memcmp(&with, &r.fingerprint, sizeof with) == 0, "%s", settings);
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

START_TEST(a_sender_that_cannot_be_is_refused)
{
    static const struct { const char *key, *value, *why; } expected[] = {
        { "traffic.task.trains", "60 x3", "list of LENGTH" }, { "traffic.task.trains", "-1", "list of LENGTH" },
        { "traffic.task.trains", "x", "list of LENGTH" }, { "traffic.task.cpu", "2", "not a CPU" },
        { "traffic.kind", "onoff", "cbr or poisson" }, { "traffic.proto", "tcp", "cbr or poisson" },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct messages m = { 0 };
        struct config c;
        char path[256];
        snprintf(path, sizeof path, "%s/truth/veth/host.yaml", machine_data_dir());
        struct scenario *s = scenario_read(path, machine_data_dir(), &m);
        ck_assert(s != NULL);
        CHECK_EQ(scenario_set(s, "traffic.frame", "128B", LEVEL_SET, "--set", &m), 0);
        CHECK_EQ(scenario_set(s, expected[i].key, expected[i].value, LEVEL_SET, "--set", &m), 0);
        ck_assert(scenario_resolve(s, &c, &m) != 0);
        ck_assert_msg(m.text && strstr(m.text, expected[i].why), "%s: %s", expected[i].value, m.text);
        config_free(&c);
        scenario_free(s);
        messages_free(&m);
    }
}
END_TEST

/* ---- against the real kernel ---- */

/* Rows of a file go to the part whose columns they have. */
START_TEST(rows_find_their_table)
{
    static const char *const table[] = { "capacity", "bursts" };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char path[256];
        struct messages m = { 0 };
        struct validations v;
        snprintf(path, sizeof path, "%s/truth/veth/%s.csv", machine_data_dir(), table[i]);
        struct validate_options o = { .data_dir = machine_data_dir(), .rows = path, .jobs = 1 };
        CHECK_EQ(validate_suite(&v, "veth", &o, &m), 0);
        CHECK_EQ(v.parts, 1);
        ck_assert(strcmp(v.part[0].suite.name + strlen("veth/"), table[i]) == 0);
        validations_free(&v);
        snprintf(path, sizeof path, "%s/truth/qemu.csv", machine_data_dir());
        ck_assert(validate_suite(&v, "veth/capacity", &o, &m) != 0);
        validations_free(&v);
        messages_free(&m);
    }
}
END_TEST

/* What a real kernel did, exactly: every row but those that say why they are not judged. */
START_TEST(the_exact_tables_are_predicted)
{
    static const char *const table[] = { "veth/capacity", "veth/bursts" };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct validate_options o = { .data_dir = machine_data_dir(), .jobs = 1 };
        struct validations v;
        struct messages m = { 0 };
        int judged, passed;
        CHECK_EQ(validate_suite(&v, table[i], &o, &m), 0);
        validations_count(&v, &judged, &passed);
        ck_assert(judged >= 27);
        CHECK_EQ(judged, passed);
        ck_assert(validations_holds(&v));
        validations_free(&v);
        messages_free(&m);
    }
}
END_TEST

SUITE(veth, a_local_datagram_is_charged_by_the_allocators_sizes, without_a_small_head_cache_heads_are_powers_of_two,
      a_fragmented_datagram_is_charged_the_sum, a_datagram_that_lost_a_fragment_is_never_whole,
      a_fragmented_datagram_is_read_once, a_ring_gets_its_slots_back_in_batches, the_end_of_the_array_ends_a_batch,
      a_full_ring_counts_at_the_sender_only, a_full_backlog_counts_in_three_places, a_full_poll_is_polled_again,
      inline_every_message_is_a_softirq_of_its_own, steering_takes_two_softirqs, the_napi_takes_eligible_skbs_only,
      a_segmented_send_is_one_skb_up_to_the_socket, batching_changes_nothing,
      every_machine_obeys, a_sender_that_cannot_be_is_refused, rows_find_their_table, the_exact_tables_are_predicted)
