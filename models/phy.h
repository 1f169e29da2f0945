/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PHY: signal to bits, a fixed delay (PCS, FEC and PMA together).
 *
 * In, out   phy_delay(): added to the arrival of the last bit
 * Not modelled: bit errors (traffic damages frames at a stated rate), FEC statistics. */
#ifndef MODELS_PHY_H
#define MODELS_PHY_H

#include "models/config.h"

struct phy_params {
    int64_t delay;
};
extern const struct model_info phy_model;

static inline ps_t phy_delay(const struct phy_params *p) { return p->delay; }

#endif
