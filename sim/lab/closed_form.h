/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What queueing theory and arithmetic say of a machine, as functions by name: `md1_sojourn(gap, service)`. Reports and
 * validation only, never on the event path.
 *
 * Times are nanoseconds; `gap` is the mean distance of two arrivals, `service` the work on one frame, `slots` the
 * descriptors that the NIC may use (nic.ring.rx less nic.ring.reserved), `isr` the work of one interrupt, `app` the
 * reader's on one datagram, `frames` how many arrive. */
#ifndef SIM_LAB_CLOSED_FORM_H
#define SIM_LAB_CLOSED_FORM_H

#include <stddef.h>

enum { CLOSED_FORM_ARGUMENTS = 5 };

struct closed_form {
    const char *name;
    const char *arguments;      /* their names, separated by spaces */
    double (*value)(const double *argument);
    const char *what;
};
extern const struct closed_form closed_form[];  /* a NULL name ends it */

/* A number by its name, NAN if there is none: a column of a row, say. */
typedef double closed_form_lookup(void *user, const char *name);

/* "12.5", or "NAME(ARGUMENT, ..)" where an argument is a number or a name to look up. 0; -1 and a sentence in `why`. */
int closed_form_value(const char *text, closed_form_lookup *lookup, void *user, double *value, char *why, size_t size);

#endif
