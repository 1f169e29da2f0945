/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline_quantile: latencies of a stage, selected by their digits instead of sorted. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/store/chunk_scan.h"
#include "sim/store/timeline.h"
#include "sim/store/vtab.h"

/* ORDER: stages as in models/host, stage_name. A stage is the time from one column to another; a frame whose poll needed
 * no interrupt of its own was noticed when it was in memory. */
const char *const timeline_stage[TIMELINE_STAGES] = {
    "wire-dma", "dma-irq", "irq-poll", "poll-stack", "stack-socket", "socket-app", "total"
};
static const struct { enum chunk_column from, to; } span[TIMELINE_STAGES] = {
    { CHUNK_T_WIRE, CHUNK_T_DMA }, { CHUNK_T_DMA, CHUNK_T_IRQ }, { CHUNK_T_IRQ, CHUNK_T_POLL },
    { CHUNK_T_POLL, CHUNK_T_STACK }, { CHUNK_T_STACK, CHUNK_T_SOCKET }, { CHUNK_T_SOCKET, CHUNK_T_APP },
    { CHUNK_T_WIRE, CHUNK_T_APP },
};

static int find_stage(const char *name)
{
    for (int i = 0; name && i < TIMELINE_STAGES; i++)
        if (strcmp(timeline_stage[i], name) == 0)
            return i;
    return -1;
}

/* ---- latencies ---- */

struct latencies {
    uint64_t *value;
    size_t n, room;
};

static bool make_room(struct latencies *l, size_t more)
{
    if (l->room - l->n >= more)
        return true;
    size_t room = 2 * l->room + more;
    uint64_t *bigger = realloc(l->value, room * sizeof *bigger);
    if (!bigger)
        return false;
    l->value = bigger;
    l->room = room;
    return true;
}

static inline int64_t time_at(const struct chunk *c, enum chunk_column column, uint32_t i)
{
    int64_t t = c->column[column][i];

    return column == CHUNK_T_IRQ && t < 0 ? c->column[CHUNK_T_DMA][i] : t;
}

/* Frames that were delivered after the warm-up. */
static void add_chunk(struct latencies *l, const struct chunk *c, int stage, int64_t from_ns)
{
    enum chunk_column from = span[stage].from, to = span[stage].to;
    uint64_t *end = l->value + l->n;

    for (uint32_t i = 0; i < c->n; i++) {
        *end = (uint64_t)time_at(c, to, i) - (uint64_t)time_at(c, from, i);
        end += c->fate[i] == FATE_DELIVERED && (from_ns == 0 || c->column[CHUNK_T_WIRE][i] >= from_ns);
    }
    l->n = (size_t)(end - l->value);
}

static unsigned columns_for(int stage, int64_t from_ns)
{
    unsigned want = 1U << span[stage].from | 1U << span[stage].to | 1U << CHUNK_FATE;

    if (want >> CHUNK_T_IRQ & 1)
        want |= 1U << CHUNK_T_DMA;
    return from_ns != 0 ? want | 1U << CHUNK_T_WIRE : want;
}

/* ---- selection ---- */

enum { DIGIT = 12 };            /* bits: its counts stay in the first cache */

static unsigned bits_of_largest(const uint64_t *value, size_t n)
{
    uint64_t any = 1;

    for (size_t i = 0; i < n; i++)
        any |= value[i];
    return 64U - (unsigned)__builtin_clzll(any);
}

static size_t keep_digit(uint64_t *value, size_t n, unsigned shift, size_t digit)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t v = value[i];

        value[kept] = v;
        kept += (v >> shift & ((1U << DIGIT) - 1)) == digit;
    }
    return kept;
}

/* The value of rank `rank` (1 is the least), digit by digit from the top. Reorders the values. */
static uint64_t select_rank(uint64_t *value, size_t n, size_t rank)
{
    unsigned shift = bits_of_largest(value, n);

    do {
        size_t count[1 << DIGIT] = { 0 }, digit = 0;

        shift = shift > DIGIT ? shift - DIGIT : 0;
        for (size_t i = 0; i < n; i++)
            count[value[i] >> shift & ((1U << DIGIT) - 1)]++;
        while (rank > count[digit])
            rank -= count[digit++];
        n = keep_digit(value, n, shift, digit);
    } while (shift > 0 && n > 1);
    return value[0];
}

/* As the engine's histogram ranks: the least value that a share q does not exceed, and q n rounded by a double does not
 * become one more. */
static size_t rank_of(double q, size_t n)
{
    double exact = q * (double)n * (1 - 1e-12);
    size_t rank = exact > 0 ? (size_t)exact : 0;

    if ((double)rank < exact)
        rank++;
    return rank < 1 ? 1 : rank > n ? n : rank;
}

/* ---- the table ---- */

enum { COLUMN_NS, COLUMN_FRAMES, COLUMN_RUN, COLUMN_STAGE, COLUMN_Q };

struct cursor {
    sqlite3_vtab_cursor base;
    bool done;
    int64_t ns, frames, run;
    int stage;
    double q;
};

static int connect(sqlite3 *db, void *unused, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    (void)unused, (void)argc, (void)argv, (void)error;
    return vtab_connect(db, "CREATE TABLE x(ns INTEGER, frames INTEGER, run_id INTEGER HIDDEN,"
                            " stage TEXT HIDDEN, q REAL HIDDEN)", out);
}

/* All three arguments, or there is no way to answer. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int found = 0;

    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        int bit = c->iColumn < COLUMN_RUN ? 0 : 1 << (c->iColumn - COLUMN_RUN);

        if (!c->usable || c->op != SQLITE_INDEX_CONSTRAINT_EQ || bit == 0 || found & bit)
            continue;
        info->aConstraintUsage[i].argvIndex = c->iColumn - COLUMN_RUN + 1;
        info->aConstraintUsage[i].omit = 1;
        found |= bit;
    }
    info->estimatedCost = 1e6;
    info->estimatedRows = 1;
    if (found == 7)
        return SQLITE_OK;
    for (int i = 0; i < info->nConstraint; i++)
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;   /* another order of the join may give them */
    table->zErrMsg = sqlite3_mprintf("timeline_quantile needs a run's id, a stage and a share: timeline_quantile(1, 'total',"
                                     " 0.99)");
    return SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    struct cursor *c = sqlite3_malloc64(sizeof *c);

    (void)table;
    if (!c)
        return SQLITE_NOMEM;
    memset(c, 0, sizeof *c);
    c->done = true;
    *out = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int warmup_ns(sqlite3 *db, sqlite3_value *run, int64_t *ns)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT warmup_ps / 1000 FROM main.run WHERE id = ?", -1, &q, NULL);

    *ns = 0;
    if (code == SQLITE_OK)
        code = sqlite3_bind_value(q, 1, run);
    if (code == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        *ns = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return code;
}

static int gather(struct chunk_scan *s, struct latencies *l, int stage, int64_t from_ns)
{
    int code;

    while ((code = chunk_scan_next(s)) == SQLITE_ROW) {
        if (!make_room(l, s->chunk.n + 1))
            return SQLITE_NOMEM;
        add_chunk(l, &s->chunk, stage, from_ns);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int answer(struct cursor *c, struct chunk_scan *s, sqlite3_value *run)
{
    struct latencies l = { 0 };
    sqlite3 *db = ((struct vtab *)c->base.pVtab)->db;
    int64_t from_ns;
    int code = warmup_ns(db, run, &from_ns);

    s->q = NULL;
    s->error[0] = '\0';
    if (code == SQLITE_OK)
        code = chunk_scan_begin(s, db, columns_for(c->stage, from_ns), true);
    if (code == SQLITE_OK)
        code = sqlite3_bind_value(s->q, SCAN_RUN, run);
    if (code == SQLITE_OK)
        code = gather(s, &l, c->stage, from_ns);
    if (code != SQLITE_OK)
        c->base.pVtab->zErrMsg = sqlite3_mprintf("%s", s->error[0] ? s->error : sqlite3_errmsg(db));
    chunk_scan_end(s);
    c->done = code != SQLITE_OK || l.n == 0;
    c->frames = (int64_t)l.n;
    if (!c->done)
        c->ns = (int64_t)select_rank(l.value, l.n, rank_of(c->q, l.n));
    free(l.value);
    return code;
}

static int filter(sqlite3_vtab_cursor *cursor, int unused, const char *unused_too, int argc, sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)cursor;
    const char *name = (const char *)sqlite3_value_text(argv[1]);
    struct chunk_scan *scan;

    (void)unused, (void)unused_too, (void)argc;
    c->done = true;
    c->run = sqlite3_value_int64(argv[0]);
    c->stage = find_stage(name);
    c->q = sqlite3_value_double(argv[2]);
    if (c->stage < 0 || !(c->q >= 0 && c->q <= 1) || sqlite3_value_numeric_type(argv[2]) == SQLITE_TEXT) {
        cursor->pVtab->zErrMsg = c->stage < 0
            ? sqlite3_mprintf("there is no stage %Q; wire-dma, dma-irq, irq-poll, poll-stack, stack-socket, socket-app, total",
                              name)
            : sqlite3_mprintf("a share is from 0 to 1: 0.99 for the 99th percentile");
        return SQLITE_ERROR;
    }
    scan = malloc(sizeof *scan);
    if (!scan)
        return SQLITE_NOMEM;
    int code = answer(c, scan, argv[0]);
    free(scan);
    return code;
}

static int next(sqlite3_vtab_cursor *cursor)
{
    ((struct cursor *)cursor)->done = true;
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *cursor)
{
    return ((struct cursor *)cursor)->done;
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *to, int i)
{
    const struct cursor *c = (struct cursor *)cursor;

    switch (i) {
    case COLUMN_NS:     sqlite3_result_int64(to, c->ns); break;
    case COLUMN_FRAMES: sqlite3_result_int64(to, c->frames); break;
    case COLUMN_RUN:    sqlite3_result_int64(to, c->run); break;
    case COLUMN_STAGE:  sqlite3_result_text(to, timeline_stage[c->stage], -1, SQLITE_STATIC); break;
    default:            sqlite3_result_double(to, c->q); break;
    }
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    (void)cursor;
    *out = 1;
    return SQLITE_OK;
}

const sqlite3_module timeline_quantile_module = {
    .xConnect = connect, .xBestIndex = best_index, .xDisconnect = vtab_disconnect, .xOpen = open_cursor,
    .xClose = close_cursor, .xFilter = filter, .xNext = next, .xEof = at_end, .xColumn = column, .xRowid = rowid,
};
