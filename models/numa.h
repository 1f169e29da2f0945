/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NUMA: CPUs and NICs on nodes, and what reaching across costs.
 *
 * In    numa_frame()   a driver takes a frame on a CPU
 *       numa_copy()    a reader copies what a CPU has received
 * Out   the time to add
 *
 * The CPUs are spread over cpu.nodes in order, as many on each; a NIC is on nic.node. DMA fills the cache of the NIC's node
 * only: a CPU of another one finds descriptor and header in memory, cost.numa.frame. A frame's buffer is on the node of the
 * CPU that took it, where the driver allocates (NUMA_NO_NODE, cpu_to_node): a reader on another node copies from there,
 * cost.numa.copy_byte. (drivers/net/ethernet: page_pool nid)
 * Not modelled: which node a socket, a table or a program's memory is on, the links between nodes as a resource, wakeups
 * across them, interleaving, kernels that move tasks to their memory. */
#ifndef MODELS_NUMA_H
#define MODELS_NUMA_H

#include "models/config.h"
#include "models/cpu.h"

struct nic;

struct numa_params {
    int64_t nodes;
    int64_t frame;
    int64_t copy_byte;
};
extern const struct model_info numa_model;

struct numa_nic_params {
    int64_t node;
};
extern const struct model_info numa_nic_model;

/* A sentence about nodes that cannot be, or NULL. */
const char *numa_check(const struct config *c, char *buffer, size_t size);
ps_t numa_frame(const struct nic *n, const struct cpu *c);
/* `from`: the CPU that received the bytes. */
ps_t numa_copy(const struct cpu *c, int from, int64_t bytes);

#endif
