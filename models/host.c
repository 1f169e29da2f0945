/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/app.h"
#include "models/client.h"
#include "models/ehash.h"
#include "models/epoll.h"
#include "models/express.h"
#include "models/horizon.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/reply.h"
#include "models/requester.h"
#include "models/recvmmsg.h"
#include "models/reuseport.h"
#include "models/sender.h"
#include "models/sendmsg.h"
#include "models/skb_local.h"
#include "models/skmem.h"
#include "models/udp_gso.h"
#include "models/veth.h"

/* The journey, in packet order: help, README, database and plots follow this order. */
const struct model_info *const rx_path[] = {
    &traffic_model, &form_model, &client_model, &requester_model,   /*   who sends what, when          */
    &sendmsg_model, &sendmsg_host_model, &skb_local_model, &veth_model, &veth_nic_model,    /* - from this host itself */
    &wire_model, &phy_model, &mac_model, &fifo_model,       /* 1 the NIC receives a frame            */
    &pause_model,                                           /* 1 .. or stops its sender             */
    &rss_model, &dma_model, &ring_model, &pages_model, &nic_model,  /* 1 a queue, a descriptor, memory       */
    &coalesce_model, &irq_model, &irq_host_model, &irqbalance_model,           /* 2 hardware interrupt                  */
    &adaptive_model, &stats_model,
    &cpu_model, &cache_model, &softirq_model, &napi_model, &napi_nic_model, &napi_queue_model,   /* 2 softirq and NAPI                */
    &cstate_model, &steal_model, &platform_model, &numa_model, &numa_nic_model,     /* - what else a core meets */
    &xdp_model, &xdp_nic_model, &cpumap_model, &xsk_model, &xsk_nic_model,  /* 2 XDP                 */
    &driver_model, &driver_nic_model, &skb_model, &skb_nic_model,   /* 3 sk_buff                     */
    &gro_model,                                             /* 4 GRO                                 */
    &rps_model, &rps_queue_model, &rfs_model, &rfs_nic_model, &rfs_queue_model,     /* - steering     */
    &netif_model, &tap_model, &tc_model,                    /* - taps, tc                            */
    &vlan_model, &vlan_nic_model, &bridge_model, &bridge_nic_model, &tunnel_model,  /* - devices upon devices */
    &ip_model, &ip_nic_model, &ip6_model, &defrag_model, &netfilter_model, &conntrack_model,    /* 5 IP    */
    &tx_model, &tx_queue_model, &tx_host_model,             /* 5 and out again: forwarding           */
    &udp_gso_model, &udp_gso_nic_model, &udp_gso_host_model,            /* 6 transport             */
    &udp_model, &udp6_model, &udp_mcast_model, &udp_mcast_host_model, &protomem_model, &tcp_model,
    &ehash_model, &listen_model, &listen_app_model, &reuseport_model,   /* 6 which socket            */
    &sock_model, &sock_app_model, &skmem_model, &epoll_model, &sched_model, /* 7 socket queue, wake-up       */
    &app_model, &app_host_model, &recvmmsg_model, &recvmmsg_host_model,     /* 7 application                 */
    &busy_poll_model, &reply_model,                         /* 7 its own polls, and its answers      */
    &background_model, &bandwidth_model,                    /* - what else a CPU works on, and its limit */
    &run_model,
    NULL
};

static const char *const distributions[] = { "lognormal", "exponential", NULL };

static const struct param rows[] = {
    PARAM(struct run_params, duration, "run.duration", UNIT_TIME, 10 * MS, 0, 3600 * SEC,
          "how long traffic is offered; 0: until every source has ended", "a short look"),
    PARAM(struct run_params, warmup, "run.warmup", UNIT_TIME, 0, 0, 3600 * SEC,
          "frames that arrive before do not enter the latency statistics; the ledger counts all", "none"),
    PARAM(struct run_params, drain, "run.drain", UNIT_TIME, 100 * MS, 0, 3600 * SEC,
          "longest time to let what is inside come to its end", "longer than a delayed ACK"),
    PARAM(struct run_params, seed, "run.seed", UNIT_COUNT, 1, 0, INT64_MAX, "root of all random streams; --seed wins", "1"),
    PARAM(struct run_params, cost_cv, "run.cost_cv", UNIT_COUNT, 5, 0, 200,
          "coefficient of variation of each frame's driver and recv costs, percent (mean kept); 0: constant",
          "assumption: run-to-run spread of per-packet costs"),
    PARAM_CHOICE(struct run_params, cost_distribution, "run.cost_distribution", COST_LOGNORMAL, distributions,
                 "how these costs are distributed; exponential needs run.cost_cv 100, its only spread, or 0",
                 "ours: what adds up from many small factors is lognormal; exponential is queueing theory's M"),
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
    [TRACE_RECV] = "sock:sock_recv_length", [TRACE_RECV_RETURN] = "syscalls:sys_exit_recvfrom",
    [TRACE_KFREE_SKB] = "skb:kfree_skb", [TRACE_TCP_PROBE] = "tcp:tcp_probe",
};

/* ---- relations between parameters ---- */

/* Masks that name no CPU of this machine, and settings of queues that the NIC does not have. */
static const char *check_queues(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct nic_config *n = &c->nic[nic];
    int64_t cpus = c->host->cpu.count, queues = n->nic.channels;
    uint64_t there = cpus < CONFIG_CPUS ? (UINT64_C(1) << cpus) - 1 : UINT64_MAX;

    for (int q = 0; q < queues; q++) {
        uint64_t rps = (uint64_t)n->queue[q].rps.rps_cpus, irq = (uint64_t)n->queue[q].irq.smp_affinity;
        if ((rps && !(rps & there)) || (irq && !(irq & there))) {
            snprintf(buffer, size, "nic[%s].queue[%d].%s names no CPU of this machine: cpu.count is %d, counted from 0",
                     c->nic_name[nic], q, rps && !(rps & there) ? "rps_cpus" : "smp_affinity", (int)cpus);
            return buffer;
        }
    }
    for (int64_t q = queues; q < CONFIG_QUEUES - 1; q++) {  /* settings of all queues leave the last like its neighbours */
        if (memcmp(&n->queue[q], &n->queue[CONFIG_QUEUES - 1], sizeof n->queue[q]) != 0) {
            snprintf(buffer, size, "nic[%s].queue[%d] is set, but nic.channels is %d, counted from 0",
                     c->nic_name[nic], (int)q, (int)queues);
            return buffer;
        }
    }
    return NULL;
}

static const char *check_flow_limit(const struct config *c, char *buffer, size_t size)
{
    int64_t buckets = c->host->rps.flow_limit_table_len;

    if ((buckets & (buckets - 1)) == 0)
        return NULL;
    snprintf(buffer, size, "net.core.flow_limit_table_len is %d: the kernel takes powers of two only", (int)buckets);
    return buffer;
}

static const char *check_rss(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct rss_params *p = &c->nic[nic].rss;
    int queues = (int)c->nic[nic].nic.channels;
    struct rss rss;
    struct ntuples rules = { 0 };
    const char *wrong = "indir_size is not a power of two", *key = "rss.";

    if ((p->indir_size & (p->indir_size - 1)) == 0) {
        wrong = rss_init(&rss, p, c->text[p->hkey], "", queues);
        if (!wrong && (wrong = rss_init(&rss, p, "", c->text[p->indir], queues)) != NULL)
            key = "rss.indir ";
        if (!wrong && (wrong = ntuple_parse(&rules, c->text[p->ntuple], queues)) != NULL)
            key = "ntuple ";
        free(rules.rule);
    }
    if (!wrong)
        return NULL;
    snprintf(buffer, size, "nic[%s].%s%s", c->nic_name[nic], key, wrong);
    return buffer;
}

/* Marks that the packet buffer can reach. */
static const char *check_pause(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct pause_params *p = &c->nic[nic].pause;
    long long fifo = c->nic[nic].fifo.size;

    if (!p->tx || (p->low_water < p->high_water && p->high_water <= fifo))
        return NULL;
    snprintf(buffer, size, "nic[%s].pause: low_water %lldB, high_water %lldB and nic.fifo %lldB must follow each other: low "
             "below high, high not above the packet buffer", c->nic_name[nic], (long long)p->low_water,
             (long long)p->high_water, fifo);
    return buffer;
}

/* A frame over several buffers must find them all posted, whatever the driver's refill leaves out. */
static const char *check_buffers(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct ring_params *r = &c->nic[nic].ring;
    int64_t longest = c->nic[nic].mac.max_frame - ETH_FCS;
    int64_t most = r->buffer > 0 ? (longest + r->buffer - 1) / r->buffer : 1;
    int64_t kept = (r->refill_at_end > 0 ? r->refill_at_end - 1 : r->refill_batch - 1) +
                   (r->tail_multiple > 1 ? r->tail_multiple : 0);

    if (most <= 1 || r->rx - r->reserved - kept >= most)
        return NULL;
    snprintf(buffer, size, "nic[%s].ring.rx is %d: a frame of nic.max_frame needs %d buffers of nic.ring.buffer, and the "
             "driver's refill may keep %d back", c->nic_name[nic], (int)r->rx, (int)most, (int)kept);
    return buffer;
}

/* Pages are kept of buffers that each hold a whole frame and belong to no skb yet. */
static const char *check_pages(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct nic_config *n = &c->nic[nic];
    bool long_frames = n->ring.buffer > 0 && n->ring.buffer < n->mac.max_frame - ETH_FCS;

    if (n->pages.kind != PAGES_RECYCLED && (long_frames || n->driver.holds_skbs)) {
        snprintf(buffer, size, "nic[%s].ring.pages: half and pool are modelled without %s", c->nic_name[nic],
                 long_frames ? "frames over several buffers: set nic.ring.buffer to 0" : "nic.ring.holds_skbs");
        return buffer;
    }
    if (n->pages.alloc_fail > 0 && n->pause.tx && c->host->run.duration == 0) {
        snprintf(buffer, size, "nic[%s].ring.alloc_fail may leave a ring without buffers for ever, and nic.pause.tx then stops "
                 "its sender: set run.duration", c->nic_name[nic]);
        return buffer;
    }
    return NULL;
}

/* A ring that the NIC does not take, and settings of moderation that do not go together. */
static const char *check_moderated_ring(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct ring_params *r = &c->nic[nic].ring;

    if (r->rx > r->max) {
        snprintf(buffer, size, "nic[%s].ring.rx is %d, but this NIC takes at most %d (nic.ring.max), as ethtool -G would say",
                 c->nic_name[nic], (int)r->rx, (int)r->max);
        return buffer;
    }
    if (r->writeback > 1 && c->nic[nic].coalesce.kind == COALESCE_DELAY) {
        snprintf(buffer, size, "nic[%s].ring.writeback is %d, but nic.coalesce.kind is delay: only the gap of an ITR ends a "
                 "group that is not full", c->nic_name[nic], (int)r->writeback);
        return buffer;
    }
    return adaptive_check(c, nic, buffer, size);
}

/* Two applications that would bind the same port. */
static const char *check_ports(const struct config *c, char *buffer, size_t size)
{
    for (int i = 0; i < c->apps; i++) {
        for (int k = 0; k < i; k++) {
            const struct app_params *a = &c->app[k].app, *b = &c->app[i].app;
            bool same_proto = a->proto == b->proto || a->proto == 0 || b->proto == 0;
            bool shared = *c->text[c->app[k].epoll.share] || *c->text[c->app[i].epoll.share] ||
                          (*c->text[c->app[k].udp_mcast.groups] && *c->text[c->app[i].udp_mcast.groups]);
            if (a->port != 0 && a->port == b->port && same_proto && !shared &&
                reuseport_check(c, k, i, buffer, size) != NULL)
                return buffer;
        }
    }
    return NULL;
}

static const char *check_route(const struct config *c, char *buffer, size_t size)
{
    const char *route = c->text[c->host->tx.route];

    for (int i = 0; i < c->nics && *route; i++) {
        if (strcmp(route, c->nic_name[i]) == 0)
            return NULL;
    }
    if (!*route)
        return NULL;
    snprintf(buffer, size, "host.default_route is %s, but no NIC has that name: write nic[%s].model or another of its keys",
             route, route);
    return buffer;
}

/* What stands between the driver and the sockets. */
static const char *check_hooks(const struct config *c, char *buffer, size_t size)
{
    const char *why = tc_check(&c->host->tc);

    if (!why && c->host->tap.cpu >= c->host->cpu.count)
        why = "app.tap_cpu is not a CPU of this machine (cpu.count, counted from 0)";
    if (!why)
        why = netfilter_check(c, buffer, size);
    if (!why)
        why = ip_check(c, buffer, size);
    if (why && why != buffer)
        snprintf(buffer, size, "%s", why);
    return why;
}

static bool source_ends(const struct config *c, int i)
{
    const struct traffic_params *p = &c->traffic[i].traffic;

    if (p->kind == TRAFFIC_SENDER)
        return p->bytes > 0 || p->stop > 0;
    if (p->kind == TRAFFIC_RR)
        return p->frames > 0 || p->stop > 0;
    if (*c->text[c->traffic[i].sendmsg.trains] && c->nic[p->nic].nic.kind == NIC_KIND_VETH)
        return true;
    return p->frames > 0 || p->stop > 0 || (p->kind == TRAFFIC_REPLAY && p->loop > 0) ||
           (p->kind == TRAFFIC_ONOFF && p->period == 0);
}

/* An exponential distribution has no other spread than its mean: a cv beside it would not say what happens. */
static const char *check_run(const struct run_params *p)
{
    bool exponential = p->cost_distribution == COST_EXPONENTIAL;

    return exponential && p->cost_cv != 0 && p->cost_cv != 100
           ? "run.cost_distribution is exponential, whose coefficient of variation is 100 percent: set run.cost_cv to "
             "100, or to 0 for constant costs" : NULL;
}

const char *config_check(const struct config *c, char *buffer, size_t size)
{
    const char *why = tcp_params_check(&c->host->tcp);

    if (!why)
        why = protomem_check(&c->host->protomem);

    if (!why)
        why = check_run(&c->host->run);
    if (!why)
        why = cpu_check(&c->host->cpu);
    if (!why)
        why = steal_check(&c->host->steal);
    if (why) {
        snprintf(buffer, size, "%s", why);
        return buffer;
    }
    if ((why = numa_check(c, buffer, size)) != NULL)
        return why;
    const struct softirq_params *s = &c->host->softirq;
    ps_t two_jiffies = 2 * (SEC / c->host->cpu.hz);
    if (s->budget_usecs_min && s->netdev_budget_usecs > 0 && s->netdev_budget_usecs < two_jiffies) {
        snprintf(buffer, size, "net.core.netdev_budget_usecs is %lldus: this kernel refuses less than two jiffies, %lldus at "
                 "kernel.hz %d, and keeps its old value", (long long)(s->netdev_budget_usecs / US),
                 (long long)(two_jiffies / US), (int)c->host->cpu.hz);
        return buffer;
    }
    for (int i = 0; i < c->traffics; i++) {
        if ((why = traffic_check(c, i, buffer, size)) != NULL)
            return why;
        if (c->nic[c->traffic[i].traffic.nic].nic.kind == NIC_KIND_VETH && (why = sendmsg_check(c, i, buffer, size)) != NULL)
            return why;
        if (c->host->run.duration == 0 && !source_ends(c, i)) {
            snprintf(buffer, size, "run.duration is 0, but traffic[%s] never ends: set traffic.frames, traffic.stop "
                     "or (replay) traffic.loop", c->traffic_name[i]);
            return buffer;
        }
    }
    const struct app_host_params *costs = &c->host->app;
    for (int i = 0; i < c->apps; i++) {
        if ((why = app_check(&c->app[i])) != NULL) {
            snprintf(buffer, size, "app[%s]: %s", c->app_name[i], why);
            return buffer;
        }
        if (c->app[i].app.kind == APP_BUSY && costs->recv_entry + costs->empty + costs->user + costs->call <= 1) {
            snprintf(buffer, size, "app[%s].kind is busy, but cost.recv.entry, .empty, .user and .call are all 0: it would "
                     "read for ever without time passing", c->app_name[i]);
            return buffer;
        }
        if ((why = epoll_check(c, i, buffer, size)) != NULL)
            return why;
        if (c->app[i].app.cpu >= c->host->cpu.count) {
            snprintf(buffer, size, "app[%s].cpu is %d, but cpu.count is %d, counted from 0", c->app_name[i],
                     (int)c->app[i].app.cpu, (int)c->host->cpu.count);
            return buffer;
        }
    }
    if ((why = check_ports(c, buffer, size)) != NULL || (why = check_flow_limit(c, buffer, size)) != NULL ||
        (why = check_route(c, buffer, size)) != NULL || (why = check_hooks(c, buffer, size)) != NULL ||
        (why = reply_check(c, buffer, size)) != NULL || (why = busy_poll_check(c, buffer, size)) != NULL ||
        (why = napi_check(c, buffer, size)) != NULL)
        return why;
    for (int i = 0; i < c->nics; i++) {
        if ((why = check_queues(c, i, buffer, size)) != NULL || (why = check_rss(c, i, buffer, size)) != NULL ||
            (why = xdp_check(c, i, buffer, size)) != NULL || (why = check_pause(c, i, buffer, size)) != NULL ||
            (why = check_buffers(c, i, buffer, size)) != NULL || (why = check_pages(c, i, buffer, size)) != NULL ||
            (why = vlan_check(c, i, buffer, size)) != NULL)
            return why;
        const struct ring_params *r = &c->nic[i].ring;
        if ((why = check_moderated_ring(c, i, buffer, size)) != NULL)
            return why;
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

/* The flows of a source: where its NIC's hash and rules send them. */
static void source_flows(struct host *h, int source, uint32_t first, uint32_t n, const struct flow_key *keys)
{
    const struct config *c = &h->config;
    int nic = (int)c->traffic[source].traffic.nic, queues = (int)c->nic[nic].nic.channels;
    const struct rss_params *p = &c->nic[nic].rss;
    struct rss rss;
    struct ntuples rules;

    rss_init(&rss, p, c->text[p->hkey], c->text[p->indir], queues);
    ntuple_parse(&rules, c->text[p->ntuple], queues);
    for (uint32_t i = 0; i < n; i++) {
        struct flow *flow = &h->flow[first + i];
        flow->key = keys[i];
        struct flow_key seen = form_of_flow(c, source, &rss, flow);
        flow->nic = (int16_t)nic;
        int rule = ntuple_queue(&rules, &seen);
        flow->queue = (int16_t)(rule >= 0 ? rule : rss_queue(&rss, flow->hash));
        flow->source = (int16_t)source;
        netfilter_dnat(c, flow);
        xdp_match(c, flow);
        ip_flow_init(c, flow);
        flow->vlan_known = flow->vlan && vlan_in_list(c->text[c->nic[nic].vlan.devices], flow->vlan);
    }
    free(rules.rule);
}

static int flows_init(struct host *h)
{
    const struct config *c = &h->config;
    uint32_t most = 1;

    for (int i = 0; i < c->traffics; i++) {
        uint32_t n = traffic_flows(c, i);
        h->flows += n;
        most = n > most ? n : most;
    }
    h->flow = calloc(h->flows ? h->flows : 1, sizeof *h->flow);
    struct flow_key *keys = calloc(most, sizeof *keys);
    if (!h->flow || !keys) {
        free(keys);
        return -1;
    }
    for (uint32_t first = 0; h->traffics < c->traffics; h->traffics++) {
        int i = h->traffics;
        uint32_t n = traffic_flows(c, i);
        traffic_flow_keys(c, i, keys);
        source_flows(h, i, first, n, keys);
        traffic_init(&h->traffic[i], c, i, first, c->nic[c->traffic[i].traffic.nic].wire.link, h->exponential, h->seed,
                     h->replication);
        first += n;
    }
    free(keys);
    h->config.host->sock.tcp_rcv += ehash_lookup(&h->hc->ehash);
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
    h->udp_segments = calloc(n, sizeof *h->udp_segments);
    h->steal = calloc(n, sizeof *h->steal);
    h->bridge = calloc(n, sizeof *h->bridge);
    h->gro_cell = calloc(n, sizeof *h->gro_cell);
    if (!h->steal || !h->bridge || !h->gro_cell || !h->udp_segments || !h->cpu || !h->rq || !h->softirq || !h->backlog ||
        !h->netif)
        return -1;
    h->cpus = (int)n;
    for (int i = 0; i < h->cpus; i++) {
        struct cpu *c = &h->cpu[i];
        if (cpu_init(c, h, i) != 0 || sched_init(c, &h->rq[i], &h->hc->sched) != 0 ||
            softirq_init(&h->softirq[i], c, &h->hc->softirq) != 0 || steal_init(&h->steal[i], c) != 0 ||
            backlog_init(&h->backlog[i], c, &h->hc->rps) != 0 || tunnel_init(&h->gro_cell[i], c) != 0)
            return -1;
        int sibling = cpu_sibling(&h->hc->cpu, i);
        c->sibling = sibling < 0 ? NULL : &h->cpu[sibling];
    }
    return 0;
}

static struct sock *bound_socket(struct host *h, const struct flow_key *key)
{
    for (int i = 0; i < h->apps; i++) {
        if (app_listens(&h->app[i], key))
            return &reuseport_pick(h, &h->app[i], key, NULL)->udp;
    }
    return NULL;
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
    epoll_share(h);
    protomem_init(&h->udp_mem, h);
    for (uint32_t f = 0; f < h->flows; f++) {       /* UDP ports are bound before the first frame */
        struct flow *flow = &h->flow[f];
        bool alike = f > 0 && flow->key.dport == flow[-1].key.dport && flow->key.proto == flow[-1].key.proto;
        if (alike && flow[-1].sk && flow[-1].sk->app->config->reuseport.on)
            alike = false;              /* each flow has a choice of its own */
        if (flow->key.proto == FLOW_UDP)
            flow->sk = alike ? flow[-1].sk : bound_socket(h, &flow->key);
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
        if (strcmp(h->nic[i].name, h->config.text[h->hc->tx.route]) == 0)
            h->egress = &h->nic[i];
    }
    for (int i = 0; i < h->nics; i++)
        h->descriptors += h->nic[i].queues * h->nic[i].config->ring.rx;
    for (int i = 0; i < h->nics; i++)
        dma_translate(&h->nic[i].dma, h->descriptors);
    for (uint32_t f = 0; f < h->flows; f++) {       /* a veth has one queue, whatever the hash says */
        int queue = h->nic[h->flow[f].nic].veth ? 0 : h->flow[f].queue;
        h->flow[f].books = &h->queue_ledger[h->flow[f].nic * CONFIG_QUEUES + queue];
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

static int requesters_init(struct host *h)
{
    uint32_t n = 0;

    for (uint32_t f = 0; f < h->flows; f++)
        n += h->traffic[h->flow[f].source].params.kind == TRAFFIC_RR;
    h->requester_group = calloc((size_t)h->traffics + 1, sizeof *h->requester_group);
    h->requester = n > 0 ? calloc(n, sizeof *h->requester) : NULL;
    if (!h->requester_group || (n > 0 && !h->requester))
        return -1;
    for (int i = 0; i < h->traffics; i++) {
        char name[48];
        h->requester_group[i] = (struct requester_group){
            .traffic = &h->traffic[i], .engine = &h->engine, .frames = &h->frames, .rtt = &h->rtt, .warm_at = h->warm_at,
            .notify = nic_wake, .user = &h->nic[h->traffic[i].params.nic],
        };
        snprintf(name, sizeof name, "traffic%d.think", i);
        stream_seed(&h->requester_group[i].think, h->seed, h->replication, name);
    }
    for (uint32_t f = 0; f < h->flows; f++) {
        if (h->traffic[h->flow[f].source].params.kind != TRAFFIC_RR)
            continue;
        h->flow[f].requester = &h->requester[h->requesters++];
        if (requester_init(h->flow[f].requester, &h->requester_group[h->flow[f].source], f) != 0)
            return -1;
    }
    return 0;
}

/* Sources whose NIC is a veth: each is a task. */
static int sendmsgs_init(struct host *h)
{
    h->sendmsg = calloc((size_t)h->traffics + 1, sizeof *h->sendmsg);
    if (!h->sendmsg)
        return -1;
    for (int i = 0; i < h->traffics; i++) {
        if (h->nic[h->traffic[i].params.nic].veth)
            sendmsg_init(&h->sendmsg[h->sendmsgs++], h, i);
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
    stream_seed(&phase, h->seed, h->replication, "reuseport");
    h->reuseport_secret = stream_next(&phase);
}

static bool draws_exponential(const struct host *h)
{
    if (h->hc->run.cost_cv > 0 && h->hc->run.cost_distribution == COST_EXPONENTIAL)
        return true;
    for (int i = 0; i < h->config.traffics; i++) {
        const struct traffic_params *p = &h->config.traffic[i].traffic;
        bool thinks = p->kind == TRAFFIC_RR && p->think_kind == TRAFFIC_THINK_EXPONENTIAL;
        if (p->kind == TRAFFIC_POISSON || thinks)
            return true;
    }
    return false;
}

/* A table takes a while: only if one is drawn from. */
static int variates_init(struct host *h)
{
    h->exponential = malloc(sizeof *h->exponential);
    h->cost = malloc(sizeof *h->cost);
    if (!h->exponential || !h->cost)
        return -1;
    if (draws_exponential(h))
        variate_exponential(h->exponential);
    if (h->hc->run.cost_cv > 0 && h->hc->run.cost_distribution == COST_EXPONENTIAL)
        *h->cost = *h->exponential;
    else if (h->hc->run.cost_cv > 0)
        variate_lognormal(h->cost, (int)h->hc->run.cost_cv * 10);
    return 0;
}

/* One line a hand-over, in packet order, with the journey's step. What comes before the interrupt is hardware of one
 * NIC, whose boxes nic.c settles in this order too: wire, PHY, MAC, FIFO, DMA, ring, coalesce. */
static void host_connect(struct host *h)
{
    h->to.interrupt = irq_signal;               /* 2  the moderated vector fires                */
    h->to.poll = driver_poll;                   /* 2  net_rx_action polls the queue             */
    h->to.hand_up = netif_receive_list;         /* 4  GRO's list is full, or the poll ends      */
    h->to.from_backlog = netif_receive;         /* -  what RPS steered to this CPU              */
    h->to.network = ip_rcv;                     /* 5  validate, PRE_ROUTING, route              */
    h->to.local = ip_local_deliver;             /* 5  LOCAL_IN                                  */
    h->to.output = ip_output;                   /* 5  what is forwarded leaves                  */
    h->to.udp = udp_gso_rcv;                    /* 6  lookup, buffer test, queue                */
    h->to.udp_mcast = udp_mcast_rcv;            /* 6  a copy for every socket                   */
    h->to.tcp = sock_tcp_rcv;                   /* 6  the connection, or its backlog            */
    h->to.tunnel = tunnel_rcv;                  /* 6  or all over again, without outer headers  */
    h->to.readable = sock_data_ready;           /* 7  wake whoever waits                        */
    h->to.timers = sock_run_timers;             /* 6  delayed and compressed ACKs               */
}

/* What stands in a packet's way between the driver and the sockets. */
static int hooks_init(struct host *h)
{
    h->netfilter.params = &h->hc->netfilter;
    h->netfilter.flow = h->flow;
    h->netfilter.nat = h->hc->netfilter.nat_rules > 0 || *h->config.text[h->hc->netfilter.nat_to];
    h->tc_attached = tc_active(&h->hc->tc);
    if (tap_init(h) != 0 || cpumap_init(h) != 0)
        return -1;
    return conntrack_init(&h->netfilter.conntrack, &h->hc->conntrack, &h->cache, h->flows, h->seed);
}

static int host_build(struct host *h)
{
    host_connect(h);
    h->traffic = calloc((size_t)h->config.traffics, sizeof *h->traffic);
    if (!h->traffic)
        return -1;
    if (variates_init(h) != 0)
        return -1;
    phases_init(h);
    h->cache.params = &h->hc->cache;
    if (defrag_init(&h->defrag, h, &h->hc->defrag) != 0)
        return -1;
    if (cpus_init(h) != 0 || rfs_init(h) != 0 || flows_init(h) != 0 || hooks_init(h) != 0 || apps_init(h) != 0 ||
        nics_init(h) != 0)
        return -1;
    udp_gso_find_gro(h);
    udp_mcast_find_groups(h);
    if (irqbalance_init(h) != 0 || senders_init(h) != 0 || requesters_init(h) != 0)
        return -1;
    return sendmsgs_init(h) != 0 || listen_init(&h->listen, h) != 0 ? -1 : 0;
}

int host_init(struct host *h, const struct config *c, uint64_t seed, uint64_t replication, bool batch, char *why,
              size_t size)
{
    memset(h, 0, sizeof *h);
    h->seed = seed;
    h->replication = replication;
    for (int s = 0; s < STAGES; s++)
        hist_init(&h->latency[s]);
    hist_init(&h->rtt);
    pool_init(&h->frames, sizeof(struct frame));
    pool_init(&h->skbs, sizeof(struct skb));
    pool_init(&h->head_pages, sizeof(struct head_page));
    pool_init(&h->rx_pages, sizeof(struct rx_page));
    if (config_check(c, why, size) != NULL)
        return -1;
    snprintf(why, size, "out of memory while building the machine");
    /* a hyper-thread's steps depend on what the other does when they begin: no step may begin ahead of its time */
    if (engine_init(&h->engine, batch && c->host->cpu.smt == CPU_SMT_OFF) != 0 || config_copy(&h->config, c) != 0)
        return -1;
    h->hc = h->config.host;
    config_unpack_costs(&h->config, (hz_t){ h->hc->cpu.freq });
    platform_apply(h->config.host);
    ip_fold_costs(&h->config.host->ip);
    sched_scale(&h->config.host->sched, h->hc->cpu.count, SEC / h->hc->cpu.hz);
    h->stop_at = h->hc->run.duration > 0 ? h->hc->run.duration : PS_NEVER;
    h->warm_at = h->hc->run.warmup;
    h->hc_cost_cv = h->hc->run.cost_cv;
    h->far_memory = h->hc->cache.frame > 0 || h->hc->numa.nodes > 1;
    h->skb_heads = h->hc->skb.heads;
    h->skb_heads_every = h->hc->skb.heads_every;
    h->skb_heads_at = h->hc->skb.heads_every > 0 ? (uint64_t)h->hc->skb.heads_every : UINT64_MAX;   /* 0: never */
    h->observer.slow_from = PS_NEVER;
    return host_build(h);
}

void host_free(struct host *h)
{
    for (int i = 0; i < h->apps; i++)
        app_free(&h->app[i]);
    for (uint32_t i = 0; i < h->senders; i++)
        sender_free(&h->sender[i]);
    listen_free(&h->listen);
    for (int i = 0; i < h->nics; i++)
        nic_free(&h->nic[i]);
    for (int s = 0; s < STAGES; s++)
        hist_free(&h->latency[s]);
    hist_free(&h->rtt);
    for (int i = 0; i < h->cpus; i++)
        backlog_free(&h->backlog[i]);
    rfs_free(h);
    irqbalance_free(h);
    free(h->cpu);
    free(h->rq);
    free(h->softirq);
    free(h->backlog);
    free(h->netif);
    free(h->udp_segments);
    free(h->steal);
    free(h->bridge);
    free(h->gro_cell);
    free(h->nic);
    free(h->queue_ledger);
    free(h->traffic);
    free(h->app);
    free(h->flow);
    conntrack_free(&h->netfilter.conntrack);
    free(h->cpumap);
    free(h->tap);
    free(h->tap_counters);
    free(h->sender);
    free(h->sendmsg);
    free(h->requester);
    free(h->requester_group);
    free(h->exponential);
    free(h->cost);
    pool_free(&h->frames);
    pool_free(&h->skbs);
    pool_free(&h->head_pages);
    pool_free(&h->rx_pages);
    defrag_free(&h->defrag);
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
    for (uint32_t i = 0; i < h->requesters; i++) {
        if (!requester_done(&h->requester[i]))
            return false;
    }
    for (int i = 0; i < h->traffics; i++) {
        if (traffic_peek(&h->traffic[i]) != PS_NEVER)
            return false;
    }
    return listen_clients_done(&h->listen);
}

static void host_start(struct host *h)
{
    horizon_init(h);
    netif_find_plain_flows(h);
    express_init(h);
    for (int i = 0; i < h->cpus; i++)
        cpu_start(&h->cpu[i]);
    for (int i = 0; i < h->cpus; i++)
        steal_start(&h->steal[i]);
    for (int i = 0; i < h->apps; i++)
        app_start(&h->app[i]);
    tap_start(h);
    cpumap_start(h);
    for (uint32_t i = 0; i < h->senders; i++)
        sender_start(&h->sender[i]);
    for (uint32_t i = 0; i < h->requesters; i++)
        requester_start(&h->requester[i]);
    listen_start(&h->listen);
    for (int i = 0; i < h->nics; i++)
        nic_start(&h->nic[i]);
    for (int i = 0; i < h->sendmsgs; i++)
        sendmsg_start(&h->sendmsg[i]);
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
    host_latencies(h);
    return true;
}

bool host_deterministic(const struct host *h)
{
    for (int i = 0; i < h->apps; i++) {
        if (h->app[i].config->reuseport.on)
            return false;               /* the secret of its hash is drawn */
    }
    if (h->hc->cpu.tick_phase < 0 || h->hc->run.cost_cv > 0 || (h->hc->steal.period > 0 && h->hc->steal.phase < 0))
        return false;
    for (int i = 0; i < h->nics; i++) {
        if (h->nic[i].config->pages.alloc_fail > 0)
            return false;
    }
    for (int i = 0; i < h->traffics; i++) {
        const struct traffic_params *p = &h->traffic[i].params;
        bool thinks = p->kind == TRAFFIC_RR && p->think > 0 && p->think_kind == TRAFFIC_THINK_EXPONENTIAL;
        if (p->offset || p->kind == TRAFFIC_POISSON || thinks || p->fcs_errors > 0 || p->runts > 0)
            return false;
    }
    return true;
}
