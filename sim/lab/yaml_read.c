/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks events, not yaml_parser_load()'s tree: that one resolves aliases, so a few lines make a billion nodes.
 * Every file is bounded before and while it is read: bytes, depth, length of a scalar, files, assignments, errors. */
#include "sim/lab/yaml_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "sim/lab/include.h"
#include "sim/lab/text_file.h"

/* Generous for people, small for a machine: the largest scenario we have is 200 lines, 3 deep. */
enum {
    SCALAR_BYTES = 64 << 10, KEY_BYTES = 255, DEPTH = 16, SKIP_DEPTH = 64,
    INCLUDE_DEPTH = 8, INCLUDE_FILES = 64, ASSIGNMENTS = 10000, ERRORS = 100,
    LIST_VALUES = 8,            /* of a value that is a list; a triple has three */
};

/* What the files of one reading share. */
struct reading {
    struct assignments *list;
    struct messages *m;
    struct include_roots roots;
    size_t first;               /* length of the list before */
    int errors;                 /* messages before */
    int files;
    bool stop;                  /* give up: the rest would only repeat itself */
};

struct file {
    struct reading *r;
    const struct file *parent;  /* that includes this one */
    const char *name;           /* in messages, and where its includes are looked for */
    const char *real;           /* real path; NULL if read from memory */
    const char *text;
    size_t length;
    enum level level;
    int depth;                  /* of includes */
    size_t first;               /* its first assignment in the list */
    int keys;                   /* at the root, so far */
    yaml_parser_t parser;
    yaml_event_t event;         /* the current one */
};

static int read_include(struct file *f, const char *name, struct place p);

/* ---- places ---- */

static struct place mark_place(const struct file *f, yaml_mark_t mark)
{
    return (struct place){ f->name, (int)mark.line + 1, (int)mark.column + 1 };
}

static struct place event_place(const struct file *f)
{
    return mark_place(f, f->event.start_mark);
}

/* Line and column, counted in characters, of a byte. */
static struct place offset_place(const struct file *f, size_t offset)
{
    struct place p = { f->name, 1, 1 };

    for (size_t i = 0; i < offset && i < f->length; i++) {
        if (f->text[i] == '\n' || (f->text[i] == '\r' && f->text[i + 1] != '\n')) {
            p.line++;
            p.column = 1;
        } else if (!utf8_continues(f->text[i])) {
            p.column++;
        }
    }
    return p;
}

/* The byte at a mark, whose index counts characters; NUL at the end. */
static char byte_at(const struct file *f, yaml_mark_t mark)
{
    size_t i = 0;

    for (size_t characters = 0; i < f->length; i++)
        if (!utf8_continues(f->text[i]) && characters++ == mark.index)
            break;
    return i < f->length ? f->text[i] : '\0';
}

/* ---- events ---- */

static void explain_syntax(const struct file *f)
{
    const yaml_parser_t *p = &f->parser;
    struct messages *m = f->r->m;
    struct place at = mark_place(f, p->problem_mark);
    const char *problem = p->problem ? p->problem : "not YAML";
    char byte = byte_at(f, p->problem_mark);

    if (p->error == YAML_MEMORY_ERROR)
        complain(m, at, "out of memory");
    else if (p->error == YAML_READER_ERROR)
        complain(m, offset_place(f, p->problem_offset), "%s", problem);
    else if (byte == '\t')
        complain(m, at, "a tab: indent with spaces");
    else if (byte == '[' && strstr(problem, "expected ',' or '}'"))
        complain(m, at, "inside { } a key with [ ] needs quotes: \"queue[3]\": ..");
    else if (p->context)
        complain(m, at, "%s, %s", p->context, problem);
    else
        complain(m, at, "%s", problem);
}

/* True if the reading may go on. */
static bool within_limits(struct file *f)
{
    struct reading *r = f->r;

    if (!r->stop && r->m->count - r->errors >= ERRORS) {
        complain(r->m, event_place(f), "so many errors that the rest is not read");
        r->stop = true;
    }
    if (!r->stop && r->list->n - r->first > ASSIGNMENTS) {
        complain(r->m, event_place(f), "more than %d assignments", ASSIGNMENTS);
        r->stop = true;
    }
    return !r->stop;
}

/* Takes the next event; false if there is none to be had, with a message. */
static bool next(struct file *f)
{
    if (!within_limits(f))
        return false;
    yaml_event_delete(&f->event);
    if (!yaml_parser_parse(&f->parser, &f->event)) {
        explain_syntax(f);
        return false;
    }
    return true;
}

/* Passes over the node that begins at the current event. */
static bool skip_node(struct file *f)
{
    for (int open = 0;;) {
        switch (f->event.type) {
        case YAML_SEQUENCE_START_EVENT: case YAML_MAPPING_START_EVENT:
            open++;
            break;
        case YAML_SEQUENCE_END_EVENT: case YAML_MAPPING_END_EVENT:
            open--;
            break;
        default:
            break;
        }
        if (open == 0)
            return true;
        if (open > SKIP_DEPTH) {        /* libyaml looks at every open bracket for every token: quadratic */
            complain(f->r->m, event_place(f), "nested more than %d deep: the rest is not read", SKIP_DEPTH);
            f->r->stop = true;
            return false;
        }
        if (!next(f))
            return false;
    }
}

/* What makes YAML more than a notation for values, and a file not mean what it seems to. */
static bool check_plain(struct file *f)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    switch (f->event.type) {
    case YAML_ALIAS_EVENT:
        complain(f->r->m, event_place(f), "aliases (*name) are not read");
        return false;
    case YAML_SCALAR_EVENT:
        anchor = f->event.data.scalar.anchor;
        tag = f->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = f->event.data.sequence_start.anchor;
        tag = f->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = f->event.data.mapping_start.anchor;
        tag = f->event.data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        complain(f->r->m, event_place(f), "anchors (&name) are not read");
    if (tag)
        complain(f->r->m, event_place(f), "tags (!name) are not read");
    return !anchor && !tag;
}

/* The current scalar's text if it is one that a key or a value may be; else NULL and a message. */
static const char *scalar_text(struct file *f, size_t most, const char *what)
{
    const char *text = (const char *)f->event.data.scalar.value;
    size_t length = f->event.data.scalar.length;

    if (length > most)
        complain(f->r->m, event_place(f), "a %s of %zu bytes; at most %zu", what, length, most);
    else if (strlen(text) != length)
        complain(f->r->m, event_place(f), "a NUL in a %s", what);
    else
        return text;
    return NULL;
}

/* ---- values ---- */

static bool same_parameter(const struct assignment *a, const struct assignment *b)
{
    return a->ref.row == b->ref.row && a->ref.queue == b->ref.queue
        && strcmp(a->ref.instance, b->ref.instance) == 0;
}

/* Refuses what this file has already said, for assignments from `from` on. */
static void check_duplicates(struct file *f, size_t from)
{
    const struct assignments *list = f->r->list;

    for (size_t i = from; i < list->n; i++)
        for (size_t j = f->first; j < from; j++)
            if (same_parameter(&list->at[i], &list->at[j])) {
                complain(f->r->m, assignment_place(list, &list->at[i]), "%s is set twice, first in line %d",
                         list->at[i].ref.row->name, list->at[j].line);
                return;
            }
}

static void set(struct file *f, const char *key, const char *const *value, int values, struct place key_place,
                struct place value_place)
{
    size_t before = f->r->list->n;

    assign(f->r->list, key, value, values, f->level, key_place, value_place, f->r->m);
    check_duplicates(f, before);
}

static void read_scalar(struct file *f, const char *key, struct place key_place)
{
    const char *text = scalar_text(f, SCALAR_BYTES, "value");
    bool missing = f->event.data.scalar.length == 0 && f->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (!text || (missing && byte_at(f, f->event.start_mark) == '['))
        return;                 /* {queue[3]: ..}: the next event fails, and says why */
    if (missing)
        complain(f->r->m, key_place, "'%.80s' has no value", key);
    else
        set(f, key, &text, 1, key_place, event_place(f));
}

/* Copies the current event as one more value of a list; false, with a message, if it cannot be one. */
static bool take_list_value(struct file *f, const char *key, char **value, int *values)
{
    const char *text;

    if (!check_plain(f) || f->event.type != YAML_SCALAR_EVENT || *values == LIST_VALUES) {
        complain(f->r->m, event_place(f), "'%.80s' takes no such list; several of a kind have names, as traffic[web]: {..}", key);
        return false;
    }
    text = scalar_text(f, SCALAR_BYTES, "value");
    if (!text)
        return false;
    value[*values] = strdup(text);
    if (!value[*values]) {
        complain(f->r->m, event_place(f), "out of memory");
        return false;
    }
    ++*values;
    return true;
}

/* A list of scalars: of interest only to keys that take three values. */
static bool read_list(struct file *f, const char *key, struct place key_place)
{
    struct place list_place = event_place(f);
    char *value[LIST_VALUES];
    int values = 0;
    bool good = true, more;

    while ((more = next(f)) && f->event.type != YAML_SEQUENCE_END_EVENT) {
        good = good && take_list_value(f, key, value, &values);
        if (!(more = skip_node(f)))
            break;
    }
    if (more && good)
        set(f, key, (const char *const *)value, values, key_place, list_place);
    while (values > 0)
        free(value[--values]);
    return more;
}

/* ---- keys of the file itself ---- */

static bool read_version(struct file *f, struct place p)
{
    if (f->keys > 1) {
        complain(f->r->m, p, "'version' comes first, and once");
    } else if (f->event.type != YAML_SCALAR_EVENT || strcmp((const char *)f->event.data.scalar.value, "1") != 0) {
        complain(f->r->m, event_place(f), "this program reads 'version: 1' only");
    }
    return skip_node(f);
}

static void read_include_scalar(struct file *f)
{
    const char *name = check_plain(f) && f->event.type == YAML_SCALAR_EVENT
                     ? scalar_text(f, KEY_BYTES, "path") : NULL;

    if (name)
        read_include(f, name, event_place(f));
    else
        complain(f->r->m, event_place(f), "'include' takes a path or a list of paths");
}

/* Includes come before all assignments, so that within a level what includes beats what is included. */
static bool read_includes(struct file *f, struct place p)
{
    if (f->keys > 2) {
        complain(f->r->m, p, "'include' comes right after 'version', and once");
        return skip_node(f);
    }
    if (f->event.type != YAML_SEQUENCE_START_EVENT) {
        read_include_scalar(f);
        f->first = f->r->list->n;
        return skip_node(f);
    }
    for (;;) {
        if (!next(f))
            return false;
        if (f->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        read_include_scalar(f);
        if (!skip_node(f))
            return false;
    }
    f->first = f->r->list->n;
    return true;
}

/* ---- mappings ---- */

static bool read_mapping(struct file *f, const char *prefix, int depth);

/* The value of `key`, at the current event. */
static bool read_value(struct file *f, const char *key, struct place key_place, int depth)
{
    switch (f->event.type) {
    case YAML_SCALAR_EVENT:
        read_scalar(f, key, key_place);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        return read_list(f, key, key_place);
    default:
        break;
    }
    if (depth == DEPTH) {
        complain(f->r->m, event_place(f), "nested more than %d deep", DEPTH);
        return skip_node(f);
    }
    return read_mapping(f, key, depth + 1);
}

/* Copies the current event, a key, behind its prefix; false and a message if it is none. */
static bool join_key(struct file *f, const char *prefix, char *key, size_t size)
{
    const char *text;

    if (!check_plain(f))
        return false;
    if (f->event.type != YAML_SCALAR_EVENT) {
        complain(f->r->m, event_place(f), "a key is a name, not a list or a mapping");
        return false;
    }
    text = scalar_text(f, KEY_BYTES, "key");
    if (text && *text && (size_t)snprintf(key, size, "%s%s%s", prefix, *prefix ? "." : "", text) < size)
        return true;
    if (text)
        complain(f->r->m, event_place(f), *text ? "this key is too long" : "an empty key");
    return false;
}

/* The first key is `version`. Where it is not, that is said once, and it counts as if it had been there. */
static void count_root_key(struct file *f, const char *key, struct place p)
{
    if (f->keys == 0 && strcmp(key, "version") != 0) {
        complain(f->r->m, p, "a scenario begins with 'version: 1'");
        f->keys++;
    }
    f->keys++;
}

/* One key and its value; the current event is the key. */
static bool read_pair(struct file *f, const char *prefix, int depth)
{
    struct place p = event_place(f);
    char key[KEY_BYTES + 1];

    if (!join_key(f, prefix, key, sizeof key))
        return skip_node(f) && next(f) && skip_node(f);
    if (!next(f))
        return false;
    if (!check_plain(f))
        return skip_node(f);
    if (depth == 1)
        count_root_key(f, key, p);
    if (depth == 1 && strcmp(key, "version") == 0)
        return read_version(f, p);
    if (depth == 1 && strcmp(key, "include") == 0)
        return read_includes(f, p);
    return read_value(f, key, p, depth);
}

static bool read_mapping(struct file *f, const char *prefix, int depth)
{
    for (;;) {
        if (!next(f))
            return false;
        if (f->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (!read_pair(f, prefix, depth))
            return false;
    }
}

/* ---- files ---- */

/* The stream: one document that is a mapping. */
static void read_document(struct file *f)
{
    if (!next(f) || !next(f))   /* STREAM-START, DOCUMENT-START */
        return;
    if (f->event.type == YAML_STREAM_END_EVENT) {
        complain(f->r->m, event_place(f), "nothing here; a scenario begins with 'version: 1'");
        return;
    }
    if (!next(f))
        return;
    if (!check_plain(f) || f->event.type != YAML_MAPPING_START_EVENT) {
        complain(f->r->m, event_place(f), "a scenario is lines of 'key: value', the first 'version: 1'");
        return;
    }
    if (!read_mapping(f, "", 1) || !next(f) || !next(f))        /* DOCUMENT-END, STREAM-END */
        return;
    if (f->event.type != YAML_STREAM_END_EVENT)
        complain(f->r->m, event_place(f), "a second document: a scenario is one");
}

static void read_text(struct file *f)
{
    static const char bom[] = "\xef\xbb\xbf";
    const char *wrong;
    size_t offset;

    f->first = f->r->list->n;
    if (f->length > TEXT_FILE_BYTES) {
        complain(f->r->m, (struct place){ f->name, 0, 0 }, "larger than %d bytes", TEXT_FILE_BYTES);
        return;
    }
    if (f->length >= 3 && memcmp(f->text, bom, 3) == 0) {
        f->text += 3;
        f->length -= 3;
    }
    wrong = text_check(f->text, f->length, &offset);
    if (wrong) {
        complain(f->r->m, offset_place(f, offset), "%s", wrong);
        return;
    }
    if (!yaml_parser_initialize(&f->parser)) {
        complain(f->r->m, (struct place){ f->name, 0, 0 }, "out of memory");
        return;
    }
    yaml_parser_set_encoding(&f->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&f->parser, (const unsigned char *)f->text, f->length);
    memset(&f->event, 0, sizeof f->event);
    read_document(f);
    yaml_event_delete(&f->event);
    yaml_parser_delete(&f->parser);
}

static int include_path(struct file *f, const char *name, const char *path, const char *real, struct place p)
{
    struct file inner = { .r = f->r, .parent = f, .name = path, .real = real, .depth = f->depth + 1 };
    char *text;

    for (const struct file *outer = f; outer; outer = outer->parent)
        if (outer->real && strcmp(outer->real, real) == 0) {
            complain(f->r->m, p, "include '%.200s' includes itself", name);
            return -1;
        }
    text = text_load(path, &inner.length);
    if (!text) {
        complain(f->r->m, p, "include '%.200s': %s", name, strerror(errno));
        return -1;
    }
    inner.text = text;
    inner.level = include_level(&f->r->roots, real);
    read_text(&inner);
    free(text);
    return 0;
}

static int read_include(struct file *f, const char *name, struct place p)
{
    char *path, *real, why[512];
    int result;

    if (f->depth == INCLUDE_DEPTH || f->r->files++ == INCLUDE_FILES) {
        complain(f->r->m, p, "include '%.200s': more than %d files deep or %d in all", name, INCLUDE_DEPTH,
                 INCLUDE_FILES);
        f->r->stop = true;
        return -1;
    }
    path = include_find(&f->r->roots, f->real ? f->name : NULL, name, &real, why, sizeof why);
    if (!path) {
        complain(f->r->m, p, "include '%.200s' %s", name, why);
        return -1;
    }
    result = include_path(f, name, path, real, p);
    free(path);
    free(real);
    return result;
}

/* ---- entry ---- */

static int read_all(struct file *f, struct reading *r, const char *folder, const char *data_dir)
{
    r->first = r->list->n;
    r->errors = r->m->count;
    include_roots_init(&r->roots, folder, data_dir);
    f->r = r;
    read_text(f);
    include_roots_free(&r->roots);
    return r->m->count > r->errors ? -1 : 0;
}

int yaml_read_text(const char *text, size_t length, const char *name, enum level level, const char *data_dir,
                   struct assignments *list, struct messages *m)
{
    struct reading r = { .list = list, .m = m };
    struct file f = { .name = name, .level = level, .length = length };
    char *copy = malloc(length + 1);            /* a NUL behind the end spares every look-ahead a test */
    int result;

    if (!copy) {
        messages_add(m, "%s: out of memory", name);
        return -1;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    f.text = copy;
    result = read_all(&f, &r, NULL, data_dir);
    free(copy);
    return result;
}

int yaml_read_file(const char *path, enum level level, const char *data_dir, struct assignments *list,
                   struct messages *m, char **text)
{
    const char *slash = strrchr(path, '/');
    struct reading r = { .list = list, .m = m };
    struct file f = { .name = path, .level = level };
    char *content = text_load(path, &f.length), *real, *folder;
    int result;

    if (!content) {
        messages_add(m, "%s: %s", path, strerror(errno));
        return -1;
    }
    real = realpath(path, NULL);
    folder = slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
    f.real = real;
    f.text = content;
    result = read_all(&f, &r, folder, data_dir);
    free(real);
    free(folder);
    if (text)
        *text = content;
    else
        free(content);
    return result;
}
