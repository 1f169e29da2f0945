/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timelines of all frames: recorded by a run, stored, and asked for in SQL. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/chunk.h"
#include "sim/store/sql.h"
#include "sim/store/timeline.h"
#include "tests/machine.h"
#include "tests/store_fixture.h"
#include "tests/suite.h"

/* Ring drops, backlog drops over two CPUs, two queues, TCP with GRO; each some ten thousand frames. */
static const struct { const char *file, *settings; } scenario[] = {
    { "bench/linerate.yaml", "run.duration=2ms" }, { "rps.yaml", "" }, { "two-queues.yaml", "run.warmup=3ms" },
    { "tcp-bulk.yaml", "run.duration=4ms" },
};
enum { SCENARIOS = sizeof scenario / sizeof scenario[0] };

static void run_scenario(size_t i, const struct run_options *o, struct result *r)
{
    struct config c;

    machine_load(&c, scenario[i].file, scenario[i].settings);
    machine_run(&c, o, r);
    machine_release(&c);
}

static struct run_options full_options(void)
{
    struct run_options o = run_options_default;

    o.full = true;
    o.sample_every = 7;
    return o;
}

/* A database of one run of each scenario, ids 1, 2 .. */
struct base {
    struct fixture f;
    struct store *s;
};

static void store_result(struct store *s, const char *name, const struct result *r)
{
    struct sweep_plan p;
    char final[64], key[33];
    int64_t experiment;

    plan_make(&p, NULL, 1, name);
    snprintf(p.point[0].hash, sizeof p.point[0].hash, "%.32s", name);   /* points of one hash share their runs */
    ck_assert_msg(store_experiment(s, name, "run", &p, NULL, &experiment, final) == 0, "%s", store_error(s));
    snprintf(key, sizeof key, "%.32s", name);
    ck_assert_msg(store_run(s, experiment, &p, &p.point[0], 0, key, r, NULL) == 0, "%s", store_error(s));
    plan_free(&p);
}

static void base_make(struct base *b)
{
    struct run_options o = full_options();

    fixture_make(&b->f);
    b->s = open_store(b->f.db, true);
    for (size_t i = 0; i < SCENARIOS; i++) {
        struct result r;
        run_scenario(i, &o, &r);
        store_result(b->s, scenario[i].file, &r);
        result_free(&r);
    }
}

static void base_remove(struct base *b)
{
    store_close(b->s);
    fixture_remove(&b->f);
}

/* The first column of the only row; -999 where there is no row. */
static int64_t ask(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int64_t ask(struct store *s, const char *format, ...)
{
    char sql[1024];
    sqlite3_stmt *q;
    va_list args;

    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    ck_assert_msg(sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(s->db));
    int code = sqlite3_step(q);
    ck_assert_msg(code == SQLITE_ROW || code == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(s->db));
    int64_t n = code == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -999;
    sqlite3_finalize(q);
    return n;
}

/* ---- recording ---- */

/* Recording marks every frame; what is sampled, and the model's own facts, stay the same. */
START_TEST(recording_changes_nothing_else)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        for (uint64_t every = 0; every <= 24; every += 6) {
            struct run_options sampled = run_options_default, full = full_options();
            struct result a, b;

            sampled.sample_every = full.sample_every = every;
            sampled.sample_drops = full.sample_drops = 5;
            sampled.sample_slowest = full.sample_slowest = 5;
            run_scenario(i, &sampled, &a);
            run_scenario(i, &full, &b);
            CHECK_EQ(a.fingerprint.hi, b.fingerprint.hi);
            CHECK_EQ(a.fingerprint.lo, b.fingerprint.lo);
            CHECK_EQ(a.packets, b.packets);
            for (int p = 0; p < a.packets; p++) {
                CHECK_EQ(a.packet[p].seq, b.packet[p].seq);
                CHECK_EQ(a.packet[p].t_app, b.packet[p].t_app);
                CHECK_EQ(a.packet[p].fate, b.packet[p].fate);
            }
            CHECK_EQ(a.chunks, 0);
            ck_assert_int_gt(b.chunks, 0);
            result_free(&a);
            result_free(&b);
        }
}
END_TEST

START_TEST(every_frame_that_ended_is_recorded_once)
{
    struct base b;

    base_make(&b);
    for (int run = 1; run <= SCENARIOS; run++) {
        /* Every fate of the ledger with its frames and bytes, and no other. */
        CHECK_EQ(ask(b.s, "SELECT count(*) FROM (SELECT fate, count(*), sum(len) FROM timeline WHERE run_id = %d GROUP BY"
                     " fate EXCEPT SELECT fate, frames, bytes FROM ledger WHERE run_id = %d AND ordinal = 0)", run, run), 0);
        CHECK_EQ(ask(b.s, "SELECT count(*) FROM ledger WHERE run_id = %d AND ordinal = 0 AND kind NOT IN ('offered',"
                     " 'in_flight')", run),
                 ask(b.s, "SELECT count(DISTINCT fate) FROM timeline WHERE run_id = %d", run));
        CHECK_EQ(ask(b.s, "SELECT count(DISTINCT seq) - count(*) FROM timeline WHERE run_id = %d", run), 0);
        CHECK_EQ(ask(b.s, "SELECT sum(n) FROM trace_chunk WHERE run_id = %d", run),
                 ask(b.s, "SELECT count(*) FROM timeline WHERE run_id = %d", run));
    }
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline WHERE run_id = 1 AND fate <> 'DELIVERED' LIMIT 1") > 100, 1);
    base_remove(&b);
}
END_TEST

START_TEST(sampled_frames_are_the_same_in_both_tables)
{
    struct base b;

    base_make(&b);
    for (int run = 1; run <= SCENARIOS; run++) {
        ck_assert_int_gt(ask(b.s, "SELECT count(*) FROM packet WHERE run_id = %d", run), 100);
        CHECK_EQ(ask(b.s, "SELECT count(*) FROM (SELECT seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack,"
                     " t_socket, t_app, fate FROM packet WHERE run_id = %d EXCEPT SELECT seq, flow, len, queue, cpu, t_wire,"
                     " t_dma, t_irq, t_poll, t_stack, t_socket, t_app, fate FROM timeline WHERE run_id = %d)", run, run), 0);
    }
    base_remove(&b);
}
END_TEST

/* A run is known by its key, so that it may be there without timelines when they are recorded. */
START_TEST(a_run_that_is_there_gets_its_timelines)
{
    struct run_options sampled = run_options_default, full = full_options();
    struct fixture f;
    struct result r;

    fixture_make(&f);
    struct store *s = open_store(f.db, true);
    run_scenario(1, &sampled, &r);
    store_result(s, "twice", &r);
    result_free(&r);
    ck_assert(store_has_run(s, "twice") && !store_has_timeline(s, "twice"));
    CHECK_EQ(ask(s, "SELECT count(*) FROM timeline"), 0);
    for (int i = 0; i < 2; i++) {
        run_scenario(1, &full, &r);
        store_result(s, "twice", &r);
        CHECK_EQ(ask(s, "SELECT count(*) FROM run"), 1);
        CHECK_EQ(ask(s, "SELECT count(*) FROM timeline"), (int64_t)(r.ledger.offered - r.ledger.in_flight));
        result_free(&r);
    }
    ck_assert(store_has_timeline(s, "twice"));
    store_close(s);
    fixture_remove(&f);
}
END_TEST

/* ---- asking ---- */

START_TEST(a_database_without_timelines_has_an_empty_table)
{
    struct sweep_plan p;
    struct fixture f;

    fixture_make(&f);
    struct store *s = open_store(f.db, true);
    plan_make(&p, NULL, 1, "plan");
    store_all(s, "sampled", &p);
    CHECK_EQ(ask(s, "SELECT count(*) FROM run"), 1);
    CHECK_EQ(ask(s, "SELECT count(*) FROM timeline"), 0);
    CHECK_EQ(ask(s, "SELECT count(*) FROM timeline WHERE run_id = 1 AND t_wire > 5"), 0);
    CHECK_EQ(ask(s, "SELECT ns FROM timeline_quantile(1, 'total', 0.5)"), -999);
    plan_free(&p);
    store_close(s);
    fixture_remove(&f);
}
END_TEST

/* A unary plus hides a column from the planner: then SQLite alone decides. */
START_TEST(bounds_leave_out_chunks_and_no_frames)
{
    static const char *const bound[] = {
        "t_wire > %" PRId64, "t_wire >= %" PRId64, "t_wire < %" PRId64, "t_wire <= %" PRId64, "t_wire = %" PRId64,
        "t_wire > %" PRId64 ".5", "t_wire BETWEEN 1 AND %" PRId64, "t_wire > NULL AND t_wire <> %" PRId64,
    };
    struct base b;

    base_make(&b);
    for (int run = 0; run <= SCENARIOS; run++)
        for (size_t i = 0; i < sizeof bound / sizeof bound[0]; i++)
            for (int64_t at = 999983; at < 4000000; at += 1000003) {
                char with[64], without[80], of_run[32] = "1";
                snprintf(with, sizeof with, bound[i], at);
                snprintf(without, sizeof without, "+%s", with);
                if (run > 0)
                    snprintf(of_run, sizeof of_run, "run_id = %d", run);
                CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline WHERE %s AND %s", of_run, with),
                         ask(b.s, "SELECT count(*) FROM timeline WHERE +%s AND %s", of_run, without));
            }
    base_remove(&b);
}
END_TEST

START_TEST(a_statement_may_name_any_columns_and_runs)
{
    struct base b;

    base_make(&b);
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM run r JOIN timeline t ON t.run_id = r.id"),
             ask(b.s, "SELECT sum(n) FROM trace_chunk"));
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline WHERE latency <> t_app - t_wire OR (latency IS NULL) <> (t_app IS NULL)"),
             0);
    for (int run = 1; run <= SCENARIOS; run++)
        CHECK_EQ(ask(b.s, "SELECT sum(latency) FROM timeline WHERE run_id = %d", run),
                 ask(b.s, "SELECT sum(t_app - t_wire) FROM timeline WHERE run_id = %d", run));
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline WHERE fate = 'DELIVERED' AND t_app IS NULL"), 0);
    CHECK_EQ(ask(b.s, "SELECT max(rowid) FROM timeline WHERE run_id = 2"),
             ask(b.s, "SELECT count(*) - 1 FROM timeline WHERE run_id = 2"));
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline a JOIN timeline b ON a.run_id = 2 AND b.run_id = 2 AND a.seq = b.seq"
                 " AND a.rowid < 10"), 10);
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline WHERE run_id = 99"), 0);
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM timeline WHERE run_id IN (1, 2)"),
             ask(b.s, "SELECT sum(n) FROM trace_chunk WHERE run_id < 3"));
    base_remove(&b);
}
END_TEST

/* ---- quantiles ---- */

START_TEST(stages_have_the_names_of_the_host)
{
    CHECK_EQ(TIMELINE_STAGES, STAGES);
    for (int i = 0; i < STAGES; i++)
        ck_assert_str_eq(timeline_stage[i], stage_name[i]);
}
END_TEST

/* Rank ceil(q n), the first for 0, of what a sort of the same differences gives. */
START_TEST(a_quantile_is_what_a_sort_gives)
{
    static const char *const difference[] = {
        "t_dma - t_wire", "coalesce(t_irq, t_dma) - t_dma", "t_poll - coalesce(t_irq, t_dma)", "t_stack - t_poll",
        "t_socket - t_stack", "t_app - t_socket", "t_app - t_wire"
    };
    static const double share[] = { 0, 0.001, 0.25, 0.5, 0.99, 0.999, 0.99999, 1 };
    struct base b;

    base_make(&b);
    for (int run = 1; run <= SCENARIOS; run++)
        for (int stage = 0; stage < STAGES; stage++) {
            const char *of = "FROM timeline WHERE fate = 'DELIVERED' AND t_wire >= (SELECT warmup_ns FROM run WHERE id ="
                             " run_id) AND run_id";
            int64_t n = ask(b.s, "SELECT count(*) %s = %d", of, run);
            CHECK_EQ(ask(b.s, "SELECT frames FROM timeline_quantile(%d, '%s', 0.5)", run, stage_name[stage]), n);
            for (size_t i = 0; i < sizeof share / sizeof share[0]; i++) {
                int64_t rank = (int64_t)(share[i] * (double)n * (1 - 1e-12));
                rank += (double)rank < share[i] * (double)n * (1 - 1e-12);
                CHECK_EQ(ask(b.s, "SELECT ns FROM timeline_quantile(%d, '%s', %g)", run, stage_name[stage], share[i]),
                         ask(b.s, "SELECT %s %s = %d ORDER BY 1 LIMIT 1 OFFSET %" PRId64, difference[stage], of, run,
                             rank > 0 ? rank - 1 : 0));
            }
        }
    base_remove(&b);
}
END_TEST

/* The latency table's quantiles are at most 1/128 too large, and each of the two times here may be 1 ns short. */
START_TEST(quantiles_agree_with_those_of_the_run)
{
    struct base b;

    base_make(&b);
    for (int run = 1; run <= SCENARIOS; run++)
        CHECK_EQ(ask(b.s, "SELECT count(*) FROM latency l, timeline_quantile(l.run_id, l.stage, 0.99) q WHERE l.run_id = %d"
                     " AND (l.n <> q.frames OR l.p99_ns < q.ns - 1 OR l.p99_ns > (q.ns + 1) * 129 / 128.0 + 1)", run), 0);
    CHECK_EQ(ask(b.s, "SELECT count(*) FROM latency l, timeline_quantile(l.run_id, l.stage, 0.99)"), SCENARIOS * STAGES);
    base_remove(&b);
}
END_TEST

START_TEST(a_quantile_of_nothing_we_know_is_an_error)
{
    static const struct { const char *sql, *why; } row[] = {
        { "SELECT * FROM timeline_quantile(1, 'wire', 0.5)", "there is no stage 'wire'" },
        { "SELECT * FROM timeline_quantile(1, NULL, 0.5)", "there is no stage" },
        { "SELECT * FROM timeline_quantile(1, 'total', 1.5)", "from 0 to 1" },
        { "SELECT * FROM timeline_quantile(1, 'total', -0.1)", "from 0 to 1" },
        { "SELECT * FROM timeline_quantile(1, 'total', 'half')", "from 0 to 1" },
        { "SELECT * FROM timeline_quantile(1, 'total')", "needs a run's id" },
        { "SELECT * FROM timeline_quantile", "needs a run's id" },
    };
    struct fixture f;

    fixture_make(&f);
    struct store *s = open_store(f.db, true);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        int code = sqlite3_exec(s->db, row[i].sql, NULL, NULL, NULL);
        ck_assert_msg(code != SQLITE_OK && strstr(sqlite3_errmsg(s->db), row[i].why), "%s: %s", row[i].sql,
                      sqlite3_errmsg(s->db));
    }
    store_close(s);
    fixture_remove(&f);
}
END_TEST

/* ---- damage ---- */

static int count_frames(void *n, const struct chunk *frames)
{
    *(uint64_t *)n += frames->n;
    return 0;
}

static void expect_damage(struct store *s, const char *what)
{
    static const char *const question[] = {
        "SELECT sum(latency) FROM timeline", "SELECT * FROM timeline_quantile(1, 'total', 0.5)"
    };
    uint64_t n = 0;
    bool full;

    for (size_t i = 0; i < 2; i++) {
        int code = sqlite3_exec(s->db, question[i], NULL, NULL, NULL);
        ck_assert_msg((code & 0xff) == SQLITE_CORRUPT, "%s, %s: %d", what, question[i], code);
        ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(s->db), "chunk 0 of trace_chunk is damaged"));
    }
    CHECK_EQ(store_frames(s, 1, &full, count_frames, &n), -1);
    ck_assert_ptr_nonnull(strstr(store_error(s), "damaged"));
}

START_TEST(a_damaged_chunk_is_an_error)
{
    struct run_options o = full_options();
    struct fixture f;
    struct config c;
    struct result r;

    fixture_make(&f);
    struct store *s = open_store(f.db, true);
    machine_load(&c, "rps.yaml", "run.duration=20us");
    machine_run(&c, &o, &r);
    machine_release(&c);
    CHECK_EQ(r.chunks, 1);
    store_result(s, "damaged", &r);
    CHECK_EQ(ask(s, "SELECT count(*) FROM timeline"), r.chunk[0].n);

    sqlite3_stmt *put;
    ck_assert_int_eq(sqlite3_prepare_v2(s->db, "UPDATE trace_chunk SET data = ?", -1, &put, NULL), SQLITE_OK);
    for (size_t bit = 0; bit < 8 * r.chunk[0].size; bit++) {
        r.chunk[0].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        sqlite3_bind_blob(put, 1, r.chunk[0].data, (int)r.chunk[0].size, SQLITE_STATIC);
        CHECK_EQ(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
        expect_damage(s, "a flipped bit");
        r.chunk[0].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < r.chunk[0].size; size++) {
        sqlite3_bind_blob(put, 1, r.chunk[0].data, (int)size, SQLITE_STATIC);
        CHECK_EQ(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
        expect_damage(s, "a cut");
    }
    sqlite3_bind_blob(put, 1, r.chunk[0].data, (int)r.chunk[0].size, SQLITE_STATIC);
    CHECK_EQ(sqlite3_step(put), SQLITE_DONE);
    sqlite3_finalize(put);
    CHECK_EQ(ask(s, "SELECT count(*) FROM timeline"), r.chunk[0].n);
    CHECK_EQ(sql_exec(s, "UPDATE trace_chunk SET n = n + 1"), 0);
    expect_damage(s, "another number of frames");
    CHECK_EQ(sql_exec(s, "UPDATE trace_chunk SET codec = 2"), 0);
    CHECK_EQ(sqlite3_exec(s->db, "SELECT seq FROM timeline", NULL, NULL, NULL), SQLITE_ERROR);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(s->db), "codec 2"));
    result_free(&r);
    store_close(s);
    fixture_remove(&f);
}
END_TEST

/* ---- all frames, and any question ---- */

struct seen { uint64_t n, seq_sum; };

static int see(void *user, const struct chunk *frames)
{
    struct seen *seen = user;

    seen->n += frames->n;
    for (uint32_t i = 0; i < frames->n; i++)
        seen->seq_sum += (uint64_t)frames->column[CHUNK_SEQ][i];
    return 0;
}

START_TEST(frames_come_from_the_chunks_or_else_from_the_samples)
{
    struct run_options sampled = run_options_default;
    struct seen seen = { 0 };
    struct base b;
    struct result r;
    bool full;

    base_make(&b);
    CHECK_EQ(store_frames(b.s, 1, &full, see, &seen), 0);
    ck_assert(full);
    CHECK_EQ(seen.n, ask(b.s, "SELECT count(*) FROM timeline WHERE run_id = 1"));
    CHECK_EQ(seen.seq_sum, ask(b.s, "SELECT sum(seq) FROM timeline WHERE run_id = 1"));
    sampled.sample_every = 1;           /* more than one chunk holds */
    run_scenario(1, &sampled, &r);
    store_result(b.s, "sampled", &r);
    result_free(&r);
    seen = (struct seen){ 0 };
    CHECK_EQ(store_frames(b.s, SCENARIOS + 1, &full, see, &seen), 0);
    ck_assert(!full);
    ck_assert_uint_gt(seen.n, CHUNK_FRAMES);
    CHECK_EQ(seen.n, ask(b.s, "SELECT count(*) FROM packet WHERE run_id = %d", SCENARIOS + 1));
    CHECK_EQ(seen.seq_sum, ask(b.s, "SELECT sum(seq) FROM packet WHERE run_id = %d", SCENARIOS + 1));
    base_remove(&b);
}
END_TEST

struct told { char text[512]; int rows; };

static void tell_head(void *user, int columns, const char *const *name)
{
    struct told *t = user;

    for (int i = 0; i < columns; i++)
        strcat(strcat(t->text, i ? "," : ""), name[i]);
}

static void tell_row(void *user, int columns, const struct query_cell *cell)
{
    static const char kind[] = { [CELL_NULL] = '0', [CELL_INTEGER] = 'i', [CELL_REAL] = 'r', [CELL_TEXT] = 't' };
    struct told *t = user;

    t->rows++;
    for (int i = 0; i < columns; i++) {
        char type[] = { i ? ',' : ' ', kind[cell[i].type], ':', '\0' };
        strcat(strcat(t->text, type), cell[i].text);
    }
}

START_TEST(a_query_gives_rows_and_changes_nothing)
{
    static const struct { const char *sql; int outcome; const char *says; } row[] = {
        { "SELECT 1 AS a, 2.5 AS b, 'x' AS c, NULL AS d, x'0102' AS e", 0,
          "a,b,c,d,e i:1,r:2.5,t:x,0:,t:(2 bytes)" },
        { "SELECT id AS run FROM run; -- that is all", 0, "run i:1" },
        { "SELECT id AS run FROM run WHERE id > 5", 0, "run" },
        { "WITH t(x) AS (VALUES (1), (2)) SELECT x FROM t", 0, "x i:1 i:2" },
        { "SELEC 1", 1, "syntax error" }, { "SELECT nosuch FROM run", 1, "no such column: nosuch" },
        { "SELECT 1; SELECT 2", 1, "one statement" }, { "", 1, "SELECT .." }, { "-- nothing", 1, "SELECT .." },
        { "DELETE FROM run", 1, "SELECT .." }, { "CREATE TABLE t(x)", 1, "SELECT .." },
        { "DELETE FROM run RETURNING id", 1, "SELECT .." },
        { "SELECT ns FROM timeline_quantile(1, 'foo', 0.5)", 1, "no stage 'foo'" },
    };
    struct sweep_plan p;
    struct fixture f;

    fixture_make(&f);
    struct store *s = open_store(f.db, true);
    plan_make(&p, NULL, 1, "plan");
    store_all(s, "asked", &p);
    plan_free(&p);
    store_close(s);
    s = open_store(f.db, false);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct told t = { .rows = 0 };
        int outcome = store_query(s, row[i].sql, &(struct query_sink){ tell_head, tell_row, &t });
        const char *says = outcome == 0 ? t.text : store_error(s);
        CHECK_EQ(outcome, row[i].outcome);
        ck_assert_msg(outcome == 0 ? strcmp(says, row[i].says) == 0 : strstr(says, row[i].says) != NULL, "%s: %s",
                      row[i].sql, says);
    }
    CHECK_EQ(ask(s, "SELECT count(*) FROM run"), 1);
    store_close(s);
    fixture_remove(&f);
}
END_TEST

SUITE(store_timeline, recording_changes_nothing_else, every_frame_that_ended_is_recorded_once,
      sampled_frames_are_the_same_in_both_tables, a_run_that_is_there_gets_its_timelines,
      a_database_without_timelines_has_an_empty_table, bounds_leave_out_chunks_and_no_frames,
      a_statement_may_name_any_columns_and_runs, stages_have_the_names_of_the_host, a_quantile_is_what_a_sort_gives,
      quantiles_agree_with_those_of_the_run, a_quantile_of_nothing_we_know_is_an_error, a_damaged_chunk_is_an_error,
      frames_come_from_the_chunks_or_else_from_the_samples, a_query_gives_rows_and_changes_nothing)
