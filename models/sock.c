/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sock.h"

#include "models/app.h"
#include "models/busy_poll.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/listen.h"
#include "models/nic.h"
#include "models/reuseport.h"
#include "models/sender.h"

enum { SOCK_MIN_RCVBUF = 2304 };        /* include/net/sock.h, x86-64 */

static const struct param rows[] = {
    PARAM(struct sock_params, rmem_default, "net.core.rmem_default", UNIT_BYTES, 212992, 2304, INT32_MAX,
          "receive buffer of a socket that never calls SO_RCVBUF, in truesize", "net/core/sock.c: 256 * 832"),
    PARAM(struct sock_params, rmem_max, "net.core.rmem_max", UNIT_BYTES, 212992, 2304, INT32_MAX,
          "largest SO_RCVBUF (before doubling); does not bound TCP autotuning", "net/core/sock.c; 4 MiB from 6.18 on"),
    PARAM(struct sock_params, wmem_default, "net.ipv4.tcp_wmem.default", UNIT_BYTES, 16384, 4608, INT32_MAX,
          "send buffer: part of the backlog's limit", "net/ipv4/tcp.c"),
    PARAM_COST(struct sock_params, data_ready, "cost.sock.data_ready", 40, "sk_data_ready with nobody waiting",
               "assumption; 70 instructions measured under icount"),
    PARAM_COST(struct sock_params, wake, "cost.sock.wake", 200, "the wait queue's part of waking a reader",
               "assumption; about 170 instructions measured under icount"),
    PARAM_COST(struct sock_params, epoll_callback, "cost.sock.epoll_callback", 120, "putting a socket on the ready list",
               "assumption"),
    PARAM_COST(struct sock_params, tcp_rcv, "cost.tcp.rcv", 350, "tcp_v4_rcv to the socket: checks, lookup, lock",
               "assumption; tcp/ip share of Cai et al. 2021, see README"),
    PARAM_COST(struct sock_params, tcp_fast, "cost.tcp.fast", 350, "tcp_rcv_established with header prediction",
               "assumption; tcp/ip share of Cai et al. 2021, see README"),
    PARAM_COST(struct sock_params, tcp_slow, "cost.tcp.slow", 650, "the slow path", "assumption"),
    PARAM_COST(struct sock_params, tcp_ofo, "cost.tcp.ofo", 400, "queueing out of order: tree and SACK blocks",
               "assumption"),
    PARAM_COST_PER_BYTE(struct sock_params, tcp_collapse_byte, "cost.tcp.collapse_byte", 500,
                        "copying while collapsing", "assumption: copy of cold data; 0.36 cycles/B for the reader's copy"),
    PARAM_COST(struct sock_params, tcp_backlog, "cost.tcp.backlog", 120, "queueing to the backlog of an owned socket",
               "assumption"),
    PARAM_COST(struct sock_params, tcp_send_ack, "cost.tcp.send_ack", 1500,
               "building and sending one ACK: LOCAL_OUT, qdisc, driver", "assumption: a little below one forwarding step"),
};
ALL_FIELDS_HAVE_ROWS(struct sock_params, rows);

static const struct param app_rows[] = {
    PARAM(struct sock_app_params, rcvlowat, "app.rcvlowat", UNIT_BYTES, 1, 1, INT32_MAX,
          "SO_RCVLOWAT: bytes of a TCP stream below which its reader is not woken", "socket(7): 1"),
};
ALL_FIELDS_HAVE_ROWS(struct sock_app_params, app_rows);

const struct model_info sock_app_model = {
    .name = "sock", .step = "7", .what = "options that a program sets",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, sock), .params = app_rows, .n_params = ROWS(app_rows),
};

const struct model_info sock_model = {
    .name = "sock", .step = "7", .what = "sockets: buffers, lock and backlog, wakeups",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, sock), .params = rows, .n_params = ROWS(rows),
};

struct sock *sock_lookup(const struct context *x, const struct skb *s)
{
    struct host *h = x->cpu->host;
    struct flow *f = &h->flow[s->flow];

    if (!f->sk && f->key.proto == FLOW_TCP) {
        for (int i = 0; i < h->apps && !f->sk; i++) {
            if (app_listens(&h->app[i], &f->key))
                f->sk = app_accept(reuseport_pick(h, &h->app[i], &f->key, x->cpu), s->flow, s);
        }
    }
    if (f->sk && f->sk->proto == FLOW_UDP && reuseport_by_cpu(f->sk->app))
        return &reuseport_pick(h, f->sk->app, &f->key, x->cpu)->udp;
    return f->sk;
}

bool sock_readable(const struct sock *sk)
{
    int64_t have = sk->proto == FLOW_TCP ? tcp_available(&sk->tcp) : 0;

    if (sk->proto == FLOW_TCP)
        return have > 0 && tcp_epollin_ready(&sk->tcp, have);
    return sk->source->udp.reader.first || sk->source->udp.receive.first;
}

void sock_data_ready(struct context *x, struct sock *sk)
{
    struct app *a = sk->app;
    const struct sock_params *p = &sk->host->hc->sock;

    x->owed += p->data_ready;
    if (sk->sharers) {
        x->owed += epoll_wake(x, sk);
    } else if (a->params->kind == APP_EPOLL) {
        x->owed += app_ready(a, sk, x->cpu);
    } else if (sk->waiting) {
        sk->waiting = false;
        x->owed += p->wake + sched_wake(sk->reader, x->cpu);
    }
}

/* ---- TCP callbacks ---- */

static void tcp_frame_end(void *sock, struct frame *f, enum fate fate, ps_t now)
{
    struct sock *sk = sock;

    (void)now;
    host_frame_end(sk->host, f, fate);
}

static void tcp_skb_free(void *sock, struct skb *s)
{
    struct sock *sk = sock;

    sk->acting->owed += host_skb_free(sk->host, s);
}

static struct skb *tcp_skb_alloc(void *sock)
{
    struct sock *sk = sock;

    struct skb *s = pool_take(&sk->host->skbs);
    s->page = NULL;
    s->from_ring = 0;
    return s;
}

static void tcp_send_ack(void *sock, struct tcp_sock *tcp, const struct tcp_ack *ack)
{
    struct sock *sk = sock;
    struct host *h = sk->host;
    struct flow *f = &h->flow[sk->flow];

    (void)tcp;
    if (!sk->replying) {
        sk->acting->owed += h->hc->sock.tcp_send_ack;
        if (h->egress)
            tx_send(&h->egress->queue[0].tx, ETH_SHORTEST);     /* an ACK without options, padded */
    }
    conntrack_reply(&h->netfilter.conntrack, sk->flow, h->engine.now);
    host_fact(h, FACT_ACK, sk->flow, hash_mix(ack->ack) ^ (uint64_t)ack->window);
    if (f->sender)
        sender_ack(f->sender, ack->ack, ack->window, ack->tsval, h->engine.now);
}

/* ---- the TCP path ---- */

static ps_t tcp_cost(const struct sock *sk, const struct tcp_out *out)
{
    const struct sock_params *p = &sk->host->hc->sock;

    return (out->fast_path ? p->tcp_fast : p->tcp_slow) + (out->ofo ? p->tcp_ofo : 0) +
           ps_of_fs_per_byte(p->tcp_collapse_byte, out->collapsed_bytes);
}

static void stamp(struct host *h, struct skb *s)
{
    for (struct frame *f = s->first; f; f = f->next)
        f->socket_at = h->engine.now;
}

/* One segment into the connection, on behalf of x; what it cost is owed. */
static bool process(struct context *x, struct sock *sk, struct skb *s)
{
    struct host *h = sk->host;
    struct tcp_out out;

    sk->acting = x;
    stamp(h, s);
    trace_emit(&h->engine.trace, h->engine.now, TRACE_TCP_PROBE, x->cpu->index, (int64_t)s->first->id, s->frames);
    busy_poll_mark(sk, s->first);
    tcp_rcv(&sk->tcp, s, h->engine.now, &out);
    x->owed += tcp_cost(sk, &out);
    sock_arm_timer(sk, x->cpu);
    return out.data_ready;
}

static void wake_reader(struct context *x)
{
    x->cpu->host->to.readable(x, x->sk);
    context_return(x);
}

static bool backlog_full(const struct sock *sk)
{
    return sk->backlog_len + sk->tcp.rmem_alloc >
           2 * sk->tcp.rcvbuf + sk->host->hc->sock.wmem_default / 2 + (64 << 10);
}

static void to_backlog(struct context *x)
{
    struct sock *sk = x->sk;
    struct host *h = sk->host;

    x->owed += h->hc->sock.tcp_backlog;
    if (backlog_full(sk)) {
        h->tcp.TCPBacklogDrop++;
        sk->drops++;
        x->owed += host_skb_drop(h, x->skb, FATE_SOCKET_BACKLOG);
    } else {
        sk->backlog_len += x->skb->truesize;
        sk->tcp.backlog_len = sk->backlog_len;
        skb_push_tail(&sk->backlog, x->skb);
    }
    x->skb = NULL;
}

static bool segment(struct context *x)
{
    struct skb *s = x->skb;

    if (x->sk->owned) {
        to_backlog(x);
        return true;
    }
    x->skb = NULL;
    if (!process(x, x->sk, s))
        return true;
    if (!context_spend(x, 0, wake_reader))
        return false;
    x->cpu->host->to.readable(x, x->sk);
    return true;
}

static void looked_up(struct context *x)
{
    if (segment(x))
        context_return(x);
}

static void refuse(struct context *x, enum fate fate)
{
    x->owed += host_skb_drop(x->cpu->host, x->skb, fate);
    x->skb = NULL;
}

bool sock_tcp_rcv(struct context *x)
{
    struct host *h = x->cpu->host;
    struct skb *s = x->skb;

    enum fate fate = tcp_segment_check(&h->tcp, s);
    x->owed += h->hc->sock.tcp_rcv;
    if (fate != FATE_IN_FLIGHT) {
        refuse(x, fate);
        return true;
    }
    s->len = (int32_t)(s->end_seq - s->seq) - !!(s->tcp_flags & TCP_SYN) - !!(s->tcp_flags & TCP_FIN);
    if (h->flow[s->flow].request && !(s->bad & FRAME_FRAGMENT))
        return listen_rcv(x);
    x->sk = s->bad & FRAME_FRAGMENT ? NULL : sock_lookup(x, s);
    if (x->sk)
        return context_spend(x, 0, looked_up) && segment(x);
    refuse(x, FATE_NO_SOCKET);
    return true;
}

/* ---- release_sock ---- */

static void released(struct context *x)
{
    struct sock *sk = x->sk;
    struct tcp_out out;

    sk->acting = x;
    tcp_release(&sk->tcp, sk->host->engine.now, &out);
    sk->owned = sk->tcp.owned = false;
    sock_arm_timer(sk, x->cpu);
    local_bh_enable(x, context_return);
}

void sock_release(struct context *x)
{
    struct sock *sk = x->sk;
    struct skb *s = skb_pop(&sk->backlog);

    if (!s) {
        sk->backlog_len = sk->tcp.backlog_len = 0;
        context_work(x, 0, released);
        return;
    }
    process(x, sk, s);                  /* backlog_len falls only when all is drained; the reader looks by itself */
    context_work(x, 0, sock_release);
}

/* ---- timers ---- */

static void timer_fire(void *sock)
{
    struct sock *sk = sock;
    struct softirq *s = sk->timer_cpu->softirq;

    sk->timer_queued = true;
    sk->timer_next = s->timers;
    s->timers = sk;
    cpu_interrupt(sk->timer_cpu, &sk->timer_vector);
}

static void timer_handle(struct context *x, void *sock)
{
    (void)sock;
    softirq_raise(x->cpu, SOFTIRQ_TIMER);
}

void sock_arm_timer(struct sock *sk, struct cpu *c)
{
    struct engine *e = &sk->host->engine;
    ps_t due = tcp_deadline(&sk->tcp);

    if (sk->timer_queued)               /* it has fired: the softirq that runs it arms it again */
        return;
    if (due == PS_NEVER) {
        engine_cancel(e, &sk->timer);
        return;
    }
    if (event_pending(e, &sk->timer) && event_when(e, &sk->timer) == due)
        return;                         /* as it was, on the CPU that armed it */
    sk->timer_cpu = c;
    engine_reschedule(e, &sk->timer, due > e->now ? due : e->now + 1);
}

void sock_run_timers(struct context *x)
{
    struct softirq *s = x->cpu->softirq;
    struct sock *sk = s->timers;
    struct tcp_out out;

    if (!sk) {
        context_return(x);
        return;
    }
    s->timers = sk->timer_next;
    sk->timer_queued = false;
    sk->acting = x;
    tcp_timer(&sk->tcp, x->cpu->engine->now, sk->owned, &out);
    if (!sk->owned)
        sock_arm_timer(sk, x->cpu);
    context_work(x, 0, sock_run_timers);
}

/* ---- construction ---- */

/* SO_RCVBUF as sk_rcvbuf holds it: within net.core.rmem_max, doubled, at least SOCK_MIN_RCVBUF; 0: it was not set. */
static int64_t so_rcvbuf(const struct app *a)
{
    int64_t set = a->params->rcvbuf, cap = a->host->hc->sock.rmem_max;

    if (set == 0)
        return 0;
    if (set > cap)
        set = cap;
    return 2 * set > SOCK_MIN_RCVBUF ? 2 * set : SOCK_MIN_RCVBUF;
}

/* What the handshake would have agreed on, read off the first segment we see. */
static struct tcp_setup setup(const struct sock *sk, const struct skb *first)
{
    const struct host *h = sk->host;
    bool syn = first->tcp_flags & TCP_SYN;

    return (struct tcp_setup){
        .irs = syn ? first->seq : first->seq - 1, .iss = first->ack - 1, .mss = 1460,
        .sack = true, .timestamps = first->tsval != 0 || first->tsecr != 0, .window_scaling = true,
        .peer_window = first->window, .peer_tsval = first->tsval, .peer_tsecr = first->tsecr,
        .rcvbuf = so_rcvbuf(sk->app), .rcvlowat = sk->app->config->sock.rcvlowat, .rmem_max = h->hc->sock.rmem_max,
        .handshake_rtt = sk->app->params->handshake_rtt, .jiffy = h->jiffy, .tick_phase = h->tick_phase,
        .tsval_origin = -1 * SEC,
    };
}

int sock_init(struct sock *sk, struct app *a, int proto, uint32_t flow, const struct skb *first)
{
    struct host *h = a->host;
    int64_t set = so_rcvbuf(a);

    *sk = (struct sock){ .host = h, .app = a, .proto = proto, .flow = flow };
    sk->timer_vector = (struct vector){ .handler = timer_handle, .owner = sk };
    sk->source = sk;
    sk->udp.rcvbuf = set > 0 ? set : h->hc->sock.rmem_default;
    if (event_init(&h->engine, &sk->timer, EVENT_DEVICE, timer_fire, sk) != 0)
        return -1;
    if (proto != FLOW_TCP)
        return 0;
    sk->tcp_ops = (struct tcp_ops){
        .user = sk, .frame_end = tcp_frame_end, .skb_free = tcp_skb_free, .skb_alloc = tcp_skb_alloc,
        .send_ack = tcp_send_ack,
    };
    struct tcp_setup agreed = setup(sk, first);
    tcp_sock_init(&sk->tcp, &h->hc->tcp, &h->tcp, &sk->tcp_ops, &agreed, h->engine.now);
    return 0;
}
