/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/irqbalance.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct irqbalance_params, on, "host.irqbalance", 0, "the irqbalance daemon runs and moves the NICs' vectors",
                 "ours: off, so that interrupts stay where smp_affinity says; most distributions start it"),
    PARAM(struct irqbalance_params, interval, "host.irqbalance.interval", UNIT_TIME, 10 * SEC, 1 * US, 3600 * SEC,
          "from one of its rounds to the next", "irqbalance(1) --interval: 10 seconds"),
};
ALL_FIELDS_HAVE_ROWS(struct irqbalance_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct irqbalance_counters, rounds, "irqbalance_rounds", "simulator only", "times irqbalance looked at the loads"),
    COUNTER(struct irqbalance_counters, moves, "irqbalance_moves", "/proc/irq/N/smp_affinity written", "vectors it moved"),
};
ALL_COUNTERS_HAVE_ROWS(struct irqbalance_counters, counter_rows);

const struct model_info irqbalance_model = {
    .name = "irqbalance", .step = "2", .what = "moves vectors from loaded to idle CPUs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, irqbalance), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static struct irq *vector_at(const struct irqbalance *b, int i)
{
    struct nic *n = &b->host->nic[i / CONFIG_QUEUES];
    int queue = i % CONFIG_QUEUES;

    return queue < n->queues && !n->veth ? &n->queue[queue].irq : NULL;
}

static int vectors(const struct irqbalance *b)
{
    return b->host->nics * CONFIG_QUEUES;
}

static int cpu_of(const struct irq *irq)
{
    return irq->affinity->index;
}

static ps_t interrupt_time(const struct cpu *c)
{
    ps_t spent = c->spent[CPU_HARDIRQ] + c->spent[CPU_SOFTIRQ] + c->spent[CPU_KSOFTIRQD];

    if (c->running && c->running->mode <= CPU_KSOFTIRQD && event_pending(c->engine, &c->step))
        spent += c->engine->now - c->step_at;           /* the step it is in, so far */
    return spent;
}

/* Loads of CPUs in nanoseconds of the interval, and of their vectors by interrupts. */
static void measure(struct irqbalance *b)
{
    struct host *h = b->host;

    for (int c = 0; c < h->cpus; c++) {
        ps_t spent = interrupt_time(&h->cpu[c]);
        uint64_t interrupts = 0;
        b->cpu[c] = (struct irqbalance_cpu){ .load = (spent - b->cpu[c].seen) / NS, .seen = spent };
        for (int i = 0; i < vectors(b); i++) {
            const struct irq *irq = vector_at(b, i);
            if (irq && cpu_of(irq) == c) {
                interrupts += irq->counters.interrupts - b->vector[i].seen;
                b->cpu[c].vectors++;
            }
        }
        int64_t slice = interrupts > 0 ? b->cpu[c].load / (int64_t)interrupts : 0;
        for (int i = 0; i < vectors(b); i++) {
            const struct irq *irq = vector_at(b, i);
            if (!irq || cpu_of(irq) != c)
                continue;
            int64_t load = (int64_t)(irq->counters.interrupts - b->vector[i].seen) * slice;
            b->vector[i] = (struct irqbalance_vector){ .load = load > 0 ? load : 1, .seen = irq->counters.interrupts };
        }
    }
}

static int least_loaded(const struct irqbalance *b)
{
    int best = 0;

    for (int c = 1; c < b->host->cpus; c++) {
        if (b->cpu[c].load < b->cpu[best].load)
            best = c;
    }
    return best;
}

/* The vector of the CPU with the largest load below `below`, or with that load and a higher number than `after`; -1: none. */
static int next_largest(const struct irqbalance *b, int cpu, int64_t below, int after)
{
    int best = -1;

    for (int i = 0; i < vectors(b); i++) {
        const struct irq *irq = vector_at(b, i);
        int64_t load = b->vector[i].load;
        if (!irq || cpu_of(irq) != cpu || load > below || (load == below && i <= after))
            continue;
        if (best < 0 || load > b->vector[best].load)
            best = i;
    }
    return best;
}

/* Chooses what leaves a CPU, and notes it in `chosen`. */
static int choose(struct irqbalance *b, int cpu, int64_t *least, int *chosen, int n)
{
    int64_t rest = b->cpu[cpu].load, below = INT64_MAX;
    int at = -1;

    if (rest <= *least)
        return n;
    while (b->cpu[cpu].vectors > 1 && (at = next_largest(b, cpu, below, at)) >= 0) {
        int64_t load = below = b->vector[at].load;
        if (load <= 1 || *least + load >= rest - load)
            continue;
        rest -= load;
        *least = *least + load < rest ? *least + load : rest;
        b->cpu[cpu].vectors--;
        chosen[n++] = at;
    }
    return n;
}

static void rebalance(struct irqbalance *b)
{
    int chosen[CONFIG_INSTANCES * CONFIG_QUEUES], n = 0;
    int64_t least = b->cpu[least_loaded(b)].load;

    for (int c = 0; c < b->host->cpus; c++)
        n = choose(b, c, &least, chosen, n);
    for (int i = 0; i < n; i++)         /* first all leave, then each is placed */
        b->cpu[cpu_of(vector_at(b, chosen[i]))].load -= b->vector[chosen[i]].load;
    for (int i = 0; i < n; i++) {
        struct irq *irq = vector_at(b, chosen[i]);
        int to = least_loaded(b);
        b->counters.moves += to != cpu_of(irq);
        irq->affinity = &b->host->cpu[to];
        b->cpu[to].load += b->vector[chosen[i]].load + 1;
        b->cpu[to].vectors++;
    }
}

static void round_due(void *irqbalance)
{
    struct irqbalance *b = irqbalance;
    struct engine *e = &b->host->engine;

    b->counters.rounds++;
    measure(b);
    rebalance(b);
    engine_at(e, &b->round, e->now + b->host->hc->irqbalance.interval);
}

int irqbalance_init(struct host *h)
{
    struct irqbalance *b = &h->irqbalance;

    b->host = h;
    if (!h->hc->irqbalance.on)
        return 0;
    b->cpu = calloc((size_t)h->cpus, sizeof *b->cpu);
    b->vector = calloc((size_t)h->nics * CONFIG_QUEUES, sizeof *b->vector);
    if (!b->cpu || !b->vector || event_init(&h->engine, &b->round, EVENT_MEASURE, round_due, b) != 0)
        return -1;
    engine_at(&h->engine, &b->round, h->hc->irqbalance.interval);
    return 0;
}

void irqbalance_free(struct host *h)
{
    free(h->irqbalance.cpu);
    free(h->irqbalance.vector);
}
