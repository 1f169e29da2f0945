/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/in/capture.h"
#include "sim/lab/scenario.h"
#include "tests/suite.h"

const char *machine_data_dir(void)
{
    const char *set = getenv("RXSIM_DATA");

    return set && *set ? set : "scenarios";
}

static void must(int failed, const struct messages *m, const char *what)
{
    ck_assert_msg(!failed, "%s: %s", what, m->text ? m->text : "no reason given");
}

static void set(struct scenario *s, const char *settings, struct messages *m)
{
    char text[2048], *rest = NULL;

    ck_assert(strlen(settings) < sizeof text);
    strcpy(text, settings);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        ck_assert_msg(value != NULL, "%s is not key=value", word);
        *value++ = '\0';
        must(scenario_set(s, word, value, LEVEL_SET, "--set", m), m, word);
    }
}

static void load_captures(const struct scenario *s, struct config *c, struct messages *m)
{
    for (int t = 0; t < c->traffics; t++) {
        struct arrivals *arrivals = NULL;
        char *path;

        if (c->traffic[t].traffic.kind != TRAFFIC_REPLAY)
            continue;
        path = scenario_find_file(s, c->text[c->traffic[t].traffic.file], m);
        must(!path || capture_read(path, &arrivals, m), m, "capture");
        c->arrivals[t] = arrivals;
        free(path);
    }
}

static void resolve(struct scenario *s, struct config *c, const char *settings, struct messages *m, const char *what)
{
    must(!s, m, what);
    set(s, settings, m);
    must(scenario_resolve(s, c, m), m, what);
    load_captures(s, c, m);
    scenario_free(s);
    messages_free(m);
}

void machine_load(struct config *c, const char *file, const char *settings)
{
    struct messages m = { 0 };
    char path[512];

    snprintf(path, sizeof path, "%s/%s", machine_data_dir(), file);
    resolve(scenario_read(path, machine_data_dir(), &m), c, settings, &m, path);
}

void machine_parse(struct config *c, const char *text, const char *settings)
{
    struct messages m = { 0 };

    resolve(scenario_parse(text, strlen(text), "test", machine_data_dir(), &m), c, settings, &m, text);
}

void machine_release(struct config *c)
{
    for (int t = 0; t < c->traffics; t++)
        arrivals_free((struct arrivals *)(void *)(uintptr_t)c->arrivals[t]);
    config_free(c);
}

void machine_run(const struct config *c, const struct run_options *o, struct result *r)
{
    const struct run_options all = { .seed = 1, .sample_every = 1 };
    char why[256] = "";

    ck_assert_msg(run_config(c, o ? o : &all, r, why, sizeof why) == 0, "%s", why);
    ck_assert_msg(result_balance(r, why, sizeof why) == 0, "%s", why);
}

void machine_run_both(const struct config *c, uint64_t seed, struct result *r)
{
    const struct run_options batch = { .seed = seed, .sample_every = 1 }, steps = { .seed = seed, .no_batch = true };
    struct result other;

    machine_run(c, &batch, r);
    machine_run(c, &steps, &other);
    ck_assert_uint_eq(r->fingerprint.lo, other.fingerprint.lo);
    ck_assert_uint_eq(r->fingerprint.hi, other.fingerprint.hi);
    result_free(&other);
}

void machine_host(const struct config *c, struct host *h)
{
    char why[256] = "";

    ck_assert_msg(host_init(h, c, 1, 0, true, why, sizeof why) == 0, "%s", why);
    ck_assert(host_run(h, NULL, NULL));
}

uint64_t machine_fate(const struct result *r, enum fate fate)
{
    return r->ledger.frames[fate];
}
