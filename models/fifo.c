/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/fifo.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct fifo_params, size, "nic.fifo", UNIT_BYTES, 512 << 10, 0, 64 << 20,
          "packet buffer between MAC and DMA; 0: a frame that cannot go on at once is lost",
          "82599 datasheet: 512 KB"),
};
ALL_FIELDS_HAVE_ROWS(struct fifo_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct fifo_counters, rx_missed_errors, "rx_missed_errors", "ethtool -S, ip -s -s link (missed)",
            "frames lost because the packet buffer was full"),
    COUNTER(struct fifo_counters, rx_no_buffer_count, "rx_no_buffer_count", "ethtool -S (e1000e, igb)",
            "times a frame found no descriptor and waited in the packet buffer: not a loss"),
};
ALL_COUNTERS_HAVE_ROWS(struct fifo_counters, counter_rows);

const struct model_info fifo_model = {
    .name = "fifo", .step = "1", .what = "the NIC's packet buffer",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, fifo), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};
