/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sim/engine/time.h"
#include "tests/store_fixture.h"
#include "tests/suite.h"

static char *ring_256_4096[] = { "256", "4096", NULL };
static char *ring_256_512_4096[] = { "256", "512", "4096", NULL };

/* ---- a run and back ---- */

static void check_same_hist(const struct hist *a, const struct hist *b)
{
    CHECK_EQ(a->count, b->count);
    CHECK_EQ(a->min, b->min);
    CHECK_EQ(a->max, b->max);
    CHECK_EQ(a->sum_lo, b->sum_lo);
    CHECK_EQ(a->sum_hi, b->sum_hi);
    for (int o = 0; o < HIST_OCTAVES; o++)
        for (int i = 0; i < HIST_SUB; i++)
            ck_assert_uint_eq(a->octave[o] ? a->octave[o][i] : 0, b->octave[o] ? b->octave[o][i] : 0);
}

static void check_same_counters(const struct result *a, const struct result *b)
{
    CHECK_EQ(a->counters, b->counters);
    for (int i = 0; i < a->counters; i++) {
        ck_assert_str_eq(a->counter[i].scope, b->counter[i].scope);
        ck_assert_str_eq(a->counter[i].name, b->counter[i].name);
        ck_assert_uint_eq(a->counter[i].value, b->counter[i].value);
    }
}

static void check_same_ledgers(const struct result *a, const struct result *b)
{
    ck_assert_mem_eq(&a->ledger, &b->ledger, sizeof a->ledger);
    CHECK_EQ(a->queues, b->queues);
    for (int i = 0; i < a->queues; i++) {
        ck_assert_str_eq(a->queue[i].scope, b->queue[i].scope);
        ck_assert_mem_eq(&a->queue[i].ledger, &b->queue[i].ledger, sizeof a->ledger);
    }
    CHECK_EQ(a->flows, b->flows);
    for (int i = 0; i < a->flows; i++) {
        ck_assert_str_eq(a->flow[i].tuple, b->flow[i].tuple);
        ck_assert_uint_eq(a->flow[i].in_flight, b->flow[i].in_flight);
        ck_assert_uint_eq(a->flow[i].dropped, b->flow[i].dropped);
    }
}

/* Times of packets lose what is below a nanosecond; -1 stays -1. */
static int64_t floor_ns(int64_t ps)
{
    return ps < 0 ? -1 : ps / NS * NS;
}

static void check_same_packets(const struct result *a, const struct result *b)
{
    CHECK_EQ(a->packets, b->packets);
    for (int i = 0; i < a->packets; i++) {
        const struct result_packet *x = &a->packet[i], *y = &b->packet[i];

        CHECK_EQ(x->seq, y->seq);
        CHECK_EQ(x->flow, y->flow);
        CHECK_EQ(x->len, y->len);
        CHECK_EQ(x->queue, y->queue);
        CHECK_EQ(x->cpu, y->cpu);
        CHECK_EQ(floor_ns(x->t_wire), y->t_wire);
        CHECK_EQ(floor_ns(x->t_dma), y->t_dma);
        CHECK_EQ(floor_ns(x->t_irq), y->t_irq);
        CHECK_EQ(floor_ns(x->t_poll), y->t_poll);
        CHECK_EQ(floor_ns(x->t_stack), y->t_stack);
        CHECK_EQ(floor_ns(x->t_socket), y->t_socket);
        CHECK_EQ(floor_ns(x->t_app), y->t_app);
        CHECK_EQ(x->fate, y->fate);
    }
}

static void check_same_result(const struct result *a, const struct result *b)
{
    ck_assert_uint_eq(a->fingerprint.lo, b->fingerprint.lo);
    ck_assert_uint_eq(a->fingerprint.hi, b->fingerprint.hi);
    CHECK_EQ(a->sim_ps, b->sim_ps);
    CHECK_EQ(a->warmup_ps, b->warmup_ps);
    CHECK_EQ(a->offer_ps, b->offer_ps);
    CHECK_EQ(a->events, b->events);
    CHECK_EQ(a->deterministic, b->deterministic);
    CHECK_EQ(a->stages, b->stages);
    for (int i = 0; i < a->stages; i++) {
        ck_assert_str_eq(a->stage[i].name, b->stage[i].name);
        check_same_hist(&a->stage[i].hist, &b->stage[i].hist);
    }
    CHECK_EQ(a->cpus, b->cpus);
    for (int i = 0; i < a->cpus; i++)
        ck_assert_mem_eq(&a->cpu[i], &b->cpu[i], sizeof *a->cpu);
    ck_assert_mem_eq(a->work_hist, b->work_hist, sizeof a->work_hist);
    check_same_counters(a, b);
    check_same_ledgers(a, b);
    check_same_packets(a, b);
    for (const struct metric_info *m = metric_info; m->name; m++) {
        double x = result_metric(a, m->name), y = result_metric(b, m->name);
        ck_assert_msg(x == y || (isnan(x) && isnan(y)), "%s: %.17g, was %.17g", m->name, y, x);
    }
}

START_TEST(a_run_comes_back_as_it_was)
{
    struct fixture f;
    struct sweep_plan plan;
    struct result r;
    struct stored_run back;
    char final[64];
    int64_t experiment, id;

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    plan.seed = UINT64_MAX;
    result_make(&r, 3);
    r.deterministic = true;

    struct store *s = open_store(f.db, true);
    CHECK_EQ(store_experiment(s, "ring", "sweep", &plan, NULL, &experiment, final), 0);
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[1], 0, "some-key", &r, &id), 0);
    store_close(s);

    s = open_store(f.db, false);
    ck_assert_msg(store_load(s, id, &back) == 0, "%s", store_error(s));
    store_close(s);             /* what was loaded outlives the store */
    check_same_result(&r, &back.result);
    ck_assert_str_eq(back.experiment, "ring");
    ck_assert_str_eq(back.label, "nic.ring.rx=4096");
    ck_assert_str_eq(back.key, "some-key");
    ck_assert_str_eq(back.fingerprint, "0000000000000003fedcba9876543213");
    CHECK_EQ(back.ordinal, 1);
    CHECK_EQ(back.repetition, 0);
    ck_assert_uint_eq(back.seed, UINT64_MAX);
    ck_assert_str_ne(back.code_version, "");
    ck_assert_str_ne(back.started, "");
    stored_run_free(&back);
    result_free(&r);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

START_TEST(an_empty_result_comes_back_empty)
{
    struct fixture f;
    struct sweep_plan plan;
    struct result r;
    struct stored_run back;
    char final[64];
    int64_t experiment, id;

    fixture_make(&f);
    plan_make(&plan, NULL, 1, "p");
    result_init(&r);
    struct store *s = open_store(f.db, true);
    CHECK_EQ(store_experiment(s, "empty", "run", &plan, NULL, &experiment, final), 0);
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[0], 0, "k", &r, &id), 0);
    ck_assert_msg(store_load(s, id, &back) == 0, "%s", store_error(s));
    check_same_result(&r, &back.result);
    stored_run_free(&back);
    store_close(s);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* One scope and name told in two parts is one counter: 2^63 apart from it nothing is lost. */
START_TEST(a_counter_told_in_two_parts_is_stored_as_their_sum)
{
    struct fixture f;
    struct sweep_plan plan;
    struct result r;
    char final[64];
    int64_t experiment;

    fixture_make(&f);
    plan_make(&plan, NULL, 1, "p");
    result_init(&r);
    r.counters = 2;
    r.counter = calloc(2, sizeof *r.counter);
    r.counter[0] = (struct result_counter){ "snmp", "InErrors", 40 };
    r.counter[1] = (struct result_counter){ "snmp", "InErrors", 2 };
    struct store *s = open_store(f.db, true);
    CHECK_EQ(store_experiment(s, "x", "run", &plan, NULL, &experiment, final), 0);
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[0], 0, "k", &r, NULL), 0);
    store_close(s);
    CHECK_EQ(ask_int(f.db, "SELECT value FROM counter WHERE name = 'InErrors'"), 42);
    result_free(&r);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

START_TEST(a_run_whose_books_do_not_balance_is_refused)
{
    struct fixture f;
    struct sweep_plan plan;
    struct result r;
    char final[64];
    int64_t experiment;

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    result_make(&r, 0);
    r.ledger.in_flight++;
    struct store *s = open_store(f.db, true);
    CHECK_EQ(store_experiment(s, "x", "sweep", &plan, NULL, &experiment, final), 0);
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[0], 0, "k", &r, NULL), -1);
    ck_assert_ptr_nonnull(strstr(store_error(s), "do not balance"));
    store_close(s);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM run"), 0);
    result_free(&r);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* ---- what SQL sees ---- */

START_TEST(a_sweep_is_a_view_with_one_column_per_axis)
{
    struct fixture f;
    struct sweep_plan plan;
    char text[64];

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 2, "p");
    struct store *s = open_store(f.db, true);
    store_all(s, "ring", &plan);
    store_close(s);

    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM sweep_ring"), 4);
    /* result_make(10 * point + repetition) drops 11 * (3 + n % 7) + 1: n = 10 gives 11 * 6 + 1 */
    CHECK_EQ(ask_int(f.db, "SELECT drops FROM sweep_ring WHERE \"nic.ring.rx\" = 4096 AND repetition = 0"),
             67);
    ask_text(f.db, "SELECT group_concat(DISTINCT typeof(\"nic.ring.rx\") || ' ' || typeof(drops)) FROM sweep_ring",
             text, sizeof text);
    ck_assert_str_eq(text, "integer integer");
    /* 0.13 and the like stay reals */
    ask_text(f.db, "SELECT typeof(drop_rate) FROM sweep_ring", text, sizeof text);
    ck_assert_str_eq(text, "real");
    /* all metrics have a column; those of clients that wait for answers are not defined here */
    for (const struct metric_info *m = metric_info; m->name; m++) {
        bool of_clients = strncmp(m->name, "rtt_", 4) == 0 || strcmp(m->name, "answers_per_s") == 0;
        char sql[128];

        snprintf(sql, sizeof sql, "SELECT count(\"%s\") FROM sweep_ring", m->name);
        CHECK_EQ(ask_int(f.db, sql), of_clients ? 0 : 4);
    }
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

START_TEST(the_views_agree_with_the_result)
{
    struct fixture f;
    struct sweep_plan plan;
    struct result r;
    char text[64];

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 3, "p");
    struct store *s = open_store(f.db, true);
    store_all(s, "ring", &plan);
    store_close(s);
    result_make(&r, 0);

    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM v_conservation"), 6 * 12);     /* runs x (total and 11 queues) */
    CHECK_EQ(ask_int(f.db, "SELECT sum(abs(frames_missing) + abs(bytes_missing)) FROM v_conservation"), 0);
    CHECK_EQ(ask_int(f.db, "SELECT offered FROM v_conservation WHERE run_id = 1 AND scope = 'total'"),
             r.ledger.offered);
    CHECK_EQ(ask_int(f.db, "SELECT drops FROM v_run WHERE run_id = 1"), 34);    /* 11 * 3 + 1 */
    CHECK_EQ(ask_int(f.db, "SELECT sum(frames) FROM drops WHERE run_id = 1"), 34);
    CHECK_EQ(ask_int(f.db, "SELECT bytes FROM drops WHERE run_id = 1 AND stage = 'mac'"), 64);
    ck_assert_double_eq(ask_real(f.db, "SELECT p99_ns FROM v_run WHERE run_id = 1"),
                        result_metric(&r, "latency_p99_ns"));
    ck_assert_double_eq(ask_real(f.db, "SELECT p50_ns FROM v_quantile WHERE run_id = 1 AND stage = 'total'"),
                        result_metric(&r, "latency_p50_ns"));
    ck_assert_double_eq(ask_real(f.db, "SELECT p90_ns FROM v_quantile WHERE run_id = 1 AND stage = 'total'"),
                        result_metric(&r, "latency_p90_ns"));
    ck_assert_double_eq(ask_real(f.db, "SELECT p999_ns FROM v_quantile WHERE run_id = 1 AND stage = 'total'"),
                        result_metric(&r, "latency_p999_ns"));
    ck_assert_double_eq(ask_real(f.db,
                                 "SELECT p50_ns FROM v_quantile WHERE run_id = 1 AND stage = 'wire-dma'"),
                        (double)hist_quantile(&r.stage[0].hist, 0.5) / 1000);
    /* Repetitions 0, 1, 2 of point 0 deliver 110, 121, 132 frames: mean 121, sd 11, and with 2 degrees
     * of freedom the 95 % half width is 4.303 * 11 / sqrt(3). */
    ck_assert_double_eq_tol(ask_real(f.db,
            "SELECT mean FROM v_metric_ci WHERE ordinal = 0 AND metric = 'delivered'"),
                            121, 1e-9);
    ck_assert_double_eq_tol(ask_real(f.db, "SELECT half_width FROM v_metric_ci WHERE ordinal = 0 AND"
                                     " metric = 'delivered'"), 4.303 * 11 / sqrt(3), 1e-9);
    /* sim_ps is 50 ms and a picosecond */
    CHECK_EQ(ask_int(f.db, "SELECT sim_ns FROM run WHERE id = 1"), 50000000);
    ask_text(f.db, "SELECT unit FROM metric WHERE name = 'goodput_bps' LIMIT 1", text, sizeof text);
    ck_assert_str_eq(text, "bit/s");
    result_free(&r);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

struct seen { char text[512]; };

static void see_param(void *user, const char *name, const char *value, const char *unit)
{
    struct seen *seen = user;
    size_t n = strlen(seen->text);

    snprintf(seen->text + n, sizeof seen->text - n, "%s=%s,%s;", name, value, unit);
}

START_TEST(parameters_come_back_by_name_with_their_units)
{
    struct fixture f;
    struct sweep_plan run, sweep;
    struct seen seen = { "" };
    char *usecs[] = { "0.5us", "10us", NULL };

    fixture_make(&f);
    plan_make(&run, NULL, 1, "p");
    plan_make(&sweep, usecs, 1, "q");
    struct store *s = open_store(f.db, true);
    /* Nothing varied: what people ask for of the resolved scenario, which here has two of it. */
    store_all(s, "single", &run);
    CHECK_EQ(store_params(s, 1, see_param, &seen), 0);
    ck_assert_str_eq(seen.text, "nic.ring.rx=512,;run.duration=50,ms;");
    seen.text[0] = '\0';
    store_all(s, "usecs", &sweep);
    CHECK_EQ(store_params(s, 2, see_param, &seen), 0);
    ck_assert_str_eq(seen.text, "nic.ring.rx=0.5,us;");
    store_close(s);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM sweep_usecs WHERE \"nic.ring.rx\" < 10"), 1);
    plan_free(&run);
    plan_free(&sweep);
    fixture_remove(&f);
}
END_TEST

/* ---- experiments ---- */

START_TEST(the_same_plan_is_the_same_experiment_and_another_gets_a_suffix)
{
    struct fixture f;
    struct sweep_plan a, b, c;
    char final[64];
    int64_t first, again, other, third;

    fixture_make(&f);
    plan_make(&a, ring_256_4096, 1, "plan-a");
    plan_make(&b, ring_256_512_4096, 1, "plan-b");
    plan_make(&c, ring_256_512_4096, 2, "plan-c");
    struct store *s = open_store(f.db, true);
    CHECK_EQ(store_experiment(s, "ring", "sweep", &a, NULL, &first, final), 0);
    ck_assert_str_eq(final, "ring");
    CHECK_EQ(store_experiment(s, "ring", "sweep", &a, NULL, &again, final), 0);
    ck_assert_str_eq(final, "ring");
    CHECK_EQ(again, first);
    CHECK_EQ(store_experiment(s, "ring", "sweep", &b, NULL, &other, final), 0);
    ck_assert_str_eq(final, "ring-2");
    CHECK_EQ(store_experiment(s, "ring", "sweep", &c, NULL, &third, final), 0);
    ck_assert_str_eq(final, "ring-3");
    /* names that would read as something else */
    plan_free(&a);
    plan_make(&a, ring_256_4096, 1, "plan-d");
    CHECK_EQ(store_experiment(s, "a/b~c", "sweep", &a, NULL, &again, final), 0);
    ck_assert_str_eq(final, "a-b-c");
    snprintf(a.hash, sizeof a.hash, "plan-e");
    CHECK_EQ(store_experiment(s, "12", "sweep", &a, NULL, &again, final), 0);
    ck_assert_str_eq(final, "12-run");
    snprintf(a.hash, sizeof a.hash, "plan-f");
    CHECK_EQ(store_experiment(s, "last", "sweep", &a, NULL, &again, final), 0);
    ck_assert_str_eq(final, "last-run");
    snprintf(a.hash, sizeof a.hash, "plan-g");
    CHECK_EQ(store_experiment(s, "x", "no such kind", &a, NULL, &again, final), -1);
    /* "ring-2" and "ring_2" want the same view name */
    snprintf(a.hash, sizeof a.hash, "plan-h");
    CHECK_EQ(store_experiment(s, "ring_2", "sweep", &a, NULL, &again, final), 0);
    CHECK_EQ(store_sweep_view(s, other), 0);
    CHECK_EQ(store_sweep_view(s, again), 0);
    store_close(s);
    CHECK_EQ(ask_int(f.db,
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('sweep_ring_2', 'sweep_ring_2_2')"), 2);
    plan_free(&a);
    plan_free(&b);
    plan_free(&c);
    fixture_remove(&f);
}
END_TEST

START_TEST(a_stored_run_is_known_and_not_stored_twice)
{
    struct fixture f;
    struct sweep_plan plan;
    struct result r;
    char final[64], key[33];
    int64_t experiment, id, again;

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    plan_key(&plan.point[0], 0, key);
    result_make(&r, 0);
    struct store *s = open_store(f.db, true);
    CHECK_EQ(store_experiment(s, "ring", "sweep", &plan, NULL, &experiment, final), 0);
    ck_assert(!store_has_run(s, key));
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[0], 0, key, &r, &id), 0);
    ck_assert(store_has_run(s, key));
    ck_assert(!store_has_run(s, "another"));
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[0], 0, key, &r, &again), 0);
    CHECK_EQ(again, id);
    /* The same key with another outcome is not a run to keep. */
    r.fingerprint.lo++;
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[0], 0, key, &r, NULL), -1);
    ck_assert_ptr_nonnull(strstr(store_error(s), "fingerprint"));
    /* Two stages of one name break a rule of the schema in the middle of the rows: all of them go. */
    r.stage[0].name = r.stage[2].name;
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[1], 0, "twin", &r, NULL), -1);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM run"), 1);
    /* and the store goes on */
    r.stage[0].name = "wire-dma";
    CHECK_EQ(store_run(s, experiment, &plan, &plan.point[1], 0, "twin", &r, NULL), 0);
    store_close(s);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM run"), 2);
    check_sound(f.db);
    result_free(&r);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

START_TEST(an_experiment_has_copies_of_the_runs_it_shares_with_another)
{
    struct fixture f;
    struct sweep_plan a, b;
    struct stored_run x, y;
    struct run_set set;
    char final[64], key[33];
    int64_t id;

    fixture_make(&f);
    plan_make(&a, ring_256_4096, 2, "plan-a");
    plan_make(&b, ring_256_512_4096, 1, "plan-b");
    struct store *s = open_store(f.db, true);
    store_all(s, "small", &a);
    /* Of b's three runs, 256 and 4096 with repetition 0 are there already. */
    CHECK_EQ(store_experiment(s, "large", "sweep", &b, NULL, &id, final), 0);
    plan_key(&b.point[0], 0, key);
    ck_assert(store_has_run(s, key));
    plan_key(&b.point[1], 0, key);
    ck_assert(!store_has_run(s, key));
    plan_key(&b.point[2], 0, key);
    ck_assert(store_has_run(s, key));
    CHECK_EQ(store_find(s, "large", &set), 0);
    CHECK_EQ(set.n, 2);
    run_set_free(&set);
    CHECK_EQ(store_find(s, "large/2/0", &set), 0);
    CHECK_EQ(set.n, 1);
    CHECK_EQ(store_load(s, 3, &x), 0);          /* small: points 0, 0, 1, 1 */
    CHECK_EQ(store_load(s, set.id[0], &y), 0);
    check_same_result(&x.result, &y.result);
    ck_assert_str_eq(y.experiment, "large");
    CHECK_EQ(y.ordinal, 2);
    ck_assert_str_eq(x.started, y.started);
    run_set_free(&set);
    stored_run_free(&x);
    stored_run_free(&y);
    store_close(s);
    check_sound(f.db);
    plan_free(&a);
    plan_free(&b);
    fixture_remove(&f);
}
END_TEST

/* "1us" and "1000ns" resolve to one scenario: the lab runs it once, the sweep still has a row for both. */
START_TEST(two_points_of_one_scenario_both_have_their_run)
{
    struct fixture f;
    struct sweep_plan plan;

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    strcpy(plan.point[1].hash, plan.point[0].hash);
    struct store *s = open_store(f.db, true);
    store_all(s, "twice", &plan);
    store_close(s);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM sweep_twice"), 2);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* ---- names ---- */

static void check_found(struct store *s, const char *name, const char *ids)
{
    struct run_set set;
    char got[128] = "";

    ck_assert_msg(store_find(s, name, &set) == 0, "%s: %s", name, store_error(s));
    for (int i = 0; i < set.n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%lld ", (long long)set.id[i]);
    ck_assert_msg(strcmp(got, ids) == 0, "%s: found %s, not %s", name, got, ids);
    ck_assert_str_ne(set.what, "");
    run_set_free(&set);
}

static void check_not_found(struct store *s, const char *name, const char *sentence)
{
    struct run_set set;

    ck_assert_msg(store_find(s, name, &set) == -1, "%s was found", name);
    ck_assert_msg(strstr(store_error(s), sentence) != NULL, "%s: %s", name, store_error(s));
    CHECK_EQ(set.n, 0);
}

static void see_experiment(void *user, const struct experiment_row *row)
{
    struct seen *seen = user;
    size_t n = strlen(seen->text);

    snprintf(seen->text + n, sizeof seen->text - n, "%s %s %d/%d;", row->name, row->kind, row->runs,
             row->points);
}

START_TEST(runs_are_found_by_what_users_call_them)
{
    struct fixture f;
    struct sweep_plan a, b, none;
    struct seen seen = { "" };
    char final[64];
    int64_t id;

    fixture_make(&f);
    plan_make(&a, ring_256_4096, 2, "plan-a");
    plan_make(&b, (char *[]){ "64", NULL }, 1, "plan-b");
    plan_make(&none, (char *[]){ "128", NULL }, 1, "plan-c");
    struct store *s = open_store(f.db, true);
    store_all(s, "ring", &a);                   /* runs 1 .. 4 */
    store_all(s, "7-small.v2", &b);             /* run 5 */
    CHECK_EQ(store_experiment(s, "planned", "sweep", &none, NULL, &id, final), 0);

    check_found(s, "3", "3 ");
    check_found(s, "ring", "1 2 3 4 ");
    check_found(s, "ring/1", "3 4 ");
    check_found(s, "ring/1/0", "3 ");
    check_found(s, "7-small.v2", "5 ");
    check_found(s, "last", "5 ");               /* "planned" has no run */
    check_found(s, "last/0/0", "5 ");
    check_found(s, "last~1", "1 2 3 4 ");
    check_found(s, "last~1/0", "1 2 ");
    check_not_found(s, "6", "no run 6");
    check_not_found(s, "99999999999999999999", "no run 9");
    check_not_found(s, "rong", "no experiment called rong");
    check_not_found(s, "", "no experiment called");
    check_not_found(s, "ring/2", "no stored run");
    check_not_found(s, "ring/x", "EXPERIMENT/POINT");
    check_not_found(s, "ring/1/", "EXPERIMENT/POINT");
    check_not_found(s, "ring/1/0/0", "EXPERIMENT/POINT");
    check_not_found(s, "last~2", "not so many");
    check_not_found(s, "last~x", "no experiment called last~x");
    check_not_found(s, "planned", "no stored run");
    /* The one used last, not the one made last. */
    store_all(s, "ring", &a);
    check_found(s, "last", "1 2 3 4 ");
    CHECK_EQ(store_list(s, see_experiment, &seen), 0);
    ck_assert_str_eq(seen.text, "ring sweep 4/2;planned sweep 0/1;7-small.v2 sweep 1/1;");
    store_close(s);
    plan_free(&a);
    plan_free(&b);
    plan_free(&none);
    fixture_remove(&f);
}
END_TEST

/* ---- files ---- */

START_TEST(a_closed_database_is_one_file_that_opens_read_only)
{
    struct fixture f;
    struct sweep_plan plan;
    struct stat st;
    char text[32], beside[FIXTURE_PATH + 8];

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    struct store *s = open_store(f.db, true);
    ask_text(f.db, "PRAGMA journal_mode", text, sizeof text);
    ck_assert_str_eq(text, "wal");              /* the test's folder is taken to be local */
    store_all(s, "ring", &plan);
    store_close(s);
    ask_text(f.db, "PRAGMA journal_mode", text, sizeof text);
    ck_assert_str_eq(text, "delete");
    snprintf(beside, sizeof beside, "%s-wal", f.db);
    ck_assert_int_ne(stat(beside, &st), 0);
    snprintf(beside, sizeof beside, "%s-shm", f.db);
    ck_assert_int_ne(stat(beside, &st), 0);
    CHECK_EQ(ask_int(f.db, "PRAGMA application_id"), 0x52585331);
    CHECK_EQ(ask_int(f.db, "PRAGMA user_version"), 1);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *out = fopen(path, "wb");

    ck_assert_ptr_nonnull(out);
    CHECK_EQ(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

static size_t read_file(const char *path, char *bytes, size_t size)
{
    FILE *in = fopen(path, "rb");

    ck_assert_ptr_nonnull(in);
    size_t n = fread(bytes, 1, size, in);
    fclose(in);
    return n;
}

/* Opening fails in this mode, with these words and the path, and not a byte of the file has changed. */
static void check_refused(const char *path, bool write, const char *words)
{
    static char before[1 << 20], after[1 << 20];
    struct store *s;
    struct stat st;
    bool file = stat(path, &st) == 0 && S_ISREG(st.st_mode) && eaccess(path, R_OK) == 0;
    size_t n = file ? read_file(path, before, sizeof before) : 0;

    ck_assert_msg(store_open(&s, path, write) == -1, "%s was opened", path);
    ck_assert_msg(strstr(store_error(s), words) != NULL, "'%s' is not in: %s", words, store_error(s));
    ck_assert_msg(strncmp(store_error(s), path, strlen(path)) == 0, "no path: %s", store_error(s));
    ck_assert_ptr_null(strchr(store_error(s), '\n'));
    store_close(s);
    if (file) {
        CHECK_EQ(read_file(path, after, sizeof after), n);
        ck_assert_mem_eq(before, after, n);
    }
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db;

    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_EQ(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(what_is_not_a_database_of_ours_is_refused_and_left_alone)
{
    struct fixture f;
    char path[FIXTURE_PATH];

    fixture_make(&f);
    check_refused(f.folder, true, "is a folder");
    check_refused(f.folder, false, "is a folder");
    snprintf(path, sizeof path, "%s/missing.db", f.folder);
    check_refused(path, false, "no such database");
    ck_assert_int_ne(access(path, F_OK), 0);

    snprintf(path, sizeof path, "%s/empty.db", f.folder);
    write_file(path, "", 0);
    check_refused(path, false, "empty file");

    snprintf(path, sizeof path, "%s/text.db", f.folder);
    write_file(path, "# results of Monday\n", 20);
    check_refused(path, true, "not an rxsim database");
    check_refused(path, false, "not an rxsim database");

    snprintf(path, sizeof path, "%s/other.db", f.folder);
    execute(path, "CREATE TABLE precious(x); INSERT INTO precious VALUES (1)");
    check_refused(path, true, "one of another program");
    check_refused(path, false, "one of another program");

    /* a file where a folder is wanted */
    snprintf(path, sizeof path, "%s/text.db/x.db", f.folder);
    check_refused(path, true, "Not a directory");
    fixture_remove(&f);
}
END_TEST

START_TEST(an_empty_file_is_filled)
{
    struct fixture f;
    char path[FIXTURE_PATH];

    fixture_make(&f);
    snprintf(path, sizeof path, "%s/empty.db", f.folder);
    write_file(path, "", 0);
    store_close(open_store(path, true));
    CHECK_EQ(ask_int(path, "SELECT count(*) FROM run"), 0);
    fixture_remove(&f);
}
END_TEST

START_TEST(a_database_of_a_newer_rxsim_is_refused_with_advice)
{
    struct fixture f;

    fixture_make(&f);
    store_close(open_store(f.db, true));
    execute(f.db, "PRAGMA user_version = 99");
    check_refused(f.db, true, "newer rxsim (schema 99, this one knows 1); update rxsim");
    check_refused(f.db, false, "newer rxsim (schema 99");
    fixture_remove(&f);
}
END_TEST

/* The first half of a file, and one whose second page (a table's root) is noise. */
START_TEST(a_damaged_database_gives_a_sentence)
{
    static char bytes[1 << 20];
    struct fixture f;
    struct sweep_plan plan;
    struct store *s;
    struct stored_run run;
    char path[FIXTURE_PATH];

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    s = open_store(f.db, true);
    store_all(s, "ring", &plan);
    store_close(s);
    size_t n = read_file(f.db, bytes, sizeof bytes);
    ck_assert_uint_lt(n, sizeof bytes);

    snprintf(path, sizeof path, "%s/half.db", f.folder);
    write_file(path, bytes, n / 2);
    check_refused(path, true, "damaged");
    check_refused(path, false, "damaged");

    /* Every page but the first: the schema is on others too, so either opening or loading must say it. */
    snprintf(path, sizeof path, "%s/noise.db", f.folder);
    memset(bytes + 4096, 0xa5, n - 4096);
    write_file(path, bytes, n);
    if (store_open(&s, path, false) == 0)
        CHECK_EQ(store_load(s, 1, &run), -1);
    ck_assert_msg(strstr(store_error(s), "damaged") != NULL, "%s", store_error(s));
    store_close(s);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* Root may write everywhere, so the test gives that up; "nobody" is 65534 on Linux. */
static void become_nobody(void)
{
    if (geteuid() == 0)
        CHECK_EQ(seteuid(65534), 0);
}

static void become_self(void)
{
    if (geteuid() != getuid())
        CHECK_EQ(seteuid(getuid()), 0);
}

START_TEST(a_file_without_permission_is_refused_by_name)
{
    struct fixture f;
    struct sweep_plan plan;
    char path[FIXTURE_PATH * 2], folder[FIXTURE_PATH];

    fixture_make(&f);
    plan_make(&plan, ring_256_4096, 1, "p");
    struct store *s = open_store(f.db, true);
    store_all(s, "ring", &plan);
    store_close(s);
    snprintf(folder, sizeof folder, "%s/results", f.folder);
    CHECK_EQ(chmod(f.folder, 0755), 0);
    CHECK_EQ(chmod(f.db, 0444), 0);
    CHECK_EQ(chmod(folder, 0555), 0);
    become_nobody();
    check_refused(f.db, true, "cannot be written (Permission denied)");
    s = open_store(f.db, false);                /* reading works, where nothing can be written */
    struct run_set set;
    CHECK_EQ(store_find(s, "ring", &set), 0);
    CHECK_EQ(set.n, 2);
    run_set_free(&set);
    store_close(s);
    snprintf(path, sizeof path, "%s/new.db", folder);
    check_refused(path, true, "Permission denied");
    snprintf(path, sizeof path, "%s/new/new.db", folder);
    check_refused(path, true, "cannot create the folder");
    become_self();
    CHECK_EQ(chmod(f.db, 0000), 0);
    become_nobody();
    check_refused(f.db, false, "cannot be read (Permission denied)");
    become_self();
    CHECK_EQ(chmod(folder, 0755), 0);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* A writer that was killed leaves the WAL mode behind; on a read-only medium the log cannot be opened. */
START_TEST(a_file_left_in_wal_mode_is_read_where_nothing_can_be_written)
{
    struct fixture f;
    char folder[FIXTURE_PATH];

    fixture_make(&f);
    store_close(open_store(f.db, true));
    execute(f.db, "PRAGMA journal_mode = WAL");
    snprintf(folder, sizeof folder, "%s/results", f.folder);
    CHECK_EQ(chmod(f.folder, 0755), 0);
    CHECK_EQ(chmod(folder, 0555), 0);
    become_nobody();
    struct store *s = open_store(f.db, false);
    struct run_set set;
    CHECK_EQ(store_find(s, "last", &set), -1);
    ck_assert_ptr_nonnull(strstr(store_error(s), "not so many"));
    store_close(s);
    become_self();
    CHECK_EQ(chmod(folder, 0755), 0);
    fixture_remove(&f);
}
END_TEST

SUITE(store, a_run_comes_back_as_it_was, an_empty_result_comes_back_empty,
      a_counter_told_in_two_parts_is_stored_as_their_sum, a_run_whose_books_do_not_balance_is_refused,
      a_sweep_is_a_view_with_one_column_per_axis, the_views_agree_with_the_result,
      parameters_come_back_by_name_with_their_units,
              the_same_plan_is_the_same_experiment_and_another_gets_a_suffix,
                  a_stored_run_is_known_and_not_stored_twice,
      an_experiment_has_copies_of_the_runs_it_shares_with_another,
      two_points_of_one_scenario_both_have_their_run, runs_are_found_by_what_users_call_them,
      a_closed_database_is_one_file_that_opens_read_only,
      what_is_not_a_database_of_ours_is_refused_and_left_alone, an_empty_file_is_filled,
      a_database_of_a_newer_rxsim_is_refused_with_advice, a_damaged_database_gives_a_sentence,
      a_file_without_permission_is_refused_by_name,
          a_file_left_in_wal_mode_is_read_where_nothing_can_be_written)
