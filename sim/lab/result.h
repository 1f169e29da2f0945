/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one run found, in memory: filled by lab/run, read by store, out and cli. */
#ifndef SIM_LAB_RESULT_H
#define SIM_LAB_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/drop.h"
#include "sim/engine/hash.h"
#include "sim/engine/hist.h"
#include "sim/lab/nic_stats.h"

enum { SCOPE_NAME = 64 };

struct result_counter {
    char scope[SCOPE_NAME];     /* "snmp", "cpu0", "eth0", "eth0.q3", "app.srv" .. */
    const char *name;           /* static: the counter row's name */
    uint64_t value;
};

struct result_stage {
    const char *name;           /* static: "wire-dma" .., "total" */
    struct hist hist;           /* picoseconds */
};

#define RESULT_RTT "rtt"        /* what clients of kind rr saw: from a request to its answer */

enum result_context {
    RESULT_HARDIRQ, RESULT_SOFTIRQ, RESULT_KSOFTIRQD, RESULT_NAPI_THREAD, RESULT_TASK, RESULT_IDLE,
    RESULT_CONTEXTS
};
extern const char *const result_context_name[RESULT_CONTEXTS];   /* hardirq softirq ksoftirqd .. task idle */

struct result_cpu { int64_t ps[RESULT_CONTEXTS]; };              /* sums to sim_ps exactly */

/* One sampled frame; times in ps since the start, -1 where it never got. */
struct result_packet {
    uint64_t seq;               /* number of the frame in the order offered */
    uint32_t flow;
    uint32_t len;               /* on the wire, with FCS, without preamble and gap */
    int16_t queue, cpu;         /* -1 where it never got */
    int64_t t_wire, t_dma, t_irq, t_poll, t_stack, t_socket, t_app;
    enum fate fate;
};

/* Timelines of many frames, encoded (sim/lab/chunk). */
struct result_chunk {
    uint32_t n;                 /* frames */
    uint32_t crc32;             /* of the data */
    int64_t t0_ns, t1_ns;       /* least and largest t_wire */
    size_t size;
    uint8_t *data;
};

/* Ledger of one queue or one flow, for the books below the total. */
struct result_ledger {
    uint64_t offered, in_flight;
    uint64_t frames[FATES];
    uint64_t bytes[FATES];
    uint64_t offered_bytes, in_flight_bytes;
};

struct result_flow {
    char tuple[96];             /* "udp 10.0.0.1:9000 > 10.0.0.2:53" */
    uint64_t offered, delivered, consumed, dropped, in_flight;
};

struct result_queue {
    char scope[SCOPE_NAME];
    struct result_ledger ledger;
};

struct result {
    struct fingerprint fingerprint;
    int64_t sim_ps;             /* simulated time, start to the end of the drain */
    int64_t warmup_ps;
    int64_t last_arrival_ps;    /* of a frame at the NIC */
    int64_t offer_ps;           /* traffic was offered for so long, the time behind all rates; 0: all of sim_ps */
    uint64_t events;            /* engine events and inline steps: not a model fact, never hashed or compared */
    double wall_s;              /* likewise */
    bool deterministic;         /* nothing was random: a replication would be the same */

    struct result_ledger ledger;
    struct result_queue *queue; int queues;
    struct result_flow *flow; int flows;        /* the busiest 1000 */
    struct result_counter *counter; int counters;
    struct result_stage *stage; int stages;     /* packet order, then "total"; RESULT_RTT behind where clients ask */
    struct result_cpu *cpu; int cpus;
    uint64_t work_hist[257];    /* polls by work done */
    uint64_t polls, irqs, softirq_runs, time_squeeze;
    struct result_packet *packet; int packets;  /* ascending seq */
    struct result_nic *nic; int nics;           /* their names for losses; none: not known */
    struct result_chunk *chunk; int chunks;     /* every frame's timeline, if the run recorded them */
};

void result_init(struct result *r);
void result_free(struct result *r);

/* 0 if the books balance: in total, per queue, frames and bytes. Else -1 and a sentence. */
int result_balance(const struct result *r, char *why, unsigned long size);

/* Frames and bytes of the recorded timelines. */
uint64_t result_recorded(const struct result *r, uint64_t *bytes);

uint64_t result_kind(const struct result_ledger *l, enum fate_kind kind);

/* The headline numbers stored as metrics and used by tables, comparisons and goals; NAN when undefined. */
enum metric_better { METRIC_NEUTRAL, METRIC_LOWER, METRIC_HIGHER };
struct metric_info {
    const char *name, *unit, *doc;
    enum metric_better better;
};
extern const struct metric_info metric_info[];  /* NULL name ends it: offered delivered drops drop_rate goodput.. */
double result_metric(const struct result *r, const char *name);

/* Value of a counter: summed over all scopes when scope is NULL. */
uint64_t result_counter(const struct result *r, const char *scope, const char *name);

#endif
