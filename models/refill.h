/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The driver gives empty descriptors back to the NIC: a part of models/driver, inline for it and for models/express. */
#ifndef MODELS_REFILL_H
#define MODELS_REFILL_H

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

/* New skbs for those that the ring has given away, at most `n`. */
static inline ps_t refill_skbs_cost(struct nic_queue *q, int64_t n)
{
    const struct skb_params *p = &q->nic->host->hc->skb;
    int64_t left = q->driver.skbs_taken > n ? q->driver.skbs_taken - n : 0;
    ps_t cost = (q->driver.skbs_taken - left) * p->ring;

    for (; q->driver.skbs_taken > left; q->driver.skbs_taken--) {
        q->driver.ring_skbs++;
        if (p->heads_every > 0 && q->driver.ring_skbs % (uint64_t)p->heads_every == 0)
            cost += p->ring_heads;
    }
    return cost;
}

static inline ps_t refill(struct nic_queue *q)
{
    int64_t n = q->ring.empty;
    ps_t pages = 0;

    if (n == 0)
        return 0;
    if (q->pages.on)
        n = pages_obtain(&q->pages, n, q->driver.params->page, &pages);
    if (!nic_ring_lasts(q))             /* else nobody can have missed these descriptors */
        nic_settle(q->nic);
    if (ring_refill(&q->ring, n) && q->nic->blocked == q)
        nic_tail(q);
    return q->driver.params->refill + n * q->driver.params->refill_frame + refill_skbs_cost(q, n) + pages;
}

#endif
