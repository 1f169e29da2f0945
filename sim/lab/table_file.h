/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of text with a line of column names, as CSV (RFC 4180, read by libcsv): truth rows, observations. */
#ifndef SIM_LAB_TABLE_FILE_H
#define SIM_LAB_TABLE_FILE_H

#include "sim/lab/messages.h"

enum { TABLE_FILE_BYTES = 64 << 20 };   /* a table is at most so long */

struct table_file {
    char *name;                 /* of the file, for messages */
    char **column;              /* names */
    int columns;
    char **cell;                /* row-major: rows x columns */
    int *line;                  /* of each row, from 1 */
    int rows;
};

/* Reads a file. Every row must have as many cells as there are columns, and no column name may stand twice. Returns 0,
 * or -1 after adding messages ("file:line: sentence"). Free with table_file_free in any case. */
int table_file_read(struct table_file *t, const char *path, struct messages *m);
void table_file_free(struct table_file *t);

/* The column's index, -1: there is none. */
int table_file_column(const struct table_file *t, const char *name);
/* A cell's text by the column's name; NULL if there is no such column. */
const char *table_file_cell(const struct table_file *t, int row, const char *column);

#endif
