/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rss.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "models/host_config.h"

static const char *const indirection_names[] = { "modulo", "blocks", NULL };

static const struct param rows[] = {
    PARAM_SWITCH(struct rss_params, hash_udp_ports, "nic.rss.hash_udp_ports", 0,
                 "hash UDP on ports too: spreads one pair of hosts, but fragments may overtake",
                 "ixgbe and igb, Linux 6.12: off unless set with ethtool -N rx-flow-hash udp4 sdfn"),
    PARAM_CHOICE(struct rss_params, indirection, "nic.rss.indirection", RSS_MODULO, indirection_names,
                 "how the 128 entries name the queues: entry % queues, or entry * queues / 128 in blocks",
                 "ethtool_rxfh_indir_default() of Linux 6.12 is modulo; igb fills blocks"),
    PARAM_TEXT(struct rss_params, hkey, "nic.rss.hkey",
               "hash key, 40 bytes in hex with colons as ethtool -x prints it; empty means Microsoft's",
               "the verification key of Microsoft's RSS specification; Linux draws a random one at boot"),
    PARAM_SWITCH(struct rss_params, symmetric_xor, "nic.rss.symmetric-xor", 0,
                 "hash source xor destination, so that both directions of a flow meet in one queue",
                 "ethtool -X xfrm symmetric-xor; off by default"),
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

int rss_init(struct rss *r, const struct rss_params *p, const char *hkey, int queues)
{
    assert(queues >= 1 && queues <= CONFIG_QUEUES);
    r->params = *p;
    for (int i = 0; i < RSS_TABLE; i++)
        r->table[i] = (uint8_t)(p->indirection == RSS_BLOCKS ? i * queues / RSS_TABLE : i % queues);
    memcpy(r->key, default_key, RSS_KEY);
    return hkey && hkey[0] ? rss_key_parse(hkey, r->key) : 0;
}

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

uint32_t rss_hash(const struct rss *r, const struct flow_key *key)
{
    uint32_t saddr = key->saddr, daddr = key->daddr;
    uint32_t ports = (uint32_t)key->sport << 16 | key->dport;
    bool with_ports = key->proto == FLOW_TCP || (key->proto == FLOW_UDP && r->params.hash_udp_ports);
    uint8_t input[12];

    if (key->proto == FLOW_NOT_IP)
        return 0;
    if (r->params.symmetric_xor) {
        saddr = daddr = saddr ^ daddr;
        ports = (uint32_t)(key->sport ^ key->dport) * 0x10001;
    }
    put32(input, saddr);
    put32(input + 4, daddr);
    put32(input + 8, ports);
    return rss_toeplitz(r->key, input, with_ports ? 12 : 8);
}
