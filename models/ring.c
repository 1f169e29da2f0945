/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/ring.h"

#include "models/host_config.h"

static const char *const empty_modes[] = { "drop", "hold", NULL };

static const struct param rows[] = {
    PARAM(struct ring_params, rx, "nic.ring.rx", UNIT_COUNT, 512, 16, 32768,
          "RX descriptors of a queue; more absorb longer bursts, and hold more memory and latency",
          "ethtool -G rx; ixgbe.h: default 512, 82599 takes 64 to 4096 or 8192"),
    PARAM(struct ring_params, max, "nic.ring.max", UNIT_COUNT, 32768, 16, 32768,
          "most RX descriptors the NIC takes: a larger nic.ring.rx is refused",
          "ethtool -g, pre-set maximum; the NIC's file has it, 32768 is the largest of any (ixgbe's X550)"),
    PARAM(struct ring_params, reserved, "nic.ring.reserved", UNIT_COUNT, 1, 0, 1,
          "slots always kept empty", "Intel: head == tail means none, so N-1; mlx5: 0"),
    PARAM_CHOICE(struct ring_params, empty_mode, "nic.ring.empty", RING_EMPTY_DROP, empty_modes,
                 "no descriptor: drop the frame at once, or hold it in the FIFO and block all queues",
                 "82599 drop_en; ixgbe sets it with several queues and no pause frames"),
    PARAM(struct ring_params, refill_batch, "nic.ring.refill_batch", UNIT_COUNT, 16, 0, 4096,
          "empty descriptors that make the poll refill in its loop; 0: only at the end",
          "IXGBE_RX_BUFFER_WRITE, E1000_RX_BUFFER_WRITE: 16"),
    PARAM(struct ring_params, refill_at_end, "nic.ring.refill_at_end", UNIT_COUNT, 0, 0, 4096,
          "the end of a poll refills if at least so many are empty; 0: it does not",
          "ixgbe: no; igb and e1000e: 1; mlx5: wqe_bulk"),
    PARAM(struct ring_params, tail_multiple, "nic.ring.tail_multiple", UNIT_COUNT, 1, 1, 256,
          "the tail register is written only at multiples of this index", "e1000e: 16; ice: 8; others 1"),
    PARAM(struct ring_params, writeback, "nic.ring.writeback", UNIT_COUNT, 1, 1, 64,
          "kind gap: descriptors written back together while the gap runs, those left at its end; 1: each by itself",
          "igb: WTHRESH 4; i40e and ice: a cache line of 64 B; 1 keeps frames visible as they come"),
    PARAM(struct ring_params, buffer, "nic.ring.buffer", UNIT_BYTES, 0, 0, 16384,
          "bytes a receive buffer takes; a longer frame uses several descriptors; 0: a buffer takes any frame",
          "ours: any; ixgbe and i40e: 2048, above MTU 1500 3072, igb: 2048; e1000e, mlx5's linear RQ: a frame"),
};
ALL_FIELDS_HAVE_ROWS(struct ring_params, rows);

static const struct counter counter_rows[] = {
    COUNTER(struct ring_counters, rx_packets, "rx_packets", "ethtool -S, ip -s link", "frames the driver took"),
    COUNTER(struct ring_counters, rx_bytes, "rx_bytes", "ethtool -S, ip -s link", "their bytes without FCS"),
    COUNTER(struct ring_counters, rx_no_desc, "rx_no_desc",
            "ethtool -S: ixgbe rx_no_dma_resources, igb rx_queue_N_drops, i40e rx_missed_errors, mlx5 "
            "rx_out_of_buffer", "frames dropped because no descriptor was posted"),
};
ALL_COUNTERS_HAVE_ROWS(struct ring_counters, counter_rows);

const struct model_info ring_model = {
    .name = "ring", .step = "1", .what = "the descriptors lent to the NIC",
    .scope = SCOPE_NIC, .params_at = offsetof(struct nic_config, ring), .params = rows, .n_params = ROWS(rows),
    .counters = counter_rows, .n_counters = ROWS(counter_rows),
};

void ring_init(struct ring *r, const struct ring_params *p)
{
    *r = (struct ring){
        .params = p, .single = p->buffer > 0 ? p->buffer : INT32_MAX, .next_to_use = p->rx - p->reserved,
    };
    ring_write_tail(r);
}
