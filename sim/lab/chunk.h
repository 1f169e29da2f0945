/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chunk: the timelines of up to CHUNK_FRAMES finished frames as columns, and their encoded form, a blob.
 *
 * In    chunk_append()   one finished frame; times become whole nanoseconds, rounded down
 * Out   chunk_encode()   the blob of a chunk
 *       chunk_decode()   the columns asked for, from a blob that may be damaged
 *
 * Each column is a stream of residuals against the best of four predictions, chosen on a sample:
 *
 *   value    nothing                                 (len, queue: they hardly change)
 *   delta    the row before                          (seq, t_wire)
 *   stage    the stage before, of the same row       (t_dma: the bus takes so long)
 *   server   max(row before + a, stage before + b)   (t_poll, t_app: one at a time, each after it came)
 *
 * Residuals are packed 128 at a time with the width that is cheapest for most of them; the few that do not fit follow
 * as position and number. What a frame never got to is in no stream: a row's shape, its fate and which columns it
 * lacks, is an index into a list at the head of the blob. Rows stand in the order in which frames ended.
 *
 * Packing against zstd 1.5, bytes a frame and ns to encode it on one core, whole columns of three scenarios (append and
 * the predictions, some 10 ns, are in the first column only):
 *
 *                                      yardstick-linerate   bench/linerate     tcp-bulk
 *   packed as here                        1.41    20 ns       2.92   29 ns    2.38   24 ns
 *   .. and zstd -1 over the blob          1.28   + 1          2.36  + 7       1.57  + 4
 *   .. and zstd 1 over the blob           1.21   + 2          2.33  + 9       1.51  + 4
 *   residuals' bytes by plane, zstd -1    1.57     7          2.41   16       1.72    8
 *   the same with zstd 1                  1.40     7          2.15   17       1.24   12
 *
 * Packing alone stays below 5 bytes and a column of it decodes in 1 ns a frame, so zstd would buy little for one more
 * library. What the width of all 128 values costs without exceptions: 4.0, 5.9 and 6.3 bytes.
 *
 * Not done: rows are not sorted, and queues share one stream each: where many queues end frames in turn, prediction from
 * the row before is poor (two-queues.yaml: 11.8 bytes; a stream per queue and fate would still take 10). */
#ifndef SIM_LAB_CHUNK_H
#define SIM_LAB_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "models/drop.h"
#include "models/frame.h"
#include "sim/engine/time.h"

/* ORDER: as the columns of table `packet`. */
enum chunk_column {
    CHUNK_SEQ, CHUNK_FLOW, CHUNK_LEN, CHUNK_QUEUE, CHUNK_CPU,
    CHUNK_T_WIRE, CHUNK_T_DMA, CHUNK_T_IRQ, CHUNK_T_POLL, CHUNK_T_STACK, CHUNK_T_SOCKET, CHUNK_T_APP,
    CHUNK_FATE,
    CHUNK_COLUMNS
};
extern const char *const chunk_column_name[CHUNK_COLUMNS];
#define CHUNK_ALL ((1U << CHUNK_COLUMNS) - 1)

enum {
    CHUNK_CODEC  = 1,           /* the form of today's blobs, column `codec` of trace_chunk */
    CHUNK_FRAMES = 8192,        /* 800 KB of columns: they stay in a core's second cache from append to encode */
    CHUNK_BLOCK  = 128,         /* values that share a width */
    CHUNK_PITCH  = CHUNK_FRAMES + 24,   /* columns a power of two apart would share cache sets */
};

struct chunk {
    uint32_t n;
    int64_t column[CHUNK_FATE][CHUNK_PITCH];    /* -1: the frame never got there */
    uint8_t fate[CHUNK_FRAMES];                 /* enum fate */
};

/* Whole nanoseconds, rounded down; -1 stays -1. A product with 2^71 / 125 instead of a division: exact for all of
 * 0 .. 2^63, as compilers do it for unsigned numbers. */
static inline int64_t chunk_ns(ps_t t)
{
    return (int64_t)((__extension__ (__int128)(t >> 3) * INT64_C(0x20c49ba5e353f7cf)) >> 68);
}

/* The caller has seen that c->n < CHUNK_FRAMES. */
static inline void chunk_append(struct chunk *c, const struct frame *f, enum fate fate, ps_t now)
{
    uint32_t i = c->n++;

    c->column[CHUNK_SEQ][i] = (int64_t)f->id;
    c->column[CHUNK_FLOW][i] = f->flow;
    c->column[CHUNK_LEN][i] = f->wire_bytes;
    c->column[CHUNK_QUEUE][i] = f->queue;
    c->column[CHUNK_CPU][i] = f->cpu;
    c->column[CHUNK_T_WIRE][i] = chunk_ns(f->wire_at);
    c->column[CHUNK_T_DMA][i] = chunk_ns(f->dma_at);
    c->column[CHUNK_T_IRQ][i] = chunk_ns(f->irq_at);
    c->column[CHUNK_T_POLL][i] = chunk_ns(f->poll_at);
    c->column[CHUNK_T_STACK][i] = chunk_ns(f->stack_at);
    c->column[CHUNK_T_SOCKET][i] = chunk_ns(f->socket_at);
    c->column[CHUNK_T_APP][i] = chunk_ns(fate == FATE_DELIVERED ? now : -1);
    c->fate[i] = (uint8_t)fate;
}

/* How each column is predicted. Choosing costs as much as encoding a few hundred frames, so that one plan serves many
 * chunks; a blob holds its own. All zero: to be chosen. */
enum { CHUNK_STREAMS = CHUNK_COLUMNS };
struct chunk_plan {
    int chunks;                 /* that may still be encoded with it */
    size_t frame_bits;          /* of the chunk it was chosen on: a plan that does much worse is chosen again */
    struct chunk_stream {
        uint8_t predictor;
        int64_t base;           /* taken from each residual, so that most are small and not negative */
        int64_t a, b;           /* of the server */
    } stream[CHUNK_STREAMS];
};

/* Room that an encoded chunk never exceeds: per block of a stream width, count, 64 bits a value and at the worst all
 * values again as position and number; and the head. */
enum { CHUNK_ROOM = CHUNK_STREAMS * (CHUNK_FRAMES / CHUNK_BLOCK) * (2 + CHUNK_BLOCK * (8 + 11)) + CHUNK_FRAMES * 40 };

/* Returns the bytes written to `blob`, which has CHUNK_ROOM. c->n is at least 1. */
size_t chunk_encode(const struct chunk *c, struct chunk_plan *plan, uint8_t *blob);

/* Fills the columns of `want` (1 << CHUNK_SEQ | ..); others are undefined. Returns NULL, or what is wrong with the blob:
 * a sentence without full stop. Any bytes may be given. */
const char *chunk_decode(const uint8_t *blob, size_t size, unsigned want, struct chunk *out);

#endif
