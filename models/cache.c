/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cache.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct cache_params, held, "cpu.cache.held", UNIT_COUNT, 10, 0, 100,
          "share of its time for which a receiving core holds the lines that all write, percent: how they wait for each other",
          "XDP18: the second core makes conntrack 61 ns of 611 longer, 10 %"),
    PARAM_COST(struct cache_params, conntrack, "cost.cache.conntrack", 0,
               "connection tracking: its shared lines' way from another receiving core's cache", "assumption: none is shared"),
    PARAM_COST(struct cache_params, forward, "cost.cache.forward", 0,
               "forwarding: the same for the lines of route, neighbour and device", "assumption: none is shared"),
    PARAM_COST(struct cache_params, frame, "cost.cache.frame", 0,
               "taking a frame from the ring: the same for its misses, which wait for memory",
               "assumption: none; XDP18's raw drop is 3 % slower on six cores"),
};
ALL_FIELDS_HAVE_ROWS(struct cache_params, rows);

const struct model_info cache_model = {
    .name = "cache", .step = "-", .what = "what cores that receive at the same time cost each other",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, cache), .params = rows, .n_params = ROWS(rows),
};

ps_t cache_extra(const struct cache *c, ps_t own)
{
    int64_t others = c->receiving - 1;

    if (own == 0 || others <= 0)
        return 0;
    return own * others * (100 + others * c->params->held) / (100 * (others + 1));
}
