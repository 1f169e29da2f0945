/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Captures: pcap and pcapng files, also gzipped, as arrivals for traffic of kind `replay`.
 *
 * Read: link types Ethernet (with up to two VLAN tags), raw IP and Linux cooked v1 and v2; times to the
 * nanosecond; IPv4 with TCP or UDP as far as the snap length kept it. Lengths are the original ones, so a
 * capture of headers is enough. A frame whose headers are cut is FLOW_OTHER_IP if its addresses are there,
 * else FLOW_NOT_IP; so are fragments (FLOW_OTHER_IP: only the first has ports, and NICs hash all of them on
 * addresses). A record before its predecessor gets its predecessor's time. Checksums are never judged.
 *
 * Ethernet frames get 4 bytes of FCS, raw IP also 14 of header; less than 64 becomes 64. All records become
 * arrivals; what is not for us is left out by `traffic.to`.
 *
 * Memory: 48 bytes a record and 24 to 64 a flow, half as much again while the tables grow; at most 50
 * million records (2.4 GB, 3.6 GB while reading, if they are few flows). */
#ifndef SIM_IN_CAPTURE_H
#define SIM_IN_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#include "models/traffic.h"
#include "sim/lab/messages.h"

enum { CAPTURE_LIMIT = 50000000 };

struct capture_summary {
    uint64_t packets;
    uint64_t bytes;             /* on the wire with FCS */
    uint64_t flows;
    uint64_t tcp, udp, other_ip, not_ip;        /* packets, as their flow is called; they sum to `packets` */
    uint64_t ipv6;              /* of not_ip */
    uint64_t fragments;         /* of other_ip */
    uint64_t cut;               /* headers of TCP, UDP or IPv4 not all in the record */
    uint64_t oversize;          /* longer than traffic.frame may be: taken above TSO, GSO or GRO */
    uint64_t backwards;         /* records earlier than their predecessor */
    int64_t first_sec, last_sec;        /* time of the first and the latest record: seconds since 1970 .. */
    int64_t first_ns, last_ns;          /* .. and nanoseconds */
    ps_t span;
    const char *link;           /* "EN10MB" .., as libpcap calls it */
    int snaplen;
};

/* Reads a capture. Returns 0 and the arrivals (the caller's: arrivals_free), or -1 after adding one message
 * and with *out = NULL: the file cannot be read, is not a capture, is cut off, has an unknown link type,
 * holds no packets or too many, or spans more than 50 days. `summary` may be NULL; it is filled as far as
 * reading went. */
int capture_read_summary(const char *path, struct arrivals **out, struct capture_summary *summary,
                         struct messages *m);

/* The same from an open stream, which is closed in any case; `name` stands for the file in messages. */
int capture_read_stream(FILE *file, const char *name, struct arrivals **out, struct capture_summary *summary,
                        struct messages *m);

static inline int capture_read(const char *path, struct arrivals **out, struct messages *m)
{
    return capture_read_summary(path, out, NULL, m);
}

/* What is strange about a capture that was read: adds one sentence each to `warnings`, which is not an
 * error list. Returns how many. */
int capture_warnings(const struct capture_summary *s, const char *name, struct messages *warnings);

#endif
