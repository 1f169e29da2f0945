/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/drop.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/machine.h"
#include "tests/suite.h"

#define EACH_FATE(f)  for (int f = 0; f < FATES; f++)

START_TEST(every_fate_is_explained)
{
    EACH_FATE(f) {
        const struct fate_info *i = &fate_info[f];
        ck_assert_msg(i->name && *i->name, "fate %d has no name", f);
        ck_assert_msg(i->stage && *i->stage, "%s has no stage", i->name);
        ck_assert_msg(i->doc && *i->doc, "%s has no explanation", i->name);
        ck_assert_msg(i->moves && *i->moves, "%s names no counter", i->name);
        ck_assert_msg(i->still && *i->still, "%s does not say what stands still", i->name);
        ck_assert_msg(i->doc[strlen(i->doc) - 1] != '.', "%s: the explanation ends in a full stop", i->name);
    }
}
END_TEST

START_TEST(no_two_fates_share_a_name)
{
    EACH_FATE(a)
        EACH_FATE(b)
            ck_assert_msg(a == b || strcmp(fate_info[a].name, fate_info[b].name) != 0, "%s twice", fate_info[a].name);
}
END_TEST

/* A user who asks where a frame died gets the name of a box of the picture: a file of models/. */
START_TEST(every_stage_is_a_file_of_the_models)
{
    char path[512];

    EACH_FATE(f) {
        snprintf(path, sizeof path, "%s/../models/%s.h", machine_data_dir(), fate_info[f].stage);
        ck_assert_msg(access(path, R_OK) == 0, "%s happens in %s, and there is no %s", fate_info[f].name,
                      fate_info[f].stage, path);
    }
}
END_TEST

/* The ledger sums by kind, so a kind that is wrong moves frames from "lost" to "meant so". */
START_TEST(kinds_are_what_the_enumeration_says)
{
    EACH_FATE(f) {
        enum fate_kind kind = f == FATE_IN_FLIGHT ? FATE_KIND_IN_FLIGHT : f == FATE_DELIVERED ? FATE_KIND_DELIVERED
                              : f <= FATE_XDP_DROP || f == FATE_XDP_TX || f == FATE_MAC_FILTERED ? FATE_KIND_CONSUMED : FATE_KIND_DROPPED;
        ck_assert_msg(fate_info[f].kind == kind, "%s", fate_info[f].name);
    }
}
END_TEST

/* Hardware drops bear ethtool's names, which are small letters; the kernel's reasons are capitals without prefix. */
START_TEST(names_are_those_of_ethtool_and_of_the_kernel)
{
    EACH_FATE(f) {
        bool hardware = (f >= FATE_RX_CRC_ERRORS && f <= FATE_RX_NO_DESC) || f == FATE_RX_NO_CARRIER;
        for (const char *c = fate_info[f].name; *c; c++)
            ck_assert_msg(hardware ? islower((unsigned char)*c) || *c == '_'
                                   : isupper((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_',
                          "%s", fate_info[f].name);
        ck_assert_msg(strncmp(fate_info[f].name, "SKB_DROP_REASON", 15) != 0, "%s", fate_info[f].name);
        ck_assert_msg((strncmp(fate_info[f].name, "rx_", 3) == 0) == hardware, "%s", fate_info[f].name);
    }
}
END_TEST

/* What sim/lab/chunk.c and sim/out/csv.c reckon with when they make room. */
START_TEST(no_name_is_longer_than_32_letters)
{
    EACH_FATE(f)
        ck_assert_msg(strlen(fate_info[f].name) <= 32, "%s", fate_info[f].name);
}
END_TEST

SUITE(drop, every_fate_is_explained, no_two_fates_share_a_name, every_stage_is_a_file_of_the_models,
      no_name_is_longer_than_32_letters, kinds_are_what_the_enumeration_says, names_are_those_of_ethtool_and_of_the_kernel)
