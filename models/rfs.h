/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receive flow steering: packets follow the application that reads them, by the backlog of its CPU (RFS), or by the NIC's
 * own filter to the queue of that CPU (accelerated RFS).
 *
 * In    rfs_record()     a TCP socket is read: its flow is wanted on this CPU
 *       steering_cpu()   which CPU an skb should go to: RFS first, then RPS
 *       rfs_queued()     it is on that CPU's backlog
 * Out   flow.queue       accelerated: the driver has programmed a filter
 *
 * The rule of get_rps_cpu() (net/core/dev.c): the socket flow table, indexed by the hash, holds the CPU of the last reader
 * and, as a check, the hash's upper bits. Where they agree, the queue's flow table says which CPU the flow goes to now. It
 * goes over to the reader's CPU if it has none, or if that CPU's backlog has taken out (head) everything up to the flow's last
 * packet (its tail then): otherwise packets would overtake each other. Without an agreeing entry, RPS decides. Both tables
 * are needed, rps_cpus is not.
 * With nic.features.ntuple, a flow that goes over also asks the driver for a filter to the queue whose interrupt goes to the
 * reader's CPU, if there is one; the filter is in force after nic.arfs_delay. Until then each packet asks again.
 * Readers of unconnected UDP sockets record nothing (sock_rps_record_flow: sk_state must be TCP_ESTABLISHED; 4.10 on in so
 * many words, before for want of a saved hash): RFS leaves such flows to RPS.
 * Not modelled: connected UDP sockets; filters that expire, or find no room; the CPU map's choice of a near CPU where no
 * queue's interrupt goes to the reader's (cpu_rmap); the second hash of the table's index (hash_32, 6.13 on). */
#ifndef MODELS_RFS_H
#define MODELS_RFS_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/frame.h"
#include "sim/engine/event.h"

struct context;
struct host;
struct skb;

struct rfs_params {
    int64_t rps_sock_flow_entries;
    int64_t lookup;
    int64_t record;
    int64_t steer;
};
extern const struct model_info rfs_model;

struct rfs_nic_params {
    int64_t ntuple;             /* switch */
    int64_t delay;
};
extern const struct model_info rfs_nic_model;

struct rfs_queue_params {
    int64_t rps_flow_cnt;
};
extern const struct model_info rfs_queue_model;

struct rfs_counters {
    uint64_t recorded;
    uint64_t switched;
    uint64_t held;
    uint64_t filters;
};

enum { RFS_NO_CPU = 0xffff };

struct rfs_flow {               /* rps_dev_flow */
    uint16_t cpu;
    uint32_t last_qtail;
};

struct rfs_table {              /* of a queue: rps_dev_flow_table */
    struct rfs_flow *flow;      /* NULL: rps_flow_cnt is 0 */
    uint32_t mask;
};

struct rfs {
    struct host *host;
    struct rfs_counters counters;
    uint32_t *sock_flow;        /* rps_sock_flow_table; NULL: RFS is off */
    uint32_t mask, cpu_mask;
    struct rfs_table *table;    /* NIC * CONFIG_QUEUES + queue */
    struct pool filters;
    struct arfs_filter *first, *last;   /* not in force yet, in order of their time */
    struct event program;
};

/* A filter under way: the flow will arrive at `queue`. */
struct arfs_filter {
    struct arfs_filter *next;
    ps_t at;
    uint32_t flow;
    int queue;
};

int rfs_init(struct host *h);
void rfs_free(struct host *h);
/* Whether packets of a NIC's queue are looked up at all. */
bool rfs_of_nic(const struct host *h, int nic);

/* recvmsg or sendmsg on an established socket, in its task. */
void rfs_record(struct context *x, uint32_t flow);

/* The CPU index for an skb, or -1 where neither RFS nor RPS says one. `entry` is what rfs_queued wants. */
int steering_cpu(struct context *x, const struct skb *s, struct rfs_flow **entry);
/* The skb went onto that CPU's backlog. */
void rfs_queued(const struct host *h, struct rfs_flow *entry, int cpu);

#endif
