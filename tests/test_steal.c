/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/steal.h"

#include <string.h>

#include "models/sched.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

static ps_t spent(int cpu, enum cpu_mode mode)
{
    cpu_settle(&r.host.cpu[cpu]);
    return r.host.cpu[cpu].spent[mode];
}

static void begin(int apps, const char *settings)
{
    rig_init(&r, apps, "cpu.steal.period=10ms cpu.steal.length=1ms cpu.steal.phase=2ms");
    rig_set(&r, settings);
}

static void start(void)
{
    rig_start(&r);
    for (int i = 0; i < r.host.cpus; i++)
        steal_start(&r.host.steal[i]);
}

/* 5 ms of work from 0 stand still from 2 to 3 ms. */
START_TEST(a_step_goes_on_where_it_stood)
{
    struct worker w;

    begin(0, "");
    start();
    worker_init(&w, &r.host.cpu[0]);
    worker_step(&w, 5 * MS, STEP_IRQS_OFF);
    worker_wake(&w);
    rig_until(&r, 2500 * US);
    CHECK_EQ(spent(0, CPU_TASK), 2500 * US);       /* the guest sees no difference */
    CHECK_EQ(r.host.cpu[0].counters.steal_usec, 500);
    rig_until(&r, 6 * MS - 1);
    CHECK_EQ(w.n, 0);
    rig_until(&r, 6 * MS);
    CHECK_EQ(w.n, 1);
    CHECK_EQ(spent(0, CPU_TASK), 6 * MS);
    CHECK_EQ(r.host.cpu[0].counters.steal_usec, 1000);
    rig_free(&r);
}
END_TEST

/* An interrupt of 2.5 ms is taken at 3 ms; one at 3.5 ms at once. */
START_TEST(interrupts_wait_for_the_end_of_the_window)
{
    struct pulse a, b;

    begin(0, "");
    start();
    pulse_init(&a, &r.host.cpu[0], 0, NULL, NULL);
    pulse_init(&b, &r.host.cpu[0], 0, NULL, NULL);
    pulse_at(&a, 2500 * US);
    pulse_at(&b, 3500 * US);
    rig_until(&r, 3 * MS - 1);
    CHECK_EQ(a.n, 0);
    rig_until(&r, 4 * MS);
    CHECK_EQ(a.handled[0], 3 * MS);
    CHECK_EQ(b.handled[0], 3500 * US);
    CHECK_EQ(spent(0, CPU_IDLE), 4 * MS);
    rig_free(&r);
}
END_TEST

/* CPU 1 is not frozen: 5 ms of work take 5 ms there. */
START_TEST(only_the_cpus_of_the_mask_stand_still)
{
    struct worker w;

    begin(0, "cpu.count=2 cpu.steal.cpus=1");
    start();
    worker_init(&w, &r.host.cpu[1]);
    worker_step(&w, 5 * MS, 0);
    worker_wake(&w);
    rig_until(&r, 10 * MS);
    CHECK_EQ(w.ended[0], 5 * MS);
    CHECK_EQ(r.host.cpu[0].counters.steal_usec, 1000);
    CHECK_EQ(r.host.cpu[1].counters.steal_usec, 0);
    rig_free(&r);
}
END_TEST

/* A reader on another CPU is woken within a window of its own, and switched to when that is over. */
START_TEST(a_wakeup_waits_for_the_end_of_the_window)
{
    begin(1, "cpu.count=2 cpu.steal.cpus=2 app.cpu=1");
    rig_burst(&r, 2500 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_EQ(rig_note(&r, TRACE_SOCK_QUEUE, 0)->at, 2500 * US + RIG_WIRE);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, 3 * MS);
    rig_free(&r);
}
END_TEST

START_TEST(windows_are_drawn_for_each_cpu_and_replication)
{
    struct config c;
    ps_t phase[2][2];

    machine_parse(&c, "version: 1\ncpu.count: 2\n", "cpu.steal.period=10ms");
    for (int i = 0; i < 2; i++) {
        struct host h;
        char why[256];
        CHECK_EQ(host_init(&h, &c, 1, (uint64_t)i, true, why, sizeof why), 0);
        ck_assert(!host_deterministic(&h));
        for (int cpu = 0; cpu < 2; cpu++) {
            phase[i][cpu] = h.steal[cpu].phase;
            ck_assert_int_lt(phase[i][cpu], 10 * MS);
        }
        host_free(&h);
    }
    ck_assert_int_ne(phase[0][0], phase[0][1]);
    ck_assert_int_ne(phase[0][0], phase[1][0]);
    machine_release(&c);
}
END_TEST

START_TEST(a_cpu_that_would_never_run_is_refused)
{
    const struct steal_params never = { .period = 5 * MS, .length = 5 * MS }, some = { .period = 5 * MS, .length = 4 * MS };

    ck_assert_ptr_nonnull(strstr(steal_check(&never), "never run"));
    ck_assert_ptr_null(steal_check(&some));
}
END_TEST

SUITE(steal, a_step_goes_on_where_it_stood, interrupts_wait_for_the_end_of_the_window,
      only_the_cpus_of_the_mask_stand_still, a_wakeup_waits_for_the_end_of_the_window,
      windows_are_drawn_for_each_cpu_and_replication, a_cpu_that_would_never_run_is_refused)
