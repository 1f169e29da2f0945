/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host as its admin saved it: a folder of command output becomes a scenario.
 *
 * What a file is, its contents tell, whatever it is called: uname -r, lscpu, ethtool (also -i -g -c -k -l -x -a -S), sysctl
 * -a, /proc/interrupts, /proc/net/softnet_stat, nstat, iptables-save, nft list ruleset. Each line of the scenario says which
 * file it comes from; what is missing stays a default and is said; what is not understood is named, not guessed. Of a counter
 * file (ethtool -S, softnet_stat, nstat) two copies are two samples: their difference counts.
 * Not read: JSON of any tool, several NICs (the first is imported, the others are named), rules' contents. */
#ifndef SIM_IN_HOST_H
#define SIM_IN_HOST_H

#include <stdio.h>

#include "sim/lab/messages.h"

/* Writes the scenario to `out`. `seconds` is the time between two samples of the same file, 0: unknown, so that no load can
 * be told from them. 0, or -1 after adding messages (the folder cannot be read, or holds nothing that is known). */
int host_import(const char *folder, const char *data_dir, double seconds, FILE *out, struct messages *m);

/* A shell script that only reads, and collects these files for the NIC it is given. */
void host_print_collector(FILE *out);

#endif
