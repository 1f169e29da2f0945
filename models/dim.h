/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net_dim: dynamic interrupt moderation as the kernel's library does it, for one queue.
 *
 * In    dim_sample()     a poll has completed: counters so far
 *       dim_applied()    the driver has programmed the level
 * Out   true: another level is wanted; dim_level() says what it means
 *
 * 64 interrupts after the start of a measurement its rates are compared with the last ones: bytes, then packets, then
 * interrupts (fewer are better), the first that differs by more than a tenth decides. Better: one more step in the same
 * direction. Else turn round; a turn after one step back from a higher place parks there until the rates change, ten steps
 * in all park until ten more samples have passed. While a level is being programmed nothing is measured.
 * (lib/dim/net_dim.c, lib/dim/dim.c, include/linux/dim.h of 6.12; drivers/net/ethernet/intel/ice/ice_main.c, ice_lib.c for
 * ice's table and its rule that a measurement older than a second begins anew.)
 * Not modelled: transmit moderation by net_dim, ice's rate limit (INTRL), which is 0 in its present table. */
#ifndef MODELS_DIM_H
#define MODELS_DIM_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/time.h"

enum { DIM_LEVELS = 5, DIM_FIRST_LEVEL = 1 };   /* hardware begins with level 1, whatever the index says */

enum dim_profile { DIM_PROFILE_EQE, DIM_PROFILE_CQE, DIM_PROFILE_ICE };

struct dim_level {
    ps_t usecs;
    int64_t frames;             /* 0: no limit */
};

/* Counters of a queue at an instant, since its beginning; the kernel's have 16 (events) and 32 bits and wrap. */
struct dim_sample {
    ps_t at;
    uint32_t packets, bytes;
    uint16_t events;
};

struct dim_rates {
    int64_t packets, bytes, events;     /* a millisecond, rounded up */
};

enum dim_tune { DIM_PARKING_ON_TOP, DIM_PARKING_TIRED, DIM_GOING_RIGHT, DIM_GOING_LEFT };
enum dim_state { DIM_START_MEASURE, DIM_MEASURE_IN_PROGRESS, DIM_APPLY_NEW_PROFILE };

struct dim {
    enum dim_profile profile;
    enum dim_state state;
    enum dim_tune tune;
    int level;                  /* profile_ix */
    int steps_right, steps_left, tired;
    struct dim_rates last;
    struct dim_sample start;
};

void dim_init(struct dim *d, enum dim_profile profile);
bool dim_sample(struct dim *d, const struct dim_sample *now);
void dim_applied(struct dim *d);
struct dim_level dim_level(enum dim_profile profile, int level);

/* One decision from the rates of a measurement: net_dim_decision(). True if the level has changed. */
bool dim_decide(struct dim *d, const struct dim_rates *now);

#endif
