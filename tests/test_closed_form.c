/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a formula says of a whole machine. */
#include <math.h>
#include <string.h>

#include "tests/machine.h"
#include "tests/suite.h"

static void check_same_but_squeezes(const struct result *a, const struct result *b)
{
    ck_assert_uint_eq(a->fingerprint.lo, b->fingerprint.lo);
    ck_assert_uint_eq(a->fingerprint.hi, b->fingerprint.hi);
    CHECK_EQ(a->counters, b->counters);
    for (int i = 0; i < a->counters; i++) {
        const struct result_counter *x = &a->counter[i], *y = &b->counter[i];
        ck_assert_str_eq(x->name, y->name);
        ck_assert_msg(x->value == y->value || strcmp(x->name, "time_squeeze") == 0, "%s %s: %llu and %llu", x->scope,
                      x->name, (unsigned long long)x->value, (unsigned long long)y->value);
    }
}

static void check_same(const struct result *a, const struct result *b)
{
    check_same_but_squeezes(a, b);
    ck_assert_uint_eq(a->time_squeeze, b->time_squeeze);
}

static void run_with(const char *file, const char *settings, struct result *r)
{
    struct config c;

    machine_load(&c, file, settings);
    machine_run(&c, &run_options_default, r);
    machine_release(&c);
}

/* ---- a burst against a ring ---- */

/* What comes and is not served in T must wait, and R - 1 can: (lambda - mu) T - (R - 1) are lost. 64 bytes at 10 Gbit/s
 * are 14 880 952 a second, one every 197.95 ns is served: 19 658 are too many in 2 ms. The first frame waits for the
 * interrupt and the last poll's batch is open: 1 % and 64. */
static const int64_t ring_sizes[] = { 256, 512, 1024, 2048, 4096, 16384, 32768 };

static double burst_excess(const struct config *c)
{
    double served_ns = (double)cost_ps(c->host->driver.frame, (hz_t){ c->host->cpu.freq }) / 1e3;
    double sent_ns = (64 + 20) * 8 / 10.0, burst_ns = 2e6;

    ck_assert_double_eq_tol(served_ns, 197.95, 0.001);
    CHECK_EQ(c->traffic[0].traffic.burst, 2 * MS);
    return burst_ns / sent_ns - burst_ns / served_ns;
}

START_TEST(a_burst_loses_what_the_ring_cannot_hold)
{
    struct config c;
    struct result r;

    machine_load(&c, "microburst.yaml", "");
    c.nic[0].ring.rx = ring_sizes[_i];
    machine_run(&c, NULL, &r);
    double expected = fmax(0, burst_excess(&c) - (double)(ring_sizes[_i] - 1));
    double lost = (double)machine_fate(&r, FATE_RX_NO_DESC);
    ck_assert_msg(fabs(lost - expected) <= 0.01 * expected + 64, "%.0f lost, %.0f expected", lost, expected);
    if (ring_sizes[_i] == 32768)
        ck_assert_double_eq(lost, 0);
    result_free(&r);
    machine_release(&c);
}
END_TEST

/* A FIFO of 1024 such frames that holds them takes 1024 off the loss, and moves the loss to rx_missed_errors. */
START_TEST(a_fifo_that_holds_takes_its_size_off_the_loss)
{
    struct config c;
    struct result r;

    machine_load(&c, "microburst.yaml", "nic.ring.rx=256 nic.fifo=64KiB nic.ring.empty=hold");
    machine_run(&c, NULL, &r);
    double expected = burst_excess(&c) - 255 - 1024;
    double lost = (double)machine_fate(&r, FATE_RX_MISSED_ERRORS);
    ck_assert_msg(fabs(lost - expected) <= 0.01 * expected + 64, "%.0f lost, %.0f expected", lost, expected);
    ck_assert_uint_eq(machine_fate(&r, FATE_RX_NO_DESC), 0);
    ck_assert_uint_gt(result_counter(&r, NULL, "rx_no_buffer_count"), 0);
    result_free(&r);
    machine_release(&c);
}
END_TEST

/* ---- netdev_budget ---- */

/* One saturated NAPI takes 64 a run whatever the budget, since it is not polled twice in a run. Every counter and every
 * fact is the same from 16 to 1200; only below 65 a run that has used its budget up calls itself squeezed: as many as
 * there were polls of at least that work. */
START_TEST(a_budget_changes_nothing_but_time_squeeze_for_one_napi)
{
    static const int64_t budget[] = { 16, 32, 63, 64, 65, 128, 600, 1200 };
    struct result usual, r;
    struct config c;

    machine_load(&c, "saturated.yaml", "run.duration=10ms");
    machine_run(&c, &run_options_default, &usual);
    ck_assert_uint_gt(usual.work_hist[64], 500);
    ck_assert_uint_eq(usual.time_squeeze, 0);
    for (size_t i = 0; i < sizeof budget / sizeof budget[0]; i++) {
        uint64_t squeezed = 0;
        c.host->softirq.netdev_budget = budget[i];
        machine_run(&c, &run_options_default, &r);
        check_same_but_squeezes(&usual, &r);
        for (int64_t work = budget[i]; work <= 64; work++)
            squeezed += r.work_hist[work];
        ck_assert_uint_eq(r.time_squeeze, squeezed);
        result_free(&r);
    }
    result_free(&usual);
    machine_release(&c);
}
END_TEST

/* What the runs of net_rx_action did on a CPU, by the trace hook. */
struct runs {
    ps_t from, until;           /* of the steady part */
    int polls;                  /* of this run */
    int64_t frames;
    int runs, squeezed;         /* in the steady part */
    int least_polls, most_polls;
    int64_t least, most;        /* frames of a run */
};

static void watch_run(void *user, ps_t now, int point, int cpu, int64_t a, int64_t budget)
{
    struct runs *w = user;

    (void)budget;
    if (cpu != 0)
        return;
    if (point == TRACE_SOFTIRQ_ENTRY) {
        w->polls = 0;
        w->frames = 0;
    } else if (point == TRACE_NAPI_POLL) {
        w->polls++;
        w->frames += a;
    } else if (point == TRACE_SOFTIRQ_EXIT && now >= w->from && now < w->until) {
        w->runs++;
        w->squeezed += a <= 0;          /* the budget that is left */
        w->least_polls = w->polls < w->least_polls ? w->polls : w->least_polls;
        w->most_polls = w->polls > w->most_polls ? w->polls : w->most_polls;
        w->least = w->frames < w->least ? w->frames : w->least;
        w->most = w->frames > w->most ? w->frames : w->most;
    }
}

/* Every run of the steady part has this many polls of 64 and is squeezed or not. */
static void expect_runs(struct config *c, int64_t budget, int polls, bool squeezed)
{
    struct runs w = { .from = 3 * MS, .until = 9 * MS, .least_polls = INT32_MAX, .least = INT64_MAX };
    struct run_options o = { .seed = 1, .trace = { watch_run, &w } };
    struct result r;

    c->host->softirq.netdev_budget = budget;
    machine_run(c, &o, &r);
    ck_assert_int_gt(w.runs, 20);
    CHECK_EQ(w.least_polls, polls);
    CHECK_EQ(w.most_polls, polls);
    CHECK_EQ(w.least, 64 * polls);
    CHECK_EQ(w.most, 64 * polls);
    CHECK_EQ(w.squeezed, squeezed ? w.runs : 0);
    result_free(&r);
}

/* Five saturated NAPIs, each polled once a run: min(5, ceil(budget / 64)) polls, and a squeeze if they use it up. The
 * default of 300 gives 5 x 64 = 320 and a squeeze every time. */
START_TEST(five_saturated_napis_take_320_a_run)
{
    struct config c;

    machine_load(&c, "saturated-5.yaml", "run.duration=10ms");
    CHECK_EQ(c.host->softirq.netdev_budget, 300);
    expect_runs(&c, 300, 5, true);
    expect_runs(&c, 1, 1, true);
    expect_runs(&c, 64, 1, true);
    expect_runs(&c, 65, 2, true);
    expect_runs(&c, 256, 4, true);
    expect_runs(&c, 257, 5, true);
    expect_runs(&c, 320, 5, true);
    expect_runs(&c, 321, 5, false);
    expect_runs(&c, 100000, 5, false);
    machine_release(&c);
}
END_TEST

/* Up to 3.18 one NAPI is polled again in the run until the budget is used up: ceil(budget / 64) polls. */
START_TEST(before_3_19_one_napi_takes_320_a_run)
{
    struct config c;

    machine_load(&c, "saturated.yaml", "run.duration=10ms kernel.version=3.10");
    expect_runs(&c, 300, 5, true);
    expect_runs(&c, 64, 1, true);
    expect_runs(&c, 65, 2, true);
    expect_runs(&c, 600, 10, true);
    machine_release(&c);
}
END_TEST

START_TEST(before_3_19_the_budget_matters)
{
    struct result a, b;

    run_with("saturated.yaml", "run.duration=5ms kernel.version=3.10", &a);
    run_with("saturated.yaml", "run.duration=5ms kernel.version=3.10 net.core.netdev_budget=600", &b);
    ck_assert_uint_ne(a.fingerprint.lo, b.fingerprint.lo);
    ck_assert_uint_gt(a.softirq_runs, b.softirq_runs);
    result_free(&a);
    result_free(&b);
}
END_TEST

/* ---- the backlog ---- */

struct backlog_watch {
    const struct host *host;
    int64_t longest, drops;
    bool drop_below;            /* refused although there was room */
};

static void watch_backlog(void *user, ps_t now, int point, int cpu, int64_t a, int64_t fate)
{
    struct backlog_watch *w = user;
    const struct backlog *b = &w->host->backlog[1];
    int64_t length = b->input.length;

    (void)now;
    (void)cpu;
    (void)a;
    if (length > w->longest)
        w->longest = length;
    if (point == TRACE_KFREE_SKB && fate == FATE_CPU_BACKLOG) {
        w->drops++;
        w->drop_below |= length <= b->params->netdev_max_backlog;
    }
}

/* The test is "more than netdev_max_backlog", made before the skb is added: so one more fits, 1001 by default, 1 with
 * a limit of 0. A drop happens then and only then. */
START_TEST(a_backlog_holds_netdev_max_backlog_and_one)
{
    static const int64_t limit[] = { 1000, 100, 1, 0 };
    struct backlog_watch w = { 0 };
    struct config c;
    struct host h;
    char why[256];

    machine_load(&c, "rps.yaml", "run.duration=3ms");
    if (_i > 0)
        c.host->rps.netdev_max_backlog = limit[_i];
    CHECK_EQ(host_init(&h, &c, 1, 0, true, why, sizeof why), 0);
    w.host = &h;
    h.engine.trace = (struct trace){ watch_backlog, &w };
    ck_assert(host_run(&h, NULL, NULL));
    CHECK_EQ(w.longest, limit[_i] + 1);
    ck_assert_int_gt(w.drops, 0);
    ck_assert(!w.drop_below);
    CHECK_EQ(h.backlog[1].counters.dropped, w.drops);   /* counted on the CPU that should have taken them */
    CHECK_EQ(h.backlog[0].counters.dropped, 0);
    host_free(&h);
    machine_release(&c);
}
END_TEST

/* ---- a UDP socket's buffer ---- */

/* A lone datagram wakes a reader that then works for most of a second; 400 more come meanwhile. What is in the socket
 * at the end is what fits. */
static const char busy_reader[] =
    "version: 1\n"
    "include: machines/server-10g.yaml\n"
    "run: {duration: 10ms, drain: 1ms, cost_cv: 0}\n"
    "traffic: {kind: cbr, frame: 64B, rate: 100kpps, offset: off}\n"
    "traffic[lone]: {frames: 1, start: 100us}\n"
    "traffic[more]: {frames: 400, start: 1ms}\n"
    "app.work: 900ms\n";

/* Receive buffer in truesize: net.core.rmem_default, or twice SO_RCVBUF, at least 2304. An skb is 2304 with ixgbe, 1280
 * with e1000e (copied). Up to 6.12 a datagram is taken while the charge before it is within the buffer: one more
 * than fit. From 6.18 on the charge with it must be, but the first always fits. */
START_TEST(a_udp_socket_holds_its_buffer_in_truesize)
{
    static const struct { const char *settings; int64_t fit; } row[] = {
        { "kernel.version=6.12", 212992 / 2304 + 1 },
        { "kernel.version=6.18", 212992 / 2304 },
        { "kernel.version=6.6", 212992 / 2304 + 1 },
        { "kernel.version=5.15", 212992 / 2304 + 1 },
        { "kernel.version=6.12 nic.model=e1000e", 212992 / 1280 + 1 },          /* 167, as measured */
        { "kernel.version=6.18 nic.skb.truesize=1280", 212992 / 1280 },
        { "kernel.version=6.12 app.rcvbuf=50000", 100000 / 2304 + 1 },
        { "kernel.version=6.18 app.rcvbuf=50000", 100000 / 2304 },
        { "kernel.version=6.12 app.rcvbuf=1", 2 },                              /* 2304 at least: 1 + 1 */
        { "kernel.version=6.18 app.rcvbuf=1", 1 },
        { "kernel.version=6.12 app.rcvbuf=1 nic.skb.truesize=4096", 1 },
        { "kernel.version=6.18 app.rcvbuf=1 nic.skb.truesize=4096", 1 },        /* too large, but the first */
        { "kernel.version=6.12 net.core.rmem_default=23040", 11 },              /* exactly 10 and one */
        { "kernel.version=6.18 net.core.rmem_default=23040", 10 },
        { "kernel.version=6.18 net.core.rmem_default=23039", 9 },
    };
    struct config c;
    struct result r;

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        machine_parse(&c, busy_reader, row[i].settings);
        machine_run(&c, &run_options_default, &r);
        ck_assert_msg((int64_t)r.ledger.in_flight == row[i].fit, "%s: %d", row[i].settings, (int)r.ledger.in_flight);
        ck_assert_uint_eq(machine_fate(&r, FATE_DELIVERED), 1);
        CHECK_EQ(machine_fate(&r, FATE_SOCKET_RCVBUFF), 400 - row[i].fit);
        ck_assert_uint_eq(result_counter(&r, NULL, "UdpRcvbufErrors"), machine_fate(&r, FATE_SOCKET_RCVBUFF));
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

/* A socket that never calls SO_RCVBUF has rmem_default: rmem_max alone changes nothing at all. For one that does, it is
 * the ceiling. */
START_TEST(rmem_max_alone_changes_nothing)
{
    struct result base, max, dflt, ask, ask_max;

    run_with("linerate.yaml", "run.duration=2ms", &base);
    run_with("linerate.yaml", "run.duration=2ms net.core.rmem_max=26214400", &max);
    run_with("linerate.yaml", "run.duration=2ms net.core.rmem_default=26214400", &dflt);
    run_with("linerate.yaml", "run.duration=2ms app.rcvbuf=8MiB", &ask);
    run_with("linerate.yaml", "run.duration=2ms app.rcvbuf=8MiB net.core.rmem_max=26214400", &ask_max);
    ck_assert_uint_gt(machine_fate(&base, FATE_SOCKET_RCVBUFF), 0);
    check_same(&base, &max);
    ck_assert_uint_lt(machine_fate(&dflt, FATE_SOCKET_RCVBUFF), machine_fate(&base, FATE_SOCKET_RCVBUFF));
    ck_assert_uint_lt(machine_fate(&ask_max, FATE_SOCKET_RCVBUFF), machine_fate(&ask, FATE_SOCKET_RCVBUFF));
    result_free(&base);
    result_free(&max);
    result_free(&dflt);
    result_free(&ask);
    result_free(&ask_max);
}
END_TEST

/* ---- what moderation costs a lone packet ---- */

static ps_t lone_latency(int64_t kind, ps_t usecs)
{
    struct config c;
    struct result r;

    machine_load(&c, "one-frame.yaml", "");
    c.nic[0].coalesce.kind = kind;
    c.nic[0].coalesce.rx_usecs = usecs;
    machine_run(&c, NULL, &r);
    ps_t latency = r.packet[0].t_app - r.packet[0].t_wire;
    result_free(&r);
    machine_release(&c);
    return latency;
}

START_TEST(a_delay_adds_itself_to_a_lone_packet_and_a_gap_nothing)
{
    static const ps_t usecs[] = { 1 * US, 3 * US, 16 * US, 50 * US, 100 * US };
    ps_t none = lone_latency(COALESCE_GAP, 0);

    CHECK_EQ(lone_latency(COALESCE_DELAY, 0), none);
    for (size_t i = 0; i < sizeof usecs / sizeof usecs[0]; i++) {
        CHECK_EQ(lone_latency(COALESCE_DELAY, usecs[i]), none + usecs[i]);
        CHECK_EQ(lone_latency(COALESCE_GAP, usecs[i]), none);
    }
}
END_TEST

/* Packets that come every 30 us into a gap of 100 us: the k-th after an interrupt waits for what is left of the gap.
 * Interrupts at 0, 100 (for those of 30, 60 and 90), 200 (120 .. 180), 300 (210, 240, 270 and 300 itself): of ten
 * packets those at 0 and 300 wait 0, the others 70, 40, 10, 80, 50, 20, 90, 60, 30: the mean is 45 us, gap / 2 less
 * the half step of 5 us. */
START_TEST(inside_a_busy_period_a_gap_adds_half_of_itself)
{
    struct config c;
    struct result r;
    ps_t waited = 0;

    machine_load(&c, "one-frame.yaml", "traffic.frames=1000 traffic.rate=100kpps run.duration=31ms "
                 "nic.coalesce.cause=unread nic.coalesce.rx-usecs=100us cpu.cstate.exit_latency=0us");
    c.traffic[0].traffic.rate = LOAD_OF(LOAD_BPS, (int64_t)84 * 8 * 100000 / 3);       /* one each 30 us */
    c.host->cpu.tick_phase = 10 * MS;
    machine_run(&c, NULL, &r);
    CHECK_EQ(r.packets, 1000);
    struct config ps;
    CHECK_EQ(config_copy(&ps, &c), 0);
    config_unpack_costs(&ps, (hz_t){ c.host->cpu.freq });
    ps_t handler = ps.host->irq.delivery + ps.host->cpu.irq_from_idle + ps.host->cpu.irq_entry + ps.host->irq.handler;
    for (int i = 0; i < 1000; i++)
        waited += r.packet[i].t_irq - handler - r.packet[i].t_dma;
    ck_assert_double_eq_tol((double)waited / 1000 / (double)US, 45, 1);
    config_free(&ps);
    result_free(&r);
    machine_release(&c);
}
END_TEST

Suite *closed_form_suite(void);
Suite *closed_form_suite(void)
{
    Suite *s = suite_create("closed_form");
    TCase *t = tcase_create("closed_form");

    tcase_add_loop_test(t, a_burst_loses_what_the_ring_cannot_hold, 0, sizeof ring_sizes / sizeof ring_sizes[0]);
    tcase_add_test(t, a_fifo_that_holds_takes_its_size_off_the_loss);
    tcase_add_test(t, a_budget_changes_nothing_but_time_squeeze_for_one_napi);
    tcase_add_test(t, five_saturated_napis_take_320_a_run);
    tcase_add_test(t, before_3_19_one_napi_takes_320_a_run);
    tcase_add_test(t, before_3_19_the_budget_matters);
    tcase_add_loop_test(t, a_backlog_holds_netdev_max_backlog_and_one, 0, 4);
    tcase_add_test(t, a_udp_socket_holds_its_buffer_in_truesize);
    tcase_add_test(t, rmem_max_alone_changes_nothing);
    tcase_add_test(t, a_delay_adds_itself_to_a_lone_packet_and_a_gap_nothing);
    tcase_add_test(t, inside_a_busy_period_a_gap_adds_half_of_itself);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    return s;
}
