/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/csv.h"

#include <stdbool.h>
#include <string.h>

void csv_cell(FILE *out, const char *text, int column)
{
    bool quote = strpbrk(text, ",\"\r\n") != NULL;

    if (column > 0)
        fputc(',', out);
    if (!quote) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* ---- frames ----
 *
 * Written by hand: printf takes ten times as long, and there are ten million lines. */

enum { NUMBER = 21, LINE = CHUNK_FATE * NUMBER + 64 };          /* the longest, with the comma; a fate has 32 letters at most */

static char *put_number(char *p, uint64_t n)
{
    char digits[NUMBER], *d = digits + NUMBER;

    do {
        *--d = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    memcpy(p, d, (size_t)(digits + NUMBER - d));
    return p + (digits + NUMBER - d);
}

static char *put_line(char *p, const struct chunk *c, uint32_t i)
{
    for (int column = 0; column < CHUNK_FATE; column++) {
        if (c->column[column][i] >= 0)
            p = put_number(p, (uint64_t)c->column[column][i]);
        *p++ = ',';
    }
    p = stpcpy(p, fate_info[c->fate[i]].name);
    *p++ = '\n';
    return p;
}

void csv_frames_head(FILE *out)
{
    for (int i = 0; i < CHUNK_COLUMNS; i++)
        csv_cell(out, chunk_column_name[i], i);
    fputc('\n', out);
}

void csv_frames(FILE *out, const struct chunk *frames)
{
    char lines[64 * LINE], *p = lines;

    for (uint32_t i = 0; i < frames->n; i++) {
        p = put_line(p, frames, i);
        if (p > lines + sizeof lines - LINE) {
            fwrite(lines, 1, (size_t)(p - lines), out);
            p = lines;
        }
    }
    fwrite(lines, 1, (size_t)(p - lines), out);
}
