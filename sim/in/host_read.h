/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a host say: settings of the scenario, findings and notes. For sim/in/host.c. */
#ifndef SIM_IN_HOST_READ_H
#define SIM_IN_HOST_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/lab/messages.h"

struct host_setting { char *key, *value, *from; };

struct host_counter { char *name; double first, second; bool again; };

struct host_facts {
    const char *data_dir;
    double seconds;             /* between two samples */
    int files;                  /* that were understood */
    struct host_setting *setting;
    int settings;
    struct host_counter *counter;       /* of ethtool -S and nstat */
    int counters;
    char device[32];            /* the NIC; the first that is named */
    int64_t softnet[2][2];      /* dropped and time_squeeze, per sample */
    int softnet_samples;
    struct messages findings;   /* what an admin should look at */
    struct messages notes;      /* what was left out, and why */
};

void facts_init(struct host_facts *h, const char *data_dir, double seconds);
void facts_free(struct host_facts *h);

/* Sets a parameter if it is one and the value fits; else a note says why not. A second setting of a key wins. */
void facts_set(struct host_facts *h, const char *key, const char *value, const char *from);
bool facts_has(const struct host_facts *h, const char *key);
void facts_note(struct host_facts *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
void facts_find(struct host_facts *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads one file by its contents (`text` is changed). False: none of those that are known. */
bool host_read(struct host_facts *h, const char *name, char *text);
/* After the last file: what follows from several, such as the load from two samples. */
void facts_finish(struct host_facts *h);

#endif
