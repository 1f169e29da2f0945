/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/reuseport.h"

#include <stdio.h>

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct reuseport_params, on, "app.reuseport", 0,
                 "SO_REUSEPORT: others with it may listen on the same port, and a hash of the flow chooses", "socket(7): off"),
    PARAM_SWITCH(struct reuseport_params, cpu, "app.reuseport_cpu", 0,
                 "the group has a BPF program that returns the CPU: socket 0 gets what CPU 0 processes, and so on",
                 "SO_ATTACH_REUSEPORT_CBPF, socket(7): none"),
};
ALL_FIELDS_HAVE_ROWS(struct reuseport_params, rows);

const struct model_info reuseport_model = {
    .name = "reuseport", .step = "6", .what = "several sockets on one port, and which of them a packet goes to",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, reuseport), .params = rows, .n_params = ROWS(rows),
};

bool reuseport_by_cpu(const struct app *a)
{
    return a->config->reuseport.on && a->config->reuseport.cpu;
}

static bool member(const struct app *a, const struct app *first, const struct flow_key *key)
{
    return a->config->reuseport.on && a->params->port == first->params->port && app_listens(a, key);
}

static uint32_t flow_hash(const struct host *h, const struct flow_key *key)
{
    uint64_t addresses = (uint64_t)key->saddr << 32 | key->daddr, ports = (uint64_t)key->sport << 16 | key->dport;

    return (uint32_t)(hash_mix(hash_mix(addresses ^ h->reuseport_secret) + ports) >> 32);
}

struct app *reuseport_pick(const struct host *h, struct app *first, const struct flow_key *key, const struct cpu *cpu)
{
    struct app *group[CONFIG_INSTANCES];
    uint32_t n = 0;

    if (!first->config->reuseport.on)
        return first;
    for (int i = 0; i < h->apps; i++) {
        if (member(&h->app[i], first, key))
            group[n++] = &h->app[i];
    }
    if (cpu && reuseport_by_cpu(first) && (uint32_t)cpu->index < n)
        return group[cpu->index];
    return group[(uint64_t)flow_hash(h, key) * n >> 32];        /* reciprocal_scale() */
}

const char *reuseport_check(const struct config *c, int first, int second, char *buffer, size_t size)
{
    const struct app_config *a = &c->app[first], *b = &c->app[second];

    if (!a->reuseport.on || !b->reuseport.on)
        snprintf(buffer, size, "app[%s] and app[%s] both listen on port %d: give each its own app.port, or set app.reuseport "
                 "of both", c->app_name[first], c->app_name[second], (int)b->app.port);
    else if (a->reuseport.cpu != b->reuseport.cpu)
        snprintf(buffer, size, "app[%s] and app[%s] are in one group on port %d: app.reuseport_cpu is the group's, set it of "
                 "both or of none", c->app_name[first], c->app_name[second], (int)b->app.port);
    else
        return NULL;
    return buffer;
}
