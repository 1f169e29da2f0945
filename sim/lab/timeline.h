/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run's events beside those that a real kernel's probes saw: the same in the same order, and how far apart in time.
 *
 * A recorded timeline is a CSV of t_ns,event,value; t = 0 at the first frame. Events and values:
 *   irq        napi_schedule in the NIC's handler
 *   net_rx     net_rx_action begins
 *   poll       the poll returns; value: work
 *   wake       try_to_wake_up; value: app or ksoftirqd
 *   switch     a task (or idle) runs; value: app, ksoftirqd or idle
 *   recv       recv() is back in user mode */
#ifndef SIM_LAB_TIMELINE_H
#define SIM_LAB_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/engine/trace.h"
#include "sim/lab/messages.h"

enum timeline_kind { TIMELINE_IRQ, TIMELINE_NET_RX, TIMELINE_POLL, TIMELINE_WAKE, TIMELINE_SWITCH, TIMELINE_RECV,
                     TIMELINE_KINDS };
extern const char *const timeline_kind_name[TIMELINE_KINDS];
enum timeline_task { TIMELINE_APP, TIMELINE_KSOFTIRQD, TIMELINE_IDLE, TIMELINE_TASKS };   /* values of wake, switch */

struct timeline_event {
    ps_t at;
    enum timeline_kind kind;
    int64_t value;              /* poll: work; wake, switch: the task; else 0 */
};

struct timeline {
    struct timeline_event *event;
    size_t n, room;
    int broken;                 /* out of memory */
};

void timeline_init(struct timeline *t);
void timeline_free(struct timeline *t);
/* 0, or -1 after adding messages. */
int timeline_read(struct timeline *t, const char *path, struct messages *m);
/* The hook for run_options.trace: what the simulator does, in the same words. */
trace_fn timeline_hook;

/* What two timelines have in common. They are walked together; where one has an event that the other lacks, both go on
 * at the nearest place where four events agree again. */
struct timeline_match {
    size_t matched[TIMELINE_KINDS];
    ps_t apart[TIMELINE_KINDS];         /* largest distance of matched events */
    double apart_mean[TIMELINE_KINDS];
    size_t only_a, only_b;              /* events without a partner */
    size_t first_a, first_b;            /* where they part for the first time; both n if never */
};
struct timeline_match timeline_compare(const struct timeline *a, const struct timeline *b);
/* "app", "64" .., in `buffer`. */
const char *timeline_value_text(const struct timeline_event *e, char buffer[32]);

#endif
