/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DMA over PCIe: the frame and then its descriptor are written to memory.
 *
 * In    dma_write()      a descriptor was found for a frame
 * Out   when both are visible to the CPU; the bus is busy until free_at
 *
 * A frame of n bytes takes n + 24 bytes of header for each TLP of at most `pcie.mps`, and its completion
 * descriptor_bytes + 24, at the usable rate of the link; then the latency of a posted write. (Constants:
 * Neugebauer et al., SIGCOMM 2018.) The FCS is not written.
 *
 * Behind an IOMMU each write needs its page's translation, of which the IOTLB holds pcie.iotlb. Rings use their buffers one
 * after the other, each in a page of its own: if all rings have more descriptors than that, the entry that is needed has
 * just been given up, every time; else none is ever missing. So a write is late by pcie.iotlb_miss, and holds the bus for
 * pcie.iotlb_hold, always or never. (Least recently used; Neugebauer et al. see the step at 64 pages.)
 * Not modelled: reads of descriptors (prefetched), credits, the IOTLB entries that descriptors and transmission need, what
 * mapping costs the driver (cost.driver.page), DDIO's capacity but in the driver. */
#ifndef MODELS_DMA_H
#define MODELS_DMA_H

#include "models/config.h"

struct dma_params {
    int64_t bandwidth;
    int64_t mps;
    int64_t tlp_header;
    int64_t descriptor;
    int64_t latency;
    int64_t iotlb, iotlb_miss, iotlb_hold;
};
extern const struct model_info dma_model;

struct dma {
    const struct dma_params *params;
    ps_t free_at;
    ps_t late, held;            /* for want of a translation */
    int64_t cached_bytes;       /* last size and its time: most traffic repeats sizes */
    ps_t cached_time;
};

/* All rings together have so many buffers. */
void dma_translate(struct dma *d, int64_t buffers);
/* Works out the time of `bytes`. */
void dma_size(struct dma *d, int64_t bytes);
/* Starts writing `bytes` at `start` (>= free_at); returns when the completion is visible. */
static inline ps_t dma_write(struct dma *d, ps_t start, int64_t bytes)
{
    if (bytes != d->cached_bytes)
        dma_size(d, bytes);
    d->free_at = start + d->cached_time;
    return d->free_at + d->params->latency + d->late;
}

#endif
