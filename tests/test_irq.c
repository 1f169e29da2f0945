/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/irq.h"

#include "models/nic.h"
#include "tests/machine.h"
#include "tests/suite.h"

static const char forty_flows[] =
    "version: 1\n"
    "run: {duration: 1ms, cost_cv: 0}\n"
    "nic: {channels: 4, rss.hash_udp_ports: on}\n"
    "traffic: {kind: cbr, rate: 100kpps, frame: 64B, flows: 40, frames: 40, offset: off}\n"
    "app.kind: recv\n";

/* Four queues, and forty flows spread over them by their ports. */
static void spread(struct result *r, const char *settings)
{
    struct config c;

    machine_parse(&c, forty_flows, settings);
    machine_run(&c, NULL, r);
    CHECK_EQ(r->packets, 40);
    uint64_t seen = 0;
    for (int i = 0; i < r->packets; i++)
        seen |= UINT64_C(1) << r->packet[i].queue;
    CHECK_EQ(seen, 0xf);                /* every queue has had a frame, or the test says nothing */
    machine_release(&c);
}

/* Interrupts are counted on the CPU that takes them and on the vector: the sums agree. */
static void expect_cpu_of_queue(const struct result *r, const int cpu[4])
{
    uint64_t taken[CONFIG_CPUS] = { 0 };
    char scope[32];

    for (int i = 0; i < r->packets; i++)
        CHECK_EQ(r->packet[i].cpu, cpu[r->packet[i].queue]);
    for (int q = 0; q < 4; q++)
        taken[cpu[q]] += result_counter(r, r->queue[q].scope, "interrupts");
    for (int i = 0; i < r->cpus; i++) {
        snprintf(scope, sizeof scope, "cpu%d", i);
        ck_assert_uint_eq(result_counter(r, scope, "interrupts"), taken[i]);
    }
}

START_TEST(queues_spread_over_the_cpus_in_turn)
{
    struct result r;

    spread(&r, "cpu.count=3");
    expect_cpu_of_queue(&r, (const int[]){ 0, 1, 2, 0 });
    result_free(&r);
}
END_TEST

START_TEST(the_first_cpu_of_the_mask_is_used)
{
    struct result r;

    spread(&r, "cpu.count=4 nic.queue.smp_affinity=6");              /* CPUs 1 and 2 */
    expect_cpu_of_queue(&r, (const int[]){ 1, 1, 1, 1 });
    result_free(&r);
}
END_TEST

START_TEST(one_queue_may_have_a_mask_of_its_own)
{
    struct result r;

    spread(&r, "cpu.count=4 nic.queue[2].smp_affinity=8");
    expect_cpu_of_queue(&r, (const int[]){ 0, 1, 3, 3 });
    result_free(&r);
}
END_TEST

/* ---- the message's flight, to the picosecond ---- */

/* A machine on which nothing has happened, ready for a vector to be signalled by hand. */
static void quiet_machine(struct config *c, struct host *h)
{
    char why[256] = "";

    machine_load(c, "one-frame.yaml", "traffic.start=900us");
    ck_assert_msg(host_init(h, c, 1, 0, true, why, sizeof why) == 0, "%s", why);
    for (int i = 0; i < h->cpus; i++)
        cpu_start(&h->cpu[i]);
}

/* The handler runs after the flight, the exit from the idle state, the entry and its own time; the interrupt is
 * counted then and not a picosecond before. The idle state has been entered at 0. */
START_TEST(the_handler_runs_after_flight_exit_and_entry)
{
    struct config c;
    struct host h;

    quiet_machine(&c, &h);
    struct irq *irq = &h.nic[0].queue[0].irq;
    const struct host_config *p = h.hc;         /* costs in picoseconds by now */
    ps_t handled = 50 * US + p->irq.delivery + p->cpu.cstate_exit_latency + p->cpu.irq_from_idle + p->cpu.irq_entry +
                   p->irq.handler;

    ck_assert_int_gt(p->cpu.cstate_exit_latency, 0);
    engine_run_until(&h.engine, 50 * US);
    irq_signal(irq);
    engine_run_until(&h.engine, handled - 1);
    CHECK_EQ(irq->counters.interrupts, 0);
    CHECK_EQ(irq->napi->scheduled, false);
    engine_run_until(&h.engine, handled);
    CHECK_EQ(irq->counters.interrupts, 1);
    CHECK_EQ(h.cpu[0].counters.interrupts, 1);
    CHECK_EQ(irq->napi->scheduled, true);
    CHECK_EQ(irq->napi->irq_at, handled);
    host_free(&h);
    machine_release(&c);
}
END_TEST

/* A core that has been idle for less than the target residency leaves at once. */
START_TEST(a_short_idle_period_costs_no_exit_latency)
{
    struct config c;
    struct host h;

    quiet_machine(&c, &h);
    struct irq *irq = &h.nic[0].queue[0].irq;
    const struct host_config *p = h.hc;
    ps_t arrives = p->cpu.cstate_target_residency - 1;
    ps_t rest = p->cpu.irq_from_idle + p->cpu.irq_entry + p->irq.handler;

    engine_run_until(&h.engine, arrives - p->irq.delivery);
    irq_signal(irq);
    engine_run_until(&h.engine, arrives + rest - 1);
    CHECK_EQ(irq->counters.interrupts, 0);
    engine_run_until(&h.engine, arrives + rest);
    CHECK_EQ(irq->counters.interrupts, 1);
    host_free(&h);
    machine_release(&c);
}
END_TEST

/* Two messages of one vector on their way at once are one edge in the APIC, and it comes with the first. After that a
 * second is an interrupt of its own. */
START_TEST(messages_merge_in_flight_and_only_there)
{
    struct config c;
    struct host h;

    quiet_machine(&c, &h);
    struct irq *irq = &h.nic[0].queue[0].irq;
    const struct host_config *p = h.hc;
    ps_t handled = 50 * US + p->irq.delivery + p->cpu.cstate_exit_latency + p->cpu.irq_from_idle + p->cpu.irq_entry +
                   p->irq.handler;

    engine_run_until(&h.engine, 50 * US);
    irq_signal(irq);
    engine_run_until(&h.engine, 50 * US + p->irq.delivery - 1);
    irq_signal(irq);
    engine_run_until(&h.engine, handled);
    CHECK_EQ(irq->counters.interrupts, 1);
    engine_run_until(&h.engine, 100 * US);
    CHECK_EQ(irq->counters.interrupts, 1);
    irq_signal(irq);
    engine_run_until(&h.engine, 200 * US);
    CHECK_EQ(irq->counters.interrupts, 2);
    host_free(&h);
    machine_release(&c);
}
END_TEST

SUITE(irq, queues_spread_over_the_cpus_in_turn, the_first_cpu_of_the_mask_is_used, one_queue_may_have_a_mask_of_its_own,
      the_handler_runs_after_flight_exit_and_entry,
      a_short_idle_period_costs_no_exit_latency, messages_merge_in_flight_and_only_there)
