/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rxsim plan: the largest (or smallest) value of a parameter that meets a goal, and what breaks first beyond it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/campaign.h"
#include "sim/cli/commands.h"
#include "sim/lab/apply.h"
#include "sim/lab/decimal.h"
#include "sim/lab/must.h"
#include "sim/lab/search.h"
#include "sim/out/json.h"
#include "sim/out/table.h"

static const struct option_row options[] = {
    { .name = "find", .kind = OPTION_TEXT, .argument = "KEY=LO:HI",
      .doc = "the parameter and its range: traffic.rate=1Mpps:10Mpps; KEY+KEY: several with one value" },
    { .name = "goal", .kind = OPTION_TEXT, .argument = "GOAL",
      .doc = "what is to hold: 'drops=0 && p99<100us && cpu<70%'" },
    { .name = "resolution", .kind = OPTION_NUMBER, .argument = "PERCENT", .dflt = "1", .min = 0, .max = 50,
      .doc = "how near to the edge; whole numbers are never found nearer than 1" },
    { .name = "most-reps", .kind = OPTION_NUMBER, .argument = "N", .dflt = "40", .min = 1, .max = 10000,
      .doc = "replications of a value that is near the edge, at most" },
    OPTIONS_RUNNING,
    OPTIONS_OUTPUT,
    { .name = NULL }
};

static const char *const examples[] = {
    "rxsim plan linerate --find traffic.rate=1Mpps:14Mpps --goal 'drops=0 && p99<100us' --reps 5",
    "rxsim plan microburst --find nic.ring.rx=64:4096 --goal 'drops=0'",
    "rxsim plan two-queues --find nic.channels+cpu.count=1:16 --goal 'loss<0.1%'",
    NULL
};

enum { KEYS = 8 };

/* One value, and all that its replications said. */
struct tried {
    int64_t at;
    char text[64];              /* "4.87Mpps" */
    int reps;
    double *value;              /* clause-major: clauses x room */
    int room;
    enum goal_status status[GOAL_CLAUSES];
    bool holds[GOAL_CLAUSES];
    double lost[FATES];         /* frames by fate, sum over replications */
    double busiest;             /* share, sum over replications */
    struct search_trial trial;
};

struct planning {
    const struct arguments *arguments;
    struct scenario *scenario;
    struct captures captures;
    struct goal goal;
    char find[256];             /* the key, or several with + between */
    char key[KEYS][128];
    int keys;
    int decimals;               /* of the search's whole numbers */
    char unit[24];
    struct search search;
    struct tried *tried;
    int n;
    struct watch watch;
    int runs;
    int code;                   /* why it gave up */
};

/* ---- one value ---- */

struct replications { struct planning *p; struct tried *t; int known; };

static bool done_before(void *user, const char *key)
{
    struct replications *r = user;

    (void)key;                  /* replications come in order: the first `known` of this value have run */
    return r->known-- > 0;
}

static int one_done(void *user, const struct sweep_point *pt, uint64_t replication, const char *key, const struct result *r)
{
    struct replications *s = user;
    struct tried *t = s->t;

    (void)pt;
    (void)key;
    for (int c = 0; c < s->p->goal.clauses; c++)
        t->value[c * t->room + (int)replication] = goal_value(&s->p->goal.clause[c], r);
    for (int f = 0; f < FATES; f++)
        t->lost[f] += fate_info[f].kind == FATE_KIND_DROPPED ? (double)r->ledger.frames[f] : 0;
    t->busiest += result_metric(r, "cpu_busy");
    atomic_fetch_add(&s->p->watch.finished, 1);
    return 0;
}

static void one_failed(void *user, const struct sweep_point *pt, uint64_t replication, const char *why)
{
    struct replications *s = user;

    watch_make_room(&s->p->watch);
    say("%s, replication %d: %s", pt->label, (int)replication, why);
}

/* Runs replications up to `reps` of the value; those it has are kept. */
static int more_replications(struct planning *p, struct tried *t, int reps)
{
    struct sweep_plan plan = { 0 };
    struct messages m = { 0 };
    struct run_options o = run_options_default;
    struct replications r = { .p = p, .t = t, .known = t->reps };
    struct sweep_callbacks calls = { .known = done_before, .done = one_done, .failed = one_failed, .user = &r };
    int code = EXIT_OK, failed = 0;

    for (int k = 0; k < p->keys; k++) {
        char vary[256];
        snprintf(vary, sizeof vary, "%s=%s;", p->key[k], t->text);      /* a list of one */
        failed |= sweep_vary(&plan, vary, &m);
    }
    o.no_batch = given(p->arguments, "no-batch");
    o.sample_every = o.sample_drops = o.sample_slowest = 0;
    if (failed || sweep_build(&plan, p->scenario, true, NULL, reps, 1, &m) != 0) {
        print_messages(&m);
        code = EXIT_USAGE;
    }
    messages_free(&m);
    if (code == EXIT_OK)
        code = session_captures(&p->captures, p->scenario, &plan);
    if (code == EXIT_OK) {
        plan.seed = (uint64_t)session_param(&plan.point[0].config, "run.seed");
        atomic_fetch_add(&p->watch.total, reps - t->reps);
        if (sweep_run(&plan, &o, (int)given_number(p->arguments, "jobs"), &calls, &p->watch.stop) > 0)
            code = atomic_load(&p->watch.signal) ? EXIT_SIGNAL + atomic_load(&p->watch.signal) : EXIT_INCOMPLETE;
    }
    p->runs += reps - t->reps;
    t->reps = reps;
    sweep_free(&plan);
    return code;
}

static void judge(struct planning *p, struct tried *t)
{
    t->trial.status = GOAL_MET;
    t->trial.met = true;
    for (int c = 0; c < p->goal.clauses; c++) {
        t->status[c] = goal_judge(&p->goal.clause[c], t->value + c * t->room, t->reps, SEARCH_CONFIDENCE, &t->holds[c]);
        if (t->status[c] < t->trial.status)
            t->trial.status = t->status[c];
        t->trial.met &= t->holds[c];
    }
}

/* One replication says nothing about the spread: five unless the user says how many. */
static int first_reps(const struct arguments *a)
{
    return given(a, "reps") ? (int)given_number(a, "reps") : 5;
}

/* The search's trial: more replications, twice as many each time, while it is not sure. */
static bool try_value(void *user, struct search_trial *s)
{
    struct planning *p = user;
    int reps = first_reps(p->arguments), most = (int)given_number(p->arguments, "most-reps");

    p->tried = must(realloc(p->tried, (size_t)(p->n + 1) * sizeof *p->tried));
    struct tried *t = &p->tried[p->n++];
    *t = (struct tried){ .at = s->at, .room = reps > most ? reps : most, .trial = *s };
    t->value = must(calloc((size_t)p->goal.clauses * (size_t)t->room, sizeof *t->value));
    decimal_print(s->at, p->decimals, p->unit, t->text, sizeof t->text);
    do {
        if ((p->code = more_replications(p, t, reps)) != EXIT_OK)
            return false;
        judge(p, t);
        reps = 2 * reps < t->room ? 2 * reps : t->room;
    } while (t->trial.status == GOAL_UNSURE && t->reps < reps);
    *s = t->trial;
    return true;
}

static const struct tried *tried_at(const struct planning *p, int64_t at)
{
    for (int i = 0; i < p->n; i++) {
        if (p->tried[i].at == at)
            return &p->tried[i];
    }
    return NULL;
}

/* ---- what was asked ---- */

static int usage(const char *sentence)
{
    say("plan: %s", sentence);
    return EXIT_USAGE;
}

/* "nic.channels+cpu.count": every key must be one; `ref` is the last. */
static int keys_parse(struct planning *p, struct param_ref *ref)
{
    char copy[sizeof p->find], why[512], *rest = NULL;

    memcpy(copy, p->find, sizeof copy);
    for (char *key = strtok_r(copy, "+", &rest); key; key = strtok_r(NULL, "+", &rest)) {
        if (p->keys == KEYS || strlen(key) >= sizeof p->key[0])
            return usage("--find: too many keys");
        if (param_find(key, ref, why, sizeof why) != 0)
            return usage(why);
        snprintf(p->key[p->keys++], sizeof p->key[0], "%s", key);
    }
    return p->keys > 0 ? EXIT_OK : usage("--find: a key is missing");
}

static int range_parse(struct planning *p, const char *find)
{
    const char *equals = strchr(find, '='), *colon = equals ? strchr(equals, ':') : NULL;
    struct decimal lo, hi;
    struct param_ref ref;

    if (!colon || equals == find || (size_t)(equals - find) >= sizeof p->find)
        return usage("--find is KEY=LO:HI, for example traffic.rate=1Mpps:10Mpps");
    snprintf(p->find, sizeof p->find, "%.*s", (int)(equals - find), find);
    if (keys_parse(p, &ref) != EXIT_OK)
        return EXIT_USAGE;
    if (!decimal_parse(equals + 1, (size_t)(colon - equals - 1), &lo) || !decimal_parse(colon + 1, strlen(colon + 1), &hi) ||
        (lo.unit[0] && strcmp(lo.unit, hi.unit) != 0))
        return usage("--find: both ends of the range are numbers with the same unit, for example 64:4096 or 1us:500us");
    bool whole = ref.row->unit == UNIT_COUNT || ref.row->unit == UNIT_BYTES || ref.row->unit == UNIT_SWITCH;
    p->decimals = (lo.decimals > hi.decimals ? lo.decimals : hi.decimals) + (whole ? 0 : 3);
    if (!decimal_rescale(&lo, p->decimals) || !decimal_rescale(&hi, p->decimals))
        return usage("--find: too many digits");
    if (lo.digits >= hi.digits)
        return usage("--find: the range begins at its smaller end");
    memcpy(p->unit, hi.unit, sizeof p->unit);
    p->search.lo = lo.digits;
    p->search.hi = hi.digits;
    return EXIT_OK;
}

static int prepare(struct planning *p, const struct arguments *a)
{
    struct messages m = { 0 };
    const char *find = given_text(a, "find"), *goal = given_text(a, "goal");
    int code;

    p->arguments = a;
    if (!find || !goal)
        return usage(!find ? "--find is missing, for example --find traffic.rate=1Mpps:10Mpps"
                           : "--goal is missing, for example --goal 'drops=0 && p99<100us'");
    if (goal_parse(&p->goal, goal, &m) != 0) {
        print_messages(&m);
        messages_free(&m);
        return EXIT_USAGE;
    }
    if ((code = range_parse(p, find)) != EXIT_OK)
        return code;
    p->search.resolution = (double)given_number(a, "resolution") / 100;
    p->search.try = try_value;
    p->search.user = p;
    return session_scenario(a, a->positional[0], &p->scenario);
}

/* ---- the answer ---- */

static const char *status_text(const struct tried *t)
{
    return t->trial.status == GOAL_MET ? "met" : t->trial.status == GOAL_MISSED ? "missed"
           : t->trial.met ? "met on average" : "missed on average";
}

/* "drops=0" holds for the mean of a value; its column shows that mean. */
static void clause_cell(struct table *table, const struct planning *p, const struct tried *t, int c)
{
    struct estimate e = stats_estimate(t->value + c * t->room, (size_t)t->reps, STATS_CONFIDENCE);
    char mean[NUMBER_TEXT], half[NUMBER_TEXT];
    const char *metric = p->goal.clause[c].metric;
    bool time = metric && strstr(metric, "_ns"), share = metric && (strcmp(metric, "cpu_busy") == 0 ||
                                                                   strcmp(metric, "drop_rate") == 0);
    const char *text = time ? number_time(e.mean, mean) : share ? number_percent(e.mean, mean) : number_short(e.mean, 3, mean);

    if (e.n < 2 || e.half_width == 0)
        table_cell(table, "%s", text);
    else
        table_cell(table, "%s +- %s", text, time ? number_time(e.half_width, half) : share
                   ? number_percent(e.half_width, half) : number_short(e.half_width, 2, half));
}

static void print_trials(const struct planning *p)
{
    char titles[2048];
    size_t used = (size_t)snprintf(titles, sizeof titles, ">%s|>reps", p->find);
    struct table t;

    for (int c = 0; c < p->goal.clauses; c++)
        used += (size_t)snprintf(titles + used, sizeof titles - used, "|>%s", p->goal.clause[c].name);
    snprintf(titles + used, sizeof titles - used, "|goal");
    table_init(&t, titles);
    for (int i = 0; i < p->search.trials; i++) {
        const struct tried *one = tried_at(p, p->search.trial[i].at);
        table_cell(&t, "%s%s", one->text, one->at == p->search.best ? " <" : "  ");
        table_cell(&t, "%d", one->reps);
        for (int c = 0; c < p->goal.clauses; c++)
            clause_cell(&t, p, one, c);
        table_cell(&t, "%s", status_text(one));
    }
    table_print(&t, 0, stdout);
    table_free(&t);
}

static const char *text_at(const struct planning *p, int64_t at, char buffer[64])
{
    if (at < 0)
        return "none";
    decimal_print(at, p->decimals, p->unit, buffer, 64);
    return buffer;
}

/* What the scenario says today, as one of the search's numbers; -1: in another unit. */
static int64_t today(const struct planning *p)
{
    struct config c;
    struct messages m = { 0 };
    struct param_ref ref;
    struct decimal d;
    char text[128], why[256];
    int64_t at = -1;

    if (param_find(p->key[0], &ref, why, sizeof why) == 0 && ref.row->unit != UNIT_TEXT &&
        scenario_resolve(p->scenario, &c, &m) == 0) {
        value_print(ref.row, *config_at(&c, ref.model, ref.row, 0, 0), text, sizeof text);
        if (decimal_parse(text, strlen(text), &d) && strcmp(d.unit, p->unit) == 0 && d.decimals <= p->decimals &&
            decimal_rescale(&d, p->decimals))
            at = d.digits;
        config_free(&c);
    }
    messages_free(&m);
    return at;
}

/* Returns whether what the scenario has is enough already. */
static bool print_headroom(const struct planning *p)
{
    int64_t now = today(p);
    char text[64];

    if (now <= 0 || p->search.best <= 0)
        return false;
    double times = (double)p->search.best / (double)now;
    if (p->search.end == SEARCH_SMALLEST)
        printf("The scenario has %s now: %s.\n", text_at(p, now, text), now >= p->search.best ? "enough" : "too little");
    else if (times >= 1)
        printf("The scenario has %s now: headroom of %.0f %%.\n", text_at(p, now, text), (times - 1) * 100);
    else
        printf("The scenario has %s now: %.0f %% too much.\n", text_at(p, now, text), (1 / times - 1) * 100);
    return p->search.end == SEARCH_SMALLEST && now >= p->search.best;
}

/* Losses that are there at the edge too (what is dropped by design of the scenario) are not what breaks. */
static void print_losses(const struct planning *p, const struct tried *t)
{
    const struct tried *edge = tried_at(p, p->search.best);

    for (int f = 0; f < FATES; f++) {
        char n[NUMBER_TEXT];
        if (t->lost[f] <= 0 || (edge && edge->lost[f] > 0 && edge->lost[f] / edge->reps > 0.9 * t->lost[f] / t->reps))
            continue;
        printf("  %s: %s frames a run, %s.\n", fate_info[f].name, number_short(t->lost[f] / t->reps, 3, n), fate_info[f].doc);
        printf("    you would see      %s\n    you would not see  %s\n", fate_info[f].moves, fate_info[f].still);
    }
}

/* At a value that misses the goal: which clause gives way, where frames are lost, how busy the cores are. */
static void print_what_breaks(const struct planning *p, const char *where, const struct tried *t)
{
    char share[NUMBER_TEXT];

    printf("%s %s, what breaks%s:", where, t->text, p->search.end == SEARCH_NOWHERE ? "" : " first");
    for (int c = 0, n = 0; c < p->goal.clauses; c++) {
        if (!t->holds[c])
            printf("%s %s", n++ ? "," : "", p->goal.clause[c].text);
    }
    printf(". The busiest CPU is busy for %s.\n", number_percent(t->busiest / t->reps, share));
    print_losses(p, t);
}

static void print_line_to_apply(const struct planning *p)
{
    struct scenario *s = must(scenario_copy(p->scenario));
    struct messages m = { 0 };
    struct config c;
    char text[64], line[256];
    int failed = 0;

    for (int k = 0; k < p->keys; k++)
        failed |= scenario_set(s, p->key[k], text_at(p, p->search.best, text), LEVEL_VARY, "--find", &m);
    if (!failed && scenario_resolve(s, &c, &m) == 0) {
        for (int k = 0; k < p->keys; k++) {
            if (apply_line(&c, p->key[k], line, sizeof line))
                printf("To apply it:  %s\n", line);
        }
        config_free(&c);
    }
    messages_free(&m);
    scenario_free(s);
}

static void print_answer(const struct planning *p)
{
    const struct search *s = &p->search;
    const char *goal = given_text(p->arguments, "goal");
    char best[64], a[64], b[64];

    printf("\n");
    if (s->end == SEARCH_EVERYWHERE) {
        printf("%s is met everywhere between %s and %s: this range does not bound it.\n", goal, text_at(p, s->lo, a),
               text_at(p, s->hi, b));
    } else if (s->end == SEARCH_NOWHERE) {
        printf("%s is met nowhere between %s and %s (%d values were tried): %s is not what it takes.\n", goal,
               text_at(p, s->lo, a), text_at(p, s->hi, b), s->trials, p->find);
    } else {
        printf("The %s %s that meets %s is %s.\n", s->end == SEARCH_LARGEST ? "largest" : "smallest", p->find, goal,
               text_at(p, s->best, best));
        printf("95 %% confidence: sure to meet it %s %s, sure to miss it %s %s.\n", s->sure_met < 0 ? "at" :
               s->end == SEARCH_LARGEST ? "up to" : "from", text_at(p, s->sure_met, a),
               s->sure_missed < 0 ? "at" : s->end == SEARCH_LARGEST ? "from" : "up to", text_at(p, s->sure_missed, b));
    }
    if (s->odd >= 0)
        printf("It is not monotone: at %s, on the good side, the goal is missed. Sweep the range before trusting an edge.\n",
               text_at(p, s->odd, a));
    if (s->best >= 0 && s->end != SEARCH_EVERYWHERE) {
        bool enough = print_headroom(p);
        print_what_breaks(p, s->end == SEARCH_LARGEST ? "Above it, at" : "Below it, at", tried_at(p, s->beyond));
        if (!enough)
            print_line_to_apply(p);
    } else if (s->end == SEARCH_NOWHERE) {
        print_what_breaks(p, "At", tried_at(p, s->hi));
    }
}

static void json_trial(struct json *j, const struct planning *p, const struct tried *t)
{
    static const char *const name[] = { [GOAL_MISSED] = "missed", [GOAL_UNSURE] = "unsure", [GOAL_MET] = "met" };

    json_object(j, NULL);
    json_text(j, "value", t->text);
    json_int(j, "reps", t->reps);
    json_text(j, "goal", name[t->trial.status]);
    json_object(j, "clauses");
    for (int c = 0; c < p->goal.clauses; c++) {
        struct estimate e = stats_estimate(t->value + c * t->room, (size_t)t->reps, STATS_CONFIDENCE);
        json_object(j, p->goal.clause[c].text);
        json_real(j, "mean", e.mean);
        json_real(j, "half_width", e.half_width);
        json_text(j, "goal", name[t->status[c]]);
        json_end(j);
    }
    json_end(j);
    json_object(j, "drops");
    for (int f = 0; f < FATES; f++) {
        if (t->lost[f] > 0)
            json_real(j, fate_info[f].name, t->lost[f] / t->reps);
    }
    json_end(j);
    json_end(j);
}

static void json_value(struct json *j, const char *key, const struct planning *p, int64_t at)
{
    char text[64];

    json_text(j, key, at < 0 ? NULL : text_at(p, at, text));
}

static void print_json(const struct planning *p)
{
    static const char *const end[] = { [SEARCH_GAVE_UP] = "gave_up", [SEARCH_EVERYWHERE] = "everywhere",
                                       [SEARCH_NOWHERE] = "nowhere", [SEARCH_LARGEST] = "largest",
                                       [SEARCH_SMALLEST] = "smallest" };
    struct json j;

    json_begin(&j, stdout);
    json_object(&j, NULL);
    json_text(&j, "scenario", scenario_name(p->scenario));
    json_text(&j, "key", p->find);
    json_text(&j, "goal", given_text(p->arguments, "goal"));
    json_text(&j, "found", end[p->search.end]);
    json_value(&j, "value", p, p->search.best);
    json_value(&j, "sure_met", p, p->search.sure_met);
    json_value(&j, "sure_missed", p, p->search.sure_missed);
    json_value(&j, "beyond", p, p->search.beyond);
    json_value(&j, "not_monotone_at", p, p->search.odd);
    json_value(&j, "today", p, today(p));
    json_int(&j, "runs", p->runs);
    json_array(&j, "trials");
    for (int i = 0; i < p->search.trials; i++)
        json_trial(&j, p, tried_at(p, p->search.trial[i].at));
    json_finish(&j);
}

/* The edge and what lies beyond it, stored to be looked at: two points of an experiment. */
static int store_edge(const struct planning *p)
{
    struct campaign c = { 0 };
    char text[KEYS][280], a[64], b[64];
    const char *vary[KEYS + 1] = { NULL };
    int code;

    text_at(p, p->search.best, a);
    text_at(p, p->search.beyond, b);
    for (int k = 0; k < p->keys; k++) {
        snprintf(text[k], sizeof text[k], "%s=%s;%s", p->key[k], a, b);
        vary[k] = text[k];
    }
    code = campaign_plan_vary(&c, p->arguments, vary);
    if (code == EXIT_OK && !given_text(p->arguments, "name")) {
        char *base = session_name_of(c.scenario);
        snprintf(c.name, sizeof c.name, "plan-%.50s", base);
        free(base);
    }
    if (code == EXIT_OK)
        code = campaign_run(&c, "capacity", true, NULL, NULL);
    if (code == EXIT_OK && !p->arguments->quiet)
        fprintf(stderr, "%d runs in %.1f s. The edge and what lies beyond it are stored as %s\n"
                "Next: rxsim compare %s/0 %s/1\n", p->runs, watch_elapsed_s(&p->watch), c.name, c.name, c.name);
    campaign_free(&c);
    return code;
}

static int answer(struct planning *p)
{
    bool edge = p->search.end == SEARCH_LARGEST || p->search.end == SEARCH_SMALLEST;
    int code = EXIT_OK;

    if (p->arguments->json) {
        print_json(p);
    } else {
        print_trials(p);
        print_answer(p);
    }
    fflush(stdout);
    if (edge && !given(p->arguments, "no-store"))
        code = store_edge(p);
    if (code == EXIT_OK && p->search.end == SEARCH_NOWHERE)
        code = EXIT_CHECK;
    return code;
}

static int run(const struct arguments *a)
{
    struct planning p = { .code = EXIT_OK };
    int code = prepare(&p, a);

    if (code == EXIT_OK) {
        watch_begin(&p.watch, 0, 0, a->quiet);
        search_run(&p.search);
        watch_end(&p.watch);
        code = p.search.end == SEARCH_GAVE_UP ? p.code : answer(&p);
    }
    for (int i = 0; i < p.n; i++)
        free(p.tried[i].value);
    free(p.tried);
    captures_free(&p.captures);
    scenario_free(p.scenario);
    return code;
}

const struct command plan_command = {
    .name = "plan", .arguments = "SCENARIO", .least = 1, .most = 1,
    .what = "find how far a parameter can go: the largest load, the smallest ring that meets a goal",
    .about = "Searches the range of --find for the edge of --goal: the largest value that meets it if the lower end does, the\n"
             "smallest if the upper end does. Each value gets 5 replications (--reps), those near the edge up to\n"
             "--most-reps, until the confidence interval of each clause lies on one side. Prints the values tried, the edge with its confidence, what breaks\n"
             "first beyond it and which counter will show it, and the line that applies it. Exit code 1 if the goal is\n"
             "met nowhere. A goal is made of metrics, p50 p90 p99 p99.9 mean max (latency), cpu, loss, any counter by its\n"
             "name, or drop:REASON, with < <= > >= = and a unit, joined by &&.",
    .options = options, .examples = examples, .run = run,
};
