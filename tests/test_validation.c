/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/machine.h"
#include "tests/suite.h"

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    CHECK_EQ(fclose(out), 0);
}

/* ---- replications and intervals: rows of our own in the suite of closed forms ---- */

static const char columns[] =
    "id,scenario,reps,batches,arrivals,gap,frames,service,cv,work,slots,batch,loss,sojourn,lost,"
    "poll,isr,coalesce,timer,count,period,app\n";
#define REST ",,,,,,,\n"        /* the cells of the second line: the suite's map wants the columns */

/* Runs the rows, without the line of columns. */
static void validate(struct validations *v, const char *rows)
{
    struct validate_options o = { .data_dir = machine_data_dir(), .jobs = 1 };
    struct messages m = { 0 };
    char path[] = "/tmp/rxsim-rows-XXXXXX", text[4096];
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    close(file);
    snprintf(text, sizeof text, "%s%s", columns, rows);
    write_file(path, text);
    o.rows = path;
    int failed = validate_suite(v, "closed-form", &o, &m);
    unlink(path);
    ck_assert_msg(!failed, "%s", m.text ? m.text : "no reason given");
    messages_free(&m);
}

static const struct validate_metric *metric(const struct validations *all, int row, const char *column)
{
    const struct validation *v = &all->part[0];

    for (int i = 0; i < v->row[row].metrics; i++) {
        if (strcmp(v->row[row].metric[i].column, column) == 0)
            return &v->row[row].metric[i];
    }
    ck_abort_msg("row %s has no %s", v->row[row].id, column);
    return NULL;
}

#define MACHINE "truth/closed-form/machine"

/* The interval is that of a test by hand: mean and half width shrink with the number of runs, and the right formula is
 * inside while one that is 5 % off is not. */
START_TEST(a_mean_is_held_against_its_interval)
{
    struct validations v;

    validate(&v,
             "right," MACHINE ",20,,poisson,10000,5000,5000,0,,32767,,,\"md1_sojourn(gap, service)\"," REST
             "wrong," MACHINE ",20,,poisson,10000,5000,5000,0,,32767,,,7875," REST
             "fewer," MACHINE ",5,,poisson,10000,5000,5000,0,,32767,,,\"md1_sojourn(gap, service)\"," REST);
    CHECK_EQ(v.part[0].row[0].status, VALIDATE_PASS);
    CHECK_EQ(v.part[0].row[1].status, VALIDATE_FAIL);
    CHECK_EQ(v.part[0].row[2].status, VALIDATE_PASS);
    ck_assert_double_eq(metric(&v, 0, "sojourn")->measured, 7500);
    ck_assert_double_eq(metric(&v, 0, "sojourn")->predicted, metric(&v, 1, "sojourn")->predicted);
    ck_assert_double_lt(metric(&v, 0, "sojourn")->tolerance, 0.02 * 7500);
    ck_assert_double_gt(metric(&v, 2, "sojourn")->tolerance, metric(&v, 0, "sojourn")->tolerance);
    CHECK_EQ(v.part[0].row[0].metrics, 1);          /* no batches, no coverage */
    ck_assert(!validations_holds(&v));
    validations_free(&v);
}
END_TEST

/* 100 batches of 5: of a value that is right some 95 intervals hold it, of one that is 3 % off few. */
START_TEST(intervals_hold_what_is_right_as_often_as_they_say)
{
    struct validations v;

    validate(&v,
             "right," MACHINE ",5,100,poisson,10000,2000,5000,0,,32767,,,\"md1_sojourn(gap, service)\"," REST
             "wrong," MACHINE ",5,100,poisson,10000,2000,5000,0,,32767,,,7725," REST);
    const struct validate_metric *right = metric(&v, 0, "sojourn_coverage"), *wrong = metric(&v, 1, "sojourn_coverage");
    ck_assert(right->pass);
    ck_assert_double_eq(right->measured, 0.95);
    ck_assert_double_ge(right->predicted, 0.87);
    ck_assert(!wrong->pass);
    ck_assert_double_lt(wrong->predicted, 0.87);
    CHECK_EQ(v.part[0].row[1].status, VALIDATE_FAIL);
    validations_free(&v);
}
END_TEST

/* Nothing is drawn: one run says it, and `least` judges. */
START_TEST(an_exact_row_needs_no_replications)
{
    struct validations v;

    validate(&v,
             "exact," MACHINE ",,,cbr,100,5000,300,0,,127,1,,,\"burst_loss(frames, gap, service, slots, batch)\"" REST
             "off," MACHINE ",,,cbr,100,5000,300,0,,127,1,,,3205" REST);
    CHECK_EQ(v.part[0].row[0].status, VALIDATE_PASS);
    CHECK_EQ(metric(&v, 0, "lost")->measured, 5000 - 127 - 1666);
    CHECK_EQ(v.part[0].row[1].status, VALIDATE_FAIL);
    validations_free(&v);
}
END_TEST

START_TEST(a_row_that_cannot_be_judged_is_an_error)
{
    static const struct { const char *row, *why; } row[] = {
        { "x," MACHINE ",,,poisson,10000,2000,9000,0,,15,1,\"md1k_loss(gap, service, slots)\",," REST, "`reps` of 2" },
        { "x," MACHINE ",0,,cbr,100,50,30,0,,127,1,,,0" REST, "reps is a whole number" },
        { "x," MACHINE ",2.5,,cbr,100,50,30,0,,127,1,,,0" REST, "reps is a whole number" },
        { "x," MACHINE ",,many,cbr,100,50,30,0,,127,1,,,0" REST, "batches is a whole number" },
        { "x," MACHINE ",10000,1000,cbr,100,50,30,0,,127,1,,,0" REST, "more than 1000000 runs" },
        { "x," MACHINE ",,,cbr,100,50,30,0,,127,1,,,burst(frames)" REST, "lost: there is no closed form burst" },
        { "x," MACHINE ",,,cbr,100,50,30,0,,127,1,,\"bucket_wait(lost, 1)\",\"bucket_wait(sojourn, 1)\"" REST,
          "is no number" },
        { "x," MACHINE ",,,cbr,100,50,30,0,,127,1,,,32O5" REST, "lost: " },      /* an O, not a zero */
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct validations v;
        validate(&v, row[i].row);
        CHECK_EQ(v.part[0].row[0].status, VALIDATE_ERROR);
        ck_assert_msg(v.part[0].row[0].why && strstr(v.part[0].row[0].why, row[i].why), "%s: %s", row[i].row, v.part[0].row[0].why);
        ck_assert(!validations_holds(&v));
        validations_free(&v);
    }
}
END_TEST

/* ---- the suite's file ---- */

/* Reads `text` as the suite t of a data folder of its own; the messages, or "" if all is well. */
static void read_suite(const char *text, char *said, size_t size)
{
    char folder[] = "/tmp/rxsim-suite-XXXXXX", truth[64], path[80];
    struct messages m = { 0 };
    struct suite s;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(truth, sizeof truth, "%s/truth", folder);
    snprintf(path, sizeof path, "%s/t.yaml", truth);
    CHECK_EQ(mkdir(truth, 0700), 0);
    write_file(path, text);
    int failed = suite_read(&s, "t", folder, &m);
    snprintf(said, size, "%s", failed ? m.text : "");
    suite_free(&s);
    messages_free(&m);
    unlink(path);
    rmdir(truth);
    rmdir(folder);
}

START_TEST(what_a_suite_asks_for_is_read)
{
    static const struct { const char *more, *why; } row[] = {
        { "reps: 3\nbatches: 10\nconfidence: 99%\n", "" },
        { "reps: 0\n", "a whole number from 1 on" }, { "batches: 1.5\n", "a whole number from 1 on" },
        { "reps: 1e9\n", "a whole number from 1 on" }, { "confidence: 100%\n", "between 0 and 1" },
        { "metrics: [{column: b, coverage: c}]\n", "no metric of column c" },
        { "bounds: [{column: a, at_most: \"2 * polls\"}]\n", "" }, { "bounds: [{column: c, at_most: 1}]\n", "of a metric" },
        { "checks: [{id: c, rows: x, along: n, value: a, is: falls}]\n", "" },
        { "checks: [{id: c, rows: x, along: n, value: a, is: sinks}]\n", "falls or rises" },
        { "printed: [{rows: x, run: off}]\n", "" }, { "printed: [{rows: x, column: a}]\n", "column and is together" },
        { "fitted: [{rows: x}]\n", "rows and what" }, { "map: [{set: a}]\nmap: [{set: b}]\n", "a second list of map" },
        { "metrics: [{column: a, within: some}]\n", "nor a share" }, { "metrics: [{column: a, within: \"{w}\"}]\n", "" },
        { "metrics: [{column: a, within: ci, over: b}]\n", "no interval of its own" },
        { "metrics: [{column: a, over: b, less: b}]\n", "do not go together" },
    };
    char text[512], said[512];

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *usual = strncmp(row[i].more, "metrics", 7) == 0 ? "" :
                            "metrics: [{column: a, within: ci}, {column: b, coverage: a}]\n";
        snprintf(text, sizeof text, "version: 1\nrows: t.csv\nscenario: t.yaml\n%s%s", usual, row[i].more);
        read_suite(text, said, sizeof said);
        ck_assert_msg(*row[i].why ? strstr(said, row[i].why) != NULL : !*said, "%s: %s", row[i].more, said);
    }
}
END_TEST

SUITE(validation, a_mean_is_held_against_its_interval, intervals_hold_what_is_right_as_often_as_they_say,
      an_exact_row_needs_no_replications, a_row_that_cannot_be_judged_is_an_error, what_a_suite_asks_for_is_read)
