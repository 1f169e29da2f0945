/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/traffic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"

__extension__ typedef unsigned __int128 u128;

enum {
    WIRE_OVERHEAD = 8 + 12,             /* preamble with start delimiter, and the gap between frames */
    LONGEST = 9022,                     /* MTU 9000, header, FCS and one VLAN tag */
    RUNT_SHORTEST = 32,                 /* ours: what a collision or a cut leaves; 32..63 */
    MILLION = 1000000,
};

static const char DEFAULT_SADDR[] = "10.0.0.1", DEFAULT_DADDR[] = "10.0.0.2";

/* Nothing starts later than this (53 days): additions below cannot overflow. */
static const ps_t LATEST = PS_NEVER / 2;

static const char *const kind_names[] = { "cbr", "poisson", "onoff", "replay", "sender", "connect", "rr", NULL };
static const char *const think_names[] = { "constant", "exponential", NULL };
static const char *const proto_names[] = { "udp", "tcp", NULL };

#define P(member, key, ...)         PARAM(struct traffic_params, member, "traffic." key, __VA_ARGS__)
#define P_TEXT(member, key, ...)    PARAM_TEXT(struct traffic_params, member, "traffic." key, __VA_ARGS__)
#define P_CHOICE(member, key, ...)  PARAM_CHOICE(struct traffic_params, member, "traffic." key, __VA_ARGS__)

static const struct param rows[] = {
    P_CHOICE(kind, "kind", TRAFFIC_CBR, kind_names,
             "how starts are spaced: evenly, exponentially, in trains, as captured, by a TCP window, by connections that come and go, or by answers",
             "ours: the simplest source"),
    P(rate, "rate", UNIT_LOAD, LOAD_OF(LOAD_MILLIPPS, 1000 * (int64_t)MILLION), 1, INT64_MAX,
      "offered load, inside a train for onoff; above line rate the wire queues; not for replay and sender",
      "ours: a round 1 Mpps; the check allows 0.001pps..1Gpps, 1kbps..1.6Tbps, 0.0001%..1000%"),
    P(interval, "interval", UNIT_TIME, 0, 0, 100000 * SEC,
      "distance of two starts, instead of rate and exact where a rate is not; 0: by rate; sender: least distance",
      "ours"),
    P(frame, "frame", UNIT_BYTES, ETH_SHORTEST, ETH_SHORTEST, LONGEST,
      "frame from destination address to FCS; tcp needs 71 for a byte of payload; sender: its largest",
      "IEEE 802.3: 64 is the shortest; 9022 is MTU 9000 with header, VLAN tag and FCS"),
    P_CHOICE(proto, "proto", TRAFFIC_UDP, proto_names,
             "what cbr, poisson, onoff and rr send; a sender is always tcp", "ours"),
    P(flows, "flows", UNIT_COUNT, 1, 1, 1 << 24,
      "flows that take turns: source ports from traffic.sport upwards, then the next source address",
      "ours: one flow is the worst case for steering; each takes some 150 bytes of memory"),
    P(sports, "sports", UNIT_COUNT, 0, 0, 65535,
      "source ports of one address before the next address goes on; 0: all from traffic.sport up", "ours"),
    P_TEXT(saddr, "saddr", "source address as a dotted quad; empty means 10.0.0.1", "ours: RFC 1918"),
    P_TEXT(daddr, "daddr", "destination address as a dotted quad; empty means 10.0.0.2", "ours: RFC 1918"),
    PARAM_SWITCH(struct traffic_params, otherhost, "traffic.otherhost", 0,
                 "the destination MAC address is another host's, as of frames that a switch floods; replay: as captured",
                 "ours: frames are for this host"),
    P(sport, "sport", UNIT_COUNT, 9000, 1, 65535, "source port of the first flow", "ours"),
    P(dport, "dport", UNIT_COUNT, 9, 1, 65535, "destination port",
      "RFC 863, the discard port, as Linux pktgen sends to"),
    P(start, "start", UNIT_TIME, 0, 0, 100000 * SEC, "first start after the beginning of the run", "ours"),
    P(stop, "stop", UNIT_TIME, 0, 0, 100000 * SEC,
      "no frame starts at or after this time of the run; 0 means never", "ours"),
    P(frames, "frames", UNIT_COUNT, 0, 0, INT64_MAX,
      "at most so many frames (connect: connections, rr: requests); 0 means no limit; not for sender", "ours"),
    P(burst, "burst", UNIT_TIME, 1 * MS, 1, 1000 * SEC,
      "onoff: length of a train; every frame due before its end belongs to it", "ours"),
    P(period, "period", UNIT_TIME, 10 * MS, 0, 1000 * SEC,
      "onoff: distance of two beginnings of trains; 0 means a single train", "ours"),
    P(nic, "nic", UNIT_COUNT, 0, 0, CONFIG_INSTANCES - 1, "number of the NIC it arrives at, from 0", "ours"),
    P_TEXT(file, "file", "replay: the capture, pcap or pcapng, also gzipped", "ours: none"),
    P(speedup, "speedup", UNIT_COUNT, 100, 1, MILLION,
      "replay: percent of the captured speed; 100 plays original times, 5000 is fifty times faster",
      "ours: as it was"),
    P(loop, "loop", UNIT_COUNT, 1, 0, MILLION,
      "replay: how often the capture is played; 0 means until stop; TCP repeats its sequence numbers",
      "ours"),
    P_TEXT(to, "to", "replay: only frames to this address, a dotted quad; empty means all",
           "ours: a capture taken on a host holds both directions"),
    P(fcs_errors, "fcs_errors", UNIT_COUNT, 0, 0, MILLION, "frames damaged on the wire, per million",
      "ours: IEEE 802.3 asks for a bit error rate below 1e-12, which is none in most runs"),
    P(runts, "runts", UNIT_COUNT, 0, 0, MILLION, "frames cut to 32..63 bytes, per million",
      "ours: a full-duplex link makes none unless a device is broken"),
    PARAM_SWITCH(struct traffic_params, offset, "traffic.offset", 1,
                 "draw the first start within one mean gap (sender, rr: rtt and think, each flow its own), anew in "
                 "each replication",
                 "ours: without it all replications have the same phase and their confidence is false"),
    PARAM_SWITCH(struct traffic_params, timestamps, "traffic.timestamps", 1,
                 "TCP segments carry the timestamp option; not for replay", "net.ipv4.tcp_timestamps: on by default"),
    P(window, "window", UNIT_BYTES, 262144, 1, 1 << 30,
      "sender: bytes in flight at most, whatever the receiver's window", "assumption: 256 KiB"),
    P(rtt, "rtt", UNIT_TIME, 100 * US, 1 * US, 100 * SEC,
      "sender, connect, rr: delay of the path, both directions together, without our host",
      "assumption: 100 us, two racks of one data centre; at least 1 us so that the wire can look ahead"),
    P(bytes, "bytes", UNIT_BYTES, 0, 0, (int64_t)1 << 50, "sender: bytes to send per flow, 0 means endless; connect: of a request, in one segment",
      "ours"),
    P(think, "think", UNIT_TIME, 0, 0, 100 * SEC, "rr: the client's time from an answer to its next request",
      "ours: none, as netperf's UDP_RR"),
    P_CHOICE(think_kind, "think_kind", TRAFFIC_THINK_CONSTANT, think_names,
             "rr: how these times are distributed; with many flows exponential ones make random arrivals", "ours"),
    P(timeout, "timeout", UNIT_TIME, 200 * MS, 1 * US, 100 * SEC, "rr: an unanswered request is sent again after so long",
      "TCP's shortest retransmission timer, include/net/tcp.h TCP_RTO_MIN"),
    PARAM_SWITCH(struct traffic_params, ack, "traffic.ack", 0,
                 "rr on tcp: the client acknowledges each answer at once, not with its next request",
                 "delayed ACKs go with the next request where it comes within 40 ms"),
};
ALL_FIELDS_HAVE_ROWS(struct traffic_params, rows);

const struct model_info traffic_model = {
    .name = "traffic",
    .step = "-",
    .what = "who sends what, when: even, random, bursty, captured, or a TCP window",
    .scope = SCOPE_TRAFFIC,
    .params_at = offsetof(struct traffic_config, traffic),
    .params = rows,
    .n_params = ROWS(rows),
};

/* ---- checks ---- */

void arrivals_free(struct arrivals *a)
{
    if (!a)
        return;
    free(a->arrival);
    free(a->flow);
    free(a);
}

int ipv4_parse(const char *text, uint32_t *address)
{
    uint32_t all = 0;

    for (int part = 0; part < 4; part++) {
        uint32_t value = 0;
        int digits = 0;

        for (; *text >= '0' && *text <= '9' && digits < 4; digits++)
            value = value * 10 + (uint32_t)(*text++ - '0');
        if (digits == 0 || digits > 3 || value > 255 || *text != (part < 3 ? '.' : '\0'))
            return -1;
        text++;
        all = all << 8 | value;
    }
    *address = all;
    return 0;
}

static const struct traffic_params *params_of(const struct config *c, int source)
{
    return &c->traffic[source].traffic;
}

/* The text parameter, or what an empty one stands for. */
static const char *text_of(const struct config *c, int64_t text, const char *empty)
{
    return text > 0 && text < c->texts && c->text[text][0] ? c->text[text] : empty;
}

static uint32_t address_of(const struct config *c, int64_t text, const char *empty)
{
    uint32_t address = 0;

    ipv4_parse(text_of(c, text, empty), &address);
    return address;
}

/* Its starts are spaced by a rate, not by what comes back. */
static bool has_rate(const struct traffic_params *p)
{
    return p->kind != TRAFFIC_SENDER && p->kind != TRAFFIC_RR;
}

static bool is_tcp(const struct traffic_params *p)
{
    return p->kind == TRAFFIC_SENDER || p->kind == TRAFFIC_CONNECT || (p->kind != TRAFFIC_REPLAY && p->proto == TRAFFIC_TCP);
}

int32_t traffic_headers(const struct config *c, int source)
{
    const struct traffic_params *p = params_of(c, source);
    int32_t transport = is_tcp(p) ? TCP_HLEN + (p->timestamps ? TCP_TS : 0) : UDP_HLEN;

    return ETH_HLEN + IP_HLEN + transport + form_bytes(&c->traffic[source].form) + ETH_FCS;
}

static const char *check_rate(const struct traffic_params *p)
{
    int64_t value = load_value(p->rate);

    switch (load_kind(p->rate)) {
    case LOAD_MILLIPPS:
        return value >= 1 && value <= 1000000000000 ? NULL : "rate is outside 0.001pps..1Gpps";
    case LOAD_BPS:
        return value >= 1000 && value <= 1600000000000 ? NULL : "rate is outside 1kbps..1.6Tbps";
    case LOAD_PPM:
        return value >= 1 && value <= 10 * MILLION ? NULL : "rate is outside 0.0001%..1000% of the link";
    }
    return "rate is neither packets, bits nor a share of the link";
}

/* How many source ports an address of a source has. */
static uint32_t ports_of(const struct traffic_params *p)
{
    return (uint32_t)(p->sports > 0 ? p->sports : 65536 - p->sport);
}

static const char *check_addresses(const struct config *c, const struct traffic_params *p)
{
    uint32_t address;

    if (ipv4_parse(text_of(c, p->saddr, DEFAULT_SADDR), &address))
        return "saddr is not an IPv4 address such as 10.0.0.1";
    if (ipv4_parse(text_of(c, p->daddr, DEFAULT_DADDR), &address))
        return "daddr is not an IPv4 address such as 10.0.0.2";
    if (ipv4_parse(text_of(c, p->to, DEFAULT_DADDR), &address))
        return "to is not an IPv4 address such as 10.0.0.2";
    if (p->kind == TRAFFIC_REPLAY)
        return NULL;
    if (p->sport + p->sports > 65536)
        return "sport and sports need source ports above 65535";
    if (UINT32_MAX - address_of(c, p->saddr, DEFAULT_SADDR) < (uint32_t)(p->flows - 1) / ports_of(p))
        return "flows need source addresses above 255.255.255.255";
    return NULL;
}

static const char *check_kind(const struct config *c, const struct traffic_params *p, int source)
{
    switch ((enum traffic_kind)p->kind) {
    case TRAFFIC_REPLAY:
        return c->arrivals[source] || text_of(c, p->file, "")[0] ? NULL
               : "kind replay needs file, a capture";
    case TRAFFIC_ONOFF:
        return p->period && p->period < p->burst ? "period is shorter than burst" : NULL;
    case TRAFFIC_SENDER:
        return p->window < p->frame - traffic_headers(c, source) ? "window is smaller than one frame's payload" : NULL;
    case TRAFFIC_RR:
        if (p->proto == TRAFFIC_UDP && p->ack)
            return "ack is for tcp: datagrams are not acknowledged";
        break;
    case TRAFFIC_CONNECT:
        return p->bytes > 0 && p->bytes > p->frame - traffic_headers(c, source) ? "bytes is a request of more than one segment: at most what "
                                                          "traffic.frame holds" : NULL;
    case TRAFFIC_CBR:
    case TRAFFIC_POISSON:
        break;
    }
    return NULL;
}

const char *traffic_check(const struct config *c, int source, char *buffer, size_t size)
{
    const struct traffic_params *p = params_of(c, source);
    const char *name = c->traffic_name[source];
    bool shaped = p->kind != TRAFFIC_REPLAY && has_rate(p);
    const char *wrong = shaped ? check_rate(p) : NULL;

    if (!wrong)
        wrong = check_addresses(c, p);
    if (!wrong && is_tcp(p) && p->kind != TRAFFIC_CONNECT && p->frame <= traffic_headers(c, source))
        wrong = p->timestamps ? "frame has no room for payload: TCP with timestamps needs at least 71B"
                              : "frame is too short";
    if (!wrong)
        wrong = check_kind(c, p, source);
    if (!wrong && p->stop && p->stop <= p->start)
        wrong = "stop is not after start";
    if (!wrong && p->nic >= c->nics)
        wrong = "nic is not the number of a NIC of this machine (they count from 0)";
    if (!wrong)
        return form_check(c, source, buffer, size);
    snprintf(buffer, size, name[0] ? "traffic[%s].%s" : "traffic%s.%s", name, wrong);
    return buffer;
}

/* ---- flows ---- */

uint32_t traffic_flows(const struct config *c, int source)
{
    const struct traffic_params *p = params_of(c, source);

    if (p->kind == TRAFFIC_REPLAY)
        return c->arrivals[source] ? (uint32_t)c->arrivals[source]->flows : 0;
    return (uint32_t)p->flows;
}

void traffic_flow_keys(const struct config *c, int source, struct flow_key *keys)
{
    const struct traffic_params *p = params_of(c, source);
    uint32_t n = traffic_flows(c, source);

    if (p->kind == TRAFFIC_REPLAY) {
        if (n)
            memcpy(keys, c->arrivals[source]->flow, n * sizeof *keys);
        return;
    }
    uint32_t saddr = address_of(c, p->saddr, DEFAULT_SADDR), daddr = address_of(c, p->daddr, DEFAULT_DADDR);
    uint32_t ports = ports_of(p);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (struct flow_key){
            .saddr = saddr + i / ports, .daddr = daddr, .sport = (uint16_t)(p->sport + i % ports),
            .dport = (uint16_t)p->dport, .proto = is_tcp(p) ? FLOW_TCP : FLOW_UDP,
            .otherhost = (uint8_t)p->otherhost,
        };
}

/* ---- even gaps, exactly ---- */

static u128 greatest_divisor(u128 a, u128 b)
{
    while (b) {
        u128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The gap as a fraction of picoseconds. The denominator stays below 2^63: at most 1.6e12 bit/s, or 1e7
 * millionths of a link of 8e11 bit/s. */
static void gap_fraction(const struct traffic_params *p, int64_t link_bps, u128 *over, uint64_t *under)
{
    u128 bits = (u128)(uint64_t)(p->frame + WIRE_OVERHEAD) * 8;
    uint64_t value = (uint64_t)load_value(p->rate);
    u128 divisor;

    if (p->interval > 0) {
        *over = (u128)(uint64_t)p->interval;
        *under = 1;
        return;
    }
    switch (load_kind(p->rate)) {
    case LOAD_MILLIPPS:
        *over = (u128)(uint64_t)SEC * 1000;
        *under = value;
        break;
    case LOAD_BPS:
        *over = bits * (uint64_t)SEC;
        *under = value;
        break;
    case LOAD_PPM:
        *over = bits * (uint64_t)SEC * MILLION;
        *under = value * (uint64_t)link_bps;
        break;
    }
    assert(*under > 0 && *under < (uint64_t)1 << 63);
    divisor = greatest_divisor(*over, *under);
    *over /= divisor;
    *under /= (uint64_t)divisor;
}

static void shape_init(struct traffic *t, int64_t link_bps)
{
    u128 over = 0;
    uint64_t under = 1;

    gap_fraction(&t->params, link_bps, &over, &under);
    t->gap = (ps_t)(over / under);
    t->gap_rest = (uint64_t)(over % under);
    t->gap_unit = under;

    /* The table takes means up to 2^43 ps: longer ones are drawn in units of 1024 ps, and short ones (below
     * 8.6 ms) in 1/1024 ps, so that rounding does not shift a high rate. */
    t->fine = t->gap < (ps_t)1 << 33 ? 10 : t->gap < (ps_t)1 << 43 ? 0 : -10;
    t->mean = (ps_t)(t->fine < 0 ? over / under >> -t->fine : (over << t->fine) / under);

    if (t->params.kind == TRAFFIC_ONOFF) {
        /* the first k with k * gap >= burst */
        u128 burst = (u128)(uint64_t)t->params.burst * under;

        t->train_frames = (int64_t)((burst + over - 1) / over);
        t->train_left = t->train_frames;
    }
}

/* ---- gaps of the other kinds ---- */

static ps_t train_next(struct traffic *t)
{
    if (--t->train_left > 0)
        return t->next_at + traffic_even_gap(t);
    if (!t->params.period)
        return PS_NEVER;
    t->train_left = t->train_frames;
    t->train_at += t->params.period;
    t->carry = 0;
    return t->train_at;
}

/* Captured time to played time, rounded down; LATEST for what lies beyond. */
static ps_t replay_scale(const struct traffic *t, ps_t at)
{
    int64_t percent = t->params.speedup;

    if (at / percent > LATEST / 200)
        return LATEST;
    return at / percent * 100 + at % percent * 100 / percent;
}

static bool replay_wanted(const struct traffic *t, const struct arrival *a)
{
    return !t->to || t->arrivals->flow[a->flow].daddr == t->to;
}

/* Moves the cursor to the next wanted record, at or after where it stands; its start time or PS_NEVER. */
static ps_t replay_seek(struct traffic *t)
{
    const struct arrivals *a = t->arrivals;

    for (;; t->cursor++) {
        if (t->cursor == a->n) {
            t->lap++;
            if ((t->params.loop && t->lap >= (uint64_t)t->params.loop) || t->lap_ps > LATEST - t->lap_at)
                return PS_NEVER;
            t->lap_at += t->lap_ps;
            t->cursor = 0;
        }
        if (replay_wanted(t, &a->arrival[t->cursor]))
            break;
    }
    return t->origin + replay_scale(t, t->lap_at + a->arrival[t->cursor].at);
}

static void replay_init(struct traffic *t, const struct config *c)
{
    const struct arrivals *a = c->arrivals[t->source];
    size_t wanted = 0;

    t->arrivals = a;
    t->to = text_of(c, t->params.to, "")[0] ? address_of(c, t->params.to, "") : 0;
    for (size_t i = 0; a && i < a->n; i++)
        wanted += replay_wanted(t, &a->arrival[i]);
    if (!wanted) {
        t->limit = 0;
        return;
    }
    ps_t span = a->arrival[a->n - 1].at;

    /* The lap ends one mean gap after its last record; a capture of a single instant is repeated each second.
     */
    t->lap_ps = span ? span + span / (ps_t)(a->n - 1) : SEC;
    t->gap = replay_scale(t, t->lap_ps / (ps_t)wanted);
}

/* ---- the source ---- */

static void stream_named(struct stream *s, uint64_t seed, uint64_t replication, int source, const char *what)
{
    char name[48];

    snprintf(name, sizeof name, "traffic%d.%s", source, what);
    stream_seed(s, seed, replication, name);
}

static struct frame blank(const struct traffic *t)
{
    struct frame f = {
        .flow = t->first_flow, .wire_bytes = (int32_t)t->params.frame, .payload = t->payload, .ttl = 64,
        .ip_df = 1,                     /* Linux sends so by default: ip_no_pmtu_disc is 0 */
    };

    frame_unborn(&f);
    return f;
}

static void fragments_init(struct traffic *t, const struct config *c)
{
    const struct form_params *p = &c->traffic[t->source].form;

    t->datagram = p->fragment;
    if (p->fragment == 0)
        return;
    t->fragments = form_fragments(p, t->params.frame, &t->fragment_bytes);
    t->fragment_headers = ETH_HLEN + IP_HLEN + form_bytes(p) + ETH_FCS;
}

void traffic_init(struct traffic *t, const struct config *c, int source, uint32_t first_flow,
                  int64_t link_bps, const struct variate *exponential, uint64_t seed, uint64_t replication)
{
    const struct traffic_params *p = params_of(c, source);
    struct stream offset;

    *t = (struct traffic){ .params = *p, .source = source, .first_flow = first_flow };
    t->flows = traffic_flows(c, source);
    t->exponential = exponential;
    t->payload = (int32_t)p->frame - traffic_headers(c, source);
    fragments_init(t, c);
    t->blank = blank(t);
    t->quick = (p->kind == TRAFFIC_CBR || p->kind == TRAFFIC_POISSON) && p->proto == TRAFFIC_UDP &&
               !(p->fcs_errors | p->runts) && t->fragments == 0;
    t->limit = p->frames && (p->kind == TRAFFIC_RR || !traffic_closed_loop(p)) ? (uint64_t)p->frames : UINT64_MAX;
    t->end = p->stop ? p->stop : LATEST;
    stream_named(&t->gaps, seed, replication, source, "gaps");
    stream_named(&t->damage, seed, replication, source, "damage");
    stream_named(&offset, seed, replication, source, "offset");

    if (p->kind == TRAFFIC_REPLAY)
        replay_init(t, c);
    else if (has_rate(p))
        shape_init(t, link_bps);

    t->origin = p->start;
    if (p->offset && t->gap > 0)
        t->origin += (ps_t)stream_below(&offset, (uint64_t)t->gap);
    t->train_at = t->origin;
    if (traffic_closed_loop(p))
        t->next_at = PS_NEVER;
    else
        t->next_at = p->kind == TRAFFIC_REPLAY && t->limit ? replay_seek(t) : t->origin;
    traffic_hold(t);
}

static inline void step(struct traffic *t)
{
    switch ((enum traffic_kind)t->params.kind) {
    case TRAFFIC_CBR:
        t->next_at += traffic_even_gap(t);
        break;
    case TRAFFIC_POISSON:
        t->next_at += traffic_random_gap(t);
        break;
    case TRAFFIC_ONOFF:
        t->next_at = train_next(t);
        break;
    case TRAFFIC_REPLAY:
        t->cursor++;
        t->next_at = replay_seek(t);
        break;
    case TRAFFIC_SENDER:
    case TRAFFIC_RR:
    case TRAFFIC_CONNECT:
        t->next_at = t->pushed.first ? t->pushed.first->wire_at : PS_NEVER;
        return;
    }
    traffic_hold(t);
}

/* A TCP segment of a stream without end: everyone's segment of this round has the same sequence number. */
static void fill_tcp(const struct traffic *t, struct frame *f)
{
    bool last_of_train = t->params.kind == TRAFFIC_ONOFF && t->train_left <= (int64_t)t->flows;

    f->seq = 1 + t->round * (uint32_t)t->payload;
    f->ack = 1;
    f->tsval = t->params.timestamps ? (uint32_t)(f->wire_at / MS) + 1 : 0;      /* milliseconds; 0: no option */
    f->tsecr = t->params.timestamps ? 1 : 0;
    f->window = 501;                                /* 64240 >> 7: what an idle Linux receiver offers */
    f->tcp_flags = last_of_train ? TCP_ACK | TCP_PSH : TCP_ACK;
}

/* The next fragment of a flow's datagram. The first is said to carry the payload, all of it; the last is as long as what
 * is left, and true. */
static bool fill_fragment(struct traffic *t, struct frame *f)
{
    bool last = t->fragment + 1 == t->fragments;
    int64_t left = t->datagram + UDP_HLEN - t->fragment * t->fragment_bytes;

    f->payload = t->fragment == 0 ? (int32_t)t->datagram : 0;
    f->frag = (uint8_t)t->fragment;
    f->frags = (uint8_t)(t->fragments > 1 ? t->fragments : 0);
    f->ip_df = 0;
    f->wire_bytes = t->fragment_headers + (int32_t)(last ? left : t->fragment_bytes);
    if (f->wire_bytes < ETH_SHORTEST)
        f->wire_bytes = ETH_SHORTEST;
    t->fragment = last ? 0 : t->fragment + 1;
    return last;
}

static void fill(struct traffic *t, struct frame *f)
{
    if (t->params.proto == TRAFFIC_TCP)
        fill_tcp(t, f);
    if (t->fragments == 0 || fill_fragment(t, f)) {
        traffic_turn(t, f);
        return;
    }
    f->flow += t->turn;                 /* a datagram's fragments follow each other */
    f->ip_id = (uint16_t)t->round;
}

static void fill_replay(const struct traffic *t, struct frame *f)
{
    const struct arrival *a = &t->arrivals->arrival[t->cursor];

    f->flow = t->first_flow + a->flow;
    f->wire_bytes = a->wire_bytes;
    f->payload = a->payload;
    f->bad = a->bad;
    f->seq = a->seq;
    f->ack = a->ack;
    f->tsval = a->tsval;
    f->tsecr = a->tsecr;
    f->window = a->window;
    f->ip_id = a->ip_id;
    f->tcp_flags = a->tcp_flags;
    f->ttl = a->ttl;
    f->tos = a->tos;
    f->ip_df = a->ip_df;
}

/* Two numbers a frame, whatever the shares, so that sweeps of one share keep the other's victims. */
static void spoil(struct traffic *t, struct frame *f)
{
    bool flip = stream_below(&t->damage, MILLION) < (uint64_t)t->params.fcs_errors;
    uint64_t cut = stream_next(&t->damage);
    /* the share is decided by the upper half, the length by the lowest bits */
    bool runt = (cut >> 32) * MILLION >> 32 < (uint64_t)t->params.runts;

    if (flip)
        f->bad |= FRAME_BAD_FCS;
    if (runt) {
        int32_t kept = RUNT_SHORTEST + (int32_t)(cut % (ETH_SHORTEST - RUNT_SHORTEST));
        int32_t lost = f->wire_bytes - kept;

        f->wire_bytes = kept;
        f->payload = f->payload > lost ? f->payload - lost : 0;
        f->bad |= FRAME_TRUNCATED;
    }
}

struct frame *traffic_next_of_any(struct traffic *t, struct frame *f)
{
    assert(t->next_at != PS_NEVER);
    if (traffic_closed_loop(&t->params)) {
        f = frame_pop(&t->pushed);
        frame_unborn(f);
    } else {
        *f = t->blank;
        f->wire_at = t->next_at;
        if (t->params.kind == TRAFFIC_REPLAY)
            fill_replay(t, f);
        else
            fill(t, f);
    }
    if (t->params.fcs_errors | t->params.runts)
        spoil(t, f);
    t->sent++;
    step(t);
    return f;
}

void traffic_push(struct traffic *t, struct frame *f)
{
    assert(traffic_closed_loop(&t->params));
    assert(!t->pushed.first || f->wire_at >= t->pushed.last->wire_at);
    frame_push(&t->pushed, f);
    t->next_at = t->pushed.first->wire_at;
}
