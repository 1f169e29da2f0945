/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A counter is a uint64_t in a model's counter struct and one row here. Its name is the kernel's; the row
 * says where a Linux user would read it. */
#ifndef SIM_ENGINE_COUNTER_H
#define SIM_ENGINE_COUNTER_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct counter {
    const char *name;
    size_t field;
    const char *where;          /* "ethtool -S", "/proc/net/softnet_stat column 3", "simulator only" .. */
    const char *doc;            /* one line, no full stop */
};

#define COUNTER(owner, member, key, place, text) \
    { .name = (key), .field = offsetof(owner, member), .where = (place), .doc = (text) }

#define ALL_COUNTERS_HAVE_ROWS(owner, table) \
    static_assert(sizeof(owner) == sizeof(table) / sizeof((table)[0]) * sizeof(uint64_t), \
                  #owner ": a counter has no row")

static inline uint64_t counter_value(const void *counters, const struct counter *row)
{
    return *(const uint64_t *)((const char *)counters + row->field);
}

#endif
