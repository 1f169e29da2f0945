/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/wire.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct wire_params, link, "nic.link", UNIT_BITRATE, 10000000000, 1000000000, 400000000000,
          "speed of the link", "IEEE 802.3: 1 to 400 Gbit/s"),
    PARAM(struct wire_params, flight, "nic.flight", UNIT_TIME, 10 * NS, 0, 1 * SEC,
          "time a bit flies from the sender", "2 m of cable at 5 ns/m; assumption"),
    PARAM(struct wire_params, flap_at, "nic.flap.at", UNIT_TIME, 0, 0, 100000 * SEC,
          "when the link goes down, if nic.flap.for says for how long", "ours"),
    PARAM(struct wire_params, flap_for, "nic.flap.for", UNIT_TIME, 0, 0, 100000 * SEC,
          "how long the link is down; what is on the wire then is lost; 0: it does not go down", "ours: links are up"),
};
ALL_FIELDS_HAVE_ROWS(struct wire_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct wire_counters, link_down_events, "link_down_events",
            "/sys/class/net/*/carrier_down_count; ethtool -S (mlx5: link_down_events_phy)", "times the link went down"),
    COUNTER(struct wire_counters, rx_no_carrier, "rx_no_carrier", "simulator only",
            "frames lost on the wire while the link was down"),
};
ALL_COUNTERS_HAVE_ROWS(struct wire_counters, counter_rows);

const struct model_info wire_model = {
    .name = "wire", .step = "1", .what = "bits take time, and fly",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, wire), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* The slot is not the rounded last bit and a rounded gap: rounding happens once a frame. */
void wire_size(struct wire *w, int64_t bytes)
{
    w->cached_bytes = bytes;
    w->cached_bits = ps_of_bytes(WIRE_PREAMBLE + bytes, w->params->link);
    w->cached_slot = ps_of_bytes(WIRE_PREAMBLE + bytes + WIRE_GAP, w->params->link);
}
