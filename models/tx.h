/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transmit: one queue's way out of the host, for frames that are sent on.
 *
 * In    tx_xmit()        IP has frames for the queue (dev_queue_xmit)
 *       tx_poll()        the driver's poll takes completions back, before it looks at its RX ring
 *       tx_masked(), tx_unmasked()   the queue pair's vector
 *       tx_answer()      an answer of an application (models/reply)
 * Out   tx_fire          completions are to be signalled: through the queue pair's vector, or by one of their own
 *       the wire         each frame takes its time there
 *       -> requester     an answer's last bit is out
 *
 * A frame's end in the ledger is here: it is FORWARDED when a descriptor or the qdisc takes it, and a QDISC_DROP when
 * both are full. What happens to it afterwards is work of this host, but not the frame's fate.
 *
 * A descriptor's frame may start on the wire after pcie.tx_latency, frames of all queues of the NIC follow each other
 * there, and the completion is visible pcie.latency after the last bit. Completions are moderated as received frames
 * are (models/coalesce.h), by tx-usecs and tx-frames; kind and cause are the NIC's. nic.tx.clean says who takes them:
 *   napi   the poll of the queue pair, all that are done, at most nic.tx.work_limit: with more left it claims its
 *          whole weight and is polled again (mlx5e_napi_poll, ixgbe_poll, igb_poll). One vector masks both directions
 *   irq    the interrupt handler itself, as drivers of the first NAPI years did and e1000e with MSI-X does: only receive
 *          interrupts are masked; the NET_TX softirq frees what it took
 * A ring without a free descriptor leaves frames in the qdisc, a first-in-first-out of nic.txqueuelen; they move on
 * when completions are taken.
 * Acknowledgments leave by the first queue of host.default_route, where there is one, and answers as models/reply says.
 * Not modelled: kind gap_once for completions (it is a gap), an acknowledgment's loss where the qdisc is full (it is
 * counted as dropped and reaches its sender) and its options' bytes, other frames the host itself sends, TSO (each
 * frame has a descriptor), BQL, xmit_more (each rings the doorbell), other qdiscs, a CQ of mlx5 armed apart from its
 * neighbour's, XPS for what is sent on (a frame
 * leaves by the queue with the number of the one it came by). */
#ifndef MODELS_TX_H
#define MODELS_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"
#include "models/coalesce.h"
#include "models/cpu.h"
#include "models/drop.h"
#include "sim/engine/event.h"

struct nic_queue;
struct skb;

enum tx_clean { TX_CLEAN_NAPI, TX_CLEAN_IRQ };

struct tx_params {
    int64_t ring;
    int64_t txqueuelen;
    int64_t tx_usecs;           /* picoseconds */
    int64_t tx_frames;          /* 0: no limit by frames */
    int64_t clean;              /* enum tx_clean */
    int64_t work_limit;
};
extern const struct model_info tx_model;

struct tx_queue_params {
    int64_t xps_cpus;
};
extern const struct model_info tx_queue_model;

struct tx_host_params {
    int64_t route;              /* UNIT_TEXT */
    int64_t latency;
    int64_t xmit;
    int64_t byte;
    int64_t free;
    int64_t handler;
};
extern const struct model_info tx_host_model;

struct tx_counters {
    uint64_t tx_packets;
    uint64_t tx_bytes;
    uint64_t tx_queue_stopped;
    uint64_t tx_interrupts;
    uint64_t tx_cleans;         /* times completions were looked for and found */
    uint64_t tx_work_limited;
    uint64_t qdisc_dropped;
};

/* An answer on its way out. */
struct tx_answer {
    uint32_t flow, serial;      /* to whom, for which request */
    int32_t bytes;              /* payload; 0: not an answer */
};

/* A frame in the qdisc. */
struct tx_item {
    int32_t wire_bytes;
    struct tx_answer answer;
};

struct tx {
    const struct tx_params *params;
    const struct coalesce_params *coalesce;
    struct tx_counters counters;
    struct nic_queue *queue;

    ps_t *done_at;              /* [ring.tx] of each descriptor in use: when its completion is visible; NULL: never used */
    int64_t next_to_use, next_to_clean;     /* counted without wrap */
    struct tx_item *waiting;    /* [txqueuelen] the frames in the qdisc */
    int64_t queued, dequeued;   /* counted without wrap */

    int64_t signalled;          /* completions before this one need no interrupt any more */
    bool latched;               /* cause latched: one came and was taken by a poll, and still wants its interrupt */
    bool masked;
    ps_t armed_at, fired_at;
    int64_t taken;              /* by this poll */
    struct event fire;          /* the moderated interrupt */

    /* nic.tx.clean irq: a vector of its own */
    struct vector vector;
    struct event deliver;
};

int tx_init(struct tx *t, struct nic_queue *q);
void tx_free(struct tx *t);

/* Sends `s` on by the queue: FATE_FORWARDED, or FATE_QDISC_DROP if not all of its frames find room. */
enum fate tx_xmit(struct tx *t, const struct skb *s);
/* Sends a frame of the host's own; false if the qdisc had no room. */
bool tx_send(struct tx *t, int32_t bytes);
/* Sends a frame of XDP_TX: past the qdisc; false if there is no descriptor. */
bool tx_xdp(struct tx *t, int32_t bytes);
/* Sends an answer over UDP or TCP (FLOW_*); its client learns when the last bit is out. */
bool tx_answer(struct tx *t, const struct tx_answer *a, int proto);
/* What IP spends to send one skb on; without a way out the work of its completion, too. */
ps_t tx_cost(const struct host *h, const struct skb *s);

/* Nothing to take back. */
static inline bool tx_idle(const struct tx *t) { return t->next_to_clean == t->next_to_use; }
/* The poll's first part: takes what is done, then returns. */
void tx_poll(struct context *x);
/* What the poll reports: its frames, or its weight if completions are left. */
static inline int tx_report(const struct tx *t, int work, int64_t weight)
{
    return t->taken < t->params->work_limit ? work : (int)weight;
}

/* The queue pair's vector has fired, or been enabled. */
void tx_masked(struct tx *t);
void tx_unmasked(struct tx *t);

#endif
