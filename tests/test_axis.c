/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "sim/store/axis.h"
#include "tests/suite.h"

static void check_axis(const char *key, char *const *value, const char *unit, const char *numbers)
{
    char got[128] = "";
    int n = 0;

    while (value[n])
        n++;
    const char *common = axis_unit(key, value, n);
    if (!unit) {
        ck_assert_msg(common == NULL, "%s has the unit '%s'", value[0], common);
        return;
    }
    ck_assert_msg(common != NULL, "%s has no unit", value[0]);
    ck_assert_str_eq(common, unit);
    for (int i = 0; i < n; i++) {
        bool whole;
        int64_t integer;
        double number = axis_value(value[i], common, &whole, &integer);
        size_t used = strlen(got);

        if (whole)
            snprintf(got + used, sizeof got - used, "%lld ", (long long)integer);
        else
            snprintf(got + used, sizeof got - used, "%.17g ", number);
    }
    ck_assert_str_eq(got, numbers);
}

#define VALUES(...)  (char *[]){ __VA_ARGS__, NULL }

START_TEST(an_axis_is_numbers_where_all_its_values_are)
{
    check_axis("k", VALUES("256", "4096"), "", "256 4096 ");
    check_axis("k", VALUES("-1", "+2"), "", "-1 2 ");
    check_axis("k", VALUES("50us", "8us"), "us", "50 8 ");
    check_axis("k", VALUES("0", "8us"), "us", "0 8 ");
    check_axis("k", VALUES("0.36cycles/B"), "cycles/B", "0.35999999999999999 ");     /* the double next to 0.36 */
    check_axis("k", VALUES("80%", "100%"), "%", "80 100 ");
    /* mixed units of a family: in the smallest */
    check_axis("k", VALUES("1us", "500ns", "2ms"), "ns", "1000 500 2000000 ");
    check_axis("k", VALUES("4KiB", "1MiB"), "KiB", "4 1024 ");
    check_axis("k", VALUES("1.5Mpps", "14.88Mpps"), "Mpps", "1.5 14.880000000000001 ");
    /* texts: a list, a name, a unit of another family, a version */
    check_axis("k", VALUES("0-3", "0-7"), NULL, NULL);
    check_axis("k", VALUES("3", "f"), NULL, NULL);
    check_axis("k", VALUES("mlx5", "e1000e"), NULL, NULL);
    check_axis("k", VALUES("10Gbps", "1Mpps"), NULL, NULL);
    check_axis("k", VALUES("64 1500 1"), NULL, NULL);
    check_axis("k", VALUES(""), NULL, NULL);
    check_axis("kernel.version", VALUES("6.1", "6.10"), NULL, NULL);
}
END_TEST

SUITE(axis, an_axis_is_numbers_where_all_its_values_are)
