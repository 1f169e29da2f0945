/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim import: a saved host or a capture becomes a scenario. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/cli/data_dir.h"
#include "sim/cli/session.h"
#include "sim/in/capture.h"
#include "sim/in/host.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "output", .letter = 'o', .kind = OPTION_TEXT, .argument = "FILE", .doc = "write the scenario there, not to stdout" },
    { .name = "interval", .kind = OPTION_NUMBER, .argument = "SECONDS", .dflt = "0", .min = 0, .max = 86400,
      .doc = "host: time between two samples of the counters, which tells the load" },
    { .name = "print-collector", .kind = OPTION_FLAG, .doc = "print a shell script that saves what is read" },
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim import --print-collector > collect.sh", "rxsim import host host1/ --interval 10 -o host1.yaml",
    "rxsim import pcap capture.pcap.gz", NULL
};

static void capture_scenario(const char *path, const struct capture_summary *s, FILE *out)
{
    double seconds = (double)s->span / (double)SEC;
    char text[NUMBER_TEXT];

    fprintf(out, "# %s: %" PRIu64 " packets of %.0f bytes on average in %.6g s, %" PRIu64 " flows (%s)\n", path, s->packets,
            (double)s->bytes / (double)s->packets, seconds, s->flows, s->link);
    fprintf(out, "#   TCP %" PRIu64 ", UDP %" PRIu64 ", other IP %" PRIu64 ", not IP %" PRIu64 "\n", s->tcp, s->udp, s->other_ip,
            s->not_ip);
    if (seconds > 0)
        fprintf(out, "#   %s packets/s on average\n", number_short((double)s->packets / seconds, 4, text));
    fprintf(out, "version: 1\ninclude: machines/server-10g.yaml\nrun: {duration: 0s}\n"
            "traffic: {kind: replay, file: %s, loop: 1}     # traffic.speedup: 200 plays it twice as fast\n"
            "app: {kind: epoll}\n", path);
}

static int import_pcap(const char *path, FILE *out)
{
    struct messages m = { 0 };
    struct capture_summary s;
    struct arrivals *arrivals;
    int failed = capture_read_summary(path, &arrivals, &s, &m);

    if (!failed) {
        capture_scenario(path, &s, out);
        capture_warnings(&s, path, &m);
    }
    print_messages(&m);
    messages_free(&m);
    arrivals_free(arrivals);
    return failed ? EXIT_IO : EXIT_OK;
}

static int import_host(const struct arguments *a, const char *folder, FILE *out)
{
    struct messages m = { 0 };
    int failed = host_import(folder, data_dir(), (double)given_number(a, "interval"), out, &m);

    print_messages(&m);
    messages_free(&m);
    return failed ? EXIT_IO : EXIT_OK;
}

static int import(const struct arguments *a, FILE *out)
{
    if (strcmp(a->positional[0], "host") == 0)
        return import_host(a, a->positional[1], out);
    if (strcmp(a->positional[0], "pcap") == 0)
        return import_pcap(a->positional[1], out);
    say("import: there is host DIR and pcap FILE, not %s", a->positional[0]);
    return EXIT_USAGE;
}

/* Nothing is written unless all of it is there. */
static int import_to(const struct arguments *a, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size), *file;
    int code;

    if (!memory)
        abort();
    code = import(a, memory);
    fclose(memory);
    if (code == EXIT_OK && !path) {
        fwrite(text, 1, size, stdout);
    } else if (code == EXIT_OK) {
        file = fopen(path, "w");
        bool written = file && fwrite(text, 1, size, file) == size;
        if (file && fclose(file) != 0)
            written = false;
        if (!written) {
            say("%s could not be written (%s)", path, strerror(errno));
            code = EXIT_IO;
        } else if (!a->quiet) {
            fprintf(stderr, "Next: rxsim check %s, then rxsim run %s and rxsim why last\n", path, path);
        }
    }
    free(text);
    return code;
}

static int run(const struct arguments *a)
{
    if (given(a, "print-collector")) {
        host_print_collector(stdout);
        return EXIT_OK;
    }
    if (a->n < 2) {
        say("import: what? rxsim import host DIR, or rxsim import pcap FILE");
        return EXIT_USAGE;
    }
    return import_to(a, given_text(a, "output"));
}

const struct command import_command = {
    .name = "import", .arguments = "host|pcap PATH", .least = 0, .most = 2,
    .what = "make a scenario from a host's saved command output, or from a capture",
    .about = "host DIR: files with the output of uname -r, lscpu, ethtool (also -i -g -c -k -l -x -a -S), sysctl -a,\n"
             "/proc/interrupts, /proc/net/softnet_stat, nstat, iptables-save or nft list ruleset, under any name. Each line of the\n"
             "scenario says which file it comes from; what is missing is a default that is said; what is not understood is\n"
             "named. pcap FILE: what a capture holds, and a scenario that plays it.",
    .options = options, .examples = examples, .run = run,
};
