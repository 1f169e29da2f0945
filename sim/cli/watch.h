/* SPDX-License-Identifier: GPL-3.0-or-later */
/* While runs go on: progress on stderr, and signals. A thread of its own waits for both, so that no signal
 * handler ever runs in the middle of a run or of a transaction.
 *
 * SIGINT and SIGTERM ask the runs to stop; the second one ends the program at once, which loses nothing that was
 * stored. SIGUSR1 prints a line of progress. On a terminal the line is drawn again at most five times a second,
 * elsewhere a line each ten seconds. */
#ifndef SIM_CLI_WATCH_H
#define SIM_CLI_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct watch {
    atomic_int stop;            /* for run_options and sweep_run */
    atomic_int signal;          /* the signal that asked to stop, 0: none */
    atomic_int finished, total, skipped;        /* runs; skipped: stored before, so they took no time */
    atomic_llong progress_ps;   /* of the run that goes on, if only one does */
    int64_t expected_ps;        /* of a run */
    bool quiet, terminal;
    struct timespec begin, shown;
    atomic_bool line_open;      /* a progress line is on the terminal */
    pthread_t thread;
    bool running;
};

/* Blocks the signals in this and all later threads, until watch_end. */
void watch_begin(struct watch *w, int total, int64_t expected_ps, bool quiet);
void watch_end(struct watch *w);
/* Clears the line for a message; from any thread. */
void watch_make_room(struct watch *w);
double watch_elapsed_s(const struct watch *w);

#endif
