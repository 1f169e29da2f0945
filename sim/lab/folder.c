/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/folder.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/must.h"

static const char ending[] = ".yaml";

static int by_version(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static size_t length_without_ending(const char *name)
{
    size_t n = strlen(name), end = sizeof ending - 1;

    return n > end && strcmp(name + n - end, ending) == 0 ? n - end : 0;
}

static int is_yaml(const struct dirent *d)
{
    return d->d_name[0] != '.' && length_without_ending(d->d_name) > 0;
}

int folder_yaml(const char *path, char ***names)
{
    struct dirent **entry;
    int n = scandir(path, &entry, is_yaml, by_version);

    *names = NULL;
    if (n < 0)
        return -1;
    *names = must(calloc((size_t)n + 1, sizeof **names));
    for (int i = 0; i < n; i++) {
        (*names)[i] = must(strndup(entry[i]->d_name, length_without_ending(entry[i]->d_name)));
        free(entry[i]);
    }
    free(entry);
    return n;
}

void folder_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}
