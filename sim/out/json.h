/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One JSON document (RFC 8259), written as it is produced: nothing is kept but how deep we are.
 *
 * Inside an object every call names its key; inside an array the key is NULL. Numbers do not depend on the
 * locale; reals read back as the same double; what is not finite becomes null. Bytes that are not UTF-8 become
 * U+FFFD, so that the document is valid whatever a file name holds. */
#ifndef SIM_OUT_JSON_H
#define SIM_OUT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 32 };

struct json {
    FILE *out;
    int depth;
    bool filled[JSON_DEPTH];    /* a value precedes the next one: a comma is due */
    char close[JSON_DEPTH];
};

void json_begin(struct json *j, FILE *out);
/* Closes what is open and ends the line. */
void json_finish(struct json *j);

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j);

void json_text(struct json *j, const char *key, const char *text);      /* NULL text: null */
void json_uint(struct json *j, const char *key, uint64_t n);
void json_int(struct json *j, const char *key, int64_t n);
void json_real(struct json *j, const char *key, double x);
void json_bool(struct json *j, const char *key, bool b);
void json_null(struct json *j, const char *key);

/* A text with quotes and escapes, for writers that build JSON by other means. */
void json_quote(FILE *out, const char *text);

#endif
