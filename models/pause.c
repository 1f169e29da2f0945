/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/pause.h"

#include <stdlib.h>

#include "models/frame.h"
#include "models/host_config.h"
#include "models/wire.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct pause_params, tx, "nic.pause.tx", 0, "send pause frames when the packet buffer fills",
                 "ethtool -A tx; off here, negotiated by autoneg on many links"),
    PARAM(struct pause_params, high_water, "nic.pause.high_water", UNIT_BYTES, 448 << 10, 1, 64 << 20,
          "bytes in the packet buffer above which XOFF is sent; what is above must hold what still arrives",
          "assumption: 64 KiB of headroom in 512; ixgbe_hpbthresh works it out from cable, frame size and delays"),
    PARAM(struct pause_params, low_water, "nic.pause.low_water", UNIT_BYTES, 32 << 10, 0, 64 << 20,
          "bytes in the packet buffer at which XON is sent", "assumption; ixgbe_lpbthresh"),
    PARAM(struct pause_params, quanta, "nic.pause.quanta", UNIT_COUNT, 65535, 4, 65535,
          "pause time that an XOFF asks for, of 512 bits each; half of it later it is sent again",
          "ixgbe.h IXGBE_DEFAULT_FCPAUSE 0xFFFF; FCRTV is half of it"),
    PARAM(struct pause_params, reaction, "nic.pause.reaction", UNIT_TIME, 3072 * NS, 0, 1 * MS,
          "from a pause frame's end at the sender to the sender's obeying it",
          "IEEE 802.3 31B.3.7: at most 60 quanta at 10 Gbit/s"),
};
ALL_FIELDS_HAVE_ROWS(struct pause_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct pause_counters, tx_flow_control_xoff, "tx_flow_control_xoff",
            "ethtool -S (ixgbe, igb, e1000e: tx_flow_control_xoff; mlx5: tx_pause_ctrl_phy, with XON)",
            "pause frames sent to stop the sender, repeated ones too"),
    COUNTER(struct pause_counters, tx_flow_control_xon, "tx_flow_control_xon", "ethtool -S (ixgbe, igb, e1000e)",
            "pause frames of time 0 sent to let it go on"),
};
ALL_COUNTERS_HAVE_ROWS(struct pause_counters, counter_rows);

const struct model_info pause_model = {
    .name = "pause", .step = "1", .what = "flow control: a full packet buffer stops the sender",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, pause), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

enum { FIRST_ROOM = 8, QUANTUM_BYTES = 64 };

int pause_init(struct pause *p, const struct pause_params *params, int64_t link, ps_t path)
{
    *p = (struct pause){ .params = params, .again_at = PS_NEVER };
    if (!params->tx)
        return 0;
    p->delay = ps_of_bytes(WIRE_PREAMBLE + ETH_SHORTEST, link) + path + params->reaction;
    p->refresh = ps_of_bytes(params->quanta * QUANTUM_BYTES, link) / 2;
    p->room = FIRST_ROOM;
    p->change = malloc(FIRST_ROOM * sizeof *p->change);
    return p->change ? 0 : -1;
}

void pause_free(struct pause *p)
{
    free(p->change);
    p->change = NULL;
}

static ps_t nth_change(const struct pause *p, uint32_t n)
{
    return p->change[(p->head + n) & (p->room - 1)];
}

/* Doubles the ring; aborts when out of memory, as pools do: there is no answer to give without it. */
static void grow(struct pause *p)
{
    ps_t *larger = malloc(2 * (size_t)p->room * sizeof *larger);

    if (!larger)
        abort();
    for (uint32_t i = 0; i < p->count; i++)
        larger[i] = nth_change(p, i);
    free(p->change);
    p->change = larger;
    p->head = 0;
    p->room *= 2;
}

/* XOFF and XON take turns, so a time says all. */
static void send(struct pause *p, ps_t now)
{
    if (p->count == p->room)
        grow(p);
    p->change[(p->head + p->count++) & (p->room - 1)] = now + p->delay;
    p->asked = !p->asked;
    p->again_at = p->asked ? now + p->refresh : PS_NEVER;
    p->counters.tx_flow_control_xoff += p->asked;
    p->counters.tx_flow_control_xon += !p->asked;
}

void pause_filled(struct pause *p, int64_t used, ps_t now)
{
    if (p->params->tx && !p->asked && used > p->params->high_water)
        send(p, now);
}

void pause_drained(struct pause *p, int64_t used, ps_t now)
{
    if (!p->asked || used > p->params->low_water)
        return;
    pause_settle(p, now);
    send(p, now);
}

void pause_settle(struct pause *p, ps_t now)
{
    if (p->again_at > now)
        return;
    int64_t n = (now - p->again_at) / p->refresh + 1;
    p->counters.tx_flow_control_xoff += (uint64_t)n;
    p->again_at += n * p->refresh;
}

ps_t pause_start(const struct pause *p, ps_t start)
{
    bool stopped = p->stopped;

    for (uint32_t i = 0; i < p->count; i++) {
        ps_t at = nth_change(p, i);
        if (at > start && !stopped)
            return start;
        stopped = !stopped;
        if (at > start)
            start = at;                 /* an XON that it has waited for */
    }
    return stopped ? PS_NEVER : start;
}

void pause_started(struct pause *p, ps_t start)
{
    for (; p->count > 0 && nth_change(p, 0) <= start; p->count--) {
        p->head++;
        p->stopped = !p->stopped;
    }
}
