/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/fifo.h"

#include "sim/engine/random.h"
#include "tests/suite.h"

/* 1000 bytes hold 600 + 400 to the byte; one more byte does not fit, and 400 fit again when 400 have left. */
START_TEST(it_holds_its_size_in_bytes_and_not_one_more)
{
    const struct fifo_params p = { .size = 1000 };
    struct fifo q = { .params = &p };
    struct frame a = { .wire_bytes = 600 }, b = { .wire_bytes = 401 }, c = { .wire_bytes = 400 };

    ck_assert(fifo_put(&q, &a));
    ck_assert(!fifo_put(&q, &b));
    ck_assert(fifo_put(&q, &c));
    CHECK_EQ(q.used, 1000);
    CHECK_EQ(q.counters.rx_missed_errors, 1);
    ck_assert_ptr_eq(fifo_take(&q), &a);
    CHECK_EQ(q.used, 400);
    ck_assert(fifo_put(&q, &b));
    CHECK_EQ(q.used, 801);
}
END_TEST

/* Without a FIFO there is still the frame that is being passed on, of any length. */
START_TEST(size_zero_passes_one_frame_at_a_time)
{
    const struct fifo_params p = { .size = 0 };
    struct fifo q = { .params = &p };
    struct frame a = { .wire_bytes = 9018 }, b = { .wire_bytes = 64 };

    ck_assert(fifo_put(&q, &a));
    ck_assert(!fifo_put(&q, &b));
    CHECK_EQ(q.counters.rx_missed_errors, 1);
    ck_assert_ptr_eq(fifo_take(&q), &a);
    ck_assert(fifo_put(&q, &b));
    CHECK_EQ(q.counters.rx_missed_errors, 1);
}
END_TEST

/* A frame longer than the whole FIFO never fits: only size 0 means that frames are passed on as they come. */
START_TEST(a_frame_larger_than_the_fifo_is_lost)
{
    const struct fifo_params p = { .size = 1000 };
    struct fifo q = { .params = &p };

    ck_assert(!fifo_put(&q, &(struct frame){ .wire_bytes = 1001 }));
    CHECK_EQ(q.used, 0);
}
END_TEST

/* Against a list: what was taken in comes out in order, `used` is the sum of what is inside, a frame is refused if
 * and only if the sum would exceed the size. */
START_TEST(it_is_a_queue_of_bytes)
{
    enum { FRAMES = 4000 };
    static struct frame frame[FRAMES];
    static int inside[FRAMES];
    const struct fifo_params p = { .size = 20 << 10 };
    struct fifo q = { .params = &p };
    struct stream s;
    int first = 0, last = 0;
    int64_t bytes = 0, missed = 0;

    stream_seed(&s, 1, 0, "test");
    for (int i = 0; i < FRAMES; i++) {
        while (first < last && stream_below(&s, 100) < 45) {
            ck_assert_ptr_eq(fifo_take(&q), &frame[inside[first]]);
            bytes -= frame[inside[first++]].wire_bytes;
        }
        frame[i] = (struct frame){ .wire_bytes = 64 + (int32_t)stream_below(&s, 1459) };
        bool fits = bytes + frame[i].wire_bytes <= p.size;
        ck_assert(fifo_put(&q, &frame[i]) == fits);
        if (fits) {
            inside[last++] = i;
            bytes += frame[i].wire_bytes;
        }
        missed += !fits;
        CHECK_EQ(q.used, bytes);
        CHECK_EQ(q.frames.length, last - first);
    }
    CHECK_EQ(q.counters.rx_missed_errors, missed);
    ck_assert_int_gt(missed, 100);
    ck_assert_int_gt(last, 100);
}
END_TEST

/* fifo_pass answers for an empty FIFO as fifo_put does, at every size about the edges. */
START_TEST(what_passes_an_empty_fifo_is_what_it_would_take)
{
    static const int64_t size[] = { 0, 64, 1000, 1518 };
    static const int32_t bytes[] = { 33, 63, 64, 65, 999, 1000, 1001, 1518, 9018 };

    for (size_t s = 0; s < sizeof size / sizeof size[0]; s++) {
        for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
            const struct fifo_params p = { .size = size[s] };
            struct fifo q = { .params = &p };
            struct frame f = { .wire_bytes = bytes[i] };
            bool passes = fifo_pass(&q, &f);
            ck_assert(passes == fifo_put(&q, &f));
        }
    }
}
END_TEST

SUITE(fifo, what_passes_an_empty_fifo_is_what_it_would_take, it_holds_its_size_in_bytes_and_not_one_more, size_zero_passes_one_frame_at_a_time,
      a_frame_larger_than_the_fifo_is_lost, it_is_a_queue_of_bytes)
