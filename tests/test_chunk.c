/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/chunk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/must.h"
#include "tests/suite.h"

/* ---- frames ---- */

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t n)
{
    return draw() % n;
}

struct bench {
    struct chunk in, out;
    struct chunk_plan plan;
    size_t size;
    uint8_t blob[CHUNK_ROOM];
};

static struct bench *bench_make(void)
{
    struct bench *b = must(calloc(1, sizeof *b));

    state = UINT64_C(0x9e3779b97f4a7c15);
    return b;
}

/* A frame that got everywhere, arriving at `at` ps. */
static struct frame frame_at(uint64_t id, ps_t at)
{
    return (struct frame){
        .id = id, .flow = (uint32_t)(id % 7), .wire_bytes = 64, .queue = 0, .cpu = 0, .wire_at = at,
        .dma_at = at + 250000, .irq_at = at + 251000, .poll_at = at + 300000, .stack_at = at + 350500,
        .socket_at = at + 350900,
    };
}

/* Any 64 bits, of any length. Times are not negative, but for the -1 of a place never reached. */
static ps_t any_time(void)
{
    return below(4) == 0 ? -1 : (ps_t)(draw() >> 1 >> below(63));
}

static struct frame any_frame(void)
{
    return (struct frame){
        .id = draw() >> below(64), .flow = (uint32_t)(draw() >> below(32)), .wire_bytes = (int32_t)(draw() >> 33),
        .queue = (int16_t)((int)below(32769) - 1), .cpu = (int16_t)((int)below(32769) - 1), .wire_at = (ps_t)(draw() >> 1),
        .dma_at = any_time(), .irq_at = any_time(), .poll_at = any_time(), .stack_at = any_time(), .socket_at = any_time(),
    };
}

static void encode(struct bench *b)
{
    b->size = chunk_encode(&b->in, &b->plan, b->blob);
    ck_assert_uint_le(b->size, CHUNK_ROOM);
}

static void check_columns(const struct bench *b, unsigned want)
{
    CHECK_EQ(b->out.n, b->in.n);
    for (int c = 0; c < CHUNK_FATE; c++)
        for (uint32_t i = 0; want >> c & 1 && i < b->in.n; i++)
            ck_assert_msg(b->in.column[c][i] == b->out.column[c][i], "%s of row %u is %lld, not %lld",
                          chunk_column_name[c], i, (long long)b->out.column[c][i], (long long)b->in.column[c][i]);
    if (want >> CHUNK_FATE & 1)
        ck_assert_mem_eq(b->in.fate, b->out.fate, b->in.n);
}

static void check_round_trip(struct bench *b)
{
    encode(b);
    ck_assert_ptr_null(chunk_decode(b->blob, b->size, CHUNK_ALL, &b->out));
    check_columns(b, CHUNK_ALL);
}

/* ---- appending ---- */

START_TEST(times_are_whole_nanoseconds_rounded_down)
{
    static const ps_t edge[] = { 0, 1, 999, 1000, 1001, 1999, 2000, INT64_MAX - 1, INT64_MAX };

    for (size_t i = 0; i < sizeof edge / sizeof edge[0]; i++)
        CHECK_EQ(chunk_ns(edge[i]), edge[i] / 1000);
    CHECK_EQ(chunk_ns(-1), -1);
    state = 1;
    for (int i = 0; i < 1000000; i++) {
        ps_t t = (ps_t)(draw() >> 1 >> below(63)), multiple = t / 1000 * 1000;
        CHECK_EQ(chunk_ns(t), t / 1000);
        CHECK_EQ(chunk_ns(multiple), multiple / 1000);
    }
}
END_TEST

START_TEST(only_a_delivered_frame_has_a_time_at_the_application)
{
    struct bench *b = bench_make();
    struct frame f = frame_at(5, 1000000);

    chunk_append(&b->in, &f, FATE_DELIVERED, 7654321);
    chunk_append(&b->in, &f, FATE_SOCKET_RCVBUFF, 7654321);
    CHECK_EQ(b->in.n, 2);
    CHECK_EQ(b->in.column[CHUNK_T_APP][0], 7654);
    CHECK_EQ(b->in.column[CHUNK_T_APP][1], -1);
    CHECK_EQ(b->in.column[CHUNK_T_WIRE][1], 1000);
    CHECK_EQ(b->in.fate[1], FATE_SOCKET_RCVBUFF);
    free(b);
}
END_TEST

/* ---- there and back ---- */

START_TEST(one_frame_comes_back)
{
    struct bench *b = bench_make();

    for (int fate = FATE_IN_FLIGHT + 1; fate < FATES; fate++) {
        struct frame f = frame_at((uint64_t)fate, 1000 * SEC);
        b->in.n = 0;
        b->plan = (struct chunk_plan){ 0 };
        chunk_append(&b->in, &f, (enum fate)fate, 1001 * SEC);
        check_round_trip(b);
    }
    free(b);
}
END_TEST

/* Sizes around the blocks of 128 and the whole chunk; any values, any places never reached, any fates. */
START_TEST(any_frames_come_back)
{
    static const uint32_t size[] = { 1, 2, 127, 128, 129, 255, 256, 257, 1000, CHUNK_FRAMES - 1, CHUNK_FRAMES };
    struct bench *b = bench_make();

    for (int round = 0; round < 3; round++)
        for (size_t s = 0; s < sizeof size / sizeof size[0]; s++) {
            b->in.n = 0;
            while (b->in.n < size[s]) {
                struct frame f = any_frame();
                chunk_append(&b->in, &f, (enum fate)(1 + below(FATES - 1)), (ps_t)(draw() >> 1));
            }
            check_round_trip(b);
        }
    free(b);
}
END_TEST

/* Residuals of every width from 1 bit to 64, alone and among narrow ones: exceptions, and the words of full width. */
START_TEST(every_width_comes_back)
{
    struct bench *b = bench_make();

    for (unsigned width = 1; width <= 64; width++)
        for (uint64_t rare = 1; rare <= 64; rare *= 4) {
            b->in.n = 0;
            b->plan = (struct chunk_plan){ 0 };
            while (b->in.n < 300) {
                struct frame f = frame_at(below(rare) ? b->in.n : draw() >> (64 - width), 1000 * b->in.n);
                chunk_append(&b->in, &f, FATE_DELIVERED, 10 * MS);
            }
            check_round_trip(b);
        }
    free(b);
}
END_TEST

START_TEST(a_column_that_no_frame_has_comes_back)
{
    struct bench *b = bench_make();

    while (b->in.n < 500) {
        struct frame f = frame_at(b->in.n, 67200 * b->in.n);
        f.irq_at = -1;
        if (b->in.n % 3)
            f.dma_at = f.poll_at = f.stack_at = f.socket_at = -1;
        f.cpu = -1;
        chunk_append(&b->in, &f, b->in.n % 3 ? FATE_RX_NO_DESC : FATE_UDP_CSUM, 1 * SEC);
    }
    check_round_trip(b);
    free(b);
}
END_TEST

/* A plan is kept for many chunks, and need not suit the next one. */
START_TEST(a_plan_for_other_frames_loses_nothing)
{
    struct bench *b = bench_make();

    for (int round = 0; round < 8; round++) {
        b->in.n = 0;
        while (b->in.n < 2000) {
            struct frame f = round % 2 ? any_frame() : frame_at(b->in.n, 67200 * b->in.n);
            chunk_append(&b->in, &f, round % 2 ? (enum fate)(1 + below(FATES - 1)) : FATE_DELIVERED, 1 * SEC);
        }
        check_round_trip(b);
    }
    free(b);
}
END_TEST

/* ---- some columns only ---- */

/* Poisson arrivals (as good as), a bus of 250 ns, polls of 64, a reader of 40 ns a frame; one in 20 dropped at the socket,
 * one in 30 at the ring. `gap` ps on average. */
static void fill_as_a_machine(struct chunk *c, ps_t gap)
{
    ps_t at = 0, polled = 0, read = 0;

    for (c->n = 0; c->n < CHUNK_FRAMES; ) {
        uint64_t id = c->n;
        enum fate fate = below(20) == 0 ? FATE_SOCKET_RCVBUFF : below(30) == 0 ? FATE_RX_NO_DESC : FATE_DELIVERED;
        at += (ps_t)below(2 * (uint64_t)gap);
        struct frame f = frame_at(id, at);
        polled = (polled + 50000 > at + 300000 ? polled + 50000 : at + 300000) + (id % 64 == 0 ? 20 * US : 0);
        f.irq_at = id % 64 < 3 ? polled - 1000 : -1;
        f.poll_at = polled;
        f.stack_at = f.socket_at = polled + 50000;
        read = read + 40000 > polled + 90000 ? read + 40000 : polled + 90000;
        if (fate == FATE_RX_NO_DESC) {
            f.dma_at = f.irq_at = f.poll_at = f.stack_at = f.socket_at = -1;
            f.cpu = -1;
        } else if (fate == FATE_SOCKET_RCVBUFF) {
            f.socket_at = -1;
        }
        chunk_append(c, &f, fate, read);
    }
}

START_TEST(each_column_is_the_same_alone_and_in_pairs)
{
    struct bench *b = bench_make();

    fill_as_a_machine(&b->in, 67200);
    encode(b);
    for (int x = 0; x < CHUNK_COLUMNS; x++)
        for (int y = x; y < CHUNK_COLUMNS; y++) {
            unsigned want = 1U << x | 1U << y;
            memset(&b->out, 0x55, sizeof b->out);
            ck_assert_ptr_null(chunk_decode(b->blob, b->size, want, &b->out));
            check_columns(b, want);
        }
    ck_assert_ptr_null(chunk_decode(b->blob, b->size, 0, &b->out));
    CHECK_EQ(b->out.n, b->in.n);
    free(b);
}
END_TEST

/* What must be told of a frame: its gap (uniform over 134 ns: 7 bits) and how it ended (0.3 bits). Times in ns are
 * rounded three times more (1 bit each), and a frame that is not delivered costs some exceptions: 20 bits. */
START_TEST(a_machine_takes_no_more_than_three_bytes_a_frame)
{
    struct bench *b = bench_make();

    fill_as_a_machine(&b->in, 67200);
    encode(b);
    ck_assert_uint_le(b->size, 3 * CHUNK_FRAMES);
    free(b);
}
END_TEST

/* Frames on the beat: everything but the first row is foretold, and the columns that never change take no room. */
START_TEST(what_never_changes_takes_no_room)
{
    struct bench *b = bench_make();

    while (b->in.n < CHUNK_FRAMES) {
        struct frame f = frame_at(b->in.n, 67000 * b->in.n);
        f.flow = 3;
        chunk_append(&b->in, &f, FATE_DELIVERED, 67000 * b->in.n + 9 * US);
    }
    encode(b);
    ck_assert_uint_le(b->size, 4 * 2 * (CHUNK_FRAMES / CHUNK_BLOCK) + 256);
    free(b);
}
END_TEST

/* ---- damage ---- */

static void small_blob(struct bench *b)
{
    fill_as_a_machine(&b->in, 67200);
    b->in.n = 150;
    encode(b);
}

START_TEST(a_blob_cut_anywhere_is_refused)
{
    struct bench *b = bench_make();

    small_blob(b);
    for (size_t size = 0; size < b->size; size++) {
        uint8_t *cut = must(malloc(size + 1));      /* of its own, so that a sanitizer sees a read behind it */
        uint8_t *exact = must(realloc(cut, size ? size : 1));
        memcpy(exact, b->blob, size);
        ck_assert_msg(chunk_decode(exact, size, CHUNK_ALL, &b->out) != NULL, "cut to %zu bytes", size);
        free(exact);
    }
    b->blob[b->size] = 0;
    ck_assert_ptr_nonnull(chunk_decode(b->blob, b->size + 1, CHUNK_ALL, &b->out));
    free(b);
}
END_TEST

/* Some flips only change a number; then there are as many frames as a chunk holds at most, with fates that exist. */
START_TEST(a_flipped_bit_is_refused_or_changes_numbers)
{
    struct bench *b = bench_make();
    int refused = 0;

    small_blob(b);
    for (size_t bit = 0; bit < 8 * b->size; bit++) {
        b->blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (chunk_decode(b->blob, b->size, CHUNK_ALL, &b->out)) {
            refused++;
        } else {
            ck_assert_uint_le(b->out.n, CHUNK_FRAMES);
            for (uint32_t i = 0; i < b->out.n; i++)
                ck_assert_uint_lt(b->out.fate[i], FATES);
        }
        b->blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_gt(refused, 100);
    free(b);
}
END_TEST

/* Heads with a number that is not possible: frames, shapes, an absent name. */
START_TEST(a_head_that_makes_no_sense_is_refused)
{
    static const struct { uint8_t byte[16]; size_t size; const char *why; } row[] = {
        { { 0, 1 }, 2, "no frames" },
        { { 0xff, 0xff, 0x7f, 1 }, 4, "more than one holds" },
        { { 1, 0 }, 2, "no frames" },
        { { 1, 2 }, 2, "more than one holds" },
        { { 1, 1, 0, 3, 'a', 'b', 'c' }, 7, "does not know" },
    };
    struct bench *b = bench_make();

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *wrong = chunk_decode(row[i].byte, row[i].size, CHUNK_ALL, &b->out);
        ck_assert_msg(wrong && strstr(wrong, row[i].why), "row %zu: %s", i, wrong ? wrong : "accepted");
    }
    free(b);
}
END_TEST

/* Where the description of a column begins: predictor, base, for a server a and b, values, bytes. Before them stand, for
 * one delivered frame, 1 frame, 1 shape, nothing absent, 9 letters. */
static uint8_t *description(struct bench *b, int column)
{
    uint8_t *p = b->blob + 13;

    for (int c = 0; c < column; c++)
        for (int numbers = *p++ == 3 ? 5 : 3; numbers > 0; numbers--)
            while (*p++ >= 0x80)
                ;
    return p;
}

/* Only times have a stage before them (2, 3); there is no fifth prediction (4); one frame has one seq, in no bytes. */
START_TEST(a_column_described_wrongly_is_refused)
{
    static const struct { int column, at; uint8_t byte; bool accepted; } row[] = {
        { CHUNK_SEQ, 0, 0, true }, { CHUNK_SEQ, 0, 1, true }, { CHUNK_SEQ, 0, 2, false }, { CHUNK_SEQ, 0, 3, false },
        { CHUNK_SEQ, 0, 4, false }, { CHUNK_SEQ, 2, 0, false }, { CHUNK_SEQ, 2, 2, false }, { CHUNK_SEQ, 3, 1, false },
        { CHUNK_FATE, 0, 2, false }, { CHUNK_T_WIRE, 0, 2, false }, { CHUNK_T_DMA, 0, 2, true },
        { CHUNK_T_DMA, 0, 4, false }, { CHUNK_T_DMA, 0, 255, false },
    };
    struct bench *b = bench_make();
    struct frame f = frame_at(0, 1 * US);

    chunk_append(&b->in, &f, FATE_DELIVERED, 2 * US);
    encode(b);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint8_t *byte = description(b, row[i].column) + row[i].at, was = *byte;
        *byte = row[i].byte;
        bool accepted = chunk_decode(b->blob, b->size, CHUNK_ALL, &b->out) == NULL;
        ck_assert_msg(accepted == row[i].accepted, "row %zu", i);
        *byte = was;
    }
    free(b);
}
END_TEST

/* Frames on a beat of 67 ns take next to nothing; when the beat changes to 134 ns the plan is 7 bits off for each column
 * it predicts from the row before. The chunk behind is encoded with a new one. */
START_TEST(a_plan_that_does_badly_is_chosen_again)
{
    struct bench *b = bench_make();
    size_t size[4];

    for (int i = 0; i < 4; i++) {
        ps_t beat = i < 2 ? 67000 : 134000;
        b->in.n = 0;
        while (b->in.n < CHUNK_FRAMES) {
            struct frame f = frame_at(b->in.n, beat * b->in.n);
            chunk_append(&b->in, &f, FATE_DELIVERED, beat * b->in.n + 9 * US);
        }
        encode(b);
        size[i] = b->size;
    }
    CHECK_EQ(size[1], size[0]);
    ck_assert_uint_gt(size[2], 2 * size[0]);
    ck_assert_uint_lt(size[3], size[0] + size[0] / 10);
    free(b);
}
END_TEST

SUITE(chunk, times_are_whole_nanoseconds_rounded_down, only_a_delivered_frame_has_a_time_at_the_application,
      one_frame_comes_back, any_frames_come_back, every_width_comes_back, a_column_that_no_frame_has_comes_back,
      a_plan_for_other_frames_loses_nothing, each_column_is_the_same_alone_and_in_pairs,
      a_machine_takes_no_more_than_three_bytes_a_frame, what_never_changes_takes_no_room, a_blob_cut_anywhere_is_refused,
      a_flipped_bit_is_refused_or_changes_numbers, a_head_that_makes_no_sense_is_refused,
      a_column_described_wrongly_is_refused, a_plan_that_does_badly_is_chosen_again)
