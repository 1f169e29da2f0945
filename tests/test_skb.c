/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/skb.h"

#include "models/flow.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static const struct skb_nic_params ixgbe = {
    .truesize = 2304, .truesize_copied = 1280, .truesize_frag = 2048,
};

static struct frame frame_of(int payload, int headers)
{
    return (struct frame){
        .id = 7, .flow = 3, .payload = payload, .wire_bytes = 14 + headers + payload + 4, .queue = 2,
        .seq = 1000, .ack = 2000, .window = 501, .ttl = 64, .tos = 3, .ip_df = 1, .ip_id = 42,
        .bad = FRAME_BAD_L4_CSUM,
    };
}

static struct skb build(struct frame *f, uint8_t proto, bool copied)
{
    struct flow flow = { .key = { .proto = proto }, .hash = 0xabcd, .nic = 1 };
    struct skb s;

    skb_build(&s, f, &flow, &ixgbe, copied);
    return s;
}

/* Headroom 64; Ethernet's 14 are pulled, so that data is at the IP header; IP 20, UDP 8. The FCS is not
 * there. */
START_TEST(a_datagrams_headers_lie_where_the_kernel_has_them)
{
    struct frame f = frame_of(100, 20 + 8);
    struct skb s = build(&f, FLOW_UDP, false);

    CHECK_EQ(s.mac_header, 64);
    CHECK_EQ(s.network_header, 78);
    CHECK_EQ(s.transport_header, 98);
    CHECK_EQ(s.header_len, 8);
    CHECK_EQ(s.data, 78);
    CHECK_EQ(s.len, 128);
    CHECK_EQ(s.tail, 78 + 128);
    CHECK_EQ(s.hash, 0xabcd);
    CHECK_EQ(s.flow, 3);
    CHECK_EQ(s.queue, 2);
    CHECK_EQ(s.nic, 1);
    CHECK_EQ(s.bad, FRAME_BAD_L4_CSUM);
    CHECK_EQ(s.frames, 1);
    ck_assert_ptr_eq(s.first, &f);
    ck_assert_ptr_eq(s.last, &f);
}
END_TEST

/* SKB_TRUESIZE: sk_buff 256 and skb_shared_info 320 are charged beside the data: 2304 leave 1728 of the half
 * page. */
START_TEST(truesize_is_that_of_the_buffer_not_of_the_frame)
{
    struct frame small = frame_of(18, 28), large = frame_of(1472, 28);

    CHECK_EQ(build(&small, FLOW_UDP, false).truesize, 2304);
    CHECK_EQ(build(&large, FLOW_UDP, false).truesize, 2304);
    CHECK_EQ(build(&large, FLOW_UDP, false).end, 1728);
    CHECK_EQ(build(&small, FLOW_UDP, true).truesize, 1280);
    CHECK_EQ(build(&small, FLOW_UDP, false).head_frag, 1);
    CHECK_EQ(build(&small, FLOW_UDP, true).head_frag, 0);
}
END_TEST

START_TEST(a_segments_header_is_longer_with_timestamps)
{
    struct frame f = frame_of(1448, 20 + 32);

    CHECK_EQ(build(&f, FLOW_TCP, false).header_len, 20);
    f.tsval = 1;
    CHECK_EQ(build(&f, FLOW_TCP, false).header_len, 32);
    f.tsval = 0;
    f.tsecr = 1;
    CHECK_EQ(build(&f, FLOW_TCP, false).header_len, 32);
}
END_TEST

/* 9014 bytes of frame, 2048 in the first buffer: Ethernet's 14 are pulled, 2034 are linear and 6966 are not. */
START_TEST(what_the_first_buffer_does_not_hold_is_in_fragments)
{
    struct frame f = frame_of(8972, 28);
    struct skb s = build(&f, FLOW_UDP, false);

    CHECK_EQ(s.len, 9000);
    CHECK_EQ(skb_data_len(&s), 0);
    skb_add_buffers(&s, 4, 2048);
    CHECK_EQ(s.len, 9000);
    CHECK_EQ(skb_data_len(&s), 9000 - 2034);
    CHECK_EQ(s.tail - s.data, 2034);
    CHECK_EQ(s.frags, 4);
    CHECK_EQ(s.truesize, 2304 + 4 * 2048);
    CHECK_EQ(s.truesize_frag, 5 * 2048);        /* its first buffer, too, is a fragment of what GRO makes */
}
END_TEST

START_TEST(syn_and_fin_take_a_sequence_number_each)
{
    struct frame f = frame_of(100, 40);

    f.tcp_flags = TCP_ACK;
    CHECK_EQ(build(&f, FLOW_TCP, false).end_seq, 1100);
    f.tcp_flags = TCP_ACK | TCP_FIN;
    CHECK_EQ(build(&f, FLOW_TCP, false).end_seq, 1101);
    f.tcp_flags = TCP_SYN;
    CHECK_EQ(build(&f, FLOW_TCP, false).end_seq, 1101);
}
END_TEST

START_TEST(a_frame_that_is_not_ip_has_no_headers_beyond_ethernet)
{
    struct frame f = frame_of(46, 0);
    struct skb s = build(&f, FLOW_NOT_IP, false);

    CHECK_EQ(s.transport_header, s.network_header);
    CHECK_EQ(s.header_len, 0);
    CHECK_EQ(s.len, 46);
}
END_TEST

START_TEST(a_layer_pulls_its_header_off)
{
    struct frame f = frame_of(100, 28);
    struct skb s = build(&f, FLOW_UDP, false);

    CHECK_EQ(skb_pull(&s, 20), 98);
    CHECK_EQ(s.data, 98);
    CHECK_EQ(s.len, 108);
}
END_TEST

START_TEST(queues_are_first_in_first_out_and_splice_in_order)
{
    struct skb s[5];
    struct skb_queue a = { 0 }, b = { 0 }, none = { 0 };

    skb_push_tail(&a, &s[0]);
    skb_push_tail(&a, &s[1]);
    skb_push_tail(&b, &s[2]);
    skb_push_tail(&b, &s[3]);
    skb_splice(&a, &b);
    skb_splice(&a, &none);
    skb_push_tail(&a, &s[4]);
    CHECK_EQ(a.length, 5);
    CHECK_EQ(b.length, 0);
    ck_assert_ptr_null(skb_pop(&b));
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_eq(skb_pop(&a), &s[i]);
    ck_assert_ptr_null(skb_pop(&a));
    CHECK_EQ(a.length, 0);
    skb_push_tail(&b, &s[0]);           /* an empty queue can be spliced into */
    skb_splice(&a, &b);
    ck_assert_ptr_eq(skb_pop(&a), &s[0]);
}
END_TEST

/* Nobody keeps an skb: a run's are all given back. */
START_TEST(a_run_gives_every_skb_and_frame_back)
{
    static struct rig r;
    uint32_t udp, tcp, stray;

    rig_init(&r, 1, "app.port=9 net.core.netdev_max_backlog=5 cpu.count=2 nic.queue.rps_cpus=2 "
                    "pcie.msix_latency=1us");
    udp = rig_flow(&r, FLOW_UDP, 1, 9);
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    stray = rig_flow(&r, FLOW_UDP, 1, 10);
    rig_burst(&r, 10 * US, udp, 20);
    for (uint32_t i = 0; i < 20; i++)
        rig_segment(&r, 100 * US, tcp, 1 + i * 1000, 1000)->ip_id = (uint16_t)i;
    rig_burst(&r, 200 * US, stray, 3);
    rig_start(&r);
    rig_until(&r, 300 * MS);
    ck_assert_int_gt(rig_fate(&r, FATE_CPU_BACKLOG), 0);
    CHECK_EQ(rig_fate(&r, FATE_NO_SOCKET), 3);
    CHECK_EQ(host_in_flight(&r.host), 0);
    CHECK_EQ(r.host.skbs.out, 0);
    CHECK_EQ(r.host.frames.out, 0);
    rig_free(&r);
}
END_TEST

SUITE(skb, a_datagrams_headers_lie_where_the_kernel_has_them, truesize_is_that_of_the_buffer_not_of_the_frame,
      a_segments_header_is_longer_with_timestamps, what_the_first_buffer_does_not_hold_is_in_fragments, syn_and_fin_take_a_sequence_number_each,
      a_frame_that_is_not_ip_has_no_headers_beyond_ethernet, a_layer_pulls_its_header_off,
      queues_are_first_in_first_out_and_splice_in_order, a_run_gives_every_skb_and_frame_back)
