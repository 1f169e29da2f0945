/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP: the receiving half of an established connection, as protocol alone.
 *
 * In    tcp_rcv()          one skb from IP, or from the socket's backlog
 *       tcp_recvmsg()      the reader copies bytes out
 *       tcp_timer()        tcp_deadline() has come
 *       tcp_release()      the reader drops the socket lock: what was put off is done now
 *       tcp_reply()        the application answers: its data carries the acknowledgment
 * Out   ops.frame_end      a frame has ended, with its fate; each frame exactly once
 *       ops.skb_free       an skb has no frames left and nobody wants it
 *       ops.skb_alloc      collapsing needs an skb
 *       ops.send_ack       a segment without data leaves
 *       struct tcp_out     what the call did, so that the caller can charge its costs
 *
 * The rules are those of net/ipv4/tcp_input.c, tcp_output.c, tcp_timer.c and tcp.c: header prediction, PAWS, the
 * acceptance test, receive and out-of-order queue with truesize accounting and coalescing, SACK and D-SACK, quick,
 * delayed and compressed ACKs, window selection, dynamic right-sizing, prune and collapse. Names are the kernel's.
 * What changed between kernels is a switch named kernel.tcp.*.
 *
 * Nothing here knows of CPUs, costs or the engine. Between entering tcp_rcv() and its return no time passes.
 *
 * Not modelled: the handshake and every state but ESTABLISHED, CLOSE_WAIT and CLOSE; our own data (an incoming ACK
 * number is always believed, tcp_reply() only has the effects a reply has on the receiver); global memory pressure
 * (tcp_mem); the urgent pointer; MPTCP, kTLS, MD5 and AO; AccECN and DCTCP's immediate ACK; tcp_shrink_window with a
 * scaled window; rx zero-copy; page fragments in skb->data_len (an skb's head holds its first segment); truesize
 * condensing. The out-of-order queue is a sorted list with a shortcut at its tail, where the kernel has a tree: the
 * same contents, so only costs could differ. The 24-day expiry of a remembered timestamp is left out. */
#ifndef MODELS_TCP_H
#define MODELS_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/drop.h"
#include "models/skb.h"
#include "sim/engine/time.h"

/* How the receive buffer follows the reader (tcp_rcv_space_adjust). */
enum tcp_drs { TCP_DRS_CUSHION, TCP_DRS_QUEUED, TCP_DRS_CHOICES };

struct tcp_params {
    int64_t rmem_min, rmem_default, rmem_max;   /* net.ipv4.tcp_rmem */
    int64_t adv_win_scale;
    int64_t app_win;
    int64_t moderate_rcvbuf;
    int64_t rcvbuf_low_rtt;
    int64_t sack, dsack;
    int64_t timestamps;
    int64_t window_scaling;
    int64_t comp_sack_delay, comp_sack_slack;
    int64_t comp_sack_nr;
    int64_t comp_sack_rtt_percent;
    int64_t backlog_ack_defer;
    int64_t pingpong_thresh;
    int64_t invalid_ratelimit;
    int64_t rto_min;
    /* kernel.tcp.*: what changed between kernels */
    int64_t scaling_ratio;
    int64_t rcvbuf_counts_len;
    int64_t beyond_window;
    int64_t nomem_zero_window;
    int64_t drs;
    int64_t ofo_drs;
    int64_t ofo_rcv_mss;
    int64_t rcv_rtt_min;
    int64_t page_reclaim;
    int64_t prune_keeps_older;
    int64_t push_full_size;
};
extern const struct model_info tcp_model;

struct tcp_counters {
    uint64_t InSegs, OutSegs, InErrs, InCsumErrors, EstabResets;
    uint64_t TCPHPHits, TCPPureAcks, TCPHPAcks;
    uint64_t DelayedACKs, DelayedACKLocked, DelayedACKLost;
    uint64_t TCPOFOQueue, TCPOFOMerge, TCPOFODrop;
    uint64_t PruneCalled, OfoPruned, RcvPruned, TCPRcvCollapsed, TCPRcvCoalesce, TCPRcvQDrop;
    uint64_t TCPZeroWindowDrop, TCPToZeroWindowAdv, TCPFromZeroWindowAdv, TCPWantZeroWindowAdv;
    uint64_t TCPAckCompressed, TCPDSACKOldSent, TCPDSACKOfoSent;
    uint64_t TCPBacklogDrop, TCPBacklogCoalesce;
    uint64_t PAWSEstab, BeyondWindow, TCPSYNChallenge, TCPChallengeACK;
    uint64_t TCPACKSkippedSeq, TCPACKSkippedPAWS, TCPACKSkippedChallenge;
    uint64_t TCPAbortOnData;
};

enum { TCP_SACK_BLOCKS = 4 };

struct tcp_sack {
    uint32_t start, end;        /* [start, end) in sequence space */
};

/* A segment without data that leaves; sequence numbers as on the wire. */
struct tcp_ack {
    ps_t at;
    uint32_t seq, ack;
    int64_t window;             /* bytes, as the peer will understand it */
    uint16_t raw_window;        /* in the header: window >> scale */
    uint8_t flags;              /* TCP_ACK, TCP_ECE, TCP_RST */
    uint8_t blocks;             /* valid entries of sack; the first is a D-SACK if `dsack` */
    bool dsack;
    bool has_timestamps;
    uint32_t tsval, tsecr;
    struct tcp_sack sack[TCP_SACK_BLOCKS];
};

struct tcp_sock;

/* The callbacks may not call back into the tcp_sock. */
struct tcp_ops {
    void *user;
    void (*frame_end)(void *user, struct frame *f, enum fate fate, ps_t now);
    void (*skb_free)(void *user, struct skb *s);
    struct skb *(*skb_alloc)(void *user);       /* never NULL; contents need not be cleared */
    void (*send_ack)(void *user, struct tcp_sock *sk, const struct tcp_ack *ack);
};

/* What one call did. The caller need not clear it. */
struct tcp_out {
    bool fast_path;             /* header prediction hit */
    bool ofo;                   /* the segment went to the out-of-order queue, or was drawn out of it */
    bool data_ready;            /* sk_data_ready() was called: wake the reader */
    bool queued;                /* the skb's bytes are in the receive or out-of-order queue */
    int acks;                   /* segments sent */
    int skbs_read;              /* skbs the reader emptied */
    int64_t copied_bytes;       /* to the reader */
    int64_t coalesced_bytes;    /* copied into the tail skb's room */
    int64_t collapsed_bytes;    /* copied by tcp_collapse() */
};

/* How the connection came to be: what the handshake agreed on. */
struct tcp_setup {
    uint32_t irs;               /* the peer's initial sequence number: its first byte is irs + 1 */
    uint32_t iss;               /* ours */
    int32_t mss;                /* we advertise: MTU - 40 */
    bool sack, timestamps, window_scaling, ecn; /* the peer offers it (used if our sysctl says so, too) */
    uint16_t peer_window;       /* raw, of the ACK that ended the handshake */
    uint32_t peer_tsval;        /* of that ACK */
    uint32_t peer_tsecr;
    int64_t rcvbuf;             /* sk_rcvbuf by SO_RCVBUF (the doubled value), 0: tcp_rmem[1], autotuned */
    int64_t rcvlowat;           /* SO_RCVLOWAT, at least 1 */
    int64_t rmem_max;           /* net.core.rmem_max: it takes part in the choice of the window scale */
    ps_t handshake_rtt;         /* SYN-ACK to ACK: the first estimate of srtt */
    ps_t jiffy;                 /* length of a tick */
    ps_t tick_phase;            /* time of a tick, 0 <= tick_phase < jiffy */
    ps_t tsval_origin;          /* when our timestamp clock (1 ms) showed 0 */
};

enum tcp_state { TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_CLOSE };

/* inet_csk(sk)->icsk_ack.pending */
enum { ICSK_ACK_SCHED = 1, ICSK_ACK_TIMER = 2, ICSK_ACK_PUSHED = 4, ICSK_ACK_PUSHED2 = 8, ICSK_ACK_NOW = 16,
       ICSK_ACK_NOMEM = 32 };

struct tcp_sock {
    const struct tcp_params *params;
    struct tcp_counters *counters;      /* of the host */
    const struct tcp_ops *ops;
    enum tcp_state state;
    ps_t now;                   /* of the call under way */
    struct tcp_out *out;

    /* sequence space */
    uint32_t rcv_nxt;           /* next byte expected */
    uint32_t copied_seq;        /* next byte to be read */
    uint32_t rcv_wup;           /* rcv_nxt when the last window was sent */
    uint32_t snd_nxt, snd_una;
    uint32_t snd_wl1;
    int32_t snd_wnd;            /* raw window of the peer, for header prediction */
    bool pred_on;               /* pred_flags is not 0 */

    /* window */
    int64_t rcv_wnd;            /* as last sent */
    int64_t window_clamp;
    int64_t rcv_ssthresh;
    int rcv_wscale;
    int32_t advmss;
    int32_t header_len;         /* of a TCP header without SACK: 20, with timestamps 32 */
    int32_t rcv_mss;
    int32_t last_seg_size;
    int64_t scaling_ratio;      /* len / truesize in 1/256 */

    /* memory */
    int64_t rcvbuf;
    bool rcvbuf_locked;         /* SO_RCVBUF was set */
    int64_t rmem_alloc;         /* truesize in both queues */
    int64_t forward_alloc;
    int64_t backlog_len;        /* truesize on the socket's backlog: the socket layer keeps it */
    int64_t rcvlowat;
    struct skb_queue receive;   /* in both queues `last` is NULL when they are empty */
    struct skb_queue ofo;       /* sorted by seq */

    /* SACK */
    bool sack_ok, tstamp_ok, ecn_ok, ecn_seen, demand_cwr;
    int num_sacks;
    struct tcp_sack sacks[TCP_SACK_BLOCKS];
    bool dsack;
    struct tcp_sack duplicate;

    /* acknowledgments */
    unsigned pending;           /* ICSK_ACK_* */
    int64_t quick;              /* ACKs to send at once */
    int64_t pingpong;
    int64_t ato;                /* jiffies; 0 before the first data */
    int64_t lrcvtime;           /* jiffies */
    int64_t rto;                /* jiffies */
    int64_t delack_timeout;     /* jiffies */
    ps_t delack_at;             /* when the timer's softirq runs, PS_NEVER: off */
    ps_t compressed_at;         /* compressed-ACK timer, PS_NEVER: off */
    int64_t compressed_ack;
    uint32_t compressed_ack_rcv_nxt;
    int dup_ack_counter;
    int64_t last_oow_ack;       /* jiffies of the last rate-limited ACK, -1 before */
    bool owned;                 /* set by the socket layer while a task holds the lock (and drains the backlog) */
    bool ack_deferred, delack_deferred;

    /* round trips */
    int64_t srtt_us;            /* 0: unknown */
    int64_t rcv_rtt_us8;        /* eighths of a microsecond */
    uint32_t rcv_rtt_seq;
    int64_t rcv_rtt_time;       /* us, 0: not running */
    uint32_t rcv_rtt_last_tsecr;
    uint32_t ts_recent;
    int64_t space;              /* rcvq_space: bytes read in the best round trip so far */
    uint32_t space_seq;
    int64_t space_time;         /* us */

    ps_t jiffy, tick_phase, tsval_origin;
};

/* Establishes the connection at `now`. The params, counters and ops are borrowed until tcp_sock_free(). */
void tcp_sock_init(struct tcp_sock *sk, const struct tcp_params *params, struct tcp_counters *counters,
                   const struct tcp_ops *ops, const struct tcp_setup *setup, ps_t now);
/* Ends every frame still queued as FATE_IN_FLIGHT and frees the skbs. */
void tcp_sock_free(struct tcp_sock *sk, ps_t now);

/* The checks of tcp_v4_rcv() before the socket lookup, counted once an skb, also on the way to the backlog: returns
 * FATE_IN_FLIGHT if the segment is good, else the fate of its frames. */
enum fate tcp_segment_check(struct tcp_counters *c, const struct skb *s);

/* Takes one skb whose headers are pulled: len = payload bytes, and seq, end_seq (SYN and FIN count), ack, tsval,
 * tsecr, tcp_flags, window, gso_size (0: one segment), truesize, header_len (0: the usual) are set. Frames carry
 * their own seq and payload, in stream order. The skb is ours from here on. */
void tcp_rcv(struct tcp_sock *sk, struct skb *s, ps_t now, struct tcp_out *out);

/* Copies up to `want` bytes in order and does what recv() does after it; returns the bytes copied, 0 if there are
 * none (tcp_eof() tells the end of the stream from an empty queue). A skb may be read in parts. */
int64_t tcp_recvmsg(struct tcp_sock *sk, int64_t want, ps_t now, struct tcp_out *out);

/* Bytes a reader could copy now. */
int64_t tcp_available(const struct tcp_sock *sk);
/* So many unread bytes are worth a wakeup: SO_RCVLOWAT, or the sender will not send more. */
bool tcp_epollin_ready(const struct tcp_sock *sk, int64_t unread);
/* The peer's FIN has been reached by the reader, or the connection was reset and all is read. */
bool tcp_eof(const struct tcp_sock *sk);

/* The next instant at which tcp_timer() has something to do; PS_NEVER if none. */
ps_t tcp_deadline(const struct tcp_sock *sk);
/* Runs what is due at `now`. `owned`: a task holds the socket lock, so it is put off until tcp_release(). */
void tcp_timer(struct tcp_sock *sk, ps_t now, bool owned, struct tcp_out *out);
/* After the backlog is drained and before the lock is dropped (tcp_release_cb). */
void tcp_release(struct tcp_sock *sk, ps_t now, struct tcp_out *out);

/* The application sends `bytes` of reply: the data acknowledges what came, and enters ping-pong mode. */
void tcp_reply(struct tcp_sock *sk, int64_t bytes, ps_t now, struct tcp_out *out);
/* setsockopt: SO_RCVBUF after the handshake (value as the user gives it, >= 0), SO_RCVLOWAT, TCP_QUICKACK. */
void tcp_set_rcvbuf(struct tcp_sock *sk, int64_t value);
void tcp_set_rcvlowat(struct tcp_sock *sk, int64_t value);
void tcp_set_quickack(struct tcp_sock *sk, bool on, ps_t now, struct tcp_out *out);

/* Where the peer may send to: rcv_nxt + the window it has left. */
int64_t tcp_receive_window(const struct tcp_sock *sk);

/* Returns NULL, or a sentence about parameters that contradict each other. */
const char *tcp_params_check(const struct tcp_params *p);

#endif
