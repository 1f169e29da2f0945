/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from outside: read with a cap, and checked to be text. */
#ifndef SIM_LAB_TEXT_FILE_H
#define SIM_LAB_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_FILE_BYTES = 1 << 20 };     /* a scenario is at most so long */

/* The content, malloc'ed, with a NUL behind it: at most TEXT_FILE_BYTES + 1 bytes, so that the caller can tell what
 * is too long. NULL with errno set if it cannot be read. */
char *text_load(const char *path, size_t *length);

/* What is no text in `text`, as a sentence, and its first byte in *offset; NULL if it is valid UTF-8 without NUL.
 * text[length] must be readable and NUL. */
const char *text_check(const char *text, size_t length, size_t *offset);

static inline bool utf8_continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

#endif
