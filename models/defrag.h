/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ip_defrag: the fragments of a local sender's datagram become one skb again.
 *
 * In    ip_defrag()      an skb for this host, before netfilter's LOCAL_IN
 * Out   -                the whole datagram, or nothing yet
 *
 * The fragments of a flow come in order. They stay whole on the frag list, so the socket is charged the sum of their
 * truesizes. One datagram of a flow is put together at a time; when a fragment of it was lost, what is left of it
 * stays inside (the kernel gives up after 30 s).
 * Not modelled: that timeout, ip_frag_high_thresh, fragments of captures (no socket takes those). */
#ifndef MODELS_DEFRAG_H
#define MODELS_DEFRAG_H

#include "models/host.h"
#include "models/skb.h"

struct skb *ip_defrag(struct host *h, struct skb *s);

#endif
