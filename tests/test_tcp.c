/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The receiver against what a Linux 6.18 kernel (HZ 250, x86-64) answered when it was fed the same segments one by
 * one, and against a law: whatever comes, every frame ends exactly once. */
#include <stdlib.h>
#include <string.h>

#include "models/tcp.h"
#include "sim/engine/random.h"
#include "tests/suite.h"

enum { MSS = 1460, LOG = 4096, FRAMES_MAX = 8192, TRUESIZE = 2304 };
static const uint32_t IRS = 0xffffff00u, ISS = 1000;    /* the stream wraps after 255 bytes */

struct rig {
    struct tcp_params params;
    struct tcp_counters counters;
    struct tcp_ops ops;
    struct tcp_setup setup;
    struct tcp_sock sk;
    struct tcp_out out;
    ps_t now;
    struct tcp_ack ack[LOG];
    int acks;
    int ended[FRAMES_MAX];      /* how often frame i ended .. */
    enum fate fate[FRAMES_MAX]; /* .. and how at last */
    uint64_t frames;
    int skbs;                   /* alive */
    struct head_page page[FRAMES_MAX];  /* of frame i's skb: it holds one head, which is freed once */
    uint32_t delivered_to;      /* end of the last frame delivered */
    bool delivered_in_order;
};

static void log_end(void *user, struct frame *f, enum fate fate, ps_t now)
{
    struct rig *r = user;

    ck_assert(now == r->sk.now);
    r->ended[f->id]++;
    r->fate[f->id] = fate;
    if (fate == FATE_DELIVERED) {
        uint32_t end = f->seq + (uint32_t)f->payload;
        r->delivered_in_order &= (int32_t)(end - r->delivered_to) > 0;
        r->delivered_to = end;
    }
    free(f);
}

static void log_free(void *user, struct skb *s)
{
    struct rig *r = user;

    if (s->page)
        ck_assert_int_eq(--s->page->heads, 0);
    r->skbs--;
    free(s);
}

static struct skb *new_skb(void *user)
{
    struct rig *r = user;

    r->skbs++;
    return calloc(1, sizeof(struct skb));
}

static void log_ack(void *user, struct tcp_sock *sk, const struct tcp_ack *ack)
{
    struct rig *r = user;

    (void)sk;
    ck_assert(r->acks < LOG);
    r->ack[r->acks++] = *ack;
}

/* Parameters of a 6.18 kernel; the caller may change `params` and `setup` before connect(). */
static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);

    for (size_t i = 0; i < tcp_model.n_params; i++)
        *(int64_t *)((char *)&r->params + tcp_model.params[i].field) = tcp_model.params[i].dflt;
    r->params.rmem_max = 33554432;
    r->params.beyond_window = r->params.ofo_drs = r->params.ofo_rcv_mss = r->params.rcv_rtt_min = 1;
    r->params.drs = TCP_DRS_QUEUED;
    r->ops = (struct tcp_ops){ r, log_end, log_free, new_skb, log_ack };
    r->setup = (struct tcp_setup){ .irs = IRS, .iss = ISS, .mss = MSS, .sack = true, .window_scaling = true,
                                   .peer_window = 65535, .rcvlowat = 1, .rmem_max = 4194304,
                                   .handshake_rtt = 40 * US, .jiffy = 4 * MS };
    r->now = SEC;               /* a tick: tick_phase is 0 */
    r->delivered_to = IRS + 1;
    r->delivered_in_order = true;
    return r;
}

/* A buffer set by SO_RCVBUF to `value`, 0: autotuned. The handshake was 20 ms ago. */
static struct rig *connect_with(int64_t value)
{
    struct rig *r = rig_new();

    r->setup.rcvbuf = 2 * value;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    return r;
}

static void rig_free(struct rig *r)
{
    tcp_sock_free(&r->sk, r->now);
    CHECK_EQ(r->skbs, 0);
    for (uint64_t i = 0; i < r->frames; i++)
        CHECK_EQ(r->ended[i], 1);
    for (uint64_t i = 0; i < r->frames; i++)
        CHECK_EQ(r->page[i].heads, 0);
    ck_assert(r->delivered_in_order);
    free(r);
}

static void run_until(struct rig *r, ps_t when)
{
    while (tcp_deadline(&r->sk) <= when)
        tcp_timer(&r->sk, tcp_deadline(&r->sk), false, &r->out);
    r->now = when;
}

/* What kmalloc gives a TUN device for a frame: a head of 576 or a power of two, of which 320 are shared info. */
static int32_t truesize_of(int32_t len)
{
    int32_t need = (64 + 40 + len + 63) / 64 * 64 + 320, head = 576;

    while (head < need)
        head = head == 576 ? 1024 : head * 2;
    return head + 256;
}

/* A segment of `frames` equal frames at stream offset `at`. */
static struct skb *segment(struct rig *r, int64_t at, int32_t len, int frames, uint8_t flags)
{
    struct skb *s = new_skb(r);

    for (int i = 0; i < frames; i++) {
        struct frame *f = calloc(1, sizeof *f);

        ck_assert(r->frames < FRAMES_MAX);
        f->id = r->frames++;
        f->seq = IRS + 1 + (uint32_t)at + (uint32_t)(i * len);
        f->payload = len;
        if (s->last)
            s->last->next = f;
        else
            s->first = f;
        s->last = f;
    }
    s->page = &r->page[s->last->id];
    s->page->heads = 1;
    s->frames = frames;
    s->len = len * frames;
    s->gso_size = (uint16_t)(frames > 1 ? len : 0);
    s->frags = (uint8_t)(frames - 1);
    s->truesize = truesize_of(len) + (frames - 1) * 2048;
    s->seq = s->first->seq;
    s->tcp_flags = flags;
    s->end_seq = s->seq + (uint32_t)s->len + (flags & TCP_FIN ? 1 : 0) + (flags & TCP_SYN ? 1 : 0);
    s->ack = ISS + 1;
    s->window = 65535;
    return s;
}

static void in(struct rig *r, int64_t at, int32_t len)
{
    tcp_rcv(&r->sk, segment(r, at, len, 1, TCP_ACK), r->now, &r->out);
}

static int64_t take(struct rig *r, int64_t want)
{
    return tcp_recvmsg(&r->sk, want, r->now, &r->out);
}

/* `n` segments of `len` from offset `from`, one every `gap`, with a reader at their heels or none. Returns the offset
 * behind them. */
static int64_t stream(struct rig *r, int64_t from, int n, int32_t len, ps_t gap, bool read)
{
    for (int i = 0; i < n; i++) {
        run_until(r, r->now + gap);
        in(r, from, len);
        from += len;
        if (read)
            take(r, INT32_MAX);
    }
    return from;
}

static int64_t offset(uint32_t seq)
{
    return (int32_t)(seq - IRS - 1);
}

static void check_block(const struct tcp_ack *a, int i, int64_t start, int64_t end)
{
    ck_assert(i < a->blocks);
    CHECK_EQ(offset(a->sack[i].start), start);
    CHECK_EQ(offset(a->sack[i].end), end);
}

/* ---- windows ---- */

/* Half of 131072 is 65536 = 44.9 MSS: 64240. Then one segment is held back from the limit: 65536 - 1460.
 * wscale = floor(log2(largest buffer)) - 15: 2^25 by tcp_rmem[2]; with SO_RCVBUF the limit is half its double. */
START_TEST(the_first_window_is_half_the_buffer_in_whole_segments)
{
    static const struct { int64_t rcvbuf; int scale; int64_t window; } expected[] = {
        { 0, 10, 64240 }, { 65536, 1, 64240 }, { 262144, 3, 261340 }, { 16384, 0, 16060 },
    };

    for (size_t i = 0; i < ROWS(expected); i++) {
        struct rig *r = connect_with(expected[i].rcvbuf);

        CHECK_EQ(r->sk.rcv_wnd, expected[i].window);
        CHECK_EQ(r->sk.rcv_wscale, expected[i].scale);
        if (expected[i].rcvbuf == 0)
            CHECK_EQ(r->sk.rcv_ssthresh, 64076);
        rig_free(r);
    }
}
END_TEST

/* 1460 of 2304 bytes: ratio 162. The limit becomes 64240 (the window sent) and grows by 2 * 1460 a segment up to
 * (131072 - 2304) * 162 / 256 = 81486. The scale of 10 rounds up: 67160 -> 66 KiB, 81486 -> 80 KiB. */
START_TEST(a_full_segment_opens_the_window_by_two_more)
{
    struct rig *r = connect_with(0);

    stream(r, 0, 1, MSS, US, true);
    CHECK_EQ(r->sk.scaling_ratio, 162);
    CHECK_EQ(r->sk.rcv_ssthresh, 67160);
    CHECK_EQ(r->ack[0].window, 67584);
    CHECK_EQ(r->ack[0].raw_window, 66);
    stream(r, MSS, 5, MSS, US, true);
    CHECK_EQ(r->sk.rcv_ssthresh, 81486);
    CHECK_EQ(r->ack[5].window, 81920);
    rig_free(r);
}
END_TEST

/* 700 of 2304 bytes: ratio 77, 131072 * 77 / 256 = 39424. */
START_TEST(a_smaller_share_of_payload_cuts_the_limit_but_not_the_window)
{
    struct rig *r = connect_with(0);

    in(r, 0, 700);
    CHECK_EQ(r->sk.rcv_ssthresh, 39424);
    ck_assert(r->ack[0].window + 700 >= 64240);
    rig_free(r);
}
END_TEST

/* SO_RCVBUF 16384 and segments of 1460, 100 bytes read at a time: from a closed window it opens to 1460 when that
 * is free, then whenever it can double. */
START_TEST(a_slow_reader_reopens_the_window_by_doubling)
{
    static const int64_t expected[] = { 1460, 2920, 5840, 11680 };
    struct rig *r = connect_with(16384);
    int seen = 0, acks;

    stream(r, 0, 14, MSS, 100 * US, false);
    run_until(r, r->now + 500 * MS);
    CHECK_EQ(tcp_receive_window(&r->sk), 0);
    acks = r->acks;
    while (tcp_available(&r->sk) > 0) {
        take(r, 100);
        for (; acks < r->acks; acks++) {
            ck_assert(seen < 4);
            CHECK_EQ(r->ack[acks].window, expected[seen++]);
        }
    }
    CHECK_EQ(seen, 4);
    rig_free(r);
}
END_TEST

/* SO_RCVBUF 65536: limit 82944, of which a 16th is 5184. 4096 bytes at a time free 2 or 3 segments of 2304: free is
 * 2304 * k * 162 / 256 = 1458 k minus the overrun, so the first window of at least 5184 is 7128, of 5 segments; then
 * what doubles. */
START_TEST(less_than_a_sixteenth_of_the_buffer_counts_as_nothing)
{
    static const int64_t expected[] = { 7128, 15876, 31914, 63990 };
    struct rig *r = connect_with(65536);
    int seen = 0, acks;

    for (int64_t at = 0; tcp_receive_window(&r->sk) > 0; at += MSS)
        in(r, at, tcp_receive_window(&r->sk) < MSS ? (int32_t)tcp_receive_window(&r->sk) : MSS);
    run_until(r, r->now + 500 * MS);
    acks = r->acks;
    while (tcp_available(&r->sk) > 0) {
        take(r, 4096);
        for (; acks < r->acks; acks++) {
            ck_assert(seen < 4);
            CHECK_EQ(r->ack[acks].window, expected[seen++]);
        }
    }
    CHECK_EQ(seen, 4);
    rig_free(r);
}
END_TEST

/* ---- acknowledgments ---- */

/* Quick mode allows min(64240 / 2920, 16) = 16; each of the 6 growing segments (see above) adds one. */
START_TEST(a_fast_reader_is_acked_22_times_singly_and_then_every_second_time)
{
    struct rig *r = connect_with(65536);

    stream(r, 0, 22, MSS, 100 * US, true);
    CHECK_EQ(r->acks, 22);
    stream(r, 22 * MSS, 18, MSS, 100 * US, true);
    CHECK_EQ(r->acks, 22 + 9);
    rig_free(r);
}
END_TEST

/* Nobody reads: the window could only shrink, so after the quick phase ACKs wait for the timer. The limit grows
 * only 4 times before the filling buffer meets it: 16 + 4. */
START_TEST(without_a_reader_acks_stop_after_the_quick_phase)
{
    struct rig *r = connect_with(0);

    stream(r, 0, 30, MSS, 100 * US, false);
    CHECK_EQ(r->acks, 20);
    run_until(r, r->now + 100 * MS);
    CHECK_EQ(r->acks, 21);
    CHECK_EQ(r->counters.DelayedACKs, 1);
    rig_free(r);
}
END_TEST

/* 40 ms are 10 ticks; the wheel adds one. From 0.5 ms behind a tick: 11 * 4 - 0.5 = 43.5 ms. Not a ps before. */
START_TEST(a_delayed_ack_leaves_at_the_eleventh_tick)
{
    struct rig *r = connect_with(0);

    tcp_set_quickack(&r->sk, false, r->now, &r->out);
    run_until(r, r->now + 500 * US);
    in(r, 0, MSS);
    run_until(r, r->now + 43500 * US - 1);
    CHECK_EQ(r->acks, 0);
    run_until(r, r->now + 1);
    CHECK_EQ(r->acks, 1);
    CHECK_EQ(r->ack[0].at, SEC + 44 * MS);
    rig_free(r);
}
END_TEST

/* Unless ACKs are quick each expiry doubles ato: 80, 160, 196 (a tick below the least RTO of 200 ms). With a round
 * trip of 300 ms the delay follows: 10, 20, 40, 49 ticks + 1. Gaps of 400 ms stay below the RTO of 900 ms. */
START_TEST(every_expiry_doubles_the_delay)
{
    static const int64_t expected_ms[] = { 44, 84, 164, 200 };
    struct rig *r = rig_new();

    r->setup.handshake_rtt = 300 * MS;
    r->setup.rcvbuf = 131072;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    stream(r, 0, 40, MSS, 100 * US, true);
    for (int i = 0; i < 4; i++) {       /* ticks, each */
        ps_t sent = SEC + (i + 1) * 400 * MS;

        run_until(r, sent);
        in(r, (40 + i) * MSS, MSS);
        take(r, MSS);
        run_until(r, sent + 399 * MS);
        CHECK_EQ(r->ack[r->acks - 1].at, sent + expected_ms[i] * MS);
    }
    rig_free(r);
}
END_TEST

/* A segment that finds a quarter of ato, 2 ticks, or less left on the timer sends the ACK: ticks 10 - 2 = 8 apart. */
START_TEST(an_unread_stream_is_acked_every_32_ms)
{
    struct rig *r = connect_with(262144);
    int first;

    stream(r, 0, 20, 100, 40 * US, false);
    first = r->acks;
    run_until(r, r->now / (4 * MS) * (4 * MS) + 4 * MS);
    stream(r, 2000, 1500, 100, 40 * US, false);
    ck_assert(r->acks >= first + 2);
    for (int i = first + 1; i < r->acks; i++)
        CHECK_EQ((r->ack[i].at - r->ack[i - 1].at + 2 * MS) / (4 * MS), 8);
    rig_free(r);
}
END_TEST

START_TEST(emptying_the_queue_after_a_short_segment_sends_the_ack)
{
    struct rig *r = connect_with(65536);
    int64_t at = stream(r, 0, 30, MSS, 100 * US, true);
    int before = r->acks;

    run_until(r, r->now + 100 * US);
    in(r, at, 700);             /* shorter than rcv_mss: the end of a message, perhaps */
    CHECK_EQ(r->acks, before);
    take(r, 699);
    CHECK_EQ(r->acks, before);
    take(r, 1);
    CHECK_EQ(r->acks, before + 1);
    rig_free(r);
}
END_TEST

/* After a reply an incoming request waits for the next one, or for the timer, which ends ping-pong. */
START_TEST(a_replying_application_carries_its_own_acks)
{
    struct rig *r = connect_with(0);

    in(r, 0, 100);
    take(r, 100);
    tcp_reply(&r->sk, 10, r->now, &r->out);
    run_until(r, r->now + 10 * MS);
    int before = r->acks;
    in(r, 100, 100);
    take(r, 100);
    CHECK_EQ(r->acks, before);
    tcp_reply(&r->sk, 10, r->now, &r->out);
    CHECK_EQ(r->acks, before + 1);
    CHECK_EQ(r->ack[before].ack, IRS + 1 + 200);
    CHECK_EQ(r->ack[before].seq, ISS + 1 + 20);
    run_until(r, r->now + 10 * MS);
    in(r, 200, 100);
    run_until(r, r->now + 44 * MS);
    CHECK_EQ(r->acks, before + 2);
    CHECK_EQ(r->sk.pingpong, 0);
    rig_free(r);
}
END_TEST

/* What GRO made of 10 frames is more than one segment: one ACK, without waiting for another skb. */
START_TEST(a_merged_skb_is_acked_once)
{
    struct rig *r = connect_with(0);

    tcp_set_quickack(&r->sk, false, r->now, &r->out);
    tcp_rcv(&r->sk, segment(r, 0, MSS, 10, TCP_ACK), r->now, &r->out);
    CHECK_EQ(r->acks, 1);
    CHECK_EQ(offset(r->ack[0].ack), 10 * MSS);
    CHECK_EQ(take(r, 3 * MSS + 1), 3 * MSS + 1);
    CHECK_EQ(r->ended[2], 1);
    CHECK_EQ(r->fate[2], FATE_DELIVERED);
    CHECK_EQ(r->ended[3], 0);   /* its last byte is still here */
    rig_free(r);
}
END_TEST

START_TEST(a_backlog_is_acked_once_at_its_end)
{
    struct rig *r = connect_with(65536);

    r->sk.owned = true;
    stream(r, 0, 5, MSS, 0, false);
    CHECK_EQ(r->acks, 0);
    tcp_release(&r->sk, r->now, &r->out);
    CHECK_EQ(r->acks, 1);
    CHECK_EQ(offset(r->ack[0].ack), 5 * MSS);
    rig_free(r);
}
END_TEST

START_TEST(a_timer_that_finds_the_socket_locked_waits_for_the_release)
{
    struct rig *r = connect_with(65536);

    tcp_set_quickack(&r->sk, false, r->now, &r->out);
    in(r, 0, MSS);
    tcp_timer(&r->sk, tcp_deadline(&r->sk), true, &r->out);
    CHECK_EQ(r->acks, 0);
    CHECK_EQ(r->counters.DelayedACKLocked, 1);
    tcp_release(&r->sk, r->sk.now, &r->out);
    CHECK_EQ(r->acks, 1);
    CHECK_EQ(r->counters.DelayedACKs, 1);
    rig_free(r);
}
END_TEST

/* ---- out of order ---- */

/* Fixed buffer, quick phase over, round trip 10 ms, rcv_rtt unknown until a window has passed: then 45 segments of
 * 64240 bytes at 200 us, the first at 0.2 ms: 8.8 ms. 5 % of it: 440 us; + 100 us slack. The first segment after the
 * hole makes the window grow and is acked quickly, the next three are the duplicates a sender must see. */
START_TEST(the_fifth_segment_after_a_hole_is_acked_later)
{
    struct rig *r = rig_new();
    int64_t at;
    int before;

    r->setup.rcvbuf = 131072;
    r->setup.handshake_rtt = 10 * MS;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    at = stream(r, 0, 60, MSS, 200 * US, true);
    CHECK_EQ(r->sk.rcv_rtt_us8 >> 3, 8800);
    run_until(r, r->now + 40 * MS);
    before = r->acks;
    stream(r, at + MSS, 8, MSS, 100 * US, false);
    CHECK_EQ(r->acks, before + 4);
    ps_t held_since = r->now - 3 * 100 * US;
    run_until(r, held_since + 540 * US - 1);
    CHECK_EQ(r->acks, before + 4);
    run_until(r, held_since + 540 * US);
    CHECK_EQ(r->acks, before + 5);
    CHECK_EQ(r->counters.TCPAckCompressed, 3);  /* four were due, one is sent */
    check_block(&r->ack[before + 4], 0, at + MSS, at + 9 * MSS);
    run_until(r, r->now + MS);
    in(r, at, MSS);             /* the hole is filled: at once */
    CHECK_EQ(r->acks, before + 6);
    CHECK_EQ(r->ack[before + 5].blocks, 0);
    CHECK_EQ(offset(r->ack[before + 5].ack), at + 9 * MSS);
    rig_free(r);
}
END_TEST

START_TEST(the_newest_block_comes_first_and_four_fit)
{
    struct rig *r = connect_with(0);

    for (int i = 1; i <= 5; i++)
        in(r, 2 * i * MSS, MSS);
    CHECK_EQ(r->acks, 5);
    CHECK_EQ(r->ack[4].blocks, 4);
    for (int i = 0; i < 4; i++)
        check_block(&r->ack[4], i, 2 * (5 - i) * MSS, (2 * (5 - i) + 1) * MSS);
    rig_free(r);
}
END_TEST

START_TEST(a_filled_gap_makes_one_block_of_two)
{
    struct rig *r = connect_with(0);

    in(r, 2 * MSS, MSS);
    in(r, 4 * MSS, MSS);
    in(r, 3 * MSS, MSS);        /* touches both; nothing is repeated */
    CHECK_EQ(r->ack[2].blocks, 1);
    ck_assert(!r->ack[2].dsack);
    check_block(&r->ack[2], 0, 2 * MSS, 5 * MSS);
    rig_free(r);
}
END_TEST

/* Four duplicates at once, as above; the fifth is held. The sixth opens a further block, so the held ACK leaves, and
 * does not know of it. */
START_TEST(a_held_ack_leaves_before_its_blocks_are_forgotten)
{
    struct rig *r = connect_with(65536);
    int64_t at = stream(r, 0, 40, MSS, 100 * US, true);
    int before;

    run_until(r, r->now + 50 * MS);
    before = r->acks;
    for (int i = 0; i < 6; i++)
        in(r, at + (2 * i + 1) * MSS, MSS);
    CHECK_EQ(r->acks, before + 5);
    check_block(&r->ack[before + 4], 0, at + 9 * MSS, at + 10 * MSS);
    CHECK_EQ(r->ack[before + 4].blocks, 4);
    rig_free(r);
}
END_TEST

START_TEST(timestamps_leave_room_for_three_blocks)
{
    struct rig *r = rig_new();

    r->setup.timestamps = true;
    r->setup.peer_tsval = 1000;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    for (int i = 1; i <= 5; i++) {
        struct skb *s = segment(r, 2 * i * 1448, 1448, 1, TCP_ACK);

        s->tsval = 1000;
        s->tsecr = 1;
        tcp_rcv(&r->sk, s, r->now, &r->out);
    }
    CHECK_EQ(r->ack[4].blocks, 3);
    CHECK_EQ(r->ack[4].tsecr, 1000);
    CHECK_EQ(r->ack[4].tsval, 1000);            /* ms since tsval_origin */
    rig_free(r);
}
END_TEST

START_TEST(old_data_is_answered_at_once_with_a_dsack)
{
    struct rig *r = connect_with(65536);
    int64_t at = stream(r, 0, 31, MSS, 100 * US, true);
    int before = r->acks;

    in(r, 2 * MSS, MSS);
    CHECK_EQ(r->acks, before + 1);
    ck_assert(r->ack[before].dsack);
    check_block(&r->ack[before], 0, 2 * MSS, 3 * MSS);
    CHECK_EQ(offset(r->ack[before].ack), at);
    CHECK_EQ(r->fate[r->frames - 1], FATE_TCP_OLD_DATA);
    CHECK_EQ(r->counters.TCPDSACKOldSent, 1);
    CHECK_EQ(r->counters.DelayedACKLost, 1);
    rig_free(r);
}
END_TEST

START_TEST(a_repeated_out_of_order_segment_is_dsacked_before_its_block)
{
    struct rig *r = connect_with(0);

    in(r, 2 * MSS, MSS);
    in(r, 3 * MSS, MSS);
    in(r, 2 * MSS, MSS);
    ck_assert(r->ack[2].dsack);
    check_block(&r->ack[2], 0, 2 * MSS, 3 * MSS);
    check_block(&r->ack[2], 1, 2 * MSS, 4 * MSS);
    CHECK_EQ(r->fate[2], FATE_TCP_OLD_DATA);
    CHECK_EQ(r->counters.TCPOFOMerge, 1);
    CHECK_EQ(r->counters.TCPDSACKOfoSent, 1);
    rig_free(r);
}
END_TEST

/* [1460, 2920) waits; [0, 2000) brings 1460 new bytes, so the first 540 of the waiting ones are repeated. */
START_TEST(a_segment_that_overlaps_the_queue_is_dsacked_when_the_queue_is_drawn)
{
    struct rig *r = connect_with(0);

    in(r, MSS, MSS);
    in(r, 0, 2000);
    CHECK_EQ(offset(r->ack[1].ack), 2 * MSS);
    ck_assert(r->ack[1].dsack);
    check_block(&r->ack[1], 0, MSS, 2000);
    CHECK_EQ(take(r, INT32_MAX), 2 * MSS);
    CHECK_EQ(r->fate[0], FATE_DELIVERED);
    CHECK_EQ(r->fate[1], FATE_DELIVERED);
    rig_free(r);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(an_old_segment_without_data_is_answered_twice_a_second)
{
    struct rig *r = connect_with(0);
    int before;

    stream(r, 0, 4, MSS, 0, true);
    before = r->acks;
    for (int i = 0; i < 11; i++) {              /* at 0, 0.1 .. 1 s: answered at 0, 0.5, 1 */
        in(r, 0, 0);
        run_until(r, r->now + 100 * MS);
    }
    CHECK_EQ(r->acks, before + 3);
    CHECK_EQ(r->counters.TCPACKSkippedSeq, 8);
    CHECK_EQ(r->fate[4], FATE_TCP_INVALID_SEQUENCE);
    rig_free(r);
}
END_TEST

START_TEST(data_across_the_edge_is_refused_only_while_data_is_unread)
{
    struct rig *r = connect_with(16384);        /* window 16060 */

    in(r, 15000, MSS);
    CHECK_EQ(r->counters.BeyondWindow, 0);      /* nothing unread: all of it is taken */
    in(r, 0, MSS);
    in(r, tcp_receive_window(&r->sk) + 1000, 1000);
    CHECK_EQ(r->counters.BeyondWindow, 1);
    CHECK_EQ(r->fate[2], FATE_TCP_INVALID_SEQUENCE);
    in(r, 40000, MSS);          /* begins beyond */
    CHECK_EQ(r->counters.BeyondWindow, 2);
    CHECK_EQ(r->acks, 4);       /* each answered at once */
    rig_free(r);
}
END_TEST

/* A segment that begins exactly where the window ends passes tcp_sequence() and is refused by tcp_data_queue(). Up to 6.16:
 * later kernels refuse its end already. */
START_TEST(data_that_begins_at_the_edge_is_beyond_the_window)
{
    struct rig *r = rig_new();

    r->params.beyond_window = 0;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    int64_t edge = r->sk.rcv_wnd;
    in(r, edge, MSS);
    CHECK_EQ(r->fate[0], FATE_TCP_OVERWINDOW);
    in(r, edge - 1, MSS);               /* a byte earlier it waits out of order */
    CHECK_EQ(r->ended[1], 0);
    CHECK_EQ(r->counters.TCPOFOQueue, 1);
    rig_free(r);
}
END_TEST

/* Nobody reads; once the window is closed, each further segment in order is dropped and counted. Up to 6.16: later kernels
 * refuse its end before. */
START_TEST(data_into_a_closed_window_is_dropped_and_counted)
{
    struct rig *r = rig_new();
    int64_t at = 0;

    r->params.beyond_window = 0;
    r->setup.rcvbuf = 2 * 16384;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);

    while (r->counters.TCPZeroWindowDrop == 0 && r->frames < 100) {
        in(r, at, 700);
        at = offset(r->sk.rcv_nxt);
    }
    ck_assert_uint_lt(r->frames, 100);
    for (int i = 0; i < 3; i++)
        in(r, at, 700);
    CHECK_EQ(r->counters.TCPZeroWindowDrop, 4);
    for (uint64_t i = r->frames - 4; i < r->frames; i++)
        CHECK_EQ(r->fate[i], FATE_TCP_ZEROWINDOW);
    rig_free(r);
}
END_TEST

START_TEST(an_older_timestamp_is_refused)
{
    struct rig *r = rig_new();

    r->setup.timestamps = true;
    r->setup.peer_tsval = 1000;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    for (int i = 0; i < 3; i++) {
        static const uint32_t tsval[] = { 1005, 1004, 1003 };   /* one older is let through: TCP_PAWS_WINDOW */
        struct skb *s = segment(r, i * 1448, 1448, 1, TCP_ACK);

        s->tsval = tsval[i];
        tcp_rcv(&r->sk, s, r->now, &r->out);
    }
    CHECK_EQ(r->counters.PAWSEstab, 1);
    CHECK_EQ(r->fate[2], FATE_TCP_RFC7323_PAWS);
    CHECK_EQ(r->ack[2].tsecr, 1005);
    CHECK_EQ(tcp_available(&r->sk), 2 * 1448);
    rig_free(r);
}
END_TEST

START_TEST(only_an_exact_reset_resets)
{
    struct rig *r = connect_with(0);

    in(r, 0, MSS);
    tcp_rcv(&r->sk, segment(r, 2 * MSS, 0, 1, TCP_RST), r->now, &r->out);
    CHECK_EQ(r->counters.TCPChallengeACK, 1);
    CHECK_EQ(r->sk.state, TCP_ESTABLISHED);
    tcp_rcv(&r->sk, segment(r, MSS, 0, 1, TCP_RST), r->now, &r->out);
    CHECK_EQ(r->sk.state, TCP_CLOSE);
    CHECK_EQ(r->fate[2], FATE_TCP_CONTROL);
    ck_assert(!tcp_eof(&r->sk));
    CHECK_EQ(take(r, INT32_MAX), MSS);          /* what had come can still be read */
    ck_assert(tcp_eof(&r->sk));
    in(r, MSS, MSS);
    CHECK_EQ(r->fate[3], FATE_TCP_CLOSE);
    rig_free(r);
}
END_TEST

START_TEST(the_end_of_the_stream_is_read_after_its_last_byte)
{
    struct rig *r = connect_with(0);

    in(r, 0, 100);
    tcp_rcv(&r->sk, segment(r, 100, 0, 1, TCP_ACK | TCP_FIN), r->now, &r->out);
    CHECK_EQ(r->fate[1], FATE_TCP_CONTROL);
    CHECK_EQ(r->sk.state, TCP_CLOSE_WAIT);
    CHECK_EQ(tcp_available(&r->sk), 100);
    CHECK_EQ(take(r, 1000), 100);
    ck_assert(tcp_eof(&r->sk));
    CHECK_EQ(r->sk.copied_seq, r->sk.rcv_nxt);
    run_until(r, r->now + 44 * MS);
    CHECK_EQ(offset(r->ack[r->acks - 1].ack), 101);
    rig_free(r);
}
END_TEST

/* ---- memory ---- */

/* Unread segments of 2304 take pages of 4096: 1792 left; 2304 > 1792, a page more: 3584 left; the third fits. */
START_TEST(header_prediction_needs_memory_at_hand)
{
    struct rig *r = connect_with(0);

    in(r, 0, MSS);
    ck_assert(!r->out.fast_path);
    in(r, MSS, MSS);
    ck_assert(!r->out.fast_path);
    in(r, 2 * MSS, MSS);
    ck_assert(r->out.fast_path);
    CHECK_EQ(r->counters.TCPHPHits, 1);
    CHECK_EQ(r->sk.forward_alloc, 3584 - TRUESIZE);
    take(r, MSS);               /* 1280 + 2304 is not a page; with the next one it is, and 1792 */
    CHECK_EQ(r->sk.forward_alloc, 3584);
    take(r, MSS);
    CHECK_EQ(r->sk.forward_alloc, 3584 + TRUESIZE - 4096);
    rig_free(r);
}
END_TEST

/* A head on a page fragment becomes a fragment of the tail: its sk_buff of 256 bytes is saved. 17 fragments fill an
 * skb: the first skb takes 17 more, the 19th begins a new one. */
START_TEST(a_page_fragment_joins_the_skb_before_it)
{
    struct rig *r = connect_with(0);
    int64_t expected = TRUESIZE + 17 * (TRUESIZE - 256) + TRUESIZE;

    for (int i = 0; i < 19; i++) {
        struct skb *s = segment(r, i * MSS, MSS, 1, TCP_ACK);

        s->head_frag = 1;
        tcp_rcv(&r->sk, s, r->now, &r->out);
    }
    CHECK_EQ(r->counters.TCPRcvCoalesce, 17);
    CHECK_EQ(r->sk.receive.length, 2);
    CHECK_EQ(r->sk.rmem_alloc, expected);
    take(r, 5 * MSS);
    CHECK_EQ(r->ended[4], 1);
    CHECK_EQ(r->ended[5], 0);
    take(r, INT32_MAX);
    CHECK_EQ(r->sk.rmem_alloc, 0);
    rig_free(r);
}
END_TEST

/* 646 segments of 100 bytes, 832 of memory each, in 131072: the 159th finds it overrun. A page of 4352 then holds
 * 3776 bytes, so all 64600 fit. Every prune copies what has come since the last. */
START_TEST(a_fixed_buffer_of_small_segments_collapses_and_loses_nothing)
{
    struct rig *r = connect_with(65536);

    in(r, 64100, 100);          /* out of order: copying makes room enough, it need not go */
    stream(r, 0, 640, 100, 40 * US, false);
    ck_assert(r->counters.PruneCalled > 0);
    CHECK_EQ(r->counters.OfoPruned, 0);
    CHECK_EQ(r->sk.ofo.length, 1);
    ck_assert(r->counters.TCPRcvCollapsed > 300);
    CHECK_EQ(r->counters.RcvPruned, 0);
    CHECK_EQ(r->sk.rcv_ssthresh, 2 * MSS);
    CHECK_EQ(tcp_available(&r->sk), 64000);
    CHECK_EQ(take(r, INT32_MAX), 64000);
    CHECK_EQ(r->sk.rmem_alloc, 832);
    for (int i = 1; i <= 640; i++)
        CHECK_EQ(r->fate[i], FATE_DELIVERED);
    rig_free(r);
}
END_TEST

/* 8 of 2304 overrun 16384. From 6.6 on nothing is thrown out for a segment behind it. Full frames of 2304 cannot be
 * collapsed into less: 1460 of 2304 is the share that was measured. */
START_TEST(a_segment_behind_a_full_queue_is_the_one_to_go)
{
    for (int keeps = 0; keeps < 2; keeps++) {
        struct rig *r = rig_new();

        r->params.prune_keeps_older = keeps;
        r->setup.rcvbuf = 16384;
        tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now);
        r->sk.rcv_wnd = 65535;  /* a sender that was promised more */
        for (int i = 1; i <= 9; i++)
            in(r, 2 * i * MSS, MSS);
        CHECK_EQ(r->counters.TCPOFODrop, keeps);
        CHECK_EQ(r->counters.OfoPruned, !keeps);
        CHECK_EQ(r->fate[8], keeps ? FATE_PROTO_MEM : FATE_IN_FLIGHT);
        CHECK_EQ(r->ended[7], !keeps);
        rig_free(r);
    }
}
END_TEST

/* Each overrun sets the buffer to what is allocated: after n segments, between (n - 6) and n times 832. */
START_TEST(an_autotuned_buffer_grows_instead)
{
    struct rig *r = connect_with(0);

    stream(r, 0, 640, 100, 40 * US, false);
    CHECK_EQ(r->counters.TCPRcvCollapsed, 0);
    CHECK_EQ(r->sk.rmem_alloc, 640 * 832);
    ck_assert_int_ge(r->sk.rcvbuf, 634 * 832);
    ck_assert_int_le(r->sk.rcvbuf, 640 * 832);
    rig_free(r);
}
END_TEST

/* SO_RCVBUF 16384 after the handshake: 32768 hold 15 of 2304 (the test is before adding), and the 16th needs no test
 * because header prediction takes it. The 17th is dropped, and the window closes. */
START_TEST(a_lowered_buffer_drops_the_seventeenth_segment)
{
    struct rig *r = connect_with(0);

    tcp_set_rcvbuf(&r->sk, 16384);
    stream(r, 0, 17, MSS, 200 * US, false);
    CHECK_EQ(tcp_available(&r->sk), 16 * MSS);
    CHECK_EQ(r->counters.TCPRcvQDrop, 1);
    CHECK_EQ(r->counters.RcvPruned, 1);
    CHECK_EQ(r->fate[16], FATE_PROTO_MEM);
    CHECK_EQ(r->ack[r->acks - 1].window, 0);
    rig_free(r);
}
END_TEST

/* The first window of 64240 + the first segment has passed with the 45th: 65700 bytes read in one round trip,
 * 14600 (10 MSS) assumed before. 2 * 65700 + 4 * 65700 * 51100 / 14600 = 1051200, * 256 / 162 = 1661155. */
START_TEST(the_buffer_follows_the_reader_once_a_round_trip)
{
    struct rig *r = connect_with(0);

    stream(r, 0, 44, MSS, 500 * US, true);
    CHECK_EQ(r->sk.rcvbuf, 131072);
    stream(r, 44 * MSS, 1, MSS, 500 * US, true);
    CHECK_EQ(r->sk.rcv_rtt_us8 >> 3, 22000);
    CHECK_EQ(r->sk.rcvbuf, 1661155);
    rig_free(r);
}
END_TEST

START_TEST(a_fixed_buffer_does_not_follow_the_reader)
{
    struct rig *r = connect_with(65536);

    stream(r, 0, 100, MSS, 500 * US, true);
    CHECK_EQ(r->sk.rcvbuf, 131072);
    rig_free(r);
}
END_TEST

/* ECN agreed on: a CE mark is echoed in every ACK, which comes at once (two quick ACKs), until a CWR says that the sender has
 * slowed down. Without the agreement the mark means nothing. */
START_TEST(a_congestion_mark_is_echoed_until_the_sender_has_answered)
{
    for (int ecn = 0; ecn < 2; ecn++) {
        struct rig *r = rig_new();
        struct skb *s;

        r->setup.ecn = ecn;
        tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
        s = segment(r, 0, MSS, 1, TCP_ACK);
        s->tos = 3;
        tcp_rcv(&r->sk, s, r->now, &r->out);
        CHECK_EQ(r->ack[r->acks - 1].flags & TCP_ECE, ecn ? TCP_ECE : 0);
        in(r, MSS, MSS);
        CHECK_EQ(r->ack[r->acks - 1].flags & TCP_ECE, ecn ? TCP_ECE : 0);
        s = segment(r, 2 * MSS, MSS, 1, TCP_ACK | TCP_CWR);
        s->tos = 2;
        tcp_rcv(&r->sk, s, r->now, &r->out);
        CHECK_EQ(r->ack[r->acks - 1].flags & TCP_ECE, 0);
        rig_free(r);
    }
}
END_TEST

/* Half of the buffer is window before a segment has been measured. */
START_TEST(low_water_raises_the_buffer_and_holds_the_wakeup)
{
    struct rig *r = rig_new();

    r->setup.rcvlowat = 200000;
    tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now - 20 * MS);
    CHECK_EQ(r->sk.rcvbuf, 400000);
    tcp_set_rcvlowat(&r->sk, 3000);
    in(r, 0, MSS);
    in(r, MSS, MSS);
    ck_assert(!r->out.data_ready);
    in(r, 2 * MSS, MSS);
    ck_assert(r->out.data_ready);
    rig_free(r);
}
END_TEST

START_TEST(contradictory_limits_are_a_sentence)
{
    struct rig *r = rig_new();

    ck_assert_ptr_null(tcp_params_check(&r->params));
    r->params.rmem_default = r->params.rmem_max + 1;
    ck_assert_ptr_nonnull(tcp_params_check(&r->params));
    free(r);
}
END_TEST

/* ---- the law ---- */

static int64_t queued_truesize(const struct skb_queue *q)
{
    int64_t sum = 0, n = 0;

    for (const struct skb *s = q->first; s; s = s->next) {
        sum += s->truesize;
        n++;
        if (!s->next)
            ck_assert(q->last == s);
    }
    CHECK_EQ(n, q->length);
    return sum;
}

static void check_state(struct rig *r, int first_ack, uint32_t *edge)
{
    CHECK_EQ(queued_truesize(&r->sk.receive) + queued_truesize(&r->sk.ofo), r->sk.rmem_alloc);
    for (const struct skb *s = r->sk.ofo.first; s && s->next; s = s->next)
        ck_assert((int32_t)(s->next->seq - s->seq) >= 0);
    if (r->sk.ofo.first)
        ck_assert((int32_t)(r->sk.ofo.first->seq - r->sk.rcv_nxt) > 0);
    ck_assert((int32_t)(r->sk.rcv_nxt - r->sk.copied_seq) >= 0);
    for (int i = first_ack; i < r->acks; i++) { /* the right edge goes back only when the window is closed */
        uint32_t right = r->ack[i].ack + (uint32_t)r->ack[i].window;

        ck_assert(r->ack[i].window == 0 || (int32_t)(right - *edge) >= 0);
        *edge = right;
    }
}

/* Segments around what is expected: holes, repeats, overlaps, several frames, sometimes an end. */
static struct skb *random_segment(struct rig *r, struct stream *random, int reach)
{
    int frames = 1 + (int)(stream_below(random, 4) == 0 ? stream_below(random, 6) : 0);
    int32_t len = stream_below(random, 5) ? (int32_t)stream_below(random, 1460) + 1 : 0;
    int64_t at = offset(r->sk.rcv_nxt);
    uint8_t flags = TCP_ACK;

    if (stream_below(random, 2))
        at += (int64_t)stream_below(random, (uint64_t)reach) - reach / 3;
    if (at < 0)
        at = 0;
    if (len == 0)
        frames = 1;
    if (stream_below(random, 4) == 0)
        flags |= TCP_PSH;
    if (stream_below(random, 3000) == 0)
        flags |= TCP_FIN;
    if (stream_below(random, 4000) == 0)
        flags |= TCP_RST;

    struct skb *s = segment(r, at, len, frames, flags);
    s->head_frag = (uint8_t)stream_below(random, 2);
    s->has_frag_list = stream_below(random, 10) == 0;
    s->tail = (int16_t)(104 + len);
    s->end = (int16_t)(104 + len + (int32_t)stream_below(random, 400));
    s->window = (uint16_t)(stream_below(random, 50) ? 65535 : 1000);
    s->tos = (uint8_t)stream_below(random, 4);
    return s;
}

static void random_switches(struct rig *r, struct stream *random)
{
    struct tcp_params *p = &r->params;

    p->scaling_ratio = (int64_t)stream_below(random, 2);
    p->rcvbuf_counts_len = (int64_t)stream_below(random, 2);
    p->beyond_window = (int64_t)stream_below(random, 2);
    p->nomem_zero_window = (int64_t)stream_below(random, 2);
    p->prune_keeps_older = (int64_t)stream_below(random, 2);
    p->page_reclaim = (int64_t)stream_below(random, 2);
    p->drs = (int64_t)stream_below(random, TCP_DRS_CHOICES);
    p->rmem_max = 131072 << stream_below(random, 4);
    r->setup.sack = stream_below(random, 4) != 0;
    r->setup.ecn = stream_below(random, 2);
    r->setup.rcvbuf = stream_below(random, 3) ? 2304 + (int64_t)stream_below(random, 60000) : 0;
}

START_TEST(every_frame_ends_exactly_once_whatever_comes)
{
    enum { SEEDS = 300, STEPS = 800 };
    uint64_t fates[FATES] = { 0 }, collapsed = 0, pruned = 0;

    for (int seed = 0; seed < SEEDS; seed++) {
        struct rig *r = rig_new();
        struct stream random;
        int reach;

        stream_seed(&random, 7, (uint64_t)seed, "tcp");
        random_switches(r, &random);
        reach = 1000 << stream_below(&random, 7);
        tcp_sock_init(&r->sk, &r->params, &r->counters, &r->ops, &r->setup, r->now);

        uint32_t edge = r->sk.rcv_nxt + (uint32_t)r->sk.rcv_wnd;
        for (int step = 0; step < STEPS; step++) {
            int acks = r->acks;

            run_until(r, r->now + (ps_t)stream_below(&random, 100) * US);
            r->sk.owned = stream_below(&random, 8) == 0;
            tcp_rcv(&r->sk, random_segment(r, &random, reach), r->now, &r->out);
            if (r->sk.owned)
                tcp_release(&r->sk, r->now, &r->out);
            r->sk.owned = false;
            if (stream_below(&random, 8) == 0)
                take(r, (int64_t)stream_below(&random, 20000) + 1);
            check_state(r, acks, &edge);
            if (r->acks > LOG / 2)
                r->acks = 0;
        }
        collapsed += r->counters.TCPRcvCollapsed;
        pruned += r->counters.OfoPruned;
        tcp_sock_free(&r->sk, r->now);
        for (uint64_t i = 0; i < r->frames; i++)
            fates[r->fate[i]] += (uint64_t)r->ended[i];
        rig_free(r);
    }
    /* the test has been where it hurts */
    ck_assert(collapsed > 0 && pruned > 0);
    ck_assert(fates[FATE_DELIVERED] > 0 && fates[FATE_TCP_OLD_DATA] > 0 && fates[FATE_PROTO_MEM] > 0);
    ck_assert(fates[FATE_TCP_OFO_QUEUE_PRUNE] > 0 && fates[FATE_TCP_ZEROWINDOW] > 0 && fates[FATE_TCP_CLOSE] > 0);
    ck_assert(fates[FATE_TCP_CONTROL] > 0 && fates[FATE_TCP_PURE_ACK] > 0 && fates[FATE_IN_FLIGHT] > 0);
}
END_TEST

SUITE(tcp,
      the_first_window_is_half_the_buffer_in_whole_segments,
      a_full_segment_opens_the_window_by_two_more,
      a_smaller_share_of_payload_cuts_the_limit_but_not_the_window,
      a_slow_reader_reopens_the_window_by_doubling,
      less_than_a_sixteenth_of_the_buffer_counts_as_nothing,
      a_fast_reader_is_acked_22_times_singly_and_then_every_second_time,
      without_a_reader_acks_stop_after_the_quick_phase,
      a_delayed_ack_leaves_at_the_eleventh_tick,
      every_expiry_doubles_the_delay,
      an_unread_stream_is_acked_every_32_ms,
      emptying_the_queue_after_a_short_segment_sends_the_ack,
      a_replying_application_carries_its_own_acks,
      a_merged_skb_is_acked_once,
      a_backlog_is_acked_once_at_its_end,
      a_timer_that_finds_the_socket_locked_waits_for_the_release,
      the_fifth_segment_after_a_hole_is_acked_later,
      the_newest_block_comes_first_and_four_fit,
      a_filled_gap_makes_one_block_of_two,
      a_held_ack_leaves_before_its_blocks_are_forgotten,
      timestamps_leave_room_for_three_blocks,
      old_data_is_answered_at_once_with_a_dsack,
      a_repeated_out_of_order_segment_is_dsacked_before_its_block,
      a_segment_that_overlaps_the_queue_is_dsacked_when_the_queue_is_drawn,
      an_old_segment_without_data_is_answered_twice_a_second,
      data_across_the_edge_is_refused_only_while_data_is_unread,
      data_that_begins_at_the_edge_is_beyond_the_window,
      data_into_a_closed_window_is_dropped_and_counted,
      an_older_timestamp_is_refused,
      only_an_exact_reset_resets,
      the_end_of_the_stream_is_read_after_its_last_byte,
      header_prediction_needs_memory_at_hand,
      a_page_fragment_joins_the_skb_before_it,
      a_fixed_buffer_of_small_segments_collapses_and_loses_nothing,
      a_segment_behind_a_full_queue_is_the_one_to_go,
      an_autotuned_buffer_grows_instead,
      a_lowered_buffer_drops_the_seventeenth_segment,
      the_buffer_follows_the_reader_once_a_round_trip,
      a_fixed_buffer_does_not_follow_the_reader,
      a_congestion_mark_is_echoed_until_the_sender_has_answered, low_water_raises_the_buffer_and_holds_the_wakeup,
      contradictory_limits_are_a_sentence,
      every_frame_ends_exactly_once_whatever_comes)
