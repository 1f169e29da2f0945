/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tap.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct tap_params, taps, "app.taps", UNIT_COUNT, 0, 0, 64,
          "AF_PACKET taps (tcpdump) on every interface; each copies what passes", "none is the usual state"),
    PARAM(struct tap_params, ring, "app.tap_ring", UNIT_COUNT, 0, 0, 10000000,
          "slots of each tap's PACKET_MMAP ring, which a task reads; 0: never full, and nobody reads",
          "0: ours; tcpdump's 2 MiB and a snapshot length of 262144 make 8"),
    PARAM(struct tap_params, cpu, "app.tap_cpu", UNIT_COUNT, -1, -1, CONFIG_CPUS - 1,
          "CPU that the readers of the taps run on; -1: the last", "ours"),
    PARAM_COST(struct tap_params, tap, "cost.netif.tap", 700, "one tap: clone, filter, ring slot", "assumption"),
    PARAM_COST_PER_BYTE(struct tap_params, tap_byte, "cost.netif.tap_byte", 60,
                        "copying to one tap", "copy at 0.03 ns/B warm (veth measurement), 3.8 GHz, doubled for cold data"),
    PARAM_COST(struct tap_params, read, "cost.tap.read", 1000, "the reader's work on one slot: print or write, give it back",
               "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct tap_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct tap_counters, tapped, "tapped", "tcpdump's packets received", "skbs shown to taps, once for each"),
    COUNTER(struct tap_counters, dropped, "tap_dropped", "tcpdump's packets dropped by kernel; PACKET_STATISTICS tp_drops",
            "of them, those that found the tap's ring full"),
};
ALL_COUNTERS_HAVE_ROWS(struct tap_counters, counter_rows);

const struct model_info tap_model = {
    .name = "tap", .step = "-", .what = "AF_PACKET taps and their readers",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, tap), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- the reader ---- */

static void look(struct context *x);

static void read_one(struct context *x)
{
    struct tap *t = x->task->owner;

    t->used--;
    sched_checkpoint(x, look);
}

/* Slots are read in user mode; poll() sleeps when there are none. */
static void look(struct context *x)
{
    struct tap *t = x->task->owner;

    if (t->used > 0) {
        x->flags = STEP_USER;
        context_work(x, t->host->hc->tap.read, read_one);
        return;
    }
    x->flags = 0;
    sched_prepare_sleep(x->task);
    sched_sleep(x, look);
}

/* ---- the kernel's side ---- */

static ps_t copy_cost(const struct tap_params *p, const struct skb *s)
{
    return ps_of_fs_per_byte(p->tap_byte, s->len);
}

static ps_t to_ring(struct context *x, struct tap *t, const struct skb *s)
{
    const struct tap_params *p = &x->cpu->host->hc->tap;

    if (t->used == p->ring) {
        x->cpu->host->tap_counters[x->cpu->index].dropped++;
        return 0;
    }
    t->used++;
    return copy_cost(p, s) + sched_wake(&t->reader, x->cpu);
}

ps_t tap_receive(struct context *x, const struct skb *s)
{
    struct host *h = x->cpu->host;
    const struct tap_params *p = &h->hc->tap;
    ps_t cost = p->taps * p->tap;

    h->tap_counters[x->cpu->index].tapped += (uint64_t)p->taps;
    if (!h->tap)
        return cost + p->taps * copy_cost(p, s);
    for (int i = 0; i < p->taps; i++)
        cost += to_ring(x, &h->tap[i], s);
    return cost;
}

/* ---- construction ---- */

int tap_init(struct host *h)
{
    const struct tap_params *p = &h->hc->tap;
    int64_t cpu = p->cpu < 0 ? h->cpus - 1 : p->cpu;

    h->tap_counters = calloc((size_t)h->cpus, sizeof *h->tap_counters);
    if (!h->tap_counters)
        return -1;
    if (p->taps == 0 || p->ring == 0)
        return 0;
    h->tap = calloc((size_t)p->taps, sizeof *h->tap);
    if (!h->tap)
        return -1;
    for (int i = 0; i < p->taps; i++) {
        h->tap[i].host = h;
        task_init(&h->tap[i].reader, &h->cpu[cpu], "tcpdump", &h->tap[i], look);
    }
    return 0;
}

void tap_start(struct host *h)
{
    for (int i = 0; h->tap && i < h->hc->tap.taps; i++)
        sched_wake(&h->tap[i].reader, h->tap[i].reader.cpu);
}
