/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/adaptive.h"

#include <string.h>

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

/* Datagrams `every` apart into a machine without costs; runs until all have ended. */
static void run(const char *settings, int n, ps_t every)
{
    rig_init(&r, 1, settings);
    uint32_t flow = rig_flow(&r, FLOW_UDP, 1, 9);
    for (int i = 0; i < n; i++)
        rig_frame(&r, i * every, flow, 18);
    rig_run(&r);
}

/* When the n-th interrupt came, counted from the first frame's completion. */
static ps_t interrupt(int n)
{
    return rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, n)->at - RIG_WIRE;
}

/* ---- dim ---- */

/* A frame every 10 us, each with its interrupt after the delay of level 1, 8 us (the hardware's start). The first poll begins a
 * measurement, the 65th decides for index 1: programmed, and the same. The 66th begins the next one, the 130th finds nothing
 * changed, turns round and wants level 0: 1 us. With a work item of 1 us it is programmed before the next frame comes,
 * 2 us after the poll; with one of 5 us the next frame's delay has begun with 8 us. */
START_TEST(dim_programs_the_level_it_wants_when_the_work_item_has_run)
{
    for (int slow = 0; slow < 2; slow++) {
        run(slow ? "nic.coalesce.kind=delay nic.coalesce.adaptive-rx=on nic.coalesce.dim_latency=5us" :
            "nic.coalesce.kind=delay nic.coalesce.adaptive-rx=on nic.coalesce.dim_latency=1us", 140, 10 * US);
        for (int i = 0; i < 130; i++)
            CHECK_EQ(interrupt(i), (10 * i + 8) * US);
        CHECK_EQ(interrupt(130), 1300 * US + (slow ? 8 : 1) * US);
        CHECK_EQ(interrupt(131), 1311 * US);
        CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.changes, 2);
        CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.level, 0);
        CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.ns, 1000);
        CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.frames, 256);
        rig_free(&r);
    }
}
END_TEST

/* ice: an ITR (kind gap), its own table, index 1 from the start, so the first decision already goes on: better than nothing,
 * but parked on a level above 0 it leaves to the left. 8 us at first; the interrupts of single frames come at once. */
START_TEST(ice_has_its_own_table_and_leaves_to_the_left)
{
    run("nic.coalesce.kind=gap nic.coalesce.adaptive-rx=on nic.coalesce.dim_profile=ice nic.coalesce.dim_latency=0us", 70,
        10 * US);
    CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.level, 0);
    CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.ns, 2000);
    CHECK_EQ(r.host.nic[0].queue[0].coalesce.usecs, 2 * US);
    rig_free(&r);

    run("nic.coalesce.kind=gap nic.coalesce.adaptive-rx=on nic.coalesce.dim_profile=ice", 2, 5 * US);
    CHECK_EQ(interrupt(0), 0);
    CHECK_EQ(interrupt(1), 8 * US);
    rig_free(&r);
}
END_TEST

/* CQE mode has the library's other table. */
START_TEST(cqe_mode_takes_the_cqe_table)
{
    run("nic.coalesce.kind=delay nic.coalesce.adaptive-rx=on nic.coalesce.cqe-mode-rx=on", 1, 10 * US);
    CHECK_EQ(r.host.nic[0].queue[0].coalesce.usecs, 8 * US);
    CHECK_EQ(r.host.nic[0].queue[0].coalesce.frames, 128);
    rig_free(&r);
}
END_TEST

/* ---- the Intel drivers ---- */

/* A frame every 11 us. The first interrupt begins a gap of 50 us and its poll asks for 10 us (one short packet). Four more
 * frames wait for the second at 50 us, which begins a gap of 10 us; its poll asks for 12 us. The frame of 55 us fires at
 * 60 us and begins that one. */
START_TEST(ixgbe_programs_in_the_poll)
{
    run("nic.link=400Gbps nic.coalesce.adaptive-rx=on nic.coalesce.adaptive=ixgbe", 8, 11 * US);
    static const int at[] = { 0, 50, 60, 72, 82 };
    for (int i = 0; i < 5; i++)
        CHECK_EQ(interrupt(i), at[i] * US);
    rig_free(&r);
}
END_TEST

/* igb, not at 1 Gbit/s: 245 us at once, from 162 us. The first poll asks for it, the second interrupt's handler writes it when
 * that interrupt has begun another gap of 162 us; the third begins the first new one. */
START_TEST(igb_programs_in_the_next_interrupt)
{
    run("nic.coalesce.adaptive-rx=on nic.coalesce.adaptive=igb", 100, 10 * US);
    static const int at[] = { 0, 162, 324, 569, 814 };
    for (int i = 0; i < 5; i++)
        CHECK_EQ(interrupt(i), at[i] * US);
    CHECK_EQ(r.host.nic[0].queue[0].adaptive.counters.changes, 1);
    rig_free(&r);
}
END_TEST

/* ---- whole machines ---- */

/* A queue that never completes its NAPI is never measured: what was programmed stays. */
START_TEST(a_saturated_queue_is_not_measured)
{
    struct config c;
    struct result res;

    machine_load(&c, "saturated.yaml", "nic.coalesce.adaptive-rx=on nic.coalesce.adaptive=ixgbe");
    machine_run(&c, NULL, &res);
    ck_assert_uint_le(result_counter(&res, NULL, "rx_moderation_changes"), 2);
    result_free(&res);
    machine_release(&c);
}
END_TEST

/* Its counters are there only when it is on; and each algorithm moderates: fewer interrupts than without moderation, and the
 * same run whether batches are taken or not. */
START_TEST(every_algorithm_moderates_and_is_exact)
{
    static const char *const settings[] = {
        "nic.coalesce.rx-usecs=0us", "nic.coalesce.adaptive=dim nic.coalesce.kind=delay",
        "nic.coalesce.adaptive=dim nic.coalesce.kind=delay nic.coalesce.cqe-mode-rx=on",
        "nic.coalesce.adaptive=dim nic.coalesce.dim_profile=ice", "nic.coalesce.adaptive=ixgbe", "nic.coalesce.adaptive=i40e",
        "nic.coalesce.adaptive=igb", "nic.coalesce.adaptive=e1000e",
    };
    uint64_t unmoderated = 0;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct config c;
        struct result res[2];
        machine_load(&c, "linerate.yaml", settings[i]);
        c.traffic[0].traffic.rate = LOAD_OF(LOAD_MILLIPPS, 300000000);
        c.host->run.duration = 30 * MS;
        c.nic[0].adaptive.rx = i > 0;
        for (int no_batch = 0; no_batch < 2; no_batch++) {
            const struct run_options o = { .seed = 1, .no_batch = no_batch };
            machine_run(&c, &o, &res[no_batch]);
        }
        ck_assert_uint_eq(res[0].fingerprint.lo, res[1].fingerprint.lo);
        ck_assert_uint_eq(res[0].fingerprint.hi, res[1].fingerprint.hi);
        if (i == 0) {
            unmoderated = res[0].irqs;
            for (int k = 0; k < res[0].counters; k++)
                ck_assert_ptr_eq(strstr(res[0].counter[k].name, "rx_moderation"), NULL);
        } else {
            ck_assert_uint_gt(result_counter(&res[0], NULL, "rx_moderation_changes"), 0);
            ck_assert_uint_lt(res[0].irqs, unmoderated);
        }
        result_free(&res[0]);
        result_free(&res[1]);
        machine_release(&c);
    }
}
END_TEST

static void refused(const char *settings, const char *sentence)
{
    struct config c;
    char why[256] = "";

    machine_load(&c, "one-frame.yaml", "");
    c.nic[0].adaptive.rx = strstr(settings, "adaptive") != NULL;
    c.nic[0].adaptive.algorithm = ADAPTIVE_IXGBE;
    c.nic[0].coalesce.kind = strstr(settings, "delay") ? COALESCE_DELAY : COALESCE_GAP;
    c.nic[0].coalesce.cqe_mode_rx = strstr(settings, "cqe") != NULL;
    c.nic[0].coalesce.rx_usecs_abs = strstr(settings, "abs") ? 1 * US : 0;
    const char *said = config_check(&c, why, sizeof why);
    ck_assert_msg(said && strstr(said, sentence), "%s: %s", settings, said ? said : "accepted");
    machine_release(&c);
}

START_TEST(what_does_not_go_together_is_said)
{
    refused("delay adaptive", "coalesce.adaptive is ixgbe, which sets the gap between interrupts");
    refused("gap cqe", "only a delay can be started anew");
    refused("delay abs", "cqe-mode-rx is off");
}
END_TEST

SUITE(adaptive, dim_programs_the_level_it_wants_when_the_work_item_has_run, ice_has_its_own_table_and_leaves_to_the_left,
      cqe_mode_takes_the_cqe_table, ixgbe_programs_in_the_poll, igb_programs_in_the_next_interrupt,
      a_saturated_queue_is_not_measured, every_algorithm_moderates_and_is_exact, what_does_not_go_together_is_said)
