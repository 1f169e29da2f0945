/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an `include:` leads, and where it may not. Private to the scenario reader. */
#ifndef SIM_LAB_INCLUDE_H
#define SIM_LAB_INCLUDE_H

#include <stddef.h>

#include "sim/lab/scenario.h"

/* The two folders that includes never leave: the top file's and the data directory. */
struct include_roots {
    const char *data_dir;       /* as given, borrowed; or NULL */
    char *data_root, *top_root; /* their real paths, '/' at the end; NULL where there is none */
};

/* `folder` is the top file's, NULL if it has none. */
void include_roots_init(struct include_roots *r, const char *folder, const char *data_dir);
void include_roots_free(struct include_roots *r);

/* Finds what `name` means in the file `from` (NULL: in no file): beside it, then in data_dir. Returns its path and
 * in *real its real path, both malloc'ed; or NULL and the rest of a sentence that begins "include 'name'". */
char *include_find(const struct include_roots *r, const char *from, const char *name, char **real, char *why,
                   size_t size);

/* By the folder below data_dir or below the top file's: machines/ are LEVEL_MACHINE and so on. */
enum level include_level(const struct include_roots *r, const char *real);

#endif
