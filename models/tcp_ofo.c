/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Out of order, duplicated, or too much: the out-of-order queue, SACK blocks, prune and collapse
 * (net/ipv4/tcp_input.c). */
#include "models/tcp_private.h"

#include <assert.h>

enum {
    SACK_BLOCKS_EXPECTED = 2,   /* TCP_SACK_BLOCKS_EXPECTED: beyond, a held ACK is sent before its blocks are lost */
    COLLAPSE_BYTES = 4096 - 320,    /* SKB_MAX_ORDER(0, 0): what fits a page beside skb_shared_info */
    SMALL_HEAD_BYTES = 576,     /* SKB_SMALL_HEAD_CACHE_SIZE with MAX_TCP_HEADER 256; as measured on 6.18 */
    SHARED_INFO_BYTES = 320,
};

/* ---- SACK blocks ---- */

static bool sack_extend(struct tcp_sack *block, uint32_t start, uint32_t end)
{
    if (after(start, block->end) || after(block->start, end))
        return false;
    if (before(start, block->start))
        block->start = start;
    if (after(end, block->end))
        block->end = end;
    return true;
}

void tcp_dsack_set(struct tcp_sock *sk, uint32_t start, uint32_t end)
{
    if (!sk->sack_ok || !sk->params->dsack)
        return;
    if (before(start, sk->rcv_nxt))
        sk->counters->TCPDSACKOldSent++;
    else
        sk->counters->TCPDSACKOfoSent++;
    sk->dsack = true;
    sk->duplicate = (struct tcp_sack){ start, end };
}

static void dsack_extend(struct tcp_sock *sk, uint32_t start, uint32_t end)
{
    if (!sk->dsack)
        tcp_dsack_set(sk, start, end);
    else
        sack_extend(&sk->duplicate, start, end);
}

static void sack_delete(struct tcp_sock *sk, int at)
{
    sk->num_sacks--;
    for (int i = at; i < sk->num_sacks; i++)
        sk->sacks[i] = sk->sacks[i + 1];
}

/* The newest block, now first, may touch others. */
static void sack_coalesce(struct tcp_sock *sk)
{
    for (int i = 1; i < sk->num_sacks; ) {
        if (sack_extend(&sk->sacks[0], sk->sacks[i].start, sk->sacks[i].end))
            sack_delete(sk, i);
        else
            i++;
    }
}

/* Puts the block that the new bytes belong to first. */
static void sack_new_ofo_skb(struct tcp_sock *sk, uint32_t start, uint32_t end)
{
    int at = 0;
    struct tcp_sack block = { start, end };

    while (at < sk->num_sacks && !sack_extend(&sk->sacks[at], start, end))
        at++;

    bool found = at < sk->num_sacks;
    if (found)
        block = sk->sacks[at];
    if (at >= SACK_BLOCKS_EXPECTED)
        tcp_sack_compress_send_ack(sk);
    if (!found && at == TCP_SACK_BLOCKS)
        at--;                   /* the last block is forgotten */
    else if (!found)
        sk->num_sacks++;
    for (; at > 0; at--)
        sk->sacks[at] = sk->sacks[at - 1];
    sk->sacks[0] = block;
    if (found)
        sack_coalesce(sk);
}

/* Blocks that the stream has reached are acknowledged now. */
void tcp_sack_remove(struct tcp_sock *sk)
{
    if (!sk->ofo.first)
        sk->num_sacks = 0;
    for (int i = 0; i < sk->num_sacks; ) {
        if (!before(sk->rcv_nxt, sk->sacks[i].start))
            sack_delete(sk, i);
        else
            i++;
    }
}

/* ---- the queue: sorted by seq, overlaps only between neighbours ---- */

/* Takes the skb behind `prev` (NULL: the first) out of the queue. */
static struct skb *queue_take(struct skb_queue *q, struct skb *prev)
{
    struct skb *s = prev ? prev->next : q->first;

    if (prev)
        prev->next = s->next;
    else
        q->first = s->next;
    if (q->last == s)
        q->last = prev;
    q->length--;
    s->next = NULL;
    return s;
}

static void queue_insert(struct skb_queue *q, struct skb *prev, struct skb *s)
{
    s->next = prev ? prev->next : q->first;
    if (prev)
        prev->next = s;
    else
        q->first = s;
    if (q->last == prev)
        q->last = s;
    q->length++;
}

static void drop_charged(struct tcp_sock *sk, struct skb *s, enum fate fate)
{
    tcp_uncharge(sk, s->truesize);
    tcp_drop(sk, s, fate);
}

void tcp_ofo_purge(struct tcp_sock *sk, enum fate fate)
{
    struct skb *s;

    while ((s = skb_pop(&sk->ofo)))
        drop_charged(sk, s, fate);
    sk->ofo.last = NULL;
}

/* Removes what the skb behind `prev` covers of its right neighbours. */
static void merge_right(struct tcp_sock *sk, struct skb *s)
{
    while (s->next && after(s->end_seq, s->next->seq)) {
        struct skb *right = s->next;

        if (before(s->end_seq, right->end_seq)) {
            dsack_extend(sk, right->seq, s->end_seq);
            return;
        }
        dsack_extend(sk, right->seq, right->end_seq);
        sk->counters->TCPOFOMerge++;
        drop_charged(sk, queue_take(&sk->ofo, s), FATE_TCP_OLD_DATA);
    }
}

/* The kernel's reason is TCP_OFOMERGE; the ledger knows all repeated bytes as TCP_OLD_DATA. */
enum placed { PLACED, MERGED, DUPLICATE };

/* Finds the place of `s`, left to right, and deals with what it overlaps. */
static enum placed ofo_place(struct tcp_sock *sk, struct skb *s)
{
    struct skb *prev = NULL, *left;

    if (sk->ofo.last && tcp_try_coalesce(sk, sk->ofo.last, s))
        return MERGED;
    if (sk->ofo.last && !before(s->seq, sk->ofo.last->end_seq)) {
        queue_insert(&sk->ofo, sk->ofo.last, s);
        return PLACED;
    }
    for (left = sk->ofo.first; left && !before(s->seq, left->seq); prev = left, left = left->next) {
        if (!before(s->seq, left->end_seq)) {
            if (s->seq == left->end_seq && tcp_try_coalesce(sk, left, s))
                return MERGED;
            continue;
        }
        if (!after(s->end_seq, left->end_seq)) {
            sk->counters->TCPOFOMerge++;
            tcp_dsack_set(sk, s->seq, s->end_seq);
            tcp_drop(sk, s, FATE_TCP_OLD_DATA);
            return DUPLICATE;
        }
        if (after(s->seq, left->seq)) {
            tcp_dsack_set(sk, s->seq, left->end_seq);
            continue;
        }
        dsack_extend(sk, left->seq, left->end_seq);
        sk->counters->TCPOFOMerge++;
        drop_charged(sk, queue_take(&sk->ofo, prev), FATE_TCP_OLD_DATA);
        break;
    }
    queue_insert(&sk->ofo, prev, s);
    merge_right(sk, s);
    return PLACED;
}

void tcp_data_queue_ofo(struct tcp_sock *sk, struct skb *s)
{
    struct tcp_seg seg = { .seq = s->seq, .end_seq = s->end_seq, .len = s->len,
                           .mss = s->gso_size ? s->gso_size : s->len, .truesize = s->truesize,
                           .header = s->header_len ? s->header_len : sk->header_len, .flags = s->tcp_flags };

    sk->out->ofo = true;
    tcp_data_ecn_check(sk, s->tos);
    if (tcp_try_rmem_schedule(sk, &seg) < 0) {
        sk->counters->TCPOFODrop++;
        sk->out->data_ready = true;
        tcp_drop(sk, s, FATE_PROTO_MEM);
        return;
    }
    if (sk->params->ofo_rcv_mss)
        tcp_measure_rcv_mss(sk, &seg);
    sk->pred_on = false;
    sk->pending |= ICSK_ACK_SCHED;
    sk->counters->TCPOFOQueue++;

    enum placed placed = PLACED;
    if (!sk->ofo.first) {
        queue_insert(&sk->ofo, NULL, s);
        if (sk->sack_ok) {
            sk->num_sacks = 1;
            sk->sacks[0] = (struct tcp_sack){ seg.seq, seg.end_seq };
        }
    } else {
        placed = ofo_place(sk, s);
        if (placed == MERGED && sk->sack_ok)
            tcp_grow_window(sk, seg.len, seg.truesize);
        if (sk->sack_ok)
            sack_new_ofo_skb(sk, seg.seq, seg.end_seq);
    }
    sk->out->queued = placed != DUPLICATE;
    if (placed == PLACED) {
        if (sk->sack_ok)
            tcp_grow_window(sk, seg.len, seg.truesize);
        tcp_charge(sk, seg.truesize);
    }
    if (sk->params->ofo_drs)
        tcp_rcvbuf_grow(sk, sk->space);
}

/* The hole in front has been filled, or moved: what follows without a gap joins the receive queue. */
void tcp_ofo_queue(struct tcp_sock *sk)
{
    uint32_t dsack_high = sk->rcv_nxt;

    while (sk->ofo.first && !after(sk->ofo.first->seq, sk->rcv_nxt)) {
        struct skb *s = queue_take(&sk->ofo, NULL);
        bool fin = s->tcp_flags & TCP_FIN;

        if (before(s->seq, dsack_high)) {
            uint32_t high = dsack_high;

            if (before(s->end_seq, dsack_high))
                dsack_high = s->end_seq;
            dsack_extend(sk, s->seq, high);
        }
        sk->out->ofo = true;
        if (!after(s->end_seq, sk->rcv_nxt)) {
            drop_charged(sk, s, FATE_TCP_OLD_DATA);     /* the kernel's reason is TCP_OFO_DROP */
            continue;
        }
        tcp_queue_tail(sk, s, true);
        if (fin) {
            tcp_fin(sk);
            return;
        }
    }
}

/* ---- pressure ---- */

static struct skb *queue_before(const struct skb_queue *q, const struct skb *s)
{
    struct skb *prev = NULL;

    for (struct skb *i = q->first; i != s; i = i->next)
        prev = i;
    return prev;
}

/* Drops out-of-order skbs from the tail, an eighth of the buffer at a time, until `len` more fits. */
static bool prune_ofo_queue(struct tcp_sock *sk, uint32_t seq, int64_t len)
{
    int64_t goal = sk->rcvbuf >> 3;
    bool pruned = false;

    while (sk->ofo.last) {
        struct skb *last = sk->ofo.last;

        if (sk->params->prune_keeps_older && after(seq, last->seq))
            break;
        goal -= last->truesize;
        drop_charged(sk, queue_take(&sk->ofo, queue_before(&sk->ofo, last)), FATE_TCP_OFO_QUEUE_PRUNE);
        pruned = true;
        if (goal <= 0) {
            if (tcp_can_ingest(sk, len))
                break;
            goal = sk->rcvbuf >> 3;
        }
    }
    if (pruned) {
        sk->counters->OfoPruned++;
        sk->num_sacks = 0;
        sk->dsack = false;
    }
    return pruned;
}

/* tcp_clamp_window(): an autotuned buffer gives way, a fixed one makes the window shut. */
static void clamp_window(struct tcp_sock *sk)
{
    sk->quick = 0;
    if (sk->rcvbuf < sk->params->rmem_max && !sk->rcvbuf_locked)
        sk->rcvbuf = min64(sk->rmem_alloc, sk->params->rmem_max);
    if (sk->rmem_alloc > sk->rcvbuf)
        sk->rcv_ssthresh = min64(sk->window_clamp, 2 * sk->advmss);
}

/* An skb of `bytes` as alloc_skb() makes it: heads come in powers of two, small ones in a size of their own. */
static struct skb *alloc_collapsed(struct tcp_sock *sk, const struct skb *model, uint32_t start, int64_t bytes)
{
    struct skb *s = sk->ops->skb_alloc(sk->ops->user);
    int64_t head = ((bytes + 63) & ~INT64_C(63)) + SHARED_INFO_BYTES, size = SMALL_HEAD_BYTES;

    for (; size < head; size = size == SMALL_HEAD_BYTES ? 1024 : size * 2)
        continue;
    *s = *model;
    s->next = NULL;
    s->first = s->last = NULL;
    s->frames = 0;
    s->len = 0;
    s->data = s->tail = 0;
    s->end = (int16_t)(size - SHARED_INFO_BYTES);
    s->head_frag = s->has_frag_list = s->frags = s->from_ring = 0;
    s->page = NULL;                     /* a head of its own, not one more of the model's page */
    s->truesize = (int32_t)(size + TCP_SKB_STRUCT_BYTES);
    s->seq = s->end_seq = start;
    tcp_charge(sk, s->truesize);
    return s;
}

/* Frees an skb whose bytes have been copied, or were there already. */
static void collapse_one(struct tcp_sock *sk, struct skb *s)
{
    sk->counters->TCPRcvCollapsed++;
    drop_charged(sk, s, FATE_TCP_OLD_DATA);
}

static bool starts_or_ends(const struct skb *s)
{
    return s->tcp_flags & (TCP_SYN | TCP_FIN);
}

/* Copies from the skbs behind `prev`, up to but not including `tail`, into new skbs of a page; stops early at a FIN.
 * Returns the last skb made. */
static struct skb *collapse_copy(struct tcp_sock *sk, struct skb_queue *q, struct skb *prev, const struct skb *tail,
                                 uint32_t start, uint32_t end)
{
    struct skb *s = prev ? prev->next : q->first;

    while (before(start, end) && s && s != tail && !starts_or_ends(s)) {
        int64_t room = min64(COLLAPSE_BYTES, (int32_t)(end - start));
        struct skb *into = alloc_collapsed(sk, s, start, room);

        queue_insert(q, prev, into);
        while (room > 0 && s && s != tail && !starts_or_ends(s)) {
            uint32_t stop = s->end_seq;
            int64_t size = min64(room, (int32_t)(stop - start));

            assert(!before(start, s->seq));
            tcp_end_old_frames(sk, s, start);
            if (size > 0) {
                into->len += (int32_t)size;
                into->tail = (int16_t)(into->tail + size);
                into->end_seq += (uint32_t)size;
                start += (uint32_t)size;
                room -= size;
                sk->out->collapsed_bytes += size;
            }
            tcp_move_frames(into, s, into->end_seq);
            if (before(start, stop))
                break;
            s = s->next;
            collapse_one(sk, queue_take(q, into));
        }
        prev = into;
    }
    return prev;
}

/* tcp_collapse(): [start, end) of the queue behind `prev` up to `tail` is copied into full pages, from the first skb
 * on whose memory is more than its share or that overlaps a neighbour. Returns the skb before `tail`. */
static struct skb *collapse(struct tcp_sock *sk, struct skb_queue *q, struct skb *prev, const struct skb *tail,
                            uint32_t start, uint32_t end)
{
    struct skb *s = prev ? prev->next : q->first;

    while (s && s != tail) {
        struct skb *n = s->next;

        if (!before(start, s->end_seq)) {
            collapse_one(sk, queue_take(q, prev));
            s = n;
            continue;
        }
        if (!starts_or_ends(s) && (tcp_win_from_space(sk, s->truesize) > s->len || before(s->seq, start)))
            break;
        if (n && n != tail && s->end_seq != n->seq)
            break;
        start = s->end_seq;
        prev = s;
        s = n;
    }
    if (s && s != tail && !starts_or_ends(s))
        prev = collapse_copy(sk, q, prev, tail, start, end);
    while ((prev ? prev->next : q->first) != tail)
        prev = prev ? prev->next : q->first;
    return prev;
}

/* Collapses each range without a gap, unless it is a single small skb; gives up when many of these were seen. */
static void collapse_ofo_queue(struct tcp_sock *sk)
{
    struct skb *prev = NULL;
    int64_t tiny = 0;

    while ((prev ? prev->next : sk->ofo.first)) {
        struct skb *head = prev ? prev->next : sk->ofo.first, *s = head, *last = NULL;
        uint32_t start = head->seq, end = head->end_seq;
        int64_t truesize = 0;

        for (; s && !after(s->seq, end) && !before(s->end_seq, start); last = s, s = s->next) {
            truesize += s->truesize;
            if (after(s->end_seq, end))
                end = s->end_seq;
        }
        if (truesize != head->truesize || (int32_t)(end - start) >= COLLAPSE_BYTES) {
            prev = collapse(sk, &sk->ofo, prev, s, start, end);
        } else {
            tiny += truesize;
            if (tiny > sk->rcvbuf >> 3)
                return;
            prev = last;
        }
    }
}

/* Makes room for `len` bytes that begin at `seq`; false if it could not. */
bool tcp_prune_queue(struct tcp_sock *sk, uint32_t seq, int64_t len)
{
    sk->counters->PruneCalled++;
    if (sk->rmem_alloc >= sk->rcvbuf || !tcp_can_ingest(sk, len))
        clamp_window(sk);
    if (tcp_can_ingest(sk, len))
        return true;
    collapse_ofo_queue(sk);
    if (sk->receive.first)
        collapse(sk, &sk->receive, NULL, NULL, sk->copied_seq, sk->rcv_nxt);
    if (tcp_can_ingest(sk, len))
        return true;
    prune_ofo_queue(sk, seq, len);
    if (tcp_can_ingest(sk, len))
        return true;
    sk->counters->RcvPruned++;
    sk->pred_on = false;
    return false;
}
