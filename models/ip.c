/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/traffic.h"

static const char *const rp_filters[] = { "0", "1", "2", NULL };

static const struct param rows[] = {
    PARAM_TEXT(struct ip_params, address, "host.address",
               "this host's IPv4 addresses, separated by commas; empty: every destination is this host",
               "a scenario with one host needs none"),
    PARAM(struct ip_params, routes, "host.routes", UNIT_COUNT, 1, 1, 10000000,
          "routes in the table that a lookup searches (ip route show); each doubling costs cost.ip.fib_level",
          "one route: XDP18's forwarding"),
    PARAM_SWITCH(struct ip_params, ip_forward, "net.ipv4.ip_forward", 0, "packets for other hosts are sent on",
                 "net/ipv4/devinet.c: off"),
    PARAM_CHOICE(struct ip_params, rp_filter, "net.ipv4.conf.all.rp_filter", RP_FILTER_OFF, rp_filters,
                 "reverse path: 0 off, 1 the route to the source leaves by the interface it came by, 2 there is a route",
                 "Documentation/networking/ip-sysctl.rst: 0; distributions set 1 or 2"),
    PARAM_SWITCH(struct ip_params, ip_early_demux, "net.ipv4.ip_early_demux", 1,
                 "sockets are looked up before the route, which comes with them", "ip-sysctl.rst: 1"),
    PARAM_SWITCH(struct ip_params, tcp_early_demux, "net.ipv4.tcp_early_demux", 1, "the same for established TCP sockets",
                 "ip-sysctl.rst: 1"),
    PARAM_COST(struct ip_params, rcv, "cost.ip.rcv", 170, "ip_rcv and the route, for one skb",
               "part of the 465 cycles from raw drop to UdpNoPorts (UDP19); split assumed"),
    PARAM_COST(struct ip_params, rcv_demuxed, "cost.ip.rcv_demuxed", 170,
               "ip_rcv of a TCP skb: the route comes with the socket (net.ipv4.ip_early_demux)",
               "assumption: as cost.ip.rcv; 137 against 575 instructions measured under icount"),
    PARAM_COST(struct ip_params, fib_level, "cost.ip.fib_level", 29, "a route lookup, for each doubling of host.routes",
               "fitted to XDP18: 752k routes cost 153 ns more than one at 3.8 GHz, over 20 doublings; the law is assumed"),
    PARAM_COST(struct ip_params, validate_source, "cost.ip.validate_source", 150,
               "rp_filter: the lookup of the source, beside the table's size", "assumption: as the first lookup's part of cost.ip.rcv"),
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
    COUNTER(struct ip_counters, InNoRoutes, "IpExtInNoRoutes", "nstat", "skbs to be forwarded without a route"),
    COUNTER(struct ip_counters, IPReversePathFilter, "TcpExtIPReversePathFilter", "nstat", "skbs that rp_filter refused"),
    COUNTER(struct ip_counters, in_martian_src, "in_martian_src", "/proc/net/stat/rt_cache", "impossible source addresses"),
    COUNTER(struct ip_counters, in_martian_dst, "in_martian_dst", "/proc/net/stat/rt_cache", "impossible destination addresses"),
    COUNTER(struct ip_counters, ForwDatagrams, "IpForwDatagrams", "nstat, /proc/net/snmp", "skbs sent on"),
};
ALL_COUNTERS_HAVE_ROWS(struct ip_counters, counter_rows);

const struct model_info ip_model = {
    .name = "ip", .step = "5", .what = "IPv4: validate, route, deliver or forward",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, ip), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM_TEXT(struct ip_nic_params, routes, "nic.routes",
               "prefixes whose route leaves by this NIC, as \"10.0.0.0/8, 192.168.1.0/24\"; empty on all NICs: every address",
               "ours: a scenario with one network needs none"),
};
ALL_FIELDS_HAVE_ROWS(struct ip_nic_params, nic_rows);

const struct model_info ip_nic_model = {
    .name = "ip", .step = "5", .what = "what lies behind each NIC",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, ip), .params = nic_rows, .n_params = ROWS(nic_rows),
};

/* ---- the routing table ---- */

/* The next prefix of a list; false at its end. `*bad`: it is none. */
static bool next_prefix(const char **list, uint32_t *address, int *length, bool *bad)
{
    char one[32], *slash, *end = one;

    *list += strspn(*list, ", ");
    if (!**list)
        return false;
    size_t n = strcspn(*list, ", ");
    if (n < sizeof one) {
        memcpy(one, *list, n);
        one[n] = '\0';
        *list += n;
        slash = strchr(one, '/');
        if (slash) {
            *slash = '\0';
            *length = (int)strtol(slash + 1, &end, 10);
            *bad = slash[1] == '\0' || *end || *length < 0 || *length > 32 || ipv4_parse(one, address) != 0;
            return !*bad;
        }
    }
    *bad = true;
    return false;
}

bool ip_in_list(const char *list, uint32_t address)
{
    char one[32];
    uint32_t a;

    while (*list) {
        size_t n = strcspn(list, ", ");
        if (n > 0 && n < sizeof one) {
            memcpy(one, list, n);
            one[n] = '\0';
            if (ipv4_parse(one, &a) == 0 && a == address)
                return true;
        }
        list += n + strspn(list + n, ", ");
    }
    return false;
}

/* The longest prefix of the list that covers the address; -1: none does. */
static int covers(const char *list, uint32_t address)
{
    uint32_t prefix;
    int length, longest = -1;
    bool bad = false;

    while (next_prefix(&list, &prefix, &length, &bad)) {
        uint32_t mask = length == 0 ? 0 : UINT32_MAX << (32 - length);
        if ((address & mask) == (prefix & mask) && length > longest)
            longest = length;
    }
    return longest;
}

static bool has_routes(const struct config *c)
{
    for (int i = 0; i < c->nics; i++) {
        if (*c->text[c->nic[i].ip.routes])
            return true;
    }
    return false;
}

/* The NIC of host.default_route; -1: none. */
static int default_route(const struct config *c)
{
    for (int i = 0; i < c->nics; i++) {
        if (strcmp(c->nic_name[i], c->text[c->host->tx.route]) == 0)
            return i;
    }
    return -1;
}

/* fib_lookup: the NIC that leads to an address, -1 where none does. */
static int lookup(const struct config *c, uint32_t address)
{
    int longest = -1, nic = default_route(c);

    for (int i = 0; i < c->nics; i++) {
        int length = covers(c->text[c->nic[i].ip.routes], address);
        if (length > longest) {
            longest = length;
            nic = i;
        }
    }
    return nic;
}

static bool loopback(uint32_t address)
{
    return address >> 24 == 127;
}

/* 0.0.0.0/8, multicast and the limited broadcast; class E stays open. */
static bool no_source(uint32_t address)
{
    return address >> 24 == 0 || address >> 28 == 14 || address == UINT32_MAX;
}

/* ip_route_input_slow and __fib_validate_source, what they find in the addresses. Where host.address is empty every
 * destination is this host, but no source is. */
static enum fate martian(const struct config *c, const struct flow_key *k)
{
    const char *own = c->text[c->host->ip.address];

    if (no_source(k->saddr))
        return FATE_IP_INVALID_SOURCE;
    if (loopback(k->daddr) || loopback(k->saddr))
        return FATE_IP_LOCALNET;
    return *own && ip_in_list(own, k->saddr) ? FATE_IP_LOCAL_SOURCE : FATE_IN_FLIGHT;
}

void ip_flow_init(const struct config *c, struct flow *f)
{
    const char *own = c->text[c->host->ip.address];

    f->local = !*own || ip_in_list(own, f->key.daddr);
    f->route = (int8_t)default_route(c);
    if (f->key.proto == FLOW_NOT_IP)
        return;
    f->martian = (uint8_t)martian(c, &f->key);
    if (!has_routes(c))
        return;
    int back = lookup(c, f->key.saddr);
    f->astray = (c->host->ip.rp_filter == RP_FILTER_STRICT && back != f->nic) ||
                (c->host->ip.rp_filter == RP_FILTER_LOOSE && back < 0);
    f->route = (int8_t)lookup(c, f->key.daddr);
    f->unrouted = f->route < 0;
}

/* How often a number of routes can be halved before one is left. */
static int64_t doublings(int64_t routes)
{
    int64_t n = 0;

    for (int64_t covered = 1; covered < routes; covered *= 2)
        n++;
    return n;
}

void ip_fold_costs(struct ip_params *p)
{
    ps_t by_size = doublings(p->routes) * p->fib_level;

    p->rcv += by_size;
    if (p->rp_filter != RP_FILTER_OFF)
        p->rcv += by_size + p->validate_source;
    if (!p->ip_early_demux || !p->tcp_early_demux)
        p->rcv_demuxed = p->rcv;
}

const char *ip_check(const struct config *c, char *buffer, size_t size)
{
    for (int i = 0; i < c->nics; i++) {
        const char *list = c->text[c->nic[i].ip.routes];
        uint32_t address;
        int length;
        bool bad = false;
        while (next_prefix(&list, &address, &length, &bad))
            ;
        if (bad) {
            snprintf(buffer, size, "nic[%s].routes is \"%s\": not a list of prefixes such as 10.0.0.0/8, 192.168.1.0/24",
                     c->nic_name[i], c->text[c->nic[i].ip.routes]);
            return buffer;
        }
    }
    return NULL;
}

/* ---- one skb ---- */

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

/* What the route's lookup refuses. */
static enum fate refused(struct host *h, const struct flow *f)
{
    if (f->martian) {
        if (f->martian == FATE_IP_LOCALNET && loopback(f->key.daddr))
            h->ip.in_martian_dst++;
        else
            h->ip.in_martian_src++;
        return (enum fate)f->martian;
    }
    if (f->astray && (f->local || h->hc->ip.ip_forward)) {
        h->ip.IPReversePathFilter++;
        return FATE_IP_RPFILTER;
    }
    return FATE_IN_FLIGHT;
}

/* ip_forward: TTL, then FORWARD and POST_ROUTING. */
static enum fate forward(struct host *h, struct skb *s, ps_t *cost)
{
    const struct flow *f = &h->flow[s->flow];

    if (f->unrouted) {
        h->ip.InNoRoutes++;
        return FATE_IP_INNOROUTES;
    }
    if (s->ttl <= 1) {
        h->ip.InHdrErrors++;
        return FATE_IP_INHDR;
    }
    h->ip.ForwDatagrams++;
    if (netfilter_hook(&h->netfilter, NF_FORWARD, s, h->engine.now, cost) == NF_DROP ||
        netfilter_hook(&h->netfilter, NF_POST_ROUTING, s, h->engine.now, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->hc->ip.forward + tx_cost(h, s) + cache_extra(&h->cache, h->hc->cache.forward);
    return FATE_FORWARDED;
}

static bool demuxed(const struct host *h, const struct flow *f)
{
    return f->key.proto == FLOW_TCP && f->sk && h->hc->ip.ip_early_demux && h->hc->ip.tcp_early_demux;
}

static enum fate route(struct host *h, struct skb *s, ps_t *cost)
{
    const struct flow *f = &h->flow[s->flow];

    if (f->cast)
        return udp_mcast_route(h, s);
    if (s->dev == SKB_DEV_CONTAINER || s->outer)
        return FATE_IN_FLIGHT;          /* a container's own address; the tunnel's near end */
    if ((f->martian || f->astray) && !demuxed(h, f)) {
        enum fate fate = refused(h, f);
        if (fate != FATE_IN_FLIGHT)
            return fate;
    }
    if (f->local)
        return FATE_IN_FLIGHT;
    if (h->hc->ip.ip_forward)
        return forward(h, s, cost);
    h->ip.InAddrErrors++;
    return FATE_IP_INADDRERRORS;
}

enum fate ip_rcv(struct host *h, struct skb *s, ps_t *cost)
{
    if (s->ipv6 && !s->outer)
        return ip6_rcv(h, s, cost);
    enum fate fate = validate(h, s);

    if (fate != FATE_IN_FLIGHT)
        return fate;
    if (s->dev != SKB_DEV_CONTAINER && netfilter_hook(&h->netfilter, NF_PRE_ROUTING, s, h->engine.now, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->flow[s->flow].key.proto == FLOW_TCP && !s->outer ? h->hc->ip.rcv_demuxed : h->hc->ip.rcv;
    fate = route(h, s, cost);
    if (fate != FATE_IN_FLIGHT)
        conntrack_forget(&h->netfilter.conntrack, s);   /* nothing where POST_ROUTING has confirmed it */
    return fate;
}

/* By the egress queue with the number of the one it came by: the default of drivers without XPS (skb_tx_hash). */
enum fate ip_output(struct host *h, const struct skb *s)
{
    int nic = h->flow[s->flow].route;

    if (nic < 0)
        return FATE_FORWARDED;
    struct nic *egress = &h->nic[nic];
    return tx_xmit(&egress->queue[s->queue > 0 ? s->queue % egress->queues : 0].tx, s);
}

enum fate ip_local_deliver(struct host *h, struct skb *s, ps_t *cost)
{
    if (s->ipv6 && !s->outer)
        return ip6_input(h, s, cost);
    if (s->dev != SKB_DEV_CONTAINER && netfilter_hook(&h->netfilter, NF_LOCAL_IN, s, h->engine.now, cost) == NF_DROP)
        return FATE_NETFILTER_DROP;
    *cost += h->hc->ip.deliver;
    h->ip.InDelivers++;
    skb_pull(s, s->transport_header - s->network_header);
    return FATE_IN_FLIGHT;
}
