/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A UDP socket's memory at the end of the run, as `ss -uam` shows it. */
#ifndef MODELS_SKMEM_H
#define MODELS_SKMEM_H

#include "models/config.h"
#include "models/udp.h"

struct skmem_counters {
    uint64_t r, rb, queued;
};
extern const struct model_info skmem_model;

struct skmem_counters skmem_of(const struct udp_sock *u);

#endif
