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
 * Two starts of the delay (nic.coalesce.cqe-mode-rx): off, at the first completion; on, anew at each that comes before it
 * has run out (mlx5's CQE mode; e1000e's packet timer RDTR), but nic.coalesce.rx-usecs-abs after the first at the latest
 * (e1000e's absolute timer RADV).
 * Time and frames may change while the machine runs (models/adaptive): coalesce_program(). A gap or a delay that runs keeps
 * the length it began with; the next one has the new. (82599: EITR is written with CNT_WDIS, which leaves the counter.)
 * Not modelled: an ITR beside e1000e's two timers, bands of rates (rx-usecs-low, -high), rx-usecs-irq, the early interrupt that a write to an XL710's ITR may bring about. */
#ifndef MODELS_COALESCE_H
#define MODELS_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/frame.h"

enum coalesce_kind { COALESCE_GAP, COALESCE_DELAY, COALESCE_GAP_ONCE };
enum coalesce_cause { CAUSE_LATCHED, CAUSE_UNREAD };

struct coalesce_params {
    int64_t kind;
    int64_t cause;
    int64_t rx_usecs;           /* picoseconds */
    int64_t rx_frames;          /* 0: no limit by frames */
    int64_t cqe_mode_rx;
    int64_t rx_usecs_abs;       /* picoseconds; 0: no limit */
};
extern const struct model_info coalesce_model;

struct coalesce {
    const struct coalesce_params *params;
    bool masked;
    bool each_restarts;         /* CQE mode, packet timer */
    ps_t usecs;                 /* in force: of the parameters, or programmed since */
    int64_t frames;             /* INT64_MAX: no limit */
    ps_t cause_at;              /* first completion not yet signalled; PS_NEVER: none */
    int64_t completions;        /* since cause_at */
    ps_t delay_until;           /* kind delay: the end of the delay that cause_at has begun */
    ps_t frames_at;             /* when the rx_frames-th became visible; PS_NEVER: not yet */
    ps_t gap_until;             /* of the last interrupt that started a gap; far in the past before the first */
    ps_t armed_at;              /* the last unmask */
};

void coalesce_init(struct coalesce *c, const struct coalesce_params *p);
void coalesce_start_delay(struct coalesce *c, ps_t visible_at);
static inline void coalesce_completion(struct coalesce *c, ps_t visible_at)
{
    if (c->cause_at == PS_NEVER) {
        c->cause_at = visible_at;
        coalesce_start_delay(c, visible_at);
    } else if (c->each_restarts && visible_at <= c->delay_until) {
        coalesce_start_delay(c, visible_at);
    }
    if (++c->completions >= c->frames && c->frames_at == PS_NEVER)
        c->frames_at = visible_at;
}
/* The driver writes other values: `frames` 0 is no limit. */
void coalesce_program(struct coalesce *c, ps_t usecs, int64_t frames);
/* Whether the next completion may move the interrupt: there is none yet, or it counts frames or restarts the delay. */
static inline bool coalesce_may_move(const struct coalesce *c)
{
    bool counts = c->params->kind == COALESCE_DELAY && (c->frames != INT64_MAX || c->each_restarts);

    return !c->masked && (c->cause_at == PS_NEVER || counts);
}
/* `unread` are the completions still in the ring (visible or not), oldest first. */
void coalesce_unmask(struct coalesce *c, ps_t now, const struct frame_queue *unread);
void coalesce_assert(struct coalesce *c, ps_t now, const struct frame_queue *unread);
ps_t coalesce_due(const struct coalesce *c);

#endif
