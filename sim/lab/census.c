/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/census.h"

#include "models/host.h"
#include "models/nic.h"

/* Frames whose completion is visible; those behind are still being written. */
static uint64_t waiting(const struct ring *r, ps_t now)
{
    uint64_t n = 0;

    for (const struct frame *f = r->filled.first; f && f->dma_at <= now; f = f->next)
        n++;
    return n;
}

static void look(void *census)
{
    struct census *n = census;
    struct host *h = n->host;

    for (int i = 0; i < h->nics; i++) {
        nic_settle(&h->nic[i]);
        for (int q = 0; q < h->nic[i].queues; q++)
            n->ring += waiting(&h->nic[i].queue[q].ring, h->engine.now);
    }
    n->inside += host_in_flight(h);
    n->looks++;
    engine_at(&h->engine, &n->event, h->engine.now + n->every);
}

int census_join(struct census *n, struct host *h)
{
    n->host = h;
    h->watched = true;
    if (event_init(&h->engine, &n->event, EVENT_MEASURE, look, n) != 0)
        return -1;
    engine_at(&h->engine, &n->event, 0);
    return 0;
}
