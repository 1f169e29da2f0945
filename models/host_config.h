/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parameters of everything, scope by scope: each model's struct once, at the offset its model_info names. */
#ifndef MODELS_HOST_CONFIG_H
#define MODELS_HOST_CONFIG_H

#include "models/adaptive.h"
#include "models/app.h"
#include "models/background.h"
#include "models/bandwidth.h"
#include "models/bridge.h"
#include "models/busy_poll.h"
#include "models/cache.h"
#include "models/client.h"
#include "models/config.h"
#include "models/cpumap.h"
#include "models/defrag.h"
#include "models/ehash.h"
#include "models/epoll.h"
#include "models/form.h"
#include "models/host.h"
#include "models/ip6.h"
#include "models/nic.h"
#include "models/numa.h"
#include "models/platform.h"
#include "models/recvmmsg.h"
#include "models/reply.h"
#include "models/reuseport.h"
#include "models/rfs.h"
#include "models/rps.h"
#include "models/rss.h"
#include "models/sendmsg.h"
#include "models/skb.h"
#include "models/skb_local.h"
#include "models/stats.h"
#include "models/steal.h"
#include "models/tap.h"
#include "models/tc.h"
#include "models/tunnel.h"
#include "models/tx.h"
#include "models/udp_gso.h"
#include "models/udp_mcast.h"
#include "models/veth.h"
#include "models/vlan.h"
#include "models/xdp.h"
#include "models/xsk.h"

struct host_config {
    struct run_params run;
    struct cpu_params cpu;
    struct cache_params cache;
    struct cstate_params cstate;
    struct steal_params steal;
    struct platform_params platform;
    struct numa_params numa;
    struct sched_params sched;
    struct softirq_params softirq;
    struct napi_params napi;
    struct irq_host_params irq;
    struct irqbalance_params irqbalance;
    struct dma_params dma;
    struct driver_params driver;
    struct xdp_params xdp;
    struct cpumap_params cpumap;
    struct xsk_params xsk;
    struct skb_params skb;
    struct skb_local_params skb_local;
    struct veth_params veth;
    struct sendmsg_host_params sendmsg;
    struct gro_params gro;
    struct netif_params netif;
    struct tap_params tap;
    struct tc_params tc;
    struct vlan_params vlan;
    struct bridge_params bridge;
    struct tunnel_params tunnel;
    struct rps_params rps;
    struct rfs_params rfs;
    struct ip_params ip;
    struct ip6_params ip6;
    struct defrag_params defrag;
    struct tx_host_params tx;
    struct netfilter_params netfilter;
    struct conntrack_params conntrack;
    struct udp_gso_host_params udp_gso;
    struct udp_params udp;
    struct udp_mcast_host_params udp_mcast;
    struct tcp_params tcp;
    struct sock_params sock;
    struct app_host_params app;
    struct reply_params reply;
    struct busy_poll_params busy_poll;
    struct recvmmsg_host_params recvmmsg;
    struct listen_params listen;
    struct ehash_params ehash;
    struct protomem_params protomem;
};

struct queue_config {
    struct irq_params irq;
    struct rps_queue_params rps;
    struct tx_queue_params tx;
    struct napi_queue_params napi;
    struct rfs_queue_params rfs;
};

struct nic_config {
    struct nic_params nic;
    struct numa_nic_params numa;
    struct wire_params wire;
    struct phy_params phy;
    struct mac_params mac;
    struct fifo_params fifo;
    struct pause_params pause;
    struct ring_params ring;
    struct pages_params pages;
    struct coalesce_params coalesce;
    struct adaptive_params adaptive;
    struct stats_params stats;
    struct rss_params rss;
    struct rfs_nic_params rfs;
    struct napi_nic_params napi;
    struct driver_nic_params driver;
    struct xdp_nic_params xdp;
    struct xsk_nic_params xsk;
    struct skb_nic_params skb;
    struct ip_nic_params ip;
    struct tx_params tx;
    struct vlan_nic_params vlan;
    struct bridge_nic_params bridge;
    struct veth_nic_params veth;
    struct udp_gso_nic_params udp_gso;
    struct queue_config queue[CONFIG_QUEUES];
};

struct traffic_config {
    struct traffic_params traffic;
    struct form_params form;
    struct sendmsg_params sendmsg;
    struct client_params client;
};

struct app_config {
    struct app_params app;
    struct background_params background;
    struct bandwidth_params bandwidth;
    struct udp_gso_params udp_gso;
    struct sock_app_params sock;
    struct reuseport_params reuseport;
    struct recvmmsg_params recvmmsg;
    struct epoll_params epoll;
    struct listen_app_params listen;
    struct udp_mcast_params udp_mcast;
};

#endif
