/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which frames' timelines a run keeps as rows: every k-th by number, the drops with the lowest numbers, and the slowest
 * (ties to the lower number). It is a function of the set of finished frames, not of the order in which they finish, and
 * bounded: when run_options.sample_most frames of the first kind are kept, k doubles, and every second of them goes.
 *
 * When every frame is recorded as well (sim/lab/recorder), every frame is marked, and which would have been is worked out
 * here. */
#ifndef SIM_LAB_SAMPLER_H
#define SIM_LAB_SAMPLER_H

#include <stdbool.h>

#include "models/host.h"
#include "sim/lab/recorder.h"
#include "sim/lab/run.h"

/* A division by multiplication, see the source. */
struct multiples {
    uint64_t inverse, most;
    unsigned twos;
    bool none;                  /* k is 0 */
};

struct sampler {
    const struct run_options *options;
    struct recorder *recorder;                  /* NULL: only samples */
    struct multiples marked;
    uint64_t every_k;                           /* what k has become */
    struct result_packet *every;
    size_t n_every, room_every;
    struct result_packet *drops, *slowest;      /* heaps: the first one is the next to go */
    size_t n_drops, n_slowest;
    struct observer *observer;                  /* the host's, set by the caller */
    bool broken;                                /* out of memory */
};

/* `o` is borrowed. 0, or -1 when out of memory; sampler_free in either case. */
int sampler_init(struct sampler *s, const struct run_options *o);
void sampler_free(struct sampler *s);

/* The host's observer.frame_end; the user is the sampler. */
void sampler_frame_end(void *sampler, const struct frame *f, enum fate fate, ps_t now);

/* All samples by number, each frame once, and the recorder's chunks. 0, or -1 when memory has run out. */
int sampler_collect(struct sampler *s, struct result *r);

#endif
