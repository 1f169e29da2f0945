/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adaptive moderation of one queue (ethtool -C adaptive-rx): the driver measures and programs models/coalesce anew.
 *
 * In    adaptive_polled()      NAPI has completed and the driver is about to enable the interrupt
 *       adaptive_asserted()    the vector has fired
 * Out   coalesce_program()     other values for rx-usecs and rx-frames
 *       nic_moderated()        the NIC looks at its interrupt again
 *
 * Nothing is measured while NAPI does not complete: a saturated queue keeps its last values. That is the kernel's way, too.
 * Who programs when:
 *   dim           a work item, nic.coalesce.dim_latency after the decision (models/dim)
 *   ixgbe, i40e   the poll itself (models/itr)
 *   igb, e1000e   the next interrupt's handler, after that interrupt has begun its gap with the old value
 * rx-usecs and rx-frames of the scenario are not used then, as with ethtool: each algorithm has its own start.
 * Not modelled: the instructions of the measuring, and the work item's own: on a core that softirqs keep busy its worker
 * would wait longer. adaptive-tx. */
#ifndef MODELS_ADAPTIVE_H
#define MODELS_ADAPTIVE_H

#include <stdbool.h>

#include "models/config.h"
#include "models/dim.h"
#include "models/itr.h"
#include "sim/engine/event.h"

struct nic_queue;

enum adaptive_algorithm { ADAPTIVE_DIM, ADAPTIVE_IXGBE, ADAPTIVE_I40E, ADAPTIVE_IGB, ADAPTIVE_E1000E };

struct adaptive_params {
    int64_t rx;                 /* on */
    int64_t algorithm;          /* enum adaptive_algorithm */
    int64_t profile;            /* of dim */
    int64_t latency;            /* of dim's work item */
};
extern const struct model_info adaptive_model;

struct adaptive_counters {
    uint64_t changes;
    uint64_t ns, frames, level; /* in force */
};

struct adaptive {
    const struct adaptive_params *params;
    struct adaptive_counters counters;
    struct nic_queue *queue;
    struct dim dim;
    struct itr itr;
    uint64_t packets, bytes;    /* itr: of the ring at the last look */
    ps_t late;                  /* igb, e1000e: to be written by the next handler; PS_NEVER: nothing */
    struct event work;          /* dim */
};

int adaptive_init(struct adaptive *a, struct nic_queue *q);
void adaptive_polled(struct adaptive *a);
void adaptive_asserted(struct adaptive *a);

/* Relations between its parameters and the NIC's kind of moderation: a sentence, or NULL. */
const char *adaptive_check(const struct config *c, int nic, char *buffer, size_t size);

#endif
