/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run's NICs as `ip -s -s link` and /proc/net/dev show them: what of their losses the kernel's device statistics have.
 *
 * Where the hardware's losses are folded is the driver's choice (models/stats). What the stack drops for a device, a full
 * backlog and a protocol without handler, adds to its `dropped`; with several NICs that is taken from the books of their
 * queues, where a merged skb counts with all its frames. */
#ifndef SIM_OUT_LINK_LAYOUT_H
#define SIM_OUT_LINK_LAYOUT_H

#include <stdio.h>

#include "sim/lab/result.h"

void link_layout_ip(const struct result *r, FILE *out);
void link_layout_net_dev(const struct result *r, FILE *out);

#endif
