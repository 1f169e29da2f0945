/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flows: the five-tuples of the offered traffic, known before the first frame, so that a frame carries an index
 * instead of addresses and the hash is computed once. */
#ifndef MODELS_FLOW_H
#define MODELS_FLOW_H

#include <stdint.h>

enum { FLOW_TCP = 6, FLOW_UDP = 17, FLOW_OTHER_IP = 255, FLOW_NOT_IP = 0 };

struct flow_key {
    uint32_t saddr, daddr;      /* IPv4, host byte order: 10.0.0.1 = 0x0a000001 */
    uint16_t sport, dport;
    uint8_t proto;              /* FLOW_*: FLOW_OTHER_IP stands for every other protocol over IPv4 */
    uint8_t otherhost;          /* the destination MAC address is not ours */
};

/* What its frames have around that: models/form. */
enum flow_encap { ENCAP_NONE, ENCAP_VXLAN, ENCAP_GRE };
enum flow_cast { CAST_UNICAST, CAST_MULTICAST, CAST_BROADCAST };
enum flow_udp_gro { UDP_GRO_NONE, UDP_GRO_SEGMENT, UDP_GRO_LIST };

struct frag_queue;
struct ledger;
struct skb;
struct sock;
struct tcp_sender;
struct requester;
struct request;

struct flow {
    struct flow_key key;
    uint32_t hash;              /* Toeplitz with the NIC's key; 0 if the NIC computed none */
    int16_t nic, queue;         /* where its frames arrive */
    int16_t source;             /* traffic source */
    uint16_t wire_dport;        /* its destination port before DNAT */
    uint8_t xdp_match;          /* its NIC's XDP program acts on it */
    uint8_t filtered;           /* its frames end at the NIC's address filter */
    uint8_t local;              /* routing: its destination is this host */
    uint8_t martian;            /* enum fate: an address that must not be seen on a wire; 0: none (models/ip) */
    uint8_t astray;             /* the way back to its source is not the way it came: rp_filter refuses it */
    uint8_t unrouted;           /* nic.routes are known, and none leads to its destination */
    int8_t route;               /* NIC that it leaves by where it is forwarded; -1: it ends here */
    uint8_t plain;              /* its whole datagrams take the short way through the stack (models/netif) */
    uint8_t special;            /* has one of the following: its frames take no short way */
    uint8_t ipv6, encap, cast;
    uint8_t outer;              /* bytes of the tunnel's headers, from IP to IP */
    uint8_t no_csum;            /* its datagrams have checksum 0 */
    uint8_t udp_gro;            /* enum flow_udp_gro: what GRO does with its datagrams */
    uint8_t joined;             /* somebody here has joined its multicast group */
    uint8_t vlan_known;         /* there is a VLAN device for its tag */
    uint16_t vlan;
    struct ledger *books;       /* of its queue */
    struct frag_queue *partial; /* its datagrams of which fragments are missing, oldest first (models/defrag) */
    struct sock *sk;            /* established socket, or NULL */
    struct request *request;    /* of a client that connects (models/listen), or NULL */
    struct tcp_sender *sender;  /* closed loop, or NULL: where its ACKs go */
    struct requester *requester;    /* kind rr, or NULL: where its answers go */
    uint64_t offered;
    uint64_t ended[4];          /* by enum fate_kind */
};

#endif
