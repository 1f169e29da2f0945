/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sched.h"

#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static struct cpu *core(void)
{
    return &r.host.cpu[0];
}

static void begin(const char *settings)
{
    rig_init(&r, 0, settings);
    rig_start(&r);
}

/* A handler that wakes a task. */
static void wake(struct context *x, void *worker)
{
    struct worker *w = worker;

    x->owed += sched_wake(&w->task, x->cpu);
}

/* Wakes `w` by an interrupt of core 0 at `when`. */
static void wake_at(struct pulse *p, struct worker *w, ps_t when)
{
    pulse_init(p, core(), 0, wake, w);
    pulse_at(p, when);
}

/* From idle 2 us, to the other task 3 us, to idle 4 us: 10 + 2, + 5 of work, + 3, + 7 of work, + 4. */
START_TEST(every_switch_takes_its_own_time)
{
    struct worker a, b;
    struct pulse wake_a, wake_b;

    begin("cost.sched.switch_from_idle=2000cycles cost.sched.switch=3000cycles "
          "cost.sched.switch_to_idle=4000cycles");
    worker_init(&a, core());
    worker_step(&a, 5 * US, 0);
    worker_init(&b, core());
    worker_step(&b, 7 * US, 0);
    wake_at(&wake_a, &a, 10 * US);
    wake_at(&wake_b, &b, 13 * US);
    rig_until(&r, 31 * US - 1);
    ck_assert_ptr_nonnull(core()->running);
    rig_until(&r, 31 * US);
    ck_assert_ptr_null(core()->running);
    CHECK_EQ(a.began[0], 12 * US);
    CHECK_EQ(b.began[0], 20 * US);
    CHECK_EQ(b.ended[0], 27 * US);
    CHECK_EQ(core()->rq->counters.context_switches, 3);
    CHECK_EQ(core()->rq->counters.wakeups, 2);
    CHECK_EQ(core()->rq->counters.preemptions, 0);
    rig_free(&r);
}
END_TEST

/* The waker pays 1.5 us for a task on its own core, inside its handler, before the task may start. */
START_TEST(a_wakeup_costs_its_waker)
{
    struct worker a;
    struct pulse p;

    begin("cost.sched.wake_idle=1500cycles");
    worker_init(&a, core());
    worker_step(&a, 1 * US, 0);
    wake_at(&p, &a, 10 * US);
    rig_until(&r, 20 * US);
    CHECK_EQ(a.began[0], 11500 * NS);
    rig_free(&r);
}
END_TEST

/* Three tasks have run for 3, 1 and 2 ms before. Woken in the order a, b, c under a fourth that leaves the
 * core at 100 ms, they start in the order of what they have run: b, c, a. The credit is so large that a
 * sleep costs none. */
START_TEST(cfs_runs_the_task_that_has_run_least)
{
    static const ps_t ran[3] = { 3 * MS, 1 * MS, 2 * MS };
    struct worker w[3], holder;
    struct pulse first[3], again[3], hold;

    begin("kernel.sched=cfs kernel.sched_sleeper_credit=1s");
    for (int i = 0; i < 3; i++) {
        worker_init(&w[i], core());
        worker_step(&w[i], ran[i], 0);
        wake_at(&first[i], &w[i], (i + 1) * 10 * MS);
        wake_at(&again[i], &w[i], (60 + i) * MS);
    }
    worker_init(&holder, core());
    worker_step(&holder, 50 * MS, 0);
    wake_at(&hold, &holder, 50 * MS);
    rig_until(&r, 200 * MS);
    CHECK_EQ(w[1].began[1], 100 * MS);
    CHECK_EQ(w[2].began[1], 101 * MS);
    CHECK_EQ(w[0].began[1], 103 * MS);
    rig_free(&r);
}
END_TEST

/* a has run 20 ms when b, which never ran, wakes: b starts at 20 - 3 ms. With 30 ms of credit it keeps its
 * 0. */
START_TEST(cfs_places_a_sleeper_no_further_back_than_its_credit)
{
    for (int generous = 0; generous < 2; generous++) {
        struct worker a, b;
        struct pulse p, q;

        begin(generous ? "kernel.sched=cfs kernel.sched_sleeper_credit=30ms" : "kernel.sched=cfs");
        worker_init(&a, core());
        worker_step(&a, 50 * MS, 0);
        worker_init(&b, core());
        worker_step(&b, 1 * MS, 0);
        wake_at(&p, &a, 10 * MS);
        wake_at(&q, &b, 30 * MS);
        rig_until(&r, 31 * MS);
        CHECK_EQ(b.task.vruntime, generous ? 0 : 17 * MS);
        rig_free(&r);
    }
}
END_TEST

/* A task in user mode has run 20 ms. One that wakes with a credit of the granularity, 1 ms, stays behind it;
 * one picosecond more and it preempts at once. */
START_TEST(cfs_preempts_for_a_lead_above_the_wakeup_granularity_only)
{
    for (int more = 0; more < 2; more++) {
        struct worker a, b;
        struct pulse p, q;

        begin(more ? "kernel.sched=cfs kernel.sched_sleeper_credit=1000000001ps kernel.sched_latency=1s"
                   : "kernel.sched=cfs kernel.sched_sleeper_credit=1ms kernel.sched_latency=1s");
        worker_init(&a, core());
        worker_step(&a, 50 * MS, STEP_USER);
        worker_init(&b, core());
        worker_step(&b, 5 * MS, 0);
        wake_at(&p, &a, 10 * MS);
        wake_at(&q, &b, 30 * MS);
        rig_until(&r, 100 * MS);
        CHECK_EQ(b.began[0], more ? 30 * MS : 60 * MS);
        CHECK_EQ(a.ended[0], more ? 65 * MS : 60 * MS);
        CHECK_EQ(core()->rq->counters.preemptions, more);
        rig_free(&r);
    }
}
END_TEST

/* Latency 6 ms, two tasks: a slice is 3 ms. Ticks each ms from 0; a runs from 0, so at the tick of 3 ms it
 * has had its slice and no more, at that of 4 ms more. b, from 4 ms on, has had 3 ms at the tick of 7 ms,
 * more at 8 ms. */
START_TEST(cfs_ends_a_slice_at_the_first_tick_after_it)
{
    struct worker a, b;
    struct pulse q;

    begin("kernel.sched=cfs kernel.sched_sleeper_credit=0ns kernel.hz=1000 kernel.tick_phase=0ns");
    worker_init(&a, core());
    worker_step(&a, 20 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 20 * MS, STEP_USER);
    worker_wake(&a);
    wake_at(&q, &b, 0);
    rig_until(&r, 4 * MS - 1);
    CHECK_EQ(b.n, 0);
    ck_assert_ptr_eq(core()->rq->current, &a.task);
    rig_until(&r, 4 * MS);
    CHECK_EQ(b.began[0], 4 * MS);
    rig_until(&r, 8 * MS - 1);
    ck_assert_ptr_eq(core()->rq->current, &b.task);
    rig_until(&r, 8 * MS);
    ck_assert_ptr_eq(core()->rq->current, &a.task);
    rig_free(&r);
}
END_TEST

/* Nine share a period of 6 ms, but none runs for less than the minimum of 2.5 ms: the first ends at the tick of 3 ms. */
START_TEST(a_cfs_slice_is_no_shorter_than_the_minimum)
{
    struct worker w[9];
    struct pulse q[9];

    begin("kernel.sched=cfs kernel.sched_sleeper_credit=0ns kernel.hz=1000 kernel.tick_phase=0ns "
          "kernel.sched_min_granularity=2500us");
    for (int i = 0; i < 9; i++) {
        worker_init(&w[i], core());
        worker_step(&w[i], 20 * MS, STEP_USER);
        if (i == 0)
            worker_wake(&w[i]);
        else
            wake_at(&q[i], &w[i], 0);
    }
    rig_until(&r, 3 * MS - 1);
    ck_assert_ptr_eq(core()->rq->current, &w[0].task);
    rig_until(&r, 3 * MS);
    ck_assert_ptr_ne(core()->rq->current, &w[0].task);
    rig_free(&r);
}
END_TEST

/* Both are placed where the average is, so the one that came first has the earlier deadline and keeps the
 * core. At the tick of 9 ms it is past its slice of 0.75 ms and far ahead of the average: the other one
 * runs. */
START_TEST(eevdf_takes_the_earliest_deadline_and_ends_a_slice_at_the_tick)
{
    struct worker a, b;
    struct pulse p;

    begin("");
    worker_init(&a, core());
    worker_step(&a, 20 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 1 * MS, 0);
    worker_wake(&a);
    wake_at(&p, &b, 300 * US);
    rig_until(&r, 300 * US);
    CHECK_EQ(a.task.deadline, 750 * US);
    CHECK_EQ(b.task.vruntime, 300 * US);
    CHECK_EQ(b.task.deadline, 1050 * US);
    rig_until(&r, 50 * MS);
    CHECK_EQ(b.began[0], 9 * MS);
    CHECK_EQ(a.ended[0], 21 * MS);
    rig_free(&r);
}
END_TEST

/* At 8.5 ms a has run 8.5 ms, b and c nothing: the average is 2.8 ms. a is not eligible, though its deadline
 * is the earliest by far. */
START_TEST(eevdf_does_not_take_a_task_that_is_ahead_of_the_average)
{
    struct worker a, b, c;
    struct pulse p, q, look;

    begin("");
    worker_init(&a, core());
    worker_step(&a, 20 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 1 * MS, 0);
    worker_init(&c, core());
    worker_step(&c, 1 * MS, 0);
    worker_wake(&a);
    wake_at(&p, &b, 0);
    rig_until(&r, 0);
    wake_at(&q, &c, 0);
    rig_until(&r, 8 * MS);
    a.task.deadline = -1;
    core()->rq->need_resched = true;
    pulse_init(&look, core(), 0, NULL, NULL);   /* the way back from an interrupt is where the core looks */
    pulse_at(&look, 8500 * US);
    rig_until(&r, 50 * MS);
    CHECK_EQ(b.began[0], 8500 * US);
    CHECK_EQ(c.began[0], 9500 * US);
    rig_free(&r);
}
END_TEST

/* b runs 0.1 ms at 9 ms and sleeps 8.6 ms behind a, so 4.3 ms behind their average: 4 ms of that are kept. When it wakes
 * at 15 ms a has run 14.9 ms: twice the lag behind, at 6.9 ms, b is 4 ms behind the new average. It is due 0.75 ms later
 * and takes the core from a, whose slice is over. */
START_TEST(eevdf_keeps_the_lag_of_a_sleeper_up_to_its_limit)
{
    struct worker a, b;
    struct pulse p, q;

    begin("kernel.sched_lag_limit=4ms");
    worker_init(&a, core());
    worker_step(&a, 30 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 100 * US, 0);
    worker_wake(&a);
    wake_at(&p, &b, 300 * US);
    rig_until(&r, 10 * MS);
    CHECK_EQ(b.ended[0], 9100 * US);
    CHECK_EQ(b.task.lag, 4 * MS);
    wake_at(&q, &b, 15 * MS);
    rig_until(&r, 15 * MS);
    CHECK_EQ(b.began[1], 15 * MS);
    CHECK_EQ(b.task.vruntime, 6900 * US);
    CHECK_EQ(b.task.deadline, 7650 * US);
    rig_free(&r);
}
END_TEST

/* b wakes beside a at 1 ms of virtual time and waits while a keeps the kernel for 20 ms; a sleeps 19 ms
 * ahead of it, of which 4 ms are remembered. b's wakeup had asked for a switch, so the switch at 20 ms does not read the
 * clock: it stands at the tick of 19 ms, and at 22 ms b has been charged 3 ms. a is placed at 4 + 8 ms, so that it is 4 ms
 * ahead of their average, and b goes on. */
START_TEST(eevdf_makes_a_task_that_had_too_much_wait)
{
    struct worker a, b;
    struct pulse p, q;

    begin("kernel.sched_lag_limit=4ms kernel.sched_delay_dequeue=off");
    worker_init(&a, core());
    worker_step(&a, 20 * MS, 0);
    worker_init(&b, core());
    worker_step(&b, 6 * MS, STEP_USER);
    worker_wake(&a);
    wake_at(&p, &b, 1 * MS);
    wake_at(&q, &a, 22 * MS);
    rig_until(&r, 22 * MS);
    CHECK_EQ(b.began[0], 20 * MS);
    CHECK_EQ(a.task.lag, -4 * MS);
    CHECK_EQ(a.task.vruntime, 12 * MS);
    rig_until(&r, 50 * MS);
    CHECK_EQ(b.ended[0], 26 * MS);
    CHECK_EQ(a.began[1], 26 * MS);
    rig_free(&r);
}
END_TEST

/* A task wakes 20 ms ahead while another is in the kernel until 40 ms: it starts there, where user mode
 * begins, and not at the interrupt that woke it. */
START_TEST(a_preemption_waits_for_the_return_to_user_mode)
{
    struct worker a, b;
    struct pulse p, q;

    begin("kernel.sched=cfs");
    worker_init(&a, core());
    worker_step(&a, 30 * MS, 0);
    worker_step(&a, 10 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 1 * MS, 0);
    wake_at(&p, &a, 10 * MS);
    wake_at(&q, &b, 30 * MS);
    rig_until(&r, 30 * MS);
    ck_assert(core()->rq->need_resched);
    rig_until(&r, 100 * MS);
    CHECK_EQ(a.ended[0], 40 * MS);
    CHECK_EQ(b.began[0], 40 * MS);
    CHECK_EQ(a.began[1], 41 * MS);
    CHECK_EQ(a.ended[1], 51 * MS);
    rig_free(&r);
}
END_TEST

/* The same in user mode: at once, and the rest of the step comes after. */
START_TEST(a_task_in_user_mode_is_preempted_in_the_middle_of_a_step)
{
    struct worker a, b;
    struct pulse p, q;

    begin("kernel.sched=cfs");
    worker_init(&a, core());
    worker_step(&a, 30 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 1 * MS, 0);
    wake_at(&p, &a, 10 * MS);
    wake_at(&q, &b, 30 * MS);
    rig_until(&r, 100 * MS);
    CHECK_EQ(b.began[0], 30 * MS);
    CHECK_EQ(a.ended[0], 41 * MS);
    CHECK_EQ(core()->rq->counters.preemptions, 1);
    rig_free(&r);
}
END_TEST

/* A task that has found nothing to do and is on its way to the switch. */
struct sleeper {
    struct task task;
    ps_t woke;
    int rounds;
};

static void sleeper_woke(struct context *x)
{
    struct sleeper *s = x->task->owner;

    s->woke = x->cpu->engine->now;
    s->rounds++;
    sched_prepare_sleep(x->task);
    sched_sleep(x, sleeper_woke);
}

static void sleeper_sleeps(struct context *x)
{
    sched_sleep(x, sleeper_woke);
}

static void sleeper_finds_nothing(struct context *x)
{
    sched_prepare_sleep(x->task);
    context_work(x, 5 * US, sleeper_sleeps);
}

static void wake_sleeper(struct context *x, void *sleeper)
{
    struct sleeper *s = sleeper;

    sched_wake(&s->task, x->cpu);
}

/* It declares at 0 that it will sleep and reaches the switch at 5 us; woken at 2 us, it goes on at 5 us
 * without a switch. A second wakeup meanwhile finds it awake. */
START_TEST(a_wakeup_between_finding_nothing_and_the_switch_is_not_lost)
{
    struct sleeper s = { .rounds = 0 };
    struct pulse p, q;

    begin("");
    task_init(&s.task, core(), "sleeper", &s, sleeper_finds_nothing);
    pulse_init(&p, core(), 0, wake_sleeper, &s);
    pulse_init(&q, core(), 0, wake_sleeper, &s);
    pulse_at(&p, 2 * US);
    pulse_at(&q, 3 * US);
    sched_wake(&s.task, core());
    cpu_kick(core());
    CHECK_EQ(core()->rq->counters.context_switches, 1);
    rig_until(&r, 5 * US - 1);
    CHECK_EQ(s.rounds, 0);
    rig_until(&r, 1 * MS);
    CHECK_EQ(s.rounds, 1);
    CHECK_EQ(s.woke, 5 * US);
    CHECK_EQ(core()->rq->counters.context_switches, 2);         /* the second leads to idle */
    CHECK_EQ(core()->rq->counters.preemptions, 0);
    CHECK_EQ(core()->rq->counters.wakeups, 2);
    rig_free(&r);
}
END_TEST

/* The core is on its way to idle from 5 to 9 us when another core wakes the task at 6 us: it runs again at
 * 9 us + 2 us for the switch from idle. */
START_TEST(a_wakeup_during_the_switch_to_idle_is_not_lost)
{
    struct worker a;
    struct pulse p;

    begin("cpu.count=2 cost.sched.switch_to_idle=4000cycles cost.sched.switch_from_idle=2000cycles");
    worker_init(&a, core());
    worker_step(&a, 3 * US, 0);
    pulse_init(&p, &r.host.cpu[1], 0, wake, &a);
    pulse_at(&p, 6 * US);
    worker_wake(&a);
    rig_until(&r, 1 * MS);
    CHECK_EQ(a.ended[0], 5 * US);
    CHECK_EQ(a.began[1], 11 * US);
    rig_free(&r);
}
END_TEST

/* From core 1, at 10 us: the waker's 2.5 us do not hold up the message, which flies for 500 ns; then the
 * handler of 400 ns, and the idle state's exit of 3 us before it. */
START_TEST(a_task_on_another_core_is_woken_by_an_interrupt_to_it)
{
    struct worker a;
    struct pulse p;

    begin("cpu.count=2 cpu.ipi_latency=500ns cost.sched.ipi=400cycles cost.sched.wake_remote=2500cycles "
          "cpu.cstate.exit_latency=3us");
    worker_init(&a, core());
    worker_step(&a, 1 * US, 0);
    pulse_init(&p, &r.host.cpu[1], 0, wake, &a);
    pulse_at(&p, 10 * US);
    rig_until(&r, 13900 * NS - 1 + 3000 * NS);
    CHECK_EQ(a.n, 0);
    rig_until(&r, 1 * MS);
    /* core 1 left its idle state first: the handler runs at 13 us */
    CHECK_EQ(p.handled[0], 13 * US);
    CHECK_EQ(a.began[0], 16900 * NS);
    CHECK_EQ(core()->counters.ipis, 1);
    rig_free(&r);
}
END_TEST

/* A woken task that will not preempt needs no message: the core comes to it by itself. */
START_TEST(no_interrupt_is_sent_for_a_task_that_does_not_preempt)
{
    struct worker a, b;
    struct pulse p;

    begin("cpu.count=2 kernel.sched=cfs kernel.sched_sleeper_credit=0ns");
    worker_init(&a, core());
    worker_step(&a, 10 * US, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 1 * US, 0);
    worker_wake(&a);
    pulse_init(&p, &r.host.cpu[1], 0, wake, &b);
    pulse_at(&p, 5 * US);
    rig_until(&r, 1 * MS);
    CHECK_EQ(core()->counters.ipis, 0);
    CHECK_EQ(b.began[0], 10 * US);
    rig_free(&r);
}
END_TEST

/* 10 ms of its own and a handler of 2 ms. */
START_TEST(interrupt_time_is_charged_to_the_task_below)
{
    struct worker a;
    struct pulse p;

    begin("");
    worker_init(&a, core());
    worker_step(&a, 10 * MS, 0);
    pulse_init(&p, core(), 2 * MS, NULL, NULL);
    pulse_at(&p, 3 * MS);
    worker_wake(&a);
    rig_until(&r, 50 * MS);
    CHECK_EQ(a.ended[0], 12 * MS);
    CHECK_EQ(a.task.vruntime, 12 * MS);
    rig_free(&r);
}
END_TEST

/* ---- CFS: the slice that ends early ---- */

/* a has run 10 ms before and is alone again until b wakes. At the tick of 21 ms a's slice is 3 ms (6 ms for
 * two), and it has run 0.75 ms, its minimum, so that it stands at 10.75 ms: b is let in if it is further
 * behind than the slice, behind 7.75 ms. Else, or one picosecond short of the minimum, at the next tick. */
START_TEST(cfs_ends_a_short_slice_when_the_next_is_further_behind_than_a_whole_one)
{
    static const struct { ps_t woken, vruntime, began; } row[] = {
        { 20250 * US, 7750 * US - 1, 21 * MS }, { 20250 * US, 7750 * US, 22 * MS },
        { 20250 * US + 1, 0, 22 * MS },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct worker a, b;
        struct pulse again, q;

        begin("kernel.sched=cfs kernel.hz=1000 kernel.tick_phase=0ns kernel.sched_sleeper_credit=1s "
              "kernel.sched_wakeup_granularity=1s");
        worker_init(&a, core());
        worker_step(&a, 10 * MS, STEP_USER);
        worker_init(&b, core());
        worker_step(&b, 1 * MS, 0);
        b.task.vruntime = row[i].vruntime;
        worker_wake(&a);
        wake_at(&again, &a, row[i].woken);
        wake_at(&q, &b, 20500 * US);
        rig_until(&r, 25 * MS);
        CHECK_EQ(b.began[0], row[i].began);
        rig_free(&r);
    }
}
END_TEST

/* ---- the run queue's clock ---- */

/* b wakes at 12 ms under a, which is in the kernel from 10 to 15 ms; no tick is between. If that wakeup asks
 * for the switch, the switch leaves the clock at 12 ms: a is charged 2 ms, and b, from 15 to 16 ms, 4 ms. If
 * it does not (the granularity is never reached), a's sleep at 15 ms reads it: 5 and 1. */
START_TEST(a_switch_that_a_wakeup_asked_for_charges_the_time_since_then_to_the_next)
{
    for (int asked = 0; asked < 2; asked++) {
        struct worker a, b;
        struct pulse p, q;

        begin(asked ? "kernel.sched=cfs" : "kernel.sched=cfs kernel.sched_wakeup_granularity=1s");
        worker_init(&a, core());
        worker_step(&a, 5 * MS, 0);
        worker_init(&b, core());
        worker_step(&b, 1 * MS, 0);
        wake_at(&p, &a, 10 * MS);
        wake_at(&q, &b, 12 * MS);
        rig_until(&r, 17 * MS);
        CHECK_EQ(b.began[0], 15 * MS);
        CHECK_EQ(a.task.vruntime, asked ? 2 * MS : 5 * MS);
        CHECK_EQ(b.task.vruntime, asked ? 4 * MS : 1 * MS);
        rig_free(&r);
    }
}
END_TEST

/* ---- EEVDF: run to parity ---- */

/* a, from 0, is due at 0.75 ms. c comes at 0.1 ms with a lag of -4 ms and stands far ahead, 0.1 + 2 x 4 = 8.1
 * ms, so that the average is 4.2 ms when b comes at 0.3 ms with a lag of 3 ms: 4.2 - 1.5 x 3 = -0.3 ms, due at
 * 0.45 ms, before a. a is eligible (the average is 2.7 ms) and keeps the core. d's wakeup makes the queue look
 * again: from a's deadline on it is b's turn, one picosecond earlier b waits for the tick of 9 ms. */
START_TEST(eevdf_keeps_the_picked_task_until_its_deadline_while_it_is_eligible)
{
    for (int late = 0; late < 2; late++) {
        struct worker a, b, c, d;
        struct pulse p, q, s;

        begin("");
        worker_init(&a, core());
        worker_step(&a, 20 * MS, STEP_USER);
        worker_init(&b, core());
        worker_step(&b, 100 * US, 0);
        worker_init(&c, core());
        worker_step(&c, 100 * US, 0);
        worker_init(&d, core());
        worker_step(&d, 100 * US, 0);
        b.task.lag = 3 * MS;
        c.task.lag = -4 * MS;
        worker_wake(&a);
        wake_at(&p, &c, 100 * US);
        wake_at(&q, &b, 300 * US);
        wake_at(&s, &d, 750 * US - !late);
        rig_until(&r, 300 * US);
        CHECK_EQ(b.task.vruntime, -300 * US);
        ck_assert(b.task.deadline < a.task.deadline);
        rig_until(&r, 10 * MS);
        CHECK_EQ(b.began[0], late ? 750 * US : 9 * MS);
        rig_free(&r);
    }
}
END_TEST

/* With a lag of 1 ms b comes at 0.3 - 2 = -1.7 ms and pulls the average to -0.7 ms. a, at 0.3 ms, is ahead of
 * it. */
START_TEST(eevdf_does_not_protect_a_picked_task_that_is_no_longer_eligible)
{
    struct worker a, b;
    struct pulse p;

    begin("");
    worker_init(&a, core());
    worker_step(&a, 20 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 100 * US, 0);
    b.task.lag = 1 * MS;
    worker_wake(&a);
    wake_at(&p, &b, 300 * US);
    rig_until(&r, 1 * MS);
    CHECK_EQ(b.task.deadline, -1700 * US + 750 * US);
    CHECK_EQ(b.began[0], 300 * US);
    CHECK_EQ(core()->rq->counters.preemptions, 1);
    rig_free(&r);
}
END_TEST

/* ---- EEVDF: delayed dequeue ---- */

/* b runs 2 ms from 0; a comes at 0.5 ms, to where b is then. b sleeps at 2 ms, 0.75 ms ahead of the average of
 * 1.25. */
static void ahead_and_asleep(struct worker *a, struct worker *b, struct pulse *p, const char *settings)
{
    begin(settings);
    worker_init(a, core());
    worker_step(a, 20 * MS, STEP_USER);
    worker_init(b, core());
    worker_step(b, 2 * MS, 0);
    worker_wake(b);
    wake_at(p, a, 500 * US);
    rig_until(&r, 2 * MS);
    CHECK_EQ(a->began[0], 2 * MS);
    CHECK_EQ(b->task.lag, -750 * US);
}

/* 0.3 ms later a is at 0.8 ms, the average at 1.4: b is woken where it was, at 2 ms. A kernel that took it off
 * places it anew, twice its lag ahead of a alone: 0.8 + 1.5 ms. */
START_TEST(a_task_that_sleeps_ahead_of_the_average_wakes_where_it_was)
{
    for (int delay = 0; delay < 2; delay++) {
        struct worker a, b;
        struct pulse p, q;

        ahead_and_asleep(&a, &b, &p, delay ? "kernel.sched_delay_dequeue=on" : "kernel.sched_delay_dequeue=off");
        CHECK_EQ(b.task.delayed, delay);
        wake_at(&q, &b, 2300 * US);
        rig_until(&r, 2300 * US);
        CHECK_EQ(b.task.vruntime, delay ? 2000 * US : 2300 * US);
        CHECK_EQ(b.task.state, TASK_RUNNABLE);
        ck_assert(!b.task.delayed);
        rig_free(&r);
    }
}
END_TEST

/* Woken at 4.1 ms, when a is at 2.6 and their average at 2.3 ms: what b had too much is made up, but it gains
 * nothing by having waited on the queue. It starts with a lag of 0, where a is. */
START_TEST(a_delayed_task_that_wakes_after_its_lag_was_made_up_starts_with_none)
{
    struct worker a, b;
    struct pulse p, q;

    ahead_and_asleep(&a, &b, &p, "");
    wake_at(&q, &b, 4100 * US);
    rig_until(&r, 4100 * US);
    CHECK_EQ(b.task.lag, 0);
    CHECK_EQ(b.task.vruntime, 2600 * US);
    CHECK_EQ(b.task.deadline, 3350 * US);
    rig_free(&r);
}
END_TEST

/* At the tick of 9 ms a is at 7.5 ms and it would be b's turn, which sleeps: it leaves the queue with a lag of
 * 0. a goes on without a switch. */
START_TEST(a_delayed_task_whose_turn_it_is_leaves_with_no_lag)
{
    struct worker a, b;
    struct pulse p;

    ahead_and_asleep(&a, &b, &p, "");
    CHECK_EQ(core()->rq->counters.context_switches, 2);
    rig_until(&r, 9 * MS - 1);
    ck_assert(b.task.delayed);
    rig_until(&r, 9 * MS + 5 * US);
    ck_assert(!b.task.delayed);
    CHECK_EQ(b.task.lag, 0);
    ck_assert_ptr_null(core()->rq->queued);
    ck_assert_ptr_eq(core()->rq->current, &a.task);
    CHECK_EQ(core()->rq->counters.context_switches, 2);
    CHECK_EQ(core()->rq->counters.preemptions, 0);
    rig_until(&r, 30 * MS);
    CHECK_EQ(a.ended[0], 22 * MS);
    rig_free(&r);
}
END_TEST

/* ---- SCHED_FIFO ---- */

/* A fair task in user mode leaves the core at once, whatever the rule; the FIFO task keeps it over ticks (9
 * and 19 ms) and over the wakeup of one that is owed a second. */
START_TEST(a_fifo_task_preempts_at_once_and_is_not_preempted)
{
    for (int cfs = 0; cfs < 2; cfs++) {
        struct worker fair, fifo, owed;
        struct pulse p, q;

        begin(cfs ? "kernel.sched=cfs" : "");
        worker_init(&fair, core());
        worker_step(&fair, 1 * MS, STEP_USER);
        worker_init(&fifo, core());
        worker_step(&fifo, 20 * MS, STEP_USER);
        worker_init(&owed, core());
        worker_step(&owed, 1 * MS, 0);
        fifo.task.fifo = true;
        owed.task.lag = 1 * SEC;
        owed.task.vruntime = -1 * SEC;
        worker_wake(&fair);
        wake_at(&p, &fifo, 200 * US);
        wake_at(&q, &owed, 10 * MS);
        rig_until(&r, 30 * MS);
        CHECK_EQ(fifo.began[0], 200 * US);
        CHECK_EQ(fifo.ended[0], 20200 * US);
        CHECK_EQ(owed.began[0], 20200 * US);
        CHECK_EQ(fair.ended[0], 22 * MS);
        CHECK_EQ(core()->rq->counters.preemptions, 1);
        rig_free(&r);
    }
}
END_TEST

/* Virtual time is the fair tasks': what a FIFO task runs is not charged to anybody. */
START_TEST(a_fifo_task_has_no_virtual_time)
{
    struct worker fair, fifo;
    struct pulse p;

    begin("kernel.sched=cfs");
    worker_init(&fair, core());
    worker_step(&fair, 1 * MS, STEP_USER);
    worker_init(&fifo, core());
    worker_step(&fifo, 5 * MS, 0);
    fifo.task.fifo = true;
    worker_wake(&fair);
    wake_at(&p, &fifo, 400 * US);
    rig_until(&r, 5400 * US);
    CHECK_EQ(fifo.task.vruntime, 0);
    CHECK_EQ(fair.task.vruntime, 400 * US);
    CHECK_EQ(core()->rq->min_vruntime, 400 * US);
    rig_free(&r);
}
END_TEST

/* ---- costs ---- */

#define SWITCH_COSTS "kernel.sched=cfs cost.sched.switch=1cycles cost.sched.switch_clock=2cycles " \
                     "cost.sched.switch_sleep=4cycles cost.sched.switch_preempted=8cycles " \
                     "cost.sched.switch_from_idle=16cycles cost.sched.switch_to_idle=32cycles"

/* In ns. a from idle at 10 ms: 16. At 15 ms b, 3 ms ahead, asks for the core: 1. It sleeps 1 ms later, which
 * reads the clock, and a had been preempted: 1 + 2 + 4 + 8. a's 20 ms are over after both and b's 1 ms, and
 * the core goes idle: 32. */
START_TEST(a_switch_costs_what_it_has_to_do)
{
    struct worker a, b;
    struct pulse p, q;
    const ps_t a_ended = 31 * MS + (16 + 1 + 15) * NS;

    begin(SWITCH_COSTS);
    worker_init(&a, core());
    worker_step(&a, 20 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 1 * MS, 0);
    wake_at(&p, &a, 10 * MS);
    wake_at(&q, &b, 15 * MS);
    rig_until(&r, 40 * MS);
    CHECK_EQ(a.began[0], 10 * MS + 16 * NS);
    CHECK_EQ(b.began[0], 15 * MS + 1 * NS);
    CHECK_EQ(a.ended[0], a_ended);
    CHECK_EQ(core()->idle_at, a_ended + 32 * NS);
    rig_free(&r);
}
END_TEST

/* Slices of 3 ms end at the ticks of 4 and 8 ms, which ask for a switch that reads the clock: 1 + 2, and 8
 * more for a, which has been on the core before. A task that slept comes back without these 8: 1 + 2 + 4. */
START_TEST(a_switch_that_the_tick_asked_for_reads_the_clock)
{
    struct worker a, b;
    struct pulse q;

    begin(SWITCH_COSTS " kernel.hz=1000 kernel.tick_phase=0ns kernel.sched_sleeper_credit=0ns");
    worker_init(&a, core());
    worker_step(&a, 6 * MS, STEP_USER);
    worker_init(&b, core());
    worker_step(&b, 20 * MS, STEP_USER);
    worker_wake(&a);
    wake_at(&q, &b, 0);
    rig_until(&r, 8 * MS + 11 * NS - 1);
    CHECK_EQ(b.began[0], 4 * MS + 3 * NS);
    ck_assert_ptr_null(core()->rq->current);
    rig_until(&r, 8 * MS + 11 * NS);
    ck_assert_ptr_eq(core()->rq->current, &a.task);
    rig_free(&r);
}
END_TEST

START_TEST(a_task_that_slept_is_not_one_that_was_preempted)
{
    struct worker a, b;
    struct pulse q;

    begin(SWITCH_COSTS " kernel.sched_sleeper_credit=0ns");
    worker_init(&a, core());
    worker_step(&a, 1 * MS, 0);
    worker_init(&b, core());
    worker_step(&b, 1 * MS, 0);
    worker_wake(&a);
    wake_at(&q, &b, 500 * US);
    rig_until(&r, 3 * MS);
    CHECK_EQ(a.ended[0], 1 * MS + 16 * NS);
    CHECK_EQ(b.began[0], 1 * MS + (16 + 7) * NS);
    rig_free(&r);
}
END_TEST

/* What a handler pays, in ns: idle 4; busy 1; busy and to preempt 1 + 2; a FIFO task 8 in either case. */
START_TEST(a_wakeup_costs_by_what_it_finds)
{
    static const struct { bool busy, preempt, fifo; int cost; } row[] = {
        { false, false, false, 4 }, { true, false, false, 1 }, { true, true, false, 3 },
        { true, true, true, 8 },
        { false, false, true, 8 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct worker a, b;
        struct pulse p;

        begin("kernel.sched=cfs cost.sched.wake=1cycles cost.sched.wake_preempt=2cycles "
              "cost.sched.wake_idle=4cycles "
              "cost.sched.wake_fifo=8cycles");
        worker_init(&a, core());
        worker_step(&a, 5 * MS, STEP_USER);
        worker_init(&b, core());
        worker_step(&b, 1 * US, 0);
        b.task.vruntime = row[i].preempt ? -10 * MS : 0;
        b.task.fifo = row[i].fifo;
        if (row[i].busy)
            worker_wake(&a);
        wake_at(&p, &b, 100 * US);
        rig_until(&r, 1 * MS);
        CHECK_EQ(core()->spent[CPU_HARDIRQ], row[i].cost * NS);
        CHECK_EQ(b.n > 0 ? b.began[0] : 0, row[i].busy && !row[i].preempt ? 0 : 100 * US + row[i].cost * NS);
        rig_free(&r);
    }
}
END_TEST

/* The core is on its way from idle to a FIFO task, 10 to 12 us, when another core wakes a fair one: that asks
 * for a switch, since nobody runs at that instant, and the FIFO task in user mode is picked again. Another
 * FIFO task waits as well. */
START_TEST(a_fifo_task_is_picked_again_whoever_has_woken)
{
    struct worker fifo, other, fair;
    struct pulse p, q, s;

    begin("cpu.count=2 cost.sched.switch_from_idle=2000cycles");
    worker_init(&fifo, core());
    worker_step(&fifo, 1 * MS, STEP_USER);
    worker_init(&other, core());
    worker_step(&other, 1 * MS, 0);
    worker_init(&fair, core());
    worker_step(&fair, 1 * MS, 0);
    fifo.task.fifo = other.task.fifo = true;
    wake_at(&p, &fifo, 10 * US);
    pulse_init(&q, &r.host.cpu[1], 0, wake, &fair);
    pulse_at(&q, 11 * US);
    wake_at(&s, &other, 500 * US);
    rig_until(&r, 5 * MS);
    CHECK_EQ(fifo.ended[0], 1012 * US);
    CHECK_EQ(other.began[0], 1012 * US);
    CHECK_EQ(fair.began[0], 2012 * US);
    CHECK_EQ(core()->rq->counters.preemptions, 0);
    rig_free(&r);
}
END_TEST

/* A SCHED_FIFO task is woken at 3 us while another is in the kernel until 10 us: with full preemption it runs at once, but not
 * within sections with softirqs or interrupts off. */
START_TEST(a_preemptible_kernel_does_not_wait_for_the_return_to_user_mode)
{
    static const struct { const char *preempt; unsigned flags; ps_t begins; } row[] = {
        { "kernel.preempt=voluntary", 0, 10 * US }, { "kernel.preempt=full", 0, 3 * US },
        { "kernel.preempt=full", STEP_BH_OFF, 10 * US }, { "kernel.preempt=full", STEP_IRQS_OFF, 10 * US },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct worker a, b;
        struct pulse p;
        begin(row[i].preempt);
        worker_init(&a, core());
        worker_step(&a, 10 * US, row[i].flags);
        worker_init(&b, core());
        b.task.fifo = true;
        worker_step(&b, 5 * US, 0);
        wake_at(&p, &b, 3 * US);
        worker_wake(&a);
        rig_until(&r, 30 * US);
        CHECK_EQ(b.began[0], row[i].begins);
        CHECK_EQ(a.ended[0], row[i].begins < 10 * US ? 15 * US : 10 * US);
        rig_free(&r);
    }
}
END_TEST

SUITE(sched, a_preemptible_kernel_does_not_wait_for_the_return_to_user_mode, every_switch_takes_its_own_time, a_wakeup_costs_its_waker, cfs_runs_the_task_that_has_run_least,
      cfs_places_a_sleeper_no_further_back_than_its_credit,
      cfs_preempts_for_a_lead_above_the_wakeup_granularity_only, cfs_ends_a_slice_at_the_first_tick_after_it,
      a_cfs_slice_is_no_shorter_than_the_minimum,
      eevdf_takes_the_earliest_deadline_and_ends_a_slice_at_the_tick,
      eevdf_does_not_take_a_task_that_is_ahead_of_the_average,
      eevdf_keeps_the_lag_of_a_sleeper_up_to_its_limit,
      eevdf_makes_a_task_that_had_too_much_wait, a_preemption_waits_for_the_return_to_user_mode,
      a_task_in_user_mode_is_preempted_in_the_middle_of_a_step,
      a_wakeup_between_finding_nothing_and_the_switch_is_not_lost,
      a_wakeup_during_the_switch_to_idle_is_not_lost, a_task_on_another_core_is_woken_by_an_interrupt_to_it,
      no_interrupt_is_sent_for_a_task_that_does_not_preempt, interrupt_time_is_charged_to_the_task_below,
      cfs_ends_a_short_slice_when_the_next_is_further_behind_than_a_whole_one,
      a_switch_that_a_wakeup_asked_for_charges_the_time_since_then_to_the_next,
      eevdf_keeps_the_picked_task_until_its_deadline_while_it_is_eligible,
      eevdf_does_not_protect_a_picked_task_that_is_no_longer_eligible,
      a_task_that_sleeps_ahead_of_the_average_wakes_where_it_was,
      a_delayed_task_that_wakes_after_its_lag_was_made_up_starts_with_none,
      a_delayed_task_whose_turn_it_is_leaves_with_no_lag,
      a_fifo_task_preempts_at_once_and_is_not_preempted,
      a_fifo_task_has_no_virtual_time,
      a_switch_costs_what_it_has_to_do,
      a_switch_that_the_tick_asked_for_reads_the_clock,
      a_task_that_slept_is_not_one_that_was_preempted,
      a_wakeup_costs_by_what_it_finds,
      a_fifo_task_is_picked_again_whoever_has_woken)
