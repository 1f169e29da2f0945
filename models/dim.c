/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/dim.h"

#include <stddef.h>

enum {
    NEVENTS = 64,               /* DIM_NEVENTS */
    SIGNIFICANT = 10,           /* percent, IS_SIGNIFICANT_DIFF */
    TIRED = 2 * DIM_LEVELS,     /* steps, NET_DIM_PARAMS_NUM_PROFILES * 2 */
    ICE_STALE_US = 1000000,     /* __ice_update_sample() */
};

/* NET_DIM_RX_EQE_PROFILES, NET_DIM_RX_CQE_PROFILES, ice's rx_profile. */
static const struct dim_level levels[][DIM_LEVELS] = {
    [DIM_PROFILE_EQE] = { { 1 * US, 256 }, { 8 * US, 256 }, { 64 * US, 256 }, { 128 * US, 256 }, { 256 * US, 256 } },
    [DIM_PROFILE_CQE] = { { 2 * US, 256 }, { 8 * US, 128 }, { 16 * US, 64 }, { 32 * US, 64 }, { 64 * US, 64 } },
    [DIM_PROFILE_ICE] = { { 2 * US, 0 }, { 8 * US, 0 }, { 16 * US, 0 }, { 62 * US, 0 }, { 126 * US, 0 } },
};

struct dim_level dim_level(enum dim_profile profile, int level)
{
    return levels[profile][level];
}

/* ice sets its index to what it has programmed; the others begin at 0 with level 1 in the hardware. */
void dim_init(struct dim *d, enum dim_profile profile)
{
    *d = (struct dim){ .profile = profile, .level = profile == DIM_PROFILE_ICE ? DIM_FIRST_LEVEL : 0 };
}

/* ---- better or worse ---- */

enum verdict { WORSE, SAME, BETTER };

static bool significant(int64_t now, int64_t last)
{
    int64_t difference = now > last ? now - last : last - now;

    return 100 * difference / last > SIGNIFICANT;
}

/* Bytes first, then packets; a rate that was 0 and is not is better, one that stays 0 leaves all the same. */
static enum verdict compare(const struct dim_rates *now, const struct dim_rates *last)
{
    if (last->bytes == 0)
        return now->bytes > 0 ? BETTER : SAME;
    if (significant(now->bytes, last->bytes))
        return now->bytes > last->bytes ? BETTER : WORSE;
    if (last->packets == 0)
        return now->packets > 0 ? BETTER : SAME;
    if (significant(now->packets, last->packets))
        return now->packets > last->packets ? BETTER : WORSE;
    if (last->events == 0 || !significant(now->events, last->events))
        return SAME;
    return now->events < last->events ? BETTER : WORSE;
}

/* ---- steps ---- */

static void turn(struct dim *d)
{
    if (d->tune == DIM_GOING_RIGHT) {
        d->tune = DIM_GOING_LEFT;
        d->steps_left = 0;
    } else {
        d->tune = DIM_GOING_RIGHT;
        d->steps_right = 0;
    }
}

/* It has come here by several steps one way, gone one further, and been turned back. */
static bool on_top(const struct dim *d)
{
    if (d->tune == DIM_GOING_RIGHT)
        return d->steps_left > 1 && d->steps_right == 1;
    return d->steps_right > 1 && d->steps_left == 1;
}

static void park(struct dim *d, enum dim_tune where)
{
    d->steps_right = d->steps_left = 0;
    if (where == DIM_PARKING_ON_TOP)
        d->tired = 0;
    d->tune = where;
}

/* A step, or a place to stay: too tired comes before the edge. */
static void step(struct dim *d)
{
    bool right = d->tune == DIM_GOING_RIGHT;

    if (d->tired == TIRED) {
        park(d, DIM_PARKING_TIRED);
    } else if (d->level == (right ? DIM_LEVELS - 1 : 0)) {
        park(d, DIM_PARKING_ON_TOP);
    } else {
        d->level += right ? 1 : -1;
        *(right ? &d->steps_right : &d->steps_left) += 1;
        d->tired++;
    }
}

/* From where it is parked there is room this way, and it is not tired: park() or the countdown has seen to that. */
static void leave(struct dim *d)
{
    d->tune = d->level > 0 ? DIM_GOING_LEFT : DIM_GOING_RIGHT;
    step(d);
}

bool dim_decide(struct dim *d, const struct dim_rates *now)
{
    bool stayed = d->tune == DIM_PARKING_ON_TOP;
    int level = d->level;

    switch (d->tune) {
    case DIM_PARKING_ON_TOP:
        if (compare(now, &d->last) != SAME)
            leave(d);
        break;
    case DIM_PARKING_TIRED:
        if (--d->tired == 0)
            leave(d);
        break;
    case DIM_GOING_RIGHT:
    case DIM_GOING_LEFT:
        if (compare(now, &d->last) != BETTER)
            turn(d);
        if (on_top(d))
            park(d, DIM_PARKING_ON_TOP);
        else
            step(d);
        break;
    }
    if (!stayed || d->tune != DIM_PARKING_ON_TOP)   /* while parked on top, it is the top's rates that count */
        d->last = *now;
    return d->level != level;
}

/* ---- measuring ---- */

/* ktime_us_delta(): whole microseconds between two times in nanoseconds. */
static int64_t us_between(ps_t from, ps_t to)
{
    return (to / NS - from / NS) / 1000;
}

static int64_t per_ms(int64_t n, int64_t us)
{
    return (n * 1000 + us - 1) / us;
}

bool dim_sample(struct dim *d, const struct dim_sample *now)
{
    int64_t us = us_between(d->start.at, now->at);

    if (d->profile == DIM_PROFILE_ICE && us >= ICE_STALE_US)
        d->state = DIM_START_MEASURE;
    if (d->state == DIM_APPLY_NEW_PROFILE)
        return false;
    if (d->state == DIM_MEASURE_IN_PROGRESS) {
        if ((uint16_t)(now->events - d->start.events) < NEVENTS || us == 0)
            return false;
        struct dim_rates r = {
            .packets = per_ms((uint32_t)(now->packets - d->start.packets), us),
            .bytes = per_ms((uint32_t)(now->bytes - d->start.bytes), us),
            .events = per_ms(NEVENTS, us),
        };
        if (dim_decide(d, &r)) {
            d->state = DIM_APPLY_NEW_PROFILE;
            return true;
        }
    }
    d->start = *now;
    d->state = DIM_MEASURE_IN_PROGRESS;
    return false;
}

void dim_applied(struct dim *d)
{
    d->state = DIM_START_MEASURE;
}
