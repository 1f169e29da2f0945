/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/goal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/config.h"
#include "sim/lab/near_miss.h"
#include "sim/lab/stats.h"

/* Short names of metrics. */
static const struct { const char *name, *metric; } shorts[] = {
    { "p50", "latency_p50_ns" }, { "p90", "latency_p90_ns" }, { "p99", "latency_p99_ns" }, { "p99.9", "latency_p999_ns" },
    { "mean", "latency_mean_ns" }, { "max", "latency_max_ns" }, { "cpu", "cpu_busy" }, { "loss", "drop_rate" },
};

enum { SHORTS = sizeof shorts / sizeof *shorts };

/* What a unit multiplies by, and the metric's unit it belongs to; NULL: any that is no time and no share. */
static const struct { const char *text; double factor; const char *in; } units[] = {
    { "", 1, NULL }, { "ns", 1, "ns" }, { "us", 1e3, "ns" }, { "ms", 1e6, "ns" }, { "s", 1e9, "ns" }, { "%", 0.01, "ratio" },
    { "k", 1e3, NULL }, { "M", 1e6, NULL }, { "G", 1e9, NULL }, { "pps", 1, "frame/s" }, { "kpps", 1e3, "frame/s" },
    { "Mpps", 1e6, "frame/s" }, { "bps", 1, "bit/s" }, { "kbps", 1e3, "bit/s" }, { "Mbps", 1e6, "bit/s" },
    { "Gbps", 1e9, "bit/s" },
};

static const struct { const char *text; enum goal_op op; } operators[] = {      /* the longer spellings first */
    { "<=", GOAL_LE }, { ">=", GOAL_GE }, { "==", GOAL_EQ }, { "<", GOAL_LT }, { ">", GOAL_GT }, { "=", GOAL_EQ },
};

static const struct metric_info *metric_find(const char *name)
{
    for (int i = 0; i < SHORTS; i++) {
        if (strcmp(name, shorts[i].name) == 0)
            name = shorts[i].metric;
    }
    for (const struct metric_info *k = metric_info; k->name; k++) {
        if (strcmp(k->name, name) == 0)
            return k;
    }
    return NULL;
}

static bool counter_exists(const char *name)
{
    for (int i = 0; rx_path[i]; i++) {
        for (size_t k = 0; k < rx_path[i]->n_counters; k++) {
            if (strcmp(rx_path[i]->counters[k].name, name) == 0)
                return true;
        }
    }
    return false;
}

static int unknown(const char *name, struct messages *m)
{
    struct near_miss n = { .word = name };

    for (int i = 0; i < SHORTS; i++)
        near_miss_try(&n, shorts[i].name);
    for (const struct metric_info *k = metric_info; k->name; k++)
        near_miss_try(&n, k->name);
    for (int i = 0; rx_path[i]; i++) {
        for (size_t k = 0; k < rx_path[i]->n_counters; k++)
            near_miss_try(&n, rx_path[i]->counters[k].name);
    }
    if (n.best)
        messages_add(m, "goal: there is no metric or counter %s (did you mean %s?)", name, n.best);
    else
        messages_add(m, "goal: there is no metric or counter %s; drops, loss, p99, cpu and delivered_pps are some", name);
    return -1;
}

/* Whom the name means, and the unit of its numbers. */
static int name_parse(struct goal_clause *c, const char **unit, struct messages *m)
{
    const struct metric_info *k = metric_find(c->name);

    c->fate = -1;
    *unit = k ? k->unit : "count";
    if (k) {
        c->metric = k->name;
        return 0;
    }
    if (strncmp(c->name, "drop:", 5) == 0) {
        for (int f = 0; f < FATES; f++) {
            if (strcmp(fate_info[f].name, c->name + 5) == 0)
                c->fate = f;
        }
        if (c->fate < 0)
            messages_add(m, "goal: there is no drop reason %s; `rxsim drops` lists all", c->name + 5);
        return c->fate < 0 ? -1 : 0;
    }
    return counter_exists(c->name) ? 0 : unknown(c->name, m);
}

static int limit_parse(struct goal_clause *c, const char *text, const char *unit, struct messages *m)
{
    char *end;

    c->limit = strtod(text, &end);
    if (end == text || !isfinite(c->limit)) {
        messages_add(m, "goal: %s: a number belongs behind the sign", c->text);
        return -1;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].text) != 0)
            continue;
        bool fits = units[i].in ? strcmp(units[i].in, unit) == 0 : !*end || (strcmp(unit, "ns") && strcmp(unit, "ratio"));
        if (!fits)
            break;
        if (strcmp(unit, "ns") == 0 && !*end && c->limit != 0) {
            messages_add(m, "goal: %s: which unit? ns, us, ms or s", c->text);
            return -1;
        }
        c->limit *= units[i].factor;
        return 0;
    }
    messages_add(m, "goal: %s: '%s' is no unit of %s, which is in %s", c->text, end, c->name, unit);
    return -1;
}

static int clause_parse(struct goal_clause *c, const char *from, const char *end, struct messages *m)
{
    const char *unit, *sign;

    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    snprintf(c->text, sizeof c->text, "%.*s", (int)(end - from), from);
    sign = strpbrk(c->text, "<>=");
    if (!sign || sign == c->text || (size_t)(end - from) >= sizeof c->text) {
        messages_add(m, "goal: '%s' is not NAME OP NUMBER, like p99<100us, drops=0 or cpu<=70%%", c->text);
        return -1;
    }
    size_t length = (size_t)(sign - c->text);
    if (length >= sizeof c->name) {
        messages_add(m, "goal: %s: a name of more than %d letters", c->text, (int)sizeof c->name - 1);
        return -1;
    }
    memcpy(c->name, c->text, length);           /* the clause begins zeroed */
    while (*c->name && isspace((unsigned char)c->name[strlen(c->name) - 1]))
        c->name[strlen(c->name) - 1] = '\0';
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t n = strlen(operators[i].text);
        if (strncmp(sign, operators[i].text, n) != 0)
            continue;
        c->op = operators[i].op;
        sign += n;
        break;
    }
    while (isspace((unsigned char)*sign))
        sign++;
    return name_parse(c, &unit, m) != 0 ? -1 : limit_parse(c, sign, unit, m);
}

int goal_parse(struct goal *g, const char *text, struct messages *m)
{
    *g = (struct goal){ 0 };
    for (const char *from = text; ; ) {
        const char *and = strstr(from, "&&"), *end = and ? and : from + strlen(from);
        if (g->clauses == GOAL_CLAUSES) {
            messages_add(m, "goal: more than %d clauses", GOAL_CLAUSES);
            return -1;
        }
        if (clause_parse(&g->clause[g->clauses++], from, end, m) != 0)
            return -1;
        if (!and)
            return 0;
        from = and + 2;
    }
}

double goal_value(const struct goal_clause *c, const struct result *r)
{
    if (c->metric)
        return result_metric(r, c->metric);
    if (c->fate >= 0)
        return (double)r->ledger.frames[c->fate];
    return (double)result_counter(r, NULL, c->name);
}

bool goal_holds(const struct goal_clause *c, double value)
{
    switch (c->op) {
    case GOAL_LT: return value < c->limit;
    case GOAL_LE: return value <= c->limit;
    case GOAL_GT: return value > c->limit;
    case GOAL_GE: return value >= c->limit;
    default: return value == c->limit;
    }
}

enum goal_status goal_judge(const struct goal_clause *c, const double *value, int n, double confidence, bool *mean_holds)
{
    struct estimate e = stats_estimate(value, (size_t)n, confidence);
    bool all = true;

    for (int i = 0; i < n; i++)
        all &= goal_holds(c, value[i]);
    if (c->op == GOAL_EQ || e.n < (size_t)n || e.n < 2) {   /* NAN: the run cannot show that it holds */
        if (mean_holds)
            *mean_holds = all;
        return all ? GOAL_MET : GOAL_MISSED;
    }
    bool low = goal_holds(c, e.mean - e.half_width), high = goal_holds(c, e.mean + e.half_width);
    if (mean_holds)
        *mean_holds = goal_holds(c, e.mean);
    return low && high ? GOAL_MET : low || high ? GOAL_UNSURE : GOAL_MISSED;
}
