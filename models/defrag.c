/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/defrag.h"

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct defrag_params, high_thresh, "net.ipv4.ipfrag_high_thresh", UNIT_BYTES, 4194304, 0, INT64_C(1) << 40,
          "memory for fragments that wait for others; beyond it all further ones are dropped", "net/ipv4/ip_fragment.c: 4 MiB"),
    PARAM(struct defrag_params, time, "net.ipv4.ipfrag_time", UNIT_TIME, 30 * SEC, 1 * US, 3600 * SEC,
          "how long a datagram waits for its missing fragments", "net/ipv4/ip_fragment.c IP_FRAG_TIME: 30 s"),
    PARAM(struct defrag_params, queue_bytes, "kernel.ipfrag.queue_bytes", UNIT_BYTES, 200, 0, 65536,
          "what a waiting datagram counts as memory beside its fragments", "assumption: sizeof(struct ipq) on x86-64"),
    PARAM_COST(struct defrag_params, fragment, "cost.ip.defrag", 0, "one fragment into its datagram's queue",
               "assumption: none beyond cost.ip.deliver, which each datagram pays once"),
};
ALL_FIELDS_HAVE_ROWS(struct defrag_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct defrag_counters, ReasmReqds, "IpReasmReqds", "nstat, /proc/net/snmp", "fragments for this host"),
    COUNTER(struct defrag_counters, ReasmOKs, "IpReasmOKs", "nstat, /proc/net/snmp", "datagrams put together"),
    COUNTER(struct defrag_counters, ReasmFails, "IpReasmFails", "nstat, /proc/net/snmp",
            "fragments refused for want of memory, and datagrams given up"),
    COUNTER(struct defrag_counters, ReasmTimeout, "IpReasmTimeout", "nstat, /proc/net/snmp",
            "datagrams given up because a fragment did not come in time"),
};
ALL_COUNTERS_HAVE_ROWS(struct defrag_counters, counter_rows);

const struct model_info defrag_model = {
    .name = "defrag", .step = "5", .what = "fragments become datagrams again",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, defrag), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- queues ---- */

static struct frag_queue *find(const struct host *h, const struct skb *s)
{
    struct frag_queue *q = h->flow[s->flow].partial;

    while (q && q->ip_id != s->ip_id)
        q = q->sibling;
    return q;
}

/* All wait equally long, so the order of their beginnings is that of their ends. */
static struct frag_queue *create(struct defrag *d, const struct skb *s)
{
    struct flow *flow = &d->host->flow[s->flow];
    struct frag_queue *q = pool_take(&d->queues);

    *q = (struct frag_queue){
        .before = d->last, .sibling = flow->partial, .flow = s->flow, .ip_id = s->ip_id,
        .bytes = d->params->queue_bytes, .expires_at = d->host->engine.now + d->params->time,
    };
    if (d->last)
        d->last->next = q;
    else
        d->first = q;
    d->last = q;
    flow->partial = q;
    d->memory += q->bytes;
    if (!event_pending(&d->host->engine, &d->expire))
        engine_at(&d->host->engine, &d->expire, q->expires_at);
    return q;
}

static void remove_queue(struct defrag *d, struct frag_queue *q)
{
    struct frag_queue **at = &d->host->flow[q->flow].partial;

    while (*at != q)
        at = &(*at)->sibling;
    *at = q->sibling;
    if (q->before)
        q->before->next = q->next;
    else
        d->first = q->next;
    if (q->next)
        q->next->before = q->before;
    else
        d->last = q->before;
    d->memory -= q->bytes;
    pool_return(&d->queues, q);
}

/* Each fragment has been at PRE_ROUTING: what conntrack began there with one that goes no further is forgotten. */
static ps_t drop(struct host *h, struct skb *s, enum fate fate)
{
    conntrack_forget(&h->netfilter.conntrack, s);
    return host_skb_drop(h, s, fate);
}

/* ---- time ---- */

static void expire_queue(struct defrag *d, struct frag_queue *q)
{
    struct skb *s;

    d->counters.ReasmFails++;
    d->counters.ReasmTimeout++;
    while ((s = skb_pop(&q->fragments)) != NULL)
        drop(d->host, s, FATE_FRAG_REASM_TIMEOUT);
    remove_queue(d, q);
}

/* The event was for the oldest there was; that one may be complete since. */
static void expire(void *defrag)
{
    struct defrag *d = defrag;
    struct engine *e = &d->host->engine;

    while (d->first && d->first->expires_at <= e->now)
        expire_queue(d, d->first);
    if (d->first)
        engine_at(e, &d->expire, d->first->expires_at);
}

/* ---- fragments ---- */

static struct skb *put_together(struct defrag *d, struct frag_queue *q)
{
    struct skb *p = skb_pop(&q->fragments), *s;

    while ((s = skb_pop(&q->fragments)) != NULL) {
        p->last->next = s->first;
        p->last = s->last;
        p->frames += s->frames;
        p->len += s->len - IP_HLEN;
        p->truesize += s->truesize;
        p->has_frag_list = 1;
        conntrack_forget(&d->host->netfilter.conntrack, s);
        host_skb_free(d->host, s);
    }
    d->counters.ReasmOKs++;
    remove_queue(d, q);
    return p;
}

/* To its place; usually it is the last. False if it is there already. */
static bool insert(struct frag_queue *q, struct skb *s)
{
    int at = s->first->frag;
    struct skb *before = q->fragments.last;

    if (q->there[at / 64] >> at % 64 & 1)
        return false;
    q->there[at / 64] |= UINT64_C(1) << at % 64;
    q->bytes += s->truesize;
    if (!before || before->first->frag < at) {
        skb_push_tail(&q->fragments, s);
        return true;
    }
    struct skb **link = &q->fragments.first;
    while ((*link)->first->frag < at)
        link = &(*link)->next;
    s->next = *link;
    *link = s;
    q->fragments.length++;
    return true;
}

static struct skb *refuse(struct context *x, struct skb *s)
{
    struct host *h = x->cpu->host;

    h->defrag.counters.ReasmFails++;
    x->owed += h->hc->skb.free + drop(h, s, FATE_FRAG_MEM);
    return NULL;
}

struct skb *ip_defrag(struct context *x, struct skb *s)
{
    struct defrag *d = &x->cpu->host->defrag;
    int frags = s->first->frags;

    if (frags == 0)
        return s;
    d->counters.ReasmReqds++;
    x->owed += d->params->fragment;
    if (d->memory > d->params->high_thresh || d->params->high_thresh == 0)
        return refuse(x, s);
    struct frag_queue *q = find(d->host, s);
    if (!q)
        q = create(d, s);
    if (!insert(q, s)) {
        x->owed += d->host->hc->skb.free + drop(d->host, s, FATE_DUP_FRAG);
        return NULL;
    }
    d->memory += s->truesize;
    return q->fragments.length == frags ? put_together(d, q) : NULL;
}

/* ---- construction ---- */

int defrag_init(struct defrag *d, struct host *h, const struct defrag_params *p)
{
    *d = (struct defrag){ .host = h, .params = p };
    pool_init(&d->queues, sizeof(struct frag_queue));
    return event_init(&h->engine, &d->expire, EVENT_DEVICE, expire, d);
}

void defrag_free(struct defrag *d)
{
    pool_free(&d->queues);
}
