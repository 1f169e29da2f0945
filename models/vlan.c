/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/vlan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_COST(struct vlan_params, receive, "cost.vlan.receive", 60, "vlan_do_receive: finding the device, its counters",
               "assumption: a lookup in an array and per-CPU counters"),
    PARAM_COST(struct vlan_params, untag, "cost.vlan.untag", 90, "taking the tag out in software (rx-vlan-offload off)",
               "assumption: skb_vlan_untag moves twelve bytes of addresses and resets the headers"),
};
ALL_FIELDS_HAVE_ROWS(struct vlan_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct vlan_counters, rx_packets, "vlan_rx_packets", "ip -s link of the VLAN device", "skbs of all VLAN devices"),
};
ALL_COUNTERS_HAVE_ROWS(struct vlan_counters, counter_rows);

const struct model_info vlan_model = {
    .name = "vlan", .step = "-", .what = "VLAN devices: the core's second round",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, vlan), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM_TEXT(struct vlan_nic_params, devices, "nic.vlan",
               "ids of the NIC's VLAN devices, separated by commas; a tag of any other is refused (OTHERHOST)",
               "ip link add link X type vlan id N; none"),
    PARAM_SWITCH(struct vlan_nic_params, offload, "nic.features.rx-vlan-offload", 1, "the NIC takes the VLAN tag out",
                 "ethtool -K rxvlan; on in most drivers"),
};
ALL_FIELDS_HAVE_ROWS(struct vlan_nic_params, nic_rows);

const struct model_info vlan_nic_model = {
    .name = "vlan", .step = "-", .what = "a NIC's VLAN devices",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, vlan), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

/* The next id of a list: false at its end; -1 for what is none. */
static bool next_id(const char **list, long *id)
{
    char *end;

    *list += strspn(*list, ", ");
    if (!**list)
        return false;
    *id = strtol(*list, &end, 10);
    if (end == *list || (*end && *end != ',' && *end != ' ') || *id < 1 || *id > 4094)
        *id = -1;
    *list = *id < 0 ? *list + strlen(*list) : end;
    return true;
}

bool vlan_in_list(const char *list, int id)
{
    long one;

    while (next_id(&list, &one)) {
        if (one == id)
            return true;
    }
    return false;
}

const char *vlan_check(const struct config *c, int nic, char *buffer, size_t size)
{
    const char *list = c->text[c->nic[nic].vlan.devices];
    long id;

    while (next_id(&list, &id)) {
        if (id < 0) {
            snprintf(buffer, size, "nic[%s].vlan is not a list of VLAN ids 1..4094, such as \"5, 7\"", c->nic_name[nic]);
            return buffer;
        }
    }
    return NULL;
}

bool vlan_receive(struct host *h, struct skb *s, ps_t *cost)
{
    if (!h->config.nic[s->nic].vlan.offload)
        *cost += h->hc->vlan.untag;
    s->vlan = 0;
    if (!h->flow[s->flow].vlan_known)
        return false;
    *cost += h->hc->vlan.receive;
    h->vlan.rx_packets++;
    s->dev = SKB_DEV_VLAN;
    return true;
}
