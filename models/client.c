/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/client.h"

#include <assert.h>
#include <stdlib.h>

#include "models/host_config.h"

static const char *const closes[] = { "client", "server", NULL };

static const struct param rows[] = {
    PARAM_SWITCH(struct client_params, flood, "traffic.flood", 0, "connect: SYNs only, from forged addresses that never answer",
                 "ours: off"),
    PARAM_CHOICE(struct client_params, close, "traffic.close", CLIENT_CLOSES_FIRST, closes,
                 "connect: who sends the first FIN, and so keeps TIME_WAIT", "ours: the client, behind its request"),
    PARAM(struct client_params, syn_retries, "traffic.syn_retries", UNIT_COUNT, 6, 0, 10,
          "connect: how often a SYN is sent again", "net.ipv4.tcp_syn_retries: 6"),
};
ALL_FIELDS_HAVE_ROWS(struct client_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct client_counters, connects, "connects", "the client's own", "connect() calls: first SYNs"),
    COUNTER(struct client_counters, established, "established", "the client's own", "connects that got a SYN-ACK"),
    COUNTER(struct client_counters, completed, "completed", "the client's own", "connections closed by both sides"),
    COUNTER(struct client_counters, syn_retransmits, "syn_retransmits", "the client's own", "SYNs sent again"),
    COUNTER(struct client_counters, retransmits, "retransmits", "the client's own", "requests and FINs sent again"),
    COUNTER(struct client_counters, resets, "resets", "the client's own", "connections reset by the server"),
    COUNTER(struct client_counters, gave_up, "gave_up", "the client's own", "connects that failed after all SYNs (ETIMEDOUT)"),
    COUNTER(struct client_counters, ports_busy, "ports_busy", "simulator only",
            "connects left out because the port's last connection was still open"),
};
ALL_COUNTERS_HAVE_ROWS(struct client_counters, counter_rows);

const struct model_info client_model = {
    .name = "client", .step = "-", .what = "clients that connect, ask once and close; SYN floods",
    .scope = SCOPE_TRAFFIC, .params_at = offsetof(struct traffic_config, client), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

enum {
    SYN_OPTIONS = 20,           /* MSS, SACK permitted, timestamps, window scale, padding */
    FIRST_ROOM = 64,            /* answers under way before the ring grows; a power of two */
    ISN_STEP = 1 << 20,         /* from one connection of a port to the next: ahead of all that the last one used */
};

static const ps_t SYN_TIMEOUT = 1 * SEC, RTO_MIN = 200 * MS;

/* ---- sending ---- */

static ps_t wire_time(const struct client *c)
{
    ps_t rtt = c->traffic->params.rtt;

    return c->engine->now + (rtt - rtt / 2);
}

static void push(struct client *c, uint32_t port, uint8_t flags, uint32_t seq, int32_t payload)
{
    const struct traffic *t = c->traffic;
    const struct connecting *p = &c->port[port];
    bool syn = flags & TCP_SYN, timestamps = t->params.timestamps;
    int32_t headers = ETH_HLEN + IP_HLEN + TCP_HLEN + (syn ? SYN_OPTIONS : timestamps ? TCP_TS : 0) + ETH_FCS;
    struct frame *f = pool_take(c->frames);

    *f = (struct frame){
        .flow = t->first_flow + port,
        .wire_bytes = payload + headers > ETH_SHORTEST ? payload + headers : ETH_SHORTEST, .payload = payload,
        .wire_at = wire_time(c), .seq = seq, .ack = flags & TCP_ACK ? p->peer_nxt : 0,
        .tsval = timestamps ? (uint32_t)(c->engine->now / MS) + 1 : 0,
        .window = 501,          /* 64240 >> 7: what an idle Linux receiver offers */
        .tcp_flags = flags, .ttl = 64, .ip_df = 1,
    };
    traffic_push(c->traffic, f);
}

/* Request and FIN, from what was acknowledged on. */
static void send_rest(struct client *c, uint32_t port)
{
    struct connecting *p = &c->port[port];
    uint32_t bytes = (uint32_t)c->traffic->params.bytes, data = p->isn + 1;

    if (p->una == data && bytes > 0)
        push(c, port, TCP_ACK | TCP_PSH, data, (int32_t)bytes);
    if (p->fin_sent)
        push(c, port, TCP_ACK | TCP_FIN, data + bytes, 0);
}

static void timer_on(struct client *c, struct connecting *p, ps_t wait)
{
    p->timer_at = c->engine->now + (wait << p->tries);
    if (p->timer_at < c->next_timer)
        c->next_timer = p->timer_at;
}

static void finish(struct client *c, struct connecting *p)
{
    p->state = CLIENT_IDLE;
    p->timer_at = PS_NEVER;
    c->open--;
}

static void connect_next(struct client *c)
{
    uint32_t port = c->turn;
    struct connecting *p = &c->port[port];

    c->turn = port + 1 == c->traffic->flows ? 0 : port + 1;
    if (p->state != CLIENT_IDLE) {
        c->counters.ports_busy++;
        return;
    }
    p->isn += ISN_STEP;
    p->una = p->end = p->isn;
    p->fin_sent = false;
    p->tries = 0;
    p->peer_nxt = 0;
    c->counters.connects++;
    push(c, port, TCP_SYN, p->isn, 0);
    if (c->params->flood)
        return;
    p->state = CLIENT_SYN_SENT;
    c->open++;
    timer_on(c, p, SYN_TIMEOUT);
}

/* ---- answers ---- */

static void established(struct client *c, uint32_t port, uint32_t seq)
{
    struct connecting *p = &c->port[port];

    c->counters.established++;
    p->state = CLIENT_OPEN;
    p->peer_nxt = seq + 1;
    p->una = p->isn + 1;
    p->fin_sent = c->params->close == CLIENT_CLOSES_FIRST;
    p->end = p->una + (uint32_t)c->traffic->params.bytes + p->fin_sent;
    p->tries = 0;
    p->timer_at = PS_NEVER;
    push(c, port, TCP_ACK, p->una, 0);
    send_rest(c, port);
    if (p->end != p->una)
        timer_on(c, p, c->traffic->params.rtt + RTO_MIN);
}

/* The server's FIN: ours goes with the ACK if it has not gone before. */
static void closed_by_server(struct client *c, uint32_t port, uint32_t seq)
{
    struct connecting *p = &c->port[port];

    p->peer_nxt = seq + 1;
    push(c, port, p->fin_sent ? TCP_ACK : TCP_ACK | TCP_FIN, p->end, 0);
    c->counters.completed++;
    finish(c, p);
}

static void take(struct client *c, const struct flying_answer *a)
{
    struct connecting *p = &c->port[a->port];

    if (p->state == CLIENT_IDLE)
        return;
    if (a->flags & TCP_RST) {
        c->counters.resets++;
        finish(c, p);
        return;
    }
    if (a->flags & TCP_SYN) {
        if (p->state == CLIENT_SYN_SENT)
            established(c, a->port, a->seq);
        else
            push(c, a->port, TCP_ACK, p->end, 0);       /* ours was lost: once more */
        return;
    }
    if (p->state != CLIENT_OPEN)
        return;
    if ((int32_t)(a->ack - p->una) > 0)
        p->una = a->ack;
    if (p->una == p->end)
        p->timer_at = PS_NEVER;
    if (a->flags & TCP_FIN)
        closed_by_server(c, a->port, a->seq);
}

/* ---- timers ---- */

static void expire(struct client *c, uint32_t port)
{
    struct connecting *p = &c->port[port];

    p->tries++;
    if (p->state == CLIENT_OPEN) {
        c->counters.retransmits++;
        send_rest(c, port);
        timer_on(c, p, c->traffic->params.rtt + RTO_MIN);
    } else if (p->tries > c->params->syn_retries) {
        c->counters.gave_up++;
        finish(c, p);
    } else {
        c->counters.syn_retransmits++;
        push(c, port, TCP_SYN, p->isn, 0);
        timer_on(c, p, SYN_TIMEOUT);
    }
}

/* Rare, so a look at every port will do. */
static void expire_due(struct client *c)
{
    ps_t now = c->engine->now;

    c->next_timer = PS_NEVER;
    for (uint32_t i = 0; i < c->traffic->flows; i++) {
        if (c->port[i].timer_at <= now)
            expire(c, i);
        else if (c->port[i].timer_at < c->next_timer)
            c->next_timer = c->port[i].timer_at;
    }
}

/* ---- the one event ---- */

static struct flying_answer *first_flying(const struct client *c)
{
    return c->count ? &c->flying[c->head & (c->room - 1)] : NULL;
}

static void schedule(struct client *c)
{
    const struct flying_answer *a = first_flying(c);
    ps_t when = c->next_syn < c->next_timer ? c->next_syn : c->next_timer;

    if (a && a->at < when)
        when = a->at;
    if (when == PS_NEVER)
        engine_cancel(c->engine, &c->event);
    else
        engine_reschedule(c->engine, &c->event, when);
}

static bool may_connect(const struct client *c)
{
    const struct traffic *t = c->traffic;

    return c->next_syn + (t->params.rtt - t->params.rtt / 2) < t->end &&
           (t->params.frames == 0 || c->counters.connects + c->counters.ports_busy < (uint64_t)t->params.frames);
}

static void wake(void *client)
{
    struct client *c = client;
    ps_t now = c->engine->now;

    for (struct flying_answer *a = first_flying(c); a && a->at <= now; a = first_flying(c)) {
        struct flying_answer taken = *a;
        c->head++;
        c->count--;
        take(c, &taken);
    }
    if (c->next_timer <= now)
        expire_due(c);
    if (c->next_syn <= now) {
        connect_next(c);
        c->next_syn += traffic_even_gap(c->traffic);
        if (!may_connect(c))
            c->next_syn = PS_NEVER;
    }
    schedule(c);
    c->notify(c->user);
}

static void grow(struct client *c)
{
    struct flying_answer *larger = malloc(2 * (size_t)c->room * sizeof *larger);

    if (!larger)
        abort();                /* as pools do: there is no answer to give without it */
    for (uint32_t i = 0; i < c->count; i++)
        larger[i] = c->flying[(c->head + i) & (c->room - 1)];
    free(c->flying);
    c->flying = larger;
    c->head = 0;
    c->room *= 2;
}

void client_answer(struct client *c, uint32_t port, uint8_t flags, uint32_t seq, uint32_t ack, ps_t sent_at)
{
    assert(sent_at >= c->engine->now);
    if (c->params->flood)
        return;
    if (c->count == c->room)
        grow(c);
    c->flying[(c->head + c->count) & (c->room - 1)] = (struct flying_answer){
        .at = sent_at + c->traffic->params.rtt / 2, .port = port, .seq = seq, .ack = ack, .flags = flags,
    };
    if (c->count++ == 0)
        schedule(c);
}

/* ---- life ---- */

bool client_done(const struct client *c)
{
    ps_t rtt = c->traffic->params.rtt;

    return (c->next_syn == PS_NEVER && c->open == 0 && c->count == 0) ||
           c->engine->now + (rtt - rtt / 2) >= c->traffic->end;
}

int client_init(struct client *c, struct traffic *t, const struct client_params *p, struct engine *e, struct pool *frames,
                void (*notify)(void *user), void *user)
{
    *c = (struct client){
        .traffic = t, .params = p, .engine = e, .frames = frames, .notify = notify, .user = user,
        .next_syn = t->origin, .next_timer = PS_NEVER, .room = FIRST_ROOM,
    };
    c->flying = malloc(FIRST_ROOM * sizeof *c->flying);
    c->port = calloc(t->flows, sizeof *c->port);
    if (!c->flying || !c->port)
        return -1;
    for (uint32_t i = 0; i < t->flows; i++)
        c->port[i].timer_at = PS_NEVER;
    return event_init(e, &c->event, EVENT_DEVICE, wake, c);
}

void client_free(struct client *c)
{
    free(c->flying);
    free(c->port);
}

void client_start(struct client *c)
{
    schedule(c);
}
