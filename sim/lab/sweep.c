/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/sweep.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/traffic.h"
#include "sim/engine/hash.h"
#include "sim/lab/decimal.h"
#include "sim/lab/must.h"
#include "sim/lab/workers.h"

enum {
    AXIS_VALUES = 100000,       /* of one axis */
    PLAN_POINTS = 100000,       /* of one plan: each holds its configuration, some 20 kB */
};

/* ---- hashes and keys ---- */

/* Two independent 64-bit chains over the text's 8-byte words and its length. Bytes are put into words by
 * shifts, so that the hash does not depend on the machine's byte order. */
void text_hash(const char *text, char hash[33])
{
    size_t length = strlen(text);
    uint64_t a = hash_mix(length), b = hash_mix(~(uint64_t)length);

    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;

        for (size_t k = i; k < length && k < i + 8; k++)
            word |= (uint64_t)(unsigned char)text[k] << 8 * (k - i);
        a = hash_add(a, word);
        b = hash_add(b, ~word);
    }
    snprintf(hash, 33, "%016" PRIx64 "%016" PRIx64, a, b);
}

void run_key(const char *scenario_hash, uint64_t seed, uint64_t replication, char key[33])
{
    char text[128];

    snprintf(text, sizeof text, "model %d scenario %s seed %" PRIu64 " replication %" PRIu64, MODEL_VERSION,
             scenario_hash, seed, replication);
    text_hash(text, key);
}

/* A hash of lines that arrive one by one: the next state is the hash of the state and the line. */
static void chain_hash(char hash[33], const char *line)
{
    char *text;

    if (asprintf(&text, "%s %s", hash, line) < 0)
        abort();
    text_hash(text, hash);
    free(text);
}

static void hash_point(struct sweep_point *pt)
{
    const struct config *c = &pt->config;
    char line[64];

    text_hash(pt->resolved, pt->hash);
    for (int t = 0; t < c->traffics; t++)
        if (c->arrivals[t]) {
            snprintf(line, sizeof line, "source %d capture %016" PRIx64, t, c->arrivals[t]->hash);
            chain_hash(pt->hash, line);
        }
}

void sweep_hash(struct sweep_plan *p)
{
    char line[96];

    snprintf(line, sizeof line, "reps %d seed %" PRIu64 " points %d", p->reps, p->seed, p->points);
    text_hash(line, p->hash);
    for (int i = 0; i < p->points; i++) {
        hash_point(&p->point[i]);
        chain_hash(p->hash, p->point[i].hash);
    }
}

/* ---- axes ---- */

static void axis_add(struct sweep_axis *a, const char *text, size_t length)
{
    a->value = must(realloc(a->value, (size_t)(a->values + 1) * sizeof *a->value));
    a->value[a->values++] = must(strndup(text, length));
}

static bool axis_has(const struct sweep_axis *a, const char *text, size_t length)
{
    for (int i = 0; i < a->values; i++)
        if (strlen(a->value[i]) == length && strncmp(a->value[i], text, length) == 0)
            return true;
    return false;
}

static int axis_list(struct sweep_axis *a, const char *text, struct messages *m)
{
    char separator = strchr(text, ';') ? ';' : ',';

    for (const char *p = text; ; ) {
        size_t length = strcspn(p, (char[]){ separator, '\0' });
        bool last = p[length] == '\0';
        const char *start = p, *end = p + length;

        while (start < end && isspace((unsigned char)*start))
            start++;
        while (end > start && isspace((unsigned char)end[-1]))
            end--;
        if (start == end && !(last && separator == ';' && a->values > 0)) {
            messages_add(m, "--vary %s=%s: value %d is empty", a->key, text, a->values + 1);
            return -1;
        }
        if (axis_has(a, start, (size_t)(end - start))) {
            messages_add(m, "--vary %s=%s: '%.*s' is there twice", a->key, text, (int)(end - start), start);
            return -1;
        }
        if (start < end)
            axis_add(a, start, (size_t)(end - start));
        if (last)
            return 0;
        p += length + 1;
    }
}

/* Step i of n, rounded to the nearest. */
static int64_t range_step(int64_t lo, int64_t hi, int i, int n, bool log)
{
    if (i == 0)
        return lo;
    if (i == n - 1)
        return hi;
    if (log)
        return (int64_t)llround((double)lo * pow((double)hi / (double)lo, (double)i / (n - 1)));
    return (int64_t)llround((double)lo + (double)(hi - lo) * i / (n - 1));
}

static const char *range_fill(struct sweep_axis *a, struct decimal lo, struct decimal hi, int n, bool log)
{
    const char *unit = hi.unit[0] ? hi.unit : lo.unit;
    bool fine = unit[0] && strcmp(unit, "B") != 0;
    int decimals = (lo.decimals > hi.decimals ? lo.decimals : hi.decimals) + (fine ? 3 : 0);
    char text[64];

    if (lo.unit[0] && strcmp(lo.unit, unit) != 0)
        return "both ends must have the same unit";
    if (!decimal_rescale(&lo, decimals) || !decimal_rescale(&hi, decimals))
        return "an end has too many digits";
    if (lo.digits > hi.digits)
        return "the lower end comes first";
    if (log && lo.digits == 0)
        return "equal ratios need a lower end above 0";
    for (int i = 0; i < n; i++) {
        int length = decimal_print(range_step(lo.digits, hi.digits, i, n, log), decimals, unit, text, sizeof text);

        if (!axis_has(a, text, (size_t)length))
            axis_add(a, text, (size_t)length);
    }
    return NULL;
}

/* Is `text` lo:hi:n[:log]? Anything with two colons that begins with a digit is meant to be. */
static bool is_range(const char *text)
{
    const char *colon = strchr(text, ':');

    return isdigit((unsigned char)text[0]) && colon && isdigit((unsigned char)colon[1]) && strchr(colon + 1, ':') &&
           !strpbrk(text, ",;");
}

static int axis_range(struct sweep_axis *a, const char *text, struct messages *m)
{
    size_t first = strcspn(text, ":"), second = strcspn(text + first + 1, ":");
    const char *count = text + first + second + 2;
    char *rest;
    long n = strtol(count, &rest, 10);
    bool log = strcmp(rest, ":log") == 0;
    struct decimal lo, hi;
    const char *wrong;

    if (!decimal_parse(text, first, &lo) || !decimal_parse(text + first + 1, second, &hi))
        wrong = "the ends must be numbers, with a unit where the parameter has one";
    else if (rest == count || (*rest && !log))
        wrong = "a range is lo:hi:n or lo:hi:n:log";
    else if (n < 2 || n > AXIS_VALUES)
        wrong = "n counts the values, both ends included: at least 2, at most 100000";
    else
        wrong = range_fill(a, lo, hi, (int)n, log);
    if (!wrong)
        return 0;
    messages_add(m, "--vary %s=%s: %s, for example 64:4096:7:log or 10us:100us:10", a->key, text, wrong);
    return -1;
}

int sweep_vary(struct sweep_plan *p, const char *text, struct messages *m)
{
    const char *equals = strchr(text, '=');
    struct sweep_axis *a;

    if (!equals || equals == text) {
        messages_add(m, "--vary %s: must be KEY=v1,v2,.. or KEY=lo:hi:n[:log]", text);
        return -1;
    }
    for (int i = 0; i < p->axes; i++)
        if (strlen(p->axis[i].key) == (size_t)(equals - text) && strncmp(p->axis[i].key, text,
                                                                         (size_t)(equals - text)) == 0) {
            messages_add(m, "--vary %s: %s is varied twice; give all its values in one", text, p->axis[i].key);
            return -1;
        }
    p->axis = must(realloc(p->axis, (size_t)(p->axes + 1) * sizeof *p->axis));
    a = &p->axis[p->axes++];
    *a = (struct sweep_axis){ .key = must(strndup(text, (size_t)(equals - text))) };
    return is_range(equals + 1) ? axis_range(a, equals + 1, m) : axis_list(a, equals + 1, m);
}

/* ---- where: which combinations count ---- */

enum operator { OP_LE, OP_GE, OP_EQ, OP_NE, OP_LT, OP_GT };

/* The longer spellings first, so that `<=` is not read as `<`. */
static const struct { const char *text; enum operator op; } operators[] = {
    { "<=", OP_LE }, { ">=", OP_GE }, { "==", OP_EQ }, { "!=", OP_NE }, { "<", OP_LT }, { ">", OP_GT }, { "=", OP_EQ },
};

/* One side: an axis, or a constant in the unit of the axis on the other side. */
struct side {
    int axis;                   /* -1: a constant */
    char text[128];
};

struct condition {
    struct side left, right;
    enum operator op;
};

static int axis_find(const struct sweep_plan *p, const char *key)
{
    for (int i = 0; i < p->axes; i++)
        if (strcmp(p->axis[i].key, key) == 0)
            return i;
    return -1;
}

static void copy_trimmed(char *to, size_t size, const char *from, const char *end)
{
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    snprintf(to, size, "%.*s", (int)(end - from), from);
}

static int condition_parse(const struct sweep_plan *p, const char *text, const char *end, struct condition *c,
                           struct messages *m)
{
    for (const char *at = text; at < end; at++)
        for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
            size_t length = strlen(operators[i].text);

            if ((size_t)(end - at) < length || strncmp(at, operators[i].text, length) != 0)
                continue;
            c->op = operators[i].op;
            copy_trimmed(c->left.text, sizeof c->left.text, text, at);
            copy_trimmed(c->right.text, sizeof c->right.text, at + length, end);
            c->left.axis = axis_find(p, c->left.text);
            c->right.axis = axis_find(p, c->right.text);
            if (c->left.axis >= 0 && c->right.text[0])
                return 0;
            messages_add(m, "--where: '%s' is not a varied parameter; vary it, or put the varied one first",
                         c->left.text);
            return -1;
        }
    messages_add(m, "--where: '%.*s' must be KEY OP VALUE with one of < <= == != >= >", (int)(end - text), text);
    return -1;
}

/* A value as a number in its row's display unit. Texts have no number: they are compared as texts. */
static int side_number(const struct sweep_plan *p, const struct side *s, const struct side *other,
                       const char *text, double *number, const char **unit, struct messages *m)
{
    const char *key = p->axis[s->axis >= 0 ? s->axis : other->axis].key;
    struct param_ref ref;
    char why[256];
    int64_t value;

    if (param_find(key, &ref, why, sizeof why) != 0) {
        messages_add(m, "--where: %s", why);
        return -1;
    }
    if (ref.row->unit == UNIT_TEXT) {
        *unit = NULL;
        *number = 0;
        return 0;
    }
    if (value_parse(ref.row, text, &value, why, sizeof why)) {
        messages_add(m, "--where: %s: %s", key, why);
        return -1;
    }
    *number = value_number(ref.row, value, unit);
    return 0;
}

static bool holds(enum operator op, double difference)
{
    switch (op) {
    case OP_LE: return difference <= 0;
    case OP_GE: return difference >= 0;
    case OP_EQ: return difference == 0;
    case OP_NE: return difference != 0;
    case OP_LT: return difference < 0;
    case OP_GT: return difference > 0;
    }
    return false;
}

/* 1 or 0: the condition holds for these values (one per axis) or not; -1 after a message. */
static int condition_holds(const struct sweep_plan *p, const struct condition *c, const char *const *value,
                           struct messages *m)
{
    const char *left = value[c->left.axis];
    const char *right = c->right.axis >= 0 ? value[c->right.axis] : c->right.text;
    const char *left_unit = "", *right_unit = "";
    double a, b;

    if (side_number(p, &c->left, &c->right, left, &a, &left_unit, m) != 0 ||
        side_number(p, &c->right, &c->left, right, &b, &right_unit, m) != 0)
        return -1;
    if (!left_unit || !right_unit) {
        if (c->op == OP_EQ || c->op == OP_NE)
            return holds(c->op, strcmp(left, right));
        messages_add(m, "--where: %s is a text: only == and != compare texts", c->left.text);
        return -1;
    }
    if (strcmp(left_unit, right_unit) != 0) {
        messages_add(m, "--where: %s and %s are not of one kind: '%s' and '%s'", c->left.text, c->right.text, left,
                     right);
        return -1;
    }
    return holds(c->op, a - b);
}

struct conditions {
    struct condition *condition;
    int n;
};

static int where_parse(const struct sweep_plan *p, const char *where, struct conditions *out, struct messages *m)
{
    for (const char *text = where; text; ) {
        const char *and = strstr(text, "&&"), *end = and ? and : text + strlen(text);

        out->condition = must(realloc(out->condition, (size_t)(out->n + 1) * sizeof *out->condition));
        if (condition_parse(p, text, end, &out->condition[out->n++], m) != 0)
            return -1;
        text = and ? and + 2 : NULL;
    }
    return 0;
}

static int where_holds(const struct sweep_plan *p, const struct conditions *w, const char *const *value,
                       struct messages *m)
{
    for (int i = 0; i < w->n; i++) {
        int h = condition_holds(p, &w->condition[i], value, m);

        if (h != 1)
            return h;
    }
    return 1;
}

/* ---- points ---- */

static int64_t combinations(const struct sweep_plan *p, bool lockstep, struct messages *m)
{
    int64_t n = 1;

    for (int i = 0; i < p->axes; i++) {
        if (lockstep && p->axis[i].values != p->axis[0].values) {
            messages_add(m, "--lockstep needs equally many values: %s has %d, %s has %d", p->axis[0].key,
                         p->axis[0].values, p->axis[i].key, p->axis[i].values);
            return -1;
        }
        n = lockstep ? p->axis[0].values : n * p->axis[i].values;
        if (n > PLAN_POINTS) {
            messages_add(m, "the axes combine to more than %d points: fewer values, --lockstep or --where",
                         PLAN_POINTS);
            return -1;
        }
    }
    return n;
}

/* The values of combination k: the last axis counts fastest. */
static void choose(const struct sweep_plan *p, int64_t k, bool lockstep, const char **value)
{
    for (int i = p->axes - 1; i >= 0; i--) {
        value[i] = p->axis[i].value[k % p->axis[i].values];
        if (!lockstep)
            k /= p->axis[i].values;
    }
}

static char *label_of(const struct sweep_plan *p, const char *const *value)
{
    char *text = NULL;
    size_t size;
    FILE *out = must(open_memstream(&text, &size));

    for (int i = 0; i < p->axes; i++)
        fprintf(out, "%s%s=%s", i ? " " : "", p->axis[i].key, value[i]);
    fclose(out);
    return must(text);
}

static int point_resolve(const struct sweep_plan *p, struct sweep_point *pt, const struct scenario *base,
                         struct messages *m)
{
    struct scenario *s = must(scenario_copy(base));
    int failed = 0;

    for (int i = 0; i < p->axes; i++)
        failed |= scenario_set(s, p->axis[i].key, pt->value[i], LEVEL_VARY, "--vary", m);
    if (!failed)
        failed = scenario_resolve(s, &pt->config, m);
    scenario_free(s);
    if (failed)
        return -1;
    pt->resolved = must(scenario_json(&pt->config));
    return 0;
}

static void point_free(struct sweep_point *pt)
{
    free(pt->value);
    config_free(&pt->config);
    free(pt->resolved);
    free(pt->label);
}

static int point_add(struct sweep_plan *p, const char *const *value, const struct scenario *base, struct messages *m)
{
    struct sweep_point *pt;

    if ((p->points & (p->points - 1)) == 0)     /* room for 1, 2, 4 .. */
        p->point = must(realloc(p->point, (p->points ? 2 * (size_t)p->points : 1) * sizeof *p->point));
    pt = &p->point[p->points];
    *pt = (struct sweep_point){ .ordinal = p->points, .label = label_of(p, value) };
    pt->value = must(malloc(((size_t)p->axes + 1) * sizeof *pt->value));
    if (p->axes > 0)
        memcpy(pt->value, value, (size_t)p->axes * sizeof *pt->value);
    if (point_resolve(p, pt, base, m) == 0) {
        p->points++;
        return 0;
    }
    if (p->axes > 0)
        messages_add(m, "(at the point %s)", pt->label);
    free(pt->value);
    free(pt->label);
    return -1;
}

int sweep_add_point(struct sweep_plan *p, const struct scenario *s, const char *label, struct messages *m)
{
    if (point_add(p, NULL, s, m) != 0)
        return -1;
    struct sweep_point *pt = &p->point[p->points - 1];
    free(pt->label);
    pt->label = must(strdup(label));
    return 0;
}

static int add_points(struct sweep_plan *p, int64_t n, bool lockstep, const struct conditions *w,
                      const struct scenario *base, struct messages *m)
{
    const char **value = must(calloc((size_t)p->axes + 1, sizeof *value));
    int failed = 0;

    for (int64_t k = 0; k < n && !failed; k++) {
        choose(p, k, lockstep, value);
        switch (where_holds(p, w, value, m)) {
        case 1:
            failed = point_add(p, value, base, m);
            break;
        case -1:
            failed = -1;
            break;
        }
    }
    free(value);
    return failed;
}

int sweep_build(struct sweep_plan *p, const struct scenario *base, bool lockstep, const char *where, int reps,
                uint64_t seed, struct messages *m)
{
    struct conditions w = { 0 };
    int64_t n = combinations(p, lockstep, m);
    int failed = n < 0;

    p->reps = reps;
    p->seed = seed;
    if (!failed && where)
        failed = where_parse(p, where, &w, m);
    if (!failed)
        failed = add_points(p, n, lockstep, &w, base, m);
    if (!failed && p->points == 0) {
        messages_add(m, "--where '%s' leaves no point of %" PRId64, where, n);
        failed = -1;
    }
    free(w.condition);
    if (failed)
        return -1;
    sweep_hash(p);
    return 0;
}

void sweep_free(struct sweep_plan *p)
{
    for (int i = 0; i < p->points; i++)
        point_free(&p->point[i]);
    free(p->point);
    for (int i = 0; i < p->axes; i++) {
        for (int k = 0; k < p->axis[i].values; k++)
            free(p->axis[i].value[k]);
        free(p->axis[i].value);
        free(p->axis[i].key);
    }
    free(p->axis);
    *p = (struct sweep_plan){ 0 };
}

/* ---- running ---- */

/* What the workers share. `next` and what follows it are touched under the lock only. */
struct pool_of_runs {
    const struct sweep_plan *plan;
    const struct run_options *options;
    const struct sweep_callbacks *call;
    atomic_int *stop;
    bool alone;                 /* one run at a time: it may report simulated time */
    pthread_mutex_t lock;
    int64_t next;               /* the next run: point * reps + replication */
    int finished, done, total;
};

static bool stopped(const struct pool_of_runs *w)
{
    return w->stop && atomic_load(w->stop) != 0;
}

/* Takes the next run that is not known. Called under the lock. */
static bool take_run(struct pool_of_runs *w, const struct sweep_point **pt, uint64_t *replication, char key[33])
{
    const struct sweep_plan *p = w->plan;

    while (w->next < w->total && !stopped(w)) {
        int64_t k = w->next++;

        *pt = &p->point[k / p->reps];
        *replication = (uint64_t)(k % p->reps);
        run_key((*pt)->hash, p->seed, *replication, key);
        if (!w->call->known || !w->call->known(w->call->user, key))
            return true;
        w->done++;
        w->finished++;
        if (w->call->progress)
            w->call->progress(w->call->user, w->finished, w->total);
    }
    return false;
}

/* A run that was given up because of `stop` has not failed: it was not reached. */
static void book_run(struct pool_of_runs *w, const struct sweep_point *pt, uint64_t replication, const char *key,
                     const struct result *r, const char *why)
{
    const struct sweep_callbacks *call = w->call;

    if (why && stopped(w))
        return;
    if (why) {
        if (call->failed)
            call->failed(call->user, pt, replication, why);
    } else if (call->done && call->done(call->user, pt, replication, key, r) != 0) {
        if (w->stop)
            atomic_store(w->stop, 1);
        w->next = w->total;
    } else {
        w->done++;
    }
    w->finished++;
    if (call->progress)
        call->progress(call->user, w->finished, w->total);
}

static void *work(void *shared)
{
    struct pool_of_runs *w = shared;
    const struct sweep_point *pt;
    uint64_t replication;
    char key[33];

    pthread_mutex_lock(&w->lock);
    while (take_run(w, &pt, &replication, key)) {
        struct run_options o = *w->options;
        struct result r;
        char why[512] = "";
        int failed;

        pthread_mutex_unlock(&w->lock);
        o.seed = w->plan->seed;
        o.replication = replication;
        o.stop = w->stop;
        if (!w->alone)
            o.progress_ps = NULL;
        result_init(&r);
        failed = run_config(&pt->config, &o, &r, why, sizeof why);
        if (!failed)
            failed = result_balance(&r, why, sizeof why);
        pthread_mutex_lock(&w->lock);
        book_run(w, pt, replication, key, &r, failed ? why : NULL);
        result_free(&r);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int sweep_run(const struct sweep_plan *p, const struct run_options *o, int jobs, const struct sweep_callbacks *cb,
              atomic_int *stop)
{
    struct pool_of_runs w = { .plan = p, .options = o, .call = cb, .stop = stop, .total = p->points * p->reps,
                              .lock = PTHREAD_MUTEX_INITIALIZER };

    jobs = workers_count(jobs, w.total);
    w.alone = jobs == 1;
    workers_run(jobs, work, &w);
    pthread_mutex_destroy(&w.lock);
    return w.total - w.done;
}
