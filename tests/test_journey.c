/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Do the parts add up? One frame through an idle machine, its time stamps against the sum of the parameters. */
#include "sim/engine/random.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* ---- the sum, by hand ---- */

/* When one UDP frame is where, and how long the CPUs work for it. Interrupt and softirq on CPU 0, the reader asleep
 * on CPU 1, both idle for longer than the idle state's target residency. */
struct expected {
    ps_t wire, dma, irq, poll, stack, socket, app;
    ps_t hardirq0, softirq0, hardirq1, task1;
};

enum { FCS = 4, PREAMBLE = 8, ETHERNET_IP_UDP_FCS = 14 + 20 + 8 + 4, ETHERNET = 14 };

static ps_t bus_time(const struct dma_params *p, int64_t bytes)
{
    int64_t tlps = (bytes + p->mps - 1) / p->mps;

    return ps_of_bytes(bytes + tlps * p->tlp_header + p->descriptor + p->tlp_header, p->bandwidth);
}

/* From the interrupt's first instruction to the core's return from it, when it was idle. */
static ps_t interrupt(const struct host_config *h, ps_t handler)
{
    return h->cpu.irq_from_idle + h->cpu.irq_entry + handler + h->cpu.irq_exit;
}

static ps_t netfilter(const struct netfilter_params *p, int64_t rules)
{
    return rules > 0 ? p->table + rules * p->rule : 0;
}

/* `c` has its costs in picoseconds. */
static struct expected add_up(const struct config *c)
{
    const struct host_config *h = c->host;
    const struct nic_config *n = &c->nic[0];
    const struct app_params *app = &c->app[0].app;
    int64_t frame = c->traffic[0].traffic.frame, payload = frame - ETHERNET_IP_UDP_FCS;
    int64_t got = payload < app->read_size ? payload : app->read_size;
    struct expected e;

    /* 1 the wire, the PHY, the bus */
    e.wire = c->traffic[0].traffic.start + ps_of_bytes(PREAMBLE + frame, n->wire.link) + n->wire.flight + n->phy.delay;
    e.dma = e.wire + bus_time(&h->dma, frame - FCS) + h->dma.latency;

    /* 2 moderation (a gap does not hold up a lone frame), the message, out of the idle state, the handler */
    ps_t fires = e.dma + (n->coalesce.kind == COALESCE_DELAY && n->coalesce.rx_frames != 1 ? n->coalesce.rx_usecs : 0);
    e.irq = fires + h->irq.delivery + h->cpu.cstate_exit_latency + interrupt(h, h->irq.handler) - h->cpu.irq_exit;
    e.poll = e.irq + h->cpu.irq_exit + h->softirq.entry + h->softirq.run + h->napi.poll;

    /* 2 XDP, 3 the skb, 4 GRO; then the poll finds no more, gives the buffer back, completes */
    ps_t driver = h->driver.frame + h->driver.first + h->skb.alloc + (n->driver.gro ? h->gro.frame : h->gro.bypass);
    if (frame - FCS <= n->driver.copybreak)
        driver += h->driver.copy + ps_of_fs_per_byte(h->driver.copy_byte, frame - FCS);
    driver += n->xdp.program == XDP_PASS_ALL ? h->xdp.cost : 0;
    driver += h->driver.poll + h->napi.complete;
    if (n->ring.refill_batch == 1 || n->ring.refill_at_end == 1)
        driver += h->driver.refill + h->driver.refill_frame;
    e.stack = e.poll + driver;

    /* 5 the list of one, taps, IP and netfilter, 6 UDP */
    ps_t stack = h->netif.list + h->netif.skb + h->ip.rcv + h->ip.deliver + h->udp.rcv;
    stack += h->tap.taps * (h->tap.tap + ps_of_fs_per_byte(h->tap.tap_byte, frame - FCS - ETHERNET));
    stack += netfilter(&h->netfilter, h->netfilter.raw.rules) + netfilter(&h->netfilter, h->netfilter.input.rules);
    stack += h->conntrack.on ? h->conntrack.packet + h->conntrack.fresh : 0;
    e.socket = e.stack + stack;

    /* 7 the reader: IPI, out of the idle state, the switch, back in recv(), the copy */
    ps_t queueing = h->udp.enqueue + h->udp.schedule_memory;
    ps_t woken = e.socket + queueing + h->sched.ipi_latency + h->cpu.cstate_exit_latency;
    ps_t reading = h->sched.switch_from_idle + h->app.resume + h->app.recv_dequeue +
                   ps_of_fs_per_byte(h->app.copy_byte, got);
    e.app = woken + interrupt(h, h->sched.ipi) + reading;

    /* and what the CPUs do besides: after the wakeup CPU 0 ends poll, run and session; CPU 1 returns from recv(), works,
     * calls again, finds nothing and goes idle */
    e.hardirq0 = interrupt(h, h->irq.handler);
    e.softirq0 = (e.socket - e.irq - h->cpu.irq_exit) + queueing + h->sock.data_ready + h->sock.wake +
                 h->sched.wake_remote + h->netif.list_end + h->napi.unmask + h->napi.poll_end + h->softirq.run_end + h->softirq.exit;
    e.hardirq1 = interrupt(h, h->sched.ipi);
    e.task1 = reading + h->app.recv_return + h->app.recv_return_slept + h->app.user + app->work +
              ps_of_fs_per_byte(app->work_byte, got) + h->app.call + h->app.recv_entry + h->app.recv_lock + h->app.block + h->sched.switch_to_idle;
    return e;
}

static void check_against_the_sum(const struct config *c)
{
    struct config ps;
    struct result r;

    CHECK_EQ(config_copy(&ps, c), 0);
    config_unpack_costs(&ps, (hz_t){ c->host->cpu.freq });
    struct expected e = add_up(&ps);
    machine_run(c, NULL, &r);
    CHECK_EQ(r.packets, 1);
    const struct result_packet *p = &r.packet[0];
    CHECK_EQ(p->fate, FATE_DELIVERED);
    CHECK_EQ(p->t_wire, e.wire);
    CHECK_EQ(p->t_dma, e.dma);
    CHECK_EQ(p->t_irq, e.irq);
    CHECK_EQ(p->t_poll, e.poll);
    CHECK_EQ(p->t_stack, e.stack);
    CHECK_EQ(p->t_socket, e.socket);
    CHECK_EQ(p->t_app, e.app);
    CHECK_EQ(r.cpu[0].ps[RESULT_HARDIRQ], e.hardirq0);
    CHECK_EQ(r.cpu[0].ps[RESULT_SOFTIRQ], e.softirq0);
    CHECK_EQ(r.cpu[0].ps[RESULT_TASK], 0);
    CHECK_EQ(r.cpu[1].ps[RESULT_HARDIRQ], e.hardirq1);
    CHECK_EQ(r.cpu[1].ps[RESULT_SOFTIRQ], 0);
    CHECK_EQ(r.cpu[1].ps[RESULT_TASK], e.task1);
    CHECK_EQ(r.cpu[1].ps[RESULT_IDLE], r.sim_ps - e.hardirq1 - e.task1);
    CHECK_EQ(r.irqs, 1);
    CHECK_EQ(r.polls, 1);
    result_free(&r);
    config_free(&ps);
}

/* ---- the frames ---- */

START_TEST(one_frame_takes_the_sum_of_its_parts)
{
    struct config c;

    machine_load(&c, "one-frame.yaml", "");
    check_against_the_sum(&c);
    machine_release(&c);
}
END_TEST

/* A wrong model could still give the right sum with the right numbers; not with every cost a random one, so that each
 * must be paid exactly once, and with the machine and its features drawn as well. */
static void random_machine(struct config *c, struct stream *s)
{
    struct nic_config *n = &c->nic[0];
    struct host_config *h = c->host;
    int64_t kind = (int64_t)stream_below(s, 4);

    for (const struct model_info *const *m = rx_path; *m; m++)
        for (size_t i = 0; i < (*m)->n_params; i++) {
            const struct param *row = &(*m)->params[i];
            if (row->unit == UNIT_COST)
                *config_at(c, *m, row, 0, 0) = COST_PS((int64_t)stream_below(s, 1000000));
            else if (row->unit == UNIT_COST_PER_BYTE)
                *config_at(c, *m, row, 0, 0) = (int64_t)stream_below(s, 2000);
        }
    c->traffic[0].traffic.frame = 64 + (int64_t)stream_below(s, 1455);
    n->wire.flight = (int64_t)stream_below(s, 1000000);
    n->phy.delay = (int64_t)stream_below(s, 1000000);
    n->coalesce.kind = kind & 1 ? COALESCE_DELAY : COALESCE_GAP;
    n->coalesce.cause = kind & 2 ? CAUSE_LATCHED : CAUSE_UNREAD;
    n->coalesce.rx_usecs = (int64_t)stream_below(s, 100) * US;
    n->coalesce.rx_frames = (int64_t)stream_below(s, 3);
    n->ring.refill_at_end = (int64_t)stream_below(s, 2);
    n->driver.gro = (int64_t)stream_below(s, 2);
    n->xdp.program = stream_below(s, 2) ? XDP_PASS_ALL : XDP_NONE;
    n->driver.copybreak = (int64_t)stream_below(s, 1600);
    h->dma.mps = 128 << stream_below(s, 4);
    h->dma.latency = (int64_t)stream_below(s, 1000000);
    h->irq.delivery = (int64_t)stream_below(s, 1000000);
    h->cpu.cstate_exit_latency = (int64_t)stream_below(s, 100000000);
    h->sched.ipi_latency = (int64_t)stream_below(s, 1000000);
    h->tap.taps = (int64_t)stream_below(s, 3);
    h->netfilter.raw.rules = (int64_t)stream_below(s, 2) * 10;
    h->netfilter.input.rules = (int64_t)stream_below(s, 2) * 100;
    h->conntrack.on = (int64_t)stream_below(s, 2);
    c->app[0].app.read_size = 1 + (int64_t)stream_below(s, 2000);
}

START_TEST(so_it_does_whatever_the_parts_are)
{
    struct stream s;
    struct config c;

    stream_seed(&s, (uint64_t)_i, 0, "journey");
    machine_load(&c, "one-frame.yaml", "");
    random_machine(&c, &s);
    check_against_the_sum(&c);
    machine_release(&c);
}
END_TEST

/* A thousand of them, far enough apart that each finds the machine idle: all alike. One in 16 pays for the refill of
 * the sk_buff cache, one in 16 for the ring's, and only the first for the socket's memory, so those are set to nothing. */
START_TEST(every_lone_frame_is_like_the_first)
{
    struct config c;
    struct result r;

    machine_load(&c, "one-frame.yaml", "traffic.frames=1000 run.duration=1001ms kernel.hz=100 cost.skb.heads=0cycles "
                 "cost.udp.schedule_memory=0cycles "
                 "cost.driver.refill=0cycles cost.driver.refill_frame=0cycles cost.timer.tick=0cycles");
    c.host->cpu.tick_phase = 5 * MS;
    machine_run(&c, NULL, &r);
    CHECK_EQ(r.packets, 1000);
    for (int i = 1; i < 1000; i++) {
        const struct result_packet *a = &r.packet[0], *p = &r.packet[i];
        CHECK_EQ(p->t_wire - a->t_wire, i * 1 * MS);
        CHECK_EQ(p->t_app - p->t_wire, a->t_app - a->t_wire);
        CHECK_EQ(p->t_stack - p->t_poll, a->t_stack - a->t_poll);
    }
    result_free(&r);
    machine_release(&c);
}
END_TEST

Suite *journey_suite(void);
Suite *journey_suite(void)
{
    Suite *s = suite_create("journey");
    TCase *t = tcase_create("journey");

    tcase_add_test(t, one_frame_takes_the_sum_of_its_parts);
    tcase_add_loop_test(t, so_it_does_whatever_the_parts_are, 1, 201);
    tcase_add_test(t, every_lone_frame_is_like_the_first);
    suite_add_tcase(s, t);
    return s;
}
