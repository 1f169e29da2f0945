/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a key as the user writes it to the row it means.
 *
 *     HEAD[instance].rest         nic, traffic and app have instances
 *     nic[instance].queue[3].rest a queue of one NIC, or without [instance] that queue of all
 *
 * A queue's parameters may also be written the way sysfs and /proc/irq group them: nic.queues.rps_cpus and
 * nic.irq.smp_affinity are nic.queue.rps_cpus and nic.queue.smp_affinity. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/scenario.h"

enum { KEY_MAX = 256 };         /* bytes of a key, NUL included; twice the longest name there is */

/* A key taken apart. */
struct key {
    char name[KEY_MAX];         /* the row's name: without instance and queue, aliases replaced */
    char instance[CONFIG_NAME];
    bool has_instance;
    int queue;                  /* -1: none */
};

static const char queue_prefix[] = "nic.queue.";
static const char *const queue_groups[] = { "queue", "queues", "irq" };

/* ---- rows ---- */

static bool find_row(const char *name, struct param_ref *ref)
{
    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t r = 0; r < (*m)->n_params; r++)
            if (strcmp((*m)->params[r].name, name) == 0) {
                ref->model = *m;
                ref->row = &(*m)->params[r];
                return true;
            }
    return false;
}

/* ---- did you mean ---- */

/* Levenshtein distance, or anything above `limit` once it is certain to be more. */
static int edit_distance(const char *a, const char *b, int limit)
{
    int la = (int)strlen(a), lb = (int)strlen(b), row[KEY_MAX + 1];

    if (la >= KEY_MAX || lb >= KEY_MAX || abs(la - lb) > limit)
        return limit + 1;
    for (int j = 0; j <= lb; j++)
        row[j] = j;
    for (int i = 1; i <= la; i++) {
        int diagonal = row[0], least = row[0] = i;

        for (int j = 1; j <= lb; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            int other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < other ? change : other;
            if (row[j] < least)
                least = row[j];
        }
        if (least > limit)
            return limit + 1;
    }
    return row[lb];
}

/* The end of `name` that has as many parts as `like`; all of it if it has fewer. */
static const char *last_parts(const char *name, const char *like)
{
    const char *tail = name + strlen(name);
    int dots = 0;

    for (; *like; like++)
        dots += *like == '.';
    while (tail > name && (tail[-1] != '.' || dots-- > 0))
        tail--;
    return tail;
}

/* The row with the nearest spelling, if at most a third of the letters are wrong. Leading parts may be missing:
 * `netdev_budgte` is near net.core.netdev_budget. */
static const char *suggestion(const char *name)
{
    int nearest = (int)strlen(name) / 3 + 1;
    const char *best = NULL;

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t r = 0; r < (*m)->n_params; r++) {
            const char *candidate = (*m)->params[r].name;
            int distance = edit_distance(name, last_parts(candidate, name), nearest - 1);

            if (distance < nearest) {
                nearest = distance;
                best = candidate;
            }
        }
    return best;
}

/* A row below `name`, as an example of what it groups. */
static const char *member(const char *name)
{
    size_t n = strlen(name);

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t r = 0; r < (*m)->n_params; r++)
            if (strncmp((*m)->params[r].name, name, n) == 0 && (*m)->params[r].name[n] == '.')
                return (*m)->params[r].name;
    return NULL;
}

static int unknown(const char *key, const char *name, char *why, size_t size)
{
    const char *inside = member(name), *near = inside ? NULL : suggestion(name);

    if (inside)
        snprintf(why, size, "'%.80s' is no parameter but a group of them, such as '%s'", key, inside);
    else if (near)
        snprintf(why, size, "unknown key '%.80s' (did you mean '%s'?)", key, near);
    else
        snprintf(why, size, "unknown key '%.80s'", key);
    return -1;
}

/* ---- taking a key apart ---- */

/* Names of instances: letters, digits, _ - . (eth0, eth0.100, br-lan). */
static bool good_instance(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("_-.", s[i]))
            return false;
    return n > 0 && n < CONFIG_NAME;
}

/* At "[name]": copies the name; returns what follows, NULL with a sentence if it is no such thing. */
static const char *take_instance(const char *at, const char *key, struct key *k, char *why, size_t size)
{
    const char *end = strchr(at, ']');

    if (!end || end[1] != '.') {
        snprintf(why, size, "'%.80s' is no parameter: [name] is followed by a dot and a key", key);
        return NULL;
    }
    if (!good_instance(at + 1, (size_t)(end - at - 1))) {
        snprintf(why, size, "'%.80s': a name in [ ] has 1 to %d letters, digits, '_', '-' or '.'", key,
                 CONFIG_NAME - 1);
        return NULL;
    }
    memcpy(k->instance, at + 1, (size_t)(end - at - 1));
    k->has_instance = true;
    return end + 1;
}

/* At "queue[3].rest", "queues.rest" or "irq.rest": returns "rest" and sets the queue if there is one; NULL if the
 * text is something else. A number that is no queue is -2. */
static const char *take_queue(const char *at, int *queue)
{
    for (size_t i = 0; i < ROWS(queue_groups); i++) {
        size_t n = strlen(queue_groups[i]);
        char *end;
        long q;

        if (strncmp(at, queue_groups[i], n) != 0)
            continue;
        if (at[n] == '.')
            return at + n + 1;
        if (at[n] != '[')
            continue;
        q = isdigit((unsigned char)at[n + 1]) ? strtol(at + n + 1, &end, 10) : -1;
        if (q < 0 || end[0] != ']' || end[1] != '.' || q >= CONFIG_QUEUES) {
            *queue = -2;
            return at + n;
        }
        *queue = (int)q;
        return end + 2;
    }
    return NULL;
}

static bool has_instances(const char *head, size_t n)
{
    static const char *const heads[] = { "nic", "traffic", "app" };

    for (size_t i = 0; i < ROWS(heads); i++)
        if (strlen(heads[i]) == n && strncmp(head, heads[i], n) == 0)
            return true;
    return false;
}

/* Splits the key and finds its row, aliases included; k->name is then what to look for among all names. */
static int take_apart(const char *key, struct key *k, struct param_ref *ref, char *why, size_t size)
{
    size_t head = strcspn(key, ".[");
    const char *rest = key + head, *in_queue;

    *k = (struct key){ .queue = -1 };
    if (*rest == '[') {
        if (!has_instances(key, head)) {
            snprintf(why, size, "'%.80s': only nic, traffic and app have names in [ ]", key);
            return -1;
        }
        rest = take_instance(rest, key, k, why, size);
        if (!rest)
            return -1;
    }
    snprintf(k->name, sizeof k->name, "%.*s%s", (int)head, key, rest);
    if (head != 3 || strncmp(key, "nic", 3) != 0 || *rest != '.' || find_row(k->name, ref))
        return 0;
    in_queue = take_queue(rest + 1, &k->queue);
    if (k->queue == -2) {
        snprintf(why, size, "'%.80s': a queue is a number in 0..%d, as in queue[3].", key, CONFIG_QUEUES - 1);
        return -1;
    }
    if (in_queue)
        snprintf(k->name, sizeof k->name, "%s%s", queue_prefix, in_queue);
    return 0;
}

int param_find(const char *key, struct param_ref *ref, char *why, size_t size)
{
    struct key k;

    *ref = (struct param_ref){ .queue = -1 };
    if (strlen(key) >= KEY_MAX) {
        snprintf(why, size, "unknown key '%.40s..', longer than any key", key);
        return -1;
    }
    if (take_apart(key, &k, ref, why, size) != 0)
        return -1;
    if (!find_row(k.name, ref))
        return unknown(key, k.name, why, size);
    if (k.has_instance && ref->model->scope == SCOPE_HOST) {
        snprintf(why, size, "'%.80s': %s is one for the whole machine and takes no name in [ ]", key,
                 ref->row->name);
        return -1;
    }
    memcpy(ref->instance, k.instance, sizeof ref->instance);
    ref->queue = k.queue;
    return 0;
}
