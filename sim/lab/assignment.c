/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/assignment.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIPLE = 3, WHY = 512 };

/* ---- the list ---- */

void assignments_free(struct assignments *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->at[i].text);
    for (int i = 0; i < list->files; i++)
        free(list->file[i]);
    free(list->at);
    free(list->file);
    *list = (struct assignments){ 0 };
}

/* Index of a file name, -1 when out of memory. */
static int intern_file(struct assignments *list, const char *name)
{
    char **grown;

    for (int i = list->files - 1; i >= 0; i--)
        if (strcmp(list->file[i], name) == 0)
            return i;
    grown = realloc(list->file, ((size_t)list->files + 1) * sizeof *grown);
    if (!grown)
        return -1;
    list->file = grown;
    grown[list->files] = strdup(name);
    return grown[list->files] ? list->files++ : -1;
}

/* A new last element, zeroed; NULL when out of memory. */
static struct assignment *append(struct assignments *list)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct assignment *grown = realloc(list->at, capacity * sizeof *grown);

        if (!grown)
            return NULL;
        list->at = grown;
        list->capacity = capacity;
    }
    list->at[list->n] = (struct assignment){ 0 };
    return &list->at[list->n++];
}

int assignments_copy(struct assignments *to, const struct assignments *from)
{
    for (int i = 0; i < from->files; i++)
        if (intern_file(to, from->file[i]) != i)
            goto no_memory;
    for (size_t i = 0; i < from->n; i++) {
        struct assignment *a = append(to);

        if (!a)
            goto no_memory;
        *a = from->at[i];
        if (a->text && !(a->text = strdup(a->text)))
            goto no_memory;
    }
    return 0;
no_memory:
    assignments_free(to);
    return -1;
}

/* ---- places ---- */

struct place assignment_place(const struct assignments *list, const struct assignment *a)
{
    return (struct place){ list->file[a->file], a->line, a->column };
}

void complain(struct messages *m, struct place p, const char *format, ...)
{
    char sentence[2 * WHY];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (p.line > 0)
        messages_add(m, "%s:%d:%d: %s", p.file, p.line, p.column, sentence);
    else
        messages_add(m, "%s: %s", p.file, sentence);
}

/* ---- one assignment ---- */

static int assign_one(struct assignments *list, const struct param_ref *ref, const char *text, enum level level,
                      struct place key_place, struct place value_place, struct messages *m)
{
    bool is_text = ref->row->unit == UNIT_TEXT;
    const char *wrong = NULL;
    struct assignment *a;
    char why[WHY];
    int64_t value = 0;
    int file;

    if (!is_text)
        wrong = value_parse(ref->row, text, &value, why, sizeof why);
    if (wrong) {
        complain(m, value_place, "%s", wrong);
        return -1;
    }
    file = intern_file(list, key_place.file);
    a = file < 0 ? NULL : append(list);
    if (!a || (is_text && !(a->text = strdup(text)))) {
        complain(m, key_place, "out of memory");
        return -1;
    }
    a->ref = *ref;
    a->value = value;
    a->level = level;
    a->named = (ref->instance[0] != '\0') + (ref->queue >= 0);
    a->file = file;
    a->line = key_place.line;
    a->column = key_place.column;
    return 0;
}

/* ---- three values ---- */

static bool find_parts(const char *key, const char *const part[TRIPLE], struct param_ref ref[TRIPLE])
{
    char name[300], why[WHY];

    for (int i = 0; i < TRIPLE; i++) {
        snprintf(name, sizeof name, "%.255s.%s", key, part[i]);
        if (param_find(name, &ref[i], why, sizeof why) != 0)
            return false;
    }
    return true;
}

/* A buffer's three sizes, or a protocol's three amounts of memory. */
static bool find_triple(const char *key, struct param_ref ref[TRIPLE])
{
    static const char *const sizes[TRIPLE] = { "min", "default", "max" }, *const amounts[TRIPLE] = { "min", "pressure", "max" };

    return find_parts(key, sizes, ref) || find_parts(key, amounts, ref);
}

/* Cuts at spaces and tabs, as sysctl prints them. Returns how many, counting on beyond TRIPLE. */
static int split(char *text, const char *word[TRIPLE])
{
    char *state = NULL;
    int n = 0;

    for (char *w = strtok_r(text, " \t", &state); w; w = strtok_r(NULL, " \t", &state), n++)
        if (n < TRIPLE)
            word[n] = w;
    return n;
}

static int assign_triple(struct assignments *list, const char *key, const struct param_ref ref[TRIPLE],
                         const char *const *value, int values, enum level level, struct place key_place,
                         struct place value_place, struct messages *m)
{
    const char *word[TRIPLE];
    char *text = NULL;
    int result = -1;

    if (values == 1) {
        text = strdup(value[0]);
        if (!text) {
            complain(m, key_place, "out of memory");
            return -1;
        }
        values = split(text, word);
        value = word;
    }
    if (values != TRIPLE) {
        complain(m, value_place, "%s needs three values (min default max), got %d", key, values);
    } else {
        result = 0;
        for (int i = 0; i < TRIPLE; i++)
            if (assign_one(list, &ref[i], value[i], level, key_place, value_place, m) != 0)
                result = -1;
    }
    free(text);
    return result;
}

int assign(struct assignments *list, const char *key, const char *const *value, int values, enum level level,
           struct place key_place, struct place value_place, struct messages *m)
{
    struct param_ref ref, triple[TRIPLE];
    char why[WHY];

    if (param_find(key, &ref, why, sizeof why) != 0) {
        if (find_triple(key, triple))
            return assign_triple(list, key, triple, value, values, level, key_place, value_place, m);
        complain(m, key_place, "%s", why);
        return -1;
    }
    if (values != 1) {
        complain(m, value_place, "%s takes one value, not a list", ref.row->name);
        return -1;
    }
    return assign_one(list, &ref, value[0], level, key_place, value_place, m);
}
