/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/phy.h"

#include "tests/machine.h"
#include "tests/suite.h"

START_TEST(the_delay_is_the_parameter)
{
    CHECK_EQ(phy_delay(&(struct phy_params){ .delay = 0 }), 0);
    CHECK_EQ(phy_delay(&(struct phy_params){ .delay = 123457 }), 123457);
}
END_TEST

static struct result_packet lone_frame(const char *delay)
{
    struct config c;
    struct result r;

    machine_load(&c, "one-frame.yaml", delay);
    machine_run(&c, NULL, &r);
    CHECK_EQ(r.packets, 1);
    struct result_packet p = r.packet[0];
    result_free(&r);
    machine_release(&c);
    return p;
}

/* A nanosecond more in the PHY, and every later time stamp of a lone frame is a nanosecond later: it is passed once. */
START_TEST(every_frame_passes_the_phy_once)
{
    struct result_packet with = lone_frame("nic.phy_delay=1001ps"), without = lone_frame("nic.phy_delay=1ps");

    CHECK_EQ(with.t_wire - without.t_wire, 1 * NS);
    CHECK_EQ(with.t_dma - without.t_dma, 1 * NS);
    CHECK_EQ(with.t_poll - without.t_poll, 1 * NS);
    CHECK_EQ(with.t_app - without.t_app, 1 * NS);
}
END_TEST

SUITE(phy, the_delay_is_the_parameter, every_frame_passes_the_phy_once)
