/* SPDX-License-Identifier: MPL-2.0 */
/*  unsaved - several tasks and one finished answer */

#include "actors/providers/unsaved.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define JOB "0192a000-0000-7000-8000-000000000001"

typedef struct {
    const char *step;
    cf_unsaved_t *entry;                /* what was taken */
    int rc;
    bool done, saved;
    bool go;                            /* may end with what it took */
    cf_unsaved_end_t end;
    cf_task_t *task;
    cf_error_t error;
} caller_t;

/*  Takes what is there, says so, waits until it may go on, and ends with it. */
static void
s_caller (cf_task_t *task, void *arg)
{
    caller_t *caller = arg;
    caller->task = task;
    caller->rc = cf_unsaved_take (task, JOB, caller->step, &caller->entry, &caller->error);
    caller->done = true;
    caller->saved = caller->entry && cf_unsaved_is_saved (caller->entry);
    while (caller->entry && !caller->go)
        if (cf_task_wait (task, NULL))
            break;
    if (caller->entry)
        cf_unsaved_end (&caller->entry, caller->end);
    caller->task = NULL;
}

/*  Enters an answer at once, and ends with it when told. */
static void
s_owner (cf_task_t *task, void *arg)
{
    caller_t *caller = arg;
    caller->task = task;
    cf_answer_t answer = { .outcome = "complete", .text = strdup ("the answer") };
    caller->entry = cf_unsaved_begin (cf_task_loop (task), JOB, caller->step);
    cf_unsaved_enter (caller->entry, &answer);
    ck_assert_ptr_null (answer.text);
    while (!caller->go)
        cf_task_wait (task, NULL);
    cf_unsaved_end (&caller->entry, caller->end);
    caller->task = NULL;
}

static cf_loop_t *s_loop;

static void
s_go (caller_t *caller, cf_unsaved_end_t end)
{
    caller->go = true;
    caller->end = end;
    cf_task_wake (caller->task);
    for (int turns = 0; turns < 5; turns++)
        cf_loop_turn (s_loop, 0);
}

static void
s_begin (void)
{
    s_loop = cf_loop_new ();
}

static void
s_finish (void)
{
    ck_assert_uint_eq (cf_task_count (), 0);
    cf_unsaved_free ();
    ck_assert_uint_eq (cf_unsaved_count (), 0);
    cf_task_free_pool ();
    cf_loop_destroy (&s_loop);
}

START_TEST (nothing_is_found_where_nothing_was_entered)
{
    s_begin ();
    caller_t caller = { .step = "a" };
    cf_task_start (s_loop, s_caller, &caller, NULL);
    ck_assert (caller.done && caller.rc == 0 && !caller.entry);
    s_finish ();
}
END_TEST

START_TEST (a_second_caller_waits_for_the_journal)
{
    s_begin ();
    caller_t owner = { .step = "a" }, second = { .step = "a" }, other = { .step = "b" };
    cf_task_start (s_loop, s_owner, &owner, NULL);
    cf_task_start (s_loop, s_caller, &second, NULL);
    cf_task_start (s_loop, s_caller, &other, NULL);
    ck_assert (!second.done && other.done && !other.entry);
    s_go (&owner, CF_UNSAVED_SAVED);
    ck_assert (second.done && second.saved);
    ck_assert_str_eq (cf_unsaved_answer (second.entry)->text, "the answer");
    caller_t late = { .step = "a" };
    cf_task_start (s_loop, s_caller, &late, NULL);
    ck_assert (late.done && late.saved);        /* it may have read the journal just before */
    s_go (&late, CF_UNSAVED_SAVED);
    s_go (&second, CF_UNSAVED_SAVED);
    ck_assert_uint_eq (cf_unsaved_count (), 0);
    s_finish ();
}
END_TEST

START_TEST (a_refused_answer_goes_to_the_newer_attempt_once)
{
    s_begin ();
    caller_t owner = { .step = "a" }, second = { .step = "a" }, third = { .step = "a" };
    cf_task_start (s_loop, s_owner, &owner, NULL);
    cf_task_start (s_loop, s_caller, &second, NULL);
    cf_task_start (s_loop, s_caller, &third, NULL);
    s_go (&owner, CF_UNSAVED_KEEP);
    ck_assert (second.done && !second.saved && second.entry);
    ck_assert (!third.done);
    s_go (&second, CF_UNSAVED_SAVED);
    ck_assert (third.done && third.saved);
    s_go (&third, CF_UNSAVED_SAVED);
    s_finish ();
}
END_TEST

START_TEST (a_kept_answer_waits_for_its_call)
{
    s_begin ();
    caller_t owner = { .step = "a" }, later = { .step = "a" };
    cf_task_start (s_loop, s_owner, &owner, NULL);
    s_go (&owner, CF_UNSAVED_KEEP);
    ck_assert_uint_eq (cf_unsaved_count (), 1);
    cf_task_start (s_loop, s_caller, &later, NULL);
    ck_assert (later.done && later.entry && !later.saved);
    ck_assert_uint_eq (cf_unsaved_count (), 0);
    s_go (&later, CF_UNSAVED_DROP);
    s_finish ();
}
END_TEST

START_TEST (those_who_wait_for_a_dropped_one_begin_anew)
{
    s_begin ();
    caller_t owner = { .step = "a" }, second = { .step = "a" };
    cf_task_start (s_loop, s_owner, &owner, NULL);
    cf_task_start (s_loop, s_caller, &second, NULL);
    s_go (&owner, CF_UNSAVED_DROP);
    ck_assert (second.done && second.rc == 0 && !second.entry);
    s_finish ();
}
END_TEST

START_TEST (a_cancelled_caller_stops_waiting)
{
    s_begin ();
    caller_t owner = { .step = "a" }, second = { .step = "a" };
    cf_task_start (s_loop, s_owner, &owner, NULL);
    cf_task_start (s_loop, s_caller, &second, NULL);
    cf_task_cancel (second.task, CF_ERROR_CANCELLED);
    cf_loop_turn (s_loop, 0);
    ck_assert (second.done && second.rc == -1 && !second.entry);
    ck_assert_int_eq (second.error.code, CF_ERROR_CANCELLED);
    s_go (&owner, CF_UNSAVED_SAVED);
    s_finish ();
}
END_TEST

START_TEST (keeps_no_more_than_it_may)
{
    s_begin ();
    for (int count = 0; count < CF_UNSAVED_MAX + 10; count++) {
        char step [32];
        snprintf (step, sizeof step, "step %d", count);
        caller_t owner = { .step = step };
        cf_task_start (s_loop, s_owner, &owner, NULL);
        s_go (&owner, CF_UNSAVED_KEEP);
    }
    ck_assert_uint_eq (cf_unsaved_count (), CF_UNSAVED_MAX);
    caller_t oldest = { .step = "step 9" }, kept = { .step = "step 10" };
    cf_task_start (s_loop, s_caller, &oldest, NULL);
    cf_task_start (s_loop, s_caller, &kept, NULL);
    ck_assert (!oldest.entry && kept.entry);
    s_go (&kept, CF_UNSAVED_DROP);
    s_finish ();
}
END_TEST

START_TEST (keeps_no_more_saved_ones_than_it_may)
{
    s_begin ();
    for (int count = 0; count < CF_UNSAVED_SAVED_MAX + 10; count++) {
        char step [32];
        snprintf (step, sizeof step, "step %d", count);
        caller_t owner = { .step = step };
        cf_task_start (s_loop, s_owner, &owner, NULL);
        s_go (&owner, CF_UNSAVED_SAVED);
    }
    caller_t oldest = { .step = "step 9" }, kept = { .step = "step 10" };
    cf_task_start (s_loop, s_caller, &oldest, NULL);
    cf_task_start (s_loop, s_caller, &kept, NULL);
    ck_assert (!oldest.entry && kept.entry && kept.saved);
    s_go (&kept, CF_UNSAVED_SAVED);
    s_finish ();
}
END_TEST

UNIT_MAIN ("unsaved", nothing_is_found_where_nothing_was_entered, a_second_caller_waits_for_the_journal,
           a_refused_answer_goes_to_the_newer_attempt_once, a_kept_answer_waits_for_its_call,
           those_who_wait_for_a_dropped_one_begin_anew, a_cancelled_caller_stops_waiting, keeps_no_more_than_it_may,
           keeps_no_more_saved_ones_than_it_may)
