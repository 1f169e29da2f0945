/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/host.h"

#include <string.h>

#include "models/app.h"
#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static uint64_t dropped(const struct ledger *l)
{
    uint64_t n = 0;

    for (int f = 0; f < FATES; f++)
        n += fate_info[f].kind == FATE_KIND_DROPPED ? l->frames[f] : 0;
    return n;
}

/* ---- one frame ---- */

/* Powers of two from wire to copy, ps: flight 1, PHY 2, PCIe 4, message 8, leaving idle 16, entry 32,
 * handler 64, irq exit 128, softirq entry 256, run 512, poll 1024, frame 2048, memory 4096, GRO 8192, last
 * look 16384, complete 32768, list 65536, core 131072, IP 262144, delivery 524288, lookup 1048576, queueing
 * 2097152, data_ready 4194304, wakeup 8388608, poll's end 16777216, run's end 33554432, session's end
 * 67108864; switch 134217728, resume 268435456, dequeue 536870912. A cost that is missing or taken twice
 * shows in its bit. */
static const char one_frame[] =
    "nic.flight=1ps nic.phy_delay=2ps pcie.latency=4ps pcie.msix_latency=8ps cost.irq.from_idle=16ps "
    "cost.irq.entry=32ps cost.irq.handler=64ps cost.irq.exit=128ps cost.softirq.entry=256ps "
    "cost.softirq.net_rx=512ps cost.napi.poll=1024ps cost.driver.frame=2048ps "
    "cost.skb.alloc=4096ps cost.gro.frame=8192ps cost.driver.scan=16384ps "
    "cost.napi.complete=32768ps cost.netif.list=65536ps cost.netif.skb=131072ps "
    "cost.ip.rcv=262144ps cost.ip.deliver=524288ps cost.udp.rcv=1048576ps "
    "cost.udp.enqueue=2097152ps cost.sock.data_ready=4194304ps cost.sched.wake_idle=8388608ps "
    "cost.napi.poll_end=16777216ps cost.softirq.net_rx_end=33554432ps cost.softirq.exit=67108864ps "
    "cost.sched.switch_from_idle=134217728ps cost.recv.resume=268435456ps "
    "cost.recv.dequeue=536870912ps";

START_TEST(the_journey_of_one_frame_is_the_sum_of_its_stages)
{
    const ps_t start = 10 * US + RIG_WIRE;
    const struct frame *f;

    rig_init(&r, 1, one_frame);
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 10 * MS);
    f = &rig_end(&r, 0)->frame;
    CHECK_EQ(f->wire_at, start - 240 + 3);         /* RIG_WIRE has 240 ps of PCIe */
    CHECK_EQ(f->dma_at, start + 7);
    CHECK_EQ(f->irq_at, start + 127);
    CHECK_EQ(f->poll_at, start + 2047);
    CHECK_EQ(f->stack_at, start + 65535);
    /* the list, the core, IP and the lookup */
    CHECK_EQ(f->socket_at, start + 2097151);
    CHECK_EQ(rig_end(&r, 0)->at, start + 1073741823);
    CHECK_EQ(rig_end(&r, 0)->fate, FATE_DELIVERED);
    rig_free(&r);
}
END_TEST

/* The same frame in the histograms: each stage is what lies between two of its times, the total is their
 * sum. */
START_TEST(the_stages_of_a_latency_add_up_to_its_total)
{
    const struct frame *f;
    ps_t sum = 0;

    rig_init(&r, 1, one_frame);
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 10 * MS);
    host_latencies(&r.host);
    f = &rig_end(&r, 0)->frame;
    for (int s = 0; s < STAGE_TOTAL; s++) {
        CHECK_EQ(r.host.latency[s].count, 1);
        sum += r.host.latency[s].max;
    }
    CHECK_EQ(r.host.latency[STAGE_NIC].max, f->dma_at - f->wire_at);
    CHECK_EQ(r.host.latency[STAGE_IRQ].max, f->irq_at - f->dma_at);
    CHECK_EQ(r.host.latency[STAGE_RING].max, f->poll_at - f->irq_at);
    CHECK_EQ(r.host.latency[STAGE_TOTAL].max, rig_end(&r, 0)->at - f->wire_at);
    CHECK_EQ(r.host.latency[STAGE_TOTAL].max, sum);
    rig_free(&r);
}
END_TEST

/* ---- the ledger ---- */

/* One of each kind of end: a bad FCS at the MAC, a bad IP checksum, a port nobody listens on, a full socket
 * (the reader hears of its wakeup after 1 ms; 2304 hold two), two deliveries. */
START_TEST(every_frame_ends_in_one_place_of_the_books)
{
    uint32_t flow, stray;
    struct ledger all;

    rig_init(&r, 1, "cpu.count=2 cpu.ipi_latency=1ms net.core.rmem_default=2304B app.port=9");
    flow = rig_flow(&r, FLOW_UDP, 1, 9);
    stray = rig_flow(&r, FLOW_UDP, 1, 10);
    rig_frame(&r, 10 * US, flow, 18)->bad = FRAME_BAD_FCS;
    rig_frame(&r, 10 * US, flow, 18)->bad = FRAME_BAD_IP_CSUM;
    rig_frame(&r, 10 * US, stray, 100);
    rig_burst(&r, 20 * US, flow, 3);
    rig_run(&r);
    all = host_ledger(&r.host);
    CHECK_EQ(all.offered, 6);
    CHECK_EQ(all.offered_bytes, 5 * 64 + 146);
    CHECK_EQ(all.frames[FATE_RX_CRC_ERRORS], 1);
    CHECK_EQ(all.frames[FATE_IP_CSUM], 1);
    CHECK_EQ(all.frames[FATE_NO_SOCKET], 1);
    CHECK_EQ(all.bytes[FATE_NO_SOCKET], 146);
    CHECK_EQ(all.frames[FATE_SOCKET_RCVBUFF], 1);
    CHECK_EQ(all.frames[FATE_DELIVERED], 2);
    CHECK_EQ(all.bytes[FATE_DELIVERED], 128);
    CHECK_EQ(dropped(&all), 4);
    CHECK_EQ(r.host.queue_ledger[0].offered, 5);        /* the damaged one never reached a queue */
    CHECK_EQ(r.host.queue_ledger[0].frames[FATE_RX_CRC_ERRORS], 0);
    CHECK_EQ(r.host.queue_ledger[0].frames[FATE_DELIVERED], 2);
    CHECK_EQ(r.host.flow[flow].offered, 5);
    CHECK_EQ(r.host.flow[flow].ended[FATE_KIND_DELIVERED], 2);
    CHECK_EQ(r.host.flow[flow].ended[FATE_KIND_DROPPED], 3);
    CHECK_EQ(r.host.flow[stray].ended[FATE_KIND_DROPPED], 1);
    rig_free(&r);
}
END_TEST

/* A TCP segment beyond a hole waits for ever: it is inside at the end, and the run has waited for it. */
START_TEST(what_is_still_inside_at_the_end_is_in_flight)
{
    uint32_t tcp;
    struct ledger all;

    rig_init(&r, 1, "run.drain=20ms");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 10 * US, tcp, 1, 1000);
    rig_segment(&r, 20 * US, tcp, 2001, 1000);
    rig_build(&r);
    ck_assert(host_run(&r.host, NULL, NULL));
    all = host_ledger(&r.host);
    CHECK_EQ(all.offered, 2);
    CHECK_EQ(all.frames[FATE_DELIVERED], 1);
    CHECK_EQ(host_in_flight(&r.host), 1);
    CHECK_EQ(r.host.engine.now, 20 * MS + 100 * US);    /* silent at the first look, then the drain */
    rig_free(&r);
}
END_TEST

/* ---- how long a run is ---- */

/* Ends are looked for each 100 us: a frame of 10 us is delivered by 100 us; one of 150 us by 200. */
START_TEST(a_run_without_duration_ends_when_all_frames_have)
{
    for (int i = 0; i < 2; i++) {
        rig_init(&r, 1, "");
        rig_burst(&r, i == 0 ? 10 * US : 150 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_run(&r);
        CHECK_EQ(r.host.engine.now, (i + 1) * 100 * US);
        rig_free(&r);
    }
}
END_TEST

START_TEST(a_run_lasts_its_duration_and_offers_nothing_after_it)
{
    rig_init(&r, 1, "run.duration=1ms");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_burst(&r, 1 * MS - 10 * US, 0, 1);
    rig_burst(&r, 1 * MS, 0, 1);
    rig_build(&r);
    ck_assert(host_run(&r.host, NULL, NULL));
    CHECK_EQ(host_ledger(&r.host).offered, 2);
    CHECK_EQ(r.host.engine.now, 1 * MS);
    rig_free(&r);
}
END_TEST

START_TEST(a_run_stops_when_it_is_told_to)
{
    atomic_int stop = 1;
    atomic_llong progress = -1;

    rig_init(&r, 1, "");
    rig_burst(&r, 1 * SEC, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_build(&r);
    ck_assert(!host_run(&r.host, &stop, &progress));
    CHECK_EQ(r.host.engine.now, 100 * US);
    CHECK_EQ(atomic_load(&progress), 100 * US);
    rig_free(&r);
}
END_TEST

/* Frames at 10 and at 500 us; a warmup that ends between counts both and times one. */
START_TEST(the_warmup_is_in_the_ledger_but_not_in_the_latencies)
{
    rig_init(&r, 1, "run.warmup=100us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_burst(&r, 500 * US, 0, 1);
    rig_run(&r);
    CHECK_EQ(host_ledger(&r.host).frames[FATE_DELIVERED], 2);
    CHECK_EQ(r.host.latency[STAGE_TOTAL].count, 1);
    rig_free(&r);
}
END_TEST

/* ---- determinism ---- */

/* A machine in which much happens: bursts over two cores, RPS, TCP with GRO, a busy reader beside a blocking
 * one. */
static void lively(const char *more)
{
    uint32_t udp, tcp;

    rig_init(&r, 2, "cpu.count=3 nic.queue.rps_cpus=6 kernel.hz=1000 cost.irq.entry=900cycles "
                    "cost.irq.handler=700cycles cost.driver.frame=205cycles cost.gro.frame=98cycles "
                    "cost.udp.rcv=220cycles cost.tcp.rcv=350cycles cost.recv.entry=420cycles "
                    "cost.recv.empty=380cycles cost.recv.dequeue=640cycles cost.recv.copy_byte=1cycles/B "
                    "cost.sched.switch=2200cycles cost.sched.wake=1500cycles cost.timer.tick=3000cycles "
                    "cpu.cstate.exit_latency=2us nic.coalesce.rx-usecs=20us app[app0].kind=busy "
                    "app[app0].port=9 app[app0].cpu=1 app[app1].port=10");
    rig_set(&r, more);
    udp = rig_flow(&r, FLOW_UDP, 1, 9);
    tcp = rig_flow(&r, FLOW_TCP, 1, 10);
    for (uint32_t i = 0; i < 30; i++) {
        rig_burst(&r, (10 + 50 * i) * US, udp, 20);
        for (uint32_t k = 5 * i; k < 5 * i + 5; k++)
            rig_segment(&r, (10 + 50 * i) * US, tcp, 1 + k * 1000, 1000)->ip_id = (uint16_t)k;
    }
}

/* The shortcut moves the clock inline; without it every step has its event. Counters, times and fingerprint
 * are the same, the number of events is not. */
START_TEST(batching_changes_nothing_but_the_number_of_events)
{
    struct fingerprint with;
    struct ledger books, again;
    uint64_t fired;
    ps_t spent[3][CPU_MODES];

    lively("");
    rig_run(&r);
    with = r.host.fingerprint;
    books = host_ledger(&r.host);
    fired = r.host.engine.fired;
    for (int c = 0; c < 3; c++)
        memcpy(spent[c], r.host.cpu[c].spent, sizeof spent[c]);
    rig_free(&r);

    lively("");
    r.no_batch = true;
    rig_run(&r);
    ck_assert_uint_eq(r.host.fingerprint.lo, with.lo);
    ck_assert_uint_eq(r.host.fingerprint.hi, with.hi);
    again = host_ledger(&r.host);
    ck_assert_mem_eq(&books, &again, sizeof books);
    for (int c = 0; c < 3; c++)
        ck_assert_mem_eq(spent[c], r.host.cpu[c].spent, sizeof spent[c]);
    ck_assert_uint_gt(r.host.engine.fired, fired);
    CHECK_EQ(r.host.engine.inlined, 0);
    rig_free(&r);
}
END_TEST

START_TEST(the_same_machine_gives_the_same_fingerprint_and_another_another)
{
    static const struct { const char *more; bool same; } expected[] = {
        { "", true }, { "cost.recv.dequeue=641cycles", false }, { "nic.phy_delay=1ps", false },
    };
    struct fingerprint first = { 0 };

    lively("");
    rig_run(&r);
    first = r.host.fingerprint;
    rig_free(&r);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        lively(expected[i].more);
        rig_run(&r);
        CHECK_EQ(r.host.fingerprint.lo == first.lo && r.host.fingerprint.hi == first.hi, expected[i].same);
        rig_free(&r);
    }
}
END_TEST

/* The phase of the tick is drawn where none is set: within a jiffy, the same for the same replication. */
START_TEST(each_replication_has_a_tick_phase_of_its_own)
{
    static struct host h[3];
    char why[128];

    rig_init(&r, 0, "kernel.tick_phase=-1ps");
    rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(host_init(&h[i], &r.config, 1, i == 2 ? 0 : (uint64_t)i, true, why, sizeof why), 0);
        ck_assert(h[i].tick_phase >= 0 && h[i].tick_phase < 10 * MS);
    }
    ck_assert(h[0].tick_phase != h[1].tick_phase);
    CHECK_EQ(h[0].tick_phase, h[2].tick_phase);
    for (int i = 0; i < 3; i++)
        host_free(&h[i]);
    rig_free(&r);
}
END_TEST

/* What is drawn at all: the tick's phase, costs, offsets, gaps, damage. */
START_TEST(a_machine_knows_whether_anything_in_it_is_drawn)
{
    static const struct { const char *settings; bool deterministic; } expected[] = {
        { "", true }, { "kernel.tick_phase=-1ps", false }, { "run.cost_cv=5", false },
        { "traffic.offset=on", false },
        { "traffic.kind=poisson traffic.frames=1", false }, { "traffic.kind=cbr traffic.frames=1", true },
        { "traffic.fcs_errors=1", false }, { "traffic.runts=1", false },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        rig_init(&r, 0, expected[i].settings);
        rig_build(&r);
        ck_assert_msg(host_deterministic(&r.host) == expected[i].deterministic, "%s", expected[i].settings);
        rig_free(&r);
    }
}
END_TEST

/* A frame's cost is drawn by its number: the same each time, another for another frame or salt, and the mean
 * over many is the cost. 4096 draws of 20 % spread: the mean is within 4 * 20 % / 64 = 1.25 %. */
START_TEST(a_varied_cost_belongs_to_its_frame)
{
    int64_t sum = 0;

    rig_init(&r, 0, "run.cost_cv=20");
    rig_build(&r);
    CHECK_EQ(host_vary(&r.host, 100000, 7, 0), host_vary(&r.host, 100000, 7, 0));
    ck_assert_int_ne(host_vary(&r.host, 100000, 7, 0), host_vary(&r.host, 100000, 8, 0));
    ck_assert_int_ne(host_vary(&r.host, 100000, 7, 0), host_vary(&r.host, 100000, 7, 1));
    for (uint64_t f = 0; f < 4096; f++)
        sum += host_vary(&r.host, 100000, f, 0);
    ck_assert_int_gt(sum / 4096, 98750);
    ck_assert_int_lt(sum / 4096, 101250);
    rig_free(&r);
    rig_init(&r, 0, "run.cost_cv=0");
    rig_build(&r);
    CHECK_EQ(host_vary(&r.host, 100000, 7, 0), 100000);
    rig_free(&r);
}
END_TEST

/* Of an exponential cost the share exp(-x) exceeds x means: 0.3679 and 0.0498 for 1 and 3. The share in 16384 frames has
 * a standard error of 0.0038 and 0.0017; four of them are allowed. A lognormal of the same mean and spread exceeds its
 * mean in 1 - P(N < sigma / 2) = 33.9 % only (sigma^2 = ln 2): seven errors off. */
START_TEST(an_exponential_cost_is_no_lognormal_of_the_same_spread)
{
    enum { FRAMES = 16384, MEAN = 100000 };
    int above = 0, far_above = 0;
    int64_t sum = 0;

    rig_init(&r, 0, "run.cost_cv=100 run.cost_distribution=exponential");
    rig_build(&r);
    for (uint64_t f = 0; f < FRAMES; f++) {
        int64_t cost = host_vary(&r.host, MEAN, f, 0);
        sum += cost;
        above += cost > MEAN;
        far_above += cost > 3 * MEAN;
    }
    ck_assert_double_eq_tol((double)sum / FRAMES, MEAN, 4 * MEAN / 128.0);      /* sqrt(FRAMES) = 128 */
    ck_assert_double_eq_tol((double)above / FRAMES, 0.3679, 0.0152);
    ck_assert_double_eq_tol((double)far_above / FRAMES, 0.0498, 0.0068);
    ck_assert(!host_deterministic(&r.host));
    rig_free(&r);
}
END_TEST

START_TEST(an_exponential_cost_has_one_spread_only)
{
    static const struct { const char *settings; bool good; } row[] = {
        { "run.cost_distribution=exponential run.cost_cv=100", true },
        { "run.cost_distribution=exponential run.cost_cv=0", true },
        { "run.cost_distribution=exponential run.cost_cv=5", false },
        { "run.cost_distribution=lognormal run.cost_cv=5", true },
    };
    char why[256];

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        rig_init(&r, 0, row[i].settings);
        const char *wrong = config_check(&r.config, why, sizeof why);
        ck_assert_msg((wrong == NULL) == row[i].good, "%s", row[i].settings);
        if (wrong)
            ck_assert_msg(strstr(wrong, "100 percent") != NULL, "%s", wrong);
        rig_free(&r);
    }
}
END_TEST

/* ---- counters and checks ---- */

struct seen { int n; char scope[4096]; uint64_t delivered; };

static void see(void *user, const char *scope, const char *name, uint64_t value)
{
    struct seen *s = user;
    size_t length = strlen(s->scope);

    s->n++;
    if (strcmp(name, "UdpInDatagrams") == 0)
        s->delivered = value;
    if (length < strlen(scope) || strcmp(s->scope + length - strlen(scope), scope) != 0)
        snprintf(s->scope + length, sizeof s->scope - length, " %s", scope);
}

/* Scopes in packet order: NIC, its queues, cores, protocols, netfilter, applications. */
START_TEST(counters_come_with_their_scope_in_packet_order)
{
    struct seen s = { .n = 0 };

    rig_init(&r, 1, "cpu.count=2 nic.channels=2");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_run(&r);
    host_counters(&r.host, see, &s);
    ck_assert_str_eq(s.scope, " eth0 eth0.q0 eth0.q1 cpu0 cpu1 tc snmp netfilter app.app0");
    CHECK_EQ(s.delivered, 3);
    rig_free(&r);
}
END_TEST

/* Relations that no range of one parameter can express: a sentence each, and no machine. */
START_TEST(a_machine_that_cannot_be_is_refused_with_a_sentence)
{
    static const struct { const char *settings, *word; } expected[] = {
        { "app.cpu=1", "app" }, { "traffic.nic=1", "nic" },
        { "nic.ring.refill_batch=0 nic.ring.refill_at_end=0", "refill" },
        { "nic.ring.rx=16 nic.ring.tail_multiple=16", "tail_multiple" },
        { "traffic.kind=cbr", "duration" }, { "nic.queue.rps_cpus=4", "rps_cpus" },
        { "nic.queue[1].rps_cpus=1", "channels" }, { "nic.queue.smp_affinity=4", "smp_affinity" },
        { "nic.rss.hkey=6d:5a", "hkey" },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        static struct host h;
        char why[256] = "";

        rig_init(&r, 1, expected[i].settings);
        rig_burst(&r, 0, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        CHECK_EQ(host_init(&h, &r.config, 1, 0, true, why, sizeof why), -1);
        ck_assert_msg(strstr(why, expected[i].word) != NULL, "%s: %s", expected[i].settings, why);
        host_free(&h);
        rig_free(&r);
    }
}
END_TEST

SUITE(host, the_journey_of_one_frame_is_the_sum_of_its_stages, the_stages_of_a_latency_add_up_to_its_total,
      every_frame_ends_in_one_place_of_the_books, what_is_still_inside_at_the_end_is_in_flight,
      a_run_without_duration_ends_when_all_frames_have, a_run_lasts_its_duration_and_offers_nothing_after_it,
      a_run_stops_when_it_is_told_to, the_warmup_is_in_the_ledger_but_not_in_the_latencies,
      batching_changes_nothing_but_the_number_of_events,
      the_same_machine_gives_the_same_fingerprint_and_another_another,
      each_replication_has_a_tick_phase_of_its_own, a_machine_knows_whether_anything_in_it_is_drawn,
      a_varied_cost_belongs_to_its_frame, an_exponential_cost_is_no_lognormal_of_the_same_spread,
      an_exponential_cost_has_one_spread_only, counters_come_with_their_scope_in_packet_order,
      a_machine_that_cannot_be_is_refused_with_a_sentence)
