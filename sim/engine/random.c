/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xoshiro256** is Blackman and Vigna's (ACM TOMS 47:4, 2021); GSL 2.7 has no generator with 64-bit output
 * and cheap independent streams, hence our own behind GSL's interface. */
#include "sim/engine/random.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>

#include "sim/engine/hash.h"

/* ---- streams ---- */

void stream_seed(struct stream *r, uint64_t root, uint64_t replication, const char *name)
{
    uint64_t h = hash_add(hash_add(0, root), replication);

    for (const char *c = name; *c; c++)
        h = hash_add(h, (unsigned char)*c);
    /* hash_mix is a bijection: of four different arguments at most one gives 0, so the state is never
     * all zero, the one state that xoshiro cannot leave. */
    for (uint64_t i = 0; i < 4; i++)
        r->s[i] = hash_mix(h + (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

__extension__ typedef unsigned __int128 wide;

uint64_t stream_below(struct stream *r, uint64_t n)
{
    assert(n >= 1);
    return (uint64_t)((wide)stream_next(r) * n >> 64);
}

/* ---- the same as a GSL generator ---- */

static_assert(ULONG_MAX == UINT64_MAX, "GSL hands numbers on as unsigned long");

static void type_set(void *state, unsigned long seed)
{
    stream_seed(state, seed, 0, "");
}

static unsigned long type_get(void *state)
{
    return stream_next(state);
}

/* [0, 1) in steps of 2^-53, every one of them a double. */
static double type_get_double(void *state)
{
    return (double)(stream_next(state) >> 11) * 0x1p-53;
}

static const gsl_rng_type type = {
    .name = "xoshiro256starstar",
    .max = ULONG_MAX,
    .min = 0,
    .size = sizeof(struct stream),
    .set = type_set,
    .get = type_get,
    .get_double = type_get_double,
};
const gsl_rng_type *const rxsim_rng_type = &type;

gsl_rng *stream_gsl(uint64_t root, uint64_t replication, const char *name)
{
    gsl_rng *rng = gsl_rng_alloc(rxsim_rng_type);

    if (rng)
        stream_seed(rng->state, root, replication, name);
    return rng;
}

/* ---- tables ---- */

/* Double arithmetic below gives the same bits everywhere but for log, exp and GSL's inverse, whose last
 * bit may differ between CPUs. The slice means are therefore computed without cancellation: an error of a
 * few units in the last place is some 1e-9 of an entry's step, and rounding hides it. */

struct remainder { double value; int entry; };

/* Largest first; equal ones in order of entry. */
static int by_remainder(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;

    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->entry - b->entry;
}

/* Rounds slice means (of mean 1) to units so that their sum is exact: all down, and those up that lost
 * most. Ascending means stay ascending. */
static void variate_round(struct variate *v, const double *mean)
{
    static const uint64_t total = (uint64_t)VARIATE_SIZE * VARIATE_UNIT;
    struct remainder lost[VARIATE_SIZE];
    uint64_t sum = 0;

    for (int i = 0; i < VARIATE_SIZE; i++) {
        double exact = mean[i] * VARIATE_UNIT;

        assert(exact >= 0);
        assert(exact < UINT32_MAX);
        v->q[i] = (uint32_t)exact;
        sum += v->q[i];
        lost[i] = (struct remainder){ exact - v->q[i], i };
    }
    assert(sum <= total);
    assert(total - sum <= VARIATE_SIZE);
    qsort(lost, VARIATE_SIZE, sizeof lost[0], by_remainder);
    for (uint64_t i = 0; i < total - sum; i++)
        v->q[lost[i].entry]++;

    v->hash = 0;
    for (int i = 0; i < VARIATE_SIZE; i++)
        v->hash = hash_add(v->hash, v->q[i]);
}

/* The mean of -ln u over u in [middle - half, middle + half]. With x = half / middle it is
 * -ln middle + x^2/(2*3) + x^4/(4*5) + x^6/(6*7) + ..; x <= 1/3 here, so 16 terms reach 2^-53. */
static double mean_minus_log(double middle, double half)
{
    double x2 = half / middle * (half / middle), power = x2, sum = 0;

    for (int k = 2; k <= 32; k += 2) {
        sum += power / (k * (k + 1));
        power *= x2;
    }
    return sum - log(middle);
}

void variate_exponential(struct variate *v)
{
    double mean[VARIATE_SIZE];
    const double half = 0.5 / VARIATE_SIZE;

    /* The quantile of p is -ln(1 - p). */
    for (int i = 0; i < VARIATE_SIZE - 1; i++)
        mean[i] = mean_minus_log((VARIATE_SIZE - i - 0.5) / VARIATE_SIZE, half);
    /* The tail beyond t has no memory: its mean is t + 1. */
    mean[VARIATE_SIZE - 1] = log(VARIATE_SIZE) + 1;
    variate_round(v, mean);
}

/* The mean of exp(sigma z - sigma^2 / 2), z normal, given that z lies in [from, to]: two integrals over
 * the same nodes, so that what the rule or the edges lack cancels. */
static double mean_lognormal(double sigma, double from, double to, const gsl_integration_glfixed_table *rule)
{
    double weighted = 0, probability = 0;

    for (size_t k = 0; k < rule->n; k++) {
        double z, weight;

        gsl_integration_glfixed_point(from, to, k, &z, &weight, rule);
        weight *= exp(-z * z / 2);
        weighted += weight * exp(sigma * z - sigma * sigma / 2);
        probability += weight;
    }
    return weighted / probability;
}

void variate_lognormal(struct variate *v, int cv_milli)
{
    /* Mean 1 and variance cv^2 of exp(mu + sigma z): sigma^2 = ln(1 + cv^2), mu = -sigma^2 / 2. */
    enum { NODES = 8 };
    double mean[VARIATE_SIZE];
    double cv = cv_milli / 1000.0;
    double sigma = sqrt(log1p(cv * cv));
    double edge = gsl_cdf_ugaussian_Pinv(1.0 / VARIATE_SIZE);
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(NODES);

    assert(cv_milli >= 0);
    assert(cv_milli <= 100000);         /* beyond, the last entry would not fit 32 bits */
    if (!rule)
        abort();
    /* The open slices at both ends have a closed form: the weight exp(sigma z - sigma^2 / 2) turns the
     * normal density into one of mean sigma. */
    mean[0] = VARIATE_SIZE * gsl_cdf_ugaussian_P(edge - sigma);
    mean[VARIATE_SIZE - 1] = VARIATE_SIZE * gsl_cdf_ugaussian_Q(-edge - sigma);
    for (int i = 1; i < VARIATE_SIZE - 1; i++) {
        double next = gsl_cdf_ugaussian_Pinv((i + 1.0) / VARIATE_SIZE);

        mean[i] = mean_lognormal(sigma, edge, next, rule);
        edge = next;
    }
    gsl_integration_glfixed_table_free(rule);
    variate_round(v, mean);
}
