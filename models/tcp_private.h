/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of TCP share: tcp (parameters, life, reader), tcp_input, tcp_ack, tcp_ofo, tcp_mem. */
#ifndef MODELS_TCP_PRIVATE_H
#define MODELS_TCP_PRIVATE_H

#include "models/tcp.h"

enum {
    TCP_SKB_STRUCT_BYTES = 256,     /* sizeof(struct sk_buff), x86-64 */
    TCP_MIN_TRUESIZE = 2048 + TCP_SKB_STRUCT_BYTES,     /* SOCK_MIN_RCVBUF */
    TCP_RATIO_SHIFT = 8,            /* TCP_RMEM_TO_WIN_SCALE */
    TCP_RATIO_FIRST = 128,          /* half: before a segment is measured */
    TCP_MAX_QUICKACKS = 16,
};

static inline bool before(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool after(uint32_t a, uint32_t b) { return before(b, a); }

static inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* What remains to be known of a segment when its skb may have been merged into another. */
struct tcp_seg {
    uint32_t seq, end_seq;
    int32_t len, mss, truesize, header;
    uint8_t flags, tos;
};

static inline int64_t tcp_jiffies(const struct tcp_sock *sk)
{
    return (sk->now + sk->jiffy - sk->tick_phase) / sk->jiffy;
}

static inline int64_t tcp_us(const struct tcp_sock *sk)
{
    return sk->now / US;
}

static inline uint32_t tcp_tsval(const struct tcp_sock *sk)
{
    return (uint32_t)((sk->now - sk->tsval_origin) / MS);
}

static inline bool tcp_ack_scheduled(const struct tcp_sock *sk)
{
    return sk->pending & ICSK_ACK_SCHED;
}

static inline bool tcp_in_pingpong(const struct tcp_sock *sk)
{
    return sk->pingpong >= sk->params->pingpong_thresh;
}

static inline bool tcp_saw_tstamp(const struct skb *s)
{
    return s->tsval || s->tsecr;
}

static inline uint32_t tcp_frame_end_seq(const struct frame *f)
{
    return f->seq + (uint32_t)f->payload;
}

/* Every public call that may send begins so. */
static inline void tcp_enter(struct tcp_sock *sk, ps_t now, struct tcp_out *out)
{
    *out = (struct tcp_out){ 0 };
    sk->now = now;
    sk->out = out;
}

/* tcp_mem.c */
int64_t tcp_win_from_space(const struct tcp_sock *sk, int64_t space);
int64_t tcp_space_from_win(const struct tcp_sock *sk, int64_t window);
int64_t tcp_space(const struct tcp_sock *sk);
int64_t tcp_full_space(const struct tcp_sock *sk);
bool tcp_can_ingest(const struct tcp_sock *sk, int64_t len);
void tcp_rmem_schedule(struct tcp_sock *sk, int64_t size);
void tcp_charge(struct tcp_sock *sk, int64_t truesize);
void tcp_uncharge(struct tcp_sock *sk, int64_t truesize);
void tcp_end_frame(struct tcp_sock *sk, struct skb *s, enum fate fate);  /* the first of its frames */
void tcp_free_skb(struct tcp_sock *sk, struct skb *s);                  /* without frames */
void tcp_drop(struct tcp_sock *sk, struct skb *s, enum fate fate);      /* not charged */
void tcp_end_old_frames(struct tcp_sock *sk, struct skb *s, uint32_t seq);
void tcp_move_frames(struct skb *to, struct skb *from, uint32_t seq);
bool tcp_try_coalesce(struct tcp_sock *sk, struct skb *to, struct skb *from);
int tcp_try_rmem_schedule(struct tcp_sock *sk, const struct tcp_seg *seg);
void tcp_queue_tail(struct tcp_sock *sk, struct skb *s, bool charged);

/* tcp_input.c */
void tcp_measure_rcv_mss(struct tcp_sock *sk, const struct tcp_seg *seg);
void tcp_grow_window(struct tcp_sock *sk, int32_t len, int32_t truesize);
void tcp_rcvbuf_grow(struct tcp_sock *sk, int64_t copied);
void tcp_data_ecn_check(struct tcp_sock *sk, uint8_t tos);
void tcp_rcv_space_adjust(struct tcp_sock *sk);
void tcp_fin(struct tcp_sock *sk);
void tcp_fast_path_check(struct tcp_sock *sk);

/* tcp_ack.c */
int64_t tcp_select_window_now(struct tcp_sock *sk);     /* __tcp_select_window() */
void tcp_send_ack(struct tcp_sock *sk);
void tcp_ack_snd_check(struct tcp_sock *sk, bool ofo_possible);
void tcp_incr_quickack(struct tcp_sock *sk, int64_t most);
void tcp_enter_quickack_mode(struct tcp_sock *sk, int64_t most);
void tcp_cleanup_rbuf(struct tcp_sock *sk, int64_t copied);
void tcp_sack_compress_send_ack(struct tcp_sock *sk);
int64_t tcp_ato_min(const struct tcp_sock *sk);
int64_t tcp_delack_max(const struct tcp_sock *sk);
int64_t tcp_jiffies_of(const struct tcp_sock *sk, ps_t time);
void tcp_send_dupack(struct tcp_sock *sk, const struct skb *s);
bool tcp_oow_rate_limited(struct tcp_sock *sk, const struct skb *s, uint64_t *skipped);
void tcp_send_challenge_ack(struct tcp_sock *sk);

/* tcp_ofo.c */
void tcp_data_queue_ofo(struct tcp_sock *sk, struct skb *s);
void tcp_ofo_queue(struct tcp_sock *sk);
void tcp_ofo_purge(struct tcp_sock *sk, enum fate fate);
void tcp_sack_remove(struct tcp_sock *sk);
void tcp_dsack_set(struct tcp_sock *sk, uint32_t start, uint32_t end);
bool tcp_prune_queue(struct tcp_sock *sk, uint32_t seq, int64_t len);

#endif
