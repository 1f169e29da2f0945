/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/wire.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct wire_params, link, "nic.link", UNIT_BITRATE, 10000000000, 1000000000, 400000000000,
          "speed of the link", "IEEE 802.3: 1 to 400 Gbit/s"),
    PARAM(struct wire_params, flight, "nic.flight", UNIT_TIME, 10 * NS, 0, 1 * SEC,
          "time a bit flies from the sender", "2 m of cable at 5 ns/m; assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct wire_params, rows);

const struct model_info wire_model = {
    .name = "wire", .step = "1", .what = "bits take time, and fly",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, wire), .params = rows, .n_params = ROWS(rows),
};

/* The slot is not the rounded last bit and a rounded gap: rounding happens once a frame. */
void wire_size(struct wire *w, int64_t bytes)
{
    w->cached_bytes = bytes;
    w->cached_bits = ps_of_bytes(WIRE_PREAMBLE + bytes, w->params->link);
    w->cached_slot = ps_of_bytes(WIRE_PREAMBLE + bytes + WIRE_GAP, w->params->link);
}
