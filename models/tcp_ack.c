/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the receiver speaks, and what window it offers: net/ipv4/tcp_output.c, tcp_timer.c and the ACK half of
 * tcp_input.c. */
#include "models/tcp_private.h"

#include <assert.h>

enum {
    MAX_UNSCALED_WINDOW = 65535,
    MAX_OPTION_BYTES = 40, TIMESTAMP_BYTES = 12, SACK_BASE_BYTES = 4, SACK_BLOCK_BYTES = 8,
    DUPLICATES_AT_ONCE = 3,     /* TCP_FASTRETRANS_THRESH: what the sender needs to see a loss */
};

/* ---- ticks ---- */

/* usecs_to_jiffies(): rounds up. */
int64_t tcp_jiffies_of(const struct tcp_sock *sk, ps_t time)
{
    return (time + sk->jiffy - 1) / sk->jiffy;
}

static int64_t hz(const struct tcp_sock *sk)
{
    return (SEC + sk->jiffy / 2) / sk->jiffy;
}

/* TCP_ATO_MIN, TCP_DELACK_MIN: 40 ms, at HZ below 100 four ticks. */
int64_t tcp_ato_min(const struct tcp_sock *sk)
{
    return hz(sk) >= 100 ? hz(sk) / 25 : 4;
}

/* Below the peer's retransmission timeout by a tick (tcp_delack_max). */
int64_t tcp_delack_max(const struct tcp_sock *sk)
{
    int64_t most = hz(sk) / 5, below_rto = tcp_jiffies_of(sk, sk->params->rto_min) - 1;

    return max64(1, min64(most, below_rto));
}

/* When the timer wheel's softirq runs a timer set now for tick `expires`: the wheel has 63 slots of one tick, then
 * slots of 8, 64, .. ticks, and always rounds up past the slot it is in (kernel/time/timer.c calc_index). */
static ps_t wheel_time(const struct tcp_sock *sk, int64_t expires)
{
    int64_t delta = expires - tcp_jiffies(sk), start = 63;
    int shift = 0;

    while (delta >= start && shift < 24) {
        start <<= 3;
        shift += 3;
    }

    int64_t tick = ((expires >> shift) + 1) << shift;
    return sk->tick_phase + (tick - 1) * sk->jiffy;
}

static void arm_delack(struct tcp_sock *sk, int64_t timeout)
{
    sk->delack_timeout = timeout;
    sk->delack_at = wheel_time(sk, timeout);
}

/* ---- quick ACKs ---- */

void tcp_incr_quickack(struct tcp_sock *sk, int64_t most)
{
    int64_t quick = sk->rcv_wnd / (2 * sk->rcv_mss);

    sk->quick = max64(sk->quick, min64(quick ? quick : 2, most));
}

void tcp_enter_quickack_mode(struct tcp_sock *sk, int64_t most)
{
    tcp_incr_quickack(sk, most);
    sk->pingpong = 0;
    sk->ato = tcp_ato_min(sk);
}

static void dec_quickack(struct tcp_sock *sk)
{
    int64_t spent = tcp_ack_scheduled(sk) ? 1 : 0;

    if (!sk->quick)
        return;
    if (spent < sk->quick) {
        sk->quick -= spent;
        return;
    }
    sk->quick = 0;
    sk->ato = tcp_ato_min(sk);
}

/* ---- the window ---- */

static int64_t align_up(int64_t window, int scale)
{
    return (window + ((int64_t)1 << scale) - 1) >> scale << scale;
}

/* Without scaling: whole segments, and no change for less than one. */
static int64_t unscaled_window(const struct tcp_sock *sk, int64_t space, int64_t mss, int64_t full)
{
    int64_t window = sk->rcv_wnd;

    if (window <= space - mss || window > space)
        return space / mss * mss;
    if (mss == full && space > window + (full >> 1))
        return space;
    return window;
}

/* __tcp_select_window(). When less than half is free, quick ACKs end: the sender should feel the reader's pace. */
int64_t tcp_select_window_now(struct tcp_sock *sk)
{
    int64_t free_space = tcp_space(sk), allowed = tcp_full_space(sk);
    int64_t full = min64(sk->window_clamp, allowed), mss = min64(sk->rcv_mss, full);

    if (mss <= 0)
        return 0;
    if (free_space < full >> 1) {
        sk->quick = 0;
        free_space &= ~((INT64_C(1) << sk->rcv_wscale) - 1);
        if (free_space < allowed >> 4 || free_space < mss)
            return 0;
    }
    free_space = min64(free_space, sk->rcv_ssthresh);
    return sk->rcv_wscale ? align_up(free_space, sk->rcv_wscale) : unscaled_window(sk, free_space, mss, full);
}

/* tcp_select_window(): what goes into the header. A window once offered is not taken back, unless a segment was
 * refused for want of memory. */
static uint16_t select_window(struct tcp_sock *sk)
{
    int64_t old = sk->rcv_wnd, current = tcp_receive_window(sk), window;

    if (sk->pending & ICSK_ACK_NOMEM) {
        sk->pred_on = false;
        sk->rcv_wnd = 0;
        sk->rcv_wup = sk->rcv_nxt;
        return 0;
    }
    window = tcp_select_window_now(sk);
    if (window < current) {
        sk->counters->TCPWantZeroWindowAdv += window == 0;
        window = align_up(current, sk->rcv_wscale);
    }
    sk->rcv_wnd = window;
    sk->rcv_wup = sk->rcv_nxt;
    window = min64(window, (int64_t)MAX_UNSCALED_WINDOW << sk->rcv_wscale) >> sk->rcv_wscale;
    if (window == 0) {
        sk->pred_on = false;
        sk->counters->TCPToZeroWindowAdv += old != 0;
    } else if (old == 0) {
        sk->counters->TCPFromZeroWindowAdv++;
    }
    return (uint16_t)window;
}

/* ---- sending ---- */

static void put_sacks(struct tcp_sock *sk, struct tcp_ack *ack)
{
    int room = MAX_OPTION_BYTES - (sk->tstamp_ok ? TIMESTAMP_BYTES : 0) - SACK_BASE_BYTES;
    int most = room / SACK_BLOCK_BYTES;

    ack->dsack = sk->dsack;
    if (sk->dsack)
        ack->sack[ack->blocks++] = sk->duplicate;
    for (int i = 0; i < sk->num_sacks && ack->blocks < most; i++)
        ack->sack[ack->blocks++] = sk->sacks[i];
    sk->dsack = false;
}

/* tcp_event_ack_sent(), and what clearing the delayed ACK's state means. The timer itself stays in the wheel and
 * finds nothing to do, as in the kernel. */
static void ack_sent(struct tcp_sock *sk)
{
    sk->counters->TCPAckCompressed += (uint64_t)sk->compressed_ack;
    sk->compressed_ack = 0;
    sk->compressed_at = PS_NEVER;
    dec_quickack(sk);
    sk->pending = 0;
}

void tcp_send_ack(struct tcp_sock *sk)
{
    struct tcp_ack ack = { .at = sk->now, .seq = sk->snd_nxt, .ack = sk->rcv_nxt, .flags = TCP_ACK };

    if (sk->state == TCP_CLOSE)
        return;
    put_sacks(sk, &ack);
    ack.raw_window = select_window(sk);
    ack.window = (int64_t)ack.raw_window << sk->rcv_wscale;
    if (sk->demand_cwr)
        ack.flags |= TCP_ECE;
    if (sk->tstamp_ok) {
        ack.has_timestamps = true;
        ack.tsval = tcp_tsval(sk);
        ack.tsecr = sk->ts_recent;
    }
    ack_sent(sk);
    sk->counters->OutSegs++;
    sk->out->acks++;
    sk->ops->send_ack(sk->ops->user, sk, &ack);
}

/* An ACK for what cannot be accepted: old data may be there again because our ACK was lost. */
void tcp_send_dupack(struct tcp_sock *sk, const struct skb *s)
{
    if (s->end_seq != s->seq && before(s->seq, sk->rcv_nxt)) {
        sk->counters->DelayedACKLost++;
        tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
        tcp_dsack_set(sk, s->seq, after(s->end_seq, sk->rcv_nxt) ? sk->rcv_nxt : s->end_seq);
    }
    tcp_send_ack(sk);
}

static bool rate_limited(struct tcp_sock *sk, uint64_t *skipped)
{
    int64_t now = tcp_jiffies(sk);

    if (sk->last_oow_ack >= 0 && (now - sk->last_oow_ack) < tcp_jiffies_of(sk, sk->params->invalid_ratelimit)) {
        ++*skipped;
        return true;
    }
    sk->last_oow_ack = now;
    return false;
}

/* Segments with data are not part of a loop of two hosts that ACK each other. */
bool tcp_oow_rate_limited(struct tcp_sock *sk, const struct skb *s, uint64_t *skipped)
{
    if (s->seq != s->end_seq && !(s->tcp_flags & TCP_SYN))
        return false;
    return rate_limited(sk, skipped);
}

void tcp_send_challenge_ack(struct tcp_sock *sk)
{
    if (rate_limited(sk, &sk->counters->TCPACKSkippedChallenge))
        return;
    sk->counters->TCPChallengeACK++;
    tcp_send_ack(sk);
}

/* ---- now or later ---- */

static int64_t delack_delay(const struct tcp_sock *sk)
{
    int64_t delay = sk->ato, least = tcp_ato_min(sk), most = hz(sk) / 2;

    if (delay > least) {
        if (tcp_in_pingpong(sk) || sk->pending & ICSK_ACK_PUSHED)
            most = hz(sk) / 5;
        if (sk->srtt_us)
            most = min64(most, max64(least, tcp_jiffies_of(sk, sk->srtt_us * US)));
        delay = min64(delay, most);
    }
    return min64(delay, tcp_delack_max(sk));
}

static void send_delayed_ack(struct tcp_sock *sk)
{
    int64_t delay = delack_delay(sk), now = tcp_jiffies(sk), timeout = now + delay;

    if (sk->pending & ICSK_ACK_TIMER) {
        if (sk->delack_timeout <= now + (delay >> 2)) {
            tcp_send_ack(sk);
            return;
        }
        timeout = min64(timeout, sk->delack_timeout);
    }
    sk->pending |= ICSK_ACK_SCHED | ICSK_ACK_TIMER;
    arm_delack(sk, timeout);
}

/* A duplicate ACK after the first three waits for others that say more. */
static void compress_ack(struct tcp_sock *sk)
{
    const struct tcp_params *p = sk->params;
    int64_t rtt8 = sk->rcv_rtt_us8;

    if (sk->compressed_ack_rcv_nxt != sk->rcv_nxt) {
        sk->compressed_ack_rcv_nxt = sk->rcv_nxt;
        sk->dup_ack_counter = 0;
    }
    if (sk->dup_ack_counter < DUPLICATES_AT_ONCE) {
        sk->dup_ack_counter++;
        tcp_send_ack(sk);
        return;
    }
    sk->compressed_ack++;
    if (sk->compressed_at != PS_NEVER)
        return;
    if (sk->srtt_us)
        rtt8 = min64(rtt8, sk->srtt_us << 3);
    sk->compressed_at = sk->now + min64(p->comp_sack_delay, rtt8 * (US / 8) / 100 * p->comp_sack_rtt_percent) +
                        p->comp_sack_slack;
}

static bool ack_now(struct tcp_sock *sk)
{
    if ((int32_t)(sk->rcv_nxt - sk->rcv_wup) > sk->rcv_mss &&
        ((int32_t)(sk->rcv_nxt - sk->copied_seq) < sk->rcvlowat || tcp_select_window_now(sk) >= sk->rcv_wnd))
        return true;
    return (sk->quick && !tcp_in_pingpong(sk)) || sk->pending & ICSK_ACK_NOW;
}

/* __tcp_ack_snd_check() */
void tcp_ack_snd_check(struct tcp_sock *sk, bool ofo_possible)
{
    if (ack_now(sk)) {
        if (sk->owned && sk->params->backlog_ack_defer)
            sk->ack_deferred = true;
        else
            tcp_send_ack(sk);
    } else if (!ofo_possible || !sk->ofo.first) {
        send_delayed_ack(sk);
    } else if (!sk->sack_ok || sk->compressed_ack >= sk->params->comp_sack_nr) {
        tcp_send_ack(sk);
    } else {
        compress_ack(sk);
    }
}

/* The ACK that waits, because what comes now no longer fits into its blocks. */
void tcp_sack_compress_send_ack(struct tcp_sock *sk)
{
    if (!sk->compressed_ack)
        return;
    sk->compressed_ack--;
    tcp_send_ack(sk);
}

/* After a read: does what was freed, or what was read, deserve an ACK? */
void tcp_cleanup_rbuf(struct tcp_sock *sk, int64_t copied)
{
    bool drained = copied > 0 && sk->rmem_alloc == 0;

    if (tcp_ack_scheduled(sk) &&
        ((int32_t)(sk->rcv_nxt - sk->rcv_wup) > sk->rcv_mss ||
         (drained && (sk->pending & ICSK_ACK_PUSHED2 ||
                      (sk->pending & ICSK_ACK_PUSHED && !tcp_in_pingpong(sk)))))) {
        tcp_send_ack(sk);
        return;
    }
    if (copied <= 0 || sk->state != TCP_ESTABLISHED)
        return;

    int64_t current = tcp_receive_window(sk);
    if (2 * current > sk->window_clamp)
        return;
    int64_t window = tcp_select_window_now(sk);
    if (window && window >= 2 * current)
        tcp_send_ack(sk);
}

/* ---- timers ---- */

/* tcp_delack_timer_handler() */
static void delack_handler(struct tcp_sock *sk)
{
    if (sk->compressed_ack) {
        tcp_sack_compress_send_ack(sk);
        return;
    }
    if (!(sk->pending & ICSK_ACK_TIMER))
        return;
    if (sk->delack_timeout > tcp_jiffies(sk)) {
        arm_delack(sk, sk->delack_timeout);
        return;
    }
    sk->pending &= ~(unsigned)ICSK_ACK_TIMER;
    if (!tcp_ack_scheduled(sk))
        return;
    if (!tcp_in_pingpong(sk)) {
        sk->ato = min64(min64(sk->ato << 1, sk->rto), tcp_delack_max(sk));
    } else {
        sk->pingpong = 0;
        sk->ato = tcp_ato_min(sk);
    }
    tcp_send_ack(sk);
    sk->counters->DelayedACKs++;
}

ps_t tcp_deadline(const struct tcp_sock *sk)
{
    return min64(sk->delack_at, sk->compressed_at);
}

void tcp_timer(struct tcp_sock *sk, ps_t now, bool owned, struct tcp_out *out)
{
    tcp_enter(sk, now, out);
    if (sk->compressed_at <= now) {
        sk->compressed_at = PS_NEVER;
        if (owned)
            sk->delack_deferred = true;
        else
            tcp_sack_compress_send_ack(sk);
    }
    if (sk->delack_at <= now) {
        sk->delack_at = PS_NEVER;
        if (!(sk->pending & ICSK_ACK_TIMER) && !sk->compressed_ack)
            return;
        if (owned) {
            sk->counters->DelayedACKLocked++;
            sk->delack_deferred = true;
        } else {
            delack_handler(sk);
        }
    }
}

void tcp_release(struct tcp_sock *sk, ps_t now, struct tcp_out *out)
{
    tcp_enter(sk, now, out);
    if (sk->state != TCP_CLOSE && sk->delack_deferred)
        delack_handler(sk);
    if (sk->state != TCP_CLOSE && sk->ack_deferred && tcp_ack_scheduled(sk))
        tcp_send_ack(sk);
    sk->delack_deferred = sk->ack_deferred = false;
}
