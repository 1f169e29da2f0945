/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/udp_gso.h"

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct udp_gso_params, udp_gro, "app.udp_gro", 0,
                 "UDP_GRO: GRO merges the socket's datagrams (not a veth's), and it takes merged ones and UDP_SEGMENT sends whole",
                 "udp(7): off"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_gso_params, rows);

const struct model_info udp_gso_model = {
    .name = "udp_gso", .step = "6", .what = "datagrams that arrive as one: UDP_SEGMENT sends, UDP GRO",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, udp_gso), .params = rows, .n_params = ROWS(rows),
};

static const struct param nic_rows[] = {
    PARAM_SWITCH(struct udp_gso_nic_params, rx_gro_list, "nic.features.rx-gro-list", 0,
                 "GRO chains datagrams of one flow for sockets without UDP_GRO, too, and for none", "ethtool -K rx-gro-list: off"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_gso_nic_params, nic_rows);

const struct model_info udp_gso_nic_model = {
    .name = "udp_gso", .step = "6", .what = "the NIC's part in UDP GRO",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, udp_gso), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

static const struct param host_rows[] = {
    PARAM_COST(struct udp_gso_host_params, chained, "cost.udp.segment_list", 150, "taking one datagram off such a chain",
               "assumption: skb_segment_list; the skbs are there already"),
    PARAM_COST(struct udp_gso_host_params, segment, "cost.udp.segment", 900, "cutting one datagram from such a send",
               "assumption: an skb and its headers"),
};
ALL_FIELDS_HAVE_ROWS(struct udp_gso_host_params, host_rows);

const struct model_info udp_gso_host_model = {
    .name = "udp_gso", .step = "6", .what = "what cutting costs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, udp_gso), .params = host_rows,
    .n_params = ROWS(host_rows),
};

/* udp_gro_receive: who has a flow's datagrams merged, and how. */
static enum flow_udp_gro gro_of(const struct host *h, const struct flow *f)
{
    const struct nic_config *c = h->nic[f->nic].config;
    bool wanted = f->sk && h->config.app[f->sk->app - h->app].udp_gso.udp_gro;

    if (f->key.proto != FLOW_UDP || c->nic.kind == NIC_KIND_VETH || f->cast != CAST_UNICAST || f->no_csum)
        return UDP_GRO_NONE;
    if (c->udp_gso.rx_gro_list && !wanted)
        return UDP_GRO_LIST;
    return wanted || (!f->sk && c->veth.udp_gro_forwarding) ? UDP_GRO_SEGMENT : UDP_GRO_NONE;
}

void udp_gso_find_gro(struct host *h)
{
    for (uint32_t i = 0; i < h->flows; i++)
        h->flow[i].udp_gro = (uint8_t)gro_of(h, &h->flow[i]);
}

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
    context_work(x, s->frames * (s->udp_list ? h->hc->udp_gso.chained : h->hc->udp_gso.segment), segment);
    return false;
}
