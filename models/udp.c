/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/udp.h"

#include "models/host.h"
#include "models/host_config.h"

static const char *const tests[] = { "before", "race_guard", "after", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct udp_params, rcvbuf_test, "kernel.udp.rcvbuf_test", UDP_TEST_BEFORE, tests,
                 "how a full socket buffer is recognised", "net/ipv4/udp.c __udp_enqueue_schedule_skb"),
    PARAM_COST(struct udp_params, rcv, "cost.udp.rcv", 220, "udp_rcv and the socket lookup",
               "part of the 465 cycles from raw drop to UdpNoPorts (UDP19); split assumed"),
    PARAM_COST(struct udp_params, enqueue, "cost.udp.enqueue", 90, "charging and queueing to the socket",
               "assumption; 220 instructions measured under icount"),
    PARAM_COST(struct udp_params, half_full, "cost.udp.half_full", 30,
               "more when the buffer is more than half full: skb_condense, busylock",
               "assumption; 36 instructions measured under icount"),
    PARAM_COST(struct udp_params, schedule_memory, "cost.udp.schedule_memory", 60,
               "more when memory must be charged to the protocol: a page at a time",
               "assumption; 70 instructions measured under icount"),
    PARAM_COST(struct udp_params, drop, "cost.udp.drop", 250, "refusing a datagram at a full socket",
               "assumption; dearer than queueing: 374 against 220 instructions under icount"),
    PARAM_COST(struct udp_params, no_socket, "cost.udp.no_port", 58, "nobody listens: counted, ICMP rate-limited, freed",
               "part of the 465 cycles from raw drop to UdpNoPorts (UDP19); split assumed"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct udp_counters, InDatagrams, "UdpInDatagrams", "nstat, /proc/net/snmp",
            "datagrams read by applications: counted at recvmsg"),
    COUNTER(struct udp_counters, NoPorts, "UdpNoPorts", "nstat, /proc/net/snmp", "datagrams nobody listened for"),
    COUNTER(struct udp_counters, InErrors, "UdpInErrors", "nstat, /proc/net/snmp",
            "datagrams dropped: full buffers and checksums"),
    COUNTER(struct udp_counters, RcvbufErrors, "UdpRcvbufErrors", "nstat, /proc/net/snmp",
            "datagrams dropped at a full socket buffer"),
    COUNTER(struct udp_counters, InCsumErrors, "UdpInCsumErrors", "nstat, /proc/net/snmp", "bad checksums"),
};
ALL_COUNTERS_HAVE_ROWS(struct udp_counters, counter_rows);

const struct model_info udp_model = {
    .name = "udp", .step = "6", .what = "UDP: lookup, buffer test, queue",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, udp), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- from softirq ---- */

static bool has_room(const struct udp_sock *u, int64_t truesize, enum udp_rcvbuf_test test)
{
    switch (test) {
    case UDP_TEST_BEFORE:
        return u->rmem_alloc <= u->rcvbuf;
    case UDP_TEST_RACE_GUARD:
        return u->rmem_alloc <= u->rcvbuf && u->rmem_alloc + truesize <= truesize + u->rcvbuf;
    case UDP_TEST_AFTER:
        return u->rmem_alloc == 0 || u->rmem_alloc + truesize <= u->rcvbuf;
    }
    return false;
}

static void wake_reader(struct context *x)
{
    x->cpu->host->to.readable(x, x->sk);
    context_return(x);
}

static void drop(struct context *x, enum fate fate)
{
    x->owed += x->cpu->host->hc->skb.free + host_skb_drop(x->cpu->host, x->skb, fate);
    x->skb = NULL;
}

static void no_socket(struct context *x)
{
    x->cpu->host->udp.NoPorts++;
    drop(x, FATE_NO_SOCKET);
    context_return(x);
}

enum { MEM_PAGE = 4096 };               /* sk_mem_schedule charges whole pages */

/* Takes the memory, and says what beside the usual that costs. */
static ps_t charge(struct udp_sock *u, int64_t truesize, const struct udp_params *p)
{
    ps_t cost = 0;

    if (u->rmem_alloc > u->rcvbuf / 2)
        cost += p->half_full;
    if (u->forward_alloc < truesize) {
        int64_t pages = (truesize - u->forward_alloc + MEM_PAGE - 1) / MEM_PAGE;
        u->forward_alloc += pages * MEM_PAGE;
        cost += p->schedule_memory;
    }
    u->forward_alloc -= truesize;
    u->rmem_alloc += truesize;
    return cost;
}

static bool queue(struct context *x)
{
    struct host *h = x->cpu->host;
    struct sock *sk = x->sk;
    struct skb *s = x->skb;

    if (s->bad & FRAME_BAD_L4_CSUM) {
        h->udp.InErrors++;
        h->udp.InCsumErrors++;
        drop(x, FATE_UDP_CSUM);
        return true;
    }
    if (!has_room(&sk->udp, s->truesize, (enum udp_rcvbuf_test)h->hc->udp.rcvbuf_test)) {
        h->udp.InErrors++;
        h->udp.RcvbufErrors++;
        sk->drops++;
        x->owed += h->hc->udp.drop;
        drop(x, FATE_SOCKET_RCVBUFF);
        return true;
    }
    ps_t cost = h->hc->udp.enqueue + charge(&sk->udp, s->truesize, &h->hc->udp);
    for (struct frame *f = s->first; f; f = f->next)
        f->socket_at = h->engine.now;
    trace_emit(&h->engine.trace, h->engine.now, TRACE_SOCK_QUEUE, x->cpu->index, (int64_t)s->first->id, 0);
    skb_push_tail(&sk->udp.receive, s);
    x->skb = NULL;
    if (sk->waiting || sk->app->waiting) {
        context_work(x, cost, wake_reader);
        return false;
    }
    x->owed += cost;                    /* nobody to wake: the cost goes to the next step */
    h->to.readable(x, sk);
    return true;
}

static void looked_up(struct context *x)
{
    if (queue(x))
        context_return(x);
}

bool udp_rcv(struct context *x)
{
    struct host *h = x->cpu->host;

    x->sk = x->skb->bad & FRAME_FRAGMENT ? NULL : sock_lookup(h, x->skb);
    if (x->sk)
        return context_spend(x, h->hc->udp.rcv, looked_up) && queue(x);
    context_work(x, h->hc->udp.rcv + h->hc->udp.no_socket, no_socket);
    return false;
}

/* ---- the reader's side ---- */

/* udp_rmem_release, partial: and while it is at it, it takes over what has come meanwhile. */
static void release(struct udp_sock *u, int64_t truesize)
{
    u->forward_deficit += truesize;
    if (u->forward_deficit < u->rcvbuf / 4 && u->reader.first)   /* udp_next_is_private says this beforehand */
        return;
    u->rmem_alloc -= u->forward_deficit;
    u->forward_alloc += u->forward_deficit;
    u->forward_alloc -= (u->forward_alloc - 1) / MEM_PAGE * MEM_PAGE;   /* partial: between a byte and a page stays */
    u->forward_deficit = 0;
    skb_splice(&u->reader, &u->receive);
}

struct skb *udp_recv_skb(struct udp_sock *u)
{
    if (!u->reader.first)
        skb_splice(&u->reader, &u->receive);
    struct skb *s = skb_pop(&u->reader);
    if (s)
        release(u, s->truesize);
    return s;
}
