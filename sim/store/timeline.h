/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored timelines as SQL tables, decoded while they are read.
 *
 *   timeline(run_id, seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack, t_socket, t_app, fate, latency)
 *       one row per frame, in the order in which frames ended; columns as in table `packet`, and latency = t_app - t_wire.
 *       run_id = ? and bounds on t_wire leave out chunks; columns that the statement does not name are not decoded.
 *   timeline_quantile(RUN_ID, STAGE, Q)
 *       one row: ns, the latency that a share Q of the run's delivered frames does not exceed, and frames, how many
 *       there are. STAGE is one of timeline_stage[]. Exact, but for the whole nanoseconds of its two times; warm-up
 *       is left out, as in table `latency`. No row where no frame was delivered. */
#ifndef SIM_STORE_TIMELINE_H
#define SIM_STORE_TIMELINE_H

#include "sim/store/sqlite_api.h"

enum { TIMELINE_STAGES = 7 };
extern const char *const timeline_stage[TIMELINE_STAGES];      /* the names that a run's latencies have */

/* Both tables for a connection. Returns an SQLite code. */
int timeline_register(sqlite3 *db);

/* Its two halves. */
extern const sqlite3_module timeline_module, timeline_quantile_module;

#endif
