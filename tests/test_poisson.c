/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/poisson.h"

#include <math.h>

#include "tests/suite.h"

/* The header's formula once more, all in one: where frame `index` starts. */
static int64_t start_ns(int64_t mean, uint64_t seed, int64_t frame, int index)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + 88172645463325252u;
    int64_t at = 0, slot = 8 * (frame + 20);

    for (int i = 0; i < index; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double u = (double)(x >> 11) / 9007199254740992.0;      /* 2^53 */
        int64_t gap = (int64_t)floor((double)-mean * log(1 - u));
        at += gap < slot ? slot : gap;
    }
    return at;
}

/* The first starts at a mean of 10 us, worked out with another language's integers and logarithm. */
START_TEST(the_first_arrivals_are_those_of_the_formula)
{
    static const struct { uint64_t seed; int64_t at[6]; } row[] = {
        { 1, { 0, 16363, 24068, 24740, 29786, 49952 } }, { 7, { 0, 6428, 13215, 36476, 37148, 81819 } },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct arrivals *a = poisson_arrivals(10000, 2000, row[i].seed, 64, 9);
        ck_assert_ptr_nonnull(a);
        for (int k = 0; k < 6; k++)
            CHECK_EQ(a->arrival[k].at, row[i].at[k] * NS);
        for (int k = 0; k < 2000; k++)
            CHECK_EQ(a->arrival[k].at, start_ns(10000, row[i].seed, 64, k) * NS);
        arrivals_free(a);
    }
}
END_TEST

/* 84 bytes at 1 Gbit/s take 672 ns. With a mean of 100 ns a gap of that length or more is one in e^6.72 = 830:
 * nearly all 5000 gaps are the slot, 6 are expected not to be (at most 6 + 5 standard deviations of 2.5), and
 * none is shorter. */
START_TEST(no_gap_is_shorter_than_the_frames_slot)
{
    struct arrivals *a = poisson_arrivals(100, 5001, 1, 64, 9);
    int longer = 0;

    ck_assert_ptr_nonnull(a);
    for (int k = 0; k < 5000; k++) {
        ps_t gap = a->arrival[k + 1].at - a->arrival[k].at;
        ck_assert_int_ge(gap, 672 * NS);
        longer += gap > 672 * NS;
    }
    ck_assert_int_ge(longer, 1);
    ck_assert_int_le(longer, 18);
    arrivals_free(a);
    a = poisson_arrivals(1, 3, 1, 1518, 9);                     /* 1538 bytes: 12304 ns */
    ck_assert_ptr_nonnull(a);
    CHECK_EQ(a->arrival[2].at, 2 * 12304 * NS);
    arrivals_free(a);
}
END_TEST

/* 100 000 gaps of 10 us: their mean has a standard error of 0.32 %; the slot adds m e^-s - m + s, with s =
 * 0.0672 of the mean 0.22 %, whole nanoseconds take 0.005 % away. */
START_TEST(the_gaps_have_their_mean)
{
    struct arrivals *a = poisson_arrivals(10000, 100001, 3, 64, 9);

    ck_assert_ptr_nonnull(a);
    double mean = (double)a->arrival[100000].at / 100000 / NS;
    ck_assert_double_eq_tol(mean, 10000 * (1 + exp(-0.0672) - 1 + 0.0672), 5 * 32);
    arrivals_free(a);
}
END_TEST

/* 1000 bytes on the wire with FCS are 954 of payload. */
START_TEST(arrivals_are_datagrams_of_one_flow)
{
    struct arrivals *a = poisson_arrivals(10000, 10, 1, 1000, 4242);
    struct arrivals *again = poisson_arrivals(10000, 10, 1, 1000, 4242);
    struct arrivals *other = poisson_arrivals(10000, 10, 2, 1000, 4242);

    ck_assert(a && again && other);
    CHECK_EQ(a->n, 10);
    CHECK_EQ(a->flows, 1);
    CHECK_EQ(a->flow[0].proto, FLOW_UDP);
    CHECK_EQ(a->flow[0].dport, 4242);
    CHECK_EQ(a->arrival[0].at, 0);
    for (int k = 0; k < 10; k++) {
        CHECK_EQ(a->arrival[k].wire_bytes, 1000);
        CHECK_EQ(a->arrival[k].payload, 954);
        CHECK_EQ(a->arrival[k].ip_id, k);
    }
    ck_assert_uint_eq(a->hash, again->hash);
    ck_assert_uint_ne(a->hash, other->hash);
    arrivals_free(a);
    arrivals_free(again);
    arrivals_free(other);
}
END_TEST

SUITE(poisson, the_first_arrivals_are_those_of_the_formula, no_gap_is_shorter_than_the_frames_slot,
      the_gaps_have_their_mean, arrivals_are_datagrams_of_one_flow)
