/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/expression.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 128, DEPTH = 16 };

struct reading {
    const char *at;
    char word[WORD];            /* the next one, "" at the end */
    expression_fn *lookup;
    void *user;
    int depth;
    bool bad;
};

static void advance(struct reading *r)
{
    r->at += strspn(r->at, " ");
    size_t n = strcspn(r->at, " ");
    r->bad |= n >= WORD;
    if (r->bad)
        n = 0;
    memcpy(r->word, r->at, n);
    r->word[n] = '\0';
    r->at += n;
}

static bool take(struct reading *r, const char *word)
{
    if (strcmp(r->word, word) != 0)
        return false;
    advance(r);
    return true;
}

static double sum(struct reading *r);

static double operand(struct reading *r)
{
    char *end;

    if (take(r, "(")) {
        r->bad |= ++r->depth > DEPTH;
        double inside = r->bad ? NAN : sum(r);
        r->depth--;
        r->bad |= !take(r, ")");
        return inside;
    }
    r->bad |= !r->word[0];
    double value = strtod(r->word, &end);
    if (end == r->word || *end)
        value = r->bad ? NAN : r->lookup(r->user, r->word);
    advance(r);
    return value;
}

static double product(struct reading *r)
{
    double value = operand(r);

    while (!r->bad) {
        if (take(r, "*"))
            value *= operand(r);
        else if (take(r, "/"))
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
        if (take(r, "+"))
            value += product(r);
        else if (take(r, "-"))
            value -= product(r);
        else
            break;
    }
    return value;
}

double expression(const char *text, expression_fn *lookup, void *user)
{
    struct reading r = { .at = text, .lookup = lookup, .user = user };

    advance(&r);
    double value = sum(&r);
    return r.bad || r.word[0] ? NAN : value;
}
