/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/numa.h"

#include <stdio.h>

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM(struct numa_params, nodes, "cpu.nodes", UNIT_COUNT, 1, 1, 8, "NUMA nodes, the CPUs spread over them in order",
          "lscpu; one: every place is as near"),
    PARAM_COST(struct numa_params, frame, "cost.numa.frame", 450, "taking a frame of a NIC on another node",
               "Cloudflare 2015 at 2 GHz: 330 kpps from the remote node, 355 to 374 from the NIC's: 0.2 to 0.4 us a packet"),
    PARAM_COST_PER_BYTE(struct numa_params, copy_byte, "cost.numa.copy_byte", 180, "more for copying a byte from another node",
                        "Cai et al. 2021: 0.54 cycles/B from another node, 0.36 from its own"),
};
ALL_FIELDS_HAVE_ROWS(struct numa_params, rows);

const struct model_info numa_model = {
    .name = "numa", .step = "-", .what = "what reaching across NUMA nodes costs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, numa), .params = rows, .n_params = ROWS(rows),
};

static const struct param nic_rows[] = {
    PARAM(struct numa_nic_params, node, "nic.node", UNIT_COUNT, 0, 0, 7, "NUMA node it is plugged into",
          "/sys/class/net/X/device/numa_node; the first"),
};
ALL_FIELDS_HAVE_ROWS(struct numa_nic_params, nic_rows);

const struct model_info numa_nic_model = {
    .name = "numa", .step = "-", .what = "a NIC's NUMA node",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, numa), .params = nic_rows, .n_params = ROWS(nic_rows),
};

const char *numa_check(const struct config *c, char *buffer, size_t size)
{
    int64_t nodes = c->host->numa.nodes, cpus = c->host->cpu.count;

    if (cpus % nodes != 0) {
        snprintf(buffer, size, "cpu.nodes is %d, but cpu.count %d cannot be spread evenly over them", (int)nodes, (int)cpus);
        return buffer;
    }
    for (int i = 0; i < c->nics; i++) {
        if (c->nic[i].numa.node >= nodes) {
            snprintf(buffer, size, "nic[%s].node is %d, but cpu.nodes is %d, counted from 0", c->nic_name[i],
                     (int)c->nic[i].numa.node, (int)nodes);
            return buffer;
        }
    }
    return NULL;
}

static int node_of(const struct host *h, int cpu)
{
    return cpu * (int)h->hc->numa.nodes / h->cpus;
}

ps_t numa_frame(const struct nic *n, const struct cpu *c)
{
    return node_of(c->host, c->index) == n->config->numa.node ? 0 : c->host->hc->numa.frame;
}

ps_t numa_copy(const struct cpu *c, int from, int64_t bytes)
{
    const struct host *h = c->host;

    if (h->hc->numa.nodes == 1 || node_of(h, c->index) == node_of(h, from))
        return 0;
    return ps_of_fs_per_byte(h->hc->numa.copy_byte, bytes);
}
