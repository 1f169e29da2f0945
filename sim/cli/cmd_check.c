/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim check: is a scenario right, and what does it come to? */
#include <stdlib.h>

#include "sim/cli/commands.h"
#include "sim/cli/session.h"
#include "sim/out/json.h"

static const struct option_row options[] = {
    { .name = "resolved", .kind = OPTION_FLAG, .doc = "print every parameter with the value that holds" },
    OPTION_SET,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim check my.yaml",
    "rxsim check demo --resolved | grep coalesce",
    "diff <(rxsim check a.yaml --resolved) <(rxsim check b.yaml --resolved)",
    NULL
};

/* The point's resolved text is one JSON object already. */
static void print_json(const struct scenario *s, const struct sweep_point *pt)
{
    printf("{\n  \"scenario\": ");
    json_quote(stdout, scenario_name(s));
    printf(",\n  \"ok\": true,\n  \"hash\": \"%s\",\n  \"resolved\": %s\n}\n", pt->hash, pt->resolved);
}

static void print_result(const struct arguments *a, const struct scenario *s, const struct sweep_point *pt)
{
    if (a->json)
        print_json(s, pt);
    else if (given(a, "resolved"))
        scenario_print(&pt->config, stdout);
    else if (!a->quiet)
        printf("%s: nothing wrong; scenario %s\n", scenario_name(s), pt->hash);
}

static int run(const struct arguments *a)
{
    struct sweep_plan p = { 0 };
    struct captures captures = { 0 };
    struct messages m = { 0 };
    struct scenario *s;
    int code = session_scenario(a, a->positional[0], &s);

    if (code != EXIT_OK)
        return code;
    code = sweep_build(&p, s, false, NULL, 1, 1, &m) == 0 ? EXIT_OK : EXIT_USAGE;
    print_messages(&m);
    messages_free(&m);
    if (code == EXIT_OK)
        code = session_captures(&captures, s, &p);
    if (code == EXIT_OK) {
        sweep_hash(&p);
        print_result(a, s, &p.point[0]);
    }
    sweep_free(&p);
    captures_free(&captures);
    scenario_free(s);
    return code;
}

const struct command check_command = {
    .name = "check", .arguments = "SCENARIO", .least = 1, .most = 1,
    .what = "check a scenario, or print it with every default filled in",
    .about = "Reads a scenario, all it includes and its captures, and reports everything that is wrong at once. With\n"
             "--resolved it prints the whole machine, a parameter a line; the text is itself a scenario.",
    .options = options, .examples = examples, .run = run,
};
