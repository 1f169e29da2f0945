/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/coalesce.h"

#include "tests/machine.h"
#include "tests/suite.h"

static const struct coalesce_params gap = { .kind = COALESCE_GAP, .cause = CAUSE_LATCHED, .rx_usecs = 20 * US };
static const struct coalesce_params delay = { .kind = COALESCE_DELAY, .cause = CAUSE_UNREAD, .rx_usecs = 16 * US,
                                              .rx_frames = 4 };
static const struct frame_queue nothing;

static struct coalesce fresh(const struct coalesce_params *p)
{
    struct coalesce c;

    coalesce_init(&c, p);
    CHECK_EQ(coalesce_due(&c), PS_NEVER);
    return c;
}

/* A queue of completions that become visible at these times. */
static struct frame_queue unread_at(struct frame *f, const ps_t *at, int n)
{
    struct frame_queue q = { 0 };

    for (int i = 0; i < n; i++) {
        f[i] = (struct frame){ .dma_at = at[i] };
        frame_push(&q, &f[i]);
    }
    return q;
}

/* ---- the gap: Intel's ITR ---- */

START_TEST(an_idle_vector_with_a_gap_fires_at_once)
{
    struct coalesce c = fresh(&gap);

    coalesce_completion(&c, 0);
    CHECK_EQ(coalesce_due(&c), 0);
}
END_TEST

/* Fired at 100 us with a gap of 20 us: the next is due at 120 us, and a completion at 120 us or later at once. */
START_TEST(the_gap_runs_from_the_last_interrupt)
{
    static const struct { ps_t completion, due; } row[] = {
        { 101 * US, 120 * US }, { 120 * US - 1, 120 * US }, { 120 * US, 120 * US }, { 120 * US + 1, 120 * US + 1 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct coalesce c = fresh(&gap);
        coalesce_completion(&c, 100 * US);
        coalesce_assert(&c, 100 * US, &nothing);
        coalesce_unmask(&c, 100 * US + 500 * NS, &nothing);
        CHECK_EQ(coalesce_due(&c), PS_NEVER);
        coalesce_completion(&c, row[i].completion);
        CHECK_EQ(coalesce_due(&c), row[i].due);
        coalesce_completion(&c, row[i].due + 1 * US);           /* more of them change nothing */
        CHECK_EQ(coalesce_due(&c), row[i].due);
    }
}
END_TEST

/* ---- the delay: mlx5 and most others ---- */

START_TEST(every_first_completion_waits_for_the_delay)
{
    struct coalesce c = fresh(&delay);

    coalesce_completion(&c, 100 * US);
    CHECK_EQ(coalesce_due(&c), 116 * US);
    coalesce_completion(&c, 110 * US);                          /* the timer is not restarted */
    CHECK_EQ(coalesce_due(&c), 116 * US);
}
END_TEST

START_TEST(rx_frames_completions_end_the_delay)
{
    struct coalesce c = fresh(&delay);

    for (int i = 0; i < 3; i++)
        coalesce_completion(&c, (100 + i) * US);
    CHECK_EQ(coalesce_due(&c), 116 * US);
    coalesce_completion(&c, 103 * US);                          /* the fourth */
    CHECK_EQ(coalesce_due(&c), 103 * US);
    coalesce_completion(&c, 104 * US);
    CHECK_EQ(coalesce_due(&c), 103 * US);
}
END_TEST

/* The fourth comes after the timer has run out: the timer wins. */
START_TEST(the_earlier_of_time_and_frames_wins)
{
    struct coalesce c = fresh(&delay);

    for (int i = 0; i < 4; i++)
        coalesce_completion(&c, (100 + 6 * i) * US);            /* 100, 106, 112, 118 us */
    CHECK_EQ(coalesce_due(&c), 116 * US);
}
END_TEST

START_TEST(a_delay_of_zero_is_none)
{
    const struct coalesce_params p = { .kind = COALESCE_DELAY, .cause = CAUSE_UNREAD };
    struct coalesce c = fresh(&p);

    coalesce_completion(&c, 100 * US);
    CHECK_EQ(coalesce_due(&c), 100 * US);
}
END_TEST

/* ---- each completion starts the delay anew: CQE mode, and e1000e's two timers ---- */

/* A delay of 16 us: 100, 110 (126), 125 (141). One at 141 us exactly is still in time (157), one at 157 us + 1 ps is not: the
 * timer has run out. */
START_TEST(in_cqe_mode_each_completion_restarts_the_delay)
{
    const struct coalesce_params p = { .kind = COALESCE_DELAY, .cause = CAUSE_UNREAD, .rx_usecs = 16 * US, .cqe_mode_rx = 1 };
    struct coalesce c = fresh(&p);
    static const struct { ps_t completion, due; } row[] = {
        { 100 * US, 116 * US }, { 110 * US, 126 * US }, { 125 * US, 141 * US }, { 141 * US, 157 * US },
        { 157 * US + 1, 157 * US },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        ck_assert(coalesce_may_move(&c));
        coalesce_completion(&c, row[i].completion);
        CHECK_EQ(coalesce_due(&c), row[i].due);
    }
}
END_TEST

/* The packet timer starts with each completion, the absolute one with the first: 8 us between frames never let 16 us pass,
 * but 40 us after the first at 100 us it ends. */
START_TEST(the_absolute_timer_ends_what_the_packet_timer_puts_off)
{
    const struct coalesce_params p = { .kind = COALESCE_DELAY, .cause = CAUSE_LATCHED, .rx_usecs = 16 * US, .cqe_mode_rx = 1,
                                       .rx_usecs_abs = 40 * US };
    struct coalesce c = fresh(&p);
    static const int due[] = { 116, 124, 132, 140, 140, 140 };

    for (int i = 0; i < 6; i++) {
        coalesce_completion(&c, (100 + 8 * i) * US);
        CHECK_EQ(coalesce_due(&c), due[i] * US);
    }
    const struct coalesce_params longer = { .kind = COALESCE_DELAY, .rx_usecs = 60 * US, .cqe_mode_rx = 1,
                                            .rx_usecs_abs = 40 * US };
    c = fresh(&longer);
    coalesce_completion(&c, 100 * US);                          /* of the two the absolute one is shorter */
    CHECK_EQ(coalesce_due(&c), 140 * US);
}
END_TEST

/* ---- other values while it runs ---- */

/* A gap or delay that has begun keeps its length; the next has the new one. */
START_TEST(a_running_gap_or_delay_keeps_its_length)
{
    struct coalesce c = fresh(&gap), d = fresh(&delay);

    coalesce_completion(&c, 100 * US);
    coalesce_assert(&c, 100 * US, &nothing);
    coalesce_program(&c, 50 * US, 0);
    coalesce_unmask(&c, 101 * US, &nothing);
    coalesce_completion(&c, 102 * US);
    CHECK_EQ(coalesce_due(&c), 120 * US);
    coalesce_assert(&c, 120 * US, &nothing);
    coalesce_unmask(&c, 121 * US, &nothing);
    coalesce_completion(&c, 122 * US);
    CHECK_EQ(coalesce_due(&c), 170 * US);

    coalesce_completion(&d, 100 * US);
    coalesce_program(&d, 50 * US, 0);
    CHECK_EQ(coalesce_due(&d), 116 * US);
    for (int i = 0; i < 9; i++)
        coalesce_completion(&d, 101 * US);                      /* nor do frames count any more */
    CHECK_EQ(coalesce_due(&d), 116 * US);
    coalesce_assert(&d, 116 * US, &nothing);
    coalesce_unmask(&d, 117 * US, &nothing);
    coalesce_completion(&d, 120 * US);
    CHECK_EQ(coalesce_due(&d), 170 * US);
}
END_TEST

/* ---- the mask ---- */

START_TEST(a_masked_vector_does_not_fire)
{
    struct coalesce c = fresh(&gap);

    coalesce_completion(&c, 100 * US);
    coalesce_assert(&c, 100 * US, &nothing);
    coalesce_completion(&c, 200 * US);
    CHECK_EQ(coalesce_due(&c), PS_NEVER);
}
END_TEST

/* A completion at 105 us while masked, its frame taken by the running poll, unmask at 130 us. A latched cause fires at
 * the unmask, with nothing to read; one that looks at what is unread does not fire at all. */
START_TEST(a_latched_cause_fires_at_the_unmask_and_an_unread_one_does_not)
{
    struct coalesce_params p = gap;

    for (int cause = CAUSE_LATCHED; cause <= CAUSE_UNREAD; cause++) {
        p.cause = cause;
        struct coalesce c = fresh(&p);
        coalesce_completion(&c, 100 * US);
        coalesce_assert(&c, 100 * US, &nothing);
        coalesce_completion(&c, 105 * US);
        coalesce_unmask(&c, 130 * US, &nothing);
        CHECK_EQ(coalesce_due(&c), cause == CAUSE_LATCHED ? 130 * US : PS_NEVER);
        coalesce_completion(&c, 140 * US);                      /* both: a new one fires at once, 40 us > 20 us after */
        CHECK_EQ(coalesce_due(&c), cause == CAUSE_LATCHED ? 130 * US : 140 * US);
    }
}
END_TEST

/* The same with the unmask at 110 us: the latched cause has to wait for the gap. */
START_TEST(a_latched_cause_keeps_the_gap)
{
    struct coalesce c = fresh(&gap);

    coalesce_completion(&c, 100 * US);
    coalesce_assert(&c, 100 * US, &nothing);
    coalesce_completion(&c, 105 * US);
    coalesce_unmask(&c, 110 * US, &nothing);
    CHECK_EQ(coalesce_due(&c), 120 * US);
}
END_TEST

/* Arming with something to read fires at once; what becomes visible after the arming gets its own delay. */
START_TEST(arming_with_unread_completions_fires_at_once)
{
    struct coalesce c = fresh(&delay);
    struct frame f[2];
    struct frame_queue old = unread_at(f, (ps_t[]){ 129 * US, 131 * US }, 2);

    coalesce_completion(&c, 100 * US);
    coalesce_assert(&c, 116 * US, &nothing);
    coalesce_unmask(&c, 130 * US, &old);
    CHECK_EQ(coalesce_due(&c), 130 * US);

    struct frame_queue new = unread_at(f, (ps_t[]){ 130 * US + 1 }, 1);
    coalesce_assert(&c, 130 * US, &nothing);
    coalesce_unmask(&c, 130 * US, &new);
    CHECK_EQ(coalesce_due(&c), 146 * US + 1);
}
END_TEST

/* Completions that become visible at or before the interrupt are told by it; those on their way are the next cause. */
START_TEST(an_interrupt_tells_what_is_visible)
{
    struct coalesce c = fresh(&gap);
    struct frame f[3];
    struct frame_queue q = unread_at(f, (ps_t[]){ 100 * US, 101 * US, 101 * US + 1 }, 3);

    for (int i = 0; i < 3; i++)
        coalesce_completion(&c, f[i].dma_at);
    coalesce_assert(&c, 101 * US, &q);
    coalesce_unmask(&c, 102 * US, &q);
    CHECK_EQ(c.completions, 1);
    CHECK_EQ(coalesce_due(&c), 121 * US);               /* the gap after 101 us */

    coalesce_assert(&c, 121 * US, &q);                  /* now all three are old */
    coalesce_unmask(&c, 122 * US, &q);
    CHECK_EQ(coalesce_due(&c), PS_NEVER);
}
END_TEST

/* ---- in a machine without costs: what moderation loses ---- */

/* A train of 100 us at line rate from 100 us on, a ring of 512 (511 usable), nothing that delays its interrupt but
 * moderation, and nothing else that stores. A lone frame comes when a test wants it, else after the end. */
static const char train_machine[] =
    "version: 1\n"
    "include: machines/server-10g.yaml\n"
    "run: {duration: 300us, cost_cv: 0}\n"
    "kernel.tick_phase: 3ms\n"
    "cpu.cstate.exit_latency: 0us\n"
    "pcie: {latency: 0ns, msix_latency: 0ns}\n"
    "cost.irq: {entry: 0ns, handler: 0ns, exit: 0ns, from_idle: 0ns}\n"
    "cost.softirq: {entry: 0ns, net_rx: 0ns}\n"
    "cost.napi.poll: 0ns\n"
    "netfilter.raw.policy: drop\n"
    "nic: {ring: {rx: 512}, fifo: 0B, coalesce.rx-usecs: 84us}\n"
    "traffic[train]: {kind: onoff, rate: 100%, burst: 100us, period: 0s, start: 100us, offset: off}\n"
    "traffic[lone]: {kind: cbr, rate: 1kpps, frames: 1, start: 500us, offset: off}\n";

/* Frames of the train that died for want of a descriptor before the first of the train was polled. */
static int64_t lost_before_the_poll(const struct result *r, uint64_t first)
{
    ps_t polled = PS_NEVER;
    int64_t lost = 0;

    for (int i = 0; i < r->packets; i++) {
        if (r->packet[i].seq >= first && r->packet[i].t_poll >= 0 && r->packet[i].t_poll < polled)
            polled = r->packet[i].t_poll;
    }
    ck_assert(polled != PS_NEVER);
    for (int i = 0; i < r->packets; i++)
        lost += r->packet[i].fate == FATE_RX_NO_DESC && r->packet[i].t_wire < polled;
    return lost;
}

static int64_t loss(const char *settings, uint64_t first)
{
    struct config c;
    struct result r;

    machine_parse(&c, train_machine, settings);
    machine_run(&c, NULL, &r);
    int64_t lost = lost_before_the_poll(&r, first);
    result_free(&r);
    machine_release(&c);
    return lost;
}

/* 84 us at 67.2 ns are 1250 frames; 1250 - 511 = 739. */
START_TEST(a_delay_of_84_us_loses_739_of_a_train)
{
    int64_t lost = loss("nic.coalesce.kind=delay", 0);

    ck_assert_msg(lost >= 739 - 2 && lost <= 739 + 2, "%d", (int)lost);
}
END_TEST

/* A lone frame 5 us ahead has fired the interrupt: 79 us of the gap remain, 1175.6 frames; 1175 - 511 = 664. */
START_TEST(a_gap_of_84_us_loses_664_behind_a_lone_frame)
{
    int64_t lost = loss("traffic[lone].start=95us", 1);

    ck_assert_msg(lost >= 664 - 2 && lost <= 664 + 2, "%d", (int)lost);
}
END_TEST

/* Without the lone frame the gap is long over: the train is polled as it comes, and 511 slots are not reached. */
START_TEST(a_gap_loses_nothing_after_silence)
{
    CHECK_EQ(loss("", 0), 0);
}
END_TEST

/* 84 us hold 68 frames of 1518 bytes (1230.4 ns each): the ring has room for all. */
START_TEST(large_frames_fit_into_the_ring_meanwhile)
{
    CHECK_EQ(loss("nic.coalesce.kind=delay traffic.frame=1518B", 0), 0);
}
END_TEST

/* ---- and what a cause does that the poll has already served ---- */

/* Two frames, the second 5 us after the first and the poll 10 us a frame: the poll takes both, the second came while
 * masked. Latched: a second interrupt, whose poll finds nothing. Unread: nothing more. */
START_TEST(a_stale_cause_costs_an_interrupt_with_an_empty_poll)
{
    struct config c;
    struct result r;

    for (int cause = CAUSE_LATCHED; cause <= CAUSE_UNREAD; cause++) {
        machine_load(&c, "one-frame.yaml", "traffic.frames=2 traffic.rate=200kpps cost.driver.frame=10us");
        c.nic[0].coalesce.cause = cause;
        machine_run(&c, NULL, &r);
        CHECK_EQ(r.irqs, cause == CAUSE_LATCHED ? 2 : 1);
        CHECK_EQ(r.work_hist[2], 1);
        CHECK_EQ(r.work_hist[0], cause == CAUSE_LATCHED ? 1 : 0);
        CHECK_EQ(r.polls, r.irqs);
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

/* ---- the gap that is not renewed: QEMU's e1000e ---- */

/* With a gap of 20 us. An interrupt at 100 us came at once and starts a gap. One that waits for its end, at
 * 120 us, starts another (gap: the next at 140 us) or none (gap_once: the next at once, whatever comes; that
 * one starts a gap again). */
START_TEST(an_interrupt_that_waited_starts_a_gap_or_none)
{
    for (int once = 0; once < 2; once++) {
        const struct coalesce_params p = {
            .kind = once ? COALESCE_GAP_ONCE : COALESCE_GAP, .cause = CAUSE_LATCHED, .rx_usecs = 20 * US,
        };
        struct coalesce c = fresh(&p);

        coalesce_completion(&c, 100 * US);
        coalesce_assert(&c, 100 * US, &nothing);
        coalesce_unmask(&c, 101 * US, &nothing);
        coalesce_completion(&c, 105 * US);
        CHECK_EQ(coalesce_due(&c), 120 * US);                           /* either way */
        coalesce_assert(&c, 120 * US, &nothing);
        coalesce_unmask(&c, 121 * US, &nothing);
        coalesce_completion(&c, 125 * US);
        CHECK_EQ(coalesce_due(&c), once ? 125 * US : 140 * US);
        ps_t fired = coalesce_due(&c);
        coalesce_assert(&c, fired, &nothing);
        coalesce_unmask(&c, fired + 1 * US, &nothing);
        coalesce_completion(&c, fired + 2 * US);
        CHECK_EQ(coalesce_due(&c), once ? 145 * US : 160 * US);
    }
}
END_TEST

/* An interrupt in an open gap, at its end plus one picosecond, has not waited: it starts a gap in either kind. */
START_TEST(an_interrupt_after_the_gap_starts_one)
{
    for (int once = 0; once < 2; once++) {
        const struct coalesce_params p = {
            .kind = once ? COALESCE_GAP_ONCE : COALESCE_GAP, .cause = CAUSE_LATCHED, .rx_usecs = 20 * US,
        };
        struct coalesce c = fresh(&p);

        coalesce_completion(&c, 100 * US);
        coalesce_assert(&c, 100 * US, &nothing);
        coalesce_unmask(&c, 101 * US, &nothing);
        coalesce_completion(&c, 120 * US + 1);
        CHECK_EQ(coalesce_due(&c), 120 * US + 1);
        coalesce_assert(&c, 120 * US + 1, &nothing);
        coalesce_unmask(&c, 121 * US, &nothing);
        coalesce_completion(&c, 122 * US);
        CHECK_EQ(coalesce_due(&c), 140 * US + 1);
    }
}
END_TEST

SUITE(coalesce, an_idle_vector_with_a_gap_fires_at_once, the_gap_runs_from_the_last_interrupt,
      every_first_completion_waits_for_the_delay, rx_frames_completions_end_the_delay,
      the_earlier_of_time_and_frames_wins, a_delay_of_zero_is_none, in_cqe_mode_each_completion_restarts_the_delay,
      the_absolute_timer_ends_what_the_packet_timer_puts_off, a_running_gap_or_delay_keeps_its_length, a_masked_vector_does_not_fire,
      a_latched_cause_fires_at_the_unmask_and_an_unread_one_does_not, a_latched_cause_keeps_the_gap,
      arming_with_unread_completions_fires_at_once, an_interrupt_tells_what_is_visible,
      a_delay_of_84_us_loses_739_of_a_train, a_gap_of_84_us_loses_664_behind_a_lone_frame,
      a_gap_loses_nothing_after_silence, large_frames_fit_into_the_ring_meanwhile,
      a_stale_cause_costs_an_interrupt_with_an_empty_poll,
      an_interrupt_that_waited_starts_a_gap_or_none, an_interrupt_after_the_gap_starts_one)
