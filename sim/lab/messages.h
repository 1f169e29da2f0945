/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences for the user, collected so that all errors are shown at once. */
#ifndef SIM_LAB_MESSAGES_H
#define SIM_LAB_MESSAGES_H

#include <stddef.h>

struct messages {
    char *text;                 /* lines, each ending in a newline; NULL while there are none */
    size_t length;
    int count;
};

void messages_add(struct messages *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void messages_free(struct messages *m);

#endif
