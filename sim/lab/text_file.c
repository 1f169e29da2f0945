/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

char *text_load(const char *path, size_t *length)
{
    char *text = malloc(TEXT_FILE_BYTES + 2);
    FILE *in = text ? fopen(path, "rb") : NULL;
    int failed = errno;

    if (in) {
        *length = fread(text, 1, TEXT_FILE_BYTES + 1, in);
        failed = ferror(in) ? errno : 0;
        fclose(in);
    }
    if (!in || failed) {
        free(text);
        errno = failed;
        return NULL;
    }
    text[*length] = '\0';
    return text;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none: no overlong forms, no surrogates. The NUL at the
 * end is no continuation, so nothing behind it is read. */
static size_t utf8_length(const char *s)
{
    unsigned char a = (unsigned char)s[0], b = a ? (unsigned char)s[1] : 0;
    size_t n = a < 0x80 ? 1 : a >= 0xc2 && a < 0xe0 ? 2 : (a & 0xf0) == 0xe0 ? 3 : a >= 0xf0 && a < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < n; i++)
        if (!utf8_continues(s[i]))
            return 0;
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b >= 0xa0) || (a == 0xf0 && b < 0x90) || (a == 0xf4 && b >= 0x90))
        return 0;
    return n;
}

const char *text_check(const char *text, size_t length, size_t *offset)
{
    size_t n;

    for (size_t i = 0; i < length; i += n) {
        *offset = i;
        n = utf8_length(text + i);
        if (n == 0)
            return "this byte is not UTF-8";
        if (text[i] == '\0')
            return "a NUL byte: this is no text file";
    }
    return NULL;
}
