/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host: the journey, in one place.
 *
 * rx_path[] lists the boxes in packet order and drives help, README, database and plots. host_init() builds the
 * machine from a configuration, host_run() runs it, and the ledger here books the end of every frame. */
#ifndef MODELS_HOST_H
#define MODELS_HOST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "models/bridge.h"
#include "models/cache.h"
#include "models/busy_poll.h"
#include "models/config.h"
#include "models/cpu.h"
#include "models/cpumap.h"
#include "models/defrag.h"
#include "models/drop.h"
#include "models/flow.h"
#include "models/ip.h"
#include "models/irqbalance.h"
#include "models/listen.h"
#include "models/ip6.h"
#include "models/netfilter.h"
#include "models/netif.h"
#include "models/protomem.h"
#include "models/rfs.h"
#include "models/rps.h"
#include "models/sched.h"
#include "models/softirq.h"
#include "models/tap.h"
#include "models/tc.h"
#include "models/tcp.h"
#include "models/tunnel.h"
#include "models/udp.h"
#include "models/udp_mcast.h"
#include "models/vlan.h"
#include "sim/engine/event.h"
#include "sim/engine/hash.h"
#include "sim/engine/hist.h"
#include "sim/engine/random.h"

struct nic;
struct irq;
struct app;
struct traffic;
struct tcp_sender;
struct sendmsg;
struct requester;
struct requester_group;
struct steal;

struct run_params {
    int64_t duration;
    int64_t warmup;
    int64_t drain;
    int64_t seed;
    int64_t cost_cv;
    int64_t cost_distribution;  /* enum cost_distribution */
};
extern const struct model_info run_model;

enum cost_distribution { COST_LOGNORMAL, COST_EXPONENTIAL };

/* Points of the trace hook: the kernel's tracepoint where there is one. */
enum trace_point {
    TRACE_IRQ_HANDLER_ENTRY,    /* a: NIC * 64 + queue */
    TRACE_SOFTIRQ_ENTRY,        /* net_rx_action begins */
    TRACE_SOFTIRQ_EXIT,         /* .. ends; a: budget left */
    TRACE_NAPI_POLL,            /* a: work, b: weight */
    TRACE_NETIF_RECEIVE_SKB,    /* a: frame id of the first frame, b: frames */
    TRACE_SOCK_QUEUE,           /* queued to a socket; a: frame id */
    TRACE_SCHED_WAKEUP,
    TRACE_SCHED_SWITCH,
    TRACE_RECV,                 /* delivered to the application; a: frame id */
    TRACE_RECV_RETURN,          /* and recv() is back in user mode; a: frame id, b: when the frame came by wire */
    TRACE_KFREE_SKB,            /* a: frame id, b: enum fate */
    TRACE_TCP_PROBE,            /* a segment enters its connection, from softirq or from the backlog; a: frame id, b: frames */
};
extern const char *const trace_point_name[];

/* Stages of a frame's latency, packet order; the last is the sum. A frame that was polled without an interrupt of its
 * own has 0 in STAGE_IRQ. */
enum host_stage { STAGE_NIC, STAGE_IRQ, STAGE_RING, STAGE_DRIVER, STAGE_STACK, STAGE_SOCKET, STAGE_TOTAL, STAGES };
extern const char *const stage_name[STAGES];

struct ledger {
    uint64_t offered, offered_bytes;
    uint64_t frames[FATES], bytes[FATES];
};

/* The hand-overs of the journey: who takes over from whom. host_connect() fills them, one line each; a box calls
 * what it finds here and does not know whose it is. */
struct journey {
    void (*interrupt)(struct irq *i);                               /* coalesce -> irq */
    cont_fn *poll;                                                  /* napi -> driver */
    stage_fn *hand_up;                                              /* driver, napi -> netif: GRO's list */
    stage_fn *from_backlog;                                         /* rps -> netif */
    enum fate (*network)(struct host *h, struct skb *s, ps_t *cost);    /* netif -> ip */
    enum fate (*local)(struct host *h, struct skb *s, ps_t *cost);      /* netif -> ip: LOCAL_IN */
    enum fate (*output)(struct host *h, const struct skb *s);           /* netif -> ip: sent on */
    stage_fn *udp, *udp_mcast, *tcp, *tunnel;                       /* ip -> transport */
    void (*readable)(struct context *x, struct sock *sk);           /* transport -> socket's reader */
    cont_fn *timers;                                                /* softirq -> sockets */
};

/* What a finished frame is shown to, to sample timelines: all that were marked at the draw, drops numbered below
 * `drops_below`, and delivered frames that took at least `slow_from`. The observer moves the two bounds. */
struct observer {
    void (*frame_end)(void *user, const struct frame *f, enum fate fate, ps_t now);
    void *user;
    uint64_t drops_below;
    ps_t slow_from;
};

struct host {
    struct engine engine;
    struct config config;       /* a copy: costs in picoseconds */
    const struct host_config *hc;
    uint64_t seed, replication;

    struct cpu *cpu;
    int cpus;
    struct cache cache;
    struct steal *steal;        /* one a CPU */
    struct softirq *softirq;    /* arrays, one a CPU */
    struct runqueue *rq;
    struct backlog *backlog;
    struct nic *nic;
    int nics;
    int64_t descriptors;        /* of all rings */
    struct nic *egress;         /* of host.default_route; NULL: none */
    struct traffic *traffic;
    int traffics;
    struct app *app;
    int apps;
    struct flow *flow;
    uint32_t flows;
    struct sendmsg *sendmsg;    /* one a source that sends to a veth */
    int sendmsgs;
    struct tcp_sender *sender;  /* one a flow of the sender sources */
    uint32_t senders;
    struct requester *requester;        /* one a flow of the rr sources */
    uint32_t requesters;
    struct requester_group *requester_group;    /* [traffics]; of the other kinds unused */
    struct hist rtt;            /* round trips of their requests */
    struct variate *exponential;
    struct variate *cost;       /* factors of mean 1, when run.cost_cv > 0 */
    uint64_t cost_salt;
    uint64_t reuseport_secret;  /* of this boot, in the hash that chooses among sockets on one port */
    int64_t hc_cost_cv;         /* hc->run.cost_cv, at hand */
    bool far_memory;            /* a frame's memory may cost more: cost.cache.frame, or several nodes */

    struct journey to;
    struct pool frames, skbs;
    uint64_t sample_every;      /* of each wire every so manieth frame is marked as sampled; 0: none */
    uint64_t skb_builds, skb_heads_at;  /* so far; at which number the cache of sk_buffs is refilled */
    int64_t skb_heads_every;    /* hc->skb.heads_every and heads, at hand */
    ps_t skb_heads;
    struct pool head_pages, rx_pages;
    struct head_page *head_page;        /* that heads are cut from; NULL: a new one is needed */
    int64_t heads_left;         /* in it */

    struct skb_queue *udp_segments;     /* one a CPU, models/udp_gso */
    struct netfilter netfilter;
    struct irqbalance irqbalance;
    struct rfs rfs;
    struct netif_counters *netif;       /* one a CPU */
    struct tap *tap;            /* one a tap with a ring; NULL: their rings never fill */
    struct tap_counters *tap_counters;  /* one a CPU */
    struct cpumap *cpumap;      /* one a CPU; NULL: no NIC redirects to CPUs */
    struct tc_counters tc;
    bool tc_attached;
    struct bridge_counters *bridge;     /* one a CPU */
    struct gro_cell *gro_cell;          /* one a CPU */
    struct vlan_counters vlan;
    struct ip_counters ip;
    struct defrag defrag;
    struct ip6_counters ip6;
    struct udp_counters udp, udp6;
    struct protomem udp_mem;
    struct udp_mcast_counters udp_mcast;
    struct tcp_counters tcp;
    struct busy_poll_counters busy_poll;
    struct listen listen;

    ps_t jiffy, tick_phase;     /* length of a tick; time of the first */
    ps_t last_arrival;          /* of a frame, so far */
    ps_t stop_at;               /* sources are silent from here on */
    ps_t warm_at;
    struct ledger unsteered;            /* all frames offered; ends of those that never got to a queue */
    struct ledger *queue_ledger;        /* NIC * CONFIG_QUEUES + queue */
    struct hist latency[STAGES];        /* complete after host_latencies() */
    struct hist_run repeated[STAGES];   /* what is still to be added to them */
    uint64_t work_hist[257];
    struct fingerprint fingerprint;
    struct observer observer;
    uint64_t express_frames;    /* that took models/express: simulator only, no model fact */
    bool watched;               /* somebody looks at the state between events: nothing may run ahead of it */
};

/* Builds the machine. Returns 0, or -1 with a sentence. `c` is copied; its arrivals are borrowed. */
int host_init(struct host *h, const struct config *c, uint64_t seed, uint64_t replication, bool batch, char *why,
              size_t size);
void host_free(struct host *h);

/* Runs to the end of the load and on until nothing is in flight or run.drain has passed. Returns false if `stop`
 * became non-zero. `progress_ps`, if not NULL, follows the simulated time. */
bool host_run(struct host *h, const atomic_int *stop, atomic_llong *progress_ps);

/* The end of a frame: books it, shows it, and gives it back to the pool. */
void host_frame_end(struct host *h, struct frame *f, enum fate fate);
/* The same for one that was read, and for one that found no descriptor: what most frames meet. */
void host_frame_delivered(struct host *h, struct frame *f, ps_t when);
void host_frame_no_desc(struct host *h, struct frame *f, ps_t when);
/* The same for an end that lies in the past: hardware is settled late, its facts carry their own time. */
void host_frame_end_at(struct host *h, struct frame *f, enum fate fate, ps_t when);
/* The end of an skb and all its frames. Returns what freeing its memory costs beside cost.skb.free. */
ps_t host_skb_drop(struct host *h, struct skb *s, enum fate fate);
ps_t host_skb_drop_at(struct host *h, struct skb *s, enum fate fate, ps_t when);
/* An skb whose frames have gone elsewhere. */
ps_t host_skb_free(struct host *h, struct skb *s);

/* Completes the histograms of latencies, which are read at the end of a run. */
void host_latencies(struct host *h);

/* The books of the whole host: the sum of its parts. */
struct ledger host_ledger(const struct host *h);
/* Frames offered and not yet ended. */
uint64_t host_in_flight(const struct host *h);

/* A cost by the factor at one place of the distribution, 0 .. VARIATE_SIZE - 1, the least first. */
static inline ps_t host_scale(const struct host *h, ps_t cost, uint64_t place)
{
    return (ps_t)((uint64_t)cost * h->cost->q[place] / VARIATE_UNIT);
}

/* A cost with this frame's own factor: drawn by frame number, not by order of service, so that sweep points stay
 * paired. `salt` tells the costs of one frame apart. */
static inline ps_t host_vary(const struct host *h, ps_t cost, uint64_t frame, uint64_t salt)
{
    if (h->hc_cost_cv == 0)
        return cost;
    uint64_t u = hash_mix(frame * UINT64_C(0x9e3779b97f4a7c15) + h->cost_salt + salt);
    return host_scale(h, cost, u >> (64 - VARIATE_BITS));
}

/* What one more sk_buff costs beside cost.skb.alloc: the cache of them runs dry in a fixed rhythm. */
static inline ps_t host_new_skb(struct host *h)
{
    if (h->skb_builds++ != h->skb_heads_at)
        return 0;
    h->skb_heads_at += (uint64_t)h->skb_heads_every;
    return h->skb_heads;
}

/* A model fact for the fingerprint. */
enum fact { FACT_FRAME = 1, FACT_IRQ, FACT_POLL, FACT_RUN, FACT_WAKE, FACT_ACK, FACT_ANSWER };
static inline void host_fact(struct host *h, enum fact kind, uint64_t entity, uint64_t value)
{
    fingerprint_add(&h->fingerprint,
                    hash_add(hash_mix((uint64_t)h->engine.now ^ (uint64_t)kind << 56), entity << 32 ^ value));
}

/* Every counter with its scope, in packet order. */
typedef void counter_fn(void *user, const char *scope, const char *name, uint64_t value);
void host_counters(const struct host *h, counter_fn *fn, void *user);

/* UDP's counters of the flow's IP version. */
static inline struct udp_counters *host_udp(struct host *h, uint32_t flow)
{
    return h->flow[flow].ipv6 ? &h->udp6 : &h->udp;
}

/* True if no parameter in force draws a random number. */
bool host_deterministic(const struct host *h);

#endif
