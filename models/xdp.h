/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Native XDP: a program that runs in the driver's poll, before there is an skb.
 *
 * In    xdp_run()    the driver has a frame
 * Out   PASS: on to the skb; DROP: the buffer is recycled at once
 *
 * A frame costs budget whatever the verdict. Nothing above sees a dropped frame: no tap, no netfilter, no nstat.
 * Not modelled: TX, REDIRECT, generic XDP, programs that look at the frame (the verdict is one for all). */
#ifndef MODELS_XDP_H
#define MODELS_XDP_H

#include "models/config.h"
#include "models/cpu.h"

enum xdp_program { XDP_NONE, XDP_PASS_ALL, XDP_DROP_ALL };

struct xdp_params {
    int64_t cost;
};
extern const struct model_info xdp_model;

struct xdp_nic_params {
    int64_t program;
};
extern const struct model_info xdp_nic_model;

struct xdp_counters {
    uint64_t rx_xdp_drop;
};

/* Adds the program's cost; true if the frame goes on. */
static inline bool xdp_run(const struct xdp_nic_params *n, const struct xdp_params *p, ps_t *cost)
{
    if (n->program == XDP_NONE)
        return true;
    *cost += p->cost;
    return n->program == XDP_PASS_ALL;
}

#endif
