/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "models/traffic.h"
#include "tests/suite.h"

/* ---- helpers ---- */

/* A machine of defaults under a light load: a run takes about a millisecond. */
static const char small[] = "version: 1\nrun: {duration: 1ms}\ntraffic: {kind: poisson, rate: 300kpps}\n";

static struct scenario *parse(const char *text)
{
    struct messages m = { 0 };
    struct scenario *s = scenario_parse(text, strlen(text), "test.yaml", "scenarios", &m);

    ck_assert_msg(s != NULL, "%s", m.text);
    return s;
}

/* The values of `text`, separated by blanks, or the sentence about what is wrong with it. */
static void check_vary(const char *text, const char *expected)
{
    struct sweep_plan p = { 0 };
    struct messages m = { 0 };
    char got[1024] = "";

    if (sweep_vary(&p, text, &m) != 0) {
        snprintf(got, sizeof got, "%s", m.text);
    } else
        for (int i = 0; i < p.axis[0].values; i++) {
            strncat(got, i ? " " : "", sizeof got - strlen(got) - 1);
            strncat(got, p.axis[0].value[i], sizeof got - strlen(got) - 1);
        }
    if (m.count > 0)
        ck_assert_msg(strstr(got, expected) != NULL, "'%s' is not in: %s", expected, got);
    else
        ck_assert_str_eq(got, expected);
    messages_free(&m);
    sweep_free(&p);
}

/* The plan of NULL-terminated axes over `small`; its labels joined by '|', or the messages. */
static int build(struct sweep_plan *p, const char *const *axes, bool lockstep, const char *where, int reps,
                 struct messages *m)
{
    struct scenario *s = parse(small);
    int failed = 0;

    *p = (struct sweep_plan){ 0 };
    for (; *axes; axes++)
        failed |= sweep_vary(p, *axes, m);
    if (!failed)
        failed = sweep_build(p, s, lockstep, where, reps, 1, m);
    scenario_free(s);
    return failed;
}

static void check_points(const char *const *axes, bool lockstep, const char *where, const char *expected)
{
    struct sweep_plan p;
    struct messages m = { 0 };
    char got[2048] = "";

    if (build(&p, axes, lockstep, where, 1, &m) == 0)
        for (int i = 0; i < p.points; i++) {
            CHECK_EQ(p.point[i].ordinal, i);
            strncat(got, i ? "|" : "", sizeof got - strlen(got) - 1);
            strncat(got, p.point[i].label, sizeof got - strlen(got) - 1);
        }
    if (m.count > 0)
        ck_assert_msg(strstr(m.text, expected) != NULL, "'%s' is not in: %s", expected, m.text);
    else
        ck_assert_str_eq(got, expected);
    messages_free(&m);
    sweep_free(&p);
}

#define AXES(...)  (const char *const[]){ __VA_ARGS__, NULL }

/* ---- axes ---- */

START_TEST(a_list_is_its_values)
{
    check_vary("k=256,1024,4096", "256 1024 4096");
    check_vary("k=mlx5, ixgbe", "mlx5 ixgbe");
    check_vary("k=7", "7");
}
END_TEST

START_TEST(semicolons_separate_values_that_hold_commas)
{
    check_vary("k=0,2;1,3", "0,2 1,3");
    check_vary("k=0,2;", "0,2");
}
END_TEST

/* 4096 / 64 = 2^6, so seven steps of equal ratio are powers of two. */
START_TEST(a_range_holds_both_ends_evenly_spaced_or_in_equal_ratios)
{
    check_vary("k=10:50:5", "10 20 30 40 50");
    check_vary("k=64:4096:7:log", "64 128 256 512 1024 2048 4096");
    check_vary("k=1us:100us:3:log", "1us 10us 100us");
    check_vary("k=0us:1us:3", "0us 0.5us 1us");
    check_vary("k=1.5Mpps:2.5Mpps:3", "1.5Mpps 2Mpps 2.5Mpps");
    check_vary("k=1:3us:3", "1us 2us 3us");
}
END_TEST

/* 1, 1.33, 1.67, 2, .. rounds to 1 1 2 2 2 3 3 3 4 4; 64B .. 67B in halves has no half bytes. */
START_TEST(whole_numbers_stay_whole_and_count_once)
{
    check_vary("k=1:4:10", "1 2 3 4");
    check_vary("k=64B:67B:4", "64B 65B 66B 67B");
    check_vary("k=64B:65B:5", "64B 65B");
}
END_TEST

START_TEST(what_is_no_axis_is_a_sentence)
{
    check_vary("k", "must be KEY=v1,v2,..");
    check_vary("=1", "must be KEY=v1,v2,..");
    check_vary("k=", "value 1 is empty");
    check_vary("k=1,,2", "value 2 is empty");
    check_vary("k=1,2,1", "'1' is there twice");
    check_vary("k=1us:2ms:3", "both ends must have the same unit");
    check_vary("k=5:1:3", "the lower end comes first");
    check_vary("k=0:8:4:log", "above 0");
    check_vary("k=1:8:1", "at least 2");
    check_vary("k=1:8:4:lin", "lo:hi:n or lo:hi:n:log");
    check_points(AXES("nic.ring.rx=64", "nic.ring.rx=128"), false, NULL, "varied twice");
}
END_TEST

/* ---- points ---- */

START_TEST(the_last_axis_counts_fastest)
{
    check_points(AXES("nic.ring.rx=64,128", "net.core.netdev_budget=32,300"), false, NULL,
                 "nic.ring.rx=64 net.core.netdev_budget=32|nic.ring.rx=64 net.core.netdev_budget=300|"
                 "nic.ring.rx=128 net.core.netdev_budget=32|nic.ring.rx=128 net.core.netdev_budget=300");
}
END_TEST

START_TEST(lockstep_advances_all_axes_together)
{
    check_points(AXES("nic.ring.rx=64,128", "net.core.netdev_budget=32,300"), true, NULL,
                 "nic.ring.rx=64 net.core.netdev_budget=32|nic.ring.rx=128 net.core.netdev_budget=300");
    check_points(AXES("nic.ring.rx=64,128", "net.core.netdev_budget=32"), true, NULL,
                 "--lockstep needs equally many values: nic.ring.rx has 2, net.core.netdev_budget has 1");
}
END_TEST

START_TEST(where_leaves_combinations_out)
{
    const char *const *axes = AXES("nic.ring.rx=64,128", "net.core.netdev_budget=100,200");

    check_points(axes, false, "nic.ring.rx < net.core.netdev_budget && net.core.netdev_budget<=100",
                 "nic.ring.rx=64 net.core.netdev_budget=100");
    check_points(axes, false, "nic.ring.rx!=64&&net.core.netdev_budget>100",
                 "nic.ring.rx=128 net.core.netdev_budget=200");
    check_points(axes, false, "nic.ring.rx>128", "leaves no point of 4");
    check_points(axes, false, "nic.rings>128", "'nic.rings' is not a varied parameter");
    check_points(axes, false, "nic.ring.rx 64", "must be KEY OP VALUE");
}
END_TEST

START_TEST(where_does_not_compare_a_rate_with_a_share_of_line_rate)
{
    check_points(AXES("traffic.rate=1Mpps,2Mpps"), false, "traffic.rate<=1000kpps", "traffic.rate=1Mpps");
    check_points(AXES("traffic.rate=1Mpps,2Mpps"), false, "traffic.rate<80%", "are not of one kind");
}
END_TEST

/* 500ns is less than 2us although 500 is more than 2. */
START_TEST(where_compares_times_by_length_not_by_digits)
{
    check_points(AXES("nic.coalesce.rx-usecs=500ns,2us,30us"), false, "nic.coalesce.rx-usecs<=2us",
                 "nic.coalesce.rx-usecs=500ns|nic.coalesce.rx-usecs=2us");
    check_points(AXES("nic.coalesce.rx-usecs=500ns"), false, "nic.coalesce.rx-usecs<=2Mpps",
                 "--where: nic.coalesce.rx-usecs");
}
END_TEST

START_TEST(a_wrong_value_names_its_point)
{
    check_points(AXES("nic.ring.rx=256,99999999"), false, NULL, "(at the point nic.ring.rx=99999999)");
    check_points(AXES("nic.rig.rx=256"), false, NULL, "nic.ring.rx");
}
END_TEST

START_TEST(a_point_has_the_value_in_its_configuration)
{
    struct sweep_plan p;
    struct messages m = { 0 };
    struct param_ref ref;
    char why[128];

    CHECK_EQ(build(&p, AXES("nic.ring.rx=64,128"), false, NULL, 1, &m), 0);
    CHECK_EQ(param_find("nic.ring.rx", &ref, why, sizeof why), 0);
    CHECK_EQ(*config_at(&p.point[0].config, ref.model, ref.row, 0, 0), 64);
    CHECK_EQ(*config_at(&p.point[1].config, ref.model, ref.row, 0, 0), 128);
    sweep_free(&p);
}
END_TEST

/* ---- hashes ---- */

/* Expected: the two chains of splitmix64's finaliser, computed by a separate program in another language. */
START_TEST(the_hash_of_a_text_is_the_same_everywhere)
{
    char hash[33];

    text_hash("", hash);
    ck_assert_str_eq(hash, "0000000000000000b4d055fcf2cbbd7b");
    text_hash("nic.ring.rx", hash);
    ck_assert_str_eq(hash, "b6d4cf98e99f8646a3605607f50c850c");
}
END_TEST

START_TEST(every_byte_of_a_text_changes_both_halves_of_its_hash)
{
    char text[41] = "0123456789012345678901234567890123456789", hash[33], other[33];

    text_hash(text, hash);
    for (int i = 0; i < 40; i++) {
        text[i] ^= 1;
        text_hash(text, other);
        text[i] ^= 1;
        ck_assert(strncmp(hash, other, 16) != 0 && strcmp(hash + 16, other + 16) != 0);
    }
}
END_TEST

START_TEST(a_run_key_depends_on_scenario_seed_and_replication)
{
    char key[33], other[33];

    run_key("a", 1, 0, key);
    run_key("a", 1, 0, other);
    ck_assert_str_eq(key, other);
    run_key("b", 1, 0, other);
    ck_assert_str_ne(key, other);
    run_key("a", 2, 0, other);
    ck_assert_str_ne(key, other);
    run_key("a", 1, 1, other);
    ck_assert_str_ne(key, other);
}
END_TEST

START_TEST(the_contents_of_a_capture_are_part_of_the_hash)
{
    struct arrivals one = { .hash = 1 }, two = { .hash = 2 };
    struct messages m = { 0 };
    struct sweep_plan p;
    char without[33], with_one[33], plan[33];

    CHECK_EQ(build(&p, AXES("nic.ring.rx=64"), false, NULL, 1, &m), 0);
    strcpy(without, p.point[0].hash);
    strcpy(plan, p.hash);
    p.point[0].config.arrivals[0] = &one;
    sweep_hash(&p);
    strcpy(with_one, p.point[0].hash);
    ck_assert_str_ne(with_one, without);
    ck_assert_str_ne(p.hash, plan);
    p.point[0].config.arrivals[0] = &two;
    sweep_hash(&p);
    ck_assert_str_ne(p.point[0].hash, with_one);
    p.point[0].config.arrivals[0] = NULL;
    sweep_hash(&p);
    ck_assert_str_eq(p.point[0].hash, without);
    ck_assert_str_eq(p.hash, plan);
    sweep_free(&p);
}
END_TEST

/* ---- running ---- */

enum { POINTS = 3, REPS = 3, RUNS = POINTS * REPS };

struct record {
    struct fingerprint fingerprint[RUNS];
    char key[RUNS][33];
    int done, asked, progressed, stop_after;
    const char *known;          /* this key is stored already */
    atomic_int *stop;
};

static bool is_known(void *user, const char *key)
{
    struct record *r = user;

    r->asked++;
    return r->known && strcmp(key, r->known) == 0;
}

static int is_done(void *user, const struct sweep_point *pt, uint64_t replication, const char *key,
                   const struct result *result)
{
    struct record *r = user;
    int i = pt->ordinal * REPS + (int)replication;

    r->fingerprint[i] = result->fingerprint;
    strcpy(r->key[i], key);
    r->done++;
    return r->stop_after && r->done == r->stop_after;
}

static void has_progressed(void *user, int finished, int total)
{
    struct record *r = user;

    CHECK_EQ(total, RUNS);
    CHECK_EQ(finished, ++r->progressed);
}

static int run_small(struct record *r, int jobs, atomic_int *stop)
{
    struct sweep_callbacks calls = { .known = is_known, .done = is_done, .progress = has_progressed, .user = r };
    struct messages m = { 0 };
    struct sweep_plan p;
    int missing;

    CHECK_EQ(build(&p, AXES("nic.ring.rx=64,128,256"), false, NULL, REPS, &m), 0);
    missing = sweep_run(&p, &run_options_default, jobs, &calls, stop);
    sweep_free(&p);
    return missing;
}

START_TEST(results_do_not_depend_on_the_number_of_workers)
{
    struct record one = { 0 }, four = { 0 };

    CHECK_EQ(run_small(&one, 1, NULL), 0);
    CHECK_EQ(run_small(&four, 4, NULL), 0);
    CHECK_EQ(one.done, RUNS);
    CHECK_EQ(four.done, RUNS);
    ck_assert(memcmp(one.fingerprint, four.fingerprint, sizeof one.fingerprint) == 0);
    ck_assert(memcmp(one.key, four.key, sizeof one.key) == 0);
}
END_TEST

/* Poisson arrivals: replications differ; and each has a key of its own. */
START_TEST(replications_draw_different_numbers)
{
    struct record r = { 0 };

    CHECK_EQ(run_small(&r, 2, NULL), 0);
    for (int i = 0; i < RUNS; i++)
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(r.key[i], r.key[k]);
            if (i / REPS == k / REPS)
                ck_assert(r.fingerprint[i].lo != r.fingerprint[k].lo);
        }
}
END_TEST

START_TEST(what_is_known_is_not_run_again)
{
    struct record first = { 0 }, second = { 0 };

    CHECK_EQ(run_small(&first, 1, NULL), 0);
    second.known = first.key[4];
    CHECK_EQ(run_small(&second, 1, NULL), 0);
    CHECK_EQ(second.asked, RUNS);
    CHECK_EQ(second.done, RUNS - 1);
    CHECK_EQ(second.key[4][0], '\0');
    CHECK_EQ(second.progressed, RUNS);
}
END_TEST

/* With one worker: two runs are booked, the second asks to stop and does not count: RUNS - 1 are missing. */
START_TEST(a_callback_that_fails_stops_the_sweep)
{
    struct record r = { .stop_after = 2 };

    CHECK_EQ(run_small(&r, 1, NULL), RUNS - 1);
    CHECK_EQ(r.done, 2);
}
END_TEST

static void has_failed(void *user, const struct sweep_point *pt, uint64_t replication, const char *why)
{
    struct record *r = user;

    CHECK_EQ(pt->ordinal, 1);
    (void)replication;
    ck_assert_ptr_nonnull(strstr(why, "NIC"));
    r->asked++;
}

/* Point 1 is broken behind the plan's back: it names a NIC that is not there. Its runs fail, the others are done. */
START_TEST(a_point_that_fails_does_not_stop_the_others)
{
    struct record r = { 0 };
    struct sweep_callbacks calls = { .done = is_done, .failed = has_failed, .user = &r };
    struct messages m = { 0 };
    struct param_ref ref;
    struct sweep_plan p;
    char why[128];

    CHECK_EQ(build(&p, AXES("nic.ring.rx=64,128,256"), false, NULL, REPS, &m), 0);
    CHECK_EQ(param_find("traffic.nic", &ref, why, sizeof why), 0);
    *config_at(&p.point[1].config, ref.model, ref.row, 0, 0) = 5;
    CHECK_EQ(sweep_run(&p, &run_options_default, 2, &calls, NULL), REPS);
    CHECK_EQ(r.asked, REPS);
    CHECK_EQ(r.done, RUNS - REPS);
    sweep_free(&p);
}
END_TEST

static int stop_all(void *user, const struct sweep_point *pt, uint64_t replication, const char *key,
                    const struct result *result)
{
    struct record *r = user;

    (void)replication;
    (void)key;
    (void)result;
    CHECK_EQ(pt->ordinal, 0);
    atomic_store(r->stop, 1);
    return 0;
}

static void must_not_fail(void *user, const struct sweep_point *pt, uint64_t replication, const char *why)
{
    (void)user;
    ck_abort_msg("point %d, replication %d: %s", pt->ordinal, (int)replication, why);
}

/* The second point simulates an hour, which takes minutes. It is under way when the first, done, raises the flag. */
START_TEST(a_run_that_is_stopped_has_not_failed_but_is_missing)
{
    atomic_int stop = 0;
    struct record r = { .stop = &stop };
    struct sweep_callbacks calls = { .done = stop_all, .failed = must_not_fail, .user = &r };
    struct messages m = { 0 };
    struct sweep_plan p;

    CHECK_EQ(build(&p, AXES("run.duration=20ms,3600s"), false, NULL, 1, &m), 0);
    CHECK_EQ(sweep_run(&p, &run_options_default, 2, &calls, &stop), 1);
    sweep_free(&p);
}
END_TEST

START_TEST(a_raised_stop_flag_starts_no_run)
{
    atomic_int stop = 1;
    struct record r = { 0 };

    CHECK_EQ(run_small(&r, 4, &stop), RUNS);
    CHECK_EQ(r.done, 0);
    CHECK_EQ(r.asked, 0);
}
END_TEST

SUITE(sweep, a_list_is_its_values, semicolons_separate_values_that_hold_commas,
      a_range_holds_both_ends_evenly_spaced_or_in_equal_ratios, whole_numbers_stay_whole_and_count_once,
      what_is_no_axis_is_a_sentence, the_last_axis_counts_fastest, lockstep_advances_all_axes_together,
      where_leaves_combinations_out, where_does_not_compare_a_rate_with_a_share_of_line_rate,
      where_compares_times_by_length_not_by_digits, a_wrong_value_names_its_point,
      a_point_has_the_value_in_its_configuration, the_hash_of_a_text_is_the_same_everywhere,
      every_byte_of_a_text_changes_both_halves_of_its_hash, a_run_key_depends_on_scenario_seed_and_replication,
      the_contents_of_a_capture_are_part_of_the_hash, results_do_not_depend_on_the_number_of_workers,
      replications_draw_different_numbers, what_is_known_is_not_run_again, a_callback_that_fails_stops_the_sweep,
      a_point_that_fails_does_not_stop_the_others, a_run_that_is_stopped_has_not_failed_but_is_missing,
      a_raised_stop_flag_starts_no_run)
