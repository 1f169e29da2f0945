/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/factor.h"

#include <stdio.h>
#include <string.h>

#include "sim/lab/scenario.h"
#include "tests/suite.h"

static const struct factor *find(const char *key, int times)
{
    for (const struct factor *f = factors; f->key; f++) {
        if (strcmp(f->key, key) == 0 && (times < 0 || f->times == times))
            return f;
    }
    ck_abort_msg("no factor %s", key);
    return NULL;
}

static void becomes(const char *key, int times, const char *old, const char *wanted)
{
    char text[64] = "";
    bool changes = factor_value(find(key, times), old, 4, text, sizeof text);

    ck_assert_msg(changes == (wanted != NULL), "%s from %s", key, old);
    if (wanted)
        ck_assert_str_eq(text, wanted);
}

START_TEST(values_are_multiplied_divided_or_set)
{
    becomes("nic.ring.rx", 4, "512", "2048");
    becomes("nic.ring.rx", 1, "512", "128");
    becomes("cpu.freq", 2, "3.8GHz", "7.6GHz");
    becomes("nic.coalesce.rx-usecs", 4, "12.5us", "50us");
    becomes("nic.queue.rps_cpus", -1, "0", "f");
    becomes("nic.queue.rps_cpus", -1, "f", NULL);
    becomes("app.rcvbuf", 4, "0B", NULL);
    becomes("nic.threaded", -1, "on", NULL);
}
END_TEST

/* A factor whose key no parameter has would silently never be tried. */
START_TEST(every_factor_is_a_parameter)
{
    for (const struct factor *f = factors; f->key; f++) {
        struct param_ref ref;
        char why[256];
        ck_assert_msg(param_find(f->key, &ref, why, sizeof why) == 0, "%s", why);
    }
}
END_TEST

SUITE(factor, values_are_multiplied_divided_or_set, every_factor_is_a_parameter)
