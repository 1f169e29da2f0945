/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A NIC: wire, PHY, MAC, FIFO, DMA and per queue a ring, moderation, a vector and a NAPI.
 *
 * In    nic_settle()     somebody looks: bring the hardware to this instant
 *       nic_tail()       the driver posted descriptors
 *       nic_unmask()     the driver enabled a queue's interrupt
 *       nic_signal()     a queue's vector fires: for received frames, or for sent ones (tx)
 *       nic_moderated()  a queue's moderation has other values
 *       nic_wake()       a closed-loop sender has frames again
 *       nic_ring_lasts() may a refill go without a look at the hardware?
 * Out   irq_signal       a queue's vector fires
 *       host_frame_end   frames that die in hardware
 *
 * The hardware is computed lazily. Between two looks it is a function of the arrivals alone, so it is brought up to
 * date when the driver reads the ring, moves the tail or unmasks. Only while some queue's interrupt could fire
 * does the NIC keep an event for its next transition. With batching off it keeps one for every transition; the
 * result is the same. */
#ifndef MODELS_NIC_H
#define MODELS_NIC_H

#include "models/adaptive.h"
#include "models/coalesce.h"
#include "models/config.h"
#include "models/cpumap.h"
#include "models/dma.h"
#include "models/driver.h"
#include "models/express.h"
#include "models/fifo.h"
#include "models/irq.h"
#include "models/mac.h"
#include "models/napi.h"
#include "models/pages.h"
#include "models/pause.h"
#include "models/phy.h"
#include "models/ring.h"
#include "models/traffic.h"
#include "models/tx.h"
#include "models/wire.h"
#include "models/xsk.h"

enum nic_kind { NIC_KIND_HARDWARE, NIC_KIND_VETH };

struct veth;

struct nic_params {
    int64_t model;
    int64_t kind;
    int64_t channels;
};
extern const struct model_info nic_model;

/* A frame's number says its NIC, too: the wires are drawn from independently, so only the order on each is a fact. */
enum { NIC_FRAME_BITS = 48 };

struct nic_queue {
    struct nic *nic;
    int index;
    struct ring ring;
    struct pages pages;
    struct coalesce coalesce;
    struct adaptive adaptive;
    struct event fire;          /* the moderated interrupt */
    bool alert;                 /* the next completion may move it */
    struct irq irq;
    struct napi napi;
    struct driver driver;
    struct tx tx;
    struct express express;
    struct xsk xsk;
    struct cpumap_bulk *bulk;   /* one a CPU; NULL: nothing is redirected */
    const struct queue_config *config;
};

struct nic {
    struct host *host;
    struct engine *engine;
    const struct nic_config *config;
    int index;
    const char *name;
    struct wire wire;
    struct mac mac;
    struct fifo fifo;
    struct pause pause;
    struct dma dma;
    struct wire tx_wire;        /* the other direction */
    struct nic_queue *queue;
    int queues;

    struct traffic **source;    /* that send to this NIC */
    int sources;
    bool winding;               /* some feature is on that the straight way through the hardware leaves out */
    bool has_senders;           /* then a frame is drawn only when its start is settled: */
    ps_t lookahead;             /* nothing that is sent now starts at or before now + lookahead */
    uint64_t drawn, next_sample;        /* frames put on this wire; number of the next to be sampled */
    struct frame *incoming;     /* on the wire: its wire_at is its arrival at the MAC */
    bool incoming_cut;          /* .. and the link is down when it does */
    struct veth *veth;          /* kind veth: what stands in for all the hardware */
    struct nic_queue *blocked;  /* ring-empty mode hold: the FIFO's oldest frame waits for its descriptors .. */
    int64_t wanted;             /* .. so many */
    int64_t buffers_most;       /* descriptors of the longest frame */
    ps_t least_slot;            /* no two arrivals at the MAC are closer: shortest frame, rounding deducted */
    ps_t next_at;               /* next transition of the hardware, PS_NEVER: none known */
    struct event transition;
    int armed;                  /* queues that are alert */
};

int nic_init(struct nic *n, struct host *host, int index);
void nic_free(struct nic *n);
void nic_start(struct nic *n);
void nic_catch_up(struct nic *n);       /* to the engine's now: the slow half of nic_settle */
static inline void nic_settle(struct nic *n)
{
    if (n->next_at <= n->engine->now)
        nic_catch_up(n);
}

/* True if settling now could not empty the queue's ring: since the last look no more frames can have claimed a descriptor
 * than then were in the FIFO, which may leave it faster than they came, and have arrived since. */
static inline bool nic_ring_lasts(const struct nic_queue *q)
{
    const struct nic *n = q->nic;
    int64_t frames = n->buffers_most == 1 ? q->ring.posted : q->ring.posted / n->buffers_most;

    return n->next_at > n->engine->now ||
           n->engine->now - n->next_at < (frames - 1 - n->fifo.frames.length) * n->least_slot;
}

void nic_tail(struct nic_queue *q);
void nic_unmask(struct nic_queue *q);
void nic_moderated(struct nic_queue *q);
void nic_signal(struct nic_queue *q);
void nic_wake(void *nic);

#endif
