/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/udp_mcast.h"

#include <string.h>

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_TEXT(struct udp_mcast_params, groups, "app.multicast",
               "multicast groups it joins, separated by commas; it may share its port (SO_REUSEADDR)", "ip(7) IP_ADD_MEMBERSHIP"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_mcast_params, rows);

const struct model_info udp_mcast_model = {
    .name = "udp_mcast", .step = "6", .what = "multicast groups joined",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, udp_mcast), .params = rows, .n_params = ROWS(rows),
};

static const struct param host_rows[] = {
    PARAM_COST(struct udp_mcast_host_params, clone, "cost.udp.clone", 150, "one more socket for a datagram: skb_clone",
               "assumption: an sk_buff without its data"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_mcast_host_params, host_rows);

static const struct counter counter_rows[] = {
    COUNTER(struct udp_mcast_counters, InMcastPkts, "IpExtInMcastPkts", "nstat", "multicast skbs that somebody here wants"),
    COUNTER(struct udp_mcast_counters, InBcastPkts, "IpExtInBcastPkts", "nstat", "broadcast skbs"),
    COUNTER(struct udp_mcast_counters, IgnoredMulti, "UdpIgnoredMulti", "nstat, /proc/net/snmp",
            "multicast or broadcast datagrams to a port that no socket has"),
    COUNTER(struct udp_mcast_counters, copies, "mcast_copies", "simulator only", "clones made for further sockets"),
    COUNTER(struct udp_mcast_counters, copies_read, "mcast_copies_read", "simulator only", "of them read by applications"),
    COUNTER(struct udp_mcast_counters, copies_dropped, "mcast_copies_dropped", "simulator only",
            "of them dropped; what sockets count includes them"),
};
ALL_COUNTERS_HAVE_ROWS(struct udp_mcast_counters, counter_rows);

const struct model_info udp_mcast_host_model = {
    .name = "udp_mcast", .step = "6", .what = "a copy for every socket",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, udp_mcast), .params = host_rows,
    .n_params = ROWS(host_rows), .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- IP ---- */

void udp_mcast_find_groups(struct host *h)
{
    for (uint32_t i = 0; i < h->flows; i++) {
        struct flow *f = &h->flow[i];
        for (int a = 0; a < h->apps && f->cast == CAST_MULTICAST; a++) {
            const char *groups = h->config.text[h->config.app[a].udp_mcast.groups];
            f->joined |= *groups && ip_in_list(groups, f->key.daddr);
        }
    }
}

enum fate udp_mcast_route(struct host *h, const struct skb *s)
{
    const struct flow *f = &h->flow[s->flow];

    if (f->cast == CAST_BROADCAST)
        h->udp_mcast.InBcastPkts++;
    else if (f->joined)
        h->udp_mcast.InMcastPkts++;
    else
        return FATE_MULTICAST;
    return FATE_IN_FLIGHT;
}

/* ---- UDP ---- */

/* The clones and then the skb itself, each for the socket of its application; a CPU works on one at a time. */
static struct skb_queue *copies_of(const struct context *x)
{
    return &x->cpu->host->udp_segments[x->cpu->index];
}

static void next(struct context *x)
{
    struct host *h = x->cpu->host;

    while ((x->skb = skb_pop(copies_of(x))) != NULL) {
        x->sk = &h->app[x->skb->stamp].udp;
        if (!context_stage(x, udp_queue, next))
            return;
    }
    context_return(x);
}

static struct skb *clone(struct context *x, const struct skb *s)
{
    struct host *h = x->cpu->host;
    struct skb *one = pool_take(&h->skbs);
    struct frame *f = pool_take(&h->frames);

    *f = *s->first;
    f->next = NULL;
    f->copy = 1;
    f->page = NULL;                     /* stays with the first */
    *one = *s;
    one->first = one->last = f;
    one->page = NULL;
    one->from_ring = 0;
    h->udp_mcast.copies++;
    x->owed += h->hc->udp_mcast.clone;
    return one;
}

static void deliver(struct context *x)
{
    struct host *h = x->cpu->host;
    struct skb *s = x->skb;
    int first = -1;

    x->skb = NULL;
    for (int a = 0; a < h->apps; a++) {
        if (!app_listens(&h->app[a], &h->flow[s->flow].key))
            continue;
        struct skb *one = first < 0 ? s : clone(x, s);
        one->stamp = a;
        if (first < 0)
            first = a;
        else
            skb_push_tail(copies_of(x), one);
    }
    if (first < 0) {
        h->udp_mcast.IgnoredMulti++;
        x->owed += h->hc->skb.free + host_skb_drop(h, s, FATE_MULTICAST_PORT);
    } else {
        skb_push_tail(copies_of(x), s);
    }
    next(x);
}

bool udp_mcast_rcv(struct context *x)
{
    context_work(x, x->cpu->host->hc->udp.rcv, deliver);
    return false;
}

void udp_mcast_copy_end(struct host *h, struct frame *f, enum fate fate)
{
    if (fate == FATE_DELIVERED)
        h->udp_mcast.copies_read++;
    else
        h->udp_mcast.copies_dropped++;
    pool_return(&h->frames, f);
}
