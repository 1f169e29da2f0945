/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/engine/random.h"
#include "sim/lab/scenario.h"
#include "tests/suite.h"

static const char data[] = "tests/data/scenario";
static const char bad[] = "tests/data/bad/";

/* ---- helpers ---- */

static struct scenario *parse(const char *text, struct messages *m)
{
    return scenario_parse(text, strlen(text), "test.yaml", data, m);
}

/* The configuration of a text that must be right. */
static struct config resolve_text(const char *text)
{
    struct messages m = { 0 };
    struct scenario *s = parse(text, &m);
    struct config c;

    ck_assert_msg(s != NULL, "%s", m.text);
    ck_assert_msg(scenario_resolve(s, &c, &m) == 0, "%s", m.text);
    ck_assert_int_eq(m.count, 0);
    scenario_free(s);
    messages_free(&m);
    return c;
}

/* What is said about a text that is wrong, malloc'ed. */
static char *complaints(const char *text, size_t length)
{
    struct messages m = { 0 };
    struct scenario *s = scenario_parse(text, length, "test.yaml", data, &m);
    struct config c;

    if (s) {
        ck_assert_int_eq(scenario_resolve(s, &c, &m), -1);
        config_free(&c);        /* a failed resolve leaves nothing to free, and freeing that is harmless */
        scenario_free(s);
    }
    ck_assert_ptr_nonnull(m.text);
    return m.text;
}

static void check_complaint(const char *text, size_t length, const char *expected)
{
    char *said = complaints(text, length);

    ck_assert_str_eq(said, expected);
    free(said);
}

/* A parameter of one instance, by its key. */
static int64_t number(const struct config *c, const char *key, int instance, int queue)
{
    struct param_ref ref;
    char why[256];

    ck_assert_msg(param_find(key, &ref, why, sizeof why) == 0, "%s", why);
    return *config_at(c, ref.model, ref.row, instance, queue);
}

static char *printed(const struct config *c)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    scenario_print(c, out);
    fclose(out);
    return text;
}

static bool same_value(const struct config *a, const struct config *b, const struct model_info *m,
                       const struct param *row, int i, int q)
{
    int64_t x = *config_at(a, m, row, i, q), y = *config_at(b, m, row, i, q);

    return row->unit == UNIT_TEXT ? strcmp(a->text[x], b->text[y]) == 0 : x == y;
}

static void check_same(const struct config *a, const struct config *b)
{
    CHECK_EQ(a->nics, b->nics);
    CHECK_EQ(a->traffics, b->traffics);
    CHECK_EQ(a->apps, b->apps);
    for (const struct model_info *const *m = rx_path; *m; m++)
        for (int i = 0; i < config_instances(a, (*m)->scope); i++) {
            ck_assert_str_eq(config_instance_name(a, (*m)->scope, i), config_instance_name(b, (*m)->scope, i));
            for (size_t r = 0; r < (*m)->n_params; r++)
                for (int q = 0; q < ((*m)->scope == SCOPE_QUEUE ? CONFIG_QUEUES : 1); q++)
                    ck_assert_msg(same_value(a, b, *m, &(*m)->params[r], i, q), "%s of %d, queue %d",
                                  (*m)->params[r].name, i, q);
        }
}

/* ---- wrong files ---- */

static int is_yaml(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return dot && strcmp(dot, ".yaml") == 0;
}

/* Everything said about one file, under a line with its name; folders are left out. */
static void report(const char *name, FILE *out)
{
    struct messages m = { 0 };
    struct scenario *s;
    struct config c = { 0 };
    char path[300], *state = NULL, *line;

    snprintf(path, sizeof path, "%s%s", bad, name);
    s = scenario_read(path, data, &m);
    if (s && scenario_resolve(s, &c, &m) == 0)
        config_free(&c);
    fprintf(out, "== %s\n", name);
    for (line = m.text ? strtok_r(m.text, "\n", &state) : NULL; line; line = strtok_r(NULL, "\n", &state))
        fprintf(out, "%s\n", strncmp(line, bad, strlen(bad)) == 0 ? line + strlen(bad) : line);
    scenario_free(s);
    messages_free(&m);
}

/* Long texts: shows the lines around the first difference. */
static void check_equal_texts(const char *said, const char *expected)
{
    size_t at = 0, line = 0;

    while (said[at] && said[at] == expected[at])
        if (said[at++] == '\n')
            line = at;
    ck_assert_msg(said[at] == expected[at], "said:\n%.300s\nexpected:\n%.300s", said + line, expected + line);
}

/* tests/data/bad/expected.txt holds, for every file of the folder, what is wrong with it and where. */
START_TEST(every_bad_file_is_refused_with_the_expected_words_and_places)
{
    struct dirent **entry;
    int n = scandir(bad, &entry, is_yaml, alphasort);
    char *said, expected[16384] = "";
    size_t length;
    FILE *out = open_memstream(&said, &length), *in = fopen("tests/data/bad/expected.txt", "r");

    ck_assert_int_gt(n, 30);
    for (int i = 0; i < n; i++) {
        report(entry[i]->d_name, out);
        free(entry[i]);
    }
    free(entry);
    fclose(out);
    ck_assert_ptr_nonnull(in);
    expected[fread(expected, 1, sizeof expected - 1, in)] = '\0';
    fclose(in);
    check_equal_texts(said, expected);
    free(said);
}
END_TEST

/* The files the program comes with: each is selected by the key that selects its kind. */
START_TEST(every_cpu_nic_and_kernel_file_can_be_selected)
{
    static const struct { const char *folder, *prefix, *key; } kind[] = {
        { "scenarios/cpus", "", "cpu.model" }, { "scenarios/nics", "", "nic.model" },
        { "scenarios/kernels", "linux-", "kernel.version" },
    };

    for (size_t k = 0; k < ROWS(kind); k++) {
        struct dirent **entry;
        int n = scandir(kind[k].folder, &entry, is_yaml, alphasort);

        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++) {
            struct messages m = { 0 };
            struct scenario *s = scenario_parse("version: 1\n", 11, "test.yaml", "scenarios", &m);
            struct config c;

            *strrchr(entry[i]->d_name, '.') = '\0';
            ck_assert_ptr_nonnull(s);
            CHECK_EQ(scenario_set(s, kind[k].key, entry[i]->d_name + strlen(kind[k].prefix), LEVEL_SET, "", &m), 0);
            ck_assert_msg(scenario_resolve(s, &c, &m) == 0, "%s", m.text);
            config_free(&c);
            scenario_free(s);
            free(entry[i]);
        }
        free(entry);
    }
}
END_TEST

/* 1 MiB and a byte; a scalar of 64 KiB and a byte; exactly as much is no error. */
START_TEST(files_and_scalars_have_a_largest_size)
{
    enum { MIB = 1 << 20, SCALAR = 64 << 10 };
    char *text = malloc(MIB + 2);
    char start[] = "version: 1\nnic.ring.rx: 63x\n#", model[] = "version: 1\nnic.model: ";

    memset(text, '#', MIB + 1);
    memcpy(text, start, sizeof start - 1);
    check_complaint(text, MIB, "test.yaml:2:14: nic.ring.rx needs a whole number, got '63x'\n");
    check_complaint(text, MIB + 1, "test.yaml: larger than 1048576 bytes\n");

    memset(text, 'a', SCALAR + 64);
    memcpy(text, model, sizeof model - 1);
    check_complaint(text, sizeof model - 1 + SCALAR + 1, "test.yaml:2:12: a value of 65537 bytes; at most 65536\n");
    free(text);
}
END_TEST

/* Level n is opened on line n + 1; 16 are read and the 17th is not. The file is legal YAML of any depth. */
START_TEST(mappings_nest_sixteen_deep)
{
    char *said;
    char text[8192] = "version: 1\n";
    size_t n = strlen(text);

    for (int depth = 1; depth <= 40; depth++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%*sa:\n", depth - 1, "");
    snprintf(text + n, sizeof text - n, "%*sx: 1\n", 40, "");
    said = complaints(text, strlen(text));
    ck_assert_str_eq(said, "test.yaml:18:17: nested more than 16 deep\n");
    free(said);
}
END_TEST

/* Brackets by the thousand must neither overflow a stack nor take long. */
START_TEST(a_tower_of_brackets_is_refused)
{
    enum { HIGH = 500000 };
    char *text = malloc(HIGH + 64), *said;
    size_t n = (size_t)sprintf(text, "version: 1\nnic.ring.rx: ");

    for (int shape = 0; shape < 2; shape++) {
        memset(text + n, "[{"[shape], HIGH);
        said = complaints(text, n + HIGH);
        ck_assert_ptr_nonnull(strstr(said, "test.yaml:2:"));
        free(said);
    }
    free(text);
}
END_TEST

START_TEST(after_a_hundred_errors_the_rest_is_not_read)
{
    char text[20000] = "version: 1\n", *said;
    size_t n = strlen(text);
    int lines = 0;

    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "unknown.%d: 1\n", i);
    said = complaints(text, n);
    for (const char *s = said; (s = strchr(s, '\n')) != NULL; s++)
        lines++;
    CHECK_EQ(lines, 101);
    ck_assert_ptr_nonnull(strstr(said, "so many errors that the rest is not read\n"));
    free(said);
}
END_TEST

/* The 10,001st assignment is one too many: nic[a10000], on line 10,002, its value behind 21 characters. */
START_TEST(there_are_at_most_ten_thousand_assignments)
{
    enum { LINES = 12000 };
    char *text = malloc(LINES * 32), *said;
    size_t n = (size_t)sprintf(text, "version: 1\n");

    for (int i = 0; i < LINES; i++)
        n += (size_t)sprintf(text + n, "nic[a%d].ring.rx: 64\n", i);
    said = complaints(text, n);
    ck_assert_str_eq(said, "test.yaml:10002:22: more than 10000 assignments\n");
    free(said);
    free(text);
}
END_TEST

/* 64 names are allowed, and a 65th is refused where it stands: on line 66, behind the version. */
START_TEST(there_are_at_most_sixty_four_of_a_kind)
{
    char text[4096] = "version: 1\n";
    size_t n = strlen(text);
    struct config c;

    for (int i = 0; i < 64; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "app[a%d].cpu: 0\n", i);
    c = resolve_text(text);
    CHECK_EQ(c.apps, 64);
    ck_assert_str_eq(c.app_name[63], "a63");
    config_free(&c);
    snprintf(text + n, sizeof text - n, "app[last].cpu: 0\n");
    check_complaint(text, strlen(text), "test.yaml:66:1: more than 64 names, the last 'last'\n");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named_with_the_systems_reason)
{
    struct messages m = { 0 };

    ck_assert_ptr_null(scenario_read("tests/data/nowhere.yaml", data, &m));
    ck_assert_str_eq(m.text, "tests/data/nowhere.yaml: No such file or directory\n");
    messages_free(&m);
    ck_assert_ptr_null(scenario_read("tests/data", data, &m));
    ck_assert_str_eq(m.text, "tests/data: Is a directory\n");
    messages_free(&m);
}
END_TEST

/* ---- reading ---- */

START_TEST(nested_and_flat_keys_mean_the_same)
{
    static const char *const path[2] = { "tests/data/scenario/flat.yaml", "tests/data/scenario/nested.yaml" };
    struct messages m = { 0 };
    struct config c[2];

    for (int i = 0; i < 2; i++) {
        struct scenario *s = scenario_read(path[i], data, &m);

        ck_assert_msg(s && scenario_resolve(s, &c[i], &m) == 0, "%s", m.text);
        ck_assert_str_eq(scenario_name(s), path[i]);
        ck_assert_ptr_nonnull(strstr(scenario_source(s), "# The same machine as"));
        scenario_free(s);
    }
    check_same(&c[0], &c[1]);
    CHECK_EQ(number(&c[1], "nic.coalesce.rx-usecs", 0, 0), 8 * US);
    CHECK_EQ(number(&c[1], "nic.queue.rps_cpus", 0, 3), 0xf);
    CHECK_EQ(number(&c[1], "nic.queue.rps_cpus", 0, 2), 0);
    CHECK_EQ(number(&c[1], "nic.queue.smp_affinity", 0, 5), 2);
    CHECK_EQ(number(&c[1], "nic.queue.smp_affinity", 0, 4), 1);
    CHECK_EQ(number(&c[1], "net.ipv4.tcp_rmem.default", 0, 0), 131072);
    CHECK_EQ(number(&c[1], "traffic.rate", 0, 0), LOAD_OF(LOAD_PPM, 800000));
    CHECK_EQ(number(&c[1], "traffic.rate", 1, 0), LOAD_OF(LOAD_BPS, 2000000000));
    config_free(&c[0]);
    config_free(&c[1]);
}
END_TEST

START_TEST(a_byte_order_mark_and_carriage_returns_are_accepted)
{
    struct config c = resolve_text("\xef\xbb\xbfversion: 1\r\nnic.ring.rx: 64\r\n"
                                   "nic:\r\n  coalesce: {rx-frames: 3}\r\n");

    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 64);
    CHECK_EQ(number(&c, "nic.coalesce.rx-frames", 0, 0), 3);
    config_free(&c);
}
END_TEST

START_TEST(a_triple_is_a_list_or_one_text_or_three_keys)
{
    static const char *const texts[] = {
        "version: 1\nnet.ipv4.tcp_rmem: [5000, 6000, 7000B]\n",
        "version: 1\nnet.ipv4.tcp_rmem: 5000 6000 7kB\n",
        "version: 1\nnet.ipv4.tcp_rmem: \"5000\\t6000\\t7000\"\n",
        "version: 1\nnet: {ipv4: {tcp_rmem: {min: 5000, default: 6000, max: 7000}}}\n",
    };

    for (size_t i = 0; i < ROWS(texts); i++) {
        struct config c = resolve_text(texts[i]);

        CHECK_EQ(number(&c, "net.ipv4.tcp_rmem.min", 0, 0), 5000);
        CHECK_EQ(number(&c, "net.ipv4.tcp_rmem.default", 0, 0), 6000);
        CHECK_EQ(number(&c, "net.ipv4.tcp_rmem.max", 0, 0), 7000);
        config_free(&c);
    }
}
END_TEST

START_TEST(instances_are_named_by_mention_and_in_its_order)
{
    struct config c = resolve_text("version: 1\n");

    CHECK_EQ(c.nics, 1);
    CHECK_EQ(c.traffics, 1);
    CHECK_EQ(c.apps, 1);
    ck_assert_str_eq(c.nic_name[0], "eth0");
    ck_assert_str_eq(c.traffic_name[0], "traffic");
    ck_assert_str_eq(c.app_name[0], "app");
    config_free(&c);

    c = resolve_text("version: 1\nnic.channels: 2\nnic.ring.rx: 64\nnic[b].queue[1].rps_cpus: 1\nnic[a].ring.rx: 128\n"
                     "nic[b].ring.rx: 256\ntraffic[web].frame: 64\n");
    CHECK_EQ(c.nics, 2);
    ck_assert_str_eq(c.nic_name[0], "b");
    ck_assert_str_eq(c.nic_name[1], "a");
    ck_assert_str_eq(c.traffic_name[0], "web");
    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 256);
    CHECK_EQ(number(&c, "nic.ring.rx", 1, 0), 128);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 0, 1), 1);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 1, 1), 0);
    config_free(&c);
}
END_TEST

/* ---- precedence ---- */

/* Each level's file sets net.core.netdev_budget to a number of its own; one level more at each step. */
START_TEST(each_level_beats_the_one_below)
{
    static const struct { const char *text; int64_t budget; } step[] = {
        { "version: 1\ncpu.model: level\n", 101 },
        { "version: 1\nnic.model: level\ncpu.model: level\n", 102 },
        { "version: 1\nkernel.version: 9.1\ncpu.model: level\nnic.model: level\n", 103 },
        { "version: 1\ninclude: machines/level.yaml\nkernel.version: 9.1\n", 104 },
        { "version: 1\ninclude: [workloads/level.yaml, machines/level.yaml]\nkernel.version: 9.1\n", 105 },
        { "version: 1\ninclude: workloads/level.yaml\nnet.core.netdev_budget: 106\nkernel.version: 9.1\n", 106 },
        { "version: 1\ninclude: [kernels/linux-9.1.yaml, nics/level.yaml, cpus/level.yaml]\n", 103 },
        { "version: 1\ninclude: machines/chain.yaml\n", 105 },
    };
    struct messages m = { 0 };
    struct scenario *s;
    struct config c;

    for (size_t i = 0; i < ROWS(step); i++) {
        c = resolve_text(step[i].text);
        CHECK_EQ(number(&c, "net.core.netdev_budget", 0, 0), step[i].budget);
        config_free(&c);
    }
    s = parse(step[5].text, &m);
    CHECK_EQ(scenario_set(s, "net.core.netdev_budget", "108", LEVEL_VARY, "--vary", &m), 0);
    CHECK_EQ(scenario_set(s, "net.core.netdev_budget", "107", LEVEL_SET, "--set", &m), 0);
    CHECK_EQ(scenario_resolve(s, &c, &m), 0);
    CHECK_EQ(number(&c, "net.core.netdev_budget", 0, 0), 108);
    config_free(&c);
    scenario_free(s);
}
END_TEST

START_TEST(within_a_level_a_name_beats_none_and_then_the_later_wins)
{
    struct messages m = { 0 };
    struct scenario *s = parse("version: 1\nnic[eth1].ring.rx: 64\nnic[eth0].coalesce.rx-frames: 1\n"
                               "nic.ring.rx: 128\nnic[eth1].queue[2].rps_cpus: 3\nnic.queue[2].rps_cpus: 2\n"
                               "nic.queue.rps_cpus: 1\nnic.channels: 4\n", &m);
    struct config c;

    ck_assert_msg(s != NULL, "%s", m.text);
    CHECK_EQ(scenario_resolve(s, &c, &m), 0);
    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 64);
    CHECK_EQ(number(&c, "nic.ring.rx", 1, 0), 128);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 0, 2), 3);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 1, 2), 2);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 1, 1), 1);
    config_free(&c);

    CHECK_EQ(scenario_set(s, "nic.ring.rx", "256", LEVEL_SET, "--set", &m), 0);
    CHECK_EQ(scenario_set(s, "nic.ring.rx", "512", LEVEL_SET, "--set", &m), 0);
    CHECK_EQ(scenario_resolve(s, &c, &m), 0);
    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 512);
    config_free(&c);
    scenario_free(s);
}
END_TEST

START_TEST(a_nics_file_is_about_that_nic)
{
    struct config c = resolve_text("version: 1\ninclude: machines/two-nics.yaml\ncpu.count: 8\n");

    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 64);
    CHECK_EQ(number(&c, "nic.ring.rx", 1, 0), 4096);
    CHECK_EQ(number(&c, "nic.coalesce.rx-usecs", 0, 0), 1 * US);
    CHECK_EQ(number(&c, "nic.coalesce.rx-usecs", 1, 0), 100 * US);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 0, 7), 1);
    CHECK_EQ(number(&c, "nic.queue.rps_cpus", 1, 7), 0xf0);
    CHECK_EQ(number(&c, "net.core.netdev_budget", 0, 0), 101);
    config_free(&c);
}
END_TEST

/* 3.10 and 6.12 are texts, never numbers: 6.1 is not 6.10. */
START_TEST(a_varied_kernel_version_selects_its_file)
{
    static const struct { const char *version; int64_t budget; } kernel[] = {
        { "3.10", 3010 }, { "6.1", 601 }, { "6.12", 6012 },
    };
    struct messages m = { 0 };
    struct scenario *s = parse("version: 1\nkernel.version: 6.1\n", &m);
    struct config c;

    for (size_t i = 0; i < ROWS(kernel); i++) {
        struct scenario *point = scenario_copy(s);

        CHECK_EQ(scenario_set(point, "kernel.version", kernel[i].version, LEVEL_VARY, "--vary", &m), 0);
        CHECK_EQ(scenario_resolve(point, &c, &m), 0);
        CHECK_EQ(number(&c, "net.core.netdev_budget", 0, 0), kernel[i].budget);
        config_free(&c);
        scenario_free(point);
    }
    CHECK_EQ(scenario_set(s, "kernel.version", "6.10", LEVEL_VARY, "--vary", &m), 0);
    CHECK_EQ(scenario_resolve(s, &c, &m), -1);
    ck_assert_str_eq(m.text, "--vary: 'kernel.version' 6.10: no kernels/linux-6.10.yaml "
                             "(there are: 3.10 6.1 6.12 9.1)\n");
    messages_free(&m);
    CHECK_EQ(scenario_set(s, "kernel.version", "", LEVEL_VARY, "--vary", &m), 0);
    CHECK_EQ(scenario_resolve(s, &c, &m), 0);
    config_free(&c);
    scenario_free(s);
}
END_TEST

/* ---- the command line ---- */

START_TEST(an_assignment_of_the_command_line_says_where_it_came_from)
{
    static const struct { const char *key, *value, *said; } wrong[] = {
        { "nic.ring.rxx", "64", "--set: unknown key 'nic.ring.rxx' (did you mean 'nic.ring.rx'?)\n" },
        { "nic.coalesce.rx-frames", "4.5", "--set: nic.coalesce.rx-frames needs a whole number, got '4.5'\n" },
        { "net.ipv4.tcp_rmem", "1 2", "--set: net.ipv4.tcp_rmem needs three values (min default max), got 2\n" },
        { "net.ipv4.tcp_rmem", "1 2 3 4", "--set: net.ipv4.tcp_rmem needs three values (min default max), got 4\n" },
        { "nic.model", "\xff", "--set: nic.model: this byte is not UTF-8\n" },
        { "include", "flat.yaml", "--set: unknown key 'include'\n" },
    };
    struct messages m = { 0 };
    struct scenario *s = parse("version: 1\n", &m);

    for (size_t i = 0; i < ROWS(wrong); i++) {
        CHECK_EQ(scenario_set(s, wrong[i].key, wrong[i].value, LEVEL_SET, "--set", &m), -1);
        ck_assert_str_eq(m.text, wrong[i].said);
        messages_free(&m);
    }
    CHECK_EQ(scenario_set(s, "net.ipv4.tcp_rmem", "4096 131072 6291456", LEVEL_SET, "--set", &m), 0);
    scenario_free(s);
}
END_TEST

/* Overlong forms, surrogates, beyond U+10FFFF, stray and missing continuations (RFC 3629); then the last code points
 * before each of these. */
START_TEST(only_utf_8_is_text)
{
    static const char *const wrong[] = {
        "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x82x", "\xf0\x9f\x90",
    };
    static const char *const right[] = {
        "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    struct messages m = { 0 };
    struct scenario *s = parse("version: 1\n", &m);

    for (size_t i = 0; i < ROWS(wrong); i++)
        ck_assert_msg(scenario_set(s, "nic.model", wrong[i], LEVEL_SET, "--set", &m) == -1, "%zu", i);
    CHECK_EQ(m.count, ROWS(wrong));
    for (size_t i = 0; i < ROWS(right); i++)
        ck_assert_msg(scenario_set(s, "nic.model", right[i], LEVEL_SET, "--set", &m) == 0, "%zu", i);
    messages_free(&m);
    scenario_free(s);
}
END_TEST

START_TEST(a_copy_of_a_scenario_goes_its_own_way)
{
    struct messages m = { 0 };
    struct scenario *s = parse("version: 1\nnic.ring.rx: 64\n", &m), *copy = scenario_copy(s);
    struct config c;

    CHECK_EQ(scenario_set(copy, "nic.ring.rx", "128", LEVEL_SET, "--set", &m), 0);
    CHECK_EQ(scenario_resolve(s, &c, &m), 0);
    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 64);
    config_free(&c);
    scenario_free(s);
    CHECK_EQ(scenario_resolve(copy, &c, &m), 0);
    CHECK_EQ(number(&c, "nic.ring.rx", 0, 0), 128);
    ck_assert_str_eq(scenario_source(copy), "version: 1\nnic.ring.rx: 64\n");
    config_free(&c);
    scenario_free(copy);
}
END_TEST

/* ---- files ---- */

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

/* A new empty folder becomes the current one .. */
static int enter_new_folder(char *template)
{
    int home = open(".", O_RDONLY | O_DIRECTORY);

    ck_assert_ptr_nonnull(mkdtemp(template));
    ck_assert_int_ge(home, 0);
    ck_assert_int_eq(chdir(template), 0);
    return home;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

/* .. and goes away with all that is in it. */
static void leave_folder(const char *folder, int home)
{
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    ck_assert_int_eq(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Ten files, each including the next. */
START_TEST(includes_go_eight_deep_and_stay_inside)
{
    char folder[] = "/tmp/rxsim-include-XXXXXX", path[64], text[128], expected[256];
    struct messages m = { 0 };
    struct scenario *s;
    int home = enter_new_folder(folder);

    CHECK_EQ(mkdir("in", 0700), 0);
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "in/%d.yaml", i);
        snprintf(text, sizeof text, i < 9 ? "version: 1\ninclude: %d.yaml\n" : "version: 1\n", i + 1);
        write_file(path, text);
    }
    s = scenario_read("in/1.yaml", NULL, &m);           /* 2 .. 9: eight includes */
    ck_assert_msg(s != NULL, "%s", m.text);
    scenario_free(s);
    ck_assert_ptr_null(scenario_read("in/0.yaml", NULL, &m));
    ck_assert_str_eq(m.text, "in/8.yaml:2:10: include '9.yaml': more than 8 files deep or 64 in all\n");
    messages_free(&m);

    write_file("outside.yaml", "version: 1\n");
    write_file("in/dots.yaml", "version: 1\ninclude: ../outside.yaml\n");
    CHECK_EQ(symlink("../outside.yaml", "in/link.yaml"), 0);
    write_file("in/linked.yaml", "version: 1\ninclude: link.yaml\n");
    for (int i = 0; i < 2; i++) {
        static const char *const from[2] = { "in/dots.yaml", "in/linked.yaml" };
        static const char *const to[2] = { "../outside.yaml", "link.yaml" };

        ck_assert_ptr_null(scenario_read(from[i], "in", &m));
        snprintf(expected, sizeof expected,
                 "%s:2:10: include '%s' leaves the scenario's folder and the data directory\n", from[i], to[i]);
        ck_assert_str_eq(m.text, expected);
        messages_free(&m);
    }
    s = scenario_read("in/dots.yaml", ".", &m);         /* the data directory holds it now */
    ck_assert_msg(s != NULL, "%s", m.text);
    scenario_free(s);
    leave_folder(folder, home);
}
END_TEST

/* f_n includes f_(n+1) ten times: 10^7 files without the limit of 64. */
START_TEST(includes_do_not_multiply_without_end)
{
    char folder[] = "/tmp/rxsim-include-XXXXXX", path[64], text[256];
    struct messages m = { 0 };
    int home = enter_new_folder(folder);

    for (int i = 0; i < 8; i++) {
        size_t n = (size_t)snprintf(text, sizeof text, "version: 1\n%s", i < 7 ? "include: [" : "");

        for (int k = 0; k < 10 && i < 7; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%d.yaml", k ? ", " : "", i + 1);
        snprintf(text + n, sizeof text - n, i < 7 ? "]\n" : "\n");
        snprintf(path, sizeof path, "%d.yaml", i);
        write_file(path, text);
    }
    ck_assert_ptr_null(scenario_read("0.yaml", NULL, &m));
    CHECK_EQ(m.count, 1);
    ck_assert_ptr_nonnull(strstr(m.text, "more than 8 files deep or 64 in all\n"));
    messages_free(&m);
    leave_folder(folder, home);
}
END_TEST

START_TEST(a_file_beside_the_scenario_is_found_before_one_in_the_data_directory)
{
    struct messages m = { 0 };
    struct scenario *s = scenario_read("tests/data/scenario/machines/level.yaml", data, &m);
    struct scenario *copy = scenario_copy(s);
    char *path = scenario_find_file(s, "two-nics.yaml", &m);

    ck_assert_str_eq(path, "tests/data/scenario/machines/two-nics.yaml");
    free(path);
    path = scenario_find_file(copy, "two-nics.yaml", &m);
    ck_assert_str_eq(path, "tests/data/scenario/machines/two-nics.yaml");
    free(path);
    scenario_free(copy);
    path = scenario_find_file(s, "flat.yaml", &m);
    ck_assert_str_eq(path, "tests/data/scenario/flat.yaml");
    free(path);
    path = scenario_find_file(s, "/dev/null", &m);
    ck_assert_str_eq(path, "/dev/null");
    free(path);
    CHECK_EQ(m.count, 0);
    ck_assert_ptr_null(scenario_find_file(s, "nowhere.pcap", &m));
    ck_assert_str_eq(m.text, "tests/data/scenario/machines/level.yaml: no file 'nowhere.pcap' beside the scenario "
                             "or in tests/data/scenario\n");
    messages_free(&m);
    scenario_free(s);
}
END_TEST

/* ---- printing ---- */

/* A key for a random row, of all instances, of one, or of one queue. */
static void random_key(struct stream *random, const struct model_info *m, const struct param *row, char *key,
                       size_t size)
{
    static const char *const names[] = { "eth0", "b", "a.1", "x-y" };
    const char *rest = strchr(row->name, '.'), *name = names[stream_below(random, ROWS(names))];
    int queue = (int)stream_below(random, CONFIG_QUEUES);

    if (m->scope == SCOPE_HOST || stream_below(random, 3) == 0)
        snprintf(key, size, "%s", row->name);
    else if (m->scope != SCOPE_QUEUE || stream_below(random, 3) == 0)
        snprintf(key, size, "%.*s[%s]%s", (int)(rest - row->name), row->name, name, rest);
    else if (stream_below(random, 2) == 0)
        snprintf(key, size, "nic[%s].queue[%d].%s", name, queue, strrchr(row->name, '.') + 1);
    else
        snprintf(key, size, "nic.queue[%d].%s", queue, strrchr(row->name, '.') + 1);
}

/* Values of all magnitudes inside the row's range; texts full of what YAML and JSON must quote. */
static void random_value(struct stream *random, const struct param *row, char *text, size_t size)
{
    static const char *const texts[] = {
        "", "plain", "~", "# no comment", "a: b", "\"quoted\" \\ back", "line\nline\ttab", "caf\xc3\xa9",
        "\xe2\x80\xa8 separator \xc2\x85", "\xf0\x9f\x90\xa7", "\xef\xbb\xbf", "  spaces  ", "\x1b[31m", "*alias", "%",
    };
    uint64_t range = (uint64_t)row->max - (uint64_t)row->min, drop = stream_below(random, 64), value;

    if (row->unit == UNIT_TEXT) {
        snprintf(text, size, "%s", texts[stream_below(random, ROWS(texts))]);
        return;
    }
    value = stream_next(random) >> drop;
    if (range != UINT64_MAX)
        value %= range + 1;
    value_print(row, (int64_t)((uint64_t)row->min + value), text, size);
}

/* Adds a random assignment if the scenario is still a valid one with it. */
static bool try_assignment(struct scenario **s, struct stream *random)
{
    const struct model_info *m;
    const struct param *row;
    struct messages said = { 0 };
    struct scenario *next = scenario_copy(*s);
    char key[200], value[200];
    struct config c;
    int models = 0;
    bool valid;

    while (rx_path[models])
        models++;
    do
        m = rx_path[stream_below(random, (uint64_t)models)];
    while (m->n_params == 0);
    row = &m->params[stream_below(random, m->n_params)];
    random_key(random, m, row, key, sizeof key);
    random_value(random, row, value, sizeof value);
    valid = scenario_set(next, key, value, LEVEL_SET, "--set", &said) == 0
         && scenario_resolve(next, &c, &said) == 0;
    if (valid) {
        config_free(&c);
        scenario_free(*s);
        *s = next;
    } else {
        scenario_free(next);
    }
    messages_free(&said);
    return valid;
}

/* 60 random scenarios of up to 30 assignments; some assignments are refused by the relations between parameters. */
START_TEST(what_is_printed_reads_back_to_the_same_configuration)
{
    int valid = 0;

    for (uint64_t seed = 0; seed < 60; seed++) {
        struct messages m = { 0 };
        struct scenario *s = parse("version: 1\n", &m);
        struct config c, again;
        struct stream random;
        char *text;

        stream_seed(&random, seed, 0, "scenario");
        for (int i = 0; i < 30; i++)
            valid += try_assignment(&s, &random);
        CHECK_EQ(scenario_resolve(s, &c, &m), 0);
        text = printed(&c);
        again = resolve_text(text);
        check_same(&c, &again);
        free(text);
        config_free(&c);
        config_free(&again);
        scenario_free(s);
    }
    ck_assert_int_gt(valid, 600);
}
END_TEST

/* Two NICs and a queue that differ: the general line first, then those that differ, in order. */
START_TEST(instances_that_differ_print_a_line_of_their_own)
{
    struct config c = resolve_text("version: 1\nnic[a].ring.rx: 64\nnic[b].ring.rx: 128\n"
                                   "nic[b].queue[2].rps_cpus: 1\nnic.model: \"\"\nnic.channels: 4\n");
    char *text = printed(&c);

    ck_assert_msg(strncmp(text, "version: 1\n", 11) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "\nnic.ring.rx: 64\nnic[b].ring.rx: 128\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nnic.queue.rps_cpus: 0\nnic[b].queue[2].rps_cpus: 1\n"));
    ck_assert_ptr_null(strstr(text, "nic[a].ring.rx"));
    ck_assert_ptr_null(strstr(text, "nic[a].queue"));
    ck_assert_ptr_nonnull(strstr(text, "\nnic.model: \"\"\n"));
    free(text);
    config_free(&c);
}
END_TEST

START_TEST(json_holds_the_lines_of_the_print_as_texts)
{
    struct config c = resolve_text("version: 1\nnic[b].ring.rx: 64\ntraffic[web].rate: 80%\n"
                                   "host.address: \"a\\\"b\\\\c\\nd\"\n");
    char *json = scenario_json(&c), *text = printed(&c);
    int lines = 0, pairs = 0;

    CHECK_EQ(json[0], '{');
    CHECK_EQ(json[strlen(json) - 1], '}');
    ck_assert_ptr_nonnull(strstr(json, "\"nic.ring.rx\": \"64\", "));
    ck_assert_ptr_nonnull(strstr(json, "\"traffic.rate\": \"80%\", "));
    ck_assert_ptr_nonnull(strstr(json, "\"host.address\": \"a\\\"b\\\\c\\u000ad\", "));
    for (const char *s = text; (s = strchr(s, '\n')) != NULL; s++)
        lines++;
    for (const char *s = json; (s = strstr(s, "\": \"")) != NULL; s++)
        pairs++;
    CHECK_EQ(pairs, lines - 1);         /* `version` is the file's, not the configuration's */
    free(json);
    free(text);
    config_free(&c);
}
END_TEST

/* ---- keys ---- */

START_TEST(a_key_is_a_row_with_instance_and_queue)
{
    static const struct { const char *key, *row, *instance; int queue; } keys[] = {
        { "nic.ring.rx", "nic.ring.rx", "", -1 },
        { "nic[eth0.100].ring.rx", "nic.ring.rx", "eth0.100", -1 },
        { "nic.queue.rps_cpus", "nic.queue.rps_cpus", "", -1 },
        { "nic.queues.rps_cpus", "nic.queue.rps_cpus", "", -1 },
        { "nic.irq.smp_affinity", "nic.queue.smp_affinity", "", -1 },
        { "nic.queue[3].rps_cpus", "nic.queue.rps_cpus", "", 3 },
        { "nic[eth1].queues[63].rps_cpus", "nic.queue.rps_cpus", "eth1", 63 },
        { "nic[eth1].irq[0].smp_affinity", "nic.queue.smp_affinity", "eth1", 0 },
        { "traffic[web].rate", "traffic.rate", "web", -1 },
        { "app[a].cpu", "app.cpu", "a", -1 },
        { "net.core.netdev_budget", "net.core.netdev_budget", "", -1 },
    };

    for (size_t i = 0; i < ROWS(keys); i++) {
        struct param_ref ref;
        char why[256] = "";

        ck_assert_msg(param_find(keys[i].key, &ref, why, sizeof why) == 0, "%s", why);
        ck_assert_str_eq(ref.row->name, keys[i].row);
        ck_assert_str_eq(ref.instance, keys[i].instance);
        CHECK_EQ(ref.queue, keys[i].queue);
    }
}
END_TEST

/* Some of the host's own parameters are grouped with those of applications or NICs. */
START_TEST(a_parameter_of_the_whole_machine_takes_no_name)
{
    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t r = 0; r < (*m)->n_params; r++) {
            const char *name = (*m)->params[r].name, *dot = strchr(name, '.');
            struct param_ref ref;
            char key[200], why[256] = "";

            snprintf(key, sizeof key, "%.*s[x]%s", (int)(dot - name), name, dot);
            CHECK_EQ(param_find(key, &ref, why, sizeof why), (*m)->scope == SCOPE_HOST ? -1 : 0);
        }
}
END_TEST

START_TEST(a_key_longer_than_any_is_refused)
{
    struct param_ref ref;
    char key[400], why[256];

    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    CHECK_EQ(param_find(key, &ref, why, sizeof why), -1);
    ck_assert_str_eq(why, "unknown key 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk..', longer than any key");
}
END_TEST

START_TEST(every_row_is_found_by_its_own_name)
{
    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t r = 0; r < (*m)->n_params; r++) {
            struct param_ref ref;
            char why[256] = "";

            ck_assert_msg(param_find((*m)->params[r].name, &ref, why, sizeof why) == 0, "%s", why);
            ck_assert_ptr_eq(ref.row, &(*m)->params[r]);
            ck_assert_ptr_eq(ref.model, *m);
        }
}
END_TEST

SUITE(scenario, every_bad_file_is_refused_with_the_expected_words_and_places,
      every_cpu_nic_and_kernel_file_can_be_selected, files_and_scalars_have_a_largest_size,
      mappings_nest_sixteen_deep, a_tower_of_brackets_is_refused, after_a_hundred_errors_the_rest_is_not_read,
      there_are_at_most_ten_thousand_assignments, there_are_at_most_sixty_four_of_a_kind,
      a_file_that_is_not_there_is_named_with_the_systems_reason,
      nested_and_flat_keys_mean_the_same, a_byte_order_mark_and_carriage_returns_are_accepted,
      a_triple_is_a_list_or_one_text_or_three_keys, instances_are_named_by_mention_and_in_its_order,
      each_level_beats_the_one_below, within_a_level_a_name_beats_none_and_then_the_later_wins,
      a_nics_file_is_about_that_nic, a_varied_kernel_version_selects_its_file,
      an_assignment_of_the_command_line_says_where_it_came_from, only_utf_8_is_text,
      a_copy_of_a_scenario_goes_its_own_way,
      includes_go_eight_deep_and_stay_inside, includes_do_not_multiply_without_end,
      a_file_beside_the_scenario_is_found_before_one_in_the_data_directory,
      what_is_printed_reads_back_to_the_same_configuration, instances_that_differ_print_a_line_of_their_own,
      json_holds_the_lines_of_the_print_as_texts, a_key_is_a_row_with_instance_and_queue,
      a_parameter_of_the_whole_machine_takes_no_name, a_key_longer_than_any_is_refused,
      every_row_is_found_by_its_own_name)
