/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: any bytes as a capture, and then as traffic.
 *
 *     clang -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_capture.c ..
 *
 * Whatever the bytes say, the reader returns 0 and arrivals that keep their own promises, or -1, one
 * message and nothing. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/in/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct arrivals *a, const struct capture_summary *s)
{
    ps_t last = 0;

    assert(a->n > 0 && a->n == s->packets && a->flows <= a->n);
    assert(s->tcp + s->udp + s->other_ip + s->not_ip == s->packets);
    for (size_t i = 0; i < a->n; i++) {
        const struct arrival *r = &a->arrival[i];

        assert(r->at >= last);
        assert(r->flow < a->flows);
        assert(r->wire_bytes >= 64);
        assert(r->payload >= 0 && r->payload <= r->wire_bytes);
        last = r->at;
    }
    assert(last == s->span);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture_summary summary;
    struct messages messages = { 0 }, warnings = { 0 };
    struct arrivals *arrivals;
    FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    if (!file)
        return 0;
    if (capture_read_stream(file, "fuzz", &arrivals, &summary, &messages) == 0) {
        assert(messages.count == 0);
        check(arrivals, &summary);
        capture_warnings(&summary, "fuzz", &warnings);
    } else {
        assert(arrivals == NULL && messages.count == 1);
    }
    arrivals_free(arrivals);
    messages_free(&messages);
    messages_free(&warnings);
    return 0;
}
