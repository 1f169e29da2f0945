/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VLAN devices: a tagged skb finds its device, and goes through the core once more as that device's.
 *
 * In    vlan_cost()      the core has a tagged skb
 *       vlan_known()     is there a device for the tag?
 * Out   -                netif goes around again, or IP refuses it as another host's
 *
 * The NIC takes the tag out (rx-vlan-offload); without that the core does, and moves the Ethernet header. Taps see the skb
 * on the NIC and again on the VLAN device; softnet_stat counts it twice. A tag without device makes the skb somebody
 * else's: OTHERHOST, after the taps, before IpInReceives. (net/core/dev.c, net/8021q/vlan_core.c)
 * Not modelled: the NIC's filter (rx-vlan-filter), VLAN 0 with a priority, VLAN in VLAN, a bridge that filters VLANs. */
#ifndef MODELS_VLAN_H
#define MODELS_VLAN_H

#include <stdbool.h>

#include "models/config.h"
#include "models/skb.h"

struct host;

struct vlan_params {
    int64_t receive;
    int64_t untag;
};
extern const struct model_info vlan_model;

struct vlan_nic_params {
    int64_t devices;            /* UNIT_TEXT: ids */
    int64_t offload;
};
extern const struct model_info vlan_nic_model;

struct vlan_counters {
    uint64_t rx_packets;
};

/* Is `id` in the list of texts "5, 7"? */
bool vlan_in_list(const char *list, int id);
/* What is wrong with such a list, or NULL. */
const char *vlan_check(const struct config *c, int nic, char *buffer, size_t size);
/* The tag is looked at: true if the skb is now its VLAN device's and goes around again. Adds what that costs. */
bool vlan_receive(struct host *h, struct skb *s, ps_t *cost);

#endif
