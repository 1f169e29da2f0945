/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/axis.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* Units that one axis may mix, smallest first in each family. */
static const struct unit_size {
    const char *name;
    int family;
    double size;
} unit_size[] = {
    { "ps", 0, 1 },   { "ns", 0, 1e3 },   { "us", 0, 1e6 },   { "ms", 0, 1e9 },   { "s", 0, 1e12 },
    { "bps", 1, 1 },  { "kbps", 1, 1e3 }, { "Mbps", 1, 1e6 }, { "Gbps", 1, 1e9 },
    { "pps", 2, 1 },  { "kpps", 2, 1e3 }, { "Mpps", 2, 1e6 },
    { "B", 3, 1 },    { "kB", 3, 1e3 },   { "KiB", 3, 1024 }, { "MB", 3, 1e6 },   { "MiB", 3, 1048576 },
    { "GB", 3, 1e9 }, { "GiB", 3, 1073741824 },
    { "Hz", 4, 1 },   { "kHz", 4, 1e3 },  { "MHz", 4, 1e6 },  { "GHz", 4, 1e9 },
};

static const struct unit_size *find_unit(const char *name)
{
    for (size_t i = 0; i < sizeof unit_size / sizeof unit_size[0]; i++)
        if (strcmp(unit_size[i].name, name) == 0)
            return &unit_size[i];
    return NULL;
}

size_t axis_number(const char *text)
{
    size_t n = text[0] == '-' || text[0] == '+';
    size_t digits = strspn(text + n, "0123456789");

    if (digits == 0)
        return 0;
    n += digits;
    if (text[n] == '.')
        n += 1 + strspn(text + n + 1, "0123456789");
    for (const char *p = text + n; *p; p++)
        if (!isalpha((unsigned char)*p) && *p != '%' && *p != '/')
            return 0;
    return n;
}

/* 6.10 is not 6.1, and six comes after both. */
static bool is_version(const char *key)
{
    return strcmp(key, "kernel.version") == 0;
}

/* A plain 0 has any unit. */
static bool is_zero(const char *text)
{
    return strcmp(text, "0") == 0;
}

/* The unit for what has had `a` so far and meets `b`; NULL if they do not go together. */
static const char *common_unit(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return a;

    const struct unit_size *x = find_unit(a), *y = find_unit(b);
    if (!x || !y || x->family != y->family)
        return NULL;
    return x->size < y->size ? x->name : y->name;
}

const char *axis_unit(const char *key, char *const *value, int values)
{
    const char *unit = NULL;

    if (is_version(key))
        return NULL;
    for (int i = 0; i < values; i++) {
        size_t n = axis_number(value[i]);

        if (n == 0)
            return NULL;
        if (is_zero(value[i]))
            continue;
        const char *one = value[i] + n;
        unit = unit ? common_unit(unit, one) : one;
        if (!unit)
            return NULL;
    }
    return unit ? unit : "";
}

/* Not strtod: the locale may want a comma. All digits over a power of ten is the nearest double as long
 * as both are exact, which 15 digits are. */
static double decimal(const char *text, size_t length)
{
    double digits = 0, power = 1;
    bool behind_point = false;

    for (const char *p = text; p < text + length; p++)
        if (*p == '.')
            behind_point = true;
        else if (isdigit((unsigned char)*p)) {
            digits = digits * 10 + (*p - '0');
            power *= behind_point ? 10 : 1;
        }
    return (text[0] == '-' ? -digits : digits) / power;
}

double axis_value(const char *text, const char *unit, bool *whole, int64_t *integer)
{
    size_t n = axis_number(text);
    const struct unit_size *from = find_unit(text + n), *to = find_unit(unit);
    double number = decimal(text, n);

    if (from && to)
        number *= from->size / to->size;
    *whole = fabs(number) < 9e15 && number == floor(number) && !memchr(text, '.', n);
    *integer = *whole ? (int64_t)number : 0;
    return number;
}
