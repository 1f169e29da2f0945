/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tc at ingress: filters of an ingress or clsact qdisc, or tcx programs, between the taps and netfilter.
 *
 * In    tc_ingress()    netif has shown the skb to the taps
 * Out   the verdict; what it cost
 *
 * Filters are tried one after the other: `rules` that do not match, with one more that drops (shot) a destination port
 * behind `drop_after` of them; what none of them matches meets the policy. Without filters and with policy accept no
 * qdisc is attached and nothing is paid. A shot skb ends as TC_INGRESS and moves the qdisc's counter, not rx_dropped.
 * (net/core/dev.c sch_handle_ingress)
 * Not modelled: actions other than pass and shot (mirred, redirect, police, edits), hardware offload, hash and flower
 * tables whose lookup is flat, egress. */
#ifndef MODELS_TC_H
#define MODELS_TC_H

#include <stdbool.h>

#include "models/config.h"
#include "models/cpu.h"
#include "models/flow.h"

enum tc_policy { TC_ACT_OK, TC_ACT_SHOT };

struct tc_params {
    int64_t rules;
    int64_t policy;             /* enum tc_policy */
    int64_t drop_dport;         /* -1: no such filter */
    int64_t drop_after;
    int64_t qdisc;
    int64_t rule;
};
extern const struct model_info tc_model;

struct tc_counters {
    uint64_t packets;
    uint64_t dropped;
};

bool tc_active(const struct tc_params *p);
/* True if the skb goes on. */
bool tc_ingress(const struct tc_params *p, struct tc_counters *counters, const struct flow *f, ps_t *cost);
const char *tc_check(const struct tc_params *p);

#endif
