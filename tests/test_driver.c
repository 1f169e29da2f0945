/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/driver.h"

#include "models/app.h"
#include "models/nic.h"
#include "tests/fixture.h"
#include "tests/suite.h"

static struct rig r;

static const struct nic_queue *queue(void)
{
    return &r.host.nic[0].queue[0];
}

static const struct note *poll(int n)
{
    return rig_note(&r, TRACE_NAPI_POLL, n);
}

/* Core 1 reads, so that core 0 does nothing but receive. */
static void begin(const char *settings)
{
    rig_init(&r, 1, "cpu.count=2");
    rig_set(&r, settings);
    rig_flow(&r, FLOW_UDP, 1, 9);
}

/* `n` datagrams that all wait in the ring when the interrupt is taken, 1 us after the first is there:
 * then. */
static ps_t waiting(int n)
{
    rig_set(&r, "pcie.msix_latency=1us");
    rig_burst(&r, 10 * US, 0, n);
    rig_run(&r);
    return 11 * US + RIG_WIRE;
}

/* ---- what a poll takes ---- */

/* A frame takes 1 us. The second is visible 1 us after the first, just as the poll looks again: it is taken.
 * One picosecond later it is not, the poll ends and its interrupt comes. */
START_TEST(a_frame_visible_when_the_poll_looks_is_taken_by_it)
{
    for (int late = 0; late < 2; late++) {
        begin("cost.driver.frame=1000cycles");
        rig_burst(&r, 10 * US, 0, 1);
        rig_burst(&r, 11 * US + late, 0, 1);
        rig_run(&r);
        CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 1 + late);
        CHECK_EQ(poll(0)->a, 2 - late);
        CHECK_EQ(queue()->irq.counters.interrupts, 1 + late);
        CHECK_EQ(rig_end(&r, 1)->frame.poll_at, 11 * US + RIG_WIRE + late);
        rig_free(&r);
    }
}
END_TEST

/* Frames every 1 us and 1 us for each: they come as fast as they are taken, all in one poll. */
START_TEST(a_poll_goes_on_while_frames_arrive)
{
    begin("cost.driver.frame=1000cycles");
    for (int i = 0; i < 40; i++)
        rig_burst(&r, (10 + i) * US, 0, 1);
    rig_run(&r);
    CHECK_EQ(rig_count(&r, TRACE_NAPI_POLL), 1);
    CHECK_EQ(poll(0)->a, 40);
    CHECK_EQ(queue()->irq.counters.interrupts, 1);
    rig_free(&r);
}
END_TEST

/* The first frame was there when the interrupt came (11 us), the second came during the poll that takes 1 us
 * each. */
START_TEST(a_frame_knows_the_interrupt_that_led_to_its_poll)
{
    begin("cost.driver.frame=1000cycles pcie.msix_latency=1us");
    rig_burst(&r, 10 * US, 0, 1);
    rig_burst(&r, 11 * US + 500 * NS, 0, 1);
    rig_run(&r);
    CHECK_EQ(rig_end(&r, 0)->frame.irq_at, 11 * US + RIG_WIRE);
    CHECK_EQ(rig_end(&r, 0)->frame.dma_at, 10 * US + RIG_WIRE);
    CHECK_EQ(rig_end(&r, 1)->frame.irq_at, -1);
    CHECK_EQ(rig_end(&r, 1)->frame.poll_at, 12 * US + RIG_WIRE);
    CHECK_EQ(rig_end(&r, 1)->frame.cpu, 0);
    rig_free(&r);
}
END_TEST

/* ---- costs ---- */

/* Three frames: 100 each, 10 more for the first, 5 for the look that finds no fourth: 315 ns. */
START_TEST(a_poll_costs_its_frames_its_first_and_its_last_look)
{
    begin("cost.driver.frame=100cycles cost.driver.first=10cycles cost.driver.scan=5cycles");
    ps_t at = waiting(3);
    CHECK_EQ(poll(0)->at, at + 315 * NS);
    CHECK_EQ(rig_end(&r, 1)->frame.poll_at, at + 110 * NS);
    CHECK_EQ(rig_end(&r, 2)->frame.poll_at, at + 210 * NS);
    rig_free(&r);
}
END_TEST

/* A poll that ends by its weight has not looked for more. */
START_TEST(a_full_poll_does_not_pay_for_a_last_look)
{
    begin("cost.driver.scan=5cycles kernel.napi.weight=3");
    ps_t at = waiting(3);
    CHECK_EQ(poll(0)->at, at);
    CHECK_EQ(poll(1)->at, at + 5 * NS);
    rig_free(&r);
}
END_TEST

/* Frames without FCS are 60 and 61 bytes: with a copybreak of 60 only the first is copied, 2 ns a byte, and
 * its memory is charged as the small head. */
START_TEST(copybreak_copies_frames_up_to_its_size)
{
    begin("nic.copybreak=60B cost.driver.copy_byte=2cycles/B");
    rig_frame(&r, 10 * US, 0, 18);
    rig_run(&r);
    CHECK_EQ(poll(0)->at, 10 * US + RIG_WIRE + 120 * NS);
    rig_free(&r);

    begin("nic.copybreak=60B cost.driver.copy_byte=2cycles/B");
    rig_frame(&r, 10 * US, 0, 19);
    rig_run(&r);
    CHECK_EQ(poll(0)->at, rig_end(&r, 0)->frame.dma_at);
    rig_free(&r);
}
END_TEST

/* The reader is far away (its core hears of the wakeup 1 ms later), so the socket shows what each is
 * charged. */
START_TEST(a_copied_frame_is_charged_as_a_small_head)
{
    begin("nic.copybreak=60B cpu.ipi_latency=1ms");
    rig_frame(&r, 10 * US, 0, 18);
    rig_frame(&r, 20 * US, 0, 19);
    rig_start(&r);
    rig_until(&r, 15 * US);
    CHECK_EQ(r.host.app[0].udp.udp.rmem_alloc, 1280);
    rig_until(&r, 50 * US);
    CHECK_EQ(r.host.app[0].udp.udp.rmem_alloc, 1280 + 2304);
    rig_free(&r);
}
END_TEST

/* GRO on costs 10 for each frame offered and 1 for each merged: of three segments two. Flushing one costs
 * 100. */
START_TEST(gro_costs_each_frame_each_merge_and_each_flush)
{
    for (int on = 0; on < 2; on++) {
        uint32_t tcp;

        begin("cost.gro.frame=10cycles cost.gro.merge=1cycles cost.gro.flush=100cycles "
              "pcie.msix_latency=1us");
        rig_set(&r, on ? "nic.features.gro=on" : "nic.features.gro=off");
        tcp = rig_flow(&r, FLOW_TCP, 1, 9);
        for (uint32_t i = 0; i < 3; i++)
            rig_segment(&r, 10 * US, tcp, 1 + i * 100, 100)->ip_id = (uint16_t)i;
        rig_run(&r);
        CHECK_EQ(poll(0)->at - rig_end(&r, 0)->frame.irq_at, on ? 132 * NS : 0);
        CHECK_EQ(rig_count(&r, TRACE_NETIF_RECEIVE_SKB), on ? 1 : 3);
        rig_free(&r);
    }
}
END_TEST

/* Each skb 3; after every fifth the next refills the cache of sk_buffs (100), after every fourth the next needs a page
 * (1000): of ten that is 30 + 100 + 2000. When all are read, eight heads are back and so two pages; two heads of the
 * third page are still to be cut. */
START_TEST(memory_costs_come_in_a_fixed_rhythm)
{
    begin("cost.skb.alloc=3cycles cost.skb.heads_every=5 cost.skb.heads=100cycles cost.skb.page_every=4 "
          "cost.skb.page=1000cycles");
    ps_t at = waiting(10);
    CHECK_EQ(poll(0)->at, at + 2130 * NS);
    CHECK_EQ(rig_end(&r, 4)->frame.poll_at, at + 4 * 3 * NS);
    CHECK_EQ(rig_end(&r, 5)->frame.poll_at, at + 5 * 3 * NS + 1000 * NS);       /* the fifth opened a page */
    CHECK_EQ(r.host.head_pages.out, 1);
    rig_free(&r);
}
END_TEST

/* ---- refill ---- */

/* In batches of 16 at the loop's top: 20 frames leave 4 unposted, 2 calls of 40 are 32 and leave 8. The ring
 * of 8192 keeps one slot empty. */
START_TEST(the_ring_is_refilled_in_batches_within_the_poll)
{
    static const struct { int frames, left; } expected[] = { { 15, 15 }, { 16, 0 }, { 20, 4 }, { 40, 8 } };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        begin("nic.ring.refill_batch=16 nic.ring.refill_at_end=0");
        waiting(expected[i].frames);
        CHECK_EQ(queue()->ring.empty, expected[i].left);
        CHECK_EQ(queue()->ring.posted, 8191 - expected[i].left);
        rig_free(&r);
    }
}
END_TEST

/* igb and e1000e post the rest at the end; mlx5 only if so many are missing, and never within the poll. */
START_TEST(the_end_of_a_poll_refills_what_is_enough)
{
    static const struct { const char *settings; int left; } expected[] = {
        { "nic.ring.refill_batch=16 nic.ring.refill_at_end=1", 0 },
        { "nic.ring.refill_batch=0 nic.ring.refill_at_end=20", 0 },
        { "nic.ring.refill_batch=0 nic.ring.refill_at_end=21", 20 },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        begin(expected[i].settings);
        waiting(20);
        CHECK_EQ(queue()->ring.empty, expected[i].left);
        rig_free(&r);
    }
}
END_TEST

/* 20 frames: a call for 16 in the loop and one for 4 at the end. A call takes 100 and each descriptor 1: 220
 * ns. */
START_TEST(a_refill_costs_its_call_and_its_descriptors)
{
    begin("nic.ring.refill_batch=16 nic.ring.refill_at_end=1 cost.driver.refill=100cycles "
          "cost.driver.refill_frame=1cycles");
    ps_t at = waiting(20);
    CHECK_EQ(poll(0)->at, at + 220 * NS);
    rig_free(&r);
}
END_TEST

/* ---- frames over several buffers ---- */

#define JUMBO  "nic.max_frame=9022B nic.ring.buffer=2048B "

/* 9014 bytes are five buffers: one frame of the budget, 100 for it and 10 for each further buffer, five descriptors to
 * refill; its skb is charged for all five, four of them fragments. */
START_TEST(a_frame_over_five_buffers_is_one_frame_to_the_budget)
{
    begin(JUMBO "cost.driver.frame=100cycles cost.driver.buffer=10cycles cost.driver.refill_frame=1cycles "
          "kernel.napi.weight=2 cpu.ipi_latency=1ms pcie.msix_latency=10us");
    for (int i = 0; i < 3; i++)
        rig_frame(&r, 10 * US, 0, 8972);
    rig_start(&r);
    rig_until(&r, 500 * US);
    CHECK_EQ(poll(0)->a, 2);
    CHECK_EQ(poll(1)->a, 1);
    CHECK_EQ(poll(0)->at - rig_note(&r, TRACE_IRQ_HANDLER_ENTRY, 0)->at, (2 * 140 + 10) * NS);
    CHECK_EQ(queue()->ring.posted, 8191);
    CHECK_EQ(r.host.app[0].udp.udp.rmem_alloc, 3 * (2304 + 4 * 2048));
    rig_free(&r);
}
END_TEST

/* ---- what some machines do more ---- */

/* A hardware time stamp costs every frame the same. */
START_TEST(a_hardware_time_stamp_costs_every_frame)
{
    for (int on = 0; on < 2; on++) {
        begin("cost.driver.hwtstamp=60cycles");
        rig_set(&r, on ? "nic.hwtstamp=on" : "nic.hwtstamp=off");
        ps_t at = waiting(3);
        CHECK_EQ(poll(0)->at, at + (on ? 180 : 0) * NS);
        rig_free(&r);
    }
}
END_TEST

/* A segment of 100 bytes has 120 behind its IP header: 2 a byte in software. The datagram is summed up by its reader. */
START_TEST(without_checksum_offload_the_poll_sums_up_tcp)
{
    for (int on = 0; on < 2; on++) {
        begin("cost.driver.checksum_byte=2cycles/B pcie.msix_latency=1us");
        rig_set(&r, on ? "nic.features.rx=on" : "nic.features.rx=off");
        rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, 1, 9), 1, 100);
        rig_burst(&r, 10 * US, 0, 1);
        rig_run(&r);
        CHECK_EQ(poll(0)->at - rig_end(&r, 0)->frame.irq_at, on ? 0 : 240 * NS);
        rig_free(&r);
    }
}
END_TEST

/* 8192 frames of one line each are 512 KiB (the rig's descriptors have no bytes): they fit, or of 384 KiB a quarter of 1000
 * is expected to be missing; frames of 1514 bytes are 24 lines, 12 MiB, of which 6 have no room. */
START_TEST(rings_larger_than_their_share_of_the_cache_cost_what_is_expected_to_miss)
{
    static const struct { const char *settings; int payload; ps_t cost; } row[] = {
        { "cpu.ddio.size=0B", 18, 0 },
        { "cpu.ddio.size=512KiB", 18, 0 },
        { "cpu.ddio.size=384KiB", 18, 250 * NS },
        { "cpu.ddio.size=6MiB", 1472, 500 * NS },
        { "cpu.ddio.size=6MiB nic.ring.rx=4096", 1472, 0 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        begin("cost.driver.ddio_miss=1000cycles");
        rig_set(&r, row[i].settings);
        rig_frame(&r, 10 * US, 0, row[i].payload);
        rig_run(&r);
        CHECK_EQ(poll(0)->at - rig_end(&r, 0)->frame.irq_at, row[i].cost);
        rig_free(&r);
    }
}
END_TEST

/* ---- the hash ---- */

/* Eight flows, whose hashes do not all end in the same three bits, are held; without rxhash all in bucket
 * 0. */
START_TEST(without_rxhash_the_stack_sees_no_hash)
{
    for (int on = 0; on < 2; on++) {
        int buckets = 0;

        begin("nic.gro_flush_timeout=1ms");
        rig_set(&r, on ? "nic.features.rxhash=on" : "nic.features.rxhash=off");
        for (uint16_t i = 0; i < 8; i++)
            rig_segment(&r, 10 * US, rig_flow(&r, FLOW_TCP, (uint16_t)(1 + i), 9), 1, 100);
        rig_start(&r);
        rig_until(&r, 100 * US);
        CHECK_EQ(queue()->napi.gro.held_total, 8);
        for (int b = 0; b < GRO_BUCKETS; b++)
            buckets += queue()->napi.gro.held_count[b] > 0;
        if (on)
            ck_assert_int_gt(buckets, 1);
        else
            CHECK_EQ(queue()->napi.gro.held_count[0], 8);
        rig_free(&r);
    }
}
END_TEST

/* ---- copies and GRO off ---- */

/* 60 bytes without FCS are copied: 7 for the call and 2 a byte. 61 are not. */
START_TEST(a_copy_costs_beside_its_bytes)
{
    for (int payload = 18; payload <= 19; payload++) {
        begin("nic.copybreak=60B cost.driver.copy=7cycles cost.driver.copy_byte=2cycles/B");
        rig_frame(&r, 10 * US, 0, payload);
        rig_run(&r);
        CHECK_EQ(poll(0)->at - rig_end(&r, 0)->frame.dma_at, payload == 18 ? 127 * NS : 0);
        rig_free(&r);
    }
}
END_TEST

/* Three frames, each 10 with GRO, 7 past it. */
START_TEST(without_gro_each_frame_passes_it_by)
{
    for (int on = 0; on < 2; on++) {
        begin("cost.gro.frame=10cycles cost.gro.bypass=7cycles");
        rig_set(&r, on ? "nic.features.gro=on" : "nic.features.gro=off");
        ps_t at = waiting(3);
        CHECK_EQ(poll(0)->at, at + (on ? 30 : 21) * NS);
        rig_free(&r);
    }
}
END_TEST

/* ---- a ring of skbs ---- */

#define RING_SKBS "nic.ring.holds_skbs=on cost.skb.alloc=1cycles cost.skb.ring=10cycles cost.skb.ring_heads=100cycles " \
                  "cost.skb.heads_every=5 cost.skb.heads=7000cycles cost.skb.ring_free=1000cycles "

/* Twelve frames take the ring's skbs: the poll allocates nothing and its refill 12, with two refills of the
 * cache of sk_buffs, at the 5th and the 10th: 120 + 200. Freeing them is the reader's, 1000 each. */
START_TEST(a_ring_of_skbs_is_refilled_with_skbs)
{
    begin(RING_SKBS);
    ps_t at = waiting(12);
    CHECK_EQ(rig_end(&r, 11)->frame.poll_at, at);
    CHECK_EQ(poll(0)->at, at + 320 * NS);
    CHECK_EQ(queue()->driver.ring_skbs, 12);
    CHECK_EQ(queue()->driver.skbs_taken, 0);
    CHECK_EQ(r.host.cpu[1].spent[CPU_TASK], 12 * 1000 * NS);
    CHECK_EQ(r.host.skb_builds, 0);
    rig_free(&r);
}
END_TEST

/* The rhythm goes on over refills: of 4, 4 and 4 the second and the third hold a 5th. */
START_TEST(the_refills_of_a_ring_of_skbs_share_a_rhythm)
{
    begin(RING_SKBS "nic.ring.refill_batch=4 nic.ring.refill_at_end=0");
    ps_t at = waiting(12);
    CHECK_EQ(rig_end(&r, 5)->frame.poll_at, at + 40 * NS);      /* paid with the frame after the refill */
    CHECK_EQ(rig_end(&r, 9)->frame.poll_at, at + (40 + 140) * NS);
    CHECK_EQ(poll(0)->at, at + (40 + 140 + 140) * NS);
    rig_free(&r);
}
END_TEST

/* Frames up to the copybreak get an skb of their own, 1 each, and leave the ring its: of 3 copied and 2 others
 * the refill allocates 2, the reader pays ring_free for 2. */
START_TEST(a_copied_frame_leaves_the_ring_its_skb)
{
    begin(RING_SKBS "nic.copybreak=60B pcie.msix_latency=1us");
    for (int i = 0; i < 5; i++)
        rig_frame(&r, 10 * US, 0, i % 2 ? 100 : 18);
    rig_run(&r);
    CHECK_EQ(queue()->driver.ring_skbs, 2);
    CHECK_EQ(r.host.skb_builds, 3);
    CHECK_EQ(poll(0)->at, 11 * US + RIG_WIRE + (3 * 1 + 2 * 10) * NS);
    CHECK_EQ(r.host.cpu[1].spent[CPU_TASK], 2 * 1000 * NS);
    rig_free(&r);
}
END_TEST

/* Nobody listens: the softirq frees them, 60 and 1000. Merged by GRO: the skb that gave its data up is freed
 * by the poll. */
START_TEST(whoever_drops_an_skb_of_the_ring_frees_it)
{
    uint32_t tcp;

    begin(RING_SKBS "app.port=10 cost.skb.free=60cycles");
    ps_t at = waiting(1);
    CHECK_EQ(rig_fate(&r, FATE_NO_SOCKET), 1);
    CHECK_EQ(poll(0)->at, at + (10 + 1060) * NS);
    rig_free(&r);

    begin(RING_SKBS "pcie.msix_latency=1us");
    tcp = rig_flow(&r, FLOW_TCP, 1, 9);
    rig_segment(&r, 10 * US, tcp, 1, 100);
    rig_segment(&r, 10 * US, tcp, 101, 100)->ip_id = 1;
    rig_run(&r);
    CHECK_EQ(rig_count(&r, TRACE_NETIF_RECEIVE_SKB), 1);
    CHECK_EQ(poll(0)->at - rig_end(&r, 0)->frame.irq_at, (20 + 1000) * NS);
    rig_free(&r);
}
END_TEST

/* ---- pages of heads ---- */

/* Three heads of a page, freed in each order: only the last free pays. */
START_TEST(a_page_of_heads_is_freed_with_the_last_of_them_whatever_the_order)
{
    static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                    { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

    begin("cost.skb.page_free=1000cycles cost.skb.ring_free=1cycles");
    rig_burst(&r, 10 * US, 0, 1);
    rig_build(&r);
    for (int i = 0; i < 6; i++) {
        struct head_page *page = pool_take(&r.host.head_pages);
        struct skb *s[3];
        page->heads = 3;
        for (int k = 0; k < 3; k++) {
            s[k] = pool_take(&r.host.skbs);
            *s[k] = (struct skb){ .page = page };
        }
        CHECK_EQ(host_skb_free(&r.host, s[order[i][0]]), 0);
        CHECK_EQ(host_skb_free(&r.host, s[order[i][1]]), 0);
        CHECK_EQ(r.host.head_pages.out, 1);
        CHECK_EQ(host_skb_free(&r.host, s[order[i][2]]), 1000 * NS);
        CHECK_EQ(r.host.head_pages.out, 0);
    }
    rig_free(&r);
}
END_TEST

/* Two heads a page, and datagrams for two sockets in turn: each page has a head in either. Both readers wake
 * together, but the second's core is busy for 1 ms: it has the pages' last heads, and pays for all three. */
START_TEST(the_reader_that_frees_a_pages_last_head_pays_for_it)
{
    struct worker w;

    rig_init(&r, 2, "cpu.count=3 app[app0].port=9 app[app0].cpu=1 app[app1].port=10 app[app1].cpu=2 "
                    "pcie.msix_latency=1us "
                    "cost.skb.page_every=2 cost.skb.page_free=1000cycles");
    rig_flow(&r, FLOW_UDP, 1, 9);
    rig_flow(&r, FLOW_UDP, 1, 10);
    for (int i = 0; i < 6; i++)
        rig_burst(&r, 10 * US, (uint32_t)(i % 2), 1);
    rig_start(&r);
    worker_init(&w, &r.host.cpu[2]);
    worker_step(&w, 1 * MS, 0);
    worker_wake(&w);
    rig_until(&r, 500 * US);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 3);
    CHECK_EQ(r.host.head_pages.out, 3);
    CHECK_EQ(r.host.cpu[1].spent[CPU_TASK], 0);
    rig_until(&r, 2 * MS);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 6);
    CHECK_EQ(r.host.head_pages.out, 0);
    CHECK_EQ(r.host.cpu[2].spent[CPU_TASK], 1 * MS + 3000 * NS);
    rig_free(&r);
}
END_TEST

SUITE(driver, a_frame_visible_when_the_poll_looks_is_taken_by_it, a_poll_goes_on_while_frames_arrive,
      a_frame_knows_the_interrupt_that_led_to_its_poll, a_poll_costs_its_frames_its_first_and_its_last_look,
      a_full_poll_does_not_pay_for_a_last_look, copybreak_copies_frames_up_to_its_size,
      a_copied_frame_is_charged_as_a_small_head, gro_costs_each_frame_each_merge_and_each_flush,
      memory_costs_come_in_a_fixed_rhythm, the_ring_is_refilled_in_batches_within_the_poll,
      the_end_of_a_poll_refills_what_is_enough, a_refill_costs_its_call_and_its_descriptors,
      without_rxhash_the_stack_sees_no_hash, a_frame_over_five_buffers_is_one_frame_to_the_budget,
      a_hardware_time_stamp_costs_every_frame, without_checksum_offload_the_poll_sums_up_tcp,
      rings_larger_than_their_share_of_the_cache_cost_what_is_expected_to_miss,
      a_copy_costs_beside_its_bytes, without_gro_each_frame_passes_it_by, a_ring_of_skbs_is_refilled_with_skbs,
      the_refills_of_a_ring_of_skbs_share_a_rhythm, a_copied_frame_leaves_the_ring_its_skb,
      whoever_drops_an_skb_of_the_ring_frees_it,
      a_page_of_heads_is_freed_with_the_last_of_them_whatever_the_order,
      the_reader_that_frees_a_pages_last_head_pays_for_it)
