/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/suite.h"

#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "sim/lab/text_file.h"

/* ---- the file as libyaml's document: aliases share a node, so none can blow up ---- */

struct reading {
    struct suite *s;
    yaml_document_t document;
    struct messages *m;
    int bad;
};

static void complain(struct reading *r, const yaml_node_t *n, const char *what, const char *word)
{
    messages_add(r->m, "%s:%lu:%lu: %s%s", r->s->path, (unsigned long)n->start_mark.line + 1,
                 (unsigned long)n->start_mark.column + 1, what, word);
    r->bad++;
}

static yaml_node_t *node(struct reading *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

static const char *text_of(struct reading *r, const yaml_node_t *n)
{
    if (n->type == YAML_SCALAR_NODE)
        return (const char *)n->data.scalar.value;
    complain(r, n, "one value is expected here", "");
    return "";
}

/* ---- the fields of an entry, by name ---- */

struct field;
typedef void take_fn(struct reading *r, const yaml_node_t *n, const struct field *f, void *to);

struct field {
    const char *key;            /* NULL ends a list of fields */
    take_fn *take;
    size_t at;                  /* of the value in its entry */
    const struct field *of;     /* what the value consists of, where it is a map or a list of maps */
    size_t size, count_at;      /* of an entry of the list; of their number */
};

static void take_map(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    if (n->type != YAML_MAPPING_NODE) {
        complain(r, n, "a map {key: value, ..} is expected here", "");
        return;
    }
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = node(r, p->key), *value = node(r, p->value);
        const struct field *of = f->of;
        while (of->key && strcmp(of->key, text_of(r, key)) != 0)
            of++;
        if (of->key)
            of->take(r, value, of, (char *)to + of->at);
        else
            complain(r, key, "unknown key: ", text_of(r, key));
    }
}

static void take_text(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    char **text = to;

    (void)f;
    free(*text);
    *text = strdup(text_of(r, n));
}

/* A list, or one value. */
static void take_list(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    char **text = to;
    int k = 0;

    if (n->type != YAML_SEQUENCE_NODE) {
        take_text(r, n, f, text);
        return;
    }
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        if (k == SUITE_BY - 1) {
            complain(r, n, "a list holds at most seven values", "");
            return;
        }
        take_text(r, node(r, *i), f, &text[k++]);
    }
}

/* "2%" or "0.02". */
static void take_number(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    const char *text = text_of(r, n);
    char *end;
    double x = strtod(text, &end);

    (void)f;
    if (end != text && strcmp(end, "%") == 0)
        x /= 100;
    else if (end == text || *end)
        complain(r, n, "not a number, nor a share such as 5%: ", text);
    *(double *)to = x;
}

static void take_count(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    double x = 0;

    take_number(r, n, f, &x);
    if (!(x >= 1 && x <= SUITE_RUNS) || x != (double)(int)x)
        complain(r, n, "a whole number from 1 on is expected here, not ", text_of(r, n));
    *(double *)to = x;
}

/* A share, or a text that the row's cells make one. */
static void take_share(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    double x;

    take_text(r, n, f, to);
    if (!strchr(text_of(r, n), '{') && strcmp(text_of(r, n), "ci") != 0)
        take_number(r, n, f, &x);
}

/* One of two words. */
static void take_either(struct reading *r, const yaml_node_t *n, const char *yes, const char *no, bool *to)
{
    *to = strcmp(text_of(r, n), yes) == 0;
    if (!*to && strcmp(text_of(r, n), no) != 0) {
        messages_add(r->m, "%s:%lu: %s or %s is expected here, not %s", r->s->path,
                     (unsigned long)n->start_mark.line + 1, yes, no, text_of(r, n));
        r->bad++;
    }
}

static void take_yes(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    (void)f;
    take_either(r, n, "yes", "no", to);
}

static void take_off(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    (void)f;
    take_either(r, n, "off", "on", to);
}

static void take_falls(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    (void)f;
    take_either(r, n, "falls", "rises", to);
}

static void take_version(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    (void)f;
    (void)to;
    if (strcmp(text_of(r, n), "1") != 0)
        complain(r, n, "this program reads version 1, not ", text_of(r, n));
}

/* A list of maps becomes an array of entries. */
static void take_entries(struct reading *r, const yaml_node_t *n, const struct field *f, void *to)
{
    int *count = (int *)(void *)((char *)r->s + f->count_at);

    if (n->type != YAML_SEQUENCE_NODE) {
        complain(r, n, "a list of maps is expected here", "");
        return;
    }
    if (*(void **)to) {
        complain(r, n, "a second list of ", f->key);
        return;
    }
    size_t room = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    char *entries = calloc(room + 1, f->size);
    if (!entries) {
        complain(r, n, "out of memory", "");
        return;
    }
    *(void **)to = entries;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        char *entry = entries + f->size * (size_t)(*count)++;
        *(int *)(void *)entry = (int)node(r, *i)->start_mark.line + 1;      /* its `line` */
        take_map(r, node(r, *i), f, entry);
    }
}

#define FIELD(owner, key, member, take)  { key, take, offsetof(struct owner, member), NULL, 0, 0 }
#define ENTRIES(key, member, count, fields) \
    { key, take_entries, offsetof(struct suite, member), fields, sizeof *((struct suite *)0)->member, \
      offsetof(struct suite, count) }
#define END  { NULL, NULL, 0, NULL, 0, 0 }

static const struct field map_fields[] = {
    FIELD(suite_map, "column", column, take_text), FIELD(suite_map, "is", is, take_text),
    FIELD(suite_map, "set", set, take_text), FIELD(suite_map, "to", to, take_text),
    FIELD(suite_map, "before", before, take_text), FIELD(suite_map, "by", by, take_list), END
};

static const struct field poisson_fields[] = {
    FIELD(suite_poisson, "column", column, take_text), FIELD(suite_poisson, "is", is, take_text),
    FIELD(suite_poisson, "mean", mean, take_text), FIELD(suite_poisson, "n", n, take_text),
    FIELD(suite_poisson, "seed", seed, take_text), FIELD(suite_poisson, "frame", frame, take_text), END
};

static const struct field metric_fields[] = {
    FIELD(suite_metric, "column", column, take_text), FIELD(suite_metric, "from", from, take_text),
    FIELD(suite_metric, "within", within, take_share), FIELD(suite_metric, "of", of, take_text),
    FIELD(suite_metric, "least", least, take_number), FIELD(suite_metric, "spread", spread, take_number),
    FIELD(suite_metric, "by", by, take_list), FIELD(suite_metric, "rows", rows, take_text),
    FIELD(suite_metric, "over", over, take_text), FIELD(suite_metric, "less", less, take_text), FIELD(suite_metric, "coverage", coverage, take_text),
    FIELD(suite_metric, "printed", printed, take_yes), END
};

static const struct field bound_fields[] = {
    FIELD(suite_bound, "column", column, take_text), FIELD(suite_bound, "rows", rows, take_text),
    FIELD(suite_bound, "at_least", at_least, take_text), FIELD(suite_bound, "at_most", at_most, take_text), END
};

static const struct field check_fields[] = {
    FIELD(suite_check, "id", id, take_text), FIELD(suite_check, "what", what, take_text),
    FIELD(suite_check, "rows", rows, take_text), FIELD(suite_check, "along", along, take_text),
    FIELD(suite_check, "value", value, take_text), FIELD(suite_check, "is", falls, take_falls),
    FIELD(suite_check, "slack", slack, take_number), FIELD(suite_check, "least", least, take_number), END
};

static const struct field printed_fields[] = {
    FIELD(suite_printed, "rows", rows, take_text), FIELD(suite_printed, "column", column, take_text),
    FIELD(suite_printed, "is", is, take_text), FIELD(suite_printed, "why", why, take_text),
    FIELD(suite_printed, "run", not_run, take_off), END
};

static const struct field fitted_fields[] = {
    FIELD(suite_fitted, "rows", rows, take_text), FIELD(suite_fitted, "what", what, take_text), END
};

static const struct field chaos_fields[] = {
    FIELD(suite, "key", chaos_key, take_text), FIELD(suite, "values", chaos_value, take_list),
    FIELD(suite, "at_most", chaos_at_most, take_number), END
};

static const struct field suite_fields[] = {
    { "version", take_version, 0, NULL, 0, 0 },
    FIELD(suite, "what", what, take_text), FIELD(suite, "parts", parts, take_list),
    FIELD(suite, "rows", rows, take_text), FIELD(suite, "id", id, take_text),
    FIELD(suite, "scenario", scenario, take_text),
    FIELD(suite, "group", group, take_list), FIELD(suite, "pass", pass, take_number),
    FIELD(suite, "calibration", calibration, take_text), FIELD(suite, "reps", reps, take_count),
    FIELD(suite, "batches", batches, take_count), FIELD(suite, "confidence", confidence, take_number),
    { "chaos", take_map, 0, chaos_fields, 0, 0 },
    ENTRIES("map", map, maps, map_fields), ENTRIES("poisson", poisson, poissons, poisson_fields),
    ENTRIES("metrics", metric, metrics, metric_fields), ENTRIES("bounds", bound, bounds, bound_fields),
    ENTRIES("checks", check, checks, check_fields), ENTRIES("printed", printed, printeds, printed_fields),
    ENTRIES("fitted", fitted, fitteds, fitted_fields), END
};
static const struct field suite_field = { NULL, take_map, 0, suite_fields, 0, 0 };

/* Frees what the fields of an entry, or of the suite itself, hold. */
static void free_fields(const struct field *fields, void *entry)
{
    for (const struct field *f = fields; f->key; f++) {
        char **text = (char **)(void *)((char *)entry + f->at);
        if (f->take == take_text || f->take == take_share) {
            free(*text);
        } else if (f->take == take_list) {
            for (int k = 0; k < SUITE_BY; k++)
                free(text[k]);
        } else if (f->take == take_map) {
            free_fields(f->of, text);
        } else if (f->take == take_entries) {
            int count = *(int *)(void *)((char *)entry + f->count_at);
            for (int k = 0; k < count; k++)
                free_fields(f->of, *text + f->size * (size_t)k);
            free(*text);
        }
    }
}

/* ---- what must be there once all is read ---- */

static bool has_metric(const struct suite *s, const char *column)
{
    for (int i = 0; i < s->metrics; i++) {
        if (!s->metric[i].coverage && s->metric[i].column && strcmp(s->metric[i].column, column) == 0)
            return true;
    }
    return false;
}

static void want(struct reading *r, bool there, int line, const char *what)
{
    if (there)
        return;
    messages_add(r->m, "%s:%d: %s", r->s->path, line, what);
    r->bad++;
}

static void check_metrics(struct reading *r)
{
    struct suite *s = r->s;

    for (int i = 0; i < s->metrics; i++) {
        struct suite_metric *metric = &s->metric[i];
        want(r, metric->column != NULL, metric->line, "an entry of metrics needs a column");
        if (!metric->from && metric->column)
            metric->from = strdup(metric->column);
        if (metric->within && strcmp(metric->within, "ci") == 0) {
            metric->ci = true;
            free(metric->within);
            metric->within = NULL;
        }
        want(r, !(metric->ci && suite_of_two(metric)), metric->line, "a ratio of two rows has no interval of its own");
        want(r, !(metric->over && metric->less), metric->line, "over and less do not go together");
        if (metric->coverage && !has_metric(s, metric->coverage)) {
            messages_add(r->m, "%s:%d: coverage: there is no metric of column %s", s->path, metric->line,
                         metric->coverage);
            r->bad++;
        }
    }
    want(r, s->metrics <= SUITE_METRICS, 1, "a suite has at most 64 metrics");
}

static void check(struct reading *r)
{
    const struct suite *s = r->s;

    if (s->parts[0])
        return;
    want(r, s->rows && s->scenario && s->metrics > 0, 1, "a suite needs rows, scenario and metrics");
    want(r, s->confidence > 0 && s->confidence < 1, 1, "confidence is a share between 0 and 1");
    for (int i = 0; i < s->maps; i++)
        want(r, s->map[i].set && (!s->map[i].is || s->map[i].column), s->map[i].line,
             "an entry of map needs `set`, and with `is` a column");
    for (int i = 0; i < s->poissons; i++) {
        const struct suite_poisson *p = &s->poisson[i];
        want(r, p->column && p->is && p->mean && p->n && p->seed && p->frame, p->line,
             "an entry of poisson needs column, is, mean, n, seed and frame");
    }
    check_metrics(r);
    for (int i = 0; i < s->bounds; i++)
        want(r, s->bound[i].column && has_metric(s, s->bound[i].column), s->bound[i].line,
             "an entry of bounds needs the column of a metric");
    for (int i = 0; i < s->checks; i++) {
        const struct suite_check *c = &s->check[i];
        want(r, c->id && c->rows && c->along && c->value, c->line,
             "an entry of checks needs id, rows, along and value");
    }
    for (int i = 0; i < s->printeds; i++) {
        const struct suite_printed *p = &s->printed[i];
        want(r, p->rows && !p->column == !p->is, p->line, "an entry of printed needs rows, and column and is together");
    }
    for (int i = 0; i < s->fitteds; i++)
        want(r, s->fitted[i].rows && s->fitted[i].what, s->fitted[i].line, "an entry of fitted needs rows and what");
}

static int parse(struct suite *s, const char *text, size_t length, struct messages *m)
{
    struct reading r = { .s = s, .m = m };
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return -1;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (!yaml_parser_load(&parser, &r.document)) {
        messages_add(m, "%s:%lu:%lu: %s", s->path, (unsigned long)parser.problem_mark.line + 1,
                     (unsigned long)parser.problem_mark.column + 1, parser.problem ? parser.problem : "not YAML");
        yaml_parser_delete(&parser);
        return -1;
    }
    yaml_node_t *root = yaml_document_get_root_node(&r.document);
    if (root) {
        take_map(&r, root, &suite_field, s);
        check(&r);
    } else {
        messages_add(m, "%s: the file is empty", s->path);
        r.bad++;
    }
    yaml_document_delete(&r.document);
    yaml_parser_delete(&parser);
    return r.bad ? -1 : 0;
}

int suite_read(struct suite *s, const char *name, const char *data_dir, struct messages *m)
{
    size_t length;

    *s = (struct suite){ .name = strdup(name), .pass = 1, .chaos_at_most = 0.05, .reps = 1, .batches = 1,
                         .confidence = 0.999 };
    if (!s->name || asprintf(&s->path, "%s/truth/%s.yaml", data_dir, name) < 0) {
        s->path = NULL;
        messages_add(m, "%s: out of memory", name);
        return -1;
    }
    char *text = text_load(s->path, &length);
    if (!text) {
        messages_add(m, "%s: %s", s->path, strerror(errno));
        return -1;
    }
    int failed = parse(s, text, length, m);
    free(text);
    return failed;
}

void suite_free(struct suite *s)
{
    free_fields(suite_fields, s);
    free(s->name);
    free(s->path);
    *s = (struct suite){ 0 };
}

bool suite_matches(const char *globs, const char *text)
{
    char glob[256];

    while (globs && *globs) {
        size_t n = strcspn(globs, " ");
        if (n > 0 && n < sizeof glob) {
            memcpy(glob, globs, n);
            glob[n] = '\0';
            if (fnmatch(glob, text, 0) == 0)
                return true;
        }
        globs += n + strspn(globs + n, " ");
    }
    return false;
}
