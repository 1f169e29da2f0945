/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"

size_t config_scope_size(enum scope s)
{
    switch (s) {
    case SCOPE_HOST:    return sizeof(struct host_config);
    case SCOPE_NIC:     return sizeof(struct nic_config);
    case SCOPE_QUEUE:   return sizeof(struct queue_config);
    case SCOPE_TRAFFIC: return sizeof(struct traffic_config);
    case SCOPE_APP:     return sizeof(struct app_config);
    case SCOPES:        break;
    }
    return 0;
}

int config_instances(const struct config *c, enum scope s)
{
    switch (s) {
    case SCOPE_HOST:    return 1;
    case SCOPE_NIC:
    case SCOPE_QUEUE:   return c->nics;
    case SCOPE_TRAFFIC: return c->traffics;
    case SCOPE_APP:     return c->apps;
    case SCOPES:        break;
    }
    return 0;
}

const char *config_instance_name(const struct config *c, enum scope s, int instance)
{
    switch (s) {
    case SCOPE_NIC:
    case SCOPE_QUEUE:   return c->nic_name[instance];
    case SCOPE_TRAFFIC: return c->traffic_name[instance];
    case SCOPE_APP:     return c->app_name[instance];
    case SCOPE_HOST:
    case SCOPES:        break;
    }
    return "";
}

/* The scope's struct: what model->params_at counts from. */
static void *config_instance(const struct config *c, enum scope s, int instance, int queue)
{
    assert(instance >= 0 && instance < config_instances(c, s));
    switch (s) {
    case SCOPE_HOST:    return c->host;
    case SCOPE_NIC:     return &c->nic[instance];
    case SCOPE_QUEUE:
        assert(queue >= 0 && queue < CONFIG_QUEUES);
        return &c->nic[instance].queue[queue];
    case SCOPE_TRAFFIC: return &c->traffic[instance];
    case SCOPE_APP:     return &c->app[instance];
    case SCOPES:        break;
    }
    return NULL;
}

int64_t *config_at(const struct config *c, const struct model_info *model, const struct param *row,
                   int instance, int queue)
{
    char *base = config_instance(c, model->scope, instance, queue);

    /* every field behind a row is an int64_t in a struct of int64_t: aligned */
    return (int64_t *)(void *)(base + model->params_at + row->field);
}

/* Calls `fn` for the field of every row in every instance. */
typedef void config_field_fn(int64_t *field, const struct param *row, hz_t clock);

static void config_each(const struct config *c, config_field_fn *fn, hz_t clock)
{
    for (const struct model_info *const *m = rx_path; *m; m++) {
        int queues = (*m)->scope == SCOPE_QUEUE ? CONFIG_QUEUES : 1;

        for (size_t r = 0; r < (*m)->n_params; r++)
            for (int i = 0; i < config_instances(c, (*m)->scope); i++)
                for (int q = 0; q < queues; q++)
                    fn(config_at(c, *m, &(*m)->params[r], i, q), &(*m)->params[r], clock);
    }
}

static void set_default(int64_t *field, const struct param *row, hz_t clock)
{
    (void)clock;
    *field = row->dflt;
}

static void unpack_cost(int64_t *field, const struct param *row, hz_t clock)
{
    if (row->unit == UNIT_COST)
        *field = cost_ps(*field, clock);
    else if (row->unit == UNIT_COST_PER_BYTE)
        *field = cost_fs_per_byte(*field, clock);
}

void config_unpack_costs(struct config *c, hz_t clock)
{
    assert(clock.khz > 0);
    config_each(c, unpack_cost, clock);
}

/* One more element than asked for, so that zero instances are not NULL, which would mean out of memory. */
static void *instances_new(int n, enum scope s)
{
    return calloc((size_t)n + 1, config_scope_size(s));
}

int config_init(struct config *c, int nics, int traffics, int apps)
{
    assert(nics >= 1 && nics <= CONFIG_INSTANCES);
    assert(traffics >= 1 && traffics <= CONFIG_INSTANCES);
    assert(apps >= 0 && apps <= CONFIG_INSTANCES);

    *c = (struct config){ .nics = nics, .traffics = traffics, .apps = apps };
    c->host = instances_new(1, SCOPE_HOST);
    c->nic = instances_new(nics, SCOPE_NIC);
    c->traffic = instances_new(traffics, SCOPE_TRAFFIC);
    c->app = instances_new(apps, SCOPE_APP);
    if (!c->host || !c->nic || !c->traffic || !c->app || config_text(c, "") < 0) {
        config_free(c);
        return -1;
    }
    config_each(c, set_default, (hz_t){ 0 });
    return 0;
}

void config_free(struct config *c)
{
    free(c->host);
    free(c->nic);
    free(c->traffic);
    free(c->app);
    for (int i = 0; i < c->texts; i++)
        free(c->text[i]);
    free(c->text);
    *c = (struct config){ 0 };
}

int64_t config_text(struct config *c, const char *text)
{
    char **grown;

    for (int i = 0; i < c->texts; i++)
        if (strcmp(c->text[i], text) == 0)
            return i;
    grown = realloc(c->text, ((size_t)c->texts + 1) * sizeof *c->text);
    if (!grown)
        return -1;
    c->text = grown;
    c->text[c->texts] = strdup(text);
    if (!c->text[c->texts])
        return -1;
    return c->texts++;
}

int config_copy(struct config *to, const struct config *from)
{
    if (config_init(to, from->nics, from->traffics, from->apps) != 0)
        return -1;
    memcpy(to->host, from->host, config_scope_size(SCOPE_HOST));
    memcpy(to->nic, from->nic, config_scope_size(SCOPE_NIC) * (size_t)from->nics);
    memcpy(to->traffic, from->traffic, config_scope_size(SCOPE_TRAFFIC) * (size_t)from->traffics);
    memcpy(to->app, from->app, config_scope_size(SCOPE_APP) * (size_t)from->apps);
    memcpy(to->nic_name, from->nic_name, sizeof to->nic_name);
    memcpy(to->traffic_name, from->traffic_name, sizeof to->traffic_name);
    memcpy(to->app_name, from->app_name, sizeof to->app_name);
    memcpy(to->arrivals, from->arrivals, sizeof to->arrivals);
    for (int i = 1; i < from->texts; i++)       /* no two texts are equal, so the indices stay */
        if (config_text(to, from->text[i]) != i) {
            config_free(to);
            return -1;
        }
    return 0;
}
