/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The express: a poll's plain datagrams from the ring to their socket, and the reader at its other end, in one loop.
 *
 * In    express_init()   the run begins: which queues' polls may take it?
 *       express_poll()   the driver is about to take a frame
 * Out   -                the driver goes on where the loop has stopped, as if it had come there step by step
 *
 * Nothing new happens here. Per frame the loop does what driver, gro, netif (its short way) and udp do, with their functions
 * and costs and in their order, and what app does with a whole round of its reader. What it saves is the way between them:
 * an event or a continuation for each step, a look at the horizon for each. It looks once a frame: if the most that a frame
 * can take, a full list's way up included, ends before anything else is due, all its steps do.
 * The reader's next look at the queue is such a thing that is due; two busy cores would stop each other after every frame.
 * So a reader that is in the middle of a whole round (models/reading) comes along: before a datagram is queued, the rounds
 * that end by then are over. It must not run dry meanwhile: how a reader falls asleep is left to the usual steps.
 * Conditions: no client of the machine waits for answers, and no task busy polls; flows all plain and of one socket, whose reader does not use
 * epoll and does not answer; one way through the driver (no XDP, no copying, no skbs in the ring, no far memory, tail
 * written at once, a frame without descriptor is dropped); no queue of the NIC waits for its interrupt. --no-batch has none
 * of this, and the fingerprints are the same. */
#ifndef MODELS_EXPRESS_H
#define MODELS_EXPRESS_H

#include <stdbool.h>

#include "models/cpu.h"

struct host;
struct nic_queue;

/* What is the same for every frame of the queue. */
struct express {
    struct sock *sk;            /* that all flows of the queue go to; NULL: no express */
    bool mixed;                 /* they go several ways */
    ps_t frame, list, list_skb, skb, queued;    /* costs: driver and GRO; a list, each of it; up to the socket; queueing */
    ps_t most;                  /* a frame takes at most, with a full list's way up */
    ps_t round_least, round_most;       /* of the reader */
};

void express_init(struct host *h);
void express_poll(struct context *x, struct nic_queue *q);

#endif
