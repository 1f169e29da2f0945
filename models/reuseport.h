/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SO_REUSEPORT: several applications bound to one port, and who of them gets a packet.
 *
 * In    reuseport_pick()   a packet or a flow found its port, and the first application there has the option
 * Out   -
 *
 * The group is all applications with app.reuseport on that listen on the same port, in the order of the scenario, which is
 * the order in which they bind. Without a program the choice is by a hash of the four-tuple with a secret of this boot,
 * scaled to the group's size; with app.reuseport_cpu by a BPF program that returns the number of the CPU the packet is
 * processed on, and by the hash if the group is smaller than that. A datagram is chosen for each time, a connection once,
 * with its first segment. (net/core/sock_reuseport.c reuseport_select_sock, include/linux/kernel.h reciprocal_scale)
 * Not modelled: the hash's own function (jhash), so which flow goes where differs from any given boot; SO_INCOMING_CPU;
 * sockets that join or leave; connected UDP sockets in a group; other programs. */
#ifndef MODELS_REUSEPORT_H
#define MODELS_REUSEPORT_H

#include <stdbool.h>

#include "models/config.h"

struct app;
struct cpu;
struct flow_key;
struct host;

struct reuseport_params {
    int64_t on;
    int64_t cpu;
};
extern const struct model_info reuseport_model;

/* Whose socket a packet of a flow goes to, `first` being the first application that listens; `cpu`: where it is processed,
 * NULL: not known yet, so that only a choice by the hash is one. */
struct app *reuseport_pick(const struct host *h, struct app *first, const struct flow_key *key, const struct cpu *cpu);
/* Whether each of its datagrams is chosen for anew. */
bool reuseport_by_cpu(const struct app *a);

/* What is wrong with two applications on one port, or NULL: a sentence in `buffer`. */
const char *reuseport_check(const struct config *c, int first, int second, char *buffer, size_t size);

#endif
