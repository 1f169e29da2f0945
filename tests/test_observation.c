/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tools that look at the host see, and in which order: the points of the trace hook. */
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* Everything of a burst waits in the ring when it is polled; core 1 reads. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=2 app.cpu=1 pcie.msix_latency=1us cost.recv.return=100cycles");
    rig_set(&r, settings);
}

/* The first note of a kind behind `from`. */
static int next(int point, int from)
{
    for (int i = from; i < r.notes; i++) {
        if (r.note[i].point == point)
            return i;
    }
    ck_abort_msg("%s does not come", trace_point_name[point]);
    return -1;
}

/* The poll is traced when it is over, so what it handed up comes before it. */
START_TEST(the_points_of_a_datagram_come_in_the_kernels_order)
{
    static const int order[] = { TRACE_IRQ_HANDLER_ENTRY, TRACE_SOFTIRQ_ENTRY, TRACE_NETIF_RECEIVE_SKB, TRACE_SOCK_QUEUE,
                                 TRACE_SCHED_WAKEUP, TRACE_NAPI_POLL, TRACE_SOFTIRQ_EXIT };
    int at = 0;

    begin("");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        at = next(order[i], at);
    int recv = next(TRACE_RECV, 0), back = next(TRACE_RECV_RETURN, 0);
    ck_assert_int_lt(next(TRACE_SOCK_QUEUE, 0), recv);
    ck_assert_int_lt(recv, back);
    CHECK_EQ(r.note[back].at - r.note[recv].at, 100 * NS);      /* recv() is back in user mode */
    CHECK_EQ(rig_count(&r, TRACE_RECV), 1);
    rig_free(&r);
}
END_TEST

/* Five segments that GRO has merged enter as one; behind netif_receive_skb and before the end of the poll. */
START_TEST(tcp_probe_sees_each_skb_that_enters_its_connection)
{
    for (int gro = 0; gro < 2; gro++) {
        begin(gro ? "nic.features.gro=on" : "nic.features.gro=off");
        uint32_t tcp = rig_flow(&r, FLOW_TCP, 1, 9);
        for (int i = 0; i < 5; i++)
            rig_segment(&r, 10 * US, tcp, 1 + (uint32_t)i * 100, 100)->ip_id = (uint16_t)i;
        rig_run(&r);
        CHECK_EQ(rig_count(&r, TRACE_TCP_PROBE), gro ? 1 : 5);
        CHECK_EQ(rig_note(&r, TRACE_TCP_PROBE, 0)->b, gro ? 5 : 1);
        ck_assert_int_lt(next(TRACE_NETIF_RECEIVE_SKB, 0), next(TRACE_TCP_PROBE, 0));
        ck_assert_int_lt(next(TRACE_TCP_PROBE, 0), next(TRACE_NAPI_POLL, 0));
        rig_free(&r);
    }
}
END_TEST

/* kfree_skb names the reason, where tcpdump has shown the packet. */
START_TEST(a_dropped_packet_was_tapped_and_then_freed_with_its_reason)
{
    begin("app.taps=1 netfilter.input.policy=drop");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(r.host.tap_counters[0].tapped, 1);
    CHECK_EQ(rig_note(&r, TRACE_KFREE_SKB, 0)->b, FATE_NETFILTER_DROP);
    CHECK_EQ(rig_count(&r, TRACE_SOCK_QUEUE), 0);
    rig_free(&r);
}
END_TEST

SUITE(observation, the_points_of_a_datagram_come_in_the_kernels_order, tcp_probe_sees_each_skb_that_enters_its_connection,
      a_dropped_packet_was_tapped_and_then_freed_with_its_reason)
