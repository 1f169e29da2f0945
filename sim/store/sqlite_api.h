/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQLite for files that are built twice: into rxsim, which links the library, and into a loadable extension, which
 * calls the library of whoever loaded it. */
#ifndef SIM_STORE_SQLITE_API_H
#define SIM_STORE_SQLITE_API_H

#ifdef RXSIM_EXTENSION
#include <sqlite3ext.h>
extern const sqlite3_api_routines *sqlite3_api;
#else
#include <sqlite3.h>
#endif

#endif
