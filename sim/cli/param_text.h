/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parameter's row in words, for `params`, the manual and the README. */
#ifndef SIM_CLI_PARAM_TEXT_H
#define SIM_CLI_PARAM_TEXT_H

#include "models/config.h"

enum { PARAM_TEXT_SIZE = 256 };

const char *param_default(const struct param *row, char text[PARAM_TEXT_SIZE]);
/* "16 .. 32768", "on off", the choices, or what a text may be. */
const char *param_range(const struct param *row, char text[PARAM_TEXT_SIZE]);
const char *param_unit(const struct param *row);
/* "the machine", "each NIC" .. */
const char *param_scope(const struct model_info *m);

#endif
