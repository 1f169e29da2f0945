/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form of a source's frames: what is around the five-tuple of its flows.
 *
 * In    form_of_flow()     a flow is made: its tag, IP version, outer headers, fragments
 *       form_bytes()       how many bytes that adds to each frame
 * Out   -                  lengths and hashes; the boxes it concerns look at the flow
 *
 * traffic.frame is the frame on the wire with all of it, so payload gets less: a VLAN tag takes 4 bytes, IPv6 20 more
 * than IPv4, VXLAN 50 (IPv4, UDP, VXLAN, the inner Ethernet header), GRE without key or checksum 24 (IPv4, GRE).
 * RSS sees the outermost header only. VXLAN's outer source port is constant, or with traffic.encap_entropy made from
 * the inner flow's hash as udp_flow_src_port() makes it, so that queues may differ - if the NIC hashes UDP ports at
 * all (nic.rss.hash_udp_ports). GRE has no port: one pair of hosts is one queue. Fragments have no ports either.
 * An address a.b.c.d of an IPv6 source stands for 2001:db8::a.b.c.d.
 * Not modelled: VLAN in VLAN, options and keys of tunnels, an outer IPv6, IPv6 fragments, extension headers. */
#ifndef MODELS_FORM_H
#define MODELS_FORM_H

#include "models/config.h"
#include "models/flow.h"
#include "models/rss.h"

/* Bytes of headers; the port of VXLAN (IANA). */
enum { VXLAN_HLEN = 8, GRE_HLEN = 4, VXLAN_PORT = 4789 };

struct form_params {
    int64_t vlan;               /* tag id; 0: untagged */
    int64_t ipv6;
    int64_t encap;              /* enum flow_encap */
    int64_t outer_saddr, outer_daddr;   /* UNIT_TEXT */
    int64_t entropy;
    int64_t fragment;           /* bytes of a datagram's payload that goes in fragments; 0: whole datagrams */
    int64_t cast;               /* enum flow_cast */
    int64_t udp_csum;
};
extern const struct model_info form_model;

/* What the form adds to a frame of plain IPv4. */
int32_t form_bytes(const struct form_params *p);
/* Fills in the flow's form and its hash by the outermost header. Returns what the NIC sees of the flow there. */
struct flow_key form_of_flow(const struct config *c, int source, const struct rss *r, struct flow *flow);
/* In how many fragments a datagram goes, and the IP payload of each but the last. */
int64_t form_fragments(const struct form_params *p, int64_t frame, int64_t *unit);
/* What is wrong with a source's form, or NULL. */
const char *form_check(const struct config *c, int source, char *buffer, size_t size);

#endif
