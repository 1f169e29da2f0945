/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A configuration as lines `key: value` that read back to the same configuration.
 *
 * A parameter that is the same in all instances is one line. Where instances differ, the first one's value is the
 * line for all, and each that differs gets a line of its own. Names are made by being mentioned, so the first
 * parameter of a scope mentions them all, in order, unless there is only the name it would have anyway. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/scenario.h"

enum { LINE_KEY = 320 };

/* One line; `value` is the number behind the row. */
typedef void line_fn(void *user, const struct config *c, const char *key, const struct param *row, int64_t value);

struct printer {
    const struct config *c;
    line_fn *line;
    void *user;
    bool named[SCOPES];         /* the scope's instances have all been mentioned */
};

static const char *default_name(enum scope s)
{
    return s == SCOPE_TRAFFIC ? "traffic" : s == SCOPE_APP ? "app" : "eth0";
}

/* True once for each scope whose instances need mentioning. Queues belong to their NIC. */
static bool must_name(struct printer *p, enum scope s)
{
    if (s == SCOPE_HOST || p->named[s])
        return false;
    p->named[s] = true;
    if (s == SCOPE_NIC || s == SCOPE_QUEUE)
        p->named[SCOPE_NIC] = p->named[SCOPE_QUEUE] = true;
    return config_instances(p->c, s) > 1 || strcmp(config_instance_name(p->c, s, 0), default_name(s)) != 0;
}

/* nic.ring.rx -> nic[eth1].ring.rx, nic.queue.rps_cpus -> nic[eth1].queue[3].rps_cpus (queue < 0: of all). */
static void print_for(struct printer *p, const struct model_info *m, const struct param *row, int instance,
                      int queue)
{
    static const char in_queue[] = "nic.queue.";
    const char *rest = strchr(row->name, '.'), *name = config_instance_name(p->c, m->scope, instance);
    int64_t value = *config_at(p->c, m, row, instance, queue < 0 ? 0 : queue);
    char key[LINE_KEY];

    if (queue < 0)
        snprintf(key, sizeof key, "%.*s[%s]%s", (int)(rest - row->name), row->name, name, rest);
    else
        snprintf(key, sizeof key, "nic[%s].queue[%d].%s", name, queue, row->name + strlen(in_queue));
    p->line(p->user, p->c, key, row, value);
}

static void print_queues(struct printer *p, const struct model_info *m, const struct param *row, int instance)
{
    int64_t first = *config_at(p->c, m, row, instance, 0);

    for (int q = 1; q < CONFIG_QUEUES; q++)
        if (*config_at(p->c, m, row, instance, q) != first)
            print_for(p, m, row, instance, q);
}

static void print_row(struct printer *p, const struct model_info *m, const struct param *row)
{
    int instances = config_instances(p->c, m->scope);
    bool name_all = must_name(p, m->scope);
    int64_t general = instances > 0 ? *config_at(p->c, m, row, 0, 0) : row->dflt;

    p->line(p->user, p->c, row->name, row, general);
    for (int i = 0; i < instances; i++) {
        if (name_all || *config_at(p->c, m, row, i, 0) != general)
            print_for(p, m, row, i, -1);
        if (m->scope == SCOPE_QUEUE)
            print_queues(p, m, row, i);
    }
}

static void print_all(const struct config *c, line_fn *line, void *user)
{
    struct printer p = { .c = c, .line = line, .user = user };

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t r = 0; r < (*m)->n_params; r++)
            print_row(&p, *m, &(*m)->params[r]);
}

/* ---- YAML ---- */

/* The code point at *s, which is valid UTF-8; moves *s behind it. */
static unsigned take_code_point(const unsigned char **s)
{
    unsigned first = *(*s)++, rest = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    unsigned code = first & (rest ? 0x3fU >> rest : 0x7fU);

    for (; rest > 0 && (**s & 0xc0) == 0x80; rest--)
        code = code << 6 | (*(*s)++ & 0x3fU);
    return code;
}

/* A double-quoted scalar. What is not printable ASCII is escaped: libyaml refuses some characters, and takes others
 * for line breaks. */
static void print_quoted(const char *text, FILE *out)
{
    const unsigned char *s = (const unsigned char *)text;

    putc('"', out);
    while (*s) {
        unsigned code = take_code_point(&s);

        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (int)code);
        else if (code >= ' ' && code < 0x7f)
            putc((int)code, out);
        else
            fprintf(out, code > 0xffff ? "\\U%08X" : "\\u%04X", code);
    }
    putc('"', out);
}

static void print_yaml(void *user, const struct config *c, const char *key, const struct param *row, int64_t value)
{
    FILE *out = user;
    char text[128];

    fprintf(out, "%s: ", key);
    if (row->unit == UNIT_TEXT) {
        print_quoted(c->text[value], out);
    } else {
        value_print(row, value, text, sizeof text);
        fputs(text, out);
    }
    putc('\n', out);
}

void scenario_print(const struct config *c, FILE *out)
{
    fputs("version: 1\n", out);
    print_all(c, print_yaml, out);
}

/* ---- JSON ---- */

static void print_json_text(const char *s, FILE *out)
{
    putc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(out, "\\u%04x", (unsigned)*s);
        else
            putc(*s, out);
    }
    putc('"', out);
}

struct json {
    FILE *out;
    bool comma;
};

static void print_json(void *user, const struct config *c, const char *key, const struct param *row, int64_t value)
{
    struct json *j = user;
    char text[128];

    fputs(j->comma ? ", " : "", j->out);
    j->comma = true;
    print_json_text(key, j->out);
    fputs(": ", j->out);
    if (row->unit != UNIT_TEXT)
        value_print(row, value, text, sizeof text);
    print_json_text(row->unit == UNIT_TEXT ? c->text[value] : text, j->out);
}

char *scenario_json(const struct config *c)
{
    char *text = NULL;
    size_t length;
    struct json j = { .out = open_memstream(&text, &length) };
    bool failed;

    if (!j.out)
        return NULL;
    putc('{', j.out);
    print_all(c, print_json, &j);
    putc('}', j.out);
    failed = ferror(j.out) != 0;
    if (fclose(j.out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
