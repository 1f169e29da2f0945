/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/nic.h"

#include "sim/engine/random.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* ---- a NIC whose driver is the test: its vectors are masked, so the CPU never hears of it ---- */

/* 10 Gbit/s, a bus of a byte a nanosecond without latency: 64 bytes arrive every 67.2 ns, the first with its last bit
 * 57.6 ns after its start, and take (60 + 24) + (16 + 24) = 124 ns to memory. Flow and queue take turns. */
static const char bench_machine[] =
    "version: 1\n"
    "run.duration: 10ms\n"
    "kernel.tick_phase: 10ms\n"
    "pcie: {bandwidth: 8Gbps, latency: 0ns}\n"
    "nic: {link: 10Gbps, flight: 0ns, phy_delay: 0ns, channels: 2, fifo: 20KiB}\n"
    "nic.ring: {rx: 16, reserved: 1}\n"
    "traffic: {kind: cbr, rate: 100%, frame: 64B, flows: 2, frames: 40, offset: off}\n";

enum { SLOT = 67200, LAST_BIT = 57600, BUS = 124000 };         /* ps */
#define INSTANT_BUS  " pcie.bandwidth=2000Gbps"                /* 124 bytes in half a nanosecond */

struct bench {
    struct config config;
    struct host host;
    struct nic *nic;
    ps_t dropped_at[1024];
    int drops;
};
static struct bench b;

static void note_end(void *user, const struct frame *f, enum fate fate, ps_t now)
{
    (void)user;
    (void)f;
    ck_assert(fate == FATE_RX_NO_DESC || fate == FATE_RX_MISSED_ERRORS || fate == FATE_RX_NO_CARRIER);
    ck_assert_int_lt(b.drops, 1024);
    b.dropped_at[b.drops++] = now;
}

/* A source's first flow arrives at queue 0, its second at queue 1: the test says so, not the hash. */
static void prepare(const char *settings)
{
    char why[256] = "";

    b.drops = 0;
    machine_parse(&b.config, bench_machine, settings);
    ck_assert_msg(host_init(&b.host, &b.config, 1, 0, true, why, sizeof why) == 0, "%s", why);
    b.host.observer = (struct observer){ .frame_end = note_end, .drops_below = UINT64_MAX, .slow_from = PS_NEVER };
    b.nic = &b.host.nic[0];
    for (uint32_t f = 0; f < b.host.flows; f++) {
        b.host.flow[f].queue = (int16_t)(f % 2);
        b.host.flow[f].books = &b.host.queue_ledger[f % 2];
    }
    for (int q = 0; q < b.nic->queues; q++) {
        b.nic->queue[q].coalesce.masked = true;
        b.nic->queue[q].alert = false;
    }
    b.nic->armed = 0;
    nic_start(b.nic);
}

static void look_at(ps_t when)
{
    engine_run_until(&b.host.engine, when);
    nic_settle(b.nic);
}

static void done(void)
{
    host_free(&b.host);
    machine_release(&b.config);
}

/* The driver takes what is visible; refill() gives buffers back. */
static int poll(int queue)
{
    struct ring *r = &b.nic->queue[queue].ring;
    struct frame *f;
    int n = 0;

    for (; (f = ring_take(r, b.host.engine.now)) != NULL; n++)
        pool_return(&b.host.frames, f);
    return n;
}

static void refill(int queue, int64_t n)
{
    struct nic_queue *q = &b.nic->queue[queue];

    nic_settle(b.nic);
    if (ring_refill(&q->ring, n))
        nic_tail(q);
}

static const struct ring *ring(int queue) { return &b.nic->queue[queue].ring; }

/* ---- wire, bus, ring ---- */

START_TEST(a_frame_is_there_with_its_last_bit_and_in_memory_after_the_bus)
{
    prepare("traffic.start=100us nic.phy_delay=300ns nic.flight=7ns pcie.latency=400ns");
    ps_t arrives = 100 * US + LAST_BIT + 300 * NS + 7 * NS;
    look_at(arrives - 1);
    CHECK_EQ(host_ledger(&b.host).offered, 0);
    look_at(arrives);
    CHECK_EQ(host_ledger(&b.host).offered, 1);
    CHECK_EQ(ring(0)->filled.first->wire_at, arrives);
    CHECK_EQ(ring(0)->filled.first->dma_at, arrives + BUS + 400 * NS);
    look_at(arrives + BUS + 400 * NS - 1);
    CHECK_EQ(poll(0), 0);
    look_at(arrives + BUS + 400 * NS);
    CHECK_EQ(poll(0), 1);
    done();
}
END_TEST

/* The bus is slower than the wire: frame n starts when frame n - 1 is written. */
START_TEST(the_bus_writes_one_frame_after_the_other)
{
    prepare("traffic.frames=10");
    look_at(1 * MS);
    const struct frame *next[2] = { ring(0)->filled.first, ring(1)->filled.first };
    for (int i = 0; i < 10; i++) {
        const struct frame *f = next[i % 2];
        CHECK_EQ(f->wire_at, i * SLOT + LAST_BIT);
        CHECK_EQ(f->dma_at, LAST_BIT + (i + 1) * BUS);
        next[i % 2] = f->next;
    }
    done();
}
END_TEST

/* Two sources that want the wire at the same instant: the first goes first, the other right behind. 136 bytes with
 * preamble are 108.8 ns. */
START_TEST(sources_of_one_nic_share_its_wire)
{
    prepare("traffic[a].frames=1 traffic[b].frames=1 traffic[b].frame=128B");
    look_at(1 * MS);
    CHECK_EQ(b.host.traffics, 2);
    CHECK_EQ(host_ledger(&b.host).offered, 2);
    const struct frame *first = ring(0)->filled.first;
    CHECK_EQ(first->wire_bytes, 64);
    CHECK_EQ(first->wire_at, LAST_BIT);
    CHECK_EQ(first->next->wire_bytes, 128);
    CHECK_EQ(first->next->wire_at, SLOT + 108800);
    done();
}
END_TEST

/* On two NICs neither waits for the other, and each has its own counters. */
START_TEST(every_nic_has_its_own_wire)
{
    prepare("nic[x].phy_delay=0ns nic[y].phy_delay=1ns traffic[a].frames=1 traffic[b].frames=2 traffic[b].nic=1");
    b.host.nic[1].queue[0].coalesce.masked = b.host.nic[1].queue[1].coalesce.masked = true;
    b.host.nic[1].armed = 0;
    nic_start(&b.host.nic[1]);
    look_at(1 * MS);
    nic_settle(&b.host.nic[1]);
    CHECK_EQ(b.host.nic[0].mac.counters.rx_packets_phy, 1);
    CHECK_EQ(b.host.nic[1].mac.counters.rx_packets_phy, 2);
    CHECK_EQ(ring(0)->filled.first->wire_at, LAST_BIT);
    CHECK_EQ(b.host.nic[1].queue[0].ring.filled.first->wire_at, LAST_BIT + 1 * NS);
    CHECK_EQ(b.host.nic[1].queue[1].ring.filled.first->wire_at, LAST_BIT + SLOT + 1 * NS);
    done();
}
END_TEST

/* ---- no descriptor: drop ---- */

/* 40 frames, 20 a queue, rings of 15 usable. Queue 0's buffers come back in time, queue 1 loses its last five, and
 * nobody else is held up. */
START_TEST(an_empty_ring_drops_and_leaves_other_queues_alone)
{
    prepare("nic.ring.empty=drop");
    look_at(2 * US);
    refill(0, poll(0));
    look_at(10 * US);
    CHECK_EQ(ring(0)->counters.rx_no_desc, 0);
    CHECK_EQ(ring(1)->counters.rx_no_desc, 5);
    CHECK_EQ(ring(1)->filled.length, 15);
    CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_NO_DESC], 5);
    CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_MISSED_ERRORS], 0);
    CHECK_EQ(b.nic->fifo.counters.rx_no_buffer_count, 0);
    CHECK_EQ(b.nic->fifo.used, 0);
    CHECK_EQ(b.host.queue_ledger[1].frames[FATE_RX_NO_DESC], 5);
    CHECK_EQ(b.host.queue_ledger[1].offered, 20);
    done();
}
END_TEST

/* Nobody polls: frames 30 to 39 find nothing, each when its last bit is in, however late the hardware is settled. */
START_TEST(a_drop_bears_the_time_at_which_it_happened)
{
    prepare("nic.ring.empty=drop" INSTANT_BUS);
    look_at(5 * MS);
    CHECK_EQ(b.drops, 10);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(b.dropped_at[i], (30 + i) * SLOT + LAST_BIT);
    done();
}
END_TEST

/* ---- no descriptor: hold ---- */

/* The same 40 frames. At 3.8 us 30 are in memory (57.6 + 30 * 124 = 3777.6 ns) and queue 0's 16th waits in the FIFO;
 * so does all behind it, though queue 1 gets its buffers back. No frame is lost; rx_no_buffer_count says how often one
 * had to wait. */
START_TEST(a_frame_that_is_held_blocks_every_queue)
{
    prepare("nic.ring.empty=hold");
    look_at(3800 * NS);
    refill(1, poll(1));
    look_at(100 * US);
    ck_assert_ptr_eq(b.nic->blocked, &b.nic->queue[0]);
    CHECK_EQ(ring(0)->filled.length, 15);
    CHECK_EQ(ring(1)->filled.length, 0);
    CHECK_EQ(ring(1)->posted, 15);
    CHECK_EQ(b.nic->fifo.frames.length, 10);
    CHECK_EQ(b.nic->fifo.used, 640);
    CHECK_EQ(b.nic->fifo.counters.rx_no_buffer_count, 1);
    CHECK_EQ(b.drops, 0);
    done();
}
END_TEST

/* One descriptor at 100 us lets the held frame go, 124 ns later it is there; the next of queue 1 follows at once, the
 * next of queue 0 is held again. */
START_TEST(a_held_frame_goes_when_its_descriptor_comes)
{
    prepare("nic.ring.empty=hold");
    look_at(3800 * NS);
    refill(1, poll(1));
    look_at(100 * US);
    CHECK_EQ(poll(0), 15);
    look_at(100 * US);
    CHECK_EQ(ring(0)->filled.length, 0);        /* taken, but not given back: nothing moves */
    refill(0, 1);
    CHECK_EQ(ring(0)->filled.length, 1);
    CHECK_EQ(ring(0)->filled.first->dma_at, 100 * US + BUS);
    look_at(101 * US);
    CHECK_EQ(ring(0)->filled.length, 1);
    CHECK_EQ(ring(1)->filled.length, 1);
    CHECK_EQ(ring(1)->filled.first->dma_at, 100 * US + 2 * BUS);
    CHECK_EQ(b.nic->fifo.counters.rx_no_buffer_count, 2);
    refill(0, 14);
    look_at(110 * US);
    CHECK_EQ(ring(0)->filled.length, 5);
    CHECK_EQ(ring(1)->filled.length, 5);
    CHECK_EQ(b.drops, 0);
    CHECK_EQ(b.nic->fifo.used, 0);
    done();
}
END_TEST

/* Buffers for a queue that nobody waits for change nothing. */
START_TEST(a_tail_of_another_queue_does_not_free_the_held_frame)
{
    prepare("nic.ring.empty=hold");
    look_at(100 * US);
    refill(1, poll(1));
    look_at(200 * US);
    ck_assert_ptr_eq(b.nic->blocked, &b.nic->queue[0]);
    CHECK_EQ(ring(1)->filled.length, 0);
    done();
}
END_TEST

/* Room for 4 frames of 64 bytes: frame 30 is held, 31 to 33 fit behind it, 34 to 39 are missed when they arrive. */
START_TEST(a_full_fifo_is_what_loses_frames_that_are_held)
{
    prepare("nic.ring.empty=hold nic.fifo=256B" INSTANT_BUS);
    look_at(1 * MS);
    CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_NO_DESC], 0);
    CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_MISSED_ERRORS], 6);
    CHECK_EQ(b.nic->fifo.counters.rx_missed_errors, 6);
    CHECK_EQ(b.nic->fifo.counters.rx_no_buffer_count, 1);       /* an event, not a loss */
    CHECK_EQ(b.drops, 6);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(b.dropped_at[i], (34 + i) * SLOT + LAST_BIT);
    done();
}
END_TEST

/* A whole e1000e: 500 frames at 1 Gbit/s into 240 descriptors and 20 KiB, which is 320 more: many waits, no loss. */
START_TEST(a_no_buffer_count_is_not_a_loss)
{
    struct config c;
    struct result r;

    machine_load(&c, "one-frame.yaml", "nic.model=e1000e traffic.rate=100% traffic.frames=500 cost.driver.frame=5us");
    machine_run(&c, NULL, &r);
    ck_assert_uint_gt(result_counter(&r, NULL, "rx_no_buffer_count"), 0);
    ck_assert_uint_eq(result_kind(&r.ledger, FATE_KIND_DROPPED), 0);
    ck_assert_uint_eq(machine_fate(&r, FATE_DELIVERED), 500);
    result_free(&r);
    machine_release(&c);
}
END_TEST

/* ---- bound by the bus, not by the ring ---- */

/* 992 ns a frame on the bus against 67.2 on the wire, room for 10 in the FIFO. Of 100 frames those leave it that start
 * by the last arrival, 6652.8 ns after the first (at 0, 992 .. 5952 ns: 7), 10 are inside then, 83 are missed. */
START_TEST(a_slow_bus_shows_as_rx_missed_errors)
{
    prepare("pcie.bandwidth=1Gbps nic.fifo=640B nic.ring.rx=512 traffic.frames=100");
    look_at(1 * MS);
    CHECK_EQ(host_ledger(&b.host).offered, 100);
    CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_MISSED_ERRORS], 83);
    CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_NO_DESC], 0);
    CHECK_EQ(ring(0)->filled.length + ring(1)->filled.length, 17);
    done();
}
END_TEST

/* A slot of 84 ns, two of them for a frame on the bus (60 + 24 and 60 + 24 bytes at a byte a nanosecond), a FIFO of one
 * frame. Frame 2 arrives at the very instant at which frame 1 leaves the FIFO: it fits. So all odd ones from the third
 * on are missed, the even ones pass. */
START_TEST(a_frame_that_leaves_makes_room_at_the_same_instant)
{
    prepare("nic.link=8Gbps pcie.descriptor=60B nic.fifo=64B nic.ring.rx=64");
    look_at(1 * MS);
    CHECK_EQ(b.drops, 19);
    for (int i = 0; i < 19; i++)
        CHECK_EQ(b.dropped_at[i], ((3 + 2 * i) * 84 + 72) * NS);        /* 72 bytes to the last bit */
    done();
}
END_TEST

/* ---- the link goes down ---- */

/* Frame i's bits arrive from 67.2 i to 67.2 i + 57.6 ns. Down from 998.4 to 1478.4 ns: 14 has just ended, 15 to 21 are
 * lost, 22 begins with the link. A picosecond more on either side costs one frame more. */
START_TEST(what_is_on_the_wire_while_the_link_is_down_is_lost)
{
    static const struct { const char *settings; int first, last; } row[] = {
        { "nic.flap.at=998400ps nic.flap.for=480000ps nic.ring.rx=64", 15, 21 },
        { "nic.flap.at=998399ps nic.flap.for=480001ps nic.ring.rx=64", 14, 21 },
        { "nic.flap.at=998400ps nic.flap.for=480001ps nic.ring.rx=64", 15, 22 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        prepare(row[i].settings);
        look_at(900 * NS);
        CHECK_EQ(b.nic->wire.counters.link_down_events, 0);
        look_at(10 * US);
        CHECK_EQ(b.nic->wire.counters.link_down_events, 1);
        CHECK_EQ(b.drops, row[i].last - row[i].first + 1);
        for (int k = 0; k < b.drops; k++)
            CHECK_EQ(b.dropped_at[k], (row[i].first + k) * SLOT + LAST_BIT);
        CHECK_EQ(b.nic->wire.counters.rx_no_carrier, b.drops);
        CHECK_EQ(b.nic->mac.counters.rx_packets_phy, 40 - b.drops);
        CHECK_EQ(host_ledger(&b.host).frames[FATE_RX_NO_CARRIER], b.drops);
        done();
    }
}
END_TEST

/* ---- frames for others ---- */

/* Two sources take turns, one of them sends to another host's address: no descriptor, no loss. A promiscuous interface
 * takes all. */
START_TEST(the_address_filter_keeps_frames_for_other_hosts_out)
{
    for (int promisc = 0; promisc < 2; promisc++) {
        prepare(promisc ? "nic.promisc=on traffic[a].frames=5 traffic[b].frames=7 traffic[b].otherhost=on"
                        : "nic.promisc=off traffic[a].frames=5 traffic[b].frames=7 traffic[b].otherhost=on");
        look_at(1 * MS);
        const struct ledger books = host_ledger(&b.host);
        CHECK_EQ(books.offered, 12);
        CHECK_EQ(books.frames[FATE_MAC_FILTERED], promisc ? 0 : 7);
        CHECK_EQ(b.nic->mac.counters.rx_filtered, promisc ? 0 : 7);
        CHECK_EQ(b.nic->mac.counters.rx_packets_phy, 12);
        CHECK_EQ(ring(0)->filled.length + ring(1)->filled.length, promisc ? 12 : 5);
        done();
    }
}
END_TEST

/* ---- frames over several buffers ---- */

#define JUMBO  "nic.max_frame=9022B nic.ring.buffer=3072B nic.ring.refill_at_end=1 traffic.frame=9018B nic.fifo=512KiB "

/* 9014 bytes in buffers of 3072: 3 descriptors, of which a ring has 15. Each queue gets 10 frames: 5 fit. */
START_TEST(a_long_frame_takes_several_descriptors)
{
    prepare(JUMBO "nic.ring.empty=drop traffic.frames=20" INSTANT_BUS);
    look_at(1 * MS);
    for (int q = 0; q < 2; q++) {
        CHECK_EQ(ring(q)->filled.length, 5);
        CHECK_EQ(ring(q)->posted, 0);
        CHECK_EQ(ring(q)->counters.rx_no_desc, 5);
        CHECK_EQ(poll(q), 5);
        CHECK_EQ(ring(q)->empty, 15);
    }
    done();
}
END_TEST

/* The buffer's size is the last that takes one descriptor, one byte more takes two. */
START_TEST(a_frame_is_cut_where_its_buffer_ends)
{
    prepare("nic.max_frame=9022B nic.ring.buffer=2048B nic.ring.refill_at_end=1 traffic.frames=2 traffic.frame=2052B");
    look_at(1 * MS);
    CHECK_EQ(ring(0)->posted, 14);
    done();
    prepare("nic.max_frame=9022B nic.ring.buffer=2048B nic.ring.refill_at_end=1 traffic.frames=2 traffic.frame=2053B");
    look_at(1 * MS);
    CHECK_EQ(ring(0)->posted, 13);
    done();
}
END_TEST

/* The sixth frame of queue 0 is held until all its three descriptors are there: two do not help. */
START_TEST(a_held_frame_waits_for_all_its_descriptors)
{
    prepare(JUMBO "nic.ring.empty=hold traffic.frames=20" INSTANT_BUS);
    look_at(1 * MS);
    ck_assert_ptr_eq(b.nic->blocked, &b.nic->queue[0]);
    CHECK_EQ(poll(0), 5);
    refill(0, 2);
    ck_assert_ptr_eq(b.nic->blocked, &b.nic->queue[0]);
    CHECK_EQ(b.nic->fifo.counters.rx_no_buffer_count, 1);
    refill(0, 1);
    look_at(2 * MS);
    CHECK_EQ(ring(0)->filled.length, 1);
    CHECK_EQ(b.nic->fifo.counters.rx_no_buffer_count, 2);       /* the next of queue 1 waits, which nobody has polled */
    ck_assert_ptr_eq(b.nic->blocked, &b.nic->queue[1]);
    done();
}
END_TEST

/* ---- pause ---- */

#define PAUSE  "nic.pause.tx=on nic.pause.high_water=256B nic.pause.low_water=64B nic.pause.quanta=1000 traffic.frames=0 "

/* Nobody polls. Frame 30 is held for queue 0, 31 to 33 fit below the mark, and 34 crosses it at 34 * 67.2 + 57.6 =
 * 2342.4 ns. The pause frame takes 57.6 ns, the sender 100: what starts from 2500 ns on waits, frame 37 at 2486.4 ns is
 * the last. XOFF goes out again every half of 1000 * 512 bits, 25.6 us. Queue 1 has buffers again, and waits too. */
START_TEST(one_stuck_queue_pauses_the_whole_link)
{
    prepare(PAUSE "nic.ring.empty=hold nic.pause.reaction=100ns" INSTANT_BUS);
    look_at(2342400 - 1);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xoff, 0);
    look_at(2342400);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xoff, 1);
    refill(1, poll(1));
    look_at(2342400 + 25600 * NS - 1);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xoff, 1);
    look_at(2342400 + 25600 * NS);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xoff, 2);
    look_at(100 * US);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xoff, 4);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xon, 0);
    CHECK_EQ(host_ledger(&b.host).offered, 38);
    CHECK_EQ(b.nic->fifo.frames.length, 8);
    CHECK_EQ(ring(1)->filled.length, 0);
    CHECK_EQ(b.drops, 0);
    done();
}
END_TEST

/* Its buffers come at 100 us: the FIFO drains at the bus's 124 ns a frame, is down to one frame with the seventh of its
 * eight, at 100 us + 6 * 124, and 157.6 ns later frame 38 starts. */
START_TEST(a_stuck_queue_that_is_polled_again_lets_the_link_go_on)
{
    prepare(PAUSE "nic.ring.empty=hold nic.pause.reaction=100ns nic.ring.rx=64" INSTANT_BUS);
    look_at(100 * US);
    ps_t xon = 100 * US + 6 * BUS, next = xon + 157600 + LAST_BIT;
    uint64_t offered = host_ledger(&b.host).offered;
    b.nic->dma.cached_bytes = 60;
    b.nic->dma.cached_time = BUS;       /* from now on, so that the sum is easily seen */
    refill(0, poll(0));
    refill(1, poll(1));
    look_at(xon - 1);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xon, 0);
    look_at(xon);
    CHECK_EQ(b.nic->pause.counters.tx_flow_control_xon, 1);
    look_at(next - 1);
    CHECK_EQ(host_ledger(&b.host).offered, offered);
    look_at(next);
    CHECK_EQ(host_ledger(&b.host).offered, offered + 1);
    done();
}
END_TEST

/* A slow bus: frame i arrives at 57.6 + 67.2 i, leaves the FIFO at 57.6 + 124 i ns. Five are inside when 9 arrives, at
 * 662.4 ns, XOFF takes effect 57.6 ns and the reaction later: at 806.4 ns frame 12 would start, and does not; had it had
 * a picosecond more, it did. */
START_TEST(a_frame_starts_before_the_pause_or_not_at_all)
{
    static const struct { const char *settings; uint64_t sent; } row[] = {
        { PAUSE "nic.pause.reaction=86400ps nic.ring.rx=512", 12 }, { PAUSE "nic.pause.reaction=86401ps nic.ring.rx=512", 13 },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        prepare(row[i].settings);
        look_at(1400 * NS);
        CHECK_EQ(b.nic->pause.counters.tx_flow_control_xoff, 1);
        CHECK_EQ(host_ledger(&b.host).offered, row[i].sent);
        done();
    }
}
END_TEST

/* The bus takes half of what the wire brings: without pause frames the packet buffer overflows, with them all arrive,
 * as fast as the bus goes: 1000 frames in 1000 * 124 ns. Without room above the mark some are lost all the same. */
START_TEST(pause_frames_make_waiting_of_a_loss)
{
    static const struct { const char *settings; bool lost; } row[] = {
        { "traffic.frames=1000 nic.ring.rx=4096 nic.fifo=8KiB", true },
        { "traffic.frames=1000 nic.ring.rx=4096 nic.fifo=8KiB nic.pause.tx=on nic.pause.high_water=4KiB "
          "nic.pause.low_water=2KiB nic.pause.reaction=1us", false },
        { "traffic.frames=1000 nic.ring.rx=4096 nic.fifo=8KiB nic.pause.tx=on nic.pause.high_water=8180B "
          "nic.pause.low_water=2KiB nic.pause.reaction=1us", true },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        prepare(row[i].settings);
        look_at(LAST_BIT + 1000 * BUS);
        const struct ledger books = host_ledger(&b.host);
        ck_assert((books.frames[FATE_RX_MISSED_ERRORS] > 0) == row[i].lost);
        CHECK_EQ(books.offered, 1000);
        CHECK_EQ(ring(0)->filled.length + ring(1)->filled.length, 1000 - (int64_t)books.frames[FATE_RX_MISSED_ERRORS]);
        done();
    }
}
END_TEST

/* ---- lazy and eager ---- */

static int64_t between(struct stream *s, int64_t low, int64_t high)
{
    return low + (int64_t)stream_below(s, (uint64_t)(high - low + 1));
}

/* A machine whose NIC is anything the parameters allow, under a load it cannot always take. */
static void random_nic(struct config *c, struct stream *s)
{
    machine_load(c, "linerate.yaml", "run.duration=400us run.drain=2ms nic.channels=2 nic.rss.hash_udp_ports=on "
                 "traffic.flows=16 netfilter.raw.policy=drop");
    struct nic_config *n = &c->nic[0];
    n->ring.rx = between(s, 32, 200);
    n->ring.reserved = between(s, 0, 1);
    n->ring.empty_mode = between(s, RING_EMPTY_DROP, RING_EMPTY_HOLD);
    n->ring.tail_multiple = between(s, 1, 16);
    n->ring.refill_batch = between(s, 0, 31);
    n->ring.refill_at_end = n->ring.refill_batch == 0 ? between(s, 1, 8) : between(s, 0, 8);
    n->fifo.size = between(s, 0, 3) * between(s, 0, 8192);
    n->coalesce.kind = between(s, COALESCE_GAP, COALESCE_DELAY);
    n->coalesce.cause = between(s, CAUSE_LATCHED, CAUSE_UNREAD);
    n->coalesce.rx_usecs = between(s, 0, 1) * between(s, 0, 30 * US);
    n->coalesce.rx_frames = between(s, 0, 40);
    c->host->dma.bandwidth = between(s, 2, 60) * 1000000000;
    n->pause.tx = n->fifo.size > 200 && between(s, 0, 1);
    n->pause.high_water = between(s, n->fifo.size / 4 + 1, n->fifo.size > 200 ? n->fifo.size : 200);
    n->pause.low_water = between(s, 0, n->fifo.size / 4);
    n->pause.quanta = between(s, 4, 300);
    n->pause.reaction = between(s, 0, 5 * US);
    n->wire.flap_at = between(s, 0, 300 * US);
    n->wire.flap_for = between(s, 0, 1) * between(s, 0, 100 * US);
    if (between(s, 0, 2) == 0) {
        n->ring.buffer = between(s, 20, 60);
        n->ring.refill_at_end = 1;
        n->ring.tail_multiple = 1;
        c->traffic[0].traffic.frame = between(s, 64, 200);
        n->mac.max_frame = 204;
    }
    c->traffic[0].traffic.otherhost = between(s, 0, 7) == 0;
    c->traffic[0].traffic.rate = LOAD_OF(LOAD_PPM, between(s, 10000, 1000000));
    c->traffic[0].traffic.kind = between(s, TRAFFIC_CBR, TRAFFIC_POISSON);
}

/* With batching off the NIC has an event for every transition, else only for those that may interrupt: nothing in
 * the result tells them apart. */
START_TEST(settled_late_or_at_every_transition_gives_the_same_bytes)
{
    const struct run_options lazy = { .seed = 1, .sample_every = 1 };
    struct run_options eager = lazy;
    struct stream s;
    struct config c;
    struct result a, z;

    eager.no_batch = true;
    stream_seed(&s, (uint64_t)_i, 0, "nic");
    random_nic(&c, &s);
    machine_run(&c, &lazy, &a);
    machine_run(&c, &eager, &z);
    ck_assert_uint_gt(a.ledger.offered, 0);
    ck_assert_uint_eq(a.fingerprint.lo, z.fingerprint.lo);
    ck_assert_uint_eq(a.fingerprint.hi, z.fingerprint.hi);
    CHECK_EQ(a.sim_ps, z.sim_ps);
    CHECK_EQ(a.counters, z.counters);
    for (int i = 0; i < a.counters; i++)
        ck_assert_msg(a.counter[i].value == z.counter[i].value, "%s %s", a.counter[i].scope, a.counter[i].name);
    ck_assert_uint_le(a.events, z.events);
    result_free(&a);
    result_free(&z);
    machine_release(&c);
}
END_TEST

Suite *nic_suite(void);
Suite *nic_suite(void)
{
    Suite *s = suite_create("nic");
    TCase *t = tcase_create("nic");

    tcase_add_test(t, a_frame_is_there_with_its_last_bit_and_in_memory_after_the_bus);
    tcase_add_test(t, the_bus_writes_one_frame_after_the_other);
    tcase_add_test(t, sources_of_one_nic_share_its_wire);
    tcase_add_test(t, every_nic_has_its_own_wire);
    tcase_add_test(t, an_empty_ring_drops_and_leaves_other_queues_alone);
    tcase_add_test(t, a_drop_bears_the_time_at_which_it_happened);
    tcase_add_test(t, a_frame_that_is_held_blocks_every_queue);
    tcase_add_test(t, a_held_frame_goes_when_its_descriptor_comes);
    tcase_add_test(t, a_tail_of_another_queue_does_not_free_the_held_frame);
    tcase_add_test(t, a_full_fifo_is_what_loses_frames_that_are_held);
    tcase_add_test(t, a_no_buffer_count_is_not_a_loss);
    tcase_add_test(t, a_slow_bus_shows_as_rx_missed_errors);
    tcase_add_test(t, a_frame_that_leaves_makes_room_at_the_same_instant);
    tcase_add_test(t, what_is_on_the_wire_while_the_link_is_down_is_lost);
    tcase_add_test(t, the_address_filter_keeps_frames_for_other_hosts_out);
    tcase_add_test(t, a_long_frame_takes_several_descriptors);
    tcase_add_test(t, a_frame_is_cut_where_its_buffer_ends);
    tcase_add_test(t, a_held_frame_waits_for_all_its_descriptors);
    tcase_add_test(t, one_stuck_queue_pauses_the_whole_link);
    tcase_add_test(t, a_stuck_queue_that_is_polled_again_lets_the_link_go_on);
    tcase_add_test(t, a_frame_starts_before_the_pause_or_not_at_all);
    tcase_add_test(t, pause_frames_make_waiting_of_a_loss);
    tcase_add_loop_test(t, settled_late_or_at_every_transition_gives_the_same_bytes, 1, 61);
    suite_add_tcase(s, t);
    return s;
}
