/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients on other hosts that connect, ask once, and close: connection churn, and SYN floods (traffic.kind connect).
 *
 * In    client_start()    the run begins
 *       client_answer()   our host sends a segment to one of them
 * Out   notify            frames were pushed into its traffic source: the wire may have to look again
 *
 * Every 1 / traffic.rate the next source port sends a SYN, unless its last connection is still open. The path has a delay of
 * traffic.rtt, half each way, as a sender's (models/sender). The SYN-ACK is answered with an ACK, a request of traffic.bytes
 * in one segment (0: none) and, where the client is the one who closes first, a FIN; all three start together and the wire
 * serialises them. The server's FIN is answered with an ACK or, if ours is still to come, with FIN and ACK.
 * An unanswered SYN is sent again after 1 s, 2 s, 4 s .. traffic.syn_retries times; what is not acknowledged of request and
 * FIN after rtt + 200 ms, doubled each time (include/net/tcp.h TCP_TIMEOUT_INIT, TCP_RTO_MIN).
 * With traffic.flood nobody answers: the addresses of the SYNs are forged.
 * Not modelled: a request of several segments, answers with data, the client's own TIME_WAIT (it has ports enough), loss on
 * the path, options but timestamps. */
#ifndef MODELS_CLIENT_H
#define MODELS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/frame.h"
#include "models/traffic.h"
#include "sim/engine/event.h"

enum client_close { CLIENT_CLOSES_FIRST, SERVER_CLOSES_FIRST };

struct client_params {
    int64_t flood;
    int64_t close;              /* enum client_close */
    int64_t syn_retries;
};
extern const struct model_info client_model;

struct client_counters {
    uint64_t connects, established, completed, syn_retransmits, retransmits, resets, gave_up, ports_busy;
};

enum client_state { CLIENT_IDLE, CLIENT_SYN_SENT, CLIENT_OPEN };

struct connecting {             /* one source port */
    enum client_state state;
    uint32_t isn;               /* of this connection */
    uint32_t una, end;          /* acknowledged to, sent to: our sequence numbers */
    uint32_t peer_nxt;          /* what we acknowledge */
    bool fin_sent;
    int tries;
    ps_t timer_at;              /* PS_NEVER: off */
};

struct client {
    struct traffic *traffic;
    const struct client_params *params;
    struct client_counters counters;
    struct engine *engine;
    struct pool *frames;
    void (*notify)(void *user);
    void *user;
    struct connecting *port;
    uint32_t turn;              /* the next port */
    ps_t next_syn;              /* PS_NEVER: no more */
    ps_t next_timer;            /* not after any port's; PS_NEVER: none is on */
    uint32_t open;              /* ports that are not idle */
    struct flying_answer { ps_t at; uint32_t port, seq, ack; uint8_t flags; } *flying;      /* a ring of `room` */
    uint32_t head, count, room;
    struct event event;
};

int client_init(struct client *c, struct traffic *t, const struct client_params *p, struct engine *e, struct pool *frames,
                void (*notify)(void *user), void *user);
void client_free(struct client *c);
void client_start(struct client *c);
/* Our host sends a segment without data to `port` at `sent_at` >= now. */
void client_answer(struct client *c, uint32_t port, uint8_t flags, uint32_t seq, uint32_t ack, ps_t sent_at);
/* It will never send again. */
bool client_done(const struct client *c);

#endif
