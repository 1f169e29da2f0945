/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/dim.h"

#include "tests/suite.h"

struct stand {
    struct dim_rates rates;     /* of a measurement */
    enum dim_tune tune;         /* and where it leaves the machine */
    int level;
};

/* From the beginning: parked on top, level 0, nothing measured. */
static struct dim decide(const struct stand *row, int n)
{
    struct dim d;

    dim_init(&d, DIM_PROFILE_EQE);
    for (int i = 0; i < n; i++) {
        int before = d.level;
        bool changed = dim_decide(&d, &row[i].rates);
        ck_assert_msg(d.tune == row[i].tune && d.level == row[i].level, "row %d: state %d, level %d", i, (int)d.tune, d.level);
        CHECK_EQ(changed, d.level != before);
    }
    return d;
}

/* Bytes alone move, from row to row: the first traffic is better than none, and so on up. The same rate (row 3) turns it
 * round; the better one after that finds it one step left of where three steps right had brought it: on top. There it stays
 * while the rates are within a tenth of the top's (160), whatever they were last: 177 is 10 % more, 178 is 11 %. */
START_TEST(net_dim_climbs_turns_and_parks_on_top)
{
    static const struct stand row[] = {
        { { 9, 100, 9 }, DIM_GOING_RIGHT, 1 }, { { 9, 120, 9 }, DIM_GOING_RIGHT, 2 }, { { 9, 140, 9 }, DIM_GOING_RIGHT, 3 },
        { { 9, 140, 9 }, DIM_GOING_LEFT, 2 }, { { 9, 160, 9 }, DIM_PARKING_ON_TOP, 2 },
        { { 9, 165, 9 }, DIM_PARKING_ON_TOP, 2 }, { { 9, 177, 9 }, DIM_PARKING_ON_TOP, 2 },
        { { 9, 178, 9 }, DIM_GOING_LEFT, 1 },
    };

    decide(row, sizeof row / sizeof row[0]);
}
END_TEST

/* Always better: level 4 is the edge, and there it parks. */
START_TEST(the_edge_is_a_top)
{
    static const struct stand row[] = {
        { { 9, 100, 9 }, DIM_GOING_RIGHT, 1 }, { { 9, 200, 9 }, DIM_GOING_RIGHT, 2 }, { { 9, 400, 9 }, DIM_GOING_RIGHT, 3 },
        { { 9, 800, 9 }, DIM_GOING_RIGHT, 4 }, { { 9, 1600, 9 }, DIM_PARKING_ON_TOP, 4 },
        { { 9, 1700, 9 }, DIM_PARKING_ON_TOP, 4 }, { { 9, 800, 9 }, DIM_GOING_LEFT, 3 },
    };
    struct dim d = decide(row, sizeof row / sizeof row[0]);

    CHECK_EQ(d.tired, 1);               /* the ones before were forgotten on top */
}
END_TEST

/* Nothing ever changes: back and forth between two levels. The tenth step is the last; then it rests for ten samples, and
 * the tenth of them sends it off again, whatever it measures. */
START_TEST(ten_steps_tire_it_for_ten_samples)
{
    struct dim_rates same = { 9, 100, 9 };
    struct dim d;

    dim_init(&d, DIM_PROFILE_EQE);
    for (int i = 0; i < 10; i++) {
        ck_assert(dim_decide(&d, &same));
        CHECK_EQ(d.level, i % 2 ? 0 : 1);
    }
    for (int i = 0; i < 10; i++) {
        ck_assert(!dim_decide(&d, &same));
        CHECK_EQ(d.tune, DIM_PARKING_TIRED);
    }
    ck_assert(dim_decide(&d, &same));
    CHECK_EQ(d.tune, DIM_GOING_RIGHT);
    CHECK_EQ(d.level, 1);
}
END_TEST

/* From level 1, going right: bytes decide before packets, packets before interrupts, of which fewer are better. Better goes
 * on to 2, all else back to 0. */
START_TEST(bytes_then_packets_then_interrupts_decide)
{
    static const struct { struct dim_rates last, now; int level; } row[] = {
        { { 100, 1000, 50 }, { 50, 1110, 99 }, 2 }, { { 100, 1000, 50 }, { 200, 880, 1 }, 0 },
        { { 100, 1000, 50 }, { 111, 1100, 99 }, 2 }, { { 100, 1000, 50 }, { 89, 1000, 1 }, 0 },
        { { 100, 1000, 50 }, { 110, 900, 44 }, 2 }, { { 100, 1000, 50 }, { 100, 1000, 56 }, 0 },
        { { 100, 1000, 50 }, { 100, 1000, 45 }, 0 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct dim d;
        dim_init(&d, DIM_PROFILE_EQE);
        dim_decide(&d, &row[i].last);
        CHECK_EQ(d.level, 1);
        dim_decide(&d, &row[i].now);
        ck_assert_msg(d.level == row[i].level, "row %d: level %d", (int)i, d.level);
    }
}
END_TEST

static struct dim_sample sample(ps_t at, int packets, int bytes, int events)
{
    return (struct dim_sample){ .at = at, .packets = (uint32_t)packets, .bytes = (uint32_t)bytes, .events = (uint16_t)events };
}

/* The first sample begins a measurement; 63 interrupts later nothing is decided, at 64 it is. Until the driver has
 * programmed the level nothing is measured, and then a measurement begins with the next sample. The counter of interrupts
 * has 16 bits and wraps. */
START_TEST(sixty_four_interrupts_make_a_measurement)
{
    struct dim d;
    struct dim_sample s = sample(1 * MS, 0, 0, 65530);

    dim_init(&d, DIM_PROFILE_EQE);
    ck_assert(!dim_sample(&d, &s));
    s = sample(2 * MS, 1000, 60000, 65530 + 63);
    ck_assert(!dim_sample(&d, &s));
    s = sample(3 * MS, 2000, 120000, 65530 + 64);
    ck_assert(dim_sample(&d, &s));
    CHECK_EQ(d.level, 1);
    CHECK_EQ(d.last.packets, 1000);     /* 2000 in 2 ms */
    CHECK_EQ(d.last.bytes, 60000);
    CHECK_EQ(d.last.events, 32);
    s = sample(9 * MS, 8000, 480000, 1000);
    ck_assert(!dim_sample(&d, &s));
    dim_applied(&d);
    ck_assert(!dim_sample(&d, &s));
    s = sample(10 * MS, 8000 + 2000, 480000 + 120000, 1064);
    ck_assert(dim_sample(&d, &s));
    CHECK_EQ(d.level, 2);
}
END_TEST

/* ice throws a measurement away that is a second old; the library's others do not. */
START_TEST(ice_begins_anew_after_a_second)
{
    for (int p = DIM_PROFILE_EQE; p <= DIM_PROFILE_ICE; p++) {
        struct dim d;
        struct dim_sample s = sample(0, 0, 0, 0);
        dim_init(&d, (enum dim_profile)p);
        ck_assert(!dim_sample(&d, &s));
        s = sample(1 * SEC, 1000, 64000, 64);
        CHECK_EQ(dim_sample(&d, &s), p != DIM_PROFILE_ICE);
    }
}
END_TEST

START_TEST(the_tables_are_the_kernels)
{
    static const struct { enum dim_profile p; int us[DIM_LEVELS], frames[DIM_LEVELS]; } row[] = {
        { DIM_PROFILE_EQE, { 1, 8, 64, 128, 256 }, { 256, 256, 256, 256, 256 } },
        { DIM_PROFILE_CQE, { 2, 8, 16, 32, 64 }, { 256, 128, 64, 64, 64 } },
        { DIM_PROFILE_ICE, { 2, 8, 16, 62, 126 }, { 0, 0, 0, 0, 0 } },
    };

    for (size_t i = 0; i < 3; i++) {
        for (int level = 0; level < DIM_LEVELS; level++) {
            CHECK_EQ(dim_level(row[i].p, level).usecs, row[i].us[level] * US);
            CHECK_EQ(dim_level(row[i].p, level).frames, row[i].frames[level]);
        }
    }
}
END_TEST

SUITE(dim, net_dim_climbs_turns_and_parks_on_top, the_edge_is_a_top, ten_steps_tire_it_for_ten_samples,
      bytes_then_packets_then_interrupts_decide, sixty_four_interrupts_make_a_measurement, ice_begins_anew_after_a_second,
      the_tables_are_the_kernels)
