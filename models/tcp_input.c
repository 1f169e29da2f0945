/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A segment arrives: net/ipv4/tcp_input.c. */
#include "models/tcp_private.h"

#include <assert.h>

enum { MSS_DEFAULT = 536, MSS_MIN = 88 };    /* TCP_MSS_DEFAULT, TCP_MIN_MSS */

/* ---- estimates: segment size, round trip, buffer ---- */

static void set_window_clamp(struct tcp_sock *sk, int64_t value)
{
    int64_t old = sk->window_clamp;

    sk->window_clamp = max64(TCP_MIN_TRUESIZE / 2, value);
    if (sk->window_clamp < old)
        sk->rcv_ssthresh = min64(sk->rcv_ssthresh, sk->window_clamp);
    else if (sk->window_clamp > old)
        sk->rcv_ssthresh = max64(sk->rcv_ssthresh, min64(sk->rcv_wnd, sk->window_clamp));
}

/* A new segment size is also a new share of payload in memory. */
static void measure_scaling_ratio(struct tcp_sock *sk, const struct tcp_seg *seg)
{
    int64_t ratio = ((int64_t)seg->len << TCP_RATIO_SHIFT) / seg->truesize, old = sk->scaling_ratio;

    sk->scaling_ratio = ratio > 255 ? 255 : ratio > 0 ? ratio : 1;      /* one byte in the kernel */
    if (old == sk->scaling_ratio)
        return;
    set_window_clamp(sk, tcp_full_space(sk));
    sk->space = min64(sk->space, sk->window_clamp);
}

/* A segment that is not of full size: two of equal length in a row are a new full size. Short segments without PSH
 * count only above the least MSS, others only above the default one. */
static void measure_small_mss(struct tcp_sock *sk, const struct tcp_seg *seg, int32_t last)
{
    int32_t len = seg->mss + seg->header;

    if (len >= MSS_DEFAULT + 20 ||
        (len >= MSS_MIN + 20 && !(seg->flags & (TCP_FIN | TCP_URG | TCP_SYN | TCP_PSH)))) {
        len -= sk->header_len;
        sk->last_seg_size = len;
        if (len == last) {
            sk->rcv_mss = len;
            return;
        }
    }
    if (sk->pending & ICSK_ACK_PUSHED)
        sk->pending |= ICSK_ACK_PUSHED2;
    sk->pending |= ICSK_ACK_PUSHED;
}

void tcp_measure_rcv_mss(struct tcp_sock *sk, const struct tcp_seg *seg)
{
    int32_t last = sk->last_seg_size;

    sk->last_seg_size = 0;
    if (seg->mss < sk->rcv_mss) {
        measure_small_mss(sk, seg, last);
        return;
    }
    if (seg->mss != sk->rcv_mss && sk->params->scaling_ratio)
        measure_scaling_ratio(sk, seg);
    sk->rcv_mss = seg->mss < sk->advmss ? seg->mss : sk->advmss;
    if (sk->params->push_full_size && seg->flags & TCP_PSH)
        sk->pending |= ICSK_ACK_PUSHED;
}

/* Lets the window grow only as fast as the buffer could hold such segments. */
static int64_t window_increment(const struct tcp_sock *sk, int32_t len, int32_t skb_truesize)
{
    int64_t truesize = tcp_win_from_space(sk, skb_truesize);
    int64_t window = tcp_win_from_space(sk, sk->params->rmem_max) >> 1;

    if (truesize <= len)
        return 2 * sk->advmss;
    for (truesize >>= 1; sk->rcv_ssthresh <= window; truesize >>= 1, window >>= 1)
        if (truesize <= len)
            return 2 * sk->rcv_mss;
    return 0;
}

void tcp_grow_window(struct tcp_sock *sk, int32_t len, int32_t truesize)
{
    int64_t room = min64(sk->window_clamp, tcp_space(sk)) - sk->rcv_ssthresh;

    if (room <= 0)
        return;

    int64_t more = window_increment(sk, len, truesize);
    if (more) {
        sk->rcv_ssthresh += min64(room, max64(more, 2 * (int64_t)len));
        sk->quick |= 1;
    }
}

/* `by_window`: a window's worth of data took so long; it may have been the sender that was slow. */
static void rcv_rtt_update(struct tcp_sock *sk, int64_t sample, bool by_window)
{
    int64_t old = sk->rcv_rtt_us8, sample8 = sample << 3;

    if (old == 0)
        sk->rcv_rtt_us8 = sample8;
    else if (by_window || (sk->params->rcv_rtt_min && sample8 < old))
        sk->rcv_rtt_us8 = min64(old, sample8);
    else if (!sk->params->rcv_rtt_min || sk->rcv_nxt == sk->copied_seq)
        sk->rcv_rtt_us8 = old - (old >> 3) + sample;
}

static void rcv_rtt_measure(struct tcp_sock *sk)
{
    if (sk->rcv_rtt_time) {
        if (before(sk->rcv_nxt, sk->rcv_rtt_seq))
            return;
        rcv_rtt_update(sk, max64(1, tcp_us(sk) - sk->rcv_rtt_time), true);
    }
    sk->rcv_rtt_seq = sk->rcv_nxt + (uint32_t)sk->rcv_wnd;
    sk->rcv_rtt_time = max64(1, tcp_us(sk));
}

static void rcv_rtt_measure_ts(struct tcp_sock *sk, const struct skb *s)
{
    if (!sk->tstamp_ok || !tcp_saw_tstamp(s) || s->tsecr == sk->rcv_rtt_last_tsecr)
        return;
    sk->rcv_rtt_last_tsecr = s->tsecr;
    if (s->end_seq - s->seq < (uint32_t)sk->rcv_mss)
        return;

    int32_t delta = (int32_t)(tcp_tsval(sk) - s->tsecr);
    if (delta == 0 && !sk->params->rcv_rtt_min)
        delta = 1;
    if (delta > 0 && delta < INT32_MAX / 1000)
        rcv_rtt_update(sk, (int64_t)delta * 1000, false);
}

/* The window that a reader of `copied` bytes a round trip should have. */
static int64_t rcvbuf_window(const struct tcp_sock *sk, int64_t copied, int64_t old)
{
    int64_t window = 2 * copied, rtt = sk->rcv_rtt_us8 >> 3, low = sk->params->rcvbuf_low_rtt / US;

    if (sk->params->drs == TCP_DRS_CUSHION)
        window += 16 * sk->advmss;
    if (rtt < low)
        return window + window * rtt / low;
    return window + 2 * (window * (copied - old) / old);
}

void tcp_rcvbuf_grow(struct tcp_sock *sk, int64_t copied)
{
    int64_t old = sk->space;

    sk->space = copied;
    if (!sk->params->moderate_rcvbuf || sk->rcvbuf_locked)
        return;

    int64_t window = rcvbuf_window(sk, copied, old);
    if (sk->params->ofo_drs && sk->ofo.last)
        window += sk->ofo.last->end_seq - sk->rcv_nxt;

    int64_t rcvbuf = min64(tcp_space_from_win(sk, window), sk->params->rmem_max);
    if (rcvbuf > sk->rcvbuf) {
        sk->rcvbuf = rcvbuf;
        sk->window_clamp = tcp_win_from_space(sk, rcvbuf);
    }
}

/* Dynamic right-sizing: once a round trip, how much did the reader take? */
void tcp_rcv_space_adjust(struct tcp_sock *sk)
{
    if (sk->rcv_rtt_us8 == 0 || tcp_us(sk) - sk->space_time < sk->rcv_rtt_us8 >> 3)
        return;

    int64_t copied = sk->copied_seq - sk->space_seq;
    if (sk->params->drs == TCP_DRS_QUEUED)
        copied -= sk->rcv_nxt - sk->copied_seq;
    if (copied > sk->space)
        tcp_rcvbuf_grow(sk, copied);
    sk->space_seq = sk->copied_seq;
    sk->space_time = tcp_us(sk);
}

/* A CE mark is echoed until the sender has answered it; ACKs should not be late meanwhile. */
void tcp_data_ecn_check(struct tcp_sock *sk, uint8_t tos)
{
    enum { NOT_ECT = 0, CE = 3, ECN_QUICKACKS = 2 };

    if (!sk->ecn_ok)
        return;
    switch (tos & 3) {
    case NOT_ECT:
        if (sk->ecn_seen)
            tcp_enter_quickack_mode(sk, ECN_QUICKACKS);
        return;
    case CE:
        if (!sk->demand_cwr)
            tcp_enter_quickack_mode(sk, ECN_QUICKACKS);
        sk->demand_cwr = true;
        break;
    default:
        break;
    }
    sk->ecn_seen = true;
}

static void update_ato(struct tcp_sock *sk)
{
    int64_t now = tcp_jiffies(sk), gap = now - sk->lrcvtime, least = tcp_ato_min(sk);

    if (!sk->ato) {             /* the first data */
        tcp_incr_quickack(sk, TCP_MAX_QUICKACKS);
        sk->ato = least;
    } else if (gap <= least / 2) {
        sk->ato = (sk->ato >> 1) + least / 2;
    } else if (gap < sk->ato) {
        sk->ato = min64(min64((sk->ato >> 1) + gap, sk->rto), tcp_delack_max(sk));
    } else if (gap > sk->rto) { /* the sender may have restarted with a small window */
        tcp_incr_quickack(sk, TCP_MAX_QUICKACKS);
    }
    sk->lrcvtime = now;
}

static void event_data_recv(struct tcp_sock *sk, const struct tcp_seg *seg)
{
    sk->pending |= ICSK_ACK_SCHED;
    tcp_measure_rcv_mss(sk, seg);
    rcv_rtt_measure(sk);
    update_ato(sk);
    tcp_data_ecn_check(sk, seg->tos);
    if (seg->len >= 128)
        tcp_grow_window(sk, seg->len, seg->truesize);
}

/* ---- a segment arrives ---- */

enum fate tcp_segment_check(struct tcp_counters *c, const struct skb *s)
{
    c->InSegs++;
    if (!(s->bad & FRAME_BAD_L4_CSUM))
        return FATE_IN_FLIGHT;
    c->InCsumErrors++;
    c->InErrs++;
    return FATE_TCP_CSUM;
}

void tcp_fast_path_check(struct tcp_sock *sk)
{
    if (!sk->ofo.first && sk->rcv_wnd && sk->rmem_alloc < sk->rcvbuf)
        sk->pred_on = true;
}

bool tcp_epollin_ready(const struct tcp_sock *sk, int64_t unread)
{
    return unread >= sk->rcvlowat || sk->rmem_alloc > sk->rcvbuf - (sk->rcvbuf >> 3) || tcp_receive_window(sk) <= sk->rcv_mss;
}

/* sk_data_ready() is worth calling: enough is there, or the sender will not send more. */
static void data_ready(struct tcp_sock *sk)
{
    int64_t unread = (int32_t)(sk->rcv_nxt - sk->copied_seq);

    if (sk->state != TCP_ESTABLISHED || (unread > 0 && tcp_epollin_ready(sk, unread)))
        sk->out->data_ready = true;
}

void tcp_fin(struct tcp_sock *sk)
{
    sk->pending |= ICSK_ACK_SCHED;
    sk->state = TCP_CLOSE_WAIT;
    sk->pingpong = sk->params->pingpong_thresh;
    tcp_ofo_purge(sk, FATE_TCP_OFO_QUEUE_PRUNE);
    sk->num_sacks = 0;
    sk->dsack = false;
    sk->out->data_ready = true;
}

/* RFC 7323: the timestamp to echo is that of the segment which reaches the last ACK sent. */
static void replace_ts_recent(struct tcp_sock *sk, const struct skb *s)
{
    if (sk->tstamp_ok && tcp_saw_tstamp(s) && !after(s->seq, sk->rcv_wup) &&
        (int32_t)(s->tsval - sk->ts_recent) >= 0)
        sk->ts_recent = s->tsval;
}

/* tcp_ack(), as far as a receiver cares. */
static void take_ack(struct tcp_sock *sk, const struct skb *s, bool fast)
{
    bool advances = after(s->ack, sk->snd_una);

    if (!(s->tcp_flags & TCP_ACK) || before(s->ack, sk->snd_una))
        return;
    if (fast && advances)
        sk->counters->TCPHPAcks++;
    else if (s->seq == s->end_seq)
        sk->counters->TCPPureAcks++;
    if (advances) {
        sk->snd_una = s->ack;
        if (after(s->ack, sk->snd_nxt))
            sk->snd_nxt = s->ack;
    }
    if (!fast && s->window != sk->snd_wnd && !before(s->seq, sk->snd_wl1)) {
        sk->snd_wnd = s->window;
        sk->pred_on = false;
        tcp_fast_path_check(sk);
    }
    sk->snd_wl1 = s->seq;
}

/* Header prediction: everything about the segment is what the last ones lead to expect. */
static bool predicted(const struct tcp_sock *sk, const struct skb *s)
{
    if (sk->state != TCP_ESTABLISHED || !sk->pred_on || (s->tcp_flags & ~TCP_PSH) != TCP_ACK ||
        s->window != sk->snd_wnd || s->seq != sk->rcv_nxt || (s->header_len && s->header_len != sk->header_len))
        return false;
    if (sk->tstamp_ok)
        return tcp_saw_tstamp(s) && (int32_t)(s->tsval - sk->ts_recent) >= 0;
    return true;
}

static struct tcp_seg seg_of(const struct tcp_sock *sk, const struct skb *s)
{
    return (struct tcp_seg){ .seq = s->seq, .end_seq = s->end_seq, .len = s->len,
                             .mss = s->gso_size ? s->gso_size : s->len, .truesize = s->truesize,
                             .header = s->header_len ? s->header_len : sk->header_len,
                             .flags = s->tcp_flags, .tos = s->tos };
}

static void rcv_fast_ack(struct tcp_sock *sk, struct skb *s)
{
    if (sk->rcv_nxt == sk->rcv_wup)
        replace_ts_recent(sk, s);
    take_ack(sk, s, true);
    if (sk->tstamp_ok)
        sk->rcv_rtt_last_tsecr = s->tsecr;
    tcp_drop(sk, s, FATE_TCP_PURE_ACK);
}

static void rcv_fast_data(struct tcp_sock *sk, struct skb *s)
{
    struct tcp_seg seg = seg_of(sk, s);

    if (sk->rcv_nxt == sk->rcv_wup)
        replace_ts_recent(sk, s);
    rcv_rtt_measure_ts(sk, s);
    sk->counters->TCPHPHits++;
    if (s->ack != sk->snd_una)
        take_ack(sk, s, true);
    else
        sk->snd_wl1 = s->seq;
    tcp_queue_tail(sk, s, false);
    event_data_recv(sk, &seg);
    tcp_ack_snd_check(sk, false);
    data_ready(sk);
}

/* In the window, or overlapping its left edge (tcp_data_queue, label queue_and_out). */
static void queue_in_order(struct tcp_sock *sk, struct skb *s)
{
    struct tcp_seg seg = seg_of(sk, s);
    bool forced = !sk->params->nomem_zero_window && !sk->receive.first;

    if (!forced && tcp_try_rmem_schedule(sk, &seg) < 0) {
        sk->out->data_ready = true;
        if (sk->params->nomem_zero_window)
            sk->pending |= ICSK_ACK_NOMEM | ICSK_ACK_NOW | ICSK_ACK_SCHED;
        if (sk->receive.first && s->len > 0) {
            sk->counters->TCPRcvQDrop++;
            tcp_drop(sk, s, FATE_PROTO_MEM);
            return;
        }
    }
    tcp_rmem_schedule(sk, seg.truesize);
    tcp_queue_tail(sk, s, false);
    if (seg.len > 0)
        event_data_recv(sk, &seg);
    if (seg.flags & TCP_FIN)
        tcp_fin(sk);
    if (sk->ofo.first) {
        tcp_ofo_queue(sk);
        if (!sk->ofo.first)
            sk->pending |= ICSK_ACK_NOW;    /* RFC 5681: a filled gap is acknowledged at once */
    }
    if (sk->num_sacks)
        tcp_sack_remove(sk);
    tcp_fast_path_check(sk);
    data_ready(sk);
}

static void drop_out_of_window(struct tcp_sock *sk, struct skb *s, enum fate fate)
{
    tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
    sk->pending |= ICSK_ACK_SCHED;
    tcp_drop(sk, s, fate);
}

static void data_queue(struct tcp_sock *sk, struct skb *s)
{
    int64_t window = tcp_receive_window(sk);

    if (s->tcp_flags & TCP_CWR) {
        sk->demand_cwr = false;
        if (s->len > 0)
            sk->pending |= ICSK_ACK_NOW;
    }
    sk->dsack = false;
    if (s->seq == sk->rcv_nxt) {
        if (window == 0 && !(s->len == 0 && s->tcp_flags & TCP_FIN)) {
            sk->counters->TCPZeroWindowDrop++;
            drop_out_of_window(sk, s, FATE_TCP_ZEROWINDOW);
            return;
        }
        queue_in_order(sk, s);
    } else if (!after(s->end_seq, sk->rcv_nxt)) {
        sk->counters->DelayedACKLost++;
        tcp_dsack_set(sk, s->seq, s->end_seq);
        drop_out_of_window(sk, s, s->len > 0 ? FATE_TCP_OLD_DATA : FATE_TCP_CONTROL);
    } else if (!before(s->seq, sk->rcv_nxt + (uint32_t)window)) {
        drop_out_of_window(sk, s, FATE_TCP_OVERWINDOW);
    } else if (before(s->seq, sk->rcv_nxt)) {
        tcp_dsack_set(sk, s->seq, sk->rcv_nxt);
        if (window == 0) {
            sk->counters->TCPZeroWindowDrop++;
            drop_out_of_window(sk, s, FATE_TCP_ZEROWINDOW);
            return;
        }
        queue_in_order(sk, s);
    } else {
        tcp_data_queue_ofo(sk, s);
    }
}

/* PAWS: a timestamp more than one tick older than the last in order. A bare ACK that was overtaken is let through
 * if it changes nothing and is not older than a retransmission timeout (tcp_disordered_ack). */
static bool paws_discard(const struct tcp_sock *sk, const struct skb *s)
{
    int32_t older = (int32_t)(sk->ts_recent - s->tsval);

    if (!sk->tstamp_ok || !tcp_saw_tstamp(s) || older <= 1 || sk->ts_recent == 0)
        return false;

    bool disordered = s->tcp_flags & TCP_ACK && s->seq == s->end_seq && s->seq == sk->rcv_nxt &&
                      s->ack == sk->snd_una && s->window == sk->snd_wnd &&
                      older <= sk->rto * sk->jiffy / MS * 1200 / 1000;
    return !disordered;
}

enum acceptance { ACCEPTED, TOO_OLD, BEYOND };

static enum acceptance acceptable(const struct tcp_sock *sk, const struct skb *s)
{
    uint32_t edge = sk->rcv_nxt + (uint32_t)tcp_receive_window(sk);

    if (before(s->end_seq, sk->rcv_wup))
        return TOO_OLD;
    if (after(s->seq, edge))
        return BEYOND;
    if (sk->params->beyond_window && after(s->end_seq, edge) && sk->receive.first)
        return BEYOND;
    return ACCEPTED;
}

static void reset(struct tcp_sock *sk)
{
    sk->state = TCP_CLOSE;
    sk->counters->EstabResets++;
    sk->delack_at = sk->compressed_at = PS_NEVER;
    sk->out->data_ready = true;
}

/* The kernel also resets at the right edge of a SACK block, for peers that lost our last ACK. */
static bool exact_reset(const struct tcp_sock *sk, uint32_t seq)
{
    uint32_t most = sk->rcv_nxt;

    for (int i = 0; i < sk->num_sacks; i++)
        if (after(sk->sacks[i].end, most))
            most = sk->sacks[i].end;
    return seq == sk->rcv_nxt || seq == most;
}

/* tcp_validate_incoming(): ends the skb and returns false if it is not to be processed. */
static bool validate(struct tcp_sock *sk, struct skb *s)
{
    bool rst = s->tcp_flags & TCP_RST, syn = s->tcp_flags & TCP_SYN;
    enum fate fate = s->len > 0 ? FATE_TCP_INVALID_SEQUENCE : FATE_TCP_CONTROL;

    if (paws_discard(sk, s) && !rst && !syn) {
        sk->counters->PAWSEstab++;
        if (!tcp_oow_rate_limited(sk, s, &sk->counters->TCPACKSkippedPAWS))
            tcp_send_dupack(sk, s);
        tcp_drop(sk, s, FATE_TCP_RFC7323_PAWS);
        return false;
    }

    enum acceptance a = acceptable(sk, s);
    if (a != ACCEPTED && !rst && !syn) {
        sk->counters->BeyondWindow += a == BEYOND && sk->params->beyond_window;  /* the counter came with the rule, 6.17 */
        if (!tcp_oow_rate_limited(sk, s, &sk->counters->TCPACKSkippedSeq))
            tcp_send_dupack(sk, s);
        tcp_drop(sk, s, a == TOO_OLD && s->len > 0 ? FATE_TCP_OLD_DATA : FATE_TCP_INVALID_SEQUENCE);
        return false;
    }
    if (rst) {
        if (a == ACCEPTED && exact_reset(sk, s->seq))
            reset(sk);
        else if (a == ACCEPTED)
            tcp_send_challenge_ack(sk);
        tcp_drop(sk, s, fate);
        return false;
    }
    if (syn) {
        sk->counters->TCPSYNChallenge++;
        sk->counters->InErrs++;
        tcp_send_challenge_ack(sk);
        tcp_drop(sk, s, fate);
        return false;
    }
    return true;
}

/* After the peer's FIN nothing new may come; an old segment is answered as ever. */
static void rcv_close_wait(struct tcp_sock *sk, struct skb *s)
{
    uint32_t data_end = s->end_seq - (s->tcp_flags & TCP_FIN ? 1 : 0);

    if (!before(s->seq, sk->rcv_nxt)) {
        tcp_drop(sk, s, s->len > 0 ? FATE_TCP_CLOSE : s->seq == s->end_seq ? FATE_TCP_PURE_ACK : FATE_TCP_CONTROL);
    } else if (s->end_seq != s->seq && after(data_end, sk->rcv_nxt)) {
        sk->counters->TCPAbortOnData++;
        reset(sk);
        tcp_drop(sk, s, FATE_TCP_CLOSE);
    } else {
        data_queue(sk, s);
    }
}

/* From label step5 on. */
static void rcv_slow(struct tcp_sock *sk, struct skb *s)
{
    replace_ts_recent(sk, s);
    take_ack(sk, s, false);
    rcv_rtt_measure_ts(sk, s);
    if (sk->state == TCP_CLOSE_WAIT)
        rcv_close_wait(sk, s);
    else if (s->seq == s->end_seq)
        tcp_drop(sk, s, FATE_TCP_PURE_ACK);
    else
        data_queue(sk, s);
    if (sk->state != TCP_CLOSE && tcp_ack_scheduled(sk))
        tcp_ack_snd_check(sk, true);
}

void tcp_rcv(struct tcp_sock *sk, struct skb *s, ps_t now, struct tcp_out *out)
{
    tcp_enter(sk, now, out);
    assert((uint32_t)s->len == s->end_seq - s->seq - (s->tcp_flags & TCP_FIN ? 1 : 0) -
                               (s->tcp_flags & TCP_SYN ? 1 : 0));
    if (sk->state == TCP_CLOSE) {
        tcp_drop(sk, s, FATE_TCP_CLOSE);
        return;
    }
    if (predicted(sk, s)) {
        if (s->len == 0) {
            out->fast_path = true;
            rcv_fast_ack(sk, s);
        } else if (s->truesize <= sk->forward_alloc) {
            out->fast_path = true;
            rcv_fast_data(sk, s);
        } else {
            rcv_slow(sk, s);
        }
        return;
    }
    if (!(s->tcp_flags & (TCP_ACK | TCP_RST | TCP_SYN)))
        tcp_drop(sk, s, FATE_TCP_INVALID_SEQUENCE);     /* the kernel's reason is TCP_FLAGS */
    else if (validate(sk, s))
        rcv_slow(sk, s);
}

