/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target for scenario texts. Any bytes are either refused with a message, or resolve to a configuration that
 * prints, reads back and prints the same.
 *
 *     clang -fsanitize=fuzzer,address,undefined .. tests/fuzz/fuzz_scenario.c
 *     ./fuzz_scenario -dict=tests/fuzz/scenario.dict -max_total_time=60 CORPUS tests/data/bad tests/data/scenario */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/scenario.h"

/* The configuration of a text: 0, or -1 after at least one message. */
static int resolve(const char *text, size_t length, struct config *c)
{
    struct messages m = { 0 };
    struct scenario *s = scenario_parse(text, length, "fuzz", "tests/data/scenario", &m);
    int result = s ? scenario_resolve(s, c, &m) : -1;

    assert((result != 0) == (m.count > 0));
    assert(!m.text || m.text[m.length - 1] == '\n');
    scenario_free(s);
    messages_free(&m);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct config first, second;
    char *printed, *json[2];
    size_t printed_length;
    FILE *out;

    if (resolve((const char *)bytes, length, &first) != 0)
        return 0;
    out = open_memstream(&printed, &printed_length);
    scenario_print(&first, out);
    fclose(out);
    if (resolve(printed, printed_length, &second) != 0)
        abort();
    json[0] = scenario_json(&first);
    json[1] = scenario_json(&second);
    if (strcmp(json[0], json[1]) != 0)
        abort();
    free(json[0]);
    free(json[1]);
    free(printed);
    config_free(&first);
    config_free(&second);
    return 0;
}
