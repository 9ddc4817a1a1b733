/* SPDX-License-Identifier: MPL-2.0 */
/*  settings - codeforge config */

#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/exits.h"
#include "proto/base/config.h"

#include <stdio.h>
#include <unistd.h>

int
cf_command_config (int argc, char **argv)
{
    if (cf_options_parse (argc, argv, NULL, NULL, 0) < 0)
        return cf_fail_usage (argv [0]);
    cf_buf_t faults;
    cf_buf_init (&faults, 65536);
    int result = cf_config_load (&faults)? CF_EXIT_SETTINGS: CF_EXIT_OK;
    bool coloured = cf_terminal_coloured (STDOUT_FILENO);
    const char *dim = coloured? CF_DIM: "", *bold = coloured? CF_BOLD: "", *plain = coloured? CF_PLAIN: "";
    for (cf_config_id_t id = 0; id < CF_CONFIG_COUNT; id++) {
        const char *value = cf_config_is_set (id) && cf_config_is_secret (id)? "(set)": cf_config_str (id);
        printf ("%s%s%s=%s\n", cf_config_is_set (id)? bold: "", cf_config_name (id), plain, value);
        printf ("    %s%s", dim, cf_config_caption (id));
        if (*cf_config_default (id))
            printf ("; default %s", cf_config_default (id));
        printf ("%s\n", plain);
    }
    if (faults.size)
        fprintf (stderr, "\nThese settings are wrong:\n%s", faults.bytes);
    cf_buf_free (&faults);
    return result;
}
