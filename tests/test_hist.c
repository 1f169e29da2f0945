/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "sim/engine/hash.h"
#include "sim/engine/hist.h"
#include "tests/suite.h"

static uint64_t random_state;

static uint64_t random_number(void)
{
    return hash_mix(random_state += UINT64_C(0x9e3779b97f4a7c15));
}

/* Spread over all magnitudes: 63 random bits, shifted right by 0 to 62. */
static int64_t random_value(void)
{
    return (int64_t)((random_number() >> 1) >> random_number() % 63);
}

static int ascending(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

START_TEST(an_empty_histogram_says_zero)
{
    struct hist h;

    hist_init(&h);
    CHECK_EQ(h.count, 0);
    ck_assert_double_eq(hist_mean(&h), 0);
    CHECK_EQ(hist_quantile(&h, 0), 0);
    CHECK_EQ(hist_quantile(&h, 0.5), 0);
    CHECK_EQ(hist_quantile(&h, 1), 0);
    hist_free(&h);
}
END_TEST

START_TEST(nothing_is_allocated_before_the_first_value_and_one_octave_after)
{
    struct hist h;
    int octaves = 0;

    hist_init(&h);
    for (int o = 0; o < HIST_OCTAVES; o++)
        ck_assert_ptr_null(h.octave[o]);
    hist_add(&h, 5000);
    for (int o = 0; o < HIST_OCTAVES; o++)
        octaves += h.octave[o] != NULL;
    CHECK_EQ(octaves, 1);
    hist_free(&h);
    for (int o = 0; o < HIST_OCTAVES; o++)
        ck_assert_ptr_null(h.octave[o]);
    CHECK_EQ(h.count, 0);
}
END_TEST

/* One value is its own minimum, mean, maximum and every quantile, however wide its bucket. */
START_TEST(one_value_is_every_quantile)
{
    static const int64_t value[] = { 0, 1, 127, 128, 255, 256, 257, 1000003, INT64_MAX };

    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        struct hist h;

        hist_init(&h);
        hist_add(&h, value[i]);
        CHECK_EQ(h.min, value[i]);
        CHECK_EQ(h.max, value[i]);
        CHECK_EQ(hist_quantile(&h, 0), value[i]);
        CHECK_EQ(hist_quantile(&h, 0.001), value[i]);
        CHECK_EQ(hist_quantile(&h, 0.5), value[i]);
        CHECK_EQ(hist_quantile(&h, 1), value[i]);
        ck_assert_double_eq(hist_mean(&h), (double)value[i]);
        hist_free(&h);
    }
}
END_TEST

/* Buckets are one wide below 256, so of 1 .. 100 the share q lies at 100 q, exactly; 0.07 * 100 is a hair
 * above 7 in binary and must still be the seventh. */
START_TEST(quantiles_of_small_values_are_exact)
{
    struct hist h;

    hist_init(&h);
    for (int64_t v = 1; v <= 100; v++)
        hist_add(&h, v);
    CHECK_EQ(hist_quantile(&h, 0), 1);
    CHECK_EQ(hist_quantile(&h, 0.01), 1);
    CHECK_EQ(hist_quantile(&h, 0.07), 7);
    CHECK_EQ(hist_quantile(&h, 0.5), 50);
    CHECK_EQ(hist_quantile(&h, 0.501), 51);
    CHECK_EQ(hist_quantile(&h, 0.99), 99);
    CHECK_EQ(hist_quantile(&h, 0.999), 100);
    CHECK_EQ(hist_quantile(&h, 1), 100);
    hist_free(&h);
}
END_TEST

/* 1000 lies in the octave 512 .. 1023, buckets of 4: 1000 .. 1003. With 9 values of 1000 and one of 5000
 * the median is the bucket's upper edge, 1003; with 1000 alone it is clamped to the maximum. */
START_TEST(a_quantile_is_the_upper_edge_of_its_bucket_within_the_extremes)
{
    struct hist h;

    hist_init(&h);
    for (int i = 0; i < 9; i++)
        hist_add(&h, 1000);
    CHECK_EQ(hist_quantile(&h, 0.5), 1000);
    hist_add(&h, 5000);
    CHECK_EQ(hist_quantile(&h, 0.5), 1003);
    CHECK_EQ(hist_quantile(&h, 0.9), 1003);
    CHECK_EQ(hist_quantile(&h, 0.91), 5000);
    hist_free(&h);
}
END_TEST

/* 20,000 values of every magnitude: the quantile is at or above the exact one, by at most 1/128 of it. */
START_TEST(quantiles_are_within_one_part_in_128_of_the_sorted_list)
{
    enum { VALUES = 20000 };
    int64_t *value = malloc(VALUES * sizeof *value);
    struct hist h;

    ck_assert_ptr_nonnull(value);
    random_state = 1;
    hist_init(&h);
    for (int i = 0; i < VALUES; i++)
        hist_add(&h, value[i] = random_value());
    qsort(value, VALUES, sizeof *value, ascending);
    for (int i = 1; i <= VALUES; i++) {
        int64_t exact = value[i - 1], told = hist_quantile(&h, (double)i / VALUES);

        ck_assert_int_ge(told, exact);
        ck_assert_int_le(told - exact, exact / 128);
    }
    CHECK_EQ(hist_quantile(&h, 0), value[0]);
    hist_free(&h);
    free(value);
}
END_TEST

struct walk { int64_t before; uint64_t count; int64_t value; int hits, buckets; };

static void check_bucket(void *user, int64_t lo, int64_t hi, uint64_t n)
{
    struct walk *w = user;

    ck_assert_int_ge(lo, w->before);
    ck_assert_int_lt(lo, hi);
    ck_assert_int_le(hi - lo, lo < HIST_SUB ? 1 : lo / HIST_SUB);
    ck_assert_uint_gt(n, 0);
    w->before = hi;
    w->count += n;
    w->hits += w->value >= lo && (w->value < hi || hi == INT64_MAX);
    w->buckets++;
}

START_TEST(buckets_come_in_order_do_not_overlap_and_hold_every_sample)
{
    struct walk w = { 0 };
    struct hist h;

    random_state = 2;
    hist_init(&h);
    for (int i = 0; i < 5000; i++)
        hist_add(&h, random_value());
    hist_add(&h, INT64_MAX);
    hist_each(&h, check_bucket, &w);
    CHECK_EQ(w.count, 5001);
    CHECK_EQ(w.before, INT64_MAX);
    hist_free(&h);
}
END_TEST

/* The edges of every octave, and one to each side: a lone value's bucket contains it. */
START_TEST(every_value_lies_in_its_bucket)
{
    for (int bit = 0; bit < 63; bit++)
        for (int64_t near = -1; near <= 1; near++) {
            struct walk w = { .value = (INT64_C(1) << bit) + near };
            struct hist h;

            hist_init(&h);
            hist_add(&h, w.value);
            hist_each(&h, check_bucket, &w);
            CHECK_EQ(w.hits, 1);
            CHECK_EQ(w.buckets, 1);
            hist_free(&h);
        }
}
END_TEST

static void copy_bucket(void *user, int64_t lo, int64_t hi, uint64_t n)
{
    struct walk *w = user;

    (void)hi;
    w->count = hash_add(hash_add(w->count, (uint64_t)lo), n);
}

/* Shards merged equal one histogram of everything, in either order, extremes and sum included. */
START_TEST(merging_equals_adding_everything_to_one)
{
    struct hist whole, part[2];
    struct walk of_whole = { 0 }, of_merged = { 0 };

    random_state = 3;
    hist_init(&whole);
    hist_init(&part[0]);
    hist_init(&part[1]);
    for (int i = 0; i < 10000; i++) {
        int64_t v = random_value();

        hist_add(&whole, v);
        hist_add(&part[i % 3 == 0], v);
    }
    hist_merge(&part[0], &part[1]);
    hist_each(&whole, copy_bucket, &of_whole);
    hist_each(&part[0], copy_bucket, &of_merged);
    ck_assert_uint_eq(of_merged.count, of_whole.count);
    CHECK_EQ(part[0].count, whole.count);
    CHECK_EQ(part[0].min, whole.min);
    CHECK_EQ(part[0].max, whole.max);
    ck_assert_uint_eq(part[0].sum_lo, whole.sum_lo);
    ck_assert_uint_eq(part[0].sum_hi, whole.sum_hi);
    hist_free(&whole);
    hist_free(&part[0]);
    hist_free(&part[1]);
}
END_TEST

/* An empty histogram has no extremes to give. */
START_TEST(merging_an_empty_one_changes_nothing)
{
    struct hist h, empty;

    hist_init(&h);
    hist_init(&empty);
    hist_add(&h, 300);
    hist_merge(&h, &empty);
    CHECK_EQ(h.count, 1);
    CHECK_EQ(h.min, 300);
    CHECK_EQ(h.max, 300);
    hist_merge(&empty, &h);
    CHECK_EQ(empty.min, 300);
    CHECK_EQ(empty.max, 300);
    hist_free(&h);
    hist_free(&empty);
}
END_TEST

/* Four times 2^63 - 1 is 2^65 - 4: the low word is 2^64 - 4 and the carry 1. Merged with itself (by way of a
 * copy) it is 2^66 - 8: low word 2^64 - 8, high word 3. The mean stays 2^63 (- 1, which a double rounds). */
START_TEST(the_sum_carries_into_its_high_word)
{
    struct hist a, b;

    hist_init(&a);
    hist_init(&b);
    for (int i = 0; i < 4; i++) {
        hist_add(&a, INT64_MAX);
        hist_add(&b, INT64_MAX);
    }
    ck_assert_uint_eq(a.sum_lo, UINT64_MAX - 3);
    ck_assert_uint_eq(a.sum_hi, 1);
    hist_merge(&a, &b);
    ck_assert_uint_eq(a.sum_lo, UINT64_MAX - 7);
    ck_assert_uint_eq(a.sum_hi, 3);
    ck_assert_double_eq(hist_mean(&a), 0x1p63);
    hist_free(&a);
    hist_free(&b);
}
END_TEST

/* Values as stages have them: one that repeats, others in between, another that takes its place. In the end the histogram
 * is the one of the values one by one. */
START_TEST(runs_are_the_values_one_by_one)
{
    static const int64_t value[] = { 0, 0, 417, 417, 417, 900, 417, 0, 900, 900, 900, 5, 900, INT64_MAX, 0, 0, 0, 1 };
    struct hist runs, plain;
    struct hist_run run = { 0 };

    hist_init(&runs);
    hist_init(&plain);
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        hist_run_add(&run, &runs, value[i]);
        hist_add(&plain, value[i]);
    }
    ck_assert_uint_lt(runs.count, plain.count);         /* something was kept back */
    hist_run_end(&run, &runs);
    hist_run_end(&run, &runs);                          /* to end it twice adds nothing */
    ck_assert_uint_eq(runs.count, plain.count);
    ck_assert_uint_eq(runs.sum_lo, plain.sum_lo);
    ck_assert_uint_eq(runs.sum_hi, plain.sum_hi);
    CHECK_EQ(runs.min, plain.min);
    CHECK_EQ(runs.max, plain.max);
    for (int o = 0; o < HIST_OCTAVES; o++) {
        ck_assert((runs.octave[o] == NULL) == (plain.octave[o] == NULL));
        if (runs.octave[o])
            ck_assert_mem_eq(runs.octave[o], plain.octave[o], HIST_SUB * sizeof *runs.octave[o]);
    }
    hist_free(&runs);
    hist_free(&plain);
}
END_TEST

/* n times the largest value: the sum needs its upper word. */
START_TEST(a_value_many_times_is_added_exactly)
{
    struct hist many, one;

    hist_init(&many);
    hist_init(&one);
    hist_add_n(&many, INT64_MAX, 5);
    for (int i = 0; i < 5; i++)
        hist_add(&one, INT64_MAX);
    ck_assert_uint_eq(many.sum_hi, 2);
    ck_assert_uint_eq(many.sum_hi, one.sum_hi);
    ck_assert_uint_eq(many.sum_lo, one.sum_lo);
    ck_assert_uint_eq(many.count, 5);
    hist_free(&many);
    hist_free(&one);
}
END_TEST

SUITE(hist, runs_are_the_values_one_by_one, a_value_many_times_is_added_exactly, an_empty_histogram_says_zero, nothing_is_allocated_before_the_first_value_and_one_octave_after,
      one_value_is_every_quantile, quantiles_of_small_values_are_exact,
      a_quantile_is_the_upper_edge_of_its_bucket_within_the_extremes,
      quantiles_are_within_one_part_in_128_of_the_sorted_list,
      buckets_come_in_order_do_not_overlap_and_hold_every_sample, every_value_lies_in_its_bucket,
      merging_equals_adding_everything_to_one, merging_an_empty_one_changes_nothing,
      the_sum_carries_into_its_high_word)
