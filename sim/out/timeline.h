/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two timelines side by side, for people. */
#ifndef SIM_OUT_TIMELINE_H
#define SIM_OUT_TIMELINE_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/lab/timeline.h"

/* How many events agree and how far apart they are, and the surroundings of the first place where they part; with `whole`
 * all of both up to there and as many behind. Events of `simulated` after the last measured one are left out. */
void timeline_print(const char *name, const struct timeline *simulated, const struct timeline *measured, bool whole,
                    FILE *out);

#endif
