/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cores that receive at the same time cost each other: cache lines that all of them write, and memory.
 *
 * In    cache_enter(), cache_leave()   a core begins and ends to receive: net_rx_action, a NAPI thread's poll
 *       cache_extra()                  a stage that writes shared lines, or misses
 * Out   the time to add to the stage
 *
 * A line that every core writes is with the core that wrote it last. Of n cores that take turns at random this is another
 * one for (n - 1) / n of the uses, and then the line must come from its cache: `own`, the sum over the stage's lines. While
 * another core has such a line, a third one waits: each further core adds the share of its time for which it holds them,
 * cpu.cache.held. So a stage costs more by
 *     own * (n - 1) / n * (1 + held * (n - 1))
 * which is nothing for one core, much for the second and less for each that follows. What is counted is who receives when
 * the stage begins; it does not change within a step. Whole-machine effects stay exact, since no core runs ahead of another
 * in its receive path (models/horizon lets readers only).
 * The same curve stands for the memory that a frame's own misses wait for (cost.cache.frame): descriptor, buffer, sk_buff.
 * Not modelled: which lines these are, where they are kept, what a core's own working set evicts, the share of the last
 * level that DMA may fill (models/driver has it), lines shared with applications. */
#ifndef MODELS_CACHE_H
#define MODELS_CACHE_H

#include "models/config.h"

struct cache_params {
    int64_t held;
    int64_t conntrack;
    int64_t forward;
    int64_t frame;
};
extern const struct model_info cache_model;

struct cache {
    const struct cache_params *params;
    int receiving;              /* cores that receive */
};

static inline void cache_enter(struct cache *c) { c->receiving++; }
static inline void cache_leave(struct cache *c) { c->receiving--; }

/* What a stage costs more on one of the cores that receive; `own`: its lines' way from another core's cache. */
ps_t cache_extra(const struct cache *c, ps_t own);

#endif
