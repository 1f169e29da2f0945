/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/listen.h"

#include <stdlib.h>

#include "models/app.h"
#include "models/client.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/reuseport.h"

static const char *const cookies[] = { "0", "1", "2", NULL };

static const struct param rows[] = {
    PARAM(struct listen_params, somaxconn, "net.core.somaxconn", UNIT_COUNT, 4096, 0, INT32_MAX,
          "largest backlog that listen() may ask for", "Linux 5.4 and later; 128 before"),
    PARAM(struct listen_params, max_syn_backlog, "net.ipv4.tcp_max_syn_backlog", UNIT_COUNT, 4096, 0, INT32_MAX,
          "requests of a socket beyond three quarters of which SYNs are dropped, without cookies",
          "net/ipv4/tcp_ipv4.c tcp_sk_init: a 128th of the established hash, of 524288 buckets here"),
    PARAM_CHOICE(struct listen_params, syncookies, "net.ipv4.tcp_syncookies", SYNCOOKIES_ON, cookies,
                 "when the SYN queue is full: 0 drop, 1 answer with a cookie; 2 cookies always", "Linux default"),
    PARAM(struct listen_params, max_tw_buckets, "net.ipv4.tcp_max_tw_buckets", UNIT_COUNT, 262144, 0, INT32_MAX,
          "most connections in TIME_WAIT", "net/ipv4/tcp_ipv4.c tcp_sk_init: half of the established hash"),
    PARAM_COST(struct listen_params, conn_request, "cost.tcp.conn_request", 1000, "a SYN that reaches a listener",
               "assumption: a request is allocated and initialised"),
    PARAM_COST(struct listen_params, cookie, "cost.tcp.cookie", 600, "making or checking a cookie: two hashes",
               "assumption: SipHash over two blocks each"),
    PARAM_COST(struct listen_params, synack, "cost.tcp.synack", 2000, "building and sending a SYN-ACK",
               "assumption: a little more than cost.tcp.send_ack, for the route"),
    PARAM_COST(struct listen_params, child, "cost.tcp.child", 3500, "the ACK makes a socket: clone, hash, accept queue",
               "assumption: two KiB of socket are copied and initialised"),
    PARAM_COST(struct listen_params, accept, "cost.accept.call", 2500, "accept(): a file and a descriptor for the first in the queue",
               "assumption"),
    PARAM_COST(struct listen_params, close, "cost.accept.close", 2500, "close(): FIN, and the socket's end", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct listen_params, rows);

#define EXT "/proc/net/netstat; nstat"
static const struct counter counter_rows[] = {
    COUNTER(struct listen_counters, PassiveOpens, "TcpPassiveOpens", "/proc/net/snmp; nstat", "connections made by a listener"),
    COUNTER(struct listen_counters, ListenOverflows, "TcpExtListenOverflows", EXT, "SYNs and ACKs refused for a full accept queue"),
    COUNTER(struct listen_counters, ListenDrops, "TcpExtListenDrops", EXT, "SYNs and ACKs that a listener dropped, for any reason"),
    COUNTER(struct listen_counters, TCPReqQFullDoCookies, "TcpExtTCPReqQFullDoCookies", EXT,
            "SYNs answered with a cookie for a full SYN queue"),
    COUNTER(struct listen_counters, TCPReqQFullDrop, "TcpExtTCPReqQFullDrop", EXT, "SYNs dropped for a full SYN queue"),
    COUNTER(struct listen_counters, SyncookiesSent, "TcpExtSyncookiesSent", EXT, "cookies sent"),
    COUNTER(struct listen_counters, SyncookiesRecv, "TcpExtSyncookiesRecv", EXT, "cookies that came back"),
    COUNTER(struct listen_counters, TW, "TcpExtTW", EXT, "connections whose TIME_WAIT is over"),
    COUNTER(struct listen_counters, TCPTimeWaitOverflow, "TcpExtTCPTimeWaitOverflow", EXT,
            "connections closed without TIME_WAIT: tcp_max_tw_buckets"),
};
ALL_COUNTERS_HAVE_ROWS(struct listen_counters, counter_rows);

const struct model_info listen_model = {
    .name = "listen", .step = "6", .what = "SYN queue, accept queue, cookies, TIME_WAIT",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, listen), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param app_rows[] = {
    PARAM(struct listen_app_params, backlog, "app.backlog", UNIT_COUNT, 4096, 0, INT32_MAX,
          "of listen(): at most net.core.somaxconn counts", "listen(2): SOMAXCONN, 4096"),
    PARAM(struct listen_app_params, accept_work, "app.accept_work", UNIT_COST, COST_CYCLES(20000), 0, COST_CYCLES(5000000000),
          "what it does with a connection and its request", "assumption: a short answer, without sending it"),
};
ALL_FIELDS_HAVE_ROWS(struct listen_app_params, app_rows);

const struct model_info listen_app_model = {
    .name = "listen", .step = "7", .what = "a program that accepts",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, listen), .params = app_rows, .n_params = ROWS(app_rows),
};

static const ps_t TIMEWAIT_LEN = 60 * SEC;     /* include/net/tcp.h TCP_TIMEWAIT_LEN */

static const struct listen_params *params(const struct context *x)
{
    return &x->cpu->host->hc->listen;
}

static struct listen_counters *counters(const struct context *x)
{
    return &x->cpu->host->listen.counters;
}

/* ---- queues ---- */

static void push(struct request_queue *q, struct request *r)
{
    r->next = NULL;
    if (q->first)
        q->last->next = r;
    else
        q->first = r;
    q->last = r;
    q->length++;
}

static void take_out(struct request_queue *q, struct request *r)
{
    struct request *prev = NULL;

    for (struct request *i = q->first; i != r; i = i->next)
        prev = i;
    if (prev)
        prev->next = r->next;
    else
        q->first = r->next;
    if (q->last == r)
        q->last = prev;
    q->length--;
}

/* sk_acceptq_is_full(), inet_csk_reqsk_queue_is_full(): the one is full above the backlog, the other at it. */
static bool acceptq_full(const struct listener *l)
{
    return l->accept.length > l->backlog;
}

static bool requests_full(const struct listener *l)
{
    return l->requests >= l->backlog;
}

/* ---- answers ---- */

/* A segment without data to the client. */
static void answer(struct context *x, struct request *r, uint8_t flags, ps_t cost)
{
    struct host *h = x->cpu->host;
    uint32_t seq = r->snd_nxt;

    x->owed += cost;
    h->tcp.OutSegs++;
    if (h->egress)
        tx_send(&h->egress->queue[0].tx, ETH_SHORTEST);
    if (flags & (TCP_SYN | TCP_FIN))
        r->snd_nxt++;
    host_fact(h, FACT_ACK, r->flow, hash_mix(r->rcv_nxt) ^ flags);
    client_answer(r->client, r->port, flags, seq, r->rcv_nxt, h->engine.now);
}

static void synack(struct context *x, struct request *r)
{
    r->snd_nxt = r->iss;
    answer(x, r, TCP_SYN | TCP_ACK, params(x)->synack);
}

static void ack(struct context *x, struct request *r)
{
    answer(x, r, TCP_ACK, x->cpu->host->hc->sock.tcp_send_ack);
}

static void end(struct context *x, enum fate fate)
{
    x->owed += host_skb_drop(x->cpu->host, x->skb, fate);
    x->skb = NULL;
}

static void drop(struct context *x, enum fate fate)
{
    counters(x)->ListenDrops++;
    end(x, fate);
}

/* ---- SYNs ---- */

/* Less than a quarter is left for peers that nobody knows. */
static bool last_quarter(const struct context *x, const struct listener *l)
{
    int64_t most = params(x)->max_syn_backlog;

    return params(x)->syncookies == SYNCOOKIES_OFF && most - l->requests < most >> 2;
}

/* `known`: it replaces a connection in TIME_WAIT, so its sender is no forgery. */
static void conn_request(struct context *x, struct request *r, bool known)
{
    struct listener *l = r->listener;
    bool full = params(x)->syncookies == SYNCOOKIES_ALWAYS || requests_full(l);
    bool cookie = !known && full && params(x)->syncookies != SYNCOOKIES_OFF;

    x->owed += params(x)->conn_request;
    if (!known && full && !cookie) {
        counters(x)->TCPReqQFullDrop++;
        drop(x, FATE_REQ_QUEUE_FULL);
        return;
    }
    counters(x)->TCPReqQFullDoCookies += cookie;
    if (acceptq_full(l)) {
        counters(x)->ListenOverflows++;
        drop(x, FATE_LISTEN_OVERFLOW);
        return;
    }
    if (!known && !cookie && last_quarter(x, l)) {
        drop(x, FATE_REQ_QUEUE_FULL);
        return;
    }
    r->cookie = cookie;
    r->irs = x->skb->seq;
    r->rcv_nxt = r->irs + 1;
    r->iss += 1 << 20;
    if (cookie) {
        counters(x)->SyncookiesSent++;
        x->owed += params(x)->cookie;
    } else {
        r->state = REQUEST_SYN_RECV;
        l->requests++;
    }
    synack(x, r);
    end(x, FATE_TCP_CONTROL);
}

static void rcv_syn(struct context *x, struct request *r)
{
    bool known = r->state == REQUEST_TIME_WAIT;

    if (known) {
        take_out(&x->cpu->host->listen.time_wait, r);
        r->state = REQUEST_NONE;
    }
    if (r->state == REQUEST_NONE) {
        conn_request(x, r, known);
        return;
    }
    if (r->state == REQUEST_SYN_RECV)
        synack(x, r);                   /* it was not heard */
    else
        ack(x, r);                      /* a challenge */
    end(x, FATE_TCP_CONTROL);
}

/* ---- the ACK that makes a connection, and what follows ---- */

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* 60 s for whoever closed first, if there is room for it. */
static void time_wait(struct context *x, struct request *r)
{
    struct listen *l = &x->cpu->host->listen;

    if (l->time_wait.length >= params(x)->max_tw_buckets) {
        l->counters.TCPTimeWaitOverflow++;
        r->state = REQUEST_NONE;
        return;
    }
    r->state = REQUEST_TIME_WAIT;
    r->until = x->cpu->engine->now + TIMEWAIT_LEN;
    push(&l->time_wait, r);
    if (l->time_wait.first == r)
        engine_reschedule(x->cpu->engine, &l->expire, r->until);      /* armed still for an entry that was used again */
}

static void rcv_fin(struct context *x, struct request *r)
{
    r->rcv_nxt++;
    if (r->state == REQUEST_FIN_WAIT) {
        time_wait(x, r);
        ack(x, r);
    } else {
        r->state = REQUEST_CLOSE_WAIT;
        ack(x, r);
    }
}

/* A segment of a connection. True: there is something for its reader. */
static bool rcv_established(struct context *x, struct request *r)
{
    struct skb *s = x->skb;
    bool fin = s->tcp_flags & TCP_FIN;

    if (r->state == REQUEST_LAST_ACK && s->seq == r->rcv_nxt && s->ack == r->snd_nxt) {
        r->state = REQUEST_NONE;
        end(x, FATE_TCP_PURE_ACK);
        return false;
    }
    if (s->end_seq != s->seq && before(s->seq, r->rcv_nxt)) {
        ack(x, r);
        end(x, s->len > 0 ? FATE_TCP_OLD_DATA : FATE_TCP_CONTROL);
        return false;
    }
    bool in_order = s->seq == r->rcv_nxt, open = r->state == REQUEST_ESTABLISHED || r->state == REQUEST_FIN_WAIT;
    if (!in_order || !open || s->end_seq == s->seq) {   /* a FIN whose request was lost comes again behind it */
        end(x, s->len > 0 ? FATE_TCP_CLOSE : fin ? FATE_TCP_CONTROL : FATE_TCP_PURE_ACK);
        return false;
    }
    r->rcv_nxt += (uint32_t)s->len;
    if (s->len > 0) {
        for (struct frame *f = s->first; f; f = f->next)
            f->socket_at = x->cpu->engine->now;
        skb_push_tail(&r->data, s);
        x->skb = NULL;
        if (!fin)
            ack(x, r);
    } else {
        end(x, FATE_TCP_CONTROL);
    }
    if (fin)
        rcv_fin(x, r);
    return true;
}

/* tcp_v4_syn_recv_sock(), and into the accept queue. False: there was no room. */
static bool child(struct context *x, struct request *r)
{
    struct listener *l = r->listener;

    if (acceptq_full(l)) {
        counters(x)->ListenOverflows++;
        drop(x, FATE_LISTEN_OVERFLOW);
        return false;
    }
    x->owed += params(x)->child;
    counters(x)->PassiveOpens++;
    if (r->state == REQUEST_SYN_RECV)
        l->requests--;
    r->cookie = false;
    r->state = REQUEST_ESTABLISHED;
    push(&l->accept, r);
    return true;
}

static bool rcv_ack(struct context *x, struct request *r)
{
    bool cookie = r->state == REQUEST_NONE && r->cookie;

    if (r->state == REQUEST_TIME_WAIT) {
        end(x, x->skb->end_seq == x->skb->seq ? FATE_TCP_PURE_ACK : FATE_TCP_CONTROL);
        return false;
    }
    if (r->state != REQUEST_NONE && r->state != REQUEST_SYN_RECV)
        return rcv_established(x, r);
    if (r->state == REQUEST_NONE && !cookie) {          /* nobody knows it */
        answer(x, r, TCP_RST, x->cpu->host->hc->sock.tcp_send_ack);
        end(x, FATE_NO_SOCKET);         /* the kernel's reason is TCP_FLAGS */
        return false;
    }
    if (cookie) {
        x->owed += params(x)->cookie;
        counters(x)->SyncookiesRecv++;
    }
    if (!child(x, r))
        return false;
    rcv_established(x, r);
    return true;
}

/* ---- the accepting task ---- */

static void wake(struct context *x)
{
    struct listener *l = x->listener;

    l->waiting = false;
    x->owed += x->cpu->host->hc->sock.wake + sched_wake(&l->task, x->cpu);
}

static void wake_and_return(struct context *x)
{
    wake(x);
    context_return(x);
}

/* sk_data_ready(): of the listener for a new connection, of the connection for its data. */
static bool data_ready(struct context *x, struct listener *l, bool wanted)
{
    x->owed += x->cpu->host->hc->sock.data_ready;
    if (!wanted || !l->waiting)
        return true;
    x->listener = l;
    if (!context_spend(x, 0, wake_and_return))
        return false;
    wake(x);
    return true;
}

bool listen_rcv(struct context *x)
{
    struct request *r = x->cpu->host->flow[x->skb->flow].request;
    struct listener *l = r->listener;

    if (!l) {
        answer(x, r, TCP_RST, x->cpu->host->hc->sock.tcp_send_ack);
        end(x, FATE_NO_SOCKET);
        return true;
    }
    if (x->skb->tcp_flags & TCP_SYN) {
        rcv_syn(x, r);
        return true;
    }
    bool is_new = r->state == REQUEST_NONE || r->state == REQUEST_SYN_RECV;
    if (!rcv_ack(x, r))
        return true;
    return data_ready(x, l, is_new ? l->serving == NULL : l->serving == r);
}

static struct listener *of(const struct context *x)
{
    return x->task->owner;
}

static void accept_next(struct context *x);
static void read_request(struct context *x);

static void user_again(struct context *x)
{
    sched_checkpoint(x, accept_next);
}

/* close(): the client's FIN has come, and only its ACK of ours is missing; or ours is the first. */
static void close_it(struct context *x)
{
    struct request *r = of(x)->serving;

    of(x)->serving = NULL;
    of(x)->app->counters.messages++;
    r->state = r->state == REQUEST_CLOSE_WAIT ? REQUEST_LAST_ACK : REQUEST_FIN_WAIT;
    answer(x, r, TCP_FIN | TCP_ACK, x->cpu->host->hc->sock.tcp_send_ack);
    context_kernel_work(x, 0, user_again);
}

static void worked(struct context *x)
{
    context_kernel_work(x, params(x)->close, close_it);
}

static void work(struct context *x)
{
    x->flags = STEP_USER;
    context_work(x, of(x)->app->config->listen.accept_work, worked);
}

static void back_to_user(struct context *x)
{
    sched_checkpoint(x, work);
}

/* All of the request is copied: its frames are delivered. */
static void copied(struct context *x)
{
    struct listener *l = of(x);
    struct skb *s;

    while ((s = skb_pop(&l->serving->data)) != NULL) {
        l->app->counters.bytes += (uint64_t)s->len;
        x->owed += host_skb_drop(x->cpu->host, s, FATE_DELIVERED);
    }
    context_kernel_work(x, x->cpu->host->hc->app.recv_return, back_to_user);
}

static void read_woken(struct context *x)
{
    context_kernel_work(x, x->cpu->host->hc->app.resume, read_request);
}

static void accept_woken(struct context *x)
{
    context_kernel_work(x, x->cpu->host->hc->app.resume, accept_next);
}

static void block_in_recv(struct context *x)
{
    of(x)->app->counters.sleeps++;
    sched_sleep(x, read_woken);
}

static void block_in_accept(struct context *x)
{
    of(x)->app->counters.sleeps++;
    sched_sleep(x, accept_woken);
}

static void sleep_in(struct context *x, cont_fn *where)
{
    of(x)->waiting = true;
    sched_prepare_sleep(x->task);
    context_kernel_work(x, x->cpu->host->hc->app.block, where);
}

/* recv() until the request is there; a client that has none, or has closed, leaves nothing to wait for. */
static void read_request(struct context *x)
{
    const struct request *r = of(x)->serving;
    const struct app_host_params *p = &x->cpu->host->hc->app;
    int64_t bytes = 0;

    for (const struct skb *s = r->data.first; s; s = s->next)
        bytes += s->len;
    if (bytes == 0 && r->client->traffic->params.bytes > 0 && r->state == REQUEST_ESTABLISHED) {
        sleep_in(x, block_in_recv);
        return;
    }
    context_kernel_work(x, p->recv_dequeue + ps_of_fs_per_byte(p->copy_byte, bytes), copied);
}

static void accepted(struct context *x)
{
    const struct app_host_params *p = &x->cpu->host->hc->app;

    context_kernel_work(x, p->recv_entry + p->recv_lock + p->tcp_recv, read_request);
}

static void accept_next(struct context *x)
{
    struct listener *l = of(x);
    struct request *r = l->accept.first;

    if (!r) {
        sleep_in(x, block_in_accept);
        return;
    }
    take_out(&l->accept, r);
    l->serving = r;
    context_kernel_work(x, params(x)->accept, accepted);
}

/* ---- TIME_WAIT's end ---- */

static void expire(void *listen)
{
    struct listen *l = listen;
    struct request *r = l->time_wait.first;

    for (; r && r->until <= l->host->engine.now; r = l->time_wait.first) {
        take_out(&l->time_wait, r);
        r->state = REQUEST_NONE;
        l->counters.TW++;
    }
    if (r)
        engine_at(&l->host->engine, &l->expire, r->until);
}

/* ---- life ---- */

static struct listener *listener_of(struct host *h, const struct flow_key *key)
{
    for (int i = 0; i < h->apps; i++) {
        if (app_listens(&h->app[i], key))
            return &h->listen.listener[reuseport_pick(h, &h->app[i], key, NULL) - h->app];
    }
    return NULL;
}

static void listener_init(struct listener *l, struct app *a)
{
    int64_t most = a->host->hc->listen.somaxconn, asked = a->config->listen.backlog;

    *l = (struct listener){ .app = a, .backlog = asked < most ? asked : most, .waiting = true };
    task_init(&l->task, a->cpu, a->name, l, accept_woken);
    l->task.fifo = a->task.fifo;
    l->task.bandwidth = a->task.bandwidth;
}

static uint32_t requests_init(struct listen *l, struct traffic *t, struct client *c, uint32_t n)
{
    for (uint32_t i = 0; i < t->flows; i++) {
        struct flow *f = &l->host->flow[t->first_flow + i];
        struct request *r = &l->request[n + i];
        *r = (struct request){ .client = c, .port = i, .flow = t->first_flow + i, .listener = listener_of(l->host, &f->key) };
        f->request = r;
    }
    return n + t->flows;
}

int listen_init(struct listen *l, struct host *h)
{
    uint32_t n = 0, sources = 0;

    l->host = h;
    for (int i = 0; i < h->traffics; i++) {
        n += h->traffic[i].params.kind == TRAFFIC_CONNECT ? h->traffic[i].flows : 0;
        sources += h->traffic[i].params.kind == TRAFFIC_CONNECT;
    }
    if (sources == 0)
        return 0;
    l->client = calloc(sources, sizeof *l->client);
    l->request = calloc(n, sizeof *l->request);
    l->listener = calloc((size_t)h->apps + 1, sizeof *l->listener);
    if (!l->client || !l->request || !l->listener || event_init(&h->engine, &l->expire, EVENT_DEVICE, expire, l) != 0)
        return -1;
    for (int i = 0; i < h->apps; i++)
        listener_init(&l->listener[i], &h->app[i]);
    n = 0;
    for (int i = 0; i < h->traffics; i++) {
        struct traffic *t = &h->traffic[i];
        if (t->params.kind != TRAFFIC_CONNECT)
            continue;
        struct client *c = &l->client[l->clients++];
        if (client_init(c, t, &h->config.traffic[i].client, &h->engine, &h->frames, nic_wake, &h->nic[t->params.nic]) != 0)
            return -1;
        n = requests_init(l, t, c, n);
    }
    return 0;
}

void listen_start(struct listen *l)
{
    for (int i = 0; i < l->clients; i++)
        client_start(&l->client[i]);
}

bool listen_clients_done(const struct listen *l)
{
    for (int i = 0; i < l->clients; i++) {
        if (!client_done(&l->client[i]))
            return false;
    }
    return true;
}

void listen_free(struct listen *l)
{
    for (int i = 0; i < l->clients; i++)
        client_free(&l->client[i]);
    free(l->client);
    free(l->request);
    free(l->listener);
}
