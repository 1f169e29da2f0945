/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event queue.
 *
 * An event is a member of the model that owns it. It is declared to the engine once (event_init) and
 * from then on owns a slot; scheduling and cancelling allocate nothing and search nothing.
 *
 * Order of two events: earlier `when` first; at the same `when` the lower class first; then the lower
 * sequence number, which is the slot: the order of declaration. So the order is a function of the model's
 * construction, never of the history of scheduling, and a shortcut that schedules fewer events cannot
 * change it.
 *
 * The pending set is a winner tree over the slots: tens of slots in the usual machine, log2(slots)
 * comparisons a change, the next event always at the root. */
#ifndef SIM_ENGINE_EVENT_H
#define SIM_ENGINE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/time.h"
#include "sim/engine/trace.h"

enum event_class {
    EVENT_DEVICE  = 0,  /* hardware moves first: what arrives now is visible to software now */
    EVENT_CPU     = 1,  /* then the cores act on it */
    EVENT_MEASURE = 2,  /* sampling sees the state after everything at this instant */
};

typedef void event_fn(void *owner);

struct event {
    event_fn *fire;
    void *owner;
    int32_t slot;               /* 0 is no slot: an event that was never declared */
};

struct engine {
    ps_t now;
    ps_t limit;                 /* end of the current engine_run_until: inline work stops there too */
    bool batch;                 /* models may advance inline up to the horizon */
    uint64_t fired;             /* events taken from the queue */
    uint64_t inlined;           /* steps that advanced inline instead of by an event */
    struct trace trace;

    /* the winner tree: leaf i is slot i, node n holds the slot that wins below it */
    ps_t *when;                 /* per slot; PS_NEVER = not pending */
    uint32_t *rank;             /* per slot: class and sequence */
    struct event **event;       /* per slot */
    int32_t *tree;
    int32_t slots, capacity;
};

/* Ownership: the caller owns the engine; engine_free releases what the engine allocated.
 * engine_init returns 0, or -1 when out of memory. */
int engine_init(struct engine *e, bool batch);
void engine_free(struct engine *e);

/* Declares an event. Its sequence number is the number of events declared before. Returns 0, or -1 when
 * out of memory. */
int event_init(struct engine *e, struct event *ev, enum event_class class, event_fn *fire, void *owner);

/* Schedules a declared event that is not pending. `when` >= now. */
void engine_at(struct engine *e, struct event *ev, ps_t when);
/* Schedules, or moves if pending. */
void engine_reschedule(struct engine *e, struct event *ev, ps_t when);
/* Takes a pending event out; does nothing to one that is not pending. */
void engine_cancel(struct engine *e, struct event *ev);

static inline bool event_pending(const struct engine *e, const struct event *ev)
{
    return e->when[ev->slot] != PS_NEVER;
}

static inline ps_t event_when(const struct engine *e, const struct event *ev)
{
    return e->when[ev->slot];
}

/* Fires every event up to and including `until`, then sets now = until. */
void engine_run_until(struct engine *e, ps_t until);
/* Fires the next event if it is due at or before `until`; false if there is none. */
bool engine_step(struct engine *e, ps_t until);

/* The time of the next pending event, PS_NEVER if none. */
static inline ps_t engine_horizon(const struct engine *e)
{
    return e->when[e->tree[1]];
}

/* The shortcut: moves the clock to `when` if nothing is pending at or before it, exactly as if an event
 * there had been scheduled and fired. False with --no-batch, or when something is due first. */
static inline bool engine_advance(struct engine *e, ps_t when)
{
    if (!e->batch || when >= engine_horizon(e) || when > e->limit)
        return false;
    e->now = when;
    e->inlined++;
    return true;
}

#endif
