/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/numa.h"

#include <string.h>

#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* Four CPUs on two nodes, the NIC on the second; a datagram of 10 us, 100 ns a frame and 1 ns a byte across. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=4 cpu.nodes=2 nic.node=1 cost.numa.frame=100cycles cost.numa.copy_byte=1cycles/B");
    rig_set(&r, settings);
}

static void run(uint8_t proto, int payload)
{
    uint32_t flow = rig_flow(&r, proto, 1, 9);

    if (proto == FLOW_TCP)
        rig_segment(&r, 10 * US, flow, 1, payload);
    else
        rig_frame(&r, 10 * US, flow, payload);
    rig_run(&r);
}

static ps_t queued_after_poll_began(void)
{
    const struct frame *f = &rig_end(&r, 0)->frame;
    return f->stack_at - f->poll_at;
}

static ps_t read_after_queued(void)
{
    return rig_note(&r, TRACE_RECV, 0)->at - rig_end(&r, 0)->frame.poll_at - queued_after_poll_began();
}

START_TEST(a_driver_on_another_node_than_its_nic_takes_longer)
{
    static const char *const settings[] = { "nic.queue.smp_affinity=1 app.cpu=0", "nic.queue.smp_affinity=2 app.cpu=1",
                                            "nic.queue.smp_affinity=4 app.cpu=2", "nic.queue.smp_affinity=8 app.cpu=3" };

    for (int cpu = 0; cpu < 4; cpu++) {
        begin(settings[cpu]);
        run(FLOW_UDP, 18);
        CHECK_EQ(queued_after_poll_began(), cpu < 2 ? 100 * NS : 0);
        CHECK_EQ(read_after_queued(), 0);
        rig_free(&r);
    }
}
END_TEST

/* 1000 bytes received on node 1: a copy there costs nothing more, one on node 0 1 us. */
START_TEST(a_reader_on_another_node_than_the_receiving_cpu_copies_longer)
{
    for (int i = 0; i < 2; i++) {
        uint8_t proto = i ? FLOW_TCP : FLOW_UDP;
        begin("nic.queue.smp_affinity=8 app.cpu=2");
        run(proto, 1000);
        ps_t near = i ? rig_end(&r, 0)->at : rig_note(&r, TRACE_RECV, 0)->at;
        rig_free(&r);
        begin("nic.queue.smp_affinity=8 app.cpu=1");
        run(proto, 1000);
        ps_t far = i ? rig_end(&r, 0)->at : rig_note(&r, TRACE_RECV, 0)->at;
        rig_free(&r);
        CHECK_EQ(far - near, 1 * US);
    }
}
END_TEST

START_TEST(one_node_has_no_far_memory)
{
    begin("cpu.nodes=1 nic.node=0 nic.queue.smp_affinity=8 app.cpu=1");
    run(FLOW_UDP, 1000);
    CHECK_EQ(queued_after_poll_began(), 0);
    CHECK_EQ(read_after_queued(), 0);
    ck_assert(!r.host.far_memory);
    rig_free(&r);
}
END_TEST

START_TEST(nodes_that_cannot_be_are_refused)
{
    char why[256];

    begin("");
    ck_assert_ptr_null(numa_check(&r.config, why, sizeof why));
    r.config.host->numa.nodes = 3;
    ck_assert_ptr_nonnull(strstr(numa_check(&r.config, why, sizeof why), "spread evenly"));
    r.config.host->numa.nodes = 1;
    ck_assert_ptr_nonnull(strstr(numa_check(&r.config, why, sizeof why), "nic[eth0].node is 1"));
    rig_free(&r);
}
END_TEST

SUITE(numa, a_driver_on_another_node_than_its_nic_takes_longer,
      a_reader_on_another_node_than_the_receiving_cpu_copies_longer, one_node_has_no_far_memory,
      nodes_that_cannot_be_are_refused)
