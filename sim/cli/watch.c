/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/cli/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/exit_code.h"

enum {
    REDRAW_MS = 200,            /* on a terminal: five times a second */
    LINE_MS   = 10000,          /* elsewhere */
    FIRST_MS  = 500,            /* nothing is drawn for what is over sooner */
    BAR       = 24,             /* characters */
    END       = SIGUSR2,        /* wakes the thread to end it */
};

static int64_t ms_since(const struct timespec *from)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

double watch_elapsed_s(const struct watch *w)
{
    return (double)ms_since(&w->begin) / 1000;
}

static double share_done(struct watch *w)
{
    double of_one = w->expected_ps > 0 ? (double)atomic_load(&w->progress_ps) / (double)w->expected_ps : 0;
    double done = atomic_load(&w->finished) + (of_one > 1 ? 1 : of_one);

    return done > w->total ? 1 : done / w->total;
}

static void duration_text(double s, char *text, size_t size)
{
    int64_t n = (int64_t)(s + 0.5);

    if (n < 100)
        snprintf(text, size, "%d s", (int)n);
    else if (n < 6000)
        snprintf(text, size, "%d min %02d s", (int)(n / 60), (int)(n % 60));
    else
        snprintf(text, size, "%d h %02d min", (int)(n / 3600), (int)(n / 60 % 60));
}

/* What was stored before took no time and must not make the rest look quick. */
static void eta_text(struct watch *w, char *text, size_t size)
{
    double begun = (double)atomic_load(&w->skipped) / w->total, done = share_done(w);

    if (done <= begun)
        snprintf(text, size, "no estimate yet");
    else {
        char left[32];

        duration_text(watch_elapsed_s(w) * (1 - done) / (done - begun), left, sizeof left);
        snprintf(text, size, "%s left", left);
    }
}

static void print_progress(struct watch *w, const char *end)
{
    char bar[BAR + 1], left[64], gone[32];
    int full = (int)(share_done(w) * BAR);

    for (int i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    eta_text(w, left, sizeof left);
    duration_text(watch_elapsed_s(w), gone, sizeof gone);
    fprintf(stderr, "[%s] %3.0f %%  %d of %d runs, %s, %s%s", bar, 100 * share_done(w), atomic_load(&w->finished),
            w->total, gone, left, end);
    fflush(stderr);
}

static void draw(struct watch *w)
{
    if (w->quiet || ms_since(&w->begin) < FIRST_MS || ms_since(&w->shown) < (w->terminal ? REDRAW_MS : LINE_MS))
        return;
    clock_gettime(CLOCK_MONOTONIC, &w->shown);
    if (w->terminal)
        fputs("\r", stderr);
    print_progress(w, w->terminal ? "\033[K" : "\n");
    atomic_store(&w->line_open, w->terminal);
}

void watch_make_room(struct watch *w)
{
    if (atomic_exchange(&w->line_open, false))
        fputs("\r\033[K", stderr);
}

static void stop_soon(struct watch *w, int signal)
{
    watch_make_room(w);
    if (atomic_exchange(&w->signal, signal) != 0) {
        fputs("rxsim: stopped at once\n", stderr);
        _exit(EXIT_SIGNAL + signal);
    }
    atomic_store(&w->stop, 1);
    fputs("rxsim: stopping: what is unfinished is not stored; once more stops at once\n", stderr);
}

/* Who started us with a signal ignored (nohup, a shell's background job) wants it ignored. */
static void add_unless_ignored(sigset_t *set, int signal)
{
    struct sigaction action;

    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, signal);
}

static void watched(sigset_t *set)
{
    sigemptyset(set);
    add_unless_ignored(set, SIGINT);
    add_unless_ignored(set, SIGTERM);
    sigaddset(set, SIGUSR1);
    sigaddset(set, END);
}

static void *wait_for_signals(void *watch)
{
    struct watch *w = watch;
    struct timespec redraw = { .tv_nsec = REDRAW_MS * 1000000L };
    sigset_t set;

    watched(&set);
    for (;;) {
        int signal = sigtimedwait(&set, NULL, &redraw);

        if (signal == END)
            break;
        if (signal == SIGINT || signal == SIGTERM)
            stop_soon(w, signal);
        else if (signal == SIGUSR1) {
            watch_make_room(w);
            print_progress(w, "\n");
        } else
            draw(w);
    }
    watch_make_room(w);
    return NULL;
}

void watch_begin(struct watch *w, int total, int64_t expected_ps, bool quiet)
{
    sigset_t set;

    *w = (struct watch){ .total = total, .expected_ps = expected_ps, .quiet = quiet,
                         .terminal = isatty(STDERR_FILENO) };
    clock_gettime(CLOCK_MONOTONIC, &w->begin);
    w->shown = w->begin;
    watched(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    w->running = pthread_create(&w->thread, NULL, wait_for_signals, w) == 0;
    if (!w->running)            /* no thread, no progress: let the signals do what they do by default */
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void watch_end(struct watch *w)
{
    sigset_t set;

    if (!w->running)
        return;
    pthread_kill(w->thread, END);
    pthread_join(w->thread, NULL);
    w->running = false;
    watched(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
