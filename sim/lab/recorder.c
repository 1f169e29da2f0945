/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/recorder.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

struct recorder *recorder_new(void)
{
    struct recorder *r = malloc(sizeof *r);

    if (!r)
        return NULL;
    r->chunk.n = 0;
    r->plan = (struct chunk_plan){ 0 };
    r->done = NULL;
    r->n_done = r->room = 0;
    r->broken = false;
    return r;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->n_done; i++)
        free(r->done[i].data);
    free(r->done);
    free(r);
}

static bool make_room(struct recorder *r)
{
    int room = r->room ? 2 * r->room : 64;
    struct result_chunk *bigger;

    if (r->n_done < r->room)
        return true;
    bigger = realloc(r->done, (size_t)room * sizeof *bigger);
    if (!bigger)
        return false;
    r->done = bigger;
    r->room = room;
    return true;
}

static void span(const struct chunk *c, int64_t *least, int64_t *largest)
{
    const int64_t *t = c->column[CHUNK_T_WIRE];

    *least = *largest = t[0];
    for (uint32_t i = 1; i < c->n; i++) {
        *least = t[i] < *least ? t[i] : *least;
        *largest = t[i] > *largest ? t[i] : *largest;
    }
}

void recorder_flush(struct recorder *r)
{
    struct result_chunk done = { .n = r->chunk.n };

    if (r->chunk.n == 0)
        return;
    span(&r->chunk, &done.t0_ns, &done.t1_ns);
    done.size = chunk_encode(&r->chunk, &r->plan, r->blob);
    done.crc32 = (uint32_t)crc32(0, r->blob, (uInt)done.size);
    done.data = malloc(done.size);
    if (done.data && make_room(r)) {
        memcpy(done.data, r->blob, done.size);
        r->done[r->n_done++] = done;
    } else {
        free(done.data);
        r->broken = true;
    }
    r->chunk.n = 0;
}

int recorder_collect(struct recorder *r, struct result *to)
{
    recorder_flush(r);
    if (r->broken)
        return -1;
    to->chunk = r->done;
    to->chunks = r->n_done;
    r->done = NULL;
    r->n_done = r->room = 0;
    return 0;
}
