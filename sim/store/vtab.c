/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/vtab.h"

#include <string.h>

int vtab_connect(sqlite3 *db, const char *columns, sqlite3_vtab **out)
{
    struct vtab *t;
    int code = sqlite3_declare_vtab(db, columns);

    if (code != SQLITE_OK)
        return code;
    t = sqlite3_malloc64(sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    memset(t, 0, sizeof *t);
    t->db = db;
    *out = &t->base;
    return SQLITE_OK;
}

int vtab_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}
