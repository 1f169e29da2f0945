/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tcp_private.h"

#include <assert.h>
#include <string.h>

#include "models/host_config.h"

/* ---- parameters and counters ---- */

static const char *const drs_names[] = { "cushion", "queued", NULL };

static const struct param tcp_param_rows[] = {
    PARAM(struct tcp_params, rmem_min, "net.ipv4.tcp_rmem.min", UNIT_BYTES, 4096, 1, 1 << 30,
          "receive buffer a socket keeps under memory pressure (which is not modelled)", "Linux 6.12 default"),
    PARAM(struct tcp_params, rmem_default, "net.ipv4.tcp_rmem.default", UNIT_BYTES, 131072, 1, 1 << 30,
          "receive buffer of a new socket without SO_RCVBUF; half of it is the first window", "Linux 6.12 default"),
    PARAM(struct tcp_params, rmem_max, "net.ipv4.tcp_rmem.max", UNIT_BYTES, 6291456, 1, 1 << 30,
          "largest receive buffer autotuning may choose; bounds the window and sets its scale",
          "Linux 6.12 default with 768 MiB or more; 6.16 and later 33554432"),
    PARAM(struct tcp_params, adv_win_scale, "net.ipv4.tcp_adv_win_scale", UNIT_COUNT, 1, -31, 31,
          "share of the buffer kept for overhead, 1/2^n; read only without kernel.tcp.scaling_ratio",
          "Linux default; ignored since 6.6"),
    PARAM(struct tcp_params, app_win, "net.ipv4.tcp_app_win", UNIT_COUNT, 31, 0, 31,
          "window kept back for the application, 1/2^n", "Linux default"),
    PARAM_SWITCH(struct tcp_params, moderate_rcvbuf, "net.ipv4.tcp_moderate_rcvbuf", 1,
                 "receive buffers grow with the reader's rate", "Linux default"),
    PARAM(struct tcp_params, rcvbuf_low_rtt, "net.ipv4.tcp_rcvbuf_low_rtt", UNIT_TIME, 0, 0, SEC,
          "below this round trip the buffer grows more slowly; 0 is off",
          "absent in 6.12; 1 ms in 6.19: net/ipv4/tcp_input.c tcp_rcvbuf_grow"),
    PARAM_SWITCH(struct tcp_params, sack, "net.ipv4.tcp_sack", 1, "selective acknowledgments", "Linux default"),
    PARAM_SWITCH(struct tcp_params, dsack, "net.ipv4.tcp_dsack", 1, "duplicates are reported by D-SACK",
                 "Linux default"),
    PARAM_SWITCH(struct tcp_params, timestamps, "net.ipv4.tcp_timestamps", 1,
                 "RFC 7323 timestamps if the peer offers them; 12 bytes less payload a segment", "Linux default"),
    PARAM_SWITCH(struct tcp_params, window_scaling, "net.ipv4.tcp_window_scaling", 1,
                 "windows above 64 KiB", "Linux default"),
    PARAM(struct tcp_params, comp_sack_delay, "net.ipv4.tcp_comp_sack_delay_ns", UNIT_TIME, MS, 0, SEC,
          "longest time a duplicate ACK is held to be compressed", "Linux default"),
    PARAM(struct tcp_params, comp_sack_slack, "net.ipv4.tcp_comp_sack_slack_ns", UNIT_TIME, 100 * US, 0, SEC,
          "timer slack added to that time; here always used in full", "Linux 6.12 default; 10 us in 6.19"),
    PARAM(struct tcp_params, comp_sack_nr, "net.ipv4.tcp_comp_sack_nr", UNIT_COUNT, 44, 0, 255,
          "most duplicate ACKs compressed into one; 0 is off", "Linux default"),
    PARAM(struct tcp_params, comp_sack_rtt_percent, "net.ipv4.tcp_comp_sack_rtt_percent", UNIT_COUNT, 5, 1, 1000,
          "time a duplicate ACK is held, of the round trip", "fixed at 5 in 6.12; a sysctl of default 33 in 6.19"),
    PARAM_SWITCH(struct tcp_params, backlog_ack_defer, "net.ipv4.tcp_backlog_ack_defer", 1,
                 "one ACK for all segments of a backlog", "Linux 6.6 and later; set 0 for older kernels"),
    PARAM(struct tcp_params, pingpong_thresh, "net.ipv4.tcp_pingpong_thresh", UNIT_COUNT, 1, 1, 255,
          "replies after which ACKs wait for the next reply", "Linux 6.12 default"),
    PARAM(struct tcp_params, invalid_ratelimit, "net.ipv4.tcp_invalid_ratelimit", UNIT_TIME, 500 * MS, 0, 3600 * SEC,
          "least distance of two ACKs for segments that are not acceptable", "Linux default"),
    PARAM(struct tcp_params, rto_min, "net.ipv4.tcp_rto_min_us", UNIT_TIME, 200 * MS, MS, 120 * SEC,
          "least retransmission timeout; a delayed ACK stays one tick below it", "Linux default"),
    PARAM_SWITCH(struct tcp_params, scaling_ratio, "kernel.tcp.scaling_ratio", 1,
                 "the window per buffer byte is measured, len / truesize; off: by tcp_adv_win_scale",
                 "include/net/tcp.h tcp_win_from_space, 6.6 and later"),
    PARAM_SWITCH(struct tcp_params, rcvbuf_counts_len, "kernel.tcp.rcvbuf_counts_len", 0,
                 "the buffer test counts the length of the arriving segment",
                 "net/ipv4/tcp_input.c tcp_can_ingest, 6.18 and later"),
    PARAM_SWITCH(struct tcp_params, beyond_window, "kernel.tcp.beyond_window", 0,
                 "a segment that ends beyond the window is refused while unread data is queued",
                 "net/ipv4/tcp_input.c tcp_sequence, 6.18 and later"),
    PARAM_SWITCH(struct tcp_params, nomem_zero_window, "kernel.tcp.nomem_zero_window", 1,
                 "a segment without room closes the window; off: an empty queue skips the test",
                 "net/ipv4/tcp_input.c tcp_data_queue, 6.6 and later"),
    PARAM_CHOICE(struct tcp_params, drs, "kernel.tcp.rcvbuf_growth", TCP_DRS_CUSHION, drs_names,
                 "buffer for a new rate: cushion adds 16 segments, queued leaves out what is not yet read",
                 "net/ipv4/tcp_input.c tcp_rcv_space_adjust: cushion to 6.15, queued from 6.18"),
    PARAM_SWITCH(struct tcp_params, ofo_drs, "kernel.tcp.ofo_grows_rcvbuf", 0,
                 "the span of the out-of-order queue adds to the buffer",
                 "net/ipv4/tcp_input.c tcp_rcvbuf_grow, 6.16 and later"),
    PARAM_SWITCH(struct tcp_params, ofo_rcv_mss, "kernel.tcp.ofo_measures_mss", 0,
                 "out-of-order segments take part in the estimate of the peer's segment size",
                 "net/ipv4/tcp_input.c tcp_data_queue_ofo, 6.16 and later"),
    PARAM_SWITCH(struct tcp_params, rcv_rtt_min, "kernel.tcp.rcv_rtt_min", 0,
                 "the receiver's round trip follows a smaller sample at once, and none while data is unread",
                 "net/ipv4/tcp_input.c tcp_rcv_rtt_update, 6.16 and later"),
    PARAM_SWITCH(struct tcp_params, page_reclaim, "kernel.tcp.page_reclaim", 1,
                 "read memory is given back page by page, so header prediction often lacks it; off: above 2 MiB",
                 "include/net/sock.h sk_mem_uncharge, 6.0 and later"),
    PARAM_SWITCH(struct tcp_params, prune_keeps_older, "kernel.tcp.prune_keeps_older", 1,
                 "out-of-order segments before the arriving one are not pruned for it",
                 "net/ipv4/tcp_input.c tcp_prune_ofo_queue, 6.6 and later"),
    PARAM_SWITCH(struct tcp_params, push_full_size, "kernel.tcp.push_full_size", 1,
                 "PSH on a full segment makes the read that empties the queue send an ACK",
                 "net/ipv4/tcp_input.c tcp_measure_rcv_mss, 6.6 and later"),
};
ALL_FIELDS_HAVE_ROWS(struct tcp_params, tcp_param_rows);

#define SNMP  "/proc/net/snmp; nstat"
#define EXT   "/proc/net/netstat; nstat"
#define MIB(member, text)     COUNTER(struct tcp_counters, member, "Tcp" #member, SNMP, text)
#define MIB_EXT(member, text) COUNTER(struct tcp_counters, member, "TcpExt" #member, EXT, text)

static const struct counter tcp_counter_rows[] = {
    MIB(InSegs, "skbs that reached TCP: GRO makes one of many segments"),
    MIB(OutSegs, "segments sent; here ACKs"),
    MIB(InErrs, "segments with a bad header or checksum"),
    MIB(InCsumErrors, "of these, checksum"),
    MIB(EstabResets, "connections reset"),
    MIB_EXT(TCPHPHits, "data segments taken by header prediction"),
    MIB_EXT(TCPPureAcks, "segments without data on the slow path"),
    MIB_EXT(TCPHPAcks, "acknowledgments taken by header prediction"),
    MIB_EXT(DelayedACKs, "ACKs sent by the delayed-ACK timer"),
    MIB_EXT(DelayedACKLocked, "delayed-ACK timer found the socket locked"),
    MIB_EXT(DelayedACKLost, "old data came again, as if our ACK had been lost"),
    MIB_EXT(TCPOFOQueue, "skbs put on the out-of-order queue"),
    MIB_EXT(TCPOFOMerge, "skbs dropped because the out-of-order queue holds their bytes"),
    MIB_EXT(TCPOFODrop, "out-of-order skbs dropped for want of buffer"),
    MIB_EXT(PruneCalled, "receive buffer was full: queues were pruned"),
    MIB_EXT(OfoPruned, "prunes that dropped out-of-order skbs"),
    MIB_EXT(RcvPruned, "prunes that did not help"),
    MIB_EXT(TCPRcvCollapsed, "skbs copied away to save memory"),
    MIB_EXT(TCPRcvCoalesce, "skbs merged into the one before them"),
    MIB_EXT(TCPRcvQDrop, "in-order skbs dropped for want of buffer"),
    MIB_EXT(TCPZeroWindowDrop, "in-order skbs dropped because the window is closed"),
    MIB_EXT(TCPToZeroWindowAdv, "windows closed"),
    MIB_EXT(TCPFromZeroWindowAdv, "windows opened again"),
    MIB_EXT(TCPWantZeroWindowAdv, "windows that would be closed but for what was promised"),
    MIB_EXT(TCPAckCompressed, "duplicate ACKs not sent, for a later one says the same"),
    MIB_EXT(TCPDSACKOldSent, "D-SACKs sent for old data"),
    MIB_EXT(TCPDSACKOfoSent, "D-SACKs sent for out-of-order data"),
    MIB_EXT(TCPBacklogDrop, "skbs dropped because the socket's backlog is full"),
    MIB_EXT(TCPBacklogCoalesce, "skbs merged on the socket's backlog"),
    MIB_EXT(PAWSEstab, "segments dropped for an old timestamp"),
    MIB_EXT(BeyondWindow, "segments that end beyond the window"),
    MIB_EXT(TCPSYNChallenge, "SYNs within an established connection"),
    MIB_EXT(TCPChallengeACK, "challenge ACKs sent"),
    MIB_EXT(TCPACKSkippedSeq, "ACKs not sent for segments outside the window: rate limit"),
    MIB_EXT(TCPACKSkippedPAWS, "ACKs not sent for old timestamps: rate limit"),
    MIB_EXT(TCPACKSkippedChallenge, "challenge ACKs not sent: rate limit"),
    MIB_EXT(TCPAbortOnData, "connections reset because data came after the end"),
};
ALL_COUNTERS_HAVE_ROWS(struct tcp_counters, tcp_counter_rows);

const struct model_info tcp_model = {
    .name = "tcp",
    .step = "6",
    .what = "sequence space, queues, acknowledgments and windows of a TCP receiver",
    .scope = SCOPE_HOST,
    .params_at = offsetof(struct host_config, tcp),
    .params = tcp_param_rows,
    .n_params = ROWS(tcp_param_rows),
    .counters = tcp_counter_rows,
    .n_counters = ROWS(tcp_counter_rows),
};

const char *tcp_params_check(const struct tcp_params *p)
{
    if (p->rmem_min > p->rmem_default)
        return "net.ipv4.tcp_rmem.min is above net.ipv4.tcp_rmem.default";
    if (p->rmem_default > p->rmem_max)
        return "net.ipv4.tcp_rmem.default is above net.ipv4.tcp_rmem.max";
    return NULL;
}

enum {
    SKB_STRUCT_BYTES = 256,     /* sizeof(struct sk_buff), x86-64 */
    MAX_SKB_FRAGS = 17,
    PAGE_BYTES = 4096,
    RATIO_SHIFT = 8,            /* TCP_RMEM_TO_WIN_SCALE */
    RATIO_FIRST = 128,          /* half: before a segment is measured */
    MSS_DEFAULT = 536, MSS_MIN = 88,
    INIT_CWND = 10,
    WSCALE_MAX = 14,
    MIN_TRUESIZE = 2048 + SKB_STRUCT_BYTES,     /* SOCK_MIN_RCVBUF */
};

/* ---- memory ---- */

int64_t tcp_win_from_space(const struct tcp_sock *sk, int64_t space)
{
    int64_t scale = sk->params->adv_win_scale;

    if (sk->params->scaling_ratio)
        return (space * sk->scaling_ratio) >> RATIO_SHIFT;
    return scale <= 0 ? space >> -scale : space - (space >> scale);
}

/* The buffer that a window needs. Before the measured ratio the kernel counted whole segments, each in the smallest
 * memory (in steps of 128) whose window holds one; MAX_TCP_HEADER is 320 in usual configurations. */
int64_t tcp_space_from_win(const struct tcp_sock *sk, int64_t window)
{
    int64_t memory = sk->advmss + 320 + SKB_STRUCT_BYTES + 320;

    if (sk->params->scaling_ratio)
        return (window << RATIO_SHIFT) / sk->scaling_ratio;
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

static void frame_end(struct tcp_sock *sk, struct skb *s, enum fate fate)
{
    struct frame *f = s->first;

    s->first = f->next;
    s->frames--;
    if (!s->first)
        s->last = NULL;
    sk->ops->frame_end(sk->ops->user, f, fate, sk->now);
}

static void skb_free(struct tcp_sock *sk, struct skb *s)
{
    assert(!s->first);
    sk->ops->skb_free(sk->ops->user, s);
}

void tcp_drop(struct tcp_sock *sk, struct skb *s, enum fate fate)
{
    while (s->first)
        frame_end(sk, s, fate);
    skb_free(sk, s);
}

static uint32_t frame_end_seq(const struct frame *f)
{
    return f->seq + (uint32_t)f->payload;
}

/* Frames that bring nothing beyond `seq` have ended here, though their skb goes on. */
void tcp_end_old_frames(struct tcp_sock *sk, struct skb *s, uint32_t seq)
{
    struct frame *f = s->first, *next, *last = NULL;
    struct frame **link = &s->first;

    for (; f; f = next) {
        next = f->next;
        if (f->payload > 0 && after(frame_end_seq(f), seq)) {
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
    while (from->first && !after(frame_end_seq(from->first), seq)) {
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
    return from->truesize - SKB_STRUCT_BYTES;
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
    skb_free(sk, from);
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

/* ---- estimates: segment size, round trip, buffer ---- */

static void set_window_clamp(struct tcp_sock *sk, int64_t value)
{
    int64_t old = sk->window_clamp;

    sk->window_clamp = max64(MIN_TRUESIZE / 2, value);
    if (sk->window_clamp < old)
        sk->rcv_ssthresh = min64(sk->rcv_ssthresh, sk->window_clamp);
    else if (sk->window_clamp > old)
        sk->rcv_ssthresh = max64(sk->rcv_ssthresh, min64(sk->rcv_wnd, sk->window_clamp));
}

/* A new segment size is also a new share of payload in memory. */
static void measure_scaling_ratio(struct tcp_sock *sk, const struct tcp_seg *seg)
{
    int64_t ratio = ((int64_t)seg->len << RATIO_SHIFT) / seg->truesize, old = sk->scaling_ratio;

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
static void rcv_space_adjust(struct tcp_sock *sk)
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

/* sk_data_ready() is worth calling: enough is there, or the sender will not send more. */
static void data_ready(struct tcp_sock *sk)
{
    int64_t unread = (int32_t)(sk->rcv_nxt - sk->copied_seq);

    if (sk->state != TCP_ESTABLISHED)
        sk->out->data_ready = true;
    if (unread > 0 && (unread >= sk->rcvlowat || sk->rmem_alloc > sk->rcvbuf - (sk->rcvbuf >> 3) ||
                       tcp_receive_window(sk) <= sk->rcv_mss))
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
        sk->counters->BeyondWindow += a == BEYOND;
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

static void enter(struct tcp_sock *sk, ps_t now, struct tcp_out *out)
{
    *out = (struct tcp_out){ 0 };
    sk->now = now;
    sk->out = out;
}

void tcp_rcv(struct tcp_sock *sk, struct skb *s, ps_t now, struct tcp_out *out)
{
    enter(sk, now, out);
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

/* ---- the reader ---- */

int64_t tcp_available(const struct tcp_sock *sk)
{
    const struct skb *last = sk->receive.last;
    uint32_t end = sk->rcv_nxt - (last && last->tcp_flags & TCP_FIN ? 1 : 0);

    return last ? (int64_t)(end - sk->copied_seq) : 0;
}

bool tcp_eof(const struct tcp_sock *sk)
{
    return sk->state != TCP_ESTABLISHED && tcp_available(sk) == 0;
}

/* Takes up to `want` bytes from the first skb and frees it when it is empty; returns the bytes. */
static int64_t read_skb(struct tcp_sock *sk, struct skb *s, int64_t want)
{
    uint32_t fin = s->tcp_flags & TCP_FIN ? 1 : 0;
    int64_t left = (int64_t)(s->end_seq - fin - sk->copied_seq), used = min64(want, left);

    sk->copied_seq += (uint32_t)used;
    while (s->first && !after(frame_end_seq(s->first), sk->copied_seq))
        frame_end(sk, s, FATE_DELIVERED);
    if (used > 0)
        rcv_space_adjust(sk);
    if (used < left)
        return used;

    sk->copied_seq += fin;
    skb_pop(&sk->receive);
    tcp_uncharge(sk, s->truesize);
    skb_free(sk, s);
    sk->out->skbs_read++;
    return used;
}

int64_t tcp_recvmsg(struct tcp_sock *sk, int64_t want, ps_t now, struct tcp_out *out)
{
    int64_t copied = 0;

    enter(sk, now, out);
    while (sk->receive.first && copied < want)
        copied += read_skb(sk, sk->receive.first, want - copied);
    out->copied_bytes = copied;
    if (sk->state != TCP_CLOSE)
        tcp_cleanup_rbuf(sk, copied);
    return copied;
}

void tcp_reply(struct tcp_sock *sk, int64_t bytes, ps_t now, struct tcp_out *out)
{
    enter(sk, now, out);
    if (sk->state == TCP_CLOSE || bytes <= 0)
        return;
    if (tcp_jiffies(sk) - sk->lrcvtime < sk->ato && sk->pingpong < UINT8_MAX)
        sk->pingpong++;
    sk->snd_nxt += (uint32_t)bytes;
    tcp_send_ack(sk);
}

/* ---- options ---- */

void tcp_set_rcvbuf(struct tcp_sock *sk, int64_t value)
{
    sk->rcvbuf_locked = true;
    sk->rcvbuf = max64(2 * value, MIN_TRUESIZE);
}

void tcp_set_rcvlowat(struct tcp_sock *sk, int64_t value)
{
    int64_t most = (sk->rcvbuf_locked ? sk->rcvbuf : sk->params->rmem_max) >> 1;

    sk->rcvlowat = max64(1, min64(value, most));
    if (sk->rcvbuf_locked)
        return;

    int64_t space = sk->params->scaling_ratio ? tcp_space_from_win(sk, sk->rcvlowat) : sk->rcvlowat << 1;
    if (space > sk->rcvbuf) {
        sk->rcvbuf = space;
        sk->window_clamp = max64(sk->window_clamp, sk->rcvlowat);
    }
}

void tcp_set_quickack(struct tcp_sock *sk, bool on, ps_t now, struct tcp_out *out)
{
    enter(sk, now, out);
    if (!on) {
        sk->pingpong = sk->params->pingpong_thresh;
        return;
    }
    sk->pingpong = 0;
    if (sk->state != TCP_CLOSE && tcp_ack_scheduled(sk)) {
        sk->pending |= ICSK_ACK_PUSHED;
        tcp_cleanup_rbuf(sk, 1);
    }
}

/* ---- life ---- */

static int ilog2(int64_t v)
{
    return 63 - __builtin_clzll((unsigned long long)v);
}

/* tcp_select_initial_window(): the window of the SYN-ACK, its scale, and the limit on windows to come. */
static void select_initial_window(struct tcp_sock *sk, const struct tcp_setup *setup, int32_t mss)
{
    int64_t full = tcp_full_space(sk), clamp = sk->rcvbuf_locked ? full : 65535 << WSCALE_MAX;
    int64_t space = min64(full, clamp), most;

    sk->rcv_wnd = space > mss ? space / mss * mss : space;
    if (setup->window_scaling && sk->params->window_scaling) {
        most = min64(max64(max64(sk->rcv_wnd, sk->params->rmem_max), setup->rmem_max), clamp);
        sk->rcv_wscale = ilog2(max64(most, 1)) - 15;
        sk->rcv_wscale = sk->rcv_wscale < 0 ? 0 : sk->rcv_wscale > WSCALE_MAX ? WSCALE_MAX : sk->rcv_wscale;
    }
    sk->window_clamp = min64(clamp, (int64_t)65535 << sk->rcv_wscale);
    sk->rcv_ssthresh = sk->rcv_wnd;
}

/* tcp_init_buffer_space(), when the handshake ends. */
static void init_buffer_space(struct tcp_sock *sk)
{
    int64_t full = tcp_full_space(sk), app_win = sk->params->app_win;

    if (sk->window_clamp >= full) {
        sk->window_clamp = full;
        if (app_win && full > 4 * sk->advmss)
            sk->window_clamp = max64(full - (full >> app_win), 4 * sk->advmss);
    }
    if (app_win && sk->window_clamp > 2 * sk->advmss && sk->window_clamp + sk->advmss > full)
        sk->window_clamp = max64(2 * sk->advmss, full - sk->advmss);
    sk->rcv_ssthresh = min64(sk->rcv_ssthresh, sk->window_clamp);
    sk->space = min64(min64(sk->rcv_ssthresh, sk->rcv_wnd), INIT_CWND * sk->advmss);
    sk->space = max64(sk->space, 1);    /* it divides */
    sk->space_seq = sk->copied_seq;
    sk->space_time = tcp_us(sk);
}

/* RFC 6298 from a single sample, the variance bounded below by tcp_rto_min_us. */
static void init_rto(struct tcp_sock *sk, ps_t rtt)
{
    ps_t variance = max64(2 * rtt, sk->params->rto_min);

    sk->srtt_us = rtt / US;
    sk->rto = rtt > 0 ? tcp_jiffies_of(sk, rtt + variance) : tcp_jiffies_of(sk, SEC);
}

void tcp_sock_init(struct tcp_sock *sk, const struct tcp_params *params, struct tcp_counters *counters,
                   const struct tcp_ops *ops, const struct tcp_setup *setup, ps_t now)
{
    *sk = (struct tcp_sock){ .params = params, .counters = counters, .ops = ops, .now = now,
                             .rcv_nxt = setup->irs + 1, .copied_seq = setup->irs + 1, .rcv_wup = setup->irs + 1,
                             .snd_nxt = setup->iss + 1, .snd_una = setup->iss + 1, .snd_wl1 = setup->irs + 1,
                             .snd_wnd = setup->peer_window, .scaling_ratio = RATIO_FIRST,
                             .delack_at = PS_NEVER, .compressed_at = PS_NEVER, .last_oow_ack = -1,
                             .jiffy = setup->jiffy, .tick_phase = setup->tick_phase,
                             .tsval_origin = setup->tsval_origin };
    assert(setup->jiffy > 0 && setup->tick_phase >= 0 && setup->tick_phase < setup->jiffy && setup->mss > 12);
    sk->rcvbuf_locked = setup->rcvbuf != 0;
    sk->rcvbuf = setup->rcvbuf ? setup->rcvbuf : params->rmem_default;
    sk->sack_ok = setup->sack && params->sack;
    sk->tstamp_ok = setup->timestamps && params->timestamps;
    sk->ecn_ok = setup->ecn;
    sk->header_len = sk->tstamp_ok ? 32 : 20;
    sk->advmss = setup->mss - (sk->tstamp_ok ? 12 : 0);
    sk->ts_recent = setup->peer_tsval;
    sk->rcv_rtt_last_tsecr = setup->peer_tsecr;
    select_initial_window(sk, setup, sk->advmss);
    init_buffer_space(sk);
    init_rto(sk, setup->handshake_rtt);

    int64_t hint = min64(min64(sk->advmss, sk->rcv_wnd / 2), MSS_DEFAULT);
    sk->rcv_mss = (int32_t)max64(hint, MSS_MIN);
    sk->rcvlowat = 1;
    tcp_set_rcvlowat(sk, setup->rcvlowat);
    sk->pred_on = true;
}

void tcp_sock_free(struct tcp_sock *sk, ps_t now)
{
    struct skb *s;

    sk->now = now;
    while ((s = skb_pop(&sk->receive)))
        tcp_drop(sk, s, FATE_IN_FLIGHT);
    tcp_ofo_purge(sk, FATE_IN_FLIGHT);
    sk->state = TCP_CLOSE;
    sk->delack_at = sk->compressed_at = PS_NEVER;
    sk->rmem_alloc = sk->forward_alloc = 0;
}
