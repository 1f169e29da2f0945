/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of one ring's receive buffers: which pages come back, and which must be allocated.
 *
 * In    pages_obtain()   a refill needs buffers for so many descriptors
 *       pages_give()     a frame's buffer goes with its skb
 *       pages_keep()     the driver is done with a buffer by itself: copied, or taken by XDP
 *       pages_release()  the end of a frame whose buffer an skb had
 * Out   the cost of new pages; how many there were
 *
 * nic.ring.pages says what is known of a page:
 *   recycled  nothing: every buffer is used again, at the cost of a refill (what the drivers strive for)
 *   half      Intel: a page is two buffers that take turns. After its half has gone with an skb the page stays in the ring
 *             if nobody holds the other half any more, else it is given up and a new one must be allocated
 *             (ixgbe_can_reuse_rx_page, ixgbe_reuse_rx_page). A socket queue that stands still so turns recycling into
 *             allocation, and each of its small datagrams may keep a whole page
 *   pool      page_pool: a page comes back when its skb is freed, to a store of one ring's size, and refills take from
 *             there first (net/core/page_pool.c)
 * A page serves in the order in which it was posted; pages that stay are posted before new ones.
 *
 * Of the buffers that are allocated nic.ring.alloc_fail in a million fail: the refill stops there, the rest stays empty until
 * the poll ends or the next begins (ixgbe_alloc_rx_buffers), and the driver may ask to be polled again (i40e, ice: nic.ring.alloc_fail_repoll). With
 * `recycled` that is every buffer.
 *
 * Not modelled: pages of another NUMA node or of the emergency reserve, pages for frames over several buffers, the
 * per-CPU caches of the page allocator, page_pool's small cache before its store, the watchdog that polls a ring which has
 * run empty (ixgbe: every two seconds). */
#ifndef MODELS_PAGES_H
#define MODELS_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/frame.h"
#include "sim/engine/random.h"

enum pages_kind { PAGES_RECYCLED, PAGES_HALF, PAGES_POOL };

struct pages_params {
    int64_t kind;               /* enum pages_kind */
    int64_t alloc_fail;         /* of a million */
    int64_t alloc_fail_repoll;
};
extern const struct model_info pages_model;

struct pages_counters {
    uint64_t rx_cache_reuse;
    uint64_t rx_cache_alloc;
    uint64_t alloc_rx_page_failed;
    uint64_t rx_pages_max;
};

struct pages;

struct rx_page {
    struct rx_page *next;       /* in the store */
    struct pages *owner;
    int32_t users;              /* skbs that hold a part of it */
    bool in_ring;
};

struct pages {
    const struct pages_params *params;
    struct pages_counters counters;
    bool on;                    /* any of it is modelled */
    struct pool *pool;
    struct rx_page **posted;    /* in order of use: a ring of `room` */
    int64_t head, count, room;
    int64_t stayed;             /* at its end, which the next refill posts */
    struct rx_page *store;      /* page_pool's */
    int64_t stored;
    uint64_t alive;             /* pages of this ring, wherever they are */
    bool failed;                /* the last refill did */
    struct stream dice;
};

/* A ring of `posted` buffers out of `size`, which draws its failures from the stream of that name. Returns 0, or -1 when out
 * of memory. */
int pages_init(struct pages *p, const struct pages_params *params, struct pool *pool, int64_t size, int64_t posted,
               const char *stream, uint64_t seed, uint64_t replication);
void pages_free(struct pages *p);

/* Buffers for `n` descriptors: how many there are. Adds `page` to *cost for each that is new. */
int64_t pages_obtain(struct pages *p, int64_t n, ps_t page, ps_t *cost);
void pages_give(struct pages *p, struct frame *f);
void pages_keep(struct pages *p);
void pages_release(struct rx_page *page);

#endif
