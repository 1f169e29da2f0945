/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What replications say together: mean, spread, confidence interval. Reports only, never on the event path. */
#ifndef SIM_LAB_STATS_H
#define SIM_LAB_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* `half_width` is that of Student's t interval at `confidence`; NAN (as `sd`) below two samples, 0 when all
 * samples are equal. `mean` is NAN without a sample. */
struct estimate {
    size_t n;
    double mean, sd, half_width, confidence;
};

/* Samples that are NAN (a latency of a run that delivered nothing) are left out; `n` says how many counted.
 * 0 < confidence < 1; reports use STATS_CONFIDENCE. */
struct estimate stats_estimate(const double *sample, size_t n, double confidence);
#define STATS_CONFIDENCE 0.95

/* How many of n independent trials of probability p succeed: less than `low` or more than `high` have a probability
 * of (1 - confidence) / 2 at most each. */
void stats_binomial(unsigned n, double p, double confidence, unsigned *low, unsigned *high);

/* The mean of b[i] - a[i]: runs i of both sides shared their random numbers, so what they have in common
 * cancels. A pair with a NAN is left out. */
struct estimate stats_paired(const double *a, const double *b, size_t n, double confidence);

/* True if the interval excludes 0. With a single pair nothing is known, so nothing is significant; a
 * difference that is the same in every pair is, unless it is 0. */
bool stats_significant(const struct estimate *e);

#endif
