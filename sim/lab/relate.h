/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a validation against each other, when all have been run. */
#ifndef SIM_LAB_RELATE_H
#define SIM_LAB_RELATE_H

#include "sim/lab/validate.h"

/* The suite's ratios of two rows, and the verdicts with them. */
void relate_ratios(const struct validation *v);
/* The suite's checks. One that finds fewer than two rows says nothing. */
void relate_checks(struct validation *v);

#endif
