/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/recvmmsg.h"

#include "models/app.h"
#include "models/host.h"
#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct recvmmsg_params, vlen, "app.vlen", UNIT_COUNT, 1, 1, 1024,
          "UDP: datagrams a system call asks for, recvmmsg()'s vlen; 1: recv()", "recv(), the usual call; UIO_MAXIOV"),
    PARAM_SWITCH(struct recvmmsg_params, waitforone, "app.waitforone", 1,
                 "MSG_WAITFORONE: a recvmmsg() that has one datagram does not wait for the others",
                 "assumption: what programs set that cannot wait for vlen datagrams"),
};
ALL_FIELDS_HAVE_ROWS(struct recvmmsg_params, rows);

const struct model_info recvmmsg_model = {
    .name = "recvmmsg", .step = "7", .what = "several datagrams in one system call",
    .scope = SCOPE_APP, .params_at = offsetof(struct app_config, recvmmsg), .params = rows, .n_params = ROWS(rows),
};

static const struct param host_rows[] = {
    PARAM_COST(struct recvmmsg_host_params, further, "cost.recv.mmsg", 250,
               "recvmmsg(): each further datagram, its header and iovec instead of a system call",
               "assumption: most of cost.recv.entry, which holds the system call and the same"),
};
ALL_FIELDS_HAVE_ROWS(struct recvmmsg_host_params, host_rows);

const struct model_info recvmmsg_host_model = {
    .name = "recvmmsg", .step = "7", .what = "what a further datagram costs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, recvmmsg), .params = host_rows,
    .n_params = ROWS(host_rows),
};

bool recvmmsg_took(struct app *a, int64_t bytes)
{
    struct recvmmsg *m = &a->mmsg;

    if (!m->open)
        *m = (struct recvmmsg){ .open = true };
    m->messages++;
    m->bytes += bytes;
    m->open = m->messages < a->config->recvmmsg.vlen;
    return m->open;
}

bool recvmmsg_ends(struct app *a)
{
    bool waits = a->params->kind == APP_RECV && !a->config->recvmmsg.waitforone;

    if (!a->mmsg.open || waits)
        return false;
    a->mmsg.open = false;
    return true;
}
