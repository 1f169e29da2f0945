/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traffic: who sends what, when.
 *
 * In    traffic_next()   the wire takes the next frame of a source
 * Out   -                a source is asked; it never acts by itself
 *
 * A source is an open loop: its next start time is known at any instant (`traffic_peek`), so the wire can
 * admit arrivals lazily. Closed-loop senders (models/sender) push frames into a source of kind `sender` and
 * tell the wire; they are the place where congestion control will live.
 *
 * The time of a frame is when its first preamble bit may start on the wire; the wire serialises from there.
 *
 * Flow i of a source comes from port sport + i % sports of address saddr + i / sports: when an address has no ports left, the
 * next address goes on. traffic.sports = 1 gives each flow an address of its own, as clients behind no common gateway have.
 *
 * Kinds: cbr (one frame each 1/rate), poisson (exponential gaps), onoff (`burst` long trains at `rate`, one
 * each `period`; with period 0 a single train), replay (a capture), rr (a client that waits for its answer,
 * models/requester). Payload sizes are constant but for
 * replay.
 *
 * Times are exact: frame n of cbr starts at floor(n / rate) ps after the first, however fractional the gap,
 * and a train holds every frame that starts before its `burst` is over. Open-loop TCP is a stream in order:
 * every flow begins at sequence number 1 without a handshake, acknowledges a constant, sets PSH on its last
 * segment of an on/off train, and never retransmits, whatever the receiver says.
 *
 * VLAN tags, IPv6, tunnels and fragments: models/form.
 * Not modelled: size mixes, header options other than timestamps, sequence numbers that go on when a
 * capture of TCP is played again (the second lap is old data to the receiver). */
#ifndef MODELS_TRAFFIC_H
#define MODELS_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/config.h"
#include "models/flow.h"
#include "models/frame.h"
#include "sim/engine/random.h"

/* ---- a capture as arrivals (filled by sim/in/capture, read by kind `replay`) ---- */

struct arrival {
    ps_t at;                    /* since the first record */
    uint32_t flow;              /* index into arrivals.flow */
    int32_t wire_bytes;         /* original length + 4 FCS, at least 64 */
    int32_t payload;
    uint32_t seq, ack, tsval, tsecr;
    uint16_t window, ip_id;
    uint8_t tcp_flags, ttl, tos, ip_df;
    uint16_t bad;               /* FRAME_FRAGMENT, FRAME_TRUNCATED, FRAME_BAD_IP_HDR; never checksums:
                                 * captures of a sender's own host hold partial ones */
};

struct arrivals {
    struct arrival *arrival;
    size_t n;
    struct flow_key *flow;
    size_t flows;
    uint64_t hash;              /* of the contents: part of the run's key */
};

void arrivals_free(struct arrivals *a);

/* ---- parameters ---- */

enum traffic_kind { TRAFFIC_CBR, TRAFFIC_POISSON, TRAFFIC_ONOFF, TRAFFIC_REPLAY, TRAFFIC_SENDER, TRAFFIC_CONNECT, TRAFFIC_RR };
enum traffic_proto { TRAFFIC_UDP, TRAFFIC_TCP };
enum traffic_think { TRAFFIC_THINK_CONSTANT, TRAFFIC_THINK_EXPONENTIAL };

struct traffic_params {
    int64_t kind;
    int64_t rate;               /* UNIT_LOAD; on/off: inside a train; not for replay */
    int64_t interval;           /* the same as a distance of starts; 0: by rate */
    int64_t frame;              /* bytes on the wire with FCS: 64..9022 */
    int64_t proto;
    int64_t flows;              /* round robin over so many source ports, then addresses */
    int64_t sports;             /* source ports of an address; 0: all from sport up */
    int64_t saddr, daddr;       /* UNIT_TEXT dotted quads */
    int64_t otherhost;          /* switch: to another host's MAC address; not for replay */
    int64_t sport, dport;       /* first source port of each address */
    int64_t start;              /* of the source after the beginning of the run */
    int64_t stop;               /* no frame starts at or after it; 0: never */
    int64_t frames;             /* at most so many; 0: no limit */
    int64_t burst, period;      /* on/off */
    int64_t nic;                /* index of the NIC it arrives at */
    int64_t file;               /* UNIT_TEXT replay: the capture */
    int64_t speedup;            /* replay: percent; 100 = original times, 5000 = fifty times faster */
    int64_t loop;               /* replay: how often, 0 = until stop */
    int64_t to;                 /* UNIT_TEXT replay: only frames to this IPv4 address; empty: all */
    int64_t fcs_errors;         /* frames damaged on the wire, per million */
    int64_t runts;              /* frames cut below 64 bytes, per million */
    int64_t offset;             /* switch: draw an offset of the first arrival within one gap (0: fixed) */
    int64_t timestamps;         /* switch: TCP with its timestamp option */
    int64_t window;             /* sender: bytes in flight at most */
    int64_t rtt;                /* sender, rr: path delay, both ways together */
    int64_t bytes;              /* sender: bytes to send per flow, 0 = endless */
    int64_t think;              /* rr: from an answer to the next request */
    int64_t think_kind;         /* enum traffic_think */
    int64_t timeout;            /* rr: an unanswered request is sent again */
    int64_t ack;                /* rr, TCP: an answer is acknowledged by a segment of its own */
};
extern const struct model_info traffic_model;

struct traffic {
    struct traffic_params params;
    int source;                 /* index of this source */
    uint32_t first_flow;        /* its flows are first_flow .. first_flow + flows - 1 in the host's table */
    uint32_t flows;
    ps_t gap;                   /* mean distance of two starts (inside a train), rounded down; sender: 0 */
    ps_t origin;                /* the first start: `start` and the drawn offset */
    ps_t next_at;               /* start of the next frame; PS_NEVER: no more */
    uint64_t sent;              /* frames handed out */
    struct stream gaps, damage;
    const struct variate *exponential;
    /* the rest of the state is the implementation's own */
    uint64_t limit;             /* `frames`, or the largest number there is */
    ps_t end;                   /* `stop`, or 53 days */
    uint64_t gap_rest, gap_unit;    /* the distance is exactly gap + gap_rest / gap_unit */
    uint64_t carry;             /* what of it is owed: below gap_unit (poisson: below 1 << fine) */
    ps_t mean;                  /* poisson: the mean in units of 2^-fine ps */
    int fine;
    uint32_t turn;              /* flow of the next frame */
    uint32_t round;             /* how often every flow had its turn */
    int32_t payload;
    int64_t datagram;           /* fragments: payload of one datagram .. */
    int64_t fragments, fragment;        /* .. in so many, 0: a datagram is a frame; the number of the next */
    int64_t fragment_bytes;     /* IP payload of each but the last */
    int32_t fragment_headers;   /* what is around it */
    const struct arrivals *arrivals;
    size_t cursor;              /* the next record */
    uint64_t lap;               /* times the whole capture was played */
    ps_t lap_at, lap_ps;        /* start of this lap and length of one, in the capture's own time */
    uint32_t to;                /* only frames to this address, 0: all */
    ps_t train_at;              /* start of the current on/off train */
    int64_t train_left, train_frames;
    bool quick;                 /* a frame is its blank, its turn and its gap */
    struct frame blank;         /* what all its frames have in common */
    struct frame_queue pushed;  /* closed loop: frames with their wire_at as start time */
    ps_t paced_to;              /* .. and the earliest start of the next, by `interval` */
};

/* Others push its frames, which answer ours: a closed loop. */
static inline bool traffic_closed_loop(const struct traffic_params *p)
{
    return p->kind == TRAFFIC_SENDER || p->kind == TRAFFIC_CONNECT || p->kind == TRAFFIC_RR;
}

/* Parses a dotted quad: 0 and the address, or -1. */
int ipv4_parse(const char *text, uint32_t *address);

/* Says what is wrong with a source's parameters (relations between them, addresses), or NULL. */
const char *traffic_check(const struct config *c, int source, char *buffer, size_t size);

/* Bytes of a frame that are not payload: headers and FCS, by the source's protocol and form. */
int32_t traffic_headers(const struct config *c, int source);

/* The number of flows source `source` of `c` has, and their keys (`keys` has room for them). A replay has all
 * flows of its capture, also those that `to` leaves out: they offer nothing. */
uint32_t traffic_flows(const struct config *c, int source);
void traffic_flow_keys(const struct config *c, int source, struct flow_key *keys);

/* `link_bps` turns percent and bit rates into gaps. Streams are named "traffic<N>.gaps" and so on, seeded by
 * (seed, replication). With offset on, the first arrival is moved by a uniform part of the mean gap. */
void traffic_init(struct traffic *t, const struct config *c, int source, uint32_t first_flow,
                  int64_t link_bps, const struct variate *exponential, uint64_t seed, uint64_t replication);

/* Start of the next frame, or PS_NEVER. */
static inline ps_t traffic_peek(const struct traffic *t) { return t->next_at; }

/* Even gaps: adds whole picoseconds and keeps the fraction that is owed: after n calls the sum is floor(n * gap). */
static inline ps_t traffic_even_gap(struct traffic *t)
{
    ps_t gap = t->gap;

    t->carry += t->gap_rest;
    if (t->carry >= t->gap_unit) {
        t->carry -= t->gap_unit;
        gap++;
    }
    return gap;
}

static inline ps_t traffic_random_gap(struct traffic *t)
{
    ps_t drawn = variate_draw(t->exponential, &t->gaps, t->mean);

    if (t->fine < 0)
        return drawn << -t->fine;
    t->carry += (uint64_t)drawn;
    drawn = (ps_t)(t->carry >> t->fine);
    t->carry &= ((uint64_t)1 << t->fine) - 1;
    return drawn;
}

/* Holds next_at against what ends a source. */
static inline void traffic_hold(struct traffic *t)
{
    if (t->sent >= t->limit || t->next_at >= t->end)
        t->next_at = PS_NEVER;
}

/* Whose turn it is among the flows. */
static inline void traffic_turn(struct traffic *t, struct frame *f)
{
    f->flow += t->turn;
    f->ip_id = (uint16_t)t->round;
    if (++t->turn == t->flows) {
        t->turn = 0;
        t->round++;
    }
}

struct frame *traffic_next_of_any(struct traffic *t, struct frame *f);
/* Fills `f` (flow, wire_bytes, payload, TCP/IP fields, bad; wire_at = start time) and moves on. The caller
 * sets id and owns f. Only if traffic_peek() is not PS_NEVER. Returns f, or for kind sender the pushed
 * frame instead (then f goes unused). Hot path: inline for undamaged datagrams, cbr or poisson. */
static inline struct frame *traffic_next(struct traffic *t, struct frame *f)
{
    if (!t->quick)
        return traffic_next_of_any(t, f);
    *f = t->blank;
    f->wire_at = t->next_at;
    traffic_turn(t, f);
    t->sent++;
    t->next_at += t->params.kind == TRAFFIC_POISSON ? traffic_random_gap(t) : traffic_even_gap(t);
    traffic_hold(t);
    return f;
}

/* Closed loops: adds a frame with everything but its id; wire_at, its start time, is not before the last
 * one's. The source takes the frame and gives it out again by traffic_next(). */
void traffic_push(struct traffic *t, struct frame *f);

#endif
