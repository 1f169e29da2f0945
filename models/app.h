/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Applications: who reads the sockets, how, and what it does with a message.
 *
 * In    the scheduler runs its task
 * Out   recv of udp and tcp, sleep and wake; frames end as delivered when their last byte is copied
 *
 * Kinds: recv (blocking recv() in a loop; for TCP a thread for each connection), epoll (epoll_wait, then reads each
 * ready socket until it is empty), busy (non-blocking recv() in a loop, never sleeps), idle (opens its socket and never
 * reads: it fills), hog (no socket: a task that never leaves user mode, as competition for the CPU), background (no socket:
 * works now and then, models/background).
 * A recv() takes its datagram under the queue's lock and runs pending softirqs where the kernel drops that lock
 * (spin_unlock_bh in __skb_recv_udp), before the copy, unless the kernel leaves them to a runnable ksoftirqd.
 * Several of them on one socket: models/epoll, models/reuseport. Several datagrams a call: models/recvmmsg.
 * With app.reply the program answers each message after its work (models/reply).
 * Not modelled: io_uring. */
#ifndef MODELS_APP_H
#define MODELS_APP_H

#include "models/background.h"
#include "models/bandwidth.h"
#include "models/config.h"
#include "models/cpu.h"
#include "models/epoll.h"
#include "models/recvmmsg.h"
#include "models/sched.h"
#include "models/sock.h"

enum app_kind { APP_RECV, APP_EPOLL, APP_BUSY, APP_HOG, APP_IDLE, APP_BACKGROUND };
enum app_proto { APP_PROTO_ANY, APP_PROTO_UDP, APP_PROTO_TCP };

struct app_params {
    int64_t kind;
    int64_t proto;              /* 0 any, 1 udp, 2 tcp */
    int64_t port;               /* 0: any */
    int64_t sched;              /* 0 other, 1 fifo */
    int64_t lag;
    int64_t cpu;                /* -1: the last CPU */
    int64_t work;               /* per message */
    int64_t work_byte;
    int64_t read_size;
    int64_t rcvbuf;             /* SO_RCVBUF as the program sets it; 0: not set */
    int64_t maxevents;
    int64_t handshake_rtt;      /* TCP: the first estimate of the round trip */
    int64_t busy_poll;          /* SO_BUSY_POLL; epoll's own time */
    int64_t busy_poll_budget;
    int64_t prefer_busy_poll;
    int64_t reply;              /* payload of the answer to each message; 0: none */
};
extern const struct model_info app_model;

struct app_config;

struct app_host_params {
    int64_t recv_entry;
    int64_t recv_lock;
    int64_t recv_dequeue;
    int64_t copy_byte;
    int64_t recv_return;
    int64_t recv_return_slept;
    int64_t user;
    int64_t call;
    int64_t block;
    int64_t resume;
    int64_t empty;
    int64_t tcp_recv;
    int64_t tcp_resume;
    int64_t epoll_wait;
    int64_t epoll_event;
};
extern const struct model_info app_host_model;

struct app_counters {
    uint64_t messages;
    uint64_t bytes;
    uint64_t sleeps;
};

/* A TCP connection and, for kind recv, the thread that serves it. */
struct connection {
    struct connection *next;
    struct sock sock;
    struct task task;
};

struct app {
    struct host *host;
    const struct app_params *params;
    const struct app_config *config;    /* all of its parameters */
    struct app_counters counters;
    struct epoll_counters epoll;
    const char *name;
    struct cpu *cpu;
    struct task task;           /* epoll, busy, and recv on UDP */
    struct background background;
    struct bandwidth bandwidth; /* of all its tasks */
    struct sock udp;            /* if it takes UDP */
    struct connection *connections;     /* TCP, newest first */
    struct sock *ready_first, *ready_last;      /* epoll's ready list */
    int events_left;
    bool waiting;               /* in epoll_wait, asleep or about to be */
    struct napi *napi;          /* that epoll_wait may busy poll: of the socket that was ready last */
    struct recvmmsg mmsg;       /* UDP with app.vlen above 1: the call under way, or the last */
    int64_t got;                /* bytes of the current message; -1: there was none */
    uint64_t got_frame;         /* its (last) frame, and when that came by wire */
    ps_t got_wire_at;
    ps_t copied_at;             /* of a UDP reader's step that ends in app_round_over: the end of its copy */
};

/* A sentence about settings of an application that cannot be, or NULL. */
const char *app_check(const struct app_config *c);
int app_init(struct app *a, struct host *h, int index);
/* Whether packets of a flow go to this application's sockets. */
bool app_listens(const struct app *a, const struct flow_key *key);
/* A datagram a call, from a socket that nobody else reads: the short ways know such readers. */
bool app_reads_alone(const struct app *a);
/* A socket became readable: onto the ready list, and epoll_wait wakes. Returns the cost. */
ps_t app_ready(struct app *a, struct sock *sk, struct cpu *waker);
/* epoll: something is on the ready list. */
bool app_has_events(const struct app *a);
void app_start(struct app *a);
void app_free(struct app *a);
/* The end of a step that was a whole round of a UDP reader (models/reading): the next look at the queue. */
void app_round_over(struct context *x);

/* A new TCP connection: makes its socket, and its reading thread if the kind wants one. NULL: out of memory. */
struct sock *app_accept(struct app *a, uint32_t flow, const struct skb *first);

#endif
