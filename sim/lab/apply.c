/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab/scenario.h"

/* ethtool's option for the keys below a prefix. */
static const struct { const char *prefix, *option; } ethtool[] = {
    { "nic.ring.", "-G" }, { "nic.coalesce.", "-C" }, { "nic.features.", "-K" }, { "nic.pause.", "-A" },
};

/* Keys of these names only: what else stands under the prefix is our own. */
static const char *const ethtool_words[] = {
    "rx", "tx", "rx-usecs", "rx-frames", "tx-usecs", "tx-frames", "adaptive-rx", "rx-usecs-irq", "gro", "rxhash", "tso", "lro",
    "ntuple", "rx-gro-list", "rx-udp-gro-forwarding",
};
static const char *const sysfs_files[] = { "nic.napi_defer_hard_irqs", "nic.gro_flush_timeout", "nic.threaded" };

static bool is_one_of(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], word) == 0)
            return true;
    }
    return false;
}

#define HAS(list, word)  is_one_of(list, sizeof (list) / sizeof *(list), word)

/* The number as that file or tool wants it: microseconds, but nanoseconds where the name says so. */
static void value_text(const struct param *row, int64_t value, bool words, char *buffer, size_t size)
{
    bool ns = strstr(row->name, "gro_flush_timeout") || strstr(row->name, "_ns");

    if (row->unit == UNIT_TIME)
        snprintf(buffer, size, "%" PRId64, value / (ns ? NS : US));
    else if (row->unit == UNIT_BYTES || row->unit == UNIT_COUNT)
        snprintf(buffer, size, "%" PRId64, value);
    else if (row->unit == UNIT_SWITCH)
        snprintf(buffer, size, "%s", words ? (value ? "on" : "off") : (value ? "1" : "0"));
    else
        value_print(row, value, buffer, size);
}

static const char *const triple_part[] = { "min", "default", "max" };

/* A sysctl of three values is written whole. */
static void triple(const struct config *c, const char *name, char *line, size_t size)
{
    size_t stem = (size_t)(strrchr(name, '.') - name);
    int used = snprintf(line, size, "sysctl -w %.*s=\"", (int)stem, name);

    for (int i = 0; i < 3 && used >= 0 && (size_t)used < size; i++) {
        char key[128], value[64], why[256];
        struct param_ref ref;
        snprintf(key, sizeof key, "%.*s.%s", (int)stem, name, triple_part[i]);
        if (param_find(key, &ref, why, sizeof why) != 0)
            continue;
        value_text(ref.row, *config_at(c, ref.model, ref.row, 0, 0), false, value, sizeof value);
        used += snprintf(line + used, size - (size_t)used, "%s%s", i ? " " : "", value);
    }
    if (used >= 0 && (size_t)used < size)
        snprintf(line + used, size - (size_t)used, "\"");
}

static bool sysctl_line(const struct config *c, const struct param_ref *ref, const char *value, char *line, size_t size)
{
    const char *name = ref->row->name, *last = strrchr(name, '.') + 1;

    if (HAS(triple_part, last))
        triple(c, name, line, size);
    else
        snprintf(line, size, "sysctl -w %s=%s", name, value);
    return true;
}

/* Files of one queue, or of all. */
static bool queue_line(const struct param_ref *ref, const char *device, const char *last, const char *value, char *line,
                       size_t size)
{
    const char *kind = strncmp(last, "xps", 3) == 0 ? "tx" : "rx";

    if (strcmp(last, "smp_affinity") == 0)
        snprintf(line, size, "echo %s > /proc/irq/N/smp_affinity    # N: the queue's line in /proc/interrupts", value);
    else if (strncmp(last, "rps_", 4) != 0 && strncmp(last, "xps_", 4) != 0)
        return false;
    else if (ref->queue >= 0)
        snprintf(line, size, "echo %s > /sys/class/net/%s/queues/%s-%d/%s", value, device, kind, ref->queue, last);
    else
        snprintf(line, size, "for q in /sys/class/net/%s/queues/%s-*; do echo %s > $q/%s; done", device, kind, value, last);
    return true;
}

static bool ethtool_line(const char *name, const char *device, const char *last, const char *value, char *line, size_t size)
{
    if (strcmp(name, "nic.channels") == 0) {
        snprintf(line, size, "ethtool -L %s combined %s", device, value);
        return true;
    }
    for (size_t i = 0; i < sizeof ethtool / sizeof *ethtool; i++) {
        if (strncmp(name, ethtool[i].prefix, strlen(ethtool[i].prefix)) != 0 || !HAS(ethtool_words, last))
            continue;
        snprintf(line, size, "ethtool %s %s %s %s", ethtool[i].option, device, last, value);
        return true;
    }
    return false;
}

bool apply_line(const struct config *c, const char *key, char *line, size_t size)
{
    struct param_ref ref;
    char why[256], value[128];
    int nic = 0;

    if (param_find(key, &ref, why, sizeof why) != 0)
        return false;
    const char *name = ref.row->name, *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    for (int i = 0; i < c->nics && *ref.instance; i++) {
        if (strcmp(c->nic_name[i], ref.instance) == 0)
            nic = i;
    }
    const char *device = *ref.instance ? ref.instance : *c->nic_name[0] ? c->nic_name[0] : "eth0";
    bool file = HAS(sysfs_files, name) || strncmp(name, "net.", 4) == 0;
    value_text(ref.row, *config_at(c, ref.model, ref.row, nic, ref.queue < 0 ? 0 : ref.queue), !file, value, sizeof value);
    if (strncmp(name, "net.", 4) == 0)
        return sysctl_line(c, &ref, value, line, size);
    if (strncmp(name, "nic.queue.", 10) == 0)
        return queue_line(&ref, device, last, value, line, size);
    if (!file)
        return ethtool_line(name, device, last, value, line, size);
    snprintf(line, size, "echo %s > /sys/class/net/%s/%s", value, device, last);
    return true;
}
