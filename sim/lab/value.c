/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One value of a scenario: text to number and back, exactly.
 *
 * A number is digits, at most one point, at most 18 decimals, then a unit, with or without spaces between. It is
 * scaled to the field's own unit in integers; what is finer than the field holds is an error, never rounded.
 * Zero needs no unit, for it is the same in all of them.
 *
 * CPUs are written as in /proc/irq/N/smp_affinity or as in smp_affinity_list. A plain number is a hex mask (`3` is
 * CPUs 0 and 1), with 0x or without, in groups of 32 bits if it is long (`ff,00000000`). A text with `-`, with
 * commas that do not part groups of eight digits, or beginning with `cpu`, `cpus` or `list:` is a list of CPU
 * numbers: `0-3,8`, `cpu3`, `list:3`. */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab/scenario.h"

__extension__ typedef unsigned __int128 wide;   /* 18 decimals times 10^12 ps a second */

enum { DECIMALS = 18, SHOWN = 60 };             /* of a wrong text, so much is quoted */

/* Units in ascending order within a kind. `factor`: the field's own unit times so much. `kind`: how a cost or a
 * load is packed. Those that `print` are powers of ten apart. */
static const struct measure {
    enum unit unit;
    int kind;
    const char *name;
    int64_t factor;
    bool print;
} measures[] = {
    { UNIT_BYTES,   0, "B",    1, true },
    { UNIT_BYTES,   0, "KiB",  1 << 10, false },
    { UNIT_BYTES,   0, "MiB",  1 << 20, false },
    { UNIT_BYTES,   0, "GiB",  1 << 30, false },
    { UNIT_BYTES,   0, "kB",   1000, false },
    { UNIT_BYTES,   0, "MB",   1000000, false },
    { UNIT_BYTES,   0, "GB",   1000000000, false },
    { UNIT_TIME,    0, "ps",   PS, true },
    { UNIT_TIME,    0, "ns",   NS, true },
    { UNIT_TIME,    0, "us",   US, true },
    { UNIT_TIME,    0, "ms",   MS, true },
    { UNIT_TIME,    0, "s",    SEC, true },
    { UNIT_BITRATE, 0, "bps",  1, true },
    { UNIT_BITRATE, 0, "kbps", 1000, true },
    { UNIT_BITRATE, 0, "Mbps", 1000000, true },
    { UNIT_BITRATE, 0, "Gbps", 1000000000, true },
    { UNIT_FREQ,    0, "kHz",  1, true },
    { UNIT_FREQ,    0, "MHz",  1000, true },
    { UNIT_FREQ,    0, "GHz",  1000000, true },
    { UNIT_LOAD,    LOAD_MILLIPPS, "pps",  1000, true },
    { UNIT_LOAD,    LOAD_MILLIPPS, "kpps", 1000000, true },
    { UNIT_LOAD,    LOAD_MILLIPPS, "Mpps", 1000000000, true },
    { UNIT_LOAD,    LOAD_BPS, "bps",  1, true },
    { UNIT_LOAD,    LOAD_BPS, "kbps", 1000, true },
    { UNIT_LOAD,    LOAD_BPS, "Mbps", 1000000, true },
    { UNIT_LOAD,    LOAD_BPS, "Gbps", 1000000000, true },
    { UNIT_LOAD,    LOAD_PPM, "%",    10000, true },
    { UNIT_COST,    0, "cycles", 1000, true },
    { UNIT_COST,    0, "cycle",  1000, false },
    { UNIT_COST,    1, "ps", PS, true },
    { UNIT_COST,    1, "ns", NS, true },
    { UNIT_COST,    1, "us", US, true },
    { UNIT_COST,    1, "ms", MS, true },
    { UNIT_COST,    1, "s",  SEC, true },
    { UNIT_COST_PER_BYTE, 0, "cycles/B", 1000, true },
    { UNIT_COST_PER_BYTE, 1, "fs/B", 1, true },
    { UNIT_COST_PER_BYTE, 1, "ps/B", 1000, true },
    { UNIT_COST_PER_BYTE, 1, "ns/B", 1000000, true },
};

/* What Linux writes as a bare number in a unit of its own: sysctl, ethtool -c, sysfs. First match. */
static const struct bare {
    const char *prefix, *part;  /* of the row's name; `part` anywhere behind the prefix */
    int64_t factor;
} bares[] = {
    { "",               "_usecs",       US },
    { "",               "-usecs",       US },
    { "net.core.busy_", "",             US },
    { "net.netfilter.", "_timeout",     SEC },
    { "",               "_timeout",     NS },
    { "",               "_ns",          NS },
};

static const char *unit_word(enum unit u)
{
    switch (u) {
    case UNIT_BYTES:            return "size";
    case UNIT_TIME:             return "time";
    case UNIT_BITRATE:          return "rate";
    case UNIT_FREQ:             return "frequency";
    case UNIT_LOAD:             return "load";
    case UNIT_COST:             return "cost";
    case UNIT_COST_PER_BYTE:    return "cost per byte";
    case UNIT_COUNT: case UNIT_SWITCH: case UNIT_CHOICE: case UNIT_CPUS: case UNIT_TEXT:
        break;
    }
    return "";
}

/* ---- packed units: magnitude and kind ---- */

static int64_t packing(enum unit u)
{
    return u == UNIT_LOAD ? 4 : u == UNIT_COST || u == UNIT_COST_PER_BYTE ? 2 : 1;
}

static int kind_of(enum unit u, int64_t value)
{
    return (int)(value & (packing(u) - 1));
}

static int64_t magnitude_of(enum unit u, int64_t value)
{
    return (value - kind_of(u, value)) / packing(u);
}

/* ---- decimals ---- */

struct decimal {
    bool negative, too_long;
    uint64_t whole;
    uint64_t part;              /* behind the point, without trailing zeros .. */
    int places;                 /* .. and so many digits of it */
    const char *rest;           /* what follows, spaces skipped */
};

static uint64_t power_of_ten(int n)
{
    uint64_t p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

/* The digits behind the point. Trailing zeros say nothing and do not count. */
static const char *scan_part(const char *s, struct decimal *d)
{
    const char *end = s, *last;

    while (isdigit((unsigned char)*end))
        end++;
    for (last = end; last > s && last[-1] == '0'; last--)
        ;
    if (last - s > DECIMALS) {
        d->too_long = true;
        return end;
    }
    for (; s < last; s++, d->places++)
        d->part = d->part * 10 + (uint64_t)(*s - '0');
    return end;
}

/* False if the text does not begin with a number. */
static bool scan_decimal(const char *s, struct decimal *d)
{
    *d = (struct decimal){ .negative = *s == '-' };
    s += d->negative;
    if (!isdigit((unsigned char)*s))
        return false;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(d->whole, 10, &d->whole)
            || __builtin_add_overflow(d->whole, (uint64_t)(*s - '0'), &d->whole))
            d->too_long = true;
    if (*s == '.') {
        if (!isdigit((unsigned char)s[1]))
            return false;
        s = scan_part(s + 1, d);
    }
    while (*s == ' ')
        s++;
    d->rest = s;
    return true;
}

enum scaled { SCALED, TOO_FINE, TOO_LARGE };

static enum scaled scale(const struct decimal *d, int64_t factor, int64_t *value)
{
    wide part = (wide)d->part * (uint64_t)factor, one = power_of_ten(d->places);
    wide v = (wide)d->whole * (uint64_t)factor + part / one;

    if (d->too_long || v > INT64_MAX)
        return TOO_LARGE;
    if (part % one != 0)
        return TOO_FINE;
    *value = d->negative ? -(int64_t)v : (int64_t)v;
    return SCALED;
}

/* ---- sentences ---- */

/* "(ps ns us ms s)", once each: a load's bps and a cost's ns stand under other kinds too. */
static void unit_list(enum unit u, char *list, size_t size)
{
    size_t n = 0;

    list[0] = '\0';
    for (size_t i = 0; i < ROWS(measures) && n < size; i++)
        if (measures[i].unit == u && (measures[i].print || u == UNIT_BYTES))
            n += (size_t)snprintf(list + n, size - n, "%s%s", n ? " " : "", measures[i].name);
}

static const char *needs_unit(const struct param *row, const char *what, const char *text, char *why,
                              size_t size)
{
    char list[128];

    unit_list(row->unit, list, sizeof list);
    snprintf(why, size, "%s needs a %s of %s (%s), got '%.*s'", row->name, what, unit_word(row->unit), list,
             SHOWN, text);
    return why;
}

static const char *outside(const struct param *row, const char *text, int kind, char *why, size_t size)
{
    int64_t pack = packing(row->unit);
    char lo[64], hi[64];

    value_print(row, magnitude_of(row->unit, row->min) * pack + kind, lo, sizeof lo);
    value_print(row, magnitude_of(row->unit, row->max) * pack + kind, hi, sizeof hi);
    snprintf(why, size, "%s is %.*s, outside %s..%s", row->name, SHOWN, text, lo, hi);
    return why;
}

/* The bounds of a cost or load bound its magnitude, whatever its kind. */
static const char *check_range(const struct param *row, const char *text, int64_t magnitude, int kind,
                               int64_t *value, char *why, size_t size)
{
    if (magnitude < magnitude_of(row->unit, row->min) || magnitude > magnitude_of(row->unit, row->max))
        return outside(row, text, kind, why, size);
    *value = magnitude * packing(row->unit) + kind;
    return NULL;
}

/* ---- units ---- */

static const struct measure *find_measure(enum unit u, const char *name)
{
    for (size_t i = 0; i < ROWS(measures); i++)
        if (measures[i].unit == u && strcmp(measures[i].name, name) == 0)
            return &measures[i];
    return NULL;
}

/* The unit of a bare number: 0 if the row has none. */
static int64_t bare_factor(const struct param *row)
{
    if (row->unit == UNIT_BYTES)
        return 1;
    for (size_t i = 0; row->unit == UNIT_TIME && i < ROWS(bares); i++) {
        size_t n = strlen(bares[i].prefix);

        if (strncmp(row->name, bares[i].prefix, n) == 0 && strstr(row->name + n, bares[i].part))
            return bares[i].factor;
    }
    return 0;
}

static const char *parse_measure(const struct param *row, const char *text, int64_t *value, char *why,
                                 size_t size)
{
    struct measure bare = { .unit = row->unit, .factor = bare_factor(row) };
    const struct measure *m;
    struct decimal d;
    int64_t magnitude = 0;
    char finest[64];

    if (!scan_decimal(text, &d))
        return needs_unit(row, "number with a unit", text, why, size);
    if (*d.rest == '\0' && d.whole == 0 && d.part == 0 && !d.too_long)
        bare.factor = 1;
    m = *d.rest == '\0' && bare.factor ? &bare : find_measure(row->unit, d.rest);
    if (!m)
        return needs_unit(row, "unit", text, why, size);
    switch (scale(&d, m->factor, &magnitude)) {
    case SCALED:
        return check_range(row, text, magnitude, m->kind, value, why, size);
    case TOO_FINE:
        value_print(row, packing(row->unit) + m->kind, finest, sizeof finest);
        snprintf(why, size, "%s is %.*s, finer than %s", row->name, SHOWN, text, finest);
        return why;
    case TOO_LARGE:
        break;
    }
    snprintf(why, size, "%s is %.*s: too large, or too many digits", row->name, SHOWN, text);
    return why;
}

static const char *parse_count(const struct param *row, const char *text, int64_t *value, char *why,
                               size_t size)
{
    struct decimal d;
    int64_t n;

    if (!scan_decimal(text, &d) || *d.rest != '\0' || d.part != 0) {
        snprintf(why, size, "%s needs a whole number, got '%.*s'", row->name, SHOWN, text);
        return why;
    }
    if (scale(&d, 1, &n) != SCALED)
        return outside(row, text, 0, why, size);
    return check_range(row, text, n, 0, value, why, size);
}

static const char *parse_switch(const struct param *row, const char *text, int64_t *value, char *why,
                                size_t size)
{
    static const char *const words[2][4] = { { "off", "false", "no", "0" }, { "on", "true", "yes", "1" } };

    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 4; i++)
            if (strcmp(text, words[v][i]) == 0)
                return check_range(row, text, v, 0, value, why, size);
    snprintf(why, size, "%s needs on or off, got '%.*s'", row->name, SHOWN, text);
    return why;
}

static const char *parse_choice(const struct param *row, const char *text, int64_t *value, char *why,
                                size_t size)
{
    size_t n;

    for (int64_t i = 0; row->names[i]; i++)
        if (strcmp(text, row->names[i]) == 0) {
            *value = i;
            return NULL;
        }
    n = (size_t)snprintf(why, size, "%s is '%.*s', but must be one of:", row->name, SHOWN, text);
    for (int i = 0; row->names[i] && n < size; i++)
        n += (size_t)snprintf(why + n, size - n, " %s", row->names[i]);
    return why;
}

/* ---- CPUs ---- */

/* "3", "0-3,8": false if it is no such list, or names a CPU we have no bit for. */
static bool parse_cpu_list(const char *s, uint64_t *mask)
{
    *mask = 0;
    for (;;) {
        int first = 0, last, digits;

        if (sscanf(s, "%2d%n", &first, &digits) != 1 || !isdigit((unsigned char)*s))
            return false;
        s += digits;
        last = first;
        if (*s == '-') {
            if (!isdigit((unsigned char)*++s) || sscanf(s, "%2d%n", &last, &digits) != 1)
                return false;
            s += digits;
        }
        if (last < first || last >= CONFIG_CPUS)
            return false;
        for (int cpu = first; cpu <= last; cpu++)
            *mask |= UINT64_C(1) << cpu;
        if (*s == '\0')
            return true;
        if (*s++ != ',')
            return false;
    }
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* "f", "0xff", "ff,00000000". */
static bool parse_cpu_mask(const char *s, uint64_t *mask)
{
    int digits = 0;

    *mask = 0;
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
        s += 2;
    for (; *s; s++) {
        if (*s == ',' && digits > 0)
            continue;
        if (hex_digit(*s) < 0 || *mask >> (CONFIG_CPUS - 4))
            return false;
        *mask = *mask << 4 | (uint64_t)hex_digit(*s);
        digits++;
    }
    return digits > 0;
}

/* Commas part a mask into groups of eight digits, as the kernel prints it. */
static bool in_mask_groups(const char *s)
{
    for (s = strchr(s, ','); s; s = strchr(s + 1, ','))
        if (strspn(s + 1, "0123456789abcdefABCDEF") != 8 || (s[9] != '\0' && s[9] != ','))
            return false;
    return true;
}

static bool cpus_of(const char *text, uint64_t *mask)
{
    static const char *const marks[] = { "list:", "cpus", "cpu" };

    for (size_t i = 0; i < ROWS(marks); i++)
        if (strncmp(text, marks[i], strlen(marks[i])) == 0)
            return parse_cpu_list(text + strlen(marks[i]), mask);
    if (strchr(text, '-') || !in_mask_groups(text))
        return parse_cpu_list(text, mask);
    return parse_cpu_mask(text, mask);
}

/* A mask is 64 bits without a sign: negative bounds, and a maximum of INT64_MAX, bound nothing. */
static const char *parse_cpus(const struct param *row, const char *text, int64_t *value, char *why, size_t size)
{
    uint64_t mask;

    if (!cpus_of(text, &mask)) {
        snprintf(why, size, "%s needs CPUs below %d as a hex mask (3 is CPUs 0 and 1; 0xff; ff,00000000) or a list "
                 "(0-3,8; cpu3), got '%.*s'", row->name, CONFIG_CPUS, SHOWN, text);
        return why;
    }
    if ((row->min > 0 && mask < (uint64_t)row->min)
        || (row->max >= 0 && row->max != INT64_MAX && mask > (uint64_t)row->max))
        return outside(row, text, 0, why, size);
    *value = (int64_t)mask;
    return NULL;
}

/* ---- both directions ---- */

const char *value_parse(const struct param *row, const char *text, int64_t *value, char *why, size_t size)
{
    switch (row->unit) {
    case UNIT_COUNT:    return parse_count(row, text, value, why, size);
    case UNIT_SWITCH:   return parse_switch(row, text, value, why, size);
    case UNIT_CHOICE:   return parse_choice(row, text, value, why, size);
    case UNIT_CPUS:     return parse_cpus(row, text, value, why, size);
    case UNIT_BYTES: case UNIT_TIME: case UNIT_BITRATE: case UNIT_FREQ: case UNIT_LOAD: case UNIT_COST:
    case UNIT_COST_PER_BYTE:
        return parse_measure(row, text, value, why, size);
    case UNIT_TEXT:
        break;
    }
    snprintf(why, size, "%s is a text", row->name);
    return why;
}

/* The largest unit that the value reaches and that needs at most three decimals; else the smallest. */
static const struct measure *best_measure(enum unit u, int kind, uint64_t magnitude)
{
    const struct measure *best = NULL;

    for (size_t i = 0; i < ROWS(measures); i++) {
        const struct measure *m = &measures[i];
        uint64_t factor = (uint64_t)m->factor;

        if (m->unit != u || m->kind != kind || !m->print)
            continue;
        if (!best || (magnitude >= factor && magnitude % (factor >= 1000 ? factor / 1000 : 1) == 0))
            best = m;
    }
    return best;
}

static void print_measure(const struct param *row, int64_t value, char *buffer, size_t size)
{
    int64_t signed_magnitude = magnitude_of(row->unit, value);
    uint64_t magnitude = signed_magnitude < 0 ? 0 - (uint64_t)signed_magnitude : (uint64_t)signed_magnitude;
    const struct measure *m = best_measure(row->unit, kind_of(row->unit, value), magnitude);
    uint64_t factor, rest;
    char decimals[24] = "";     /* a point and at most 12 digits: a second in picoseconds */
    int n = 0;

    if (!m) {                   /* a packed kind that does not exist: only a wrong row can hold one */
        snprintf(buffer, size, "?");
        return;
    }
    factor = (uint64_t)m->factor;
    rest = magnitude % factor;
    if (rest > 0)
        decimals[n++] = '.';
    while (rest > 0) {
        factor /= 10;
        decimals[n++] = (char)('0' + rest / factor);
        rest %= factor;
    }
    snprintf(buffer, size, "%s%ju%s%s", signed_magnitude < 0 ? "-" : "",
             (uintmax_t)(magnitude / (uint64_t)m->factor), decimals, m->name);
}

void value_print(const struct param *row, int64_t value, char *buffer, size_t size)
{
    switch (row->unit) {
    case UNIT_COUNT: case UNIT_TEXT:
        snprintf(buffer, size, "%jd", (intmax_t)value);
        break;
    case UNIT_SWITCH:
        snprintf(buffer, size, "%s", value ? "on" : "off");
        break;
    case UNIT_CHOICE:
        snprintf(buffer, size, "%s", row->names[value]);
        break;
    case UNIT_CPUS:
        snprintf(buffer, size, "%jx", (uintmax_t)value);
        break;
    case UNIT_BYTES: case UNIT_TIME: case UNIT_BITRATE: case UNIT_FREQ: case UNIT_LOAD: case UNIT_COST:
    case UNIT_COST_PER_BYTE:
        print_measure(row, value, buffer, size);
        break;
    }
}

/* The unit of reports: where a table has one column, all its numbers share it. */
double value_number(const struct param *row, int64_t value, const char **unit)
{
    static const struct { enum unit unit; int kind; const char *name; double factor; } shown[] = {
        { UNIT_BYTES,           0,              "B",        1 },
        { UNIT_TIME,            0,              "ns",       1e3 },
        { UNIT_BITRATE,         0,              "bps",      1 },
        { UNIT_FREQ,            0,              "GHz",      1e6 },
        { UNIT_LOAD,            LOAD_MILLIPPS,  "pps",      1e3 },
        { UNIT_LOAD,            LOAD_BPS,       "bps",      1 },
        { UNIT_LOAD,            LOAD_PPM,       "%",        1e4 },
        { UNIT_COST,            0,              "cycles",   1e3 },
        { UNIT_COST,            1,              "ns",       1e3 },
        { UNIT_COST_PER_BYTE,   0,              "cycles/B", 1e3 },
        { UNIT_COST_PER_BYTE,   1,              "ns/B",     1e6 },
    };

    for (size_t i = 0; i < ROWS(shown); i++)
        if (shown[i].unit == row->unit && shown[i].kind == kind_of(row->unit, value)) {
            *unit = shown[i].name;
            return (double)magnitude_of(row->unit, value) / shown[i].factor;
        }
    *unit = "";
    return row->unit == UNIT_CPUS ? (double)(uint64_t)value : (double)value;
}
