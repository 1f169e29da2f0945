/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/dma.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM(struct dma_params, bandwidth, "pcie.bandwidth", UNIT_BITRATE, 57880000000, 1000000000, 2000000000000,
          "usable rate of transaction-layer bytes towards memory",
          "gen3 x8 after link-layer overhead: 57.88 Gbit/s, PCIe model of Neugebauer et al., SIGCOMM 2018"),
    PARAM(struct dma_params, mps, "pcie.mps", UNIT_BYTES, 256, 128, 4096, "largest payload of one TLP",
          "usual BIOS setting; PCIe allows 128 to 4096"),
    PARAM(struct dma_params, tlp_header, "pcie.tlp_header", UNIT_BYTES, 24, 0, 64, "header and framing of one write",
          "Neugebauer et al., SIGCOMM 2018: 24 B with 64-bit addresses"),
    PARAM(struct dma_params, descriptor, "pcie.descriptor", UNIT_BYTES, 16, 0, 256,
          "completion written back for each frame", "Intel 82599: 16 B"),
    PARAM(struct dma_params, latency, "pcie.latency", UNIT_TIME, 400 * NS, 0, 1 * MS,
          "from the bus to visible in memory", "assumption: 0.2 to 0.5 us for a posted write"),
    PARAM(struct dma_params, iotlb, "pcie.iotlb", UNIT_COUNT, 0, 0, 1000000,
          "translations that the IOMMU keeps; 0: there is no IOMMU, or it passes DMA through",
          "ours: iommu=pt; Neugebauer et al., SIGCOMM 2018: 64 on the Xeons they measured"),
    PARAM(struct dma_params, iotlb_miss, "pcie.iotlb_miss", UNIT_TIME, 330 * NS, 0, 100 * US,
          "a write is visible so much later if its translation is missing",
          "Neugebauer et al., SIGCOMM 2018: 330 ns, for reads; for writes it is an assumption"),
    PARAM(struct dma_params, iotlb_hold, "pcie.iotlb_hold", UNIT_TIME, 40 * NS, 0, 100 * US,
          "time the bus is held by a write whose translation is missing",
          "assumption: 64-byte transfers fall by 70 %, as their reads do"),
};
ALL_FIELDS_HAVE_ROWS(struct dma_params, rows);

const struct model_info dma_model = {
    .name = "dma", .step = "1", .what = "frame and descriptor over PCIe to memory",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, dma), .params = rows, .n_params = ROWS(rows),
};

void dma_size(struct dma *d, int64_t bytes)
{
    const struct dma_params *p = d->params;
    int64_t tlps = (bytes + p->mps - 1) / p->mps;
    int64_t total = bytes + tlps * p->tlp_header;

    if (p->descriptor > 0)
        total += p->descriptor + p->tlp_header;
    d->cached_bytes = bytes;
    d->cached_time = ps_of_bytes(total, p->bandwidth) + d->held;
}

void dma_translate(struct dma *d, int64_t buffers)
{
    const struct dma_params *p = d->params;

    if (p->iotlb == 0 || buffers <= p->iotlb)
        return;
    d->late = p->iotlb_miss;
    d->held = p->iotlb_hold;
}
