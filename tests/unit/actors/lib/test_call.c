/* SPDX-License-Identifier: MPL-2.0 */
/*  call - every call ends once, whoever dies meanwhile: broker, callee, caller; cancelling and deadlines reach all the way down */

#include "tests/unit/actors/lib/worker.h"

WORLD_ROLES ({ "worker", worker_play })

START_TEST (is_answered)
{
    world_begin ();
    size_t actor = world_actor ("worker", "qa", 1);
    worker_call_t call = worker_do ("qa", "hello");
    ck_assert_int_eq (atoi (call.state), world.actors [actor].pid);
    ck_assert_uint_eq (call.number, 0);
    call = worker_do (world.actors [actor].peer, "hello");
    ck_assert_uint_eq (call.number, 1);
    ck_assert_uint_eq (cf_call_count (), 0);
    world_end ();
}
END_TEST

START_TEST (fails_with_what_the_callee_says)
{
    world_begin ();
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "qa", .command = "fail" };
    worker_begin (&call);
    worker_end (&call);
    worker_expect (&call, CF_ERROR_INVALID);
    ck_assert_str_eq (call.error.text, "not like that");
    ck_assert_str_eq (call.details, "{\"field\":\"provider\"}");
    world_end ();
}
END_TEST

/*  The caller does not notice, the callee does it once. */
START_TEST (outlives_the_broker)
{
    world_begin ();
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "qa", .command = "hold work" };
    worker_begin (&call);
    world_wrote ("work", "begin");
    for (int death = 1; death <= 3; death++) {
        uint64_t epoch = cf_link_epoch (world.link);
        world_kill_broker ();
        world_start_broker ();
        world_until (cf_link_epoch (world.link) != epoch);
    }
    world_note ("go", "go");
    worker_end (&call);
    ck_assert_msg (call.answered, "%s", call.error.text);
    ck_assert_int_eq (world_count ("work", "begin"), 1);
    ck_assert_int_eq (world_count ("work", "end"), 1);
    world_end ();
}
END_TEST

START_TEST (is_answered_although_the_answer_was_given_to_no_broker)
{
    world_begin ();
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "qa", .command = "hold work" };
    worker_begin (&call);
    world_wrote ("work", "begin");
    world_kill_broker ();
    world_note ("go", "go");
    world_wrote ("work", "end");
    world_start_broker ();
    worker_end (&call);
    ck_assert_msg (call.answered, "%s", call.error.text);
    ck_assert_int_eq (world_count ("work", "begin"), 1);
    world_end ();
}
END_TEST

START_TEST (is_made_while_there_is_no_broker)
{
    world_begin ();
    world_actor ("worker", "qa", 1);
    world_kill_broker ();
    worker_call_t call = { .to = "qa", .command = "hello" };
    worker_begin (&call);
    cf_loop_turn (world.loop, 5);
    ck_assert (!call.ended);
    world_start_broker ();
    worker_end (&call);
    ck_assert_msg (call.answered, "%s", call.error.text);
    ck_assert_uint_eq (call.number, 0);
    world_end ();
}
END_TEST

START_TEST (ends_in_time_without_any_broker)
{
    world_begin ();
    world_kill_broker ();
    worker_call_t call = { .to = "qa", .command = "hello", .timeout_ms = 50 };
    worker_begin (&call);
    worker_end (&call);
    worker_expect (&call, CF_ERROR_TIMEOUT);
    world_end ();
}
END_TEST

START_TEST (asks_the_next_one_when_the_callee_dies)
{
    world_begin ();
    size_t first = world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "qa", .command = "hold work" };
    worker_begin (&call);
    world_wrote ("work", "begin");
    world_kill_actor (first);
    size_t second = world_actor ("worker", "qa", 1);
    world_note ("go", "go");
    worker_end (&call);
    ck_assert_msg (call.answered, "%s", call.error.text);
    ck_assert_int_eq (atoi (call.state), world.actors [second].pid);
    ck_assert_int_eq (world_count ("work", "begin"), 2);
    world_end ();
}
END_TEST

START_TEST (asks_nobody_else_when_told_so)
{
    world_begin ();
    size_t actor = world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "qa", .command = "hold work", .once = true };
    worker_begin (&call);
    world_wrote ("work", "begin");
    world_kill_actor (actor);
    worker_end (&call);
    worker_expect (&call, CF_ERROR_ACTOR_GONE);
    world_end ();
}
END_TEST

START_TEST (cancelling_reaches_whoever_works_for_it)
{
    world_begin ();
    world_actor ("worker", "research", 1);
    world_actor ("worker", "code", 1);
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "research", .command = "nest code qa" };
    worker_begin (&call);
    world_wrote ("nest", "begin qa");
    cf_task_cancel (call.task, CF_ERROR_CANCELLED);
    worker_end (&call);
    worker_expect (&call, CF_ERROR_CANCELLED);
    world_wrote ("nest", "CANCELLED qa");
    world_wrote ("nest", "CANCELLED code");
    world_wrote ("nest", "CANCELLED research");
    ck_assert_uint_eq (cf_call_count (), 0);
    world_end ();
}
END_TEST

START_TEST (a_dead_callers_calls_are_cancelled)
{
    world_begin ();
    size_t caller = world_actor ("worker", "research", 1);
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "research", .command = "nest qa", .once = true };
    worker_begin (&call);
    world_wrote ("nest", "begin qa");
    world_kill_actor (caller);
    world_wrote ("nest", "CANCELLED qa");
    worker_end (&call);
    worker_expect (&call, CF_ERROR_ACTOR_GONE);
    world_end ();
}
END_TEST

/*  Nobody could tell the callee: its caller died when there was no broker. */
START_TEST (a_caller_that_died_with_the_broker_is_missed)
{
    world_begin ();
    size_t caller = world_actor ("worker", "research", 1);
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "research", .command = "nest qa", .once = true };
    worker_begin (&call);
    world_wrote ("nest", "begin qa");
    world_kill_broker ();
    world_kill (&world.actors [caller].pid);
    world_start_broker ();
    world_wrote ("nest", "ACTOR_GONE qa");
    worker_end (&call);
    ck_assert (!call.answered);
    world_end ();
}
END_TEST

START_TEST (time_shrinks_on_the_way_down)
{
    world_begin ();
    world_actor ("worker", "research", 1);
    world_actor ("worker", "code", 1);
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "research", .command = "nest code qa", .timeout_ms = 20000 };
    worker_begin (&call);
    world_wrote ("nest", "begin qa");
    unsigned long long first = 0, second = 0;
    ck_assert_int_eq (sscanf (world_read ("left"), "%llu %llu", &first, &second), 2);
    ck_assert_uint_le (first, 20000);
    ck_assert_uint_le (second, first);
    ck_assert_uint_gt (second, 0);
    world_note ("go", "go");
    worker_end (&call);
    world_end ();
}
END_TEST

START_TEST (time_that_is_over_ends_all_of_it)
{
    world_begin ();
    world_actor ("worker", "research", 1);
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "research", .command = "nest qa", .timeout_ms = 300 };
    worker_begin (&call);
    worker_end (&call);
    worker_expect (&call, CF_ERROR_TIMEOUT);
    world_until (!world_count ("nest", "begin qa") || world_count ("nest", "CANCELLED qa") + world_count ("nest", "TIMEOUT qa") == 1);
    world_end ();
}
END_TEST

static void
s_call_when_cancelled (cf_task_t *task, void *arg)
{
    cf_task_cancel (task, CF_ERROR_CANCELLED);
    worker_ask (task, arg);
}

START_TEST (a_cancelled_task_asks_nobody)
{
    world_begin ();
    world_actor ("worker", "qa", 1);
    worker_call_t call = { .to = "qa", .command = "hold work" };
    cf_task_start (world.loop, s_call_when_cancelled, &call, NULL);
    ck_assert (call.ended);
    worker_expect (&call, CF_ERROR_CANCELLED);
    ck_assert_uint_eq (worker_do ("qa", "hello").number, 0);
    world_end ();
}
END_TEST

START_TEST (nobody_there_is_told)
{
    setenv ("BROKER_GRACE_MS", "50", 1);
    world_begin ();
    worker_call_t call = { .to = "nowhere", .command = "hello", .timeout_ms = 200 };
    worker_begin (&call);
    worker_end (&call);
    worker_expect (&call, CF_ERROR_NO_ACTOR);
    world_end ();
}
END_TEST

UNIT_MAIN ("call", is_answered, fails_with_what_the_callee_says, outlives_the_broker, is_answered_although_the_answer_was_given_to_no_broker,
           is_made_while_there_is_no_broker, ends_in_time_without_any_broker, asks_the_next_one_when_the_callee_dies,
           asks_nobody_else_when_told_so, cancelling_reaches_whoever_works_for_it, a_dead_callers_calls_are_cancelled,
           a_caller_that_died_with_the_broker_is_missed, time_shrinks_on_the_way_down, time_that_is_over_ends_all_of_it,
           a_cancelled_task_asks_nobody, nobody_there_is_told)
