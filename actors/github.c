/* SPDX-License-Identifier: MPL-2.0 */
/*  github - exports projects into repositories at GitHub
 *
 *  Owns:       nothing beyond its leases; a token only while it works with it.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       GitHub; store (the project and its files); jobs (the token, what earlier exports have noted).
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance, from what they have noted: a repository is not made twice.
 */

#include "actors/github/export.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_GITHUB_EXPORTS_MAX 32u       /* that write at once; each holds a few megabytes */
#define CF_GITHUB_CONNECTIONS 64u
#define CF_GITHUB_URL_MAX 500u

/*  Made with the first export. */
static struct {
    cf_http_t *http;
    cf_gate_t *gate;
    char url [CF_GITHUB_URL_MAX + 1];
} s_self;

static int
s_begin (cf_task_t *task, cf_error_t *error)
{
    if (!s_self.http)
        s_self.http = cf_http_new (cf_task_loop (task), CF_GITHUB_CONNECTIONS);
    if (!s_self.gate)
        s_self.gate = cf_gate_new (CF_GITHUB_EXPORTS_MAX);
    snprintf (s_self.url, sizeof s_self.url, "%s", cf_config_str (CF_CONFIG_GITHUB_API_URL));
    for (size_t size = strlen (s_self.url); size && s_self.url [size - 1] == '/'; size--)
        s_self.url [size - 1] = 0;
    return s_self.http && s_self.gate? 0: cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
}

static void
s_on_wait (void *arg, uint64_t wait_ms)
{
    char note [96];
    snprintf (note, sizeof note, "GitHub asks for a pause of %llu s", (unsigned long long) (wait_ms + 999) / 1000);
    cf_work_progress (arg, 0, "", note);
}

/*  The token that came with the job, yours to wipe and free; NULL with error. */
static char *
s_token (cf_work_t *work, cf_error_t *error)
{
    char *token = cf_work_secret (work, error);
    if (!token && error->code == CF_ERROR_NOT_FOUND) {
        cf_work_explain (work, CF_ERROR_GITHUB_DOWN, json_pack ("{ss}", "service", "github"));
        cf_error_set (error, CF_ERROR_GITHUB_DOWN, "The token was only kept in memory, and lost in a restart. Export again: it goes on where it was.");
    }
    return token;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    cf_task_t *task = cf_work_task (work);
    char *token = s_begin (task, error)? NULL: s_token (work, error);
    if (!token)
        return NULL;
    cf_api_t *api = cf_api_new (s_self.http, s_self.url, token, cf_clock_ms () + cf_work_left_ms (work) * 9 / 10, s_on_wait, work);
    explicit_bzero (token, strlen (token));
    free (token);
    cf_json_t *result = api? cf_export (work, api, s_self.gate, input, error): NULL;
    if (!api)
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    cf_api_destroy (&api);
    return result;
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_GITHUB, s_work);
}
