/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim show: a stored run, as `run` printed it or in the kernel's own layout. */
#include <inttypes.h>
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/cli/session.h"
#include "sim/engine/time.h"
#include "sim/out/json.h"
#include "sim/out/kernel_layout.h"
#include "sim/out/summary.h"
#include "sim/out/table.h"

static const char *const layout_choices[] = {
    "softnet_stat", "nstat", "snmp", "ethtool-S", "ip-s-link", "net_dev", "interrupts", "mpstat", NULL
};

static const struct option_row options[] = {
    { .name = "as", .kind = OPTION_CHOICE, .argument = "LAYOUT", .choices = layout_choices,
      .doc = "print as softnet_stat, nstat, snmp, ethtool-S, ip-s-link, net_dev, interrupts or mpstat would" },
    OPTION_DB,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim show last",
    "rxsim show demo/3/0 --as softnet_stat",
    "rxsim show 17 --json",
    NULL
};

static void print_json(const struct stored_run *run)
{
    struct json j;

    json_begin(&j, stdout);
    json_object(&j, NULL);
    json_int(&j, "run", run->id);
    json_text(&j, "scenario", run->scenario);
    json_text(&j, "experiment", run->experiment);
    json_int(&j, "ordinal", run->ordinal);
    json_text(&j, "label", run->label);
    json_int(&j, "replication", run->repetition);
    json_uint(&j, "seed", run->seed);
    json_text(&j, "key", run->key);
    json_text(&j, "code_version", run->code_version);
    json_int(&j, "model_version", run->model_version);
    json_text(&j, "started_utc", run->started);
    summary_json(&j, &run->result);
    json_finish(&j);
}

static void print_text(const struct stored_run *run, const struct arguments *a)
{
    printf("run %" PRId64 ", experiment %s, point %d", run->id, run->experiment, run->ordinal);
    if (run->label[0])
        printf(" (%s)", run->label);
    printf(", replication %d\n%s: %g ms simulated, seed %" PRIu64 "%s; %s, model version %d, code %s\n",
           run->repetition, run->scenario, (double)run->result.sim_ps / (double)MS, run->seed,
           run->result.deterministic ? ", deterministic" : "", run->started, run->model_version, run->code_version);
    summary_print(&run->result, a->colour, a->verbose, stdout);
    printf("\nfingerprint %s\n", run->fingerprint);
}

static void print_as(const struct stored_run *run, const char *name)
{
    for (const struct kernel_layout *l = kernel_layouts; l->name; l++)
        if (strcmp(l->name, name) == 0)
            l->print(&run->result, stdout);
}

static void take_name(void *run, const char *key, const char *value, const char *unit)
{
    (void)unit;
    nic_stats_take(&((struct stored_run *)run)->result, key, value);
}

/* Several runs: the first in full; which others there are goes beside it. */
static int show_runs(struct store *s, const struct run_set *set, const struct arguments *a)
{
    const char *layout = given_text(a, "as");
    struct stored_run run;

    if (store_load(s, set->id[0], &run) != 0) {
        say("%s", store_error(s));
        return EXIT_IO;
    }
    if (store_resolved(s, set->id[0], take_name, &run) != 0) {
        say("%s", store_error(s));
        stored_run_free(&run);
        return EXIT_IO;
    }
    if (layout)
        print_as(&run, layout);
    else if (a->json)
        print_json(&run);
    else
        print_text(&run, a);
    stored_run_free(&run);
    fflush(stdout);
    if (!a->quiet)
        session_say_others(set);
    return EXIT_OK;
}

static int run(const struct arguments *a)
{
    if (a->json && given(a, "as")) {
        say("show: --as prints the kernel's text, --json ours; choose one");
        return EXIT_USAGE;
    }
    return session_on_runs(a, show_runs);
}

const struct command show_command = {
    .name = "show", .arguments = "RUN", .least = 1, .most = 1,
    .what = "show a stored run, also as the kernel's own files print it",
    .about = "Shows a stored run as `rxsim run` did, or with --as in the layout of a file or tool of Linux, so that\n"
             "your scripts read it. RUN is a number, EXPERIMENT, EXPERIMENT/POINT, EXPERIMENT/POINT/REPLICATION,\n"
             "last, or last~1.",
    .options = options, .examples = examples, .run = run,
};
