/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/mac.h"

#include "tests/machine.h"
#include "tests/suite.h"

static const struct mac_params standard = { .max_frame = 1522 };

/* One frame of each kind through a MAC with the standard's limits, and what it says. */
START_TEST(length_and_checksum_decide)
{
    static const struct { int32_t bytes; uint16_t bad; enum fate fate; } row[] = {
        { 63, 0, FATE_RX_LENGTH_ERRORS },               /* undersize */
        { 64, 0, FATE_IN_FLIGHT },
        { 1522, 0, FATE_IN_FLIGHT },
        { 1523, 0, FATE_RX_LENGTH_ERRORS },             /* oversize */
        { 64, FRAME_BAD_FCS, FATE_RX_CRC_ERRORS },
        { 63, FRAME_BAD_FCS, FATE_RX_CRC_ERRORS },      /* a fragment: its checksum comes first */
        { 1523, FRAME_BAD_FCS, FATE_RX_CRC_ERRORS },    /* jabber */
        { 64, FRAME_BAD_IP_CSUM | FRAME_BAD_L4_CSUM | FRAME_TRUNCATED, FATE_IN_FLIGHT },   /* not the MAC's business */
    };
    struct mac m = { .params = &standard };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct frame f = { .wire_bytes = row[i].bytes, .bad = row[i].bad };
        CHECK_EQ(mac_check(&m, &f), row[i].fate);
    }
    CHECK_EQ(m.counters.rx_crc_errors, 3);
    CHECK_EQ(m.counters.rx_length_errors, 2);
    CHECK_EQ(m.counters.rx_short_length_errors, 1);
    CHECK_EQ(m.counters.rx_long_length_errors, 1);
}
END_TEST

/* rx_packets_phy and rx_bytes_phy count the good and the bad: 64 + 60 + 1600 = 1724 bytes. */
START_TEST(the_phy_counters_take_everything)
{
    struct mac m = { .params = &standard };

    mac_check(&m, &(struct frame){ .wire_bytes = 64, .bad = FRAME_BAD_FCS });
    mac_check(&m, &(struct frame){ .wire_bytes = 60 });
    mac_check(&m, &(struct frame){ .wire_bytes = 1600 });
    CHECK_EQ(m.counters.rx_packets_phy, 3);
    CHECK_EQ(m.counters.rx_bytes_phy, 1724);
}
END_TEST

/* All frames damaged: no descriptor, no interrupt, no poll, and no queue has ever heard of them. */
START_TEST(a_damaged_frame_uses_nothing_behind_the_mac)
{
    struct config c;
    struct result r;

    machine_load(&c, "one-frame.yaml", "traffic.frames=100 traffic.rate=1Mpps traffic.fcs_errors=1000000");
    machine_run(&c, NULL, &r);
    CHECK_EQ(r.ledger.offered, 100);
    CHECK_EQ(machine_fate(&r, FATE_RX_CRC_ERRORS), 100);
    CHECK_EQ(result_counter(&r, NULL, "rx_crc_errors"), 100);
    CHECK_EQ(result_counter(&r, NULL, "rx_packets_phy"), 100);
    CHECK_EQ(result_counter(&r, NULL, "rx_packets"), 0);
    CHECK_EQ(r.irqs, 0);
    CHECK_EQ(r.polls, 0);
    CHECK_EQ(r.queue[0].ledger.offered, 0);
    for (int i = 0; i < r.packets; i++) {
        CHECK_EQ(r.packet[i].queue, -1);
        CHECK_EQ(r.packet[i].t_dma, -1);
    }
    result_free(&r);
    machine_release(&c);
}
END_TEST

SUITE(mac, length_and_checksum_decide, the_phy_counters_take_everything, a_damaged_frame_uses_nothing_behind_the_mac)
