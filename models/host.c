/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/app.h"
#include "models/ehash.h"
#include "models/epoll.h"
#include "models/express.h"
#include "models/horizon.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/requester.h"
#include "models/reuseport.h"
#include "models/sender.h"
#include "models/sendmsg.h"
#include "models/skmem.h"

/* The journey, in packet order: help, README, database and plots follow this order. */
const struct model_info *const rx_path[] = {
    /* - who sends what, when; from this host itself */
    &traffic_model, &form_model, &client_model, &requester_model,
    &sendmsg_model, &sendmsg_host_model, &skb_local_model, &veth_model, &veth_nic_model,
    /* 1 the NIC receives a frame, or stops its sender; a queue, a descriptor, memory */
    &wire_model, &phy_model, &mac_model, &fifo_model, &pause_model,
    &rss_model, &dma_model, &ring_model, &pages_model, &nic_model,
    /* 2 hardware interrupt; who moderates it, who takes it */
    &coalesce_model, &irq_model, &irq_host_model, &irqbalance_model, &adaptive_model, &stats_model,
    /* 2 softirq and NAPI, and what else a core meets */
    &cpu_model, &cache_model, &softirq_model, &napi_model, &napi_nic_model, &napi_queue_model,
    &cstate_model, &steal_model, &platform_model, &numa_model, &numa_nic_model,
    /* 2 XDP */
    &xdp_model, &xdp_nic_model, &cpumap_model, &xsk_model, &xsk_nic_model,
    /* 3 sk_buff */
    &driver_model, &driver_nic_model, &skb_model, &skb_nic_model,
    /* 4 GRO */
    &gro_model,
    /* - steering; taps, tc; devices upon devices */
    &rps_model, &rps_queue_model, &rfs_model, &rfs_nic_model, &rfs_queue_model,
    &netif_model, &tap_model, &tc_model,
    &vlan_model, &vlan_nic_model, &bridge_model, &bridge_nic_model, &tunnel_model,
    /* 5 IP, and out again: forwarding */
    &ip_model, &ip_nic_model, &ip6_model, &defrag_model, &netfilter_model, &conntrack_model,
    &tx_model, &tx_queue_model, &tx_host_model,
    /* 6 transport; which socket */
    &udp_gso_model, &udp_gso_nic_model, &udp_gso_host_model, &udp_model, &udp6_model, &udp_mcast_model,
    &udp_mcast_host_model, &protomem_model, &tcp_model,
    &ehash_model, &listen_model, &listen_app_model, &reuseport_model,
    /* 7 socket queue, wake-up, application; its own polls, and its answers */
    &sock_model, &sock_app_model, &skmem_model, &epoll_model, &sched_model,
    &app_model, &app_host_model, &recvmmsg_model, &recvmmsg_host_model, &busy_poll_model, &reply_model,
    /* - what else a CPU works on, and its limit; the run itself */
    &background_model, &bandwidth_model, &run_model,
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
