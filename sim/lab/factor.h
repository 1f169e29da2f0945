/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thing changed, everything else the same: what `rxsim why` tries to find out what a loss or a delay hangs on. */
#ifndef SIM_LAB_FACTOR_H
#define SIM_LAB_FACTOR_H

#include <stdbool.h>
#include <stddef.h>

struct factor {
    const char *key;
    int times, over;            /* the value times `times` / `over`, or .. */
    const char *set;            /* .. this text, if not NULL; "all" stands for all CPUs */
    bool knob;                  /* an admin can do it; else it only tells what the machine lacks */
    const char *what;           /* in words */
};

extern const struct factor factors[];   /* ends with a NULL key */

/* The new value's text from the old one's. False if it would not change: 0, or already so. `cpus`: how many there are. */
bool factor_value(const struct factor *f, const char *old, int cpus, char *text, size_t size);

#endif
