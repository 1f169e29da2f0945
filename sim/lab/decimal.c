/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/decimal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool decimal_parse(const char *text, size_t length, struct decimal *d)
{
    size_t i = 0;
    int digits = 0;
    bool point = false;

    *d = (struct decimal){ 0 };
    for (; i < length && (isdigit((unsigned char)text[i]) || (text[i] == '.' && !point)); i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        if (++digits > DECIMAL_DIGITS)
            return false;
        d->digits = d->digits * 10 + (text[i] - '0');
        d->decimals += point;
    }
    if (digits == 0 || length - i >= sizeof d->unit)
        return false;
    memcpy(d->unit, text + i, length - i);
    for (const char *u = d->unit; *u; u++)
        if (isdigit((unsigned char)*u))
            return false;
    return true;
}

bool decimal_rescale(struct decimal *d, int decimals)
{
    for (; d->decimals < decimals; d->decimals++)
        if (d->digits > INT64_C(999999999999999) / 10)
            return false;
        else
            d->digits *= 10;
    return true;
}

int decimal_print(int64_t digits, int decimals, const char *unit, char *buffer, size_t size)
{
    int64_t whole = digits, scale = 1;
    int width;

    while (decimals > 0 && digits % 10 == 0) {
        digits /= 10;
        decimals--;
    }
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    whole = digits / scale;
    if (decimals == 0)
        return snprintf(buffer, size, "%" PRId64 "%s", whole, unit);
    width = decimals;
    return snprintf(buffer, size, "%" PRId64 ".%0*" PRId64 "%s", whole, width, digits % scale, unit);
}
