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

static sqlite3_stmt *prepared(struct store *s, const char *text)
{
    for (int i = 0; i < s->n_kept; i++)
        if (s->kept[i].text == text)
            return s->kept[i].statement;

    sqlite3_stmt *q;
    assert(s->n_kept < SQL_KEPT);
    if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK) {
        sql_fail(s);
        return NULL;
    }
    s->kept[s->n_kept].text = text;
    s->kept[s->n_kept++].statement = q;
    return q;
}

static int bind(sqlite3_stmt *q, int i, const struct value *v)
{
    switch (v->type) {
    case VALUE_INTEGER: return sqlite3_bind_int64(q, i, v->integer);
    case VALUE_REAL:    return sqlite3_bind_double(q, i, v->real);
    case VALUE_TEXT:    return sqlite3_bind_text(q, i, v->text, -1, SQLITE_STATIC);
    case VALUE_NULL:    break;
    }
    return sqlite3_bind_null(q, i);
}

sqlite3_stmt *sql_ask(struct store *s, const char *text, const struct value *v, int n)
{
    sqlite3_stmt *q = prepared(s, text);

    if (!q)
        return NULL;
    for (int i = 0; i < n; i++)
        if (bind(q, i + 1, &v[i]) != SQLITE_OK) {
            sql_fail(s);
            return NULL;
        }
    return q;
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

void sql_copy(sqlite3_stmt *q, int column, char *buffer, size_t size)
{
    const unsigned char *text = sqlite3_column_text(q, column);

    snprintf(buffer, size, "%s", text ? (const char *)text : "");
}
