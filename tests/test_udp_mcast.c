/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/udp_mcast.h"

#include <stdio.h>

#include "models/app.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* Ten datagrams to a group, 1 Mpps. */
static const char base[] =
    "version: 1\ninclude: machines/server-10g.yaml\nrun: {duration: 1ms, cost_cv: 0}\n"
    "traffic: {frames: 10, cast: multicast, daddr: 239.1.1.1, dport: 9}\n";

static struct result r;

static void run(const char *settings)
{
    struct config c;

    machine_parse(&c, base, settings);
    machine_run_both(&c, 1, &r);
    machine_release(&c);
}

static uint64_t counted(const char *name)
{
    return result_counter(&r, NULL, name);
}

#define THREE_APPS  "app[a].port=9 app[b].port=9 app[c].port=10 "

/* Counted as received by IP, and by nothing else. */
START_TEST(a_group_that_nobody_has_joined_is_dropped_in_silence)
{
    run("app.port=9 app.multicast=239.1.1.2");
    CHECK_EQ(machine_fate(&r, FATE_MULTICAST), 10);
    CHECK_EQ(counted("IpInReceives"), 10);
    CHECK_EQ(counted("IpExtInMcastPkts"), 0);
    CHECK_EQ(counted("UdpNoPorts") + counted("UdpIgnoredMulti") + counted("IpInAddrErrors"), 0);
    result_free(&r);
}
END_TEST

/* Two of three have the port: each reads ten; the ledger has the frames once. */
START_TEST(every_socket_with_the_port_gets_a_copy)
{
    run(THREE_APPS "app[a].multicast=239.1.1.1 app[b].multicast=239.1.1.9 app[c].multicast=239.1.1.1");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(r.ledger.offered, 10);
    CHECK_EQ(counted("IpExtInMcastPkts"), 10);
    CHECK_EQ(counted("mcast_copies"), 10);
    CHECK_EQ(counted("mcast_copies_read"), 10);
    CHECK_EQ(counted("UdpInDatagrams"), 20);
    CHECK_EQ(result_counter(&r, "app.a", "messages"), 10);
    CHECK_EQ(result_counter(&r, "app.b", "messages"), 10);
    CHECK_EQ(result_counter(&r, "app.c", "messages"), 0);
    result_free(&r);
}
END_TEST

/* A full buffer of the second loses its copies, not the frames. 2 * 2304 hold three. */
START_TEST(a_copy_that_finds_no_room_is_no_lost_frame)
{
    run(THREE_APPS "app.multicast=239.1.1.1 app[b].kind=idle app[b].rcvbuf=2304B");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(machine_fate(&r, FATE_SOCKET_RCVBUFF), 0);
    CHECK_EQ(counted("mcast_copies"), 10);
    CHECK_EQ(counted("mcast_copies_dropped"), 7);
    CHECK_EQ(counted("UdpRcvbufErrors"), 7);
    result_free(&r);
}
END_TEST

START_TEST(a_port_that_no_socket_has_is_ignored_and_counted)
{
    run("app.port=10 app.multicast=239.1.1.1");
    CHECK_EQ(machine_fate(&r, FATE_MULTICAST_PORT), 10);
    CHECK_EQ(counted("UdpIgnoredMulti"), 10);
    CHECK_EQ(counted("UdpNoPorts"), 0);
    result_free(&r);
    run("app.port=10 traffic.cast=broadcast traffic.daddr=10.0.0.255");
    CHECK_EQ(machine_fate(&r, FATE_MULTICAST_PORT), 10);
    CHECK_EQ(counted("IpExtInBcastPkts"), 10);
    CHECK_EQ(counted("IpExtInMcastPkts"), 0);
    result_free(&r);
}
END_TEST

/* Broadcast needs no membership. */
START_TEST(broadcast_is_for_every_socket_with_the_port)
{
    run("app.port=9 traffic.cast=broadcast traffic.daddr=10.0.0.255 host.address=10.0.0.2");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(counted("mcast_copies"), 0);
    CHECK_EQ(counted("IpExtInBcastPkts"), 10);
    result_free(&r);
}
END_TEST

/* A clone costs 1 us for each socket beyond the first, and nothing for one. */
START_TEST(a_clone_costs_for_each_further_socket)
{
    ps_t busy[2][2];

    for (int apps = 0; apps < 2; apps++) {
        for (int dear = 0; dear < 2; dear++) {
            char settings[200];
            snprintf(settings, sizeof settings, "%s app.multicast=239.1.1.1 cost.udp.clone=%dus traffic.rate=10kpps",
                     apps ? THREE_APPS : "app.port=9", dear);
            run(settings);
            busy[apps][dear] = r.cpu[0].ps[CPU_SOFTIRQ];
            result_free(&r);
        }
    }
    CHECK_EQ(busy[0][1] - busy[0][0], 0);
    CHECK_EQ(busy[1][1] - busy[1][0], 10 * US);
}
END_TEST

SUITE(udp_mcast, a_group_that_nobody_has_joined_is_dropped_in_silence, every_socket_with_the_port_gets_a_copy,
      a_copy_that_finds_no_room_is_no_lost_frame, a_port_that_no_socket_has_is_ignored_and_counted,
      broadcast_is_for_every_socket_with_the_port, a_clone_costs_for_each_further_socket)
