/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim counters: what every counter means and where a Linux user reads it. */
#include <string.h>

#include "models/config.h"
#include "sim/cli/commands.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "markdown", .kind = OPTION_FLAG, .doc = "print the table as Markdown" },
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = { "rxsim counters", "rxsim counters time_squeeze", "rxsim counters Tcp", NULL };

typedef void row_fn(void *user, const struct model_info *m, const struct counter *row);

/* Rows that begin with `prefix`, in packet order. A file may declare its counters to two models: once is enough. */
static int each_row(const char *prefix, row_fn *fn, void *user)
{
    int n = 0;

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_counters; i++)
            if (strncmp((*m)->counters[i].name, prefix, strlen(prefix)) == 0) {
                if (fn)
                    fn(user, *m, &(*m)->counters[i]);
                n++;
            }
    return n;
}

static void add_to_table(void *table, const struct model_info *m, const struct counter *row)
{
    struct table *t = table;

    table_cell(t, "%s", row->name);
    table_cell(t, "%s", row->where);
    table_cell(t, "models/%s.c", m->name);
    table_cell(t, "%s", row->doc);
}

static void add_to_json(void *json, const struct model_info *m, const struct counter *row)
{
    struct json *j = json;

    json_object(j, NULL);
    json_text(j, "name", row->name);
    json_text(j, "where", row->where);
    json_text(j, "doc", row->doc);
    json_text(j, "model", m->name);
    json_end(j);
}

static int unknown(const char *name)
{
    struct near_miss n = { .word = name };

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_counters; i++)
            near_miss_try(&n, (*m)->counters[i].name);
    if (n.best)
        say("there is no counter '%s' (did you mean %s?)", name, n.best);
    else
        say("there is no counter '%s'; `rxsim counters` lists all", name);
    return EXIT_USAGE;
}

static void print_json(const char *prefix)
{
    struct json j;

    json_begin(&j, stdout);
    json_array(&j, NULL);
    each_row(prefix, add_to_json, &j);
    json_finish(&j);
}

static int run(const struct arguments *a)
{
    const char *name = a->n > 0 ? a->positional[0] : "";
    struct table t;

    if (each_row(name, NULL, NULL) == 0)
        return unknown(name);
    if (a->json) {
        print_json(name);
        return EXIT_OK;
    }
    table_init(&t, "counter|where you read it|counted in|what it counts");
    each_row(name, add_to_table, &t);
    if (given(a, "markdown"))
        table_markdown(&t, stdout);
    else
        table_print(&t, 0, stdout);
    table_free(&t);
    return EXIT_OK;
}

const struct command counters_command = {
    .name = "counters", .arguments = "[NAME]", .least = 0, .most = 1,
    .what = "what each counter means and where Linux shows it",
    .about = "Lists all counters, or those whose name begins with NAME.",
    .options = options, .examples = examples, .run = run,
};
