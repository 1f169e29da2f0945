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
 * The pending set is a winner tree over the slots: node n holds the key (when, class, slot) that wins below it, so that a
 * change is one match a level, log2(slots) of them, without a branch on who wins. The slot that fires stays in the tree as
 * the winner that it was while its function runs: most functions schedule their own event again, and then the tree is
 * played once for both. */
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
    ps_t when;                  /* PS_NEVER: not pending */
    int32_t slot;               /* 0 is no slot: an event that was never declared */
    uint32_t rank;              /* class and sequence */
};

/* What the engine knows of a slot, side by side: it is looked up on the way from the winner to its function. */
struct event_slot {
    event_fn *fire;
    void *owner;
    struct event *event;
};

/* A key of the tree: one number, so that a match is one comparison. */
__extension__ typedef unsigned __int128 event_key;

enum { HORIZON_UNKNOWN = -1 };

struct engine {
    ps_t now;
    ps_t limit;                 /* end of the current engine_run_until: inline work stops there too */
    ps_t horizon;               /* of the next pending event, PS_NEVER if none; HORIZON_UNKNOWN: nobody has asked */
    bool batch;                 /* models may advance inline up to the horizon */
    uint64_t fired;             /* events taken from the queue */
    uint64_t inlined;           /* steps that advanced inline instead of by an event */
    struct trace trace;

    event_key *tree;            /* leaf capacity + s is slot s; node n / 2 the winner of n and n ^ 1 */
    struct event_slot *slot;
    int32_t slots, capacity;
    int32_t firing;             /* slot that the tree still holds as its winner although it has fired; 0: none */
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
    (void)e;
    return ev->when != PS_NEVER;
}

static inline ps_t event_when(const struct engine *e, const struct event *ev)
{
    (void)e;
    return ev->when;
}

/* Fires every event up to and including `until`, then sets now = until. */
void engine_run_until(struct engine *e, ps_t until);
/* Fires the next event if it is due at or before `until`; false if there is none. */
bool engine_step(struct engine *e, ps_t until);

/* Works the horizon out and keeps it until the next change. */
ps_t engine_find_horizon(struct engine *e);

/* Whether something is pending at or before `when`. A yes is given as soon as one such event is found, without working the
 * horizon out: among many cores the next step of some other one is nearly always due first. */
bool engine_due_by(struct engine *e, ps_t when);

/* The time of the next pending event, PS_NEVER if none. */
static inline ps_t engine_horizon(struct engine *e)
{
    return e->horizon == HORIZON_UNKNOWN ? engine_find_horizon(e) : e->horizon;
}

/* The same without one event that the caller answers for. */
ps_t engine_horizon_without(struct engine *e, const struct event *ev);

/* The shortcut: moves the clock to `when` if nothing is pending at or before it, exactly as if an event
 * there had been scheduled and fired. False with --no-batch, or when something is due first. */
static inline bool engine_advance(struct engine *e, ps_t when)
{
    if (when > e->limit || !e->batch)
        return false;
    if (when >= e->horizon && (e->horizon != HORIZON_UNKNOWN || engine_due_by(e, when)))
        return false;
    e->now = when;
    e->inlined++;
    return true;
}

#endif
