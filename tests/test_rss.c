/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/rss.h"

#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

static uint32_t quad(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return a << 24 | b << 16 | c << 8 | d;
}

static struct rss with(struct rss_params p, int queues)
{
    struct rss r;

    p.indir_size = p.indir_size ? p.indir_size : RSS_TABLE;
    ck_assert_ptr_null(rss_init(&r, &p, NULL, NULL, queues));
    return r;
}

/* The published vectors: Microsoft, "RSS hashing types and verification of the hash calculation". */
static const struct {
    uint8_t saddr[4], daddr[4];
    uint16_t sport, dport;
    uint32_t addresses, ports;
} published[] = {
    { { 66, 9, 149, 187 },   { 161, 142, 100, 80 }, 2794,  1766,  0x323e8fc2, 0x51ccc178 },
    { { 199, 92, 111, 2 },   { 65, 69, 140, 83 },   14230, 4739,  0xd718262a, 0xc626b0ea },
    { { 24, 19, 198, 95 },   { 12, 22, 207, 184 },  12898, 38024, 0xd2d0a5de, 0x5c2b394a },
    { { 38, 27, 205, 30 },   { 209, 142, 163, 6 },  48228, 2217,  0x82989176, 0xafc7327f },
    { { 153, 39, 163, 191 }, { 202, 188, 127, 2 },  44251, 1303,  0x5d1809c5, 0x10e828a2 },
};

static struct flow_key published_key(int i, uint8_t proto)
{
    const uint8_t *s = published[i].saddr, *d = published[i].daddr;

    return (struct flow_key){ .saddr = quad(s[0], s[1], s[2], s[3]), .daddr = quad(d[0], d[1], d[2], d[3]),
                              .sport = published[i].sport, .dport = published[i].dport, .proto = proto };
}

START_TEST(hashes_as_the_published_ipv4_vectors_say)
{
    struct rss r = with((struct rss_params){ .hash_udp_ports = 0 }, 1);
    struct rss udp = with((struct rss_params){ .hash_udp_ports = 1 }, 1);

    for (int i = 0; i < 5; i++) {
        struct flow_key tcp = published_key(i, FLOW_TCP), datagram = published_key(i, FLOW_UDP);
        struct flow_key other = published_key(i, FLOW_OTHER_IP);

        CHECK_EQ(rss_hash(&r, &tcp), published[i].ports);
        CHECK_EQ(rss_hash(&r, &other), published[i].addresses);
        CHECK_EQ(rss_hash(&r, &datagram), published[i].addresses);
        CHECK_EQ(rss_hash(&udp, &datagram), published[i].ports);
    }
}
END_TEST

/* Microsoft's three vectors for IPv6: by addresses alone, and with TCP's ports. */
START_TEST(hashes_as_the_published_ipv6_vectors_say)
{
    static const struct { uint8_t saddr[16], daddr[16]; uint16_t sport, dport; uint32_t addresses, ports; } row[] = {
        { { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, [15] = 7 }, { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0, 3, [15] = 1 },
          2794, 1766, 0x2cc18cd5, 0x40207d3d },
        { { 0x3f, 0xfe, 0x05, 0x01, 0, 8, 0, 0, 2, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab }, { 0xff, 2, [15] = 1 },
          14230, 4739, 0x0f0c461c, 0xdde51bbf },
        { { 0x3f, 0xfe, 0x19, 0, 0x45, 0x45, 0, 3, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
          { 0xfe, 0x80, [8] = 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf }, 44251, 38024, 0x4b61e985, 0x02d1feef },
    };
    struct rss r = with((struct rss_params){ .hash_udp_ports = 0 }, 1);

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct flow_key key = { .sport = row[i].sport, .dport = row[i].dport, .proto = FLOW_TCP };
        CHECK_EQ(rss_hash6(&r, row[i].saddr, row[i].daddr, &key), row[i].ports);
        key.proto = FLOW_UDP;
        CHECK_EQ(rss_hash6(&r, row[i].saddr, row[i].daddr, &key), row[i].addresses);
    }
    r.params.symmetric_xor = 1;
    struct flow_key there = { .sport = 1, .dport = 2, .proto = FLOW_TCP }, back = { .sport = 2, .dport = 1, .proto = FLOW_TCP };
    CHECK_EQ(rss_hash6(&r, row[0].saddr, row[0].daddr, &there), rss_hash6(&r, row[0].daddr, row[0].saddr, &back));
}
END_TEST

/* The published IPv6 vector: 3ffe:2501:200:1fff::7 port 2794 to 3ffe:2501:200:3::1 port 1766. */
START_TEST(the_toeplitz_function_hashes_the_published_ipv6_vector)
{
    static const uint8_t input[36] = {
        0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7,
        0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, 0, 0, 0, 0, 0, 0, 0, 1,
        2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255,
    };
    struct rss r = with((struct rss_params){ 0 }, 1);

    CHECK_EQ(rss_toeplitz(r.key, input, 32), 0x2cc18cd5);
    CHECK_EQ(rss_toeplitz(r.key, input, 36), 0x40207d3d);
}
END_TEST

/* One set bit at position i gives the key's 32 bits from bit i: all-ones input of one byte is the xor of
 * eight windows of a key that has only its first bit set: window 0 alone sees it, as its highest bit. */
START_TEST(each_set_bit_adds_the_key_from_that_bit_on)
{
    uint8_t key[RSS_KEY] = { 0x80 };
    uint8_t ones = 0xff, second = 0x40;

    CHECK_EQ(rss_toeplitz(key, &ones, 1), 0x80000000);
    CHECK_EQ(rss_toeplitz(key, &second, 1), 0);
}
END_TEST

START_TEST(what_is_not_ipv4_hashes_to_zero)
{
    struct rss r = with((struct rss_params){ 0 }, 4);
    struct flow_key arp = { .saddr = 1, .daddr = 2, .proto = FLOW_NOT_IP };

    CHECK_EQ(rss_hash(&r, &arp), 0);
    CHECK_EQ(rss_queue(&r, 0), 0);
}
END_TEST

/* 128 entries, 3 queues: modulo gives 0 1 2 0 1 2 .. and entry 127 is 1; blocks change at 128/3 = 42.7 ->
 * entry 43 is the first with 43 * 3 / 128 = 1, and 86 the first with 2. */
START_TEST(the_table_is_filled_in_turn_or_in_blocks)
{
    struct rss turn = with((struct rss_params){ .indirection = RSS_MODULO }, 3);
    struct rss blocks = with((struct rss_params){ .indirection = RSS_BLOCKS }, 3);

    for (int i = 0; i < RSS_TABLE; i++)
        CHECK_EQ(turn.table[i], i % 3);
    CHECK_EQ(rss_queue(&turn, 127), 1);
    CHECK_EQ(rss_queue(&blocks, 42), 0);
    CHECK_EQ(rss_queue(&blocks, 43), 1);
    CHECK_EQ(rss_queue(&blocks, 85), 1);
    CHECK_EQ(rss_queue(&blocks, 86), 2);
    CHECK_EQ(rss_queue(&blocks, 127), 2);
}
END_TEST

START_TEST(only_the_lowest_seven_bits_of_the_hash_choose)
{
    struct rss r = with((struct rss_params){ 0 }, 64);

    CHECK_EQ(rss_queue(&r, 0xffffff80), 0);
    CHECK_EQ(rss_queue(&r, 0x85), 5);
    CHECK_EQ(rss_queue(&r, 0x41), 1);
}
END_TEST

START_TEST(symmetric_xor_gives_both_directions_one_hash)
{
    struct rss plain = with((struct rss_params){ 0 }, 1);
    struct rss xor = with((struct rss_params){ .symmetric_xor = 1 }, 1);
    struct flow_key there = published_key(0, FLOW_TCP);
    struct flow_key back = { .saddr = there.daddr, .daddr = there.saddr, .sport = there.dport,
                             .dport = there.sport, .proto = FLOW_TCP };

    ck_assert_uint_ne(rss_hash(&plain, &there), rss_hash(&plain, &back));
    CHECK_EQ(rss_hash(&xor, &there), rss_hash(&xor, &back));
    back.sport++;
    ck_assert_uint_ne(rss_hash(&xor, &there), rss_hash(&xor, &back));
    /* the kernel's form: both halves of the ports hold the xor, 2794 ^ 1766 = 3084 */
    struct flow_key folded = { .saddr = there.saddr ^ there.daddr, .daddr = there.saddr ^ there.daddr,
                               .sport = 3084, .dport = 3084, .proto = FLOW_TCP };

    CHECK_EQ(rss_hash(&xor, &there), rss_hash(&plain, &folded));
}
END_TEST

START_TEST(a_key_is_forty_hex_bytes_with_colons)
{
    char text[3 * RSS_KEY + 1];
    uint8_t key[RSS_KEY];

    for (int i = 0; i < RSS_KEY; i++)
        memcpy(text + 3 * i, i % 2 ? "0f:" : "A1:", 3);
    text[3 * RSS_KEY] = '\0';
    CHECK_EQ(rss_key_parse(text, key), -1);             /* a colon too many */
    text[3 * RSS_KEY - 1] = '\0';
    CHECK_EQ(rss_key_parse(text, key), 0);
    CHECK_EQ(key[0], 0xa1);
    CHECK_EQ(key[39], 0x0f);
    text[3 * RSS_KEY - 4] = '\0';
    CHECK_EQ(rss_key_parse(text, key), -1);             /* 39 bytes */
    CHECK_EQ(rss_key_parse("", key), -1);
    CHECK_EQ(rss_key_parse("g0", key), -1);
}
END_TEST

START_TEST(a_wrong_key_is_refused_and_the_default_stays)
{
    struct rss_params p = { .indir_size = RSS_TABLE };
    struct rss r;

    ck_assert_ptr_nonnull(rss_init(&r, &p, "6d:5a", NULL, 2));
    CHECK_EQ(r.key[39], 0xfa);
    CHECK_EQ(r.table[1], 1);
}
END_TEST

static struct rss filled(const char *indir, int size, int queues)
{
    struct rss_params p = { .indir_size = size };
    struct rss r;
    const char *wrong = rss_init(&r, &p, NULL, indir, queues);

    ck_assert_msg(wrong == NULL, "%s: %s", indir, wrong);
    return r;
}

/* ethtool -X eth0 weight 6 2 on 128 entries: queue 0 has 128 * 6 / 8 = 96 of them. Of 16 entries by weights 1 1 1, entry i
 * goes to the first j with i < 16 * (j + 1) / 3, rounded down: 5, 5 and 6. */
START_TEST(weights_share_the_table_out_as_ethtool_does)
{
    struct rss r = filled("weight 6 2", 128, 2);
    struct rss thirds = filled("start 1 weight 1 1 1", 16, 4);

    for (uint32_t i = 0; i < 128; i++)
        CHECK_EQ(rss_queue(&r, i), i < 96 ? 0 : 1);
    for (uint32_t i = 0; i < 16; i++)
        CHECK_EQ(rss_queue(&thirds, i), i < 5 ? 1 : i < 10 ? 2 : 3);
    struct rss skipped = filled("weight 0 1", 16, 2);
    CHECK_EQ(rss_queue(&skipped, 0), 1);
}
END_TEST

START_TEST(equal_and_lists_fill_the_table_as_ethtool_does)
{
    struct rss equal = filled("equal 3", 512, 8), later = filled("start 2, equal 2", 128, 4);
    struct rss list = filled("0 0 0 1  1 1 2 2  2 3 3 3  0 1 2 3", 16, 4);
    static const int listed[] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 1, 2, 3 };

    for (uint32_t i = 0; i < 512; i++)
        CHECK_EQ(rss_queue(&equal, i), i % 3);
    for (uint32_t i = 0; i < 128; i++)
        CHECK_EQ(rss_queue(&later, i), 2 + i % 2);
    for (uint32_t i = 0; i < 16; i++)
        CHECK_EQ(rss_queue(&list, i), listed[i]);
}
END_TEST

/* 512 entries use nine bits of the hash: 0x1ff is the last, where 128 have only 0x7f. */
START_TEST(a_larger_table_uses_more_bits_of_the_hash)
{
    struct rss large = with((struct rss_params){ .indir_size = 512 }, 5);

    CHECK_EQ(rss_queue(&large, 0xfffffe00), 0);
    CHECK_EQ(rss_queue(&large, 0x1ff), 511 % 5);
    CHECK_EQ(rss_queue(&large, 0x80), 128 % 5);
}
END_TEST

START_TEST(a_table_that_cannot_be_is_refused_with_a_sentence)
{
    static const struct { const char *indir, *wrong; } row[] = {
        { "equal 5", "spreads over queues that do not exist: nic.channels" },
        { "equal 0", "spreads over queues that do not exist: nic.channels" },
        { "start 3 equal 2", "spreads over queues that do not exist: nic.channels" },
        { "weight 1 1 1 1 1", "gives entries to a queue that does not exist: nic.channels" },
        { "weight 0 0", "has no weight above 0" },
        { "weight 16 1", "has weights whose sum exceeds the size of the table: nic.rss.indir_size" },
        { "0 1 2 3", "is a list of another length than the table: nic.rss.indir_size" },
        { "0 1 2 4", "names a queue that does not exist: nic.channels" },
        { "all of them", "is neither equal N, weight W0 W1 .., nor a list of queues" },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct rss_params p = { .indir_size = 16 };
        struct rss r;
        ck_assert_str_eq(rss_init(&r, &p, NULL, row[i].indir, 4), row[i].wrong);
        CHECK_EQ(rss_queue(&r, 5), 1);          /* the driver's own is in force */
    }
}
END_TEST

START_TEST(the_first_ntuple_rule_that_matches_names_the_queue)
{
    struct flow_key k = { .saddr = quad(10, 0, 0, 7), .daddr = quad(10, 0, 0, 2), .sport = 5, .dport = 9000,
                          .proto = FLOW_UDP };
    struct ntuples rules;

    ck_assert_ptr_null(ntuple_parse(&rules, "flow-type tcp4 dst-port 9000 action 1; src-ip 10.0.0.7 dst-port 9000 action 2;"
                                    "dst-port 9000 action 3 ; dst-ip 10.0.0.9 src-port 5 action 0", 4));
    CHECK_EQ(rules.n, 4);
    CHECK_EQ(ntuple_queue(&rules, &k), 2);
    k.saddr++;
    CHECK_EQ(ntuple_queue(&rules, &k), 3);
    k.proto = FLOW_TCP;
    CHECK_EQ(ntuple_queue(&rules, &k), 1);
    k.dport = 1;
    CHECK_EQ(ntuple_queue(&rules, &k), -1);
    k.daddr = quad(10, 0, 0, 9);
    CHECK_EQ(ntuple_queue(&rules, &k), 0);
    free(rules.rule);
    ck_assert_ptr_nonnull(ntuple_parse(&rules, "dst-port 9000 action 4", 4));
    ck_assert_ptr_nonnull(ntuple_parse(&rules, "dst-port 9000", 4));
    ck_assert_ptr_nonnull(ntuple_parse(&rules, "port 9000 action 1", 4));
    ck_assert_ptr_nonnull(ntuple_parse(&rules, "src-ip 10.0.0 action 1", 4));
}
END_TEST

SUITE(rss, weights_share_the_table_out_as_ethtool_does, equal_and_lists_fill_the_table_as_ethtool_does,
      a_larger_table_uses_more_bits_of_the_hash, a_table_that_cannot_be_is_refused_with_a_sentence,
      the_first_ntuple_rule_that_matches_names_the_queue, hashes_as_the_published_ipv4_vectors_say, hashes_as_the_published_ipv6_vectors_say,
       the_toeplitz_function_hashes_the_published_ipv6_vector,
      each_set_bit_adds_the_key_from_that_bit_on, what_is_not_ipv4_hashes_to_zero,
      the_table_is_filled_in_turn_or_in_blocks, only_the_lowest_seven_bits_of_the_hash_choose,
      symmetric_xor_gives_both_directions_one_hash, a_key_is_forty_hex_bytes_with_colons,
      a_wrong_key_is_refused_and_the_default_stays)
