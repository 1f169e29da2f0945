/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/result.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/time.h"

const char *const result_context_name[RESULT_CONTEXTS] = {
    [RESULT_HARDIRQ]     = "hardirq",
    [RESULT_SOFTIRQ]     = "softirq",
    [RESULT_KSOFTIRQD]   = "ksoftirqd",
    [RESULT_NAPI_THREAD] = "napi_thread",
    [RESULT_TASK]        = "task",
    [RESULT_IDLE]        = "idle",
};

void result_init(struct result *r)
{
    memset(r, 0, sizeof *r);
}

void result_free(struct result *r)
{
    for (int i = 0; i < r->stages; i++)
        hist_free(&r->stage[i].hist);
    free(r->queue);
    free(r->flow);
    free(r->counter);
    free(r->stage);
    free(r->cpu);
    free(r->packet);
    for (int i = 0; i < r->chunks; i++)
        free(r->chunk[i].data);
    free(r->chunk);
    free(r->nic);
    result_init(r);
}

uint64_t result_recorded(const struct result *r, uint64_t *bytes)
{
    uint64_t frames = 0;

    *bytes = 0;
    for (int i = 0; i < r->chunks; i++) {
        frames += r->chunk[i].n;
        *bytes += r->chunk[i].size;
    }
    return frames;
}

/* ---- the books ---- */

/* Frames or bytes of one ledger, so that one function balances both. `by_fate[FATE_IN_FLIGHT]` is not
 * read: what is in flight has a field of its own. */
struct book {
    const char *unit;
    uint64_t offered, in_flight;
    const uint64_t *by_fate;
};

static struct book book_of_frames(const struct result_ledger *l)
{
    return (struct book){ "frames", l->offered, l->in_flight, l->frames };
}

static struct book book_of_bytes(const struct result_ledger *l)
{
    return (struct book){ "bytes", l->offered_bytes, l->in_flight_bytes, l->bytes };
}

static uint64_t book_kind(const struct book *b, enum fate_kind kind)
{
    uint64_t sum = 0;

    if (kind == FATE_KIND_IN_FLIGHT)
        return b->in_flight;
    for (int f = FATE_IN_FLIGHT + 1; f < FATES; f++)
        if (fate_info[f].kind == kind)
            sum += b->by_fate[f];
    return sum;
}

uint64_t result_kind(const struct result_ledger *l, enum fate_kind kind)
{
    struct book b = book_of_frames(l);

    return book_kind(&b, kind);
}

static int book_balance(const struct book *b, const char *scope, char *why, unsigned long size)
{
    uint64_t delivered = book_kind(b, FATE_KIND_DELIVERED), consumed = book_kind(b, FATE_KIND_CONSUMED);
    uint64_t dropped = book_kind(b, FATE_KIND_DROPPED);

    if (b->offered == delivered + consumed + dropped + b->in_flight)
        return 0;
    snprintf(why, size, "%s: %" PRIu64 " %s offered, but %" PRIu64 " delivered + %" PRIu64
             " consumed + %" PRIu64
             " dropped + %" PRIu64 " in flight = %" PRIu64, scope, b->offered, b->unit, delivered, consumed,
                 dropped, b->in_flight, delivered + consumed + dropped + b->in_flight);
    return -1;
}

/* No queue may claim what the total does not know. The reverse is allowed: a frame that ends before a
 * queue was chosen (FCS, FIFO) is in the total only. */
static int queues_within_total(const struct result *r, struct book book_of(const struct result_ledger *),
                               char *why, unsigned long size)
{
    struct book total = book_of(&r->ledger);

    for (int f = FATE_IN_FLIGHT + 1; f < FATES; f++) {
        uint64_t sum = 0;

        for (int q = 0; q < r->queues; q++)
            sum += book_of(&r->queue[q].ledger).by_fate[f];
        if (sum > total.by_fate[f]) {
            snprintf(why, size, "%s: the queues count %" PRIu64 " %s, the total %" PRIu64,
                     fate_info[f].name, sum, total.unit, total.by_fate[f]);
            return -1;
        }
    }
    return 0;
}

static int ledger_balance(const struct result_ledger *l, const char *scope, char *why, unsigned long size)
{
    struct book frames = book_of_frames(l), bytes = book_of_bytes(l);

    if (book_balance(&frames, scope, why, size) != 0)
        return -1;
    return book_balance(&bytes, scope, why, size);
}

static int flow_balance(const struct result_flow *f, char *why, unsigned long size)
{
    uint64_t ended = f->delivered + f->consumed + f->dropped;

    if (f->offered == ended + f->in_flight)
        return 0;
    snprintf(why, size, "flow %s: %" PRIu64 " frames offered, but %" PRIu64 " ended and %" PRIu64
             " in flight",
             f->tuple, f->offered, ended, f->in_flight);
    return -1;
}

int result_balance(const struct result *r, char *why, unsigned long size)
{
    if (ledger_balance(&r->ledger, "total", why, size) != 0)
        return -1;
    for (int q = 0; q < r->queues; q++)
        if (ledger_balance(&r->queue[q].ledger, r->queue[q].scope, why, size) != 0)
            return -1;
    for (int f = 0; f < r->flows; f++)
        if (flow_balance(&r->flow[f], why, size) != 0)
            return -1;
    if (queues_within_total(r, book_of_frames, why, size) != 0)
        return -1;
    return queues_within_total(r, book_of_bytes, why, size);
}

/* ---- metrics ---- */

static double metric_offered(const struct result *r)
{
    return (double)r->ledger.offered;
}

static double metric_delivered(const struct result *r)
{
    return (double)result_kind(&r->ledger, FATE_KIND_DELIVERED);
}

static double metric_consumed(const struct result *r)
{
    return (double)result_kind(&r->ledger, FATE_KIND_CONSUMED);
}

static double metric_drops(const struct result *r)
{
    return (double)result_kind(&r->ledger, FATE_KIND_DROPPED);
}

static double metric_in_flight(const struct result *r)
{
    return (double)r->ledger.in_flight;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static double metric_drop_rate(const struct result *r)
{
    return ratio(metric_drops(r), metric_offered(r));
}

/* Rates are taken over the time in which traffic was offered: the drain behind it would dilute them. */
static double per_second(const struct result *r, double n)
{
    return ratio(n * (double)SEC, (double)(r->offer_ps > 0 ? r->offer_ps : r->sim_ps));
}

static double metric_goodput_bps(const struct result *r)
{
    struct book bytes = book_of_bytes(&r->ledger);

    return per_second(r, 8 * (double)book_kind(&bytes, FATE_KIND_DELIVERED));
}

static double metric_offered_pps(const struct result *r)
{
    return per_second(r, metric_offered(r));
}

static double metric_delivered_pps(const struct result *r)
{
    return per_second(r, metric_delivered(r));
}

/* A stage's times, NULL if none was measured. */
static const struct hist *times_of(const struct result *r, const char *stage)
{
    for (int i = r->stages - 1; i >= 0; i--)
        if (strcmp(r->stage[i].name, stage) == 0)
            return r->stage[i].hist.count > 0 ? &r->stage[i].hist : NULL;
    return NULL;
}

static double quantile_ns(const struct result *r, const char *stage, double q)
{
    const struct hist *h = times_of(r, stage);

    return h ? (double)hist_quantile(h, q) / (double)NS : NAN;
}

static double mean_ns(const struct result *r, const char *stage)
{
    const struct hist *h = times_of(r, stage);

    return h ? hist_mean(h) / (double)NS : NAN;
}

static double metric_latency_mean_ns(const struct result *r) { return mean_ns(r, "total"); }
static double metric_latency_p50_ns(const struct result *r)  { return quantile_ns(r, "total", 0.50); }
static double metric_latency_p90_ns(const struct result *r)  { return quantile_ns(r, "total", 0.90); }
static double metric_latency_p99_ns(const struct result *r)  { return quantile_ns(r, "total", 0.99); }
static double metric_latency_p999_ns(const struct result *r) { return quantile_ns(r, "total", 0.999); }
static double metric_latency_max_ns(const struct result *r)  { return quantile_ns(r, "total", 1.0); }

static double metric_rtt_mean_ns(const struct result *r)     { return mean_ns(r, RESULT_RTT); }
static double metric_rtt_p50_ns(const struct result *r)      { return quantile_ns(r, RESULT_RTT, 0.50); }
static double metric_rtt_p99_ns(const struct result *r)      { return quantile_ns(r, RESULT_RTT, 0.99); }
static double metric_rtt_p999_ns(const struct result *r)     { return quantile_ns(r, RESULT_RTT, 0.999); }

static double metric_rtt_min_ns(const struct result *r)
{
    const struct hist *h = times_of(r, RESULT_RTT);

    return h ? (double)h->min / (double)NS : NAN;
}

static double metric_answers_per_s(const struct result *r)
{
    return times_of(r, RESULT_RTT) ? per_second(r, (double)result_counter(r, NULL, "answers")) : NAN;
}

static double metric_polls(const struct result *r)        { return (double)r->polls; }
static double metric_irqs(const struct result *r)         { return (double)r->irqs; }
static double metric_softirq_runs(const struct result *r) { return (double)r->softirq_runs; }
static double metric_time_squeeze(const struct result *r) { return (double)r->time_squeeze; }

static double metric_packets_per_poll(const struct result *r)
{
    double packets = 0;

    for (size_t work = 1; work < sizeof r->work_hist / sizeof r->work_hist[0]; work++)
        packets += (double)work * (double)r->work_hist[work];
    return ratio(packets, (double)r->polls);
}

static int64_t cpu_sum(const struct result_cpu *c, unsigned contexts)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < RESULT_CONTEXTS; i++)
        if (contexts & 1u << i)
            sum += c->ps[i];
    return sum;
}

enum {
    ALL     = (1 << RESULT_CONTEXTS) - 1,
    BUSY    = ALL & ~(1 << RESULT_IDLE),
    HARDIRQ = 1 << RESULT_HARDIRQ,
    /* As mpstat's %soft: the kernel books the time of ksoftirqd as softirq time, a NAPI thread's as its
     * own. */
    SOFTIRQ = 1 << RESULT_SOFTIRQ | 1 << RESULT_KSOFTIRQD,
    TASK    = 1 << RESULT_NAPI_THREAD | 1 << RESULT_TASK,
};

/* Share of its time that the core with the largest share spends in these contexts. */
static double largest_share(const struct result *r, unsigned contexts)
{
    double largest = NAN;

    for (int i = 0; i < r->cpus; i++) {
        double share = ratio((double)cpu_sum(&r->cpu[i], contexts), (double)cpu_sum(&r->cpu[i], ALL));

        if (isnan(largest) || share > largest)
            largest = share;
    }
    return largest;
}

static double metric_cpu_busy(const struct result *r)      { return largest_share(r, BUSY); }
static double metric_hardirq_share(const struct result *r) { return largest_share(r, HARDIRQ); }
static double metric_softirq_share(const struct result *r) { return largest_share(r, SOFTIRQ); }
static double metric_task_share(const struct result *r)    { return largest_share(r, TASK); }

static double metric_cpu_cores(const struct result *r)
{
    double cores = r->cpus > 0 ? 0 : NAN;

    for (int i = 0; i < r->cpus; i++)
        cores += ratio((double)cpu_sum(&r->cpu[i], BUSY), (double)cpu_sum(&r->cpu[i], ALL));
    return cores;
}

/* One line a metric: name, unit, which way is better, what it says. Both tables below are made from it. */
#define METRICS(M) \
    M(offered, "frames", NEUTRAL, "frames that traffic offered to the machine") \
    M(delivered, "frames", HIGHER, "frames whose last byte an application has read") \
    M(consumed, "frames", NEUTRAL, "frames that ended by design: pure ACKs, XDP_DROP, forwarded") \
    M(drops, "frames", LOWER, "frames lost, for any reason") \
    M(in_flight, "frames", NEUTRAL, "frames still inside when the run ended") \
    M(drop_rate, "ratio", LOWER, "drops / offered") \
    M(goodput_bps, "bit/s", HIGHER, "delivered frames, destination address to FCS, over the time of offering") \
    M(offered_pps, "frame/s", NEUTRAL, "offered frames over the time of offering") \
    M(delivered_pps, "frame/s", HIGHER, "delivered frames over the time of offering") \
    M(latency_mean_ns, "ns", LOWER, "last bit at the MAC to the copy to the reader, mean") \
    M(latency_p50_ns, "ns", LOWER, "the same, median") \
    M(latency_p90_ns, "ns", LOWER, "the same, exceeded by 1 frame in 10") \
    M(latency_p99_ns, "ns", LOWER, "the same, exceeded by 1 frame in 100") \
    M(latency_p999_ns, "ns", LOWER, "the same, exceeded by 1 frame in 1000") \
    M(latency_max_ns, "ns", LOWER, "the same, slowest frame") \
    M(rtt_mean_ns, "ns", LOWER, "a client's request to its answer (traffic.kind rr), mean") \
    M(rtt_min_ns, "ns", LOWER, "the same, fastest") \
    M(rtt_p50_ns, "ns", LOWER, "the same, median") \
    M(rtt_p99_ns, "ns", LOWER, "the same, exceeded by 1 request in 100") \
    M(rtt_p999_ns, "ns", LOWER, "the same, exceeded by 1 request in 1000") \
    M(answers_per_s, "1/s", HIGHER, "answers that came back over the time of offering") \
    M(polls, "count", NEUTRAL, "calls of a driver's NAPI poll") \
    M(irqs, "count", NEUTRAL, "hardware interrupts of NIC queues") \
    M(softirq_runs, "count", NEUTRAL, "runs of net_rx_action") \
    M(time_squeeze, "count", NEUTRAL, "runs of net_rx_action that stopped with work left (softnet_stat column 3)") \
    M(packets_per_poll, "frames", NEUTRAL, "mean work done by a poll") \
    M(cpu_busy, "ratio", LOWER, "share of time in which the busiest core was not idle") \
    M(cpu_cores, "cores", LOWER, "cores busy on average, all cores together") \
    M(hardirq_share, "ratio", NEUTRAL, "share of time in hard interrupts, on the core with most of it") \
    M(softirq_share, "ratio", NEUTRAL, "the same in softirq and ksoftirqd (mpstat %soft)") \
    M(task_share, "ratio", NEUTRAL, "the same in NAPI threads and tasks")

#define INFO(metric, in, better, text)  { #metric, in, text, METRIC_##better },
#define COMPUTE(metric, in, better, text)  metric_##metric,

const struct metric_info metric_info[] = {
    METRICS(INFO)
    { NULL, NULL, NULL, METRIC_NEUTRAL }
};

static double (*const metric_compute[])(const struct result *r) = { METRICS(COMPUTE) };

double result_metric(const struct result *r, const char *name)
{
    for (int i = 0; metric_info[i].name; i++)
        if (strcmp(metric_info[i].name, name) == 0)
            return metric_compute[i](r);
    return NAN;
}

uint64_t result_counter(const struct result *r, const char *scope, const char *name)
{
    uint64_t sum = 0;

    for (int i = 0; i < r->counters; i++) {
        const struct result_counter *c = &r->counter[i];

        if (strcmp(c->name, name) == 0 && (scope == NULL || strcmp(c->scope, scope) == 0))
            sum += c->value;
    }
    return sum;
}
