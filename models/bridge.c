/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/bridge.h"

#include "models/host.h"
#include "models/host_config.h"
#include "models/rps.h"

static const char *const masters[] = { "none", "bridge", NULL };

static const struct param rows[] = {
    PARAM_CHOICE(struct bridge_params, tunnel_master, "vxlan.master", MASTER_NONE, masters,
                 "bridge: what comes out of a vxlan is for a container behind a bridge and a veth pair",
                 "ip link set vxlan0 master br0"),
    PARAM_COST(struct bridge_params, forward, "cost.bridge.forward", 500,
               "br_handle_frame to the port it leaves by; cost.veth.xmit follows",
               "assumption: a lookup of the address, br_netfilter not loaded"),
};
ALL_FIELDS_HAVE_ROWS(struct bridge_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct bridge_counters, tx_packets, "container_tx_packets", "ip -s link of the pair's end on the bridge",
            "skbs that got to the container"),
    COUNTER(struct bridge_counters, tx_dropped, "container_tx_dropped", "ip -s link of the pair's end on the bridge: dropped",
            "skbs that a full backlog refused"),
    COUNTER(struct bridge_counters, rx_dropped, "container_rx_dropped", "ip -s link in the container: dropped",
            "the same, at the other end"),
};
ALL_COUNTERS_HAVE_ROWS(struct bridge_counters, counter_rows);

const struct model_info bridge_model = {
    .name = "bridge", .step = "-", .what = "bridge and veth to a container: a pass by the backlog",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, bridge), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM_CHOICE(struct bridge_nic_params, master, "nic.master", MASTER_NONE, masters,
                 "bridge: what the NIC receives is for a container behind a bridge and a veth pair",
                 "ip link set eth0 master br0"),
};
ALL_FIELDS_HAVE_ROWS(struct bridge_nic_params, nic_rows);

const struct model_info bridge_nic_model = {
    .name = "bridge", .step = "-", .what = "the NIC as a port",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, bridge), .params = nic_rows,
    .n_params = ROWS(nic_rows),
};

/* A VLAN device is no port, whatever its NIC is; GRE has no Ethernet header to bridge by. */
bool bridge_takes(const struct host *h, const struct skb *s)
{
    switch ((enum skb_dev)s->dev) {
    case SKB_DEV_NIC:
        return h->config.nic[s->nic].bridge.master == MASTER_BRIDGE;
    case SKB_DEV_TUNNEL:
        return h->hc->bridge.tunnel_master == MASTER_BRIDGE && h->flow[s->flow].encap == ENCAP_VXLAN;
    case SKB_DEV_VLAN:
    case SKB_DEV_CONTAINER:
        break;
    }
    return false;
}

ps_t bridge_cost(const struct host *h)
{
    return h->hc->bridge.forward + h->hc->veth.xmit;
}

void bridge_forward(struct context *x, struct skb *s)
{
    struct host *h = x->cpu->host;
    struct bridge_counters *counters = &h->bridge[x->cpu->index];

    s->dev = SKB_DEV_CONTAINER;
    s->queue = -1;                      /* the veth's own queue: nobody steers it */
    if (rps_enqueue(x, x->cpu->index, s)) {
        counters->tx_packets++;
        return;
    }
    counters->tx_dropped++;
    counters->rx_dropped++;
    x->owed += h->hc->skb.free + host_skb_drop(h, s, FATE_CPU_BACKLOG);
}
