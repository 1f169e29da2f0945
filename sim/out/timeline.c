/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/timeline.h"

#include "sim/out/table.h"

enum { BEFORE = 6, AFTER = 8 };         /* events shown around the place where they part */

static void counts(const struct timeline_match *m, FILE *out)
{
    char mean[NUMBER_TEXT], most[NUMBER_TEXT];
    struct table t;

    table_init(&t, "event|>in both|>mean distance|>largest");
    for (int kind = 0; kind < TIMELINE_KINDS; kind++) {
        table_cell(&t, "%s", timeline_kind_name[kind]);
        table_cell(&t, "%zu", m->matched[kind]);
        table_cell(&t, "%s", number_time(m->apart_mean[kind] / NS, mean));
        table_cell(&t, "%s", number_time((double)m->apart[kind] / NS, most));
    }
    table_print(&t, 0, out);
    table_free(&t);
}

static void cells(struct table *t, const struct timeline *l, size_t i)
{
    char value[32];

    if (i >= l->n) {
        table_cell(t, " ");
        table_cell(t, " ");
        return;
    }
    table_cell(t, "%.3f", (double)l->event[i].at / US);
    table_cell(t, "%s %s", timeline_kind_name[l->event[i].kind], timeline_value_text(&l->event[i], value));
}

static void around(const struct timeline *a, size_t i, const struct timeline *b, size_t k, bool whole, FILE *out)
{
    size_t before = whole || i < BEFORE || k < BEFORE ? (i < k ? i : k) : BEFORE;
    struct table t;

    table_init(&t, ">us|simulated|>us|measured");
    for (size_t n = 0; n < before + AFTER; n++) {
        cells(&t, a, i - before + n);
        cells(&t, b, k - before + n);
    }
    table_print(&t, 2, out);
    table_free(&t);
}

void timeline_print(const char *name, const struct timeline *simulated, const struct timeline *measured, bool whole,
                    FILE *out)
{
    struct timeline a = *simulated;

    while (a.n > 0 && measured->n > 0 && a.event[a.n - 1].at > measured->event[measured->n - 1].at)
        a.n--;
    struct timeline_match m = timeline_compare(&a, measured);
    fprintf(out, "%s: %zu events simulated, %zu measured; only simulated %zu, only measured %zu\n\n", name, a.n,
            measured->n, m.only_a, m.only_b);
    counts(&m, out);
    if (m.first_a == a.n && m.first_b == measured->n) {
        fputs(m.only_a + m.only_b ? "\nThe order is the same where both have events.\n" :
              "\nThe order of events is the same from beginning to end.\n", out);
        if (whole)
            around(&a, a.n, measured, measured->n, true, out);
        return;
    }
    fprintf(out, "\nThey part for the first time at %.3f us (measured):\n", (double)measured->event[m.first_b].at / US);
    around(&a, m.first_a, measured, m.first_b, whole, out);
}
