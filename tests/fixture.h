/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine for the tests of the models, so quiet that every number of a test is one the test has set.
 *
 * One NIC, one source that plays a list of frames, `apps` applications. Every cost is 0, a cycle is 1 ns,
 * wire and bus take RIG_WIRE for a frame of 64 bytes and nothing else does, an idle vector fires at once, no
 * delay is random, ticks are 10 ms apart and the first comes at 9 ms. What happens is written down by the
 * trace hook. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "models/host_config.h"
#include "models/traffic.h"
#include "sim/engine/time.h"

/* 8 + 64 bytes at 400 Gbit/s to the last bit: 1.44 ns; 60 bytes at 2 Tbit/s over PCIe: 0.24 ns. */
enum { RIG_WIRE = 1440 + 240 };
enum { RIG_NOTES = 8192, RIG_FRAMES = 4096, RIG_FLOWS = 64 };

struct note {
    ps_t at;
    int point, cpu;
    int64_t a, b;
};

/* The end of a frame, as the ledger books it. */
struct ending {
    struct frame frame;         /* a copy */
    enum fate fate;
    ps_t at;
};

struct rig {
    struct config config;
    struct arrivals arrivals;
    struct arrival arrival[RIG_FRAMES];
    struct flow_key flow[RIG_FLOWS];
    struct host host;
    bool built, no_batch;
    struct note note[RIG_NOTES];
    int notes;
    struct ending end[RIG_FRAMES];      /* in order of their ends */
    int ends;
};

/* `settings` are words KEY=VALUE in the scenario's syntax. rig_free() gives everything back. */
void rig_init(struct rig *r, int apps, const char *settings);
void rig_set(struct rig *r, const char *settings);
void rig_free(struct rig *r);

/* A flow from 10.0.0.1:sport to 10.0.0.2:dport; its number. */
uint32_t rig_flow(struct rig *r, uint8_t proto, uint16_t sport, uint16_t dport);
/* A frame that starts at `at`, which is not before the last one's. Its bytes on the wire follow from the
 * payload: UDP has 46 of headers and FCS, TCP 58, and 64 is the least. To be changed before the machine is
 * built. */
struct arrival *rig_frame(struct rig *r, ps_t at, uint32_t flow, int payload);
/* The next segment of a TCP stream without timestamps: in order, ACK set, all that GRO compares equal. */
struct arrival *rig_segment(struct rig *r, ps_t at, uint32_t flow, uint32_t seq, int payload);
/* `n` datagrams of 18 bytes, all at `at`: they follow each other at line rate, each within 2 ns of the one
 * before. */
void rig_burst(struct rig *r, ps_t at, uint32_t flow, int n);

/* The machine, at time 0. */
void rig_build(struct rig *r);
/* Builds it and runs until every frame has ended. */
void rig_run(struct rig *r);
/* Builds it if need be and starts it: ticks, applications, NIC; for rig_until(). */
void rig_start(struct rig *r);
void rig_until(struct rig *r, ps_t until);

/* Notes of a kind: how many, and the n-th (which must exist). */
int rig_count(const struct rig *r, int point);
const struct note *rig_note(const struct rig *r, int point, int n);
/* The end of frame `id` (frames are numbered from 0 as they were listed); it must have ended. */
const struct ending *rig_end(const struct rig *r, uint64_t id);
/* How many frames have ended so. */
int rig_fate(const struct rig *r, enum fate fate);

typedef void pulse_fn(struct context *x, void *owner);

/* An interrupt of our own: at a time given, on a core, its handler taking `cost`. */
struct pulse {
    struct event event;
    struct vector vector;
    struct cpu *cpu;
    pulse_fn *act;              /* what the handler does; may be NULL */
    void *owner;
    ps_t handled[16];           /* when the handler ran */
    int n;
};
void pulse_init(struct pulse *p, struct cpu *c, ps_t cost, pulse_fn *act, void *owner);
void pulse_at(struct pulse *p, ps_t when);

/* A task of our own that works through steps and then sleeps; woken again, it starts over. A step with
 * STEP_USER is entered as user mode is: a switch that is due happens there. */
struct worker {
    struct task task;
    struct { ps_t cost; unsigned flags; } step[8];
    int steps, next;
    ps_t began[64], ended[64];  /* of each step: when its code was reached, when its time was over */
    int n;
};
void worker_init(struct worker *w, struct cpu *c);
void worker_step(struct worker *w, ps_t cost, unsigned flags);
/* Wakes it from outside, as the start of an application does. */
void worker_wake(struct worker *w);

/* A NAPI of our own with `left` frames to take, each poll taking `cost`. */
struct fake_nic {
    struct napi napi;
    int64_t left;
    ps_t cost;
    int work[64];               /* of each poll */
    ps_t polled[64];            /* its end */
    int order[64];              /* its place in the order of all polls of all fakes */
    int polls, completed;
};
extern int fake_polls;          /* of all fakes since fake_init was last given `first` */
void fake_init(struct fake_nic *f, struct cpu *c, int64_t weight, int64_t left, ps_t cost, bool first);

#endif
