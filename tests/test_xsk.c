/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/xsk.h"

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static const struct xsk_counters *counted(void)
{
    return &r.host.nic[0].queue[0].xsk.counters;
}

static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=2 app.cpu=0 pcie.msix_latency=1us nic.xdp=redirect-xsk");
    rig_set(&r, settings);
}

/* Past the stack: no skb, no counter of IP; 60 bytes to copy and 1000 ns of work for all of the batch. */
START_TEST(frames_reach_the_reader_without_the_stack)
{
    begin("cost.xsk.copy_byte=1cycles/B cost.xsk.batch=100cycles cost.xsk.frame=10cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 4);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 4);
    CHECK_EQ(r.host.netif[0].processed, 0);
    CHECK_EQ(r.host.ip.InReceives, 0);
    CHECK_EQ(counted()->messages, 4);
    CHECK_EQ(rig_end(&r, 0)->at, 11 * US + RIG_WIRE + 4 * 60 * NS + 140 * NS);
    rig_free(&r);
}
END_TEST

/* Ten buffers, and a poll of 64 before the reader is woken: 54 find none. */
START_TEST(without_buffers_in_the_fill_ring_frames_are_lost)
{
    begin("nic.xsk.fill_ring=10");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 64);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(rig_fate(&r, FATE_XSK_FULL), 54);
    CHECK_EQ(counted()->rx_fill_ring_empty_descs, 54);
    CHECK_EQ(counted()->rx_dropped, 54);
    CHECK_EQ(counted()->rx_ring_full, 0);
    CHECK_EQ(r.host.nic[0].queue[0].driver.xdp.exceptions, 54);
    rig_free(&r);
}
END_TEST

START_TEST(without_a_place_in_the_rx_ring_frames_are_lost)
{
    begin("nic.xsk.rx_ring=10");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 64);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(counted()->rx_ring_full, 54);
    CHECK_EQ(counted()->rx_dropped, 0);
    rig_free(&r);
}
END_TEST

/* One buffer is enough for a reader that gives it back before the next frame: 1 us of work, frames 2 us apart. */
START_TEST(the_reader_gives_its_buffers_back)
{
    begin("nic.xsk.fill_ring=1 cost.xsk.frame=1000cycles pcie.msix_latency=0us");
    uint32_t udp = rig_flow(&r, FLOW_UDP, 1, 9);
    for (int i = 0; i < 10; i++)
        rig_burst(&r, (10 + 2 * i) * US, udp, 1);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(r.host.nic[0].queue[0].xsk.fill, 1);
    rig_free(&r);
}
END_TEST

/* Others have their way through the stack. */
START_TEST(what_the_program_passes_goes_to_its_socket)
{
    begin("nic.xdp_match.dport=9");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 2);
    rig_burst(&r, 20 * US, rig_flow(&r, FLOW_UDP, 1, 10), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 5);
    CHECK_EQ(counted()->messages, 2);
    CHECK_EQ(r.host.udp.InDatagrams, 3);
    rig_free(&r);
}
END_TEST

SUITE(xsk, frames_reach_the_reader_without_the_stack, without_buffers_in_the_fill_ring_frames_are_lost,
      without_a_place_in_the_rx_ring_frames_are_lost, the_reader_gives_its_buffers_back, what_the_program_passes_goes_to_its_socket)
