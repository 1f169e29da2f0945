/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of assignments `key = value`, each with its place and its level: what scenario files are read into and
 * what a configuration is resolved from. Private to the scenario reader. */
#ifndef SIM_LAB_ASSIGNMENT_H
#define SIM_LAB_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/lab/messages.h"
#include "sim/lab/scenario.h"

/* Where a user wrote something; line 0 where there are no lines ("--set"). */
struct place {
    const char *file;
    int line, column;           /* from 1 */
};

struct assignment {
    struct param_ref ref;
    int64_t value;              /* of UNIT_TEXT: unused */
    char *text;                 /* of UNIT_TEXT: the list's own; else NULL */
    enum level level;
    int named;                  /* how many of instance and queue the key names: more beats fewer */
    int file, line, column;     /* `file` is an index into the list's file names */
};

struct assignments {
    struct assignment *at;
    size_t n, capacity;
    char **file;                /* names, each once */
    int files;
};

void assignments_free(struct assignments *list);
/* Deep copy into an empty list. 0, or -1 when out of memory. */
int assignments_copy(struct assignments *to, const struct assignments *from);

struct place assignment_place(const struct assignments *list, const struct assignment *a);

/* "file:line:col: sentence" or "--set: sentence". */
void complain(struct messages *m, struct place p, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Finds the key's row, parses the value and appends. A key that stands for .min, .default and .max takes three
 * values: `values` of them, or one text with spaces between. Messages and -1 on error: the key's at `key_place`,
 * the value's at `value_place`. */
int assign(struct assignments *list, const char *key, const char *const *value, int values, enum level level,
           struct place key_place, struct place value_place, struct messages *m);

#endif
