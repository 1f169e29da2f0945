/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/host.h"

/* Looks in no step with usual rates: a prime number of nanoseconds. Some ten thousand in a run of 10 ms. */
static const ps_t CENSUS_EVERY = 1009 * NS;

void probe_init(struct probe *p)
{
    *p = (struct probe){ .census.every = CENSUS_EVERY };
}

void probe_free(struct probe *p)
{
    free(p->recv);
    free(p->sorted);
    probe_init(p);
}

static void queue_changes(struct probe *p, ps_t now, int64_t by)
{
    p->queued_ps += (double)p->queued * (double)(now - p->queued_at);
    p->queued_at = now;
    p->queued += by;
}

static void recv_returned(struct probe *p, ps_t now, ps_t wire_at)
{
    if (p->recvs == p->room) {
        size_t room = p->room ? 2 * p->room : 4096;
        void *bigger = realloc(p->recv, room * sizeof *p->recv);
        if (!bigger) {
            p->broken = 1;
            return;
        }
        p->recv = bigger;
        p->room = room;
    }
    p->recv[p->recvs].wire_at = wire_at;
    p->recv[p->recvs++].returned_at = now;
}

void probe_hook(void *user, ps_t now, int point, int cpu, int64_t a, int64_t b)
{
    struct probe *p = user;

    (void)cpu;
    (void)a;
    if (point == TRACE_KFREE_SKB && now >= p->warm_at)
        p->warm_drops += fate_info[b].kind == FATE_KIND_DROPPED;
    else if (point == TRACE_SOCK_QUEUE)
        queue_changes(p, now, 1);
    else if (point == TRACE_RECV)
        queue_changes(p, now, -1);
    else if (point == TRACE_RECV_RETURN && !p->broken)
        recv_returned(p, now, b);
}

/* ---- latencies ---- */

static int ascending(const void *a, const void *b)
{
    const ps_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The value below which a share q lies: the sample of that rank, as the measurements' own tools take it. */
static double quantile(const ps_t *sorted, size_t n, double q)
{
    size_t i = (size_t)(q * (double)n);

    return (double)sorted[i < n ? i : n - 1] / NS;
}

/* Once for all that is asked of them. */
static void sort_latencies(struct probe *p)
{
    free(p->sorted);
    p->sorted = p->recvs ? malloc(p->recvs * sizeof *p->sorted) : NULL;
    p->n_sorted = p->sorted ? p->recvs : 0;
    p->latency_sum_ns = 0;
    for (size_t i = 0; i < p->n_sorted; i++) {
        p->sorted[i] = p->recv[i].returned_at - p->recv[i].wire_at;
        p->latency_sum_ns += (double)p->sorted[i] / NS;
    }
    if (p->sorted)
        qsort(p->sorted, p->n_sorted, sizeof *p->sorted, ascending);
}

static double latency(struct probe *p, const char *which)
{
    if (p->n_sorted != p->recvs)
        sort_latencies(p);
    if (p->n_sorted == 0)
        return NAN;
    if (strcmp(which, "mean") == 0)
        return p->latency_sum_ns / (double)p->n_sorted;
    if (strcmp(which, "min") == 0)
        return (double)p->sorted[0] / NS;
    if (strcmp(which, "max") == 0)
        return (double)p->sorted[p->n_sorted - 1] / NS;
    if (which[0] == 'p')
        return quantile(p->sorted, p->n_sorted, strtod(which + 1, NULL) / 100);
    return NAN;
}

static double in_window(const struct probe *p, const struct result *r)
{
    double n = 0;

    for (size_t i = 0; i < p->recvs; i++)
        n += p->recv[i].returned_at <= r->last_arrival_ps;
    return n;
}

/* ---- Little's law ---- */

/* Picoseconds that all delivered frames together spent in a stage. */
static double stage_ps(const struct result *r, const char *stage)
{
    for (int i = 0; i < r->stages; i++) {
        if (strcmp(r->stage[i].name, stage) == 0)
            return hist_mean(&r->stage[i].hist) * (double)r->stage[i].hist.count;
    }
    return NAN;
}

/* L / (lambda W) is what was seen inside over the sum of times; both are per unit of time, which cancels. */
static double little(const struct probe *p, const struct result *r, const char *where)
{
    double look_ps = p->census.looks ? (double)r->sim_ps / (double)p->census.looks : NAN;

    if (strcmp(where, "socket") == 0)
        return p->queued_ps / stage_ps(r, stage_name[STAGE_SOCKET]);
    if (strcmp(where, "ring") == 0)
        return (double)p->census.ring * look_ps / (stage_ps(r, stage_name[STAGE_IRQ]) + stage_ps(r, stage_name[STAGE_RING]));
    if (strcmp(where, "inside") == 0)
        return (double)p->census.inside * look_ps / stage_ps(r, stage_name[STAGE_TOTAL]);
    return NAN;
}

bool probe_needs_census(const char *expression)
{
    return strstr(expression, "little:ring") || strstr(expression, "little:inside");
}

/* ---- numbers of the result ---- */

static double warm_drop_rate(const struct probe *p, const struct result *r)
{
    double drops = (double)p->warm_drops, delivered = (double)r->stage[STAGE_TOTAL].hist.count;

    return drops + delivered > 0 ? drops / (drops + delivered) : NAN;
}

static double first_drop(const struct result *r)
{
    for (int i = 0; i < r->packets; i++) {              /* by number, and the first drop is always among them */
        if (fate_info[r->packet[i].fate].kind == FATE_KIND_DROPPED)
            return (double)r->packet[i].seq;
    }
    return NAN;
}

static double dropped(const struct result *r, const char *reason)
{
    for (int f = 0; f < FATES; f++) {
        if (strcmp(fate_info[f].name, reason) == 0)
            return (double)r->ledger.frames[f];
    }
    return NAN;
}

static double counter(const struct result *r, const char *name)
{
    char scope[SCOPE_NAME];
    const char *colon = strchr(name, ':');

    if (!colon)
        return (double)result_counter(r, NULL, name);
    if ((size_t)(colon - name) >= sizeof scope)
        return NAN;
    memcpy(scope, name, (size_t)(colon - name));
    scope[colon - name] = '\0';
    return (double)result_counter(r, scope, colon + 1);
}

static double cpu_ns(const struct result *r, const char *context)
{
    double sum = 0;

    for (int k = 0; k < RESULT_CONTEXTS; k++) {
        if (strcmp(result_context_name[k], context) != 0)
            continue;
        for (int c = 0; c < r->cpus; c++)
            sum += (double)r->cpu[c].ps[k] / NS;
        return sum;
    }
    return NAN;
}

static double busy_cpus(const struct result *r)
{
    double busy = 0;

    for (int c = 0; c < r->cpus; c++) {
        for (int k = 0; k < RESULT_CONTEXTS; k++)
            busy += k == RESULT_IDLE ? 0 : (double)r->cpu[c].ps[k];
    }
    return busy / (double)r->sim_ps;
}

static double poll_work(const struct result *r)
{
    double sum = 0;

    for (int i = 0; i < (int)(sizeof r->work_hist / sizeof r->work_hist[0]); i++)
        sum += (double)r->work_hist[i] * i;
    return sum;
}

static double plain(const struct probe *p, const struct result *r, const char *name)
{
    const struct { const char *name; double value; } table[] = {
        { "app_n", (double)p->recvs }, { "busy_cpus", busy_cpus(r) },
        { "polls", (double)r->polls }, { "poll_work", poll_work(r) }, { "irqs", (double)r->irqs },
        { "net_rx_runs", (double)r->softirq_runs }, { "time_squeeze", (double)r->time_squeeze },
        { "offered", (double)r->ledger.offered }, { "in_flight", (double)r->ledger.in_flight },
        { "delivered", (double)result_kind(&r->ledger, FATE_KIND_DELIVERED) },
        { "consumed", (double)result_kind(&r->ledger, FATE_KIND_CONSUMED) },
        { "dropped", (double)result_kind(&r->ledger, FATE_KIND_DROPPED) },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0)
            return table[i].value;
    }
    return NAN;
}

static double by_name(struct probe *p, const struct result *r, const char *name)
{
    if (strncmp(name, "wire2app_", 9) == 0)
        return latency(p, name + 9);
    if (strcmp(name, "app_in_window") == 0)
        return in_window(p, r);
    if (strcmp(name, "warm_drop_rate") == 0)
        return warm_drop_rate(p, r);
    if (strcmp(name, "first_drop") == 0)
        return first_drop(r);
    if (strncmp(name, "little:", 7) == 0)
        return little(p, r, name + 7);
    if (strncmp(name, "drop:", 5) == 0)
        return dropped(r, name + 5);
    if (strncmp(name, "counter:", 8) == 0)
        return counter(r, name + 8);
    if (strncmp(name, "cpu:", 4) == 0)
        return cpu_ns(r, name + 4);
    if (strncmp(name, "metric:", 7) == 0)
        return result_metric(r, name + 7);
    return plain(p, r, name);
}

double probe_metric(struct probe *p, const struct result *r, const char *name)
{
    size_t n = strlen(name);
    char base[128];

    if (n < 3 || n >= sizeof base || strcmp(name + n - 2, "/s") != 0)
        return by_name(p, r, name);
    memcpy(base, name, n - 2);
    base[n - 2] = '\0';
    return by_name(p, r, base) * 1e12 / (double)(r->offer_ps > 0 ? r->offer_ps : r->sim_ps);
}
