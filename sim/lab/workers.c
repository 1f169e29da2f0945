/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "sim/lab/must.h"

static int usable_cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int workers_count(int jobs, int pieces)
{
    int n = jobs > 0 ? jobs : usable_cores();

    return n < pieces ? n : pieces;
}

void workers_run(int n, void *(*work)(void *shared), void *shared)
{
    pthread_t *thread = must(calloc((size_t)n + 1, sizeof *thread));
    int started = 0;

    while (started < n - 1 && pthread_create(&thread[started], NULL, work, shared) == 0)
        started++;
    work(shared);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    free(thread);
}
