/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NAPI: the contract between a driver's poll and the core.
 *
 * In    napi_schedule()        the interrupt handler, a timer or the backlog wants a poll
 *       napi_poll()            net_rx_action's turn for this instance
 *       napi_complete_done()   the driver found less than its weight
 *       napi_busy_acquire(), napi_busy_poll(), napi_busy_stop()   a task polls it
 * Out   poll                   the driver's poll; it leaves the number of frames in context.work
 *       unmask                 the driver may enable its interrupt
 *       -> gro, netif          held and listed skbs are handed up
 *
 * work < weight: the driver has called napi_complete_done. work == weight: the core keeps the instance and polls
 * it again, never in the same run. Scheduling a scheduled instance sets MISSED, and completion then reschedules.
 * napi_defer_hard_irqs and gro_flush_timeout keep the interrupt masked and poll by timer instead.
 * Threaded, the instance has a task of its own that polls it, weight by weight, with cond_resched between full polls; no
 * budget and no time_squeeze there. (net/core/dev.c napi_threaded_poll)
 * A task that busy polls (models/busy_poll) owns the instance meanwhile: completion then does nothing, until its last poll.
 * Not modelled: netpoll. */
#ifndef MODELS_NAPI_H
#define MODELS_NAPI_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/cpu.h"
#include "models/gro.h"
#include "models/sched.h"
#include "sim/engine/event.h"

struct napi_params {
    int64_t weight;
    int64_t poll;
    int64_t unmask;
    int64_t poll_end;
    int64_t full_poll_end;
    int64_t repoll;
    int64_t complete;
    int64_t timer;
    int64_t thread_start;
    int64_t thread_end;
};
extern const struct model_info napi_model;

struct napi_nic_params {
    int64_t napi_defer_hard_irqs;
    int64_t gro_flush_timeout;
    int64_t threaded;
    int64_t irq_suspend_timeout;
};
extern const struct model_info napi_nic_model;

struct napi_queue_params {
    int64_t thread_cpu;         /* -1: the interrupt's */
};
extern const struct model_info napi_queue_model;

struct napi_counters {
    uint64_t polls;
    uint64_t empty_polls;       /* work 0 */
    uint64_t full_polls;        /* work == weight */
    uint64_t timer_polls;       /* scheduled by the gro_flush_timeout timer */
    uint64_t busy_polls;        /* by a task that busy polls, its last one included */
};

struct napi {
    const struct napi_params *params;
    const struct napi_nic_params *nic_params;   /* NULL for the backlog */
    struct napi_counters counters;
    struct cpu *cpu;            /* whose poll list it goes on */
    struct napi *next;
    int64_t weight;
    bool scheduled, missed;
    bool busy;                  /* a busy-polling task owns it, not yet at its last poll: NAPI_STATE_IN_BUSY_POLL */
    bool prefer_busy;           /* one wants to: NAPI_STATE_PREFER_BUSY_POLL */
    bool skip_schedule;         /* busy_poll_stop has armed the timer */
    bool scheduled_threaded;    /* the thread owns it: NAPI_STATE_SCHED_THREADED */
    struct task thread;         /* with nic.threaded */
    int64_t defer_left;         /* napi_defer_hard_irqs still to go */
    bool unmask_now, arm_timer; /* what napi_complete_done decided for when all is handed up */
    struct event timer;         /* gro_flush_timeout */
    struct vector timer_vector;
    ps_t irq_at;                /* of the interrupt that scheduled it; -1 when something else did */
    struct gro gro;
    cont_fn *poll;
    void (*unmask)(struct napi *n);
    void *owner;
    uint64_t entity;            /* NIC * CONFIG_QUEUES + queue, or NAPI_BACKLOG or NAPI_GRO_CELL + CPU */
};

enum { NAPI_BACKLOG = 1 << 16, NAPI_GRO_CELL = 1 << 17 };

struct napi_list { struct napi *first, *last; };

int napi_init(struct napi *n, struct cpu *c, const struct napi_params *p, int64_t weight, cont_fn *poll,
              void *owner);
/* Relations between parameters: a sentence, or NULL. */
const char *napi_check(const struct config *c, char *buffer, size_t size);
/* Gives the instance a thread, on its CPU, instead of the poll list. */
void napi_make_threaded(struct napi *n);
/* Returns what that costs the caller beside its own work: a thread's wakeup, or nothing. */
ps_t napi_schedule(struct napi *n);
/* The same from code on another core than the instance's: a thread is woken from there, a softirq polls it there. */
ps_t napi_schedule_from(struct napi *n, struct cpu *waker);
/* A task on `c` takes the instance for itself; false: it is scheduled. */
bool napi_busy_acquire(struct napi *n, struct cpu *c, bool prefer);
/* One poll of context.napi, of context.budget frames, by the task that has acquired it; returns. */
void napi_busy_poll(struct context *x);
/* The last one, which completes it or leaves it to the softirq; then `back`. Bottom halves are off. */
void napi_busy_stop(struct context *x, bool prefer, cont_fn *back);
/* The timer of irq_suspend_timeout instead of gro_flush_timeout's. */
void napi_suspend_irqs(struct napi *n, struct cpu *c);
void napi_poll(struct context *x);              /* polls context.napi, then returns */
void napi_complete_done(struct context *x);     /* called by the driver; returns to it when all is handed up */

/* A poll took the frame: when, where, and whether an interrupt led to it. */
static inline void napi_took(const struct napi *n, struct frame *f, int cpu, ps_t at)
{
    f->poll_at = at;
    f->cpu = (int16_t)cpu;
    if (n->irq_at >= f->dma_at)
        f->irq_at = n->irq_at;
}

static inline void napi_append(struct napi_list *l, struct napi *n)
{
    n->next = NULL;
    if (l->first)
        l->last->next = n;
    else
        l->first = n;
    l->last = n;
}

static inline struct napi *napi_take(struct napi_list *l)
{
    struct napi *n = l->first;

    if (n)
        l->first = n->next;
    return n;
}

static inline void napi_splice(struct napi_list *to, struct napi_list *from)
{
    if (!from->first)
        return;
    if (to->first)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    from->first = from->last = NULL;
}

#endif
