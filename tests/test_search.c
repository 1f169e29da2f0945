/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the edge of a goal: exactly where nothing varies, and within the stated interval where trials are noisy. */
#include "sim/lab/search.h"

#include <math.h>
#include <stdlib.h>

#include "sim/engine/random.h"
#include "sim/lab/stats.h"
#include "tests/suite.h"

/* ---- a machine without noise: a window of good values ---- */

struct window { int64_t from, to; int tried; };

static bool in_window(void *user, struct search_trial *t)
{
    struct window *w = user;

    w->tried++;
    t->met = t->at >= w->from && t->at <= w->to;
    t->status = t->met ? GOAL_MET : GOAL_MISSED;
    return true;
}

static struct search search_window(int64_t lo, int64_t hi, struct window *w)
{
    struct search s = { .lo = lo, .hi = hi, .resolution = 0, .try = in_window, .user = w };

    search_run(&s);
    return s;
}

START_TEST(without_noise_the_edge_is_found_exactly)
{
    for (int64_t edge = 1; edge < 5000; edge += 617) {
        struct window w = { .from = 0, .to = edge };
        struct search s = search_window(1, 5000, &w);
        CHECK_EQ(s.end, SEARCH_LARGEST);
        CHECK_EQ(s.best, edge);
        CHECK_EQ(s.beyond, edge + 1);
        CHECK_EQ(s.sure_met, edge);
        CHECK_EQ(s.sure_missed, edge + 1);
        CHECK_EQ(s.odd, -1);
        ck_assert_int_le(w.tried, 2 + 14 + SEARCH_LOOKS);       /* 2^13 > 5000 */
        w = (struct window){ .from = edge, .to = 5000 };
        s = search_window(0, 5000, &w);
        CHECK_EQ(s.end, SEARCH_SMALLEST);
        CHECK_EQ(s.best, edge);
        CHECK_EQ(s.beyond, edge - 1);
    }
}
END_TEST

START_TEST(all_or_none_of_a_range_is_said)
{
    struct window all = { .from = 0, .to = 100 }, none = { .from = 200, .to = 300 };

    CHECK_EQ(search_window(1, 100, &all).end, SEARCH_EVERYWHERE);
    CHECK_EQ(search_window(1, 100, &none).end, SEARCH_NOWHERE);
}
END_TEST

/* The goal is met between 30 and 60 of 1..100 only: a larger value is not simply better or worse. */
START_TEST(a_region_inside_is_found_and_called_odd)
{
    struct window w = { .from = 300, .to = 600 };
    struct search s = search_window(1, 1000, &w);

    CHECK_EQ(s.end, SEARCH_LARGEST);
    CHECK_EQ(s.best, 600);
    ck_assert_int_ge(s.odd, 1);
}
END_TEST

static bool with_a_hole(void *user, struct search_trial *t)
{
    (void)user;
    t->met = t->at <= 800 && !(t->at > 200 && t->at < 500);
    t->status = t->met ? GOAL_MET : GOAL_MISSED;
    return true;
}

START_TEST(a_hole_on_the_good_side_is_seen)
{
    struct search s = { .lo = 0, .hi = 1000, .try = with_a_hole };

    search_run(&s);
    CHECK_EQ(s.end, SEARCH_LARGEST);
    CHECK_EQ(s.best, 800);
    ck_assert(s.odd > 200 && s.odd < 500);
}
END_TEST

static bool gives_up(void *user, struct search_trial *t)
{
    int *left = user;

    t->met = t->at < 10;
    return (*left)-- > 0;
}

START_TEST(a_trial_that_fails_ends_the_search)
{
    for (int after = 0; after < 5; after++) {
        int left = after;
        struct search s = { .lo = 1, .hi = 1000, .try = gives_up, .user = &left };
        search_run(&s);
        CHECK_EQ(s.end, SEARCH_GAVE_UP);
    }
}
END_TEST

/* ---- noise: a closed form with a known edge ----
 *
 * Mean wait of M/M/1 with service 1: rho / (1 - rho), measured as the mean of exponential samples. "wait < 4" holds up to a
 * load of exactly 80 %. Samples are drawn anew for each value, ten or more a trial. */

struct queue { struct stream stream; int reps; };

static double sample(struct queue *q, double rho)
{
    double u = ((double)(stream_next(&q->stream) >> 11) + 0.5) / 9007199254740992.0;

    return -log(u) * rho / (1 - rho);
}

static bool waits_less_than_4(void *user, struct search_trial *t)
{
    static const struct goal_clause clause = { .op = GOAL_LT, .limit = 4 };
    enum { MOST = 640 };
    struct queue *q = user;
    double value[MOST];
    int n = 0;

    do {
        for (int more = n ? n : 20; more > 0; more--)
            value[n++] = sample(q, (double)t->at / 1000);
        t->status = goal_judge(&clause, value, n, SEARCH_CONFIDENCE, &t->met);
    } while (t->status == GOAL_UNSURE && 2 * n <= MOST);
    return true;
}

/* Show of the capacity search: within its stated 95 % interval in at least 90 of the seeds 1..100. */
START_TEST(the_known_edge_lies_in_the_stated_interval)
{
    int inside = 0;

    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct queue q = { .reps = 20 };
        struct search s = { .lo = 100, .hi = 990, .resolution = 0.005, .try = waits_less_than_4, .user = &q };
        stream_seed(&q.stream, seed, 0, "queue");
        search_run(&s);
        CHECK_EQ(s.end, SEARCH_LARGEST);
        ck_assert_int_gt(s.sure_met, 0);
        ck_assert_int_gt(s.sure_missed, 0);
        inside += s.sure_met <= 800 && 800 <= s.sure_missed;
    }
    ck_assert_msg(inside >= 90, "only %d of 100", inside);
}
END_TEST

SUITE(search, without_noise_the_edge_is_found_exactly, all_or_none_of_a_range_is_said,
      a_region_inside_is_found_and_called_odd, a_hole_on_the_good_side_is_seen, a_trial_that_fails_ends_the_search,
      the_known_edge_lies_in_the_stated_interval)
