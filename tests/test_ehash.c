/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ehash.h"

#include "tests/machine.h"
#include "tests/suite.h"

/* 192 bytes each, a cache of 192 000: a thousand sockets fit. Two thousand: half of a lookup's 1000 ps are missed. Of 100
 * buckets, chains of 10 and 20 more, each 10 ps and what it misses. */
START_TEST(a_lookup_costs_by_chain_and_by_what_the_cache_does_not_hold)
{
    struct ehash_params p = { .buckets = 100, .cache = 192000, .footprint = 192, .chain = 10, .miss = 1000 };

    CHECK_EQ(ehash_lookup(&p), 0);
    p.sockets = 1000;
    CHECK_EQ(ehash_lookup(&p), 10 * 10);
    p.sockets = 2000;
    CHECK_EQ(ehash_lookup(&p), 500 + 20 * (10 + 500));
    p.buckets = 1 << 24;
    CHECK_EQ(ehash_lookup(&p), 500);
}
END_TEST

/* A million idle connections make each of ten segments dearer by that. */
START_TEST(idle_connections_make_every_segment_dearer)
{
    ps_t busy[2];

    for (int i = 0; i < 2; i++) {
        struct config c;
        struct result r;
        machine_load(&c, "tcp-bulk.yaml", i ? "host.tcp_sockets=1000000 run.duration=1ms" : "run.duration=1ms");
        machine_run(&c, &run_options_default, &r);
        busy[i] = 0;
        for (int k = 0; k < r.cpus; k++)
            busy[i] += r.cpu[k].ps[CPU_SOFTIRQ];
        result_free(&r);
        machine_release(&c);
    }
    ck_assert_int_gt(busy[1], busy[0]);
}
END_TEST

SUITE(ehash, a_lookup_costs_by_chain_and_by_what_the_cache_does_not_hold, idle_connections_make_every_segment_dearer)
