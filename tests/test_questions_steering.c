/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Q9, "one core is at 100 % softirq, the rest idle": what RSS, RPS, RFS and irqbalance can give and what they cannot, on
 * scenarios/questions/q9-*.yaml, and as bounds on a machine of round costs. */
#include <stdlib.h>
#include <string.h>

#include "models/nic.h"
#include "sim/out/kernel_layout.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* Runs it twice: as fast as it goes, which is the answer, and without any short way, which must be the same. */
static void ask(const char *file, const char *settings, struct result *r)
{
    struct config c;

    machine_load(&c, file, settings);
    machine_run_both(&c, 1, r);
    machine_release(&c);
}

static uint64_t delivered(const char *settings)
{
    struct result r;

    ask("questions/q9-steering.yaml", settings, &r);
    uint64_t n = machine_fate(&r, FATE_DELIVERED);
    result_free(&r);
    return n;
}

START_TEST(rss_gives_one_flow_one_core_and_many_flows_many)
{
    uint64_t core = delivered("nic.channels=1");

    CHECK_EQ(delivered("nic.channels=8 traffic.flows=1"), core);
    ck_assert_uint_gt(delivered("nic.channels=8"), 7 * core);
    ck_assert_uint_le(delivered("nic.channels=8"), 8 * core + core / 10);
}
END_TEST

/* Nearly all of the work is in the 1000 rules, which one flow's packets meet on one core, whichever that is. */
START_TEST(rps_gives_one_flow_little_and_many_flows_much)
{
    uint64_t core = delivered("");

    ck_assert_uint_lt(delivered("nic.queue.rps_cpus=7fe traffic.flows=1"), core + core / 5);
    ck_assert_uint_gt(delivered("nic.queue.rps_cpus=7fe"), 7 * core);
}
END_TEST

/* ---- the bounds ----
 *
 * A frame costs D on the interrupt's core (driver), M in the stack, and steering it H more. With d = D / (D + M) and
 * h = H / (D + M), many flows gain at most 1 / (d + h) and one flow 1 / max(d + h, 1 - d). */

static struct rig rig;

/* How long 600 frames that all wait at 10 us take, to the end of the stack's work on the last. */
static ps_t takes(int driver_ns, int stack_ns, int steer_ns, const char *rps_cpus, int flows)
{
    char settings[256];
    ps_t last = 0;

    snprintf(settings, sizeof settings, "cpu.count=10 app.cpu=9 nic.ring.rx=4096 nic.rss.hash_udp_ports=on "
             "net.core.netdev_max_backlog=4096 net.core.rmem_default=64MiB cost.driver.frame=%dns cost.netif.skb=%dns "
             "cost.rps.enqueue=%dns nic.queue.rps_cpus=%s", driver_ns, stack_ns, steer_ns, rps_cpus);
    rig_init(&rig, 1, settings);
    for (int f = 0; f < flows; f++)
        rig_flow(&rig, FLOW_UDP, (uint16_t)(100 + f), 9);
    for (int i = 0; i < 600; i++)
        rig_burst(&rig, 10 * US, (uint32_t)(i % flows), 1);
    rig_run(&rig);
    CHECK_EQ(rig_fate(&rig, FATE_DELIVERED), 600);
    for (uint64_t i = 0; i < 600; i++) {
        ps_t at = rig_end(&rig, i)->frame.socket_at;
        last = at > last ? at : last;
    }
    rig_free(&rig);
    return last - 10 * US;
}

/* D 1 us, M 3 us, H 0.5 us: 1 / 0.375 = 2.67 times for many, 1 / 0.75 = 1.33 times for one, less what the first run of
 * 64 takes before its IPIs leave. */
START_TEST(the_gain_of_rps_keeps_its_bounds_and_comes_near_them)
{
    double base = (double)takes(1000, 3000, 500, "0", 1);
    double many = base / (double)takes(1000, 3000, 500, "fe", 64), one = base / (double)takes(1000, 3000, 500, "fe", 1);

    ck_assert_double_eq_tol(base, 2.4e9, 0.01e9);
    ck_assert_double_le(many, 1 / 0.375);
    ck_assert_double_ge(many, 0.9 / 0.375);
    ck_assert_double_le(one, 1 / 0.75);
    ck_assert_double_ge(one, 0.9 / 0.75);
}
END_TEST

/* D 3 us, M 1 us, H 0.5 us: here the interrupt's core bounds one flow as well, 1 / 0.875 = 1.14. */
START_TEST(one_flow_is_bound_by_the_core_that_keeps_more)
{
    double base = (double)takes(3000, 1000, 500, "0", 1), one = base / (double)takes(3000, 1000, 500, "fe", 1);

    ck_assert_double_le(one, 1 / 0.875);
    ck_assert_double_ge(one, 0.9 / 0.875);
}
END_TEST

/* 0.2 us are moved, moving them costs 0.3 us: 1.2 / 1.3. */
START_TEST(rps_loses_where_it_moves_less_than_moving_costs)
{
    double base = (double)takes(1000, 200, 300, "0", 1), many = base / (double)takes(1000, 200, 300, "fe", 64);

    ck_assert_double_lt(many, 1);
    ck_assert_double_eq_tol(many, 1.2 / 1.3, 0.02);
}
END_TEST

/* ---- RFS and irqbalance ---- */

/* Softirq time of CPU 0, where all interrupts go, and of the four readers' CPUs. */
static void softirq_time(const char *settings, int64_t *at_irq, int64_t *at_readers, double *mean_ns)
{
    struct result r;

    ask("questions/q9-rfs.yaml", settings, &r);
    *at_irq = r.cpu[0].ps[CPU_SOFTIRQ];
    *at_readers = 0;
    for (int c = 2; c <= 5; c++)
        *at_readers += r.cpu[c].ps[CPU_SOFTIRQ];
    *mean_ns = hist_mean(&r.stage[r.stages - 1].hist) / 1e3;
    result_free(&r);
}

START_TEST(rfs_moves_the_stacks_work_and_arfs_all_of_it_to_the_reader)
{
    int64_t irq[3], readers[3];
    double mean[3];

    softirq_time("net.core.rps_sock_flow_entries=0", &irq[0], &readers[0], &mean[0]);
    softirq_time("", &irq[1], &readers[1], &mean[1]);
    softirq_time("nic.channels=6 nic.features.ntuple=on", &irq[2], &readers[2], &mean[2]);
    CHECK_EQ(readers[0], 0);
    ck_assert_int_lt(irq[1], irq[0] * 3 / 4);
    ck_assert_int_gt(readers[1], irq[0] / 4);
    ck_assert_int_lt(irq[2], irq[0] / 50);
    ck_assert_double_lt(mean[2], mean[0] * 4 / 5);
}
END_TEST

START_TEST(irqbalance_spreads_vectors_and_proc_interrupts_shows_where_they_were)
{
    struct result r;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int busy = 0;

    ask("questions/q9-irqbalance.yaml", "", &r);
    for (int c = 0; c < 4; c++)
        busy += r.cpu[c].ps[CPU_SOFTIRQ] > r.sim_ps / 20;
    ck_assert_int_ge(busy, 3);
    for (const struct kernel_layout *l = kernel_layouts; l->name; l++)
        if (strcmp(l->name, "interrupts") == 0)
            l->print(&r, out);
    fclose(out);
    for (int q = 0; q < 4; q++) {       /* each row: the columns add up to the vector's interrupts */
        char name[32], scope[32];
        uint64_t sum = 0;
        snprintf(name, sizeof name, "eth0-rx-%d\n", q);
        snprintf(scope, sizeof scope, "eth0.q%d", q);
        const char *row = strstr(text, name);
        ck_assert_ptr_nonnull(row);
        while (row > text && row[-1] != '\n')
            row--;
        row = strchr(row, ':') + 1;
        for (int c = 0; c < r.cpus; c++) {
            char *end;
            sum += strtoull(row, &end, 10);
            row = end;
        }
        CHECK_EQ(sum, result_counter(&r, scope, "interrupts"));
    }
    free(text);
    result_free(&r);
}
END_TEST

SUITE(questions_steering, rss_gives_one_flow_one_core_and_many_flows_many, rps_gives_one_flow_little_and_many_flows_much,
      the_gain_of_rps_keeps_its_bounds_and_comes_near_them, one_flow_is_bound_by_the_core_that_keeps_more,
      rps_loses_where_it_moves_less_than_moving_costs, rfs_moves_the_stacks_work_and_arfs_all_of_it_to_the_reader,
      irqbalance_spreads_vectors_and_proc_interrupts_shows_where_they_were)
