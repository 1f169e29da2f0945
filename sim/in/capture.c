/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/in/capture.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>
#include <zlib.h>

#include "sim/engine/hash.h"

enum {
    FCS = 4,
    ETHERNET = 14,              /* header bytes */
    SHORTEST = 64,              /* frame with FCS */
    LONGEST = 9022,             /* as traffic.frame */
    NS_PER_SEC = 1000000000,
    LONGEST_SEC = 50 * 24 * 3600,       /* twice that fits 64 bits of picoseconds: two laps */
};

enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8 };

/* ---- gzip ----
 *
 * libpcap reads plain files only; zlib's reader passes plain files through. What zlib found wrong is kept
 * here, because libpcap sees only that the file ends. */

struct unpacker {
    gzFile gz;
    const char **wrong;         /* where the reader wants to hear of it */
};

static ssize_t unpack(void *cookie, char *buffer, size_t size)
{
    struct unpacker *u = cookie;
    int n = gzread(u->gz, buffer, size > 1 << 20 ? 1 << 20 : (unsigned)size);
    int error = Z_OK;

    gzerror(u->gz, &error);
    if (error == Z_BUF_ERROR)
        *u->wrong = "the gzip stream ends early";
    else if (error == Z_DATA_ERROR)
        *u->wrong = "the gzip data are damaged";
    else if (n < 0)
        *u->wrong = error == Z_ERRNO ? strerror(errno) : "it cannot be unpacked";
    return n;
}

static int unpack_close(void *cookie)
{
    struct unpacker *u = cookie;

    gzclose_r(u->gz);
    free(u);
    return 0;
}

/* Opens a plain or gzipped file; NULL with errno set. */
static FILE *open_unpacked(const char *path, const char **wrong)
{
    struct unpacker *u = malloc(sizeof *u);
    FILE *file = NULL;

    if (!u)
        return NULL;
    *u = (struct unpacker){ .gz = gzopen(path, "rbe"), .wrong = wrong };
    if (u->gz) {
        gzbuffer(u->gz, 1 << 17);
        file = fopencookie(u, "r", (cookie_io_functions_t){ .read = unpack, .close = unpack_close });
        if (!file)
            gzclose_r(u->gz);
    }
    if (!file)
        free(u);
    return file;
}

/* ---- flows: open addressing over the flow table ---- */

struct reader {
    struct arrivals *a;
    size_t arrival_room, flow_room;
    uint32_t *slot;             /* flow + 1, 0 = free; `slots` is a power of two, at most half full */
    size_t slots;
    struct capture_summary *summary;
    pcap_t *pcap;
    int link;
    int64_t last_sec, last_ns;
};

static uint64_t key_hash(const struct flow_key *k)
{
    uint64_t h = hash_mix((uint64_t)k->saddr << 32 | k->daddr);

    return hash_add(h, (uint64_t)k->sport << 32 | (uint64_t)k->dport << 16 | (uint64_t)k->proto << 8
                       | k->otherhost);
}

static bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return a->saddr == b->saddr && a->daddr == b->daddr && a->sport == b->sport && a->dport == b->dport
        && a->proto == b->proto && a->otherhost == b->otherhost;
}

static uint32_t *find_slot(const struct reader *r, const struct flow_key *key)
{
    size_t at = key_hash(key) & (r->slots - 1);

    while (r->slot[at] && !key_equal(&r->a->flow[r->slot[at] - 1], key))
        at = (at + 1) & (r->slots - 1);
    return &r->slot[at];
}

static int more_flows(struct reader *r)
{
    size_t room = r->flow_room ? 2 * r->flow_room : 64;
    struct flow_key *flow = realloc(r->a->flow, room * sizeof *flow);
    uint32_t *slot = calloc(2 * room, sizeof *slot);

    if (flow)
        r->a->flow = flow;
    if (!flow || !slot) {
        free(slot);
        return -1;
    }
    free(r->slot);
    r->slot = slot;
    r->slots = 2 * room;
    r->flow_room = room;
    for (size_t i = 0; i < r->a->flows; i++)
        *find_slot(r, &flow[i]) = (uint32_t)i + 1;
    return 0;
}

/* The flow's index, made if new; -1 when out of memory. */
static int64_t flow_of(struct reader *r, const struct flow_key *key)
{
    uint32_t *slot;

    if (r->a->flows == r->flow_room && more_flows(r))
        return -1;
    slot = find_slot(r, key);
    if (!*slot) {
        r->a->flow[r->a->flows] = *key;
        *slot = (uint32_t)++r->a->flows;
    }
    return *slot - 1;
}

/* ---- one record ---- */

/* What is left of a record: bytes captured and bytes there were. */
struct bytes {
    const uint8_t *at;
    int64_t kept, length;       /* kept <= length, both >= 0 */
};

static bool skip(struct bytes *b, int64_t n)
{
    if (b->kept < n)
        return false;
    b->at += n;
    b->kept -= n;
    b->length -= n;
    return true;
}

static uint32_t get16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }

/* Finds the time stamp option (kind 8, length 10) among `n` bytes of TCP options. */
static void parse_timestamps(const uint8_t *option, int64_t n, struct arrival *a)
{
    for (int64_t i = 0; i < n && option[i] != 0;) {
        if (option[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= n || option[i + 1] < 2)
            return;
        if (option[i] == 8 && option[i + 1] == 10 && i + 10 <= n) {
            a->tsval = get32(option + i + 2);
            a->tsecr = get32(option + i + 6);
            return;
        }
        i += option[i + 1];
    }
}

/* `b` begins at the TCP header and ends with the IP datagram. False if its header is cut. */
static bool parse_tcp(struct bytes b, struct flow_key *key, struct arrival *a)
{
    if (b.kept < 20)
        return false;
    int64_t header = (b.at[12] >> 4) * 4;

    key->proto = FLOW_TCP;
    key->sport = (uint16_t)get16(b.at);
    key->dport = (uint16_t)get16(b.at + 2);
    a->seq = get32(b.at + 4);
    a->ack = get32(b.at + 8);
    a->tcp_flags = b.at[13];
    a->window = (uint16_t)get16(b.at + 14);
    if (header < 20 || header > b.length) {
        a->bad |= FRAME_TRUNCATED;
        a->payload = 0;
        return true;
    }
    a->payload = (int32_t)(b.length - header);
    parse_timestamps(b.at + 20, (header < b.kept ? header : b.kept) - 20, a);
    return header <= b.kept;
}

static bool parse_udp(struct bytes b, struct flow_key *key, struct arrival *a)
{
    if (b.kept < 8)
        return false;
    int64_t length = get16(b.at + 4);

    key->proto = FLOW_UDP;
    key->sport = (uint16_t)get16(b.at);
    key->dport = (uint16_t)get16(b.at + 2);
    if (length < 8 || length > b.length) {
        a->bad |= FRAME_TRUNCATED;
        length = b.length;
    }
    a->payload = (int32_t)(length - 8);
    return true;
}

/* `b` begins at the IPv4 header. False if headers are cut. */
static bool parse_ipv4(struct bytes b, struct flow_key *key, struct arrival *a, struct capture_summary *s)
{
    if (b.kept < 20)
        return false;
    int64_t header = (b.at[0] & 15) * 4, total = get16(b.at + 2);
    uint32_t fragment = get16(b.at + 6);
    uint8_t proto = b.at[9];

    key->proto = FLOW_OTHER_IP;
    key->saddr = get32(b.at + 12);
    key->daddr = get32(b.at + 16);
    a->tos = b.at[1];
    a->ip_id = (uint16_t)get16(b.at + 4);
    a->ip_df = (fragment & 0x4000) != 0;
    a->ttl = b.at[8];
    if (total == 0)
        total = b.length;               /* taken above TSO: the length does not fit its field */
    if (b.at[0] >> 4 != 4 || header < 20 || total < header) {
        a->bad |= FRAME_BAD_IP_HDR;
        return true;
    }
    if (total > b.length)
        a->bad |= FRAME_TRUNCATED;
    else
        b.length = total;               /* the rest is padding */
    if (b.kept > b.length)
        b.kept = b.length;
    if (header > b.length)
        return true;
    if (!skip(&b, header))
        return false;
    a->payload = (int32_t)b.length;
    if (fragment & 0x3fff) {            /* more fragments, or an offset */
        a->bad |= FRAME_FRAGMENT;
        s->fragments++;
        return true;
    }
    if (proto == FLOW_TCP)
        return parse_tcp(b, key, a);
    return proto == FLOW_UDP ? parse_udp(b, key, a) : true;
}

/* Takes the link header off. Returns the EtherType, 0 if it is none, -1 if it is cut. */
static int parse_link(int link, struct bytes *b, struct flow_key *key)
{
    int type = -1;

    switch (link) {
    case DLT_EN10MB:
        if (b->kept < ETHERNET)
            return -1;
        type = (int)get16(b->at + 12);
        skip(b, ETHERNET);
        break;
    case DLT_LINUX_SLL:
        if (b->kept < 16)
            return -1;
        key->otherhost = get16(b->at) == 3;     /* PACKET_OTHERHOST */
        type = (int)get16(b->at + 14);
        skip(b, 16);
        break;
    case DLT_LINUX_SLL2:
        if (b->kept < 20)
            return -1;
        key->otherhost = b->at[10] == 3;
        type = (int)get16(b->at);
        skip(b, 20);
        break;
    default:                            /* raw IP: the version tells */
        if (b->kept < 1)
            return -1;
        return b->at[0] >> 4 == 4 ? TYPE_IPV4 : b->at[0] >> 4 == 6 ? TYPE_IPV6 : 0;
    }
    for (int tags = 0; tags < 2 && (type == TYPE_VLAN || type == TYPE_QINQ); tags++) {
        if (b->kept < 4)
            return -1;
        type = (int)get16(b->at + 2);
        skip(b, 4);
    }
    return type;
}

/* Bytes of the frame on an Ethernet wire, FCS included. */
static int32_t wire_length(int link, int64_t length)
{
    int64_t header = link == DLT_EN10MB ? ETHERNET : link == DLT_LINUX_SLL ? 16
                   : link == DLT_LINUX_SLL2 ? 20 : 0;
    int64_t wire = length - header + ETHERNET + FCS;

    return wire < SHORTEST ? SHORTEST : (int32_t)wire;
}

static void count(struct capture_summary *s, const struct flow_key *key, const struct arrival *a)
{
    s->packets++;
    s->bytes += (uint64_t)a->wire_bytes;
    s->oversize += a->wire_bytes > LONGEST;
    s->tcp += key->proto == FLOW_TCP;
    s->udp += key->proto == FLOW_UDP;
    s->other_ip += key->proto == FLOW_OTHER_IP;
    s->not_ip += key->proto == FLOW_NOT_IP;
}

static void parse(const struct reader *r, struct bytes b, struct flow_key *key, struct arrival *a)
{
    bool whole = true;
    int type;

    a->wire_bytes = wire_length(r->link, b.length);
    type = parse_link(r->link, &b, key);
    if (type == TYPE_IPV4)
        whole = parse_ipv4(b, key, a, r->summary);
    r->summary->ipv6 += type == TYPE_IPV6;
    r->summary->cut += type < 0 || !whole;
    count(r->summary, key, a);
}

/* ---- the file ---- */

static int more_arrivals(struct reader *r)
{
    size_t room = r->arrival_room ? r->arrival_room + r->arrival_room / 2 : 4096;
    struct arrival *larger;

    if (room > CAPTURE_LIMIT)
        room = CAPTURE_LIMIT;
    larger = realloc(r->a->arrival, room * sizeof *larger);
    if (!larger)
        return -1;
    r->a->arrival = larger;
    r->arrival_room = room;
    return 0;
}

/* The record's time after the first, never before its predecessor's; -1 if it is too far away. */
static ps_t time_of(struct reader *r, const struct pcap_pkthdr *h)
{
    struct capture_summary *s = r->summary;
    int64_t ns = h->ts.tv_usec;         /* nanoseconds: that precision was asked for */
    int64_t sec, since;

    if (ns < 0 || __builtin_add_overflow((int64_t)h->ts.tv_sec, ns / NS_PER_SEC, &sec))
        return -1;
    ns %= NS_PER_SEC;
    if (r->a->n == 0) {
        s->first_sec = r->last_sec = sec;
        s->first_ns = r->last_ns = ns;
    } else if (sec < r->last_sec || (sec == r->last_sec && ns < r->last_ns)) {
        s->backwards++;
    } else {
        r->last_sec = sec;
        r->last_ns = ns;
    }
    if (__builtin_sub_overflow(r->last_sec, s->first_sec, &since) || since > LONGEST_SEC)
        return -1;
    return since * SEC + (r->last_ns - s->first_ns) * NS;
}

/* Adds a record; NULL, or what is wrong with it. */
static const char *add(struct reader *r, const struct pcap_pkthdr *h, const uint8_t *data)
{
    struct flow_key key = { .proto = FLOW_NOT_IP };
    struct arrival a = { 0 };
    int64_t flow;

    if (r->a->n == CAPTURE_LIMIT)
        return "more than 50 million packets; cut it with editcap or tcpdump -c";
    /* a length that does not fit a frame's is a damaged record, not a packet */
    if (h->len > 1 << 24)
        return "a packet of more than 16 MB";
    a.at = time_of(r, h);
    if (a.at < 0)
        return "a time more than 50 days after the first packet's";
    if (r->a->n == r->arrival_room && more_arrivals(r))
        return "out of memory";

    int64_t kept = h->caplen < h->len ? h->caplen : h->len;

    parse(r, (struct bytes){ .at = data, .kept = kept, .length = h->len }, &key, &a);
    flow = flow_of(r, &key);
    if (flow < 0)
        return "out of memory";
    a.flow = (uint32_t)flow;
    r->a->arrival[r->a->n++] = a;
    return NULL;
}

static uint64_t contents_hash(const struct arrivals *a)
{
    uint64_t h = hash_mix(a->n);

    for (size_t i = 0; i < a->flows; i++)
        h = hash_add(h, key_hash(&a->flow[i]));
    for (size_t i = 0; i < a->n; i++) {
        const struct arrival *r = &a->arrival[i];

        h = hash_add(h, (uint64_t)r->at);
        h = hash_add(h, (uint64_t)r->flow << 32 | (uint32_t)r->wire_bytes);
        h = hash_add(h, (uint64_t)(uint32_t)r->payload << 32 | (uint64_t)r->bad << 16 | r->window);
        h = hash_add(h, (uint64_t)r->seq << 32 | r->ack);
        h = hash_add(h, (uint64_t)r->tsval << 32 | r->tsecr);
        h = hash_add(h, (uint64_t)r->ip_id << 32 | (uint64_t)r->tcp_flags << 24 | (uint64_t)r->ttl << 16
                        | (uint64_t)r->tos << 8 | r->ip_df);
    }
    return h;
}

static bool link_known(int link)
{
    return link == DLT_EN10MB || link == DLT_RAW || link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2
        || link == DLT_IPV4 || link == DLT_IPV6;
}

/* Reads all records. Returns 0, or -1 after adding a message. */
static int read_records(struct reader *r, const char *name, const char *const *unpack_wrong,
                        struct messages *m)
{
    const char *why = NULL;
    const uint8_t *data;
    struct pcap_pkthdr *h;
    int got = 0;

    while (!why && (got = pcap_next_ex(r->pcap, &h, &data)) == 1)
        why = add(r, h, data);
    if (why)
        messages_add(m, "%s: packet %zu: %s", name, r->a->n + 1, why);
    else if (got == PCAP_ERROR || *unpack_wrong)
        messages_add(m, "%s: cut off after packet %zu: %s", name, r->a->n,
                     *unpack_wrong ? *unpack_wrong : pcap_geterr(r->pcap));
    else if (r->a->n == 0)
        messages_add(m, "%s: holds no packets", name);
    else
        return 0;
    return -1;
}

static void finish(struct reader *r)
{
    struct capture_summary *s = r->summary;
    struct arrival *exact = realloc(r->a->arrival, r->a->n * sizeof *exact);

    if (exact)
        r->a->arrival = exact;
    r->a->hash = contents_hash(r->a);
    s->flows = r->a->flows;
    s->last_sec = r->last_sec;
    s->last_ns = r->last_ns;
    s->span = r->a->arrival[r->a->n - 1].at;
}

/* The reader's work between opening and closing. `file` is taken over. */
static int read_file(FILE *file, const char *name, const char *const *unpack_wrong, struct arrivals **out,
                     struct capture_summary *summary, struct messages *m)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct capture_summary unused;
    struct reader r = { .summary = summary ? summary : &unused };
    int result = -1;

    *out = NULL;
    *r.summary = (struct capture_summary){ 0 };
    r.pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!r.pcap) {
        if (*unpack_wrong)
            messages_add(m, "%s: %s", name, *unpack_wrong);
        else
            messages_add(m, "%s: not a capture (pcap or pcapng): %s", name, error);
        fclose(file);
        return -1;
    }
    r.link = pcap_datalink(r.pcap);
    r.summary->link = pcap_datalink_val_to_name(r.link);
    r.summary->snaplen = pcap_snapshot(r.pcap);
    r.a = calloc(1, sizeof *r.a);
    if (!r.a)
        messages_add(m, "%s: out of memory", name);
    else if (!link_known(r.link))
        messages_add(m, "%s: link type %d (%s); Ethernet, raw IP and Linux cooked can be read", name, r.link,
                     r.summary->link ? r.summary->link : "unknown");
    else
        result = read_records(&r, name, unpack_wrong, m);
    if (result == 0) {
        finish(&r);
        *out = r.a;
    } else {
        arrivals_free(r.a);
    }
    free(r.slot);
    pcap_close(r.pcap);                 /* closes the stream too */
    return result;
}

int capture_read_stream(FILE *file, const char *name, struct arrivals **out, struct capture_summary *summary,
                        struct messages *m)
{
    const char *nothing = NULL;

    return read_file(file, name, &nothing, out, summary, m);
}

int capture_read_summary(const char *path, struct arrivals **out, struct capture_summary *summary,
                         struct messages *m)
{
    const char *wrong = NULL;
    FILE *file;

    *out = NULL;
    errno = 0;
    file = open_unpacked(path, &wrong);
    if (!file) {
        messages_add(m, "%s: %s", path, strerror(errno ? errno : ENOMEM));
        return -1;
    }
    return read_file(file, path, &wrong, out, summary, m);
}

int capture_warnings(const struct capture_summary *s, const char *name, struct messages *warnings)
{
    int before = warnings->count;

    if (s->backwards)
        messages_add(warnings, "%s: %" PRIu64 " of %" PRIu64 " packets are earlier than the one before; "
                     "they are played with its time", name, s->backwards, s->packets);
    if (s->oversize)
        messages_add(warnings, "%s: %" PRIu64 " packets are longer than %d bytes: the capture was taken "
                     "above TSO, GSO or GRO and does not show the frames on the wire", name,
                     s->oversize, LONGEST);
    if (s->cut)
        messages_add(warnings, "%s: the headers of %" PRIu64 " packets are cut (snap length %d); "
                     "what was behind is taken as absent", name, s->cut, s->snaplen);
    if (s->ipv6)
        messages_add(warnings, "%s: %" PRIu64 " packets are IPv6, which is not modelled", name, s->ipv6);
    return warnings->count - before;
}
