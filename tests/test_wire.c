/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/wire.h"

#include <stdio.h>

#include "sim/engine/random.h"
#include "tests/machine.h"
#include "tests/suite.h"

static const int64_t GBPS = 1000000000;

/* 10 Gbit/s is 100 ps a bit. 64 bytes and 8 of preamble are 576 bits, 57.6 ns to the last bit; with the gap of 12 the
 * next may start after 672 bits, 67.2 ns (14 880 952 frames a second). */
START_TEST(minimum_frames_arrive_at_line_rate)
{
    const struct wire_params p = { .link = 10 * GBPS, .flight = 10 * NS };
    struct wire w = { .params = &p };

    for (int64_t i = 0; i < 1000; i++)
        CHECK_EQ(wire_admit(&w, 0, 64), i * 67200 * PS + 57600 * PS + 10 * NS);
    CHECK_EQ(w.free_at, 1000 * 67200 * PS);
}
END_TEST

/* The table of IEEE 802.3 slots: (bytes + 20) * 8 bits. */
START_TEST(a_slot_is_frame_preamble_and_gap)
{
    static const struct { int64_t gbps, bytes; ps_t slot; } row[] = {
        { 1, 64, 672000 }, { 1, 1518, 12304000 }, { 10, 1518, 1230400 }, { 25, 64, 26880 }, { 40, 9018, 1807600 },
        { 100, 64, 6720 }, { 100, 1518, 123040 }, { 400, 64, 1680 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const struct wire_params p = { .link = row[i].gbps * GBPS };
        struct wire w = { .params = &p };
        wire_admit(&w, 0, row[i].bytes);
        CHECK_EQ(w.free_at, row[i].slot);
        CHECK_EQ(wire_start(&w, 0), row[i].slot);
    }
}
END_TEST

/* A whole machine at each speed: 84 bytes are 672 bits, so 100 frames at line rate take 99 * 672 000 / speed ps from the
 * first to the last. */
START_TEST(a_link_may_have_each_speed_from_1_to_400_gigabit)
{
    static const int64_t gbps[] = { 1, 10, 25, 40, 100, 200, 400 };
    struct config c;
    struct result r;

    for (size_t i = 0; i < sizeof gbps / sizeof gbps[0]; i++) {
        char settings[128];
        snprintf(settings, sizeof settings, "nic.link=%dGbps traffic.rate=100%% traffic.frames=100 nic.ring.rx=512", (int)gbps[i]);
        machine_load(&c, "one-frame.yaml", settings);
        machine_run(&c, NULL, &r);
        CHECK_EQ(r.packets, 100);
        int64_t first = INT64_MAX, last = 0;
        for (int k = 0; k < r.packets; k++) {
            first = r.packet[k].t_wire < first ? r.packet[k].t_wire : first;
            last = r.packet[k].t_wire > last ? r.packet[k].t_wire : last;
        }
        CHECK_EQ(last - first, 99 * 672000 / gbps[i]);
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

START_TEST(an_idle_wire_starts_at_once_and_a_busy_one_when_it_is_free)
{
    const struct wire_params p = { .link = 10 * GBPS };
    struct wire w = { .params = &p };

    CHECK_EQ(wire_start(&w, 5 * US), 5 * US);
    CHECK_EQ(wire_admit(&w, 5 * US, 64), 5 * US + 57600);
    CHECK_EQ(wire_start(&w, 5 * US + 67200 - 1), 5 * US + 67200);       /* one picosecond before it is free */
    CHECK_EQ(wire_start(&w, 5 * US + 67200), 5 * US + 67200);
    CHECK_EQ(wire_start(&w, 5 * US + 67200 + 1), 5 * US + 67200 + 1);
}
END_TEST

/* Sizes alternate, so a remembered size would show: 64 bytes take 57.6 of 67.2 ns, 1518 take 1220.8 of 1230.4 ns. */
START_TEST(every_size_has_its_own_time)
{
    const struct wire_params p = { .link = 10 * GBPS };
    struct wire w = { .params = &p };

    CHECK_EQ(wire_admit(&w, 0, 64), 57600);
    CHECK_EQ(wire_admit(&w, 0, 1518), 67200 + 1220800);
    CHECK_EQ(wire_admit(&w, 0, 64), 67200 + 1230400 + 57600);
    CHECK_EQ(w.free_at, 67200 + 1230400 + 67200);
}
END_TEST

/* 11 Gbit/s: 672 bits are 61 090.9.. ps, so a slot is 61 091; the last bit (52 363.6.. to 52 364) and the gap
 * (8727.2.. to 8728) rounded singly would make it 61 092. */
START_TEST(a_slot_is_rounded_once)
{
    const struct wire_params p = { .link = 11 * GBPS };
    struct wire w = { .params = &p };

    CHECK_EQ(wire_admit(&w, 0, 64), 52364);
    CHECK_EQ(w.free_at, 61091);
}
END_TEST

/* Whatever is asked for: a frame starts no earlier than asked, the bits of any stretch of frames fit into its time,
 * and the wire stands idle only if nothing was due. */
START_TEST(the_wire_never_exceeds_its_rate)
{
    struct stream s;
    stream_seed(&s, (uint64_t)_i, 0, "test");
    const struct wire_params p = { .link = (1 + (int64_t)stream_below(&s, 400)) * GBPS, .flight = 3 * NS };
    struct wire w = { .params = &p };
    ps_t asked = 0, busy_since = 0;
    int64_t bits = 0;

    for (int i = 0; i < 2000; i++) {
        int64_t bytes = 32 + (int64_t)stream_below(&s, 1500);
        asked += (ps_t)stream_below(&s, 2 * (uint64_t)((bytes + 20) * 8 * 1000 * GBPS / p.link));
        ps_t free_at = w.free_at, starts = wire_start(&w, asked);
        CHECK_EQ(starts, asked > free_at ? asked : free_at);
        ps_t last_bit = wire_admit(&w, asked, bytes) - p.flight;
        if (starts > free_at) {
            busy_since = starts;
            bits = 0;
        }
        ck_assert((__extension__ (__int128)(last_bit - busy_since)) * p.link >=
                  (__extension__ (__int128)(bits + (8 + bytes) * 8)) * SEC);
        bits += (bytes + 20) * 8;
        ck_assert((__extension__ (__int128)(w.free_at - busy_since)) * p.link >= (__extension__ (__int128)bits) * SEC);
    }
}
END_TEST

Suite *wire_suite(void);
Suite *wire_suite(void)
{
    Suite *s = suite_create("wire");
    TCase *t = tcase_create("wire");

    tcase_add_test(t, minimum_frames_arrive_at_line_rate);
    tcase_add_test(t, a_slot_is_frame_preamble_and_gap);
    tcase_add_test(t, an_idle_wire_starts_at_once_and_a_busy_one_when_it_is_free);
    tcase_add_test(t, a_link_may_have_each_speed_from_1_to_400_gigabit);
    tcase_add_test(t, every_size_has_its_own_time);
    tcase_add_test(t, a_slot_is_rounded_once);
    tcase_add_loop_test(t, the_wire_never_exceeds_its_rate, 1, 41);
    suite_add_tcase(s, t);
    return s;
}
