/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sender.h"

#include <assert.h>
#include <stdlib.h>

enum {
    DUPLICATES = 3,                     /* RFC 5681; Linux starts tcp_reordering at 3 */
    FIRST_ROOM = 64,                    /* ACKs under way before the ring grows; a power of two */
};

static const ps_t RTO_MIN = 200 * MS, RTO_MAX = 120 * SEC, RTO_FIRST = 1 * SEC;     /* include/net/tcp.h */

static void wake(void *sender);

int sender_init(struct tcp_sender *s, struct traffic *t, uint32_t flow_index, struct engine *e,
                struct pool *frames, int64_t peer_window, sender_fn *notify, void *user)
{
    const struct traffic_params *p = &t->params;
    int32_t headers = (int32_t)p->frame - t->payload;

    assert(p->kind == TRAFFIC_SENDER && p->frame > headers && flow_index < t->flows);
    *s = (struct tcp_sender){
        .traffic = t,
        .engine = e,
        .frames = frames,
        .notify = notify,
        .user = user,
        .flow = t->first_flow + flow_index,
        .segment = (int32_t)p->frame - headers,
        .headers = headers,
        .end = p->bytes ? (uint64_t)p->bytes : UINT64_MAX,
        .peer_window = peer_window,
        .timer_at = PS_NEVER,
        .start_at = PS_NEVER,
        .room = FIRST_ROOM,
    };
    s->flying = malloc(FIRST_ROOM * sizeof *s->flying);
    return s->flying ? event_init(e, &s->event, EVENT_DEVICE, wake, s) : -1;
}

void sender_free(struct tcp_sender *s)
{
    free(s->flying);
    s->flying = NULL;
}

/* ---- ACKs on their way ---- */

static struct flying_ack *first_flying(const struct tcp_sender *s)
{
    return s->count ? &s->flying[s->head & (s->room - 1)] : NULL;
}

/* Doubles the ring; aborts when out of memory, as pools do: there is no answer to give without it. */
static void grow(struct tcp_sender *s)
{
    struct flying_ack *larger = malloc(2 * (size_t)s->room * sizeof *larger);

    if (!larger)
        abort();
    for (uint32_t i = 0; i < s->count; i++)
        larger[i] = s->flying[(s->head + i) & (s->room - 1)];
    free(s->flying);
    s->flying = larger;
    s->head = 0;
    s->room *= 2;
}

/* ---- the one event ---- */

static void schedule(struct tcp_sender *s)
{
    const struct flying_ack *ack = first_flying(s);
    ps_t when = s->start_at < s->timer_at ? s->start_at : s->timer_at;

    if (ack && ack->at < when)
        when = ack->at;
    if (when == PS_NEVER)
        engine_cancel(s->engine, &s->event);
    else
        engine_reschedule(s->engine, &s->event, when);
}

/* ---- sending ---- */

static ps_t wire_time(const struct tcp_sender *s)
{
    ps_t rtt = s->traffic->params.rtt;

    return s->engine->now + (rtt - rtt / 2);
}

static uint32_t sequence(uint64_t offset)
{
    return 1 + (uint32_t)offset;
}

static void push(struct tcp_sender *s, uint32_t seq, int32_t payload, bool last)
{
    struct frame *f = pool_take(s->frames);
    bool timestamps = s->traffic->params.timestamps;
    ps_t start = wire_time(s), paced = s->traffic->paced_to;

    if (start < paced)
        start = paced;
    s->traffic->paced_to = start + s->traffic->params.interval;
    *f = (struct frame){
        .flow = s->flow,
        .wire_bytes = payload + s->headers > ETH_SHORTEST ? payload + s->headers : ETH_SHORTEST,
        .payload = payload,
        .queue = -1,
        .wire_at = start,
        .dma_at = -1, .irq_at = -1, .poll_at = -1, .stack_at = -1, .socket_at = -1,
        .seq = seq,
        .ack = 1,
        .tsval = timestamps ? (uint32_t)(s->engine->now / MS) + 1 : 0,          /* milliseconds, as Linux; never 0 */
        .tsecr = timestamps ? s->echo : 0,
        .window = 501,                                  /* 64240 >> 7: what an idle Linux receiver offers */
        .ip_id = s->ip_id++,
        .tcp_flags = last ? TCP_ACK | TCP_PSH : TCP_ACK,
        .ttl = 64,
        .ip_df = 1,
        .cpu = -1,
    };
    s->segments++;
    traffic_push(s->traffic, f);
}

static void send_segment(struct tcp_sender *s, int32_t payload)
{
    uint64_t to = s->next + (uint64_t)payload;

    push(s, sequence(s->next), payload, to == s->end);
    if (s->next < s->sent_to) {
        s->retransmits++;
    } else if (!s->timing) {
        s->timing = true;
        s->timed_to = to;
        s->timed_at = s->engine->now;
    }
    s->next = to;
    if (to > s->sent_to)
        s->sent_to = to;
}

/* Bytes the windows still allow; negative if the receiver took back what it had offered. */
static int64_t usable(const struct tcp_sender *s)
{
    int64_t ours = s->traffic->params.window;

    return (s->peer_window < ours ? s->peer_window : ours) - (int64_t)sender_in_flight(s);
}

/* The next segment's payload: a full one, or the rest of the stream; 0 when all is sent. */
static int32_t next_payload(const struct tcp_sender *s)
{
    uint64_t left = s->end - s->next;

    return left < (uint64_t)s->segment ? (int32_t)left : s->segment;
}

static ps_t timeout(const struct tcp_sender *s)
{
    ps_t rto = s->srtt ? s->srtt + RTO_MIN : RTO_FIRST;

    for (int i = 0; i < s->backoff && rto < RTO_MAX; i++)
        rto *= 2;
    return rto < RTO_MAX ? rto : RTO_MAX;
}

/* Sends whole segments while the windows allow; a segment that fits only in part waits, as in
 * tcp_snd_wnd_test(). Then sees to the timer: on while something is in flight, or while a closed window
 * keeps data back. */
static void send_more(struct tcp_sender *s, bool restart)
{
    while (next_payload(s) > 0 && usable(s) >= next_payload(s) && !sender_done(s))
        send_segment(s, next_payload(s));
    if (sender_done(s))
        s->timer_at = PS_NEVER;
    else if (restart || s->timer_at == PS_NEVER)
        s->timer_at = s->engine->now + timeout(s);
}

/* The window is too small for a segment and nothing is in flight: tcp_write_wakeup() sends what fits, or an
 * empty segment with a sequence number already acknowledged, which obliges the receiver to answer. */
static void probe(struct tcp_sender *s)
{
    int64_t room = usable(s);

    s->probes++;
    if (room > 0)
        send_segment(s, (int32_t)room);
    else
        push(s, sequence(s->acked) - 1, 0, false);
}

static void go_back(struct tcp_sender *s)
{
    s->next = s->acked;
    s->recover = s->sent_to;
    s->timing = false;
    s->duplicates = 0;
}

static void expire(struct tcp_sender *s)
{
    if (sender_done(s)) {               /* stop came while the timer ran */
        s->timer_at = PS_NEVER;
        return;
    }
    s->backoff++;
    if (sender_in_flight(s)) {
        s->timeouts++;
        go_back(s);
    }
    if (usable(s) < next_payload(s))
        probe(s);
    send_more(s, true);
}

/* ---- receiving ---- */

static void measure(struct tcp_sender *s)
{
    ps_t sample = s->engine->now - s->timed_at;

    s->timing = false;
    s->srtt = s->srtt ? s->srtt + (sample - s->srtt) / 8 : sample;      /* RFC 6298: alpha = 1/8 */
}

/* An ACK arrives. Returns true if it acknowledged something new. */
static bool take(struct tcp_sender *s, const struct flying_ack *a)
{
    int32_t ahead = (int32_t)(a->ack - sequence(s->acked));

    if (ahead < 0 || s->acked + (uint64_t)ahead > s->sent_to)
        return false;
    if ((int32_t)(a->tsval - s->echo) > 0)
        s->echo = a->tsval;
    if (ahead == 0) {
        if (a->window > s->peer_window || a->window == 0)
            s->peer_window = a->window;
        else if (sender_in_flight(s) && s->acked >= s->recover && ++s->duplicates == DUPLICATES) {
            s->fast_retransmits++;
            go_back(s);
        }
        return false;
    }
    s->acked += (uint64_t)ahead;
    if (s->next < s->acked)
        s->next = s->acked;
    s->peer_window = a->window;
    s->duplicates = 0;
    s->backoff = 0;
    if (s->timing && s->acked >= s->timed_to)
        measure(s);
    return true;
}

/* Everything that is due: the start, ACKs, then the timer unless an ACK has just moved it. */
static void wake(void *sender)
{
    struct tcp_sender *s = sender;
    ps_t now = s->engine->now;
    uint64_t before = s->segments;
    bool progress = false;

    if (s->start_at <= now)
        s->start_at = PS_NEVER;
    for (struct flying_ack *a = first_flying(s); a && a->at <= now; a = first_flying(s)) {
        progress |= take(s, a);
        s->head++;
        s->count--;
    }
    if (s->timer_at <= now && !progress)
        expire(s);
    else
        send_more(s, progress);
    schedule(s);
    if (s->segments != before)
        s->notify(s->user);
}

void sender_start(struct tcp_sender *s)
{
    const struct traffic_params *p = &s->traffic->params;

    s->start_at = s->traffic->origin;
    if (p->offset)
        s->start_at += (ps_t)stream_below(&s->traffic->gaps, (uint64_t)p->rtt);
    schedule(s);
}

void sender_ack(struct tcp_sender *s, uint32_t ack, int64_t window_bytes, uint32_t tsval, ps_t sent_at)
{
    ps_t at = sent_at + s->traffic->params.rtt / 2;
    struct flying_ack *last;

    assert(sent_at >= s->engine->now);
    if (s->count == s->room)
        grow(s);
    last = s->count ? &s->flying[(s->head + s->count - 1) & (s->room - 1)] : NULL;
    s->flying[(s->head + s->count) & (s->room - 1)] = (struct flying_ack){
        .at = last && last->at > at ? last->at : at,
        .window = window_bytes,
        .ack = ack,
        .tsval = tsval,
    };
    if (s->count++ == 0)
        schedule(s);
}
