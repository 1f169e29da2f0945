/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recvmmsg(): several datagrams in one system call.
 *
 * In    recvmmsg_took()    a UDP reader has copied a datagram
 *       recvmmsg_ends()    it has found nothing more
 * Out   -                  the answer: does the call go on?
 *
 * The call loops over recvmsg() until app.vlen datagrams are there. Without MSG_WAITFORONE a blocking call waits for all of
 * them; with it, or on a non-blocking socket, what is there is returned. Each further datagram pays for its message header
 * and iovec instead of a system call; the program works on all of them after the return. (net/socket.c do_recvmmsg)
 * Not modelled: the timeout argument, which the kernel looks at only after a datagram has come. */
#ifndef MODELS_RECVMMSG_H
#define MODELS_RECVMMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"

struct app;

struct recvmmsg_params {
    int64_t vlen;
    int64_t waitforone;
};
extern const struct model_info recvmmsg_model;

struct recvmmsg_host_params {
    int64_t further;
};
extern const struct model_info recvmmsg_host_model;

/* The call under way: `messages` of `bytes` so far; `open`: it has not returned yet. */
struct recvmmsg {
    int64_t messages, bytes;
    bool open;
};

/* Books a datagram of `bytes`; true if the call goes on to the next. */
bool recvmmsg_took(struct app *a, int64_t bytes);
/* Nothing more is there: true if the call returns what it has. */
bool recvmmsg_ends(struct app *a);

#endif
