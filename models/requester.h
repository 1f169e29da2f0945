/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client on another host that asks and waits: one flow of a source of kind rr, one request outstanding.
 *
 * In    requester_start()    the flow begins
 *       requester_answer()   our host's answer leaves by the wire
 * Out   notify               a request was pushed into its traffic source: the wire may have to look again
 *
 * A request is one frame of traffic.frame bytes. It reaches our wire half of traffic.rtt after the client has sent it, and
 * the client has its answer the other half after its last bit has left us; traffic.think later it asks again. The round
 * trip runs from one of these instants to the other: the path, our receive path, the program, the way out. A request that
 * is not answered within traffic.timeout is sent again, the same one: with the same bytes of a TCP stream, as another
 * datagram of UDP.
 *
 * Whose answer it is says a number that request and answer carry. A late one, for a request that was answered already, is
 * ignored. With traffic.ack the client of a TCP flow acknowledges each answer at once by a segment of its own; without, the
 * next request does.
 * Not modelled: what the client's own stack and scheduling take (part of rtt and think), several requests outstanding,
 * requests and answers longer than a frame, handshakes, an answer of TCP that our own qdisc drops. */
#ifndef MODELS_REQUESTER_H
#define MODELS_REQUESTER_H

#include <stdbool.h>
#include <stdint.h>

#include "models/traffic.h"
#include "sim/engine/event.h"
#include "sim/engine/hist.h"

struct requester_counters {
    uint64_t requests;          /* without those that were sent again */
    uint64_t answers;
    uint64_t timeouts;
};
extern const struct model_info requester_model;

/* What all flows of a source share. */
struct requester_group {
    struct traffic *traffic;
    struct engine *engine;
    struct pool *frames;
    struct hist *rtt;           /* of requests sent at `warm_at` or later */
    ps_t warm_at;
    void (*notify)(void *user);
    void *user;
    struct stream think;
    struct requester_counters counters;
};

struct requester {
    struct requester_group *group;
    uint32_t flow;              /* in the host's table */
    uint32_t serial;            /* of the request that is outstanding, or was last */
    uint32_t acked;             /* TCP: our host's bytes so far */
    struct event event;         /* the first of these three; PS_NEVER: nothing due */
    ps_t send_at, answer_at, timeout_at;
    ps_t sent_at;               /* the outstanding request; PS_NEVER: there is none */
    int32_t answer_bytes;
};

/* The group's other fields are set by the caller. Returns 0, or -1 when out of memory. */
int requester_init(struct requester *r, struct requester_group *g, uint32_t flow);
/* Schedules the first request: at the source's start, with traffic.offset moved by a part of rtt and think drawn from the
 * source's stream (call in order of flows). */
void requester_start(struct requester *r);
/* `bytes` of answer to request `serial` leave, the last bit at `out_at`. */
void requester_answer(struct requester *r, uint32_t serial, int32_t bytes, ps_t out_at);
/* It will never ask again and waits for nothing. */
bool requester_done(const struct requester *r);

#endif
