/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comma-separated values (RFC 4180, lines end in a newline only): cells of any text, and the timelines of frames. */
#ifndef SIM_OUT_CSV_H
#define SIM_OUT_CSV_H

#include <stdio.h>

#include "sim/lab/chunk.h"

/* One cell and what separates it from the one before; quoted where it must be. */
void csv_cell(FILE *out, const char *text, int column);

/* seq,flow,..,t_app,fate and a line per frame: whole nanoseconds, nothing where the frame never got. */
void csv_frames_head(FILE *out);
void csv_frames(FILE *out, const struct chunk *frames);

#endif
