/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of sim/store share: the open database, its kept statements, and the sentence of the
 * last error. Nothing outside this folder includes it, but for tests that must reach the connection. */
#ifndef SIM_STORE_SQL_H
#define SIM_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

enum { SQL_KEPT = 96 };         /* distinct statement texts of the folder; an assertion watches it */

struct store {
    sqlite3 *db;
    char *path;
    bool write;
    bool ready;                 /* opened without an error */
    int64_t experiment;         /* last opened by store_experiment, 0 before */
    struct { const void *key; sqlite3_stmt *statement; } kept[SQL_KEPT];
    int n_kept;
    char error[768];
};

/* Sets the sentence, "PATH: ..", and returns -1. */
int store_fail(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same from the database's own state: what happened and what to do. */
int sql_fail(struct store *s);

/* A value to bind. A NULL text is SQL's NULL. Texts and blobs are not copied: they must live until the statement
 * is done. */
struct value {
    enum { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB } type;
    int64_t integer;            /* bytes of a blob */
    double real;
    const char *text;
    const void *blob;
};

static inline struct value INT(int64_t i) { return (struct value){ .type = VALUE_INTEGER, .integer = i }; }
static inline struct value REAL(double r) { return (struct value){ .type = VALUE_REAL, .real = r }; }
static inline struct value TEXT(const char *t)
{
    return (struct value){ .type = t ? VALUE_TEXT : VALUE_NULL, .text = t };
}
static inline struct value BLOB(const void *data, size_t size)
{
    return (struct value){ .type = VALUE_BLOB, .integer = (int64_t)size, .blob = data };
}
/* SQLite's integers are signed; counts beyond 2^63 come back the same through COLUMN_U64. */
static inline struct value U64(uint64_t u) { return INT((int64_t)u); }
#define COLUMN_U64(q, i)  ((uint64_t)sqlite3_column_int64((q), (i)))

/* A statement without rows. `text` must be a string that stays at its address: it is the key under which the
 * prepared statement is kept. */
int sql_put(struct store *s, const char *text, const struct value *v, int n);
#define PUT(s, text, ...) \
    sql_put((s), (text), (const struct value[]){ __VA_ARGS__ }, \
            (int)(sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value)))

/* Rows of one table in bulk: SQL_BATCH rows a statement cost less than half of one row a statement.
 * Texts must live until batch_end. Both return 0 or -1. */
enum { SQL_BATCH = 16, SQL_COLUMNS = 14 };
struct sql_insert {
    const char *into;           /* "INSERT INTO t(a, b) VALUES " */
    const char *then;           /* "ON CONFLICT .." or "" */
    int columns;
};
struct sql_batch {
    struct store *s;
    const struct sql_insert *insert;    /* static: its address is the key of the kept statement */
    int rows;
    struct value v[SQL_BATCH * SQL_COLUMNS];
};
void batch_begin(struct sql_batch *b, struct store *s, const struct sql_insert *insert);
int batch_row(struct sql_batch *b, const struct value *v, int columns);
#define ROW(b, ...) \
    batch_row((b), (const struct value[]){ __VA_ARGS__ }, \
              (int)(sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value)))
int batch_end(struct sql_batch *b);

/* A statement with rows: bind with ASK (NULL on error), then sql_row until it gives 0 (no more) or -1. The
 * statement is reset then; a loop left early must call sqlite3_reset. */
sqlite3_stmt *sql_ask(struct store *s, const char *text, const struct value *v, int n);
#define ASK(s, text, ...) \
    sql_ask((s), (text), (const struct value[]){ __VA_ARGS__ }, \
            (int)(sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value)))
int sql_row(struct store *s, sqlite3_stmt *q);
/* The first column of the first row as a number, `otherwise` if there is no row. */
int sql_number(struct store *s, sqlite3_stmt *q, int64_t otherwise, int64_t *out);

/* Any number of statements without values, not kept. */
int sql_exec(struct store *s, const char *text);

/* One transaction. sql_end commits if `failed` is 0, else rolls back, keeps the error, and returns -1. */
int sql_begin(struct store *s);
int sql_end(struct store *s, int failed);

void sql_forget(struct store *s);       /* finalizes the kept statements */
void sql_close(struct store *s);        /* the same and closes the connection */

/* A text column, "" for NULL: a damaged file may hold NULL where the schema forbids it. Valid until the
 * next row. */
const char *sql_text(sqlite3_stmt *q, int column);
/* The same into a fixed buffer, cut if too long. */
void sql_copy(sqlite3_stmt *q, int column, char *buffer, size_t size);

#endif
