/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mixing for stream seeds and for the fingerprint, which is a commutative 128-bit sum of mixed facts. */
#ifndef SIM_ENGINE_HASH_H
#define SIM_ENGINE_HASH_H

#include <stdint.h>

/* splitmix64's finaliser (Steele, Lea, Flood 2014): every input bit reaches every output bit. */
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint64_t hash_add(uint64_t h, uint64_t x)
{
    return hash_mix(h ^ (x + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2)));
}

__extension__ typedef unsigned __int128 hash_wide;

struct fingerprint { uint64_t lo, hi; };

/* Adds one fact, a mixed word. The order of facts does not matter; two equal facts count twice. The square of an odd
 * number made of it spreads it over all 128 bits. */
static inline void fingerprint_add(struct fingerprint *f, uint64_t fact)
{
    hash_wide sum = (hash_wide)f->hi << 64 | f->lo;

    sum += (hash_wide)(fact ^ UINT64_C(0x9e3779b97f4a7c15)) * (fact | 1);
    f->lo = (uint64_t)sum;
    f->hi = (uint64_t)(sum >> 64);
}

#endif
