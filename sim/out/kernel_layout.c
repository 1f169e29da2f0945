/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/kernel_layout.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "models/config.h"
#include "sim/out/link_layout.h"

/* ---- /proc/net/softnet_stat ---- */

/* Columns by position, net/core/net-procfs.c; NULL prints 0: unused since the days of fastroute, or a length
 * that is 0 when the run has drained. Column 13 is the CPU's number. */
static const char *const softnet_column[15] = {
    "processed", "dropped", "time_squeeze", NULL, NULL, NULL, NULL, NULL, NULL, "received_rps", "flow_limit_count",
    NULL, NULL, NULL, NULL,
};

static void print_softnet_stat(const struct result *r, FILE *out)
{
    for (int cpu = 0; cpu < r->cpus; cpu++) {
        char scope[SCOPE_NAME];

        snprintf(scope, sizeof scope, "cpu%d", cpu);
        for (int i = 0; i < 15; i++) {
            uint64_t value = softnet_column[i] ? result_counter(r, scope, softnet_column[i]) : 0;

            /* the kernel's columns are 32 bits wide and wrap */
            fprintf(out, "%08" PRIx32 "%s", i == 12 ? (uint32_t)cpu : (uint32_t)value, i < 14 ? " " : "\n");
        }
    }
}

/* ---- nstat, /proc/net/snmp ---- */

static bool is_snmp(const struct result_counter *c)
{
    return strcmp(c->scope, "snmp") == 0;
}

/* Groups of /proc/net/snmp and /proc/net/netstat; the longer prefix first, so that TcpExt is not taken for Tcp. */
static const char *const snmp_group[] = { "IpExt", "TcpExt", "Ip", "Icmp", "Tcp", "Udp" };

static int snmp_group_of(const char *name)
{
    for (size_t i = 0; i < sizeof snmp_group / sizeof snmp_group[0]; i++) {
        size_t length = strlen(snmp_group[i]);

        if (strncmp(name, snmp_group[i], length) == 0 && isupper((unsigned char)name[length]))
            return (int)i;
    }
    return -1;
}

/* As iproute2's nstat prints: name, value, rate (unknown here: nobody asked twice). */
static void print_nstat(const struct result *r, FILE *out)
{
    fprintf(out, "#kernel\n");
    for (int i = 0; i < r->counters; i++)
        if (is_snmp(&r->counter[i]) && snmp_group_of(r->counter[i].name) >= 0)
            fprintf(out, "%-32s%-16" PRIu64 "%6.1f\n", r->counter[i].name, r->counter[i].value, 0.0);
}

static void print_group(const struct result *r, int group, bool names, FILE *out)
{
    fprintf(out, "%s:", snmp_group[group]);
    for (int i = 0; i < r->counters; i++) {
        const struct result_counter *c = &r->counter[i];

        if (!is_snmp(c) || snmp_group_of(c->name) != group)
            continue;
        if (names)
            fprintf(out, " %s", c->name + strlen(snmp_group[group]));
        else
            fprintf(out, " %" PRIu64, c->value);
    }
    fputc('\n', out);
}

/* The kernel's order: the groups of snmp, then those of netstat. Groups without a counter are left out. */
static void print_snmp(const struct result *r, FILE *out)
{
    static const int order[] = { 2, 3, 4, 5, 1, 0 };

    for (size_t g = 0; g < sizeof order / sizeof order[0]; g++) {
        bool any = false;

        for (int i = 0; i < r->counters && !any; i++)
            any = is_snmp(&r->counter[i]) && snmp_group_of(r->counter[i].name) == order[g];
        if (any) {
            print_group(r, order[g], true, out);
            print_group(r, order[g], false, out);
        }
    }
}

/* ---- ethtool -S ---- */

/* A counter is ethtool's when the row that declares it says so. */
static bool is_ethtool(const char *name)
{
    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_counters; i++)
            if (strcmp((*m)->counters[i].name, name) == 0 && strncmp((*m)->counters[i].where, "ethtool", 7) == 0)
                return true;
    return false;
}

/* "eth0" and "eth0.q3" belong to NIC eth0. */
static bool scope_of_nic(const char *scope, char nic[SCOPE_NAME], int *queue)
{
    const char *dot = strstr(scope, ".q");
    size_t length = dot ? (size_t)(dot - scope) : strlen(scope);

    *queue = dot && isdigit((unsigned char)dot[2]) ? atoi(dot + 2) : -1;
    snprintf(nic, SCOPE_NAME, "%.*s", (int)length, scope);
    return *queue >= 0 || !dot;
}

static const struct result_nic *nic_of(const struct result *r, const char *name)
{
    for (int i = 0; i < r->nics; i++)
        if (strcmp(r->nic[i].name, name) == 0)
            return &r->nic[i];
    return NULL;
}

enum { ETHTOOL_NAME = 64 };

/* The driver's name of one of our counters, of the NIC (queue -1) or of a queue; false if its ethtool -S has no such line. */
static bool drivers_name(const struct result_nic *n, const char *ours, int queue, char name[ETHTOOL_NAME])
{
    bool no_desc = strcmp(ours, "rx_no_desc") == 0, overflow = strcmp(ours, "rx_missed_errors") == 0;
    const char *theirs = !n ? "" : no_desc ? n->no_desc : overflow ? n->overflow : "";

    if (n && strcmp(ours, "rx_no_buffer_count") == 0 && !n->no_buffer_count)
        return false;
    if (!*theirs) {
        if (queue < 0)
            snprintf(name, ETHTOOL_NAME, "%s", ours);
        else
            snprintf(name, ETHTOOL_NAME, "rx_queue_%d_%s", queue, strncmp(ours, "rx_", 3) == 0 ? ours + 3 : ours);
        return true;
    }
    const char *number = strchr(theirs, 'N');
    if (strcmp(theirs, "none") == 0 || (number != NULL) != (queue >= 0))
        return false;
    if (number)
        snprintf(name, ETHTOOL_NAME, "%.*s%d%s", (int)(number - theirs), theirs, queue, number + 1);
    else
        snprintf(name, ETHTOOL_NAME, "%s", theirs);
    return true;
}

static void print_ethtool_counter(const struct result_nic *n, const char *ours, int queue, uint64_t value, FILE *out)
{
    char name[ETHTOOL_NAME];

    if (drivers_name(n, ours, queue, name))
        fprintf(out, "     %s: %" PRIu64 "\n", name, value);
}

/* Drivers that count in queues print the sum too; a counter that is there for the NIC itself is that sum. */
static bool nic_has(const struct result *r, const char *nic, const char *name)
{
    for (int i = 0; i < r->counters; i++)
        if (strcmp(r->counter[i].scope, nic) == 0 && strcmp(r->counter[i].name, name) == 0)
            return true;
    return false;
}

static uint64_t sum_of_queues(const struct result *r, const char *nic, const char *name)
{
    uint64_t sum = 0;

    for (int i = 0; i < r->counters; i++) {
        char owner[SCOPE_NAME];
        int queue;

        if (scope_of_nic(r->counter[i].scope, owner, &queue) && queue >= 0 && strcmp(owner, nic) == 0 &&
            strcmp(r->counter[i].name, name) == 0)
            sum += r->counter[i].value;
    }
    return sum;
}

static void print_nic(const struct result *r, const char *nic, FILE *out)
{
    const struct result_nic *n = nic_of(r, nic);
    char owner[SCOPE_NAME];
    int queue;

    fprintf(out, "NIC statistics:\n");
    for (int i = 0; i < r->counters; i++) {
        const struct result_counter *c = &r->counter[i];

        if (!is_ethtool(c->name) || !scope_of_nic(c->scope, owner, &queue) || strcmp(owner, nic) != 0)
            continue;
        if (queue < 0)
            print_ethtool_counter(n, c->name, -1, c->value, out);
        else if (queue == 0 && !nic_has(r, nic, c->name))
            print_ethtool_counter(n, c->name, -1, sum_of_queues(r, nic, c->name), out);
    }
    for (int i = 0; i < r->counters; i++)
        if (is_ethtool(r->counter[i].name) && scope_of_nic(r->counter[i].scope, owner, &queue) && queue >= 0 &&
            strcmp(owner, nic) == 0)
            print_ethtool_counter(n, r->counter[i].name, queue, r->counter[i].value, out);
}

/* A scope is a NIC's if it has queues, or counters of ethtool's. */
static bool is_nic_scope(const struct result *r, const char *nic)
{
    char owner[SCOPE_NAME];
    int queue;

    for (int i = 0; i < r->counters; i++)
        if (scope_of_nic(r->counter[i].scope, owner, &queue) && strcmp(owner, nic) == 0 &&
            (queue >= 0 || is_ethtool(r->counter[i].name)))
            return true;
    return false;
}

/* Calls print_nic for each NIC, in the order of its first counter. */
static void print_ethtool(const struct result *r, FILE *out)
{
    char nic[SCOPE_NAME], earlier[SCOPE_NAME];
    int queue;

    for (int i = 0; i < r->counters; i++) {
        bool seen = !scope_of_nic(r->counter[i].scope, nic, &queue) || !is_nic_scope(r, nic);

        for (int k = 0; k < i && !seen; k++)
            seen = scope_of_nic(r->counter[k].scope, earlier, &queue) && strcmp(earlier, nic) == 0;
        if (!seen)
            print_nic(r, nic, out);
    }
}

/* ---- /proc/interrupts ---- */

static bool one_nic(const struct result *r, const char *nic)
{
    char owner[SCOPE_NAME];
    int queue;

    for (int q = 0; q < r->queues; q++)
        if (scope_of_nic(r->queue[q].scope, owner, &queue) && strcmp(owner, nic) != 0)
            return false;
    return true;
}

/* The CPU that takes a queue's interrupts, seen from a sampled frame of the queue; -1 if there is none. A sample
 * does not say its NIC, so with several of them nothing is known. */
static int cpu_of_queue(const struct result *r, const char *nic, int queue)
{
    if (r->cpus == 1)
        return 0;
    for (int i = 0; i < r->packets && one_nic(r, nic); i++)
        if (r->packet[i].queue == queue && r->packet[i].cpu >= 0)
            return r->packet[i].cpu;
    return -1;
}

static void interrupt_row(const struct result *r, const char *label, int only_cpu, uint64_t value,
                          const char *counter, const char *name, FILE *out)
{
    fprintf(out, "%4s:", label);
    for (int cpu = 0; cpu < r->cpus; cpu++) {
        char scope[SCOPE_NAME];

        snprintf(scope, sizeof scope, "cpu%d", cpu);
        if (counter)
            value = result_counter(r, scope, counter);
        fprintf(out, " %10" PRIu64, counter || cpu == only_cpu ? value : 0);
    }
    fprintf(out, "%s\n", name);
}

/* Of a vector that may move, each CPU has a count of its own. */
static bool moving_row(const struct result *r, const char *label, const char *queue, const char *name, FILE *out)
{
    uint64_t all = 0;

    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1 && all == 0)
            return false;
        if (pass == 1)
            fprintf(out, "%4s:", label);
        for (int cpu = 0; cpu < r->cpus; cpu++) {
            char scope[SCOPE_NAME + 16];
            snprintf(scope, sizeof scope, "%s.cpu%d", queue, cpu);
            uint64_t value = result_counter(r, scope, "vector_interrupts");
            all += value;
            if (pass == 1)
                fprintf(out, " %10" PRIu64, value);
        }
    }
    fprintf(out, "%s\n", name);
    return true;
}

static void print_interrupts(const struct result *r, FILE *out)
{
    int vector = 24;            /* the first behind the legacy ones */

    fprintf(out, "     ");
    for (int cpu = 0; cpu < r->cpus; cpu++) {
        char name[16];

        snprintf(name, sizeof name, "CPU%d", cpu);
        fprintf(out, " %-10s", name);
    }
    fputc('\n', out);
    for (int i = 0; i < r->counters; i++) {
        const struct result_counter *c = &r->counter[i];
        char label[16], name[SCOPE_NAME + 96], nic[SCOPE_NAME];
        int queue, cpu;

        if (strcmp(c->name, "interrupts") != 0 || !scope_of_nic(c->scope, nic, &queue) || queue < 0)
            continue;
        cpu = cpu_of_queue(r, nic, queue);
        snprintf(label, sizeof label, "%d", vector);
        snprintf(name, sizeof name, "  PCI-MSIX %d-edge      %s-rx-%d%s", vector - 24, nic, queue,
                 cpu < 0 && c->value > 0 ? " (CPU not known)" : "");
        if (!moving_row(r, label, c->scope, name, out))
            interrupt_row(r, label, cpu < 0 ? 0 : cpu, c->value, NULL, name, out);
        vector++;
    }
    interrupt_row(r, "LOC", -1, 0, "ticks", "   Local timer interrupts", out);
    interrupt_row(r, "RES", -1, 0, "ipis", "   Rescheduling interrupts (and function calls)", out);
}

/* ---- mpstat ---- */

static double percent(const struct result_cpu *c, unsigned contexts)
{
    double all = 0, part = 0;

    for (unsigned i = 0; i < RESULT_CONTEXTS; i++) {
        all += (double)c->ps[i];
        if (contexts & 1u << i)
            part += (double)c->ps[i];
    }
    return all > 0 ? 100 * part / all : 0;
}

static void mpstat_row(const char *name, const struct result_cpu *c, FILE *out)
{
    /* tasks and NAPI threads run in the kernel while they receive: %sys. The kernel books ksoftirqd as %soft. */
    double sys = percent(c, 1u << RESULT_TASK | 1u << RESULT_NAPI_THREAD);
    double irq = percent(c, 1u << RESULT_HARDIRQ);
    double soft = percent(c, 1u << RESULT_SOFTIRQ | 1u << RESULT_KSOFTIRQD);

    fprintf(out, "%4s %7.2f %7.2f %7.2f %7.2f %7.2f %7.2f %7.2f %7.2f %7.2f %7.2f\n", name, 0.0, 0.0, sys, 0.0, irq,
            soft, 0.0, 0.0, 0.0, percent(c, 1u << RESULT_IDLE));
}

static void print_mpstat(const struct result *r, FILE *out)
{
    struct result_cpu all = { { 0 } };

    fprintf(out, "%4s %7s %7s %7s %7s %7s %7s %7s %7s %7s %7s\n", "CPU", "%usr", "%nice", "%sys", "%iowait", "%irq",
            "%soft", "%steal", "%guest", "%gnice", "%idle");
    for (int cpu = 0; cpu < r->cpus; cpu++)
        for (int i = 0; i < RESULT_CONTEXTS; i++)
            all.ps[i] += r->cpu[cpu].ps[i];
    mpstat_row("all", &all, out);
    for (int cpu = 0; cpu < r->cpus; cpu++) {
        char name[16];

        snprintf(name, sizeof name, "%d", cpu);
        mpstat_row(name, &r->cpu[cpu], out);
    }
}

const struct kernel_layout kernel_layouts[] = {
    { "softnet_stat", "/proc/net/softnet_stat, one row of hex columns per CPU", print_softnet_stat },
    { "nstat", "nstat -az", print_nstat },
    { "snmp", "/proc/net/snmp and /proc/net/netstat", print_snmp },
    { "ethtool-S", "ethtool -S, NIC after NIC", print_ethtool },
    { "ip-s-link", "ip -s -s link, NIC after NIC", link_layout_ip },
    { "net_dev", "/proc/net/dev", link_layout_net_dev },
    { "interrupts", "/proc/interrupts", print_interrupts },
    { "mpstat", "mpstat -P ALL", print_mpstat },
    { NULL, NULL, NULL }
};
