/* SPDX-License-Identifier: MPL-2.0 */
/*  status - codeforge status and ps */

#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/exits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
s_colour (const char *state)
{
    if (!cf_terminal_coloured (STDOUT_FILENO))
        return "";
    if (strcmp (state, "ready") == 0 || strcmp (state, "healthy") == 0)
        return CF_GREEN;
    return strcmp (state, "failed") == 0 || strcmp (state, "degraded") == 0? CF_RED: CF_YELLOW;
}

static const char *
s_plain (void)
{
    return cf_terminal_coloured (STDOUT_FILENO)? CF_PLAIN: "";
}

static void
s_print_processes (const cf_json_t *status)
{
    size_t at;
    cf_json_t *process;
    printf ("%-12s %-9s %8s %12s %9s %10s\n", "NAME", "STATE", "PID", "UPTIME", "RESTARTS", "MEMORY");
    json_array_foreach (json_object_get (status, "processes"), at, process) {
        char uptime [32], pid [16] = "-";
        const char *state = cf_json_str (process, "state", "?"), *fault = cf_json_str (process, "fault", "");
        long long number = (long long) cf_json_int (process, "pid", 0);
        if (number)
            snprintf (pid, sizeof pid, "%lld", number);
        unsigned long long seconds = (unsigned long long) cf_json_int (process, "uptime_s", 0);
        if (seconds < 60)
            snprintf (uptime, sizeof uptime, "%llu s", seconds);
        else
            cf_terminal_duration (seconds * 1000, uptime, sizeof uptime);
        printf ("%-12s %s%-9s%s %8s %12s %9lld %7.1f MB", cf_json_str (process, "name", "?"), s_colour (state), state, s_plain (),
                pid, number? uptime: "-", (long long) cf_json_int (process, "restarts", 0),
                (double) cf_json_int (process, "rss_kb", 0) / 1024);
        printf ("%s%s\n", *fault? "  last ended: ": "", fault);
    }
}

/*  The supervisor's answer, NULL with error. */
static cf_json_t *
s_ask (cf_error_t *error)
{
    int fd = cf_control_connect (error);
    if (fd < 0)
        return NULL;
    cf_json_t *request = json_pack ("{s:s}", "command", "status"), *status = cf_control_ask (fd, request, 5000, error);
    json_decref (request);
    close (fd);
    return status;
}

int
cf_command_status (int argc, char **argv)
{
    bool as_json = false;
    const cf_option_t options [] = { { "--json", &as_json, NULL }, { NULL, NULL, NULL } };
    cf_error_t error = { 0 };
    if (cf_options_parse (argc, argv, options, NULL, 0) < 0)
        return cf_fail_usage (argv [0]);
    cf_json_t *status = s_ask (&error);
    if (!status && as_json)
        printf ("{\"processes\":[],\"status\":\"down\"}\n");
    if (!status)
        return cf_fail (CF_EXIT_FAILED, "%s", error.text);
    const char *health = cf_json_str (status, "status", "?");
    if (as_json) {
        char *text = cf_json_print (status);
        printf ("%s\n", text? text: "");
        free (text);
    }
    else {
        printf ("%s%s%s  %s  models: %s  %s (pid %lld)\n\n", s_colour (health), health, s_plain (), cf_json_str (status, "api", ""),
                cf_json_bool (status, "simulated", false)? "simulated": "configured", cf_json_str (status, "home", ""),
                (long long) cf_json_int (status, "pid", 0));
        s_print_processes (status);
    }
    int result = strcmp (health, "degraded") == 0? CF_EXIT_FAILED: CF_EXIT_OK;
    json_decref (status);
    return result;
}

int
cf_command_ps (int argc, char **argv)
{
    cf_error_t error = { 0 };
    if (cf_options_parse (argc, argv, NULL, NULL, 0) < 0)
        return cf_fail_usage (argv [0]);
    cf_json_t *status = s_ask (&error);
    if (!status)
        return cf_fail (CF_EXIT_FAILED, "%s", error.text);
    s_print_processes (status);
    json_decref (status);
    return CF_EXIT_OK;
}
