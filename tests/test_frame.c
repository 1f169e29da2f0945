/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/frame.h"

#include "sim/engine/random.h"
#include "tests/suite.h"

START_TEST(frames_come_out_in_the_order_they_went_in)
{
    struct frame_queue q = { 0 };
    struct frame f[3] = { { .id = 0 }, { .id = 1 }, { .id = 2 } };

    ck_assert_ptr_null(frame_pop(&q));
    for (int round = 0; round < 2; round++) {           /* an emptied queue is as good as new */
        for (int i = 0; i < 3; i++)
            frame_push(&q, &f[i]);
        CHECK_EQ(q.length, 3);
        ck_assert_ptr_null(f[2].next);
        for (uint64_t i = 0; i < 3; i++)
            ck_assert_uint_eq(frame_pop(&q)->id, i);
        CHECK_EQ(q.length, 0);
        ck_assert_ptr_null(frame_pop(&q));
    }
}
END_TEST

/* More objects than one slab has: each its own, each on a cache line of its own, and none lost. */
START_TEST(objects_do_not_overlap)
{
    enum { OBJECTS = 1000, SIZE = 72 };                 /* 72 bytes take two lines of 64 */
    static unsigned char *object[OBJECTS];
    struct pool p;

    pool_init(&p, SIZE);
    for (int i = 0; i < OBJECTS; i++) {
        object[i] = pool_take(&p);
        ck_assert_uint_eq((uintptr_t)object[i] % 64, 0);
        for (int b = 0; b < SIZE; b++)
            object[i][b] = (unsigned char)(i % 251);
    }
    ck_assert_uint_eq(p.out, OBJECTS);
    for (int i = 0; i < OBJECTS; i++)
        for (int b = 0; b < SIZE; b++)
            CHECK_EQ(object[i][b], i % 251);
    for (int i = 0; i < OBJECTS; i++)
        pool_return(&p, object[i]);
    ck_assert_uint_eq(p.out, 0);
    pool_free(&p);
}
END_TEST

/* What was returned is used again before memory grows: 100 000 objects one after the other need one slab. */
START_TEST(returned_objects_are_used_again)
{
    struct pool p;
    void *held;

    pool_init(&p, sizeof(struct frame));
    held = pool_take(&p);
    for (int i = 0; i < 100000; i++) {
        void *other = pool_take(&p);
        ck_assert_ptr_ne(other, held);
        pool_return(&p, held);
        held = other;
    }
    CHECK_EQ(p.slabs, 1);
    ck_assert_uint_eq(p.out, 1);
    pool_free(&p);
    ck_assert_ptr_null(p.slab);
}
END_TEST

/* Against a list of what is out: an object is never given out twice. */
START_TEST(an_object_has_one_owner)
{
    enum { MOST = 600 };
    struct frame *out[MOST];
    uint64_t number = 0;
    struct stream s;
    struct pool p;
    int n = 0;

    pool_init(&p, sizeof(struct frame));
    stream_seed(&s, 1, 0, "test");
    for (int i = 0; i < 20000; i++) {
        if (n < MOST && stream_below(&s, 2)) {
            out[n] = pool_take(&p);
            out[n++]->id = ++number;
        } else if (n > 0) {
            int which = (int)stream_below(&s, (uint64_t)n);
            uint64_t id = out[which]->id;
            for (int k = 0; k < n; k++)
                ck_assert(k == which || out[k]->id != id);
            pool_return(&p, out[which]);
            out[which] = out[--n];
        }
        ck_assert_uint_eq(p.out, (uint64_t)n);
    }
    pool_free(&p);
}
END_TEST

SUITE(frame, frames_come_out_in_the_order_they_went_in, objects_do_not_overlap, returned_objects_are_used_again,
      an_object_has_one_owner)
