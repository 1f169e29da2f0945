/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/app.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/sender.h"

/* The journey, in packet order: help, README, database and plots follow this order. */
const struct model_info *const rx_path[] = {
    &traffic_model,                                         /*   who sends what, when                */
    &wire_model, &phy_model, &mac_model, &fifo_model,       /* 1 the NIC receives a frame            */
    &rss_model, &dma_model, &ring_model, &nic_model,        /* 1 a queue, a descriptor, memory       */
    &coalesce_model, &irq_model, &irq_host_model,           /* 2 hardware interrupt                  */
    &cpu_model, &softirq_model, &napi_model, &napi_nic_model,   /* 2 softirq and NAPI                */
    &xdp_model, &xdp_nic_model,                             /* 2 XDP                                 */
    &driver_model, &driver_nic_model, &skb_model, &skb_nic_model,   /* 3 sk_buff                     */
    &gro_model,                                             /* 4 GRO                                 */
    &rps_model, &rps_queue_model, &netif_model,             /* - steering, taps                      */
    &ip_model, &netfilter_model,                            /* 5 IP                                  */
    &udp_model, &tcp_model,                                 /* 6 transport                           */
    &sock_model, &sched_model, &app_model, &app_host_model, /* 7 socket queue, wake-up, application  */
    &run_model,
    NULL
};

static const struct param rows[] = {
    PARAM(struct run_params, duration, "run.duration", UNIT_TIME, 10 * MS, 0, 3600 * SEC,
          "how long traffic is offered; 0: until every source has ended", "a short look"),
    PARAM(struct run_params, warmup, "run.warmup", UNIT_TIME, 0, 0, 3600 * SEC,
          "frames that arrive before do not enter the latency statistics; the ledger counts all", "none"),
    PARAM(struct run_params, drain, "run.drain", UNIT_TIME, 100 * MS, 0, 3600 * SEC,
          "longest time to let what is inside come to its end", "longer than a delayed ACK"),
    PARAM(struct run_params, seed, "run.seed", UNIT_COUNT, 1, 0, INT64_MAX, "root of all random streams; --seed wins", "1"),
    PARAM(struct run_params, cost_cv, "run.cost_cv", UNIT_COUNT, 5, 0, 200,
          "coefficient of variation of each frame's driver and recv costs, percent (lognormal, mean kept); 0: constant",
          "assumption: run-to-run spread of per-packet costs"),
};
ALL_FIELDS_HAVE_ROWS(struct run_params, rows);

const struct model_info run_model = {
    .name = "host", .step = "-", .what = "the run: how long, how random",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, run), .params = rows, .n_params = ROWS(rows),
};

const char *const stage_name[STAGES] = {
    "wire-dma", "dma-irq", "irq-poll", "poll-stack", "stack-socket", "socket-app", "total",
};

const char *const trace_point_name[] = {
    [TRACE_IRQ_HANDLER_ENTRY] = "irq:irq_handler_entry", [TRACE_SOFTIRQ_ENTRY] = "irq:softirq_entry",
    [TRACE_SOFTIRQ_EXIT] = "irq:softirq_exit", [TRACE_NAPI_POLL] = "napi:napi_poll",
    [TRACE_NETIF_RECEIVE_SKB] = "net:netif_receive_skb", [TRACE_SOCK_QUEUE] = "sock:queue",
    [TRACE_SCHED_WAKEUP] = "sched:sched_wakeup", [TRACE_SCHED_SWITCH] = "sched:sched_switch",
    [TRACE_RECV] = "syscalls:sys_exit_recvfrom", [TRACE_KFREE_SKB] = "skb:kfree_skb",
};

/* ---- relations between parameters ---- */

static bool source_ends(const struct config *c, int i)
{
    const struct traffic_params *p = &c->traffic[i].traffic;

    if (p->kind == TRAFFIC_SENDER)
        return p->bytes > 0 || p->stop > 0;
    return p->frames > 0 || p->stop > 0 || (p->kind == TRAFFIC_REPLAY && p->loop > 0) ||
           (p->kind == TRAFFIC_ONOFF && p->period == 0);
}

const char *config_check(const struct config *c, char *buffer, size_t size)
{
    const char *why = tcp_params_check(&c->host->tcp);

    if (why)
        return why;
    for (int i = 0; i < c->traffics; i++) {
        if ((why = traffic_check(c, i, buffer, size)) != NULL)
            return why;
        if (c->host->run.duration == 0 && !source_ends(c, i)) {
            snprintf(buffer, size, "run.duration is 0, but traffic[%s] never ends: set traffic.frames, traffic.stop "
                     "or (replay) traffic.loop", c->traffic_name[i]);
            return buffer;
        }
    }
    for (int i = 0; i < c->apps; i++) {
        if (c->app[i].app.cpu >= c->host->cpu.count) {
            snprintf(buffer, size, "app[%s].cpu is %d, but cpu.count is %d, counted from 0", c->app_name[i],
                     (int)c->app[i].app.cpu, (int)c->host->cpu.count);
            return buffer;
        }
    }
    for (int i = 0; i < c->nics; i++) {
        const struct ring_params *r = &c->nic[i].ring;
        const char *hkey = c->text[c->nic[i].rss.hkey];
        uint8_t key[RSS_KEY];
        if (*hkey && rss_key_parse(hkey, key) != 0) {
            snprintf(buffer, size, "nic[%s].rss.hkey is not a key: 40 bytes in hex with colons between, as ethtool -x "
                     "prints it", c->nic_name[i]);
            return buffer;
        }
        if (r->rx - r->reserved < r->tail_multiple) {
            snprintf(buffer, size, "nic[%s].ring.rx is %d: smaller than nic.ring.tail_multiple, so no descriptor "
                     "would ever be posted", c->nic_name[i], (int)r->rx);
            return buffer;
        }
        if (r->refill_batch == 0 && r->refill_at_end == 0) {
            snprintf(buffer, size, "nic[%s]: nic.ring.refill_batch and nic.ring.refill_at_end are both 0, so nothing "
                     "would ever be refilled", c->nic_name[i]);
            return buffer;
        }
    }
    return NULL;
}

/* ---- construction ---- */

/* Is `address` in the list of texts "a, b"? An empty list means every address. */
static bool is_local(const char *list, uint32_t address)
{
    char one[32];
    uint32_t a;

    if (!*list)
        return true;
    while (*list) {
        size_t n = strcspn(list, ", ");
        if (n > 0 && n < sizeof one) {
            memcpy(one, list, n);
            one[n] = '\0';
            if (ipv4_parse(one, &a) == 0 && a == address)
                return true;
        }
        list += n + strspn(list + n, ", ");
    }
    return false;
}

static int flows_init(struct host *h)
{
    const struct config *c = &h->config;
    uint32_t first[CONFIG_INSTANCES];

    for (int i = 0; i < c->traffics; i++) {
        first[i] = h->flows;
        h->flows += traffic_flows(c, i);
    }
    h->flow = calloc(h->flows ? h->flows : 1, sizeof *h->flow);
    h->netfilter.known = calloc(h->flows ? h->flows : 1, 1);
    struct flow_key *keys = calloc(h->flows ? h->flows : 1, sizeof *keys);
    if (!h->flow || !h->netfilter.known || !keys) {
        free(keys);
        return -1;
    }
    for (int i = 0; i < c->traffics; i++) {
        int nic = (int)c->traffic[i].traffic.nic;
        uint32_t end = i + 1 < c->traffics ? first[i + 1] : h->flows;
        struct rss rss;

        rss_init(&rss, &c->nic[nic].rss, c->text[c->nic[nic].rss.hkey], (int)c->nic[nic].nic.channels);
        traffic_flow_keys(c, i, keys);
        for (uint32_t f = first[i]; f < end; f++) {
            struct flow *flow = &h->flow[f];
            flow->key = keys[f - first[i]];
            flow->hash = rss_hash(&rss, &flow->key);
            flow->nic = (int16_t)nic;
            flow->queue = (int16_t)rss_queue(&rss, flow->hash);
            flow->source = (int16_t)i;
            flow->local = is_local(c->text[h->hc->ip.address], flow->key.daddr);
        }
        traffic_init(&h->traffic[i], c, i, first[i], c->nic[nic].wire.link, h->exponential, h->seed,
                     h->replication);
        h->traffics++;
    }
    free(keys);
    return 0;
}

static int cpus_init(struct host *h)
{
    size_t n = (size_t)h->hc->cpu.count;

    h->cpu = calloc(n, sizeof *h->cpu);
    h->rq = calloc(n, sizeof *h->rq);
    h->softirq = calloc(n, sizeof *h->softirq);
    h->backlog = calloc(n, sizeof *h->backlog);
    h->netif = calloc(n, sizeof *h->netif);
    if (!h->cpu || !h->rq || !h->softirq || !h->backlog || !h->netif)
        return -1;
    h->cpus = (int)n;
    for (int i = 0; i < h->cpus; i++) {
        struct cpu *c = &h->cpu[i];
        if (cpu_init(c, h, i) != 0 || sched_init(c, &h->rq[i], &h->hc->sched) != 0 ||
            softirq_init(&h->softirq[i], c, &h->hc->softirq) != 0 || backlog_init(&h->backlog[i], c, &h->hc->rps) != 0)
            return -1;
    }
    return 0;
}

static int apps_init(struct host *h)
{
    h->app = calloc((size_t)h->config.apps + 1, sizeof *h->app);
    if (!h->app)
        return -1;
    for (int i = 0; i < h->config.apps; i++) {
        if (app_init(&h->app[i], h, i) != 0)
            return -1;
        h->apps++;
    }
    for (uint32_t f = 0; f < h->flows; f++) {       /* UDP ports are bound before the first frame */
        for (int i = 0; i < h->apps && h->flow[f].key.proto == FLOW_UDP && !h->flow[f].sk; i++) {
            if (app_listens(&h->app[i], &h->flow[f].key))
                h->flow[f].sk = &h->app[i].udp;
        }
    }
    return 0;
}

static int nics_init(struct host *h)
{
    h->nic = calloc((size_t)h->config.nics, sizeof *h->nic);
    h->queue_ledger = calloc((size_t)h->config.nics * CONFIG_QUEUES, sizeof *h->queue_ledger);
    if (!h->nic || !h->queue_ledger)
        return -1;
    for (int i = 0; i < h->config.nics; i++) {
        h->nics++;
        if (nic_init(&h->nic[i], h, i) != 0)
            return -1;
    }
    return 0;
}

static int senders_init(struct host *h)
{
    uint32_t n = 0;

    for (uint32_t f = 0; f < h->flows; f++)
        n += h->traffic[h->flow[f].source].params.kind == TRAFFIC_SENDER;
    if (n == 0)
        return 0;
    h->sender = calloc(n, sizeof *h->sender);
    if (!h->sender)
        return -1;
    for (uint32_t f = 0; f < h->flows; f++) {
        struct traffic *t = &h->traffic[h->flow[f].source];
        if (t->params.kind != TRAFFIC_SENDER)
            continue;
        struct tcp_sender *s = &h->sender[h->senders++];
        /* the first window of a socket with the default buffer, or of SO_RCVBUF: half of it as a rule */
        int64_t first_window = h->hc->tcp.rmem_default / 2;
        if (sender_init(s, t, f - t->first_flow, &h->engine, &h->frames, first_window, nic_wake,
                        &h->nic[h->flow[f].nic]) != 0)
            return -1;
        h->flow[f].sender = s;
    }
    return 0;
}

static void phases_init(struct host *h)
{
    struct stream phase;

    h->jiffy = SEC / h->hc->cpu.hz;
    h->tick_phase = h->hc->cpu.tick_phase;
    stream_seed(&phase, h->seed, h->replication, "tick");
    if (h->tick_phase < 0)
        h->tick_phase = (ps_t)stream_below(&phase, (uint64_t)h->jiffy);
    h->tick_phase %= h->jiffy;
    stream_seed(&phase, h->seed, h->replication, "cost");
    h->cost_salt = stream_next(&phase);
}

static int variates_init(struct host *h)
{
    h->exponential = malloc(sizeof *h->exponential);
    h->cost = malloc(sizeof *h->cost);
    if (!h->exponential || !h->cost)
        return -1;
    for (int i = 0; i < h->config.traffics; i++) {      /* a table takes a while: only if one is drawn from */
        if (h->config.traffic[i].traffic.kind == TRAFFIC_POISSON) {
            variate_exponential(h->exponential);
            break;
        }
    }
    if (h->hc->run.cost_cv > 0)
        variate_lognormal(h->cost, (int)h->hc->run.cost_cv * 10);
    return 0;
}

static int host_build(struct host *h)
{
    h->traffic = calloc((size_t)h->config.traffics, sizeof *h->traffic);
    if (!h->traffic)
        return -1;
    if (variates_init(h) != 0)
        return -1;
    phases_init(h);
    h->netfilter.params = &h->hc->netfilter;
    if (cpus_init(h) != 0 || flows_init(h) != 0 || apps_init(h) != 0 || nics_init(h) != 0)
        return -1;
    return senders_init(h);
}

int host_init(struct host *h, const struct config *c, uint64_t seed, uint64_t replication, bool batch, char *why,
              size_t size)
{
    memset(h, 0, sizeof *h);
    h->seed = seed;
    h->replication = replication;
    for (int s = 0; s < STAGES; s++)
        hist_init(&h->latency[s]);
    pool_init(&h->frames, sizeof(struct frame));
    pool_init(&h->skbs, sizeof(struct skb));
    if (config_check(c, why, size) != NULL)
        return -1;
    snprintf(why, size, "out of memory while building the machine");
    if (engine_init(&h->engine, batch) != 0 || config_copy(&h->config, c) != 0)
        return -1;
    h->hc = h->config.host;
    config_unpack_costs(&h->config, (hz_t){ h->hc->cpu.freq });
    h->stop_at = h->hc->run.duration > 0 ? h->hc->run.duration : PS_NEVER;
    h->warm_at = h->hc->run.warmup;
    h->hc_cost_cv = h->hc->run.cost_cv;
    h->next_sample = UINT64_MAX;
    h->observer.slow_from = PS_NEVER;
    return host_build(h);
}

void host_free(struct host *h)
{
    for (int i = 0; i < h->apps; i++)
        app_free(&h->app[i]);
    for (uint32_t i = 0; i < h->senders; i++)
        sender_free(&h->sender[i]);
    for (int i = 0; i < h->nics; i++)
        nic_free(&h->nic[i]);
    for (int s = 0; s < STAGES; s++)
        hist_free(&h->latency[s]);
    free(h->cpu);
    free(h->rq);
    free(h->softirq);
    free(h->backlog);
    free(h->netif);
    free(h->nic);
    free(h->queue_ledger);
    free(h->traffic);
    free(h->app);
    free(h->flow);
    free(h->netfilter.known);
    free(h->sender);
    free(h->exponential);
    free(h->cost);
    pool_free(&h->frames);
    pool_free(&h->skbs);
    config_free(&h->config);
    engine_free(&h->engine);
}

/* ---- running ---- */

enum { SLICE_US = 100 };        /* how often the end of a run is looked for: the same instants in every mode */

static bool sources_silent(const struct host *h)
{
    for (int i = 0; i < h->nics; i++) {
        if (h->nic[i].incoming)
            return false;
    }
    for (uint32_t i = 0; i < h->senders; i++) {
        if (!sender_done(&h->sender[i]))
            return false;
    }
    for (int i = 0; i < h->traffics; i++) {
        if (traffic_peek(&h->traffic[i]) != PS_NEVER)
            return false;
    }
    return true;
}

struct ledger host_ledger(const struct host *h)
{
    struct ledger sum = h->unsteered;

    for (int q = 0; q < h->nics * CONFIG_QUEUES; q++) {
        for (int f = 0; f < FATES; f++) {
            sum.frames[f] += h->queue_ledger[q].frames[f];
            sum.bytes[f] += h->queue_ledger[q].bytes[f];
        }
    }
    return sum;
}

uint64_t host_in_flight(const struct host *h)
{
    struct ledger sum = host_ledger(h);
    uint64_t ended = 0;

    for (int f = FATE_IN_FLIGHT + 1; f < FATES; f++)
        ended += sum.frames[f];
    return sum.offered - ended;
}

static void host_start(struct host *h)
{
    for (int i = 0; i < h->cpus; i++)
        cpu_start(&h->cpu[i]);
    for (int i = 0; i < h->apps; i++)
        app_start(&h->app[i]);
    for (uint32_t i = 0; i < h->senders; i++)
        sender_start(&h->sender[i]);
    for (int i = 0; i < h->nics; i++)
        nic_start(&h->nic[i]);
    for (int i = 0; i < h->cpus; i++)
        cpu_kick(&h->cpu[i]);
}

static void host_settle(struct host *h)
{
    for (int i = 0; i < h->nics; i++)
        nic_settle(&h->nic[i]);
}

/* Traffic has ended at `silent_at` (PS_NEVER: not yet), and nothing is inside or the patience is over. */
static bool host_finished(struct host *h, ps_t *silent_at)
{
    ps_t now = h->engine.now;

    host_settle(h);
    if (*silent_at == PS_NEVER && (now >= h->stop_at || sources_silent(h)))
        *silent_at = now;
    if (*silent_at == PS_NEVER || (h->stop_at != PS_NEVER && now < h->stop_at))
        return false;
    return host_in_flight(h) == 0 || now - *silent_at >= h->hc->run.drain;
}

bool host_run(struct host *h, const atomic_int *stop, atomic_llong *progress_ps)
{
    ps_t silent_at = PS_NEVER, at = 0;

    host_start(h);
    do {
        at += SLICE_US * US;
        engine_run_until(&h->engine, at);
        if (progress_ps)
            atomic_store_explicit(progress_ps, at, memory_order_relaxed);
        if (stop && atomic_load_explicit(stop, memory_order_relaxed))
            return false;
    } while (!host_finished(h, &silent_at));
    for (int i = 0; i < h->cpus; i++)
        cpu_settle(&h->cpu[i]);
    return true;
}

/* ---- the ledger ---- */

static void add_latencies(struct host *h, const struct frame *f, ps_t now)
{
    ps_t noticed_at = f->irq_at >= 0 ? f->irq_at : f->dma_at;

    hist_add(&h->latency[STAGE_NIC], f->dma_at - f->wire_at);
    hist_add(&h->latency[STAGE_IRQ], noticed_at - f->dma_at);
    hist_add(&h->latency[STAGE_RING], f->poll_at - noticed_at);
    hist_add(&h->latency[STAGE_DRIVER], f->stack_at - f->poll_at);
    hist_add(&h->latency[STAGE_STACK], f->socket_at - f->stack_at);
    hist_add(&h->latency[STAGE_SOCKET], now - f->socket_at);
    hist_add(&h->latency[STAGE_TOTAL], now - f->wire_at);
}

/* One word for all that is known of a finished frame: each fact by an odd multiplier of its own, then mixed. */
static uint64_t frame_fact(const struct frame *f, enum fate fate, ps_t when)
{
    uint64_t x = f->id * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)fate * UINT64_C(0xc2b2ae3d27d4eb4f);

    x += (uint64_t)when * UINT64_C(0x165667b19e3779f9) + (uint64_t)f->wire_at * UINT64_C(0x27d4eb2f165667c5);
    x += (uint64_t)f->dma_at * UINT64_C(0x85ebca77c2b2ae63) + (uint64_t)f->poll_at * UINT64_C(0xff51afd7ed558ccd);
    x += (uint64_t)f->stack_at * UINT64_C(0xc4ceb9fe1a85ec53) + (uint64_t)f->socket_at * UINT64_C(0xd6e8feb86659fd93);
    return x + ((uint64_t)(uint16_t)f->queue << 16 | (uint16_t)f->cpu) * UINT64_C(0xa0761d6478bd642f);
}

void host_frame_end_at(struct host *h, struct frame *f, enum fate fate, ps_t when)
{
    uint64_t bytes = (uint64_t)f->wire_bytes;

    if (fate != FATE_IN_FLIGHT) {       /* else: thrown away with the machine, booked as still inside */
        struct flow *flow = &h->flow[f->flow];
        struct ledger *books = f->queue < 0 ? &h->unsteered
                                            : &h->queue_ledger[flow->nic * CONFIG_QUEUES + f->queue];
        enum fate_kind kind = fate_info[fate].kind;
        books->frames[fate]++;
        books->bytes[fate] += bytes;
        flow->ended[kind]++;
        fingerprint_add(&h->fingerprint, frame_fact(f, fate, when));
        if (fate == FATE_DELIVERED && f->wire_at >= h->warm_at)
            add_latencies(h, f, when);
        if (f->sampled || (kind == FATE_KIND_DROPPED && f->id < h->observer.drops_below) ||
            (fate == FATE_DELIVERED && when - f->wire_at >= h->observer.slow_from))
            h->observer.frame_end(h->observer.user, f, fate, when);
        trace_emit(&h->engine.trace, when, TRACE_KFREE_SKB, f->cpu, (int64_t)f->id, fate);
    }
    pool_return(&h->frames, f);
}

void host_frame_end(struct host *h, struct frame *f, enum fate fate)
{
    host_frame_end_at(h, f, fate, h->engine.now);
}

void host_skb_free(struct host *h, struct skb *s)
{
    pool_return(&h->skbs, s);
}

void host_skb_drop(struct host *h, struct skb *s, enum fate fate)
{
    struct frame *f = s->first;

    for (int i = 0; i < s->frames; i++) {
        struct frame *next = f->next;
        host_frame_end(h, f, fate);
        f = next;
    }
    host_skb_free(h, s);
}

/* ---- counters ---- */

struct emitter {
    counter_fn *fn;
    void *user;
    const char *scope;
};

static void emit(const struct emitter *e, const struct model_info *m, const void *counters)
{
    for (size_t i = 0; i < m->n_counters; i++)
        e->fn(e->user, e->scope, m->counters[i].name, counter_value(counters, &m->counters[i]));
}

static void nic_counters(const struct nic *n, struct emitter e)
{
    char scope[2 * CONFIG_NAME];

    e.scope = n->name;
    emit(&e, &mac_model, &n->mac.counters);
    emit(&e, &fifo_model, &n->fifo.counters);
    for (int i = 0; i < n->queues; i++) {
        const struct nic_queue *q = &n->queue[i];
        snprintf(scope, sizeof scope, "%s.q%d", n->name, i);
        e.scope = scope;
        emit(&e, &ring_model, &q->ring.counters);
        emit(&e, &irq_host_model, &q->irq.counters);
        emit(&e, &napi_model, &q->napi.counters);
        emit(&e, &xdp_model, &q->driver.xdp);
        emit(&e, &gro_model, &q->napi.gro.counters);
    }
}

static void cpu_counters(const struct host *h, int i, struct emitter e)
{
    char scope[16];

    snprintf(scope, sizeof scope, "cpu%d", i);
    e.scope = scope;
    emit(&e, &cpu_model, &h->cpu[i].counters);
    emit(&e, &softirq_model, &h->softirq[i].counters);
    emit(&e, &netif_model, &h->netif[i]);
    emit(&e, &rps_model, &h->backlog[i].counters);
    emit(&e, &sched_model, &h->rq[i].counters);
}

void host_counters(const struct host *h, counter_fn *fn, void *user)
{
    struct emitter e = { fn, user, "" };
    char scope[2 * CONFIG_NAME];

    for (int i = 0; i < h->nics; i++)
        nic_counters(&h->nic[i], e);
    for (int i = 0; i < h->cpus; i++)
        cpu_counters(h, i, e);
    e.scope = "snmp";
    emit(&e, &ip_model, &h->ip);
    emit(&e, &udp_model, &h->udp);
    emit(&e, &tcp_model, &h->tcp);
    e.scope = "netfilter";
    emit(&e, &netfilter_model, &h->netfilter.counters);
    for (int i = 0; i < h->apps; i++) {
        snprintf(scope, sizeof scope, "app.%s", h->app[i].name);
        e.scope = scope;
        emit(&e, &app_model, &h->app[i].counters);
    }
}

bool host_deterministic(const struct host *h)
{
    if (h->hc->cpu.tick_phase < 0 || h->hc->run.cost_cv > 0)
        return false;
    for (int i = 0; i < h->traffics; i++) {
        const struct traffic_params *p = &h->traffic[i].params;
        if (p->offset || p->kind == TRAFFIC_POISSON || p->fcs_errors > 0 || p->runts > 0)
            return false;
    }
    return true;
}
