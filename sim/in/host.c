/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/in/host.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/in/host_read.h"
#include "sim/lab/must.h"
#include "sim/lab/text_file.h"

/* ---- the folder ---- */

static int is_file(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* Reads a file and hands it to whoever knows it; says so if nobody does. */
static void import_file(struct host_facts *h, const char *folder, const char *name)
{
    char *path = NULL, *text;
    struct stat st;
    size_t length, at;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        text = text_load(path, &length);
        if (!text)
            facts_note(h, "%s could not be read (%s)", name, strerror(errno));
        else if (length > TEXT_FILE_BYTES)
            facts_note(h, "%s is longer than %d bytes: left out", name, TEXT_FILE_BYTES);
        else if (text_check(text, length, &at))
            facts_note(h, "%s is no text: left out", name);
        else if (!host_read(h, name, text))
            facts_note(h, "%s: its contents are none of the files that are read", name);
        else
            h->files++;
        free(text);
    }
    free(path);
}

static int read_folder(struct host_facts *h, const char *folder, struct messages *m)
{
    struct dirent **entry;
    int n = scandir(folder, &entry, is_file, versionsort);

    if (n < 0) {
        messages_add(m, "%s: cannot be read (%s)", folder, strerror(errno));
        return -1;
    }
    for (int i = 0; i < n; i++) {
        import_file(h, folder, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    if (h->files == 0)
        messages_add(m, "%s: no file that is known; `rxsim import --print-collector` prints a script that makes them", folder);
    return h->files > 0 ? 0 : -1;
}

/* ---- the scenario ---- */

static void put_settings(const struct host_facts *h, FILE *out)
{
    for (int i = 0; i < h->settings; i++) {
        const struct host_setting *s = &h->setting[i];
        int width = fprintf(out, "%s: %s", s->key, s->value);
        fprintf(out, "%*s# %s\n", width < 56 ? 56 - width : 1, "", s->from);
    }
}

static void put_notes(const char *title, const struct messages *notes, FILE *out)
{
    const char *line = notes->text, *end;

    if (notes->count == 0)
        return;
    fprintf(out, "\n# %s\n", title);
    for (; line && *line; line = end + 1) {
        end = strchr(line, '\n');
        fprintf(out, "#   %.*s\n", (int)(end - line), line);
    }
}

/* What must be there for the scenario to run, if no file said it. */
static void put_missing(struct host_facts *h, FILE *out)
{
    static const struct { const char *key, *value, *why; } missing[] = {
        { "cpu.count", "4", "no lscpu: assumed" },
        { "kernel.version", "6.12", "no uname -r: assumed" },
        { "nic.model", "ixgbe", "no ethtool -i: assumed" },
        { "cpu.model", "xeon-e5-1650v4", "costs of another machine: calibrate, or compare ratios only" },
        { "traffic.kind", "poisson", "assumed" },
        { "traffic.rate", "1Mpps", "no two samples of ethtool -S with --interval: set the load you ask about" },
        { "traffic.flows", "64", "assumed" },
        { "traffic.sports", "1", "assumed: each flow from an address of its own, so that RSS spreads them" },
    };

    fprintf(out, "\n# Not in the files\n");
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        if (!facts_has(h, missing[i].key))
            fprintf(out, "%s: %s%*s# %s\n", missing[i].key, missing[i].value,
                    (int)(54 - strlen(missing[i].key) - strlen(missing[i].value)), "", missing[i].why);
    }
    fprintf(out, "app: {kind: epoll}%*s# one reader, on the last CPU: say what your application does\n", 38, "");
}

int host_import(const char *folder, const char *data_dir, double seconds, FILE *out, struct messages *m)
{
    struct host_facts h;
    int failed;

    facts_init(&h, data_dir, seconds);
    failed = read_folder(&h, folder, m);
    if (!failed) {
        facts_finish(&h);
        fprintf(out, "# A host as its admin saved it in %s. Each line says which file it comes from.\nversion: 1\n"
                "run: {duration: 100ms}\n\n", folder);
        put_settings(&h, out);
        put_missing(&h, out);
        put_notes("Worth knowing", &h.findings, out);
        put_notes("Not taken over", &h.notes, out);
    }
    facts_free(&h);
    return failed;
}

void host_print_collector(FILE *out)
{
    fputs("#!/bin/sh\n"
          "# Collects what `rxsim import host DIR` reads. It only reads. Usage: sh collect.sh eth0 DIR [SECONDS]\n"
          "dev=${1:?which NIC?} dir=${2:?which folder?} wait=${3:-10}\n"
          "mkdir -p \"$dir\" || exit 1\n"
          "cd \"$dir\" || exit 1\n"
          "uname -r > uname-r\n"
          "lscpu > lscpu\n"
          "sysctl -a > sysctl-a 2> /dev/null\n"
          "for o in i g c k l x a; do ethtool -$o \"$dev\" > ethtool-$o 2> /dev/null || rm -f ethtool-$o; done\n"
          "ethtool \"$dev\" > ethtool 2> /dev/null || rm -f ethtool\n"
          "iptables-save > iptables-save 2> /dev/null || rm -f iptables-save\n"
          "nft list ruleset > nft 2> /dev/null || rm -f nft\n"
          "for sample in 1 2; do\n"
          "    cat /proc/interrupts > interrupts.$sample\n"
          "    cat /proc/net/softnet_stat > softnet_stat.$sample\n"
          "    ethtool -S \"$dev\" > ethtool-S.$sample 2> /dev/null || rm -f ethtool-S.$sample\n"
          "    nstat -asz > nstat.$sample 2> /dev/null || rm -f nstat.$sample\n"
          "    [ $sample = 2 ] || sleep \"$wait\"\n"
          "done\n"
          "echo \"Next: rxsim import host $dir --interval $wait -o host.yaml\"\n", out);
}
