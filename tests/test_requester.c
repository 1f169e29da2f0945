/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/requester.h"

#include <math.h>
#include <string.h>

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

/* One client of 18 bytes a request, 10 us away; every request and answer is a frame of 64 bytes. */
static const char client[] =
    "traffic.kind=rr traffic.rtt=10us traffic.frames=1 app.reply=18B run.duration=0s pcie.tx_latency=1us "
    "nic.coalesce.tx-usecs=0us";

static void ask(int apps, const char *settings)
{
    rig_init(&r, apps, client);
    rig_set(&r, settings);
    rig_frame(&r, 100 * US, rig_flow(&r, FLOW_UDP, 1, 9), 18);     /* not offered: the source is a client, from 100 us on */
    rig_build(&r);
    ck_assert(host_run(&r.host, NULL, NULL));
}

static const struct requester_counters *counters(void)
{
    return &r.host.requester_group[0].counters;
}

/* 8 + 64 bytes at 400 Gbit/s. */
enum { OUT = 1440 };

START_TEST(a_round_trip_is_the_path_the_way_in_the_program_and_the_way_out)
{
    ask(1, "app.work=300ns cost.reply.send=1000ns cost.tx.xmit=20ns cost.reply.done=7ns");
    CHECK_EQ(counters()->answers, 1);
    CHECK_EQ(r.host.rtt.count, 1);
    CHECK_EQ(r.host.rtt.min, 10 * US + RIG_WIRE + (300 + 1000 + 20) * NS + 1 * US + OUT);
    rig_free(&r);

    ask(1, "cost.reply.copy_byte=1ns/B traffic.rtt=9999999ps");        /* odd: no half is lost */
    CHECK_EQ(r.host.rtt.min, 10 * US - 1 + RIG_WIRE + 18 * NS + 1 * US + OUT);
    rig_free(&r);
}
END_TEST

START_TEST(the_next_request_follows_the_answer_by_the_think_time)
{
    ask(1, "traffic.frames=3 traffic.think=4us");
    ps_t round = 10 * US + RIG_WIRE + 1 * US + OUT + 4 * US;
    CHECK_EQ(r.ends, 3);
    for (int i = 1; i < 3; i++)
        CHECK_EQ(rig_end(&r, (uint64_t)i)->frame.wire_at - rig_end(&r, (uint64_t)i - 1)->frame.wire_at, round);
    CHECK_EQ(counters()->requests, 3);
    CHECK_EQ(counters()->answers, 3);
    rig_free(&r);
}
END_TEST

START_TEST(one_request_of_a_flow_is_outstanding)
{
    ask(1, "traffic.flows=5 traffic.frames=50 app.work=20us");
    CHECK_EQ(counters()->requests, 50);
    CHECK_EQ(counters()->answers, 50);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 50);
    for (int i = 5; i < 50; i++)        /* the program serves one after the other, and each asks again */
        CHECK_EQ(rig_end(&r, (uint64_t)i)->frame.flow, rig_end(&r, (uint64_t)i - 5)->frame.flow);
    rig_free(&r);
}
END_TEST

/* Nobody listens. */
START_TEST(a_request_without_an_answer_is_sent_again_after_the_timeout)
{
    ask(0, "traffic.timeout=50us run.duration=330us run.drain=0s");
    CHECK_EQ(counters()->requests, 1);
    CHECK_EQ(counters()->answers, 0);
    CHECK_EQ(r.ends, 5);                /* from 105 us to 305 us */
    for (int i = 0; i < 5; i++)
        CHECK_EQ(r.end[i].frame.wire_at, 105 * US + i * 50 * US + OUT);
    rig_free(&r);
}
END_TEST

/* Every request is sent twice, the second answer comes when the first was taken already. */
START_TEST(an_answer_to_what_was_answered_is_ignored)
{
    ask(1, "traffic.timeout=8us traffic.frames=4");
    CHECK_EQ(counters()->requests, 4);
    CHECK_EQ(counters()->answers, 4);
    CHECK_EQ(counters()->timeouts, 4);
    CHECK_EQ(r.host.nic[0].queue[0].tx.counters.tx_packets, 8);
    CHECK_EQ(r.host.rtt.count, 4);
    CHECK_EQ(r.host.rtt.max, r.host.rtt.min);
    CHECK_EQ(r.host.rtt.min, 10 * US + RIG_WIRE + 1 * US + OUT);    /* from the first sending */
    rig_free(&r);
}
END_TEST

START_TEST(round_trips_count_from_the_warmup_on)
{
    ask(1, "traffic.frames=10 traffic.think=9us run.warmup=190us");
    CHECK_EQ(counters()->answers, 10);
    CHECK_EQ(r.host.rtt.count, 5);      /* the sixth is sent at 200 us */
    rig_free(&r);
}
END_TEST

/* ---- the way out ---- */

static int64_t sent_by(int queue)
{
    return (int64_t)r.host.nic[0].queue[queue].tx.counters.tx_packets;
}

START_TEST(an_answer_leaves_by_the_queue_that_xps_gives_its_cpu)
{
    ask(1, "cpu.count=2 nic.channels=4 app.cpu=1 nic.queue[3].xps_cpus=2 nic.queue[2].xps_cpus=1 traffic.frames=7");
    CHECK_EQ(sent_by(3), 7);
    rig_free(&r);
}
END_TEST

START_TEST(without_xps_the_flows_hash_spreads_answers)
{
    ask(1, "nic.channels=4 traffic.flows=64 traffic.frames=256");
    for (int q = 0; q < 4; q++)
        ck_assert_int_gt(sent_by(q), 25);
    CHECK_EQ(sent_by(0) + sent_by(1) + sent_by(2) + sent_by(3), 256);
    rig_free(&r);
}
END_TEST

START_TEST(answers_share_the_wire_out)
{
    ask(1, "nic.link=1Gbps traffic.flows=2 traffic.frames=2 traffic.offset=off app.reply=1000B traffic.rtt=1us");
    CHECK_EQ(counters()->answers, 2);
    ps_t request = (8 + 64) * 8 * NS, slot = (64 + 20) * 8 * NS, answer = (8 + 1046) * 8 * NS;
    CHECK_EQ(r.host.rtt.min, 1 * US + request + 240 + 1 * US + answer);
    CHECK_EQ(r.host.rtt.max, 1 * US + request + 240 + 1 * US + answer + (1046 + 20) * 8 * NS);
    ck_assert_int_lt(slot, answer);     /* the second answer waits for the first, not for its own request */
    rig_free(&r);
}
END_TEST

/* A ring of 16 and a qdisc of 1 behind a slow wire: the qdisc says what it drops, and the client asks again. */
START_TEST(an_answer_that_the_qdisc_drops_is_asked_for_again)
{
    ask(1, "nic.link=1Gbps nic.ring.tx=16 nic.txqueuelen=1 traffic.flows=40 traffic.frames=40 traffic.rtt=1us "
           "app.reply=1400B traffic.timeout=10ms");
    const struct tx_counters *tx = &r.host.nic[0].queue[0].tx.counters;
    ck_assert_int_gt((int64_t)tx->qdisc_dropped, 0);
    CHECK_EQ(counters()->timeouts, tx->qdisc_dropped);
    CHECK_EQ(counters()->answers, 40);
    rig_free(&r);
}
END_TEST

/* ---- TCP ---- */

/* The first acknowledgments are immediate; in ping-pong mode the answer carries them. */
START_TEST(an_answer_over_tcp_acknowledges_its_request)
{
    ask(1, "traffic.proto=tcp traffic.frame=100B traffic.frames=50");
    CHECK_EQ(counters()->answers, 50);
    CHECK_EQ(r.host.tcp.InSegs, 50);
    ck_assert_int_lt((int64_t)r.host.tcp.OutSegs, 50 + 3);
    ck_assert_int_ge((int64_t)r.host.tcp.OutSegs, 50);
    CHECK_EQ(r.host.nic[0].queue[0].tx.counters.tx_packets, 50);
    rig_free(&r);
}
END_TEST

START_TEST(a_client_that_acknowledges_sends_two_frames_a_request)
{
    ask(1, "traffic.proto=tcp traffic.frame=100B traffic.frames=50 traffic.ack=on traffic.think=30us");
    CHECK_EQ(counters()->answers, 50);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 50);
    CHECK_EQ(rig_fate(&r, FATE_TCP_PURE_ACK), 50);
    rig_free(&r);
}
END_TEST

/* ---- what users see ---- */

static const char scenario[] =
    "version: 1\nkernel.version: 6.12\nnic.model: ixgbe\ncpu: {model: xeon-e5-1650v4, count: 2}\nrun.duration: 5ms\n"
    "traffic: {kind: rr, frame: 74B, flows: 3, rtt: 8us}\napp: {kind: recv, reply: 32B}\n";

START_TEST(round_trips_stand_behind_the_stages)
{
    struct config c;
    struct result found;

    machine_parse(&c, scenario, "");
    machine_run(&c, NULL, &found);
    const struct result_stage *last = &found.stage[found.stages - 1];
    ck_assert_str_eq(last->name, RESULT_RTT);
    ck_assert_double_gt(result_metric(&found, "rtt_min_ns"), 8000);
    ck_assert_double_ge(result_metric(&found, "rtt_p99_ns"), result_metric(&found, "rtt_mean_ns"));
    ck_assert_double_eq_tol(result_metric(&found, "answers_per_s"), (double)result_counter(&found, NULL, "answers") * 200, 1e-6);
    result_free(&found);
    machine_release(&c);

    machine_parse(&c, scenario, "traffic.kind=cbr");
    machine_run(&c, NULL, &found);
    ck_assert_str_eq(found.stage[found.stages - 1].name, "total");
    ck_assert(isnan(result_metric(&found, "rtt_mean_ns")));
    ck_assert(isnan(result_metric(&found, "answers_per_s")));
    result_free(&found);
    machine_release(&c);
}
END_TEST

/* Little's law of a closed loop: throughput x (round trip + think time) = clients. */
START_TEST(clients_in_a_closed_loop_obey_littles_law)
{
    struct config c;
    struct result found;

    machine_parse(&c, scenario, "traffic.flows=40 traffic.think=200us traffic.think_kind=exponential run.duration=50ms");
    machine_run(&c, NULL, &found);
    double clients = result_metric(&found, "answers_per_s") * (result_metric(&found, "rtt_mean_ns") + 200e3) / 1e9;
    ck_assert_double_gt(clients, 38);
    ck_assert_double_lt(clients, 42);
    result_free(&found);
    machine_release(&c);
}
END_TEST

START_TEST(answers_over_a_veth_are_refused)
{
    struct host h;
    char why[256];

    rig_init(&r, 1, "app.reply=1B nic.kind=veth");
    rig_frame(&r, 100 * US, rig_flow(&r, FLOW_UDP, 1, 9), 18);
    ck_assert_int_ne(host_init(&h, &r.config, 1, 0, true, why, sizeof why), 0);
    host_free(&h);
    rig_free(&r);
}
END_TEST

SUITE(requester, a_round_trip_is_the_path_the_way_in_the_program_and_the_way_out,
      the_next_request_follows_the_answer_by_the_think_time, one_request_of_a_flow_is_outstanding,
      a_request_without_an_answer_is_sent_again_after_the_timeout, an_answer_to_what_was_answered_is_ignored,
      round_trips_count_from_the_warmup_on, an_answer_leaves_by_the_queue_that_xps_gives_its_cpu,
      without_xps_the_flows_hash_spreads_answers, answers_share_the_wire_out,
      an_answer_that_the_qdisc_drops_is_asked_for_again, an_answer_over_tcp_acknowledges_its_request,
      a_client_that_acknowledges_sends_two_frames_a_request, round_trips_stand_behind_the_stages,
      clients_in_a_closed_loop_obey_littles_law, answers_over_a_veth_are_refused)
