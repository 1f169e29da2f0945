/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Question 2 of scenarios/questions: what interrupt moderation loses while every core is idle. */
#include <math.h>

#include "tests/machine.h"
#include "tests/suite.h"

enum { RING = 511 };            /* of 512, one is reserved */

/* Frames that died for want of a descriptor: before the first frame of the train (numbers from `first` on) was polled, and in
 * all. */
struct losses { int64_t early, all; };

static struct losses lost(const char *file, const char *settings, uint64_t first)
{
    struct config c;
    struct result r;
    struct losses n = { 0 };
    int64_t polled = INT64_MAX;

    machine_load(&c, file, settings);
    machine_run(&c, NULL, &r);
    for (int i = 0; i < r.packets; i++) {
        if (r.packet[i].seq >= first && r.packet[i].t_poll >= 0 && r.packet[i].t_poll < polled)
            polled = r.packet[i].t_poll;
    }
    ck_assert(polled != INT64_MAX);
    for (int i = 0; i < r.packets; i++)
        n.early += r.packet[i].fate == FATE_RX_NO_DESC && r.packet[i].t_wire < polled;
    n.all = (int64_t)machine_fate(&r, FATE_RX_NO_DESC);
    result_free(&r);
    machine_release(&c);
    return n;
}

static void near(int64_t value, double expected, double tolerance)
{
    ck_assert_msg(fabs((double)value - expected) <= tolerance, "%d, expected %.0f", (int)value, expected);
}

/* 84 us at 67.2 ns are 1250 frames. */
START_TEST(a_delay_timer_of_84_us_loses_739_before_the_first_poll)
{
    near(lost("questions/q2-delay.yaml", "", 0).early, 1250 - RING, 2);
}
END_TEST

/* 79 us are 1175. */
START_TEST(an_itr_gap_of_84_us_loses_664_behind_a_lone_frame)
{
    near(lost("questions/q2-gap.yaml", "", 1).early, 1175 - RING, 2);
}
END_TEST

/* After silence the gap is over: the first frame's interrupt comes at once. */
START_TEST(an_itr_gap_loses_nothing_early_after_silence)
{
    CHECK_EQ(lost("questions/q2-gap.yaml", "traffic[lone].start=290us", 0).early, 0);
}
END_TEST

/* 84 us hold 68 frames of 1518 bytes. */
START_TEST(frames_of_1518_bytes_all_fit)
{
    CHECK_EQ(lost("questions/q2-delay.yaml", "traffic.frame=1518B", 0).all, 0);
    CHECK_EQ(lost("questions/q2-gap.yaml", "traffic.frame=1518B", 1).all, 0);
}
END_TEST

/* Without moderation the drops are question 1's: (lambda - mu) T - (R - 1), within 1 % and a poll's batch. In 100 us line rate
 * brings 1488 and the core takes 505. */
START_TEST(without_moderation_the_ring_and_the_core_decide)
{
    double expected = 100e3 / 67.2 - 100e3 / 197.95 - RING;

    struct losses delay = lost("questions/q2-delay.yaml", "nic.coalesce.rx-usecs=0us", 0);
    struct losses gap = lost("questions/q2-gap.yaml", "nic.coalesce.rx-usecs=0us", 1);
    CHECK_EQ(delay.early, 0);
    CHECK_EQ(gap.early, 0);
    near(delay.all, expected, 0.01 * expected + 64);
    near(gap.all, expected, 0.01 * expected + 64);
}
END_TEST

SUITE(questions_moderation, a_delay_timer_of_84_us_loses_739_before_the_first_poll,
      an_itr_gap_of_84_us_loses_664_behind_a_lone_frame, an_itr_gap_loses_nothing_early_after_silence,
      frames_of_1518_bytes_all_fit, without_moderation_the_ring_and_the_core_decide)
