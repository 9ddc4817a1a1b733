/* SPDX-License-Identifier: MPL-2.0 */
/*  task - waits, wakes, cancel, limits, shields, many at once */

#include "actors/lib/task.h"
#include "proto/base/clock.h"
#include "tests/support/unit.h"

#include <string.h>

typedef struct {
    cf_loop_t *loop;
    cf_task_t *task, *other;
    cf_error_t error;
    int rc, steps;
    char seen [64];
} scene_t;

static void
s_turn_until_done (cf_loop_t *loop)
{
    uint64_t end_ms = cf_clock_ms () + 20000;
    while (cf_task_count () && cf_clock_ms () < end_ms)
        cf_loop_turn (loop, 1000);
    ck_assert_uint_eq (cf_task_count (), 0);
}

static void
s_finish (scene_t *scene)
{
    s_turn_until_done (scene->loop);
    cf_task_free_pool ();
    cf_loop_destroy (&scene->loop);
}

static void
s_wait_thrice (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    ck_assert_ptr_eq (cf_task_current (), task);
    ck_assert_ptr_eq (cf_task_owner (task), NULL);
    for (; scene->steps < 3; scene->steps++)
        ck_assert_int_eq (cf_task_wait (task, &scene->error), 0);
}

START_TEST (runs_to_its_first_wait_and_goes_on_when_woken)
{
    scene_t scene = { .loop = cf_loop_new () };
    cf_task_context_t context = { .job = "job", .attempt = 2 };
    cf_task_t *task = cf_task_start (scene.loop, s_wait_thrice, &scene, &context);
    ck_assert_ptr_null (cf_task_current ());
    ck_assert_ptr_eq (cf_task_loop (task), scene.loop);
    ck_assert_str_eq (cf_task_context (task)->job, "job");
    for (int step = 0; step < 3; step++) {
        ck_assert_int_eq (scene.steps, step);
        ck_assert_uint_eq (cf_task_count (), 1);
        cf_task_wake (task);
    }
    ck_assert_uint_eq (cf_task_count (), 0);
    s_finish (&scene);
}
END_TEST

static void
s_sleep (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    scene->rc = cf_task_sleep (task, scene->steps? (uint64_t) scene->steps: 60000, &scene->error);
}

START_TEST (sleeps_in_spite_of_strange_wakes)
{
    scene_t scene = { .loop = cf_loop_new (), .steps = 30, .rc = 1 };
    uint64_t start_us = cf_clock_us ();
    cf_task_t *task = cf_task_start (scene.loop, s_sleep, &scene, NULL);
    cf_task_wake (task);
    ck_assert_int_eq (scene.rc, 1);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_uint_ge (cf_clock_us () - start_us, 30000);
    s_finish (&scene);
}
END_TEST

START_TEST (unwinds_when_cancelled)
{
    scene_t scene = { .loop = cf_loop_new () };
    cf_task_t *task = cf_task_start (scene.loop, s_sleep, &scene, NULL);
    cf_task_cancel (task, CF_ERROR_CANCELLED);
    cf_task_cancel (task, CF_ERROR_TIMEOUT);            /* the first reason stays */
    ck_assert_uint_eq (cf_task_count (), 1);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.rc, -1);
    ck_assert_int_eq (scene.error.code, CF_ERROR_CANCELLED);
    s_finish (&scene);
}
END_TEST

static void
s_limited (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_task_limit (task, 20);
    ck_assert_uint_le (cf_task_left_ms (task, 5000), 20);
    ck_assert_uint_le (cf_task_left_ms (task, 3), 3);
    ck_assert_int_eq (cf_task_wait_status (task, &scene->error), 0);
    scene->rc = cf_task_sleep (task, 60000, &scene->error);
    ck_assert_uint_eq (cf_task_left_ms (task, 5000), 0);
    ck_assert_int_eq (cf_task_wait (task, NULL), -1);
    ck_assert_int_eq (cf_task_wait_status (task, NULL), -1);
}

START_TEST (unwinds_when_overdue)
{
    scene_t scene = { .loop = cf_loop_new () };
    cf_task_start (scene.loop, s_limited, &scene, NULL);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.rc, -1);
    ck_assert_int_eq (scene.error.code, CF_ERROR_TIMEOUT);
    s_finish (&scene);
}
END_TEST

START_TEST (takes_a_limit_while_it_waits)
{
    scene_t scene = { .loop = cf_loop_new () };
    cf_task_t *task = cf_task_start (scene.loop, s_sleep, &scene, NULL);
    cf_task_limit (task, 1);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.error.code, CF_ERROR_TIMEOUT);
    s_finish (&scene);
}
END_TEST

static void
s_shielded_for_long (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_task_shield (task, true);
    scene->rc = cf_task_sleep (task, 3600000, &scene->error);
    cf_task_shield (task, false);
}

START_TEST (no_shield_outlives_the_process)
{
    scene_t scene = { .loop = cf_loop_new (), .rc = 1 };
    cf_task_start (scene.loop, s_shielded_for_long, &scene, NULL);
    cf_task_cancel_each (CF_ERROR_ACTOR_GONE);
    cf_loop_turn (scene.loop, 5);
    ck_assert_int_eq (scene.rc, 1);             /* it may finish, for now */
    cf_task_cancel_all (CF_ERROR_ACTOR_GONE);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.rc, -1);
    ck_assert_int_eq (scene.error.code, CF_ERROR_ACTOR_GONE);
    s_finish (&scene);
}
END_TEST

static void
s_shielded (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_task_limit (task, 5);
    cf_task_shield (task, true);
    cf_task_shield (task, true);
    scene->rc = cf_task_sleep (task, 20, &scene->error);
    cf_task_shield (task, false);
    ck_assert_int_eq (cf_task_wait_status (task, NULL), 0);
    cf_task_shield (task, false);
    ck_assert_int_eq (cf_task_wait (task, &scene->error), -1);
}

START_TEST (finishes_what_is_shielded)
{
    scene_t scene = { .loop = cf_loop_new (), .rc = 1 };
    cf_task_t *task = cf_task_start (scene.loop, s_shielded, &scene, NULL);
    cf_task_cancel (task, CF_ERROR_ACTOR_GONE);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_int_eq (scene.error.code, CF_ERROR_ACTOR_GONE);
    s_finish (&scene);
}
END_TEST

static void
s_mark (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    strcat (scene->seen, "b");
    cf_task_wait (task, NULL);
    strcat (scene->seen, "d");
}

static void
s_start_and_wake (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    strcat (scene->seen, "a");
    scene->other = cf_task_start (scene->loop, s_mark, scene, NULL);
    cf_task_sleep (task, 1, NULL);
    cf_task_wake (scene->other);        /* from within a task: at the end of the turn */
    strcat (scene->seen, "c");
}

START_TEST (never_nests_one_task_in_another)
{
    scene_t scene = { .loop = cf_loop_new () };
    cf_task_start (scene.loop, s_start_and_wake, &scene, NULL);
    ck_assert_str_eq (scene.seen, "a");
    s_turn_until_done (scene.loop);
    ck_assert_str_eq (scene.seen, "abcd");
    s_finish (&scene);
}
END_TEST

typedef struct {
    cf_task_t *tasks [2];
    bool stopped;
} duel_t;

static void
s_wake_each_other (cf_task_t *task, void *arg)
{
    duel_t *duel = arg;
    while (!duel->stopped) {
        cf_task_t *other = duel->tasks [duel->tasks [0] == task];
        if (other)
            cf_task_wake (other);
        cf_task_wait (task, NULL);
    }
}

static void
s_stop_duel (void *arg)
{
    duel_t *duel = arg;
    duel->stopped = true;
    cf_task_wake (duel->tasks [0]);
    cf_task_wake (duel->tasks [1]);
}

START_TEST (does_not_starve_the_loop)
{
    scene_t scene = { .loop = cf_loop_new () };
    duel_t duel = { .stopped = false };
    cf_timer_t timer = { 0 };
    for (int at = 0; at < 2; at++)
        duel.tasks [at] = cf_task_start (scene.loop, s_wake_each_other, &duel, NULL);
    cf_timer_set (scene.loop, &timer, 5, s_stop_duel, &duel);
    s_finish (&scene);
}
END_TEST

static void
s_count_up (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    char deep [4096];
    memset (deep, (char) scene->steps, sizeof deep);
    for (uint64_t turn = 0; turn < 3; turn++)
        cf_task_sleep (task, turn, NULL);
    scene->steps += deep [17] == deep [4000];
}

START_TEST (runs_thousands)
{
    scene_t scene = { .loop = cf_loop_new () };
    for (int at = 0; at < 3000; at++)
        ck_assert_ptr_nonnull (cf_task_start (scene.loop, s_count_up, &scene, NULL));
    ck_assert_uint_eq (cf_task_count (), 3000);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.steps, 3000);
    s_finish (&scene);
}
END_TEST

START_TEST (works_in_a_second_loop)
{
    for (int at = 0; at < 2; at++) {
        scene_t scene = { .loop = cf_loop_new () };
        cf_task_start (scene.loop, s_start_and_wake, &scene, NULL);
        s_turn_until_done (scene.loop);
        ck_assert_str_eq (scene.seen, "abcd");
        s_finish (&scene);
    }
}
END_TEST

UNIT_MAIN ("task", runs_to_its_first_wait_and_goes_on_when_woken, sleeps_in_spite_of_strange_wakes, unwinds_when_cancelled,
           unwinds_when_overdue, takes_a_limit_while_it_waits, finishes_what_is_shielded, no_shield_outlives_the_process, never_nests_one_task_in_another,
           does_not_starve_the_loop, runs_thousands, works_in_a_second_loop)
