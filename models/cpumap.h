/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpumap: XDP_REDIRECT to other CPUs, where a kthread builds the skbs and runs the stack.
 *
 * In    cpumap_enqueue()   the program redirects a frame: into the bulk for its CPU
 *       cpumap_flush()     the end of the poll: bulks into the rings, kthreads woken
 * Out   the kthread        up to eight frames at a time: skbs, then netif with bottom halves off
 *
 * Frames wait in a bulk of eight on the CPU that polls, and move to the target's ring when it is full or the poll ends;
 * the kthread is woken at the poll's end only. A ring takes xdp.cpumap.qsize frames, less what its consumer has not given
 * back (models/ptr_ring); what does not fit is lost, and only a tracepoint says so. The kthread is an ordinary task pinned
 * to its CPU; between batches it may be switched away (cond_resched). Its skbs have no NIC hash and meet no GRO.
 * (kernel/bpf/cpumap.c)
 * Not modelled: a second program in the map, the NIC's hash as metadata, GRO of the kthread (6.15 on), skbs handed up one by
 * one (before 5.13; net.core.gro_normal_batch does not matter here). */
#ifndef MODELS_CPUMAP_H
#define MODELS_CPUMAP_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/ptr_ring.h"
#include "models/sched.h"

struct nic_queue;

struct cpumap_params {
    int64_t qsize;
    int64_t flush;
    int64_t batch;
    int64_t frame;
};
extern const struct model_info cpumap_model;

struct cpumap_counters {
    uint64_t enqueued;
    uint64_t drops;
    uint64_t batches;
};

struct cpumap {                 /* the map's entry of one CPU */
    struct host *host;
    struct cpumap_counters counters;
    struct ptr_ring ring;
    struct task kthread;
};

/* What one queue's poll has redirected to one CPU and not yet flushed. */
enum { CPUMAP_BULK = 8 };
struct cpumap_bulk {
    struct frame_queue frames;
    bool used;                  /* in this poll: its kthread is to be woken */
};

/* Entries for all CPUs if any NIC redirects to them; -1 when out of memory. */
int cpumap_init(struct host *h);
void cpumap_start(struct host *h);
/* Both return what they cost. */
ps_t cpumap_enqueue(struct host *h, struct nic_queue *q, struct frame *f, int64_t cpus);
ps_t cpumap_flush(struct context *x, struct nic_queue *q);

#endif
