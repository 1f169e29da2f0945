/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/engine/hist.h"

#include <stdlib.h>
#include <string.h>

/* Octave 0 holds 0 .. 127, one value a bucket; octave o > 0 holds 2^(o+6) .. 2^(o+7) - 1 in buckets of
 * 2^(o-1) values. */
static int64_t bucket_width(int octave)
{
    return octave > 0 ? INT64_C(1) << (octave - 1) : 1;
}

static int64_t bucket_first(int octave, int sub)
{
    int64_t leading = octave > 0 ? HIST_SUB : 0;

    return (leading + sub) * bucket_width(octave);
}

static int64_t bucket_last(int octave, int sub)
{
    return bucket_first(octave, sub) + (bucket_width(octave) - 1);
}

void hist_init(struct hist *h)
{
    memset(h, 0, sizeof *h);
    h->min = INT64_MAX;
    h->max = INT64_MIN;
}

void hist_free(struct hist *h)
{
    for (int o = 0; o < HIST_OCTAVES; o++)
        free(h->octave[o]);
    hist_init(h);
}

/* 1 KiB. A caller in the middle of an event has no way to hand an error on, hence the abort. */
void hist_new_octave(struct hist *h, int octave)
{
    h->octave[octave] = calloc(HIST_SUB, sizeof *h->octave[octave]);
    if (!h->octave[octave])
        abort();
}

void hist_merge(struct hist *into, const struct hist *from)
{
    for (int o = 0; o < HIST_OCTAVES; o++) {
        if (!from->octave[o])
            continue;
        if (!into->octave[o])
            hist_new_octave(into, o);
        for (int s = 0; s < HIST_SUB; s++)
            into->octave[o][s] += from->octave[o][s];
    }
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    into->sum_lo += from->sum_lo;
    into->sum_hi += from->sum_hi + (into->sum_lo < from->sum_lo);
}

double hist_mean(const struct hist *h)
{
    const double two_to_64 = 18446744073709551616.0;

    if (h->count == 0)
        return 0;
    return ((double)h->sum_hi * two_to_64 + (double)h->sum_lo) / (double)h->count;
}

/* How many of `count` samples are a share q: rounded up. The product may come out a hair above a whole
 * number (0.07 * 100 does), which must not cost a sample: hence the 1e-12. */
static uint64_t rank_of(double q, uint64_t count)
{
    double exact = q * (double)count * (1 - 1e-12);
    uint64_t rank = (uint64_t)exact;

    return (double)rank < exact ? rank + 1 : rank;
}

int64_t hist_quantile(const struct hist *h, double q)
{
    if (h->count == 0)
        return 0;
    if (q <= 0)
        return h->min;
    if (q >= 1)
        return h->max;

    uint64_t rank = rank_of(q, h->count), below = 0;

    for (int o = 0; o < HIST_OCTAVES; o++) {
        if (!h->octave[o])
            continue;
        for (int s = 0; s < HIST_SUB; s++) {
            below += h->octave[o][s];
            if (below >= rank) {
                int64_t last = bucket_last(o, s);

                return last < h->max ? last : h->max;
            }
        }
    }
    return h->max;
}

void hist_each(const struct hist *h, hist_bucket_fn *fn, void *user)
{
    for (int o = 0; o < HIST_OCTAVES; o++) {
        if (!h->octave[o])
            continue;
        for (int s = 0; s < HIST_SUB; s++) {
            int64_t last = bucket_last(o, s);
            /* the last bucket of all ends at 2^63, which an int64_t cannot say */
            int64_t end = last < INT64_MAX ? last + 1 : INT64_MAX;

            if (h->octave[o][s] > 0)
                fn(user, bucket_first(o, s), end, h->octave[o][s]);
        }
    }
}
