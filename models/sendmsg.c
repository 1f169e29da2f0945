/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sendmsg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/skb_local.h"
#include "models/veth.h"

enum { UDP_WIRE = ETH_HLEN + IP_HLEN + UDP_HLEN + ETH_FCS };

static const struct param rows[] = {
    PARAM(struct sendmsg_params, cpu, "traffic.task.cpu", UNIT_COUNT, 0, 0, CONFIG_CPUS - 1,
          "CPU that the local sender of a veth is pinned to", "ours"),
    PARAM(struct sendmsg_params, payload, "traffic.task.payload", UNIT_BYTES, 0, 0, 65507,
          "veth: bytes of a datagram, fragmented beyond the MTU; 0: what fits in traffic.frame", "ours"),
    PARAM(struct sendmsg_params, vlen, "traffic.task.vlen", UNIT_COUNT, 1, 1, 1024, "veth: messages of a sendmmsg()",
          "1: send(); UIO_MAXIOV"),
    PARAM(struct sendmsg_params, segments, "traffic.task.segments", UNIT_COUNT, 1, 1, 1024,
          "veth: datagrams of a message (UDP_SEGMENT)", "1: plain; UDP_MAX_SEGMENTS is 128, more stand for several"),
    PARAM_TEXT(struct sendmsg_params, trains, "traffic.task.trains",
               "veth: datagrams of each message, one each traffic.period, as \"60x100 7\"; empty: by rate", "ours"),
    PARAM(struct sendmsg_params, look, "traffic.task.look", UNIT_TIME, 1 * US, 10 * NS, 1 * SEC,
          "veth: how often a waiting sender looks at the clock", "ours: shorter is slower to simulate"),
};
ALL_FIELDS_HAVE_ROWS(struct sendmsg_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct sendmsg_counters, calls, "send_calls", "strace -c", "send() and sendmmsg() calls"),
    COUNTER(struct sendmsg_counters, datagrams, "send_datagrams", "the application's own", "datagrams sent"),
    COUNTER(struct sendmsg_counters, trains, "send_trains", "the application's own", "trains sent"),
    COUNTER(struct sendmsg_counters, train_sent, "send_train_sent", "simulator only", "skbs of the last train"),
    COUNTER(struct sendmsg_counters, train_dropped, "send_train_dropped", "simulator only",
            "of them refused by backlog or ring"),
};
ALL_COUNTERS_HAVE_ROWS(struct sendmsg_counters, counter_rows);

const struct model_info sendmsg_model = {
    .name = "sendmsg", .step = "-", .what = "the local sender of a veth",
    .scope = SCOPE_TRAFFIC, .params_at = offsetof(struct traffic_config, sendmsg), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param host_rows[] = {
    PARAM_COST(struct sendmsg_host_params, entry, "cost.send.entry", 800, "send() up to the first message",
               "assumption: half of a null system call's 233 ns, and the file's lookup"),
    PARAM_COST(struct sendmsg_host_params, message, "cost.send.message", 4800,
               "one message: skb, UDP and IP output, to the device",
               "1.35 us: veth measurement, tx_udp, tx_ip and skb_alloc on a virtual machine"),
    PARAM_COST_PER_BYTE(struct sendmsg_host_params, copy_byte, "cost.send.copy_byte", 120, "copying from the user",
                        "0.03 ns/B warm (veth measurement)"),
    PARAM_COST(struct sendmsg_host_params, segment, "cost.send.segment", 1000, "each packet that is cut from a message",
               "assumption"),
    PARAM_COST(struct sendmsg_host_params, back, "cost.send.return", 800, "return to user mode", "as cost.send.entry"),
    PARAM_COST(struct sendmsg_host_params, user, "cost.send.user", 500, "the program's loop between two calls",
               "127 ns: veth measurement, user:udptx"),
};
ALL_FIELDS_HAVE_ROWS(struct sendmsg_host_params, host_rows);

const struct model_info sendmsg_host_model = {
    .name = "sendmsg", .step = "-", .what = "what sending costs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, sendmsg), .params = host_rows,
    .n_params = ROWS(host_rows),
};

static struct sendmsg *of(const struct context *x)
{
    return x->task->owner;
}

/* ---- the list of trains ---- */

/* "60x100 7": the next word as length and repetitions. False at the end; *bad if it is no such word. */
static bool next_word(const char **list, int64_t *length, int64_t *times, bool *bad)
{
    char *end;

    *list += strspn(*list, " ,");
    if (!**list)
        return false;
    *times = 1;
    *length = strtoll(*list, &end, 10);
    *bad = end == *list;
    if (!*bad && *end == 'x')
        *times = strtoll(end + 1, &end, 10);
    *bad |= (*end && *end != ' ' && *end != ',') || *length < 0 || *length > INT32_MAX || *times < 1;
    *list = end;
    return true;
}

static bool next_train(struct sendmsg *s)
{
    bool bad;

    while (s->train_left == 0 || s->train_length == 0) {
        if (!next_word(&s->trains, &s->train_length, &s->train_left, &bad))
            return false;
    }
    s->train_left--;
    return true;
}

/* ---- skbs ---- */

/* A datagram's frame enters the machine here: the ledger counts it as offered. */
static void enter(struct sendmsg *s, struct frame *f, int32_t bytes)
{
    struct host *h = s->host;
    struct nic *n = s->veth->nic;
    struct ledger *books = &h->queue_ledger[n->index * CONFIG_QUEUES];

    f->wire_bytes = bytes + ETH_HLEN + ETH_FCS;
    f->sampled = h->sample_every > 0 && n->drawn == n->next_sample;
    if (f->sampled)
        n->next_sample += h->sample_every;
    f->id = (uint64_t)n->index << NIC_FRAME_BITS | n->drawn++;
    f->queue = 0;
    f->cpu = -1;
    f->dma_at = f->irq_at = f->poll_at = f->stack_at = f->socket_at = -1;
    f->wire_at = h->last_arrival = h->engine.now;
    h->unsteered.offered++;
    h->unsteered.offered_bytes += (uint64_t)f->wire_bytes;
    h->flow[f->flow].offered++;
    books->offered++;
    books->offered_bytes += (uint64_t)f->wire_bytes;
}

static struct skb *skb_of(struct sendmsg *s, struct frame *f, int32_t bytes)
{
    struct host *h = s->host;
    struct skb *skb = pool_take(&h->skbs);

    skb_build(skb, f, &h->flow[f->flow], &s->veth->nic->config->skb, true);
    skb->truesize = (int32_t)skb_local_truesize(&h->hc->skb_local, bytes);
    skb->len = bytes;
    return skb;
}

static int32_t payload_of(const struct sendmsg *s, const struct frame *f)
{
    return s->params->payload > 0 ? (int32_t)s->params->payload : f->payload;
}

/* One datagram onto the list, in fragments of whole 8 bytes if it is longer than the MTU. Only its first frame is
 * said to carry the payload, all of it. Returns how long that is. */
static int32_t datagram(struct sendmsg *s, struct skb_queue *list)
{
    struct host *h = s->host;
    struct frame *f = traffic_next(s->traffic, pool_take(&h->frames));
    int32_t left = payload_of(s, f) + UDP_HLEN, room = (int32_t)s->veth->nic_params->mtu - IP_HLEN;
    int32_t unit = left <= room ? left : room / 8 * 8;
    int32_t payload = left - UDP_HLEN;
    int count = (left + unit - 1) / unit;

    f->payload = payload;
    s->counters.datagrams++;
    for (int i = 0; i < count; i++) {
        struct frame *next = i + 1 < count ? pool_take(&h->frames) : NULL;
        int32_t bytes = IP_HLEN + (left < unit ? left : unit);

        if (next)
            *next = *f;
        f->frag = (uint8_t)i;
        f->frags = (uint8_t)(count > 1 ? count : 0);
        enter(s, f, bytes);
        skb_push_tail(list, skb_of(s, f, bytes));
        left -= unit;
        f = next;
        if (f)
            f->payload = 0;
    }
    return payload;
}

/* All of the list as one skb of many frames: a UDP_SEGMENT send that nobody has cut. */
static void join(struct host *h, struct skb_queue *list)
{
    struct skb *first = skb_pop(list), *s;

    while ((s = skb_pop(list)) != NULL) {
        first->last->next = s->first;
        first->last = s->last;
        first->frames += s->frames;
        first->len += s->len - IP_HLEN - UDP_HLEN;
        first->truesize += s->truesize;
        host_skb_free(h, s);
    }
    first->gso_size = (uint16_t)(first->first->payload);
    skb_push_tail(list, first);
}

/* ---- the call ---- */

static void look(struct context *x);
static void message(struct context *x);

static bool by_trains(const struct sendmsg *s)
{
    return s->host->config.text[s->params->trains][0] != '\0';
}

static void user(struct context *x)
{
    x->flags = STEP_USER;
    context_work(x, of(x)->costs->user, look);
}

static void returned(struct context *x)
{
    sched_checkpoint(x, user);
}

/* The message is out: the next of this call, or back. */
static void sent(struct context *x)
{
    struct sendmsg *s = of(x);

    if (--s->left > 0 && traffic_peek(s->traffic) != PS_NEVER)
        context_work(x, s->costs->message, message);
    else
        context_work(x, s->costs->back, returned);
}

static void transmit(struct context *x);

static void transmitted(struct context *x)
{
    struct sendmsg *s = of(x);

    s->counters.train_sent++;
    if (!veth_xmit(x, s->veth, skb_pop(&x->list)))
        s->counters.train_dropped++;
    if (x->list.first && s->together)
        transmit(x);
    else
        local_bh_enable(x, x->list.first ? transmit : sent);
}

/* dev_queue_xmit has bottom halves off from here until its local_bh_enable. */
static void transmit(struct context *x)
{
    struct sendmsg *s = of(x);

    x->flags = STEP_BH_OFF;
    context_work(x, s->veth->params->xmit + (s->together ? s->costs->segment : 0), transmitted);
}

static void message(struct context *x)
{
    struct sendmsg *s = of(x);
    int64_t n = by_trains(s) ? s->train_length : s->params->segments;

    x->list = (struct skb_queue){ 0 };
    for (int64_t i = 0; i < n && traffic_peek(s->traffic) != PS_NEVER; i++) {
        x->owed += ps_of_fs_per_byte(s->costs->copy_byte, datagram(s, &x->list));
    }
    bool fragments = x->list.length > n;
    bool whole = n > 1 && s->veth->nic_params->udp_segmentation && x->list.length > 1 && !fragments;
    s->together = n > 1 && !whole;
    if (whole)
        join(s->host, &x->list);
    s->counters.train_sent = s->counters.train_dropped = 0;
    transmit(x);
}

/* ---- the loop ---- */

/* The end: the source is silent, and the task sleeps for good. */
static bool over(struct sendmsg *s)
{
    struct traffic *t = s->traffic;
    ps_t now = s->host->engine.now;

    if (now >= s->host->stop_at || now >= t->end)
        t->next_at = PS_NEVER;
    return traffic_peek(t) == PS_NEVER;
}

static ps_t due_at(const struct sendmsg *s)
{
    const struct traffic *t = s->traffic;

    return by_trains(s) ? t->origin + (ps_t)s->counters.trains * t->params.period : traffic_peek(t);
}

static void call(struct context *x)
{
    struct sendmsg *s = of(x);

    s->left = 1;
    if (!by_trains(s)) {
        s->left = s->params->vlen;
    } else if (next_train(s)) {
        s->counters.trains++;
    } else {
        s->traffic->next_at = PS_NEVER;
        look(x);
        return;
    }
    s->counters.calls++;
    x->flags = 0;
    context_work(x, s->costs->entry + s->costs->message, message);
}

static void look(struct context *x)
{
    struct sendmsg *s = of(x);

    if (over(s)) {
        sched_prepare_sleep(x->task);
        sched_sleep(x, look);
        return;
    }
    ps_t wait = due_at(s) - x->cpu->engine->now;
    if (wait <= 0) {
        call(x);
        return;
    }
    x->flags = STEP_USER;
    context_work(x, wait < s->params->look ? wait : s->params->look, look);
}

/* ---- construction ---- */

const char *sendmsg_check(const struct config *c, int source, char *buffer, size_t size)
{
    const struct traffic_params *t = &c->traffic[source].traffic;
    const struct sendmsg_params *p = &c->traffic[source].sendmsg;
    const struct sendmsg_host_params *costs = &c->host->sendmsg;
    const char *trains = c->text[p->trains], *wrong = NULL;
    int64_t length, times;
    bool bad = false;

    while (!bad && next_word(&trains, &length, &times, &bad))
        ;
    if (bad)
        wrong = "task.trains is not a list of LENGTH or LENGTHxTIMES";
    else if (*c->text[p->trains] && t->period <= 0)
        wrong = "task.trains needs a traffic.period above 0";
    else if (p->cpu >= c->host->cpu.count)
        wrong = "task.cpu is not a CPU of this machine (cpu.count, counted from 0)";
    else if ((t->kind != TRAFFIC_CBR && t->kind != TRAFFIC_POISSON) || t->proto != TRAFFIC_UDP)
        wrong = "kind: a veth's local sender is cbr or poisson, and UDP";
    else if (costs->entry + costs->message + costs->back + costs->user <= 1)
        wrong = "task: cost.send.entry, .message, .return and .user are all 0, so it would send for ever without time "
                "passing";
    if (!wrong)
        return NULL;
    snprintf(buffer, size, "traffic[%s].%s", c->traffic_name[source], wrong);
    return buffer;
}

void sendmsg_init(struct sendmsg *s, struct host *h, int source)
{
    *s = (struct sendmsg){
        .host = h, .params = &h->config.traffic[source].sendmsg, .costs = &h->hc->sendmsg,
        .traffic = &h->traffic[source], .name = h->config.traffic_name[source],
    };
    s->veth = h->nic[s->traffic->params.nic].veth;
    s->trains = h->config.text[s->params->trains];
    task_init(&s->task, &h->cpu[s->params->cpu], "sendmsg", s, look);
}

void sendmsg_start(struct sendmsg *s)
{
    sched_wake(&s->task, s->task.cpu);
}
