/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim export: the frames of a stored run for other people's tools. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/cli/commands.h"
#include "sim/cli/session.h"
#include "sim/out/csv.h"

static const char *const format_choices[] = { "csv", NULL };

static const struct option_row options[] = {
    { .name = "to", .kind = OPTION_CHOICE, .argument = "FORMAT", .choices = format_choices, .doc = "the format: csv" },
    { .name = "output", .letter = 'o', .kind = OPTION_TEXT, .argument = "FILE", .doc = "write there, not to stdout" },
    OPTION_DB,
    { .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .doc = "no hints" },
    { .name = "help", .letter = 'h', .kind = OPTION_FLAG, .doc = "this text" },
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim export last --to csv -o frames.csv",
    "rxsim export 17 --to csv | gzip > frames.csv.gz",
    NULL
};

static int write_frames(void *out, const struct chunk *frames)
{
    csv_frames(out, frames);
    return ferror((FILE *)out);
}

static void print_notes(const struct run_set *set, bool full)
{
    session_say_others(set);
    if (!full)
        say("run %" PRId64 " was stored without full timelines: these are its sampled frames; `rxsim run SCENARIO"
            " --timelines full` stores all", set->id[0]);
}

static int export_to(struct store *s, const struct run_set *set, FILE *out, const struct arguments *a)
{
    bool full;

    csv_frames_head(out);
    if (store_frames(s, set->id[0], &full, write_frames, out) != 0) {
        say("%s", store_error(s));
        return EXIT_IO;
    }
    if (!a->quiet)
        print_notes(set, full);
    return EXIT_OK;
}

static int cannot_write(const char *path)
{
    say("%s could not be written (%s)", path, strerror(errno));
    return EXIT_IO;
}

/* Under its name only when it is complete. */
static int export_set(struct store *s, const struct run_set *set, const struct arguments *a)
{
    const char *path = given_text(a, "output");
    char unfinished[PATH_MAX];
    struct stat old;
    FILE *out;
    int code;

    if (!path)
        return export_to(s, set, stdout, a);
    bool plain = stat(path, &old) != 0 || S_ISREG(old.st_mode);         /* a device or a pipe is written to */
    snprintf(unfinished, sizeof unfinished, plain ? "%s.part" : "%s", path);
    out = fopen(unfinished, "w");
    if (!out)
        return cannot_write(path);
    code = export_to(s, set, out, a);
    bool failed = ferror(out) != 0;
    if ((fclose(out) != 0 || failed || (plain && code == EXIT_OK && rename(unfinished, path) != 0)) && code == EXIT_OK)
        code = cannot_write(path);
    if (plain && code != EXIT_OK)
        remove(unfinished);
    return code;
}

static int run(const struct arguments *a)
{
    if (!given(a, "to")) {
        say("export: --to FORMAT missing; there is: csv");
        return EXIT_USAGE;
    }
    return session_on_runs(a, export_set);
}

const struct command export_command = {
    .name = "export", .arguments = "RUN", .least = 1, .most = 1,
    .what = "write the frames of a stored run as CSV",
    .about = "Writes one line per frame: number, flow, length, queue, CPU, the time at every stage in ns, and its end; what\n"
             "a frame never got to is empty. With full timelines (`rxsim run --timelines full`) these are all frames in the\n"
             "order in which they ended, else the sampled ones by number. RUN is as for show.",
    .options = options, .examples = examples, .run = run,
};
