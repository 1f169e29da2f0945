/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/app.h"

#include <stdlib.h>

#include "models/busy_poll.h"
#include "models/horizon.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/reading.h"
#include "models/reply.h"

static const char *const kinds[] = { "recv", "epoll", "busy", "hog", "idle", "background", NULL };
static const char *const scheds[] = { "other", "fifo", NULL };
enum { POLICY_OTHER, POLICY_FIFO };
static const char *const protos[] = { "any", "udp", "tcp", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct app_params, kind, "app.kind", APP_RECV, kinds,
                 "how it reads: blocking recv, epoll_wait and recv until empty, non-blocking recv in a loop, or never; hog and background only "
                 "work",
                 "the simplest reader"),
    PARAM_CHOICE(struct app_params, proto, "app.proto", APP_PROTO_ANY, protos, "which protocol it listens on",
                 "one reader for everything"),
    PARAM(struct app_params, port, "app.port", UNIT_COUNT, 0, 0, 65535, "port it listens on; 0: any",
          "one reader for everything"),
    PARAM_CHOICE(struct app_params, sched, "app.sched", POLICY_OTHER, scheds, "its scheduling policy, as chrt sets it",
                 "SCHED_OTHER unless a program asks"),
    PARAM(struct app_params, lag, "app.lag", UNIT_TIME, 0, 0, 1 * SEC,
          "how far its virtual runtime starts behind the others': what it is owed for having slept", "ours: nothing"),
    PARAM(struct app_params, cpu, "app.cpu", UNIT_COUNT, -1, -1, CONFIG_CPUS - 1, "CPU it is pinned to; -1: the last",
          "queue 0's interrupt goes to CPU 0, so the last CPU is another one where there is one"),
    PARAM(struct app_params, work, "app.work", UNIT_COST, COST_CYCLES(100), 0, COST_CYCLES(5000000000),
          "what it does with each message", "assumption: counts it, little else"),
    PARAM(struct app_params, work_byte, "app.work_byte", UNIT_COST_PER_BYTE, 0, 0, 2000000,
          "and with each byte", "assumption: nothing"),
    PARAM(struct app_params, read_size, "app.read_size", UNIT_BYTES, 65536, 1, 1 << 30, "buffer it passes to recv()",
          "a usual buffer"),
    PARAM(struct app_params, rcvbuf, "app.rcvbuf", UNIT_BYTES, 0, 0, INT32_MAX,
          "SO_RCVBUF it sets (the kernel doubles it, at most net.core.rmem_max before); 0: it does not",
          "most programs do not"),
    PARAM(struct app_params, maxevents, "app.maxevents", UNIT_COUNT, 64, 1, 65536, "of epoll_wait", "a usual value"),
    PARAM(struct app_params, handshake_rtt, "app.handshake_rtt", UNIT_TIME, 100 * US, 0, 10 * SEC,
          "round trip that a TCP connection's handshake saw", "assumption: a data centre"),
    PARAM(struct app_params, busy_poll, "app.busy_poll", UNIT_TIME, 0, 0, 1 * SEC,
          "SO_BUSY_POLL it sets on its sockets, kind epoll: on its epoll instance; whole microseconds; 0: the sysctls hold",
          "socket(7); EPIOCSPARAMS busy_poll_usecs (6.9 on)"),
    PARAM(struct app_params, busy_poll_budget, "app.busy_poll_budget", UNIT_COUNT, 8, 1, 256,
          "frames a busy poll may take: SO_BUSY_POLL_BUDGET", "include/net/busy_poll.h BUSY_POLL_BUDGET"),
    PARAM_SWITCH(struct app_params, prefer_busy_poll, "app.prefer_busy_poll", 0,
                 "SO_PREFER_BUSY_POLL: between busy polls the timer of nic.gro_flush_timeout stands for the interrupt",
                 "socket(7); 5.11 on"),
    PARAM(struct app_params, reply, "app.reply", UNIT_BYTES, 0, 0, REPLY_MOST,
          "answer that it sends for each message, one frame without headers; 0: none", "ours: a sink"),
};
ALL_FIELDS_HAVE_ROWS(struct app_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct app_counters, messages, "messages", "the application's own", "recv() calls that returned data"),
    COUNTER(struct app_counters, bytes, "bytes", "the application's own", "bytes read"),
    COUNTER(struct app_counters, sleeps, "sleeps", "voluntary_ctxt_switches", "times it went to sleep"),
};
ALL_COUNTERS_HAVE_ROWS(struct app_counters, counter_rows);

const struct model_info app_model = {
    .name = "app", .step = "7", .what = "who reads, and what it does with a message",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, app), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param host_rows[] = {
    PARAM_COST(struct app_host_params, recv_entry, "cost.recv.entry", 270,
               "recv(): system call to the socket's queue", "UDP19: 1646 cycles a recvmsg in all; split as measured under icount"),
    PARAM_COST(struct app_host_params, recv_lock, "cost.recv.lock", 150,
               "the queue under its lock, up to where softirqs are on again; for TCP the socket's lock", "as cost.recv.entry"),
    PARAM_COST(struct app_host_params, recv_dequeue, "cost.recv.dequeue", 640, "from there to the datagram's end, without the copy",
               "as cost.recv.entry"),
    PARAM_COST_PER_BYTE(struct app_host_params, copy_byte, "cost.recv.copy_byte", 360, "copy_to_user",
                        "Cai et al. 2021: 0.36 cycles/B at 3.4 GHz"),
    PARAM_COST(struct app_host_params, recv_return, "cost.recv.return", 390, "freeing the skb, return to user mode",
               "as cost.recv.entry"),
    PARAM_COST(struct app_host_params, recv_return_slept, "cost.recv.return_slept", 100, "more when the call has slept",
               "assumption; 102 instructions measured under icount"),
    PARAM_COST(struct app_host_params, user, "cost.recv.user", 50, "user mode after the call, until the program looks",
               "assumption"),
    PARAM_COST(struct app_host_params, call, "cost.recv.call", 50, "user mode from the program's work to the next call",
               "assumption"),
    PARAM_COST(struct app_host_params, block, "cost.recv.block", 500, "finding nothing, up to the switch",
               "assumption; 348 instructions measured under icount"),
    PARAM_COST(struct app_host_params, resume, "cost.recv.resume", 800, "from the switch back to the queue",
               "assumption; 839 instructions to the copied datagram measured under icount"),
    PARAM_COST(struct app_host_params, empty, "cost.recv.empty", 380, "a non-blocking recv() that finds nothing (EAGAIN)",
               "assumption; veth: recv on an empty socket half of one with a datagram"),
    PARAM_COST(struct app_host_params, tcp_recv, "cost.recv.tcp", 500, "recv() on TCP, more than on UDP: lock, window",
               "assumption"),
    PARAM_COST(struct app_host_params, tcp_resume, "cost.recv.tcp_resume", 0,
               "a TCP reader that was asleep, more than a UDP one: the lock again", "assumption: in cost.recv.tcp"),
    PARAM_COST(struct app_host_params, epoll_wait, "cost.epoll.wait", 900, "one epoll_wait that returns", "assumption"),
    PARAM_COST(struct app_host_params, epoll_event, "cost.epoll.event", 150, "each event it returns", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct app_host_params, host_rows);

const struct model_info app_host_model = {
    .name = "app", .step = "7", .what = "system calls and the copy",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, app), .params = host_rows,
    .n_params = ROWS(host_rows),
};

static const struct app_host_params *costs(const struct context *x)
{
    return &x->cpu->host->hc->app;
}

/* Kernel mode: not preempted until the next checkpoint. */
static void recv_call(struct context *x);
static void udp_take(struct context *x);
static void tcp_take(struct context *x);
static void epoll_wait(struct context *x);
static void nothing(struct context *x);
static struct sock *ready_sock(struct context *x, struct app *a);

/* ---- back in user mode ---- */

static void next_call(struct context *x)
{
    if (x->sk->app->params->kind == APP_EPOLL && x->sk->app->config->epoll.reads == EPOLL_READS_ONE)
        epoll_wait(x);
    else
        recv_call(x);
}

static void answered_in_user(struct context *x)
{
    x->flags = STEP_USER;
    context_work(x, costs(x)->call, next_call);
}

static void answered(struct context *x)
{
    sched_checkpoint(x, answered_in_user);
}

static void answer(struct context *x)
{
    context_call(x, reply_send, answered);
}

/* The program has what it asked for, works on it, answers if it does, and asks again. */
static void returned(struct context *x)
{
    struct app *a = x->sk->app;
    ps_t work = a->got < 0 ? 0 : a->params->work + ps_of_fs_per_byte(a->params->work_byte, a->got);

    if (a->got >= 0 && a->config->recvmmsg.vlen > 1)
        work += (a->mmsg.messages - 1) * a->params->work;

    if (a->got >= 0)
        trace_emit(&a->host->engine.trace, x->cpu->engine->now, TRACE_RECV_RETURN, x->cpu->index,
                   (int64_t)a->got_frame, a->got_wire_at);
    if (x->sk->asked.bytes > 0)
        context_work(x, work, answer);
    else
        context_work(x, work + costs(x)->call, next_call);
}

static void user(struct context *x)
{
    x->flags = STEP_USER;
    context_work(x, costs(x)->user, returned);
}

static void return_to_user(struct context *x)
{
    sched_checkpoint(x, user);
}

static void back_to_user(struct context *x)
{
    context_kernel_work(x, costs(x)->recv_return + (x->sk->slept ? costs(x)->recv_return_slept : 0), return_to_user);
    x->sk->slept = false;
}

static void message(struct context *x, int64_t bytes)
{
    struct app *a = x->sk->app;

    a->counters.messages++;
    a->counters.bytes += (uint64_t)bytes;
    a->got = bytes;
    back_to_user(x);
}

/* ---- UDP ---- */

/* recvmmsg(): the next datagram, or the return with all of them. */
static void one_of_several(struct context *x, int64_t bytes)
{
    struct app *a = x->sk->app;

    if (recvmmsg_took(a, bytes)) {
        a->counters.messages++;
        a->counters.bytes += (uint64_t)bytes;
        context_kernel_work(x, x->cpu->host->hc->recvmmsg.further + costs(x)->recv_lock, udp_take);
        return;
    }
    message(x, bytes);
    a->got = a->mmsg.bytes;
}

static void udp_copied(struct context *x)
{
    struct host *h = x->cpu->host;
    struct skb *s = x->skb;
    struct frame *f = s->first;
    int64_t bytes = reading_bytes(x);

    x->skb = NULL;
    x->sk->app->got_frame = f->id;
    x->sk->app->got_wire_at = f->wire_at;
    if (x->sk->app->params->reply > 0)
        reply_asked(x->sk, f);
    host_udp(h, s->flow)->InDatagrams++;
    trace_emit(&h->engine.trace, h->engine.now, TRACE_RECV, x->cpu->index, (int64_t)f->id, bytes);
    x->owed += host_skb_drop(h, s, FATE_DELIVERED);
    if (x->sk->app->config->recvmmsg.vlen > 1)
        one_of_several(x, bytes);
    else
        message(x, bytes);
}

static bool udp_queued(const struct sock *sk)
{
    return sk->source->udp.reader.first || sk->source->udp.receive.first;
}

void app_round_over(struct context *x)
{
    struct reading r = { .x = x, .copied = x->sk->app->copied_at };

    reading_deliver(&r);
    udp_take(x);
}

/* Whole rounds that meet nobody become one step, and as long as the next look at the queue meets nobody either, it is done
 * here, too. -1: the step ends with the next look at the queue. Otherwise the round under way is left to the usual steps;
 * the time until the datagram now in hand was taken is returned, for the first of them. */
static ps_t read_ahead(struct context *x)
{
    ps_t until = horizon_of(x->cpu), now = x->cpu->engine->now;
    struct udp_sock *u = &x->sk->udp;
    struct reading r;

    if (until <= now)
        return 0;
    reading_begin(&r, x, now);
    while (r.next < until && udp_next_is_private(u)) {
        reading_deliver(&r);
        x->skb = udp_recv_skb(u);
        reading_begin(&r, x, r.next);
    }
    if (r.next >= until)
        return r.taken - now;
    x->sk->app->copied_at = r.copied;
    context_kernel_work(x, r.next - now, app_round_over);
    return -1;
}

static void udp_busy_polled(struct context *x)
{
    if (sock_readable(x->sk))
        context_kernel_work(x, costs(x)->recv_lock, udp_take);
    else
        nothing(x);
}

/* Before it sleeps, or says EAGAIN, the task may look into the NIC's queue. */
static void nothing_queued(struct context *x)
{
    if (busy_poll_wants_socket(x->sk))
        busy_poll_socket(x, x->sk->app->params->kind != APP_RECV, udp_busy_polled);
    else
        nothing(x);
}

/* The lock is off and softirqs have had their turn: copy, or look again at what they have brought, or wait. */
static void udp_unlocked(struct context *x)
{
    if (!x->skb && udp_queued(x->sk)) {
        context_kernel_work(x, costs(x)->recv_lock, udp_take);
        return;
    }
    if (!x->skb) {
        nothing_queued(x);
        return;
    }
    ps_t ahead = x->owed == 0 ? read_ahead(x) : 0;
    if (ahead >= 0)
        context_kernel_work(x, ahead + reading_copy_cost(x), udp_copied);
}

static void udp_take(struct context *x)
{
    struct udp_sock *u = &x->sk->source->udp;

    x->skb = udp_recv_skb(u);
    if (x->cpu->host->udp_mem.binds) {
        protomem_return(&x->cpu->host->udp_mem, x->cpu, u->returned);
        u->returned = 0;
    }
    local_bh_enable(x, udp_unlocked);
}

/* ---- TCP ---- */

/* A blocking recv() returns with SO_RCVLOWAT bytes, or as many as its buffer holds. */
static bool wants_more(const struct sock *sk)
{
    int64_t target = sk->tcp.rcvlowat < sk->app->params->read_size ? sk->tcp.rcvlowat : sk->app->params->read_size;

    return sk->taken < target && sk->app->params->kind == APP_RECV && !tcp_eof(&sk->tcp);
}

static void tcp_read_done(struct context *x)
{
    struct sock *sk = x->sk;
    int64_t taken = sk->taken;

    if (wants_more(sk)) {
        sk->owned = sk->tcp.owned = true;
        tcp_take(x);
        return;
    }
    sk->taken = 0;
    message(x, taken);
}

static void tcp_copied(struct context *x)
{
    struct sock *sk = x->sk;
    struct tcp_out out;

    sk->acting = x;
    sk->taken += tcp_recvmsg(&sk->tcp, sk->reading, x->cpu->engine->now, &out);
    if (sk->app->params->reply > 0)
        reply_asked(sk, NULL);
    context_call(x, sock_release, tcp_read_done);
}

/* The backlog may have brought data while the lock was held. */
static void tcp_released_empty(struct context *x)
{
    if (tcp_available(&x->sk->tcp) > 0) {
        x->sk->owned = x->sk->tcp.owned = true;
        tcp_take(x);
    } else {
        nothing(x);
    }
}

/* What its queue's CPU has received: steered elsewhere by RPS it is where it was. */
static ps_t tcp_far_copy(const struct context *x, const struct sock *sk)
{
    const struct host *h = x->cpu->host;
    const struct flow *f = &h->flow[sk->flow];

    if (!h->far_memory || h->nic[f->nic].veth)
        return 0;
    return numa_copy(x->cpu, h->nic[f->nic].queue[f->queue].napi.cpu->index, sk->reading);
}

static void tcp_take(struct context *x)
{
    struct sock *sk = x->sk;
    int64_t want = sk->app->params->read_size - sk->taken;
    int64_t available = tcp_available(&sk->tcp);

    if (available == 0) {
        context_call(x, sock_release, tcp_released_empty);
        return;
    }
    sk->reading = available < want ? available : want;
    context_kernel_work(x, ps_of_fs_per_byte(costs(x)->copy_byte, sk->reading) + tcp_far_copy(x, sk), tcp_copied);
}

static void tcp_lock(struct context *x)
{
    x->sk->owned = x->sk->tcp.owned = true;
    context_kernel_work(x, costs(x)->recv_dequeue, tcp_take);   /* the lock's own cost came with the call */
}

/* tcp_recvmsg looks before it takes the lock. */
static void tcp_entered(struct context *x)
{
    rfs_record(x, x->sk->flow);
    if (busy_poll_wants_socket(x->sk) && !sock_readable(x->sk))
        busy_poll_socket(x, x->sk->app->params->kind != APP_RECV, tcp_lock);
    else
        tcp_lock(x);
}

/* ---- recv() ---- */

static void recv_call(struct context *x)
{
    if (x->sk->proto == FLOW_TCP)
        context_kernel_work(x, costs(x)->recv_entry + costs(x)->recv_lock + costs(x)->tcp_recv, tcp_entered);
    else
        context_kernel_work(x, costs(x)->recv_entry + costs(x)->recv_lock, udp_take);
}

static void resumed(struct context *x)
{
    x->sk->waiting = false;
    x->sk->slept = true;
    if (x->sk->proto == FLOW_TCP)
        context_kernel_work(x, costs(x)->resume + costs(x)->tcp_resume, tcp_lock);
    else
        context_kernel_work(x, costs(x)->resume, udp_take);
}

static void block(struct context *x)
{
    x->sk->app->counters.sleeps++;
    sched_sleep(x, resumed);
}

static void try_again(struct context *x)
{
    sched_checkpoint(x, user);
}

static void drained(struct context *x)
{
    sched_checkpoint(x, epoll_wait);
}

/* recv() found nothing. */
static void nothing(struct context *x)
{
    struct app *a = x->sk->app;

    if (recvmmsg_ends(a)) {
        a->got = a->mmsg.bytes;
        back_to_user(x);
        return;
    }
    if (x->sk->source->sharers || x->sk->source != x->sk)
        a->epoll.woken_for_nothing += x->sk->slept && a->params->kind == APP_RECV;
    a->got = -1;
    switch (a->params->kind) {
    case APP_EPOLL:
        context_kernel_work(x, costs(x)->empty, drained);
        break;
    case APP_BUSY:
        context_kernel_work(x, costs(x)->empty, try_again);
        break;
    default:
        epoll_sleeps(x->sk);
        sched_prepare_sleep(x->task);
        context_kernel_work(x, costs(x)->block, block);
    }
}

/* ---- epoll ---- */

static void epoll_event(struct context *x)
{
    recv_call(x);
}

static void epoll_resumed(struct context *x)
{
    struct app *a = x->task->owner;

    a->waiting = false;
    a->epoll.woken_for_nothing += ready_sock(x, a) == NULL;
    epoll_wait(x);
}

static void epoll_block(struct context *x)
{
    struct app *a = x->task->owner;

    a->counters.sleeps++;
    sched_sleep(x, epoll_resumed);
}

static void put_ready(struct app *a, struct sock *sk)
{
    sk->ready = true;
    sk->ready_next = NULL;
    if (a->ready_first)
        a->ready_last->ready_next = sk;
    else
        a->ready_first = sk;
    a->ready_last = sk;
}

/* Level triggering: an item that is empty again when it is polled is dropped without an event. */
static struct sock *ready_sock(struct context *x, struct app *a)
{
    while (a->ready_first && !sock_readable(a->ready_first)) {
        a->ready_first->ready = false;
        a->ready_first = a->ready_first->ready_next;
        x->owed += costs(x)->epoll_event;
    }
    return a->ready_first;
}

bool app_has_events(const struct app *a)
{
    return a->ready_first != NULL;
}

static void epoll_sleep(struct context *x)
{
    struct app *a = x->task->owner;

    a->waiting = true;
    sched_prepare_sleep(x->task);
    context_kernel_work(x, costs(x)->epoll_wait, epoll_block);
}

/* The softirq that resumed interrupts may have brought something. */
static void epoll_sleep_unless_ready(struct context *x)
{
    if (app_has_events(x->task->owner))
        epoll_wait(x);
    else
        epoll_sleep(x);
}

/* Its poll has found an event, or its time is over: then interrupts are on again, and the next socket says what to poll. */
static void epoll_busy_polled(struct context *x)
{
    struct app *a = x->task->owner;

    if (app_has_events(a)) {
        epoll_wait(x);
        return;
    }
    busy_poll_resume(x, epoll_sleep_unless_ready);
    a->napi = NULL;
}

/* The next ready socket of this call's events, a new call when they are used up, or sleep. */
static void epoll_wait(struct context *x)
{
    struct app *a = x->task->owner;
    struct sock *sk = ready_sock(x, a);
    ps_t cost = costs(x)->epoll_event;

    if (!sk) {
        a->events_left = 0;
        if (busy_poll_wants_epoll(a))
            busy_poll_epoll(x, epoll_busy_polled);
        else
            epoll_sleep(x);
        return;
    }
    if (a->events_left == 0) {
        a->events_left = epoll_events(a);
        cost += costs(x)->epoll_wait;
        busy_poll_suspend(a, x->cpu);
    }
    a->events_left--;
    a->ready_first = sk->ready_next;
    sk->ready = false;
    if (epoll_keeps_item(a))
        put_ready(a, sk);
    x->sk = sk;
    context_kernel_work(x, cost, epoll_event);
}

ps_t app_ready(struct app *a, struct sock *sk, struct cpu *waker)
{
    if (sk->ready)
        return 0;
    if (sk->napi)
        a->napi = sk->napi;
    put_ready(a, sk);
    ps_t cost = a->host->hc->sock.epoll_callback;
    if (a->waiting) {
        a->waiting = false;
        cost += sched_wake(&a->task, waker);
    }
    return cost;
}

bool app_reads_alone(const struct app *a)
{
    return a->udp.source == &a->udp && !a->udp.sharers && a->config->recvmmsg.vlen == 1 &&
           (a->params->kind != APP_EPOLL || a->config->epoll.reads == EPOLL_READS_ALL);
}

/* ---- construction ---- */

bool app_listens(const struct app *a, const struct flow_key *key)
{
    int64_t proto = a->params->proto;

    if ((key->proto != FLOW_UDP && key->proto != FLOW_TCP) || a->params->kind == APP_HOG ||
        a->params->kind == APP_BACKGROUND)
        return false;
    if (a->udp.source != &a->udp)       /* it reads another one's */
        return false;
    if (proto != APP_PROTO_ANY && (proto == APP_PROTO_UDP) != (key->proto == FLOW_UDP))
        return false;
    return a->params->port == 0 || a->params->port == key->dport;
}

struct sock *app_accept(struct app *a, uint32_t flow, const struct skb *first)
{
    struct connection *c = calloc(1, sizeof *c);

    if (!c || sock_init(&c->sock, a, FLOW_TCP, flow, first) != 0) {
        free(c);
        return NULL;
    }
    c->next = a->connections;
    a->connections = c;
    if (a->params->kind == APP_EPOLL) {
        c->sock.reader = &a->task;
        return &c->sock;
    }
    /* a thread of its own, asleep in its first recv() */
    task_init(&c->task, a->cpu, a->name, a, resumed);
    c->task.fifo = a->task.fifo;
    c->task.bandwidth = a->task.bandwidth;
    c->task.context.sk = &c->sock;
    c->sock.reader = &c->task;
    if (a->params->kind == APP_BUSY) {
        c->task.context.then = recv_call;
        sched_wake(&c->task, a->cpu);
        if (!event_pending(a->cpu->engine, &a->cpu->resched_ipi))
            engine_at(a->cpu->engine, &a->cpu->resched_ipi, a->cpu->engine->now);
    } else {
        c->sock.waiting = a->params->kind != APP_IDLE;
    }
    return &c->sock;
}

/* ---- hog ---- */

/* A second at a time: an end to each step, and no system call. */
static void hog(struct context *x)
{
    x->flags = STEP_USER;
    context_work(x, SEC, hog);
}

static void (*first_step(enum app_kind kind))(struct context *x)
{
    static cont_fn *const first[] = {
        [APP_RECV] = resumed, [APP_EPOLL] = epoll_resumed, [APP_BUSY] = recv_call, [APP_HOG] = hog,
        [APP_IDLE] = resumed,           /* never woken */
        [APP_BACKGROUND] = background_begin,
    };

    return first[kind];
}

const char *app_check(const struct app_config *c)
{
    return bandwidth_check(&c->bandwidth, c->app.sched == POLICY_FIFO);
}

int app_init(struct app *a, struct host *h, int index)
{
    const struct app_params *p = &h->config.app[index].app;
    int cpu = p->cpu < 0 ? h->cpus - 1 : (int)p->cpu;

    *a = (struct app){ .host = h, .params = p, .config = &h->config.app[index], .name = h->config.app_name[index], .cpu = &h->cpu[cpu] };
    if (sock_init(&a->udp, a, FLOW_UDP, 0, NULL) != 0)
        return -1;
    a->udp.reader = &a->task;
    task_init(&a->task, a->cpu, a->name, a, first_step((enum app_kind)p->kind));
    a->task.fifo = p->sched == POLICY_FIFO;
    if (bandwidth_init(&a->bandwidth, a->cpu, &h->config.app[index].bandwidth) != 0)
        return -1;
    a->task.bandwidth = a->bandwidth.params->quota > 0 ? &a->bandwidth : NULL;
    if (p->kind == APP_BACKGROUND && background_init(&a->background, a, &h->config.app[index].background) != 0)
        return -1;
    a->task.vruntime = -p->lag;
    a->task.lag = p->lag;
    a->task.context.sk = &a->udp;
    return 0;
}

/* At the start the reader sits in its first recv() or epoll_wait(). */
void app_start(struct app *a)
{
    bool reads_udp = a->params->proto != APP_PROTO_TCP;

    bandwidth_start(&a->bandwidth);
    if (a->params->kind == APP_IDLE)    /* it has opened its socket and never reads */
        return;
    if (a->params->kind == APP_BACKGROUND)
        background_start(a);
    else if (a->params->kind == APP_HOG || (a->params->kind == APP_BUSY && reads_udp))
        sched_wake(&a->task, a->cpu);
    else if (a->params->kind == APP_EPOLL)
        a->waiting = true;
    else
        epoll_sleeps(&a->udp);
}

void app_free(struct app *a)
{
    while (a->connections) {
        struct connection *c = a->connections;
        a->connections = c->next;
        c->sock.acting = &c->task.context;
        tcp_sock_free(&c->sock.tcp, a->host->engine.now);
        free(c);
    }
}
