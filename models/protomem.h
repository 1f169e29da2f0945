/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that all sockets of a protocol share: net.ipv4.udp_mem.
 *
 * In    protomem_charge()    a socket needs so many pages more
 *       protomem_return()    .. gives them back
 * Out   -                    the answer: may it have them?
 *
 * Each CPU keeps what it has charged and not yet told, up to net.core.mem_pcpu_rsv pages, before the protocol's sum moves; so a
 * limit is known as exactly as that. UDP has no notion of pressure: up to udp_mem's first number every socket gets what it
 * asks, above it only one whose queue is shorter than net.ipv4.udp_rmem_min, and above the third nobody. The second number
 * has no effect. (net/core/sock.c __sk_mem_raise_allocated, include/net/sock.h sk_memory_allocated_add)
 * Whether the limit can ever bind follows from the buffers of the run's sockets; where it cannot, nothing is counted and the
 * short ways stay open.
 * Not modelled: tcp_mem, control groups' limits, send buffers' share. */
#ifndef MODELS_PROTOMEM_H
#define MODELS_PROTOMEM_H

#include <stdbool.h>
#include <stdint.h>

#include "models/config.h"

struct cpu;
struct host;
struct udp_sock;

struct protomem_params {
    int64_t udp_min, udp_pressure, udp_max;     /* pages */
    int64_t udp_rmem_min;
    int64_t pcpu_rsv;           /* pages */
};
extern const struct model_info protomem_model;

struct protomem {
    const struct protomem_params *params;
    bool binds;                 /* the sockets' buffers could hold more than udp_min */
    int64_t allocated;          /* pages that the protocol knows of */
    int64_t untold[CONFIG_CPUS];        /* of each CPU */
};

/* Once the sockets are there. */
void protomem_init(struct protomem *m, const struct host *h);
/* On `c`, for a socket whose memory, with what comes, is `rmem`: false if the pages are refused, and then not charged. */
bool protomem_charge(struct protomem *m, const struct cpu *c, int64_t pages, int64_t rmem);
void protomem_return(struct protomem *m, const struct cpu *c, int64_t pages);

/* Relations; NULL or a sentence. */
const char *protomem_check(const struct protomem_params *p);

#endif
