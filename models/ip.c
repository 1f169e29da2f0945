/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ip.h"

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM_TEXT(struct ip_params, address, "host.address",
               "this host's IPv4 addresses, separated by commas; empty: every destination is this host",
               "a scenario with one host needs none"),
    PARAM_SWITCH(struct ip_params, ip_forward, "net.ipv4.ip_forward", 0, "packets for other hosts are sent on",
                 "net/ipv4/devinet.c: off"),
    PARAM_COST(struct ip_params, rcv, "cost.ip.rcv", 170, "ip_rcv and the route, for one skb",
               "part of the 465 cycles from raw drop to UdpNoPorts (UDP19); split assumed"),
    PARAM_COST(struct ip_params, rcv_demuxed, "cost.ip.rcv_demuxed", 170,
               "ip_rcv of a TCP skb: the route comes with the socket (net.ipv4.ip_early_demux)",
               "assumption: as cost.ip.rcv; 137 against 575 instructions measured under icount"),
    PARAM_COST(struct ip_params, deliver, "cost.ip.deliver", 80, "ip_local_deliver and the hand-over to the protocol",
               "as cost.ip.rcv"),
    PARAM_COST(struct ip_params, forward, "cost.ip.forward", 1030,
               "forwarding one skb: ip_forward, POST_ROUTING, neighbour; cost.tx.xmit and cost.tx.free follow",
               "XDP18: forwarding 575 ns at 3.8 GHz less what comes before; split assumed"),
};
ALL_FIELDS_HAVE_ROWS(struct ip_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct ip_counters, InReceives, "IpInReceives", "nstat, /proc/net/snmp", "skbs that reached ip_rcv"),
    COUNTER(struct ip_counters, InHdrErrors, "IpInHdrErrors", "nstat, /proc/net/snmp", "bad headers or checksums"),
    COUNTER(struct ip_counters, InAddrErrors, "IpInAddrErrors", "nstat, /proc/net/snmp",
            "skbs for another host with forwarding off"),
    COUNTER(struct ip_counters, InDelivers, "IpInDelivers", "nstat, /proc/net/snmp", "skbs handed to a protocol"),
    COUNTER(struct ip_counters, InTruncatedPkts, "IpExtInTruncatedPkts", "nstat", "shorter than their header says"),
    COUNTER(struct ip_counters, InCsumErrors, "IpExtInCsumErrors", "nstat", "bad header checksums"),
    COUNTER(struct ip_counters, ForwDatagrams, "IpForwDatagrams", "nstat, /proc/net/snmp", "skbs sent on"),
};
ALL_COUNTERS_HAVE_ROWS(struct ip_counters, counter_rows);

const struct model_info ip_model = {
    .name = "ip", .step = "5", .what = "IPv4: validate, route, deliver or forward",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, ip), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static enum fate validate(struct host *h, const struct skb *s)
{
    if (h->flow[s->flow].key.otherhost)
        return FATE_OTHERHOST;          /* before InReceives */
    h->ip.InReceives++;
    if (s->bad & FRAME_BAD_IP_HDR) {
        h->ip.InHdrErrors++;
        return FATE_IP_INHDR;
    }
    if (s->bad & FRAME_BAD_IP_CSUM) {
        h->ip.InCsumErrors++;
        h->ip.InHdrErrors++;
        return FATE_IP_CSUM;
    }
    if (s->bad & FRAME_TRUNCATED) {
        h->ip.InTruncatedPkts++;
        return FATE_PKT_TOO_SMALL;
    }
    return FATE_IN_FLIGHT;
}

static enum fate route(struct host *h, const struct skb *s, ps_t *cost)
{
    if (h->flow[s->flow].local)
        return FATE_IN_FLIGHT;
    if (!h->hc->ip.ip_forward) {
        h->ip.InAddrErrors++;
        return FATE_IP_INADDRERRORS;
    }
    h->ip.ForwDatagrams++;
    *cost += h->hc->ip.forward + tx_cost(h, s) + cache_extra(&h->cache, h->hc->cache.forward);
    return FATE_FORWARDED;
}

enum fate ip_rcv(struct host *h, struct skb *s, ps_t *cost)
{
    enum fate fate = validate(h, s);

    if (fate != FATE_IN_FLIGHT)
        return fate;
    if (netfilter_hook(&h->netfilter, NF_PRE_ROUTING, s->flow, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->flow[s->flow].key.proto == FLOW_TCP ? h->hc->ip.rcv_demuxed : h->hc->ip.rcv;
    return route(h, s, cost);
}

/* By the egress queue with the number of the one it came by: the default of drivers without XPS (skb_tx_hash). */
enum fate ip_output(struct host *h, const struct skb *s)
{
    if (!h->egress)
        return FATE_FORWARDED;
    return tx_xmit(&h->egress->queue[s->queue > 0 ? s->queue % h->egress->queues : 0].tx, s);
}

enum fate ip_local_deliver(struct host *h, struct skb *s, ps_t *cost)
{
    if (netfilter_hook(&h->netfilter, NF_LOCAL_IN, s->flow, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->hc->ip.deliver;
    h->ip.InDelivers++;
    skb_pull(s, s->transport_header - s->network_header);
    return FATE_IN_FLIGHT;
}
