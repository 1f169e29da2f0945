/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/cli/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const color_choices[] = { "auto", "always", "never", NULL };
const char *const timelines_choices[] = { "full", "sampled", "none", NULL };

const struct exit_row exit_rows[] = {
    { EXIT_OK, "success" },
    { EXIT_CHECK, "a requested check failed, or a run's books did not balance" },
    { EXIT_USAGE, "bad usage or scenario" },
    { EXIT_IO, "input or output failed: database, disk, capture" },
    { EXIT_INCOMPLETE, "a sweep is incomplete; the same command resumes it" },
    { EXIT_PRECISION, "the precision asked for was not reached" },
    { EXIT_INTERNAL, "an error of rxsim itself" },
    { EXIT_SIGNAL, "128 + n: stopped by signal n" },
    { 0, NULL }
};

void say(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("rxsim: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- parsing ---- */

static int rows_of(const struct command *c)
{
    int n = 0;

    while (c->options[n].name)
        n++;
    return n;
}

/* getopt's own form of the table. A long option's value is its row's index above the range of letters. */
enum { LONG_BASE = 256 };

static void to_getopt(const struct command *c, struct option *longs, char *shorts)
{
    *shorts++ = ':';            /* getopt tells a missing argument from an unknown option */
    for (int i = 0; c->options[i].name; i++) {
        const struct option_row *o = &c->options[i];
        bool argument = o->kind != OPTION_FLAG;

        longs[i] = (struct option){ o->name, argument ? required_argument : no_argument, NULL, LONG_BASE + i };
        if (o->letter) {
            *shorts++ = o->letter;
            if (argument)
                *shorts++ = ':';
        }
    }
    *shorts = '\0';
}

static const struct option_row *row_of(const struct command *c, int code)
{
    if (code >= LONG_BASE)
        return &c->options[code - LONG_BASE];
    for (const struct option_row *o = c->options; o->name; o++)
        if (o->letter && o->letter == code)
            return o;
    return NULL;
}

static bool is_number(const struct option_row *o, const char *text)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && n >= o->min && n <= o->max;
}

static bool is_choice(const struct option_row *o, const char *text)
{
    for (const char *const *choice = o->choices; *choice; choice++)
        if (strcmp(*choice, text) == 0)
            return true;
    return false;
}

static int wrong_choice(const struct option_row *o, const char *text)
{
    char list[256] = "";

    for (const char *const *choice = o->choices; *choice; choice++) {
        strncat(list, " ", sizeof list - strlen(list) - 1);
        strncat(list, *choice, sizeof list - strlen(list) - 1);
    }
    say("--%s %s: must be one of%s", o->name, text, list);
    return EXIT_USAGE;
}

static int add_given(struct arguments *a, const struct option_row *o, const char *value)
{
    if (o->kind == OPTION_NUMBER && !is_number(o, value)) {
        if (o->max == INT64_MAX)
            say("--%s %s: must be a whole number, %" PRId64 " or more", o->name, value, o->min);
        else
            say("--%s %s: must be a whole number, %" PRId64 " to %" PRId64, o->name, value, o->min, o->max);
        return EXIT_USAGE;
    }
    if (o->kind == OPTION_CHOICE && !is_choice(o, value))
        return wrong_choice(o, value);
    a->given = realloc(a->given, (size_t)(a->givens + 1) * sizeof *a->given);
    if (!a->given)
        abort();
    a->given[a->givens].row = o;
    a->given[a->givens++].value = value;
    return -1;
}

static int unknown_option(const struct command *c, const char *text)
{
    int length = (int)strcspn(text, "=");
    char word[64];
    struct near_miss n = { .word = word };

    snprintf(word, sizeof word, "%.*s", length, text + strspn(text, "-"));
    word[strcspn(word, "=")] = '\0';
    for (const struct option_row *o = c->options; o->name && word[0] && word[1]; o++)
        near_miss_try(&n, o->name);
    if (n.best)
        say("%s: unknown option %.*s (did you mean --%s?); see rxsim %s --help", c->name, length, text, n.best,
                 c->name);
    else
        say("%s: unknown option %.*s; see rxsim %s --help", c->name, length, text, c->name);
    return EXIT_USAGE;
}

static int missing_argument(const struct command *c, int code)
{
    const struct option_row *o = row_of(c, code);

    say("%s: --%s needs %s", c->name, o->name, o->argument);
    return EXIT_USAGE;
}

static bool want_colour(const char *when)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if (strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

bool option_exists(const struct arguments *a, const char *name)
{
    for (const struct option_row *o = a->command->options; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

static int check_count(const struct arguments *a)
{
    const struct command *c = a->command;

    if (a->n >= c->least && a->n <= c->most)
        return -1;
    if (a->n > c->most)
        say("%s: '%s' is one argument too many; usage: rxsim %s %s", c->name, a->positional[c->most], c->name,
                 c->arguments);
    else
        say("%s: %s missing; usage: rxsim %s %s [options], see rxsim %s --help", c->name, c->arguments, c->name,
                 c->arguments, c->name);
    return EXIT_USAGE;
}

static int parse_options(struct arguments *a, int argc, char **argv)
{
    const struct command *c = a->command;
    struct option *longs = calloc((size_t)rows_of(c) + 1, sizeof *longs);
    char *shorts = calloc((size_t)rows_of(c) + 1, 2);
    int code, outcome = -1;

    if (!longs || !shorts)
        abort();
    to_getopt(c, longs, shorts);
    opterr = 0;
    optind = 0;                 /* glibc: forget an earlier scan */
    while (outcome < 0 && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == ':')
            outcome = missing_argument(c, optopt);
        else if (code == '?' && optopt >= LONG_BASE) {
            say("%s: --%s takes no value", c->name, row_of(c, optopt)->name);
            outcome = EXIT_USAGE;
        } else if (code == '?') {
            char letter[3] = { '-', (char)optopt, '\0' };

            outcome = unknown_option(c, optopt ? letter : argv[optind - 1]);
        } else {
            outcome = add_given(a, row_of(c, code), optarg);
        }
    }
    free(longs);
    free(shorts);
    return outcome;
}

int arguments_parse(struct arguments *a, const struct command *command, int argc, char **argv)
{
    int outcome;

    *a = (struct arguments){ .command = command };
    outcome = parse_options(a, argc, argv);
    if (outcome >= 0)
        return outcome;
    a->positional = argv + optind;
    a->n = argc - optind;
    a->json = option_exists(a, "json") && given(a, "json");
    a->quiet = option_exists(a, "quiet") && given(a, "quiet");
    a->verbose = option_exists(a, "verbose") && given(a, "verbose");
    a->colour = option_exists(a, "color") && want_colour(given_text(a, "color"));
    if (given(a, "help")) {
        print_command_help(command, a->colour, stdout);
        return EXIT_OK;
    }
    return check_count(a);
}

void arguments_free(struct arguments *a)
{
    free(a->given);
    *a = (struct arguments){ 0 };
}

/* ---- what was given ---- */

const char *given_nth(const struct arguments *a, const char *name, int i)
{
    assert(option_exists(a, name));
    for (int k = 0; k < a->givens; k++)
        if (strcmp(a->given[k].row->name, name) == 0 && i-- == 0)
            return a->given[k].value ? a->given[k].value : "";
    return NULL;
}

bool given(const struct arguments *a, const char *name)
{
    return given_nth(a, name, 0) != NULL;
}

/* The last one counts, so that an alias can be overruled on the command line. */
const char *given_text(const struct arguments *a, const char *name)
{
    const char *last = NULL, *next;

    for (int i = 0; (next = given_nth(a, name, i)) != NULL; i++)
        last = next;
    if (last)
        return last;
    for (const struct option_row *o = a->command->options; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o->dflt;
    return NULL;
}

int64_t given_number(const struct arguments *a, const char *name)
{
    return strtoll(given_text(a, name), NULL, 10);
}

/* ---- help ---- */

void print_option_flags(const struct option_row *o, char *buffer, size_t size)
{
    char letter[8] = "    ";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(buffer, size, "%s--%s%s%s", letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
}

static void heading(const char *text, bool colour, FILE *out)
{
    fprintf(out, colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

void print_command_help(const struct command *c, bool colour, FILE *out)
{
    char flags[64];

    fprintf(out, "Usage: rxsim %s%s%s [options]\n\n%s\n", c->name, *c->arguments ? " " : "", c->arguments, c->about);
    heading("Options", colour, out);
    for (const struct option_row *o = c->options; o->name; o++) {
        print_option_flags(o, flags, sizeof flags);
        fprintf(out, "  %-22s  %s", flags, o->doc);
        if (o->dflt)
            fprintf(out, " [%s]", o->dflt);
        fputc('\n', out);
    }
    heading("Examples", colour, out);
    for (const char *const *e = c->examples; *e; e++)
        fprintf(out, "  %s\n", *e);
}
