/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/goal.h"

#include <math.h>
#include <string.h>

#include "tests/suite.h"

static struct goal goal;
static struct messages said;

static void parses(const char *text)
{
    said = (struct messages){ 0 };
    ck_assert_msg(goal_parse(&goal, text, &said) == 0, "%s: %s", text, said.text ? said.text : "");
}

static void refuses(const char *text, const char *sentence)
{
    said = (struct messages){ 0 };
    ck_assert_msg(goal_parse(&goal, text, &said) == -1, "%s", text);
    ck_assert_msg(said.text && strstr(said.text, sentence), "%s: %s", text, said.text);
    messages_free(&said);
}

static void clause_is(int i, const char *metric, enum goal_op op, double limit)
{
    const struct goal_clause *c = &goal.clause[i];

    if (metric)
        ck_assert_str_eq(c->metric, metric);
    else
        ck_assert_ptr_null(c->metric);
    CHECK_EQ(c->op, op);
    ck_assert_double_le(fabs(c->limit - limit), 1e-9 * fabs(limit));
}

START_TEST(names_operators_and_units_are_read)
{
    parses("drops=0 && p99<100us&&cpu <= 70%");
    CHECK_EQ(goal.clauses, 3);
    clause_is(0, "drops", GOAL_EQ, 0);
    clause_is(1, "latency_p99_ns", GOAL_LT, 100e3);
    clause_is(2, "cpu_busy", GOAL_LE, 0.7);
    parses("p99.9 < 1.5ms && delivered_pps>=4.5Mpps && goodput_bps > 9Gbps && loss<=0.1%");
    clause_is(0, "latency_p999_ns", GOAL_LT, 1.5e6);
    clause_is(1, "delivered_pps", GOAL_GE, 4.5e6);
    clause_is(2, "goodput_bps", GOAL_GT, 9e9);
    clause_is(3, "drop_rate", GOAL_LE, 0.001);
    parses("UdpRcvbufErrors == 0 && drop:CPU_BACKLOG<10 && time_squeeze<2k");
    clause_is(0, NULL, GOAL_EQ, 0);
    clause_is(1, NULL, GOAL_LT, 10);
    CHECK_EQ(goal.clause[1].fate, FATE_CPU_BACKLOG);
    clause_is(2, "time_squeeze", GOAL_LT, 2000);
}
END_TEST

START_TEST(what_is_no_goal_gets_a_sentence)
{
    refuses("", "is not NAME OP NUMBER");
    refuses("drops", "is not NAME OP NUMBER");
    refuses("drops=0 && ", "is not NAME OP NUMBER");
    refuses("p99<", "a number belongs behind the sign");
    refuses("p99<100", "which unit?");
    refuses("p99<100%", "no unit of p99");
    refuses("cpu<100us", "no unit of cpu");
    refuses("drops<1ms", "no unit of drops");
    refuses("dropss=0", "did you mean drops?");
    refuses("UdpRcvbufError=0", "did you mean UdpRcvbufErrors?");
    refuses("drop:NOTHING=0", "no drop reason NOTHING");
    refuses("p99<nanus", "a number belongs");
}
END_TEST

START_TEST(judgement_needs_the_interval_on_one_side)
{
    static const double low[] = { 90, 91, 89, 90 }, around[] = { 60, 140, 80, 118 }, high[] = { 200, 201, 199, 200 };
    bool mean;

    parses("p99<100ns");
    CHECK_EQ(goal_judge(&goal.clause[0], low, 4, 0.95, &mean), GOAL_MET);
    ck_assert(mean);
    CHECK_EQ(goal_judge(&goal.clause[0], around, 4, 0.95, &mean), GOAL_UNSURE);
    ck_assert(mean);
    CHECK_EQ(goal_judge(&goal.clause[0], high, 4, 0.95, &mean), GOAL_MISSED);
    ck_assert(!mean);
}
END_TEST

/* One replication with a drop is a drop, whatever the others did; a latency nobody measured is none below the limit. */
START_TEST(equality_holds_in_all_replications_or_not_at_all)
{
    static const double once[] = { 0, 0, 0, 1 }, never[] = { 0, 0, 0, 0 }, unknown[] = { NAN, 5, 5, 5 };

    parses("drops=0 && p99<100ns");
    CHECK_EQ(goal_judge(&goal.clause[0], once, 4, 0.95, NULL), GOAL_MISSED);
    CHECK_EQ(goal_judge(&goal.clause[0], never, 4, 0.95, NULL), GOAL_MET);
    CHECK_EQ(goal_judge(&goal.clause[1], unknown, 4, 0.95, NULL), GOAL_MISSED);
}
END_TEST

SUITE(goal, names_operators_and_units_are_read, what_is_no_goal_gets_a_sentence, judgement_needs_the_interval_on_one_side,
      equality_holds_in_all_replications_or_not_at_all)
