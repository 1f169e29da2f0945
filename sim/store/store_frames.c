/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run's frames for those who want them all: from its chunks, or from table `packet`. */
#include <stdlib.h>
#include <string.h>

#include "sim/store/chunk_scan.h"
#include "sim/store/sql.h"
#include "sim/store/store.h"

static int scan_chunks(struct store *s, struct chunk_scan *scan, int64_t run_id, bool *full, frames_fn *fn, void *user)
{
    int code = chunk_scan_begin(scan, s->db, CHUNK_ALL, true);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(scan->q, SCAN_RUN, run_id);
    if (code != SQLITE_OK)
        return sql_fail(s);
    while ((code = chunk_scan_next(scan)) == SQLITE_ROW) {
        *full = true;
        if (fn(user, &scan->chunk) != 0)
            return 0;
    }
    if (code == SQLITE_DONE)
        return 0;
    return scan->error[0] ? store_fail(s, "%s", scan->error) : sql_fail(s);
}

static int64_t number_or_absent(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, column);
}

static int fate_of(const char *name)
{
    for (int f = 0; f < FATES; f++)
        if (strcmp(fate_info[f].name, name) == 0)
            return f;
    return -1;
}

static int scan_samples(struct store *s, struct chunk *c, int64_t run_id, frames_fn *fn, void *user)
{
    int got = -1;
    sqlite3_stmt *q = ASK(s, "SELECT seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack, t_socket, t_app,"
                          " fate FROM packet WHERE run_id = ? ORDER BY seq", INT(run_id));

    c->n = 0;
    while (q && (got = sql_row(s, q)) > 0) {
        int fate = fate_of(sql_text(q, CHUNK_FATE));

        if (fate < 0) {
            sqlite3_reset(q);
            return store_fail(s, "a packet ended in a way that this rxsim does not know; update rxsim");
        }
        for (int i = 0; i < CHUNK_FATE; i++)
            c->column[i][c->n] = number_or_absent(q, i);
        c->fate[c->n++] = (uint8_t)fate;
        if (c->n < CHUNK_FRAMES)
            continue;
        if (fn(user, c) != 0) {
            sqlite3_reset(q);
            return 0;
        }
        c->n = 0;
    }
    if (got == 0 && c->n > 0)
        fn(user, c);
    return got;
}

int store_frames(struct store *s, int64_t run_id, bool *full, frames_fn *fn, void *user)
{
    struct chunk_scan *scan = malloc(sizeof *scan);

    *full = false;
    if (!scan)
        return store_fail(s, "out of memory");
    int failed = scan_chunks(s, scan, run_id, full, fn, user);
    if (!failed && !*full)
        failed = scan_samples(s, &scan->chunk, run_id, fn, user);
    chunk_scan_end(scan);
    free(scan);
    return failed;
}
