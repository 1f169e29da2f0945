/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/host.h"
#include "tests/suite.h"

enum { LONGEST = 2000 };

/* A timeline of our own: event i at i us, as a letter says: i irq, n net_rx, 0..9 a poll of so many, w and k
 * wakeups of the application and of ksoftirqd, A K I switches to them and to idle, r recv. */
static struct timeline_event room[2][LONGEST];

static struct timeline of(int side, const char *letters)
{
    static const struct { char letter; enum timeline_kind kind; int64_t value; } is[] = {
        { 'i', TIMELINE_IRQ, 0 }, { 'n', TIMELINE_NET_RX, 0 }, { 'w', TIMELINE_WAKE, TIMELINE_APP },
        { 'k', TIMELINE_WAKE, TIMELINE_KSOFTIRQD }, { 'A', TIMELINE_SWITCH, TIMELINE_APP },
        { 'K', TIMELINE_SWITCH, TIMELINE_KSOFTIRQD }, { 'I', TIMELINE_SWITCH, TIMELINE_IDLE },
        { 'r', TIMELINE_RECV, 0 },
    };
    struct timeline t = { .event = room[side], .n = strlen(letters) };

    ck_assert_uint_le(t.n, LONGEST);
    for (size_t i = 0; i < t.n; i++) {
        t.event[i] = (struct timeline_event){ (ps_t)i * US, TIMELINE_POLL, letters[i] - '0' };
        for (size_t k = 0; k < sizeof is / sizeof is[0]; k++)
            if (is[k].letter == letters[i])
                t.event[i] = (struct timeline_event){ (ps_t)i * US, is[k].kind, is[k].value };
    }
    return t;
}

static struct timeline_match compare(const char *a, const char *b)
{
    struct timeline x = of(0, a), y = of(1, b);

    return timeline_compare(&x, &y);
}

static size_t matched(const struct timeline_match *m)
{
    size_t n = 0;

    for (int kind = 0; kind < TIMELINE_KINDS; kind++)
        n += m->matched[kind];
    return n;
}

/* ---- side by side ---- */

START_TEST(a_timeline_equals_itself)
{
    struct timeline_match m = compare("in1wkAKIr", "in1wkAKIr");

    CHECK_EQ(matched(&m), 9);
    CHECK_EQ(m.matched[TIMELINE_WAKE], 2);
    CHECK_EQ(m.matched[TIMELINE_SWITCH], 3);
    CHECK_EQ(m.only_a, 0);
    CHECK_EQ(m.only_b, 0);
    CHECK_EQ(m.first_a, 9);
    CHECK_EQ(m.first_b, 9);
    for (int kind = 0; kind < TIMELINE_KINDS; kind++)
        CHECK_EQ(m.apart[kind], 0);
}
END_TEST

START_TEST(nothing_equals_nothing)
{
    struct timeline_match m = compare("", "");

    CHECK_EQ(matched(&m), 0);
    CHECK_EQ(m.only_a + m.only_b, 0);
    m = compare("", "inr");
    CHECK_EQ(m.only_b, 3);
    m = compare("inr", "");
    CHECK_EQ(m.only_a, 3);
}
END_TEST

/* The same events, later by 1 and 5 us at two of three interrupts, earlier by 2 us at the poll: the largest
 * distance, and the mean of what was matched, 6 / 3 us. */
START_TEST(events_in_the_same_order_may_be_apart_in_time)
{
    struct timeline a = of(0, "i2ii"), b = of(1, "i2ii");

    b.event[0].at += 1 * US;
    b.event[1].at -= 2 * US;
    b.event[3].at += 5 * US;
    struct timeline_match m = timeline_compare(&a, &b);
    CHECK_EQ(matched(&m), 4);
    CHECK_EQ(m.apart[TIMELINE_IRQ], 5 * US);
    ck_assert_double_eq(m.apart_mean[TIMELINE_IRQ], 2.0 * (double)US);
    CHECK_EQ(m.apart[TIMELINE_POLL], 2 * US);
    CHECK_EQ(m.apart[TIMELINE_RECV], 0);
    ck_assert_double_eq(m.apart_mean[TIMELINE_RECV], 0);
}
END_TEST

/* One event more on either side, and both go on behind it. */
START_TEST(an_event_that_one_side_lacks_is_skipped)
{
    struct timeline_match m = compare("in1wAr2n3kI", "in1Ar2n3kI");

    CHECK_EQ(matched(&m), 10);
    CHECK_EQ(m.only_a, 1);
    CHECK_EQ(m.only_b, 0);
    CHECK_EQ(m.first_a, 3);
    CHECK_EQ(m.first_b, 3);
    m = compare("in1Ar2n3kI", "in1wAr2n3kI");
    CHECK_EQ(matched(&m), 10);
    CHECK_EQ(m.only_a, 0);
    CHECK_EQ(m.only_b, 1);
}
END_TEST

/* A poll of another work is another event: one lacks a partner on each side. A second place does not move the
 * first. */
START_TEST(an_event_of_another_value_has_no_partner)
{
    struct timeline_match m = compare("in1wAr2nnKI3nnn", "in5wAr2nnKI4nnn");

    CHECK_EQ(m.first_a, 2);
    CHECK_EQ(m.first_b, 2);
    CHECK_EQ(m.only_a, 1 + 4);      /* behind the second are only three: too few to be together again */
    CHECK_EQ(m.only_b, 1 + 4);
    CHECK_EQ(matched(&m), 10);
    m = compare("in1wAr2nnKI3nnnn", "in5wAr2nnKI4nnnn");
    CHECK_EQ(m.only_a, 2);
    CHECK_EQ(m.only_b, 2);
    CHECK_EQ(matched(&m), 14);
}
END_TEST

START_TEST(timelines_that_never_meet_again_have_no_partners_from_there_on)
{
    struct timeline_match m = compare("inrrrrrr", "in22222");

    CHECK_EQ(matched(&m), 2);
    CHECK_EQ(m.only_a, 6);
    CHECK_EQ(m.only_b, 5);
    CHECK_EQ(m.first_a, 2);
    CHECK_EQ(m.first_b, 2);
}
END_TEST

/* Four in a row make a place; of two places the one with fewer events skipped is taken: 2 in a (rr), not 5 in
 * b. */
START_TEST(the_nearest_place_is_taken)
{
    struct timeline_match m = compare("irr1234AAAA", "i1234AAAA1234");

    CHECK_EQ(m.only_a, 2);
    CHECK_EQ(m.only_b, 4);                  /* what b has beyond a's end */
    CHECK_EQ(matched(&m), 9);
}
END_TEST

/* 399 events are skipped, 400 are not: then they never meet again. */
START_TEST(a_place_is_looked_for_within_400_events)
{
    for (size_t skip = 399; skip <= 400; skip++) {
        char letters[LONGEST] = "";
        memset(letters, 'r', skip);
        strcpy(letters + skip, "1234");
        struct timeline_match m = compare(letters, "1234");
        CHECK_EQ(matched(&m), skip == 399 ? 4 : 0);
        CHECK_EQ(m.only_a, skip == 399 ? 399 : 404);
        CHECK_EQ(m.only_b, skip == 399 ? 0 : 4);
    }
}
END_TEST

/* ---- what is simulated ---- */

START_TEST(the_hook_says_what_happens_in_the_recorded_words)
{
    static const struct { int point; int64_t a; char letter; } row[] = {
        { TRACE_IRQ_HANDLER_ENTRY, 3, 'i' }, { TRACE_SOFTIRQ_ENTRY, 0, 'n' }, { TRACE_NAPI_POLL, 7, '7' },
        { TRACE_SOFTIRQ_EXIT, 9, 0 }, { TRACE_SCHED_WAKEUP, 0, 'w' }, { TRACE_SCHED_WAKEUP, 1, 'k' },
        { TRACE_SCHED_SWITCH, 0, 'A' }, { TRACE_SCHED_SWITCH, 1, 'K' }, { TRACE_SCHED_SWITCH, -1, 'I' },
        { TRACE_RECV, 5, 0 }, { TRACE_RECV_RETURN, 5, 'r' }, { TRACE_KFREE_SKB, 5, 0 },
    };
    struct timeline t, expected = of(0, "in7wkAKIr");
    size_t n = 0;

    timeline_init(&t);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        timeline_hook(&t, (ps_t)i * NS, row[i].point, 0, row[i].a, 64);
        if (!row[i].letter)
            continue;
        CHECK_EQ(t.n, n + 1);
        CHECK_EQ(t.event[n].at, (ps_t)i * NS);
        CHECK_EQ(t.event[n].kind, expected.event[n].kind);
        CHECK_EQ(t.event[n].value, expected.event[n].value);
        n++;
    }
    CHECK_EQ(t.n, n);
    timeline_free(&t);
    CHECK_EQ(t.n, 0);
}
END_TEST

/* ---- what was recorded ---- */

static int read_text(struct timeline *t, const char *text, char *said, size_t size)
{
    char path[] = P_tmpdir "/rxsim-timeline-XXXXXX";
    struct messages m = { 0 };
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    CHECK_EQ(write(file, text, strlen(text)), (ssize_t)strlen(text));
    CHECK_EQ(close(file), 0);
    int failed = timeline_read(t, path, &m);
    unlink(path);
    snprintf(said, size, "%s", failed ? m.text + strlen(path) : "");
    messages_free(&m);
    return failed;
}

/* Columns may stand in any order, and others beside them. Times count in ns, the first frame's is 0: others
 * may be before. */
START_TEST(a_recorded_timeline_is_read)
{
    struct timeline t, expected = of(0, "in1wkAKIr");
    char said[256], value[32];
    static const char *const text[] = { "", "", "1", "app", "ksoftirqd", "app", "ksoftirqd", "idle", "" };

    CHECK_EQ(read_text(&t, "cpu,event,value,t_ns\n0,irq,,-5\n0,net_rx,,10\n0,poll,1,20\n0,wake,app,30\n"
                           "0,wake,ksoftirqd,31\n0,switch,app,40\n0,switch,ksoftirqd,41\n0,switch,idle,42\n"
                           "0,recv,,9000000000\n", said, sizeof said), 0);
    CHECK_EQ(t.n, 9);
    struct timeline_match m = timeline_compare(&t, &expected);
    CHECK_EQ(matched(&m), 9);
    CHECK_EQ(t.event[0].at, -5 * NS);
    CHECK_EQ(t.event[8].at, 9 * SEC);
    for (size_t i = 0; i < 9; i++)
        ck_assert_str_eq(timeline_value_text(&t.event[i], value), text[i]);
    timeline_free(&t);
}
END_TEST

START_TEST(a_line_that_is_no_event_is_told)
{
    static const struct { const char *text, *why; } row[] = {
        { "t_ns,event,value\n0,irq,\n1,interrupt,\n", ":3: a line is t_ns,event,value" },
        { "t_ns,event,value\n,irq,\n", ":2: a line is" }, { "t_ns,event,value\n1us,irq,\n", ":2: a line is" },
        { "t_ns,event,value\n1,wake,migration\n", ":2: a line is" },
        { "t_ns,event,value\n1,switch,\n", ":2: a line is" },
        { "t_ns,event,value\n1,poll,-1\n", ":2: a line is" },
        { "t_ns,event,value\n1,poll,\n", ":2: a line is" },
        { "t_ns,event,value\n1,poll,6x\n", ":2: a line is" },
        { "t_ns,event,value\n99999999999999999999,irq,\n", ":2: a line is" },
        { "t_ns,event\n1,irq\n", ":2: a line is" }, { "at,event,value\n1,irq,\n", ":2: a line is" },
        { "t_ns,event,value\n1,irq\n", ":2: 2 cells" }, { "", ":0: the table is empty" },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct timeline t;
        char said[256];
        CHECK_EQ(read_text(&t, row[i].text, said, sizeof said), -1);
        ck_assert_msg(strncmp(said, row[i].why, strlen(row[i].why)) == 0, "%s: %s", row[i].text, said);
        timeline_free(&t);
    }
}
END_TEST

SUITE(timeline, a_timeline_equals_itself, nothing_equals_nothing, events_in_the_same_order_may_be_apart_in_time,
      an_event_that_one_side_lacks_is_skipped, an_event_of_another_value_has_no_partner,
      timelines_that_never_meet_again_have_no_partners_from_there_on, the_nearest_place_is_taken,
      a_place_is_looked_for_within_400_events, the_hook_says_what_happens_in_the_recorded_words,
      a_recorded_timeline_is_read, a_line_that_is_no_event_is_told)
