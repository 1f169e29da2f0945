/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/xdp.h"

#include "models/host_config.h"

static const char *const programs[] = { "none", "pass", "drop", NULL };

static const struct param rows[] = {
    PARAM_COST(struct xdp_params, cost, "cost.xdp.program", 50, "running the program on one frame",
               "XDP paper (CoNEXT 2018): XDP_PASS costs 13.3 ns at 3.8 GHz"),
};
ALL_FIELDS_HAVE_ROWS(struct xdp_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct xdp_counters, rx_xdp_drop, "rx_xdp_drop", "ethtool -S (mlx5)", "frames an XDP program dropped"),
};
ALL_COUNTERS_HAVE_ROWS(struct xdp_counters, counter_rows);

const struct model_info xdp_model = {
    .name = "xdp", .step = "2", .what = "a program before there is an skb",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, xdp), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM_CHOICE(struct xdp_nic_params, program, "nic.xdp", XDP_NONE, programs,
                 "native XDP program and its verdict for every frame", "none is the usual state"),
};
ALL_FIELDS_HAVE_ROWS(struct xdp_nic_params, nic_rows);

const struct model_info xdp_nic_model = {
    .name = "xdp", .step = "2", .what = "the program attached",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, xdp), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};
