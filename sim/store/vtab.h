/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What virtual tables over a connection have in common: to know it. */
#ifndef SIM_STORE_VTAB_H
#define SIM_STORE_VTAB_H

#include "sim/store/sqlite_api.h"

struct vtab {
    sqlite3_vtab base;
    sqlite3 *db;
};

/* For a module's xConnect: declares the columns and makes the table. Returns an SQLite code. */
int vtab_connect(sqlite3 *db, const char *columns, sqlite3_vtab **out);
int vtab_disconnect(sqlite3_vtab *table);

#endif
