/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/udp_gso.h"

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct udp_gso_params, udp_gro, "app.udp_gro", 0,
                 "the socket takes UDP_SEGMENT sends whole (UDP_GRO); only a veth's come whole", "udp(7): off"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_gso_params, rows);

const struct model_info udp_gso_model = {
    .name = "udp_gso", .step = "6", .what = "UDP_SEGMENT sends that arrive whole",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, udp_gso), .params = rows, .n_params = ROWS(rows),
};

static const struct param host_rows[] = {
    PARAM_COST(struct udp_gso_host_params, segment, "cost.udp.segment", 900, "cutting one datagram from such a send",
               "assumption: an skb and its headers"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_gso_host_params, host_rows);

const struct model_info udp_gso_host_model = {
    .name = "udp_gso", .step = "6", .what = "what cutting costs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, udp_gso), .params = host_rows,
    .n_params = ROWS(host_rows),
};

/* What is cut and not yet received; a CPU works on one at a time. */
static struct skb_queue *cut(const struct context *x)
{
    return &x->cpu->host->udp_segments[x->cpu->index];
}

static void next(struct context *x)
{
    while ((x->skb = skb_pop(cut(x))) != NULL) {
        if (!context_stage(x, udp_rcv, next))
            return;
    }
    context_return(x);
}

static void segment(struct context *x)
{
    struct host *h = x->cpu->host;
    struct skb *s = x->skb;
    struct frame *f = s->first;

    for (int i = 0; i < s->frames; i++) {
        struct frame *after = f->next;
        struct skb *one = pool_take(&h->skbs);
        *one = *s;
        one->first = one->last = f;
        one->frames = 1;
        one->gso_size = 0;
        one->len = f->payload + UDP_HLEN;
        one->truesize = s->truesize / s->frames;
        f->next = NULL;
        skb_push_tail(cut(x), one);
        f = after;
    }
    host_skb_free(h, s);
    next(x);
}

/* One message: its first frame stands for all the payload, as a fragmented datagram's does. */
static void keep_whole(struct skb *s)
{
    for (struct frame *f = s->first->next; f; f = f->next) {
        s->first->payload += f->payload;
        f->payload = 0;
    }
}

bool udp_gso_rcv(struct context *x)
{
    struct host *h = x->cpu->host;
    struct skb *s = x->skb;

    if (s->gso_size == 0)
        return udp_rcv(x);
    const struct sock *sk = sock_lookup(x, s);
    if (sk && h->config.app[sk->app - h->app].udp_gso.udp_gro) {
        keep_whole(s);
        return udp_rcv(x);
    }
    context_work(x, s->frames * h->hc->udp_gso.segment, segment);
    return false;
}
