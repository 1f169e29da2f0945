/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim why: where the frames of a stored run died, which counters show it, and what it hangs on. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/cli/data_dir.h"
#include "sim/cli/session.h"
#include "sim/cli/watch.h"
#include "sim/engine/time.h"
#include "sim/lab/apply.h"
#include "sim/lab/factor.h"
#include "sim/lab/goal.h"
#include "sim/lab/must.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "counter", .kind = OPTION_TEXT, .argument = "NAME",
      .doc = "what moves this counter or metric; by default the drops, or without any the 99th percentile of latency" },
    { .name = "flow", .kind = OPTION_TEXT, .argument = "TEXT", .doc = "the ledger of the flows whose tuple holds this text" },
    { .name = "packet", .kind = OPTION_NUMBER, .argument = "N", .min = 0, .max = INT64_MAX,
      .doc = "one sampled frame's time, stage by stage" },
    { .name = "slowest", .kind = OPTION_FLAG, .doc = "the slowest sampled frame's time, stage by stage" },
    { .name = "no-what-if", .kind = OPTION_FLAG, .doc = "explain only what is stored, run nothing" },
    { .name = "jobs", .letter = 'j', .kind = OPTION_NUMBER, .argument = "N", .dflt = "0", .min = 0, .max = 1024,
      .doc = "runs at a time; 0: one per core" },
    OPTION_DB,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim why last", "rxsim why microburst/2 --counter rx_missed_errors", "rxsim why last --slowest",
    "rxsim why last --flow 10.0.0.1:9000", NULL
};

/* ---- what is stored: where frames died ---- */

static int by_frames(const void *a, const void *b, void *ledger)
{
    const struct result_ledger *l = ledger;
    uint64_t x = l->frames[*(const int *)a], y = l->frames[*(const int *)b];

    return x < y ? 1 : x > y ? -1 : *(const int *)a - *(const int *)b;
}

/* The fates by which frames were dropped, most frames first; returns how many. */
static int lost_fates(const struct result *r, int fate[FATES])
{
    int n = 0;

    for (int f = 0; f < FATES; f++) {
        if (fate_info[f].kind == FATE_KIND_DROPPED && r->ledger.frames[f] > 0)
            fate[n++] = f;
    }
    qsort_r(fate, (size_t)n, sizeof *fate, by_frames, (void *)(uintptr_t)&r->ledger);
    return n;
}

static void print_books(const struct result *r)
{
    char a[NUMBER_TEXT], b[NUMBER_TEXT], c[NUMBER_TEXT], d[NUMBER_TEXT], share[NUMBER_TEXT];
    uint64_t lost = result_kind(&r->ledger, FATE_KIND_DROPPED);

    printf("%s frames offered = %s delivered + %s consumed by design + %s dropped (%s)", number_grouped(r->ledger.offered, a),
           number_grouped(result_kind(&r->ledger, FATE_KIND_DELIVERED), b),
           number_grouped(result_kind(&r->ledger, FATE_KIND_CONSUMED), c), number_grouped(lost, d),
           number_percent(r->ledger.offered ? (double)lost / (double)r->ledger.offered : 0, share));
    printf(" + %s in flight. The books balance.\n", number_grouped(r->ledger.in_flight, a));
}

/* Where a fate's frames were: "all on eth0.q0", or the three worst queues. */
static void print_queues(const struct result *r, int fate)
{
    uint64_t total = r->ledger.frames[fate];
    int shown = 0;

    for (int q = 0; q < r->queues && shown < 3; q++) {
        uint64_t n = r->queue[q].ledger.frames[fate];
        char text[NUMBER_TEXT];
        if (n == 0 || r->queues == 1)
            continue;
        printf("%s%s %s", shown++ ? ", " : "  where              ", r->queue[q].scope, number_percent((double)n / (double)total, text));
    }
    if (shown)
        printf("\n");
}

enum { BINS = 48 };

/* When, over the time of offering, as one character a bin. */
static void print_when(const struct result *r, int fate)
{
    static const char *const bar[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    int64_t end = r->last_arrival_ps > 0 ? r->last_arrival_ps : r->sim_ps, first = INT64_MAX, last = -1;
    int bin[BINS] = { 0 }, most = 0, seen = 0;
    char a[NUMBER_TEXT], b[NUMBER_TEXT];

    for (int i = 0; i < r->packets; i++) {
        const struct result_packet *p = &r->packet[i];
        if ((int)p->fate != fate || p->t_wire < 0 || end <= 0)
            continue;
        int k = (int)((double)p->t_wire / (double)end * BINS);
        k = k < BINS ? k : BINS - 1;
        most = ++bin[k] > most ? bin[k] : most;
        seen++;
        first = p->t_wire < first ? p->t_wire : first;
        last = p->t_wire > last ? p->t_wire : last;
    }
    if (seen == 0)
        return;
    printf("  when               %s to %s after the start (%d of the sampled frames)\n", number_time((double)first / 1000, a),
           number_time((double)last / 1000, b), seen);
    printf("                     |");
    for (int k = 0; k < BINS; k++)
        printf("%s", bar[bin[k] == 0 ? 0 : 1 + bin[k] * 7 / most]);
    printf("| 0 .. %s\n", number_time((double)end / 1000, a));
}

static void print_fate(const struct result *r, int fate, int rank)
{
    const struct fate_info *f = &fate_info[fate];
    char n[NUMBER_TEXT], share[NUMBER_TEXT];

    printf("\n%d. %s: %s frames, %s of all offered, in models/%s.c\n", rank, f->name,
           number_grouped(r->ledger.frames[fate], n),
           number_percent((double)r->ledger.frames[fate] / (double)r->ledger.offered, share), f->stage);
    printf("  what happened      %s\n", f->doc);
    print_queues(r, fate);
    print_when(r, fate);
    printf("  you would see      %s\n", f->moves);
    printf("  you would not see  %s\n", f->still);
}

static double share_of(const struct result_cpu *c, int context)
{
    int64_t all = 0;

    for (int k = 0; k < RESULT_CONTEXTS; k++)
        all += c->ps[k];
    return all > 0 ? (double)c->ps[context] / (double)all : NAN;
}

/* A core that never idles is the limit; cores that idle while frames die point elsewhere. */
static void print_cpus(const struct result *r)
{
    printf("\n");
    for (int i = 0; i < r->cpus && i < 8; i++) {
        char idle[NUMBER_TEXT], text[NUMBER_TEXT];
        double free_share = share_of(&r->cpu[i], RESULT_IDLE);
        printf("cpu%d idle %s", i, number_percent(free_share, idle));
        for (int k = 0; k < RESULT_IDLE; k++) {
            if (share_of(&r->cpu[i], k) >= 0.005)
                printf(", %s %s", result_context_name[k], number_percent(share_of(&r->cpu[i], k), text));
        }
        printf("%s\n", free_share < 0.02 ? "  <- never idle" : "");
    }
}

static void print_flows(const struct result *r, const char *text)
{
    struct table t;
    int n = 0;

    table_init(&t, "flow|>offered|>delivered|>consumed|>dropped|>in flight");
    for (int i = 0; i < r->flows && n < 40; i++) {
        const struct result_flow *f = &r->flow[i];
        if (!strstr(f->tuple, text))
            continue;
        n++;
        table_cell(&t, "%s", f->tuple);
        table_cell(&t, "%" PRIu64, f->offered);
        table_cell(&t, "%" PRIu64, f->delivered);
        table_cell(&t, "%" PRIu64, f->consumed);
        table_cell(&t, "%" PRIu64, f->dropped);
        table_cell(&t, "%" PRIu64, f->in_flight);
    }
    table_print(&t, 0, stdout);
    table_free(&t);
    if (n == 0)
        printf("No flow's tuple holds '%s'; the run keeps the 1000 busiest.\n", text);
}

/* ---- one frame's time ---- */

enum { WIDTH = 40 };

static void print_packet(const struct result_packet *p)
{
    const struct { const char *what; int64_t from, to; } step[] = {
        { "wire to memory: FIFO, PCIe, DMA", p->t_wire, p->t_dma },
        { "in the ring until the interrupt: moderation, IRQ delivery, idle state", p->t_dma, p->t_irq },
        { "interrupt to poll: softirq, frames before it", p->t_irq >= 0 ? p->t_irq : p->t_dma, p->t_poll },
        { "poll to stack: driver, skb, GRO", p->t_poll, p->t_stack },
        { "stack to socket: IP, netfilter, transport", p->t_stack, p->t_socket },
        { "socket to application: wakeup, run queue, reads before it, copy", p->t_socket, p->t_app },
    };
    int64_t last = p->t_wire, all;
    char text[NUMBER_TEXT];

    for (size_t i = 0; i < sizeof step / sizeof *step; i++)
        last = step[i].to > last ? step[i].to : last;
    all = last - p->t_wire;
    printf("frame %" PRIu64 ", %" PRIu32 " bytes, queue %d, cpu%d: %s, ", p->seq, p->len, p->queue, p->cpu, fate_info[p->fate].name);
    printf("%s from the last bit on the wire\n", number_time((double)all / 1000, text));
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        if (step[i].from < 0 || step[i].to < 0)
            continue;
        int begin = all ? (int)((double)(step[i].from - p->t_wire) / (double)all * WIDTH) : 0;
        int end = all ? (int)ceil((double)(step[i].to - p->t_wire) / (double)all * WIDTH) : 0;
        printf("  |");
        for (int k = 0; k < WIDTH; k++)
            printf("%s", k >= begin && k < end ? "█" : " ");
        printf("| %9s  %s\n", number_time((double)(step[i].to - step[i].from) / 1000, text), step[i].what);
    }
}

static int show_packet(const struct result *r, const struct arguments *a)
{
    const struct result_packet *found = NULL;

    for (int i = 0; i < r->packets; i++) {
        const struct result_packet *p = &r->packet[i];
        if (given(a, "packet") ? (int64_t)p->seq == given_number(a, "packet")
                               : p->t_app >= 0 && (!found || p->t_app - p->t_wire > found->t_app - found->t_wire))
            found = p;
    }
    if (!found) {
        say(given(a, "packet") ? "this frame is not in the sample of the run; --sample 1 keeps all, "
                                 "`rxsim query 'SELECT seq FROM packet'` lists them"
                               : "no sampled frame was delivered");
        return EXIT_USAGE;
    }
    print_packet(found);
    return EXIT_OK;
}

/* ---- what it hangs on: the run again with one thing changed ---- */

enum { TRIES = 64 };

struct try {
    const struct factor *factor;        /* NULL: nothing changed */
    char old[64], new[64];
    bool ran;
    double value;               /* of the target */
    double drops, p99;
};

struct inquiry {
    const struct arguments *arguments;
    struct goal_clause target;
    struct scenario *scenario;
    struct sweep_plan plan;
    struct captures captures;
    struct try try[TRIES];
    int tries;
    struct watch watch;
};

static void put_parameter(void *user, const char *name, const char *value, const char *unit)
{
    FILE *out = user;

    (void)unit;
    json_quote(out, name);
    fputs(": ", out);
    json_quote(out, value);
    fputc('\n', out);
}

/* The stored run's scenario, every parameter written out. */
static int rebuild(struct store *s, const struct stored_run *run, struct scenario **scenario)
{
    struct messages m = { 0 };
    char *text = NULL;
    size_t size = 0;
    FILE *out = must(open_memstream(&text, &size));

    fprintf(out, "version: 1\n");
    int failed = store_resolved(s, run->id, put_parameter, out);
    fclose(out);
    if (!failed)
        *scenario = scenario_parse(text, size, run->scenario, data_dir(), &m);
    free(text);
    if (failed)
        say("%s", store_error(s));
    print_messages(&m);
    messages_free(&m);
    return !failed && *scenario ? EXIT_OK : EXIT_IO;
}

/* The factor's value now and changed, as texts; false: there is nothing it could change. */
static bool change(struct try *t, const struct config *c)
{
    struct param_ref ref;
    char why[256];
    int64_t value;

    if (param_find(t->factor->key, &ref, why, sizeof why) != 0 || config_instances(c, ref.model->scope) == 0)
        return false;
    int64_t now = *config_at(c, ref.model, ref.row, 0, 0);
    value_print(ref.row, now, t->old, sizeof t->old);
    return factor_value(t->factor, t->old, (int)session_param(c, "cpu.count"), t->new, sizeof t->new) &&
           value_parse(ref.row, t->new, &value, why, sizeof why) == NULL && value != now;
}

/* A point for the run as it was, and one for each factor that can be changed. */
static int add_tries(struct inquiry *q)
{
    struct messages m = { 0 };
    int failed = sweep_add_point(&q->plan, q->scenario, "as it was", &m);

    print_messages(&m);
    messages_free(&m);
    if (failed)
        return EXIT_USAGE;
    q->tries = 1;
    for (const struct factor *f = factors; f->key && q->tries < TRIES; f++) {
        struct messages unfit = { 0 };
        struct try *t = &q->try[q->tries];
        struct scenario *s = must(scenario_copy(q->scenario));
        *t = (struct try){ .factor = f };
        if (change(t, &q->plan.point[0].config) &&
            scenario_set(s, f->key, t->new, LEVEL_VARY, "why", &unfit) == 0 &&
            sweep_add_point(&q->plan, s, f->key, &unfit) == 0)      /* what this machine cannot have is left out */
            q->tries++;
        messages_free(&unfit);
        scenario_free(s);
    }
    return EXIT_OK;
}

static int try_done(void *user, const struct sweep_point *pt, uint64_t replication, const char *key, const struct result *r)
{
    struct inquiry *q = user;
    struct try *t = &q->try[pt->ordinal];

    (void)replication;
    (void)key;
    t->ran = true;
    t->value = goal_value(&q->target, r);
    t->drops = result_metric(r, "drops");
    t->p99 = result_metric(r, "latency_p99_ns");
    return 0;
}

static void try_progress(void *user, int finished, int total)
{
    struct inquiry *q = user;

    (void)total;
    atomic_store(&q->watch.finished, finished);
}

static int run_tries(struct inquiry *q, const struct stored_run *run)
{
    struct run_options o = run_options_default;
    struct sweep_callbacks calls = { .done = try_done, .progress = try_progress, .user = q };
    int code = session_captures(&q->captures, q->scenario, &q->plan);

    if (code != EXIT_OK)
        return code;
    q->plan.reps = 1;
    q->plan.seed = run->seed;
    o.sample_every = o.sample_drops = o.sample_slowest = 0;
    watch_begin(&q->watch, q->plan.points, 0, q->arguments->quiet);
    int missing = sweep_run(&q->plan, &o, (int)given_number(q->arguments, "jobs"), &calls, &q->watch.stop);
    watch_end(&q->watch);
    if (atomic_load(&q->watch.signal))
        return EXIT_SIGNAL + atomic_load(&q->watch.signal);
    return missing > 0 && !q->try[0].ran ? EXIT_INCOMPLETE : EXIT_OK;
}

static int by_value(const void *a, const void *b)
{
    const struct try *x = a, *y = b;

    if (!x->ran || !y->ran || x->value == y->value)
        return x->ran != y->ran ? (x->ran ? -1 : 1) : x->factor < y->factor ? -1 : 1;
    return x->value < y->value ? -1 : 1;
}

/* "-98 %" of the target as it was; "same" is the word that ends folklore. */
static void effect_text(const struct try *base, const struct try *t, char *text, size_t size)
{
    if (!t->ran || isnan(t->value))
        snprintf(text, size, "-");
    else if (t->value == base->value)
        snprintf(text, size, "same");
    else if (base->value == 0)
        snprintf(text, size, "from 0");
    else
        snprintf(text, size, "%+.*f %%", fabs(t->value / base->value - 1) < 0.1 ? 1 : 0, (t->value / base->value - 1) * 100);
}

static void target_cell(struct table *t, const struct inquiry *q, double x)
{
    char text[NUMBER_TEXT];
    bool time = q->target.metric && strstr(q->target.metric, "_ns");

    if (!time && x == floor(x) && fabs(x) < 1e15)
        table_cell(t, "%.0f", x);
    else
        table_cell(t, "%s", time ? number_time(x, text) : number_short(x, 4, text));
}

/* What changes nothing at all: the words that end folklore. */
static void print_idle_factors(const struct inquiry *q, const struct try *base)
{
    int n = 0, column = 0;

    for (int i = 1; i < q->tries; i++) {
        const struct try *t = &q->try[i];
        char text[192];
        if (!t->ran || t->value != base->value)
            continue;
        int length = snprintf(text, sizeof text, "%s %s -> %s", t->factor->key, t->old, t->new);
        if (n++ == 0)
            printf("\nNo difference at all in %s from:", q->target.name);
        if (n == 1 || column + length > 115)
            column = printf("\n  %s", text);
        else
            column += printf(", %s", text);
    }
    if (n)
        printf("\n");
}

static void print_tries(struct inquiry *q)
{
    const struct try base = q->try[0];
    char titles[256];
    struct table t;

    bool is_drops = strcmp(q->target.name, "drops") == 0, is_p99 = strcmp(q->target.name, "p99") == 0;

    qsort(q->try + 1, (size_t)q->tries - 1, sizeof *q->try, by_value);
    snprintf(titles, sizeof titles, "one thing changed|from|to|>%s|>effect%s%s|", q->target.name, is_drops ? "" : "|>drops",
             is_p99 ? "" : "|>p99");
    printf("\nThe same run again, same random numbers, with one thing changed at a time:\n\n");
    table_init(&t, titles);
    for (int i = 0; i < q->tries; i++) {
        const struct try *one = i == 0 ? &base : &q->try[i];
        char text[NUMBER_TEXT];
        if (!one->ran || (i > 0 && one->value == base.value))
            continue;
        effect_text(&base, one, text, sizeof text);
        table_cell(&t, "%s", one->factor ? one->factor->what : "nothing");
        table_cell(&t, "%s", one->old);
        table_cell(&t, "%s", one->new);
        target_cell(&t, q, one->value);
        table_cell(&t, "%s", i == 0 ? "" : text);
        if (!is_drops)
            table_cell(&t, "%.0f", one->drops);
        if (!is_p99)
            table_cell(&t, "%s", number_time(one->p99, text));
        table_cell(&t, "%s", !one->factor ? "" : one->factor->knob ? one->factor->key : "(no knob: what the machine lacks)");
    }
    table_print(&t, 0, stdout);
    table_free(&t);
    print_idle_factors(q, &base);
}

/* Is the largest loss one of room or time, rather than of an address, a port or a rule? */
static bool is_of_capacity(const struct result *r)
{
    static const int capacity[] = { FATE_RX_NO_DESC, FATE_RX_MISSED_ERRORS, FATE_CPU_BACKLOG, FATE_SOCKET_RCVBUFF,
                                    FATE_SOCKET_BACKLOG, FATE_PROTO_MEM };
    int fate[FATES], n = lost_fates(r, fate);

    for (size_t i = 0; i < sizeof capacity / sizeof *capacity && n > 0; i++) {
        if (capacity[i] == fate[0])
            return true;
    }
    return false;
}

/* The best knob's line. */
static void print_advice(const struct inquiry *q, const struct try *base, bool of_capacity)
{
    for (int i = 1; i < q->tries; i++) {
        const struct try *t = &q->try[i];
        struct messages m = { 0 };
        struct config c;
        char line[256], effect[64];
        if (!t->ran || !t->factor->knob || !(t->value < 0.9 * base->value) || t->drops > base->drops)
            continue;               /* what is lost has no latency: fewer losses come first */
        struct scenario *s = must(scenario_copy(q->scenario));
        if (scenario_set(s, t->factor->key, t->new, LEVEL_VARY, "why", &m) == 0 && scenario_resolve(s, &c, &m) == 0) {
            effect_text(base, t, effect, sizeof effect);
            if (apply_line(&c, t->factor->key, line, sizeof line))
                printf("\nWhat helps most of what you can set: %s (%s of %s).\n  %s\n", t->factor->what, effect, q->target.name, line);
            else
                printf("\nWhat helps most of what you can change: %s, %s=%s (%s of %s).\n", t->factor->what, t->factor->key,
                       t->new, effect, q->target.name);
            config_free(&c);
        }
        scenario_free(s);
        messages_free(&m);
        return;
    }
    printf("\nNone of the knobs tried takes away a tenth of it%s.\n",
           of_capacity ? ": it is the load, the cores or the application" : " without losing more elsewhere");
}

static int target_of(struct inquiry *q, const struct result *r)
{
    struct messages m = { 0 };
    struct goal g;
    const char *wanted = given_text(q->arguments, "counter");
    char text[128];

    if (!wanted)
        wanted = result_kind(&r->ledger, FATE_KIND_DROPPED) > 0 ? "drops" : "p99";
    snprintf(text, sizeof text, "%s<=0", wanted);
    int failed = goal_parse(&g, text, &m);
    print_messages(&m);
    messages_free(&m);
    if (!failed)
        q->target = g.clause[0];
    return failed ? EXIT_USAGE : EXIT_OK;
}

static void json_tries(struct json *j, const struct inquiry *q)
{
    json_text(j, "target", q->target.name);
    json_array(j, "what_if");
    for (int i = 0; i < q->tries; i++) {
        const struct try *t = &q->try[i];
        if (!t->ran)
            continue;
        json_object(j, NULL);
        json_text(j, "key", t->factor ? t->factor->key : NULL);
        json_text(j, "what", t->factor ? t->factor->what : "nothing");
        json_text(j, "from", t->old);
        json_text(j, "to", t->new);
        json_bool(j, "knob", t->factor && t->factor->knob);
        json_real(j, "value", t->value);
        json_real(j, "drops", t->drops);
        json_real(j, "latency_p99_ns", t->p99);
        json_end(j);
    }
    json_end(j);
}

static void print_json(const struct inquiry *q, const struct stored_run *run)
{
    int fate[FATES], n = lost_fates(&run->result, fate);
    struct json j;

    json_begin(&j, stdout);
    json_object(&j, NULL);
    json_int(&j, "run", run->id);
    json_uint(&j, "offered", run->result.ledger.offered);
    json_array(&j, "drops");
    for (int i = 0; i < n; i++) {
        const struct fate_info *f = &fate_info[fate[i]];
        json_object(&j, NULL);
        json_text(&j, "reason", f->name);
        json_uint(&j, "frames", run->result.ledger.frames[fate[i]]);
        json_text(&j, "stage", f->stage);
        json_text(&j, "doc", f->doc);
        json_text(&j, "moves", f->moves);
        json_text(&j, "still", f->still);
        json_end(&j);
    }
    json_end(&j);
    json_tries(&j, q);
    json_finish(&j);
}

static int what_if(struct inquiry *q, struct store *s, const struct stored_run *run)
{
    int code = rebuild(s, run, &q->scenario);

    if (code == EXIT_OK)
        code = add_tries(q);
    return code == EXIT_OK ? run_tries(q, run) : code;
}

static void explain(const struct stored_run *run)
{
    const struct result *r = &run->result;
    int fate[FATES], n = lost_fates(r, fate);

    printf("run %" PRId64 ", experiment %s, point %d%s%s\n", run->id, run->experiment, run->ordinal, *run->label ? ": " : "",
           run->label);
    print_books(r);
    for (int i = 0; i < n; i++)
        print_fate(r, fate[i], i + 1);
    print_cpus(r);
}

static int why_run(struct store *s, const struct stored_run *run, const struct arguments *a)
{
    struct inquiry q = { .arguments = a };
    int code = target_of(&q, &run->result);

    if (code == EXIT_OK && !a->json)
        explain(run);
    fflush(stdout);
    if (code == EXIT_OK && !given(a, "no-what-if"))
        code = what_if(&q, s, run);
    if (code == EXIT_OK && a->json)
        print_json(&q, run);
    else if (code == EXIT_OK && !given(a, "no-what-if")) {
        const struct try base = q.try[0];
        print_tries(&q);
        print_advice(&q, &base, is_of_capacity(&run->result));
    }
    sweep_free(&q.plan);
    captures_free(&q.captures);
    scenario_free(q.scenario);
    return code;
}

static int why(struct store *s, const struct run_set *set, const struct arguments *a)
{
    struct stored_run run;
    int code = EXIT_OK;

    if (store_load(s, set->id[0], &run) != 0) {
        say("%s", store_error(s));
        return EXIT_IO;
    }
    if (given(a, "packet") || given(a, "slowest"))
        code = show_packet(&run.result, a);
    else if (given(a, "flow"))
        print_flows(&run.result, given_text(a, "flow"));
    else
        code = why_run(s, &run, a);
    stored_run_free(&run);
    if (!a->quiet)
        session_say_others(set);
    return code;
}

static int run(const struct arguments *a)
{
    return session_on_runs(a, why);
}

const struct command why_command = {
    .name = "why", .arguments = "RUN", .least = 1, .most = 1,
    .what = "explain a stored run: where frames died, which counters show it, what it hangs on",
    .about = "Explains the losses of a stored run: stage, reason, when and where, the counters an admin would see move and\n"
             "those that stand still, and how busy the cores were. Then runs it again, with the same random numbers and one\n"
             "thing changed at a time, so that what helps and what does nothing is computed, not guessed. RUN as for\n"
             "`rxsim show`. With --packet or --slowest: where one frame's time went.",
    .options = options, .examples = examples, .run = run,
};
