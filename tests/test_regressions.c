/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Faults that were there once, each by the sentence that is true since. */
#include "models/app.h"
#include "models/gro.h"
#include "models/host.h"
#include "models/nic.h"
#include "models/rps.h"
#include "models/softirq.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static ps_t task_time(int cpu)
{
    cpu_settle(&r.host.cpu[cpu]);
    return r.host.cpu[cpu].spent[CPU_TASK];
}

static void wake(struct context *x, void *worker)
{
    struct worker *w = worker;

    sched_wake(&w->task, x->cpu);
}

/* The delayed-ACK timer (59 ms) fires in the middle of a net_rx run; a segment of the same socket is processed later
 * in that run: the socket is linked into softirq.timers twice and sock_run_timers never ends. */
START_TEST(a_segment_behind_a_timer_that_waits_for_its_softirq)
{
    uint32_t tcp, udp;

    rig_init(&r, 1, "cost.driver.frame=1us cost.softirq.net_rx_end=90cycles");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    udp = rig_flow(&r, FLOW_UDP, 1, 9);
    for (uint32_t i = 0; i < 16; i++)
        rig_segment(&r, 10 * MS + i * 10 * US, tcp, 1 + i * 100, 100);
    rig_segment(&r, 12 * MS, tcp, 1601, 100);
    rig_burst(&r, 59 * MS - 10 * US, udp, 30);
    rig_segment(&r, 59 * MS - 5 * US, tcp, 1701, 100);
    rig_start(&r);
    rig_until(&r, 100 * MS);
    rig_free(&r);
}
END_TEST

START_TEST(a_padded_segment_does_not_overtake_a_held_one)
{
    static const struct skb_nic_params build = { .truesize = 2304, .truesize_copied = 1280 };
    struct gro_params params = { .gro_normal_batch = 8, .gro_max_size = 65536, .constant_id_needs_df = 1 };
    struct flow flow = { .key = { .proto = FLOW_TCP }, .hash = 1 };
    struct frame f[2] = {
        { .id = 0, .payload = 1000, .wire_bytes = 1058, .seq = 1, .tcp_flags = TCP_ACK, .ttl = 64, .ip_df = 1 },
        { .id = 1, .payload = 4, .wire_bytes = 64, .seq = 1001, .tcp_flags = TCP_ACK, .ttl = 64, .ip_df = 1, .ip_id = 1 },
    };
    struct skb s[2];
    struct gro g;

    gro_init(&g, &params);
    for (int i = 0; i < 2; i++) {
        skb_build(&s[i], &f[i], &flow, &build, false);
        gro_receive(&g, &s[i], true, 0);
    }
    gro_flush(&g, false, 0);
    CHECK_EQ(g.rx_list.first->first->id, 0);
}
END_TEST

/* The same in a machine: a false out-of-order segment. */
START_TEST(a_padded_segment_does_not_look_out_of_order_to_tcp)
{
    uint32_t tcp;

    rig_init(&r, 1, "pcie.msix_latency=1us");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 1 * US, tcp, 1, 1000);
    rig_segment(&r, 10 * US, tcp, 1001, 1000);
    rig_segment(&r, 10 * US, tcp, 2001, 4)->ip_id = 1;
    rig_run(&r);
    CHECK_EQ(r.host.tcp.TCPOFOQueue, 0);
    rig_free(&r);
}
END_TEST

/* IDs 1, 2 count, so the third must be 3; 1, 1 are constant, so the third must be 1 (inet_gro_flush: ip_fixedid is
 * decided at the second). */
START_TEST(the_second_ip_id_decides_what_the_third_must_be)
{
    static const uint16_t ids[2][3] = { { 1, 2, 1 }, { 1, 1, 3 } };
    static const struct skb_nic_params build = { .truesize = 2304, .truesize_copied = 1280 };
    struct gro_params params = { .gro_normal_batch = 8, .gro_max_size = 65536, .constant_id_needs_df = 1 };
    struct flow flow = { .key = { .proto = FLOW_TCP }, .hash = 1 };

    for (int k = 0; k < 2; k++) {
        struct frame f[3];
        struct skb s[3];
        struct gro g;

        gro_init(&g, &params);
        for (int i = 0; i < 3; i++) {
            f[i] = (struct frame){ .payload = 1000, .wire_bytes = 1058, .seq = 1 + (uint32_t)i * 1000,
                                   .tcp_flags = TCP_ACK, .ttl = 64, .ip_df = 1, .ip_id = ids[k][i] };
            skb_build(&s[i], &f[i], &flow, &build, false);
            CHECK_EQ(gro_receive(&g, &s[i], true, 0), i == 1);
        }
    }
}
END_TEST

/* b has run 20 ms; a wakes with all its credit, preempts b (1), and is still 16 ms ahead when its slice ends: it is
 * picked again, which is no switch. */
START_TEST(a_task_that_is_picked_again_was_not_preempted)
{
    struct worker a, b;
    struct pulse p, q;

    rig_init(&r, 0, "kernel.sched=cfs kernel.sched_sleeper_credit=1s kernel.hz=1000 kernel.tick_phase=0ns");
    rig_start(&r);
    worker_init(&b, &r.host.cpu[0]);
    worker_step(&b, 50 * MS, STEP_USER);
    worker_init(&a, &r.host.cpu[0]);
    worker_step(&a, 8 * MS, STEP_USER);
    pulse_init(&p, &r.host.cpu[0], 0, wake, &b);
    pulse_at(&p, 0);
    pulse_init(&q, &r.host.cpu[0], 0, wake, &a);
    pulse_at(&q, 20 * MS);
    rig_until(&r, 28 * MS);
    CHECK_EQ(a.ended[0], 28 * MS);
    CHECK_EQ(r.host.rq[0].counters.context_switches, 3);
    CHECK_EQ(r.host.rq[0].counters.preemptions, 1);
    rig_free(&r);
}
END_TEST

START_TEST(a_cut_datagram_counts_the_bytes_that_were_read)
{
    rig_init(&r, 1, "app.read_size=10B");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(r.host.app[0].counters.bytes, 10);
    rig_free(&r);
}
END_TEST

/* app.work is "what it does with each message": an empty recv() brought none. */
START_TEST(a_busy_reader_works_on_messages_only)
{
    rig_init(&r, 1, "app.kind=busy app.work=100us cost.recv.entry=1us cost.recv.empty=1us cpu.count=2");
    rig_burst(&r, 150 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    ck_assert_int_lt(rig_note(&r, TRACE_RECV, 0)->at, 153 * US);
    rig_free(&r);
}
END_TEST

/* The second datagram comes while the first is being read, and is read by the same loop. The callback puts the socket
 * on the ready list again; ep_send_events() polls it, finds nothing and drops it without an event. */
START_TEST(epoll_returns_no_event_for_a_socket_that_is_empty_again)
{
    rig_init(&r, 1, "app.kind=epoll cost.recv.dequeue=10us cpu.count=2 cost.epoll.event=1us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_burst(&r, 15 * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(r.host.app[0].counters.messages, 2);
    CHECK_EQ(task_time(1), 20 * US + 1 * US + 1 * US);   /* the reads, the event, the item polled in vain */
    rig_free(&r);
}
END_TEST

/* Core 0 steers to itself and to core 1 in one run, then polls its own backlog (10 us an skb). process_backlog sends
 * waiting IPIs before its first skb. */
START_TEST(ipis_leave_at_the_start_of_the_senders_own_backlog_poll)
{
    const struct note *remote = NULL;

    rig_init(&r, 1, "cpu.count=2 nic.queue.rps_cpus=3 cost.netif.skb=10us nic.rss.hash_udp_ports=on pcie.msix_latency=1us");
    for (uint16_t i = 0; i < 20; i++)
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, (uint16_t)(1000 + i), 9), 1);
    rig_run(&r);
    for (int i = 0; !remote; i++) {
        if (rig_note(&r, TRACE_NETIF_RECEIVE_SKB, i)->cpu == 1)
            remote = rig_note(&r, TRACE_NETIF_RECEIVE_SKB, i);
    }
    CHECK_EQ(remote->at, 11 * US + RIG_WIRE);
    rig_free(&r);
}
END_TEST

/* dev_weight 1, max_backlog 0: one in the process queue, one in the input queue, 20 us from the end of a poll to the
 * next. process_backlog returns at its quota before it looks at the input queue, so a frame in these 20 us finds it
 * full. */
START_TEST(a_backlog_poll_at_its_weight_leaves_the_input_queue_alone)
{
    rig_init(&r, 1, "cpu.count=2 app.cpu=0 nic.queue.rps_cpus=2 net.core.netdev_max_backlog=0 net.core.dev_weight=1 "
                    "cost.netif.skb=10us cost.napi.full_poll_end=20us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);    /* 10 to 20 us, the poll's end at 40 */
    rig_burst(&r, 15 * US, 0, 1);                               /* input queue */
    rig_burst(&r, 30 * US, 0, 1);                               /* full */
    rig_run(&r);
    CHECK_EQ(r.host.backlog[1].counters.dropped, 1);
    rig_free(&r);
}
END_TEST

START_TEST(the_sentence_about_tcp_rmem_reaches_the_user)
{
    static struct host h;
    char why[256] = "";

    rig_init(&r, 1, "net.ipv4.tcp_rmem.min=1MB");
    rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    CHECK_EQ(host_init(&h, &r.config, 1, 0, true, why, sizeof why), -1);
    ck_assert_str_ne(why, "");
    rig_free(&r);
}
END_TEST

/* 2304 + 1000, as nic.skb.truesize_frag says. */
START_TEST(truesize_frag_is_what_a_further_segment_is_charged)
{
    uint32_t tcp;

    rig_init(&r, 1, "nic.skb.truesize_frag=1000B pcie.msix_latency=1us cpu.count=2 cpu.ipi_latency=1ms");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 10 * US, tcp, 1, 1000);
    rig_segment(&r, 10 * US, tcp, 1001, 1000)->ip_id = 1;
    rig_start(&r);
    rig_until(&r, 100 * US);
    CHECK_EQ(r.host.app[0].connections->sock.tcp.rmem_alloc, 3304);
    rig_free(&r);
}
END_TEST

/* Flushing a held packet costs 100, whether the poll completed or used its weight. */
START_TEST(a_full_poll_pays_for_its_flush)
{
    rig_init(&r, 1, "kernel.napi.weight=1 cost.gro.flush=100cycles cpu.count=2");
    rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, 1, 9), 1, 1000);
    rig_run(&r);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 100 * NS);
    rig_free(&r);
}
END_TEST

/* __release_sock() sets backlog.len to 0 when all is done, so it counts in full while the backlog is worked off. */
START_TEST(the_backlogs_length_stays_until_it_is_worked_off)
{
    uint32_t tcp;

    rig_init(&r, 1, "nic.features.gro=off cpu.count=2 cost.recv.copy_byte=10cycles/B cost.tcp.fast=5us cost.tcp.slow=5us");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 10 * US, tcp, 1, 1000);
    rig_segment(&r, 18 * US, tcp, 1001, 1000);
    rig_segment(&r, 18 * US, tcp, 2001, 1000);
    rig_start(&r);
    rig_until(&r, 32 * US);                     /* copied at 25; the first of two is done at 30, the second at 35 */
    CHECK_EQ(r.host.app[0].connections->sock.backlog_len, 2 * 2304);
    rig_free(&r);
}
END_TEST

/* ARP has no hash: get_rps_cpu() finds none and the packet stays where it is. */
START_TEST(what_has_no_hash_is_not_steered)
{
    rig_init(&r, 1, "cpu.count=2 nic.queue.rps_cpus=2");
    rig_frame(&r, 10 * US, rig_flow(&r, FLOW_NOT_IP, 0, 0), 46);
    rig_run(&r);
    CHECK_EQ(r.host.netif[0].processed, 1);
    rig_free(&r);
}
END_TEST

/* An interrupt that comes while the softirq session is on its way out raises NET_RX after the last look at what is
 * pending; its own irq_exit runs it. Here the session ends 0.4 to 1.4 us after a frame, and the next comes after 0.9. */
START_TEST(an_interrupt_at_the_end_of_a_session_is_not_lost)
{
    rig_init(&r, 1, "cost.softirq.exit=1us cost.irq.handler=100ns cost.driver.frame=300ns cpu.count=2");
    uint32_t flow = rig_flow(&r, FLOW_UDP, 1, 9);
    for (int i = 0; i < 300; i++)
        rig_burst(&r, 10 * US + i * 900 * NS, flow, 1);
    rig_run(&r);
    CHECK_EQ(r.host.app[0].counters.messages, 300);
    rig_free(&r);
}
END_TEST

SUITE(regressions, an_interrupt_at_the_end_of_a_session_is_not_lost,
      a_padded_segment_does_not_overtake_a_held_one,
      a_padded_segment_does_not_look_out_of_order_to_tcp, the_second_ip_id_decides_what_the_third_must_be,
      a_task_that_is_picked_again_was_not_preempted, a_cut_datagram_counts_the_bytes_that_were_read,
      a_busy_reader_works_on_messages_only, epoll_returns_no_event_for_a_socket_that_is_empty_again,
      ipis_leave_at_the_start_of_the_senders_own_backlog_poll,
      a_backlog_poll_at_its_weight_leaves_the_input_queue_alone, the_sentence_about_tcp_rmem_reaches_the_user,
      truesize_frag_is_what_a_further_segment_is_charged, a_full_poll_pays_for_its_flush,
      the_backlogs_length_stays_until_it_is_worked_off, what_has_no_hash_is_not_steered,
      a_segment_behind_a_timer_that_waits_for_its_softirq)
