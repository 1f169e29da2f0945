/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/xsk.h"

#include "models/host.h"
#include "models/host_config.h"
#include "models/nic.h"

static const struct param rows[] = {
    PARAM_COST_PER_BYTE(struct xsk_params, copy_byte, "cost.xsk.copy_byte", 125, "copying a frame into the reader's buffer",
                        "assumption: as cost.driver.copy_byte"),
    PARAM_COST(struct xsk_params, batch, "cost.xsk.batch", 100, "the reader's look at its rings, for up to nic.xsk.batch frames",
               "assumption"),
    PARAM_COST(struct xsk_params, frame, "cost.xsk.frame", 100, "the reader's work on one frame", "assumption: as app.work"),
};
ALL_FIELDS_HAVE_ROWS(struct xsk_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct xsk_counters, rx_dropped, "xsk_rx_dropped", "XDP_STATISTICS rx_dropped; ss --xdp -e",
            "frames without a buffer of the fill ring"),
    COUNTER(struct xsk_counters, rx_ring_full, "xsk_rx_ring_full", "XDP_STATISTICS rx_ring_full", "frames without a place in the RX ring"),
    COUNTER(struct xsk_counters, rx_fill_ring_empty_descs, "xsk_rx_fill_ring_empty_descs",
            "XDP_STATISTICS rx_fill_ring_empty_descs", "times the fill ring was found empty"),
    COUNTER(struct xsk_counters, messages, "xsk_messages", "the application's own", "frames read"),
};
ALL_COUNTERS_HAVE_ROWS(struct xsk_counters, counter_rows);

const struct model_info xsk_model = {
    .name = "xsk", .step = "2", .what = "XDP frames for an AF_XDP socket",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, xsk), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

static const struct param nic_rows[] = {
    PARAM(struct xsk_nic_params, cpu, "nic.xsk.cpu", UNIT_COUNT, -1, -1, CONFIG_CPUS - 1,
          "redirect-xsk: CPU of the sockets' readers; -1: the last", "ours"),
    PARAM(struct xsk_nic_params, fill, "nic.xsk.fill_ring", UNIT_COUNT, 2048, 1, 65536,
          "redirect-xsk: buffers that the reader has put into the fill ring", "libxdp XSK_RING_PROD__DEFAULT_NUM_DESCS"),
    PARAM(struct xsk_nic_params, rx, "nic.xsk.rx_ring", UNIT_COUNT, 2048, 1, 65536, "redirect-xsk: places in the RX ring",
          "libxdp XSK_RING_CONS__DEFAULT_NUM_DESCS"),
    PARAM(struct xsk_nic_params, batch, "nic.xsk.batch", UNIT_COUNT, 64, 1, 65536, "redirect-xsk: frames that the reader takes at a time",
          "xdpsock: BATCH_SIZE 64"),
};
ALL_FIELDS_HAVE_ROWS(struct xsk_nic_params, nic_rows);

const struct model_info xsk_nic_model = {
    .name = "xsk", .step = "2", .what = "the sockets of its queues",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, xsk), .params = nic_rows, .n_params = ROWS(nic_rows),
};

/* ---- the kernel's side ---- */

bool xsk_receive(struct context *x, struct xsk *k, struct frame *f)
{
    if (k->fill == 0) {
        k->counters.rx_fill_ring_empty_descs++;
        k->counters.rx_dropped++;
        return false;
    }
    if (k->copied.length + k->rx.length == k->params->rx) {
        k->counters.rx_ring_full++;
        return false;
    }
    k->fill--;
    x->owed += ps_of_fs_per_byte(k->host->hc->xsk.copy_byte, f->wire_bytes - ETH_FCS);
    f->stack_at = f->socket_at = x->cpu->engine->now;
    frame_push(&k->copied, f);
    return true;
}

static void move(struct frame_queue *to, struct frame_queue *from, int64_t most)
{
    while (most-- > 0 && from->first)
        frame_push(to, frame_pop(from));
}

ps_t xsk_flush(struct context *x, struct xsk *k)
{
    if (!k->copied.first)
        return 0;
    move(&k->rx, &k->copied, INT64_MAX);
    return sched_wake(&k->reader, x->cpu);
}

/* ---- the reader ---- */

static void look(struct context *x);

static void worked(struct context *x)
{
    struct xsk *k = x->task->owner;
    struct frame *f;

    k->fill += k->read.length;
    k->counters.messages += (uint64_t)k->read.length;
    while ((f = frame_pop(&k->read)) != NULL)
        host_frame_delivered(k->host, f, x->cpu->engine->now);
    sched_checkpoint(x, look);
}

static void look(struct context *x)
{
    struct xsk *k = x->task->owner;
    const struct xsk_params *p = &k->host->hc->xsk;

    if (!k->rx.first) {
        x->flags = 0;
        sched_prepare_sleep(x->task);
        sched_sleep(x, look);
        return;
    }
    move(&k->read, &k->rx, k->params->batch);
    x->flags = STEP_USER;
    context_work(x, p->batch + k->read.length * p->frame, worked);
}

/* ---- construction ---- */

void xsk_init(struct xsk *k, struct nic_queue *q)
{
    struct host *h = q->nic->host;
    const struct xsk_nic_params *p = &q->nic->config->xsk;
    int64_t cpu = p->cpu < 0 ? h->cpus - 1 : p->cpu;

    *k = (struct xsk){ .host = h, .params = p, .fill = p->fill };
    if (q->nic->config->xdp.program == XDP_REDIRECT_XSK)
        task_init(&k->reader, &h->cpu[cpu], "xsk", k, look);
}

void xsk_start(struct xsk *k)
{
    if (k->reader.cpu)
        sched_wake(&k->reader, k->reader.cpu);
}
