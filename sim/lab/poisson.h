/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Poisson arrivals of the emulated experiments, with their own generator: to replay what the real kernel saw. */
#ifndef SIM_LAB_POISSON_H
#define SIM_LAB_POISSON_H

#include <stdint.h>

#include "models/traffic.h"

/* `n` UDP frames of `frame_bytes` on the wire with FCS to `dport`, `mean_ns` apart on average; the first at 0. Gaps are
 * whole nanoseconds, floor(-mean ln(1 - u)), at least the frame's slot at 1 Gbit/s; u from an xorshift64 (13, 7, 17) that
 * starts at seed * 0x9E3779B97F4A7C15 + 88172645463325252. malloc'ed, arrivals_free() it; NULL when out of memory. */
struct arrivals *poisson_arrivals(int64_t mean_ns, int64_t n, uint64_t seed, int64_t frame_bytes, uint16_t dport);

#endif
