/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/apply.h"

#include <string.h>

#include "tests/machine.h"
#include "tests/suite.h"

static void applied(const char *settings, const char *key, const char *wanted)
{
    struct config c;
    char line[256] = "";

    machine_load(&c, "one-frame.yaml", settings);
    ck_assert_msg(apply_line(&c, key, line, sizeof line) == (wanted != NULL), "%s", key);
    if (wanted)
        ck_assert_str_eq(line, wanted);
    machine_release(&c);
}

START_TEST(each_knob_is_set_by_the_tool_that_sets_it)
{
    applied("nic.ring.rx=4096", "nic.ring.rx", "ethtool -G eth0 rx 4096");
    applied("nic.coalesce.rx-usecs=50us", "nic.coalesce.rx-usecs", "ethtool -C eth0 rx-usecs 50");
    applied("nic.channels=4 cpu.count=4", "nic.channels", "ethtool -L eth0 combined 4");
    applied("nic.features.gro=off", "nic.features.gro", "ethtool -K eth0 gro off");
    applied("nic.gro_flush_timeout=20us", "nic.gro_flush_timeout", "echo 20000 > /sys/class/net/eth0/gro_flush_timeout");
    applied("nic.threaded=on", "nic.threaded", "echo 1 > /sys/class/net/eth0/threaded");
    applied("nic.queue.rps_cpus=2", "nic.queue.rps_cpus",
            "for q in /sys/class/net/eth0/queues/rx-*; do echo 2 > $q/rps_cpus; done");
    applied("net.core.netdev_budget=600", "net.core.netdev_budget", "sysctl -w net.core.netdev_budget=600");
    applied("net.core.netdev_budget_usecs=8000us", "net.core.netdev_budget_usecs",
            "sysctl -w net.core.netdev_budget_usecs=8000");
    applied("net.core.rmem_default=425984B", "net.core.rmem_default", "sysctl -w net.core.rmem_default=425984");
    applied("net.ipv4.tcp_rmem.max=8388608B", "net.ipv4.tcp_rmem.max",
            "sysctl -w net.ipv4.tcp_rmem=\"4096 131072 8388608\"");
}
END_TEST

START_TEST(what_no_admin_can_set_has_no_line)
{
    applied("", "traffic.rate", NULL);
    applied("", "cost.ip.rcv", NULL);
    applied("", "cpu.count", NULL);
    applied("", "nic.coalesce.kind", NULL);
    applied("", "nic.ring.refill_batch", NULL);
}
END_TEST

START_TEST(a_named_nic_keeps_its_name)
{
    applied("nic[ens1].ring.rx=2048", "nic[ens1].ring.rx", "ethtool -G ens1 rx 2048");
}
END_TEST

SUITE(apply, each_knob_is_set_by_the_tool_that_sets_it, what_no_admin_can_set_has_no_line, a_named_nic_keeps_its_name)
