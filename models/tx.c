/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/tx.h"

#include <stdlib.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/requester.h"

static const char *const cleans[] = { "napi", "irq", NULL };

static const struct param rows[] = {
    PARAM(struct tx_params, ring, "nic.ring.tx", UNIT_COUNT, 512, 16, 32768, "TX descriptors of a queue",
          "ethtool -G tx; ixgbe.h IXGBE_DEFAULT_TXD: 512"),
    PARAM(struct tx_params, txqueuelen, "nic.txqueuelen", UNIT_COUNT, 1000, 1, 1000000,
          "frames that may wait for a descriptor: the limit of a FIFO qdisc",
          "ip link txqueuelen; include/net/sch_generic.h, net/ethernet/eth.c: DEFAULT_TX_QUEUE_LEN 1000"),
    PARAM(struct tx_params, tx_usecs, "nic.coalesce.tx-usecs", UNIT_TIME, 20 * US, 0, 1 * SEC,
          "moderation time of completions, in the sense of nic.coalesce.kind; 0: none",
          "ethtool -C tx-usecs; as rx-usecs: Intel's vectors serve both directions"),
    PARAM(struct tx_params, tx_frames, "nic.coalesce.tx-frames", UNIT_COUNT, 0, 0, 65535,
          "kind delay: so many completions end the delay; 0: no such limit", "ethtool -C tx-frames; mlx5 default 32"),
    PARAM_CHOICE(struct tx_params, clean, "nic.tx.clean", TX_CLEAN_NAPI, cleans,
                 "who takes completions: the queue pair's poll, or the interrupt handler",
                 "drivers since 2003 or so: the poll"),
    PARAM(struct tx_params, work_limit, "nic.tx.work_limit", UNIT_COUNT, 256, 1, 32768,
          "completions one poll takes; with more left it is polled again as if it had used its weight",
          "ixgbe.h IXGBE_DEFAULT_TX_WORK: 256"),
};
ALL_FIELDS_HAVE_ROWS(struct tx_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct tx_counters, tx_packets, "tx_packets", "ethtool -S, ip -s link", "frames given to the NIC"),
    COUNTER(struct tx_counters, tx_bytes, "tx_bytes", "ethtool -S, ip -s link", "their bytes without FCS"),
    COUNTER(struct tx_counters, tx_queue_stopped, "tx_queue_stopped", "ethtool -S: mlx5 txN_stopped, igb tx_restart_queue",
            "times the ring had no free descriptor"),
    COUNTER(struct tx_counters, tx_interrupts, "tx_interrupts", "/proc/interrupts: the driver's tx vector",
            "interrupts for completions alone (nic.tx.clean irq)"),
    COUNTER(struct tx_counters, tx_cleans, "tx_cleans", "simulator only",
            "polls and interrupts that found completions"),
    COUNTER(struct tx_counters, tx_work_limited, "tx_work_limited", "simulator only",
            "polls that met nic.tx.work_limit and claimed their whole weight"),
    COUNTER(struct tx_counters, qdisc_dropped, "qdisc_dropped", "tc -s qdisc: dropped", "frames the full qdisc refused"),
};
ALL_COUNTERS_HAVE_ROWS(struct tx_counters, counter_rows);

const struct model_info tx_model = {
    .name = "tx", .step = "5", .what = "the way out of what is forwarded: qdisc, TX ring, completions",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, tx), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param queue_rows[] = {
    PARAM(struct tx_queue_params, xps_cpus, "nic.queue.xps_cpus", UNIT_CPUS, 0, INT64_MIN, INT64_MAX,
          "CPUs whose answers leave by this queue, the first such queue is used; in no mask: by the flow's hash",
          "/sys/class/net/X/queues/tx-N/xps_cpus; net/core/dev.c netdev_pick_tx"),
};
ALL_FIELDS_HAVE_ROWS(struct tx_queue_params, queue_rows);

const struct model_info tx_queue_model = {
    .name = "tx", .step = "5", .what = "which queue a CPU's own packets leave by",
    .scope = SCOPE_QUEUE, .params_at = offsetof(struct queue_config, tx), .params = queue_rows,
    .n_params = ROWS(queue_rows),
};

static const struct param host_rows[] = {
    PARAM_TEXT(struct tx_host_params, route, "host.default_route",
               "NIC by which forwarded packets leave; empty: they end at IP, and only cost what sending would",
               "ip route add default dev X; a host that forwards nothing needs none"),
    PARAM(struct tx_host_params, latency, "pcie.tx_latency", UNIT_TIME, 1500 * NS, 0, 1 * MS,
          "from the doorbell to the first bit: the NIC reads descriptor and frame",
          "assumption: two reads of 0.5 to 1 us"),
    PARAM_COST(struct tx_host_params, xmit, "cost.tx.xmit", 250, "qdisc, descriptor and doorbell of one skb",
               "part of XDP18's 575 ns of forwarding; split assumed"),
    PARAM_COST_PER_BYTE(struct tx_host_params, byte, "cost.tx.byte", 0,
                        "what an skb's bytes cost on the way out, where bus or memory are short",
                        "assumption: the CPU does not touch them"),
    PARAM_COST(struct tx_host_params, free, "cost.tx.free", 150, "taking one completion: unmap and free",
               "part of XDP18's 575 ns of forwarding; split assumed"),
    PARAM_COST(struct tx_host_params, handler, "cost.tx.handler", 700,
               "nic.tx.clean irq: the handler, beside the completions it takes", "assumption: as cost.irq.handler"),
};
ALL_FIELDS_HAVE_ROWS(struct tx_host_params, host_rows);

const struct model_info tx_host_model = {
    .name = "tx", .step = "5", .what = "what sending on costs, and by which NIC",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, tx), .params = host_rows,
    .n_params = ROWS(host_rows),
};

static struct engine *engine_of(const struct tx *t)
{
    return t->queue->nic->engine;
}

static ps_t *slot(const struct tx *t, int64_t index)
{
    return &t->done_at[index % t->params->ring];
}

/* ---- when completions are signalled ---- */

/* The first completion that still wants an interrupt. */
static ps_t cause_at(const struct tx *t)
{
    if (t->latched)
        return t->armed_at;
    return t->signalled < t->next_to_use ? *slot(t, t->signalled) : PS_NEVER;
}

static ps_t due(const struct tx *t)
{
    ps_t cause = cause_at(t), at_once = cause > t->armed_at ? cause : t->armed_at;
    int64_t frames = t->params->tx_frames;

    if (t->masked || cause == PS_NEVER)
        return PS_NEVER;
    if (t->coalesce->kind != COALESCE_DELAY) {
        ps_t after_gap = t->fired_at + t->params->tx_usecs;
        return after_gap > at_once ? after_gap : at_once;
    }
    if (cause <= t->armed_at)
        return at_once;
    ps_t by_time = cause + t->params->tx_usecs;
    if (frames == 0 || t->next_to_use - t->signalled < frames)
        return by_time;
    ps_t by_frames = *slot(t, t->signalled + frames - 1);
    return by_frames < by_time ? by_frames : by_time;
}

static void schedule(struct tx *t)
{
    struct engine *e = engine_of(t);
    ps_t when = due(t);

    if (when < e->now)
        when = e->now;                      /* latched: its poll came first */
    if (when == PS_NEVER)
        engine_cancel(e, &t->fire);
    else if (!event_pending(e, &t->fire) || event_when(e, &t->fire) != when)
        engine_reschedule(e, &t->fire, when);
}

static void mask(struct tx *t)
{
    ps_t now = engine_of(t)->now;

    t->masked = true;
    t->fired_at = now;
    t->latched = false;
    while (t->signalled < t->next_to_use && *slot(t, t->signalled) <= now)
        t->signalled++;
    schedule(t);
}

static void unmask(struct tx *t)
{
    t->masked = false;
    t->armed_at = engine_of(t)->now;
    if (t->coalesce->cause == CAUSE_UNREAD) {
        t->signalled = t->next_to_clean;
        t->latched = false;
    }
    schedule(t);
}

void tx_masked(struct tx *t)
{
    if (t->params->clean == TX_CLEAN_NAPI)
        mask(t);
}

void tx_unmasked(struct tx *t)
{
    if (t->params->clean == TX_CLEAN_NAPI)
        unmask(t);
}

/* ---- sending ---- */

/* A descriptor: the frame takes its place on the wire. */
static void post(struct tx *t, const struct tx_item *i)
{
    struct nic *n = t->queue->nic;
    const struct host_config *hc = n->host->hc;
    ps_t arrival = wire_admit(&n->tx_wire, n->engine->now + hc->tx.latency, i->wire_bytes);
    struct requester *r = i->answer.bytes > 0 ? n->host->flow[i->answer.flow].requester : NULL;

    *slot(t, t->next_to_use++) = arrival - n->config->wire.flight + hc->dma.latency;
    t->counters.tx_packets++;
    t->counters.tx_bytes += (uint64_t)(i->wire_bytes - ETH_FCS);
    if (r)
        requester_answer(r, i->answer.serial, i->answer.bytes, arrival);
}

static bool ring_full(const struct tx *t)
{
    return t->next_to_use - t->next_to_clean == t->params->ring;
}

static void enqueue(struct tx *t, const struct tx_item *i)
{
    if (t->queued == t->dequeued && !ring_full(t)) {
        post(t, i);
        t->counters.tx_queue_stopped += ring_full(t);
    } else {
        t->waiting[t->queued++ % t->params->txqueuelen] = *i;
    }
}

/* Memory for a queue that is used at all; without it there is no answer to give, as with the frames' own pool. */
static void open_queue(struct tx *t)
{
    t->done_at = calloc((size_t)t->params->ring, sizeof *t->done_at);
    t->waiting = calloc((size_t)t->params->txqueuelen, sizeof *t->waiting);
    if (!t->done_at || !t->waiting)
        abort();
}

static bool send_item(struct tx *t, const struct tx_item *i)
{
    if (!t->done_at)
        open_queue(t);
    if (ring_full(t) && t->queued - t->dequeued == t->params->txqueuelen) {
        t->counters.qdisc_dropped++;
        return false;
    }
    enqueue(t, i);
    schedule(t);
    return true;
}

bool tx_xdp(struct tx *t, int32_t bytes)
{
    if (!t->done_at)
        open_queue(t);
    if (ring_full(t))
        return false;
    post(t, &(struct tx_item){ .wire_bytes = bytes });
    schedule(t);
    return true;
}

bool tx_send(struct tx *t, int32_t bytes)
{
    return send_item(t, &(struct tx_item){ .wire_bytes = bytes });
}

bool tx_answer(struct tx *t, const struct tx_answer *a, int proto)
{
    int32_t transport = proto == FLOW_TCP ? TCP_HLEN + TCP_TS : UDP_HLEN;
    int32_t bytes = ETH_HLEN + IP_HLEN + transport + a->bytes + ETH_FCS;

    return send_item(t, &(struct tx_item){ .wire_bytes = bytes > ETH_SHORTEST ? bytes : ETH_SHORTEST, .answer = *a });
}

enum fate tx_xmit(struct tx *t, const struct skb *s)
{
    const struct frame *f = s->first;

    if (!t->done_at)
        open_queue(t);
    int64_t free = t->params->ring - (t->next_to_use - t->next_to_clean);
    int64_t room = t->params->txqueuelen - (t->queued - t->dequeued);
    if (s->frames > free + room || (t->queued > t->dequeued && s->frames > room)) {
        t->counters.qdisc_dropped += (uint64_t)s->frames;
        return FATE_QDISC_DROP;
    }
    for (int i = 0; i < s->frames; i++, f = f->next)
        enqueue(t, &(struct tx_item){ .wire_bytes = f->wire_bytes });
    schedule(t);
    return FATE_FORWARDED;
}

ps_t tx_cost(const struct host *h, const struct skb *s)
{
    const struct tx_host_params *p = &h->hc->tx;
    ps_t cost = p->xmit + ps_of_fs_per_byte(p->byte, s->len + ETH_HLEN);

    return h->flow[s->flow].route >= 0 ? cost : cost + p->free;
}

/* ---- completions ---- */

/* Takes at most `limit` of those that are done, and lets the qdisc go on; returns how many. */
static int64_t take_done(struct tx *t, int64_t limit)
{
    ps_t now = engine_of(t)->now;
    int64_t n = 0;

    while (n < limit && !tx_idle(t) && *slot(t, t->next_to_clean) <= now) {
        t->next_to_clean++;
        n++;
    }
    if (t->signalled < t->next_to_clean) {
        t->signalled = t->next_to_clean;
        t->latched |= t->coalesce->cause == CAUSE_LATCHED;
    }
    while (t->queued > t->dequeued && !ring_full(t))
        post(t, &t->waiting[t->dequeued++ % t->params->txqueuelen]);
    schedule(t);
    return n;
}

/* As long as there are more: what completes meanwhile is taken, too. */
static void take_more(struct context *x)
{
    struct nic_queue *q = x->napi->owner;
    struct tx *t = &q->tx;
    int64_t n = take_done(t, t->params->work_limit - t->taken);

    t->counters.tx_cleans += t->taken == 0 && n > 0;
    t->taken += n;
    t->counters.tx_work_limited += n > 0 && t->taken == t->params->work_limit;
    if (n > 0)
        context_work(x, n * x->cpu->host->hc->tx.free, take_more);
    else
        context_return(x);
}

void tx_poll(struct context *x)
{
    struct nic_queue *q = x->napi->owner;

    q->tx.taken = 0;
    if (q->tx.params->clean == TX_CLEAN_NAPI && !tx_idle(&q->tx))
        take_more(x);
    else
        context_return(x);
}

/* ---- interrupts ---- */

static void tx_deliver(void *tx)
{
    struct tx *t = tx;

    cpu_interrupt(t->queue->irq.cpu, &t->vector);
}

static void tx_handle(struct context *x, void *tx)
{
    struct tx *t = tx;
    struct host *h = x->cpu->host;
    int64_t n = take_done(t, t->params->ring);

    t->counters.tx_interrupts++;
    x->cpu->counters.interrupts++;
    host_fact(h, FACT_IRQ, t->queue->irq.entity, (uint64_t)x->cpu->index);
    t->counters.tx_cleans += n > 0;
    if (n > 0) {
        x->cpu->softirq->completed += n;
        softirq_raise(x->cpu, SOFTIRQ_NET_TX);
    }
    t->latched = false;
    unmask(t);
}

/* Through the queue pair's vector, or by their own. */
static void tx_fire(void *tx)
{
    struct tx *t = tx;

    if (t->params->clean == TX_CLEAN_NAPI) {
        nic_signal(t->queue);
        return;
    }
    mask(t);
    engine_at(engine_of(t), &t->deliver, engine_of(t)->now + t->queue->irq.params->delivery);
}

int tx_init(struct tx *t, struct nic_queue *q)
{
    const struct nic *n = q->nic;

    *t = (struct tx){
        .params = &n->config->tx, .coalesce = &n->config->coalesce, .queue = q,
        .fired_at = -3600 * SEC,            /* an idle vector has no predecessor */
    };
    t->vector = (struct vector){ .handler = tx_handle, .owner = t, .cost = n->host->hc->tx.handler };
    if (event_init(n->engine, &t->fire, EVENT_DEVICE, tx_fire, t) != 0)
        return -1;
    return event_init(n->engine, &t->deliver, EVENT_DEVICE, tx_deliver, t);
}

void tx_free(struct tx *t)
{
    free(t->done_at);
    free(t->waiting);
}
