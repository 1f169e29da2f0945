/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cpu.h"

#include "models/sched.h"
#include "models/softirq.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;
static struct worker w;

static struct cpu *core(void)
{
    return &r.host.cpu[0];
}

static ps_t spent(enum cpu_mode mode)
{
    cpu_settle(core());
    return core()->spent[mode];
}

/* Entry 100 ns, handlers of 500 ns, exit 50 ns: an interrupt takes 650 ns and its handler runs after 600. */
static void quick_interrupts(const char *more)
{
    rig_init(&r, 0, "cost.irq.entry=100cycles cost.irq.exit=50cycles");
    rig_set(&r, more);
    rig_start(&r);
    worker_init(&w, core());
}

/* A step of 10 us from 0 is interrupted at 3 us; 7 us are left when the core comes back at 3.65 us. */
START_TEST(an_interrupt_in_the_middle_of_a_step_ends_it_later_by_its_own_time)
{
    struct pulse p;

    quick_interrupts("");
    worker_step(&w, 10 * US, 0);
    pulse_init(&p, core(), 500 * NS, NULL, NULL);
    pulse_at(&p, 3 * US);
    worker_wake(&w);
    rig_until(&r, 3600 * NS - 1);
    CHECK_EQ(p.n, 0);
    rig_until(&r, 3600 * NS);
    CHECK_EQ(p.n, 1);
    rig_until(&r, 10650 * NS - 1);
    CHECK_EQ(w.n, 0);
    rig_until(&r, 10650 * NS);
    CHECK_EQ(w.n, 1);
    CHECK_EQ(spent(CPU_TASK), 10 * US);
    CHECK_EQ(spent(CPU_HARDIRQ), 650 * NS);
    CHECK_EQ(spent(CPU_IDLE), 0);
    rig_free(&r);
}
END_TEST

/* Interrupts are off for 4 us; a vector of 1 us in is taken when they are on again, before the next step's
 * work. */
START_TEST(interrupts_off_delays_a_vector_to_the_end_of_the_step)
{
    struct pulse p;

    quick_interrupts("");
    worker_step(&w, 4 * US, STEP_IRQS_OFF);
    worker_step(&w, 4 * US, 0);
    pulse_init(&p, core(), 500 * NS, NULL, NULL);
    pulse_at(&p, 1 * US);
    worker_wake(&w);
    rig_until(&r, 20 * US);
    CHECK_EQ(p.handled[0], 4600 * NS);
    CHECK_EQ(w.ended[0], 4 * US);
    CHECK_EQ(w.ended[1], 8650 * NS);
    rig_free(&r);
}
END_TEST

/* The second is signalled while the first is handled (1.0 to 1.65 us) and begins when that is over. */
START_TEST(hard_interrupts_do_not_nest)
{
    struct pulse first, second;

    quick_interrupts("");
    worker_step(&w, 10 * US, 0);
    pulse_init(&first, core(), 500 * NS, NULL, NULL);
    pulse_init(&second, core(), 200 * NS, NULL, NULL);
    pulse_at(&first, 1000 * NS);
    pulse_at(&second, 1200 * NS);
    worker_wake(&w);
    rig_until(&r, 20 * US);
    CHECK_EQ(first.handled[0], 1600 * NS);
    CHECK_EQ(second.handled[0], (1650 + 100 + 200) * NS);
    CHECK_EQ(w.ended[0], (10000 + 650 + 350) * NS);
    rig_free(&r);
}
END_TEST

START_TEST(vectors_are_taken_in_the_order_they_were_signalled)
{
    struct pulse a, b, c;

    quick_interrupts("");
    worker_step(&w, 4 * US, STEP_IRQS_OFF);
    worker_step(&w, 1 * US, 0);
    pulse_init(&a, core(), 0, NULL, NULL);
    pulse_init(&b, core(), 0, NULL, NULL);
    pulse_init(&c, core(), 0, NULL, NULL);
    pulse_at(&c, 1 * US);
    pulse_at(&a, 2 * US);
    pulse_at(&b, 3 * US);
    worker_wake(&w);
    rig_until(&r, 20 * US);
    /* each takes entry and exit: 150 ns */
    CHECK_EQ(c.handled[0], 4100 * NS);
    CHECK_EQ(a.handled[0], 4250 * NS);
    CHECK_EQ(b.handled[0], 4400 * NS);
    rig_free(&r);
}
END_TEST

START_TEST(a_vector_signalled_twice_before_it_is_taken_is_handled_once)
{
    struct pulse p;

    quick_interrupts("");
    worker_step(&w, 4 * US, STEP_IRQS_OFF);
    worker_step(&w, 1 * US, 0);
    pulse_init(&p, core(), 0, NULL, NULL);
    pulse_at(&p, 1 * US);
    worker_wake(&w);
    rig_until(&r, 1 * US);
    pulse_at(&p, 2 * US);
    rig_until(&r, 20 * US);
    CHECK_EQ(p.n, 1);
    pulse_at(&p, 21 * US);              /* and it can be signalled again */
    rig_until(&r, 30 * US);
    CHECK_EQ(p.n, 2);
    rig_free(&r);
}
END_TEST

/* Exit latency 3 us, target residency 5 us. The core is idle from 0: at 5 us - 1 ps it leaves at once, at 5
 * us it pays. Leaving the idle loop costs 25 ns more, entry and handler 600 ns as ever. */
START_TEST(the_idle_state_adds_its_exit_latency_only_from_its_target_residency_on)
{
    for (int late = 0; late < 2; late++) {
        ps_t at = late ? 5 * US : 5 * US - 1;
        struct pulse p;

        quick_interrupts("cpu.cstate.exit_latency=3us cpu.cstate.target_residency=5us "
                         "cost.irq.from_idle=25cycles");
        pulse_init(&p, core(), 500 * NS, NULL, NULL);
        pulse_at(&p, at);
        rig_until(&r, 20 * US);
        CHECK_EQ(p.handled[0], at + (late ? 3 * US : 0) + 625 * NS);
        CHECK_EQ(spent(CPU_HARDIRQ), 675 * NS);
        CHECK_EQ(spent(CPU_IDLE), 20 * US - 675 * NS);  /* the exit latency is idle time */
        rig_free(&r);
    }
}
END_TEST

/* Idle again at 5.675 + 3 us after the first interrupt: the residency counts from there. */
START_TEST(the_target_residency_counts_from_the_last_time_the_core_went_idle)
{
    for (int late = 0; late < 2; late++) {
        ps_t at = (8675 + 5000) * NS - (late ? 0 : 1);
        struct pulse p;

        quick_interrupts("cpu.cstate.exit_latency=3us cpu.cstate.target_residency=5us "
                         "cost.irq.from_idle=25cycles");
        pulse_init(&p, core(), 500 * NS, NULL, NULL);
        pulse_at(&p, 5 * US);
        rig_until(&r, 10 * US);
        pulse_at(&p, at);
        rig_until(&r, 30 * US);
        CHECK_EQ(p.handled[1], at + (late ? 3 * US : 0) + 625 * NS);
        rig_free(&r);
    }
}
END_TEST

START_TEST(an_idle_core_takes_no_ticks)
{
    rig_init(&r, 0, "");
    rig_start(&r);
    rig_until(&r, 1 * SEC);
    CHECK_EQ(core()->counters.ticks, 0);
    rig_free(&r);
}
END_TEST

/* Ticks at 9, 19, .., 999 ms: one hundred in a second. */
START_TEST(without_nohz_an_idle_core_takes_every_tick)
{
    rig_init(&r, 0, "kernel.nohz=off");
    rig_start(&r);
    rig_until(&r, 1 * SEC);
    CHECK_EQ(core()->counters.ticks, 100);
    rig_free(&r);
}
END_TEST

/* Busy from 5 to 35 ms: ticks at 9, 19 and 29 ms, of which each takes 40 us: the work ends at 35.12 ms. */
START_TEST(a_busy_core_ticks_until_it_is_idle_again)
{
    struct worker late;

    rig_init(&r, 0, "cost.timer.tick=40000cycles");
    rig_start(&r);
    worker_init(&late, core());
    worker_step(&late, 30 * MS, 0);
    rig_until(&r, 5 * MS);
    worker_wake(&late);
    rig_until(&r, 9 * MS - 1);
    CHECK_EQ(core()->counters.ticks, 0);
    rig_until(&r, 1 * SEC);
    CHECK_EQ(core()->counters.ticks, 3);
    CHECK_EQ(late.ended[0], 35120 * US);
    rig_free(&r);
}
END_TEST

/* The first tick is at 9 ms, then one each 10 ms. */
START_TEST(jiffies_count_the_ticks_that_have_passed)
{
    static const struct { ps_t at; int64_t jiffies; } expected[] = {
        { 0, 0 }, { 9 * MS - 1, 0 }, { 9 * MS, 1 }, { 19 * MS - 1, 1 }, { 19 * MS, 2 }, { 1009 * MS, 101 },
    };

    rig_init(&r, 0, "");
    rig_start(&r);
    CHECK_EQ(cpu_jiffy(core()), 10 * MS);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        rig_until(&r, expected[i].at);
        CHECK_EQ(cpu_jiffies(core()), expected[i].jiffies);
    }
    rig_free(&r);
}
END_TEST

/* Two cores, interrupts, softirqs, ksoftirqd, readers and idle: every picosecond of a core is in one mode.
 * The instants are odd so that they fall into steps. */
START_TEST(the_times_of_all_modes_sum_to_the_time_that_passed)
{
    const ps_t slice = 77777777 * PS;
    uint32_t flow;

    rig_init(&r, 1, "cpu.count=2 cost.irq.entry=900cycles cost.irq.handler=700cycles cost.irq.exit=500cycles "
                    "cpu.cstate.exit_latency=2us cost.driver.frame=205cycles cost.softirq.entry=150cycles "
                    "cost.udp.rcv=220cycles cost.recv.dequeue=3001cycles cost.sched.wake=1500cycles "
                    "cost.sched.switch_from_idle=1800cycles cost.sched.switch_to_idle=1700cycles "
                    "nic.queue.rps_cpus=3 kernel.softirq.max_restart=1 cost.timer.tick=3000cycles "
                    "kernel.hz=1000");
    flow = rig_flow(&r, FLOW_UDP, 1, 9);
    for (int i = 0; i < 20; i++)
        rig_burst(&r, i * 100 * US, flow, 70);
    rig_start(&r);
    for (int i = 1; i <= 40; i++) {
        rig_until(&r, i * slice);
        for (int c = 0; c < 2; c++) {
            ps_t sum = 0;
            cpu_settle(&r.host.cpu[c]);
            for (int mode = 0; mode < CPU_MODES; mode++)
                sum += r.host.cpu[c].spent[mode];
            CHECK_EQ(sum, i * slice);
        }
    }
    ck_assert_int_gt(r.host.cpu[0].spent[CPU_SOFTIRQ], 0);
    ck_assert_int_gt(r.host.cpu[0].spent[CPU_KSOFTIRQD], 0);
    ck_assert_int_gt(r.host.cpu[1].spent[CPU_TASK], 0);
    ck_assert_int_gt(r.host.cpu[0].spent[CPU_IDLE], 0);
    rig_free(&r);
}
END_TEST

/* Twice the clock, half the time: 100 cycles of entry at 2 GHz are 50 ns. A cost given as time stays. */
START_TEST(costs_in_cycles_follow_the_clock)
{
    struct pulse p;

    rig_init(&r, 0, "cpu.freq=2GHz cost.irq.entry=100cycles cost.irq.exit=50ns");
    rig_start(&r);
    pulse_init(&p, core(), 0, NULL, NULL);
    pulse_at(&p, 1 * US);
    rig_until(&r, 2 * US);
    CHECK_EQ(p.handled[0], 1050 * NS);
    CHECK_EQ(spent(CPU_HARDIRQ), 100 * NS);
    rig_free(&r);
}
END_TEST

/* ---- what an interrupt costs by what it interrupts ---- */

/* 100 in, 500 of handler, 50 out, and in ns: 10 more when a task was interrupted, 20 more out of idle, neither
 * out of a softirq. The way back, 5, is paid by the task or softirq that was interrupted; idle has none. */
#define BY_WHERE "cost.irq.from_task=10cycles cost.irq.from_idle=20cycles cost.irq.return=5cycles"

START_TEST(an_interrupt_of_a_task_costs_more_and_the_task_its_return)
{
    struct pulse p;

    quick_interrupts(BY_WHERE);
    worker_step(&w, 10 * US, 0);
    pulse_init(&p, core(), 500 * NS, NULL, NULL);
    pulse_at(&p, 3 * US);
    worker_wake(&w);
    rig_until(&r, 10665 * NS - 1);
    CHECK_EQ(p.handled[0], 3610 * NS);
    CHECK_EQ(w.n, 0);
    rig_until(&r, 10665 * NS);
    CHECK_EQ(w.n, 1);
    CHECK_EQ(spent(CPU_HARDIRQ), 660 * NS);
    CHECK_EQ(spent(CPU_TASK), 10005 * NS);
    rig_free(&r);
}
END_TEST

START_TEST(an_interrupt_out_of_idle_costs_more_and_no_return)
{
    struct pulse p;

    quick_interrupts(BY_WHERE);
    pulse_init(&p, core(), 500 * NS, NULL, NULL);
    pulse_at(&p, 3 * US);
    rig_until(&r, 10 * US);
    CHECK_EQ(p.handled[0], 3620 * NS);
    CHECK_EQ(core()->idle_at, 3670 * NS);
    CHECK_EQ(spent(CPU_HARDIRQ), 670 * NS);
    CHECK_EQ(spent(CPU_IDLE), 10 * US - 670 * NS);
    rig_free(&r);
}
END_TEST

static void schedule(struct context *x, void *fake)
{
    struct fake_nic *f = fake;

    (void)x;
    napi_schedule(&f->napi);
}

/* The poll begins when the first interrupt, out of idle, is over: 570 ns before it 100 + 20 + 50. It takes 10
 * us, the second interrupt's 650 and its return. */
START_TEST(an_interrupt_of_a_softirq_costs_no_more_and_the_softirq_its_return)
{
    static struct fake_nic f;
    struct pulse first, second;

    quick_interrupts(BY_WHERE);
    fake_init(&f, core(), 64, 1, 10 * US, true);
    pulse_init(&first, core(), 0, schedule, &f);
    pulse_init(&second, core(), 500 * NS, NULL, NULL);
    pulse_at(&first, 1 * US);
    pulse_at(&second, 3 * US);
    rig_until(&r, 50 * US);
    CHECK_EQ(second.handled[0], 3600 * NS);
    CHECK_EQ(f.polled[0], 1170 * NS + 10 * US + 655 * NS);
    CHECK_EQ(spent(CPU_SOFTIRQ), 10005 * NS);
    CHECK_EQ(spent(CPU_HARDIRQ), 170 * NS + 650 * NS);
    rig_free(&r);
}
END_TEST

/* A softirq comes first, and its end has a return of its own: none is paid here. */
START_TEST(an_interrupt_that_leads_to_a_softirq_has_no_return)
{
    static struct fake_nic f;
    struct pulse p;

    quick_interrupts("cost.irq.return=5cycles");
    fake_init(&f, core(), 64, 1, 1 * US, true);
    worker_step(&w, 10 * US, 0);
    pulse_init(&p, core(), 0, schedule, &f);
    pulse_at(&p, 3 * US);
    worker_wake(&w);
    rig_until(&r, 50 * US);
    CHECK_EQ(w.ended[0], 11 * US + 150 * NS);
    rig_free(&r);
}
END_TEST

/* The tick of 9 ms: 200, and 30 more when the core was not idle. */
START_TEST(a_tick_of_a_busy_core_costs_more)
{
    for (int busy = 0; busy < 2; busy++) {
        rig_init(&r, 0, "kernel.nohz=off cost.timer.tick=200cycles cost.timer.tick_busy=30cycles");
        rig_start(&r);
        worker_init(&w, core());
        worker_step(&w, 10 * MS, 0);
        if (busy)
            worker_wake(&w);
        rig_until(&r, 11 * MS);
        CHECK_EQ(core()->counters.ticks, 1);
        CHECK_EQ(spent(CPU_HARDIRQ), busy ? 230 * NS : 200 * NS);
        rig_free(&r);
    }
}
END_TEST

/* No other interrupt pays for what the tick does to a busy core. */
START_TEST(only_the_tick_costs_a_busy_core_more)
{
    struct pulse p;

    quick_interrupts("cost.timer.tick_busy=30cycles");
    worker_step(&w, 10 * US, 0);
    pulse_init(&p, core(), 500 * NS, NULL, NULL);
    pulse_at(&p, 3 * US);
    worker_wake(&w);
    rig_until(&r, 20 * US);
    CHECK_EQ(spent(CPU_HARDIRQ), 650 * NS);
    rig_free(&r);
}
END_TEST

/* ---- hyper-threads ---- */

/* Half as long again beside a busy thread. CPU 1 works from 4 to 7 us, in one step. CPU 0's steps of 3 us begin at 0 (alone),
 * 3 (alone), 6 us (beside it: 4.5 us), 10.5 us (alone). */
START_TEST(a_step_that_begins_beside_a_busy_hyper_thread_takes_longer)
{
    struct worker other;

    rig_init(&r, 0, "cpu.count=2 cpu.smt=halves cpu.smt_slowdown=50");
    rig_start(&r);
    worker_init(&w, core());
    worker_init(&other, &r.host.cpu[1]);
    for (int i = 0; i < 4; i++)
        worker_step(&w, 3 * US, 0);
    worker_step(&other, 3 * US, 0);
    worker_wake(&w);
    rig_until(&r, 4 * US);
    worker_wake(&other);
    rig_until(&r, 20 * US);
    CHECK_EQ(w.ended[0], 3 * US);
    CHECK_EQ(w.ended[1], 6 * US);
    CHECK_EQ(w.ended[2], 10500 * NS);
    CHECK_EQ(w.ended[3], 13500 * NS);
    CHECK_EQ(other.ended[0], 8500 * NS);    /* it began beside CPU 0: 4.5 us */
    rig_free(&r);
}
END_TEST

/* 3 us that have become 4.5 are interrupted after 2 us for 1 us: 2.5 are left, whatever the other thread does then. */
START_TEST(an_interrupted_step_is_made_longer_once)
{
    struct worker other;
    struct pulse p;

    rig_init(&r, 0, "cpu.count=2 cpu.smt=neighbours cpu.smt_slowdown=50");
    rig_start(&r);
    worker_init(&w, core());
    worker_init(&other, &r.host.cpu[1]);
    worker_step(&w, 3 * US, 0);
    worker_step(&other, 100 * US, 0);
    pulse_init(&p, core(), 1 * US, NULL, NULL);
    pulse_at(&p, 2 * US);
    worker_wake(&other);
    worker_wake(&w);
    rig_until(&r, 50 * US);
    CHECK_EQ(p.handled[0], 3500 * NS);      /* the handler, too */
    CHECK_EQ(w.ended[0], 4500 * NS + 1500 * NS);
    rig_free(&r);
}
END_TEST

START_TEST(hyper_threads_come_in_pairs)
{
    struct cpu_params p = { .count = 6, .smt = CPU_SMT_HALVES };

    for (int i = 0; i < 6; i++)
        CHECK_EQ(cpu_sibling(&p, i), (i + 3) % 6);
    p.smt = CPU_SMT_NEIGHBOURS;
    for (int i = 0; i < 6; i++)
        CHECK_EQ(cpu_sibling(&p, i), i % 2 ? i - 1 : i + 1);
    ck_assert_ptr_null(cpu_check(&p));
    p.count = 5;
    ck_assert_ptr_nonnull(cpu_check(&p));
    p.smt = CPU_SMT_OFF;
    ck_assert_ptr_null(cpu_check(&p));
    CHECK_EQ(cpu_sibling(&p, 0), -1);
}
END_TEST

SUITE(cpu, a_step_that_begins_beside_a_busy_hyper_thread_takes_longer, an_interrupted_step_is_made_longer_once,
      hyper_threads_come_in_pairs, an_interrupt_in_the_middle_of_a_step_ends_it_later_by_its_own_time,
      interrupts_off_delays_a_vector_to_the_end_of_the_step, hard_interrupts_do_not_nest,
      vectors_are_taken_in_the_order_they_were_signalled,
      a_vector_signalled_twice_before_it_is_taken_is_handled_once,
      the_idle_state_adds_its_exit_latency_only_from_its_target_residency_on,
      the_target_residency_counts_from_the_last_time_the_core_went_idle, an_idle_core_takes_no_ticks,
      without_nohz_an_idle_core_takes_every_tick, a_busy_core_ticks_until_it_is_idle_again,
      jiffies_count_the_ticks_that_have_passed, the_times_of_all_modes_sum_to_the_time_that_passed,
      costs_in_cycles_follow_the_clock,
      an_interrupt_of_a_task_costs_more_and_the_task_its_return,
      an_interrupt_out_of_idle_costs_more_and_no_return,
      an_interrupt_of_a_softirq_costs_no_more_and_the_softirq_its_return,
      an_interrupt_that_leads_to_a_softirq_has_no_return, a_tick_of_a_busy_core_costs_more,
      only_the_tick_costs_a_busy_core_more)
