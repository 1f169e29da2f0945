/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The edge of a region in which a goal is met, along one value: the largest load without loss, the smallest ring that is
 * enough. Each trial is noisy, so the answer comes with an interval.
 *
 * Both ends are tried; if one meets the goal and the other does not, halving (in equal ratios over wide ranges) finds where
 * the mean changes sides. The interval is then bounded by the nearest values on either side of which the trials are sure.
 * A goal that is met only somewhere inside is looked for at SEARCH_LOOKS places, and the good side is looked over at as many:
 * where it is not monotone, the search says so instead of trusting the halving. */
#ifndef SIM_LAB_SEARCH_H
#define SIM_LAB_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/lab/goal.h"

enum { SEARCH_TRIALS = 128, SEARCH_LOOKS = 7 };

/* At this confidence a trial is sure, so that the interval holds at 95 %: a trial near the edge is looked at up to five times,
 * with twice the replications each, and there is one such trial at either end (Bonferroni: 1 - 0.05 / 10). */
#define SEARCH_CONFIDENCE 0.995

struct search_trial {
    int64_t at;
    enum goal_status status;    /* with what confidence */
    bool met;                   /* by the mean */
};

/* One trial; false: give up (stopped, or a run failed). */
typedef bool search_fn(void *user, struct search_trial *t);

enum search_end {
    SEARCH_GAVE_UP,
    SEARCH_EVERYWHERE,          /* the goal is met from lo to hi */
    SEARCH_NOWHERE,             /* at no value that was tried */
    SEARCH_LARGEST,             /* `best` is the largest value that meets it; above it does not */
    SEARCH_SMALLEST,            /* `best` is the smallest */
};

struct search {
    int64_t lo, hi;             /* in, lo < hi */
    double resolution;          /* in: how near, as a share of the value; at least 1 */
    search_fn *try;             /* in */
    void *user;
    struct search_trial trial[SEARCH_TRIALS];
    int trials;                 /* ascending by `at` */

    enum search_end end;
    int64_t best, beyond;       /* the edge: meets it by its mean, and the nearest that was tried and does not */
    int64_t sure_met, sure_missed;      /* the interval: trials were sure of these; -1: of none on that side */
    int64_t odd;                /* a value that misses the goal among those that meet it; -1: none was seen */
};

void search_run(struct search *s);

#endif
