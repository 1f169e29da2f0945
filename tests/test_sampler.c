/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/sampler.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* How many of the kept frames have a number that k divides. */
static int divided_by(const struct result *r, uint64_t k)
{
    int n = 0;

    for (int i = 0; i < r->packets; i++)
        n += r->packet[i].seq % k == 0;
    return n;
}

static void sampled(const struct config *c, uint64_t every, uint64_t most, bool no_batch, struct result *r)
{
    const struct run_options o = { .seed = 1, .sample_every = every, .sample_most = most, .no_batch = no_batch };

    machine_run(c, &o, r);
}

/* 1 000 frames numbered from 0: 1 in 3 are 334. With room for 100 of them k doubles while there are more: to 12, which has
 * 84 (0, 12, .. 996). */
START_TEST(beyond_its_limit_it_keeps_every_second_again)
{
    struct config c;
    struct result r;

    machine_load(&c, "linerate.yaml", "traffic.frames=1000 run.duration=1ms");
    sampled(&c, 3, 0, false, &r);
    CHECK_EQ(r.packets, 334);
    result_free(&r);
    sampled(&c, 3, 334, false, &r);
    CHECK_EQ(r.packets, 334);
    result_free(&r);
    sampled(&c, 3, 100, false, &r);
    CHECK_EQ(r.packets, 84);
    CHECK_EQ(divided_by(&r, 12), 84);
    result_free(&r);
    machine_release(&c);
}
END_TEST

/* Which frames these are does not depend on the order in which they end: step by step they end in another one. */
START_TEST(the_sample_is_the_same_whatever_the_order)
{
    struct config c;
    struct result r, slow;

    machine_load(&c, "two-queues.yaml", "run.duration=3ms");
    sampled(&c, 1, 500, false, &r);
    sampled(&c, 1, 500, true, &slow);
    ck_assert_int_gt(r.packets, 250);
    ck_assert_int_le(r.packets, 500);
    CHECK_EQ(r.packets, slow.packets);
    for (int i = 0; i < r.packets; i++)
        CHECK_EQ(r.packet[i].seq, slow.packet[i].seq);
    result_free(&r);
    result_free(&slow);
    machine_release(&c);
}
END_TEST

/* Eight frames in every order of two swapped neighbours: with room for four, 0 2 4 6 remain, whichever of 6 and 7 comes
 * last; k doubles for a frame that would be kept, and for no other. */
START_TEST(a_frame_that_is_not_kept_makes_no_room)
{
    const struct run_options o = { .seed = 1, .sample_every = 1, .sample_most = 4 };

    for (int swap = 0; swap < 8; swap++) {
        struct observer observer = { .slow_from = PS_NEVER };
        struct sampler s;
        struct result r;
        result_init(&r);
        CHECK_EQ(sampler_init(&s, &o), 0);
        s.observer = &observer;
        for (int i = 0; i < 8; i++) {
            int number = swap < 7 && i == swap ? i + 1 : swap < 7 && i == swap + 1 ? i - 1 : i;
            const struct frame f = { .id = (uint64_t)number, .sampled = 1 };
            sampler_frame_end(&s, &f, FATE_DELIVERED, 1);
        }
        CHECK_EQ(sampler_collect(&s, &r), 0);
        CHECK_EQ(r.packets, 4);
        for (int i = 0; i < r.packets; i++)
            CHECK_EQ(r.packet[i].seq, 2 * i);
        sampler_free(&s);
        result_free(&r);
    }
}
END_TEST

SUITE(sampler, beyond_its_limit_it_keeps_every_second_again, the_sample_is_the_same_whatever_the_order,
      a_frame_that_is_not_kept_makes_no_room)
