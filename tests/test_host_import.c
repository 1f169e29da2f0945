/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's saved files as a scenario: what is in them arrives, what is not is said, and the scenario runs. */
#include "sim/in/host.h"

#include <stdlib.h>
#include <string.h>

#include "tests/machine.h"
#include "tests/suite.h"

static char *text;

/* Imports a folder of tests/data/host; its scenario is `text`. */
static void import(const char *folder, double seconds)
{
    struct messages m = { 0 };
    char path[512];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    snprintf(path, sizeof path, "%s/../tests/data/host/%s", machine_data_dir(), folder);
    ck_assert_msg(host_import(path, machine_data_dir(), seconds, out, &m) == 0, "%s", m.text ? m.text : "");
    fclose(out);
    messages_free(&m);
}

static void says(const char *line)
{
    ck_assert_msg(strstr(text, line) != NULL, "no '%s' in\n%s", line, text);
}

static void says_not(const char *line)
{
    ck_assert_msg(strstr(text, line) == NULL, "'%s' in\n%s", line, text);
}

START_TEST(every_file_arrives_with_its_name)
{
    import("ixgbe", 10);
    says("\nnic.ring.rx: 512 ");                /* the current one, not the maximum */
    says("# ethtool-g: RX 512");
    says("\nnic.coalesce.rx-usecs: 84 ");
    says("\nnic.channels: 4 ");
    says("\nnic.model: ixgbe ");
    says("\nnic.link: 10000Mbps ");
    says("\nnic[enp3s0f0].queue[1].smp_affinity: 4 ");
    says("\nnic[enp3s0f0].queue[3].smp_affinity: 40 ");
    says("\nnetfilter.input.rules: 3 ");
    says("\nnetfilter.conntrack: on ");
    says("\ncpu.count: 8 ");
    says("\nnet.core.netdev_budget_usecs: 8000 ");
    says("\nnet.ipv4.tcp_rmem.max: 6291456 ");
    says("\nkernel.version: 6.1 ");
    says("\ntraffic.rate: 1200000pps ");        /* 12 000 000 in 10 s */
    says("\ntraffic.frame: 254B ");             /* 250 and the FCS */
    free(text);
}
END_TEST

START_TEST(counters_that_grew_are_findings)
{
    import("ixgbe", 0);
    says("rx_missed_errors grew between the samples by 3000");
    says("softnet_stat: time_squeeze grew between the samples by 1");
    says("UdpRcvbufErrors is not 0");
    says_not("rx_no_dma_resources");
    says("traffic.rate: 1Mpps");                /* without the time between the samples there is no rate */
    free(text);
}
END_TEST

START_TEST(what_is_not_taken_over_is_named)
{
    import("ixgbe", 10);
    says("README: its contents are none of the files that are read");
    says("sysctl-a: 2 keys");
    free(text);
    import("mlx5-half", 10);
    says("other-nic.txt is about eno1; ens1f0 is imported");
    says_not("nic.ring.rx: 256");
    free(text);
}
END_TEST

/* Half of the files are missing, the others have names of their own and an older format. */
START_TEST(half_a_host_is_a_scenario_with_stated_assumptions)
{
    import("mlx5-half", 0);
    says("\nkernel.version: 4.19 ");
    says("\nnic.model: mlx5 ");
    says("\nnic.channels: 2 ");
    says("\nnic.coalesce.rx-frames: 128 ");
    says("\nnic[ens1f0].queue[1].smp_affinity: 8 ");
    says("\nnetfilter.input.rules: 3 ");
    says("cpu.count: 4");
    says("# no lscpu: assumed");
    free(text);
}
END_TEST

START_TEST(what_was_imported_runs)
{
    static const char *const folders[] = { "ixgbe", "mlx5-half" };

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct config c;
        struct result r;
        import(folders[i], 10);
        machine_parse(&c, text, "run.duration=1ms");
        machine_run(&c, NULL, &r);
        ck_assert_uint_gt(r.ledger.offered, 0);
        result_free(&r);
        machine_release(&c);
        free(text);
    }
}
END_TEST

START_TEST(a_folder_without_known_files_is_an_error)
{
    struct messages m = { 0 };
    char path[512];
    FILE *out = fopen("/dev/null", "w");

    snprintf(path, sizeof path, "%s/../tests/data/host", machine_data_dir());
    CHECK_EQ(host_import(path, machine_data_dir(), 0, out, &m), -1);
    ck_assert(strstr(m.text, "no file that is known") != NULL);
    CHECK_EQ(host_import("/nosuch", machine_data_dir(), 0, out, &m), -1);
    ck_assert(strstr(m.text, "/nosuch: cannot be read") != NULL);
    messages_free(&m);
    fclose(out);
}
END_TEST

SUITE(host_import, every_file_arrives_with_its_name, counters_that_grew_are_findings, what_is_not_taken_over_is_named,
      half_a_host_is_a_scenario_with_stated_assumptions, what_was_imported_runs, a_folder_without_known_files_is_an_error)
