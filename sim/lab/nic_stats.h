/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names of a run's NICs for their losses (models/stats), beside its counters: from the machine that has run, or from
 * the stored scenario. */
#ifndef SIM_LAB_NIC_STATS_H
#define SIM_LAB_NIC_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "models/drop.h"

struct config;
struct result;

struct result_nic {
    char name[32];
    char no_desc[48], overflow[48];     /* "": our own name; "none": no line; an N stands for the queue's number */
    const char *no_desc_link, *overflow_link;       /* static: of models/stats */
    bool no_buffer_count;
};

/* Fills r->nic. 0, or -1 when out of memory. */
int nic_stats_of_config(struct result *r, const struct config *c);
/* One resolved parameter of a stored run, in any order: those of nic.stats are taken. */
int nic_stats_take(struct result *r, const char *key, const char *value);

/* What an admin of this run's NICs sees of a loss in hardware; NULL if the run does not know its NICs, or for other fates. */
const char *nic_stats_seen(const struct result *r, enum fate fate, char *text, size_t size);

#endif
