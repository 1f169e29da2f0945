/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the timeline of every frame that ends during a run, encoded as it goes: what a run holds in memory is the
 * encoded chunks (1.5 to 4 bytes a frame in most scenarios, 12 where several queues end frames in turn) and one chunk
 * that is being filled (0.8 MB, and 2.3 MB of address space to encode it in, of which little is touched). */
#ifndef SIM_LAB_RECORDER_H
#define SIM_LAB_RECORDER_H

#include <stdbool.h>

#include "sim/lab/chunk.h"
#include "sim/lab/result.h"

struct recorder {
    struct chunk chunk;         /* being filled */
    struct chunk_plan plan;
    struct result_chunk *done;
    int n_done, room;
    bool broken;                /* out of memory */
    uint8_t blob[CHUNK_ROOM];
};

struct recorder *recorder_new(void);    /* NULL: out of memory */
void recorder_free(struct recorder *r);

void recorder_flush(struct recorder *r);        /* encodes what has been added since the last flush */
/* Moves all chunks to the result; -1 if memory ran out somewhere. */
int recorder_collect(struct recorder *r, struct result *to);

static inline void recorder_add(struct recorder *r, const struct frame *f, enum fate fate, ps_t now)
{
    chunk_append(&r->chunk, f, fate, now);
    if (r->chunk.n == CHUNK_FRAMES)
        recorder_flush(r);
}

#endif
