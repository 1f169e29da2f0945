/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/near_miss.h"

#include <string.h>

enum { WORD = 64 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edits that turn one word into the other: insert, delete, replace, swap neighbours. Words of up to 63 letters. */
static int edits(const char *a, const char *b)
{
    int d[WORD][WORD], n = (int)strlen(a), m = (int)strlen(b);

    if (n >= WORD || m >= WORD)
        return WORD;
    for (int i = 0; i <= n; i++)
        for (int k = 0; k <= m; k++) {
            if (i == 0 || k == 0) {
                d[i][k] = i + k;
                continue;
            }
            d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
        }
    return d[n][m];
}

/* A third of the letters may be wrong; more is another word. */
void near_miss_try(struct near_miss *n, const char *candidate)
{
    int distance = edits(n->word, candidate), limit = 1 + (int)strlen(n->word) / 3;

    if (distance > limit || (n->best && distance >= n->distance))
        return;
    n->best = candidate;
    n->distance = distance;
}
