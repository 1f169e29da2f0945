/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/store_fixture.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sim/engine/time.h"
#include "tests/suite.h"

void fixture_make(struct fixture *f)
{
    /* In memory where possible: hundreds of databases are made, and each waits for the disk when it is
     * created. */
    strcpy(f->folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/rxsim-test-XXXXXX" :
           "/tmp/rxsim-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->db, sizeof f->db, "%s/results/test.db", f->folder);
}

/* One level of folders is all the tests make. */
static void remove_all(const char *folder)
{
    DIR *dir = opendir(folder);

    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        char path[FIXTURE_PATH * 3];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (unlink(path) != 0)
            remove_all(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

void fixture_remove(const struct fixture *f)
{
    remove_all(f->folder);
}

/* ---- plans ---- */

static char *format(const char *with, const char *value)
{
    char *text = NULL;

    ck_assert_int_gt(asprintf(&text, "%s%s", with, value), 0);
    return text;
}

void plan_make(struct sweep_plan *p, char *const *ring, int reps, const char *hash)
{
    int n = 0;

    while (ring && ring[n])
        n++;
    memset(p, 0, sizeof *p);
    p->axes = n > 0;
    p->axis = calloc(1, sizeof *p->axis);
    p->axis->key = strdup("nic.ring.rx");
    p->axis->value = (char **)(uintptr_t)ring;
    p->axis->values = n;
    p->points = n > 0 ? n : 1;
    p->point = calloc((size_t)p->points, sizeof *p->point);
    p->reps = reps;
    p->seed = 1;
    snprintf(p->hash, sizeof p->hash, "%s", hash);
    for (int i = 0; i < p->points; i++) {
        struct sweep_point *pt = &p->point[i];
        const char *value = n > 0 ? ring[i] : "512";

        pt->ordinal = i;
        pt->value = calloc(1, sizeof *pt->value);
        pt->value[0] = value;
        pt->label = format("nic.ring.rx=", value);
        ck_assert_int_gt(asprintf(&pt->resolved, "{\"nic.ring.rx\": \"%s\", \"run.duration\": \"50ms\"}",
                                  value), 0);
        snprintf(pt->hash, sizeof pt->hash, "scenario-%s", value);
    }
}

void plan_free(struct sweep_plan *p)
{
    for (int i = 0; i < p->points; i++) {
        free((void *)(uintptr_t)p->point[i].value);
        free(p->point[i].label);
        free(p->point[i].resolved);
    }
    free(p->point);
    free(p->axis->key);
    free(p->axis);
}

void plan_key(const struct sweep_point *pt, uint64_t replication, char key[33])
{
    snprintf(key, 33, "%.20s.%" PRIu64, pt->hash, replication);
}

/* ---- results ---- */

static void put_fate(struct result_ledger *l, enum fate f, uint64_t frames)
{
    l->frames[f] = frames;
    l->bytes[f] = 64 * frames;
    l->offered += frames;
    l->offered_bytes += 64 * frames;
}

static void make_ledgers(struct result *r, uint64_t n)
{
    r->queues = 11;             /* so that "eth0.q10" is one of them: it sorts before "eth0.q2" */
    r->queue = calloc((size_t)r->queues, sizeof *r->queue);
    for (int q = 0; q < r->queues; q++) {
        snprintf(r->queue[q].scope, SCOPE_NAME, "eth0.q%d", q);
        put_fate(&r->queue[q].ledger, FATE_DELIVERED, 10 + n);
        put_fate(&r->queue[q].ledger, FATE_TCP_PURE_ACK, 2);
        put_fate(&r->queue[q].ledger, FATE_RX_NO_DESC, 3 + n % 7);
    }
    put_fate(&r->ledger, FATE_DELIVERED, 11 * (10 + n));
    put_fate(&r->ledger, FATE_TCP_PURE_ACK, 22);
    put_fate(&r->ledger, FATE_RX_NO_DESC, 11 * (3 + n % 7));
    put_fate(&r->ledger, FATE_RX_CRC_ERRORS, 1);
    r->ledger.in_flight = 4;
    r->ledger.in_flight_bytes = 256;
    r->ledger.offered += 4;
    r->ledger.offered_bytes += 256;
}

static void make_counters(struct result *r, uint64_t n)
{
    static const char *const name[] = { "rx_packets", "rx_bytes", "rx_out_of_buffer" };

    r->counters = 33;
    r->counter = calloc((size_t)r->counters, sizeof *r->counter);
    for (int i = 0; i < r->counters; i++) {
        snprintf(r->counter[i].scope, SCOPE_NAME, "eth0.q%d", i / 3);
        r->counter[i].name = name[i % 3];
        r->counter[i].value = i == 5 ? UINT64_MAX - n : n + (uint64_t)i;
    }
}

static void make_stages(struct result *r, uint64_t n)
{
    static const char *const name[] = { "wire-dma", "never", "total" };

    r->stages = 3;
    r->stage = calloc((size_t)r->stages, sizeof *r->stage);
    for (int i = 0; i < r->stages; i++) {
        r->stage[i].name = name[i];
        hist_init(&r->stage[i].hist);
    }
    /* 5 ps to 1 ms: buckets far below a nanosecond and far above */
    for (uint64_t i = 0; i < 80; i++) {
        hist_add(&r->stage[0].hist, (int64_t)(5 + (i * 7 + n) % 200));
        hist_add(&r->stage[2].hist, (int64_t)(1 * NS + (i * i * i * 8 + n) % (1 * MS)));
    }
}

static void make_packets(struct result *r, uint64_t n)
{
    r->packets = 40;
    r->packet = calloc((size_t)r->packets, sizeof *r->packet);
    for (int i = 0; i < r->packets; i++)
        r->packet[i] = (struct result_packet){
            .seq = (uint64_t)i * 1000, .flow = (uint32_t)i, .len = 64, .queue = (int16_t)(i % 3 - 1),
                .cpu = 0,
            .t_wire = 1234567 + i, .t_dma = 1235567, .t_irq = -1, .t_poll = 2000000, .t_stack = 2000999,
            .t_socket = i % 2 ? 2001000 : -1, .t_app = i % 2 ? (int64_t)(3000000 + n) : -1,
            .fate = i % 2 ? FATE_DELIVERED : FATE_RX_NO_DESC,
        };
}

void result_make(struct result *r, uint64_t n)
{
    result_init(r);
    r->fingerprint = (struct fingerprint){ 0xfedcba9876543210 + n, n };
    r->sim_ps = 50 * MS + 1;
    r->warmup_ps = 5 * MS;
    r->offer_ps = 40 * MS;
    r->events = 1000 + n;
    r->wall_s = 0.25;
    make_ledgers(r, n);
    make_counters(r, n);
    make_stages(r, n);
    make_packets(r, n);
    r->flows = 1;
    r->flow = calloc(1, sizeof *r->flow);
    r->flow[0] = (struct result_flow){ "udp 10.0.0.1:9000 > 10.0.0.2:53", 10, 4, 2, 3, 1 };
    r->cpus = 2;
    r->cpu = calloc(2, sizeof *r->cpu);
    for (int c = 0; c < RESULT_CONTEXTS; c++) {
        r->cpu[0].ps[c] = 1000001 * (c + 1);
        r->cpu[1].ps[c] = c == RESULT_IDLE ? 50 * MS + 1 : 0;
    }
    r->work_hist[0] = 3;
    r->work_hist[64] = 5 + n;
    r->work_hist[256] = 1;
    r->polls = 9 + n;
    r->irqs = 8;
    r->softirq_runs = 7;
    r->time_squeeze = 2;
}

/* ---- the store ---- */

struct store *open_store(const char *path, bool write)
{
    struct store *s;

    ck_assert_msg(store_open(&s, path, write) == 0, "%s", store_error(s));
    return s;
}

int64_t store_all(struct store *s, const char *name, const struct sweep_plan *p)
{
    char final[64];
    int64_t id;

    ck_assert_msg(store_experiment(s, name, p->axes ? "sweep" : "run", p, NULL, &id, final) == 0, "%s",
                  store_error(s));
    for (int i = 0; i < p->points; i++)
        for (int rep = 0; rep < p->reps; rep++) {
            struct result r;
            char key[33];

            plan_key(&p->point[i], (uint64_t)rep, key);
            if (store_has_run(s, key))
                continue;
            result_make(&r, (uint64_t)(10 * i + rep));
            ck_assert_msg(store_run(s, id, p, &p->point[i], (uint64_t)rep, key, &r, NULL) == 0, "%s",
                          store_error(s));
            result_free(&r);
        }
    ck_assert_msg(store_sweep_view(s, id) == 0, "%s", store_error(s));
    return id;
}

/* ---- questions through SQLite itself ---- */

static sqlite3_stmt *first_row(const char *path, const char *sql, sqlite3 **db)
{
    sqlite3_stmt *q = NULL;

    ck_assert_int_eq(sqlite3_open(path, db), SQLITE_OK);
    sqlite3_busy_timeout(*db, 5000);
    ck_assert_msg(sqlite3_prepare_v2(*db, sql, -1, &q, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(*db));
    ck_assert_msg(sqlite3_step(q) == SQLITE_ROW, "%s: no row (%s)", sql, sqlite3_errmsg(*db));
    return q;
}

int64_t ask_int(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q = first_row(path, sql, &db);
    int64_t n = sqlite3_column_int64(q, 0);

    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

double ask_real(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q = first_row(path, sql, &db);
    double n = sqlite3_column_double(q, 0);

    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

void ask_text(const char *path, const char *sql, char *text, size_t size)
{
    sqlite3 *db;
    sqlite3_stmt *q = first_row(path, sql, &db);
    const unsigned char *got = sqlite3_column_text(q, 0);

    snprintf(text, size, "%s", got ? (const char *)got : "NULL");
    sqlite3_finalize(q);
    sqlite3_close(db);
}

void check_sound(const char *path)
{
    char text[256];

    ask_text(path, "PRAGMA integrity_check", text, sizeof text);
    ck_assert_str_eq(text, "ok");
    CHECK_EQ(ask_int(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    /* Packets are the last rows of a run, counters the first; a result of result_make has 40 and 33. */
    CHECK_EQ(ask_int(path,
            "SELECT count(*) FROM run r WHERE (SELECT count(*) FROM packet WHERE run_id = r.id) <> 40"
                     " OR (SELECT count(*) FROM counter WHERE run_id = r.id) <> 33"), 0);
}
