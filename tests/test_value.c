/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "sim/engine/random.h"
#include "sim/lab/scenario.h"
#include "tests/suite.h"

static const char *const kinds[] = { "cbr", "poisson", NULL };

/* Rows as a model declares them, with bounds that bind nothing unless a test is about bounds. */
static const struct param
    count    = { .name = "a.count", .unit = UNIT_COUNT, .min = INT64_MIN + 1, .max = INT64_MAX },
    ring     = { .name = "nic.ring.rx", .unit = UNIT_COUNT, .min = 64, .max = 8192 },
    bytes    = { .name = "a.bytes", .unit = UNIT_BYTES, .max = INT64_MAX },
    duration = { .name = "a.time", .unit = UNIT_TIME, .min = INT64_MIN + 1, .max = INT64_MAX },
    usecs    = { .name = "nic.coalesce.rx-usecs", .unit = UNIT_TIME, .max = 1 * SEC },
    flush    = { .name = "nic.gro_flush_timeout", .unit = UNIT_TIME, .max = 1 * SEC },
    conntrack = { .name = "net.netfilter.nf_conntrack_udp_timeout", .unit = UNIT_TIME, .max = 1000 * SEC },
    busy     = { .name = "net.core.busy_read", .unit = UNIT_TIME, .max = 1 * SEC },
    rate     = { .name = "a.rate", .unit = UNIT_BITRATE, .max = INT64_MAX },
    freq     = { .name = "cpu.freq", .unit = UNIT_FREQ, .max = INT64_MAX },
    onoff    = { .name = "a.switch", .unit = UNIT_SWITCH, .max = 1 },
    kind     = { .name = "traffic.kind", .unit = UNIT_CHOICE, .max = 1, .names = kinds },
    cpus     = { .name = "a.cpus", .unit = UNIT_CPUS, .min = INT64_MIN, .max = INT64_MAX },
    some_cpus = { .name = "b.cpus", .unit = UNIT_CPUS, .min = 1, .max = 15 },
    load     = { .name = "traffic.rate", .unit = UNIT_LOAD, .max = INT64_MAX },
    cost     = { .name = "cost.a", .unit = UNIT_COST, .max = COST_CYCLES(1000000) },
    per_byte = { .name = "cost.b", .unit = UNIT_COST_PER_BYTE, .max = 2000000 };

#define MASK(text, n)  { &cpus, text, (int64_t)UINT64_C(n) }

/* Each number is the text times its unit over the field's unit: 1 us = 10^6 ps, a cycle = 1000 thousandths, and a
 * packed one magnitude * 2 + kind (costs) or * 4 + kind (loads). */
static const struct { const struct param *row; const char *text; int64_t value; } good[] = {
    { &count, "300", 300 }, { &count, "-1", -1 }, { &count, "4.0", 4 }, { &count, "007", 7 },
    { &count, "9223372036854775807", INT64_MAX },
    { &bytes, "64B", 64 }, { &bytes, "64", 64 }, { &bytes, "4KiB", 4096 }, { &bytes, "4 KiB", 4096 },
    { &bytes, "2MB", 2000000 }, { &bytes, "1.5KiB", 1536 }, { &bytes, "0.0009765625KiB", 1 },
    { &bytes, "1GiB", 1 << 30 }, { &bytes, "3kB", 3000 }, { &bytes, "1MiB", 1 << 20 },
    { &bytes, "1GB", 1000000000 },
    { &duration, "0.1us", 100000 }, { &duration, "1.5ms", 1500000000 }, { &duration, "250ps", 250 },
    { &duration, "0.000000000001s", 1 }, { &duration, "9223372.036854775807s", INT64_MAX },
    { &duration, "-1ps", -1 }, { &duration, "0", 0 }, { &duration, "0.0", 0 },
    { &duration, "1.000000000000000000000000ns", 1000 },
    { &usecs, "8", 8000000 }, { &usecs, "8us", 8000000 }, { &usecs, "0.5", 500000 },
    { &flush, "20000", 20000000 }, { &conntrack, "30", 30 * SEC }, { &busy, "50", 50 * US },
    { &rate, "10Gbps", 10000000000 }, { &rate, "2.5Gbps", 2500000000 }, { &rate, "9600bps", 9600 },
    { &rate, "64kbps", 64000 }, { &rate, "100Mbps", 100000000 },
    { &freq, "3.8GHz", 3800000 }, { &freq, "800MHz", 800000 }, { &freq, "1kHz", 1 },
    { &onoff, "on", 1 }, { &onoff, "true", 1 }, { &onoff, "yes", 1 }, { &onoff, "1", 1 },
    { &onoff, "off", 0 }, { &onoff, "false", 0 }, { &onoff, "no", 0 }, { &onoff, "0", 0 },
    { &kind, "cbr", 0 }, { &kind, "poisson", 1 },
    MASK("f", 0xf), MASK("0x3", 3), MASK("3", 3), MASK("10", 0x10), MASK("FF", 0xff), MASK("0", 0),
    MASK("ff,00000000", 0xff00000000), MASK("ffffffff,ffffffff", 0xffffffffffffffff),
    MASK("00000000,00000001", 1), MASK("0-3", 0xf), MASK("0-3,8", 0x10f), MASK("0,2", 5), MASK("list:3", 8),
    MASK("cpu2", 4), MASK("cpus0-3", 0xf), MASK("63-63", 0x8000000000000000), MASK("list:0,63", 0x8000000000000001),
    { &load, "14.88Mpps", LOAD_OF(LOAD_MILLIPPS, 14880000000) }, { &load, "0.001pps", LOAD_OF(LOAD_MILLIPPS, 1) },
    { &load, "5kpps", LOAD_OF(LOAD_MILLIPPS, 5000000) }, { &load, "10Gbps", LOAD_OF(LOAD_BPS, 10000000000) },
    { &load, "80%", LOAD_OF(LOAD_PPM, 800000) }, { &load, "0.0001%", LOAD_OF(LOAD_PPM, 1) },
    { &cost, "450cycles", COST_CYCLES(450) }, { &cost, "450 cycles", COST_CYCLES(450) },
    { &cost, "1cycle", COST_CYCLES(1) }, { &cost, "0.001cycles", 2 }, { &cost, "12.5ns", COST_PS(12500) },
    { &cost, "1us", COST_PS(1000000) },
    { &per_byte, "0.36cycles/B", 720 }, { &per_byte, "0.125ns/B", 250001 }, { &per_byte, "125ps/B", 250001 },
    { &per_byte, "1fs/B", 3 },
};

START_TEST(values_are_read_exactly)
{
    for (size_t i = 0; i < ROWS(good); i++) {
        char why[256] = "";
        int64_t value = 0;

        ck_assert_msg(!value_parse(good[i].row, good[i].text, &value, why, sizeof why), "%s: %s", good[i].text,
                      why);
        ck_assert_msg(value == good[i].value, "%s %s: %jd, not %jd", good[i].row->name, good[i].text,
                      (intmax_t)value, (intmax_t)good[i].value);
    }
}
END_TEST

static const struct { const struct param *row; const char *text, *why; } bad[] = {
    { &ring, "10000", "nic.ring.rx is 10000, outside 64..8192" },
    { &ring, "63", "nic.ring.rx is 63, outside 64..8192" },
    { &ring, "-100", "nic.ring.rx is -100, outside 64..8192" },
    { &ring, "99999999999999999999", "nic.ring.rx is 99999999999999999999, outside 64..8192" },
    { &ring, "4.5", "nic.ring.rx needs a whole number, got '4.5'" },
    { &ring, "lots", "nic.ring.rx needs a whole number, got 'lots'" },
    { &ring, "", "nic.ring.rx needs a whole number, got ''" },
    { &ring, "64B", "nic.ring.rx needs a whole number, got '64B'" },
    { &ring, "0x40", "nic.ring.rx needs a whole number, got '0x40'" },
    { &ring, "1e3", "nic.ring.rx needs a whole number, got '1e3'" },
    { &ring, " 64", "nic.ring.rx needs a whole number, got ' 64'" },
    { &duration, "8", "a.time needs a unit of time (ps ns us ms s), got '8'" },
    { &duration, "8MB", "a.time needs a unit of time (ps ns us ms s), got '8MB'" },
    { &duration, "8 u s", "a.time needs a unit of time (ps ns us ms s), got '8 u s'" },
    { &duration, "soon", "a.time needs a number with a unit of time (ps ns us ms s), got 'soon'" },
    { &duration, "1.us", "a.time needs a number with a unit of time (ps ns us ms s), got '1.us'" },
    { &duration, ".5us", "a.time needs a number with a unit of time (ps ns us ms s), got '.5us'" },
    { &duration, "0.5ps", "a.time is 0.5ps, finer than 1ps" },
    { &duration, "0.0000000000001s", "a.time is 0.0000000000001s, finer than 1ps" },
    { &duration, "9223372.036854775808s", "a.time is 9223372.036854775808s: too large, or too many digits" },
    { &duration, "18446744073709551616ps", "a.time is 18446744073709551616ps: too large, or too many digits" },
    { &duration, "0.0000000000000000001s", "a.time is 0.0000000000000000001s: too large, or too many digits" },
    { &usecs, "2s", "nic.coalesce.rx-usecs is 2s, outside 0ps..1s" },
    { &bytes, "1.5B", "a.bytes is 1.5B, finer than 1B" },
    { &bytes, "4KB", "a.bytes needs a unit of size (B KiB MiB GiB kB MB GB), got '4KB'" },
    { &bytes, "-1", "a.bytes is -1, outside 0B..9223372036854775807B" },
    { &rate, "10Gb", "a.rate needs a unit of rate (bps kbps Mbps Gbps), got '10Gb'" },
    { &rate, "10", "a.rate needs a unit of rate (bps kbps Mbps Gbps), got '10'" },
    { &freq, "0.1kHz", "cpu.freq is 0.1kHz, finer than 1kHz" },
    { &onoff, "maybe", "a.switch needs on or off, got 'maybe'" },
    { &onoff, "2", "a.switch needs on or off, got '2'" },
    { &kind, "cbrr", "traffic.kind is 'cbrr', but must be one of: cbr poisson" },
    { &load, "10", "traffic.rate needs a unit of load (pps kpps Mpps bps kbps Mbps Gbps %), got '10'" },
    { &load, "-5Mpps", "traffic.rate is -5Mpps, outside 0pps..2305843009213693.951pps" },
    { &cost, "450", "cost.a needs a unit of cost (cycles ps ns us ms s), got '450'" },
    { &cost, "0.0001cycles", "cost.a is 0.0001cycles, finer than 0.001cycles" },
    { &cost, "1000001cycles", "cost.a is 1000001cycles, outside 0cycles..1000000cycles" },
    { &cost, "2ms", "cost.a is 2ms, outside 0ps..1ms" },
    { &per_byte, "1ns", "cost.b needs a unit of cost per byte (cycles/B fs/B ps/B ns/B), got '1ns'" },
    { &some_cpus, "0", "b.cpus is 0, outside 1..f" },
    { &some_cpus, "1f", "b.cpus is 1f, outside 1..f" },
};

START_TEST(wrong_values_are_refused_with_a_sentence)
{
    for (size_t i = 0; i < ROWS(bad); i++) {
        char why[256];
        int64_t value = 4711;
        const char *said = value_parse(bad[i].row, bad[i].text, &value, why, sizeof why);

        ck_assert_msg(said != NULL, "%s was accepted", bad[i].text);
        ck_assert_str_eq(said, bad[i].why);
        CHECK_EQ(value, 4711);
    }
}
END_TEST

START_TEST(wrong_cpu_masks_and_lists_are_refused)
{
    static const char *const wrong[] = {
        "", "g", "0x", "-", "3-", "-3", "3-1", "0-64", "64-64", "cpu", "cpu64", "list:", "list:f", "0,,2",
        "0,2,", ",1",
        "1ffffffffffffffff", "1,00000000,00000000", "0-3 ", "list:100", "0-3;5", "0x-3",
    };

    for (size_t i = 0; i < ROWS(wrong); i++) {
        char why[256];
        int64_t value;

        ck_assert_msg(value_parse(&cpus, wrong[i], &value, why, sizeof why) != NULL, "'%s' was accepted", wrong[i]);
        ck_assert_msg(strstr(why, "a.cpus needs CPUs below 64 as a hex mask") == why, "%s", why);
    }
}
END_TEST

/* The largest unit that needs at most three decimals. */
static const struct { const struct param *row; int64_t value; const char *text; } printed[] = {
    { &count, -1, "-1" }, { &bytes, 4096, "4096B" },
    { &duration, 8 * US, "8us" }, { &duration, 1500 * US, "1.5ms" }, { &duration, 1234567, "1234.567ns" },
    { &duration, 1, "1ps" }, { &duration, 999, "999ps" }, { &duration, -1, "-1ps" }, { &duration, -1500, "-1.5ns" },
    { &duration, 10 * SEC, "10s" }, { &duration, 0, "0ps" },
    { &rate, 10000000000, "10Gbps" }, { &rate, 2500000000, "2.5Gbps" }, { &rate, 9600, "9.6kbps" },
    { &freq, 3800000, "3.8GHz" }, { &onoff, 1, "on" }, { &onoff, 0, "off" }, { &kind, 1, "poisson" },
    { &cpus, 15, "f" }, { &cpus, -1, "ffffffffffffffff" },
    { &load, LOAD_OF(LOAD_MILLIPPS, 14880000000), "14.88Mpps" }, { &load, LOAD_OF(LOAD_MILLIPPS, 1), "0.001pps" },
    { &load, LOAD_OF(LOAD_PPM, 800000), "80%" }, { &load, LOAD_OF(LOAD_PPM, 1), "0.0001%" },
    { &load, LOAD_OF(LOAD_BPS, 10000000000), "10Gbps" },
    { &cost, COST_CYCLES(450), "450cycles" }, { &cost, 2, "0.001cycles" }, { &cost, COST_PS(12500), "12.5ns" },
    { &per_byte, 720, "0.36cycles/B" }, { &per_byte, 250001, "125ps/B" }, { &per_byte, 3, "1fs/B" },
};

START_TEST(values_print_in_the_unit_people_would_write)
{
    for (size_t i = 0; i < ROWS(printed); i++) {
        char text[64];

        value_print(printed[i].row, printed[i].value, text, sizeof text);
        ck_assert_str_eq(text, printed[i].text);
    }
}
END_TEST

/* Every magnitude: the shift spreads them evenly over the powers of two. */
START_TEST(what_is_printed_reads_back_as_the_same_number)
{
    static const struct param
        any_cost = { .name = "cost.c", .unit = UNIT_COST, .max = INT64_MAX },
        any_cost_per_byte = { .name = "cost.d", .unit = UNIT_COST_PER_BYTE, .max = INT64_MAX };
    static const struct param *const rows[] = {
        &count, &bytes, &duration, &rate, &freq, &cpus, &load, &any_cost, &any_cost_per_byte,
    };
    struct stream random;

    stream_seed(&random, 1, 0, "values");
    for (int n = 0; n < 20000; n++) {
        const struct param *row = rows[(size_t)n % ROWS(rows)];
        int64_t value = (int64_t)(stream_next(&random) >> (1 + stream_below(&random, 63))), again = -1;
        char text[64], why[256] = "";

        if (row->unit == UNIT_LOAD && (value & 3) == 3)
            value ^= 1;         /* there are three kinds of load, not four */
        value_print(row, value, text, sizeof text);
        ck_assert_msg(!value_parse(row, text, &again, why, sizeof why), "%s", why);
        ck_assert_msg(again == value, "%s: %jd became %jd", text, (intmax_t)value, (intmax_t)again);
    }
}
END_TEST

START_TEST(reports_show_each_unit_on_one_scale)
{
    static const struct { const struct param *row; int64_t value; double number; const char *unit; } shown[] = {
        { &count, 300, 300, "" }, { &bytes, 4096, 4096, "B" }, { &duration, 1500, 1.5, "ns" },
        { &rate, 10000000000, 1e10, "bps" }, { &freq, 3800000, 3.8, "GHz" }, { &onoff, 1, 1, "" },
        { &kind, 1, 1, "" }, { &load, LOAD_OF(LOAD_MILLIPPS, 1500), 1.5, "pps" },
        { &load, LOAD_OF(LOAD_BPS, 7), 7, "bps" }, { &load, LOAD_OF(LOAD_PPM, 800000), 80, "%" },
        { &cost, COST_CYCLES(450), 450, "cycles" }, { &cost, COST_PS(12500), 12.5, "ns" },
        { &per_byte, 720, 0.36, "cycles/B" }, { &per_byte, 250001, 0.125, "ns/B" }, { &cpus, 15, 15, "" },
    };

    for (size_t i = 0; i < ROWS(shown); i++) {
        const char *unit = NULL;

        ck_assert_double_eq(value_number(shown[i].row, shown[i].value, &unit), shown[i].number);
        ck_assert_str_eq(unit, shown[i].unit);
    }
}
END_TEST

/* Nothing is written behind a buffer that is too small for the sentence or the value. */
START_TEST(small_buffers_are_not_overrun)
{
    for (size_t size = 1; size < 40; size++) {
        char why[64], text[64];
        int64_t value;

        memset(why, 'x', sizeof why);
        memset(text, 'x', sizeof text);
        ck_assert_ptr_nonnull(value_parse(&kind, "wrong", &value, why, size));
        value_print(&duration, 1234567, text, size);
        ck_assert_ptr_nonnull(memchr(why, '\0', size));
        ck_assert_ptr_nonnull(memchr(text, '\0', size));
        CHECK_EQ(why[size], 'x');
        CHECK_EQ(text[size], 'x');
    }
}
END_TEST

SUITE(value, values_are_read_exactly, wrong_values_are_refused_with_a_sentence,
      wrong_cpu_masks_and_lists_are_refused, values_print_in_the_unit_people_would_write, what_is_printed_reads_back_as_the_same_number,
      reports_show_each_unit_on_one_scale, small_buffers_are_not_overrun)
