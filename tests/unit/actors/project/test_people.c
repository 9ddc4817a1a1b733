/* SPDX-License-Identifier: MPL-2.0 */
/*  people - profiles made when absent, user names given once, the waitlist that tells nothing, against a real PostgreSQL */

#include "actors/project/people.h"
#include "tests/unit/actors/project/scene.h"

static void
s_reads (cf_task_t *task)
{
    cf_json_t *made = scene_show (cf_people_read, ANNE);
    scene_keys (made, "id username full_name avatar_url skill_level created_at updated_at ");
    scene_str (made, "id", ANNE);
    ck_assert (json_is_null (json_object_get (made, "username")));
    scene_time (made, "created_at");
    cf_json_t *again = scene_show (cf_people_read, ANNE);
    ck_assert (json_equal (made, again));
    json_decref (again);
    json_decref (made);
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.profiles"), "1");
}

static void
s_writes (cf_task_t *task)
{
    cf_json_t *profile = scene_show (cf_people_write, ANNE, "{\"username\":\"anne\",\"skill_level\":\"beginner\",\"full_name\":null}");
    scene_str (profile, "username", "anne");
    ck_assert (json_is_null (json_object_get (profile, "full_name")));
    json_decref (profile);
    profile = scene_show (cf_people_write, ANNE, "{\"full_name\":\"Anne\",\"username\":null,\"avatar_url\":\"\"}");
    scene_str (profile, "username", "anne");
    scene_str (profile, "full_name", "Anne");
    scene_str (profile, "avatar_url", "");
    scene_str (profile, "skill_level", "beginner");
    json_decref (profile);
    ck_assert_int_eq (scene_refused (cf_people_write, BERT, "{\"username\":\"anne\"}"), CF_ERROR_CONFLICT);
    ck_assert_int_eq (scene_refused (cf_people_write, BERT, "{\"username\":\"b\"}"), CF_ERROR_INVALID);
    ck_assert_int_eq (scene_refused (cf_people_write, BERT, "{\"skill_level\":\"wizard\"}"), CF_ERROR_INVALID);
    json_decref (scene_show (cf_people_write, BERT, "{\"username\":\"bert\"}"));
    json_decref (scene_show (cf_people_write, ANNE, "{\"username\":\"anne\"}"));
    ck_assert_str_eq (cf_test_sql ("select string_agg (username, ' ' order by username) from public.profiles"), "anne bert");
}

static void
s_waits (cf_task_t *task)
{
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_people_wait (scene_tables, task, "a@example.org", &error), 0);
    ck_assert_int_eq (cf_people_wait (scene_tables, task, "A@Example.org", &error), 0);
    ck_assert_int_eq (cf_people_wait (scene_tables, task, "b@example.org", &error), 0);
    ck_assert_str_eq (cf_test_sql ("select string_agg (email, ' ' order by email) from public.waitlist"), "a@example.org b@example.org");
    ck_assert_int_eq (cf_people_wait (scene_tables, task, "b", &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
}

TEST (a_profile_is_made_when_it_is_read, s_reads)
TEST (what_is_given_is_set_and_names_are_unique, s_writes)
TEST (an_address_waits_once, s_waits)

SCENE_MAIN ("people", a_profile_is_made_when_it_is_read, what_is_given_is_set_and_names_are_unique, an_address_waits_once)
