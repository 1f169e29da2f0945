/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/library.h"

#include <stdio.h>

#include <sqlite3.h>

const char *store_library(void)
{
    static char text[32];

    snprintf(text, sizeof text, "SQLite %s", sqlite3_libversion());
    return text;
}
