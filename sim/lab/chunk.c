/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form of a blob. Numbers are LEB128 (7 bits a byte, low first); signed ones are zigzagged (0 -1 1 -2 ..).
 *
 *   rows; shapes; per shape: a byte of absent columns, the length of the fate's name, the name
 *   per stream: predictor, base, for a server a and b, how many values, bytes of its blocks (0: all residuals are 0)
 *   the streams' blocks, one stream behind the other
 *
 * A block is 128 residuals, the last one of a stream filled up with 0: width w, number of exceptions e, 2 w words of 64
 * bits, little-endian, then e positions and e numbers. Even positions are in the even words, odd ones in the odd words,
 * so that two run side by side. */
#include "sim/lab/chunk.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

const char *const chunk_column_name[CHUNK_COLUMNS] = {
    "seq", "flow", "len", "queue", "cpu", "t_wire", "t_dma", "t_irq", "t_poll", "t_stack", "t_socket", "t_app", "fate"
};

enum predictor { PREDICT_VALUE, PREDICT_DELTA, PREDICT_STAGE, PREDICT_SERVER, PREDICTORS };

enum { STREAM_SHAPE = CHUNK_FATE };     /* the last stream: shapes instead of fates */

static_assert(CHUNK_FRAMES % CHUNK_BLOCK == 0 && CHUNK_BLOCK == 128, "blocks fill a chunk; 64 pairs fill whole words");

/* Columns that a frame may lack, by their bit in a shape. */
static const enum chunk_column lackable[] = {
    CHUNK_QUEUE, CHUNK_CPU, CHUNK_T_DMA, CHUNK_T_IRQ, CHUNK_T_POLL, CHUNK_T_STACK, CHUNK_T_SOCKET, CHUNK_T_APP
};
enum { LACKABLE = 8, SHAPE_FATE_BITS = 6, SHAPE_NUMBERS = 1 << (LACKABLE + SHAPE_FATE_BITS) };
static_assert(sizeof lackable / sizeof lackable[0] == LACKABLE, "a byte says what is absent");
static_assert(FATES <= 1 << SHAPE_FATE_BITS, "a fate fits into a shape");

/* The bit of a column in a shape; -1: every frame has it. */
static int lack_bit(int column)
{
    for (int i = 0; i < LACKABLE; i++)
        if ((int)lackable[i] == column)
            return i;
    return -1;
}

static bool is_later_stage(int column)
{
    return column > CHUNK_T_WIRE && column <= CHUNK_T_APP;
}

static inline uint64_t zigzag(int64_t x)
{
    return (uint64_t)x << 1 ^ (uint64_t)(x >> 63);
}

static inline int64_t unzigzag(uint64_t x)
{
    return (int64_t)(x >> 1 ^ (0 - (x & 1)));
}

static inline unsigned bits_of(uint64_t x)
{
    return 64U - (unsigned)__builtin_clzll(x | 1) - (x == 0);
}

static inline uint64_t low_bits(unsigned width)
{
    return width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
}

/* ---- predictions ----
 *
 * Sums wrap: what a damaged blob says must not overflow, and a sound one comes back the same. */

static inline int64_t wrapped(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* `before`: the value in the row before; `stage`: the stage before in the same row. */
static inline int64_t predict(const struct chunk_stream *s, enum predictor predictor, int64_t before, int64_t stage)
{
    switch (predictor) {
    case PREDICT_DELTA:
        return before;
    case PREDICT_STAGE:
        return stage;
    case PREDICT_SERVER: {
        int64_t free_at = wrapped(before, s->a), ready_at = wrapped(stage, s->b);

        return free_at > ready_at ? free_at : ready_at;
    }
    case PREDICT_VALUE:
    case PREDICTORS:
        break;
    }
    return 0;
}

/* The values of one stream: only rows that have the column. */
struct values {
    const int64_t *value, *stage;
    size_t n;
};

/* Returns all of them or-ed: 0 if the whole column was foretold. */
static inline uint64_t residuals_by(const struct chunk_stream *s, enum predictor predictor, const int64_t *value,
                                    const int64_t *before, const int64_t *stage, size_t n, uint64_t *restrict out)
{
    uint64_t any = 0;

    for (size_t i = 0; i < n; i++) {
        out[i] = (uint64_t)value[i] - (uint64_t)predict(s, predictor, before[i], stage[i]) - (uint64_t)s->base;
        any |= out[i];
    }
    return any;
}

/* One loop per predictor, so that none branches on it; with a constant `n` compilers do two or more rows at a time. */
static inline uint64_t residuals_of(const struct chunk_stream *s, const int64_t *value, const int64_t *before,
                                    const int64_t *stage, size_t n, uint64_t *restrict out)
{
    switch ((enum predictor)s->predictor) {
    case PREDICT_DELTA:
        return residuals_by(s, PREDICT_DELTA, value, before, stage, n, out);
    case PREDICT_STAGE:
        return residuals_by(s, PREDICT_STAGE, value, before, stage, n, out);
    case PREDICT_SERVER:
        return residuals_by(s, PREDICT_SERVER, value, before, stage, n, out);
    case PREDICT_VALUE:
    case PREDICTORS:
        break;
    }
    return residuals_by(s, PREDICT_VALUE, value, before, stage, n, out);
}

static uint64_t residuals(const struct chunk_stream *s, const struct values *v, size_t from, size_t to, uint64_t *out)
{
    static const int64_t none = 0;      /* before the first row */
    uint64_t any = 0;

    if (from > 0 && to - from == CHUNK_BLOCK)
        return residuals_of(s, v->value + from, v->value + from - 1, v->stage + from, CHUNK_BLOCK, out);
    if (from == 0 && to > 0) {
        any = residuals_of(s, v->value, &none, v->stage, 1, out++);
        from = 1;
    }
    return any | residuals_of(s, v->value + from, v->value + from - 1, v->stage + from, to - from, out);
}

/* ---- blocks: packing ---- */

enum { EXCEPTION_BITS = 24 };   /* what one is taken to cost when the width is chosen: a position and two bytes */

/* The width whose packed values and exceptions take the fewest bits. `count[b]`: values of b bits. */
static unsigned cheapest_width(const uint16_t count[65], unsigned n, size_t *cost)
{
    unsigned best = 64, beyond = 0;

    *cost = 64 * (size_t)n;
    for (unsigned w = 64; w-- > 0; ) {
        beyond += count[w + 1];
        size_t bits = (size_t)w * n + (size_t)beyond * EXCEPTION_BITS;
        if (bits <= *cost) {
            *cost = bits;
            best = w;
        }
    }
    return best;
}

/* Two tables, so that equal neighbours do not wait for each other's count. */
static unsigned width_of(const uint64_t u[CHUNK_BLOCK], uint64_t any)
{
    uint16_t count[2][65] = { { 0 } };
    unsigned top = bits_of(any), beyond = 0, best = top;
    size_t least = (size_t)top * CHUNK_BLOCK;

    for (size_t i = 0; i < CHUNK_BLOCK; i += 2) {
        count[0][bits_of(u[i])]++;
        count[1][bits_of(u[i + 1])]++;
    }
    for (unsigned w = top; w-- > 0; ) {
        beyond += (unsigned)count[0][w + 1] + count[1][w + 1];
        size_t bits = (size_t)w * CHUNK_BLOCK + (size_t)beyond * EXCEPTION_BITS;
        if (bits <= least) {
            least = bits;
            best = w;
        }
    }
    return best;
}

static uint8_t *put_word(uint8_t *p, uint64_t word)
{
    word = htole64(word);
    memcpy(p, &word, sizeof word);
    return p + sizeof word;
}

static uint64_t get_word(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

static uint8_t *pack(uint8_t *p, const uint64_t u[CHUNK_BLOCK], unsigned width)
{
    uint64_t mask = low_bits(width), even = 0, odd = 0;
    unsigned fill = 0;

    if (width == 0)
        return p;
    for (size_t i = 0; i < CHUNK_BLOCK; i += 2) {
        uint64_t a = u[i] & mask, b = u[i + 1] & mask;

        even |= a << fill;
        odd |= b << fill;
        fill += width;
        if (fill >= 64) {
            p = put_word(put_word(p, even), odd);
            fill -= 64;
            even = fill ? a >> (width - fill) : 0;
            odd = fill ? b >> (width - fill) : 0;
        }
    }
    return p;
}

static void unpack(const uint8_t *p, uint64_t u[CHUNK_BLOCK], unsigned width)
{
    uint64_t mask = low_bits(width), even = 0, odd = 0;
    unsigned left = 0;          /* bits of the words not yet used */

    if (width == 0) {
        memset(u, 0, CHUNK_BLOCK * sizeof *u);
        return;
    }
    for (size_t i = 0; i < CHUNK_BLOCK; i += 2) {
        if (left >= width) {
            u[i] = even & mask;
            u[i + 1] = odd & mask;
            even = width < 64 ? even >> width : 0;
            odd = width < 64 ? odd >> width : 0;
            left -= width;
        } else {
            uint64_t next_even = get_word(p), next_odd = get_word(p + 8);
            unsigned used = width - left;

            p += 16;
            u[i] = (even | (left < 64 ? next_even << left : 0)) & mask;
            u[i + 1] = (odd | (left < 64 ? next_odd << left : 0)) & mask;
            even = used < 64 ? next_even >> used : 0;
            odd = used < 64 ? next_odd >> used : 0;
            left = 64 - used;
        }
    }
}

static uint8_t *put_number(uint8_t *p, uint64_t x)
{
    while (x >= 0x80) {
        *p++ = (uint8_t)(x | 0x80);
        x >>= 7;
    }
    *p++ = (uint8_t)x;
    return p;
}

static uint8_t *put_exceptions(uint8_t *p, const uint64_t u[CHUNK_BLOCK], unsigned width, uint8_t *number)
{
    uint8_t at[CHUNK_BLOCK + 1];
    unsigned n = 0;

    for (unsigned i = 0; i < CHUNK_BLOCK; i++) {
        at[n] = (uint8_t)i;
        n += u[i] >> width != 0;
    }
    memcpy(p, at, n);
    p += n;
    for (unsigned i = 0; i < n; i++)
        p = put_number(p, zigzag((int64_t)u[at[i]]));
    *number = (uint8_t)n;
    return p;
}

/* `any`: all residuals or-ed. */
static uint8_t *put_block(uint8_t *p, const uint64_t u[CHUNK_BLOCK], uint64_t any)
{
    uint8_t *head = p;

    head[0] = head[1] = 0;
    p += 2;
    if (any == 0)
        return p;
    unsigned width = width_of(u, any);
    head[0] = (uint8_t)width;
    p = pack(p, u, width);
    return width < bits_of(any) ? put_exceptions(p, u, width, &head[1]) : p;
}

/* Returns where the next one goes; `p` itself if every residual is 0. */
static uint8_t *put_blocks(uint8_t *p, const struct chunk_stream *s, const struct values *v)
{
    uint8_t *begin = p;
    bool any = false;

    for (size_t i = 0; i < v->n; i += CHUNK_BLOCK) {
        uint64_t u[CHUNK_BLOCK];
        size_t to = i + CHUNK_BLOCK < v->n ? i + CHUNK_BLOCK : v->n;

        uint64_t differ = residuals(s, v, i, to, u);

        if (to - i < CHUNK_BLOCK)
            memset(u + (to - i), 0, (CHUNK_BLOCK - (to - i)) * sizeof *u);
        p = put_block(p, u, differ);
        any |= differ != 0;
    }
    return any ? p : begin;
}

/* ---- the plan ---- */

enum {
    SAMPLE     = 256,           /* rows that a choice looks at, in four runs */
    RUNS       = 4,
    PLAN_TERM  = 32,            /* chunks that one plan serves */
};

/* Shell sort with the gaps of Ciura: no calls, and fast for so few. */
static void sort(int64_t *x, size_t n)
{
    static const size_t gaps[] = { 132, 57, 23, 10, 4, 1 };

    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (size_t gap = gaps[g], i = gap; i < n; i++) {
            int64_t it = x[i];
            size_t k = i;

            for (; k >= gap && x[k - gap] > it; k -= gap)
                x[k] = x[k - gap];
            x[k] = it;
        }
}

static int64_t mode_of(const int64_t *sorted, size_t n)
{
    size_t most = 0;
    int64_t mode = sorted[0];

    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && sorted[end] == sorted[i]; )
            end++;
        if (end - i > most) {
            most = end - i;
            mode = sorted[i];
        }
    }
    return mode;
}

static size_t cost_with(const int64_t *sorted, size_t n, int64_t base)
{
    uint16_t count[65] = { 0 };
    size_t cost;

    for (size_t i = 0; i < n; i++)
        count[bits_of((uint64_t)sorted[i] - (uint64_t)base)]++;
    cheapest_width(count, (unsigned)n, &cost);
    return cost;
}

/* The base below which few residuals are: the least, a low quantile or the most frequent, whichever is cheapest. */
static size_t cheapest_base(const int64_t *sorted, size_t n, int64_t *base)
{
    const int64_t candidate[] = { mode_of(sorted, n), sorted[0], sorted[n / 64], sorted[n / 16], sorted[n / 4] };
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < sizeof candidate / sizeof candidate[0]; i++) {
        size_t cost = cost_with(sorted, n, candidate[i]);
        if (cost < least) {
            least = cost;
            *base = candidate[i];
        }
    }
    return least;
}

/* Residuals of the sample, sorted. */
static size_t sample_of(const struct chunk_stream *s, const struct values *v, int64_t out[SAMPLE])
{
    size_t run = SAMPLE / RUNS, n = 0;
    uint64_t u[SAMPLE];

    if (v->n <= SAMPLE) {
        residuals(s, v, 0, v->n, u);
        n = v->n;
    } else {
        for (size_t r = 0; r < RUNS; r++, n += run) {
            size_t from = (v->n - run) * r / (RUNS - 1);
            residuals(s, v, from, from + run, u + n);
        }
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (int64_t)u[i];
    sort(out, n);
    return n;
}

static void try_stream(struct chunk_stream try, const struct values *v, struct chunk_stream *best, size_t *least)
{
    int64_t sample[SAMPLE];
    size_t n = sample_of(&try, v, sample), cost = cheapest_base(sample, n, &try.base);

    /* A twentieth better, or the simpler one stays: it needs no other column to be decoded. */
    if (*least == SIZE_MAX || cost + cost / 20 < *least) {
        *least = cost;
        *best = try;
    }
}

static void choose_stream(int column, const struct values *v, struct chunk_stream *best)
{
    size_t least = SIZE_MAX;
    int64_t sample[SAMPLE];

    *best = (struct chunk_stream){ 0 };
    if (v->n == 0)
        return;
    if (column < CHUNK_T_WIRE || column == STREAM_SHAPE)
        try_stream(*best, v, best, &least);
    try_stream((struct chunk_stream){ .predictor = PREDICT_DELTA }, v, best, &least);
    if (!is_later_stage(column) || least == 0)
        return;

    struct chunk_stream delta = { .predictor = PREDICT_DELTA }, stage = { .predictor = PREDICT_STAGE };
    struct chunk_stream server = { .predictor = PREDICT_SERVER };
    size_t n = sample_of(&delta, v, sample);

    server.a = mode_of(sample, n);
    n = sample_of(&stage, v, sample);
    server.b = sample[n / 64];
    try_stream(stage, v, best, &least);
    try_stream(server, v, best, &least);
}

/* ---- encoding ---- */

/* What the streams are made of, in one place: shapes, and the rows that have a column. */
struct encoder {
    const struct chunk *chunk;
    uint16_t shape[CHUNK_FRAMES];       /* fate and absent columns .. */
    uint16_t shapes, list[CHUNK_FRAMES];
    int64_t code[CHUNK_PITCH];          /* .. as an index into `list` */
    unsigned lacked;                    /* columns that some row lacks, by their bit in a shape */
    int64_t gathered[CHUNK_PITCH], gathered_stage[CHUNK_PITCH];
    int64_t latest[CHUNK_PITCH];        /* the last stage each row got to .. */
    const int64_t *stage;               /* .. or a column that all have */
};

static bool is_lacked(const int64_t *column, uint32_t n)
{
    int64_t any = 0;
    uint32_t i = 0;

    for (; i + 16 <= n; i += 16)        /* a constant number at a time: compilers take two or more at once */
        for (uint32_t k = 0; k < 16; k++)
            any |= column[i + k];
    for (; i < n; i++)
        any |= column[i];
    return any < 0;
}

static void shape_rows(struct encoder *e)
{
    const struct chunk *c = e->chunk;

    for (uint32_t i = 0; i < c->n; i++)
        e->shape[i] = c->fate[i];
    e->lacked = 0;
    for (int bit = 0; bit < LACKABLE; bit++) {
        const int64_t *column = c->column[lackable[bit]];

        if (!is_lacked(column, c->n))
            continue;
        e->lacked |= 1U << bit;
        for (uint32_t i = 0; i < c->n; i++)
            e->shape[i] = (uint16_t)(e->shape[i] | (column[i] < 0) << (SHAPE_FATE_BITS + bit));
    }
}

static void list_shapes(struct encoder *e)
{
    uint16_t index_of[SHAPE_NUMBERS];
    uint32_t n = e->chunk->n;
    uint16_t differ = 0;

    for (uint32_t i = 0; i < n; i++)
        differ = (uint16_t)(differ | (e->shape[i] ^ e->shape[0]));
    e->shapes = 1;
    e->list[0] = e->shape[0];
    memset(e->code, 0, n * sizeof *e->code);
    if (!differ)
        return;
    memset(index_of, 0xff, sizeof index_of);
    index_of[e->list[0]] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t shape = e->shape[i];

        if (index_of[shape] == UINT16_MAX) {
            index_of[shape] = e->shapes;
            e->list[e->shapes++] = shape;
        }
        e->code[i] = index_of[shape];
    }
}

/* The values of a column whose rows lack it in places, side by side. */
static size_t gather(struct encoder *e, const int64_t *column)
{
    size_t k = 0;

    for (uint32_t i = 0; i < e->chunk->n; i++) {
        e->gathered[k] = column[i];
        e->gathered_stage[k] = e->stage[i];
        k += column[i] >= 0;
    }
    return k;
}

static struct values values_of(struct encoder *e, int column)
{
    const int64_t *all = column == STREAM_SHAPE ? e->code : e->chunk->column[column];
    struct values v = { .value = all, .stage = e->stage, .n = e->chunk->n };
    int bit = lack_bit(column);

    if (bit >= 0 && e->lacked & 1U << bit) {
        v.n = gather(e, all);
        v.value = e->gathered;
        v.stage = e->gathered_stage;
    }
    return v;
}

/* After a stage: it is the last one that its rows got to. */
static const int64_t *latest_after(const int64_t *column, bool lacked, const int64_t *stage, int64_t *latest, uint32_t n)
{
    if (!lacked)
        return column;
    for (uint32_t i = 0; i < n; i++)
        latest[i] = column[i] >= 0 ? column[i] : stage[i];
    return latest;
}

static uint8_t *put_head(uint8_t *p, const struct encoder *e)
{
    p = put_number(put_number(p, e->chunk->n), e->shapes);
    for (uint16_t i = 0; i < e->shapes; i++) {
        const char *name = fate_info[e->list[i] & ((1 << SHAPE_FATE_BITS) - 1)].name;
        size_t length = strlen(name);

        *p++ = (uint8_t)(e->list[i] >> SHAPE_FATE_BITS);
        *p++ = (uint8_t)length;
        memcpy(p, name, length);
        p += length;
    }
    return p;
}

static uint8_t *put_stream(uint8_t *p, const struct chunk_stream *s, size_t values, size_t bytes)
{
    *p++ = s->predictor;
    p = put_number(p, zigzag(s->base));
    if (s->predictor == PREDICT_SERVER)
        p = put_number(put_number(p, zigzag(s->a)), zigzag(s->b));
    return put_number(put_number(p, values), bytes);
}

/* All streams' blocks one behind the other; `values` and `bytes` say how many of each. */
static size_t put_streams(struct encoder *e, struct chunk_plan *plan, bool choose, uint8_t *to,
                          size_t values[CHUNK_STREAMS], size_t bytes[CHUNK_STREAMS])
{
    uint8_t *p = to;

    e->stage = e->chunk->column[CHUNK_T_WIRE];
    for (int c = 0; c < CHUNK_STREAMS; c++) {
        struct values v = values_of(e, c);

        if (choose)
            choose_stream(c, &v, &plan->stream[c]);
        uint8_t *next = put_blocks(p, &plan->stream[c], &v);
        values[c] = v.n;
        bytes[c] = (size_t)(next - p);
        p = next;
        if (is_later_stage(c))
            e->stage = latest_after(e->chunk->column[c], e->lacked >> lack_bit(c) & 1, e->stage, e->latest, e->chunk->n);
    }
    return (size_t)(p - to);
}

enum { HEAD_ROOM = CHUNK_FRAMES * 36 + CHUNK_STREAMS * 64 };   /* a name of 34 letters is longer than any */

size_t chunk_encode(const struct chunk *c, struct chunk_plan *plan, uint8_t *blob)
{
    struct encoder e;
    size_t values[CHUNK_STREAMS], bytes[CHUNK_STREAMS];
    bool choose = plan->chunks == 0;
    uint8_t *blocks = blob + HEAD_ROOM, *p = blob;

    assert(c->n > 0 && c->n <= CHUNK_FRAMES);
    e.chunk = c;
    shape_rows(&e);
    list_shapes(&e);
    size_t size = put_streams(&e, plan, choose, blocks, values, bytes);
    p = put_head(p, &e);
    for (int s = 0; s < CHUNK_STREAMS; s++)
        p = put_stream(p, &plan->stream[s], values[s], bytes[s]);
    assert(p <= blocks);
    memmove(p, blocks, size);
    size += (size_t)(p - blob);

    size_t bits = 8 * size / c->n;
    if (choose) {
        plan->chunks = PLAN_TERM;
        plan->frame_bits = bits;
    }
    plan->chunks = bits > plan->frame_bits + plan->frame_bits / 4 ? 0 : plan->chunks - 1;
    return size;
}

/* ---- decoding ---- */

/* What is left of a blob. A read behind its end gives 0 and marks it as broken. */
struct reader {
    const uint8_t *p, *end;
    bool broken;
};

static uint8_t get_byte(struct reader *r)
{
    if (r->p == r->end) {
        r->broken = true;
        return 0;
    }
    return *r->p++;
}

static uint64_t get_number(struct reader *r)
{
    uint64_t x = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = get_byte(r);

        x |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return x;
    }
    r->broken = true;
    return 0;
}

static const uint8_t *get_bytes(struct reader *r, size_t n)
{
    const uint8_t *p = r->p;

    if ((size_t)(r->end - r->p) < n) {
        r->broken = true;
        return NULL;
    }
    r->p += n;
    return p;
}

struct decoder {
    struct chunk *out;
    uint32_t n, shapes;
    struct { uint8_t absent, fate; } shape[CHUNK_FRAMES];
    struct chunk_stream stream[CHUNK_STREAMS];
    uint32_t values[CHUNK_STREAMS];
    struct reader blocks[CHUNK_STREAMS];
    uint16_t code[CHUNK_PITCH];         /* the shape of each row */
    int64_t dense[CHUNK_PITCH], dense_stage[CHUNK_PITCH], latest[CHUNK_PITCH];
};

static int fate_of(const uint8_t *name, size_t length)
{
    for (int f = 0; f < FATES; f++)
        if (strlen(fate_info[f].name) == length && memcmp(fate_info[f].name, name, length) == 0)
            return f;
    return -1;
}

static const char *get_shapes(struct decoder *d, struct reader *r)
{
    uint64_t n = get_number(r), shapes = get_number(r);

    if (r->broken || n == 0 || n > CHUNK_FRAMES || shapes == 0 || shapes > n)
        return "a chunk of no frames, or of more than one holds";
    d->n = (uint32_t)n;
    d->shapes = (uint32_t)shapes;
    for (uint32_t i = 0; i < d->shapes; i++) {
        uint8_t absent = get_byte(r), length = get_byte(r);
        const uint8_t *name = get_bytes(r, length);
        int fate = name ? fate_of(name, length) : -1;

        if (fate < 0)
            return "an end of frames that this program does not know";
        d->shape[i].absent = absent;
        d->shape[i].fate = (uint8_t)fate;
    }
    return NULL;
}

static const char *get_streams(struct decoder *d, struct reader *r)
{
    size_t bytes[CHUNK_STREAMS];

    for (int c = 0; c < CHUNK_STREAMS; c++) {
        struct chunk_stream *s = &d->stream[c];

        *s = (struct chunk_stream){ .predictor = get_byte(r), .base = unzigzag(get_number(r)) };
        if (s->predictor == PREDICT_SERVER) {
            s->a = unzigzag(get_number(r));
            s->b = unzigzag(get_number(r));
        }
        uint64_t values = get_number(r);
        bytes[c] = get_number(r);
        if (r->broken || s->predictor >= PREDICTORS || values > d->n || (lack_bit(c) < 0 && values != d->n)
            || (s->predictor >= PREDICT_STAGE && !is_later_stage(c)))
            return "a column that is not described rightly";
        d->values[c] = (uint32_t)values;
    }
    for (int c = 0; c < CHUNK_STREAMS; c++) {
        d->blocks[c].p = get_bytes(r, bytes[c]);
        if (!d->blocks[c].p)
            return "less data than its columns need";
        d->blocks[c].end = r->p;
        d->blocks[c].broken = false;
    }
    return r->p == r->end ? NULL : "more data than its columns need";
}

static bool get_exceptions(struct reader *r, uint64_t u[CHUNK_BLOCK], unsigned n)
{
    const uint8_t *at = get_bytes(r, n);

    for (unsigned i = 0; at && i < n; i++) {
        uint64_t value = (uint64_t)unzigzag(get_number(r));

        if (at[i] >= CHUNK_BLOCK)
            return false;
        u[at[i]] = value;
    }
    return at && !r->broken;
}

static bool get_block(struct reader *r, uint64_t u[CHUNK_BLOCK])
{
    unsigned width = get_byte(r), exceptions = get_byte(r);
    const uint8_t *packed = width <= 64 ? get_bytes(r, 16 * (size_t)width) : NULL;

    if (!packed || r->broken)
        return false;
    unpack(packed, u, width);
    return exceptions == 0 || get_exceptions(r, u, exceptions);
}

static inline int64_t restore_by(const struct chunk_stream *s, enum predictor predictor, const uint64_t *u,
                                 const int64_t *stage, int64_t before, size_t n, int64_t *to)
{
    for (size_t i = 0; i < n; i++) {
        before = wrapped(predict(s, predictor, before, stage[i]), wrapped(s->base, (int64_t)u[i]));
        to[i] = before;
    }
    return before;
}

static int64_t restore(const struct chunk_stream *s, const uint64_t *u, const int64_t *stage, int64_t before, size_t n,
                       int64_t *to)
{
    switch ((enum predictor)s->predictor) {
    case PREDICT_DELTA:
        return restore_by(s, PREDICT_DELTA, u, stage, before, n, to);
    case PREDICT_STAGE:
        return restore_by(s, PREDICT_STAGE, u, stage, before, n, to);
    case PREDICT_SERVER:
        return restore_by(s, PREDICT_SERVER, u, stage, before, n, to);
    case PREDICT_VALUE:
    case PREDICTORS:
        break;
    }
    return restore_by(s, PREDICT_VALUE, u, stage, before, n, to);
}

/* All values of a stream, side by side. */
static bool get_values(struct decoder *d, int column, const int64_t *stage, int64_t *to)
{
    struct reader *r = &d->blocks[column];
    bool zeros = r->p == r->end;
    size_t n = d->values[column];
    int64_t before = 0;
    uint64_t u[CHUNK_BLOCK] = { 0 };

    for (size_t i = 0; i < n; i += CHUNK_BLOCK) {
        if (!zeros && !get_block(r, u))
            return false;
        before = restore(&d->stream[column], u, stage + i, before, n - i < CHUNK_BLOCK ? n - i : CHUNK_BLOCK, to + i);
    }
    return r->p == r->end;
}

static bool is_absent(const struct decoder *d, uint32_t row, int bit)
{
    return d->shape[d->code[row]].absent >> bit & 1;
}

/* A column that some rows lack: its values to their rows, -1 to the others. */
static bool get_scattered(struct decoder *d, int column, const int64_t *stage)
{
    int bit = lack_bit(column);
    int64_t *to = d->out->column[column];
    uint32_t k = 0;

    for (uint32_t i = 0; i < d->n; i++) {
        d->dense_stage[k] = stage[i];
        k += !is_absent(d, i, bit);
    }
    if (k != d->values[column] || !get_values(d, column, d->dense_stage, d->dense))
        return false;
    k = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        bool absent = is_absent(d, i, bit);

        to[i] = absent ? -1 : d->dense[k];
        k += !absent;
    }
    return true;
}

static bool get_column(struct decoder *d, int column, const int64_t *stage)
{
    return d->values[column] == d->n ? get_values(d, column, stage, d->out->column[column])
                                     : get_scattered(d, column, stage);
}

static bool get_codes(struct decoder *d)
{
    if (!get_values(d, STREAM_SHAPE, d->latest, d->dense))
        return false;
    for (uint32_t i = 0; i < d->n; i++) {
        if (d->dense[i] < 0 || d->dense[i] >= d->shapes)
            return false;
        d->code[i] = (uint16_t)d->dense[i];
        d->out->fate[i] = d->shape[d->code[i]].fate;
    }
    return true;
}

/* The columns needed for those wanted: a stage predicted from the one before needs it, and where some rows lack that
 * one, the one before it too. Who lacks what is in the shapes, which are the fates as well. */
static unsigned needed_for(const struct decoder *d, unsigned want)
{
    bool from_stage = false;    /* a later column is predicted from this one */
    unsigned need = want;

    for (int c = CHUNK_T_APP; c >= CHUNK_T_WIRE; c--) {
        if (from_stage)
            need |= 1U << c;
        if (need >> c & 1)
            from_stage = d->stream[c].predictor >= PREDICT_STAGE || (from_stage && d->values[c] < d->n);
    }
    for (int c = 0; c < CHUNK_FATE; c++)
        if (need >> c & 1 && d->values[c] < d->n)
            need |= 1U << CHUNK_FATE;
    return need;
}

/* Columns that are not needed leave holes in `stage`; nothing reads them. */
static bool get_columns(struct decoder *d, unsigned need)
{
    const int64_t *stage = d->out->column[CHUNK_T_WIRE];

    if (need >> CHUNK_FATE & 1 && !get_codes(d))
        return false;
    for (int c = 0; c < CHUNK_FATE; c++) {
        if (!(need >> c & 1))
            continue;
        if (!get_column(d, c, stage))
            return false;
        if (is_later_stage(c))
            stage = latest_after(d->out->column[c], d->values[c] < d->n, stage, d->latest, d->n);
    }
    return true;
}

const char *chunk_decode(const uint8_t *blob, size_t size, unsigned want, struct chunk *out)
{
    struct reader head = { .p = blob, .end = blob + size };
    struct decoder d;
    const char *wrong;

    d.out = out;
    wrong = get_shapes(&d, &head);
    if (!wrong)
        wrong = get_streams(&d, &head);
    if (wrong)
        return wrong;
    out->n = d.n;
    return get_columns(&d, needed_for(&d, want)) ? NULL : "a column whose data do not fit its description";
}
