/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only code that knows SQLite: one file, one transaction per run, all of it or nothing. */
#ifndef SIM_STORE_STORE_H
#define SIM_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/lab/result.h"
#include "sim/lab/sweep.h"

struct store;

/* All functions return 0 or -1; store_error() then has the sentence (path, system's reason, what to do). */
int store_open(struct store **s, const char *path, bool write);  /* even on -1 *s is set (or NULL: no memory) */
void store_close(struct store *s);                               /* checkpoints; one file, journal_mode=DELETE */
const char *store_error(const struct store *s);

/* An experiment: kind "run" or "sweep". The same plan gives the same experiment again (resume). `name`
 * must be unique for another plan: then a suffix -2, -3 .. is added and the final name written to
 * `final` (64 bytes). */
int store_experiment(struct store *s, const char *name, const char *kind, const struct sweep_plan *plan,
                     const struct scenario *scenario, int64_t *id, char final[64]);
/* In the experiment last opened by store_experiment, which already has copies of the runs that other
 * experiments share with it; before that call: anywhere. */
bool store_has_run(struct store *s, const char *run_key);
/* The same, and the timeline of every frame is stored with it. */
bool store_has_timeline(struct store *s, const char *run_key);
/* Stores a run and all its rows in one transaction; `*run_id` may be NULL. A run that is stored already is left as it
 * is, but gets the timelines of `r` if it has none. */
int store_run(struct store *s, int64_t experiment, const struct sweep_plan *plan,
              const struct sweep_point *pt,
              uint64_t replication, const char *key, const struct result *r, int64_t *run_id);
/* The view sweep_<name>: one row per run, one column per varied parameter and metric. */
int store_sweep_view(struct store *s, int64_t experiment);

/* ---- reading ---- */

/* What the user calls RUN, A or B: a run id, `exp/ordinal[/repetition]`, an experiment's name, "last"
 * (the one used last) or "last~N" (N before it; only experiments with runs count). An experiment or a
 * point stands for all its runs, by ordinal and repetition. */
struct run_set { int64_t *id; int n; char what[128]; };
int store_find(struct store *s, const char *name, struct run_set *out);
void run_set_free(struct run_set *r);

/* Loads what is stored of a run back into a result (histograms, counters, cpu time, packets, ledger). */
struct stored_run {
    int64_t id, point_id, experiment_id;
    char experiment[64], label[256], scenario[128], key[33], fingerprint[33], code_version[64], started[32];
    int ordinal, repetition, model_version;
    uint64_t seed;
    struct result result;
    struct stored_name *names;          /* owns what result's counter and stage names point to */
};
int store_load(struct store *s, int64_t run_id, struct stored_run *out);
void stored_run_free(struct stored_run *r);

/* name, value text, unit of each parameter of the run's point, by callback in name order. Value and unit put
 * together are what the user wrote: "50" and "us"; the unit is "" where there is none. */
typedef void param_fn(void *user, const char *name, const char *value, const char *unit);
int store_params(struct store *s, int64_t run_id, param_fn *fn, void *user);
/* The same for every parameter of the resolved scenario, values as texts with their units (unit is ""). */
int store_resolved(struct store *s, int64_t run_id, param_fn *fn, void *user);

/* The frames of a run by the chunk, all columns: with a full timeline in the order in which they ended and `full` set; else
 * the sampled ones, by number. `fn` returns non-zero to stop, which is no error. */
struct chunk;
typedef int frames_fn(void *user, const struct chunk *frames);
int store_frames(struct store *s, int64_t run_id, bool *full, frames_fn *fn, void *user);

/* Any one SELECT. `head` is called once, then `row` for each row; texts live until it returns. A blob's text says how long
 * it is. Returns 0; 1 if the statement is wrong, -1 if the database failed: store_error() says why. */
struct query_cell { enum { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT } type; int64_t integer; double real;
                    const char *text; };        /* text: of any type, "" for NULL */
struct query_sink {
    void (*head)(void *user, int columns, const char *const *name);
    void (*row)(void *user, int columns, const struct query_cell *cell);
    void *user;
};
int store_query(struct store *s, const char *sql, const struct query_sink *sink);

/* For `rxsim list`: one call per experiment, newest first. */
struct experiment_row { int64_t id; char name[64], kind[16], created[32], scenario[128]; int points, runs; };
typedef void experiment_fn(void *user, const struct experiment_row *row);
int store_list(struct store *s, experiment_fn *fn, void *user);

#endif
