/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/xdp.h"

#include <stdio.h>
#include <string.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const char *const programs[] = { "none", "pass", "drop", "tx", "aborted", "redirect-cpumap", "redirect-xsk", NULL };
static const char *const modes[] = { "native", "generic", NULL };

static const struct param rows[] = {
    PARAM_COST(struct xdp_params, cost, "cost.xdp.program", 50, "running the program on one frame",
               "XDP paper (CoNEXT 2018): XDP_PASS costs 13.3 ns at 3.8 GHz"),
    PARAM_COST(struct xdp_params, tx, "cost.xdp.tx", 60, "XDP_TX: a descriptor and its share of the doorbell",
               "assumption; with cost.tx.free near XDP18's 87 ns of XDP_TX less 41 ns of XDP_DROP"),
    PARAM_COST(struct xdp_params, redirect, "cost.xdp.redirect", 60, "XDP_REDIRECT: the map's lookup, and into the bulk",
               "assumption; with cost.cpumap.frame UDP19's 24 to 34 ns for moving a packet"),
    PARAM_COST(struct xdp_params, generic, "cost.xdp.generic", 700,
               "generic mode: the skb's head is copied to make 256 bytes of room", "assumption: an allocation and its free"),
    PARAM_COST_PER_BYTE(struct xdp_params, generic_byte, "cost.xdp.generic_byte", 125, "copying that head",
                        "assumption: as cost.driver.copy_byte"),
};
ALL_FIELDS_HAVE_ROWS(struct xdp_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct xdp_counters, rx_xdp_drop, "rx_xdp_drop", "ethtool -S (mlx5)",
            "frames an XDP program dropped or aborted, or could not redirect"),
    COUNTER(struct xdp_counters, rx_xdp_tx_xmit, "rx_xdp_tx_xmit", "ethtool -S (mlx5)", "frames sent back by XDP_TX"),
    COUNTER(struct xdp_counters, rx_xdp_tx_full, "rx_xdp_tx_full", "ethtool -S (mlx5)", "of XDP_TX, those without a descriptor"),
    COUNTER(struct xdp_counters, rx_xdp_redirect, "rx_xdp_redirect", "ethtool -S (mlx5)", "frames that a redirect took"),
    COUNTER(struct xdp_counters, exceptions, "xdp_exception", "xdp:xdp_exception (perf trace)",
            "frames aborted, or that a redirect did not take"),
};
ALL_COUNTERS_HAVE_ROWS(struct xdp_counters, counter_rows);

const struct model_info xdp_model = {
    .name = "xdp", .step = "2", .what = "a program before there is an skb",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, xdp), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM_CHOICE(struct xdp_nic_params, program, "nic.xdp", XDP_NONE, programs,
                 "XDP program: its verdict for the frames that nic.xdp_match selects", "none is the usual state"),
    PARAM_CHOICE(struct xdp_nic_params, mode, "nic.xdp_mode", XDP_NATIVE, modes,
                 "where it runs: in the driver, or in the core on skbs, without GRO", "ip link set dev X xdp, xdpgeneric"),
    PARAM_TEXT(struct xdp_nic_params, match_traffic, "nic.xdp_match.traffic",
               "the program acts on frames of traffic[NAME] only, and passes the others; empty: all", "ours: a program that knows the attack"),
    PARAM(struct xdp_nic_params, match_dport, "nic.xdp_match.dport", UNIT_COUNT, -1, -1, 65535,
          "the program acts on frames to this port only; -1: all", "ours"),
    PARAM(struct xdp_nic_params, cpus, "nic.xdp_cpus", UNIT_CPUS, 0, 0, INT64_MAX,
          "redirect-cpumap: CPUs of the map; a flow's hash chooses", "samples: xdp_redirect_cpu"),
};
ALL_FIELDS_HAVE_ROWS(struct xdp_nic_params, nic_rows);

const struct model_info xdp_nic_model = {
    .name = "xdp", .step = "2", .what = "the program attached",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, xdp), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

/* ---- the verdicts ---- */

static enum fate transmit(struct nic_queue *q, int32_t bytes)
{
    struct xdp_counters *counters = &q->driver.xdp;

    if (!tx_xdp(&q->tx, bytes)) {
        counters->rx_xdp_tx_full++;
        return FATE_XDP_TX_FULL;
    }
    counters->rx_xdp_tx_xmit++;
    return FATE_XDP_TX;
}

static enum fate refused(struct xdp_counters *counters, enum fate fate)
{
    counters->exceptions++;
    counters->rx_xdp_drop++;
    return fate;
}

void xdp_act(struct context *x, struct nic_queue *q, struct frame *f)
{
    struct host *h = x->cpu->host;
    const struct xdp_nic_params *n = &q->nic->config->xdp;
    struct xdp_counters *counters = &q->driver.xdp;

    switch ((enum xdp_program)n->program) {
    case XDP_TX_ALL:
        x->owed += h->hc->xdp.tx;
        host_frame_end(h, f, transmit(q, f->wire_bytes));
        return;
    case XDP_REDIRECT_CPUMAP:
        x->owed += h->hc->xdp.redirect;
        counters->rx_xdp_redirect++;
        x->owed += cpumap_enqueue(h, q, f, n->cpus);
        return;
    case XDP_REDIRECT_XSK:
        x->owed += h->hc->xdp.redirect;
        if (xsk_receive(x, &q->xsk, f))
            counters->rx_xdp_redirect++;
        else
            host_frame_end(h, f, refused(counters, FATE_XSK_FULL));
        return;
    case XDP_ABORTED_ALL:
        host_frame_end(h, f, refused(counters, FATE_XDP_ABORTED));
        return;
    case XDP_DROP_ALL:
    case XDP_PASS_ALL:
    case XDP_NONE:
        break;
    }
    counters->rx_xdp_drop++;
    host_frame_end(h, f, FATE_XDP_DROP);
}

void xdp_flush(struct context *x, struct nic_queue *q)
{
    const struct xdp_nic_params *n = &q->nic->config->xdp;

    if (n->program == XDP_REDIRECT_CPUMAP)
        x->owed += cpumap_flush(x, q);
    else if (n->program == XDP_REDIRECT_XSK)
        x->owed += xsk_flush(x, &q->xsk);
}

enum fate xdp_generic(struct host *h, const struct skb *s, ps_t *cost)
{
    struct nic *nic = &h->nic[s->nic];
    const struct xdp_nic_params *n = &nic->config->xdp;
    const struct xdp_params *p = &h->hc->xdp;
    struct nic_queue *q = &nic->queue[s->queue > 0 ? s->queue : 0];

    *cost += p->generic + ps_of_fs_per_byte(p->generic_byte, s->len) + p->cost;
    if (n->program == XDP_PASS_ALL || !h->flow[s->flow].xdp_match)
        return FATE_IN_FLIGHT;
    if (n->program == XDP_DROP_ALL)
        return FATE_XDP_DROP;
    if (n->program == XDP_ABORTED_ALL) {
        q->driver.xdp.exceptions++;
        return FATE_XDP_ABORTED;
    }
    *cost += p->tx;
    return transmit(q, s->first->wire_bytes);
}

/* ---- construction ---- */

void xdp_match(const struct config *c, struct flow *f)
{
    const struct xdp_nic_params *n = &c->nic[f->nic].xdp;
    const char *traffic = c->text[n->match_traffic];

    f->xdp_match = (!*traffic || strcmp(traffic, c->traffic_name[f->source]) == 0) &&
                   (n->match_dport < 0 || n->match_dport == f->wire_dport);
}

static bool has_traffic(const struct config *c, const char *name)
{
    for (int i = 0; i < c->traffics; i++) {
        if (strcmp(c->traffic_name[i], name) == 0)
            return true;
    }
    return false;
}

const char *xdp_check(const struct config *c, int nic, char *buffer, size_t size)
{
    const struct nic_config *n = &c->nic[nic];
    const char *traffic = c->text[n->xdp.match_traffic], *name = c->nic_name[nic];
    int64_t cpus = c->host->cpu.count;
    uint64_t there = cpus < CONFIG_CPUS ? (UINT64_C(1) << cpus) - 1 : UINT64_MAX;
    bool redirects = xdp_redirects(&n->xdp);

    if (*traffic && !has_traffic(c, traffic))
        snprintf(buffer, size, "nic[%s].xdp_match.traffic is %s, but no traffic source has that name", name, traffic);
    else if (redirects && n->xdp.mode == XDP_GENERIC)
        snprintf(buffer, size, "nic[%s].xdp redirects, which nic.xdp_mode generic does not model: set it to native", name);
    else if (n->xdp.program == XDP_REDIRECT_CPUMAP && !((uint64_t)n->xdp.cpus & there))
        snprintf(buffer, size, "nic[%s].xdp_cpus names no CPU of this machine: cpu.count is %d, counted from 0", name, (int)cpus);
    else if (n->xdp.program == XDP_REDIRECT_XSK && n->xsk.cpu >= cpus)
        snprintf(buffer, size, "nic[%s].xsk.cpu is %d, but cpu.count is %d, counted from 0", name, (int)n->xsk.cpu, (int)cpus);
    else if (n->xdp.program != XDP_NONE && n->xdp.mode == XDP_NATIVE && n->nic.kind == NIC_KIND_VETH)
        snprintf(buffer, size, "nic[%s] is a veth, where only nic.xdp_mode generic is modelled", name);
    else
        return NULL;
    return buffer;
}
