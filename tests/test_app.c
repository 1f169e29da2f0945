/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/app.h"

#include "models/sched.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static const struct app *app(int i)
{
    return &r.host.app[i];
}

static ps_t task_time(int cpu)
{
    cpu_settle(&r.host.cpu[cpu]);
    return r.host.cpu[cpu].spent[CPU_TASK];
}

/* ---- recv() on UDP, step by step ---- */

/* Powers of two, in ns: data_ready 1 and the wakeup 2 in softirq; then switch 4, resume 8, dequeue 16 and 18
 * bytes of 32 = 576: delivered after 607. Then return 1024, user mode 2048, work 4096, and a recv() that
 * finds nothing: entry 16384, block 32768; sleep. */
static const char recv_costs[] =
    "cost.sock.data_ready=1cycles cost.sched.wake_idle=2cycles cost.sched.switch_from_idle=4cycles "
    "cost.recv.resume=8cycles cost.recv.dequeue=16cycles cost.recv.copy_byte=32cycles/B "
    "cost.recv.return=1024cycles cost.recv.user=2048cycles app.work=4096cycles cost.recv.entry=16384cycles "
    "cost.recv.block=32768cycles";

START_TEST(a_blocking_recv_delivers_at_the_end_of_its_copy)
{
    const ps_t at = 10 * US + RIG_WIRE;

    rig_init(&r, 1, recv_costs);
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, at + 607 * NS - 1);
    CHECK_EQ(rig_count(&r, TRACE_RECV), 0);
    CHECK_EQ(r.host.udp.InDatagrams, 0);
    rig_until(&r, at + 607 * NS);
    CHECK_EQ(rig_count(&r, TRACE_RECV), 1);
    CHECK_EQ(r.host.udp.InDatagrams, 1);
    CHECK_EQ(rig_end(&r, 0)->at, at + 607 * NS);
    CHECK_EQ(rig_end(&r, 0)->fate, FATE_DELIVERED);
    rig_until(&r, 1 * MS);
    CHECK_EQ(task_time(0), (4 + 8 + 16 + 576 + 1024 + 2048 + 4096 + 16384 + 32768) * NS);
    CHECK_EQ(app(0)->counters.messages, 1);
    CHECK_EQ(app(0)->counters.bytes, 18);
    CHECK_EQ(app(0)->counters.sleeps, 1);
    ck_assert_int_eq(app(0)->task.state, TASK_SLEEPING);
    rig_free(&r);
}
END_TEST

/* 1 us a message and 125 ps for each of its 18 bytes. */
START_TEST(an_application_may_work_on_every_byte)
{
    rig_init(&r, 1, "app.work=1us app.work_byte=125ps/B");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(task_time(0), 1 * US + 18 * 125 * PS);
    rig_free(&r);
}
END_TEST

/* Ten datagrams reach the socket before the reader's core hears of the first: one wakeup, ten messages, and
 * to sleep once. */
START_TEST(a_blocked_reader_is_woken_once_for_many_datagrams)
{
    rig_init(&r, 1, "cpu.count=2 cpu.ipi_latency=100us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 10);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(r.host.rq[1].counters.wakeups, 1);
    CHECK_EQ(app(0)->counters.messages, 10);
    CHECK_EQ(app(0)->counters.bytes, 180);
    CHECK_EQ(app(0)->counters.sleeps, 1);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, rig_note(&r, TRACE_SCHED_WAKEUP, 0)->at + 100 * US);
    rig_free(&r);
}
END_TEST

/* The reader has read one at 10 us, found nothing more, and is on its way to sleep (block takes 50 us) when
 * the second datagram comes at 40 us: it is read at 60 us, without a switch. */
START_TEST(a_datagram_on_the_way_to_sleep_keeps_the_reader_awake)
{
    rig_init(&r, 1, "cost.recv.block=50us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_burst(&r, 40 * US, 0, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, 10 * US + RIG_WIRE);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 1)->at, 60 * US + RIG_WIRE);
    CHECK_EQ(rig_count(&r, TRACE_SCHED_SWITCH), 2);     /* from idle to the reader, and back once */
    rig_free(&r);
}
END_TEST

/* The copy takes what the buffer has room for: 10 bytes of 18. The datagram's rest is lost, as recv()
 * does. */
START_TEST(a_small_buffer_shortens_the_copy_of_a_datagram)
{
    rig_init(&r, 1, "app.read_size=10B cost.recv.copy_byte=100cycles/B");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, 10 * US + RIG_WIRE + 1 * US);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 1);
    rig_free(&r);
}
END_TEST

/* ---- busy ---- */

/* A cycle is entry 100, empty 200 and user mode 300: 600 ns, for ever. The core is never idle, the reader
 * never sleeps and is never woken; a datagram is read within a cycle. */
START_TEST(a_busy_reader_never_sleeps)
{
    rig_init(&r, 1, "app.kind=busy cpu.count=2 cost.recv.entry=100cycles cost.recv.empty=200cycles "
                    "cost.recv.user=300cycles cost.recv.dequeue=50cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    /* cycles begin at multiples of 600 ns; the one from 9.6 us looked at 9.7 us, the next at 10.3 us */
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, 10350 * NS);
    CHECK_EQ(app(0)->counters.sleeps, 0);
    CHECK_EQ(app(0)->counters.messages, 1);
    CHECK_EQ(r.host.rq[1].counters.wakeups, 1);         /* its start */
    CHECK_EQ(task_time(1), 1 * MS);
    rig_free(&r);
}
END_TEST

/* ---- epoll ---- */

/* Two connections become readable while the reader's wakeup is under way: one wakeup, one epoll_wait (2000)
 * that returns two events (100 each), for each a recv() that reads (entry 10) and one that finds nothing (10
 * + 1); then the epoll_wait that sleeps (2000). */
START_TEST(epoll_wakes_once_and_reads_each_socket_until_it_is_empty)
{
    rig_init(&r, 1, "app.kind=epoll cpu.count=2 cpu.ipi_latency=100us cost.epoll.wait=2000cycles "
                    "cost.epoll.event=100cycles cost.recv.entry=10cycles cost.recv.empty=1cycles");
    for (uint16_t i = 0; i < 2; i++)
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1 + i), 9), 1, 1000);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(app(0)->counters.messages, 2);
    CHECK_EQ(app(0)->counters.sleeps, 1);
    CHECK_EQ(r.host.rq[1].counters.wakeups, 1);
    CHECK_EQ(task_time(1), (2000 + 2 * (100 + 10 + 11) + 2000) * NS);
    rig_free(&r);
}
END_TEST

/* With maxevents 1 each event has an epoll_wait of its own. */
START_TEST(epoll_returns_at_most_maxevents)
{
    rig_init(&r, 1, "app.kind=epoll app.maxevents=1 cpu.count=2 cpu.ipi_latency=100us "
                    "cost.epoll.wait=2000cycles cost.epoll.event=100cycles");
    for (uint16_t i = 0; i < 3; i++)
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1 + i), 9), 1, 1000);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(app(0)->counters.messages, 3);
    CHECK_EQ(task_time(1), (3 * 2100 + 2000) * NS);
    rig_free(&r);
}
END_TEST

/* A socket is on the ready list once, however much comes: ten datagrams, one event. */
START_TEST(a_socket_is_on_the_ready_list_once)
{
    rig_init(&r, 1, "app.kind=epoll cpu.count=2 cpu.ipi_latency=100us cost.epoll.event=100cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 10);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(app(0)->counters.messages, 10);
    CHECK_EQ(task_time(1), 100 * NS);
    rig_free(&r);
}
END_TEST

/* ---- who gets what ---- */

START_TEST(an_application_listens_by_protocol_and_port)
{
    static const struct { const char *settings; uint8_t proto; uint16_t port; bool listens; } expected[] = {
        { "app.port=0", FLOW_UDP, 9, true }, { "app.port=9", FLOW_UDP, 9, true },
        { "app.port=9", FLOW_UDP, 10, false },
        { "app.port=9", FLOW_TCP, 9, true }, { "app.proto=udp", FLOW_UDP, 9, true },
        { "app.proto=udp", FLOW_TCP, 9, false }, { "app.proto=tcp", FLOW_UDP, 9, false },
        { "app.proto=tcp", FLOW_TCP, 9, true }, { "app.port=0", FLOW_OTHER_IP, 9, false },
        { "app.port=0", FLOW_NOT_IP, 9, false },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct flow_key key = { .proto = expected[i].proto, .dport = expected[i].port };

        rig_init(&r, 1, expected[i].settings);
        rig_build(&r);
        CHECK_EQ(app_listens(app(0), &key), expected[i].listens);
        rig_free(&r);
    }
}
END_TEST

/* Two readers on two ports and two cores; the last CPU is the default, app[app0] is told another. */
START_TEST(each_application_reads_its_own_port_on_its_own_core)
{
    rig_init(&r, 2, "cpu.count=3 app[app0].port=9 app[app1].port=10 app[app0].cpu=1");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_burst(&r, 20 * US, rig_flow(&r, FLOW_UDP, 1, 10), 5);
    rig_run(&r);
    CHECK_EQ(app(0)->counters.messages, 3);
    CHECK_EQ(app(1)->counters.messages, 5);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->cpu, 1);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 3)->cpu, 2);
    rig_free(&r);
}
END_TEST

/* ---- TCP ---- */

/* A thread each, woken each by its own segment. */
START_TEST(a_blocking_server_has_a_thread_for_each_connection)
{
    rig_init(&r, 1, "cpu.count=2");
    for (uint16_t i = 0; i < 2; i++)
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1 + i), 9), 1, 1000);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    ck_assert_ptr_nonnull(app(0)->connections);
    ck_assert_ptr_nonnull(app(0)->connections->next);
    ck_assert_ptr_null(app(0)->connections->next->next);
    ck_assert_ptr_ne(app(0)->connections->sock.reader, app(0)->connections->next->sock.reader);
    CHECK_EQ(r.host.rq[1].counters.wakeups, 2);
    CHECK_EQ(app(0)->counters.messages, 2);
    CHECK_EQ(app(0)->counters.bytes, 2000);
    rig_free(&r);
}
END_TEST

/* 2500 bytes in reads of 1000: 1000, 1000, 500. A frame is delivered with its last byte: the first of 1500
 * with the second read, the second with the third. 1 ns a byte. */
START_TEST(a_stream_is_read_in_buffers_and_a_frame_delivered_with_its_last_byte)
{
    uint32_t tcp;
    ps_t woken;

    rig_init(&r, 1, "app.read_size=1000B cost.recv.copy_byte=1cycles/B cpu.count=2 cpu.ipi_latency=100us "
                    "pcie.msix_latency=1us");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 10 * US, tcp, 1, 1400);
    rig_segment(&r, 10 * US, tcp, 1401, 1100)->ip_id = 1;
    rig_start(&r);
    rig_until(&r, 1 * MS);
    woken = rig_note(&r, TRACE_SCHED_WAKEUP, 0)->at + 100 * US;
    CHECK_EQ(app(0)->counters.messages, 3);
    CHECK_EQ(app(0)->counters.bytes, 2500);
    CHECK_EQ(rig_end(&r, 0)->at, woken + 2000 * NS);
    CHECK_EQ(rig_end(&r, 1)->at, woken + 2500 * NS);
    rig_free(&r);
}
END_TEST

/* ---- preemption ---- */

static void wake(struct context *x, void *worker)
{
    struct worker *w = worker;

    sched_wake(&w->task, x->cpu);
}

/* A reader works 3 ms in user mode; another task wakes and, under CFS, is far ahead. In user mode it runs at
 * once. While the reader is in the kernel (a copy of 3 ms) it waits until that recv() returns. */
START_TEST(a_reader_is_preempted_in_user_mode_or_on_its_return)
{
    for (int in_kernel = 0; in_kernel < 2; in_kernel++) {
        struct worker w;
        struct pulse p;

        rig_init(&r, 1, "kernel.sched=cfs");
        rig_set(&r, in_kernel ? "cost.recv.dequeue=3ms" : "app.work=3ms");
        rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_start(&r);
        worker_init(&w, &r.host.cpu[0]);
        worker_step(&w, 1 * MS, 0);
        pulse_init(&p, &r.host.cpu[0], 0, wake, &w);
        pulse_at(&p, 2 * MS);
        rig_until(&r, 10 * MS);
        CHECK_EQ(w.began[0], in_kernel ? 3 * MS + RIG_WIRE : 2 * MS);
        CHECK_EQ(r.host.rq[0].counters.preemptions, 1);
        rig_free(&r);
    }
}
END_TEST

/* ---- competition ---- */

/* A hog on the reader's core, in user mode from 0 on. A datagram at 0.3 ms wakes the reader, which is placed
 * where the hog is and waits for the tick of 9 ms, when the hog is over its slice; then the hog goes on, to
 * the end of the time. */
START_TEST(a_hog_competes_for_the_core_and_reads_nothing)
{
    rig_init(&r, 2, "app[app0].kind=hog cost.recv.dequeue=1us");
    rig_burst(&r, 300 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 9 * MS + 1 * US - 1);
    CHECK_EQ(rig_count(&r, TRACE_RECV), 0);
    rig_until(&r, 50 * MS);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, 9 * MS + 1 * US);
    CHECK_EQ(app(0)->counters.messages, 0);
    CHECK_EQ(app(0)->counters.sleeps, 0);
    CHECK_EQ(app(1)->counters.messages, 1);
    CHECK_EQ(task_time(0), 50 * MS);
    rig_free(&r);
}
END_TEST

START_TEST(what_only_a_hog_could_read_has_no_socket)
{
    rig_init(&r, 1, "app.kind=hog");
    rig_burst(&r, 300 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_NO_SOCKET), 3);
    rig_free(&r);
}
END_TEST

/* Its wakeup takes the core from the hog at once: the switch takes 2 us and copying 1 us. */
START_TEST(a_reader_of_policy_fifo_does_not_wait_for_a_tick)
{
    const ps_t read = 300 * US + RIG_WIRE + 3 * US;

    rig_init(&r, 2, "app[app0].kind=hog app[app1].sched=fifo cost.recv.dequeue=1us cost.sched.switch=2us");
    rig_burst(&r, 300 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, read - 1);
    CHECK_EQ(rig_count(&r, TRACE_RECV), 0);
    rig_until(&r, read);
    CHECK_EQ(rig_count(&r, TRACE_RECV), 1);
    rig_free(&r);
}
END_TEST

/* The threads that serve TCP connections are of the program's policy, as threads of a program run by chrt are. */
START_TEST(threads_for_connections_have_the_programs_policy)
{
    rig_init(&r, 2, "app[app0].kind=hog app[app1].sched=fifo");
    rig_segment(&r, 300 * US, rig_flow(&r, FLOW_TCP, 1, 9), 1, 6);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    ck_assert(app(1)->connections->task.fifo);
    CHECK_EQ(rig_end(&r, 0)->at, 300 * US + RIG_WIRE);
    rig_free(&r);
}
END_TEST

/* CFS. Nothing is owed: the reader starts at 0, 0.3 ms behind the hog, and waits for the tick. With a lag of 1
 * ms it is 1.3 ms behind, more than the granularity of 1 ms. The hog has run 300 us and the wire's 1.68 ns
 * then: with a lag of what is left of 1 ms it is not more, with a picosecond on top it is. EEVDF: whoever is
 * owed anything puts the hog, which is then ahead of the average, off the core. */
START_TEST(a_lag_puts_the_reader_ahead_of_the_others)
{
    static const struct { const char *settings; ps_t at; } row[] = {
        { "kernel.sched=cfs", 9 * MS },
        { "kernel.sched=cfs app[app1].lag=1ms", 300 * US + RIG_WIRE },
        { "kernel.sched=cfs app[app1].lag=699998320ps", 9 * MS },
        { "kernel.sched=cfs app[app1].lag=699998321ps", 300 * US + RIG_WIRE },
        { "kernel.sched=eevdf app[app1].lag=1ps", 300 * US + RIG_WIRE },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        rig_init(&r, 2, "app[app0].kind=hog");
        rig_set(&r, row[i].settings);
        rig_burst(&r, 300 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_start(&r);
        rig_until(&r, 20 * MS);
        ck_assert_msg(rig_note(&r, TRACE_RECV, 0)->at == row[i].at, "%s: %lld", row[i].settings,
                      (long long)rig_note(&r, TRACE_RECV, 0)->at);
        rig_free(&r);
    }
}
END_TEST

/* ---- what a TCP reader and one that slept pay ---- */

/* resume 10; a TCP reader has the lock to take again, 100 more. From the wakeup to the delivery. */
START_TEST(a_tcp_reader_that_slept_takes_the_lock_again)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        rig_init(&r, 1, "cost.recv.resume=10cycles cost.recv.tcp_resume=100cycles");
        if (tcp)
            rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, 1, 9), 1, 6);
        else
            rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_start(&r);
        rig_until(&r, 1 * MS);
        CHECK_EQ(rig_end(&r, 0)->at - rig_note(&r, TRACE_SCHED_WAKEUP, 0)->at, tcp ? 110 * NS : 10 * NS);
        rig_free(&r);
    }
}
END_TEST

/* Two datagrams in a burst: the first recv() has slept, the second has not. Between the two deliveries are the
 * first's way back, 10 and 100 more, and the second's dequeue of 1000. */
START_TEST(the_way_back_of_a_recv_that_slept_is_longer)
{
    rig_init(&r, 1, "cpu.count=2 cpu.ipi_latency=100us cost.recv.return=10cycles "
                    "cost.recv.return_slept=100cycles "
                    "cost.recv.dequeue=1000cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 1)->at - rig_note(&r, TRACE_RECV, 0)->at, 1110 * NS);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 2)->at - rig_note(&r, TRACE_RECV, 1)->at, 1010 * NS);
    rig_free(&r);
}
END_TEST

SUITE(app, a_blocking_recv_delivers_at_the_end_of_its_copy, an_application_may_work_on_every_byte,
      a_blocked_reader_is_woken_once_for_many_datagrams,
      a_datagram_on_the_way_to_sleep_keeps_the_reader_awake,
      a_small_buffer_shortens_the_copy_of_a_datagram, a_busy_reader_never_sleeps,
      epoll_wakes_once_and_reads_each_socket_until_it_is_empty, epoll_returns_at_most_maxevents,
      a_socket_is_on_the_ready_list_once, an_application_listens_by_protocol_and_port,
      each_application_reads_its_own_port_on_its_own_core, a_blocking_server_has_a_thread_for_each_connection,
      a_stream_is_read_in_buffers_and_a_frame_delivered_with_its_last_byte,
      a_reader_is_preempted_in_user_mode_or_on_its_return,
      a_hog_competes_for_the_core_and_reads_nothing, what_only_a_hog_could_read_has_no_socket,
      a_reader_of_policy_fifo_does_not_wait_for_a_tick, threads_for_connections_have_the_programs_policy,
      a_lag_puts_the_reader_ahead_of_the_others, a_tcp_reader_that_slept_takes_the_lock_again,
      the_way_back_of_a_recv_that_slept_is_longer)
