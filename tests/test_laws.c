/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is true of every run: of all scenarios in the folder and of machines drawn at random. A failure prints the
 * scenario that broke the law; run it with `rxsim run`. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/nic.h"
#include "models/traffic.h"
#include "sim/engine/random.h"
#include "tests/machine.h"
#include "tests/suite.h"

static char context[8192];      /* what is being run */

static void law(bool holds, const char *format, ...)
{
    char what[256];
    va_list args;

    if (holds)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    ck_abort_msg("%s, in\n%s", what, context);
}

#define ULL(x)  ((unsigned long long)(x))

static void run(const struct config *c, const struct run_options *o, struct result *r)
{
    char why[256] = "no reason given";

    law(run_config(c, o, r, why, sizeof why) == 0, "%s", why);
}

/* ---- one run ---- */

/* Every frame ends once; what hardware, stack and sockets count is what the ledger has. */
static void conservation(const struct result *r)
{
    static const struct { const char *counter; enum fate fate; } same[] = {
        { "rx_no_carrier", FATE_RX_NO_CARRIER }, { "rx_filtered", FATE_MAC_FILTERED },
        { "rx_crc_errors", FATE_RX_CRC_ERRORS }, { "rx_length_errors", FATE_RX_LENGTH_ERRORS },
        { "rx_missed_errors", FATE_RX_MISSED_ERRORS }, { "rx_no_desc", FATE_RX_NO_DESC },
    };
    uint64_t rcvbuf = result_counter(r, NULL, "UdpRcvbufErrors") + result_counter(r, NULL, "Udp6RcvbufErrors");
    uint64_t taken = result_counter(r, NULL, "rx_packets");
    char why[256] = "";

    law(result_balance(r, why, sizeof why) == 0, "%s", why);
    law(result_counter(r, NULL, "rx_packets_phy") + machine_fate(r, FATE_RX_NO_CARRIER) == r->ledger.offered,
        "rx_packets_phy is not what was offered");
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        law(result_counter(r, NULL, same[i].counter) == machine_fate(r, same[i].fate), "%s is %llu, the ledger has %llu",
            same[i].counter, ULL(result_counter(r, NULL, same[i].counter)), ULL(machine_fate(r, same[i].fate)));
    uint64_t by_xdp = machine_fate(r, FATE_XDP_DROP) + machine_fate(r, FATE_XDP_ABORTED) + machine_fate(r, FATE_XSK_FULL);
    law(result_counter(r, NULL, "rx_xdp_drop") == (strstr(context, "xdp_mode: generic") ? 0 : by_xdp),   /* the driver's */
        "rx_xdp_drop is %llu, the ledger has %llu", ULL(result_counter(r, NULL, "rx_xdp_drop")), ULL(by_xdp));
    /* datagrams in pieces and merged ones are counted once, copies for further sockets are no frames */
    if (!strstr(context, "# overlay"))
        law(rcvbuf == machine_fate(r, FATE_SOCKET_RCVBUFF), "UdpRcvbufErrors is not what the ledger has");
    /* GRO's skbs are counted once by softnet_stat, however many frames they hold */
    law(result_counter(r, NULL, "dropped") <= machine_fate(r, FATE_CPU_BACKLOG), "softnet dropped exceeds the ledger");
    law((result_counter(r, NULL, "dropped") > 0) == (machine_fate(r, FATE_CPU_BACKLOG) > 0), "softnet dropped");
    law(taken + machine_fate(r, FATE_RX_NO_DESC) <= r->ledger.offered, "the driver took more than was offered");
    uint64_t ended = result_kind(&r->ledger, FATE_KIND_DELIVERED) + result_kind(&r->ledger, FATE_KIND_CONSUMED);
    for (int f = FATE_CPU_BACKLOG; f < FATES; f++)
        ended += fate_info[f].kind == FATE_KIND_DROPPED ? machine_fate(r, (enum fate)f) : 0;
    ended -= machine_fate(r, FATE_MAC_FILTERED) + machine_fate(r, FATE_RX_NO_CARRIER);
    law(ended <= taken, "%llu ended above the driver, which took %llu", ULL(ended), ULL(taken));
}

/* Nobody is anywhere before he was at the place before. */
static void causality(const struct result *r)
{
    for (int i = 0; i < r->packets; i++) {
        const struct result_packet *p = &r->packet[i];
        const int64_t at[] = { p->t_wire, p->t_dma, p->t_poll, p->t_stack, p->t_socket, p->t_app };
        for (int k = 1; k < 6; k++)
            law(at[k] < 0 || (at[k - 1] >= 0 && at[k - 1] <= at[k]), "frame %llu: stage %d is before the one before it",
                ULL(p->seq), k);
        law(p->t_irq < 0 || (p->t_dma <= p->t_irq && (p->t_poll < 0 || p->t_irq <= p->t_poll)),
            "frame %llu: its interrupt is not between memory and poll", ULL(p->seq));
        law((p->fate == FATE_DELIVERED) == (p->t_app >= 0), "frame %llu: delivered and read disagree", ULL(p->seq));
        law(at[0] >= 0 && at[5] <= r->sim_ps, "frame %llu: outside of the run", ULL(p->seq));
        law((p->queue >= 0) == (p->t_dma >= 0 || p->fate == FATE_RX_NO_DESC), "frame %llu: queue", ULL(p->seq));
        law((p->cpu >= 0) == (p->t_poll >= 0), "frame %llu: polled by nobody", ULL(p->seq));
    }
}

/* The core's time is somebody's, and all of it. */
static void work_conservation(const struct config *c, const struct result *r)
{
    law(r->cpus == c->host->cpu.count, "CPUs");
    for (int i = 0; i < r->cpus; i++) {
        int64_t sum = 0;
        for (int m = 0; m < RESULT_CONTEXTS; m++) {
            law(r->cpu[i].ps[m] >= 0, "CPU %d: negative time", i);
            sum += r->cpu[i].ps[m];
        }
        law(sum == r->sim_ps, "CPU %d: its times do not add up", i);
    }
}

static int nic_of_flow(const struct config *c, uint32_t flow)
{
    uint32_t first = 0;

    for (int t = 0; t < c->traffics; t++) {
        first += traffic_flows(c, t);
        if (flow < first)
            return (int)c->traffic[t].traffic.nic;
    }
    return -1;
}

/* Last bits on a wire are as far apart as the later frame with preamble and gap is long, less the rounding of both. */
static void line_rate(const struct config *c, const struct result *r)
{
    int64_t last[CONFIG_INSTANCES];

    memset(last, -1, sizeof last);
    for (int i = 0; i < r->packets; i++) {
        const struct result_packet *p = &r->packet[i];
        int nic = nic_of_flow(c, p->flow);
        law(nic >= 0, "frame %llu: of no source", ULL(p->seq));
        ps_t slot = ps_of_bytes(WIRE_PREAMBLE + WIRE_GAP + p->len, c->nic[nic].wire.link);
        law(last[nic] < 0 || p->t_wire - last[nic] >= slot - 2, "frame %llu: faster than the link", ULL(p->seq));
        last[nic] = p->t_wire;
    }
}

/* No poll takes more than the weight of its NAPI, and together they took what the driver and the backlogs gave. */
static void polls(const struct config *c, const struct result *r)
{
    int64_t napi = c->host->napi.weight, backlog = c->host->rps.dev_weight;
    int64_t weight = napi > backlog ? napi : backlog;
    uint64_t work = 0, taken = result_counter(r, NULL, "rx_packets") + result_counter(r, NULL, "backlog_enqueued");

    taken += result_counter(r, NULL, "tunnel_rx_packets");
    /* they claim what they did not take */
    taken += (result_counter(r, NULL, "tx_work_limited") + result_counter(r, NULL, "alloc_rx_page_failed")) * (uint64_t)napi;
    for (int64_t w = 0; w <= 256; w++) {
        law(w <= weight || r->work_hist[w] == 0, "a poll of %d, the weight is %d", (int)w, (int)weight);
        work += (uint64_t)w * r->work_hist[w];
    }
    law(weight > 256 || work <= taken, "polls took %llu of %llu", ULL(work), ULL(taken));
    law(r->softirq_runs >= r->time_squeeze, "more squeezes than runs");
}

/* The stages of all frames together are as long as the frames' whole way. */
static void latencies(const struct result *r)
{
    bool clients = strcmp(r->stage[r->stages - 1].name, RESULT_RTT) == 0;      /* what they saw is behind the total */
    int parts = r->stages - 1 - clients;
    const struct hist *total = &r->stage[parts].hist;
    __extension__ unsigned __int128 sum = 0, whole = total->sum_hi;

    for (int i = 0; i < parts; i++) {
        const struct hist *h = &r->stage[i].hist;
        law(h->count == total->count, "%s has another count than the total", r->stage[i].name);
        law(h->count == 0 || h->min >= 0, "%s: negative", r->stage[i].name);
        __extension__ unsigned __int128 high = h->sum_hi;
        sum += high << 64 | h->sum_lo;
    }
    law(sum == (whole << 64 | total->sum_lo), "the stages do not add up to the total");
    if (r->warmup_ps == 0)
        law(total->count == machine_fate(r, FATE_DELIVERED), "not every delivered frame was measured");
}

/* ---- two runs ---- */

static bool same_fingerprint(const struct result *a, const struct result *b)
{
    return a->fingerprint.lo == b->fingerprint.lo && a->fingerprint.hi == b->fingerprint.hi;
}

static bool same_packet(const struct result_packet *a, const struct result_packet *b)
{
    return a->seq == b->seq && a->flow == b->flow && a->len == b->len && a->queue == b->queue && a->cpu == b->cpu &&
           a->t_wire == b->t_wire && a->t_dma == b->t_dma && a->t_irq == b->t_irq && a->t_poll == b->t_poll &&
           a->t_stack == b->t_stack && a->t_socket == b->t_socket && a->t_app == b->t_app && a->fate == b->fate;
}

static void same(const struct result *a, const struct result *b, const char *what)
{
    law(a->counters == b->counters, "%s: other counters", what);
    for (int i = 0; i < a->counters; i++)
        law(a->counter[i].value == b->counter[i].value, "%s: %s %s is %llu, not %llu", what, a->counter[i].scope,
            a->counter[i].name, ULL(b->counter[i].value), ULL(a->counter[i].value));
    law(same_fingerprint(a, b), "%s: another fingerprint", what);
    law(a->sim_ps == b->sim_ps, "%s: another end", what);
    law(memcmp(&a->ledger, &b->ledger, sizeof a->ledger) == 0, "%s: another ledger", what);
    law(memcmp(a->work_hist, b->work_hist, sizeof a->work_hist) == 0, "%s: other polls", what);
    for (int i = 0; i < a->cpus; i++)
        law(memcmp(&a->cpu[i], &b->cpu[i], sizeof a->cpu[i]) == 0, "%s: CPU %d spent its time otherwise", what, i);
    law(a->packets == b->packets, "%s: other time lines", what);
    for (int i = 0; i < a->packets; i++)
        law(same_packet(&a->packet[i], &b->packet[i]), "%s: frame %llu went otherwise", what, ULL(a->packet[i].seq));
}

/* Whether replications must differ: some source that has sent draws its first start. (A random tick or cost may
 * happen to touch nothing.) */
static bool arrivals_vary(const struct config *c, const struct result *r)
{
    for (int t = 0; t < c->traffics; t++)
        if (!c->traffic[t].traffic.offset)
            return false;
    return r->ledger.offered > 0 && r->packets > 0;
}

static void all_laws(const struct config *c)
{
    const struct run_options usual = { .seed = 1, .sample_every = 1 };
    struct run_options slow = usual, replication = usual, seed = usual;
    struct result r, other;

    slow.no_batch = true;
    replication.replication = 1;
    seed.seed = 2;
    run(c, &usual, &r);
    conservation(&r);
    causality(&r);
    work_conservation(c, &r);
    line_rate(c, &r);
    polls(c, &r);
    latencies(&r);

    run(c, &slow, &other);
    same(&r, &other, "without batching");
    result_free(&other);

    run(c, &usual, &other);
    same(&r, &other, "the second time");
    result_free(&other);

    run(c, &replication, &other);
    if (r.deterministic)
        same(&r, &other, "another replication of a deterministic run");
    else if (arrivals_vary(c, &r))
        law(!same_fingerprint(&r, &other), "another replication is the same");
    result_free(&other);

    run(c, &seed, &other);
    if (r.deterministic)
        same(&r, &other, "another seed of a deterministic run");
    result_free(&other);
    result_free(&r);
}

/* ---- every scenario of the folder ---- */

enum { NAMES = 64 };

/* The names without ending of the .yaml files of a folder below the data directory, sorted; returns how many. */
static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int yaml_files(const char *folder, char name[NAMES][64])
{
    char path[512];
    struct dirent *entry;
    int n = 0;

    snprintf(path, sizeof path, "%s/%s", machine_data_dir(), folder);
    DIR *d = opendir(path);
    ck_assert_msg(d != NULL, "%s", path);
    while ((entry = readdir(d)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (length <= 5 || length >= 64 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        ck_assert_int_lt(n, NAMES);
        snprintf(name[n++], 64, "%.*s", (int)(length - 5), entry->d_name);
    }
    closedir(d);
    qsort(name, (size_t)n, sizeof name[0], by_name);
    return n;
}

/* A new scenario is tested by existing. Only its beginning: 2 ms. */
static void every_scenario_of(const char *folder, int at_least)
{
    static char name[NAMES][64];
    int n = yaml_files(folder, name);

    ck_assert_int_ge(n, at_least);
    for (int i = 0; i < n; i++) {
        struct config c;
        char file[96];

        snprintf(file, sizeof file, "%.16s/%.63s.yaml", folder, name[i]);
        snprintf(context, sizeof context, "%s --set run.duration=2ms --set run.drain=5ms", file);
        machine_load(&c, file, "run.duration=2ms run.drain=5ms");
        all_laws(&c);
        machine_release(&c);
    }
}

START_TEST(every_scenario_of_the_folder_obeys)
{
    every_scenario_of(".", 8);
    every_scenario_of("bench", 5);
    every_scenario_of("questions", 0);
}
END_TEST

/* ---- machines at random ---- */

static struct stream dice;

static int64_t between(int64_t low, int64_t high)
{
    return low + (int64_t)stream_below(&dice, (uint64_t)(high - low + 1));
}

static bool one_in(int64_t n)
{
    return between(1, n) == 1;
}

static void say(const char *format, ...)
{
    size_t used = strlen(context);
    va_list args;

    va_start(args, format);
    int n = vsnprintf(context + used, sizeof context - used, format, args);
    va_end(args);
    ck_assert(n > 0 && (size_t)n < sizeof context - used);
}

#define PICK(...)  pick((const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))
static long long pick(const int64_t *of, size_t n)
{
    return of[stream_below(&dice, n)];
}

#define WORD(...)  word((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
static const char *word(const char *const *of, size_t n)
{
    return of[stream_below(&dice, n)];
}

static const char *onoff(void) { return WORD("on", "off"); }

/* Hooks, routes and tables that the default machine has not; dice of their own, so that the rest stays what it was. */
static void random_hooks(uint64_t seed)
{
    stream_seed(&dice, seed, 0, "hooks");
    if (one_in(6))
        say("tc.ingress: {rules: %lld, drop_dport: %lld}\n", PICK(0, 5), PICK(-1, 9, 10));
    if (one_in(6))
        say("netfilter: {ingress.rules: %lld, mangle.rules: %lld, forward.rules: 3, postrouting.rules: 2, input.drop_dport: %lld, "
            "lookup: %s}\n", PICK(0, 5), PICK(0, 7), PICK(-1, 9, 10), WORD("linear", "set"));
    if (one_in(6))
        say("net.netfilter: {nf_conntrack_buckets: %lld, nf_conntrack_udp_timeout: %lldms}\n"
            "kernel: {conntrack_gc_interval: 1ms, conntrack_resolve_clash: %s}\n", PICK(1, 3, 64), PICK(1, 2, 30000), onoff());
    if (one_in(6))
        say("host.routes: %lld\nnet.ipv4.conf.all.rp_filter: %lld\nnic.routes: \"10.0.0.0/%lld\"\n", PICK(1, 900, 752000),
            between(0, 2), PICK(8, 32));
    bool taken = strstr(context, "nic.xdp") != NULL;
    if (!taken && one_in(5))
        say("nic: {xdp: %s, xdp_cpus: f, xdp_match.dport: %lld}\nxdp.cpumap.qsize: %lld\nnic.xsk: {fill_ring: %lld, rx_ring: %lld}\n",
            WORD("tx", "redirect-cpumap", "redirect-cpumap", "redirect-xsk", "aborted"), PICK(-1, 9, 10), PICK(2, 192),
            PICK(3, 2048), PICK(5, 2048));
    else if (!taken && one_in(5))
        say("nic: {xdp: %s, xdp_mode: generic, xdp_match.dport: %lld}\n", WORD("pass", "tx", "drop"), PICK(-1, 9));
    if (one_in(6))
        say("app: {tap_ring: %lld, tap_cpu: %lld}\n", PICK(1, 4, 100), PICK(-1, 0));
}

static void random_kernel(void)
{
    static char kernel[NAMES][64];
    int kernels = yaml_files("kernels", kernel);

    /* linux-6.12 -> 6.12 */
    say("kernel.version: \"%s\"\n", kernel[stream_below(&dice, (uint64_t)kernels)] + strlen("linux-"));
    say("kernel.hz: %lld\nkernel.nohz: %s\nkernel.tick_phase: %s\n", PICK(100, 250, 1000), onoff(), WORD("-1ps", "150us"));
    say("kernel.napi.weight: %lld\n", PICK(1, 2, 7, 64, 64, 64));
    say("kernel.softirq: {max_restart: %lld, max_time: %lldus}\n", PICK(1, 2, 10, 10), PICK(0, 2000, 2000));
    say("kernel.sched_delay_dequeue: %s\n", onoff());
    say("kernel.netdev_budget_usecs_min: off\n");         /* so that every limit may be drawn */
    say("net.core: {netdev_budget: %lld, netdev_budget_usecs: %lldus, dev_weight: %lld, netdev_max_backlog: %lld, "
        "gro_normal_batch: %lld, rmem_default: %lldB, rmem_max: %lldB}\n", PICK(1, 2, 16, 64, 300, 300),
        PICK(0, 0, 100), PICK(1, 3, 64, 64), PICK(0, 10, 1000, 1000), PICK(1, 3, 8, 8), PICK(2304, 20000, 212992, 212992),
        PICK(2304, 212992, 4194304));
    if (one_in(4))
        say("net.ipv4.tcp_rmem: [4096B, %lldB, %lldB]\n", PICK(5000, 20000, 131072), PICK(131072, 400000));
    if (one_in(8))
        say("host.address: %s\nnet.ipv4.ip_forward: %s\n", WORD("10.0.0.2", "10.0.0.3"), onoff());
    else if (one_in(8))
        say("host.address: 10.0.0.3\nnet.ipv4.ip_forward: on\nhost.default_route: eth0\nnic.tx: {clean: %s, work_limit: %lld}\n"
            "nic.ring.tx: %lld\nnic.txqueuelen: %lld\nnic.coalesce: {tx-usecs: %lldus, tx-frames: %lld}\n",
            WORD("napi", "napi", "irq"), PICK(1, 3, 256), PICK(16, 64, 512), PICK(1, 40, 1000), PICK(0, 0, 20, 100),
            PICK(0, 0, 1, 7));
    if (one_in(3))
        say("netfilter: {raw.rules: %lld, input.rules: %lld, conntrack: %s, %s: %s}\n", PICK(0, 20), PICK(0, 100),
            onoff(), WORD("raw.policy", "input.policy"), WORD("drop", "accept", "accept"));
    if (one_in(4))
        say("net.netfilter.nf_conntrack_max: 5\napp.taps: %lld\n", PICK(0, 1, 3));
}

static void random_cpus(int cpus)
{
    say("cpu: {count: %d, model: %s}\n", cpus, WORD("xeon-e5-1650v4", "\"\""));
    say("cpu.cstate: {exit_latency: %lldus, target_residency: %lldus}\n", PICK(0, 2, 50), PICK(0, 2, 200));
    say("run.cost_cv: %lld\n", PICK(0, 0, 5, 100));
}

/* What stands between wire and ring on some machines only. Drawn apart, so that the rest of a machine stays as it is. */
static void random_link(uint64_t seed, int nics, const long long *ring, const long long *fifo)
{
    const struct stream rest = dice;

    stream_seed(&dice, seed, 0, "link");
    for (int i = 0; i < nics; i++) {
        if (fifo[i] >= 2000 && one_in(3))
            say("nic[eth%d].pause: {tx: on, high_water: %lldB, low_water: %lldB, quanta: %lld, reaction: %lldns}\n", i,
                fifo[i] / PICK(1, 2, 4), PICK(0, 400), PICK(4, 65535), PICK(0, 3072, 100000));
        if (one_in(8))
            say("nic[eth%d].flap: {at: %lldus, for: %lldus}\n", i, PICK(0, 100, 500), PICK(1, 70, 1000));
        if (ring[i] >= 300 && one_in(4))
            say("nic[eth%d]: {max_frame: 9022B, ring.buffer: %lldB}\n", i, PICK(700, 2048, 3072));
        else if (one_in(4))
            say("nic[eth%d].ring: {holds_skbs: off, pages: %s}\n", i, WORD("half", "pool"));
        if (one_in(6))
            say("nic[eth%d].ring: {alloc_fail: %lld, alloc_fail_repoll: %s}\n", i, PICK(1000, 200000), onoff());
        if (one_in(3))
            say("nic[eth%d].promisc: %s\n", i, onoff());
    }
    if (one_in(8))
        say("traffic[t0].otherhost: on\n");
    if (one_in(6))
        say("pcie.iotlb: %lld\n", PICK(64, 300));
    if (one_in(6))
        say("nic: {hwtstamp: %s, features.rx: %s}\ncpu.ddio.size: %lldB\n", onoff(), onoff(), PICK(0, 4096, 100000));
    dice = rest;
}

static void random_nics(uint64_t seed, int nics, int cpus)
{
    int64_t all_cpus = (1 << cpus) - 1;
    static char model[NAMES][64];
    int models = yaml_files("nics", model);

    int wired = 0;
    for (int i = 0; i < models; i++) {  /* a veth has no wire; tests/test_veth.c has machines of its own */
        if (strcmp(model[i], "veth") != 0)
            memmove(model[wired++], model[i], sizeof model[i]);
    }
    say("nic: {model: %s, channels: %lld}\n", model[stream_below(&dice, (uint64_t)wired)],
        (long long)between(1, 4));
    long long ring[2], fifo[2];
    for (int i = 0; i < nics; i++) {
        ring[i] = PICK(32, 33, 64, 100, 300, 1024);
        fifo[i] = PICK(0, 64, 2000, 20480, 524288);
        say("nic[eth%d].ring.rx: %lld\nnic[eth%d].fifo: %lldB\n", i, ring[i], i, fifo[i]);
        if (one_in(2))
            say("nic[eth%d].coalesce: {rx-usecs: %lldus, rx-frames: %lld, kind: %s, cause: %s}\n", i, PICK(0, 1, 20, 100),
                PICK(0, 0, 1, 5, 32), WORD("gap", "delay", "gap_once"), WORD("latched", "unread"));
        if (one_in(3))
            say("nic[eth%d].ring: {empty: %s, refill_batch: %lld, refill_at_end: %lld}\n", i, WORD("drop", "hold"),
                PICK(1, 8, 16), PICK(0, 1, 8));
    }
    say("nic.features: {gro: %s, rxhash: %s}\nnic.rss.hash_udp_ports: %s\n", onoff(), WORD("on", "on", "off"), onoff());
    if (one_in(3))
        say("nic: {napi_defer_hard_irqs: %lld, gro_flush_timeout: %lldus}\n", PICK(0, 1, 5), PICK(0, 5, 50));
    if (one_in(4))
        say("nic.threaded: on\n");
    if (one_in(4))
        say("nic.ring.holds_skbs: on\nnic.copybreak: %lldB\ncost.skb: {page_every: %lld, page_free: "
            "300cycles, "
            "ring_free: 100cycles}\n", PICK(0, 100, 256, 2000), PICK(0, 1, 4));
    if (one_in(10))
        say("nic.xdp: %s\n", WORD("pass", "drop"));
    if (one_in(3))
        say("nic.queue: {rps_cpus: %llx}\n", (unsigned long long)between(1, all_cpus));
    if (one_in(4))
        say("net.core.rps_sock_flow_entries: %lld\nnet.core.flow_limit_cpu_bitmap: %llx\nnet.core.flow_limit_table_len: %lld\n",
            PICK(0, 2, 32768), (unsigned long long)between(0, all_cpus), PICK(1, 4096));
    if (one_in(3))
        say("nic.queue.rps_flow_cnt: %lld\nnic.features.ntuple: %s\nnic.arfs_delay: %lldus\n", PICK(1, 64, 4096), onoff(),
            PICK(1, 100));
    if (one_in(5))
        say("host.irqbalance: on\nhost.irqbalance.interval: %lldus\n", PICK(50, 300, 1000));
    if (one_in(4))
        say("nic.rss.indir_size: %lld\nnic.rss.indir: %s\n", PICK(16, 128, 512), WORD("equal 1", "weight 3", "start 0 weight 1"));
    if (one_in(4))
        say("nic.queue[0].smp_affinity: %llx\n", (unsigned long long)between(1, all_cpus));
    if (one_in(6))
        say("pcie.bandwidth: %lldGbps\n", PICK(1, 3, 8));
    random_link(seed, nics, ring, fifo);
}

/* At most so many frames that a run takes milliseconds. */
static void random_source(int i, int nics)
{
    say("traffic[t%d]: {frames: %lld, flows: %lld, dport: %lld, sport: %d, nic: %lld, offset: %s, start: %lldus", i,
        (long long)between(1, 1500), PICK(1, 1, 3, 40), PICK(9, 9, 10), 9000 + 100 * i, (long long)between(0, nics - 1),
        WORD("on", "on", "off"), PICK(0, 0, 50, 300));
    if (one_in(3)) {
        say(", kind: sender, frame: %lldB, window: %lldB, rtt: %lldus, bytes: %lldB, fcs_errors: %lld, "
            "interval: %lldps, "
            "timestamps: %s}\n", PICK(100, 1518, 1518), PICK(3000, 65536, 65536, 262144),
            PICK(20, 20, 100, 400), PICK(1, 10000, 300000, 300000), PICK(0, 0, 30000),
            PICK(0, 0, 1, 700000, 20000001), WORD("on", "on", "off"));
        return;
    }
    say(", kind: %s, proto: %s, frame: %lldB, rate: %lldkpps", WORD("cbr", "cbr", "poisson", "onoff"),
        WORD("udp", "udp", "tcp"), PICK(71, 71, 128, 128, 500, 500, 1518, 1518, 1518, 9018),
        PICK(20, 100, 200, 400, 1000, 3000, 15000));
    say(", burst: %lldus, period: %lldus, interval: %lldps, timestamps: %s", PICK(5, 50), PICK(0, 100, 400),
        PICK(0, 0, 0, 333333, 5000001), WORD("on", "on", "off"));
    if (one_in(8))
        say(", fcs_errors: 100000, runts: 50000");
    say("}\n");
}

/* Several applications each have a port of their own; a single one may listen on all. */
static void random_app(int i, int apps, int cpus)
{
    long long port = apps > 1 ? 9 + i : PICK(0, 0, 9);

    say("app[a%d]: {kind: %s, proto: %s, port: %lld, cpu: %lld, work: %lldns, work_byte: %lldcycles/B, "
        "read_size: %lldB, rcvbuf: %lldB, maxevents: %lld}\n", i, WORD("recv", "recv", "epoll", "busy"),
        WORD("any", "any", "udp", "tcp"), port, (long long)between(-1, cpus - 1),
        PICK(0, 100, 2000, 50000), PICK(0, 0, 2), PICK(1, 700, 1460, 65536), PICK(0, 0, 1, 30000, 1000000),
        PICK(1, 64));
    if (one_in(4))
        say("app[a%d]: {sched: fifo}\n", i);
    if (one_in(5))
        say("app[a%d]: {lag: %lldus}\n", i, PICK(1, 1000, 5000));
}

/* One that competes with the readers, and is never the only application. */
static void random_hog(int cpus)
{
    say("app[hog]: {kind: hog, port: 65535, cpu: %lld, sched: %s}\n", (long long)between(-1, cpus - 1),
        WORD("other", "other", "other", "fifo"));
}

/* What cores, guests and neighbours do to each other; with dice of its own, so that the rest of a machine stays. */
static void random_platform(uint64_t seed, int cpus, bool hosts_tasks)
{
    stream_seed(&dice, seed, 0, "platform");
    if (one_in(4))
        say("cost.cache: {conntrack: %lldns, forward: %lldns, frame: %lldns}\n", PICK(0, 100), PICK(0, 30), PICK(0, 40));
    if (one_in(5))
        say("cpu.steal: {period: %lldus, length: %lldus, cpus: %llx}\n", PICK(100, 1000), PICK(10, 90),
            (unsigned long long)between(0, (1 << cpus) - 1));
    if (one_in(5))
        say("cpu.cstate: {c1e: {exit_latency: %lldus}, c6: {exit_latency: %lldus, target_residency: %lldus}}\n", PICK(0, 10),
            PICK(0, 133), PICK(50, 600));
    if (cpus % 2 == 0 && one_in(5))
        say("cpu.smt: %s\n", WORD("halves", "neighbours"));
    if (cpus % 2 == 0 && one_in(4))
        say("cpu.nodes: 2\nnic.node: %lld\n", PICK(0, 1));
    if (one_in(5))
        say("cpu: {vm: %s, posted_interrupts: %s, mitigations: %s}\n", onoff(), onoff(), onoff());
    if (one_in(4))
        say("kernel.preempt: full\n");
    if (hosts_tasks && one_in(4))
        say("app[noise]: {kind: background, port: 65534, cpu: %lld, background: {section: %s, period: %lldus, length: %lldus, "
            "phase: %lldus}}\n", (long long)between(-1, cpus - 1), WORD("user", "kernel", "bh_off", "irqs_off"),
            PICK(100, 1000), PICK(0, 30, 300), PICK(0, 55));
    if (hosts_tasks && one_in(4))
        say("app[quota]: {kind: hog, port: 65533, cpu: %lld, cpu_quota: %lldms, cpu_period: %lldms}\n",
            (long long)between(-1, cpus - 1), PICK(1, 2), PICK(2, 3));
}

static void random_scenario(uint64_t seed)
{
    stream_seed(&dice, seed, 0, "laws");
    int cpus = (int)between(1, 4), nics = one_in(5) ? 2 : 1, sources = (int)between(1, 3), apps = (int)PICK(0, 1, 1, 2, 2, 3);

    context[0] = '\0';
    say("# machine %llu of tests/test_laws.c\n", (unsigned long long)seed);
    say("version: 1\nrun: {duration: %lldus, drain: %lldus}\n", PICK(200, 1000, 3000, 6000), PICK(0, 500, 5000));
    random_kernel();
    random_cpus(cpus);
    random_nics(seed, nics, cpus);
    for (int i = 0; i < sources; i++)
        random_source(i, nics);
    for (int i = 0; i < apps; i++)
        random_app(i, apps, cpus);
    if (apps > 0 && one_in(5))
        random_hog(cpus);
    random_hooks(seed);
    if (one_in(3))                      /* any kind of moderation goes with it */
        say("nic.coalesce: {adaptive-rx: on, adaptive: dim, dim_profile: %s, dim_latency: %lldns}\n", WORD("net", "ice"),
            PICK(0, 700, 20000));
    random_platform(seed, cpus, apps > 0);
}

static bool uses(const char *words)
{
    return strstr(context, words) != NULL;
}

/* Machines that the shortcuts of models/netif, horizon, reading and express are made for: datagrams of one socket, its
 * reader alone on a core or beside the interrupt. Small rings and buffers, batches and budgets, so that every limit is
 * met in the middle of something. */
static void plain_scenario(uint64_t seed)
{
    stream_seed(&dice, seed, 0, "plain");
    context[0] = '\0';
    say("# plain machine %llu of tests/test_laws.c\n", (unsigned long long)seed);
    say("version: 1\nrun: {duration: %lldus, drain: %lldus}\n", PICK(200, 1000, 3000), PICK(0, 500, 5000));
    say("kernel: {version: \"%s\", hz: %lld, nohz: %s}\n", WORD("6.12", "6.12", "5.15", "3.10", "6.18"), PICK(250, 1000),
        onoff());
    say("kernel.napi.weight: %lld\n", PICK(2, 7, 64, 64));
    say("net.core: {netdev_budget: %lld, gro_normal_batch: %lld, rmem_max: 16MiB}\n", PICK(16, 300, 300),
        PICK(1, 1, 3, 8, 8));
    say("cpu: {count: %lld, model: xeon-e5-1650v4}\n", PICK(1, 2, 2, 2, 3));
    if (one_in(3))                      /* whole microseconds: things happen at the same instant */
        say("cpu.freq: 1GHz\nrun.cost_cv: 0\nkernel.tick_phase: 0ms\ncost: {driver.frame: 1us, recv.dequeue: 1us, "
            "skb.alloc: 0ns, netif: {list: 0ns, list_end: 0ns, skb: 0ns}, ip: {rcv: 0ns, deliver: 0ns}, udp: {rcv: 0ns, "
            "enqueue: 0ns, drop: 0ns}, recv: {entry: 0ns, lock: 0ns, return: 0ns, user: 0ns, call: 0ns}, gro.frame: 0ns, "
            "driver.refill: 0ns, driver.refill_frame: 0ns, sock.data_ready: 0ns, skb.heads: 0ns, skb.free: 0ns, "
            "napi.poll: 1us, softirq.net_rx: 0ns}\n");
    else
        say("run.cost_cv: %lld\n", PICK(0, 5, 5, 100));
    say("nic: {model: %s, channels: %lld, features.gro: %s}\nnic.ring: {rx: %lld, refill_batch: %lld}\n",
        WORD("ixgbe", "ixgbe", "i40e", "mlx5"), PICK(1, 1, 1, 2), onoff(), PICK(32, 64, 300, 1024), PICK(1, 1, 8, 16));
    say("nic.coalesce: {rx-usecs: %lldus, rx-frames: %lld, kind: %s, cause: %s}\n", PICK(0, 1, 20, 100), PICK(0, 0, 0, 5),
        WORD("gap", "delay"), WORD("latched", "unread"));
    if (one_in(5))
        say("nic.threaded: on\n");
    if (one_in(20))
        say("nic.ring: {pages: %s, alloc_fail: %lld}\n", WORD("half", "pool", "recycled"), PICK(0, 0, 50000));
    if (one_in(20))
        say("cpu.ddio.size: 4096B\n");
    say("traffic[a]: {kind: %s, frames: %lld, flows: %lld, frame: %lldB, rate: %lldkpps, burst: 50us, period: %lldus}\n",
        WORD("cbr", "poisson", "poisson", "onoff"), PICK(100, 2000, 6000), PICK(1, 1, 3, 40), PICK(64, 64, 128, 1518),
        PICK(100, 700, 1500, 2500, 15000), PICK(0, 100));
    if (one_in(4))
        say("traffic[b]: {kind: poisson, frames: 500, sport: 20000, rate: %lldkpps, frame: %lldB, fcs_errors: %lld, "
            "proto: %s}\n", PICK(100, 300, 2000), PICK(71, 200, 1518, 1518), PICK(0, 0, 30000),
            WORD("udp", "udp", "udp", "tcp"));
    if (one_in(4))                      /* frames wait in the FIFO and leave it faster than they came */
        say("nic: {link: %lldGbps, ring.empty: %s, fifo: %lldB}\npcie.bandwidth: %lldGbps\n", PICK(10, 25, 100),
            WORD("drop", "hold"), PICK(2000, 524288), PICK(8, 58));
    say("app: {kind: %s, cpu: %lld, work: %lldns, work_byte: %lldcycles/B, read_size: %lldB, rcvbuf: %lldB}\n",
        WORD("recv", "recv", "busy", "epoll"), PICK(-1, -1, -1, 0), PICK(0, 0, 100, 1000, 5000), PICK(0, 0, 2),
        PICK(1, 700, 65536), PICK(0, 2304, 30000, 1000000));
    if (one_in(3) && uses("kind: gap, cause"))
        say("nic.ring.writeback: %lld\n", PICK(2, 4, 5));
    if (one_in(2) && uses("kind: gap, cause"))
        say("nic.coalesce: {adaptive-rx: on, adaptive: %s}\n", WORD("dim", "ixgbe", "i40e", "igb", "e1000e"));
    else if (one_in(2) && uses("kind: delay, cause"))
        say("nic.coalesce: {adaptive-rx: %s, adaptive: dim, cqe-mode-rx: on, rx-usecs-abs: %lldus}\n", onoff(), PICK(0, 50));
    stream_seed(&dice, seed, 0, "platform");        /* dice of its own, so that the rest of a machine stays */
    if (one_in(8))
        say("cost.cache.frame: 40ns\n");
    if (one_in(8))
        say("cpu.steal: {period: 300us, length: %lldus}\n", PICK(10, 90));
    if (one_in(8))
        say("cpu.cstate: {c1e.exit_latency: 10us, c6.exit_latency: 133us}\n");
    if (one_in(8))
        say("cpu: {vm: on, posted_interrupts: %s, mitigations: on}\n", onoff());
    if (one_in(8))
        say("kernel.preempt: full\n");
    if (one_in(8))
        say("app.cpu_quota: 1ms\napp.cpu_period: %lldms\n", PICK(2, 3));
}

/* Short frames that wait behind long ones in the FIFO and then leave it at the bus's speed, into small rings that are
 * refilled often: the place where a look at the hardware must not be spared. */
static void waiting_scenario(uint64_t seed)
{
    stream_seed(&dice, seed, 0, "waiting");
    context[0] = '\0';
    say("# waiting machine %llu of tests/test_laws.c\n", (unsigned long long)seed);
    say("version: 1\nrun: {duration: 1ms, cost_cv: %lld}\n", PICK(0, 5));
    say("kernel.version: 6.12\ncpu: {model: xeon-e5-1650v4, count: 2}\n");
    say("nic: {model: ixgbe, channels: %lld, link: %lldGbps, features.gro: off, rss.hash_udp_ports: on}\n", PICK(1, 1, 2),
        PICK(10, 25, 100));
    say("nic.ring: {empty: %s, refill_batch: %lld, rx: %lld}\ncost.driver.frame: %lldns\n", WORD("hold", "hold", "drop"),
        PICK(1, 2, 4, 8, 16), PICK(16, 32, 64, 128), PICK(20, 50, 200, 1000));
    say("traffic[a]: {kind: %s, rate: %lldMpps, frame: 64B, flows: %lld}\n", WORD("cbr", "poisson"), PICK(1, 5, 14, 30),
        PICK(1, 8));
    say("traffic[b]: {kind: %s, burst: 5us, period: 20us, rate: %lldkpps, frame: 1518B, sport: 20000, flows: %lld}\n",
        WORD("cbr", "poisson", "onoff"), PICK(100, 500, 2000), PICK(1, 8));
    say("app: {kind: recv, cpu: 1, rcvbuf: 1MiB}\nnet.core.rmem_max: 16777216\n");
}

/* Frames that are received more than once, in pieces, or by several sockets, beside plain ones. */
static void overlay_scenario(uint64_t seed)
{
    static const char *const form[] = {
        "encap: vxlan", "encap: vxlan, encap_entropy: on, ipv6: on", "encap: gre", "vlan: 5", "vlan: 6", "ipv6: on",
        "fragment: 4000B, proto: udp", "fragment: 20000B, proto: udp", "cast: multicast, daddr: 239.1.1.1, proto: udp",
        "cast: broadcast, daddr: 10.0.0.255, proto: udp", "udp_csum: off", "vlan: 5, encap: vxlan, ipv6: on",
    };

    stream_seed(&dice, seed, 0, "overlay");
    context[0] = '\0';
    say("# overlay machine %llu of tests/test_laws.c\n", (unsigned long long)seed);
    say("version: 1\nrun: {duration: %lldus, drain: %lldus, cost_cv: %lld}\n", PICK(1000, 3000), PICK(0, 500, 5000),
        PICK(0, 5));
    int64_t cpus = PICK(1, 2, 2, 3);
    say("kernel: {version: \"%s\", hz: %lld, napi.weight: %lld}\n", WORD("6.12", "6.12", "5.15", "6.18"), PICK(250, 1000),
        PICK(7, 64, 64));
    say("cpu: {model: xeon-e5-1650v4, count: %lld}\n", (long long)cpus);
    say("net.core: {netdev_budget: %lld, netdev_max_backlog: %lld, dev_weight: %lld}\n", PICK(16, 300, 300),
        PICK(0, 10, 1000, 1000), PICK(3, 64, 64));
    say("nic: {model: ixgbe, channels: %lld, link: %lldGbps, max_frame: 2000B, vlan: \"5\", master: %s, threaded: %s}\n",
        PICK(1, 1, 3), PICK(10, 25), WORD("none", "none", "bridge"), WORD("off", "off", "on"));
    say("vxlan.master: %s\nnic.ring.rx: %lld\n", WORD("none", "bridge"), PICK(64, 512, 2048));
    say("nic.features: {gro: %s, rx-gro-list: %s, rx-vlan-offload: %s}\n", WORD("on", "on", "off"), WORD("off", "off", "on"),
        onoff());
    say("nic.rss.hash_udp_ports: %s\nnic.coalesce: {rx-usecs: %lldus, kind: %s}\n", onoff(), PICK(0, 20, 100),
        WORD("gap", "delay"));
    say("net.ipv4: {ipfrag_time: %lldus, ipfrag_high_thresh: %lldB}\napp.taps: %lld\n", PICK(50, 1000, 30000000),
        PICK(10000, 100000, 4194304), PICK(0, 0, 2));
    if (one_in(3))
        say("nic.queue.rps_cpus: %llx\n", (unsigned long long)between(1, (1 << cpus) - 1));
    if (one_in(4))
        say("host.address: 10.0.0.9\nnet.ipv4.ip_forward: %s\nnet.ipv6.conf.all.forwarding: %s\nhost.default_route: eth0\n",
            onoff(), onoff());
    for (int i = 0; i < 3; i++) {
        const char *f = WORD(form[0], form[1], form[2], form[3], form[4], form[5], form[6], form[7], form[8], form[9], form[10],
                             form[11]);
        bool udp = strstr(f, "proto") != NULL;
        say("traffic[t%d]: {%s%s, frames: 600, flows: %lld, sport: %d, frame: %lldB, rate: %lldkpps, kind: %s, burst: 30us, "
            "period: 100us, fcs_errors: %lld}\n", i, f, udp ? "" : WORD(", proto: udp", ", proto: tcp"), PICK(1, 3, 20),
            9000 + 100 * i, PICK(200, 1000, 1518), PICK(100, 400, 1500, 5000), WORD("cbr", "poisson", "onoff"),
            PICK(0, 0, 30000));
    }
    say("traffic[p]: {frames: 500, sport: 20000, rate: %lldkpps}\n", PICK(100, 1000));
    for (int i = 0; i < 2; i++)
        say("app[a%d]: {kind: %s, port: 9, multicast: \"239.1.1.%d\", cpu: %lld, udp_gro: %s, rcvbuf: %lldB}\n", i,
            WORD("recv", "recv", "epoll", "busy"), i + (int)PICK(1, 2), (long long)between(-1, cpus - 1), onoff(), PICK(0, 0, 2304, 1000000));
}

START_TEST(what_is_received_more_than_once_obeys)
{
    struct config c;

    overlay_scenario((uint64_t)_i);
    machine_parse(&c, context, "");
    all_laws(&c);
    machine_release(&c);
}
END_TEST

/* .. and every way to end that is theirs occurs. */
START_TEST(overlays_lose_frames_wherever_they_can)
{
    static const enum fate wanted[] = {
        FATE_DELIVERED, FATE_FORWARDED, FATE_OTHERHOST, FATE_CPU_BACKLOG, FATE_GRO_CELLS, FATE_MULTICAST, FATE_FRAG_MEM,
        FATE_FRAG_REASM_TIMEOUT, FATE_SOCKET_RCVBUFF, FATE_IP_INADDRERRORS,
    };
    const struct run_options o = { .seed = 1 };
    uint64_t seen[FATES] = { 0 }, copies = 0;

    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct config c;
        struct result r;
        overlay_scenario(seed);
        machine_parse(&c, context, "");
        run(&c, &o, &r);
        for (int f = 0; f < FATES; f++)
            seen[f] += r.ledger.frames[f];
        copies += result_counter(&r, NULL, "mcast_copies");
        result_free(&r);
        machine_release(&c);
    }
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(seen[wanted[i]] > 0, "no frame ended as %s", fate_info[wanted[i]].name);
    ck_assert_uint_gt(copies, 0);
}
END_TEST

START_TEST(frames_that_wait_change_nothing)
{
    struct config c;

    waiting_scenario((uint64_t)_i);
    machine_parse(&c, context, "");
    all_laws(&c);
    machine_release(&c);
}
END_TEST

START_TEST(the_short_ways_are_exact)
{
    struct config c;

    plain_scenario((uint64_t)_i);
    machine_parse(&c, context, "");
    all_laws(&c);
    machine_release(&c);
}
END_TEST

/* .. and they are taken: a third of these machines have frames on the express, some of them most frames. */
/* Clients that wait for answers, beside traffic that does not. */
static void asking_scenario(uint64_t seed)
{
    stream_seed(&dice, seed, 0, "asking");
    context[0] = '\0';
    say("# asking machine %llu of tests/test_laws.c\n", (unsigned long long)seed);
    say("version: 1\nrun: {duration: %lldus, cost_cv: %lld}\n", PICK(1000, 4000), PICK(0, 5));
    say("kernel: {version: \"%s\", hz: %lld}\n", WORD("6.12", "6.12", "5.15", "3.10", "6.18"), PICK(250, 1000));
    say("cpu: {model: xeon-e5-1650v4, count: %lld}\n", PICK(1, 2, 3));
    say("nic: {model: %s, channels: %lld, features.gro: %s, rss.hash_udp_ports: on}\nnic.coalesce: {rx-usecs: %lldus, "
        "kind: %s, cause: %s, tx-usecs: %lldus}\n", WORD("ixgbe", "mlx5", "igb"), PICK(1, 1, 2), onoff(), PICK(0, 1, 20),
        WORD("gap", "delay"), WORD("latched", "unread"), PICK(0, 3, 20));
    if (one_in(3))
        say("nic: {napi_defer_hard_irqs: %lld, gro_flush_timeout: %lldus}\n", PICK(1, 5), PICK(5, 50));
    if (one_in(4))
        say("nic.threaded: on\nnic.queue.napi_cpu: %lld\n", PICK(-1, 0, 0));
    if (one_in(3))
        say("nic.ring.tx: 16\nnic.txqueuelen: 2\nnic.queue[0].xps_cpus: 1\n");
    say("traffic[a]: {kind: rr, flows: %lld, frame: %lldB, proto: %s, rtt: %lldus, think: %lldus, think_kind: %s, timeout: "
        "%lldus, frames: %lld}\n", PICK(1, 1, 3, 40), PICK(100, 700), WORD("udp", "udp", "tcp"), PICK(1, 8, 100),
        PICK(0, 0, 50), WORD("constant", "exponential"), PICK(30, 200, 200000), PICK(0, 300));
    if (one_in(3))
        say("traffic[b]: {kind: %s, rate: %lldkpps, sport: 20000, flows: 3, frames: 3000}\n", WORD("cbr", "poisson"),
            PICK(50, 500, 2000));
    say("app[srv]: {kind: %s, cpu: %lld, work: %lldns, reply: %lldB, rcvbuf: %lldB}\n", WORD("recv", "epoll", "busy"),
        PICK(-1, -1, 0), PICK(0, 1000, 20000), PICK(1, 32, 1400, 0), PICK(0, 30000));
    if (one_in(2))
        say("app[srv]: {busy_poll: %lldus, busy_poll_budget: %lld, prefer_busy_poll: %s}\nnet.core: {busy_read: %lldus, busy_poll: "
            "%lldus}\nnic.irq_suspend_timeout: %lldus\n", PICK(0, 1, 20, 200), PICK(1, 8, 64), onoff(), PICK(0, 0, 50),
            PICK(0, 50), PICK(0, 0, 100));
    if (one_in(4))
        say("app[hog]: {kind: hog, port: 65535, cpu: %lld}\n", PICK(0, -1));
}

START_TEST(clients_that_wait_obey)
{
    struct config c;

    asking_scenario((uint64_t)_i);
    machine_parse(&c, context, "");
    all_laws(&c);
    machine_release(&c);
}
END_TEST

START_TEST(the_short_ways_are_taken)
{
    int some = 0, most = 0;

    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct config c;
        struct host h;
        plain_scenario(seed);
        machine_parse(&c, context, "");
        machine_host(&c, &h);
        uint64_t polled = 0;
        for (int q = 0; q < h.nic[0].queues; q++)
            polled += h.nic[0].queue[q].ring.counters.rx_packets;
        some += h.express_frames > 0;
        most += 2 * h.express_frames > polled;
        host_free(&h);
        machine_release(&c);
    }
    ck_assert_int_ge(some, 33);
    ck_assert_int_ge(most, 15);
}
END_TEST

START_TEST(every_machine_obeys)
{
    struct config c;

    random_scenario((uint64_t)_i);
    machine_parse(&c, context, "");
    all_laws(&c);
    machine_release(&c);
}
END_TEST

/* The dice do reach what they are meant to reach: over all machines nearly every way to end occurs, and every
 * mechanism that a switch turns on has something to do. */
START_TEST(the_machines_differ)
{
    const struct run_options o = { .seed = 1 };
    uint64_t seen[FATES] = { 0 };
    uint64_t squeezes = 0, ksoftirqd = 0, full = 0, tx_interrupts = 0, hogs = 0, fifos = 0, rings = 0;
    int64_t threads = 0;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct config c;
        struct result r;
        random_scenario(seed);
        machine_parse(&c, context, "");
        run(&c, &o, &r);
        for (int f = 0; f < FATES; f++)
            seen[f] += r.ledger.frames[f];
        squeezes += r.time_squeeze;
        ksoftirqd += result_counter(&r, NULL, "ksoftirqd_wakeups");
        full += result_counter(&r, NULL, "napi_polls_full");
        tx_interrupts += result_counter(&r, NULL, "tx_interrupts");
        bool read = machine_fate(&r, FATE_DELIVERED) > 0;
        hogs += uses("kind: hog") && read;
        fifos += uses("sched: fifo") && read;
        rings += uses("holds_skbs: on") && read;
        for (int i = 0; i < r.cpus; i++)
            threads += r.cpu[i].ps[CPU_NAPI_THREAD];
        result_free(&r);
        machine_release(&c);
    }
    static const enum fate wanted[] = {
        FATE_DELIVERED, FATE_RX_CRC_ERRORS, FATE_RX_LENGTH_ERRORS, FATE_RX_MISSED_ERRORS, FATE_RX_NO_DESC,
        FATE_CPU_BACKLOG, FATE_NETFILTER_DROP, FATE_NO_SOCKET, FATE_SOCKET_RCVBUFF, FATE_IP_INADDRERRORS, FATE_XDP_DROP,
        FATE_FORWARDED, FATE_QDISC_DROP, FATE_TCP_OLD_DATA,
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(seen[wanted[i]] > 0, "no frame ended as %s", fate_info[wanted[i]].name);
    ck_assert_uint_gt(squeezes, 0);
    ck_assert_uint_gt(ksoftirqd, 0);
    ck_assert_uint_gt(full, 0);
    ck_assert_uint_gt(tx_interrupts, 0);
    ck_assert_uint_ge(hogs, 5);
    ck_assert_uint_ge(fifos, 5);
    ck_assert_uint_ge(rings, 5);
    ck_assert_int_gt(threads, 1 * MS);
}
END_TEST

/* ---- Little's law ---- */

/* 400 000 frames a second that all arrive at the reader: the frames inside, counted every 1.003 us (no multiple of
 * their distance of 2.5 us), are on average as many as arrive in the time that one stays. L = lambda W, to 1 %. */
START_TEST(as_many_are_inside_as_arrive_while_one_stays)
{
    struct census n = { .every = 1003 * NS };
    struct result plain;
    struct config c;
    struct host h;
    char why[256];

    machine_load(&c, "linerate.yaml", "traffic.rate=400kpps run.duration=40ms traffic.stop=39ms");
    machine_run(&c, &run_options_default, &plain);
    CHECK_EQ(host_init(&h, &c, 1, 0, true, why, sizeof why), 0);
    CHECK_EQ(census_join(&n, &h), 0);
    ck_assert(host_run(&h, NULL, NULL));

    const struct hist *total = &h.latency[STAGE_TOTAL];
    ck_assert_uint_gt(total->count, 15000);
    CHECK_EQ(total->count, host_ledger(&h).offered);
    double mean_inside = (double)n.inside / (double)n.looks;
    double rate = (double)total->count / (double)h.engine.now;
    ck_assert_double_gt(mean_inside, 1);
    ck_assert_double_eq_tol(mean_inside, rate * hist_mean(total), 0.01 * mean_inside);

    /* and to look does not change what is seen */
    ck_assert_uint_eq(h.fingerprint.lo, plain.fingerprint.lo);
    ck_assert_uint_eq(h.fingerprint.hi, plain.fingerprint.hi);
    result_free(&plain);
    host_free(&h);
    machine_release(&c);
}
END_TEST

#ifdef __SANITIZE_ADDRESS__
enum { MACHINES = 60 };         /* the sanitizers make each one ten times as long */
#else
enum { MACHINES = 500 };
#endif

Suite *laws_suite(void);
Suite *laws_suite(void)
{
    Suite *s = suite_create("laws");
    TCase *t = tcase_create("laws");

    tcase_add_test(t, every_scenario_of_the_folder_obeys);
    tcase_add_loop_test(t, every_machine_obeys, 1, MACHINES + 1);
    tcase_add_loop_test(t, the_short_ways_are_exact, 1, MACHINES + 1);
    tcase_add_loop_test(t, frames_that_wait_change_nothing, 1, MACHINES / 5 + 1);
    tcase_add_loop_test(t, clients_that_wait_obey, 1, MACHINES / 5 + 1);
    tcase_add_loop_test(t, what_is_received_more_than_once_obeys, 1, MACHINES / 2 + 1);
    tcase_add_test(t, overlays_lose_frames_wherever_they_can);
    tcase_add_test(t, the_short_ways_are_taken);
    tcase_add_test(t, the_machines_differ);
    tcase_add_test(t, as_many_are_inside_as_arrive_while_one_stays);
    tcase_set_timeout(t, 300);
    suite_add_tcase(s, t);
    return s;
}
