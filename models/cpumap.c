/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/cpumap.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

enum { CPUMAP_BATCH = 8, RING_BATCH = 16 };     /* cpumap.c CPUMAP_BATCH; ptr_ring.h: two cache lines of pointers */

static const struct param rows[] = {
    PARAM(struct cpumap_params, qsize, "xdp.cpumap.qsize", UNIT_COUNT, 192, 1, 16384, "frames that wait for a cpumap's kthread",
          "samples/bpf xdp_redirect_cpu: 192; cpumap.c: at most 16384"),
    PARAM_COST(struct cpumap_params, flush, "cost.cpumap.flush", 60, "one bulk into its ring: the producer's lock",
               "assumption; shared by up to eight frames"),
    PARAM_COST(struct cpumap_params, batch, "cost.cpumap.batch", 120, "the kthread's loop, for up to eight frames",
               "assumption; bulk allocation, bottom halves off and on"),
    PARAM_COST(struct cpumap_params, frame, "cost.cpumap.frame", 60, "one frame taken from the ring: its lines come from another core",
               "assumption; with cost.xdp.redirect UDP19's 24 to 34 ns for moving a packet"),
};
ALL_FIELDS_HAVE_ROWS(struct cpumap_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct cpumap_counters, enqueued, "xdp_cpumap_enqueued", "xdp:xdp_cpumap_enqueue processed", "frames that came into its ring"),
    COUNTER(struct cpumap_counters, drops, "xdp_cpumap_drops", "xdp:xdp_cpumap_enqueue drops", "frames that found it full"),
    COUNTER(struct cpumap_counters, batches, "xdp_cpumap_batches", "xdp:xdp_cpumap_kthread", "batches of the kthread"),
};
ALL_COUNTERS_HAVE_ROWS(struct cpumap_counters, counter_rows);

const struct model_info cpumap_model = {
    .name = "cpumap", .step = "2", .what = "XDP frames for other CPUs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, cpumap), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

/* ---- the polling CPU ---- */

/* The kthread will build it; until then it is only the frame's place in the ring. */
static struct skb *wrap(struct host *h, struct frame *f)
{
    const struct flow *flow = &h->flow[f->flow];
    struct skb *s = pool_take(&h->skbs);

    skb_build(s, f, flow, &h->nic[flow->nic].config->skb, false);
    s->hash = 0;
    return s;
}

/* bq_flush_to_queue: what does not fit is lost. */
static ps_t to_ring(struct host *h, struct cpumap_bulk *b, int cpu)
{
    struct cpumap *m = &h->cpumap[cpu];
    struct frame *f;

    if (!b->frames.first)
        return 0;
    while ((f = frame_pop(&b->frames)) != NULL) {
        struct skb *s = wrap(h, f);
        if (ptr_ring_produce(&m->ring, s)) {
            m->counters.enqueued++;
        } else {
            m->counters.drops++;
            host_skb_drop(h, s, FATE_CPUMAP_FULL);
        }
    }
    b->frames = (struct frame_queue){ 0 };
    return h->hc->cpumap.flush;
}

ps_t cpumap_enqueue(struct host *h, struct nic_queue *q, struct frame *f, int64_t cpus)
{
    int cpu = rps_cpu_of(h, (uint64_t)cpus, h->flow[f->flow].hash);
    struct cpumap_bulk *b = &q->bulk[cpu];
    ps_t cost = b->frames.length == CPUMAP_BULK ? to_ring(h, b, cpu) : 0;

    frame_push(&b->frames, f);
    b->used = true;
    return cost;
}

ps_t cpumap_flush(struct context *x, struct nic_queue *q)
{
    struct host *h = x->cpu->host;
    ps_t cost = 0;

    for (int cpu = 0; cpu < h->cpus; cpu++) {
        if (!q->bulk[cpu].used)
            continue;
        q->bulk[cpu].used = false;
        cost += to_ring(h, &q->bulk[cpu], cpu) + sched_wake(&h->cpumap[cpu].kthread, x->cpu);
    }
    return cost;
}

/* ---- the kthread ---- */

static void loop(struct context *x);

static void received(struct context *x)
{
    cache_leave(&x->cpu->host->cache);
    local_bh_enable(x, loop);
}

static void receive(struct context *x)
{
    if (context_stage(x, x->cpu->host->to.from_backlog, received))
        received(x);
}

static void batch(struct context *x)
{
    struct cpumap *m = x->task->owner;
    struct host *h = m->host;
    ps_t cost = h->hc->cpumap.batch;
    struct skb *s;

    x->flags = STEP_BH_OFF;
    x->list = (struct skb_queue){ 0 };
    while (x->list.length < CPUMAP_BATCH && (s = ptr_ring_consume(&m->ring)) != NULL) {
        cost += h->hc->cpumap.frame + h->hc->skb.alloc + host_new_skb(h);
        skb_push_tail(&x->list, s);
    }
    m->counters.batches++;
    cache_enter(&h->cache);
    context_work(x, cost, receive);
}

static void loop(struct context *x)
{
    struct cpumap *m = x->task->owner;

    x->flags = 0;
    if (m->ring.queue.first) {
        sched_checkpoint(x, batch);
    } else {
        sched_prepare_sleep(x->task);
        sched_sleep(x, loop);
    }
}

/* ---- construction ---- */

static bool any(const struct host *h)
{
    for (int i = 0; i < h->config.nics; i++) {
        if (h->config.nic[i].xdp.program == XDP_REDIRECT_CPUMAP)
            return true;
    }
    return false;
}

int cpumap_init(struct host *h)
{
    int64_t size = h->hc->cpumap.qsize;

    if (!any(h))
        return 0;
    h->cpumap = calloc((size_t)h->cpus, sizeof *h->cpumap);
    if (!h->cpumap)
        return -1;
    for (int i = 0; i < h->cpus; i++) {
        struct cpumap *m = &h->cpumap[i];
        m->host = h;
        m->ring.size = size;
        m->ring.batch = RING_BATCH > size / 2 ? 1 : RING_BATCH;
        task_init(&m->kthread, &h->cpu[i], "cpumap", m, loop);
    }
    return 0;
}

void cpumap_start(struct host *h)
{
    for (int i = 0; h->cpumap && i < h->cpus; i++)
        sched_wake(&h->cpumap[i].kthread, &h->cpu[i]);
}
