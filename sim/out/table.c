/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/table.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void add_cell(struct table *t, char *text)
{
    t->cell = realloc(t->cell, (size_t)(t->filled + 1) * sizeof *t->cell);
    if (!t->cell || !text)
        abort();
    t->cell[t->filled++] = text;
    t->rows = (t->filled - 1) / t->columns + 1;
}

void table_init(struct table *t, const char *columns)
{
    *t = (struct table){ .columns = 1 };
    for (const char *c = columns; *c; c++)
        t->columns += *c == '|';
    assert(t->columns <= TABLE_COLUMNS);
    for (int i = 0; i < t->columns; i++) {
        size_t length;

        t->right[i] = *columns == '>';
        columns += t->right[i];
        length = strcspn(columns, "|");
        add_cell(t, strndup(columns, length));
        columns += length + (columns[length] == '|');
    }
}

void table_free(struct table *t)
{
    for (int i = 0; i < t->filled; i++)
        free(t->cell[i]);
    free(t->cell);
    *t = (struct table){ 0 };
}

void table_cell(struct table *t, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    add_cell(t, text);
}

void table_row_end(struct table *t)
{
    while (t->filled % t->columns != 0)
        add_cell(t, strdup(""));
}

int text_width(const char *text)
{
    int width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static const char *cell_at(const struct table *t, int row, int column)
{
    int i = row * t->columns + column;

    return i < t->filled ? t->cell[i] : "";
}

static int column_width(const struct table *t, int column)
{
    int widest = 0;

    for (int row = 0; row < t->rows; row++) {
        int width = text_width(cell_at(t, row, column));

        if (width > widest)
            widest = width;
    }
    return widest;
}

static void print_row(const struct table *t, int row, const int *width, int indent, FILE *out)
{
    int pending = indent;       /* blanks owed: printed only if something follows */

    for (int i = 0; i < t->columns; i++) {
        const char *text = cell_at(t, row, i);
        int blanks = width[i] - text_width(text);

        if (t->right[i])
            pending += blanks;
        if (*text) {
            fprintf(out, "%*s%s", pending, "", text);
            pending = 0;
        }
        if (!t->right[i])
            pending += blanks;
        pending += 2;
    }
    fputc('\n', out);
}

static bool has_titles(const struct table *t)
{
    for (int i = 0; i < t->columns; i++)
        if (*cell_at(t, 0, i))
            return true;
    return false;
}

/* Columns of the terminal behind `out`; 0 if it is none. */
static int terminal_width(FILE *out)
{
    struct winsize size;

    return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* On a terminal a table that ends in prose is cut to its width: a wrapped table cannot be read, and a pipe shows all. */
static void print_cut(const char *text, int width, FILE *out)
{
    while (*text) {
        int length = (int)strcspn(text, "\n");
        if (length > width)
            fprintf(out, "%.*s>\n", width - 1, text);
        else
            fprintf(out, "%.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_whole(const struct table *t, int indent, FILE *out);

void table_print(const struct table *t, int indent, FILE *out)
{
    int width = terminal_width(out);
    char *text = NULL;
    size_t size = 0;
    FILE *memory = width > 20 && t->columns > 0 && !t->right[t->columns - 1] ? open_memstream(&text, &size) : NULL;

    if (!memory) {
        print_whole(t, indent, out);
        return;
    }
    print_whole(t, indent, memory);
    if (fclose(memory) == 0)
        print_cut(text, width, out);
    free(text);
}

static void print_whole(const struct table *t, int indent, FILE *out)
{
    int width[TABLE_COLUMNS], line = 0;

    for (int i = 0; i < t->columns; i++) {
        width[i] = column_width(t, i);
        line += width[i] + (i > 0 ? 2 : 0);
    }
    if (has_titles(t)) {
        print_row(t, 0, width, indent, out);
        if (!t->plain) {
            fprintf(out, "%*s", indent, "");
            for (int i = 0; i < line; i++)
                fputc('-', out);
            fputc('\n', out);
        }
    }
    for (int row = 1; row < t->rows; row++)
        print_row(t, row, width, indent, out);
}

void table_markdown(const struct table *t, FILE *out)
{
    for (int row = 0; row < t->rows; row++) {
        for (int i = 0; i < t->columns; i++) {
            fputs(i ? " " : "| ", out);
            for (const char *c = cell_at(t, row, i); *c; c++)
                fprintf(out, *c == '|' ? "\\%c" : "%c", *c);
            fputs(" |", out);
        }
        fputc('\n', out);
        if (row > 0)
            continue;
        for (int i = 0; i < t->columns; i++)
            fputs(i ? (t->right[i] ? "---:|" : "---|") : (t->right[i] ? "|---:|" : "|---|"), out);
        fputc('\n', out);
    }
}

/* ---- numbers ---- */

const char *number_grouped(uint64_t n, char buffer[NUMBER_TEXT])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer[at++] = ' ';
        buffer[at++] = digits[i];
    }
    buffer[at] = '\0';
    return buffer;
}

/* `digits` significant digits without an exponent, as long as x < 10^6. */
static void significant(double x, int digits, const char *unit, char buffer[NUMBER_TEXT])
{
    int decimals = digits - 1;

    for (double limit = 10; decimals > 0 && fabs(x) >= limit; limit *= 10)
        decimals--;
    snprintf(buffer, NUMBER_TEXT, "%.*f%s", decimals, x, unit);
}

const char *number_time(double ns, char buffer[NUMBER_TEXT])
{
    static const struct { double from, scale; const char *unit; } units[] = {
        { 999.5e6, 1e9, " s" }, { 999.5e3, 1e6, " ms" }, { 999.5, 1e3, " us" }, { 0, 1, " ns" },
    };
    size_t i = 0;

    if (!isfinite(ns) || ns == 0) {
        snprintf(buffer, NUMBER_TEXT, ns == 0 ? "0 ns" : "-");
        return buffer;
    }
    while (i + 1 < sizeof units / sizeof units[0] && fabs(ns) < units[i].from)
        i++;
    significant(ns / units[i].scale, 3, units[i].unit, buffer);
    return buffer;
}

const char *number_short(double x, int digits, char buffer[NUMBER_TEXT])
{
    double size = fabs(x);

    if (!isfinite(x))
        snprintf(buffer, NUMBER_TEXT, "-");
    else if (size >= 1e9)
        significant(x / 1e9, digits, "G", buffer);
    else if (size >= 1e6)
        significant(x / 1e6, digits, "M", buffer);
    else if (size >= 1e5)
        significant(x / 1e3, digits, "k", buffer);
    else if (x == floor(x))
        snprintf(buffer, NUMBER_TEXT, "%.0f", x);
    else if (size < 1e-3)
        snprintf(buffer, NUMBER_TEXT, "%.*g", digits, x);
    else
        significant(x, digits, "", buffer);
    return buffer;
}

const char *number_percent(double share, char buffer[NUMBER_TEXT])
{
    if (!isfinite(share))
        snprintf(buffer, NUMBER_TEXT, "-");
    else if (share > 0 && share < 0.0005)
        snprintf(buffer, NUMBER_TEXT, "<0.1 %%");
    else if (share < 1 && share >= 0.9995)
        snprintf(buffer, NUMBER_TEXT, ">99.9 %%");
    else
        snprintf(buffer, NUMBER_TEXT, "%.1f %%", 100 * share);
    return buffer;
}
