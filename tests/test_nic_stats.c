/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of NIC models: ring sizes, and the names under which a driver shows what its hardware lost. */
#include "sim/lab/nic_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/out/kernel_layout.h"
#include "tests/machine.h"
#include "tests/suite.h"

static void load(struct config *c, const char *model, const char *settings)
{
    char all[512];

    snprintf(all, sizeof all, "nic.model=%s %s", model, settings);
    machine_load(c, "linerate.yaml", all);
}

/* A run's counters in a layout. The caller frees the text. */
static char *layout(const struct result *r, const char *name)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert(out != NULL);
    for (const struct kernel_layout *l = kernel_layouts; l->name; l++) {
        if (strcmp(l->name, name) == 0)
            l->print(r, out);
    }
    fclose(out);
    return text;
}

static bool has_line(const char *text, const char *name, uint64_t value)
{
    char line[128];

    snprintf(line, sizeof line, " %s: %llu\n", name, (unsigned long long)value);
    return strstr(text, line) != NULL;
}

/* ---- ring sizes ---- */

static const struct { const char *model; int rx, max; } rings[] = {
    { "e1000e", 256, 4096 }, { "igb", 256, 4096 }, { "ixgbe", 512, 32768 }, { "i40e", 512, 8160 }, { "ice", 2048, 8160 },
    { "mlx5", 1024, 8192 }, { "ena", 1024, 16384 }, { "virtio-net", 256, 1024 },
};

START_TEST(each_nic_has_its_drivers_ring_and_its_maximum)
{
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        struct config c;
        load(&c, rings[i].model, "");
        CHECK_EQ(c.nic[0].ring.rx, rings[i].rx);
        CHECK_EQ(c.nic[0].ring.max, rings[i].max);
        machine_release(&c);
    }
}
END_TEST

START_TEST(a_ring_above_the_maximum_is_refused_with_a_sentence)
{
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        struct config c;
        char why[256] = "", sentence[128];
        load(&c, rings[i].model, "");
        c.nic[0].ring.rx = rings[i].max;
        ck_assert_ptr_eq(config_check(&c, why, sizeof why), NULL);
        c.nic[0].ring.rx++;
        snprintf(sentence, sizeof sentence, "this NIC takes at most %d (nic.ring.max)", rings[i].max);
        ck_assert_msg(config_check(&c, why, sizeof why) && strstr(why, sentence), "%s", why);
        machine_release(&c);
    }
}
END_TEST

/* A train of line rate into a core that is too slow: the ring decides how many are lost, exactly as many more slots as it has. */
START_TEST(a_larger_ring_loses_fewer_by_as_many_slots)
{
    uint64_t lost[2];

    for (int i = 0; i < 2; i++) {
        struct config c;
        struct result r;
        machine_load(&c, "microburst.yaml", i ? "nic.ring.rx=1024" : "nic.ring.rx=512");
        machine_run(&c, NULL, &r);
        lost[i] = machine_fate(&r, FATE_RX_NO_DESC);
        result_free(&r);
        machine_release(&c);
    }
    ck_assert_uint_ge(lost[0] - lost[1], 512 - 16);
    ck_assert_uint_le(lost[0] - lost[1], 512 + 16);
}
END_TEST

/* ---- names ---- */

/* Frames without descriptor: the line of ethtool -S, and where ip -s -s link shows them. */
static const struct { const char *model, *ethtool, *link; } no_desc[] = {
    { "igb", "rx_queue_0_drops", "fifo" }, { "ixgbe", "rx_no_dma_resources", "none" },
    { "i40e", "rx_missed_errors", "missed" }, { "ice", "rx_dropped", "dropped" }, { "mlx5", "rx_out_of_buffer", "missed" },
    { "ena", NULL, "dropped" },
};

/* The number that ip -s -s link has in a column. */
static uint64_t column(const char *text, const char *name)
{
    static const struct { const char *name, *before; int at; } columns[] = {
        { "errors", "mcast\n", 2 }, { "dropped", "mcast\n", 3 }, { "missed", "mcast\n", 4 }, { "length", "overrun\n", 0 },
        { "crc", "overrun\n", 1 }, { "fifo", "overrun\n", 3 },
    };

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (strcmp(columns[i].name, name) != 0)
            continue;
        const char *at = strstr(text, columns[i].before) + strlen(columns[i].before);
        char *end;
        unsigned long long value = 0;
        for (int k = 0; k <= columns[i].at; k++, at = end)
            value = strtoull(at, &end, 10);
        return value;
    }
    return 0;
}

START_TEST(each_driver_names_frames_without_descriptor_its_own_way)
{
    for (size_t i = 0; i < sizeof no_desc / sizeof no_desc[0]; i++) {
        struct config c;
        struct result r;
        char seen[512] = "";
        load(&c, no_desc[i].model, "run.duration=2ms nic.ring.rx=256 nic.link=10Gbps nic.features.gro=off");
        machine_run(&c, NULL, &r);
        uint64_t lost = machine_fate(&r, FATE_RX_NO_DESC);
        ck_assert_uint_gt(lost, 1000);
        char *ethtool = layout(&r, "ethtool-S"), *link = layout(&r, "ip-s-link");
        ck_assert_msg(!no_desc[i].ethtool || has_line(ethtool, no_desc[i].ethtool, lost), "%s", ethtool);
        ck_assert_ptr_eq(strstr(ethtool, "no_desc"), NULL);
        static const char *const where[] = { "errors", "dropped", "missed", "fifo" };
        for (size_t k = 0; k < 4; k++)
            ck_assert_uint_eq(column(link, where[k]), strcmp(where[k], no_desc[i].link) == 0 ? lost : 0);
        const char *said = nic_stats_seen(&r, FATE_RX_NO_DESC, seen, sizeof seen);
        ck_assert_msg(said && (!no_desc[i].ethtool || strstr(said, strcmp(no_desc[i].model, "igb") == 0 ? "rx_queue_N_drops" :
                                                             no_desc[i].ethtool)), "%s", seen);
        free(ethtool);
        free(link);
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

/* A bus of 1 Gbit/s fills the packet buffer. igb counts MPC twice; /proc/net/dev adds missed to drop. */
START_TEST(each_driver_names_what_its_packet_buffer_lost_its_own_way)
{
    static const struct { const char *model, *ethtool, *link; } row[] = {
        { "e1000e", "rx_missed_errors", "missed" }, { "igb", "rx_missed_errors", "missed" },
        { "ixgbe", "rx_missed_errors", "missed" }, { "i40e", "port.rx_discards", "none" },
        { "ice", "rx_dropped.nic", "missed" }, { "mlx5", "rx_discards_phy", "dropped" },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct config c;
        struct result r;
        load(&c, row[i].model, "run.duration=2ms nic.fifo=2000B nic.link=10Gbps pcie.bandwidth=1Gbps");
        machine_run(&c, NULL, &r);
        uint64_t lost = machine_fate(&r, FATE_RX_MISSED_ERRORS);
        ck_assert_uint_gt(lost, 1000);
        CHECK_EQ(machine_fate(&r, FATE_RX_NO_DESC), 0);
        char *ethtool = layout(&r, "ethtool-S"), *link = layout(&r, "ip-s-link"), *dev = layout(&r, "net_dev"), drop[64];
        ck_assert_msg(has_line(ethtool, row[i].ethtool, lost), "%s", ethtool);
        ck_assert_uint_eq(column(link, "missed"), strcmp(row[i].link, "missed") == 0 ? lost : 0);
        ck_assert_uint_eq(column(link, "dropped"), strcmp(row[i].link, "dropped") == 0 ? lost : 0);
        ck_assert_uint_eq(column(link, "fifo"), strcmp(row[i].model, "igb") == 0 ? lost : 0);
        snprintf(drop, sizeof drop, " 0 %4llu ", (unsigned long long)(strcmp(row[i].link, "none") == 0 ? 0 : lost));
        ck_assert_msg(strstr(dev, drop), "%s", dev);
        free(ethtool);
        free(link);
        free(dev);
        result_free(&r);
        machine_release(&c);
    }
}
END_TEST

/* e1000e holds a frame that finds no descriptor. rx_no_buffer_count tells how often that was, and no frame need be lost; a NIC
 * that does not count it has no such line. */
START_TEST(rx_no_buffer_count_is_shown_by_those_who_have_it_and_is_no_loss)
{
    struct config c;
    struct result r;

    load(&c, "e1000e", "run.duration=2ms nic.ring.rx=32 traffic.rate=1Gbps traffic.burst=100us traffic.kind=onoff "
         "traffic.period=1ms nic.fifo=1MB app.rcvbuf=4MiB net.core.rmem_max=16777216");
    machine_run(&c, NULL, &r);
    uint64_t held = result_counter(&r, NULL, "rx_no_buffer_count");
    ck_assert_uint_gt(held, 0);
    CHECK_EQ(machine_fate(&r, FATE_RX_NO_DESC) + machine_fate(&r, FATE_RX_MISSED_ERRORS), 0);
    char *text = layout(&r, "ethtool-S");
    ck_assert_msg(has_line(text, "rx_no_buffer_count", held), "%s", text);
    free(text);
    result_free(&r);
    machine_release(&c);

    load(&c, "ixgbe", "run.duration=100us");
    machine_run(&c, NULL, &r);
    text = layout(&r, "ethtool-S");
    ck_assert_ptr_eq(strstr(text, "rx_no_buffer_count"), NULL);
    free(text);
    result_free(&r);
    machine_release(&c);
}
END_TEST

/* Counters by queue are lines by queue; igb's drops by queue add up to what the ledger lost. */
START_TEST(queues_have_lines_of_their_own)
{
    struct config c;
    struct result r;

    load(&c, "igb", "run.duration=2ms nic.channels=2 nic.rss.hash_udp_ports=on traffic.flows=16 nic.link=10Gbps "
         "nic.ring.rx=64");
    machine_run(&c, NULL, &r);
    char *text = layout(&r, "ethtool-S");
    uint64_t sum = 0;
    for (int q = 0; q < 2; q++) {
        char scope[24], name[32];
        snprintf(scope, sizeof scope, "eth0.q%d", q);
        snprintf(name, sizeof name, "rx_queue_%d_drops", q);
        ck_assert_uint_gt(result_counter(&r, scope, "rx_no_desc"), 0);
        ck_assert(has_line(text, name, result_counter(&r, scope, "rx_no_desc")));
        snprintf(name, sizeof name, "rx_queue_%d_packets", q);
        ck_assert(has_line(text, name, result_counter(&r, scope, "rx_packets")));
        sum += result_counter(&r, scope, "rx_no_desc");
    }
    ck_assert_uint_eq(sum, machine_fate(&r, FATE_RX_NO_DESC));
    free(text);
    result_free(&r);
    machine_release(&c);
}
END_TEST

/* A stored run knows its NICs by its queues and the resolved scenario: keys of all NICs, or of one. */
START_TEST(names_come_back_from_a_stored_scenario)
{
    struct result_queue queue[3] = { { .scope = "eth0.q0" }, { .scope = "eth0.q1" }, { .scope = "eth1.q0" } };
    struct result r = { .queue = queue, .queues = 3 };
    char seen[512] = "";

    CHECK_EQ(nic_stats_take(&r, "nic.ring.rx", "256"), 0);
    CHECK_EQ(r.nics, 0);
    CHECK_EQ(nic_stats_take(&r, "nic.stats.no-desc", "rx_out_of_buffer"), 0);
    CHECK_EQ(nic_stats_take(&r, "nic[eth1].stats.no-desc", "rx_dropped"), 0);
    CHECK_EQ(nic_stats_take(&r, "nic[eth1].stats.no-desc-link", "dropped"), 0);
    CHECK_EQ(r.nics, 2);
    queue[0].ledger.frames[FATE_RX_NO_DESC] = queue[2].ledger.frames[FATE_RX_NO_DESC] = 1;
    ck_assert_str_eq(nic_stats_seen(&r, FATE_RX_NO_DESC, seen, sizeof seen),
                     "eth0: ethtool -S: rx_out_of_buffer; not in ip -s link; "
                     "eth1: ethtool -S: rx_dropped; ip -s -s link: dropped");
    queue[0].ledger.frames[FATE_RX_NO_DESC] = 0;
    seen[0] = '\0';
    ck_assert_str_eq(nic_stats_seen(&r, FATE_RX_NO_DESC, seen, sizeof seen), "ethtool -S: rx_dropped; ip -s -s link: dropped");
    ck_assert_ptr_eq(nic_stats_seen(&r, FATE_CPU_BACKLOG, seen, sizeof seen), NULL);
    free(r.nic);
}
END_TEST

SUITE(nic_stats, each_nic_has_its_drivers_ring_and_its_maximum, a_ring_above_the_maximum_is_refused_with_a_sentence,
      a_larger_ring_loses_fewer_by_as_many_slots, each_driver_names_frames_without_descriptor_its_own_way,
      each_driver_names_what_its_packet_buffer_lost_its_own_way,
      rx_no_buffer_count_is_shown_by_those_who_have_it_and_is_no_loss, queues_have_lines_of_their_own,
      names_come_back_from_a_stored_scenario)
