/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tcp_private.h"

#include <assert.h>

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
                 "net/ipv4/tcp_input.c tcp_can_ingest, 6.19; a 6.18 was measured not to"),
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
    MSS_DEFAULT = 536, MSS_MIN = 88,    /* TCP_MSS_DEFAULT, TCP_MIN_MSS */
    INIT_CWND = 10,
    WSCALE_MAX = 14,
};

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
    while (s->first && !after(tcp_frame_end_seq(s->first), sk->copied_seq))
        tcp_end_frame(sk, s, FATE_DELIVERED);
    if (used > 0)
        tcp_rcv_space_adjust(sk);
    if (used < left)
        return used;

    sk->copied_seq += fin;
    skb_pop(&sk->receive);
    if (!sk->receive.first)
        sk->receive.last = NULL;
    tcp_uncharge(sk, s->truesize);
    tcp_free_skb(sk, s);
    sk->out->skbs_read++;
    return used;
}

int64_t tcp_recvmsg(struct tcp_sock *sk, int64_t want, ps_t now, struct tcp_out *out)
{
    int64_t copied = 0;

    tcp_enter(sk, now, out);
    while (sk->receive.first && copied < want)
        copied += read_skb(sk, sk->receive.first, want - copied);
    out->copied_bytes = copied;
    if (sk->state != TCP_CLOSE)
        tcp_cleanup_rbuf(sk, copied);
    return copied;
}

void tcp_reply(struct tcp_sock *sk, int64_t bytes, ps_t now, struct tcp_out *out)
{
    tcp_enter(sk, now, out);
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
    sk->rcvbuf = max64(2 * value, TCP_MIN_TRUESIZE);
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
    tcp_enter(sk, now, out);
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
                             .snd_wnd = setup->peer_window, .scaling_ratio = TCP_RATIO_FIRST,
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
    sk->lrcvtime = tcp_jiffies(sk);
}

void tcp_sock_free(struct tcp_sock *sk, ps_t now)
{
    struct skb *s;

    sk->now = now;
    while ((s = skb_pop(&sk->receive)))
        tcp_drop(sk, s, FATE_IN_FLIGHT);
    sk->receive.last = NULL;
    tcp_ofo_purge(sk, FATE_IN_FLIGHT);
    sk->state = TCP_CLOSE;
    sk->delack_at = sk->compressed_at = PS_NEVER;
    sk->rmem_alloc = sk->forward_alloc = 0;
}
