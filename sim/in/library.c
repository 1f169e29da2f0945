/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/in/library.h"

#include <pcap/pcap.h>

const char *capture_library(void)
{
    return pcap_lib_version();
}
