/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latency histogram: log-linear buckets with a relative width of at most 1/128, exact count, sum, minimum
 * and maximum. Histograms merge by addition. Memory is allocated octave by octave, when first used. */
#ifndef SIM_ENGINE_HIST_H
#define SIM_ENGINE_HIST_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HIST_SUB_BITS = 7,                          /* 2^7 buckets an octave: width <= 1/128 */
    HIST_SUB      = 1 << HIST_SUB_BITS,
    HIST_OCTAVES  = 63 - HIST_SUB_BITS + 1,     /* values 0 .. INT64_MAX */
};

struct hist {
    uint64_t count;
    int64_t min, max;           /* meaningless while count is 0 */
    uint64_t sum_lo, sum_hi;    /* 128-bit sum */
    uint64_t *octave[HIST_OCTAVES];     /* HIST_SUB counts each, or NULL */
};

void hist_init(struct hist *h);
void hist_free(struct hist *h);

/* Adds one value >= 0. Aborts only on out of memory for a new octave. Hot path: inline. */
static inline int hist_octave(uint64_t v)
{
    return v < HIST_SUB ? 0 : 63 - __builtin_clzll(v) - HIST_SUB_BITS + 1;
}
void hist_new_octave(struct hist *h, int octave);
static inline void hist_add(struct hist *h, int64_t value)
{
    uint64_t v = (uint64_t)value;
    int o = hist_octave(v);
    /* within octave o > 0 the leading 1 is at bit o + 6; the next seven bits choose the bucket */
    unsigned shift = o > 0 ? (unsigned)o - 1 : 0;

    if (__builtin_expect(h->octave[o] == 0, 0))
        hist_new_octave(h, o);
    h->octave[o][(v >> shift) & (HIST_SUB - 1)]++;
    if (value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count++;
    h->sum_lo += v;
    h->sum_hi += h->sum_lo < v;
}

void hist_merge(struct hist *into, const struct hist *from);
double hist_mean(const struct hist *h);                 /* 0 when empty */
/* The value below which a share q (0..1) of the samples lies: upper edge of its bucket, clamped to
 * [min, max]; exact at q = 0 and q = 1; 0 when empty. */
int64_t hist_quantile(const struct hist *h, double q);

/* Calls back for every non-empty bucket in ascending order: [lo, hi) and its count. */
typedef void hist_bucket_fn(void *user, int64_t lo, int64_t hi, uint64_t n);
void hist_each(const struct hist *h, hist_bucket_fn *fn, void *user);

#endif
