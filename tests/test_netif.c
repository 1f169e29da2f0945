/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/netif.h"

#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static const struct netif_counters *counted(int cpu)
{
    return &r.host.netif[cpu];
}

static uint64_t tapped(int cpu)
{
    return r.host.tap_counters[cpu].tapped;
}

/* Everything of a burst waits in the ring when it is polled; core 1 reads. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=2 pcie.msix_latency=1us");
    rig_set(&r, settings);
}

static void segments(int n)
{
    uint32_t tcp = rig_flow(&r, FLOW_TCP, 1, 9);

    for (int i = 0; i < n; i++)
        rig_segment(&r, 10 * US, tcp, 1 + (uint32_t)i * 100, 100)->ip_id = (uint16_t)i;
}

/* Five segments are one skb: two taps see it twice, softnet_stat once. */
START_TEST(taps_see_what_gro_has_made)
{
    begin("app.taps=2");
    segments(5);
    rig_run(&r);
    CHECK_EQ(counted(0)->processed, 1);
    CHECK_EQ(tapped(0), 2);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->b, 5);
    rig_free(&r);
}
END_TEST

/* tcpdump shows what iptables then drops, and what IP finds bad. */
START_TEST(taps_see_what_netfilter_and_ip_drop)
{
    uint32_t udp;

    begin("app.taps=1 netfilter.raw.policy=drop");
    udp = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, udp, 3);
    rig_frame(&r, 10 * US, udp, 18)->bad = FRAME_BAD_IP_CSUM;
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_NETFILTER_DROP), 3);
    CHECK_EQ(rig_fate(&r, FATE_IP_CSUM), 1);
    CHECK_EQ(tapped(0), 4);
    CHECK_EQ(counted(0)->processed, 4);
    rig_free(&r);
}
END_TEST

/* A datagram of 18 bytes is 46 from its IP header on. Two taps: 2 * (100 + 46 * 3) = 476 ns before its
 * socket. */
START_TEST(a_tap_costs_its_fixed_part_and_the_bytes_it_copies)
{
    begin("app.taps=2 cost.netif.tap=100cycles cost.netif.tap_byte=3cycles/B");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 0)->frame.socket_at - rig_end(&r, 0)->frame.stack_at, 476 * NS);
    rig_free(&r);
}
END_TEST

/* ARP and the like: counted, seen by taps, wanted by nobody; IP does not hear of it. */
START_TEST(what_no_handler_wants_is_dropped_after_the_taps)
{
    begin("app.taps=1");
    rig_frame(&r, 10 * US, rig_flow(&r, FLOW_NOT_IP, 0, 0), 46);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_UNHANDLED_PROTO), 1);
    CHECK_EQ(counted(0)->rx_nohandler, 1);
    CHECK_EQ(counted(0)->processed, 1);
    CHECK_EQ(tapped(0), 1);
    CHECK_EQ(r.host.ip.InReceives, 0);
    rig_free(&r);
}
END_TEST

/* ICMP and others need no socket and find none. */
START_TEST(another_protocol_over_ip_ends_without_a_socket)
{
    begin("");
    rig_frame(&r, 10 * US, rig_flow(&r, FLOW_OTHER_IP, 0, 0), 46);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_NO_SOCKET), 1);
    CHECK_EQ(r.host.udp.NoPorts, 0);
    rig_free(&r);
}
END_TEST

/* Eight datagrams fill the list. 100 for the list, then core (10) and IP (20) for each of the eight, then
 * L4, 1000 for each and one after the other: number i reaches its socket at 100 + 240 + (i + 1) * 1000
 * ns. */
START_TEST(core_and_ip_work_for_the_whole_list_before_l4_sees_its_first_skb)
{
    begin("cost.netif.list=100cycles cost.netif.skb=10cycles cost.ip.rcv=20cycles cost.udp.rcv=1000cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 8);
    rig_run(&r);
    for (int i = 0; i < 8; i++) {
        const struct frame *f = &rig_end(&r, (uint64_t)i)->frame;
        CHECK_EQ(f->stack_at, 11 * US + RIG_WIRE);
        CHECK_EQ(f->socket_at, 11 * US + RIG_WIRE + (340 + (i + 1) * 1000) * NS);
    }
    rig_free(&r);
}
END_TEST

/* Twenty go up as 8, 8 and the 4 of the poll's end; gro_normal_batch 1 hands up each by itself. */
START_TEST(a_list_is_handed_up_when_it_holds_gro_normal_batch)
{
    static const struct { const char *batch; int list[3]; } expected[] = {
        { "net.core.gro_normal_batch=8", { 0, 8, 16 } }, { "net.core.gro_normal_batch=1", { 0, 1, 2 } },
    };

    for (int b = 0; b < 2; b++) {
        begin("cost.driver.frame=1000cycles");
        rig_set(&r, expected[b].batch);
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 20);
        rig_run(&r);
        for (int l = 0; l < 3; l++) {           /* the first of a list is there when its last was taken */
            uint64_t first = (uint64_t)expected[b].list[l];
            int last = l == 2 && b == 0 ? 20 : (int)first + (b == 0 ? 8 : 1);
            CHECK_EQ(rig_end(&r, first)->frame.stack_at, 11 * US + RIG_WIRE + last * 1000 * NS);
        }
        rig_free(&r);
    }
}
END_TEST

/* The protocols work inside the driver's poll loop: the ninth frame is taken after the first eight have
 * reached their sockets, 8 us later. */
START_TEST(a_full_list_is_worked_off_within_the_poll)
{
    begin("cost.udp.rcv=1000cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 9);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 7)->frame.poll_at, 11 * US + RIG_WIRE);
    CHECK_EQ(rig_end(&r, 8)->frame.poll_at, 19 * US + RIG_WIRE);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 1);
    rig_free(&r);
}
END_TEST

/* A list of which IP refuses the second: its verdict takes effect when the list's work is done (3 * 10 ns),
 * before the others reach L4. */
START_TEST(a_refused_skb_ends_when_the_work_of_its_list_is_done)
{
    uint32_t udp;

    begin("cost.netif.skb=10cycles cost.udp.rcv=1000cycles");
    udp = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, udp, 1);
    rig_frame(&r, 10 * US, udp, 18)->bad = FRAME_BAD_IP_HDR;
    rig_burst(&r, 10 * US, udp, 1);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 1)->fate, FATE_IP_INHDR);
    CHECK_EQ(rig_end(&r, 1)->at, 11 * US + RIG_WIRE + 30 * NS);
    CHECK_EQ(rig_end(&r, 0)->frame.socket_at, 11 * US + RIG_WIRE + 1030 * NS);
    CHECK_EQ(rig_end(&r, 2)->frame.socket_at, 11 * US + RIG_WIRE + 2030 * NS);
    rig_free(&r);
}
END_TEST

/* A list of three: 10 to hand it up, 5 after its last. Ten with a batch of eight are two lists. */
START_TEST(a_list_costs_at_both_ends)
{
    for (int two = 0; two < 2; two++) {
        begin("cost.netif.list=10cycles cost.netif.list_end=5cycles net.core.gro_normal_batch=8");
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), two ? 10 : 3);
        rig_run(&r);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, 11 * US + RIG_WIRE + (two ? 30 : 15) * NS);
        rig_free(&r);
    }
}
END_TEST

SUITE(netif, taps_see_what_gro_has_made, taps_see_what_netfilter_and_ip_drop,
      a_tap_costs_its_fixed_part_and_the_bytes_it_copies, what_no_handler_wants_is_dropped_after_the_taps,
      another_protocol_over_ip_ends_without_a_socket,
      core_and_ip_work_for_the_whole_list_before_l4_sees_its_first_skb,
      a_list_is_handed_up_when_it_holds_gro_normal_batch, a_full_list_is_worked_off_within_the_poll,
      a_refused_skb_ends_when_the_work_of_its_list_is_done,
      a_list_costs_at_both_ends)
