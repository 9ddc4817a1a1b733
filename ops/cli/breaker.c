/* SPDX-License-Identifier: MPL-2.0 */
/*  breaker - codeforge breaker */

#include "ops/cli/bus.h"
#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/exits.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CF_BREAKER_ASK_MS 10000

static const char *
s_colour (const char *state)
{
    if (!cf_terminal_coloured (STDOUT_FILENO))
        return "";
    return strcmp (state, "closed") == 0? CF_GREEN: strcmp (state, "open") == 0? CF_RED: CF_YELLOW;
}

static void
s_print (const cf_json_t *circuit)
{
    char time [CF_CLOCK_RFC3339_SIZE], gone [32];
    const char *state = cf_json_str (circuit, "state", "?");
    uint64_t since_us = (uint64_t) cf_json_int (circuit, "since_wall_us", 0), now_us = cf_clock_wall_us ();
    cf_clock_rfc3339 (since_us, time);
    cf_terminal_duration (now_us > since_us? (now_us - since_us) / 1000u: 0, gone, sizeof gone);
    printf ("%-12s %s%-9s%s %8lld %8lld %8lld  %.19sZ, %s ago\n", cf_json_str (circuit, "provider", "?"), s_colour (state), state,
            cf_terminal_coloured (STDOUT_FILENO)? CF_PLAIN: "", (long long) cf_json_int (circuit, "failures", 0),
            (long long) cf_json_int (circuit, "opened", 0), (long long) cf_json_int (circuit, "probes", 0), time, gone);
}

static int
s_list (cf_task_t *task, void *arg)
{
    const bool *as_json = arg;
    cf_error_t error = { 0 };
    cf_breaker_listed_t *listed = cf_call (task, CF_BREAKER_LIST, &(cf_breaker_list_t) { 0 }, CF_BREAKER_ASK_MS, &error);
    if (!listed)
        return cf_fail (CF_EXIT_UNAVAILABLE, "the breaker does not answer: %s", error.text);
    cf_json_t *circuits = cf_json_parse (listed->circuits, strlen (listed->circuits), &error), *circuit;
    size_t at;
    if (*as_json)
        printf ("{\"circuits\":%s}\n", listed->circuits);
    else if (json_array_size (circuits) == 0)
        printf ("no model provider has been called yet\n");
    else {
        printf ("%-12s %-9s %8s %8s %8s  %s\n", "PROVIDER", "CIRCUIT", "FAILURES", "OPENED", "PROBES", "SINCE");
        json_array_foreach (circuits, at, circuit)
            s_print (circuit);
    }
    json_decref (circuits);
    cf_codec_free (&listed);
    return CF_EXIT_OK;
}

static int
s_reset (cf_task_t *task, void *arg)
{
    const char *provider = arg;
    cf_error_t error = { 0 };
    cf_breaker_noted_t *noted = cf_call (task, CF_BREAKER_RESET, &(cf_breaker_reset_t) { .provider = provider }, CF_BREAKER_ASK_MS, &error);
    if (!noted && error.code == CF_ERROR_NOT_FOUND)
        return cf_fail (CF_EXIT_FAILED, "%s; `codeforge breaker` shows those that have.", error.text);
    if (!noted)
        return cf_fail (CF_EXIT_UNAVAILABLE, "the breaker does not answer: %s", error.text);
    cf_codec_free (&noted);
    printf ("%s is called again\n", provider);
    return CF_EXIT_OK;
}

int
cf_command_breaker (int argc, char **argv)
{
    bool as_json = false;
    const char *words [2] = { NULL, NULL };
    const cf_option_t options [] = { { "--json", &as_json, NULL }, { NULL, NULL, NULL } };
    int count = cf_options_parse (argc, argv, options, words, 2);
    if (count == 0)
        return cf_bus_converse (s_list, &as_json);
    if (count != 2 || as_json || strcmp (words [0], "reset") != 0)
        return cf_fail_usage (argv [0]);
    char provider [256];
    snprintf (provider, sizeof provider, "%s", words [1]);
    return cf_bus_converse (s_reset, provider);
}
