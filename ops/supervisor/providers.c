/* SPDX-License-Identifier: MPL-2.0 */
/*  providers - whether any model provider is configured, and where the simulator stands in for them */

#include "ops/supervisor/providers.h"

#include <stdio.h>
#include <string.h>

static const cf_providers_row_t s_rows [] = {
#define PROVIDER(name_, base_, key_, url_, prefix_, caption_) { #name_, #base_, #key_, url_, prefix_ },
#define PROVIDER_HEADER(name_, prefix_, setting_)
#include "actors/providers/providers.def"
#undef PROVIDER
#undef PROVIDER_HEADER
};

#define ROWS (sizeof s_rows / sizeof s_rows [0])

const cf_providers_row_t *
cf_providers_at (size_t at)
{
    return at < ROWS? &s_rows [at]: NULL;
}

const char *
cf_providers_value (const char *setting)
{
    cf_config_id_t id = cf_config_lookup (setting);
    return id == CF_CONFIG_COUNT? "": cf_config_str (id);
}

static bool
s_configured (const cf_providers_row_t *row)
{
    return *cf_providers_value (row->base_setting) || *cf_providers_value (row->key_setting);
}

bool
cf_providers_configured (void)
{
    for (size_t at = 0; at < ROWS; at++)
        if (s_configured (&s_rows [at]))
            return true;
    return false;
}

void
cf_providers_announce (bool simulated)
{
    cf_buf_t names;
    cf_buf_init (&names, 400);
    for (size_t at = 0; at < ROWS; at++)
        if (simulated || s_configured (&s_rows [at]))
            cf_buf_printf (&names, "%s%s", names.size? ",": "", s_rows [at].name);
    cf_config_set (CF_CONFIG_PROVIDERS, names.bytes);
    cf_buf_free (&names);
}

void
cf_providers_simulate (const char *port)
{
    for (size_t at = 0; at < ROWS; at++) {
        char url [200];
        const char *host = strstr (s_rows [at].public_url, "://"), *path = host? strchr (host + 3, '/'): NULL;
        cf_config_id_t id = cf_config_lookup (s_rows [at].base_setting);
        snprintf (url, sizeof url, "http://127.0.0.1:%s%s", port, path? path: "");
        if (id != CF_CONFIG_COUNT)
            cf_config_set (id, url);
    }
}
