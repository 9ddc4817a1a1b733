/* SPDX-License-Identifier: MPL-2.0 */
/*  shown - one version of one user's job, for a time; the latest asked for stay; never more than fits */

#include "actors/ledger/shown.h"
#include "proto/codec.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"
#define LONG_MS 600000

static cf_job_t *
s_job (unsigned number, size_t input_bytes)
{
    char id [CF_UUID_SIZE], *input = malloc (input_bytes + 3);
    snprintf (id, sizeof id, "00000000-0000-4000-8000-%012x", number);
    input [0] = '"';
    memset (input + 1, 'x', input_bytes);
    strcpy (input + 1 + input_bytes, "\"");
    cf_job_t *job = cf_job_new (id, "", USER, cf_job_kind ("pedagogy"), input);
    free (input);
    return job;
}

/*  The same, as it has ended. */
static cf_job_t *
s_ended (unsigned number, size_t input_bytes)
{
    cf_job_t *job = s_job (number, input_bytes);
    job->state = CF_JOB_COMPLETED;
    job->settled = true;
    job->result = strdup ("{\"passed\":true}");
    return job;
}

START_TEST (a_version_is_shown_until_there_is_another)
{
    cf_shown_t *shown = cf_shown_new (LONG_MS);
    cf_job_t *job = s_job (1, 1);
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, USER, job->version));
    cf_body_t *body = cf_shown_print (shown, job);
    ck_assert_ptr_nonnull (body);
    ck_assert_ptr_eq (cf_shown_lookup (shown, job->id, USER, job->version), body);
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, OTHER, job->version));
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, USER, job->version + 1));
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, USER, CF_SHOWN_ENDED));
    job->version++;
    ck_assert_ptr_nonnull (cf_shown_print (shown, job));
    ck_assert_uint_eq (cf_shown_count (shown), 1);
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, USER, job->version - 1));
    ck_assert_ptr_nonnull (cf_shown_lookup (shown, job->id, USER, job->version));
    cf_shown_clear (shown);
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, USER, job->version));
    cf_job_destroy (&job);
    cf_shown_destroy (&shown);
    ck_assert_ptr_null (shown);
}
END_TEST

START_TEST (what_has_ended_is_printed_when_it_is_asked_for)
{
    cf_shown_t *shown = cf_shown_new (LONG_MS);
    cf_job_t *job = s_ended (1, 1);
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    size_t size = cf_body_size (cf_shown_print (shown, job));
    cf_shown_keep (shown, &job);
    ck_assert_ptr_null (job);
    ck_assert_uint_eq (cf_shown_count (shown), 1);
    cf_body_t *body = cf_shown_lookup (shown, id, USER, CF_SHOWN_ENDED);
    ck_assert_uint_eq (cf_body_size (body), size);
    ck_assert_ptr_eq (cf_shown_lookup (shown, id, USER, CF_SHOWN_ENDED), body);
    ck_assert_uint_eq (cf_shown_count (shown), 1);
    cf_shown_destroy (&shown);
}
END_TEST

START_TEST (an_end_that_is_not_committed_is_a_version_like_any_other)
{
    cf_shown_t *shown = cf_shown_new (LONG_MS);
    cf_job_t *job = s_ended (1, 1);
    job->settled = false;
    ck_assert_ptr_nonnull (cf_shown_print (shown, job));
    ck_assert_ptr_null (cf_shown_lookup (shown, job->id, USER, CF_SHOWN_ENDED));
    ck_assert_ptr_nonnull (cf_shown_lookup (shown, job->id, USER, job->version));
    cf_job_destroy (&job);
    cf_shown_destroy (&shown);
}
END_TEST

START_TEST (the_latest_asked_for_stay)
{
    cf_shown_t *shown = cf_shown_new (LONG_MS);
    size_t input_bytes = CF_SHOWN_BYTES / 16;
    char first [CF_UUID_SIZE], second [CF_UUID_SIZE];
    for (unsigned number = 0; number < 64; number++) {
        cf_job_t *job = s_ended (number, input_bytes);
        if (number == 0)
            memcpy (first, job->id, sizeof first);
        if (number == 1)
            memcpy (second, job->id, sizeof second);
        cf_shown_keep (shown, &job);
        ck_assert_ptr_nonnull (cf_shown_lookup (shown, first, USER, CF_SHOWN_ENDED));
        ck_assert_uint_le (cf_shown_count (shown), 17);         /* printed, the first is small */
    }
    ck_assert_ptr_null (cf_shown_lookup (shown, second, USER, CF_SHOWN_ENDED));
    for (unsigned number = 0; number < CF_SHOWN_MAX + 100; number++) {
        cf_job_t *job = s_job (number, 1);
        ck_assert_ptr_nonnull (cf_shown_print (shown, job));
        cf_job_destroy (&job);
        ck_assert_uint_le (cf_shown_count (shown), CF_SHOWN_MAX);
    }
    cf_shown_destroy (&shown);
}
END_TEST

START_TEST (what_is_too_large_is_shown_but_not_kept)
{
    cf_shown_t *shown = cf_shown_new (LONG_MS);
    cf_job_t *job = s_ended (1, CF_SHOWN_JOB_BYTES), *other = s_ended (2, 1);
    cf_shown_keep (shown, &job);
    ck_assert_ptr_null (job);
    ck_assert_uint_eq (cf_shown_count (shown), 0);
    job = s_ended (3, 1);
    job->state = CF_JOB_FAILED;
    job->error = strdup ("it failed");
    job->error_details = calloc (1, CF_SHOWN_JOB_BYTES + 1);
    memset (job->error_details, 'x', CF_SHOWN_JOB_BYTES);
    cf_shown_keep (shown, &job);
    ck_assert_uint_eq (cf_shown_count (shown), 0);
    free (other->result);
    other->result = malloc (CF_SHOWN_JOB_BYTES + 3);
    memset (other->result, '1', CF_SHOWN_JOB_BYTES + 3);
    memcpy (other->result, "\"", 1);
    memcpy (other->result + CF_SHOWN_JOB_BYTES + 1, "\"", 2);
    ck_assert_uint_gt (cf_body_size (cf_shown_print (shown, other)), CF_SHOWN_JOB_BYTES);
    ck_assert_uint_gt (cf_body_size (cf_shown_print (shown, other)), CF_SHOWN_JOB_BYTES);
    ck_assert_uint_eq (cf_shown_count (shown), 0);
    cf_job_destroy (&other);
    cf_shown_destroy (&shown);
}
END_TEST

START_TEST (it_is_looked_for_again_after_its_time)
{
    cf_shown_t *shown = cf_shown_new (0);
    cf_job_t *job = s_job (1, 1);
    ck_assert_ptr_nonnull (cf_shown_print (shown, job));
    while (cf_shown_lookup (shown, job->id, USER, job->version))
        ;
    ck_assert_uint_eq (cf_shown_count (shown), 0);
    cf_job_destroy (&job);
    cf_shown_destroy (&shown);
}
END_TEST

UNIT_MAIN ("shown", a_version_is_shown_until_there_is_another, what_has_ended_is_printed_when_it_is_asked_for,
           an_end_that_is_not_committed_is_a_version_like_any_other, the_latest_asked_for_stay, what_is_too_large_is_shown_but_not_kept,
           it_is_looked_for_again_after_its_time)
