/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latency histogram: log-linear buckets with a relative width of at most 1/128, exact count, sum, minimum
 * and maximum. Histograms merge by addition. Memory is allocated octave by octave, when first used. */
#ifndef SIM_ENGINE_HIST_H
#define SIM_ENGINE_HIST_H

#include <stdbool.h>
#include <stddef.h>
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

__extension__ typedef unsigned __int128 hist_wide;

void hist_new_octave(struct hist *h, int octave);

/* The bucket of a value >= 0; aborts only on out of memory for a new octave. Octaves 0 and 1 hold their values one by one;
 * above, the leading 1 and the next seven bits count buckets without a gap. */
static inline uint64_t *hist_bucket(struct hist *h, uint64_t v)
{
    unsigned shift = 56 - (unsigned)__builtin_clzll(v | HIST_SUB);
    uint64_t bucket = ((uint64_t)shift << HIST_SUB_BITS) + (v >> shift);
    uint64_t **octave = &h->octave[bucket >> HIST_SUB_BITS];

    if (__builtin_expect(*octave == NULL, 0))
        hist_new_octave(h, (int)(bucket >> HIST_SUB_BITS));
    return *octave + (bucket & (HIST_SUB - 1));
}

/* Adds one value >= 0. Hot path: inline. */
static inline void hist_add(struct hist *h, int64_t value)
{
    uint64_t v = (uint64_t)value;

    ++*hist_bucket(h, v);
    if (__builtin_expect(value < h->min, 0))
        h->min = value;
    if (__builtin_expect(value > h->max, 0))
        h->max = value;
    h->count++;
    h->sum_lo += v;
    if (__builtin_expect(h->sum_lo < v, 0))
        h->sum_hi++;
}

/* The same value n times. */
static inline void hist_add_n(struct hist *h, int64_t value, uint64_t n)
{
    hist_wide sum = (hist_wide)(uint64_t)value * n + h->sum_lo;

    *hist_bucket(h, (uint64_t)value) += n;
    if (value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count += n;
    h->sum_lo = (uint64_t)sum;
    h->sum_hi += (uint64_t)(sum >> 64);
}

/* Before a histogram of values of which one mostly repeats: how often it came is counted here and added at the end, before
 * the histogram is read. A value that comes twice in a row takes the place. All zero is an empty one. */
struct hist_run {
    int64_t value, last;
    uint64_t n;
};

static inline void hist_run_end(struct hist_run *r, struct hist *h)
{
    if (r->n > 0)
        hist_add_n(h, r->value, r->n);
    r->n = 0;
}

static inline void hist_run_add(struct hist_run *r, struct hist *h, int64_t value)
{
    if (value == r->value) {
        r->n++;
        return;
    }
    hist_add(h, value);
    if (value == r->last) {
        hist_run_end(r, h);
        r->value = value;
    }
    r->last = value;
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
