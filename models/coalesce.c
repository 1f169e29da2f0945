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
        .params = p, .cause_at = PS_NEVER, .frames_at = PS_NEVER,
        .gap_from = -3600 * SEC,            /* an idle vector has no predecessor */
    };
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

void coalesce_assert(struct coalesce *c, ps_t now, const struct frame_queue *unread)
{
    bool waited = now == c->gap_from + c->params->rx_usecs;

    c->masked = true;
    if (!(c->params->kind == COALESCE_GAP_ONCE && waited))
        c->gap_from = now;
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
    if (c->params->kind != COALESCE_DELAY) {
        ps_t after_gap = c->gap_from + c->params->rx_usecs;
        return after_gap > at_once ? after_gap : at_once;
    }
    if (c->cause_at <= c->armed_at)
        return at_once;
    ps_t by_time = c->cause_at + c->params->rx_usecs;
    return c->frames_at < by_time ? c->frames_at : by_time;
}
