/* SPDX-License-Identifier: MPL-2.0 */
/*  history - what notes say of a repository: made by this job, asked for and never heard of, a stranger's */

#include "actors/github/history.h"
#include "actors/lib/work.h"
#include "tests/support/unit.h"

#include <string.h>

#define HEAD "1111111111111111111111111111111111111111"
#define OTHER "2222222222222222222222222222222222222222"
#define SECOND UINT64_C (1000000)
#define ASKED UINT64_C (1795392829000000)

static struct {
    cf_work_t *work;
    cf_history_t *history;
    cf_repository_t repository;
} scene;

static void
s_begin (const char *journal)
{
    memset (&scene, 0, sizeof scene);
    scene.work = cf_work_new (NULL, "github", "github", "", journal, false);
    scene.history = cf_history_new (scene.work);
    ck_assert_ptr_nonnull (scene.history);
    scene.repository.id = 7;
    scene.repository.created_us = ASKED + 2 * SECOND;
    strcpy (scene.repository.name, "ada/plants");
    strcpy (scene.repository.head, HEAD);
}

static void
s_end (void)
{
    cf_history_destroy (&scene.history);
    cf_history_destroy (&scene.history);
    cf_work_destroy (&scene.work);
}

#define ENTRY(name_, output_) "{\"name\":\"" name_ "\",\"output\":\"" output_ "\",\"outcome\":\"complete\"}"

START_TEST (without_notes_it_is_a_strangers)
{
    s_begin ("[]");
    ck_assert (!cf_history_began (scene.history, &scene.repository));
    ck_assert (!cf_history_left (scene.history, &scene.repository));
    ck_assert (!cf_history_is_finished (scene.history, &scene.repository));
    ck_assert_ptr_null (cf_history_files (scene.history, &scene.repository));
    s_end ();
}
END_TEST

START_TEST (a_repository_is_known_by_its_number)
{
    s_begin ("[" ENTRY ("repository", "{\\\"id\\\":7,\\\"head\\\":\\\"x\\\"}") "]");
    ck_assert (cf_history_began (scene.history, &scene.repository));
    scene.repository.id = 8;
    ck_assert (!cf_history_began (scene.history, &scene.repository));
    s_end ();
}
END_TEST

START_TEST (one_that_was_asked_for_is_known_by_its_time)
{
    s_begin ("[" ENTRY ("asked:ada/plants", "{\\\"date_us\\\":1795392829000000}") "]");
    ck_assert (cf_history_began (scene.history, &scene.repository));
    scene.repository.created_us = ASKED - SECOND;
    ck_assert (!cf_history_began (scene.history, &scene.repository));
    scene.repository.created_us = ASKED + 3600 * SECOND;
    ck_assert (!cf_history_began (scene.history, &scene.repository));
    scene.repository.created_us = ASKED + 2 * SECOND;
    strcpy (scene.repository.name, "ada/others");
    ck_assert (!cf_history_began (scene.history, &scene.repository));
    s_end ();
    s_begin ("[" ENTRY ("asked:ada/plants", "{\\\"date_us\\\":1795392829000000}") "," ENTRY ("repository", "{\\\"id\\\":9,\\\"head\\\":\\\"x\\\"}") "]");
    ck_assert (!cf_history_began (scene.history, &scene.repository));     /* it was heard of, and is another one */
    s_end ();
}
END_TEST

START_TEST (any_of_its_commits_makes_it_finished)
{
    s_begin ("[" ENTRY ("commit:" OTHER, "{\\\"id\\\":7,\\\"sha\\\":\\\"" OTHER "\\\"}") "," ENTRY ("commit:" HEAD, "{\\\"id\\\":7,\\\"sha\\\":\\\"" HEAD "\\\"}") ","
             ENTRY ("commit:x", "{\\\"id\\\":7,\\\"sha\\\":\\\"x\\\"}") "]");
    ck_assert (cf_history_is_finished (scene.history, &scene.repository));
    ck_assert (cf_history_left (scene.history, &scene.repository));
    scene.repository.id = 8;
    ck_assert (!cf_history_is_finished (scene.history, &scene.repository));
    scene.repository.id = 7;
    *scene.repository.head = 0;
    ck_assert (!cf_history_is_finished (scene.history, &scene.repository));
    s_end ();
}
END_TEST

START_TEST (files_are_those_of_an_export_that_ended_well)
{
    s_begin ("[" ENTRY ("commit:" HEAD, "{\\\"id\\\":7,\\\"sha\\\":\\\"" HEAD "\\\",\\\"files\\\":{\\\"a\\\":\\\"b\\\"}}") "]");
    ck_assert_ptr_null (cf_history_files (scene.history, &scene.repository));     /* this one has not ended */
    s_end ();
}
END_TEST

START_TEST (notes_that_make_no_sense_are_none)
{
    s_begin ("[" ENTRY ("repository", "{") "," ENTRY ("commit:x", "[]") "," ENTRY ("asked:ada/plants", "1") "," ENTRY ("asked:", "null") "]");
    ck_assert (!cf_history_began (scene.history, &scene.repository));
    ck_assert (!cf_history_left (scene.history, &scene.repository));
    s_end ();
}
END_TEST

UNIT_MAIN ("history", without_notes_it_is_a_strangers, a_repository_is_known_by_its_number, one_that_was_asked_for_is_known_by_its_time,
           any_of_its_commits_makes_it_finished, files_are_those_of_an_export_that_ended_well, notes_that_make_no_sense_are_none)
