/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steal time: windows in which the hypervisor runs somebody else, and a virtual CPU stands still.
 *
 * In    steal_start()    the run begins
 * Out   cpu_freeze(), cpu_thaw()
 *
 * A frozen CPU does nothing, whatever it was doing; interrupts and wakeups wait for the window's end, and of its ticks one is
 * left. Time is counted where it stood still, as by a guest without a paravirtual clock; counter `steal_usec` says how much.
 * Not modelled: a hypervisor's scheduler (windows are periodic), frozen CPUs that hold a lock others want. */
#ifndef MODELS_STEAL_H
#define MODELS_STEAL_H

#include "models/config.h"
#include "models/cpu.h"
#include "sim/engine/event.h"

struct steal_params {
    int64_t period;             /* 0: none */
    int64_t length;
    int64_t phase;
    int64_t cpus;
};
extern const struct model_info steal_model;

struct steal {
    struct cpu *cpu;
    struct event begin, end;
    ps_t phase;
};

/* A sentence about settings that cannot be, or NULL. */
const char *steal_check(const struct steal_params *p);
/* Whether the CPU has such windows. */
bool steal_from(const struct steal_params *p, int cpu);
int steal_init(struct steal *s, struct cpu *c);
void steal_start(struct steal *s);

#endif
