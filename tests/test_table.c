/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the terminal and other programs get to see: tables, numbers in words, JSON, heatmaps, kernel layouts. */
#include "sim/out/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/out/heatmap.h"
#include "sim/out/json.h"
#include "sim/out/kernel_layout.h"
#include "tests/suite.h"

/* ---- helpers: a stream whose text is compared when it ends ---- */

struct page { char *text; size_t size; FILE *out; };

static FILE *page_open(struct page *p)
{
    p->out = open_memstream(&p->text, &p->size);
    ck_assert_ptr_nonnull(p->out);
    return p->out;
}

static void page_is(struct page *p, const char *expected)
{
    fclose(p->out);
    ck_assert_str_eq(p->text, expected);
    free(p->text);
}

/* ---- tables ---- */

START_TEST(columns_align_and_lines_end_without_blanks)
{
    struct table t;
    struct page p;

    table_init(&t, "name|>n|what");
    table_cell(&t, "rx");
    table_cell(&t, "%d", 12345);
    table_cell(&t, "frames");
    table_cell(&t, "longer");
    table_cell(&t, "7");
    table_row_end(&t);
    table_print(&t, 1, page_open(&p));
    page_is(&p, " name        n  what\n"
                " ---------------------\n"
                " rx      12345  frames\n"
                " longer      7\n");
    table_free(&t);
}
END_TEST

/* Each of the two letters takes two bytes but one column. */
START_TEST(a_character_of_utf8_takes_one_column)
{
    struct table t;
    struct page p;

    CHECK_EQ(text_width("\xc2\xb5\xc2\xb1"), 2);
    table_init(&t, "|");
    table_cell(&t, "\xc2\xb5\xc2\xb1");
    table_cell(&t, "a");
    table_cell(&t, "xy");
    table_cell(&t, "b");
    table_print(&t, 0, page_open(&p));
    page_is(&p, "\xc2\xb5\xc2\xb1  a\nxy  b\n");
    table_free(&t);
}
END_TEST

START_TEST(markdown_escapes_its_own_separator)
{
    struct table t;
    struct page p;

    table_init(&t, "a|>b");
    table_cell(&t, "x|y");
    table_cell(&t, "1");
    table_markdown(&t, page_open(&p));
    page_is(&p, "| a | b |\n|---|---:|\n| x\\|y | 1 |\n");
    table_free(&t);
}
END_TEST

START_TEST(numbers_read_as_people_write_them)
{
    char b[NUMBER_TEXT];

    ck_assert_str_eq(number_grouped(0, b), "0");
    ck_assert_str_eq(number_grouped(999, b), "999");
    ck_assert_str_eq(number_grouped(1234567, b), "1 234 567");
    ck_assert_str_eq(number_grouped(UINT64_MAX, b), "18 446 744 073 709 551 615");
    ck_assert_str_eq(number_time(417, b), "417 ns");
    ck_assert_str_eq(number_time(1234, b), "1.23 us");
    ck_assert_str_eq(number_time(999.6, b), "1.00 us");         /* never "1000 ns" */
    ck_assert_str_eq(number_time(2.5e9, b), "2.50 s");
    ck_assert_str_eq(number_time(0.25, b), "0.25 ns");
    ck_assert_str_eq(number_time(0, b), "0 ns");
    ck_assert_str_eq(number_time(NAN, b), "-");
    ck_assert_str_eq(number_short(14880952, 3, b), "14.9M");
    ck_assert_str_eq(number_short(1805, 3, b), "1805");
    ck_assert_str_eq(number_short(36.4263, 3, b), "36.4");
}
END_TEST

/* One frame lost in 100 000 is not "0.0 %", and all but one delivered is not "100.0 %". */
START_TEST(a_percentage_never_rounds_something_to_nothing_or_to_all)
{
    char b[NUMBER_TEXT];

    ck_assert_str_eq(number_percent(0, b), "0.0 %");
    ck_assert_str_eq(number_percent(1e-5, b), "<0.1 %");
    ck_assert_str_eq(number_percent(0.123, b), "12.3 %");
    ck_assert_str_eq(number_percent(1 - 1e-5, b), ">99.9 %");
    ck_assert_str_eq(number_percent(1, b), "100.0 %");
    ck_assert_str_eq(number_percent(NAN, b), "-");
}
END_TEST

/* ---- JSON ---- */

START_TEST(json_escapes_quotes_controls_and_what_is_not_utf8)
{
    struct page p;

    page_open(&p);
    /* a quote, a backslash, a line feed, a control; then a good two-byte character, a lone continuation byte, an
     * overlong slash (two bad bytes), and half of a surrogate pair (three) */
    json_quote(p.out, "a\"b\\c\nd\x01" "\xc3\xa9" "\x80" "\xc0\xaf" "\xed\xa0\x80");
    page_is(&p, "\"a\\\"b\\\\c\\u000ad\\u0001\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
}
END_TEST

START_TEST(json_nests_with_commas_where_they_belong)
{
    struct json j;
    struct page p;

    json_begin(&j, page_open(&p));
    json_object(&j, NULL);
    json_uint(&j, "n", UINT64_MAX);
    json_array(&j, "a");
    json_bool(&j, NULL, true);
    json_int(&j, NULL, -1);
    json_end(&j);
    json_object(&j, "empty");
    json_end(&j);
    json_text(&j, "none", NULL);
    json_finish(&j);
    page_is(&p, "{\n  \"n\": 18446744073709551615,\n  \"a\": [\n    true,\n    -1\n  ],\n  \"empty\": {},\n"
                "  \"none\": null\n}\n");
}
END_TEST

static void real_is(double x, const char *expected)
{
    struct json j;
    struct page p;

    json_begin(&j, page_open(&p));
    json_real(&j, NULL, x);
    page_is(&p, expected);
}

/* 0.1 + 0.2 needs 17 digits to be itself again. */
START_TEST(json_reals_read_back_as_the_same_number)
{
    real_is(0.1, "0.1");
    real_is(0.1 + 0.2, "0.30000000000000004");
    real_is(3, "3");
    real_is(NAN, "null");
    real_is(-INFINITY, "null");
}
END_TEST

/* ---- heatmaps ---- */

static const char *const three[] = { "64", "300", "600" }, *const two[] = { "256", "1024" };
static const double values[] = { 0, 0.5, 1, NAN, 0.25, 0.999 };
static const struct heatmap map = {
    .title = "drop_rate", .x_name = "budget", .y_name = "ring", .x = three, .y = two, .columns = 3, .rows = 2,
    .value = values, .percent = true,
};

/* Ten steps over 0 .. 1: 0 is step 0, 0.5 step 5, 1 the last, 0.25 step 2, 0.999 step 9. A cell is a blank, seven
 * columns for the widest value ("100.0 %"), a blank and the step; the hole has none. */
START_TEST(a_heatmap_without_colour_is_values_and_steps)
{
    struct page p;

    heatmap_print(&map, false, page_open(&p));
    page_is(&p, "  drop_rate: 0 is 0.0 % .. 9 is 100.0 %\n"
                "        budget ->\n"
                "  ring       64       300       600\n"
                "   256    0.0 % 0  50.0 % 5 100.0 % 9\n"
                "  1024        -    25.0 % 2  99.9 % 9\n");
}
END_TEST

START_TEST(a_heatmap_in_colour_resets_it_after_each_cell)
{
    struct page p;
    int begun = 0, reset = 0;

    heatmap_print(&map, true, page_open(&p));
    fclose(p.out);
    for (const char *c = p.text; (c = strstr(c, "\033[")) != NULL; c++) {
        begun += strncmp(c, "\033[48;5;", 7) == 0;
        reset += strncmp(c, "\033[0m", 4) == 0;
    }
    CHECK_EQ(begun, 5 + 10);    /* cells with a value, steps of the scale */
    CHECK_EQ(reset, begun);
    free(p.text);
}
END_TEST

static int occurrences(const char *text, const char *word)
{
    int n = 0;

    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

/* A background, six cells, ten steps of the scale; names with markup come out as text. */
START_TEST(an_svg_has_a_rectangle_per_cell_and_escapes_names)
{
    static const char *const odd[] = { "<b>", "a&b", "\"" };
    struct heatmap h = map;
    struct page p;

    h.x = odd;
    heatmap_svg(&h, page_open(&p));
    fclose(p.out);
    CHECK_EQ(occurrences(p.text, "<rect "), 1 + 6 + 10);
    CHECK_EQ(occurrences(p.text, "<b>"), 0);
    CHECK_EQ(occurrences(p.text, "&lt;b&gt;"), 1);
    CHECK_EQ(occurrences(p.text, "a&amp;b"), 1);
    CHECK_EQ(occurrences(p.text, "#dddddd"), 1);        /* the hole */
    CHECK_EQ(occurrences(p.text, "#440154"), 2);        /* lowest step: its cell and the scale */
    CHECK_EQ(occurrences(p.text, "</svg>\n"), 1);
    free(p.text);
}
END_TEST

/* ---- kernel layouts ---- */

static void layout_is(const char *name, const struct result *r, const char *expected)
{
    for (const struct kernel_layout *l = kernel_layouts; l->name; l++)
        if (strcmp(l->name, name) == 0) {
            struct page p;

            l->print(r, page_open(&p));
            page_is(&p, expected);
            return;
        }
    ck_abort_msg("no layout %s", name);
}

/* Columns as net/core/net-procfs.c prints them: 1 processed, 2 dropped, 3 time_squeeze, 10 received_rps, 11
 * flow_limit_count, 13 the CPU; hex, and 32 bits wide: 2^32 + 5 shows as 5. */
START_TEST(softnet_stat_has_the_kernels_columns)
{
    struct result_counter counters[] = {
        { "cpu1", "processed", (UINT64_C(1) << 32) + 5 }, { "cpu1", "dropped", 255 }, { "cpu1", "time_squeeze", 3 },
        { "cpu1", "received_rps", 16 }, { "cpu1", "flow_limit_count", 1 },
    };
    struct result_cpu cpu[2] = { { { 0 } } };
    struct result r = { .counter = counters, .counters = 5, .cpu = cpu, .cpus = 2 };

    layout_is("softnet_stat", &r,
              "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
              "00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
              "00000005 000000ff 00000003 00000000 00000000 00000000 00000000 00000000 "
              "00000000 00000010 00000001 00000000 00000001 00000000 00000000\n");
}
END_TEST

START_TEST(snmp_and_nstat_name_counters_as_the_kernel_does)
{
    struct result_counter counters[] = {
        { "snmp", "IpInReceives", 7 }, { "snmp", "UdpInDatagrams", 5 }, { "snmp", "TcpExtTCPHPHits", 2 },
        { "snmp", "IpInDelivers", 6 }, { "cpu0", "processed", 9 }, { "snmp", "in_martian_src", 4 },     /* of rt_cache's file */
    };
    struct result r = { .counter = counters, .counters = 6 };

    layout_is("nstat", &r, "#kernel\n"
              "IpInReceives                    7                  0.0\n"
              "UdpInDatagrams                  5                  0.0\n"
              "TcpExtTCPHPHits                 2                  0.0\n"
              "IpInDelivers                    6                  0.0\n");
    layout_is("snmp", &r, "Ip: InReceives InDelivers\nIp: 7 6\n"
              "Udp: InDatagrams\nUdp: 5\n"
              "TcpExt: TCPHPHits\nTcpExt: 2\n");
}
END_TEST

/* rx_packets is counted in queues: the NIC's line is their sum. time_squeeze is none of ethtool's. */
START_TEST(ethtool_sums_what_only_queues_count)
{
    struct result_counter counters[] = {
        { "eth0", "rx_crc_errors", 4 }, { "eth0.q0", "rx_packets", 10 }, { "eth0.q1", "rx_packets", 5 },
        { "cpu0", "time_squeeze", 3 },
    };
    struct result r = { .counter = counters, .counters = 4 };

    layout_is("ethtool-S", &r, "NIC statistics:\n     rx_crc_errors: 4\n     rx_packets: 15\n"
              "     rx_queue_0_packets: 10\n     rx_queue_1_packets: 5\n");
}
END_TEST

/* Queue 1's interrupts went to the CPU that polled its sampled frame; timer interrupts are the CPUs' own. */
START_TEST(interrupts_have_a_column_per_cpu)
{
    struct result_counter counters[] = {
        { "eth0.q0", "interrupts", 7 }, { "eth0.q1", "interrupts", 9 }, { "cpu1", "ticks", 3 }, { "cpu0", "ipis", 2 },
    };
    struct result_packet packets[] = { { .queue = 0, .cpu = 0 }, { .queue = 1, .cpu = 1 } };
    struct result_cpu cpu[2] = { { { 0 } } };
    struct result r = { .counter = counters, .counters = 4, .packet = packets, .packets = 2, .cpu = cpu, .cpus = 2 };

    layout_is("interrupts", &r, "      CPU0       CPU1      \n"
              "  24:          7          0  PCI-MSIX 0-edge      eth0-rx-0\n"
              "  25:          0          9  PCI-MSIX 1-edge      eth0-rx-1\n"
              " LOC:          0          3   Local timer interrupts\n"
              " RES:          2          0   Rescheduling interrupts (and function calls)\n");
}
END_TEST

/* hardirq 5 %, softirq 20 % and ksoftirqd 25 % are %irq and %soft; napi_thread 10 % and task 15 % are %sys. */
START_TEST(mpstat_books_contexts_as_the_kernel_does)
{
    struct result_cpu cpu[1] = { { .ps = { 5, 20, 25, 10, 15, 25 } } };
    struct result r = { .cpu = cpu, .cpus = 1 };
    struct page p;

    for (const struct kernel_layout *l = kernel_layouts; l->name; l++)
        if (strcmp(l->name, "mpstat") == 0)
            l->print(&r, page_open(&p));
    fclose(p.out);
    ck_assert_ptr_nonnull(strstr(p.text, "\n   0    0.00    0.00   25.00    0.00    5.00   45.00    0.00    0.00"
                                         "    0.00   25.00\n"));
    free(p.text);
}
END_TEST

SUITE(table, columns_align_and_lines_end_without_blanks, a_character_of_utf8_takes_one_column,
      markdown_escapes_its_own_separator, numbers_read_as_people_write_them,
      a_percentage_never_rounds_something_to_nothing_or_to_all, json_escapes_quotes_controls_and_what_is_not_utf8,
      json_nests_with_commas_where_they_belong, json_reals_read_back_as_the_same_number,
      a_heatmap_without_colour_is_values_and_steps,
      a_heatmap_in_colour_resets_it_after_each_cell, an_svg_has_a_rectangle_per_cell_and_escapes_names,
      softnet_stat_has_the_kernels_columns, snmp_and_nstat_name_counters_as_the_kernel_does,
      ethtool_sums_what_only_queues_count, interrupts_have_a_column_per_cpu,
      mpstat_books_contexts_as_the_kernel_does)
