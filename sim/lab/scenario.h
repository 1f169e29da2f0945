/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenario files: YAML in, a checked configuration out. Every error is a sentence with file:line:col, and all
 * are reported at once. */
#ifndef SIM_LAB_SCENARIO_H
#define SIM_LAB_SCENARIO_H

#include <stdint.h>
#include <stdio.h>

#include "models/config.h"
#include "sim/lab/messages.h"

/* A scenario is a list of assignments `key = value`, each with its place and its level. */
struct scenario;

/* Precedence, low to high. Within one level a key that names an instance beats one that sets all; then the
 * later one wins. (A duplicate key in one file is an error.) */
enum level {
    LEVEL_CPU, LEVEL_NIC, LEVEL_KERNEL,         /* files that cpu.model, nic.model, kernel.version select */
    LEVEL_MACHINE, LEVEL_WORKLOAD,              /* include: of machines/.. and workloads/.. (other includes too) */
    LEVEL_SCENARIO, LEVEL_SET, LEVEL_VARY,
};

/* Reads `path` and what it includes. `data_dir` holds cpus/ nics/ kernels/ machines/ workloads/. An include
 * resolves against the including file's folder, then data_dir, and never leaves both.
 * Returns NULL after adding messages. Free with scenario_free. */
struct scenario *scenario_read(const char *path, const char *data_dir, struct messages *m);
/* The same from memory; `name` stands for the file in messages. */
struct scenario *scenario_parse(const char *text, size_t length, const char *name, const char *data_dir,
                                struct messages *m);
struct scenario *scenario_copy(const struct scenario *s);
void scenario_free(struct scenario *s);

/* One assignment from the command line ("--set" or "--vary" as origin). Messages on error, returns -1. */
int scenario_set(struct scenario *s, const char *key, const char *value, enum level level, const char *origin,
                 struct messages *m);

/* Resolves everything: selects the cpu, nic and kernel files, applies assignments in order of precedence,
 * checks ranges and relations. `c` is initialised by this call and the caller's to free. Returns 0 or -1. */
int scenario_resolve(const struct scenario *s, struct config *c, struct messages *m);

/* Every parameter with its resolved value in the scenario's own syntax, one `key: value` line each, in table
 * order; instances that differ from the general value get their own line. It reads back to the same
 * configuration. */
void scenario_print(const struct config *c, FILE *out);
/* The same as one JSON object {"key": value-as-text, ..} (what the database stores), malloc'ed. */
char *scenario_json(const struct config *c);

/* The text and name of the top file, for the record. */
const char *scenario_source(const struct scenario *s);
const char *scenario_name(const struct scenario *s);

/* A captured file named by traffic.file, resolved against the scenario's folder, then data_dir; malloc'ed;
 * NULL with a message if it does not exist. */
char *scenario_find_file(const struct scenario *s, const char *name, struct messages *m);

/* Parses one value of a row's unit. Exact decimal arithmetic. Returns NULL, or a sentence in `why`. UNIT_TEXT
 * is not handled here. */
const char *value_parse(const struct param *row, const char *text, int64_t *value, char *why, size_t size);
/* Prints a value so that value_parse reads the same number. UNIT_TEXT is not handled here. */
void value_print(const struct param *row, int64_t value, char *buffer, size_t size);
/* The value as a number in the row's display unit (ns, bytes, count, cycles ..) and that unit's name. */
double value_number(const struct param *row, int64_t value, const char **unit);

/* Finds the row a key means; instance and queue are -1 where the key sets all. Instance names stay text.
 * Returns 0, or -1 with a message (with "did you mean"). */
struct param_ref {
    const struct model_info *model;
    const struct param *row;
    char instance[CONFIG_NAME];         /* "" = all */
    int queue;                          /* -1 = all */
};
int param_find(const char *key, struct param_ref *ref, char *why, size_t size);

#endif
