/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim drops: every way a frame can end, and what an admin sees of it. */
#include <string.h>

#include "models/drop.h"
#include "sim/cli/commands.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "markdown", .kind = OPTION_FLAG, .doc = "print the table as Markdown" },
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = { "rxsim drops", "rxsim drops SOCKET", "rxsim drops CPU_BACKLOG", NULL };

static const char *const kind_name[] = {
    [FATE_KIND_IN_FLIGHT] = "in flight", [FATE_KIND_DELIVERED] = "delivered", [FATE_KIND_CONSUMED] = "consumed",
    [FATE_KIND_DROPPED] = "dropped",
};

/* Ends whose name begins with `prefix`; without one all but delivered and in flight, which nobody asks about. */
static bool is_wanted(const struct fate_info *f, const char *prefix)
{
    if (!*prefix)
        return f->kind == FATE_KIND_DROPPED || f->kind == FATE_KIND_CONSUMED;
    return strncasecmp(f->name, prefix, strlen(prefix)) == 0;
}

static int count(const char *prefix, const struct fate_info **last)
{
    int n = 0;

    for (int i = 0; i < FATES; i++)
        if (is_wanted(&fate_info[i], prefix)) {
            *last = &fate_info[i];
            if (strcasecmp(fate_info[i].name, prefix) == 0)
                return 1;
            n++;
        }
    return n;
}

static const char *or_none(const char *text)
{
    return text && *text ? text : "none";
}

static void print_one(const struct fate_info *f)
{
    printf("%s (%s)\n  %s\n\n", f->name, kind_name[f->kind], f->doc);
    printf("  happens in           models/%s.c\n", f->stage);
    printf("  you would see        %s\n", or_none(f->moves));
    printf("  you would not see    %s\n", or_none(f->still));
}

static void print_json(const char *prefix)
{
    struct json j;

    json_begin(&j, stdout);
    json_array(&j, NULL);
    for (int i = 0; i < FATES; i++) {
        const struct fate_info *f = &fate_info[i];

        if (!is_wanted(f, prefix))
            continue;
        json_object(&j, NULL);
        json_text(&j, "name", f->name);
        json_text(&j, "kind", kind_name[f->kind]);
        json_text(&j, "stage", f->stage);
        json_text(&j, "doc", f->doc);
        json_text(&j, "moves", f->moves);
        json_text(&j, "still", f->still);
        json_end(&j);
    }
    json_finish(&j);
}

static void print_table(const char *prefix, bool markdown)
{
    struct table t;

    table_init(&t, "reason|kind|happens in|what happened|you would see");
    for (int i = 0; i < FATES; i++)
        if (is_wanted(&fate_info[i], prefix)) {
            table_cell(&t, "%s", fate_info[i].name);
            table_cell(&t, "%s", kind_name[fate_info[i].kind]);
            table_cell(&t, "models/%s.c", fate_info[i].stage);
            table_cell(&t, "%s", fate_info[i].doc);
            table_cell(&t, "%s", or_none(fate_info[i].moves));
        }
    if (markdown)
        table_markdown(&t, stdout);
    else
        table_print(&t, 0, stdout);
    table_free(&t);
}

static int unknown(const char *name)
{
    struct near_miss n = { .word = name };

    for (int i = 0; i < FATES; i++)
        near_miss_try(&n, fate_info[i].name);
    if (n.best)
        say("there is no drop reason '%s' (did you mean %s?)", name, n.best);
    else
        say("there is no drop reason '%s'; `rxsim drops` lists all", name);
    return EXIT_USAGE;
}

static int run(const struct arguments *a)
{
    const char *name = a->n > 0 ? a->positional[0] : "";
    const struct fate_info *one = NULL;
    int n = count(name, &one);

    if (n == 0)
        return unknown(name);
    if (a->json)
        print_json(name);
    else if (n == 1)
        print_one(one);
    else
        print_table(name, given(a, "markdown"));
    return EXIT_OK;
}

const struct command drops_command = {
    .name = "drops", .arguments = "[NAME]", .least = 0, .most = 1,
    .what = "what each drop reason means and which counters move, or do not",
    .about = "Lists every reason for which a frame is dropped or ends by design: where it happens, which counters an\n"
             "admin would see move, and which one might look at in vain. NAME: one, or those that begin with it.",
    .options = options, .examples = examples, .run = run,
};
