/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/platform.h"

#include "models/host_config.h"

static const struct param rows[] = {
    PARAM_SWITCH(struct platform_params, vm, "cpu.vm", 0, "the machine is virtual: some of its work leaves the guest",
                 "a machine of its own"),
    PARAM_SWITCH(struct platform_params, posted_interrupts, "cpu.posted_interrupts", 1,
                 "interrupts reach a virtual CPU without leaving the guest (VT-d posted interrupts, AVIC)",
                 "servers since 2015; /sys/module/kvm_intel/parameters/enable_apicv"),
    PARAM_COST(struct platform_params, vm_exit, "cost.vm.exit", 2000, "leaving the guest and coming back, the handler included",
               "assumption: somewhat over 1000 cycles of hardware, and KVM's own path"),
    PARAM_SWITCH(struct platform_params, mitigations, "cpu.mitigations", 0,
                 "page table isolation and retpolines cost what cost.mitigation.* says (mitigations=auto on old CPUs)",
                 "off here: costs hold for the machine they were measured on, for XDP18's without"),
    PARAM_COST(struct platform_params, syscall, "cost.mitigation.syscall", 380, "more for each system call",
               "assumption: 100 ns at 3.8 GHz; 42 to 75 ns a call without, 100 to 200 with, of Brouer's talks"),
    PARAM_COST(struct platform_params, indirect, "cost.mitigation.indirect", 27, "more for each indirect call",
               "8.5 ns a call through a pointer with, 1.3 without (micro benchmarks on the XDP paper's machine)"),
};
ALL_FIELDS_HAVE_ROWS(struct platform_params, rows);

const struct model_info platform_model = {
    .name = "platform", .step = "-", .what = "what a virtual machine and mitigations add to costs",
    .scope = SCOPE_HOST, .params_at = offsetof(struct host_config, platform), .params = rows, .n_params = ROWS(rows),
};

static void virtual(struct host_config *c, ps_t exit, bool posted)
{
    c->sched.wake_remote += exit;
    c->rps.send_ipi += exit;
    c->cpu.tick += exit;
    c->cpu.irq_from_idle += exit;
    if (!posted) {
        c->cpu.irq_entry += exit;
        c->cpu.irq_exit += exit;
    }
}

static void mitigated(struct host_config *c, ps_t syscall, ps_t indirect)
{
    c->app.recv_entry += syscall;
    c->app.epoll_wait += syscall;
    c->sendmsg.entry += syscall;
    c->reply.send += syscall;
    c->listen.accept += syscall;
    c->listen.close += syscall;
    c->gro.frame += indirect;
    c->ip.rcv += indirect;
    c->ip.rcv_demuxed += indirect;
    c->ip6.rcv += indirect;
    c->ip.deliver += indirect;
    c->sock.data_ready += indirect;
}

void platform_apply(struct host_config *c)
{
    const struct platform_params p = c->platform;

    if (p.vm)
        virtual(c, p.vm_exit, p.posted_interrupts);
    if (p.mitigations)
        mitigated(c, p.syscall, p.indirect);
}
