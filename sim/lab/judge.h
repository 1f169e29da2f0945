/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verdict on a row: its predictions against tolerances, bounds, coverage and chaos. */
#ifndef SIM_LAB_JUDGE_H
#define SIM_LAB_JUDGE_H

#include <stdatomic.h>

#include "sim/lab/messages.h"
#include "sim/lab/predict.h"
#include "sim/lab/validate.h"

/* Is there a formula among the row's cells that cannot be worked out? 0, or -1 with a message. */
int judge_cells(const struct validation *v, int row, struct messages *m);
/* Fills in the row's metrics; `p` is NULL for a row that is not run. 0, or -1 with a message. */
int judge_row(const struct validation *v, int row, const struct prediction *p, struct messages *m);
/* Sets the row's status by its metrics and by what the suite says of it. */
void judge_verdict(const struct validation *v, int row);
/* The entry under which a row is only printed, NULL if it is judged. */
const struct suite_printed *judge_printed(const struct validation *v, int row);
/* Does the row's prediction leave its tolerance when all costs move a little? */
bool judge_chaotic(const struct validation *v, int row, const struct scenario *s, const struct prediction *p,
                   atomic_int *stop, struct messages *m);

/* Judges a metric that has its prediction and all that is asked of it. */
void judge_metric(const struct validation *v, int row, struct validate_metric *m);

#endif
