/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SIM_LAB_VERSION_H
#define SIM_LAB_VERSION_H

/* The code's version as `git describe` gave it at build time, "unknown" outside a build from git. Static. */
const char *rxsim_version(void);

#endif
