/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding runs by what a user calls them, and loading one back as it was. */
#include "sim/store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/time.h"
#include "sim/store/axis.h"
#include "sim/store/sql.h"

/* Room for one more behind `n` elements: doubles whenever n is a power of two. Returns NULL when out of
 * memory; the old array is then still the caller's. */
static void *room(void *array, int n, size_t size)
{
    if (n > 0 && (n & (n - 1)) != 0)
        return array;
    return realloc(array, (n > 0 ? 2 * (size_t)n : 1) * size);
}

/* ROOM(s, array, n): makes array[n] usable, or returns -1 from the caller's function after resetting q. */
#define ROOM(s, q, array, n) \
    do { \
        void *more_ = room((array), (n), sizeof *(array)); \
        if (!more_) { \
            sqlite3_reset(q); \
            return store_fail((s), "out of memory"); \
        } \
        (array) = more_; \
    } while (0)

/* ---- finding ---- */

void run_set_free(struct run_set *r)
{
    free(r->id);
    r->id = NULL;
    r->n = 0;
}

/* "last", "last~2": how far back, or -1 if the name is not of this form. */
static int64_t steps_back(const char *name)
{
    char *end;

    if (strcmp(name, "last") == 0)
        return 0;
    if (strncmp(name, "last~", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    int64_t n = strtoll(name + 5, &end, 10);
    return *end == '\0' ? n : -1;
}

static int find_experiment(struct store *s, const char *name, int64_t *id)
{
    int64_t back = steps_back(name);
    sqlite3_stmt *q = back >= 0
        ? ASK(s, "SELECT id FROM experiment e WHERE EXISTS (SELECT 1 FROM point p JOIN run r ON r.point_id = p.id"
              " WHERE p.experiment_id = e.id) ORDER BY touched DESC, id DESC LIMIT 1 OFFSET ?", INT(back))
        : ASK(s, "SELECT id FROM experiment WHERE name = ?", TEXT(name));

    if (sql_number(s, q, 0, id) != 0)
        return -1;
    if (*id != 0)
        return 0;
    if (back >= 0)
        return store_fail(s,
                "there are not so many experiments with runs as %s asks for; `rxsim list` shows them",
                          name);
    return store_fail(s, "there is no experiment called %s; `rxsim list` shows what there is", name);
}

static int add_runs(struct store *s, sqlite3_stmt *q, struct run_set *out)
{
    int got = -1;

    while (q && (got = sql_row(s, q)) > 0) {
        ROOM(s, q, out->id, out->n);
        out->id[out->n++] = sqlite3_column_int64(q, 0);
    }
    return got;
}

static int find_run_id(struct store *s, const char *name, struct run_set *out)
{
    errno = 0;
    int64_t id = strtoll(name, NULL, 10);

    if (errno != 0)
        id = -1;
    if (add_runs(s, ASK(s, "SELECT id FROM run WHERE id = ?", INT(id)), out) != 0)
        return -1;
    if (out->n == 0)
        return store_fail(s, "there is no run %s; `rxsim list` shows what there is", name);
    snprintf(out->what, sizeof out->what, "run %s", name);
    return 0;
}

/* A whole number up to `end`, -1 if it is none. */
static int64_t whole_number(const char *text, const char *end)
{
    int64_t n = 0;

    if (text == end || end - text > 9)
        return -1;
    for (const char *p = text; p < end; p++) {
        if (*p < '0' || *p > '9')
            return -1;
        n = n * 10 + (*p - '0');
    }
    return n;
}

/* "3" or "3/1" behind the first slash. */
static int find_point(struct store *s, const char *name, const char *rest, int64_t experiment,
                      struct run_set *out)
{
    const char *slash = strchr(rest, '/');
    int64_t ordinal = whole_number(rest, slash ? slash : rest + strlen(rest));
    int64_t repetition = slash ? whole_number(slash + 1, slash + strlen(slash)) : 0;

    if (ordinal < 0 || repetition < 0)
        return store_fail(s, "%s is not of the form EXPERIMENT/POINT or EXPERIMENT/POINT/REPETITION", name);
    return add_runs(s, slash
        ? ASK(s, "SELECT r.id FROM run r JOIN point p ON p.id = r.point_id WHERE p.experiment_id = ? AND"
              " p.ordinal = ? AND r.repetition = ?", INT(experiment), INT(ordinal), INT(repetition))
        : ASK(s, "SELECT r.id FROM run r JOIN point p ON p.id = r.point_id WHERE p.experiment_id = ? AND"
              " p.ordinal = ? ORDER BY r.repetition", INT(experiment), INT(ordinal)), out);
}

static int find_in_experiment(struct store *s, const char *name, struct run_set *out)
{
    const char *slash = strchr(name, '/');
    char *head = slash ? strndup(name, (size_t)(slash - name)) : strdup(name);
    int64_t experiment;

    if (!head)
        return store_fail(s, "out of memory");
    int failed = find_experiment(s, head, &experiment);
    free(head);
    if (failed)
        return -1;

    sqlite3_stmt *q = ASK(s, "SELECT name FROM experiment WHERE id = ?", INT(experiment));
    if (!q || sql_row(s, q) <= 0)
        return -1;
    snprintf(out->what, sizeof out->what, "%.64s%.60s", sql_text(q, 0), slash ? slash : "");
    sqlite3_reset(q);

    failed = slash ? find_point(s, name, slash + 1, experiment, out)
                   : add_runs(s, ASK(s, "SELECT r.id FROM run r JOIN point p ON p.id = r.point_id"
                                     " WHERE p.experiment_id = ? ORDER BY p.ordinal, r.repetition",
                                         INT(experiment)), out);
    if (!failed && out->n == 0)
        return store_fail(s, "%s has no stored run", out->what);
    return failed;
}

int store_find(struct store *s, const char *name, struct run_set *out)
{
    bool is_id = name[0] != '\0' && strspn(name, "0123456789") == strlen(name);

    memset(out, 0, sizeof *out);
    int failed = is_id ? find_run_id(s, name, out) : find_in_experiment(s, name, out);
    if (failed)
        run_set_free(out);
    return failed;
}

/* ---- loading ---- */

struct stored_name {
    struct stored_name *next;
    char text[];
};

/* Keeps a copy of column `column` as long as the run; NULL when out of memory. Rows come grouped, so
 * equal names are often neighbours and share one copy. */
static const char *keep_name(struct stored_run *run, sqlite3_stmt *q, int column)
{
    const char *text = sql_text(q, column);
    size_t size = strlen(text) + 1;

    if (run->names && strcmp(run->names->text, text) == 0)
        return run->names->text;

    struct stored_name *name = malloc(sizeof *name + size);
    if (!name)
        return NULL;
    memcpy(name->text, text, size);
    name->next = run->names;
    run->names = name;
    return name->text;
}

static int keep_failed(struct store *s, sqlite3_stmt *q)
{
    sqlite3_reset(q);
    return store_fail(s, "out of memory");
}

static int damaged(struct store *s, const struct stored_run *run, sqlite3_stmt *q, const char *what)
{
    sqlite3_reset(q);
    return store_fail(s, "run %" PRId64 " has %s; `rxsim doctor` checks the file", run->id, what);
}

static int load_head(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    sqlite3_stmt *q = ASK(s,
        "SELECT r.point_id, e.id, e.name, p.label, e.source_name, r.run_key, r.fingerprint, r.code_version,"
        " r.started_utc, p.ordinal, r.repetition, r.model_version, r.seed, r.deterministic, r.sim_ps, r.warmup_ps,"
        " r.offer_ps, r.events, r.polls, r.irqs, r.softirq_runs, r.time_squeeze, r.wall_s"
        " FROM run r JOIN point p ON p.id = r.point_id JOIN experiment e ON e.id = p.experiment_id WHERE r.id = ?",
        INT(run->id));
    int got = q ? sql_row(s, q) : -1;

    if (got < 0)
        return -1;
    if (got == 0)
        return store_fail(s, "there is no run %" PRId64 "; `rxsim list` shows what there is", run->id);
    run->point_id = sqlite3_column_int64(q, 0);
    run->experiment_id = sqlite3_column_int64(q, 1);
    sql_copy(q, 2, run->experiment, sizeof run->experiment);
    sql_copy(q, 3, run->label, sizeof run->label);
    sql_copy(q, 4, run->scenario, sizeof run->scenario);
    sql_copy(q, 5, run->key, sizeof run->key);
    sql_copy(q, 6, run->fingerprint, sizeof run->fingerprint);
    sql_copy(q, 7, run->code_version, sizeof run->code_version);
    sql_copy(q, 8, run->started, sizeof run->started);
    run->ordinal = sqlite3_column_int(q, 9);
    run->repetition = sqlite3_column_int(q, 10);
    run->model_version = sqlite3_column_int(q, 11);
    run->seed = COLUMN_U64(q, 12);
    r->deterministic = sqlite3_column_int(q, 13) != 0;
    r->sim_ps = sqlite3_column_int64(q, 14);
    r->warmup_ps = sqlite3_column_int64(q, 15);
    r->offer_ps = sqlite3_column_int64(q, 16);
    r->events = COLUMN_U64(q, 17);
    r->polls = COLUMN_U64(q, 18);
    r->irqs = COLUMN_U64(q, 19);
    r->softirq_runs = COLUMN_U64(q, 20);
    r->time_squeeze = COLUMN_U64(q, 21);
    r->wall_s = sqlite3_column_double(q, 22);
    sqlite3_reset(q);
    if (sscanf(run->fingerprint, "%16" SCNx64 "%16" SCNx64, &r->fingerprint.hi, &r->fingerprint.lo) != 2)
        return damaged(s, run, q, "no fingerprint");
    return 0;
}

static int load_counters(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    sqlite3_stmt *q = ASK(s, "SELECT scope, name, value FROM counter WHERE run_id = ? ORDER BY ordinal",
                          INT(run->id));
    int got = -1;

    while (q && (got = sql_row(s, q)) > 0) {
        ROOM(s, q, r->counter, r->counters);
        struct result_counter *c = &r->counter[r->counters];
        sql_copy(q, 0, c->scope, sizeof c->scope);
        c->name = keep_name(run, q, 1);
        c->value = COLUMN_U64(q, 2);
        if (!c->name)
            return keep_failed(s, q);
        r->counters++;
    }
    return got;
}

static int load_stages(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    sqlite3_stmt *q = ASK(s, "SELECT stage, n, min_ps, max_ps, sum_hi, sum_lo FROM latency WHERE run_id = ?"
                          " ORDER BY ordinal", INT(run->id));
    int got = -1;

    while (q && (got = sql_row(s, q)) > 0) {
        ROOM(s, q, r->stage, r->stages);
        struct result_stage *stage = &r->stage[r->stages];
        struct hist *h = &stage->hist;

        hist_init(h);
        stage->name = keep_name(run, q, 0);
        if (!stage->name)
            return keep_failed(s, q);
        r->stages++;
        h->count = COLUMN_U64(q, 1);
        if (h->count > 0) {     /* else hist_init's own minimum and maximum stand */
            h->min = sqlite3_column_int64(q, 2);
            h->max = sqlite3_column_int64(q, 3);
        }
        h->sum_hi = COLUMN_U64(q, 4);
        h->sum_lo = COLUMN_U64(q, 5);
    }
    return got;
}

/* Puts `n` samples into the bucket that begins at `lo`, as hist_add would one by one; count, sum and
 * extremes are known exactly from elsewhere. */
static void fill_bucket(struct hist *h, int64_t lo, uint64_t n)
{
    *hist_bucket(h, (uint64_t)lo) += n;
}

static int load_buckets(struct store *s, struct stored_run *run, struct result_stage *stage)
{
    uint64_t sum = 0;
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT lo_ps, n FROM latency_hist WHERE run_id = ? AND stage = ?", INT(run->id),
                          TEXT(stage->name));

    while (q && (got = sql_row(s, q)) > 0) {
        int64_t lo = sqlite3_column_int64(q, 0);
        uint64_t n = COLUMN_U64(q, 1);

        if (lo < 0)
            return damaged(s, run, q, "a latency below zero");
        fill_bucket(&stage->hist, lo, n);
        sum += n;
    }
    if (got == 0 && sum != stage->hist.count)
        return damaged(s, run, q, "a histogram that does not sum to its count");
    return got;
}

static int load_latencies(struct store *s, struct stored_run *run)
{
    if (load_stages(s, run) != 0)
        return -1;
    for (int i = 0; i < run->result.stages; i++)
        if (load_buckets(s, run, &run->result.stage[i]) != 0)
            return -1;
    return 0;
}

static int find_context(const char *name)
{
    for (int c = 0; c < RESULT_CONTEXTS; c++)
        if (strcmp(result_context_name[c], name) == 0)
            return c;
    return -1;
}

static int load_cpu_times(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT cpu, context, ps FROM cpu_time WHERE run_id = ? ORDER BY cpu",
                          INT(run->id));

    while (q && (got = sql_row(s, q)) > 0) {
        int cpu = sqlite3_column_int(q, 0), context = find_context(sql_text(q, 1));

        if (context < 0 || cpu < r->cpus - 1 || cpu > r->cpus)
            return damaged(s, run, q, "CPU times of an unknown context or CPU");
        if (cpu == r->cpus) {
            ROOM(s, q, r->cpu, r->cpus);
            memset(&r->cpu[r->cpus++], 0, sizeof *r->cpu);
        }
        r->cpu[cpu].ps[context] = sqlite3_column_int64(q, 2);
    }
    return got;
}

static int find_fate(const char *name)
{
    for (int f = 0; f < FATES; f++)
        if (strcmp(fate_info[f].name, name) == 0)
            return f;
    return -1;
}

/* The ledger of an ordinal: 0 is the total, then the queues in order, each appended when first met. */
static struct result_ledger *ledger_at(struct result *r, int ordinal, sqlite3_stmt *q)
{
    if (ordinal == 0)
        return &r->ledger;
    if (ordinal == r->queues + 1) {
        void *more = room(r->queue, r->queues, sizeof *r->queue);

        if (!more)
            return NULL;
        r->queue = more;
        memset(&r->queue[r->queues], 0, sizeof *r->queue);
        sql_copy(q, 1, r->queue[r->queues].scope, SCOPE_NAME);
        r->queues++;
    }
    return ordinal == r->queues ? &r->queue[ordinal - 1].ledger : NULL;
}

static int load_ledgers(struct store *s, struct stored_run *run)
{
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT ordinal, scope, fate, frames, bytes FROM ledger WHERE run_id = ?"
                          " ORDER BY ordinal", INT(run->id));

    while (q && (got = sql_row(s, q)) > 0) {
        struct result_ledger *l = ledger_at(&run->result, sqlite3_column_int(q, 0), q);
        const char *name = sql_text(q, 2);
        int fate = find_fate(name);
        uint64_t frames = COLUMN_U64(q, 3), bytes = COLUMN_U64(q, 4);

        if (!l)
            return damaged(s, run, q, "a ledger out of order, or memory ran out");
        if (strcmp(name, "offered") == 0) {
            l->offered = frames;
            l->offered_bytes = bytes;
        } else if (fate == FATE_IN_FLIGHT) {
            l->in_flight = frames;
            l->in_flight_bytes = bytes;
        } else if (fate > 0) {
            l->frames[fate] = frames;
            l->bytes[fate] = bytes;
        } else {
            return damaged(s, run, q, "an end of frames that this rxsim does not know");
        }
    }
    return got;
}

static int load_flows(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT tuple, offered, delivered, consumed, dropped, in_flight FROM flow"
                          " WHERE run_id = ? ORDER BY ordinal", INT(run->id));

    while (q && (got = sql_row(s, q)) > 0) {
        ROOM(s, q, r->flow, r->flows);
        struct result_flow *f = &r->flow[r->flows++];
        sql_copy(q, 0, f->tuple, sizeof f->tuple);
        f->offered = COLUMN_U64(q, 1);
        f->delivered = COLUMN_U64(q, 2);
        f->consumed = COLUMN_U64(q, 3);
        f->dropped = COLUMN_U64(q, 4);
        f->in_flight = COLUMN_U64(q, 5);
    }
    return got;
}

static int load_polls(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    int64_t works = (int64_t)(sizeof r->work_hist / sizeof r->work_hist[0]);
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT work, n FROM poll_hist WHERE run_id = ?", INT(run->id));

    while (q && (got = sql_row(s, q)) > 0) {
        int64_t work = sqlite3_column_int64(q, 0);

        if (work < 0 || work >= works)
            return damaged(s, run, q, "polls of more work than a poll can do");
        r->work_hist[work] = COLUMN_U64(q, 1);
    }
    return got;
}

static int64_t when(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, column) * NS;
}

static int16_t where(sqlite3_stmt *q, int column)
{
    return (int16_t)(sqlite3_column_type(q, column) == SQLITE_NULL ? -1 : sqlite3_column_int(q, column));
}

static int load_packets(struct store *s, struct stored_run *run)
{
    struct result *r = &run->result;
    int got = -1;
    sqlite3_stmt *q = ASK(s,
            "SELECT seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack, t_socket,"
                          " t_app, fate FROM packet WHERE run_id = ? ORDER BY seq", INT(run->id));

    while (q && (got = sql_row(s, q)) > 0) {
        int fate = find_fate(sql_text(q, 12));

        if (fate < 0)
            return damaged(s, run, q, "a packet whose end this rxsim does not know");
        ROOM(s, q, r->packet, r->packets);
        r->packet[r->packets++] = (struct result_packet){
            .seq = COLUMN_U64(q, 0), .flow = (uint32_t)sqlite3_column_int64(q, 1),
            .len = (uint32_t)sqlite3_column_int64(q, 2), .queue = where(q, 3), .cpu = where(q, 4),
            .t_wire = when(q, 5), .t_dma = when(q, 6), .t_irq = when(q, 7), .t_poll = when(q, 8),
            .t_stack = when(q, 9), .t_socket = when(q, 10), .t_app = when(q, 11), .fate = (enum fate)fate,
        };
    }
    return got;
}

int store_load(struct store *s, int64_t run_id, struct stored_run *out)
{
    int (*const load[])(struct store *, struct stored_run *) = {
        load_head, load_counters, load_latencies, load_cpu_times, load_ledgers, load_flows, load_polls,
            load_packets
    };

    memset(out, 0, sizeof *out);
    result_init(&out->result);
    out->id = run_id;
    for (size_t i = 0; i < sizeof load / sizeof load[0]; i++)
        if (load[i](s, out) != 0) {
            stored_run_free(out);
            return -1;
        }
    return 0;
}

void stored_run_free(struct stored_run *r)
{
    result_free(&r->result);
    while (r->names) {
        struct stored_name *next = r->names->next;

        free(r->names);
        r->names = next;
    }
}

/* ---- parameters and the list ---- */

int store_params(struct store *s, int64_t run_id, param_fn *fn, void *user)
{
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT a.name, a.text, typeof(a.value) FROM param a JOIN run r"
                          " ON r.point_id = a.point_id WHERE r.id = ? ORDER BY a.name", INT(run_id));

    while (q && (got = sql_row(s, q)) > 0) {
        const char *text = sql_text(q, 1);
        const char *type = sql_text(q, 2);
        size_t length = strcmp(type, "text") == 0 ? strlen(text) : axis_number(text);
        char value[512];

        snprintf(value, sizeof value, "%.*s", (int)length, text);
        fn(user, sql_text(q, 0), value, text + length);
    }
    return got;
}

int store_resolved(struct store *s, int64_t run_id, param_fn *fn, void *user)
{
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT j.key, j.value FROM run r JOIN point p ON p.id = r.point_id"
                          " JOIN scenario c ON c.hash = p.scenario_hash, json_each(c.resolved) j"
                          " WHERE r.id = ? ORDER BY j.key", INT(run_id));

    while (q && (got = sql_row(s, q)) > 0)
        fn(user, sql_text(q, 0), sql_text(q, 1), "");
    return got;
}

int store_list(struct store *s, experiment_fn *fn, void *user)
{
    int got = -1;
    sqlite3_stmt *q = sql_ask(s, "SELECT id, name, kind, created_utc, source_name,"
                              " (SELECT count(*) FROM point WHERE experiment_id = e.id),"
                              " (SELECT count(*) FROM run r JOIN point p ON p.id = r.point_id"
                              "  WHERE p.experiment_id = e.id AND r.status = 'done')"
                              " FROM experiment e ORDER BY touched DESC, id DESC", NULL, 0);

    while (q && (got = sql_row(s, q)) > 0) {
        struct experiment_row row = { .id = sqlite3_column_int64(q, 0) };

        sql_copy(q, 1, row.name, sizeof row.name);
        sql_copy(q, 2, row.kind, sizeof row.kind);
        sql_copy(q, 3, row.created, sizeof row.created);
        sql_copy(q, 4, row.scenario, sizeof row.scenario);
        row.points = sqlite3_column_int(q, 5);
        row.runs = sqlite3_column_int(q, 6);
        fn(user, &row);
    }
    return got;
}
