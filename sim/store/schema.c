/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/store/schema.h"

#include <stddef.h>

/* Conventions. A column carries its unit in its name; times are integers. What a reader compares is in
 * nanoseconds. Where the model's picoseconds must come back exactly the table holds picoseconds, and
 * nanoseconds are a generated column beside them, which costs no space. All tables are STRICT: a wrong
 * type is an error, not a surprise in somebody's data frame. */

#define OF_RUN  "run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, "

/* Whole nanoseconds of a column of picoseconds, rounded down. */
#define NS_OF(ns, ps)  ns " INTEGER GENERATED ALWAYS AS (" ps " / 1000) VIRTUAL"

/* The value of one metric in a view with one row per run `r`. */
#define METRIC(name)  "(SELECT value FROM metric WHERE run_id = r.id AND name = '" name "')"
#define COUNT(name)   "CAST(" METRIC(name) " AS INTEGER) AS " name

static const char *const version_1[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",

    "INSERT INTO meta VALUES"
    " ('about', 'results of rxsim, a simulator of the Linux network receive path'),"
    " ('start', 'views for people: v_run, v_quantile, v_metric_ci, v_conservation, drops, sweep_<name>'),"
    " ('times', 'since the start of the simulation; ns rounded down where the model has ps')",

    /* One plan of points. `touched` grows with every use, so that "last" is the one used last. */
    "CREATE TABLE experiment(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL CHECK(kind IN ('run', 'sweep', 'capacity', 'calibration')),"
    " plan_hash TEXT NOT NULL, note TEXT, created_utc TEXT NOT NULL,"
    " model_version INTEGER NOT NULL, seed INTEGER NOT NULL, repetitions INTEGER NOT NULL,"
    " source_name TEXT, view_name TEXT NOT NULL UNIQUE, touched INTEGER NOT NULL,"
    " UNIQUE(plan_hash, kind, model_version)) STRICT",

    /* `resolved` is every parameter with its value, one JSON object {"nic.ring.rx": "256", ..}. */
    "CREATE TABLE scenario(hash TEXT PRIMARY KEY, resolved TEXT NOT NULL CHECK(json_valid(resolved)),"
    " source_text TEXT, source_name TEXT) STRICT, WITHOUT ROWID",

    "CREATE TABLE point(id INTEGER PRIMARY KEY, experiment_id INTEGER NOT NULL REFERENCES experiment(id),"
    " ordinal INTEGER NOT NULL, scenario_hash TEXT NOT NULL REFERENCES scenario(hash),"
    " label TEXT NOT NULL, UNIQUE(experiment_id, ordinal)) STRICT",
    "CREATE INDEX point_by_scenario ON point(scenario_hash)",

    /* What was varied (varied = 1), in the order of the axes; for a single run the parameters people ask
     * for. `value` is a number in `unit` where the text is one, so that it can be plotted; `text` is as
     * written. */
    "CREATE TABLE param(point_id INTEGER NOT NULL REFERENCES point(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, value ANY NOT NULL, unit TEXT, text TEXT NOT NULL, ordinal INTEGER NOT NULL,"
    " varied INTEGER NOT NULL, PRIMARY KEY(point_id, name)) STRICT, WITHOUT ROWID",

    /* A run's key is a hash of model version, resolved scenario, seed and repetition. Two experiments
     * may share a point; each then has its own copy of the run, so a key is unique per experiment only. */
    "CREATE TABLE run(id INTEGER PRIMARY KEY, run_key TEXT NOT NULL,"
    " point_id INTEGER NOT NULL REFERENCES point(id), repetition INTEGER NOT NULL, seed INTEGER NOT NULL,"
    " status TEXT NOT NULL CHECK(status IN ('done', 'failed', 'unconverged')), error TEXT,"
    " code_version TEXT NOT NULL, model_version INTEGER NOT NULL, fingerprint TEXT,"
    " deterministic INTEGER, sim_ps INTEGER, warmup_ps INTEGER, offer_ps INTEGER, events INTEGER,"
    " polls INTEGER, irqs INTEGER, softirq_runs INTEGER, time_squeeze INTEGER,"
    " wall_s REAL, host TEXT, shard TEXT, started_utc TEXT, "
    NS_OF("sim_ns", "sim_ps") ", " NS_OF("warmup_ns", "warmup_ps") ", UNIQUE(point_id, repetition)) STRICT",
    "CREATE INDEX run_by_key ON run(run_key)",

    /* scope: "snmp", "cpu0", "eth0", "eth0.q3", "app.srv"; ordinal: the order in which the kernel prints */
    "CREATE TABLE counter(" OF_RUN "scope TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,"
    " ordinal INTEGER NOT NULL, PRIMARY KEY(run_id, scope, name)) STRICT, WITHOUT ROWID",

    "CREATE TABLE metric(" OF_RUN "name TEXT NOT NULL, unit TEXT NOT NULL, value REAL NOT NULL,"
    " half_width REAL, confidence REAL, n_batches INTEGER, PRIMARY KEY(run_id, name)) STRICT, WITHOUT ROWID",

    /* Each stage's latency, in packet order: exact but for the quantiles, which are at most 1/128 too
     * large. The sum in ps is sum_hi * 2^64 + sum_lo, sum_lo read as unsigned. */
    "CREATE TABLE latency(" OF_RUN "stage TEXT NOT NULL, ordinal INTEGER NOT NULL, n INTEGER NOT NULL,"
    " mean_ns REAL, p50_ns REAL, p90_ns REAL, p99_ns REAL, p999_ns REAL,"
    " min_ps INTEGER, max_ps INTEGER, sum_hi INTEGER NOT NULL, sum_lo INTEGER NOT NULL, "
    NS_OF("min_ns", "min_ps") ", " NS_OF("max_ns", "max_ps")
    ", PRIMARY KEY(run_id, stage)) STRICT, WITHOUT ROWID",

    /* Buckets [lo, hi), at most 1/128 wide. Below 131 ns they are narrower than 1 ns: lo_ns repeats there. */
    "CREATE TABLE latency_hist(" OF_RUN "stage TEXT NOT NULL, lo_ps INTEGER NOT NULL, hi_ps INTEGER NOT NULL,"
    " n INTEGER NOT NULL CHECK(n > 0), " NS_OF("lo_ns", "lo_ps") ","
    " hi_ns INTEGER GENERATED ALWAYS AS (hi_ps / 1000 + (hi_ps % 1000 > 0)) VIRTUAL,"
    " PRIMARY KEY(run_id, stage, lo_ps)) STRICT, WITHOUT ROWID",

    "CREATE TABLE cpu_time(" OF_RUN "cpu INTEGER NOT NULL, context TEXT NOT NULL CHECK(context IN"
    " ('hardirq', 'softirq', 'ksoftirqd', 'napi_thread', 'task', 'idle')), ps INTEGER NOT NULL, "
    NS_OF("ns", "ps") ", PRIMARY KEY(run_id, cpu, context)) STRICT, WITHOUT ROWID",

    /* Every end of a frame that occurred: ordinal 0 is the total, then each queue. kind: offered, delivered,
     * consumed, dropped, in_flight; per ordinal offered is the sum of the others. */
    "CREATE TABLE ledger(" OF_RUN "ordinal INTEGER NOT NULL, scope TEXT NOT NULL, fate TEXT NOT NULL,"
    " kind TEXT NOT NULL, stage TEXT, frames INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, ordinal, fate)) STRICT, WITHOUT ROWID",

    "CREATE TABLE flow(" OF_RUN "ordinal INTEGER NOT NULL, tuple TEXT NOT NULL, offered INTEGER NOT NULL,"
    " delivered INTEGER NOT NULL, consumed INTEGER NOT NULL, dropped INTEGER NOT NULL,"
    " in_flight INTEGER NOT NULL, PRIMARY KEY(run_id, ordinal)) STRICT, WITHOUT ROWID",

    /* How many polls did so much work (packets). */
    "CREATE TABLE poll_hist(" OF_RUN "work INTEGER NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, work)) STRICT, WITHOUT ROWID",

    /* Sampled: 1 in k, every drop up to a cap, the slowest. Times are ns rounded down, NULL where the
     * frame never got; rounding keeps their order but may make two stages of one frame equal. */
    "CREATE TABLE packet(" OF_RUN
        "seq INTEGER NOT NULL, flow INTEGER, len INTEGER, queue INTEGER, cpu INTEGER,"
    " t_wire INTEGER NOT NULL, t_dma INTEGER, t_irq INTEGER, t_poll INTEGER, t_stack INTEGER,"
    " t_socket INTEGER, t_app INTEGER, fate TEXT NOT NULL, PRIMARY KEY(run_id, seq)) STRICT, WITHOUT ROWID",

    "CREATE TABLE trace_chunk(" OF_RUN "seq INTEGER NOT NULL, t0_ns INTEGER NOT NULL, t1_ns INTEGER NOT NULL,"
    " n INTEGER NOT NULL, codec INTEGER NOT NULL, crc32 INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(run_id, seq)) STRICT",

    /* Measured or published values to hold a point against. */
    "CREATE TABLE reference(id INTEGER PRIMARY KEY, point_id INTEGER REFERENCES point(id),"
    " source TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, half_width REAL, unit TEXT) STRICT",

    "CREATE VIEW v_run AS SELECT r.id AS run_id, e.name AS experiment, p.ordinal, r.repetition, r.seed, p.label, "
    COUNT("offered") ", " COUNT("delivered") ", " COUNT("consumed") ", " COUNT("drops") ", "
    METRIC("drop_rate") " AS drop_rate, " METRIC("latency_p50_ns") " AS p50_ns, "
    METRIC("latency_p99_ns") " AS p99_ns, r.polls, r.irqs, r.softirq_runs, r.time_squeeze, r.fingerprint"
    " FROM run r JOIN point p ON p.id = r.point_id JOIN experiment e ON e.id = p.experiment_id",

    "CREATE VIEW drops AS SELECT run_id, fate AS reason, stage, frames, bytes FROM ledger"
    " WHERE ordinal = 0 AND kind = 'dropped'",

    /* Both differences are 0 in every run, in total and for each queue. */
    "CREATE VIEW v_conservation AS SELECT run_id, scope,"
    " sum(CASE kind WHEN 'offered' THEN frames ELSE 0 END) AS offered,"
    " sum(CASE kind WHEN 'offered' THEN frames ELSE -frames END) AS frames_missing,"
    " sum(CASE kind WHEN 'offered' THEN bytes ELSE -bytes END) AS bytes_missing"
    " FROM ledger GROUP BY run_id, ordinal",

    "CREATE VIEW v_quantile AS SELECT run_id, stage, n, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns,"
    " max_ps / 1000.0 AS max_ns FROM latency WHERE n > 0 ORDER BY run_id, ordinal",

    /* Mean over a point's repetitions with a 95 % Student interval. Quantiles up to 30 degrees of
     * freedom from the usual table; beyond, 1.96 + 2.4/df is within 0.002 of it. One repetition has no
     * interval: NULL. The sum of squares is taken about the mean: counts of 1e9 frames would cancel
     * otherwise. */
    "CREATE VIEW v_metric_ci AS WITH"
    " t(df, t95) AS (VALUES (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365),"
    " (8, 2.306), (9, 2.262), (10, 2.228), (11, 2.201), (12, 2.179), (13, 2.160), (14, 2.145), (15, 2.131),"
    " (16, 2.120), (17, 2.110), (18, 2.101), (19, 2.093), (20, 2.086), (21, 2.080), (22, 2.074), (23, 2.069),"
    " (24, 2.064), (25, 2.060), (26, 2.056), (27, 2.052), (28, 2.048), (29, 2.045), (30, 2.042)),"
    " m AS (SELECT r.point_id, m.name, m.unit, avg(m.value) AS mean, count(*) AS n"
    "  FROM metric m JOIN run r ON r.id = m.run_id GROUP BY r.point_id, m.name),"
    " s AS (SELECT m.point_id, m.name, m.unit, m.mean, m.n,"
    "  CASE WHEN m.n > 1 THEN sqrt(sum((v.value - m.mean) * (v.value - m.mean)) / (m.n - 1)) END AS sd"
    "  FROM m JOIN run r ON r.point_id = m.point_id JOIN metric v ON v.run_id = r.id AND v.name = m.name"
    "  GROUP BY m.point_id, m.name)"
    " SELECT e.name AS experiment, p.ordinal, p.label, s.name AS metric, s.unit, s.n, s.mean, s.sd,"
    " s.sd / sqrt(s.n) * coalesce((SELECT t95 FROM t WHERE df = s.n - 1), 1.96 + 2.4 / (s.n - 1)) AS half_width"
    " FROM s JOIN point p ON p.id = s.point_id JOIN experiment e ON e.id = p.experiment_id",

    "CREATE VIEW v_compare AS SELECT e.name AS experiment, p.ordinal, f.source, f.name AS metric, f.unit,"
    " f.value AS measured, avg(m.value) AS simulated, (avg(m.value) - f.value) / f.value AS relative_error"
    " FROM reference f JOIN point p ON p.id = f.point_id JOIN experiment e ON e.id = p.experiment_id"
    " JOIN run r ON r.point_id = p.id JOIN metric m ON m.run_id = r.id AND m.name = f.name GROUP BY f.id",

    NULL
};

const char *const *const schema_migration[SCHEMA_VERSION] = { version_1 };

#define COPY(table, columns) \
    "INSERT INTO " table "(run_id, " columns ") SELECT ?2, " columns " FROM " table " WHERE run_id = ?1"

const char *const schema_copy_run[] = {
    COPY("counter", "scope, name, value, ordinal"),
    COPY("metric", "name, unit, value, half_width, confidence, n_batches"),
    COPY("latency", "stage, ordinal, n, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns, min_ps, max_ps, sum_hi, sum_lo"),
    COPY("latency_hist", "stage, lo_ps, hi_ps, n"),
    COPY("cpu_time", "cpu, context, ps"),
    COPY("ledger", "ordinal, scope, fate, kind, stage, frames, bytes"),
    COPY("flow", "ordinal, tuple, offered, delivered, consumed, dropped, in_flight"),
    COPY("poll_hist", "work, n"),
    COPY("packet", "seq, flow, len, queue, cpu, t_wire, t_dma, t_irq, t_poll, t_stack, t_socket, t_app, fate"),
    COPY("trace_chunk", "seq, t0_ns, t1_ns, n, codec, crc32, data"),
    NULL
};
