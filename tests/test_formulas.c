/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/closed_form.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab/expression.h"
#include "tests/suite.h"

static double no_column(void *user, const char *name)
{
    (void)user;
    (void)name;
    return NAN;
}

static double value(const char *text)
{
    char why[256];
    double x;

    ck_assert_msg(expression_value(text, no_column, NULL, &x, why, sizeof why) == 0, "%s", why);
    return x;
}

static void near(const char *text, double expected)
{
    double x = value(text);

    ck_assert_msg(fabs(x - expected) <= 1e-6 * (1 + fabs(expected)), "%s is %g, not %g", text, x, expected);
}

/* ---- queues ---- */

/* At rho = 1/2: M/M/1 doubles the service, M/D/1 waits half as long as it. */
START_TEST(random_work_waits_twice_as_long_as_even_work)
{
    near("mm1_sojourn(10, 5)", 10);
    near("md1_sojourn(10, 5)", 7.5);
    near("mg1_sojourn(10, 5, 100)", 10);
    near("mg1_sojourn(10, 5, 0)", 7.5);
    near("mg1_sojourn(10, 9, 200)", 9 + 9 * 0.9 * 5 / 0.2);
}
END_TEST

/* sigma = exp(-2 (1 - sigma)) has the root 0.2031878699 (any table of D/M/1 at rho = 1/2). */
START_TEST(even_arrivals_wait_less)
{
    near("dm1_sojourn(10, 5)", 5 / (1 - 0.2031878699));
}
END_TEST

/* One slot: Erlang's loss for one line, rho / (1 + rho), whatever the distribution of the work. */
START_TEST(one_slot_loses_as_erlang_says)
{
    near("mm1k_loss(10, 5, 1)", 1 / 3.0);
    near("md1k_loss(10, 5, 1)", 1 / 3.0);
    near("md1k_loss(10, 20, 1)", 2 / 3.0);
    near("mm1k_sojourn(10, 5, 1)", 5);
}
END_TEST

/* rho = 1: all K + 1 states alike. Far above capacity what is not served is lost, far below nothing is. */
START_TEST(many_slots_lose_the_excess)
{
    near("mm1k_loss(10, 10, 15)", 1 / 16.0);
    near("mm1k_sojourn(10, 10, 15)", 7.5 * 10 / (15 / 16.0));
    near("mm1k_loss(10, 20, 60)", 0.5);
    near("md1k_loss(10, 20, 30)", 0.5);
    ck_assert_double_lt(value("md1k_loss(10, 5, 30)"), 1e-9);
    near("mm1k_sojourn(10, 5, 200)", 10);
    /* two slots, even work: a departure leaves 0 with p = exp(-rho), so 1 / (rho + p) get through */
    near("md1k_loss(10, 10, 2)", 1 - 1 / (1 + exp(-1)));
}
END_TEST

/* ---- bursts ---- */

/* The same one frame after the other: a slot is back at the end of a batch's last work. */
static void burst(int frames, int gap, int service, int slots, int batch, int *lost, int *first)
{
    int taken = 0;

    *lost = 0;
    *first = -1;
    for (int i = 0; i < frames; i++) {
        int departed = i * gap / service;
        if (departed > taken)
            departed = taken;
        if (taken - departed / batch * batch < slots) {
            taken++;
        } else {
            if (*first < 0)
                *first = i;
            ++*lost;
        }
    }
}

START_TEST(a_burst_counted_out_frame_by_frame)
{
    static const struct { int frames, gap, service, slots, batch; } row[] = {
        { 1000, 7, 20, 63, 1 }, { 1000, 7, 20, 63, 16 }, { 60, 7, 20, 63, 1 }, { 5000, 9, 10, 100, 1 },
        { 5000, 10, 11, 255, 16 }, { 64, 1, 1000, 63, 1 }, { 1000, 500, 3000, 15, 1 },
    };
    char text[128];
    int lost, first;

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        burst(row[i].frames, row[i].gap, row[i].service, row[i].slots, row[i].batch, &lost, &first);
        snprintf(text, sizeof text, "burst_loss(%d, %d, %d, %d, %d)", row[i].frames, row[i].gap, row[i].service,
                 row[i].slots, row[i].batch);
        CHECK_EQ(value(text), lost);
        snprintf(text, sizeof text, "bucket_frames(%d, %d, %d)", row[i].gap, row[i].service, row[i].slots);
        if (row[i].batch == 1 && lost > 0)
            CHECK_EQ(value(text), first);
    }
}
END_TEST

/* 64 bytes at 10 Gbit/s are 67.2 ns; 1518 are 1230.4. PCIe: 60 + 24 + 40 bytes at 57.88 Gbit/s are 17.139 ns. */
START_TEST(wire_and_bus_by_their_slots)
{
    CHECK_EQ(value("line_frames(64, 10, 1000000)"), 14881);
    CHECK_EQ(value("line_frames(1518, 10, 12304)"), 10);
    CHECK_EQ(value("pcie_frames(64, 1000)"), 58);
}
END_TEST

/* ---- moderation ---- */

START_TEST(either_limit_alone_is_the_timer_or_the_count)
{
    near("either_irqs(1000, 10, 40, 10000)", value("timer_irqs(1000, 10, 40)"));
    /* exactly N a cycle, and on average half a cycle less one frame is cut */
    near("either_irqs(1000, 10, 100000, 8)", 1000 / 8.0 + 7 / 16.0);
    CHECK_EQ(value("count_irqs(1001, 8)"), 126);
    near("count_wait(10, 8)", 35);
}
END_TEST

/* No time: one interrupt a frame, no wait. Long times: 1 / T, and half of T. */
START_TEST(moderation_between_its_limits)
{
    near("timer_irqs(1000, 10, 0)", 1000);
    near("throttle_irqs(1000, 10, 0)", 1000);
    near("timer_wait(10, 0)", 0);
    near("throttle_wait(10, 0)", 0);
    near("timer_irqs(1000, 10, 10)", 500 + 3 / 8.0);
    near("timer_wait(10, 10)", 7.5);
    near("throttle_wait(1, 1000)", 500);
    CHECK_EQ(value("throttle_even_irqs(101, 10, 100)"), 11);
    near("poll_wait(50)", 25);
    near("poll_count(1000, 10, 50)", 200);
}
END_TEST

/* ---- interrupts first ---- */

/* r = 1/4, m = 1/8 a microsecond. The peak is where l (1/m + 1/r) = 1, 12 us; nothing is left at 4 us. Shared, the cliff
 * is at (r / 2)(sqrt(1 + 4 m / r) - 1) = 91 506 a second. */
START_TEST(salah_at_the_peak_at_the_end_and_at_the_cliff)
{
    near("salah_reads(1001, 24000, 4000, 8000)", 1001);
    ck_assert_double_eq_tol(value("salah_reads(1001, 12000, 4000, 8000)"), 1000, 1);
    near("salah_reads(1001, 4000, 4000, 8000)", 0);
    near("salah_reads(1001, 3000, 4000, 8000)", 0);
    ck_assert_double_eq_tol(value("salah_shared_rate(1000000, 10928.2, 4000, 8000)"), 91506, 1);
    ck_assert_double_eq_tol(value("salah_count_rate(1000000, 1000, 4000, 8000, 1)"), 25000, 1);
    ck_assert_double_eq_tol(value("salah_timer_rate(1000000, 1000, 4000, 8000, 0)"), 25000, 1);
    ck_assert_double_eq_tol(value("salah_throttle_reads(10001, 1000, 4000, 8000, 20000)"), 1000, 1);
}
END_TEST

/* O4 of the published targets: 512 bytes each 4.298 us, 3.1 us a frame, 4 us of lead: four packets an interrupt. */
START_TEST(napi_takes_what_came_during_its_lead)
{
    CHECK_EQ(value("napi_irqs(1000, 4298, 3100, 4000)"), 250);
    CHECK_EQ(value("napi_irqs(1000, 10000, 1000, 4000)"), 1000);
    CHECK_EQ(value("napi_reads(10001, 10, 100, 600, 64)"), 64 * 14 + 14);       /* 14 rounds of 7000, then 600 + 14 x 100 */
    CHECK_EQ(value("napi_reads(10001, 10, 100, 0, 64)"), 1000);
}
END_TEST

/* ---- names ---- */

static double one_column(void *user, const char *name)
{
    return strcmp(name, "gap") == 0 ? *(double *)user : NAN;
}

START_TEST(arguments_are_numbers_or_columns)
{
    double gap = 10, x;
    char why[256];

    CHECK_EQ(expression_value("md1_sojourn( gap , 5)", one_column, &gap, &x, why, sizeof why), 0);
    ck_assert_double_eq(x, 7.5);
    CHECK_EQ(expression_value("2 * md1_sojourn(gap, gap / 2) + 1", one_column, &gap, &x, why, sizeof why), 0);
    ck_assert_double_eq(x, 16);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    static const struct { const char *text, *why; } row[] = {
        { "md2_sojourn(gap, 5)", "no closed form md2_sojourn" }, { "md1_sojourn(gap, srv)", "srv is no number" },
        { "md1_sojourn(gap)", "takes (gap service)" }, { "md1_sojourn(gap, 5, 6)", "takes (gap service)" },
        { "md1_sojourn(gap, 5", "is not closed" }, { "md1_sojourn(gap, 5) 1", "stands behind the end" },
        { "md1_sojourn()", "a number or a name is missing" }, { "mm1k_loss(1,2,3,4,5,6)", "takes (gap service slots)" },
    };
    double gap = 10, x;
    char why[256];

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK_EQ(expression_value(row[i].text, one_column, &gap, &x, why, sizeof why), -1);
        ck_assert_msg(strstr(why, row[i].why) != NULL, "%s: %s", row[i].text, why);
    }
}
END_TEST

SUITE(formulas, random_work_waits_twice_as_long_as_even_work, even_arrivals_wait_less, one_slot_loses_as_erlang_says,
      many_slots_lose_the_excess, a_burst_counted_out_frame_by_frame, wire_and_bus_by_their_slots,
      either_limit_alone_is_the_timer_or_the_count, moderation_between_its_limits,
      salah_at_the_peak_at_the_end_and_at_the_cliff, napi_takes_what_came_during_its_lead,
      arguments_are_numbers_or_columns, what_is_wrong_is_said)
