/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Simulated time: signed 64-bit picoseconds, and cycles that have no length until a clock gives them one. */
#ifndef SIM_ENGINE_TIME_H
#define SIM_ENGINE_TIME_H

#include <stdint.h>

typedef int64_t ps_t;                   /* a difference may be negative; range 106 days */

#define PS   ((ps_t)1)
#define NS   (1000 * PS)
#define US   (1000 * NS)
#define MS   (1000 * US)
#define SEC  (1000 * MS)
#define PS_NEVER  INT64_MAX             /* later than anything: "no such event" */

/* Thousandths of a cycle, wrapped so that `now + cycles` does not compile. */
typedef struct { int64_t milli; } cycles_t;
typedef struct { int64_t khz; } hz_t;   /* kHz keeps every product below inside 64 bits */

/* Rounds up: work is never finished before it is done.
 * Exact up to an hour of 5 GHz cycles (1.8e16 thousandths). */
static inline ps_t ps_of_cycles(cycles_t c, hz_t f)
{
    /* f.khz thousandths of a cycle pass in a microsecond */
    return c.milli / f.khz * US + (c.milli % f.khz * US + f.khz - 1) / f.khz;
}

/* Time of `bytes` on a link of `bps` bit/s, rounded up. Exact up to 1 MB at 1 Mbit/s. */
static inline ps_t ps_of_bytes(int64_t bytes, int64_t bps)
{
    int64_t bits = bytes * 8;

    return bits / bps * SEC + (bits % bps * (SEC / 1000) + bps / 1000 - 1) / (bps / 1000);
}

/* Per-byte costs are femtoseconds a byte; rounded up to a picosecond once, for the whole of `bytes`. */
static inline ps_t ps_of_fs_per_byte(int64_t fs, int64_t bytes)
{
    return (fs * bytes + 999) / 1000;
}

#endif
