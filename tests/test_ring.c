/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ring.h"

#include "models/nic.h"
#include "sim/engine/random.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

enum { FRAMES = 8192 };
static struct frame frame[FRAMES];

/* The NIC fills descriptors until it finds none; returns how many. Frames are visible from time 0 on. */
static int64_t fill(struct ring *r)
{
    int64_t n = 0;

    for (; ring_claim(r); n++) {
        struct frame *f = &frame[r->filled.length];
        ck_assert_int_lt(r->filled.length, FRAMES);
        *f = (struct frame){ .wire_bytes = 64 };
        ring_complete(r, f);
    }
    return n;
}

static void take(struct ring *r, int64_t n)
{
    for (; n > 0; n--)
        ck_assert_ptr_nonnull(ring_take(r, 0));
}

/* ---- how many the NIC may use ---- */

/* Head == tail means none, so a ring of N with that rule gives N - 1; one without it gives N. */
START_TEST(intel_keeps_one_slot_empty_and_mlx5_none)
{
    static const struct { int64_t rx, reserved, usable; } row[] = {
        { 64, 1, 63 }, { 512, 1, 511 }, { 4096, 1, 4095 }, { 64, 0, 64 }, { 1024, 0, 1024 }, { 8192, 0, 8192 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const struct ring_params p = { .rx = row[i].rx, .reserved = row[i].reserved, .tail_multiple = 1 };
        struct ring r;
        ring_init(&r, &p);
        CHECK_EQ(r.posted, row[i].usable);
        CHECK_EQ(fill(&r), row[i].usable);
        CHECK_EQ(r.filled.length, row[i].usable);
        ck_assert(!ring_claim(&r));
    }
}
END_TEST

/* Taking a frame frees nothing for the NIC: only a refill does. */
START_TEST(a_taken_descriptor_is_not_usable_before_it_is_refilled)
{
    const struct ring_params p = { .rx = 64, .reserved = 1, .tail_multiple = 1 };
    struct ring r;

    ring_init(&r, &p);
    fill(&r);
    take(&r, 10);
    CHECK_EQ(r.empty, 10);
    ck_assert(!ring_claim(&r));
    ck_assert(ring_refill(&r, 4));
    CHECK_EQ(r.empty, 6);
    CHECK_EQ(fill(&r), 4);
}
END_TEST

/* e1000e writes the tail while it fills the descriptor at a multiple of 16, before that one counts. So of the N - 1
 * that are refilled the last 1 to 16 are not yet known to the NIC: with next_to_use = N - 1 + k after k lone frames,
 * (next_to_use - 1) mod 16 + 1 of them. The NIC has N - 17 (k = 1, 17, ..: 47 of 64, 239 of 256, 1007 of 1024, which
 * real overloads show as their limit) to N - 2 (k = 2, 18, ..). */
START_TEST(a_tail_in_sixteens_keeps_up_to_sixteen_from_the_nic)
{
    static const int64_t size[] = { 64, 256, 1024 };
    const struct ring_params p = { .rx = size[_i], .reserved = 1, .tail_multiple = 16 };
    int64_t least = p.rx, most = 0;
    struct ring r;

    ring_init(&r, &p);
    CHECK_EQ(r.posted, p.rx - 16);                      /* next_to_use = N - 1: the last write was at N - 16 */
    for (int64_t k = 1; k <= 48; k++) {
        frame[0] = (struct frame){ .wire_bytes = 64 };
        ck_assert(ring_claim(&r));
        ring_complete(&r, &frame[0]);
        take(&r, 1);
        ck_assert(ring_refill(&r, 1) == (k % 16 == 2)); /* N - 1 + k - 1 is a multiple of 16 */
        CHECK_EQ(r.posted, p.rx - 1 - ((p.rx - 2 + k) % 16 + 1));
        least = r.posted < least ? r.posted : least;
        most = r.posted > most ? r.posted : most;
    }
    CHECK_EQ(least, p.rx - 17);
    CHECK_EQ(most, p.rx - 2);
}
END_TEST

/* ---- when a frame is there ---- */

START_TEST(a_frame_is_taken_when_its_completion_is_visible_and_not_before)
{
    const struct ring_params p = { .rx = 64, .reserved = 1, .tail_multiple = 1 };
    struct frame a = { .wire_bytes = 64, .dma_at = 5 * US }, b = { .wire_bytes = 1518, .dma_at = 6 * US };
    struct ring r;

    ring_init(&r, &p);
    ck_assert_ptr_null(ring_take(&r, 5 * US));
    ck_assert(ring_claim(&r) && ring_claim(&r));
    ring_complete(&r, &a);
    ring_complete(&r, &b);
    ck_assert_ptr_null(ring_take(&r, 5 * US - 1));
    CHECK_EQ(r.empty, 0);
    ck_assert_ptr_eq(ring_take(&r, 5 * US), &a);
    ck_assert_ptr_null(ring_take(&r, 6 * US - 1));
    ck_assert_ptr_eq(ring_take(&r, 6 * US), &b);
    CHECK_EQ(r.empty, 2);
    CHECK_EQ(r.counters.rx_packets, 2);
    CHECK_EQ(r.counters.rx_bytes, 60 + 1514);           /* the FCS is stripped */
}
END_TEST

/* Random work of NIC and driver: no descriptor is lost or made, frames come out in order, and the NIC never gets one
 * beyond the last refilled. */
START_TEST(descriptors_are_conserved)
{
    struct stream s;
    stream_seed(&s, (uint64_t)_i, 0, "test");
    const struct ring_params p = {
        .rx = 16 + (int64_t)stream_below(&s, 300), .reserved = (int64_t)stream_below(&s, 2),
        .tail_multiple = 1 + (int64_t)stream_below(&s, 17),
    };
    int64_t in = 0, out = 0;
    struct ring r;

    ring_init(&r, &p);
    for (int i = 0; i < 5000; i++) {
        int64_t before = r.posted;
        switch (stream_below(&s, 4)) {
        case 0:
        case 1:
            if (!ring_claim(&r)) {
                CHECK_EQ(before, 0);
                break;
            }
            frame[in % FRAMES] = (struct frame){ .wire_bytes = 64, .id = (uint64_t)in };
            ring_complete(&r, &frame[in++ % FRAMES]);
            break;
        case 2: {
            struct frame *f = ring_take(&r, 0);
            ck_assert(f ? f->id == (uint64_t)out : in == out);
            out += f != NULL;
            break;
        }
        default:
            ck_assert(ring_refill(&r, (int64_t)stream_below(&s, (uint64_t)r.empty + 1)) == (r.posted > before));
        }
        int64_t unwritten = r.next_to_use - r.tail;
        CHECK_EQ(r.posted + r.filled.length + r.empty + unwritten + p.reserved, p.rx);
        ck_assert(r.posted >= 0 && r.empty >= 0 && unwritten >= 0 && unwritten <= p.tail_multiple);
        CHECK_EQ(r.filled.length, in - out);
    }
    CHECK_EQ(r.counters.rx_packets, out);
}
END_TEST

/* ---- with the driver ---- */

/* Lone frames, a millisecond apart, each in a poll of its own. What stays empty afterwards is the driver's rule: ixgbe
 * refills when 16 are empty and not at the end of the poll, so up to 15 stay; igb and e1000e everything at the end of
 * the poll; mlx5 8 or more at its end; i40e 256 at a time. */
START_TEST(what_stays_empty_is_the_drivers_rule)
{
    static const struct { const char *settings; int64_t frames, empty, posted; } row[] = {
        { "nic.model=ixgbe", 15, 15, 511 - 15 },
        { "nic.model=ixgbe", 16, 0, 511 },
        { "nic.model=ixgbe", 100, 4, 511 - 4 },         /* 100 mod 16 */
        { "nic.model=igb", 100, 0, 255 },
        { "nic.model=i40e", 100, 100, 511 - 100 },
        { "nic.model=mlx5", 100, 4, 1024 - 4 },         /* 100 mod 8 */
        { "nic.model=e1000e", 100, 0, 352 - 100 },      /* next_to_use 255 + 100, the tail written at 352 */
    };
    struct config c;
    struct host h;

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        machine_load(&c, "one-frame.yaml", row[i].settings);
        c.traffic[0].traffic.frames = row[i].frames;
        c.host->run.duration = row[i].frames * MS + 1 * MS;
        machine_host(&c, &h);
        const struct ring *r = &h.nic[0].queue[0].ring;
        CHECK_EQ(r->counters.rx_packets, row[i].frames);
        CHECK_EQ(r->empty, row[i].empty);
        CHECK_EQ(r->posted, row[i].posted);
        host_free(&h);
        machine_release(&c);
    }
}
END_TEST

/* Line rate into a driver that is far too slow: frames wait until the NIC finds no descriptor. ixgbe refills as soon
 * as 16 are empty, so all but the up to 15 taken since are in use: of N - 1. */
START_TEST(in_overload_everything_posted_is_filled)
{
    struct config c;
    struct host h;

    machine_load(&c, "saturated.yaml", "run.duration=2ms");
    machine_host(&c, &h);
    const struct ring *r = &h.nic[0].queue[0].ring;
    ck_assert_uint_gt(r->counters.rx_no_desc, 0);       /* which takes that nothing is posted */
    CHECK_EQ(r->filled.length + r->posted + r->empty, 511);
    CHECK_EQ(r->counters.rx_no_desc, host_ledger(&h).frames[FATE_RX_NO_DESC]);
    CHECK_EQ(r->counters.rx_packets + r->counters.rx_no_desc, host_ledger(&h).offered);
    ck_assert_int_le(r->empty, 15);
    host_free(&h);
    machine_release(&c);
}
END_TEST

/* ---- written back by the group ---- */

/* A gap of 50 us, a group of four. The first frame comes to an idle vector: visible at once, its interrupt begins the gap. The
 * next three fill its group: all are visible with the last of them, at 30 us. The fifth stands alone in its group until the gap
 * ends at 50 us, and so does the frame of 45 us; the one of 55 us comes in the next gap and has to wait for a fourth, at 60 us. */
START_TEST(descriptors_become_visible_by_the_group_or_at_the_gaps_end)
{
    static const struct { int at, visible; } row[] = {
        { 0, 0 }, { 10, 30 }, { 20, 30 }, { 30, 30 }, { 40, 50 }, { 45, 50 }, { 55, 60 }, { 60, 60 },
    };
    static struct rig r;

    for (int no_batch = 0; no_batch < 2; no_batch++) {
        rig_init(&r, 1, "nic.coalesce.kind=gap nic.coalesce.rx-usecs=50us nic.ring.writeback=4");
        r.no_batch = no_batch;
        uint32_t flow = rig_flow(&r, FLOW_UDP, 1, 9);
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
            rig_frame(&r, row[i].at * US, flow, 18);
        rig_run(&r);
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
            ps_t visible = rig_end(&r, i)->frame.dma_at;
            ps_t expected = row[i].visible * US + RIG_WIRE;
            ck_assert_msg(visible == expected, "frame %d: %lld ps", (int)i, (long long)visible);
            ck_assert_int_ge(rig_end(&r, i)->frame.poll_at, visible);
        }
        rig_free(&r);
    }
}
END_TEST

/* With the gap over each is visible by itself, and so are all without a group. */
START_TEST(without_a_gap_or_a_group_each_is_visible_as_it_comes)
{
    static const char *const settings[] = { "nic.ring.writeback=4 nic.coalesce.rx-usecs=0us", "nic.coalesce.rx-usecs=50us",
                                            "nic.ring.writeback=4 nic.coalesce.rx-usecs=9us" };
    static struct rig r;

    for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++) {
        rig_init(&r, 1, settings[k]);
        uint32_t flow = rig_flow(&r, FLOW_UDP, 1, 9);
        for (int i = 0; i < 6; i++)
            rig_frame(&r, i * 10 * US, flow, 18);
        rig_run(&r);
        for (int i = 0; i < 6; i++)
            CHECK_EQ(rig_end(&r, (uint64_t)i)->frame.dma_at, i * 10 * US + RIG_WIRE);
        rig_free(&r);
    }
}
END_TEST

Suite *ring_suite(void);
Suite *ring_suite(void)
{
    Suite *s = suite_create("ring");
    TCase *t = tcase_create("ring");

    tcase_add_test(t, intel_keeps_one_slot_empty_and_mlx5_none);
    tcase_add_test(t, a_taken_descriptor_is_not_usable_before_it_is_refilled);
    tcase_add_loop_test(t, a_tail_in_sixteens_keeps_up_to_sixteen_from_the_nic, 0, 3);
    tcase_add_test(t, a_frame_is_taken_when_its_completion_is_visible_and_not_before);
    tcase_add_loop_test(t, descriptors_are_conserved, 1, 51);
    tcase_add_test(t, what_stays_empty_is_the_drivers_rule);
    tcase_add_test(t, in_overload_everything_posted_is_filled);
    tcase_add_test(t, descriptors_become_visible_by_the_group_or_at_the_gaps_end);
    tcase_add_test(t, without_a_gap_or_a_group_each_is_visible_as_it_comes);
    suite_add_tcase(s, t);
    return s;
}
