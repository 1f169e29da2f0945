/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenario files to assignments: libyaml's events, walked with a cap on everything. Private to the scenario
 * reader. */
#ifndef SIM_LAB_YAML_READ_H
#define SIM_LAB_YAML_READ_H

#include <stddef.h>

#include "sim/lab/assignment.h"

/* Reads a file and what it includes; appends to `list`. `data_dir` may be NULL: no includes from there. If `text`
 * is not NULL it receives the file's content, malloc'ed, with a NUL behind it, as soon as that could be read.
 * Returns 0, or -1 after adding messages: all that are wrong, up to a hundred. */
int yaml_read_file(const char *path, enum level level, const char *data_dir, struct assignments *list,
                   struct messages *m, char **text);

/* The same from memory, under a name for messages; includes come from data_dir only. */
int yaml_read_text(const char *text, size_t length, const char *name, enum level level, const char *data_dir,
                   struct assignments *list, struct messages *m);

#endif
