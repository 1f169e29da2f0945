/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/stats.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

/* A sample as a function of its index, so that plain and paired samples share the arithmetic and no copy is
 * needed: value i is b[i] - a[i], or b[i] where there is no a. */
struct samples {
    const double *a, *b;
    size_t n;
};

static double sample(const struct samples *s, size_t i)
{
    return s->a ? s->b[i] - s->a[i] : s->b[i];
}

/* n / n times a value need not be that value again, so equal samples are seen as such, not computed. */
static bool all_equal(const struct samples *s, double first)
{
    for (size_t i = 0; i < s->n; i++)
        if (!isnan(sample(s, i)) && sample(s, i) != first)
            return false;
    return true;
}

/* The mean first, then the squares about it: the textbook's one-pass formula loses everything when the
 * spread is small against the mean, as it is between replications. */
static struct estimate estimate(const struct samples *s, double confidence)
{
    struct estimate e = { .mean = NAN, .sd = NAN, .half_width = NAN, .confidence = confidence };
    double sum = 0, squares = 0, last = NAN;

    for (size_t i = 0; i < s->n; i++)
        if (!isnan(sample(s, i))) {
            last = sample(s, i);
            sum += last;
            e.n++;
        }
    if (e.n == 0)
        return e;
    e.mean = all_equal(s, last) ? last : sum / (double)e.n;
    if (e.n == 1)
        return e;
    for (size_t i = 0; i < s->n; i++)
        if (!isnan(sample(s, i)))
            squares += (sample(s, i) - e.mean) * (sample(s, i) - e.mean);
    e.sd = sqrt(squares / (double)(e.n - 1));
    e.half_width = gsl_cdf_tdist_Pinv((1 + confidence) / 2, (double)(e.n - 1)) * e.sd / sqrt((double)e.n);
    return e;
}

struct estimate stats_estimate(const double *sample_of, size_t n, double confidence)
{
    return estimate(&(struct samples){ .b = sample_of, .n = n }, confidence);
}

void stats_binomial(unsigned n, double p, double confidence, unsigned *low, unsigned *high)
{
    double tail = (1 - confidence) / 2;

    for (*low = 0; *low < n && gsl_cdf_binomial_P(*low, p, n) <= tail; ++*low)
        ;
    for (*high = n; *high > 0 && gsl_cdf_binomial_Q(*high - 1, p, n) <= tail; --*high)
        ;
}

struct estimate stats_paired(const double *a, const double *b, size_t n, double confidence)
{
    return estimate(&(struct samples){ .a = a, .b = b, .n = n }, confidence);
}

bool stats_significant(const struct estimate *e)
{
    return fabs(e->mean) > e->half_width;       /* false below two samples: the half width is NAN */
}
