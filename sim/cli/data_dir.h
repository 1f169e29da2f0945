/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SIM_CLI_DATA_DIR_H
#define SIM_CLI_DATA_DIR_H

/* The folder that holds cpus/ nics/ kernels/ machines/ workloads/ and the examples: $RXSIM_DATA; else `scenarios`
 * beside the folder of the program, which is the source tree's; else where `make install` put it. Static. */
const char *data_dir(void);

#endif
