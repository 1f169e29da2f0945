/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DMA over PCIe: the frame and then its descriptor are written to memory.
 *
 * In    dma_write()      a descriptor was found for a frame
 * Out   when both are visible to the CPU; the bus is busy until free_at
 *
 * A frame of n bytes takes n + 24 bytes of header for each TLP of at most `pcie.mps`, and its completion
 * descriptor_bytes + 24, at the usable rate of the link; then the latency of a posted write. (Constants:
 * Neugebauer et al., SIGCOMM 2018.) The FCS is not written.
 * Not modelled: reads of descriptors (prefetched), credits, IOMMU, DDIO and its capacity. */
#ifndef MODELS_DMA_H
#define MODELS_DMA_H

#include "models/config.h"

struct dma_params {
    int64_t bandwidth;
    int64_t mps;
    int64_t tlp_header;
    int64_t descriptor;
    int64_t latency;
};
extern const struct model_info dma_model;

struct dma {
    const struct dma_params *params;
    ps_t free_at;
    int64_t cached_bytes;       /* last size and its time: most traffic repeats sizes */
    ps_t cached_time;
};

/* Works out the time of `bytes`. */
void dma_size(struct dma *d, int64_t bytes);
/* Starts writing `bytes` at `start` (>= free_at); returns when the completion is visible. */
static inline ps_t dma_write(struct dma *d, ps_t start, int64_t bytes)
{
    if (bytes != d->cached_bytes)
        dma_size(d, bytes);
    d->free_at = start + d->cached_time;
    return d->free_at + d->params->latency;
}

#endif
