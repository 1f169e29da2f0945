/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named random streams and variate tables.
 *
 * A stream is a 64-bit generator (xoshiro256**) registered as a gsl_rng_type, so that any gsl_ran_* runs
 * on it in tests and reports. Its seed is hash(root seed, replication, name), so sweep points share their
 * random numbers. Models never call GSL or libm between events: they draw integers from tables of
 * quantiles, built once with GSL and rounded to integers, one uniform a variate. */
#ifndef SIM_ENGINE_RANDOM_H
#define SIM_ENGINE_RANDOM_H

#include <stdint.h>

#include <gsl/gsl_rng.h>

#include "sim/engine/time.h"

struct stream { uint64_t s[4]; };

void stream_seed(struct stream *r, uint64_t root, uint64_t replication, const char *name);

static inline uint64_t stream_rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }
static inline uint64_t stream_next(struct stream *r)
{
    uint64_t *s = r->s;
    uint64_t result = stream_rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = stream_rotl(s[3], 45);
    return result;
}

/* Uniform in 0 .. n-1 by multiplication (bias below n / 2^64); n >= 1. */
uint64_t stream_below(struct stream *r, uint64_t n);

/* The stream as a GSL generator; the gsl_rng is the caller's (gsl_rng_free). NULL when out of memory. */
extern const gsl_rng_type *const rxsim_rng_type;
gsl_rng *stream_gsl(uint64_t root, uint64_t replication, const char *name);

enum { VARIATE_BITS = 13, VARIATE_SIZE = 1 << VARIATE_BITS };

/* Quantiles of a distribution of mean VARIATE_UNIT, as integers. Entry i is the mean of the distribution
 * over the probability slice [i, i+1) / VARIATE_SIZE, and the entries sum to exactly
 * VARIATE_SIZE * VARIATE_UNIT, so that a table never shifts a rate. */
enum { VARIATE_UNIT = 1 << 20 };
struct variate {
    uint32_t q[VARIATE_SIZE];
    uint64_t hash;              /* of the entries: a difference between two machines is seen, not guessed */
};

void variate_exponential(struct variate *v);
/* Lognormal with the given coefficient of variation in thousandths. */
void variate_lognormal(struct variate *v, int cv_milli);

/* A variate of the given mean: one uniform each, integer arithmetic. mean <= 2^43 ps (8.8 s). */
static inline ps_t variate_draw(const struct variate *v, struct stream *r, ps_t mean)
{
    uint64_t q = v->q[stream_next(r) >> (64 - VARIATE_BITS)];

    return (ps_t)(((uint64_t)mean >> 20) * q + ((((uint64_t)mean & (VARIATE_UNIT - 1)) * q) >> 20));
}

#endif
