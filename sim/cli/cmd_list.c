/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim list: the experiments of a database. */
#include <inttypes.h>

#include "sim/cli/commands.h"
#include "sim/cli/session.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    OPTION_DB,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = { "rxsim list", "rxsim list --db other.db --json", NULL };

static void table_row(void *table, const struct experiment_row *e)
{
    struct table *t = table;

    table_cell(t, "%s", e->name);
    table_cell(t, "%s", e->kind);
    table_cell(t, "%d", e->points);
    table_cell(t, "%d", e->runs);
    table_cell(t, "%s", e->created);
    table_cell(t, "%s", e->scenario);
}

static void json_row(void *json, const struct experiment_row *e)
{
    struct json *j = json;

    json_object(j, NULL);
    json_int(j, "id", e->id);
    json_text(j, "name", e->name);
    json_text(j, "kind", e->kind);
    json_int(j, "points", e->points);
    json_int(j, "runs", e->runs);
    json_text(j, "created_utc", e->created);
    json_text(j, "scenario", e->scenario);
    json_end(j);
}

static int list_text(struct store *s)
{
    struct table t;
    int failed;

    table_init(&t, "experiment|kind|>points|>runs|created (UTC)|scenario");
    failed = store_list(s, table_row, &t);
    if (!failed)
        table_print(&t, 0, stdout);
    table_free(&t);
    return failed;
}

static int list_json(struct store *s)
{
    struct json j;
    int failed;

    json_begin(&j, stdout);
    json_array(&j, NULL);
    failed = store_list(s, json_row, &j);
    json_finish(&j);
    return failed;
}

static int run(const struct arguments *a)
{
    struct store *s;
    int code = session_store(a, false, &s);

    if (code != EXIT_OK)
        return code;
    if ((a->json ? list_json(s) : list_text(s)) != 0) {
        say("%s", store_error(s));
        code = EXIT_IO;
    }
    store_close(s);
    return code;
}

const struct command list_command = {
    .name = "list", .arguments = "", .least = 0, .most = 0,
    .what = "list the experiments in the database, newest first",
    .about = "Lists the experiments in the database, newest first.",
    .options = options, .examples = examples, .run = run,
};
