/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threaded NAPI: a kernel thread that polls one NAPI.
 *
 * In    napi_thread_wake()   napi_schedule of a threaded instance
 * Out   napi_poll            in a section with bottom halves off, then local_bh_enable
 *
 * An ordinary task: it polls while the instance is scheduled, one poll a turn and a reschedule point after each, with
 * no budget beside the poll's weight and so no time_squeeze. (net/core/dev.c napi_threaded_poll_loop)
 * Not modelled: the thread staying on the poll by busy polling (6.18's threaded=2). */
#ifndef MODELS_NAPI_THREAD_H
#define MODELS_NAPI_THREAD_H

#include "models/napi.h"
#include "models/sched.h"

struct napi_thread {
    struct napi *napi;
    struct task task;
};

void napi_thread_init(struct napi_thread *t, struct napi *n, struct cpu *c);
/* The instance was scheduled by code that runs in `x`. */
void napi_thread_wake(struct context *x, struct napi_thread *t);

#endif
