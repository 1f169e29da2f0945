/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/phy.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct phy_params, delay, "nic.phy_delay", UNIT_TIME, 300 * NS, 0, 1 * MS,
          "PCS, FEC and PMA latency of the receiver", "assumption: 10GBASE-R class PHY without RS-FEC"),
};
ALL_FIELDS_HAVE_ROWS(struct phy_params, rows);

const struct model_info phy_model = {
    .name = "phy", .step = "1", .what = "signal to bits: a fixed delay",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, phy), .params = rows, .n_params = ROWS(rows),
};
