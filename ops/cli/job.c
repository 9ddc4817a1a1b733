/* SPDX-License-Identifier: MPL-2.0 */
/*  job - codeforge job and cancel */

#include "ops/cli/api.h"
#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/exits.h"
#include "proto/base/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char id [CF_UUID_SIZE];
    bool as_json;
} wanted_t;

/*  "2026-01-31T23:59:59.123456Z" -> "23:59:59"; "-" where there is none. */
static const char *
s_time (const cf_json_t *object, const char *key, char text [16])
{
    const char *full = cf_json_str (object, key, ""), *t = strchr (full, 'T');
    snprintf (text, 16, "%.8s", t && strlen (t) > 8? t + 1: "-");
    return text;
}

/*  Text of a model or an actor, made fit for a terminal. */
static void
s_print (const char *text, unsigned columns)
{
    cf_buf_t line;
    cf_buf_init (&line, 65536);
    cf_terminal_put (&line, text, columns);
    fwrite (line.bytes, 1, line.size, stdout);
    cf_buf_free (&line);
}

/*  How long the first token took; "-" where there was none. */
static const char *
s_first_token (const cf_json_t *object, char text [32])
{
    long long ms = (long long) cf_json_int (object, "first_token_ms", 0);
    if (ms)
        return cf_terminal_duration ((unsigned long long) ms, text, 32);
    return strcpy (text, "-");
}

static void
s_print_steps (const cf_json_t *job)
{
    size_t at;
    cf_json_t *step, *steps = json_object_get (job, "steps");
    if (json_array_size (steps) == 0)
        return;
    printf ("\n%-24s %-10s %3s  %-8s  %-8s  %8s %10s %10s %10s  %s\n", "STEP", "STATUS", "TRY", "FROM", "TO", "FIRST", "IN", "OUT", "COST", "MODEL");
    json_array_foreach (steps, at, step) {
        char from [16], to [16], first [32];
        printf ("%-24.24s %-10.10s %3lld  %-8s  %-8s  %8s %10lld %10lld %10.4f  ", cf_json_str (step, "name", "?"),
                cf_json_str (step, "status", "?"), (long long) cf_json_int (step, "attempt", 0),
                s_time (step, "started_at", from), s_time (step, "completed_at", to), s_first_token (step, first),
                (long long) cf_json_int (step, "input_tokens", 0), (long long) cf_json_int (step, "output_tokens", 0),
                cf_json_real (step, "cost_usd", 0));
        s_print (cf_json_str (step, "model", ""), 60);
        printf ("\n");
    }
}

static void
s_print_job (const cf_json_t *job)
{
    const cf_json_t *usage = json_object_get (job, "usage");
    const char *error = cf_json_str (job, "error", "");
    char first [32];
    printf ("job       %s (%s, project %s)\n", cf_json_str (job, "job_id", "?"), cf_json_str (job, "agent_type", "?"),
            cf_json_str (job, "project_id", "?"));
    printf ("status    %s, %lld %%, ", cf_json_str (job, "status", "?"), (long long) cf_json_int (job, "progress", 0));
    s_print (cf_json_str (job, "stage", "no stage"), 60);
    printf (", attempt %lld\n", (long long) cf_json_int (job, "attempt", 0));
    printf ("created   %s\n", cf_json_str (job, "created_at", "-"));
    printf ("started   %s\n", cf_json_str (job, "started_at", "-"));
    printf ("ended     %s\n", cf_json_str (job, "completed_at", "-"));
    printf ("usage     %lld calls, %lld tokens in, %lld out, $%.4f, first token after %s\n", (long long) cf_json_int (usage, "calls", 0),
            (long long) cf_json_int (usage, "input_tokens", 0), (long long) cf_json_int (usage, "output_tokens", 0),
            cf_json_real (usage, "cost_usd", 0), s_first_token (usage, first));
    if (cf_json_real (usage, "lost_cost_usd", 0) > 0)
        printf ("          $%.4f more for calls without an answer, as far as anybody knows\n", cf_json_real (usage, "lost_cost_usd", 0));
    if (*error) {
        printf ("error     ");
        s_print (error, 10000);
        printf ("\n");
    }
    s_print_steps (job);
}

static int
s_show (cf_api_t *api, cf_task_t *task, void *arg)
{
    const wanted_t *wanted = arg;
    char path [128];
    cf_json_t *job = NULL;
    cf_error_t error = { 0 };
    snprintf (path, sizeof path, "/v1/jobs/%s", wanted->id);
    if (cf_api_call (api, task, "GET", path, NULL, &job, NULL, &error))
        return cf_fail (error.code == CF_ERROR_HTTP_FAILED? CF_EXIT_UNAVAILABLE: CF_EXIT_FAILED, "%s", error.text);
    char *text = wanted->as_json? cf_json_print (job): NULL;
    if (text)
        printf ("%s\n", text);
    else
        s_print_job (job);
    free (text);
    json_decref (job);
    return CF_EXIT_OK;
}

static int
s_cancel (cf_api_t *api, cf_task_t *task, void *arg)
{
    const wanted_t *wanted = arg;
    char path [128];
    cf_json_t *answer = NULL;
    cf_error_t error = { 0 };
    snprintf (path, sizeof path, "/v1/jobs/%s/cancel", wanted->id);
    if (cf_api_call (api, task, "POST", path, NULL, &answer, NULL, &error))
        return cf_fail (error.code == CF_ERROR_HTTP_FAILED? CF_EXIT_UNAVAILABLE: CF_EXIT_FAILED, "%s", error.text);
    printf ("cancelled %s\n", wanted->id);
    json_decref (answer);
    return CF_EXIT_OK;
}

/*  Both commands: a job's id, whose job it is, what to do. */
static int
s_command (int argc, char **argv, cf_api_fn *fn)
{
    const char *id, *user = NULL;
    wanted_t wanted = { .as_json = false };
    const cf_option_t options [] = { { "--json", &wanted.as_json, NULL }, { "--user", NULL, &user }, { NULL, NULL, NULL } };
    if (cf_options_parse (argc, argv, options, &id, 1) != 1)
        return cf_fail_usage (argv [0]);
    if (!cf_uuid_parse (id, wanted.id) || (user && !cf_uuid_valid (user)))
        return cf_fail (CF_EXIT_USAGE, "\"%s\" is not a UUID.", cf_uuid_valid (id)? user: id);
    return cf_api_converse (user, fn, &wanted);
}

int
cf_command_job (int argc, char **argv)
{
    return s_command (argc, argv, s_show);
}

int
cf_command_cancel (int argc, char **argv)
{
    return s_command (argc, argv, s_cancel);
}
