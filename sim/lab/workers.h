/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that share out independent pieces of work. */
#ifndef SIM_LAB_WORKERS_H
#define SIM_LAB_WORKERS_H

/* How many threads are worth starting for `pieces` of work when the user asked for `jobs` (0: one per usable core). */
int workers_count(int jobs, int pieces);

/* Calls work(shared) on `n` threads, the caller's among them, until each has returned. With fewer threads, where they
 * cannot be made, the work is done all the same: each call takes pieces until none are left. */
void workers_run(int n, void *(*work)(void *shared), void *shared);

#endif
