/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A closed-loop TCP sender on another host: one flow with a fixed window.
 *
 * In    sender_start()   the flow begins
 *       sender_ack()     our receiver sends it an acknowledgment
 * Out   notify           frames were pushed into its traffic source: the wire may have to look again
 *
 * The path has a delay of `traffic.rtt`: an ACK reaches the sender rtt/2 after our host sent it, and what
 * the sender then sends may start on our wire rtt/2 later. So nothing the sender does reaches the wire
 * sooner than rtt/2 (at least 500 ns) after the decision, and the wire may look that far ahead. All
 * segments of one decision have the same start time, as behind a switch: the wire serialises them; with traffic.interval
 * they start so far apart at least, as behind a slower link.
 *
 * At most min(traffic.window, the receiver's window) bytes are in flight. The flow begins established:
 * sequence number 1, and the receiver's first window is an argument. The third duplicate ACK (same number,
 * no larger window, data in flight), or the retransmission timer, sends again everything from the first
 * hole (go-back-N); after that, duplicates are ignored until all that was in flight is acknowledged. The
 * timer is srtt + 200 ms (Linux's TCP_RTO_MIN as the lower bound of the variance term), 1 s before the
 * first measurement, doubled at each expiry up to 120 s; a segment sent twice is not measured (Karn). When
 * the receiver's window is closed the same timer sends a probe: what fits, or an empty segment one byte
 * before the window, which the receiver must answer with an ACK.
 *
 * Not modelled: slow start and congestion control (the window is fixed; they will live here), SACK and so
 * selective repair, the handshake and FIN, loss of ACKs, pacing, TSO trains of the sender's own host, PSH
 * but on the last segment. */
#ifndef MODELS_SENDER_H
#define MODELS_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "models/frame.h"
#include "models/traffic.h"
#include "sim/engine/event.h"

typedef void sender_fn(void *user);

struct tcp_sender {
    struct traffic *traffic;
    struct engine *engine;
    struct pool *frames;        /* where its frames come from */
    sender_fn *notify;
    void *user;
    uint32_t flow;              /* in the host's table */
    int32_t segment;            /* payload of a full frame */
    int32_t headers;            /* and what is around it */

    /* offsets into the stream; sequence number = 1 + offset, modulo 2^32 */
    uint64_t end;               /* bytes to send in all, UINT64_MAX: endless */
    uint64_t acked, next;       /* first byte in flight, first byte not sent (again) */
    uint64_t sent_to;           /* the largest `next` there was */
    uint64_t recover;           /* duplicates count again when `acked` has reached it */
    int64_t peer_window;        /* bytes from `acked` on */
    int duplicates;
    uint32_t echo;              /* the receiver's newest timestamp */
    uint16_t ip_id;

    bool timing;                /* one segment at a time is measured .. */
    uint64_t timed_to;          /* .. until this offset is acknowledged */
    ps_t timed_at;
    ps_t srtt;                  /* 0: not yet measured */
    int backoff;                /* expiries since the last progress */
    ps_t timer_at;              /* retransmission or probe, PS_NEVER: off */

    /* ACKs under way, oldest first: a ring of `room` (a power of two) */
    struct flying_ack { ps_t at; int64_t window; uint32_t ack, tsval; } *flying;
    uint32_t head, count, room;
    struct event event;         /* the first ACK's arrival, the timer, or the start: whichever is first */
    ps_t start_at;              /* PS_NEVER once begun */

    uint64_t segments, retransmits, timeouts, fast_retransmits, probes;
};

/* `flow_index` counts from 0 within the source; `peer_window` is the receiver's first window in bytes. The
 * caller owns `s` (sender_free), everything else is borrowed. Frames come from `frames`; their id is not
 * set. Returns 0, or -1 when out of memory. */
int sender_init(struct tcp_sender *s, struct traffic *t, uint32_t flow_index, struct engine *e,
                struct pool *frames, int64_t peer_window, sender_fn *notify, void *user);
void sender_free(struct tcp_sender *s);

/* Schedules the first flight: the sender begins at the source's start, moved by a part of one rtt drawn
 * from the source's stream when traffic.offset is on (call in order of flows); its first frame may start
 * rtt/2 later. */
void sender_start(struct tcp_sender *s);

/* Our receiver sends an ACK at `sent_at` >= now: the next sequence number it wants, its window in bytes
 * (unscaled), and its time stamp, which the sender will echo (0 without the option). ACKs of a flow keep
 * their order. */
void sender_ack(struct tcp_sender *s, uint32_t ack, int64_t window_bytes, uint32_t tsval, ps_t sent_at);

/* It will never send again: everything was sent and acknowledged, or traffic.stop has come. */
static inline bool sender_done(const struct tcp_sender *s)
{
    ps_t rtt = s->traffic->params.rtt;

    return s->acked == s->end || s->engine->now + (rtt - rtt / 2) >= s->traffic->end;
}
static inline uint64_t sender_in_flight(const struct tcp_sender *s) { return s->next - s->acked; }

#endif
