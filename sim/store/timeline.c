/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/timeline.h"

#include <stdbool.h>
#include <string.h>

#include "sim/store/chunk_scan.h"
#include "sim/store/vtab.h"

/* ORDER: run_id, then as enum chunk_column, then what is computed. */
enum { COLUMN_RUN, COLUMN_FIRST, COLUMN_LATENCY = COLUMN_FIRST + CHUNK_COLUMNS };

struct cursor {
    sqlite3_vtab_cursor base;
    bool done;
    uint32_t row;               /* in the chunk */
    int64_t rowid;
    struct chunk_scan scan;
};

static int connect(sqlite3 *db, void *unused, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    (void)unused, (void)argc, (void)argv, (void)error;
    return vtab_connect(db, "CREATE TABLE x(run_id INTEGER, seq INTEGER, flow INTEGER, len INTEGER,"
                            " queue INTEGER, cpu INTEGER, t_wire INTEGER, t_dma INTEGER, t_irq INTEGER,"
                            " t_poll INTEGER, t_stack INTEGER, t_socket INTEGER, t_app INTEGER, fate TEXT,"
                            " latency INTEGER)", out);
}

/* ---- planning ---- */

/* What the filter gets, in this order: bits of idxNum. */
enum { GIVEN_RUN = 1, GIVEN_LOWER = 2, GIVEN_UPPER = 4 };

static int given_by(const struct sqlite3_index_constraint *c)
{
    if (!c->usable)
        return 0;
    if (c->iColumn == COLUMN_RUN && c->op == SQLITE_INDEX_CONSTRAINT_EQ)
        return GIVEN_RUN;
    if (c->iColumn != COLUMN_FIRST + CHUNK_T_WIRE)
        return 0;
    switch (c->op) {
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
        return GIVEN_LOWER;
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
        return GIVEN_UPPER;
    default:
        return 0;
    }
}

/* The first constraint of a kind; SQLite itself checks the others, and those on t_wire again row by row. */
static int take(sqlite3_index_info *info, int kind, int next)
{
    for (int i = 0; i < info->nConstraint; i++)
        if (given_by(&info->aConstraint[i]) == kind) {
            info->aConstraintUsage[i].argvIndex = next;
            info->aConstraintUsage[i].omit = kind == GIVEN_RUN;
            info->idxNum |= kind;
            return next + 1;
        }
    return next;
}

static unsigned columns_of(uint64_t used)
{
    unsigned want = (unsigned)(used >> COLUMN_FIRST) & CHUNK_ALL;

    /* Bit 63 stands for all columns from there on, of which there are none. */
    if (used >> COLUMN_LATENCY & 1)
        want |= 1U << CHUNK_T_WIRE | 1U << CHUNK_T_APP;
    return want;
}

/* Costs are rows, roughly: SQLite only compares them. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int next = 1;

    (void)table;
    for (int kind = GIVEN_RUN; kind <= GIVEN_UPPER; kind *= 2)
        next = take(info, kind, next);
    info->estimatedCost = info->idxNum & GIVEN_RUN ? 1e6 : 1e9;
    if (info->idxNum & GIVEN_LOWER)
        info->estimatedCost /= 4;
    if (info->idxNum & GIVEN_UPPER)
        info->estimatedCost /= 4;
    info->estimatedRows = (sqlite3_int64)info->estimatedCost;
    info->idxStr = sqlite3_mprintf("%u", columns_of(info->colUsed));
    info->needToFreeIdxStr = 1;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- reading ---- */

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    struct cursor *c = sqlite3_malloc64(sizeof *c);

    (void)table;
    if (!c)
        return SQLITE_NOMEM;
    memset(&c->base, 0, sizeof c->base);
    c->scan.q = NULL;
    c->done = true;
    *out = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    struct cursor *c = (struct cursor *)cursor;

    chunk_scan_end(&c->scan);
    sqlite3_free(c);
    return SQLITE_OK;
}

static int next_chunk(struct cursor *c)
{
    int code = chunk_scan_next(&c->scan);

    c->row = 0;
    c->done = code != SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return SQLITE_OK;
    if (c->scan.error[0])
        c->base.pVtab->zErrMsg = sqlite3_mprintf("%s", c->scan.error);
    return code;
}

static unsigned number_of(const char *digits)
{
    unsigned n = 0;

    while (*digits)
        n = 10 * n + (unsigned)(*digits++ - '0');
    return n;
}

static int filter(sqlite3_vtab_cursor *cursor, int given, const char *columns, int argc, sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)cursor;
    sqlite3 *db = ((struct vtab *)cursor->pVtab)->db;
    /* ORDER: as GIVEN_RUN, GIVEN_LOWER, GIVEN_UPPER. */
    static const int parameter[] = { SCAN_RUN, SCAN_LOWER, SCAN_UPPER };

    (void)argc;
    chunk_scan_end(&c->scan);
    c->rowid = 0;
    int code = chunk_scan_begin(&c->scan, db, number_of(columns), given & GIVEN_RUN);
    for (int i = 0; i < 3 && code == SQLITE_OK; i++)
        if (given >> i & 1)
            code = sqlite3_bind_value(c->scan.q, parameter[i], *argv++);
    if (code == SQLITE_OK)
        return next_chunk(c);
    cursor->pVtab->zErrMsg = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return code;
}

static int next(sqlite3_vtab_cursor *cursor)
{
    struct cursor *c = (struct cursor *)cursor;

    c->rowid++;
    return ++c->row < c->scan.chunk.n ? SQLITE_OK : next_chunk(c);
}

static int at_end(sqlite3_vtab_cursor *cursor)
{
    return ((struct cursor *)cursor)->done;
}

static void give(sqlite3_context *to, int64_t value, bool is_null)
{
    if (is_null)
        sqlite3_result_null(to);
    else
        sqlite3_result_int64(to, value);
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *to, int i)
{
    const struct cursor *c = (struct cursor *)cursor;
    const struct chunk *k = &c->scan.chunk;

    if (i == COLUMN_RUN) {
        sqlite3_result_int64(to, c->scan.run_id);
    } else if (i == COLUMN_LATENCY) {
        int64_t end = k->column[CHUNK_T_APP][c->row];
        give(to, end - k->column[CHUNK_T_WIRE][c->row], end < 0);
    } else if (i == COLUMN_FIRST + CHUNK_FATE) {
        sqlite3_result_text(to, fate_info[k->fate[c->row]].name, -1, SQLITE_STATIC);
    } else {
        int64_t value = k->column[i - COLUMN_FIRST][c->row];
        give(to, value, value < 0 && i > COLUMN_FIRST + CHUNK_LEN && i != COLUMN_FIRST + CHUNK_T_WIRE);
    }
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = ((struct cursor *)cursor)->rowid;
    return SQLITE_OK;
}

/* Without xCreate the table is there under its own name and no other. */
const sqlite3_module timeline_module = {
    .xConnect = connect, .xBestIndex = best_index, .xDisconnect = vtab_disconnect, .xOpen = open_cursor,
    .xClose = close_cursor, .xFilter = filter, .xNext = next, .xEof = at_end, .xColumn = column, .xRowid = rowid,
};

int timeline_register(sqlite3 *db)
{
    int code = sqlite3_create_module(db, "timeline", &timeline_module, NULL);

    return code != SQLITE_OK ? code : sqlite3_create_module(db, "timeline_quantile", &timeline_quantile_module, NULL);
}

#ifdef RXSIM_EXTENSION
const sqlite3_api_routines *sqlite3_api;

/* SQLite makes this name of the file's, rxsim_timeline. */
__attribute__((visibility("default")))
int sqlite3_rxsimtimeline_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);
int sqlite3_rxsimtimeline_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    (void)error;
    sqlite3_api = api;
    return timeline_register(db);
}
#endif
