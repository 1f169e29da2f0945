/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/nic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/veth.h"

static const char *const kinds[] = { "hardware", "veth", NULL };

static const struct param rows[] = {
    PARAM_TEXT(struct nic_params, model, "nic.model", "NIC model: selects scenarios/nics/<model>.yaml; empty: none",
               "a name of ours for a file of the driver's facts"),
    PARAM_CHOICE(struct nic_params, kind, "nic.kind", NIC_KIND_HARDWARE, kinds,
                 "a device on a wire, or the receiving end of a veth pair that a local task sends into", "ours"),
    PARAM(struct nic_params, channels, "nic.channels", UNIT_COUNT, 1, 1, CONFIG_QUEUES,
          "RX queues, each with its ring, vector and NAPI", "ethtool -L; 1 keeps first scenarios simple"),
};
ALL_FIELDS_HAVE_ROWS(struct nic_params, rows);

const struct model_info nic_model = {
    .name = "nic", .step = "1", .what = "the hardware boxes of one NIC, settled lazily",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, nic), .params = rows, .n_params = ROWS(rows),
};

/* ---- arrivals ---- */

/* Ties go to the lower number. */
static inline bool starts_before(const struct traffic *a, const struct traffic *b)
{
    return traffic_peek(a) < traffic_peek(b) || (traffic_peek(a) == traffic_peek(b) && a->source < b->source);
}

/* Open loops only: they lie in a heap, as each one's next start moves only when a frame is drawn from it. The start of
 * source `i` has moved back: it sinks to its place. */
static void sink(struct nic *n, int i)
{
    struct traffic *t = n->source[i];

    for (int child; (child = 2 * i + 1) < n->sources; i = child) {
        if (child + 1 < n->sources && starts_before(n->source[child + 1], n->source[child]))
            child++;
        if (!starts_before(n->source[child], t))
            break;
        n->source[i] = n->source[child];
    }
    n->source[i] = t;
}

/* The source with the earliest start. NULL if there is no source. */
static inline struct traffic *next_source(const struct nic *n)
{
    struct traffic *best = n->sources > 0 ? n->source[0] : NULL;

    for (int i = 1; n->has_senders && i < n->sources; i++) {
        if (starts_before(n->source[i], best))
            best = n->source[i];
    }
    return best;
}

/* A frame that could start at `start` starts when no pause stops it; PS_NEVER: not yet. */
static ps_t unpaused(struct nic *n, ps_t start)
{
    start = pause_start(&n->pause, start);
    if (start != PS_NEVER)
        pause_started(&n->pause, start);
    return start;
}

/* Puts the next frame on the wire if its time is settled: an open loop's always is; with a closed loop about, only what
 * starts before anything that a sender might still send. */
static inline __attribute__((always_inline)) void draw(struct nic *n, bool winding)
{
    struct host *h = n->host;
    struct traffic *t = next_source(n);

    if (!t || traffic_peek(t) >= h->stop_at)
        return;
    ps_t start = wire_start(&n->wire, traffic_peek(t));
    if (n->has_senders && start > n->engine->now + n->lookahead)
        return;
    if (winding && (start = unpaused(n, start)) == PS_NEVER)
        return;

    struct frame *blank = pool_take(&h->frames);
    struct frame *f = traffic_next(t, blank);
    if (f != blank)
        pool_return(&h->frames, blank);
    if (n->sources > 1 && !n->has_senders)
        sink(n, 0);
    f->sampled = n->drawn == n->next_sample && h->sample_every > 0;
    if (f->sampled)
        n->next_sample += h->sample_every;
    f->id = (uint64_t)n->index << NIC_FRAME_BITS | n->drawn++;
    ps_t last_bit = wire_admit(&n->wire, start, f->wire_bytes);
    if (winding)
        n->incoming_cut = wire_cut(&n->wire, last_bit);
    f->wire_at = last_bit + phy_delay(&n->config->phy);
    n->incoming = f;
}

/* The same wherever it is not one frame after the other. */
static __attribute__((noinline)) void draw_one(struct nic *n)
{
    draw(n, n->winding);
}

/* When the FIFO's oldest frame can leave: PS_NEVER while it must wait for a descriptor. */
static ps_t leave_at(const struct nic *n)
{
    const struct frame *f = n->fifo.frames.first;

    if (!f || n->blocked)
        return PS_NEVER;
    return f->wire_at > n->dma.free_at ? f->wire_at : n->dma.free_at;
}

static void schedule_fire(struct nic_queue *q)
{
    ps_t due = coalesce_due(&q->coalesce);
    struct engine *e = q->nic->engine;

    if (due == PS_NEVER)
        engine_cancel(e, &q->fire);
    else if (!event_pending(e, &q->fire) || event_when(e, &q->fire) != due)
        engine_reschedule(e, &q->fire, due);
}

/* RSS has chosen the frame's queue. */
static inline void steer(const struct nic_queue *q, struct frame *f, struct ledger *books)
{
    if (f->queue >= 0)
        return;
    f->queue = (int16_t)q->index;
    books->offered++;
    books->offered_bytes += (uint64_t)f->wire_bytes;
}

static void watch(struct nic_queue *q)
{
    bool alert = coalesce_may_move(&q->coalesce);

    q->nic->armed += alert - q->alert;
    q->alert = alert;
}

/* A frame that has its descriptor is written to memory, from `now` on. */
static inline void write_frame(struct nic *n, struct nic_queue *q, struct frame *f, ps_t now)
{
    f->dma_at = dma_write(&n->dma, now, f->wire_bytes - ETH_FCS);
    if (q->ring.params->writeback > 1)
        ring_write_back(&q->ring, f, now, q->coalesce.gap_until);
    ring_complete(&q->ring, f);
    coalesce_completion(&q->coalesce, f->dma_at);
    if (q->alert) {
        schedule_fire(q);
        watch(q);
    }
}

static inline void no_descriptor(struct nic *n, struct nic_queue *q, struct frame *f, ps_t now)
{
    q->ring.counters.rx_no_desc++;
    host_frame_no_desc(n->host, f, now);
}

static struct frame *take_oldest(struct nic *n, ps_t now)
{
    struct frame *f = fifo_take(&n->fifo);

    pause_drained(&n->pause, n->fifo.used, now);
    return f;
}

/* The oldest frame gets its descriptors and is written, or meets a ring without them at `now`. */
static void leave(struct nic *n, ps_t now)
{
    struct frame *f = n->fifo.frames.first;
    const struct flow *flow = &n->host->flow[f->flow];
    struct nic_queue *q = &n->queue[f->queue >= 0 ? f->queue : flow->queue];   /* one that waited has its queue */

    int64_t buffers = ring_buffers(&q->ring, f->wire_bytes);

    steer(q, f, flow->books);
    if (ring_claim_several(&q->ring, buffers)) {
        write_frame(n, q, take_oldest(n, now), now);
    } else if (n->config->ring.empty_mode == RING_EMPTY_HOLD) {
        n->fifo.counters.rx_no_buffer_count++;
        n->blocked = q;
        n->wanted = buffers;
    } else {
        no_descriptor(n, q, take_oldest(n, now), now);
    }
}

/* What every frame's last bit moves. */
static inline void count_arrival(struct host *h, const struct frame *f, struct flow *flow)
{
    if (f->wire_at > h->last_arrival)
        h->last_arrival = f->wire_at;
    h->unsteered.offered++;
    h->unsteered.offered_bytes += (uint64_t)f->wire_bytes;
    flow->offered++;
}

/* A good frame that finds FIFO and bus free and either a descriptor or no patience goes straight on: what arrive() and
 * leave() do, without the FIFO's queue. False: it takes the usual way. */
static inline bool pass(struct nic *n, struct frame *f)
{
    struct flow *flow = &n->host->flow[f->flow];
    struct nic_queue *q = &n->queue[flow->queue];

    if (n->fifo.frames.first || n->blocked || n->dma.free_at > f->wire_at || !mac_good(&n->mac, f) ||
        !fifo_pass(&n->fifo, f))
        return false;
    bool posted = ring_claim(&q->ring);
    if (!posted && n->config->ring.empty_mode == RING_EMPTY_HOLD)
        return false;
    mac_count(&n->mac, f);
    count_arrival(n->host, f, flow);
    steer(q, f, flow->books);
    if (posted)
        write_frame(n, q, f, f->wire_at);
    else
        no_descriptor(n, q, f, f->wire_at);
    return true;
}

/* What the boxes before the FIFO make of a frame. */
static enum fate admit(struct nic *n, const struct frame *f)
{
    if (n->incoming_cut) {
        n->wire.counters.rx_no_carrier++;
        return FATE_RX_NO_CARRIER;
    }
    enum fate fate = mac_check(&n->mac, f);
    return fate == FATE_IN_FLIGHT && n->host->flow[f->flow].filtered ? mac_filter(&n->mac) : fate;
}

/* A frame's last bit is here: MAC, then FIFO. */
static void arrive(struct nic *n)
{
    struct host *h = n->host;
    struct frame *f = n->incoming;

    n->incoming = NULL;
    count_arrival(h, f, &h->flow[f->flow]);
    enum fate fate = admit(n, f);
    if (fate == FATE_IN_FLIGHT && !fifo_put(&n->fifo, f))
        fate = FATE_RX_MISSED_ERRORS;
    pause_filled(&n->pause, n->fifo.used, f->wire_at);
    if (fate != FATE_IN_FLIGHT)
        host_frame_end_at(h, f, fate, f->wire_at);
    draw_one(n);
}

/* ---- time ---- */

static inline void arm(struct nic *n)
{
    struct engine *e = n->engine;
    bool watched = n->next_at != PS_NEVER && (n->armed > 0 || !e->batch);

    if (!watched && !event_pending(e, &n->transition))
        return;
    if (!watched)
        engine_cancel(e, &n->transition);
    else if (!event_pending(e, &n->transition) || event_when(e, &n->transition) != n->next_at)
        engine_reschedule(e, &n->transition, n->next_at > e->now ? n->next_at : e->now);
}

static inline ps_t earlier(ps_t a, ps_t b)
{
    return a < b ? a : b;
}

/* When the next frame that is not yet drawn starts, as far as is known. */
static ps_t start_at(const struct nic *n)
{
    const struct traffic *t = next_source(n);

    if (!t || traffic_peek(t) >= n->host->stop_at)
        return PS_NEVER;
    ps_t start = wire_start(&n->wire, traffic_peek(t));
    return pause_start(&n->pause, start);
}

/* The next instant at which something happens in hardware: an arrival, a DMA, or (closed loops) a start. */
static ps_t next_transition(const struct nic *n)
{
    ps_t next = earlier(leave_at(n), n->incoming ? n->incoming->wire_at : start_at(n));

    return n->winding ? earlier(next, earlier(n->pause.again_at, wire_flaps_at(&n->wire))) : next;
}

/* What happens beside the frames. */
static void wind(struct nic *n, ps_t now)
{
    pause_settle(&n->pause, now);
    n->wire.counters.link_down_events += wire_flaps_at(&n->wire) <= now;
}

void nic_catch_up(struct nic *n)
{
    ps_t now = n->engine->now;
    bool straight = !n->winding;

    if (!n->incoming)
        draw_one(n);
    for (;;) {
        while (straight && n->incoming && n->incoming->wire_at <= now && pass(n, n->incoming)) {
            n->incoming = NULL;
            draw(n, false);
        }
        if (!straight && !n->incoming)         /* its sender may go on again */
            draw_one(n);
        ps_t arrival = n->incoming ? n->incoming->wire_at : PS_NEVER;
        ps_t leaving = leave_at(n);
        if (leaving <= arrival && leaving <= now)
            leave(n, leaving);
        else if (arrival <= now)
            arrive(n);
        else
            break;
    }
    if (!straight)
        wind(n, now);
    n->next_at = next_transition(n);
    arm(n);
}

static void nic_transition(void *nic)
{
    nic_catch_up(nic);
}

void nic_wake(void *nic)
{
    struct nic *n = nic;

    n->next_at = next_transition(n);
    arm(n);
}

void nic_tail(struct nic_queue *q)
{
    struct nic *n = q->nic;

    if (n->blocked != q || q->ring.posted < n->wanted)
        return;
    n->blocked = NULL;
    if (n->dma.free_at < n->engine->now)
        n->dma.free_at = n->engine->now;        /* the waiting frame starts when its descriptor arrives */
    n->next_at = next_transition(n);
    nic_settle(n);
    arm(n);
}

/* The vector is masked for both directions, whichever it fires for. */
void nic_signal(struct nic_queue *q)
{
    struct nic *n = q->nic;

    nic_settle(n);
    coalesce_assert(&q->coalesce, n->engine->now, &q->ring.filled);
    engine_cancel(n->engine, &q->fire);
    adaptive_asserted(&q->adaptive);
    tx_masked(&q->tx);
    watch(q);
    arm(n);
    n->host->to.interrupt(&q->irq);
}

static void queue_fire(void *queue)
{
    nic_signal(queue);
}

void nic_unmask(struct nic_queue *q)
{
    struct nic *n = q->nic;

    if (!q->coalesce.masked)
        return;
    nic_settle(n);
    coalesce_unmask(&q->coalesce, n->engine->now, &q->ring.filled);
    tx_unmasked(&q->tx);
    watch(q);
    schedule_fire(q);
    arm(n);
}

void nic_moderated(struct nic_queue *q)
{
    watch(q);
    arm(q->nic);
}

static void queue_unmask(struct napi *napi)
{
    struct nic_queue *q = napi->owner;

    if (q->adaptive.params->rx)
        adaptive_polled(&q->adaptive);
    nic_unmask(q);
}

/* ---- construction ---- */

static struct cpu *irq_cpu(const struct nic *n, int queue)
{
    struct host *h = n->host;
    uint64_t mask = (uint64_t)n->config->queue[queue].irq.smp_affinity;

    for (int c = 0; c < h->cpus; c++) {
        if (mask >> c & 1)
            return &h->cpu[c];
    }
    return &h->cpu[queue % h->cpus];
}

static int queue_init(struct nic *n, int index)
{
    struct nic_queue *q = &n->queue[index];
    const struct host_config *hc = n->host->hc;
    struct cpu *c = irq_cpu(n, index);
    uint64_t entity = (uint64_t)n->index * CONFIG_QUEUES + (uint64_t)index;

    *q = (struct nic_queue){ .nic = n, .index = index, .config = &n->config->queue[index] };
    ring_init(&q->ring, &n->config->ring);
    char stream[32];
    snprintf(stream, sizeof stream, "nic%d.q%d.alloc", n->index, index);
    if (pages_init(&q->pages, &n->config->pages, &n->host->rx_pages, n->config->ring.rx,
                   n->config->ring.rx - n->config->ring.reserved, stream, n->host->seed, n->host->replication) != 0)
        return -1;
    coalesce_init(&q->coalesce, &n->config->coalesce);
    if (adaptive_init(&q->adaptive, q) != 0)
        return -1;
    watch(q);
    q->driver = (struct driver){
        .params = &hc->driver, .nic_params = &n->config->driver,
        .gro = n->config->driver.gro && !xdp_is_generic(&n->config->xdp),
    };
    q->driver.extras = driver_extras(q);
    xsk_init(&q->xsk, q);
    if (n->host->cpumap && (q->bulk = calloc((size_t)n->host->cpus, sizeof *q->bulk)) == NULL)
        return -1;
    if (napi_init(&q->napi, c, &hc->napi, hc->napi.weight, n->host->to.poll, q) != 0)
        return -1;
    q->napi.nic_params = &n->config->napi;
    q->napi.unmask = queue_unmask;
    if (q->config->napi.thread_cpu >= 0)
        q->napi.cpu = &n->host->cpu[q->config->napi.thread_cpu];
    napi_make_threaded(&q->napi);
    q->napi.entity = entity;
    gro_init(&q->napi.gro, &hc->gro);
    if (irq_init(&q->irq, c, &q->napi, entity, &hc->irq) != 0)
        return -1;
    if (hc->irqbalance.on && (q->irq.columns = calloc((size_t)n->host->cpus, sizeof *q->irq.columns)) == NULL)
        return -1;
    if (event_init(n->engine, &q->fire, EVENT_DEVICE, queue_fire, q) != 0)
        return -1;
    return tx_init(&q->tx, q);
}

/* What a sender sends now starts half a round trip later: earlier starts are settled. */
static void closed_loop(struct nic *n, const struct traffic_params *p)
{
    ps_t settled = p->rtt - p->rtt / 2 - 1;

    assert(settled > 0);                /* traffic.rtt is a microsecond or more */
    n->lookahead = n->has_senders && n->lookahead < settled ? n->lookahead : settled;
    n->has_senders = true;
}

/* Flows that the address filter keeps out, and whatever else a frame may meet that pass() knows nothing of. */
static int winding_init(struct nic *n)
{
    const struct nic_config *c = n->config;
    struct host *h = n->host;

    for (uint32_t i = 0; i < h->flows; i++) {
        if (h->flow[i].nic != n->index)
            continue;
        h->flow[i].filtered = h->flow[i].key.otherhost && !c->mac.promisc;
        n->winding |= h->flow[i].filtered;
    }
    n->buffers_most = ring_buffers(&n->queue[0].ring, c->mac.max_frame);
    n->winding |= c->pause.tx || c->wire.flap_for > 0 || n->buffers_most > 1;
    return pause_init(&n->pause, &c->pause, c->wire.link, c->wire.flight + phy_delay(&c->phy));
}

int nic_init(struct nic *n, struct host *host, int index)
{
    *n = (struct nic){
        .host = host, .engine = &host->engine, .config = &host->config.nic[index], .index = index,
        .name = host->config.nic_name[index], .next_at = PS_NEVER,
    };
    n->wire.params = n->tx_wire.params = &n->config->wire;
    n->mac.params = &n->config->mac;
    n->fifo.params = &n->config->fifo;
    n->dma.params = &host->hc->dma;
    n->queues = (int)n->config->nic.channels;
    n->queue = calloc((size_t)n->queues, sizeof *n->queue);
    n->source = calloc((size_t)host->traffics, sizeof(struct traffic *));
    if (!n->queue || !n->source)
        return -1;
    bool wired = n->config->nic.kind == NIC_KIND_HARDWARE;      /* local senders draw by themselves */
    for (int i = 0; i < host->traffics && wired; i++) {
        if (host->traffic[i].params.nic == index) {
            n->source[n->sources++] = &host->traffic[i];
            if (traffic_closed_loop(&host->traffic[i].params))
                closed_loop(n, &host->traffic[i].params);
        }
    }
    for (int q = 0; q < n->queues; q++) {
        if (queue_init(n, q) != 0)
            return -1;
    }
    if (!wired && veth_init(n) != 0)
        return -1;
    if (winding_init(n) != 0)
        return -1;
    return event_init(n->engine, &n->transition, EVENT_DEVICE, nic_transition, n);
}

void nic_free(struct nic *n)
{
    for (int q = 0; q < n->queues && n->queue; q++) {
        tx_free(&n->queue[q].tx);
        free(n->queue[q].bulk);
        free(n->queue[q].irq.columns);
        pages_free(&n->queue[q].pages);
    }
    free(n->queue);
    free(n->source);
    pause_free(&n->pause);
    free(n->veth);
}

void nic_start(struct nic *n)
{
    bool runts = false;

    for (int i = 0; i < n->sources; i++)
        runts |= n->source[i]->params.runts > 0;
    for (int i = n->sources / 2 - 1; i >= 0 && !n->has_senders; i--)
        sink(n, i);
    n->least_slot = ps_of_bytes(WIRE_PREAMBLE + (runts ? 0 : ETH_SHORTEST) + WIRE_GAP, n->wire.params->link) - 1;
    for (int q = 0; q < n->queues; q++)
        xsk_start(&n->queue[q].xsk);
    nic_catch_up(n);
}
