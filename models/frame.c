/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/frame.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLAB_OBJECTS = 256 };            /* 32 KiB of frames: small runs stay small */

void pool_init(struct pool *p, size_t object_size)
{
    *p = (struct pool){ .size = (object_size + 63) / 64 * 64 };     /* whole cache lines */
}

void pool_free(struct pool *p)
{
    for (size_t i = 0; i < p->slabs; i++)
        free(p->slab[i]);
    free(p->slab);
    *p = (struct pool){ 0 };
}

void pool_grow(struct pool *p)
{
    void **slab = realloc(p->slab, (p->slabs + 1) * sizeof(void *));
    char *objects = aligned_alloc(64, p->size * SLAB_OBJECTS);

    if (!slab || !objects) {
        fputs("out of memory\n", stderr);
        abort();
    }
    p->slab = slab;
    p->slab[p->slabs++] = objects;
    for (size_t i = SLAB_OBJECTS; i-- > 0;) {
        void *object = objects + i * p->size;
        *(void **)object = p->free;
        p->free = object;
    }
}
