/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks the stored chunks of a database and decodes of each the columns asked for. */
#ifndef SIM_STORE_CHUNK_SCAN_H
#define SIM_STORE_CHUNK_SCAN_H

#include "sim/lab/chunk.h"
#include "sim/store/sqlite_api.h"

struct chunk_scan {
    sqlite3_stmt *q;
    unsigned want;              /* columns: 1 << CHUNK_SEQ | .. */
    int64_t run_id;             /* of the chunk decoded last */
    int64_t seq;                /* its place among the run's */
    struct chunk chunk;
    char error[192];            /* after a code other than SQLITE_OK and SQLITE_ROW, if it is not SQLite's own */
};

/* Chunks of run `run` (NULL: of all runs) that may hold frames with lower <= t_wire <= upper (NULL: no bound), compared
 * as SQL compares. Returns an SQLite code. chunk_scan_end in any case. */
int chunk_scan_begin(struct chunk_scan *s, sqlite3 *db, unsigned want, sqlite3_value *run, sqlite3_value *lower,
                     sqlite3_value *upper);
/* SQLITE_ROW: the next chunk is decoded; SQLITE_DONE; else an error. */
int chunk_scan_next(struct chunk_scan *s);
void chunk_scan_end(struct chunk_scan *s);

#endif
