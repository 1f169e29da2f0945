/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/table_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

/* The file as it is read: cells of the row under way, then rows that keep theirs. */
struct reading {
    struct table_file *t;
    struct messages *m;
    char **cell;
    int cells, room;
    int kept;                   /* room for rows in t */
    int line;                   /* rows seen: a quoted newline counts as none */
    bool broken;
};

static void complain(struct reading *r, const char *what)
{
    messages_add(r->m, "%s:%d: %s", r->t->name, r->line, what);
    r->broken = true;
}

static void no_memory(struct reading *r)
{
    complain(r, "out of memory");
}

static void cell_read(void *text, size_t length, void *reading)
{
    struct reading *r = reading;

    if (r->broken)
        return;
    if (r->cells == r->room) {
        int room = r->room ? 2 * r->room : 64;
        char **bigger = realloc(r->cell, (size_t)room * sizeof *bigger);
        if (!bigger) {
            no_memory(r);
            return;
        }
        r->cell = bigger;
        r->room = room;
    }
    char *copy = strndup(text ? text : "", length);
    if (!copy)
        no_memory(r);
    else
        r->cell[r->cells++] = copy;
}

static void take_columns(struct reading *r)
{
    r->t->column = r->cell;
    r->t->columns = r->cells;
    r->cell = NULL;
    r->cells = r->room = 0;
    for (int i = 0; i < r->t->columns; i++) {
        if (table_file_column(r->t, r->t->column[i]) != i) {
            messages_add(r->m, "%s:%d: the column %s stands twice", r->t->name, r->line, r->t->column[i]);
            r->broken = true;
        }
    }
}

static void take_row(struct reading *r)
{
    struct table_file *t = r->t;

    if (r->cells != t->columns) {
        messages_add(r->m, "%s:%d: %d cells where the first line names %d columns", t->name, r->line, r->cells,
                     t->columns);
        r->broken = true;
        return;
    }
    if (t->rows == r->kept) {
        int kept = r->kept ? 2 * r->kept : 64;
        char **cell = realloc(t->cell, (size_t)kept * (size_t)t->columns * sizeof *cell);
        if (cell)
            t->cell = cell;
        int *line = realloc(t->line, (size_t)kept * sizeof *line);
        if (line)
            t->line = line;
        if (!cell || !line) {
            no_memory(r);
            return;
        }
        r->kept = kept;
    }
    memcpy(&t->cell[(size_t)t->rows * (size_t)t->columns], r->cell, (size_t)t->columns * sizeof *r->cell);
    t->line[t->rows++] = r->line;
    r->cells = 0;
}

static void row_read(int end, void *reading)
{
    struct reading *r = reading;

    (void)end;
    r->line++;
    if (r->broken)
        return;
    if (r->t->column)
        take_row(r);
    else
        take_columns(r);
}

static void read_all(struct reading *r, FILE *in)
{
    struct csv_parser parser;
    char buffer[65536];
    size_t n, total = 0;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        no_memory(r);
        return;
    }
    while (!r->broken && (n = fread(buffer, 1, sizeof buffer, in)) > 0) {
        total += n;
        if (total > TABLE_FILE_BYTES)
            complain(r, "the table is longer than 64 MiB");
        else if (csv_parse(&parser, buffer, n, cell_read, row_read, r) != n)
            complain(r, csv_strerror(csv_error(&parser)));
    }
    if (!r->broken && csv_fini(&parser, cell_read, row_read, r) != 0)
        complain(r, csv_strerror(csv_error(&parser)));
    csv_free(&parser);
}

int table_file_read(struct table_file *t, const char *path, struct messages *m)
{
    struct reading r = { .t = t, .m = m };
    FILE *in = fopen(path, "rb");

    *t = (struct table_file){ .name = strdup(path) };
    if (!in || !t->name) {
        messages_add(m, "%s: %s", path, strerror(errno));
        if (in)
            fclose(in);
        return -1;
    }
    read_all(&r, in);
    if (!r.broken && ferror(in))
        complain(&r, strerror(errno));
    if (!r.broken && !t->column)
        complain(&r, "the table is empty: its first line names the columns");
    fclose(in);
    for (int i = 0; i < r.cells; i++)
        free(r.cell[i]);
    free(r.cell);
    return r.broken ? -1 : 0;
}

void table_file_free(struct table_file *t)
{
    for (int i = 0; i < t->columns; i++)
        free(t->column[i]);
    for (size_t i = 0; i < (size_t)t->rows * (size_t)t->columns; i++)
        free(t->cell[i]);
    free(t->column);
    free(t->cell);
    free(t->line);
    free(t->name);
    *t = (struct table_file){ 0 };
}

int table_file_column(const struct table_file *t, const char *name)
{
    for (int i = 0; i < t->columns; i++) {
        if (strcmp(t->column[i], name) == 0)
            return i;
    }
    return -1;
}

const char *table_file_cell(const struct table_file *t, int row, const char *column)
{
    int c = table_file_column(t, column);

    return c < 0 ? NULL : t->cell[(size_t)row * (size_t)t->columns + (size_t)c];
}
