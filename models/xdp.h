/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XDP: a program that runs before there is an skb, or, in generic mode, just after.
 *
 * In    xdp_run()       native: the driver has a frame
 *       xdp_act()       .. and the program's time is over: what becomes of the frame
 *       xdp_flush()     .. and the poll ends: redirected frames go on in bulk
 *       xdp_generic()   generic: netif has an skb, after RPS and before the taps
 *       xdp_match()     the run begins: whose frames the program acts on
 * Out   PASS to the skb; DROP and ABORTED: the buffer is recycled at once; TX: back out of the queue pair's TX ring;
 *       cpumap: another CPU builds the skb (models/cpumap); xsk: an AF_XDP socket (models/xsk)
 *
 * A program is data: it acts on the frames that nic.xdp_match selects and passes all others. A frame costs budget
 * whatever the verdict. Nothing above sees a frame that native XDP took: no tap, no netfilter, no nstat. Attached in
 * generic mode it turns GRO off and runs on skbs, for which the core makes room in front (netif_receive_generic_xdp).
 * TX has no qdisc: without a descriptor the frame is lost (rx_xdp_tx_full).
 * Not modelled: a TX ring of XDP's own (it shares the queue pair's), devmap (redirect to another NIC), redirects in generic
 * mode, frames over several buffers, what a program does to the frame, several programs. */
#ifndef MODELS_XDP_H
#define MODELS_XDP_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/drop.h"
#include "models/flow.h"

enum xdp_program {
    XDP_NONE, XDP_PASS_ALL, XDP_DROP_ALL, XDP_TX_ALL, XDP_ABORTED_ALL, XDP_REDIRECT_CPUMAP, XDP_REDIRECT_XSK
};
enum xdp_mode { XDP_NATIVE, XDP_GENERIC };

struct xdp_params {
    int64_t cost;
    int64_t tx;
    int64_t redirect;
    int64_t generic;
    int64_t generic_byte;
};
extern const struct model_info xdp_model;

struct xdp_nic_params {
    int64_t program;
    int64_t mode;               /* enum xdp_mode */
    int64_t match_traffic;      /* UNIT_TEXT */
    int64_t match_dport;        /* -1: any */
    int64_t cpus;               /* mask */
};
extern const struct model_info xdp_nic_model;

struct xdp_counters {
    uint64_t rx_xdp_drop;
    uint64_t rx_xdp_tx_xmit;
    uint64_t rx_xdp_tx_full;
    uint64_t rx_xdp_redirect;
    uint64_t exceptions;
};

struct nic_queue;

static inline bool xdp_is_generic(const struct xdp_nic_params *n)
{
    return n->program != XDP_NONE && n->mode == XDP_GENERIC;
}

static inline bool xdp_redirects(const struct xdp_nic_params *n)
{
    return n->program == XDP_REDIRECT_CPUMAP || n->program == XDP_REDIRECT_XSK;
}

/* Adds the program's cost; true if the frame goes on. */
static inline bool xdp_run(const struct xdp_nic_params *n, const struct xdp_params *p, const struct flow *f, ps_t *cost)
{
    if (n->program == XDP_NONE || n->mode == XDP_GENERIC)
        return true;
    *cost += p->cost;
    return n->program == XDP_PASS_ALL || !f->xdp_match;
}

/* Ends or hands on a frame that the program has not passed; what that costs is owed. */
void xdp_act(struct context *x, struct nic_queue *q, struct frame *f);
void xdp_flush(struct context *x, struct nic_queue *q);
/* FATE_IN_FLIGHT: passed. */
enum fate xdp_generic(struct host *h, const struct skb *s, ps_t *cost);

void xdp_match(const struct config *c, struct flow *f);
const char *xdp_check(const struct config *c, int nic, char *buffer, size_t size);

#endif
