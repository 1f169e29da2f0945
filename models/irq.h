/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MSI-X: from the NIC's vector to the handler on the CPU of its affinity.
 *
 * In    irq_signal()     coalesce fired
 * Out   cpu_interrupt    after the message's flight
 *
 * The handler only schedules NAPI. The CPU is the first of smp_affinity that exists; by default queue i goes to CPU
 * i modulo the number of CPUs.
 * /proc/interrupts has a column for each CPU: where a vector may move (models/irqbalance), vector_interrupts counts them apart.
 * Not modelled: posted interrupts, legacy lines. */
#ifndef MODELS_IRQ_H
#define MODELS_IRQ_H

#include "models/config.h"
#include "models/cpu.h"
#include "sim/engine/event.h"

struct irq_params {             /* of a queue */
    int64_t smp_affinity;       /* mask; 0: spread */
};
extern const struct model_info irq_model;

struct irq_host_params {
    int64_t delivery;
    int64_t handler;
};
extern const struct model_info irq_host_model;

struct irq_counters {
    uint64_t interrupts;
};

struct irq_column {             /* of /proc/interrupts */
    uint64_t vector_interrupts;
};

struct irq {
    const struct irq_host_params *params;
    struct irq_counters counters;
    struct cpu *cpu;            /* of the last message */
    struct cpu *affinity;       /* of the next */
    struct irq_column *columns; /* one a CPU; NULL: all are taken by one */
    struct napi *napi;
    uint64_t entity;            /* NIC * CONFIG_QUEUES + queue */
    struct vector vector;
    struct event deliver;
};

int irq_init(struct irq *i, struct cpu *c, struct napi *n, uint64_t entity, const struct irq_host_params *p);
void irq_signal(struct irq *i);

#endif
