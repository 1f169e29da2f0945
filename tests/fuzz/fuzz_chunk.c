/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: any bytes as a chunk of timelines.
 *
 *     clang -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_chunk.c ..
 *
 * The first byte chooses columns; the others are refused with a sentence, or give frames that can be encoded and come
 * back the same, unless what a frame lacks is another number below 0 than -1: no run gives such. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sim/lab/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chunk decoded, again;
static uint8_t blob[CHUNK_ROOM];

static bool is_sound(struct chunk *c)
{
    for (int column = CHUNK_QUEUE; column < CHUNK_FATE; column++)
        for (uint32_t i = 0; column != CHUNK_T_WIRE && i < c->n; i++)
            if (c->column[column][i] < -1)
                return false;
    return true;
}

static void check_same(const struct chunk *a, const struct chunk *b)
{
    assert(a->n == b->n);
    for (int column = 0; column < CHUNK_FATE; column++)
        assert(memcmp(a->column[column], b->column[column], a->n * sizeof a->column[0][0]) == 0);
    assert(memcmp(a->fate, b->fate, a->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunk_plan plan = { 0 };

    if (size == 0)
        return 0;
    if (chunk_decode(data + 1, size - 1, data[0] | (unsigned)data[0] << 5, &decoded))
        return 0;
    assert(decoded.n > 0 && decoded.n <= CHUNK_FRAMES);
    if (chunk_decode(data + 1, size - 1, CHUNK_ALL, &decoded) || !is_sound(&decoded))
        return 0;
    size_t encoded = chunk_encode(&decoded, &plan, blob);
    assert(encoded <= CHUNK_ROOM);
    assert(chunk_decode(blob, encoded, CHUNK_ALL, &again) == NULL);
    check_same(&decoded, &again);
    return 0;
}
