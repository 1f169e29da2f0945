/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/include.h"

#include <stdlib.h>
#include <string.h>

/* A folder's real path with '/' at the end, malloc'ed; NULL if there is no such folder. */
static char *real_root(const char *folder)
{
    char *real = folder ? realpath(folder, NULL) : NULL, *root = NULL;

    if (real && asprintf(&root, "%s%s", real, strcmp(real, "/") == 0 ? "" : "/") < 0)
        root = NULL;
    free(real);
    return root;
}

void include_roots_init(struct include_roots *r, const char *folder, const char *data_dir)
{
    *r = (struct include_roots){ data_dir, real_root(data_dir), real_root(folder) };
}

void include_roots_free(struct include_roots *r)
{
    free(r->data_root);
    free(r->top_root);
}

/* The part of a real path below a root, or NULL. */
static const char *below(const char *real, const char *root)
{
    return root && strncmp(real, root, strlen(root)) == 0 ? real + strlen(root) : NULL;
}

enum level include_level(const struct include_roots *r, const char *real)
{
    static const struct { const char *folder; enum level level; } levels[] = {
        { "cpus/",     LEVEL_CPU },
        { "nics/",     LEVEL_NIC },
        { "kernels/",  LEVEL_KERNEL },
        { "machines/", LEVEL_MACHINE },
    };
    const char *path = below(real, r->data_root);

    if (!path)
        path = below(real, r->top_root);
    for (size_t i = 0; path && i < ROWS(levels); i++)
        if (strncmp(path, levels[i].folder, strlen(levels[i].folder)) == 0)
            return levels[i].level;
    return LEVEL_WORKLOAD;
}

/* `name` behind the first `length` bytes of `folder` and a separator, malloc'ed, if there is such a file, with its
 * real path; else NULL. */
static char *try_path(const char *folder, size_t length, const char *separator, const char *name, char **real)
{
    char *path;

    if (asprintf(&path, "%.*s%s%s", (int)length, folder, separator, name) < 0)
        return NULL;
    *real = realpath(path, NULL);
    if (*real)
        return path;
    free(path);
    return NULL;
}

char *include_find(const struct include_roots *r, const char *from, const char *name, char **real, char *why,
                   size_t size)
{
    const char *slash = from ? strrchr(from, '/') : NULL;
    char *path = NULL;

    *real = NULL;
    if (*name == '/' || *name == '\0') {
        snprintf(why, size, "is not a relative path");
        return NULL;
    }
    if (from)
        path = try_path(from, slash ? (size_t)(slash + 1 - from) : 0, "", name, real);
    if (!path && r->data_dir)
        path = try_path(r->data_dir, strlen(r->data_dir), "/", name, real);
    if (!path) {
        snprintf(why, size, "is no file beside this one%s%s", r->data_dir ? " or in " : "",
                 r->data_dir ? r->data_dir : "");
    } else if (!below(*real, r->data_root) && !below(*real, r->top_root)) {
        snprintf(why, size, "leaves the scenario's folder and the data directory");
        free(path);
        free(*real);
        path = *real = NULL;
    }
    return path;
}
