/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/pages.h"

#include <stdlib.h>

#include "models/host_config.h"

static const char *const kinds[] = { "recycled", "half", "pool", NULL };

enum { MILLION = 1000000 };

static const struct param rows[] = {
    PARAM_CHOICE(struct pages_params, kind, "nic.ring.pages", PAGES_RECYCLED, kinds,
                 "where refills find buffers: always recycled, in half pages that nobody holds, or in a page_pool",
                 "ours: recycled, as in an idle driver; ixgbe, igb, i40e: half; mlx5, and ice from 6.19 on: pool"),
    PARAM(struct pages_params, alloc_fail, "nic.ring.alloc_fail", UNIT_COUNT, 0, 0, MILLION - 1,
          "allocations of receive buffers that fail, per million", "ours: memory is there"),
    PARAM_SWITCH(struct pages_params, alloc_fail_repoll, "nic.ring.alloc_fail_repoll", 0,
                 "a poll whose refill failed claims its whole weight, to be polled again",
                 "i40e_clean_rx_irq, ice_clean_rx_irq: on; ixgbe, igb: off"),
};
ALL_FIELDS_HAVE_ROWS(struct pages_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct pages_counters, rx_cache_reuse, "rx_cache_reuse", "ethtool -S (i40e; mlx5: rx_pp_recycle_ring)",
            "receive buffers used again; nic.ring.pages half or pool"),
    COUNTER(struct pages_counters, rx_cache_alloc, "rx_cache_alloc",
            "ethtool -S (i40e; ixgbe: alloc_rx_page; mlx5: rx_pp_alloc_slow)",
            "pages allocated for the ring after it was filled first"),
    COUNTER(struct pages_counters, alloc_rx_page_failed, "alloc_rx_page_failed",
            "ethtool -S (ixgbe; igb: rx_queue_N_alloc_failed; mlx5: rx_buff_alloc_err)",
            "refills that stopped because an allocation failed"),
    COUNTER(struct pages_counters, rx_pages_max, "rx_pages_max", "simulator only",
            "most pages in the ring and with skbs at once; nic.ring.pages half or pool"),
};
ALL_COUNTERS_HAVE_ROWS(struct pages_counters, counter_rows);

const struct model_info pages_model = {
    .name = "pages", .step = "1", .what = "the memory of the receive buffers",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, pages), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static void post(struct pages *p, struct rx_page *page)
{
    page->in_ring = true;
    p->posted[(p->head + p->count++) % p->room] = page;
}

static struct rx_page *new_page(struct pages *p)
{
    struct rx_page *page = pool_take(p->pool);

    *page = (struct rx_page){ .owner = p };
    if (++p->alive > p->counters.rx_pages_max)
        p->counters.rx_pages_max = p->alive;
    return page;
}

int pages_init(struct pages *p, const struct pages_params *params, struct pool *pool, int64_t size, int64_t posted,
               const char *stream, uint64_t seed, uint64_t replication)
{
    *p = (struct pages){ .params = params, .pool = pool, .room = size };
    p->on = params->kind != PAGES_RECYCLED || params->alloc_fail > 0;
    stream_seed(&p->dice, seed, replication, stream);
    if (params->kind == PAGES_RECYCLED)
        return 0;
    p->posted = malloc((size_t)size * sizeof(struct rx_page *));
    if (!p->posted)
        return -1;
    while (p->count < posted)
        post(p, new_page(p));
    return 0;
}

void pages_free(struct pages *p)
{
    free(p->posted);
    p->posted = NULL;
}

/* A buffer that is not new, if there is one. */
static bool reuse(struct pages *p)
{
    if (p->params->kind == PAGES_HALF && p->stayed > 0) {
        p->stayed--;                    /* it stands in its place already */
        return true;
    }
    struct rx_page *page = p->store;
    if (!page)
        return false;
    p->store = page->next;
    p->stored--;
    post(p, page);
    return true;
}

static bool allocate(struct pages *p)
{
    if (p->params->alloc_fail > 0 && stream_below(&p->dice, MILLION) < (uint64_t)p->params->alloc_fail)
        return false;
    if (p->params->kind != PAGES_RECYCLED) {
        post(p, new_page(p));
        p->counters.rx_cache_alloc++;
    }
    return true;
}

int64_t pages_obtain(struct pages *p, int64_t n, ps_t page, ps_t *cost)
{
    bool recycled = p->params->kind == PAGES_RECYCLED;
    int64_t got = 0;

    p->failed = false;
    for (; got < n; got++) {
        if (!recycled && reuse(p)) {
            p->counters.rx_cache_reuse++;
            continue;
        }
        if (!allocate(p)) {
            p->failed = true;
            p->counters.alloc_rx_page_failed++;
            break;
        }
        if (!recycled)
            *cost += page;
    }
    return got;
}

/* The oldest posted page, whose descriptor the NIC has used. */
static struct rx_page *oldest(struct pages *p)
{
    struct rx_page *page = p->posted[p->head];

    p->head = (p->head + 1) % p->room;
    p->count--;
    page->in_ring = false;
    return page;
}

void pages_give(struct pages *p, struct frame *f)
{
    if (p->params->kind == PAGES_RECYCLED)
        return;
    struct rx_page *page = oldest(p);
    if (p->params->kind == PAGES_HALF && page->users == 0) {
        post(p, page);
        p->stayed++;
    }
    page->users++;
    f->page = page;
}

void pages_keep(struct pages *p)
{
    if (p->params->kind == PAGES_RECYCLED)
        return;
    struct rx_page *page = oldest(p);
    if (p->params->kind == PAGES_HALF) {
        post(p, page);
        p->stayed++;
    } else {
        page->next = p->store;
        p->store = page;
        p->stored++;
    }
}

void pages_release(struct rx_page *page)
{
    struct pages *p = page->owner;

    if (--page->users > 0 || page->in_ring)
        return;
    if (p->params->kind == PAGES_POOL && p->stored < p->room) {
        page->next = p->store;
        p->store = page;
        p->stored++;
        return;
    }
    p->alive--;
    pool_return(p->pool, page);
}
