/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/engine/time.h"
#include "tests/suite.h"

static const hz_t five_ghz = { 5000000 };

/* 1 h * 5e9 cycles/s = 1.8e13 cycles, and no cycle is lost: 3600 s exactly. */
START_TEST(an_hour_of_5_ghz_cycles_is_an_hour)
{
    CHECK_EQ(ps_of_cycles((cycles_t){ INT64_C(18000000000000) * 1000 }, five_ghz), 3600 * SEC);
}
END_TEST

/* One thousandth of a cycle more is 0.2 ps more, rounded up to 1. */
START_TEST(an_hour_and_a_thousandth_of_a_cycle_rounds_up)
{
    CHECK_EQ(ps_of_cycles((cycles_t){ INT64_C(18000000000000) * 1000 + 1 }, five_ghz), 3600 * SEC + 1);
}
END_TEST

/* 3.8 GHz: a cycle is 263.157.. ps, so 264; 19 cycles are 5000 ps exactly; 20 are 5263.2, so 5264. */
START_TEST(cycles_round_up_to_the_next_picosecond)
{
    const hz_t f = { 3800000 };

    CHECK_EQ(ps_of_cycles((cycles_t){ 0 }, f), 0);
    CHECK_EQ(ps_of_cycles((cycles_t){ 1 * 1000 }, f), 264);
    CHECK_EQ(ps_of_cycles((cycles_t){ 19 * 1000 }, f), 5000);
    CHECK_EQ(ps_of_cycles((cycles_t){ 20 * 1000 }, f), 5264);
}
END_TEST

/* An hour at the slowest clock a remainder is largest against: 1 MHz, 3.6e9 cycles and a thousandth more.
 * A thousandth of a microsecond is 1000 ps exactly. */
START_TEST(a_slow_clock_is_exact_too)
{
    const hz_t f = { 1000 };

    CHECK_EQ(ps_of_cycles((cycles_t){ INT64_C(3600000000) * 1000 + 1 }, f), 3600 * SEC + 1000);
}
END_TEST

/* The clock with the largest remainder: 5 GHz less 1 kHz. 4,999,998 thousandths of a cycle leave the
 * remainder 4,999,998 * 1e6 ps / 4,999,999, which is 999,999.8 ps: rounded up 1,000,000. */
START_TEST(the_largest_remainder_does_not_overflow)
{
    CHECK_EQ(ps_of_cycles((cycles_t){ 4999998 }, (hz_t){ 4999999 }), 1000000);
}
END_TEST

/* 65,536 B * 8 / 800 Gbit/s = 524,288 / 0.8 ps = 655,360 ps exactly. */
START_TEST(sixty_four_kib_at_800_gbit_is_exact)
{
    CHECK_EQ(ps_of_bytes(65536, INT64_C(800000000000)), 655360);
}
END_TEST

/* Ethernet's smallest frame on the wire, 84 B with preamble and gap: 672 bits. 10 Gbit/s: 67,200 ps;
 * 100 Gbit/s: 6,720 ps; 1 Gbit/s: 672,000 ps. */
START_TEST(minimum_frames_are_exact_at_the_usual_rates)
{
    CHECK_EQ(ps_of_bytes(84, INT64_C(1000000000)), 672000);
    CHECK_EQ(ps_of_bytes(84, INT64_C(10000000000)), 67200);
    CHECK_EQ(ps_of_bytes(84, INT64_C(100000000000)), 6720);
}
END_TEST

/* One byte at 800 Gbit/s is 10 ps exactly; at 300 Gbit/s 26.67 ps, so 27; three bytes are 80 exactly. */
START_TEST(bytes_round_up_once_for_the_whole_length)
{
    CHECK_EQ(ps_of_bytes(0, INT64_C(300000000000)), 0);
    CHECK_EQ(ps_of_bytes(1, INT64_C(800000000000)), 10);
    CHECK_EQ(ps_of_bytes(1, INT64_C(300000000000)), 27);
    CHECK_EQ(ps_of_bytes(3, INT64_C(300000000000)), 80);
}
END_TEST

/* The header's limit: 1 MB at 1 Mbit/s takes 8 s. One byte less leaves the remainder's largest product,
 * 999,992 bits of a second's 1,000,000. */
START_TEST(the_slowest_link_is_exact)
{
    CHECK_EQ(ps_of_bytes(1000000, 1000000), 8 * SEC);
    CHECK_EQ(ps_of_bytes(999999, 1000000), 8 * SEC - 8 * US);
}
END_TEST

/* 125 fs a byte, 12.5 Gbyte/s * .. : 1 B is 0.125 ps, so 1; 8 B are 1 ps exactly; 9 B are 1.125, so 2;
 * 64 KiB are 8,192 ps. */
START_TEST(costs_per_byte_round_up_once)
{
    CHECK_EQ(ps_of_fs_per_byte(125, 0), 0);
    CHECK_EQ(ps_of_fs_per_byte(125, 1), 1);
    CHECK_EQ(ps_of_fs_per_byte(125, 8), 1);
    CHECK_EQ(ps_of_fs_per_byte(125, 9), 2);
    CHECK_EQ(ps_of_fs_per_byte(125, 65536), 8192);
}
END_TEST

SUITE(time, an_hour_of_5_ghz_cycles_is_an_hour, an_hour_and_a_thousandth_of_a_cycle_rounds_up,
      cycles_round_up_to_the_next_picosecond, a_slow_clock_is_exact_too,
      the_largest_remainder_does_not_overflow, sixty_four_kib_at_800_gbit_is_exact, minimum_frames_are_exact_at_the_usual_rates,
      bytes_round_up_once_for_the_whole_length, the_slowest_link_is_exact, costs_per_byte_round_up_once)
