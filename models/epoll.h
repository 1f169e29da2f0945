/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is woken: a socket with several readers, and what epoll makes of it.
 *
 * In    epoll_wake()       a socket that several read became readable
 * Out   app_ready          an epoll has one more item; it wakes if it waits
 *       sched_wake         a thread that sleeps in recv()
 *
 * With app.share an application reads another one's UDP socket: a thread or a child with the same descriptor. Each has an
 * epoll of its own if its kind is epoll, as the workers of one server have.
 *   recv     threads sleep exclusively, the longest asleep first: one datagram wakes one of them
 *   epoll    every epoll's callback runs, the newest first, and all that wait are woken: the thundering herd
 *   epoll, app.exclusive (EPOLLEXCLUSIVE)   in the order of the scenario, up to the first that waits: it alone is woken. The
 *            callbacks before it have run, so their items are ready when they look
 * Those without EPOLLEXCLUSIVE come before all exclusive ones, threads in recv() after them.
 * A woken epoll that finds the socket empty goes back to sleep without an event (woken_for_nothing).
 * By default a program reads a ready socket until it is empty. With app.event_reads one it makes one recv() an event: level
 * triggering then reports the socket again with the next epoll_wait as long as something is queued, edge triggering only
 * when something new comes. (fs/eventpoll.c ep_poll_callback, ep_send_events; kernel/sched/wait.c __wake_up_common;
 * net/core/datagram.c __skb_wait_for_more_packets)
 * Not modelled: EPOLLONESHOT, one epoll that several threads wait on, nested epolls, the look at a level-triggered item whose
 * socket was read until it was empty. */
#ifndef MODELS_EPOLL_H
#define MODELS_EPOLL_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "sim/engine/time.h"

struct app;
struct context;
struct host;
struct sock;

enum epoll_trigger { EPOLL_LEVEL, EPOLL_EDGE };
enum epoll_reads { EPOLL_READS_ALL, EPOLL_READS_ONE };

struct epoll_params {
    int64_t share;              /* UNIT_TEXT */
    int64_t exclusive;
    int64_t trigger;            /* enum epoll_trigger */
    int64_t reads;              /* enum epoll_reads */
};
extern const struct model_info epoll_model;

struct epoll_counters {
    uint64_t woken_for_nothing;
};

/* Joins the readers of shared sockets to them. Once all applications are there. */
void epoll_share(struct host *h);
/* Does anybody sleep for the socket? */
bool epoll_anyone_waits(const struct sock *sk);
/* Wakes who is to be woken for a socket with several readers; returns the cost. */
ps_t epoll_wake(struct context *x, struct sock *sk);
/* The reader goes to sleep for its socket: behind those that sleep already. */
void epoll_sleeps(struct sock *sk);
/* Whether a reported item stays on the ready list, and how many events a call may return. */
bool epoll_keeps_item(const struct app *a);
int epoll_events(const struct app *a);

/* What is wrong with an application's share of a socket, or NULL: a sentence in `buffer`. */
const char *epoll_check(const struct config *c, int app, char *buffer, size_t size);

#endif
