/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/library.h"

#include <stdio.h>

#include <gsl/gsl_version.h>
#include <yaml.h>

const char *lab_library(void)
{
    static char text[64];

    snprintf(text, sizeof text, "GSL %s, libyaml %s", gsl_version, yaml_get_version_string());
    return text;
}
