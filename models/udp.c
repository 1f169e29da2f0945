/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/udp.h"

#include "models/busy_poll.h"
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
    COUNTER(struct udp_counters, MemErrors, "UdpMemErrors", "nstat, /proc/net/snmp", "datagrams dropped at udp_mem"),
    COUNTER(struct udp_counters, InCsumErrors, "UdpInCsumErrors", "nstat, /proc/net/snmp", "bad checksums"),
};
ALL_COUNTERS_HAVE_ROWS(struct udp_counters, counter_rows);

const struct model_info udp_model = {
    .name = "udp", .step = "6", .what = "UDP: lookup, buffer test, queue",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, udp), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- from softirq ---- */

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
    host_udp(x->cpu->host, x->skb->flow)->NoPorts++;
    drop(x, FATE_NO_SOCKET);
    context_return(x);
}

ps_t udp_refuse(struct host *h, struct sock *sk, struct skb *s)
{
    struct udp_counters *counters = host_udp(h, s->flow);

    counters->InErrors++;
    counters->RcvbufErrors++;
    sk->drops++;
    return h->hc->udp.drop + h->hc->skb.free + host_skb_drop(h, s, FATE_SOCKET_RCVBUFF);
}

/* The protocol's memory, a page at a time. */
static bool no_memory(struct context *x, const struct udp_sock *u, const struct skb *s)
{
    int64_t pages = udp_pages(u, s->truesize);

    return pages > 0 && !protomem_charge(&x->cpu->host->udp_mem, x->cpu, pages, u->rmem_alloc + s->truesize);
}

static ps_t refuse_memory(struct host *h, struct sock *sk, struct skb *s)
{
    host_udp(h, s->flow)->InErrors++;
    host_udp(h, s->flow)->MemErrors++;
    sk->drops++;
    return h->hc->udp.drop + h->hc->skb.free + host_skb_drop(h, s, FATE_PROTO_MEM);
}

bool udp_queue(struct context *x)
{
    struct host *h = x->cpu->host;
    struct sock *sk = x->sk;
    struct skb *s = x->skb;

    if (s->bad & FRAME_BAD_L4_CSUM) {
        host_udp(h, s->flow)->InErrors++;
        host_udp(h, s->flow)->InCsumErrors++;
        drop(x, FATE_UDP_CSUM);
        return true;
    }
    x->skb = NULL;
    busy_poll_mark(sk, s->first);
    if (!udp_has_room(&sk->udp, s->truesize, &h->hc->udp)) {
        x->owed += udp_refuse(h, sk, s);
        return true;
    }
    if (h->udp_mem.binds && no_memory(x, &sk->udp, s)) {
        x->owed += refuse_memory(h, sk, s);
        return true;
    }
    trace_emit(&h->engine.trace, h->engine.now, TRACE_SOCK_QUEUE, x->cpu->index, (int64_t)s->first->id, 0);
    ps_t cost = udp_enqueue(&sk->udp, s, &h->hc->udp, h->engine.now);
    if (epoll_anyone_waits(sk)) {
        context_work(x, cost, wake_reader);
        return false;
    }
    x->owed += cost;                    /* nobody to wake: the cost goes to the next step */
    h->to.readable(x, sk);
    return true;
}

static void looked_up(struct context *x)
{
    if (udp_queue(x))
        context_return(x);
}

bool udp_rcv_found(struct context *x)
{
    return context_spend(x, x->cpu->host->hc->udp.rcv, looked_up) && udp_queue(x);
}

bool udp_rcv(struct context *x)
{
    struct host *h = x->cpu->host;

    x->sk = x->skb->bad & FRAME_FRAGMENT ? NULL : sock_lookup(x, x->skb);
    if (x->sk)
        return udp_rcv_found(x);
    context_work(x, h->hc->udp.rcv + h->hc->udp.no_socket, no_socket);
    return false;
}
