/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/pages.h"

#include <string.h>

#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* ---- a ring by itself ---- */

static struct pool pool;
static struct pages p;
static ps_t cost;

static void begin(const struct pages_params *params, int64_t size)
{
    pool_init(&pool, sizeof(struct rx_page));
    CHECK_EQ(pages_init(&p, params, &pool, size, size, "test", 1, 0), 0);
    cost = 0;
}

static void done(void)
{
    pages_free(&p);
    pool_free(&pool);
}

static struct frame give(void)
{
    struct frame f = { .id = 0 };

    pages_give(&p, &f);
    return f;
}

/* Four pages. The first lap gives each page's first half away: all stay. In the second lap the reader has freed the halves
 * of the first two: these stay again, the other two are given up, and two new pages cost 100 each. */
START_TEST(a_half_page_comes_back_unless_somebody_holds_the_other_half)
{
    static const struct pages_params half = { .kind = PAGES_HALF };
    struct frame first[4], second[4];

    begin(&half, 4);
    for (int i = 0; i < 4; i++)
        first[i] = give();
    CHECK_EQ(pages_obtain(&p, 4, 100, &cost), 4);
    CHECK_EQ(cost, 0);
    CHECK_EQ(p.counters.rx_cache_reuse, 4);
    pages_release(first[0].page);
    pages_release(first[1].page);
    for (int i = 0; i < 4; i++)
        second[i] = give();
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_eq(second[i].page, first[i].page);
    CHECK_EQ(pages_obtain(&p, 4, 100, &cost), 4);
    CHECK_EQ(cost, 200);
    CHECK_EQ(p.counters.rx_cache_reuse, 6);
    CHECK_EQ(p.counters.rx_cache_alloc, 2);
    CHECK_EQ(p.counters.rx_pages_max, 6);
    done();
}
END_TEST

/* A page that was given up is freed with the last of its two halves. */
START_TEST(a_page_is_freed_when_nobody_holds_it)
{
    static const struct pages_params half = { .kind = PAGES_HALF };

    begin(&half, 1);
    struct frame a = give();
    pages_obtain(&p, 1, 100, &cost);
    struct frame b = give();
    CHECK_EQ(pages_obtain(&p, 1, 100, &cost), 1);
    CHECK_EQ(p.alive, 2);
    pages_release(b.page);
    CHECK_EQ(p.alive, 2);
    pages_release(a.page);
    CHECK_EQ(p.alive, 1);
    CHECK_EQ(pool.out, 1);
    done();
}
END_TEST

/* Whatever skbs do, a copied frame's buffer stays. */
START_TEST(a_copied_frame_leaves_its_buffer_in_the_ring)
{
    static const struct pages_params kinds[] = { { .kind = PAGES_HALF }, { .kind = PAGES_POOL } };

    for (int k = 0; k < 2; k++) {
        begin(&kinds[k], 2);
        for (int i = 0; i < 10; i++) {
            pages_keep(&p);
            CHECK_EQ(pages_obtain(&p, 1, 100, &cost), 1);
        }
        CHECK_EQ(cost, 0);
        CHECK_EQ(p.alive, 2);
        done();
    }
}
END_TEST

/* A pool has nothing to give before an skb was freed, and then gives that; its store ends at the ring's size. */
START_TEST(a_pool_gives_what_skbs_have_freed)
{
    static const struct pages_params store = { .kind = PAGES_POOL };
    struct frame f[6];

    begin(&store, 4);
    for (int i = 0; i < 6; i++) {
        f[i] = give();
        pages_obtain(&p, 1, 100, &cost);
    }
    CHECK_EQ(cost, 600);
    for (int i = 0; i < 6; i++)
        pages_release(f[i].page);
    CHECK_EQ(p.stored, 4);
    CHECK_EQ(p.alive, 8);
    for (int i = 0; i < 4; i++)
        give();
    CHECK_EQ(pages_obtain(&p, 4, 100, &cost), 4);
    CHECK_EQ(cost, 600);
    CHECK_EQ(p.counters.rx_cache_reuse, 4);
    done();
}
END_TEST

/* Of a million 999 999 fail: nothing comes, and the refill says so; of half about half come, in runs. */
START_TEST(a_refill_stops_where_an_allocation_fails)
{
    static const struct pages_params hopeless = { .alloc_fail = 999999 }, even = { .alloc_fail = 500000 };
    int64_t got = 0;

    begin(&hopeless, 64);
    CHECK_EQ(pages_obtain(&p, 16, 0, &cost), 0);
    CHECK_EQ(p.counters.alloc_rx_page_failed, 1);
    ck_assert(p.failed);
    done();
    begin(&even, 64);
    for (int i = 0; i < 1000; i++)
        got += pages_obtain(&p, 16, 0, &cost);
    ck_assert_int_gt(got, 900);                 /* one success before each failure is the mean */
    ck_assert_int_lt(got, 1100);
    CHECK_EQ(p.counters.alloc_rx_page_failed, 1000);
    done();
}
END_TEST

/* ---- in a machine ---- */

static struct rig r;

static const struct nic_queue *queue(void)
{
    return &r.host.nic[0].queue[0];
}

/* A frame each 10 us, 63 descriptors. */
static void lone_frames(const char *settings, int n)
{
    rig_init(&r, 1, "cpu.count=2 nic.ring.rx=64 app.rcvbuf=1MB net.core.rmem_max=4194304 run.duration=5ms run.drain=1ms");
    rig_set(&r, settings);
    rig_flow(&r, FLOW_UDP, 1, 9);
    for (int i = 0; i < n; i++)
        rig_frame(&r, 10 * US + i * 10 * US, 0, 18);
    rig_build(&r);
    ck_assert(host_run(&r.host, NULL, NULL));
}

/* A reader that keeps up: every page comes back. One that never reads: the second lap finds every page's other half in the
 * socket's queue, and each frame of it costs a page. Its 126 datagrams of 18 bytes keep 63 pages beside the ring's. */
START_TEST(a_queue_that_stands_still_turns_recycling_into_allocation)
{
    lone_frames("nic.ring.pages=half", 126);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 126);
    CHECK_EQ(queue()->pages.counters.rx_cache_reuse, 126);
    CHECK_EQ(queue()->pages.counters.rx_cache_alloc, 0);
    CHECK_EQ(queue()->pages.counters.rx_pages_max, 63);
    rig_free(&r);

    lone_frames("nic.ring.pages=half app.kind=idle", 126);
    CHECK_EQ(queue()->pages.counters.rx_cache_reuse, 63);
    CHECK_EQ(queue()->pages.counters.rx_cache_alloc, 63);
    CHECK_EQ(queue()->pages.counters.rx_pages_max, 63 + 63);
    CHECK_EQ(r.host.app[0].udp.udp.rmem_alloc, 126 * 2304);
    rig_free(&r);
}
END_TEST

/* The same seen by the poll: a new page is 1000 more. */
START_TEST(a_new_page_costs_the_refill)
{
    for (int reads = 0; reads < 2; reads++) {
        lone_frames(reads ? "nic.ring.pages=half cost.driver.page=1000cycles app.kind=recv"
                          : "nic.ring.pages=half cost.driver.page=1000cycles app.kind=idle", 64);
        const struct note *first = rig_note(&r, TRACE_NAPI_POLL, 0), *last = rig_note(&r, TRACE_NAPI_POLL, 63);
        CHECK_EQ(last->at - first->at, 63 * 10 * US + (reads ? 0 : 1000 * NS));
        rig_free(&r);
    }
}
END_TEST

/* i40e claims its weight when a refill failed, and is polled again until one succeeds; ixgbe waits for the next frame. */
START_TEST(a_failed_refill_is_tried_again_or_waits)
{
    lone_frames("nic.ring.alloc_fail=500000 nic.ring.alloc_fail_repoll=on", 50);
    ck_assert_uint_gt(queue()->pages.counters.alloc_rx_page_failed, 10);
    CHECK_EQ(queue()->ring.empty, 0);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 50 + (int)queue()->pages.counters.alloc_rx_page_failed);
    rig_free(&r);

    lone_frames("nic.ring.alloc_fail=999999 nic.ring.refill_batch=0", 80);
    CHECK_EQ(queue()->ring.empty, 63);
    CHECK_EQ(rig_fate(&r, FATE_RX_NO_DESC), 80 - 63);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 63);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 63);
    CHECK_EQ(queue()->pages.counters.alloc_rx_page_failed, 63);
    rig_free(&r);
}
END_TEST

/* A reader on a core of its own may run ahead of everybody else, but not of a driver that looks at what it frees: queues
 * that come and go, and pages that come back just in time or just not. */
START_TEST(a_reader_does_not_run_ahead_of_the_driver)
{
    const struct run_options usual = { .seed = 1, .sample_every = 1 };
    struct run_options slow = usual;
    struct config c;
    struct result a, z;

    slow.no_batch = true;
    machine_load(&c, "linerate.yaml", "run.duration=2ms nic.ring.pages=half nic.ring.rx=32 traffic.kind=poisson "
                 "traffic.rate=1Mpps app.work=600ns app.rcvbuf=1MiB cost.driver.page=500cycles");
    machine_run(&c, &usual, &a);
    machine_run(&c, &slow, &z);
    ck_assert_uint_gt(result_counter(&a, NULL, "rx_cache_alloc"), 10);
    ck_assert_uint_gt(result_counter(&a, NULL, "rx_cache_reuse"), 100);
    ck_assert_uint_eq(result_counter(&a, NULL, "rx_cache_alloc"), result_counter(&z, NULL, "rx_cache_alloc"));
    ck_assert(a.fingerprint.lo == z.fingerprint.lo && a.fingerprint.hi == z.fingerprint.hi);
    result_free(&a);
    result_free(&z);
    machine_release(&c);
}
END_TEST

SUITE(pages, a_reader_does_not_run_ahead_of_the_driver, a_half_page_comes_back_unless_somebody_holds_the_other_half, a_page_is_freed_when_nobody_holds_it,
      a_copied_frame_leaves_its_buffer_in_the_ring, a_pool_gives_what_skbs_have_freed,
      a_refill_stops_where_an_allocation_fails, a_queue_that_stands_still_turns_recycling_into_allocation,
      a_new_page_costs_the_refill, a_failed_refill_is_tried_again_or_waits)
