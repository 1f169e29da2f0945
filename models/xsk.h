/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AF_XDP: XDP_REDIRECT to a socket whose reader shares its buffers with the kernel.
 *
 * In    xsk_receive()   the program redirects a frame: copied into a buffer of the fill ring, then into the RX ring
 *       xsk_flush()     the end of the poll: what came is published, a sleeping reader woken
 * Out   the frame, delivered when the reader has worked on it
 *
 * One socket a queue, in copy mode: the NIC keeps its own buffers. A frame needs a buffer of the fill ring
 * (rx_fill_ring_empty_descs if there is none) and a place in the RX ring (rx_ring_full). The reader is a task that takes up
 * to nic.xsk.batch frames, works on each and gives all their buffers back; without any it sleeps in poll().
 * (net/xdp/xsk.c xsk_rcv, xsk_flush; getsockopt XDP_STATISTICS)
 * Not modelled: zero copy, where the fill ring is the NIC's ring and need_wakeup says when it must be kicked; sending; a umem
 * shared by sockets; busy polling. */
#ifndef MODELS_XSK_H
#define MODELS_XSK_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/frame.h"
#include "models/sched.h"

struct nic_queue;

struct xsk_params {
    int64_t copy_byte;
    int64_t batch;
    int64_t frame;
};
extern const struct model_info xsk_model;

struct xsk_nic_params {
    int64_t cpu;
    int64_t fill;
    int64_t rx;
    int64_t batch;
};
extern const struct model_info xsk_nic_model;

struct xsk_counters {
    uint64_t rx_dropped;
    uint64_t rx_ring_full;
    uint64_t rx_fill_ring_empty_descs;
    uint64_t messages;
};

struct xsk {
    struct host *host;
    const struct xsk_nic_params *params;
    struct xsk_counters counters;
    int64_t fill;               /* buffers that the kernel may use */
    struct frame_queue copied, rx;      /* not yet published; to be read */
    struct frame_queue read;    /* the reader has them */
    struct task reader;
};

void xsk_init(struct xsk *k, struct nic_queue *q);
void xsk_start(struct xsk *k);
/* False: no buffer or no place; the frame is still the caller's. */
bool xsk_receive(struct context *x, struct xsk *k, struct frame *f);
/* Returns what waking the reader costs. */
ps_t xsk_flush(struct context *x, struct xsk *k);

#endif
