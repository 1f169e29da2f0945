/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"
#include "tests/suite.h"

enum { TEN_GBPS = 10000 };                      /* times 1e6 bit/s */

/* One source at its rows' defaults, but without a drawn offset, and the frames it hands out. */
struct bench {
    struct traffic_config source;
    struct config config;
    char *text[8];
    struct traffic t;
    struct variate exponential;
    struct frame f;
};

static struct bench *bench(void)
{
    static struct bench b;

    b = (struct bench){ .text = { "" } };
    b.config = (struct config){ .traffic = &b.source, .nics = 1, .traffics = 1, .text = b.text, .texts = 8 };
    for (int i = 1; i < 8; i++)
        b.text[i] = b.text[0];
    for (size_t i = 0; i < traffic_model.n_params; i++)
        *(int64_t *)((char *)&b.source + traffic_model.params_at + traffic_model.params[i].field) =
            traffic_model.params[i].dflt;
    b.source.traffic.offset = 0;
    variate_exponential(&b.exponential);
    return &b;
}

static void begin_as(struct bench *b, uint64_t seed, uint64_t replication)
{
    traffic_init(&b->t, &b->config, 0, 100, TEN_GBPS * (int64_t)1000000, &b->exponential, seed, replication);
}

static void begin(struct bench *b)
{
    begin_as(b, 1, 0);
}

/* Check writes a note for every assertion that holds: too much for ten million frames. */
static ps_t next(struct bench *b)
{
    if (traffic_next(&b->t, &b->f) != &b->f)
        ck_abort_msg("an open loop hands out another frame");
    return b->f.wire_at;
}

/* ---- rows ---- */

START_TEST(the_defaults_are_one_flow_of_a_million_short_udp_frames)
{
    struct bench *b = bench();
    struct flow_key key;

    CHECK_EQ(b->source.traffic.kind, TRAFFIC_CBR);
    CHECK_EQ(load_kind(b->source.traffic.rate), LOAD_MILLIPPS);
    CHECK_EQ(load_value(b->source.traffic.rate), 1000000000);
    CHECK_EQ(traffic_flows(&b->config, 0), 1);
    traffic_flow_keys(&b->config, 0, &key);
    CHECK_EQ(key.saddr, 0x0a000001);
    CHECK_EQ(key.daddr, 0x0a000002);
    CHECK_EQ(key.sport, 9000);
    CHECK_EQ(key.dport, 9);
    CHECK_EQ(key.proto, FLOW_UDP);
    begin(b);
    CHECK_EQ(traffic_peek(&b->t), 0);
    CHECK_EQ(next(b), 0);
    CHECK_EQ(b->f.flow, 100);
    CHECK_EQ(b->f.wire_bytes, 64);
    CHECK_EQ(b->f.payload, 18);                 /* 64 - 14 - 20 - 8 - 4 */
    CHECK_EQ(b->f.tcp_flags, 0);
    CHECK_EQ(next(b), 1 * US);
}
END_TEST

START_TEST(every_row_names_a_default_within_its_range)
{
    for (size_t i = 0; i < traffic_model.n_params; i++) {
        const struct param *p = &traffic_model.params[i];

        ck_assert_msg(p->min <= p->dflt && p->dflt <= p->max, "%s", p->name);
        ck_assert_msg(strncmp(p->name, "traffic.", 8) == 0, "%s", p->name);
        ck_assert_msg(p->doc && p->doc[strlen(p->doc) - 1] != '.', "%s", p->name);
    }
}
END_TEST

/* ---- even gaps ---- */

/* 3 packets a second: frame n starts at floor(n * 10^12 / 3): a third of a picosecond is owed each time. */
START_TEST(a_fractional_gap_is_never_lost)
{
    struct bench *b = bench();

    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 3000);
    begin(b);
    for (int64_t n = 0; n < 1000; n++)
        CHECK_EQ(next(b), n * SEC / 3);
}
END_TEST

/* 14.88 Mpps is a gap of 10^15 / 14 880 000 000 = 67204.3010.. ps. Frame 10^7 starts at
 * floor(10^22 / 14880000000) = 672043010752 ps; with the gap rounded down it would be 3 us too early. */
START_TEST(ten_million_frames_do_not_drift)
{
    struct bench *b = bench();
    ps_t at = 0;

    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 14880000000);
    begin(b);
    for (int64_t n = 0; n <= 10000000; n++)
        at = next(b);
    CHECK_EQ(at, 672043010752);
    CHECK_EQ(b->t.sent, 10000001);
}
END_TEST

/* 64 bytes take 84 on the wire, 672 bits: at 10 Gbit/s 67.2 ns. */
START_TEST(line_rate_is_line_rate_in_bits_and_in_percent)
{
    struct bench *b = bench();

    b->source.traffic.rate = LOAD_OF(LOAD_PPM, 1000000);
    begin(b);
    next(b);
    CHECK_EQ(next(b), 67200 * PS);
    b->source.traffic.rate = LOAD_OF(LOAD_PPM, 250000);
    begin(b);
    next(b);
    CHECK_EQ(next(b), 4 * 67200 * PS);
    b->source.traffic.rate = LOAD_OF(LOAD_BPS, 1000000000);
    begin(b);
    next(b);
    CHECK_EQ(next(b), 672 * NS);
}
END_TEST

/* The largest and the smallest load the check allows: 10 x 800 Gbit/s with 64 B is 672 bits in 84 ps
 * exactly; 1 kbit/s with 9022 B is 72336 bits in 72.336 s; 0.001 packets a second is one in 1000 s. */
START_TEST(the_extremes_of_the_load_are_exact)
{
    struct bench *b = bench();

    b->source.traffic.rate = LOAD_OF(LOAD_PPM, 10000000);
    ck_assert_ptr_null(traffic_check(&b->config, 0, (char[200]){ 0 }, 200));
    traffic_init(&b->t, &b->config, 0, 0, 800000000000, &b->exponential, 1, 0);
    next(b);
    CHECK_EQ(next(b), 84 * PS);
    b->source.traffic.rate = LOAD_OF(LOAD_BPS, 1000);
    b->source.traffic.frame = 9022;
    begin(b);
    next(b);
    CHECK_EQ(next(b), 72336 * MS);
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 1);
    begin(b);
    next(b);
    CHECK_EQ(next(b), 1000 * SEC);
}
END_TEST

START_TEST(start_stop_and_frames_bound_a_source)
{
    struct bench *b = bench();

    b->source.traffic.start = 5 * US;
    b->source.traffic.stop = 8 * US;
    begin(b);
    CHECK_EQ(next(b), 5 * US);
    CHECK_EQ(next(b), 6 * US);
    CHECK_EQ(next(b), 7 * US);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);    /* 8 us is not before stop */
    b->source.traffic.stop = 8 * US + 1;
    begin(b);
    for (int i = 0; i < 4; i++)
        next(b);
    CHECK_EQ(b->f.wire_at, 8 * US);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    b->source.traffic.frames = 2;
    begin(b);
    next(b);
    next(b);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
}
END_TEST

START_TEST(flows_take_turns)
{
    struct bench *b = bench();
    struct flow_key key[3];

    b->source.traffic.flows = 3;
    begin(b);
    for (uint32_t n = 0; n < 10; n++) {
        next(b);
        CHECK_EQ(b->f.flow, 100 + n % 3);
        CHECK_EQ(b->f.ip_id, n / 3);
    }
    CHECK_EQ(traffic_flows(&b->config, 0), 3);
    traffic_flow_keys(&b->config, 0, key);
    CHECK_EQ(key[2].sport, 9002);
    CHECK_EQ(key[2].dport, 9);
}
END_TEST

/* From port 65534 up an address has two: the fifth flow is the first of the third address. With one port each, every
 * flow has an address of its own. */
START_TEST(flows_go_on_at_the_next_address_when_the_ports_are_used_up)
{
    struct bench *b = bench();
    struct flow_key key[5];

    b->source.traffic.flows = 5;
    b->source.traffic.sport = 65534;
    begin(b);
    traffic_flow_keys(&b->config, 0, key);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK_EQ(key[i].saddr, 0x0a000001 + i / 2);
        CHECK_EQ(key[i].sport, 65534 + i % 2);
    }
    b->config.traffic[0].traffic.sports = 1;
    traffic_flow_keys(&b->config, 0, key);
    CHECK_EQ(key[4].saddr, 0x0a000005);
    CHECK_EQ(key[4].sport, 65534);
}
END_TEST

/* ---- trains ---- */

/* At 3 per microsecond a train of 1 us holds the starts 0, 1/3 and 2/3 us (3/3 is not inside); of 1 us and
 * 1 ps also the one at 1 us. Every train begins at a whole period. */
START_TEST(a_train_holds_what_starts_inside_it)
{
    struct bench *b = bench();
    ps_t base = 0;

    b->source.traffic.kind = TRAFFIC_ONOFF;
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 3000000000);
    b->source.traffic.burst = 1 * US;
    b->source.traffic.period = 10 * US;
    begin(b);
    for (int train = 0; train < 1000; train++, base += 10 * US)
        for (int k = 0; k < 3; k++)
            CHECK_EQ(next(b), base + k * US / 3);
    b->source.traffic.burst = 1 * US + 1;
    begin(b);
    for (int k = 0; k < 4; k++)
        CHECK_EQ(next(b), k * US / 3);
    CHECK_EQ(next(b), 10 * US);
}
END_TEST

START_TEST(a_period_of_zero_is_a_single_train)
{
    struct bench *b = bench();

    b->source.traffic.kind = TRAFFIC_ONOFF;
    b->source.traffic.burst = 2 * MS;
    b->source.traffic.period = 0;
    begin(b);
    for (int k = 0; k < 2000; k++)
        CHECK_EQ(next(b), k * US);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
}
END_TEST

/* ---- random gaps ---- */

/* 200 000 exponential gaps of mean m: their mean has a standard error of m / sqrt(200000) = 0.22%, their
 * second moment 2 m^2 one of m^2 * sqrt(24 - 4) / sqrt(200000) = 1% of m^2. Five of each, and the table's
 * tail is cut by 0.1%. */
static void random_gaps_have_mean(struct bench *b, double mean)
{
    enum { N = 200000 };
    ps_t last = next(b);
    double square = 0, first = (double)last;

    for (int i = 0; i < N; i++) {
        ps_t at = next(b);
        double gap = (double)(at - last) / mean;

        if (at < last)
            ck_abort_msg("a start before the one before");
        square += gap * gap;
        last = at;
    }
    ck_assert_double_eq_tol(((double)last - first) / N / mean, 1, 0.011);
    ck_assert_double_eq_tol(square / N, 2, 0.06);
}

START_TEST(random_gaps_are_exponential)
{
    struct bench *b = bench();

    b->source.traffic.kind = TRAFFIC_POISSON;
    begin(b);
    random_gaps_have_mean(b, 1e6);
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 1000000000000);     /* 1 ns: rounding must not show */
    begin(b);
    random_gaps_have_mean(b, 1e3);
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 600000000000);
    begin(b);
    CHECK_EQ(b->t.mean, 1706666);       /* 1666.67 ps in units of 1/1024 ps */
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 10000);             /* 0.1 s: past the fine units */
    begin(b);
    random_gaps_have_mean(b, 1e11);
}
END_TEST

/* Gaps of 1000 s are longer than one draw can be: drawn coarsely. 4000 of them have a standard error of
 * 1.6%; the source falls silent after 53 days, 4600 gaps. */
START_TEST(rare_random_frames_keep_their_rate)
{
    struct bench *b = bench();
    ps_t last = 0;

    b->source.traffic.kind = TRAFFIC_POISSON;
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 1);
    begin(b);
    for (int i = 0; i <= 4000; i++)
        last = next(b);
    ck_assert_double_eq_tol((double)last / 4000, 1e15, 0.08e15);
    for (int i = 0; i < 1000 && traffic_peek(&b->t) != PS_NEVER; i++)
        next(b);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
}
END_TEST

START_TEST(the_same_seed_and_replication_give_the_same_frames)
{
    struct bench *b = bench();
    ps_t at[100];
    int same = 0;

    b->source.traffic.kind = TRAFFIC_POISSON;
    b->source.traffic.offset = 1;
    begin_as(b, 7, 3);
    for (int i = 0; i < 100; i++)
        at[i] = next(b);
    begin_as(b, 7, 3);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(next(b), at[i]);
    begin_as(b, 7, 4);
    for (int i = 0; i < 100; i++)
        same += next(b) == at[i];
    ck_assert_int_lt(same, 5);
    begin_as(b, 8, 3);
    ck_assert_int_ne(next(b), at[0]);
}
END_TEST

START_TEST(a_replication_moves_an_even_source_only_by_its_offset)
{
    struct bench *b = bench();
    ps_t first[4];

    for (uint64_t replication = 0; replication < 4; replication++) {
        begin_as(b, 1, replication);
        CHECK_EQ(next(b), 0);
        CHECK_EQ(next(b), 1 * US);
    }
    b->source.traffic.offset = 1;
    b->source.traffic.start = 3 * US;
    for (uint64_t replication = 0; replication < 4; replication++) {
        begin_as(b, 1, replication);
        first[replication] = next(b);
        ck_assert_int_ge(first[replication], 3 * US);
        ck_assert_int_lt(first[replication], 4 * US);
        CHECK_EQ(next(b), first[replication] + 1 * US);
        CHECK_EQ(next(b), first[replication] + 2 * US);
    }
    ck_assert(first[0] != first[1] && first[1] != first[2] && first[2] != first[3]);
}
END_TEST

/* ---- TCP ---- */

/* Frames of 1518 carry 1518 - 14 - 20 - 32 - 4 = 1448 bytes. */
START_TEST(open_loop_tcp_is_a_stream_in_order)
{
    struct bench *b = bench();

    b->source.traffic.proto = TRAFFIC_TCP;
    b->source.traffic.frame = 1518;
    b->source.traffic.flows = 2;
    b->source.traffic.rate = LOAD_OF(LOAD_MILLIPPS, 1000000);           /* 1 ms */
    begin(b);
    for (uint32_t n = 0; n < 20; n++) {
        next(b);
        CHECK_EQ(b->f.payload, 1448);
        CHECK_EQ(b->f.seq, 1 + n / 2 * 1448);
        CHECK_EQ(b->f.ack, 1);
        CHECK_EQ(b->f.tcp_flags, TCP_ACK);
        CHECK_EQ(b->f.tsval, 1 + n);
        ck_assert_uint_ne(b->f.tsecr, 0);
    }
}
END_TEST

/* Trains of 5 frames over 2 flows: frame 3 is the last of one flow, frame 4 of the other; in the next train
 * turns go on, and again the last two frames push. */
START_TEST(the_last_segment_of_a_flow_in_a_train_pushes)
{
    struct bench *b = bench();

    b->source.traffic.kind = TRAFFIC_ONOFF;
    b->source.traffic.proto = TRAFFIC_TCP;
    b->source.traffic.frame = 100;
    b->source.traffic.flows = 2;
    b->source.traffic.burst = 5 * US;
    b->source.traffic.period = 20 * US;
    begin(b);
    for (int n = 0; n < 20; n++) {
        next(b);
        CHECK_EQ(b->f.tcp_flags, n % 5 >= 3 ? TCP_ACK | TCP_PSH : TCP_ACK);
        CHECK_EQ(b->f.flow, 100 + n % 2);
    }
}
END_TEST

/* ---- replay ---- */

static struct flow_key replay_flows[] = {
    { .saddr = 0x0a4d0001, .daddr = 0x0a4d0002, .sport = 5, .dport = 6, .proto = FLOW_UDP },
    { .saddr = 0x0a4d0002, .daddr = 0x0a4d0001, .sport = 6, .dport = 5, .proto = FLOW_TCP },
};
static struct arrival replay_records[] = {
    { .at = 0,       .flow = 0, .wire_bytes = 64,  .payload = 10, .ttl = 3 },
    { .at = 10 * NS, .flow = 1, .wire_bytes = 100, .payload = 20, .seq = 77, .tcp_flags = TCP_ACK,
      .window = 9 },
    { .at = 25 * NS, .flow = 0, .wire_bytes = 200, .payload = 30, .bad = FRAME_FRAGMENT },
    { .at = 30 * NS, .flow = 0, .wire_bytes = 300, .payload = 40 },
};
static const struct arrivals capture = {
    .arrival = replay_records, .n = 4, .flow = replay_flows, .flows = 2,
};

static struct bench *replay_bench(void)
{
    struct bench *b = bench();

    b->source.traffic.kind = TRAFFIC_REPLAY;
    b->config.arrivals[0] = &capture;
    return b;
}

START_TEST(a_capture_is_replayed_as_it_was)
{
    struct bench *b = replay_bench();
    struct flow_key key[2];

    b->source.traffic.start = 1 * US;
    begin(b);
    CHECK_EQ(next(b), 1 * US);
    CHECK_EQ(b->f.ttl, 3);
    CHECK_EQ(next(b), 1 * US + 10 * NS);
    CHECK_EQ(b->f.flow, 101);
    CHECK_EQ(b->f.wire_bytes, 100);
    CHECK_EQ(b->f.payload, 20);
    CHECK_EQ(b->f.seq, 77);
    CHECK_EQ(b->f.window, 9);
    CHECK_EQ(b->f.tcp_flags, TCP_ACK);
    CHECK_EQ(next(b), 1 * US + 25 * NS);
    CHECK_EQ(b->f.bad, FRAME_FRAGMENT);
    CHECK_EQ(next(b), 1 * US + 30 * NS);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    CHECK_EQ(traffic_flows(&b->config, 0), 2);
    traffic_flow_keys(&b->config, 0, key);
    CHECK_EQ(key[1].daddr, 0x0a4d0001);
}
END_TEST

/* 300%: 10 ns -> 3333 ps, 25 ns -> 8333, 30 ns -> 10000. A lap is 30 ns + 30/3 ns; the second begins at
 * 40/3 ns, rounded once: its record at 10 ns starts at floor(50000 / 3) = 16666 ps. At 50% everything takes
 * twice as long. */
START_TEST(speed_divides_times_exactly_over_laps)
{
    struct bench *b = replay_bench();

    b->source.traffic.speedup = 300;
    b->source.traffic.loop = 2;
    begin(b);
    CHECK_EQ(next(b), 0);
    CHECK_EQ(next(b), 3333);
    CHECK_EQ(next(b), 8333);
    CHECK_EQ(next(b), 10000);
    CHECK_EQ(next(b), 13333);
    CHECK_EQ(next(b), 16666);
    next(b);
    next(b);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    b->source.traffic.speedup = 50;
    begin(b);
    next(b);
    CHECK_EQ(next(b), 20 * NS);
}
END_TEST

START_TEST(an_endless_loop_ends_at_stop)
{
    struct bench *b = replay_bench();
    int n = 0;

    b->source.traffic.loop = 0;
    b->source.traffic.stop = 400 * NS + 1;
    begin(b);
    for (; traffic_peek(&b->t) != PS_NEVER; n++)
        next(b);
    CHECK_EQ(n, 4 * 10 + 1);                    /* ten laps of 40 ns, and the eleventh's first record */
}
END_TEST

START_TEST(only_frames_to_the_wanted_address_are_offered)
{
    struct bench *b = replay_bench();

    b->text[1] = "10.77.0.1";
    b->source.traffic.to = 1;
    begin(b);
    CHECK_EQ(next(b), 10 * NS);
    CHECK_EQ(b->f.flow, 101);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    b->source.traffic.loop = 3;
    begin(b);
    next(b);
    CHECK_EQ(next(b), 50 * NS);
    CHECK_EQ(next(b), 90 * NS);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    b->text[1] = "10.77.0.9";
    b->source.traffic.loop = 0;
    begin(b);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
}
END_TEST

START_TEST(a_capture_of_one_instant_repeats_each_second)
{
    struct arrivals one = { .arrival = replay_records, .n = 1, .flow = replay_flows, .flows = 2 };
    struct bench *b = replay_bench();

    b->config.arrivals[0] = &one;
    b->source.traffic.loop = 2;
    begin(b);
    CHECK_EQ(next(b), 0);
    CHECK_EQ(next(b), 1 * SEC);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
}
END_TEST

/* Two records 50 days apart at a hundredth of the speed: the second is beyond what a run can hold, so it
 * never comes, and nothing overflows on the way. */
START_TEST(what_lies_beyond_simulated_time_never_comes)
{
    struct arrival far[2] = { { .at = 0, .wire_bytes = 64 }, { .at = 4320000 * SEC, .wire_bytes = 64 } };
    struct arrivals two = { .arrival = far, .n = 2, .flow = replay_flows, .flows = 1 };
    struct bench *b = replay_bench();

    b->config.arrivals[0] = &two;
    b->source.traffic.loop = 0;
    b->source.traffic.speedup = 1;
    begin(b);
    CHECK_EQ(next(b), 0);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    b->source.traffic.speedup = 1000000;
    begin(b);
    next(b);
    CHECK_EQ(next(b), 432 * SEC);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);    /* a second lap would begin after 100 days of captured time */
}
END_TEST

/* ---- damage ---- */

/* 10% and 20% of 100 000: standard deviations of 95 and 126; five of each. */
START_TEST(damage_hits_its_share_and_nothing_else_changes)
{
    struct bench *b = bench();
    int flipped = 0, cut = 0;

    b->source.traffic.fcs_errors = 100000;
    b->source.traffic.runts = 200000;
    begin(b);
    for (int n = 0; n < 100000; n++) {
        if (next(b) != n * US || b->f.wire_bytes < 32 || b->f.wire_bytes > 64)
            ck_abort_msg("frame %d: %d bytes at %jd", n, (int)b->f.wire_bytes, (intmax_t)b->f.wire_at);
        flipped += (b->f.bad & FRAME_BAD_FCS) != 0;
        cut += b->f.wire_bytes < 64;
    }
    ck_assert_int_lt(abs(flipped - 10000), 475);
    ck_assert_int_lt(abs(cut - 20000), 630);
}
END_TEST

START_TEST(the_victims_of_one_damage_do_not_depend_on_the_other)
{
    static bool flipped[1000];
    struct bench *b = bench();
    int n = 0;

    b->source.traffic.fcs_errors = 100000;
    begin(b);
    for (int i = 0; i < 1000; i++) {
        next(b);
        flipped[i] = (b->f.bad & FRAME_BAD_FCS) != 0;
        n += flipped[i];
    }
    ck_assert_int_gt(n, 50);
    b->source.traffic.runts = 500000;
    begin(b);
    for (int i = 0; i < 1000; i++) {
        next(b);
        CHECK_EQ((b->f.bad & FRAME_BAD_FCS) != 0, flipped[i]);
    }
}
END_TEST

START_TEST(a_share_of_a_million_damages_every_frame)
{
    struct bench *b = bench();

    b->source.traffic.fcs_errors = b->source.traffic.runts = 1000000;
    begin(b);
    for (int n = 0; n < 1000; n++) {
        next(b);
        ck_assert(b->f.bad & FRAME_BAD_FCS);
        ck_assert_int_lt(b->f.wire_bytes, 64);
    }
}
END_TEST

/* ---- pushed frames ---- */

START_TEST(pushed_frames_come_out_in_order_and_then_none)
{
    struct bench *b = bench();
    struct frame one = { .wire_at = 5 * US }, two = { .wire_at = 5 * US }, other;

    b->source.traffic.kind = TRAFFIC_SENDER;
    begin(b);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
    traffic_push(&b->t, &one);
    traffic_push(&b->t, &two);
    CHECK_EQ(traffic_peek(&b->t), 5 * US);
    ck_assert_ptr_eq(traffic_next(&b->t, &other), &one);
    ck_assert_ptr_eq(traffic_next(&b->t, &other), &two);
    CHECK_EQ(traffic_peek(&b->t), PS_NEVER);
}
END_TEST

/* ---- texts and checks ---- */

START_TEST(an_address_is_four_numbers_up_to_255)
{
    static const char *const wrong[] = { "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4",
                                         "1..2.3", "1.2.3.", "a.b.c.d", "1.2.3.0004", "-1.2.3.4",
                                         "99999999999.1.1.1" };
    uint32_t address = 1;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(ipv4_parse(wrong[i], &address) == -1, "%s", wrong[i]);
    CHECK_EQ(address, 1);
    CHECK_EQ(ipv4_parse("0.0.0.0", &address), 0);
    CHECK_EQ(address, 0);
    CHECK_EQ(ipv4_parse("255.1.20.3", &address), 0);
    CHECK_EQ(address, 0xff011403);
}
END_TEST

static void check_says(struct bench *b, const char *sentence)
{
    char buffer[200];
    const char *said = traffic_check(&b->config, 0, buffer, sizeof buffer);

    if (sentence)
        ck_assert_str_eq(said ? said : "nothing", sentence);
    else
        ck_assert_msg(!said, "%s", said);
}

START_TEST(wrong_relations_are_told_in_a_sentence)
{
    struct bench *b = bench();
    struct traffic_params *p = &b->source.traffic, good = *p;

    check_says(b, NULL);
    p->proto = TRAFFIC_TCP;
    p->frame = 70;
    check_says(b, "traffic.frame has no room for payload: TCP with timestamps needs at least 71B");
    p->frame = 71;
    check_says(b, NULL);
    *p = good;
    p->sport = 65000;
    p->sports = 537;
    check_says(b, "traffic.sport and sports need source ports above 65535");
    p->sports = 536;
    check_says(b, NULL);
    b->text[7] = "255.255.255.254";
    p->saddr = 7;
    p->flows = 2 * 536 + 1;
    check_says(b, "traffic.flows need source addresses above 255.255.255.255");
    p->flows = 2 * 536;
    check_says(b, NULL);
    *p = good;
    p->rate = LOAD_OF(LOAD_MILLIPPS, 0);
    check_says(b, "traffic.rate is outside 0.001pps..1Gpps");
    p->rate = LOAD_OF(LOAD_PPM, 10000001);
    check_says(b, "traffic.rate is outside 0.0001%..1000% of the link");
    p->rate = LOAD_OF(LOAD_BPS, 999);
    check_says(b, "traffic.rate is outside 1kbps..1.6Tbps");
    *p = good;
    p->start = p->stop = 5;
    check_says(b, "traffic.stop is not after start");
    *p = good;
    p->kind = TRAFFIC_ONOFF;
    p->burst = 11 * MS;
    check_says(b, "traffic.period is shorter than burst");
    *p = good;
    p->kind = TRAFFIC_REPLAY;
    check_says(b, "traffic.kind replay needs file, a capture");
    b->config.arrivals[0] = &capture;
    check_says(b, NULL);
    *p = good;
    p->kind = TRAFFIC_SENDER;
    check_says(b, "traffic.frame has no room for payload: TCP with timestamps needs at least 71B");
    p->frame = 1518;
    p->window = 1447;
    check_says(b, "traffic.window is smaller than one frame's payload");
    *p = good;
    strcpy(b->config.traffic_name[0], "web");
    p->nic = 1;
    check_says(b, "traffic[web].nic is not the number of a NIC of this machine (they count from 0)");
    *p = good;
    p->daddr = 1;
    b->text[1] = "10.0.0.300";
    check_says(b, "traffic[web].daddr is not an IPv4 address such as 10.0.0.2");
}
END_TEST

/* ---- an interval instead of a rate ---- */

/* 3 000 001 ps are no rate in thousandths of a packet a second; the rate beside it does not matter. */
START_TEST(an_interval_is_exact)
{
    struct bench *b = bench();

    b->source.traffic.interval = 3 * US + 1;
    begin(b);
    for (int64_t n = 0; n < 100000; n++)
        if (next(b) != n * (3 * US + 1))
            ck_abort_msg("frame %d", (int)n);
}
END_TEST

/* A train of 10 us holds the starts at 0, 4 us and 2 ps, 8 us and 4 ps; the next begins at its period. With an
 * interval of 5 us sharp the third would start when the train is over. */
START_TEST(an_interval_is_exact_inside_a_train)
{
    struct bench *b = bench();

    b->source.traffic.kind = TRAFFIC_ONOFF;
    b->source.traffic.burst = 10 * US;
    b->source.traffic.period = 31 * US;
    b->source.traffic.interval = 4 * US + 2;
    begin(b);
    for (int train = 0; train < 1000; train++)
        for (int k = 0; k < 3; k++)
            CHECK_EQ(next(b), train * 31 * US + k * (4 * US + 2));
    b->source.traffic.interval = 5 * US;
    begin(b);
    CHECK_EQ(next(b), 0);
    CHECK_EQ(next(b), 5 * US);
    CHECK_EQ(next(b), 31 * US);
}
END_TEST

/* ---- TCP without timestamps ---- */

/* 12 bytes of header less: 1518 - 14 - 20 - 20 - 4 = 1460 bytes, and a frame of 64 has room for 6. */
START_TEST(segments_without_timestamps_have_shorter_headers)
{
    struct bench *b = bench();

    b->source.traffic.proto = TRAFFIC_TCP;
    b->source.traffic.timestamps = 0;
    b->source.traffic.frame = 1518;
    check_says(b, NULL);
    begin(b);
    for (uint32_t n = 0; n < 10; n++) {
        next(b);
        CHECK_EQ(b->f.payload, 1460);
        CHECK_EQ(b->f.seq, 1 + n * 1460);
        CHECK_EQ(b->f.tsval, 0);
        CHECK_EQ(b->f.tsecr, 0);
    }
    b->source.traffic.frame = 64;
    check_says(b, NULL);
    begin(b);
    next(b);
    CHECK_EQ(b->f.payload, 6);
}
END_TEST

SUITE(traffic, the_defaults_are_one_flow_of_a_million_short_udp_frames,
      every_row_names_a_default_within_its_range,
      a_fractional_gap_is_never_lost, ten_million_frames_do_not_drift,
      line_rate_is_line_rate_in_bits_and_in_percent, the_extremes_of_the_load_are_exact,
      start_stop_and_frames_bound_a_source, flows_take_turns,
      flows_go_on_at_the_next_address_when_the_ports_are_used_up, a_train_holds_what_starts_inside_it,
      a_period_of_zero_is_a_single_train, random_gaps_are_exponential, rare_random_frames_keep_their_rate,
      the_same_seed_and_replication_give_the_same_frames,
      a_replication_moves_an_even_source_only_by_its_offset, open_loop_tcp_is_a_stream_in_order,
      the_last_segment_of_a_flow_in_a_train_pushes, a_capture_is_replayed_as_it_was,
      speed_divides_times_exactly_over_laps, an_endless_loop_ends_at_stop,
      only_frames_to_the_wanted_address_are_offered, a_capture_of_one_instant_repeats_each_second,
      what_lies_beyond_simulated_time_never_comes, damage_hits_its_share_and_nothing_else_changes,
      the_victims_of_one_damage_do_not_depend_on_the_other, a_share_of_a_million_damages_every_frame,
      pushed_frames_come_out_in_order_and_then_none, an_address_is_four_numbers_up_to_255,
      wrong_relations_are_told_in_a_sentence,
      an_interval_is_exact, an_interval_is_exact_inside_a_train,
      segments_without_timestamps_have_shorter_headers)
