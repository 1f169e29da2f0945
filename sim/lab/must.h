/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A validation is small; without memory for it there is nothing to tell. */
#ifndef SIM_LAB_MUST_H
#define SIM_LAB_MUST_H

#include <stdlib.h>

static inline void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

#endif
