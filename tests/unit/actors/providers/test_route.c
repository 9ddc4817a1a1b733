/* SPDX-License-Identifier: MPL-2.0 */
/*  route - lists of models and prices, well-formed and not */

#include "actors/providers/route.h"
#include "tests/support/unit.h"

#include <math.h>
#include <string.h>

/*  The settings are read once: each test is a process of its own. */
static void
s_settings (const char *key, const char *base)
{
    if (key)
        setenv ("OPENAI_API_KEY", key, 1);
    if (base)
        setenv ("OPENAI_BASE_URL", base, 1);
    cf_config_load_or_exit ();
}

static void
s_refuse (const char *list, const char *expected)
{
    cf_routes_t routes;
    cf_route_read (&routes, CF_CONFIG_MODELS_CODE, list, false);
    ck_assert_uint_eq (routes.count, 0);
    ck_assert_int_eq (routes.error.code, CF_ERROR_PROVIDER_SETTINGS);
    ck_assert_str_eq (routes.error.text, expected);
}

START_TEST (reads_a_list_in_order)
{
    s_settings (NULL, "http://127.0.0.1:9/v1/");
    cf_routes_t routes;
    cf_route_read (&routes, CF_CONFIG_MODELS_CODE, " openai/gpt-4o ,openai/org/model", false);
    ck_assert_uint_eq (routes.count, 2);
    ck_assert_str_eq (routes.routes [0].name, "openai/gpt-4o");
    ck_assert_str_eq (routes.routes [0].model, "gpt-4o");
    ck_assert_str_eq (routes.routes [0].url, "http://127.0.0.1:9/v1/chat/completions");
    ck_assert_str_eq (routes.routes [1].model, "org/model");
    ck_assert_ptr_null (routes.routes [0].headers [2]);
    cf_route_clear (&routes);
    cf_route_read (&routes, CF_CONFIG_MODEL_EMBEDDING, "openai/e", true);
    ck_assert_str_eq (routes.routes [0].url, "http://127.0.0.1:9/v1/embeddings");
    cf_route_clear (&routes);
}
END_TEST

START_TEST (uses_the_public_address_with_only_a_key)
{
    s_settings ("sk-secret", NULL);
    cf_routes_t routes;
    cf_route_read (&routes, CF_CONFIG_MODELS_QA, "openai/gpt-4o", false);
    ck_assert_uint_eq (routes.count, 1);
    ck_assert (strncmp (routes.routes [0].url, "https://", 8) == 0);
    ck_assert_str_eq (routes.routes [0].headers [2], "Authorization: Bearer sk-secret");
    cf_route_clear (&routes);
    cf_provider_free ();
}
END_TEST

START_TEST (names_the_setting_that_is_wrong)
{
    s_settings (NULL, "http://127.0.0.1:9/v1");
    s_refuse ("gpt-4o", "MODELS_CODE: \"gpt-4o\" is not provider/model");
    s_refuse ("openai/", "MODELS_CODE: \"openai/\" is not provider/model");
    s_refuse ("/gpt-4o", "MODELS_CODE: \"/gpt-4o\" is not provider/model");
    s_refuse ("openai/gpt-4o,", "MODELS_CODE: \"\" is not provider/model");
    s_refuse ("", "MODELS_CODE: \"\" is not provider/model");
    s_refuse ("openai/gpt-4o,nobody/x", "MODELS_CODE: there is no provider \"nobody\"");
    s_refuse ("openai/1,openai/2,openai/3,openai/4,openai/5,openai/6,openai/7,openai/8,openai/9", "MODELS_CODE: more than 8 models");
}
END_TEST

START_TEST (says_what_a_provider_lacks)
{
    s_settings (NULL, NULL);
    s_refuse ("openai/gpt-4o", "MODELS_CODE: openai is used, but neither OPENAI_API_KEY nor OPENAI_BASE_URL is set");
    s_refuse ("google/x,openai/y", "MODELS_CODE: google is used, but neither GOOGLE_API_KEY nor GOOGLE_BASE_URL is set; "
              "openai is used, but neither OPENAI_API_KEY nor OPENAI_BASE_URL is set");
    s_refuse ("openai/gpt-4o,nobody/x", "MODELS_CODE: there is no provider \"nobody\"");
}
END_TEST

START_TEST (leaves_out_providers_that_are_not_set_up)
{
    s_settings (NULL, "http://127.0.0.1:9/v1");
    ck_assert_int_eq (cf_route_load (NULL), 0);
    static const char *const agents [] = { "research", "wireframe", "code", "qa", "pedagogy", "roadmap" };
    for (size_t at = 0; at < sizeof agents / sizeof agents [0]; at++) {
        const cf_routes_t *routes = cf_route_of_agent (agents [at]);
        ck_assert_uint_eq (routes->count, 1);
        ck_assert_str_eq (routes->routes [0].name, "openai/gpt-4o");
    }
    cf_route_free ();
}
END_TEST

START_TEST (knows_who_thinks_for_which_agent)
{
    static const struct { const char *agent, *models [3]; } rows [] = {
        { "research", { "openai/gpt-4o", "anthropic/claude-3-5-sonnet", "google/gemini-1.5-pro" } },
        { "qa", { "openai/gpt-4o", "anthropic/claude-3-5-sonnet", "google/gemini-1.5-pro" } },
        { "wireframe", { "openai/gpt-4o", "anthropic/claude-3-5-sonnet", "google/gemini-1.5-pro" } },
        { "code", { "google/gemini-1.5-pro", "openai/gpt-4o", "anthropic/claude-3-5-sonnet" } },
        { "pedagogy", { "anthropic/claude-3-5-sonnet", "openai/gpt-4o", "google/gemini-1.5-pro" } },
        { "roadmap", { "anthropic/claude-3-5-sonnet", "openai/gpt-4o", "google/gemini-1.5-pro" } }
    };
    setenv ("GOOGLE_BASE_URL", "http://127.0.0.1:9/v1beta", 1);
    setenv ("ANTHROPIC_API_KEY", "sk-ant", 1);
    s_settings (NULL, "http://127.0.0.1:9/v1");
    ck_assert_int_eq (cf_route_load (NULL), 0);
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        const cf_routes_t *routes = cf_route_of_agent (rows [at].agent);
        ck_assert_uint_eq (routes->count, 3);
        for (size_t number = 0; number < 3; number++) {
            ck_assert_str_eq (routes->routes [number].name, rows [at].models [number]);
            ck_assert (routes->routes [number].output_price > 0);
        }
    }
    const cf_route_t *claude = &cf_route_of_agent ("roadmap")->routes [0];
    ck_assert (strncmp (claude->url, "https://", 8) == 0 && strstr (claude->url, "/v1/messages"));
    ck_assert_str_eq (claude->headers [2], "x-api-key: sk-ant");
    ck_assert_str_eq (claude->headers [3], "anthropic-version: 2023-06-01");
    ck_assert_ptr_null (claude->headers [4]);
    ck_assert_str_eq (cf_route_of_agent ("code")->routes [0].url, "http://127.0.0.1:9/v1beta/models/gemini-1.5-pro:streamGenerateContent?alt=sse");
    ck_assert_uint_eq (cf_route_max_tokens (claude, 16000), 8192);
    ck_assert_uint_eq (cf_route_max_tokens (claude, 100), 100);
    ck_assert_uint_eq (cf_route_max_tokens (claude, 0), 8192);
    cf_route_free ();
    cf_provider_free ();
}
END_TEST

START_TEST (refuses_keys_that_would_be_another_header)
{
    s_settings ("sk-1 2", NULL);
    s_refuse ("openai/gpt-4o", "MODELS_CODE: OPENAI_API_KEY is no key");
    s_refuse ("openai/gpt-4o", "MODELS_CODE: OPENAI_API_KEY is no key");
}
END_TEST

START_TEST (embeds_only_where_there_are_embeddings)
{
    setenv ("ANTHROPIC_API_KEY", "sk-ant", 1);
    setenv ("GOOGLE_API_KEY", "AIza", 1);
    s_settings (NULL, NULL);
    cf_routes_t routes;
    cf_route_read (&routes, CF_CONFIG_MODEL_EMBEDDING, "anthropic/claude", true);
    ck_assert_str_eq (routes.error.text, "MODEL_EMBEDDING: anthropic has no embeddings");
    cf_route_read (&routes, CF_CONFIG_MODEL_EMBEDDING, cf_config_str (CF_CONFIG_MODEL_EMBEDDING), true);
    ck_assert_str_eq (routes.routes [0].name, "google/gemini-embedding-001");
    cf_route_clear (&routes);
    cf_provider_free ();
}
END_TEST

START_TEST (finds_the_list_of_an_agent)
{
    s_settings (NULL, "http://127.0.0.1:9/v1");
    ck_assert_int_eq (cf_route_load (NULL), 0);
    ck_assert_str_eq (cf_route_of_agent ("code")->routes [0].name, "openai/gpt-4o");
    ck_assert_str_eq (cf_route_of_embedding ()->routes [0].name, "openai/text-embedding-3-small");
    ck_assert_ptr_null (cf_route_of_agent ("stranger"));
    ck_assert_ptr_null (cf_route_of_agent (""));
    ck_assert_ptr_null (cf_route_of_agent ("an agent whose name is longer than any setting's name could ever be, surely"));
    cf_route_free ();
}
END_TEST

START_TEST (prices_by_the_configured_name)
{
    s_settings (NULL, "http://127.0.0.1:9/v1");
    cf_routes_t routes;
    ck_assert_int_eq (cf_route_read_prices ("openai/gpt-4o=2.50:10.00, openai/small=0.02:0", NULL), 0);
    cf_route_read (&routes, CF_CONFIG_MODELS_CODE, "openai/gpt-4o,openai/small,openai/free", false);
    ck_assert (fabs (cf_route_cost (&routes.routes [0], 1000000, 1000000) - 12.5) < 1e-9);
    ck_assert (fabs (cf_route_cost (&routes.routes [0], 7, 3) - 0.000048) < 1e-9);
    ck_assert (fabs (cf_route_cost (&routes.routes [1], 25, 1000) - 0.000001) < 1e-9);
    ck_assert (fabs (cf_route_cost (&routes.routes [0], UINT32_MAX, UINT32_MAX) - 53687.0911875) < 1e-6);
    ck_assert (cf_route_cost (&routes.routes [2], 1000000, 1000000) < 1e-9);
    cf_route_clear (&routes);
}
END_TEST

START_TEST (a_budget_asks_for_prices)
{
    setenv ("MAX_USER_COST_USD_PER_DAY", "5", 1);
    s_settings (NULL, "http://127.0.0.1:9/v1");
    cf_routes_t routes;
    ck_assert_str_eq (cf_route_budget (), "MAX_USER_COST_USD_PER_DAY");
    ck_assert_int_eq (cf_route_read_prices ("openai/gpt-4o=2.50:10.00,openai/local=0:0", NULL), 0);
    cf_route_read (&routes, CF_CONFIG_MODELS_CODE, "openai/gpt-4o,openai/local,anthropic/not-set-up", false);
    ck_assert_uint_eq (routes.count, 2);
    cf_route_clear (&routes);
    s_refuse ("openai/gpt-4o,openai/other", "MODELS_CODE: openai/other has no price in MODEL_PRICES, which MAX_USER_COST_USD_PER_DAY asks for");
    cf_route_read (&routes, CF_CONFIG_MODEL_EMBEDDING, "openai/small", true);           /* nobody pays for those */
    ck_assert_uint_eq (routes.count, 1);
    cf_route_clear (&routes);
    ck_assert_int_eq (cf_config_set (CF_CONFIG_MAX_USER_COST_USD_PER_DAY, "0"), 0);
    ck_assert_ptr_null (cf_route_budget ());
    cf_route_read (&routes, CF_CONFIG_MODELS_CODE, "openai/other", false);
    ck_assert_uint_eq (routes.count, 1);
    cf_route_clear (&routes);
}
END_TEST

START_TEST (refuses_malformed_limits)
{
    static const char *const lists [] = { "x", "openai/x", "openai/x=", "openai/x=0", "openai/x=-1", "openai/x=1x", "=1", "openai/x=1,", "openai/x=4294967296" };
    s_settings (NULL, "http://127.0.0.1:9/v1");
    ck_assert_int_eq (cf_route_read_limits ("", NULL), 0);
    for (size_t at = 0; at < sizeof lists / sizeof lists [0]; at++) {
        cf_error_t error = { 0 };
        ck_assert_msg (cf_route_read_limits (lists [at], &error) == -1, "%s", lists [at]);
        ck_assert (strncmp (error.text, "MODEL_MAX_TOKENS: ", 18) == 0);
    }
}
END_TEST

START_TEST (refuses_malformed_prices)
{
    static const char *const lists [] = {
        "x", "openai/x", "openai/x=", "openai/x=1", "openai/x=1:", "openai/x=:1", "openai/x=1:2:3", "openai/x=-1:2", "openai/x=1:2,",
        "openai/x=nan:1", "openai/x=1e99:1", "=1:2", "openai/x=1 : 2"
    };
    s_settings (NULL, "http://127.0.0.1:9/v1");
    ck_assert_int_eq (cf_route_read_prices ("", NULL), 0);
    for (size_t at = 0; at < sizeof lists / sizeof lists [0]; at++) {
        cf_error_t error = { 0 };
        ck_assert_msg (cf_route_read_prices (lists [at], &error) == -1, "%s", lists [at]);
        ck_assert (strncmp (error.text, "MODEL_PRICES: ", 14) == 0);
    }
}
END_TEST

UNIT_MAIN ("route", reads_a_list_in_order, uses_the_public_address_with_only_a_key, names_the_setting_that_is_wrong,
           says_what_a_provider_lacks, leaves_out_providers_that_are_not_set_up, knows_who_thinks_for_which_agent,
           refuses_keys_that_would_be_another_header, embeds_only_where_there_are_embeddings, finds_the_list_of_an_agent, prices_by_the_configured_name,
           a_budget_asks_for_prices, refuses_malformed_limits, refuses_malformed_prices)
