/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run, for people on one screen and for programs as JSON. */
#ifndef SIM_OUT_SUMMARY_H
#define SIM_OUT_SUMMARY_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/lab/result.h"
#include "sim/out/json.h"

/* Frames and where they ended, drops with the counter an admin would see, latency by stage, CPU time, NAPI. A
 * quantile is shown when at least ten frames lie beyond it, else "-". With `colour` the titles are bold.
 * `all_cpus`: also the idle ones. */
void summary_print(const struct result *r, bool colour, bool all_cpus, FILE *out);

/* The members fingerprint .. napi of `rxsim run --json`, into the object that is open. */
void summary_json(struct json *j, const struct result *r);

/* 32 hex digits, as the database has them. */
void fingerprint_text(const struct fingerprint *f, char text[33]);

#endif
