/* SPDX-License-Identifier: GPL-3.0-or-later */
/* irqbalance: the daemon that moves interrupt vectors from loaded to idle CPUs.
 *
 * In    irqbalance_init()  the machine is built
 * Out   irq.affinity       a vector's next interrupt goes to another CPU, and its NAPI with it
 *
 * Every interval, as the daemon does it (activate.c, irqlist.c, placement.c, procinterrupts.c): a CPU's load is its interrupt and
 * softirq time of the interval as /proc/stat shows it; a vector's load is its share of its CPU's by interrupts, at least 1. From each
 * CPU that is above the least loaded one and has several vectors, the largest first, a vector is chosen if the CPU without
 * it would still be above the least loaded one with it; then each chosen one goes to the CPU with the least load.
 * Not modelled: caches, packages and NUMA nodes as steps of the choice, classes of interrupts, hints, bans, power saving,
 * a migrate ratio; the daemon's own time; vectors that are not a NIC's. */
#ifndef MODELS_IRQBALANCE_H
#define MODELS_IRQBALANCE_H

#include "models/config.h"
#include "sim/engine/event.h"

struct host;

struct irqbalance_params {
    int64_t on;                 /* switch */
    int64_t interval;
};
extern const struct model_info irqbalance_model;

struct irqbalance_counters {
    uint64_t rounds;
    uint64_t moves;
};

struct irqbalance_cpu { int64_t load; ps_t seen; int vectors; };
struct irqbalance_vector { int64_t load; uint64_t seen; };

struct irqbalance {
    struct host *host;
    struct irqbalance_counters counters;
    struct irqbalance_cpu *cpu;         /* NULL: no daemon runs */
    struct irqbalance_vector *vector;   /* NIC * CONFIG_QUEUES + queue */
    struct event round;
};

int irqbalance_init(struct host *h);
void irqbalance_free(struct host *h);

#endif
