/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/timeline.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host.h"
#include "sim/lab/table_file.h"

const char *const timeline_kind_name[TIMELINE_KINDS] = { "irq", "net_rx", "poll", "wake", "switch", "recv" };
static const char *const task_name[TIMELINE_TASKS] = { "app", "ksoftirqd", "idle" };

enum {
    AGREE = 4,                  /* so many events in a row mean the timelines are together again */
    LOOK_AHEAD = 400,           /* how far such a place is looked for */
};

void timeline_init(struct timeline *t)
{
    *t = (struct timeline){ 0 };
}

void timeline_free(struct timeline *t)
{
    free(t->event);
    timeline_init(t);
}

static void add(struct timeline *t, ps_t at, enum timeline_kind kind, int64_t value)
{
    if (t->n == t->room && !t->broken) {
        size_t room = t->room ? 2 * t->room : 4096;
        struct timeline_event *bigger = realloc(t->event, room * sizeof *bigger);
        t->broken = bigger == NULL;
        if (bigger) {
            t->event = bigger;
            t->room = room;
        }
    }
    if (!t->broken)
        t->event[t->n++] = (struct timeline_event){ at, kind, value };
}

/* ---- what was recorded ---- */

static int find(const char *word, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(word, names[i]) == 0)
            return i;
    }
    return -1;
}

/* A whole number whose picoseconds, if it counts ns, still fit. */
static bool whole_number(const char *text, int64_t *number)
{
    char *end;
    long long n = strtoll(text, &end, 10);

    *number = n;
    return end != text && !*end && n <= INT64_MAX / NS && n >= -(INT64_MAX / NS);
}

static bool read_row(struct timeline *t, const struct table_file *f, int row)
{
    const char *at = table_file_cell(f, row, "t_ns"), *event = table_file_cell(f, row, "event");
    const char *value = table_file_cell(f, row, "value");
    int kind = event ? find(event, timeline_kind_name, TIMELINE_KINDS) : -1;
    int64_t ns, number = 0;

    if (!at || !value || kind < 0 || !whole_number(at, &ns))
        return false;
    if (kind == TIMELINE_POLL && !whole_number(value, &number))
        return false;
    if (kind == TIMELINE_WAKE || kind == TIMELINE_SWITCH)
        number = find(value, task_name, TIMELINE_TASKS);
    if (number < 0)
        return false;
    add(t, ns * NS, (enum timeline_kind)kind, number);
    return true;
}

int timeline_read(struct timeline *t, const char *path, struct messages *m)
{
    struct table_file f;
    int failed = table_file_read(&f, path, m);

    timeline_init(t);
    for (int row = 0; row < f.rows && !failed; row++) {
        if (!read_row(t, &f, row)) {
            messages_add(m, "%s:%d: a line is t_ns,event,value, with events irq net_rx poll wake switch recv", f.name,
                         f.line[row]);
            failed = -1;
        }
    }
    if (!failed && t->broken) {
        messages_add(m, "%s: out of memory", path);
        failed = -1;
    }
    table_file_free(&f);
    return failed;
}

/* ---- what is simulated ---- */

void timeline_hook(void *user, ps_t now, int point, int cpu, int64_t a, int64_t b)
{
    struct timeline *t = user;

    (void)cpu;
    (void)b;
    switch (point) {
    case TRACE_IRQ_HANDLER_ENTRY:
        add(t, now, TIMELINE_IRQ, 0);
        break;
    case TRACE_SOFTIRQ_ENTRY:
        add(t, now, TIMELINE_NET_RX, 0);
        break;
    case TRACE_NAPI_POLL:
        add(t, now, TIMELINE_POLL, a);
        break;
    case TRACE_SCHED_WAKEUP:
        add(t, now, TIMELINE_WAKE, a > 0 ? TIMELINE_KSOFTIRQD : TIMELINE_APP);
        break;
    case TRACE_SCHED_SWITCH:
        add(t, now, TIMELINE_SWITCH, a < 0 ? TIMELINE_IDLE : a > 0 ? TIMELINE_KSOFTIRQD : TIMELINE_APP);
        break;
    case TRACE_RECV_RETURN:
        add(t, now, TIMELINE_RECV, 0);
        break;
    default:
        break;
    }
}

/* ---- side by side ---- */

static bool same(const struct timeline_event *a, const struct timeline_event *b)
{
    return a->kind == b->kind && a->value == b->value;
}

static bool together(const struct timeline *a, size_t i, const struct timeline *b, size_t k)
{
    for (size_t n = 0; n < AGREE; n++) {
        if (i + n >= a->n || k + n >= b->n || !same(&a->event[i + n], &b->event[k + n]))
            return false;
    }
    return true;
}

/* The nearest place, counted in events skipped on both sides; false: there is none. */
static bool find_place(const struct timeline *a, size_t *i, const struct timeline *b, size_t *k)
{
    for (size_t skip = 1; skip < LOOK_AHEAD; skip++) {
        for (size_t in_a = 0; in_a <= skip; in_a++) {
            if (together(a, *i + in_a, b, *k + skip - in_a)) {
                *i += in_a;
                *k += skip - in_a;
                return true;
            }
        }
    }
    return false;
}

struct timeline_match timeline_compare(const struct timeline *a, const struct timeline *b)
{
    struct timeline_match m = { .first_a = a->n, .first_b = b->n };
    double sum[TIMELINE_KINDS] = { 0 };
    size_t i = 0, k = 0;

    while (i < a->n && k < b->n) {
        const struct timeline_event *x = &a->event[i], *y = &b->event[k];
        if (same(x, y)) {
            ps_t apart = x->at > y->at ? x->at - y->at : y->at - x->at;
            m.matched[x->kind]++;
            sum[x->kind] += (double)apart;
            if (apart > m.apart[x->kind])
                m.apart[x->kind] = apart;
            i++;
            k++;
            continue;
        }
        if (m.first_a == a->n) {
            m.first_a = i;
            m.first_b = k;
        }
        size_t was_i = i, was_k = k;
        if (!find_place(a, &i, b, &k))
            break;
        m.only_a += i - was_i;
        m.only_b += k - was_k;
    }
    m.only_a += a->n - i;
    m.only_b += b->n - k;
    for (int kind = 0; kind < TIMELINE_KINDS; kind++)
        m.apart_mean[kind] = m.matched[kind] ? sum[kind] / (double)m.matched[kind] : 0;
    return m;
}

const char *timeline_value_text(const struct timeline_event *e, char buffer[32])
{
    buffer[0] = '\0';
    if (e->kind == TIMELINE_POLL)
        snprintf(buffer, 32, "%lld", (long long)e->value);
    else if (e->kind == TIMELINE_WAKE || e->kind == TIMELINE_SWITCH)
        snprintf(buffer, 32, "%s", task_name[e->value]);
    return buffer;
}
