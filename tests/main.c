/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test program: every suite of tests/test_*.c, or those named on the command line (or in Check's
 * CK_RUN_SUITE). CK_FORK=no runs without a process per test, CK_VERBOSITY=verbose lists each; the last line
 * is Check's summary. A name that no suite has is an error: nothing run is not a pass. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

/* suites.inc is written by the Makefile from the file names: TEST_SUITE(ring) for tests/test_ring.c. */
#define TEST_SUITE(name) Suite *name##_suite(void);
#include "suites.inc"
#undef TEST_SUITE

static const struct {
    const char *name;
    Suite *(*create)(void);
} suites[] = {
#define TEST_SUITE(name) { #name, name##_suite },
#include "suites.inc"
#undef TEST_SUITE
};

enum { SUITES = sizeof suites / sizeof suites[0] };

/* Adds the suite of that name; false if there is none. */
static bool add_suite(SRunner *runner, const char *name)
{
    for (size_t i = 0; i < SUITES; i++)
        if (strcmp(suites[i].name, name) == 0) {
            srunner_add_suite(runner, suites[i].create());
            return true;
        }
    fprintf(stderr, "There is no test suite \"%s\". There are:", name);
    for (size_t i = 0; i < SUITES; i++)
        fprintf(stderr, " %s", suites[i].name);
    fprintf(stderr, "\n");
    return false;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("CK_RUN_SUITE");
    SRunner *runner = srunner_create(NULL);
    bool known = true;
    int failed = 1;

    if (argc > 1)
        for (int i = 1; i < argc; i++)
            known = add_suite(runner, argv[i]) && known;
    else if (wanted)
        known = add_suite(runner, wanted);
    else
        for (size_t i = 0; i < SUITES; i++)
            srunner_add_suite(runner, suites[i].create());

    if (known) {
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner) > 0 || srunner_ntests_run(runner) == 0;
    }
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
