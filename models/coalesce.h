/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupt moderation of one queue: when its vector may fire.
 *
 * In    coalesce_completion()  a completion becomes visible at a given time
 *       coalesce_unmask()      the driver enables the interrupt
 *       coalesce_assert()      the vector fires now: auto-masked until unmask
 * Out   coalesce_due()         when it will fire, PS_NEVER if not
 *
 * Meanings of rx-usecs, never mixed (nic.coalesce.kind):
 *   gap    Intel ITR: the least distance to the previous interrupt of the vector; an idle vector fires at once
 *   gap_once  QEMU's e1000e: as gap, but an interrupt that had to wait for its end starts no gap of its own
 *   delay  mlx5 and most others: so long after the first completion not yet signalled, or rx-frames of them
 * Two meanings of a cause that arrived while masked (nic.coalesce.cause):
 *   latched  Intel: it stays pending and fires at the unmask, even if the poll has taken the frame already
 *   unread   mlx5, virtio: arming fires at once only if a completion is still unread
 * Not modelled: adaptive moderation, e1000e's RDTR restart, CQE mode. */
#ifndef MODELS_COALESCE_H
#define MODELS_COALESCE_H

#include <stdbool.h>

#include "models/config.h"
#include "models/frame.h"

enum coalesce_kind { COALESCE_GAP, COALESCE_DELAY, COALESCE_GAP_ONCE };
enum coalesce_cause { CAUSE_LATCHED, CAUSE_UNREAD };

struct coalesce_params {
    int64_t kind;
    int64_t cause;
    int64_t rx_usecs;           /* picoseconds */
    int64_t rx_frames;          /* 0: no limit by frames */
};
extern const struct model_info coalesce_model;

struct coalesce {
    const struct coalesce_params *params;
    bool masked;
    ps_t cause_at;              /* first completion not yet signalled; PS_NEVER: none */
    int64_t completions;        /* since cause_at */
    ps_t frames_at;             /* when the rx_frames-th became visible; PS_NEVER: not yet */
    ps_t gap_from;              /* the last interrupt that started a gap; far in the past before the first */
    ps_t armed_at;              /* the last unmask */
};

void coalesce_init(struct coalesce *c, const struct coalesce_params *p);
static inline void coalesce_completion(struct coalesce *c, ps_t visible_at)
{
    if (c->cause_at == PS_NEVER)
        c->cause_at = visible_at;
    c->completions++;
    if (c->params->rx_frames > 0 && c->completions == c->params->rx_frames)
        c->frames_at = visible_at;
}
/* `unread` are the completions still in the ring (visible or not), oldest first. */
void coalesce_unmask(struct coalesce *c, ps_t now, const struct frame_queue *unread);
void coalesce_assert(struct coalesce *c, ps_t now, const struct frame_queue *unread);
ps_t coalesce_due(const struct coalesce *c);

#endif
