/* SPDX-License-Identifier: MPL-2.0 */
/*  history - the row of the last event leaves out a result, which the job's own row has */

#include "actors/ledger/history.h"

#include <string.h>

/*  The state as it is, as the event that tells of it; an end that is not committed yet is still running. */
static cf_json_t *
s_present (const cf_job_t *job)
{
    cf_job_t shown = *job;
    shown.state = cf_job_shown_state (job);
    const char *event = cf_job_event_name (shown.state);
    return json_pack ("{sIssso}", "seq", (json_int_t) job->told_event, "event", event, "data", cf_job_show_event (&shown, event, NULL, true));
}

static cf_json_t *
s_last (const cf_json_t *events)
{
    return json_array_get (events, json_array_size (events) - 1);
}

static void
s_add_result (cf_json_t *events, const cf_job_t *job)
{
    if (strcmp (cf_json_str (s_last (events), "event", ""), "complete") || !job->result)
        return;
    cf_json_t *result = cf_json_parse (job->result, strlen (job->result), NULL);
    json_object_set_new (json_object_get (s_last (events), "data"), "result", result? result: json_null ());
}

void
cf_history_complete (cf_json_t *events, const cf_job_t *job, bool open, bool news)
{
    if (!open)
        s_add_result (events, job);
    if (open? news && !json_array_size (events): !cf_history_is_over (events))
        json_array_append_new (events, s_present (job));
}

bool
cf_history_is_over (const cf_json_t *events)
{
    const char *last = cf_json_str (s_last (events), "event", "");
    return strcmp (last, "complete") == 0 || strcmp (last, "error") == 0 || strcmp (last, "cancelled") == 0;
}
