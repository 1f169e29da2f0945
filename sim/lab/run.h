/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run: a configuration, a seed and a replication number in, a result out. No files, no globals: any number
 * may run at once in threads. */
#ifndef SIM_LAB_RUN_H
#define SIM_LAB_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "models/config.h"
#include "sim/engine/trace.h"
#include "sim/lab/census.h"
#include "sim/lab/result.h"

/* Raised whenever numbers may change; part of every run's key. */
enum { MODEL_VERSION = 3 };

struct run_options {
    uint64_t seed;              /* root seed, default 1 */
    uint64_t replication;       /* 0.. */
    bool no_batch;              /* every step by its own event: slower, the same bytes */
    uint64_t sample_every;      /* keep 1 frame in so many (0: none) .. */
    uint64_t sample_most;       /* .. and if that were more than so many (0: no limit), 1 in twice so many, .. */
    uint64_t sample_drops;      /* .. and so many of the first drops */
    uint64_t sample_slowest;    /* .. and so many of the slowest */
    bool full;                  /* and record the timeline of every frame, in chunks */
    struct trace trace;
    struct census *census;      /* frames counted at regular times; NULL: none */
    atomic_int *stop;           /* non-zero: give up soon */
    atomic_llong *progress_ps;  /* simulated time reached, for a progress bar; may be NULL */
};

extern const struct run_options run_options_default;    /* seed 1, 1 in 1000, 1000 drops, 100 slowest */

/* Returns 0; -1 and a sentence in `why` on out of memory, a stop, or broken books. `out` is initialised here. */
int run_config(const struct config *c, const struct run_options *o, struct result *out, char *why, size_t size);

#endif
