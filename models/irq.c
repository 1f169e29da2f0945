/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/irq.h"

#include "models/host_config.h"

static const struct param queue_rows[] = {
    PARAM(struct irq_params, smp_affinity, "nic.queue.smp_affinity", UNIT_CPUS, 0, INT64_MIN, INT64_MAX,
          "CPUs that may take the queue's interrupt, the first is used; 0: queue i goes to CPU i modulo their number",
          "/proc/irq/N/smp_affinity"),
};
ALL_FIELDS_HAVE_ROWS(struct irq_params, queue_rows);

static const struct counter column_rows[] = {
    COUNTER(struct irq_column, vector_interrupts, "vector_interrupts", "/proc/interrupts, one column",
            "interrupts of the queue's vector that this CPU took"),
};
ALL_COUNTERS_HAVE_ROWS(struct irq_column, column_rows);

const struct model_info irq_model = {
    .name = "irq", .step = "2", .what = "MSI-X delivery and affinity",
    .scope = SCOPE_QUEUE, .params_at = offsetof(struct queue_config, irq), .params = queue_rows,
    .n_params = ROWS(queue_rows),
    .counters = column_rows, .n_counters = ROWS(column_rows),
};

static const struct param rows[] = {
    PARAM(struct irq_host_params, delivery, "pcie.msix_latency", UNIT_TIME, 300 * NS, 0, 1 * MS,
          "from the NIC's vector to the core: one posted write and the APIC", "assumption"),
    PARAM_COST(struct irq_host_params, handler, "cost.irq.handler", 700,
               "the driver's handler: napi_schedule and little else",
               "assumption; 334 of 627 instructions in a measured e1000e MSI-X interrupt"),
};
ALL_FIELDS_HAVE_ROWS(struct irq_host_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct irq_counters, interrupts, "interrupts", "/proc/interrupts", "interrupts of the queue's vector"),
};
ALL_COUNTERS_HAVE_ROWS(struct irq_counters, counter_rows);

const struct model_info irq_host_model = {
    .name = "irq", .step = "2", .what = "the handler",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, irq), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static void irq_deliver(void *irq)
{
    struct irq *i = irq;

    cpu_interrupt(i->cpu, &i->vector);
}

static void irq_handle(struct context *x, void *irq)
{
    struct irq *i = irq;
    struct host *h = x->cpu->host;

    i->counters.interrupts++;
    if (i->columns)
        i->columns[x->cpu->index].vector_interrupts++;
    x->cpu->counters.interrupts++;
    trace_emit(&h->engine.trace, h->engine.now, TRACE_IRQ_HANDLER_ENTRY, x->cpu->index, (int64_t)i->entity, 0);
    host_fact(h, FACT_IRQ, i->entity, (uint64_t)x->cpu->index);
    if (!i->napi->scheduled)
        i->napi->irq_at = h->engine.now;
    x->owed += napi_schedule_from(i->napi, x->cpu);
}

int irq_init(struct irq *i, struct cpu *c, struct napi *n, uint64_t entity, const struct irq_host_params *p)
{
    *i = (struct irq){ .params = p, .cpu = c, .affinity = c, .napi = n, .entity = entity };
    i->vector = (struct vector){ .handler = irq_handle, .owner = i, .cost = p->handler };
    return event_init(c->engine, &i->deliver, EVENT_DEVICE, irq_deliver, i);
}

/* A vector is auto-masked when it fires, so a second signal cannot overtake the first: unless the unmask and the
 * next cause fall within the message's flight, and then the messages merge, as edges in the APIC do. */
void irq_signal(struct irq *i)
{
    if (event_pending(i->cpu->engine, &i->deliver))
        return;
    i->cpu = i->affinity;
    engine_at(i->cpu->engine, &i->deliver, i->cpu->engine->now + i->params->delivery);
}
