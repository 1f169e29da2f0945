/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a data folder offers: its files NAME.yaml. */
#ifndef SIM_LAB_FOLDER_H
#define SIM_LAB_FOLDER_H

/* The names without .yaml, numbers in them compared as numbers; hidden files are none. Their count, or -1 with errno
 * set if the folder cannot be read. Free with folder_free. */
int folder_yaml(const char *path, char ***names);
void folder_free(char **names, int n);

#endif
