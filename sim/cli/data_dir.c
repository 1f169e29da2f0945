/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/cli/data_dir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The Makefile says where `make install` puts scenarios. */
#ifndef RXSIM_DATADIR
#define RXSIM_DATADIR "/usr/local/share/rxsim/scenarios"
#endif

static int beside_program(char *path, size_t size)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;
    struct stat st;

    if (length <= 0)
        return -1;
    program[length] = '\0';
    slash = strrchr(program, '/');
    if (!slash)
        return -1;
    *slash = '\0';
    if ((size_t)snprintf(path, size, "%s/../scenarios", program) >= size)
        return -1;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : -1;
}

const char *data_dir(void)
{
    static char path[PATH_MAX + 16], clean[PATH_MAX];
    const char *wanted = getenv("RXSIM_DATA");

    if (wanted && *wanted)
        return wanted;
    if (beside_program(path, sizeof path) != 0)
        return RXSIM_DATADIR;
    return realpath(path, clean) ? clean : path;
}
