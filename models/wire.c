/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/wire.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct wire_params, link, "nic.link", UNIT_BITRATE, 10000000000, 1000000000, 400000000000,
          "speed of the link", "features A08: 1 to 400 Gbit/s"),
    PARAM(struct wire_params, flight, "nic.flight", UNIT_TIME, 10 * NS, 0, 1 * SEC,
          "time a bit flies from the sender", "2 m of cable at 5 ns/m; assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct wire_params, rows);

const struct model_info wire_model = {
    .name = "wire", .step = "1", .what = "bits take time, and fly",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, wire), .params = rows, .n_params = ROWS(rows),
};

ps_t wire_admit(struct wire *w, ps_t start, int64_t bytes)
{
    ps_t begin = wire_start(w, start);
    ps_t last_bit = begin + ps_of_bytes(WIRE_PREAMBLE + bytes, w->params->link);

    /* the next frame's slot is computed from `begin`, not from the rounded last bit, so rounding does not add up
     * within a slot */
    w->free_at = begin + ps_of_bytes(WIRE_PREAMBLE + bytes + WIRE_GAP, w->params->link);
    return last_bit + w->params->flight;
}
