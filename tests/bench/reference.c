/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The yardstick of scenarios/bench/yardstick.yaml, coded three times and for nothing else, to say what the simulator's
 * generality costs. All three play the same arrivals, drawn before, and must count the same:
 *
 *   heap   an event for each stage of each packet, in a plain binary heap
 *   slots  the same events, but who acts has one place for its next, and the first of the four is looked for
 *   fused  no events: a loop over the packets of a poll; arrivals and reader are worked out when they matter
 *
 * Stages: a packet claims a descriptor (or is dropped), is visible after DMA, causes an interrupt unless one is on
 * its way or masked, is taken by a poll, queued at the socket (or dropped), read. At equal times devices come first,
 * then the polling CPU, then the reader: the order of enum kind. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/engine/random.h"
#include "sim/engine/time.h"
#include "tests/bench/heap.h"

/* Powers of two, so that counting up needs no wrap. */
enum { RING = 1024, SOCKET = 256 };
enum { WEIGHT = 64, BUDGET = 300 };

static const ps_t RUN_TIME = 2 * MS;
static const ps_t DMA = 250 * NS;
static const ps_t MODERATION = 50 * US;         /* from the first visible packet to the interrupt */
static const ps_t TO_SOFTIRQ = 1 * US;
static const ps_t POLL = 200 * NS;              /* before its first packet */
static const ps_t AFTER_SQUEEZE = 2 * US;
static const ps_t WAKE_UP = 1 * US;

struct scenario {
    const char *name;
    ps_t gap;                   /* mean distance of two arrivals */
    ps_t packet, service;       /* work in the poll, and of the reader */
};

/* As in yardstick-NAME.yaml. */
static const struct scenario scenarios[] = {
    { "overload", 67200 * PS, 500 * NS, 300 * NS },
    { "linerate", 67200 * PS, 50 * NS, 40 * NS },
    { "moderate", 1 * US, 500 * NS, 300 * NS },
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

struct counters {
    uint64_t delivered, ring_drops, socket_drops;
    uint64_t polls, irqs, squeezes;
    uint64_t latency;           /* of all delivered ones, ps */
};

struct arrivals {
    ps_t *at;                   /* at[n] is PS_NEVER */
    size_t n;
};

/* ---- arrivals ---- */

/* What traffic.kind: poisson draws in the simulator's run with seed 1, and its 400 Gbit/s wire makes of it. */
static ps_t *draw(size_t n, ps_t mean)
{
    enum { FINE = 10 };         /* drawn in 1/1024 ps: rounding shall not shift the rate */
    struct variate *v = malloc(sizeof *v);
    ps_t *at = malloc((n + 1) * sizeof *at);
    ps_t start = 0, wire_free = 0;
    uint64_t carry = 0;
    struct stream r;

    if (!v || !at) {
        free(v);
        free(at);
        return NULL;
    }
    variate_exponential(v);
    stream_seed(&r, 1, 0, "traffic0.gaps");
    for (size_t i = 0; i < n; i++) {
        ps_t first_bit = start > wire_free ? start : wire_free;

        at[i] = first_bit + 1440 * PS;          /* preamble and 64 bytes .. */
        wire_free = first_bit + 1680 * PS;      /* .. and the gap */
        carry += (uint64_t)variate_draw(v, &r, mean << FINE);
        start += (ps_t)(carry >> FINE);
        carry &= (1 << FINE) - 1;
    }
    at[n] = PS_NEVER;
    free(v);
    return at;
}

/* ---- events: what heap and slots share ---- */

/* `heap` is a constant to each of the two loops: neither pays for the other. */
#define SHARED static inline __attribute__((always_inline))

/* ORDER at equal times. */
enum kind { ARRIVAL, VISIBLE, INTERRUPT, RUN, POLL_BEGIN, PACKET_DONE, READER_WAKES, READ_DONE, KINDS };
enum { KIND_BITS = 3 };
static_assert(KINDS == 1 << KIND_BITS, "a kind fills its bits");

/* Time and kind in one number, so that one comparison decides: up to 2^60 ps, 13 days. */
static inline uint64_t key_of(ps_t when, enum kind kind) { return (uint64_t)when << KIND_BITS | kind; }
static inline ps_t when_of(uint64_t key) { return (ps_t)(key >> KIND_BITS); }
static inline enum kind kind_of(uint64_t key) { return (enum kind)(key & (KINDS - 1)); }

/* Who acts has one thing to do next, so one slot each. */
enum slot { SLOT_WIRE, SLOT_DMA, SLOT_POLLER, SLOT_READER, SLOTS };

static inline enum slot slot_of(enum kind kind)
{
    return kind == ARRIVAL ? SLOT_WIRE : kind == VISIBLE ? SLOT_DMA : kind <= PACKET_DONE ? SLOT_POLLER : SLOT_READER;
}

struct machine {
    const struct scenario *s;
    const struct arrivals *arrivals;
    size_t next;                            /* of the arrivals */
    struct counters count;

    /* Packets by the number of their admission; an array holds when each arrived. */
    ps_t ring[RING];
    uint64_t admitted, visible, done;       /* done: out of the poll, its descriptor is posted again */
    ps_t socket[SOCKET];
    uint64_t queued, taken;                 /* taken: the reader works on it, or has */
    ps_t reading;                           /* when the packet that is read arrived */

    bool quiet;                             /* no interrupt is on its way or masked */
    bool asleep;                            /* the reader */
    int work, budget;
    ps_t run_until;

    struct heap heap;                       /* by kind, in: */
    struct heap_entry event[RING + SLOTS];  /* at most one for each descriptor, and one for each who acts */
    uint64_t slot[SLOTS];                   /* slots: keys; UINT64_MAX: nothing to do */
};

SHARED void schedule(struct machine *m, bool heap, enum kind kind, ps_t when)
{
    if (heap)
        heap_push(&m->heap, when, kind);
    else
        m->slot[slot_of(kind)] = key_of(when, kind);
}

SHARED void arrival(struct machine *m, bool heap, ps_t now)
{
    if (m->admitted - m->done == RING) {
        m->count.ring_drops++;
    } else {
        /* A slot holds the first of those that are being written; DMA keeps their order. */
        if (heap || m->admitted == m->visible)
            schedule(m, heap, VISIBLE, now + DMA);
        m->ring[m->admitted++ % RING] = now;
    }
    if (++m->next < m->arrivals->n)
        schedule(m, heap, ARRIVAL, m->arrivals->at[m->next]);
}

SHARED void visible(struct machine *m, bool heap, ps_t now)
{
    m->visible++;
    if (!heap && m->visible < m->admitted)
        schedule(m, heap, VISIBLE, m->ring[m->visible % RING] + DMA);
    if (m->quiet) {
        m->quiet = false;
        schedule(m, heap, INTERRUPT, now + MODERATION);
    }
}

SHARED void run(struct machine *m, bool heap, ps_t now)
{
    m->budget = BUDGET;
    m->run_until = now + RUN_TIME;
    schedule(m, heap, POLL_BEGIN, now + POLL);
}

/* A poll that used its weight is repeated within the run, until budget or time is used up. */
SHARED void poll_end(struct machine *m, bool heap, ps_t now)
{
    m->count.polls++;
    m->budget -= m->work;
    if (m->work < WEIGHT) {
        m->quiet = true;
    } else if (m->budget <= 0 || now >= m->run_until) {
        m->count.squeezes++;
        schedule(m, heap, RUN, now + AFTER_SQUEEZE);
    } else {
        schedule(m, heap, POLL_BEGIN, now + POLL);
    }
}

SHARED void poll_next(struct machine *m, bool heap, ps_t now)
{
    if (m->work < WEIGHT && m->done < m->visible) {
        m->work++;
        schedule(m, heap, PACKET_DONE, now + m->s->packet);
    } else {
        poll_end(m, heap, now);
    }
}

SHARED void packet_done(struct machine *m, bool heap, ps_t now)
{
    ps_t arrived = m->ring[m->done++ % RING];

    if (m->queued - m->taken == SOCKET) {
        m->count.socket_drops++;
    } else {
        m->socket[m->queued++ % SOCKET] = arrived;
        if (m->asleep)
            schedule(m, heap, READER_WAKES, now + WAKE_UP);
        m->asleep = false;
    }
    poll_next(m, heap, now);
}

SHARED void read_next(struct machine *m, bool heap, ps_t now)
{
    m->reading = m->socket[m->taken++ % SOCKET];
    schedule(m, heap, READ_DONE, now + m->s->service);
}

SHARED void read_done(struct machine *m, bool heap, ps_t now)
{
    m->count.delivered++;
    m->count.latency += (uint64_t)(now - m->reading);
    if (m->taken < m->queued)
        read_next(m, heap, now);
    else
        m->asleep = true;
}

SHARED void fire(struct machine *m, bool heap, enum kind kind, ps_t now)
{
    switch (kind) {
    case ARRIVAL:
        arrival(m, heap, now);
        break;
    case VISIBLE:
        visible(m, heap, now);
        break;
    case INTERRUPT:
        m->count.irqs++;
        schedule(m, heap, RUN, now + TO_SOFTIRQ);
        break;
    case RUN:
        run(m, heap, now);
        break;
    case POLL_BEGIN:
        m->work = 0;
        poll_next(m, heap, now);
        break;
    case PACKET_DONE:
        packet_done(m, heap, now);
        break;
    case READER_WAKES:
        read_next(m, heap, now);
        break;
    case READ_DONE:
        read_done(m, heap, now);
        break;
    case KINDS:
        abort();
    }
}

static void machine_init(struct machine *m, const struct scenario *s, const struct arrivals *a)
{
    *m = (struct machine){ .s = s, .arrivals = a, .quiet = true, .asleep = true };
    for (int slot = 0; slot < SLOTS; slot++)
        m->slot[slot] = UINT64_MAX;
}

static void run_heap(const struct scenario *s, const struct arrivals *a, struct counters *count)
{
    struct machine m;

    machine_init(&m, s, a);
    m.heap.entry = m.event;
    schedule(&m, true, ARRIVAL, a->at[0]);
    while (m.heap.entries > 0) {
        struct heap_entry e = heap_pop(&m.heap);

        fire(&m, true, (enum kind)e.number, e.when);
    }
    *count = m.count;
}

static inline uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static inline uint64_t first_of(const uint64_t slot[SLOTS])
{
    return earlier(earlier(slot[SLOT_WIRE], slot[SLOT_DMA]), earlier(slot[SLOT_POLLER], slot[SLOT_READER]));
}

static void run_slots(const struct scenario *s, const struct arrivals *a, struct counters *count)
{
    struct machine m;
    uint64_t key;

    machine_init(&m, s, a);
    schedule(&m, false, ARRIVAL, a->at[0]);
    while ((key = first_of(m.slot)) != UINT64_MAX) {
        m.slot[slot_of(kind_of(key))] = UINT64_MAX;
        fire(&m, false, kind_of(key), when_of(key));
    }
    *count = m.count;
}

/* ---- fused ---- */

struct fused {
    const struct scenario *s;
    const struct arrivals *arrivals;
    size_t next;
    struct counters count;
    ps_t ring[RING];
    uint64_t admitted, done;
    ps_t taken_at[SOCKET];      /* when the reader took the packet, by number; it is known when it is queued */
    uint64_t queued;
    ps_t reader_free;           /* when it is done with all that is queued, and sleeps */
};

/* What arrived up to `now`. Descriptors are posted one at a time, after a call of this, so it may be late. */
static inline void admit(struct fused *m, ps_t now)
{
    const ps_t *at = m->arrivals->at;

    for (; at[m->next] <= now; m->next++) {
        if (m->admitted - m->done == RING)
            m->count.ring_drops++;
        else
            m->ring[m->admitted++ % RING] = at[m->next];
    }
}

/* The reader's whole work on a packet that is queued at `now`. */
static inline void queue(struct fused *m, ps_t now, ps_t arrived)
{
    /* the queue is full if the packet SOCKET before this one is still in it */
    if (m->taken_at[m->queued % SOCKET] >= now) {
        m->count.socket_drops++;
        return;
    }
    ps_t taken = now > m->reader_free ? now + WAKE_UP : m->reader_free;

    m->taken_at[m->queued++ % SOCKET] = taken;
    m->reader_free = taken + m->s->service;
    m->count.delivered++;
    m->count.latency += (uint64_t)(m->reader_free - arrived);
}

/* One poll that begins at `*now`, which becomes its end; packets taken. */
static inline int poll(struct fused *m, ps_t *now)
{
    ps_t t = *now + POLL;
    int work = 0;

    admit(m, t);
    while (work < WEIGHT && m->done < m->admitted && m->ring[m->done % RING] + DMA <= t) {
        t += m->s->packet;
        admit(m, t);
        queue(m, t, m->ring[m->done++ % RING]);
        work++;
    }
    m->count.polls++;
    *now = t;
    return work;
}

/* From one softirq's start until the interrupt is unmasked; the time then. */
static ps_t softirq(struct fused *m, ps_t now)
{
    for (;; now += AFTER_SQUEEZE) {
        ps_t until = now + RUN_TIME;

        for (int budget = BUDGET; budget > 0 && now < until; budget -= WEIGHT) {
            if (poll(m, &now) < WEIGHT)
                return now;
        }
        m->count.squeezes++;
    }
}

static void run_fused(const struct scenario *s, const struct arrivals *a, struct counters *count)
{
    struct fused m = { .s = s, .arrivals = a, .reader_free = -1 };

    for (int i = 0; i < SOCKET; i++)
        m.taken_at[i] = -1;
    while (m.done < m.admitted || m.next < a->n) {
        ps_t first = m.done < m.admitted ? m.ring[m.done % RING] : a->at[m.next];

        m.count.irqs++;
        softirq(&m, first + DMA + MODERATION + TO_SOFTIRQ);
    }
    *count = m.count;
}

/* ---- the program ---- */

typedef void loop_fn(const struct scenario *s, const struct arrivals *a, struct counters *count);
static const struct loop { const char *name; loop_fn *run; } loops[] = {
    { "heap", run_heap },
    { "slots", run_slots },
    { "fused", run_fused },
};
enum { LOOPS = sizeof loops / sizeof loops[0] };

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void print(const char *scenario, const char *loop, const struct counters *c, double ns_per_packet)
{
    double mean = c->delivered ? (double)c->latency / (double)c->delivered / 1e6 : 0;

    printf("%-9s %-6s %7.2f %10" PRIu64 " %10" PRIu64 " %7" PRIu64 " %8" PRIu64 " %7" PRIu64 " %8" PRIu64 " %10.4f\n",
           scenario, loop, ns_per_packet, c->delivered, c->ring_drops, c->socket_drops, c->polls, c->irqs, c->squeezes, mean);
}

/* Runs the loops asked for; false if two differ. */
static bool compare(const struct scenario *s, const struct arrivals *a, const char *only)
{
    struct counters first;
    bool same = true;
    int ran = 0;

    for (int i = 0; i < LOOPS; i++) {
        struct counters c;

        if (only && strcmp(only, loops[i].name) != 0)
            continue;
        double start = cpu_ns();
        loops[i].run(s, a, &c);
        print(s->name, loops[i].name, &c, (cpu_ns() - start) / (double)a->n);
        if (ran++ == 0)
            first = c;
        else if (memcmp(&first, &c, sizeof c) != 0)
            same = false;
    }
    if (!same)
        fprintf(stderr, "reference: the loops differ in %s\n", s->name);
    return same;
}

static bool known(const char *name, bool scenario)
{
    int n = scenario ? SCENARIOS : LOOPS;

    for (int i = 0; name && i < n; i++) {
        if (strcmp(name, scenario ? scenarios[i].name : loops[i].name) == 0)
            return true;
    }
    return name == NULL;
}

static int usage(void)
{
    fputs("Usage: reference [-l heap|slots|fused] [-s overload|linerate|moderate] [-n PACKETS]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *loop = NULL, *scenario = NULL;
    long packets = 1000000;
    bool same = true;
    int option;

    while ((option = getopt(argc, argv, "l:s:n:")) != -1) {
        switch (option) {
        case 'l':
            loop = optarg;
            break;
        case 's':
            scenario = optarg;
            break;
        case 'n':
            errno = 0;
            packets = strtol(optarg, NULL, 10);
            break;
        default:
            return usage();
        }
    }
    if (optind < argc || errno || packets < 1 || packets > INT_MAX || !known(loop, false) || !known(scenario, true))
        return usage();

    printf("%-9s %-6s %7s %10s %10s %7s %8s %7s %8s %10s\n", "scenario", "loop", "ns/pkt", "delivered", "ring", "sockets",
           "polls", "irqs", "squeezes", "mean_us");
    for (int i = 0; i < SCENARIOS; i++) {
        if (scenario && strcmp(scenario, scenarios[i].name) != 0)
            continue;
        struct arrivals a = { draw((size_t)packets, scenarios[i].gap), (size_t)packets };

        if (!a.at) {
            fputs("reference: out of memory\n", stderr);
            return 3;
        }
        same &= compare(&scenarios[i], &a, loop);
        free(a.at);
    }
    return same ? 0 : 1;
}
