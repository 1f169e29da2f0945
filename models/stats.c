/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/stats.h"

#include "models/host_config.h"

const char *const stats_link[] = { "none", "missed", "dropped", "fifo", "both", NULL };

static const struct param rows[] = {
    PARAM_TEXT(struct stats_params, no_desc, "nic.stats.no-desc",
               "the driver's name for frames dropped for want of a descriptor; N: the queue's number; none; empty: ours",
               "the driver's ethtool strings, in the NIC's file"),
    PARAM_CHOICE(struct stats_params, no_desc_link, "nic.stats.no-desc-link", STATS_LINK_NONE, stats_link,
                 "where ip -s -s link shows them; both: missed and fifo", "the driver's ndo_get_stats64, in the NIC's file"),
    PARAM_TEXT(struct stats_params, overflow, "nic.stats.overflow",
               "the driver's name for frames lost in the full packet buffer; none; empty: ours, rx_missed_errors",
               "the driver's ethtool strings, in the NIC's file"),
    PARAM_CHOICE(struct stats_params, overflow_link, "nic.stats.overflow-link", STATS_LINK_MISSED, stats_link,
                 "where ip -s -s link shows them; both: missed and fifo", "the driver's ndo_get_stats64, in the NIC's file"),
    PARAM_SWITCH(struct stats_params, no_buffer_count, "nic.stats.no-buffer-count", 0,
                 "the driver shows rx_no_buffer_count: times a frame found no descriptor, lost or not",
                 "e1000e, igb: RNBC"),
};
ALL_FIELDS_HAVE_ROWS(struct stats_params, rows);

const struct model_info stats_model = {
    .name = "stats", .step = "1", .what = "the driver's names for what its hardware loses",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, stats), .params = rows, .n_params = ROWS(rows),
};
