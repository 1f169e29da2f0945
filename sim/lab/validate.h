/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Validation: predicts every row of a suite and holds it against what was measured. */
#ifndef SIM_LAB_VALIDATE_H
#define SIM_LAB_VALIDATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sim/lab/suite.h"
#include "sim/lab/table_file.h"
#include "sim/lab/timeline.h"

struct validate_metric {
    char *column;
    int of;                     /* the suite's metric; of a check: the row */
    double predicted, measured, tolerance;      /* NAN: not known; tolerance NAN: there is none */
    double at_least, at_most;   /* what the prediction must keep to; NAN: there is no such bound */
    double error;               /* share of what the tolerance is a share of; NAN where there is no such thing */
    bool pass;
};

enum validate_status {
    VALIDATE_PASS, VALIDATE_FAIL,
    VALIDATE_CALIBRATION,       /* fitted, so not judged */
    VALIDATE_PRINTED,           /* not judged, `why` says why */
    VALIDATE_CHAOTIC,           /* its own prediction leaves the tolerance when all costs move a little */
    VALIDATE_ERROR,             /* it could not be run, `why` says why: counts as failed */
};

struct validate_row {
    char *id;
    const char *set;            /* borrowed from the table; "" if there is none */
    char *group;                /* "kernel=6.1", "" if there is none */
    enum validate_status status;
    char *why;                  /* NULL: nothing to say */
    const char *fitted;         /* the parameters fitted to this row, borrowed from the suite; NULL: none */
    double *value;              /* the prediction of each metric of the suite; NULL: it was not run */
    bool within;                /* all its metrics are, judged or not */
    struct validate_metric *metric;     /* one for each of the suite that applies */
    int metrics;
};

/* One table of rows. */
struct validation {
    struct suite suite;
    struct table_file table;
    struct validate_row *row;
    int rows;
    struct validate_row *check; /* of the suite's checks, those that found rows to compare */
    int checks;
    bool no_batch;              /* as validate_options */
};

/* A suite and what it consists of: itself, or its parts. */
struct validations {
    struct suite suite;         /* as named; empty but for its name if it has no parts */
    struct validation *part;
    int parts;
};

struct validate_options {
    const char *data_dir;
    const char *rows;           /* a file instead of the suite's own, NULL: its own */
    const char *only;           /* globs of ids; NULL: all */
    int jobs;                   /* 0: all cores */
    bool no_batch;              /* every step by its own event: slower, the same numbers */
    atomic_int *stop;
    void (*progress)(void *user, int finished, int total);      /* from any thread, one at a time; may be NULL */
    void *user;
};

/* Runs row `id` of the suite (the first with that id, or `id` of the group that stands behind a '-': "A_rate500k-6.12")
 * and records its events in `simulated`, which the caller frees. 0, or -1 after adding messages. */
int validate_timeline(const char *suite, const char *id, const struct validate_options *o, struct timeline *simulated,
                      struct messages *m);
/* Runs the suite; with `rows`, of several parts the one whose rows have the same columns. 0; -1 after adding messages if
 * suite or rows are wrong, or when stopped. Free in any case. */
int validate_suite(struct validations *all, const char *name, const struct validate_options *o, struct messages *m);
void validations_free(struct validations *all);

bool validate_judged(enum validate_status s);
extern const char *const validate_status_name[];

/* Of the judged rows of a group (NULL: of all): how many there are and how many pass. */
void validation_count(const struct validation *v, const char *group, int *judged, int *passed);
/* Every group, every check, the judged share that passes at least the suite's threshold, and no row was in error. */
bool validation_holds(const struct validation *v);
/* The same over all parts, checks included. */
void validations_count(const struct validations *all, int *judged, int *passed);
bool validations_holds(const struct validations *all);

#endif
