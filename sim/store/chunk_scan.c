/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/chunk_scan.h"

#include <inttypes.h>
#include <stdio.h>

#include <zlib.h>

#define CHUNKS "SELECT run_id, seq, codec, crc32, n, data FROM main.trace_chunk WHERE t1_ns >= ?1 AND t0_ns <= ?2"

int chunk_scan_begin(struct chunk_scan *s, sqlite3 *db, unsigned want, bool one_run)
{
    const char *text = one_run ? CHUNKS " AND run_id = ?3 ORDER BY seq" : CHUNKS " ORDER BY run_id, seq";

    s->want = want;
    s->error[0] = '\0';
    s->q = NULL;
    int code = sqlite3_prepare_v2(db, text, -1, &s->q, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(s->q, SCAN_LOWER, INT64_MIN);
    return code == SQLITE_OK ? sqlite3_bind_int64(s->q, SCAN_UPPER, INT64_MAX) : code;
}

static int damaged(struct chunk_scan *s, const char *why)
{
    snprintf(s->error, sizeof s->error, "run %" PRId64 ", chunk %" PRId64 " of trace_chunk is damaged: %s", s->run_id,
             s->seq, why);
    return SQLITE_CORRUPT;
}

static int decode(struct chunk_scan *s)
{
    const void *data = sqlite3_column_blob(s->q, 5);
    int size = sqlite3_column_bytes(s->q, 5);

    if (sqlite3_column_int(s->q, 2) != CHUNK_CODEC) {
        snprintf(s->error, sizeof s->error, "run %" PRId64 " has timelines of codec %d, this program reads %d: update it",
                 s->run_id, sqlite3_column_int(s->q, 2), CHUNK_CODEC);
        return SQLITE_ERROR;
    }
    if (!data)
        return damaged(s, "it is empty");
    if ((uint32_t)crc32(0, data, (uInt)size) != (uint32_t)sqlite3_column_int64(s->q, 3))
        return damaged(s, "its checksum is another");
    const char *wrong = chunk_decode(data, (size_t)size, s->want, &s->chunk);
    if (wrong)
        return damaged(s, wrong);
    return s->chunk.n == sqlite3_column_int64(s->q, 4) ? SQLITE_ROW : damaged(s, "it holds another number of frames");
}

int chunk_scan_next(struct chunk_scan *s)
{
    int code = sqlite3_step(s->q);

    if (code != SQLITE_ROW)
        return code;
    s->run_id = sqlite3_column_int64(s->q, 0);
    s->seq = sqlite3_column_int64(s->q, 1);
    return decode(s);
}

void chunk_scan_end(struct chunk_scan *s)
{
    sqlite3_finalize(s->q);
    s->q = NULL;
}
