/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/protomem.h"

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

#define PAGES(gib) ((int64_t)(gib) << 18)

static const struct param rows[] = {
    PARAM(struct protomem_params, udp_min, "net.ipv4.udp_mem.min", UNIT_COUNT, PAGES(3), 0, INT32_MAX,
          "pages of all UDP sockets above which only those with a short queue get more",
          "net/ipv4/udp.c udp_init: three quarters of an eighth of the memory; 32 GiB here"),
    PARAM(struct protomem_params, udp_pressure, "net.ipv4.udp_mem.pressure", UNIT_COUNT, PAGES(4), 0, INT32_MAX,
          "no effect for UDP", "udp_init: an eighth of the memory"),
    PARAM(struct protomem_params, udp_max, "net.ipv4.udp_mem.max", UNIT_COUNT, PAGES(6), 0, INT32_MAX,
          "pages of all UDP sockets above which nobody gets more", "udp_init: twice the first"),
    PARAM(struct protomem_params, udp_rmem_min, "net.ipv4.udp_rmem_min", UNIT_BYTES, 4096, 2304, INT32_MAX,
          "memory that every UDP socket may have above udp_mem.min", "net/ipv4/udp.c: PAGE_SIZE"),
    PARAM(struct protomem_params, pcpu_rsv, "net.core.mem_pcpu_rsv", UNIT_COUNT, 256, 1, 1 << 20,
          "pages that a CPU charges before the protocol's sum moves", "net/core/sock.c: 1 MiB"),
};
ALL_FIELDS_HAVE_ROWS(struct protomem_params, rows);

const struct model_info protomem_model = {
    .name = "protomem", .step = "6", .what = "memory that all UDP sockets share",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, protomem), .params = rows, .n_params = ROWS(rows),
};

void protomem_init(struct protomem *m, const struct host *h)
{
    int64_t most = 0, largest = 1 << 20;        /* no truesize is above a megabyte */

    *m = (struct protomem){ .params = &h->hc->protomem };
    for (int i = 0; i < h->apps; i++)
        most += (h->app[i].udp.udp.rcvbuf + largest) / UDP_MEM_PAGE + 2;
    m->binds = most > m->params->udp_min;
}

/* What a CPU has charged or given back moves the sum when it is a reserve's worth. */
static void tell(struct protomem *m, const struct cpu *c, int64_t pages)
{
    int64_t *untold = &m->untold[c->index], most = m->params->pcpu_rsv;

    *untold += pages;
    if (*untold >= most || *untold <= -most) {
        m->allocated += *untold;
        *untold = 0;
    }
}

bool protomem_charge(struct protomem *m, const struct cpu *c, int64_t pages, int64_t rmem)
{
    const struct protomem_params *p = m->params;

    tell(m, c, pages);
    if (m->allocated <= p->udp_min || (m->allocated <= p->udp_max && rmem < p->udp_rmem_min))
        return true;
    tell(m, c, -pages);
    return false;
}

void protomem_return(struct protomem *m, const struct cpu *c, int64_t pages)
{
    if (pages > 0)
        tell(m, c, -pages);
}

const char *protomem_check(const struct protomem_params *p)
{
    return p->udp_min <= p->udp_pressure && p->udp_pressure <= p->udp_max
           ? NULL : "net.ipv4.udp_mem: min, pressure and max must not fall";
}
