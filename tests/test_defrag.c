/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/defrag.h"

#include <stdio.h>

#include "models/app.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* Datagrams of 4000 bytes in three frames each. */
static const char base[] = "version: 1\ninclude: one-frame.yaml\ntraffic: {frame: 1518B, fragment: 4000B, rate: 300kpps}\n";

static struct result r;

static void run(const char *settings)
{
    struct config c;

    machine_parse(&c, base, settings);
    machine_run_both(&c, 1, &r);
    machine_release(&c);
}

static uint64_t counted(const char *name)
{
    return result_counter(&r, NULL, name);
}

/* Thirty fragments are ten datagrams: one recv() each, and the socket is charged all three truesizes. */
START_TEST(fragments_become_one_datagram)
{
    run("traffic.frames=30");
    CHECK_EQ(counted("IpInReceives"), 30);
    CHECK_EQ(counted("IpReasmReqds"), 30);
    CHECK_EQ(counted("IpReasmOKs"), 10);
    CHECK_EQ(counted("IpReasmFails"), 0);
    CHECK_EQ(counted("IpInDelivers"), 10);
    CHECK_EQ(counted("messages"), 10);
    CHECK_EQ(counted("bytes"), 40000);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 30);
    result_free(&r);
    /* SO_RCVBUF 10000 is 20000 bytes: the test comes before the charge, so 3 datagrams of 6912 fit */
    run("traffic.frames=30 app.kind=idle app.rcvbuf=10000B");
    CHECK_EQ(counted("UdpRcvbufErrors"), 7);
    CHECK_EQ(machine_fate(&r, FATE_SOCKET_RCVBUFF), 21);
    result_free(&r);
}
END_TEST

START_TEST(a_datagram_that_fits_in_a_frame_is_no_fragment)
{
    run("traffic.frames=10 traffic.fragment=1472B");
    CHECK_EQ(counted("IpReasmReqds"), 0);
    CHECK_EQ(counted("messages"), 10);
    CHECK_EQ(r.ledger.bytes[FATE_DELIVERED], 15180);
    result_free(&r);
}
END_TEST

/* The time of every end that is shown. */
struct ends { int n; ps_t at[64]; enum fate fate[64]; };

static void write_end(void *user, const struct frame *f, enum fate fate, ps_t now)
{
    struct ends *e = user;

    (void)f;
    e->at[e->n] = now;
    e->fate[e->n++] = fate;
}

/* Two of three fragments: both are given up ipfrag_time after the first came to IP, and not one picosecond before. */
START_TEST(a_datagram_waits_ipfrag_time_for_its_missing_fragments)
{
    struct ends e = { 0 };
    struct config c;
    struct host h;
    char why[256];

    machine_parse(&c, base, "traffic.frames=2 net.ipv4.ipfrag_time=3ms run.drain=50ms cost.ip.deliver=0ns "
                  "cost.netif.list_end=0ns");
    CHECK_EQ(host_init(&h, &c, 1, 0, true, why, sizeof why), 0);
    h.observer = (struct observer){ .frame_end = write_end, .user = &e, .drops_below = UINT64_MAX };
    ck_assert(host_run(&h, NULL, NULL));
    CHECK_EQ(e.n, 2);
    CHECK_EQ(e.fate[0], FATE_FRAG_REASM_TIMEOUT);
    CHECK_EQ(e.at[0], e.at[1]);
    CHECK_EQ(h.defrag.counters.ReasmTimeout, 1);
    CHECK_EQ(h.defrag.counters.ReasmFails, 1);
    CHECK_EQ(h.defrag.memory, 0);
    CHECK_EQ(host_in_flight(&h), 0);
    host_free(&h);

    CHECK_EQ(host_init(&h, &c, 1, 0, true, why, sizeof why), 0);
    struct skb s = { 0 };
    struct frame f = { .frags = 3 };
    struct context *x = &h.softirq[0].context;
    s.first = s.last = &f;
    s.truesize = 2304;
    x->cpu = &h.cpu[0];
    ck_assert_ptr_null(ip_defrag(x, &s));
    CHECK_EQ(h.defrag.memory, 2304 + 200);
    CHECK_EQ(event_when(&h.engine, &h.defrag.expire), 3 * MS);
    host_free(&h);
    machine_release(&c);
}
END_TEST

/* Every tenth frame is lost on the wire: what cannot be put together is given up, nothing stays, and no frame is counted
 * twice. */
START_TEST(what_a_loss_leaves_behind_is_given_up)
{
    run("traffic.frames=300 traffic.fcs_errors=100000 net.ipv4.ipfrag_time=1ms run.duration=5ms");
    uint64_t lost = machine_fate(&r, FATE_RX_CRC_ERRORS);
    ck_assert_uint_gt(lost, 10);
    CHECK_EQ(counted("IpReasmReqds"), 300 - lost);
    CHECK_EQ(counted("IpReasmOKs") + counted("IpReasmTimeout"), 100);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 3 * counted("IpReasmOKs"));
    CHECK_EQ(machine_fate(&r, FATE_FRAG_REASM_TIMEOUT), 300 - lost - 3 * counted("IpReasmOKs"));
    CHECK_EQ(r.ledger.in_flight, 0);
    result_free(&r);
}
END_TEST

/* A datagram of 41 fragments and room for less: the test comes before the charge. The queue has 200, so 200 + 4 * 2304 is
 * still below 10000 and 200 + 5 * 2304 is not: five are kept, the rest refused. */
START_TEST(beyond_high_thresh_every_fragment_is_refused)
{
    run("traffic.fragment=60000B traffic.frames=41 net.ipv4.ipfrag_high_thresh=10000B");
    CHECK_EQ(machine_fate(&r, FATE_FRAG_MEM), 36);
    CHECK_EQ(counted("IpReasmFails"), 36);
    CHECK_EQ(counted("IpReasmReqds"), 41);
    CHECK_EQ(r.ledger.in_flight, 5);
    result_free(&r);
    run("traffic.fragment=60000B traffic.frames=41");
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 41);
    result_free(&r);
}
END_TEST

/* A fragment of a later datagram with the same IP ID that is there already is dropped; another joins. */
START_TEST(a_fragment_that_is_there_already_is_dropped)
{
    struct config c;
    struct host h;
    char why[256];

    machine_parse(&c, base, "");
    CHECK_EQ(host_init(&h, &c, 1, 0, true, why, sizeof why), 0);
    struct context *x = &h.softirq[0].context;
    x->cpu = &h.cpu[0];
    for (int i = 0; i < 4; i++) {
        static const uint8_t place[4] = { 2, 0, 0, 1 };
        struct frame *f = pool_take(&h.frames);
        struct skb *s = pool_take(&h.skbs);
        *f = (struct frame){ .id = (uint64_t)i, .frag = place[i], .frags = 3, .wire_bytes = 64 };
        frame_unborn(f);
        f->frag = place[i];
        f->frags = 3;
        *s = (struct skb){ .first = f, .last = f, .frames = 1, .truesize = 2304, .len = 100 };
        struct skb *whole = ip_defrag(x, s);
        CHECK_EQ(whole != NULL, i == 3);
        if (whole) {
            CHECK_EQ(whole->first->frag, 0);            /* in their order, whatever came first */
            CHECK_EQ(whole->first->next->frag, 1);
            CHECK_EQ(whole->last->frag, 2);
            CHECK_EQ(whole->truesize, 3 * 2304);
            CHECK_EQ(whole->len, 100 + 80 + 80);
        }
    }
    CHECK_EQ(host_ledger(&h).frames[FATE_DUP_FRAG], 1);
    CHECK_EQ(h.defrag.memory, 0);
    host_free(&h);
    machine_release(&c);
}
END_TEST

SUITE(defrag, fragments_become_one_datagram, a_datagram_that_fits_in_a_frame_is_no_fragment,
      a_datagram_waits_ipfrag_time_for_its_missing_fragments, what_a_loss_leaves_behind_is_given_up,
      beyond_high_thresh_every_fragment_is_refused, a_fragment_that_is_there_already_is_dropped)
