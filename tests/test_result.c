/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/time.h"
#include "sim/lab/result.h"
#include "tests/suite.h"

/* 100 frames of 64 bytes, one queue: 80 delivered, 5 pure ACKs, 12 without a descriptor, 1 bad FCS
 * (before a queue was chosen), 2 in flight. 80 + 5 + 12 + 1 + 2 = 100. */
static void put(struct result_ledger *l, enum fate f, uint64_t frames)
{
    l->frames[f] = frames;
    l->bytes[f] = 64 * frames;
}

static void make(struct result *r)
{
    result_init(r);
    r->queue = calloc(1, sizeof *r->queue);
    r->queues = 1;
    snprintf(r->queue[0].scope, SCOPE_NAME, "eth0.q0");

    struct result_ledger *total = &r->ledger, *queue = &r->queue[0].ledger;
    put(total, FATE_DELIVERED, 80);
    put(total, FATE_TCP_PURE_ACK, 5);
    put(total, FATE_RX_NO_DESC, 12);
    put(total, FATE_RX_CRC_ERRORS, 1);
    *queue = *total;
    put(queue, FATE_RX_CRC_ERRORS, 0);
    total->offered = 100;
    total->offered_bytes = 6400;
    queue->offered = 99;
    queue->offered_bytes = 6336;
    total->in_flight = queue->in_flight = 2;
    total->in_flight_bytes = queue->in_flight_bytes = 128;
}

START_TEST(balanced_books_are_accepted)
{
    struct result r;
    char why[256] = "";

    make(&r);
    ck_assert_msg(result_balance(&r, why, sizeof why) == 0, "%s", why);
    CHECK_EQ(result_kind(&r.ledger, FATE_KIND_DELIVERED), 80);
    CHECK_EQ(result_kind(&r.ledger, FATE_KIND_CONSUMED), 5);
    CHECK_EQ(result_kind(&r.ledger, FATE_KIND_DROPPED), 13);
    CHECK_EQ(result_kind(&r.ledger, FATE_KIND_IN_FLIGHT), 2);
    result_free(&r);
}
END_TEST

START_TEST(an_empty_result_balances)
{
    struct result r;
    char why[256];

    result_init(&r);
    CHECK_EQ(result_balance(&r, why, sizeof why), 0);
    result_free(&r);
}
END_TEST

/* Each of these spoils one number of balanced books. */
static void lose_a_frame(struct result *r)       { r->ledger.frames[FATE_DELIVERED]--; }
static void lose_a_byte(struct result *r)        { r->ledger.bytes[FATE_RX_NO_DESC]--; }
static void count_one_twice(struct result *r)    { r->ledger.in_flight++; }
static void lose_one_in_queue(struct result *r)  { r->queue[0].ledger.frames[FATE_DELIVERED]--; }
static void lose_byte_in_queue(struct result *r) { r->queue[0].ledger.in_flight_bytes--; }

/* The queue balances in itself, but drops what the total says was delivered. */
static void queue_contradicts(struct result *r)
{
    struct result_ledger *q = &r->queue[0].ledger;

    put(q, FATE_DELIVERED, 79);
    put(q, FATE_RX_NO_DESC, 13);
}

static void queue_contradicts_in_bytes(struct result *r)
{
    struct result_ledger *q = &r->queue[0].ledger;

    q->bytes[FATE_DELIVERED] -= 10;
    q->bytes[FATE_RX_NO_DESC] += 10;
}

static void flow_loses_a_frame(struct result *r)
{
    r->flow = calloc(1, sizeof *r->flow);
    r->flows = 1;
    r->flow[0] = (struct result_flow){ "udp 10.0.0.1:9000 > 10.0.0.2:53", 10, 4, 2, 2, 1 };
}

START_TEST(each_kind_of_error_in_the_books_is_found_and_named)
{
    static const struct { void (*spoil)(struct result *r); const char *named; } error[] = {
        { lose_a_frame, "total: 100 frames" },           { lose_a_byte, "total: 6400 bytes" },
        { count_one_twice, "3 in flight" },              { lose_one_in_queue, "eth0.q0: 99 frames" },
        { lose_byte_in_queue, "eth0.q0: 6336 bytes" },   { queue_contradicts, "queues count 13 frames" },
        { queue_contradicts_in_bytes, "778 bytes" },     { flow_loses_a_frame, "10.0.0.1:9000" },
    };

    for (size_t i = 0; i < sizeof error / sizeof error[0]; i++) {
        struct result r;
        char why[256] = "";

        make(&r);
        error[i].spoil(&r);
        CHECK_EQ(result_balance(&r, why, sizeof why), -1);
        ck_assert_msg(strstr(why, error[i].named) != NULL, "error %zu: %s", i, why);
        result_free(&r);
    }
}
END_TEST

static void check_metric(const struct result *r, const char *name, double expected)
{
    double got = result_metric(r, name);

    ck_assert_msg(fabs(got - expected) <= 1e-12 * fabs(expected), "%s is %.17g, not %.17g", name, got,
                  expected);
}

START_TEST(metrics_follow_from_the_books_and_the_clock)
{
    struct result r;

    make(&r);
    /* 10 us of offering and 2 us of drain: 100 frames in 10 us are 1e7 a second; 80 * 64 * 8 bits in 10
     * us are 4096 Mbit/s. */
    r.offer_ps = 10 * US;
    r.sim_ps = 12 * US;
    check_metric(&r, "offered", 100);
    check_metric(&r, "delivered", 80);
    check_metric(&r, "consumed", 5);
    check_metric(&r, "drops", 13);
    check_metric(&r, "in_flight", 2);
    check_metric(&r, "drop_rate", 0.13);
    check_metric(&r, "offered_pps", 1e7);
    check_metric(&r, "delivered_pps", 8e6);
    check_metric(&r, "goodput_bps", 4.096e9);
    /* Without a time of offering the whole run counts: 100 frames in 12 us. */
    r.offer_ps = 0;
    check_metric(&r, "offered_pps", 100 / 12e-6);
    result_free(&r);
}
END_TEST

START_TEST(packets_per_poll_is_the_mean_of_the_work_histogram)
{
    struct result r;

    result_init(&r);
    /* 3 polls of 64, 1 empty one: 192 packets in 4 polls. */
    r.work_hist[64] = 3;
    r.work_hist[0] = 1;
    r.polls = 4;
    r.irqs = 7;
    r.softirq_runs = 5;
    r.time_squeeze = 2;
    check_metric(&r, "packets_per_poll", 48);
    check_metric(&r, "polls", 4);
    check_metric(&r, "irqs", 7);
    check_metric(&r, "softirq_runs", 5);
    check_metric(&r, "time_squeeze", 2);
    result_free(&r);
}
END_TEST

START_TEST(cpu_shares_are_those_of_the_busiest_core)
{
    struct result r;

    result_init(&r);
    r.cpu = calloc(2, sizeof *r.cpu);
    r.cpus = 2;
    /* Core 0: 10 + 20 + 30 of 100 busy, 50 of it soft; core 1: 5 + 40 of 100, all task and NAPI thread. */
    r.cpu[0] = (struct result_cpu){ { [RESULT_HARDIRQ] = 10 * US, [RESULT_SOFTIRQ] = 20 * US,
                                      [RESULT_KSOFTIRQD] = 30 * US, [RESULT_IDLE] = 40 * US } };
    r.cpu[1] = (struct result_cpu){ { [RESULT_NAPI_THREAD] = 5 * US, [RESULT_TASK] = 40 * US,
                                      [RESULT_IDLE] = 55 * US } };
    check_metric(&r, "cpu_busy", 0.60);
    check_metric(&r, "cpu_cores", 0.60 + 0.45);
    check_metric(&r, "hardirq_share", 0.10);
    check_metric(&r, "softirq_share", 0.50);
    check_metric(&r, "task_share", 0.45);
    result_free(&r);
}
END_TEST

START_TEST(latency_is_that_of_the_stage_called_total)
{
    struct result r;

    result_init(&r);
    r.stage = calloc(3, sizeof *r.stage);
    r.stages = 3;
    r.stage[0].name = "wire-dma";
    r.stage[1].name = "total";
    r.stage[2].name = "socket-app";
    for (int i = 0; i < r.stages; i++)
        hist_init(&r.stage[i].hist);
    hist_add(&r.stage[0].hist, 1 * NS);
    hist_add(&r.stage[2].hist, 2 * NS);
    ck_assert(isnan(result_metric(&r, "latency_p50_ns")));      /* the other stage does not stand in */
    ck_assert(isnan(result_metric(&r, "latency_mean_ns")));
    /* 100, 110 and 127 ps lie in buckets one picosecond wide: quantiles are exact. */
    hist_add(&r.stage[1].hist, 100);
    hist_add(&r.stage[1].hist, 110);
    hist_add(&r.stage[1].hist, 127);
    check_metric(&r, "latency_mean_ns", 337 / 3.0 / 1000);
    check_metric(&r, "latency_p50_ns", 0.110);
    check_metric(&r, "latency_p90_ns", 0.127);
    check_metric(&r, "latency_max_ns", 0.127);
    result_free(&r);
}
END_TEST

/* Nothing offered, no time, no poll, no core: a share of nothing is undefined, a count of nothing is 0. */
START_TEST(what_an_empty_run_cannot_say_is_not_a_number)
{
    static const char *const undefined[] = {
        "drop_rate", "goodput_bps", "offered_pps", "delivered_pps", "latency_mean_ns", "latency_p50_ns",
        "latency_p90_ns", "latency_p99_ns", "latency_p999_ns", "latency_max_ns", "packets_per_poll",
            "cpu_busy",
        "cpu_cores", "softirq_share", "no_such_metric"
    };
    static const char *const zero[] = { "offered", "delivered", "consumed", "drops", "polls", "irqs" };
    struct result r;

    result_init(&r);
    for (size_t i = 0; i < sizeof undefined / sizeof undefined[0]; i++)
        ck_assert_msg(isnan(result_metric(&r, undefined[i])), "%s", undefined[i]);
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++)
        check_metric(&r, zero[i], 0);
}
END_TEST

START_TEST(every_metric_says_its_unit_and_meaning_once)
{
    for (const struct metric_info *m = metric_info; m->name; m++) {
        ck_assert(m->unit && m->unit[0] && m->doc && m->doc[0]);
        for (const struct metric_info *o = metric_info; o < m; o++)
            ck_assert_str_ne(o->name, m->name);
    }
}
END_TEST

START_TEST(a_counter_is_read_in_one_scope_or_summed_over_all)
{
    struct result r;

    result_init(&r);
    r.counter = calloc(3, sizeof *r.counter);
    r.counters = 3;
    r.counter[0] = (struct result_counter){ "eth0.q0", "rx_packets", 3 };
    r.counter[1] = (struct result_counter){ "eth0.q1", "rx_packets", 4 };
    r.counter[2] = (struct result_counter){ "eth0.q1", "rx_bytes", 500 };
    CHECK_EQ(result_counter(&r, "eth0.q1", "rx_packets"), 4);
    CHECK_EQ(result_counter(&r, NULL, "rx_packets"), 7);
    CHECK_EQ(result_counter(&r, "eth0.q2", "rx_packets"), 0);
    result_free(&r);
}
END_TEST

SUITE(result, balanced_books_are_accepted, an_empty_result_balances,
      each_kind_of_error_in_the_books_is_found_and_named, metrics_follow_from_the_books_and_the_clock,
      packets_per_poll_is_the_mean_of_the_work_histogram, cpu_shares_are_those_of_the_busiest_core,
      latency_is_that_of_the_stage_called_total, what_an_empty_run_cannot_say_is_not_a_number,
      every_metric_says_its_unit_and_meaning_once, a_counter_is_read_in_one_scope_or_summed_over_all)
