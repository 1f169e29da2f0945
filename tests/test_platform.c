/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/platform.h"

#include "models/sched.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

/* One datagram of 10 us, its interrupt on CPU 0 and its reader where the settings say. */
static void begin(const char *settings)
{
    rig_init(&r, 1, settings);
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 1);
    rig_run(&r);
}

enum { ARRIVES = 10 * US + RIG_WIRE };

/* An exit is 1 us. Posted, the interrupt costs only the way out of the halt; else its injection, and its end before the
 * softirq, too. */
START_TEST(interrupts_of_a_guest_cost_exits_unless_they_are_posted)
{
    begin("cpu.vm=on cost.vm.exit=1000cycles");
    CHECK_EQ(rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 0)->at, ARRIVES + 1 * US);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, ARRIVES + 1 * US);
    rig_free(&r);
    begin("cpu.vm=on cost.vm.exit=1000cycles cpu.posted_interrupts=off");
    CHECK_EQ(rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 0)->at, ARRIVES + 2 * US);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, ARRIVES + 3 * US);
    rig_free(&r);
    begin("cost.vm.exit=1000cycles cpu.posted_interrupts=off");
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, ARRIVES);
    rig_free(&r);
}
END_TEST

/* The waker sends an IPI, an exit; the woken core comes out of its halt, another; both take 1 us. */
START_TEST(an_ipi_costs_its_sender_an_exit)
{
    begin("cpu.vm=on cost.vm.exit=1000cycles cpu.count=2 app.cpu=1");
    CHECK_EQ(rig_note(&r, TRACE_RECV, 0)->at, ARRIVES + 2 * US);
    /* the wakeup is charged to the poll that goes on */
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, ARRIVES + 2 * US);
    rig_free(&r);
}
END_TEST

/* Every call into the kernel, whoever makes it. */
START_TEST(mitigations_make_every_system_call_longer)
{
    struct host_config with, without;
    struct config c;
    struct host h;

    for (int on = 0; on < 2; on++) {
        machine_load(&c, "one-frame.yaml", on ? "cpu.mitigations=on cost.mitigation.syscall=38cycles" : "");
        machine_host(&c, &h);
        *(on ? &with : &without) = *h.hc;
        host_free(&h);
        machine_release(&c);
    }
    CHECK_EQ(with.app.recv_entry, without.app.recv_entry + 10 * NS);
    CHECK_EQ(with.app.epoll_wait, without.app.epoll_wait + 10 * NS);
    CHECK_EQ(with.sendmsg.entry, without.sendmsg.entry + 10 * NS);
    CHECK_EQ(with.reply.send, without.reply.send + 10 * NS);
    CHECK_EQ(with.listen.accept, without.listen.accept + 10 * NS);
    CHECK_EQ(with.listen.close, without.listen.close + 10 * NS);
}
END_TEST

/* GRO, IP and its protocol: three calls before the datagram is queued, then one to its reader. */
START_TEST(mitigations_make_indirect_calls_longer)
{
    begin("cpu.mitigations=on cost.mitigation.indirect=10cycles");
    CHECK_EQ(rig_note(&r, TRACE_SOCK_QUEUE, 0)->at, ARRIVES + 30 * NS);
    CHECK_EQ(rig_note(&r, TRACE_NAPI_POLL, 0)->at, ARRIVES + 40 * NS);
    rig_free(&r);
    begin("cost.mitigation.indirect=10cycles");
    CHECK_EQ(rig_note(&r, TRACE_SOCK_QUEUE, 0)->at, ARRIVES);
    rig_free(&r);
}
END_TEST

/* The reader, having read, calls recv() again: 500 ns, and finds nothing. */
START_TEST(mitigations_make_system_calls_longer)
{
    for (int on = 0; on < 2; on++) {
        begin(on ? "cpu.mitigations=on cost.mitigation.syscall=500cycles cost.recv.block=1cycles"
                 : "cost.mitigation.syscall=500cycles cost.recv.block=1cycles");
        ps_t idle = r.host.cpu[0].spent[CPU_TASK];
        CHECK_EQ(idle, on ? 501 * NS : 1 * NS);
        rig_free(&r);
    }
}
END_TEST

SUITE(platform, interrupts_of_a_guest_cost_exits_unless_they_are_posted, an_ipi_costs_its_sender_an_exit,
      mitigations_make_every_system_call_longer,
      mitigations_make_indirect_calls_longer, mitigations_make_system_calls_longer)
