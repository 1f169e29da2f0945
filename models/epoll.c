/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/epoll.h"

#include <stdio.h>
#include <string.h>

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

static const char *const triggers[] = { "level", "edge", NULL };
static const char *const reads[] = { "all", "one", NULL };

static const struct param rows[] = {
    PARAM_TEXT(struct epoll_params, share, "app.share", "name of the application whose UDP socket it reads; empty: its own",
               "one reader a socket"),
    PARAM_SWITCH(struct epoll_params, exclusive, "app.exclusive", 0,
                 "EPOLLEXCLUSIVE: of several epolls with one socket, the first that waits is woken, not all", "epoll_ctl(2): off"),
    PARAM_CHOICE(struct epoll_params, trigger, "app.trigger", EPOLL_LEVEL, triggers,
                 "epoll: level reports a socket as long as it holds data, edge (EPOLLET) when more has come", "epoll(7): level"),
    PARAM_CHOICE(struct epoll_params, reads, "app.event_reads", EPOLL_READS_ALL, reads,
                 "epoll: recv() until the socket is empty, or one for each event", "epoll(7) advises to read until EAGAIN"),
};
ALL_FIELDS_HAVE_ROWS(struct epoll_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct epoll_counters, woken_for_nothing, "woken_for_nothing", "simulator only",
            "times it was woken and found its sockets empty: others had read"),
};
ALL_COUNTERS_HAVE_ROWS(struct epoll_counters, counter_rows);

const struct model_info epoll_model = {
    .name = "epoll", .step = "7", .what = "who is woken, of several",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, epoll), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- one socket, several readers ---- */

static int app_named(const struct config *c, const char *name)
{
    for (int i = 0; i < c->apps; i++) {
        if (strcmp(c->app_name[i], name) == 0)
            return i;
    }
    return -1;
}

void epoll_share(struct host *h)
{
    for (int i = 0; i < h->apps; i++) {
        const char *name = h->config.text[h->app[i].config->epoll.share];
        if (!*name)
            continue;
        struct sock *sk = &h->app[i].udp, *source = &h->app[app_named(&h->config, name)].udp;
        struct sock **end = &source->sharers;

        while (*end)
            end = &(*end)->next_sharer;
        *end = sk;
        sk->source = source;
    }
}

/* The n-th reader: the socket's own first, then those who share it, in their order. */
static struct sock *reader(struct sock *sk, int n)
{
    struct sock *s = n == 0 ? sk : sk->sharers;

    for (int i = 1; i < n && s; i++)
        s = s->next_sharer;
    return s;
}

bool epoll_anyone_waits(const struct sock *sk)
{
    if (sk->waiting || sk->app->waiting)
        return true;
    for (const struct sock *s = sk->sharers; s; s = s->next_sharer) {
        if (s->waiting || s->app->waiting)
            return true;
    }
    return false;
}

void epoll_sleeps(struct sock *sk)
{
    sk->waiting = true;
    sk->sleeps_since = ++sk->source->sleeps;
}

static bool is_epoll(const struct sock *s, bool exclusive)
{
    return s->app->params->kind == APP_EPOLL && (s->app->config->epoll.exclusive != 0) == exclusive;
}

/* All callbacks of epolls without EPOLLEXCLUSIVE: each was put before the others. */
static ps_t wake_all(struct context *x, struct sock *sk)
{
    int n = 0;
    ps_t cost = 0;

    while (reader(sk, n))
        n++;
    for (int i = n - 1; i >= 0; i--) {
        struct sock *s = reader(sk, i);
        if (is_epoll(s, false))
            cost += app_ready(s->app, s, x->cpu);
    }
    return cost;
}

/* Callbacks up to the first that wakes somebody: true if there was one. */
static bool wake_first_epoll(struct context *x, struct sock *sk, ps_t *cost)
{
    struct sock *s;

    for (int i = 0; (s = reader(sk, i)) != NULL; i++) {
        if (!is_epoll(s, true))
            continue;
        bool waits = s->app->waiting;
        *cost += app_ready(s->app, s, x->cpu);
        if (waits)
            return true;
    }
    return false;
}

static ps_t wake_longest_asleep(struct context *x, struct sock *sk)
{
    struct sock *s, *first = NULL;

    for (int i = 0; (s = reader(sk, i)) != NULL; i++) {
        if (s->waiting && (!first || s->sleeps_since < first->sleeps_since))
            first = s;
    }
    if (!first)
        return 0;
    first->waiting = false;
    return sk->host->hc->sock.wake + sched_wake(first->reader, x->cpu);
}

ps_t epoll_wake(struct context *x, struct sock *sk)
{
    ps_t cost = wake_all(x, sk);

    return wake_first_epoll(x, sk, &cost) ? cost : cost + wake_longest_asleep(x, sk);
}

/* ---- what is reported ---- */

bool epoll_keeps_item(const struct app *a)
{
    return a->config->epoll.reads == EPOLL_READS_ONE && a->config->epoll.trigger == EPOLL_LEVEL;
}

/* With one read an event, an item that stays on the list waits for the next call: this one has what is there now. */
int epoll_events(const struct app *a)
{
    int64_t most = a->params->maxevents, ready = 0;

    if (a->config->epoll.reads == EPOLL_READS_ALL)
        return (int)most;
    for (const struct sock *s = a->ready_first; s && ready < most; s = s == a->ready_last ? NULL : s->ready_next)
        ready++;
    return (int)ready;
}

/* ---- relations ---- */

const char *epoll_check(const struct config *c, int app, char *buffer, size_t size)
{
    const struct app_config *a = &c->app[app];
    const char *share = c->text[a->epoll.share];

    if (!*share)
        return NULL;
    int of = app_named(c, share);
    if (of < 0)
        snprintf(buffer, size, "app[%s].share is %s, but no application has that name", c->app_name[app], share);
    else if (of == app || *c->text[c->app[of].epoll.share])
        snprintf(buffer, size, "app[%s].share is %s, which has no socket of its own to share", c->app_name[app], share);
    else if (a->app.kind == APP_HOG || c->app[of].app.kind == APP_HOG)
        snprintf(buffer, size, "app[%s].share is %s, but one of kind hog has no socket", c->app_name[app], share);
    else if (a->app.proto != APP_PROTO_UDP || c->app[of].app.proto != APP_PROTO_UDP)
        snprintf(buffer, size, "app[%s].share is %s: set app.proto of both to udp, only UDP sockets are shared",
                 c->app_name[app], share);
    else
        return NULL;
    return buffer;
}
