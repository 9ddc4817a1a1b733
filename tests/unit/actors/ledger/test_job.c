/* SPDX-License-Identifier: MPL-2.0 */
/*  job, queue - the state table, what clients see, whose turn it is */

#include "actors/ledger/queue.h"
#include "tests/support/unit.h"

#include <string.h>

#define PROJECT "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b"

START_TEST (terminal_states_never_change)
{
    for (int event = 0; event < CF_JOB_EVENTS; event++) {
        ck_assert_int_eq (cf_job_next (CF_JOB_COMPLETED, (cf_job_event_t) event), CF_JOB_REFUSED);
        ck_assert_int_eq (cf_job_next (CF_JOB_FAILED, (cf_job_event_t) event), CF_JOB_REFUSED);
        ck_assert_int_eq (cf_job_next (CF_JOB_CANCELLED, (cf_job_event_t) event), CF_JOB_REFUSED);
    }
}
END_TEST

/*  The transitions of the HTTP API, and no others. */
START_TEST (only_the_promised_transitions_exist)
{
    static const char *const allowed [] = {
        "queued running", "queued cancelled", "queued failed", "running completed", "running failed", "running cancelled",
        "running waiting_for_input", "running queued", "waiting_for_input queued", "waiting_for_input cancelled"
    };
    for (int state = 0; state < CF_JOB_STATES; state++)
        for (int event = 0; event < CF_JOB_EVENTS; event++) {
            cf_job_state_t next = cf_job_next ((cf_job_state_t) state, (cf_job_event_t) event);
            if (next == CF_JOB_REFUSED)
                continue;
            char pair [64];
            snprintf (pair, sizeof pair, "%s %s", cf_job_state_name ((cf_job_state_t) state), cf_job_state_name (next));
            bool found = false;
            for (size_t at = 0; at < sizeof allowed / sizeof allowed [0]; at++)
                found = found || strcmp (pair, allowed [at]) == 0;
            ck_assert_msg (found, "%s", pair);
        }
}
END_TEST

static cf_job_t *
s_job (char user, uint32_t priority)
{
    char id [CF_UUID_SIZE], owner [CF_UUID_SIZE] = PROJECT;
    owner [0] = user;
    cf_job_t *job = cf_job_new (cf_uuid_new (id), PROJECT, owner, cf_job_kind ("qa"), "{}");
    job->priority = priority;
    return job;
}

START_TEST (an_end_is_not_shown_before_it_is_committed)
{
    cf_job_t *job = s_job ('a', 0);
    job->state = CF_JOB_COMPLETED;
    job->progress = 100;
    job->result = strdup ("{\"passed\":true}");
    cf_json_t *shown = cf_job_show (job);
    ck_assert_str_eq (cf_json_str (shown, "status", ""), "running");
    ck_assert_int_eq (cf_json_int (shown, "progress", 0), 99);
    ck_assert (json_is_null (json_object_get (shown, "result")));
    json_decref (shown);
    job->settled = true;
    shown = cf_job_show (job);
    ck_assert_str_eq (cf_json_str (shown, "status", ""), "completed");
    ck_assert (cf_json_bool (json_object_get (shown, "result"), "passed", false));
    json_decref (shown);
    cf_job_destroy (&job);
}
END_TEST

START_TEST (steps_are_found_and_bounded)
{
    cf_job_t *job = s_job ('a', 0);
    size_t seq = 0;
    char name [16];
    for (int at = 0; at < 600; at++) {
        snprintf (name, sizeof name, "step%d", at);
        cf_job_add_step (job, name, &seq);
    }
    ck_assert_uint_eq (seq, 500);
    ck_assert_ptr_nonnull (cf_job_find_step (job, "step0"));
    ck_assert_ptr_null (cf_job_find_step (job, "step599"));
    cf_job_destroy (&job);
}
END_TEST

static void
s_expect_first_token (const cf_job_t *job, json_int_t expected)
{
    cf_json_t *shown = cf_job_show (job), *first = json_object_get (json_object_get (shown, "usage"), "first_token_ms");
    if (expected)
        ck_assert_int_eq (json_integer_value (first), expected);
    else
        ck_assert (json_is_null (first));
    json_decref (shown);
}

START_TEST (the_first_token_of_a_job_counts_from_its_creation)
{
    cf_job_t *job = s_job ('a', 0);
    size_t seq = 0;
    s_expect_first_token (job, 0);
    cf_step_t *first = cf_job_add_step (job, "first", &seq), *second = cf_job_add_step (job, "second", &seq);
    s_expect_first_token (job, 0);              /* running: nothing is known yet */
    second->started_us = job->created_us + 2000000;
    second->first_token_ms = 30;
    s_expect_first_token (job, 2030);
    first->started_us = job->created_us + 150999;
    first->first_token_ms = 700;
    s_expect_first_token (job, 850);
    first->started_us = job->created_us - 1000; /* by another machine's clock */
    s_expect_first_token (job, 700);
    cf_job_destroy (&job);
}
END_TEST

/*  Takes out everything and compares the owners' letters, in order. */
static void
s_expect (cf_queue_t *queue, const char *order)
{
    for (; *order; order++) {
        cf_job_t *job = cf_queue_pop (queue);
        ck_assert_ptr_nonnull (job);
        ck_assert_int_eq (job->user [0], *order);
        cf_job_destroy (&job);
    }
    ck_assert_ptr_null (cf_queue_pop (queue));
    ck_assert_uint_eq (cf_queue_size (queue), 0);
}

START_TEST (users_take_turns)
{
    cf_queue_t *queue = cf_queue_new ();
    for (int at = 0; at < 4; at++)
        cf_queue_push (queue, s_job ('a', 0), false);
    cf_queue_push (queue, s_job ('b', 0), false);
    cf_queue_push (queue, s_job ('c', 0), false);
    s_expect (queue, "abcaaa");
    cf_queue_destroy (&queue);
}
END_TEST

START_TEST (priority_comes_first_and_requeued_jobs_before_all)
{
    cf_queue_t *queue = cf_queue_new ();
    cf_queue_push (queue, s_job ('a', 0), false);
    cf_queue_push (queue, s_job ('b', 5), false);
    cf_queue_push (queue, s_job ('c', 0), true);
    s_expect (queue, "bca");
    cf_queue_destroy (&queue);
}
END_TEST

START_TEST (a_job_leaves_from_anywhere)
{
    cf_queue_t *queue = cf_queue_new ();
    cf_job_t *first = s_job ('a', 0), *second = s_job ('a', 0), *third = s_job ('a', 0);
    cf_queue_push (queue, first, false);
    cf_queue_push (queue, second, false);
    cf_queue_push (queue, third, false);
    cf_queue_remove (queue, second);
    cf_queue_remove (queue, second);
    ck_assert_uint_eq (cf_queue_size (queue), 2);
    ck_assert_ptr_eq (cf_queue_pop (queue), first);
    ck_assert_ptr_eq (cf_queue_pop (queue), third);
    cf_job_destroy (&first);
    cf_job_destroy (&second);
    cf_job_destroy (&third);
    cf_queue_destroy (&queue);
}
END_TEST

UNIT_MAIN ("job", terminal_states_never_change, only_the_promised_transitions_exist, an_end_is_not_shown_before_it_is_committed,
           steps_are_found_and_bounded, the_first_token_of_a_job_counts_from_its_creation, users_take_turns, priority_comes_first_and_requeued_jobs_before_all, a_job_leaves_from_anywhere)
