/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "did you mean": the name most like a word that is none. */
#ifndef SIM_LAB_NEAR_MISS_H
#define SIM_LAB_NEAR_MISS_H

/* `best`: the candidate most like `word`, or NULL if none is near enough to have been meant. Begins as { .word = .. }. */
struct near_miss { const char *word, *best; int distance; };
void near_miss_try(struct near_miss *n, const char *candidate);

#endif
