/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/stats.h"

#include <math.h>

#include "tests/suite.h"

#define NEAR(a, b)  ck_assert_double_eq_tol((a), (b), 1e-6)

/* 1 2 3 4 5: mean 3; squares about it 4+1+0+1+4 = 10, over 4: sd = sqrt(2.5) = 1.5811388. Student's t at 97.5 %
 * with 4 degrees of freedom is 2.7764451 (any table), so half width = 2.7764451 * 1.5811388 / sqrt(5) = 1.9632432. */
START_TEST(mean_sd_and_half_width_are_the_textbooks)
{
    const double x[] = { 1, 2, 3, 4, 5 };
    struct estimate e = stats_estimate(x, 5, 0.95);

    CHECK_EQ(e.n, 5);
    NEAR(e.mean, 3);
    NEAR(e.sd, 1.5811388);
    NEAR(e.half_width, 1.9632432);
}
END_TEST

/* At 90 % the quantile is t(0.95, 4) = 2.1318468, so the half width is 2.1318468 * 1.5811388 / sqrt(5). */
START_TEST(the_confidence_asked_for_is_the_one_used)
{
    const double x[] = { 1, 2, 3, 4, 5 };

    NEAR(stats_estimate(x, 5, 0.90).half_width, 1.5074433);
}
END_TEST

START_TEST(one_sample_has_a_mean_but_no_spread)
{
    const double x[] = { 7 };
    struct estimate e = stats_estimate(x, 1, 0.95), none = stats_estimate(x, 0, 0.95);

    NEAR(e.mean, 7);
    ck_assert(isnan(e.sd) && isnan(e.half_width));
    CHECK_EQ(none.n, 0);
    ck_assert(isnan(none.mean));
}
END_TEST

/* sd of 0, 1, 2 is 1 whatever is added; the sum of squares 3e18 would have lost it. */
START_TEST(a_small_spread_about_a_large_mean_is_kept)
{
    const double x[] = { 1e9, 1e9 + 1, 1e9 + 2 };

    NEAR(stats_estimate(x, 3, 0.95).sd, 1);
}
END_TEST

/* 0.1 + 0.1 + 0.1 is not 3 * 0.1 in binary, so mean and spread by formula would be 1e-17, not 0. */
START_TEST(equal_samples_have_no_spread_at_all)
{
    const double x[] = { 0.1, 0.1, NAN, 0.1 };
    struct estimate e = stats_estimate(x, 4, 0.95);

    ck_assert(e.mean == 0.1 && e.sd == 0 && e.half_width == 0);
}
END_TEST

START_TEST(samples_that_are_not_numbers_are_left_out)
{
    const double x[] = { NAN, 2, NAN, 4 };
    struct estimate e = stats_estimate(x, 4, 0.95);

    CHECK_EQ(e.n, 2);
    NEAR(e.mean, 3);
}
END_TEST

/* Each side spreads over 1000; every pair differs by 1 +- 0.1. mean 1, sd 0.1, t(0.975, 2) = 4.3026527:
 * half width 4.3026527 * 0.1 / sqrt(3) = 0.2484138, so the effect of 1 is seen. */
START_TEST(pairs_cancel_what_both_sides_share)
{
    const double a[] = { 10, 500, 1000 }, b[] = { 11, 501.1, 1000.9 };
    struct estimate e = stats_paired(a, b, 3, 0.95);

    NEAR(e.mean, 1);
    NEAR(e.half_width, 0.2484138);
    ck_assert(stats_significant(&e));
}
END_TEST

START_TEST(a_pair_with_a_hole_is_left_out)
{
    const double a[] = { 1, NAN, 3, 4 }, b[] = { 2, 5, NAN, 5 };
    struct estimate e = stats_paired(a, b, 4, 0.95);

    CHECK_EQ(e.n, 2);
    NEAR(e.mean, 1);
}
END_TEST

/* -1, 0, 1, 2: mean 0.5, sd 1.2909944, t(0.975, 3) = 3.1824463: half width 2.054 > 0.5. */
START_TEST(nothing_is_significant_within_the_interval_or_from_one_pair)
{
    const double zero[] = { 0, 0, 0, 0 }, noise[] = { -1, 0, 1, 2 }, same[] = { 2, 2, 2, 2 };
    struct estimate within = stats_paired(zero, noise, 4, 0.95), single = stats_paired(zero, same, 1, 0.95);
    struct estimate equal = stats_paired(zero, zero, 4, 0.95), constant = stats_paired(zero, same, 4, 0.95);

    ck_assert(!stats_significant(&within));
    ck_assert(!stats_significant(&single));
    ck_assert(!stats_significant(&equal));
    ck_assert(stats_significant(&constant));
}
END_TEST

/* Ten throws of a coin: 0 or 1 heads have probability 11 / 1024, 2 more 56 / 1024. So 2 to 8 are within 90 %, and 1 to 9
 * within 98 %. Of 40 at 95 %, all 40 come up in 12.9 %. */
START_TEST(a_share_may_differ_as_far_as_chance_goes)
{
    unsigned low, high;

    stats_binomial(10, 0.5, 0.90, &low, &high);
    CHECK_EQ(low, 2);
    CHECK_EQ(high, 8);
    stats_binomial(10, 0.5, 0.979, &low, &high);
    CHECK_EQ(low, 1);
    CHECK_EQ(high, 9);
    stats_binomial(40, 0.95, 0.95, &low, &high);
    CHECK_EQ(high, 40);
    stats_binomial(10, 1, 0.95, &low, &high);
    CHECK_EQ(low, 10);
    CHECK_EQ(high, 10);
}
END_TEST

SUITE(stats, mean_sd_and_half_width_are_the_textbooks, the_confidence_asked_for_is_the_one_used,
      one_sample_has_a_mean_but_no_spread, a_small_spread_about_a_large_mean_is_kept,
      equal_samples_have_no_spread_at_all, samples_that_are_not_numbers_are_left_out,
      pairs_cancel_what_both_sides_share, a_pair_with_a_hole_is_left_out,
      nothing_is_significant_within_the_interval_or_from_one_pair, a_share_may_differ_as_far_as_chance_goes)
