/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trace hook: one branch when off. Points carry the names of the kernel's tracepoints. */
#ifndef SIM_ENGINE_TRACE_H
#define SIM_ENGINE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/engine/time.h"

/* `point` is the caller's number (the models' enum trace_point); a and b are what the point says. */
typedef void trace_fn(void *user, ps_t now, int point, int cpu, int64_t a, int64_t b);

struct trace {
    trace_fn *hook;             /* NULL: off */
    void *user;
};

static inline void trace_emit(const struct trace *t, ps_t now, int point, int cpu, int64_t a, int64_t b)
{
    if (__builtin_expect(t->hook != NULL, 0))
        t->hook(t->user, now, point, cpu, a, b);
}

#endif
