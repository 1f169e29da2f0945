/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "sim/lab/sampler.h"

const struct run_options run_options_default = {
    .seed = 1, .sample_every = 1000, .sample_most = 65536, .sample_drops = 1000, .sample_slowest = 100,
};

/* ---- the books ---- */

static struct result_ledger ledger_of(const struct ledger *l)
{
    struct result_ledger r = { .offered = l->offered, .offered_bytes = l->offered_bytes };

    memcpy(r.frames, l->frames, sizeof r.frames);
    memcpy(r.bytes, l->bytes, sizeof r.bytes);
    r.in_flight = r.offered;
    r.in_flight_bytes = r.offered_bytes;
    for (int f = FATE_IN_FLIGHT + 1; f < FATES; f++) {
        r.in_flight -= r.frames[f];
        r.in_flight_bytes -= r.bytes[f];
    }
    return r;
}

/* What the pools say is still inside, counted independently of the ledger: frames handed out and not returned, but
 * for those that are on the wire, those that a closed-loop sender has pushed, and copies for further sockets. */
static uint64_t inside(const struct host *h)
{
    uint64_t n = h->frames.out;

    for (int i = 0; i < h->nics; i++)
        n -= h->nic[i].incoming != NULL;
    for (int i = 0; i < h->traffics; i++)
        n -= (uint64_t)h->traffic[i].pushed.length;
    const struct udp_mcast_counters *m = &h->udp_mcast;
    n -= m->copies - m->copies_read - m->copies_dropped;
    return n;
}

static int queues_of(const struct host *h, struct result *r)
{
    int n = 0;

    for (int i = 0; i < h->nics; i++)
        n += h->nic[i].queues;
    r->queue = calloc((size_t)n, sizeof *r->queue);
    if (!r->queue)
        return -1;
    for (int i = 0; i < h->nics; i++) {
        for (int q = 0; q < h->nic[i].queues; q++) {
            struct result_queue *to = &r->queue[r->queues++];
            snprintf(to->scope, sizeof to->scope, "%s.q%d", h->nic[i].name, q);
            to->ledger = ledger_of(&h->queue_ledger[i * CONFIG_QUEUES + q]);
        }
    }
    return 0;
}

enum { FLOWS_KEPT = 1000 };

static int busiest_first(const void *a, const void *b)
{
    const struct flow *const *x = a, *const *y = b;

    if ((*x)->offered != (*y)->offered)
        return (*x)->offered < (*y)->offered ? 1 : -1;
    return (*x > *y) - (*x < *y);       /* the same array: the lower index first */
}

static int least_busy_first(const void *a, const void *b)
{
    return busiest_first(b, a);
}

/* Puts a flow in the place of the least busy one of `n` kept flows, the first of a heap. */
static void replace_least(const struct flow **kept, uint32_t n, const struct flow *f)
{
    uint32_t at = 0;

    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && busiest_first(&kept[child + 1], &kept[child]) > 0)
            child++;
        if (busiest_first(&f, &kept[child]) > 0)
            break;
        kept[at] = kept[child];
    }
    kept[at] = f;
}

/* The busiest flows of a host, which may have millions: how many were kept. */
static uint32_t busiest(const struct host *h, const struct flow **kept)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < h->flows; i++) {
        const struct flow *f = &h->flow[i];
        if (f->offered == 0)
            continue;
        if (n < FLOWS_KEPT) {
            kept[n++] = f;
            if (n == FLOWS_KEPT)        /* in rising order an array is a heap */
                qsort(kept, n, sizeof *kept, least_busy_first);
        } else if (busiest_first(&f, &kept[0]) < 0) {
            replace_least(kept, n, f);
        }
    }
    qsort(kept, n, sizeof *kept, busiest_first);
    return n;
}

static void tuple_text(const struct flow_key *k, char *text, size_t size)
{
    const char *proto = k->proto == FLOW_UDP ? "udp" : k->proto == FLOW_TCP ? "tcp" : k->proto ? "ip" : "other";

    snprintf(text, size, "%s %u.%u.%u.%u:%u > %u.%u.%u.%u:%u", proto, k->saddr >> 24, k->saddr >> 16 & 255,
             k->saddr >> 8 & 255, k->saddr & 255, k->sport, k->daddr >> 24, k->daddr >> 16 & 255, k->daddr >> 8 & 255,
             k->daddr & 255, k->dport);
}

static int flows_of(const struct host *h, struct result *r)
{
    const struct flow **order = calloc(FLOWS_KEPT, sizeof(struct flow *));

    if (!order)
        return -1;
    uint32_t n = busiest(h, order);
    r->flow = calloc((size_t)n + 1, sizeof *r->flow);
    for (uint32_t i = 0; r->flow && i < n; i++) {
        const struct flow *f = order[i];
        struct result_flow *to = &r->flow[r->flows++];
        tuple_text(&f->key, to->tuple, sizeof to->tuple);
        to->offered = f->offered;
        to->delivered = f->ended[FATE_KIND_DELIVERED];
        to->consumed = f->ended[FATE_KIND_CONSUMED];
        to->dropped = f->ended[FATE_KIND_DROPPED];
        to->in_flight = f->offered - to->delivered - to->consumed - to->dropped;
    }
    free(order);
    return r->flow ? 0 : -1;
}

static void add_counter(void *result, const char *scope, const char *name, uint64_t value)
{
    struct result *r = result;
    struct result_counter *to;

    if ((r->counters & (r->counters - 1)) == 0) {       /* room is the next power of two */
        size_t room = r->counters ? 2 * (size_t)r->counters : 1;
        struct result_counter *bigger = realloc(r->counter, room * sizeof *bigger);
        if (!bigger)
            return;
        r->counter = bigger;
    }
    to = &r->counter[r->counters++];
    snprintf(to->scope, sizeof to->scope, "%s", scope);
    to->name = name;
    to->value = value;
}

static int stages_of(struct host *h, struct result *r)
{
    r->stage = calloc(STAGES + 1, sizeof *r->stage);
    if (!r->stage)
        return -1;
    for (int s = 0; s < STAGES; s++) {
        r->stage[s].name = stage_name[s];
        r->stage[s].hist = h->latency[s];       /* moved: the host keeps an empty one */
        hist_init(&h->latency[s]);
    }
    r->stages = STAGES;
    if (h->requesters > 0) {
        r->stage[r->stages] = (struct result_stage){ .name = RESULT_RTT, .hist = h->rtt };
        hist_init(&h->rtt);
        r->stages++;
    }
    return 0;
}

static int cpus_of(const struct host *h, struct result *r)
{
    r->cpu = calloc((size_t)h->cpus, sizeof *r->cpu);
    if (!r->cpu)
        return -1;
    r->cpus = h->cpus;
    for (int i = 0; i < h->cpus; i++) {
        for (int m = 0; m < CPU_MODES; m++)
            r->cpu[i].ps[m] = h->cpu[i].spent[m];
        r->softirq_runs += h->softirq[i].counters.net_rx_runs;
        r->time_squeeze += h->softirq[i].counters.time_squeeze;
    }
    return 0;
}

static int collect(struct host *h, struct result *r)
{
    r->fingerprint = h->fingerprint;
    r->sim_ps = h->engine.now;
    r->warmup_ps = h->warm_at;
    r->last_arrival_ps = h->last_arrival;
    r->offer_ps = h->stop_at != PS_NEVER ? h->stop_at : h->last_arrival;
    r->events = h->engine.fired + h->engine.inlined;
    r->deterministic = host_deterministic(h);
    struct ledger books = host_ledger(h);
    r->ledger = ledger_of(&books);
    memcpy(r->work_hist, h->work_hist, sizeof r->work_hist);
    for (int w = 0; w <= 256; w++)
        r->polls += h->work_hist[w];
    for (int i = 0; i < h->nics; i++) {
        for (int q = 0; q < h->nic[i].queues; q++)
            r->irqs += h->nic[i].queue[q].irq.counters.interrupts;
    }
    host_counters(h, add_counter, r);
    return nic_stats_of_config(r, &h->config) || queues_of(h, r) || flows_of(h, r) || stages_of(h, r) || cpus_of(h, r) ? -1 : 0;
}

static int check_books(const struct host *h, const struct result *r, char *why, size_t size)
{
    if (r->ledger.in_flight != inside(h)) {
        snprintf(why, size, "the books do not balance: the ledger has %llu frames in flight, the machine holds %llu",
                 (unsigned long long)r->ledger.in_flight, (unsigned long long)inside(h));
        return -1;
    }
    for (int c = 0; c < r->cpus; c++) {
        int64_t sum = 0;
        for (int m = 0; m < RESULT_CONTEXTS; m++)
            sum += r->cpu[c].ps[m];
        if (sum != r->sim_ps) {
            snprintf(why, size, "the books do not balance: CPU %d accounts for %lld ps of %lld", c, (long long)sum,
                     (long long)r->sim_ps);
            return -1;
        }
    }
    return result_balance(r, why, size);
}

static double wall_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_host(struct host *h, const struct run_options *o, struct sampler *s, struct result *out, char *why,
                    size_t size)
{
    double start = wall_now();

    h->sample_every = o->full ? 1 : o->sample_every;
    s->observer = &h->observer;
    h->observer = (struct observer){
        .frame_end = sampler_frame_end, .user = s, .drops_below = o->sample_drops > 0 ? UINT64_MAX : 0,
        .slow_from = o->sample_slowest > 0 ? 0 : PS_NEVER,
    };
    h->engine.trace = o->trace;
    if (o->census && census_join(o->census, h) != 0) {
        snprintf(why, size, "out of memory before the run");
        return -1;
    }
    if (!host_run(h, o->stop, o->progress_ps)) {
        snprintf(why, size, "stopped");
        return -1;
    }
    out->wall_s = wall_now() - start;
    if (collect(h, out) != 0 || sampler_collect(s, out) != 0) {
        snprintf(why, size, "out of memory while collecting the results");
        return -1;
    }
    return check_books(h, out, why, size);
}

int run_config(const struct config *c, const struct run_options *o, struct result *out, char *why, size_t size)
{
    struct host *h = malloc(sizeof *h);
    struct sampler s;
    int failed = -1;

    result_init(out);
    if (sampler_init(&s, o) != 0 || !h) {
        snprintf(why, size, "out of memory before the run");
    } else {
        if (host_init(h, c, o->seed, o->replication, !o->no_batch, why, size) == 0)
            failed = run_host(h, o, &s, out, why, size);
        host_free(h);
    }
    free(h);
    sampler_free(&s);
    return failed;
}
