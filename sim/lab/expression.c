/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/expression.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/closed_form.h"

enum { WORD = 128, DEPTH = 16 };

static const char blanks[] = " ", operators[] = " +*(),";       /* what ends a word */

struct reading {
    const char *at;
    expression_lookup *lookup;
    void *user;
    int depth;
    bool bad;
    char *why;
    size_t size;
};

/* The first thing that is wrong is said. */
__attribute__((format(printf, 2, 3))) static double wrong(struct reading *r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (!r->bad)
        vsnprintf(r->why, r->size, format, arguments);
    va_end(arguments);
    r->bad = true;
    return NAN;
}

static char next(struct reading *r)
{
    r->at += strspn(r->at, blanks);
    return *r->at;
}

static bool take(struct reading *r, char c)
{
    if (next(r) != c)
        return false;
    r->at++;
    return true;
}

/* - and / are operators where a blank follows; what stands before them ended at a blank too. */
static bool take_spaced(struct reading *r, char c)
{
    if (next(r) != c || r->at[1] != ' ')
        return false;
    r->at++;
    return true;
}

static double sum(struct reading *r);

/* Behind "NAME(". */
static double call(struct reading *r, const char *name)
{
    const struct closed_form *f = closed_form_find(name);
    double given[CLOSED_FORM_ARGUMENTS];
    int n = 0;

    if (!f)
        return wrong(r, "there is no closed form %s", name);
    do {
        if (n == closed_form_arguments(f) || (n > 0 && next(r) == ')'))
            return wrong(r, "%s takes (%s)", f->name, f->arguments);
        given[n] = sum(r);
        n++;
        if (r->bad)
            return NAN;
    } while (take(r, ','));
    if (n != closed_form_arguments(f))
        return wrong(r, "%s takes (%s)", f->name, f->arguments);
    if (!take(r, ')'))
        return wrong(r, "%s( is not closed", f->name);
    return f->value(given);
}

/* A number or a share; false if the next word is none. */
static bool number(struct reading *r, double *value)
{
    char *end;

    if (!strchr("0123456789.-", *r->at))
        return false;
    *value = strtod(r->at, &end);
    if (end == r->at)
        return false;
    if (*end == '%') {
        *value /= 100;
        end++;
    }
    if (!strchr(operators, *end))           /* the end of the text is among them */
        return false;
    r->at = end;
    return true;
}

static double named(struct reading *r)
{
    size_t n = strcspn(r->at, operators);
    char word[WORD];

    if (n == 0 || n >= sizeof word)
        return wrong(r, n == 0 ? "a number or a name is missing" : "a name is too long");
    memcpy(word, r->at, n);
    word[n] = '\0';
    r->at += n;
    if (take(r, '('))
        return call(r, word);
    double value = r->lookup ? r->lookup(r->user, word) : NAN;
    return isnan(value) ? wrong(r, "%s is no number", word) : value;
}

static double operand(struct reading *r)
{
    double value = NAN;

    if (++r->depth > DEPTH)
        return wrong(r, "more than %d parentheses in each other", DEPTH);
    if (next(r) && number(r, &value)) {
        r->depth--;
        return value;
    }
    if (take(r, '(')) {
        value = sum(r);
        if (!take(r, ')'))
            wrong(r, "a parenthesis is not closed");
    } else {
        value = named(r);
    }
    r->depth--;
    return value;
}

static double product(struct reading *r)
{
    double value = operand(r);

    while (!r->bad) {
        if (take(r, '*'))
            value *= operand(r);
        else if (take_spaced(r, '/'))
            value /= operand(r);
        else
            break;
    }
    return value;
}

static double sum(struct reading *r)
{
    double value = product(r);

    while (!r->bad) {
        if (take(r, '+'))
            value += product(r);
        else if (take_spaced(r, '-'))
            value -= product(r);
        else
            break;
    }
    return value;
}

int expression_value(const char *text, expression_lookup *lookup, void *user, double *value, char *why, size_t size)
{
    struct reading r = { .at = text, .lookup = lookup, .user = user, .why = why, .size = size };

    *value = sum(&r);
    if (!r.bad && next(&r))
        wrong(&r, "%s stands behind the end", r.at);
    if (r.bad)
        *value = NAN;
    return r.bad ? -1 : 0;
}
