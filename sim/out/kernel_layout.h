/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run's counters in the layout of the kernel's files and of the tools that read them, so that people's scripts
 * and dashboards work on simulated output. */
#ifndef SIM_OUT_KERNEL_LAYOUT_H
#define SIM_OUT_KERNEL_LAYOUT_H

#include <stdio.h>

#include "sim/lab/result.h"

struct kernel_layout {
    const char *name;           /* of --as */
    const char *what;
    void (*print)(const struct result *r, FILE *out);
};

/* softnet_stat nstat snmp ethtool-S ip-s-link net_dev interrupts mpstat; a NULL name ends it. */
extern const struct kernel_layout kernel_layouts[];

#endif
