/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A CPU: one core and what runs on it. Hard interrupts over softirqs over tasks over idle.
 *
 * In    cpu_interrupt()      a vector was signalled (from irq, rps, sched, the tick)
 *       context_work()       the running code spends time, then goes on
 * Out   irq_exit -> softirq  pending softirqs at the end of the last nested interrupt
 *       -> sched             need_resched on the way back to a task or to idle
 *
 * Code that runs on a core is a context: what it does next (`then`), the time left until that, and whether it
 * may be interrupted meanwhile. A step of work either ends inline, when nothing is due before its end, or in the
 * core's step event; both give the same result. An interrupt takes the core from an unfinished step, whose
 * remainder resumes later.
 *
 * With kernel.preempt voluntary a task is not preempted inside the kernel: need_resched acts in user mode, in idle, and where
 * the task asks (sched_checkpoint). With full it acts also in the kernel, but where interrupts or softirqs are off.
 * Two hyper-threads share a core (cpu.smt): a step that begins while the other one is not idle takes so much longer
 * (cpu.smt_slowdown); what the other does later does not change it any more. Batching is off on such a machine.
 * Not modelled: nested hard interrupts, NMI, frequency changes (P-states, turbo), cache misses other than those in the costs
 * and models/cache, PREEMPT_RT. */
#ifndef MODELS_CPU_H
#define MODELS_CPU_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/cstate.h"
#include "models/skb.h"
#include "sim/engine/event.h"

struct host;
struct cpu;
struct context;
struct listener;
struct napi;
struct sock;
struct task;

/* What the core's time is accounted to: mpstat's idea, with softirq split by who runs it. */
enum cpu_mode { CPU_HARDIRQ, CPU_SOFTIRQ, CPU_KSOFTIRQD, CPU_NAPI_THREAD, CPU_TASK, CPU_IDLE, CPU_MODES };

enum step_flag {
    STEP_IRQS_OFF = 1,          /* interrupts wait until the step is over */
    STEP_BH_OFF   = 2,          /* softirqs raised meanwhile wait for local_bh_enable */
    STEP_USER     = 4,          /* user mode: may be preempted at any instant */
};

typedef void cont_fn(struct context *x);
/* A stage of the path. True: done, and the caller goes on at once. False: it needs the core for a while first, has left
 * its continuation in the context, and returns to what the caller has put on the stack (context_stage). */
typedef bool stage_fn(struct context *x);

enum { CONTEXT_DEPTH = 16 };    /* the receive path nests six calls deep at most; asserted */

struct context {
    struct cpu *cpu;
    struct task *task;          /* NULL in hard interrupt and softirq */
    enum cpu_mode mode;
    unsigned flags;             /* enum step_flag of the current step */
    ps_t left;                  /* work left in the current step */
    bool begun;                 /* hyper-threads: the step's length is settled */
    cont_fn *then;              /* what happens at its end */
    cont_fn *back[CONTEXT_DEPTH];
    int depth;

    /* what the receive path holds in its hands */
    struct napi *napi;
    int work;                   /* frames taken by the current poll */
    int64_t budget;             /* it may take so many: the NAPI's weight, but for busy polling */
    bool gave_way;              /* it used its weight and left the rest to a busy-polling task */
    int64_t poll_jiffy;         /* when that poll began: GRO ages by jiffies */
    struct skb_queue list;      /* being handed up */
    struct frame *frame;        /* that XDP will drop */
    struct skb *skb;            /* the one at L4 */
    struct sock *sk;
    struct listener *listener;  /* that is to be woken */
    ps_t owed;                  /* cost found while acting, charged by the next step */
};

/* Spend `cost`, then go on with `then`. The last thing a continuation does. */
static inline void context_work(struct context *x, ps_t cost, cont_fn *then)
{
    x->left = cost + x->owed;
    x->owed = 0;
    x->then = then;
}

/* The same for a task in a system call that holds nothing off: interrupts, softirqs and preemption may come. */
static inline void context_kernel_work(struct context *x, ps_t cost, cont_fn *then)
{
    x->flags = 0;
    context_work(x, cost, then);
}

/* Go on with `fn`; when it returns (context_return), go on with `back`. */
static inline void context_call(struct context *x, cont_fn *fn, cont_fn *back)
{
    assert(x->depth < CONTEXT_DEPTH);
    x->back[x->depth++] = back;
    x->then = fn;
}

static inline void context_return(struct context *x)
{
    assert(x->depth > 0);
    x->then = x->back[--x->depth];
}

static inline bool context_stage(struct context *x, stage_fn *fn, cont_fn *back)
{
    assert(x->depth < CONTEXT_DEPTH);
    x->back[x->depth++] = back;
    if (!fn(x))
        return false;
    x->depth--;
    return true;
}

/* An interrupt source of a core. Owned by who signals it. */
struct vector {
    struct vector *next;
    void (*handler)(struct context *x, void *owner);    /* at the end of the handler's time */
    void *owner;
    ps_t cost;                  /* of the handler */
    bool pending;
};

struct cpu_params {
    int64_t model;
    int64_t count;
    int64_t freq;
    int64_t cstate_exit_latency;
    int64_t cstate_target_residency;
    int64_t ddio_size;
    int64_t kernel;             /* UNIT_TEXT */
    int64_t hz;
    int64_t nohz;
    int64_t tick_phase;
    int64_t irq_entry;
    int64_t irq_exit;
    int64_t irq_from_idle;
    int64_t irq_from_task;
    int64_t irq_return;
    int64_t tick;
    int64_t tick_busy;
    int64_t smt;
    int64_t smt_slowdown;
    int64_t preempt;
};
extern const struct model_info cpu_model;

enum { CPU_SMT_OFF, CPU_SMT_HALVES, CPU_SMT_NEIGHBOURS };

struct cpu_counters {
    uint64_t interrupts;        /* hard interrupts of devices */
    uint64_t ticks;
    uint64_t ipis;
    uint64_t steal_usec;
};

struct cpu {
    struct host *host;
    struct engine *engine;
    const struct cpu_params *params;
    struct cpu_counters counters;
    int index;
    bool secluded;              /* models/horizon */
    bool frozen;                /* models/steal */
    ps_t frozen_at, stolen;     /* since when; all of it */
    struct cpu *sibling;        /* hyper-thread of the same core; NULL: none */
    struct cstate cstate;
    bool deep_idle;             /* it has states of models/cstate */

    struct context *running;    /* NULL: idle */
    struct event step;          /* end of the running step, when it did not end inline */
    ps_t step_at;               /* when the running step was started or resumed */
    ps_t spent[CPU_MODES];
    ps_t idle_at;               /* since when it is idle */

    struct vector *irq_first, *irq_last;        /* signalled, not yet taken */
    struct context hardirq;
    struct vector *vector;      /* being handled */
    bool in_hardirq;

    struct event tick;
    struct vector tick_vector;
    struct vector resched_vector;       /* the reschedule IPI */
    struct event resched_ipi;

    struct softirq *softirq;    /* per CPU, models/softirq.h */
    struct runqueue *rq;        /* per CPU, models/sched.h */
};

/* Spends `cost` and what is owed: true if that ended here and now, nothing being due before its end, so that the caller
 * can go on in its loop. Otherwise the step is left to the core, with `then` at its end. The same as context_work, without
 * the way through the core for the frequent case. */
static inline bool context_spend(struct context *x, ps_t cost, cont_fn *then)
{
    struct cpu *c = x->cpu;
    ps_t left = cost + x->owed;

    x->owed = 0;
    if (left == 0)
        return true;
    if (!c->irq_first && engine_advance(c->engine, c->engine->now + left)) {
        c->spent[x->mode] += left;
        return true;
    }
    x->left = left;
    x->then = then;
    return false;
}

/* A sentence about hyper-threads that cannot be, or NULL. */
const char *cpu_check(const struct cpu_params *p);
/* The CPU that shares the core with another one; -1: none. */
int cpu_sibling(const struct cpu_params *p, int cpu);
/* A task's kernel code with these flags may be preempted. */
bool cpu_preemptible(const struct cpu *c, unsigned flags);
int cpu_init(struct cpu *c, struct host *host, int index);
void cpu_start(struct cpu *c);          /* the first tick */

/* Signals a vector: taken at once if the core may be interrupted, else as soon as it may. A vector that is
 * pending already stays pending once. Never from inside the core's own continuation: devices signal by event. */
void cpu_interrupt(struct cpu *c, struct vector *v);

/* Runs whatever the core has to run, until a step must wait or the core is idle. */
void cpu_run(struct cpu *c);

/* What runs on the way back from an interrupt, a softirq session or a task switch. */
void cpu_return(struct cpu *c);

/* Leaves idle for work that is not an interrupt of its own. */
void cpu_kick(struct cpu *c);

/* The core stands still, and goes on where it stood (models/steal). */
void cpu_freeze(struct cpu *c);
void cpu_thaw(struct cpu *c);

/* The idle state's exit latency for a core that has been idle since idle_at; 0 when it is busy. */
ps_t cpu_idle_exit(const struct cpu *c);

/* jiffies: whole ticks since the start, by the host's tick phase. */
int64_t cpu_jiffies(const struct cpu *c);
ps_t cpu_jiffy(const struct cpu *c);    /* length of one */

/* Time of the context's own step spent so far is accounted by cpu_run; at the end of a run this books the rest. */
void cpu_settle(struct cpu *c);

#endif
