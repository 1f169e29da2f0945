/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ledger's vocabulary: every offered frame ends in exactly one of these, or is in flight at the end.
 *
 * Names of drops are the kernel's SKB_DROP_REASON_* without the prefix where the kernel drops, and the ethtool
 * counter where hardware or driver drops. */
#ifndef MODELS_DROP_H
#define MODELS_DROP_H

#include <stdint.h>

enum fate {
    FATE_IN_FLIGHT,             /* not yet ended */
    FATE_DELIVERED,             /* its last byte was copied to the reader */
    /* consumed by design */
    FATE_TCP_PURE_ACK,          /* carried no data; its acknowledgment was taken */
    FATE_TCP_CONTROL,           /* SYN, FIN or RST without data */
    FATE_FORWARDED,             /* sent on to another host */
    FATE_XDP_DROP,              /* an XDP program's verdict */
    /* dropped by hardware or driver: ethtool's name */
    FATE_RX_CRC_ERRORS,
    FATE_RX_LENGTH_ERRORS,
    FATE_RX_MISSED_ERRORS,      /* NIC FIFO full */
    FATE_RX_NO_DESC,            /* no descriptor posted; the NIC's file says under which name it counts */
    /* dropped by the kernel */
    FATE_CPU_BACKLOG,
    FATE_OTHERHOST,
    FATE_UNHANDLED_PROTO,
    FATE_IP_INHDR,
    FATE_IP_CSUM,
    FATE_PKT_TOO_SMALL,
    FATE_IP_INADDRERRORS,
    FATE_NETFILTER_DROP,
    FATE_NO_SOCKET,
    FATE_UDP_CSUM,
    FATE_TCP_CSUM,
    FATE_SOCKET_RCVBUFF,
    FATE_SOCKET_BACKLOG,
    FATE_PROTO_MEM,
    FATE_TCP_ZEROWINDOW,
    FATE_TCP_OVERWINDOW,
    FATE_TCP_INVALID_SEQUENCE,
    FATE_TCP_RFC7323_PAWS,
    FATE_TCP_OLD_DATA,
    FATE_TCP_OFO_QUEUE_PRUNE,
    FATE_TCP_CLOSE,
    FATE_QDISC_DROP,            /* on the way out */
    FATE_VETH_RING,
    FATE_TC_INGRESS,
    FATE_IP_INNOROUTES,
    FATE_IP_RPFILTER,
    FATE_IP_INVALID_SOURCE,
    FATE_IP_LOCAL_SOURCE,
    FATE_IP_LOCALNET,
    FATE_XDP_ABORTED,
    FATE_XDP_TX_FULL,
    FATE_CPUMAP_FULL,
    FATE_XSK_FULL,
    FATE_XDP_TX,                /* consumed; last, so that the others keep their numbers */
    FATE_RX_NO_CARRIER,         /* hardware: on the wire while the link was down */
    FATE_MAC_FILTERED,          /* consumed: for another MAC address */
    FATE_REQ_QUEUE_FULL,        /* a SYN: the kernel consumes it and gives no reason, so the name is the counter's */
    FATE_LISTEN_OVERFLOW,       /* a SYN likewise; an ACK's reason is NOT_SPECIFIED before 6.15 */
    FATE_FRAG_REASM_TIMEOUT,
    FATE_FRAG_MEM,              /* ip_defrag: the kernel gives no reason */
    FATE_DUP_FRAG,
    FATE_GRO_CELLS,             /* gro_cells_receive: the kernel gives no reason */
    FATE_MULTICAST,             /* a group that nobody here has joined: the kernel gives no reason */
    FATE_MULTICAST_PORT,        /* one that somebody has joined, on another port: likewise */
    FATES
};

enum fate_kind { FATE_KIND_IN_FLIGHT, FATE_KIND_DELIVERED, FATE_KIND_CONSUMED, FATE_KIND_DROPPED };

struct fate_info {
    const char *name;           /* as the ledger prints it */
    enum fate_kind kind;
    const char *stage;          /* file of models/ in which it happens */
    const char *doc;            /* what happened, one sentence without full stop */
    const char *moves;          /* the counters an admin sees move, as tool: name */
    const char *still;          /* counters one might look at that do not move */
};

extern const struct fate_info fate_info[FATES];

#endif
