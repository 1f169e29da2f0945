/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine and its traffic as numbers: what a scenario resolves to and what host_init() builds from.
 *
 * The generic half. A parameter row belongs to a model, a model to a scope, and a scope to a struct of which
 * there may be several named instances. The address of a parameter is
 *     instance of the scope + model->params_at + row->field
 * and holds an int64_t in the row's unit. */
#ifndef MODELS_CONFIG_H
#define MODELS_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "sim/engine/counter.h"
#include "sim/engine/param.h"

enum scope {
    SCOPE_HOST,         /* one machine: net.* cpu.* kernel.* cost.* pcie.* run.* netfilter.* ..  */
    SCOPE_NIC,          /* nic.KEY sets all, nic[eth1].KEY one */
    SCOPE_QUEUE,        /* inside a NIC: row names begin nic.queue.: nic.queue.KEY all queues of all NICs,
                         * nic.queue[3].KEY, nic[eth1].queue.KEY, nic[eth1].queue[3].KEY */
    SCOPE_TRAFFIC,      /* traffic.KEY, traffic[web].KEY */
    SCOPE_APP,          /* app.KEY, app[srv].KEY */
    SCOPES
};

/* One box of the receive path: what the picture, --help, the README and the database say of it. */
struct model_info {
    const char *name;           /* of its files and the prefix of what it exports */
    const char *step;           /* step of the packet's journey: "1" .. "7", "-" beside it */
    const char *what;           /* one line */
    enum scope scope;           /* of its parameters */
    size_t params_at;           /* offset of its params in the scope's struct */
    const struct param *params;
    size_t n_params;
    const struct counter *counters;
    size_t n_counters;
};

/* In packet order, NULL-terminated; defined in models/host.c. */
extern const struct model_info *const rx_path[];

enum {
    CONFIG_NAME = 32,           /* bytes of an instance's name, NUL included */
    CONFIG_INSTANCES = 64,      /* NICs, traffic sources, applications: at most so many of each */
    CONFIG_QUEUES = 64,         /* queues of a NIC */
    CONFIG_CPUS = 64,           /* bits of a CPU mask */
};

struct arrivals;                /* a capture as arrivals, models/traffic.h */

/* Instances live in plain arrays of the scope's struct; sizes from config_scope_size(). */
struct config {
    struct host_config *host;
    struct nic_config *nic;
    struct traffic_config *traffic;
    struct app_config *app;
    int nics, traffics, apps;
    char nic_name[CONFIG_INSTANCES][CONFIG_NAME];
    char traffic_name[CONFIG_INSTANCES][CONFIG_NAME];
    char app_name[CONFIG_INSTANCES][CONFIG_NAME];
    const struct arrivals *arrivals[CONFIG_INSTANCES];  /* per traffic source; the lab fills, models only read */
    char **text;                /* values of UNIT_TEXT parameters; [0] is "" */
    int texts;
};

/* Allocates with every parameter at its row's default: `nics`, `traffics`, `apps` >= 1 instances (apps may
 * be 0), unnamed. Returns 0, or -1 when out of memory. config_free releases all but `arrivals`. */
int config_init(struct config *c, int nics, int traffics, int apps);
void config_free(struct config *c);

/* Deep copy; `to` is initialised here and the caller's to free; the captures behind `arrivals` are shared.
 * Returns 0, or -1 when out of memory. */
int config_copy(struct config *to, const struct config *from);

/* Adds a text (copied) and returns its index, -1 when out of memory. Equal texts share an index; "" is 0. */
int64_t config_text(struct config *c, const char *text);

size_t config_scope_size(enum scope s);

/* How many instances a scope has (a NIC's for SCOPE_QUEUE, 1 for SCOPE_HOST), and their names ("" for the host). */
int config_instances(const struct config *c, enum scope s);
const char *config_instance_name(const struct config *c, enum scope s, int instance);

/* The parameter of `row` of `model` in one instance (`queue` only for SCOPE_QUEUE). */
int64_t *config_at(const struct config *c, const struct model_info *model, const struct param *row,
                   int instance, int queue);

/* Replaces every UNIT_COST field by picoseconds and every UNIT_COST_PER_BYTE field by femtoseconds a byte, with
 * the clock the work runs at. Once: afterwards the configuration cannot be printed as a scenario any more. */
void config_unpack_costs(struct config *c, hz_t clock);

/* Checks relations between parameters (for instance tcp_rmem.min <= default <= max). Returns NULL, or a
 * sentence in `buffer`. */
const char *config_check(const struct config *c, char *buffer, size_t size);

#endif
