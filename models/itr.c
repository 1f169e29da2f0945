/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/itr.h"

#include <stddef.h>

#define GBPS INT64_C(1000000000)

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

static int64_t round_up(int64_t n, int64_t d)
{
    return (n + d - 1) / d;
}

/* ---- ixgbe and i40e ---- */

enum {
    INC_US = 2, MAX_US = 126,               /* IXGBE_ITR_ADAPTIVE_.., I40E_ITR_ADAPTIVE_.. */
    IXGBE_MIN_US = 10, IXGBE_START_US = 50, /* IXGBE_20K_ITR */
    I40E_MIN_US = 2, I40E_START_US = 50,    /* I40E_ITR_20K */
    I40E_COUNTDOWN = 3,
    LATENCY_PACKETS = 4, LATENCY_BYTES = 9000,
};

/* A packet of so many bytes against the memory of a socket: the drivers' approximation of an interval, times 256. */
struct size_curve { int64_t small, small_value, slope_end, slope_offset, flat_from; };
static const struct size_curve ixgbe_curve = { 60, 5120, 316, 2720, 1968 };
static const struct size_curve i40e_curve = { 60, 4096, 380, 1696, 1981 };

static int64_t by_size(const struct size_curve *c, int64_t bytes)
{
    if (bytes <= c->small)
        return c->small_value;
    if (bytes <= c->slope_end)
        return 40 * bytes + c->slope_offset;
    if (bytes <= 1084)
        return 15 * bytes + 11452;
    return bytes < c->flat_from ? 5 * bytes + 22420 : 32256;
}

/* At 1 and 2.5 Gbit/s the curve is cut off, so that the interval stays in its field. */
static int64_t ixgbe_by_size(const struct itr *t, int64_t bytes, bool latency)
{
    bool slow = t->link == 1 * GBPS || t->link == 2500000000;
    int64_t w = by_size(&ixgbe_curve, bytes) >> latency;

    return round_up(slow ? at_most(w, 8064) : w, INC_US * (slow ? 64 : 256)) * INC_US;
}

static struct itr_half ixgbe_wants(const struct itr *t, const struct itr_half *h, int64_t packets, int64_t bytes)
{
    bool few = packets < LATENCY_PACKETS && bytes < LATENCY_BYTES;
    int64_t half = t->us / 2;

    if (packets == 0)
        return (struct itr_half){ .us = at_most(t->us + INC_US, MAX_US), .latency = h->latency };
    if (few || packets >= 256)
        return (struct itr_half){ .us = ixgbe_by_size(t, bytes / packets, few), .latency = few };
    if (packets < 48)
        return (struct itr_half){ .us = at_most(t->us + INC_US, MAX_US) };
    if (packets < 96)
        return (struct itr_half){ .us = t->us };
    return (struct itr_half){ .us = half < IXGBE_MIN_US ? IXGBE_MIN_US : half };
}

static void ixgbe_update(const struct itr *t, struct itr_half *h, int64_t packets, int64_t bytes, int64_t jiffies)
{
    if (jiffies > h->next_update)
        *h = (struct itr_half){ .us = IXGBE_MIN_US, .latency = true };
    else
        *h = ixgbe_wants(t, h, packets, bytes);
    h->next_update = jiffies + 1;
}

enum { IXGBE_LATENCY = 0x80 };              /* IXGBE_ITR_ADAPTIVE_LATENCY */

/* The driver compares the halves with their flags: one without beats one with it. */
static int64_t ixgbe_wanted(const struct itr_half *h)
{
    return h->us | (h->latency ? IXGBE_LATENCY : 0);
}

static void ixgbe(struct itr *t, int64_t packets, int64_t bytes, int64_t jiffies)
{
    ixgbe_update(t, &t->tx, 0, 0, jiffies);
    ixgbe_update(t, &t->rx, packets, bytes, jiffies);
    t->us = at_most(ixgbe_wanted(&t->rx), ixgbe_wanted(&t->tx)) & ~IXGBE_LATENCY;
}

static int64_t i40e_by_size(const struct itr *t, int64_t bytes, bool latency)
{
    int64_t divisor = t->link == 40 * GBPS ? 1024 : t->link == 25 * GBPS || t->link == 20 * GBPS ? 512 :
                      t->link <= 1 * GBPS ? 32 : 256;

    return at_most(round_up(by_size(&i40e_curve, bytes) / (latency ? 2 : 1), INC_US * divisor) * INC_US, MAX_US);
}

enum { I40E_LATENCY = 0x8000 };             /* I40E_ITR_ADAPTIVE_LATENCY: the driver compares intervals with it */

static int64_t i40e_target(const struct itr_half *h)
{
    return h->us | (h->latency ? I40E_LATENCY : 0);
}

static int64_t i40e_current(const struct itr_half *h)
{
    return h->current | (h->current_latency ? I40E_LATENCY : 0);
}

/* The smaller register, or half of it, in steps of 2 us. */
static int64_t i40e_from_current(const struct itr *t, bool half)
{
    int64_t now = at_most(i40e_current(&t->tx), i40e_current(&t->rx)) & ~I40E_LATENCY;

    if (!half)
        return now;
    now = now / 2 & ~INT64_C(1);
    return now < I40E_MIN_US ? I40E_MIN_US : now;
}

/* What a half wants, from what it wanted. */
static void i40e_wants(const struct itr *t, struct itr_half *h, int64_t packets, int64_t bytes)
{
    bool rx = h == &t->rx, few = packets > 0 && packets < LATENCY_PACKETS && bytes < LATENCY_BYTES;

    if (rx && few && t->tx.latency) {
        h->us = i40e_by_size(t, bytes / packets, true);
        h->latency = true;
    } else if (!rx && h->us == MAX_US && !h->latency && t->rx.us == MAX_US) {
        h->latency = true;                  /* both at the end: receiving may relax */
    } else if (packets < 56) {
        h->us = at_most(h->us + INC_US, MAX_US);
    } else {
        h->us = packets <= 256 ? i40e_from_current(t, packets > 112) : i40e_by_size(t, bytes / packets, false);
        h->latency = false;
    }
}

static void i40e_update(struct itr *t, struct itr_half *h, int64_t packets, int64_t bytes, int64_t jiffies)
{
    if (jiffies > h->next_update) {
        h->us = h == &t->rx ? I40E_MIN_US : MAX_US;
        h->latency = true;
    } else if (t->countdown == 0) {
        i40e_wants(t, h, packets, bytes);
    }
    h->next_update = jiffies + 1;
}

/* One of the two registers a poll: the receive half's if it falls, the transmit half's if that falls or has more to rise,
 * else the receive half's. */
static struct itr_half *i40e_register(struct itr *t)
{
    int64_t rx = i40e_target(&t->rx) - i40e_current(&t->rx), tx = i40e_target(&t->tx) - i40e_current(&t->tx);

    if (rx < 0)
        return &t->rx;
    if (tx < 0 || rx < tx)
        return &t->tx;
    return rx > 0 ? &t->rx : NULL;
}

static void i40e(struct itr *t, int64_t packets, int64_t bytes, int64_t jiffies)
{
    i40e_update(t, &t->tx, 0, 0, jiffies);
    i40e_update(t, &t->rx, packets, bytes, jiffies);
    struct itr_half *h = i40e_register(t);
    if (h) {
        h->current = h->us;
        h->current_latency = h->latency;
        t->countdown = I40E_COUNTDOWN;
    } else if (t->countdown > 0) {
        t->countdown--;
    }
}

/* ---- igb and e1000e ---- */

enum {
    IGB_4K = 980, IGB_20K = 196, IGB_START = 648,   /* EITR, units of 250 ns */
    E1000E_4K = 4000, E1000E_20K = 20000,           /* interrupts a second */
};

static enum itr_class next_class(enum itr_kind kind, enum itr_class now, int64_t packets, int64_t bytes)
{
    int64_t size = bytes / packets;

    switch (now) {
    case ITR_LOWEST:
        return size > 8000 ? ITR_BULK : packets < 5 && bytes > 512 ? ITR_LOW : ITR_LOWEST;
    case ITR_LOW:
        if (bytes > 10000)
            return packets < 10 || size > 1200 ? ITR_BULK : packets > 35 ? ITR_LOWEST : ITR_LOW;
        return size > 2000 ? ITR_BULK : packets <= 2 && bytes < 512 ? ITR_LOWEST : ITR_LOW;
    case ITR_BULK:
        break;
    }
    if (bytes > 25000)
        return packets > 35 ? ITR_LOW : ITR_BULK;
    return bytes < (kind == ITR_IGB ? 1500 : 6000) ? ITR_LOW : ITR_BULK;
}

/* Mode 3: lowest counts as low. e1000e remembers what it counts as, igb what it was. */
static void igb_classes(struct itr *t, int64_t packets, int64_t bytes)
{
    if (t->link != 1 * GBPS) {
        t->value = IGB_4K;
        return;
    }
    if (packets > 0)
        t->class = next_class(t->kind, t->class, packets, bytes);
    t->value = t->class == ITR_BULK ? IGB_4K : IGB_20K;
}

static void igb_by_size(struct itr *t, int64_t packets, int64_t bytes)
{
    if (t->link != 1 * GBPS) {
        t->value = IGB_4K;
    } else if (packets > 0) {
        int64_t size = at_most(bytes / packets + 24, 3000);
        int64_t value = size > 300 && size < 1200 ? size / 3 : size / 2;
        t->value = value < IGB_20K ? IGB_20K : value;
    }
}

/* A higher rate of interrupts is approached in steps of a quarter of it. */
static void e1000e(struct itr *t, int64_t packets, int64_t bytes)
{
    if (packets > 0 && t->link == 1 * GBPS)
        t->class = next_class(t->kind, t->class, packets, bytes);
    if (t->class == ITR_LOWEST)
        t->class = ITR_LOW;
    int64_t rate = t->link != 1 * GBPS || t->class == ITR_BULK ? E1000E_4K : E1000E_20K;
    t->value = rate > t->value ? at_most(t->value + rate / 4, rate) : rate;
}

/* ---- all ---- */

void itr_init(struct itr *t, enum itr_kind kind, int64_t link, int queues)
{
    *t = (struct itr){
        .kind = kind, .link = link, .classes = kind == ITR_IGB && queues == 1, .us = IXGBE_START_US,
        .rx = { .us = MAX_US, .latency = true, .next_update = 1 }, .tx = { .us = MAX_US, .latency = true, .next_update = 1 },
        .value = kind == ITR_IGB ? IGB_START : E1000E_20K,
    };
    if (kind == ITR_I40E)
        t->rx = t->tx = (struct itr_half){ .us = I40E_START_US, .current = I40E_START_US, .next_update = 1 };
}

ps_t itr_interval(const struct itr *t)
{
    switch (t->kind) {
    case ITR_IXGBE:  return t->us * US;
    case ITR_I40E:   return t->rx.current * US;
    case ITR_IGB:    return t->value * 250 * NS;
    case ITR_E1000E: break;
    }
    return 1000000000 / (t->value * 256) * 256 * NS;        /* ITR counts 256 ns */
}

ps_t itr_update(struct itr *t, int64_t packets, int64_t bytes, int64_t jiffies)
{
    switch (t->kind) {
    case ITR_IXGBE:  ixgbe(t, packets, bytes, jiffies); break;
    case ITR_I40E:   i40e(t, packets, bytes, jiffies); break;
    case ITR_IGB:
        if (t->classes)
            igb_classes(t, packets, bytes);
        else
            igb_by_size(t, packets, bytes);
        break;
    case ITR_E1000E: e1000e(t, packets, bytes); break;
    }
    return itr_interval(t);
}
