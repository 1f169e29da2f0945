/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/nic_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/host_config.h"
#include "models/stats.h"
#include "sim/lab/result.h"

/* ---- from where ---- */

int nic_stats_of_config(struct result *r, const struct config *c)
{
    r->nic = calloc((size_t)c->nics, sizeof *r->nic);
    if (!r->nic)
        return -1;
    r->nics = c->nics;
    for (int i = 0; i < c->nics; i++) {
        const struct stats_params *p = &c->nic[i].stats;
        r->nic[i] = (struct result_nic){
            .no_desc_link = stats_link[p->no_desc_link], .overflow_link = stats_link[p->overflow_link],
            .no_buffer_count = p->no_buffer_count,
        };
        snprintf(r->nic[i].no_desc, sizeof r->nic[i].no_desc, "%s", c->text[p->no_desc]);
        snprintf(r->nic[i].overflow, sizeof r->nic[i].overflow, "%s", c->text[p->overflow]);
        snprintf(r->nic[i].name, sizeof r->nic[i].name, "%s", c->nic_name[i]);
    }
    return 0;
}

/* The NICs of a stored run: those that its queues belong to, with nothing known yet. */
static int nics_of_queues(struct result *r)
{
    r->nic = calloc((size_t)r->queues + 1, sizeof *r->nic);
    if (!r->nic)
        return -1;
    for (int q = 0; q < r->queues; q++) {
        int length = (int)strcspn(r->queue[q].scope, ".");
        struct result_nic *last = r->nics > 0 ? &r->nic[r->nics - 1] : NULL;
        if (last && strlen(last->name) == (size_t)length && strncmp(last->name, r->queue[q].scope, (size_t)length) == 0)
            continue;
        snprintf(r->nic[r->nics++].name, sizeof r->nic->name, "%.*s", length, r->queue[q].scope);
    }
    return 0;
}

static const char *link_of(const char *value)
{
    for (int i = 0; stats_link[i]; i++) {
        if (strcmp(stats_link[i], value) == 0)
            return stats_link[i];
    }
    return NULL;
}

static void take(struct result_nic *n, const char *what, const char *value)
{
    if (strcmp(what, "no-desc") == 0)
        snprintf(n->no_desc, sizeof n->no_desc, "%s", value);
    else if (strcmp(what, "no-desc-link") == 0)
        n->no_desc_link = link_of(value);
    else if (strcmp(what, "overflow") == 0)
        snprintf(n->overflow, sizeof n->overflow, "%s", value);
    else if (strcmp(what, "overflow-link") == 0)
        n->overflow_link = link_of(value);
    else if (strcmp(what, "no-buffer-count") == 0)
        n->no_buffer_count = strcmp(value, "on") == 0;
}

/* "nic.stats.no-desc" is every NIC's, "nic[eth1].stats.no-desc" one's. */
int nic_stats_take(struct result *r, const char *key, const char *value)
{
    const char *what = strstr(key, ".stats.");

    if (strncmp(key, "nic", 3) != 0 || !what)
        return 0;
    if (!r->nic && nics_of_queues(r) != 0)
        return -1;
    for (int i = 0; i < r->nics; i++) {
        size_t length = strlen(r->nic[i].name);
        if (key[3] == '.' || (strncmp(key + 4, r->nic[i].name, length) == 0 && key[4 + length] == ']'))
            take(&r->nic[i], what + strlen(".stats."), value);
    }
    return 0;
}

/* ---- what is seen ---- */

static bool lost(const struct result *r, const char *nic, enum fate fate)
{
    size_t length = strlen(nic);

    if (fate == FATE_RX_MISSED_ERRORS)          /* before a queue was chosen: of no one's books */
        return true;
    for (int q = 0; q < r->queues; q++) {
        if (strncmp(r->queue[q].scope, nic, length) == 0 && r->queue[q].scope[length] == '.' &&
            r->queue[q].ledger.frames[fate] > 0)
            return true;
    }
    return false;
}

static void one_seen(const char *name, const char *link, char *text, size_t size)
{
    bool counted = strcmp(name, "none") != 0, folded = link && strcmp(link, "none") != 0;

    if (!counted && !folded)
        snprintf(text, size, "no counter of this host; the device's side may know");
    else
        snprintf(text, size, "%s%s%s%s%s", counted ? "ethtool -S: " : "", counted ? name : "", counted ? "; " : "",
                 folded ? "ip -s -s link: " : "not in ip -s link", folded ? link : "");
}

const char *nic_stats_seen(const struct result *r, enum fate fate, char *text, size_t size)
{
    char last[160] = "", one[160];
    size_t at = 0;
    int different = 0;

    if (r->nics == 0 || (fate != FATE_RX_NO_DESC && fate != FATE_RX_MISSED_ERRORS))
        return NULL;
    for (int pass = 0; pass < 2; pass++) {      /* names before it only where NICs differ */
        for (int i = 0; i < r->nics; i++) {
            const struct result_nic *n = &r->nic[i];
            if (!lost(r, n->name, fate))
                continue;
            const char *name = fate == FATE_RX_NO_DESC ? n->no_desc : n->overflow;
            if (!*name)
                return NULL;                    /* the NIC has no file that says it */
            one_seen(name, fate == FATE_RX_NO_DESC ? n->no_desc_link : n->overflow_link, one, sizeof one);
            if (pass == 0)
                different += *last && strcmp(last, one) != 0;
            else if (different && at < size)
                at += (size_t)snprintf(text + at, size - at, "%s%s: %s", at ? "; " : "", n->name, one);
            snprintf(last, sizeof last, "%s", one);
        }
    }
    if (!different)
        snprintf(text, size, "%s", last);
    return *text ? text : NULL;
}
