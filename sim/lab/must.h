/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For what is small, as a plan, a validation, a comparison: without memory for it there is nothing to tell. */
#ifndef SIM_LAB_MUST_H
#define SIM_LAB_MUST_H

#include <stdlib.h>

/* `memory`; ends the program if it is NULL. */
static inline void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

#endif
