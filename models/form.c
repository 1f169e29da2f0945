/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/form.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "models/host_config.h"

static const char *const encaps[] = { "none", "vxlan", "gre", NULL };
static const char *const casts[] = { "unicast", "multicast", "broadcast", NULL };

static const struct param rows[] = {
    PARAM(struct form_params, vlan, "traffic.vlan", UNIT_COUNT, 0, 0, 4094, "VLAN id its frames are tagged with; 0: untagged",
          "IEEE 802.1Q: 1..4094"),
    PARAM_SWITCH(struct form_params, ipv6, "traffic.ipv6", 0, "IPv6; an address a.b.c.d stands for 2001:db8::a.b.c.d", "ours"),
    PARAM_CHOICE(struct form_params, encap, "traffic.encap", ENCAP_NONE, encaps,
                 "tunnel that its packets come through: 50 bytes more for vxlan, 24 for gre", "RFC 7348; RFC 2784"),
    PARAM_TEXT(struct form_params, outer_saddr, "traffic.encap_saddr", "tunnel's far end; empty means 192.168.0.1", "ours"),
    PARAM_TEXT(struct form_params, outer_daddr, "traffic.encap_daddr", "tunnel's near end, this host; empty means 192.168.0.2",
               "ours"),
    PARAM_SWITCH(struct form_params, entropy, "traffic.encap_entropy", 0,
                 "vxlan: the outer source port is made from the inner flow; off: one port for all",
                 "Linux makes it so (include/net/udp.h udp_flow_src_port); devices and some tunnels do not"),
    PARAM(struct form_params, fragment, "traffic.fragment", UNIT_BYTES, 0, 0, 65507,
          "payload of a datagram that goes in fragments of at most traffic.frame; 0: a datagram is a frame", "ours"),
    PARAM_CHOICE(struct form_params, cast, "traffic.cast", CAST_UNICAST, casts,
                 "whom its frames are for: this host, a multicast group, everybody on the link", "ours"),
    PARAM_SWITCH(struct form_params, udp_csum, "traffic.udp_csum", 1,
                 "datagrams have a checksum; off: it is 0, and UDP GRO leaves them alone", "RFC 768 allows 0 over IPv4"),
};
ALL_FIELDS_HAVE_ROWS(struct form_params, rows);

const struct model_info form_model = {
    .name = "form", .step = "-", .what = "what a source's frames look like: tag, IPv6, tunnel, fragments",
    .scope = SCOPE_TRAFFIC, .params_at = offsetof(struct traffic_config, form), .params = rows, .n_params = ROWS(rows),
};

/* udp_flow_src_port: the local port range of Linux (net.ipv4.ip_local_port_range), and the one port of a tunnel without
 * entropy. */
enum { PORT_FIRST = 32768, PORT_LAST = 60999, PORT_CONSTANT = 49152 };

static const char OUTER_SADDR[] = "192.168.0.1", OUTER_DADDR[] = "192.168.0.2";

int32_t form_bytes(const struct form_params *p)
{
    static const int32_t outer[] = {
        [ENCAP_NONE] = 0, [ENCAP_VXLAN] = IP_HLEN + UDP_HLEN + VXLAN_HLEN + ETH_HLEN, [ENCAP_GRE] = IP_HLEN + GRE_HLEN,
    };

    return (p->vlan ? VLAN_HLEN : 0) + (p->ipv6 ? IPV6_HLEN - IP_HLEN : 0) + outer[p->encap];
}

int64_t form_fragments(const struct form_params *p, int64_t frame, int64_t *unit)
{
    int64_t bytes = p->fragment + UDP_HLEN;
    int64_t room = frame - ETH_HLEN - ETH_FCS - IP_HLEN - form_bytes(p);

    *unit = bytes <= room ? bytes : room / 8 * 8;
    return (bytes + *unit - 1) / *unit;
}

/* ---- hashes ---- */

static uint32_t address(const struct config *c, int64_t text, const char *empty)
{
    uint32_t a = 0;

    ipv4_parse(*c->text[text] ? c->text[text] : empty, &a);
    return a;
}

static void address6(uint8_t at[16], uint32_t low)
{
    static const uint8_t prefix[12] = { 0x20, 0x01, 0x0d, 0xb8 };

    memcpy(at, prefix, sizeof prefix);
    for (int i = 0; i < 4; i++)
        at[12 + i] = (uint8_t)(low >> (24 - 8 * i));
}

static uint32_t hash6(const struct rss *r, const struct flow_key *key)
{
    uint8_t saddr[16], daddr[16];

    address6(saddr, key->saddr);
    address6(daddr, key->daddr);
    return rss_hash6(r, saddr, daddr, key);
}

static uint16_t outer_port(const struct form_params *p, uint32_t inner)
{
    if (!p->entropy)
        return PORT_CONSTANT;
    inner ^= inner << 16;
    return (uint16_t)(PORT_FIRST + ((uint64_t)inner * (PORT_LAST - PORT_FIRST) >> 32));
}

static struct flow_key outer_key(const struct config *c, const struct form_params *p, uint32_t inner)
{
    return (struct flow_key){
        .saddr = address(c, p->outer_saddr, OUTER_SADDR), .daddr = address(c, p->outer_daddr, OUTER_DADDR),
        .sport = outer_port(p, inner), .dport = VXLAN_PORT, .proto = p->encap == ENCAP_VXLAN ? FLOW_UDP : FLOW_OTHER_IP,
    };
}

/* The sender's own hash, which makes the outer port: all of the five-tuple, whatever our NIC hashes. */
static uint32_t inner_hash(const struct rss *r, struct flow_key key)
{
    key.proto = FLOW_TCP;               /* whose ports every NIC hashes */
    return rss_hash(r, &key);
}

struct flow_key form_of_flow(const struct config *c, int source, const struct rss *r, struct flow *flow)
{
    const struct form_params *p = &c->traffic[source].form;
    struct flow_key key = flow->key;
    int64_t unit;

    flow->vlan = (uint16_t)p->vlan;
    flow->ipv6 = p->ipv6 != 0;
    flow->encap = (uint8_t)p->encap;
    flow->cast = (uint8_t)p->cast;
    flow->no_csum = !p->udp_csum;
    flow->outer = (uint8_t)(p->encap ? form_bytes(&(struct form_params){ .encap = p->encap }) : 0);
    bool cut = p->fragment && form_fragments(p, c->traffic[source].traffic.frame, &unit) > 1;
    flow->special = flow->vlan || flow->ipv6 || flow->encap || flow->cast || p->fragment;
    if (cut)
        key.proto = FLOW_OTHER_IP;
    if (p->encap)
        key = outer_key(c, p, inner_hash(r, key));
    flow->hash = p->ipv6 && !p->encap ? hash6(r, &key) : rss_hash(r, &key);
    if (p->ipv6 && !p->encap)
        key.proto = FLOW_OTHER_IP;      /* rules for IPv4 do not know it */
    return key;
}

/* ---- checks ---- */

static bool bad_address(const struct config *c, int64_t text)
{
    uint32_t a;

    return *c->text[text] && ipv4_parse(c->text[text], &a);
}

static const char *wrong_fragments(const struct form_params *p, const struct traffic_params *t)
{
    int64_t unit;

    if (traffic_closed_loop(t) || t->kind == TRAFFIC_REPLAY || t->proto != TRAFFIC_UDP)
        return "fragment: only datagrams go in fragments, of kind cbr, poisson or onoff";
    if (p->ipv6 || p->encap || p->cast)
        return "fragment: fragments of IPv6, of tunnels and of multicast are not modelled";
    if (t->frame < ETH_SHORTEST + form_bytes(p) + 8)
        return "fragment: traffic.frame has no room for 8 bytes of a datagram";
    return form_fragments(p, t->frame, &unit) > 255 ? "fragment: more than 255 fragments, traffic.frame is too short for it" : NULL;
}

const char *form_check(const struct config *c, int source, char *buffer, size_t size)
{
    const struct form_params *p = &c->traffic[source].form;
    const struct traffic_params *t = &c->traffic[source].traffic;
    const char *wrong = NULL;

    if (!p->vlan && !p->ipv6 && !p->encap && !p->cast && !p->fragment)
        return NULL;
    if (bad_address(c, p->outer_saddr) || bad_address(c, p->outer_daddr))
        wrong = "encap_saddr or encap_daddr is not an IPv4 address such as 192.168.0.1";
    else if (t->kind == TRAFFIC_REPLAY)
        wrong = "kind is replay: what its frames look like is in the capture";
    else if (c->nic[t->nic].nic.kind == NIC_KIND_VETH)
        wrong = "nic is a veth: a local sender's datagrams have no VLAN, tunnel, IPv6, cast or fragment of the wire's";
    else if (!p->fragment && t->frame < traffic_headers(c, source))
        wrong = "frame is shorter than its headers: a VLAN tag takes 4B, IPv6 20B more, vxlan 50B, gre 24B";
    else if (p->cast && (traffic_closed_loop(t) || t->proto == TRAFFIC_TCP))
        wrong = "cast: TCP is unicast";
    else if ((p->cast == CAST_MULTICAST) != (address(c, t->daddr, "10.0.0.2") >> 28 == 0xe))
        wrong = "cast: a multicast group is an address 224.0.0.0 to 239.255.255.255 in daddr, and no other is one";
    else if (p->cast && (p->encap || p->ipv6))
        wrong = "cast: multicast and broadcast are modelled for plain IPv4 only";
    else if (p->fragment)
        wrong = wrong_fragments(p, t);
    if (!wrong)
        return NULL;
    snprintf(buffer, size, "traffic[%s].%s", c->traffic_name[source], wrong);
    return buffer;
}
