/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/defrag.h"

static void append(struct skb *p, struct skb *s)
{
    p->last->next = s->first;
    p->last = s->last;
    p->frames += s->frames;
    p->len += s->len - IP_HLEN;
    p->truesize += s->truesize;
    p->has_frag_list = 1;
    s->first = s->last = NULL;
    s->frames = 0;
}

struct skb *ip_defrag(struct host *h, struct skb *s)
{
    const struct frame *f = s->first;
    struct skb **partial = &h->flow[s->flow].partial;

    if (f->frags == 0)
        return s;
    if (f->frag == 0) {
        *partial = s;
        return NULL;
    }
    struct skb *p = *partial;
    if (!p || p->ip_id != s->ip_id || p->frames != f->frag)
        return NULL;            /* one before it was lost */
    bool last = f->frag + 1 == f->frags;
    append(p, s);
    host_skb_free(h, s);
    if (!last)
        return NULL;
    *partial = NULL;
    return p;
}
