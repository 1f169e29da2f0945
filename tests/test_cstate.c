/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cstate.h"

#include "models/cpu.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static int64_t typical(const int64_t *us)
{
    static const struct cstate_params p;
    struct cstate c = { .params = &p };

    for (int i = 0; i < CSTATE_INTERVALS; i++)
        cstate_leave(&c, us[i] * US);
    return cstate_typical_interval(&c);
}

START_TEST(the_guess_is_the_average_of_times_that_are_alike)
{
    static const struct { int64_t us[CSTATE_INTERVALS], guess; } row[] = {
        { { 100, 100, 100, 100, 100, 100, 100, 100 }, 100 },
        { { 90, 110, 90, 110, 90, 110, 90, 110 }, 100 },                /* 10 us apart: within 20 */
        { { 1000, 1100, 900, 1000, 1000, 1100, 900, 1000 }, 1000 },     /* 71 us, within a sixth */
        { { 100, 100, 9000, 100, 100, 100, 100, 100 }, 100 },           /* without the longest */
        { { 100, 100, 9000, 100, 100, 8000, 100, 100 }, 100 },          /* .. two */
        { { 100, 100, 9000, 100, 100, 8000, 100, 1000 }, -1 },          /* .. but not three */
        { { 100, 5000, 300, 9000, 20, 700, 2000, 60 }, -1 },
        { { 0, 0, 0, 0, 0, 0, 0, 0 }, -1 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        ck_assert_msg(typical(row[i].us) == row[i].guess, "row %zu: %d", i, (int)typical(row[i].us));
}
END_TEST

/* C1 2 us, C1E 10 us from 20 us on, C6 133 us from 600 us on. */
#define DEEP "cpu.cstate.exit_latency=2us cpu.cstate.target_residency=2us cpu.cstate.c1e.exit_latency=10us " \
             "cpu.cstate.c1e.target_residency=20us cpu.cstate.c6.exit_latency=133us cpu.cstate.c6.target_residency=600us"

/* The exit latency that an interrupt meets after a first sleep of 1 ms. */
static ps_t first_exit(const char *more)
{
    static struct rig r;
    struct pulse p;

    rig_init(&r, 0, DEEP);
    rig_set(&r, more);
    rig_start(&r);
    pulse_init(&p, &r.host.cpu[0], 0, NULL, NULL);
    pulse_at(&p, 1 * MS);
    rig_until(&r, 2 * MS);
    rig_free(&r);
    return p.handled[0] - 1 * MS;
}

/* At first nothing is known: the deepest. */
START_TEST(the_first_sleep_is_the_deepest)
{
    CHECK_EQ(first_exit(""), 133 * US);
    CHECK_EQ(first_exit("cpu.cstate.c6.exit_latency=0us"), 10 * US);
    CHECK_EQ(first_exit("cpu.cstate.c6.exit_latency=0us cpu.cstate.c1e.exit_latency=0us"), 2 * US);
}
END_TEST

/* A state whose exit is longer than the limit is not taken: tuned's force_latency. */
START_TEST(a_latency_limit_forbids_the_deeper_states)
{
    CHECK_EQ(first_exit("cpu.cstate.latency_limit=132us"), 10 * US);
    CHECK_EQ(first_exit("cpu.cstate.latency_limit=133us"), 133 * US);
    CHECK_EQ(first_exit("cpu.cstate.latency_limit=1us"), 2 * US);
}
END_TEST

static struct cstate governor;

static void idle_for(ps_t each)
{
    static const struct cstate_params p = {
        .c1e_latency = 10 * US, .c1e_residency = 20 * US, .c6_latency = 133 * US, .c6_residency = 600 * US,
    };

    governor = (struct cstate){ .params = &p };
    for (int i = 0; i < CSTATE_INTERVALS; i++)
        cstate_leave(&governor, each);
    cstate_enter(&governor);
}

START_TEST(the_deepest_state_that_is_expected_to_pay_is_taken)
{
    static const struct { ps_t idle, chosen; } row[] = {
        { 10 * US, 0 }, { 19 * US, 0 }, { 20 * US, 10 * US }, { 599 * US, 10 * US }, { 600 * US, 133 * US }, { SEC, 133 * US },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        idle_for(row[i].idle);
        CHECK_EQ(governor.chosen, row[i].chosen);
        CHECK_EQ(governor.counters.c1e + governor.counters.c6, row[i].chosen > 0);
    }
}
END_TEST

/* Having slept for 1 ms each time it takes C6, and pays for it although this time an interrupt comes after 5 us. */
START_TEST(a_wrong_guess_pays_the_whole_exit)
{
    static struct rig r;
    struct pulse p;
    ps_t at = 1 * MS;

    rig_init(&r, 0, DEEP);
    rig_start(&r);
    pulse_init(&p, &r.host.cpu[0], 0, NULL, NULL);
    for (int i = 0; i < 9; i++, at += 1133 * US) {
        pulse_at(&p, at);
        rig_until(&r, at + 200 * US);
    }
    at = p.handled[8] + 205 * US;
    pulse_at(&p, at);
    rig_until(&r, at + 1 * MS);
    CHECK_EQ(p.handled[9], at + 133 * US);
    CHECK_EQ(r.host.cpu[0].cstate.counters.c6, 11);
    rig_free(&r);
}
END_TEST

SUITE(cstate, the_guess_is_the_average_of_times_that_are_alike, the_first_sleep_is_the_deepest,
      a_latency_limit_forbids_the_deeper_states, the_deepest_state_that_is_expected_to_pay_is_taken,
      a_wrong_guess_pays_the_whole_exit)
