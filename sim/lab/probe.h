/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Probes on a run, as one would set them on a real machine: latencies of single datagrams and the length of the socket
 * queues, exactly, from the trace points; a census of the frames inside; and any number of a result by one name. */
#ifndef SIM_LAB_PROBE_H
#define SIM_LAB_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/engine/trace.h"
#include "sim/lab/census.h"
#include "sim/lab/result.h"

struct probe {
    struct { ps_t wire_at, returned_at; } *recv;        /* each recv() that returned data */
    size_t recvs, room;
    ps_t *sorted;               /* the latencies of the first n_sorted of them, once they were asked for */
    size_t n_sorted;
    double latency_sum_ns;
    int broken;                 /* out of memory */
    struct census census;       /* for run_options.census */
    ps_t warm_at;               /* run.warmup, set by the caller */
    uint64_t warm_drops;        /* frames dropped since then */
    int64_t queued;             /* datagrams in socket queues .. */
    ps_t queued_at;             /* .. since when */
    double queued_ps;           /* sum of length times time up to then */
};

void probe_init(struct probe *p);
void probe_free(struct probe *p);
/* The hook for run_options.trace. */
trace_fn probe_hook;

/* A number by name, NAN if undefined or unknown:
 *   app_n, app_in_window       recv() calls that returned data; of them up to the last arrival
 *   wire2app_mean|min|p50|p90|p99|max   last bit on the wire to recv() returned, ns
 *   poll_work                  skbs or frames taken by all polls together
 *   polls irqs net_rx_runs time_squeeze offered delivered consumed dropped in_flight
 *   warm_drop_rate             dropped since the end of run.warmup / (dropped + delivered of those that arrived since)
 *   first_drop                 number of the first frame that was dropped, from 0 (run_options.sample_drops >= 1)
 *   little:socket|ring|inside  L / (lambda W): frames there on average, by the datagrams queued and read (socket) or by
 *                              the census, over the sum of the frames' own times there a unit of time. 1 by Little's
 *                              law, if all frames that were there were delivered
 *   drop:REASON, counter:NAME, counter:SCOPE:NAME, cpu:CONTEXT (ns over all CPUs), metric:NAME (see metric_info)
 *   busy_cpus                  CPUs' time that was not idle, in CPUs
 *   NAME/s                     any of these per second of offered traffic
 * Expressions over them are sim/lab/expression.h's. */
double probe_metric(struct probe *p, const struct result *r, const char *name);
/* Whether such an expression needs run_options.census, which makes a run slower. */
bool probe_needs_census(const char *expression);

#endif
