/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/skmem.h"

static const struct counter rows[] = {
    COUNTER(struct skmem_counters, r, "skmem_r", "ss -uam: skmem r", "bytes of truesize charged at the end"),
    COUNTER(struct skmem_counters, rb, "skmem_rb", "ss -uam: skmem rb", "the socket's receive buffer, bytes of truesize"),
    COUNTER(struct skmem_counters, queued, "skmem_queued", "simulator only", "datagrams in the socket at the end"),
};
ALL_COUNTERS_HAVE_ROWS(struct skmem_counters, rows);

const struct model_info skmem_model = {
    .name = "skmem", .step = "7", .what = "a UDP socket's memory",
    .scope = SCOPE_HOST, .counters = rows, .n_counters = ROWS(rows),
};

struct skmem_counters skmem_of(const struct udp_sock *u)
{
    return (struct skmem_counters){
        .r = (uint64_t)u->rmem_alloc, .rb = (uint64_t)u->rcvbuf,
        .queued = (uint64_t)(u->receive.length + u->reader.length),
    };
}
