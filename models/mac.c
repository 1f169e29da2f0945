/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/mac.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct mac_params, max_frame, "nic.max_frame", UNIT_BYTES, 1522, 64, 16384,
          "longest frame accepted, FCS included", "MTU 1500 + 14 + 4, and a VLAN tag; ixgbe_main.c"),
    PARAM_SWITCH(struct mac_params, promisc, "nic.promisc", 0,
                 "take frames for other MAC addresses too; IP drops them as OTHERHOST",
                 "ip link set promisc; off, but tcpdump without -p switches it on"),
};
ALL_FIELDS_HAVE_ROWS(struct mac_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct mac_counters, rx_packets_phy, "rx_packets_phy", "ethtool -S", "frames that arrived, good or bad"),
    COUNTER(struct mac_counters, rx_bytes_phy, "rx_bytes_phy", "ethtool -S", "their bytes, FCS included"),
    COUNTER(struct mac_counters, rx_crc_errors, "rx_crc_errors", "ethtool -S, ip -s -s link",
            "frames with a bad FCS"),
    COUNTER(struct mac_counters, rx_length_errors, "rx_length_errors", "ethtool -S, ip -s -s link",
            "frames shorter than 64 bytes or longer than the largest frame"),
    COUNTER(struct mac_counters, rx_short_length_errors, "rx_short_length_errors",
            "ethtool -S (igb, e1000e; mlx5: rx_undersize_pkts_phy)", "of them, those shorter than 64 bytes"),
    COUNTER(struct mac_counters, rx_long_length_errors, "rx_long_length_errors",
            "ethtool -S (igb, ixgbe, e1000e; mlx5: rx_oversize_pkts_phy)", "of them, those longer than the largest frame"),
    COUNTER(struct mac_counters, rx_filtered, "rx_filtered", "simulator only (mlx5: rx_steer_missed_packets)",
            "frames for another host's MAC address: nobody's loss"),
};
ALL_COUNTERS_HAVE_ROWS(struct mac_counters, counter_rows);

const struct model_info mac_model = {
    .name = "mac", .step = "1", .what = "FCS, length and address checks",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, mac), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

enum fate mac_refuse(struct mac *m, const struct frame *f)
{
    if (f->bad & FRAME_BAD_FCS) {
        m->counters.rx_crc_errors++;
        return FATE_RX_CRC_ERRORS;
    }
    m->counters.rx_length_errors++;
    if (f->wire_bytes < ETH_SHORTEST)
        m->counters.rx_short_length_errors++;
    else
        m->counters.rx_long_length_errors++;
    return FATE_RX_LENGTH_ERRORS;
}

enum fate mac_filter(struct mac *m)
{
    m->counters.rx_filtered++;
    return FATE_MAC_FILTERED;
}
