/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cpu.h"

#include <string.h>

#include "models/host.h"
#include "models/host_config.h"

static const char *const smts[] = { "off", "halves", "neighbours", NULL };
static const char *const preempts[] = { "voluntary", "full", NULL };
enum { PREEMPT_VOLUNTARY, PREEMPT_FULL };

static const struct param rows[] = {
    PARAM_TEXT(struct cpu_params, model, "cpu.model", "CPU model: selects scenarios/cpus/<model>.yaml; empty: none",
               "a name of ours for a file of measured costs"),
    PARAM(struct cpu_params, count, "cpu.count", UNIT_COUNT, 2, 1, CONFIG_CPUS, "cores", "a small server; ours"),
    PARAM(struct cpu_params, freq, "cpu.freq", UNIT_FREQ, 3800000, 100000, 10000000,
          "clock of every core; turns cycles into time",
          "Xeon E5-1650 v4 busy core: 3.804e9 cycles/s by perf stat (XDP paper, CoNEXT 2018)"),
    PARAM(struct cpu_params, cstate_exit_latency, "cpu.cstate.exit_latency", UNIT_TIME, 2 * US, 0, 10 * MS,
          "time to leave the idle state", "C1 1-2 us, C1E 4-10 us, C6 100-170 us; /sys/../cpuidle/state*/latency"),
    PARAM(struct cpu_params, cstate_target_residency, "cpu.cstate.target_residency", UNIT_TIME, 2 * US, 0, 1 * SEC,
          "a core idle for less leaves at once", "C1: 2 us; /sys/../cpuidle/state*/residency"),
    PARAM(struct cpu_params, ddio_size, "cpu.ddio.size", UNIT_BYTES, 0, 0, INT64_C(1) << 32,
          "part of the last-level cache that DMA writes may fill; 0: no matter how large the rings are",
          "ours: off; Intel: 2 ways, so 2.5 MiB of 25 on a 20-way Xeon E5"),
    PARAM_TEXT(struct cpu_params, kernel, "kernel.version",
               "kernel: selects scenarios/kernels/linux-<version>.yaml; empty: none", "a release of the kernel"),
    PARAM(struct cpu_params, hz, "kernel.hz", UNIT_COUNT, 250, 100, 1000, "timer ticks a second: CONFIG_HZ",
          "Debian kernels: 250"),
    PARAM_SWITCH(struct cpu_params, nohz, "kernel.nohz", 1, "idle cores take no ticks: CONFIG_NO_HZ_IDLE",
                 "distribution default"),
    PARAM(struct cpu_params, tick_phase, "kernel.tick_phase", UNIT_TIME, -1, -1, 10 * MS,
          "first tick after the start; -1ps: drawn anew for each replication", "a replication's free variable"),
    PARAM_COST(struct cpu_params, irq_entry, "cost.irq.entry", 900,
               "hardware interrupt: from the core to the driver's handler",
               "assumption: with the handler and the exit, the lower end of the 1-2 us of Brouer's talks"),
    PARAM_COST(struct cpu_params, irq_exit, "cost.irq.exit", 500, "irq_exit and return",
               "assumption; 250 of 627 instructions in a measured e1000e MSI-X interrupt"),
    PARAM_COST(struct cpu_params, irq_from_idle, "cost.irq.from_idle", 250,
               "more when the core was idle: leaving the idle loop", "assumption; 132 of 627 instructions, measured"),
    PARAM_COST(struct cpu_params, irq_from_task, "cost.irq.from_task", 20, "more when a task was interrupted",
               "assumption; 16 instructions measured under icount"),
    PARAM_COST(struct cpu_params, irq_return, "cost.irq.return", 40,
               "the way back into what was interrupted, when no softirq runs first", "assumption; 31 instructions measured under icount"),
    PARAM_COST(struct cpu_params, tick, "cost.timer.tick", 2500, "the timer interrupt's own work",
               "assumption; about 1500 instructions measured under icount"),
    PARAM_COST(struct cpu_params, tick_busy, "cost.timer.tick_busy", 500,
               "more when the core was not idle: accounting, the scheduler's tick",
               "assumption; about 500 instructions measured under icount"),
    PARAM_CHOICE(struct cpu_params, smt, "cpu.smt", CPU_SMT_OFF, smts,
                 "hyper-threads that share a core: none; CPU i and i + count / 2, as Linux numbers them on most servers; or 2i and "
                 "2i + 1", "/sys/devices/system/cpu/smt/control; lscpu -e: off here, every CPU is a core"),
    PARAM(struct cpu_params, smt_slowdown, "cpu.smt_slowdown", UNIT_COUNT, 80, 0, 1000,
          "how much longer a step takes while the core's other thread is busy, percent",
          "Cloudflare 2015: a queue's 355-374 kpps fall to 200 with the reader on the sibling"),
    PARAM_CHOICE(struct cpu_params, preempt, "kernel.preempt", PREEMPT_VOLUNTARY, preempts,
                 "preemption model: a woken task waits for the end of another's kernel code, or not (CONFIG_PREEMPT, preempt=full)",
                 "Debian kernels: voluntary"),
};
ALL_FIELDS_HAVE_ROWS(struct cpu_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct cpu_counters, interrupts, "interrupts", "/proc/interrupts", "device interrupts taken by the core"),
    COUNTER(struct cpu_counters, ticks, "ticks", "/proc/interrupts LOC", "timer interrupts"),
    COUNTER(struct cpu_counters, ipis, "ipis", "/proc/interrupts RES, CAL", "inter-processor interrupts taken"),
    COUNTER(struct cpu_counters, steal_usec, "steal_usec", "/proc/stat steal", "time for which the hypervisor ran others"),
};
ALL_COUNTERS_HAVE_ROWS(struct cpu_counters, counter_rows);

const struct model_info cpu_model = {
    .name = "cpu", .step = "-", .what = "a core: interrupts over softirqs over tasks over idle",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, cpu), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- the running step ---- */

static ps_t now(const struct cpu *c)
{
    return c->engine->now;
}

/* Takes the core from whatever it runs: the finished part of the step is accounted, the rest stays in it. */
static void suspend(struct cpu *c)
{
    struct context *x = c->running;

    if (!x) {
        c->spent[CPU_IDLE] += now(c) - c->idle_at;
        if (c->deep_idle)
            cstate_leave(&c->cstate, now(c) - c->idle_at);
    } else if (event_pending(c->engine, &c->step)) {
        ps_t done = now(c) - c->step_at;
        c->spent[x->mode] += done;
        x->left -= done;
        engine_cancel(c->engine, &c->step);
    }
    c->running = NULL;
}

static void step_done(void *cpu)
{
    struct cpu *c = cpu;

    c->spent[c->running->mode] += c->running->left;
    c->running->left = 0;
    c->running->begun = false;
    cpu_run(c);
}

static void take_irq(struct cpu *c);

static bool irqs_on(const struct cpu *c)
{
    return !c->in_hardirq && !c->frozen && (!c->running || !(c->running->flags & STEP_IRQS_OFF));
}

/* A step begins beside a busy hyper-thread. (The way out of an idle state is no work.) */
static void share_core(const struct cpu *c, struct context *x)
{
    if (x->begun || x->mode == CPU_IDLE)
        return;
    x->begun = true;
    if (c->sibling->running)
        x->left += x->left * c->params->smt_slowdown / 100;
}

void cpu_run(struct cpu *c)
{
    struct engine *e = c->engine;

    while (c->running) {
        struct context *x = c->running;
        if (x->left > 0) {
            if (c->irq_first && irqs_on(c)) {
                take_irq(c);
                continue;
            }
            if (c->sibling)
                share_core(c, x);
            ps_t end = e->now + x->left;
            if (!engine_advance(e, end)) {
                c->step_at = e->now;
                engine_at(e, &c->step, end);
                return;
            }
            c->spent[x->mode] += x->left;
            x->left = 0;
        }
        x->then(x);
        if (!c->running && c->irq_first)
            take_irq(c);
    }
}

/* ---- hard interrupts ---- */

static ps_t next_tick(const struct cpu *c)
{
    ps_t jiffy = cpu_jiffy(c);
    ps_t since = now(c) - c->host->tick_phase;
    int64_t past = since < 0 ? -1 : since / jiffy;

    return c->host->tick_phase + (past + 1) * jiffy;
}

static void leave_idle(struct cpu *c)
{
    if (!event_pending(c->engine, &c->tick))
        engine_at(c->engine, &c->tick, next_tick(c));
}

ps_t cpu_idle_exit(const struct cpu *c)
{
    if (c->running)
        return 0;
    if (c->cstate.chosen > 0)
        return c->cstate.chosen;
    if (now(c) - c->idle_at < c->params->cstate_target_residency)
        return 0;
    return c->params->cstate_exit_latency;
}

/* irq_exit: pending softirqs run here, on top of whatever was interrupted. */
static void hardirq_return(struct context *x)
{
    struct cpu *c = x->cpu;
    struct task *interrupted = c->rq->current;

    c->in_hardirq = false;
    c->running = NULL;
    if (softirq_may_run_inline(c, interrupted ? interrupted->context.flags : 0)) {
        leave_idle(c);
        softirq_run_at_irq_exit(c);
        return;
    }
    if (c->softirq->active)
        c->softirq->context.left += c->params->irq_return;
    else if (interrupted)
        interrupted->context.left += c->params->irq_return;
    cpu_return(c);
}

static void hardirq_handle(struct context *x)
{
    struct vector *v = x->cpu->vector;

    v->handler(x, v->owner);
    context_work(x, x->cpu->params->irq_exit, hardirq_return);
}

static void hardirq_enter(struct context *x)
{
    x->mode = CPU_HARDIRQ;
    context_work(x, x->cpu->params->irq_entry + x->cpu->vector->cost, hardirq_handle);
}

static void take_irq(struct cpu *c)
{
    struct context *x = &c->hardirq;
    struct vector *v = c->irq_first;
    bool idle = c->running == NULL;
    ps_t exit = cpu_idle_exit(c);

    c->irq_first = v->next;
    v->pending = false;
    suspend(c);
    c->vector = v;
    c->in_hardirq = true;
    c->running = x;
    x->flags = STEP_IRQS_OFF;
    x->mode = CPU_IDLE;                 /* the exit from the idle state is still idle time */
    context_work(x, exit, hardirq_enter);
    x->owed = idle ? c->params->irq_from_idle : c->softirq->active ? 0 : c->params->irq_from_task;
    if (v == &c->tick_vector && !idle)
        x->owed += c->params->tick_busy;
}

void cpu_interrupt(struct cpu *c, struct vector *v)
{
    if (v->pending)
        return;
    v->pending = true;
    v->next = NULL;
    if (c->irq_first)
        c->irq_last->next = v;
    else
        c->irq_first = v;
    c->irq_last = v;
    if (!irqs_on(c))
        return;
    take_irq(c);
    cpu_run(c);
}

/* ---- what runs next ---- */

static void go_idle(struct cpu *c)
{
    assert(!c->softirq->pending);       /* no core idles while its softirq is pending */
    c->running = NULL;
    c->idle_at = now(c);
    if (c->deep_idle)
        cstate_enter(&c->cstate);
    if (c->params->nohz)
        engine_cancel(c->engine, &c->tick);
}

/* A softirq session before tasks, need_resched before the old task, a task before idle. */
void cpu_return(struct cpu *c)
{
    struct runqueue *rq = c->rq;

    assert(!c->in_hardirq);
    if (c->softirq->active) {
        c->running = &c->softirq->context;
        return;
    }
    if (rq->next) {                     /* an interrupt fell between the choice and the switch */
        c->running = &rq->switching;
        return;
    }
    if (sched_may_switch(c)) {
        leave_idle(c);
        sched_switch(c);
        return;
    }
    if (rq->current)
        c->running = &rq->current->context;
    else
        go_idle(c);
}

void cpu_kick(struct cpu *c)
{
    if (c->running || c->in_hardirq || c->frozen)
        return;
    suspend(c);
    cpu_return(c);
    cpu_run(c);
}

/* ---- standing still ---- */

void cpu_freeze(struct cpu *c)
{
    struct context *x = c->running;

    c->frozen = true;
    c->frozen_at = now(c);
    if (!x || !event_pending(c->engine, &c->step))
        return;
    c->spent[x->mode] += now(c) - c->step_at;
    x->left -= now(c) - c->step_at;
    engine_cancel(c->engine, &c->step);
}

/* Where an idle core stands still it is idle all the time. */
static void book_frozen(struct cpu *c)
{
    if (c->running)
        c->spent[c->running->mode] += now(c) - c->frozen_at;
    c->stolen += now(c) - c->frozen_at;
    c->counters.steal_usec = (uint64_t)(c->stolen / US);
    c->frozen_at = now(c);
}

void cpu_thaw(struct cpu *c)
{
    book_frozen(c);
    c->frozen = false;
    if (c->running) {
        cpu_run(c);
    } else if (c->irq_first) {
        take_irq(c);
        cpu_run(c);
    } else if (sched_may_switch(c)) {
        cpu_kick(c);
    }
}

/* ---- the tick ---- */

ps_t cpu_jiffy(const struct cpu *c)
{
    return SEC / c->params->hz;
}

int64_t cpu_jiffies(const struct cpu *c)
{
    ps_t since = now(c) - c->host->tick_phase;

    return since < 0 ? 0 : since / c->host->jiffy + 1;
}

static void tick_fire(void *cpu)
{
    struct cpu *c = cpu;

    engine_at(c->engine, &c->tick, now(c) + cpu_jiffy(c));
    cpu_interrupt(c, &c->tick_vector);
}

static void tick_handle(struct context *x, void *owner)
{
    (void)owner;
    x->cpu->counters.ticks++;
    sched_tick(x->cpu);
}

static void resched_handle(struct context *x, void *owner)
{
    (void)owner;
    x->cpu->counters.ipis++;            /* need_resched does the rest on the way back */
}

static void resched_fire(void *cpu)
{
    struct cpu *c = cpu;

    cpu_interrupt(c, &c->resched_vector);
}

const char *cpu_check(const struct cpu_params *p)
{
    return p->smt != CPU_SMT_OFF && p->count % 2 != 0 ? "cpu.smt needs an even cpu.count: two hyper-threads a core" : NULL;
}

int cpu_sibling(const struct cpu_params *p, int cpu)
{
    int half = (int)p->count / 2;

    switch (p->smt) {
    case CPU_SMT_HALVES:     return cpu < half ? cpu + half : cpu - half;
    case CPU_SMT_NEIGHBOURS: return cpu ^ 1;
    default:                 return -1;
    }
}

bool cpu_preemptible(const struct cpu *c, unsigned flags)
{
    if (flags & STEP_USER)
        return true;
    return c->params->preempt == PREEMPT_FULL && !(flags & (STEP_IRQS_OFF | STEP_BH_OFF));
}

int cpu_init(struct cpu *c, struct host *host, int index)
{
    *c = (struct cpu){ .host = host, .engine = &host->engine, .params = &host->hc->cpu, .index = index };
    c->hardirq.cpu = c;
    c->cstate.params = &host->hc->cstate;
    c->deep_idle = cstate_deep(c->cstate.params);
    c->tick_vector = (struct vector){ .handler = tick_handle, .owner = c, .cost = c->params->tick };
    c->resched_vector = (struct vector){ .handler = resched_handle, .owner = c, .cost = host->hc->sched.ipi };
    if (event_init(c->engine, &c->step, EVENT_CPU, step_done, c) != 0)
        return -1;
    if (event_init(c->engine, &c->tick, EVENT_DEVICE, tick_fire, c) != 0)
        return -1;
    return event_init(c->engine, &c->resched_ipi, EVENT_DEVICE, resched_fire, c);
}

void cpu_start(struct cpu *c)
{
    c->idle_at = now(c);
    if (!c->params->nohz)
        engine_at(c->engine, &c->tick, next_tick(c));
    cpu_kick(c);
}

void cpu_settle(struct cpu *c)
{
    if (c->frozen)
        book_frozen(c);
    if (!c->running) {
        c->spent[CPU_IDLE] += now(c) - c->idle_at;
        c->idle_at = now(c);
    } else if (event_pending(c->engine, &c->step)) {
        c->spent[c->running->mode] += now(c) - c->step_at;
        c->running->left -= now(c) - c->step_at;
        c->step_at = now(c);
    }
}
