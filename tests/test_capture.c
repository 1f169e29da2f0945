/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/in/capture.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "tests/suite.h"

/* The tests write their captures byte by byte, in both byte orders, and read them back. */

static struct {
    uint8_t at[8192];
    size_t n;
    bool swapped;               /* write numbers of the file format with the highest byte first */
} file;

static struct arrivals *arrivals;
static struct capture_summary summary;
static struct messages messages;

static void put(const void *bytes, size_t n)
{
    ck_assert_uint_le(file.n + n, sizeof file.at);
    memcpy(file.at + file.n, bytes, n);
    file.n += n;
}

static void number(uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * (file.swapped ? bytes - 1 - i : i));
        put(&byte, 1);
    }
}

static void header(uint32_t magic, int link)
{
    file.n = 0;
    number(magic, 4);
    number(2, 2);
    number(4, 2);
    number(0, 8);
    number(65535, 4);
    number((uint32_t)link, 4);
}

static const uint32_t MICRO = 0xa1b2c3d4, NANO = 0xa1b23c4d;

enum { LINK_ETHERNET = 1, LINK_RAW = 101, LINK_SLL = 113, LINK_SLL2 = 276 };

static void record(uint32_t sec, uint32_t fraction, const void *bytes, uint32_t kept, uint32_t length)
{
    number(sec, 4);
    number(fraction, 4);
    number(kept, 4);
    number(length, 4);
    put(bytes, kept);
}

static int read_bytes(const void *bytes, size_t n)
{
    FILE *f = fmemopen((void *)(uintptr_t)bytes, n, "r");

    ck_assert_ptr_nonnull(f);
    return capture_read_stream(f, "test.pcap", &arrivals, &summary, &messages);
}

static void forget(void)
{
    arrivals_free(arrivals);
    arrivals = NULL;
    messages_free(&messages);
    messages = (struct messages){ 0 };
    file.swapped = false;
}

static void read_back(void)
{
    ck_assert_msg(read_bytes(file.at, file.n) == 0, "%s", messages.text ? messages.text : "");
    CHECK_EQ(messages.count, 0);
}

/* Reading fails, with this sentence. */
static void refused(const char *sentence)
{
    CHECK_EQ(read_bytes(file.at, file.n), -1);
    ck_assert_ptr_null(arrivals);
    CHECK_EQ(messages.count, 1);
    ck_assert_msg(strstr(messages.text, sentence) != NULL, "%s", messages.text);
    forget();
}

/* 10.0.0.1:1000 > 10.0.0.2:53 UDP with 18 bytes: IP length 46, TTL 63, id 0x1234, don't fragment, tos 4. */
static const uint8_t udp[60] = {
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
    0x45, 4, 0, 46, 0x12, 0x34, 0x40, 0, 63, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    1000 >> 8, 1000 & 255, 0, 53, 0, 26, 0, 0,
};

/* 10.0.0.3:80 > 10.0.0.2:4000 TCP, seq 0x01020304, ack 0x05060708, header 32 bytes, PSH and ACK, window 501,
 * options: two NOPs and timestamps 0x11223344 0x55667788; IP length 52 + 1000. */
static const uint8_t tcp[66] = {
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
    0x45, 0, 1052 >> 8, 1052 & 255, 0, 7, 0, 0, 64, 6, 0, 0, 10, 0, 0, 3, 10, 0, 0, 2,
    0, 80, 4000 >> 8, 4000 & 255, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x18, 501 >> 8, 501 & 255, 0, 0, 0, 0,
    1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
};

/* ---- times and formats ---- */

static void times_and_lengths_are_right(ps_t second_at)
{
    read_back();
    CHECK_EQ(arrivals->n, 2);
    CHECK_EQ(arrivals->flows, 2);
    CHECK_EQ(arrivals->arrival[0].at, 0);
    CHECK_EQ(arrivals->arrival[1].at, second_at);
    CHECK_EQ(arrivals->arrival[0].wire_bytes, 64);
    CHECK_EQ(arrivals->arrival[1].wire_bytes, 1070);
    CHECK_EQ(summary.packets, 2);
    CHECK_EQ(summary.bytes, 1134);
    CHECK_EQ(summary.flows, 2);
    CHECK_EQ(summary.tcp, 1);
    CHECK_EQ(summary.udp, 1);
    CHECK_EQ(summary.first_sec, 1000);
    CHECK_EQ(summary.last_sec, 1001);
    CHECK_EQ(summary.span, second_at);
    ck_assert_str_eq(summary.link, "EN10MB");
    forget();
}

START_TEST(micro_and_nanosecond_files_of_both_byte_orders_are_read)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        file.swapped = swapped;
        header(NANO, LINK_ETHERNET);
        record(1000, 999999999, udp, 60, 60);
        record(1001, 5, tcp, 66, 1066);
        times_and_lengths_are_right(6 * NS);
        file.swapped = swapped;
        header(MICRO, LINK_ETHERNET);
        record(1000, 999999, udp, 60, 60);
        record(1001, 5, tcp, 66, 1066);
        times_and_lengths_are_right(6 * US);
    }
}
END_TEST

static void block(uint32_t type, const void *body, uint32_t n)
{
    uint32_t padded = (n + 3) / 4 * 4;

    number(type, 4);
    number(padded + 12, 4);
    put(body, n);
    put("\0\0\0", padded - n);
    number(padded + 12, 4);
}

/* A pcapng of one section and one interface whose clock ticks 10^-tick seconds. */
static void pcapng_header(int tick)
{
    uint8_t option[] = { 9, 0, 1, 0, (uint8_t)tick, 0, 0, 0, 0, 0, 0, 0 };
    uint8_t interface[20] = { LINK_ETHERNET, 0, 0, 0, 0xff, 0xff };

    memcpy(interface + 8, option, sizeof option);
    file.n = 0;
    block(0x0a0d0d0a, "\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    block(1, interface, sizeof interface);
}

static void enhanced_packet(uint64_t ticks, const void *bytes, uint32_t kept, uint32_t length)
{
    uint8_t body[200] = { 0 };
    uint32_t fields[4] = { (uint32_t)(ticks >> 32), (uint32_t)ticks, kept, length };

    memcpy(body + 4, fields, sizeof fields);
    memcpy(body + 20, bytes, kept);
    block(6, body, 20 + kept);
}

START_TEST(pcapng_files_of_any_resolution_are_read)
{
    pcapng_header(9);
    enhanced_packet(UINT64_C(1000999999999), udp, 60, 60);
    enhanced_packet(UINT64_C(1001000000005), tcp, 66, 1066);
    times_and_lengths_are_right(6 * NS);
    pcapng_header(6);
    enhanced_packet(UINT64_C(1000999999), udp, 60, 60);
    enhanced_packet(UINT64_C(1001000005), tcp, 66, 1066);
    times_and_lengths_are_right(6 * US);
}
END_TEST

START_TEST(a_gzipped_file_reads_like_the_file_itself)
{
    char path[] = "/tmp/test_captureXXXXXX";
    struct arrivals *plain;
    gzFile gz;

    header(NANO, LINK_ETHERNET);
    record(1, 0, udp, 60, 60);
    record(1, 7, tcp, 66, 1066);
    ck_assert_int_ge(mkstemp(path), 0);
    gz = gzopen(path, "wT");                    /* no compression: a plain file */
    CHECK_EQ(gzwrite(gz, file.at, (unsigned)file.n), (int)file.n);
    gzclose(gz);
    CHECK_EQ(capture_read(path, &plain, &messages), 0);
    gz = gzopen(path, "wb");
    CHECK_EQ(gzwrite(gz, file.at, (unsigned)file.n), (int)file.n);
    gzclose(gz);
    CHECK_EQ(capture_read(path, &arrivals, &messages), 0);
    CHECK_EQ(arrivals->n, 2);
    ck_assert_uint_eq(arrivals->hash, plain->hash);
    arrivals_free(plain);
    forget();

    /* every record is there, but the checksum behind them is wrong, or cut, or it and some data are cut */
    FILE *f = fopen(path, "rb+");
    uint8_t packed[512];
    size_t n = fread(packed, 1, sizeof packed, f);

    ck_assert_uint_gt(n, 12);
    packed[n - 8] ^= 1;
    rewind(f);
    CHECK_EQ(fwrite(packed, 1, n, f), n);
    fflush(f);
    CHECK_EQ(capture_read(path, &arrivals, &messages), -1);
    ck_assert_msg(strstr(messages.text, ": the gzip data are damaged") != NULL, "%s", messages.text);
    forget();
    packed[n - 8] ^= 1;
    rewind(f);
    CHECK_EQ(fwrite(packed, 1, n, f), n);
    fclose(f);
    for (off_t cut = 4; cut <= 12; cut += 8) {
        CHECK_EQ(truncate(path, (off_t)n - cut), 0);
        CHECK_EQ(capture_read(path, &arrivals, &messages), -1);
        ck_assert_msg(strstr(messages.text, ": the gzip stream ends early") != NULL, "%s", messages.text);
        forget();
    }
    unlink(path);
}
END_TEST

START_TEST(records_that_go_back_in_time_are_held_and_counted)
{
    header(NANO, LINK_ETHERNET);
    record(10, 100, udp, 60, 60);
    record(10, 50, udp, 60, 60);
    record(11, 0, udp, 60, 60);
    record(10, 999999999, udp, 60, 60);
    record(11, 0, udp, 60, 60);
    read_back();
    CHECK_EQ(arrivals->arrival[1].at, 0);
    CHECK_EQ(arrivals->arrival[2].at, SEC - 100 * NS);
    CHECK_EQ(arrivals->arrival[3].at, SEC - 100 * NS);
    CHECK_EQ(arrivals->arrival[4].at, SEC - 100 * NS);
    CHECK_EQ(summary.backwards, 2);
    CHECK_EQ(summary.first_sec, 10);
    CHECK_EQ(summary.first_ns, 100);
    CHECK_EQ(capture_warnings(&summary, "test.pcap", &messages), 1);
    ck_assert_ptr_nonnull(strstr(messages.text, "2 of 5 packets are earlier"));
    forget();
}
END_TEST

/* ---- headers ---- */

static const struct flow_key *flow(size_t record_number)
{
    return &arrivals->flow[arrivals->arrival[record_number].flow];
}

START_TEST(udp_fields_are_those_of_the_packet)
{
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 60, 60);
    record(0, 1, udp, 42, 60);                  /* just the headers */
    read_back();
    CHECK_EQ(arrivals->flows, 1);
    for (size_t i = 0; i < 2; i++) {
        const struct arrival *a = &arrivals->arrival[i];

        CHECK_EQ(flow(i)->saddr, 0x0a000001);
        CHECK_EQ(flow(i)->daddr, 0x0a000002);
        CHECK_EQ(flow(i)->sport, 1000);
        CHECK_EQ(flow(i)->dport, 53);
        CHECK_EQ(flow(i)->proto, FLOW_UDP);
        CHECK_EQ(a->payload, 18);
        CHECK_EQ(a->ttl, 63);
        CHECK_EQ(a->tos, 4);
        CHECK_EQ(a->ip_id, 0x1234);
        CHECK_EQ(a->ip_df, 1);
        CHECK_EQ(a->bad, 0);
        CHECK_EQ(a->tcp_flags, 0);
    }
    CHECK_EQ(summary.cut, 0);
    forget();
}
END_TEST

START_TEST(tcp_fields_are_those_of_the_packet)
{
    header(NANO, LINK_ETHERNET);
    record(0, 0, tcp, 66, 1066);
    read_back();
    CHECK_EQ(flow(0)->proto, FLOW_TCP);
    CHECK_EQ(flow(0)->sport, 80);
    CHECK_EQ(flow(0)->dport, 4000);
    CHECK_EQ(arrivals->arrival[0].seq, 0x01020304);
    CHECK_EQ(arrivals->arrival[0].ack, 0x05060708);
    CHECK_EQ(arrivals->arrival[0].tcp_flags, TCP_PSH | TCP_ACK);
    CHECK_EQ(arrivals->arrival[0].window, 501);
    CHECK_EQ(arrivals->arrival[0].tsval, 0x11223344);
    CHECK_EQ(arrivals->arrival[0].tsecr, 0x55667788);
    CHECK_EQ(arrivals->arrival[0].payload, 1000);
    CHECK_EQ(arrivals->arrival[0].ip_df, 0);
    forget();
}
END_TEST

/* The same TCP packet, of which ever less was kept: 66 all; 54 the options are cut; 53 the TCP header; 33
 * the IP header; 13 the Ethernet header. */
START_TEST(cut_headers_are_told_as_far_as_they_go)
{
    static const struct { uint32_t kept; uint8_t proto; uint32_t saddr, tsval; uint64_t cut; } row[] = {
        { 66, FLOW_TCP, 0x0a000003, 0x11223344, 0 },
        { 65, FLOW_TCP, 0x0a000003, 0, 1 },
        { 54, FLOW_TCP, 0x0a000003, 0, 1 },
        { 53, FLOW_OTHER_IP, 0x0a000003, 0, 1 },
        { 34, FLOW_OTHER_IP, 0x0a000003, 0, 1 },
        { 33, FLOW_NOT_IP, 0, 0, 1 },
        { 13, FLOW_NOT_IP, 0, 0, 1 },
        { 0, FLOW_NOT_IP, 0, 0, 1 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        header(NANO, LINK_ETHERNET);
        record(0, 0, tcp, row[i].kept, 1066);
        read_back();
        CHECK_EQ(flow(0)->proto, row[i].proto);
        CHECK_EQ(flow(0)->saddr, row[i].saddr);
        CHECK_EQ(arrivals->arrival[0].tsval, row[i].tsval);
        CHECK_EQ(arrivals->arrival[0].wire_bytes, 1070);
        CHECK_EQ(summary.cut, row[i].cut);
        forget();
    }
}
END_TEST

/* A copy of `udp` with one byte changed, as the only record. */
static void read_udp_with(size_t at, uint8_t value)
{
    uint8_t changed[60];

    memcpy(changed, udp, sizeof changed);
    changed[at] = value;
    header(NANO, LINK_ETHERNET);
    record(0, 0, changed, 60, 60);
    read_back();
}

START_TEST(what_is_wrong_with_a_header_is_flagged)
{
    static const struct { size_t at; uint8_t value; uint16_t bad; uint8_t proto; int32_t payload; } row[] = {
        { 14, 0x55, FRAME_BAD_IP_HDR, FLOW_OTHER_IP, 0 },       /* version 5 */
        { 14, 0x44, FRAME_BAD_IP_HDR, FLOW_OTHER_IP, 0 },       /* a header of 16 bytes */
        { 17, 19, FRAME_BAD_IP_HDR, FLOW_OTHER_IP, 0 },         /* total length below the header's */
        { 17, 47, FRAME_TRUNCATED, FLOW_UDP, 18 },              /* one byte more than the frame holds */
        { 39, 27, FRAME_TRUNCATED, FLOW_UDP, 18 },              /* UDP says one byte more than IP */
        { 39, 7, FRAME_TRUNCATED, FLOW_UDP, 18 },               /* .. or less than its header */
        { 39, 20, 0, FLOW_UDP, 12 },                            /* shorter than IP's is fine */
        { 20, 0x20, FRAME_FRAGMENT, FLOW_OTHER_IP, 26 },        /* more fragments follow */
        { 21, 1, FRAME_FRAGMENT, FLOW_OTHER_IP, 26 },           /* an offset */
        { 23, 1, 0, FLOW_OTHER_IP, 26 },                        /* ICMP */
        { 17, 40, FRAME_TRUNCATED, FLOW_UDP, 12 },              /* IP ends earlier than UDP says: padding */
        { 17, 0, 0, FLOW_UDP, 18 },                             /* taken above TSO: the frame's counts */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        read_udp_with(row[i].at, row[i].value);
        CHECK_EQ(arrivals->arrival[0].bad, row[i].bad);
        CHECK_EQ(flow(0)->proto, row[i].proto);
        CHECK_EQ(flow(0)->sport, row[i].proto == FLOW_UDP ? 1000 : 0);
        CHECK_EQ(arrivals->arrival[0].payload, row[i].payload);
        forget();
    }
}
END_TEST

START_TEST(vlan_tags_are_stepped_over)
{
    uint8_t tagged[68];

    memcpy(tagged, udp, 12);
    memcpy(tagged + 12, "\x88\xa8\0\x05\x81\0\0\x06", 8);
    memcpy(tagged + 20, udp + 12, 48);
    header(NANO, LINK_ETHERNET);
    record(0, 0, tagged, 68, 68);
    read_back();
    CHECK_EQ(flow(0)->dport, 53);
    CHECK_EQ(arrivals->arrival[0].payload, 18);
    CHECK_EQ(arrivals->arrival[0].wire_bytes, 72);
    forget();
}
END_TEST

START_TEST(what_is_not_ipv4_is_one_flow)
{
    read_udp_with(13, 6);                       /* ARP */
    CHECK_EQ(flow(0)->proto, FLOW_NOT_IP);
    CHECK_EQ(summary.ipv6, 0);
    forget();
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 14, 42);                  /* a short frame was padded on the wire */
    read_back();
    CHECK_EQ(arrivals->arrival[0].wire_bytes, 64);
    forget();
    read_udp_with(12, 0x86);                    /* 0x8600: neither */
    CHECK_EQ(flow(0)->proto, FLOW_NOT_IP);
    forget();
    header(NANO, LINK_RAW);
    record(0, 0, "\x60\0\0\0", 4, 4);
    read_back();
    CHECK_EQ(summary.ipv6, 1);
    CHECK_EQ(summary.not_ip, 1);
    CHECK_EQ(capture_warnings(&summary, "x", &messages), 1);
    forget();
}
END_TEST

/* 46 bytes of IP: 14 + 46 + 4 = 64 on the wire; 146: 164. */
START_TEST(raw_ip_and_cooked_captures_get_an_ethernet_header)
{
    uint8_t cooked[66] = { 0, 3, 0, 1, 0, 6 }, cooked2[70] = { 0x08, 0x00 };

    header(NANO, LINK_RAW);
    record(0, 0, udp + 14, 46, 46);
    record(0, 0, udp + 14, 46, 146);
    read_back();
    CHECK_EQ(flow(0)->sport, 1000);
    CHECK_EQ(arrivals->arrival[0].wire_bytes, 64);
    CHECK_EQ(arrivals->arrival[1].wire_bytes, 164);
    CHECK_EQ(arrivals->arrival[1].payload, 18);
    forget();

    cooked[14] = 0x08;
    memcpy(cooked + 16, udp + 14, 46);
    header(NANO, LINK_SLL);
    record(0, 0, cooked, 62, 162);
    read_back();
    CHECK_EQ(flow(0)->sport, 1000);
    CHECK_EQ(flow(0)->otherhost, 1);            /* packet type 3: to another host */
    CHECK_EQ(arrivals->arrival[0].wire_bytes, 164);
    forget();

    memcpy(cooked2 + 20, udp + 14, 46);
    header(NANO, LINK_SLL2);
    record(0, 0, cooked2, 66, 166);
    read_back();
    CHECK_EQ(flow(0)->dport, 53);
    CHECK_EQ(flow(0)->otherhost, 0);
    CHECK_EQ(arrivals->arrival[0].wire_bytes, 164);
    forget();
}
END_TEST

/* 20 bytes of options that never tell a time stamp: the reader must find none, and end. */
START_TEST(odd_tcp_options_are_survived)
{
    static const uint8_t odd[][12] = {
        { 8, 0 }, { 8, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8 }, { 1, 1, 1, 8, 10 }, { 0, 2, 8, 10 },
        { 2, 255 }, { 8, 9, 1, 2 },
    };
    uint8_t changed[66];

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        memcpy(changed, tcp, sizeof changed);
        memcpy(changed + 54, odd[i], 12);
        header(NANO, LINK_ETHERNET);
        record(0, 0, changed, 66, 1066);
        read_back();
        CHECK_EQ(arrivals->arrival[0].tsval, 0);
        CHECK_EQ(arrivals->arrival[0].payload, 1000);
        forget();
    }
}
END_TEST

/* 1000 flows of which each comes twice: the table has 1000, in order of appearance. */
START_TEST(a_flow_is_listed_once_in_order_of_appearance)
{
    static uint8_t big[24 + 2000 * (16 + 42)];
    uint8_t changed[60];
    size_t n;

    header(NANO, LINK_ETHERNET);
    n = file.n;
    memcpy(big, file.at, n);
    memcpy(changed, udp, sizeof changed);
    for (uint32_t i = 0; i < 2000; i++) {
        changed[34] = (uint8_t)(i % 1000 >> 8);
        changed[35] = (uint8_t)(i % 1000);
        file.n = 0;
        record(i, 0, changed, 42, 60);
        memcpy(big + n, file.at, file.n);
        n += file.n;
    }
    CHECK_EQ(read_bytes(big, n), 0);
    CHECK_EQ(arrivals->flows, 1000);
    for (size_t i = 0; i < 2000; i++) {
        CHECK_EQ(arrivals->arrival[i].flow, i % 1000);
        CHECK_EQ(flow(i)->sport, i % 1000);
    }
    forget();
}
END_TEST

START_TEST(the_hash_sees_every_field)
{
    uint64_t before;

    read_udp_with(0, 2);
    before = arrivals->hash;
    forget();
    read_udp_with(0, 4);                        /* MAC addresses are not kept */
    ck_assert_uint_eq(arrivals->hash, before);
    forget();
    for (size_t i = 0; i < 5; i++) {
        static const size_t at[] = { 15, 19, 22, 29, 37 };      /* tos, id, ttl, address, port */

        read_udp_with(at[i], 0x77);
        ck_assert_uint_ne(arrivals->hash, before);
        forget();
    }
}
END_TEST

/* ---- files that are no good ---- */

START_TEST(a_file_cut_off_says_after_which_packet)
{
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 60, 60);
    record(0, 1, udp, 60, 60);
    file.n -= 1;
    refused("test.pcap: cut off after packet 1: ");
    file.n -= 60;                               /* in the middle of the record's header */
    refused("test.pcap: cut off after packet 1: ");
}
END_TEST

START_TEST(foreign_and_empty_files_are_refused_in_a_sentence)
{
    file.n = 0;
    put("\n", 1);
    refused("test.pcap: not a capture (pcap or pcapng)");
    file.n = 0;
    put("#!/bin/sh\necho this is a script, not a capture\n", 47);
    refused("test.pcap: not a capture (pcap or pcapng)");
    header(NANO, LINK_ETHERNET);
    refused("test.pcap: holds no packets");
    header(NANO, 105);                          /* IEEE 802.11 */
    refused("test.pcap: link type 105 (IEEE802_11)");
}
END_TEST

START_TEST(a_file_that_is_not_there_says_so)
{
    CHECK_EQ(capture_read("/nonexistent/x.pcap", &arrivals, &messages), -1);
    ck_assert_str_eq(messages.text, "/nonexistent/x.pcap: No such file or directory\n");
    forget();
    CHECK_EQ(capture_read("/tmp", &arrivals, &messages), -1);
    CHECK_EQ(messages.count, 1);
    forget();
}
END_TEST

START_TEST(times_beyond_simulated_time_are_refused)
{
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 60, 60);
    record(50 * 24 * 3600, 0, udp, 60, 60);
    read_back();
    forget();
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 60, 60);
    record(50 * 24 * 3600 + 1, 0, udp, 60, 60);
    refused("test.pcap: packet 2: a time more than 50 days after the first packet's");
}
END_TEST

START_TEST(an_absurd_length_is_refused)
{
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 60, (1 << 24) + 1);
    refused("test.pcap: packet 1: a packet of more than 16 MB");
}
END_TEST

START_TEST(frames_above_offload_size_are_warned_of)
{
    header(NANO, LINK_ETHERNET);
    record(0, 0, udp, 60, 9018);
    record(0, 0, udp, 60, 9019);
    read_back();
    CHECK_EQ(summary.oversize, 1);
    CHECK_EQ(capture_warnings(&summary, "test.pcap", &messages), 1);
    ck_assert_ptr_nonnull(strstr(messages.text, "test.pcap: 1 packets are longer than 9022 bytes"));
    forget();
}
END_TEST

SUITE(capture, micro_and_nanosecond_files_of_both_byte_orders_are_read,
      pcapng_files_of_any_resolution_are_read,
      a_gzipped_file_reads_like_the_file_itself, records_that_go_back_in_time_are_held_and_counted,
      udp_fields_are_those_of_the_packet, tcp_fields_are_those_of_the_packet,
      cut_headers_are_told_as_far_as_they_go, what_is_wrong_with_a_header_is_flagged,
      vlan_tags_are_stepped_over,
      what_is_not_ipv4_is_one_flow, raw_ip_and_cooked_captures_get_an_ethernet_header,
      odd_tcp_options_are_survived,
      a_flow_is_listed_once_in_order_of_appearance, the_hash_sees_every_field,
      a_file_cut_off_says_after_which_packet, foreign_and_empty_files_are_refused_in_a_sentence,
      a_file_that_is_not_there_says_so, times_beyond_simulated_time_are_refused,
      an_absurd_length_is_refused,
      frames_above_offload_size_are_warned_of)
