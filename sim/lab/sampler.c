/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "models/nic.h"

/* Divides by multiplication, as a test on every frame should: n is a multiple of odd k if n times k's inverse modulo
 * 2^64 is at most UINT64_MAX / k; factors of 2 are rotated out (Granlund and Montgomery 1994, section 9). */
static struct multiples multiples_of(uint64_t k)
{
    struct multiples m = { .none = k == 0 };

    if (k == 0)
        return m;
    m.most = UINT64_MAX / k;
    m.twos = (unsigned)__builtin_ctzll(k);
    k >>= m.twos;
    m.inverse = k;              /* right in the last 3 bits; each step doubles them */
    for (int bits = 3; bits < 64; bits *= 2)
        m.inverse *= 2 - k * m.inverse;
    return m;
}

static inline bool is_multiple(const struct multiples *m, uint64_t n)
{
    uint64_t x = n * m->inverse;

    return !m->none && (x >> m->twos | x << (-m->twos & 63)) <= m->most;
}

static int64_t latency(const struct result_packet *p)
{
    return p->t_app - p->t_wire;
}

/* Does a leave the heap before b? */
typedef bool before_fn(const struct result_packet *a, const struct result_packet *b);

static bool later_number(const struct result_packet *a, const struct result_packet *b)
{
    return a->seq > b->seq;
}

static bool faster(const struct result_packet *a, const struct result_packet *b)
{
    return latency(a) != latency(b) ? latency(a) < latency(b) : a->seq > b->seq;
}

static void sift_down(struct result_packet *heap, size_t n, size_t i, before_fn *before)
{
    for (;;) {
        size_t first = i, left = 2 * i + 1, right = left + 1;
        if (left < n && before(&heap[left], &heap[first]))
            first = left;
        if (right < n && before(&heap[right], &heap[first]))
            first = right;
        if (first == i)
            return;
        struct result_packet swap = heap[i];
        heap[i] = heap[first];
        heap[first] = swap;
        i = first;
    }
}

static void sift_up(struct result_packet *heap, size_t i, before_fn *before)
{
    while (i > 0 && before(&heap[i], &heap[(i - 1) / 2])) {
        struct result_packet swap = heap[i];
        heap[i] = heap[(i - 1) / 2];
        heap[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
}

/* Keeps the `limit` packets that leave last. */
static void keep(struct result_packet *heap, size_t *n, size_t limit, const struct result_packet *p, before_fn *before)
{
    if (limit == 0)
        return;
    if (*n < limit) {
        heap[*n] = *p;
        sift_up(heap, (*n)++, before);
    } else if (before(&heap[0], p)) {
        heap[0] = *p;
        sift_down(heap, *n, 0, before);
    }
}

/* Numbers count from 0 on each wire; the NIC stands above them. */
static uint64_t number_of(uint64_t seq)
{
    return seq & ((UINT64_C(1) << NIC_FRAME_BITS) - 1);
}

/* Keeps every second of the numbers kept so far, and from now on. */
static void thin_out(struct sampler *s)
{
    size_t kept = 0;

    s->every_k *= 2;
    for (size_t i = 0; i < s->n_every; i++) {
        if (number_of(s->every[i].seq) % s->every_k == 0)
            s->every[kept++] = s->every[i];
    }
    s->n_every = kept;
}

static void keep_every(struct sampler *s, const struct result_packet *p)
{
    uint64_t number = number_of(p->seq);

    if (number % s->every_k != 0)
        return;
    while (s->options->sample_most > 0 && s->n_every >= s->options->sample_most) {
        thin_out(s);                    /* for a frame that would be kept: so k follows from which frames there are */
        if (number % s->every_k != 0)
            return;
    }
    if (s->n_every == s->room_every) {
        size_t room = s->room_every ? 2 * s->room_every : 1024;
        struct result_packet *bigger = realloc(s->every, room * sizeof *bigger);
        if (!bigger) {
            s->broken = true;
            return;
        }
        s->every = bigger;
        s->room_every = room;
    }
    s->every[s->n_every++] = *p;
}

static struct result_packet packet_of(const struct frame *f, enum fate fate, ps_t now)
{
    return (struct result_packet){
        .seq = f->id, .flow = f->flow, .len = (uint32_t)f->wire_bytes, .queue = f->queue, .cpu = f->cpu,
        .t_wire = f->wire_at, .t_dma = f->dma_at, .t_irq = f->irq_at, .t_poll = f->poll_at, .t_stack = f->stack_at,
        .t_socket = f->socket_at, .t_app = fate == FATE_DELIVERED ? now : -1, .fate = fate,
    };
}

static bool is_marked(const struct sampler *s, const struct frame *f)
{
    return s->recorder ? is_multiple(&s->marked, number_of(f->id)) : f->sampled;
}

static void keep_drop(struct sampler *s, const struct result_packet *p)
{
    keep(s->drops, &s->n_drops, s->options->sample_drops, p, later_number);
    if (s->n_drops == s->options->sample_drops)     /* full: only lower numbers are of interest */
        s->observer->drops_below = s->n_drops > 0 ? s->drops[0].seq : 0;
}

static void keep_slow(struct sampler *s, const struct result_packet *p)
{
    keep(s->slowest, &s->n_slowest, s->options->sample_slowest, p, faster);
    if (s->n_slowest == s->options->sample_slowest)
        s->observer->slow_from = s->n_slowest > 0 ? latency(&s->slowest[0]) : PS_NEVER;
}

/* Few frames come here; apart, so that the others do not pay for its registers. */
__attribute__((noinline))
static void keep_sample(struct sampler *s, const struct frame *f, enum fate fate, ps_t now, bool drop, bool slow)
{
    struct result_packet p = packet_of(f, fate, now);

    if (is_marked(s, f))
        keep_every(s, &p);
    if (drop)
        keep_drop(s, &p);
    if (slow)
        keep_slow(s, &p);
}

void sampler_frame_end(void *user, const struct frame *f, enum fate fate, ps_t now)
{
    struct sampler *s = user;
    bool drop = fate_info[fate].kind == FATE_KIND_DROPPED && f->id < s->observer->drops_below;
    bool slow = fate == FATE_DELIVERED && now - f->wire_at >= s->observer->slow_from;

    if (drop || slow || is_marked(s, f))
        keep_sample(s, f, fate, now, drop, slow);
    if (s->recorder)
        recorder_add(s->recorder, f, fate, now);
}

static int by_number(const void *a, const void *b)
{
    const struct result_packet *x = a, *y = b;

    return (x->seq > y->seq) - (x->seq < y->seq);
}

int sampler_init(struct sampler *s, const struct run_options *o)
{
    *s = (struct sampler){ .options = o, .marked = multiples_of(o->sample_every), .every_k = o->sample_every };
    s->drops = calloc(o->sample_drops + 1, sizeof *s->drops);
    s->slowest = calloc(o->sample_slowest + 1, sizeof *s->slowest);
    s->recorder = o->full ? recorder_new() : NULL;
    return s->drops && s->slowest && (s->recorder || !o->full) ? 0 : -1;
}

void sampler_free(struct sampler *s)
{
    recorder_free(s->recorder);
    free(s->every);
    free(s->drops);
    free(s->slowest);
}

int sampler_collect(struct sampler *s, struct result *r)
{
    size_t n = s->n_every + s->n_drops + s->n_slowest, kept = 0;
    struct result_packet *all = calloc(n + 1, sizeof *all);

    if (!all || s->broken) {
        free(all);
        return -1;
    }
    if (s->n_every)
        memcpy(all, s->every, s->n_every * sizeof *all);
    memcpy(all + s->n_every, s->drops, s->n_drops * sizeof *all);
    memcpy(all + s->n_every + s->n_drops, s->slowest, s->n_slowest * sizeof *all);
    qsort(all, n, sizeof *all, by_number);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || all[kept - 1].seq != all[i].seq)
            all[kept++] = all[i];
    }
    r->packet = all;
    r->packets = (int)kept;
    return s->recorder ? recorder_collect(s->recorder, r) : 0;
}
