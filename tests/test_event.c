/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/engine/event.h"
#include "sim/engine/hash.h"
#include "tests/suite.h"

enum { MOST = 512 };

/* Events that write down their number and the time when they fire. */
struct log {
    struct engine e;
    struct probe { struct event event; struct log *log; int number; } probe[MOST];
    int probes;
    int fired[MOST];
    ps_t at[MOST];
    int n;
};

static void note(void *owner)
{
    struct probe *p = owner;
    struct log *l = p->log;

    ck_assert_int_lt(l->n, MOST);
    l->at[l->n] = l->e.now;
    l->fired[l->n++] = p->number;
}

static struct event *declare(struct log *l, enum event_class class)
{
    struct probe *p = &l->probe[l->probes];

    ck_assert_int_lt(l->probes, MOST);
    p->log = l;
    p->number = l->probes++;
    CHECK_EQ(event_init(&l->e, &p->event, class, note, p), 0);
    return &p->event;
}

/* Static: a probe is known to the engine by its address, and 512 of them are large for a stack. */
static struct log *fresh(bool batch, int devices)
{
    static struct log l;

    l.probes = l.n = 0;
    CHECK_EQ(engine_init(&l.e, batch), 0);
    for (int i = 0; i < devices; i++)
        declare(&l, EVENT_DEVICE);
    return &l;
}

static void check_fired(const struct log *l, const int *expected, int n)
{
    CHECK_EQ(l->n, n);
    for (int i = 0; i < n; i++)
        CHECK_EQ(l->fired[i], expected[i]);
}

/* Scheduled in the order 0 .. 5; due: time first, then class, then order of declaration.
 *      event     0        1       2       3    4       5
 *      class     measure  cpu     device  cpu  device  measure
 *      time      20       20      20      20   20      10          */
START_TEST(order_is_time_then_class_then_declaration)
{
    static const enum event_class class[] = {
        EVENT_MEASURE, EVENT_CPU, EVENT_DEVICE, EVENT_CPU, EVENT_DEVICE, EVENT_MEASURE
    };
    static const ps_t when[] = { 20, 20, 20, 20, 20, 10 };
    static const int expected[] = { 5, 2, 4, 1, 3, 0 };
    struct log *l = fresh(true, 0);

    for (int i = 0; i < 6; i++)
        declare(l, class[i]);
    for (int i = 0; i < 6; i++)
        engine_at(&l->e, &l->probe[i].event, when[i]);
    engine_run_until(&l->e, 20);
    check_fired(l, expected, 6);
    CHECK_EQ(l->e.fired, 6);
    engine_free(&l->e);
}
END_TEST

/* The same events scheduled backwards fire in the same order: history does not count. */
START_TEST(order_does_not_depend_on_the_order_of_scheduling)
{
    static const int expected[] = { 0, 1, 2, 3 };
    struct log *l = fresh(true, 4);

    for (int i = 3; i >= 0; i--)
        engine_at(&l->e, &l->probe[i].event, 7);
    engine_run_until(&l->e, 7);
    check_fired(l, expected, 4);
    engine_free(&l->e);
}
END_TEST

START_TEST(nothing_fires_one_picosecond_early)
{
    struct log *l = fresh(true, 1);

    engine_at(&l->e, &l->probe[0].event, 5760 * PS);
    engine_run_until(&l->e, 5760 * PS - 1);
    CHECK_EQ(l->n, 0);
    CHECK_EQ(l->e.now, 5759);
    ck_assert(event_pending(&l->e, &l->probe[0].event));
    engine_run_until(&l->e, 5760 * PS);
    CHECK_EQ(l->n, 1);
    CHECK_EQ(l->at[0], 5760);
    ck_assert(!event_pending(&l->e, &l->probe[0].event));
    engine_free(&l->e);
}
END_TEST

START_TEST(an_idle_engine_moves_its_clock_and_has_no_horizon)
{
    struct log *l = fresh(true, 2);

    ck_assert_int_eq(engine_horizon(&l->e), PS_NEVER);
    ck_assert(!engine_step(&l->e, 100));
    ck_assert(!engine_step(&l->e, PS_NEVER));
    engine_run_until(&l->e, 100);
    CHECK_EQ(l->e.now, 100);
    CHECK_EQ(l->e.fired, 0);
    engine_free(&l->e);
}
END_TEST

START_TEST(a_cancelled_event_does_not_fire_and_may_be_scheduled_again)
{
    static const int expected[] = { 1, 0 };
    struct log *l = fresh(true, 2);
    struct event *a = &l->probe[0].event, *b = &l->probe[1].event;

    engine_at(&l->e, a, 10);
    engine_at(&l->e, b, 20);
    engine_cancel(&l->e, a);
    ck_assert(!event_pending(&l->e, a));
    ck_assert(event_pending(&l->e, b));
    engine_cancel(&l->e, a);
    CHECK_EQ(engine_horizon(&l->e), 20);
    engine_at(&l->e, a, 30);
    engine_run_until(&l->e, 40);
    check_fired(l, expected, 2);
    engine_free(&l->e);
}
END_TEST

/* 0 from 10 to 30, 1 from 20 to 5, 2 was not pending. */
START_TEST(reschedule_moves_later_and_earlier_and_schedules_what_is_not_pending)
{
    static const int expected[] = { 1, 2, 0 };
    struct log *l = fresh(true, 3);

    engine_at(&l->e, &l->probe[0].event, 10);
    engine_at(&l->e, &l->probe[1].event, 20);
    engine_reschedule(&l->e, &l->probe[0].event, 30);
    engine_reschedule(&l->e, &l->probe[1].event, 5);
    engine_reschedule(&l->e, &l->probe[2].event, 12);
    CHECK_EQ(event_when(&l->e, &l->probe[0].event), 30);
    engine_run_until(&l->e, 40);
    check_fired(l, expected, 3);
    CHECK_EQ(l->at[0], 5);
    CHECK_EQ(l->at[1], 12);
    CHECK_EQ(l->at[2], 30);
    engine_free(&l->e);
}
END_TEST

/* The first capacity is small (32): 500 events make the tree grow four times while some are pending. Event i
 * is due at 1000 - i, so they fire last to first, among them those that were pending before. */
START_TEST(pending_events_survive_growth)
{
    struct log *l = fresh(true, 0);

    for (int i = 0; i < 500; i++)
        engine_at(&l->e, declare(l, EVENT_CPU), 1000 - i);
    CHECK_EQ(engine_horizon(&l->e), 501);
    engine_run_until(&l->e, 1000);
    CHECK_EQ(l->n, 500);
    for (int i = 0; i < 500; i++)
        CHECK_EQ(l->fired[i], 499 - i);
    engine_free(&l->e);
}
END_TEST

/* The reference: all events in a plain array, searched for the least (time, class, number). */
struct listed { ps_t when; enum event_class class; };

static int least(const struct listed *list, int n)
{
    int best = -1;

    for (int i = 0; i < n; i++) {
        if (list[i].when == PS_NEVER)
            continue;
        if (best < 0 || list[i].when < list[best].when ||
            (list[i].when == list[best].when && list[i].class < list[best].class))
            best = i;
    }
    return best;
}

/* Times are 0 .. 15 ahead, so that most collide. 100 events: over the first capacity. */
START_TEST(twenty_thousand_random_operations_agree_with_a_plain_list)
{
    enum { EVENTS = 100 };
    struct listed list[EVENTS];
    struct log *l = fresh(true, 0);
    uint64_t fired = 0;

    for (int i = 0; i < EVENTS; i++) {
        list[i] = (struct listed){ PS_NEVER, (enum event_class)(hash_mix((uint64_t)i + 1) % 3) };
        declare(l, list[i].class);
    }
    for (uint64_t step = 0; step < 20000; step++) {
        uint64_t random = hash_mix(step + 12345);
        int i = (int)(random % EVENTS);
        struct event *ev = &l->probe[i].event;
        ps_t when = l->e.now + (ps_t)(random >> 32) % 16;

        switch ((random >> 20) % 5) {
        case 0:
            engine_cancel(&l->e, ev);
            list[i].when = PS_NEVER;
            break;
        case 1:
        case 2:
            engine_reschedule(&l->e, ev, when);
            list[i].when = when;
            break;
        case 3:
            if (!event_pending(&l->e, ev)) {
                engine_at(&l->e, ev, when);
                list[i].when = when;
            }
            break;
        default: {
            int next = least(list, EVENTS);

            l->n = 0;
            CHECK_EQ(engine_step(&l->e, PS_NEVER), next >= 0);
            if (next < 0)
                break;
            CHECK_EQ(l->n, 1);
            CHECK_EQ(l->fired[0], next);
            CHECK_EQ(l->at[0], list[next].when);
            list[next].when = PS_NEVER;
            fired++;
        }
        }
        int next = least(list, EVENTS);
        struct listed mine = list[i];

        list[i].when = PS_NEVER;
        int other = least(list, EVENTS);
        ck_assert_int_eq(engine_horizon_without(&l->e, ev), other < 0 ? PS_NEVER : list[other].when);
        list[i] = mine;
        ck_assert_int_eq(engine_horizon(&l->e), next < 0 ? PS_NEVER : list[next].when);
        ck_assert_int_eq(event_when(&l->e, ev), list[i].when);
    }
    CHECK_EQ(l->e.fired, fired);
    ck_assert_uint_gt(fired, 3000);
    engine_free(&l->e);
}
END_TEST

/* ---- the shortcut ---- */

/* A worker that takes `left` steps of 10 ps: inline where it may, else by its event. */
struct worker { struct engine *e; struct event event; int left; ps_t done_at[16]; int done; };

static void work(void *owner)
{
    struct worker *w = owner;

    for (;;) {
        w->done_at[w->done++] = w->e->now;
        if (--w->left == 0)
            return;
        if (!engine_advance(w->e, w->e->now + 10)) {
            engine_at(w->e, &w->event, w->e->now + 10);
            return;
        }
    }
}

static void start_work(struct worker *w, struct engine *e, int steps)
{
    *w = (struct worker){ .e = e, .left = steps };
    CHECK_EQ(event_init(e, &w->event, EVENT_CPU, work, w), 0);
    engine_at(e, &w->event, 10);
}

/* Steps at 10, 20, 30, 40, 50; a device is due at 30. To 20 inline; 30 is not free, so by event, and after
 * the device; 40 and 50 inline. */
START_TEST(advance_stops_short_of_the_horizon)
{
    struct log *l = fresh(true, 1);
    struct worker w;

    start_work(&w, &l->e, 5);
    engine_at(&l->e, &l->probe[0].event, 30);
    engine_run_until(&l->e, 100);
    CHECK_EQ(w.done, 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(w.done_at[i], 10 * (i + 1));
    CHECK_EQ(l->n, 1);
    CHECK_EQ(l->at[0], 30);
    CHECK_EQ(l->e.fired, 3);            /* 10, the device at 30, 30 */
    CHECK_EQ(l->e.inlined, 3);          /* 20, 40, 50 */
    engine_free(&l->e);
}
END_TEST

/* Run until 30, then until 100: the step at 30 belongs to the first part, that at 40 to the second. */
START_TEST(advance_does_not_pass_the_limit_of_the_run)
{
    struct log *l = fresh(true, 0);
    struct worker w;

    start_work(&w, &l->e, 5);
    engine_run_until(&l->e, 30);
    CHECK_EQ(w.done, 3);
    CHECK_EQ(l->e.now, 30);
    CHECK_EQ(engine_horizon(&l->e), 40);
    engine_run_until(&l->e, 39);
    CHECK_EQ(w.done, 3);
    engine_run_until(&l->e, 100);
    CHECK_EQ(w.done, 5);
    CHECK_EQ(w.done_at[4], 50);
    engine_free(&l->e);
}
END_TEST

START_TEST(advance_is_exact_at_both_bounds)
{
    struct log *l = fresh(true, 1);

    engine_run_until(&l->e, 10);
    ck_assert(!engine_advance(&l->e, 11));      /* past the limit */
    ck_assert(engine_advance(&l->e, 10));       /* at the limit */
    l->e.limit = 50;
    engine_at(&l->e, &l->probe[0].event, 40);
    ck_assert(!engine_advance(&l->e, 40));      /* something is due there */
    CHECK_EQ(l->e.now, 10);
    ck_assert(engine_advance(&l->e, 39));
    CHECK_EQ(l->e.now, 39);
    engine_free(&l->e);
}
END_TEST

/* The same steps at the same times, each by its own event. */
START_TEST(without_batch_every_step_is_an_event)
{
    struct log *l = fresh(false, 1);
    struct worker w;

    start_work(&w, &l->e, 5);
    engine_at(&l->e, &l->probe[0].event, 30);
    engine_run_until(&l->e, 100);
    CHECK_EQ(w.done, 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(w.done_at[i], 10 * (i + 1));
    CHECK_EQ(l->e.fired, 6);
    CHECK_EQ(l->e.inlined, 0);
    engine_free(&l->e);
}
END_TEST

/* ---- what must never happen ---- */

/* In a child of its own, also with CK_FORK=no: an assertion ends the process. */
static bool aborts(void (*misuse)(struct log *), struct log *l)
{
    int status = 0;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        misuse(l);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void schedule_in_the_past(struct log *l)
{
    engine_at(&l->e, &l->probe[0].event, 99);
}

static void schedule_now(struct log *l)
{
    engine_at(&l->e, &l->probe[0].event, 100);
}

static void schedule_twice(struct log *l)
{
    engine_at(&l->e, &l->probe[0].event, 200);
    engine_at(&l->e, &l->probe[0].event, 300);
}

static void schedule_undeclared(struct log *l)
{
    struct event never = { 0 };

    engine_at(&l->e, &never, 200);
}

static void run_backwards(struct log *l)
{
    engine_run_until(&l->e, 99);
}

START_TEST(misuse_stops_the_program)
{
    struct log *l = fresh(true, 1);

    engine_run_until(&l->e, 100);
    ck_assert(!aborts(schedule_now, l));
    ck_assert(aborts(schedule_in_the_past, l));
    ck_assert(aborts(schedule_twice, l));
    ck_assert(aborts(schedule_undeclared, l));
    ck_assert(aborts(run_backwards, l));
    engine_free(&l->e);
}
END_TEST

/* ---- while an event fires ---- */

/* Each does one thing in its function, and notes the horizon before and after. */
static void nothing(void *owner)
{
    (void)owner;
}

struct actor {
    struct event event;
    struct engine *engine;
    struct event *target;       /* of what it does; may be itself */
    ps_t to;                    /* -1: cancel */
    ps_t before, after;
    int fired;
};

static void act(void *actor)
{
    struct actor *a = actor;

    a->fired++;
    a->before = engine_horizon(a->engine);
    if (a->to < 0)
        engine_cancel(a->engine, a->target);
    else
        engine_reschedule(a->engine, a->target, a->to);
    a->after = engine_horizon(a->engine);
}

/* Actor 0 fires at 10 with actor 1 pending at 20 and actor 2 at 30: the horizon is 20 without its own event, and then what
 * it makes of it. Ties at 10 too, of a class before its own. */
START_TEST(the_one_that_fires_is_not_in_the_horizon_until_it_schedules_itself)
{
    static const struct { int target; ps_t to, after; } row[] = {
        { 0, 15, 15 }, { 0, 25, 20 }, { 0, 10, 10 }, { 1, 12, 12 }, { 1, 40, 30 }, { 1, -1, 30 }, { 2, 10, 10 }, { 0, -1, 20 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct actor a[3] = { 0 };
        struct engine e;
        CHECK_EQ(engine_init(&e, true), 0);
        for (int k = 0; k < 3; k++) {
            a[k].engine = &e;
            CHECK_EQ(event_init(&e, &a[k].event, k == 2 ? EVENT_DEVICE : EVENT_CPU, act, &a[k]), 0);
            a[k].target = &a[k].event;
            a[k].to = -1;
            engine_at(&e, &a[k].event, 10 * (k + 1));
        }
        a[0].target = &a[row[i].target].event;
        a[0].to = row[i].to;
        ck_assert(engine_step(&e, 10));
        CHECK_EQ(a[0].fired, 1);
        CHECK_EQ(a[0].before, 20);
        CHECK_EQ(a[0].after, row[i].after);
        ck_assert_int_eq(engine_horizon(&e), row[i].after);
        /* and it fires again only if it said so */
        a[0].to = -1;
        a[0].target = &a[0].event;
        engine_run_until(&e, 100);
        CHECK_EQ(a[0].fired, row[i].target == 0 && row[i].to >= 0 ? 2 : 1);
        CHECK_EQ(a[1].fired, row[i].target == 1 && row[i].to < 0 ? 0 : 1);
        CHECK_EQ(a[2].fired, 1);
        engine_free(&e);
    }
}
END_TEST

/* A tree of more slots than a second-level cache holds fires in the same order. */
START_TEST(a_large_tree_keeps_the_order)
{
    enum { EVENTS = 40000 };
    struct log *l = fresh(true, 0);
    struct event *event = calloc(EVENTS, sizeof *event);

    ck_assert_ptr_nonnull(event);
    for (int i = 0; i < EVENTS; i++) {
        CHECK_EQ(event_init(&l->e, &event[i], EVENT_DEVICE, nothing, NULL), 0);
        engine_at(&l->e, &event[i], (ps_t)(hash_mix((uint64_t)i) % 1000000));
    }
    ps_t last = 0;
    while (engine_step(&l->e, PS_NEVER)) {
        ck_assert_int_ge(l->e.now, last);
        last = l->e.now;
    }
    CHECK_EQ(l->e.fired, EVENTS);
    ck_assert_int_eq(engine_horizon(&l->e), PS_NEVER);
    engine_free(&l->e);
    free(event);
}
END_TEST

SUITE(event, order_is_time_then_class_then_declaration, order_does_not_depend_on_the_order_of_scheduling,
      nothing_fires_one_picosecond_early, an_idle_engine_moves_its_clock_and_has_no_horizon,
      a_cancelled_event_does_not_fire_and_may_be_scheduled_again,
      reschedule_moves_later_and_earlier_and_schedules_what_is_not_pending, pending_events_survive_growth,
      twenty_thousand_random_operations_agree_with_a_plain_list, advance_stops_short_of_the_horizon,
      advance_does_not_pass_the_limit_of_the_run, advance_is_exact_at_both_bounds,
      without_batch_every_step_is_an_event, the_one_that_fires_is_not_in_the_horizon_until_it_schedules_itself,
      a_large_tree_keeps_the_order, misuse_stops_the_program)
