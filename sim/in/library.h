/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SIM_IN_LIBRARY_H
#define SIM_IN_LIBRARY_H

/* "libpcap version 1.10.3 ..": the library in use, for --version. Static. */
const char *capture_library(void);

#endif
