/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SIM_STORE_LIBRARY_H
#define SIM_STORE_LIBRARY_H

/* "SQLite 3.40.1": the library in use, for --version. Static. */
const char *store_library(void);

#endif
