/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All commands, in the order help lists them. A new one is a file with a struct command, and a line here. */
#ifndef SIM_CLI_COMMANDS_H
#define SIM_CLI_COMMANDS_H

#include "sim/cli/options.h"

extern const struct command run_command, sweep_command, plan_command, compare_command, why_command, show_command, list_command, check_command,
    params_command, counters_command, drops_command, features_command, validate_command, query_command, export_command,
    import_command;

extern const struct command *const commands[];      /* NULL-terminated, cli/main.c */

/* The manual page and bash's completion, from the tables. */
void print_manual(FILE *out);
void print_completion(FILE *out);

#endif
