/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Under which names a NIC's driver shows the two losses of its hardware, and where `ip -s -s link` and /proc/net/dev fold them.
 *
 * No box of the path: what the NIC's file says for those who print counters (ethtool -S, ip -s link, the explanations of
 * drops). Our own counters keep one name for all NICs: rx_no_desc and rx_missed_errors. */
#ifndef MODELS_STATS_H
#define MODELS_STATS_H

#include "models/config.h"

/* Fields of rtnl_link_stats64, both: missed and fifo; /proc/net/dev adds missed to dropped. */
enum stats_link { STATS_LINK_NONE, STATS_LINK_MISSED, STATS_LINK_DROPPED, STATS_LINK_FIFO, STATS_LINK_BOTH };

struct stats_params {
    int64_t no_desc, no_desc_link;          /* a frame found no descriptor and was dropped; UNIT_TEXT */
    int64_t overflow, overflow_link;        /* the packet buffer was full; UNIT_TEXT */
    int64_t no_buffer_count;
};
extern const struct model_info stats_model;

/* By enum stats_link. */
extern const char *const stats_link[];

#endif
