/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands and their options. A command declares one table; from it come parsing, --help, the manual and the
 * completion of shells. */
#ifndef SIM_CLI_OPTIONS_H
#define SIM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/cli/exit_code.h"
#include "sim/lab/near_miss.h"

enum option_kind {
    OPTION_FLAG,                /* no argument */
    OPTION_TEXT,
    OPTION_NUMBER,              /* a whole number within min..max */
    OPTION_CHOICE,              /* one of `choices` */
};

struct option_row {
    const char *name;           /* without the dashes; NULL ends a table */
    char letter;                /* short form, 0: none */
    enum option_kind kind;
    const char *argument;       /* how help calls it: "N", "FILE"; NULL for a flag */
    const char *doc;            /* one sentence without full stop */
    const char *dflt;           /* what holds without it, as text; NULL: nothing */
    int64_t min, max;           /* OPTION_NUMBER */
    const char *const *choices; /* OPTION_CHOICE, NULL-terminated */
};

struct arguments;

struct command {
    const char *name;
    const char *arguments;      /* "SCENARIO", "A B", "[KEY]" */
    int least, most;            /* how many of them */
    const char *what;           /* one line for the list of commands */
    const char *about;          /* paragraphs for its own help */
    const struct option_row *options;
    const char *const *examples;                /* command lines, NULL-terminated */
    int (*run)(const struct arguments *a);      /* returns the exit code */
};

/* Rows that many tables share. */
extern const char *const color_choices[], *const timelines_choices[];
#define OPTIONS_OUTPUT \
    { .name = "json", .kind = OPTION_FLAG, .doc = "print one JSON document on stdout" }, \
    { .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .doc = "no progress, no hints" }, \
    { .name = "verbose", .letter = 'v', .kind = OPTION_FLAG, .doc = "say more: all CPUs, memory used" }, \
    { .name = "color", .kind = OPTION_CHOICE, .argument = "WHEN", .dflt = "auto", .choices = color_choices, \
      .doc = "colours: always, never, or auto: on a terminal, unless NO_COLOR is set" }, \
    { .name = "help", .letter = 'h', .kind = OPTION_FLAG, .doc = "this text" }
#define OPTION_DB \
    { .name = "db", .kind = OPTION_TEXT, .argument = "FILE", .dflt = "results/rxsim.db", \
      .doc = "the database of results" }
#define OPTION_SET \
    { .name = "set", .kind = OPTION_TEXT, .argument = "KEY=VALUE", \
      .doc = "set a parameter, over what the scenario says (repeatable)" }
#define OPTIONS_RUNNING \
    OPTION_SET, \
    { .name = "seed", .kind = OPTION_NUMBER, .argument = "N", .dflt = "1", .min = 0, .max = INT64_MAX, \
      .doc = "root of all random streams" }, \
    { .name = "reps", .kind = OPTION_NUMBER, .argument = "N", .dflt = "1", .min = 1, .max = 10000, \
      .doc = "replications; each draws its own random numbers, the same ones for all points" }, \
    { .name = "jobs", .letter = 'j', .kind = OPTION_NUMBER, .argument = "N", .dflt = "0", .min = 0, .max = 1024, \
      .doc = "runs at a time; 0: one per core. Never changes a result" }, \
    OPTION_DB, \
    { .name = "no-store", .kind = OPTION_FLAG, .doc = "keep nothing: no database is opened" }, \
    { .name = "name", .kind = OPTION_TEXT, .argument = "NAME", \
      .doc = "name of the experiment in the database, by default from the scenario's file" }, \
    { .name = "sample", .kind = OPTION_NUMBER, .argument = "K", .dflt = "1000", .min = 0, .max = INT64_MAX, \
      .doc = "store the timeline of 1 frame in K, of fewer beyond 65536 a run; 0: only of drops and the slowest" }, \
    { .name = "timelines", .kind = OPTION_CHOICE, .argument = "WHICH", .dflt = "sampled", .choices = timelines_choices, \
      .doc = "store those of every frame (full), of a sample, or none" }, \
    OPTION_NO_BATCH

#define OPTION_NO_BATCH \
    { .name = "no-batch", .kind = OPTION_FLAG, \
      .doc = "one event per step: slower, the same results (a self-test)" }

/* What the user gave, checked against the table. */
struct arguments {
    const struct command *command;
    char **positional;
    int n;
    struct { const struct option_row *row; const char *value; } *given;
    int givens;
    bool json, quiet, verbose, colour;          /* from the shared rows */
};

/* Parses what follows the command's name. Returns -1 to go on; else the program is to exit with that code: help
 * was printed (0) or a sentence about the mistake (2). Free with arguments_free in any case. */
int arguments_parse(struct arguments *a, const struct command *command, int argc, char **argv);
void arguments_free(struct arguments *a);

bool option_exists(const struct arguments *a, const char *name);
/* What was given for an option, by its name in the command's table (asserted to be there). */
bool given(const struct arguments *a, const char *name);
const char *given_text(const struct arguments *a, const char *name);    /* or its default, or NULL */
int64_t given_number(const struct arguments *a, const char *name);      /* or its default */
/* Repeatable options: the i-th value, NULL behind the last. */
const char *given_nth(const struct arguments *a, const char *name, int i);

void print_command_help(const struct command *c, bool colour, FILE *out);
/* "  -j, --jobs N" */
void print_option_flags(const struct option_row *o, char *buffer, size_t size);

/* "rxsim: .." on stderr, one line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
