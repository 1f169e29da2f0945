/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message quotes what a file says; what it says must not move the terminal's cursor or fake a line. */
static void blank_controls(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
}

/* A sentence that finds no memory is lost, but it is counted: a failure stays one. */
void messages_add(struct messages *m, const char *format, ...)
{
    va_list args;
    char *line, *grown;
    size_t length;
    int printed;

    m->count++;
    va_start(args, format);
    printed = vasprintf(&line, format, args);
    va_end(args);
    if (printed < 0)
        return;
    blank_controls(line);
    length = strlen(line);
    grown = realloc(m->text, m->length + length + 2);
    if (grown) {
        m->text = grown;
        memcpy(m->text + m->length, line, length);
        memcpy(m->text + m->length + length, "\n", 2);
        m->length += length + 1;
    }
    free(line);
}

void messages_free(struct messages *m)
{
    free(m->text);
    *m = (struct messages){ 0 };
}
