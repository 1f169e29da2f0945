/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets: lookup, receive buffers' limits, the lock and its backlog, wakeups, timers.
 *
 * In    sock_lookup()        a packet's socket
 *       sock_tcp_rcv()       TCP from softirq: processed, or put on the backlog while the reader holds the lock
 *       sock_release()       the reader drops the lock: the backlog is processed in its context
 *       sock_data_ready()    something to read
 * Out   sched_wake           a reader asleep on the socket or in epoll_wait
 *       tcp, udp             the protocols
 *
 * A UDP socket is bound to a port; a TCP flow gets an established socket with its first segment.
 * Several readers of one socket: models/epoll. Several sockets on one port: models/reuseport.
 * Listening sockets and connections that come and go: models/listen.
 * Not modelled: handshakes of other traffic, coalescing on the backlog. */
#ifndef MODELS_SOCK_H
#define MODELS_SOCK_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/flow.h"
#include "models/tcp.h"
#include "models/tx.h"
#include "models/udp.h"

struct sock_params {
    int64_t rmem_default;
    int64_t rmem_max;
    int64_t wmem_default;
    int64_t data_ready;
    int64_t wake;
    int64_t epoll_callback;
    int64_t tcp_rcv;
    int64_t tcp_fast;
    int64_t tcp_slow;
    int64_t tcp_ofo;
    int64_t tcp_collapse_byte;
    int64_t tcp_backlog;
    int64_t tcp_send_ack;
};
extern const struct model_info sock_model;

struct sock_app_params {
    int64_t rcvlowat;
};
extern const struct model_info sock_app_model;

struct app;

struct sock {
    struct sock *next;          /* of its application */
    struct sock *timer_next;    /* in softirq.timers */
    struct host *host;
    struct app *app;
    struct task *reader;        /* the task that reads it */
    int proto;                  /* FLOW_UDP, FLOW_TCP */
    uint32_t flow;              /* TCP: its flow */
    struct udp_sock udp;
    struct tcp_sock tcp;
    bool owned;                 /* TCP: the reader holds the lock */
    int64_t reading;            /* TCP: bytes the recv() under way will take */
    int64_t taken;              /* .. and has taken: below SO_RCVLOWAT a blocking one goes on */
    bool waiting;               /* the reader sleeps (or is about to) for this socket */
    bool slept;                 /* in the current recv() */
    struct napi *napi;          /* that it may busy poll; NULL: not known yet */
    bool ready;                 /* on the epoll ready list */
    struct sock *ready_next;
    struct sock *source;        /* whose datagrams its reader takes: its own, but for app.share (models/epoll) */
    struct sock *sharers, *next_sharer;
    uint64_t sleeps, sleeps_since;      /* of all its readers; of this one, the number of its last */
    struct skb_queue backlog;
    int64_t backlog_len;        /* truesize */
    struct event timer;
    struct vector timer_vector;
    bool timer_queued;          /* fired, and waiting in softirq.timers */
    struct cpu *timer_cpu;
    struct tcp_ops tcp_ops;
    struct context *acting;     /* context on whose behalf a TCP callback runs */
    struct tx_answer asked;     /* the message in hand, if the application answers; bytes 0: none */
    bool replying;              /* TCP: the acknowledgment that is sent rides on an answer */
    uint64_t drops;
};

/* Something to read. */
bool sock_readable(const struct sock *sk);
/* The socket for the skb's flow, or NULL. */
struct sock *sock_lookup(const struct context *x, const struct skb *s);
void sock_data_ready(struct context *x, struct sock *sk);       /* costs go to context.owed */
bool sock_tcp_rcv(struct context *x);                           /* context.skb, context.sk: a stage_fn */
void sock_release(struct context *x);                           /* processes the backlog; returns */
void sock_run_timers(struct context *x);                        /* the TIMER softirq's part; returns */
/* (Re)arms the socket's timer from tcp_deadline(); it will run on `c`. */
void sock_arm_timer(struct sock *sk, struct cpu *c);
/* `first` is a TCP connection's first segment, NULL for UDP. Returns 0, or -1 when out of memory. */
int sock_init(struct sock *sk, struct app *a, int proto, uint32_t flow, const struct skb *first);

#endif
