/* SPDX-License-Identifier: MPL-2.0 */
#include "actors/ledger/secrets.h"
#include "tests/support/unit.h"
#include "tests/unit/actors/ledger/scene.h"

#define JOB "22222222-2222-4222-8222-222222222222"

START_TEST (a_secret_is_kept_for_its_user_and_replaced)
{
    cf_error_t error = { 0 };
    scene_begin ();
    cf_secrets_t *secrets = cf_secrets_new (world.loop, scene.desk, 60000);
    ck_assert_ptr_null (cf_secrets_lookup (secrets, JOB));
    ck_assert_int_eq (cf_secrets_put (secrets, JOB, SCENE_USER, "first", &error), 0);
    ck_assert_int_eq (cf_secrets_put (secrets, JOB, SCENE_USER, "second", &error), 0);
    ck_assert_str_eq (cf_secrets_lookup (secrets, JOB), "second");
    ck_assert_int_eq (cf_secrets_put (secrets, JOB, SCENE_PROJECT, "another's", &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_CONFLICT);
    ck_assert_str_eq (cf_secrets_lookup (secrets, JOB), "second");
    ck_assert_uint_eq (cf_secrets_count (secrets), 1);
    cf_secrets_destroy (&secrets);
    cf_secrets_destroy (&secrets);
    scene_end ();
}
END_TEST

START_TEST (there_is_a_most_of_them)
{
    cf_error_t error = { 0 };
    char id [CF_UUID_SIZE];
    scene_begin ();
    cf_secrets_t *secrets = cf_secrets_new (world.loop, scene.desk, 60000);
    for (size_t at = 0; at < CF_SECRETS_MAX; at++)
        ck_assert_int_eq (cf_secrets_put (secrets, cf_uuid_new (id), SCENE_USER, "text", &error), 0);
    ck_assert_int_eq (cf_secrets_put (secrets, cf_uuid_new (id), SCENE_USER, "text", &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_BUSY);
    ck_assert_uint_eq (cf_secrets_count (secrets), CF_SECRETS_MAX);
    cf_secrets_destroy (&secrets);
    scene_end ();
}
END_TEST

START_TEST (it_goes_with_its_job_or_when_none_comes)
{
    cf_error_t error = { 0 };
    scene_begin ();
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    cf_secrets_t *secrets = cf_secrets_new (world.loop, scene.desk, 1);
    ck_assert_int_eq (cf_secrets_put (secrets, JOB, SCENE_USER, "nobody's", &error), 0);
    ck_assert_int_eq (cf_secrets_put (secrets, id, SCENE_USER, "its", &error), 0);
    world_until (cf_secrets_count (secrets) == 1);
    ck_assert_str_eq (cf_secrets_lookup (secrets, id), "its");
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);
    world_until (cf_secrets_count (secrets) == 0);
    ck_assert_ptr_null (cf_desk_lookup (scene.desk, id, NULL));
    cf_secrets_destroy (&secrets);
    scene_end ();
}
END_TEST

SCENE_MAIN ("secrets", a_secret_is_kept_for_its_user_and_replaced, there_is_a_most_of_them, it_goes_with_its_job_or_when_none_comes)
