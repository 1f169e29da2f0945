/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/scenario.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/lab/assignment.h"
#include "sim/lab/folder.h"
#include "sim/lab/text_file.h"
#include "sim/lab/yaml_read.h"

struct scenario {
    struct assignments list;
    char *name;                 /* as given: the file's path, or what stands for it */
    char *source;               /* text of the top file */
    char *data_dir;             /* NULL: none */
    bool from_file;             /* name is a path */
};

/* ---- making and reading ---- */

static struct scenario *scenario_new(const char *name, const char *data_dir)
{
    struct scenario *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->name = strdup(name);
    s->data_dir = data_dir ? strdup(data_dir) : NULL;
    if (!s->name || (data_dir && !s->data_dir)) {
        scenario_free(s);
        return NULL;
    }
    return s;
}

void scenario_free(struct scenario *s)
{
    if (!s)
        return;
    assignments_free(&s->list);
    free(s->name);
    free(s->source);
    free(s->data_dir);
    free(s);
}

static struct scenario *no_memory(struct scenario *s, const char *name, struct messages *m)
{
    messages_add(m, "%s: out of memory", name);
    scenario_free(s);
    return NULL;
}

struct scenario *scenario_read(const char *path, const char *data_dir, struct messages *m)
{
    struct scenario *s = scenario_new(path, data_dir);

    if (!s)
        return no_memory(s, path, m);
    s->from_file = true;
    if (yaml_read_file(path, LEVEL_SCENARIO, data_dir, &s->list, m, &s->source) != 0) {
        scenario_free(s);
        return NULL;
    }
    return s;
}

struct scenario *scenario_parse(const char *text, size_t length, const char *name, const char *data_dir,
                                struct messages *m)
{
    struct scenario *s = scenario_new(name, data_dir);

    if (!s)
        return no_memory(s, name, m);
    if (yaml_read_text(text, length, name, LEVEL_SCENARIO, data_dir, &s->list, m) != 0) {
        scenario_free(s);
        return NULL;
    }
    s->source = strndup(text, length);          /* it holds no NUL: it could be read */
    return s->source ? s : no_memory(s, name, m);
}

struct scenario *scenario_copy(const struct scenario *s)
{
    struct scenario *copy = scenario_new(s->name, s->data_dir);

    if (!copy)
        return NULL;
    copy->from_file = s->from_file;
    copy->source = strdup(s->source);
    if (!copy->source || assignments_copy(&copy->list, &s->list) != 0) {
        scenario_free(copy);
        return NULL;
    }
    return copy;
}

const char *scenario_source(const struct scenario *s)
{
    return s->source;
}

const char *scenario_name(const struct scenario *s)
{
    return s->name;
}

int scenario_set(struct scenario *s, const char *key, const char *value, enum level level, const char *origin,
                 struct messages *m)
{
    struct place p = { .file = origin };
    const char *wrong;
    size_t at;

    wrong = text_check(value, strlen(value), &at);
    if (wrong) {
        complain(m, p, "%.80s: %s", key, wrong);
        return -1;
    }
    return assign(&s->list, key, &value, 1, level, p, p, m);
}

/* ---- files beside the scenario ---- */

/* A path that can be opened for reading, malloc'ed; NULL if there is none. Takes `path`. */
static char *if_readable(char *path)
{
    struct stat st;

    if (path && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return path;
    free(path);
    return NULL;
}

char *scenario_find_file(const struct scenario *s, const char *name, struct messages *m)
{
    const char *slash = s->from_file ? strrchr(s->name, '/') : NULL;
    char *path = NULL, *found;

    if (*name == '/') {
        found = if_readable(strdup(name));
    } else {
        if (s->from_file && asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - s->name) : 0, s->name, name) < 0)
            path = NULL;
        found = if_readable(path);
        if (!found && s->data_dir) {
            if (asprintf(&path, "%s/%s", s->data_dir, name) < 0)
                path = NULL;
            found = if_readable(path);
        }
    }
    if (!found)
        messages_add(m, "%s: no file '%s' beside the scenario%s%s", s->name, name, s->data_dir ? " or in " : "",
                     s->data_dir ? s->data_dir : "");
    return found;
}

/* ---- resolving ---- */

/* Names of one scope's instances in the order in which they are first mentioned. */
struct names {
    char name[CONFIG_INSTANCES][CONFIG_NAME];
    int n;
};

struct resolution {
    const struct scenario *s;
    struct messages *m;
    struct assignments files;   /* from the cpu, nic and kernel files */
    struct names nics, traffics, apps;
};

static struct names *names_of(struct resolution *r, enum scope s)
{
    switch (s) {
    case SCOPE_NIC:
    case SCOPE_QUEUE:   return &r->nics;
    case SCOPE_TRAFFIC: return &r->traffics;
    case SCOPE_APP:     return &r->apps;
    case SCOPE_HOST:
    case SCOPES:        break;
    }
    return NULL;
}

static int add_name(struct names *names, const char *name)
{
    for (int i = 0; i < names->n; i++)
        if (strcmp(names->name[i], name) == 0)
            return 0;
    if (names->n == CONFIG_INSTANCES)
        return -1;
    memcpy(names->name[names->n++], name, CONFIG_NAME);
    return 0;
}

static int collect_names(struct resolution *r)
{
    static const struct { enum scope scope; char name[CONFIG_NAME]; } first[] = {
        { SCOPE_NIC, "eth0" }, { SCOPE_TRAFFIC, "traffic" }, { SCOPE_APP, "app" },
    };
    const struct assignments *list = &r->s->list;

    for (size_t i = 0; i < list->n; i++) {
        const struct param_ref *ref = &list->at[i].ref;

        if (ref->instance[0] && add_name(names_of(r, ref->model->scope), ref->instance) != 0) {
            complain(r->m, assignment_place(list, &list->at[i]), "more than %d names, the last '%s'",
                     CONFIG_INSTANCES, ref->instance);
            return -1;
        }
    }
    for (size_t i = 0; i < ROWS(first); i++)
        if (names_of(r, first[i].scope)->n == 0)
            add_name(names_of(r, first[i].scope), first[i].name);
    return 0;
}

/* ---- the files that cpu.model, nic.model and kernel.version select ---- */

static const struct selection {
    const char *key, *folder, *prefix;
    enum level level;
} selections[] = {
    { "cpu.model",      "cpus",    "",       LEVEL_CPU },
    { "nic.model",      "nics",    "",       LEVEL_NIC },
    { "kernel.version", "kernels", "linux-", LEVEL_KERNEL },
};

/* A later one is not beaten by an earlier one that is its equal. */
static bool beats(const struct assignment *a, const struct assignment *b)
{
    return a->level != b->level ? a->level > b->level : a->named >= b->named;
}

static const struct assignment *winner(const struct assignments *list, const char *key, const char *instance)
{
    const struct assignment *best = NULL;

    for (size_t i = 0; i < list->n; i++) {
        const struct assignment *a = &list->at[i];

        if (strcmp(a->ref.row->name, key) == 0 && (!a->ref.instance[0] || strcmp(a->ref.instance, instance) == 0)
            && (!best || beats(a, best)))
            best = a;
    }
    return best;
}

/* "(there are: 3.10 6.1 6.12)" for the message. */
static void list_choices(const struct scenario *s, const struct selection *sel, char *text, size_t size)
{
    size_t at = 0, prefix = strlen(sel->prefix);
    char **name = NULL, *folder;
    int n = -1;

    snprintf(text, size, " none");
    if (asprintf(&folder, "%s/%s", s->data_dir, sel->folder) >= 0) {
        n = folder_yaml(folder, &name);
        free(folder);
    }
    for (int i = 0; i < n; i++) {
        if (strncmp(name[i], sel->prefix, prefix) == 0 && at < size)
            at += (size_t)snprintf(text + at, size - at, " %s", name[i] + prefix);
    }
    folder_free(name, n);
}

/* A value that could name a file in its folder and nothing else. */
static bool good_value(const char *v)
{
    return v[0] != '.' && !strchr(v, '/');
}

/* Path of the selected file, malloc'ed; NULL and a message. */
static char *selected_path(struct resolution *r, const struct selection *sel, const struct assignment *a)
{
    char *path = NULL, there[400];

    if (!r->s->data_dir) {
        complain(r->m, assignment_place(&r->s->list, a), "'%s' %.80s: there is no data directory", sel->key,
                 a->text);
        return NULL;
    }
    if (good_value(a->text)
        && asprintf(&path, "%s/%s/%s%s.yaml", r->s->data_dir, sel->folder, sel->prefix, a->text) < 0)
        path = NULL;
    path = if_readable(path);
    if (path)
        return path;
    list_choices(r->s, sel, there, sizeof there);
    complain(r->m, assignment_place(&r->s->list, a), "'%s' %.80s: no %s/%s%.80s.yaml (there are:%s)", sel->key,
             a->text, sel->folder, sel->prefix, a->text, there);
    return NULL;
}

/* What the file says from `first` on: of all instances, none by name; a NIC's file is about that NIC alone. */
static int bind_selected(struct resolution *r, size_t first, const char *nic)
{
    for (size_t i = first; i < r->files.n; i++) {
        struct assignment *a = &r->files.at[i];
        enum scope scope = a->ref.model->scope;

        if (a->ref.instance[0]) {
            complain(r->m, assignment_place(&r->files, a),
                     "a file of cpus, nics or kernels names no instance: '%s'", a->ref.instance);
            return -1;
        }
        if (nic && (scope == SCOPE_NIC || scope == SCOPE_QUEUE))
            snprintf(a->ref.instance, sizeof a->ref.instance, "%s", nic);
    }
    return 0;
}

static int select_file(struct resolution *r, const struct selection *sel, const char *nic)
{
    const struct assignment *a = winner(&r->s->list, sel->key, nic ? nic : "");
    size_t first = r->files.n;
    char *path;
    int result;

    if (!a || !a->text || a->text[0] == '\0')
        return 0;
    path = selected_path(r, sel, a);
    if (!path)
        return -1;
    result = yaml_read_file(path, sel->level, r->s->data_dir, &r->files, r->m, NULL);
    free(path);
    return result != 0 ? -1 : bind_selected(r, first, nic);
}

static int select_files(struct resolution *r)
{
    int result = 0;

    for (size_t i = 0; i < ROWS(selections); i++) {
        bool per_nic = selections[i].level == LEVEL_NIC;

        for (int n = 0; n < (per_nic ? r->nics.n : 1); n++)
            if (select_file(r, &selections[i], per_nic ? r->nics.name[n] : NULL) != 0)
                result = -1;
    }
    return result;
}

/* ---- applying ---- */

/* qsort is not stable: `order` is the last word. */
struct ranked {
    const struct assignment *a;
    size_t order;
};

static int by_rank(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;

    if (a->a->level != b->a->level)
        return a->a->level < b->a->level ? -1 : 1;
    if (a->a->named != b->a->named)
        return a->a->named < b->a->named ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static int apply_one(struct config *c, const struct assignment *a)
{
    const struct param_ref *ref = &a->ref;
    enum scope scope = ref->model->scope;
    int64_t value = a->text ? config_text(c, a->text) : a->value;
    int first = ref->queue < 0 ? 0 : ref->queue;
    int last = scope != SCOPE_QUEUE ? 0 : ref->queue < 0 ? CONFIG_QUEUES - 1 : ref->queue;

    if (a->text && value < 0)
        return -1;
    for (int i = 0; i < config_instances(c, scope); i++) {
        if (ref->instance[0] && strcmp(ref->instance, config_instance_name(c, scope, i)) != 0)
            continue;
        for (int q = first; q <= last; q++)
            *config_at(c, ref->model, ref->row, i, q) = value;
    }
    return 0;
}

/* Lowest rank first, so that the highest is the one that stays. Selected files stand before what the scenario
 * itself reads at the same level. */
static int apply_all(const struct resolution *r, struct config *c)
{
    size_t n = r->files.n + r->s->list.n;
    struct ranked *ranked = calloc(n + 1, sizeof *ranked);
    int result = 0;

    if (!ranked)
        return -1;
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){ i < r->files.n ? &r->files.at[i] : &r->s->list.at[i - r->files.n], i };
    qsort(ranked, n, sizeof *ranked, by_rank);
    for (size_t i = 0; i < n && result == 0; i++)
        result = apply_one(c, ranked[i].a);
    free(ranked);
    return result;
}

static int build(struct resolution *r, struct config *c)
{
    char why[512];
    const char *wrong;

    if (config_init(c, r->nics.n, r->traffics.n, r->apps.n) != 0) {
        messages_add(r->m, "%s: out of memory", r->s->name);
        return -1;
    }
    memcpy(c->nic_name, r->nics.name, sizeof c->nic_name);
    memcpy(c->traffic_name, r->traffics.name, sizeof c->traffic_name);
    memcpy(c->app_name, r->apps.name, sizeof c->app_name);
    if (apply_all(r, c) != 0) {
        messages_add(r->m, "%s: out of memory", r->s->name);
    } else {
        wrong = config_check(c, why, sizeof why);
        if (!wrong)
            return 0;
        messages_add(r->m, "%s: %s", r->s->name, wrong);
    }
    config_free(c);
    return -1;
}

int scenario_resolve(const struct scenario *s, struct config *c, struct messages *m)
{
    struct resolution r = { .s = s, .m = m };
    int result = -1;

    *c = (struct config){ 0 };
    if (collect_names(&r) == 0 && select_files(&r) == 0)
        result = build(&r, c);
    assignments_free(&r.files);
    return result;
}
