/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/poisson.h"

#include <math.h>
#include <stdlib.h>

#include "sim/engine/hash.h"

enum {
    SLOT_OVERHEAD = 20,         /* preamble and gap */
    HEADERS = ETH_HLEN + IP_HLEN + UDP_HLEN + ETH_FCS,
};

static uint64_t xorshift64(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The only logarithm here; it comes before the run, and is rounded to whole nanoseconds. */
static int64_t gap_ns(uint64_t *state, int64_t mean_ns, int64_t slot_ns)
{
    double u = (double)(xorshift64(state) >> 11) * 0x1p-53;
    int64_t gap = (int64_t)floor(-(double)mean_ns * log(1 - u));

    return gap > slot_ns ? gap : slot_ns;
}

static struct arrivals *arrivals_alloc(int64_t n)
{
    struct arrivals *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->arrival = calloc((size_t)n + 1, sizeof *a->arrival);
    a->flow = calloc(1, sizeof *a->flow);
    if (!a->arrival || !a->flow) {
        arrivals_free(a);
        return NULL;
    }
    a->n = (size_t)n;
    a->flows = 1;
    return a;
}

struct arrivals *poisson_arrivals(int64_t mean_ns, int64_t n, uint64_t seed, int64_t frame_bytes, uint16_t dport)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(88172645463325252);
    int64_t slot_ns = (frame_bytes + SLOT_OVERHEAD) * 8, at_ns = 0;
    struct arrivals *a = arrivals_alloc(n);

    if (!a)
        return NULL;
    a->flow[0] = (struct flow_key){
        .saddr = 0x0a000001, .daddr = 0x0a000002, .sport = 9000, .dport = dport, .proto = FLOW_UDP,
    };
    for (size_t i = 0; i < a->n; i++) {
        a->arrival[i] = (struct arrival){
            .at = at_ns * NS, .wire_bytes = (int32_t)frame_bytes, .payload = (int32_t)frame_bytes - HEADERS,
            .ttl = 64, .ip_df = 1, .ip_id = (uint16_t)i,
        };
        a->hash = hash_add(a->hash, (uint64_t)at_ns);
        at_ns += gap_ns(&state, mean_ns, slot_ns);
    }
    return a;
}
