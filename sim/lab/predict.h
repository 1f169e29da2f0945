/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of a validation as a scenario, and what the simulator predicts of it. */
#ifndef SIM_LAB_PREDICT_H
#define SIM_LAB_PREDICT_H

#include <stdatomic.h>

#include "sim/lab/messages.h"
#include "sim/lab/scenario.h"
#include "sim/lab/validate.h"

/* The base with the row's parameters set; NULL after adding messages. */
struct scenario *predict_scenario(const struct validation *v, int row, const char *data_dir, struct messages *m);
/* The row's scenario as a configuration, with its arrivals (or NULL), which the caller frees with it. 0, or -1 with
 * messages. */
int predict_config(const struct validation *v, int row, const struct scenario *s, struct config *c,
                   struct arrivals **arrivals, struct messages *m);

/* Of all replications of a row: sample[metric * runs + replication], the metrics in the suite's order. */
struct prediction {
    int reps, batches, runs;    /* runs = reps x batches */
    double *sample;
    double *mean;               /* of each metric */
    double *bound;              /* the suite's bounds, means too: at_least, at_most, at_least, ..; NAN: none */
};

/* Room for what the row's counts say. 0, or -1 with messages. Free in any case. */
int prediction_init(struct prediction *p, const struct validation *v, int row, struct messages *m);
void prediction_free(struct prediction *p);
/* Runs the scenario, all replications. 0, or -1 with messages. */
int predict(const struct validation *v, int row, const struct scenario *s, atomic_int *stop, struct prediction *p,
            struct messages *m);

/* Does the metric (not its coverage) say something of this row? */
bool predict_applies(const struct validation *v, int row, const struct suite_metric *metric);

#endif
