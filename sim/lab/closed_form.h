/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What queueing theory and arithmetic say of a machine, as functions by name, for expressions
 * (sim/lab/expression.h): `md1_sojourn(gap, service)`. Reports and validation only, never on the event path.
 *
 * Times are nanoseconds; `gap` is the mean distance of two arrivals, `service` the work on one frame, `slots` the
 * descriptors that the NIC may use (nic.ring.rx less nic.ring.reserved), `isr` the work of one interrupt, `app` the
 * reader's on one datagram, `frames` how many arrive. */
#ifndef SIM_LAB_CLOSED_FORM_H
#define SIM_LAB_CLOSED_FORM_H

enum { CLOSED_FORM_ARGUMENTS = 5 };

struct closed_form {
    const char *name;
    const char *arguments;      /* their names, separated by spaces */
    double (*value)(const double *argument);
    const char *what;
};
extern const struct closed_form closed_form[];  /* a NULL name ends it */

const struct closed_form *closed_form_find(const char *name);    /* NULL: there is none */
int closed_form_arguments(const struct closed_form *f);         /* how many it takes */

#endif
