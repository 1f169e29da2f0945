/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/background.h"

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

static const char *const sections[] = { "user", "kernel", "bh_off", "irqs_off", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct background_params, section, "app.background.section", BACKGROUND_USER, sections,
                 "kind background: what it works in, and so what waits for it: user mode, kernel mode without a switch, with "
                 "softirqs off, with interrupts off", "ours"),
    PARAM(struct background_params, period, "app.background.period", UNIT_TIME, 1 * SEC, 1 * US, 3600 * SEC,
          "kind background: from one beginning to the next", "ours: cron and collectors count in seconds"),
    PARAM(struct background_params, length, "app.background.length", UNIT_TIME, 1 * MS, 0, 3600 * SEC,
          "kind background: what it works each time", "ours"),
    PARAM(struct background_params, phase, "app.background.phase", UNIT_TIME, 0, 0, 3600 * SEC,
          "kind background: when it begins first", "ours: at once"),
};
ALL_FIELDS_HAVE_ROWS(struct background_params, rows);

const struct model_info background_model = {
    .name = "background", .step = "-", .what = "background work that holds up a CPU",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, background), .params = rows, .n_params = ROWS(rows),
};

static void timer_fire(void *app)
{
    struct app *a = app;
    struct engine *e = a->cpu->engine;

    engine_at(e, &a->background.timer, e->now + a->background.params->period);
    cpu_interrupt(a->cpu, &a->background.vector);
}

static void timer_handle(struct context *x, void *app)
{
    struct app *a = app;

    x->owed += sched_wake(&a->task, x->cpu);
}

int background_init(struct background *b, struct app *a, const struct background_params *p)
{
    *b = (struct background){ .params = p };
    b->vector = (struct vector){ .handler = timer_handle, .owner = a, .cost = a->host->hc->napi.timer };
    return event_init(a->cpu->engine, &b->timer, EVENT_DEVICE, timer_fire, a);
}

void background_start(struct app *a)
{
    engine_at(a->cpu->engine, &a->background.timer, a->cpu->engine->now + a->background.params->phase);
}

/* ---- the task ---- */

static void block(struct context *x)
{
    struct app *a = x->task->owner;

    a->counters.sleeps++;
    sched_sleep(x, background_begin);
}

/* Everything is on again: what has waited is taken before the task is gone. */
static void over(struct context *x)
{
    x->flags = 0;
    sched_prepare_sleep(x->task);
    context_work(x, x->cpu->host->hc->app.block, block);
}

static void enable_bh(struct context *x)
{
    local_bh_enable(x, over);
}

void background_begin(struct context *x)
{
    static const unsigned flags[] = {
        [BACKGROUND_USER] = STEP_USER, [BACKGROUND_KERNEL] = 0, [BACKGROUND_BH_OFF] = STEP_BH_OFF,
        [BACKGROUND_IRQS_OFF] = STEP_IRQS_OFF,
    };
    const struct app *a = x->task->owner;
    enum background_section section = (enum background_section)a->background.params->section;

    x->flags = flags[section];
    context_work(x, a->background.params->length, section == BACKGROUND_BH_OFF ? enable_bh : over);
}
