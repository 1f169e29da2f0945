/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RPS and the per-CPU backlog.
 *
 * In    rps_cpu()        which CPU an skb should go to
 *       rps_enqueue()    onto that CPU's backlog
 *       rps_send_ipis()  the end of net_rx_action, and the start of the sender's own backlog poll
 * Out   backlog_poll     the backlog's NAPI on the target CPU, dev_weight skbs at a time -> netif
 *
 * cpu = map[(hash * length) >> 32]. A backlog takes netdev_max_backlog + 1 skbs (it tests length > max before it
 * adds); what its poll has moved to the process queue does not count. The target is kicked by an IPI only if its
 * backlog was idle, and IPIs leave at the end of the sender's net_rx_action. (net/core/dev.c)
 * Flow limit (skb_flow_limit), for the CPUs of net.core.flow_limit_cpu_bitmap as senders: while the target's queue is at
 * least half full, an skb is refused if its flow's bucket has more than half of the last 128 that this CPU sent to such
 * queues. RFS decides before RPS: models/rfs.
 * Not modelled: the backlog as a thread. */
#ifndef MODELS_RPS_H
#define MODELS_RPS_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/napi.h"

struct rps_params {
    int64_t netdev_max_backlog;
    int64_t flow_limit_cpu_bitmap;
    int64_t flow_limit_table_len;
    int64_t dev_weight;
    int64_t enqueue;
    int64_t send_ipi;
    int64_t ipi_handler;
    int64_t dequeue;
};
extern const struct model_info rps_model;

struct rps_queue_params {
    int64_t rps_cpus;
};
extern const struct model_info rps_queue_model;

struct rps_counters {
    uint64_t dropped;
    uint64_t enqueued;
    uint64_t ipis_sent;
    uint64_t flow_limit_count;
};

enum { FLOW_LIMIT_HISTORY = 128 };      /* net/core/dev.h */

struct flow_limit {             /* of one CPU as sender: sd_flow_limit */
    uint8_t *buckets;           /* NULL: off */
    uint32_t mask;
    unsigned head;
    uint16_t history[FLOW_LIMIT_HISTORY];
};

struct backlog {                /* of one CPU: softnet_data's half */
    const struct rps_params *params;
    struct rps_counters counters;
    struct cpu *cpu;
    struct napi napi;
    struct skb_queue input, process;
    uint32_t head, tail;        /* skbs worked off, and queued, so far: input_queue_head and _tail */
    bool busy;                  /* with the one taken out last */
    struct flow_limit limit;
    struct event ipi;
    struct vector vector;
    struct cpu *ipi_next;       /* in the sender's list of CPUs to kick */
};

int backlog_init(struct backlog *b, struct cpu *c, const struct rps_params *p);
void backlog_free(struct backlog *b);
/* The CPU that a hash chooses of a mask: map[(hash * len) >> 32]; -1 if the mask names none of this machine. */
int rps_cpu_of(const struct host *h, uint64_t mask, uint32_t hash);
/* The CPU index for an skb, or -1 where its queue has no rps_cpus. */
int rps_cpu(const struct host *h, const struct skb *s);
/* False if the backlog was full: the skb is still the caller's. */
bool rps_enqueue(struct context *x, int cpu, struct skb *s);
/* Sends what the run has collected; returns the cost. */
ps_t rps_send_ipis(struct cpu *c);

#endif
