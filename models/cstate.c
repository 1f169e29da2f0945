/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cstate.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct cstate_params, c1e_latency, "cpu.cstate.c1e.exit_latency", UNIT_TIME, 0, 0, 10 * MS,
          "time to leave C1E; 0: the core has no such state", "Intel servers: 4-10 us (intel_idle.c); off here"),
    PARAM(struct cstate_params, c1e_residency, "cpu.cstate.c1e.target_residency", UNIT_TIME, 20 * US, 0, 1 * SEC,
          "idle for less is expected: C1E is not taken", "drivers/idle/intel_idle.c: 20 us"),
    PARAM(struct cstate_params, c6_latency, "cpu.cstate.c6.exit_latency", UNIT_TIME, 0, 0, 10 * MS,
          "time to leave C6; 0: the core has no such state", "Intel servers: 133-170 us (intel_idle.c); off here"),
    PARAM(struct cstate_params, c6_residency, "cpu.cstate.c6.target_residency", UNIT_TIME, 600 * US, 0, 1 * SEC,
          "idle for less is expected: C6 is not taken", "drivers/idle/intel_idle.c: 600 us"),
    PARAM(struct cstate_params, latency_limit, "cpu.cstate.latency_limit", UNIT_TIME, 0, 0, 1 * SEC,
          "no deep state with a longer exit is taken: /dev/cpu_dma_latency, tuned's force_latency; 0: no limit",
          "kernel/power/qos.c: no limit unless a program asks"),
};
ALL_FIELDS_HAVE_ROWS(struct cstate_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct cstate_counters, c1e, "cstate_c1e", "/sys/../cpuidle/state*/usage", "times C1E was entered"),
    COUNTER(struct cstate_counters, c6, "cstate_c6", "/sys/../cpuidle/state*/usage", "times C6 was entered"),
};
ALL_COUNTERS_HAVE_ROWS(struct cstate_counters, counter_rows);

const struct model_info cstate_model = {
    .name = "cstate", .step = "-", .what = "deeper idle states, and who chooses",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, cstate), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

bool cstate_deep(const struct cstate_params *p)
{
    return p->c1e_latency > 0 || p->c6_latency > 0;
}

/* Average, variance and largest of the intervals up to `most`, in us. */
struct spread { int64_t n, average, variance, largest; };

static struct spread spread_of(const struct cstate *c, int64_t most)
{
    struct spread s = { 0 };
    int64_t sum = 0, squares = 0;

    for (int i = 0; i < CSTATE_INTERVALS; i++) {
        if (c->interval[i] > most)
            continue;
        s.n++;
        sum += c->interval[i];
        if (c->interval[i] > s.largest)
            s.largest = c->interval[i];
    }
    if (s.n == 0)
        return s;
    s.average = sum / s.n;
    for (int i = 0; i < CSTATE_INTERVALS; i++) {
        if (c->interval[i] <= most)
            squares += (c->interval[i] - s.average) * (c->interval[i] - s.average);
    }
    s.variance = squares / s.n;
    return s;
}

/* get_typical_interval: the average of intervals that are alike; if they are not, of the others than the longest, as long as
 * more than six of the eight are left. */
int64_t cstate_typical_interval(const struct cstate *c)
{
    enum { ALIKE_US2 = 400, SIX_SIGMA = 36, FEW = 6 };
    int64_t most = INT64_MAX;

    for (;;) {
        struct spread s = spread_of(c, most);
        if (s.largest == 0)
            return -1;
        if (s.variance <= ALIKE_US2 || (s.average * s.average > SIX_SIGMA * s.variance && s.n >= FEW))
            return s.average;
        if (s.n <= FEW)
            return -1;
        most = s.largest - 1;
    }
}

static bool allowed(const struct cstate_params *p, ps_t latency, ps_t residency, int64_t guess)
{
    return latency > 0 && (p->latency_limit == 0 || latency <= p->latency_limit) &&
           (guess < 0 || residency <= guess * US);
}

void cstate_enter(struct cstate *c)
{
    const struct cstate_params *p = c->params;
    int64_t guess = cstate_typical_interval(c);

    c->chosen = 0;
    if (allowed(p, p->c6_latency, p->c6_residency, guess)) {
        c->chosen = p->c6_latency;
        c->counters.c6++;
    } else if (allowed(p, p->c1e_latency, p->c1e_residency, guess)) {
        c->chosen = p->c1e_latency;
        c->counters.c1e++;
    }
}

void cstate_leave(struct cstate *c, ps_t idle)
{
    enum { LONGEST_US = 1000000 };      /* a square of it, eight times, is far from 2^63 */

    c->interval[c->next] = idle / US < LONGEST_US ? idle / US : LONGEST_US;
    c->next = (c->next + 1) % CSTATE_INTERVALS;
    c->chosen = 0;
}
