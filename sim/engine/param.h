/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parameter is declared once, as a row. From the row come scenario parsing, bounds, sweep axes, `rxsim
 * params`, the README table and the rows stored with each run. Every field behind a row is an int64_t. */
#ifndef SIM_ENGINE_PARAM_H
#define SIM_ENGINE_PARAM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/engine/time.h"

/* What the scenario file writes, and what the field holds. */
enum unit {
    UNIT_COUNT,         /* 300                       the number */
    UNIT_BYTES,         /* 64B 4KiB 2MB              bytes */
    UNIT_TIME,          /* 50us 1.5ms 250ps          picoseconds */
    UNIT_BITRATE,       /* 10Gbps                    bit/s */
    UNIT_FREQ,          /* 3.8GHz                    kHz */
    UNIT_SWITCH,        /* on off                    1 0 */
    UNIT_CHOICE,        /* cbr poisson ..            index into `names` */
    UNIT_CPUS,          /* f 0-3 0,2  (as smp_affinity: hex mask, or list with - or ,) bit mask */
    UNIT_TEXT,          /* any                       index into the configuration's texts, 0 = empty */
    UNIT_LOAD,          /* 14.88Mpps 10Gbps 80%      packed: load_kind() and load_value() */
    UNIT_COST,          /* 450cycles 12.5ns          packed: cost_ps() */
    UNIT_COST_PER_BYTE, /* 0.36cycles/B 0.125ns/B    packed: cost_fs_per_byte() */
};

struct param {
    const char *name;           /* the name its users know: sysctl, ethtool, or cost.<stage>.<what> */
    size_t field;               /* offset in the model's parameter struct */
    enum unit unit;
    int64_t dflt, min, max;
    const char *doc;            /* one line, no full stop: what it does and what it costs */
    const char *source;         /* where the default comes from, or "assumption: .." */
    const char *const *names;   /* UNIT_CHOICE: NULL-terminated */
};

#define PARAM(owner, member, key, ...) \
    { .name = (key), .field = offsetof(owner, member), PARAM_REST(__VA_ARGS__) }
#define PARAM_REST(u, d, lo, hi, text, src) \
    .unit = (u), .dflt = (d), .min = (lo), .max = (hi), .doc = (text), .source = (src)
#define PARAM_SWITCH(owner, member, key, d, text, src) \
    PARAM(owner, member, key, UNIT_SWITCH, d, 0, 1, text, src)
/* `choices` is a NULL-terminated array of names; the enum's values are its indices. */
#define PARAM_CHOICE(owner, member, key, d, choices, text, src) \
    { .name = (key), .field = offsetof(owner, member), .unit = UNIT_CHOICE, .dflt = (d), .min = 0, \
      .max = (int64_t)(sizeof(choices) / sizeof((choices)[0])) - 2, .doc = (text), .source = (src), \
      .names = (choices) }
#define PARAM_TEXT(owner, member, key, text, src) \
    PARAM(owner, member, key, UNIT_TEXT, 0, 0, INT32_MAX, text, src)
/* A cost in cycles; its range is 0 to 1 s of a 5 GHz core. */
#define PARAM_COST(owner, member, key, cyc, text, src) \
    PARAM(owner, member, key, UNIT_COST, COST_CYCLES(cyc), 0, COST_CYCLES(5000000000), text, src)
/* `millicycles` for each byte. */
#define PARAM_COST_PER_BYTE(owner, member, key, millicycles, text, src) \
    PARAM(owner, member, key, UNIT_COST_PER_BYTE, (millicycles) * 2, 0, 2000000, text, src)

#define ROWS(table)  (sizeof(table) / sizeof((table)[0]))

/* Every field of the struct has a row, or the build stops. */
#define ALL_FIELDS_HAVE_ROWS(owner, table) \
    static_assert(sizeof(owner) == ROWS(table) * sizeof(int64_t), #owner ": a field has no row")

/* A cost is packed as magnitude * 2 + kind; kind 0: thousandths of a cycle, kind 1: picoseconds
 * (per byte: thousandths of a cycle a byte, femtoseconds a byte). The host unpacks all costs once, with
 * its clock, so that models see picoseconds (femtoseconds a byte). */
#define COST_CYCLES(n)  ((int64_t)(n) * 1000 * 2)
#define COST_PS(n)      ((int64_t)(n) * 2 + 1)

static inline ps_t cost_ps(int64_t packed, hz_t clock)
{
    return packed & 1 ? packed >> 1 : ps_of_cycles((cycles_t){ packed >> 1 }, clock);
}

/* Thousandths of a cycle a byte at khz: 1e9 fs in a microsecond; rounds up. */
static inline int64_t cost_fs_per_byte(int64_t packed, hz_t clock)
{
    return packed & 1 ? packed >> 1 : ((packed >> 1) * 1000000000 + clock.khz - 1) / clock.khz;
}

/* An offered load is packed as magnitude * 4 + kind. */
enum load_kind {
    LOAD_MILLIPPS = 0,  /* thousandths of a packet per second */
    LOAD_BPS      = 1,  /* bit/s on the wire, preamble and gap included */
    LOAD_PPM      = 2,  /* millionths of line rate */
};
#define LOAD_OF(kind, n)  ((int64_t)(n) * 4 + (kind))
static inline enum load_kind load_kind(int64_t packed) { return (enum load_kind)(packed & 3); }
static inline int64_t load_value(int64_t packed) { return packed >> 2; }

#endif
