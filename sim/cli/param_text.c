/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/cli/param_text.h"

#include <stdio.h>
#include <string.h>

#include "sim/lab/scenario.h"

const char *param_default(const struct param *row, char text[PARAM_TEXT_SIZE])
{
    if (row->unit == UNIT_TEXT)
        snprintf(text, PARAM_TEXT_SIZE, "(empty)");
    else
        value_print(row, row->dflt, text, PARAM_TEXT_SIZE);
    return text;
}

static void list_choices(const struct param *row, char *text)
{
    size_t used = 0;

    text[0] = '\0';
    for (const char *const *name = row->names; *name && used < PARAM_TEXT_SIZE; name++)
        used += (size_t)snprintf(text + used, PARAM_TEXT_SIZE - used, "%s%s", used ? " " : "", *name);
}

static void bounds(const struct param *row, char *text)
{
    char low[96], high[96];

    value_print(row, row->min, low, sizeof low);
    value_print(row, row->max, high, sizeof high);
    if (row->max == INT64_MAX)
        snprintf(text, PARAM_TEXT_SIZE, "%s or more", low);
    else
        snprintf(text, PARAM_TEXT_SIZE, "%s .. %s", low, high);
}

const char *param_range(const struct param *row, char text[PARAM_TEXT_SIZE])
{
    switch (row->unit) {
    case UNIT_SWITCH: snprintf(text, PARAM_TEXT_SIZE, "on off"); break;
    case UNIT_CHOICE: list_choices(row, text); break;
    case UNIT_TEXT:   snprintf(text, PARAM_TEXT_SIZE, "text"); break;
    case UNIT_CPUS:   snprintf(text, PARAM_TEXT_SIZE, "CPUs"); break;
    case UNIT_LOAD:   snprintf(text, PARAM_TEXT_SIZE, "a rate"); break;
    default:          bounds(row, text); break;
    }
    return text;
}

const char *param_unit(const struct param *row)
{
    static const char *const unit[] = {
        [UNIT_COUNT] = "a whole number", [UNIT_BYTES] = "bytes: B kB KiB MB MiB GB GiB",
        [UNIT_TIME] = "time: ps ns us ms s", [UNIT_BITRATE] = "bit rate: bps kbps Mbps Gbps",
        [UNIT_FREQ] = "frequency: kHz MHz GHz", [UNIT_SWITCH] = "on or off", [UNIT_CHOICE] = "one of the values",
        [UNIT_CPUS] = "CPUs as smp_affinity (hex mask) or as a list, 0-3,8", [UNIT_TEXT] = "text",
        [UNIT_LOAD] = "load: pps kpps Mpps, bps kbps Mbps Gbps on the wire, or % of line rate",
        [UNIT_COST] = "cost: cycles, or ps ns us", [UNIT_COST_PER_BYTE] = "cost per byte: cycles/B or ns/B",
    };

    return unit[row->unit];
}

const char *param_scope(const struct model_info *m)
{
    static const char *const scope[SCOPES] = {
        [SCOPE_HOST] = "the machine", [SCOPE_NIC] = "all NICs, or one: nic[eth1].KEY",
        [SCOPE_QUEUE] = "all queues, or one: nic.queue[3].KEY, nic[eth1].queue[3].KEY",
        [SCOPE_TRAFFIC] = "all traffic, or one source: traffic[web].KEY",
        [SCOPE_APP] = "all applications, or one: app[srv].KEY",
    };

    return scope[m->scope];
}
