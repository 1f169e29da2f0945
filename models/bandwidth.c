/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/bandwidth.h"

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct bandwidth_params, quota, "app.cpu_quota", UNIT_TIME, 0, 0, 1 * SEC,
          "CPU time its cgroup may use in each period (cpu.max, cpu.cfs_quota_us); 0: no limit", "no limit unless one is set"),
    PARAM(struct bandwidth_params, period, "app.cpu_period", UNIT_TIME, 100 * MS, 1 * MS, 1 * SEC,
          "that period (cpu.cfs_period_us)", "kernel/sched/fair.c default_cfs_period: 100 ms; 1 ms to 1 s"),
};
ALL_FIELDS_HAVE_ROWS(struct bandwidth_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct bandwidth_counters, nr_periods, "nr_periods", "cgroup cpu.stat", "periods of its CPU quota"),
    COUNTER(struct bandwidth_counters, nr_throttled, "nr_throttled", "cgroup cpu.stat", "periods whose quota was used up"),
    COUNTER(struct bandwidth_counters, throttled_usec, "throttled_usec", "cgroup cpu.stat", "time it waited for a new quota"),
};
ALL_COUNTERS_HAVE_ROWS(struct bandwidth_counters, counter_rows);

const struct model_info bandwidth_model = {
    .name = "bandwidth", .step = "7", .what = "a cgroup's CPU quota",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, bandwidth), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

const char *bandwidth_check(const struct bandwidth_params *p, bool fifo)
{
    if (p->quota == 0)
        return NULL;
    if (fifo)
        return "app.cpu_quota limits tasks of SCHED_OTHER: leave it at 0 for app.sched fifo";
    return p->quota < 1 * MS ? "app.cpu_quota is at least 1ms, as the kernel demands; 0: no limit" : NULL;
}

static void refill_fire(void *bandwidth)
{
    struct bandwidth *b = bandwidth;
    struct engine *e = b->cpu->engine;

    engine_at(e, &b->refill, e->now + b->params->period);
    cpu_interrupt(b->cpu, &b->vector);
}

/* What was not used is lost; what was taken too much is owed. */
static void refill_handle(struct context *x, void *bandwidth)
{
    struct bandwidth *b = bandwidth;

    b->counters.nr_periods++;
    b->counters.nr_throttled += b->throttled;
    sched_account(x->cpu);
    b->left = (b->left < 0 ? b->left : 0) + b->params->quota;
    if (!b->throttled || b->left <= 0)
        return;
    b->counters.throttled_usec += (uint64_t)((x->cpu->engine->now - b->throttled_at) / US);
    sched_unthrottle(x->cpu, b);
}

int bandwidth_init(struct bandwidth *b, struct cpu *c, const struct bandwidth_params *p)
{
    *b = (struct bandwidth){ .params = p, .cpu = c, .left = p->quota };
    if (p->quota == 0)
        return 0;
    b->vector = (struct vector){ .handler = refill_handle, .owner = b, .cost = c->host->hc->napi.timer };
    return event_init(c->engine, &b->refill, EVENT_DEVICE, refill_fire, b);
}

void bandwidth_start(struct bandwidth *b)
{
    if (b->params->quota > 0)
        engine_at(b->cpu->engine, &b->refill, b->cpu->engine->now + b->params->period);
}
