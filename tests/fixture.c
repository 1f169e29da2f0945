/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "models/nic.h"
#include "sim/lab/scenario.h"
#include "tests/suite.h"

static const char quiet[] =
    "cpu.freq=1GHz cpu.count=1 cpu.cstate.exit_latency=0ns cpu.ipi_latency=0ns kernel.hz=100 "
    "kernel.tick_phase=9ms run.duration=0s run.drain=300ms run.cost_cv=0 nic.link=400Gbps nic.flight=0ns "
    "nic.phy_delay=0ns pcie.bandwidth=2000Gbps pcie.tlp_header=0B pcie.descriptor=0B pcie.latency=0ns "
    "pcie.msix_latency=0ns nic.coalesce.rx-usecs=0us nic.coalesce.cause=unread nic.ring.rx=8192 "
    "nic.fifo=16MB nic.ring.refill_at_end=1 cost.skb.heads_every=0 traffic.kind=replay traffic.offset=off";

/* ---- parameters ---- */

static void set_one(struct config *c, const char *key, const char *value)
{
    struct param_ref ref;
    char why[256] = "";
    int64_t number = 0;

    ck_assert_msg(param_find(key, &ref, why, sizeof why) == 0, "%s: %s", key, why);
    if (ref.row->unit == UNIT_TEXT)
        number = config_text(c, value);
    else
        ck_assert_msg(!value_parse(ref.row, value, &number, why, sizeof why), "%s=%s: %s", key, value, why);
    int queues = ref.model->scope == SCOPE_QUEUE ? CONFIG_QUEUES : 1;
    for (int i = 0; i < config_instances(c, ref.model->scope); i++) {
        if (ref.instance[0] && strcmp(ref.instance, config_instance_name(c, ref.model->scope, i)) != 0)
            continue;
        for (int q = 0; q < queues; q++) {
            if (ref.queue < 0 || ref.queue == q)
                *config_at(c, ref.model, ref.row, i, q) = number;
        }
    }
}

void rig_set(struct rig *r, const char *settings)
{
    char text[2048];
    char *rest = NULL;

    ck_assert(strlen(settings) < sizeof text);
    strcpy(text, settings);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        ck_assert_msg(value != NULL, "%s: no value", word);
        *value++ = '\0';
        set_one(&r->config, word, value);
    }
}

static void no_costs(struct config *c)
{
    for (const struct model_info *const *m = rx_path; *m; m++) {
        for (size_t i = 0; i < (*m)->n_params; i++) {
            const struct param *row = &(*m)->params[i];
            if (row->unit != UNIT_COST && row->unit != UNIT_COST_PER_BYTE)
                continue;
            for (int n = 0; n < config_instances(c, (*m)->scope); n++)
                *config_at(c, *m, row, n, 0) = 0;
        }
    }
}

void rig_init(struct rig *r, int apps, const char *settings)
{
    memset(r, 0, sizeof *r);
    CHECK_EQ(config_init(&r->config, 1, 1, apps), 0);
    strcpy(r->config.nic_name[0], "eth0");
    for (int i = 0; i < apps; i++)
        snprintf(r->config.app_name[i], CONFIG_NAME, "app%d", i);
    no_costs(&r->config);
    rig_set(r, quiet);
    rig_set(r, settings);
    r->arrivals.arrival = r->arrival;
    r->arrivals.flow = r->flow;
    r->config.arrivals[0] = &r->arrivals;
}

void rig_free(struct rig *r)
{
    if (r->built)
        host_free(&r->host);
    config_free(&r->config);
}

/* ---- traffic ---- */

uint32_t rig_flow(struct rig *r, uint8_t proto, uint16_t sport, uint16_t dport)
{
    ck_assert(r->arrivals.flows < RIG_FLOWS);
    r->flow[r->arrivals.flows] = (struct flow_key){
        .saddr = 0x0a000001, .daddr = 0x0a000002, .sport = sport, .dport = dport, .proto = proto,
    };
    return (uint32_t)r->arrivals.flows++;
}

struct arrival *rig_frame(struct rig *r, ps_t at, uint32_t flow, int payload)
{
    int headers = r->flow[flow].proto == FLOW_TCP ? 58 : 46;
    struct arrival *a = &r->arrival[r->arrivals.n];

    ck_assert(r->arrivals.n < RIG_FRAMES);
    *a = (struct arrival){
        .at = at, .flow = flow, .payload = payload, .ttl = 64, .ip_df = 1,
        .wire_bytes = headers + payload < 64 ? 64 : headers + payload,
    };
    r->arrivals.n++;
    return a;
}

struct arrival *rig_segment(struct rig *r, ps_t at, uint32_t flow, uint32_t seq, int payload)
{
    struct arrival *a = rig_frame(r, at, flow, payload);

    a->seq = seq;
    a->ack = 1;
    a->window = 501;
    a->tcp_flags = TCP_ACK;
    return a;
}

void rig_burst(struct rig *r, ps_t at, uint32_t flow, int n)
{
    for (int i = 0; i < n; i++)
        rig_frame(r, at, flow, 18);
}

/* ---- the machine ---- */

static void write_down(void *user, ps_t now, int point, int cpu, int64_t a, int64_t b)
{
    struct rig *r = user;

    ck_assert(r->notes < RIG_NOTES);
    r->note[r->notes++] = (struct note){ now, point, cpu, a, b };
}

static void write_end(void *user, const struct frame *f, enum fate fate, ps_t now)
{
    struct rig *r = user;

    ck_assert(r->ends < RIG_FRAMES);
    r->end[r->ends++] = (struct ending){ *f, fate, now };
}

/* The times of arrivals count from the first. A machine without traffic gets a frame that nobody will see,
 * since a source must have one. */
void rig_build(struct rig *r)
{
    char why[256] = "";

    if (r->arrivals.n == 0) {
        rig_flow(r, FLOW_NOT_IP, 0, 0);
        rig_frame(r, 1000 * SEC, 0, 18);
    }
    ps_t first = r->arrival[0].at;
    r->config.traffic[0].traffic.start = first;
    for (size_t i = 0; i < r->arrivals.n; i++)
        r->arrival[i].at -= first;
    ck_assert_msg(host_init(&r->host, &r->config, 1, 0, !r->no_batch, why, sizeof why) == 0, "%s", why);
    r->built = true;
    r->host.engine.trace = (struct trace){ write_down, r };
    r->host.observer = (struct observer){ .frame_end = write_end, .user = r, .drops_below = UINT64_MAX };
    r->host.sample_every = 1;           /* every frame is shown */
}

void rig_run(struct rig *r)
{
    if (!r->built)
        rig_build(r);
    ck_assert(host_run(&r->host, NULL, NULL));
    CHECK_EQ(r->host.unsteered.offered, r->arrivals.n);
    CHECK_EQ(host_in_flight(&r->host), 0);
}

void rig_start(struct rig *r)
{
    struct host *h = &r->host;

    if (!r->built)
        rig_build(r);
    for (int i = 0; i < h->cpus; i++)
        cpu_start(&h->cpu[i]);
    for (int i = 0; i < h->apps; i++)
        app_start(&h->app[i]);
    for (int i = 0; i < h->nics; i++)
        nic_start(&h->nic[i]);
    for (int i = 0; i < h->cpus; i++)
        cpu_kick(&h->cpu[i]);
}

void rig_until(struct rig *r, ps_t until)
{
    engine_run_until(&r->host.engine, until);
}

int rig_count(const struct rig *r, int point)
{
    int n = 0;

    for (int i = 0; i < r->notes; i++)
        n += r->note[i].point == point;
    return n;
}

const struct note *rig_note(const struct rig *r, int point, int n)
{
    for (int i = 0; i < r->notes; i++) {
        if (r->note[i].point == point && n-- == 0)
            return &r->note[i];
    }
    ck_abort_msg("there is no such note");
    return NULL;
}

const struct ending *rig_end(const struct rig *r, uint64_t id)
{
    for (int i = 0; i < r->ends; i++) {
        if (r->end[i].frame.id == id)
            return &r->end[i];
    }
    ck_abort_msg("frame %d has not ended", (int)id);
    return NULL;
}

int rig_fate(const struct rig *r, enum fate fate)
{
    int n = 0;

    for (int i = 0; i < r->ends; i++)
        n += r->end[i].fate == fate;
    return n;
}

/* ---- interrupts, tasks and NAPIs of our own ---- */

static void pulse_fire(void *pulse)
{
    struct pulse *p = pulse;

    cpu_interrupt(p->cpu, &p->vector);
}

static void pulse_handle(struct context *x, void *pulse)
{
    struct pulse *p = pulse;

    ck_assert(p->n < 16);
    p->handled[p->n++] = x->cpu->engine->now;
    if (p->act)
        p->act(x, p->owner);
}

void pulse_init(struct pulse *p, struct cpu *c, ps_t cost, pulse_fn *act, void *owner)
{
    *p = (struct pulse){ .cpu = c, .act = act, .owner = owner };
    p->vector = (struct vector){ .handler = pulse_handle, .owner = p, .cost = cost };
    CHECK_EQ(event_init(c->engine, &p->event, EVENT_DEVICE, pulse_fire, p), 0);
}

void pulse_at(struct pulse *p, ps_t when)
{
    engine_at(p->cpu->engine, &p->event, when);
}

static void worker_next(struct context *x);

static void worker_done(struct context *x)
{
    struct worker *w = x->task->owner;

    w->ended[w->n++] = x->cpu->engine->now;
    worker_next(x);
}

static void worker_start(struct context *x)
{
    struct worker *w = x->task->owner;

    w->next = 0;
    worker_next(x);
}

static void worker_begin(struct context *x)
{
    struct worker *w = x->task->owner;

    ck_assert(w->n < 64);
    w->began[w->n] = x->cpu->engine->now;
    x->flags = w->step[w->next].flags;
    context_work(x, w->step[w->next++].cost, worker_done);
}

static void worker_next(struct context *x)
{
    struct worker *w = x->task->owner;

    x->flags = 0;
    if (w->next == w->steps) {
        sched_prepare_sleep(x->task);
        sched_sleep(x, worker_start);
    } else if (w->step[w->next].flags & STEP_USER) {
        sched_checkpoint(x, worker_begin);
    } else {
        worker_begin(x);
    }
}

void worker_init(struct worker *w, struct cpu *c)
{
    *w = (struct worker){ .steps = 0 };
    task_init(&w->task, c, "worker", w, worker_start);
}

void worker_step(struct worker *w, ps_t cost, unsigned flags)
{
    ck_assert(w->steps < 8);
    w->step[w->steps].cost = cost;
    w->step[w->steps++].flags = flags;
}

void worker_wake(struct worker *w)
{
    sched_wake(&w->task, w->task.cpu);
    cpu_kick(w->task.cpu);
}

int fake_polls;

static void fake_polled(struct context *x)
{
    struct fake_nic *f = x->napi->owner;

    f->polled[f->polls++] = x->cpu->engine->now;
    if (x->work < x->budget) {
        f->completed++;
        napi_complete_done(x);
    } else {
        context_return(x);
    }
}

static void fake_poll(struct context *x)
{
    struct fake_nic *f = x->napi->owner;

    ck_assert(f->polls < 64);
    x->work = (int)(f->left < x->budget ? f->left : x->budget);
    f->left -= x->work;
    f->work[f->polls] = x->work;
    f->order[f->polls] = fake_polls++;
    context_work(x, f->cost, fake_polled);
}

void fake_init(struct fake_nic *f, struct cpu *c, int64_t weight, int64_t left, ps_t cost, bool first)
{
    if (first)
        fake_polls = 0;
    *f = (struct fake_nic){ .left = left, .cost = cost };
    CHECK_EQ(napi_init(&f->napi, c, &c->host->hc->napi, weight, fake_poll, f), 0);
    gro_init(&f->napi.gro, &c->host->hc->gro);
}
