/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim validate: predicted beside measured. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/commands.h"
#include "sim/cli/data_dir.h"
#include "sim/cli/session.h"
#include "sim/cli/watch.h"
#include "sim/lab/folder.h"
#include "sim/lab/validate.h"
#include "sim/out/timeline.h"
#include "sim/out/validation.h"

static const struct option_row options[] = {
    { .name = "all", .kind = OPTION_FLAG, .doc = "every suite, and one table of them at the end" },
    { .name = "rows", .kind = OPTION_TEXT, .argument = "FILE.csv",
      .doc = "predict these rows instead of the suite's own: the same columns" },
    { .name = "only", .kind = OPTION_TEXT, .argument = "GLOBS", .doc = "only rows whose id matches, as 'A_* J_burst*'" },
    { .name = "trace", .kind = OPTION_TEXT, .argument = "NAME",
      .doc = "line up the events of one row with its recorded timeline, and show where they part (-v: from the beginning)" },
    { .name = "failed", .kind = OPTION_FLAG, .doc = "print only the rows outside their tolerances" },
    { .name = "jobs", .letter = 'j', .kind = OPTION_NUMBER, .argument = "N", .dflt = "0", .min = 0, .max = 1024,
      .doc = "runs at a time; 0: one per core. Never changes a result" },
    OPTION_NO_BATCH,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim validate qemu",
    "rxsim validate qemu --only 'J_* K_*' --failed",
    "rxsim validate qemu --rows my-measurements.csv --json",
    "rxsim validate veth --rows my-bursts.csv",
    "rxsim validate qemu --trace A_rate500k",
    "rxsim validate --all",
    NULL
};

static void progress(void *user, int finished, int total)
{
    struct watch *w = user;

    atomic_store(&w->total, total);
    atomic_store(&w->finished, finished);
}

/* Runs one suite into `v` (to be freed in any case). */
static int validate(const struct arguments *a, const char *suite, struct watch *w, struct validations *v)
{
    struct messages m = { 0 };
    struct validate_options o = {
        .data_dir = data_dir(), .rows = given_text(a, "rows"), .only = given_text(a, "only"),
        .jobs = (int)given_number(a, "jobs"), .no_batch = given(a, "no-batch"), .stop = &w->stop,
        .progress = progress, .user = w,
    };

    watch_begin(w, 1, 0, a->quiet);
    int failed = validate_suite(v, suite, &o, &m);
    watch_end(w);
    int signal = atomic_load(&w->signal);
    if (failed && !signal)
        print_messages(&m);
    messages_free(&m);
    if (signal)
        return EXIT_SIGNAL + signal;
    return failed ? EXIT_USAGE : EXIT_OK;
}

static int validate_one(const struct arguments *a, const char *suite)
{
    struct watch w = { 0 };
    struct validations v;
    int code = validate(a, suite, &w, &v);

    if (code == EXIT_OK && a->json)
        validation_json(&v, stdout);
    else if (code == EXIT_OK)
        validation_print(&v, given(a, "failed"), a->colour, stdout);
    if (code == EXIT_OK && !validations_holds(&v))
        code = EXIT_CHECK;
    validations_free(&v);
    return code;
}

/* ---- one row, event by event ---- */

static int validate_trace(const struct arguments *a, const char *suite, const char *name)
{
    struct messages m = { 0 };
    struct validate_options o = {
        .data_dir = data_dir(), .rows = given_text(a, "rows"), .no_batch = given(a, "no-batch"),
    };
    struct timeline simulated, measured;
    char *path = NULL;

    if (asprintf(&path, "%s/truth/%s/traces/%s.csv", o.data_dir, suite, name) < 0)
        abort();
    timeline_init(&simulated);
    int failed = timeline_read(&measured, path, &m) || validate_timeline(suite, name, &o, &simulated, &m);
    if (failed && access(path, F_OK) != 0)
        messages_add(&m, "recorded timelines are the files of %s/truth/%s/traces", o.data_dir, suite);
    free(path);
    if (failed)
        print_messages(&m);
    else
        timeline_print(name, &simulated, &measured, a->verbose, stdout);
    messages_free(&m);
    timeline_free(&simulated);
    timeline_free(&measured);
    return failed ? EXIT_USAGE : EXIT_OK;
}

/* ---- all suites ---- */

/* The names of scenarios/truth/NAME.yaml; those are suites, their scenarios are in folders below. -1 after a sentence. */
static int suites(char ***names)
{
    char *folder = NULL;

    if (asprintf(&folder, "%s/truth", data_dir()) < 0)
        abort();
    int n = folder_yaml(folder, names);
    free(folder);
    if (n < 0)
        say("%s has no folder truth: no suites there", data_dir());
    return n;
}

static int validate_all(const struct arguments *a)
{
    char **name;
    int n = suites(&name), code = n < 0 ? EXIT_IO : EXIT_OK;
    struct table t;

    if (n < 0)
        return code;
    validation_table(&t);
    for (int i = 0; i < n && code <= EXIT_CHECK; i++) {
        struct watch w = { 0 };
        struct validations v;
        int one = validate(a, name[i], &w, &v);
        if (one == EXIT_OK) {
            if (given(a, "failed"))
                validation_print(&v, true, a->colour, stdout);
            validation_table_row(&t, &v);
            one = validations_holds(&v) ? EXIT_OK : EXIT_CHECK;
        }
        code = one > code ? one : code;
        validations_free(&v);
    }
    if (code <= EXIT_CHECK)
        table_print(&t, 0, stdout);
    table_free(&t);
    folder_free(name, n);
    return code;
}

/* Whether there is such a suite; says which there are if not. */
static bool is_known(const char *suite)
{
    char **name, *all = NULL;
    size_t size;
    int n = suites(&name);

    if (n < 0)
        return false;
    FILE *text = open_memstream(&all, &size);
    bool found = strchr(suite, '/');            /* a part of a suite is named by its path */
    for (int i = 0; i < n && text; i++) {
        fprintf(text, "%s%s", i ? ", " : "", name[i]);
        found = found || strcmp(name[i], suite) == 0;
    }
    folder_free(name, n);
    if (text)
        fclose(text);
    if (!found)
        say("there is no suite %s: they are %s", suite, all ? all : "");
    free(all);
    return found;
}

static int run(const struct arguments *a)
{
    if (given(a, "all") == (a->n > 0)) {
        say("either name a suite (as `rxsim validate qemu`), or say --all");
        return EXIT_USAGE;
    }
    if (given(a, "all") && (given(a, "rows") || given(a, "only") || a->json)) {
        say("--all goes with none of --rows, --only and --json: those are for one suite");
        return EXIT_USAGE;
    }
    if (a->n > 0 && !is_known(a->positional[0]))
        return EXIT_USAGE;
    if (given(a, "trace")) {
        if (a->n == 0 || a->json) {
            say("--trace is for one suite, and prints text");
            return EXIT_USAGE;
        }
        return validate_trace(a, a->positional[0], given_text(a, "trace"));
    }
    return a->n > 0 ? validate_one(a, a->positional[0]) : validate_all(a);
}

const struct command validate_command = {
    .name = "validate", .arguments = "[SUITE]", .least = 0, .most = 1,
    .what = "hold predictions against what real kernels and published measurements did",
    .about = "Predicts every row of a suite of measurements and prints it beside what was measured, with the error and a\n"
             "verdict. How columns become parameters, what was calibrated on, and how near is near enough are data in\n"
             "scenarios/truth/SUITE.yaml. Exits with 1 if fewer rows pass than the suite asks for.",
    .options = options, .examples = examples, .run = run,
};
