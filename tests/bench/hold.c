/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hold model: N events are pending; each that fires schedules itself again, an exponential time later. It asks for
 * nothing but the queue, so it says what an event costs at that size: the engine's, and beside it a plain binary heap's.
 * Both must fire the same events in the same order, ties by number. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sim/engine/event.h"
#include "sim/engine/random.h"
#include "tests/bench/heap.h"

enum {
    INCREMENTS = 1 << 14,       /* drawn before: 128 KiB, most of which stays in a core's second-level cache */
    ROUNDS_MAX = 99,
};

/* Events fire so far apart on average whatever N is, as frames at line rate. */
static const ps_t SPACING = 67200 * PS;

struct hold {
    const ps_t *increment;
    uint64_t drawn;
    uint64_t fired, order;      /* order: a digest of who fired after whom */
};

static inline ps_t fire(struct hold *h, uint32_t number)
{
    h->fired++;
    h->order = h->order * 31 + number;
    return h->increment[h->drawn++ % INCREMENTS];
}

/* ---- the engine ---- */

struct item { struct event event; uint32_t number; };

/* In the file, so that an item need not be asked whose it is. */
static struct on_engine {
    struct hold hold;
    struct engine engine;
    struct item *item;
} on_engine;

static void item_fire(void *item)
{
    struct item *i = item;
    struct on_engine *o = &on_engine;

    engine_at(&o->engine, &i->event, o->engine.now + fire(&o->hold, i->number));
}

static bool engine_fill(struct on_engine *o, uint32_t n)
{
    o->item = calloc(n, sizeof *o->item);
    if (!o->item || engine_init(&o->engine, true) != 0)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        o->item[i] = (struct item){ .number = i };
        if (event_init(&o->engine, &o->item[i].event, EVENT_DEVICE, item_fire, &o->item[i]) != 0)
            return false;
        engine_at(&o->engine, &o->item[i].event, o->hold.increment[o->hold.drawn++ % INCREMENTS]);
    }
    return true;
}

static void engine_empty(struct on_engine *o)
{
    engine_free(&o->engine);
    free(o->item);
}

/* ---- the plain heap ---- */

struct on_heap {
    struct hold hold;
    struct heap heap;
};

static bool heap_fill(struct on_heap *h, uint32_t n)
{
    h->heap.entry = calloc(n, sizeof *h->heap.entry);
    for (uint32_t i = 0; h->heap.entry && i < n; i++)
        heap_push(&h->heap, h->hold.increment[h->hold.drawn++ % INCREMENTS], i);
    return h->heap.entry != NULL;
}

static void heap_run_until(struct on_heap *h, ps_t until)
{
    while (h->heap.entry[0].when <= until) {
        struct heap_entry e = heap_pop(&h->heap);

        heap_push(&h->heap, e.when + fire(&h->hold, e.number), e.number);
    }
}

/* ---- the program ---- */

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* The middle of an odd number of values. */
static double median(double *value, int n)
{
    qsort(value, (size_t)n, sizeof *value, by_value);
    return value[n / 2];
}

/* Engine and heap by turns, so that the machine's other work falls on both. */
static void measure(struct on_engine *o, struct on_heap *h, uint32_t n, int64_t events, int rounds)
{
    double engine_ns[ROUNDS_MAX], heap_ns[ROUNDS_MAX], ratio[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        ps_t until = (i + 1) * events * SPACING;
        uint64_t fired = o->hold.fired;

        double start = cpu_ns();
        engine_run_until(&o->engine, until);
        double middle = cpu_ns();
        heap_run_until(h, until);
        double end = cpu_ns();

        fired = o->hold.fired - fired;
        engine_ns[i] = (middle - start) / (double)fired;
        heap_ns[i] = (end - middle) / (double)fired;
        ratio[i] = engine_ns[i] / heap_ns[i];
    }
    printf("%8" PRIu32 " %10.1f %8.1f %7.3f\n", n, median(engine_ns, rounds), median(heap_ns, rounds),
           median(ratio, rounds));
}

static ps_t *draw(uint32_t n)
{
    struct variate *v = malloc(sizeof *v);
    ps_t *increment = malloc(INCREMENTS * sizeof *increment);
    struct stream r;

    if (v && increment) {
        variate_exponential(v);
        stream_seed(&r, 1, 0, "hold");
        for (int i = 0; i < INCREMENTS; i++)
            increment[i] = variate_draw(v, &r, n * SPACING);
    } else {
        free(increment);
        increment = NULL;
    }
    free(v);
    return increment;
}

/* 0 when both did the same, 1 when not, 3 when out of memory. */
static int hold(uint32_t n, int64_t events, int rounds)
{
    ps_t *increment = draw(n);
    struct on_heap h = { .hold.increment = increment };
    int status = 3;

    on_engine = (struct on_engine){ .hold.increment = increment };

    if (increment && engine_fill(&on_engine, n) && heap_fill(&h, n)) {
        measure(&on_engine, &h, n, events, rounds);
        status = on_engine.hold.order == h.hold.order && on_engine.hold.fired == h.hold.fired ? 0 : 1;
    }
    if (status != 0)
        fprintf(stderr, status == 1 ? "hold: engine and heap differ with %" PRIu32 " pending\n"
                                    : "hold: out of memory with %" PRIu32 " pending\n", n);
    engine_empty(&on_engine);
    free(h.heap.entry);
    free(increment);
    return status;
}

static bool number(const char *text, long min, long max, long *value)
{
    char *end;

    errno = 0;
    *value = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *value >= min && *value <= max;
}

int main(int argc, char **argv)
{
    long events = 2000000, rounds = 5, most = 1000000;
    int option;
    bool ok = true;

    while (ok && (option = getopt(argc, argv, "e:r:n:")) != -1) {
        ok = option == 'e' ? number(optarg, 1000, 1000000000, &events)
             : option == 'r' ? number(optarg, 1, ROUNDS_MAX, &rounds)
             : option == 'n' ? number(optarg, 10, 10000000, &most) : false;
    }
    if (!ok || optind < argc) {
        fputs("Usage: hold [-e EVENTS] [-r ROUNDS] [-n MOST_PENDING]\n", stderr);
        return 2;
    }
    puts(" pending  engine_ns  heap_ns   ratio");
    for (long n = 10; n <= most; n *= 10) {
        int status = hold((uint32_t)n, events, (int)rounds);

        if (status != 0)
            return status;
    }
    return 0;
}
