/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Q7: what do coalescing, busy polling and idle states cost in latency? The answers that its scenarios give. */
#include <math.h>

#include "tests/machine.h"
#include "tests/suite.h"

static double metric_of(const char *file, const char *settings, const char *metric)
{
    struct config c;
    struct result r;

    machine_load(&c, file, settings);
    machine_run(&c, &run_options_default, &r);
    double value = result_metric(&r, metric);
    result_free(&r);
    machine_release(&c);
    return value;
}

static double mean(const char *settings)
{
    return metric_of("questions/q7-latency.yaml", settings, "latency_mean_ns");
}

static double round_trip(const char *settings)
{
    return metric_of("questions/q7-rr.yaml", settings, "rtt_mean_ns");
}

/* Idle cores sleep, busy ones do not: a loaded machine answers sooner. Without idle states and moderation it is the other
 * way round, as queueing has it. */
START_TEST(latency_is_not_monotone_in_load)
{
    double idle = mean("run.duration=1s"), busy = mean("traffic.rate=1Mpps run.duration=20ms");
    ck_assert_msg(idle >= 3 * busy, "idle %.0f, busy %.0f", idle, busy);

    idle = mean("cpu.cstate.exit_latency=0us nic.coalesce.rx-usecs=0us run.duration=1s");
    busy = mean("cpu.cstate.exit_latency=0us nic.coalesce.rx-usecs=0us traffic.rate=1Mpps run.duration=20ms");
    ck_assert_msg(idle < busy, "idle %.0f, busy %.0f", idle, busy);
}
END_TEST

/* Lone packets, 10 ms apart: what a moderation of `u` adds to each. */
static const char lone[] = "traffic.kind=cbr traffic.offset=off kernel.tick_phase=150us run.cost_cv=0 run.duration=100ms ";

static double lone_mean(const char *settings)
{
    char all[512];

    snprintf(all, sizeof all, "%s%s", lone, settings);
    return mean(all);
}

START_TEST(a_delay_timer_adds_its_time_to_a_lone_packet)
{
    double none = lone_mean("nic.coalesce.rx-usecs=0us");

    ck_assert_double_eq_tol(lone_mean("nic.coalesce.rx-usecs=16us") - none, 16000, 1e-3);
    ck_assert_double_eq_tol(lone_mean("nic.coalesce.rx-usecs=100us") - none, 100000, 1e-3);
}
END_TEST

START_TEST(a_least_gap_adds_nothing_to_a_packet_after_silence)
{
    double none = lone_mean("nic.coalesce.rx-usecs=0us nic.coalesce.kind=gap");

    ck_assert_double_eq_tol(lone_mean("nic.coalesce.rx-usecs=100us nic.coalesce.kind=gap"), none, 1e-3);
}
END_TEST

/* Packets at random, some twenty in each gap: half a gap on average. */
START_TEST(a_least_gap_adds_half_of_itself_in_a_busy_period)
{
    static const char busy[] = "traffic.rate=200kpps nic.coalesce.kind=gap cpu.cstate.exit_latency=0us run.duration=100ms "
                               "cost.recv.dequeue=100cycles ";
    char with[512], without[512];

    snprintf(with, sizeof with, "%snic.coalesce.rx-usecs=100us", busy);
    snprintf(without, sizeof without, "%snic.coalesce.rx-usecs=0us", busy);
    double added = metric_of("questions/q7-latency.yaml", with, "latency_mean_ns") -
                   metric_of("questions/q7-latency.yaml", without, "latency_mean_ns");
    ck_assert_msg(added > 0.85 * 50000 && added < 1.15 * 50000, "%.0f", added);
}
END_TEST

/* A poll of one's own needs neither interrupt nor wake-up nor idle state; moderation does not matter any more. */
START_TEST(busy_polling_saves_interrupt_wakeup_idle_state_and_moderation)
{
    double sleeping = round_trip(""), polling = round_trip("net.core.busy_read=50us");
    double unmoderated = round_trip("nic.coalesce.rx-usecs=0us");

    ck_assert_double_gt(sleeping - unmoderated, 15000);
    ck_assert_double_gt(unmoderated - polling, 2 * 4000);      /* two idle states, and more */
    ck_assert_double_eq_tol(round_trip("net.core.busy_read=50us nic.coalesce.rx-usecs=100us"), polling, 0.02 * polling);
    ck_assert_double_gt(round_trip("cpu.cstate.exit_latency=133us cpu.cstate.target_residency=10us"), sleeping + 2 * 100000);
    ck_assert_double_eq_tol(round_trip("net.core.busy_read=50us cpu.cstate.exit_latency=133us"), polling, 0.02 * polling);
}
END_TEST

/* Where the reader always finds something it never polls: what busy polling saves at 10 kpps is gone at 5 Mpps. */
START_TEST(busy_polling_saves_nothing_at_saturation)
{
    double saved = mean("traffic.rate=10kpps run.duration=50ms") - mean("traffic.rate=10kpps run.duration=50ms app.busy_poll=200us");
    ck_assert_double_gt(saved, 12000);         /* four out of five come within the 200 us */

    double without = mean("traffic.rate=5Mpps run.duration=20ms run.warmup=5ms");
    double with = mean("traffic.rate=5Mpps run.duration=20ms run.warmup=5ms app.busy_poll=200us");
    ck_assert_double_eq_tol(with, without, 0.01 * without);
}
END_TEST

/* What is saved in time is paid in cycles: the reader's core never rests. */
START_TEST(busy_polling_takes_a_whole_core)
{
    double asleep = metric_of("questions/q7-rr.yaml", "", "cpu_busy");
    double polling = metric_of("questions/q7-rr.yaml", "net.core.busy_read=50us", "cpu_busy");

    ck_assert_double_lt(asleep, 0.3);
    ck_assert_double_gt(polling, 0.99);
}
END_TEST

SUITE(questions_q7, latency_is_not_monotone_in_load, a_delay_timer_adds_its_time_to_a_lone_packet,
      a_least_gap_adds_nothing_to_a_packet_after_silence, a_least_gap_adds_half_of_itself_in_a_busy_period,
      busy_polling_saves_interrupt_wakeup_idle_state_and_moderation, busy_polling_saves_nothing_at_saturation,
      busy_polling_takes_a_whole_core)
