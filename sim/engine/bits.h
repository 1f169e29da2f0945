/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Powers of two and bits of masks. */
#ifndef SIM_ENGINE_BITS_H
#define SIM_ENGINE_BITS_H

#include <stdint.h>

/* The smallest power of two that is not below `least`; 1 for less. */
static inline int64_t power_of_two(int64_t least)
{
    int64_t p = 1;

    while (p < least)
        p *= 2;
    return p;
}

/* The number of the n-th bit that is set, from 0; the mask has more than n. */
static inline int nth_bit(uint64_t mask, int n)
{
    for (; n > 0; n--)
        mask &= mask - 1;
    return __builtin_ctzll(mask);
}

#endif
