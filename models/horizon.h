/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The horizon of a core: until when nothing but its own task can touch it, so that the task may run ahead.
 *
 * In    horizon_init()   the run begins: which cores are secluded?
 *       horizon_of()     a task asks how far it may go
 * Out   -
 *
 * The engine's horizon (engine_advance) is the next event of the whole machine: two busy cores would stop each other
 * after every step. Most steps of a reader touch nothing that anybody else sees, so on a secluded core they need not wait
 * for the others: a frame is delivered with the time at which it will be, and the core's next event is the end of the
 * first step that does touch something shared (for UDP: the look at the receive queue, models/udp.h). A core is secluded
 * if no queue's interrupt, NAPI or RPS, no timer of a connection and no second task can ever come to it; then only its
 * own tick, and the wakeup of a reader that sleeps, interrupt it. Answers, and clients that wait for them, act on the wire:
 * no core is secluded then, nor where a task busy polls.
 * Off with --no-batch, and when somebody watches the run as it goes (trace hook, census): he sees events in their order,
 * and frames where they are. Heads cut from pages are freed at the cost of whoever is last, and pages of a ring are used again
 * when readers have freed them, so there order is a fact. */
#ifndef MODELS_HORIZON_H
#define MODELS_HORIZON_H

#include "models/cpu.h"

void horizon_init(struct host *h);

/* Work that ends before this time, seen from the core's running task, meets nobody: now or earlier when that cannot be
 * said. */
ps_t horizon_of(const struct cpu *c);

#endif
