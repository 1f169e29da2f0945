/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/pause.h"

#include "tests/machine.h"
#include "tests/suite.h"

/* 8 Gbit/s: a byte in a nanosecond. 72 bytes of pause frame, 20 of the way, 8 until it is obeyed: 100 ns. 10 quanta are
 * 640 ns: XOFF again every 320. */
static const struct pause_params params = {
    .tx = 1, .high_water = 1000, .low_water = 200, .quanta = 10, .reaction = 8 * NS,
};
static const int64_t LINK = 8000000000;
enum { DELAY = 100000, AGAIN = 320000 };

static struct pause p;

static void begin(void)
{
    CHECK_EQ(pause_init(&p, &params, LINK, 20 * NS), 0);
}

/* At the mark nothing happens yet, above it XOFF goes out once, at the low mark XON. */
START_TEST(marks_are_crossed_upwards_and_reached_downwards)
{
    begin();
    pause_filled(&p, 1000, 1 * US);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 0);
    pause_filled(&p, 1001, 2 * US);
    pause_filled(&p, 1200, 2 * US + 1);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 1);
    pause_drained(&p, 201, 2 * US + 2);
    CHECK_EQ(p.counters.tx_flow_control_xon, 0);
    pause_drained(&p, 200, 2 * US + 3);
    pause_drained(&p, 0, 2 * US + 4);
    CHECK_EQ(p.counters.tx_flow_control_xon, 1);
    pause_free(&p);
}
END_TEST

/* XOFF at 1 us takes effect at 1.1, XON at 2 us at 2.1. */
START_TEST(a_pause_takes_effect_when_its_frame_was_obeyed)
{
    begin();
    pause_filled(&p, 1001, 1 * US);
    CHECK_EQ(pause_start(&p, 1 * US + DELAY - 1), 1 * US + DELAY - 1);
    CHECK_EQ(pause_start(&p, 1 * US + DELAY), PS_NEVER);
    pause_drained(&p, 0, 2 * US);
    CHECK_EQ(pause_start(&p, 1 * US + DELAY), 2 * US + DELAY);
    CHECK_EQ(pause_start(&p, 2 * US + DELAY - 1), 2 * US + DELAY);
    CHECK_EQ(pause_start(&p, 2 * US + DELAY), 2 * US + DELAY);
    CHECK_EQ(pause_start(&p, 3 * US), 3 * US);
    pause_free(&p);
}
END_TEST

/* Sent at 0 and 320 ns and so on: XON at 960 ns comes after the fourth. */
START_TEST(xoff_is_repeated_every_half_pause_time)
{
    begin();
    pause_filled(&p, 1001, 0);
    pause_settle(&p, AGAIN - 1);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 1);
    pause_settle(&p, AGAIN);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 2);
    pause_drained(&p, 100, 3 * AGAIN);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 4);
    pause_settle(&p, 100 * AGAIN);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 4);
    pause_free(&p);
}
END_TEST

/* Thirty pauses under way at once, 2 ns each and 2 ns apart: every start is judged by its own time. */
START_TEST(many_changes_may_be_under_way)
{
    begin();
    for (int i = 0; i < 30; i++) {
        pause_filled(&p, 1001, 4 * i * NS);
        pause_drained(&p, 0, (4 * i + 2) * NS);
    }
    CHECK_EQ(p.count, 60);
    for (int i = 0; i < 30; i++) {
        ps_t off = DELAY + 4 * i * NS;
        CHECK_EQ(pause_start(&p, off - 1), off - 1);
        CHECK_EQ(pause_start(&p, off), off + 2 * NS);
        pause_started(&p, off + 2 * NS);
        CHECK_EQ(p.count, 60 - 2 * (i + 1));
        CHECK_EQ(pause_start(&p, off + 2 * NS), off + 2 * NS);
    }
    pause_free(&p);
}
END_TEST

START_TEST(without_flow_control_nothing_is_sent)
{
    const struct pause_params off = { .high_water = 10 };

    CHECK_EQ(pause_init(&p, &off, LINK, 0), 0);
    pause_filled(&p, 1000, 1 * US);
    CHECK_EQ(p.counters.tx_flow_control_xoff, 0);
    CHECK_EQ(pause_start(&p, 5 * US), 5 * US);
    pause_free(&p);
}
END_TEST

/* The scenario: a flood on one queue, a little traffic on the other. Pausing loses nothing of either; holding without pausing
 * loses of both; dropping of the flood only. */
START_TEST(a_pause_saves_every_frame_and_a_drop_saves_the_other_queue)
{
    static const struct { const char *settings; bool flood_lost, web_lost; } row[] = {
        { "", false, false },
        { "nic.pause.tx=off", true, true },
        { "nic.pause.tx=off nic.ring.empty=drop", true, false },
    };
    struct config c;
    struct result r;

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        machine_load(&c, "pause.yaml", row[i].settings);
        machine_run(&c, NULL, &r);
        uint64_t sink = result_counter(&r, "app.sink", "messages"), web = result_counter(&r, "app.web", "messages");
        uint64_t offered = r.ledger.offered, flood = 42411;     /* 3 ms of 95 % of 14.88 Mpps */
        ck_assert((sink < flood) == row[i].flood_lost);
        ck_assert((web < offered - flood) == row[i].web_lost);
        ck_assert((result_counter(&r, "eth0", "tx_flow_control_xoff") > 0) == (i == 0));
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

SUITE(pause, a_pause_saves_every_frame_and_a_drop_saves_the_other_queue, marks_are_crossed_upwards_and_reached_downwards, a_pause_takes_effect_when_its_frame_was_obeyed,
      xoff_is_repeated_every_half_pause_time, many_changes_may_be_under_way, without_flow_control_nothing_is_sent)
