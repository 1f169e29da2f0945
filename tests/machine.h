/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole machines for tests: a scenario of scenarios/ with settings, its captures loaded, built and run. Whatever goes
 * wrong on the way fails the test with the sentence that says why. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <stddef.h>

#include "models/host.h"
#include "models/host_config.h"
#include "sim/lab/run.h"

/* Where the scenarios are: $RXSIM_DATA, else "scenarios" below the current folder. */
const char *machine_data_dir(void);

/* Resolves a file of that folder ("one-frame.yaml") with settings, words "key=value" between blanks. A test may change
 * fields of the configuration before it runs it. machine_release gives it back with its captures. */
void machine_load(struct config *c, const char *file, const char *settings);
/* The same for the text of a scenario. */
void machine_parse(struct config *c, const char *text, const char *settings);
void machine_release(struct config *c);

/* Runs it with the books checked. The caller frees the result. `o` NULL: seed 1, every frame sampled. */
void machine_run(const struct config *c, const struct run_options *o, struct result *r);

/* The same, and once more with a step of its own for everything (--no-batch), which must give the same fingerprint. */
void machine_run_both(const struct config *c, uint64_t seed, struct result *r);

/* The machine itself, run to its end and still there to be looked at; host_free it. */
void machine_host(const struct config *c, struct host *h);

/* Frames that ended so. */
uint64_t machine_fate(const struct result *r, enum fate fate);

#endif
