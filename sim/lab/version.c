/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/version.h"

/* The Makefile gives the macro to this object only, so that a commit does not rebuild the rest. */
#ifndef RXSIM_VERSION
#define RXSIM_VERSION "unknown"
#endif

const char *rxsim_version(void)
{
    return RXSIM_VERSION;
}
