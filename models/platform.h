/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a virtual machine and mitigations against speculation add to the costs of others: once, when the machine is built.
 *
 * In    platform_apply()   all costs, in picoseconds
 *
 * A virtual CPU (cpu.vm) leaves the guest and comes back, cost.vm.exit each time: for an inter-processor interrupt that it
 * sends, for the tick that programs its next one, for the way out of its halt; and without posted interrupts twice for each
 * interrupt, for its injection and its end. (Intel SDM vol. 3, 31 APIC virtualization and posted interrupts)
 * Mitigations (cpu.mitigations) make a system call longer, cost.mitigation.syscall: another page table, an emptied branch
 * predictor; and an indirect call, cost.mitigation.indirect: of these a frame meets one in GRO, an skb one each into IP,
 * into its protocol and to its reader. Kernels from 5.0 on call the usual ones directly (INDIRECT_CALL_WRAPPER): for those
 * the GRO's and the protocol's are counted too many. In a machine that was measured with them they are in its costs already.
 * Not modelled: the doorbell of a virtual NIC, its back end (vhost) and the host's scheduler, nested machines, flushes of
 * buffers at each switch. */
#ifndef MODELS_PLATFORM_H
#define MODELS_PLATFORM_H

#include "models/config.h"

struct host_config;

struct platform_params {
    int64_t vm;
    int64_t posted_interrupts;
    int64_t vm_exit;
    int64_t mitigations;
    int64_t syscall;
    int64_t indirect;
};
extern const struct model_info platform_model;

void platform_apply(struct host_config *c);

#endif
