/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/probe.h"

#include <math.h>

#include "models/host_config.h"
#include "sim/lab/run.h"
#include "tests/machine.h"
#include "tests/suite.h"

static void run_probed(struct probe *p, struct result *r, const char *file, const char *settings)
{
    struct run_options o = { .seed = 1, .sample_drops = 1 };
    struct config c;

    machine_load(&c, file, settings);
    probe_init(p);
    p->warm_at = c.host->run.warmup;
    o.trace = (struct trace){ probe_hook, p };
    o.census = &p->census;
    machine_run(&c, &o, r);
    machine_release(&c);
}

/* Three queues at once, two readers, RPS: what is seen there is what the frames' own times add up to. The socket's is
 * counted at each change, so it is exact; the others are looked at every 1009 ns. */
START_TEST(what_is_seen_is_what_arrives_times_how_long_it_stays)
{
    struct probe p;
    struct result r;

    run_probed(&p, &r, "two-queues.yaml", "run.duration=10ms");
    CHECK_EQ(r.ledger.offered, machine_fate(&r, FATE_DELIVERED));
    ck_assert_double_eq_tol(probe_metric(&p, &r, "little:socket"), 1, 1e-9);
    ck_assert_double_eq_tol(probe_metric(&p, &r, "little:ring"), 1, 0.02);
    ck_assert_double_eq_tol(probe_metric(&p, &r, "little:inside"), 1, 0.01);
    ck_assert(isnan(probe_metric(&p, &r, "little:pocket")));
    ck_assert(probe_needs_census("little:ring") && probe_needs_census("little:inside"));
    ck_assert(!probe_needs_census("little:socket"));
    result_free(&r);
    probe_free(&p);
}
END_TEST

START_TEST(a_census_changes_nothing)
{
    static const char *const file[] = { "two-queues.yaml", "rps.yaml", "microburst.yaml", "tcp-bulk.yaml" };
    struct run_options o = { .seed = 1 };
    struct result plain, r;
    struct probe p;
    struct config c;

    for (size_t i = 0; i < sizeof file / sizeof file[0]; i++) {
        run_probed(&p, &r, file[i], "run.duration=3ms");
        machine_load(&c, file[i], "run.duration=3ms");
        machine_run(&c, &o, &plain);
        ck_assert_uint_gt(p.census.looks, 2900);
        ck_assert_uint_eq(r.fingerprint.lo, plain.fingerprint.lo);
        ck_assert_uint_eq(r.fingerprint.hi, plain.fingerprint.hi);
        CHECK_EQ(r.sim_ps, plain.sim_ps);
        result_free(&r);
        result_free(&plain);
        probe_free(&p);
        machine_release(&c);
    }
}
END_TEST

/* A frame each 100 ns against work of 301 ns and 127 slots: frame n is the first without one when as many less 127 have
 * left, which is 62 of them at 18 900 ns. In a full ring 100 of 301 get in. */
START_TEST(the_first_drop_and_the_share_after_the_warm_up)
{
    static const char full[] = "traffic.interval=100ns traffic.frames=6000 run.duration=0s cost.driver.frame=301ns "
                               "nic.ring.rx=128 run.warmup=300us";
    struct probe p;
    struct result r;

    run_probed(&p, &r, "truth/closed-form/machine.yaml", full);
    CHECK_EQ(probe_metric(&p, &r, "first_drop"), 189);
    ck_assert_double_eq_tol(probe_metric(&p, &r, "warm_drop_rate"), 201 / 301.0, 0.001);
    ck_assert_double_lt(probe_metric(&p, &r, "metric:drop_rate"), 0.65);
    result_free(&r);
    probe_free(&p);
    run_probed(&p, &r, "truth/closed-form/machine.yaml", "traffic.frames=10 run.duration=0s");
    ck_assert(isnan(probe_metric(&p, &r, "first_drop")));
    ck_assert_double_eq(probe_metric(&p, &r, "warm_drop_rate"), 0);
    result_free(&r);
    probe_free(&p);
}
END_TEST

SUITE(probe, what_is_seen_is_what_arrives_times_how_long_it_stays, a_census_changes_nothing,
      the_first_drop_and_the_share_after_the_warm_up)
