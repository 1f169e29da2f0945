/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/busy_poll.h"

#include <string.h>

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* The interrupt goes to core 0, the reader is core 1. Nothing takes time but a turn of the loop: 100 ns. */
static const char machine[] = "cpu.count=2 app.cpu=1 nic.queue.smp_affinity=1 cost.busy_poll.turn=100ns";

static void begin(const char *settings)
{
    rig_init(&r, 1, machine);
    rig_set(&r, settings);
    rig_flow(&r, FLOW_UDP, 1, 9);
}

static const struct napi *napi(void)
{
    return &r.host.nic[0].queue[0].napi;
}

static int64_t interrupts(void)
{
    return (int64_t)r.host.nic[0].queue[0].irq.counters.interrupts;
}

static int64_t taken(void)
{
    return (int64_t)r.host.busy_poll.BusyPollRxPackets;
}

/* When the first frame is in memory and, as nothing takes time, read: the reader begins to poll. */
static const ps_t FIRST = 10 * US + RIG_WIRE;

/* Polls are 100 ns apart from FIRST on. The second frame comes between the 200th and the 201st, which takes it; that
 * turn's end is the delivery. Its interrupt has fired, and found the NAPI taken. */
START_TEST(a_reader_that_busy_polls_takes_the_frame_itself)
{
    begin("net.core.busy_read=50us");
    rig_frame(&r, 10 * US, 0, 18);
    rig_frame(&r, 30 * US + 50 * NS, 0, 18);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 0)->at, FIRST);
    CHECK_EQ(rig_end(&r, 1)->at, FIRST + 20 * US + 100 * NS + 100 * NS);
    CHECK_EQ(rig_end(&r, 1)->frame.poll_at, FIRST + 20 * US + 100 * NS);
    CHECK_EQ(rig_end(&r, 1)->frame.cpu, 1);
    CHECK_EQ(rig_end(&r, 1)->frame.irq_at, -1);
    CHECK_EQ(taken(), 1);
    CHECK_EQ(interrupts(), 2);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 1);    /* of the first, when nobody knew which queue to poll */
    rig_free(&r);
}
END_TEST

START_TEST(without_the_sysctl_or_the_option_nobody_polls)
{
    static const char *const settings[] = { "", "net.core.busy_read=50us", "app.busy_poll=50us", "net.core.busy_poll=50us" };

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        begin(settings[i]);
        rig_frame(&r, 10 * US, 0, 18);
        rig_frame(&r, 30 * US, 0, 18);
        rig_run(&r);
        CHECK_EQ(taken(), i == 1 || i == 2);        /* busy_poll is epoll's */
        rig_free(&r);
    }
}
END_TEST

/* Three microseconds are three further units of 1024 ns after the one in which it begins; then one more poll. */
START_TEST(the_time_is_counted_in_units_of_1024_ns)
{
    begin("app.busy_poll=3us");
    rig_frame(&r, 10 * US, 0, 18);
    rig_run(&r);
    ps_t unit = 1024 * NS, end = (FIRST / unit + 4) * unit;
    CHECK_EQ(napi()->counters.busy_polls, (end - FIRST + 100 * NS - 1) / (100 * NS) + 1);
    CHECK_EQ(r.host.app[0].counters.sleeps, 1);
    rig_free(&r);
}
END_TEST

START_TEST(the_last_poll_enables_the_interrupt_again)
{
    begin("app.busy_poll=3us");
    rig_frame(&r, 10 * US, 0, 18);
    rig_frame(&r, 12 * US, 0, 18);          /* taken by the reader, its interrupt in vain */
    rig_frame(&r, 200 * US, 0, 18);         /* the reader sleeps */
    rig_run(&r);
    CHECK_EQ(taken(), 1);
    CHECK_EQ(interrupts(), 3);
    CHECK_EQ(rig_end(&r, 2)->at, 200 * US + RIG_WIRE);
    ck_assert(!napi()->scheduled);
    rig_free(&r);
}
END_TEST

/* The softirq is at the second frame for 20 us when the reader, after 5 us of work on the first, has nothing to read: it
 * turns and turns, and never gets the NAPI. */
START_TEST(a_scheduled_napi_is_left_to_the_softirq)
{
    begin("app.busy_poll=20us app.work=5us cost.driver.frame=20us");
    rig_frame(&r, 10 * US, 0, 18);
    rig_frame(&r, 32 * US, 0, 18);
    rig_run(&r);
    CHECK_EQ(taken(), 0);
    CHECK_EQ(rig_end(&r, 1)->frame.cpu, 0);
    ck_assert_int_ge(rig_end(&r, 1)->at, 52 * US);
    ck_assert_int_le(rig_end(&r, 1)->at, 52 * US + RIG_WIRE + 100 * NS);
    CHECK_EQ(r.host.app[0].counters.sleeps, 1);     /* after the second, for good */
    rig_free(&r);
}
END_TEST

START_TEST(a_poll_takes_the_budget_of_busy_polling)
{
    static const int budgets[] = { 8, 3 };

    for (int i = 0; i < 2; i++) {
        begin("app.busy_poll=50us app.rcvbuf=200000B nic.features.gro=off");
        rig_set(&r, i == 0 ? "" : "app.busy_poll_budget=3");
        rig_frame(&r, 10 * US, 0, 18);
        rig_burst(&r, 30 * US + 50 * NS, 0, 20);
        rig_run(&r);
        int64_t most = 0;
        for (int n = 1; n < rig_count(&r, TRACE_NAPI_POLL); n++) {
            const struct note *poll = rig_note(&r, TRACE_NAPI_POLL, n);
            if (poll->cpu == 1 && poll->b == budgets[i] && poll->a > most)
                most = poll->a;
        }
        CHECK_EQ(most, budgets[i]);
        rig_free(&r);
    }
}
END_TEST

START_TEST(a_non_blocking_recv_polls_once_and_once_more_to_stop)
{
    begin("app.kind=busy app.busy_poll=50us cost.recv.empty=1us");
    rig_frame(&r, 10 * US, 0, 18);
    rig_start(&r);
    rig_until(&r, 20 * US);
    uint64_t before = napi()->counters.busy_polls;
    ps_t at = r.host.engine.now;
    rig_until(&r, at + 11 * US / 2);        /* a call takes 1.1 us */
    CHECK_EQ(napi()->counters.busy_polls - before, 2 * 5);
    ck_assert(!napi()->scheduled);
    rig_free(&r);
}
END_TEST

START_TEST(the_loop_gives_napi_and_core_away_when_another_task_is_due)
{
    rig_init(&r, 2, machine);
    rig_set(&r, "app[app0].busy_poll=1s app[app1].kind=hog app[app1].port=7 kernel.sched=cfs cost.busy_poll.turn=50us");
    rig_flow(&r, FLOW_UDP, 1, 9);
    rig_frame(&r, 10 * US, 0, 18);
    rig_frame(&r, 90 * MS, 0, 18);
    rig_start(&r);
    bool given = false, resumed = false;
    for (ps_t at = 1 * MS; at < 80 * MS; at += MS / 4) {
        rig_until(&r, at);
        const struct task *current = r.host.rq[1].current;
        given |= current == &r.host.app[1].task && !napi()->scheduled;
        resumed |= given && current == &r.host.app[0].task && napi()->busy;
        ck_assert(current != &r.host.app[1].task || !napi()->busy);
    }
    ck_assert(given);
    ck_assert(resumed);
    rig_free(&r);
}
END_TEST

START_TEST(a_stream_is_busy_polled_before_the_lock_is_taken)
{
    begin("app.busy_poll=50us");
    uint32_t flow = rig_flow(&r, FLOW_TCP, 2, 9);
    rig_segment(&r, 10 * US, flow, 1, 100);
    rig_segment(&r, 30 * US + 50 * NS, flow, 101, 100);
    rig_run(&r);
    CHECK_EQ(taken(), 1);
    CHECK_EQ(rig_end(&r, 1)->frame.cpu, 1);
    rig_free(&r);
}
END_TEST

START_TEST(epoll_wait_polls_the_queue_of_the_socket_that_was_ready_last)
{
    static const char *const settings[] = { "net.core.busy_poll=50us", "app.busy_poll=50us", "net.core.busy_poll=3us" };

    for (int i = 0; i < 3; i++) {
        begin("app.kind=epoll");
        rig_set(&r, settings[i]);
        rig_frame(&r, 10 * US, 0, 18);
        rig_frame(&r, 30 * US + 50 * NS, 0, 18);
        rig_run(&r);
        CHECK_EQ(taken(), i < 2);
        if (i < 2)
            CHECK_EQ(rig_end(&r, 1)->at, FIRST + 20 * US + 200 * NS);
        ck_assert_ptr_null(r.host.app[0].napi);     /* forgotten when the time was over */
        rig_free(&r);
    }
}
END_TEST

START_TEST(old_kernels_do_not_let_an_unconnected_udp_socket_busy_poll)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        begin("net.core.busy_read=50us kernel.busy_poll.unconnected=off");
        uint32_t flow = rig_flow(&r, FLOW_TCP, 2, 9);
        for (int i = 0; i < 2; i++) {
            if (tcp)
                rig_segment(&r, (10 + 20 * i) * US, flow, 1 + 100 * (uint32_t)i, 100);
            else
                rig_frame(&r, (10 + 20 * i) * US, 0, 18);
        }
        rig_run(&r);
        CHECK_EQ(taken(), tcp);
        rig_free(&r);
    }
}
END_TEST

/* ---- SO_PREFER_BUSY_POLL ---- */

/* The reader sleeps from about 14 us on. The timer runs every 20 us from its last poll on. */
START_TEST(who_prefers_busy_polling_leaves_the_timer_behind)
{
    for (int prefer = 0; prefer < 2; prefer++) {
        begin("app.busy_poll=3us nic.napi_defer_hard_irqs=100 nic.gro_flush_timeout=20us");
        rig_set(&r, prefer ? "app.prefer_busy_poll=on nic.napi_defer_hard_irqs=2" : "nic.napi_defer_hard_irqs=0");
        rig_frame(&r, 10 * US, 0, 18);
        rig_frame(&r, 20 * US, 0, 18);
        rig_run(&r);
        CHECK_EQ(napi()->counters.timer_polls > 0, prefer);
        CHECK_EQ(interrupts(), prefer ? 1 : 2);
        if (prefer)
            ck_assert_int_gt(rig_end(&r, 1)->at, 30 * US);
        else
            CHECK_EQ(rig_end(&r, 1)->at, 20 * US + RIG_WIRE);
        rig_free(&r);
    }
}
END_TEST

/* Eight frames, four a poll of 20 us, which the timer begins at 35 us. At 45 us the reader comes back and would like to poll:
 * with the preference the softirq completes after the first four, and the timer brings the rest 20 us later; without it, it
 * goes on at once. */
START_TEST(a_softirq_that_used_its_weight_gives_way_to_who_prefers_to_poll)
{
    for (int prefer = 0; prefer < 2; prefer++) {
        begin("app.busy_poll=200us app.work=30us app.rcvbuf=200000B kernel.napi.weight=4 cost.driver.frame=5us "
              "nic.napi_defer_hard_irqs=2 nic.gro_flush_timeout=20us nic.features.gro=off net.core.gro_normal_batch=100");
        rig_set(&r, prefer ? "app.prefer_busy_poll=on" : "");
        rig_frame(&r, 10 * US, 0, 18);
        rig_burst(&r, 30 * US, 0, 8);
        rig_run(&r);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->a, 4);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->at, 55 * US + RIG_WIRE);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 2)->a, 4);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 2)->at, (prefer ? 95 : 75) * US + RIG_WIRE);
        CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 9);
        rig_free(&r);
    }
}
END_TEST

/* ---- irq_suspend_timeout ---- */

/* Each event keeps the program busy for 200 us, and the next frame is there when it asks again. Without suspension the
 * timer polls meanwhile; with it nobody disturbs, until epoll finds nothing: then the NAPI is scheduled, and after two
 * further empty polls by timer the interrupt is back. */
START_TEST(interrupts_are_suspended_while_epoll_finds_events)
{
    for (int suspend = 0; suspend < 2; suspend++) {
        begin("app.kind=epoll app.busy_poll=5us app.prefer_busy_poll=on app.work=200us nic.napi_defer_hard_irqs=2 "
              "nic.gro_flush_timeout=20us");
        rig_set(&r, suspend ? "nic.irq_suspend_timeout=10ms" : "");
        for (int i = 0; i < 10; i++)
            rig_frame(&r, 10 * US + i * 100 * US, 0, 18);
        rig_frame(&r, 5 * MS, 0, 18);
        rig_start(&r);
        rig_until(&r, 1900 * US);
        int64_t polls = (int64_t)napi()->counters.timer_polls;
        if (suspend)
            ck_assert_int_le(polls, 1);
        else
            ck_assert_int_ge(polls, 8);
        rig_until(&r, 4900 * US);
        ck_assert(!napi()->scheduled && !r.host.nic[0].queue[0].coalesce.masked);
        int64_t before = interrupts();
        rig_until(&r, 6 * MS);
        CHECK_EQ(interrupts(), before + 1);
        CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 11);
        rig_free(&r);
    }
}
END_TEST

/* A program that never comes back: the timeout is the way out. */
START_TEST(suspension_ends_by_its_timeout)
{
    begin("app.kind=epoll app.busy_poll=5us app.prefer_busy_poll=on app.work=3ms nic.napi_defer_hard_irqs=2 "
          "nic.gro_flush_timeout=20us nic.irq_suspend_timeout=1ms");
    rig_frame(&r, 10 * US, 0, 18);
    rig_frame(&r, 12 * US, 0, 18);
    rig_frame(&r, 4 * MS, 0, 18);
    rig_start(&r);
    rig_until(&r, 900 * US);
    CHECK_EQ(napi()->counters.timer_polls, 0);
    rig_until(&r, 1500 * US);
    ck_assert_int_ge((int64_t)napi()->counters.timer_polls, 1);
    rig_free(&r);
}
END_TEST

/* ---- what is refused ---- */

static void refused(const char *settings, const char *words)
{
    struct host h;
    char why[256] = "";

    begin(settings);
    rig_frame(&r, 10 * US, 0, 18);
    ck_assert_int_ne(host_init(&h, &r.config, 1, 0, true, why, sizeof why), 0);
    ck_assert_msg(strstr(why, words) != NULL, "%s", why);
    host_free(&h);
    rig_free(&r);
}

START_TEST(what_cannot_be_polled_is_refused_with_a_sentence)
{
    refused("app.busy_poll=1us nic.queue.rps_cpus=2", "RPS");
    refused("net.core.busy_read=1us cost.busy_poll.turn=0ns", "for ever");
}
END_TEST

SUITE(busy_poll, a_reader_that_busy_polls_takes_the_frame_itself, without_the_sysctl_or_the_option_nobody_polls,
      the_time_is_counted_in_units_of_1024_ns, the_last_poll_enables_the_interrupt_again,
      a_scheduled_napi_is_left_to_the_softirq, a_poll_takes_the_budget_of_busy_polling,
      a_non_blocking_recv_polls_once_and_once_more_to_stop, the_loop_gives_napi_and_core_away_when_another_task_is_due,
      a_stream_is_busy_polled_before_the_lock_is_taken, epoll_wait_polls_the_queue_of_the_socket_that_was_ready_last,
      old_kernels_do_not_let_an_unconnected_udp_socket_busy_poll, who_prefers_busy_polling_leaves_the_timer_behind, a_softirq_that_used_its_weight_gives_way_to_who_prefers_to_poll,
      interrupts_are_suspended_while_epoll_finds_events, suspension_ends_by_its_timeout,
      what_cannot_be_polled_is_refused_with_a_sentence)
