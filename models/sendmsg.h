/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A local sender: the task that sends to a NIC of kind veth, in place of a wire.
 *
 * In    the scheduler runs its task; its traffic source says when the next datagram is due
 * Out   veth_xmit          each skb, bottom halves off; pending softirqs run at local_bh_enable
 *
 * The program looks at the clock until a datagram is due, then calls send(), or sendmmsg() with traffic.task.vlen
 * messages; it is late if the machine is, and sends as fast as it can when everything is due. A message is one
 * datagram, in IP fragments beyond the MTU, or traffic.task.segments of them (UDP_SEGMENT). A segmented message is one
 * skb where nic.features.tx-udp-segmentation is on; else it is cut in dev_queue_xmit with bottom halves off, so all
 * its packets are queued before any softirq runs. traffic.task.trains sends such messages of given lengths, one each
 * traffic.period.
 * Not modelled: TCP, send buffers, a blocking send(), MSG_ZEROCOPY, the EINVAL of a UDP_SEGMENT send with more than
 * UDP_MAX_SEGMENTS or with segments beyond the MTU (here the latter go as fragments, one datagram after the other). */
#ifndef MODELS_SENDMSG_H
#define MODELS_SENDMSG_H

#include "models/config.h"
#include "models/cpu.h"
#include "models/sched.h"

struct traffic;
struct veth;

struct sendmsg_params {         /* of a traffic source */
    int64_t cpu;
    int64_t payload;
    int64_t vlen;
    int64_t segments;
    int64_t trains;             /* UNIT_TEXT */
    int64_t look;
};
extern const struct model_info sendmsg_model;

struct sendmsg_host_params {    /* of the host: costs */
    int64_t entry;
    int64_t message;
    int64_t copy_byte;
    int64_t segment;
    int64_t back;
    int64_t user;
};
extern const struct model_info sendmsg_host_model;

struct sendmsg_counters {
    uint64_t calls;
    uint64_t datagrams;
    uint64_t trains;
    uint64_t train_sent;
    uint64_t train_dropped;
};

struct sendmsg {
    struct host *host;
    const struct sendmsg_params *params;
    const struct sendmsg_host_params *costs;
    struct sendmsg_counters counters;
    struct traffic *traffic;
    struct veth *veth;
    const char *name;
    struct task task;
    const char *trains;         /* what is left of the list */
    int64_t train_left;         /* trains of the current length still to send */
    int64_t train_length;
    int64_t left;               /* messages of this call still to send */
    bool together;              /* the list goes out in one section with bottom halves off */
};

/* Says what is wrong with a source that sends to a veth, or NULL. */
const char *sendmsg_check(const struct config *c, int source, char *buffer, size_t size);
void sendmsg_init(struct sendmsg *s, struct host *h, int source);
void sendmsg_start(struct sendmsg *s);

#endif
