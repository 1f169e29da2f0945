/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user asks in SQL, answered from a connection that cannot change anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/store/sql.h"
#include "sim/store/store.h"

enum { BLOB_TEXT = 40 };

struct answer {
    sqlite3_stmt *q;
    int columns;
    const char **name;
    struct query_cell *cell;
    char (*blob)[BLOB_TEXT];
};

/* SQLite's own words: the user wrote what they are about. */
static int wrong(struct store *s)
{
    store_fail(s, "%s", sqlite3_errmsg(s->db));
    return 1;
}

static int only_one(struct store *s, const char *rest)
{
    /* A semicolon and a remark may end it. */
    sqlite3_stmt *more = NULL;
    int code = sqlite3_prepare_v2(s->db, rest, -1, &more, NULL);

    sqlite3_finalize(more);
    if (code == SQLITE_OK && !more)
        return 0;
    store_fail(s, "one statement at a time");
    return 1;
}

static int prepare(struct store *s, const char *sql, struct answer *a)
{
    const char *rest;

    if (sqlite3_prepare_v2(s->db, sql, -1, &a->q, &rest) != SQLITE_OK)
        return wrong(s);
    if (a->q && only_one(s, rest) != 0)
        return 1;
    if (a->q && sqlite3_stmt_readonly(a->q) && sqlite3_column_count(a->q) > 0)
        return 0;
    store_fail(s, "only statements that give rows and change nothing are answered: SELECT ..");
    return 1;
}

static int make_room(struct store *s, struct answer *a)
{
    a->columns = sqlite3_column_count(a->q);
    a->name = calloc((size_t)a->columns, sizeof *a->name);
    a->cell = calloc((size_t)a->columns, sizeof *a->cell);
    a->blob = calloc((size_t)a->columns, sizeof *a->blob);
    if (!a->name || !a->cell || !a->blob)
        return store_fail(s, "out of memory");
    for (int i = 0; i < a->columns; i++) {
        a->name[i] = sqlite3_column_name(a->q, i);
        if (!a->name[i])
            return store_fail(s, "out of memory");
    }
    return 0;
}

static struct query_cell cell_of(const struct answer *a, int i)
{
    struct query_cell c = { .type = CELL_TEXT };

    switch (sqlite3_column_type(a->q, i)) {
    case SQLITE_NULL:
        return (struct query_cell){ .type = CELL_NULL, .text = "" };
    case SQLITE_INTEGER:
        c.type = CELL_INTEGER;
        c.integer = sqlite3_column_int64(a->q, i);
        break;
    case SQLITE_FLOAT:
        c.type = CELL_REAL;
        c.real = sqlite3_column_double(a->q, i);
        break;
    case SQLITE_BLOB:
        snprintf(a->blob[i], BLOB_TEXT, "(%d bytes)", sqlite3_column_bytes(a->q, i));
        c.text = a->blob[i];
        return c;
    }
    c.text = sql_text(a->q, i);
    return c;
}

/* The file, the disk or memory, not what was asked. */
static bool of_the_database(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT: case SQLITE_IOERR: case SQLITE_NOTADB: case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_FULL:
    case SQLITE_CANTOPEN: case SQLITE_NOMEM: case SQLITE_PROTOCOL:
        return true;
    default:
        return false;
    }
}

static int read_rows(struct store *s, struct answer *a, const struct query_sink *sink)
{
    int code;

    sink->head(sink->user, a->columns, a->name);
    while ((code = sqlite3_step(a->q)) == SQLITE_ROW) {
        for (int i = 0; i < a->columns; i++)
            a->cell[i] = cell_of(a, i);
        sink->row(sink->user, a->columns, a->cell);
    }
    if (code == SQLITE_DONE)
        return 0;
    return of_the_database(code) ? sql_fail(s) : wrong(s);
}

int store_query(struct store *s, const char *sql, const struct query_sink *sink)
{
    struct answer a = { 0 };
    int outcome = sql_exec(s, "PRAGMA query_only = ON");

    if (outcome == 0)
        outcome = prepare(s, sql, &a);
    if (outcome == 0)
        outcome = make_room(s, &a);
    if (outcome == 0)
        outcome = read_rows(s, &a, sink);
    sqlite3_finalize(a.q);
    free(a.name);
    free(a.cell);
    free(a.blob);
    return outcome;
}
