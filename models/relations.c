/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_check(): relations between parameters of several boxes, as sentences. What concerns one box alone is in its file. */
#include <stdio.h>
#include <string.h>

#include "models/app.h"
#include "models/epoll.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/reply.h"
#include "models/reuseport.h"
#include "models/sendmsg.h"

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
