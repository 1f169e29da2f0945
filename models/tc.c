/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tc.h"

#include "models/host_config.h"

static const char *const policies[] = { "accept", "drop", NULL };

static const struct param rows[] = {
    PARAM(struct tc_params, rules, "tc.ingress.rules", UNIT_COUNT, 0, 0, 10000000,
          "filters of every interface's ingress or clsact qdisc, none of which matches", "no filters: no qdisc"),
    PARAM_CHOICE(struct tc_params, policy, "tc.ingress.policy", TC_ACT_OK, policies,
                 "what a last filter that matches everything does", "TC_ACT_OK: what no filter matches goes on"),
    PARAM(struct tc_params, drop_dport, "tc.ingress.drop_dport", UNIT_COUNT, -1, -1, 65535,
          "destination port that one more filter drops; -1: there is no such filter", "tc filter .. action drop"),
    PARAM(struct tc_params, drop_after, "tc.ingress.drop_after", UNIT_COUNT, 0, 0, 10000000,
          "how many of the filters are tried before that one", "tc filter .. pref N"),
    PARAM_COST(struct tc_params, qdisc, "cost.tc.qdisc", 60, "entering the ingress qdisc", "assumption: half of an empty table"),
    PARAM_COST(struct tc_params, rule, "cost.tc.rule", 30, "one filter that does not match",
               "assumption: dearer than an iptables rule, each is a classifier call"),
};
ALL_FIELDS_HAVE_ROWS(struct tc_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct tc_counters, packets, "tc_ingress_packets", "tc -s qdisc show dev X ingress", "skbs that met the filters"),
    COUNTER(struct tc_counters, dropped, "tc_ingress_dropped", "tc -s filter show dev X ingress: dropped",
            "of them dropped by a filter"),
};
ALL_COUNTERS_HAVE_ROWS(struct tc_counters, counter_rows);

const struct model_info tc_model = {
    .name = "tc", .step = "-", .what = "filters at ingress",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, tc), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

bool tc_active(const struct tc_params *p)
{
    return p->rules > 0 || p->policy != TC_ACT_OK || p->drop_dport >= 0;
}

bool tc_ingress(const struct tc_params *p, struct tc_counters *counters, const struct flow *f, ps_t *cost)
{
    bool match = p->drop_dport == f->wire_dport;
    int64_t tried = match ? p->drop_after + 1 : p->rules + (p->drop_dport >= 0);

    counters->packets++;
    *cost += p->qdisc + tried * p->rule;
    if (!match && p->policy == TC_ACT_OK)
        return true;
    counters->dropped++;
    return false;
}

const char *tc_check(const struct tc_params *p)
{
    return p->drop_after > p->rules ? "tc.ingress.drop_after is more than tc.ingress.rules: so many cannot stand before it" : NULL;
}
