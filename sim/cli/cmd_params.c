/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim params: what every parameter means, from the rows the models declare. */
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/cli/param_text.h"
#include "sim/lab/scenario.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "markdown", .kind = OPTION_FLAG, .doc = "print the table as Markdown, as the README has it" },
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = { "rxsim params", "rxsim params nic.coalesce", "rxsim params nic.ring.rx", NULL };

/* ---- printing ---- */

static void print_one(const struct model_info *m, const struct param *row)
{
    char dflt[PARAM_TEXT_SIZE], range[PARAM_TEXT_SIZE];

    printf("%s\n  %s\n\n", row->name, row->doc);
    printf("  default   %s\n", param_default(row, dflt));
    printf("  values    %s\n", param_range(row, range));
    printf("  unit      %s\n", param_unit(row));
    printf("  set for   %s\n", param_scope(m));
    printf("  source    %s\n", row->source);
    printf("  modelled  models/%s.c: %s\n", m->name, m->what);
}

static void json_one(struct json *j, const struct model_info *m, const struct param *row)
{
    char text[PARAM_TEXT_SIZE];

    json_object(j, NULL);
    json_text(j, "name", row->name);
    json_text(j, "default", param_default(row, text));
    json_text(j, "values", param_range(row, text));
    json_text(j, "unit", param_unit(row));
    json_text(j, "scope", param_scope(m));
    json_text(j, "doc", row->doc);
    json_text(j, "source", row->source);
    json_text(j, "model", m->name);
    json_text(j, "step", m->step);
    json_end(j);
}

/* ---- choosing ---- */

typedef void row_fn(void *user, const struct model_info *m, const struct param *row);

/* Calls back for all rows that begin with `prefix`, in packet order. Returns how many. */
static int each_row(const char *prefix, row_fn *fn, void *user)
{
    int n = 0;

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_params; i++)
            if (strncmp((*m)->params[i].name, prefix, strlen(prefix)) == 0) {
                fn(user, *m, &(*m)->params[i]);
                n++;
            }
    return n;
}

struct choice {
    const struct model_info *model;
    const struct param *row;
    const char *exact;          /* only a row of this very name counts */
};

static void choose(void *user, const struct model_info *m, const struct param *row)
{
    struct choice *c = user;

    if (c->exact && strcmp(row->name, c->exact) != 0)
        return;
    c->model = m;
    c->row = row;
}

static void add_to_table(void *table, const struct model_info *m, const struct param *row)
{
    struct table *t = table;
    char text[PARAM_TEXT_SIZE];

    (void)m;
    table_cell(t, "%s", row->name);
    table_cell(t, "%s", param_default(row, text));
    table_cell(t, "%s", param_range(row, text));
    table_cell(t, "%s", row->doc);
}

static void add_to_json(void *json, const struct model_info *m, const struct param *row)
{
    json_one(json, m, row);
}

static void ignore(void *user, const struct model_info *m, const struct param *row)
{
    (void)user;
    (void)m;
    (void)row;
}

/* The parameter called so: by its name in the table, as nic[eth0].ring.rx, or as the only one of its prefix. */
static struct choice find_one(const char *key)
{
    struct choice c = { .exact = key };
    struct param_ref ref;
    char why[256];

    if (!*key)
        return c;
    each_row(key, choose, &c);
    c.exact = NULL;
    if (!c.row && strchr(key, '[') && param_find(key, &ref, why, sizeof why) == 0)
        return (struct choice){ .model = ref.model, .row = ref.row };
    if (!c.row && each_row(key, ignore, NULL) == 1)
        each_row(key, choose, &c);
    return c;
}

static int unknown(const char *key)
{
    struct near_miss n = { .word = key };
    struct param_ref ref;
    char why[512];

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_params; i++)
            near_miss_try(&n, (*m)->params[i].name);
    if (n.best)
        say("there is no parameter '%s' (did you mean %s?)", key, n.best);
    else if (param_find(key, &ref, why, sizeof why) != 0)
        say("%s; `rxsim params` lists all", why);
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

static void print_table(const char *prefix, bool markdown)
{
    struct table t;

    table_init(&t, "parameter|>default|values|what it does");
    each_row(prefix, add_to_table, &t);
    if (markdown)
        table_markdown(&t, stdout);
    else
        table_print(&t, 0, stdout);
    table_free(&t);
}

static int run(const struct arguments *a)
{
    const char *key = a->n > 0 ? a->positional[0] : "";
    struct choice one = find_one(key);

    if (!one.row && each_row(key, ignore, NULL) == 0)
        return unknown(key);
    if (a->json)
        print_json(one.row ? one.row->name : key);
    else if (one.row)
        print_one(one.model, one.row);
    else
        print_table(key, given(a, "markdown"));
    return EXIT_OK;
}

const struct command params_command = {
    .name = "params", .arguments = "[KEY]", .least = 0, .most = 1,
    .what = "what each parameter means: default, range, source, and the file that models it",
    .about = "Lists all parameters, those whose name begins with KEY, or everything about one.",
    .options = options, .examples = examples, .run = run,
};
