/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/requester.h"

#include <assert.h>

static const struct counter counter_rows[] = {
    COUNTER(struct requester_counters, requests, "requests", "the client's own", "requests sent, each counted once"),
    COUNTER(struct requester_counters, answers, "answers", "the client's own", "answers that came back"),
    COUNTER(struct requester_counters, timeouts, "timeouts", "the client's own", "requests sent again for want of an answer"),
};
ALL_COUNTERS_HAVE_ROWS(struct requester_counters, counter_rows);

const struct model_info requester_model = {
    .name = "requester", .step = "-", .what = "a client that asks, waits for the answer and asks again",
    .scope = SCOPE_TRAFFIC, .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct traffic_params *params(const struct requester *r)
{
    return &r->group->traffic->params;
}

/* Two events of one instant are taken one after the other: the answer before the timeout, both before a request. */
static void schedule(struct requester *r)
{
    ps_t when = r->send_at < r->answer_at ? r->send_at : r->answer_at;

    if (r->timeout_at < when)
        when = r->timeout_at;
    if (when == PS_NEVER)
        engine_cancel(r->group->engine, &r->event);
    else
        engine_reschedule(r->group->engine, &r->event, when);
}

/* ---- what the client sends ---- */

static int32_t wire_bytes(const struct requester *r, int32_t payload)
{
    int32_t headers = (int32_t)params(r)->frame - r->group->traffic->payload, bytes = payload + headers;

    return bytes > ETH_SHORTEST ? bytes : ETH_SHORTEST;
}

static void push(struct requester *r, int32_t payload, uint32_t seq, uint8_t tcp_flags)
{
    struct requester_group *g = r->group;
    const struct traffic_params *p = params(r);
    struct frame *f = pool_take(g->frames);
    bool stamps = p->proto == TRAFFIC_TCP && p->timestamps;

    *f = g->traffic->blank;
    f->flow = r->flow;
    f->payload = payload;
    f->wire_bytes = wire_bytes(r, payload);
    f->wire_at = g->engine->now + (p->rtt - p->rtt / 2);
    f->seq = seq;
    f->ip_id = (uint16_t)r->serial;
    if (p->proto == TRAFFIC_TCP) {
        f->ack = 1 + r->acked;
        f->window = 501;                                /* 64240 >> 7: what an idle Linux receiver offers */
        f->tcp_flags = tcp_flags;
        f->tsval = stamps ? (uint32_t)(g->engine->now / MS) + 1 : 0;
        f->tsecr = stamps ? 1 : 0;
    }
    traffic_push(g->traffic, f);
    g->notify(g->user);
}

/* The first byte after those of `serial` requests. */
static uint32_t stream_end(const struct requester *r)
{
    return 1 + r->serial * (uint32_t)r->group->traffic->payload;
}

static void send(struct requester *r)
{
    int32_t payload = r->group->traffic->payload;
    bool tcp = params(r)->proto == TRAFFIC_TCP;

    push(r, payload, tcp ? stream_end(r) - (uint32_t)payload : r->serial, TCP_ACK | TCP_PSH);
    r->timeout_at = r->group->engine->now + params(r)->timeout;
}

/* Nothing is sent that would start on our wire at or after the source's end. */
static bool may_ask(const struct requester *r)
{
    const struct requester_group *g = r->group;
    ps_t path = params(r)->rtt - params(r)->rtt / 2;

    return g->counters.requests < g->traffic->limit && g->engine->now + path < g->traffic->end;
}

static void ask(struct requester *r)
{
    r->send_at = PS_NEVER;
    if (!may_ask(r))
        return;
    r->serial++;
    r->group->counters.requests++;
    r->sent_at = r->group->engine->now;
    send(r);
}

/* ---- what comes back ---- */

static ps_t think(struct requester *r)
{
    const struct traffic_params *p = params(r);

    return p->think_kind == TRAFFIC_THINK_EXPONENTIAL && p->think > 0
           ? variate_draw(r->group->traffic->exponential, &r->group->think, p->think) : p->think;
}

static void answered(struct requester *r)
{
    struct requester_group *g = r->group;

    g->counters.answers++;
    if (r->sent_at >= g->warm_at)
        hist_add(g->rtt, g->engine->now - r->sent_at);
    r->sent_at = r->answer_at = r->timeout_at = PS_NEVER;
    r->acked += (uint32_t)r->answer_bytes;
    if (params(r)->proto == TRAFFIC_TCP && params(r)->ack)
        push(r, 0, stream_end(r), TCP_ACK);
    r->send_at = g->engine->now + think(r);
}

static void wake(void *requester)
{
    struct requester *r = requester;
    ps_t now = r->group->engine->now;

    if (r->answer_at <= now) {
        answered(r);
    } else if (r->timeout_at <= now) {
        r->group->counters.timeouts++;
        send(r);
    }
    if (r->send_at <= now)
        ask(r);
    schedule(r);
}

void requester_answer(struct requester *r, uint32_t serial, int32_t bytes, ps_t out_at)
{
    if (serial != r->serial || r->sent_at == PS_NEVER || r->answer_at != PS_NEVER)
        return;
    r->answer_at = out_at + params(r)->rtt / 2;
    r->answer_bytes = bytes;
    schedule(r);
}

bool requester_done(const struct requester *r)
{
    return r->sent_at == PS_NEVER && !may_ask(r);
}

/* ---- construction ---- */

int requester_init(struct requester *r, struct requester_group *g, uint32_t flow)
{
    *r = (struct requester){
        .group = g, .flow = flow, .send_at = PS_NEVER, .answer_at = PS_NEVER, .timeout_at = PS_NEVER, .sent_at = PS_NEVER,
    };
    return event_init(g->engine, &r->event, EVENT_DEVICE, wake, r);
}

void requester_start(struct requester *r)
{
    const struct traffic_params *p = params(r);

    r->send_at = r->group->traffic->origin;
    if (p->offset)
        r->send_at += (ps_t)stream_below(&r->group->traffic->gaps, (uint64_t)(p->rtt + p->think));
    schedule(r);
}
