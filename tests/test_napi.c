/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/napi.h"

#include <string.h>

#include "models/nic.h"
#include "models/softirq.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static struct napi *napi(void)
{
    return &r.host.nic[0].queue[0].napi;
}

static int interrupts(void)
{
    return (int)r.host.nic[0].queue[0].irq.counters.interrupts;
}

/* Compares the work of all polls. */
static void check_polls(const int *work, int n)
{
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), n);
    for (int i = 0; i < n; i++)
        ck_assert_msg(rig_note(&r, TRACE_NAPI_POLL, i)->a == work[i], "poll %d", i);
}

#define CHECK_POLLS(...)  check_polls((const int[]){ __VA_ARGS__ }, \
                                      (int)(sizeof(int[]){ __VA_ARGS__ } / sizeof(int)))

/* ---- work and weight ---- */

/* The interrupt's message takes 1 us, in which the whole burst is written to memory. */
static void burst(int n, const char *settings)
{
    rig_init(&r, 1, settings);
    rig_set(&r, "pcie.msix_latency=1us app.rcvbuf=212992B net.core.rmem_default=4MB");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), n);
    rig_run(&r);
    CHECK_EQ(interrupts(), 1);
}

/* A real kernel does the same: a burst of exactly 64 costs a second poll with work 0, 100 are 64 + 36 in two
 * runs. */
START_TEST(a_poll_that_used_its_weight_is_followed_by_another)
{
    burst(63, "");
    CHECK_POLLS(63);
    CHECK_EQ(napi()->counters.full_polls, 0);
    rig_free(&r);

    burst(64, "");
    CHECK_POLLS(64, 0);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 2);
    CHECK_EQ(napi()->counters.polls, 2);
    CHECK_EQ(napi()->counters.full_polls, 1);
    CHECK_EQ(napi()->counters.empty_polls, 1);
    CHECK_EQ(r.host.work_hist[64], 1);
    CHECK_EQ(r.host.work_hist[0], 1);
    rig_free(&r);

    burst(100, "");
    CHECK_POLLS(64, 36);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 2);
    rig_free(&r);
}
END_TEST

START_TEST(the_weight_is_the_drivers)
{
    burst(20, "kernel.napi.weight=8");
    CHECK_POLLS(8, 8, 4);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->b, 8);
    rig_free(&r);
}
END_TEST

/* Poll 10 ns, complete 20, end 40: one poll of no frames from the interrupt at 10 us + RIG_WIRE; a poll that
 * uses its weight of 1 has the 80 of its own instead of complete and end. */
START_TEST(each_part_of_a_poll_costs_once_where_it_happens)
{
    for (int full = 0; full < 2; full++) {
        rig_init(&r, 1, "cost.napi.poll=10cycles cost.napi.complete=20cycles cost.napi.poll_end=40cycles "
                        "cost.napi.full_poll_end=80cycles");
        rig_set(&r, full ? "kernel.napi.weight=1" : "");
        rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_run(&r);
        CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, 10 * US + RIG_WIRE + (full ? 90 : 70) * NS);
        rig_free(&r);
    }
}
END_TEST

/* ---- MISSED ---- */

static int unmasked;

static void count_unmask(struct napi *n)
{
    (void)n;
    unmasked++;
}

static void schedule(struct context *x, void *fake)
{
    struct fake_nic *f = fake;

    (void)x;
    napi_schedule(&f->napi);
}

/* Scheduled again in the middle of its poll, it completes that poll and is polled once more; only that
 * completion enables the interrupt. */
START_TEST(a_napi_scheduled_while_it_is_scheduled_is_polled_once_more)
{
    static struct fake_nic f;
    struct pulse first, second, third;

    rig_init(&r, 0, "");
    rig_start(&r);
    unmasked = 0;
    fake_init(&f, &r.host.cpu[0], 64, 10, 10 * US, true);
    f.napi.unmask = count_unmask;
    pulse_init(&first, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&second, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&third, &r.host.cpu[0], 0, schedule, &f);
    pulse_at(&first, 1 * MS);
    pulse_at(&second, 1 * MS + 4 * US);
    pulse_at(&third, 1 * MS + 6 * US);          /* the bit is set already */
    rig_until(&r, 1 * MS + 10 * US);
    CHECK_EQ(f.polls, 1);
    CHECK_EQ(f.completed, 1);
    CHECK_EQ(unmasked, 0);
    ck_assert(f.napi.scheduled);
    rig_until(&r, 2 * MS);
    CHECK_EQ(f.polls, 2);
    CHECK_EQ(f.work[0], 10);
    CHECK_EQ(f.work[1], 0);
    CHECK_EQ(unmasked, 1);
    ck_assert(!f.napi.scheduled);
    ck_assert(!f.napi.missed);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 1);
    rig_free(&r);
}
END_TEST

/* As in kernels up to 6.1: the second poll is in a run of its own. */
START_TEST(a_missed_schedule_raises_the_softirq_where_runs_do_not_take_newcomers)
{
    static struct fake_nic f;
    struct pulse first, second;

    rig_init(&r, 0, "kernel.napi.schedule_in_run=off");
    rig_start(&r);
    fake_init(&f, &r.host.cpu[0], 64, 10, 10 * US, true);
    pulse_init(&first, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&second, &r.host.cpu[0], 0, schedule, &f);
    pulse_at(&first, 1 * MS);
    pulse_at(&second, 1 * MS + 4 * US);
    rig_until(&r, 2 * MS);
    CHECK_EQ(f.polls, 2);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 2);
    rig_free(&r);
}
END_TEST

/* ---- deferral ---- */

/* The frame of 10 us is polled at its interrupt, T0. Then N = 3 polls by timer, 50 us apart, all empty; the
 * third enables the interrupt. */
START_TEST(deferral_polls_by_timer_n_times_and_then_enables_the_interrupt)
{
    const ps_t t0 = 10 * US + RIG_WIRE;
    uint32_t flow;

    rig_init(&r, 1, "nic.napi_defer_hard_irqs=3 nic.gro_flush_timeout=50us");
    flow = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, flow, 1);
    rig_burst(&r, 1 * MS, flow, 1);             /* by then the interrupt is on */
    rig_start(&r);
    rig_until(&r, t0 + 150 * US - 1);
    CHECK_POLLS(1, 0, 0);
    ck_assert(r.host.nic[0].queue[0].coalesce.masked);
    rig_until(&r, t0 + 150 * US);
    CHECK_POLLS(1, 0, 0, 0);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->at, t0 + 50 * US);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 2)->at, t0 + 100 * US);
    CHECK_EQ(napi()->counters.timer_polls, 3);
    ck_assert(!r.host.nic[0].queue[0].coalesce.masked);
    rig_until(&r, 900 * US);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 4);
    CHECK_EQ(interrupts(), 1);
    rig_until(&r, 1 * MS + RIG_WIRE);
    CHECK_EQ(interrupts(), 2);
    rig_free(&r);
}
END_TEST

/* A frame after the second timer poll waits for the third, at T0 + 150 us, and starts the count of three
 * anew. */
START_TEST(work_found_by_a_timer_poll_starts_the_deferral_anew)
{
    const ps_t t0 = 10 * US + RIG_WIRE;
    uint32_t flow;

    rig_init(&r, 1, "nic.napi_defer_hard_irqs=3 nic.gro_flush_timeout=50us");
    flow = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, flow, 1);
    rig_burst(&r, 130 * US, flow, 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_POLLS(1, 0, 0, 1, 0, 0, 0);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 3)->at, t0 + 150 * US);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 1)->at, t0 + 150 * US);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 6)->at, t0 + 300 * US);
    CHECK_EQ(interrupts(), 1);
    rig_free(&r);
}
END_TEST

/* Without a timeout the interrupt is enabled at once, whatever N. */
START_TEST(deferral_without_a_timeout_has_no_effect)
{
    uint32_t flow;

    rig_init(&r, 1, "nic.napi_defer_hard_irqs=3");
    flow = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, flow, 1);
    rig_burst(&r, 20 * US, flow, 1);
    rig_run(&r);
    CHECK_POLLS(1, 1);
    CHECK_EQ(interrupts(), 2);
    CHECK_EQ(napi()->counters.timer_polls, 0);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 1)->at, 20 * US + RIG_WIRE);
    rig_free(&r);
}
END_TEST

/* Datagrams are not held by GRO: no timer. */
START_TEST(a_timeout_without_deferral_arms_no_timer_when_gro_holds_nothing)
{
    rig_init(&r, 1, "nic.gro_flush_timeout=50us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
    CHECK_POLLS(1);
    CHECK_EQ(napi()->counters.timer_polls, 0);
    rig_free(&r);
}
END_TEST

/* A full segment is held; the interrupt is on, so the next segment comes by an interrupt 20 us later, is
 * merged, and starts the 50 us anew (as the kernel's hrtimer_start does). The timer's poll hands one skb of
 * two frames up. */
START_TEST(a_timeout_without_deferral_lets_gro_hold_across_polls)
{
    uint32_t flow;
    ps_t second;

    rig_init(&r, 1, "nic.gro_flush_timeout=50us");
    flow = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 10 * US, flow, 1, 1000);
    rig_segment(&r, 30 * US, flow, 1001, 1000)->ip_id = 1;
    rig_run(&r);
    second = rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 1)->at;
    CHECK_POLLS(1, 1, 0);
    CHECK_EQ(interrupts(), 2);
    CHECK_EQ(napi()->counters.timer_polls, 1);
    CHECK_EQ(rig_count(&r, TRACE_NETIF_RECEIVE_SKB), 1);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->b, 2);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->at, second + 50 * US);
    rig_free(&r);
}
END_TEST

/* A segment is held at 10 us, its timer due at 60 us. A datagram's poll from 55 to 65 us is on when it
 * fires: that is no reason for another poll. The poll's end sets the timer anew, since the segment is of
 * this jiffy and stays. */
START_TEST(a_timer_that_finds_the_napi_scheduled_does_nothing)
{
    uint32_t tcp, udp;
    ps_t second;

    rig_init(&r, 1, "nic.gro_flush_timeout=50us cost.udp.rcv=10us cpu.count=2");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    udp = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_segment(&r, 10 * US, tcp, 1, 1000);
    rig_burst(&r, 55 * US, udp, 1);
    rig_run(&r);
    CHECK_POLLS(1, 1, 0);
    second = rig_note(&r, TRACE_NAPI_POLL, 1)->at;
    CHECK_EQ(second, 65 * US + RIG_WIRE);
    CHECK_EQ(napi()->counters.timer_polls, 1);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 2)->at, second + 50 * US);
    rig_free(&r);
}
END_TEST

/* Ticks at 9, 19, .. ms. A segment held since 8.99 ms is from before the tick when the poll of 9.01 ms
 * completes: it is handed up there. The other flow's, of that poll, is held on until its timeout of 1 ms. */
START_TEST(with_a_timeout_a_completion_flushes_what_is_older_than_the_jiffy)
{
    uint32_t old, young;

    rig_init(&r, 1, "nic.gro_flush_timeout=1ms");
    old = rig_flow(&r, FLOW_TCP, 1, 9);
    young = rig_flow(&r, FLOW_TCP, 2, 9);
    rig_segment(&r, 8990 * US, old, 1, 1000);
    rig_segment(&r, 9010 * US, young, 1, 1000);
    rig_run(&r);
    ps_t poll = rig_note(&r, TRACE_NAPI_POLL, 1)->at;
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->a, 0);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->at, poll);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 1)->a, 1);
    CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 1)->at, poll + 1 * MS);
    rig_free(&r);
}
END_TEST

/* Weight 1 and two segments of two flows, waiting together. The first poll uses its weight: below HZ 1000 it
 * hands its segment up; at HZ 1000 it keeps what is from this jiffy, and the end of the last poll hands up
 * both. */
START_TEST(a_poll_that_used_its_weight_flushes_gro_below_hz_1000)
{
    for (int fast = 0; fast < 2; fast++) {
        rig_init(&r, 1, "kernel.napi.weight=1 pcie.msix_latency=1us cost.napi.full_poll_end=5us");
        rig_set(&r, fast ? "kernel.hz=1000" : "kernel.hz=250");
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, 1, 9), 1, 1000);
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, 2, 9), 1, 1000);
        rig_run(&r);
        CHECK_POLLS(1, 1, 0);
        ps_t first = rig_note(&r, TRACE_NAPI_POLL, 0)->at - 5 * US;
        CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 0)->at, fast ? first + 10 * US : first);
        CHECK_EQ(rig_note(&r, TRACE_NETIF_RECEIVE_SKB, 1)->at, fast ? first + 10 * US : first + 5 * US);
        rig_free(&r);
    }
}
END_TEST

/* What is handed up at the end comes before the interrupt is enabled: a frame that arrives while the
 * protocols work (1 us each) is not signalled before that is over. */
START_TEST(the_interrupt_is_enabled_after_everything_was_handed_up)
{
    uint32_t flow;

    rig_init(&r, 1, "cost.udp.rcv=1000cycles cpu.count=2");
    flow = rig_flow(&r, FLOW_UDP, 1, 9);
    rig_burst(&r, 10 * US, flow, 1);
    rig_burst(&r, 10 * US + 500 * NS, flow, 1);
    rig_run(&r);
    CHECK_EQ(interrupts(), 2);
    CHECK_EQ(rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 1)->at, 11 * US + RIG_WIRE);
    rig_free(&r);
}
END_TEST

/* ---- threaded ---- */

static const struct napi_nic_params threaded_nic = { .threaded = 1 };

/* A NAPI of our own with a thread. */
static void fake_threaded(struct fake_nic *f, int64_t left, ps_t cost)
{
    fake_init(f, &r.host.cpu[0], 64, left, cost, true);
    f->napi.nic_params = &threaded_nic;
    napi_make_threaded(&f->napi);
}

static void wake_worker(struct context *x, void *worker)
{
    struct worker *w = worker;

    x->owed += sched_wake(&w->task, x->cpu);
}

static void schedule_and_pay(struct context *x, void *fake)
{
    struct fake_nic *f = fake;

    x->owed += napi_schedule(&f->napi);
}

/* 100 frames, a budget of 1, which a softirq would squeeze at once: 64 and 36 in the thread, and no softirq
 * ever. Each frame takes 1 us. The interrupt is enabled when the thread is done and the next frame comes by
 * it. */
START_TEST(a_threaded_napi_is_polled_by_a_task_without_budget)
{
    rig_init(&r, 1, "nic.threaded=on cpu.count=2 net.core.netdev_budget=1 cost.driver.frame=1000cycles "
                    "pcie.msix_latency=1us "
                    "net.core.rmem_default=4MB");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 100);
    rig_burst(&r, 1 * MS, 0, 1);
    rig_run(&r);
    CHECK_POLLS(64, 36, 1);
    CHECK_EQ(interrupts(), 2);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 101);
    CHECK_EQ(r.host.softirq[0].counters.net_rx_runs, 0);
    CHECK_EQ(r.host.softirq[0].counters.sessions, 0);
    CHECK_EQ(r.host.softirq[0].counters.time_squeeze, 0);
    CHECK_EQ(r.host.cpu[0].spent[CPU_NAPI_THREAD], 101 * US);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 0);
    CHECK_EQ(r.host.rq[0].counters.wakeups, 2);
    rig_free(&r);
}
END_TEST

/* The handler pays for the thread's wakeup, 100 ns out of idle. Then 10 before each poll, 1000 of polling, 20
 * after it: the second poll ends 100 + 2 x 1010 + 20 after the interrupt, and the core idles 20 later. Woken
 * again, it is the same. */
START_TEST(a_thread_costs_before_and_after_each_poll)
{
    static struct fake_nic f;
    struct pulse p, q;

    rig_init(&r, 0, "cost.napi.thread_start=10cycles cost.napi.thread_end=20cycles "
                    "cost.sched.wake_idle=100cycles");
    rig_start(&r);
    fake_threaded(&f, 64 + 1, 1 * US);
    pulse_init(&p, &r.host.cpu[0], 0, schedule_and_pay, &f);
    pulse_init(&q, &r.host.cpu[0], 0, schedule_and_pay, &f);
    pulse_at(&p, 1 * MS);
    pulse_at(&q, 2 * MS);
    rig_until(&r, 1 * MS + 500 * US);
    CHECK_EQ(r.host.cpu[0].spent[CPU_HARDIRQ], 100 * NS);
    CHECK_EQ(f.polled[0], 1 * MS + 1110 * NS);
    CHECK_EQ(f.polled[1], 1 * MS + 2140 * NS);
    CHECK_EQ(r.host.cpu[0].idle_at, 1 * MS + 2160 * NS);
    rig_until(&r, 3 * MS);
    CHECK_EQ(f.polled[2], 2 * MS + 1110 * NS);
    CHECK_EQ(r.host.cpu[0].idle_at, 2 * MS + 1130 * NS);
    rig_free(&r);
}
END_TEST

/* Softirqs are off while the thread polls, 10 us each. Another NAPI raised at 5 us has its turn, of 1 us,
 * where the thread turns them on: between its polls. */
START_TEST(softirqs_wait_for_the_end_of_a_threads_poll)
{
    static struct fake_nic f, other;
    struct pulse p, q;

    rig_init(&r, 0, "");
    rig_start(&r);
    fake_threaded(&f, 64 + 1, 10 * US);
    fake_init(&other, &r.host.cpu[0], 64, 1, 1 * US, false);
    pulse_init(&p, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&q, &r.host.cpu[0], 0, schedule, &other);
    pulse_at(&p, 1 * MS);
    pulse_at(&q, 1 * MS + 5 * US);
    rig_until(&r, 2 * MS);
    CHECK_EQ(f.polled[0], 1 * MS + 10 * US);
    CHECK_EQ(other.polled[0], 1 * MS + 11 * US);
    CHECK_EQ(f.polled[1], 1 * MS + 21 * US);
    CHECK_EQ(r.host.cpu[0].spent[CPU_SOFTIRQ], 1 * US);
    CHECK_EQ(r.host.cpu[0].spent[CPU_NAPI_THREAD], 20 * US);
    rig_free(&r);
}
END_TEST

/* A FIFO task of 50 us wakes in the first poll. The poll used its weight, so the thread asks whether it should
 * go (10 us). */
START_TEST(a_thread_leaves_the_core_between_full_polls)
{
    static struct fake_nic f;
    struct worker w;
    struct pulse p, q;

    rig_init(&r, 0, "");
    rig_start(&r);
    fake_threaded(&f, 64 + 1, 10 * US);
    worker_init(&w, &r.host.cpu[0]);
    worker_step(&w, 50 * US, 0);
    w.task.fifo = true;
    pulse_init(&p, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&q, &r.host.cpu[0], 0, wake_worker, &w);
    pulse_at(&p, 1 * MS);
    pulse_at(&q, 1 * MS + 5 * US);
    rig_until(&r, 2 * MS);
    CHECK_EQ(w.began[0], 1 * MS + 10 * US);
    CHECK_EQ(f.polled[1], 1 * MS + 70 * US);
    rig_free(&r);
}
END_TEST

/* Scheduled again at 15 us, in its last poll, the instance has another one at 20 us, without a wakeup or a
 * switch, though a FIFO task has woken at 15 us, too: there is no cond_resched here. That task comes when the
 * thread sleeps. */
START_TEST(an_interrupt_during_the_last_poll_keeps_the_thread_awake)
{
    static struct fake_nic f;
    struct worker w;
    struct pulse p, q, s;

    rig_init(&r, 0, "");
    rig_start(&r);
    fake_threaded(&f, 64 + 1, 10 * US);
    worker_init(&w, &r.host.cpu[0]);
    worker_step(&w, 50 * US, 0);
    w.task.fifo = true;
    pulse_init(&p, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&q, &r.host.cpu[0], 0, schedule, &f);
    pulse_init(&s, &r.host.cpu[0], 0, wake_worker, &w);
    pulse_at(&p, 1 * MS);
    pulse_at(&q, 1 * MS + 15 * US);
    pulse_at(&s, 1 * MS + 15 * US);
    rig_until(&r, 2 * MS);
    CHECK_EQ(f.polls, 3);
    CHECK_EQ(f.work[2], 0);
    CHECK_EQ(f.polled[2], 1 * MS + 30 * US);
    CHECK_EQ(w.began[0], 1 * MS + 30 * US);
    CHECK_EQ(r.host.rq[0].counters.wakeups, 2);         /* the thread's and the task's */
    CHECK_EQ(r.host.rq[0].counters.context_switches, 3);
    ck_assert(!f.napi.scheduled);
    rig_free(&r);
}
END_TEST

/* ---- costs at the edges of a poll ---- */

/* The interrupt is enabled 40 ns after the frames are handed up, and the poll over: a frame that is there 20
 * ns after the first is signalled then, not before. */
START_TEST(the_interrupt_is_enabled_when_the_unmask_was_paid_for)
{
    const ps_t at = 10 * US + RIG_WIRE;

    rig_init(&r, 1, "cost.napi.unmask=40cycles cpu.count=2");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_burst(&r, 10 * US + 20 * NS, 0, 1);
    rig_run(&r);
    CHECK_POLLS(1, 1);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, at + 40 * NS);
    CHECK_EQ(rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 1)->at, at + 40 * NS);
    rig_free(&r);
}
END_TEST

/* 90 ns for the repoll list, after the first poll, which used its weight, and before the second. */
START_TEST(a_napi_that_is_polled_again_costs_the_run)
{
    burst(64, "cost.napi.repoll=90cycles cpu.count=2");
    CHECK_POLLS(64, 0);
    ps_t at = rig_note(&r, TRACE_NAPI_POLL, 0)->at;
    CHECK_EQ(rig_note(&r, TRACE_SOFTIRQ_EXIT, 0)->at, at + 90 * NS);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->at, at + 90 * NS);
    rig_free(&r);
}
END_TEST

/* The timer is an interrupt of its own, of 600 ns, and its polls find nothing to hand up: only the first poll
 * pays the 20 of completing. The first ends 20 ns after the interrupt, the timer runs from there. */
START_TEST(a_timers_interrupt_costs_and_completing_nothing_is_free)
{
    const ps_t t0 = 10 * US + RIG_WIRE + 20 * NS;

    rig_init(&r, 1, "nic.napi_defer_hard_irqs=2 nic.gro_flush_timeout=50us cost.napi.timer=600cycles "
                    "cpu.count=2 "
                    "cost.napi.complete=20cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_POLLS(1, 0, 0);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, t0);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 1)->at, t0 + 50600 * NS);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 2)->at, t0 + 101200 * NS);
    CHECK_EQ(r.host.cpu[0].spent[CPU_HARDIRQ], 1200 * NS);
    rig_free(&r);
}
END_TEST

/* Pinned to another core, the thread polls there; the interrupt's core only wakes it, by an IPI. */
START_TEST(a_pinned_thread_polls_on_its_own_core)
{
    rig_init(&r, 1, "cpu.count=3 app.cpu=2 nic.queue.smp_affinity=1 nic.threaded=on nic.queue.napi_cpu=1 cpu.ipi_latency=500ns "
                    "cost.driver.frame=1us");
    rig_frame(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 18);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 0)->frame.cpu, 1);
    CHECK_EQ(rig_end(&r, 0)->frame.poll_at, 10 * US + RIG_WIRE + 500 * NS);
    CHECK_EQ(r.host.cpu[1].spent[CPU_NAPI_THREAD], 1 * US);
    CHECK_EQ(r.host.cpu[0].spent[CPU_NAPI_THREAD] + r.host.cpu[0].spent[CPU_SOFTIRQ], 0);
    rig_free(&r);
}
END_TEST

START_TEST(a_thread_that_is_not_there_cannot_be_pinned)
{
    static const char *const settings[] = { "nic.queue.napi_cpu=0", "nic.threaded=on nic.queue.napi_cpu=1" };

    for (int i = 0; i < 2; i++) {
        struct host h;
        char why[256];
        rig_init(&r, 1, settings[i]);
        rig_frame(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 18);
        ck_assert_int_ne(host_init(&h, &r.config, 1, 0, true, why, sizeof why), 0);
        ck_assert(strstr(why, "napi_cpu") != NULL);
        host_free(&h);
        rig_free(&r);
    }
}
END_TEST

SUITE(napi, a_pinned_thread_polls_on_its_own_core, a_thread_that_is_not_there_cannot_be_pinned,
      a_poll_that_used_its_weight_is_followed_by_another, the_weight_is_the_drivers,
      each_part_of_a_poll_costs_once_where_it_happens,
      a_napi_scheduled_while_it_is_scheduled_is_polled_once_more,
      a_missed_schedule_raises_the_softirq_where_runs_do_not_take_newcomers,
      deferral_polls_by_timer_n_times_and_then_enables_the_interrupt,
      work_found_by_a_timer_poll_starts_the_deferral_anew, deferral_without_a_timeout_has_no_effect,
      a_timeout_without_deferral_arms_no_timer_when_gro_holds_nothing,
      a_timeout_without_deferral_lets_gro_hold_across_polls,
      a_timer_that_finds_the_napi_scheduled_does_nothing,
      with_a_timeout_a_completion_flushes_what_is_older_than_the_jiffy,
      a_poll_that_used_its_weight_flushes_gro_below_hz_1000,
      the_interrupt_is_enabled_after_everything_was_handed_up,
      a_threaded_napi_is_polled_by_a_task_without_budget, a_thread_costs_before_and_after_each_poll,
      softirqs_wait_for_the_end_of_a_threads_poll, a_thread_leaves_the_core_between_full_polls,
      an_interrupt_during_the_last_poll_keeps_the_thread_awake,
      the_interrupt_is_enabled_when_the_unmask_was_paid_for, a_napi_that_is_polled_again_costs_the_run,
      a_timers_interrupt_costs_and_completing_nothing_is_free)
