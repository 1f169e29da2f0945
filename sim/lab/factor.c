/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/factor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab/decimal.h"

#define KNOB  true
#define MACHINE  false

const struct factor factors[] = {
    { "nic.ring.rx", 4, 1, NULL, KNOB, "a ring four times as long" },
    { "nic.ring.rx", 1, 4, NULL, KNOB, "a ring of a quarter" },
    { "nic.coalesce.adaptive-rx", 0, 1, "off", KNOB, "no adaptive moderation" },
    { "nic.coalesce.rx-usecs", 0, 1, "0us", KNOB, "no interrupt moderation (where it is not adaptive)" },
    { "nic.coalesce.rx-usecs", 4, 1, NULL, KNOB, "four times the moderation time" },
    { "net.core.netdev_budget", 4, 1, NULL, KNOB, "four times the budget" },
    { "net.core.netdev_budget_usecs", 0, 1, "100ms", KNOB, "no time limit for net_rx_action" },
    { "net.core.netdev_max_backlog", 4, 1, NULL, KNOB, "four times the backlog" },
    { "net.core.rmem_default", 4, 1, NULL, KNOB, "four times the default socket buffer" },
    { "net.core.rmem_max", 4, 1, NULL, KNOB, "four times the ceiling of SO_RCVBUF" },
    { "net.ipv4.tcp_rmem.max", 4, 1, NULL, KNOB, "four times the ceiling of TCP's autotuning" },
    { "net.netfilter.nf_conntrack_max", 4, 1, NULL, KNOB, "four times the connection table" },
    { "nic.channels", 2, 1, NULL, KNOB, "twice the queues" },
    { "nic.queue.rps_cpus", 0, 1, "all", KNOB, "RPS over all CPUs" },
    { "nic.threaded", 0, 1, "on", KNOB, "NAPI in threads" },
    { "nic.ring.empty", 0, 1, "hold", KNOB, "frames without descriptor wait in the FIFO" },
    { "net.core.busy_read", 0, 1, "50us", KNOB, "readers that busy poll for 50 us" },
    { "nic.features.gro", 0, 1, "off", KNOB, "no GRO" },
    { "cpu.cstate.exit_latency", 0, 1, "0ps", KNOB, "idle states that cost nothing to leave" },
    { "app.rcvbuf", 4, 1, NULL, KNOB, "an application that asks for four times the socket buffer" },
    { "app.work", 0, 1, "0cycles", MACHINE, "an application that does nothing with what it reads" },
    { "cpu.freq", 2, 1, NULL, MACHINE, "cores twice as fast" },
    { "pcie.bandwidth", 4, 1, NULL, MACHINE, "a bus four times as wide" },
    { NULL, 0, 0, NULL, false, NULL }
};

/* "f" for four CPUs, as smp_affinity has it. */
static void all_cpus(int cpus, char *text, size_t size)
{
    uint64_t mask = cpus < 64 ? (UINT64_C(1) << cpus) - 1 : UINT64_MAX;

    snprintf(text, size, "%" PRIx64, mask);
}

bool factor_value(const struct factor *f, const char *old, int cpus, char *text, size_t size)
{
    struct decimal d;

    if (f->set && strcmp(f->set, "all") == 0) {
        all_cpus(cpus, text, size);
    } else if (f->set) {
        snprintf(text, size, "%s", f->set);
    } else {
        if (!decimal_parse(old, strlen(old), &d) || d.digits == 0 || !decimal_rescale(&d, d.decimals + (f->over > 1 && d.unit[0])))
            return false;
        decimal_print(d.digits * f->times / f->over, d.decimals, d.unit, text, size);
    }
    return strcmp(text, old) != 0;
}
