/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/cli/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/host_config.h"
#include "models/traffic.h"
#include "sim/cli/data_dir.h"
#include "sim/in/capture.h"

void print_messages(const struct messages *m)
{
    fflush(stdout);
    if (m->text)
        fwrite(m->text, 1, m->length, stderr);
}

/* ---- scenario ---- */

static int set_one(struct scenario *s, const char *text, struct messages *m)
{
    const char *equals = strchr(text, '=');
    char *key;
    int failed;

    if (!equals || equals == text) {
        messages_add(m, "--set %s: must be KEY=VALUE, for example nic.ring.rx=4096", text);
        return -1;
    }
    key = strndup(text, (size_t)(equals - text));
    if (!key)
        abort();
    failed = scenario_set(s, key, equals + 1, LEVEL_SET, "--set", m);
    free(key);
    return failed;
}

static int apply_settings(const struct arguments *a, struct scenario *s, struct messages *m)
{
    const char *text;
    int failed = 0;

    for (int i = 0; (text = given_nth(a, "set", i)) != NULL; i++)
        failed |= set_one(s, text, m);
    /* The seed is part of the scenario, so that what is stored says the truth about it. */
    if (option_exists(a, "seed") && given(a, "seed"))
        failed |= scenario_set(s, "run.seed", given_text(a, "seed"), LEVEL_SET, "--seed", m);
    return failed;
}

/* A path, or the name of a scenario that came with the program. */
static char *find_scenario(const char *name)
{
    static const char *const ending[] = { "", ".yaml" };
    char *path;

    if (access(name, F_OK) == 0 || name[0] == '/' || name[0] == '.')
        return strdup(name);
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        if (asprintf(&path, "%s/%s%s", data_dir(), name, ending[i]) < 0)
            abort();
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return strdup(name);
}

int session_scenario(const struct arguments *a, const char *path, struct scenario **s)
{
    struct messages m = { 0 };
    char *found = find_scenario(path);
    int failed = -1;

    *s = found ? scenario_read(found, data_dir(), &m) : NULL;
    free(found);
    if (*s)
        failed = apply_settings(a, *s, &m);
    print_messages(&m);
    messages_free(&m);
    if (!failed)
        return EXIT_OK;
    if (!*s && access(path, F_OK) != 0)
        fprintf(stderr, "Scenarios that come with rxsim are in %s.\n", data_dir());
    scenario_free(*s);
    *s = NULL;
    return EXIT_USAGE;
}

char *session_name_of(const struct scenario *s)
{
    const char *path = scenario_name(s), *slash = strrchr(path, '/');
    char *name = strdup(slash ? slash + 1 : path), *dot;

    if (!name)
        abort();
    dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    return name;
}

int64_t session_param(const struct config *c, const char *name)
{
    struct param_ref ref;
    char why[256];

    if (param_find(name, &ref, why, sizeof why) != 0) {
        say("%s", why);
        abort();                /* names of parameters we ask for are ours */
    }
    return *config_at(c, ref.model, ref.row, 0, 0);
}

/* ---- captures ---- */

static int load(struct captures *c, const char *path, const struct arrivals **arrivals, struct messages *m)
{
    for (int i = 0; i < c->files; i++)
        if (strcmp(c->file[i].path, path) == 0) {
            *arrivals = c->file[i].arrivals;
            return 0;
        }
    c->file = realloc(c->file, (size_t)(c->files + 1) * sizeof *c->file);
    if (!c->file)
        abort();
    if (capture_read(path, &c->file[c->files].arrivals, m) != 0)
        return -1;
    c->file[c->files].path = strdup(path);
    if (!c->file[c->files].path)
        abort();
    *arrivals = c->file[c->files++].arrivals;
    return 0;
}

static int load_for(struct captures *c, const struct scenario *s, struct config *config, struct messages *m)
{
    for (int t = 0; t < config->traffics; t++) {
        const struct traffic_params *p = &config->traffic[t].traffic;
        char *path;
        int failed;

        if (p->kind != TRAFFIC_REPLAY)
            continue;
        path = scenario_find_file(s, config->text[p->file], m);
        if (!path)
            return -1;
        failed = load(c, path, &config->arrivals[t], m);
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

int session_captures(struct captures *c, const struct scenario *s, struct sweep_plan *p)
{
    struct messages m = { 0 };
    int failed = 0;

    for (int i = 0; i < p->points && !failed; i++)
        failed = load_for(c, s, &p->point[i].config, &m);
    print_messages(&m);
    messages_free(&m);
    return failed ? EXIT_IO : EXIT_OK;
}

void captures_free(struct captures *c)
{
    for (int i = 0; i < c->files; i++) {
        arrivals_free(c->file[i].arrivals);
        free(c->file[i].path);
    }
    free(c->file);
    *c = (struct captures){ 0 };
}

/* ---- database ---- */

int session_store(const struct arguments *a, bool write, struct store **s)
{
    if (store_open(s, given_text(a, "db"), write) == 0)
        return EXIT_OK;
    say("%s", store_error(*s));
    store_close(*s);
    *s = NULL;
    return EXIT_IO;
}

int session_find(struct store *s, const char *name, struct run_set *set)
{
    *set = (struct run_set){ 0 };
    if (store_find(s, name, set) == 0 && set->n > 0)
        return EXIT_OK;
    if (set->n == 0 && store_error(s)[0] == '\0')
        say("%s has no finished runs", name);
    else
        say("%s", store_error(s));
    run_set_free(set);
    return EXIT_USAGE;
}

int session_on_runs(const struct arguments *a, session_fn *fn)
{
    struct run_set set;
    struct store *s;
    int code = session_store(a, false, &s);

    if (code != EXIT_OK)
        return code;
    code = session_find(s, a->positional[0], &set);
    if (code == EXIT_OK) {
        code = fn(s, &set, a);
        run_set_free(&set);
    }
    store_close(s);
    return code;
}

void session_say_others(const struct run_set *set)
{
    if (set->n > 1)
        say("%s has %d runs; this is run %" PRId64 ", the last is run %" PRId64, set->what, set->n, set->id[0],
            set->id[set->n - 1]);
}
