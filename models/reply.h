/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers: what a program sends for each message it has read, from the system call to the doorbell.
 *
 * In    reply_asked()    the reader has a message in its hand
 *       reply_send()     the program has worked on it and sends
 * Out   tx_answer        the frame takes a descriptor, or waits in the qdisc
 *       requester_answer   its last bit has left: to the client that waits for it, if there is one
 *
 * sendmsg() is one step of kernel work: system call, copy, socket, IP and LOCAL_OUT; then qdisc, descriptor and doorbell
 * (cost.tx.xmit) with bottom halves off, and what is pending runs where they are enabled again. On TCP the socket's lock is
 * held meanwhile, and the data acknowledges what was received.
 * An answer leaves by the NIC its request came by, from the queue that XPS gives the sending CPU (nic.queue.xps_cpus), else
 * by the flow's hash, as netdev_pick_tx() chooses for packets of the host's own. (net/core/dev.c)
 * Not modelled: answers longer than a frame, GSO, a full send buffer (an answer that the qdisc drops is lost, and counted
 * there), zero-copy send, what an answer means to conntrack's entry of a UDP flow. */
#ifndef MODELS_REPLY_H
#define MODELS_REPLY_H

#include "models/config.h"
#include "models/cpu.h"

enum { REPLY_MOST = 1448 };     /* payload of one frame at MTU 1500, TCP with timestamps */

struct reply_params {
    int64_t send;
    int64_t copy_byte;
    int64_t tcp;
    int64_t done;
};
extern const struct model_info reply_model;

/* context.sk has read a message whose first frame is `f` (NULL on TCP, where the flow is the socket's own). */
void reply_asked(struct sock *sk, const struct frame *f);
/* Sends the answer of context.sk, from user mode; returns in kernel mode. */
void reply_send(struct context *x);
/* Relations between parameters: a sentence, or NULL. */
const char *reply_check(const struct config *c, char *buffer, size_t size);

#endif
