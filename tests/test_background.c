/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/background.h"

#include <stdio.h>

#include "models/sched.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* 100 us of work from 50 us on, again each millisecond; a SCHED_FIFO reader on the same core, and a frame at 80 us. */
static void begin(const char *section)
{
    char settings[256];

    snprintf(settings, sizeof settings, "app[app0].kind=background app.background.section=%s app.background.period=1ms "
             "app.background.length=100us app.background.phase=50us app[app1].sched=fifo app[app1].cpu=0", section);
    rig_init(&r, 2, settings);
    rig_burst(&r, 80 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
}

enum { ARRIVES = 80 * US + RIG_WIRE };

static void expect(const char *section, ps_t irq, ps_t poll, ps_t recv)
{
    begin(section);
    CHECK_EQ(rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 0)->at, irq);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, poll);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, recv);
    rig_free(&r);
}

START_TEST(a_section_with_interrupts_off_holds_up_the_interrupt)
{
    expect("irqs_off", 150 * US, 150 * US, 150 * US);
}
END_TEST

START_TEST(a_section_with_softirqs_off_holds_up_the_poll)
{
    expect("bh_off", ARRIVES, 150 * US, 150 * US);
}
END_TEST

START_TEST(work_in_the_kernel_holds_up_tasks)
{
    expect("kernel", ARRIVES, ARRIVES, 150 * US);
}
END_TEST

START_TEST(work_in_user_mode_holds_up_nobody_who_may_preempt)
{
    expect("user", ARRIVES, ARRIVES, ARRIVES);
}
END_TEST

/* The reader's datagram interrupts 100 us of work, which takes as long all the same: 50 to 150 us, 1050 to 1150 .. */
START_TEST(the_work_comes_back_each_period)
{
    rig_init(&r, 1, "app.kind=background app.background.length=100us app.background.period=1ms app.background.phase=50us");
    rig_start(&r);
    rig_until(&r, 1049 * US);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_TASK], 100 * US);
    rig_until(&r, 1100 * US);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_TASK], 150 * US);
    rig_until(&r, 5 * MS);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_TASK], 500 * US);
    rig_free(&r);
}
END_TEST

/* 250 us of work each 100 us: wakeups during the work are lost, so it begins at 0, 300 and 600 us. */
START_TEST(a_wakeup_during_the_work_is_lost)
{
    rig_init(&r, 1, "app.kind=background app.background.length=250us app.background.period=100us");
    rig_start(&r);
    rig_until(&r, 900 * US - 1);
    cpu_settle(&r.host.cpu[0]);
    CHECK_EQ(r.host.cpu[0].spent[CPU_TASK], 750 * US);
    CHECK_EQ(r.host.cpu[0].rq->counters.wakeups, 3);
    rig_free(&r);
}
END_TEST

SUITE(background, a_section_with_interrupts_off_holds_up_the_interrupt, a_section_with_softirqs_off_holds_up_the_poll,
      work_in_the_kernel_holds_up_tasks, work_in_user_mode_holds_up_nobody_who_may_preempt,
      the_work_comes_back_each_period, a_wakeup_during_the_work_is_lost)
