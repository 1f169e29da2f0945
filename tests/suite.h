/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One Check suite per file: test_ring.c defines `Suite *ring_suite(void)`; tests/main.c runs them all, or the one
 * named by T=ring. A test's name is the sentence it proves. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <stdint.h>

#define CHECK_EQ(a, b)  ck_assert_int_eq((intmax_t)(a), (intmax_t)(b))

/* A suite with one case: SUITE(ring, test_a, test_b); each a START_TEST .. END_TEST. */
#define SUITE(name, ...) \
    Suite *name##_suite(void); \
    Suite *name##_suite(void) \
    { \
        const TTest *const tests[] = { __VA_ARGS__ }; \
        Suite *s = suite_create(#name); \
        TCase *t = tcase_create(#name); \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) \
            tcase_add_test(t, tests[i]); \
        tcase_set_timeout(t, 120); \
        suite_add_tcase(s, t); \
        return s; \
    }

#endif
