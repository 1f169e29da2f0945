/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_begin(struct json *j, FILE *out)
{
    *j = (struct json){ .out = out };
}

static void indent(struct json *j)
{
    fprintf(j->out, "\n%*s", 2 * j->depth, "");
}

/* Length of the UTF-8 sequence at `s` (RFC 3629: no overlong forms, no surrogates), 0 if there is none. */
static int utf8_length(const unsigned char *s)
{
    unsigned char lo = 0x80, hi = 0xbf;
    int length;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == 0xe0)
        lo = 0xa0;
    else if (s[0] == 0xed)
        hi = 0x9f;
    else if (s[0] == 0xf0)
        lo = 0x90;
    else if (s[0] == 0xf4)
        hi = 0x8f;
    if (s[1] < lo || s[1] > hi)
        return 0;
    for (int i = 2; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

void json_quote(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    fputc('"', out);
    while (*s) {
        int length = utf8_length(s);

        if (length == 0) {
            fputs("\\ufffd", out);
            s++;
        } else if (*s == '"' || *s == '\\') {
            fprintf(out, "\\%c", *s++);
        } else if (*s < ' ' || *s == 0x7f) {
            fprintf(out, "\\u%04x", *s++);
        } else {
            fwrite(s, 1, (size_t)length, out);
            s += length;
        }
    }
    fputc('"', out);
}

/* What comes before a value: comma, new line, key. */
static void lead(struct json *j, const char *key)
{
    bool *filled = &j->filled[j->depth];

    assert(j->depth == 0 || (key != NULL) == (j->close[j->depth] == '}'));
    if (*filled)
        fputc(',', j->out);
    if (j->depth > 0)
        indent(j);
    *filled = true;
    if (key) {
        json_quote(j->out, key);
        fputs(": ", j->out);
    }
}

static void open_level(struct json *j, const char *key, char opening, char closing)
{
    lead(j, key);
    fputc(opening, j->out);
    j->depth++;
    assert(j->depth < JSON_DEPTH);
    j->filled[j->depth] = false;
    j->close[j->depth] = closing;
}

void json_object(struct json *j, const char *key) { open_level(j, key, '{', '}'); }
void json_array(struct json *j, const char *key)  { open_level(j, key, '[', ']'); }

void json_end(struct json *j)
{
    assert(j->depth > 0);
    char closing = j->close[j->depth];
    bool filled = j->filled[j->depth];

    j->depth--;
    if (filled)
        indent(j);
    fputc(closing, j->out);
}

void json_finish(struct json *j)
{
    while (j->depth > 0)
        json_end(j);
    fputc('\n', j->out);
}

void json_text(struct json *j, const char *key, const char *text)
{
    if (!text) {
        json_null(j, key);
        return;
    }
    lead(j, key);
    json_quote(j->out, text);
}

void json_uint(struct json *j, const char *key, uint64_t n)
{
    lead(j, key);
    fprintf(j->out, "%" PRIu64, n);
}

void json_int(struct json *j, const char *key, int64_t n)
{
    lead(j, key);
    fprintf(j->out, "%" PRId64, n);
}

void json_real(struct json *j, const char *key, double x)
{
    char text[40];

    if (!isfinite(x)) {
        json_null(j, key);
        return;
    }
    lead(j, key);
    /* 15 digits are what people expect to see (0.1, not 0.10000000000000001); 17 are always enough. */
    snprintf(text, sizeof text, "%.15g", x);
    if (strtod(text, NULL) != x)
        snprintf(text, sizeof text, "%.17g", x);
    for (char *c = text; *c; c++)
        if (*c == ',')
            *c = '.';
    fputs(text, j->out);
}

void json_bool(struct json *j, const char *key, bool b)
{
    lead(j, key);
    fputs(b ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
    lead(j, key);
    fputs("null", j->out);
}
