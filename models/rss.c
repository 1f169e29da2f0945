/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rss.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"
#include "models/traffic.h"

static const char *const indirection_names[] = { "modulo", "blocks", NULL };

static const struct param rows[] = {
    PARAM_SWITCH(struct rss_params, hash_udp_ports, "nic.rss.hash_udp_ports", 0,
                 "hash UDP on ports too: spreads one pair of hosts, but fragments may overtake",
                 "ixgbe and igb, Linux 6.12: off unless set with ethtool -N rx-flow-hash udp4 sdfn"),
    PARAM_CHOICE(struct rss_params, indirection, "nic.rss.indirection", RSS_MODULO, indirection_names,
                 "how the driver fills the table: entry % queues, or entry * queues / size in blocks",
                 "ethtool_rxfh_indir_default() of Linux 6.12 is modulo; igb fills blocks"),
    PARAM_TEXT(struct rss_params, hkey, "nic.rss.hkey",
               "hash key, 40 bytes in hex with colons as ethtool -x prints it; empty means Microsoft's",
               "the verification key of Microsoft's RSS specification; Linux draws a random one at boot"),
    PARAM_SWITCH(struct rss_params, symmetric_xor, "nic.rss.symmetric-xor", 0,
                 "hash source xor destination, so that both directions of a flow meet in one queue",
                 "ethtool -X xfrm symmetric-xor; off by default"),
    PARAM(struct rss_params, indir_size, "nic.rss.indir_size", UNIT_COUNT, RSS_TABLE, 16, RSS_LARGEST,
          "entries of the indirection table, a power of two",
          "igb, 82599, X540: 128; X550, i40e: 512; mlx5: 256 or more (drivers, Linux 6.12)"),
    PARAM_TEXT(struct rss_params, indir, "nic.rss.indir",
               "the table as ethtool -X takes it: equal N, weight W0 W1 .., start S before either, or all its entries; "
               "empty: the driver's own", "ethtool(8)"),
    PARAM_TEXT(struct rss_params, ntuple, "nic.ntuple",
               "rules as ethtool -N takes them, with ; between: dst-port 9000 action 3; first match wins; empty: none",
               "ethtool(8): src-ip dst-ip src-port dst-port, flow-type udp4 or tcp4"),
};
ALL_FIELDS_HAVE_ROWS(struct rss_params, rows);

const struct model_info rss_model = {
    .name = "rss",
    .step = "1",
    .what = "hashes the flow and looks up its queue",
    .scope = SCOPE_NIC,
    .params_at = offsetof(struct nic_config, rss),
    .params = rows,
    .n_params = ROWS(rows),
};

/* Microsoft, "RSS hashing types and verification": the key whose hashes are published. */
static const uint8_t default_key[RSS_KEY] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
    0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
    0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int rss_key_parse(const char *text, uint8_t key[RSS_KEY])
{
    uint8_t read[RSS_KEY];

    for (int i = 0; i < RSS_KEY; i++, text += 3) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);

        if (low < 0 || text[2] != (i < RSS_KEY - 1 ? ':' : '\0'))
            return -1;
        read[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(key, read, RSS_KEY);
    return 0;
}

/* ---- the indirection table ---- */

static const char BLANKS[] = " \t,";

/* Reads a number below `end` at *text and moves on to the next word; -1 if there is none. */
static long number(const char **text, long end)
{
    char *after;
    long n = **text >= '0' && **text <= '9' ? strtol(*text, &after, 10) : -1;

    if (n < 0 || n >= end || (*after && !strchr(" \t,;", *after)))
        return -1;
    *text = after + strspn(after, BLANKS);
    return n;
}

/* Is the next word `word`? Then moves on. */
static bool keyword(const char **text, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*text, word, n) != 0 || !(*text)[n] || !strchr(BLANKS, (*text)[n]))
        return false;
    *text += n;
    *text += strspn(*text, BLANKS);
    return true;
}

/* As ethtool shares the entries out: queue j has those below size * (sum of the weights up to its own) / sum of all. */
static const char *fill_by_weight(const char *text, int start, int size, int queues, uint8_t *table)
{
    long weight[CONFIG_QUEUES], sum = 0, partial = 0;
    int n = 0, entry = 0;

    for (; *text; n++) {
        if (n == CONFIG_QUEUES || (weight[n] = number(&text, RSS_LARGEST + 1)) < 0)
            return "weight takes at most 64 numbers of 0 to 4096";
        sum += weight[n];
        if (weight[n] > 0 && start + n >= queues)
            return "gives entries to a queue that does not exist: nic.channels";
    }
    if (sum == 0 || sum > size)
        return sum ? "has weights whose sum exceeds the size of the table: nic.rss.indir_size" : "has no weight above 0";
    for (int j = 0; j < n; j++) {
        partial += weight[j];
        while (entry < size * partial / sum)
            table[entry++] = (uint8_t)(start + j);
    }
    return NULL;
}

static const char *fill_by_list(const char *text, int size, int queues, uint8_t *table)
{
    int n = 0;

    for (; *text && n < size; n++) {
        long queue = number(&text, CONFIG_QUEUES);
        if (queue < 0)
            return "is neither equal N, weight W0 W1 .., nor a list of queues";
        if (queue >= queues)
            return "names a queue that does not exist: nic.channels";
        table[n] = (uint8_t)queue;
    }
    return n == size && !*text ? NULL : "is a list of another length than the table: nic.rss.indir_size";
}

static const char *fill(const char *text, int size, int queues, uint8_t *table)
{
    text += strspn(text, BLANKS);
    long start = keyword(&text, "start") ? number(&text, CONFIG_QUEUES) : 0;

    if (start < 0)
        return "has no number of a queue after start";
    if (keyword(&text, "weight"))
        return fill_by_weight(text, (int)start, size, queues, table);
    if (!keyword(&text, "equal"))
        return fill_by_list(text, size, queues, table);
    long n = number(&text, CONFIG_QUEUES + 1);
    if (n < 1 || *text || start + n > queues)
        return "spreads over queues that do not exist: nic.channels";
    for (int i = 0; i < size; i++)
        table[i] = (uint8_t)(start + i % n);
    return NULL;
}

/* Each value of a byte adds what its lowest bit adds to the value without that bit. */
static void tabulate(struct rss *r)
{
    for (int i = 0; i < RSS_HASHED; i++) {
        r->part[i][0] = 0;
        for (unsigned v = 1; v < 256; v++) {
            uint8_t input[RSS_HASHED] = { 0 };
            input[i] = (uint8_t)(v & -v);
            r->part[i][v] = v & (v - 1) ? r->part[i][v & (v - 1)] ^ r->part[i][v & -v]
                                        : rss_toeplitz(r->key, input, (size_t)i + 1);
        }
    }
}

const char *rss_init(struct rss *r, const struct rss_params *p, const char *hkey, const char *indir, int queues)
{
    int size = (int)p->indir_size;
    const char *wrong = NULL;

    assert(queues >= 1 && queues <= CONFIG_QUEUES);
    assert(size > 0 && size <= RSS_LARGEST && (size & (size - 1)) == 0);
    r->params = *p;
    r->mask = (uint32_t)size - 1;
    memcpy(r->key, default_key, RSS_KEY);
    if (hkey && hkey[0] && rss_key_parse(hkey, r->key) != 0)
        wrong = "hkey is not a key: 40 bytes in hex with colons between, as ethtool -x prints it";
    if (indir && indir[0])
        wrong = wrong ? wrong : fill(indir, size, queues, r->table);
    for (int i = 0; i < size && (wrong || !indir || !indir[0]); i++)
        r->table[i] = (uint8_t)(p->indirection == RSS_BLOCKS ? i * queues / size : i % queues);
    tabulate(r);
    return wrong;
}

/* ---- the hash ---- */

uint32_t rss_toeplitz(const uint8_t key[RSS_KEY], const uint8_t *input, size_t bytes)
{
    uint32_t window = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
    uint32_t hash = 0;

    assert(bytes + 4 <= RSS_KEY);
    for (size_t i = 0; i < bytes; i++) {
        for (int bit = 7; bit >= 0; bit--) {
            if (input[i] >> bit & 1)
                hash ^= window;
            window = window << 1 | (key[i + 4] >> bit & 1);
        }
    }
    return hash;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static bool hashes_ports(const struct rss *r, const struct flow_key *key)
{
    return key->proto == FLOW_TCP || (key->proto == FLOW_UDP && r->params.hash_udp_ports);
}

uint32_t rss_hash6(const struct rss *r, const uint8_t saddr[16], const uint8_t daddr[16], const struct flow_key *key)
{
    uint32_t ports = (uint32_t)key->sport << 16 | key->dport;
    uint8_t input[36];

    memcpy(input, saddr, 16);
    memcpy(input + 16, daddr, 16);
    if (r->params.symmetric_xor) {
        for (int i = 0; i < 16; i++)
            input[i] = input[16 + i] = saddr[i] ^ daddr[i];
        ports = (uint32_t)(key->sport ^ key->dport) * 0x10001;
    }
    put32(input + 32, ports);
    return rss_toeplitz(r->key, input, hashes_ports(r, key) ? 36 : 32);
}

uint32_t rss_hash(const struct rss *r, const struct flow_key *key)
{
    uint32_t saddr = key->saddr, daddr = key->daddr;
    uint32_t ports = (uint32_t)key->sport << 16 | key->dport;
    uint8_t input[RSS_HASHED];
    uint32_t hash = 0;

    if (key->proto == FLOW_NOT_IP)
        return 0;
    if (r->params.symmetric_xor) {
        saddr = daddr = saddr ^ daddr;
        ports = (uint32_t)(key->sport ^ key->dport) * 0x10001;
    }
    put32(input, saddr);
    put32(input + 4, daddr);
    put32(input + 8, ports);
    for (int i = 0; i < (hashes_ports(r, key) ? RSS_HASHED : 8); i++)
        hash ^= r->part[i][input[i]];
    return hash;
}

/* ---- explicit rules ---- */

static bool address(const char **text, uint32_t *to)
{
    char quad[16];
    size_t n = strcspn(*text, " \t,;");

    if (n == 0 || n >= sizeof quad)
        return false;
    memcpy(quad, *text, n);
    quad[n] = '\0';
    *text += n;
    *text += strspn(*text, BLANKS);
    return ipv4_parse(quad, to) == 0;
}

/* Reads one rule and moves on behind its semicolon; false if it is none. */
static bool read_rule(const char **text, struct ntuple *r)
{
    *r = (struct ntuple){ .sport = -1, .dport = -1, .queue = -1 };
    for (*text += strspn(*text, BLANKS); **text && **text != ';'; *text += strspn(*text, BLANKS)) {
        bool ok;
        if (keyword(text, "flow-type")) {
            r->proto = strncmp(*text, "udp4", 4) == 0 ? FLOW_UDP : strncmp(*text, "tcp4", 4) == 0 ? FLOW_TCP : 0;
            ok = r->proto != 0 && strchr(" \t,;", (*text)[4]);
            *text += ok ? 4 : 0;
        } else if (keyword(text, "src-port")) {
            ok = (r->sport = (int)number(text, 65536)) >= 0;
        } else if (keyword(text, "dst-port")) {
            ok = (r->dport = (int)number(text, 65536)) >= 0;
        } else if (keyword(text, "src-ip")) {
            ok = r->by_saddr = address(text, &r->saddr);
        } else if (keyword(text, "dst-ip")) {
            ok = r->by_daddr = address(text, &r->daddr);
        } else {
            ok = keyword(text, "action") && (r->queue = (int)number(text, CONFIG_QUEUES)) >= 0;
        }
        if (!ok)
            return false;
    }
    *text += **text == ';';
    *text += strspn(*text, BLANKS);
    return r->queue >= 0;
}

static bool matches(const struct ntuple *r, const struct flow_key *k)
{
    return (k->proto == FLOW_UDP || k->proto == FLOW_TCP) && (!r->proto || r->proto == k->proto) &&
           (r->sport < 0 || r->sport == k->sport) && (r->dport < 0 || r->dport == k->dport) &&
           (!r->by_saddr || r->saddr == k->saddr) && (!r->by_daddr || r->daddr == k->daddr);
}

const char *ntuple_parse(struct ntuples *rules, const char *text, int queues)
{
    struct ntuple one;

    *rules = (struct ntuples){ 0 };
    while (*text) {
        if (!read_rule(&text, &one))
            return "is not a list of rules such as dst-port 9000 action 3; src-ip 10.0.0.7 dst-port 80 action 0";
        if (one.queue >= queues)
            return "sends a flow to a queue that does not exist: nic.channels";
        struct ntuple *more = realloc(rules->rule, (size_t)(rules->n + 1) * sizeof one);
        if (!more)
            return "has more rules than there is memory";
        rules->rule = more;
        rules->rule[rules->n++] = one;
    }
    return NULL;
}

int ntuple_queue(const struct ntuples *rules, const struct flow_key *key)
{
    for (int i = 0; i < rules->n; i++) {
        if (matches(&rules->rule[i], key))
            return rules->rule[i].queue;
    }
    return -1;
}
