/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tx.h"

#include <string.h>

#include "models/host.h"
#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

/* A machine whose only NIC is the way out. 10 Gbit/s: 64 bytes take 57.6 ns to the last bit and are 67.2 ns apart. */
#define WAY_OUT "nic.link=10Gbps host.default_route=eth0 pcie.tx_latency=1us pcie.latency=400ns nic.coalesce.kind=delay " \
                "nic.coalesce.tx-usecs=16us "
enum { SLOT = 67200, FIRST_DONE = 1000000 + 57600 + 400000 };       /* ps */

static void begin(const char *settings)
{
    rig_init(&r, 1, WAY_OUT);
    rig_set(&r, settings);
    rig_burst(&r, 50 * MS, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
}

static struct nic_queue *queue(void) { return &r.host.nic[0].queue[0]; }
static struct tx *tx(void) { return &queue()->tx; }

/* Sends an skb of `frames` frames of 64 bytes at the current instant. */
static enum fate send(int frames)
{
    struct frame f[16];
    struct skb s = { .first = f, .frames = frames };

    for (int i = 0; i < frames; i++)
        f[i] = (struct frame){ .next = i + 1 < frames ? &f[i + 1] : NULL, .wire_bytes = 64 };
    return tx_xmit(tx(), &s);
}

/* The n-th interrupt's handler, or -1. */
static ps_t interrupt(int n)
{
    return n < rig_count(&r, TRACE_IRQ_HANDLER_ENTRY) ? rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, n)->at : -1;
}

/* ---- the wire, moderation ---- */

START_TEST(a_completion_comes_after_the_reads_the_wire_and_the_write)
{
    begin("");
    rig_until(&r, 5 * US);
    CHECK_EQ(send(1), FATE_FORWARDED);
    CHECK_EQ(send(2), FATE_FORWARDED);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(tx()->done_at[i], 5 * US + FIRST_DONE + i * SLOT);
    CHECK_EQ(tx()->counters.tx_packets, 3);
    CHECK_EQ(tx()->counters.tx_bytes, 3 * 60);          /* the FCS is the NIC's */
    rig_free(&r);
}
END_TEST

/* 16 us after the first completion, or with the third. */
START_TEST(completions_are_signalled_after_tx_usecs_or_tx_frames)
{
    static const struct { const char *settings; ps_t at; } row[] = {
        { "", FIRST_DONE + 16 * US },
        { "nic.coalesce.tx-frames=3", FIRST_DONE + 2 * SLOT },
        { "nic.coalesce.tx-frames=5", FIRST_DONE + 16 * US },
        { "nic.coalesce.tx-usecs=0us", FIRST_DONE },
        { "nic.coalesce.kind=gap", FIRST_DONE },        /* an idle vector fires at once */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        begin(row[i].settings);
        CHECK_EQ(send(4), FATE_FORWARDED);
        rig_until(&r, row[i].at - 1);
        CHECK_EQ(interrupt(0), -1);
        rig_until(&r, 100 * US);
        CHECK_EQ(interrupt(0), row[i].at);
        CHECK_EQ(tx()->next_to_clean, 4);
        rig_free(&r);
    }
}
END_TEST

/* Without moderation, a frame a microsecond: each completion has its interrupt. With a gap of 10 us one in ten has. */
START_TEST(a_gap_holds_for_the_vector)
{
    static const struct { const char *settings; int interrupts; } row[] = {
        { "nic.coalesce.kind=gap nic.coalesce.tx-usecs=0us", 50 },
        { "nic.coalesce.kind=gap nic.coalesce.tx-usecs=10us", 6 },  /* 1.46, 11.46 .. 51.46 us */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        begin(row[i].settings);
        for (int n = 0; n < 50; n++) {
            rig_until(&r, n * US);
            send(1);
        }
        rig_until(&r, 100 * US);
        CHECK_EQ(rig_count(&r, TRACE_IRQ_HANDLER_ENTRY), row[i].interrupts);
        CHECK_EQ(tx()->next_to_clean, 50);
        rig_free(&r);
    }
}
END_TEST

/* ---- who takes them ---- */

/* 100 ns each, all ten are done: a poll of work 0 that lasts 1 us. */
START_TEST(the_poll_takes_all_that_are_done)
{
    begin("cost.tx.free=100cycles");
    send(10);
    rig_until(&r, 100 * US);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 1);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, FIRST_DONE + 17 * US);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->a, 0);
    CHECK_EQ(tx()->counters.tx_cleans, 1);
    ck_assert(tx_idle(tx()));
    rig_free(&r);
}
END_TEST

/* The second is done while the first is being freed. */
START_TEST(what_completes_during_the_poll_is_taken_by_it)
{
    begin("cost.tx.free=1000cycles nic.coalesce.tx-usecs=0us");
    send(2);
    rig_until(&r, 100 * US);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 1);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, FIRST_DONE + 2 * US);
    CHECK_EQ(rig_count(&r, TRACE_IRQ_HANDLER_ENTRY), 1);
    rig_free(&r);
}
END_TEST

/* Ten done, four a poll: two polls claim their whole weight, the third is done. */
START_TEST(a_poll_that_meets_its_work_limit_is_polled_again)
{
    static const int64_t work[] = { 64, 64, 0 };

    begin("nic.tx.work_limit=4");
    send(10);
    rig_until(&r, 100 * US);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, i)->a, work[i]);
    CHECK_EQ(rig_count(&r, TRACE_IRQ_HANDLER_ENTRY), 1);
    rig_free(&r);
}
END_TEST

/* 700 ns of handler and 50 of exit in hard interrupt; the NET_TX softirq takes 200 ns and 100 for each of three skbs; no
 * poll. */
START_TEST(the_handler_takes_them_where_the_driver_is_of_that_age)
{
    begin("nic.tx.clean=irq cost.tx.handler=700cycles cost.tx.free=100cycles cost.irq.exit=50cycles "
          "pcie.msix_latency=300ns cost.softirq.net_tx=200cycles");
    send(3);
    const ps_t handled = FIRST_DONE + 16 * US + 300 * NS + 700 * NS;
    rig_until(&r, handled - 1);
    ck_assert(!tx_idle(tx()));
    rig_until(&r, handled);
    ck_assert(tx_idle(tx()));
    rig_until(&r, 100 * US);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 0);
    CHECK_EQ(rig_count(&r, TRACE_IRQ_HANDLER_ENTRY), 0);        /* that is the receive vector */
    CHECK_EQ(queue()->irq.counters.interrupts, 0);
    CHECK_EQ(tx()->counters.tx_interrupts, 1);
    CHECK_EQ(r.host.cpu[0].spent[CPU_HARDIRQ], 750 * NS);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 500 * NS);
    ck_assert(tx_idle(tx()));
    ck_assert(!tx()->masked);
    rig_free(&r);
}
END_TEST

/* ---- no room ---- */

/* 16 descriptors and 4 places: the 21st finds none, an skb of two finds none when one is left. */
START_TEST(a_full_ring_leaves_frames_to_the_qdisc_and_a_full_qdisc_drops)
{
    begin("nic.ring.tx=16 nic.txqueuelen=4");
    for (int i = 0; i < 19; i++)
        CHECK_EQ(send(1), FATE_FORWARDED);
    CHECK_EQ(send(2), FATE_QDISC_DROP);
    CHECK_EQ(send(1), FATE_FORWARDED);
    CHECK_EQ(send(1), FATE_QDISC_DROP);
    CHECK_EQ(tx()->counters.tx_packets, 16);
    CHECK_EQ(tx()->counters.tx_queue_stopped, 1);
    CHECK_EQ(tx()->counters.qdisc_dropped, 3);
    rig_until(&r, FIRST_DONE + 16 * US);                /* the poll frees 16 descriptors, the four move on */
    CHECK_EQ(tx()->counters.tx_packets, 20);
    CHECK_EQ(tx()->next_to_clean, 16);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(tx()->done_at[i], FIRST_DONE + 16 * US + FIRST_DONE + i * SLOT);
    rig_until(&r, 100 * US);
    ck_assert(tx_idle(tx()));
    rig_free(&r);
}
END_TEST

/* ---- forwarding ---- */

static const char router[] =
    "version: 1\n"
    "cpu: {count: 1, model: xeon-e5-1650v4}\n"
    "kernel.version: 4.19\n"
    "run: {duration: 5ms, cost_cv: 0}\n"
    "nic[in].model: mlx5\n"
    "nic[out].model: mlx5\n"
    "host.address: 10.0.0.3\n"
    "net.ipv4.ip_forward: on\n"
    "traffic: {kind: cbr, rate: 30Mpps, frame: 64B, offset: off}\n";

/* Ingress always uses its weight, and egress is polled between two such polls: the completions of one poll need one
 * interrupt. At the ends of the run one of either kind may lack its partner. */
START_TEST(a_saturated_router_polls_its_egress_once_in_64_frames)
{
    struct config c;
    struct result out;

    machine_parse(&c, router, "host.default_route=out");
    machine_run(&c, NULL, &out);
    uint64_t forwarded = machine_fate(&out, FATE_FORWARDED), polls = result_counter(&out, "out.q0", "napi_polls");
    ck_assert_uint_gt(forwarded, 5000);
    CHECK_EQ(result_counter(&out, "out.q0", "tx_packets"), forwarded);
    ck_assert_uint_le(polls, forwarded / 64 + 2);
    ck_assert_uint_ge(polls + 2, forwarded / 64);
    CHECK_EQ(result_counter(&out, "out.q0", "interrupts"), polls);
    result_free(&out);
    machine_release(&c);
}
END_TEST

/* Without a way out the same work is charged at once: 250 + 150 cycles beside the 1030 of IP. */
START_TEST(a_router_without_a_way_out_pays_the_same)
{
    struct config c;
    struct result with, without;

    machine_parse(&c, router, "host.default_route=out cost.napi.poll=0cycles cost.irq.handler=0cycles");
    machine_run(&c, NULL, &with);
    machine_release(&c);
    machine_parse(&c, router, "cost.napi.poll=0cycles cost.irq.handler=0cycles");
    machine_run(&c, NULL, &without);
    machine_release(&c);
    double a = (double)machine_fate(&with, FATE_FORWARDED), b = (double)machine_fate(&without, FATE_FORWARDED);
    ck_assert_double_eq_tol(a, b, 0.03 * b);            /* what is left is the interrupt and the poll beside the work */
    result_free(&with);
    result_free(&without);
}
END_TEST

/* A gigabit out of ten: the wire takes its 1.488 million a second, the rest is refused by the qdisc. 5 ms, and what ring
 * and qdisc hold at the end. */
START_TEST(a_slow_wire_out_drops_in_the_qdisc)
{
    struct config c;
    struct result out;

    machine_parse(&c, router, "host.default_route=out nic[out].link=1Gbps traffic.rate=1.6Mpps");
    machine_run(&c, NULL, &out);
    uint64_t forwarded = machine_fate(&out, FATE_FORWARDED), dropped = machine_fate(&out, FATE_QDISC_DROP);
    CHECK_EQ(forwarded + dropped, 8000);
    CHECK_EQ(result_counter(&out, NULL, "qdisc_dropped"), dropped);
    machine_release(&c);
    result_free(&out);
    machine_parse(&c, router, "host.default_route=out nic[out].link=1Gbps traffic.rate=1.6Mpps run.duration=50ms");
    machine_run(&c, NULL, &out);
    forwarded = machine_fate(&out, FATE_FORWARDED);
    dropped = machine_fate(&out, FATE_QDISC_DROP);
    CHECK_EQ(forwarded + dropped, 80000);
    ck_assert_uint_le(forwarded, (uint64_t)(1488095 / 20 + 1024 + 1000));   /* 50 ms of wire, ring, qdisc */
    ck_assert_uint_ge(forwarded, (uint64_t)(1488095 / 20));
    result_free(&out);
    machine_release(&c);
}
END_TEST

START_TEST(a_route_names_a_nic)
{
    struct config c;
    char why[256] = "";

    machine_parse(&c, router, "host.default_route=out");
    ck_assert_ptr_null(config_check(&c, why, sizeof why));
    c.host->tx.route = config_text(&c, "nowhere");
    ck_assert_ptr_nonnull(config_check(&c, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "host.default_route is nowhere"));
    machine_release(&c);
}
END_TEST

SUITE(tx, a_completion_comes_after_the_reads_the_wire_and_the_write,
      completions_are_signalled_after_tx_usecs_or_tx_frames, a_gap_holds_for_the_vector,
      the_poll_takes_all_that_are_done, what_completes_during_the_poll_is_taken_by_it,
      a_poll_that_meets_its_work_limit_is_polled_again, the_handler_takes_them_where_the_driver_is_of_that_age,
      a_full_ring_leaves_frames_to_the_qdisc_and_a_full_qdisc_drops,
      a_saturated_router_polls_its_egress_once_in_64_frames, a_router_without_a_way_out_pays_the_same,
      a_slow_wire_out_drops_in_the_qdisc, a_route_names_a_nic)
