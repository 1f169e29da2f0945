/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ip6.h"

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct ip6_params, forwarding, "net.ipv6.conf.all.forwarding", 0, "IPv6 packets for other hosts are sent on",
                 "net/ipv6/addrconf.c: off"),
    PARAM_COST(struct ip6_params, rcv, "cost.ip6.rcv", 190, "ipv6_rcv and the route, for one skb",
               "assumption: cost.ip.rcv, less a checksum, more for addresses four times as long"),
};
ALL_FIELDS_HAVE_ROWS(struct ip6_params, rows);

#define MIB(member, what)  COUNTER(struct ip6_counters, member, "Ip6" #member, "nstat, /proc/net/snmp6", what)
static const struct counter counter_rows[] = {
    MIB(InReceives, "skbs that reached ipv6_rcv"),
    MIB(InHdrErrors, "bad headers"),
    MIB(InAddrErrors, "skbs for another host with forwarding off"),
    MIB(InTruncatedPkts, "shorter than their header says"),
    MIB(InDelivers, "skbs handed to a protocol"),
    MIB(OutForwDatagrams, "skbs sent on"),
};
ALL_COUNTERS_HAVE_ROWS(struct ip6_counters, counter_rows);

const struct model_info ip6_model = {
    .name = "ip6", .step = "5", .what = "IPv6: what differs from IPv4",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, ip6), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

#define MIB6(member, what)  COUNTER(struct udp_counters, member, "Udp6" #member, "nstat, /proc/net/snmp6", what)
static const struct counter udp6_rows[] = {
    MIB6(InDatagrams, "datagrams over IPv6 read by applications"),
    MIB6(NoPorts, "datagrams over IPv6 nobody listened for"),
    MIB6(InErrors, "datagrams over IPv6 dropped: full buffers and checksums"),
    MIB6(RcvbufErrors, "datagrams over IPv6 dropped at a full socket buffer"),
    MIB6(InCsumErrors, "bad checksums over IPv6"),
    MIB6(MemErrors, "datagrams over IPv6 dropped for want of the protocol's memory"),
};
ALL_COUNTERS_HAVE_ROWS(struct udp_counters, udp6_rows);

const struct model_info udp6_model = {
    .name = "udp6", .step = "6", .what = "UDP's counters over IPv6",
    .scope = SCOPE_HOST, .counters = udp6_rows, .n_counters = ROWS(udp6_rows),
};

static enum fate validate(struct host *h, const struct skb *s)
{
    if (h->flow[s->flow].key.otherhost)
        return FATE_OTHERHOST;          /* before Ip6InReceives */
    h->ip6.InReceives++;
    if (s->bad & FRAME_BAD_IP_HDR) {
        h->ip6.InHdrErrors++;
        return FATE_IP_INHDR;
    }
    if (s->bad & FRAME_TRUNCATED) {
        h->ip6.InTruncatedPkts++;
        return FATE_PKT_TOO_SMALL;
    }
    return FATE_IN_FLIGHT;
}

static enum fate route(struct host *h, struct skb *s, ps_t *cost)
{
    if (s->dev == SKB_DEV_CONTAINER || h->flow[s->flow].local)
        return FATE_IN_FLIGHT;
    if (!h->hc->ip6.forwarding) {
        h->ip6.InAddrErrors++;
        return FATE_IP_INADDRERRORS;
    }
    if (s->ttl <= 1) {
        h->ip6.InHdrErrors++;
        return FATE_IP_INHDR;
    }
    h->ip6.OutForwDatagrams++;
    if (netfilter_hook(&h->netfilter, NF_FORWARD, s, h->engine.now, cost) == NF_DROP ||
        netfilter_hook(&h->netfilter, NF_POST_ROUTING, s, h->engine.now, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->hc->ip.forward + tx_cost(h, s) + cache_extra(&h->cache, h->hc->cache.forward);
    return FATE_FORWARDED;
}

enum fate ip6_rcv(struct host *h, struct skb *s, ps_t *cost)
{
    enum fate fate = validate(h, s);

    if (fate != FATE_IN_FLIGHT)
        return fate;
    if (s->dev != SKB_DEV_CONTAINER && netfilter_hook(&h->netfilter, NF_PRE_ROUTING, s, h->engine.now, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->hc->ip6.rcv;
    fate = route(h, s, cost);
    if (fate != FATE_IN_FLIGHT)
        conntrack_forget(&h->netfilter.conntrack, s);
    return fate;
}

enum fate ip6_input(struct host *h, struct skb *s, ps_t *cost)
{
    if (s->dev != SKB_DEV_CONTAINER && netfilter_hook(&h->netfilter, NF_LOCAL_IN, s, h->engine.now, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->hc->ip.deliver;
    h->ip6.InDelivers++;
    skb_pull(s, s->transport_header - s->network_header);
    return FATE_IN_FLIGHT;
}
