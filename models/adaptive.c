/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/adaptive.h"

#include <stdio.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const char *const algorithms[] = { "dim", "ixgbe", "i40e", "igb", "e1000e", NULL };
static const char *const profiles[] = { "net", "ice", NULL };
enum { PROFILE_NET, PROFILE_ICE };

static const struct param rows[] = {
    PARAM_SWITCH(struct adaptive_params, rx, "nic.coalesce.adaptive-rx", 0,
                 "the driver chooses rx-usecs and rx-frames by what it receives, by nic.coalesce.adaptive",
                 "ethtool -C adaptive-rx; off here so that a run has one rx-usecs, the NIC's file says what its driver does"),
    PARAM_CHOICE(struct adaptive_params, algorithm, "nic.coalesce.adaptive", ADAPTIVE_DIM, algorithms,
                 "the algorithm behind adaptive-rx: the kernel's net_dim, or an Intel driver's own",
                 "the driver's, set by the NIC's file: lib/dim; ixgbe_update_itr, i40e_update_itr, igb_set_itr, e1000_set_itr"),
    PARAM_CHOICE(struct adaptive_params, profile, "nic.coalesce.dim_profile", PROFILE_NET, profiles,
                 "adaptive dim: the library's table (EQE or CQE by cqe-mode-rx), or ice's own",
                 "lib/dim/net_dim.c; ice_main.c rx_profile"),
    PARAM(struct adaptive_params, latency, "nic.coalesce.dim_latency", UNIT_TIME, 20 * US, 0, 1 * SEC,
          "adaptive dim: from the decision until the work item has programmed the level",
          "assumption: a kworker's wake-up and one command to the NIC"),
};
ALL_FIELDS_HAVE_ROWS(struct adaptive_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct adaptive_counters, changes, "rx_moderation_changes", "simulator only",
            "adaptive-rx: times other values were programmed"),
    COUNTER(struct adaptive_counters, ns, "rx_moderation_ns", "ethtool -c (rx-usecs), where the driver tells",
            "adaptive-rx: interval or delay in force at the end, ns"),
    COUNTER(struct adaptive_counters, frames, "rx_moderation_frames", "ethtool -c (rx-frames), where the driver tells",
            "adaptive-rx: frames that end the delay, in force at the end; 0: no limit"),
    COUNTER(struct adaptive_counters, level, "rx_moderation_level", "simulator only",
            "adaptive-rx: dim's level, 0 to 4; igb's and e1000e's class, 0 lowest latency, 1 low, 2 bulk"),
};
ALL_COUNTERS_HAVE_ROWS(struct adaptive_counters, counter_rows);

const struct model_info adaptive_model = {
    .name = "adaptive", .step = "2", .what = "moderation that follows the traffic",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, adaptive), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

const char *adaptive_check(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct nic_config *n = &c->nic[nic];
    bool delay = n->coalesce.kind == COALESCE_DELAY;

    if (n->coalesce.cqe_mode_rx && !delay) {
        snprintf(buffer, size, "nic[%s].coalesce.cqe-mode-rx is on, but nic.coalesce.kind is %s: only a delay can be "
                 "started anew by each completion", c->nic_name[nic], n->coalesce.kind == COALESCE_GAP ? "gap" : "gap_once");
        return buffer;
    }
    if (n->coalesce.rx_usecs_abs > 0 && !n->coalesce.cqe_mode_rx) {
        snprintf(buffer, size, "nic[%s].coalesce.rx-usecs-abs ends a delay that each completion starts anew, but "
                 "nic.coalesce.cqe-mode-rx is off", c->nic_name[nic]);
        return buffer;
    }
    if (n->adaptive.rx && n->adaptive.algorithm != ADAPTIVE_DIM && delay) {
        snprintf(buffer, size, "nic[%s].coalesce.adaptive is %s, which sets the gap between interrupts, but "
                 "nic.coalesce.kind is delay: use adaptive dim, or kind gap", c->nic_name[nic],
                 algorithms[n->adaptive.algorithm]);
        return buffer;
    }
    return NULL;
}

/* ---- programming ---- */

static void program(struct adaptive *a, ps_t usecs, int64_t frames)
{
    coalesce_program(&a->queue->coalesce, usecs, frames);
    a->counters.ns = (uint64_t)(usecs / NS);
    a->counters.frames = (uint64_t)frames;
}

static void program_level(struct adaptive *a, int level)
{
    struct dim_level l = dim_level(a->dim.profile, level);

    program(a, l.usecs, l.frames);
    a->counters.level = (uint64_t)level;
}

/* The work item: other frames may make the next completion one that counts. */
static void dim_work(void *adaptive)
{
    struct adaptive *a = adaptive;

    nic_settle(a->queue->nic);
    program_level(a, a->dim.level);
    a->counters.changes++;
    dim_applied(&a->dim);
    nic_moderated(a->queue);
}

/* ---- measuring ---- */

static void polled_dim(struct adaptive *a)
{
    const struct nic_queue *q = a->queue;
    struct engine *e = q->nic->engine;
    const struct dim_sample now = {
        .at = e->now, .packets = (uint32_t)q->ring.counters.rx_packets, .bytes = (uint32_t)q->ring.counters.rx_bytes,
        .events = (uint16_t)q->irq.counters.interrupts,
    };

    if (dim_sample(&a->dim, &now))
        engine_reschedule(e, &a->work, e->now + a->params->latency);
}

static void polled_itr(struct adaptive *a)
{
    const struct ring_counters *r = &a->queue->ring.counters;
    ps_t before = itr_interval(&a->itr);
    ps_t now = itr_update(&a->itr, (int64_t)(r->rx_packets - a->packets), (int64_t)(r->rx_bytes - a->bytes),
                          cpu_jiffies(a->queue->napi.cpu));

    a->packets = r->rx_packets;
    a->bytes = r->rx_bytes;
    a->counters.level = (uint64_t)a->itr.class;
    if (now == before)
        return;
    a->counters.changes++;
    if (itr_is_late(&a->itr))
        a->late = now;
    else
        program(a, now, 0);
}

void adaptive_polled(struct adaptive *a)
{
    if (a->params->algorithm == ADAPTIVE_DIM)
        polled_dim(a);
    else
        polled_itr(a);
}

void adaptive_asserted(struct adaptive *a)
{
    if (a->late == PS_NEVER)
        return;
    program(a, a->late, 0);
    a->late = PS_NEVER;
}

/* ---- construction ---- */

static const enum itr_kind itr_of[] = {
    [ADAPTIVE_IXGBE] = ITR_IXGBE, [ADAPTIVE_I40E] = ITR_I40E, [ADAPTIVE_IGB] = ITR_IGB, [ADAPTIVE_E1000E] = ITR_E1000E,
};

static enum dim_profile profile_of(const struct nic_config *n)
{
    if (n->adaptive.profile == PROFILE_ICE)
        return DIM_PROFILE_ICE;
    return n->coalesce.cqe_mode_rx ? DIM_PROFILE_CQE : DIM_PROFILE_EQE;
}

int adaptive_init(struct adaptive *a, struct nic_queue *q)
{
    const struct nic_config *n = q->nic->config;

    *a = (struct adaptive){ .params = &n->adaptive, .queue = q, .late = PS_NEVER };
    if (!a->params->rx)
        return 0;
    if (a->params->algorithm == ADAPTIVE_DIM) {
        dim_init(&a->dim, profile_of(n));
        program_level(a, DIM_FIRST_LEVEL);
        return event_init(q->nic->engine, &a->work, EVENT_DEVICE, dim_work, a);
    }
    itr_init(&a->itr, itr_of[a->params->algorithm], n->wire.link, q->nic->queues);
    program(a, itr_interval(&a->itr), 0);
    return 0;
}
