/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices upon devices: VLAN, tunnel, bridge and veth. What passes a packet makes, what each costs, where it is lost. */
#include <stdio.h>
#include <string.h>

#include "models/nic.h"
#include "tests/machine.h"
#include "tests/suite.h"

static const char base[] = "version: 1\ninclude: one-frame.yaml\ntraffic.frame: 1000B\nnic.max_frame: 1600B\n";

static struct result r;

static void run(const char *settings)
{
    struct config c;

    machine_parse(&c, base, settings);
    machine_run_both(&c, 1, &r);        /* every test here is one of the short ways, too */
    machine_release(&c);
}

static uint64_t counted(const char *name)
{
    return result_counter(&r, NULL, name);
}

/* How long the only frame took. */
static ps_t latency(const char *settings)
{
    run(settings);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 1);
    ps_t total = r.stage[STAGE_TOTAL].hist.min;
    result_free(&r);
    return total;
}

/* What a cost of 1 us more makes of the frame's time. */
static ps_t added(const char *settings, const char *cost)
{
    char none[256], more[256];

    snprintf(none, sizeof none, "%s %s=0ns", settings, cost);
    snprintf(more, sizeof more, "%s %s=1us", settings, cost);
    return latency(more) - latency(none);
}

#define TEN  "traffic.frames=10 traffic.rate=1Mpps "

/* ---- VLAN ---- */

/* Seen and counted on eth0 and again on eth0.5, by each of two taps; IP has it once. */
START_TEST(a_tagged_skb_goes_around_the_core_twice)
{
    run(TEN "traffic.vlan=5 nic.vlan=7,5 app.taps=2");
    CHECK_EQ(counted("processed"), 20);
    CHECK_EQ(counted("tapped"), 40);
    CHECK_EQ(counted("vlan_rx_packets"), 10);
    CHECK_EQ(counted("IpInReceives"), 10);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    result_free(&r);
}
END_TEST

/* The tap on eth0 still sees it, IP does not count it. */
START_TEST(a_tag_of_no_vlan_device_is_another_hosts)
{
    run(TEN "traffic.vlan=5 nic.vlan=7 app.taps=1");
    CHECK_EQ(machine_fate(&r, FATE_OTHERHOST), 10);
    CHECK_EQ(counted("processed"), 10);
    CHECK_EQ(counted("tapped"), 10);
    CHECK_EQ(counted("vlan_rx_packets"), 0);
    CHECK_EQ(counted("IpInReceives"), 0);
    result_free(&r);
}
END_TEST

/* The second round costs the core again: cost.netif.skb and the lookup, once more each. */
START_TEST(a_tag_costs_another_round_and_its_removal_if_the_nic_left_it)
{
    CHECK_EQ(added("traffic.vlan=5 nic.vlan=5", "cost.vlan.receive"), 1 * US);
    CHECK_EQ(added("traffic.vlan=5 nic.vlan=5", "cost.netif.skb"), 2 * US);
    CHECK_EQ(added("traffic.vlan=5 nic.vlan=5", "cost.vlan.untag"), 0);
    CHECK_EQ(added("traffic.vlan=5 nic.vlan=5 nic.features.rx-vlan-offload=off", "cost.vlan.untag"), 1 * US);
    CHECK_EQ(added("traffic.vlan=0 nic.vlan=5", "cost.vlan.receive"), 0);
}
END_TEST

/* ---- tunnels ---- */

/* Outer and inner packet are received by IP each; UDP has the outer one of VXLAN, and the reader's. */
START_TEST(a_tunnelled_packet_is_received_twice)
{
    run(TEN "traffic.encap=vxlan");
    CHECK_EQ(counted("processed"), 20);
    CHECK_EQ(counted("tunnel_rx_packets"), 10);
    CHECK_EQ(counted("IpInReceives"), 20);
    CHECK_EQ(counted("IpInDelivers"), 20);
    CHECK_EQ(counted("UdpInDatagrams"), 20);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    result_free(&r);
    run(TEN "traffic.encap=gre traffic.ipv6=on");
    CHECK_EQ(counted("IpInReceives"), 10);
    CHECK_EQ(counted("Ip6InReceives"), 10);
    CHECK_EQ(counted("UdpInDatagrams"), 0);
    CHECK_EQ(counted("Udp6InDatagrams"), 10);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    result_free(&r);
}
END_TEST

/* The tunnel's NAPI is polled in the same softirq: two polls of one packet each. */
START_TEST(the_second_pass_is_a_napi_of_its_own_in_the_same_softirq)
{
    run("traffic.encap=vxlan");
    CHECK_EQ(r.work_hist[1], 2);
    CHECK_EQ(r.softirq_runs, 1);
    result_free(&r);
    CHECK_EQ(added("traffic.encap=vxlan", "cost.vxlan.rcv"), 1 * US);
    CHECK_EQ(added("traffic.encap=gre", "cost.gre.rcv"), 1 * US);
    CHECK_EQ(added("traffic.encap=gre", "cost.gro_cells.enqueue"), 1 * US);
    CHECK_EQ(added("traffic.encap=gre", "cost.gro_cells.dequeue"), 1 * US);
    CHECK_EQ(added("traffic.encap=gre", "cost.gro.frame"), 2 * US);
    CHECK_EQ(added("traffic.encap=gre", "cost.ip.rcv"), 2 * US);
}
END_TEST

/* GRO looks through the outer headers: what it merges stays one skb to the end, for tunnels below 64 KB. */
START_TEST(segments_are_merged_under_their_outer_headers)
{
    run("traffic.proto=tcp traffic.frames=40 traffic.rate=100% nic.coalesce.rx-usecs=100us nic.coalesce.kind=delay "
        "traffic.encap=vxlan");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 40);
    CHECK_EQ(counted("tunnel_rx_packets"), 1);
    CHECK_EQ(counted("TcpInSegs"), 1);
    CHECK_EQ(counted("gro_merged"), 39);        /* by the NIC's NAPI */
    result_free(&r);
}
END_TEST

/* All 32 of a poll are queued to the tunnel's NAPI before it is polled. It holds netdev_max_backlog + 1; only the tunnel's
 * rx_dropped counts the others. */
START_TEST(a_tunnels_queue_takes_one_more_than_max_backlog)
{
    run("traffic.frames=32 traffic.rate=100% nic.coalesce.rx-usecs=100us nic.coalesce.kind=delay traffic.encap=vxlan "
        "net.core.netdev_max_backlog=10");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 11);
    CHECK_EQ(machine_fate(&r, FATE_GRO_CELLS), 21);
    CHECK_EQ(counted("tunnel_rx_dropped"), 21);
    CHECK_EQ(counted("dropped"), 0);
    result_free(&r);
}
END_TEST

/* The host's rules see the outer packet, and then the inner one: a tunnel ends in the host. */
START_TEST(rules_are_asked_for_both_packets_of_a_tunnel)
{
    CHECK_EQ(added("traffic.encap=vxlan netfilter.input.rules=1", "cost.netfilter.rule"), 2 * US);
    CHECK_EQ(added("traffic.encap=none netfilter.input.rules=1", "cost.netfilter.rule"), 1 * US);
}
END_TEST

/* ---- bridge and container ---- */

/* The bridge stands before IP: what the host's firewall would drop, and addresses that are not the host's, do not matter. */
START_TEST(a_containers_packet_passes_by_the_hosts_ip)
{
    run(TEN "nic.master=bridge netfilter.input.policy=drop netfilter.raw.policy=drop host.address=10.9.9.9");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 10);
    CHECK_EQ(counted("IpInReceives"), 10);
    CHECK_EQ(counted("container_tx_packets"), 10);
    CHECK_EQ(counted("backlog_enqueued"), 10);
    CHECK_EQ(counted("processed"), 20);
    result_free(&r);
    CHECK_EQ(added("nic.master=bridge", "cost.bridge.forward"), 1 * US);
    CHECK_EQ(added("nic.master=bridge", "cost.veth.xmit"), 1 * US);
    CHECK_EQ(added("nic.master=bridge", "cost.rps.dequeue"), 1 * US);
}
END_TEST

/* eth0's NAPI, the tunnel's, the backlog: three polls for a packet, and IP twice. */
START_TEST(a_container_behind_vxlan_takes_three_passes)
{
    run("traffic.encap=vxlan vxlan.master=bridge");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 1);
    CHECK_EQ(r.work_hist[1], 3);
    CHECK_EQ(counted("processed"), 3);
    CHECK_EQ(counted("tunnel_rx_packets"), 1);
    CHECK_EQ(counted("container_tx_packets"), 1);
    CHECK_EQ(counted("IpInReceives"), 2);
    result_free(&r);
}
END_TEST

/* All on the interrupt's core: a second queue or RPS on the NIC would move all three, never split them. The core of the
 * overlay saturates at less than half of what it does without. */
START_TEST(an_overlay_costs_more_than_half_of_a_cores_rate)
{
    static const char *const form[] = { "", "traffic.encap=vxlan vxlan.master=bridge" };
    uint64_t got[2];

    for (int i = 0; i < 2; i++) {
        char settings[256];
        snprintf(settings, sizeof settings, "traffic.frames=0 traffic.rate=100%% traffic.frame=200B run.duration=3ms "
                 "app.rcvbuf=16MiB net.core.rmem_max=64MiB app.kind=idle %s", form[i]);
        run(settings);
        got[i] = counted("rx_packets") - counted("dropped") - counted("tunnel_rx_dropped");
        CHECK_EQ(r.cpu[1].ps[CPU_SOFTIRQ], 0);
        result_free(&r);
    }
    ck_assert_uint_lt(2 * got[1], got[0]);
}
END_TEST

/* The second pass after the veth: softnet_stat's dropped of that CPU and both ends of the pair. Nothing in nstat or ethtool. */
START_TEST(a_full_backlog_behind_the_bridge_drops)
{
    run("traffic.frames=32 traffic.rate=100% nic.coalesce.rx-usecs=100us nic.coalesce.kind=delay nic.master=bridge "
        "net.core.netdev_max_backlog=10");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 11);
    CHECK_EQ(machine_fate(&r, FATE_CPU_BACKLOG), 21);
    CHECK_EQ(result_counter(&r, "cpu0", "dropped"), 21);
    CHECK_EQ(counted("container_tx_dropped"), 21);
    CHECK_EQ(counted("container_rx_dropped"), 21);
    CHECK_EQ(counted("IpInReceives"), 11);
    result_free(&r);
}
END_TEST

/* An aggregate stays one skb over the bridge: one place in the backlog for forty segments. */
START_TEST(an_aggregate_is_one_skb_on_its_way_to_the_container)
{
    run("traffic.proto=tcp traffic.frames=40 traffic.rate=100% nic.coalesce.rx-usecs=100us nic.coalesce.kind=delay "
        "nic.master=bridge net.core.netdev_max_backlog=0");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 40);
    CHECK_EQ(counted("backlog_enqueued"), 1);
    result_free(&r);
}
END_TEST

/* ---- IPv6 ---- */

/* Its counters are its own, TCP's are common; a datagram for another host goes by its own switch. */
START_TEST(ipv6_counts_for_itself)
{
    run(TEN "traffic.ipv6=on app.port=9");
    CHECK_EQ(counted("Ip6InReceives"), 10);
    CHECK_EQ(counted("Ip6InDelivers"), 10);
    CHECK_EQ(counted("Udp6InDatagrams"), 10);
    CHECK_EQ(counted("IpInReceives"), 0);
    CHECK_EQ(counted("UdpInDatagrams"), 0);
    result_free(&r);
    run(TEN "traffic.ipv6=on app.port=10");
    CHECK_EQ(counted("Udp6NoPorts"), 10);
    CHECK_EQ(counted("UdpNoPorts"), 0);
    result_free(&r);
    run(TEN "traffic.ipv6=on host.address=10.9.9.9 net.ipv4.ip_forward=on");
    CHECK_EQ(machine_fate(&r, FATE_IP_INADDRERRORS), 10);
    CHECK_EQ(counted("Ip6InAddrErrors"), 10);
    result_free(&r);
    run(TEN "traffic.ipv6=on host.address=10.9.9.9 net.ipv6.conf.all.forwarding=on");
    CHECK_EQ(machine_fate(&r, FATE_FORWARDED), 10);
    CHECK_EQ(counted("Ip6OutForwDatagrams"), 10);
    CHECK_EQ(counted("IpForwDatagrams"), 0);
    result_free(&r);
    CHECK_EQ(added("traffic.ipv6=on", "cost.ip6.rcv"), 1 * US);
    CHECK_EQ(added("traffic.ipv6=on", "cost.ip.rcv"), 0);
}
END_TEST

/* 40 segments of 1000 - 90 bytes: GRO merges them, up to nic.gro_max_size, not nic.gro_ipv4_max_size. 40 + 32 bytes of
 * headers and ten of 910 are 9172. */
START_TEST(ipv6_segments_are_merged_up_to_a_limit_of_their_own)
{
    static const char burst[] = "traffic.proto=tcp traffic.frames=40 traffic.rate=100% nic.coalesce.rx-usecs=100us "
                                "nic.coalesce.kind=delay traffic.ipv6=on nic.gro_ipv4_max_size=2048B";
    char settings[300];

    run(burst);
    CHECK_EQ(counted("Ip6InReceives"), 1);
    result_free(&r);
    snprintf(settings, sizeof settings, "%s nic.gro_max_size=9173B", burst);
    run(settings);
    CHECK_EQ(counted("Ip6InReceives"), 4);
    result_free(&r);
    snprintf(settings, sizeof settings, "%s nic.gro_max_size=9172B", burst);
    run(settings);
    CHECK_EQ(counted("Ip6InReceives"), 5);
    result_free(&r);
}
END_TEST

SUITE(overlay, a_tagged_skb_goes_around_the_core_twice, a_tag_of_no_vlan_device_is_another_hosts,
      a_tag_costs_another_round_and_its_removal_if_the_nic_left_it, a_tunnelled_packet_is_received_twice,
      the_second_pass_is_a_napi_of_its_own_in_the_same_softirq, segments_are_merged_under_their_outer_headers,
      a_tunnels_queue_takes_one_more_than_max_backlog, rules_are_asked_for_both_packets_of_a_tunnel,
      a_containers_packet_passes_by_the_hosts_ip, a_container_behind_vxlan_takes_three_passes,
      an_overlay_costs_more_than_half_of_a_cores_rate, a_full_backlog_behind_the_bridge_drops,
      an_aggregate_is_one_skb_on_its_way_to_the_container, ipv6_counts_for_itself,
      ipv6_segments_are_merged_up_to_a_limit_of_their_own)
