/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/recvmmsg.h"

#include "models/app.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

static const struct app *app(void)
{
    return &r.host.app[0];
}

static ps_t task_time(int cpu)
{
    cpu_settle(&r.host.cpu[cpu]);
    return r.host.cpu[cpu].spent[CPU_TASK];
}

/* Entry 1000, further 100, dequeue 10, return 1, work 10000 a message. Five datagrams are there when the reader comes: one
 * call takes four, the next one, and then nothing: entry again, and asleep. All four are delivered before the program has any:
 * the fourth 3 * (10 + 100) + 10 after the wakeup. */
START_TEST(one_call_takes_up_to_vlen_datagrams)
{
    rig_init(&r, 1, "app.vlen=4 cpu.count=2 cpu.ipi_latency=100us cost.recv.entry=1000cycles cost.recv.mmsg=100cycles "
                    "cost.recv.dequeue=10cycles cost.recv.return=1cycles app.work=10000cycles");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 5);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    ps_t woken = rig_note(&r, TRACE_SCHED_WAKEUP, 0)->at + 100 * US;
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, woken + 10 * NS);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 3)->at, woken + 340 * NS);
    CHECK_EQ(rig_note(&r, TRACE_RECV, 4)->at, woken + (340 + 1 + 4 * 10000 + 1000 + 10) * NS);
    /* and the call that has taken the fifth looks for more (further), returns, works; the next finds nothing */
    CHECK_EQ(task_time(1), (340 + 1 + 40000 + 1000 + 10 + 100 + 1 + 10000 + 1000) * NS);
    CHECK_EQ(app()->counters.messages, 5);
    CHECK_EQ(app()->counters.bytes, 90);
    CHECK_EQ(app()->counters.sleeps, 1);
    rig_free(&r);
}
END_TEST

/* Three of four wanted, 100 us apart. With MSG_WAITFORONE each returns alone; without, the program sees none before the
 * fourth has come: its work of 1 us a message begins then. */
START_TEST(without_waitforone_a_call_waits_for_all)
{
    for (int wait = 0; wait < 2; wait++) {
        rig_init(&r, 1, "app.vlen=4 cpu.count=2 app.work=1us");
        rig_set(&r, wait ? "app.waitforone=off" : "app.waitforone=on");
        for (int i = 0; i < 4; i++)
            rig_burst(&r, (10 + i * 100) * US, i ? 0 : rig_flow(&r, FLOW_UDP, 1, 9), 1);
        rig_start(&r);
        rig_until(&r, 300 * US);
        CHECK_EQ(task_time(1), wait ? 0 : 3 * US);
        CHECK_EQ(app()->counters.messages, 3);      /* delivered as they come */
        CHECK_EQ(rig_count(&r, TRACE_RECV_RETURN), wait ? 0 : 3);
        rig_until(&r, 1 * MS);
        CHECK_EQ(task_time(1), 4 * US);
        CHECK_EQ(rig_count(&r, TRACE_RECV_RETURN), wait ? 1 : 4);
        rig_free(&r);
    }
}
END_TEST

/* A non-blocking call returns what is there, whatever the flag says. */
START_TEST(a_non_blocking_call_returns_what_is_there)
{
    rig_init(&r, 1, "app.kind=epoll app.vlen=8 app.waitforone=off cpu.count=2 cpu.ipi_latency=100us app.work=1us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(rig_count(&r, TRACE_RECV_RETURN), 1);
    CHECK_EQ(task_time(1), 3 * US);
    rig_free(&r);
}
END_TEST

/* The program's work on every byte is on those of all messages. */
START_TEST(work_is_on_all_messages_of_a_call)
{
    rig_init(&r, 1, "app.vlen=8 cpu.count=2 cpu.ipi_latency=100us app.work=1us app.work_byte=1ns/B");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 3);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(task_time(1), 3 * US + 3 * 18 * NS);
    rig_free(&r);
}
END_TEST

/* At a load that one recv() a datagram cannot follow, vlen 64 reads more: the system calls are saved. And both are the same
 * without short ways. */
START_TEST(fewer_calls_read_more)
{
    static const char *const how[] = { "app.vlen=1", "app.vlen=64" };
    uint64_t read[2];

    for (int i = 0; i < 2; i++) {
        struct config c;
        struct result both;

        machine_parse(&c, "version: 1\nrun: {duration: 3ms, drain: 0ms}\ncpu: {count: 2}\n"
                          "traffic: {rate: 3Mpps, kind: poisson, frame: 64B}\napp[a]: {cpu: 1}\n", how[i]);
        machine_run_both(&c, 3, &both);
        read[i] = machine_fate(&both, FATE_DELIVERED);
        result_free(&both);
        machine_release(&c);
    }
    ck_assert_uint_gt(read[1], read[0] + read[0] / 10);
}
END_TEST

SUITE(recvmmsg, one_call_takes_up_to_vlen_datagrams, without_waitforone_a_call_waits_for_all,
      a_non_blocking_call_returns_what_is_there, work_is_on_all_messages_of_a_call, fewer_calls_read_more)
