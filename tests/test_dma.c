/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/dma.h"

#include "tests/suite.h"

/* 8 Gbit/s carry a byte in a nanosecond, so times below are bytes. */
static const struct dma_params byte_a_ns = {
    .bandwidth = 8000000000, .mps = 256, .tlp_header = 24, .descriptor = 16, .latency = 400 * NS,
};

/* n bytes in TLPs of at most 256, 24 bytes of header each, then 16 of descriptor and its header: 40 more. */
START_TEST(a_frame_takes_its_bytes_and_a_header_for_each_tlp)
{
    static const struct { int64_t bytes; ps_t bus; } row[] = {
        { 1, (1 + 24 + 40) * NS },
        { 60, (60 + 24 + 40) * NS },
        { 256, (256 + 24 + 40) * NS },
        { 257, (257 + 2 * 24 + 40) * NS },
        { 1514, (1514 + 6 * 24 + 40) * NS },            /* 5 full ones and 234 bytes */
        { 9014, (9014 + 36 * 24 + 40) * NS },           /* 35 full ones and 54 bytes */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct dma d = { .params = &byte_a_ns };
        CHECK_EQ(dma_write(&d, 5 * US, row[i].bytes), 5 * US + row[i].bus + 400 * NS);
        CHECK_EQ(d.free_at, 5 * US + row[i].bus);       /* the latency is not the bus's time */
    }
}
END_TEST

START_TEST(a_smaller_payload_needs_more_tlps)
{
    struct dma_params p = byte_a_ns;
    p.mps = 128;
    struct dma d = { .params = &p };

    CHECK_EQ(dma_write(&d, 0, 1514), (1514 + 12 * 24 + 40) * NS + 400 * NS);     /* 11 full ones and 106 bytes */
}
END_TEST

/* A descriptor of 0 bytes is written with the frame: no TLP of its own. */
START_TEST(without_a_descriptor_there_is_no_completion_write)
{
    struct dma_params p = byte_a_ns;
    p.descriptor = 0;
    struct dma d = { .params = &p };

    CHECK_EQ(dma_write(&d, 0, 60), (60 + 24) * NS + 400 * NS);
}
END_TEST

/* Gen3 x8: (60 + 24 + 40) * 8 = 992 bits at 57.88 Gbit/s are 17 138.9 ps, rounded up. */
START_TEST(a_broken_picosecond_is_rounded_up)
{
    const struct dma_params p = { .bandwidth = 57880000000, .mps = 256, .tlp_header = 24, .descriptor = 16 };
    struct dma d = { .params = &p };

    CHECK_EQ(dma_write(&d, 0, 60), 17139);
}
END_TEST

/* An IOTLB of 64: rings of 64 buffers in all always hit, one more and each write misses, 330 ns late and 40 on the bus. */
START_TEST(an_iotlb_smaller_than_the_rings_misses_every_time)
{
    struct dma_params p = byte_a_ns;
    p.iotlb = 64;
    p.iotlb_miss = 330 * NS;
    p.iotlb_hold = 40 * NS;
    struct dma d = { .params = &p };

    dma_translate(&d, 64);
    CHECK_EQ(dma_write(&d, 0, 60), (124 + 400) * NS);
    CHECK_EQ(d.free_at, 124 * NS);
    d = (struct dma){ .params = &p };
    dma_translate(&d, 65);
    CHECK_EQ(dma_write(&d, 0, 60), (124 + 40 + 400 + 330) * NS);
    CHECK_EQ(d.free_at, (124 + 40) * NS);
    p.iotlb = 0;
    d = (struct dma){ .params = &p };
    dma_translate(&d, 65);
    CHECK_EQ(dma_write(&d, 0, 60), (124 + 400) * NS);
}
END_TEST

/* 124, 1698 and 124 bytes: the time of one size is not kept for another, and the bus's time adds up. */
START_TEST(sizes_may_alternate)
{
    struct dma d = { .params = &byte_a_ns };

    CHECK_EQ(dma_write(&d, 0, 60), 524 * NS);
    CHECK_EQ(dma_write(&d, d.free_at, 1514), (124 + 1698 + 400) * NS);
    CHECK_EQ(dma_write(&d, d.free_at, 60), (124 + 1698 + 124 + 400) * NS);
    CHECK_EQ(d.free_at, (124 + 1698 + 124) * NS);
}
END_TEST

SUITE(dma, a_frame_takes_its_bytes_and_a_header_for_each_tlp, a_smaller_payload_needs_more_tlps,
      without_a_descriptor_there_is_no_completion_write, a_broken_picosecond_is_rounded_up, sizes_may_alternate,
      an_iotlb_smaller_than_the_rings_misses_every_time)
