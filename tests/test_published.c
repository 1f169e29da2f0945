/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the suite of published targets asks of the validation: demands of each row's own, bounds, ratios of two rows, rows
 * that are not run; and that its targets on one core hold. */
#include <math.h>
#include <string.h>

#include "sim/lab/probe.h"
#include "sim/lab/validate.h"
#include "tests/machine.h"
#include "tests/suite.h"

static struct validations all;
static const struct validation *v;

static void validate(const char *only)
{
    struct messages m = { 0 };
    struct validate_options o = { .data_dir = machine_data_dir(), .only = only };

    ck_assert_msg(validate_suite(&all, "published", &o, &m) == 0, "%s", m.text ? m.text : "");
    v = &all.part[0];
    messages_free(&m);
}

static const struct validate_row *row(const char *id)
{
    for (int i = 0; i < v->rows; i++) {
        if (strcmp(v->row[i].id, id) == 0)
            return &v->row[i];
    }
    ck_abort_msg("no row %s", id);
    return NULL;
}

static const struct validate_metric *metric(const char *id, const char *column)
{
    const struct validate_row *r = row(id);

    for (int i = 0; i < r->metrics; i++) {
        if (strcmp(r->metric[i].column, column) == 0)
            return &r->metric[i];
    }
    ck_abort_msg("%s has no %s", id, column);
    return NULL;
}

START_TEST(early_drop_forwarding_and_napis_interrupts_are_as_published)
{
    static const char *const judged[] = { "O1_1core", "O2_1core", "O4_60B", "O4_256B", "O4_512B" };

    validate("O1_1core O2_1core O4_*");
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
        ck_assert_msg(row(judged[i])->status == VALIDATE_PASS, "%s", judged[i]);
        ck_assert_ptr_nonnull(row(judged[i])->fitted);
    }
    ck_assert(validations_holds(&all));
    validations_free(&all);
}
END_TEST

/* A million packets a second: one queue is its core's limit, and the surplus finds no descriptor; a second queue helps one
 * reader; SO_REUSEPORT with four queues and threads helps most. */
START_TEST(more_queues_and_reuseport_receive_more)
{
    validate("R2_*");
    ck_assert(row("R2_1queue")->status == VALIDATE_PASS);
    ck_assert(row("R2_1queue_surplus")->status == VALIDATE_PASS);
    double one = metric("R2_1queue", "pps")->predicted, two = metric("R2_2queues_1thread", "pps")->predicted;
    double four = metric("R2_4threads_reuseport", "pps")->predicted;
    ck_assert_double_gt(two, 1.5 * one);
    ck_assert_double_gt(four, 1.5 * two);
    validations_free(&all);
}
END_TEST

/* 5 % of 1.74 million, 2 % of 27183, nothing for what is only shown. */
START_TEST(a_row_states_its_own_tolerances)
{
    validate("O2_1core O4_60B");
    ck_assert_double_eq_tol(metric("O2_1core", "pps")->tolerance, 87000, 1e-6);
    ck_assert_double_eq_tol(metric("O2_1core", "polls_s")->tolerance, 543.66, 1e-6);
    ck_assert(isnan(metric("O4_60B", "tx_irqs")->tolerance));
    ck_assert(isnan(metric("O4_60B", "irq_per_frame")->tolerance));     /* a bound: at most 1 in 10 000 */
    ck_assert(metric("O4_60B", "irq_per_frame")->pass);
    ck_assert_double_le(metric("O4_60B", "irq_per_frame")->predicted, 1e-4);
    validations_free(&all);
}
END_TEST

START_TEST(a_ratio_is_of_two_predictions)
{
    validate("O2_1core O2_2cores O2_6cores");
    double one = metric("O2_1core", "pps")->predicted, six = metric("O2_6cores", "pps")->predicted;
    ck_assert_double_eq_tol(metric("O2_6cores", "ratio")->predicted, six / one, 1e-9);
    ck_assert(metric("O2_6cores", "ratio")->pass);          /* 5.34, and 6 if cores did not slow each other */
    CHECK_EQ(row("O2_6cores")->status, VALIDATE_PASS);
    CHECK_EQ(row("O2_2cores")->status, VALIDATE_CALIBRATION);
    validations_free(&all);

    validate("O2_6cores");                                  /* alone it has nothing to be divided by */
    ck_assert(isnan(metric("O2_6cores", "ratio")->predicted));
    ck_assert(metric("O2_6cores", "ratio")->pass);
    validations_free(&all);
}
END_TEST

/* What a second core costs was fitted; what four more cost is predicted, for early drop, filter, conntrack and forwarding. */
START_TEST(further_cores_scale_as_published)
{
    static const char *const judged[] = {
        "O1_6cores", "O1_filter_6cores", "O1_conntrack_3cores", "O1_conntrack_4cores", "O1_conntrack_5cores",
        "O1_conntrack_6cores", "O1_firewalld_6cores", "O2_3cores", "O2_6cores",
    };

    validate("O1_1core O1_6cores O1_filter_* O1_conntrack_* O1_firewalld_* O2_[1236]core*");
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
        const struct validate_metric *m = metric(judged[i], "ratio");
        ck_assert_msg(row(judged[i])->status == VALIDATE_PASS, "%s", judged[i]);
        ck_assert_ptr_null(row(judged[i])->fitted);
        ck_assert_msg(fabs(m->predicted / m->measured - 1) < 0.05, "%s", judged[i]);
    }
    /* 5 Mpps with conntrack: three cores would do if they did not slow each other, and it takes four */
    ck_assert_double_gt(3 * metric("O1_conntrack_1core", "pps")->predicted, 5e6);
    double one = metric("O1_conntrack_1core", "pps")->predicted;
    ck_assert_double_lt(one * metric("O1_conntrack_3cores", "ratio")->predicted, 5e6);
    ck_assert_double_gt(one * metric("O1_conntrack_4cores", "ratio")->predicted, 5e6);
    validations_free(&all);
}
END_TEST

/* Nothing is fitted: on the receiving CPU the reader gets one of a thousand, on another one most. */
START_TEST(livelock_is_as_published)
{
    validate("R1_*");
    CHECK_EQ(row("R1_same_cpu_app")->status, VALIDATE_PASS);
    CHECK_EQ(row("R1_other_cpu_app")->status, VALIDATE_PASS);
    ck_assert_double_lt(metric("R1_same_cpu_app", "ratio")->predicted, 0.01);
    ck_assert_double_gt(metric("R1_other_cpu_app", "ratio")->predicted, 0.6);
    ck_assert_double_gt(metric("R1_same_cpu_app", "pps")->predicted, 0);
    validations_free(&all);
}
END_TEST

/* 20 doublings of 29 cycles on top of the one route's frame. */
START_TEST(a_full_table_is_judged)
{
    validate("O2_full_table");
    CHECK_EQ(row("O2_full_table")->status, VALIDATE_PASS);
    ck_assert_double_eq_tol(metric("O2_full_table", "pps")->predicted, 1374000, 14000);
    validations_free(&all);
}
END_TEST

/* The steps of the UDP echo ladder: two are fitted, the others follow; a change is the difference of two predictions. */
START_TEST(the_steps_of_the_echo_ladder_are_run_and_compared)
{
    validate("O8_rtt_*");
    CHECK_EQ(v->rows, 7);
    for (int i = 0; i < v->rows; i++)
        ck_assert_ptr_nonnull(v->row[i].value);
    CHECK_EQ(row("O8_rtt_blocking")->status, VALIDATE_PASS);
    CHECK_EQ(row("O8_rtt_user_polling")->status, VALIDATE_PASS);
    ck_assert_ptr_nonnull(row("O8_rtt_blocking")->fitted);
    ck_assert_ptr_null(row("O8_rtt_user_polling")->fitted);
    double before = metric("O8_rtt_busy_poll", "rtt_ns")->predicted, after = metric("O8_rtt_user_polling", "rtt_ns")->predicted;
    ck_assert_double_eq_tol(metric("O8_rtt_user_polling", "change_ns")->predicted, after - before, 1e-6);
    ck_assert_double_eq(metric("O8_rtt_user_polling", "change_ns")->tolerance, 1500);
    ck_assert_double_lt(before, metric("O8_rtt_blocking", "rtt_ns")->predicted);
    ck_assert(!metric("O8_rtt_rx_usecs_0", "change_ns")->pass);     /* and it says so */
    ck_assert_str_ne(row("O8_rtt_rx_usecs_0")->why, "");
    validations_free(&all);
}
END_TEST

/* Mean latencies of a server of 560 connections a core: the path is fitted to busy polling and the work to one long timer;
 * what a short and a long timer do then follows. */
START_TEST(deferral_and_busy_polling_of_a_server_are_as_published)
{
    static const char *const predicted[] = { "O7_defer20_latency", "O7_defer200_latency" };

    validate("O7_*_latency");
    for (int i = 0; i < v->rows; i++)
        ck_assert_msg(v->row[i].status == VALIDATE_PASS, "%s", v->row[i].id);
    for (int i = 0; i < 2; i++) {
        const struct validate_metric *mean = metric(predicted[i], "avg_ns");
        ck_assert_ptr_null(row(predicted[i])->fitted);
        ck_assert_double_lt(fabs(mean->predicted - mean->measured), 0.05 * mean->measured);
    }
    ck_assert_double_lt(metric("O7_fullbusy_latency", "avg_ns")->predicted, metric("O7_defer20_latency", "avg_ns")->predicted);
    validations_free(&all);
}
END_TEST

START_TEST(busy_cpus_are_those_that_work)
{
    struct result r;
    struct config c;
    struct probe none;

    probe_init(&none);
    machine_load(&c, "linerate.yaml", "run.duration=2ms");
    machine_run(&c, &run_options_default, &r);
    ck_assert_double_gt(probe_metric(&none, &r, "busy_cpus"), 1.5);     /* two cores with all they can do */
    ck_assert_double_le(probe_metric(&none, &r, "busy_cpus"), 2);
    result_free(&r);
    machine_release(&c);
}
END_TEST

SUITE(published, early_drop_forwarding_and_napis_interrupts_are_as_published, more_queues_and_reuseport_receive_more,
      a_row_states_its_own_tolerances,
      a_ratio_is_of_two_predictions, further_cores_scale_as_published, livelock_is_as_published, a_full_table_is_judged,
      the_steps_of_the_echo_ladder_are_run_and_compared, deferral_and_busy_polling_of_a_server_are_as_published,
      busy_cpus_are_those_that_work)
