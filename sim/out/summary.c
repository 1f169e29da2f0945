/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/engine/time.h"
#include "sim/out/table.h"

enum {
    TAIL_SAMPLES = 10,          /* beyond a quantile, or it says more about luck than about the system */
    LINE         = 100,         /* columns of running text */
    SHOWN_CPUS   = 16,          /* of the busy ones; `rxsim show --json` has all */
};

void fingerprint_text(const struct fingerprint *f, char text[33])
{
    snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, f->hi, f->lo);
}

static void title(const char *text, bool colour, FILE *out)
{
    fprintf(out, colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

/* ---- frames and drops ---- */

static void frames_row(struct table *t, const char *name, uint64_t n, uint64_t offered, const char *meaning)
{
    char number[NUMBER_TEXT], percent[NUMBER_TEXT];

    table_cell(t, "%s", name);
    table_cell(t, "%s", number_grouped(n, number));
    table_cell(t, "%s", number_percent(share((double)n, (double)offered), percent));
    table_cell(t, "%s", meaning);
}

static void print_frames(const struct result *r, bool colour, FILE *out)
{
    const struct result_ledger *l = &r->ledger;
    struct table t;

    title("Frames", colour, out);
    table_init(&t, "|>|>|");
    frames_row(&t, "offered", l->offered, l->offered, "on the wire");
    frames_row(&t, "delivered", result_kind(l, FATE_KIND_DELIVERED), l->offered, "read by an application");
    frames_row(&t, "consumed", result_kind(l, FATE_KIND_CONSUMED), l->offered,
               "ended by design (pure ACK, XDP_DROP, forwarded)");
    frames_row(&t, "dropped", result_kind(l, FATE_KIND_DROPPED), l->offered, "lost, see below");
    frames_row(&t, "in flight", l->in_flight, l->offered, "still inside at the end");
    table_print(&t, 2, out);
    table_free(&t);
}

/* Breaks at blanks; further lines are indented below the first's text. */
static void print_wrapped(const char *name, const char *text, FILE *out)
{
    int at = fprintf(out, "  %s:", name), indent = at;

    while (*text) {
        int word = (int)strcspn(text, " ");

        if (at + 1 + word > LINE)
            at = fprintf(out, "\n%*s", indent, "") - 1;
        at += fprintf(out, " %.*s", word, text);
        text += word + (text[word] == ' ');
    }
    fputc('\n', out);
}

/* The counters that an admin sees move are too many words for a column. */
static void print_counters_seen(const struct result *r, enum fate_kind kind, FILE *out)
{
    char text[512] = "";

    fprintf(out, "  Seen as:\n");
    for (int f = 0; f < FATES; f++) {
        if (fate_info[f].kind != kind || r->ledger.frames[f] == 0)
            continue;
        const char *by_driver = nic_stats_seen(r, (enum fate)f, text, sizeof text);
        print_wrapped(fate_info[f].name, by_driver ? by_driver : fate_info[f].moves, out);
    }
}

static void print_fates(const struct result *r, enum fate_kind kind, const char *name, bool colour, FILE *out)
{
    char number[NUMBER_TEXT], percent[NUMBER_TEXT];
    struct table t;

    if (result_kind(&r->ledger, kind) == 0)
        return;
    title(name, colour, out);
    table_init(&t, "reason|>frames|>share|at|what happened");
    for (int f = 0; f < FATES; f++) {
        uint64_t n = r->ledger.frames[f];

        if (fate_info[f].kind != kind || n == 0)
            continue;
        table_cell(&t, "%s", fate_info[f].name);
        table_cell(&t, "%s", number_grouped(n, number));
        table_cell(&t, "%s", number_percent(share((double)n, (double)r->ledger.offered), percent));
        table_cell(&t, "%s", fate_info[f].stage);
        table_cell(&t, "%s", fate_info[f].doc);
    }
    table_print(&t, 2, out);
    table_free(&t);
    if (kind == FATE_KIND_DROPPED)
        print_counters_seen(r, kind, out);
}

/* ---- latency ---- */

static const struct { double q; const char *key; } quantiles[] = {
    { 0.50, "p50" }, { 0.90, "p90" }, { 0.99, "p99" }, { 0.999, "p99.9" },
};

static double ns_of(double ps)
{
    return ps / (double)NS;
}

static bool is_rtt(const struct result_stage *s)
{
    return strcmp(s->name, RESULT_RTT) == 0;
}

/* Mean, quantiles, maximum. */
static void times_cells(struct table *t, const struct hist *h)
{
    char text[NUMBER_TEXT];

    table_cell(t, "%s", number_time(ns_of(hist_mean(h)), text));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        bool known = (1 - quantiles[i].q) * (double)h->count >= TAIL_SAMPLES;

        table_cell(t, "%s", number_time(known ? ns_of((double)hist_quantile(h, quantiles[i].q)) : NAN, text));
    }
    table_cell(t, "%s", number_time(ns_of((double)h->max), text));
}

static void latency_row(struct table *t, const struct result_stage *s, double total)
{
    const struct hist *h = &s->hist;
    char text[NUMBER_TEXT];

    table_cell(t, "%s", s->name);
    table_cell(t, "%s", number_percent(share(hist_mean(h) * (double)h->count, total), text));
    times_cells(t, h);
}

static double total_of(const struct result *r)
{
    for (int i = 0; i < r->stages; i++)
        if (strcmp(r->stage[i].name, "total") == 0)
            return hist_mean(&r->stage[i].hist) * (double)r->stage[i].hist.count;
    return NAN;
}

static void print_latency(const struct result *r, bool colour, FILE *out)
{
    struct table t;

    title("Latency of delivered frames, by stage", colour, out);
    table_init(&t, "|>share|>mean|>p50|>p90|>p99|>p99.9|>max");
    for (int i = 0; i < r->stages; i++)
        if (r->stage[i].hist.count > 0 && !is_rtt(&r->stage[i]))
            latency_row(&t, &r->stage[i], total_of(r));
    if (t.rows > 1)
        table_print(&t, 2, out);
    else
        fprintf(out, "  nothing was delivered after the warm-up\n");
    table_free(&t);
}

/* What clients saw that wait for their answers; nothing where there are none. */
static void print_rtt(const struct result *r, bool colour, FILE *out)
{
    char text[NUMBER_TEXT];
    struct table t;

    for (int i = 0; i < r->stages; i++) {
        const struct hist *h = &r->stage[i].hist;
        if (!is_rtt(&r->stage[i]))
            continue;
        title("Round trips of requests", colour, out);
        if (h->count == 0) {
            fprintf(out, "  none was answered after the warm-up; app.reply is what an application answers with\n");
            continue;
        }
        table_init(&t, "|>answers|>min|>mean|>p50|>p90|>p99|>p99.9|>max");
        table_cell(&t, "%s", RESULT_RTT);
        table_cell(&t, "%s", number_grouped(h->count, text));
        table_cell(&t, "%s", number_time(ns_of((double)h->min), text));
        times_cells(&t, h);
        table_print(&t, 2, out);
        table_free(&t);
    }
}

/* ---- CPU and NAPI ---- */

static int64_t cpu_total(const struct result_cpu *c)
{
    int64_t sum = 0;

    for (int i = 0; i < RESULT_CONTEXTS; i++)
        sum += c->ps[i];
    return sum;
}

static bool cpu_is_busy(const struct result_cpu *c)
{
    return share((double)(cpu_total(c) - c->ps[RESULT_IDLE]), (double)cpu_total(c)) >= 0.0005;
}

static void print_cpus(const struct result *r, bool colour, bool all, FILE *out)
{
    char text[NUMBER_TEXT];
    struct table t;
    int shown = 0;

    title("CPU time", colour, out);
    table_init(&t, "|>hardirq|>softirq|>ksoftirqd|>napi_thread|>task|>idle");
    for (int i = 0; i < r->cpus; i++) {
        if (!all && (!cpu_is_busy(&r->cpu[i]) || shown == SHOWN_CPUS))
            continue;
        shown++;
        table_cell(&t, "cpu%d", i);
        for (int c = 0; c < RESULT_CONTEXTS; c++)
            table_cell(&t, "%s", number_percent(share((double)r->cpu[i].ps[c], (double)cpu_total(&r->cpu[i])), text));
    }
    if (shown > 0)
        table_print(&t, 2, out);
    if (shown < r->cpus)
        fprintf(out, "  %d of %d CPUs not shown: %s\n", r->cpus - shown, r->cpus,
                shown == SHOWN_CPUS ? "-v shows them" : "idle");
    table_free(&t);
}

static void print_napi(const struct result *r, bool colour, FILE *out)
{
    char polls[NUMBER_TEXT], irqs[NUMBER_TEXT], runs[NUMBER_TEXT], squeeze[NUMBER_TEXT], per_poll[NUMBER_TEXT];

    title("NAPI", colour, out);
    fprintf(out, "  %s polls of %s packets on average, %s interrupts, %s softirq runs, time_squeeze %s\n",
            number_grouped(r->polls, polls), number_short(result_metric(r, "packets_per_poll"), 3, per_poll),
            number_grouped(r->irqs, irqs), number_grouped(r->softirq_runs, runs),
            number_grouped(r->time_squeeze, squeeze));
}

void summary_print(const struct result *r, bool colour, bool all_cpus, FILE *out)
{
    print_frames(r, colour, out);
    print_fates(r, FATE_KIND_DROPPED, "Drops", colour, out);
    print_fates(r, FATE_KIND_CONSUMED, "Consumed by design", colour, out);
    print_latency(r, colour, out);
    print_rtt(r, colour, out);
    print_cpus(r, colour, all_cpus, out);
    print_napi(r, colour, out);
}

/* ---- JSON ---- */

static void json_drops(struct json *j, const struct result *r, const char *key, enum fate_kind kind)
{
    json_object(j, key);
    for (int f = 0; f < FATES; f++)
        if (fate_info[f].kind == kind && r->ledger.frames[f] > 0)
            json_uint(j, fate_info[f].name, r->ledger.frames[f]);
    json_end(j);
}

static bool scope_is_first(const struct result *r, int i)
{
    for (int k = 0; k < i; k++)
        if (strcmp(r->counter[k].scope, r->counter[i].scope) == 0)
            return false;
    return true;
}

static void json_counters(struct json *j, const struct result *r)
{
    json_object(j, "counters");
    for (int i = 0; i < r->counters; i++) {
        if (!scope_is_first(r, i))
            continue;
        json_object(j, r->counter[i].scope);
        for (int k = i; k < r->counters; k++)
            if (strcmp(r->counter[k].scope, r->counter[i].scope) == 0)
                json_uint(j, r->counter[k].name, r->counter[k].value);
        json_end(j);
    }
    json_end(j);
}

static void json_latency(struct json *j, const struct result *r)
{
    json_object(j, "latency_ns");
    for (int i = 0; i < r->stages; i++) {
        const struct hist *h = &r->stage[i].hist;

        json_object(j, r->stage[i].name);
        json_uint(j, "count", h->count);
        json_real(j, "mean", h->count ? ns_of(hist_mean(h)) : NAN);
        for (size_t k = 0; k < sizeof quantiles / sizeof quantiles[0]; k++)
            json_real(j, quantiles[k].key, h->count ? ns_of((double)hist_quantile(h, quantiles[k].q)) : NAN);
        if (is_rtt(&r->stage[i]))
            json_real(j, "min", h->count ? ns_of((double)h->min) : NAN);
        json_real(j, "max", h->count ? ns_of((double)h->max) : NAN);
        json_end(j);
    }
    json_end(j);
}

static void json_cpus(struct json *j, const struct result *r)
{
    json_object(j, "cpu_ns");
    for (int i = 0; i < r->cpus; i++) {
        char name[24];

        snprintf(name, sizeof name, "cpu%d", i);
        json_object(j, name);
        for (int c = 0; c < RESULT_CONTEXTS; c++)
            json_real(j, result_context_name[c], ns_of((double)r->cpu[i].ps[c]));
        json_end(j);
    }
    json_end(j);
}

static void json_napi(struct json *j, const struct result *r)
{
    json_object(j, "napi");
    json_uint(j, "polls", r->polls);
    json_object(j, "work_hist");
    for (size_t work = 0; work < sizeof r->work_hist / sizeof r->work_hist[0]; work++) {
        char name[24];

        snprintf(name, sizeof name, "%zu", work);
        if (work <= 64 || r->work_hist[work] > 0)   /* 64: the weight of every driver's poll */
            json_uint(j, name, r->work_hist[work]);
    }
    json_end(j);
    json_uint(j, "irqs", r->irqs);
    json_uint(j, "softirq_runs", r->softirq_runs);
    json_uint(j, "time_squeeze", r->time_squeeze);
    json_end(j);
}

static void json_metrics(struct json *j, const struct result *r)
{
    json_object(j, "metrics");
    for (int i = 0; metric_info[i].name; i++)
        json_real(j, metric_info[i].name, result_metric(r, metric_info[i].name));
    json_end(j);
}

void summary_json(struct json *j, const struct result *r)
{
    char fingerprint[33];

    fingerprint_text(&r->fingerprint, fingerprint);
    json_text(j, "fingerprint", fingerprint);
    json_bool(j, "deterministic", r->deterministic);
    json_real(j, "sim_ns", ns_of((double)r->sim_ps));
    json_real(j, "wall_s", r->wall_s);
    json_real(j, "frames_per_wall_s", r->wall_s > 0 ? (double)r->ledger.offered / r->wall_s : NAN);
    json_uint(j, "offered", r->ledger.offered);
    json_uint(j, "delivered", result_kind(&r->ledger, FATE_KIND_DELIVERED));
    json_uint(j, "consumed", result_kind(&r->ledger, FATE_KIND_CONSUMED));
    json_uint(j, "in_flight", r->ledger.in_flight);
    json_drops(j, r, "drops", FATE_KIND_DROPPED);
    json_drops(j, r, "consumed_by", FATE_KIND_CONSUMED);
    json_counters(j, r);
    json_latency(j, r);
    json_cpus(j, r);
    json_napi(j, r);
    json_metrics(j, r);
}
