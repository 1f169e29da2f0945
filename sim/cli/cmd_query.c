/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim query: SQL on the database of results, read only. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/commands.h"
#include "sim/cli/session.h"
#include "sim/lab/must.h"
#include "sim/out/csv.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "csv", .kind = OPTION_FLAG, .doc = "print CSV on a terminal too" },
    OPTION_DB,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim query 'SELECT * FROM v_run'",
    "rxsim query 'SELECT ns FROM timeline_quantile(1, \"total\", 0.99)'",
    "rxsim query 'SELECT fate, count(*), avg(latency) FROM timeline WHERE run_id = 1 GROUP BY fate' --csv",
    NULL
};

/* A statement without an answer: said, because an id may be mistaken, or the run's timelines only sampled. */
static void say_no_rows(const char *sql)
{
    if (strstr(sql, "timeline"))
        say("no rows: runs made with `rxsim run SCENARIO --timelines full`, which says their number, have full timelines");
    else
        say("no rows");
}

/* ---- as CSV ---- */

static void csv_head(void *user, int columns, const char *const *name)
{
    (void)user;
    for (int i = 0; i < columns; i++)
        csv_cell(stdout, name[i], i);
    putchar('\n');
}

static void csv_row(void *user, int columns, const struct query_cell *cell)
{
    uint64_t *rows = user;

    ++*rows;
    for (int i = 0; i < columns; i++)
        csv_cell(stdout, cell[i].text, i);
    putchar('\n');
}

static int query_csv(struct store *s, const char *sql)
{
    uint64_t rows = 0;
    int outcome = store_query(s, sql, &(struct query_sink){ csv_head, csv_row, &rows });

    if (outcome == 0 && rows == 0)
        say_no_rows(sql);
    return outcome;
}

/* ---- as JSON: an array of objects ---- */

struct json_rows {
    struct json json;
    const char *const *name;
};

static void json_head(void *user, int columns, const char *const *name)
{
    struct json_rows *r = user;

    (void)columns;
    r->name = name;
    json_begin(&r->json, stdout);
    json_array(&r->json, NULL);
}

static void json_cell(struct json *j, const char *name, const struct query_cell *c)
{
    switch (c->type) {
    case CELL_NULL:     json_null(j, name); break;
    case CELL_INTEGER:  json_int(j, name, c->integer); break;
    case CELL_REAL:     json_real(j, name, c->real); break;
    case CELL_TEXT:     json_text(j, name, c->text); break;
    }
}

static void json_row(void *user, int columns, const struct query_cell *cell)
{
    struct json_rows *r = user;

    json_object(&r->json, NULL);
    for (int i = 0; i < columns; i++)
        json_cell(&r->json, r->name[i], &cell[i]);
    json_end(&r->json);
}

static int query_json(struct store *s, const char *sql)
{
    struct json_rows r = { .name = NULL };
    int outcome = store_query(s, sql, &(struct query_sink){ json_head, json_row, &r });

    if (r.name)
        json_finish(&r.json);
    return outcome;
}

/* ---- as a table ----
 *
 * Widths are known at the end, so that rows are kept: as many as somebody may read. What is a number is known from the
 * first row. */

enum { SHOWN_ROWS = 1000 };

struct table_rows {
    struct table table;
    const char *const *name;
    int rows;
    bool wide, begun;           /* wide: more columns than a table has */
};

static void table_begin(struct table_rows *r, int columns, const struct query_cell *cell)
{
    char *titles = NULL;
    size_t size;
    FILE *text = must(open_memstream(&titles, &size));

    for (int i = 0; i < columns; i++) {
        fputs(i > 0 ? "|" : "", text);
        fputs(cell && (cell[i].type == CELL_INTEGER || cell[i].type == CELL_REAL) ? ">" : "", text);
        for (const char *c = r->name[i]; *c; c++)
            fputc(*c == '|' ? '/' : *c, text);
    }
    fclose(text);
    table_init(&r->table, titles);
    free(titles);
    r->begun = true;
}

static void table_head(void *user, int columns, const char *const *name)
{
    struct table_rows *r = user;

    r->name = name;
    r->wide = columns > TABLE_COLUMNS;
    if (r->wide)
        csv_head(NULL, columns, name);
}

static void table_row(void *user, int columns, const struct query_cell *cell)
{
    struct table_rows *r = user;

    if (r->wide) {
        csv_row(NULL, columns, cell);
        return;
    }
    if (!r->begun)
        table_begin(r, columns, cell);
    if (r->rows++ >= SHOWN_ROWS)
        return;
    for (int i = 0; i < columns; i++)
        table_cell(&r->table, "%s", cell[i].text);
}

static int query_table(struct store *s, const char *sql)
{
    struct table_rows r = { .rows = 0 };
    int outcome = store_query(s, sql, &(struct query_sink){ table_head, table_row, &r });

    if (r.begun) {
        table_print(&r.table, 0, stdout);
        table_free(&r.table);
    } else if (outcome == 0 && !r.wide) {
        say_no_rows(sql);
    }
    if (r.rows > SHOWN_ROWS)
        say("%d of %d rows are shown; --csv prints all", SHOWN_ROWS, r.rows);
    return outcome;
}

/* ---- the command ---- */

static int query(struct store *s, const struct arguments *a)
{
    const char *sql = a->positional[0];

    if (a->json)
        return query_json(s, sql);
    if (given(a, "csv") || !isatty(STDOUT_FILENO))
        return query_csv(s, sql);
    return query_table(s, sql);
}

static int run(const struct arguments *a)
{
    struct store *s;
    int code = session_store(a, false, &s);

    if (code != EXIT_OK)
        return code;
    int outcome = query(s, a);
    if (outcome != 0) {
        say("%s", store_error(s));
        code = outcome > 0 ? EXIT_USAGE : EXIT_IO;
    }
    store_close(s);
    return code;
}

const struct command query_command = {
    .name = "query", .arguments = "SQL", .least = 1, .most = 1,
    .what = "ask the database in SQL, timelines of all frames included",
    .about = "Answers one SELECT: a table on a terminal, else CSV with a title line. Nothing can be changed. Views to begin\n"
             "with: v_run, v_quantile, v_metric_ci, drops, sweep_<name>. Full timelines (`rxsim run --timelines full`) are\n"
             "table timeline, one row per frame, times in ns; timeline_quantile(RUN_ID, STAGE, Q) is quick, and exact to the ns.",
    .options = options, .examples = examples, .run = run,
};
