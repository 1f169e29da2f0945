/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/in/host_read.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/config.h"
#include "sim/lab/folder.h"
#include "sim/lab/must.h"
#include "sim/lab/scenario.h"

/* ---- facts ---- */

void facts_init(struct host_facts *h, const char *data_dir, double seconds)
{
    *h = (struct host_facts){ .data_dir = data_dir, .seconds = seconds };
}

void facts_free(struct host_facts *h)
{
    for (int i = 0; i < h->settings; i++) {
        free(h->setting[i].key);
        free(h->setting[i].value);
        free(h->setting[i].from);
    }
    for (int i = 0; i < h->counters; i++)
        free(h->counter[i].name);
    free(h->setting);
    free(h->counter);
    messages_free(&h->findings);
    messages_free(&h->notes);
}

#define ADD_LINE(to) do { \
        char line[512]; \
        va_list arguments; \
        va_start(arguments, format); \
        vsnprintf(line, sizeof line, format, arguments); \
        va_end(arguments); \
        messages_add(to, "%s", line); \
    } while (0)

void facts_note(struct host_facts *h, const char *format, ...)
{
    ADD_LINE(&h->notes);
}

void facts_find(struct host_facts *h, const char *format, ...)
{
    ADD_LINE(&h->findings);
}

static struct host_setting *setting_find(const struct host_facts *h, const char *key)
{
    for (int i = 0; i < h->settings; i++) {
        if (strcmp(h->setting[i].key, key) == 0)
            return &h->setting[i];
    }
    return NULL;
}

bool facts_has(const struct host_facts *h, const char *key)
{
    return setting_find(h, key) != NULL;
}

void facts_set(struct host_facts *h, const char *key, const char *value, const char *from)
{
    struct host_setting *s = setting_find(h, key);
    struct param_ref ref;
    char why[512];
    int64_t number;

    if (param_find(key, &ref, why, sizeof why) != 0) {
        facts_note(h, "%s: %s is not modelled", from, key);
        return;
    }
    if (ref.row->unit != UNIT_TEXT && value_parse(ref.row, value, &number, why, sizeof why) != NULL) {
        facts_note(h, "%s: %s", from, why);
        return;
    }
    if (!s) {
        h->setting = must(realloc(h->setting, (size_t)(h->settings + 1) * sizeof *h->setting));
        s = &h->setting[h->settings++];
        *s = (struct host_setting){ .key = must(strdup(key)) };
    }
    free(s->value);
    free(s->from);
    s->value = must(strdup(value));
    s->from = must(strdup(from));
}

/* ---- lines ---- */

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]);)
        text[--n] = '\0';
    return text;
}

/* The next line, trimmed, *rest behind it; NULL at the end. */
static char *next_line(char **rest)
{
    char *line = *rest, *end;

    if (!line || !*line)
        return NULL;
    end = strchr(line, '\n');
    if (end)
        *end = '\0';
    *rest = end ? end + 1 : line + strlen(line);
    return trim(line);
}

/* "Adaptive RX: on  TX: on" -> key "Adaptive RX", value "on  TX: on"; false without a colon. */
static bool split(char *line, char separator, char **key, char **value)
{
    char *at = strchr(line, separator);

    if (!at)
        return false;
    *at = '\0';
    *key = trim(line);
    *value = trim(at + 1);
    return true;
}

static void first_word(char *value)
{
    value[strcspn(value, " \t")] = '\0';
}

/* "Ring parameters for eth0:": the device, if it is the one that is imported. */
static bool our_device(struct host_facts *h, const char *file, const char *line, const char *before)
{
    char device[sizeof h->device];
    const char *at = strstr(line, before);

    if (!at)
        return true;
    snprintf(device, sizeof device, "%s", at + strlen(before));
    device[strcspn(device, ": \t")] = '\0';
    if (!*h->device)
        snprintf(h->device, sizeof h->device, "%s", device);
    if (strcmp(h->device, device) == 0)
        return true;
    facts_note(h, "%s is about %s; %s is imported, one NIC at a time", file, device, h->device);
    return false;
}

/* ---- the machine ---- */

/* The newest preset that is not newer than the release; else the oldest. */
static void read_uname(struct host_facts *h, const char *file, char *text)
{
    char *folder = NULL, **name, best[64] = "", from[256], *release = text;
    int n;

    for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
        if (isdigit((unsigned char)*word) && strchr(word, '.')) {
            release = word;
            break;
        }
    }
    if (asprintf(&folder, "%s/kernels", h->data_dir) < 0)
        abort();
    n = folder_yaml(folder, &name);
    for (int i = 0; i < n; i++) {
        const char *version = strncmp(name[i], "linux-", 6) == 0 ? name[i] + 6 : name[i];
        if (!*best || strverscmp(version, release) <= 0)
            snprintf(best, sizeof best, "%s", version);
    }
    snprintf(from, sizeof from, "%s: %s; the nearest preset that is not newer", file, release);
    if (n > 0)
        facts_set(h, "kernel.version", best, from);
    folder_free(name, n > 0 ? n : 0);
    free(folder);
}

static void read_lscpu(struct host_facts *h, const char *file, char *text)
{
    char *line, *key, *value, *model = NULL, mhz[32] = "", from[512];

    while ((line = next_line(&text)) != NULL) {
        if (!split(line, ':', &key, &value))
            continue;
        if (strcmp(key, "CPU(s)") == 0) {
            int64_t cpus = atoll(value);
            if (cpus > CONFIG_CPUS)
                facts_note(h, "%s: %s CPUs; at most %d are modelled", file, value, CONFIG_CPUS);
            snprintf(from, sizeof from, "%s: CPU(s) %s", file, value);
            char count[16];
            snprintf(count, sizeof count, "%d", (int)(cpus > CONFIG_CPUS ? CONFIG_CPUS : cpus));
            facts_set(h, "cpu.count", count, from);
        } else if (strcmp(key, "Model name") == 0) {
            model = value;
        } else if (strcmp(key, "CPU max MHz") == 0 || (strcmp(key, "CPU MHz") == 0 && !*mhz)) {
            snprintf(mhz, sizeof mhz, "%d", atoi(value));
        } else if (strcmp(key, "NUMA node(s)") == 0 && atoi(value) > 1) {
            facts_find(h, "%s: %s NUMA nodes: keep interrupts and readers on the NIC's own", file, value);
        }
    }
    if (*mhz) {
        char freq[48];
        snprintf(freq, sizeof freq, "%sMHz", mhz);
        snprintf(from, sizeof from, "%s: the highest clock it names; %s", file, model ? model : "no model name");
        facts_set(h, "cpu.freq", freq, from);
    }
}

/* ---- ethtool ---- */

static const struct { const char *driver, *model; } drivers[] = {
    { "mlx5_core", "mlx5" }, { "mlx5e", "mlx5" }, { "ixgbe", "ixgbe" }, { "i40e", "i40e" }, { "ice", "ice" }, { "igb", "igb" },
    { "e1000e", "e1000e" }, { "ena", "ena" }, { "virtio_net", "virtio-net" }, { "veth", "veth" },
};

static void read_driver(struct host_facts *h, const char *file, char *text)
{
    char *line, *key, *value, from[256];

    while ((line = next_line(&text)) != NULL) {
        if (!split(line, ':', &key, &value) || strcmp(key, "driver") != 0)
            continue;
        for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
            if (strcmp(value, drivers[i].driver) == 0) {
                snprintf(from, sizeof from, "%s: driver %s", file, value);
                facts_set(h, "nic.model", drivers[i].model, from);
                return;
            }
        }
        facts_note(h, "%s: driver %s has no file in nics/; another model's rules are used", file, value);
    }
}

static void read_settings(struct host_facts *h, const char *file, char *text)
{
    char *line, *key, *value, from[256], link[32];

    while ((line = next_line(&text)) != NULL) {
        if (!split(line, ':', &key, &value) || strcmp(key, "Speed") != 0)
            continue;
        if (atoi(value) <= 0) {
            facts_note(h, "%s: the link's speed is %s", file, value);
            continue;
        }
        snprintf(from, sizeof from, "%s: Speed %s", file, value);
        snprintf(link, sizeof link, "%dMbps", atoi(value));
        facts_set(h, "nic.link", link, from);
    }
}

/* Words of ethtool's lists and the key each sets; NULL value names are taken as they are. */
struct word { const char *word, *key; };

/* Lines "word: value". Below "Current hardware settings:" if `current`, for -g and -l print the maximum first. */
static void read_words(struct host_facts *h, const char *file, char *text, bool current, const struct word *words, size_t n)
{
    char *line, *key, *value, from[256];
    bool on = !current;

    while ((line = next_line(&text)) != NULL) {
        if (current && strncmp(line, "Current hardware settings", 25) == 0)
            on = true;
        if (!on || !split(line, ':', &key, &value))
            continue;
        first_word(value);
        for (size_t i = 0; i < n; i++) {
            if (strcmp(key, words[i].word) != 0 || strcmp(value, "n/a") == 0 || !*value)
                continue;
            snprintf(from, sizeof from, "%s: %s %s", file, key, value);
            facts_set(h, words[i].key, value, from);
        }
    }
}

static const struct word ring_words[] = { { "RX", "nic.ring.rx" }, { "TX", "nic.ring.tx" } };
static const struct word coalesce_words[] = {
    { "rx-usecs", "nic.coalesce.rx-usecs" }, { "rx-frames", "nic.coalesce.rx-frames" }, { "tx-usecs", "nic.coalesce.tx-usecs" },
    { "tx-frames", "nic.coalesce.tx-frames" }, { "Adaptive RX", "nic.coalesce.adaptive-rx" },
};
static const struct word feature_words[] = {
    { "generic-receive-offload", "nic.features.gro" }, { "receive-hashing", "nic.features.rxhash" },
    { "rx-gro-list", "nic.features.rx-gro-list" }, { "large-receive-offload", "nic.features.lro" },
};
static const struct word channel_words[] = { { "Combined", "nic.channels" }, { "RX", "nic.channels" } };
static const struct word pause_words[] = { { "RX", "nic.pause.rx" }, { "TX", "nic.pause.tx" } };

/* A driver with combined channels prints 0 or n/a for RX; one with RX channels the other way round. */
static void read_channels(struct host_facts *h, const char *file, char *text)
{
    char *line, *key, *value, from[256];
    bool on = false;

    while ((line = next_line(&text)) != NULL) {
        on |= strncmp(line, "Current hardware settings", 25) == 0;
        if (!on || !split(line, ':', &key, &value) || atoi(value) <= 0)
            continue;
        for (size_t i = 0; i < sizeof channel_words / sizeof *channel_words; i++) {
            if (strcmp(key, channel_words[i].word) == 0) {
                snprintf(from, sizeof from, "%s: %s %s", file, key, value);
                facts_set(h, channel_words[i].key, value, from);
            }
        }
    }
}

static void read_rss(struct host_facts *h, const char *file, char *text)
{
    char *line, from[256];

    while ((line = next_line(&text)) != NULL) {
        if (strncmp(line, "RSS hash key", 12) != 0 || (line = next_line(&text)) == NULL)
            continue;
        snprintf(from, sizeof from, "%s: RSS hash key", file);
        if (strlen(line) == 40 * 3 - 1)
            facts_set(h, "nic.rss.hkey", line, from);
        else
            facts_note(h, "%s: a hash key of %d bytes; 40 are modelled", file, (int)(strlen(line) + 1) / 3);
        return;
    }
}

/* ---- counters ---- */

static void count(struct host_facts *h, const char *name, double value)
{
    for (int i = 0; i < h->counters; i++) {
        if (strcmp(h->counter[i].name, name) == 0) {
            h->counter[i].second = value;
            h->counter[i].again = true;
            return;
        }
    }
    h->counter = must(realloc(h->counter, (size_t)(h->counters + 1) * sizeof *h->counter));
    h->counter[h->counters++] = (struct host_counter){ .name = must(strdup(name)), .first = value };
}

static void read_statistics(struct host_facts *h, const char *file, char *text)
{
    char *line, *key, *value;

    (void)file;
    while ((line = next_line(&text)) != NULL) {
        if (split(line, ':', &key, &value) && isdigit((unsigned char)*value))
            count(h, key, strtod(value, NULL));
    }
}

/* "UdpRcvbufErrors                 12                 0.0" */
static void read_nstat(struct host_facts *h, const char *file, char *text)
{
    char *line;

    (void)file;
    while ((line = next_line(&text)) != NULL) {
        char *value = line + strcspn(line, " \t");
        if (*line == '#' || !*value)
            continue;
        *value++ = '\0';
        count(h, line, strtod(value, NULL));
    }
}

static void read_softnet(struct host_facts *h, const char *file, char *text)
{
    int sample = h->softnet_samples < 2 ? h->softnet_samples++ : 1;
    char *line;

    (void)file;
    h->softnet[sample][0] = h->softnet[sample][1] = 0;
    while ((line = next_line(&text)) != NULL) {
        uint64_t processed, dropped, squeezed;
        if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &processed, &dropped, &squeezed) == 3) {
            h->softnet[sample][0] += (int64_t)dropped;
            h->softnet[sample][1] += (int64_t)squeezed;
        }
    }
}

/* ---- interrupts: where each queue's were taken ---- */

/* The queue a line of /proc/interrupts belongs to, -1: none of ours. Names of the drivers that we know end in a number:
 * eth0-TxRx-3, i40e-eth0-TxRx-3, mlx5_comp3@pci:.., virtio0-input.3, eth0-3. */
static int queue_of(const struct host_facts *h, const char *name)
{
    const char *at = *h->device ? strstr(name, h->device) : NULL;

    if (!at && strncmp(name, "mlx5_comp", 9) == 0)
        return atoi(name + 9);
    if (!at && (at = strstr(name, "-input.")) != NULL)
        return atoi(at + 7);
    if (!at)
        return -1;
    const char *digit = at + strlen(at);
    while (digit > at && isdigit((unsigned char)digit[-1]))
        digit--;
    return isdigit((unsigned char)*digit) && digit > at + strlen(h->device) ? atoi(digit) : -1;
}

static void read_interrupts(struct host_facts *h, const char *file, char *text)
{
    char *line = next_line(&text), key[64], value[24], from[256];
    int cpus = 0;

    for (const char *at = line; (at = strstr(at, "CPU")) != NULL; at += 3)
        cpus++;
    while ((line = next_line(&text)) != NULL) {
        char *at = strchr(line, ':'), *name = strrchr(line, ' ');
        int best = -1, queue = name ? queue_of(h, name + 1) : -1;
        uint64_t most = 0;
        if (!at || queue < 0)
            continue;
        at++;
        for (int cpu = 0; cpu < cpus; cpu++) {
            uint64_t n = strtoull(at, &at, 10);
            if (n > most) {
                most = n;
                best = cpu;
            }
        }
        if (best < 0 || best >= CONFIG_CPUS || queue >= CONFIG_QUEUES)
            continue;
        snprintf(key, sizeof key, "nic[%s].queue[%d].smp_affinity", *h->device ? h->device : "eth0", queue);
        snprintf(value, sizeof value, "%" PRIx64, UINT64_C(1) << best);
        snprintf(from, sizeof from, "%s: %s, most on CPU %d", file, name + 1, best);
        facts_set(h, key, value, from);
    }
}

/* ---- sysctl, firewalls ---- */

static bool is_network(const char *key)
{
    return strncmp(key, "net.core.", 9) == 0 || strncmp(key, "net.ipv4.tcp_", 13) == 0 || strcmp(key, "net.ipv4.ip_forward") == 0 ||
           strncmp(key, "net.netfilter.", 14) == 0;
}

static void read_sysctl(struct host_facts *h, const char *file, char *text)
{
    static const char *const part[] = { "min", "default", "max" };
    char *line, *key, *value, full[160], from[256];
    struct param_ref ref;
    char why[256];
    int unknown = 0;

    while ((line = next_line(&text)) != NULL) {
        if (!split(line, '=', &key, &value) || !is_network(key))
            continue;
        snprintf(full, sizeof full, "%.150s.max", key);
        if (param_find(key, &ref, why, sizeof why) == 0) {
            snprintf(from, sizeof from, "%s", file);
            facts_set(h, key, value, from);
        } else if (param_find(full, &ref, why, sizeof why) == 0) {
            char *rest = NULL, *word = strtok_r(value, " \t", &rest);
            for (int i = 0; i < 3 && word; i++, word = strtok_r(NULL, " \t", &rest)) {
                snprintf(full, sizeof full, "%.150s.%s", key, part[i]);
                if (param_find(full, &ref, why, sizeof why) == 0)
                    facts_set(h, full, word, file);
            }
        } else {
            unknown++;
        }
    }
    if (unknown)
        facts_note(h, "%s: %d keys of net.core, net.ipv4.tcp_* and net.netfilter are not modelled", file, unknown);
}

/* Rules of a chain are counted, not read: linear matching costs by their number. */
static void read_iptables(struct host_facts *h, const char *file, char *text)
{
    char *line, table[16] = "", number[16], from[256];
    int raw = 0, input = 0;
    bool conntrack = false, drops = false;

    while ((line = next_line(&text)) != NULL) {
        if (*line == '*')
            snprintf(table, sizeof table, "%s", line + 1);
        conntrack |= strstr(line, "conntrack") || strstr(line, "-m state") || (strcmp(table, "nat") == 0 && *line == '-');
        raw += strcmp(table, "raw") == 0 && strncmp(line, "-A PREROUTING", 13) == 0;
        input += strcmp(table, "filter") == 0 && strncmp(line, "-A INPUT", 8) == 0;
        drops |= strcmp(table, "filter") == 0 && strncmp(line, ":INPUT DROP", 11) == 0;
    }
    snprintf(from, sizeof from, "%s: rules of raw PREROUTING", file);
    snprintf(number, sizeof number, "%d", raw);
    if (raw)
        facts_set(h, "netfilter.raw.rules", number, from);
    snprintf(from, sizeof from, "%s: rules of filter INPUT, none is taken to match", file);
    snprintf(number, sizeof number, "%d", input);
    if (input)
        facts_set(h, "netfilter.input.rules", number, from);
    snprintf(from, sizeof from, "%s: rules ask for it", file);
    if (conntrack)
        facts_set(h, "netfilter.conntrack", "on", from);
    if (drops)
        facts_note(h, "%s: INPUT's policy is DROP; what your rules accept is taken to be accepted", file);
}

static void read_nft(struct host_facts *h, const char *file, char *text)
{
    char *line, number[16], from[256];
    bool input = false, conntrack = false;
    int rules = 0;

    while ((line = next_line(&text)) != NULL) {
        if (strncmp(line, "chain ", 6) == 0)
            input = false;
        else if (strstr(line, "hook input"))
            input = true;
        else if (input && *line && *line != '}' && strncmp(line, "type ", 5) != 0 && *line != '#')
            rules++;
        conntrack |= strstr(line, "ct state") || strstr(line, "type nat");
    }
    snprintf(from, sizeof from, "%s: rules of chains at the input hook", file);
    snprintf(number, sizeof number, "%d", rules);
    if (rules)
        facts_set(h, "netfilter.input.rules", number, from);
    snprintf(from, sizeof from, "%s: rules ask for it", file);
    if (conntrack)
        facts_set(h, "netfilter.conntrack", "on", from);
}

/* ---- which file is it? ---- */

static void read_rings(struct host_facts *h, const char *file, char *text)
{
    read_words(h, file, text, true, ring_words, sizeof ring_words / sizeof *ring_words);
}

static void read_coalesce(struct host_facts *h, const char *file, char *text)
{
    read_words(h, file, text, false, coalesce_words, sizeof coalesce_words / sizeof *coalesce_words);
}

static void read_features(struct host_facts *h, const char *file, char *text)
{
    read_words(h, file, text, false, feature_words, sizeof feature_words / sizeof *feature_words);
}

static void read_pause(struct host_facts *h, const char *file, char *text)
{
    char from[256];

    read_words(h, file, text, false, pause_words, sizeof pause_words / sizeof *pause_words);
    const struct host_setting *tx = setting_find(h, "nic.pause.tx");
    snprintf(from, sizeof from, "%s: a NIC that sends pause does not drop at an empty ring", file);
    if (tx && strcmp(tx->value, "on") == 0)
        facts_set(h, "nic.ring.empty", "hold", from);
}

/* A text that only that file holds near its beginning. `device`: it is followed by the NIC's name. */
static const struct {
    const char *mark;
    bool device;
    void (*read)(struct host_facts *h, const char *file, char *text);
} kinds[] = {
    { "Ring parameters for ", true, read_rings },       { "Coalesce parameters for ", true, read_coalesce },
    { "Features for ", true, read_features },           { "Channel parameters for ", true, read_channels },
    { "RX flow hash indirection table for ", true, read_rss }, { "Pause parameters for ", true, read_pause },
    { "Settings for ", true, read_settings },           { "NIC statistics:", false, read_statistics },
    { "driver:", false, read_driver },                  { "net.core.", false, read_sysctl },
    { "CPU(s):", false, read_lscpu },                   { "# Generated by iptables-save", false, read_iptables },
    { "*filter", false, read_iptables },                { "table ip", false, read_nft },
    { "table inet", false, read_nft },                  { "#kernel", false, read_nstat },
};

static bool is_softnet(const char *text)
{
    int fields = 0;
    size_t n = strcspn(text, "\n");

    for (size_t i = 0; i < n; i++) {
        if (!isxdigit((unsigned char)text[i]) && text[i] != ' ')
            return false;
        fields += isxdigit((unsigned char)text[i]) && (i + 1 == n || text[i + 1] == ' ');
    }
    return fields >= 9;
}

static bool is_interrupts(const char *text)
{
    while (*text == ' ')
        text++;
    return strncmp(text, "CPU0", 4) == 0;
}

/* "6.1.0-18-amd64", or all of uname -a. */
static bool is_uname(const char *text)
{
    size_t n = strcspn(text, "\n");

    return text[n + (text[n] == '\n')] == '\0' && n < 400 && (isdigit((unsigned char)*text) || strncmp(text, "Linux ", 6) == 0) &&
           strchr(text, '.');
}

bool host_read(struct host_facts *h, const char *name, char *text)
{
    char begin[4096];

    snprintf(begin, sizeof begin, "%s", text);
    if (is_softnet(text) || is_interrupts(text) || is_uname(text)) {
        (is_softnet(text) ? read_softnet : is_interrupts(text) ? read_interrupts : read_uname)(h, name, text);
        return true;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strstr(kinds[i].read == read_sysctl ? text : begin, kinds[i].mark))
            continue;
        if (!kinds[i].device || our_device(h, name, begin, kinds[i].mark))
            kinds[i].read(h, name, text);
        return true;
    }
    return false;
}

/* ---- what several files say together ---- */

static const struct host_counter *counter_find(const struct host_facts *h, const char *name)
{
    for (int i = 0; i < h->counters; i++) {
        if (strcmp(h->counter[i].name, name) == 0)
            return &h->counter[i];
    }
    return NULL;
}

static double moved(const struct host_counter *c)
{
    return c ? (c->again ? c->second - c->first : c->first) : 0;
}

/* Packets and mean length from two samples of ethtool -S. */
static void find_load(struct host_facts *h)
{
    const struct host_counter *packets = counter_find(h, "rx_packets"), *bytes = counter_find(h, "rx_bytes");
    char text[64];

    if (!packets || !packets->again || h->seconds <= 0 || moved(packets) <= 0)
        return;
    snprintf(text, sizeof text, "%.0fpps", moved(packets) / h->seconds);
    facts_set(h, "traffic.rate", text, "rx_packets of two samples over --interval");
    double mean = bytes && bytes->again ? moved(bytes) / moved(packets) + 4 : 0;
    if (mean < 64)
        return;
    snprintf(text, sizeof text, "%.0fB", mean > 1518 ? 1518 : mean);
    facts_set(h, "traffic.frame", text, "rx_bytes / rx_packets, with FCS");
}

/* Counters of loss that are not 0: the reason to come. */
static void find_losses(struct host_facts *h)
{
    static const char *const names[] = {
        "rx_missed_errors", "rx_no_dma_resources", "rx_out_of_buffer", "rx_discards_phy", "rx_no_buffer_count", "rx_dropped",
        "rx_fifo_errors", "rx_crc_errors", "rx_crc_errors_phy", "port.rx_discards", "UdpRcvbufErrors", "UdpNoPorts", "UdpInErrors",
        "TcpExtTCPBacklogDrop", "TcpExtTCPRcvQDrop", "TcpExtListenOverflows", "TcpExtListenDrops", "TcpExtPruneCalled",
        "TcpExtTCPRcvCollapsed", "IpInDiscards", "IpReasmFails",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct host_counter *c = counter_find(h, names[i]);
        if (moved(c) > 0)
            facts_find(h, "%s %s by %.0f", names[i], c->again ? "grew between the samples" : "is not 0: it has grown since boot", moved(c));
    }
    int last = h->softnet_samples - 1;
    static const char *const column[] = { "dropped", "time_squeeze" };
    for (int k = 0; k < 2 && last >= 0; k++) {
        int64_t grown = h->softnet[last][k] - (last > 0 ? h->softnet[0][k] : 0);
        if (grown > 0)
            facts_find(h, "softnet_stat: %s %s by %" PRId64, column[k], last > 0 ? "grew between the samples" : "has grown since boot", grown);
    }
}

void facts_finish(struct host_facts *h)
{
    find_load(h);
    find_losses(h);
    const struct host_setting *queues = setting_find(h, "nic.channels");
    if (queues && atoi(queues->value) > CONFIG_QUEUES)
        facts_note(h, "nic.channels %s: at most %d queues are modelled", queues->value, CONFIG_QUEUES);
}
