/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every place where a frame can be lost, as one table: a machine that loses exactly K frames there, and the counters that
 * show K. Every other counter of losses stays 0, and the ledger knows no other loss. A new drop reason is a row here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/machine.h"
#include "tests/suite.h"

enum { FRAMES = 16 };           /* of a replay, 10 us apart */

/* The counters that stand for losses, whatever the cause; those of a row's `moves` are K, the others 0. */
static const char *const loss_counters[] = {
    "rx_no_carrier", "rx_crc_errors", "rx_length_errors", "rx_short_length_errors", "rx_long_length_errors", "rx_missed_errors", "rx_no_desc", "dropped", "rx_nohandler", "veth_tx_dropped",
    "veth_rx_dropped", "qdisc_dropped", "IpInHdrErrors", "IpInAddrErrors", "IpExtInTruncatedPkts", "IpExtInCsumErrors",
    "nf_dropped", "nf_conntrack_drop", "UdpNoPorts", "UdpInErrors", "UdpRcvbufErrors", "UdpInCsumErrors", "TcpInErrs",
    "TcpInCsumErrors", "TcpExtTCPOFODrop", "TcpExtOfoPruned", "TcpExtRcvPruned", "TcpExtTCPRcvQDrop",
    "TcpExtTCPZeroWindowDrop", "TcpExtTCPBacklogDrop", "TcpExtPAWSEstab", "TcpExtBeyondWindow", "TcpExtTCPDSACKOldSent",
    "rx_xdp_drop", "tc_ingress_dropped", "nf_conntrack_insert_failed", "IpExtInNoRoutes", "TcpExtIPReversePathFilter",
    "in_martian_src", "in_martian_dst", "rx_xdp_tx_full", "xdp_exception", "xdp_cpumap_drops", "xsk_rx_dropped", "xsk_rx_ring_full",
    "flow_limit_count", "TcpExtListenOverflows", "TcpExtListenDrops", "TcpExtTCPReqQFullDrop", "UdpMemErrors",
    "flow_limit_count",
    "container_tx_dropped", "container_rx_dropped", "tunnel_rx_dropped", "Ip6InAddrErrors", "Ip6InHdrErrors",
    "Udp6NoPorts", "Udp6InErrors", "Udp6RcvbufErrors", "IpReasmFails", "IpReasmTimeout", "UdpIgnoredMulti",
};

/* What a replay offers: frame `i` of FRAMES, filled with a good one of its protocol before. */
typedef void frame_fn(int i, struct arrival *a, struct flow_key *key);

/* ---- frames with something wrong: every fourth, so 4 of 16 ---- */

enum { BAD = 4 };

static bool is_bad(int i)
{
    return i % 4 == 3;
}

static void bad_ip_header(int i, struct arrival *a, struct flow_key *key)
{
    (void)key;
    a->bad = is_bad(i) ? FRAME_BAD_IP_HDR : 0;
}

static void bad_ip_checksum(int i, struct arrival *a, struct flow_key *key)
{
    (void)key;
    a->bad = is_bad(i) ? FRAME_BAD_IP_CSUM : 0;
}

static void bad_l4_checksum(int i, struct arrival *a, struct flow_key *key)
{
    (void)key;
    a->bad = is_bad(i) ? FRAME_BAD_L4_CSUM : 0;
}

static void truncated(int i, struct arrival *a, struct flow_key *key)
{
    (void)key;
    a->bad = is_bad(i) ? FRAME_TRUNCATED : 0;
}

static void of_another_protocol(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->proto = is_bad(i) ? FLOW_NOT_IP : FLOW_UDP;
}

static void of_another_host(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->otherhost = is_bad(i);
}

static void to_another_address(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->daddr = is_bad(i) ? 0x0a000009 : 0x0a000002;
}

static void used_up(int i, struct arrival *a, struct flow_key *key)
{
    to_another_address(i, a, key);
    a->ttl = is_bad(i) ? 1 : 64;
}

static void from_a_multicast_address(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->saddr = is_bad(i) ? 0xe0000001 : 0x0a000001;
}

static void from_our_address(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->saddr = is_bad(i) ? 0x0a000002 : 0x0a000001;
}

static void from_loopback(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->saddr = is_bad(i) ? 0x7f000001 : 0x0a000001;
}

static void from_elsewhere(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->saddr = is_bad(i) ? 0x0b000001 : 0x0a000001;
}

static void to_another_port(int i, struct arrival *a, struct flow_key *key)
{
    (void)a;
    key->dport = is_bad(i) ? 77 : 9;
}

/* ---- TCP segments of 1000 bytes in order, but for every fourth ---- */

static void tcp(int i, struct arrival *a, struct flow_key *key)
{
    key->proto = FLOW_TCP;
    a->payload = 1000;
    a->wire_bytes = ETH_HLEN + IP_HLEN + TCP_HLEN + TCP_TS + 1000 + ETH_FCS;
    a->seq = 1u + 1000u * (uint32_t)(i - (i + 1) / 4);      /* the bad ones bring nothing new */
    a->ack = 1;
    a->tsval = 1000u + (uint32_t)i;
    a->tsecr = 1;
    a->window = 65535;
    a->tcp_flags = TCP_ACK;
}

static void tcp_bad_checksum(int i, struct arrival *a, struct flow_key *key)
{
    tcp(i, a, key);
    a->bad = is_bad(i) ? FRAME_BAD_L4_CSUM : 0;
}

static void tcp_old_data(int i, struct arrival *a, struct flow_key *key)
{
    tcp(i, a, key);
    if (is_bad(i))
        a->seq -= 500;
}

static void tcp_old_timestamp(int i, struct arrival *a, struct flow_key *key)
{
    tcp(i, a, key);
    if (is_bad(i)) {
        a->seq += 1000;         /* new data, but for its age */
        a->tsval = 1;
    }
}

static void tcp_beyond_the_window(int i, struct arrival *a, struct flow_key *key)
{
    tcp(i, a, key);
    if (is_bad(i))
        a->seq += 64 << 20;
}

/* ---- the table ---- */

struct drop_point {
    enum fate fate;
    uint64_t lost;
    const char *moves;          /* counters that show it */
    frame_fn *frame;            /* a replay of FRAMES, or NULL: what `settings` offer */
    const char *settings;
};

/* A frame each microsecond, an interrupt each, a reader on the other CPU. */
static const char machine[] =
    "version: 1\n"
    "include: one-frame.yaml\n"
    "run: {duration: 1ms, drain: 5ms}\n"
    "traffic: {rate: 1Mpps, frames: 0, start: 10us}\n";

#define REPLAY_IN  "traffic.kind=replay traffic.file=captures/mixed.pcap.gz "
/* Thirty-two frames at line rate, and no interrupt before the last has arrived: what the ring does not hold is lost. */
#define BURST  "nic.ring.rx=16 nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us nic.coalesce.rx-frames=0 " \
               "nic.ring.refill_at_end=1 traffic.frames=32 "

/* Thirty-two frames that all wait when the poll begins. */
#define POLL_OF_32  "nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us nic.coalesce.rx-frames=0 traffic.frames=32 traffic.rate=100% "
#define FLOOD  "traffic.kind=connect traffic.flood=on traffic.flows=32 traffic.frames=32 net.ipv4.tcp_syncookies=0 "

static const struct drop_point points[] = {
    { FATE_RX_CRC_ERRORS, 32, "rx_crc_errors", NULL, "traffic.frames=32 traffic.fcs_errors=1000000" },
    { FATE_RX_NO_CARRIER, 7, "rx_no_carrier", NULL,     /* a frame a microsecond */
      "traffic.frames=32 traffic.offset=off nic.flap.at=20us nic.flap.for=7us" },
    { FATE_RX_LENGTH_ERRORS, 32, "rx_length_errors rx_short_length_errors", NULL, "traffic.frames=32 traffic.runts=1000000" },
    { FATE_RX_LENGTH_ERRORS, 32, "rx_length_errors rx_long_length_errors", NULL, "traffic.frames=32 traffic.frame=1600B" },
    /* a packet buffer of ten frames of 64 bytes, behind a ring that holds 15: 32 - 15 - 10 */
    { FATE_RX_MISSED_ERRORS, 7, "rx_missed_errors", NULL,
      BURST "nic.model=ixgbe nic.ring.empty=hold nic.fifo=640B traffic.rate=100%" },
    { FATE_RX_NO_DESC, 17, "rx_no_desc", NULL, BURST "nic.model=ixgbe traffic.rate=100%" },
    { FATE_RX_NO_DESC, 17, "rx_no_desc", NULL, BURST "nic.model=igb traffic.rate=100%" },
    { FATE_RX_NO_DESC, 17, "rx_no_desc", NULL, BURST "nic.model=i40e traffic.rate=100%" },
    { FATE_RX_NO_DESC, 16, "rx_no_desc", NULL, BURST "nic.model=mlx5 traffic.rate=100%" },
    { FATE_CPU_BACKLOG, 32 - 11, "dropped", NULL,       /* the target takes none before all have come: 11 fit */
      "nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us nic.queue.rps_cpus=2 net.core.netdev_max_backlog=10 "
      "nic.features.gro=off cpu.ipi_latency=900us traffic.frames=32 traffic.rate=100%" },
    { FATE_CPU_BACKLOG, 170 - 164, "dropped flow_limit_count", NULL,    /* half full at 100, then 64 of one flow */
      "nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us nic.queue.rps_cpus=2 net.core.netdev_max_backlog=200 "
      "net.core.flow_limit_cpu_bitmap=1 net.core.rmem_default=4MiB "
      "nic.features.gro=off cpu.ipi_latency=900us traffic.frames=170 traffic.rate=100%" },
    /* all of a poll before the second pass begins: behind the bridge's veth, and behind a tunnel */
    { FATE_CPU_BACKLOG, 32 - 11, "dropped container_tx_dropped container_rx_dropped", NULL,
      "nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us nic.master=bridge net.core.netdev_max_backlog=10 "
      "traffic.frames=32 traffic.rate=100%" },
    { FATE_GRO_CELLS, 32 - 11, "tunnel_rx_dropped", NULL,
      "nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us traffic.encap=vxlan traffic.frame=200B "
      "net.core.netdev_max_backlog=10 traffic.frames=32 traffic.rate=100%" },
    { FATE_OTHERHOST, 32, "", NULL, "traffic.frames=32 traffic.vlan=5 nic.vlan=6" },
    { FATE_MULTICAST, 32, "", NULL, "traffic.frames=32 traffic.cast=multicast traffic.daddr=239.1.1.1" },
    { FATE_MULTICAST_PORT, 32, "UdpIgnoredMulti", NULL,
      "traffic.frames=32 traffic.cast=broadcast traffic.daddr=10.0.0.255 app.port=77" },
    /* one datagram of 41 fragments and memory for five: those wait, and their 30 s are not over */
    { FATE_FRAG_MEM, 36, "IpReasmFails", NULL,
      "traffic.frames=41 traffic.fragment=60000B traffic.frame=1518B traffic.rate=200kpps net.ipv4.ipfrag_high_thresh=10000B" },
    /* one datagram short of its last fragment: given up, as one */
    { FATE_FRAG_REASM_TIMEOUT, 1, "IpReasmFails IpReasmTimeout", NULL,
      "traffic.frames=1 traffic.fragment=2000B traffic.frame=1518B net.ipv4.ipfrag_time=2ms" },
    { FATE_NO_SOCKET, 32, "Udp6NoPorts", NULL, "traffic.frames=32 traffic.ipv6=on traffic.frame=100B app.port=77" },
    { FATE_SOCKET_RCVBUFF, 29, "Udp6InErrors Udp6RcvbufErrors", NULL,
      "traffic.frames=32 traffic.ipv6=on traffic.frame=100B app.kind=idle app.rcvbuf=2304B" },
    { FATE_IP_INADDRERRORS, 32, "Ip6InAddrErrors", NULL,
      "traffic.frames=32 traffic.ipv6=on traffic.frame=100B host.address=10.9.9.9" },
    { FATE_XDP_DROP, 32, "rx_xdp_drop", NULL, "traffic.frames=32 nic.xdp=drop" },
    { FATE_XDP_DROP, 32, "", NULL, "traffic.frames=32 nic.xdp=drop nic.xdp_mode=generic" },
    { FATE_XDP_ABORTED, 32, "rx_xdp_drop xdp_exception", NULL, "traffic.frames=32 nic.xdp=aborted" },
    /* a poll of 32 sends 16 back by 16 descriptors, or 32 frames to rings of 16 */
    { FATE_XDP_TX_FULL, 16, "rx_xdp_tx_full", NULL, POLL_OF_32 "nic.xdp=tx nic.ring.tx=16" },
    { FATE_CPUMAP_FULL, 16, "xdp_cpumap_drops", NULL,
      POLL_OF_32 "nic.xdp=redirect-cpumap nic.xdp_cpus=2 xdp.cpumap.qsize=16" },
    { FATE_XSK_FULL, 16, "rx_xdp_drop xdp_exception xsk_rx_dropped", NULL, POLL_OF_32 "nic.xdp=redirect-xsk nic.xsk.fill_ring=16" },
    { FATE_XSK_FULL, 16, "rx_xdp_drop xdp_exception xsk_rx_ring_full", NULL, POLL_OF_32 "nic.xdp=redirect-xsk nic.xsk.rx_ring=16" },
    { FATE_OTHERHOST, BAD, "", of_another_host, "nic.promisc=on" },
    { FATE_MAC_FILTERED, BAD, "", of_another_host, "" },
    { FATE_UNHANDLED_PROTO, BAD, "rx_nohandler", of_another_protocol, "" },
    { FATE_IP_INHDR, BAD, "IpInHdrErrors", bad_ip_header, "" },
    { FATE_IP_CSUM, BAD, "IpInHdrErrors IpExtInCsumErrors", bad_ip_checksum, "" },
    { FATE_PKT_TOO_SMALL, BAD, "IpExtInTruncatedPkts", truncated, "" },
    { FATE_IP_INADDRERRORS, BAD, "IpInAddrErrors", to_another_address, "host.address=10.0.0.2" },
    { FATE_NETFILTER_DROP, 32, "nf_dropped", NULL, "traffic.frames=32 netfilter.input.policy=drop" },
    { FATE_NETFILTER_DROP, 32, "nf_dropped", NULL, "traffic.frames=32 netfilter.raw.policy=drop" },
    { FATE_NETFILTER_DROP, 25, "nf_conntrack_drop", NULL,
      "traffic.frames=32 traffic.flows=32 netfilter.conntrack=on net.netfilter.nf_conntrack_max=7" },
    { FATE_NETFILTER_DROP, 31, "nf_conntrack_drop nf_conntrack_insert_failed", NULL,    /* one list of a new flow's */
      "netfilter.conntrack=on kernel.conntrack_resolve_clash=off net.core.gro_normal_batch=64 traffic.frames=32 "
      "nic.coalesce.kind=delay nic.coalesce.rx-usecs=100us nic.features.gro=off traffic.rate=100%" },
    { FATE_NETFILTER_DROP, 32, "nf_dropped", NULL, "traffic.frames=32 netfilter.ingress.drop_dport=9" },
    { FATE_NETFILTER_DROP, 32, "nf_dropped", NULL, "traffic.frames=32 netfilter.mangle.policy=drop" },
    { FATE_NETFILTER_DROP, 32, "nf_dropped", NULL,
      "traffic.frames=32 netfilter.forward.policy=drop host.address=10.0.0.3 net.ipv4.ip_forward=on" },
    { FATE_NETFILTER_DROP, 32, "nf_dropped", NULL,
      "traffic.frames=32 netfilter.postrouting.policy=drop host.address=10.0.0.3 net.ipv4.ip_forward=on" },
    { FATE_TC_INGRESS, 32, "tc_ingress_dropped", NULL, "traffic.frames=32 tc.ingress.drop_dport=9" },
    { FATE_IP_INHDR, BAD, "IpInHdrErrors", used_up, "host.address=10.0.0.2 net.ipv4.ip_forward=on" },
    { FATE_IP_INNOROUTES, BAD, "IpExtInNoRoutes", to_another_address,
      "host.address=10.0.0.2 net.ipv4.ip_forward=on nic.routes=10.0.0.0/29" },
    { FATE_IP_RPFILTER, BAD, "TcpExtIPReversePathFilter", from_elsewhere,
      "net.ipv4.conf.all.rp_filter=1 nic.routes=10.0.0.0/8" },
    { FATE_IP_INVALID_SOURCE, BAD, "in_martian_src", from_a_multicast_address, "" },
    { FATE_IP_LOCAL_SOURCE, BAD, "in_martian_src", from_our_address, "host.address=10.0.0.2" },
    { FATE_IP_LOCALNET, BAD, "in_martian_src", from_loopback, "" },
    { FATE_NO_SOCKET, BAD, "UdpNoPorts", to_another_port, "app.port=9" },
    { FATE_UDP_CSUM, BAD, "UdpInErrors UdpInCsumErrors", bad_l4_checksum, "" },
    /* a buffer of 4608 bytes holds 3 datagrams of 2304: the test comes before the charge */
    { FATE_SOCKET_RCVBUFF, 29, "UdpInErrors UdpRcvbufErrors", NULL, "traffic.frames=32 app.kind=idle app.rcvbuf=2304B" },
    /* forged SYNs, of which none is completed: eight requests are the backlog, or three quarters of tcp_max_syn_backlog */
    { FATE_REQ_QUEUE_FULL, 24, "TcpExtTCPReqQFullDrop TcpExtListenDrops", NULL, FLOOD "app.backlog=8" },
    { FATE_REQ_QUEUE_FULL, 25, "TcpExtListenDrops", NULL, FLOOD "net.ipv4.tcp_max_syn_backlog=8" },
    /* one is served, a backlog of 2 holds 3, and the SYNs of four more of eight are refused */
    { FATE_LISTEN_OVERFLOW, 4, "TcpExtListenOverflows TcpExtListenDrops", NULL,
      "traffic.kind=connect traffic.flows=8 traffic.frames=8 traffic.rate=1kpps run.duration=20ms app.backlog=2 "
      "app.accept_work=100ms" },
    /* four pages of 4096 hold seven datagrams of 2304: the eighth needs a fifth */
    { FATE_PROTO_MEM, 25, "UdpInErrors UdpMemErrors", NULL, "traffic.frames=32 app.kind=idle net.core.mem_pcpu_rsv=1 "
      "net.ipv4.udp_mem.min=4 net.ipv4.udp_mem.pressure=4 net.ipv4.udp_mem.max=4" },
    { FATE_TCP_CSUM, BAD, "TcpInErrs TcpInCsumErrors", tcp_bad_checksum, "" },
    { FATE_TCP_OLD_DATA, BAD, "TcpExtTCPDSACKOldSent", tcp_old_data, "nic.features.gro=off" },
    { FATE_TCP_RFC7323_PAWS, BAD, "TcpExtPAWSEstab", tcp_old_timestamp, "nic.features.gro=off" },
    { FATE_TCP_INVALID_SEQUENCE, BAD, "", tcp_beyond_the_window, "nic.features.gro=off" },
    { FATE_TCP_INVALID_SEQUENCE, BAD, "TcpExtBeyondWindow", tcp_beyond_the_window, "nic.features.gro=off kernel.version=6.19" },
};

/* Is `name` a word of `list`? */
static bool names(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
    }
    return false;
}

/* FRAMES datagrams to port 9, each as `frame` leaves it, in place of the captured file's. */
static void replay(struct config *c, frame_fn *frame)
{
    struct arrivals *a = calloc(1, sizeof *a);

    a->arrival = calloc(FRAMES, sizeof *a->arrival);
    a->flow = calloc(FRAMES, sizeof *a->flow);
    for (int i = 0; i < FRAMES; i++) {
        struct flow_key key = { .saddr = 0x0a000001, .daddr = 0x0a000002, .sport = 9000, .dport = 9, .proto = FLOW_UDP };
        struct arrival *one = &a->arrival[a->n++];
        *one = (struct arrival){ .at = i * 10 * US, .wire_bytes = 64, .payload = 18, .ttl = 64 };
        frame(i, one, &key);
        size_t f = 0;
        while (f < a->flows && memcmp(&a->flow[f], &key, sizeof key) != 0)
            f++;
        if (f == a->flows)
            a->flow[a->flows++] = key;
        one->flow = (uint32_t)f;
    }
    arrivals_free((struct arrivals *)(void *)(uintptr_t)c->arrivals[0]);
    c->arrivals[0] = a;
}

static void holds(const struct drop_point *p, bool batch)
{
    const struct run_options o = { .seed = 1, .sample_every = 1, .no_batch = !batch };
    char settings[1024];
    struct config c;
    struct result r;

    snprintf(settings, sizeof settings, "%s%s", p->frame ? REPLAY_IN : "", p->settings);
    machine_parse(&c, machine, settings);
    if (p->frame)
        replay(&c, p->frame);
    machine_run(&c, &o, &r);
    const char *name = fate_info[p->fate].name;
    for (int f = 0; f < FATES; f++) {
        if (fate_info[f].kind == FATE_KIND_DROPPED || (enum fate)f == p->fate)
            ck_assert_msg(r.ledger.frames[f] == ((enum fate)f == p->fate ? p->lost : 0), "%s, %s: %d frames ended as %s",
                          name, p->settings, (int)r.ledger.frames[f], fate_info[f].name);
    }
    for (size_t i = 0; i < sizeof loss_counters / sizeof *loss_counters; i++) {
        uint64_t is = result_counter(&r, NULL, loss_counters[i]);
        ck_assert_msg(is == (names(p->moves, loss_counters[i]) ? p->lost : 0), "%s, %s: %s is %d", name, p->settings,
                      loss_counters[i], (int)is);
    }
    result_free(&r);
    machine_release(&c);
}

START_TEST(each_loss_shows_in_its_counters_and_nowhere_else)
{
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        holds(&points[i], true);
        holds(&points[i], false);
    }
}
END_TEST

/* Every counter the table names is one of those that are held at 0 elsewhere. */
START_TEST(every_counter_of_the_table_is_watched)
{
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        char moves[256], *rest = NULL;
        snprintf(moves, sizeof moves, "%s", points[i].moves);
        for (char *word = strtok_r(moves, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            bool watched = false;
            for (size_t k = 0; k < sizeof loss_counters / sizeof *loss_counters; k++)
                watched |= strcmp(word, loss_counters[k]) == 0;
            ck_assert_msg(watched, "%s is not among the counters of losses", word);
        }
    }
}
END_TEST

/* Losses that take a machine or an exchange of their own, and the suite that counts them. */
static const struct { enum fate fate; const char *suite; } elsewhere[] = {
    { FATE_DUP_FRAG, "defrag" }, { FATE_QDISC_DROP, "tx" }, { FATE_SOCKET_BACKLOG, "sock" }, { FATE_TCP_CLOSE, "tcp" },
    { FATE_TCP_OFO_QUEUE_PRUNE, "tcp" }, { FATE_TCP_OVERWINDOW, "tcp" }, { FATE_TCP_ZEROWINDOW, "tcp" },
    { FATE_VETH_RING, "veth" },
};

START_TEST(every_way_to_lose_a_frame_is_in_the_table)
{
    for (int f = 0; f < FATES; f++) {
        bool there = fate_info[f].kind != FATE_KIND_DROPPED;
        for (size_t i = 0; i < sizeof points / sizeof *points; i++)
            there |= (int)points[i].fate == f;
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
            there |= (int)elsewhere[i].fate == f;
        ck_assert_msg(there, "no row loses a frame as %s", fate_info[f].name);
    }
}
END_TEST

SUITE(drop_points, every_way_to_lose_a_frame_is_in_the_table,
      each_loss_shows_in_its_counters_and_nowhere_else, every_counter_of_the_table_is_watched)
