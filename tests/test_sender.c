/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/sender.h"

#include <string.h>

#include "models/host_config.h"
#include "tests/suite.h"

/* One sender over a path of 100 us; frames of 1070 bytes carry 1000. The tests are the wire and the receiver.
 */
struct bench {
    struct traffic_config source;
    struct config config;
    char *text[1];
    struct variate unused;
    struct engine engine;
    struct pool frames;
    struct traffic t;
    struct tcp_sender s;
    int notified;
};
static struct bench b;

static void notify(void *user)
{
    ck_assert_ptr_eq(user, &b);
    b.notified++;
}

static void prepare(void)
{
    b = (struct bench){ .text = { "" } };
    b.config = (struct config){ .traffic = &b.source, .nics = 1, .traffics = 1, .text = b.text, .texts = 1 };
    b.source.traffic = (struct traffic_params){ .kind = TRAFFIC_SENDER, .frame = 1070, .flows = 1, .sport = 1,
                                                .dport = 2, .timestamps = 1, .window = 4000, .rtt = 100 * US };
    CHECK_EQ(engine_init(&b.engine, true), 0);
    pool_init(&b.frames, sizeof(struct frame));
}

static void begin(int64_t peer_window)
{
    traffic_init(&b.t, &b.config, 0, 7, 10000000000, &b.unused, 1, 0);
    CHECK_EQ(sender_init(&b.s, &b.t, 0, &b.engine, &b.frames, peer_window, notify, &b), 0);
    sender_start(&b.s);
}

static void done(void)
{
    sender_free(&b.s);
    pool_free(&b.frames);
    engine_free(&b.engine);
}

/* Takes the next frame off the source: it must have this number and payload, and start at this time. */
static void expect(uint32_t seq, int32_t payload, ps_t at)
{
    struct frame *f;

    ck_assert_msg(traffic_peek(&b.t) != PS_NEVER, "no frame where %u was expected", seq);
    f = traffic_next(&b.t, NULL);
    ck_assert_uint_eq(f->seq, seq);
    CHECK_EQ(f->payload, payload);
    CHECK_EQ(f->wire_at, at);
    CHECK_EQ(f->flow, 7);
    pool_return(&b.frames, f);
}

static void expect_nothing(void)
{
    CHECK_EQ(traffic_peek(&b.t), PS_NEVER);
}

static void ack(uint32_t number, int64_t window)
{
    sender_ack(&b.s, number, window, 1, b.engine.now);
}

/* ---- the loop ---- */

/* The window of 4000 is four segments; decided at 0, on the wire half an rtt later. */
START_TEST(the_first_flight_fills_the_window)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    CHECK_EQ(b.notified, 1);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    expect_nothing();
    CHECK_EQ(sender_in_flight(&b.s), 4000);
    done();
}
END_TEST

/* An ACK sent at 60 us arrives at 110 us, and what it lets out may start at 160 us: one rtt, not a
 * picosecond less. */
START_TEST(an_ack_lets_new_data_out_one_rtt_later)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 60 * US);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    ack(2001, 65536);
    engine_run_until(&b.engine, 110 * US - 1);
    expect_nothing();
    engine_run_until(&b.engine, 110 * US);
    expect(4001, 1000, 160 * US);
    expect(5001, 1000, 160 * US);
    expect_nothing();
    CHECK_EQ(b.notified, 2);
    CHECK_EQ(b.s.srtt, 110 * US);       /* sent at 0, acknowledged at 110 us */
    done();
}
END_TEST

START_TEST(acks_in_flight_keep_their_own_times)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    sender_ack(&b.s, 1001, 65536, 1, 10 * US);
    sender_ack(&b.s, 2001, 65536, 1, 10 * US + 3);
    sender_ack(&b.s, 3001, 65536, 1, 10 * US + 5);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    engine_run_until(&b.engine, 200 * US);
    expect(4001, 1000, 110 * US);
    expect(5001, 1000, 110 * US + 3);
    expect(6001, 1000, 110 * US + 5);
    expect_nothing();
    done();
}
END_TEST

/* An rtt of 2001 ps: the ACK needs floor(2001/2) = 1000 ps and the data the other 1001. */
START_TEST(the_two_halves_of_an_odd_rtt_are_the_whole)
{
    prepare();
    b.source.traffic.rtt = 1 * US + 1;
    begin(65536);
    engine_run_until(&b.engine, 1 * US);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 500 * NS + 1);
    ack(1001, 65536);
    engine_run_until(&b.engine, 2 * US);
    expect(4001, 1000, 2 * US + 1);
    done();
}
END_TEST

START_TEST(the_smaller_window_rules)
{
    prepare();
    begin(2500);                        /* two whole segments; half a segment waits */
    engine_run_until(&b.engine, 0);
    expect(1, 1000, 50 * US);
    expect(1001, 1000, 50 * US);
    expect_nothing();
    ack(2001, 1000000);                 /* the receiver opens; ours still is 4000 */
    engine_run_until(&b.engine, 50 * US);
    for (uint32_t i = 0; i < 4; i++)
        expect(2001 + 1000 * i, 1000, 100 * US);
    expect_nothing();
    done();
}
END_TEST

START_TEST(a_finite_flow_ends_with_a_push_and_silence)
{
    prepare();
    b.source.traffic.bytes = 2300;
    begin(65536);
    engine_run_until(&b.engine, 0);
    expect(1, 1000, 50 * US);
    expect(1001, 1000, 50 * US);
    CHECK_EQ(b.t.pushed.first->tcp_flags, TCP_ACK | TCP_PSH);
    CHECK_EQ(b.t.pushed.first->wire_bytes, 370);
    expect(2001, 300, 50 * US);
    ck_assert(!sender_done(&b.s));
    ack(2301, 65536);
    engine_run_until(&b.engine, 10 * SEC);
    ck_assert(sender_done(&b.s));
    expect_nothing();
    CHECK_EQ(engine_horizon(&b.engine), PS_NEVER);
    done();
}
END_TEST

START_TEST(nothing_starts_at_or_after_stop)
{
    prepare();
    b.source.traffic.stop = 50 * US;
    begin(65536);
    engine_run_until(&b.engine, 10 * SEC);
    expect_nothing();
    CHECK_EQ(b.s.segments, 0);
    done();
    prepare();
    b.source.traffic.stop = 50 * US + 1;        /* the first flight, and no retransmission */
    begin(65536);
    CHECK_EQ(sender_done(&b.s), false);
    engine_run_until(&b.engine, 10 * SEC);
    CHECK_EQ(b.s.segments, 4);
    CHECK_EQ(sender_done(&b.s), true);
    CHECK_EQ(engine_horizon(&b.engine), PS_NEVER);
    done();
}
END_TEST

START_TEST(the_start_is_the_sources_and_its_offset_within_one_rtt)
{
    ps_t first;

    prepare();
    b.source.traffic.start = 30 * US;
    begin(65536);
    engine_run_until(&b.engine, 30 * US - 1);
    CHECK_EQ(b.s.segments, 0);
    engine_run_until(&b.engine, 30 * US);
    CHECK_EQ(b.s.segments, 4);
    done();
    prepare();
    b.source.traffic.start = 30 * US;
    b.source.traffic.offset = 1;
    begin(65536);
    first = b.s.start_at;
    ck_assert_int_gt(first, 30 * US);
    ck_assert_int_lt(first, 130 * US);
    done();
}
END_TEST

/* ---- loss ---- */

/* Segment 1001 was lost: 2001 and 3001 and the next draw an ACK of 1001 each. The third sends again from
 * the hole: all four that were in flight. The fourth changes nothing. When the hole is filled the receiver
 * has everything. */
START_TEST(three_duplicates_send_again_from_the_hole_once)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    ack(1001, 65536);
    ack(1001, 65536);
    ack(1001, 65536);
    engine_run_until(&b.engine, 50 * US);
    expect(4001, 1000, 100 * US);       /* the first of them was no duplicate: it was new */
    expect_nothing();
    CHECK_EQ(b.s.fast_retransmits, 0);
    ack(1001, 65536);
    engine_run_until(&b.engine, 100 * US);
    for (uint32_t i = 0; i < 4; i++)
        expect(1001 + 1000 * i, 1000, 150 * US);
    expect_nothing();
    CHECK_EQ(b.s.fast_retransmits, 1);
    CHECK_EQ(b.s.retransmits, 4);
    for (int i = 0; i < 10; i++)
        ack(1001, 65536);
    engine_run_until(&b.engine, 150 * US);
    expect_nothing();
    ack(5001, 65536);
    engine_run_until(&b.engine, 200 * US);
    expect(5001, 1000, 250 * US);
    done();
}
END_TEST

/* An ACK of the old number with a larger window is an update, not a sign of loss. */
START_TEST(window_updates_are_not_duplicates)
{
    prepare();
    begin(4000);
    engine_run_until(&b.engine, 0);
    for (int i = 1; i <= 6; i++)
        ack(1, 4000 + i);
    engine_run_until(&b.engine, 50 * US);
    CHECK_EQ(b.s.fast_retransmits, 0);
    CHECK_EQ(b.s.peer_window, 4006);
    done();
}
END_TEST

/* Nothing measured yet: 1 s, then 2 s after that, then 4 s. Each time all of the window again. */
START_TEST(silence_is_answered_by_the_timer_with_doubling)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 1 * SEC - 1);
    CHECK_EQ(b.s.segments, 4);
    engine_run_until(&b.engine, 1 * SEC);
    CHECK_EQ(b.s.segments, 8);
    CHECK_EQ(b.s.timeouts, 1);
    engine_run_until(&b.engine, 3 * SEC - 1);
    CHECK_EQ(b.s.segments, 8);
    engine_run_until(&b.engine, 3 * SEC);
    CHECK_EQ(b.s.segments, 12);
    engine_run_until(&b.engine, 7 * SEC);
    CHECK_EQ(b.s.segments, 16);
    CHECK_EQ(b.s.retransmits, 12);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 1 * SEC + 50 * US);
    engine_run_until(&b.engine, 1000 * SEC);
    /* 1 3 7 15 31 63 127, then each 120 s: 247 367 487 607 727 847 967 */
    CHECK_EQ(b.s.timeouts, 14);
    done();
}
END_TEST

/* srtt is 100 us exactly (ACK sent at 50 us); then 200.1 ms after the last progress at 100 us. */
START_TEST(the_timer_is_the_measured_rtt_and_200_ms)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 50 * US);
    ack(1001, 65536);
    engine_run_until(&b.engine, 100 * US);
    CHECK_EQ(b.s.srtt, 100 * US);
    CHECK_EQ(b.s.segments, 5);
    engine_run_until(&b.engine, 200 * MS + 200 * US - 1);
    CHECK_EQ(b.s.timeouts, 0);
    engine_run_until(&b.engine, 200 * MS + 200 * US);
    CHECK_EQ(b.s.timeouts, 1);
    CHECK_EQ(b.s.segments, 9);
    done();
}
END_TEST

/* Karn: an ACK after a retransmission says nothing about the rtt. */
START_TEST(a_segment_sent_twice_is_not_measured)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 1 * SEC);
    ack(4001, 65536);
    engine_run_until(&b.engine, 1 * SEC + 50 * US);
    CHECK_EQ(b.s.srtt, 0);
    done();
}
END_TEST

/* srtt 100 us: expiries 200.1 ms after the ACK's 100 us, and doubled. Then an ACK of new data at 700 ms
 * arrives at 700.05 ms: the next expiry is 200.1 ms later again, not four times that. */
START_TEST(progress_ends_the_doubling)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 50 * US);
    ack(1001, 65536);
    engine_run_until(&b.engine, 700 * MS);
    CHECK_EQ(b.s.timeouts, 2);
    ack(2001, 65536);
    engine_run_until(&b.engine, 700 * MS + 50 * US + 200 * MS + 100 * US - 1);
    CHECK_EQ(b.s.timeouts, 2);
    engine_run_until(&b.engine, 700 * MS + 50 * US + 200 * MS + 100 * US);
    CHECK_EQ(b.s.timeouts, 3);
    done();
}
END_TEST

/* After the timer sent the first of four again, an ACK of all four (the receiver had the other three) moves
 * on to what was never sent. */
START_TEST(what_the_receiver_already_had_is_not_sent_a_third_time)
{
    prepare();
    b.source.traffic.window = 4000;
    begin(1000);
    engine_run_until(&b.engine, 0);
    ack(1, 4000);
    engine_run_until(&b.engine, 1 * SEC - 1);
    CHECK_EQ(b.s.segments, 4);
    b.s.peer_window = 1000;                     /* so that the timer sends one only */
    engine_run_until(&b.engine, 1 * SEC);
    CHECK_EQ(b.s.segments, 5);
    CHECK_EQ(b.s.next, 1000);
    ack(4001, 4000);
    engine_run_until(&b.engine, 1 * SEC + 50 * US);
    CHECK_EQ(b.s.next, 8000);
    CHECK_EQ(b.s.retransmits, 1);
    done();
}
END_TEST

/* Two duplicates, progress, two more: never three in a row. */
START_TEST(progress_forgets_duplicates)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    ack(1, 65536);
    ack(1, 65536);
    ack(1001, 65536);
    ack(1001, 65536);
    ack(1001, 65536);
    engine_run_until(&b.engine, 50 * US);
    CHECK_EQ(b.s.fast_retransmits, 0);
    done();
}
END_TEST

/* An ACK that arrives at the very instant of the timer comes first: nothing is lost. */
START_TEST(an_ack_at_the_instant_of_the_timer_comes_first)
{
    prepare();
    begin(65536);
    sender_ack(&b.s, 1001, 65536, 1, 1 * SEC - 50 * US);
    engine_run_until(&b.engine, 1 * SEC);
    CHECK_EQ(b.s.timeouts, 0);
    CHECK_EQ(b.s.segments, 5);
    done();
}
END_TEST

/* ---- a closed window ---- */

/* Everything is acknowledged and the window is 0: after the timer an empty segment one byte before,
 * sequence number 4000. The answer opens 300 bytes: the next probe carries what fits. A real opening ends
 * it. */
START_TEST(a_closed_window_is_probed)
{
    ps_t timer;

    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    ack(4001, 0);
    engine_run_until(&b.engine, 50 * US);
    expect_nothing();
    timer = 50 * US + 200 * MS + 50 * US;       /* progress, srtt of 50 us, and 200 ms */
    engine_run_until(&b.engine, timer - 1);
    expect_nothing();
    engine_run_until(&b.engine, timer);
    expect(4000, 0, timer + 50 * US);
    CHECK_EQ(b.s.probes, 1);
    CHECK_EQ(b.s.timeouts, 0);
    ack(4001, 300);
    engine_run_until(&b.engine, timer + 2 * (200 * MS + 50 * US));
    expect(4001, 300, timer + 2 * (200 * MS + 50 * US) + 50 * US);
    expect_nothing();
    ack(4301, 65536);
    engine_run_until(&b.engine, b.engine.now + 50 * US);
    expect(4301, 1000, b.engine.now + 50 * US);
    done();
}
END_TEST

START_TEST(an_update_opens_a_closed_window_at_once)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, 50 * US);
    ack(4001, 1000);
    ack(4001, 0);                       /* closes what the one before it had opened */
    engine_run_until(&b.engine, 60 * US);
    CHECK_EQ(b.s.peer_window, 0);
    ack(4001, 65536);
    engine_run_until(&b.engine, 110 * US);
    expect(4001, 1000, 160 * US);
    CHECK_EQ(b.s.segments, 8);
    CHECK_EQ(b.s.probes, 0);
    done();
}
END_TEST

/* ---- sequence numbers and foreign ACKs ---- */

/* 5 GB in windows of 16 MiB: the number wraps once, and nothing stops. */
START_TEST(sequence_numbers_wrap)
{
    uint64_t total = UINT64_C(5000000000);
    struct frame *f;

    prepare();
    b.source.traffic.bytes = (int64_t)total;
    b.source.traffic.frame = 9022;
    b.source.traffic.window = 1 << 24;
    begin(1 << 24);
    engine_run_until(&b.engine, 0);
    while (!sender_done(&b.s)) {
        uint32_t to = 0;

        while (traffic_peek(&b.t) != PS_NEVER) {
            f = traffic_next(&b.t, NULL);
            to = f->seq + (uint32_t)f->payload;
            pool_return(&b.frames, f);
        }
        ack(to, 1 << 24);
        engine_run_until(&b.engine, b.engine.now + 100 * US);
    }
    CHECK_EQ(b.s.retransmits, 0);
    CHECK_EQ(b.s.segments, (total + 8951) / 8952);      /* 9022 - 70 bytes each */
    CHECK_EQ(b.frames.out, 0);
    done();
}
END_TEST

START_TEST(acks_of_what_was_never_sent_or_long_acknowledged_are_ignored)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    ack(4002, 99);
    ack(0, 99);
    ack(0x80000001, 99);
    engine_run_until(&b.engine, 60 * US);
    CHECK_EQ(b.s.acked, 0);
    CHECK_EQ(b.s.peer_window, 65536);
    CHECK_EQ(b.s.segments, 4);
    ack(3001, 65536);
    ack(1001, 99);
    engine_run_until(&b.engine, 120 * US);
    CHECK_EQ(b.s.acked, 3000);
    CHECK_EQ(b.s.peer_window, 65536);
    done();
}
END_TEST

START_TEST(the_receivers_newest_time_stamp_is_echoed)
{
    prepare();
    begin(65536);
    engine_run_until(&b.engine, 0);
    sender_ack(&b.s, 1001, 65536, 500, 0);
    sender_ack(&b.s, 2001, 65536, 499, 0);
    engine_run_until(&b.engine, 50 * US);
    CHECK_EQ(b.t.pushed.last->tsecr, 500);
    CHECK_EQ(b.t.pushed.last->tsval, 1);
    done();
}
END_TEST

/* 1000 ACKs under way, more than the ring's first room, while its head is not at its beginning. */
START_TEST(any_number_of_acks_may_be_under_way)
{
    prepare();
    b.source.traffic.window = 2000000;
    begin(2000000);
    engine_run_until(&b.engine, 0);
    CHECK_EQ(b.s.segments, 2000);
    for (uint32_t i = 1; i <= 50; i++)
        sender_ack(&b.s, 1 + 1000 * i, 2000000, 1, (ps_t)i);
    engine_run_until(&b.engine, 50 * US + 50);
    CHECK_EQ(b.s.acked, 50000);
    for (uint32_t i = 51; i <= 1050; i++)
        sender_ack(&b.s, 1 + 1000 * i, 2000000, 1, 60 * US + (ps_t)i);
    engine_run_until(&b.engine, 110 * US + 60);
    CHECK_EQ(b.s.acked, 60000);
    engine_run_until(&b.engine, 110 * US + 700);
    CHECK_EQ(b.s.acked, 700000);
    engine_run_until(&b.engine, 110 * US + 1050);
    CHECK_EQ(b.s.acked, 1050000);
    done();
}
END_TEST

/* ---- pacing, and no timestamps ---- */

/* Two flows of one source let four segments each out at 0. They start half an rtt later, and 2 us and 1 ps
 * apart: the source's interval holds across its flows. Without one all eight start together. */
START_TEST(an_interval_paces_a_source_over_all_its_flows)
{
    for (int paced = 0; paced < 2; paced++) {
        struct tcp_sender second;

        prepare();
        b.source.traffic.flows = 2;
        b.source.traffic.interval = paced ? 2 * US + 1 : 0;
        begin(65536);
        CHECK_EQ(sender_init(&second, &b.t, 1, &b.engine, &b.frames, 65536, notify, &b), 0);
        sender_start(&second);
        engine_run_until(&b.engine, 0);
        for (int i = 0; i < 8; i++) {
            struct frame *f = traffic_next(&b.t, NULL);
            CHECK_EQ(f->flow, i < 4 ? 7 : 8);
            CHECK_EQ(f->wire_at, 50 * US + (paced ? i * (2 * US + 1) : 0));
            pool_return(&b.frames, f);
        }
        expect_nothing();
        sender_free(&second);
        done();
    }
}
END_TEST

/* 10 us apart the flight of four ends at 80 us. An ACK sent at 20 us lets a fifth start at 120 us, later than
 * its turn at 90: the interval is the least distance, not a clock. */
START_TEST(pacing_does_not_catch_up)
{
    prepare();
    b.source.traffic.interval = 10 * US;
    begin(65536);
    engine_run_until(&b.engine, 20 * US);
    for (uint32_t i = 0; i < 4; i++)
        expect(1 + 1000 * i, 1000, (50 + 10 * i) * US);
    ack(2001, 65536);
    engine_run_until(&b.engine, 70 * US);
    expect(4001, 1000, 120 * US);
    expect(5001, 1000, 130 * US);
    expect_nothing();
    done();
}
END_TEST

/* Of 1070 bytes 1012 are payload: 14 + 20 + 20 + 4 are not. No segment has a time stamp, whatever comes back. */
START_TEST(a_sender_without_timestamps_has_shorter_headers)
{
    struct frame *f;

    prepare();
    b.source.traffic.timestamps = 0;
    b.source.traffic.bytes = 1012 * 3 + 1;
    b.source.traffic.window = 2024;
    begin(65536);
    engine_run_until(&b.engine, 0);
    CHECK_EQ(b.s.segment, 1012);
    ack(1013, 65536);
    ack(2025, 65536);
    engine_run_until(&b.engine, 100 * US);
    for (int i = 0; i < 4; i++) {
        f = traffic_next(&b.t, NULL);
        CHECK_EQ(f->payload, i < 3 ? 1012 : 1);
        CHECK_EQ(f->wire_bytes, i < 3 ? 1070 : 64);             /* 59 padded */
        CHECK_EQ(f->seq, 1 + 1012 * i);
        CHECK_EQ(f->tsval, 0);
        CHECK_EQ(f->tsecr, 0);
        pool_return(&b.frames, f);
    }
    expect_nothing();
    done();
}
END_TEST

SUITE(sender, the_first_flight_fills_the_window, an_ack_lets_new_data_out_one_rtt_later,
      acks_in_flight_keep_their_own_times, the_two_halves_of_an_odd_rtt_are_the_whole,
      the_smaller_window_rules,
      a_finite_flow_ends_with_a_push_and_silence, nothing_starts_at_or_after_stop,
      the_start_is_the_sources_and_its_offset_within_one_rtt,
      three_duplicates_send_again_from_the_hole_once, window_updates_are_not_duplicates,
      silence_is_answered_by_the_timer_with_doubling, the_timer_is_the_measured_rtt_and_200_ms,
      a_segment_sent_twice_is_not_measured, progress_ends_the_doubling,
      what_the_receiver_already_had_is_not_sent_a_third_time, progress_forgets_duplicates,
      an_ack_at_the_instant_of_the_timer_comes_first, a_closed_window_is_probed,
      an_update_opens_a_closed_window_at_once, sequence_numbers_wrap,
      acks_of_what_was_never_sent_or_long_acknowledged_are_ignored,
      the_receivers_newest_time_stamp_is_echoed, any_number_of_acks_may_be_under_way,
      an_interval_paces_a_source_over_all_its_flows, pacing_does_not_catch_up,
      a_sender_without_timestamps_has_shorter_headers)
