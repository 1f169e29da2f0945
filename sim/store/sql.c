/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/sql.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

int store_fail(struct store *s, const char *format, ...)
{
    char text[sizeof s->error];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(s->error, sizeof s->error, "%.250s: %.500s", s->path ? s->path : "database", text);
    return -1;
}

/* What the user can do about a failure of SQLite. */
static const char *remedy(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "no space left: nothing of this run was stored; free space and repeat, what is stored is kept";
    case SQLITE_IOERR:
        return "the disk failed or is full: nothing of this run was stored; check the disk and repeat";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another process holds the database; wait for it, or write to a file of your own with --db";
    case SQLITE_READONLY:
        return "the file cannot be written; change its permissions or name another with --db";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return "the file cannot be opened; check the permissions of the file and of its folder";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "the file is damaged; it was left as it is: keep a copy, then try `rxsim doctor` on it";
    case SQLITE_NOMEM:
        return "out of memory";
    default:
        return "this is a defect of rxsim; please report it";
    }
}

int sql_fail(struct store *s)
{
    int code = sqlite3_extended_errcode(s->db), system = sqlite3_system_errno(s->db);
    bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;

    return store_fail(s, "%s (%s): %s", sqlite3_errmsg(s->db),
                      of_system && system != 0 ? strerror(system) : sqlite3_errstr(code), remedy(code));
}

/* ---- statements ---- */

static sqlite3_stmt *find_kept(const struct store *s, const void *key)
{
    for (int i = 0; i < s->n_kept; i++)
        if (s->kept[i].key == key)
            return s->kept[i].statement;
    return NULL;
}

static sqlite3_stmt *prepare(struct store *s, const void *key, const char *text)
{
    sqlite3_stmt *q;

    assert(s->n_kept < SQL_KEPT);
    if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK) {
        sql_fail(s);
        return NULL;
    }
    s->kept[s->n_kept].key = key;
    s->kept[s->n_kept++].statement = q;
    return q;
}

static int bind(sqlite3_stmt *q, int i, const struct value *v)
{
    switch (v->type) {
    case VALUE_INTEGER: return sqlite3_bind_int64(q, i, v->integer);
    case VALUE_REAL:    return sqlite3_bind_double(q, i, v->real);
    case VALUE_TEXT:    return sqlite3_bind_text(q, i, v->text, -1, SQLITE_STATIC);
    case VALUE_BLOB:    return sqlite3_bind_blob64(q, i, v->blob, (sqlite3_uint64)v->integer, SQLITE_STATIC);
    case VALUE_NULL:    break;
    }
    return sqlite3_bind_null(q, i);
}

static int bind_all(struct store *s, sqlite3_stmt *q, const struct value *v, int n)
{
    for (int i = 0; i < n; i++)
        if (bind(q, i + 1, &v[i]) != SQLITE_OK)
            return sql_fail(s);
    return 0;
}

sqlite3_stmt *sql_ask(struct store *s, const char *text, const struct value *v, int n)
{
    sqlite3_stmt *q = find_kept(s, text);

    if (!q)
        q = prepare(s, text, text);
    return q && bind_all(s, q, v, n) == 0 ? q : NULL;
}

int sql_row(struct store *s, sqlite3_stmt *q)
{
    int code = sqlite3_step(q);

    if (code == SQLITE_ROW)
        return 1;
    if (code != SQLITE_DONE)
        sql_fail(s);
    sqlite3_reset(q);
    return code == SQLITE_DONE ? 0 : -1;
}

int sql_put(struct store *s, const char *text, const struct value *v, int n)
{
    sqlite3_stmt *q = sql_ask(s, text, v, n);

    if (!q)
        return -1;
    int got = sql_row(s, q);
    assert(got <= 0);
    return got;
}

/* ---- rows in bulk ---- */

void batch_begin(struct sql_batch *b, struct store *s, const struct sql_insert *insert)
{
    assert(insert->columns <= SQL_COLUMNS);
    b->s = s;
    b->insert = insert;
    b->rows = 0;
}

/* "INSERT INTO t(a, b) VALUES (?,?),(?,?) ON CONFLICT .." for so many rows. */
static sqlite3_stmt *prepare_insert(struct store *s, const void *key, const struct sql_insert *insert,
                                    int rows)
{
    sqlite3_str *sql = sqlite3_str_new(s->db);

    sqlite3_str_appendall(sql, insert->into);
    for (int i = 0; i < rows * insert->columns; i++)
        sqlite3_str_appendall(sql, i == 0 ? "(?" : i % insert->columns == 0 ? "),(?" : ",?");
    sqlite3_str_appendf(sql, ") %s", insert->then);

    char *text = sqlite3_str_finish(sql);
    sqlite3_stmt *q = text ? prepare(s, key, text) : NULL;
    if (!text)
        store_fail(s, "out of memory");
    sqlite3_free(text);
    return q;
}

/* One kept statement for full batches and one for a single row: the remainder goes row by row. */
static int insert_rows(struct store *s, const struct sql_insert *insert, const struct value *v, int rows)
{
    const void *key = rows == 1 ? (const void *)&insert->columns : (const void *)insert;
    sqlite3_stmt *q = find_kept(s, key);

    if (!q)
        q = prepare_insert(s, key, insert, rows);
    if (!q || bind_all(s, q, v, rows * insert->columns) != 0)
        return -1;
    return sql_row(s, q);
}

int batch_row(struct sql_batch *b, const struct value *v, int columns)
{
    assert(columns == b->insert->columns);
    memcpy(b->v + b->rows * columns, v, (size_t)columns * sizeof *v);
    if (++b->rows < SQL_BATCH)
        return 0;
    b->rows = 0;
    return insert_rows(b->s, b->insert, b->v, SQL_BATCH);
}

int batch_end(struct sql_batch *b)
{
    for (int i = 0; i < b->rows; i++)
        if (insert_rows(b->s, b->insert, b->v + i * b->insert->columns, 1) != 0)
            return -1;
    return 0;
}

/* ---- conveniences ---- */

int sql_number(struct store *s, sqlite3_stmt *q, int64_t otherwise, int64_t *out)
{
    int got = q ? sql_row(s, q) : -1;

    if (got < 0)
        return -1;
    *out = got ? sqlite3_column_int64(q, 0) : otherwise;
    sqlite3_reset(q);
    return 0;
}

int sql_exec(struct store *s, const char *text)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_fail(s);
}

/* IMMEDIATE: waits for its turn here, under the busy timeout, and not in the middle. */
int sql_begin(struct store *s)
{
    return sql_exec(s, "BEGIN IMMEDIATE");
}

int sql_end(struct store *s, int failed)
{
    if (!failed)
        failed = sql_exec(s, "COMMIT");
    /* Some errors (disk full, I/O) have rolled back already. */
    if (failed && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return failed ? -1 : 0;
}

void sql_forget(struct store *s)
{
    for (int i = 0; i < s->n_kept; i++)
        sqlite3_finalize(s->kept[i].statement);
    s->n_kept = 0;
}

void sql_close(struct store *s)
{
    sql_forget(s);
    sqlite3_close(s->db);
    s->db = NULL;
}

const char *sql_text(sqlite3_stmt *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q, column);

    return text ? (const char *)text : "";
}

void sql_copy(sqlite3_stmt *q, int column, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", sql_text(q, column));
}
