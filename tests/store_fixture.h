/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of sim/store share: a folder of their own, a plan made by hand, and results that need
 * no model. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <stdint.h>

#include "sim/store/store.h"

enum { FIXTURE_PATH = 256 };

/* A new folder in memory or under /tmp with the path of a database in it that does not exist yet;
 * fixture_remove deletes the folder and all in it. */
struct fixture { char folder[FIXTURE_PATH / 2], db[FIXTURE_PATH]; };
void fixture_make(struct fixture *f);
void fixture_remove(const struct fixture *f);

/* A plan of one axis nic.ring.rx over the values (NULL ends them), `reps` repetitions each, seed 1. With
 * no value it has no axis and one point. `ring` is kept by reference. */
void plan_make(struct sweep_plan *p, char *const *ring, int reps, const char *hash);
void plan_free(struct sweep_plan *p);
/* As the lab's run_key, but readable: scenario hash and replication. */
void plan_key(const struct sweep_point *pt, uint64_t replication, char key[33]);

/* A balanced result with rows of every kind; `n` makes it different from others. */
void result_make(struct result *r, uint64_t n);

/* Opens, or fails the test with the store's sentence. */
struct store *open_store(const char *path, bool write);
/* Stores every run of the plan under `name` and returns the experiment's id. */
int64_t store_all(struct store *s, const char *name, const struct sweep_plan *p);

/* The first column of the first row, through a connection of its own; the test fails if there is none. */
int64_t ask_int(const char *path, const char *sql);
double ask_real(const char *path, const char *sql);
void ask_text(const char *path, const char *sql, char *text, size_t size);

/* integrity_check and foreign_key_check say ok, and every run has all its rows. */
void check_sound(const char *path);

#endif
