/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/itr.h"

#include "tests/suite.h"

#define GBPS INT64_C(1000000000)

/* `packets` of `size` bytes in the first jiffies: nothing is stale. */
static int64_t update(struct itr *t, int64_t packets, int64_t size)
{
    return itr_update(t, packets, packets * size, 0) / US;
}

/* ---- ixgbe ---- */

/* One update from the start, 50 us at 10 Gbit/s. By size, with w of the driver's curve: 2 ceil(w / 512), in latency mode w is
 * halved. The transmit half, without packets, wants 52 us with the latency flag: it wins against a larger value with the
 * flag and loses against any without. */
START_TEST(ixgbe_follows_its_formula)
{
    static const struct { int64_t packets, size, us; } row[] = {
        { 0, 0, 52 },
        { 3, 60, 10 },          /* 5120 / 2 / 512 = 5 */
        { 3, 200, 22 },         /* (40 * 200 + 2720) / 2 / 512 = 10.5 */
        { 3, 1514, 52 },        /* (5 * 1514 + 22420) / 2 / 512 = 29.3, 60 us: more than 52 */
        { 3, 3000, 52 },        /* 9000 bytes: no latency mode, but 4 to 47 packets' */
        { 4, 60, 52 }, { 47, 60, 52 }, { 48, 60, 50 }, { 95, 60, 50 }, { 96, 60, 25 }, { 255, 60, 25 },
        { 256, 60, 20 },        /* 5120 / 512 = 10 */
        { 256, 61, 22 },        /* 5160 / 512 = 10.1 */
        { 256, 316, 60 },       /* 15360 / 512 = 30 */
        { 256, 317, 64 },       /* 15 * 317 + 11452 = 16207, 31.7 */
        { 256, 1084, 110 },     /* 27712, 54.1 */
        { 256, 1085, 110 },     /* 5 * 1085 + 22420 = 27845, 54.4 */
        { 256, 1514, 118 },     /* 29990, 58.6 */
        { 256, 1968, 126 },     /* 32256, 63 */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct itr t;
        itr_init(&t, ITR_IXGBE, 10 * GBPS, 1);
        CHECK_EQ(itr_interval(&t), 50 * US);
        int64_t us = update(&t, row[i].packets, row[i].size);
        ck_assert_msg(us == row[i].us, "%d packets of %d bytes: %d us", (int)row[i].packets, (int)row[i].size, (int)us);
    }
}
END_TEST

/* Always too many packets for their interval, but not hopelessly: 50, 25, 12, and not below 10 us. Too few: up by 2 us a
 * time, to 126. */
START_TEST(ixgbe_halves_down_to_10_us_and_rises_by_2_to_126)
{
    struct itr t;

    itr_init(&t, ITR_IXGBE, 10 * GBPS, 1);
    CHECK_EQ(update(&t, 100, 60), 25);
    CHECK_EQ(update(&t, 100, 60), 12);
    CHECK_EQ(update(&t, 100, 60), 10);
    CHECK_EQ(update(&t, 100, 60), 10);
    for (int64_t us = 12; us <= 126; us += 2)
        CHECK_EQ(update(&t, 20, 60), us);
    CHECK_EQ(update(&t, 20, 60), 126);
}
END_TEST

/* At 1 Gbit/s the curve is cut at 8064 and steeper: 2 ceil(w / 128). */
START_TEST(ixgbe_at_1_gbps_cuts_the_curve_off)
{
    struct itr t;

    itr_init(&t, ITR_IXGBE, 1 * GBPS, 1);
    CHECK_EQ(update(&t, 256, 60), 80);          /* 5120 / 128 = 40 */
    CHECK_EQ(update(&t, 256, 1514), 126);       /* 8064 / 128 = 63 */
}
END_TEST

/* More than a jiffy after the last update what was counted says nothing: 10 us. */
START_TEST(ixgbe_forgets_after_a_jiffy)
{
    struct itr t;

    itr_init(&t, ITR_IXGBE, 10 * GBPS, 1);
    CHECK_EQ(itr_update(&t, 20, 1200, 1), 52 * US);
    CHECK_EQ(itr_update(&t, 20, 1200, 2), 54 * US);
    CHECK_EQ(itr_update(&t, 20, 1200, 4), 10 * US);
}
END_TEST

/* ---- i40e ---- */

/* The first poll's transmit half rises from 50 to 52 us and takes the one register write; for three polls nothing is looked
 * at. Then 200 packets halve the smaller of the two registers, in steps of 2 us: 24. */
START_TEST(i40e_leaves_three_polls_out_after_a_change)
{
    struct itr t;

    itr_init(&t, ITR_I40E, 40 * GBPS, 1);
    CHECK_EQ(update(&t, 100, 60), 50);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(update(&t, 200, 60), 50);
    CHECK_EQ(update(&t, 200, 60), 24);
}
END_TEST

/* 257 packets of 1514 bytes: w = 29990, 2 ceil(w / (2 * divisor)), at most 126. */
START_TEST(i40e_divides_by_the_speed_of_the_link)
{
    static const struct { int64_t gbps, us; } row[] = { { 40, 30 }, { 25, 60 }, { 20, 60 }, { 10, 118 }, { 1, 126 } };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct itr t;
        itr_init(&t, ITR_I40E, row[i].gbps * GBPS, 1);
        CHECK_EQ(update(&t, 257, 1514), row[i].us);
    }
}
END_TEST

/* After two jiffies the receive half wants 2 us and the transmit half 126, both with the latency flag. The flag makes both
 * look like a rise, the transmit half's the greater: one poll for each. Then a single packet is latency's: 4096 / 2 / 2048. */
START_TEST(i40e_goes_to_2_us_when_packets_are_rare)
{
    struct itr t;

    itr_init(&t, ITR_I40E, 40 * GBPS, 1);
    CHECK_EQ(itr_update(&t, 1, 60, 2), 50 * US);
    CHECK_EQ(itr_update(&t, 1, 60, 4), 2 * US);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(itr_update(&t, 1, 60, 4), 2 * US);
    CHECK_EQ(itr_update(&t, 1, 1000, 4), 14 * US);      /* countdown is over: 26452 / 2 / 2048 = 6.5 */
}
END_TEST

/* ---- igb and e1000e ---- */

/* Several queues: the average size and 24 bytes, in quarters of a microsecond; a third of it for middle sizes, else half. At
 * least 49 us. Nothing received changes nothing: 162 us at the start. */
START_TEST(igb_with_several_queues_goes_by_size)
{
    static const struct { int64_t packets, size, ns; } row[] = {
        { 0, 0, 162000 }, { 10, 60, 49000 }, { 10, 600, 52000 }, { 10, 276, 49000 }, { 1, 1175, 99750 },
        { 1, 1176, 150000 }, { 1, 1514, 192250 }, { 1, 9000, 375000 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct itr t;
        itr_init(&t, ITR_IGB, 1 * GBPS, 2);
        ps_t at = itr_update(&t, row[i].packets, row[i].packets * row[i].size, 0);
        ck_assert_msg(at == row[i].ns * NS, "row %d: %lld ns", (int)i, (long long)(at / NS));
    }
}
END_TEST

/* Each threshold and the value beside it; e1000e at once counts lowest as low. */
START_TEST(igb_and_e1000e_change_classes_at_their_thresholds)
{
    static const struct { enum itr_class from; int64_t packets, bytes; enum itr_class igb, e1000e; } row[] = {
        { ITR_LOWEST, 1, 8001, ITR_BULK, ITR_BULK }, { ITR_LOWEST, 1, 8000, ITR_LOW, ITR_LOW },
        { ITR_LOWEST, 4, 513, ITR_LOW, ITR_LOW }, { ITR_LOWEST, 4, 512, ITR_LOWEST, ITR_LOW },
        { ITR_LOWEST, 5, 513, ITR_LOWEST, ITR_LOW },
        { ITR_LOW, 1, 10001, ITR_BULK, ITR_BULK }, { ITR_LOW, 9, 10001, ITR_BULK, ITR_BULK },
        { ITR_LOW, 10, 10001, ITR_LOW, ITR_LOW }, { ITR_LOW, 10, 12010, ITR_BULK, ITR_BULK },
        { ITR_LOW, 35, 10001, ITR_LOW, ITR_LOW }, { ITR_LOW, 36, 10001, ITR_LOWEST, ITR_LOW },
        { ITR_LOW, 4, 8004, ITR_BULK, ITR_BULK }, { ITR_LOW, 4, 8000, ITR_LOW, ITR_LOW },
        { ITR_LOW, 2, 511, ITR_LOWEST, ITR_LOW }, { ITR_LOW, 2, 512, ITR_LOW, ITR_LOW },
        { ITR_BULK, 36, 25001, ITR_LOW, ITR_LOW }, { ITR_BULK, 35, 25001, ITR_BULK, ITR_BULK },
        { ITR_BULK, 36, 25000, ITR_BULK, ITR_BULK }, { ITR_BULK, 10, 6000, ITR_BULK, ITR_BULK },
        { ITR_BULK, 10, 5999, ITR_BULK, ITR_LOW }, { ITR_BULK, 10, 1500, ITR_BULK, ITR_LOW },
        { ITR_BULK, 10, 1499, ITR_LOW, ITR_LOW }, { ITR_LOW, 0, 0, ITR_LOW, ITR_LOW },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        for (int e1000e = 0; e1000e < 2; e1000e++) {
            struct itr t;
            itr_init(&t, e1000e ? ITR_E1000E : ITR_IGB, 1 * GBPS, 1);
            t.class = row[i].from;
            itr_update(&t, row[i].packets, row[i].bytes, 0);
            ck_assert_msg(t.class == (e1000e ? row[i].e1000e : row[i].igb), "row %d: class %d", (int)i, (int)t.class);
        }
    }
}
END_TEST

/* igb: lowest and low 49 us (20 000 a second), bulk 245 us (4 000). */
START_TEST(igb_with_one_queue_has_two_intervals)
{
    struct itr t;

    itr_init(&t, ITR_IGB, 1 * GBPS, 1);
    CHECK_EQ(itr_interval(&t), 162 * US);
    CHECK_EQ(itr_update(&t, 2, 120, 0), 49 * US);
    CHECK_EQ(t.class, ITR_LOWEST);
    CHECK_EQ(itr_update(&t, 4, 6000, 0), 49 * US);
    CHECK_EQ(itr_update(&t, 20, 30000, 0), 245 * US);
    itr_init(&t, ITR_IGB, 100000000, 1);
    CHECK_EQ(itr_update(&t, 2, 120, 0), 245 * US);
}
END_TEST

/* e1000e: from 4 000 a second back to 20 000 in steps of 5 000; the register counts 256 ns and rounds down. */
START_TEST(e1000e_raises_the_rate_in_steps)
{
    static const int64_t ns[] = { 434 * 256, 279 * 256, 205 * 256, 195 * 256, 195 * 256 };   /* 9, 14, 19, 20, 20 thousand */
    struct itr t;

    itr_init(&t, ITR_E1000E, 1 * GBPS, 1);
    CHECK_EQ(itr_interval(&t), 195 * 256 * NS);
    CHECK_EQ(itr_update(&t, 1, 9000, 0), 976 * 256 * NS);       /* at once down to 4 000 */
    for (int i = 0; i < 5; i++)
        CHECK_EQ(itr_update(&t, 10, 1000, 0), ns[i] * NS);
}
END_TEST

SUITE(itr, ixgbe_follows_its_formula, ixgbe_halves_down_to_10_us_and_rises_by_2_to_126, ixgbe_at_1_gbps_cuts_the_curve_off,
      ixgbe_forgets_after_a_jiffy, i40e_leaves_three_polls_out_after_a_change, i40e_divides_by_the_speed_of_the_link,
      i40e_goes_to_2_us_when_packets_are_rare, igb_with_several_queues_goes_by_size,
      igb_and_e1000e_change_classes_at_their_thresholds, igb_with_one_queue_has_two_intervals, e1000e_raises_the_rate_in_steps)
