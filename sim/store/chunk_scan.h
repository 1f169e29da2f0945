/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks the stored chunks of a database and decodes of each the columns asked for. */
#ifndef SIM_STORE_CHUNK_SCAN_H
#define SIM_STORE_CHUNK_SCAN_H

#include <stdbool.h>

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

/* All chunks, or those of one run that the caller then binds to q, as it may bind bounds: only chunks that may hold a
 * frame with lower <= t_wire <= upper are read. Returns an SQLite code. chunk_scan_end in any case. */
enum { SCAN_LOWER = 1, SCAN_UPPER, SCAN_RUN };
int chunk_scan_begin(struct chunk_scan *s, sqlite3 *db, unsigned want, bool one_run);
/* SQLITE_ROW: the next chunk is decoded; SQLITE_DONE; else an error. */
int chunk_scan_next(struct chunk_scan *s);
void chunk_scan_end(struct chunk_scan *s);

#endif
