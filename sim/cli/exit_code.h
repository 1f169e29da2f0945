/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exit codes: a contract with people's scripts. The meanings are printed by --help and the manual. */
#ifndef SIM_CLI_EXIT_CODE_H
#define SIM_CLI_EXIT_CODE_H

enum exit_code {
    EXIT_OK         = 0,
    EXIT_CHECK      = 1,
    EXIT_USAGE      = 2,
    EXIT_IO         = 3,
    EXIT_INCOMPLETE = 4,
    EXIT_PRECISION  = 5,
    EXIT_INTERNAL   = 70,
    EXIT_SIGNAL     = 128,      /* plus the signal's number */
};

struct exit_row { enum exit_code code; const char *meaning; };
extern const struct exit_row exit_rows[];       /* ended by a NULL meaning */

#endif
