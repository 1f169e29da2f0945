/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Busy polling: a task that finds nothing to read polls the NIC's queue itself before it sleeps.
 *
 * In    busy_poll_mark()     a socket has received by a queue: that is the one to poll
 *       busy_poll_socket()   recv() found nothing
 *       busy_poll_epoll()    epoll_wait() found nothing
 *       busy_poll_suspend()  epoll_wait() returns events (irq_suspend_timeout)
 * Out   napi_busy_poll       one poll in the task's context, bottom halves off, of a budget of its own
 *       napi_busy_stop       one more at the end, which enables the interrupt again
 *
 * The task takes the NAPI only if it is not scheduled; meanwhile the driver's napi_complete_done does nothing, and an
 * interrupt that comes finds the NAPI taken. Each turn of the loop: bottom halves off, a poll (of app.busy_poll_budget
 * frames), its list handed up, bottom halves on; then it ends with something to read, or when its time is over, or gives the
 * core away at need_resched. Time is kept in units of 1024 ns, and is over when more units than microseconds asked for have
 * begun. A non-blocking recv() polls once. (net/core/dev.c __napi_busy_loop, busy_poll_stop; net/ipv4/udp.c; fs/eventpoll.c)
 *
 * A UDP socket here is not connected: it keeps the queue of its first datagram, and before 4.10 (kernel.busy_poll.unconnected
 * off) had none, so a UDP server could not busy poll at all, whatever it set. (net/ipv4/udp.c sk_mark_napi_id_once)
 *
 * Whose time: a socket's is SO_BUSY_POLL (app.busy_poll) or net.core.busy_read; epoll's is EPIOCSPARAMS (app.busy_poll of
 * kind epoll, 6.9 on) or net.core.busy_poll. With app.prefer_busy_poll (5.11 on) the stop arms gro_flush_timeout instead of
 * the interrupt where napi_defer_hard_irqs allows, and a softirq that used its weight leaves the rest to the task.
 * nic.irq_suspend_timeout (6.13 on): while epoll_wait finds events, that is how long interrupts stay off; when its own poll
 * finds nothing, the NAPI is scheduled again.
 * Not modelled: poll() and select(), busy polling of queues that are steered by RPS, kernels before 4.12 that had a method
 * of the driver's for it, NAPI_F_END_ON_RESCHED, SQPOLL of io_uring. */
#ifndef MODELS_BUSY_POLL_H
#define MODELS_BUSY_POLL_H

#include <stdbool.h>

#include "models/config.h"
#include "models/cpu.h"

struct app;
struct frame;

struct busy_poll_params {
    int64_t busy_read;
    int64_t busy_poll;
    int64_t unconnected;
    int64_t enter;
    int64_t turn;
    int64_t stop;
};
extern const struct model_info busy_poll_model;

struct busy_poll_counters {
    uint64_t BusyPollRxPackets;
};

void busy_poll_mark(struct sock *sk, const struct frame *f);
/* Whether it is to be polled for at all. */
bool busy_poll_wants_socket(const struct sock *sk);
bool busy_poll_wants_epoll(const struct app *a);
/* Polls until there is something to read in context.sk, or on the ready list, or the time is over; then `then`, in kernel
 * mode and with context.sk as it was. */
void busy_poll_socket(struct context *x, bool once, cont_fn *then);
void busy_poll_epoll(struct context *x, cont_fn *then);
/* napi_suspend_irqs and, when nothing was found, napi_resume_irqs; nothing without nic.irq_suspend_timeout. */
void busy_poll_suspend(struct app *a, struct cpu *c);
void busy_poll_resume(struct context *x, cont_fn *then);

/* Somebody on this machine may busy poll: no core is secluded then, and no queue's polls take the express. */
bool busy_poll_anywhere(const struct host *h);
/* Relations between parameters: a sentence, or NULL. */
const char *busy_poll_check(const struct config *c, char *buffer, size_t size);

#endif
