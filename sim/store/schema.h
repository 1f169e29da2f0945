/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables and views as SQL text, one list of statements per schema version. */
#ifndef SIM_STORE_SCHEMA_H
#define SIM_STORE_SCHEMA_H

#define SCHEMA_APPLICATION_ID 0x52585331        /* "RXS1" */
enum { SCHEMA_VERSION = 1 };                    /* PRAGMA user_version of a database of today */

/* schema_migration[v] takes a database from version v to v + 1; a new file is version 0. Each is a
 * NULL-terminated list of statements and is applied in one transaction. */
extern const char *const *const schema_migration[SCHEMA_VERSION];

/* Tables whose rows belong to a run, as statements that copy the rows of run ?1 to run ?2; NULL ends the
 * list. */
extern const char *const schema_copy_run[];

#endif
