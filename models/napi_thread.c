/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/napi_thread.h"

#include "models/host.h"
#include "models/host_config.h"

static void turn(struct context *x);

static void enabled(struct context *x)
{
    sched_checkpoint(x, turn);
}

static void polled(struct context *x)
{
    local_bh_enable(x, enabled);
}

static void turn(struct context *x)
{
    struct napi_thread *t = x->task->owner;

    if (!t->napi->scheduled) {
        sched_prepare_sleep(x->task);
        sched_sleep(x, turn);
        return;
    }
    x->flags = STEP_BH_OFF;
    x->napi = t->napi;
    x->depth = 0;
    context_call(x, napi_poll, polled);
}

void napi_thread_init(struct napi_thread *t, struct napi *n, struct cpu *c)
{
    t->napi = n;
    n->cpu = c;
    task_init(&t->task, c, "napi", t, turn);
    t->task.context.mode = CPU_NAPI_THREAD;
}

void napi_thread_wake(struct context *x, struct napi_thread *t)
{
    t->napi->scheduled = true;
    x->owed += sched_wake(&t->task, x->cpu);
}
