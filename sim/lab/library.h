/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SIM_LAB_LIBRARY_H
#define SIM_LAB_LIBRARY_H

/* "GSL 2.7.1, libyaml 0.2.5": the libraries in use, for --version. Static. */
const char *lab_library(void);

#endif
