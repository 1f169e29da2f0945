/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiments and runs. Each public function is one transaction: all its rows or none. */
#include "sim/store/store.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/engine/time.h"
#include "sim/lab/chunk.h"
#include "sim/lab/run.h"
#include "sim/lab/version.h"
#include "sim/store/axis.h"
#include "sim/store/schema.h"
#include "sim/store/sql.h"

enum { EXPERIMENT_NAME = 64, UTC = 32 };

/* ISO 8601, so that texts sort by time and SQLite's date functions read them. */
static void utc(double seconds_ago, char text[UTC])
{
    time_t t = time(NULL) - (time_t)seconds_ago;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(text, UTC, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- experiments: names ---- */

/* A name must not read as something else to store_find: '/' and '~' have a meaning, digits are a run's
 * id, and "last" is taken. Room is left for a suffix. */
static void clean_name(const char *name, char clean[EXPERIMENT_NAME])
{
    size_t n = 0;

    for (const char *p = name; *p && n < EXPERIMENT_NAME - 12; p++)
        clean[n++] = (char)(*p == '/' || *p == '~' || iscntrl((unsigned char)*p) ? '-' : *p);
    clean[n] = '\0';
    if (n == 0)
        strcpy(clean, "experiment");
    else if (strspn(clean, "0123456789") == n || strcmp(clean, "last") == 0)
        strcat(clean, "-run");
}

/* A view's name needs no quotes: sweep_ and letters, digits, underscores. */
static void view_name_of(const char *name, char view[EXPERIMENT_NAME + 16])
{
    size_t n = (size_t)sprintf(view, "sweep_");

    for (const char *p = name; *p; p++)
        view[n++] = (char)(isascii((unsigned char)*p) && isalnum((unsigned char)*p) ? *p : '_');
    view[n] = '\0';
}

/* Adds `separator` and 2, 3 .. to `name` until `question` finds no row of that name. */
static int make_unique(struct store *s, const char *question, const char *separator, char *name, size_t size)
{
    char base[EXPERIMENT_NAME + 16];
    int64_t taken = 1;

    snprintf(base, sizeof base, "%s", name);
    for (int i = 2; ; i++) {
        if (sql_number(s, ASK(s, question, TEXT(name)), 0, &taken) != 0)
            return -1;
        if (!taken)
            return 0;
        if (snprintf(name, size, "%s%s%d", base, separator, i) >= (int)size)
            return store_fail(s, "too many experiments are called %s", base);
    }
}

/* ---- experiments: points ---- */

/* What to show of a run when nothing was varied. */
static const char *const of_interest[] = {
    "cpu.model", "kernel.version", "net.core.netdev_budget", "nic.model", "nic.ring.rx", "run.duration",
    "traffic.rate"
};

static int put_param(struct store *s, int64_t point, const char *name, const char *text, const char *unit,
                     int64_t ordinal, bool varied)
{
    struct value value = TEXT(text);

    if (unit) {
        int64_t integer;
        bool whole;
        double number = axis_value(text, unit, &whole, &integer);
        value = whole ? INT(integer) : REAL(number);
    }
    return PUT(s, "INSERT INTO param(point_id, name, value, unit, text, ordinal, varied)"
               " VALUES (?, ?, ?, ?, ?, ?, ?)", INT(point), TEXT(name), value,
               TEXT(unit && *unit ? unit : NULL), TEXT(text), INT(ordinal), INT(varied));
}

static int put_varied(struct store *s, int64_t point, const struct sweep_plan *plan,
                      const struct sweep_point *pt,
                      const char *const *unit)
{
    for (int a = 0; a < plan->axes; a++)
        if (put_param(s, point, plan->axis[a].key, pt->value[a], unit[a], a, true) != 0)
            return -1;
    return 0;
}

static int put_of_interest(struct store *s, int64_t point, const char *resolved)
{
    for (size_t i = 0; i < sizeof of_interest / sizeof of_interest[0]; i++) {
        sqlite3_stmt *q = ASK(s, "SELECT json_extract(?1, '$.\"' || ?2 || '\"')", TEXT(resolved),
                              TEXT(of_interest[i]));
        int got = q ? sql_row(s, q) : -1;

        if (got > 0) {
            char text[256], *const value[] = { text };

            sql_copy(q, 0, text, sizeof text);
            sqlite3_reset(q);
            if (text[0] != '\0')
                got = put_param(s, point, of_interest[i], text, axis_unit(of_interest[i], value, 1),
                                (int64_t)i, false);
        }
        if (got < 0)
            return -1;
    }
    return 0;
}

static int put_point(struct store *s, int64_t experiment, const struct sweep_plan *plan,
                     const struct sweep_point *pt, const struct scenario *scenario, const char *const *unit)
{
    const char *text = scenario ? scenario_source(scenario) : NULL;
    const char *name = scenario ? scenario_name(scenario) : NULL;

    if (PUT(s, "INSERT OR IGNORE INTO scenario(hash, resolved, source_text, source_name) VALUES (?, ?, ?, ?)",
            TEXT(pt->hash), TEXT(pt->resolved), TEXT(text), TEXT(name)) != 0
        || PUT(s, "INSERT INTO point(experiment_id, ordinal, scenario_hash, label) VALUES (?, ?, ?, ?)",
               INT(experiment), INT(pt->ordinal), TEXT(pt->hash), TEXT(pt->label ? pt->label : "")) != 0)
        return -1;

    int64_t point = sqlite3_last_insert_rowid(s->db);
    return plan->axes > 0 ? put_varied(s, point, plan, pt, unit) : put_of_interest(s, point, pt->resolved);
}

static int put_points(struct store *s, int64_t experiment, const struct sweep_plan *plan,
                      const struct scenario *scenario)
{
    const char **unit = calloc((size_t)plan->axes + 1, sizeof *unit);
    int failed = 0;

    if (!unit)
        return store_fail(s, "out of memory");
    for (int a = 0; a < plan->axes; a++)
        unit[a] = axis_unit(plan->axis[a].key, plan->axis[a].value, plan->axis[a].values);
    for (int i = 0; i < plan->points && !failed; i++)
        failed = put_point(s, experiment, plan, &plan->point[i], scenario, unit);
    free(unit);
    return failed;
}

/* ---- experiments: runs that another experiment has made already ---- */

struct adoption { int64_t run, point; };

static int copy_run(struct store *s, struct adoption a)
{
    if (PUT(s, "INSERT INTO run(run_key, point_id, repetition, seed, status, error, code_version, model_version,"
            " fingerprint, deterministic, sim_ps, warmup_ps, offer_ps, events, polls, irqs, softirq_runs,"
            " time_squeeze, wall_s, host, shard, started_utc) SELECT run_key, ?2, repetition, seed, status, error,"
            " code_version, model_version, fingerprint, deterministic, sim_ps, warmup_ps, offer_ps, events, polls,"
            " irqs, softirq_runs, time_squeeze, wall_s, host, shard, started_utc FROM run WHERE id = ?1",
            INT(a.run), INT(a.point)) != 0)
        return -1;

    int64_t copy = sqlite3_last_insert_rowid(s->db);
    for (const char *const *table = schema_copy_run; *table; table++)
        if (PUT(s, *table, INT(a.run), INT(copy)) != 0)
            return -1;
    return 0;
}

/* Same resolved scenario, seed, repetition and model version: the same run, whoever asked for it first. The
 * experiment gets a copy, so that it is complete and stands alone. */
static int adopt_runs(struct store *s, int64_t experiment)
{
    struct adoption *found = NULL;
    int n = 0, got;
    sqlite3_stmt *q = ASK(s,
        "SELECT min(r.id), p.id FROM point p JOIN experiment e ON e.id = p.experiment_id"
        " JOIN point o ON o.scenario_hash = p.scenario_hash AND o.id <> p.id JOIN run r ON r.point_id = o.id"
        " WHERE e.id = ? AND r.seed = e.seed AND r.repetition < e.repetitions"
        " AND r.model_version = e.model_version AND r.status = 'done' AND NOT EXISTS"
        " (SELECT 1 FROM run x WHERE x.point_id = p.id AND x.repetition = r.repetition)"
        " GROUP BY p.id, r.repetition", INT(experiment));

    if (!q)
        return -1;
    /* The list is complete before the first copy is made: the copies are rows of the tables it is read
     * from. */
    while ((got = sql_row(s, q)) > 0) {
        struct adoption *more = realloc(found, ((size_t)n + 1) * sizeof *found);

        if (!more) {
            sqlite3_reset(q);
            got = store_fail(s, "out of memory");
            break;
        }
        found = more;
        found[n++] = (struct adoption){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1) };
    }
    for (int i = 0; i < n && got == 0; i++)
        got = copy_run(s, found[i]);
    free(found);
    return got;
}

/* ---- experiments ---- */

static int find_same_plan(struct store *s, const char *kind, const struct sweep_plan *plan, int64_t *id,
                          char final[EXPERIMENT_NAME])
{
    sqlite3_stmt *q = ASK(s, "SELECT id, name FROM experiment WHERE plan_hash = ? AND kind = ? AND"
                          " model_version = ?", TEXT(plan->hash), TEXT(kind), INT(MODEL_VERSION));
    int got = q ? sql_row(s, q) : -1;

    *id = 0;
    if (got <= 0)
        return got;
    *id = sqlite3_column_int64(q, 0);
    sql_copy(q, 1, final, EXPERIMENT_NAME);
    sqlite3_reset(q);
    return 0;
}

static int new_experiment(struct store *s, const char *name, const char *kind, const struct sweep_plan *plan,
                          const struct scenario *scenario, int64_t *id, char final[EXPERIMENT_NAME])
{
    char view[EXPERIMENT_NAME + 16], created[UTC];

    clean_name(name, final);
    if (make_unique(s, "SELECT 1 FROM experiment WHERE name = ?", "-", final, EXPERIMENT_NAME) != 0)
        return -1;
    view_name_of(final, view);
    if (make_unique(s, "SELECT 1 FROM experiment WHERE view_name = ?", "_", view, sizeof view) != 0)
        return -1;
    utc(0, created);
    if (PUT(s, "INSERT INTO experiment(name, kind, plan_hash, created_utc, model_version, seed, repetitions,"
            " source_name, view_name, touched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", TEXT(final),
                TEXT(kind),
            TEXT(plan->hash), TEXT(created), INT(MODEL_VERSION), U64(plan->seed), INT(plan->reps),
            TEXT(scenario ? scenario_name(scenario) : NULL), TEXT(view)) != 0)
        return -1;
    *id = sqlite3_last_insert_rowid(s->db);
    return put_points(s, *id, plan, scenario);
}

static int open_experiment(struct store *s, const char *name, const char *kind, const struct sweep_plan *plan,
                           const struct scenario *scenario, int64_t *id, char final[EXPERIMENT_NAME])
{
    if (find_same_plan(s, kind, plan, id, final) != 0)
        return -1;
    if (*id == 0 && new_experiment(s, name, kind, plan, scenario, id, final) != 0)
        return -1;
    if (PUT(s, "UPDATE experiment SET touched = 1 + (SELECT max(touched) FROM experiment) WHERE id = ?",
            INT(*id)) != 0)
        return -1;
    return adopt_runs(s, *id);
}

int store_experiment(struct store *s, const char *name, const char *kind, const struct sweep_plan *plan,
                     const struct scenario *scenario, int64_t *id, char final[64])
{
    if (sql_begin(s) != 0 || sql_end(s, open_experiment(s, name, kind, plan, scenario, id, final)) != 0)
        return -1;
    s->experiment = *id;
    return 0;
}

bool store_has_run(struct store *s, const char *run_key)
{
    int64_t found = 0;
    sqlite3_stmt *q = s->experiment
        ? ASK(s, "SELECT 1 FROM run r JOIN point p ON p.id = r.point_id"
              " WHERE r.run_key = ? AND r.status = 'done' AND p.experiment_id = ?", TEXT(run_key),
                  INT(s->experiment))
        : ASK(s, "SELECT 1 FROM run WHERE run_key = ? AND status = 'done'", TEXT(run_key));

    return sql_number(s, q, 0, &found) == 0 && found;
}

bool store_has_timeline(struct store *s, const char *run_key)
{
    int64_t found = 0;
    sqlite3_stmt *q = ASK(s, "SELECT 1 FROM run r JOIN point p ON p.id = r.point_id WHERE r.run_key = ?1"
                          " AND (?2 = 0 OR p.experiment_id = ?2)"
                          " AND EXISTS (SELECT 1 FROM trace_chunk WHERE run_id = r.id) LIMIT 1", TEXT(run_key),
                          INT(s->experiment));

    return sql_number(s, q, 0, &found) == 0 && found;
}

/* ---- the rows of a run ---- */

static int put_counters(struct store *s, int64_t run, const struct result *r)
{
    /* The same scope and name twice would be one counter told in two parts: a reader sums them, and so
     * do we. */
    static const struct sql_insert insert = {
        "INSERT INTO counter(run_id, scope, name, value, ordinal) VALUES ",
        "ON CONFLICT DO UPDATE SET value = value + excluded.value", 5
    };
    struct sql_batch rows;

    batch_begin(&rows, s, &insert);
    for (int i = 0; i < r->counters; i++)
        if (ROW(&rows, INT(run), TEXT(r->counter[i].scope), TEXT(r->counter[i].name),
                U64(r->counter[i].value),
                INT(i)) != 0)
            return -1;
    return batch_end(&rows);
}

static int put_metrics(struct store *s, int64_t run, const struct result *r)
{
    for (const struct metric_info *m = metric_info; m->name; m++) {
        double value = result_metric(r, m->name);

        if (!isnan(value) && PUT(s, "INSERT INTO metric(run_id, name, unit, value) VALUES (?, ?, ?, ?)",
                                 INT(run), TEXT(m->name), TEXT(m->unit), REAL(value)) != 0)
            return -1;
    }
    return 0;
}

struct bucket_rows { struct sql_batch batch; int64_t run; const char *stage; int failed; };

static void put_bucket(void *user, int64_t lo, int64_t hi, uint64_t n)
{
    struct bucket_rows *b = user;

    if (!b->failed)
        b->failed = ROW(&b->batch, INT(b->run), TEXT(b->stage), INT(lo), INT(hi), U64(n));
}

static int put_buckets(struct store *s, int64_t run, const struct result_stage *stage)
{
    static const struct sql_insert insert = {
        "INSERT INTO latency_hist(run_id, stage, lo_ps, hi_ps, n) VALUES ", "", 5
    };
    struct bucket_rows rows = { .run = run, .stage = stage->name };

    batch_begin(&rows.batch, s, &insert);
    hist_each(&stage->hist, put_bucket, &rows);
    return rows.failed ? -1 : batch_end(&rows.batch);
}

static struct value quantile_ns(const struct hist *h, double q)
{
    return h->count > 0 ? REAL((double)hist_quantile(h, q) / (double)NS) : TEXT(NULL);
}

static int put_latency(struct store *s, int64_t run, const struct result_stage *stage, int ordinal)
{
    const struct hist *h = &stage->hist;
    struct value none = TEXT(NULL);
    bool any = h->count > 0;

    if (PUT(s, "INSERT INTO latency(run_id, stage, ordinal, n, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns, min_ps,"
            " max_ps, sum_hi, sum_lo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", INT(run),
                TEXT(stage->name),
            INT(ordinal), U64(h->count), any ? REAL(hist_mean(h) / (double)NS) : none, quantile_ns(h, 0.5),
            quantile_ns(h, 0.9), quantile_ns(h, 0.99), quantile_ns(h, 0.999), any ? INT(h->min) : none,
            any ? INT(h->max) : none, U64(h->sum_hi), U64(h->sum_lo)) != 0)
        return -1;
    return put_buckets(s, run, stage);
}

static int put_latencies(struct store *s, int64_t run, const struct result *r)
{
    for (int i = 0; i < r->stages; i++)
        if (put_latency(s, run, &r->stage[i], i) != 0)
            return -1;
    return 0;
}

static int put_cpu_times(struct store *s, int64_t run, const struct result *r)
{
    for (int cpu = 0; cpu < r->cpus; cpu++)
        for (int c = 0; c < RESULT_CONTEXTS; c++)
            if (PUT(s, "INSERT INTO cpu_time(run_id, cpu, context, ps) VALUES (?, ?, ?, ?)", INT(run),
                    INT(cpu), TEXT(result_context_name[c]), INT(r->cpu[cpu].ps[c])) != 0)
                return -1;
    return 0;
}

static const char *kind_name(enum fate_kind kind)
{
    switch (kind) {
    case FATE_KIND_IN_FLIGHT: return "in_flight";
    case FATE_KIND_DELIVERED: return "delivered";
    case FATE_KIND_CONSUMED:  return "consumed";
    case FATE_KIND_DROPPED:   break;
    }
    return "dropped";
}

static int put_fate(struct store *s, int64_t run, int ordinal, const char *scope, enum fate fate,
                    uint64_t frames, uint64_t bytes)
{
    const struct fate_info *info = &fate_info[fate];

    if (frames == 0 && bytes == 0)
        return 0;
    return PUT(s, "INSERT INTO ledger(run_id, ordinal, scope, fate, kind, stage, frames, bytes)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)", INT(run), INT(ordinal), TEXT(scope), TEXT(info->name),
               TEXT(kind_name(info->kind)), TEXT(info->stage), U64(frames), U64(bytes));
}

static int put_ledger(struct store *s, int64_t run, int ordinal, const char *scope,
                      const struct result_ledger *l)
{
    if (PUT(s, "INSERT INTO ledger(run_id, ordinal, scope, fate, kind, frames, bytes)"
            " VALUES (?, ?, ?, 'offered', 'offered', ?, ?)", INT(run), INT(ordinal), TEXT(scope),
                U64(l->offered), U64(l->offered_bytes)) != 0
        || put_fate(s, run, ordinal, scope, FATE_IN_FLIGHT, l->in_flight, l->in_flight_bytes) != 0)
        return -1;
    for (int f = FATE_IN_FLIGHT + 1; f < FATES; f++)
        if (put_fate(s, run, ordinal, scope, (enum fate)f, l->frames[f], l->bytes[f]) != 0)
            return -1;
    return 0;
}

static int put_ledgers(struct store *s, int64_t run, const struct result *r)
{
    if (put_ledger(s, run, 0, "total", &r->ledger) != 0)
        return -1;
    for (int i = 0; i < r->queues; i++)
        if (put_ledger(s, run, i + 1, r->queue[i].scope, &r->queue[i].ledger) != 0)
            return -1;
    return 0;
}

static int put_flows(struct store *s, int64_t run, const struct result *r)
{
    for (int i = 0; i < r->flows; i++) {
        const struct result_flow *f = &r->flow[i];

        if (PUT(s, "INSERT INTO flow(run_id, ordinal, tuple, offered, delivered, consumed, dropped, in_flight)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)", INT(run), INT(i), TEXT(f->tuple), U64(f->offered),
                U64(f->delivered), U64(f->consumed), U64(f->dropped), U64(f->in_flight)) != 0)
            return -1;
    }
    return 0;
}

static int put_polls(struct store *s, int64_t run, const struct result *r)
{
    for (size_t work = 0; work < sizeof r->work_hist / sizeof r->work_hist[0]; work++)
        if (r->work_hist[work] > 0 && PUT(s, "INSERT INTO poll_hist(run_id, work, n) VALUES (?, ?, ?)",
                                          INT(run), INT((int64_t)work), U64(r->work_hist[work])) != 0)
            return -1;
    return 0;
}

/* Whole nanoseconds, rounded down; NULL for a place the frame never got to. */
static struct value when(int64_t ps)
{
    return ps < 0 ? TEXT(NULL) : INT(ps / NS);
}

static struct value where(int number)
{
    return number < 0 ? TEXT(NULL) : INT(number);
}

static int put_packets(struct store *s, int64_t run, const struct result *r)
{
    static const struct sql_insert insert = {
        "INSERT INTO packet(run_id, seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack, t_socket,"
        " t_app, fate) VALUES ", "", 14
    };
    struct sql_batch rows;

    batch_begin(&rows, s, &insert);
    for (int i = 0; i < r->packets; i++) {
        const struct result_packet *p = &r->packet[i];

        if (ROW(&rows, INT(run), U64(p->seq), INT(p->flow), INT(p->len), where(p->queue), where(p->cpu),
                INT(p->t_wire / NS), when(p->t_dma), when(p->t_irq), when(p->t_poll), when(p->t_stack),
                when(p->t_socket), when(p->t_app), TEXT(fate_info[p->fate].name)) != 0)
            return -1;
    }
    return batch_end(&rows);
}

static int put_chunk(struct store *s, int64_t run, int seq, const struct result_chunk *c)
{
    return PUT(s, "INSERT INTO trace_chunk(run_id, seq, t0_ns, t1_ns, n, codec, crc32, data)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)", INT(run), INT(seq), INT(c->t0_ns), INT(c->t1_ns), INT(c->n),
               INT(CHUNK_CODEC), INT(c->crc32), BLOB(c->data, c->size));
}

static int put_chunks(struct store *s, int64_t run, const struct result *r)
{
    for (int i = 0; i < r->chunks; i++)
        if (put_chunk(s, run, i, &r->chunk[i]) != 0)
            return -1;
    return 0;
}

/* A run that was stored without its timelines gets them from a later one that recorded them: same key, same frames. */
static int add_chunks(struct store *s, int64_t run, const struct result *r)
{
    int64_t found;

    if (r->chunks == 0)
        return 0;
    if (sql_number(s, ASK(s, "SELECT 1 FROM trace_chunk WHERE run_id = ? LIMIT 1", INT(run)), 0, &found) != 0)
        return -1;
    return found ? 0 : put_chunks(s, run, r);
}

/* ---- runs ---- */

static void host_name(char name[65])
{
    if (gethostname(name, 65) != 0)
        strcpy(name, "unknown");
    name[64] = '\0';
}

static int put_run(struct store *s, int64_t point, const struct sweep_plan *plan, uint64_t replication,
                   const char *key, const char *fingerprint, const struct result *r, int64_t *id)
{
    char host[65], started[UTC];

    host_name(host);
    utc(r->wall_s, started);
    if (PUT(s, "INSERT INTO run(run_key, point_id, repetition, seed, status, code_version, model_version,"
            " fingerprint, deterministic, sim_ps, warmup_ps, offer_ps, events, polls, irqs, softirq_runs,"
            " time_squeeze, wall_s, host, started_utc)"
            " VALUES (?, ?, ?, ?, 'done', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", TEXT(key),
                INT(point),
            U64(replication), U64(plan->seed), TEXT(rxsim_version()), INT(MODEL_VERSION), TEXT(fingerprint),
            INT(r->deterministic), INT(r->sim_ps), INT(r->warmup_ps), INT(r->offer_ps), U64(r->events),
            U64(r->polls), U64(r->irqs), U64(r->softirq_runs), U64(r->time_squeeze), REAL(r->wall_s),
                TEXT(host), TEXT(started)) != 0)
        return -1;
    *id = sqlite3_last_insert_rowid(s->db);
    return 0;
}

static int put_rows(struct store *s, int64_t run, const struct result *r)
{
    int (*const put[])(struct store *, int64_t, const struct result *) = {
        put_counters, put_metrics, put_latencies, put_cpu_times, put_ledgers, put_flows, put_polls,
            put_packets, put_chunks
    };

    for (size_t i = 0; i < sizeof put / sizeof put[0]; i++)
        if (put[i](s, run, r) != 0)
            return -1;
    return 0;
}

/* A key that is there with another fingerprint means that the numbers are not a function of the key. */
static int check_same(struct store *s, const char *key, const char *fingerprint)
{
    sqlite3_stmt *q = ASK(s,
                          "SELECT id, fingerprint FROM run WHERE run_key = ?1 AND fingerprint <> ?2 LIMIT 1",
                          TEXT(key), TEXT(fingerprint));
    int got = q ? sql_row(s, q) : -1;

    if (got <= 0)
        return got;
    store_fail(s, "run %" PRId64
               " has the same model version, scenario, seed and repetition but fingerprint %s, not "
               "%s; the model changed without a new model version, or is not deterministic: use another file with "
               "--db and report it", (int64_t)sqlite3_column_int64(q, 0), sql_text(q, 1),
               fingerprint);
    sqlite3_reset(q);
    return -1;
}

static int write_run(struct store *s, int64_t experiment, const struct sweep_plan *plan,
                     const struct sweep_point *pt, uint64_t replication, const char *key,
                         const struct result *r,
                     int64_t *id)
{
    char fingerprint[33];
    int64_t point;

    snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64 "%016" PRIx64, r->fingerprint.hi,
             r->fingerprint.lo);
    if (sql_number(s, ASK(s, "SELECT id FROM point WHERE experiment_id = ? AND ordinal = ?", INT(experiment),
                          INT(pt->ordinal)), 0, &point) != 0)
        return -1;
    if (point == 0)
        return store_fail(s, "experiment %" PRId64 " has no point %d", experiment, pt->ordinal);
    if (check_same(s, key, fingerprint) != 0
        || sql_number(s, ASK(s, "SELECT id FROM run WHERE point_id = ? AND repetition = ?", INT(point),
                             U64(replication)), 0, id) != 0)
        return -1;
    if (*id != 0)
        return add_chunks(s, *id, r);   /* stored before; same key, same fingerprint */
    if (put_run(s, point, plan, replication, key, fingerprint, r, id) != 0)
        return -1;
    return put_rows(s, *id, r);
}

int store_run(struct store *s, int64_t experiment, const struct sweep_plan *plan,
              const struct sweep_point *pt,
              uint64_t replication, const char *key, const struct result *r, int64_t *run_id)
{
    char why[256];
    int64_t id = 0;

    if (result_balance(r, why, sizeof why) != 0)
        return store_fail(s, "a run whose books do not balance is not stored: %s", why);
    if (sql_begin(s) != 0
        || sql_end(s, write_run(s, experiment, plan, pt, replication, key, r, &id)) != 0)
        return -1;
    if (run_id)
        *run_id = id;
    return 0;
}

/* ---- the view of a sweep ---- */

/* Appends one column per parameter: in axis order, then by name. Returns 0 or -1. */
static int param_columns(struct store *s, int64_t experiment, sqlite3_str *sql)
{
    sqlite3_stmt *q = ASK(s, "SELECT a.name FROM param a JOIN point p ON p.id = a.point_id"
                          " WHERE p.experiment_id = ? GROUP BY a.name ORDER BY min(a.ordinal), a.name",
                          INT(experiment));
    int got = -1;

    while (q && (got = sql_row(s, q)) > 0) {
        const char *name = sql_text(q, 0);

        sqlite3_str_appendf(sql,
                            ", (SELECT value FROM param WHERE point_id = p.id AND name = %Q) AS \"%w\"", name,
                            name);
    }
    return got;
}

/* Counts are whole numbers to a reader, though metrics are stored as reals. */
static void metric_columns(sqlite3_str *sql)
{
    for (const struct metric_info *m = metric_info; m->name; m++) {
        bool whole = strcmp(m->unit, "count") == 0
            || (strcmp(m->unit, "frames") == 0 && strcmp(m->name, "packets_per_poll") != 0);

        sqlite3_str_appendf(sql, ", (SELECT %s FROM metric WHERE run_id = r.id AND name = %Q) AS \"%w\"",
                            whole ? "CAST(value AS INTEGER)" : "value", m->name, m->name);
    }
}

static int create_view(struct store *s, int64_t experiment)
{
    char view[EXPERIMENT_NAME + 16];
    sqlite3_stmt *q = ASK(s, "SELECT view_name FROM experiment WHERE id = ?", INT(experiment));
    int got = q ? sql_row(s, q) : -1;

    if (got <= 0)
        return got < 0 ? -1 : store_fail(s, "there is no experiment %" PRId64, experiment);
    sql_copy(q, 0, view, sizeof view);
    sqlite3_reset(q);

    /* Subqueries, not a join with GROUP BY: what is not selected is not computed. */
    sqlite3_str *sql = sqlite3_str_new(s->db);
    sqlite3_str_appendf(sql,
                        "DROP VIEW IF EXISTS \"%w\"; CREATE VIEW \"%w\" AS SELECT r.id AS run_id, p.ordinal,"
                        " r.repetition, r.seed", view, view);
    int failed = param_columns(s, experiment, sql);
    metric_columns(sql);
    sqlite3_str_appendf(sql, " FROM run r JOIN point p ON p.id = r.point_id WHERE p.experiment_id = %lld"
                        " AND r.status = 'done'", (long long)experiment);
    char *text = sqlite3_str_finish(sql);
    if (!text)
        return store_fail(s, "out of memory");
    if (!failed)
        failed = sql_exec(s, text);
    sqlite3_free(text);
    return failed;
}

int store_sweep_view(struct store *s, int64_t experiment)
{
    if (sql_begin(s) != 0)
        return -1;
    /* Two points of one sweep may resolve to the same scenario; only the first was run. */
    if (adopt_runs(s, experiment) != 0)
        return sql_end(s, -1);
    return sql_end(s, create_view(s, experiment));
}
