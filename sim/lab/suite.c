/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/suite.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
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

static void take_text(struct reading *r, const yaml_node_t *n, char **to)
{
    free(*to);
    *to = strdup(text_of(r, n));
}

/* "2%" or "0.02". */
static void take_number(struct reading *r, const yaml_node_t *n, double *to)
{
    const char *text = text_of(r, n);
    char *end;
    double x = strtod(text, &end);

    if (end != text && strcmp(end, "%") == 0)
        x /= 100;
    else if (end == text || *end)
        complain(r, n, "not a number, nor a share such as 5%: ", text);
    *to = x;
}

static void take_count(struct reading *r, const yaml_node_t *n, double *to)
{
    take_number(r, n, to);
    if (!(*to >= 1 && *to <= SUITE_RUNS) || *to != (double)(int)*to)
        complain(r, n, "a whole number from 1 on is expected here, not ", text_of(r, n));
}

/* A list, or one value. */
static void take_list(struct reading *r, const yaml_node_t *n, char *to[SUITE_BY])
{
    int k = 0;

    if (n->type != YAML_SEQUENCE_NODE) {
        take_text(r, n, &to[0]);
        return;
    }
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        if (k == SUITE_BY - 1) {
            complain(r, n, "a list holds at most seven values", "");
            return;
        }
        take_text(r, node(r, *i), &to[k++]);
    }
}

/* ---- entries: each field of a map by its name ---- */

typedef bool field_fn(struct reading *r, void *entry, const char *key, const yaml_node_t *value);

static void each_field(struct reading *r, const yaml_node_t *n, field_fn *fn, void *entry)
{
    if (n->type != YAML_MAPPING_NODE) {
        complain(r, n, "a map {key: value, ..} is expected here", "");
        return;
    }
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = node(r, p->key);
        if (!fn(r, entry, text_of(r, key), node(r, p->value)))
            complain(r, key, "unknown key: ", text_of(r, key));
    }
}

/* A list of maps becomes an array of `size`-byte entries. */
static void each_entry(struct reading *r, const yaml_node_t *n, field_fn *fn, void *array, int *count, size_t size)
{
    if (n->type != YAML_SEQUENCE_NODE) {
        complain(r, n, "a list of maps is expected here", "");
        return;
    }
    size_t room = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    char *entries = calloc(room + 1, size);
    if (!entries) {
        complain(r, n, "out of memory", "");
        return;
    }
    *(void **)array = entries;
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++)
        each_field(r, node(r, *i), fn, entries + size * (size_t)(*count)++);
}

static bool map_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite_map *map = entry;

    map->line = (int)value->start_mark.line + 1;
    if (strcmp(key, "column") == 0)
        take_text(r, value, &map->column);
    else if (strcmp(key, "is") == 0)
        take_text(r, value, &map->is);
    else if (strcmp(key, "set") == 0)
        take_text(r, value, &map->set);
    else if (strcmp(key, "to") == 0)
        take_text(r, value, &map->to);
    else if (strcmp(key, "before") == 0)
        take_text(r, value, &map->before);
    else if (strcmp(key, "by") == 0)
        take_list(r, value, map->by);
    else
        return false;
    return true;
}

static bool poisson_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite_poisson *poisson = entry;

    if (strcmp(key, "column") == 0)
        take_text(r, value, &poisson->column);
    else if (strcmp(key, "is") == 0)
        take_text(r, value, &poisson->is);
    else if (strcmp(key, "mean") == 0)
        take_text(r, value, &poisson->mean);
    else if (strcmp(key, "n") == 0)
        take_text(r, value, &poisson->n);
    else if (strcmp(key, "seed") == 0)
        take_text(r, value, &poisson->seed);
    else if (strcmp(key, "frame") == 0)
        take_text(r, value, &poisson->frame);
    else
        return false;
    return true;
}

static bool metric_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite_metric *metric = entry;

    if (strcmp(key, "column") == 0)
        take_text(r, value, &metric->column);
    else if (strcmp(key, "from") == 0)
        take_text(r, value, &metric->from);
    else if (strcmp(key, "within") == 0 && strcmp(text_of(r, value), "ci") == 0)
        metric->ci = true;
    else if (strcmp(key, "within") == 0)
        take_number(r, value, &metric->within);
    else if (strcmp(key, "coverage") == 0)
        take_text(r, value, &metric->coverage);
    else if (strcmp(key, "least") == 0)
        take_number(r, value, &metric->least);
    else if (strcmp(key, "spread") == 0)
        take_number(r, value, &metric->spread);
    else if (strcmp(key, "of") == 0)
        take_text(r, value, &metric->of);
    else if (strcmp(key, "by") == 0)
        take_list(r, value, metric->by);
    else if (strcmp(key, "rows") == 0)
        take_text(r, value, &metric->rows);
    else if (strcmp(key, "printed") == 0)
        metric->printed = true;
    else
        return false;
    return true;
}

static bool printed_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite_printed *printed = entry;

    if (strcmp(key, "rows") == 0)
        take_text(r, value, &printed->rows);
    else if (strcmp(key, "column") == 0)
        take_text(r, value, &printed->column);
    else if (strcmp(key, "is") == 0)
        take_text(r, value, &printed->is);
    else if (strcmp(key, "why") == 0)
        take_text(r, value, &printed->why);
    else
        return false;
    return true;
}

static bool bound_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite_bound *bound = entry;

    if (strcmp(key, "column") == 0)
        take_text(r, value, &bound->column);
    else if (strcmp(key, "rows") == 0)
        take_text(r, value, &bound->rows);
    else if (strcmp(key, "at_least") == 0)
        take_text(r, value, &bound->at_least);
    else if (strcmp(key, "at_most") == 0)
        take_text(r, value, &bound->at_most);
    else
        return false;
    return true;
}

static bool check_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite_check *check = entry;

    if (strcmp(key, "id") == 0)
        take_text(r, value, &check->id);
    else if (strcmp(key, "what") == 0)
        take_text(r, value, &check->what);
    else if (strcmp(key, "rows") == 0)
        take_text(r, value, &check->rows);
    else if (strcmp(key, "along") == 0)
        take_text(r, value, &check->along);
    else if (strcmp(key, "value") == 0)
        take_text(r, value, &check->value);
    else if (strcmp(key, "slack") == 0)
        take_number(r, value, &check->slack);
    else if (strcmp(key, "least") == 0)
        take_number(r, value, &check->least);
    else if (strcmp(key, "is") == 0) {
        check->falls = strcmp(text_of(r, value), "falls") == 0;
        if (!check->falls && strcmp(text_of(r, value), "rises") != 0)
            complain(r, value, "rises or falls is expected here, not ", text_of(r, value));
    } else
        return false;
    return true;
}

static bool chaos_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite *s = entry;

    if (strcmp(key, "key") == 0)
        take_text(r, value, &s->chaos_key);
    else if (strcmp(key, "values") == 0)
        take_list(r, value, s->chaos_value);
    else if (strcmp(key, "at_most") == 0)
        take_number(r, value, &s->chaos_at_most);
    else
        return false;
    return true;
}

static bool suite_field(struct reading *r, void *entry, const char *key, const yaml_node_t *value)
{
    struct suite *s = entry;

    if (strcmp(key, "version") == 0) {
        if (strcmp(text_of(r, value), "1") != 0)
            complain(r, value, "this program reads version 1, not ", text_of(r, value));
    } else if (strcmp(key, "what") == 0)
        take_text(r, value, &s->what);
    else if (strcmp(key, "rows") == 0)
        take_text(r, value, &s->rows_file);
    else if (strcmp(key, "id") == 0)
        take_text(r, value, &s->id);
    else if (strcmp(key, "parts") == 0)
        take_list(r, value, s->parts);
    else if (strcmp(key, "bounds") == 0)
        each_entry(r, value, bound_field, &s->bound, &s->bounds, sizeof *s->bound);
    else if (strcmp(key, "checks") == 0)
        each_entry(r, value, check_field, &s->check, &s->checks, sizeof *s->check);
    else if (strcmp(key, "kind") == 0)
        take_text(r, value, &s->kind);
    else if (strcmp(key, "scenario") == 0)
        take_text(r, value, &s->scenario);
    else if (strcmp(key, "group") == 0)
        take_list(r, value, s->group);
    else if (strcmp(key, "pass") == 0)
        take_number(r, value, &s->pass);
    else if (strcmp(key, "calibration") == 0)
        take_text(r, value, &s->calibration);
    else if (strcmp(key, "reps") == 0)
        take_count(r, value, &s->reps);
    else if (strcmp(key, "batches") == 0)
        take_count(r, value, &s->batches);
    else if (strcmp(key, "confidence") == 0)
        take_number(r, value, &s->confidence);
    else if (strcmp(key, "chaos") == 0)
        each_field(r, value, chaos_field, s);
    else if (strcmp(key, "printed") == 0)
        each_entry(r, value, printed_field, &s->printed, &s->printeds, sizeof *s->printed);
    else if (strcmp(key, "map") == 0)
        each_entry(r, value, map_field, &s->map, &s->maps, sizeof *s->map);
    else if (strcmp(key, "poisson") == 0)
        each_entry(r, value, poisson_field, &s->poisson, &s->poissons, sizeof *s->poisson);
    else if (strcmp(key, "metrics") == 0)
        each_entry(r, value, metric_field, &s->metric, &s->metrics, sizeof *s->metric);
    else
        return false;
    return true;
}

static bool has_metric(const struct suite *s, const char *column)
{
    for (int i = 0; i < s->metrics; i++) {
        if (!s->metric[i].coverage && s->metric[i].column && strcmp(s->metric[i].column, column) == 0)
            return true;
    }
    return false;
}

/* What must be there once all is read. */
static void check(struct reading *r, const yaml_node_t *root)
{
    struct suite *s = r->s;

    if (s->parts[0])
        return;
    if (!s->rows_file || !s->scenario || s->metrics == 0)
        complain(r, root, "a suite needs rows, scenario and metrics", "");
    for (int i = 0; i < s->maps; i++) {
        if (!s->map[i].set || (s->map[i].is && !s->map[i].column)) {
            messages_add(r->m, "%s:%d: an entry of map needs `set`, and with `is` a column", s->path, s->map[i].line);
            r->bad++;
        }
    }
    for (int i = 0; i < s->bounds; i++) {
        if (!s->bound[i].column)
            complain(r, root, "an entry of bounds needs a column", "");
    }
    for (int i = 0; i < s->checks; i++) {
        if (!s->check[i].id || !s->check[i].rows || !s->check[i].along || !s->check[i].value)
            complain(r, root, "an entry of checks needs id, rows, along and value", "");
    }
    for (int i = 0; i < s->poissons; i++) {
        const struct suite_poisson *p = &s->poisson[i];
        if (!p->column || !p->is || !p->mean || !p->n || !p->seed || !p->frame)
            complain(r, root, "an entry of poisson needs column, is, mean, n, seed and frame", "");
    }
    for (int i = 0; i < s->metrics; i++) {
        if (!s->metric[i].column)
            complain(r, root, "an entry of metrics needs a column", "");
        else if (!s->metric[i].from)
            s->metric[i].from = strdup(s->metric[i].column);
        if (s->metric[i].coverage && !has_metric(s, s->metric[i].coverage))
            complain(r, root, "coverage: there is no metric of column ", s->metric[i].coverage);
    }
    if (!(s->confidence > 0 && s->confidence < 1))
        complain(r, root, "confidence is a share between 0 and 1", "");
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
        each_field(&r, root, suite_field, s);
        check(&r, root);
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
    for (int i = 0; i < s->maps; i++) {
        free(s->map[i].column);
        free(s->map[i].is);
        free(s->map[i].set);
        free(s->map[i].to);
        free(s->map[i].before);
        for (int k = 0; k < SUITE_BY; k++)
            free(s->map[i].by[k]);
    }
    for (int i = 0; i < s->poissons; i++) {
        free(s->poisson[i].column);
        free(s->poisson[i].is);
        free(s->poisson[i].mean);
        free(s->poisson[i].n);
        free(s->poisson[i].seed);
        free(s->poisson[i].frame);
    }
    for (int i = 0; i < s->metrics; i++) {
        struct suite_metric *metric = &s->metric[i];
        free(metric->column);
        free(metric->from);
        free(metric->of);
        free(metric->coverage);
        free(metric->rows);
        for (int k = 0; k < SUITE_BY; k++)
            free(metric->by[k]);
    }
    for (int i = 0; i < s->printeds; i++) {
        free(s->printed[i].rows);
        free(s->printed[i].column);
        free(s->printed[i].is);
        free(s->printed[i].why);
    }
    for (int i = 0; i < s->bounds; i++) {
        free(s->bound[i].column);
        free(s->bound[i].rows);
        free(s->bound[i].at_least);
        free(s->bound[i].at_most);
    }
    for (int i = 0; i < s->checks; i++) {
        free(s->check[i].id);
        free(s->check[i].what);
        free(s->check[i].rows);
        free(s->check[i].along);
        free(s->check[i].value);
    }
    for (int k = 0; k < SUITE_BY; k++) {
        free(s->group[k]);
        free(s->parts[k]);
        free(s->chaos_value[k]);
    }
    free(s->map);
    free(s->poisson);
    free(s->metric);
    free(s->printed);
    free(s->bound);
    free(s->check);
    free(s->id);
    free(s->name);
    free(s->path);
    free(s->what);
    free(s->rows_file);
    free(s->scenario);
    free(s->kind);
    free(s->calibration);
    free(s->chaos_key);
    *s = (struct suite){ 0 };
}

/* ---- globs and templates ---- */

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

/* sum := product {+- product}, product := factor {* factor}, factor := whole number | column | column.name. */
struct expression {
    const char *at, *end;
    const struct table_file *t;
    int row;
    bool bad;
};

/* A column's text, or for column.name what follows "name:" in it. */
static const char *cell_number(const struct table_file *t, int row, const char *word)
{
    const char *text = table_file_cell(t, row, word), *dot = strchr(word, '.');
    char column[96];

    if (text || !dot)
        return text;
    memcpy(column, word, (size_t)(dot - word));
    column[dot - word] = '\0';
    text = table_file_cell(t, row, column);
    size_t n = strlen(dot + 1);
    for (; text && *text; text += strcspn(text, " "), text += strspn(text, " ")) {
        if (strncmp(text, dot + 1, n) == 0 && text[n] == ':')
            return text + n + 1;
    }
    return NULL;
}

static int64_t factor(struct expression *x)
{
    char word[96];
    size_t n = 0;

    while (x->at < x->end && *x->at != '*' && *x->at != '+' && *x->at != '-' && n + 1 < sizeof word)
        word[n++] = *x->at++;
    word[n] = '\0';
    const char *text = word[0] >= '0' && word[0] <= '9' ? word : cell_number(x->t, x->row, word);
    char *end = NULL;
    errno = 0;
    long long value = text ? strtoll(text, &end, 10) : 0;
    if (!text || end == text || (*end && *end != ' ' && strcmp(end, ".0") != 0) || errno)
        x->bad = true;
    return value;
}

static int64_t product(struct expression *x)
{
    int64_t value = factor(x);

    while (x->at < x->end && *x->at == '*') {
        x->at++;
        x->bad |= __builtin_mul_overflow(value, factor(x), &value);
    }
    return value;
}

static int64_t sum(struct expression *x)
{
    int64_t value = product(x);

    while (x->at < x->end && (*x->at == '+' || *x->at == '-')) {
        bool minus = *x->at++ == '-';
        int64_t other = product(x);
        x->bad |= minus ? __builtin_sub_overflow(value, other, &value) : __builtin_add_overflow(value, other, &value);
    }
    return value;
}

int suite_value(const char *expression, const struct table_file *t, int row, int64_t *value)
{
    struct expression x = { expression, expression + strlen(expression), t, row, false };

    *value = sum(&x);
    return x.bad || x.at != x.end ? -1 : 0;
}

/* What stands between braces: nothing (the cell), a column's text, or an expression. False: neither. */
static bool fill_one(const char *in, size_t n, const char *cell, const struct table_file *t, int row, FILE *out)
{
    char word[96] = "";

    if (n == 0 && cell)
        return fputs(cell, out) >= 0;
    if (n > 0 && n < sizeof word) {
        memcpy(word, in, n);
        word[n] = '\0';
        const char *text = table_file_cell(t, row, word);
        if (text)
            return fputs(text, out) >= 0;
    }
    int64_t value;
    if (n >= sizeof word || suite_value(word, t, row, &value) != 0)
        return false;
    return fprintf(out, "%lld", (long long)value) > 0;
}

char *suite_fill(const char *text, const char *cell, const struct table_file *t, int row, char *why, unsigned long size)
{
    char *filled = NULL;
    size_t length;
    FILE *out = open_memstream(&filled, &length);
    bool ok = out != NULL;

    while (ok && *text) {
        size_t plain = strcspn(text, "{");
        fwrite(text, 1, plain, out);
        text += plain;
        if (!*text)
            break;
        size_t n = strcspn(text + 1, "}");
        ok = text[1 + n] == '}' && fill_one(text + 1, n, cell, t, row, out);
        if (!ok)
            snprintf(why, size, "cannot fill in %.*s", (int)(n + 2), text);
        text += n + 2;
    }
    if (out)
        fclose(out);
    if (!ok) {
        free(filled);
        return NULL;
    }
    return filled;
}
