/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Idle states deeper than the first, and the governor that chooses one.
 *
 * In    cstate_enter()   a core goes idle
 *       cstate_leave()   .. and is woken
 * Out   how long it takes to leave the state that was chosen
 *
 * The first state, cpu.cstate.*, is left at once by a core that was idle for less than its target residency. With deeper
 * ones the choice is made beforehand, as menu does: how long will it be idle? As long as it usually was: the last eight times,
 * on average, if they are alike (within 20 us, or a sixth of it), if need be without the longest two or three; otherwise nothing
 * is known, and the deepest serves. The deepest state whose target residency is not above that, and whose exit latency keeps to
 * the limit, is taken; its exit latency is paid however short the sleep was, since the hardware went all the way.
 * (drivers/cpuidle/governors/menu.c get_typical_interval, menu_select; before 6.15)
 * Not modelled: the next timer as a bound of the guess and how far it came true, a state left while it is entered, a polling
 * state, teo and haltpoll, states of the package, power. */
#ifndef MODELS_CSTATE_H
#define MODELS_CSTATE_H

#include <stdbool.h>

#include "models/config.h"
#include "sim/engine/time.h"

struct cstate_params {
    int64_t c1e_latency, c1e_residency;     /* 0 latency: the state is not there */
    int64_t c6_latency, c6_residency;
    int64_t latency_limit;
};
extern const struct model_info cstate_model;

struct cstate_counters {
    uint64_t c1e, c6;           /* times it was chosen */
};

enum { CSTATE_INTERVALS = 8 };

struct cstate {
    const struct cstate_params *params;
    struct cstate_counters counters;
    int64_t interval[CSTATE_INTERVALS];     /* us it was idle; 0 at first */
    int next;                   /* the oldest */
    ps_t chosen;                /* exit latency of the state it is in; 0: the first state */
};

/* Are there any? */
bool cstate_deep(const struct cstate_params *p);
/* A core goes idle: chooses. */
void cstate_enter(struct cstate *c);
/* It was idle for so long. */
void cstate_leave(struct cstate *c, ps_t idle);
/* The guess, in us; -1: none. */
int64_t cstate_typical_interval(const struct cstate *c);

#endif
