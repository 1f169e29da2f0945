/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statistical tests use fixed seeds: they pass or fail for ever. A p-value outside 1e-4 .. 1 - 1e-4 fails: a
 * sound generator has it once in 5,000, a broken one at once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics.h>

#include "sim/engine/random.h"
#include "tests/suite.h"

enum { BINS = 1024, DRAWS = 1 << 20 };

static void check_uniform(const double *seen, int bins, double draws)
{
    double expected = draws / bins, chi2 = 0;

    for (int i = 0; i < bins; i++)
        chi2 += (seen[i] - expected) * (seen[i] - expected) / expected;

    double p = gsl_cdf_chisq_Q(chi2, bins - 1);

    ck_assert_double_gt(p, 1e-4);
    ck_assert_double_lt(p, 1 - 1e-4);
}

/* By hand from the state 1, 2, 3, 4; each result is rotl(s[1] * 5, 7) * 9:
 *   s[1] = 2                   10 * 128 * 9 = 11520; the state becomes 7, 0, 2^18 + 2, rotl(6, 45) = 6 * 2^45
 *   s[1] = 0                   0; the state becomes 7 + 6 * 2^45, 2^18 + 5, 2^18 + 5, 6 * 2^26
 *   s[1] = 2^18 + 5            262149 * 5 * 128 * 9 = 1509978240; s[1] ^= s[2] ^ s[0]
 *   s[1] = 7 + 6 * 2^45        (35 + 30 * 2^45) * 128 * 9 = 40320 + 270 * 2^52 */
START_TEST(the_generator_is_xoshiro256starstar)
{
    struct stream r = { { 1, 2, 3, 4 } };

    ck_assert_uint_eq(stream_next(&r), 11520);
    ck_assert_uint_eq(stream_next(&r), 0);
    ck_assert_uint_eq(stream_next(&r), 1509978240);
    ck_assert_uint_eq(stream_next(&r), 40320 + (UINT64_C(270) << 52));
}
END_TEST

START_TEST(the_same_seed_gives_the_same_numbers)
{
    struct stream a, b;

    stream_seed(&a, 1, 2, "traffic[web]");
    stream_seed(&b, 1, 2, "traffic[web]");
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(stream_next(&a), stream_next(&b));
}
END_TEST

/* Root, replication, each letter and the order of letters count; of 16 streams no two share their first
 * number (by chance: 120 pairs in 2^64). */
START_TEST(a_different_root_replication_or_name_gives_different_numbers)
{
    static const char *const name[] = { "", "a", "b", "ab", "ba", "aa", "traffic", "traffic2" };
    enum { NAMES = sizeof name / sizeof name[0], STREAMS = NAMES + 8 };
    uint64_t first[STREAMS];
    struct stream r;
    int n = 0;

    for (; n < NAMES; n++) {
        stream_seed(&r, 1, 0, name[n]);
        first[n] = stream_next(&r);
    }
    for (; n < NAMES + 4; n++) {
        stream_seed(&r, 1, (uint64_t)(n - NAMES) + 1, "a");
        first[n] = stream_next(&r);
    }
    for (; n < STREAMS; n++) {
        stream_seed(&r, (uint64_t)(n - NAMES - 4) + 2, 0, "a");
        first[n] = stream_next(&r);
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(first[i], first[j]);
}
END_TEST

/* Neighbouring seeds must not be neighbours in their numbers: the first numbers of 2^20 replications. */
START_TEST(first_numbers_of_consecutive_replications_are_uniform)
{
    double *seen = calloc(BINS, sizeof *seen);
    struct stream r;

    ck_assert_ptr_nonnull(seen);
    for (uint64_t i = 0; i < DRAWS; i++) {
        stream_seed(&r, 1, i, "arrivals");
        seen[stream_next(&r) / (UINT64_MAX / BINS + 1)]++;
    }
    check_uniform(seen, BINS, DRAWS);
    free(seen);
}
END_TEST

START_TEST(high_and_low_bits_are_uniform)
{
    double *high = calloc(BINS, sizeof *high), *low = calloc(BINS, sizeof *low);
    struct stream r;

    ck_assert_ptr_nonnull(high);
    ck_assert_ptr_nonnull(low);
    stream_seed(&r, 1, 0, "uniform");
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = stream_next(&r);

        high[x >> 54]++;
        low[x & (BINS - 1)]++;
    }
    check_uniform(high, BINS, DRAWS);
    check_uniform(low, BINS, DRAWS);
    free(high);
    free(low);
}
END_TEST

/* Ten numbers, which is no power of two; the edges: 1 gives only 0, and 2^64 - 1 stays below itself; and of
 * 2^k numbers it is the top k bits that choose. */
START_TEST(below_is_uniform_and_below)
{
    double seen[10] = { 0 };
    struct stream r;

    stream_seed(&r, 1, 0, "below");
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = stream_below(&r, 10);

        ck_assert_uint_lt(x, 10);
        seen[x]++;
    }
    check_uniform(seen, 10, DRAWS);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(stream_below(&r, 1), 0);
        ck_assert_uint_lt(stream_below(&r, UINT64_MAX), UINT64_MAX);

        struct stream same = r;

        ck_assert_uint_eq(stream_below(&r, 1 << 20), stream_next(&same) >> 44);
    }
}
END_TEST

/* ---- behind GSL ---- */

START_TEST(gsl_sees_the_same_numbers)
{
    gsl_rng *g = stream_gsl(7, 3, "web");
    struct stream r;

    ck_assert_ptr_nonnull(g);
    stream_seed(&r, 7, 3, "web");
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(gsl_rng_get(g), stream_next(&r));
    for (int i = 0; i < 100; i++)
        ck_assert_double_eq(gsl_rng_uniform(g), ldexp((double)(stream_next(&r) >> 11), -53));
    ck_assert_str_eq(gsl_rng_name(g), "xoshiro256starstar");
    gsl_rng_free(g);
}
END_TEST

START_TEST(gsl_can_seed_it_again)
{
    gsl_rng *g = gsl_rng_alloc(rxsim_rng_type);
    unsigned long first;

    gsl_rng_set(g, 42);
    first = gsl_rng_get(g);
    ck_assert_uint_ne(gsl_rng_get(g), first);
    gsl_rng_set(g, 42);
    ck_assert_uint_eq(gsl_rng_get(g), first);
    gsl_rng_set(g, 43);
    ck_assert_uint_ne(gsl_rng_get(g), first);
    gsl_rng_free(g);
}
END_TEST

/* 1 - exp(-x) of an exponential variate is uniform. */
START_TEST(gsl_ran_exponential_runs_on_it)
{
    double *seen = calloc(BINS, sizeof *seen);
    gsl_rng *g = stream_gsl(1, 0, "exponential");

    ck_assert_ptr_nonnull(seen);
    ck_assert_ptr_nonnull(g);
    for (int i = 0; i < DRAWS; i++)
        seen[(int)(gsl_cdf_exponential_P(gsl_ran_exponential(g, 3.0), 3.0) * BINS)]++;
    check_uniform(seen, BINS, DRAWS);
    gsl_rng_free(g);
    free(seen);
}
END_TEST

/* ---- tables ---- */

static struct variate table;

static void check_sum_and_order(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < VARIATE_SIZE; i++) {
        sum += table.q[i];
        if (i > 0)
            ck_assert_uint_ge(table.q[i], table.q[i - 1]);
    }
    ck_assert_uint_eq(sum, (uint64_t)VARIATE_SIZE * VARIATE_UNIT);
}

START_TEST(tables_have_exactly_their_mean_and_ascend)
{
    static const int cv_milli[] = { 0, 1, 50, 250, 1000, 3000, 100000 };

    variate_exponential(&table);
    check_sum_and_order();
    for (size_t i = 0; i < sizeof cv_milli / sizeof cv_milli[0]; i++) {
        variate_lognormal(&table, cv_milli[i]);
        check_sum_and_order();
    }
}
END_TEST

/* Of mean 1, N = 8192 slices. The mean of -ln u over [a, b] is 1 + (a ln a - b ln b) / (b - a):
 *   first slice, u in [1 - 1/N, 1]: 1/(2N) + 1/(6 N^2) + .. = 6.1038e-5, of 2^20: 64.00 -> 64
 *   slice N/2, u in [1/2 - 1/N, 1/2]: ln 2 + 1/N + .. = 0.693147 + 0.000122 = 0.693269, of 2^20: 726,945.5
 *   next to last, u in [1/N, 2/N]: 1 + ln N - 2 ln 2 = 8.624619, of 2^20: 9,043,568.4
 *   last: 1 + ln N = 10.010913, of 2^20: 10,497,203.5
 * Each may be rounded either way, for the sum's sake. */
START_TEST(exponential_entries_are_the_means_of_their_slices)
{
    variate_exponential(&table);
    ck_assert_int_le(labs((long)table.q[0] - 64), 1);
    ck_assert_int_le(labs((long)table.q[VARIATE_SIZE / 2] - 726945), 1);
    ck_assert_int_le(labs((long)table.q[VARIATE_SIZE - 2] - 9043568), 1);
    ck_assert_int_le(labs((long)table.q[VARIATE_SIZE - 1] - 10497203), 1);
}
END_TEST

/* Closed form for any slice [a, b]: N * (Phi(z_b - sigma) - Phi(z_a - sigma)), z the normal quantile. Its
 * differences lose digits (1e-16 * N), so it agrees to some 1e-12 and then to a unit of 2^-20. */
START_TEST(lognormal_entries_are_the_means_of_their_slices)
{
    static const int cv_milli[] = { 100, 500, 2000 };

    for (size_t c = 0; c < sizeof cv_milli / sizeof cv_milli[0]; c++) {
        double cv = cv_milli[c] / 1000.0, sigma = sqrt(log(1 + cv * cv)), below = 0;

        variate_lognormal(&table, cv_milli[c]);
        for (int i = 0; i < VARIATE_SIZE; i++) {
            double to = i + 1 < VARIATE_SIZE
                ? gsl_cdf_ugaussian_P(gsl_cdf_ugaussian_Pinv((i + 1.0) / VARIATE_SIZE) - sigma) : 1;
            double mean = (to - below) * VARIATE_SIZE * VARIATE_UNIT;

            ck_assert_double_le(fabs(table.q[i] - mean), 1.01);
            below = to;
        }
    }
}
END_TEST

static double table_variance(void)
{
    double sum = 0;

    for (int i = 0; i < VARIATE_SIZE; i++) {
        double x = table.q[i] / (double)VARIATE_UNIT - 1;

        sum += x * x;
    }
    return sum / VARIATE_SIZE;
}

/* Slices lose the variance inside them: for the exponential 1/N in the last (it has variance 1 there too),
 * and less in each before, in all under 2/N = 0.00025. A lognormal of cv 0.25 has 0.0625. */
START_TEST(tables_keep_the_variance)
{
    variate_exponential(&table);
    ck_assert_double_lt(table_variance(), 1);
    ck_assert_double_gt(table_variance(), 1 - 0.00025);
    variate_lognormal(&table, 250);
    ck_assert_double_eq_tol(table_variance(), 0.0625, 0.0625 * 1e-3);
    variate_lognormal(&table, 0);
    ck_assert_double_eq(table_variance(), 0);
}
END_TEST

/* The hash is of the entries alone: the same table built twice has it twice, another table another. */
START_TEST(the_hash_tells_tables_apart)
{
    uint64_t exponential;

    variate_exponential(&table);
    exponential = table.hash;
    variate_lognormal(&table, 1000);
    ck_assert_uint_ne(table.hash, exponential);
    variate_exponential(&table);
    ck_assert_uint_eq(table.hash, exponential);
}
END_TEST

/* A mean of 2^20 returns the entry itself, the one that the top 13 bits of one uniform choose. A mean of 1 us
 * loses less than 2 ps a draw to rounding down, nothing against the sampling error of 2^20 draws: their mean has a
 * standard error of 1 us / 2^10 = 0.98 ns, and 4 ns is 4.1 of them. */
START_TEST(a_draw_scales_its_entry)
{
    struct stream r;
    ps_t sum = 0;

    variate_exponential(&table);
    stream_seed(&r, 1, 0, "draw");
    for (int i = 0; i < 1000; i++) {
        struct stream same = r;
        uint64_t q = table.q[stream_next(&same) >> (64 - VARIATE_BITS)];

        CHECK_EQ(variate_draw(&table, &r, VARIATE_UNIT), q);
        CHECK_EQ(memcmp(&same, &r, sizeof r), 0);
    }
    for (int i = 0; i < DRAWS; i++)
        sum += variate_draw(&table, &r, 1 * US);
    ck_assert_double_eq_tol((double)sum / DRAWS, (double)(1 * US), (double)(4 * NS));
}
END_TEST

/* The largest mean, 2^43 ps, times the largest entry, 10.01 of 2^20, is nearly 2^47, far from 2^63. Entry by
 * entry it is exactly q * 2^23. */
START_TEST(the_largest_mean_does_not_overflow)
{
    struct stream r, same;

    variate_exponential(&table);
    stream_seed(&r, 1, 0, "large");
    for (int i = 0; i < 10000; i++) {
        same = r;
        CHECK_EQ(variate_draw(&table, &r, INT64_C(1) << 43),
                 (ps_t)table.q[stream_next(&same) >> (64 - VARIATE_BITS)] << 23);
    }
}
END_TEST

SUITE(random, the_generator_is_xoshiro256starstar, the_same_seed_gives_the_same_numbers,
      a_different_root_replication_or_name_gives_different_numbers,
      first_numbers_of_consecutive_replications_are_uniform, high_and_low_bits_are_uniform,
      below_is_uniform_and_below, gsl_sees_the_same_numbers, gsl_can_seed_it_again,
      gsl_ran_exponential_runs_on_it, tables_have_exactly_their_mean_and_ascend,
      exponential_entries_are_the_means_of_their_slices, lognormal_entries_are_the_means_of_their_slices,
      tables_keep_the_variance, the_hash_tells_tables_apart, a_draw_scales_its_entry,
      the_largest_mean_does_not_overflow)
