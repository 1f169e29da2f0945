/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/protomem.h"

#include <string.h>

#include "models/app.h"
#include "tests/fixture.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct rig r;

/* Up to 10 pages for everybody, up to 20 for whoever has less than 4096 bytes. A reserve of one page: the sum is exact. */
START_TEST(above_the_first_number_only_short_queues_grow)
{
    const struct protomem_params p = { .udp_min = 10, .udp_pressure = 15, .udp_max = 20, .udp_rmem_min = 4096, .pcpu_rsv = 1 };
    struct protomem m = { .params = &p };
    const struct cpu c = { .index = 0 };

    ck_assert(protomem_charge(&m, &c, 10, 1 << 20));
    ck_assert(!protomem_charge(&m, &c, 1, 4096));
    ck_assert(protomem_charge(&m, &c, 1, 4095));
    ck_assert(protomem_charge(&m, &c, 9, 4095));
    ck_assert(!protomem_charge(&m, &c, 1, 4095));
    CHECK_EQ(m.allocated, 20);
    protomem_return(&m, &c, 11);
    ck_assert(protomem_charge(&m, &c, 1, 1 << 20));
    CHECK_EQ(m.allocated, 10);
}
END_TEST

/* Each CPU may have 255 pages that nobody knows of: a limit of 10 is first met by the 256th of one of them. */
START_TEST(a_cpu_tells_of_its_pages_by_the_reserve)
{
    const struct protomem_params p = { .udp_min = 10, .udp_pressure = 15, .udp_max = 20, .udp_rmem_min = 4096, .pcpu_rsv = 256 };
    struct protomem m = { .params = &p };
    const struct cpu a = { .index = 0 }, b = { .index = 3 };

    ck_assert(protomem_charge(&m, &a, 255, 1 << 20));
    ck_assert(protomem_charge(&m, &b, 255, 1 << 20));
    CHECK_EQ(m.allocated, 0);
    ck_assert(!protomem_charge(&m, &a, 1, 1 << 20));
    CHECK_EQ(m.untold[0], -1);          /* 256 were told, and the one that was refused taken back */
    CHECK_EQ(m.allocated, 256);
}
END_TEST

/* Four pages hold seven datagrams of 2304 in a buffer for many more. The eighth and ninth are refused: UdpMemErrors and
 * UdpInErrors, not RcvbufErrors. When the reader, 100 us a datagram, has taken all, there is room again. */
START_TEST(a_datagram_beyond_udp_mem_is_a_mem_error_until_memory_comes_back)
{
    rig_init(&r, 1, "cpu.count=2 cost.recv.dequeue=100us net.core.mem_pcpu_rsv=1 net.ipv4.udp_mem.min=4 "
                    "net.ipv4.udp_mem.pressure=4 net.ipv4.udp_mem.max=4 cpu.ipi_latency=50us");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 9);
    rig_burst(&r, 900 * US, 0, 1);
    rig_run(&r);
    CHECK_EQ(rig_fate(&r, FATE_PROTO_MEM), 2);
    CHECK_EQ(rig_fate(&r, FATE_DELIVERED), 8);
    CHECK_EQ(r.host.udp.MemErrors, 2);
    CHECK_EQ(r.host.udp.InErrors, 2);
    CHECK_EQ(r.host.udp.RcvbufErrors, 0);
    CHECK_EQ(r.host.app[0].udp.drops, 2);
    ck_assert_int_le(r.host.udp_mem.allocated, 1);      /* a page may stay with the socket */
    rig_free(&r);
}
END_TEST

/* Two sockets share: what the one that nobody reads holds, the other cannot have. */
START_TEST(one_socket_starves_another)
{
    rig_init(&r, 2, "cpu.count=2 app[app0].port=9 app[app0].kind=idle app[app1].port=10 net.core.mem_pcpu_rsv=1 "
                    "net.ipv4.udp_mem.min=4 net.ipv4.udp_mem.pressure=4 net.ipv4.udp_mem.max=4");
    rig_burst(&r, 10 * US, rig_flow(&r, FLOW_UDP, 1, 9), 7);
    rig_burst(&r, 500 * US, rig_flow(&r, FLOW_UDP, 1, 10), 1);
    rig_start(&r);
    rig_until(&r, 1 * MS);
    CHECK_EQ(rig_fate(&r, FATE_PROTO_MEM), 1);
    CHECK_EQ(r.host.app[1].udp.drops, 1);
    rig_free(&r);
}
END_TEST

/* With 32 GiB no buffer of the shipped machines reaches the limit: it is not even counted. */
START_TEST(a_limit_that_cannot_bind_costs_no_short_way)
{
    static const struct { const char *settings; bool binds; } row[] = {
        { "", false }, { "net.core.rmem_default=64MB", false }, { "net.ipv4.udp_mem.min=100", true },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct config c;
        struct host h;
        machine_load(&c, "linerate.yaml", row[i].settings);
        c.host->run.duration = 1 * MS;
        machine_host(&c, &h);
        CHECK_EQ(h.udp_mem.binds, row[i].binds);
        CHECK_EQ(h.express_frames == 0, row[i].binds);
        host_free(&h);
        machine_release(&c);
    }
}
END_TEST

START_TEST(three_numbers_must_not_fall)
{
    char why[256] = "";

    rig_init(&r, 1, "net.ipv4.udp_mem.min=5 net.ipv4.udp_mem.pressure=4");
    ck_assert_ptr_nonnull(config_check(&r.config, why, sizeof why));
    ck_assert_msg(strstr(why, "net.ipv4.udp_mem") != NULL, "%s", why);
    rig_free(&r);
}
END_TEST

/* As sysctl prints it. */
START_TEST(udp_mem_is_written_as_sysctl_prints_it)
{
    struct config c;

    machine_parse(&c, "version: 1\nnet.ipv4.udp_mem: 10 20 30\nnet.ipv4.tcp_rmem: 4096B 131072B 6291456B\n", "");
    CHECK_EQ(c.host->protomem.udp_min, 10);
    CHECK_EQ(c.host->protomem.udp_pressure, 20);
    CHECK_EQ(c.host->protomem.udp_max, 30);
    machine_release(&c);
}
END_TEST

SUITE(protomem, above_the_first_number_only_short_queues_grow, a_cpu_tells_of_its_pages_by_the_reserve,
      a_datagram_beyond_udp_mem_is_a_mem_error_until_memory_comes_back, one_socket_starves_another,
      a_limit_that_cannot_bind_costs_no_short_way, three_numbers_must_not_fall, udp_mem_is_written_as_sysctl_prints_it)
