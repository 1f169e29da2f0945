/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/listen.h"

#include <stdio.h>
#include <string.h>

#include "models/client.h"
#include "tests/machine.h"
#include "tests/suite.h"

/* One core for the NIC, one for a program that accepts; clients 100 us away, one connection each 100 us unless a test says
 * otherwise. Frames of 1 us on the wire at 1 Gbit/s are nothing beside that. Costs are those of the shipped machine. */
static const char churn[] =
    "version: 1\n"
    "run: {duration: 20ms, cost_cv: 0}\n"
    "cpu: {count: 2}\n"
    "traffic[web]: {kind: connect, rate: 10kpps, flows: 400, bytes: 100B, frame: 1518B, rtt: 100us, frames: 100, offset: off}\n"
    "app[srv]: {proto: tcp, cpu: 1}\n";

static struct result r;

static uint64_t counter(const char *name)
{
    return result_counter(&r, NULL, name);
}

/* Runs with settings, twice, with and without short ways; the result is left in `r`. */
static void run(const char *settings)
{
    struct config c;

    machine_parse(&c, churn, settings);
    machine_run_both(&c, 1, &r);
    machine_release(&c);
}

/* A hundred connections that meet no limit: each is established, accepted, read and closed by both. On our wire each sends
 * SYN, ACK, request, FIN and the ACK of our FIN. */
START_TEST(a_connection_comes_and_goes)
{
    run("");
    CHECK_EQ(counter("connects"), 100);
    CHECK_EQ(counter("established"), 100);
    CHECK_EQ(counter("completed"), 100);
    CHECK_EQ(counter("TcpPassiveOpens"), 100);
    CHECK_EQ(counter("messages"), 100);
    CHECK_EQ(counter("bytes"), 100 * 100);
    CHECK_EQ(r.ledger.offered, 500);
    CHECK_EQ(machine_fate(&r, FATE_DELIVERED), 100);
    CHECK_EQ(machine_fate(&r, FATE_TCP_CONTROL), 200);
    CHECK_EQ(machine_fate(&r, FATE_TCP_PURE_ACK), 200);
    CHECK_EQ(counter("TcpExtListenDrops"), 0);
    /* SYN-ACK, ACK of the request, of the FIN, and our FIN */
    CHECK_EQ(counter("TcpOutSegs"), 400);
    result_free(&r);
}
END_TEST

/* A lone connection, all costs 0 but the path: SYN on the wire at 50 us (half a round trip after the client's connect()), ACK
 * and request 100 us after our SYN-ACK, the client's last ACK 100 us after our FIN: between the first and the last frame's
 * start are two round trips, and what our host takes. */
START_TEST(a_round_trip_is_the_paths)
{
    struct config c;
    struct host h;

    machine_parse(&c, churn, "traffic.frames=1 traffic.close=server");
    machine_host(&c, &h);
    CHECK_EQ(host_ledger(&h).offered, 4);       /* SYN, ACK, request, FIN with the last ACK */
    ck_assert_int_ge(h.last_arrival, 50 * US + 200 * US);
    ck_assert_int_lt(h.last_arrival, 50 * US + 200 * US + 60 * US);
    host_free(&h);
    machine_release(&c);
}
END_TEST

/* The program works 1 ms on each, a tenth of what comes: with a backlog of 5 the accept queue takes 6 (full is above it), and
 * one is served. What comes then is refused with its SYN, counted in both. The clients try again after a second. */
START_TEST(a_slow_application_fills_its_accept_queue)
{
    run("app.accept_work=1ms app.backlog=5 run.drain=0ms");
    CHECK_EQ(counter("TcpExtListenOverflows"), machine_fate(&r, FATE_LISTEN_OVERFLOW));
    CHECK_EQ(counter("TcpExtListenDrops"), machine_fate(&r, FATE_LISTEN_OVERFLOW));
    /* ten milliseconds of SYNs: ten served at most, and seven more taken in */
    ck_assert_uint_ge(counter("TcpExtListenDrops"), 80);
    ck_assert_uint_le(counter("TcpPassiveOpens"), 19 + 7);
    ck_assert_uint_ge(counter("TcpPassiveOpens"), 9 + 6);
    CHECK_EQ(counter("TcpExtTCPReqQFullDrop"), 0);
    result_free(&r);
    run("app.accept_work=1ms app.backlog=200 run.drain=0ms");
    CHECK_EQ(counter("TcpExtListenDrops"), 0);
    CHECK_EQ(counter("TcpPassiveOpens"), 100);
    result_free(&r);
}
END_TEST

/* somaxconn bounds what listen() asks for: 5 again. */
START_TEST(somaxconn_bounds_the_backlog)
{
    uint64_t drops[2];

    for (int i = 0; i < 2; i++) {
        run(i ? "app.accept_work=1ms app.backlog=4096 net.core.somaxconn=5 run.drain=0ms"
              : "app.accept_work=1ms app.backlog=5 run.drain=0ms");
        drops[i] = counter("TcpExtListenDrops");
        result_free(&r);
    }
    ck_assert_uint_gt(drops[0], 0);
    CHECK_EQ(drops[0], drops[1]);
}
END_TEST

/* The accept queue fills after the SYNs were answered: twenty connects at once, a backlog of 20 for requests, and nobody
 * accepts for long. 21 would fit, so nothing is lost; with a backlog of 10 the SYN queue is full at ten requests (cookies
 * off), and the other ten SYNs are dropped before the accept queue is asked. */
START_TEST(the_syn_queue_is_full_at_the_backlog)
{
    run("traffic.rate=10Mpps traffic.frames=20 app.backlog=10 net.ipv4.tcp_syncookies=0 app.accept_work=100ms run.drain=0ms");
    CHECK_EQ(machine_fate(&r, FATE_REQ_QUEUE_FULL), 10);
    CHECK_EQ(counter("TcpExtTCPReqQFullDrop"), 10);
    CHECK_EQ(counter("TcpExtListenDrops"), 10);
    CHECK_EQ(counter("TcpExtListenOverflows"), 0);
    CHECK_EQ(counter("TcpPassiveOpens"), 10);
    result_free(&r);
}
END_TEST

/* Cookies: the ten beyond are answered without being kept, and their ACKs make connections while the accept queue takes them:
 * one is being served, 11 wait, so of twenty ACKs eight are dropped, each with its request behind it. */
START_TEST(cookies_answer_what_the_syn_queue_does_not_hold)
{
    run("traffic.rate=10Mpps traffic.frames=20 app.backlog=10 app.accept_work=100ms run.drain=0ms");
    CHECK_EQ(counter("TcpExtSyncookiesSent"), 10);
    CHECK_EQ(counter("TcpExtTCPReqQFullDoCookies"), 10);
    CHECK_EQ(counter("TcpPassiveOpens"), 12);
    CHECK_EQ(machine_fate(&r, FATE_REQ_QUEUE_FULL), 0);
    CHECK_EQ(counter("TcpExtListenOverflows"), machine_fate(&r, FATE_LISTEN_OVERFLOW));
    CHECK_EQ(machine_fate(&r, FATE_LISTEN_OVERFLOW), 3 * 8);    /* ACK, request and FIN of each try again */
    result_free(&r);
    run("traffic.rate=10Mpps traffic.frames=20 net.ipv4.tcp_syncookies=2");
    CHECK_EQ(counter("TcpExtSyncookiesSent"), 20);
    CHECK_EQ(counter("TcpExtSyncookiesRecv"), 20);
    CHECK_EQ(counter("completed"), 20);
    result_free(&r);
}
END_TEST

/* Without cookies a quarter of tcp_max_syn_backlog is for peers that are known: of 40, requests 31 and later are refused when
 * fewer than 10 are left: 40 - n < 10 from n = 31 on. Not in TCPReqQFullDrop. With cookies the limit does not exist. */
START_TEST(the_last_quarter_of_max_syn_backlog_is_for_known_peers)
{
    run("traffic.rate=10Mpps traffic.frames=50 net.ipv4.tcp_max_syn_backlog=40 net.ipv4.tcp_syncookies=0 run.drain=0ms");
    CHECK_EQ(machine_fate(&r, FATE_REQ_QUEUE_FULL), 50 - 31);
    CHECK_EQ(counter("TcpExtListenDrops"), 50 - 31);
    CHECK_EQ(counter("TcpExtTCPReqQFullDrop"), 0);
    result_free(&r);
    run("traffic.rate=10Mpps traffic.frames=50 net.ipv4.tcp_max_syn_backlog=40");
    CHECK_EQ(counter("TcpExtListenDrops"), 0);
    result_free(&r);
}
END_TEST

/* A flood of 100 000 forged SYNs a second beside the clients. The requests that never complete fill the SYN queue. Without
 * cookies no client gets in any more; with them nearly all do. */
START_TEST(cookies_keep_a_flooded_server_reachable)
{
    static const char flood[] = "traffic[flood].kind=connect traffic[flood].flood=on traffic[flood].rate=100kpps "
                                "traffic[flood].flows=20000 traffic[flood].saddr=10.9.9.9 traffic[flood].frames=0 "
                                "app.backlog=64 traffic[web].start=5ms run.duration=16ms run.drain=5ms ";
    char settings[512];

    snprintf(settings, sizeof settings, "%snet.ipv4.tcp_syncookies=0", flood);
    run(settings);
    CHECK_EQ(result_counter(&r, "traffic.web", "completed"), 0);
    ck_assert_uint_gt(counter("TcpExtTCPReqQFullDrop"), 1000);
    result_free(&r);
    snprintf(settings, sizeof settings, "%snet.ipv4.tcp_syncookies=1", flood);
    run(settings);
    CHECK_EQ(result_counter(&r, "traffic.web", "completed"), 100);
    CHECK_EQ(counter("TcpExtSyncookiesRecv"), 100);
    CHECK_EQ(counter("TcpExtTCPReqQFullDrop"), 0);
    result_free(&r);
}
END_TEST

/* ---- TIME_WAIT ---- */

/* Who closes first keeps it: the server's connections stay, 60 s long, and at most tcp_max_tw_buckets of them. */
START_TEST(the_first_to_close_keeps_time_wait)
{
    static const struct { const char *settings; int waiting; uint64_t overflow; } row[] = {
        { "", 0, 0 }, { "traffic.close=server", 100, 0 }, { "traffic.close=server net.ipv4.tcp_max_tw_buckets=30", 30, 70 },
    };

    for (size_t i = 0; i < ROWS(row); i++) {
        struct config c;
        struct host h;
        machine_parse(&c, churn, row[i].settings);
        machine_host(&c, &h);
        CHECK_EQ(h.listen.time_wait.length, row[i].waiting);
        CHECK_EQ(h.listen.counters.TCPTimeWaitOverflow, row[i].overflow);
        CHECK_EQ(h.listen.client[0].counters.completed, 100);
        host_free(&h);
        machine_release(&c);
    }
}
END_TEST

/* Connections at 60 s distance and one a second later: the first TIME_WAIT is over when the run ends. */
START_TEST(time_wait_lasts_sixty_seconds)
{
    static const struct { const char *duration; uint64_t over; } row[] = { { "run.duration=60s", 0 }, { "run.duration=60100ms", 1 } };

    for (int i = 0; i < 2; i++) {
        struct config c;
        struct host h;
        machine_parse(&c, churn, "traffic.close=server traffic.frames=1 cpu.count=2");
        machine_release(&c);
        machine_parse(&c, churn, row[i].duration);
        c.traffic[0].client.close = SERVER_CLOSES_FIRST;
        c.traffic[0].traffic.frames = 1;
        machine_host(&c, &h);
        CHECK_EQ(h.listen.counters.TW, row[i].over);
        host_free(&h);
        machine_release(&c);
    }
}
END_TEST

/* One port for all connections, the server closes first: its entry is used again while its timer runs. */
START_TEST(a_port_may_come_back_while_its_time_wait_is_timed)
{
    run("traffic.flows=1 traffic.close=server");
    ck_assert_uint_gt(r.ledger.offered, 0);
    result_free(&r);
}
END_TEST

/* Ten ports for a hundred connections: a SYN for one in TIME_WAIT is taken, and past a backlog that is full for others. */
START_TEST(a_syn_replaces_a_connection_in_time_wait)
{
    run("traffic.close=server traffic.flows=10");
    CHECK_EQ(counter("completed"), 100);
    CHECK_EQ(counter("TcpExtListenDrops"), 0);
    result_free(&r);
    /* with a backlog of 0 every request is one too many, so that all of the first ten are cookies; afterwards none */
    run("traffic.close=server traffic.flows=10 app.backlog=0");
    CHECK_EQ(counter("TcpExtSyncookiesSent"), 10);
    CHECK_EQ(counter("completed"), 100);
    result_free(&r);
}
END_TEST

/* ---- what is not there ---- */

START_TEST(nobody_listens_and_the_client_is_reset)
{
    run("app.port=99");
    CHECK_EQ(machine_fate(&r, FATE_NO_SOCKET), 100);
    CHECK_EQ(counter("resets"), 100);
    CHECK_EQ(counter("established"), 0);
    result_free(&r);
}
END_TEST

/* A request that the ring lost comes again: 200 ms and a round trip later, and the connection ends well. Ten descriptors for
 * a burst of twenty connections. */
START_TEST(a_lost_request_comes_again)
{
    run("traffic.rate=10Mpps traffic.frames=40 nic.ring.rx=64 nic.coalesce.rx-usecs=400us run.duration=1500ms "
        "run.drain=2000ms cost.driver.frame=4us");
    ck_assert_uint_gt(machine_fate(&r, FATE_RX_NO_DESC), 0);
    ck_assert_uint_gt(counter("retransmits") + counter("syn_retransmits"), 0);
    CHECK_EQ(counter("completed"), 40);
    result_free(&r);
}
END_TEST

START_TEST(a_request_is_one_segment)
{
    struct config c;
    char why[256] = "";

    machine_parse(&c, churn, "");
    c.traffic[0].traffic.bytes = 1449;
    ck_assert_ptr_nonnull(config_check(&c, why, sizeof why));
    ck_assert_msg(strstr(why, "more than one segment") != NULL, "%s", why);
    c.traffic[0].traffic.bytes = 1448;
    ck_assert_ptr_null(config_check(&c, why, sizeof why));
    machine_release(&c);
}
END_TEST

SUITE(listen, a_connection_comes_and_goes, a_round_trip_is_the_paths, a_slow_application_fills_its_accept_queue,
      somaxconn_bounds_the_backlog, the_syn_queue_is_full_at_the_backlog, cookies_answer_what_the_syn_queue_does_not_hold,
      the_last_quarter_of_max_syn_backlog_is_for_known_peers, cookies_keep_a_flooded_server_reachable,
      the_first_to_close_keeps_time_wait, time_wait_lasts_sixty_seconds, a_port_may_come_back_while_its_time_wait_is_timed,
      a_syn_replaces_a_connection_in_time_wait,
      nobody_listens_and_the_client_is_reset, a_lost_request_comes_again, a_request_is_one_segment)
