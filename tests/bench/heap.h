/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plain binary heap of (time, number), ties by number: what the benchmarks compare with. The caller gives the room. */
#ifndef TESTS_BENCH_HEAP_H
#define TESTS_BENCH_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/time.h"

struct heap_entry { ps_t when; uint32_t number; };

struct heap {
    struct heap_entry *entry;
    uint32_t entries;
};

static inline bool heap_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->when < b->when || (a->when == b->when && a->number < b->number);
}

static inline void heap_push(struct heap *h, ps_t when, uint32_t number)
{
    struct heap_entry e = { when, number };
    uint32_t i = h->entries++;

    for (; i > 0 && heap_before(&e, &h->entry[(i - 1) / 2]); i = (i - 1) / 2)
        h->entry[i] = h->entry[(i - 1) / 2];
    h->entry[i] = e;
}

/* Of a heap that is not empty. */
static inline struct heap_entry heap_pop(struct heap *h)
{
    struct heap_entry top = h->entry[0], last = h->entry[--h->entries];
    uint32_t i = 0, child;

    while ((child = 2 * i + 1) < h->entries) {
        if (child + 1 < h->entries && heap_before(&h->entry[child + 1], &h->entry[child]))
            child++;
        if (!heap_before(&h->entry[child], &last))
            break;
        h->entry[i] = h->entry[child];
        i = child;
    }
    h->entry[i] = last;
    return top;
}

#endif
