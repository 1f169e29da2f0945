/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parameter as the line an admin types: ethtool, sysctl, or a file of sysfs. */
#ifndef SIM_LAB_APPLY_H
#define SIM_LAB_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "models/config.h"

/* The line that sets `key` to what it is in `c`, in `line`. False if no admin can set it: traffic, costs, the CPU. A key that
 * sets all NICs is written for eth0. */
bool apply_line(const struct config *c, const char *key, char *line, size_t size);

#endif
