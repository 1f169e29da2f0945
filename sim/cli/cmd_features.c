/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim features: the mechanisms of the receive path, and the test that shows each. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/cli/commands.h"
#include "sim/cli/data_dir.h"
#include "sim/cli/session.h"
#include "sim/lab/table_file.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "missing", .kind = OPTION_FLAG, .doc = "only what is not modelled, with the reason" },
    { .name = "markdown", .kind = OPTION_FLAG, .doc = "print the table as Markdown" },
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = { "rxsim features", "rxsim features C", "rxsim features --missing", NULL };

static const char *cell(const struct table_file *f, int row, const char *column)
{
    const char *text = table_file_cell(f, row, column);

    return text ? text : "";
}

static bool is_shown(const struct table_file *f, int row)
{
    return *cell(f, row, "test") != '\0';
}

static bool is_wanted(const struct table_file *f, int row, const struct arguments *a)
{
    const char *prefix = a->n > 0 ? a->positional[0] : "";

    return strncasecmp(cell(f, row, "id"), prefix, strlen(prefix)) == 0 && !(given(a, "missing") && is_shown(f, row));
}

/* "rps:a_full_backlog_drops" -> the suite's file and the sentence that the test's name is. */
static void shown_by(struct table *t, const char *test)
{
    const char *colon = strchr(test, ':');
    char sentence[256];

    snprintf(sentence, sizeof sentence, "%s", colon ? colon + 1 : test);
    for (char *c = sentence; *c; c++) {
        if (*c == '_')
            *c = ' ';
    }
    table_cell(t, "tests/test_%.*s.c", colon ? (int)(colon - test) : 0, test);
    table_cell(t, "%s", sentence);
}

static void print_table(const struct table_file *f, const struct arguments *a)
{
    int shown = 0, listed = 0;
    struct table t;

    table_init(&t, "id|mechanism|shown by|the sentence it proves, or why it is not modelled");
    for (int i = 0; i < f->rows; i++) {
        if (!is_wanted(f, i, a))
            continue;
        listed++;
        shown += is_shown(f, i);
        table_cell(&t, "%s", cell(f, i, "id"));
        table_cell(&t, "%s", cell(f, i, "what"));
        if (is_shown(f, i)) {
            shown_by(&t, cell(f, i, "test"));
        } else {
            table_cell(&t, "-");
            table_cell(&t, "not modelled: %s", cell(f, i, "why_not"));
        }
    }
    if (given(a, "markdown"))
        table_markdown(&t, stdout);
    else
        table_print(&t, 0, stdout);
    table_free(&t);
    char share[NUMBER_TEXT];
    if (!given(a, "missing"))
        printf("\n%d of %d are shown by a test (%s). `make check-slow` breaks each mechanism and sees its test fail.\n", shown,
               listed, number_percent((double)shown / listed, share));
}

static void print_json(const struct table_file *f, const struct arguments *a)
{
    struct json j;

    json_begin(&j, stdout);
    json_array(&j, NULL);
    for (int i = 0; i < f->rows; i++) {
        if (!is_wanted(f, i, a))
            continue;
        json_object(&j, NULL);
        json_text(&j, "id", cell(f, i, "id"));
        json_text(&j, "what", cell(f, i, "what"));
        json_text(&j, "test", cell(f, i, "test"));
        json_text(&j, "why_not", cell(f, i, "why_not"));
        json_end(&j);
    }
    json_finish(&j);
}

static int print(const struct table_file *f, const struct arguments *a)
{
    int n = 0;

    for (int i = 0; i < f->rows; i++)
        n += is_wanted(f, i, a);
    if (n == 0 && !given(a, "missing")) {
        say("no mechanism's id begins with '%s'; they are A01 to N08, `rxsim features` lists all", a->positional[0]);
        return EXIT_USAGE;
    }
    if (a->json)
        print_json(f, a);
    else
        print_table(f, a);
    return EXIT_OK;
}

static int run(const struct arguments *a)
{
    struct messages m = { 0 };
    struct table_file f;
    char *path = NULL;

    if (asprintf(&path, "%s/features.csv", data_dir()) < 0)
        abort();
    int failed = table_file_read(&f, path, &m);
    if (failed)
        print_messages(&m);
    int code = failed ? EXIT_IO : print(&f, a);
    messages_free(&m);
    table_file_free(&f);
    free(path);
    return code;
}

const struct command features_command = {
    .name = "features", .arguments = "[ID]", .least = 0, .most = 1,
    .what = "which mechanisms are modelled, and the test that shows each",
    .about = "Lists the mechanisms of the receive path in packet order: A wire and MAC, B ring and DMA, C interrupts, D NAPI\n"
             "and softirq, E skb, F GRO, G up to IP, H IP and netfilter, I TCP, J sockets, K CPU and host, M the knobs,\n"
             "N points to look in. Each has a test that fails when the mechanism is broken, or the reason why it is not\n"
             "modelled. ID: one, or those that begin with it.",
    .options = options, .examples = examples, .run = run,
};
