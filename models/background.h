/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Background work on a CPU: a task that wakes by a timer, works for a while and sleeps again; the noisy neighbour.
 *
 * In    background_start()   the run begins: the first wakeup is at app.background.phase
 * Out   sched                a task as any other (app.kind: background)
 *
 * What it works in says what it holds up, on its own CPU:
 *   user       nothing but other tasks, by the scheduler's rules
 *   kernel     tasks: no switch before its end unless the kernel is preemptible (kernel.preempt). Where softirqs are left to
 *              ksoftirqd, those too: the kubelet's cadvisor reading memory.stat on a 4.19 kernel, 2019
 *   bh_off     softirqs: they run when it ends
 *   irqs_off   interrupts: they are taken when it ends; the ring holds what it can meanwhile
 * A wakeup that comes while it is still working is lost, as a timer's overrun. The timer is an interrupt of the CPU.
 * Not modelled: memory traffic (models/cache counts receiving cores only), several CPUs at once, NMI and SMI. */
#ifndef MODELS_BACKGROUND_H
#define MODELS_BACKGROUND_H

#include "models/config.h"
#include "models/cpu.h"
#include "sim/engine/event.h"

struct app;

struct background_params {
    int64_t section;            /* enum background_section */
    int64_t period;
    int64_t length;
    int64_t phase;
};
extern const struct model_info background_model;

enum background_section { BACKGROUND_USER, BACKGROUND_KERNEL, BACKGROUND_BH_OFF, BACKGROUND_IRQS_OFF };

struct background {
    const struct background_params *params;
    struct event timer;
    struct vector vector;
};

int background_init(struct background *b, struct app *a, const struct background_params *p);
void background_start(struct app *a);
/* The task's first step, each time it wakes. */
void background_begin(struct context *x);

#endif
