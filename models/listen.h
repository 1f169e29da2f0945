/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listening sockets: the SYN queue, the accept queue, cookies, and TIME_WAIT.
 *
 * In    listen_rcv()    a segment of a flow of traffic.kind connect
 *       the scheduler runs the application's accepting task
 * Out   client_answer   SYN-ACKs, ACKs, FINs and RSTs to the clients (models/client)
 *       sched_wake      a connection waits for accept(), or a request for its reader
 *
 * A SYN makes a request and is answered. Refused, in this order (net/ipv4/tcp_input.c tcp_conn_request):
 *   requests as many as the backlog    with net.ipv4.tcp_syncookies 1 a cookie is sent and nothing kept
 *                                      (TCPReqQFullDoCookies, SyncookiesSent), with 0 the SYN is dropped (TCPReqQFullDrop)
 *   accept queue above the backlog     dropped (ListenOverflows)
 *   without cookies: less than a quarter of net.ipv4.tcp_max_syn_backlog is left    dropped
 * each drop also in ListenDrops. The backlog is listen()'s, app.backlog, at most net.core.somaxconn. The ACK makes the
 * connection, unless the accept queue is above the backlog: then it is dropped (ListenOverflows, ListenDrops), the client
 * thinks it is connected, and its request, sent again, is the next chance. (tcp_v4_syn_recv_sock)
 * The accepting task does accept(), reads the request, works app.accept_work, closes, and begins again; it sleeps
 * exclusively in accept() or recv(). Who sends the first FIN keeps TIME_WAIT for 60 s: the server, if the client's FIN has
 * not come by close(). Beyond net.ipv4.tcp_max_tw_buckets it is left out (TCPTimeWaitOverflow). A SYN for a connection in
 * TIME_WAIT replaces it, past the limits above. (net/ipv4/tcp_minisocks.c)
 * Every lookup costs by the sockets there are: models/ehash.
 * Not modelled: these connections carry one request and no answer, so they have neither windows nor SACK, and each segment
 * with data is acknowledged at once; SYN-ACKs sent again and the end of requests after a minute; TCP fast open; abort on
 * overflow; deferred accept; peers known from before (tcp_peer_is_proven); more than one accepting task an application. */
#ifndef MODELS_LISTEN_H
#define MODELS_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/cpu.h"
#include "models/sched.h"
#include "models/skb.h"
#include "sim/engine/event.h"

struct app;
struct client;
struct host;

enum syncookies { SYNCOOKIES_OFF, SYNCOOKIES_ON, SYNCOOKIES_ALWAYS };

struct listen_params {          /* of the host */
    int64_t somaxconn;
    int64_t max_syn_backlog;
    int64_t syncookies;
    int64_t max_tw_buckets;
    int64_t conn_request;
    int64_t cookie;
    int64_t synack;
    int64_t child;
    int64_t accept;
    int64_t close;
};
extern const struct model_info listen_model;

struct listen_app_params {
    int64_t backlog;
    int64_t accept_work;
};
extern const struct model_info listen_app_model;

struct listen_counters {
    uint64_t PassiveOpens;
    uint64_t ListenOverflows, ListenDrops;
    uint64_t TCPReqQFullDoCookies, TCPReqQFullDrop;
    uint64_t SyncookiesSent, SyncookiesRecv;
    uint64_t TW, TCPTimeWaitOverflow;
};

enum request_state { REQUEST_NONE, REQUEST_SYN_RECV, REQUEST_ESTABLISHED, REQUEST_CLOSE_WAIT, REQUEST_FIN_WAIT,
                     REQUEST_LAST_ACK, REQUEST_TIME_WAIT };

/* A flow's connection at our end. */
struct request {
    struct listener *listener;
    struct client *client;
    uint32_t port, flow;        /* the client's, and its number in the flow table */
    enum request_state state;
    bool cookie;                /* a cookie was sent for it */
    uint32_t irs, rcv_nxt, iss, snd_nxt;
    struct skb_queue data;      /* not yet read */
    ps_t until;                 /* TIME_WAIT's end */
    struct request *next;       /* in the accept queue, or among those in TIME_WAIT */
};

struct request_queue { struct request *first, *last; int64_t length; };

struct listener {
    struct app *app;
    struct task task;
    int64_t backlog;
    int64_t requests;           /* in SYN_RECV: the length of the SYN queue */
    struct request_queue accept;
    struct request *serving;    /* accepted, and read from */
    bool waiting;               /* asleep in accept(), or in recv() on `serving` */
};

/* Of a host. */
struct listen {
    struct host *host;
    struct listen_counters counters;
    struct listener *listener;  /* one an application */
    struct request *request;    /* one a flow of the connecting sources */
    struct client *client;      /* one a connecting source */
    int clients;
    struct request_queue time_wait;     /* in order of their ends */
    struct event expire;
};

/* Clients and listeners of the host; 0, or -1 when out of memory. */
int listen_init(struct listen *l, struct host *h);
void listen_start(struct listen *l);
void listen_free(struct listen *l);
bool listen_clients_done(const struct listen *l);
bool listen_rcv(struct context *x);     /* context.skb: a stage_fn */

#endif
