/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/coalesce.h"

#include "models/host_config.h"

static const char *const kinds[] = { "gap", "delay", "gap_once", NULL };
static const char *const causes[] = { "latched", "unread", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct coalesce_params, kind, "nic.coalesce.kind", COALESCE_GAP, kinds,
                 "what rx-usecs means: least gap since the last interrupt, delay from the first frame, or a gap that an "
                 "interrupt which waited does not start",
                 "Intel datasheets (ITR); mlx5 and most others; QEMU hw/net/e1000e_core.c"),
    PARAM_CHOICE(struct coalesce_params, cause, "nic.coalesce.cause", CAUSE_LATCHED, causes,
                 "a cause that came while masked: stays and fires at unmask, or only if a completion is unread",
                 "Intel relies on the latched cause; mlx5 arms against the consumer index"),
    PARAM(struct coalesce_params, rx_usecs, "nic.coalesce.rx-usecs", UNIT_TIME, 20 * US, 0, 1 * SEC,
          "moderation time; 0: none", "ethtool -C rx-usecs; ixgbe starts near 20 us"),
    PARAM(struct coalesce_params, rx_frames, "nic.coalesce.rx-frames", UNIT_COUNT, 0, 0, 65535,
          "kind delay: so many frames end the delay; 0: no such limit", "ethtool -C rx-frames; mlx5 default 32"),
    PARAM_SWITCH(struct coalesce_params, cqe_mode_rx, "nic.coalesce.cqe-mode-rx", 0,
                 "kind delay: each completion starts the delay anew (CQE mode), not only the first (EQE mode)",
                 "ethtool -C cqe-mode-rx; mlx5e_build_nic_params: on where the device can start its timer from a CQE"),
    PARAM(struct coalesce_params, rx_usecs_abs, "nic.coalesce.rx-usecs-abs", UNIT_TIME, 0, 0, 1 * SEC,
          "cqe-mode-rx on: so long after the first completion the delay ends at the latest; 0: no such limit",
          "82574 datasheet: RADV beside the packet timer RDTR; e1000e's parameter RxAbsIntDelay"),
};
ALL_FIELDS_HAVE_ROWS(struct coalesce_params, rows);

const struct model_info coalesce_model = {
    .name = "coalesce", .step = "2", .what = "interrupt moderation",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, coalesce), .params = rows,
    .n_params = ROWS(rows),
};

void coalesce_init(struct coalesce *c, const struct coalesce_params *p)
{
    *c = (struct coalesce){
        .params = p, .cause_at = PS_NEVER, .frames_at = PS_NEVER, .each_restarts = p->cqe_mode_rx,
        .gap_until = -3600 * SEC,           /* an idle vector has no predecessor */
    };
    coalesce_program(c, p->rx_usecs, p->rx_frames);
}

void coalesce_program(struct coalesce *c, ps_t usecs, int64_t frames)
{
    c->usecs = usecs;
    c->frames = frames > 0 ? frames : INT64_MAX;
}

/* Starts over with the completions that are still to be signalled: those visible after `since`. */
static void restart(struct coalesce *c, ps_t since, const struct frame_queue *unread)
{
    c->cause_at = c->frames_at = PS_NEVER;
    c->completions = 0;
    if (!unread->first || unread->last->dma_at <= since)
        return;
    for (const struct frame *f = unread->first; f; f = f->next) {
        if (f->dma_at > since)
            coalesce_completion(c, f->dma_at);
    }
}

void coalesce_start_delay(struct coalesce *c, ps_t visible_at)
{
    ps_t last = c->cause_at + c->params->rx_usecs_abs, until = visible_at + c->usecs;

    c->delay_until = c->params->rx_usecs_abs > 0 && last < until ? last : until;
}

void coalesce_assert(struct coalesce *c, ps_t now, const struct frame_queue *unread)
{
    bool waited = now == c->gap_until;

    c->masked = true;
    if (!(c->params->kind == COALESCE_GAP_ONCE && waited))
        c->gap_until = now + c->usecs;
    restart(c, now, unread);
}

void coalesce_unmask(struct coalesce *c, ps_t now, const struct frame_queue *unread)
{
    c->masked = false;
    c->armed_at = now;
    if (c->params->cause == CAUSE_UNREAD)
        restart(c, -1, unread);
}

/* Arming with unread completions fires at once: their delay has been served while masked. A latched cause is not
 * older than the mask either, so it fires as soon as the gap allows. */
ps_t coalesce_due(const struct coalesce *c)
{
    if (c->masked || c->cause_at == PS_NEVER)
        return PS_NEVER;
    ps_t at_once = c->cause_at > c->armed_at ? c->cause_at : c->armed_at;
    if (c->params->kind != COALESCE_DELAY)
        return c->gap_until > at_once ? c->gap_until : at_once;
    if (c->cause_at <= c->armed_at)
        return at_once;
    return c->frames_at < c->delay_until ? c->frames_at : c->delay_until;
}
