/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/link_layout.h"

#include <inttypes.h>
#include <string.h>

/* The receive half of struct rtnl_link_stats64. */
struct link_stats {
    uint64_t packets, bytes, errors, dropped, missed, length, crc, fifo;
};

static bool in_nic(const char *scope, const char *nic)
{
    size_t length = strlen(nic);

    return strncmp(scope, nic, length) == 0 && (scope[length] == '\0' || scope[length] == '.');
}

static uint64_t counter(const struct result *r, const char *nic, const char *name)
{
    uint64_t sum = 0;

    for (int i = 0; i < r->counters; i++) {
        if (in_nic(r->counter[i].scope, nic) && strcmp(r->counter[i].name, name) == 0)
            sum += r->counter[i].value;
    }
    return sum;
}

/* core_stats.rx_dropped: counted in skbs by CPU, which is of one NIC only if there is only one. */
static uint64_t dropped_by_the_stack(const struct result *r, const char *nic)
{
    uint64_t sum = 0;

    if (r->nics == 1)
        return result_counter(r, NULL, "dropped") + result_counter(r, NULL, "rx_nohandler");
    for (int q = 0; q < r->queues; q++) {
        if (in_nic(r->queue[q].scope, nic))
            sum += r->queue[q].ledger.frames[FATE_CPU_BACKLOG] + r->queue[q].ledger.frames[FATE_UNHANDLED_PROTO];
    }
    return sum;
}

static void fold(struct link_stats *s, const char *where, uint64_t n)
{
    bool both = where && strcmp(where, "both") == 0;

    if (!where)
        return;
    if (both || strcmp(where, "missed") == 0)
        s->missed += n;
    if (both || strcmp(where, "fifo") == 0)
        s->fifo += n;
    if (strcmp(where, "dropped") == 0)
        s->dropped += n;
}

static struct link_stats stats_of(const struct result *r, const struct result_nic *n)
{
    struct link_stats s = {
        .packets = counter(r, n->name, "rx_packets"), .bytes = counter(r, n->name, "rx_bytes"),
        .length = counter(r, n->name, "rx_length_errors"), .crc = counter(r, n->name, "rx_crc_errors"),
        .dropped = dropped_by_the_stack(r, n->name) + counter(r, n->name, "veth_rx_dropped"),
    };

    s.errors = s.length + s.crc;
    fold(&s, n->no_desc_link, counter(r, n->name, "rx_no_desc"));
    fold(&s, n->overflow_link, counter(r, n->name, "rx_missed_errors"));
    return s;
}

/* iproute2's columns; what nothing here counts is 0. */
void link_layout_ip(const struct result *r, FILE *out)
{
    for (int i = 0; i < r->nics; i++) {
        struct link_stats s = stats_of(r, &r->nic[i]);

        fprintf(out, "%d: %s: <BROADCAST,MULTICAST,UP,LOWER_UP>\n", i + 2, r->nic[i].name);
        fprintf(out, "    RX:  %12s %10s %7s %8s %8s %7s\n", "bytes", "packets", "errors", "dropped", "missed", "mcast");
        fprintf(out, "         %12" PRIu64 " %10" PRIu64 " %7" PRIu64 " %8" PRIu64 " %8" PRIu64 " %7d\n", s.bytes, s.packets,
                s.errors, s.dropped, s.missed, 0);
        fprintf(out, "    RX errors: %6s %10s %7s %8s %8s\n", "length", "crc", "frame", "fifo", "overrun");
        fprintf(out, "               %6" PRIu64 " %10" PRIu64 " %7d %8" PRIu64 " %8d\n", s.length, s.crc, 0, s.fifo, 0);
    }
}

/* net/core/net-procfs.c dev_seq_printf_stats(): drop is dropped and missed together, frame is length, crc and the rest. */
void link_layout_net_dev(const struct result *r, FILE *out)
{
    fprintf(out, "Inter-|   Receive                                                |  Transmit\n"
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
            "compressed\n");
    for (int i = 0; i < r->nics; i++) {
        struct link_stats s = stats_of(r, &r->nic[i]);

        fprintf(out, "%6s: %7" PRIu64 " %7" PRIu64 " %4" PRIu64 " %4" PRIu64 " %4" PRIu64 " %5" PRIu64 " %10d %9d "
                "%8" PRIu64 " %7" PRIu64 " %4d %4d %4d %5d %7d %10d\n", r->nic[i].name, s.bytes, s.packets, s.errors,
                s.dropped + s.missed, s.fifo, s.length + s.crc, 0, 0, counter(r, r->nic[i].name, "tx_bytes"),
                counter(r, r->nic[i].name, "tx_packets"), 0, 0, 0, 0, 0, 0);
    }
}
