/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/driver.h"

#include "models/express.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/refill.h"

static const struct param rows[] = {
    PARAM_COST(struct driver_params, poll, "cost.driver.scan", 40, "the end of the ring scan: no further descriptor is done",
               "assumption; 30 instructions measured under icount"),
    PARAM_COST(struct driver_params, frame, "cost.driver.frame", 85,
               "taking one frame: descriptor, DMA sync, first touch of the header",
               "XDP_DROP at 3.8 GHz takes 147-156 cycles, program and refill included (XDP paper, CoNEXT 2018)"),
    PARAM_COST(struct driver_params, first, "cost.driver.first", 60, "more for the first frame of a poll: cold lines",
               "assumption"),
    PARAM_COST(struct driver_params, buffer, "cost.driver.buffer", 85,
               "each further buffer of a frame longer than nic.ring.buffer: descriptor, DMA sync, page fragment",
               "assumption: as cost.driver.frame; ixgbe_add_rx_frag"),
    PARAM_COST(struct driver_params, copy, "cost.driver.copy", 0, "more for a frame that is copied, beside its bytes",
               "in cost.skb.alloc; 187 instructions measured under icount"),
    PARAM_COST_PER_BYTE(struct driver_params, copy_byte, "cost.driver.copy_byte", 125,
                        "copying a frame up to nic.copybreak", "measured under icount: 1/8 instruction a byte"),
    PARAM_COST(struct driver_params, refill, "cost.driver.refill", 60, "one refill call, tail write included",
               "assumption; 61 instructions measured under icount"),
    PARAM_COST(struct driver_params, refill_frame, "cost.driver.refill_frame", 20, "each descriptor refilled",
               "assumption; page recycled, DMA sync for device"),
    PARAM_COST(struct driver_params, page, "cost.driver.page", 300,
               "more for a buffer on a new page: allocate, map, and free the old one (nic.ring.pages half or pool)",
               "page alloc and free 55-62 ns, 3.8 GHz (Brouer's kernel micro-benchmarks); mapping without IOMMU: assumption"),
    PARAM_COST(struct driver_params, hwtstamp, "cost.driver.hwtstamp", 60,
               "a hardware time stamp of one frame: read it with the descriptor, convert cycles to ns (nic.hwtstamp)",
               "assumption: seqlock and timecounter_cyc2time"),
    PARAM_COST_PER_BYTE(struct driver_params, checksum_byte, "cost.driver.checksum_byte", 250,
                        "the TCP checksum in software, for each byte behind the IP header (nic.features.rx off)",
                        "assumption: csum_partial with cold data, 4 bytes a cycle"),
    PARAM_COST(struct driver_params, ddio_miss, "cost.driver.ddio_miss", 530,
               "descriptor and first line of a frame that come from memory, not from the last-level cache (cpu.ddio.size)",
               "assumption: two misses of 70 ns at 3.8 GHz"),
};
ALL_FIELDS_HAVE_ROWS(struct driver_params, rows);

const struct model_info driver_model = {
    .name = "driver", .step = "3", .what = "the driver's poll: from ring to skb to GRO",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, driver), .params = rows, .n_params = ROWS(rows),
};

static const struct param nic_rows[] = {
    PARAM_SWITCH(struct driver_nic_params, gro, "nic.features.gro", 1, "generic receive offload",
                 "ethtool -K gro; on by default"),
    PARAM(struct driver_nic_params, copybreak, "nic.copybreak", UNIT_BYTES, 0, 0, 65536,
          "frames up to this size (without FCS) are copied into a small skb; 0: never", "e1000e: 256; ixgbe with build_skb: 0"),
    PARAM_SWITCH(struct driver_nic_params, rxhash, "nic.features.rxhash", 1, "the NIC passes its hash to the stack",
                 "ethtool -K rxhash"),
    PARAM_SWITCH(struct driver_nic_params, holds_skbs, "nic.ring.holds_skbs", 0,
                 "the ring's buffers are skbs, allocated by the refill; off: an skb is built in the poll",
                 "e1000e e1000_alloc_rx_buffers; off for build_skb drivers"),
    PARAM_SWITCH(struct driver_nic_params, rx, "nic.features.rx", 1, "the NIC verifies checksums (receive checksum offload)",
                 "ethtool -K rx; on by default"),
    PARAM_SWITCH(struct driver_nic_params, hwtstamp, "nic.hwtstamp", 0,
                 "every received frame gets a hardware time stamp, which its skb carries",
                 "SIOCSHWTSTAMP rx_filter all; ptp4l and others ask for it"),
};
ALL_FIELDS_HAVE_ROWS(struct driver_nic_params, nic_rows);

const struct model_info driver_nic_model = {
    .name = "driver", .step = "3", .what = "the driver's features",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, driver), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

enum { CACHE_LINE = 64 };

static void next_frame(struct context *x);

static struct nic_queue *of(const struct context *x)
{
    return x->napi->owner;
}

/* ---- one frame ---- */

static bool copied(const struct nic_queue *q, const struct frame *f)
{
    return f->wire_bytes - ETH_FCS <= q->driver.nic_params->copybreak;
}

/* Cuts the skb's head from a page; the first head of a page pays for it. The machine is warm: there is a page already
 * when the first frame comes. */
static inline ps_t take_head(struct host *h, struct skb *s, const struct skb_params *p)
{
    ps_t cost = 0;

    if (p->page_every == 0)
        return 0;
    if (!h->head_page) {
        h->head_page = pool_take(&h->head_pages);
        h->head_page->heads = p->page_every;
        h->heads_left = p->page_every;
        cost = h->skb_builds > 0 ? p->page : 0;
    }
    s->page = h->head_page;
    if (--h->heads_left == 0)
        h->head_page = NULL;
    return cost;
}

/* What this skb's memory costs: caches run dry in a fixed rhythm. */
static inline ps_t memory_cost(struct host *h, struct skb *s, const struct skb_params *p)
{
    return p->alloc + take_head(h, s, p) + host_new_skb(h);
}

/* The frame's skb goes to GRO, and GRO's list up if it is full. */
static inline bool to_gro(struct context *x)
{
    struct nic_queue *q = of(x);
    struct napi *n = x->napi;
    struct skb *s = x->skb;

    x->skb = NULL;
    if (gro_receive(&n->gro, s, q->driver.gro, s->stamp)) {
        x->owed += n->gro.params->merge;
        x->owed += host_skb_free(n->cpu->host, s);
    }
    return !gro_list_full(&n->gro) || context_stage(x, x->cpu->host->to.hand_up, next_frame);
}

static void frame_done(struct context *x)
{
    if (to_gro(x))
        next_frame(x);
}

/* The program has not passed the frame: its verdict takes effect when the driver's work on it is done. */
static void xdp_taken(struct context *x)
{
    xdp_act(x, of(x), x->frame);
    next_frame(x);
}

/* Descriptor and frame are written into the last-level cache, and are still there if what all rings hold fits into the
 * share that DMA may fill: of frames like this one, so many lines each. What is expected of the rest must come from
 * memory. */
static ps_t ddio_cost(const struct nic_queue *q, const struct frame *f)
{
    const struct host_config *c = q->nic->host->hc;
    int64_t lines = (f->wire_bytes - ETH_FCS + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE + c->dma.descriptor;
    int64_t footprint = q->nic->host->descriptors * lines;

    if (c->cpu.ddio_size == 0 || footprint <= c->cpu.ddio_size)
        return 0;
    return (ps_t)((__extension__ (__int128)c->driver.ddio_miss) * (footprint - c->cpu.ddio_size) / footprint);
}

/* What only some machines do with a frame: keep the books of its page, take a time stamp, sum it up, wait for memory. TCP's
 * checksum is verified by GRO or before the connection sees the segment, UDP's with the copy to the reader. */
static __attribute__((noinline)) ps_t extras(struct nic_queue *q, struct frame *f, bool copy)
{
    const struct driver_params *p = q->driver.params;
    const struct flow *flow = &q->nic->host->flow[f->flow];
    ps_t cost = ddio_cost(q, f);

    if (q->pages.on && copy)
        pages_keep(&q->pages);
    else if (q->pages.on)
        pages_give(&q->pages, f);
    if (q->driver.nic_params->hwtstamp)
        cost += p->hwtstamp;
    if (!q->driver.nic_params->rx && flow->key.proto == FLOW_TCP)
        cost += ps_of_fs_per_byte(p->checksum_byte, f->wire_bytes - ETH_FCS - ETH_HLEN - IP_HLEN);
    return cost;
}

/* A frame that XDP takes: its buffer goes along to another CPU, which makes an skb of it, or the driver has it back soon. */
static void xdp_page(struct nic_queue *q, struct frame *f)
{
    if (q->nic->config->xdp.program == XDP_REDIRECT_CPUMAP)
        pages_give(&q->pages, f);
    else
        pages_keep(&q->pages);
}

/* What it costs to make this frame an skb and offer it to GRO. */
static inline ps_t skb_cost(struct context *x, struct skb *s, const struct frame *f, bool copy)
{
    struct nic_queue *q = of(x);
    struct host *h = x->cpu->host;
    const struct gro_params *gro = x->napi->gro.params;
    ps_t cost = q->driver.gro ? gro->frame : gro->bypass;

    if (copy)
        cost += q->driver.params->copy + ps_of_fs_per_byte(q->driver.params->copy_byte, f->wire_bytes - ETH_FCS);
    s->from_ring = !copy && q->driver.nic_params->holds_skbs;
    if (s->from_ring)
        q->driver.skbs_taken++;
    else
        cost += memory_cost(h, s, &h->hc->skb);
    return cost;
}

/* One frame, up to its skb on GRO's list or above. False: its time goes on in the core, which then comes back to
 * next_frame. */
static inline bool take(struct context *x, struct nic_queue *q, struct frame *f)
{
    struct host *h = x->cpu->host;
    const struct driver_params *p = q->driver.params;
    bool copy = copied(q, f);
    ps_t cost = p->frame;

    if (h->far_memory)
        cost += cache_extra(&h->cache, h->hc->cache.frame) + numa_frame(q->nic, x->cpu);
    napi_took(x->napi, f, x->cpu->index, h->engine.now);
    if (x->work == 0)
        cost += p->first;
    x->work++;
    const struct flow *flow = &h->flow[f->flow];
    if (!xdp_run(&q->nic->config->xdp, &h->hc->xdp, flow, &cost)) {
        if (q->pages.on)
            xdp_page(q, f);
        x->frame = f;
        context_work(x, host_vary(h, cost, f->id, 0), xdp_taken);
        return false;
    }
    int64_t buffers = ring_buffers(&q->ring, f->wire_bytes);
    x->skb = pool_take(&h->skbs);
    if (flow->plain && !f->bad && buffers == 1)
        skb_build_plain(x->skb, f, &q->nic->config->skb, copy);
    else
        skb_build(x->skb, f, flow, &q->nic->config->skb, copy);
    if (buffers > 1) {
        skb_add_buffers(x->skb, (int)buffers - 1, q->ring.single);
        cost += (buffers - 1) * p->buffer;
    }
    cost += skb_cost(x, x->skb, f, copy);
    if (q->driver.extras)
        cost += extras(q, f, copy);
    if (!q->driver.nic_params->rxhash)
        x->skb->hash = 0;
    x->skb->stamp = x->poll_jiffy;
    return context_spend(x, host_vary(h, cost, f->id, 0), frame_done) && to_gro(x);
}

bool driver_extras(const struct nic_queue *q)
{
    const struct driver_nic_params *p = q->driver.nic_params;

    return q->pages.on || p->hwtstamp || !p->rx || q->nic->host->hc->cpu.ddio_size > 0;
}

/* ---- the poll ---- */

static void poll_over(struct context *x)
{
    const struct ring_params *p = of(x)->ring.params;

    if (p->refill_at_end > 0 && of(x)->ring.empty >= p->refill_at_end)
        x->owed += refill(of(x));
    x->work = tx_report(&of(x)->tx, x->work, x->budget);
    if (of(x)->pages.failed && of(x)->pages.params->alloc_fail_repoll)
        x->work = (int)x->budget;
    if (x->work < x->budget) {
        x->owed += of(x)->driver.params->poll;
        napi_complete_done(x);          /* returns to the core for us */
    } else {
        context_work(x, 0, context_return);
    }
}

/* xdp_do_flush: what was redirected goes on when the work on the last frame is done. */
static void flush(struct context *x)
{
    xdp_flush(x, of(x));
    poll_over(x);
}

static void finish(struct context *x)
{
    if (xdp_redirects(&of(x)->nic->config->xdp))
        context_work(x, 0, flush);
    else
        poll_over(x);
}

static void next_frame(struct context *x)
{
    struct nic_queue *q = of(x);
    const struct ring_params *p = q->ring.params;

    struct frame *f;

    do {
        if (q->express.sk)
            express_poll(x, q);
        if (p->refill_batch > 0 && q->ring.empty >= p->refill_batch && !q->pages.failed)
            x->owed += refill(q);
        if (x->work >= x->budget)
            break;
        nic_settle(q->nic);
        f = ring_take(&q->ring, x->cpu->engine->now);
        if (!f)
            break;
        if (!take(x, q, f))
            return;
    } while (true);
    finish(x);
}

void driver_poll(struct context *x)
{
    x->poll_jiffy = cpu_jiffies(x->cpu);
    of(x)->pages.failed = false;
    context_call(x, tx_poll, next_frame);
}
