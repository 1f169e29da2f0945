/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/softirq.h"

#include <string.h>

#include "models/app.h"
#include "tests/fixture.h"
#include "tests/suite.h"

enum { FAKES = 24 };

static struct rig r;
static struct fake_nic nic[FAKES];
static int scheduled;                   /* how many of nic[] an interrupt schedules */

static struct cpu *core(void)
{
    return &r.host.cpu[0];
}

static struct softirq_counters counted(void)
{
    return core()->softirq->counters;
}

static void begin(const char *settings)
{
    rig_init(&r, 0, settings);
    rig_start(&r);
    scheduled = 0;
}

/* A NAPI of weight 64 with so many frames, each poll of which takes `cost`. */
static struct fake_nic *add(int64_t left, ps_t cost)
{
    struct fake_nic *f = &nic[scheduled];

    fake_init(f, core(), 64, left, cost, scheduled == 0);
    scheduled++;
    return f;
}

static void schedule_all(struct context *x, void *unused)
{
    (void)x;
    (void)unused;
    for (int i = 0; i < scheduled; i++)
        napi_schedule(&nic[i].napi);
}

static void schedule_one(struct context *x, void *fake)
{
    struct fake_nic *f = fake;

    (void)x;
    napi_schedule(&f->napi);
}

/* All of nic[] are scheduled by one interrupt at `at`; then up to `until`. */
static void run(ps_t at, ps_t until)
{
    struct pulse p;

    pulse_init(&p, core(), 0, schedule_all, NULL);
    pulse_at(&p, at);
    rig_until(&r, until);
}

/* Checks the order of all polls: order[i] is the NAPI of the i-th. */
static void check_order(const int *order, int n)
{
    CHECK_EQ(fake_polls, n);
    for (int i = 0; i < n; i++) {
        bool found = false;
        for (int k = 0; k < nic[order[i]].polls; k++)
            found |= nic[order[i]].order[k] == i;
        ck_assert_msg(found, "poll %d is not NAPI %d's", i, order[i]);
    }
}

#define CHECK_ORDER(...)  check_order((const int[]){ __VA_ARGS__ }, \
                                      (int)(sizeof(int[]){ __VA_ARGS__ } / sizeof(int)))

/* Polls that ended before net_rx_action's n-th end. */
static int polls_before_exit(int n)
{
    int polls = 0;

    for (int i = 0; i < r.notes; i++) {
        if (r.note[i].point == TRACE_NAPI_POLL)
            polls++;
        if (r.note[i].point == TRACE_SOFTIRQ_EXIT && n-- == 0)
            return polls;
    }
    ck_abort_msg("no such run");
    return -1;
}

/* ---- net_rx_action: who is polled when ---- */

/* 130 = 64 + 64 + 2, 64 = 64 + 0, 10: three runs, with A and B, A and B, and A alone. */
START_TEST(a_napi_that_used_its_weight_is_not_polled_again_in_the_same_run)
{
    begin("");
    add(130, 1 * US);
    add(64, 1 * US);
    add(10, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_ORDER(0, 1, 2, 0, 1, 0);
    CHECK_EQ(nic[0].work[2], 2);
    CHECK_EQ(nic[1].work[1], 0);
    CHECK_EQ(polls_before_exit(0), 3);
    CHECK_EQ(polls_before_exit(1), 5);
    CHECK_EQ(counted().net_rx_runs, 3);
    CHECK_EQ(counted().sessions, 1);
    CHECK_EQ(counted().time_squeeze, 0);
    rig_free(&r);
}
END_TEST

/* One saturated NAPI takes 64 a run: a budget of 64 is used up by it each time (three times, the fourth poll
 * is empty), one of 65 or 300 never. */
START_TEST(the_budget_binds_a_single_napi_only_up_to_its_weight)
{
    static const struct { const char *budget; int squeezes; } expected[] = {
        { "net.core.netdev_budget=1", 3 }, { "net.core.netdev_budget=64", 3 },
        { "net.core.netdev_budget=65", 0 }, { "net.core.netdev_budget=300", 0 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        begin(expected[i].budget);
        add(3 * 64, 1 * US);
        run(1 * MS, 2 * MS);
        CHECK_EQ(counted().time_squeeze, expected[i].squeezes);
        CHECK_EQ(nic[0].work[0], 64);           /* and it does not cut a poll */
        CHECK_EQ(nic[0].polls, 4);
        rig_free(&r);
    }
}
END_TEST

/* Four polls of 64 leave 44 of 300; the fifth goes below 0, though nothing is left to poll in this run. */
START_TEST(five_saturated_napis_use_up_a_budget_of_300)
{
    for (int n = 4; n <= 5; n++) {
        begin("");
        for (int i = 0; i < n; i++)
            add(64, 1 * US);
        run(1 * MS, 2 * MS);
        CHECK_EQ(counted().time_squeeze, n == 5);
        CHECK_EQ(counted().net_rx_runs, 2);
        CHECK_EQ(rig_note(&r, TRACE_SOFTIRQ_EXIT, 0)->a, 300 - 64 * n);
        rig_free(&r);
    }
}
END_TEST

/* The budget ends with A. B was not polled, C was scheduled during A's poll (at 0.5 us of 1), A has used its
 * weight: the next run's list is B, C, A. */
START_TEST(the_next_list_is_the_unpolled_then_the_newly_scheduled_then_the_repolled)
{
    struct fake_nic *c = &nic[2];
    struct pulse late;

    begin("net.core.netdev_budget=64");
    add(64, 1 * US);
    add(10, 1 * US);
    fake_init(c, core(), 64, 5, 1 * US, false);
    pulse_init(&late, core(), 0, schedule_one, c);
    pulse_at(&late, 1 * MS + 500 * NS);
    run(1 * MS, 2 * MS);
    CHECK_ORDER(0, 1, 2, 0);
    CHECK_EQ(polls_before_exit(0), 1);
    CHECK_EQ(polls_before_exit(1), 4);
    rig_free(&r);
}
END_TEST

/* Budget is left but A waits to be repolled: B, scheduled during A's poll, is not taken into this run, yet
 * comes before A in the next. */
START_TEST(a_run_with_a_napi_to_repoll_ends_when_its_list_is_empty)
{
    struct fake_nic *b = &nic[1];
    struct pulse late;

    begin("");
    add(64, 1 * US);
    fake_init(b, core(), 64, 5, 1 * US, false);
    pulse_init(&late, core(), 0, schedule_one, b);
    pulse_at(&late, 1 * MS + 500 * NS);
    run(1 * MS, 2 * MS);
    CHECK_ORDER(0, 1, 0);
    CHECK_EQ(polls_before_exit(0), 1);
    CHECK_EQ(counted().time_squeeze, 0);
    rig_free(&r);
}
END_TEST

/* A takes 20 frames and completes; B is scheduled meanwhile. From 6.6 on it is polled in the same run with
 * the budget left, 300 - 20 - 5; up to 6.1 in a run of its own. */
START_TEST(a_napi_scheduled_during_a_run_joins_it_where_the_kernel_allows)
{
    for (int joins = 0; joins < 2; joins++) {
        struct fake_nic *b = &nic[1];
        struct pulse late;

        begin(joins ? "kernel.napi.schedule_in_run=on" : "kernel.napi.schedule_in_run=off");
        add(20, 1 * US);
        fake_init(b, core(), 64, 5, 1 * US, false);
        pulse_init(&late, core(), 0, schedule_one, b);
        pulse_at(&late, 1 * MS + 500 * NS);
        run(1 * MS, 2 * MS);
        CHECK_ORDER(0, 1);
        CHECK_EQ(counted().net_rx_runs, joins ? 1 : 2);
        CHECK_EQ(counted().sessions, 1);
        CHECK_EQ(rig_note(&r, TRACE_SOFTIRQ_EXIT, 0)->a, joins ? 275 : 280);
        rig_free(&r);
    }
}
END_TEST

/* Up to 3.18 the limit is tested before each poll of one list: 5 polls of 64 use up 300, twice; then the
 * list is empty at 640 and one run finds nothing. */
START_TEST(old_kernels_repoll_within_the_run_until_the_budget_is_gone)
{
    begin("kernel.napi.repoll_in_run=on kernel.napi.schedule_in_run=off");
    add(640, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polls, 11);
    CHECK_EQ(polls_before_exit(0), 5);
    CHECK_EQ(polls_before_exit(1), 10);
    CHECK_EQ(counted().time_squeeze, 2);
    CHECK_EQ(counted().net_rx_runs, 3);
    rig_free(&r);
}
END_TEST

/* A = 128 goes to the tail of the list behind B = 10: A, B, A, A(0), all in one run. */
START_TEST(old_kernels_put_a_napi_that_used_its_weight_behind_the_others)
{
    begin("kernel.napi.repoll_in_run=on kernel.napi.schedule_in_run=off");
    add(128, 1 * US);
    add(10, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_ORDER(0, 1, 0, 0);
    CHECK_EQ(counted().net_rx_runs, 1);
    rig_free(&r);
}
END_TEST

/* 64 * 5 = 320 is beyond 300, but with 63 in the fifth poll the NAPI has completed: no limit is looked at
 * any more. */
START_TEST(old_kernels_do_not_count_a_squeeze_when_nothing_is_left)
{
    begin("kernel.napi.repoll_in_run=on kernel.napi.schedule_in_run=off");
    add(4 * 64 + 63, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polls, 5);
    CHECK_EQ(counted().time_squeeze, 0);
    CHECK_EQ(counted().net_rx_runs, 1);
    rig_free(&r);
}
END_TEST

/* Ticks each ms from 0, a run from 0.5 ms (jiffy 1) with a limit of two jiffies: over at jiffy 3, 2 ms.
 * Polls of 100 us: the fifteenth ends then; if the first is one picosecond shorter it ends before, and a
 * sixteenth follows. */
START_TEST(the_time_limit_of_a_run_is_two_jiffies)
{
    for (int shorter = 0; shorter < 2; shorter++) {
        begin("kernel.hz=1000 kernel.tick_phase=0ns");
        for (int i = 0; i < 20; i++)
            add(1, i == 0 && shorter ? 100 * US - 1 : 100 * US);
        run(500 * US, 5 * MS);
        CHECK_EQ(polls_before_exit(0), shorter ? 16 : 15);
        CHECK_EQ(counted().time_squeeze, 1);
        CHECK_EQ(fake_polls, 20);
        rig_free(&r);
    }
}
END_TEST

/* The sysctl in jiffies, rounded up. From 0.5 ms with HZ 1000: 1 us is one jiffy, over at 1 ms, after 5
 * polls; 1001 us are two, after 15. With HZ 250 (ticks at 0, 4, .. ms) one jiffy is over at 4 ms, after
 * 35. */
START_TEST(netdev_budget_usecs_is_rounded_up_to_jiffies)
{
    static const struct { const char *settings; int polls; } expected[] = {
        { "kernel.netdev_budget_usecs_min=off kernel.hz=1000 net.core.netdev_budget_usecs=1us", 5 },
        { "kernel.netdev_budget_usecs_min=off kernel.hz=1000 net.core.netdev_budget_usecs=1000us", 5 },
        { "kernel.netdev_budget_usecs_min=off kernel.hz=1000 net.core.netdev_budget_usecs=1001us", 15 },
        { "kernel.netdev_budget_usecs_min=off kernel.hz=250 net.core.netdev_budget_usecs=2000us", 35 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        rig_init(&r, 0, expected[i].settings);
        rig_set(&r, "kernel.tick_phase=0ns kernel.napi.repoll_in_run=on net.core.netdev_budget=1000000");
        rig_start(&r);
        scheduled = 0;
        add(64 * 40, 100 * US);                 /* one NAPI again and again, in an old kernel's run */
        run(500 * US, 20 * MS);
        CHECK_EQ(polls_before_exit(0), expected[i].polls);
        rig_free(&r);
    }
}
END_TEST

/* ---- handle_softirqs: when it goes on ---- */

/* 31 polls, each a run and a pass of its own: ten passes at the interrupt's exit, then the thread, whose
 * sessions end after ten passes as well: 10 + 10 + 10 + 1. Polls take 1 us. */
START_TEST(after_ten_passes_the_rest_is_ksoftirqds)
{
    begin("");
    add(64 * 30, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polls, 31);
    CHECK_EQ(counted().ksoftirqd_wakeups, 1);
    CHECK_EQ(counted().sessions, 4);
    CHECK_EQ(core()->spent[CPU_SOFTIRQ], 10 * US);
    CHECK_EQ(core()->spent[CPU_KSOFTIRQD], 21 * US);
    ck_assert_int_eq(core()->softirq->ksoftirqd.state, TASK_SLEEPING);
    rig_free(&r);
}
END_TEST

/* Ten full polls and an empty one would be eleven passes; nine and an empty one are ten. */
START_TEST(ten_passes_that_leave_nothing_wake_nobody)
{
    for (int full = 9; full <= 10; full++) {
        begin("");
        add(64 * full, 1 * US);
        run(1 * MS, 2 * MS);
        CHECK_EQ(counted().ksoftirqd_wakeups, full == 10);
        rig_free(&r);
    }
}
END_TEST

static void wake_worker(struct context *x, void *worker)
{
    struct worker *w = worker;

    sched_wake(&w->task, x->cpu);
}

/* A task wakes on the idle core in the first of three polls of 10 us: the session ends after that pass, the
 * task runs for 50 us, then ksoftirqd has the rest. */
START_TEST(need_resched_ends_the_session_after_the_pass)
{
    struct worker w;
    struct pulse p;

    begin("");
    add(128, 10 * US);
    worker_init(&w, core());
    worker_step(&w, 50 * US, 0);
    pulse_init(&p, core(), 0, wake_worker, &w);
    pulse_at(&p, 1 * MS + 3 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polled[0], 1 * MS + 10 * US);
    CHECK_EQ(w.began[0], 1 * MS + 10 * US);
    CHECK_EQ(nic[0].polled[1], 1 * MS + 70 * US);
    CHECK_EQ(nic[0].polled[2], 1 * MS + 80 * US);
    CHECK_EQ(counted().ksoftirqd_wakeups, 1);
    CHECK_EQ(core()->spent[CPU_SOFTIRQ], 10 * US);
    rig_free(&r);
}
END_TEST

/* 2 ms are two jiffies at HZ 1000. From 0.5 ms (jiffy 1) passes begin until jiffy 3, 2 ms. Polls of 300 us
 * end at 0.8, 1.1, 1.4, 1.7 and 2.0 ms: five passes; six if the fifth ends a picosecond earlier. */
START_TEST(the_session_ends_when_its_jiffies_have_passed)
{
    for (int shorter = 0; shorter < 2; shorter++) {
        begin("kernel.hz=1000 kernel.tick_phase=0ns");
        add(64 * 9, shorter ? 300 * US - 1 : 300 * US);
        run(500 * US, 10 * MS);
        ps_t inside = shorter ? 6 * (300 * US - 1) : 5 * 300 * US;
        CHECK_EQ(core()->spent[CPU_SOFTIRQ], inside);
        CHECK_EQ(counted().ksoftirqd_wakeups, 1);
        CHECK_EQ(nic[0].polls, 10);
        rig_free(&r);
    }
}
END_TEST

/* ksoftirqd waits for the core behind a task in the kernel (100 us from 0, and what interrupts it). NAPI A
 * is scheduled at 10 us: one pass inline (max_restart 1), the rest ksoftirqd's. At 50 us an interrupt
 * schedules B. Up to 6.1 both wait for the thread; later both are polled at that interrupt's exit, A first.
 * Polls take 1 us. */
START_TEST(a_runnable_ksoftirqd_defers_softirqs_where_the_kernel_says_so)
{
    for (int defers = 0; defers < 2; defers++) {
        struct worker w;
        struct pulse first, second;

        begin(defers ? "kernel.softirq.max_restart=1 kernel.softirq.ksoftirqd_defers=on"
                     : "kernel.softirq.max_restart=1 kernel.softirq.ksoftirqd_defers=off");
        add(64 + 1, 1 * US);
        add(1, 1 * US);
        worker_init(&w, core());
        worker_step(&w, 100 * US, 0);
        worker_wake(&w);
        pulse_init(&first, core(), 0, schedule_one, &nic[0]);
        pulse_init(&second, core(), 0, schedule_one, &nic[1]);
        pulse_at(&first, 10 * US);
        pulse_at(&second, 50 * US);
        rig_until(&r, 2 * MS);
        CHECK_EQ(nic[0].polled[0], 11 * US);
        CHECK_EQ(nic[0].polled[1], defers ? 102 * US : 51 * US);
        CHECK_EQ(nic[1].polled[0], defers ? 103 * US : 52 * US);
        CHECK_EQ(w.ended[0], defers ? 101 * US : 103 * US);
        rig_free(&r);
    }
}
END_TEST

/* From 6.6 on the exit of any interrupt will do, also of one that raises nothing. */
START_TEST(any_interrupt_exit_runs_what_is_pending)
{
    struct worker w;
    struct pulse first, second;

    begin("kernel.softirq.max_restart=1");
    add(64 + 1, 1 * US);
    worker_init(&w, core());
    worker_step(&w, 100 * US, 0);
    worker_wake(&w);
    pulse_init(&first, core(), 0, schedule_one, &nic[0]);
    pulse_init(&second, core(), 0, NULL, NULL);
    pulse_at(&first, 10 * US);
    pulse_at(&second, 50 * US);
    rig_until(&r, 2 * MS);
    CHECK_EQ(nic[0].polled[1], 51 * US);
    rig_free(&r);
}
END_TEST

/* An interrupt in the middle of a session schedules B; its exit does not nest a second session. */
START_TEST(a_softirq_does_not_interrupt_a_softirq)
{
    struct pulse late;

    begin("kernel.napi.schedule_in_run=off");
    add(10, 10 * US);
    fake_init(&nic[1], core(), 64, 5, 1 * US, false);
    pulse_init(&late, core(), 2 * US, schedule_one, &nic[1]);
    pulse_at(&late, 1 * MS + 5 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polled[0], 1 * MS + 12 * US);       /* later by the interrupt's 2 us */
    CHECK_EQ(nic[1].polled[0], 1 * MS + 13 * US);
    CHECK_EQ(counted().sessions, 1);
    rig_free(&r);
}
END_TEST

/* ---- tasks ---- */

static ps_t enabled_at;

static void after_enable(struct context *x)
{
    enabled_at = x->cpu->engine->now;
    sched_prepare_sleep(x->task);
    sched_sleep(x, after_enable);
}

static void enable(struct context *x)
{
    local_bh_enable(x, after_enable);
}

static void disabled(struct context *x)
{
    x->flags = STEP_BH_OFF;
    context_work(x, 10 * US, enable);
}

/* Bottom halves are off for 10 us. An interrupt at 3 us raises NET_RX, which runs at 10 us, before the task
 * goes on at 11 us. */
START_TEST(local_bh_enable_runs_what_was_raised_meanwhile)
{
    struct task t;
    struct pulse p;

    begin("");
    add(1, 1 * US);
    task_init(&t, core(), "task", NULL, disabled);
    sched_wake(&t, core());
    cpu_kick(core());
    pulse_init(&p, core(), 0, schedule_one, &nic[0]);
    pulse_at(&p, 3 * US);
    rig_until(&r, 1 * MS);
    CHECK_EQ(nic[0].polled[0], 11 * US);
    CHECK_EQ(enabled_at, 11 * US);
    CHECK_EQ(core()->spent[CPU_SOFTIRQ], 1 * US);
    rig_free(&r);
}
END_TEST

/* A reader works on its first datagram from 1 us on, for 100 us. Meanwhile a NAPI takes 64 frames at the
 * exit of an interrupt (max_restart 1) and is left to ksoftirqd, which does not preempt. The reader's next
 * recv() leaves the queue's lock 2 us after its entry and runs the second poll itself; where the kernel
 * defers, the thread does that when the reader sleeps. */
START_TEST(a_recv_runs_pending_softirqs_where_it_drops_the_queue_lock)
{
    for (int defers = 0; defers < 2; defers++) {
        struct pulse p;

        rig_init(&r, 1, "kernel.softirq.max_restart=1 app.work=100us cost.recv.entry=2000cycles");
        rig_set(&r, defers ? "kernel.softirq.ksoftirqd_defers=on" : "kernel.softirq.ksoftirqd_defers=off");
        rig_burst(&r, 1 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_start(&r);
        scheduled = 0;
        add(64 + 1, 1 * US);
        pulse_init(&p, core(), 0, schedule_one, &nic[0]);
        pulse_at(&p, 50 * US);
        rig_until(&r, 1 * MS);
        ps_t read = rig_note(&r, TRACE_RECV, 0)->at;
        ps_t unlocked = read + 100 * US + 1 * US + 2 * US;      /* its work, the first poll, recv's entry */
        CHECK_EQ(read, 1 * US + RIG_WIRE);
        CHECK_EQ(nic[0].polled[0], 51 * US);
        CHECK_EQ(nic[0].polled[1], unlocked + 1 * US);
        CHECK_EQ(core()->spent[CPU_SOFTIRQ], defers ? 1 * US : 2 * US);
        CHECK_EQ(core()->spent[CPU_KSOFTIRQD], defers ? 1 * US : 0);
        rig_free(&r);
    }
}
END_TEST

/* ---- order and costs ---- */

static void raise_both(struct context *x, void *unused)
{
    (void)unused;
    napi_schedule(&nic[0].napi);
    softirq_raise(x->cpu, SOFTIRQ_TIMER);
}

/* TIMER takes 5 us and comes first, though it was raised last. */
START_TEST(timer_runs_before_net_rx)
{
    struct pulse p;

    begin("cost.softirq.timer=5000cycles");
    add(1, 1 * US);
    pulse_init(&p, core(), 0, raise_both, NULL);
    pulse_at(&p, 1 * MS);
    rig_until(&r, 2 * MS);
    CHECK_EQ(nic[0].polled[0], 1 * MS + 6 * US);
    rig_free(&r);
}
END_TEST

/* Two passes, a full poll and an empty one. Every part has a power of two: entry 1, run 8, poll 32, full 64,
 * repolling 512, run's end 16, pass 2, run 8, poll 32, unmask 1024, poll's end 128, run's end 16, exit 4: 1847 ns. With
 * nothing to hand up completing is free. */
START_TEST(each_part_of_a_session_costs_once_where_it_happens)
{
    begin("cost.softirq.entry=1cycles cost.softirq.pass=2cycles cost.softirq.exit=4cycles "
          "cost.softirq.net_rx=8cycles cost.softirq.net_rx_end=16cycles cost.napi.poll=32cycles "
          "cost.napi.full_poll_end=64cycles cost.napi.poll_end=128cycles cost.napi.complete=256cycles "
          "cost.napi.repoll=512cycles cost.napi.unmask=1024cycles");
    add(64, 0);
    run(1 * MS, 2 * MS);
    CHECK_EQ(core()->spent[CPU_SOFTIRQ], 1847 * NS);
    CHECK_EQ(rig_note(&r, TRACE_SOFTIRQ_EXIT, 0)->at, 1 * MS + (1 + 8 + 32 + 64 + 512 + 16) * NS);
    rig_free(&r);
}
END_TEST

/* 10 ns for asking and 100 for the wakeup, beside ten polls of 1 us. */
START_TEST(leaving_the_rest_to_ksoftirqd_costs_the_session)
{
    begin("cost.softirq.wake_ksoftirqd=10cycles cost.sched.wake_idle=100cycles");
    add(64 * 10, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(core()->spent[CPU_SOFTIRQ], 10 * US + 110 * NS);
    rig_free(&r);
}
END_TEST

/* ---- costs at the edges of a session ---- */

/* A poll of 1 us at the exit of an interrupt into a task, and 150 ns back into it: a step of 10 us ends at
 * 11.15 us. */
START_TEST(a_session_at_irq_exit_costs_the_interrupted_task_its_return)
{
    struct worker w;
    struct pulse p;

    begin("cost.softirq.inline_return=150cycles");
    add(1, 1 * US);
    worker_init(&w, core());
    worker_step(&w, 10 * US, 0);
    worker_wake(&w);
    pulse_init(&p, core(), 0, schedule_one, &nic[0]);
    pulse_at(&p, 3 * US);
    rig_until(&r, 1 * MS);
    CHECK_EQ(w.ended[0], 11150 * NS);
    CHECK_EQ(core()->spent[CPU_SOFTIRQ], 1 * US);
    CHECK_EQ(core()->spent[CPU_TASK], 10150 * NS);
    rig_free(&r);
}
END_TEST

/* Idle has nothing to go back to, and at bh-enable the task is on its way already. */
START_TEST(a_session_elsewhere_costs_no_return)
{
    struct task t;
    struct pulse p;

    begin("cost.softirq.inline_return=150cycles");
    add(1, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(core()->idle_at, 1 * MS + 1 * US);
    rig_free(&r);

    begin("cost.softirq.inline_return=150cycles");
    add(1, 1 * US);
    task_init(&t, core(), "task", NULL, disabled);
    sched_wake(&t, core());
    cpu_kick(core());
    pulse_init(&p, core(), 0, schedule_one, &nic[0]);
    pulse_at(&p, 3 * US);
    rig_until(&r, 1 * MS);
    CHECK_EQ(enabled_at, 11 * US);
    CHECK_EQ(core()->idle_at, 11 * US);
    rig_free(&r);
}
END_TEST

static void works_on(struct context *x)
{
    context_work(x, 1 * US, after_enable);
}

static void enable_and_work(struct context *x)
{
    local_bh_enable(x, works_on);
}

static void disabled_then_works(struct context *x)
{
    x->flags = STEP_BH_OFF;
    context_work(x, 10 * US, enable_and_work);
}

static void schedule_and_wake_ksoftirqd(struct context *x, void *unused)
{
    (void)unused;
    napi_schedule(&nic[0].napi);
    sched_wake(&x->cpu->softirq->ksoftirqd, x->cpu);
}

/* Bottom halves are off for 10 us, then comes 1 us of work. An interrupt at 3 us raises NET_RX, of 1 us, and
 * wakes ksoftirqd: where the kernel defers, the task only finds that out, for 40 ns, and goes on. Elsewhere it
 * polls. With nothing pending there is nothing to find out. */
START_TEST(a_bh_enable_that_leaves_softirqs_to_ksoftirqd_has_a_cost)
{
    static const struct { const char *settings; bool raised; ps_t at; } row[] = {
        { "kernel.softirq.ksoftirqd_defers=on", true, 11040 * NS },
        { "kernel.softirq.ksoftirqd_defers=off", true, 12000 * NS },
        { "kernel.softirq.ksoftirqd_defers=on", false, 11000 * NS },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct task t;
        struct pulse p;

        rig_init(&r, 0, "cost.softirq.deferred=40cycles");
        rig_set(&r, row[i].settings);
        rig_start(&r);
        scheduled = 0;
        add(1, 1 * US);
        task_init(&t, core(), "task", NULL, disabled_then_works);
        sched_wake(&t, core());
        cpu_kick(core());
        pulse_init(&p, core(), 0, row[i].raised ? schedule_and_wake_ksoftirqd : NULL, NULL);
        pulse_at(&p, 3 * US);
        rig_until(&r, 1 * MS);
        CHECK_EQ(enabled_at, row[i].at);
        CHECK_EQ(nic[0].polls, row[i].raised);
        rig_free(&r);
    }
}
END_TEST

/* Sessions of one pass: the first poll is at the interrupt's exit, at 1 us; ksoftirqd starts, 400 ns, and
 * polls; again, 80 ns, and polls. */
START_TEST(ksoftirqd_costs_its_start_once_and_then_each_session)
{
    begin("kernel.softirq.max_restart=1 cost.softirq.ksoftirqd_start=400cycles "
          "cost.softirq.ksoftirqd_again=80cycles");
    add(64 * 2 + 1, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polled[0], 1 * MS + 1 * US);
    CHECK_EQ(nic[0].polled[1], 1 * MS + 2400 * NS);
    CHECK_EQ(nic[0].polled[2], 1 * MS + 3480 * NS);
    CHECK_EQ(core()->idle_at, 1 * MS + 3480 * NS);              /* nothing pending: it only goes to sleep */
    rig_free(&r);
}
END_TEST

/* A FIFO task of 50 us wakes in ksoftirqd's first poll, which ends at 2.4 us. When the thread comes back it
 * begins its loop from the top: 400 again, not 80. */
START_TEST(ksoftirqd_starts_over_after_a_switch)
{
    struct worker w;
    struct pulse p;

    begin("kernel.softirq.max_restart=1 cost.softirq.ksoftirqd_start=400cycles "
          "cost.softirq.ksoftirqd_again=80cycles");
    add(64 * 2 + 1, 1 * US);
    worker_init(&w, core());
    worker_step(&w, 50 * US, 0);
    w.task.fifo = true;
    pulse_init(&p, core(), 0, wake_worker, &w);
    pulse_at(&p, 1 * MS + 2 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[0].polled[1], 1 * MS + 2400 * NS);
    CHECK_EQ(w.began[0], 1 * MS + 2400 * NS);
    CHECK_EQ(nic[0].polled[2], 1 * MS + 2400 * NS + 50 * US + 1400 * NS);
    rig_free(&r);
}
END_TEST

/* 7 ns between two polls of a run, so twice for three; nothing after the last. Of two NAPIs the second of
 * which joins during the first's poll: once, if the run takes it in. */
START_TEST(a_run_costs_for_each_further_poll)
{
    struct pulse late;

    begin("cost.softirq.next_poll=7cycles");
    for (int i = 0; i < 3; i++)
        add(1, 1 * US);
    run(1 * MS, 2 * MS);
    CHECK_EQ(nic[1].polled[0], 1 * MS + 2007 * NS);
    CHECK_EQ(rig_note(&r, TRACE_SOFTIRQ_EXIT, 0)->at, 1 * MS + 3014 * NS);
    rig_free(&r);

    for (int joins = 0; joins < 2; joins++) {
        rig_init(&r, 0, "cost.softirq.next_poll=7cycles");
        rig_set(&r, joins ? "kernel.napi.schedule_in_run=on" : "kernel.napi.schedule_in_run=off");
        rig_start(&r);
        scheduled = 0;
        add(1, 1 * US);
        fake_init(&nic[1], core(), 64, 1, 1 * US, false);
        pulse_init(&late, core(), 0, schedule_one, &nic[1]);
        pulse_at(&late, 1 * MS + 500 * NS);
        run(1 * MS, 2 * MS);
        CHECK_EQ(nic[1].polled[0], 1 * MS + 2 * US + (joins ? 7 * NS : 0));
        rig_free(&r);
    }
}
END_TEST

/* ---- NET_TX ---- */

static void raise_three(struct context *x, void *unused)
{
    (void)unused;
    napi_schedule(&nic[0].napi);
    x->cpu->softirq->completed = 3;
    softirq_raise(x->cpu, SOFTIRQ_NET_TX);
    softirq_raise(x->cpu, SOFTIRQ_TIMER);
}

/* TIMER 5 us, NET_TX 2 us and 100 ns for each of three skbs, then the poll of 1 us. */
START_TEST(net_tx_runs_after_timer_and_before_net_rx)
{
    struct pulse p;

    begin("cost.softirq.timer=5000cycles cost.softirq.net_tx=2000cycles cost.tx.free=100cycles");
    add(1, 1 * US);
    pulse_init(&p, core(), 0, raise_three, NULL);
    pulse_at(&p, 1 * MS);
    rig_until(&r, 1 * MS + 5 * US - 1);
    CHECK_EQ(core()->softirq->completed, 3);
    rig_until(&r, 1 * MS + 5 * US);
    CHECK_EQ(core()->softirq->completed, 0);
    rig_until(&r, 2 * MS);
    CHECK_EQ(nic[0].polled[0], 1 * MS + 8300 * NS);
    CHECK_EQ(counted().sessions, 1);
    rig_free(&r);
}
END_TEST

/* ---- the sysctl's least value ---- */

/* Two jiffies are 8 ms at HZ 250 and 2 ms at HZ 1000. 0 is the default, and older kernels take anything. */
START_TEST(kernels_that_refuse_a_budget_below_two_jiffies_say_so)
{
    static const struct { const char *settings, *why; } row[] = {
        { "kernel.hz=250 net.core.netdev_budget_usecs=7999us",
          "net.core.netdev_budget_usecs is 7999us: this kernel refuses less than two jiffies, 8000us at "
          "kernel.hz 250, and keeps its old value" },
        { "kernel.hz=250 net.core.netdev_budget_usecs=8000us", NULL },
        { "kernel.hz=250 net.core.netdev_budget_usecs=0us", NULL },
        { "kernel.hz=1000 net.core.netdev_budget_usecs=1999us", "2000us at kernel.hz 1000" },
        { "kernel.hz=1000 net.core.netdev_budget_usecs=2000us", NULL },
        { "kernel.hz=250 net.core.netdev_budget_usecs=1us kernel.netdev_budget_usecs_min=off", NULL },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char buffer[256] = "";

        rig_init(&r, 0, row[i].settings);
        rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        const char *why = config_check(&r.config, buffer, sizeof buffer);
        bool right = row[i].why ? why && strstr(why, row[i].why) : !why;
        ck_assert_msg(right, "%s: %s", row[i].settings, why ? why : "accepted");
        rig_free(&r);
    }
}
END_TEST

/* ---- recv() and the softirqs that its unlock runs ---- */

/* A socket with room for one datagram, polls of one frame, sessions of one pass. The first of three datagrams
 * wakes the reader, the other two wait in the ring while NET_RX stays pending for ksoftirqd. recv() takes the
 * first, so that the second has room when the unlock polls it, before the first is copied (5 us); and so on.
 * Were softirqs run before the datagram is taken, the second would meet a full socket. */
START_TEST(a_recv_takes_its_datagram_before_pending_softirqs_run)
{
    const ps_t at = 1 * US + RIG_WIRE + 10 * NS;

    rig_init(&r, 1, "kernel.softirq.max_restart=1 kernel.napi.weight=1 net.core.rmem_default=2304B "
                    "pcie.msix_latency=10ns kernel.udp.rcvbuf_test=after cost.recv.dequeue=5us");
    rig_burst(&r, 1 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    CHECK_EQ(rig_note(&r, TRACE_SOCK_QUEUE, 0)->at, at);
    CHECK_EQ(rig_note(&r, TRACE_SOCK_QUEUE, 1)->at, at);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, at + 5 * US);
    CHECK_EQ(rig_note(&r, TRACE_SOCK_QUEUE, 2)->at, at + 5 * US);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 1)->at, at + 10 * US);
    CHECK_EQ(core()->spent[CPU_KSOFTIRQD], 0);
    rig_free(&r);
}
END_TEST

SUITE(softirq, a_napi_that_used_its_weight_is_not_polled_again_in_the_same_run,
      the_budget_binds_a_single_napi_only_up_to_its_weight, five_saturated_napis_use_up_a_budget_of_300,
      the_next_list_is_the_unpolled_then_the_newly_scheduled_then_the_repolled,
      a_run_with_a_napi_to_repoll_ends_when_its_list_is_empty,
      a_napi_scheduled_during_a_run_joins_it_where_the_kernel_allows,
      old_kernels_repoll_within_the_run_until_the_budget_is_gone,
      old_kernels_put_a_napi_that_used_its_weight_behind_the_others,
      old_kernels_do_not_count_a_squeeze_when_nothing_is_left, the_time_limit_of_a_run_is_two_jiffies,
      netdev_budget_usecs_is_rounded_up_to_jiffies, after_ten_passes_the_rest_is_ksoftirqds,
      ten_passes_that_leave_nothing_wake_nobody, need_resched_ends_the_session_after_the_pass,
      the_session_ends_when_its_jiffies_have_passed,
      a_runnable_ksoftirqd_defers_softirqs_where_the_kernel_says_so, any_interrupt_exit_runs_what_is_pending,
      a_softirq_does_not_interrupt_a_softirq, local_bh_enable_runs_what_was_raised_meanwhile,
      a_recv_runs_pending_softirqs_where_it_drops_the_queue_lock, timer_runs_before_net_rx,
      each_part_of_a_session_costs_once_where_it_happens, leaving_the_rest_to_ksoftirqd_costs_the_session,
      a_session_at_irq_exit_costs_the_interrupted_task_its_return, a_session_elsewhere_costs_no_return,
      a_bh_enable_that_leaves_softirqs_to_ksoftirqd_has_a_cost,
      ksoftirqd_costs_its_start_once_and_then_each_session, ksoftirqd_starts_over_after_a_switch,
      a_run_costs_for_each_further_poll, net_tx_runs_after_timer_and_before_net_rx,
      kernels_that_refuse_a_budget_below_two_jiffies_say_so,
      a_recv_takes_its_datagram_before_pending_softirqs_run)
