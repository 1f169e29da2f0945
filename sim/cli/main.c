/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim: dispatch. Everything a command needs is in its own file and in its struct command. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gsl/gsl_errno.h>

#include "sim/cli/commands.h"
#include "sim/in/library.h"
#include "sim/lab/library.h"
#include "sim/lab/run.h"
#include "sim/lab/version.h"
#include "sim/store/library.h"
#include "sim/store/schema.h"

const struct command *const commands[] = {
    &run_command, &sweep_command, &plan_command, &compare_command, &why_command, &show_command,
    &query_command, &export_command, &import_command, &list_command,
    &check_command, &params_command, &counters_command, &drops_command, &features_command, &validate_command, NULL
};

static void print_help(FILE *out)
{
    fputs("rxsim simulates the Linux network receive path: from the wire to the application's read.\n\n"
          "Usage: rxsim COMMAND [arguments] [options]\n\nCommands\n", out);
    for (const struct command *const *c = commands; *c; c++)
        fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->what);
    fputs("\n`rxsim COMMAND --help` explains one. Also: --version, --man, --completion\n\nExamples\n"
          "  rxsim run demo\n"
          "  rxsim sweep demo --vary nic.ring.rx=256,1024,4096 --vary net.core.netdev_budget=64,300\n\nExit codes\n",
          out);
    for (const struct exit_row *e = exit_rows; e->meaning; e++)
        fprintf(out, "  %3d  %s\n", e->code, e->meaning);
}

static void print_short_help(FILE *out)
{
    fputs("rxsim simulates the Linux network receive path. Two commands to begin with:\n\n"
          "  rxsim run demo\n"
          "  rxsim sweep demo --vary nic.ring.rx=256,1024,4096 --vary net.core.netdev_budget=64,300\n\n"
          "`rxsim --help` lists all of them.\n", out);
}

static void print_version(FILE *out)
{
    fprintf(out, "rxsim %s\nmodel version %d, database schema %d\n%s, %s, %s\n", rxsim_version(), MODEL_VERSION,
            SCHEMA_VERSION, lab_library(), store_library(), capture_library());
}

static const struct command *find_command(const char *name)
{
    for (const struct command *const *c = commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

static int unknown_command(const char *name)
{
    struct near_miss n = { .word = name };

    for (const struct command *const *c = commands; *c; c++)
        near_miss_try(&n, (*c)->name);
    if (n.best)
        say("there is no command '%s' (did you mean %s?); rxsim --help lists them", name, n.best);
    else
        say("there is no command '%s'; rxsim --help lists them", name);
    return EXIT_USAGE;
}

static int run_command_line(const struct command *c, int argc, char **argv)
{
    struct arguments a;
    int code = arguments_parse(&a, c, argc, argv);

    if (code < 0)
        code = c->run(&a);
    arguments_free(&a);
    return code;
}

/* Options that stand before any command, and `help`. Returns -1 if `word` is none of them. */
static int run_global(const char *word, const char *next)
{
    if (strcmp(word, "help") == 0 && next) {
        const struct command *c = find_command(next);

        if (!c)
            return unknown_command(next);
        print_command_help(c, false, stdout);
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        print_help(stdout);
    else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        print_version(stdout);
    else if (strcmp(word, "--man") == 0)
        print_manual(stdout);
    else if (strcmp(word, "--completion") == 0)
        print_completion(stdout);
    else
        return -1;
    return EXIT_OK;
}

static int dispatch(int argc, char **argv)
{
    const struct command *c;
    int code;

    if (argc < 2) {
        print_short_help(stdout);
        return EXIT_OK;
    }
    code = run_global(argv[1], argv[2]);
    if (code >= 0)
        return code;
    if (argv[1][0] == '-') {
        say("unknown option %s before a command; rxsim --help lists what there is", argv[1]);
        return EXIT_USAGE;
    }
    c = find_command(argv[1]);
    return c ? run_command_line(c, argc - 1, argv + 1) : unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);   /* so that messages fall between lines of data, not into them */
    int code;

    gsl_set_error_handler_off();        /* GSL's own handler would abort; we check what it returns */
    code = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        say("standard output could not be written");
        return EXIT_IO;
    }
    return code;
}
