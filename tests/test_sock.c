/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sock.h"

#include "models/app.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static struct sock *connection(void)
{
    ck_assert_ptr_nonnull(r.host.app[0].connections);
    return &r.host.app[0].connections->sock;
}

/* One TCP flow without GRO, so that every segment is an skb. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "nic.features.gro=off");
    rig_set(&r, settings);
    rig_flow(&r, FLOW_TCP, 1, 9);
}

/* Segments `first` .. of 1000 bytes. */
static void send(ps_t at, uint32_t first, int n)
{
    for (int i = 0; i < n; i++)
        rig_segment(&r, at, 0, 1 + (first + (uint32_t)i) * 1000, 1000);
}

/* ---- lookup ---- */

START_TEST(a_flow_gets_its_socket_with_its_first_segment)
{
    begin("");
    send(10 * US, 0, 1);
    rig_start(&r);
    ck_assert_ptr_null(r.host.flow[0].sk);
    rig_until(&r, 1 * MS);
    ck_assert_ptr_eq(r.host.flow[0].sk, connection());
    CHECK_EQ(connection()->proto, FLOW_TCP);
    CHECK_EQ(r.host.tcp.InSegs, 1);
    rig_free(&r);
}
END_TEST

START_TEST(a_segment_nobody_listens_for_finds_no_socket)
{
    begin("app.proto=udp");
    send(10 * US, 0, 2);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_NO_SOCKET), 2);
    ck_assert_ptr_null(r.host.flow[0].sk);
    rig_free(&r);
}
END_TEST

/* Checked before the lookup: no socket is made for it. */
START_TEST(a_segment_with_a_bad_checksum_reaches_no_socket)
{
    begin("");
    rig_segment(&r, 10 * US, 0, 1, 1000)->bad = FRAME_BAD_L4_CSUM;
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_TCP_CSUM), 1);
    CHECK_EQ(r.host.tcp.InCsumErrors, 1);
    ck_assert_ptr_null(r.host.flow[0].sk);
    rig_free(&r);
}
END_TEST

/* Ports are bound before the first datagram: the first application that listens gets the flow. */
START_TEST(datagrams_go_to_the_first_application_that_listens)
{
    rig_init(&r, 2, "app[app0].port=9 app[app1].port=0");   /* the second takes any */
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    ck_assert_ptr_eq(r.host.flow[0].sk, &r.host.app[0].udp);
    CHECK_EQ(r.host.app[0].counters.messages, 1);
    CHECK_EQ(r.host.app[1].counters.messages, 0);
    rig_free(&r);
}
END_TEST

/* ---- the lock and the backlog ---- */

/* Copying takes 10 ns a byte. The reader has the lock for the 10 us of the first segment's copy; two more
 * come meanwhile, on the same core, and are processed when it lets go. Then it reads them together, 20
 * us. */
START_TEST(segments_that_come_while_the_reader_has_the_lock_wait_on_the_backlog)
{
    ps_t first;

    begin("cost.recv.copy_byte=10cycles/B");
    send(10 * US, 0, 1);
    send(13 * US, 1, 1);
    send(15 * US, 2, 1);
    rig_start(&r);
    rig_until(&r, 17 * US);
    ck_assert(connection()->owned);
    CHECK_EQ(connection()->backlog.length, 2);
    CHECK_EQ(connection()->backlog_len, 2 * 2304);
    CHECK_EQ(connection()->tcp.backlog_len, 2 * 2304);
    rig_until(&r, 1 * MS);
    first = rig_end(&r, 0)->frame.dma_at;
    CHECK_EQ(rig_end(&r, 0)->frame.socket_at, first);
    CHECK_EQ(rig_end(&r, 0)->at, first + 10 * US);
    CHECK_EQ(rig_end(&r, 1)->frame.socket_at, first + 10 * US);
    CHECK_EQ(rig_end(&r, 2)->frame.socket_at, first + 10 * US);
    CHECK_EQ(rig_end(&r, 1)->at, first + 30 * US);
    CHECK_EQ(rig_end(&r, 2)->at, first + 30 * US);
    CHECK_EQ(r.host.app[0].counters.messages, 2);
    ck_assert(!connection()->owned);
    CHECK_EQ(connection()->backlog_len, 0);
    rig_free(&r);
}
END_TEST

/* Queueing costs softirq 120; processing from the backlog costs the reader what softirq would have paid:
 * fast path 350. The copy (10 us) is longer by the interrupts of the others only. */
START_TEST(the_backlog_is_worked_off_at_the_readers_cost)
{
    begin("cpu.count=2 cost.recv.copy_byte=10cycles/B cost.tcp.backlog=120cycles cost.tcp.fast=350cycles "
          "cost.tcp.slow=350cycles");
    send(10 * US, 0, 1);
    send(13 * US, 1, 2);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    ps_t first = rig_end(&r, 0)->frame.socket_at;
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 350 * NS + 2 * 120 * NS);
    CHECK_EQ(rig_end(&r, 0)->at, first + 350 * NS + 10 * US);
    CHECK_EQ(rig_end(&r, 1)->frame.socket_at, rig_end(&r, 0)->at);
    CHECK_EQ(rig_end(&r, 2)->frame.socket_at, rig_end(&r, 0)->at + 350 * NS);
    CHECK_EQ(rig_end(&r, 2)->at, rig_end(&r, 0)->at + 700 * NS + 20 * US);
    rig_free(&r);
}
END_TEST

/* SO_RCVBUF 2304 is 4608 doubled: the limit is 2 * 4608 + 16384 / 2 + 65536 = 82944 = 36 * 2304. One segment
 * is being read, so with 35 on the backlog 36 are not above the limit and another is taken; with 36 the next
 * is refused: of 45 nine. */
START_TEST(a_full_backlog_drops)
{
    begin("cost.recv.copy_byte=100cycles/B app.rcvbuf=2304B");
    send(10 * US, 0, 1);
    send(20 * US, 1, 45);
    rig_start(&r);
    rig_until(&r, 90 * US);
    CHECK_EQ(connection()->backlog.length, 36);
    CHECK_EQ(rig_fate(&r, FATE_SOCKET_BACKLOG), 9);
    CHECK_EQ(r.host.tcp.TCPBacklogDrop, 9);
    CHECK_EQ(connection()->drops, 9);
    CHECK_EQ(rig_end(&r, 37)->fate, FATE_SOCKET_BACKLOG);
    rig_free(&r);
}
END_TEST

/* Five segments from the backlog are answered by one ACK when the lock is dropped, from 6.6 on; before, by
 * one each (while quick ACKs last). The first was answered when it came. */
START_TEST(the_backlog_is_acknowledged_once_where_the_kernel_defers)
{
    for (int defer = 0; defer < 2; defer++) {
        begin("cost.recv.copy_byte=10cycles/B");
        rig_set(&r, defer ? "net.ipv4.tcp_backlog_ack_defer=1" : "net.ipv4.tcp_backlog_ack_defer=0");
        send(10 * US, 0, 1);
        send(15 * US, 1, 5);
        rig_start(&r);
        rig_until(&r, 12 * US);
        CHECK_EQ(r.host.tcp.OutSegs, 1);
        rig_until(&r, 30 * US);
        CHECK_EQ(r.host.tcp.OutSegs, defer ? 2 : 6);
        rig_free(&r);
    }
}
END_TEST

/* ---- wakeups ---- */

/* data_ready 10 and, with nobody asleep, no wakeup: the second datagram comes while the reader works (user
 * mode). */
START_TEST(data_ready_wakes_nobody_who_is_awake)
{
    rig_init(&r, 1, "cpu.count=2 cost.sock.data_ready=10cycles cost.sched.wake_remote=1000cycles "
                    "app.work=100us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_burst(&r, 50 * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(r.host.rq[1].counters.wakeups, 1);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 1020 * NS);
    rig_free(&r);
}
END_TEST

/* Only a segment that brings something readable wakes: one beyond a hole does not. */
START_TEST(an_out_of_order_segment_wakes_nobody)
{
    begin("");
    send(10 * US, 0, 1);
    send(20 * US, 2, 1);
    rig_start(&r);
    rig_until(&r, 100 * US);
    CHECK_EQ(r.host.rq[0].counters.wakeups, 1);
    CHECK_EQ(r.host.tcp.TCPOFOQueue, 1);
    CHECK_EQ(host_in_flight(&r.host), 1);
    rig_free(&r);
}
END_TEST

/* ---- costs ---- */

/* 350 for each segment; header prediction 400 or the slow path 700; out of order 1000 more; each ACK 10000.
 * All three are answered at once. Which of them hit header prediction is TCP's own matter: its counter
 * says. */
START_TEST(the_path_a_segment_takes_has_its_cost)
{
    begin("cpu.count=2 cost.tcp.rcv=350cycles cost.tcp.fast=400cycles cost.tcp.slow=700cycles "
          "cost.tcp.ofo=1000cycles cost.tcp.send_ack=10000cycles");
    send(100 * US, 0, 1);
    send(200 * US, 1, 1);
    send(300 * US, 3, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(r.host.tcp.OutSegs, 3);
    uint64_t fast = r.host.tcp.TCPHPHits;
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ],
             (3 * 350 + (ps_t)fast * 400 + (3 - (ps_t)fast) * 700 + 1000 + 3 * 10000) * NS);
    rig_free(&r);
}
END_TEST

/* SO_RCVBUF 16384 is 32768: 24 segments of 900 bytes, 2048 and more of memory each, overrun it. What is pruned is copied, 1 us a
 * byte, in the softirq that brought the last: none of the core's other packets moves meanwhile. */
START_TEST(collapsing_takes_softirq_time)
{
    ps_t without[2];

    for (int i = 0; i < 2; i++) {
        begin(i ? "app.kind=idle app.rcvbuf=16384B cost.tcp.collapse_byte=1000cycles/B" : "app.kind=idle app.rcvbuf=16384B");
        rig_segment(&r, 10 * US, 0, 1, 1400);       /* the share of payload that later ones fall short of */
        for (uint32_t k = 0; k < 23; k++)
            rig_segment(&r, (20 + k * 10) * US, 0, 1401 + k * 900, 900);
        rig_start(&r);
        rig_until(&r, 20 * MS);
        ck_assert_uint_gt(r.host.tcp.TCPRcvCollapsed, 0);
        cpu_settle(&r.host.cpu[0]);
        without[i] = r.host.cpu[0].spent[CPU_SOFTIRQ];
        rig_free(&r);
    }
    ck_assert_int_ge(without[1] - without[0], 1000 * US);       /* at least a thousand bytes were copied */
}
END_TEST

/* ---- timers ---- */

/* Quick ACKs answer the first 16 small segments; the 17th, at 12 ms, waits. Its delay is 40 ms, 4 ticks; in
 * tick 1 (9 to 19 ms) the timer is set for 5, and the wheel runs it at the end of tick 5: 9 + 5 * 10 ms. */
static void seventeen_segments(const char *settings)
{
    begin(settings);
    for (uint32_t i = 0; i < 16; i++)
        rig_segment(&r, 10 * MS + i * 10 * US, 0, 1 + i * 100, 100);
    rig_segment(&r, 12 * MS, 0, 1601, 100);
}

START_TEST(the_delayed_ack_timer_fires_at_its_tick)
{
    seventeen_segments("");
    rig_start(&r);
    rig_until(&r, 59 * MS - 1);
    CHECK_EQ(r.host.tcp.OutSegs, 16);
    CHECK_EQ(r.host.tcp.DelayedACKs, 0);
    rig_until(&r, 59 * MS);
    CHECK_EQ(r.host.tcp.OutSegs, 17);
    CHECK_EQ(r.host.tcp.DelayedACKs, 1);
    rig_free(&r);
}
END_TEST

/* The TIMER softirq takes 700 and sends an ACK of 10000. */
START_TEST(the_delayed_ack_is_sent_by_the_timer_softirq)
{
    ps_t before;

    seventeen_segments("cost.softirq.timer=700cycles cost.tcp.send_ack=10000cycles");
    rig_start(&r);
    rig_until(&r, 59 * MS - 1);
    cpu_settle(&r.host.cpu[0]);
    before = r.host.cpu[0].spent[CPU_SOFTIRQ];
    rig_until(&r, 60 * MS);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ] - before, 10700 * NS);
    rig_free(&r);
}
END_TEST

/* The same with the 17th at 10.5 ms and a reader on another core that hears of the first at 11 ms and then
 * has the lock for 50 ms: at 59 ms the timer only leaves a mark. */
START_TEST(a_timer_that_finds_the_socket_locked_leaves_the_ack_to_the_release)
{
    ps_t released;

    seventeen_segments("cpu.count=2 cpu.ipi_latency=1ms cost.recv.dequeue=50ms");
    r.arrival[16].at = 10500 * US;
    rig_start(&r);
    rig_until(&r, 20 * MS);
    released = rig_note(&r, TRACE_SCHED_WAKEUP, 0)->at + 51 * MS;
    rig_until(&r, 59 * MS - 1);
    CHECK_EQ(r.host.tcp.DelayedACKLocked, 0);
    rig_until(&r, released - 1);
    CHECK_EQ(r.host.tcp.DelayedACKLocked, 1);
    CHECK_EQ(r.host.tcp.OutSegs, 16);
    rig_until(&r, released);
    CHECK_EQ(r.host.tcp.OutSegs, 17);
    rig_free(&r);
}
END_TEST

/* ---- the way out of an ACK ---- */

/* Four segments a millisecond apart, each acknowledged. With a route each ACK takes a descriptor of its NIC,
 * 64 bytes, and where the handler takes completions each has an interrupt of its own, of 700 ns; NET_TX then
 * frees it for 200 and 100. Without a route an ACK ends in the stack. */
START_TEST(an_ack_leaves_by_the_default_route)
{
    static const struct { const char *settings; int tx, interrupts; } row[] = {
        { "host.default_route=eth0 nic.tx.clean=irq", 1, 1 },
        { "host.default_route=eth0 nic.tx.clean=napi", 1, 0 },
        { "nic.tx.clean=irq", 0, 0 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        begin("cost.tx.handler=700cycles cost.softirq.net_tx=200cycles cost.tx.free=100cycles "
              "nic.coalesce.tx-usecs=0us");
        rig_set(&r, row[i].settings);
        for (uint32_t k = 0; k < 4; k++)
            send((ps_t)(k + 1) * MS, k, 1);
        rig_start(&r);
        rig_until(&r, 100 * MS);
        const struct tx *tx = &r.host.nic[0].queue[0].tx;
        int64_t acks = (int64_t)r.host.tcp.OutSegs;
        CHECK_EQ(acks, 4);
        CHECK_EQ(tx->counters.tx_packets, row[i].tx * acks);
        CHECK_EQ(tx->counters.tx_bytes, row[i].tx * acks * 60);
        CHECK_EQ(tx->counters.tx_interrupts, row[i].interrupts * acks);
        CHECK_EQ(r.host.cpu[0].spent[CPU_HARDIRQ], row[i].interrupts * acks * 700 * NS);
        ps_t freeing = row[i].interrupts ? 300 * NS : row[i].tx * 100 * NS;
        CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], acks * freeing);
        rig_free(&r);
    }
}
END_TEST

SUITE(sock, a_flow_gets_its_socket_with_its_first_segment, a_segment_nobody_listens_for_finds_no_socket,
      a_segment_with_a_bad_checksum_reaches_no_socket, datagrams_go_to_the_first_application_that_listens,
      segments_that_come_while_the_reader_has_the_lock_wait_on_the_backlog,
      the_backlog_is_worked_off_at_the_readers_cost, a_full_backlog_drops,
      the_backlog_is_acknowledged_once_where_the_kernel_defers, data_ready_wakes_nobody_who_is_awake,
      an_out_of_order_segment_wakes_nobody, the_path_a_segment_takes_has_its_cost, collapsing_takes_softirq_time,
      the_delayed_ack_timer_fires_at_its_tick, the_delayed_ack_is_sent_by_the_timer_softirq,
      a_timer_that_finds_the_socket_locked_leaves_the_ack_to_the_release,
      an_ack_leaves_by_the_default_route)
