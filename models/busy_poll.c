/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/busy_poll.h"

#include <stdio.h>

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

enum { UNIT = 1024 };           /* busy_loop_current_time(): local_clock() >> 10, in ns */

static const struct param rows[] = {
    PARAM(struct busy_poll_params, busy_read, "net.core.busy_read", UNIT_TIME, 0, 0, 1 * SEC,
          "time a recv() polls the NIC before it sleeps, for sockets without SO_BUSY_POLL; whole microseconds; 0: not at all",
          "net/core/sock.c sysctl_net_busy_read: off"),
    PARAM(struct busy_poll_params, busy_poll, "net.core.busy_poll", UNIT_TIME, 0, 0, 1 * SEC,
          "the same for epoll_wait(), whose poll is that of the socket that was ready last; 0: not at all",
          "fs/eventpoll.c ep_busy_loop, sysctl_net_busy_poll: off"),
    PARAM_SWITCH(struct busy_poll_params, unconnected, "kernel.busy_poll.unconnected", 1,
                 "UDP sockets that are not connected learn their queue from their first datagram",
                 "net/ipv4/udp.c __udp_queue_rcv_skb: sk_mark_napi_id_once, 4.10 on (e68b6e50fa35)"),
    PARAM_COST(struct busy_poll_params, enter, "cost.busy_poll.enter", 120, "finding the NAPI by its id, the clock",
               "assumption: a hash lookup under RCU"),
    PARAM_COST(struct busy_poll_params, turn, "cost.busy_poll.turn", 100,
               "each turn of the loop beside the poll: bottom halves off and on, the clock, cpu_relax", "assumption"),
    PARAM_COST(struct busy_poll_params, stop, "cost.busy_poll.stop", 60, "giving the NAPI back, beside its last poll",
               "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct busy_poll_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct busy_poll_counters, BusyPollRxPackets, "TcpExtBusyPollRxPackets", "nstat",
            "frames that busy polling took, for UDP and TCP"),
};
ALL_COUNTERS_HAVE_ROWS(struct busy_poll_counters, counter_rows);

const struct model_info busy_poll_model = {
    .name = "busy_poll", .step = "7", .what = "tasks that poll the NIC before they sleep",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, busy_poll), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct busy_poll_params *costs(const struct context *x)
{
    return &x->cpu->host->hc->busy_poll;
}

static struct busy_poll *of(const struct context *x)
{
    return &x->task->busy;
}

/* ---- for whom, and for how long ---- */

static ps_t socket_time(const struct host *h, const struct app_params *p)
{
    return p->busy_poll > 0 && p->kind != APP_EPOLL ? p->busy_poll : h->hc->busy_poll.busy_read;
}

static ps_t epoll_time(const struct host *h, const struct app_params *p)
{
    return p->busy_poll > 0 ? p->busy_poll : h->hc->busy_poll.busy_poll;
}

/* sk_mark_napi_id: a datagram socket that is not connected keeps the first, a TCP one follows. */
void busy_poll_mark(struct sock *sk, const struct frame *f)
{
    struct nic *n = &sk->host->nic[sk->host->flow[f->flow].nic];

    bool learns = sk->proto == FLOW_TCP || (!sk->napi && sk->host->hc->busy_poll.unconnected);

    if (learns && f->queue >= 0 && !n->veth)
        sk->napi = &n->queue[f->queue].napi;
}

bool busy_poll_wants_socket(const struct sock *sk)
{
    return sk->napi && socket_time(sk->host, sk->app->params) > 0;
}

bool busy_poll_wants_epoll(const struct app *a)
{
    return a->napi && epoll_time(a->host, a->params) > 0;
}

static int64_t units(const struct context *x)
{
    return x->cpu->engine->now / (UNIT * NS);
}

/* ---- the loop ---- */

static void turn(struct context *x);
static void again(struct context *x);

static bool found(const struct context *x)
{
    const struct busy_poll *b = of(x);

    return b->sk ? sock_readable(b->sk) : app_has_events(x->task->owner);
}

static bool over(const struct context *x)
{
    const struct busy_poll *b = of(x);

    return b->once || found(x) || units(x) > b->until;
}

static void given_back(struct context *x)
{
    of(x)->owned = false;
    x->sk = of(x)->sk;
    local_bh_enable(x, over(x) ? of(x)->then : again);
}

/* The NAPI goes back before the task leaves or gives the core away. */
static void leave(struct context *x)
{
    struct busy_poll *b = of(x);

    if (!b->owned) {
        x->then = over(x) ? b->then : again;
        return;
    }
    x->flags = STEP_BH_OFF;
    x->napi = b->napi;
    x->budget = b->budget;
    x->owed += costs(x)->stop;
    napi_busy_stop(x, b->prefer, given_back);
}

static void restart(struct context *x)
{
    if (over(x))
        x->then = of(x)->then;
    else
        turn(x);
}

static void again(struct context *x)
{
    sched_checkpoint(x, restart);
}

static void decide(struct context *x)
{
    if (over(x) || x->cpu->rq->need_resched)
        leave(x);
    else
        turn(x);
}

static void turned(struct context *x)
{
    x->sk = of(x)->sk;
    local_bh_enable(x, decide);
}

static void polled(struct context *x)
{
    x->cpu->host->busy_poll.BusyPollRxPackets += (uint64_t)x->work;
    context_work(x, costs(x)->turn, turned);
}

static void turn(struct context *x)
{
    struct busy_poll *b = of(x);

    x->flags = STEP_BH_OFF;
    if (!b->owned)
        b->owned = napi_busy_acquire(b->napi, x->cpu, b->prefer);
    if (!b->owned) {
        context_work(x, costs(x)->turn, turned);
        return;
    }
    x->napi = b->napi;
    x->budget = b->budget;
    context_call(x, napi_busy_poll, polled);
}

static void begin(struct context *x, struct napi *n, struct sock *sk, ps_t time, cont_fn *then)
{
    const struct app *a = sk ? sk->app : x->task->owner;

    x->task->busy = (struct busy_poll){
        .napi = n, .sk = sk, .then = then, .until = units(x) + time / US, .budget = (int)a->params->busy_poll_budget,
        .prefer = a->params->prefer_busy_poll,
    };
    context_kernel_work(x, costs(x)->enter, turn);
}

void busy_poll_socket(struct context *x, bool once, cont_fn *then)
{
    struct sock *sk = x->sk;

    begin(x, sk->napi, sk, socket_time(sk->host, sk->app->params), then);
    of(x)->once = once;
}

void busy_poll_epoll(struct context *x, cont_fn *then)
{
    const struct app *a = x->task->owner;

    begin(x, a->napi, NULL, epoll_time(a->host, a->params), then);
}

/* ---- suspended interrupts ---- */

void busy_poll_suspend(struct app *a, struct cpu *c)
{
    if (a->napi && a->params->prefer_busy_poll && a->napi->nic_params->irq_suspend_timeout > 0)
        napi_suspend_irqs(a->napi, c);
}

void busy_poll_resume(struct context *x, cont_fn *then)
{
    const struct app *a = x->task->owner;

    if (a->napi && a->params->prefer_busy_poll && a->napi->nic_params->irq_suspend_timeout > 0)
        x->owed += napi_schedule_from(a->napi, x->cpu);
    local_bh_enable(x, then);
}

/* ---- what follows for others ---- */

static bool may_poll(const struct host_config *h, const struct app_params *p)
{
    return p->busy_poll > 0 || h->busy_poll.busy_read > 0 || (p->kind == APP_EPOLL && h->busy_poll.busy_poll > 0);
}

bool busy_poll_anywhere(const struct host *h)
{
    for (int i = 0; i < h->apps; i++) {
        if (may_poll(h->hc, h->app[i].params))
            return true;
    }
    return false;
}

const char *busy_poll_check(const struct config *c, char *buffer, size_t size)
{
    for (int i = 0; i < c->apps; i++) {
        if (may_poll(c->host, &c->app[i].app) && c->host->busy_poll.turn <= 1) {
            snprintf(buffer, size, "app[%s] busy polls, but cost.busy_poll.turn is 0: it would poll for ever without time "
                     "passing", c->app_name[i]);
            return buffer;
        }
        for (int n = 0; n < c->nics && may_poll(c->host, &c->app[i].app); n++) {
            for (int q = 0; q < c->nic[n].nic.channels; q++) {
                if (c->nic[n].queue[q].rps.rps_cpus == 0)
                    continue;
                snprintf(buffer, size, "app[%s] busy polls, but nic[%s].queue[%d].rps_cpus is set: busy polling of queues that "
                         "RPS steers is not modelled", c->app_name[i], c->nic_name[n], q);
                return buffer;
            }
        }
    }
    return NULL;
}
