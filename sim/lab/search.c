/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/search.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { WIDE = 4 };              /* beyond this ratio of its ends a range is halved in equal ratios */

static const struct search_trial *find(const struct search *s, int64_t at)
{
    for (int i = 0; i < s->trials; i++) {
        if (s->trial[i].at == at)
            return &s->trial[i];
    }
    return NULL;
}

/* The trial at a value, made if it was not; NULL: gave up. Valid until the next. */
static const struct search_trial *look(struct search *s, int64_t at)
{
    const struct search_trial *known = find(s, at);
    struct search_trial t = { .at = at };
    int i = s->trials;

    if (known || s->trials == SEARCH_TRIALS)
        return known;
    if (!s->try(s->user, &t))
        return NULL;
    while (i > 0 && s->trial[i - 1].at > at)
        i--;
    memmove(&s->trial[i + 1], &s->trial[i], (size_t)(s->trials - i) * sizeof t);
    s->trial[i] = t;
    s->trials++;
    return &s->trial[i];
}

static int64_t middle(int64_t a, int64_t b)
{
    int64_t lo = a < b ? a : b, hi = a < b ? b : a;

    if (lo > 0 && hi / lo >= WIDE)
        return (int64_t)llround(sqrt((double)lo) * sqrt((double)hi));
    return lo + (hi - lo) / 2;
}

static bool near_enough(const struct search *s, int64_t a, int64_t b)
{
    int64_t gap = a < b ? b - a : a - b, larger = a < b ? b : a;

    return gap <= 1 || (double)gap <= s->resolution * (double)larger;
}

/* Place i of n + 1 between the ends. */
static int64_t place(int64_t lo, int64_t hi, int i, int n)
{
    if (lo > 0 && hi / lo >= WIDE)
        return (int64_t)llround((double)lo * pow((double)hi / (double)lo, (double)i / n));
    return lo + (int64_t)llround((double)(hi - lo) * i / n);
}

/* Halves between a value that meets the goal and one that does not. */
static bool halve(struct search *s, int64_t good, int64_t bad)
{
    while (!near_enough(s, good, bad) && s->trials < SEARCH_TRIALS) {
        const struct search_trial *t = look(s, middle(good, bad));
        if (!t)
            return false;
        if (t->met)
            good = t->at;
        else
            bad = t->at;
    }
    s->best = good;
    s->beyond = bad;
    return true;
}

/* The sure trial nearest to the edge on one side: status `want`, beyond the edge in direction `up` or below. */
static int64_t nearest_sure(const struct search *s, int64_t edge, bool up, enum goal_status want)
{
    int64_t found = -1;

    for (int i = 0; i < s->trials; i++) {
        const struct search_trial *t = &s->trial[i];
        if (t->status != want || (up ? t->at < edge : t->at > edge))
            continue;
        if (found < 0 || (up ? t->at < found : t->at > found))
            found = t->at;
    }
    return found;
}

/* Halves between the edge and the nearest sure trial of one side, to bring the interval's end nearer. */
static bool tighten(struct search *s, int64_t edge, bool up, enum goal_status want)
{
    for (int64_t sure; (sure = nearest_sure(s, edge, up, want)) >= 0 && s->trials < SEARCH_TRIALS;) {
        int64_t unsure = edge;
        for (int i = 0; i < s->trials; i++) {           /* the unsure trial nearest to it */
            const struct search_trial *t = &s->trial[i];
            if (t->status != want && (up ? t->at >= edge && t->at < sure && t->at > unsure
                                         : t->at <= edge && t->at > sure && t->at < unsure))
                unsure = t->at;
        }
        if (near_enough(s, sure, unsure))
            return true;
        if (!look(s, middle(sure, unsure)))
            return false;
    }
    return true;
}

/* Looks over the side that is believed to be good. */
static bool look_over(struct search *s, int64_t from, int64_t to)
{
    for (int i = 1; i < SEARCH_LOOKS; i++) {
        const struct search_trial *t = look(s, place(from, to, i, SEARCH_LOOKS));
        if (!t)
            return false;
        if (t->status == GOAL_MISSED && s->odd < 0)
            s->odd = t->at;
    }
    return true;
}

/* From the halving's edge to the interval. `up`: what is beyond lies above. */
static bool bound(struct search *s, bool up)
{
    s->end = up ? SEARCH_LARGEST : SEARCH_SMALLEST;
    if (!tighten(s, s->best, !up, GOAL_MET) || !tighten(s, s->beyond, up, GOAL_MISSED))
        return false;
    s->sure_met = nearest_sure(s, s->best, !up, GOAL_MET);
    s->sure_missed = nearest_sure(s, s->beyond, up, GOAL_MISSED);
    return look_over(s, up ? s->lo : s->best, up ? s->best : s->hi);
}

/* Neither end meets the goal: somewhere inside? `odd` then tells that it is not met below. */
static bool look_inside(struct search *s)
{
    int64_t good = -1;

    for (int i = 1; i < SEARCH_LOOKS + 1 && good < 0; i++) {
        const struct search_trial *t = look(s, place(s->lo, s->hi, i, SEARCH_LOOKS + 1));
        if (!t)
            return false;
        if (t->met)
            good = t->at;
    }
    s->end = SEARCH_NOWHERE;
    if (good < 0)
        return true;
    s->odd = s->lo;
    return halve(s, good, s->hi) && bound(s, true);
}

static bool run(struct search *s)
{
    const struct search_trial *t;

    if ((t = look(s, s->lo)) == NULL)
        return false;
    bool low = t->met;
    if ((t = look(s, s->hi)) == NULL)
        return false;
    bool high = t->met;
    if (low && high) {
        s->end = SEARCH_EVERYWHERE;
        s->best = s->hi;
        return look_over(s, s->lo, s->hi);
    }
    if (!low && !high)
        return look_inside(s);
    return halve(s, low ? s->lo : s->hi, low ? s->hi : s->lo) && bound(s, low);
}

void search_run(struct search *s)
{
    s->trials = 0;
    s->best = s->beyond = s->sure_met = s->sure_missed = s->odd = -1;
    s->end = SEARCH_GAVE_UP;
    if (!run(s))
        s->end = SEARCH_GAVE_UP;
}
