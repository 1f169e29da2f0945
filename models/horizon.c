/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/horizon.h"

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static bool has_tcp(const struct host *h)
{
    for (uint32_t i = 0; i < h->flows; i++) {
        if (h->flow[i].key.proto == FLOW_TCP)
            return true;
    }
    return false;
}

/* Frames that XDP sends to other cores. */
static bool redirects(const struct host *h)
{
    for (int i = 0; i < h->nics; i++) {
        if (xdp_redirects(&h->nic[i].config->xdp))
            return true;
    }
    return false;
}

/* Packets that are received more than once, or in pieces, or by several. */
static bool has_special(const struct host *h)
{
    for (uint32_t i = 0; i < h->flows; i++) {
        const struct flow *f = &h->flow[i];
        if (f->special || f->udp_gro || h->nic[f->nic].config->bridge.master != MASTER_NONE)
            return true;
    }
    return false;
}

/* A queue's interrupt goes to the core, or what it receives is steered there. */
static bool queue_reaches(const struct nic_queue *q, const struct cpu *c)
{
    return q->irq.cpu == c || q->napi.cpu == c || q->config->rps.rps_cpus >> c->index & 1;
}

static bool nics_reach(const struct host *h, const struct cpu *c)
{
    for (int i = 0; i < h->nics; i++) {
        for (int k = 0; k < h->nic[i].queues; k++) {
            if (queue_reaches(&h->nic[i].queue[k], c))
                return true;
        }
    }
    return false;
}

static bool answers(const struct host *h)
{
    for (int i = 0; i < h->apps; i++) {
        if (h->app[i].params->reply > 0)
            return true;
    }
    return false;
}

/* A quota's timer is an interrupt of the core, so such a task is not alone. */
static int tasks_on(const struct host *h, const struct cpu *c)
{
    int n = 0;

    for (int i = 0; i < h->apps; i++) {
        if (h->app[i].cpu == c)
            n += h->app[i].task.bandwidth ? 2 : 1;
    }
    return n;
}

/* A buffer that a reader frees may be one that a driver looks at. */
static bool pages_return(const struct host *h)
{
    for (int i = 0; i < h->nics; i++) {
        if (h->nic[i].config->pages.kind != PAGES_RECYCLED)
            return true;
    }
    return false;
}

/* Its rounds are not those of models/reading, or others read the same socket. */
static bool reads_otherwise(const struct host *h, const struct cpu *c)
{
    for (int i = 0; i < h->apps; i++) {
        if (h->app[i].cpu == c && !app_reads_alone(&h->app[i]))
            return true;
    }
    return false;
}

void horizon_init(struct host *h)
{
    bool watched = h->engine.trace.hook || h->watched;
    bool possible = h->engine.batch && !watched && !has_tcp(h) && !has_special(h) && !answers(h) && !busy_poll_anywhere(h) &&
                    h->requesters == 0 && h->sendmsgs == 0 && !h->tap && !redirects(h) && h->hc->skb.page_every == 0 &&
                    !h->rfs.sock_flow && !h->irqbalance.cpu && !pages_return(h) && !h->udp_mem.binds;

    for (int i = 0; i < h->cpus; i++)
        h->cpu[i].secluded = possible && !steal_from(&h->hc->steal, i) && tasks_on(h, &h->cpu[i]) == 1 &&
                             !reads_otherwise(h, &h->cpu[i]) && !nics_reach(h, &h->cpu[i]);
}

ps_t horizon_of(const struct cpu *c)
{
    const struct engine *e = c->engine;
    ps_t tick = event_when(e, &c->tick), ipi = event_when(e, &c->resched_ipi);

    if (!c->secluded || c->irq_first || c->softirq->pending || c->rq->need_resched)
        return e->now;
    ps_t first = tick < ipi ? tick : ipi;
    return first <= e->limit ? first : e->limit + 1;
}
