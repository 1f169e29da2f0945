/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/bandwidth.h"

#include <stdio.h>
#include <string.h>

#include "models/app.h"
#include "models/sched.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static ps_t ran(void)
{
    cpu_settle(&r.host.cpu[0]);
    return r.host.cpu[0].spent[CPU_TASK];
}

static const char *const policies[] = { "cfs", "eevdf" };

static void begin(int apps, int policy, const char *more)
{
    char settings[512];

    snprintf(settings, sizeof settings, "kernel.sched=%s app[app0].kind=hog app[app0].cpu_quota=20ms %s", policies[policy],
             more);
    rig_init(&r, apps, settings);
    rig_start(&r);
}

/* Ticks at 9, 19, 29 .. ms. The hog is found to have used its 20 ms at 29, and owes 9; of the next 20 ms 11 are left, used at
 * 119, then 12 at 219. */
START_TEST(a_quota_is_used_up_at_a_tick_and_the_rest_is_owed)
{
    for (int policy = 0; policy < 2; policy++) {
        begin(1, policy, "");
        rig_until(&r, 29 * MS - 1);
        CHECK_EQ(ran(), 29 * MS - 1);
        rig_until(&r, 100 * MS);
        CHECK_EQ(ran(), 29 * MS);
        rig_until(&r, 200 * MS);
        CHECK_EQ(ran(), 48 * MS);
        rig_until(&r, 300 * MS);
        CHECK_EQ(ran(), 67 * MS);
        const struct bandwidth_counters *c = &r.host.app[0].bandwidth.counters;
        CHECK_EQ(c->nr_periods, 3);
        CHECK_EQ(c->nr_throttled, 3);
        CHECK_EQ(c->throttled_usec, 71000 + 81000 + 81000);
        rig_free(&r);
    }
}
END_TEST

/* Half of the core until its 20 ms are used, after some 40 of each 100 ms; then the other has all of it. */
START_TEST(a_throttled_task_leaves_the_core_to_others)
{
    for (int policy = 0; policy < 2; policy++) {
        begin(2, policy, "app[app1].kind=hog");
        rig_until(&r, 2 * SEC);
        CHECK_EQ(ran(), 2 * SEC);
        ck_assert_uint_gt(r.host.app[0].bandwidth.counters.throttled_usec, 1000000);
        ck_assert_uint_lt(r.host.app[0].bandwidth.counters.throttled_usec, 1400000);
        rig_free(&r);
    }
}
END_TEST

/* A reader that is throttled when its datagram comes reads it in the next period: it works 30 ms for each, so after the
 * first, at 29 ms, it waits for 100 ms. */
START_TEST(a_throttled_reader_reads_in_its_next_period)
{
    for (int policy = 0; policy < 2; policy++) {
        uint32_t flow;

        rig_init(&r, 1, "app.cpu_quota=20ms app.work=30000000cycles");
        rig_set(&r, policy ? "kernel.sched=eevdf" : "kernel.sched=cfs");
        flow = rig_flow(&r, FLOW_UDP, 1, 9);
        rig_burst(&r, 1 * US, flow, 1);
        rig_burst(&r, 50 * MS, flow, 1);
        rig_run(&r);
        CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, 1 * US + RIG_WIRE);
        /* of 30 ms of work 29 are done by the tick at 29 ms, the last after 100 ms */
        CHECK_EQ(rig_note(&r, TRACE_RECV, 1)->at, 101 * MS + 1 * US + RIG_WIRE);
        rig_free(&r);
    }
}
END_TEST

START_TEST(quotas_that_cannot_be_are_refused)
{
    const struct bandwidth_params none = { 0, 100 * MS }, small = { 999 * US, 100 * MS }, right = { 1 * MS, 100 * MS };

    ck_assert_ptr_null(bandwidth_check(&none, true));
    ck_assert_ptr_null(bandwidth_check(&right, false));
    ck_assert_ptr_nonnull(strstr(bandwidth_check(&small, false), "at least 1ms"));
    ck_assert_ptr_nonnull(strstr(bandwidth_check(&right, true), "SCHED_OTHER"));
}
END_TEST

SUITE(bandwidth, a_quota_is_used_up_at_a_tick_and_the_rest_is_owed, a_throttled_task_leaves_the_core_to_others,
      a_throttled_reader_reads_in_its_next_period, quotas_that_cannot_be_are_refused)
