/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A census: how many frames are where, counted at regular times of a run, after everything that happens then. To look
 * changes nothing: the fingerprint stays. */
#ifndef SIM_LAB_CENSUS_H
#define SIM_LAB_CENSUS_H

#include <stdint.h>

#include "sim/engine/event.h"

struct host;

struct census {
    ps_t every;                 /* distance of two looks; no multiple or part of what repeats in the traffic */
    uint64_t looks;
    uint64_t inside;            /* frames offered and not ended, summed over the looks */
    uint64_t ring;              /* of them in memory and not taken by a poll */
    struct event event;
    struct host *host;
};

/* Joins a machine that has been built and not yet run. 0, or -1 when out of memory. `every` is set by the caller. */
int census_join(struct census *n, struct host *h);

#endif
