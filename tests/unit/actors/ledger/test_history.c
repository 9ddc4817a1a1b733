/* SPDX-License-Identifier: MPL-2.0 */
/*  history - what the ledger's events lack is added, and nothing twice */

#include "actors/ledger/history.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b"

static cf_job_t *
s_job (cf_job_state_t state)
{
    cf_job_t *job = cf_job_new (ID, "", ID, cf_job_kind ("pedagogy"), "{}");
    job->state = state;
    job->settled = true;
    job->told_event = 7;
    job->result = strdup ("{\"passed\":true}");
    return job;
}

static cf_json_t *
s_events (const char *text)
{
    return cf_json_parse (text, strlen (text), NULL);
}

/*  "seq:event …" after completion; whether it is over in *over. */
static const char *
s_complete (const char *before, cf_job_state_t state, bool open, bool news, bool *over)
{
    static char found [256];
    cf_job_t *job = s_job (state);
    cf_json_t *events = s_events (before), *event;
    size_t at;
    cf_history_complete (events, job, open, news);
    *over = cf_history_is_over (events);
    *found = 0;
    json_array_foreach (events, at, event)
        sprintf (found + strlen (found), "%d:%s%s ", (int) cf_json_int (event, "seq", 0), cf_json_str (event, "event", ""),
                 cf_json_bool (json_object_get (json_object_get (event, "data"), "result"), "passed", false)? "+": "");
    json_decref (events);
    cf_job_destroy (&job);
    return found;
}

START_TEST (an_open_job_is_told_as_it_is_only_where_that_is_news)
{
    bool over;
    ck_assert_str_eq (s_complete ("[]", CF_JOB_RUNNING, true, true, &over), "7:progress ");
    ck_assert (!over);
    ck_assert_str_eq (s_complete ("[]", CF_JOB_RUNNING, true, false, &over), "");
    ck_assert (!over);
    ck_assert_str_eq (s_complete ("[{\"seq\":6,\"event\":\"step\",\"data\":{}}]", CF_JOB_RUNNING, true, true, &over), "6:step ");
    ck_assert_str_eq (s_complete ("[]", CF_JOB_WAITING, true, true, &over), "7:waiting+ ");
    ck_assert (!over);
}
END_TEST

START_TEST (an_ended_job_ends_its_history_with_its_result)
{
    bool over;
    ck_assert_str_eq (s_complete ("[]", CF_JOB_COMPLETED, false, true, &over), "7:complete+ ");
    ck_assert (over);
    ck_assert_str_eq (s_complete ("[{\"seq\":6,\"event\":\"step\",\"data\":{}}]", CF_JOB_FAILED, false, true, &over), "6:step 7:error ");
    ck_assert (over);
    ck_assert_str_eq (s_complete ("[{\"seq\":7,\"event\":\"complete\",\"data\":{}}]", CF_JOB_COMPLETED, false, false, &over), "7:complete+ ");
    ck_assert (over);
    ck_assert_str_eq (s_complete ("[{\"seq\":7,\"event\":\"cancelled\",\"data\":{}}]", CF_JOB_CANCELLED, false, false, &over), "7:cancelled ");
    ck_assert (over);
}
END_TEST

UNIT_MAIN ("history", an_open_job_is_told_as_it_is_only_where_that_is_news, an_ended_job_ends_its_history_with_its_result)
