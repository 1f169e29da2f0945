/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sweep: the cross product of varied parameters, each point replicated, on all cores.
 *
 * Workers are threads: a run has no globals, results are passed by pointer, and one writer (the caller's
 * callback, called under a lock, in completion order) stores them. What is stored does not depend on the order:
 * keys and ordinals are fixed by the plan. */
#ifndef SIM_LAB_SWEEP_H
#define SIM_LAB_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sim/lab/messages.h"
#include "sim/lab/run.h"
#include "sim/lab/scenario.h"

struct sweep_axis {
    char *key;                  /* as the user wrote it */
    char **value;               /* texts */
    int values;
};

struct sweep_point {
    int ordinal;
    const char **value;         /* one per axis, borrowed from the plan */
    struct config config;       /* resolved */
    char *resolved;             /* scenario_json of it */
    char hash[33];              /* of `resolved` and the contents of captures */
    char *label;                /* "nic.ring.rx=256 net.core.netdev_budget=300" */
};

struct sweep_plan {
    struct sweep_axis *axis;
    int axes;
    struct sweep_point *point;
    int points;
    int reps;
    uint64_t seed;
    char hash[33];              /* of all points, reps and seed: the experiment's identity */
};

/* `KEY=v1,v2,..` or `KEY=lo:hi:n[:log]` (whole numbers or values with one unit). Values that contain commas
 * (a CPU list) are separated by ';' instead, and a single one of them ends in ';'. A range holds both ends and
 * n - 2 steps between, evenly spaced or in equal ratios, rounded to whole numbers, or to three decimals more
 * than its ends have if it has a unit other than B; steps that round to the same value count once. Adds an
 * axis; messages and -1 on error. The plan begins zeroed: `struct sweep_plan p = { 0 }`. */
int sweep_vary(struct sweep_plan *p, const char *text, struct messages *m);

/* Builds all points (every combination, the last axis fastest), resolving each. With `lockstep` all axes
 * advance together (equal lengths). `where`, if not NULL, is `KEY OP NUMBER|KEY` with && between, over varied
 * keys; other combinations are left out. Messages and -1 on error. */
int sweep_build(struct sweep_plan *p, const struct scenario *base, bool lockstep, const char *where, int reps,
                uint64_t seed, struct messages *m);
/* Adds one point of its own, beside any axis: a plan without axes whose points differ in whatever their scenarios say. The
 * caller sets `reps` and `seed`, and calls sweep_hash() when all are there. Messages and -1 on error. */
int sweep_add_point(struct sweep_plan *p, const struct scenario *s, const char *label, struct messages *m);
/* Computes the hashes again. sweep_build() knows captures only by name: whoever fills `config.arrivals` afterwards,
 * or changes `seed`, calls this, so that a run is not taken for known when its capture's contents changed. */
void sweep_hash(struct sweep_plan *p);
void sweep_free(struct sweep_plan *p);

/* The key of one run: hash(model version, resolved scenario, seed, replication), 32 hex digits. */
void run_key(const char *scenario_hash, uint64_t seed, uint64_t replication, char key[33]);
/* 128-bit hash of a text, 32 hex digits. */
void text_hash(const char *text, char hash[33]);

struct sweep_callbacks {
    /* Is this run already stored? Then it is not run again. May be NULL. Called under the lock. */
    bool (*known)(void *user, const char *key);
    /* A finished run; return non-zero to stop the sweep (for instance: disk full). Called under the lock. */
    int (*done)(void *user, const struct sweep_point *pt, uint64_t replication, const char *key,
                const struct result *r);
    void (*failed)(void *user, const struct sweep_point *pt, uint64_t replication, const char *why);
    /* After each run: finished of total runs. Called under the lock. */
    void (*progress)(void *user, int finished, int total);
    void *user;
};

/* Runs what is not known, `jobs` at a time (0: all cores the process may use). Seed and replication of `o` are
 * the plan's, not its own; `o->progress_ps` is followed only when one run at a time can own it (jobs 1, or one
 * run). A run whose books do not balance has failed. Returns the number of runs that failed or were not reached. */
int sweep_run(const struct sweep_plan *p, const struct run_options *o, int jobs, const struct sweep_callbacks *cb,
              atomic_int *stop);

#endif
