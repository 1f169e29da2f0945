/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/steal.h"

#include <stdio.h>

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct steal_params, period, "cpu.steal.period", UNIT_TIME, 0, 0, 3600 * SEC,
          "time from one window in which a virtual CPU does not run to the next; 0: it always runs", "a machine of its own"),
    PARAM(struct steal_params, length, "cpu.steal.length", UNIT_TIME, 1 * MS, 0, 3600 * SEC, "length of such a window",
          "assumption: a slice of another guest's"),
    PARAM(struct steal_params, phase, "cpu.steal.phase", UNIT_TIME, -1, -1, 3600 * SEC,
          "when the first begins; -1ps: drawn for each CPU and replication", "a replication's free variable"),
    PARAM(struct steal_params, cpus, "cpu.steal.cpus", UNIT_CPUS, 0, INT64_MIN, INT64_MAX, "CPUs that have them; 0: all", "ours"),
};
ALL_FIELDS_HAVE_ROWS(struct steal_params, rows);

const struct model_info steal_model = {
    .name = "steal", .step = "-", .what = "windows in which a virtual CPU does not run",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, steal), .params = rows, .n_params = ROWS(rows),
};

const char *steal_check(const struct steal_params *p)
{
    return p->period > 0 && p->length >= p->period ? "cpu.steal.length must be less than cpu.steal.period, or the CPU would "
                                                     "never run" : NULL;
}

bool steal_from(const struct steal_params *p, int cpu)
{
    return p->period > 0 && p->length > 0 && (p->cpus == 0 || (uint64_t)p->cpus >> cpu & 1);
}

static void begin(void *steal)
{
    struct steal *s = steal;
    struct engine *e = s->cpu->engine;
    const struct steal_params *p = &s->cpu->host->hc->steal;

    engine_at(e, &s->begin, e->now + p->period);
    engine_at(e, &s->end, e->now + p->length);
    cpu_freeze(s->cpu);
}

static void end(void *steal)
{
    struct steal *s = steal;

    cpu_thaw(s->cpu);
}

static ps_t draw_phase(const struct host *h, int cpu)
{
    const struct steal_params *p = &h->hc->steal;
    struct stream dice;
    char name[32];

    if (p->phase >= 0)
        return p->phase;
    snprintf(name, sizeof name, "steal%d", cpu);
    stream_seed(&dice, h->seed, h->replication, name);
    return (ps_t)stream_below(&dice, (uint64_t)p->period);
}

int steal_init(struct steal *s, struct cpu *c)
{
    *s = (struct steal){ .cpu = c };
    if (!steal_from(&c->host->hc->steal, c->index))
        return 0;
    s->phase = draw_phase(c->host, c->index);
    return event_init(c->engine, &s->begin, EVENT_DEVICE, begin, s) != 0 ||
           event_init(c->engine, &s->end, EVENT_DEVICE, end, s) != 0 ? -1 : 0;
}

void steal_start(struct steal *s)
{
    if (steal_from(&s->cpu->host->hc->steal, s->cpu->index))
        engine_at(s->cpu->engine, &s->begin, s->cpu->engine->now + s->phase);
}
