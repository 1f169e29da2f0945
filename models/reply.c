/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/reply.h"

#include <stdio.h>

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"
#include "models/requester.h"

static const struct param rows[] = {
    PARAM_COST(struct reply_params, send, "cost.reply.send", 1900,
               "sendmsg() of an answer: system call, socket, route, LOCAL_OUT, its sk_buff; cost.tx.xmit follows",
               "assumption: with cost.tx.xmit a little above one UDP datagram of a pktgen-like sender, 1 Mpps at 2 GHz"),
    PARAM_COST_PER_BYTE(struct reply_params, copy_byte, "cost.reply.copy_byte", 360, "copy_from_user",
                        "as cost.recv.copy_byte: Cai et al. 2021"),
    PARAM_COST(struct reply_params, tcp, "cost.reply.tcp", 700, "more on TCP: lock, tcp_write_xmit, its clone",
               "assumption"),
    PARAM_COST(struct reply_params, done, "cost.reply.done", 150, "after the doorbell, back into user mode", "assumption"),
};
ALL_FIELDS_HAVE_ROWS(struct reply_params, rows);

const struct model_info reply_model = {
    .name = "reply", .step = "7", .what = "the answers that programs send",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, reply), .params = rows, .n_params = ROWS(rows),
};

void reply_asked(struct sock *sk, const struct frame *f)
{
    const struct host *h = sk->host;

    sk->asked.flow = f ? f->flow : sk->flow;
    const struct requester *r = h->flow[sk->asked.flow].requester;
    sk->asked.serial = f ? f->seq : r ? r->serial : 0;
    sk->asked.bytes = (int32_t)sk->app->params->reply;
}

/* ---- which queue ---- */

/* skb_tx_hash of a packet of our own: no hash of the NIC's stands for it, and the kernel's is keyed at random. */
static int queue_by_hash(const struct flow_key *k, int queues)
{
    uint64_t h = hash_mix((uint64_t)k->saddr << 32 | k->daddr);

    h = hash_mix(h ^ ((uint64_t)k->sport << 32 | (uint64_t)k->dport << 8 | k->proto));
    return (int)((h >> 32) * (uint64_t)queues >> 32);
}

static struct nic_queue *pick_queue(struct nic *n, const struct flow_key *k, int cpu)
{
    for (int q = 0; q < n->queues; q++) {
        if (n->queue[q].config->tx.xps_cpus >> cpu & 1)
            return &n->queue[q];
    }
    return &n->queue[queue_by_hash(k, n->queues)];
}

/* ---- the call ---- */

static void done(struct context *x)
{
    context_kernel_work(x, x->cpu->host->hc->reply.done, context_return);
}

static void doorbell(struct context *x)
{
    struct sock *sk = x->sk;
    struct host *h = sk->host;
    const struct flow *flow = &h->flow[sk->asked.flow];
    struct nic_queue *q = pick_queue(&h->nic[flow->nic], &flow->key, x->cpu->index);
    struct tcp_out out;

    host_fact(h, FACT_ANSWER, sk->asked.flow, sk->asked.serial);
    tx_answer(&q->tx, &sk->asked, sk->proto);
    sk->asked.bytes = 0;
    if (sk->proto != FLOW_TCP) {
        local_bh_enable(x, done);
        return;
    }
    sk->acting = x;
    sk->replying = true;
    tcp_reply(&sk->tcp, sk->app->params->reply, h->engine.now, &out);
    sk->replying = false;
    context_call(x, sock_release, done);
}

static void transmit(struct context *x)
{
    const struct host_config *c = x->cpu->host->hc;

    x->flags = STEP_BH_OFF;
    context_work(x, c->tx.xmit + ps_of_fs_per_byte(c->tx.byte, x->sk->asked.bytes), doorbell);
}

void reply_send(struct context *x)
{
    const struct reply_params *p = &x->cpu->host->hc->reply;
    ps_t cost = p->send + ps_of_fs_per_byte(p->copy_byte, x->sk->asked.bytes);

    x->flags = 0;
    if (x->sk->proto == FLOW_TCP) {
        x->sk->owned = x->sk->tcp.owned = true;
        cost += p->tcp;
    }
    context_work(x, cost, transmit);
}

/* ---- relations ---- */

const char *reply_check(const struct config *c, char *buffer, size_t size)
{
    for (int i = 0; i < c->apps; i++) {
        for (int n = 0; n < c->nics && c->app[i].app.reply > 0; n++) {
            if (c->nic[n].nic.kind != NIC_KIND_HARDWARE) {
                snprintf(buffer, size, "app[%s].reply is set, but nic[%s] is a veth: answers leave by hardware only",
                         c->app_name[i], c->nic_name[n]);
                return buffer;
            }
        }
    }
    return NULL;
}
