/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/gro.h"

#include <stdio.h>

#include "models/flow.h"
#include "tests/machine.h"
#include "tests/suite.h"

enum { SEGMENTS = 128, MSS = 1448 };

static const struct skb_nic_params build_skb = {
    .truesize = 2304, .truesize_copied = 1280, .truesize_frag = 2048,
};
static struct gro_params params;
static struct gro gro;
static struct frame frame[SEGMENTS];
static struct skb skb[SEGMENTS];
static int made;

static void begin(void)
{
    params = (struct gro_params){ .gro_normal_batch = 8, .gro_max_size = 65536, .constant_id_needs_df = 1 };
    gro_init(&gro, &params);
    made = 0;
}

/* A segment as a data centre's TCP sends it: timestamps, DF, an IP ID that counts. Its fields may be changed
 * before it is offered. */
static struct skb *segment(uint32_t flow, uint32_t hash, uint32_t seq, int payload)
{
    static const struct flow_key key = { .proto = FLOW_TCP };
    struct flow tcp = { .key = key, .hash = hash };
    struct frame *f = &frame[made];
    struct skb *s = &skb[made];

    ck_assert(made < SEGMENTS);
    *f = (struct frame){
        .id = (uint64_t)made, .flow = flow, .payload = payload, .wire_bytes = 14 + 20 + 32 + payload + 4,
        .seq = seq, .ack = 77, .tsval = 5, .tsecr = 6, .window = 501, .ip_id = (uint16_t)made,
        .tcp_flags = TCP_ACK, .ttl = 64, .ip_df = 1,
    };
    skb_build(s, f, &tcp, &build_skb, false);
    made++;
    return s;
}

static bool offer(struct skb *s)
{
    return gro_receive(&gro, s, true, 0);
}

/* `n` full segments of flow 1 from sequence number 0: the first is held, the others merged. */
static struct skb *stream(int n)
{
    struct skb *first = &skb[made];

    for (int i = 0; i < n; i++)
        CHECK_EQ(offer(segment(1, 1, (uint32_t)(i * MSS), MSS)), i > 0);
    return first;
}

/* Ids of the first frames of what has been listed, in order. */
static void check_list(const int *ids, int n)
{
    const struct skb *s = gro.rx_list.first;

    CHECK_EQ(gro.rx_list.length, n);
    for (int i = 0; i < n; i++, s = s->next)
        CHECK_EQ(s->first->id, ids[i]);
}

#define CHECK_LIST(...)  check_list((const int[]){ __VA_ARGS__ }, \
                                    (int)(sizeof(int[]){ __VA_ARGS__ } / sizeof(int)))

/* ---- merging ---- */

/* 20 + 32 + 2 * 1448 bytes; the second sk_buff (256) goes, its half page stays: 2304 + 2048. */
START_TEST(the_next_segment_of_a_flow_is_appended)
{
    struct skb *s;

    begin();
    s = stream(2);
    CHECK_EQ(s->frames, 2);
    CHECK_EQ(s->len, 52 + 2 * MSS);
    CHECK_EQ(s->truesize, 2304 + 2048);
    CHECK_EQ(s->gso_size, MSS);
    CHECK_EQ(s->seq, 0);
    CHECK_EQ(s->end_seq, 2 * MSS);
    ck_assert_ptr_eq(s->first, &frame[0]);
    ck_assert_ptr_eq(s->first->next, &frame[1]);
    ck_assert_ptr_eq(s->last, &frame[1]);
    CHECK_EQ(skb[1].frames, 0);
    CHECK_EQ(gro.held_total, 1);
    CHECK_EQ(gro.counters.gro_packets, 2);
    CHECK_EQ(gro.counters.gro_merged, 1);
    CHECK_EQ(gro.counters.gro_skbs, 0);
    CHECK_EQ(gro.rx_list.length, 0);
}
END_TEST

/* What may not differ between a held segment and the next, one by one. Sequence: a gap, an overlap; length:
 * none, or more than the first's. */
typedef void change_fn(struct skb *s);
static void ttl(struct skb *s)          { s->ttl = 63; }
static void tos(struct skb *s)          { s->tos = 2; }
static void df(struct skb *s)           { s->ip_df = 0; }
static void ip_id(struct skb *s)        { s->ip_id = 9; }
static void window(struct skb *s)       { s->window = 502; }
static void header_length(struct skb *s){ s->header_len = 44; s->len += 12; }
static void ack(struct skb *s)          { s->ack = 78; }
static void no_ack_flag(struct skb *s)  { s->tcp_flags = 0; }
static void ece(struct skb *s)          { s->tcp_flags |= TCP_ECE; }
static void cwr(struct skb *s)          { s->tcp_flags |= TCP_CWR; }
static void urgent(struct skb *s)       { s->tcp_flags |= TCP_URG; }
static void tsval(struct skb *s)        { s->tsval = 7; }
static void tsecr(struct skb *s)        { s->tsecr = 7; }
static void gap(struct skb *s)          { s->seq++; s->end_seq++; }
static void overlap(struct skb *s)      { s->seq--; s->end_seq--; }
static void flow(struct skb *s)         { s->flow = 2; }

static const struct { const char *what; change_fn *change; bool same_flow; } must_match[] = {
    { "TTL", ttl, true }, { "TOS", tos, true }, { "DF", df, true }, { "IP ID", ip_id, true },
    { "window", window, true }, { "header length", header_length, true }, { "acknowledgment", ack, true },
    { "ACK flag", no_ack_flag, true }, { "ECE", ece, true }, { "CWR", cwr, true }, { "URG", urgent, true },
    { "timestamp", tsval, true }, { "echoed timestamp", tsecr, true }, { "gap", gap, true },
    { "overlap", overlap, true }, { "flow", flow, false },
};

/* The held one is handed up first, so that the flow keeps its order; another flow's stays held. */
START_TEST(a_segment_that_differs_in_one_field_is_not_appended)
{
    struct skb *s;

    begin();
    stream(2);
    s = segment(1, 1, 2 * MSS, MSS);
    must_match[_i].change(s);
    if (must_match[_i].change == header_length)
        frame[2].payload = MSS;
    ck_assert_msg(!offer(s), "%s", must_match[_i].what);
    CHECK_EQ(s->frames, 1);
    CHECK_EQ(skb[0].frames, 2);
    CHECK_EQ(gro.counters.gro_merged, 1);
    if (must_match[_i].same_flow)
        ck_assert_ptr_eq(gro.rx_list.first, &skb[0]);
    else
        CHECK_EQ(gro.held_total, 2);
}
END_TEST

START_TEST(a_longer_segment_than_the_first_is_not_appended)
{
    begin();
    offer(segment(1, 1, 0, 1000));
    CHECK_EQ(offer(segment(1, 1, 1000, 1001)), 0);
    CHECK_LIST(0);
    begin();
    offer(segment(1, 1, 0, 1000));
    CHECK_EQ(offer(segment(1, 1, 1000, 1000)), 1);
}
END_TEST

/* CWR on the held one as well: the flags are equal, but a sender that has just reduced its window is
 * heard. */
START_TEST(a_segment_with_cwr_is_not_appended_to_one_with_cwr)
{
    struct skb *a, *b;

    begin();
    a = segment(1, 1, 0, MSS);
    b = segment(1, 1, MSS, MSS);
    a->tcp_flags |= TCP_CWR;
    b->tcp_flags |= TCP_CWR;
    offer(a);
    CHECK_EQ(offer(b), 0);
    CHECK_LIST(0);
}
END_TEST

START_TEST(segments_with_errors_are_not_held)
{
    static const uint16_t bad[] = { FRAME_BAD_IP_CSUM, FRAME_BAD_L4_CSUM, FRAME_BAD_IP_HDR, FRAME_FRAGMENT };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct skb *s;

        begin();
        s = segment(1, 1, 0, MSS);
        s->bad = bad[i];
        CHECK_EQ(offer(s), 0);
        CHECK_LIST(0);
        CHECK_EQ(gro.held_total, 0);
    }
}
END_TEST

/* Four bytes behind 40 of headers make 44, but the frame holds 46: padding, so the IP length is not the
 * frame's. */
START_TEST(a_padded_segment_is_not_held)
{
    struct skb *s;

    begin();
    s = segment(1, 1, 0, 4);
    s->header_len = 20;
    s->tsval = s->tsecr = 0;
    s->len = 46;
    CHECK_EQ(offer(s), 0);
    CHECK_LIST(0);
    begin();
    s = segment(1, 1, 0, 6);            /* 46: nothing to pad */
    s->header_len = 20;
    s->tsval = s->tsecr = 0;
    s->len = 46;
    CHECK_EQ(offer(s), 0);
    CHECK_EQ(gro.held_total, 1);
}
END_TEST

START_TEST(datagrams_pass)
{
    static const struct flow_key key = { .proto = FLOW_UDP };
    const struct flow udp = { .key = key, .hash = 1 };

    begin();
    for (int i = 0; i < 2; i++) {
        frame[i] = (struct frame){ .id = (uint64_t)i, .flow = 1, .payload = 1000, .wire_bytes = 1046 };
        skb_build(&skb[i], &frame[i], &udp, &build_skb, false);
        CHECK_EQ(offer(&skb[i]), 0);
    }
    CHECK_LIST(0, 1);
    CHECK_EQ(gro.held_total, 0);
}
END_TEST

START_TEST(with_gro_off_everything_passes)
{
    begin();
    CHECK_EQ(gro_receive(&gro, segment(1, 1, 0, MSS), false, 0), 0);
    CHECK_EQ(gro_receive(&gro, segment(1, 1, MSS, MSS), false, 0), 0);
    CHECK_LIST(0, 1);
    CHECK_EQ(gro.counters.gro_skbs, 2);
}
END_TEST

/* ---- the IP ID ---- */

/* One number for all: with DF it merges; without only where the kernel does not ask for DF (6.19). */
START_TEST(a_constant_ip_id_merges_with_df_or_in_newer_kernels)
{
    for (int i = 0; i < 4; i++) {
        bool set = i & 1, asks = i & 2;
        struct skb *a, *b;

        begin();
        params.constant_id_needs_df = asks;
        a = segment(1, 1, 0, MSS);
        b = segment(1, 1, MSS, MSS);
        a->ip_id = b->ip_id = 0;
        a->ip_df = b->ip_df = set;
        offer(a);
        CHECK_EQ(offer(b), set || !asks);
    }
}
END_TEST

/* The n-th must have the first's ID plus n, past 65535 as well. */
START_TEST(a_counting_ip_id_wraps)
{
    begin();
    for (int i = 0; i < 4; i++) {
        struct skb *s = segment(1, 1, (uint32_t)(i * MSS), MSS);
        s->ip_id = (uint16_t)(65534 + i);
        s->ip_df = 0;
        CHECK_EQ(offer(s), i > 0);
    }
}
END_TEST

/* ---- when an aggregate ends ---- */

START_TEST(psh_and_fin_may_differ_and_complete_the_aggregate)
{
    static const uint8_t flags[] = { TCP_PSH, TCP_FIN };

    for (int i = 0; i < 2; i++) {
        struct skb *s;

        begin();
        stream(2);
        s = segment(1, 1, 2 * MSS, MSS);
        s->tcp_flags |= flags[i];
        s->end_seq += flags[i] == TCP_FIN;
        CHECK_EQ(offer(s), 1);
        CHECK_LIST(0);
        CHECK_EQ(gro.held_total, 0);
        CHECK_EQ(gro.rx_list.first->frames, 3);
        CHECK_EQ(gro.rx_list.first->tcp_flags, TCP_ACK | flags[i]);
    }
}
END_TEST

START_TEST(a_short_segment_is_appended_and_completes_the_aggregate)
{
    begin();
    stream(2);
    CHECK_EQ(offer(segment(1, 1, 2 * MSS, MSS - 1)), 1);
    CHECK_LIST(0);
    CHECK_EQ(gro.rx_list.first->len, 52 + 3 * MSS - 1);
    CHECK_EQ(gro.held_total, 0);
}
END_TEST

/* A first segment with PSH is not held, a short one is: its length is the mss from then on. */
START_TEST(a_first_segment_is_held_unless_it_ends_something)
{
    static const uint8_t ends[] = { TCP_PSH, TCP_FIN, TCP_SYN, TCP_RST, TCP_URG };

    for (size_t i = 0; i < sizeof ends; i++) {
        struct skb *s;

        begin();
        s = segment(1, 1, 0, MSS);
        s->tcp_flags |= ends[i];
        s->end_seq += ends[i] == TCP_FIN || ends[i] == TCP_SYN;
        CHECK_EQ(offer(s), 0);
        CHECK_LIST(0);
    }
    begin();
    offer(segment(1, 1, 0, 100));
    CHECK_EQ(gro.held_total, 1);
}
END_TEST

/* A pure ACK follows the data that was before it. */
START_TEST(a_segment_without_data_passes_behind_the_held_one)
{
    begin();
    stream(2);
    CHECK_EQ(offer(segment(1, 1, 2 * MSS, 0)), 0);
    CHECK_LIST(0, 2);
    CHECK_EQ(gro.held_total, 0);
}
END_TEST

/* 52 + 45 * 1448 = 65212 is below 65536, with a forty-sixth it would be 66660: the next aggregate begins.
 * Beyond 17 fragments they go on the frag list. */
START_TEST(an_aggregate_stays_below_64_kilobytes)
{
    struct skb *s;

    begin();
    s = stream(45);
    CHECK_EQ(s->len, 65212);
    CHECK_EQ(s->frags, GRO_MAX_FRAGS);
    CHECK_EQ(s->has_frag_list, 1);
    CHECK_EQ(offer(segment(1, 1, 45 * MSS, MSS)), 0);
    CHECK_LIST(0);
    CHECK_EQ(gro.rx_list.first->frames, 45);
    CHECK_EQ(gro.held_total, 1);
}
END_TEST

/* The limit itself is too much: two segments of 1448 make 2948 bytes. */
START_TEST(an_aggregate_of_exactly_the_limit_is_refused)
{
    for (int room = 0; room < 2; room++) {
        begin();
        params.gro_max_size = 52 + 2 * MSS + room;
        offer(segment(1, 1, 0, MSS));
        CHECK_EQ(offer(segment(1, 1, MSS, MSS)), room);
    }
}
END_TEST

START_TEST(seventeen_fragments_need_no_frag_list)
{
    struct skb *s;

    begin();
    s = stream(18);                     /* the head and 17 */
    CHECK_EQ(s->frags, 17);
    CHECK_EQ(s->has_frag_list, 0);
    CHECK_EQ(offer(segment(1, 1, 18 * MSS, MSS)), 1);
    CHECK_EQ(s->has_frag_list, 1);
}
END_TEST

/* ---- buckets ---- */

/* Bucket 3 holds eight flows; the ninth pushes the oldest out. Bucket 4 has room of its own. */
START_TEST(a_full_bucket_gives_up_its_oldest)
{
    begin();
    for (uint32_t f = 0; f < 8; f++)
        offer(segment(f, 3 + 8 * f, 0, MSS));
    offer(segment(100, 4, 0, MSS));
    CHECK_EQ(gro.held_total, 9);
    CHECK_EQ(gro.rx_list.length, 0);
    offer(segment(8, 3 + 8 * 8, 0, MSS));
    CHECK_LIST(0);
    CHECK_EQ(gro.held_count[3], 8);
    CHECK_EQ(offer(segment(1, 3 + 8, MSS, MSS)), 0);    /* IP ID 10, not 2: so it is not appended .. */
    CHECK_LIST(0, 1);                   /* .. and its flow's held one, now in front, goes up */
    ck_assert_ptr_eq(gro.held[3][7], &skb[10]);
}
END_TEST

START_TEST(eight_buckets_hold_eight_packets_each)
{
    begin();
    for (uint32_t f = 0; f < 64; f++)
        offer(segment(f, f, 0, MSS));
    CHECK_EQ(gro.held_total, 64);
    CHECK_EQ(gro.rx_list.length, 0);
    offer(segment(64, 64, 0, MSS));
    CHECK_EQ(gro.held_total, 64);
    CHECK_LIST(0);
}
END_TEST

/* Without the NIC's hash all have 0, and share a bucket. */
START_TEST(flows_without_a_hash_share_one_bucket)
{
    begin();
    for (uint32_t f = 0; f < 9; f++)
        offer(segment(f, 0, 0, MSS));
    CHECK_EQ(gro.held_count[0], 8);
    CHECK_LIST(0);
}
END_TEST

/* Between two segments of a flow lie some of others. */
START_TEST(interleaved_flows_merge_each_with_its_own)
{
    begin();
    for (uint32_t n = 0; n < 3; n++) {
        for (uint32_t f = 0; f < 8; f++) {
            struct skb *s = segment(f, 8 * f, n * MSS, MSS);
            s->ip_id = (uint16_t)n;
            CHECK_EQ(offer(s), n > 0);
        }
    }
    for (int f = 0; f < 8; f++)
        CHECK_EQ(skb[f].frames, 3);
}
END_TEST

/* ---- handing up ---- */

START_TEST(a_flush_takes_the_oldest_of_each_bucket_first)
{
    begin();
    offer(segment(1, 5, 0, MSS));
    offer(segment(2, 2, 0, MSS));
    offer(segment(3, 5, 0, MSS));
    gro_flush(&gro, false, 0);
    CHECK_LIST(1, 0, 2);
    CHECK_EQ(gro.held_total, 0);
}
END_TEST

/* What was held in jiffy 4 stays while it is jiffy 4. A packet's age is its first segment's. */
START_TEST(a_flush_of_the_old_keeps_what_is_of_this_jiffy)
{
    begin();
    gro_receive(&gro, segment(1, 5, 0, MSS), true, 3);
    gro_receive(&gro, segment(2, 5, 0, MSS), true, 4);
    skb[0].ip_id = 1;
    CHECK_EQ(gro_receive(&gro, segment(1, 5, MSS, MSS), true, 4), 1);
    gro_flush(&gro, true, 4);
    CHECK_LIST(0);
    CHECK_EQ(gro.held_total, 1);
    gro_flush(&gro, true, 5);
    CHECK_LIST(0, 1);
}
END_TEST

/* Five buffers each: the first has four fragments, the second and the third bring five more each, for the fourth there is
 * no room among seventeen: it is kept whole. */
START_TEST(a_segment_over_several_buffers_brings_them_all)
{
    struct skb *s[4];

    begin();
    for (uint32_t i = 0; i < 4; i++) {
        s[i] = segment(1, 1, i * MSS, MSS);
        s[i]->ip_id = (uint16_t)i;
        skb_add_buffers(s[i], 4, 300);
        offer(s[i]);
        CHECK_EQ(s[0]->frags, i < 3 ? 4 + 5 * i : 14);
        CHECK_EQ(s[0]->has_frag_list, i == 3);
    }
    CHECK_EQ(s[0]->truesize, 2304 + 4 * 2048 + 2 * 5 * 2048 + 2304 + 4 * 2048);
}
END_TEST

/* Segments are counted, not skbs: seven single ones do not fill the list, an aggregate of eight does. */
START_TEST(a_list_is_full_with_eight_segments)
{
    begin();
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert(!gro_list_full(&gro));
        gro_receive(&gro, segment(1, 1, i * MSS, MSS), false, 0);
    }
    ck_assert(gro_list_full(&gro));
    begin();
    stream(8);
    ck_assert(!gro_list_full(&gro));
    gro_flush(&gro, false, 0);
    ck_assert(gro_list_full(&gro));
    CHECK_EQ(gro.rx_count, 8);
    begin();
    stream(7);
    gro_flush(&gro, false, 0);
    ck_assert(!gro_list_full(&gro));
}
END_TEST

/* 600 random segments of two flows in order, with gaps, PSH, short ones and ACKs: each flow comes out in
 * order and whole. (A small generator of its own: 69069 is Marsaglia's.) */
START_TEST(the_order_within_a_flow_is_kept_whatever_happens)
{
    uint32_t next[2] = { 0, 0 }, seen[2] = { 0, 0 }, x = (uint32_t)_i;
    uint16_t id[2] = { 0, 0 };
    int in = 0, out = 0;

    begin();
    while (in < 600) {
        made = 0;
        for (; made < 100; in++) {
            x = x * 69069 + 1;
            uint32_t f = x >> 31, kind = x >> 20 & 31;
            struct skb *s = segment(f, f * 8, next[f], kind < 4 ? 0 : kind < 8 ? 500 : MSS);
            s->ip_id = id[f]++;
            s->tcp_flags |= kind == 9 ? TCP_PSH : 0;
            s->window = (uint16_t)(kind == 10 ? 400 : 501);
            next[f] = s->end_seq;
            offer(s);
        }
        gro_flush(&gro, false, 0);
        for (struct skb *s; (s = skb_pop(&gro.rx_list)) != NULL; ) {
            const struct frame *at = s->first;
            for (int i = 0; i < s->frames; i++, at = at->next, out++) {
                CHECK_EQ(at->flow, s->flow);
                CHECK_EQ(at->seq, seen[s->flow]);
                seen[s->flow] += (uint32_t)at->payload;
            }
            CHECK_EQ(s->end_seq, seen[s->flow]);
        }
    }
    CHECK_EQ(out, in);
    ck_assert_int_gt((int)gro.counters.gro_merged, 100);
    CHECK_EQ(gro.counters.gro_packets, gro.counters.gro_merged + gro.counters.gro_skbs);
}
END_TEST

/* BIG TCP: 52 + 100 * 1448 = 144852 is above 64 KB and below a gro_ipv4_max_size of 200000. */
START_TEST(a_larger_limit_holds_more_than_64_kilobytes)
{
    struct skb *s;

    begin();
    params.gro_max_size = 200000;
    s = stream(100);
    CHECK_EQ(s->len, 144852);
    CHECK_EQ(s->frames, 100);
    CHECK_EQ(gro.held_total, 1);
    CHECK_EQ(gro.rx_list.length, 0);
}
END_TEST

/* ---- what it is good for ---- */

/* A bulk TCP flow, with GRO and without: the same bytes either way. */
static void bulk(const char *gro_is, struct result *r)
{
    char settings[128];
    struct config c;

    snprintf(settings, sizeof settings, "traffic.bytes=4MiB run.duration=20ms nic.features.gro=%s", gro_is);
    machine_load(&c, "tcp-bulk.yaml", settings);
    machine_run(&c, NULL, r);
    machine_release(&c);
}

/* 4 MiB are 2897 segments. At most one ACK for each skb, so with GRO fewer than a third of those without. */
START_TEST(fewer_skbs_are_acked_less_often)
{
    struct result with, without;

    bulk("on", &with);
    bulk("off", &without);
    CHECK_EQ(machine_fate(&with, FATE_DELIVERED), 2897);
    CHECK_EQ(machine_fate(&without, FATE_DELIVERED), 2897);
    ck_assert_uint_lt(3 * result_counter(&with, NULL, "TcpOutSegs"), result_counter(&without, NULL, "TcpOutSegs"));
    ck_assert_uint_le(result_counter(&with, NULL, "TcpOutSegs"), result_counter(&with, NULL, "IpInReceives"));
    result_free(&with);
    result_free(&without);
}
END_TEST

/* Each packet then costs the stack: TCP sees each, and softirqs take at least half as long again. */
START_TEST(without_gro_each_packet_costs_the_whole_stack)
{
    struct result with, without;
    ps_t softirq[2] = { 0, 0 };

    bulk("on", &with);
    bulk("off", &without);
    CHECK_EQ(result_counter(&without, NULL, "IpInReceives"), 2897);
    ck_assert_uint_lt(4 * result_counter(&with, NULL, "IpInReceives"), 2897);
    for (int i = 0; i < with.cpus; i++) {
        softirq[0] += with.cpu[i].ps[CPU_SOFTIRQ];
        softirq[1] += without.cpu[i].ps[CPU_SOFTIRQ];
    }
    ck_assert_int_gt(2 * softirq[1], 3 * softirq[0]);
    result_free(&with);
    result_free(&without);
}
END_TEST

/* ---- datagrams ---- */

/* One of flow 1 whose socket has UDP_GRO; its fields may be changed before it is offered. */
static struct skb *datagram(int payload, enum flow_udp_gro how)
{
    static const struct flow_key key = { .proto = FLOW_UDP };
    const struct flow udp = { .key = key, .hash = 1, .udp_gro = (uint8_t)how };
    struct frame *f = &frame[made];
    struct skb *s = &skb[made];

    *f = (struct frame){
        .id = (uint64_t)made, .flow = 1, .payload = payload, .wire_bytes = 46 + payload, .ttl = 64, .ip_df = 1,
        .ip_id = (uint16_t)made,
    };
    skb_build(s, f, &udp, &build_skb, false);
    made++;
    return s;
}

/* 28 + 3 * 1000 bytes; a shorter one is the last, a longer one begins anew. */
START_TEST(datagrams_of_a_length_are_merged_for_a_socket_with_udp_gro)
{
    struct skb *s;

    begin();
    s = datagram(1000, UDP_GRO_SEGMENT);
    CHECK_EQ(offer(s), 0);
    CHECK_EQ(offer(datagram(1000, UDP_GRO_SEGMENT)), 1);
    CHECK_EQ(gro.held_total, 1);
    CHECK_EQ(offer(datagram(999, UDP_GRO_SEGMENT)), 1);
    CHECK_EQ(gro.held_total, 0);
    CHECK_EQ(s->len, 28 + 2999);
    CHECK_EQ(s->gso_size, 1000);
    CHECK_EQ(s->truesize, 2304 + 2 * 2048);
    CHECK_EQ(offer(datagram(500, UDP_GRO_SEGMENT)), 0);
    CHECK_EQ(offer(datagram(501, UDP_GRO_SEGMENT)), 0);
    CHECK_LIST(0, 3);
    CHECK_EQ(gro.held_total, 1);
}
END_TEST

START_TEST(a_merged_datagram_holds_at_most_64)
{
    begin();
    for (int i = 0; i < 64; i++)
        CHECK_EQ(offer(datagram(100, UDP_GRO_SEGMENT)), i > 0);
    CHECK_EQ(gro.held_total, 0);
    CHECK_EQ(gro.rx_list.first->frames, 64);
    CHECK_EQ(offer(datagram(100, UDP_GRO_SEGMENT)), 0);
    CHECK_EQ(gro.held_total, 1);
}
END_TEST

/* 28 + 44 * 1472 = 64796 is below 64 KB, a forty-fifth would be 66268; a larger limit is for TCP. */
START_TEST(a_merged_datagram_stays_below_64_kilobytes)
{
    begin();
    params.gro_max_size = 200000;
    for (int i = 0; i < 44; i++)
        CHECK_EQ(offer(datagram(1472, UDP_GRO_SEGMENT)), i > 0);
    CHECK_EQ(offer(datagram(1472, UDP_GRO_SEGMENT)), 0);
    CHECK_LIST(0);
    CHECK_EQ(gro.rx_list.first->frames, 44);
}
END_TEST

/* Padding, or a fragment: not held, and what is held stays. */
START_TEST(datagrams_that_cannot_be_merged_pass_by_the_held_one)
{
    for (int i = 0; i < 2; i++) {
        struct skb *s;
        begin();
        offer(datagram(100, UDP_GRO_SEGMENT));
        s = datagram(100, UDP_GRO_SEGMENT);
        if (i == 0)
            s->len += 4;
        else
            s->first->frags = 2;
        CHECK_EQ(offer(s), 0);
        CHECK_LIST(1);
        CHECK_EQ(gro.held_total, 1);
    }
}
END_TEST

/* rx-gro-list keeps each whole on the frag list, charged in full. */
START_TEST(a_chain_of_datagrams_is_charged_in_full)
{
    struct skb *s;

    begin();
    s = datagram(1000, UDP_GRO_LIST);
    offer(s);
    CHECK_EQ(offer(datagram(1000, UDP_GRO_LIST)), 1);
    CHECK_EQ(s->truesize, 2 * 2304);
    CHECK_EQ(s->has_frag_list, 1);
    CHECK_EQ(s->frags, 0);
}
END_TEST

/* Thirty datagrams to one socket, in one poll. */
static void burst(const char *settings, struct result *r)
{
    char all[512];
    struct config c;

    snprintf(all, sizeof all, "traffic.frames=30 traffic.frame=1000B traffic.rate=100%% nic.coalesce.kind=delay "
             "nic.coalesce.rx-usecs=100us %s", settings);
    machine_load(&c, "one-frame.yaml", all);
    machine_run(&c, NULL, r);
    CHECK_EQ(machine_fate(r, FATE_DELIVERED) + machine_fate(r, FATE_FORWARDED), 30);
    machine_release(&c);
}

/* UDP_GRO reads all in one recv(); a chain is taken apart before the socket; GRO off, or a checksum of 0, and nothing is
 * merged. A socket that did not ask decides for itself, not the forwarding switch. */
START_TEST(udp_gro_is_for_who_asked_for_it)
{
    static const struct { const char *settings; uint64_t skbs, messages; } row[] = {
        { "", 30, 30 }, { "app.udp_gro=on", 1, 1 }, { "app.udp_gro=on nic.features.gro=off", 30, 30 },
        { "app.udp_gro=on traffic.udp_csum=off", 30, 30 }, { "nic.features.rx-gro-list=on", 1, 30 },
        { "nic.features.rx-gro-list=on app.udp_gro=on", 1, 1 }, { "nic.features.rx-udp-gro-forwarding=on", 30, 30 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct result r;
        burst(row[i].settings, &r);
        CHECK_EQ(result_counter(&r, NULL, "IpInReceives"), row[i].skbs);
        CHECK_EQ(result_counter(&r, NULL, "messages"), row[i].messages);
        CHECK_EQ(result_counter(&r, NULL, "bytes"), 30 * 954);
        result_free(&r);
    }
}
END_TEST

/* What no socket here has the port of is merged for the way out. */
START_TEST(forwarded_datagrams_are_merged_if_the_switch_says_so)
{
    static const char *const on[] = { "off", "on" };

    for (int i = 0; i < 2; i++) {
        char settings[256];
        struct result r;
        snprintf(settings, sizeof settings, "app.port=77 host.address=10.9.9.9 net.ipv4.ip_forward=on "
                 "nic.features.rx-udp-gro-forwarding=%s", on[i]);
        burst(settings, &r);
        CHECK_EQ(machine_fate(&r, FATE_FORWARDED), 30);
        CHECK_EQ(result_counter(&r, NULL, "IpForwDatagrams"), i ? 1 : 30);
        result_free(&r);
    }
}
END_TEST

/* ---- behind a tunnel ---- */

/* An aggregate is merged with the next one of its flow if neither has a frag list: 2 + 3 segments. */
START_TEST(aggregates_are_merged_once_more)
{
    struct skb *a, *b;

    begin();
    a = stream(2);
    gro_flush(&gro, false, 0);
    b = &skb[made];
    for (int i = 2; i < 5; i++)
        offer(segment(1, 1, (uint32_t)(i * MSS), MSS));
    gro_flush(&gro, false, 0);
    gro_init(&gro, &params);
    CHECK_EQ(offer(a), 0);
    CHECK_EQ(offer(b), 1);
    CHECK_EQ(a->frames, 5);
    CHECK_EQ(a->len, 52 + 5 * MSS);
    CHECK_EQ(a->truesize, 2304 + 4 * 2048);
    CHECK_EQ(a->frags, 4);
    CHECK_EQ(gro.held_total, 1);
}
END_TEST

START_TEST(an_aggregate_with_a_frag_list_is_not_held_again)
{
    struct skb *s;

    begin();
    s = stream(19);
    CHECK_EQ(s->has_frag_list, 1);
    gro_flush(&gro, false, 0);
    gro_init(&gro, &params);
    CHECK_EQ(offer(s), 0);
    CHECK_LIST(0);
    CHECK_EQ(gro.held_total, 0);
}
END_TEST

Suite *gro_suite(void);
Suite *gro_suite(void)
{
    const TTest *const tests[] = {
        the_next_segment_of_a_flow_is_appended, a_longer_segment_than_the_first_is_not_appended,
        a_segment_with_cwr_is_not_appended_to_one_with_cwr, segments_with_errors_are_not_held,
        a_padded_segment_is_not_held, datagrams_pass,
        with_gro_off_everything_passes, a_constant_ip_id_merges_with_df_or_in_newer_kernels,
        a_counting_ip_id_wraps, psh_and_fin_may_differ_and_complete_the_aggregate,
        a_short_segment_is_appended_and_completes_the_aggregate,
        a_first_segment_is_held_unless_it_ends_something,
        a_segment_without_data_passes_behind_the_held_one, an_aggregate_stays_below_64_kilobytes,
        an_aggregate_of_exactly_the_limit_is_refused, seventeen_fragments_need_no_frag_list,
        a_full_bucket_gives_up_its_oldest, eight_buckets_hold_eight_packets_each,
        flows_without_a_hash_share_one_bucket, interleaved_flows_merge_each_with_its_own,
        a_flush_takes_the_oldest_of_each_bucket_first, a_flush_of_the_old_keeps_what_is_of_this_jiffy,
        a_segment_over_several_buffers_brings_them_all,
        a_list_is_full_with_eight_segments, a_larger_limit_holds_more_than_64_kilobytes,
        fewer_skbs_are_acked_less_often, without_gro_each_packet_costs_the_whole_stack,
        datagrams_of_a_length_are_merged_for_a_socket_with_udp_gro, a_merged_datagram_holds_at_most_64,
        a_merged_datagram_stays_below_64_kilobytes, datagrams_that_cannot_be_merged_pass_by_the_held_one,
        a_chain_of_datagrams_is_charged_in_full, udp_gro_is_for_who_asked_for_it,
        forwarded_datagrams_are_merged_if_the_switch_says_so, aggregates_are_merged_once_more,
        an_aggregate_with_a_frag_list_is_not_held_again,
    };
    Suite *s = suite_create("gro");
    TCase *t = tcase_create("gro");

    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    tcase_add_loop_test(t, a_segment_that_differs_in_one_field_is_not_appended, 0,
                        sizeof must_match / sizeof must_match[0]);
    tcase_add_loop_test(t, the_order_within_a_flow_is_kept_whatever_happens, 1, 11);
    suite_add_tcase(s, t);
    return s;
}
