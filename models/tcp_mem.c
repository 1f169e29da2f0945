/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a socket's receive memory holds, and what it is charged for: include/net/sock.h, net/core/skbuff.c,
 * include/net/tcp.h. */
#include "models/tcp_private.h"

#include <assert.h>

enum {
    MAX_SKB_FRAGS = 17,
    PAGE_BYTES = 4096,
};

/* ---- memory ---- */

int64_t tcp_win_from_space(const struct tcp_sock *sk, int64_t space)
{
    int64_t scale = sk->params->adv_win_scale;

    if (sk->params->scaling_ratio)
        return (space * sk->scaling_ratio) >> TCP_RATIO_SHIFT;
    return scale <= 0 ? space >> -scale : space - (space >> scale);
}

/* The buffer that a window needs. Before the measured ratio the kernel counted whole segments, each in the smallest
 * memory (in steps of 128) whose window holds one; MAX_TCP_HEADER is 320 in usual configurations. */
int64_t tcp_space_from_win(const struct tcp_sock *sk, int64_t window)
{
    int64_t memory = sk->advmss + 320 + TCP_SKB_STRUCT_BYTES + 320;

    if (sk->params->scaling_ratio)
        return (window << TCP_RATIO_SHIFT) / sk->scaling_ratio;
    if (sk->params->adv_win_scale <= -6)
        return sk->params->rmem_max;    /* the search below would be long, and the answer is above any limit */
    while (tcp_win_from_space(sk, memory) < sk->advmss)
        memory += 128;
    return window / sk->advmss * memory;
}

int64_t tcp_full_space(const struct tcp_sock *sk)
{
    return tcp_win_from_space(sk, sk->rcvbuf);
}

int64_t tcp_space(const struct tcp_sock *sk)
{
    return tcp_win_from_space(sk, sk->rcvbuf - sk->backlog_len - sk->rmem_alloc);
}

int64_t tcp_receive_window(const struct tcp_sock *sk)
{
    return max64(0, (int32_t)(sk->rcv_wup + (uint32_t)sk->rcv_wnd - sk->rcv_nxt));
}

bool tcp_can_ingest(const struct tcp_sock *sk, int64_t len)
{
    return sk->rmem_alloc + (sk->params->rcvbuf_counts_len ? len : 0) <= sk->rcvbuf;
}

/* Whole pages are taken from the protocol's account, which never refuses: tcp_mem is not modelled. */
void tcp_rmem_schedule(struct tcp_sock *sk, int64_t size)
{
    int64_t lack = size - sk->forward_alloc;

    if (lack > 0)
        sk->forward_alloc += (lack + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

void tcp_charge(struct tcp_sock *sk, int64_t truesize)
{
    sk->rmem_alloc += truesize;
    sk->forward_alloc -= truesize;
}

void tcp_uncharge(struct tcp_sock *sk, int64_t truesize)
{
    sk->rmem_alloc -= truesize;
    sk->forward_alloc += truesize;
    if (sk->params->page_reclaim && sk->forward_alloc >= PAGE_BYTES)
        sk->forward_alloc %= PAGE_BYTES;
    else if (!sk->params->page_reclaim && sk->forward_alloc >= 1 << 21)
        sk->forward_alloc -= 1 << 20;   /* SK_RECLAIM_CHUNK */
}

/* Makes room for `seg` if it can; 0 or -1. */
int tcp_try_rmem_schedule(struct tcp_sock *sk, const struct tcp_seg *seg)
{
    if (!tcp_can_ingest(sk, seg->len) && !tcp_prune_queue(sk, seg->seq, seg->len))
        return -1;
    tcp_rmem_schedule(sk, seg->truesize);
    return 0;
}

/* ---- frames and skbs ---- */

void tcp_end_frame(struct tcp_sock *sk, struct skb *s, enum fate fate)
{
    struct frame *f = s->first;

    s->first = f->next;
    s->frames--;
    if (!s->first)
        s->last = NULL;
    sk->ops->frame_end(sk->ops->user, f, fate, sk->now);
}

void tcp_free_skb(struct tcp_sock *sk, struct skb *s)
{
    assert(!s->first);
    sk->ops->skb_free(sk->ops->user, s);
}

void tcp_drop(struct tcp_sock *sk, struct skb *s, enum fate fate)
{
    while (s->first)
        tcp_end_frame(sk, s, fate);
    tcp_free_skb(sk, s);
}

/* Frames that bring nothing beyond `seq` have ended here, though their skb goes on. */
void tcp_end_old_frames(struct tcp_sock *sk, struct skb *s, uint32_t seq)
{
    struct frame *f = s->first, *next, *last = NULL;
    struct frame **link = &s->first;

    for (; f; f = next) {
        next = f->next;
        if (f->payload > 0 && after(tcp_frame_end_seq(f), seq)) {
            link = &f->next;
            last = f;
            continue;
        }
        *link = next;
        s->frames--;
        sk->ops->frame_end(sk->ops->user, f, f->payload > 0 ? FATE_TCP_OLD_DATA : FATE_TCP_CONTROL, sk->now);
    }
    s->last = last;
}

/* Moves the frames of `from` that end at or before `seq` behind those of `to`. */
void tcp_move_frames(struct skb *to, struct skb *from, uint32_t seq)
{
    while (from->first && !after(tcp_frame_end_seq(from->first), seq)) {
        struct frame *f = from->first;

        from->first = f->next;
        from->frames--;
        f->next = NULL;
        if (to->first)
            to->last->next = f;
        else
            to->first = f;
        to->last = f;
        to->frames++;
    }
    if (!from->first)
        from->last = NULL;
}

/* Room behind the data of a linear skb. */
static int32_t skb_tailroom(const struct skb *s)
{
    return s->frags || s->has_frag_list ? 0 : s->end - s->tail;
}

/* skb_try_coalesce(): returns what `to` is charged in addition, -1 if the two cannot be merged. */
static int32_t skb_merge(struct tcp_sock *sk, struct skb *to, struct skb *from)
{
    if (from->len <= skb_tailroom(to)) {
        to->tail = (int16_t)(to->tail + from->len);
        sk->out->coalesced_bytes += from->len;
        return 0;
    }
    if (to->has_frag_list || from->has_frag_list || !from->head_frag || to->frags + from->frags >= MAX_SKB_FRAGS)
        return -1;
    to->frags = (uint8_t)(to->frags + from->frags + 1);
    return from->truesize - TCP_SKB_STRUCT_BYTES;
}

/* Merges `from` into `to` and frees its shell; the caller gives back what `from` itself was charged. */
bool tcp_try_coalesce(struct tcp_sock *sk, struct skb *to, struct skb *from)
{
    if (from->seq != to->end_seq)
        return false;

    int32_t delta = skb_merge(sk, to, from);
    if (delta < 0)
        return false;
    to->truesize += delta;
    to->len += from->len;
    to->end_seq = from->end_seq;
    to->tcp_flags |= from->tcp_flags;
    tcp_charge(sk, delta);
    tcp_move_frames(to, from, from->end_seq);
    tcp_free_skb(sk, from);
    sk->counters->TCPRcvCoalesce++;
    return true;
}

/* tcp_queue_rcv(): the next bytes of the stream are here. `charged`: the skb comes from the out-of-order queue. */
void tcp_queue_tail(struct tcp_sock *sk, struct skb *s, bool charged)
{
    struct skb *tail = sk->receive.last;
    int32_t truesize = s->truesize;
    uint32_t end_seq = s->end_seq;

    tcp_end_old_frames(sk, s, sk->rcv_nxt);
    sk->out->queued = true;
    if (tail && tcp_try_coalesce(sk, tail, s)) {
        if (charged)
            tcp_uncharge(sk, truesize);
    } else {
        skb_push_tail(&sk->receive, s);
        if (!charged)
            tcp_charge(sk, truesize);
    }
    sk->rcv_nxt = end_seq;
}

