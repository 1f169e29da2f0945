/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/engine/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };           /* slots of a small machine; doubles when full */
enum { CLASS_SHIFT = 28 };              /* 2^28 events of a class before ranks would mix */

/* The slot that is due first; a tie in time goes to the lower rank. */
static inline int32_t earlier(const struct engine *e, int32_t a, int32_t b)
{
    if (e->when[a] != e->when[b])
        return e->when[a] < e->when[b] ? a : b;
    return e->rank[a] < e->rank[b] ? a : b;
}

static void replay_all(struct engine *e)
{
    for (int32_t n = e->capacity - 1; n >= 1; n--)
        e->tree[n] = earlier(e, e->tree[2 * n], e->tree[2 * n + 1]);
}

/* Plays the matches on the slot's way to the root. Once a match that the slot does not win has the same winner as
 * before, nothing above can change. */
static void replay_from(struct engine *e, int32_t slot)
{
    const ps_t *when = e->when;
    int32_t *tree = e->tree;
    int32_t winner = slot;

    for (uint32_t n = (uint32_t)(slot + e->capacity); n > 1; n /= 2) {
        int32_t rival = tree[n ^ 1];
        if (when[rival] < when[winner] || (when[rival] == when[winner] && e->rank[rival] < e->rank[winner]))
            winner = rival;
        if (winner == tree[n / 2] && winner != slot)
            return;
        tree[n / 2] = winner;
    }
}

static int grow(struct engine *e, int32_t capacity)
{
    size_t n = (size_t)capacity;
    ps_t *when = realloc(e->when, n * sizeof *when);
    if (when)
        e->when = when;
    uint32_t *rank = realloc(e->rank, n * sizeof *rank);
    if (rank)
        e->rank = rank;
    struct event **event = realloc(e->event, n * sizeof(struct event *));
    if (event)
        e->event = event;
    int32_t *tree = realloc(e->tree, 2 * n * sizeof *tree);
    if (tree)
        e->tree = tree;
    if (!when || !rank || !event || !tree)
        return -1;

    for (int32_t s = e->capacity; s < capacity; s++) {
        when[s] = PS_NEVER;
        rank[s] = UINT32_MAX;
        event[s] = NULL;
    }
    e->capacity = capacity;
    for (int32_t s = 0; s < capacity; s++)
        tree[capacity + s] = s;
    replay_all(e);
    return 0;
}

int engine_init(struct engine *e, bool batch)
{
    memset(e, 0, sizeof *e);
    e->batch = batch;
    e->slots = 1;                       /* slot 0 stays empty */
    if (grow(e, FIRST_CAPACITY) != 0) {
        engine_free(e);
        return -1;
    }
    return 0;
}

void engine_free(struct engine *e)
{
    free(e->when);
    free(e->rank);
    free(e->event);
    free(e->tree);
    memset(e, 0, sizeof *e);
}

int event_init(struct engine *e, struct event *ev, enum event_class class, event_fn *fire, void *owner)
{
    assert(fire != NULL);
    assert(e->slots < (1 << CLASS_SHIFT));
    if (e->slots == e->capacity && grow(e, 2 * e->capacity) != 0)
        return -1;
    ev->fire = fire;
    ev->owner = owner;
    ev->slot = e->slots++;
    e->rank[ev->slot] = (uint32_t)class << CLASS_SHIFT | (uint32_t)ev->slot;
    e->event[ev->slot] = ev;
    replay_from(e, ev->slot);
    return 0;
}

void engine_reschedule(struct engine *e, struct event *ev, ps_t when)
{
    assert(ev->slot > 0);
    assert(when >= e->now);
    assert(when < PS_NEVER);
    e->when[ev->slot] = when;
    replay_from(e, ev->slot);
}

void engine_at(struct engine *e, struct event *ev, ps_t when)
{
    assert(!event_pending(e, ev));
    engine_reschedule(e, ev, when);
}

void engine_cancel(struct engine *e, struct event *ev)
{
    assert(ev->slot > 0);
    if (!event_pending(e, ev))
        return;
    e->when[ev->slot] = PS_NEVER;
    replay_from(e, ev->slot);
}

bool engine_step(struct engine *e, ps_t until)
{
    int32_t slot = e->tree[1];
    ps_t when = e->when[slot];

    if (when > until || when == PS_NEVER)
        return false;
    assert(when >= e->now);
    e->now = when;
    e->when[slot] = PS_NEVER;
    replay_from(e, slot);
    e->fired++;
    e->event[slot]->fire(e->event[slot]->owner);
    return true;
}

void engine_run_until(struct engine *e, ps_t until)
{
    assert(until >= e->now);
    e->limit = until;
    while (engine_step(e, until))
        ;
    e->now = until;
}
