/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/irqbalance.h"

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

/* Four queues whose vectors all start on core 0 of four, a flow for each; a frame costs `frame`, nothing else does. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=4 app.cpu=3 nic.channels=4 nic.queue.smp_affinity=1 cost.driver.frame=2us host.irqbalance=on");
    rig_set(&r, settings);
    for (uint16_t q = 0; q < 4; q++)
        rig_flow(&r, FLOW_UDP, (uint16_t)(100 + q), 9);
    rig_set(&r, "nic.ntuple=src-port,100,action,0;src-port,101,action,1;src-port,102,action,2;src-port,103,action,3");
}

static int cpu_of(int queue)
{
    return r.host.nic[0].queue[queue].irq.affinity->index;
}

/* Frames 20 us apart, as many of each queue's flow as `share` says, up to 900 us. */
static void load(const int share[4])
{
    int all = share[0] + share[1] + share[2] + share[3];

    for (int i = 0; i < 45; i++) {
        int k = i % all, queue = 0;
        for (; k >= share[queue]; queue++)
            k -= share[queue];
        rig_burst(&r, 10 * US + i * 20 * US, (uint32_t)queue, 1);
    }
}

/* Loads 4 3 1 1 of 9 on core 0, others idle. Least load 0: the 4 leaves (0 + 4 < 9 - 4), then the least is 4; the 3 does not
 * (4 + 3 is not less than 5 - 3), nor a 1 (4 + 1 is not less than 5 - 1 = 4). */
START_TEST(the_largest_vector_leaves_if_that_does_not_turn_the_imbalance_round)
{
    begin("host.irqbalance.interval=1ms");
    load((const int[4]){ 4, 3, 1, 1 });
    rig_start(&r);
    rig_until(&r, 1 * MS - 1);
    CHECK_EQ(cpu_of(0), 0);
    rig_until(&r, 1 * MS);
    CHECK_EQ(cpu_of(0), 1);
    CHECK_EQ(cpu_of(1), 0);
    CHECK_EQ(cpu_of(2), 0);
    CHECK_EQ(r.host.irqbalance.counters.moves, 1);
    rig_free(&r);
}
END_TEST

/* One busy vector of four: it would be as lonely on any other core. The daemon moves it once, since three vectors of load 1
 * stay behind, and then leaves it alone. */
START_TEST(a_vector_alone_on_its_cpu_stays)
{
    begin("host.irqbalance.interval=100us");
    load((const int[4]){ 1, 0, 0, 0 });
    rig_start(&r);
    rig_until(&r, 900 * US);
    CHECK_EQ(r.host.irqbalance.counters.rounds, 9);
    ck_assert_uint_le(r.host.irqbalance.counters.moves, 1);
    rig_free(&r);
}
END_TEST

/* The next interrupt goes to the new core, and the poll is there. */
START_TEST(the_poll_moves_with_the_vector)
{
    begin("host.irqbalance.interval=1ms");
    load((const int[4]){ 4, 3, 1, 1 });
    rig_burst(&r, 2 * MS, 0, 1);
    rig_start(&r);
    rig_until(&r, 3 * MS);
    CHECK_EQ(rig_end(&r, 0)->frame.cpu, 0);
    CHECK_EQ(rig_end(&r, 45)->frame.cpu, 1);
    CHECK_EQ(r.host.nic[0].queue[0].irq.columns[0].vector_interrupts, 20);
    CHECK_EQ(r.host.nic[0].queue[0].irq.columns[1].vector_interrupts, 1);
    rig_free(&r);
}
END_TEST

START_TEST(without_the_daemon_vectors_stay)
{
    begin("host.irqbalance=off host.irqbalance.interval=100us");
    load((const int[4]){ 4, 3, 1, 1 });
    rig_run(&r);
    CHECK_EQ(cpu_of(0), 0);
    CHECK_EQ(r.host.irqbalance.counters.rounds, 0);
    rig_free(&r);
}
END_TEST

SUITE(irqbalance, the_largest_vector_leaves_if_that_does_not_turn_the_imbalance_round, a_vector_alone_on_its_cpu_stays,
      the_poll_moves_with_the_vector, without_the_daemon_vectors_stay)
