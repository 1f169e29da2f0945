/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands share: scenarios with what --set says, captures, the database. Functions print what is wrong and
 * return an exit code, EXIT_OK (0) to go on. */
#ifndef SIM_CLI_SESSION_H
#define SIM_CLI_SESSION_H

#include "sim/cli/options.h"
#include "sim/lab/scenario.h"
#include "sim/lab/sweep.h"
#include "sim/store/store.h"

/* Reads a scenario by path or, if there is no such file, by its name in the data folder, with or without .yaml;
 * then applies --set and --seed. */
int session_scenario(const struct arguments *a, const char *path, struct scenario **s);
/* The scenario file's name without folders and ending: the default name of experiments. malloc'ed. */
char *session_name_of(const struct scenario *s);

/* Captures that replays need, each file read once however many points share it. sweep_hash() is the caller's. */
struct captures {
    struct { char *path; struct arrivals *arrivals; } *file;
    int files;
};
/* Begins zeroed; a later plan shares what an earlier one read. */
int session_captures(struct captures *c, const struct scenario *s, struct sweep_plan *p);
void captures_free(struct captures *c);

int session_store(const struct arguments *a, bool write, struct store **s);
/* The set of runs that `name` means; EXIT_USAGE if there is none. */
int session_find(struct store *s, const char *name, struct run_set *set);
/* What show and export do: opens the database for reading, finds the runs that the first argument means, and hands them
 * over. Returns an exit code. */
typedef int session_fn(struct store *s, const struct run_set *set, const struct arguments *a);
int session_on_runs(const struct arguments *a, session_fn *fn);
/* Only the first of them is used: says so if there are more. */
void session_say_others(const struct run_set *set);

void print_messages(const struct messages *m);

/* A parameter of the configuration by its full name (a host-wide one). */
int64_t session_param(const struct config *c, const char *name);

#endif
