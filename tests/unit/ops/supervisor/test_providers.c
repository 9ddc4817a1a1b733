/* SPDX-License-Identifier: MPL-2.0 */
/*  providers - when the simulator stands in, where, and what the others are told */

#include "ops/supervisor/providers.h"
#include "tests/support/unit.h"

#include <string.h>

/*  The settings are read once: each test is a process of its own. */
START_TEST (the_simulator_stands_in_for_all_of_them)
{
    cf_config_load_or_exit ();
    ck_assert (!cf_providers_configured ());
    cf_providers_announce (true);
    ck_assert_str_eq (cf_config_str (CF_CONFIG_PROVIDERS), "openai,google,anthropic");
    cf_providers_simulate ("4711");
    ck_assert_str_eq (cf_config_str (CF_CONFIG_OPENAI_BASE_URL), "http://127.0.0.1:4711/v1");
    ck_assert_str_eq (cf_config_str (CF_CONFIG_GOOGLE_BASE_URL), "http://127.0.0.1:4711/v1beta");
    ck_assert_str_eq (cf_config_str (CF_CONFIG_ANTHROPIC_BASE_URL), "http://127.0.0.1:4711/v1");
}
END_TEST

START_TEST (a_key_of_any_provider_is_enough)
{
    setenv ("ANTHROPIC_API_KEY", "sk-ant", 1);
    cf_config_load_or_exit ();
    ck_assert (cf_providers_configured ());
    cf_providers_announce (false);
    ck_assert_str_eq (cf_config_str (CF_CONFIG_PROVIDERS), "anthropic");
}
END_TEST

START_TEST (so_is_a_base_url)
{
    setenv ("GOOGLE_BASE_URL", "http://127.0.0.1:9/v1beta", 1);
    setenv ("OPENAI_API_KEY", "sk-1", 1);
    cf_config_load_or_exit ();
    ck_assert (cf_providers_configured ());
    cf_providers_announce (false);
    ck_assert_str_eq (cf_config_str (CF_CONFIG_PROVIDERS), "openai,google");
}
END_TEST

START_TEST (every_row_names_settings_that_exist)
{
    const cf_providers_row_t *row;
    cf_config_load_or_exit ();
    size_t count = 0;
    for (; (row = cf_providers_at (count)); count++) {
        ck_assert_int_ne (cf_config_lookup (row->base_setting), CF_CONFIG_COUNT);
        ck_assert (cf_config_is_secret (cf_config_lookup (row->key_setting)));
        ck_assert (strncmp (row->public_url, "https://", 8) == 0 && strstr (row->key_header, ": "));
    }
    ck_assert_uint_eq (count, 3);
}
END_TEST

UNIT_MAIN ("providers", the_simulator_stands_in_for_all_of_them, a_key_of_any_provider_is_enough, so_is_a_base_url,
           every_row_names_settings_that_exist)
