/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Probes on a run, as one would set them on a real machine: latencies of single datagrams, exactly, from the trace
 * points; and any number of a result by one name. */
#ifndef SIM_LAB_PROBE_H
#define SIM_LAB_PROBE_H

#include <stddef.h>

#include "sim/engine/trace.h"
#include "sim/lab/result.h"

struct probe {
    struct { ps_t wire_at, returned_at; } *recv;        /* each recv() that returned data */
    size_t recvs, room;
    int broken;                 /* out of memory */
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
 *   drop:REASON, counter:NAME, counter:SCOPE:NAME, cpu:CONTEXT (ns over all CPUs), metric:NAME (see metric_info)
 *   NAME+NAME                  a sum
 *   NAME/s                     any of these per second of offered traffic */
double probe_metric(const struct probe *p, const struct result *r, const char *name);

#endif
