/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/cell.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/expression.h"

enum { WHY = 256, WORD = 128 };

static const double WHOLE = 9007199254740992.0;     /* 2^53: up to there a double says whole numbers exactly */

struct row { const struct table_file *t; int row; };

/* ---- numbers ---- */

/* What follows "name:" in a cell of pairs, up to the next blank; NULL if that is not in it. */
static char *pair(const char *cell, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = cell; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strncmp(at, name, n) == 0 && at[n] == ':')
            return strndup(at + n + 1, strcspn(at + n + 1, " "));
    }
    return NULL;
}

/* The text behind a column's name, or column.name; malloc'ed, NULL if there is none. */
static char *text_of(const struct row *r, const char *name)
{
    const char *cell = table_file_cell(r->t, r->row, name), *dot = strchr(name, '.');
    char column[WORD];

    if (cell)
        return strdup(cell);
    if (!dot || (size_t)(dot - name) >= sizeof column)
        return NULL;
    memcpy(column, name, (size_t)(dot - name));
    column[dot - name] = '\0';
    cell = table_file_cell(r->t, r->row, column);
    return cell ? pair(cell, dot + 1) : NULL;
}

/* Names in an expression over columns: those of plain numbers, so that no two cells can wait for each other. */
static double plain(void *row, const char *name)
{
    char *text = text_of(row, name), why[WHY];
    double value = NAN;

    if (text)
        expression_value(text, NULL, NULL, &value, why, sizeof why);
    free(text);
    return value;
}

static int over_columns(const char *text, const struct table_file *t, int row, double *value, char *why, size_t size)
{
    return expression_value(text, plain, &(struct row){ t, row }, value, why, size);
}

double cell_number(const struct table_file *t, int row, const char *column)
{
    const char *text = table_file_cell(t, row, column);
    char why[WHY];
    double value = NAN;

    if (text && *text)
        over_columns(text, t, row, &value, why, sizeof why);
    return value;
}

int cell_check(const struct table_file *t, int row, const char *column, char *why, size_t size)
{
    const char *text = table_file_cell(t, row, column);
    double value;

    bool meant = text && (strchr(text, '(') || isdigit((unsigned char)*text));
    return meant ? over_columns(text, t, row, &value, why, size) : 0;
}

int cell_whole(const char *expression, const struct table_file *t, int row, int64_t *value, char *why, size_t size)
{
    double x;

    if (over_columns(expression, t, row, &x, why, size) != 0)
        return -1;
    if (!(fabs(x) <= WHOLE) || x != floor(x)) {
        snprintf(why, size, "%s is no whole number", expression);
        return -1;
    }
    *value = (int64_t)x;
    return 0;
}

/* ---- texts ---- */

/* What stands between braces; false and a sentence if it says nothing. */
static bool fill_one(const char *in, const char *cell, const struct table_file *t, int row, FILE *out, char *why,
                     size_t size)
{
    const char *text = *in ? table_file_cell(t, row, in) : cell;
    int64_t value;

    if (text)
        return fputs(text, out) >= 0;
    return cell_whole(in, t, row, &value, why, size) == 0 && fprintf(out, "%lld", (long long)value) > 0;
}

char *cell_fill(const char *text, const char *cell, const struct table_file *t, int row, char *why, size_t size)
{
    char *filled = NULL, inside[WORD], said[WHY] = "";
    size_t length;
    FILE *out = open_memstream(&filled, &length);
    bool ok = out != NULL;

    while (ok && *text) {
        size_t before = strcspn(text, "{");
        fwrite(text, 1, before, out);
        text += before;
        if (!*text)
            break;
        size_t n = strcspn(text + 1, "}");
        ok = n < sizeof inside && text[1 + n] == '}';
        if (ok) {
            memcpy(inside, text + 1, n);
            inside[n] = '\0';
            ok = fill_one(inside, cell, t, row, out, said, sizeof said);
        }
        if (!ok)
            snprintf(why, size, "cannot fill in %.*s%s%.150s", (int)(n + 2), text, *said ? ": " : "", said);
        text += n + 2;
    }
    if (out)
        fclose(out);
    if (!ok) {
        free(filled);
        return NULL;
    }
    return filled;
}

/* ---- rows ---- */

bool cell_matches(const struct table_file *t, int row, const char *column, const char *glob)
{
    const char *cell = column ? table_file_cell(t, row, column) : NULL;

    return !column || (cell && fnmatch(glob, cell, 0) == 0);
}

bool cell_agree(const struct table_file *t, int a, int b, char *const *by)
{
    for (int k = 0; by[k]; k++) {
        const char *x = table_file_cell(t, a, by[k]), *y = table_file_cell(t, b, by[k]);
        if (!x || !y || strcmp(x, y) != 0)
            return false;
    }
    return true;
}
